/* SPDX-License-Identifier: BSD-2-Clause */
/* A unit's whole life: taken over, stopped, started again, woken up; and the host's commands. */
#include "fake_smmuv3.h"

#include <criterion/criterion.h>

static struct uiommu *u;
static struct uiommu_smmuv3 *hw;
static const struct uiommu_backend_ops *ops;
static void *dev;

static const struct uiommu_root root = {UIOMMU_ROOT_AARCH64, 12,       48, 48, 0,
                                        0x812345000,         0x44ff04, {0}};

static void begin(void)
{
    struct uiommu_smmuv3_config c = fake_config();

    u = fake_new();
    c.cmdq_log2 = 4;
    hw = fake_unit(u, &c);
    cr_assert_not_null(hw);
    ops = u->core.unit.ops;
    u->logged = 0;
    dev = NULL;
}

static void end(void)
{
    if (dev != NULL)
        uiommu_smmuv3_device_detach(hw, dev);
    fake_unit_free(u);
    cr_assert_eq(u->leaks, 0);
    cr_assert_eq(u->core.mem_bytes, 0);
    cr_assert_eq(u->core.heap_bytes, 0);
    fake_free(u);
}

/* An open device with an address space for PASID 5. */
static void attach(void)
{
    static const uint32_t ids[] = {0x208};
    struct uiommu_device_desc desc = {ids, 1, UIOMMU_DEVICE_STALL, 8, 1, 0};
    uint32_t step;

    cr_assert_eq(uiommu_smmuv3_device_attach(hw, &desc, &dev), UIOMMU_OK);
    for (step = 0; ops->device_set(hw, dev, UIOMMU_DEVICE_SET_OPEN, step) == UIOMMU_MORE; step++)
        ;
    for (step = 0; ops->pasid_set(hw, dev, 5, &root, 0x42, step) == UIOMMU_MORE; step++)
        ;
}

/* As power loss leaves them: UNKNOWN is all ones here, the rest is 0. */
static void lose_power(void)
{
    uint32_t offset;

    for (offset = 0x20; offset < 0xe0; offset += 4)
        *fake_reg(u, offset) = offset <= 0x24 || (offset >= 0x40 && offset <= 0x64) ? 0 : ~0u;
    *fake_reg(u, 0x44) = 0x1000;
    for (offset = 0x100a8; offset <= 0x100cc; offset += 4)
        *fake_reg(u, offset) = 0xdeadbeef;
}

TestSuite(unit, .init = begin, .fini = end);

Test(unit, after_a_stop_nothing_touches_a_register)
{
    struct uiommu_answer answer = {{0}, 0x208, 0, 0, 0, 0, false};
    struct uiommu_request request;
    struct uiommu_event event;
    struct uiommu_fetch io = {&request, 1, 0, &event, 1, 0, 0, 0};
    struct uiommu_check check;
    struct uiommu_item item;
    uint64_t cursor = 0, old, t = 0;
    uint32_t strength, before, n;

    attach();
    cr_assert_eq(ops->ticket(hw, &old), UIOMMU_OK);
    cr_assert_eq(ops->ticket_poll(hw, old), UIOMMU_OK);
    u->hold = true;
    cr_assert_eq(ops->ticket(hw, &t), UIOMMU_OK);
    *fake_reg(u, 0x100a8) = 1;
    ops->stop(hw);
    cr_assert_eq(*fake_reg(u, 0x20), 0);
    cr_assert_eq(*fake_reg(u, 0x50), 0);
    cr_assert_eq(*fake_reg(u, 0x44), 0x00100000);
    before = u->core.accesses;
    ops->stop(hw);
    cr_assert_eq(ops->ticket_poll(hw, old), UIOMMU_OK);
    cr_assert_eq(ops->ticket_poll(hw, t), UIOMMU_E_HW);
    cr_assert_eq(ops->ticket(hw, &t), UIOMMU_E_HW);
    cr_assert_eq(ops->config_invalidate(hw, dev, 5), UIOMMU_E_HW);
    cr_assert_eq(ops->tlb_invalidate(hw, dev, 5, &root, 0x42, NULL), UIOMMU_E_HW);
    cr_assert_eq(ops->dtlb_invalidate(hw, dev, 5, NULL), UIOMMU_E_HW);
    cr_assert_eq(ops->barrier(hw, dev, 5, &t, &strength), UIOMMU_E_HW);
    cr_assert_eq(ops->respond(hw, &answer, 1), 0);
    cr_assert_eq(ops->command(hw, (uint64_t[]){0x1, 0}, 2), UIOMMU_E_HW);
    cr_assert_eq(ops->device_isolate(hw, dev), UIOMMU_OK);
    for (n = 0; n < 2; n++) {
        cr_assert_eq(ops->ring_pending(hw, n), 0);
        cr_assert_eq(ops->fetch(hw, n, &io), UIOMMU_OK);
        cr_assert_eq(io.entries, 0);
        cr_assert_eq(io.flags, 0);
        ops->overflow_ack(hw, n);
    }
    ops->check(hw, &check);
    cr_assert_eq(check.flags, 0);
    cr_assert_eq(check.event_count, 0);
    for (n = 0; ops->describe(hw, 0x208, 5, &cursor, &item) == UIOMMU_OK; n++)
        ;
    cr_assert_eq(n, 3); /* table words are memory */
    cr_assert_eq(u->core.accesses, before);
}

Test(unit, a_stop_keeps_the_memory_and_a_start_uses_it)
{
    uint64_t mem = u->core.mem_bytes, bus = hw->strtab.bus, t;

    ops->stop(hw);
    cr_assert_eq(u->core.mem_bytes, mem);
    u->core.mem_left = 0;
    cr_assert_eq(ops->start(hw), UIOMMU_OK);
    cr_assert_eq(hw->strtab.bus, bus);
    cr_assert_eq(*fake_reg(u, 0x20), 0x1f);
    cr_assert_eq(ops->ticket(hw, &t), UIOMMU_OK);
    cr_assert_eq(ops->ticket_poll(hw, t), UIOMMU_OK);
    cr_assert_eq(ops->ring_pending(hw, 0), 0); /* nobody waits for what was there */
}

Test(unit, awake_after_power_loss)
{
    static const uint32_t kept[] = {0x28, 0x2c, 0x80, 0x84, 0x88, 0x90, 0x94, 0xa0, 0xa4, 0xc0};
    struct uiommu_request request;
    struct uiommu_event event;
    struct uiommu_fetch io = {&request, 1, 0, &event, 1, 0, 0, 0};
    uint32_t was[10], i;
    uint64_t t, failed;

    attach();
    for (i = 0; i < 10; i++)
        was[i] = *fake_reg(u, kept[i]);
    u->hold = true;
    cr_assert_eq(ops->ticket(hw, &failed), UIOMMU_OK);
    u->hold = false;
    *fake_reg(u, 0x100c8) = 3; /* three page requests wait */
    ops->stop(hw);
    lose_power();
    u->logged = 0;
    cr_assert_eq(ops->restart(hw), UIOMMU_OK);
    cr_assert_eq(u->leaks, 0);
    cr_assert_eq(*fake_reg(u, 0x20), 0x1f);
    cr_assert_eq(*fake_reg(u, 0x50), 7);
    for (i = 0; i < 10; i++)
        cr_assert_eq(*fake_reg(u, kept[i]), was[i], "%x", kept[i]);
    cr_assert_eq(u->logged, 6); /* all caches went */
    cr_assert_eq(u->log[0].d[0], 0x04);
    cr_assert_eq(ops->ticket_poll(hw, failed), UIOMMU_E_HW);
    cr_assert_eq(ops->ticket(hw, &t), UIOMMU_OK);
    cr_assert_eq(ops->ticket_poll(hw, t), UIOMMU_OK);
    cr_assert_eq(le64(uiommu_smmuv3_ste_at(hw, 0x208)[0]) & 0xf, 0xb);
    cr_assert_eq(le64(uiommu_smmuv3_cd_at(dev, 5)[0]), 0x0042f205c0003510);
    cr_assert_eq(ops->ring_pending(hw, 0), 3);
    cr_assert_eq(ops->fetch(hw, 0, &io), UIOMMU_OK);
    cr_assert_eq(io.entries, 3);
    cr_assert_eq(io.request_count, 0);
    cr_assert_eq(io.flags, UIOMMU_FETCH_OVERFLOW | UIOMMU_FETCH_FAILURE_SENT);
    ops->overflow_ack(hw, 0);
    cr_assert_eq(ops->fetch(hw, 0, &io), UIOMMU_OK);
    cr_assert_eq(io.flags, 0);
}

Test(takeover, nothing_passes_while_a_unit_changes_hands)
{
    struct uiommu_smmuv3_config c = fake_config();

    u = fake_new();
    *fake_reg(u, 0x20) = *fake_reg(u, 0x24) = 0x1d;
    *fake_reg(u, 0x44) = 0x1000;
    *fake_reg(u, 0x50) = *fake_reg(u, 0x54) = 0x7;
    hw = fake_unit(u, &c);
    cr_assert_not_null(hw);
    cr_assert_eq(*fake_reg(u, 0x44), 0x00101000);
    dev = NULL;
    end();
}

/* Its own tables stay in use, and with them the memory. */
Test(takeover, where_traffic_cannot_be_aborted_translation_stays)
{
    uint64_t t;

    begin();
    *fake_reg(u, 0x44) = 0x1000; /* somebody has played with it */
    u->gbpa_stuck = true;
    ops->stop(hw);
    cr_assert_eq(*fake_reg(u, 0x20), 0x11);
    cr_assert_eq(ops->ticket(hw, &t), UIOMMU_E_HW);
    cr_assert_eq(u->leaks, 0);
    cr_assert(hw->withheld);
    cr_assert_eq(ops->start(hw), UIOMMU_E_TIMEOUT);
    cr_assert_eq(*fake_reg(u, 0x20), 0x11);
    cr_assert_eq(ops->restart(hw), UIOMMU_E_TIMEOUT);
    cr_assert_gt(u->core.mem_bytes, 0);
    u->gbpa_stuck = false;
    *fake_reg(u, 0x44) &= 0x7fffffff;
    cr_assert_eq(ops->restart(hw), UIOMMU_OK);
    end();
}

Test(takeover, somebody_elses_tables_stay_too)
{
    struct uiommu_smmuv3_config c = fake_config();

    u = fake_new();
    *fake_reg(u, 0x20) = *fake_reg(u, 0x24) = 0x0d;
    u->gbpa_stuck = true;
    cr_assert_null(fake_unit(u, &c));
    cr_assert_eq(*fake_reg(u, 0x20), 0x01);
    cr_assert_eq(u->leaks, 0);
    fake_unit_free(u);
    fake_free(u);
}

Test(takeover, never_started)
{
    struct uiommu_smmuv3_config c = fake_config();
    struct uiommu_unit *unit;
    uint32_t before;
    uint64_t t;

    u = fake_new();
    cr_assert_eq(uiommu_smmuv3_create(u, &c, &unit), UIOMMU_OK);
    before = u->core.accesses;
    unit->ops->stop(unit->hw);
    cr_assert_eq(unit->ops->ticket(unit->hw, &t), UIOMMU_E_HW);
    cr_assert_eq(unit->ops->restart(unit->hw), UIOMMU_E_STATE);
    unit->ops->destroy(unit->hw);
    cr_assert_eq(u->core.accesses, before);
    cr_assert_eq(u->core.heap_bytes, 0);
    fake_free(u);
}

Test(unit, commands_of_the_host)
{
    static const uint8_t refused[] = {0x41, 0x44, 0x45, 0x46};
    uint64_t words[3] = {0x0000000700000028, 0, 0}, t;
    uint32_t i;

    cr_assert_eq(ops->command(hw, words, 1), UIOMMU_E_INVALID);
    cr_assert_eq(ops->command(hw, words, 3), UIOMMU_E_INVALID);
    for (i = 0; i < 4; i++)
        cr_assert_eq(ops->command(hw, (uint64_t[]){refused[i], 0}, 2), UIOMMU_E_INVALID);
    cr_assert_eq(ops->command(hw, words, 2), UIOMMU_OK);
    cr_assert_eq(u->logged, 0);
    cr_assert_eq(ops->ticket(hw, &t), UIOMMU_OK);
    cr_assert_eq(u->logged, 2);
    cr_assert_eq(u->log[0].d[0], 0x0000000700000028);
    cr_assert_eq(ops->ticket_poll(hw, t), UIOMMU_OK);
    u->hold = true;
    for (i = 0; ops->command(hw, words, 2) == UIOMMU_OK; i++)
        ;
    cr_assert_eq(i, 15);
    cr_assert_eq(ops->command(hw, words, 2), UIOMMU_E_BUSY);
    cr_assert_eq(ops->ticket(hw, &t), UIOMMU_OK);
}

Test(unit, a_refused_command_fails_its_ticket)
{
    struct uiommu_check check;
    uint64_t a, b;

    u->error_op = 0x28;
    u->error_code = 1;
    u->error_times = 1;
    cr_assert_eq(ops->command(hw, (uint64_t[]){0x0000000700000028, 0}, 2), UIOMMU_OK);
    cr_assert_eq(ops->ticket(hw, &a), UIOMMU_OK);
    cr_assert_eq(ops->ticket_poll(hw, a), UIOMMU_E_HW);
    cr_assert_eq(ops->command(hw, (uint64_t[]){0x30, 0}, 2), UIOMMU_OK);
    cr_assert_eq(ops->ticket(hw, &b), UIOMMU_OK);
    cr_assert_eq(ops->ticket_poll(hw, b), UIOMMU_OK);
    ops->check(hw, &check);
    cr_assert_eq(check.event_count, 1);
    cr_assert_eq(check.event[0].kind, UIOMMU_EVENT_COMMAND_ERROR);
    cr_assert_eq(check.event[0].raw[0], 0x0000000700000028);
}
