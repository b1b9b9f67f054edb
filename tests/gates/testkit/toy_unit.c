/* SPDX-License-Identifier: BSD-2-Clause */
/* Constructor, start, stop, restart. */
#include "toy_internal.h"

uint64_t toy_read(const struct toy *hw, uint32_t offset)
{
    return hw->host->mmio_read64(hw->host->ctx, hw->config.base + offset);
}

void toy_write(const struct toy *hw, uint32_t offset, uint64_t value)
{
    hw->host->mmio_write64(hw->host->ctx, hw->config.base + offset, value);
}

uiommu_err toy_mem_get(struct toy *hw, uint64_t bytes, struct uiommu_mem *out)
{
    uint64_t limit = (UINT64_C(1) << 52) - 1u; /* tables hold 52 bits */

    return hw->host->mem_get(hw->host->ctx, bytes, TOY_PAGE, limit, out);
}

void toy_mem_put(struct toy *hw, struct uiommu_mem *mem)
{
    if (mem->cpu != NULL)
        hw->host->mem_put(hw->host->ctx, mem);
    memset(mem, 0, sizeof(*mem));
}

/* One word that the toy may be reading. */
void toy_store(struct toy *hw, volatile uint64_t *word, uint64_t value)
{
    uiommu_fence_dma_store(); /* What it points to is there before. */
    if ((value & TOY_VALID) != 0)
        uiommu_bits_publish64(word, value);
    else
        uiommu_bits_retract64(word, value);
    hw->host->mem_to_device(hw->host->ctx, (const void *)(uintptr_t)word, sizeof(*word));
}

static uiommu_err toy_probe(void *ctx, struct uiommu_caps *out)
{
    struct toy *hw = ctx;
    uint64_t id = toy_read(hw, TOY_ID);
    uint32_t entries = UINT32_C(1) << hw->config.log_log2;

    if (uiommu_bits_get(id, TOY_ID_MAGIC) != TOY_MAGIC)
        return UIOMMU_E_HW;
    hw->id_bits = (uint32_t)uiommu_bits_get(id, TOY_ID_IDS);
    hw->pasid_bits = (uint32_t)uiommu_bits_get(id, TOY_ID_PASIDS);
    if (hw->id_bits == 0 || hw->id_bits > 16 || hw->pasid_bits < TOY_LEAF_LOG2 ||
        hw->pasid_bits > 18)
        return UIOMMU_E_HW;
    out->flags =
        UIOMMU_CAP_MARKERS | UIOMMU_CAP_ATS | UIOMMU_CAP_RESPONSE_PASID | UIOMMU_CAP_ISOLATE;
    if (hw->config.coherent)
        out->flags |= UIOMMU_CAP_COHERENT;
    out->id_bits = hw->id_bits;
    out->pasid_bits = hw->pasid_bits;
    out->pasid_first = 1;                /* entry 0 is that of traffic without a PASID */
    out->request_entries = entries / 2u; /* faults may take the other half */
    out->tag_first = 1;
    out->tag_last = (UINT32_C(1) << 12) - 1u;
    out->stu_bits = 12;
    out->access = UIOMMU_READ | UIOMMU_WRITE;
    out->rings = 1;
    out->ring[0].flags = UIOMMU_RING_REQUESTS | UIOMMU_RING_LOSES;
    out->ring[0].entries = entries;
    return UIOMMU_OK;
}

static uiommu_err control(const struct toy *hw, uint64_t value)
{
    uint64_t ns = hw->config.unit.command_ns;
    struct uiommu_wait wait = uiommu_wait_begin(hw->host, ns != 0 ? ns : UINT64_C(1000000000));
    bool more = true;

    if (toy_read(hw, TOY_CTRL) != value)
        toy_write(hw, TOY_CTRL, value);
    while (toy_read(hw, TOY_CTRL) != value) {
        if (!more)
            return UIOMMU_E_TIMEOUT;
        more = uiommu_wait_more(&wait);
    }
    return UIOMMU_OK;
}

/* Off: the toy drops its rings and caches, and refuses everything. */
static uiommu_err switch_off(struct toy *hw)
{
    uintptr_t state = uiommu_unit_lock(hw->unit);

    hw->open = false;
    toy_tickets_fail(hw);
    uiommu_unit_unlock(hw->unit, state);
    return control(hw, 0);
}

static uiommu_err switch_on(struct toy *hw)
{
    uiommu_err err;
    uintptr_t state;

    hw->log_head = 0;
    hw->bad_index = hw->lost = hw->overflow = false;
    toy_write(hw, TOY_TABLE, hw->table.bus);
    toy_write(hw, TOY_COMMAND_BASE, hw->commands.bus | hw->config.command_log2);
    toy_write(hw, TOY_LOG_BASE, hw->log.bus | hw->config.log_log2);
    err = control(hw, TOY_CTRL_ON | (hw->config.poll ? 0 : TOY_CTRL_IRQ));
    if (err != UIOMMU_OK)
        (void)control(hw, 0);
    state = uiommu_unit_lock(hw->unit);
    hw->head = hw->tail = hw->told = 0;
    hw->dead = err != UIOMMU_OK;
    hw->open = err == UIOMMU_OK;
    uiommu_unit_unlock(hw->unit, state);
    return err;
}

static uiommu_err toy_restart(void *ctx)
{
    struct toy *hw = ctx;
    uiommu_err err = switch_off(hw);

    return err == UIOMMU_OK ? switch_on(hw) : err;
}

/* Memory first: after that only hardware can fail. A toy found on is switched off, which blocks. */
static uiommu_err toy_start(void *ctx)
{
    struct toy *hw = ctx;
    uiommu_err err = UIOMMU_OK;

    if (hw->table.cpu == NULL)
        err = toy_mem_get(hw, UINT64_C(8) << hw->id_bits, &hw->table);
    if (err == UIOMMU_OK && hw->commands.cpu == NULL)
        err = toy_mem_get(hw, UINT64_C(16) << hw->config.command_log2, &hw->commands);
    if (err == UIOMMU_OK && hw->log.cpu == NULL)
        err = toy_mem_get(hw, UINT64_C(16) << hw->config.log_log2, &hw->log);
    return err == UIOMMU_OK ? toy_restart(hw) : err;
}

static void toy_stop(void *ctx)
{
    (void)switch_off(ctx);
}

/* A toy that does not go off keeps its memory: lost, but not written to behind its next owner. */
static void toy_destroy(void *ctx)
{
    struct toy *hw = ctx;

    if (control(hw, 0) == UIOMMU_OK) {
        toy_mem_put(hw, &hw->table);
        toy_mem_put(hw, &hw->commands);
        toy_mem_put(hw, &hw->log);
    }
    uiommu_heap_put(hw->u, hw, sizeof(*hw));
}

static const struct uiommu_backend_ops ops = {
    .size = sizeof(ops),
    .name = "toy",
    .probe = toy_probe,
    .start = toy_start,
    .stop = toy_stop,
    .restart = toy_restart,
    .destroy = toy_destroy,
    .root_check = toy_root_check,
    .device_attach = toy_device_attach,
    .device_detach = toy_device_detach,
    .device_set = toy_device_set,
    .device_isolate = toy_device_isolate,
    .pasid_prepare = toy_pasid_prepare,
    .pasid_set = toy_pasid_set,
    .pasid_block = toy_pasid_block,
    .pasid_clear = toy_pasid_clear,
    .config_invalidate = toy_config_invalidate,
    .tlb_invalidate = toy_tlb_invalidate,
    .dtlb_invalidate = toy_dtlb_invalidate,
    .ticket = toy_ticket,
    .ticket_poll = toy_ticket_poll,
    .barrier = toy_barrier,
    .respond = toy_respond,
    .command = toy_command,
    .irq_ack = toy_irq_ack,
    .check = toy_check,
    .ring_pending = toy_ring_pending,
    .fetch = toy_fetch,
    .overflow_ack = toy_overflow_ack,
    .describe = toy_describe,
};

uiommu_err toy_create(struct uiommu *u, const struct toy_config *config, struct uiommu_unit **out)
{
    struct toy *hw;
    uiommu_err err;

    if (u == NULL || out == NULL || config == NULL || config->size != sizeof(*config))
        return UIOMMU_E_INVALID;
    hw = uiommu_heap_get(u, sizeof(*hw));
    if (hw == NULL)
        return UIOMMU_E_NOMEM;
    hw->u = u;
    hw->host = uiommu_host(u);
    hw->config = *config;
    if (config->command_log2 == 0)
        hw->config.command_log2 = 8;
    if (config->log_log2 == 0)
        hw->config.log_log2 = 9;
    err = UIOMMU_E_INVALID;
    if (hw->config.command_log2 >= 2 && hw->config.command_log2 <= 12 && hw->config.log_log2 >= 4 &&
        hw->config.log_log2 <= 12)
        err = uiommu_unit_create(u, &ops, hw, &config->unit, &hw->unit);
    if (err != UIOMMU_OK) {
        uiommu_heap_put(u, hw, sizeof(*hw));
        return err;
    }
    *out = hw->unit;
    return UIOMMU_OK;
}
