/* SPDX-License-Identifier: BSD-2-Clause */
/* Second stages and nesting: which roots are taken, and the sequences of sheet 12 and 22.5. */
#include "fake_vtd.h"

#include <criterion/criterion.h>

#define SID 0x5e9bu

static struct uiommu *u;
static struct uiommu_vtd *hw;
static const struct uiommu_root second = {
    UIOMMU_ROOT_X86_64_STAGE2, 12, 48, 0, 0, 0x89abcd000, 0, {0}};
static const struct uiommu_root nested = {UIOMMU_ROOT_X86_64,
                                          12,
                                          48,
                                          0,
                                          0,
                                          0x40000000,
                                          0,
                                          {UIOMMU_ROOT_X86_64_STAGE2, 12, 48, 0, 0, 0x89abcd000}};

static struct vtd_device *begin(void)
{
    static const uint32_t ids[] = {SID};
    struct uiommu_device_desc desc = {
        ids, 1, UIOMMU_DEVICE_ATS | UIOMMU_DEVICE_PRI | UIOMMU_DEVICE_PASID, 20, 1, 0};
    struct uiommu_vtd_config config = fake_config();
    void *dev = NULL;

    u = fake_new();
    hw = fake_unit(u, &config);
    cr_assert_neq(hw, NULL);
    cr_assert_eq(uiommu_vtd_device_attach(hw, &desc, &dev), UIOMMU_OK);
    cr_assert_eq(uiommu_vtd_device_set(hw, dev, UIOMMU_DEVICE_SET_OPEN | UIOMMU_DEVICE_SET_ATS, 0),
                 UIOMMU_OK);
    u->logged = 0;
    return dev;
}

static void end(struct vtd_device *dev)
{
    uiommu_vtd_device_detach(hw, dev);
    FAKE_END(u);
}

static void closed(void)
{
    uint64_t t = 0;

    cr_assert_eq(uiommu_vtd_ticket(hw, &t), UIOMMU_OK);
    cr_expect_eq(uiommu_vtd_ticket_poll(hw, t), UIOMMU_OK);
}

static void logged(uint32_t at, uint64_t q0, uint64_t q1)
{
    cr_assert_lt(at, u->logged);
    cr_expect_eq(u->log[at].q[0], q0, "%u: %llx", at, (unsigned long long)u->log[at].q[0]);
    cr_expect_eq(u->log[at].q[1], q1, "%u: %llx", at, (unsigned long long)u->log[at].q[1]);
}

static bool taken(const struct uiommu_root *root, uint32_t pasid)
{
    uiommu_err err = uiommu_vtd_root_check(hw, NULL, pasid, root);

    cr_expect(err == UIOMMU_OK || err == UIOMMU_E_UNSUPPORTED);
    return err == UIOMMU_OK;
}

Test(second, roots)
{
    struct vtd_device *dev = begin();
    struct uiommu_root r = second;

    cr_expect(taken(&second, UIOMMU_PASID_NONE));
    cr_expect(!taken(&second, 5));
    cr_expect(taken(&nested, UIOMMU_PASID_NONE));
    cr_expect(!taken(&nested, 5));
    r.va_bits = 39; /* SAGAW has 48 and 57. */
    cr_expect(!taken(&r, UIOMMU_PASID_NONE));
    r.va_bits = 57;
    cr_expect(taken(&r, UIOMMU_PASID_NONE));
    r.va_bits = 40;
    cr_expect(!taken(&r, UIOMMU_PASID_NONE));
    r = second;
    r.table |= 0x800;
    cr_expect(!taken(&r, UIOMMU_PASID_NONE));
    r = second;
    r.under = nested.under; /* A second stage above another. */
    cr_expect(!taken(&r, UIOMMU_PASID_NONE));
    r = nested;
    r.table = UINT64_C(1) << 48; /* Beyond what the second stage takes. */
    cr_expect(!taken(&r, UIOMMU_PASID_NONE));
    r = nested;
    r.under.format = UIOMMU_ROOT_AARCH64_STAGE2;
    cr_expect(!taken(&r, UIOMMU_PASID_NONE));
    r = nested;
    r.under.table |= 0x10;
    cr_expect(!taken(&r, UIOMMU_PASID_NONE));
    hw->f.nested = false;
    cr_expect(!taken(&nested, UIOMMU_PASID_NONE));
    hw->f.second = false;
    cr_expect(!taken(&second, UIOMMU_PASID_NONE));
    end(dev);
}

Test(second, unit_without_first_stages)
{
    struct uiommu_vtd_config config = fake_config();
    struct uiommu_root first = nested;

    memset(&first.under, 0, sizeof(first.under));
    u = fake_new();
    *fake_reg(u, 0x14) &= ~(1u << 15); /* FSTS */
    hw = fake_unit(u, &config);
    cr_assert_neq(hw, NULL);
    cr_expect(taken(&second, UIOMMU_PASID_NONE));
    cr_expect(!taken(&first, UIOMMU_PASID_NONE));
    cr_expect(!taken(&nested, UIOMMU_PASID_NONE));
    fake_unit_free(u);
    fake_free(u);
    u = fake_new();
    *fake_reg(u, 0x14) &= ~(3u << 14); /* Nor second ones. */
    cr_expect_eq(fake_unit(u, &config), NULL);
    fake_free(u);
}

/* P cleared; context, PASID cache; domain; device TLB; then the drain (22.5, last row). */
Test(second, teardown)
{
    struct vtd_device *dev = begin();
    volatile uint64_t *entry = uiommu_vtd_pasid_at(dev, UIOMMU_PASID_NONE);
    uint32_t strength = 0;
    uint64_t t = 0;

    cr_assert_eq(uiommu_vtd_pasid_set(hw, dev, UIOMMU_PASID_NONE, &second, 0x42, 0), UIOMMU_OK);
    cr_expect_eq(le64(entry[0]), 0x000000089abcd089);
    cr_expect_eq(le64(entry[1]), 0x0000000000800042);
    uiommu_vtd_pasid_block(hw, dev, UIOMMU_PASID_NONE);
    cr_expect_eq(le64(entry[0]), 0x000000089abcd08a);
    uiommu_vtd_pasid_clear(hw, dev, UIOMMU_PASID_NONE);
    cr_assert_eq(uiommu_vtd_config_invalidate(hw, dev, UIOMMU_PASID_NONE), UIOMMU_OK);
    closed();
    cr_assert_eq(uiommu_vtd_tlb_invalidate(hw, dev, UIOMMU_PASID_NONE, &second, 0x42, NULL),
                 UIOMMU_OK);
    closed();
    cr_assert_eq(uiommu_vtd_dtlb_invalidate(hw, dev, UIOMMU_PASID_NONE, NULL), UIOMMU_OK);
    closed();
    cr_assert_eq(uiommu_vtd_barrier(hw, dev, UIOMMU_PASID_NONE, &t, &strength), UIOMMU_OK);
    cr_expect_eq(strength, UIOMMU_BARRIER_PROVED);
    logged(0, 0x00005e9b00000031, 0);
    logged(1, 0x0000000000420017, 0);
    logged(3, 0x00000000004200e2, 0);
    logged(5, 0x5e905e9b0001b003, 0x7ffffffffffff001);
    logged(7, 0x65, hw->iq.status.bus + 0x400);
    logged(8, 0x00000000004200e2, 0);
    logged(9, 0x5e905e9b0001b003, 0x7ffffffffffff001); /* Types 2 and 3 are ordered. */
    cr_expect_eq(u->log[10].q[0] & 0xffffffff, 0xe5);
    /* The same entry for a first stage: nothing of before is left in it. */
    cr_assert_eq(uiommu_vtd_pasid_set(hw, dev, UIOMMU_PASID_NONE, &nested, 0x43, 0), UIOMMU_OK);
    cr_expect_eq(le64(entry[0]), 0x000000089abcd0c9);
    cr_expect_eq(le64(entry[1]), 0x0000000000800043);
    cr_expect_eq(le64(entry[2]), 0x0000000040000000);
    uiommu_vtd_pasid_clear(hw, dev, UIOMMU_PASID_NONE);
    end(dev);
}

static void invalidate(const struct uiommu_root *root, uint64_t first, uint64_t last, bool tables)
{
    struct uiommu_range range = {first, last, tables};

    u->logged = 0;
    cr_assert_eq(uiommu_vtd_tlb_invalidate(hw, NULL, UIOMMU_PASID_NONE, root, 0x42,
                                           last == 0 ? NULL : &range),
                 UIOMMU_OK);
    closed();
}

Test(second, ranges)
{
    struct vtd_device *dev = begin();

    invalidate(&second, 0x7f1234a00000, 0x7f1234bfffff, true);
    logged(0, 0x00000000004200f2, 0x00007f1234a00009);
    invalidate(&second, 0x7f1234567000, 0x7f1234567fff, false);
    logged(0, 0x00000000004200f2, 0x00007f1234567040);
    invalidate(&second, 0, UINT64_MAX >> 20, true); /* Wider than MAMV. */
    logged(0, 0x00000000004200e2, 0);
    invalidate(&nested, 0x7f1234a00000, 0x7f1234bfffff, true); /* Above the second stage. */
    logged(0, 0x0000000000420036, 0x00007f1234a00009);
    invalidate(&nested, 0, 0, true); /* All, what is below too. */
    logged(0, 0x00000000004200e2, 0);
    hw->f.pages = false; /* PSI=0: no second stage by page. */
    invalidate(&second, 0x7f1234567000, 0x7f1234567fff, false);
    logged(0, 0x00000000004200e2, 0);
    end(dev);
}
