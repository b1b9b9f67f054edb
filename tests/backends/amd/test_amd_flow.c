/* SPDX-License-Identifier: BSD-2-Clause */
/* Start, stop, device table, GCR3 table, commands, tickets. */
#include "amd_fake_core.h"

#include <criterion/criterion.h>

static struct uiommu *u;
static struct uiommu_amd *hw;
static const struct uiommu_backend_ops *ops;
static const uint32_t ids[] = {0x118, 0x119};
static const struct uiommu_root root = {UIOMMU_ROOT_X86_64, 12, 48, 0, 0, 0x123456000, 0, {0}};

static void begin(void)
{
    struct uiommu_amd_config c = fake_config();

    u = fake_new();
    hw = fake_unit(u, &c);
    cr_assert_not_null(hw);
    ops = u->core.unit.ops;
}

static void end(void)
{
    FAKE_END(u);
}

static void *attach(uint32_t pasid_bits)
{
    struct uiommu_device_desc desc = {
        ids, 2, UIOMMU_DEVICE_PASID | UIOMMU_DEVICE_ATS | UIOMMU_DEVICE_PRI, pasid_bits, 1, 0};
    void *dev = NULL;

    cr_assert_eq(ops->device_attach(hw, &desc, &dev), UIOMMU_OK);
    return dev;
}

static void open_device(void *dev, uint32_t flags)
{
    uint32_t step = 0;

    while (ops->device_set(hw, dev, flags | UIOMMU_DEVICE_SET_OPEN, step) == UIOMMU_MORE)
        step++;
    cr_assert_leq(step, 2);
}

static uint64_t bind(void *dev, uint32_t pasid, uint32_t tag)
{
    cr_assert_eq(ops->pasid_prepare(hw, dev, pasid), UIOMMU_OK);
    cr_assert_eq(ops->pasid_set(hw, dev, pasid, &root, tag, 0), UIOMMU_OK);
    return le64(*uiommu_amd_gcr3_at(dev, pasid));
}

TestSuite(amd_flow, .init = begin, .fini = end);

Test(amd_flow, starts_in_order)
{
    cr_assert_eq(fake_reg64(u, 0x18) & 0xffffffff, 0x1f46du); /* InvTimeOut 100 ms */
    cr_assert_eq(fake_reg64(u, 0x18) >> 32, 0x2000);
    cr_assert_eq(*fake_reg(u, 0x2020), 0x98);
    cr_assert_eq(u->log[0].d[0] >> 60, 8);
    cr_assert_eq(u->log[1].d[0] >> 60, 1);
    cr_assert_eq(u->core.unit.caps.rings, 2);
    cr_assert_eq(u->core.unit.caps.pasid_bits, 20);
    cr_assert_eq(u->core.unit.caps.request_entries, 511);
    cr_assert_eq(le64(*uiommu_amd_dte_at(hw, 0xffff)), 1);
}

Test(amd_flow, goes_on_blocking_when_stopped)
{
    uint64_t bytes = u->core.mem_bytes, base = fake_reg64(u, 0);

    ops->stop(hw);
    ops->stop(hw);
    cr_assert_eq(*fake_reg(u, 0x18) & 0xf00d, 1); /* translation alone is on */
    cr_assert_eq(u->core.mem_bytes, bytes);
    cr_assert_eq(ops->start(hw), UIOMMU_OK);
    cr_assert_eq(ops->restart(hw), UIOMMU_OK);
    cr_assert_eq(fake_reg64(u, 0), base);
}

Test(amd_flow, undoes_a_start)
{
    struct uiommu *v = fake_new();
    struct uiommu_amd_config c = fake_config();
    struct uiommu_unit *unit;
    uint32_t left;

    cr_assert_eq(uiommu_amd_create(v, &c, &unit), UIOMMU_OK);
    for (left = 0; left < 6; left++) {
        v->core.mem_left = left;
        cr_assert_eq(unit->ops->start(unit->hw), UIOMMU_E_NOMEM);
        cr_assert_eq(v->core.mem_bytes, 0);
    }
    v->core.mem_left = UINT32_MAX;
    v->hold = true; /* Nothing runs: it is undone, and the unit is off. */
    cr_assert_neq(unit->ops->start(unit->hw), UIOMMU_OK);
    cr_assert_eq(*fake_reg(v, 0x18) & 1, 0);
    v->hold = false;
    cr_assert_eq(unit->ops->start(unit->hw), UIOMMU_OK);
    fake_unit_free(v);
    cr_assert_eq(v->core.mem_bytes, 0);
    fake_free(v);
}

/* Stopped: no register is touched, nothing is found, nothing put. */
Test(amd_flow, stopped_is_quiet)
{
    struct uiommu_device_desc desc = {ids, 2, UIOMMU_DEVICE_ATS, 0, 1, 0};
    struct uiommu_check check;
    struct uiommu_fetch io;
    uint64_t ticket, old, command[2] = {(uint64_t)5 << 60 | 0x118, 0};
    uint32_t strength, touched;
    void *dev = NULL;

    cr_assert_eq(ops->device_attach(hw, &desc, &dev), UIOMMU_OK);
    cr_assert_eq(ops->ticket(hw, &old), UIOMMU_OK);
    u->hold = true;
    ops->stop(hw);
    touched = u->core.accesses;
    memset(&io, 0, sizeof(io));
    memset(&check, 0, sizeof(check));
    cr_assert_eq(ops->ticket(hw, &ticket), UIOMMU_E_HW);
    cr_assert_eq(ops->config_invalidate(hw, dev, UIOMMU_PASID_ALL), UIOMMU_E_HW);
    cr_assert_eq(ops->tlb_invalidate(hw, dev, 5, &root, 1, NULL), UIOMMU_E_HW);
    cr_assert_eq(ops->dtlb_invalidate(hw, dev, 5, NULL), UIOMMU_E_HW);
    cr_assert_eq(ops->barrier(hw, dev, 5, &ticket, &strength), UIOMMU_E_HW);
    cr_assert_eq(ops->command(hw, command, 2), UIOMMU_E_HW);
    cr_assert_eq(ops->ring_pending(hw, 0), 0);
    cr_assert_eq(ops->fetch(hw, 0, &io), UIOMMU_OK);
    ops->overflow_ack(hw, 0);
    ops->irq_ack(hw);
    ops->check(hw, &check);
    (void)ops->ticket_poll(hw, old);
    ops->stop(hw);
    cr_assert_eq(u->core.accesses, touched);
    u->hold = false;
    cr_assert_eq(ops->restart(hw), UIOMMU_OK);
    ops->device_detach(hw, dev);
}

Test(amd_flow, entries_open_and_shut)
{
    void *dev = attach(16);
    volatile uint64_t *dte = uiommu_amd_dte_at(hw, 0x119);

    dte[2] = le64(0x8000000000000001); /* the host's */
    cr_assert_eq(ops->device_set(hw, dev, UIOMMU_DEVICE_SET_OPEN, 0), UIOMMU_MORE);
    cr_assert_eq(le64(dte[0]), 1);
    cr_assert_eq(ops->device_set(hw, dev, UIOMMU_DEVICE_SET_OPEN, 1), UIOMMU_MORE);
    cr_assert_eq(le64(dte[0]), 1);
    cr_assert_eq(ops->device_set(hw, dev, UIOMMU_DEVICE_SET_OPEN, 2), UIOMMU_OK);
    cr_assert_eq(le64(dte[0]) & 3, 3);
    cr_assert_eq(le64(dte[0]) >> 52 & 1, 0);
    cr_assert_eq(le64(dte[2]), 0x8000000000000001);
    cr_assert_eq(ops->device_set(hw, dev, UIOMMU_DEVICE_SET_OPEN | UIOMMU_DEVICE_SET_ATS, 0),
                 UIOMMU_OK);
    cr_assert_eq(le64(dte[0]) >> 52 & 1, 1);
    cr_assert_eq(le64(dte[1]) >> 32 & 1, 1);
    cr_assert_eq(ops->device_isolate(hw, dev), UIOMMU_OK);
    cr_assert_eq(le64(dte[0]), 1);
    cr_assert_eq(le64(dte[1]) >> 32 & 1, 0);
    open_device(dev, UIOMMU_DEVICE_SET_ATS);
    cr_assert_eq(le64(dte[1]) >> 32 & 1, 1);
    cr_assert_eq(ops->device_set(hw, dev, 0, 0), UIOMMU_OK);
    cr_assert_eq(le64(dte[0]), 1);
    cr_assert_eq(le64(dte[1]) >> 32 & 1, 0);
    ops->device_detach(hw, dev);
}

Test(amd_flow, gcr3_levels)
{
    struct amd_device *dev = attach(20);
    volatile uint64_t *node;

    cr_assert_eq(bind(dev, 0x12345, 1), 0x123456001);
    node = dev->root.cpu;
    node = (volatile uint64_t *)(uintptr_t)(le64(node[0]) & ~UINT64_C(1));
    node = (volatile uint64_t *)(uintptr_t)(le64(node[0x488 / 8]) & ~UINT64_C(1));
    cr_assert_eq(le64(node[0xa28 / 8]), 0x123456001);
    cr_assert_eq(bind(dev, 0xfffff, 2), 0x123456001);
    node = dev->root.cpu;
    node = (volatile uint64_t *)(uintptr_t)(le64(node[0x18 / 8]) & ~UINT64_C(1));
    node = (volatile uint64_t *)(uintptr_t)(le64(node[0xff8 / 8]) & ~UINT64_C(1));
    cr_assert_eq(le64(node[0xff8 / 8]), 0x123456001);
    ops->pasid_clear(hw, dev, 0xfffff);
    cr_assert_eq(le64(node[0xff8 / 8]), 0);
    ops->device_detach(hw, dev);
    dev = attach(9);
    bind(dev, 0x1ff, 1);
    cr_assert_eq(le64(((uint64_t *)dev->root.cpu)[0x1ff]), 0x123456001);
    cr_assert_eq(ops->pasid_prepare(hw, dev, 0x200), UIOMMU_E_RANGE);
    ops->device_detach(hw, dev);
    dev = attach(18);
    bind(dev, 0x200, 1);
    node = (volatile uint64_t *)(uintptr_t)(le64(((uint64_t *)dev->root.cpu)[1]) & ~UINT64_C(1));
    cr_assert_eq(le64(node[0]), 0x123456001);
    ops->device_detach(hw, dev);
}

Test(amd_flow, blocked_and_untagged_are_quiet)
{
    void *dev = attach(16);
    uint64_t quiet = hw->quiet.bus | 1;

    cr_assert_eq(le64(*uiommu_amd_gcr3_at(dev, UIOMMU_PASID_NONE)), quiet);
    bind(dev, 5, 1);
    cr_assert_eq(ops->pasid_set(hw, dev, 5, &root, 1, 0), UIOMMU_OK);
    ops->pasid_block(hw, dev, 5);
    cr_assert_eq(le64(*uiommu_amd_gcr3_at(dev, 5)), quiet);
    cr_assert_eq(ops->pasid_set(hw, dev, 5, &root, 1, 0), UIOMMU_E_STATE);
    ops->pasid_clear(hw, dev, 5);
    ops->pasid_block(hw, dev, 5);
    cr_assert_eq(le64(*uiommu_amd_gcr3_at(dev, 5)), 0);
    bind(dev, UIOMMU_PASID_NONE, 2);
    ops->pasid_clear(hw, dev, UIOMMU_PASID_NONE);
    cr_assert_eq(le64(*uiommu_amd_gcr3_at(dev, UIOMMU_PASID_NONE)), quiet);
    ops->device_detach(hw, dev);
}

Test(amd_flow, roots)
{
    struct uiommu_root r = root;
    void *dev = attach(16);

    cr_assert_eq(ops->root_check(hw, dev, 1, &r), UIOMMU_OK);
    r.va_bits = 57;
    cr_assert_eq(ops->root_check(hw, dev, 1, &r), UIOMMU_E_UNSUPPORTED);
    hw->config.flags |= UIOMMU_AMD_FIVE_LEVEL;
    cr_assert_eq(ops->root_check(hw, dev, 1, &r), UIOMMU_OK);
    r.table = 0x123;
    cr_assert_eq(ops->root_check(hw, dev, 1, &r), UIOMMU_E_UNSUPPORTED);
    ops->device_detach(hw, dev);
}

Test(amd_flow, commands_name_device_and_domain)
{
    struct amd_device *dev = attach(16);
    uint32_t at = u->logged;
    uint64_t ticket;

    open_device(dev, UIOMMU_DEVICE_SET_ATS);
    bind(dev, 5, 77);
    cr_assert_eq(ops->config_invalidate(hw, dev, UIOMMU_PASID_ALL), UIOMMU_OK);
    cr_assert_eq(ops->config_invalidate(hw, dev, 5), UIOMMU_OK);
    cr_assert_eq(ops->tlb_invalidate(hw, dev, 5, NULL, 77, NULL), UIOMMU_OK);
    cr_assert_eq(ops->dtlb_invalidate(hw, dev, 5, NULL), UIOMMU_OK);
    cr_assert_eq(ops->ticket(hw, &ticket), UIOMMU_OK);
    cr_assert_eq(u->logged - at, 10);
    cr_assert_eq(u->log[at].d[0], 0x2000000000000118);
    cr_assert_eq(u->log[at + 1].d[0], 0x2000000000000119);
    cr_assert_eq(u->log[at + 4].d[0], 0x3000000000000005 | (uint64_t)dev->domain << 32);
    cr_assert_eq(u->log[at + 5].d[0], u->log[at + 4].d[0]);
    cr_assert_eq(u->log[at + 6].d[0], 0x1000000000000004); /* Nobody has waited: a fence. */
    cr_assert_eq(u->log[at + 7].d[0], 0x4005011801000118);
    cr_assert_eq(u->log[at + 8].d[0], 0x4005011901000119);
    cr_assert_eq(ops->ticket_poll(hw, ticket), UIOMMU_OK);
    at = u->logged;
    cr_assert_eq(ops->dtlb_invalidate(hw, dev, 5, NULL), UIOMMU_OK);
    cr_assert_eq(ops->ticket(hw, &ticket), UIOMMU_OK);
    cr_assert_eq(u->logged - at, 3);
    ops->device_detach(hw, dev);
}

/* Shut, but hardware was not told so yet: a ticket behind the invalidation proves it. */
Test(amd_flow, shut_device_is_dropped)
{
    void *dev = attach(16);
    uint32_t at;
    uint64_t ticket;

    open_device(dev, UIOMMU_DEVICE_SET_ATS);
    cr_assert_eq(ops->device_isolate(hw, dev), UIOMMU_OK);
    at = u->logged;
    cr_assert_eq(ops->dtlb_invalidate(hw, dev, 5, NULL), UIOMMU_OK);
    cr_assert_eq(ops->ticket(hw, &ticket), UIOMMU_OK);
    cr_assert_eq(u->logged - at, 3);
    cr_assert_eq(u->log[at].d[0], 0x2000000000000118);
    cr_assert_eq(u->log[at + 1].d[0], 0x2000000000000119);
    ops->device_detach(hw, dev);
}

/* Without a guest table or a host table the entry stays shut: I=0, so nothing may be asked. */
Test(amd_flow, no_question_without_i)
{
    void *dev;
    uint32_t at;
    uint64_t ticket;

    hw->f.gio = false;
    dev = attach(16);
    open_device(dev, UIOMMU_DEVICE_SET_ATS);
    at = u->logged;
    cr_assert_eq(ops->dtlb_invalidate(hw, dev, 5, NULL), UIOMMU_OK);
    cr_assert_eq(ops->ticket(hw, &ticket), UIOMMU_OK);
    for (; at < u->logged; at++)
        cr_assert_neq(u->log[at].d[0] >> 60, 4);
    ops->device_detach(hw, dev);
}

/* What asks a device with I=1 must not be executed with I=0: the entry waits, and nothing follows.
 */
Test(amd_flow, shut_behind_questions)
{
    void *dev = attach(16);
    volatile uint64_t *dte = uiommu_amd_dte_at(hw, 0x118);
    uint32_t strength;
    uint64_t ticket;

    open_device(dev, UIOMMU_DEVICE_SET_ATS);
    u->hold = true;
    cr_assert_eq(ops->dtlb_invalidate(hw, dev, 5, NULL), UIOMMU_OK);
    cr_assert_eq(ops->ticket(hw, &ticket), UIOMMU_OK);
    cr_assert_eq(ops->device_set(hw, dev, 0, 0), UIOMMU_E_BUSY);
    cr_assert_eq(ops->device_isolate(hw, dev), UIOMMU_E_BUSY);
    cr_assert_eq(ops->dtlb_invalidate(hw, dev, 5, NULL), UIOMMU_E_BUSY);
    cr_assert_eq(ops->barrier(hw, dev, 5, &ticket, &strength), UIOMMU_E_BUSY);
    cr_assert((le64(dte[0]) & 2) != 0 && (le64(dte[1]) >> 32 & 1) != 0, "as it was");
    u->hold = false;
    fake_run(u);
    cr_assert_eq(ops->device_set(hw, dev, 0, 0), UIOMMU_OK);
    cr_assert((le64(dte[0]) & 2) == 0 && (le64(dte[1]) >> 32 & 1) == 0);
    cr_assert_eq(ops->dtlb_invalidate(hw, dev, 5, NULL), UIOMMU_OK);
    open_device(dev, UIOMMU_DEVICE_SET_ATS);
    cr_assert_eq(ops->dtlb_invalidate(hw, dev, 5, NULL), UIOMMU_OK);
    ops->device_detach(hw, dev);
}

/* The unit does not go on: whoever gives up waiting finds the entry shut after a restart. */
Test(amd_flow, shut_by_the_restart)
{
    void *dev = attach(16);
    volatile uint64_t *dte = uiommu_amd_dte_at(hw, 0x118);
    uint64_t ticket;

    open_device(dev, UIOMMU_DEVICE_SET_ATS);
    u->hold = true;
    cr_assert_eq(ops->dtlb_invalidate(hw, dev, 5, NULL), UIOMMU_OK);
    cr_assert_eq(ops->ticket(hw, &ticket), UIOMMU_OK);
    cr_assert_eq(ops->device_set(hw, dev, 0, 0), UIOMMU_E_BUSY);
    u->hold = false;
    cr_assert_eq(ops->restart(hw), UIOMMU_OK);
    cr_assert_eq(le64(dte[0]) & 2, 0);
    cr_assert_eq(ops->device_set(hw, dev, 0, 0), UIOMMU_OK);
    ops->device_detach(hw, dev);
}

Test(amd_flow, barrier_is_ordered)
{
    void *dev = attach(16);
    uint32_t strength = 9;
    uint64_t ticket;

    open_device(dev, UIOMMU_DEVICE_SET_ATS);
    cr_assert_eq(ops->barrier(hw, dev, 5, &ticket, &strength), UIOMMU_OK);
    cr_assert_eq(strength, UIOMMU_BARRIER_ORDERED);
    cr_assert_eq(u->log[u->logged - 2].d[0] >> 60, 4);
    cr_assert_eq(ops->ticket_poll(hw, ticket), UIOMMU_OK);
    ops->device_detach(hw, dev);
}

Test(amd_flow, ring_fills_and_goes_on)
{
    struct uiommu_answer a = {{1, 5}, 0x118, 5, 1, UIOMMU_REQUEST_PASID, 0, false};
    uint64_t ticket = 0;
    uint32_t n = 0, i;

    u->hold = true;
    while (ops->respond(hw, &a, 1) == 1)
        n++;
    cr_assert_gt(n, 200);
    cr_assert_eq(ops->ticket(hw, &ticket), UIOMMU_OK);
    cr_assert_eq(ops->ticket_poll(hw, ticket), UIOMMU_PENDING);
    u->hold = false;
    fake_run(u);
    cr_assert_eq(ops->ticket_poll(hw, ticket), UIOMMU_OK);
    for (i = 0; i < 600; i++)
        cr_assert_eq(ops->respond(hw, &a, 1), 1);
    cr_assert_eq(ops->ticket(hw, &ticket), UIOMMU_OK);
    cr_assert_eq(ops->ticket_poll(hw, ticket), UIOMMU_OK);
}

/* R15: the store says done, the event says that the device never answered. */
Test(amd_flow, unanswered_invalidation_fails_its_ticket_alone)
{
    struct amd_device *dev = attach(16);
    uint64_t first, second, third;
    uint64_t at;

    open_device(dev, UIOMMU_DEVICE_SET_ATS);
    u->hold = true;
    cr_assert_eq(ops->ticket(hw, &first), UIOMMU_OK);
    at = hw->cmdq.mem.bus + (hw->cmdq.head & 511) * 16;
    cr_assert_eq(ops->dtlb_invalidate(hw, dev, 5, NULL), UIOMMU_OK);
    cr_assert_eq(ops->ticket(hw, &second), UIOMMU_OK);
    cr_assert_eq(ops->ticket(hw, &third), UIOMMU_OK);
    u->hold = false;
    fake_log(u, 0x10, 0x7000000000000118, at);
    fake_run(u);
    cr_assert_eq(ops->ticket_poll(hw, third), UIOMMU_OK);
    cr_assert_eq(ops->ticket_poll(hw, second), UIOMMU_E_HW);
    cr_assert_eq(ops->ticket_poll(hw, first), UIOMMU_OK);
    ops->device_detach(hw, dev);
}

/* An event whose entry is not there yet may be the one that matters. */
Test(amd_flow, late_event_holds_the_ticket)
{
    void *dev = attach(16);
    uint64_t ticket;

    open_device(dev, UIOMMU_DEVICE_SET_ATS);
    fake_tail(u, 0x10);
    cr_assert_eq(ops->dtlb_invalidate(hw, dev, 5, NULL), UIOMMU_OK);
    cr_assert_eq(ops->ticket(hw, &ticket), UIOMMU_OK);
    cr_assert_eq(ops->ticket_poll(hw, ticket), UIOMMU_PENDING);
    u->core.now += 1000000000;
    cr_assert_eq(ops->ticket_poll(hw, ticket), UIOMMU_E_HW);
    ops->device_detach(hw, dev);
}

Test(amd_flow, lost_events_fail_tickets)
{
    void *dev = attach(16);
    uint64_t before, ticket, behind;

    open_device(dev, UIOMMU_DEVICE_SET_ATS);
    *fake_reg(u, 0x2020) = (*fake_reg(u, 0x2020) | 1) & ~8u;
    cr_assert_eq(ops->config_invalidate(hw, dev, 5), UIOMMU_OK);
    cr_assert_eq(ops->ticket(hw, &before), UIOMMU_OK);
    cr_assert_eq(ops->dtlb_invalidate(hw, dev, 5, NULL), UIOMMU_OK);
    cr_assert_eq(ops->ticket(hw, &ticket), UIOMMU_OK);
    cr_assert_eq(ops->ticket(hw, &behind), UIOMMU_OK);
    cr_assert_eq(ops->ticket_poll(hw, before), UIOMMU_OK); /* It asked no device. */
    cr_assert_eq(ops->ticket_poll(hw, ticket), UIOMMU_E_HW);
    cr_assert_eq(ops->ticket_poll(hw, behind), UIOMMU_OK);
    cr_assert_eq(*fake_reg(u, 0x2020) & 9, 8); /* and the log runs again */
    cr_assert_eq(ops->dtlb_invalidate(hw, dev, 5, NULL), UIOMMU_OK);
    cr_assert_eq(ops->ticket(hw, &ticket), UIOMMU_OK);
    cr_assert_eq(ops->ticket_poll(hw, ticket), UIOMMU_OK);
    ops->device_detach(hw, dev);
}

Test(amd_flow, refused_command)
{
    struct amd_device *dev = attach(16);
    struct uiommu_check check;
    uint64_t ticket;

    u->refuse = 3;
    u->refusals = 1;
    cr_assert_eq(ops->config_invalidate(hw, dev, 5), UIOMMU_OK);
    cr_assert_eq(ops->ticket(hw, &ticket), UIOMMU_OK);
    cr_assert_eq(ops->ticket_poll(hw, ticket), UIOMMU_E_HW);
    cr_assert_eq(hw->stash_count, 1);
    cr_assert_eq(hw->stash[0].command[0] >> 60, 3);
    cr_assert_eq(ops->ticket(hw, &ticket), UIOMMU_OK);
    cr_assert_eq(ops->ticket_poll(hw, ticket), UIOMMU_OK);
    u->refuse = 1;
    u->refusals = 100;
    cr_assert_eq(ops->ticket(hw, &ticket), UIOMMU_OK);
    while (ops->ticket_poll(hw, ticket) == UIOMMU_OK || !hw->cmdq.dead)
        ops->check(hw, &check);
    ops->check(hw, &check);
    cr_assert((check.flags & UIOMMU_CHECK_DEAD) != 0);
    u->refusals = 0;
    cr_assert_eq(ops->restart(hw), UIOMMU_OK);
    ops->device_detach(hw, dev);
}

/* What is not refused must not be replaced because the buffer takes its time to run again. */
Test(amd_flow, buffer_runs_again_late)
{
    void *dev = attach(16);
    uint64_t ticket;

    u->refuse = 3;
    u->refusals = 1;
    cr_assert_eq(ops->config_invalidate(hw, dev, 5), UIOMMU_OK);
    cr_assert_eq(ops->ticket(hw, &ticket), UIOMMU_OK);
    u->run_late = 5;
    u->hold = true;
    cr_assert_eq(ops->ticket_poll(hw, ticket), UIOMMU_E_HW);
    cr_assert_eq(ops->ticket(hw, &ticket), UIOMMU_OK);
    cr_assert_eq(ops->ticket_poll(hw, ticket), UIOMMU_PENDING);
    cr_assert_eq(hw->cmdq.errors, 1);
    u->hold = false;
    fake_run(u);
    cr_assert_eq(ops->ticket_poll(hw, ticket), UIOMMU_OK);
    ops->device_detach(hw, dev);
}

static uiommu_err create(uint32_t low_clear, uint32_t high_clear, uint32_t flags)
{
    struct uiommu *v = fake_new();
    struct uiommu_amd_config c = fake_config();
    struct uiommu_unit *unit;
    uiommu_err err;

    c.flags = flags;
    *fake_reg(v, 0x30) &= ~low_clear;
    *fake_reg(v, 0x34) &= ~high_clear;
    err = uiommu_amd_create(v, &c, &unit);
    if (err == UIOMMU_OK) {
        err = unit->ops->start(unit->hw);
        cr_assert_eq(v->core.unit.caps.rings, (low_clear & 0x12) != 0 ? 1 : 2);
        cr_assert_eq(v->core.unit.caps.pasid_bits != 0,
                     low_clear == 0x10 ? 0 : high_clear == 0 || flags != 0);
        fake_unit_free(v);
    }
    cr_assert_eq(v->core.mem_bytes, 0);
    cr_assert_eq(v->core.heap_bytes, 0);
    fake_free(v);
    return err;
}

Test(amd_flow, features_decide)
{
    cr_assert_eq(create(1u << 4, 0, 0), UIOMMU_OK);
    cr_assert_eq(create(1u << 4, 0, UIOMMU_AMD_FIVE_LEVEL), UIOMMU_E_UNSUPPORTED);
    cr_assert_eq(create(0, 1u << 16, 0), UIOMMU_OK);
    cr_assert_eq(create(0, 1u << 16, UIOMMU_AMD_UNTAGGED_PASSES), UIOMMU_OK);
    cr_assert_eq(create(UINT32_MAX, UINT32_MAX, 0), UIOMMU_E_HW);
    cr_assert_eq(create(1u << 12, 0, UIOMMU_AMD_FIVE_LEVEL), UIOMMU_E_UNSUPPORTED);
    cr_assert_eq(create(0, 0, UIOMMU_AMD_FIVE_LEVEL), UIOMMU_OK);
    cr_assert_eq(create(1u << 1, 0, 0), UIOMMU_OK);
    cr_assert_eq(create(1u << 6, 0, UIOMMU_AMD_POLL | UIOMMU_AMD_NOT_COHERENT), UIOMMU_OK);
    cr_assert_eq(create(0, 0, 0x80000000), UIOMMU_E_INVALID);
}

/* Answers that are in the ring when the entry shuts still go with the PASID, if the device wants
 * it: else it takes them for another's, or for none. */
Test(amd_flow, shut_before_answers)
{
    void *dev = attach(16);
    volatile uint64_t *dte = uiommu_amd_dte_at(hw, 0x118);

    open_device(dev, UIOMMU_DEVICE_SET_ATS | UIOMMU_DEVICE_SET_PASID_REQUIRED);
    cr_assert_eq(le64(dte[0]) >> 53 & 1, 1);
    cr_assert_eq(ops->device_set(hw, dev, 0, 0), UIOMMU_OK);
    cr_assert_eq(le64(dte[0]) & 2, 0);
    cr_assert_eq(le64(dte[0]) >> 53 & 1, 1);
    open_device(dev, UIOMMU_DEVICE_SET_ATS);
    cr_assert_eq(le64(dte[0]) >> 53 & 1, 0);
    cr_assert_eq(ops->device_set(hw, dev, 0, 0), UIOMMU_OK);
    cr_assert_eq(le64(dte[0]) >> 53 & 1, 0);
    ops->device_detach(hw, dev);
}
