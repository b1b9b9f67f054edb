/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * GCR3 tables: 1 to 3 levels of 4 KiB nodes of 512 entries; a last entry is the root of a guest
 * table. One table for all IDs of a device. Entry 0 is untagged traffic's.
 *
 * There is no entry that refuses quietly. What blocks is the root of an empty guest table: nothing
 * of the address space is walked, and its faults are told from others and dropped.
 */
#include "amd_internal.h"

/* Bits of a PASID below the last level, and of one level. */
#define INDEX UINT32_C(0x1ff)

uint64_t uiommu_amd_gcr3_entry(uint64_t bus)
{
    return (bus & uiommu_bits_mask(AMD_GCR3_ADDRESS)) | AMD_GCR3_VALID;
}

static uint32_t slot_of(uint32_t pasid)
{
    return pasid == UIOMMU_PASID_NONE ? 0 : pasid;
}

/* NULL: beyond the table, or its node was not prepared. */
volatile uint64_t *uiommu_amd_gcr3_at(const struct amd_device *dev, uint32_t pasid)
{
    uint32_t slot = slot_of(pasid);
    const struct uiommu_mem *node = &dev->root;

    if (pasid == 0 || (slot >> dev->pasid_bits) != 0)
        return NULL;
    if (dev->levels > 1)
        node = uiommu_leaf(&dev->leaves, slot >> AMD_GCR3_LOG2);
    return node == NULL || node->cpu == NULL ? NULL
                                             : (volatile uint64_t *)node->cpu + (slot & INDEX);
}

bool uiommu_amd_gcr3_quiet(const struct uiommu_amd *hw, const struct amd_device *dev,
                           uint32_t pasid)
{
    volatile uint64_t *entry = uiommu_amd_gcr3_at(dev, pasid);

    return entry != NULL && uiommu_bits_load64(entry) == uiommu_amd_gcr3_entry(hw->quiet.bus);
}

/* What it names is there before it. */
void uiommu_amd_gcr3_store(struct uiommu_amd *hw, volatile uint64_t *entry, uint64_t v)
{
    uiommu_fence_dma_store();
    if ((v & AMD_GCR3_VALID) != 0)
        uiommu_bits_publish64(entry, v);
    else
        uiommu_bits_retract64(entry, v);
    uiommu_amd_to_device(hw, entry, sizeof(*entry));
}

/* One root for another, in one store where the host has such: else by way of none, never half of
 * one and half of the other. */
static void replace(struct uiommu_amd *hw, volatile uint64_t *entry, uint64_t v)
{
    if (sizeof(uintptr_t) < sizeof(uint64_t))
        uiommu_amd_gcr3_store(hw, entry, 0);
    uiommu_amd_gcr3_store(hw, entry, v);
}

/* A zeroed node below an entry, in one store. */
static uiommu_err node_get(struct uiommu_amd *hw, struct uiommu_mem *node, void *above,
                           uint32_t index)
{
    volatile uint64_t *entry = (volatile uint64_t *)above + index;
    struct uiommu_mem mem = *node;
    uintptr_t state;
    uiommu_err err;

    if (mem.cpu != NULL)
        return UIOMMU_OK;
    err = uiommu_amd_mem_get(hw, AMD_GCR3_NODE_BYTES, AMD_GCR3_NODE_BYTES, &mem);
    if (err != UIOMMU_OK)
        return err;
    state = uiommu_unit_lock(hw->unit);
    *node = mem;
    uiommu_amd_gcr3_store(hw, entry, uiommu_amd_gcr3_entry(mem.bus));
    uiommu_unit_unlock(hw->unit, state);
    return UIOMMU_OK;
}

/* The nodes on the way to a slot. */
static uiommu_err path_get(struct uiommu_amd *hw, struct amd_device *dev, uint32_t slot)
{
    uint32_t leaf = slot >> AMD_GCR3_LOG2, middle = slot >> (2u * AMD_GCR3_LOG2);
    struct uiommu_mem *node;
    void *above = dev->root.cpu;
    uiommu_err err;

    if (dev->levels == 1)
        return UIOMMU_OK;
    if (dev->levels == 3) {
        err = node_get(hw, &dev->middle[middle], above, middle);
        if (err != UIOMMU_OK)
            return err;
        above = dev->middle[middle].cpu;
    }
    node = uiommu_leaf_make(hw->u, &dev->leaves, leaf);
    return node == NULL ? UIOMMU_E_NOMEM : node_get(hw, node, above, leaf & INDEX);
}

uiommu_err uiommu_amd_gcr3_get(struct uiommu_amd *hw, struct amd_device *dev)
{
    uiommu_err err;

    dev->levels = (dev->pasid_bits + AMD_GCR3_LOG2 - 1u) / AMD_GCR3_LOG2;
    if (dev->levels > 1)
        dev->leaves.count = UINT32_C(1) << (dev->pasid_bits - AMD_GCR3_LOG2);
    err = uiommu_amd_mem_get(hw, AMD_GCR3_NODE_BYTES, AMD_GCR3_NODE_BYTES, &dev->root);
    if (err == UIOMMU_OK)
        err = path_get(hw, dev, slot_of(UIOMMU_PASID_NONE));
    if (err == UIOMMU_OK)
        uiommu_amd_gcr3_store(hw, uiommu_amd_gcr3_at(dev, UIOMMU_PASID_NONE),
                              uiommu_amd_gcr3_entry(hw->quiet.bus));
    return err;
}

void uiommu_amd_gcr3_put(struct uiommu_amd *hw, struct amd_device *dev)
{
    uint32_t i;

    uiommu_amd_mem_put(hw, &dev->root);
    if (dev->levels > 1)
        uiommu_leaves_fini(hw->u, &dev->leaves);
    for (i = 0; i < sizeof(dev->middle) / sizeof(dev->middle[0]); i++)
        uiommu_amd_mem_put(hw, &dev->middle[i]);
}

uint32_t uiommu_amd_va_bits(const struct uiommu_amd *hw)
{
    return (hw->config.flags & UIOMMU_AMD_FIVE_LEVEL) != 0 ? 57 : 48;
}

/* The depth is the device table's, one for all PASIDs of a device: the unit's config decides. */
static uiommu_err first_check(const struct uiommu_amd *hw, const struct amd_device *dev,
                              uint32_t pasid, const struct uiommu_root *root)
{
    if (!hw->f.guest || (pasid == UIOMMU_PASID_NONE && !hw->f.gio))
        return UIOMMU_E_UNSUPPORTED;
    if (root->under.format != 0 || root->format != UIOMMU_ROOT_X86_64 || root->granule_bits != 12 ||
        root->va_bits != uiommu_amd_va_bits(hw))
        return UIOMMU_E_UNSUPPORTED;
    if ((root->table & ~uiommu_bits_mask(AMD_GCR3_ADDRESS)) != 0 || root->table > hw->limit)
        return UIOMMU_E_UNSUPPORTED;
    return dev->host.mode != 0 ? UIOMMU_E_BUSY : UIOMMU_OK;
}

uiommu_err uiommu_amd_root_check(void *ctx, void *dev_ctx, uint32_t pasid,
                                 const struct uiommu_root *root)
{
    const struct uiommu_amd *hw = ctx;
    const struct amd_device *dev = dev_ctx;
    uintptr_t state = uiommu_unit_lock(hw->unit);
    uiommu_err err = uiommu_amd_is_host(root) ? uiommu_amd_host_check(hw, dev, pasid, root)
                                              : first_check(hw, dev, pasid, root);

    uiommu_unit_unlock(hw->unit, state);
    return err;
}

uiommu_err uiommu_amd_pasid_prepare(void *ctx, void *dev_ctx, uint32_t pasid)
{
    struct amd_device *dev = dev_ctx;

    if (pasid == 0 || (slot_of(pasid) >> dev->pasid_bits) != 0)
        return UIOMMU_E_RANGE;
    return path_get(ctx, dev, slot_of(pasid));
}

/* One store makes it live; the core's INVALIDATE_IOMMU_PAGES follows. Hardware tags by the device's
 * own domain and the PASID. After a host table the device's entry still blocks: it is opened on the
 * way. */
static uiommu_err first_set(struct uiommu_amd *hw, struct amd_device *dev, uint32_t pasid,
                            const struct uiommu_root *root, uint32_t step)
{
    volatile uint64_t *entry = uiommu_amd_gcr3_at(dev, pasid);
    uint64_t now, want = uiommu_amd_gcr3_entry(root->table);
    uint64_t quiet = uiommu_amd_gcr3_entry(hw->quiet.bus);
    uiommu_err err = first_check(hw, dev, pasid, root);

    if (err != UIOMMU_OK)
        return err == UIOMMU_E_BUSY ? UIOMMU_E_STATE : err;
    if (entry == NULL)
        return UIOMMU_E_INVALID;
    err = uiommu_amd_device_sync(hw, dev, step);
    if (err != UIOMMU_OK)
        return err;
    now = uiommu_bits_load64(entry);
    if (now != 0 && now != want && (pasid != UIOMMU_PASID_NONE || now != quiet))
        return UIOMMU_E_STATE;
    if (now == 0 && pasid != UIOMMU_PASID_NONE)
        dev->pasids++;
    replace(hw, entry, want);
    return UIOMMU_OK;
}

uiommu_err uiommu_amd_pasid_set(void *ctx, void *dev_ctx, uint32_t pasid,
                                const struct uiommu_root *root, uint32_t tag, uint32_t step)
{
    (void)tag;
    if (!uiommu_amd_is_host(root))
        return first_set(ctx, dev_ctx, pasid, root, step);
    return pasid == UIOMMU_PASID_NONE ? uiommu_amd_host_set(ctx, dev_ctx, root, step)
                                      : UIOMMU_E_UNSUPPORTED;
}

void uiommu_amd_pasid_block(void *ctx, void *dev_ctx, uint32_t pasid)
{
    struct uiommu_amd *hw = ctx;
    struct amd_device *dev = dev_ctx;
    volatile uint64_t *entry = uiommu_amd_gcr3_at(dev, pasid);
    uint64_t want = uiommu_amd_gcr3_entry(hw->quiet.bus);

    if (pasid == UIOMMU_PASID_NONE && dev->host.mode != 0) {
        uiommu_amd_host_block(hw, dev);
        return;
    }
    if (entry == NULL || (uiommu_bits_load64(entry) & AMD_GCR3_VALID) == 0 ||
        uiommu_bits_load64(entry) == want)
        return;
    replace(hw, entry, want);
}

/* Untagged traffic goes back to its quiet entry: an invalid one would mean an event for every
 * access. */
void uiommu_amd_pasid_clear(void *ctx, void *dev_ctx, uint32_t pasid)
{
    struct amd_device *dev = dev_ctx;
    volatile uint64_t *entry = uiommu_amd_gcr3_at(dev, pasid);

    if (entry == NULL)
        return;
    if (pasid == UIOMMU_PASID_NONE && dev->host.mode != 0) {
        uiommu_amd_host_clear(ctx, dev);
    } else if (pasid == UIOMMU_PASID_NONE) {
        uiommu_amd_pasid_block(ctx, dev, pasid);
    } else {
        if (uiommu_bits_load64(entry) != 0)
            dev->pasids--;
        uiommu_amd_gcr3_store(ctx, entry, 0);
    }
}
