/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * PASID directories and tables (sheet 7.4, 7.5, 9.2). One directory for all IDs of a device.
 *
 * An entry is made valid by word 0 alone, after its other words; hardware that does not cache
 * absent entries needs nothing between. Made invalid, it keeps its other words, the DID among
 * them, until the next set: invalidations need it, and a walk may still be reading.
 * Entry 0 is untagged traffic's; with nothing bound to it it refuses quietly, never passes.
 */
#include "vtd_internal.h"

uint64_t uiommu_vtd_directory_word(uint64_t bus)
{
    return bus | uiommu_bits_make(VTD_P, 1);
}

/* NULL: beyond the directory, or its table was not prepared. */
volatile uint64_t *uiommu_vtd_pasid_at(const struct vtd_device *dev, uint32_t pasid)
{
    uint32_t number = pasid == UIOMMU_PASID_NONE ? 0 : pasid;
    uint32_t leaf = number >> VTD_LEAF_LOG2;
    uint32_t slot = number & ((UINT32_C(1) << VTD_LEAF_LOG2) - 1u);
    const struct uiommu_mem *mem;

    if (pasid == 0 || (number >> dev->pasid_bits) != 0)
        return NULL;
    mem = uiommu_leaf(&dev->leaves, leaf);
    return mem == NULL ? NULL : (volatile uint64_t *)mem->cpu + (size_t)slot * VTD_PASID_WORDS;
}

/* 0: none was ever set there. */
uint32_t uiommu_vtd_did_of(const struct vtd_device *dev, uint32_t pasid)
{
    volatile uint64_t *entry = uiommu_vtd_pasid_at(dev, pasid);

    return entry == NULL ? 0
                         : (uint32_t)uiommu_bits_get(uiommu_bits_load64(&entry[1]), VTD_PE1_DID);
}

/* An absent directory entry may have been cached in caching mode: config_invalidate() covers it. */
static uiommu_err leaf_get(struct uiommu_vtd *hw, struct vtd_device *dev, uint32_t i)
{
    volatile uint64_t *word = (volatile uint64_t *)dev->directory.cpu + i;
    struct uiommu_mem mem = {0}, *leaf;
    uintptr_t state;
    uiommu_err err;

    if (uiommu_leaf(&dev->leaves, i) != NULL)
        return UIOMMU_OK;
    leaf = uiommu_leaf_make(hw->u, &dev->leaves, i);
    if (leaf == NULL)
        return UIOMMU_E_NOMEM;
    err = uiommu_vtd_mem_get(hw, VTD_PAGE, VTD_PAGE, &mem);
    if (err != UIOMMU_OK)
        return err;
    if (i == 0)
        uiommu_vtd_publish(hw, mem.cpu, uiommu_bits_make(VTD_FPD, 1));
    state = uiommu_unit_lock(hw->unit);
    *leaf = mem;
    uiommu_vtd_publish(hw, word, uiommu_vtd_directory_word(mem.bus));
    uiommu_unit_unlock(hw->unit, state);
    return UIOMMU_OK;
}

/* Of so many bits those above the lowest. */
static uint32_t above(uint32_t bits, uint32_t low)
{
    return bits - (bits < low ? bits : low);
}

/* The hardware's directory has 2^(PDTS+7) entries, a page of them at least; what is beyond the
 * device's width stays absent. */
uiommu_err uiommu_vtd_directory_get(struct uiommu_vtd *hw, struct vtd_device *dev)
{
    uint64_t bytes;
    uiommu_err err;

    dev->pdts = above(dev->pasid_bits, VTD_PDTS_LOG2);
    dev->leaves.count = UINT32_C(1) << above(dev->pasid_bits, VTD_LEAF_LOG2);
    bytes = UINT64_C(1024) << dev->pdts;
    err = uiommu_vtd_mem_get(hw, bytes < VTD_PAGE ? VTD_PAGE : bytes, VTD_PAGE, &dev->directory);
    return err == UIOMMU_OK ? leaf_get(hw, dev, 0) : err;
}

void uiommu_vtd_directory_put(struct uiommu_vtd *hw, struct vtd_device *dev)
{
    uiommu_vtd_mem_put(hw, &dev->directory);
    uiommu_leaves_fini(hw->u, &dev->leaves);
}

uiommu_err uiommu_vtd_pasid_prepare(void *ctx, void *dev_ctx, uint32_t pasid)
{
    struct vtd_device *dev = dev_ctx;

    if (pasid == UIOMMU_PASID_NONE)
        return UIOMMU_OK;
    if (pasid == 0 || (pasid >> dev->pasid_bits) != 0)
        return UIOMMU_E_RANGE;
    return leaf_get(ctx, dev, pasid >> VTD_LEAF_LOG2);
}

/* A single step, which may be repeated where its invalidation did not fit in the queue. */
uiommu_err uiommu_vtd_pasid_set(void *ctx, void *dev_ctx, uint32_t pasid,
                                const struct uiommu_root *root, uint32_t tag, uint32_t step)
{
    struct uiommu_vtd *hw = ctx;
    volatile uint64_t *entry = uiommu_vtd_pasid_at(dev_ctx, pasid);
    uiommu_err err = uiommu_vtd_root_check(hw, dev_ctx, pasid, root);
    uint64_t words[VTD_PASID_WORDS];
    bool same = true;
    uint32_t i;

    (void)step;
    if (err != UIOMMU_OK)
        return err;
    if (entry == NULL || tag == 0 || tag > hw->f.did_last)
        return UIOMMU_E_INVALID;
    uiommu_vtd_pasid_build(hw, root, tag, words);
    if (uiommu_bits_get(uiommu_bits_load64(&entry[0]), VTD_P) != 0) {
        for (i = 0; i < VTD_PASID_WORDS; i++)
            same = same && uiommu_bits_load64(&entry[i]) == words[i];
        return same ? UIOMMU_OK : UIOMMU_E_STATE;
    }
    for (i = 1; i < VTD_PASID_WORDS; i++)
        uiommu_bits_store64(&entry[i], words[i]);
    uiommu_vtd_to_device(hw, entry, sizeof(words));
    uiommu_vtd_publish(hw, entry, words[0]);
    return UIOMMU_OK;
}

/* Was the entry, or is it, one that goes through a second stage? */
bool uiommu_vtd_is_second(const struct vtd_device *dev, uint32_t pasid)
{
    volatile uint64_t *entry = uiommu_vtd_pasid_at(dev, pasid);
    uint64_t type =
        entry == NULL ? 0 : uiommu_bits_get(uiommu_bits_load64(&entry[0]), VTD_PE0_PGTT);

    return type == VTD_PGTT_SECOND || type == VTD_PGTT_NESTED;
}

static void word_store(struct uiommu_vtd *hw, volatile uint64_t *entry, bool quiet)
{
    uint64_t word = uiommu_bits_load64(&entry[0]);

    word &= ~(uiommu_bits_mask(VTD_P) | uiommu_bits_mask(VTD_FPD));
    uiommu_bits_retract64(&entry[0], word | uiommu_bits_make(VTD_FPD, quiet));
    uiommu_vtd_to_device(hw, entry, sizeof(*entry));
}

/* Absent, and its faults suppressed (12.2 step 2). */
void uiommu_vtd_pasid_block(void *ctx, void *dev_ctx, uint32_t pasid)
{
    volatile uint64_t *entry = uiommu_vtd_pasid_at(dev_ctx, pasid);

    if (entry != NULL && uiommu_bits_get(uiommu_bits_load64(&entry[0]), VTD_P) != 0)
        word_store(ctx, entry, true);
}

/* Late accesses are recorded from here on, but not those of untagged traffic: there would be no
 * end of them (12.2 step 3). */
void uiommu_vtd_pasid_clear(void *ctx, void *dev_ctx, uint32_t pasid)
{
    volatile uint64_t *entry = uiommu_vtd_pasid_at(dev_ctx, pasid);

    if (entry != NULL)
        word_store(ctx, entry, pasid == UIOMMU_PASID_NONE);
}
