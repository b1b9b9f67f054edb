/* SPDX-License-Identifier: BSD-2-Clause */
/* The logs step by step: what is stored where, in which order (sheet 10 and 11), and how long what
 * is late is waited for. The unit does not snoop: a word is seen once it was invalidated. */
#include "amd_fake_core.h"

#include <criterion/criterion.h>
#include <stdio.h>

#define PPR 0x38u
#define EVT 0x10u
#define MS  UINT64_C(1000000)

static struct uiommu *u;
static struct uiommu_amd *hw;
static const struct uiommu_backend_ops *ops;
static struct uiommu_request requests[16];
static struct uiommu_event events[16];

static void begin_with(uint32_t flags)
{
    struct uiommu_amd_config c = fake_config();

    c.flags = flags;
    c.priq_log2 = 8;
    c.eventq_log2 = 8;
    u = fake_new();
    u->cached = true;
    hw = fake_unit(u, &c);
    cr_assert_not_null(hw);
    ops = u->core.unit.ops;
}

static void begin(void)
{
    begin_with(UIOMMU_AMD_NOT_COHERENT);
}

static void begin_polled(void)
{
    begin_with(UIOMMU_AMD_NOT_COHERENT | UIOMMU_AMD_POLL);
}

static void begin_read_only(void)
{
    begin_with(UIOMMU_AMD_NOT_COHERENT | UIOMMU_AMD_LOGS_READ_ONLY);
}

static void end(void)
{
    cr_assert_eq(u->core.unit.locked, 0);
    u->on_look = NULL;
    FAKE_END(u);
}

static struct uiommu_fetch fetch(uint32_t ring, uint32_t room)
{
    struct uiommu_fetch io;

    memset(&io, 0xff, sizeof(io));
    io.requests = requests;
    io.request_room = room;
    io.events = events;
    io.event_room = room;
    cr_assert_eq(ops->fetch(hw, ring, &io), UIOMMU_OK);
    return io;
}

static struct uiommu_check check(void)
{
    struct uiommu_check out;

    ops->check(hw, &out);
    return out;
}

static void ask(uint32_t index)
{
    fake_log(u, PPR, 0x1144020012340118 | (uint64_t)index << 32, 0x7fff12344000);
}

static void fault(void)
{
    fake_log(u, EVT, 0x2020000700000118, 0xdead1000);
}

TestSuite(amd_order, .init = begin, .fini = end);
TestSuite(amd_polled, .init = begin_polled, .fini = end);
TestSuite(amd_read_only, .init = begin_read_only, .fini = end);

/* A slot is zeroed before the head passes it; with nothing there nothing is stored. */
Test(amd_order, taken)
{
    ask(1);
    ask(2);
    fake_trace(u);
    u->looks = 0;
    cr_assert_eq(fetch(0, 16).request_count, 2);
    cr_assert_str_eq(fake_traced(u), "ppr0=0,0 ppr1=0,0 2030=20 ");
    cr_assert_eq(u->looks, 2 * 2, "each word once");
    cr_assert(requests[1].index == 2 && requests[1].address == 0x7fff12344000);
    fault();
    fake_trace(u);
    cr_assert_eq(check().flags, 0);
    cr_assert_str_eq(fake_traced(u), "evt0=0,0 2010=10 ");
    cr_assert_eq(fetch(1, 16).event_count, 1);
    cr_assert(events[0].raw[0] == 0x2020000700000118 && events[0].raw[1] == 0xdead1000);
    fake_trace(u);
    cr_assert_eq(fetch(0, 16).entries + fetch(1, 16).entries + check().flags, 0);
    cr_assert_str_eq(fake_traced(u), "");
}

Test(amd_read_only, taken)
{
    ask(1);
    fake_tail(u, PPR); /* Of no code, but it is never late. */
    fake_trace(u);
    cr_assert_eq(fetch(0, 16).entries, 2);
    cr_assert_str_eq(fake_traced(u), "2030=20 ");
    cr_assert_eq(((uint64_t *)hw->ppr.mem.cpu)[1], le64(0x7fff12344000));
    fake_trace(u);
    uiommu_amd_log_empty(hw, &hw->ppr);
    cr_assert_str_neq(fake_traced(u), "");
    cr_assert_null(strstr(u->text, "ppr"));
    cr_assert_eq(((uint64_t *)hw->ppr.mem.cpu)[1], le64(0x7fff12344000));
}

/* Empty is: zeroes, then the base, then the pointers, which some units reset with it. */
Test(amd_order, emptied)
{
    char want[128];

    (void)snprintf(want, sizeof(want), "ppr0=0,0 all 38=%x 2030=0 2038=0 ",
                   (uint32_t)hw->ppr.mem.bus);
    hw->ppr.head = 5;
    hw->ppr.waiting = hw->ppr.stopping = hw->ppr.reported = hw->ppr.bad = true;
    ((uint64_t *)hw->ppr.mem.cpu)[511] = 1;
    fake_trace(u);
    uiommu_amd_log_empty(hw, &hw->ppr);
    cr_assert_str_eq(fake_traced(u), want);
    cr_assert_eq(hw->ppr.head, 0);
    cr_assert_not(hw->ppr.waiting || hw->ppr.stopping || hw->ppr.reported || hw->ppr.bad);
    cr_assert_eq(((uint64_t *)hw->ppr.mem.cpu)[511], 0);
    cr_assert_eq(fake_reg64(u, PPR), uiommu_amd_ring_base(hw->ppr.mem.bus, 8));
}

static void overflow(uint32_t bit, uint32_t run)
{
    *fake_reg(u, 0x2020) = (*fake_reg(u, 0x2020) | bit) & ~run;
}

/* Interrupt off, log off, acknowledged, log on, interrupt on; head and tail stay. */
Test(amd_order, restarted)
{
    overflow(0x60, 0x80);
    cr_assert_eq(fetch(0, 16).flags, UIOMMU_FETCH_OVERFLOW);
    fake_trace(u);
    ops->overflow_ack(hw, 0);
    cr_assert_str_eq(fake_traced(u), "18=1b06d 18=1906d 2020=60 18=1b06d 18=1f06d ");
    cr_assert_eq(fetch(0, 16).flags, 0);
    overflow(0x3, 0x8);
    fake_trace(u);
    (void)check();
    cr_assert_str_eq(fake_traced(u), "18=1f065 18=1f061 2020=3 18=1f065 18=1f06d ");
    cr_assert_eq(fetch(1, 16).flags, UIOMMU_FETCH_OVERFLOW);
    cr_assert_eq(fetch(1, 16).flags, UIOMMU_FETCH_OVERFLOW, "until it is acknowledged");
    ops->overflow_ack(hw, 1);
    fake_trace(u);
    cr_assert_eq(fetch(1, 16).flags, 0);
    ops->overflow_ack(hw, 1);
    ops->overflow_ack(hw, 2);
    cr_assert_str_eq(fake_traced(u), "");
}

/* A log that was stopped for an error of its own shows no overflow. */
Test(amd_order, stopped_without_overflow)
{
    overflow(0, 0x88);
    cr_assert_eq(fetch(0, 16).flags, UIOMMU_FETCH_OVERFLOW);
    (void)check();
    cr_assert_eq(fetch(1, 16).flags, UIOMMU_FETCH_OVERFLOW);
    ops->overflow_ack(hw, 0);
    ops->overflow_ack(hw, 1);
    cr_assert_eq(*fake_reg(u, 0x2020), 0x98);
    cr_assert_eq(fetch(0, 16).flags | fetch(1, 16).flags, 0);
}

Test(amd_polled, restarted)
{
    hw->control &= ~UINT64_C(1); /* That bit, too, stays as it is. */
    overflow(0x21, 0x88);
    cr_assert_eq(fetch(0, 16).flags, UIOMMU_FETCH_OVERFLOW);
    fake_trace(u);
    ops->overflow_ack(hw, 0);
    cr_assert_str_eq(fake_traced(u), "18=1b064 18=19064 2020=60 18=1b064 ");
    fake_trace(u);
    (void)check();
    cr_assert_str_eq(fake_traced(u), "18=1b064 18=1b060 2020=3 18=1b064 ");
    hw->control |= 1;
}

/* The run bit comes late: what is looked at next must not take that for another stop. */
Test(amd_order, runs_again_late)
{
    overflow(0x20, 0x80);
    (void)fetch(0, 16);
    u->run_late = 5;
    ops->overflow_ack(hw, 0);
    cr_assert_eq(fetch(0, 16).flags, 0);
    overflow(0x20, 0x80);
    (void)fetch(0, 16);
    u->run_late = 100; /* Bounded: it is under the lock. */
    ops->overflow_ack(hw, 0);
    cr_assert_eq(u->run_wait, 100 - 32);
    u->run_wait = 0;
}

/* Stopping: the log is told once, everybody looks, and the last moment counts. */
Test(amd_order, stops_late)
{
    u->stuck = true;
    overflow(0x20, 0);
    (void)fetch(0, 16);
    ops->overflow_ack(hw, 0);
    fake_trace(u);
    cr_assert_eq(check().flags, UIOMMU_CHECK_MORE);
    ops->overflow_ack(hw, 0);
    cr_assert_eq(fetch(0, 16).flags, UIOMMU_FETCH_OVERFLOW);
    u->core.now = hw->ppr.stop_ns - MS;
    cr_assert_eq(check().flags, UIOMMU_CHECK_MORE);
    cr_assert_eq(check().flags, UIOMMU_CHECK_MORE | UIOMMU_CHECK_DEAD);
    cr_assert_str_eq(fake_traced(u), "");
    u->stuck = false;
}

/* The same of the event log, with tickets that ask devices meanwhile. */
Test(amd_order, event_log_stops_late)
{
    uint64_t until;

    u->stuck = true;
    overflow(0x1, 0);
    (void)check();
    until = hw->evt.stop_ns;
    cr_assert(hw->evt.stopping && until == u->core.now + 999 * MS);
    cr_assert_eq(fetch(1, 16).event_count, 1);
    cr_assert(events[0].kind == UIOMMU_EVENT_EVENTS_LOST && events[0].count == 1);
    ops->overflow_ack(hw, 1);
    fake_trace(u);
    cr_assert_eq(check().flags, UIOMMU_CHECK_MORE);
    cr_assert_eq(fetch(1, 16).event_count, 0, "it is one loss");
    cr_assert_str_eq(fake_traced(u), "");
    u->stuck = false;
    *fake_reg(u, 0x2020) &= ~8u;
    cr_assert_eq(check().flags, 0);
    cr_assert_not(hw->evt.stopping);
    cr_assert_eq(fetch(1, 16).flags, UIOMMU_FETCH_OVERFLOW, "what came while it was off");
    ops->overflow_ack(hw, 1);
    cr_assert_eq(fetch(1, 16).flags, 0);
}

static uint32_t left; /* Looks until the entry is there. */

static void arrive(struct uiommu *fake, const volatile uint64_t *word)
{
    uint64_t *slot = hw->ppr.mem.cpu;

    (void)fake;
    if ((uintptr_t)word == (uintptr_t)slot && left != 0 && --left == 0) {
        slot[0] = le64(0x1144020112340118);
        slot[1] = le64(0x7fff12344000);
    }
}

/* 16 looks, then the log is left alone. */
Test(amd_order, late_by_looks)
{
    fake_tail(u, PPR);
    u->on_look = arrive;
    left = 17;
    cr_assert_eq(fetch(0, 16).entries, 0);
    cr_assert(left == 1 && hw->ppr.waiting);
    left = 16;
    cr_assert_eq(fetch(0, 16).request_count, 1);
    cr_assert_not(hw->ppr.waiting);
}

Test(amd_order, late_events)
{
    fake_tail(u, EVT);
    fake_tail(u, EVT);
    u->looks = 0;
    cr_assert_not(uiommu_amd_event_harvest(hw));
    cr_assert_eq(u->looks, 16, "what is behind it waits, too");
    u->core.now += 100 * MS;
    cr_assert_not(uiommu_amd_event_harvest(hw));
    u->core.now += 100 * MS;
    cr_assert(uiommu_amd_event_harvest(hw));
}

/* Every late entry has its own 100 ms, and is given up when they are over. */
Test(amd_order, late_by_time)
{
    struct uiommu_fetch io;

    fake_tail(u, PPR);
    cr_assert_eq(fetch(0, 16).flags, 0);
    cr_assert_eq(hw->ppr.late_ns, u->core.now + 100 * MS);
    u->core.now += 90 * MS;
    left = 1;
    u->on_look = arrive;
    cr_assert_eq(fetch(0, 16).request_count, 1);
    u->on_look = NULL;
    fake_tail(u, PPR);
    u->core.now += 20 * MS;
    cr_assert_eq(fetch(0, 16).entries, 0);
    cr_assert_eq(hw->ppr.late_ns, u->core.now + 100 * MS);
    u->core.now = hw->ppr.late_ns - 2 * MS;
    cr_assert_eq(fetch(0, 16).entries, 0);
    fake_trace(u);
    io = fetch(0, 16);
    cr_assert(io.entries == 1 && io.request_count == 0 && io.flags == UIOMMU_FETCH_LATE);
    cr_assert_str_eq(fake_traced(u), "ppr1=0,0 2030=20 ");
    cr_assert_not(hw->ppr.waiting);
}

/* The tail can be in the last slot, but not behind it, and has no bits beside. */
Test(amd_order, tails)
{
    static const uint32_t bad[] = {0x1000, 0x7fff0, 0x18, 0x80010, 0xffffffff};
    struct uiommu_check out;
    uint32_t i;

    *fake_reg(u, 0x2038) = 0xff0;
    cr_assert_eq(ops->ring_pending(hw, 0), 255);
    *fake_reg(u, 0x2018) = 0xff0;
    cr_assert_eq(ops->ring_pending(hw, 1), 255);
    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        *fake_reg(u, 0x2038) = bad[i];
        cr_assert_eq(ops->ring_pending(hw, 0), 0);
        cr_assert_eq(fetch(0, 16).flags, UIOMMU_FETCH_OVERFLOW);
        *fake_reg(u, 0x2018) = 0;
        out = check();
        cr_assert_eq(out.event_count, 1, "once");
        cr_assert_eq(out.event[0].kind, UIOMMU_EVENT_QUEUE_ERROR);
        cr_assert_eq(fetch(0, 16).entries, 0);
        cr_assert_eq(check().event_count, 0);
        *fake_reg(u, 0x2038) = 0;
        cr_assert_eq(fetch(0, 16).flags, UIOMMU_FETCH_OVERFLOW, "until it is acknowledged");
        ops->overflow_ack(hw, 0);
        cr_assert_eq(fetch(0, 16).flags, 0);
    }
}
