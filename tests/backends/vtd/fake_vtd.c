/* SPDX-License-Identifier: BSD-2-Clause */
#include "fake_vtd.h"

#include <stdlib.h>

#define BASE UINT64_C(0xfed90000)

uint32_t *fake_reg(struct uiommu *u, uint32_t offset)
{
    return &u->reg[offset / 4];
}

static uiommu_err mem_get(void *ctx, uint64_t bytes, uint64_t align, uint64_t limit,
                          struct uiommu_mem *out)
{
    struct uiommu *u = ctx;
    uint64_t rounded = (bytes + align - 1) & ~(align - 1);

    (void)limit;
    if (u->mem_left == 0)
        return UIOMMU_E_NOMEM;
    u->mem_left--;
    out->cpu = aligned_alloc(align, rounded);
    if (out->cpu == NULL)
        return UIOMMU_E_NOMEM;
    memset(out->cpu, 0, rounded);
    out->bus = (uintptr_t)out->cpu;
    out->bytes = bytes;
    u->mem_bytes += bytes;
    return UIOMMU_OK;
}

static void mem_put(void *ctx, const struct uiommu_mem *mem)
{
    struct uiommu *u = ctx;

    u->mem_bytes -= mem->bytes;
    free(mem->cpu);
}

static void to_device(void *ctx, const void *cpu, uint64_t bytes)
{
    struct uiommu *u = ctx;

    (void)cpu;
    (void)bytes;
    u->cleaned++;
}

static void from_device(void *ctx, const void *cpu, uint64_t bytes)
{
    (void)ctx;
    (void)cpu;
    (void)bytes;
}

static uint32_t read32(void *ctx, uint64_t addr)
{
    return *fake_reg(ctx, (uint32_t)(addr - BASE));
}

static uint64_t read64(void *ctx, uint64_t addr)
{
    return read32(ctx, addr) | (uint64_t)read32(ctx, addr + 4) << 32;
}

/* A wait: its word is written, or a time-out aborts it. false: nothing is fetched after it. */
static bool wait_done(struct uiommu *u, const uint64_t *words)
{
    if (u->time_outs != 0) {
        u->time_outs--;
        *fake_reg(u, 0x34) |= 0x40;
        *fake_reg(u, 0xb4) = u->silent;
        return false;
    }
    if ((words[0] & 0x20) != 0)
        *(uint32_t *)(uintptr_t)words[1] = (uint32_t)(words[0] >> 32);
    return true;
}

void fake_run(struct uiommu *u)
{
    uint64_t base = read64(u, BASE + 0x90) & ~(uint64_t)0xfff;
    uint32_t bytes = 0x1000u << (*fake_reg(u, 0x90) & 7), at = *fake_reg(u, 0x80);

    while (!u->hold && (*fake_reg(u, 0x1c) & 0x04000000) != 0 && at != *fake_reg(u, 0x88) &&
           (*fake_reg(u, 0x34) & 0x50) == 0) {
        const uint64_t *words = (const uint64_t *)(uintptr_t)(base + at);

        if (u->bad_type != 0 && (words[0] & 15) == u->bad_type) {
            *fake_reg(u, 0x34) |= 0x10;
            *fake_reg(u, 0xb0) = u->bad_code;
            return;
        }
        at = (at + 32) & (bytes - 1);
        *fake_reg(u, 0x80) = at;
        if (u->logged < FAKE_LOG)
            memcpy(u->log[u->logged++].q, words, 32);
        if ((words[0] & 15) == 5 && !wait_done(u, words))
            return;
    }
}

static void command(struct uiommu *u, uint32_t value)
{
    uint32_t *status = fake_reg(u, 0x1c);

    u->commands[u->command_count++ & 63] = value;
    if (u->stuck)
        return;
    *status = (*status & 0x41000000) | (value & 0xc6000000);
    if ((value & 0x04000000) == 0)
        *fake_reg(u, 0x80) = 0;
}

static void write32(void *ctx, uint64_t addr, uint32_t value)
{
    struct uiommu *u = ctx;
    uint32_t offset = (uint32_t)(addr - BASE);

    if (offset == 0x34) {
        *fake_reg(u, 0x34) &= ~(value & 0x71);
    } else if (offset == 0xdc) {
        *fake_reg(u, 0xdc) &= ~(value & 3);
    } else if (offset >= 0x220 && offset < 0x2a0) {
        if ((offset & 15) == 12 && (value >> 31) != 0)
            *fake_reg(u, offset) &= 0x7fffffff;
    } else {
        *fake_reg(u, offset) = value;
    }
    if (offset == 0x18)
        command(u, value);
    if (offset == 0x88 || offset == 0x34 || offset == 0x18)
        fake_run(u);
}

static void write64(void *ctx, uint64_t addr, uint64_t value)
{
    *fake_reg(ctx, (uint32_t)(addr - BASE) + 4) = (uint32_t)(value >> 32);
    write32(ctx, addr, (uint32_t)value);
}

static uint64_t now_ns(void *ctx)
{
    struct uiommu *u = ctx;

    return u->now += 1000000;
}

struct uiommu *fake_new(void)
{
    struct uiommu *u = calloc(1, sizeof(*u));

    u->host.size = sizeof(u->host);
    u->host.ctx = u;
    u->host.mem_get = mem_get;
    u->host.mem_put = mem_put;
    u->host.mem_to_device = to_device;
    u->host.mem_from_device = from_device;
    u->host.mmio_read32 = read32;
    u->host.mmio_read64 = read64;
    u->host.mmio_write32 = write32;
    u->host.mmio_write64 = write64;
    u->host.now_ns = now_ns;
    u->mem_left = UINT32_MAX;
    write64(u, BASE + 0x08, 0xd9d2078c22780c06); /* The sheet's example (22.5). */
    write64(u, BASE + 0x10, 0x0003cf9aa4f00fdf);
    *fake_reg(u, 0x38) = *fake_reg(u, 0xa0) = *fake_reg(u, 0xe0) = 0x80000000;
    return u;
}

void fake_free(struct uiommu *u)
{
    free(u);
}

struct uiommu_vtd_config fake_config(void)
{
    struct uiommu_vtd_config c;

    memset(&c, 0, sizeof(c));
    c.size = sizeof(c);
    c.unit.size = sizeof(c.unit);
    c.base = BASE;
    return c;
}

struct uiommu_vtd *fake_unit(struct uiommu *u, const struct uiommu_vtd_config *config)
{
    struct uiommu_unit *unit;

    if (uiommu_vtd_create(u, config, &unit) != UIOMMU_OK)
        return NULL;
    return unit->ops->start(unit->hw) == UIOMMU_OK ? unit->hw : NULL;
}

void fake_unit_free(struct uiommu *u)
{
    u->unit.ops->stop(u->unit.hw);
    u->unit.ops->destroy(u->unit.hw);
}

uiommu_err uiommu_unit_create(struct uiommu *u, const struct uiommu_backend_ops *ops, void *hw,
                              const struct uiommu_unit_config *config, struct uiommu_unit **out)
{
    (void)config;
    u->unit.ops = ops;
    u->unit.hw = hw;
    *out = &u->unit;
    return ops->probe(hw, &u->unit.caps);
}

const struct uiommu_host_ops *uiommu_host(const struct uiommu *u)
{
    return &u->host;
}

void *uiommu_heap_get(struct uiommu *u, size_t bytes)
{
    void *p = aligned_alloc(64, (bytes + 63) & ~(size_t)63);

    memset(p, 0, bytes);
    u->heap_bytes += bytes;
    return p;
}

void uiommu_heap_put(struct uiommu *u, void *ptr, size_t bytes)
{
    if (ptr != NULL)
        u->heap_bytes -= bytes;
    free(ptr);
}

uintptr_t uiommu_unit_lock(struct uiommu_unit *unit)
{
    return unit->locked++;
}

void uiommu_unit_unlock(struct uiommu_unit *unit, uintptr_t state)
{
    unit->locked = (uint32_t)state;
}
