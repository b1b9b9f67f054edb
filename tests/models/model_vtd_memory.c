/* SPDX-License-Identifier: BSD-2-Clause */
#include "model_vtd_internal.h"

static uint8_t *cpu_view(const struct model_vtd *m, uint64_t bus, uint64_t bytes)
{
    const struct model_ram *ram = &m->world->ram;
    uint64_t at = bus - ram->base;

    if (bus < ram->base || at >= ram->bytes || bytes > ram->bytes - at) {
        return NULL;
    }
    return ram->cpu + (size_t)at;
}

/* The CPU's view of memory that software owns, without the side effects of a bus access. */
const uint8_t *vtd_peek(const struct model_vtd *m, uint64_t bus, uint64_t bytes)
{
    const struct model_ram *ram = &m->world->ram;
    const uint8_t *cpu = cpu_view(m, bus, bytes);

    if (cpu == NULL || (ram->pages[(bus - ram->base) >> MODEL_PAGE_SHIFT].state &
                        (MODEL_RAM_GIVEN | MODEL_RAM_TAKEN)) == 0) {
        return NULL;
    }
    return cpu;
}

static uint64_t little(const uint8_t *at)
{
    uint64_t word = 0;
    unsigned i;

    for (i = 0; i < 8; i++) {
        word |= (uint64_t)at[i] << (8 * i);
    }
    return word;
}

/* 0: nothing of software's is there. */
uint64_t vtd_peek64(const struct model_vtd *m, uint64_t bus)
{
    const uint8_t *at = vtd_peek(m, bus, 8);

    return at == NULL ? 0 : little(at);
}

/* snoop: what the CPU wrote is seen whether it was cleaned or not. */
bool vtd_read(struct model_vtd *m, uint64_t bus, uint64_t *words, uint32_t count, bool snoop)
{
    const uint8_t *cpu = cpu_view(m, bus, 8 * (uint64_t)count);
    uint32_t i;

    for (i = 0; i < count; i++) {
        if (!model_bus_read64(m->world, bus + 8 * (uint64_t)i, &words[i])) {
            return false;
        }
        if (snoop && cpu != NULL) {
            words[i] = little(cpu + 8 * (size_t)i);
        }
    }
    return true;
}

/* What a device reads: snooped. */
bool vtd_load(struct model_vtd *m, uint64_t bus, void *to, uint32_t bytes)
{
    const uint8_t *cpu = cpu_view(m, bus, bytes);

    if (!model_bus_read(m->world, bus, to, bytes)) {
        return false;
    }
    if (cpu != NULL && m->world->ram.cpu != m->world->ram.hw) {
        memcpy(to, cpu, bytes);
    }
    return true;
}

/* Writes of hardware's are always coherent. */
bool vtd_write(struct model_vtd *m, uint64_t bus, const void *from, uint32_t bytes)
{
    uint8_t *cpu = cpu_view(m, bus, bytes);

    if (!model_bus_write(m->world, bus, from, bytes)) {
        return false;
    }
    if (cpu != NULL && m->world->ram.cpu != m->world->ram.hw) {
        memcpy(cpu, from, bytes);
    }
    return true;
}

bool vtd_write_words(struct model_vtd *m, uint64_t bus, const uint64_t *words, uint32_t count)
{
    uint8_t bytes[64];
    uint32_t i;

    for (i = 0; i < 8 * count; i++) {
        bytes[i] = (uint8_t)(words[i / 8] >> (8 * (i % 8)));
    }
    return vtd_write(m, bus, bytes, 8 * count);
}

static bool pre_in_half(const struct model_vtd *m, uint64_t half)
{
    uint64_t table = half & ~vtd_ones(12);
    uint32_t i;

    if ((half & 1) == 0) {
        return false;
    }
    for (i = 0; i < 128; i++) {
        if ((vtd_peek64(m, table + 32 * (uint64_t)i) & 0x11u) == 0x11u) {
            return true;
        }
    }
    return false;
}

/* Some context entry, in memory or cached, lets page requests in. */
bool vtd_pre_anywhere(const struct model_vtd *m)
{
    uint64_t table = m->root & ~vtd_ones(12);
    uint32_t i;

    if (!vtd_on(m, VTD_TES) || vtd_ttm(m) != VTD_TTM_SCALABLE) {
        return false;
    }
    for (i = 0; i < VTD_CONTEXTS; i++) {
        if (m->context[i].used && (m->context[i].word[0] & 0x11u) == 0x11u) {
            return true;
        }
    }
    for (i = 0; i < 512; i++) {
        if (pre_in_half(m, vtd_peek64(m, table + 8 * (uint64_t)i))) {
            return true;
        }
    }
    return false;
}
