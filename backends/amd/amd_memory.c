/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory that hardware reads and writes: from the host, and towards a unit that does not snoop. */
#include "amd_internal.h"

uiommu_err uiommu_amd_mem_get(struct uiommu_amd *hw, uint64_t bytes, uint64_t align,
                              struct uiommu_mem *mem)
{
    bool fresh = mem->cpu == NULL;
    uiommu_err err = uiommu_mem_get(hw->host, bytes, align, hw->limit, mem);

    if (err == UIOMMU_OK && fresh)
        uiommu_amd_to_device(hw, mem->cpu, bytes);
    return err;
}

void uiommu_amd_mem_put(struct uiommu_amd *hw, struct uiommu_mem *mem)
{
    uiommu_mem_put(hw->host, mem);
}

static size_t stash_bytes(const struct uiommu_amd *hw)
{
    return sizeof(*hw->stash) << hw->evt.log2;
}

/* A bit for each of the 65536 DomainIDs. */
#define DOMAIN_BYTES (65536u / 8u)

static uiommu_err heap_get(struct uiommu_amd *hw)
{
    hw->cmdq.tickets.log2 = hw->cmdq.log2;
    if (hw->cmdq.tickets.slots == NULL)
        hw->cmdq.tickets.slots = uiommu_heap_get(hw->u, uiommu_tickets_bytes(hw->cmdq.log2));
    if (hw->stash == NULL)
        hw->stash = uiommu_heap_get(hw->u, stash_bytes(hw));
    if (hw->domains == NULL)
        hw->domains = uiommu_heap_get(hw->u, DOMAIN_BYTES);
    if (hw->cmdq.tickets.slots == NULL || hw->stash == NULL || hw->domains == NULL)
        return UIOMMU_E_NOMEM;
    return UIOMMU_OK;
}

/* Rings are aligned to their size, which is more than is asked for anywhere. */
static uiommu_err ring_get(struct uiommu_amd *hw, uint32_t log2, struct uiommu_mem *mem)
{
    uint64_t bytes = (uint64_t)AMD_LOG_BYTES << log2;

    return uiommu_amd_mem_get(hw, bytes, bytes, mem);
}

/* Everything start() needs; what is there already stays. The device table is always the full
 * one: sources differ on what IDs beyond a smaller one meet. */
uiommu_err uiommu_amd_memory_get(struct uiommu_amd *hw)
{
    uiommu_err err = heap_get(hw);

    if (err == UIOMMU_OK)
        err = uiommu_amd_mem_get(hw, AMD_DTE_BYTES * AMD_DTE_ENTRIES, 4096, &hw->devtab);
    if (err == UIOMMU_OK)
        err = ring_get(hw, hw->cmdq.log2, &hw->cmdq.mem);
    if (err == UIOMMU_OK)
        err = uiommu_amd_mem_get(hw, 4096, 4096, &hw->cmdq.store);
    if (err == UIOMMU_OK)
        err = uiommu_amd_mem_get(hw, 4096, 4096, &hw->quiet);
    if (err == UIOMMU_OK)
        err = ring_get(hw, hw->evt.log2, &hw->evt.mem);
    if (err == UIOMMU_OK && hw->ppr.present)
        err = ring_get(hw, hw->ppr.log2, &hw->ppr.mem);
    return err;
}

void uiommu_amd_memory_put(struct uiommu_amd *hw)
{
    struct uiommu_mem *const all[] = {&hw->devtab, &hw->ppr.mem,    &hw->evt.mem,
                                      &hw->quiet,  &hw->cmdq.store, &hw->cmdq.mem};
    size_t i;

    for (i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        uiommu_amd_mem_put(hw, all[i]);
    uiommu_heap_put(hw->u, hw->domains, DOMAIN_BYTES);
    hw->domains = NULL;
    uiommu_heap_put(hw->u, hw->stash, stash_bytes(hw));
    hw->stash = NULL;
    uiommu_heap_put(hw->u, hw->cmdq.tickets.slots, uiommu_tickets_bytes(hw->cmdq.log2));
    hw->cmdq.tickets.slots = NULL;
}
