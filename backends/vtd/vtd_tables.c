/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Root table, context tables and devices (sheet 7.2, 7.3, 9.2).
 *
 * Half a bus has a context table once a device on it is attached. Of a context entry only the
 * first word is ever used (RID_PASID is 0), so that every change of it is one store: open, shut,
 * ATS and page requests together. Shut it has P=0 and FPD=1: everything is refused, page requests
 * with an Invalid Request, and nothing is recorded.
 */
#include "vtd_internal.h"

uint64_t uiommu_vtd_root_word(uint64_t bus)
{
    return bus | uiommu_bits_make(VTD_P, 1);
}

/* What makes something valid: seen after all that was stored before. */
void uiommu_vtd_publish(const struct uiommu_vtd *hw, volatile uint64_t *word, uint64_t v)
{
    uiommu_fence_dma_store();
    uiommu_bits_publish64(word, v);
    uiommu_vtd_to_device(hw, word, sizeof(*word));
}

/* NULL: there is no table for it yet, or the ID is too wide. */
volatile uint64_t *uiommu_vtd_context_at(const struct uiommu_vtd *hw, uint32_t id)
{
    uint32_t half = id >> VTD_HALF_LOG2, slot = id & ((UINT32_C(1) << VTD_HALF_LOG2) - 1u);

    if ((id >> hw->id_bits) != 0 || hw->context == NULL || hw->context[half].cpu == NULL)
        return NULL;
    return (volatile uint64_t *)hw->context[half].cpu + (size_t)slot * VTD_CONTEXT_WORDS;
}

/* Hardware may have cached that there is none: the core's first config_invalidate() of the device
 * covers that. */
static uiommu_err half_get(struct uiommu_vtd *hw, uint32_t id)
{
    uint32_t half = id >> VTD_HALF_LOG2;
    volatile uint64_t *word = (volatile uint64_t *)hw->root.cpu + half;
    struct uiommu_mem mem = hw->context[half];
    uintptr_t state;
    uiommu_err err;

    if (mem.cpu != NULL)
        return UIOMMU_OK;
    err = uiommu_vtd_mem_get(hw, VTD_PAGE, VTD_PAGE, &mem);
    if (err != UIOMMU_OK)
        return err;
    state = uiommu_unit_lock(hw->unit);
    hw->context[half] = mem;
    uiommu_vtd_publish(hw, word, uiommu_vtd_root_word(mem.bus));
    uiommu_unit_unlock(hw->unit, state);
    return UIOMMU_OK;
}

/* Word 0 of an open entry; the others are 0. Page requests without ATS would be illegal (43). */
uint64_t uiommu_vtd_context_word(const struct vtd_device *dev, uint32_t set)
{
    bool ats = (set & UIOMMU_DEVICE_SET_ATS) != 0;
    bool pri = ats && (dev->flags & UIOMMU_DEVICE_PRI) != 0;

    return uiommu_bits_make(VTD_P, 1) | uiommu_bits_make(VTD_CTX_DTE, ats) |
           uiommu_bits_make(VTD_CTX_PASIDE, dev->pasid_bits != 0) |
           uiommu_bits_make(VTD_CTX_PRE, pri) | uiommu_bits_make(VTD_CTX_PDTS, dev->pdts) |
           dev->directory.bus;
}

static uiommu_err attach_check(const struct uiommu_vtd *hw, const struct uiommu_device_desc *desc)
{
    if ((desc->flags & UIOMMU_DEVICE_STALL) != 0 ||
        ((desc->flags & UIOMMU_DEVICE_ATS) != 0 && !hw->f.ats) ||
        ((desc->flags & UIOMMU_DEVICE_PRI) != 0 && !hw->f.pri))
        return UIOMMU_E_UNSUPPORTED;
    /* A barrier needs most: one for each ID, fences, the wait, and the slot that stays free. */
    if (desc->id_count > (UINT32_C(1) << hw->iq.log2) - 8u)
        return UIOMMU_E_UNSUPPORTED;
    if (desc->pasid_bits > hw->f.pasid_bits)
        return UIOMMU_E_RANGE;
    return UIOMMU_OK;
}

static void device_free(struct uiommu_vtd *hw, struct vtd_device *dev)
{
    uiommu_vtd_directory_put(hw, dev);
    uiommu_requester_fini(hw->u, &hw->devices, &dev->who);
    uiommu_heap_put(hw->u, dev, sizeof(*dev));
}

static uiommu_err device_new(struct uiommu_vtd *hw, const struct uiommu_device_desc *desc,
                             struct vtd_device **out)
{
    struct vtd_device *dev = uiommu_heap_get(hw->u, sizeof(*dev));
    uiommu_err err;

    if (dev == NULL)
        return UIOMMU_E_NOMEM;
    dev->flags = desc->flags;
    dev->pasid_bits = desc->pasid_bits;
    dev->depth = desc->ats_depth == 0 ? 1u : desc->ats_depth & 31u;
    dev->pf_id = desc->pf_id;
    err = uiommu_requester_init(hw->u, &hw->devices, desc, hw->id_bits, &dev->who);
    if (err != UIOMMU_OK)
        uiommu_heap_put(hw->u, dev, sizeof(*dev));
    else
        *out = dev;
    return err;
}

/* The entries stay as they are: absent since their table was made, or shut. */
uiommu_err uiommu_vtd_device_attach(void *ctx, const struct uiommu_device_desc *desc, void **out)
{
    struct uiommu_vtd *hw = ctx;
    struct vtd_device *dev;
    uiommu_err err = attach_check(hw, desc);
    uintptr_t state;
    uint32_t i;

    if (err == UIOMMU_OK)
        err = device_new(hw, desc, &dev);
    if (err != UIOMMU_OK)
        return err;
    err = uiommu_vtd_directory_get(hw, dev);
    for (i = 0; err == UIOMMU_OK && i < dev->who.id_count; i++)
        err = half_get(hw, dev->who.ids[i]); /* Stays if a later step fails: it blocks. */
    if (err != UIOMMU_OK) {
        device_free(hw, dev);
        return err;
    }
    state = uiommu_unit_lock(hw->unit);
    uiommu_requester_add(&hw->devices, &dev->who);
    uiommu_unit_unlock(hw->unit, state);
    *out = dev;
    return UIOMMU_OK;
}

void uiommu_vtd_device_detach(void *ctx, void *dev_ctx)
{
    struct uiommu_vtd *hw = ctx;
    struct vtd_device *dev = dev_ctx;
    uintptr_t state = uiommu_unit_lock(hw->unit);

    uiommu_requester_remove(&hw->devices, &dev->who);
    uiommu_unit_unlock(hw->unit, state);
    device_free(hw, dev);
}

/* The rest stays intact until the invalidations are done; page requests go off with it. */
static void entry_shut(struct uiommu_vtd *hw, volatile uint64_t *entry)
{
    uint64_t off = uiommu_bits_mask(VTD_P) | uiommu_bits_mask(VTD_CTX_PRE);
    uint64_t word = uiommu_bits_load64(&entry[0]);

    uiommu_bits_retract64(&entry[0], (word & ~off) | uiommu_bits_make(VTD_FPD, 1));
    uiommu_vtd_to_device(hw, entry, sizeof(*entry));
}

/* @return whether another device's entry was shut first and has to be invalidated. */
static bool entry_open(struct uiommu_vtd *hw, volatile uint64_t *entry, uint64_t want)
{
    uint64_t now = uiommu_bits_load64(&entry[0]);
    bool live = uiommu_bits_get(now, VTD_P) != 0;
    uint32_t i;

    if (live && ((now ^ want) & uiommu_bits_mask(VTD_TABLE)) != 0) {
        entry_shut(hw, entry);
        return true;
    }
    for (i = 1; !live && i < VTD_CONTEXT_WORDS; i++)
        uiommu_bits_store64(&entry[i], 0);
    uiommu_vtd_to_device(hw, entry, VTD_CONTEXT_WORDS * sizeof(*entry));
    uiommu_vtd_publish(hw, entry, want);
    return false;
}

uiommu_err uiommu_vtd_device_set(void *ctx, void *dev_ctx, uint32_t flags, uint32_t step)
{
    struct uiommu_vtd *hw = ctx;
    struct vtd_device *dev = dev_ctx;
    volatile uint64_t *entry;
    bool more = false;
    uint32_t i;

    (void)step;
    if ((flags & UIOMMU_DEVICE_SET_ATS) != 0 && !hw->f.ats)
        return UIOMMU_E_UNSUPPORTED;
    dev->set = flags;
    for (i = 0; i < dev->who.id_count; i++) {
        entry = uiommu_vtd_context_at(hw, dev->who.ids[i]);
        if (entry == NULL)
            return UIOMMU_E_INTERNAL;
        if ((flags & UIOMMU_DEVICE_SET_OPEN) == 0)
            entry_shut(hw, entry);
        else if (entry_open(hw, entry, uiommu_vtd_context_word(dev, flags)))
            more = true;
    }
    return more ? UIOMMU_MORE : UIOMMU_OK;
}

/* PRE=0 keeps its page requests out of the queue (PROTOCOL R30), P=0 everything else of it too.
 * Its device TLB can still be invalidated. */
uiommu_err uiommu_vtd_device_isolate(void *ctx, void *dev_ctx)
{
    const struct vtd_device *dev = dev_ctx;

    return uiommu_vtd_device_set(ctx, dev_ctx, dev->set & ~UIOMMU_DEVICE_SET_OPEN, 0);
}
