/* SPDX-License-Identifier: BSD-2-Clause */
/* Who can be a device, where its tables hang, what is given back; roots, each field at its ends. */
#include "fake_vtd.h"

#include <criterion/criterion.h>

#define NONE UIOMMU_PASID_NONE
#define OPEN UIOMMU_DEVICE_SET_OPEN

static struct uiommu *u;
static struct uiommu_vtd *hw;
static const uint32_t ids[] = {0x5e9b, 0x5f03}; /* In two halves of a bus. */
static const struct uiommu_root root = {UIOMMU_ROOT_X86_64, 12, 48, 0, 0, 0x7654321000, 0, {0}};
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

/* The last words that hardware was told of, and whether under the lock. */
static struct {
    const void *cpu;
    uint64_t word;
    bool locked;
} told[8];
static uint32_t told_count;

static void tell(void *host, const void *cpu, uint64_t bytes)
{
    (void)host;
    (void)bytes;
    told[told_count % 8].cpu = cpu;
    told[told_count % 8].word = le64(*(const uint64_t *)cpu);
    told[told_count++ % 8].locked = u->core.unit.locked != 0;
}

static void begin(void)
{
    struct uiommu_vtd_config config = fake_config();

    u = fake_new();
    hw = fake_unit(u, &config);
    cr_assert_not_null(hw);
    u->core.host.mem_to_device = tell;
    hw->f.coherent = false;
    told_count = 0;
}

static void end(void)
{
    FAKE_END(u);
}

TestSuite(vtd_tables, .init = begin, .fini = end);

static struct vtd_device *attach(const uint32_t *of, uint32_t count, uint32_t pasid_bits)
{
    struct uiommu_device_desc desc = {of, count, UIOMMU_DEVICE_PASID, pasid_bits, 1, 0};
    void *dev = NULL;

    cr_assert_eq(uiommu_vtd_device_attach(hw, &desc, &dev), UIOMMU_OK);
    return dev;
}

/* Where the entry of an ID is; none without a table, or of an ID that is too wide. */
Test(vtd_tables, places)
{
    struct vtd_device *dev = attach(ids, 2, 20);
    struct uiommu_vtd copy = *hw;

    cr_assert_eq((uintptr_t)uiommu_vtd_context_at(hw, ids[0]),
                 (uintptr_t)hw->context[0xbd].cpu + 0x1b * 32);
    cr_assert_eq((uintptr_t)uiommu_vtd_context_at(hw, ids[1]),
                 (uintptr_t)hw->context[0xbe].cpu + 3 * 32);
    cr_assert_eq((uintptr_t)uiommu_vtd_context_at(hw, 0x5e80), (uintptr_t)hw->context[0xbd].cpu);
    cr_assert_null(uiommu_vtd_context_at(hw, 0x5e7f));
    copy.id_bits = 14;
    cr_assert_null(uiommu_vtd_context_at(&copy, ids[0]));
    copy.id_bits = 15;
    cr_assert_not_null(uiommu_vtd_context_at(&copy, ids[0]));
    copy.context = NULL;
    cr_assert_null(uiommu_vtd_context_at(&copy, ids[0]));
    uiommu_vtd_device_detach(hw, dev);
}

static bool was_told(const void *cpu, uint64_t word, bool locked)
{
    uint32_t i;

    for (i = 0; i < told_count && i < 8; i++) {
        if (told[i].cpu == cpu && told[i].word == word)
            return told[i].locked == locked;
    }
    return false;
}

/* Tables hang where they belong, once; hardware is told of each, under the lock. */
Test(vtd_tables, hang)
{
    struct vtd_device *dev = attach(ids, 2, 20);
    uint64_t *root_words = hw->root.cpu, *directory = dev->directory.cpu, bytes;

    cr_assert_eq(hw->context[0].cpu, NULL, "of the IDs, and no others");
    cr_assert(was_told(&root_words[0xbd], hw->context[0xbd].bus | 1, true));
    cr_assert(was_told(&root_words[0xbe], hw->context[0xbe].bus | 1, true));
    cr_assert(was_told(&directory[0], uiommu_leaf(&dev->leaves, 0)->bus | 1, true));
    cr_assert(was_told(uiommu_leaf(&dev->leaves, 0)->cpu, 2, false));
    uiommu_vtd_device_detach(hw, dev);
    bytes = u->core.mem_bytes;
    told_count = 0;
    dev = attach(ids, 2, 20);
    cr_assert(!was_told(&root_words[0xbd], hw->context[0xbd].bus | 1, true));
    told_count = 0;
    directory = dev->directory.cpu;
    cr_assert_eq(uiommu_vtd_pasid_prepare(hw, dev, 0x81), UIOMMU_OK);
    cr_assert_eq(told_count, 2, "its zeroes, and its entry");
    cr_assert(was_told(&directory[2], uiommu_leaf(&dev->leaves, 2)->bus | 1, true));
    cr_assert_eq(*(uint64_t *)uiommu_leaf(&dev->leaves, 2)->cpu, 0);
    cr_assert_eq(uiommu_vtd_pasid_prepare(hw, dev, 0x80), UIOMMU_OK);
    cr_assert_eq(told_count, 2);
    uiommu_vtd_device_detach(hw, dev);
    cr_assert_eq(u->core.mem_bytes, bytes);
}

static uint32_t none_at; /* The how manieth mem_get() from now on fails, 0 the first. */
static uiommu_err (*more)(void *ctx, uint64_t bytes, uint64_t align, uint64_t limit,
                          struct uiommu_mem *out);

static uiommu_err none_once(void *ctx, uint64_t bytes, uint64_t align, uint64_t limit,
                            struct uiommu_mem *out)
{
    return none_at-- == 0 ? UIOMMU_E_NOMEM : more(ctx, bytes, align, limit, out);
}

/* No memory at one place, no heap from one on: nothing is left but context tables. */
Test(vtd_tables, no_memory)
{
    struct uiommu_device_desc desc = {ids, 2, UIOMMU_DEVICE_PASID, 20, 1, 0};
    uint64_t heap = u->core.heap_bytes, bytes;
    struct vtd_device *dev;
    void *out;
    uint32_t i;

    more = u->core.host.mem_get;
    u->core.host.mem_get = none_once;
    for (i = 0; i < 3; i++) { /* Directory, table, the first context table. */
        none_at = i;
        cr_assert_eq(uiommu_vtd_device_attach(hw, &desc, &out), UIOMMU_E_NOMEM, "%u", i);
        cr_assert(u->core.heap_bytes == heap && hw->devices.first == NULL);
    }
    cr_assert_eq(((uint64_t *)hw->root.cpu)[0xbd], 0);
    u->core.host.mem_get = more;
    dev = attach(ids, 2, 20);
    u->core.host.mem_get = none_once;
    none_at = 0;
    cr_assert_eq(uiommu_vtd_pasid_prepare(hw, dev, 0x81), UIOMMU_E_NOMEM);
    cr_assert_eq(((uint64_t *)dev->directory.cpu)[2], 0);
    u->core.host.mem_get = more;
    uiommu_vtd_device_detach(hw, dev);
    bytes = u->core.mem_bytes;
    for (i = 0; i < 3; i++) { /* The device, its IDs, its tables. */
        u->core.heap_left = i;
        cr_assert_eq(uiommu_vtd_device_attach(hw, &desc, &out), UIOMMU_E_NOMEM, "%u", i);
        cr_assert(u->core.heap_bytes == heap && u->core.mem_bytes == bytes);
    }
    u->core.heap_left = UINT32_MAX;
}

static uiommu_err attempt(struct uiommu_device_desc desc)
{
    uint64_t heap = u->core.heap_bytes;
    void *dev = NULL;
    uiommu_err err = uiommu_vtd_device_attach(hw, &desc, &dev);

    if (err == UIOMMU_OK)
        uiommu_vtd_device_detach(hw, dev);
    cr_assert(u->core.heap_bytes == heap && hw->devices.first == NULL);
    return err;
}

/* Who can be one. */
Test(vtd_tables, attached)
{
    static uint32_t many[256];
    struct uiommu_device_desc desc = {many, 1, 0, 0, 1, 0};
    uint32_t room = (1u << hw->iq.log2) - 8, i;

    cr_assert_leq(room, 255);
    for (i = 0; i < 256; i++)
        many[i] = 0x200 + i;
    hw->f.ats = hw->f.pri = false;
    cr_assert_eq(attempt(desc), UIOMMU_OK);
    desc.flags = UIOMMU_DEVICE_ATS;
    cr_assert_eq(attempt(desc), UIOMMU_E_UNSUPPORTED);
    desc.flags = UIOMMU_DEVICE_PRI;
    cr_assert_eq(attempt(desc), UIOMMU_E_UNSUPPORTED);
    hw->f.ats = hw->f.pri = true;
    cr_assert_eq(attempt(desc), UIOMMU_OK);
    desc.flags = UIOMMU_DEVICE_ATS;
    cr_assert_eq(attempt(desc), UIOMMU_OK);
    desc.flags = UIOMMU_DEVICE_STALL;
    cr_assert_eq(attempt(desc), UIOMMU_E_UNSUPPORTED);
    desc.flags = UIOMMU_DEVICE_PASID;
    desc.pasid_bits = hw->f.pasid_bits;
    cr_assert_eq(attempt(desc), UIOMMU_OK);
    desc.pasid_bits++;
    cr_assert_eq(attempt(desc), UIOMMU_E_RANGE);
    desc.pasid_bits = 0;
    desc.id_count = room;
    cr_assert_eq(attempt(desc), UIOMMU_OK);
    desc.id_count++;
    cr_assert_eq(attempt(desc), UIOMMU_E_UNSUPPORTED);
    desc.id_count = 0;
    cr_assert_eq(attempt(desc), UIOMMU_E_INVALID);
}

/* As deep as the device says: 32 is 0, and who says nothing takes one. */
Test(vtd_tables, depth)
{
    static const uint32_t depths[][2] = {{0, 1}, {1, 1}, {2, 2}, {31, 31}, {32, 0}};
    struct uiommu_device_desc desc = {ids, 2, 0, 0, 0, 0x77};
    struct vtd_device *dev;
    uint32_t i;
    void *out;

    for (i = 0; i < 5; i++) {
        desc.ats_depth = depths[i][0];
        cr_assert_eq(uiommu_vtd_device_attach(hw, &desc, &out), UIOMMU_OK);
        dev = out;
        cr_assert(dev->depth == depths[i][1] && dev->pf_id == 0x77);
        uiommu_vtd_device_detach(hw, dev);
    }
}

static const struct uiommu_requester *at_take, *at_give;

static void watch(struct uiommu_unit *unit, bool taken)
{
    (void)unit;
    *(taken ? &at_take : &at_give) = hw->devices.first;
}

/* The list changes under the lock. */
Test(vtd_tables, listed_under_the_lock)
{
    struct vtd_device *dev = attach(ids, 2, 0);

    uiommu_vtd_device_detach(hw, dev);
    u->core.unit.watch = watch;
    dev = attach(ids, 2, 0);
    cr_assert_null(at_take);
    cr_assert_eq((uintptr_t)at_give, (uintptr_t)dev);
    uiommu_vtd_device_detach(hw, dev);
    u->core.unit.watch = NULL;
    cr_assert_null(at_give);
    cr_assert_eq((uintptr_t)at_take, (uintptr_t)dev);
}

/* What is there already is compared in all its words; what is not there may be left of another. */
Test(vtd_tables, set_again)
{
    struct vtd_device *dev = attach(ids, 2, 20);
    struct uiommu_root other = second;
    volatile uint64_t *entry;

    other.table += 0x1000;
    cr_assert_eq(uiommu_vtd_pasid_set(hw, dev, NONE, &second, hw->f.did_last, 0), UIOMMU_OK);
    entry = uiommu_vtd_pasid_at(dev, NONE);
    cr_assert_eq(uiommu_vtd_pasid_set(hw, dev, NONE, &second, hw->f.did_last, 0), UIOMMU_OK);
    cr_assert_eq(uiommu_vtd_pasid_set(hw, dev, NONE, &other, hw->f.did_last, 0), UIOMMU_E_STATE);
    cr_assert_eq(le64(entry[0]) >> 12, second.table >> 12);
    uiommu_vtd_pasid_clear(hw, dev, NONE);
    cr_assert_eq(uiommu_vtd_pasid_set(hw, dev, NONE, &root, 6, 0), UIOMMU_OK);
    cr_assert_eq(uiommu_vtd_pasid_set(hw, dev, NONE, &root, 8, 0), UIOMMU_E_STATE);
    uiommu_vtd_pasid_clear(hw, dev, NONE);
    told_count = 0;
    cr_assert_eq(uiommu_vtd_pasid_set(hw, dev, NONE, &root, 7, 0), UIOMMU_OK);
    cr_assert_eq(told_count, 2);
    cr_assert_eq(told[0].word & 1, 0, "valid last");
    cr_assert_eq(told[1].word & 1, 1);
    uiommu_vtd_pasid_clear(hw, dev, NONE);
    cr_assert_eq(uiommu_vtd_pasid_set(hw, dev, NONE, &other, 8, 0), UIOMMU_OK);
    uiommu_vtd_device_detach(hw, dev);
}

static bool taken(struct uiommu_root r)
{
    return uiommu_vtd_root_check(hw, NULL, NONE, &r) == UIOMMU_OK;
}

#define WITH(base, field, value) (changed = (base), changed.field = (value), taken(changed))

/* Granule, alignment, address and widths. */
Test(vtd_tables, roots)
{
    struct uiommu_root changed;

    hw->limit = (UINT64_C(1) << 46) - 1;
    cr_assert(taken(root) && taken(second) && taken(nested));
    cr_assert_not(WITH(root, granule_bits, 14) || WITH(second, granule_bits, 14) ||
                  WITH(nested, granule_bits, 14) || WITH(nested, under.granule_bits, 14));
    cr_assert_not(WITH(root, table, root.table | 1) || WITH(root, table, root.table | 0x800));
    cr_assert_not(WITH(nested, table, nested.table | 1) ||
                  WITH(nested, table, nested.table | 0x800));
    cr_assert(WITH(root, table, hw->limit & ~UINT64_C(0xfff)));
    cr_assert_not(WITH(root, table, hw->limit + 1));
    cr_assert(WITH(root, pa_bits, 46) && WITH(root, pa_bits, 1));
    cr_assert_not(WITH(root, pa_bits, 47));
    cr_assert_not(WITH(root, va_bits, 39) || WITH(root, va_bits, 40));
    hw->limit = root.table;
    cr_assert(taken(root));
    hw->limit = root.table - 1;
    cr_assert_not(taken(root));
    hw->limit = UINT64_MAX;
    cr_assert(WITH(root, pa_bits, 52));
    cr_assert_not(WITH(root, pa_bits, 53));
}

/* Widths of second stages. */
Test(vtd_tables, second_stages)
{
    struct uiommu_root changed;

    hw->f.widths = 15;
    cr_assert(WITH(second, va_bits, 39) && WITH(second, va_bits, 48) && WITH(second, va_bits, 57));
    cr_assert_not(WITH(second, va_bits, 40) || WITH(nested, under.va_bits, 40));
    cr_assert(WITH(nested, under.va_bits, 39));
    hw->f.widths = 4;
    cr_assert_not(WITH(second, va_bits, 39) || WITH(nested, under.va_bits, 39));
    cr_assert(taken(second) && taken(nested));
    hw->f.second = false;
    cr_assert_not(taken(second) || taken(nested));
}
