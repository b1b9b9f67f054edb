/* SPDX-License-Identifier: BSD-2-Clause */
#include "core.h"

/* Memory that hardware reads and writes, for backends. What the host gives is looked at once. */

uiommu_err uiommu_mem_get(const struct uiommu_host_ops *host, uint64_t bytes, uint64_t align,
                          uint64_t limit, struct uiommu_mem *mem)
{
    struct uiommu_mem got = {NULL, 0, 0};
    uiommu_err err;

    if (mem->cpu != NULL)
        return UIOMMU_OK;
    err = host->mem_get(host->ctx, bytes, align, limit, &got);
    if (err != UIOMMU_OK)
        return err;
    if ((got.bus & (align - 1u)) != 0 || got.bus > limit || bytes - 1u > limit - got.bus) {
        host->mem_put(host->ctx, &got);
        return UIOMMU_E_NOMEM;
    }
    *mem = got;
    return UIOMMU_OK;
}

void uiommu_mem_put(const struct uiommu_host_ops *host, struct uiommu_mem *mem)
{
    if (mem->cpu != NULL)
        host->mem_put(host->ctx, mem);
    memset(mem, 0, sizeof(*mem));
}
