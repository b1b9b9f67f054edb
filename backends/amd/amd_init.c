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
        AMD_CTL_AUTO_RSP_ON, AMD_CTL_EPH_EN,      AMD_CTL_GCR3_GPA, AMD_CTL_MARC,
    };
    uint64_t mask = 0;
    size_t i;

    for (i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
        mask |= uiommu_bits_mask(fields[i]);
    return mask;
}

/* What a pointer read says is there is loaded after it. */
uint32_t uiommu_amd_read(const struct uiommu_amd *hw, uint32_t offset)
{
    uint32_t value = hw->host->mmio_read32(hw->host->ctx, hw->config.base + offset);

    uiommu_fence_dma_load();
    return value;
}

uint64_t uiommu_amd_read64(const struct uiommu_amd *hw, uint32_t offset)
{
    return hw->host->mmio_read64(hw->host->ctx, hw->config.base + offset);
}

/* A pointer written hands over memory: all loads and stores of it are done before. */
void uiommu_amd_write(const struct uiommu_amd *hw, uint32_t offset, uint32_t value)
{
    uiommu_fence_dma();
    hw->host->mmio_write32(hw->host->ctx, hw->config.base + offset, value);
}

void uiommu_amd_write64(const struct uiommu_amd *hw, uint32_t offset, uint64_t value)
{
    uiommu_fence_dma();
    hw->host->mmio_write64(hw->host->ctx, hw->config.base + offset, value);
}

/* Under the lock: several contexts change it. Bits beside ours are the host's, for interrupt
 * remapping among others. All ones are no value: the unit is not there, and gets no store. */
void uiommu_amd_control(struct uiommu_amd *hw, uint64_t set, uint64_t clear)
{
    uint64_t others = uiommu_amd_read64(hw, AMD_CONTROL);

    hw->control = (hw->control & ~clear) | set;
    if (others == ~UINT64_C(0))
        return;
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
    if (hw->f.guest)
        c |= uiommu_bits_mask(AMD_CTL_GT_EN);
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
 * after. With IommuEn off traffic would pass.
 */
static uiommu_err disable(struct uiommu_amd *hw)
{
    hw->control = uiommu_amd_read64(hw, AMD_CONTROL) & control_ours();
    control_locked(hw, 0, uiommu_bits_mask(AMD_CTL_CMD_EN));
    control_locked(hw, 0, uiommu_bits_mask(AMD_CTL_EVT_INT) | uiommu_bits_mask(AMD_CTL_WAIT_INT));
    control_locked(hw, 0, uiommu_bits_mask(AMD_CTL_EVT_EN));
    control_locked(hw, 0, uiommu_bits_mask(AMD_CTL_PPR_LOG_EN));
    control_locked(hw, 0, uiommu_bits_mask(AMD_CTL_PPR_INT));
    control_locked(hw, 0, uiommu_bits_mask(AMD_CTL_PPR_EN));
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
    uint64_t ticket;
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
        err = flush_put(hw, uiommu_amd_cmd_pages(i, UIOMMU_PASID_NONE, NULL));
    return err != UIOMMU_OK ? err : finish(hw);
}

/* Bases are written while nothing runs; pointers too, for not every unit resets them then. */
static void write_bases(struct uiommu_amd *hw)
{
    uiommu_amd_write64(hw, AMD_CMD_BASE, uiommu_amd_ring_base(hw->cmdq.mem.bus, hw->cmdq.log2));
    uiommu_amd_write(hw, AMD_CMD_HEAD, 0);
    uiommu_amd_write(hw, AMD_CMD_TAIL, 0);
    uiommu_amd_log_empty(hw, &hw->evt);
    if (hw->ppr.present)
        uiommu_amd_log_empty(hw, &hw->ppr);
}

/* An exclusion range lets traffic pass: there is none. With SNP the registers say instead where
 * COMPLETION_WAIT may store to. */
static void write_range(struct uiommu_amd *hw)
{
    uint64_t page = hw->f.snp ? hw->cmdq.store.bus : 0;

    uiommu_amd_write64(hw, AMD_EXCL_BASE, page);
    uiommu_amd_write64(hw, AMD_EXCL_LIMIT, page);
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

/* One interrupt more while the log is three quarters full, in case those of its entries were lost
 * or nobody came; the second log is not used. */
static void early_set(struct uiommu_amd *hw)
{
    uint32_t value = 0;

    if (hw->ppr.present && (hw->config.flags & UIOMMU_AMD_POLL) == 0)
        value = AMD_EARLY_EN | AMD_EARLY_INT | ((UINT32_C(3) << hw->ppr.log2) / 4u);
    if (hw->f.early)
        uiommu_amd_write(hw, AMD_EARLY, value);
    if (hw->f.early_b)
        uiommu_amd_write(hw, AMD_EARLY_B, 0);
}

/* Commands are taken, and no cache holds anything. */
static uiommu_err commands_on(struct uiommu_amd *hw)
{
    uiommu_err err;

    write_bases(hw);
    control_locked(hw, uiommu_bits_mask(AMD_CTL_CMD_EN), 0);
    control_locked(hw, uiommu_bits_mask(AMD_CTL_IOMMU_EN), 0);
    err = settle(hw, AMD_STS_CMD_RUN, AMD_STS_CMD_RUN);
    return err != UIOMMU_OK ? err : flush_all(hw);
}

static void cmdq_drop(struct uiommu_amd *hw)
{
    uintptr_t state = uiommu_unit_lock(hw->unit);

    uiommu_amd_cmdq_drop(hw);
    uiommu_unit_unlock(hw->unit, state);
}

/*
 * The unit translates by somebody else's table, and with IommuEn off all would pass. The base is
 * moved in one store while it is on; what is cached of the old table goes by a flush. Then nothing
 * uses that any more, and the other control bits can change; until they have, all entries block,
 * those of devices in use, too. Segments go before: IDs beyond the first one are aborted then. A
 * unit that keeps its base cannot be taken over.
 */
static uiommu_err take_over(struct uiommu_amd *hw)
{
    uint64_t want = uiommu_amd_devtab_base(hw->devtab.bus);
    uint64_t was = uiommu_amd_read64(hw, AMD_DEVTAB_BASE), now;
    uiommu_err err;

    control_locked(hw, 0, uiommu_bits_mask(AMD_CTL_SEGMENTS) | uiommu_bits_mask(AMD_CTL_MARC));
    write_range(hw);
    uiommu_amd_entries_hold(hw);
    uiommu_amd_write64(hw, AMD_DEVTAB_BASE, want);
    now = uiommu_amd_read64(hw, AMD_DEVTAB_BASE);
    hw->table_live = now != was; /* What a unit keeps of it in part is used all the same. */
    if (now != want) {
        if (hw->table_live)
            return UIOMMU_E_HW;
        if ((hw->config.flags & UIOMMU_AMD_FOUND_QUIET) == 0)
            return UIOMMU_E_UNSUPPORTED;
        control_locked(hw, 0, uiommu_bits_mask(AMD_CTL_IOMMU_EN));
        return UIOMMU_OK;
    }
    err = commands_on(hw);
    if (err != UIOMMU_OK)
        return err;
    control_locked(hw, 0, uiommu_bits_mask(AMD_CTL_CMD_EN));
    err = settle(hw, AMD_STS_CMD_RUN, 0);
    cmdq_drop(hw);
    return err;
}

/* From rings that are off, the commands dropped, to translating, with the tables as they are. While
 * IommuEn is on GTEn stays: without it what has no PASID would pass. */
static uiommu_err enable(struct uiommu_amd *hw)
{
    uint64_t want = uiommu_amd_devtab_base(hw->devtab.bus);
    uint64_t on = uiommu_bits_mask(AMD_CTL_IOMMU_EN);
    uiommu_err err = UIOMMU_OK;

    uiommu_amd_entries_close(hw);
    if ((hw->control & on) != 0 && uiommu_amd_read64(hw, AMD_DEVTAB_BASE) != want)
        err = take_over(hw);
    if (err != UIOMMU_OK)
        return err;
    if ((hw->control & on) == 0)
        uiommu_amd_write64(hw, AMD_DEVTAB_BASE, want);
    hw->table_live = true;
    write_range(hw);
    early_set(hw);
    control_locked(hw, uiommu_amd_control_base(hw), ~on);
    err = commands_on(hw);
    if (err == UIOMMU_OK && uiommu_amd_entries_release(hw))
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

/* Rings and logs off; the memory stays. Translation goes on by our table, if it does so already. */
static void halt(struct uiommu_amd *hw)
{
    set_open(hw, false);
    hw->running = false;
    hw->withheld = disable(hw) != UIOMMU_OK;
}

/* Translation off. Only a unit that says so itself has got the store. */
static uiommu_err table_off(struct uiommu_amd *hw)
{
    struct uiommu_wait wait = uiommu_wait_begin(hw->host, uiommu_amd_timeout_ns(hw));
    uint64_t on = uiommu_bits_mask(AMD_CTL_IOMMU_EN);
    bool more = true;

    control_locked(hw, 0, on);
    while ((uiommu_amd_read64(hw, AMD_CONTROL) & on) != 0) {
        if (!more)
            return UIOMMU_E_TIMEOUT;
        more = uiommu_wait_more(&wait);
    }
    hw->table_live = false;
    return UIOMMU_OK;
}

/* Undo a start: a unit that was found off is off again. */
static void undo(struct uiommu_amd *hw, bool was_on)
{
    halt(hw);
    if (!was_on && !hw->withheld)
        hw->withheld = table_off(hw) != UIOMMU_OK;
}

uiommu_err uiommu_amd_start(void *ctx)
{
    struct uiommu_amd *hw = ctx;
    uiommu_err err = uiommu_amd_memory_get(hw);
    bool was_on;

    if (err != UIOMMU_OK) {
        uiommu_amd_memory_put(hw); /* It was never all there: hardware has none of it. */
        return err;
    }
    uiommu_amd_logs_forget(hw);
    hw->running = true;
    uiommu_amd_devtab_clear(hw);
    err = disable(hw);
    was_on = (hw->control & uiommu_bits_mask(AMD_CTL_IOMMU_EN)) != 0;
    if (err == UIOMMU_OK)
        err = enable(hw);
    if (err != UIOMMU_OK) {
        undo(hw, was_on);
        return err;
    }
    set_open(hw, true);
    return UIOMMU_OK;
}

/* What was told to hardware so far is waited for, for answers are among it; not for ever. */
static void finish_all(struct uiommu_amd *hw)
{
    uintptr_t state = uiommu_unit_lock(hw->unit);
    bool some = !hw->cmdq.dead && hw->cmdq.head != hw->cmdq.done;

    uiommu_unit_unlock(hw->unit, state);
    if (some)
        (void)finish(hw);
}

/* Entries go on doing what they say: translation stays on, and all tables are kept. */
void uiommu_amd_stop(void *ctx)
{
    struct uiommu_amd *hw = ctx;

    if (!hw->running)
        return;
    finish_all(hw);
    halt(hw);
    uiommu_amd_logs_drop(hw);
}

/* Memory that hardware may still use is never given back. Without its table the unit must not
 * translate: who gives up a unit knows that its devices are quiet. */
void uiommu_amd_destroy(void *ctx)
{
    struct uiommu_amd *hw = ctx;

    if (hw->withheld)
        hw->withheld = disable(hw) != UIOMMU_OK;
    if (!hw->withheld && hw->table_live)
        hw->withheld = table_off(hw) != UIOMMU_OK;
    if (!hw->withheld)
        uiommu_amd_memory_put(hw);
    uiommu_heap_put(hw->u, hw, sizeof(*hw));
}

/* What is in the logs goes: the end of it may never have been written. */
uiommu_err uiommu_amd_restart(void *ctx)
{
    struct uiommu_amd *hw = ctx;
    uiommu_err err;

    set_open(hw, false);
    hw->running = true;
    err = disable(hw);
    uiommu_amd_logs_drop(hw);
    if (err == UIOMMU_OK)
        err = enable(hw);
    if (err != UIOMMU_OK) {
        hw->cmdq.dead = true;
        return err;
    }
    set_open(hw, true);
    return UIOMMU_OK;
}
