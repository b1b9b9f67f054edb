/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "model_amd.h"
#include "sva_machine.h"
#include "uiommu/amd.h"

/* Engines answer an invalidation within this. */
#define DEVICE_NS UINT64_C(1000000)

static void on_irq(void *ctx, enum model_amd_source source)
{
    (void)source;
    sva_machine_interrupt(ctx);
}

static bool create(struct sva_iommu *iommu)
{
    struct sva_machine *m = iommu->machine;
    struct model_amd_config config;
    struct model_amd_knobs knobs;
    struct model_amd *model;

    model_amd_defaults(&config);
    config.ctx = iommu;
    config.irq = on_irq;
    model = model_amd_create(m->world, iommu->fabric, &config);
    if (model == NULL)
        return false;
    model_amd_get_knobs(model, &knobs);
    knobs.command_lag_ns = sva_machine_vary(m, knobs.command_lag_ns);
    knobs.invalidate_lag_ns = sva_machine_vary(m, knobs.invalidate_lag_ns);
    knobs.complete_lag_ns = sva_machine_vary(m, knobs.complete_lag_ns);
    knobs.event_lag_ns = sva_machine_vary(m, knobs.event_lag_ns);
    knobs.ppr_lag_ns = sva_machine_vary(m, 600);
    knobs.entry_lag_ns = sva_machine_vary(m, knobs.entry_lag_ns);
    knobs.response_lag_ns = sva_machine_vary(m, knobs.response_lag_ns);
    knobs.irq_lag_ns = sva_machine_vary(m, knobs.irq_lag_ns);
    knobs.prefetch = model_choose(m->world, 50);
    knobs.walk_cache = model_choose(m->world, 1000);
    knobs.evict = model_choose(m->world, 50);
    knobs.over_invalidate = model_choose(m->world, 100);
    model_amd_set_knobs(model, &knobs);
    iommu->model = model;
    return true;
}

static uiommu_err unit(struct sva_iommu *iommu, struct uiommu *u,
                       const struct uiommu_unit_config *common, struct uiommu_unit **out)
{
    struct uiommu_amd_config config;

    memset(&config, 0, sizeof(config));
    config.size = sizeof(config);
    config.unit = *common;
    config.base = iommu->base;
    config.priq_log2 = iommu->queue_log2;
    config.invalidation_ns = DEVICE_NS;
    return uiommu_amd_create(u, &config, out);
}

static uint32_t read32(struct sva_iommu *iommu, uint64_t offset)
{
    return model_amd_read32(iommu->model, offset);
}

static uint64_t read64(struct sva_iommu *iommu, uint64_t offset)
{
    return model_amd_read64(iommu->model, offset);
}

static void write32(struct sva_iommu *iommu, uint64_t offset, uint32_t value)
{
    model_amd_write32(iommu->model, offset, value);
}

static void write64(struct sva_iommu *iommu, uint64_t offset, uint64_t value)
{
    model_amd_write64(iommu->model, offset, value);
}

static uint32_t ring_used(struct sva_iommu *iommu)
{
    return model_amd_pprlog_used(iommu->model);
}

const struct sva_backend sva_backend_amd = {
    .name = "amd",
    .tables = &table_x86_64,
    .va_bits = 48,
    .pa_bits = 48,
    .queue_least = 256,
    .queue_most = 32768,
    .create = create,
    .unit = unit,
    .read32 = read32,
    .read64 = read64,
    .write32 = write32,
    .write64 = write64,
    .ring_used = ring_used,
};
