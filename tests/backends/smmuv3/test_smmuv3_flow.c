/* SPDX-License-Identifier: BSD-2-Clause */
/* Start and stop, tickets and their failures, entries and their steps. */
#include "fake_smmuv3.h"

#include <criterion/criterion.h>

static struct uiommu *u;
static struct uiommu_smmuv3 *hw;
static void *dev;

static void begin(void)
{
    struct uiommu_smmuv3_config c = fake_config();

    u = fake_new();
    c.cmdq_log2 = 4;
    hw = fake_unit(u, &c);
    cr_assert_not_null(hw);
    u->logged = 0;
    u->doorbells = 0;
    dev = NULL;
}

static void end(void)
{
    if (dev != NULL)
        uiommu_smmuv3_device_detach(hw, dev);
    FAKE_END(u);
}

static void attach(uint32_t flags, uint32_t pasid_bits)
{
    static const uint32_t ids[] = {0x208, 0x310};
    struct uiommu_device_desc desc = {ids, 2, flags, pasid_bits, 1, 0};

    cr_assert_eq(uiommu_smmuv3_device_attach(hw, &desc, &dev), UIOMMU_OK);
}

static uint64_t ticket(void)
{
    uint64_t t = 0;

    cr_assert_eq(uiommu_smmuv3_ticket(hw, &t), UIOMMU_OK);
    return t;
}

static const struct uiommu_root root = {UIOMMU_ROOT_AARCH64, 12,       48, 48, 0,
                                        0x812345000,         0x44ff04, {0}};

TestSuite(flow, .init = begin, .fini = end);

Test(flow, registers_after_start) /* R1, R2, R3, R4 */
{
    cr_assert_eq(*fake_reg(u, 0x20), 0x1f);
    cr_assert_eq(*fake_reg(u, 0x28), 0xd75);
    cr_assert_eq(*fake_reg(u, 0x2c), 0xe);
    cr_assert_eq(*fake_reg(u, 0x44), 0x00100000);
    cr_assert_eq(*fake_reg(u, 0x50), 0x7);
    cr_assert_eq(*fake_reg(u, 0x88), 0x10210);
    cr_assert_eq(*fake_reg(u, 0x84) >> 30, 1);
    cr_assert_eq(*fake_reg(u, 0x90) & 0x1f, 4);
    cr_assert_eq(*fake_reg(u, 0xa0) & 0x1f, 7);
    cr_assert_eq(*fake_reg(u, 0xa4) >> 30, 1);
    cr_assert_eq(*fake_reg(u, 0xc0) & 0x1f, 9);
}

Test(flow, caps)
{
    const struct uiommu_caps *c = &u->core.unit.caps;

    cr_assert_eq(c->id_bits, 16);
    cr_assert_eq(c->pasid_bits, 20);
    cr_assert_eq(c->pasid_first, 1);
    cr_assert_eq(c->request_entries, 512);
    cr_assert_eq(c->stall_max, 64);
    cr_assert_eq(c->tag_first, 1);
    cr_assert_eq(c->tag_last, 65535);
    cr_assert_eq(c->stu_bits, 12);
    cr_assert_eq(c->rings, 2);
    cr_assert_eq(c->ring[0].flags, UIOMMU_RING_REQUESTS | UIOMMU_RING_LOSES);
    cr_assert_eq(c->ring[1].flags, UIOMMU_RING_REQUESTS);
    cr_assert_eq(c->ring[1].entries, 128);
}

Test(start, caches_go_before_translation_begins)
{
    static const uint64_t want[] = {0x04, 0x46, 0x20, 0x46, 0x30, 0x46};
    struct uiommu_smmuv3_config c = fake_config();
    uint32_t i;

    u = fake_new();
    hw = fake_unit(u, &c);
    cr_assert_eq(u->logged, 6);
    for (i = 0; i < 6; i++)
        cr_assert_eq(u->log[i].d[0], want[i]);
    dev = NULL;
    end();
}

Test(start, linear_table)
{
    struct uiommu_smmuv3_config c = fake_config();
    const uint64_t *ste;

    u = fake_new();
    c.unit.id_bits = 6;
    c.poll = true;
    c.coherency = UIOMMU_SMMUV3_NOT_COHERENT;
    hw = fake_unit(u, &c);
    cr_assert_eq(*fake_reg(u, 0x88), 0x6);
    cr_assert_eq(*fake_reg(u, 0x28), 0);
    cr_assert_eq(*fake_reg(u, 0x50), 0);
    ste = hw->strtab.cpu;
    cr_assert_eq(le64(ste[63 * 8]), 1); /* S1 */
    cr_assert_eq(le64(ste[63 * 8 + 1]), 0);
    cr_assert_gt(u->core.cleaned, 0);
    dev = NULL;
    end();
}

Test(start, a_unit_that_does_not_follow)
{
    struct uiommu_smmuv3_config c = fake_config();

    u = fake_new();
    *fake_reg(u, 0x24) = 1;
    u->stuck = true;
    cr_assert_null(fake_unit(u, &c));
    cr_assert_gt(u->core.mem_bytes, 0); /* hardware may still use it */
    u->stuck = false;
    cr_assert_eq(uiommu_smmuv3_start(u->core.unit.hw), UIOMMU_OK);
    hw = u->core.unit.hw;
    dev = NULL;
    end();
}

Test(start, no_memory)
{
    struct uiommu_smmuv3_config c = fake_config();
    uint32_t n;

    u = fake_new();
    for (n = 0; n < 4; n++) {
        u->core.mem_left = n;
        cr_assert_null(fake_unit(u, &c));
        cr_assert_eq(*fake_reg(u, 0x20), 0);
        u->core.unit.ops->destroy(u->core.unit.hw);
        cr_assert_eq(u->core.mem_bytes, 0);
        cr_assert_eq(u->core.heap_bytes, 0);
    }
    fake_free(u);
}

Test(flow, tickets_follow_the_ring) /* R6, R9 */
{
    uint64_t t, first = ticket();
    uint32_t i;

    for (i = 0; i < 100; i++) {
        t = ticket();
        cr_assert_eq(uiommu_smmuv3_ticket_poll(hw, t), UIOMMU_OK);
        u->hold = true;
        t = ticket();
        cr_assert_eq(uiommu_smmuv3_ticket_poll(hw, t), UIOMMU_PENDING);
        u->hold = false;
        fake_run(u);
        cr_assert_eq(uiommu_smmuv3_ticket_poll(hw, t), UIOMMU_OK);
        cr_assert_eq(uiommu_smmuv3_ticket_poll(hw, first), UIOMMU_OK);
    }
    cr_assert_eq(uiommu_smmuv3_ticket_poll(hw, t + 1), UIOMMU_E_INVALID);
}

Test(flow, a_full_ring_is_busy_and_leaves_room_for_a_ticket)
{
    uint32_t n = 0;

    u->hold = true;
    while (uiommu_smmuv3_tlb_invalidate(hw, NULL, 0, &root, 1, NULL) == UIOMMU_OK)
        n++;
    cr_assert_eq(n, 15);
    (void)ticket();
    cr_assert_eq(uiommu_smmuv3_ticket(hw, &(uint64_t){0}), UIOMMU_E_BUSY);
    cr_assert_eq(*fake_reg(u, 0x98), (*fake_reg(u, 0x9c) + 16) & 31);
    u->hold = false;
    fake_run(u);
    cr_assert_eq(uiommu_smmuv3_tlb_invalidate(hw, NULL, 0, &root, 1, NULL), UIOMMU_OK);
}

Test(flow, an_illegal_command_fails_its_ticket_alone)
{
    struct uiommu_check check;
    uint64_t a, b, c;

    a = ticket();
    u->error_op = SMMUV3_OP_TLBI_NH_ASID;
    u->error_code = 1;
    u->error_times = 1;
    cr_assert_eq(uiommu_smmuv3_tlb_invalidate(hw, NULL, 0, &root, 0xab, NULL), UIOMMU_OK);
    u->hold = true;
    b = ticket();
    c = ticket();
    u->hold = false;
    fake_run(u);
    cr_assert_eq(*fake_reg(u, 0x9c) >> 24, 1);
    cr_assert_eq(uiommu_smmuv3_ticket_poll(hw, c), UIOMMU_PENDING);
    cr_assert_eq(uiommu_smmuv3_ticket_poll(hw, c), UIOMMU_OK);
    cr_assert_eq(uiommu_smmuv3_ticket_poll(hw, b), UIOMMU_E_HW);
    cr_assert_eq(uiommu_smmuv3_ticket_poll(hw, a), UIOMMU_OK);
    cr_assert_eq(u->log[1].d[0], 0x46); /* in its place */
    cr_assert_eq(u->log[1].d[1], 0);
    cr_assert_eq(u->logged, 4);
    uiommu_smmuv3_check(hw, &check);
    cr_assert_eq(check.event_count, 1);
    cr_assert_eq(check.event[0].kind, UIOMMU_EVENT_COMMAND_ERROR);
    cr_assert_eq(check.event[0].raw[0], 0x00ab000000000011);
}

Test(flow, a_device_that_does_not_answer_fails_each_ticket_it_was_in)
{
    struct uiommu_check check;
    uint64_t a, b;

    attach(UIOMMU_DEVICE_ATS, 0);
    (void)uiommu_smmuv3_device_set(hw, dev, UIOMMU_DEVICE_SET_ATS, 0);
    ((struct smmuv3_device *)dev)->who.id_count = 1;
    cr_assert_eq(uiommu_smmuv3_dtlb_invalidate(hw, dev, 3, NULL), UIOMMU_OK);
    ((struct smmuv3_device *)dev)->who.id_count = 2;
    u->error_op = SMMUV3_OP_SYNC;
    u->error_code = 3;
    u->error_times = 20; /* a slow one */
    a = ticket();
    b = ticket();
    cr_assert_eq(uiommu_smmuv3_ticket_poll(hw, a), UIOMMU_E_HW);
    while (uiommu_smmuv3_ticket_poll(hw, b) == UIOMMU_PENDING)
        ;
    cr_assert_eq(uiommu_smmuv3_ticket_poll(hw, b), UIOMMU_OK);
    cr_assert_eq(uiommu_smmuv3_ticket_poll(hw, a), UIOMMU_E_HW);
    uiommu_smmuv3_check(hw, &check);
    cr_assert_eq(check.flags, 0);
    cr_assert_eq(check.event_count, 1);
    cr_assert_eq(check.event[0].kind, UIOMMU_EVENT_INVALIDATION_TIMEOUT);
    cr_assert_eq(check.event[0].id, 0x208);
}

Test(flow, an_abort_is_tried_again_and_not_for_ever)
{
    struct uiommu_check check;
    uint64_t t;
    uint32_t i;

    u->error_op = SMMUV3_OP_SYNC;
    u->error_code = 2;
    u->error_times = 3;
    t = ticket();
    for (i = 0; i < 3; i++)
        cr_assert_eq(uiommu_smmuv3_ticket_poll(hw, t), UIOMMU_PENDING);
    cr_assert_eq(uiommu_smmuv3_ticket_poll(hw, t), UIOMMU_OK);
    u->error_times = 100;
    t = ticket();
    for (i = 0; i < 20; i++)
        (void)uiommu_smmuv3_ticket_poll(hw, t);
    cr_assert_eq(uiommu_smmuv3_ticket_poll(hw, t), UIOMMU_E_HW);
    uiommu_smmuv3_check(hw, &check);
    cr_assert(check.flags & UIOMMU_CHECK_DEAD);
    u->error_times = 0;
    cr_assert_eq(uiommu_smmuv3_restart(hw), UIOMMU_OK);
    cr_assert_eq(uiommu_smmuv3_ticket_poll(hw, t), UIOMMU_E_HW);
    t = ticket();
    cr_assert_eq(uiommu_smmuv3_ticket_poll(hw, t), UIOMMU_OK);
}

Test(flow, ranges)
{
    struct uiommu_range range = {0x700000200000, 0x7000003fffff, true};

    cr_assert_eq(uiommu_smmuv3_tlb_invalidate(hw, NULL, 0, &root, 0xab, NULL), UIOMMU_OK);
    cr_assert_eq(uiommu_smmuv3_tlb_invalidate(hw, NULL, 0, &root, 0xab, &range), UIOMMU_OK);
    range.last = 0x700000200fff;
    range.tables = false;
    cr_assert_eq(uiommu_smmuv3_tlb_invalidate(hw, NULL, 0, &root, 0xab, &range), UIOMMU_OK);
    range.first = 0;
    range.last = UINT64_MAX;
    cr_assert_eq(uiommu_smmuv3_tlb_invalidate(hw, NULL, 0, &root, 0xab, &range), UIOMMU_OK);
    hw->f.ril = false; /* by address */
    range.first = 0x10fff;
    range.last = 0x12000;
    cr_assert_eq(uiommu_smmuv3_tlb_invalidate(hw, NULL, 0, &root, 0xab, &range), UIOMMU_OK);
    (void)ticket();
    cr_assert_eq(u->log[0].d[0], 0x00ab000000000011);
    cr_assert_eq(u->log[1].d[0], 0x00ab00000041f012); /* 32 * 2^4 pages */
    cr_assert_eq(u->log[1].d[1], 0x0000700000200400);
    cr_assert_eq(u->log[2].d[0], 0x00ab000000000012);
    cr_assert_eq(u->log[2].d[1], 0x0000700000200001);
    cr_assert_eq(u->log[3].d[0], 0x00ab000000000011);
    cr_assert_eq(u->log[4].d[1], 0x10001);
    cr_assert_eq(u->log[6].d[1], 0x12001);
    cr_assert_eq(u->log[7].d[0], 0x46);
}

Test(flow, opening_a_device)
{
    volatile uint64_t *ste;
    uint32_t set = UIOMMU_DEVICE_SET_OPEN | UIOMMU_DEVICE_SET_ATS;

    attach(UIOMMU_DEVICE_ATS | UIOMMU_DEVICE_PRI, 20);
    ste = uiommu_smmuv3_ste_at(hw, 0x310);
    cr_assert_eq(le64(ste[0]), 1);
    cr_assert_eq(uiommu_smmuv3_device_set(hw, dev, set, 0), UIOMMU_MORE);
    cr_assert_eq(le64(ste[0]), 1);
    cr_assert_eq(le64(ste[1]), 0x180000d6);
    cr_assert_eq(uiommu_smmuv3_device_set(hw, dev, set, 1), UIOMMU_OK);
    cr_assert_eq(le64(ste[0]) & 0x3f, 0x2b);
    cr_assert_eq(le64(ste[0]) >> 59, 20);
    set |= UIOMMU_DEVICE_SET_PASID_REQUIRED; /* one word: live */
    cr_assert_eq(uiommu_smmuv3_device_set(hw, dev, set, 0), UIOMMU_OK);
    cr_assert_eq(le64(ste[1]), 0x180400d6);
    cr_assert_eq(uiommu_smmuv3_config_invalidate(hw, dev, UIOMMU_PASID_ALL), UIOMMU_OK);
    (void)ticket();
    cr_assert_eq(u->log[0].d[0], 0x0000020800000003);
    cr_assert_eq(u->log[0].d[1], 0);
    cr_assert_eq(u->log[1].d[0], 0x0000031000000003);
    cr_assert_eq(u->doorbells, 1);
    cr_assert_eq(uiommu_smmuv3_device_isolate(hw, dev), UIOMMU_OK);
    cr_assert_eq(le64(ste[0]), 1);
    /* Nobody knows whether a SYNC followed what word 1 holds: written anew. */
    cr_assert_eq(uiommu_smmuv3_device_set(hw, dev, set, 0), UIOMMU_MORE);
    cr_assert_eq(le64(ste[0]), 1);
    cr_assert_eq(uiommu_smmuv3_device_set(hw, dev, 0, 0), UIOMMU_OK);
}

Test(flow, a_pasid_becomes_valid_last)
{
    volatile uint64_t *cd;

    attach(UIOMMU_DEVICE_ATS | UIOMMU_DEVICE_PRI, 20);
    cr_assert_null(uiommu_smmuv3_cd_at(dev, 0x12345));
    cr_assert_eq(uiommu_smmuv3_pasid_prepare(hw, dev, 0x12345), UIOMMU_OK);
    cr_assert_eq(uiommu_smmuv3_pasid_prepare(hw, dev, 0), UIOMMU_E_RANGE);
    cr_assert_eq(uiommu_smmuv3_pasid_prepare(hw, dev, 1u << 20), UIOMMU_E_RANGE);
    cd = uiommu_smmuv3_cd_at(dev, 0x12345);
    cr_assert_eq(uiommu_smmuv3_pasid_set(hw, dev, 0x12345, &root, 0, 0), UIOMMU_E_INVALID);
    cr_assert_eq(uiommu_smmuv3_pasid_set(hw, dev, 0x12345, &root, 0x42, 0), UIOMMU_MORE);
    cr_assert_eq(le64(cd[0]), 0);
    cr_assert_eq(le64(cd[1]), 0x812345000);
    cr_assert_eq(uiommu_smmuv3_pasid_set(hw, dev, 0x12345, &root, 0x42, 1), UIOMMU_OK);
    cr_assert_eq(le64(cd[0]), 0x0042e205c0003510);
    uiommu_smmuv3_pasid_block(hw, dev, 0x12345);
    cr_assert_eq(le64(cd[0]), 0x0042c205c0004000);
    cr_assert_eq(le64(cd[1]), 0x812345000);
    uiommu_smmuv3_pasid_block(hw, dev, 0x12345);
    cr_assert_eq(le64(cd[0]), 0x0042c205c0004000);
    uiommu_smmuv3_pasid_clear(hw, dev, 0x12345);
    cr_assert_eq(le64(cd[0]), 0);
    uiommu_smmuv3_pasid_block(hw, dev, 0x12345);
    cr_assert_eq(le64(cd[0]), 0);
    cr_assert_eq(uiommu_smmuv3_config_invalidate(hw, dev, 0x12345), UIOMMU_OK);
    (void)ticket();
    cr_assert_eq(u->log[0].d[0], 0x0000020812345005); /* for each ID, level 1 too */
    cr_assert_eq(u->log[0].d[1], 0);
    cr_assert_eq(u->log[1].d[0], 0x0000031012345005);
}

Test(flow, untagged_traffic_is_refused_quietly)
{
    volatile uint64_t *cd;
    uint32_t none = UIOMMU_PASID_NONE;

    attach(0, 4);
    cd = uiommu_smmuv3_cd_at(dev, none);
    cr_assert_eq(le64(cd[0]), 0x0000c200c0004000);
    cr_assert_eq(uiommu_smmuv3_pasid_set(hw, dev, none, &root, 0x42, 0), UIOMMU_MORE);
    cr_assert_eq(le64(cd[0]), 0x0000c200c0004000);
    cr_assert_eq(uiommu_smmuv3_pasid_set(hw, dev, none, &root, 0x42, 0), UIOMMU_MORE);
    cr_assert_eq(uiommu_smmuv3_pasid_set(hw, dev, none, &root, 0x42, 1), UIOMMU_OK);
    cr_assert_eq(le64(cd[0]), 0x0042e205c0003510);
    cr_assert_eq(uiommu_smmuv3_pasid_set(hw, dev, none, &root, 0x42, 1), UIOMMU_OK);
    cr_assert_eq(uiommu_smmuv3_pasid_set(hw, dev, none, &root, 0x43, 0), UIOMMU_E_STATE);
    uiommu_smmuv3_pasid_clear(hw, dev, none);
    cr_assert_eq(le64(cd[0]), 0x0000c200c0004000);
}

Test(flow, nothing_is_sent_to_a_device_without_ats)
{
    uint32_t strength = 9;
    uint64_t t;

    attach(0, 4);
    cr_assert_eq(uiommu_smmuv3_dtlb_invalidate(hw, dev, 3, NULL), UIOMMU_OK);
    cr_assert_eq(uiommu_smmuv3_barrier(hw, dev, 3, &t, &strength), UIOMMU_OK);
    cr_assert_eq(strength, UIOMMU_BARRIER_PROVED);
    cr_assert_eq(uiommu_smmuv3_ticket_poll(hw, t), UIOMMU_OK);
    cr_assert_eq(u->logged, 1);
    cr_assert_eq(u->log[0].d[0], 0x46);
}

Test(flow, barriers)
{
    uint32_t strength = 9;
    uint64_t t;

    attach(UIOMMU_DEVICE_ATS | UIOMMU_DEVICE_PRI, 4);
    cr_assert_eq(uiommu_smmuv3_device_set(hw, dev, UIOMMU_DEVICE_SET_ATS, 0), UIOMMU_OK);
    cr_assert_eq(uiommu_smmuv3_barrier(hw, dev, 3, &t, &strength), UIOMMU_OK);
    cr_assert_eq(strength, UIOMMU_BARRIER_ORDERED);
    cr_assert_eq(u->logged, 3);
    cr_assert_eq(u->log[1].d[0], 0x0000031000003840);
    uiommu_smmuv3_device_detach(hw, dev);
    u->logged = 0;
    attach(UIOMMU_DEVICE_STALL, 4); /* shut: whatever is stalled ends */
    cr_assert_eq(uiommu_smmuv3_barrier(hw, dev, 3, &t, &strength), UIOMMU_OK);
    cr_assert_eq(strength, UIOMMU_BARRIER_PROVED);
    cr_assert_eq(u->logged, 3);
    cr_assert_eq(u->log[0].d[0], 0x0000020800000045);
    cr_assert_eq(uiommu_smmuv3_device_set(hw, dev, UIOMMU_DEVICE_SET_OPEN, 0), UIOMMU_MORE);
    cr_assert_eq(uiommu_smmuv3_device_set(hw, dev, UIOMMU_DEVICE_SET_OPEN, 1), UIOMMU_OK);
    u->logged = 0;
    cr_assert_eq(uiommu_smmuv3_barrier(hw, dev, 3, &t, &strength), UIOMMU_OK);
    cr_assert_eq(u->logged, 1);
}

Test(flow, answers_go_out_with_one_doorbell)
{
    struct uiommu_answer a[20];

    memset(a, 0, sizeof(a));
    u->hold = true;
    cr_assert_eq(uiommu_smmuv3_respond(hw, a, 3), 3);
    cr_assert_eq(u->doorbells, 1);
    cr_assert_eq(uiommu_smmuv3_respond(hw, a, 20), 12);
    u->hold = false;
    fake_run(u);
    cr_assert_eq(u->logged, 15);
    cr_assert_eq(uiommu_smmuv3_respond(hw, a, 5), 5);
}

Test(flow, a_restart_fails_what_was_under_way)
{
    uint64_t a = ticket(), b;
    uint32_t set = UIOMMU_DEVICE_SET_OPEN;

    attach(UIOMMU_DEVICE_STALL, 4);
    (void)uiommu_smmuv3_device_set(hw, dev, set, 0);
    (void)uiommu_smmuv3_device_set(hw, dev, set, 1);
    u->hold = true;
    b = ticket();
    cr_assert_eq(uiommu_smmuv3_ticket_poll(hw, a), UIOMMU_OK);
    u->hold = false;
    *fake_reg(u, 0x98) = *fake_reg(u, 0x9c);
    cr_assert_eq(uiommu_smmuv3_restart(hw), UIOMMU_OK);
    cr_assert_eq(uiommu_smmuv3_ticket_poll(hw, a), UIOMMU_OK);
    cr_assert_eq(uiommu_smmuv3_ticket_poll(hw, b), UIOMMU_E_HW);
    cr_assert_eq(le64(uiommu_smmuv3_ste_at(hw, 0x208)[0]) & 0xf, 0xb);
    cr_assert_eq(uiommu_smmuv3_ring_pending(hw, 0), 1);
}

Test(start, erratum_sync_before_a_batch_fills)
{
    struct uiommu_smmuv3_config c = fake_config();
    uint32_t i, gap = 0;

    u = fake_new();
    *fake_reg(u, 0x18) = 0x487u << 20 | 0x43b; /* MMU-700 r0p0 */
    hw = fake_unit(u, &c);
    cr_assert_eq(*fake_reg(u, 0x2c), 0xa); /* no PTM: not to be used */
    u->logged = 0;
    for (i = 0; i < 200; i++)
        cr_assert_eq(uiommu_smmuv3_tlb_invalidate(hw, NULL, 0, &root, 1, NULL), UIOMMU_OK);
    (void)ticket();
    for (i = 0; i < u->logged; i++) {
        gap = u->log[i].d[0] == 0x46 ? 0 : gap + 1;
        cr_assert_lt(gap, 63);
    }
    dev = NULL;
    end();
}

Test(flow, describes)
{
    struct uiommu_item item;
    uint64_t cursor = 0;
    uint32_t n = 0, words = 0;

    attach(0, 20);
    while (uiommu_smmuv3_describe(hw, 0x208, UIOMMU_PASID_NONE, &cursor, &item) == UIOMMU_OK) {
        n++;
        words += item.words;
    }
    cr_assert_eq(n, 26 + 4);
    cr_assert_eq(words, 26 + 1 + 8 + 1 + 8);
    cr_assert_eq(item.words, 0);
    cursor = 0;
    for (n = 0; uiommu_smmuv3_describe(hw, UINT32_MAX, 0, &cursor, &item) == UIOMMU_OK; n++)
        ;
    cr_assert_eq(n, 26);
}

static uiommu_err create(uint32_t offset, uint32_t value)
{
    struct uiommu_smmuv3_config c = fake_config();
    struct uiommu_unit *unit;
    uiommu_err err;

    u = fake_new();
    *fake_reg(u, offset) ^= value;
    err = uiommu_smmuv3_create(u, &c, &unit);
    if (err == UIOMMU_OK)
        unit->ops->destroy(unit->hw);
    cr_assert_eq(u->core.heap_bytes, 0);
    fake_free(u);
    return err;
}

Test(start, what_is_refused)
{
    cr_assert_eq(create(0, 0), UIOMMU_OK);
    cr_assert_eq(create(0, 2), UIOMMU_OK);                   /* S2P alone */
    cr_assert_eq(create(0, 3), UIOMMU_E_UNSUPPORTED);        /* no stage */
    cr_assert_eq(create(0, 2u << 2), UIOMMU_E_UNSUPPORTED);  /* TTF */
    cr_assert_eq(create(0, 1u << 21), UIOMMU_E_UNSUPPORTED); /* big-endian tables */
    cr_assert_eq(create(0, 3u << 24), UIOMMU_E_HW);          /* STALL_MODEL 3 */
    cr_assert_eq(create(4, 1u << 29), UIOMMU_E_UNSUPPORTED); /* preset queues */
    cr_assert_eq(create(4, 1u << 30), UIOMMU_E_UNSUPPORTED); /* preset tables */
    cr_assert_eq(create(0x14, 7u << 4), UIOMMU_E_HW);        /* no granule */
    cr_assert_eq(create(0x1c, 1u << 4), UIOMMU_E_HW);        /* another major version */
}
