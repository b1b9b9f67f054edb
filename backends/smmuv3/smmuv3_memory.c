/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory that hardware reads and writes: from the host, and towards a unit that does not snoop. */
#include "smmuv3_internal.h"

/* Within the output address size: addresses beyond it are cut by hardware. */
uiommu_err uiommu_smmuv3_mem_get(struct uiommu_smmuv3 *hw, uint64_t bytes, uint64_t align,
                                 struct uiommu_mem *mem)
{
    struct uiommu_mem got = {NULL, 0, 0};
    uiommu_err err;

    if (mem->cpu != NULL) /* Kept from before. */
        return UIOMMU_OK;
    err = hw->host->mem_get(hw->host->ctx, bytes, align, hw->limit, &got);
    if (err != UIOMMU_OK)
        return err;
    if ((got.bus & (align - 1u)) != 0 || got.bus > hw->limit || bytes - 1u > hw->limit - got.bus) {
        hw->host->mem_put(hw->host->ctx, &got);
        return UIOMMU_E_NOMEM;
    }
    *mem = got;
    uiommu_smmuv3_to_device(hw, got.cpu, bytes);
    return UIOMMU_OK;
}

void uiommu_smmuv3_mem_put(struct uiommu_smmuv3 *hw, struct uiommu_mem *mem)
{
    if (mem->cpu != NULL)
        hw->host->mem_put(hw->host->ctx, mem);
    memset(mem, 0, sizeof(*mem));
}

void uiommu_smmuv3_to_device(const struct uiommu_smmuv3 *hw, const volatile void *cpu,
                             uint64_t bytes)
{
    if (!hw->f.coherent)
        hw->host->mem_to_device(hw->host->ctx, (const void *)(uintptr_t)cpu, bytes);
}

void uiommu_smmuv3_from_device(const struct uiommu_smmuv3 *hw, const volatile void *cpu,
                               uint64_t bytes)
{
    if (!hw->f.coherent)
        hw->host->mem_from_device(hw->host->ctx, (const void *)(uintptr_t)cpu, bytes);
}

static uint64_t at_least(uint64_t bytes, uint64_t least)
{
    return bytes < least ? least : bytes;
}

static size_t ticket_bytes(const struct uiommu_smmuv3 *hw)
{
    return ((UINT32_C(1) << hw->cmdq.log2) + 31u) / 32u * sizeof(uint32_t);
}

static uiommu_err queue_get(struct uiommu_smmuv3 *hw, struct smmuv3_queue *q)
{
    uint64_t bytes = (uint64_t)q->entry << q->log2;

    return q->present ? uiommu_smmuv3_mem_get(hw, bytes, at_least(bytes, 32), &q->mem) : UIOMMU_OK;
}

static uiommu_err strtab_get(struct uiommu_smmuv3 *hw)
{
    uint64_t bytes = (uint64_t)SMMUV3_STE_BYTES << hw->id_bits;

    if (hw->two_level) {
        if (hw->l2 == NULL)
            hw->l2 = uiommu_heap_get(hw->u, hw->l2_count * sizeof(*hw->l2));
        if (hw->l2 == NULL)
            return UIOMMU_E_NOMEM;
        bytes = (uint64_t)hw->l2_count * sizeof(uint64_t);
    }
    /* Aligned to its size, but to 64 bytes at least (6.3.24). */
    bytes = at_least(bytes, 64);
    return uiommu_smmuv3_mem_get(hw, bytes, bytes, &hw->strtab);
}

/* Everything start() needs; what is there already stays. */
uiommu_err uiommu_smmuv3_memory_get(struct uiommu_smmuv3 *hw)
{
    uint64_t bytes = (uint64_t)SMMUV3_COMMAND_BYTES << hw->cmdq.log2;
    uiommu_err err;

    if (hw->cmdq.tickets == NULL)
        hw->cmdq.tickets = uiommu_heap_get(hw->u, ticket_bytes(hw));
    if (hw->cmdq.tickets == NULL)
        return UIOMMU_E_NOMEM;
    err = uiommu_smmuv3_mem_get(hw, bytes, at_least(bytes, 32), &hw->cmdq.mem);
    if (err == UIOMMU_OK)
        err = queue_get(hw, &hw->eventq);
    if (err == UIOMMU_OK)
        err = queue_get(hw, &hw->priq);
    if (err == UIOMMU_OK)
        err = strtab_get(hw);
    return err;
}

/* Not what hardware may still use: that is never given back. */
void uiommu_smmuv3_memory_put(struct uiommu_smmuv3 *hw)
{
    uint32_t i;

    if (hw->withheld)
        return;
    for (i = 0; hw->l2 != NULL && i < hw->l2_count; i++)
        uiommu_smmuv3_mem_put(hw, &hw->l2[i]);
    uiommu_heap_put(hw->u, hw->l2, hw->l2_count * sizeof(*hw->l2));
    hw->l2 = NULL;
    uiommu_smmuv3_mem_put(hw, &hw->strtab);
    uiommu_smmuv3_mem_put(hw, &hw->priq.mem);
    uiommu_smmuv3_mem_put(hw, &hw->eventq.mem);
    uiommu_smmuv3_mem_put(hw, &hw->cmdq.mem);
    uiommu_heap_put(hw->u, hw->cmdq.tickets, ticket_bytes(hw));
    hw->cmdq.tickets = NULL;
}

void uiommu_smmuv3_destroy(void *ctx)
{
    struct uiommu_smmuv3 *hw = ctx;

    uiommu_smmuv3_memory_put(hw);
    uiommu_heap_put(hw->u, hw, sizeof(*hw));
}
