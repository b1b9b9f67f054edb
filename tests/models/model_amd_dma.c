/* SPDX-License-Identifier: BSD-2-Clause */
#include "model_amd_internal.h"

static enum model_dma_result transfer(struct model_amd *m, const struct model_dma *dma, uint64_t at)
{
    bool good = (dma->access & MODEL_WRITE) != 0
                    ? model_bus_write(m->world, at, dma->data, dma->bytes)
                    : model_bus_read(m->world, at, dma->data, dma->bytes);

    return good ? MODEL_DMA_OK : MODEL_DMA_ABORTED;
}

/* Already translated by ATS: the device is trusted if its entry allows ATS at all. */
static enum model_dma_result trusted(struct model_amd *m, const struct model_dma *dma,
                                     const struct amd_access *want)
{
    struct amd_outcome got;
    const struct amd_dte *dte;

    memset(&got, 0, sizeof(got));
    dte = amd_dte_get(m, want, &got);
    if (dte == NULL) {
        amd_event_fault(m, want, &got);
        return MODEL_DMA_ABORTED;
    }
    if (dte->v && !dte->i) {
        got.event = AMD_INVALID_REQUEST;
        got.flags = 1u << 25;
        got.domain = 0;
        amd_event_fault(m, want, &got);
        return MODEL_DMA_ABORTED;
    }
    return transfer(m, dma, dma->address);
}

enum model_dma_result amd_dma(void *ctx, const struct model_dma *dma)
{
    struct model_amd *m = ctx;
    struct amd_access want = {.id = dma->id,
                              .has_pasid = dma->has_pasid,
                              .pasid = dma->pasid,
                              .address = dma->address,
                              .access = dma->access};
    struct amd_outcome got;

    m->counts.accesses++;
    if (!amd_control(m, AMD_IOMMU_EN)) {
        m->counts.passed++;
        return transfer(m, dma, dma->address);
    }
    if (dma->translated) {
        return trusted(m, dma, &want);
    }
    if (!dma->has_pasid && (dma->access & MODEL_WRITE) != 0 &&
        dma->address >= UINT64_C(0xFEE00000) && dma->address < UINT64_C(0xFEF00000)) {
        m->counts.interrupts++;
        return MODEL_DMA_OK;
    }
    amd_translate(m, &want, &got);
    if (got.event != 0) {
        if (!got.silent) {
            amd_event_fault(m, &want, &got);
        }
        return MODEL_DMA_ABORTED;
    }
    if (got.identity) {
        const struct amd_dte *dte = amd_dte_find(m, dma->id);

        m->counts.passed += dte != NULL && !dte->v ? 1u : 0u;
        return transfer(m, dma, dma->address);
    }
    return transfer(m, dma, got.out | (dma->address & amd_ones(got.size_log2)));
}
