/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory that hardware reads and writes: from the host, and towards a unit that does not snoop.
 * Queues and status words are always snooped (sheet 3.2). */
#include "vtd_internal.h"

/* Within the host address width: higher bits of pointers are reserved. */
uiommu_err uiommu_vtd_mem_get(struct uiommu_vtd *hw, uint64_t bytes, uint64_t align,
                              struct uiommu_mem *mem)
{
    bool fresh = mem->cpu == NULL;
    uiommu_err err = uiommu_mem_get(hw->host, bytes, align, hw->limit, mem);

    if (err == UIOMMU_OK && fresh)
        uiommu_vtd_to_device(hw, mem->cpu, bytes);
    return err;
}

void uiommu_vtd_mem_put(struct uiommu_vtd *hw, struct uiommu_mem *mem)
{
    uiommu_mem_put(hw->host, mem);
}

void uiommu_vtd_to_device(const struct uiommu_vtd *hw, const volatile void *cpu, uint64_t bytes)
{
    if (!hw->f.coherent)
        hw->host->mem_to_device(hw->host->ctx, (const void *)(uintptr_t)cpu, bytes);
}

static uint32_t *bits_get(struct uiommu_vtd *hw, uint32_t *bits)
{
    return bits != NULL ? bits : uiommu_heap_get(hw->u, uiommu_tickets_bytes(hw->iq.log2));
}

static void bits_put(struct uiommu_vtd *hw, uint32_t **bits)
{
    uiommu_heap_put(hw->u, *bits, uiommu_tickets_bytes(hw->iq.log2));
    *bits = NULL;
}

/* Everything start() needs; what is there already stays. */
uiommu_err uiommu_vtd_memory_get(struct uiommu_vtd *hw)
{
    uiommu_err err;

    hw->iq.tickets.log2 = hw->iq.log2;
    hw->iq.tickets.slots = bits_get(hw, hw->iq.tickets.slots);
    if (hw->context == NULL)
        hw->context = uiommu_heap_get(hw->u, VTD_HALVES * sizeof(*hw->context));
    hw->iq.heavy = bits_get(hw, hw->iq.heavy);
    if (hw->iq.tickets.slots == NULL || hw->iq.heavy == NULL || hw->context == NULL)
        return UIOMMU_E_NOMEM;
    err = uiommu_vtd_mem_get(hw, VTD_PAGE, VTD_PAGE, &hw->root);
    if (err == UIOMMU_OK)
        err = uiommu_vtd_mem_get(hw, UINT64_C(32) << hw->iq.log2, VTD_PAGE, &hw->iq.mem);
    if (err == UIOMMU_OK)
        err = uiommu_vtd_mem_get(hw, (UINT64_C(4) << hw->iq.log2) + 4, 64, &hw->iq.status);
    if (err == UIOMMU_OK && hw->f.pri)
        err = uiommu_vtd_mem_get(hw, UINT64_C(32) << hw->prq.log2, VTD_PAGE, &hw->prq.mem);
    return err;
}

/* keep: what hardware may use stays, for ever. Else it does not know of it, or has given it up. */
void uiommu_vtd_memory_forget(struct uiommu_vtd *hw, bool keep)
{
    struct uiommu_mem *const all[] = {&hw->prq.mem, &hw->iq.status, &hw->iq.mem, &hw->root};
    uint32_t **const bits[] = {&hw->iq.heavy, &hw->iq.tickets.slots};
    uint32_t i;

    for (i = 0; !keep && hw->context != NULL && i < VTD_HALVES; i++)
        uiommu_vtd_mem_put(hw, &hw->context[i]);
    for (i = 0; !keep && i < sizeof(all) / sizeof(all[0]); i++)
        uiommu_vtd_mem_put(hw, all[i]);
    for (i = 0; i < sizeof(bits) / sizeof(bits[0]); i++)
        bits_put(hw, bits[i]);
    uiommu_heap_put(hw->u, hw->context, VTD_HALVES * sizeof(*hw->context));
    hw->context = NULL;
}
