/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "model_vtd.h"
#include "sva_machine.h"
#include "uiommu/vtd.h"

#define DOORBELL UINT64_C(0xfee00000)

static void on_irq(void *ctx, enum model_vtd_source source)
{
    (void)source;
    sva_machine_interrupt(ctx);
}

static bool doorbell(void *ctx, uint64_t address, uint32_t data)
{
    (void)ctx;
    (void)data;
    return address == DOORBELL;
}

static bool create(struct sva_iommu *iommu)
{
    struct sva_machine *m = iommu->machine;
    struct model_vtd_config config;
    struct model_vtd_knobs knobs;
    struct model_vtd *model;

    model_vtd_defaults(&config);
    config.doorbell = doorbell;
    config.ctx = iommu;
    config.irq = on_irq;
    model = model_vtd_create(m->world, iommu->fabric, &config);
    if (model == NULL)
        return false;
    model_vtd_get_knobs(model, &knobs);
    knobs.register_lag_ns = sva_machine_vary(m, knobs.register_lag_ns);
    knobs.fetch_lag_ns = sva_machine_vary(m, knobs.fetch_lag_ns);
    knobs.execute_lag_ns = sva_machine_vary(m, knobs.execute_lag_ns);
    knobs.status_lag_ns = sva_machine_vary(m, knobs.status_lag_ns);
    knobs.response_lag_ns = sva_machine_vary(m, knobs.response_lag_ns);
    knobs.prq_lag_ns = sva_machine_vary(m, knobs.prq_lag_ns);
    knobs.irq_lag_ns = sva_machine_vary(m, knobs.irq_lag_ns);
    knobs.prefetch = model_choose(m->world, 50);
    knobs.walk_cache = model_choose(m->world, 1000);
    knobs.evict = model_choose(m->world, 50);
    knobs.over_invalidate = model_choose(m->world, 100);
    model_vtd_set_knobs(model, &knobs);
    iommu->model = model;
    return true;
}

static uiommu_err unit(struct sva_iommu *iommu, struct uiommu *u,
                       const struct uiommu_unit_config *common, struct uiommu_unit **out)
{
    struct uiommu_vtd_config config;

    memset(&config, 0, sizeof(config));
    config.size = sizeof(config);
    config.unit = *common;
    config.base = iommu->base;
    config.prq_log2 = iommu->queue_log2;
    config.fault.address = config.requests.address = DOORBELL;
    return uiommu_vtd_create(u, &config, out);
}

static uint32_t read32(struct sva_iommu *iommu, uint64_t offset)
{
    return model_vtd_read32(iommu->model, offset);
}

static uint64_t read64(struct sva_iommu *iommu, uint64_t offset)
{
    return model_vtd_read64(iommu->model, offset);
}

static void write32(struct sva_iommu *iommu, uint64_t offset, uint32_t value)
{
    model_vtd_write32(iommu->model, offset, value);
}

static void write64(struct sva_iommu *iommu, uint64_t offset, uint64_t value)
{
    model_vtd_write64(iommu->model, offset, value);
}

static uint32_t ring_used(struct sva_iommu *iommu)
{
    return model_vtd_prq_used(iommu->model);
}

const struct sva_backend sva_backend_vtd = {
    .name = "vtd",
    .tables = &table_x86_64,
    .va_bits = 48,
    .pa_bits = 48,
    .queue_least = 128,
    .queue_most = 16384,
    .always_pasid = true,
    .answers_unbound = true,
    .create = create,
    .unit = unit,
    .read32 = read32,
    .read64 = read64,
    .write32 = write32,
    .write64 = write64,
    .ring_used = ring_used,
};
