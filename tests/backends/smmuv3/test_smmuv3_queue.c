/* SPDX-License-Identifier: BSD-2-Clause */
/* The output queues: indices, overflow, nonsense, recovery. */
#include "fake_smmuv3.h"

#include <criterion/criterion.h>

#define PRIQ    0u
#define EVENTQ  1u
#define E_PROD  0x100a8u
#define E_CONS  0x100acu
#define P_PROD  0x100c8u
#define P_CONS  0x100ccu
#define GERROR  0x60u
#define GERRORN 0x64u

static struct uiommu *u;
static struct uiommu_smmuv3 *hw;
static struct uiommu_request requests[16];
static struct uiommu_event events[16];

/* Queues of 8 entries. */
static void begin(void)
{
    struct uiommu_smmuv3_config c = fake_config();

    c.priq_log2 = 3;
    c.eventq_log2 = 3;
    u = fake_new();
    hw = fake_unit(u, &c);
    cr_assert_not_null(hw);
}

static void end(void)
{
    FAKE_END(u);
}

static struct uiommu_fetch fetch(uint32_t ring, uint32_t room)
{
    struct uiommu_fetch io;

    memset(&io, 0, sizeof(io));
    io.requests = requests;
    io.request_room = room;
    io.events = events;
    io.event_room = room;
    cr_assert_eq(uiommu_smmuv3_fetch(hw, ring, &io), UIOMMU_OK);
    return io;
}

static void prq_put(uint32_t slot, uint32_t index)
{
    uint64_t *words = (uint64_t *)hw->priq.mem.cpu + slot * 2;

    words[0] = le64(0xf000000300000208); /* P2 */
    words[1] = le64(0x00007fff12346000 | index);
}

static void event_put(uint32_t slot, uint64_t d0, uint64_t d1)
{
    uint64_t *words = (uint64_t *)hw->eventq.mem.cpu + slot * 4;

    words[0] = le64(d0);
    words[1] = le64(d1);
}

TestSuite(queue, .init = begin, .fini = end);

Test(queue, wraps) /* R7 */
{
    struct uiommu_fetch io;
    uint32_t i;

    for (i = 0; i < 6; i++)
        prq_put(i, i);
    *fake_reg(u, P_PROD) = 6;
    io = fetch(PRIQ, 16);
    cr_assert_eq(io.entries, 6);
    cr_assert_eq(*fake_reg(u, P_CONS), 6);
    prq_put(6, 6);
    prq_put(7, 7);
    prq_put(0, 8);
    *fake_reg(u, P_PROD) = 9;
    cr_assert_eq(uiommu_smmuv3_ring_pending(hw, PRIQ), 3);
    io = fetch(PRIQ, 2);
    cr_assert_eq(io.request_count, 2);
    cr_assert_eq(io.flags, UIOMMU_FETCH_MORE);
    cr_assert_eq(requests[0].index, 6);
    cr_assert_eq(requests[1].index, 7);
    cr_assert_eq(requests[1].at, 1);
    cr_assert_eq(*fake_reg(u, P_CONS), 8);
    io = fetch(PRIQ, 2);
    cr_assert_eq(requests[0].index, 8);
    cr_assert_eq(io.flags, 0);
    cr_assert_eq(uiommu_smmuv3_ring_pending(hw, PRIQ), 0);
}

Test(queue, overflow_is_acknowledged_in_one_write) /* R10 */
{
    struct uiommu_fetch io;
    uint32_t i;

    *fake_reg(u, P_PROD) = 3;
    cr_assert_eq(fetch(PRIQ, 16).entries, 3);
    for (i = 0; i < 8; i++)
        prq_put(i, i);
    *fake_reg(u, P_PROD) = 0x8000000b;
    io = fetch(PRIQ, 16);
    cr_assert_eq(io.entries, 8);
    cr_assert_eq(io.flags, UIOMMU_FETCH_OVERFLOW);
    cr_assert_eq(requests[0].index, 3);
    cr_assert_eq(requests[7].index, 2);
    cr_assert_eq(*fake_reg(u, P_CONS), 0xb);
    cr_assert_eq(fetch(PRIQ, 16).flags, UIOMMU_FETCH_OVERFLOW);
    uiommu_smmuv3_overflow_ack(hw, PRIQ);
    cr_assert_eq(*fake_reg(u, P_CONS), 0x8000000b);
    cr_assert_eq(fetch(PRIQ, 16).flags, 0);
    *fake_reg(u, P_PROD) = 0x3; /* full again, overflow again */
    io = fetch(PRIQ, 16);
    cr_assert_eq(io.entries, 8);
    cr_assert_eq(io.flags, UIOMMU_FETCH_OVERFLOW);
    cr_assert_eq(*fake_reg(u, P_CONS), 0x80000003);
    uiommu_smmuv3_overflow_ack(hw, PRIQ);
    cr_assert_eq(*fake_reg(u, P_CONS), 0x3);
}

/* An overflow that fetch() has not seen is not acknowledged: partials of it may be open. */
Test(queue, only_the_overflow_seen_is_acknowledged)
{
    *fake_reg(u, P_PROD) = 0;
    cr_assert_eq(fetch(PRIQ, 16).flags, 0);
    *fake_reg(u, P_PROD) = 0x80000008;
    uiommu_smmuv3_overflow_ack(hw, PRIQ);
    cr_assert_eq(*fake_reg(u, P_CONS), 0);
}

Test(queue, lost_events_are_reported_and_acknowledged) /* R13 */
{
    struct uiommu_fetch io;
    uint32_t i;

    for (i = 0; i < 8; i++)
        event_put(i, 0x0000020800000004, 0);
    *fake_reg(u, E_PROD) = 0x80000008;
    io = fetch(EVENTQ, 8); /* no room for the report */
    cr_assert_eq(io.entries, 8);
    cr_assert_eq(io.event_count, 8);
    cr_assert_eq(io.flags, UIOMMU_FETCH_MORE);
    cr_assert_eq(*fake_reg(u, E_CONS), 8);
    io = fetch(EVENTQ, 8);
    cr_assert_eq(io.entries, 0);
    cr_assert_eq(io.event_count, 1);
    cr_assert_eq(events[0].kind, UIOMMU_EVENT_EVENTS_LOST);
    cr_assert_eq(events[0].id, UINT32_MAX);
    cr_assert_eq(io.flags, 0);
    cr_assert_eq(*fake_reg(u, E_CONS), 0x80000008);
    cr_assert_eq(fetch(EVENTQ, 8).event_count, 0);
}

Test(queue, stalls_and_events_share_a_queue)
{
    struct uiommu_fetch io;

    event_put(0, 0x0000020800003810, 0x0000020880000007); /* E1 */
    event_put(1, 0x0000020800000004, 0);
    event_put(2, 0x0000020800003810, 0x0000020880000008);
    *fake_reg(u, E_PROD) = 3;
    io = fetch(EVENTQ, 1);
    cr_assert_eq(io.entries, 2);
    cr_assert_eq(io.flags, UIOMMU_FETCH_MORE);
    cr_assert_eq(requests[0].at, 0);
    cr_assert_eq(events[0].kind, UIOMMU_EVENT_BAD_TABLE);
    io = fetch(EVENTQ, 1);
    cr_assert_eq(io.entries, 1);
    cr_assert_eq(requests[0].index, 8);
}

/* More than fits: nothing is read, the ring goes on behind the nonsense, and whoever waits for a
 * position gets there. */
Test(queue, nonsense_index)
{
    struct uiommu_check check;
    struct uiommu_fetch io;

    *fake_reg(u, P_PROD) = 0xd;
    cr_assert_eq(uiommu_smmuv3_ring_pending(hw, PRIQ), 8);
    io = fetch(PRIQ, 16);
    cr_assert_eq(io.request_count, 0);
    cr_assert_eq(io.entries, 8);
    cr_assert_eq(io.flags, UIOMMU_FETCH_OVERFLOW);
    cr_assert_eq(*fake_reg(u, P_CONS), 0xd);
    cr_assert_eq(uiommu_smmuv3_ring_pending(hw, PRIQ), 0);
    uiommu_smmuv3_overflow_ack(hw, PRIQ);
    cr_assert_eq(fetch(PRIQ, 16).flags, 0);
    uiommu_smmuv3_check(hw, &check);
    cr_assert_eq(check.event_count, 1);
    cr_assert_eq(check.event[0].kind, UIOMMU_EVENT_QUEUE_ERROR);
    cr_assert_eq(check.event[0].raw[0], PRIQ);
    uiommu_smmuv3_check(hw, &check);
    cr_assert_eq(check.event_count, 0);
}

Test(queue, abort_is_recovered_in_steps)
{
    struct uiommu_check check;
    struct uiommu_fetch io;

    *fake_reg(u, P_PROD) = 5;
    *fake_reg(u, GERROR) ^= 8;
    u->stuck = true;
    uiommu_smmuv3_check(hw, &check);
    cr_assert_eq(check.event_count, 1);
    cr_assert_eq(check.event[0].kind, UIOMMU_EVENT_QUEUE_ERROR);
    cr_assert_eq(check.flags, UIOMMU_CHECK_MORE);
    cr_assert_eq(*fake_reg(u, 0x20), 0x1d); /* PRIQEN off */
    io = fetch(PRIQ, 16);
    cr_assert_eq(io.entries + io.flags, 0);
    uiommu_smmuv3_check(hw, &check);
    cr_assert_eq(check.flags, UIOMMU_CHECK_MORE);
    cr_assert_neq((*fake_reg(u, GERROR) ^ *fake_reg(u, GERRORN)) & 8, 0);
    *fake_reg(u, 0x24) = 0x1d;
    uiommu_smmuv3_check(hw, &check);
    cr_assert_eq(*fake_reg(u, 0x20), 0x1f);
    cr_assert_eq((*fake_reg(u, GERROR) ^ *fake_reg(u, GERRORN)) & 8, 0);
    cr_assert_eq(*fake_reg(u, P_PROD), 0);
    cr_assert_eq(*fake_reg(u, P_CONS), 0);
    *fake_reg(u, 0x24) = 0x1f;
    u->stuck = false;
    uiommu_smmuv3_check(hw, &check);
    cr_assert_eq(check.flags, 0);
    cr_assert_eq(uiommu_smmuv3_ring_pending(hw, PRIQ), 5);
    io = fetch(PRIQ, 16);
    cr_assert_eq(io.entries, 5);
    cr_assert_eq(io.request_count, 0);
    cr_assert_eq(io.flags, UIOMMU_FETCH_OVERFLOW | UIOMMU_FETCH_FAILURE_SENT);
    cr_assert_eq(fetch(PRIQ, 16).flags, UIOMMU_FETCH_OVERFLOW);
    uiommu_smmuv3_overflow_ack(hw, PRIQ);
    cr_assert_eq(fetch(PRIQ, 16).flags, 0);
}

Test(queue, abort_that_hardware_does_not_leave)
{
    struct uiommu_check check;
    uint32_t i;

    *fake_reg(u, GERROR) ^= 4;
    u->stuck = true;
    for (i = 0; i < 2000; i++)
        uiommu_smmuv3_check(hw, &check);
    cr_assert(check.flags & UIOMMU_CHECK_DEAD);
    u->stuck = false;
    cr_assert_eq(uiommu_smmuv3_restart(hw), UIOMMU_OK);
    uiommu_smmuv3_check(hw, &check);
    cr_assert_eq(check.flags, 0);
}

Test(queue, lost_interrupts_are_acknowledged_once)
{
    struct uiommu_check check;

    *fake_reg(u, GERROR) ^= 0x60;
    uiommu_smmuv3_check(hw, &check);
    cr_assert_eq(check.event_count, 1);
    cr_assert_eq(check.event[0].kind, UIOMMU_EVENT_UNIT_ERROR);
    cr_assert_eq(check.event[0].raw[0], 0x60);
    cr_assert_eq(*fake_reg(u, GERRORN), *fake_reg(u, GERROR));
    uiommu_smmuv3_check(hw, &check);
    cr_assert_eq(check.event_count, 0);
}

Test(queue, service_failure_is_death)
{
    struct uiommu_check check;
    uint64_t ticket;

    *fake_reg(u, GERROR) ^= 0x100;
    uiommu_smmuv3_check(hw, &check);
    cr_assert(check.flags & UIOMMU_CHECK_DEAD);
    cr_assert_eq(check.event_count, 1);
    uiommu_smmuv3_check(hw, &check);
    cr_assert(check.flags & UIOMMU_CHECK_DEAD);
    cr_assert_eq(check.event_count, 0);
    cr_assert_eq(uiommu_smmuv3_ticket(hw, &ticket), UIOMMU_E_HW);
}
