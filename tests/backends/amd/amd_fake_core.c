/* SPDX-License-Identifier: BSD-2-Clause */
#include "amd_fake_core.h"

#include <stdlib.h>

#define BASE UINT64_C(0xfd000000)

uint32_t *fake_reg(struct uiommu *u, uint32_t offset)
{
    return &u->reg[offset / 4];
}

uint64_t fake_reg64(struct uiommu *u, uint32_t offset)
{
    return *fake_reg(u, offset) | (uint64_t)*fake_reg(u, offset + 4) << 32;
}

static uiommu_err mem_get(void *ctx, uint64_t bytes, uint64_t align, uint64_t limit,
                          struct uiommu_mem *out)
{
    struct uiommu *u = ctx;

    (void)limit;
    if (u->mem_left == 0)
        return UIOMMU_E_NOMEM;
    u->mem_left--;
    out->cpu = aligned_alloc(align, (bytes + align - 1) & ~(align - 1));
    if (out->cpu == NULL)
        return UIOMMU_E_NOMEM;
    memset(out->cpu, 0, bytes);
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

static void sync(void *ctx, const void *cpu, uint64_t bytes)
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
    return fake_reg64(ctx, (uint32_t)(addr - BASE));
}

static uint64_t *ring_of(struct uiommu *u, uint32_t base, uint32_t *mask)
{
    uint64_t v = fake_reg64(u, base);

    *mask = (1u << ((v >> 56) & 15)) - 1;
    return (uint64_t *)(uintptr_t)(v & UINT64_C(0xffffffffff000));
}

void fake_run(struct uiommu *u)
{
    uint32_t mask, slot;
    uint64_t *ring = ring_of(u, 0x08, &mask);

    while (!u->hold && (*fake_reg(u, 0x2020) & 0x10) != 0 &&
           *fake_reg(u, 0x2000) != *fake_reg(u, 0x2008)) {
        slot = *fake_reg(u, 0x2000) >> 4;
        if (u->refusals != 0 && ring[slot * 2] >> 60 == u->refuse) {
            u->refusals--;
            *fake_reg(u, 0x2020) &= ~0x10u;
            fake_log(u, 0x10, UINT64_C(5) << 60, (uintptr_t)(ring + slot * 2));
            return;
        }
        if (u->logged < FAKE_LOG) {
            u->log[u->logged].d[0] = ring[slot * 2];
            u->log[u->logged++].d[1] = ring[slot * 2 + 1];
        }
        if (ring[slot * 2] >> 60 == 1 && (ring[slot * 2] & 1) != 0)
            *(uint64_t *)(uintptr_t)(ring[slot * 2] & UINT64_C(0xffffffffffff8)) =
                ring[slot * 2 + 1];
        *fake_reg(u, 0x2000) = ((slot + 1) & mask) << 4;
    }
}

void fake_tail(struct uiommu *u, uint32_t base)
{
    uint32_t mask, *tail = fake_reg(u, base == 0x10 ? 0x2018 : 0x2038);

    (void)ring_of(u, base, &mask);
    *tail = (((*tail >> 4) + 1) & mask) << 4;
}

void fake_log(struct uiommu *u, uint32_t base, uint64_t a, uint64_t b)
{
    uint32_t mask, slot = *fake_reg(u, base == 0x10 ? 0x2018 : 0x2038) >> 4;
    uint64_t *ring = ring_of(u, base, &mask);

    ring[slot * 2] = a;
    ring[slot * 2 + 1] = b;
    fake_tail(u, base);
}

/* Run bits follow the edges of the enables. */
static void control(struct uiommu *u, uint32_t was, uint32_t is)
{
    static const uint32_t pairs[][2] = {{1u << 2, 8}, {1u << 12, 0x10}, {1u << 13, 0x80}};
    uint32_t i;

    for (i = 0; i < 3; i++) {
        if ((is & pairs[i][0]) == 0 && !u->stuck)
            *fake_reg(u, 0x2020) &= ~pairs[i][1];
        if ((is & pairs[i][0]) != 0 && (was & pairs[i][0]) == 0)
            *fake_reg(u, 0x2020) |= pairs[i][1];
    }
    fake_run(u);
}

static void write32(void *ctx, uint64_t addr, uint32_t value)
{
    struct uiommu *u = ctx;
    uint32_t offset = (uint32_t)(addr - BASE), was = *fake_reg(u, offset);

    if (offset == 0x2020) {
        if (u->sticky != 0 && (value & 0x46) != 0)
            u->sticky--;
        else
            *fake_reg(u, offset) &= ~(value & 0x67);
        return;
    }
    *fake_reg(u, offset) = value;
    if (offset == 0x18)
        control(u, was, value);
    if (offset == 0x2008)
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
    u->host.mem_to_device = sync;
    u->host.mem_from_device = sync;
    u->host.mmio_read32 = read32;
    u->host.mmio_read64 = read64;
    u->host.mmio_write32 = write32;
    u->host.mmio_write64 = write64;
    u->host.now_ns = now_ns;
    u->mem_left = UINT32_MAX;
    /* PPR GT IA, 5-level guest tables, GLX 3 levels, PASmax 19, stop marker blocking, GIO, EPH */
    *fake_reg(u, 0x30) = 1u << 1 | 1u << 4 | 1u << 6 | 1u << 12 | 2u << 14;
    *fake_reg(u, 0x34) = 19 | 1u << 12 | 1u << 16 | 1u << 18;
    return u;
}

void fake_free(struct uiommu *u)
{
    free(u);
}

struct uiommu_amd_config fake_config(void)
{
    struct uiommu_amd_config c;

    memset(&c, 0, sizeof(c));
    c.size = sizeof(c);
    c.unit.size = sizeof(c.unit);
    c.base = BASE;
    c.address_bits = 52;
    return c;
}

struct uiommu_amd *fake_unit(struct uiommu *u, const struct uiommu_amd_config *config)
{
    struct uiommu_unit *unit;

    if (uiommu_amd_create(u, config, &unit) != UIOMMU_OK)
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
