/* SPDX-License-Identifier: BSD-2-Clause */
#include "fake_core.h"

#include <stdlib.h>
#include <string.h>

static struct fake_core *core_of(struct uiommu *u)
{
    return (struct fake_core *)u;
}

uint32_t *fake_reg(struct uiommu *u, uint32_t offset)
{
    if (offset % 4 != 0)
        abort(); /* There is none. */
    return &core_of(u)->reg[offset / 4];
}

uint64_t fake_reg64(struct uiommu *u, uint32_t offset)
{
    return *fake_reg(u, offset) | (uint64_t)*fake_reg(u, offset + 4) << 32;
}

static void *zeroed(uint64_t bytes, uint64_t align)
{
    size_t rounded = (size_t)((bytes + align - 1) & ~(align - 1));
    void *p = aligned_alloc((size_t)align, rounded);

    if (p == NULL)
        abort();
    return memset(p, 0, rounded);
}

static uiommu_err mem_get(void *ctx, uint64_t bytes, uint64_t align, uint64_t limit,
                          struct uiommu_mem *out)
{
    struct fake_core *c = ctx;

    (void)limit;
    if (c->mem_left == 0)
        return UIOMMU_E_NOMEM;
    c->mem_left--;
    out->cpu = zeroed(bytes, align < 64 ? 64 : align);
    out->bus = (uintptr_t)out->cpu;
    out->bytes = bytes;
    c->mem_bytes += bytes;
    return UIOMMU_OK;
}

static void mem_put(void *ctx, const struct uiommu_mem *mem)
{
    struct fake_core *c = ctx;

    c->mem_bytes -= mem->bytes;
    free(mem->cpu);
}

static void to_device(void *ctx, const void *cpu, uint64_t bytes)
{
    struct fake_core *c = ctx;

    (void)cpu;
    (void)bytes;
    c->cleaned++;
}

static void from_device(void *ctx, const void *cpu, uint64_t bytes)
{
    (void)ctx;
    (void)cpu;
    (void)bytes;
}

static uint32_t read32(void *ctx, uint64_t addr)
{
    struct fake_core *c = ctx;

    c->accesses++;
    return c->reg[(addr - c->base) / 4];
}

static uint64_t read64(void *ctx, uint64_t addr)
{
    return read32(ctx, addr) | (uint64_t)read32(ctx, addr + 4) << 32;
}

static void write32(void *ctx, uint64_t addr, uint32_t value)
{
    struct fake_core *c = ctx;

    c->accesses++;
    c->write32(ctx, addr, value);
}

/* The high half only holds what was written. */
static void write64(void *ctx, uint64_t addr, uint64_t value)
{
    struct fake_core *c = ctx;

    c->reg[(addr - c->base) / 4 + 1] = (uint32_t)(value >> 32);
    write32(ctx, addr, (uint32_t)value);
}

static uint64_t now_ns(void *ctx)
{
    struct fake_core *c = ctx;

    return c->now += 1000000;
}

struct uiommu *fake_core_new(size_t size, uint64_t base, size_t reg_bytes,
                             void (*behave)(void *ctx, uint64_t addr, uint32_t value))
{
    struct fake_core *c = zeroed(size, 64);

    c->reg = zeroed(reg_bytes, 64);
    c->base = base;
    c->write32 = behave;
    c->mem_left = UINT32_MAX;
    c->heap_left = UINT32_MAX;
    c->host.size = sizeof(c->host);
    c->host.ctx = c;
    c->host.mem_get = mem_get;
    c->host.mem_put = mem_put;
    c->host.mem_to_device = to_device;
    c->host.mem_from_device = from_device;
    c->host.mmio_read32 = read32;
    c->host.mmio_read64 = read64;
    c->host.mmio_write32 = write32;
    c->host.mmio_write64 = write64;
    c->host.now_ns = now_ns;
    return (struct uiommu *)c;
}

void fake_free(struct uiommu *u)
{
    free(core_of(u)->reg);
    free(u);
}

void *fake_unit_start(struct uiommu *u)
{
    struct uiommu_unit *unit = &core_of(u)->unit;

    return unit->ops->start(unit->hw) == UIOMMU_OK ? unit->hw : NULL;
}

void fake_unit_free(struct uiommu *u)
{
    struct uiommu_unit *unit = &core_of(u)->unit;

    unit->ops->stop(unit->hw);
    unit->ops->destroy(unit->hw);
}

/* What the backends call. */

uiommu_err uiommu_unit_create(struct uiommu *u, const struct uiommu_backend_ops *ops, void *hw,
                              const struct uiommu_unit_config *config, struct uiommu_unit **out)
{
    struct uiommu_unit *unit = &core_of(u)->unit;

    (void)config;
    unit->ops = ops;
    unit->hw = hw;
    *out = unit;
    return ops->probe(hw, &unit->caps);
}

const struct uiommu_host_ops *uiommu_host(const struct uiommu *u)
{
    return &((const struct fake_core *)u)->host;
}

void *uiommu_heap_get(struct uiommu *u, size_t bytes)
{
    if (core_of(u)->heap_left == 0) {
        core_of(u)->heap_left -= core_of(u)->heap_once ? 1u : 0u;
        return NULL;
    }
    core_of(u)->heap_left--;
    core_of(u)->heap_bytes += bytes;
    return zeroed(bytes, 64);
}

void uiommu_heap_put(struct uiommu *u, void *ptr, size_t bytes)
{
    if (ptr != NULL)
        core_of(u)->heap_bytes -= bytes;
    free(ptr);
}

uintptr_t uiommu_unit_lock(struct uiommu_unit *unit)
{
    uintptr_t state = unit->locked++;

    if (unit->watch != NULL)
        unit->watch(unit, true);
    return state;
}

void uiommu_unit_unlock(struct uiommu_unit *unit, uintptr_t state)
{
    if (unit->locked == 0)
        abort(); /* Nobody has it. */
    if (unit->watch != NULL)
        unit->watch(unit, false);
    unit->locked = (uint32_t)state;
}
