/* SPDX-License-Identifier: BSD-2-Clause */
/* Entries of PASIDs: which roots can be one, what an entry is from its beginning to its end, and
 * in how many stores; nodes, and what is given back. */
#include "amd_fake_core.h"

#include <criterion/criterion.h>

#define NONE UIOMMU_PASID_NONE

static struct uiommu *u;
static struct uiommu_amd *hw;
static const struct uiommu_backend_ops *ops;
static const uint32_t ids[] = {0x118, 0x119};
static const struct uiommu_root root = {UIOMMU_ROOT_X86_64, 12, 48, 0, 0, 0x123456000, 0, {0}};
static const struct uiommu_root other = {UIOMMU_ROOT_X86_64, 12, 48, 0, 0, 0x77000, 0, {0}};
static const struct uiommu_root host = {
    UIOMMU_ROOT_X86_64_LEVELLED, 12, 48, 48, 0, 0xabcdef000, 0, {0}};

static void begin(void)
{
    struct uiommu_amd_config c = fake_config();

    c.flags = UIOMMU_AMD_NOT_COHERENT;
    u = fake_new();
    hw = fake_unit(u, &c);
    cr_assert_not_null(hw);
    ops = u->core.unit.ops;
}

static void end(void)
{
    cr_assert_eq(u->core.unit.locked, 0);
    FAKE_END(u);
}

TestSuite(amd_gcr3, .init = begin, .fini = end);

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

static uint64_t entry(struct amd_device *dev, uint32_t pasid)
{
    return le64(*uiommu_amd_gcr3_at(dev, pasid));
}

static uiommu_err set(struct amd_device *dev, uint32_t pasid, const struct uiommu_root *r)
{
    uint32_t step = 0;
    uiommu_err err;

    while ((err = ops->pasid_set(hw, dev, pasid, r, 1, step)) == UIOMMU_MORE)
        cr_assert_lt(step++, 5);
    return err;
}

/* Each field of a root that cannot be. */
Test(amd_gcr3, roots)
{
    struct amd_device *dev = attach(16);
    struct uiommu_root bad[] = {root, root, root, root, root, root};
    uint32_t i;

    bad[0].under.format = UIOMMU_ROOT_X86_64;
    bad[1].format = UIOMMU_ROOT_RISCV64;
    bad[2].granule_bits = 14;
    bad[3].va_bits = 57;
    bad[4].table |= 0x800;
    bad[5].table = UINT64_C(1) << 51;
    hw->limit = (UINT64_C(1) << 51) - 1;
    for (i = 0; i < 6; i++) {
        cr_assert_eq(ops->root_check(hw, dev, 5, &bad[i]), UIOMMU_E_UNSUPPORTED, "%u", i);
        cr_assert_eq(ops->pasid_set(hw, dev, 5, &bad[i], 1, 0), UIOMMU_E_UNSUPPORTED, "%u", i);
    }
    bad[5].table = hw->limit = 0x123456000; /* The last one that can be. */
    cr_assert_eq(ops->root_check(hw, dev, 5, &bad[5]), UIOMMU_OK);
    cr_assert_eq(ops->root_check(hw, dev, NONE, &root), UIOMMU_OK);
    hw->f.gio = false;
    cr_assert_eq(ops->root_check(hw, dev, NONE, &root), UIOMMU_E_UNSUPPORTED);
    cr_assert_eq(ops->root_check(hw, dev, 5, &root), UIOMMU_OK);
    hw->f.gio = true;
    hw->f.guest = false;
    cr_assert_eq(ops->root_check(hw, dev, 5, &root), UIOMMU_E_UNSUPPORTED);
    hw->f.guest = true;
    cr_assert_eq(ops->root_check(hw, dev, 5, &host), UIOMMU_E_UNSUPPORTED);
    cr_assert_eq(set(dev, 5, &host), UIOMMU_E_UNSUPPORTED);
    ops->device_detach(hw, dev);
}

/* Beyond the device's PASIDs, without a node, PASID 0: there is no entry, and nothing to do. */
Test(amd_gcr3, no_entry)
{
    struct amd_device *dev = attach(12);

    cr_assert_null(uiommu_amd_gcr3_at(dev, 0));
    cr_assert_null(uiommu_amd_gcr3_at(dev, 0x1000));
    cr_assert_null(uiommu_amd_gcr3_at(dev, 0xfff));
    cr_assert_not_null(uiommu_amd_gcr3_at(dev, 0x1ff));
    cr_assert_not(uiommu_amd_gcr3_quiet(hw, dev, 0xfff));
    cr_assert_eq(ops->pasid_prepare(hw, dev, 0), UIOMMU_E_RANGE);
    cr_assert_eq(ops->pasid_prepare(hw, dev, 0x1000), UIOMMU_E_RANGE);
    cr_assert_eq(set(dev, 0xfff, &root), UIOMMU_E_INVALID);
    u->core.cleaned = 0;
    ops->pasid_block(hw, dev, 0xfff);
    ops->pasid_clear(hw, dev, 0xfff);
    ops->pasid_clear(hw, dev, 0x1000);
    cr_assert_eq(u->core.cleaned, 0);
    cr_assert_eq(ops->pasid_prepare(hw, dev, 0xfff), UIOMMU_OK);
    cr_assert(u->clean_locked);
    cr_assert_eq(entry(dev, 0xfff), 0);
    cr_assert_not(uiommu_amd_gcr3_quiet(hw, dev, 0xfff));
    ops->device_detach(hw, dev);
    dev = attach(9);
    cr_assert_null(uiommu_amd_gcr3_at(dev, 0x205));
    ops->device_detach(hw, dev);
}

/* Stores of an entry for another: a 32-bit host goes by way of none. */
#define STORES (sizeof(uintptr_t) < sizeof(uint64_t) ? 2u : 1u)

/* A PASID: invalid, its root, blocked, invalid; each in one store where the host has such. */
Test(amd_gcr3, tagged)
{
    struct amd_device *dev = attach(12);
    uint64_t quiet = hw->quiet.bus | 1;

    cr_assert_eq(ops->pasid_prepare(hw, dev, 5), UIOMMU_OK);
    cr_assert_eq(ops->device_set(hw, dev, 0, 0), UIOMMU_OK); /* So that entries alone count. */
    u->core.cleaned = 0;
    cr_assert_eq(set(dev, 5, &root), UIOMMU_OK);
    cr_assert(entry(dev, 5) == 0x123456001 && u->core.cleaned == STORES && dev->pasids == 1);
    cr_assert_eq(set(dev, 5, &root), UIOMMU_OK);
    cr_assert(entry(dev, 5) == 0x123456001 && dev->pasids == 1);
    cr_assert_eq(set(dev, 5, &other), UIOMMU_E_STATE);
    cr_assert_eq(entry(dev, 5), 0x123456001);
    u->core.cleaned = 0;
    ops->pasid_block(hw, dev, 5);
    cr_assert(entry(dev, 5) == quiet && u->core.cleaned == STORES && dev->pasids == 1);
    cr_assert(uiommu_amd_gcr3_quiet(hw, dev, 5));
    ops->pasid_block(hw, dev, 5);
    cr_assert_eq(u->core.cleaned, STORES, "it is so already");
    cr_assert_eq(set(dev, 5, &root), UIOMMU_E_STATE);
    ops->pasid_clear(hw, dev, 5);
    cr_assert(entry(dev, 5) == 0 && u->core.cleaned == STORES + 1 && dev->pasids == 0);
    ops->pasid_clear(hw, dev, 5);
    cr_assert_eq(dev->pasids, 0);
    ops->pasid_block(hw, dev, 5);
    cr_assert_eq(entry(dev, 5), 0);
    *uiommu_amd_gcr3_at(dev, 5) = le64(0x5000); /* Not valid: nothing to block. */
    ops->pasid_block(hw, dev, 5);
    cr_assert_eq(entry(dev, 5), 0x5000);
    *uiommu_amd_gcr3_at(dev, 5) = 0;
    ops->device_detach(hw, dev);
}

/* Untagged traffic: refused, its root, refused; that counts as no PASID. */
Test(amd_gcr3, untagged)
{
    struct amd_device *dev = attach(12);
    uint64_t quiet = hw->quiet.bus | 1;

    cr_assert_eq(ops->pasid_prepare(hw, dev, NONE), UIOMMU_OK);
    cr_assert_eq(entry(dev, NONE), quiet);
    cr_assert_eq(set(dev, NONE, &root), UIOMMU_OK);
    cr_assert(entry(dev, NONE) == 0x123456001 && dev->pasids == 0);
    cr_assert_eq(set(dev, NONE, &root), UIOMMU_OK);
    cr_assert_eq(set(dev, NONE, &other), UIOMMU_E_STATE);
    ops->pasid_clear(hw, dev, NONE);
    cr_assert(entry(dev, NONE) == quiet && dev->pasids == 0);
    *uiommu_amd_gcr3_at(dev, NONE) = 0;
    cr_assert_eq(set(dev, NONE, &root), UIOMMU_OK);
    cr_assert(entry(dev, NONE) == 0x123456001 && dev->pasids == 0);
    ops->device_detach(hw, dev);
}

/* A host table is in the device's entry: no PASID beside it, and its end is there, too. */
Test(amd_gcr3, under_a_host_table)
{
    struct amd_device *dev = attach(12);

    cr_assert_eq(ops->pasid_prepare(hw, dev, 5), UIOMMU_OK);
    cr_assert_eq(ops->pasid_prepare(hw, dev, NONE), UIOMMU_OK);
    cr_assert_eq(set(dev, NONE, &host), UIOMMU_OK);
    cr_assert_eq(ops->root_check(hw, dev, 5, &root), UIOMMU_E_BUSY);
    cr_assert_eq(set(dev, 5, &root), UIOMMU_E_STATE);
    cr_assert(entry(dev, 5) == 0 && dev->pasids == 0);
    ops->pasid_block(hw, dev, 5);
    cr_assert_not(dev->quiet);
    ops->pasid_block(hw, dev, NONE);
    cr_assert(dev->quiet && dev->host.blocked);
    cr_assert_eq(entry(dev, NONE), 0);
    ops->pasid_clear(hw, dev, 5);
    cr_assert_neq(dev->host.mode, 0);
    ops->pasid_clear(hw, dev, NONE);
    cr_assert_eq(dev->host.mode, 0);
    cr_assert_eq(set(dev, 5, &root), UIOMMU_OK);
    ops->pasid_clear(hw, dev, 5);
    ops->device_detach(hw, dev);
}

static volatile uint64_t *node_of(uint64_t word)
{
    cr_assert_eq(word & 0xfff, 1);
    return (volatile uint64_t *)(uintptr_t)(word & ~UINT64_C(0xfff));
}

/* As many levels as the PASIDs need, nodes once, each under its entry. */
Test(amd_gcr3, nodes)
{
    static const uint32_t bits[] = {1, 9, 10, 18, 19, 20};
    static const uint32_t levels[] = {1, 1, 2, 2, 3, 3};
    struct amd_device *dev;
    volatile uint64_t *node;
    uint64_t bytes;
    uint32_t i, last, level;

    for (i = 0; i < 6; i++) {
        dev = attach(bits[i]);
        last = (1u << bits[i]) - 1;
        cr_assert_eq(dev->levels, levels[i]);
        cr_assert_eq(dev->leaves.count == 0, levels[i] == 1);
        cr_assert_eq(ops->pasid_prepare(hw, dev, last), UIOMMU_OK);
        bytes = u->core.mem_bytes;
        u->core.cleaned = 0;
        cr_assert_eq(ops->pasid_prepare(hw, dev, last), UIOMMU_OK);
        cr_assert_eq(ops->pasid_prepare(hw, dev, NONE), UIOMMU_OK);
        cr_assert(u->core.mem_bytes == bytes && u->core.cleaned == 0);
        cr_assert_eq(set(dev, last, &root), UIOMMU_OK);
        node = dev->root.cpu;
        for (level = levels[i] - 1; level != 0; level--)
            node = node_of(le64(node[last >> (9 * level) & 0x1ff]));
        cr_assert_eq(le64(node[last & 0x1ff]), 0x123456001);
        cr_assert_eq(ops->pasid_prepare(hw, dev, last + 1), UIOMMU_E_RANGE);
        ops->pasid_clear(hw, dev, last);
        ops->device_detach(hw, dev);
    }
}

/* No memory, at each place: nothing is left behind, and the next try finds what was there. */
Test(amd_gcr3, no_memory)
{
    struct uiommu_device_desc desc = {ids, 2, UIOMMU_DEVICE_PASID, 20, 1, 0};
    uint64_t bytes = u->core.mem_bytes, heap = u->core.heap_bytes;
    struct amd_device *dev;
    void *out;
    uint32_t i;

    for (i = 0; i < 3; i++) {
        u->core.mem_left = i;
        cr_assert_eq(ops->device_attach(hw, &desc, &out), UIOMMU_E_NOMEM);
        cr_assert(u->core.mem_bytes == bytes && u->core.heap_bytes == heap);
    }
    u->core.mem_left = 0;
    desc.pasid_bits = 9; /* Its root is all there is. */
    cr_assert_eq(ops->device_attach(hw, &desc, &out), UIOMMU_E_NOMEM);
    cr_assert(u->core.mem_bytes == bytes && u->core.heap_bytes == heap);
    u->core.mem_left = UINT32_MAX;
    dev = attach(20);
    for (i = 0; i < 2; i++) {
        u->core.mem_left = i;
        cr_assert_eq(ops->pasid_prepare(hw, dev, 0x41000 + (i << 10)), UIOMMU_E_NOMEM, "%u", i);
        cr_assert_null(uiommu_amd_gcr3_at(dev, 0x41000 + (i << 10)));
    }
    u->core.mem_left = 1;
    cr_assert_eq(ops->pasid_prepare(hw, dev, 0x41000), UIOMMU_OK);
    cr_assert_eq(u->core.mem_left, 0);
    u->core.mem_left = UINT32_MAX;
    ops->device_detach(hw, dev);
    cr_assert(u->core.mem_bytes == bytes && u->core.heap_bytes == heap);
}

static uint32_t none_at; /* The how manieth mem_get() from now on fails, 0 the first. */
static uiommu_err (*more)(void *ctx, uint64_t bytes, uint64_t align, uint64_t limit,
                          struct uiommu_mem *out);

static uiommu_err none_once(void *ctx, uint64_t bytes, uint64_t align, uint64_t limit,
                            struct uiommu_mem *out)
{
    return none_at-- == 0 ? UIOMMU_E_NOMEM : more(ctx, bytes, align, limit, out);
}

/* It fails once: nothing hangs below a node that is not there. No heap for what is known of nodes:
 * the device is not there either. */
Test(amd_gcr3, no_memory_once)
{
    struct uiommu_device_desc desc = {ids, 2, UIOMMU_DEVICE_PASID, 20, 1, 0};
    uint64_t bytes, heap = u->core.heap_bytes;
    struct amd_device *dev = attach(20);
    void *out;
    uint32_t i;

    more = u->core.host.mem_get;
    u->core.host.mem_get = none_once;
    for (i = 0; i < 2; i++) {
        none_at = i;
        cr_assert_eq(ops->pasid_prepare(hw, dev, 0x41000), UIOMMU_E_NOMEM, "%u", i);
    }
    u->core.host.mem_get = more;
    cr_assert_eq(ops->pasid_prepare(hw, dev, 0x41000), UIOMMU_OK);
    ops->device_detach(hw, dev);
    bytes = u->core.mem_bytes;
    for (i = 0; i < 3; i++) { /* The device, its IDs, its nodes. */
        u->core.heap_left = i;
        cr_assert_eq(ops->device_attach(hw, &desc, &out), UIOMMU_E_NOMEM, "%u", i);
        cr_assert(u->core.mem_bytes == bytes && u->core.heap_bytes == heap);
    }
    u->core.heap_left = UINT32_MAX;
}

/* No heap for what is known of a leaf: no entry, and no node is left behind. */
Test(amd_gcr3, no_heap_for_a_leaf)
{
    uint64_t heap = u->core.heap_bytes, bytes = u->core.mem_bytes;
    struct amd_device *dev = attach(20);
    uint32_t i;

    for (i = 0; i < 2; i++) { /* The blocks, one block. */
        u->core.heap_left = i;
        cr_assert_eq(ops->pasid_prepare(hw, dev, 0x41000), UIOMMU_E_NOMEM, "%u", i);
        cr_assert_null(uiommu_amd_gcr3_at(dev, 0x41000));
    }
    u->core.heap_left = UINT32_MAX;
    cr_assert_eq(ops->pasid_prepare(hw, dev, 0x41000), UIOMMU_OK);
    cr_assert_not_null(uiommu_amd_gcr3_at(dev, 0x41000));
    ops->device_detach(hw, dev);
    cr_assert(u->core.mem_bytes == bytes && u->core.heap_bytes == heap);
}

static uint32_t described(uint32_t id, uint32_t pasid)
{
    struct uiommu_item item;
    uint64_t cursor = 0;
    uint32_t n = 0;

    while (ops->describe(hw, id, pasid, &cursor, &item) == UIOMMU_OK)
        n++;
    return n;
}

/* What is not there is left out: 13 registers, the device's entry, three levels. */
Test(amd_gcr3, describe_what_is_there)
{
    struct amd_device *dev = attach(20);

    cr_expect_eq(described(0x118, NONE), 17);
    cr_expect_eq(described(0x118, 0x41000), 15, "the root alone");
    cr_assert_eq(ops->pasid_prepare(hw, dev, 0x41000), UIOMMU_OK);
    cr_expect_eq(described(0x118, 0x41000), 17);
    cr_expect_eq(described(0x118, 0x41200), 16, "no leaf");
    cr_expect_eq(described(0x10000, 5), 13);
    cr_expect_eq(described(0x120, 5), 14);
    hw->ppr.present = false;
    cr_expect_eq(described(0x118, NONE), 14);
    hw->ppr.present = true;
    hw->cmdq.open = false;
    cr_expect_eq(described(0x118, NONE), 4);
    hw->cmdq.open = true;
    ops->device_detach(hw, dev);
}
