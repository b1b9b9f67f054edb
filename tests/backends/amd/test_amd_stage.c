/* SPDX-License-Identifier: BSD-2-Clause */
/* Host tables: encodings, steps, what excludes what. */
#include "amd_fake_core.h"

#include <criterion/criterion.h>

static struct uiommu *u;
static struct uiommu_amd *hw;
static const struct uiommu_backend_ops *ops;
static const uint32_t ids[] = {0x118, 0x119};
static const struct uiommu_root first = {UIOMMU_ROOT_X86_64, 12, 48, 40, 0, 0x123456000, 0, {0}};
static const struct uiommu_root host = {
    UIOMMU_ROOT_X86_64_LEVELLED, 12, 48, 48, 0, 0xabcdef000, 0, {0}};
static const struct uiommu_root nested = {
    UIOMMU_ROOT_X86_64,
    12,
    48,
    40,
    0,
    0x7000,
    0,
    {UIOMMU_ROOT_X86_64_LEVELLED, 12, 39, 48, 0, 0xabcdef000}};

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

static struct amd_device *attach(uint32_t pasid_bits)
{
    struct uiommu_device_desc desc = {
        ids, 2, UIOMMU_DEVICE_PASID | UIOMMU_DEVICE_ATS | UIOMMU_DEVICE_PRI, pasid_bits, 1, 0};
    void *dev = NULL;
    uint32_t step = 0;

    cr_assert_eq(ops->device_attach(hw, &desc, &dev), UIOMMU_OK);
    while (ops->device_set(hw, dev, UIOMMU_DEVICE_SET_OPEN | UIOMMU_DEVICE_SET_ATS, step) ==
           UIOMMU_MORE)
        step++;
    return dev;
}

static uint32_t bind(void *dev, uint32_t pasid, const struct uiommu_root *root)
{
    uint32_t step = 0;
    uiommu_err err;

    cr_assert_eq(ops->pasid_prepare(hw, dev, pasid), UIOMMU_OK);
    while ((err = ops->pasid_set(hw, dev, pasid, root, 1, step)) == UIOMMU_MORE)
        step++;
    cr_assert_eq(err, UIOMMU_OK);
    return step;
}

TestSuite(amd_stage, .init = begin, .fini = end);

/* Rows of the sheet; without guest translation, as they have no GV. SE beside them. */
Test(amd_stage, golden)
{
    struct amd_device dev;
    struct uiommu_amd unit;
    uint64_t out[3];

    memset(&unit, 0, sizeof(unit));
    memset(&dev, 0, sizeof(dev));
    dev.domain = 7;
    dev.host.mode = 4;
    dev.host.table = 0xabcdef000;
    uiommu_amd_dte_build(&unit, &dev, UIOMMU_DEVICE_SET_ATS, out);
    cr_assert_eq(out[0], 0x6000000abcdef803);
    cr_assert_eq(out[1], 0x0000000300000007);
    dev.domain = 2;
    dev.host.mode = 3;
    dev.host.table = 0x1000;
    uiommu_amd_dte_build(&unit, &dev, 0, out);
    cr_assert_eq(out[0], 0x6000000000001603);
    cr_assert_eq(out[1], 0x0000000200000002);
    dev.host.blocked = true;
    unit.quiet.bus = 0x5000;
    uiommu_amd_dte_build(&unit, &dev, 0, out);
    cr_assert_eq(out[0], 0x6000000000005603);
    memset(&dev, 0, sizeof(dev)); /* Nothing to translate by: it would pass. */
    uiommu_amd_dte_build(&unit, &dev, 0, out);
    cr_assert_eq(out[0], 1);
}

/* V TV Mode GV GIoV PPR IR IW, GLX 0; the GCR3 root is the node of the lowest PASIDs. */
Test(amd_stage, nested_entry)
{
    struct amd_device *dev = attach(18);
    volatile uint64_t *dte = uiommu_amd_dte_at(hw, ids[0]);
    uint64_t node = uiommu_leaf(&dev->leaves, 0)->bus;

    cr_assert_leq(bind(dev, UIOMMU_PASID_NONE, &nested), 2);
    cr_assert_eq(le64(dte[0]), UINT64_C(0x60d0000abcdef603) | (node >> 12 & 7) << 58);
    cr_assert_eq(le64(dte[1]),
                 dev->domain | (node >> 15 & 0xffff) << 16 | UINT64_C(3) << 32 | node >> 31 << 43);
    cr_assert_eq(le64(*(uint64_t *)uiommu_leaf(&dev->leaves, 0)->cpu), 0x7001);
    ops->pasid_clear(hw, dev, UIOMMU_PASID_NONE);
    cr_assert_eq(le64(dte[0]) & UINT64_C(0xffffffffff000), hw->quiet.bus);
    cr_assert_eq(le64(*(uint64_t *)uiommu_leaf(&dev->leaves, 0)->cpu), 0);
    ops->device_detach(hw, dev);
}

Test(amd_stage, steps)
{
    struct amd_device *dev = attach(9);
    volatile uint64_t *dte = uiommu_amd_dte_at(hw, ids[1]);
    uint64_t quiet = hw->quiet.bus | 1, old1 = le64(dte[1]);

    cr_assert_eq(le64(*uiommu_amd_gcr3_at(dev, UIOMMU_PASID_NONE)), quiet);
    cr_assert_eq(ops->pasid_set(hw, dev, UIOMMU_PASID_NONE, &host, 1, 0), UIOMMU_MORE);
    cr_assert_eq(le64(dte[0]) & 3, 1); /* Shut, before anything else changes... */
    cr_assert_eq(le64(*uiommu_amd_gcr3_at(dev, UIOMMU_PASID_NONE)), quiet);
    cr_assert_eq(ops->pasid_set(hw, dev, UIOMMU_PASID_NONE, &host, 1, 0), UIOMMU_MORE);
    cr_assert_eq(le64(dte[1]), old1); /* ...or hardware was told so: the step is repeated. */
    cr_assert_eq(le64(*uiommu_amd_gcr3_at(dev, UIOMMU_PASID_NONE)), quiet);
    cr_assert_eq(ops->pasid_set(hw, dev, UIOMMU_PASID_NONE, &host, 1, 1), UIOMMU_MORE);
    cr_assert_eq(ops->pasid_set(hw, dev, UIOMMU_PASID_NONE, &host, 1, 1), UIOMMU_MORE);
    cr_assert_eq(le64(dte[0]) & 3, 1);
    cr_assert_eq(le64(*uiommu_amd_gcr3_at(dev, UIOMMU_PASID_NONE)), 0);
    cr_assert_eq(ops->pasid_set(hw, dev, UIOMMU_PASID_NONE, &host, 1, 2), UIOMMU_OK);
    cr_assert_eq(le64(dte[0]) & UINT64_C(0x604ffffffffffe03), UINT64_C(0x6000000abcdef803));
    ops->pasid_block(hw, dev, UIOMMU_PASID_NONE);
    cr_assert_eq(le64(dte[0]) & UINT64_C(0x601ffffffffffe03),
                 UINT64_C(0x6010000000000803) | hw->quiet.bus);
    /* A reset that ends meanwhile opens nothing. */
    cr_assert_eq(ops->device_set(hw, dev, UIOMMU_DEVICE_SET_OPEN, 0), UIOMMU_OK);
    cr_assert_eq(le64(dte[0]) & UINT64_C(0xffffffffff000), hw->quiet.bus);
    ops->pasid_clear(hw, dev, UIOMMU_PASID_NONE);
    cr_assert_eq(bind(dev, 5, &first), 2);
    cr_assert_eq(le64(dte[0]) & UINT64_C(0x60cffffffffffe03), UINT64_C(0x60c0000000000003));
    cr_assert_eq(le64(*uiommu_amd_gcr3_at(dev, UIOMMU_PASID_NONE)), quiet);
    ops->pasid_clear(hw, dev, 5);
    ops->device_detach(hw, dev);
}

Test(amd_stage, what_fits)
{
    struct amd_device *dev = attach(9);
    struct uiommu_root r = host;

    cr_assert_eq(ops->root_check(hw, dev, UIOMMU_PASID_NONE, &host), UIOMMU_OK);
    cr_assert_eq(ops->root_check(hw, dev, UIOMMU_PASID_NONE, &nested), UIOMMU_OK);
    cr_assert_eq(ops->root_check(hw, dev, 5, &host), UIOMMU_E_UNSUPPORTED);
    cr_assert_eq(ops->root_check(hw, dev, 5, &nested), UIOMMU_E_UNSUPPORTED);
    r.va_bits = 57; /* 5 levels; the unit has 4. */
    cr_assert_eq(ops->root_check(hw, dev, UIOMMU_PASID_NONE, &r), UIOMMU_E_UNSUPPORTED);
    r.va_bits = 47;
    cr_assert_eq(ops->root_check(hw, dev, UIOMMU_PASID_NONE, &r), UIOMMU_E_UNSUPPORTED);
    r = host;
    r.table |= 0x800;
    cr_assert_eq(ops->root_check(hw, dev, UIOMMU_PASID_NONE, &r), UIOMMU_E_UNSUPPORTED);
    bind(dev, 5, &first);
    cr_assert_eq(ops->root_check(hw, dev, UIOMMU_PASID_NONE, &host), UIOMMU_E_BUSY);
    cr_assert_eq(ops->root_check(hw, dev, UIOMMU_PASID_NONE, &nested), UIOMMU_E_BUSY);
    cr_assert_eq(ops->root_check(hw, dev, UIOMMU_PASID_NONE, &first), UIOMMU_OK);
    ops->pasid_clear(hw, dev, 5);
    ops->pasid_clear(hw, dev, 5);
    bind(dev, UIOMMU_PASID_NONE, &host);
    cr_assert_eq(ops->root_check(hw, dev, 6, &first), UIOMMU_E_BUSY);
    ops->pasid_clear(hw, dev, UIOMMU_PASID_NONE);
    cr_assert_eq(ops->root_check(hw, dev, 6, &first), UIOMMU_OK);
    ops->device_detach(hw, dev);
}

static uiommu_err checked(struct amd_device *dev, struct uiommu_root r)
{
    return ops->root_check(hw, dev, UIOMMU_PASID_NONE, &r);
}

/* Each field of a root that cannot be; of a nested one, each of both. */
Test(amd_stage, what_does_not)
{
    struct amd_device *dev = attach(9);
    struct uiommu_root bad[] = {host, host, host, nested, nested, nested, nested, nested, nested};
    uint32_t i;

    bad[0].under.format = UIOMMU_ROOT_X86_64_LEVELLED;
    bad[0].under.va_bits = 48;
    bad[1].granule_bits = 14;
    bad[2].va_bits = 12;
    bad[3].format = UIOMMU_ROOT_RISCV64;
    bad[4].under.format = UIOMMU_ROOT_X86_64;
    bad[5].va_bits = 57;
    bad[6].table |= 0x800;
    bad[7].under.table |= 0x800;
    bad[8].granule_bits = 14;
    for (i = 0; i < 9; i++)
        cr_assert_eq(checked(dev, bad[i]), UIOMMU_E_UNSUPPORTED, "%u", i);
    bad[2].va_bits = 21; /* One level. */
    cr_assert_eq(checked(dev, bad[2]), UIOMMU_OK);
    hw->f.gio = false;
    cr_assert_eq(checked(dev, nested), UIOMMU_E_UNSUPPORTED);
    cr_assert_eq(checked(dev, host), UIOMMU_OK);
    hw->f.gio = true;
    hw->f.guest = false;
    cr_assert_eq(checked(dev, nested), UIOMMU_E_UNSUPPORTED);
    hw->f.guest = true;
    hw->limit = host.table;
    cr_assert_eq(checked(dev, host), UIOMMU_OK);
    hw->limit--;
    cr_assert_eq(checked(dev, host), UIOMMU_E_UNSUPPORTED);
    ops->device_detach(hw, dev);
}

/* One host table at a time, and none beside a PASID. */
Test(amd_stage, one_at_a_time)
{
    struct amd_device *dev = attach(9);
    volatile uint64_t *dte = uiommu_amd_dte_at(hw, ids[0]);
    struct uiommu_root another = host;
    uint64_t was;

    bind(dev, 5, &first);
    cr_assert_eq(ops->pasid_set(hw, dev, UIOMMU_PASID_NONE, &host, 1, 0), UIOMMU_E_STATE);
    cr_assert_eq(dev->host.mode, 0);
    ops->pasid_clear(hw, dev, 5);
    bind(dev, UIOMMU_PASID_NONE, &host);
    was = dte[0];
    another.table += 0x1000;
    cr_assert_eq(ops->pasid_set(hw, dev, UIOMMU_PASID_NONE, &another, 1, 0), UIOMMU_E_STATE);
    cr_assert(dte[0] == was && dev->host.table == host.table);
    bind(dev, UIOMMU_PASID_NONE, &host);
    ops->device_detach(hw, dev);
}

static void open_again(struct amd_device *dev)
{
    uint32_t step;

    for (step = 0; ops->device_set(hw, dev, UIOMMU_DEVICE_SET_OPEN, step) == UIOMMU_MORE; step++)
        cr_assert_lt(step, 3);
}

/* Entry 0 changes while all entries block, and only where it means something else then. */
Test(amd_stage, entry_0)
{
    static const uint32_t zero = 0;
    struct uiommu_device_desc desc = {&zero, 1, UIOMMU_DEVICE_PASID, 9, 1, 0};
    struct amd_device *dev = attach(9);
    uint64_t quiet = hw->quiet.bus | 1;
    void *other;

    cr_assert_eq(ops->device_attach(hw, &desc, &other), UIOMMU_OK);
    open_again(other);
    bind(dev, UIOMMU_PASID_NONE, &first);
    cr_assert_eq(ops->device_isolate(hw, dev), UIOMMU_OK);
    open_again(dev);
    cr_assert_eq(le64(*uiommu_amd_gcr3_at(dev, UIOMMU_PASID_NONE)), first.table | 1);
    ops->pasid_clear(hw, dev, UIOMMU_PASID_NONE);
    cr_assert_eq(ops->pasid_set(hw, dev, UIOMMU_PASID_NONE, &host, 1, 1), UIOMMU_MORE);
    cr_assert_eq(le64(*uiommu_amd_gcr3_at(dev, UIOMMU_PASID_NONE)), quiet, "both were open");
    uiommu_amd_dte_at(hw, ids[0])[0] = le64(3);
    cr_assert_eq(ops->pasid_set(hw, dev, UIOMMU_PASID_NONE, &host, 1, 1), UIOMMU_MORE);
    cr_assert_eq(le64(*uiommu_amd_gcr3_at(dev, UIOMMU_PASID_NONE)), quiet, "one was");
    cr_assert_eq(ops->pasid_set(hw, dev, UIOMMU_PASID_NONE, &host, 1, 1), UIOMMU_MORE);
    cr_assert_eq(le64(*uiommu_amd_gcr3_at(dev, UIOMMU_PASID_NONE)), 0);
    bind(dev, UIOMMU_PASID_NONE, &host);
    ops->device_detach(hw, dev);
    ops->device_detach(hw, other);
}

/* Without GIoV untagged traffic would pass beside a GCR3 table: at the host table's end it shuts.
 * What blocks is quiet until the entry is another one. */
Test(amd_stage, ends)
{
    struct amd_device *dev = attach(9);
    volatile uint64_t *dte = uiommu_amd_dte_at(hw, ids[1]);

    bind(dev, UIOMMU_PASID_NONE, &host);
    ops->pasid_clear(hw, dev, UIOMMU_PASID_NONE);
    cr_assert_eq(ops->pasid_prepare(hw, dev, 5), UIOMMU_OK);
    cr_assert_eq(ops->pasid_set(hw, dev, 5, &first, 1, 0), UIOMMU_MORE);
    cr_assert(dev->quiet);
    bind(dev, 5, &first);
    cr_assert_not(dev->quiet);
    ops->pasid_clear(hw, dev, 5);
    hw->f.gio = false;
    bind(dev, UIOMMU_PASID_NONE, &host);
    ops->pasid_clear(hw, dev, UIOMMU_PASID_NONE);
    cr_assert_eq(le64(dte[0]) & 3, 3);
    cr_assert_eq(le64(dte[1]) >> 32 & 1, 1);
    cr_assert_eq(ops->device_set(hw, dev, UIOMMU_DEVICE_SET_OPEN, 0), UIOMMU_OK);
    cr_assert(le64(dte[0]) == 1 && (le64(dte[1]) >> 32 & 1) == 0);
    ops->device_detach(hw, dev);
}

/* Blocked: the device's own entries, those that are open. */
Test(amd_stage, blocks)
{
    static const uint32_t zero = 0;
    struct uiommu_device_desc desc = {&zero, 1, UIOMMU_DEVICE_PASID, 9, 1, 0};
    struct amd_device *dev = attach(9);
    volatile uint64_t *dte = uiommu_amd_dte_at(hw, 0);
    uint64_t was;
    void *other;

    cr_assert_eq(ops->device_attach(hw, &desc, &other), UIOMMU_OK);
    open_again(other);
    was = dte[0];
    bind(dev, UIOMMU_PASID_NONE, &host);
    ops->pasid_block(hw, dev, UIOMMU_PASID_NONE);
    cr_assert_eq(dte[0], was);
    cr_assert_eq(ops->device_isolate(hw, dev), UIOMMU_OK);
    ops->pasid_block(hw, dev, UIOMMU_PASID_NONE);
    cr_assert_eq(le64(uiommu_amd_dte_at(hw, ids[0])[0]), 1);
    ops->device_detach(hw, dev);
    ops->device_detach(hw, other);
}

/* Level 6 ends at bit 63. */
Test(amd_stage, six_levels)
{
    struct amd_device *dev = attach(9);
    struct uiommu_root r = host;

    hw->f.host_levels = 6;
    r.va_bits = 64;
    cr_assert_eq(ops->root_check(hw, dev, UIOMMU_PASID_NONE, &r), UIOMMU_OK);
    bind(dev, UIOMMU_PASID_NONE, &r);
    cr_assert_eq(le64(uiommu_amd_dte_at(hw, ids[0])[0]) >> 9 & 7, 6);
    ops->pasid_clear(hw, dev, UIOMMU_PASID_NONE);
    ops->device_detach(hw, dev);
}

/* Bonds change the entry: it is dropped with them. Of a nested root all that the host's tables gave
 * goes, of the guest's the range. */
Test(amd_stage, commands)
{
    struct amd_device *dev = attach(9);
    struct uiommu_range range = {0x1000, 0x1fff, false};
    uint64_t ticket;
    uint32_t at;

    bind(dev, UIOMMU_PASID_NONE, &nested);
    at = u->logged;
    cr_assert_eq(ops->config_invalidate(hw, dev, UIOMMU_PASID_NONE), UIOMMU_OK);
    cr_assert_eq(ops->tlb_invalidate(hw, dev, UIOMMU_PASID_NONE, &nested, 1, &range), UIOMMU_OK);
    cr_assert_eq(ops->tlb_invalidate(hw, dev, UIOMMU_PASID_NONE, &host, 1, &range), UIOMMU_OK);
    cr_assert_eq(ops->ticket(hw, &ticket), UIOMMU_OK);
    cr_assert_eq(u->log[at].d[0], 0x2000000000000118);
    cr_assert_eq(u->log[at + 1].d[0], 0x2000000000000119);
    cr_assert_eq(u->log[at + 4].d[1], 0x7ffffffffffff003);
    cr_assert_eq(u->log[at + 5].d[1], 0x1004);
    cr_assert_eq(u->log[at + 6].d[1], 0x1000);
    ops->pasid_clear(hw, dev, UIOMMU_PASID_NONE);
    ops->device_detach(hw, dev);
}
