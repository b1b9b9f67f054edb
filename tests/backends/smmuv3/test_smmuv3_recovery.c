/* SPDX-License-Identifier: BSD-2-Clause */
/* The output queues where something goes wrong: their recovery step by step, what is told about
 * what was lost, and entries that come between two looks. */
#define _DEFAULT_SOURCE /* For MAP_ANONYMOUS. */
#include "fake_smmuv3.h"

#include <criterion/criterion.h>
#include <sys/mman.h>
#include <unistd.h>

#define PRIQ    0u
#define EVENTQ  1u
#define CR0     0x20u
#define CR0ACK  0x24u
#define E_PROD  0x100a8u
#define E_CONS  0x100acu
#define P_PROD  0x100c8u
#define P_CONS  0x100ccu
#define GERROR  0x60u
#define GERRORN 0x64u
#define LOST    0x80000000u

static struct uiommu *u;
static struct uiommu_smmuv3 *hw;
static const struct uiommu_backend_ops *ops;
static struct uiommu_request requests[16];
static struct uiommu_event events[16];
static uint64_t now;

static uint64_t now_ns(void *ctx)
{
    (void)ctx;
    return now;
}

/* Queues of 8 entries, with or without PRI and stalls. */
static void begin_with(bool pri, bool stalls)
{
    struct uiommu_smmuv3_config c = fake_config();

    c.priq_log2 = 3;
    c.eventq_log2 = 3;
    u = fake_new();
    if (!pri)
        *fake_reg(u, 0) &= ~(1u << 16);
    if (!stalls)
        *fake_reg(u, 0x14) &= 0xffff;
    hw = fake_unit(u, &c);
    cr_assert_not_null(hw);
    ops = u->core.unit.ops;
    now = UINT64_C(1) << 40;
    u->core.host.now_ns = now_ns;
}

static void begin(void)
{
    begin_with(true, true);
}

static void end(void)
{
    FAKE_END(u);
}

TestSuite(recovery, .init = begin, .fini = end);

static struct uiommu_fetch fetch(uint32_t ring)
{
    struct uiommu_fetch io = {requests, 8, 99, events, 8, 99, 99, 99};

    cr_assert_eq(ops->fetch(hw, ring, &io), UIOMMU_OK);
    return io;
}

/* Says so, and that so many entries went. */
static void expect(uint32_t ring, uint32_t entries, uint32_t flags)
{
    struct uiommu_fetch io = fetch(ring);

    cr_assert_eq(io.entries, entries, "%u entries", io.entries);
    cr_assert_eq(io.flags, flags, "flags %x", io.flags);
    cr_assert_eq(io.request_count, 0);
    cr_assert_eq(io.event_count, 0);
}

static struct uiommu_check check(void)
{
    struct uiommu_check c;

    memset(&c, 0xff, sizeof(c));
    ops->check(hw, &c);
    return c;
}

static void prq_put(uint32_t slot, uint32_t index)
{
    uint64_t *words = (uint64_t *)hw->priq.mem.cpu + slot * 2;

    words[0] = le64(0xf000000300000208);
    words[1] = le64(0x00007fff12346000 | index);
}

static void wrote(uint32_t at, uint32_t offset, uint32_t value)
{
    cr_assert_eq(u->wrote[at].offset, offset, "%u: %x", at, u->wrote[at].offset);
    cr_assert_eq(u->wrote[at].value, value, "%u: %x", at, u->wrote[at].value);
}

/* ---- aborts ---- */

/* Off, empty, acknowledged, on: at once where hardware follows at once. The event queue is read in
 * between. */
Test(recovery, of_both_in_their_order)
{
    struct uiommu_check c;

    *fake_reg(u, P_PROD) = 3;
    *fake_reg(u, E_PROD) = 8;
    *fake_reg(u, GERROR) ^= 0xc;
    u->writes = 0;
    c = check();
    cr_assert_eq(c.flags, UIOMMU_CHECK_MORE);
    cr_assert_eq(c.event_count, 2);
    cr_assert_eq(c.event[0].kind, UIOMMU_EVENT_QUEUE_ERROR);
    cr_assert_eq(c.event[0].raw[0], PRIQ);
    cr_assert_eq(c.event[1].raw[0], EVENTQ);
    cr_assert_eq(u->writes, 6);
    wrote(0, CR0, 0x1d);
    wrote(1, P_PROD, 0);
    wrote(2, P_CONS, 0);
    wrote(3, GERRORN, 0x8);
    wrote(4, CR0, 0x1f);
    wrote(5, CR0, 0x1b);
    expect(PRIQ, 3, UIOMMU_FETCH_OVERFLOW | UIOMMU_FETCH_FAILURE_SENT);
    cr_assert_eq(fetch(EVENTQ).event_count, 8);
    u->writes = 0;
    c = check();
    cr_assert_eq(c.flags, 0);
    cr_assert_eq(c.event_count, 0);
    wrote(0, E_PROD, 0);
    wrote(1, E_CONS, 0);
    wrote(2, GERRORN, 0xc);
    wrote(3, CR0, 0x1f);
    cr_assert_eq(u->writes, 4);
    expect(PRIQ, 0, UIOMMU_FETCH_OVERFLOW);
    expect(EVENTQ, 1, UIOMMU_FETCH_OVERFLOW);
    ops->overflow_ack(hw, PRIQ);
    ops->overflow_ack(hw, EVENTQ);
    expect(PRIQ, 0, 0);
    expect(EVENTQ, 0, 0);
    c = check();
    cr_assert_eq(c.flags, 0);
    cr_assert_eq(c.event_count, 0);
}

static void event_put(uint32_t slot, uint64_t d1)
{
    uint64_t *words = (uint64_t *)hw->eventq.mem.cpu + slot * 4;

    words[0] = le64(0x0000020800003810);
    words[1] = le64(d1);
    words[2] = le64(0x1000 * slot);
    words[3] = 0;
}

#define STALLS 0x80000000u

static struct uiommu_fetch fetch_room(uint32_t room)
{
    struct uiommu_fetch io = {requests, 8, 99, events, room, 99, 99, 99};

    cr_assert_eq(ops->fetch(hw, EVENTQ, &io), UIOMMU_OK);
    return io;
}

/* What was written before the abort is reported, in as many calls as it takes, up to where the
 * index was when the queue was off. Meanwhile nobody waits for hardware. */
Test(recovery, reads_the_events)
{
    struct uiommu_fetch io;
    uint32_t i;

    *fake_reg(u, E_PROD) = 6;
    cr_assert_eq(fetch(EVENTQ).event_count, 6);
    for (i = 6; i < 11; i++)
        event_put(i & 7, 0);
    *fake_reg(u, E_PROD) = 11;
    *fake_reg(u, GERROR) ^= 4;
    cr_assert_eq(check().event_count, 1);
    cr_assert_eq(*fake_reg(u, CR0ACK), 0x1b);
    *fake_reg(u, E_PROD) = 14; /* nothing is to be written any more */
    cr_assert_eq(ops->ring_pending(hw, EVENTQ), 5);
    io = fetch_room(3);
    cr_assert_eq(io.entries, 3);
    cr_assert_eq(io.event_count, 3);
    cr_assert_eq(events[0].address, 0x6000);
    cr_assert_eq(events[2].address, 0);
    cr_assert_eq(io.flags, UIOMMU_FETCH_MORE);
    now += 100000000000;
    cr_assert_eq(check().flags, UIOMMU_CHECK_MORE);
    cr_assert_eq(*fake_reg(u, CR0), 0x1b);
    cr_assert_eq(ops->ring_pending(hw, EVENTQ), 2);
    io = fetch_room(3);
    cr_assert_eq(io.entries, 2);
    cr_assert_eq(events[1].address, 0x2000);
    cr_assert_eq(io.flags, 0);
    u->stuck = true; /* the time to switch it on begins now */
    cr_assert_eq(check().flags, UIOMMU_CHECK_MORE);
    now += 1000000000;
    cr_assert_eq(check().flags, UIOMMU_CHECK_MORE);
    u->stuck = false;
    *fake_reg(u, CR0ACK) = *fake_reg(u, CR0);
    cr_assert_eq(check().flags, 0);
    cr_assert_eq(*fake_reg(u, GERROR), *fake_reg(u, GERRORN));
    expect(EVENTQ, 1, UIOMMU_FETCH_OVERFLOW);
}

/* A stall may be one of a round before: it is not handled, and counts as lost. */
Test(recovery, believes_no_stall)
{
    struct uiommu_fetch io;

    event_put(0, STALLS | 7);
    event_put(1, 0);
    event_put(2, STALLS | 8);
    *fake_reg(u, E_PROD) = 3;
    *fake_reg(u, GERROR) ^= 4;
    cr_assert_eq(check().flags, UIOMMU_CHECK_MORE);
    io = fetch(EVENTQ);
    cr_assert_eq(io.entries, 3);
    cr_assert_eq(io.request_count, 0);
    cr_assert_eq(io.event_count, 1);
    cr_assert_eq(events[0].address, 0x1000);
    cr_assert_eq(check().flags, 0);
    expect(EVENTQ, 1, UIOMMU_FETCH_OVERFLOW);
    ops->overflow_ack(hw, EVENTQ);
    event_put(0, STALLS | 9); /* those that come after it are */
    *fake_reg(u, E_PROD) = 1;
    cr_assert_eq(fetch(EVENTQ).request_count, 1);
    cr_assert_eq(requests[0].index, 9);
}

/* An index that cannot be: nothing is read, and the recovery goes on. So it does after a restart,
 * which gives up what is left. */
Test(recovery, reads_no_nonsense)
{
    struct uiommu_check c;

    *fake_reg(u, E_PROD) = 9;
    *fake_reg(u, GERROR) ^= 4;
    cr_assert_eq(check().flags, UIOMMU_CHECK_MORE);
    cr_assert_eq(ops->ring_pending(hw, EVENTQ), 8);
    expect(EVENTQ, 8, UIOMMU_FETCH_OVERFLOW);
    c = check();
    cr_assert_eq(c.flags, 0);
    cr_assert_eq(c.event_count, 1);
    cr_assert_eq(*fake_reg(u, E_PROD), 0);
    expect(EVENTQ, 1, UIOMMU_FETCH_OVERFLOW);
    *fake_reg(u, E_PROD) = 3;
    *fake_reg(u, GERROR) ^= 4;
    cr_assert_eq(check().flags, UIOMMU_CHECK_MORE);
    cr_assert_eq(ops->restart(hw), UIOMMU_OK);
    cr_assert_eq(check().flags, 0);
    expect(EVENTQ, 3, UIOMMU_FETCH_OVERFLOW);
}

/* Each step has to be over by one deadline, and hardware is not dead at it but behind it. */
Test(recovery, has_a_deadline)
{
    uint32_t round;

    for (round = 0; round < 2; round++) { /* does not go off; does not come on */
        *fake_reg(u, GERROR) ^= 8;
        u->stuck = true;
        cr_assert_eq(check().flags, UIOMMU_CHECK_MORE);
        if (round == 1) {
            *fake_reg(u, CR0ACK) = 0x1d;
            cr_assert_eq(check().flags, UIOMMU_CHECK_MORE);
            cr_assert_eq(*fake_reg(u, CR0), 0x1f);
            expect(PRIQ, 0, 0); /* not yet */
            cr_assert_eq(*fake_reg(u, GERROR), *fake_reg(u, GERRORN));
        }
        now += 1000000000;
        cr_assert_eq(check().flags, UIOMMU_CHECK_MORE);
        now++;
        cr_assert_eq(check().flags, UIOMMU_CHECK_MORE | UIOMMU_CHECK_DEAD);
        u->stuck = false;
        *fake_reg(u, CR0ACK) = *fake_reg(u, CR0);
        cr_assert_eq(ops->restart(hw), UIOMMU_OK);
        cr_assert_eq(check().flags, 0);
        expect(PRIQ, 1 + round, UIOMMU_FETCH_OVERFLOW | UIOMMU_FETCH_FAILURE_SENT);
        ops->overflow_ack(hw, PRIQ);
    }
}

/* What is in the queue after it counts from the start, behind what went. */
Test(recovery, goes_on_empty)
{
    struct uiommu_fetch io;

    *fake_reg(u, P_PROD) = LOST | 8;
    io = fetch(PRIQ);
    cr_assert_eq(io.flags, UIOMMU_FETCH_OVERFLOW);
    *fake_reg(u, GERROR) ^= 8;
    cr_assert_eq(check().flags, 0);
    cr_assert_eq(ops->ring_pending(hw, PRIQ), 1); /* somebody has to look */
    ops->overflow_ack(hw, PRIQ);                  /* the one of before is gone */
    cr_assert_eq(*fake_reg(u, P_CONS), 0);
    prq_put(0, 5);
    prq_put(1, 6);
    *fake_reg(u, P_PROD) = 2;
    cr_assert_eq(ops->ring_pending(hw, PRIQ), 3);
    io = fetch(PRIQ);
    cr_assert_eq(io.entries, 3);
    cr_assert_eq(io.request_count, 2);
    cr_assert_eq(requests[0].at, 1);
    cr_assert_eq(requests[0].index, 5);
    cr_assert_eq(requests[1].at, 2);
    cr_assert_eq(*fake_reg(u, P_CONS), 2);
    cr_assert_eq(io.flags, UIOMMU_FETCH_FAILURE_SENT);
    cr_assert_eq(ops->ring_pending(hw, PRIQ), 0);
}

/* What was acknowledged before is not acknowledged to a queue that knows nothing of it. */
Test(recovery, begins_without_an_overflow)
{
    *fake_reg(u, P_PROD) = LOST | 8;
    cr_assert_eq(fetch(PRIQ).flags, UIOMMU_FETCH_OVERFLOW);
    ops->overflow_ack(hw, PRIQ);
    cr_assert_eq(*fake_reg(u, P_CONS), LOST | 8);
    u->writes = 0;
    ops->overflow_ack(hw, PRIQ); /* there is none any more */
    cr_assert_eq(u->writes, 0);
    *fake_reg(u, GERROR) ^= 8;
    cr_assert_eq(check().flags, 0);
    *fake_reg(u, P_PROD) = 1;
    cr_assert_eq(fetch(PRIQ).flags, UIOMMU_FETCH_OVERFLOW | UIOMMU_FETCH_FAILURE_SENT);
    cr_assert_eq(*fake_reg(u, P_CONS), 1);
    u->writes = 0;
    ops->overflow_ack(hw, PRIQ);
    cr_assert_eq(u->writes, 0);
    cr_assert_eq(fetch(PRIQ).flags, 0);
}

/* While it lasts, the old overflow is not acknowledged: the registers are about to be written. */
Test(recovery, keeps_its_registers_to_itself)
{
    *fake_reg(u, P_PROD) = LOST | 8;
    cr_assert_eq(fetch(PRIQ).flags, UIOMMU_FETCH_OVERFLOW);
    *fake_reg(u, GERROR) ^= 8;
    u->stuck = true;
    (void)check();
    u->writes = 0;
    ops->overflow_ack(hw, PRIQ);
    cr_assert_eq(u->writes, 0);
    u->stuck = false;
    *fake_reg(u, CR0ACK) = *fake_reg(u, CR0);
    cr_assert_eq(check().flags, 0);
}

/* After a stop nobody asks for what was there; nor are registers touched. */
Test(recovery, is_forgotten_by_a_start)
{
    struct uiommu_check c;
    uint32_t before;

    *fake_reg(u, P_PROD) = LOST | 8;
    cr_assert_eq(fetch(PRIQ).flags, UIOMMU_FETCH_OVERFLOW);
    *fake_reg(u, P_PROD) = 0xf; /* 15 entries in a queue of 8 */
    *fake_reg(u, P_CONS) = 0;
    hw->priq.cons = 0;
    cr_assert_eq(fetch(PRIQ).entries, 8);
    *fake_reg(u, P_PROD) = LOST | 0;
    (void)fetch(PRIQ);
    ops->stop(hw);
    before = u->core.accesses;
    ops->overflow_ack(hw, PRIQ);
    c = check();
    cr_assert_eq(c.flags, 0);
    cr_assert_eq(c.event_count, 0);
    cr_assert_eq(u->core.accesses, before);
    cr_assert_eq(ops->start(hw), UIOMMU_OK);
    cr_assert_eq(ops->ring_pending(hw, PRIQ), 0);
    expect(PRIQ, 0, 0);
    expect(EVENTQ, 0, 0);
    cr_assert_eq(check().event_count, 0);
}

/* An event queue without stalls lost no request, and hardware answered nothing for it. */
Test(recovery_of, events_alone)
{
    begin_with(true, false);
    *fake_reg(u, E_PROD) = 2;
    *fake_reg(u, GERROR) ^= 4;
    cr_assert_eq(check().event_count, 1);
    cr_assert_eq(fetch(EVENTQ).event_count, 2);
    cr_assert_eq(check().flags, 0);
    expect(EVENTQ, 1, 0);
    *fake_reg(u, GERROR) ^= 8;
    cr_assert_eq(check().event_count, 1);
    expect(PRIQ, 1, UIOMMU_FETCH_OVERFLOW | UIOMMU_FETCH_FAILURE_SENT);
    end();
}

/* Without PRI there is one ring, and a bit of no queue means nothing. */
Test(recovery_of, a_unit_without_pri)
{
    struct uiommu_fetch io = {requests, 8, 0, events, 8, 0, 0, 0};

    begin_with(false, true);
    cr_assert_eq(hw->eventq.ring, 0);
    cr_assert_eq(ops->fetch(hw, 1, &io), UIOMMU_E_INVALID);
    cr_assert_eq(ops->ring_pending(hw, 1), 0);
    ops->overflow_ack(hw, 1);
    *fake_reg(u, E_PROD) = 2;
    *fake_reg(u, P_PROD) = 5;
    cr_assert_eq(ops->ring_pending(hw, 0), 2);
    *fake_reg(u, GERROR) ^= 8;
    u->writes = 0;
    cr_assert_eq(check().flags, 0);
    cr_assert_eq(hw->notes.count, 0);
    cr_assert_eq(u->writes, 0);
    hw->priq.note_bad_index = true;
    cr_assert_eq(check().event_count, 0);
    hw->priq.note_bad_index = false;
    end();
}

/* ---- fetch ---- */

Test(recovery, no_such_ring)
{
    struct uiommu_fetch io = {requests, 8, 99, events, 8, 99, 99, 99};

    cr_assert_eq(ops->fetch(hw, 2, &io), UIOMMU_E_INVALID);
    cr_assert_eq(io.entries + io.request_count + io.event_count + io.flags, 0);
    cr_assert_eq(ops->ring_pending(hw, 2), 0);
    ops->overflow_ack(hw, 2);
}

static void one_more(struct uiommu *unit)
{
    *fake_reg(unit, P_PROD) += 1;
}

/* It raised no interrupt if the queue was not empty: said by MORE. */
Test(recovery, an_entry_that_comes_meanwhile)
{
    struct uiommu_fetch io;
    uint32_t before, n;

    for (n = 1; n < 3; n++) {
        *fake_reg(u, P_PROD) += n;
        fake_before_read(u, P_PROD, 1, one_more);
        io = fetch(PRIQ);
        cr_assert_eq(io.entries, n);
        cr_assert_eq(io.flags, UIOMMU_FETCH_MORE);
        io = fetch(PRIQ);
        cr_assert_eq(io.entries, 1);
        cr_assert_eq(io.flags, 0);
    }
    before = u->core.accesses; /* an empty one raises it: one look is enough */
    expect(PRIQ, 0, 0);
    cr_assert_eq(u->core.accesses, before + 1);
}

/* The room for events and that for stalls end a fetch each for itself. */
Test(recovery, room_for_events)
{
    struct uiommu_fetch io = {requests, 1, 0, events, 2, 0, 0, 0};
    uint64_t *words = hw->eventq.mem.cpu;
    uint32_t i;

    for (i = 0; i < 5; i++) {
        words[i * 4] = le64(0x0000020800003810);
        words[i * 4 + 1] = le64(i == 0 || i == 3 ? 0x0000020880000000 | i : 0);
    }
    *fake_reg(u, E_PROD) = 5;
    cr_assert_eq(ops->fetch(hw, EVENTQ, &io), UIOMMU_OK);
    cr_assert_eq(io.entries, 3); /* the second stall is one too many */
    cr_assert_eq(io.request_count, 1);
    cr_assert_eq(io.event_count, 2);
    cr_assert_eq(requests[0].at, 0);
    cr_assert_eq(ops->fetch(hw, EVENTQ, &io), UIOMMU_OK);
    cr_assert_eq(io.entries, 2);
    cr_assert_eq(requests[0].id, 0x208);
    cr_assert_eq(requests[0].index, 3);
    cr_assert_eq(requests[0].at, 0);
    cr_assert_eq(requests[0].flags & UIOMMU_REQUEST_STALL, UIOMMU_REQUEST_STALL);
    cr_assert_eq(io.flags, 0);
    *fake_reg(u, E_PROD) = 8;
    words[5 * 4 + 1] = words[6 * 4 + 1] = words[7 * 4 + 1] = 0;
    cr_assert_eq(ops->fetch(hw, EVENTQ, &io), UIOMMU_OK);
    cr_assert_eq(io.entries, 2);
    cr_assert_eq(io.event_count, 2);
    cr_assert_eq(io.flags, UIOMMU_FETCH_MORE);
}

/* The last entry ends where the queue ends: behind it there may be nothing. */
Test(recovery, nothing_behind_the_queue_is_read)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char *two = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    struct smmuv3_queue *const queues[] = {&hw->priq, &hw->eventq};
    uint32_t i;

    cr_assert_neq((void *)two, MAP_FAILED);
    cr_assert_eq(mprotect(two + page, page, PROT_NONE), 0);
    for (i = 0; i < 2; i++) {
        void *mem = queues[i]->mem.cpu;

        queues[i]->mem.cpu = two + page - 8 * queues[i]->entry;
        *fake_reg(u, i == 0 ? P_PROD : E_PROD) = 8;
        cr_assert_eq(fetch(i).entries, 8);
        queues[i]->mem.cpu = mem;
    }
    munmap(two, 2 * page);
}

/* A nonsense index of the event queue, where stalls can be lost and where not. */
Test(recovery_of, nonsense_in_the_event_queue)
{
    struct uiommu_check c;
    uint32_t stalls;

    for (stalls = 0; stalls < 2; stalls++) {
        begin_with(true, stalls != 0);
        *fake_reg(u, E_PROD) = 9;
        expect(EVENTQ, 8, stalls ? UIOMMU_FETCH_OVERFLOW : 0);
        cr_assert_eq(*fake_reg(u, E_CONS), 9);
        c = check();
        cr_assert_eq(c.event_count, 1);
        cr_assert_eq(c.event[0].kind, UIOMMU_EVENT_QUEUE_ERROR);
        cr_assert_eq(c.event[0].raw[0], EVENTQ);
        end();
    }
}

/* A unit that does not snoop: each entry is fetched from memory, all of it and nothing else. */
static uint32_t fetched;
static const void *first;

static void from_device(void *ctx, const void *cpu, uint64_t bytes)
{
    (void)ctx;
    cr_assert_eq(bytes, 16);
    first = fetched++ == 0 ? cpu : first;
}

Test(recovery, a_unit_that_does_not_snoop)
{
    fetched = 0;
    u->core.host.mem_from_device = from_device;
    hw->f.coherent = false;
    *fake_reg(u, P_PROD) = 3;
    cr_assert_eq(fetch(PRIQ).entries, 3);
    cr_assert_eq(fetched, 3);
    cr_assert_eq(first, hw->priq.mem.cpu);
    hw->f.coherent = true;
}

/* ---- other errors ---- */

/* A service failure is reported once, other errors beside it as their own. */
Test(recovery, of_nothing_that_has_failed_wholly)
{
    struct uiommu_check c;

    *fake_reg(u, GERROR) ^= 0x110;
    c = check();
    cr_assert_eq(c.flags, UIOMMU_CHECK_DEAD);
    cr_assert_eq(c.event_count, 2);
    cr_assert_eq(c.event[0].kind, UIOMMU_EVENT_UNIT_ERROR);
    cr_assert_eq(c.event[0].raw[0], 0x110);
    cr_assert_eq(c.event[1].raw[0], 0x10);
    cr_assert_eq(*fake_reg(u, GERRORN), 0x10);
    c = check();
    cr_assert_eq(c.flags, UIOMMU_CHECK_DEAD);
    cr_assert_eq(c.event_count, 0);
}

/* Between stop and start, and while it starts, a check looks at nothing. */
Test(recovery, closed)
{
    uint32_t before;

    *fake_reg(u, GERROR) ^= 0x1fd;
    hw->cmdq.open = false;
    before = u->core.accesses;
    cr_assert_eq(check().flags, 0);
    cr_assert_eq(check().event_count, 0);
    cr_assert_eq(ops->ring_pending(hw, PRIQ), 0);
    expect(PRIQ, 0, 0);
    cr_assert_eq(u->core.accesses, before);
    hw->cmdq.open = true;
}
