/* SPDX-License-Identifier: BSD-2-Clause */
/* Tables of a unit that does not snoop, word by word; and what is left of a PASID at its end. */
#include "fake_smmuv3.h"

#include <criterion/criterion.h>

#define NONE UIOMMU_PASID_NONE

static struct uiommu *u;
static struct uiommu_smmuv3 *hw;
static struct smmuv3_device *dev;
static const struct uiommu_backend_ops *ops;
static const struct uiommu_root root = {UIOMMU_ROOT_AARCH64, 12,       48, 48, 0,
                                        0x812345000,         0x44ff04, {0}};

/* What was cleaned: from where, how much, and what was there then. */
static struct {
    const volatile void *from;
    uint64_t bytes, word;
    bool locked;
} cleaned[8192];
static uint32_t count;

static void clean(void *ctx, const void *cpu, uint64_t bytes)
{
    (void)ctx;
    cleaned[count].from = cpu;
    cleaned[count].bytes = bytes;
    cleaned[count].locked = u->core.unit.locked != 0;
    memcpy(&cleaned[count].word, cpu, sizeof(uint64_t));
    count = (count + 1) % (uint32_t)(sizeof(cleaned) / sizeof(cleaned[0]));
}

static void was(uint32_t at, const volatile void *from, uint64_t bytes, uint64_t word)
{
    cr_assert_lt(at, count);
    cr_assert_eq(cleaned[at].from, from, "%u", at);
    cr_assert_eq(cleaned[at].bytes, bytes, "%u: %u", at, (unsigned)cleaned[at].bytes);
    cr_assert_eq(le64(cleaned[at].word), word, "%u: %llx", at,
                 (unsigned long long)le64(cleaned[at].word));
}

static void attach(uint32_t flags, uint32_t pasid_bits)
{
    static const uint32_t ids[] = {0x208, 0x310};
    struct uiommu_device_desc desc = {ids, 2, flags, pasid_bits, 1, 0};
    void *out;

    cr_assert_eq(ops->device_attach(hw, &desc, &out), UIOMMU_OK);
    dev = out;
}

static void begin(void)
{
    struct uiommu_smmuv3_config c = fake_config();

    c.coherency = UIOMMU_SMMUV3_NOT_COHERENT;
    u = fake_new();
    u->core.host.mem_to_device = clean;
    count = 0;
    hw = fake_unit(u, &c);
    cr_assert_not_null(hw);
    ops = u->core.unit.ops;
    dev = NULL;
}

static void end(void)
{
    if (dev != NULL)
        ops->device_detach(hw, dev);
    cr_assert_eq(u->core.unit.locked, 0);
    FAKE_END(u);
}

TestSuite(tables, .init = begin, .fini = end);

/* A second-level table blocks before its descriptor says that it is there. */
Test(tables, of_streams)
{
    volatile uint64_t *l1 = (volatile uint64_t *)hw->strtab.cpu;
    volatile uint64_t *ste;
    uint64_t bytes = 64u << 8, mem;
    uint32_t i;

    count = 0;
    attach(0, 4);
    ste = uiommu_smmuv3_ste_at(hw, 0x200);
    for (i = 0; i < count && cleaned[i].from != (const volatile void *)&l1[2]; i++)
        ;
    was(i, &l1[2], 8, hw->l2[2].bus | 9);
    cr_assert(cleaned[i].locked);
    was(i - 1, ste, bytes, 1);
    cr_assert_not(cleaned[i - 1].locked); /* it takes its time */
    cr_assert_eq(le64(l1[2]), hw->l2[2].bus | 9);
    for (i = 0; i < 256 * 8; i++)
        cr_assert_eq(le64(ste[i]), i % 8 == 0);
    mem = u->core.mem_bytes;
    ops->device_detach(hw, dev);
    attach(0, 4); /* it is still there */
    cr_assert_eq(u->core.mem_bytes, mem);
}

/* A leaf of descriptors is there before it is reached, once. */
Test(tables, of_descriptors)
{
    volatile uint64_t *l1;
    uint64_t mem;

    attach(UIOMMU_DEVICE_ATS | UIOMMU_DEVICE_PRI, 20);
    l1 = (volatile uint64_t *)dev->table.cpu;
    cr_assert_null(uiommu_smmuv3_cd_at(dev, 0x401));
    count = 0;
    cr_assert_eq(ops->pasid_prepare(hw, dev, 0x401), UIOMMU_OK);
    was(0, uiommu_leaf(&dev->leaves, 1)->cpu, 0x10000, 0);
    was(1, &l1[1], 8, uiommu_leaf(&dev->leaves, 1)->bus | 1);
    cr_assert(cleaned[1].locked); /* reached only then, and by one at a time */
    cr_assert_eq(count, 2);
    mem = u->core.mem_bytes;
    cr_assert_eq(ops->pasid_prepare(hw, dev, 0x7ff), UIOMMU_OK);
    cr_assert_eq(ops->pasid_prepare(hw, dev, NONE), UIOMMU_OK);
    cr_assert_eq(ops->pasid_prepare(hw, dev, 0), UIOMMU_E_RANGE);
    cr_assert_eq(ops->pasid_prepare(hw, dev, 1u << 20), UIOMMU_E_RANGE);
    cr_assert_eq(count, 2);
    cr_assert_eq(u->core.mem_bytes, mem);
    cr_assert_eq(uiommu_smmuv3_cd_at(dev, 0x401),
                 (volatile uint64_t *)uiommu_leaf(&dev->leaves, 1)->cpu + 8);
    cr_assert_eq(uiommu_smmuv3_cd_at(dev, 0x7ff),
                 (volatile uint64_t *)uiommu_leaf(&dev->leaves, 1)->cpu + 0x3ff * 8);
    cr_assert_eq(uiommu_smmuv3_cd_at(dev, NONE),
                 (volatile uint64_t *)uiommu_leaf(&dev->leaves, 0)->cpu);
    cr_assert_null(uiommu_smmuv3_cd_at(dev, 0));
    cr_assert_null(uiommu_smmuv3_cd_at(dev, 1u << 20));
}

/* What is below the stack says nothing. */
static void dirty(void)
{
    volatile uint64_t below[512];
    uint32_t i;

    for (i = 0; i < 512; i++)
        below[i] = UINT64_MAX;
    (void)below[0];
}

/* Words 1 to 7, then word 0; at the end word 0 twice: quiet, and empty. */
Test(tables, a_life_of_a_pasid)
{
    volatile uint64_t *cd;

    attach(UIOMMU_DEVICE_ATS | UIOMMU_DEVICE_PRI, 4);
    cd = uiommu_smmuv3_cd_at(dev, 5);
    cr_assert_eq(cd, (volatile uint64_t *)dev->table.cpu + 5 * 8);
    cr_assert_eq(ops->pasid_prepare(hw, dev, 15), UIOMMU_OK);
    cr_assert_eq(ops->pasid_prepare(hw, dev, 16), UIOMMU_E_RANGE);
    cd[7] = ~UINT64_C(0); /* whatever was left there */
    cd[8] = 0x1234;       /* its neighbour's */
    count = 0;
    dirty();
    cr_assert_eq(ops->pasid_set(hw, dev, 5, &root, 0x42, 0), UIOMMU_MORE);
    was(0, cd, 64, 0);
    cr_assert_eq(cd[7], 0);
    cr_assert_eq(cd[8], 0x1234);
    cr_assert_eq(le64(cd[1]), 0x812345000);
    cr_assert_eq(dev->firsts, 0);
    cr_assert_eq(ops->pasid_set(hw, dev, 5, &root, 0x42, 0), UIOMMU_MORE); /* repeated */
    cr_assert_eq(count, 2);
    cr_assert_eq(ops->pasid_set(hw, dev, 5, &root, 0x42, 1), UIOMMU_OK);
    was(2, cd, 64, 0);
    was(3, cd, 8, 0x0042e205c0002010);
    cr_assert_eq(dev->firsts, 1);
    cr_assert_eq(ops->pasid_set(hw, dev, 5, &root, 0x42, 1), UIOMMU_OK); /* repeated */
    cr_assert_eq(count, 4);
    cr_assert_eq(dev->firsts, 1);
    ops->pasid_block(hw, dev, 5);
    was(4, cd, 8, 0x0042c205c0004000);
    ops->pasid_clear(hw, dev, 5);
    was(5, cd, 8, 0);
    cr_assert_eq(count, 6);
    cr_assert_eq(dev->firsts, 0);
    ops->pasid_block(hw, dev, 5); /* nothing to block */
    cr_assert_eq(count, 6);
    ops->pasid_clear(hw, dev, 5);
    cr_assert_eq(dev->firsts, 0);
}

/* A PASID that is somebody's is not another's; nor is one taken whose words nobody synced. */
Test(tables, whose_a_pasid_is)
{
    volatile uint64_t *cd;

    attach(UIOMMU_DEVICE_ATS | UIOMMU_DEVICE_PRI, 4);
    cd = uiommu_smmuv3_cd_at(dev, 5);
    cr_assert_eq(ops->pasid_set(hw, dev, 16, &root, 0x42, 0), UIOMMU_E_INVALID);
    cr_assert_eq(ops->pasid_set(hw, dev, 5, &root, 0, 0), UIOMMU_E_INVALID);
    cr_assert_eq(ops->pasid_set(hw, dev, 5, &root, 0x10000, 0), UIOMMU_E_INVALID);
    cr_assert_eq(ops->pasid_set(hw, dev, 5, &root, 0xffff, 0), UIOMMU_MORE);
    cr_assert_eq(ops->pasid_set(hw, dev, 5, &root, 0xffff, 1), UIOMMU_OK);
    cr_assert_eq(ops->pasid_set(hw, dev, 5, &root, 0xffff, 0), UIOMMU_E_STATE);
    cr_assert_eq(ops->pasid_set(hw, dev, 5, &root, 0x42, 1), UIOMMU_E_STATE);
    ops->pasid_clear(hw, dev, 5);
    /* The words are as wanted already, but no SYNC is known to have followed them. */
    cr_assert_eq(ops->pasid_set(hw, dev, 5, &root, 0xffff, 0), UIOMMU_MORE);
    cr_assert_eq(le64(cd[0]), 0);
    cr_assert_eq(ops->pasid_set(hw, dev, 5, &root, 0xffff, 1), UIOMMU_OK);
    ops->pasid_block(hw, dev, 16); /* beyond the table: nothing */
    ops->pasid_clear(hw, dev, 16);
    ops->pasid_clear(hw, dev, 5);
}

/* Untagged traffic's descriptor is never empty. */
Test(tables, what_untagged_traffic_meets)
{
    const uint64_t idle = 0x0000c200c0004000;
    volatile uint64_t *cd;
    uint32_t i;

    attach(0, 0);
    cd = uiommu_smmuv3_cd_at(dev, NONE);
    cr_assert_eq(le64(cd[0]), idle);
    for (i = 0; i < count && cleaned[i].from != (const volatile void *)cd; i++)
        ;
    was(i, cd, 64, 0); /* the table, then word 0 */
    was(i + 1, cd, 8, idle);
    cr_assert_eq(ops->pasid_set(hw, dev, NONE, &root, 7, 0), UIOMMU_MORE);
    cr_assert_eq(ops->pasid_set(hw, dev, NONE, &root, 7, 1), UIOMMU_OK);
    cr_assert_eq(dev->firsts, 1);
    ops->pasid_block(hw, dev, NONE);
    cr_assert_eq(le64(cd[0]), 0x0007c205c0004000);
    ops->pasid_clear(hw, dev, NONE);
    cr_assert_eq(le64(cd[0]), idle);
    cr_assert_eq(dev->firsts, 0);
    ops->pasid_clear(hw, dev, NONE);
    cr_assert_eq(dev->firsts, 0);
}

/* An entry's words: 1 to 3 first, word 0 in a step of its own, each cleaned. */
Test(tables, an_entry_opens_and_shuts)
{
    volatile uint64_t *ste[2];
    uint32_t i, set = UIOMMU_DEVICE_SET_OPEN;

    attach(UIOMMU_DEVICE_ATS | UIOMMU_DEVICE_PRI, 4);
    ste[0] = uiommu_smmuv3_ste_at(hw, 0x208);
    ste[1] = uiommu_smmuv3_ste_at(hw, 0x310);
    ste[0][3] = ~UINT64_C(0);
    count = 0;
    cr_assert_eq(ops->device_set(hw, dev, set, 0), UIOMMU_MORE);
    cr_assert_eq(count, 6);
    for (i = 0; i < 6; i++) {
        cr_assert_eq(cleaned[i].from, &ste[i / 3][i % 3 + 1]);
        cr_assert_eq(cleaned[i].bytes, 8);
        cr_assert_eq(cleaned[i].word, ste[i / 3][i % 3 + 1]);
    }
    cr_assert_eq(ste[0][3], 0);
    cr_assert_eq(le64(ste[0][1]), 0x08000002);                   /* not cached */
    cr_assert_eq(ops->device_set(hw, dev, set, 0), UIOMMU_MORE); /* repeated */
    cr_assert_eq(le64(ste[0][0]), 1);
    count = 0;
    cr_assert_eq(ops->device_set(hw, dev, set, 1), UIOMMU_OK);
    cr_assert_eq(count, 2);
    was(0, ste[0], 8, dev->table.bus | 0x2000000000000000 | 0xb);
    was(1, ste[1], 8, dev->table.bus | 0x2000000000000000 | 0xb);
    cr_assert_eq(ops->device_set(hw, dev, set, 1), UIOMMU_OK);
    cr_assert_eq(count, 2); /* it is as wanted */
    set |= UIOMMU_DEVICE_SET_ATS;
    cr_assert_eq(ops->device_set(hw, dev, set, 0), UIOMMU_OK);
    cr_assert_eq(count, 4); /* word 1 of each, live */
    cr_assert_eq(cleaned[3].from, &ste[1][1]);
    cr_assert_eq(ops->device_isolate(hw, dev), UIOMMU_OK);
    was(4, ste[0], 8, 1);
    was(5, ste[1], 8, 1);
    cr_assert_eq(count, 6);
    cr_assert_eq(dev->set, UIOMMU_DEVICE_SET_ATS);
}

/* A unit whose tables are linear, and a device with more PASIDs than one leaf: all of it. */
Test(tables, one_level_of_each)
{
    volatile uint64_t *ste = hw->strtab.cpu;
    uint32_t i;

    hw->two_level = false;
    hw->id_bits = 4;
    memset(hw->strtab.cpu, 0xff, 17 * 64);
    count = 0;
    uiommu_smmuv3_strtab_clear(hw);
    was(0, ste, 16 * 64, 1);
    for (i = 0; i < 16 * 8; i++)
        cr_assert_eq(le64(ste[i]), i % 8 == 0);
    cr_assert_eq(ste[16 * 8], UINT64_MAX); /* no more than that */
    cr_assert_eq(uiommu_smmuv3_ste_at(hw, 15), ste + 15 * 8);
    cr_assert_null(uiommu_smmuv3_ste_at(hw, 16));
    hw->two_level = true;
    hw->id_bits = 16;
    hw->f.cd2l = false;
    attach(0, 11);
    cr_assert_not(dev->two_level);
    cr_assert_eq(dev->table.bytes, 64u << 11);
    ops->device_detach(hw, dev);
    hw->f.cd2l = true;
    attach(0, 10);
    cr_assert_not(dev->two_level);
    ops->device_detach(hw, dev);
    attach(0, 11);
    cr_assert(dev->two_level);
    cr_assert_eq(dev->leaves.count, 2);
    cr_assert_eq(dev->table.bytes, 64); /* at least */
    ops->device_detach(hw, dev);
    attach(0, 16);
    cr_assert_eq(dev->table.bytes, 64 * 8);
}

/* Words that change in a later step are not in use before the step after it; the next life begins
 * anew. */
Test(tables, a_step_that_writes_late)
{
    volatile uint64_t *cd;

    attach(UIOMMU_DEVICE_ATS | UIOMMU_DEVICE_PRI, 4);
    cd = uiommu_smmuv3_cd_at(dev, 5);
    cr_assert_eq(ops->pasid_set(hw, dev, 5, &root, 0x42, 0), UIOMMU_MORE);
    cd[2] = 7;
    cr_assert_eq(ops->pasid_set(hw, dev, 5, &root, 0x42, 1), UIOMMU_MORE);
    cr_assert_eq(ops->pasid_set(hw, dev, 5, &root, 0x42, 1), UIOMMU_MORE);
    cr_assert_eq(ops->pasid_set(hw, dev, 5, &root, 0x42, 2), UIOMMU_OK);
    ops->pasid_clear(hw, dev, 5);
    cr_assert_eq(ops->pasid_set(hw, dev, 5, &root, 0x42, 0), UIOMMU_MORE);
    cr_assert_eq(ops->pasid_set(hw, dev, 5, &root, 0x42, 1), UIOMMU_OK);
}

/* A second stage is untagged traffic's alone: the end of a PASID leaves it. */
Test(tables, whose_a_second_stage_is)
{
    attach(UIOMMU_DEVICE_ATS | UIOMMU_DEVICE_PRI, 4);
    dev->second[0] = 0xd; /* word 1 is 0 */
    ops->pasid_block(hw, dev, 5);
    cr_assert_not(dev->quiet);
    ops->pasid_clear(hw, dev, 5);
    cr_assert_eq(dev->second[0], 0xd);
    ops->pasid_block(hw, dev, NONE);
    cr_assert(dev->quiet);
    ops->pasid_clear(hw, dev, NONE);
    cr_assert_not(dev->quiet);
    cr_assert_eq(dev->second[0], 0);
}

/* Without memory nothing is attached or prepared, and nothing is kept. */
Test(tables, no_memory)
{
    static const uint32_t ids[] = {0x208, 0x310};
    struct uiommu_device_desc desc = {ids, 2, 0, 20, 1, 0};
    uint64_t mem = u->core.mem_bytes;
    void *out = NULL;
    uint32_t n;

    for (n = 0; n < 2; n++) {
        u->core.mem_left = n;
        cr_assert_eq(ops->device_attach(hw, &desc, &out), UIOMMU_E_NOMEM);
        cr_assert_eq(u->core.mem_bytes, mem);
        cr_assert_null(hw->devices.first);
    }
    u->core.mem_left = UINT32_MAX;
    attach(0, 20);
    u->core.mem_left = 0;
    cr_assert_eq(ops->pasid_prepare(hw, dev, 0x401), UIOMMU_E_NOMEM);
    cr_assert_null(uiommu_leaf(&dev->leaves, 1));
    cr_assert_eq(((volatile uint64_t *)dev->table.cpu)[1], 0);
    u->core.mem_left = 1;
    cr_assert_eq(ops->pasid_prepare(hw, dev, 0x401), UIOMMU_OK);
}
