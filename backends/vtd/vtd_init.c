/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Registers, and the order in which a unit is switched on and off (sheet 4, 18).
 *
 * Switched off, VT-d lets everything through. So once it translates it is never switched off
 * before destroy(): start() takes a unit over by changing the tables under it, stop() and
 * restart() leave translation on.
 */
#include "vtd_internal.h"

/* What an index read says is there is loaded after it (13). */
uint32_t uiommu_vtd_read(const struct uiommu_vtd *hw, uint32_t offset)
{
    uint32_t value = hw->host->mmio_read32(hw->host->ctx, hw->config.base + offset);

    uiommu_fence_dma_load();
    return value;
}

uint64_t uiommu_vtd_read64(const struct uiommu_vtd *hw, uint32_t offset)
{
    uint64_t value = hw->host->mmio_read64(hw->host->ctx, hw->config.base + offset);

    uiommu_fence_dma_load();
    return value;
}

/* An index or address written hands over memory: all loads and stores of it are done before. */
void uiommu_vtd_write(const struct uiommu_vtd *hw, uint32_t offset, uint32_t value)
{
    uiommu_fence_dma();
    hw->host->mmio_write32(hw->host->ctx, hw->config.base + offset, value);
}

void uiommu_vtd_write64(const struct uiommu_vtd *hw, uint32_t offset, uint64_t value)
{
    uiommu_fence_dma();
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

/* A command of which status is to become the value. Without that it may still be under way. */
static uiommu_err command_ends(struct uiommu_vtd *hw, uint32_t offset, uint32_t mask,
                               uint32_t value)
{
    uiommu_err err = settle(hw, offset, mask, value);

    hw->overdue.offset = offset;
    hw->overdue.mask = err == UIOMMU_OK ? 0 : mask;
    hw->overdue.value = value;
    hw->overdue.iqa = uiommu_vtd_read64(hw, VTD_IQA);
    return err;
}

/* One command at a time (sheet 1): until one that was overdue has ended none is given, and what it
 * is about stays as it is. */
uiommu_err uiommu_vtd_settled(struct uiommu_vtd *hw)
{
    const struct vtd_overdue *late = &hw->overdue;

    if (late->mask == 0)
        return UIOMMU_OK;
    if (uiommu_vtd_read64(hw, VTD_IQA) != late->iqa) {
        hw->overdue.mask = 0;
        return UIOMMU_OK;
    }
    return command_ends(hw, late->offset, late->mask, late->value);
}

/*
 * One bit of GCMD; all others as they are, interrupt remapping's too, but for the one-shot ones,
 * which would act again. WBF ends by going back to 0, everything else by following.
 */
uiommu_err uiommu_vtd_command(struct uiommu_vtd *hw, uint32_t bit, bool on)
{
    uiommu_err err = uiommu_vtd_settled(hw);
    uint32_t status = uiommu_vtd_read(hw, VTD_GSTS), value = status & VTD_GCMD_KEEP;

    if (status == UINT32_MAX)
        return UIOMMU_E_HW;
    if (err != UIOMMU_OK)
        return err;
    uiommu_vtd_write(hw, VTD_GCMD, on ? value | bit : value & ~bit);
    return command_ends(hw, VTD_GSTS, bit, on && bit != VTD_GCMD_WBF ? bit : 0);
}

/* Latch a root table, or the mode that aborts everything. What second stages make of two bits of
 * their entries must not change while translating, unless hardware flushes with it (4). */
static uiommu_err latch(struct uiommu_vtd *hw, uint64_t bus, uint64_t mode)
{
    const uint64_t bits = UINT64_C(0x80);
    uint64_t value = bus | uiommu_bits_make(VTD_RTADDR_TTM, mode);
    uiommu_err err = uiommu_vtd_settled(hw);

    if (err != UIOMMU_OK)
        return err;
    if (!hw->f.esrtps && (uiommu_vtd_read(hw, VTD_GSTS) & VTD_GCMD_TE) != 0)
        value |= uiommu_vtd_read64(hw, VTD_RTADDR) & bits;
    uiommu_vtd_write64(hw, VTD_RTADDR, value);
    return uiommu_vtd_command(hw, VTD_GCMD_SRTP, true);
}

/* Protected memory regions that firmware left on would block what the tables allow. */
static uiommu_err regions_off(struct uiommu_vtd *hw)
{
    uint64_t cap = uiommu_vtd_read64(hw, VTD_CAP);
    uint32_t value;

    if (uiommu_bits_get(cap, VTD_CAP_PLMR) == 0 && uiommu_bits_get(cap, VTD_CAP_PHMR) == 0)
        return UIOMMU_OK;
    value = uiommu_vtd_read(hw, VTD_PMEN);
    if ((value & (VTD_PMEN_EPM | VTD_PMEN_PRS)) == 0)
        return UIOMMU_OK;
    uiommu_vtd_write(hw, VTD_PMEN, value & ~VTD_PMEN_EPM);
    return command_ends(hw, VTD_PMEN, VTD_PMEN_PRS, 0);
}

/* Our root table under the unit, whatever it walked before, and no cache of before. Hardware may
 * flush by itself (ESRTPS); the descriptors are few. It may have the table as soon as it is told,
 * in time or not. */
static uiommu_err root_on(struct uiommu_vtd *hw)
{
    uiommu_err err;

    hw->rooted = true;
    err = latch(hw, hw->root.bus, VTD_TTM_SCALABLE);
    return err == UIOMMU_OK ? uiommu_vtd_flush_all(hw) : err;
}

static uiommu_err translation_on(struct uiommu_vtd *hw)
{
    uiommu_err err = UIOMMU_OK;

    if (hw->f.write_buffer)
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

/* Whatever the registers hold. The page request queue is set before an entry that allows page
 * requests can be met (11.6): before our tables are, unless they are still empty. */
static uiommu_err enable(struct uiommu_vtd *hw, bool empty)
{
    uiommu_err err = uiommu_vtd_takeover(hw);

    if (err == UIOMMU_OK)
        err = uiommu_vtd_queue_on(hw);
    if (err == UIOMMU_OK && hw->f.pri && !empty)
        uiommu_vtd_prq_on(hw);
    if (err == UIOMMU_OK)
        err = root_on(hw);
    if (err == UIOMMU_OK && hw->f.pri && empty)
        uiommu_vtd_prq_on(hw);
    if (err == UIOMMU_OK)
        err = translation_on(hw);
    if (err == UIOMMU_OK)
        err = regions_off(hw);
    if (err == UIOMMU_OK && empty)
        uiommu_vtd_faults_clear(hw);
    if (err == UIOMMU_OK)
        uiommu_vtd_events_on(hw);
    if (err == UIOMMU_OK)
        set_open(hw, true);
    return err;
}

/* Messages and the queue off; tickets of before are failed. Translation goes on. */
static void disable(struct uiommu_vtd *hw)
{
    uintptr_t state;

    set_open(hw, false);
    uiommu_vtd_events_off(hw);
    (void)uiommu_vtd_queue_off(hw);
    state = uiommu_unit_lock(hw->unit);
    uiommu_vtd_drop(hw);
    uiommu_unit_unlock(hw->unit, state);
    hw->running = false;
}

/* After an error hardware may have the memory, or be about to: then it stays until destroy(). */
uiommu_err uiommu_vtd_start(void *ctx)
{
    struct uiommu_vtd *hw = ctx;
    bool before = hw->rooted;
    uiommu_err err = uiommu_vtd_memory_get(hw);

    hw->gone = false;
    if (err == UIOMMU_OK) {
        err = enable(hw, true);
        if (err != UIOMMU_OK)
            uiommu_vtd_stop(hw);
    }
    if (err != UIOMMU_OK && !before && hw->overdue.mask == 0 &&
        (uiommu_vtd_read(hw, VTD_GSTS) & VTD_GCMD_TE) == 0)
        hw->rooted = false;
    if (err != UIOMMU_OK && !hw->rooted && !hw->held)
        uiommu_vtd_memory_forget(hw, false);
    return err;
}

/* The tables go on saying what devices reach; page requests go on into the ring, as long as there
 * is room in it. */
void uiommu_vtd_stop(void *ctx)
{
    struct uiommu_vtd *hw = ctx;

    if (hw->running)
        disable(hw);
}

/* What only a failed restart called dead may work by now: it is waited for before it goes off. */
uiommu_err uiommu_vtd_restart(void *ctx)
{
    struct uiommu_vtd *hw = ctx;
    uintptr_t state;
    uiommu_err err;

    set_open(hw, false);
    hw->gone = false;
    state = uiommu_unit_lock(hw->unit);
    hw->iq.dead = hw->iq.dead && !hw->unsure;
    uiommu_unit_unlock(hw->unit, state);
    err = enable(hw, false);
    state = uiommu_unit_lock(hw->unit);
    hw->unsure = err != UIOMMU_OK && !hw->iq.dead;
    hw->iq.dead = hw->iq.dead || err != UIOMMU_OK;
    uiommu_unit_unlock(hw->unit, state);
    return err;
}

/*
 * Hardware gives up the tables: by the mode that aborts everything, which needs none, where it can
 * be chosen while translating; else by no translation, as if the unit had never been started.
 */
static uiommu_err let_go(struct uiommu_vtd *hw)
{
    uiommu_err err = uiommu_vtd_settled(hw);
    uint32_t status = uiommu_vtd_read(hw, VTD_GSTS);

    if (status == UINT32_MAX)
        return UIOMMU_OK;
    if (err != UIOMMU_OK || (status & VTD_GCMD_TE) == 0)
        return err;
    if (hw->f.esrtps && hw->f.abort_mode)
        return latch(hw, 0, VTD_TTM_ABORT);
    return uiommu_vtd_command(hw, VTD_GCMD_TE, false);
}

/* Memory that hardware may still use is never given back. */
void uiommu_vtd_destroy(void *ctx)
{
    struct uiommu_vtd *hw = ctx;
    bool used = hw->rooted && let_go(hw) != UIOMMU_OK;

    if (hw->rooted && !used && hw->f.pri)
        uiommu_vtd_prq_off(hw);
    uiommu_vtd_memory_forget(hw, used || hw->held);
    uiommu_heap_put(hw->u, hw, sizeof(*hw));
}
