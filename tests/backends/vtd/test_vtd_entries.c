/* SPDX-License-Identifier: BSD-2-Clause */
/* Entries of devices and PASIDs: opened, shut and taken out word by word (sheet 7, 9.2, 12.2). */
#include "fake_vtd.h"

#include <criterion/criterion.h>

#define SID  0x5e9bu
#define HALF 0xbdu /* Its context table. */
#define NONE UIOMMU_PASID_NONE
#define OPEN UIOMMU_DEVICE_SET_OPEN
#define ATS  UIOMMU_DEVICE_SET_ATS

/* What hardware, which does not snoop, was told of. */
struct told {
    const void *cpu;
    uint64_t bytes;
    uint64_t word;
};

static struct uiommu *u;
static struct uiommu_vtd *hw;
static struct vtd_device *dev;
static volatile uint64_t *ctx;
static struct told told[8];
static uint32_t told_count;
static void (*mem_put)(void *ctx, const struct uiommu_mem *mem);
static const struct uiommu_root root = {UIOMMU_ROOT_X86_64, 12, 48, 0, 0, 0x7654321000, 0, {0}};
static const struct uiommu_root nested = {UIOMMU_ROOT_X86_64,
                                          12,
                                          48,
                                          0,
                                          0,
                                          0x40000000,
                                          0,
                                          {UIOMMU_ROOT_X86_64_STAGE2, 12, 48, 0, 0, 0x89abcd000}};

static void tell(void *host, const void *cpu, uint64_t bytes)
{
    (void)host;
    told[told_count++ % 8] = (struct told){cpu, bytes, le64(*(const uint64_t *)cpu)};
}

static void unlocked_put(void *host, const struct uiommu_mem *mem)
{
    cr_expect_eq(u->core.unit.locked, 0);
    mem_put(host, mem);
}

static void begin(void)
{
    struct uiommu_vtd_config config = fake_config();

    u = fake_new();
    hw = fake_unit(u, &config);
    cr_assert_not_null(hw);
    dev = fake_device(hw, SID);
    cr_assert_not_null(dev);
    ctx = uiommu_vtd_context_at(hw, SID);
    u->core.host.mem_to_device = tell;
    hw->f.coherent = false;
    told_count = 0;
}

static void end(void)
{
    uiommu_vtd_device_detach(hw, dev);
    FAKE_END(u);
}

TestSuite(vtd_entries, .init = begin, .fini = end);

static void told_was(uint32_t i, const volatile void *cpu, uint64_t bytes, uint64_t word)
{
    cr_assert_lt(i, told_count);
    cr_expect_eq((uintptr_t)told[i].cpu, (uintptr_t)cpu);
    cr_expect_eq(told[i].bytes, bytes);
    cr_expect_eq(told[i].word, word, "%u: %llx", i, (unsigned long long)told[i].word);
}

static void bind(uint32_t pasid, const struct uiommu_root *r)
{
    cr_assert_eq(uiommu_vtd_pasid_prepare(hw, dev, pasid), UIOMMU_OK);
    cr_assert_eq(uiommu_vtd_pasid_set(hw, dev, pasid, r, 7, 0), UIOMMU_OK);
    told_count = 0;
}

/* Where the entry of a PASID is; none beyond the directory, or without a table. */
Test(vtd_entries, places)
{
    volatile uint64_t *first = (volatile uint64_t *)uiommu_leaf(&dev->leaves, 0)->cpu;

    cr_expect_eq((uintptr_t)uiommu_vtd_pasid_at(dev, NONE), (uintptr_t)first);
    cr_expect_eq((uintptr_t)uiommu_vtd_pasid_at(dev, 1), (uintptr_t)(first + 8));
    cr_expect_eq((uintptr_t)uiommu_vtd_pasid_at(dev, 63), (uintptr_t)(first + 8 * 63));
    cr_expect_null((const void *)(uintptr_t)uiommu_vtd_pasid_at(dev, 0));
    cr_expect_null((const void *)(uintptr_t)uiommu_vtd_pasid_at(dev, 65));
    dev->pasid_bits = 5;
    cr_expect_not_null((const void *)(uintptr_t)uiommu_vtd_pasid_at(dev, 31));
    cr_expect_null((const void *)(uintptr_t)uiommu_vtd_pasid_at(dev, 32));
    dev->pasid_bits = 20;
    cr_expect_eq(uiommu_vtd_did_of(dev, 64), 0);
    cr_expect_not(uiommu_vtd_is_second(dev, NONE));
    bind(NONE, &nested);
    cr_expect(uiommu_vtd_is_second(dev, NONE));
    cr_expect_eq(uiommu_vtd_did_of(dev, NONE), 7);
}

/* Taken out it is one store, seen by hardware at once; the rest stays for the invalidations. */
Test(vtd_entries, end_of_a_pasid)
{
    volatile uint64_t *entry;

    bind(5, &root);
    entry = uiommu_vtd_pasid_at(dev, 5);
    uiommu_vtd_pasid_block(hw, dev, 5);
    cr_expect_eq(told_count, 1);
    told_was(0, entry, 8, 0x42);
    uiommu_vtd_pasid_clear(hw, dev, 5);
    told_was(1, entry, 8, 0x40);
    uiommu_vtd_pasid_block(hw, dev, 5); /* Nothing is there any more: its faults are told. */
    cr_expect_eq(told_count, 2);
    cr_expect_eq(le64(entry[0]), 0x40);
    cr_expect_eq(le64(entry[1]) & 0xffff, 7);
    uiommu_vtd_pasid_block(hw, dev, 64);
    uiommu_vtd_pasid_clear(hw, dev, 64); /* Not prepared: nothing. */
    cr_expect_eq(told_count, 2);
    bind(NONE, &root);
    uiommu_vtd_pasid_clear(hw, dev, NONE);
    told_was(0, uiommu_leaf(&dev->leaves, 0)->cpu, 8, 0x42);
}

/* Shut in one store; opened by it, with the other words before. */
Test(vtd_entries, device_shut_and_opened)
{
    uint64_t open = le64(ctx[0]), shut = (open & ~UINT64_C(0x11)) | 2;
    uint32_t i;

    cr_assert_eq(uiommu_vtd_device_set(hw, dev, 0, 0), UIOMMU_OK);
    cr_expect_eq(told_count, 1);
    told_was(0, ctx, 8, shut);
    for (i = 1; i < 5; i++)
        ctx[i] = 0x77;
    cr_assert_eq(uiommu_vtd_device_set(hw, dev, OPEN | ATS, 0), UIOMMU_OK);
    cr_expect_eq(told_count, 3);
    told_was(1, ctx, 32, shut);
    told_was(2, ctx, 8, open);
    cr_expect_eq(ctx[1] | ctx[2] | ctx[3], 0);
    cr_expect_eq(ctx[4], 0x77, "another ID's");
    ctx[4] = 0;
    ctx[2] = 0x77;
    cr_assert_eq(uiommu_vtd_device_set(hw, dev, OPEN, 0), UIOMMU_OK);
    cr_expect_eq(ctx[2], 0x77, "open, it is changed in one word");
    cr_expect_eq(le64(ctx[0]) & 0x15, 1);
    ctx[2] = 0;
    cr_assert_eq(uiommu_vtd_device_isolate(hw, dev), UIOMMU_OK);
    cr_expect_eq(le64(ctx[0]) & 3, 2);
}

/* Another's table under the same ID: shut, and invalidated, before it is this one's. */
Test(vtd_entries, taken_over_from_another)
{
    struct vtd_device *old = dev;
    static const uint32_t ids[] = {SID};
    struct uiommu_device_desc desc = {ids, 1, UIOMMU_DEVICE_PASID, 20, 1, 0};
    void *next = NULL;

    cr_assert_eq(uiommu_vtd_device_attach(hw, &desc, &next), UIOMMU_OK);
    cr_assert_eq(uiommu_vtd_device_set(hw, next, OPEN, 0), UIOMMU_MORE);
    cr_expect_eq(le64(ctx[0]) & 3, 2);
    cr_assert_eq(uiommu_vtd_device_set(hw, next, OPEN, 0), UIOMMU_OK);
    cr_expect_eq(le64(ctx[0]) & 3, 1);
    cr_assert_eq(uiommu_vtd_device_set(hw, next, 0, 0), UIOMMU_OK);
    dev = next;
    mem_put = u->core.host.mem_put;
    u->core.host.mem_put = unlocked_put;
    uiommu_vtd_device_detach(hw, old);
    cr_expect_eq((uintptr_t)uiommu_requester_find(&hw->devices, SID), (uintptr_t)dev);
    cr_expect_null(hw->devices.first->next);
}

/* ATS only where the unit has it; a table that is not there is found out. */
Test(vtd_entries, what_cannot_be_set)
{
    void *cpu = hw->context[HALF].cpu;

    hw->f.ats = false;
    cr_expect_eq(uiommu_vtd_device_set(hw, dev, OPEN | ATS, 0), UIOMMU_E_UNSUPPORTED);
    cr_expect_eq(uiommu_vtd_device_set(hw, dev, OPEN, 0), UIOMMU_OK);
    hw->f.ats = true;
    hw->context[HALF].cpu = NULL;
    cr_expect_eq(uiommu_vtd_device_set(hw, dev, OPEN, 0), UIOMMU_E_INTERNAL);
    hw->context[HALF].cpu = cpu;
}

/* No heap for what is known of a leaf: no entry. */
Test(vtd_entries, no_heap_for_a_leaf)
{
    uint64_t bytes = u->core.mem_bytes;
    uint32_t i;

    for (i = 0; i < 2; i++) { /* The blocks, one block. */
        u->core.heap_left = i;
        cr_expect_eq(uiommu_vtd_pasid_prepare(hw, dev, 64), UIOMMU_E_NOMEM, "%u", i);
        cr_expect_null((const void *)(uintptr_t)uiommu_vtd_pasid_at(dev, 64));
        cr_expect_eq(u->core.mem_bytes, bytes);
    }
    u->core.heap_left = UINT32_MAX;
    cr_expect_eq(uiommu_vtd_pasid_prepare(hw, dev, 64), UIOMMU_OK);
    cr_expect_not_null((const void *)(uintptr_t)uiommu_vtd_pasid_at(dev, 64));
}

static uint32_t described(uint32_t id, uint32_t pasid)
{
    struct uiommu_item item;
    uint64_t cursor = 0;
    uint32_t n = 0;

    while (uiommu_vtd_describe(hw, id, pasid, &cursor, &item) == UIOMMU_OK)
        n++;
    return n;
}

/* What is not there is left out: 16 registers, root, context, directory, entry. */
Test(vtd_entries, describe_what_is_there)
{
    void *cpu = hw->context[HALF].cpu;
    struct uiommu_mem *context = hw->context;

    cr_expect_eq(described(SID, NONE), 20);
    cr_expect_eq(described(SID, 64), 19, "no leaf");
    cr_assert_eq(uiommu_vtd_pasid_prepare(hw, dev, 64), UIOMMU_OK);
    cr_expect_eq(described(SID, 64), 20);
    cr_expect_eq(described(0x10000, 5), 16);
    hw->context[HALF].cpu = NULL;
    cr_expect_eq(described(SID, NONE), 19);
    hw->context[HALF].cpu = cpu;
    hw->context = NULL;
    cr_expect_eq(described(SID, NONE), 19);
    hw->context = context;
    hw->f.pri = false;
    cr_expect_eq(described(SID, NONE), 15);
    hw->f.pri = true;
    hw->iq.open = false;
    cr_expect_eq(described(SID, NONE), 4);
    hw->iq.open = true;
}
