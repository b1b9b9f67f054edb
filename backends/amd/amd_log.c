/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the PPR log and the event log share: pointers, late entries, overflow and restart.
 *
 * A tail can be seen before its entry is in memory (errata 732, 733). So slots are zeroed when
 * they are read, before the head passes them, and an entry is there once its code is not 0.
 * Where entries vanish they are counted as consumed by the next fetch, at least one of them:
 * whoever waits for a position gets there, and somebody sees the flags.
 */
#include "amd_internal.h"

#include <uiommu/ring.h>

/* Looks at a late entry before the log is left alone for now. */
#define LOOKS 16u

void uiommu_amd_logs_init(struct uiommu_amd *hw)
{
    struct amd_log *p = &hw->ppr, *e = &hw->evt;

    p->present = hw->f.ppr;
    p->base_reg = AMD_PPR_BASE;
    p->head_reg = AMD_PPR_HEAD;
    p->tail_reg = AMD_PPR_TAIL;
    p->enable = AMD_CTL_PPR_LOG_EN;
    p->interrupt = AMD_CTL_PPR_INT;
    p->overflow_bit = AMD_STS_PPR_OVERFLOW;
    p->run_bit = AMD_STS_PPR_RUN;
    p->int_bit = AMD_STS_PPR_INT;
    e->present = true;
    e->base_reg = AMD_EVT_BASE;
    e->head_reg = AMD_EVT_HEAD;
    e->tail_reg = AMD_EVT_TAIL;
    e->enable = AMD_CTL_EVT_EN;
    e->interrupt = AMD_CTL_EVT_INT;
    e->overflow_bit = AMD_STS_EVT_OVERFLOW;
    e->run_bit = AMD_STS_EVT_RUN;
    e->int_bit = AMD_STS_EVT_INT;
}

static uint32_t mask_of(const struct amd_log *log)
{
    return (UINT32_C(1) << log->log2) - 1u;
}

static bool read_only(const struct uiommu_amd *hw)
{
    return (hw->config.flags & UIOMMU_AMD_LOGS_READ_ONLY) != 0;
}

/* Entries up to the tail as it is now; false: the tail is nonsense, which may have hidden some. */
bool uiommu_amd_log_used(const struct uiommu_amd *hw, struct amd_log *log, uint32_t *out)
{
    uint32_t tail = uiommu_amd_read(hw, log->tail_reg);
    uint32_t slot = (uint32_t)uiommu_bits_get(tail, AMD_POINTER);

    *out = 0;
    if ((tail & ~(uint32_t)uiommu_bits_mask(AMD_POINTER)) != 0 || slot > mask_of(log)) {
        log->note_bad_index = log->note_bad_index || !log->bad;
        log->lost = true;
        log->bad = true;
        return false;
    }
    log->bad = false;
    *out = (slot - log->head) & mask_of(log);
    return true;
}

/* It was not at the first look. */
static bool is_there(const struct uiommu_amd *hw, const volatile uint64_t *words)
{
    uint32_t looks;

    for (looks = 1; looks < LOOKS; looks++) {
        uiommu_pause();
        if (uiommu_bits_get(uiommu_amd_load(hw, words), AMD_LOG_CODE) != 0)
            return true;
    }
    return read_only(hw); /* Never late, and not zeroed. */
}

/* Entries from a slot on. */
static void wipe(struct uiommu_amd *hw, struct amd_log *log, uint32_t slot, uint32_t count)
{
    uint8_t *at = (uint8_t *)log->mem.cpu + (size_t)slot * AMD_LOG_BYTES;
    size_t bytes = (size_t)count * AMD_LOG_BYTES;

    if (read_only(hw))
        return;
    memset(at, 0, bytes);
    uiommu_amd_to_device(hw, at, bytes);
}

/* The entry at the head had no code: is it there now, later, or not at all? */
enum amd_take uiommu_amd_log_late(struct uiommu_amd *hw, struct amd_log *log)
{
    const volatile uint64_t *words =
        (const volatile uint64_t *)log->mem.cpu + (size_t)log->head * AMD_LOG_WORDS;
    uint64_t now;

    if (is_there(hw, words))
        return AMD_TAKEN;
    now = hw->host->now_ns(hw->host->ctx);
    if (!log->waiting)
        log->late_ns = now + AMD_LATE_NS;
    log->waiting = true;
    if (now < log->late_ns)
        return AMD_NOT_YET;
    log->skipped = true;
    return AMD_SKIPPED;
}

/* Hardware may use the slots again. */
void uiommu_amd_log_publish(const struct uiommu_amd *hw, const struct amd_log *log)
{
    uiommu_amd_write(hw, log->head_reg, (uint32_t)uiommu_bits_make(AMD_POINTER, log->head));
}

/* Empty, from slot 0. Only while the log is off. */
void uiommu_amd_log_empty(struct uiommu_amd *hw, struct amd_log *log)
{
    log->head = 0;
    log->waiting = false;
    log->stopping = false;
    log->reported = false;
    log->bad = false;
    wipe(hw, log, 0, UINT32_C(1) << log->log2);
    uiommu_amd_write64(hw, log->base_reg, uiommu_amd_ring_base(log->mem.bus, log->log2));
    uiommu_amd_write(hw, log->head_reg, 0);
    uiommu_amd_write(hw, log->tail_reg, 0);
}

static void discard(struct uiommu_amd *hw, struct amd_log *log)
{
    uint32_t n = 0;

    if (log->on)
        (void)uiommu_amd_log_used(hw, log, &n);
    log->discarded += n != 0 ? n : 1u;
    log->lost = true;
    log->on = false;
}

/* All that was logged goes, and what was taken out already. The logs are off by now. */
void uiommu_amd_logs_drop(struct uiommu_amd *hw)
{
    uintptr_t state = uiommu_unit_lock(hw->unit);

    discard(hw, &hw->evt);
    hw->evt.discarded += hw->stash_count;
    hw->stash_count = 0;
    discard(hw, &hw->ppr);
    uiommu_unit_unlock(hw->unit, state);
}

/* Hardware takes nothing any more: an overflow, or an error of its own. */
bool uiommu_amd_log_stopped(const struct amd_log *log, uint32_t status)
{
    return (status & log->overflow_bit) != 0 || (status & log->run_bit) == 0;
}

/*
 * Under the lock; called again while stopping. Off (the enable bit must have been 0), stopped,
 * acknowledged, on. Head and tail stay: nothing that was logged is lost. What comes while it is
 * off is: where that lasted beyond the call, it counts as another loss.
 */
void uiommu_amd_log_restart(struct uiommu_amd *hw, struct amd_log *log)
{
    bool again = log->stopping;
    uint64_t now = hw->host->now_ns(hw->host->ctx), until = now + uiommu_amd_timeout_ns(hw);
    uint64_t interrupt = uiommu_bits_mask(log->interrupt);

    if (!again) {
        log->stop_ns = until;
        uiommu_amd_control(hw, 0, interrupt);
        uiommu_amd_control(hw, 0, uiommu_bits_mask(log->enable));
        log->stopping = true;
    }
    if ((uiommu_amd_read(hw, AMD_STATUS) & log->run_bit) != 0) {
        if (now > log->stop_ns)
            hw->cmdq.dead = true;
        return;
    }
    uiommu_amd_write(hw, AMD_STATUS, log->overflow_bit | log->int_bit);
    uiommu_amd_control(hw, uiommu_bits_mask(log->enable), 0);
    if ((hw->config.flags & UIOMMU_AMD_POLL) == 0)
        uiommu_amd_control(hw, interrupt, 0);
    uiommu_amd_await_run(hw, log->run_bit);
    log->stopping = false;
    log->reported = false;
    if (again)
        log->lost = true;
}

static void forget(struct amd_log *log)
{
    log->discarded = 0;
    log->lost = false;
    log->skipped = false;
    log->note_bad_index = false;
    log->on = false;
}

/* Nothing of an earlier run is delivered. Before a start. */
void uiommu_amd_logs_forget(struct uiommu_amd *hw)
{
    forget(&hw->ppr);
    hw->events_lost = 0;
    forget(&hw->evt);
}

struct amd_log *uiommu_amd_log_of(struct uiommu_amd *hw, uint32_t ring)
{
    if (hw->ppr.present && ring == 0)
        return &hw->ppr;
    return ring == (hw->ppr.present ? 1u : 0u) ? &hw->evt : NULL;
}

uint32_t uiommu_amd_ring_pending(void *ctx, uint32_t ring)
{
    struct uiommu_amd *hw = ctx;
    struct amd_log *log = uiommu_amd_log_of(hw, ring);
    uintptr_t state;
    uint32_t n;

    if (log == NULL || !hw->cmdq.open)
        return 0;
    if (log == &hw->ppr) {
        (void)uiommu_amd_log_used(hw, log, &n);
        return n + log->discarded;
    }
    state = uiommu_unit_lock(hw->unit);
    (void)uiommu_amd_log_used(hw, log, &n);
    n += log->discarded + hw->stash_count;
    uiommu_unit_unlock(hw->unit, state);
    return n;
}

uiommu_err uiommu_amd_fetch(void *ctx, uint32_t ring, struct uiommu_fetch *io)
{
    struct uiommu_amd *hw = ctx;
    struct amd_log *log = uiommu_amd_log_of(hw, ring);
    uintptr_t state;

    io->request_count = 0;
    io->event_count = 0;
    io->entries = 0;
    io->flags = 0;
    if (log == NULL)
        return UIOMMU_E_INVALID;
    if (!hw->cmdq.open)
        return UIOMMU_OK;
    if (log == &hw->ppr) {
        uiommu_amd_prq_fetch(hw, io);
        return UIOMMU_OK;
    }
    state = uiommu_unit_lock(hw->unit);
    uiommu_amd_event_fetch(hw, io);
    uiommu_unit_unlock(hw->unit, state);
    return UIOMMU_OK;
}

/* The event log itself was restarted when its overflow was found, for tickets wait for it. */
void uiommu_amd_overflow_ack(void *ctx, uint32_t ring)
{
    struct uiommu_amd *hw = ctx;
    struct amd_log *log = uiommu_amd_log_of(hw, ring);
    uintptr_t state;

    if (log == NULL)
        return;
    state = uiommu_unit_lock(hw->unit);
    log->lost = false;
    if (hw->cmdq.open && log->reported)
        uiommu_amd_log_restart(hw, log);
    uiommu_unit_unlock(hw->unit, state);
}
