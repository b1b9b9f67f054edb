/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory that hardware reads and writes: from the host, and towards a unit that does not snoop.
 * Queues and status words are always snooped (sheet 3.2). */
#include "vtd_internal.h"

/* Within the host address width: higher bits of pointers are reserved. */
uiommu_err uiommu_vtd_mem_get(struct uiommu_vtd *hw, uint64_t bytes, uint64_t align,
                              struct uiommu_mem *mem)
{
    struct uiommu_mem got = {NULL, 0, 0};
    uiommu_err err;

    if (mem->cpu != NULL) /* Kept from a stop. */
        return UIOMMU_OK;
    err = hw->host->mem_get(hw->host->ctx, bytes, align, hw->limit, &got);
    if (err != UIOMMU_OK)
        return err;
    if ((got.bus & (align - 1u)) != 0 || got.bus > hw->limit || bytes - 1u > hw->limit - got.bus) {
        hw->host->mem_put(hw->host->ctx, &got);
        return UIOMMU_E_NOMEM;
    }
    *mem = got;
    uiommu_vtd_to_device(hw, got.cpu, bytes);
    return UIOMMU_OK;
}

void uiommu_vtd_mem_put(struct uiommu_vtd *hw, struct uiommu_mem *mem)
{
    if (mem->cpu != NULL)
        hw->host->mem_put(hw->host->ctx, mem);
    memset(mem, 0, sizeof(*mem));
}

void uiommu_vtd_to_device(const struct uiommu_vtd *hw, const volatile void *cpu, uint64_t bytes)
{
    if (!hw->f.coherent)
        hw->host->mem_to_device(hw->host->ctx, (const void *)(uintptr_t)cpu, bytes);
}

/* Two bits for each slot. */
static size_t ticket_bytes(const struct uiommu_vtd *hw)
{
    return (size_t)(UINT32_C(1) << hw->iq.log2) / 16u * sizeof(uint32_t);
}

/* Everything start() needs; what is there already stays. */
uiommu_err uiommu_vtd_memory_get(struct uiommu_vtd *hw)
{
    uiommu_err err;

    if (hw->iq.tickets == NULL)
        hw->iq.tickets = uiommu_heap_get(hw->u, ticket_bytes(hw));
    if (hw->context == NULL)
        hw->context = uiommu_heap_get(hw->u, VTD_HALVES * sizeof(*hw->context));
    if (hw->iq.tickets == NULL || hw->context == NULL)
        return UIOMMU_E_NOMEM;
    hw->iq.heavy = hw->iq.tickets + ((size_t)1 << hw->iq.log2) / 32u;
    err = uiommu_vtd_mem_get(hw, VTD_PAGE, VTD_PAGE, &hw->root);
    if (err == UIOMMU_OK)
        err = uiommu_vtd_mem_get(hw, UINT64_C(32) << hw->iq.log2, VTD_PAGE, &hw->iq.mem);
    if (err == UIOMMU_OK)
        err = uiommu_vtd_mem_get(hw, UINT64_C(4) << hw->iq.log2, 64, &hw->iq.status);
    if (err == UIOMMU_OK && hw->f.pri)
        err = uiommu_vtd_mem_get(hw, UINT64_C(32) << hw->prq.log2, VTD_PAGE, &hw->prq.mem);
    return err;
}

/* keep: what hardware may use stays, for ever. Else it does not know of it, or has given it up. */
void uiommu_vtd_memory_forget(struct uiommu_vtd *hw, bool keep)
{
    uint32_t i;

    for (i = 0; !keep && hw->context != NULL && i < VTD_HALVES; i++)
        uiommu_vtd_mem_put(hw, &hw->context[i]);
    if (!keep) {
        uiommu_vtd_mem_put(hw, &hw->prq.mem);
        uiommu_vtd_mem_put(hw, &hw->iq.status);
        uiommu_vtd_mem_put(hw, &hw->iq.mem);
        uiommu_vtd_mem_put(hw, &hw->root);
    }
    uiommu_heap_put(hw->u, hw->context, VTD_HALVES * sizeof(*hw->context));
    hw->context = NULL;
    uiommu_heap_put(hw->u, hw->iq.tickets, ticket_bytes(hw));
    hw->iq.tickets = NULL;
}
