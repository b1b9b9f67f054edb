/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sva_machine.h"

#define RAM_BASE     UINT64_C(0x880000000)
#define MODELS_BYTES (UINT64_C(192) << 20) /* Touched only as far as it is used. */
#define TICK_NS      40u
#define LATE_NS      20000u

static void on_report(void *ctx, const struct model_report *report)
{
    struct sva_machine *m = ctx;

    if (m->reports++ == 0)
        (void)snprintf(m->first_report, sizeof(m->first_report), "%s: %s (%#llx, %#llx)",
                       report->rule, report->text, (unsigned long long)report->a,
                       (unsigned long long)report->b);
}

uint32_t sva_machine_vary(struct sva_machine *m, uint32_t usual)
{
    return usual / 20 + model_choose(m->world, usual * 2);
}

void sva_machine_interrupt(struct sva_iommu *iommu)
{
    if (iommu->irq != NULL)
        iommu->irq(iommu->irq_ctx);
}

/* Every seed has a machine of its own: how fast, how orderly. */
static bool iommu_create(struct sva_machine *m, const struct sva_backend *backend,
                         uint32_t queue_log2)
{
    struct sva_iommu *iommu = &m->iommus[m->iommu_count];
    struct model_fabric_config config;

    iommu->machine = m;
    iommu->backend = backend;
    iommu->base = SVA_MMIO_BASE + m->iommu_count * SVA_MMIO_BYTES;
    iommu->queue_log2 = queue_log2;
    m->iommu_count++;
    config.min_delay_ns = 50 + model_choose(m->world, 250);
    config.max_delay_ns = config.min_delay_ns + 100 + model_choose(m->world, 1500);
    config.late_per_mille = model_choose(m->world, 3) == 0 ? 20 : 0;
    config.late_ns = LATE_NS;
    iommu->fabric = model_fabric_create(m->world, &config);
    return iommu->fabric != NULL && backend->create(iommu);
}

struct sva_machine *sva_machine_create(const struct sva_machine_config *config)
{
    struct sva_machine *m = calloc(1, sizeof(*m));
    struct model_world_config world;
    bool made;
    uint32_t i;

    if (m == NULL)
        return NULL;
    memset(&world, 0, sizeof(world));
    world.seed = config->seed;
    world.memory_bytes = (size_t)(config->ram_bytes + config->backend_count * MODELS_BYTES);
    world.memory = m->memory = malloc(world.memory_bytes);
    world.ram_base = RAM_BASE;
    world.ram_bytes = config->ram_bytes;
    world.coherent = true;
    world.tick_ns = TICK_NS;
    world.report_ctx = m;
    world.report = on_report;
    m->world = m->memory == NULL ? NULL : model_world_create(&world);
    made = m->world != NULL;
    for (i = 0; made && i < config->backend_count; i++)
        made = iommu_create(m, config->backends[i], config->queue_log2);
    if (!made) {
        sva_machine_destroy(m);
        return NULL;
    }
    return m;
}

void sva_machine_destroy(struct sva_machine *m)
{
    if (m == NULL)
        return;
    free(m->memory);
    free(m);
}

struct model_endpoint *sva_machine_engine(struct sva_iommu *iommu, uint32_t id, uint32_t credits)
{
    struct model_world *world = iommu->machine->world;
    struct model_endpoint_config config;

    memset(&config, 0, sizeof(config));
    config.fabric = iommu->fabric;
    config.ids = &id;
    config.id_count = 1;
    config.has_ats = true;
    config.has_pri = true;
    config.has_pasid = true;
    config.pasid_required = model_chance(world, 500) || iommu->backend->always_pasid;
    config.sends_markers = model_chance(world, 700);
    config.pasid_width = 20;
    config.pri_capacity = credits;
    return model_endpoint_create(world, &config);
}

/* ---- the machine as the host sees it ---- */

static uiommu_err mem_get(void *ctx, uint64_t bytes, uint64_t align, uint64_t limit,
                          struct uiommu_mem *out)
{
    struct sva_machine *m = ctx;

    out->cpu = model_ram_get(m->world, bytes, align, limit, &out->bus);
    out->bytes = bytes;
    return out->cpu == NULL ? UIOMMU_E_NOMEM : UIOMMU_OK;
}

static void mem_put(void *ctx, const struct uiommu_mem *mem)
{
    struct sva_machine *m = ctx;

    model_ram_put(m->world, mem->bus, mem->bytes);
}

/* Whose registers they are. The library asks for no other address. */
static struct sva_iommu *iommu_at(struct sva_machine *m, uint64_t addr, uint64_t *offset)
{
    uint64_t number = (addr - SVA_MMIO_BASE) / SVA_MMIO_BYTES;

    *offset = (addr - SVA_MMIO_BASE) % SVA_MMIO_BYTES;
    return &m->iommus[number < m->iommu_count ? number : 0];
}

static uint32_t mmio_read32(void *ctx, uint64_t addr)
{
    uint64_t offset;
    struct sva_iommu *iommu = iommu_at(ctx, addr, &offset);

    return iommu->backend->read32(iommu, offset);
}

static uint64_t mmio_read64(void *ctx, uint64_t addr)
{
    uint64_t offset;
    struct sva_iommu *iommu = iommu_at(ctx, addr, &offset);

    return iommu->backend->read64(iommu, offset);
}

static void mmio_write32(void *ctx, uint64_t addr, uint32_t value)
{
    uint64_t offset;
    struct sva_iommu *iommu = iommu_at(ctx, addr, &offset);

    iommu->backend->write32(iommu, offset, value);
}

static void mmio_write64(void *ctx, uint64_t addr, uint64_t value)
{
    uint64_t offset;
    struct sva_iommu *iommu = iommu_at(ctx, addr, &offset);

    iommu->backend->write64(iommu, offset, value);
}

static uint64_t now_ns(void *ctx)
{
    struct sva_machine *m = ctx;

    model_tick(m->world);
    return model_now(m->world);
}

void sva_machine_host(struct sva_machine *m, struct uiommu_uv_config *config)
{
    config->ctx = m;
    config->mem_get = mem_get;
    config->mem_put = mem_put;
    config->mmio_read32 = mmio_read32;
    config->mmio_read64 = mmio_read64;
    config->mmio_write32 = mmio_write32;
    config->mmio_write64 = mmio_write64;
    config->now_ns = now_ns;
    config->clock_is_simulated = true;
}

static void *table_get(void *ctx, uint64_t bytes, uint64_t *bus)
{
    struct sva_machine *m = ctx;

    return model_ram_get(m->world, bytes, bytes, UINT64_MAX, bus);
}

static void table_put(void *ctx, uint64_t bus, uint64_t bytes)
{
    struct sva_machine *m = ctx;

    model_ram_put(m->world, bus, bytes);
}

static void *table_cpu(void *ctx, uint64_t bus)
{
    struct sva_machine *m = ctx;

    return model_ram_cpu(m->world, bus, 8);
}

void sva_machine_tables(struct sva_machine *m, struct table_memory *memory)
{
    memset(memory, 0, sizeof(*memory));
    memory->ctx = m;
    memory->get = table_get;
    memory->put = table_put;
    memory->cpu = table_cpu;
}
