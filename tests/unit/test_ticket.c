/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit_toy.h"

/* ticket.c alone: what is done, what failed, and when a unit hangs (R12, R15, I21). */

static uint32_t polls, pushes, looks, free_at;
static uiommu_err says;

static uiommu_err poll(void *hw, uint64_t ticket)
{
    cr_assert(hw == &toy && ticket == 41);
    polls++;
    return free_at != 0 && polls >= free_at ? UIOMMU_OK : says;
}
static uint64_t ticking(void *ctx)
{
    (void)ctx;
    looks++;
    return host.now_ns += 1000;
}

static void up(void)
{
    toy_up();
    unit->ops.ticket_poll = poll;
    u->host.now_ns = ticking;
    polls = pushes = looks = free_at = 0;
    says = UIOMMU_PENDING;
    toy.tickets = 40;
    memset(&unit->counters, 0, sizeof(unit->counters));
}
static void down(void)
{
    unit->ops.ticket_poll = toy_poll;
    toy_end();
}

TestSuite(ticket, .init = up, .fini = down);

static uint32_t hung(void)
{
    return uiommu_word_load(&unit->hung);
}
static uint32_t told(void)
{
    struct uiommu_event event;
    uint32_t n = 0;

    while (uiommu_unit_next_event(unit, &event) == UIOMMU_OK) {
        if (event.kind != UIOMMU_EVENT_UNIT_HUNG)
            continue;
        cr_assert(event.id == UINT32_MAX && event.pasid == UIOMMU_PASID_NONE && event.count == 1);
        cr_assert(event.access == 0 && event.address == 0 && event.hw_code == 0);
        cr_assert(event.device == NULL && event.device_user == NULL && event.raw[0] == 0);
        n++;
    }
    return n;
}

Test(ticket, pushed)
{
    uint64_t ticket = 0;

    cr_assert_eq(uiommu_ticket_push(unit, &ticket), UIOMMU_OK);
    cr_assert_eq(ticket, 41);
    cr_assert(unit->counters.commands == 1 && unit->counters.full == 0);
    cr_assert_eq(host.trace.id, UIOMMU_TRACE_TICKET);
    cr_assert(host.trace.a == 41 && host.trace.b == 0 && host.trace.c == 0 && host.trace.d == 0);
    toy.failing = TOY_TICKET;
    toy.with = UIOMMU_E_BUSY;
    cr_assert_eq(uiommu_ticket_push(unit, &ticket), UIOMMU_E_BUSY);
    cr_assert(unit->counters.commands == 1 && unit->counters.full == 1);
}

/* One that is done shows that the unit lives; one that failed shows nothing of the kind. */
Test(ticket, polled)
{
    uint32_t traces = host.traces;

    uiommu_word_store(&unit->hung, 1);
    cr_assert_eq(uiommu_ticket_poll(unit, 41), UIOMMU_PENDING);
    cr_assert(hung() == 1 && host.traces == traces && unit->counters.command_errors == 0);
    says = UIOMMU_E_HW;
    cr_assert_eq(uiommu_ticket_poll(unit, 41), UIOMMU_E_HW);
    cr_assert(hung() == 1 && unit->counters.command_errors == 1);
    cr_assert(host.traces == traces + 1 && host.trace.b == 2);
    says = UIOMMU_OK;
    cr_assert_eq(uiommu_ticket_poll(unit, 41), UIOMMU_OK);
    cr_assert(hung() == 0 && unit->counters.command_errors == 1);
    cr_assert(host.traces == traces + 2 && host.trace.a == 41 && host.trace.b == 1);
    cr_assert(host.trace.c == 0 && host.trace.d == 0);
}

/* What is on the stack is in no event. */
static void __attribute__((noinline)) dirty(void)
{
    volatile unsigned char stack[1024];
    size_t i;

    for (i = 0; i < sizeof(stack); i++)
        stack[i] = 0xa5;
}

static uint32_t waiting_then;
static void logs_it(void *ctx, enum uiommu_log_level level, const char *msg)
{
    (void)ctx;
    (void)level;
    (void)msg;
    waiting_then = unit->events.head - unit->events.tail;
}

/* Who reads the log finds the event. */
Test(ticket, logged)
{
    void (*log)(void *ctx, enum uiommu_log_level level, const char *msg) = u->host.log;

    u->host.log = logs_it;
    uiommu_unit_hangs(unit, 41);
    cr_assert_eq(waiting_then, 1);
    u->host.log = log;
}

/* I21: told and logged once, until it lives again. */
Test(ticket, hangs)
{
    uint32_t logs = host.logs;

    dirty();
    uiommu_unit_hangs(unit, 41);
    cr_assert(hung() == 1 && host.trace.a == 41 && host.trace.b == 3);
    cr_assert(host.trace.c == 0 && host.trace.d == 0);
    uiommu_unit_hangs(unit, 41);
    cr_assert(told() == 1 && host.logs == logs + 1 && unit->counters.command_errors == 2);
    uiommu_word_store(&unit->hung, 0);
    uiommu_unit_hangs(unit, 41);
    cr_assert(told() == 1 && host.logs == logs + 2);
}

/* R12: waited for as long as was said, one look more, and no longer. */
Test(ticket, waited_for)
{
    free_at = 5;
    cr_assert_eq(uiommu_ticket_wait(unit, 41, 100000), UIOMMU_OK);
    cr_assert(polls == 5 && hung() == 0);
    free_at = 0;
    polls = looks = 0;
    cr_assert_eq(uiommu_ticket_wait(unit, 41, 10000), UIOMMU_E_TIMEOUT);
    cr_assert(polls == 11 && hung() == 1 && told() == 1, "%u", polls);
    polls = 0;
    cr_assert_eq(uiommu_ticket_wait(unit, 41, 10000), UIOMMU_E_TIMEOUT);
    cr_assert_eq(polls, 1, "a unit that hangs has one look");
    free_at = 1;
    polls = 0;
    cr_assert_eq(uiommu_ticket_wait(unit, 41, 10000), UIOMMU_OK);
    cr_assert_eq(hung(), 0);
    free_at = 0;
    says = UIOMMU_E_HW;
    polls = 0;
    cr_assert_eq(uiommu_ticket_wait(unit, 41, 10000), UIOMMU_E_HW);
    cr_assert(polls == 1 && hung() == 0);
    /* The last look comes after the time is up. */
    says = UIOMMU_PENDING;
    free_at = 11;
    polls = 0;
    cr_assert_eq(uiommu_ticket_wait(unit, 41, 10000), UIOMMU_OK);
    cr_assert_eq(hung(), 0);
}

/* ---- commands, and a ticket behind them ---- */

static uint32_t room_at;

static uiommu_err push(struct uiommu_unit *of, void *arg)
{
    cr_assert(of == unit && arg == &room_at);
    cr_assert_eq(host.irq_depth, 1, "under the unit's lock");
    pushes++;
    return room_at != 0 && pushes >= room_at ? UIOMMU_OK : UIOMMU_E_BUSY;
}
static uiommu_err refuse(struct uiommu_unit *of, void *arg)
{
    (void)of;
    (void)arg;
    pushes++;
    return UIOMMU_E_UNSUPPORTED;
}

static uiommu_err commands(uint64_t ns)
{
    pushes = polls = 0;
    toy.tickets = 40;
    return uiommu_commands_wait(unit, push, &room_at, ns);
}

/* R15, I21: a unit where another ticket ends meanwhile gets on: too late is not hung. */
Test(ticket, gets_on)
{
    free_at = 0;
    unit->moved_ns = uiommu_now(u) + 5000;
    cr_assert_eq(uiommu_ticket_wait(unit, 41, 10000), UIOMMU_E_TIMEOUT);
    cr_assert(hung() == 0 && told() == 0 && unit->counters.command_errors == 1);
    cr_assert(host.trace.a == 41 && host.trace.b == 3 && host.trace.c == 0 && host.trace.d == 0);
    cr_assert_eq(uiommu_ticket_wait(unit, 41, 10000), UIOMMU_E_TIMEOUT);
    cr_assert(hung() == 1 && told() == 1);
    uiommu_word_store(&unit->hung, 0);
    unit->moved_ns = host.now_ns + 1000 - 9999; /* the look takes 1 us */
    uiommu_unit_late(unit, 41, 10000);
    cr_assert_eq(hung(), 0);
    unit->moved_ns = host.now_ns + 1000 - 10000;
    uiommu_unit_late(unit, 41, 10000);
    cr_assert_eq(hung(), 1);
}

/* What ends, well or not, is seen to have moved. */
Test(ticket, moves)
{
    uint64_t before = host.now_ns;

    free_at = 2;
    cr_assert_eq(uiommu_ticket_poll(unit, 41), UIOMMU_PENDING);
    cr_assert_eq(unit->moved_ns, 0);
    cr_assert_eq(uiommu_ticket_poll(unit, 41), UIOMMU_OK);
    cr_assert_eq(unit->moved_ns, before + 1000);
    before = host.now_ns;
    free_at = 0;
    says = UIOMMU_E_HW;
    cr_assert_eq(uiommu_ticket_poll(unit, 41), UIOMMU_E_HW);
    cr_assert_eq(unit->moved_ns, before + 1000);
}

Test(ticket, commands)
{
    free_at = 1;
    room_at = 1;
    cr_assert_eq(commands(10000), UIOMMU_OK);
    cr_assert(pushes == 1 && polls == 1);
    room_at = 4;
    cr_assert_eq(commands(10000), UIOMMU_OK);
    cr_assert(pushes == 4 && polls == 1);
    room_at = 0;
    cr_assert_eq(commands(10000), UIOMMU_E_TIMEOUT);
    cr_assert(pushes == 11 && polls == 0 && hung() == 1 && told() == 1, "%u", pushes);
    cr_assert(host.trace.a == 0 && host.trace.b == 3, "no ticket of its own");
    cr_assert_eq(commands(10000), UIOMMU_E_TIMEOUT);
    cr_assert_eq(pushes, 1, "one look");
    uiommu_word_store(&unit->hung, 0);
    room_at = 11;
    cr_assert_eq(commands(10000), UIOMMU_OK, "the last look");
    cr_assert_eq(hung(), 0);
    pushes = 0;
    cr_assert_eq(uiommu_commands_wait(unit, refuse, NULL, 10000), UIOMMU_E_UNSUPPORTED);
    cr_assert(pushes == 1 && hung() == 0);
    /* Without room for the ticket all is done again. */
    toy.failing = TOY_TICKET;
    toy.with = UIOMMU_E_BUSY;
    room_at = 1;
    cr_assert_eq(commands(10000), UIOMMU_E_TIMEOUT);
    cr_assert(pushes == 11 && polls == 0);
    toy.failing = TOY_NONE;
    /* The wait for the ticket has its own time. */
    uiommu_word_store(&unit->hung, 0);
    free_at = 0;
    cr_assert_eq(commands(10000), UIOMMU_E_TIMEOUT);
    cr_assert(pushes == 1 && polls == 11 && hung() == 1);
    cr_assert_eq(host.irq_depth, 0);
}
