/* SPDX-License-Identifier: BSD-2-Clause */
/* Bonds of the stream table entry itself: its way between stages, and what is invalidated. */
#include "fake_smmuv3.h"

#include <criterion/criterion.h>

static struct uiommu *u;
static struct uiommu_smmuv3 *hw;
static const struct uiommu_backend_ops *ops;
static struct smmuv3_device *dev;
static volatile uint64_t *ste;
static const uint32_t none = UIOMMU_PASID_NONE;
static const uint32_t open_ats = UIOMMU_DEVICE_SET_OPEN | UIOMMU_DEVICE_SET_ATS;

static const struct uiommu_root first = {UIOMMU_ROOT_AARCH64, 12,       48, 48, 0,
                                         0x812345000,         0x44ff04, {0}};
static const struct uiommu_root second = {
    UIOMMU_ROOT_AARCH64_STAGE2, 12, 40, 40, 0, 0x8876540000, 0, {0}};
static const struct uiommu_root nested = {
    .format = UIOMMU_ROOT_AARCH64_CONTEXT,
    .table = 0x40000040,
    .under = {UIOMMU_ROOT_AARCH64_STAGE2, 12, 40, 40, 0, 0x8876540000}};

static void set(uint32_t flags)
{
    uint32_t step;

    for (step = 0; ops->device_set(hw, dev, flags, step) == UIOMMU_MORE; step++)
        cr_assert_lt(step, 8);
}

static void start(uint32_t idr0)
{
    static const uint32_t ids[] = {0x208};
    struct uiommu_device_desc desc = {
        ids, 1, UIOMMU_DEVICE_ATS | UIOMMU_DEVICE_PRI, idr0 & 2 ? 0u : 20u, 1, 0};
    struct uiommu_smmuv3_config c = fake_config();
    void *made;

    u = fake_new();
    *fake_reg(u, 0x00) &= ~idr0;
    hw = fake_unit(u, &c);
    cr_assert_not_null(hw);
    ops = u->core.unit.ops;
    cr_assert_eq(ops->device_attach(hw, &desc, &made), UIOMMU_OK);
    dev = made;
    ste = uiommu_smmuv3_ste_at(hw, 0x208);
    set(open_ats);
    u->logged = 0;
}

static void begin(void)
{
    start(0);
}

static void end(void)
{
    ops->device_detach(hw, dev);
    FAKE_END(u);
}

static uint32_t bind(uint32_t pasid, const struct uiommu_root *root, uint32_t tag)
{
    uint32_t step;

    cr_assert_eq(ops->root_check(hw, dev, pasid, root), UIOMMU_OK);
    cr_assert_eq(ops->pasid_prepare(hw, dev, pasid), UIOMMU_OK);
    for (step = 0; step < 8; step++) {
        uiommu_err err = ops->pasid_set(hw, dev, pasid, root, tag, step);

        if (err == UIOMMU_OK)
            return step;
        cr_assert_eq(err, UIOMMU_MORE);
    }
    cr_assert_fail("no end");
    return 0;
}

static void log_is(uint32_t i, uint64_t d0, uint64_t d1)
{
    cr_assert_gt(u->logged, i);
    if (u->log[i].d[0] != d0 || u->log[i].d[1] != d1)
        cr_assert_fail("%u: %016llx %016llx", i, (unsigned long long)u->log[i].d[0],
                       (unsigned long long)u->log[i].d[1]);
}

static void ticket(void)
{
    uint64_t t;

    cr_assert_eq(ops->ticket(hw, &t), UIOMMU_OK);
    cr_assert_eq(ops->ticket_poll(hw, t), UIOMMU_OK);
}

TestSuite(stage2, .init = begin, .fini = end);

/* Shut; then the words that an aborting entry does not use; then the first word. */
Test(stage2, the_way_there_is_through_abort)
{
    cr_assert_eq(le64(ste[0]) & 0xf, 0xb);
    cr_assert_eq(ops->root_check(hw, dev, none, &second), UIOMMU_OK);
    cr_assert_eq(ops->pasid_set(hw, dev, none, &second, 0, 0), UIOMMU_E_INVALID);
    cr_assert_eq(ops->pasid_set(hw, dev, none, &second, 0x10000, 0), UIOMMU_E_INVALID);
    cr_assert_eq(ops->pasid_set(hw, dev, none, &second, 7, 0), UIOMMU_MORE);
    cr_assert_eq(le64(ste[0]), 1);
    cr_assert_eq(le64(ste[2]), 0);
    cr_assert_eq(ops->config_invalidate(hw, dev, none), UIOMMU_OK);
    cr_assert_eq(ops->pasid_set(hw, dev, none, &second, 7, 1), UIOMMU_MORE);
    cr_assert_eq(le64(ste[0]), 1);
    cr_assert_eq(le64(ste[1]), 0x0000100010000000); /* S7 with EATS */
    cr_assert_eq(le64(ste[2]), 0x044a355800000007);
    cr_assert_eq(le64(ste[3]), 0x0000008876540000);
    /* Its invalidation had no room: the same step once more. */
    cr_assert_eq(ops->pasid_set(hw, dev, none, &second, 7, 1), UIOMMU_MORE);
    cr_assert_eq(le64(ste[0]), 1);
    cr_assert_eq(ops->pasid_set(hw, dev, none, &second, 7, 2), UIOMMU_OK);
    cr_assert_eq(le64(ste[0]), 0xd);
    cr_assert_eq(ops->pasid_set(hw, dev, none, &second, 7, 2), UIOMMU_OK);
    cr_assert_eq(ops->pasid_set(hw, dev, none, &second, 8, 0), UIOMMU_E_STATE);
    ticket();
    log_is(0, 0x0000020800000003, 0); /* the entry, and all descriptors with it */
}

Test(stage2, blocked_and_cleared_in_one_store)
{
    cr_assert_eq(bind(none, &second, 7), 2);
    ops->pasid_block(hw, dev, none);
    cr_assert_eq(le64(ste[0]), 1);
    cr_assert_eq(le64(ste[2]), 0x044a355800000007); /* hardware may still use it */
    ops->pasid_block(hw, dev, none);
    cr_assert_eq(le64(ste[0]), 1);
    cr_assert_eq(ops->pasid_set(hw, dev, none, &second, 7, 0), UIOMMU_E_STATE);
    set(0); /* a reset in between does not open it again */
    set(open_ats);
    cr_assert_eq(le64(ste[0]), 1);
    cr_assert_eq(ops->root_check(hw, dev, 5, &first), UIOMMU_E_BUSY);
    ops->pasid_clear(hw, dev, none);
    cr_assert_eq(le64(ste[0]), 1);
    ops->pasid_clear(hw, dev, none);
    cr_assert_eq(le64(ste[0]), 1);
    cr_assert_eq(ops->root_check(hw, dev, 5, &first), UIOMMU_OK);
    cr_assert_eq(bind(none, &second, 8), 1); /* from abort a step less */
    cr_assert_eq(le64(ste[0]), 0xd);
    cr_assert_eq(le64(ste[2]) & 0xffff, 8);
}

Test(stage2, a_reset_brings_it_back)
{
    (void)bind(none, &second, 7);
    set(0);
    cr_assert_eq(le64(ste[0]), 1);
    cr_assert_eq(ops->device_set(hw, dev, open_ats, 0), UIOMMU_MORE);
    cr_assert_eq(le64(ste[0]), 1);
    cr_assert_eq(ops->device_set(hw, dev, open_ats, 1), UIOMMU_OK);
    cr_assert_eq(le64(ste[0]), 0xd);
    /* The interface alone: one word, live. */
    cr_assert_eq(ops->device_set(hw, dev, open_ats | UIOMMU_DEVICE_SET_PASID_REQUIRED, 0),
                 UIOMMU_OK);
    cr_assert_eq(le64(ste[1]), 0x0000100010040000);
    cr_assert_eq(ops->device_isolate(hw, dev), UIOMMU_OK);
    cr_assert_eq(le64(ste[0]), 1);
}

/* Whatever the entry was: two words that are used never change under hardware's eyes. */
Test(stage2, from_another_second_stage)
{
    ste[1] = le64(0x0000100010000000);
    ste[2] = le64(0x044a355800000009);
    ste[3] = le64(0x0000008876540000);
    ste[0] = le64(0xd);
    cr_assert_eq(ops->pasid_set(hw, dev, none, &second, 7, 0), UIOMMU_MORE);
    cr_assert_eq(le64(ste[0]), 1);
    cr_assert_eq(le64(ste[2]), 0x044a355800000009);
    cr_assert_eq(ops->pasid_set(hw, dev, none, &second, 7, 1), UIOMMU_MORE);
    cr_assert_eq(ops->pasid_set(hw, dev, none, &second, 7, 2), UIOMMU_OK);
    cr_assert_eq(le64(ste[2]), 0x044a355800000007);
}

static bool fits(struct uiommu_root r)
{
    return ops->root_check(hw, dev, none, &r) == UIOMMU_OK;
}

/* Granule and alignment, of both tables of a nested root. */
Test(stage2, roots_that_cannot_be)
{
    struct uiommu_root r = second;

    hw->f.granules |= 1u << 13;
    r.granule_bits = 13;
    cr_assert_not(fits(r));
    r = second;
    r.table |= 1;
    cr_assert_not(fits(r));
    r = nested;
    r.under.table |= 1;
    cr_assert_not(fits(r));
    r = nested;
    r.table |= 1;
    cr_assert_not(fits(r));
    cr_assert(fits(second) && fits(nested));
}

/* HA where the unit sets access flags and the tables may have them; HD with both. */
Test(stage2, flags)
{
    static const uint32_t flags[] = {0, UIOMMU_ROOT_ACCESSED, UIOMMU_ROOT_DIRTY,
                                     UIOMMU_ROOT_ACCESSED | UIOMMU_ROOT_DIRTY};
    static const uint32_t want[3][4] = {{0, 0, 0, 0}, {0, 1, 0, 1}, {0, 1, 0, 3}};
    struct uiommu_root r = second;
    uint64_t out[4];
    uint32_t httu, i;

    for (httu = 0; httu < 3; httu++) {
        for (i = 0; i < 4; i++) {
            hw->f.httu = httu;
            r.flags = flags[i];
            uiommu_smmuv3_second_build(hw, dev, &r, 7, out);
            cr_assert_eq(uiommu_bits_get(out[2], SMMUV3_STE2_HA) |
                             uiommu_bits_get(out[2], SMMUV3_STE2_HD) << 1,
                         want[httu][i], "%u %u", httu, i);
        }
    }
}

/* Word 1 can be nothing: that there is a bond is seen all the same. */
Test(stage2, no_word_1)
{
    hw->f.types_ovr = false;
    (void)bind(none, &second, 7);
    cr_assert_eq(dev->second[1], 0);
    cr_assert_eq(ops->pasid_set(hw, dev, none, &second, 8, 0), UIOMMU_E_STATE);
    cr_assert_eq(le64(ste[2]) & 0xffff, 7);
}

/* A bond that begins while the device is shut waits for the device to be opened. */
Test(stage2, set_while_shut)
{
    set(0);
    cr_assert_eq(bind(none, &second, 7), 0);
    cr_assert_eq(le64(ste[0]), 1);
    set(open_ats);
    cr_assert_eq(le64(ste[0]), 0xd);
    cr_assert_eq(le64(ste[2]) & 0xffff, 7);
}

Test(stage2, one_kind_at_a_time)
{
    (void)bind(5, &first, 0x42);
    (void)bind(none, &first, 0x43);
    cr_assert_eq(ops->root_check(hw, dev, none, &second), UIOMMU_E_BUSY);
    cr_assert_eq(ops->pasid_set(hw, dev, none, &nested, 7, 0), UIOMMU_E_BUSY);
    ops->pasid_clear(hw, dev, 5);
    ops->pasid_clear(hw, dev, 5);
    cr_assert_eq(ops->root_check(hw, dev, none, &nested), UIOMMU_E_BUSY);
    ops->pasid_block(hw, dev, none);
    cr_assert_eq(ops->root_check(hw, dev, none, &nested), UIOMMU_E_BUSY);
    ops->pasid_clear(hw, dev, none);
    (void)bind(none, &nested, 7);
    cr_assert_eq(le64(ste[0]), 0x000000004000004f);
    cr_assert_eq(le64(ste[1]), 0x00000000180000d4);
    cr_assert_eq(ops->root_check(hw, dev, 5, &first), UIOMMU_E_BUSY);
    cr_assert_eq(ops->root_check(hw, dev, none, &first), UIOMMU_E_BUSY);
    cr_assert_eq(ops->pasid_set(hw, dev, 5, &first, 0x42, 0), UIOMMU_E_BUSY);
}

/* Back to first stages: the entry first, then the descriptor; never both words in one step. */
Test(stage2, the_way_back)
{
    volatile uint64_t *cd;

    (void)bind(none, &second, 7);
    ops->pasid_clear(hw, dev, none);
    cr_assert_eq(ops->pasid_prepare(hw, dev, 5), UIOMMU_OK);
    cd = uiommu_smmuv3_cd_at(dev, 5);
    cr_assert_eq(ops->pasid_set(hw, dev, 5, &first, 0x42, 0), UIOMMU_MORE);
    cr_assert_eq(le64(ste[0]), 1);
    cr_assert_eq(le64(ste[1]), 0x180000d6);
    cr_assert_eq(le64(ste[2]), 0);
    cr_assert_eq(le64(ste[3]), 0);
    cr_assert_eq(le64(cd[1]), 0);
    cr_assert_eq(ops->pasid_set(hw, dev, 5, &first, 0x42, 1), UIOMMU_MORE);
    cr_assert_eq(le64(ste[0]) & 0x3f, 0x2b);
    cr_assert_eq(le64(cd[0]), 0);
    cr_assert_eq(le64(cd[1]), 0x812345000);
    cr_assert_eq(ops->pasid_set(hw, dev, 5, &first, 0x42, 1), UIOMMU_MORE);
    cr_assert_eq(le64(cd[0]), 0);
    cr_assert_eq(ops->pasid_set(hw, dev, 5, &first, 0x42, 2), UIOMMU_OK);
    cr_assert_eq(le64(cd[0]), 0x0042e205c0003510);
    cr_assert_eq(ops->config_invalidate(hw, dev, 5), UIOMMU_OK);
    ticket();
    log_is(0, 0x0000020800000003, 0);
    ops->pasid_clear(hw, dev, 5);
    cr_assert_eq(ops->root_check(hw, dev, none, &second), UIOMMU_OK);
}

/* A reset or an isolation comes between a step and its repetition: what no SYNC has followed does
 * not count as followed by one. */
Test(stage2, shut_on_the_way_back)
{
    struct uiommu_root root = first;
    volatile uint64_t *cd;
    uint32_t way;

    cr_assert_eq(ops->pasid_prepare(hw, dev, 5), UIOMMU_OK);
    cd = uiommu_smmuv3_cd_at(dev, 5);
    for (way = 0; way < 2; way++) {
        (void)bind(none, &second, 7);
        ops->pasid_clear(hw, dev, none);
        root.table += 0x1000;
        cr_assert_eq(ops->pasid_set(hw, dev, 5, &root, 0x42, 0), UIOMMU_MORE);
        cr_assert_eq(ops->pasid_set(hw, dev, 5, &root, 0x42, 1), UIOMMU_MORE);
        if (way == 0)
            cr_assert_eq(ops->device_set(hw, dev, 0, 0), UIOMMU_OK);
        else
            cr_assert_eq(ops->device_isolate(hw, dev), UIOMMU_OK);
        cr_assert_eq(ops->pasid_set(hw, dev, 5, &root, 0x42, 1), UIOMMU_MORE);
        cr_assert_eq(le64(cd[0]), 0);
        cr_assert_eq(le64(ste[0]), 1);
        cr_assert_eq(ops->pasid_set(hw, dev, 5, &root, 0x42, 2), UIOMMU_OK);
        cr_assert_eq(le64(cd[0]) & 0xffff000000000000, (uint64_t)0x42 << 48);
        ops->pasid_clear(hw, dev, 5);
        set(open_ats);
    }
}

Test(stage2, invalidations_by_vmid)
{
    struct uiommu_range range = {0x10000, 0x11fff, false};

    (void)bind(none, &second, 7);
    cr_assert_eq(ops->tlb_invalidate(hw, dev, none, &second, 7, NULL), UIOMMU_OK);
    cr_assert_eq(ops->tlb_invalidate(hw, dev, none, &second, 7, &range), UIOMMU_OK);
    hw->f.ril = false;
    cr_assert_eq(ops->tlb_invalidate(hw, dev, none, &second, 7, &range), UIOMMU_OK);
    range.last = UINT64_MAX;
    cr_assert_eq(ops->tlb_invalidate(hw, dev, none, &second, 7, &range), UIOMMU_OK);
    range.last = 0x10000;
    range.tables = true;
    cr_assert_eq(ops->tlb_invalidate(hw, dev, none, &second, 7, &range), UIOMMU_OK);
    cr_assert_eq(ops->dtlb_invalidate(hw, dev, none, &range), UIOMMU_OK);
    ticket();
    log_is(0, 0x0000000700000028, 0);
    log_is(1, 0x000000070000102a, 0x10401); /* two pages */
    log_is(2, 0x000000070000002a, 0x10001);
    log_is(3, 0x000000070000002a, 0x11001);
    log_is(4, 0x0000000700000028, 0);
    log_is(5, 0x000000070000002a, 0x10000);
    log_is(6, 0x0000020800000040, 0x10000);
}

/* What the TLBs hold of a nested bond goes by addresses that the range may not be about. */
Test(stage2, nested_invalidations_are_of_everything)
{
    struct uiommu_range range = {0x10000, 0x11fff, false};

    (void)bind(none, &nested, 7);
    cr_assert_eq(ops->tlb_invalidate(hw, dev, none, &nested, 7, &range), UIOMMU_OK);
    cr_assert_eq(ops->dtlb_invalidate(hw, dev, none, &range), UIOMMU_OK);
    ticket();
    log_is(0, 0x0000000700000028, 0); /* both stages */
    log_is(1, 0x0000020800000040, 0x34);
}

/* No descriptors, no PASIDs; a device without a bond reaches nothing. */
Test(only, second_stages)
{
    start(2 | 1u << 18); /* S1P and VMID16 away */
    cr_assert_eq(u->core.unit.caps.pasid_bits, 0);
    cr_assert_eq(u->core.unit.caps.tag_first, 1);
    cr_assert_eq(u->core.unit.caps.tag_last, 255);
    cr_assert_eq(le64(ste[0]), 1);
    cr_assert_eq(dev->table.cpu, NULL);
    cr_assert_eq(ops->root_check(hw, dev, none, &first), UIOMMU_E_UNSUPPORTED);
    cr_assert_eq(ops->root_check(hw, dev, none, &nested), UIOMMU_E_UNSUPPORTED);
    cr_assert_eq(ops->pasid_set(hw, dev, none, &second, 256, 0), UIOMMU_E_INVALID);
    cr_assert_eq(ops->config_invalidate(hw, dev, none), UIOMMU_OK);
    ticket();
    log_is(0, 0x0000020800000003, 0); /* commands about descriptors would be illegal */
    cr_assert_eq(bind(none, &second, 255), 1);
    cr_assert_eq(le64(ste[0]), 0xd);
    ops->pasid_block(hw, dev, none);
    ops->pasid_clear(hw, dev, none);
    ops->pasid_clear(hw, dev, none);
    set(open_ats);
    cr_assert_eq(le64(ste[0]), 1);
    end();
}

Test(only, tags_fit_both)
{
    start(1u << 18);
    cr_assert_eq(u->core.unit.caps.tag_last, 255);
    end();
    start(1);
    cr_assert_eq(u->core.unit.caps.tag_last, 65535);
    cr_assert_eq(ops->root_check(hw, dev, none, &second), UIOMMU_E_UNSUPPORTED);
    end();
}

static bool nests(uint32_t iidr)
{
    struct uiommu_smmuv3_config c = fake_config();
    struct uiommu_unit *unit;
    bool nests;

    u = fake_new();
    *fake_reg(u, 0x18) = iidr;
    cr_assert_eq(uiommu_smmuv3_create(u, &c, &unit), UIOMMU_OK);
    nests = ((struct uiommu_smmuv3 *)unit->hw)->f.nested;
    fake_unit_free(u);
    fake_free(u);
    return nests;
}

Test(only, errata_of_nesting)
{
    cr_assert(nests(0));
    cr_assert_not(nests(0x483u << 20 | 1u << 16 | 0x43b));
    cr_assert(nests(0x483u << 20 | 2u << 16 | 0x43b));
    cr_assert_not(nests(0x487u << 20 | 1u << 16 | 0x43b));
    cr_assert(nests(0x487u << 20 | 1u << 16 | 1u << 12 | 0x43b));
}
