/* SPDX-License-Identifier: BSD-2-Clause */
#include "amd_fake_core.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BASE UINT64_C(0xfd000000)

static uint64_t *ring_of(struct uiommu *u, uint32_t base, uint32_t *mask)
{
    uint64_t v = fake_reg64(u, base);

    *mask = (1u << ((v >> 56) & 15)) - 1;
    return (uint64_t *)(uintptr_t)(v & UINT64_C(0xffffffffff000));
}

/* Hardware stores a word. */
static void store(struct uiommu *u, uint64_t *at, uint64_t word)
{
    uint32_t i;

    if (!u->cached) {
        *at = word;
        return;
    }
    for (i = 0; i < u->store_count && u->stores[i].at != at; i++)
        ;
    if (i == FAKE_STORES)
        abort();
    u->stores[i].at = at;
    u->stores[i].word = word;
    u->store_count += i == u->store_count;
}

static void note(struct uiommu *u, const char *format, ...)
{
    size_t used = strlen(u->text);
    va_list args;

    if (!u->tracing)
        return;
    va_start(args, format);
    (void)vsnprintf(u->text + used, sizeof(u->text) - used, format, args);
    va_end(args);
}

void fake_trace(struct uiommu *u)
{
    u->tracing = true;
    u->text[0] = '\0';
}

const char *fake_traced(struct uiommu *u)
{
    u->tracing = false;
    return u->text;
}

void fake_run(struct uiommu *u)
{
    uint32_t mask, slot;
    uint64_t *ring = ring_of(u, 0x08, &mask), d0;

    while (!u->hold && (*fake_reg(u, 0x2020) & 0x10) != 0 &&
           *fake_reg(u, 0x2000) != *fake_reg(u, 0x2008)) {
        slot = *fake_reg(u, 0x2000) >> 4;
        d0 = le64(ring[slot * 2]);
        if (u->refusals != 0 && d0 >> 60 == u->refuse) {
            u->refusals--;
            *fake_reg(u, 0x2020) &= ~0x10u;
            fake_log(u, 0x10, UINT64_C(5) << 60, (uintptr_t)(ring + slot * 2));
            return;
        }
        if (u->logged < FAKE_LOG) {
            u->log[u->logged].d[0] = d0;
            u->log[u->logged++].d[1] = le64(ring[slot * 2 + 1]);
        }
        if (d0 >> 60 == 1 && (d0 & 1) != 0)
            store(u, (uint64_t *)(uintptr_t)(d0 & UINT64_C(0xffffffffffff8)), ring[slot * 2 + 1]);
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

    store(u, &ring[slot * 2 + 1], le64(b));
    store(u, &ring[slot * 2], le64(a));
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
        if ((is & pairs[i][0]) != 0 && (was & pairs[i][0]) == 0 && (i != 2 || !u->no_ppr))
            *fake_reg(u, 0x2020) |= pairs[i][1];
        if ((is & ~was & pairs[i][0]) != 0)
            u->run_wait = u->run_late;
    }
    fake_run(u);
}

static uint32_t read32(void *ctx, uint64_t addr)
{
    struct uiommu *u = ctx;
    uint32_t value = *fake_reg(u, (uint32_t)(addr - BASE));

    u->core.accesses++;
    if (addr - BASE == 0x2018 || addr - BASE == 0x2038)
        u->loose += u->core.unit.locked == 0;
    if (addr - BASE != 0x2020 || u->run_wait == 0)
        return value;
    u->run_wait--;
    return value & ~0x98u;
}

static void write32(void *ctx, uint64_t addr, uint32_t value)
{
    struct uiommu *u = ctx;
    uint32_t offset = (uint32_t)(addr - BASE), was = *fake_reg(u, offset);

    note(u, "%x=%x ", offset, value);
    if (offset == 0x2020) {
        if (u->sticky != 0 && (value & 0x46) != 0)
            u->sticky--;
        else
            *fake_reg(u, offset) &= ~(value & 0x40067);
        return;
    }
    if (offset == 0 && u->keep_size)
        value = (value & ~0x1ffu) | (was & 0x1ff);
    if (offset == 0 && u->watch != NULL)
        u->watched = le64(*u->watch);
    if (offset == 0x18 && u->stay_on)
        value |= was & 1;
    *fake_reg(u, offset) = value;
    if (offset == 0x18)
        control(u, was, value);
    if (offset == 0x2008)
        fake_run(u);
    for (; offset == 0x2030 && u->behind != 0; u->behind--)
        fake_log(u, 0x38, 0x1144020112340118, 0x7fff12344000);
}

static void (*core_write64)(void *ctx, uint64_t addr, uint64_t value);

static void write64(void *ctx, uint64_t addr, uint64_t value)
{
    struct uiommu *u = ctx;

    if (addr != BASE || !u->keep_base || (*fake_reg(u, 0x18) & 1) == 0)
        core_write64(ctx, addr, value);
}

/* Which ring a cleaned word is of, and where. */
static void to_device(void *ctx, const void *cpu, uint64_t bytes)
{
    struct uiommu *u = ctx;
    const struct uiommu_amd *hw = u->core.unit.hw;
    const struct {
        const char *name;
        const struct uiommu_mem *mem;
    } of[] = {{"ppr", &hw->ppr.mem}, {"evt", &hw->evt.mem}, {"cmd", &hw->cmdq.mem}};
    const uint64_t *words = cpu;
    uint64_t at;
    size_t i;

    u->core.cleaned++;
    u->clean_locked = u->core.unit.locked != 0;
    for (i = 0; i < 3; i++) {
        at = (uint64_t)((uintptr_t)cpu - (uintptr_t)of[i].mem->cpu);
        if (of[i].mem->cpu != NULL && at < of[i].mem->bytes)
            note(u, "%s%x=%llx,%llx%s ", of[i].name, (unsigned int)at / 16u,
                 (unsigned long long)le64(words[0]), (unsigned long long)le64(words[1]),
                 bytes == of[i].mem->bytes ? " all"
                 : bytes == 16             ? ""
                                           : " part");
    }
    if (cpu == (const uint64_t *)hw->cmdq.store.cpu + hw->cmdq.slot)
        note(u, "word%x=%llx ", hw->cmdq.slot, (unsigned long long)le64(words[0]));
}

static void from_device(void *ctx, const void *cpu, uint64_t bytes)
{
    struct uiommu *u = ctx;
    uint32_t i, left = 0;

    u->looks++;
    if (u->on_look != NULL)
        u->on_look(u, cpu);
    for (i = 0; i < u->store_count; i++) {
        if ((uintptr_t)u->stores[i].at - (uintptr_t)cpu < bytes)
            *u->stores[i].at = u->stores[i].word;
        else
            u->stores[left++] = u->stores[i];
    }
    u->store_count = left;
}

struct uiommu *fake_new(void)
{
    struct uiommu *u = fake_core_new(sizeof(*u), BASE, 0x4000, write32);

    core_write64 = u->core.host.mmio_write64;
    u->core.host.mmio_read32 = read32;
    u->core.host.mmio_write64 = write64;
    u->core.host.mem_to_device = to_device;
    u->core.host.mem_from_device = from_device;
    /* PPR GT IA, 5-level guest tables, GLX 3 levels, PASmax 19, stop marker blocking, GIO, EPH */
    *fake_reg(u, 0x30) = 1u << 1 | 1u << 4 | 1u << 6 | 1u << 12 | 2u << 14;
    *fake_reg(u, 0x34) = 19 | 1u << 12 | 1u << 16 | 1u << 18;
    return u;
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
    return fake_unit_start(u);
}
