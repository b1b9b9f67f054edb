/* SPDX-License-Identifier: BSD-2-Clause */
/* Registers, and the order in which a unit is switched on and off (sheet section 11.1). */
#include "amd_internal.h"

/* Control bits that are this library's; all others stay as they are found. */
static uint64_t control_ours(void)
{
    static const uint32_t fields[] = {
        AMD_CTL_IOMMU_EN,    AMD_CTL_IVHD,        AMD_CTL_EVT_EN,   AMD_CTL_EVT_INT,
        AMD_CTL_WAIT_INT,    AMD_CTL_INV_TIMEOUT, AMD_CTL_PASS_PW,  AMD_CTL_RES_PASS_PW,
        AMD_CTL_COHERENT,    AMD_CTL_ISOC,        AMD_CTL_CMD_EN,   AMD_CTL_PPR_LOG_EN,
        AMD_CTL_PPR_INT,     AMD_CTL_PPR_EN,      AMD_CTL_GT_EN,    AMD_CTL_DUAL_PPR,
        AMD_CTL_DUAL_EVT,    AMD_CTL_SEGMENTS,    AMD_CTL_AUTO_RSP, AMD_CTL_BLOCK_MARKERS,
        AMD_CTL_AUTO_RSP_ON, AMD_CTL_EPH_EN,      AMD_CTL_GCR3_GPA,
    };
    uint64_t mask = 0;
    size_t i;

    for (i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
        mask |= uiommu_bits_mask(fields[i]);
    return mask;
}

uint32_t uiommu_amd_read(const struct uiommu_amd *hw, uint32_t offset)
{
    return hw->host->mmio_read32(hw->host->ctx, hw->config.base + offset);
}

void uiommu_amd_write(const struct uiommu_amd *hw, uint32_t offset, uint32_t value)
{
    hw->host->mmio_write32(hw->host->ctx, hw->config.base + offset, value);
}

void uiommu_amd_write64(const struct uiommu_amd *hw, uint32_t offset, uint64_t value)
{
    hw->host->mmio_write64(hw->host->ctx, hw->config.base + offset, value);
}

/* Under the lock: several contexts change it. */
void uiommu_amd_control(struct uiommu_amd *hw, uint64_t set, uint64_t clear)
{
    uint64_t others = hw->host->mmio_read64(hw->host->ctx, hw->config.base + AMD_CONTROL);

    hw->control = (hw->control & ~clear) | set;
    uiommu_amd_write64(hw, AMD_CONTROL, (others & ~control_ours()) | hw->control);
}

static void control_locked(struct uiommu_amd *hw, uint64_t set, uint64_t clear)
{
    uintptr_t state = uiommu_unit_lock(hw->unit);

    uiommu_amd_control(hw, set, clear);
    uiommu_unit_unlock(hw->unit, state);
}

uint64_t uiommu_amd_timeout_ns(const struct uiommu_amd *hw)
{
    uint64_t ns = hw->config.unit.command_ns;

    return ns != 0 ? ns : UINT64_C(1000000000);
}

uint64_t uiommu_amd_devtab_base(uint64_t bus)
{
    return bus | uiommu_bits_make(AMD_DEVTAB_SIZE, AMD_DTE_BYTES * AMD_DTE_ENTRIES / 4096u - 1u);
}

uint64_t uiommu_amd_ring_base(uint64_t bus, uint32_t log2)
{
    return bus | uiommu_bits_make(AMD_BASE_LEN, log2);
}

/* InvTimeOut: well below the deadline of the commands, so that a device that does not answer is
 * told from a unit that hangs. */
static uint32_t timeout_code(const struct uiommu_amd *hw)
{
    uint64_t ns = hw->config.invalidation_ns, step = UINT64_C(10000000);
    uint32_t code = 1;

    if (ns == 0)
        ns = uiommu_amd_timeout_ns(hw) >> 1;
    while (code < 6u && ns >= step) {
        code++;
        step *= 10u;
    }
    return code;
}

/* What is set before anything is enabled. Auto-responses, dual logs and segments stay off; the
 * GCR3 root is a physical address. */
uint64_t uiommu_amd_control_base(const struct uiommu_amd *hw)
{
    uint64_t ivhd = hw->config.ivhd_flags;
    uint64_t c = uiommu_bits_make(AMD_CTL_INV_TIMEOUT, timeout_code(hw)) |
                 uiommu_bits_make(AMD_CTL_IVHD, ivhd) |
                 uiommu_bits_make(AMD_CTL_PASS_PW, ivhd >> 1) |
                 uiommu_bits_make(AMD_CTL_RES_PASS_PW, ivhd >> 2) |
                 uiommu_bits_make(AMD_CTL_ISOC, ivhd >> 3);

    if ((hw->config.flags & UIOMMU_AMD_NOT_COHERENT) == 0)
        c |= uiommu_bits_mask(AMD_CTL_COHERENT);
    if (hw->f.eph)
        c |= uiommu_bits_mask(AMD_CTL_EPH_EN);
    if (hw->f.block_markers)
        c |= uiommu_bits_mask(AMD_CTL_BLOCK_MARKERS);
    return c;
}

/* Wait until the status bits under the mask are as asked for. */
static uiommu_err settle(const struct uiommu_amd *hw, uint32_t mask, uint32_t value)
{
    struct uiommu_wait wait = uiommu_wait_begin(hw->host, uiommu_amd_timeout_ns(hw));
    bool more = true;

    while ((uiommu_amd_read(hw, AMD_STATUS) & mask) != value) {
        if (!more)
            return UIOMMU_E_TIMEOUT;
        more = uiommu_wait_more(&wait);
    }
    return UIOMMU_OK;
}

/*
 * Everything but translation off, in the order of the sheet; hardware is done with rings and logs
 * after. With IommuEn off traffic would pass: it is switched off only where the table is not
 * ours yet, to replace it.
 */
static uiommu_err disable(struct uiommu_amd *hw)
{
    hw->control =
        hw->host->mmio_read64(hw->host->ctx, hw->config.base + AMD_CONTROL) & control_ours();
    control_locked(hw, 0, uiommu_bits_mask(AMD_CTL_CMD_EN));
    control_locked(hw, 0, uiommu_bits_mask(AMD_CTL_EVT_INT) | uiommu_bits_mask(AMD_CTL_WAIT_INT));
    control_locked(hw, 0, uiommu_bits_mask(AMD_CTL_EVT_EN));
    control_locked(hw, 0, uiommu_bits_mask(AMD_CTL_PPR_LOG_EN));
    control_locked(hw, 0, uiommu_bits_mask(AMD_CTL_PPR_INT));
    control_locked(hw, 0, uiommu_bits_mask(AMD_CTL_PPR_EN));
    hw->evt.on = false;
    hw->ppr.on = false;
    return settle(hw, AMD_STS_CMD_RUN | AMD_STS_EVT_RUN | AMD_STS_PPR_RUN, 0);
}

static uiommu_err wait_for(struct uiommu_amd *hw, uint64_t ticket)
{
    struct uiommu_wait wait = uiommu_wait_begin(hw->host, uiommu_amd_timeout_ns(hw));
    uiommu_err err = UIOMMU_PENDING;
    uintptr_t state;
    bool more = true;

    while (err == UIOMMU_PENDING && more) {
        more = uiommu_wait_more(&wait);
        state = uiommu_unit_lock(hw->unit);
        err = uiommu_amd_ticket_poll(hw, ticket);
        uiommu_unit_unlock(hw->unit, state);
    }
    return err == UIOMMU_PENDING ? UIOMMU_E_TIMEOUT : err;
}

static uiommu_err finish(struct uiommu_amd *hw)
{
    uint64_t ticket = 0;
    uintptr_t state = uiommu_unit_lock(hw->unit);
    uiommu_err err = uiommu_amd_cmdq_sync(hw, &ticket);

    uiommu_unit_unlock(hw->unit, state);
    return err != UIOMMU_OK ? err : wait_for(hw, ticket);
}

/* One command of the flush; what is in the ring is waited for when it is half full. */
static uiommu_err flush_put(struct uiommu_amd *hw, struct amd_command command)
{
    uintptr_t state = uiommu_unit_lock(hw->unit);
    bool half = hw->cmdq.head - hw->cmdq.done >= (UINT64_C(1) << hw->cmdq.log2) / 2u;

    uiommu_amd_cmdq_put(hw, command);
    uiommu_unit_unlock(hw->unit, state);
    return half ? finish(hw) : UIOMMU_OK;
}

/* All caches. Without INVALIDATE_ALL one by one: every entry, then every domain with all that is
 * nested in it. */
static uiommu_err flush_all(struct uiommu_amd *hw)
{
    uiommu_err err = UIOMMU_OK;
    uint32_t i;

    if (hw->f.inv_all) {
        err = flush_put(hw, uiommu_amd_cmd_inv_all());
        return err != UIOMMU_OK ? err : finish(hw);
    }
    for (i = 0; err == UIOMMU_OK && i < AMD_DTE_ENTRIES; i++)
        err = flush_put(hw, uiommu_amd_cmd_devtab(i));
    for (i = 0; err == UIOMMU_OK && i < 65536u; i++)
        err = flush_put(hw, uiommu_amd_cmd_pages(i, 0, false, NULL));
    return err != UIOMMU_OK ? err : finish(hw);
}

/* Bases are written while nothing runs; pointers too, for not every unit resets them then. */
static void write_bases(struct uiommu_amd *hw)
{
    uiommu_amd_write64(hw, AMD_DEVTAB_BASE, uiommu_amd_devtab_base(hw->devtab.bus));
    uiommu_amd_write64(hw, AMD_CMD_BASE, uiommu_amd_ring_base(hw->cmdq.mem.bus, hw->cmdq.log2));
    uiommu_amd_write(hw, AMD_CMD_HEAD, 0);
    uiommu_amd_write(hw, AMD_CMD_TAIL, 0);
    uiommu_amd_log_empty(hw, &hw->evt);
    if (hw->ppr.present)
        uiommu_amd_log_empty(hw, &hw->ppr);
}

/* A log: left-over status bits first, then the interrupt, then the log. */
static uiommu_err log_on(struct uiommu_amd *hw, struct amd_log *log)
{
    if (!log->present)
        return UIOMMU_OK;
    if (log == &hw->ppr)
        control_locked(hw, uiommu_bits_mask(AMD_CTL_PPR_EN), 0);
    uiommu_amd_log_empty(hw, log);
    uiommu_amd_write(hw, AMD_STATUS, log->overflow_bit | log->int_bit);
    if (log == &hw->ppr && (hw->config.flags & UIOMMU_AMD_POLL) == 0)
        control_locked(hw, uiommu_bits_mask(log->interrupt), 0);
    control_locked(hw, uiommu_bits_mask(log->enable), 0);
    if (log == &hw->evt && (hw->config.flags & UIOMMU_AMD_POLL) == 0)
        control_locked(hw, uiommu_bits_mask(log->interrupt), 0);
    log->on = true;
    return settle(hw, log->run_bit, log->run_bit);
}

/* From disabled to translating, with the tables as they are. */
static uiommu_err enable(struct uiommu_amd *hw)
{
    uintptr_t state = uiommu_unit_lock(hw->unit);
    uiommu_err err;

    uiommu_amd_cmdq_drop(hw);
    uiommu_amd_control(hw, 0, ~uiommu_bits_mask(AMD_CTL_IOMMU_EN));
    uiommu_amd_control(hw, uiommu_amd_control_base(hw), 0);
    uiommu_unit_unlock(hw->unit, state);
    uiommu_fence_dma_store();
    write_bases(hw);
    control_locked(hw, uiommu_bits_mask(AMD_CTL_GT_EN), 0);
    control_locked(hw, uiommu_bits_mask(AMD_CTL_CMD_EN), 0);
    hw->table_live = true;
    control_locked(hw, uiommu_bits_mask(AMD_CTL_IOMMU_EN), 0);
    err = settle(hw, AMD_STS_CMD_RUN, AMD_STS_CMD_RUN);
    if (err == UIOMMU_OK)
        err = flush_all(hw);
    if (err == UIOMMU_OK)
        err = log_on(hw, &hw->evt);
    if (err == UIOMMU_OK)
        err = log_on(hw, &hw->ppr);
    return err;
}

static void set_open(struct uiommu_amd *hw, bool open)
{
    uintptr_t state = uiommu_unit_lock(hw->unit);

    hw->cmdq.open = open;
    if (!open)
        uiommu_amd_cmdq_drop(hw);
    uiommu_unit_unlock(hw->unit, state);
}

/* Memory that hardware may still use is never given back. */
static void release(struct uiommu_amd *hw)
{
    hw->withheld = disable(hw) != UIOMMU_OK;
    if (!hw->withheld)
        uiommu_amd_memory_put(hw);
}

/* The table that a previous owner left goes only with translation off: until enable() is
 * through traffic passes then, as it does on a unit that was never on. */
uiommu_err uiommu_amd_start(void *ctx)
{
    struct uiommu_amd *hw = ctx;
    uiommu_err err = uiommu_amd_memory_get(hw);

    if (err != UIOMMU_OK) {
        if (!hw->withheld)
            uiommu_amd_memory_put(hw);
        if (!hw->table_live)
            uiommu_amd_devtab_put(hw);
        return err;
    }
    uiommu_amd_logs_forget(hw);
    uiommu_amd_devtab_clear(hw);
    err = disable(hw);
    if (err == UIOMMU_OK && !hw->table_live)
        control_locked(hw, 0, uiommu_bits_mask(AMD_CTL_IOMMU_EN));
    if (err == UIOMMU_OK)
        err = enable(hw);
    if (err != UIOMMU_OK) {
        set_open(hw, false);
        release(hw);
        return err;
    }
    hw->withheld = false;
    set_open(hw, true);
    return UIOMMU_OK;
}

/* The core has detached every device: all entries block already, and go on doing so: translation
 * stays on, and its table is kept until destroy(). */
void uiommu_amd_stop(void *ctx)
{
    struct uiommu_amd *hw = ctx;

    set_open(hw, false);
    release(hw);
}

void uiommu_amd_destroy(void *ctx)
{
    struct uiommu_amd *hw = ctx;

    if (!hw->withheld) {
        if (hw->table_live)
            uiommu_amd_control(hw, 0, uiommu_bits_mask(AMD_CTL_IOMMU_EN));
        uiommu_amd_devtab_put(hw);
    }
    uiommu_heap_put(hw->u, hw, sizeof(*hw));
}

/* What is in the logs goes: the end of it may never have been written. */
uiommu_err uiommu_amd_restart(void *ctx)
{
    struct uiommu_amd *hw = ctx;
    uiommu_err err;

    set_open(hw, false);
    err = disable(hw);
    if (err == UIOMMU_OK) {
        uiommu_amd_log_discard(hw, &hw->evt);
        if (hw->ppr.present)
            uiommu_amd_log_discard(hw, &hw->ppr);
        err = enable(hw);
    }
    if (err != UIOMMU_OK) {
        hw->cmdq.dead = true;
        return err;
    }
    set_open(hw, true);
    return UIOMMU_OK;
}
