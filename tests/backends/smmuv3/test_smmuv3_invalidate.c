/* SPDX-License-Identifier: BSD-2-Clause */
/* Which commands each op puts, for which ranges and devices, and how much room it wants. */
#include "fake_smmuv3.h"

#include <criterion/criterion.h>

#define NONE UIOMMU_PASID_NONE

static struct uiommu *u;
static struct uiommu_smmuv3 *hw;
static struct smmuv3_device *dev;
static const struct uiommu_backend_ops *ops;

static const struct uiommu_root s1 = {UIOMMU_ROOT_AARCH64, 12, 48, 48, 0, 0x812345000, 0, {0}};
static const struct uiommu_root s2 = {
    UIOMMU_ROOT_AARCH64_STAGE2, 12, 40, 40, 0, 0x8876540000, 0, {0}};
static const struct uiommu_root guest = {
    .format = UIOMMU_ROOT_AARCH64_CONTEXT,
    .granule_bits = 12,
    .table = 0x40000040,
    .under = {UIOMMU_ROOT_AARCH64_STAGE2, 12, 48, 48, 0, 0x8876540000}};

static void begin_with(uint32_t log2, uint32_t flags, uint32_t pasid_bits)
{
    static const uint32_t ids[] = {0x208, 0x310};
    struct uiommu_device_desc desc = {ids, 2, flags, pasid_bits, 1, 0};
    struct uiommu_smmuv3_config c = fake_config();
    void *out;

    u = fake_new();
    c.cmdq_log2 = log2;
    hw = fake_unit(u, &c);
    cr_assert_not_null(hw);
    ops = u->core.unit.ops;
    cr_assert_eq(ops->device_attach(hw, &desc, &out), UIOMMU_OK);
    dev = out;
    u->logged = 0;
}

static void begin(void)
{
    begin_with(4, UIOMMU_DEVICE_ATS | UIOMMU_DEVICE_PRI | UIOMMU_DEVICE_PASID, 16);
    cr_assert_eq(ops->device_set(hw, dev, UIOMMU_DEVICE_SET_ATS, 0), UIOMMU_OK);
}

static void end(void)
{
    ops->device_detach(hw, dev);
    fake_unit_free(u);
    fake_free(u);
}

/* Lets hardware run what was put: so many commands. The first is log[0]. */
static uint32_t run(void)
{
    uint64_t t;
    uint32_t n;

    cr_assert_eq(ops->ticket(hw, &t), UIOMMU_OK);
    cr_assert_eq(ops->ticket_poll(hw, t), UIOMMU_OK);
    n = u->logged;
    cr_assert_eq(u->log[n - 1].d[0], 0x46);
    u->logged = 0;
    return n - 1;
}

static void same(uint32_t at, uint64_t d0, uint64_t d1)
{
    cr_assert_eq(u->log[at].d[0], d0, "%u: %llx", at, (unsigned long long)u->log[at].d[0]);
    cr_assert_eq(u->log[at].d[1], d1, "%u: %llx", at, (unsigned long long)u->log[at].d[1]);
}

/* Leaves room for so many commands; hardware consumes nothing. */
static void leave(uint32_t commands)
{
    uint32_t n;

    u->hold = true;
    cr_assert_eq(hw->cmdq.head, hw->cmdq.done);
    for (n = (1u << hw->cmdq.log2) - commands; n > 0; n--) {
        cr_assert(uiommu_smmuv3_cmdq_room(hw, 0));
        uiommu_smmuv3_cmdq_put(hw, uiommu_smmuv3_cmd_tlbi(SMMUV3_OP_TLBI_ALL));
    }
}

static void go(void)
{
    uint64_t t;

    u->hold = false;
    (void)ops->ticket(hw, &t);
    fake_run(u);
    uiommu_smmuv3_cmdq_look(hw);
    cr_assert_eq(hw->cmdq.head, hw->cmdq.done);
    u->logged = 0;
}

TestSuite(invalidate, .init = begin, .fini = end);

Test(invalidate, configuration)
{
    cr_assert_eq(ops->config_invalidate(hw, dev, 5), UIOMMU_OK);
    cr_assert_eq(run(), 2);
    same(0, 0x0000020800005005, !dev->two_level);
    same(1, 0x0000031000005005, !dev->two_level);
    dev->two_level = !dev->two_level;
    cr_assert_eq(ops->config_invalidate(hw, dev, NONE), UIOMMU_OK);
    cr_assert_eq(run(), 2);
    same(1, 0x0000031000000005, !dev->two_level);
    dev->two_level = !dev->two_level;
    cr_assert_eq(ops->config_invalidate(hw, dev, UIOMMU_PASID_ALL), UIOMMU_OK);
    cr_assert_eq(run(), 2);
    same(0, 0x0000020800000003, 0);
    same(1, 0x0000031000000003, 0);
    dev->by_ste = true; /* the whole entry has changed */
    cr_assert_eq(ops->config_invalidate(hw, dev, 5), UIOMMU_OK);
    cr_assert_eq(run(), 2);
    same(1, 0x0000031000000003, 0);
    dev->by_ste = false;
    hw->f.s1p = false; /* there are no descriptors */
    cr_assert_eq(ops->config_invalidate(hw, dev, 5), UIOMMU_OK);
    cr_assert_eq(run(), 2);
    same(1, 0x0000031000000003, 0);
    hw->f.s1p = true;
}

/* As by_range() counts: (num + 1) << scale granules. */
static void ranged(uint64_t more, uint64_t num, uint64_t scale)
{
    struct uiommu_range range = {0x5000, 0x5000 + (more << 12) + 0xfff, false};

    cr_assert_eq(ops->tlb_invalidate(hw, dev, 5, &s1, 0xab, &range), UIOMMU_OK);
    cr_assert_eq(run(), 1);
    same(0, 0x00ab000000000012 | num << 12 | scale << 20, 0x5401);
}

Test(invalidate, ranges_by_scale)
{
    struct uiommu_range range = {0, 0, false};

    ranged(1, 1, 0);
    ranged(31, 31, 0);
    ranged(32, 16, 1);
    ranged(63, 31, 1);
    ranged(64, 16, 2);
    ranged((UINT64_C(1) << 36) - 1, 31, 31);
    range.last = UINT64_C(1) << 48; /* beyond what a scale can say */
    cr_assert_eq(ops->tlb_invalidate(hw, dev, 5, &s1, 0xab, &range), UIOMMU_OK);
    cr_assert_eq(run(), 1);
    same(0, 0x00ab000000000011, 0);
}

/* By address as many as half the queue, and 16, can hold; else all of the tag. */
Test(invalidate, ranges_by_address)
{
    struct uiommu_range range = {0x5800, 0x5900, true};
    uint32_t most, i;

    hw->f.ril = false;
    cr_assert_eq(ops->tlb_invalidate(hw, dev, 5, &s1, 0xab, &range), UIOMMU_OK);
    cr_assert_eq(run(), 1);
    same(0, 0x00ab000000000012, 0x5000);
    for (most = 8; most <= 16; most += 8) {
        range.tables = most == 8;
        range.last = 0x5000 + (most - 1) * 0x1000;
        cr_assert_eq(ops->tlb_invalidate(hw, dev, 5, &s1, 0xab, &range), UIOMMU_OK);
        cr_assert_eq(run(), most);
        for (i = 0; i < most; i++)
            same(i, 0x00ab000000000012, 0x5000 + i * 0x1000 + !range.tables);
        range.last++;
        range.last += 0xfff;
        cr_assert_eq(ops->tlb_invalidate(hw, dev, 5, &s1, 0xab, &range), UIOMMU_OK);
        cr_assert_eq(run(), 1);
        same(0, 0x00ab000000000011, 0);
        end();
        begin_with(7, UIOMMU_DEVICE_ATS | UIOMMU_DEVICE_PRI, 16);
        hw->f.ril = false;
    }
}

/* Its own commands; nested, all of the VMID whatever the range says. */
Test(invalidate, second_stages)
{
    struct uiommu_range range = {0x5000, 0x6fff, false};

    cr_assert_eq(ops->tlb_invalidate(hw, dev, NONE, &s2, 7, NULL), UIOMMU_OK);
    cr_assert_eq(ops->tlb_invalidate(hw, dev, NONE, &s2, 7, &range), UIOMMU_OK);
    cr_assert_eq(ops->tlb_invalidate(hw, dev, NONE, &guest, 7, &range), UIOMMU_OK);
    cr_assert_eq(run(), 3);
    same(0, 0x0000000700000028, 0);
    same(1, 0x000000070000102a, 0x5401);
    same(2, 0x0000000700000028, 0);
}

Test(invalidate, smallest_page)
{
    struct uiommu_smmuv3 plain;

    memset(&plain, 0, sizeof(plain));
    plain.f.granules = 1u << 12 | 1u << 14 | 1u << 16;
    cr_assert_eq(uiommu_smmuv3_stu_bits(&plain), 12);
    plain.f.granules = 1u << 14 | 1u << 16;
    cr_assert_eq(uiommu_smmuv3_stu_bits(&plain), 14);
    plain.f.granules = 1u << 16;
    cr_assert_eq(uiommu_smmuv3_stu_bits(&plain), 16);
    plain.f.granules = 0;
    cr_assert_eq(uiommu_smmuv3_stu_bits(&plain), 16);
}

/* What the device holds is of its own addresses: a range of the second stage is not. */
Test(invalidate, device_tlb)
{
    struct uiommu_range range = {0x8000, 0xbfff, false};

    cr_assert_eq(ops->dtlb_invalidate(hw, dev, 3, &range), UIOMMU_OK);
    cr_assert_eq(run(), 2);
    same(0, 0x0000020800003840, 0x8002);
    same(1, 0x0000031000003840, 0x8002);
    dev->second[0] = (uint64_t)SMMUV3_CONFIG_S2 << 1 | 1;
    cr_assert_eq(ops->dtlb_invalidate(hw, dev, NONE, &range), UIOMMU_OK);
    cr_assert_eq(run(), 2);
    same(1, 0x0000031000000040, 0x8002);
    dev->second[0] = (uint64_t)SMMUV3_CONFIG_NESTED << 1 | 1;
    cr_assert_eq(ops->dtlb_invalidate(hw, dev, NONE, &range), UIOMMU_OK);
    cr_assert_eq(run(), 2);
    same(1, 0x0000031000000040, 0x34);
    dev->second[0] = 0;
}

/* R16: each op has what it needs and one CMD_SYNC more, or puts nothing. */
Test(invalidate, room_for_all_or_nothing)
{
    struct uiommu_range range = {0x5000, 0x6fff, false};
    uint32_t strength, room;
    uint64_t t, head;

    hw->f.ril = false;
    for (room = 2; room <= 3; room++) {
        uiommu_err want = room == 2 ? UIOMMU_E_BUSY : UIOMMU_OK;

        leave(room);
        head = hw->cmdq.head;
        cr_assert_eq(ops->config_invalidate(hw, dev, 5), want);
        cr_assert_eq(hw->cmdq.head - head, (room - 2) * 2);
        go();
        leave(room);
        cr_assert_eq(ops->tlb_invalidate(hw, dev, 5, &s1, 1, &range), want);
        go();
        leave(room);
        cr_assert_eq(ops->dtlb_invalidate(hw, dev, 5, NULL), want);
        go();
        leave(room);
        cr_assert_eq(ops->barrier(hw, dev, 5, &t, &strength), want);
        go();
    }
    leave(1);
    cr_assert_eq(ops->command(hw, (uint64_t[]){0x30, 0}, 2), UIOMMU_E_BUSY);
    go();
    leave(2);
    cr_assert_eq(ops->command(hw, (uint64_t[]){0x30, 7}, 2), UIOMMU_OK);
    go();
    dev->flags = UIOMMU_DEVICE_STALL; /* shut: a command ends its stalls */
    dev->set = 0;
    leave(2);
    cr_assert_eq(ops->barrier(hw, dev, 5, &t, &strength), UIOMMU_E_BUSY);
    go();
    dev->flags = 0;
    leave(1); /* a barrier of a device with nothing to push is its CMD_SYNC */
    cr_assert_eq(ops->device_set(hw, dev, 0, 0), UIOMMU_OK);
    cr_assert_eq(ops->barrier(hw, dev, 5, &t, &strength), UIOMMU_OK);
    go();
}

/* What is stalled ends with a shut device's barrier; where hardware must stall, for each device. */
Test(invalidate, stalls_end)
{
    static const struct {
        uint32_t flags, set, model, commands, op, strength;
    } rows[] = {
        {0, 0, SMMUV3_STALL_CHOICE, 0, 0, UIOMMU_BARRIER_PROVED},
        {0, 0, SMMUV3_STALL_NEVER, 0, 0, UIOMMU_BARRIER_PROVED},
        {0, 0, SMMUV3_STALL_FORCED, 2, 0x45, UIOMMU_BARRIER_PROVED},
        {0, UIOMMU_DEVICE_SET_OPEN, SMMUV3_STALL_FORCED, 0, 0, UIOMMU_BARRIER_PROVED},
        {UIOMMU_DEVICE_STALL, 0, SMMUV3_STALL_CHOICE, 2, 0x45, UIOMMU_BARRIER_PROVED},
        {UIOMMU_DEVICE_STALL, UIOMMU_DEVICE_SET_OPEN, SMMUV3_STALL_CHOICE, 0, 0,
         UIOMMU_BARRIER_PROVED},
        {UIOMMU_DEVICE_ATS, 0, SMMUV3_STALL_FORCED, 2, 0x45, UIOMMU_BARRIER_ORDERED},
        {UIOMMU_DEVICE_ATS, UIOMMU_DEVICE_SET_ATS, SMMUV3_STALL_FORCED, 2, 0x40,
         UIOMMU_BARRIER_ORDERED},
        {0, UIOMMU_DEVICE_SET_ATS, SMMUV3_STALL_CHOICE, 2, 0x40, UIOMMU_BARRIER_ORDERED},
        {UIOMMU_DEVICE_PRI, 0, SMMUV3_STALL_CHOICE, 0, 0, UIOMMU_BARRIER_ORDERED},
    };
    uint32_t strength, i;
    uint64_t t;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        dev->flags = rows[i].flags;
        dev->set = rows[i].set;
        hw->f.stall_model = rows[i].model;
        strength = 9;
        cr_assert_eq(ops->barrier(hw, dev, NONE, &t, &strength), UIOMMU_OK);
        cr_assert_eq(strength, rows[i].strength, "%u", i);
        cr_assert_eq(u->logged, rows[i].commands + 1, "%u", i);
        cr_assert_eq(t, hw->cmdq.head);
        if (rows[i].commands != 0) {
            same(0, UINT64_C(0x208) << 32 | rows[i].op, rows[i].op == 0x40 ? 0x34 : 0);
            same(1, UINT64_C(0x310) << 32 | rows[i].op, rows[i].op == 0x40 ? 0x34 : 0);
        }
        u->logged = 0;
    }
}

/* Both words of each answer, in their order, and as many as there is room for. */
Test(invalidate, answers)
{
    struct uiommu_answer a[4];
    uint32_t i, before;

    memset(a, 0, sizeof(a));
    for (i = 0; i < 4; i++) {
        a[i].id = 0x208;
        a[i].index = i;
        a[i].code = UIOMMU_CODE_INVALID;
    }
    before = u->doorbells;
    cr_assert_eq(ops->respond(hw, a, 3), 3);
    cr_assert_eq(u->doorbells, before + 1);
    cr_assert_eq(u->logged, 3);
    for (i = 0; i < 3; i++)
        same(i, 0x0000020800000041, 0x1000 + i);
    uiommu_smmuv3_cmdq_look(hw);
    leave(2);
    cr_assert_eq(ops->respond(hw, a, 2), 1);
    go();
    leave(1);
    cr_assert_eq(ops->respond(hw, a, 2), 0);
    go();
    hw->cmdq.open = false;
    cr_assert_eq(ops->respond(hw, a, 1), 0);
    hw->cmdq.open = true;
}

/* The host's words go as they are; what completes and what answers is not his. */
Test(invalidate, the_hosts_words)
{
    static const uint8_t allowed[] = {0x01, 0x02, 0x40, 0x42, 0x43, 0x47};
    uint64_t words[2] = {0, 0x1122334455667788};
    uint32_t i;

    for (i = 0; i < sizeof(allowed); i++) {
        words[0] = 0xaa00 | allowed[i];
        cr_assert_eq(ops->command(hw, words, 2), UIOMMU_OK);
    }
    cr_assert_eq(run(), sizeof(allowed));
    for (i = 0; i < sizeof(allowed); i++)
        same(i, 0xaa00u | allowed[i], 0x1122334455667788);
    hw->cmdq.dead = true;
    words[0] = 0x46; /* refused for itself */
    cr_assert_eq(ops->command(hw, words, 2), UIOMMU_E_INVALID);
    words[0] = 0x01;
    cr_assert_eq(ops->command(hw, words, 2), UIOMMU_E_HW);
    hw->cmdq.dead = false;
}

/* Nothing is put into a queue that is closed, or dead. */
Test(invalidate, closed)
{
    struct uiommu_answer a;
    uint64_t t, head = hw->cmdq.head;
    uint32_t strength, dead;

    memset(&a, 0, sizeof(a));
    for (dead = 0; dead < 2; dead++) {
        uiommu_err want = dead ? UIOMMU_E_HW : UIOMMU_E_BUSY;

        hw->cmdq.open = dead != 0;
        hw->cmdq.dead = dead != 0;
        cr_assert_eq(ops->config_invalidate(hw, dev, 5), want);
        cr_assert_eq(ops->tlb_invalidate(hw, dev, 5, &s1, 1, NULL), want);
        cr_assert_eq(ops->dtlb_invalidate(hw, dev, 5, NULL), want);
        cr_assert_eq(ops->barrier(hw, dev, 5, &t, &strength), want);
        cr_assert_eq(ops->command(hw, (uint64_t[]){0x30, 0}, 2), want);
        cr_assert_eq(ops->ticket(hw, &t), want);
        cr_assert_eq(ops->respond(hw, &a, 1), 0);
        cr_assert_eq(hw->cmdq.head, head);
    }
    hw->cmdq.dead = false;
}
