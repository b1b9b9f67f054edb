/* SPDX-License-Identifier: BSD-2-Clause */
/* Registers, and the order in which a unit is switched on and off. */
#include "smmuv3_internal.h"

#include <uiommu/ring.h>

/* What an index read says is there is loaded after it (14). */
uint32_t uiommu_smmuv3_read(const struct uiommu_smmuv3 *hw, uint32_t offset)
{
    uint32_t value = hw->host->mmio_read32(hw->host->ctx, hw->config.base + offset);

    uiommu_fence_dma_load();
    return value;
}

/* An index written hands over memory: all loads and stores of it are done before (14). */
void uiommu_smmuv3_write(const struct uiommu_smmuv3 *hw, uint32_t offset, uint32_t value)
{
    uiommu_fence_dma();
    hw->host->mmio_write32(hw->host->ctx, hw->config.base + offset, value);
}

void uiommu_smmuv3_write64(const struct uiommu_smmuv3 *hw, uint32_t offset, uint64_t value)
{
    hw->host->mmio_write64(hw->host->ctx, hw->config.base + offset, value);
}

uint64_t uiommu_smmuv3_timeout_ns(const struct uiommu_smmuv3 *hw)
{
    uint64_t ns = hw->config.unit.command_ns;

    return ns != 0 ? ns : UINT64_C(1000000000);
}

/* Wait until a register has the value under the mask. */
static uiommu_err settle(const struct uiommu_smmuv3 *hw, uint32_t offset, uint32_t mask,
                         uint32_t value)
{
    struct uiommu_wait wait = uiommu_wait_begin(hw->host, uiommu_smmuv3_timeout_ns(hw));
    bool more = true;

    while ((uiommu_smmuv3_read(hw, offset) & mask) != value) {
        if (!more)
            return UIOMMU_E_TIMEOUT;
        more = uiommu_wait_more(&wait);
    }
    return UIOMMU_OK;
}

#define CR0_ALL                                                                                    \
    (SMMUV3_CR0_SMMUEN | SMMUV3_CR0_PRIQEN | SMMUV3_CR0_EVENTQEN | SMMUV3_CR0_CMDQEN |             \
     SMMUV3_CR0_ATSCHK)

/* All enables are compared, so that no change is left in flight (6.3.9). */
static uiommu_err cr0_write(struct uiommu_smmuv3 *hw, uint32_t value)
{
    hw->cr0 = value;
    uiommu_smmuv3_write(hw, SMMUV3_CR0, value);
    return settle(hw, SMMUV3_CR0ACK, CR0_ALL, value);
}

static uiommu_err irq_write(struct uiommu_smmuv3 *hw, uint32_t value)
{
    uiommu_smmuv3_write(hw, SMMUV3_IRQ_CTRL, value);
    return settle(hw, SMMUV3_IRQ_CTRLACK, SMMUV3_IRQ_GERROR | SMMUV3_IRQ_PRIQ | SMMUV3_IRQ_EVENTQ,
                  value);
}

/* What happens to traffic while SMMUEN is 0: it is aborted (6.3.14). */
static uiommu_err gbpa_abort(struct uiommu_smmuv3 *hw)
{
    uint32_t value;
    uiommu_err err = settle(hw, SMMUV3_GBPA, SMMUV3_GBPA_UPDATE, 0);

    if (err != UIOMMU_OK)
        return err;
    value = uiommu_smmuv3_read(hw, SMMUV3_GBPA);
    uiommu_smmuv3_write(hw, SMMUV3_GBPA, value | SMMUV3_GBPA_ABORT | SMMUV3_GBPA_UPDATE);
    return settle(hw, SMMUV3_GBPA, SMMUV3_GBPA_UPDATE, 0);
}

/*
 * Block, then disable everything, whoever enabled it. Ends every stall; hardware is done with the
 * memory after. Where traffic cannot be made to abort, translation stays on as it is and only the
 * queues go: DMA would pass untranslated. A change that somebody left in flight is waited for, for
 * another one on top of it means nothing (6.3.9).
 */
static uiommu_err disable(struct uiommu_smmuv3 *hw)
{
    uint32_t found = uiommu_smmuv3_read(hw, SMMUV3_CR0) & CR0_ALL;
    uiommu_err err = gbpa_abort(hw), off, irq;

    (void)settle(hw, SMMUV3_CR0ACK, CR0_ALL, found);
    off = cr0_write(hw, err == UIOMMU_OK ? 0 : found & (SMMUV3_CR0_SMMUEN | SMMUV3_CR0_ATSCHK));
    irq = irq_write(hw, 0);
    if (err == UIOMMU_OK)
        err = off;
    return err == UIOMMU_OK ? irq : err;
}

static void write_base(struct uiommu_smmuv3 *hw, uint32_t offset, const struct uiommu_mem *mem,
                       uint32_t log2)
{
    uiommu_smmuv3_write64(hw, offset,
                          uiommu_bits_make(SMMUV3_BASE_HINT, 1) | mem->bus |
                              uiommu_bits_make(SMMUV3_BASE_LOG2SIZE, log2));
}

static void write_tables(struct uiommu_smmuv3 *hw)
{
    uint32_t cr2 = SMMUV3_CR2_RECINVSID;
    uint64_t cfg = uiommu_bits_make(SMMUV3_STRTAB_LOG2SIZE, hw->id_bits);

    if (hw->f.btm && !hw->config.asid_shared)
        cr2 |= SMMUV3_CR2_PTM;
    if (hw->f.atsrecerr)
        cr2 |= SMMUV3_CR2_REC_CFG_ATS;
    if (hw->two_level)
        cfg |= uiommu_bits_make(SMMUV3_STRTAB_SPLIT, SMMUV3_SPLIT) |
               uiommu_bits_make(SMMUV3_STRTAB_FMT, SMMUV3_STRTAB_TWO_LEVEL);
    uiommu_smmuv3_write(hw, SMMUV3_CR1, hw->f.coherent ? SMMUV3_CR1_COHERENT : 0);
    uiommu_smmuv3_write(hw, SMMUV3_CR2, cr2);
    write_base(hw, SMMUV3_STRTAB_BASE, &hw->strtab, 0);
    uiommu_smmuv3_write(hw, SMMUV3_STRTAB_BASE_CFG, (uint32_t)cfg);
}

/* Close what was put with a CMD_SYNC and wait for it. The unit's other callers are kept away by
 * cmdq.open, check() too. */
static uiommu_err finish(struct uiommu_smmuv3 *hw)
{
    struct uiommu_wait wait = uiommu_wait_begin(hw->host, uiommu_smmuv3_timeout_ns(hw));
    uint64_t ticket = 0;
    uintptr_t state = uiommu_unit_lock(hw->unit);
    uiommu_err err = uiommu_smmuv3_cmdq_sync(hw, &ticket);
    bool more = true;

    if (err == UIOMMU_OK)
        err = uiommu_smmuv3_ticket_poll(hw, ticket);
    uiommu_unit_unlock(hw->unit, state);
    while (err == UIOMMU_PENDING && more) {
        more = uiommu_wait_more(&wait);
        state = uiommu_unit_lock(hw->unit);
        err = uiommu_smmuv3_ticket_poll(hw, ticket);
        uiommu_unit_unlock(hw->unit, state);
    }
    return err == UIOMMU_PENDING ? UIOMMU_E_TIMEOUT : err;
}

static uiommu_err run(struct uiommu_smmuv3 *hw, struct smmuv3_command command)
{
    uintptr_t state = uiommu_unit_lock(hw->unit);

    uiommu_smmuv3_cmdq_put(hw, command);
    uiommu_unit_unlock(hw->unit, state);
    return finish(hw);
}

/* The command queue, and with it all caches. Configuration first: stale entries could refill
 * the TLB. Errors left over from before are acknowledged, else commands would wait for that. */
static uiommu_err commands_on(struct uiommu_smmuv3 *hw)
{
    uiommu_err err;

    write_base(hw, SMMUV3_CMDQ_BASE, &hw->cmdq.mem, hw->cmdq.log2);
    uiommu_smmuv3_write(hw, SMMUV3_CMDQ_PROD, 0);
    uiommu_smmuv3_write(hw, SMMUV3_CMDQ_CONS, 0);
    err = cr0_write(hw, SMMUV3_CR0_CMDQEN);
    if (err != UIOMMU_OK)
        return err;
    hw->gerrorn = uiommu_smmuv3_read(hw, SMMUV3_GERRORN);
    if (((uiommu_smmuv3_read(hw, SMMUV3_GERROR) ^ hw->gerrorn) & SMMUV3_GERROR_ALL) != 0) {
        hw->gerrorn = uiommu_smmuv3_read(hw, SMMUV3_GERROR);
        uiommu_smmuv3_write(hw, SMMUV3_GERRORN, hw->gerrorn);
    }
    err = run(hw, uiommu_smmuv3_cmd_cfgi_all());
    if (err == UIOMMU_OK && hw->f.hyp)
        err = run(hw, uiommu_smmuv3_cmd_tlbi(SMMUV3_OP_TLBI_EL2_ALL));
    if (err == UIOMMU_OK)
        err = run(hw, uiommu_smmuv3_cmd_tlbi(SMMUV3_OP_TLBI_ALL));
    return err;
}

static uiommu_err queue_on(struct uiommu_smmuv3 *hw, struct smmuv3_queue *q)
{
    if (!q->present)
        return UIOMMU_OK;
    write_base(hw, q->base_reg, &q->mem, q->log2);
    uiommu_smmuv3_queue_remake(hw, q);
    return cr0_write(hw, hw->cr0 | q->enable);
}

/* Without an address the source is wired; the address register has no reset value. */
static void write_msi(struct uiommu_smmuv3 *hw, uint32_t offset,
                      const struct uiommu_smmuv3_msi *msi)
{
    uiommu_smmuv3_write64(hw, offset, msi->address & uiommu_bits_mask(SMMUV3_IRQ_CFG0_ADDR));
    uiommu_smmuv3_write(hw, offset + SMMUV3_IRQ_CFG1, msi->data);
    uiommu_smmuv3_write(hw, offset + SMMUV3_IRQ_CFG2, msi->memory);
}

/* The MSI registers exist only with the feature. PRIQ_IRQ_CFG2.LO stays 0: an interrupt for each
 * edge from empty, not for each group. */
static uiommu_err interrupts_on(struct uiommu_smmuv3 *hw)
{
    uint32_t irqs = SMMUV3_IRQ_GERROR | SMMUV3_IRQ_EVENTQ;

    if (hw->f.pri)
        irqs |= SMMUV3_IRQ_PRIQ;
    if (hw->f.msi) {
        write_msi(hw, SMMUV3_GERROR_IRQ_CFG0, &hw->config.gerror);
        write_msi(hw, SMMUV3_EVENTQ_IRQ_CFG0, &hw->config.eventq);
        if (hw->f.pri)
            write_msi(hw, SMMUV3_PRIQ_IRQ_CFG0, &hw->config.priq);
    }
    return hw->config.poll ? UIOMMU_OK : irq_write(hw, irqs);
}

/* From disabled to translating, with the tables as they are. */
static uiommu_err enable(struct uiommu_smmuv3 *hw)
{
    uintptr_t state = uiommu_unit_lock(hw->unit);
    uiommu_err err;

    uiommu_smmuv3_cmdq_drop(hw);
    hw->sfm = false;
    uiommu_unit_unlock(hw->unit, state);
    write_tables(hw);
    err = commands_on(hw);
    if (err == UIOMMU_OK)
        err = queue_on(hw, &hw->eventq);
    if (err == UIOMMU_OK)
        err = queue_on(hw, &hw->priq);
    if (err == UIOMMU_OK && hw->f.ats)
        err = cr0_write(hw, hw->cr0 | SMMUV3_CR0_ATSCHK);
    if (err == UIOMMU_OK)
        err = interrupts_on(hw);
    if (err == UIOMMU_OK)
        err = cr0_write(hw, hw->cr0 | SMMUV3_CR0_SMMUEN);
    return err;
}

/* What was under way fails, except where it goes on. */
static void set_state(struct uiommu_smmuv3 *hw, bool open, bool stopped)
{
    uintptr_t state = uiommu_unit_lock(hw->unit);

    hw->cmdq.open = open;
    hw->cmdq.stopped = stopped;
    if (!open)
        uiommu_smmuv3_cmdq_drop(hw);
    uiommu_unit_unlock(hw->unit, state);
}

static void set_dead(struct uiommu_smmuv3 *hw)
{
    uintptr_t state = uiommu_unit_lock(hw->unit);

    hw->cmdq.dead = true;
    uiommu_unit_unlock(hw->unit, state);
}

/* Memory of a stop stays and serves again; nobody waits for what was in the queues then. */
uiommu_err uiommu_smmuv3_start(void *ctx)
{
    struct uiommu_smmuv3 *hw = ctx;
    uiommu_err err = uiommu_smmuv3_memory_get(hw);

    if (err != UIOMMU_OK) {
        uiommu_smmuv3_memory_put(hw);
        return err;
    }
    uiommu_smmuv3_queue_forget(&hw->eventq);
    uiommu_smmuv3_queue_forget(&hw->priq);
    uiommu_smmuv3_strtab_clear(hw);
    set_state(hw, false, false);
    err = disable(hw);
    if (err == UIOMMU_OK)
        err = enable(hw);
    hw->withheld = err != UIOMMU_OK && disable(hw) != UIOMMU_OK;
    if (err != UIOMMU_OK) {
        set_state(hw, false, true);
        uiommu_smmuv3_memory_put(hw);
        return err;
    }
    set_state(hw, true, false);
    return UIOMMU_OK;
}

/* What is lost with the queues: the unit is disabled and has written what it was to write. */
static void discard(struct uiommu_smmuv3 *hw)
{
    uiommu_smmuv3_queue_discard(hw, &hw->eventq);
    if (hw->priq.present)
        uiommu_smmuv3_queue_discard(hw, &hw->priq);
}

/* Disabling ends stalls and makes hardware answer ResponseFailure to page requests. Tables and
 * queues stay as they are. */
void uiommu_smmuv3_stop(void *ctx)
{
    struct uiommu_smmuv3 *hw = ctx;

    if (hw->cmdq.stopped)
        return;
    set_state(hw, false, false);
    hw->withheld = disable(hw) != UIOMMU_OK;
    discard(hw);
    set_state(hw, false, true);
}

/* After stop() the registers may hold anything: what went with the queues is counted already. */
uiommu_err uiommu_smmuv3_restart(void *ctx)
{
    struct uiommu_smmuv3 *hw = ctx;
    bool stopped = hw->cmdq.stopped;
    uiommu_err err;

    if (hw->strtab.cpu == NULL)
        return UIOMMU_E_STATE; /* never started */
    set_state(hw, false, false);
    err = disable(hw);
    if (err == UIOMMU_OK) {
        if (!stopped)
            discard(hw);
        err = enable(hw);
    }
    hw->withheld = err != UIOMMU_OK;
    if (err != UIOMMU_OK) {
        set_dead(hw);
        return err;
    }
    set_state(hw, true, false);
    return UIOMMU_OK;
}
