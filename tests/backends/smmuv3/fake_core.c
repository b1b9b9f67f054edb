/* SPDX-License-Identifier: BSD-2-Clause */
#include "fake_core.h"

#include <stdlib.h>

#define BASE UINT64_C(0x9000000)

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
    out->cpu = aligned_alloc(align < 16 ? 16 : align, rounded < 16 ? 16 : rounded);
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

static bool fails(struct uiommu *u, uint64_t d0)
{
    if (u->error_times == 0 || (d0 & 0xff) != u->error_op)
        return false;
    u->error_times--;
    return true;
}

void fake_run(struct uiommu *u)
{
    uint64_t base = read64(u, BASE + 0x90);
    uint32_t mask = (2u << (base & 31)) - 1, cons = *fake_reg(u, 0x9c) & mask;
    const uint64_t *queue =
        (const uint64_t *)(uintptr_t)(base & UINT64_C(0xffffffffffffe0) & ~(uint64_t)0x1f);

    if (u->hold || (*fake_reg(u, 0x20) & 8) == 0)
        return;
    while (cons != (*fake_reg(u, 0x98) & mask) &&
           ((*fake_reg(u, 0x60) ^ *fake_reg(u, 0x64)) & 1) == 0) {
        const uint64_t *words = queue + (cons & (mask >> 1)) * 2;

        if (fails(u, words[0])) {
            *fake_reg(u, 0x9c) = cons | u->error_code << 24;
            *fake_reg(u, 0x60) ^= 1;
            return;
        }
        if (u->logged < FAKE_LOG) {
            u->log[u->logged].d[0] = words[0];
            u->log[u->logged++].d[1] = words[1];
        }
        cons = (cons + 1) & mask;
        *fake_reg(u, 0x9c) = cons;
    }
}

static void write32(void *ctx, uint64_t addr, uint32_t value)
{
    struct uiommu *u = ctx;
    uint32_t offset = (uint32_t)(addr - BASE);

    *fake_reg(u, offset) = value;
    if (offset == 0x20 && !u->stuck)
        *fake_reg(u, 0x24) = value;
    if (offset == 0x50)
        *fake_reg(u, 0x54) = value;
    if (offset == 0x44)
        *fake_reg(u, 0x44) = value & 0x7fffffff;
    if (offset == 0x98)
        u->doorbells++;
    if (offset == 0x98 || offset == 0x64)
        fake_run(u);
}

static void write64(void *ctx, uint64_t addr, uint64_t value)
{
    write32(ctx, addr, (uint32_t)value);
    write32(ctx, addr + 4, (uint32_t)(value >> 32));
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
    /* S1P S2P TTF=2 COHACC BTM HTTU=2 Hyp ATS ASID16 MSI PRI CD2L LE ATSRECERR two-level */
    *fake_reg(u, 0x00) = 0x3 | 2u << 2 | 1u << 4 | 1u << 5 | 2u << 6 | 1u << 9 | 1u << 10 |
                         1u << 12 | 1u << 13 | 1u << 16 | 1u << 19 | 2u << 21 | 1u << 23 | 1u << 27;
    *fake_reg(u, 0x04) = 16 | 20u << 6 | 10u << 11 | 10u << 16 | 10u << 21;
    *fake_reg(u, 0x0c) = 1u << 10;
    *fake_reg(u, 0x14) = 5 | 7u << 4 | 64u << 16;
    return u;
}

void fake_free(struct uiommu *u)
{
    free(u);
}

struct uiommu_smmuv3_config fake_config(void)
{
    struct uiommu_smmuv3_config c;

    memset(&c, 0, sizeof(c));
    c.size = sizeof(c);
    c.unit.size = sizeof(c.unit);
    c.base = BASE;
    return c;
}

struct uiommu_smmuv3 *fake_unit(struct uiommu *u, const struct uiommu_smmuv3_config *config)
{
    struct uiommu_unit *unit;

    if (uiommu_smmuv3_create(u, config, &unit) != UIOMMU_OK)
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
