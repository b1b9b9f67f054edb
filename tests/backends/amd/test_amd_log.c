/* SPDX-License-Identifier: BSD-2-Clause */
/* The logs: late entries, overflow and restart, quiet faults, requests among events. */
#include "amd_fake_core.h"

#include <criterion/criterion.h>

#define PPR 0x38u
#define EVT 0x10u

static struct uiommu *u;
static struct uiommu_amd *hw;
static const struct uiommu_backend_ops *ops;
static struct uiommu_request requests[16];
static struct uiommu_event events[16];

static void begin(void)
{
    struct uiommu_amd_config c = fake_config();

    c.priq_log2 = 8;
    c.eventq_log2 = 8;
    u = fake_new();
    hw = fake_unit(u, &c);
    cr_assert_not_null(hw);
    ops = u->core.unit.ops;
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
    cr_assert_eq(ops->fetch(hw, ring, &io), UIOMMU_OK);
    return io;
}

static void ask(uint32_t index)
{
    fake_log(u, PPR, 0x1144020012340118 | (uint64_t)index << 32, 0x7fff12344000);
}

TestSuite(amd_log, .init = begin, .fini = end);

Test(amd_log, entries_are_cleared_and_wrap)
{
    struct uiommu_fetch io;
    uint32_t round, i;

    for (round = 0; round < 40; round++) {
        for (i = 0; i < 10; i++)
            ask(i);
        io = fetch(0, 4);
        cr_assert_eq(io.entries, 4);
        cr_assert_eq(io.flags, UIOMMU_FETCH_MORE);
        cr_assert_eq(ops->ring_pending(hw, 0), 6);
        io = fetch(0, 16);
        cr_assert_eq(io.request_count, 6);
        cr_assert_eq(requests[5].index, 9);
        cr_assert_eq(requests[5].at, 5);
        cr_assert_eq(io.flags, 0);
        cr_assert_eq(*fake_reg(u, 0x2030), *fake_reg(u, 0x2038));
    }
    for (i = 0; i < 512; i++)
        cr_assert_eq(le64(((uint64_t *)hw->ppr.mem.cpu)[i]), 0);
}

Test(amd_log, late_entry_is_waited_for)
{
    uint64_t *slot = (uint64_t *)hw->ppr.mem.cpu + 2;

    ask(1);
    fake_tail(u, PPR);
    ask(3);
    cr_assert_eq(fetch(0, 16).request_count, 1);
    cr_assert_eq(fetch(0, 16).entries, 0);
    slot[1] = le64(0x7fff12344000);
    slot[0] = le64(0x1144020212340118);
    cr_assert_eq(fetch(0, 16).request_count, 2);
    cr_assert_eq(requests[0].index, 2);
}

Test(amd_log, late_entry_is_given_up)
{
    struct uiommu_fetch io;

    fake_tail(u, PPR);
    ask(3);
    cr_assert_eq(fetch(0, 16).entries, 0);
    u->core.now += AMD_LATE_NS;
    io = fetch(0, 16);
    cr_assert_eq(io.entries, 2);
    cr_assert_eq(io.request_count, 1);
    cr_assert_eq(requests[0].at, 1);
    cr_assert_eq(io.flags, UIOMMU_FETCH_LATE);
    cr_assert_eq(fetch(0, 16).flags, 0);
}

Test(amd_log, overflow_restarts_the_log_and_keeps_entries)
{
    ask(1);
    *fake_reg(u, 0x2020) = (*fake_reg(u, 0x2020) | 0x60) & ~0x80u;
    cr_assert_eq(fetch(0, 16).flags, UIOMMU_FETCH_OVERFLOW);
    cr_assert_eq(fetch(0, 16).flags, UIOMMU_FETCH_OVERFLOW);
    ops->overflow_ack(hw, 0);
    cr_assert_eq(*fake_reg(u, 0x2020) & 0xe0, 0x80);
    cr_assert_eq(*fake_reg(u, 0x2030), 0x10);
    ask(2);
    cr_assert_eq(fetch(0, 16).request_count, 1);
    cr_assert_eq(requests[0].index, 2);
    cr_assert_eq(fetch(0, 16).flags, 0);
}

/* Only what fetch() has reported is acknowledged. */
Test(amd_log, unseen_overflow_stays)
{
    *fake_reg(u, 0x2020) |= 0x20;
    ops->overflow_ack(hw, 0);
    cr_assert_eq(*fake_reg(u, 0x2020) & 0x20, 0x20);
}

Test(amd_log, slow_restart_goes_on_in_check)
{
    struct uiommu_check check;

    *fake_reg(u, 0x2020) |= 0x20; /* overflow, and it runs on */
    cr_assert_eq(fetch(0, 16).flags, UIOMMU_FETCH_OVERFLOW);
    u->stuck = true;
    ops->overflow_ack(hw, 0);
    ops->check(hw, &check);
    cr_assert_eq(check.flags, UIOMMU_CHECK_MORE);
    u->stuck = false;
    *fake_reg(u, 0x2020) &= ~0x80u;
    ops->check(hw, &check);
    cr_assert_eq(check.flags, 0);
    cr_assert_eq(*fake_reg(u, 0x2020) & 0xa0, 0x80);
    cr_assert_eq(fetch(0, 16).flags, UIOMMU_FETCH_OVERFLOW); /* what came meanwhile */
    ops->overflow_ack(hw, 0);
    cr_assert_eq(fetch(0, 16).flags, 0);
}

Test(amd_log, events_wait_under_the_lock)
{
    struct uiommu_fetch io;
    uint64_t ticket;

    fake_log(u, EVT, 0x2020000700000118, 0xdead1000);
    fake_log(u, EVT, 0x920007a523450118, 0x7fff12345000);
    cr_assert_eq(ops->ticket(hw, &ticket), UIOMMU_OK);
    cr_assert_eq(ops->ticket_poll(hw, ticket), UIOMMU_OK);
    cr_assert_eq(*fake_reg(u, 0x2010), 0x20);
    cr_assert_eq(ops->ring_pending(hw, 1), 2);
    io = fetch(1, 16);
    cr_assert_eq(io.entries, 2);
    cr_assert_eq(io.event_count, 1);
    cr_assert_eq(io.request_count, 1);
    cr_assert_eq(requests[0].at, 1);
    cr_assert_eq(requests[0].preset, UIOMMU_CODE_INVALID);
    cr_assert_eq(ops->ring_pending(hw, 1), 0);
}

/* Failure would end page requests of the device's neighbours, too. */
Test(amd_log, failure_is_for_the_isolated)
{
    uint32_t id = 0x118;
    struct uiommu_device_desc desc = {&id, 1, UIOMMU_DEVICE_PRI, 0, 1, 0};
    void *dev;

    cr_assert_eq(ops->device_attach(hw, &desc, &dev), UIOMMU_OK);
    fake_log(u, EVT, 0x920007a523450118, 0x7fff12345000);
    cr_assert_eq(fetch(1, 16).request_count, 1);
    cr_assert_eq(requests[0].preset, UIOMMU_CODE_INVALID); /* Shut, no more. */
    cr_assert_eq(ops->device_isolate(hw, dev), UIOMMU_OK);
    fake_log(u, EVT, 0x920007a523450118, 0x7fff12345000);
    cr_assert_eq(fetch(1, 16).request_count, 1);
    cr_assert_eq(requests[0].preset, UIOMMU_CODE_FAILURE);
    ops->device_detach(hw, dev);
}

Test(amd_log, full_stash_counts)
{
    struct uiommu_fetch io;
    uint32_t i, n = 0;
    uint64_t ticket;

    for (i = 0; i < 300; i++) {
        fake_log(u, EVT, 0x2020000700000118, 0xdead1000);
        cr_assert_eq(ops->ticket(hw, &ticket), UIOMMU_OK);
        cr_assert_eq(ops->ticket_poll(hw, ticket), UIOMMU_OK);
    }
    cr_assert_eq(ops->ring_pending(hw, 1), 300);
    do {
        io = fetch(1, 16);
        if (n == 0)
            cr_assert_eq(events[0].kind, UIOMMU_EVENT_EVENTS_LOST);
        n += io.entries;
    } while (io.flags == UIOMMU_FETCH_MORE);
    cr_assert_eq(n, 300);
}

Test(amd_log, nothing_survives_a_stop)
{
    uint64_t ticket;

    fake_log(u, EVT, 0x2020000700000118, 0xdead1000);
    cr_assert_eq(ops->ticket(hw, &ticket), UIOMMU_OK);
    cr_assert_eq(ops->ticket_poll(hw, ticket), UIOMMU_OK);
    ops->stop(hw);
    cr_assert_eq(ops->start(hw), UIOMMU_OK);
    cr_assert_eq(ops->ring_pending(hw, 1), 0);
    ask(1);
    cr_assert_eq(ops->restart(hw), UIOMMU_OK);
    cr_assert_eq(fetch(0, 16).flags, UIOMMU_FETCH_OVERFLOW);
    cr_assert_eq(fetch(0, 16).request_count, 0);
}

Test(amd_log, faults_of_a_shut_device_are_quiet)
{
    uint32_t id = 0x118;
    struct uiommu_device_desc desc = {&id, 1, 0, 0, 1, 0};
    struct uiommu_fetch io;
    void *dev;

    cr_assert_eq(ops->device_attach(hw, &desc, &dev), UIOMMU_OK);
    fake_log(u, EVT, 0x2020000000000118, 0xdead1000);
    fake_log(u, EVT, 0x2020000000000119, 0xdead1000);
    io = fetch(1, 16);
    cr_assert_eq(io.entries, 2);
    cr_assert_eq(io.event_count, 1);
    cr_assert_eq(events[0].id, 0x119);
    ops->device_detach(hw, dev);
}

Test(amd_log, interrupt_bits_are_cleared_until_they_stay_clear)
{
    struct uiommu_check check;

    *fake_reg(u, 0x2020) |= 0x40046;
    u->sticky = 3;
    ops->irq_ack(hw);
    cr_assert_eq(*fake_reg(u, 0x2020) & 0x40046, 0);
    *fake_reg(u, 0x2020) |= 0x40;
    u->sticky = UINT32_MAX;
    ops->irq_ack(hw); /* bounded; nobody is interrupted while it is set */
    ops->check(hw, &check);
    cr_assert_eq(check.flags, UIOMMU_CHECK_MORE);
    hw->config.flags |= UIOMMU_AMD_POLL;
    ops->check(hw, &check);
    cr_assert_eq(check.flags, 0);
}

Test(amd_log, nonsense_tail)
{
    struct uiommu_check check;
    struct uiommu_fetch io;
    uint64_t ticket;

    *fake_reg(u, 0x2038) = 0xffffffff;
    io = fetch(0, 16);
    cr_assert_eq(io.entries, 0);
    cr_assert_eq(io.flags, UIOMMU_FETCH_OVERFLOW);
    cr_assert_eq(ops->ring_pending(hw, 0), 0);
    ops->check(hw, &check);
    cr_assert_eq(check.event_count, 1);
    cr_assert_eq(check.event[0].kind, UIOMMU_EVENT_QUEUE_ERROR);
    *fake_reg(u, 0x2018) = 0xfffff0;
    ops->check(hw, &check);
    cr_assert_eq(check.event_count, 1);
    cr_assert_eq(check.event[0].kind, UIOMMU_EVENT_QUEUE_ERROR);
    /* What it hides is not known: nothing is proved, until it makes sense again. */
    cr_assert_eq(ops->ticket(hw, &ticket), UIOMMU_OK);
    cr_assert_eq(ops->ticket_poll(hw, ticket), UIOMMU_PENDING);
    *fake_reg(u, 0x2018) = 0;
    cr_assert_eq(ops->ticket_poll(hw, ticket), UIOMMU_OK);
}

Test(amd_log, describe_shows_all)
{
    struct uiommu_item item;
    uint64_t cursor = 0;
    uint32_t n = 0;

    while (ops->describe(hw, 0x118, 5, &cursor, &item) == UIOMMU_OK)
        n++;
    cr_assert_eq(n, 14);
    cr_assert_eq(item.words, 0);
}
