/* SPDX-License-Identifier: BSD-2-Clause */
/* Events: what each says (sheet 8), which are kept from whom, where they wait, and what is said of
 * those that went. */
#include "amd_fake_core.h"

#include <criterion/criterion.h>

#define PPR  0x38u
#define EVT  0x10u
#define ID   0x118u
#define NONE UIOMMU_PASID_NONE

static struct uiommu *u;
static struct uiommu_amd *hw;
static const struct uiommu_backend_ops *ops;
static struct uiommu_request requests[64];
static struct uiommu_event events[64];
static const struct uiommu_root root = {UIOMMU_ROOT_X86_64, 12, 48, 0, 0, 0x123456000, 0, {0}};

static void begin_with(bool ppr)
{
    struct uiommu_amd_config c = fake_config();

    c.priq_log2 = 8;
    c.eventq_log2 = 8;
    u = fake_new();
    if (!ppr)
        *fake_reg(u, 0x30) &= ~2u;
    hw = fake_unit(u, &c);
    cr_assert_not_null(hw);
    ops = u->core.unit.ops;
}

static void begin(void)
{
    begin_with(true);
}

static void begin_without(void)
{
    begin_with(false);
}

static void end(void)
{
    cr_assert_eq(u->core.unit.locked, 0);
    FAKE_END(u);
}

TestSuite(amd_event, .init = begin, .fini = end);
TestSuite(amd_no_requests, .init = begin_without, .fini = end);

static struct uiommu_fetch fetch(uint32_t ring, uint32_t room, uint32_t event_room)
{
    struct uiommu_fetch io;

    memset(&io, 0xff, sizeof(io));
    memset(requests, 0xff, sizeof(requests));
    memset(events, 0xff, sizeof(events));
    io.requests = requests;
    io.request_room = room;
    io.events = events;
    io.event_room = event_room;
    cr_assert_eq(ops->fetch(hw, ring, &io), UIOMMU_OK);
    return io;
}

static struct uiommu_check check(void)
{
    struct uiommu_check out;

    memset(&out, 0xff, sizeof(out));
    ops->check(hw, &out);
    return out;
}

/* Event 9 that hardware has not answered. */
static void asks(uint32_t index)
{
    fake_log(u, EVT, 0x9200060023450118 | (uint64_t)index << 32, 0x7fff12345000);
}

static void fault(uint64_t address)
{
    fake_log(u, EVT, 0x2020000700000118, address);
}

static struct uiommu_event decoded(uint32_t dw0, uint32_t dw1)
{
    const struct amd_stashed s = {{dw0 | (uint64_t)dw1 << 32, 0x3fff000020002fff}, {0, 0}};
    struct uiommu_event e;

    memset(&e, 0xff, sizeof(e));
    uiommu_amd_event_decode(&s, &e);
    cr_assert(e.raw[0] == s.entry[0] && e.raw[1] == s.entry[1] && e.raw[2] == 0);
    cr_assert(e.hw_code == dw1 >> 28 && e.address == s.entry[1]);
    return e;
}

/* Of every code: PASID with GN and without, access of a write and a read, with RX or I set. */
Test(amd_event, fields)
{
    static const bool tagged[16] = {[1] = true, [2] = true, [4] = true, [8] = true};
    uint32_t code, top;
    struct uiommu_event e;

    for (code = 0; code < 16; code++) {
        top = code << 28;
        e = decoded(0x10118, top | 0x00012345); /* GN at 16, a read */
        cr_assert_eq(e.pasid, tagged[code] ? 0x12345 : NONE, "%u", code);
        cr_assert_eq(e.id, code == 5 || code == 6 || code == 10 ? UINT32_MAX : ID, "%u", code);
        cr_assert_eq(e.access,
                     code == 2                ? UIOMMU_READ | UIOMMU_PRIV
                     : code >= 1 && code <= 4 ? UIOMMU_READ
                                              : 0,
                     "%u", code);
        e = decoded(0x10118, top | 0x00202345); /* no GN, a write */
        cr_assert_eq(e.pasid, NONE, "%u", code);
        cr_assert_eq(e.access, code >= 1 && code <= 4 ? UIOMMU_WRITE : 0, "%u", code);
        cr_assert_eq(decoded(0x10118, top | 0x00282345).access, 0, "%u", code); /* I */
        cr_assert_eq(decoded(0x00118, top | 0x00010000).pasid, NONE, "%u", code);
        e = decoded(0x00118, top | 0x00010001);
        cr_assert_eq(e.pasid, tagged[code] ? 1 : NONE, "%u", code);
        e = decoded(0x10118, top | 0x00052345); /* US */
        cr_assert_eq(e.access, code >= 1 && code <= 4 ? UIOMMU_READ : 0, "%u", code);
        e = decoded(0x23450118, top | 0x02010400); /* as event 9 has it */
        cr_assert_eq(e.pasid, code == 9 ? 0x12345 : tagged[code] ? 0x50400 : NONE, "%u", code);
        e = decoded(0x23450118, top | 0x00010400);
        cr_assert_eq(e.pasid, code == 9 ? NONE : tagged[code] ? 0x50400 : NONE, "%u", code);
    }
}

Test(amd_event, kinds)
{
    static const enum uiommu_event_kind want[16] = {
        UIOMMU_EVENT_UNKNOWN,       UIOMMU_EVENT_BAD_TABLE,
        UIOMMU_EVENT_TRANSLATION,   UIOMMU_EVENT_FETCH_ABORT,
        UIOMMU_EVENT_FETCH_ABORT,   UIOMMU_EVENT_COMMAND_ERROR,
        UIOMMU_EVENT_COMMAND_ERROR, UIOMMU_EVENT_INVALIDATION_TIMEOUT,
        UIOMMU_EVENT_UNKNOWN,       UIOMMU_EVENT_UNKNOWN,
        UIOMMU_EVENT_UNKNOWN,       UIOMMU_EVENT_UNKNOWN,
        UIOMMU_EVENT_UNKNOWN,       UIOMMU_EVENT_UNKNOWN,
        UIOMMU_EVENT_UNKNOWN,       UIOMMU_EVENT_UNKNOWN};
    uint32_t code, type;

    for (code = 0; code < 16; code++)
        cr_assert_eq(decoded(ID, code << 28).kind, want[code], "%u", code);
    cr_assert_eq(decoded(ID, 0x20100000).kind, UIOMMU_EVENT_BAD_CONTEXT);
    cr_assert_eq(decoded(ID, 0x20500000).kind, UIOMMU_EVENT_PERMISSION);
    cr_assert_eq(decoded(ID, 0x20400000).kind, UIOMMU_EVENT_TRANSLATION);
    for (type = 0; type < 8; type++) {
        cr_assert_eq(decoded(ID, 0x80000000 | type << 25).kind,
                     type == 1 ? UIOMMU_EVENT_TRANSLATED_REFUSED : UIOMMU_EVENT_UNKNOWN);
        cr_assert_eq(decoded(ID, 0x81000000 | type << 25).kind, UIOMMU_EVENT_ATS_REFUSED);
    }
}

/* The command first, where it is known. */
Test(amd_event, command)
{
    const struct amd_stashed s = {{UINT64_C(6) << 60, 0x1000}, {UINT64_C(2) << 60, 0}};
    struct uiommu_event e;

    uiommu_amd_event_decode(&s, &e);
    cr_assert(e.raw[0] == s.command[0] && e.raw[1] == 0);
    cr_assert(e.raw[2] == s.entry[0] && e.raw[3] == 0x1000);
}

/* Event 9 is a request when hardware has not answered it. */
Test(amd_event, asks)
{
    const uint64_t others[][2] = {{0x120006a523450118, 0}, {0x8200060023450118, 0}};
    const uint64_t untagged[2] = {0x900006a500000118, 0x1fff};
    const uint64_t zero[2] = {0x920002a500000118, 0x1fff};
    struct uiommu_request r;

    cr_assert_not(uiommu_amd_event_asks(others[0]));
    cr_assert_not(uiommu_amd_event_asks(others[1]));
    cr_assert(uiommu_amd_event_asks(untagged));
    memset(&r, 0xff, sizeof(r));
    uiommu_amd_event_request(untagged, &r);
    cr_assert(r.flags == (UIOMMU_REQUEST_LAST | UIOMMU_REQUEST_PRESET) && r.pasid == NONE);
    cr_assert(r.cookie[0] == 0 && r.cookie[1] == 0 && r.address == 0x1000 && r.index == 0xa5);
    uiommu_amd_event_request(zero, &r);
    cr_assert(r.cookie[0] == 1 && r.cookie[1] == 0 && r.pasid == NONE);
}

static void *attach(void)
{
    uint32_t id = ID, step = 0;
    struct uiommu_device_desc desc = {
        &id, 1, UIOMMU_DEVICE_PASID | UIOMMU_DEVICE_ATS | UIOMMU_DEVICE_PRI, 16, 1, 0};
    void *dev;

    cr_assert_eq(ops->device_attach(hw, &desc, &dev), UIOMMU_OK);
    while (ops->device_set(hw, dev, UIOMMU_DEVICE_SET_OPEN | UIOMMU_DEVICE_SET_ATS, step) ==
           UIOMMU_MORE)
        step++;
    return dev;
}

static uint32_t shown(uint64_t entry)
{
    struct uiommu_fetch io;

    fake_log(u, EVT, entry, 0xdead1000);
    io = fetch(1, 16, 16);
    cr_assert(io.entries == 1 && io.flags == 0);
    return io.event_count;
}

/* Quiet: faults of a shut device, of a blocked PASID, of an entry that refuses; no others. */
Test(amd_event, quiet)
{
    const uint64_t five = 0x2021000500000118, six = 0x2021000600000118;
    const uint64_t untagged = 0x2020000700000118, other = 0x1021000500000118;
    struct amd_device *dev = attach();
    uint32_t pasid;

    for (pasid = 5; pasid < 7; pasid++) {
        cr_assert_eq(ops->pasid_prepare(hw, dev, pasid), UIOMMU_OK);
        cr_assert_eq(ops->pasid_set(hw, dev, pasid, &root, pasid, 0), UIOMMU_OK);
        cr_assert_eq(shown(0x2021000000000118 | (uint64_t)pasid << 32), 1);
    }
    ops->pasid_block(hw, dev, 5);
    cr_assert_eq(shown(five), 0);
    cr_assert_eq(shown(six), 1);
    cr_assert_eq(shown(other), 1);
    cr_assert_eq(shown(untagged), 0, "its entry refuses");
    cr_assert_eq(ops->pasid_prepare(hw, dev, NONE), UIOMMU_OK);
    cr_assert_eq(ops->pasid_set(hw, dev, NONE, &root, 7, 0), UIOMMU_OK);
    cr_assert_eq(shown(untagged), 1);
    dev->quiet = true;
    cr_assert_eq(shown(six), 0);
    dev->quiet = false;
    cr_assert_eq(shown(0x2021000600000119), 1, "nobody's");
    cr_assert_eq(ops->device_set(hw, dev, 0, 0), UIOMMU_OK);
    cr_assert_eq(shown(six), 0);
    cr_assert_eq(shown(other), 1);
    ops->device_detach(hw, dev);
}

static void harvest(void)
{
    uint64_t ticket;

    cr_assert_eq(ops->ticket(hw, &ticket), UIOMMU_OK);
    cr_assert_eq(ops->ticket_poll(hw, ticket), UIOMMU_OK);
}

/* Delivered in order, round and round, as much as there is room for. */
Test(amd_event, waiting)
{
    struct uiommu_fetch io;
    uint32_t round, i, in = 0, out = 0;

    for (round = 0; round < 60; round++) {
        for (i = 0; i < 11; i++)
            fault(in++);
        harvest();
        cr_assert_eq(ops->ring_pending(hw, 1), 11);
        fault(in++);
        cr_assert_eq(ops->ring_pending(hw, 1), 12);
        cr_assert_eq(ops->ring_pending(hw, 0), 0);
        io = fetch(1, 0, 5);
        cr_assert(io.event_count == 5 && io.entries == 5 && io.request_count == 0);
        cr_assert_eq(io.flags, UIOMMU_FETCH_MORE);
        for (i = 0; i < 5; i++)
            cr_assert_eq(events[i].address, out++);
        cr_assert_eq(ops->ring_pending(hw, 1), 7);
        io = fetch(1, 0, 16);
        cr_assert(io.event_count == 7 && io.entries == 7 && io.flags == 0);
        for (i = 0; i < 7; i++)
            cr_assert_eq(events[i].address, out++);
    }
}

/* Of a command that failed for a bus error, too; and a slot keeps nothing of what was there. */
Test(amd_event, commands)
{
    const uint64_t words[2] = {UINT64_C(5) << 60 | 0x118, 7};
    uint64_t ticket;

    memset(hw->stash, 0xff, sizeof(*hw->stash) * 256);
    u->hold = true;
    fake_log(u, EVT, UINT64_C(6) << 60, hw->cmdq.mem.bus + (hw->cmdq.head & 511) * 16);
    cr_assert_eq(ops->command(hw, words, 2), UIOMMU_OK);
    cr_assert_eq(ops->ticket(hw, &ticket), UIOMMU_OK);
    fault(1);
    cr_assert_eq(fetch(1, 16, 16).event_count, 2);
    cr_assert(events[0].raw[0] == words[0] && events[0].raw[1] == 7);
    cr_assert(events[0].raw[2] == UINT64_C(6) << 60 && events[0].hw_code == 6);
    cr_assert(events[1].raw[0] == 0x2020000700000118 && events[1].raw[1] == 1);
    u->hold = false;
    fake_run(u);
    cr_assert_eq(ops->ticket_poll(hw, ticket), UIOMMU_OK);
}

/* Requests wait for room of their own, and hold what is behind them. */
Test(amd_event, requests)
{
    struct uiommu_fetch io;

    asks(1);
    fault(1);
    asks(2);
    fault(2);
    io = fetch(1, 1, 16);
    cr_assert(io.request_count == 1 && io.event_count == 1 && io.entries == 2);
    cr_assert(io.flags == UIOMMU_FETCH_MORE && requests[0].index == 1 && requests[0].at == 0);
    cr_assert_eq(requests[0].preset, UIOMMU_CODE_INVALID);
    asks(3);
    io = fetch(1, 16, 16);
    cr_assert(io.request_count == 2 && io.event_count == 1 && io.entries == 3 && io.flags == 0);
    cr_assert(requests[0].at == 0 && requests[1].at == 2 && requests[1].index == 3);
}

/* No room where they wait: the newest go, and are counted; only a request among them is told as
 * one. */
Test(amd_event, full)
{
    struct uiommu_fetch io;
    uint32_t i, n = 0;

    for (i = 0; i < 256; i++) {
        fault(i);
        harvest();
    }
    io = fetch(1, 16, 1);
    cr_assert(io.event_count == 1 && events[0].address == 0 && io.flags == UIOMMU_FETCH_MORE);
    for (i = 0; i < 4; i++) {
        fault(1000 + i);
        harvest();
    }
    cr_assert_eq(ops->ring_pending(hw, 1), 255 + 4);
    io = fetch(1, 16, 2);
    cr_assert(io.event_count == 2 && io.entries == 3 + 1 && io.flags == UIOMMU_FETCH_MORE);
    cr_assert(events[0].kind == UIOMMU_EVENT_EVENTS_LOST && events[0].count == 3);
    cr_assert_eq(events[0].id, UINT32_MAX);
    cr_assert_eq(events[1].address, 1);
    asks(1);
    harvest();
    asks(2);
    harvest();
    fault(3);
    harvest();
    do {
        io = fetch(1, 16, 16);
        cr_assert_eq(io.flags & ~UIOMMU_FETCH_MORE, UIOMMU_FETCH_OVERFLOW);
        cr_assert_eq(events[0].kind == UIOMMU_EVENT_EVENTS_LOST, n == 0);
        cr_assert(n != 0 || events[0].count == 2);
        n += io.entries;
    } while ((io.flags & UIOMMU_FETCH_MORE) != 0);
    cr_assert_eq(n, 2 + 256);
    cr_assert(io.request_count == 1 && requests[0].index == 1);
    ops->overflow_ack(hw, 1);
    cr_assert_eq(fetch(1, 16, 16).flags, 0);
}

/* A late event is given up: it counts, and nothing behind it is held. */
Test(amd_event, late)
{
    struct uiommu_fetch io;

    fake_tail(u, EVT);
    fault(1);
    cr_assert_eq(fetch(1, 16, 16).entries, 0);
    u->core.now += AMD_LATE_NS;
    io = fetch(1, 16, 16);
    cr_assert(io.entries == 2 && io.event_count == 2);
    cr_assert_eq(io.flags, UIOMMU_FETCH_OVERFLOW | UIOMMU_FETCH_LATE);
    cr_assert(events[0].kind == UIOMMU_EVENT_EVENTS_LOST && events[0].count == 1);
    cr_assert_eq(events[1].address, 1);
    cr_assert_eq(fetch(1, 16, 16).flags, UIOMMU_FETCH_OVERFLOW);
    fake_tail(u, PPR);
    cr_assert_eq(fetch(0, 16, 16).entries, 0);
    u->core.now += AMD_LATE_NS;
    io = fetch(0, 16, 16);
    cr_assert(io.entries == 1 && io.event_count == 0 && io.flags == UIOMMU_FETCH_LATE);
}

/* Without page requests the events are ring 0, the only one, and nobody is asked. */
Test(amd_no_requests, events)
{
    struct uiommu_check out;
    struct uiommu_fetch io;

    asks(1);
    cr_assert_eq(ops->ring_pending(hw, 0), 1);
    cr_assert_eq(ops->ring_pending(hw, 1), 0);
    io = fetch(0, 16, 16);
    cr_assert(io.event_count == 1 && io.request_count == 0 && io.flags == 0);
    io.entries = io.flags = io.request_count = io.event_count = 9;
    cr_assert_eq(ops->fetch(hw, 1, &io), UIOMMU_E_INVALID);
    cr_assert_eq(io.entries + io.flags + io.request_count + io.event_count, 0);
    *fake_reg(u, 0x2020) = (*fake_reg(u, 0x2020) | 1) & ~8u;
    io = fetch(0, 16, 16);
    cr_assert(io.event_count == 1 && io.flags == 0);
    cr_assert_eq(*fake_reg(u, 0x2020), 0x18);
    *fake_reg(u, 0x2018) = 0xffffffff;
    out = check();
    cr_assert(out.flags == 0 && out.event_count == 1 && out.event[0].raw[0] == 0);
    *fake_reg(u, 0x2018) = *fake_reg(u, 0x2010);
    cr_assert_eq(ops->restart(hw), UIOMMU_OK);
    io = fetch(0, 16, 16);
    cr_assert(io.entries == 1 && io.flags == 0);
}

/* What goes at a restart counts as consumed, at least one of each ring; and is said to be lost. */
Test(amd_event, restarted)
{
    struct uiommu_fetch io;
    uint32_t i;

    for (i = 0; i < 3; i++)
        fake_log(u, PPR, 0x1144020012340118, 0x7fff12344000);
    fault(1);
    harvest();
    fault(2);
    fault(3);
    cr_assert_eq(ops->restart(hw), UIOMMU_OK);
    cr_assert_eq(ops->ring_pending(hw, 0), 3);
    cr_assert_eq(ops->ring_pending(hw, 1), 3);
    for (i = 0; i < 2; i++) {
        io = fetch(i, 16, 16);
        cr_assert(io.entries == 3 && io.request_count == 0 && io.event_count == 0);
        cr_assert_eq(io.flags, UIOMMU_FETCH_OVERFLOW);
        io = fetch(i, 16, 16);
        cr_assert(io.entries == 0 && io.flags == UIOMMU_FETCH_OVERFLOW);
        ops->overflow_ack(hw, i);
        cr_assert_eq(fetch(i, 16, 16).flags, 0);
    }
    for (i = 0; i < 2; i++) {
        fake_log(u, PPR, 0x1144020012340118, 0x7fff12344000);
        (void)fetch(0, 16, 16);
    }
    cr_assert_eq(ops->restart(hw), UIOMMU_OK);
    cr_assert_eq(fetch(0, 16, 16).entries, 1);
    cr_assert_eq(fetch(1, 16, 16).entries, 1);
    u->stay_on = false;
    fake_log(u, PPR, 0x1144020012340118, 0x7fff12344000);
    fake_log(u, PPR, 0x1144020012340118, 0x7fff12344000);
    ops->stop(hw);
    *fake_reg(u, 0x2038) = 0x50; /* Nobody's any more. */
    cr_assert_eq(fetch(0, 16, 16).entries, 0);
    cr_assert_eq(ops->ring_pending(hw, 0), 0);
    cr_assert_eq(ops->restart(hw), UIOMMU_OK);
    cr_assert_eq(fetch(0, 16, 16).entries, 2 + 1);
}

/* What is under the lock: all of the event log, and both when they are dropped. */
Test(amd_event, locked)
{
    fault(1);
    u->loose = 0;
    cr_assert_eq(ops->ring_pending(hw, 1), 1);
    cr_assert_eq(fetch(1, 16, 16).entries, 1);
    cr_assert_eq(ops->restart(hw), UIOMMU_OK);
    ops->stop(hw);
    cr_assert_eq(u->loose, 0);
}

/* A start begins with nothing, whatever was there at the stop before. */
Test(amd_event, started_again)
{
    struct uiommu_fetch io;
    uint32_t i;

    fault(1);
    harvest();
    *fake_reg(u, 0x2038) = *fake_reg(u, 0x2018) = 0xffffffff;
    (void)ops->ring_pending(hw, 0);
    (void)ops->ring_pending(hw, 1);
    *fake_reg(u, 0x2038) = 0;
    *fake_reg(u, 0x2018) = *fake_reg(u, 0x2010);
    fake_tail(u, EVT);
    (void)ops->ring_pending(hw, 1);
    (void)uiommu_amd_event_harvest(hw);
    u->core.now += AMD_LATE_NS;
    (void)uiommu_amd_event_harvest(hw);
    cr_assert(hw->evt.skipped && hw->events_lost == 1);
    hw->ppr.skipped = true;
    ops->stop(hw);
    cr_assert_eq(ops->start(hw), UIOMMU_OK);
    for (i = 0; i < 2; i++) {
        io = fetch(i, 16, 16);
        cr_assert(io.entries == 0 && io.event_count == 0 && io.flags == 0, "%u", i);
    }
    cr_assert_eq(check().event_count, 0);
}

/* A start that fails at the last step has had the event log on: it is off for the next one. */
Test(amd_event, started_after_a_failure)
{
    struct uiommu_fetch io;

    ops->stop(hw);
    u->no_ppr = true;
    cr_assert_eq(ops->start(hw), UIOMMU_E_TIMEOUT);
    u->no_ppr = false;
    cr_assert_eq(ops->start(hw), UIOMMU_OK);
    io = fetch(1, 16, 16);
    cr_assert(io.entries == 0 && io.event_count == 0 && io.flags == 0);
}

/* Stopped: an overflow that was reported is not acknowledged any more. */
Test(amd_event, stopped)
{
    *fake_reg(u, 0x2020) |= 0x20;
    cr_assert_eq(fetch(0, 16, 16).flags, UIOMMU_FETCH_OVERFLOW);
    ops->stop(hw);
    fake_trace(u);
    ops->overflow_ack(hw, 0);
    ops->irq_ack(hw);
    cr_assert_str_eq(fake_traced(u), "");
    cr_assert_eq(check().flags, 0);
}

/* Stopped while a log was to be switched off and on: that is nobody's any more. */
Test(amd_event, stopped_while_stopping)
{
    uint32_t touched;

    u->stuck = true;
    *fake_reg(u, 0x2020) |= 1;
    (void)check();
    cr_assert(hw->evt.stopping);
    ops->stop(hw);
    u->stuck = false;
    touched = u->core.accesses;
    cr_assert_eq(check().flags, 0);
    cr_assert_eq(u->core.accesses, touched);
    cr_assert_eq(ops->restart(hw), UIOMMU_OK);
}

/* An entry of the page request log that is none. */
Test(amd_event, no_request)
{
    struct uiommu_fetch io;

    fake_log(u, PPR, 0x3144020112340118, 0x7fff12344fff);
    fake_log(u, PPR, 0x1144020112340118, 0x7fff12344fff);
    io = fetch(0, 16, 16);
    cr_assert(io.entries == 2 && io.event_count == 1 && io.request_count == 1 && io.flags == 0);
    cr_assert(events[0].kind == UIOMMU_EVENT_UNKNOWN && events[0].id == ID);
    cr_assert(events[0].hw_code == 3 && events[0].pasid == NONE && events[0].access == 0);
    cr_assert(events[0].raw[0] == 0x3144020112340118 && events[0].raw[1] == 0x7fff12344fff);
    cr_assert(events[0].raw[2] == 0 && events[0].raw[3] == 0);
    cr_assert(requests[0].at == 1 && requests[0].cookie[0] == 1 && requests[0].cookie[1] == 0x1234);
}

/* Behind the tail that was read first there is more: it had no interrupt of its own. */
Test(amd_event, more)
{
    struct uiommu_fetch io;
    uint32_t i;

    for (i = 0; i < 5; i++)
        fake_log(u, PPR, 0x1144020112340118, 0x7fff12344000);
    io = fetch(0, 0, 1);
    cr_assert(io.entries == 0 && io.flags == UIOMMU_FETCH_MORE);
    io = fetch(0, 3, 1);
    cr_assert(io.entries == 3 && io.flags == UIOMMU_FETCH_MORE);
    io = fetch(0, 2, 1);
    cr_assert(io.entries == 2 && io.flags == 0);
    fake_log(u, PPR, 0x1144020112340118, 0x7fff12344000);
    fake_tail(u, PPR);
    io = fetch(0, 16, 1);
    cr_assert(io.entries == 1 && io.flags == 0, "what is late is waited for");
    u->behind = 1;
    u->core.now += AMD_LATE_NS;
    io = fetch(0, 16, 1);
    cr_assert(io.entries == 1 && io.request_count == 0);
    cr_assert_eq(io.flags, UIOMMU_FETCH_MORE | UIOMMU_FETCH_LATE);
    cr_assert_eq(fetch(0, 16, 1).request_count, 1);
}
