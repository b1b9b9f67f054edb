/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit_bond.h"

/* service.c alone: what a round asks of hardware, in which order, and when it is due again (R1,
 * R11, R18, R21, R29, R31, I11, I16, I25). */

#define ORDERS 32u

static struct uiommu_port port[3];
static struct uiommu_device more_dev[2]; /* behind dev in the unit's list */
static struct uiommu_id known;

/* What a ring says when it is fetched. */
static struct {
    uint32_t waiting, flags, entries, room, fetches, acks, lies;
    uint32_t events, keeps; /* flags that later fetches say, too */
    uint32_t event_id, lost_then;
} ring[UIOMMU_RINGS];
static char order[ORDERS + 1];
static uint32_t orders, check_flags, check_events;

static void did(char what)
{
    if (orders < ORDERS)
        order[orders++] = what;
}

static uint32_t pending(void *hw, uint32_t r)
{
    (void)hw;
    return ring[r].waiting;
}
static uiommu_err fetch(void *hw, uint32_t r, struct uiommu_fetch *io)
{
    uint32_t n = ring[r].waiting < io->request_room ? ring[r].waiting : io->request_room, i;

    (void)hw;
    did((char)('0' + r));
    cr_assert(io->event_room == UIOMMU_BATCH && io->requests == unit->requests);
    ring[r].fetches++;
    ring[r].room = io->request_room;
    if (ring[r].lies != 0)
        n = 0;
    ring[r].waiting -= n;
    io->entries = n;
    io->flags = ring[r].flags | (ring[r].waiting != 0 ? UIOMMU_FETCH_MORE : 0);
    ring[r].flags = ring[r].keeps;
    for (i = 0; i < ring[r].events; i++) {
        memset(&io->events[i], 0, sizeof(io->events[i]));
        io->events[i].kind = UIOMMU_EVENT_UNIT_HUNG;
        io->events[i].id = ring[r].event_id;
    }
    io->event_count = ring[r].events;
    ring[r].events = 0;
    return UIOMMU_OK;
}
static void overflow_ack(void *hw, uint32_t r)
{
    (void)hw;
    did('o');
    ring[r].acks++;
    ring[r].lost_then = unit->ring[r].acks;
}
static void irq_ack(void *hw)
{
    (void)hw;
    did('i');
    cr_assert_eq(uiommu_word_load(&unit->due_now), 0, "what comes from here on is due again");
}
static void check(void *hw, struct uiommu_check *out)
{
    (void)hw;
    did('c');
    cr_assert_eq(host.irq_depth, 1);
    cr_assert(out->flags == 0 && out->event_count == 0);
    out->flags = check_flags;
    for (out->event_count = 0; out->event_count < check_events; out->event_count++) {
        out->event[out->event_count].kind = UIOMMU_EVENT_UNIT_HUNG;
        out->event[out->event_count].id = 8;
    }
}

static void fresh(void)
{
    struct uiommu_event event;
    uint32_t i;

    bond_fresh(UIOMMU_PHASE_NONE);
    memset(ring, 0, sizeof(ring));
    memset(port, 0, sizeof(port));
    memset(more_dev, 0, sizeof(more_dev));
    memset(unit->ring, 0, sizeof(unit->ring));
    memset(&unit->counters, 0, sizeof(unit->counters));
    memset(order, 0, sizeof(order));
    orders = check_flags = check_events = 0;
    dev.user = &dev;
    for (i = 0; i < 2; i++) {
        more_dev[i] = dev;
        more_dev[i].next = i == 0 ? &more_dev[1] : NULL;
        more_dev[i].port = &port[i + 1];
    }
    dev.next = &more_dev[0];
    dev.port = &port[0];
    unit->devices = &dev;
    unit->asking = 3;
    known.dev = &dev;
    unit->caps.rings = 2;
    unit->caps.ring[0].flags = UIOMMU_RING_LOSES | UIOMMU_RING_REQUESTS;
    unit->caps.ring[1].flags = 0;
    unit->first = unit->looks = unit->out.count = 0;
    unit->ops.ring_pending = pending;
    unit->ops.fetch = fetch;
    unit->ops.overflow_ack = overflow_ack;
    unit->ops.irq_ack = irq_ack;
    unit->ops.check = check;
    uiommu_word_store(&unit->hung, 0);
    uiommu_word_store(&unit->due_now, 0);
    while (uiommu_unit_next_event(unit, &event) == UIOMMU_OK)
        ;
    host.tick_ns = 0;
    host.now_ns = T0;
}

static void up(void)
{
    struct uiommu_slot *slot;

    toy_up();
    slot = uiommu_radix_reserve(u, &unit->ids, 8);
    cr_assert_not_null(slot);
    uiommu_slot_store(slot, &known);
    fresh();
}
static void down(void)
{
    struct uiommu_slot *slot = uiommu_radix_reserve(u, &unit->ids, 8);

    uiommu_slot_store(slot, NULL);
    unit->devices = NULL;
    unit->out.count = 0;
    unit->caps.rings = 1;
    host.tick_ns = 1000;
    toy.room = UINT32_MAX;
    toy_end();
}

TestSuite(service, .init = up, .fini = down);

static uint32_t events(enum uiommu_event_kind kind)
{
    struct uiommu_event event;
    uint32_t n = 0;

    while (uiommu_unit_next_event(unit, &event) == UIOMMU_OK)
        n += event.kind == kind ? event.count : 0;
    return n;
}

static uiommu_err serve(uint32_t budget)
{
    orders = 0;
    memset(order, 0, sizeof(order));
    return uiommu_unit_service(unit, budget);
}

/* The interrupt is acknowledged before anything is looked at; every ring is asked, in turn. */
Test(service, order_of_a_round)
{
    uiommu_word_store(&unit->due_now, 1);
    cr_assert_eq(serve(0), UIOMMU_OK);
    cr_assert_str_eq(order, "ic01");
    cr_assert(unit->looks == 1 && unit->counters.services == 1);
    cr_assert_eq(serve(0), UIOMMU_OK);
    cr_assert_str_eq(order, "ic10");
    cr_assert_eq(serve(0), UIOMMU_OK);
    cr_assert_str_eq(order, "ic01");
    cr_assert(unit->looks == 3 && unit->now_ns == T0);
    cr_assert_eq(uiommu_unit_next_deadline(unit), UINT64_MAX);
}

/* R21: what a call may consume, that there is more, and that a look is one at every ring. */
Test(service, budget)
{
    ring[0].waiting = 10;
    cr_assert_eq(serve(4), UIOMMU_MORE);
    cr_assert(ring[0].fetches == 1 && ring[0].room == 4 && ring[1].fetches == 0);
    cr_assert(unit->looks == 0 && unit->ring[0].count == 4 && unit->counters.entries == 4);
    cr_assert_eq(serve(4), UIOMMU_MORE);
    cr_assert(ring[1].fetches == 1 && unit->looks == 1, "the other one comes first");
    cr_assert(ring[0].waiting == 2 && unit->ring[0].count == 8);
    cr_assert_eq(serve(3), UIOMMU_OK);
    cr_assert(ring[0].fetches == 3 && ring[1].fetches == 2 && unit->looks == 2);
    cr_assert_eq(unit->ring[0].count, 10);
    ring[0].waiting = 3 * UIOMMU_BATCH;
    cr_assert_eq(serve(0), UIOMMU_MORE);
    cr_assert_eq(ring[0].waiting, 2 * UIOMMU_BATCH, "0 is a batch");
    cr_assert_eq(serve(2 * UIOMMU_BATCH), UIOMMU_OK);
    cr_assert(ring[0].waiting == 0 && ring[0].room == UIOMMU_BATCH);
}

/* R26, I22: never more than there are places for answers. */
Test(service, room_for_answers)
{
    uint32_t i;

    toy.room = 0;
    for (i = 0; i < UIOMMU_BATCH; i++) {
        memset(&unit->out.answer[i], 0, sizeof(unit->out.answer[i]));
        unit->out.dev[i] = NULL;
    }
    unit->out.count = UIOMMU_BATCH - 2;
    ring[0].waiting = 2;
    cr_assert_eq(serve(0), UIOMMU_OK);
    cr_assert(ring[0].room == 2 && ring[0].waiting == 0 && unit->looks == 1);
    cr_assert_eq(uiommu_unit_next_deadline(unit), T0 + UIOMMU_RETRY_NS);
    unit->out.count = UIOMMU_BATCH;
    ring[0].waiting = 2;
    ring[0].fetches = 0;
    cr_assert_eq(serve(0), UIOMMU_OK, "not at once: only hardware makes room");
    cr_assert(ring[0].fetches == 0 && unit->looks == 1);
    cr_assert_eq(uiommu_unit_next_deadline(unit), T0 + UIOMMU_RETRY_NS);
    toy.room = 10;
    cr_assert_eq(serve(0), UIOMMU_OK);
    cr_assert(ring[0].waiting == 0 && toy.answers == 10 && unit->looks == 2);
    unit->out.count = 0;
}

/* I25: a ring that says that there is something and gives nothing is looked at later. */
Test(service, stuck)
{
    ring[0].waiting = 3;
    ring[0].lies = 1;
    cr_assert_eq(serve(0), UIOMMU_OK);
    cr_assert(ring[0].fetches == 1 && unit->no_progress);
    cr_assert_eq(uiommu_unit_next_deadline(unit), T0 + UIOMMU_RETRY_NS);
    ring[0].waiting = 0;
    cr_assert_eq(serve(0), UIOMMU_OK);
    cr_assert_not(unit->no_progress);
    cr_assert_eq(uiommu_unit_next_deadline(unit), UINT64_MAX);
    ring[1].waiting = 1; /* and the one that is asked first moves */
    ring[1].lies = 1;
    ring[0].waiting = 1;
    ring[0].lies = 0;
    unit->first = 1;
    cr_assert_eq(serve(0), UIOMMU_OK);
    cr_assert(unit->no_progress && ring[0].waiting == 0);
}

/* I11, R31: acknowledged once the ring is empty, and what that means is done before. */
Test(service, overflow)
{
    ring[0].waiting = 6;
    ring[0].flags = UIOMMU_FETCH_OVERFLOW;
    uiommu_word_store(&more_dev[0].state, UIOMMU_DEVICE_RESETTING);
    more_dev[1].port = NULL;
    unit->asking = 2;
    cr_assert_eq(serve(4), UIOMMU_MORE);
    cr_assert(ring[0].acks == 0 && unit->ring[0].overflow && unit->ring[0].acks == 0);
    cr_assert_eq(events(UIOMMU_EVENT_REQUESTS_LOST), 0);
    cr_assert_eq(serve(4), UIOMMU_OK);
    cr_assert(ring[0].acks == 1 && !unit->ring[0].overflow && unit->ring[0].acks == 1);
    cr_assert_eq(ring[0].lost_then, 1, "before the acknowledge");
    cr_assert_eq(unit->counters.overflows, 1);
    cr_assert(host.trace.id == UIOMMU_TRACE_OVERFLOW && host.trace.a == 0 && host.trace.b == 1);
    cr_assert(host.trace.c == 0 && host.trace.d == 0);
    cr_assert_eq(events(UIOMMU_EVENT_REQUESTS_LOST), 1, "of one that is normal and has a port");
    cr_assert_eq(serve(4), UIOMMU_OK);
    cr_assert_eq(ring[0].acks, 1);
    fresh();
    ring[1].flags = UIOMMU_FETCH_OVERFLOW;
    cr_assert_eq(serve(0), UIOMMU_OK);
    cr_assert(ring[1].acks == 1 && unit->ring[1].acks == 1 && unit->counters.overflows == 0);
    cr_assert_eq(events(UIOMMU_EVENT_REQUESTS_LOST), 0, "it carries none");
}

/* R1: positions that were handed out and whose entries are gone are reached all the same. */
Test(service, late)
{
    ring[0].waiting = 2;
    ring[0].flags = UIOMMU_FETCH_LATE;
    unit->ring[0].given = 9;
    unit->ring[0].overflow = true;
    cr_assert_eq(serve(1), UIOMMU_MORE);
    cr_assert(unit->ring[0].acks == 1 && unit->ring[0].count == 1 && ring[0].acks == 0);
    cr_assert_not(unit->ring[0].overflow);
    cr_assert_eq(unit->counters.overflows, 1);
    fresh();
    ring[0].waiting = 1;
    ring[0].flags = UIOMMU_FETCH_LATE;
    unit->ring[0].given = 9;
    cr_assert_eq(serve(0), UIOMMU_OK);
    cr_assert(unit->ring[0].count == 9 && unit->ring[0].acks == 1);
    ring[0].waiting = 1;
    ring[0].flags = UIOMMU_FETCH_LATE;
    cr_assert_eq(serve(0), UIOMMU_OK);
    cr_assert_eq(unit->ring[0].count, 10, "it does not fall");
}

/* Ports that had failed when an event came of them. */
static uint32_t failed_then;

static void looks_at_ports(struct fake_host *h)
{
    uint32_t n = unit->events.head - unit->events.tail;

    (void)h;
    if (n < 2 && failed_then == n)
        failed_then += uiommu_word_load(&port[2 * n].failed);
}

/* R31: hardware has said FAILURE: all ports are off, answers of before are nobody's. */
Test(service, failure_sent)
{
    ring[0].flags = UIOMMU_FETCH_FAILURE_SENT;
    more_dev[0].port = NULL;
    uiommu_word_store(&port[2].generation, 7);
    failed_then = 0;
    host.on_lock = looks_at_ports;
    cr_assert_eq(serve(0), UIOMMU_OK);
    host.on_lock = NULL;
    cr_assert_eq(failed_then, 2, "who is told finds it so");
    cr_assert(uiommu_word_load(&port[0].generation) == 1 && uiommu_word_load(&port[0].failed) == 1);
    cr_assert(uiommu_word_load(&port[2].generation) == 8 && uiommu_word_load(&port[2].failed) == 1);
    cr_assert_eq(uiommu_word_load(&port[1].failed), 0);
    cr_assert_eq(events(UIOMMU_EVENT_PRI_OFF), 2);
}

/* I16: the device behind an event, where there is one; what a device causes has less room. */
Test(service, events)
{
    uint32_t part = unit->events.size - unit->events.size / 4, i;
    struct uiommu_event event;

    ring[0].events = 1;
    ring[0].event_id = 8;
    ring[1].events = 1;
    ring[1].event_id = 9;
    check_events = 1;
    cr_assert_eq(serve(0), UIOMMU_OK);
    check_events = 0;
    cr_assert_eq(uiommu_unit_next_event(unit, &event), UIOMMU_OK);
    cr_assert(event.device == &dev && event.device_user == &dev, "from the registers");
    cr_assert_eq(uiommu_unit_next_event(unit, &event), UIOMMU_OK);
    cr_assert(event.device == &dev && event.device_user == &dev && event.id == 8);
    cr_assert_eq(uiommu_unit_next_event(unit, &event), UIOMMU_OK);
    cr_assert(event.device == NULL && event.device_user == NULL && event.id == 9);
    ring[0].events = 1;
    ring[0].event_id = UINT32_MAX;
    cr_assert_eq(serve(0), UIOMMU_OK);
    cr_assert_eq(uiommu_unit_next_event(unit, &event), UIOMMU_OK);
    cr_assert(event.device == NULL && event.id == UINT32_MAX);
    for (i = 0; i < part; i += ring[0].events == 0 ? 0 : 1) {
        uint32_t n = part - i < 32 ? part - i : 32;

        ring[0].events = n;
        ring[0].event_id = 8;
        cr_assert_eq(serve(0), UIOMMU_OK);
        i += n;
    }
    cr_assert_eq(unit->counters.events_lost, 0);
    ring[0].events = 1;
    cr_assert_eq(serve(0), UIOMMU_OK);
    cr_assert_eq(unit->counters.events_lost, 1);
    check_events = 1;
    cr_assert_eq(serve(0), UIOMMU_OK);
    cr_assert_eq(unit->counters.events_lost, 1);
}

/* An event of no device is nobody's, though a device may have the ID that stands for none. */
Test(service, event_of_nobody)
{
    struct uiommu_slot *slot = uiommu_radix_reserve(u, &unit->ids, UINT32_MAX);
    struct uiommu_event event;

    cr_assert_not_null(slot);
    uiommu_slot_store(slot, &known);
    ring[0].events = 1;
    ring[0].event_id = UINT32_MAX;
    cr_assert_eq(serve(0), UIOMMU_OK);
    cr_assert_eq(uiommu_unit_next_event(unit, &event), UIOMMU_OK);
    cr_assert(event.device == NULL && event.device_user == NULL);
    uiommu_slot_store(slot, NULL);
}

/* Registers say that it is dead, or that there is more to do. */
Test(service, looked_around)
{
    check_flags = UIOMMU_CHECK_MORE;
    cr_assert_eq(serve(0), UIOMMU_OK);
    cr_assert_eq(uiommu_unit_next_deadline(unit), T0 + UIOMMU_RETRY_NS);
    cr_assert_eq(uiommu_word_load(&unit->hung), 0);
    check_flags = UIOMMU_CHECK_DEAD;
    cr_assert_eq(serve(0), UIOMMU_OK);
    cr_assert(host.trace.id == UIOMMU_TRACE_TICKET && host.trace.a == 0, "of none in particular");
    cr_assert_eq(uiommu_word_load(&unit->hung), 1);
    cr_assert_eq(uiommu_unit_next_deadline(unit), UINT64_MAX);
}

/* A ring is lost with more devices than the event ring has room for: all are counted, and nobody
 * is looked at in vain. */
Test(service, overflow_without_room)
{
    struct uiommu_event event;
    uintptr_t lost, told;

    while (uiommu_event_device(&dev, UIOMMU_EVENT_REQUESTS_LOST, UIOMMU_PASID_NONE, 1))
        ;
    lost = unit->counters.events_lost - 1;
    told = unit->counters.events;
    unit->events.tail++; /* room for one */
    unit->asking = 1000; /* behind the third there is none */
    more_dev[1].next = NULL;
    ring[0].flags = UIOMMU_FETCH_OVERFLOW;
    cr_assert_eq(serve(0), UIOMMU_OK);
    cr_assert_eq(unit->counters.events_lost - lost, 1 + 999);
    cr_assert_eq(unit->counters.events - told, 1000);
    unit->asking = 3;
    while (uiommu_unit_next_event(unit, &event) == UIOMMU_OK && event.device != NULL)
        ;
    cr_assert(event.kind == UIOMMU_EVENT_EVENTS_LOST && event.count == 1 + 999);
}

/* Each deadline that there is, the earliest of them. */
Test(service, deadlines)
{
    struct uiommu_group_slot *open, *live;

    uiommu_word_store(&more_dev[1].reset_step, UIOMMU_RESET_SETTLE);
    uiommu_word_store(&more_dev[0].reset_step, UIOMMU_RESET_SETTLE);
    uiommu_device_due(&more_dev[0]);
    uiommu_device_due(&more_dev[1]);
    more_dev[1].reset_until_ns = T0 + 500;
    more_dev[0].reset_until_ns = T0 + 700;
    cr_assert_eq(serve(0), UIOMMU_OK);
    cr_assert_eq(uiommu_unit_next_deadline(unit), T0 + 500);
    check_flags = UIOMMU_CHECK_MORE;
    more_dev[1].reset_until_ns = T0 + 2 * UIOMMU_RETRY_NS;
    more_dev[0].reset_until_ns = T0 + 2 * UIOMMU_RETRY_NS;
    cr_assert_eq(serve(0), UIOMMU_OK);
    cr_assert_eq(uiommu_unit_next_deadline(unit), T0 + UIOMMU_RETRY_NS);
    more_dev[1].reset_until_ns = T0 + 5;
    cr_assert_eq(serve(0), UIOMMU_OK);
    cr_assert_eq(uiommu_unit_next_deadline(unit), T0 + 5);
    fresh();
    cr_assert_eq(uiommu_pool_grow(unit, 4), UIOMMU_OK);
    open = uiommu_slot_open(unit);
    live = uiommu_slot_open(unit);
    uiommu_age_add(unit, open, 1);
    uiommu_age_add(unit, live, 2);
    live->since_ns = T0 + 3;
    unit->config.partial_ns = 100;
    unit->config.answer_ns = 98;
    cr_assert_eq(serve(0), UIOMMU_OK);
    cr_assert_eq(uiommu_unit_next_deadline(unit), T0 + 100);
    unit->config.answer_ns = 96;
    cr_assert_eq(serve(0), UIOMMU_OK);
    cr_assert_eq(uiommu_unit_next_deadline(unit), T0 + 99);
    uiommu_age_remove(unit, open);
    uiommu_age_remove(unit, live);
    uiommu_word_store(&unit->due_now, 1);
    cr_assert_eq(uiommu_unit_next_deadline(unit), T0, "now");
    uiommu_word_store(&unit->due_now, 0);
}

/* R21: who may serve, and who is told that there is more. */
Test(service, who_serves)
{
    uint32_t due;

    cr_assert_eq(uiommu_unit_service(NULL, 0), UIOMMU_E_HANDLE);
    cr_assert_eq(uiommu_unit_next_deadline(NULL), UINT64_MAX);
    cr_assert_null(uiommu_unit_due_word(NULL));
    cr_assert_eq(uiommu_unit_due_word(unit), &unit->due);
    unit->deadline_ns = 5;
    cr_assert(uiommu_role_take(unit));
    uiommu_word_store(&unit->started, 0);
    cr_assert_eq(serve(0), UIOMMU_E_STATE);
    cr_assert_eq(uiommu_unit_next_deadline(unit), UINT64_MAX);
    uiommu_word_store(&unit->started, 1);
    cr_assert_not(uiommu_role_drop(unit), "a stopped unit has no role to ask for");
    cr_assert(uiommu_role_take(unit));
    cr_assert_eq(serve(0), UIOMMU_E_BUSY);
    cr_assert(uiommu_role_drop(unit), "word is left");
    cr_assert_eq(unit->counters.services, 0);
    due = uiommu_word_load(&unit->due);
    uiommu_unit_pump(unit);
    cr_assert(unit->counters.services == 1 && uiommu_word_load(&unit->due) == due);
    ring[0].waiting = 2 * UIOMMU_BATCH;
    uiommu_unit_pump(unit);
    cr_assert_neq(uiommu_word_load(&unit->due), due, "what is left makes service due");
    cr_assert_eq(ring[0].waiting, UIOMMU_BATCH);
}

static uint32_t kicks;
static void kicking(void *hw)
{
    irq_ack(hw);
    if (kicks != 0) {
        kicks--;
        uiommu_unit_kick(unit); /* as another CPU would, while this one has the role */
    }
}

/* Whoever waits for the role has it before that. */
Test(service, asked_again_and_wanted)
{
    unit->ops.irq_ack = kicking;
    kicks = 1;
    uiommu_word_store(&unit->role_wanted, 1);
    cr_assert_eq(serve(0), UIOMMU_MORE);
    cr_assert_str_eq(order, "ic01");
    cr_assert_eq(uiommu_word_load(&unit->role), 0);
    uiommu_word_store(&unit->role_wanted, 0);
}

static uiommu_err due_again(void *hw, uint32_t r, struct uiommu_fetch *io)
{
    uiommu_word_store(&unit->due_now, 1);
    return fetch(hw, r, io);
}

/* R21: what became due meanwhile is left. */
Test(service, due_meanwhile)
{
    unit->ops.fetch = due_again;
    cr_assert_eq(serve(0), UIOMMU_MORE);
    unit->ops.fetch = fetch;
    cr_assert_eq(serve(0), UIOMMU_OK);
}

static uiommu_err strangers(void *hw, uint32_t r, struct uiommu_fetch *io)
{
    uint32_t i;
    uiommu_err err = fetch(hw, r, io);

    for (i = 0; r == 0 && i < io->entries; i++) {
        memset(&io->requests[i], 0, sizeof(io->requests[i]));
        io->requests[i].id = 9;
        io->requests[i].at = i;
        io->requests[i].flags = UIOMMU_READ | UIOMMU_REQUEST_LAST;
    }
    io->request_count = r == 0 ? io->entries : 0;
    return err;
}

/* R26: as many answers as there are requests, however many those are; each once. */
Test(service, answers_make_room)
{
    unit->ops.fetch = strangers;
    ring[0].waiting = 2 * UIOMMU_BATCH + 3;
    cr_assert_eq(serve(4 * UIOMMU_BATCH), UIOMMU_OK);
    cr_assert(ring[0].waiting == 0 && toy.answers == 2 * UIOMMU_BATCH + 3);
    cr_assert_eq(toy.code[UIOMMU_CODE_INVALID & 3], 2 * UIOMMU_BATCH + 3);
    cr_assert_eq(unit->out.count, 0);
}

/* R21: a round for who has asked meanwhile, each at the cost of one of the budget. */
Test(service, asked_again)
{
    unit->ops.irq_ack = kicking;
    kicks = 1;
    cr_assert_eq(serve(0), UIOMMU_OK);
    cr_assert_str_eq(order, "ic01ic10");
    cr_assert_eq(uiommu_word_load(&unit->role), 0);
    kicks = 100;
    cr_assert_eq(serve(2), UIOMMU_MORE);
    cr_assert_eq(kicks, 97, "%u", kicks);
    cr_assert_eq(uiommu_word_load(&unit->role), 0);
    kicks = 0;
}
