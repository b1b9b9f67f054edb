/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Registers, and the order in which a unit is switched on and off (sheet 4, 18).
 *
 * Switched off, VT-d lets everything through. So once it translates it is never switched off
 * before destroy(): start() takes a unit over by changing the tables under it, restart() leaves
 * translation on, and stop() leaves an empty root table, or the mode that aborts all DMA.
 */
#include "vtd_internal.h"

uint32_t uiommu_vtd_read(const struct uiommu_vtd *hw, uint32_t offset)
{
    return hw->host->mmio_read32(hw->host->ctx, hw->config.base + offset);
}

uint64_t uiommu_vtd_read64(const struct uiommu_vtd *hw, uint32_t offset)
{
    return hw->host->mmio_read64(hw->host->ctx, hw->config.base + offset);
}

void uiommu_vtd_write(const struct uiommu_vtd *hw, uint32_t offset, uint32_t value)
{
    hw->host->mmio_write32(hw->host->ctx, hw->config.base + offset, value);
}

void uiommu_vtd_write64(const struct uiommu_vtd *hw, uint32_t offset, uint64_t value)
{
    hw->host->mmio_write64(hw->host->ctx, hw->config.base + offset, value);
}

uint64_t uiommu_vtd_timeout_ns(const struct uiommu_vtd *hw)
{
    uint64_t ns = hw->config.unit.command_ns;

    return ns != 0 ? ns : UINT64_C(1000000000);
}

/* Wait until a register has the value under the mask. */
static uiommu_err settle(const struct uiommu_vtd *hw, uint32_t offset, uint32_t mask,
                         uint32_t value)
{
    struct uiommu_wait wait = uiommu_wait_begin(hw->host, uiommu_vtd_timeout_ns(hw));
    bool more = true;

    while ((uiommu_vtd_read(hw, offset) & mask) != value) {
        if (!more)
            return UIOMMU_E_TIMEOUT;
        more = uiommu_wait_more(&wait);
    }
    return UIOMMU_OK;
}

/*
 * One bit of GCMD; all others as they are, interrupt remapping's too, but for the one-shot ones,
 * which would act again. WBF ends by going back to 0, everything else by following.
 */
uiommu_err uiommu_vtd_command(const struct uiommu_vtd *hw, uint32_t bit, bool on)
{
    uint32_t status = uiommu_vtd_read(hw, VTD_GSTS), value = status & VTD_GCMD_KEEP;

    if (status == UINT32_MAX)
        return UIOMMU_E_HW;
    uiommu_vtd_write(hw, VTD_GCMD, on ? value | bit : value & ~bit);
    return settle(hw, VTD_GSTS, bit, on && bit != VTD_GCMD_WBF ? bit : 0);
}

/* Latch a root table, or the mode that aborts everything. What second stages make of two bits of
 * their entries must not change while translating, unless hardware flushes with it (4). */
static uiommu_err latch(struct uiommu_vtd *hw, uint64_t bus, uint64_t mode)
{
    const uint64_t bits = UINT64_C(0x80);
    uint64_t value = bus | uiommu_bits_make(VTD_RTADDR_TTM, mode);

    if (!hw->f.esrtps && (uiommu_vtd_read(hw, VTD_GSTS) & VTD_GCMD_TE) != 0)
        value |= uiommu_vtd_read64(hw, VTD_RTADDR) & bits;
    uiommu_fence_dma_store();
    uiommu_vtd_write64(hw, VTD_RTADDR, value);
    return uiommu_vtd_command(hw, VTD_GCMD_SRTP, true);
}

/* Protected memory regions that firmware left on would block what the tables allow. */
static uiommu_err regions_off(const struct uiommu_vtd *hw)
{
    uint64_t cap = uiommu_vtd_read64(hw, VTD_CAP);
    uint32_t value;

    if (uiommu_bits_get(cap, VTD_CAP_PLMR) == 0 && uiommu_bits_get(cap, VTD_CAP_PHMR) == 0)
        return UIOMMU_OK;
    value = uiommu_vtd_read(hw, VTD_PMEN);
    if ((value & (VTD_PMEN_EPM | VTD_PMEN_PRS)) == 0)
        return UIOMMU_OK;
    uiommu_vtd_write(hw, VTD_PMEN, value & ~VTD_PMEN_EPM);
    return settle(hw, VTD_PMEN, VTD_PMEN_PRS, 0);
}

/* Our root table under the unit, whatever it did before, and no cache of before. Hardware may
 * flush by itself (ESRTPS); the descriptors are few. */
static uiommu_err tables_on(struct uiommu_vtd *hw)
{
    uiommu_err err = latch(hw, hw->root.bus, VTD_TTM_SCALABLE);

    if (err == UIOMMU_OK)
        hw->rooted = true;
    if (err == UIOMMU_OK)
        err = uiommu_vtd_flush_all(hw);
    if (err == UIOMMU_OK && hw->f.write_buffer)
        err = uiommu_vtd_command(hw, VTD_GCMD_WBF, true);
    if (err == UIOMMU_OK && (uiommu_vtd_read(hw, VTD_GSTS) & VTD_GCMD_TE) == 0)
        err = uiommu_vtd_command(hw, VTD_GCMD_TE, true);
    return err;
}

static void set_open(struct uiommu_vtd *hw, bool open)
{
    uintptr_t state = uiommu_unit_lock(hw->unit);

    hw->iq.open = open;
    uiommu_unit_unlock(hw->unit, state);
}

/*
 * Everything blocked, no cache left, the queues off. In the mode that aborts, or without
 * translation, hardware needs no memory; else it keeps the root table.
 */
static uiommu_err shut(struct uiommu_vtd *hw)
{
    uiommu_err err = UIOMMU_OK, off;

    uiommu_vtd_events_off(hw);
    if (hw->rooted) {
        uiommu_vtd_root_clear(hw);
        err = uiommu_vtd_flush_all(hw);
        if (err != UIOMMU_OK && hw->f.esrtps)
            err = latch(hw, hw->root.bus, VTD_TTM_SCALABLE);
    }
    if (err == UIOMMU_OK && hw->rooted && hw->f.esrtps && hw->f.abort_mode) {
        err = latch(hw, 0, VTD_TTM_ABORT);
        hw->rooted = err != UIOMMU_OK;
    }
    if (err == UIOMMU_OK && hw->f.pri)
        uiommu_vtd_prq_off(hw);
    off = uiommu_vtd_queue_off(hw);
    return err == UIOMMU_OK ? off : err;
}

/* Memory that hardware may still use is never given back. */
static void release(struct uiommu_vtd *hw)
{
    uintptr_t state;

    set_open(hw, false);
    hw->withheld = shut(hw) != UIOMMU_OK;
    if (hw->iq.tickets != NULL) {
        state = uiommu_unit_lock(hw->unit);
        uiommu_vtd_drop(hw);
        uiommu_unit_unlock(hw->unit, state);
    }
    if (!hw->withheld)
        uiommu_vtd_memory_put(hw);
}

uiommu_err uiommu_vtd_start(void *ctx)
{
    struct uiommu_vtd *hw = ctx;
    uiommu_err err = uiommu_vtd_memory_get(hw);

    if (err == UIOMMU_OK) {
        uiommu_vtd_root_clear(hw);
        hw->gone = false;
        err = uiommu_vtd_takeover(hw);
    }
    if (err != UIOMMU_OK) { /* Hardware knows nothing of the memory, or knew it before. */
        if (!hw->withheld)
            uiommu_vtd_memory_put(hw);
        return err;
    }
    err = uiommu_vtd_queue_on(hw);
    if (err == UIOMMU_OK)
        err = tables_on(hw);
    if (err == UIOMMU_OK)
        err = regions_off(hw);
    if (err != UIOMMU_OK) {
        release(hw);
        return err;
    }
    uiommu_vtd_faults_clear(hw);
    if (hw->f.pri)
        uiommu_vtd_prq_on(hw);
    uiommu_vtd_events_on(hw);
    hw->withheld = false;
    set_open(hw, true);
    return UIOMMU_OK;
}

/* The core has detached every device: all entries block already. */
void uiommu_vtd_stop(void *ctx)
{
    release(ctx);
}

/* The page request queue stays where it is: moving it while an entry allows page requests is not
 * allowed (11.6). What is in it goes. */
uiommu_err uiommu_vtd_restart(void *ctx)
{
    struct uiommu_vtd *hw = ctx;
    uintptr_t state;
    uiommu_err err;

    set_open(hw, false);
    uiommu_vtd_events_off(hw);
    hw->gone = false;
    err = uiommu_vtd_queue_off(hw);
    if (hw->f.pri)
        uiommu_vtd_prq_discard(hw);
    if (err == UIOMMU_OK)
        err = uiommu_vtd_queue_on(hw);
    if (err == UIOMMU_OK)
        err = tables_on(hw);
    if (err != UIOMMU_OK) {
        state = uiommu_unit_lock(hw->unit);
        hw->iq.dead = true;
        uiommu_unit_unlock(hw->unit, state);
        return err;
    }
    uiommu_vtd_events_on(hw);
    set_open(hw, true);
    return UIOMMU_OK;
}

/* The last of the memory is an empty root table that blocks. Without it there is no way to block:
 * the unit is as if never started. */
void uiommu_vtd_destroy(void *ctx)
{
    struct uiommu_vtd *hw = ctx;

    if (hw->rooted && !hw->withheld && uiommu_vtd_command(hw, VTD_GCMD_TE, false) == UIOMMU_OK)
        uiommu_vtd_mem_put(hw, &hw->root);
    uiommu_heap_put(hw->u, hw, sizeof(*hw));
}
