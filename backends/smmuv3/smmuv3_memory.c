/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory that hardware reads and writes: from the host, and towards a unit that does not snoop. */
#include "smmuv3_internal.h"

/* Within the output address size: addresses beyond it are cut by hardware. */
uiommu_err uiommu_smmuv3_mem_get(struct uiommu_smmuv3 *hw, uint64_t bytes, uint64_t align,
                                 struct uiommu_mem *mem)
{
    bool fresh = mem->cpu == NULL;
    uiommu_err err = uiommu_mem_get(hw->host, bytes, align, hw->limit, mem);

    if (err == UIOMMU_OK && fresh)
        uiommu_smmuv3_to_device(hw, mem->cpu, bytes);
    return err;
}

void uiommu_smmuv3_mem_put(struct uiommu_smmuv3 *hw, struct uiommu_mem *mem)
{
    uiommu_mem_put(hw->host, mem);
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

    hw->cmdq.tickets.log2 = hw->cmdq.log2;
    if (hw->cmdq.tickets.slots == NULL)
        hw->cmdq.tickets.slots = uiommu_heap_get(hw->u, uiommu_tickets_bytes(hw->cmdq.log2));
    if (hw->cmdq.tickets.slots == NULL)
        return UIOMMU_E_NOMEM;
    err = uiommu_smmuv3_mem_get(hw, bytes, bytes, &hw->cmdq.mem); /* Four commands at least. */
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
    struct uiommu_mem *const all[] = {&hw->strtab, &hw->priq.mem, &hw->eventq.mem, &hw->cmdq.mem};
    uint32_t i;

    if (hw->withheld)
        return;
    for (i = 0; hw->l2 != NULL && i < hw->l2_count; i++)
        uiommu_smmuv3_mem_put(hw, &hw->l2[i]);
    uiommu_heap_put(hw->u, hw->l2, hw->l2_count * sizeof(*hw->l2));
    hw->l2 = NULL;
    for (i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        uiommu_smmuv3_mem_put(hw, all[i]);
    uiommu_heap_put(hw->u, hw->cmdq.tickets.slots, uiommu_tickets_bytes(hw->cmdq.log2));
    hw->cmdq.tickets.slots = NULL;
}

void uiommu_smmuv3_destroy(void *ctx)
{
    struct uiommu_smmuv3 *hw = ctx;

    uiommu_smmuv3_memory_put(hw);
    uiommu_heap_put(hw->u, hw, sizeof(*hw));
}
