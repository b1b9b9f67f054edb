/* SPDX-License-Identifier: BSD-2-Clause */
/* What does not end in time, and what nobody would look at again. */
#include "fake_vtd.h"

#include <criterion/criterion.h>

#define SID 0x5e9bu

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

static struct vtd_device *attach(uint32_t flags, uint32_t pasid_bits)
{
    static const uint32_t ids[] = {SID};
    struct uiommu_device_desc desc = {ids, 1, flags, pasid_bits, 1, 0};
    void *dev = NULL;

    cr_assert_eq(uiommu_vtd_device_attach(hw, &desc, &dev), UIOMMU_OK);
    return dev;
}

static struct vtd_device *opened(void)
{
    struct vtd_device *dev =
        attach(UIOMMU_DEVICE_ATS | UIOMMU_DEVICE_PRI | UIOMMU_DEVICE_PASID, 20);

    cr_assert_eq(uiommu_vtd_device_set(hw, dev, UIOMMU_DEVICE_SET_OPEN | UIOMMU_DEVICE_SET_ATS, 0),
                 UIOMMU_OK);
    return dev;
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

/* Nobody polls the ticket of a slow device any more: what waits behind it is not forgotten. */
Test(late, what_a_slow_device_holds_back)
{
    struct uiommu_answer answer;
    struct uiommu_check check;
    struct vtd_device *dev;

    begin();
    dev = opened();
    memset(&answer, 0, sizeof(answer));
    u->hold = true;
    cr_assert_eq(uiommu_vtd_dtlb_invalidate(hw, dev, 5, NULL), UIOMMU_OK);
    ticket();
    ticket();
    cr_expect_eq(uiommu_vtd_respond(hw, &answer, 1), 0); /* The core keeps it. */
    uiommu_vtd_check(hw, &check);
    cr_expect_eq(check.flags, UIOMMU_CHECK_MORE);
    u->hold = false;
    fake_run(u);
    cr_expect_eq(u->logged, 2);
    cr_expect_eq(uiommu_vtd_respond(hw, &answer, 1), 1);
    cr_expect_eq(u->logged, 4);
    uiommu_vtd_check(hw, &check);
    cr_expect_eq(check.flags, 0);
    uiommu_vtd_device_detach(hw, dev);
    end();
}

/* Silent devices abort a wait each; the queue goes off behind one that did complete. */
Test(late, off_behind_silent_devices)
{
    struct vtd_device *dev;

    begin();
    dev = opened();
    cr_assert_eq(uiommu_vtd_dtlb_invalidate(hw, dev, 5, NULL), UIOMMU_OK);
    ticket();
    u->time_outs = 6;
    u->silent = SID;
    cr_assert_eq(u->core.unit.ops->restart(hw), UIOMMU_OK);
    cr_expect_eq(u->time_outs, 0, "none is left for the new queue");
    uiommu_vtd_device_detach(hw, dev);
    end();
}

static uint64_t (*clock_of)(void *ctx);
static uint32_t looks;

/* A wait is done at every 700th look at the clock, and 1000 are a time-out. */
static uint64_t slowly(void *ctx)
{
    if (++looks % 700 == 0) {
        u->hold = false;
        fake_run(u);
    }
    return clock_of(ctx);
}

/* A queue that gets on is waited for, however slow it is. */
Test(late, off_behind_slow_work)
{
    struct vtd_device *dev;
    uint32_t i;

    begin();
    dev = opened();
    u->hold = u->lazy = true;
    clock_of = u->core.host.now_ns;
    u->core.host.now_ns = slowly;
    for (i = 0; i < 4; i++) {
        cr_assert_eq(uiommu_vtd_dtlb_invalidate(hw, dev, 5, NULL), UIOMMU_OK);
        ticket();
    }
    uiommu_vtd_stop(hw);
    cr_expect_geq(u->logged, 4 * 2 + 1, "nothing is left behind");
    u->hold = u->lazy = false;
    u->core.host.now_ns = clock_of;
    cr_assert_eq(u->core.unit.ops->restart(hw), UIOMMU_OK);
    uiommu_vtd_device_detach(hw, dev);
    end();
}

/* So it does behind what a restart asked for that failed. */
Test(late, off_behind_a_restart_that_failed)
{
    uint32_t plain;

    begin();
    cr_assert_eq(u->core.unit.ops->restart(hw), UIOMMU_OK);
    plain = u->logged;
    u->hold = true;
    cr_assert_neq(u->core.unit.ops->restart(hw), UIOMMU_OK);
    u->hold = false;
    u->logged = 0;
    cr_assert_eq(u->core.unit.ops->restart(hw), UIOMMU_OK);
    cr_expect_gt(u->logged, plain, "its commands came to an end");
    end();
}

/* One that fetches at a write of the tail alone goes on after an error, with the gate closed. */
Test(late, error_before_a_device_invalidation)
{
    static const uint64_t global[2] = {0x4, 0};
    struct vtd_device *dev;
    uint64_t t;

    begin();
    dev = opened();
    u->tail_only = true;
    u->bad_type = 4;
    u->bad_code = 3;
    cr_assert_eq(uiommu_vtd_raw(hw, global, 2), UIOMMU_OK);
    cr_assert_eq(uiommu_vtd_dtlb_invalidate(hw, dev, 5, NULL), UIOMMU_OK);
    t = ticket();
    cr_expect_eq(uiommu_vtd_ticket_poll(hw, t), UIOMMU_E_HW);
    cr_expect_eq(u->logged, 3); /* A fence instead, the invalidation, the wait. */
    uiommu_vtd_device_detach(hw, dev);
    end();
}

/* Bits that suppress messages, or send none, are something to come back for. */
Test(late, fault_bits_without_a_record)
{
    static const uint32_t bits[] = {0x01, 0x10, 0x20, 0x40};
    struct uiommu_request request;
    struct uiommu_event events[2];
    struct uiommu_fetch io = {&request, 1, 0, events, 2, 0, 0, 0};
    struct uiommu_check check;
    uint32_t i;

    begin();
    for (i = 0; i < 4; i++) {
        *fake_reg(u, 0x34) = bits[i];
        cr_expect_eq(uiommu_vtd_ring_pending(hw, 1), 1, "%u", i);
    }
    *fake_reg(u, 0x34) = 0x21;
    uiommu_vtd_check(hw, &check);
    cr_assert_eq(uiommu_vtd_fetch(hw, 1, &io), UIOMMU_OK);
    cr_expect_eq(io.event_count, 1);
    cr_expect_eq(*fake_reg(u, 0x34), 0);
    cr_expect_eq(uiommu_vtd_ring_pending(hw, 1), 0);
    hw->iq.dead = true;
    uiommu_vtd_check(hw, &check);
    cr_expect_eq(check.flags, UIOMMU_CHECK_DEAD);
    *fake_reg(u, 0x34) = 0x10;
    cr_expect_eq(uiommu_vtd_ring_pending(hw, 1), 0);
    hw->iq.dead = false;
    *fake_reg(u, 0x34) = 0;
    end();
}

/* Of one wave several invalidations may be out: a response is not put among them. */
Test(late, response_after_a_time_out)
{
    struct uiommu_answer answer;
    struct vtd_device *dev;
    uint32_t tail;
    uint64_t t;

    begin();
    dev = opened();
    memset(&answer, 0, sizeof(answer));
    u->time_outs = 1;
    u->silent = SID;
    cr_assert_eq(uiommu_vtd_dtlb_invalidate(hw, dev, 5, NULL), UIOMMU_OK);
    cr_assert_eq(uiommu_vtd_dtlb_invalidate(hw, dev, 6, NULL), UIOMMU_OK);
    t = ticket();
    u->hold = true;
    cr_expect_eq(uiommu_vtd_ticket_poll(hw, t), UIOMMU_E_HW);
    tail = *fake_reg(u, 0x88);
    cr_expect_eq(uiommu_vtd_respond(hw, &answer, 1), 0);
    cr_expect_eq(uiommu_vtd_respond(hw, &answer, 1), 0);
    cr_expect_eq(*fake_reg(u, 0x88), tail + 32); /* A wait, once. */
    u->time_outs = 1;                            /* The other one. */
    u->hold = false;
    fake_run(u);
    u->hold = true;
    cr_expect_eq(uiommu_vtd_respond(hw, &answer, 1), 0);
    cr_expect_eq(*fake_reg(u, 0x88), tail + 64);
    u->logged = 0;
    u->hold = false;
    fake_run(u);
    cr_expect_eq(uiommu_vtd_respond(hw, &answer, 1), 1);
    cr_expect_eq(u->logged, 2);
    logged(1, 9);
    uiommu_vtd_device_detach(hw, dev);
    end();
}
