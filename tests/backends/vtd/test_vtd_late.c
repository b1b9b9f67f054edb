/* SPDX-License-Identifier: BSD-2-Clause */
/* What does not end in time, and what nobody would look at again. */
#include "fake_vtd.h"

#include <criterion/criterion.h>

static struct uiommu *u;
static struct uiommu_vtd *hw;

static void begin_with(const struct uiommu_vtd_config *config)
{
    hw = fake_unit(u, config);
    cr_assert_neq(hw, NULL);
    u->logged = 0;
}

static void begin(void)
{
    struct uiommu_vtd_config config = fake_config();

    u = fake_new();
    begin_with(&config);
}

static void end(void)
{
    fake_unit_free(u);
    cr_assert_eq(u->core.mem_bytes, 0);
    cr_assert_eq(u->core.heap_bytes, 0);
    cr_assert_eq(u->core.unit.locked, 0);
    fake_free(u);
}

static uint64_t ticket(void)
{
    uint64_t t = 0;

    cr_assert_eq(uiommu_vtd_ticket(hw, &t), UIOMMU_OK);
    return t;
}

static void logged(uint32_t at, uint64_t q0)
{
    cr_assert_lt(at, u->logged);
    cr_expect_eq(u->log[at].q[0], q0, "%u: %llx", at, (unsigned long long)u->log[at].q[0]);
}

/* What is latched late is walked from then on: with translation on the tables have to stay. */
Test(late, root_table_latched_late)
{
    struct uiommu_vtd_config config = fake_config();
    uint32_t commands;

    u = fake_new();
    *fake_reg(u, 0x1c) = 0xc0000000; /* Found translating. */
    u->slow = 0x40000000;
    cr_assert_eq(fake_unit(u, &config), NULL);
    hw = u->core.unit.hw;
    cr_expect_neq(hw->root.cpu, NULL);
    cr_expect_neq(u->core.mem_bytes, 0);
    commands = u->command_count;
    cr_expect_eq(u->commands[commands - 1] & 0x40000000, 0x40000000); /* None after it. */
    cr_expect_neq(u->core.unit.ops->start(hw), UIOMMU_OK);
    cr_expect_eq(u->command_count, commands);
    u->core.unit.ops->destroy(hw);
    cr_expect_eq(u->command_count, commands);
    cr_expect_neq(u->core.mem_bytes, 0);
    cr_expect_eq(u->core.heap_bytes, 0);
    fake_free(u);
}

Test(late, translation_on_late)
{
    struct uiommu_vtd_config config = fake_config();

    u = fake_new();
    u->slow = 0x80000000;
    cr_assert_eq(fake_unit(u, &config), NULL);
    hw = u->core.unit.hw;
    cr_expect_eq(u->commands[u->command_count - 1] >> 31, 1); /* Nothing takes it back. */
    cr_expect_neq(hw->root.cpu, NULL);
    fake_late(u);
    cr_assert_eq(u->core.unit.ops->start(hw), UIOMMU_OK);
    end();
}

/* A queue that did not go off keeps its descriptors: none of them is executed again. */
Test(late, queue_off_late)
{
    struct uiommu_answer answer;
    uint32_t tail;

    begin();
    memset(&answer, 0, sizeof(answer));
    cr_expect_eq(uiommu_vtd_respond(hw, &answer, 1), 1);
    u->slow = 0x04000000;
    u->core.unit.ops->stop(hw);
    tail = *fake_reg(u, 0x88);
    u->logged = 0;
    cr_expect_neq(u->core.unit.ops->restart(hw), UIOMMU_OK);
    cr_expect_eq(*fake_reg(u, 0x88), tail);
    cr_expect_eq(u->logged, 0);
    fake_late(u);
    cr_assert_eq(u->core.unit.ops->restart(hw), UIOMMU_OK);
    logged(0, 0x11);
    cr_expect_eq(uiommu_vtd_ticket_poll(hw, ticket()), UIOMMU_OK);
    end();
}

/* A reset ends what was overdue, whatever it was. */
Test(late, reset_ends_an_overdue_command)
{
    begin();
    u->slow = 0x40000000;
    cr_expect_neq(u->core.unit.ops->restart(hw), UIOMMU_OK);
    u->slow = 0;
    memset(fake_reg(u, 0x18), 0, 0x1000 - 0x18);
    *fake_reg(u, 0x38) = *fake_reg(u, 0xe0) = 0x80000000;
    cr_assert_eq(u->core.unit.ops->restart(hw), UIOMMU_OK);
    end();
}

/* What is reserved without device TLBs is written 0. */
Test(late, reserved_errors_are_written_zero)
{
    struct uiommu_vtd_config config = fake_config();

    u = fake_new();
    *fake_reg(u, 0x10) &= ~(4u | 1u << 29); /* DT=0, PRS=0 */
    *fake_reg(u, 0x14) &= ~(1u << 1 | 1u << 9 | 1u << 10);
    *fake_reg(u, 0x34) = 0x30;
    begin_with(&config);
    cr_expect_eq(*fake_reg(u, 0x34), 0x20);
    *fake_reg(u, 0x34) = 0;
    end();
}
