/* SPDX-License-Identifier: BSD-2-Clause */
/* Registers that lie, and what the stand-ins share. */
#include "fuzz_unit.h"

#include <string.h>

/* The two pages of one vendor lie 64 KiB apart. */
static uint32_t fold(uint32_t offset)
{
    if (offset >= 0x10000u && offset < 0x11000u)
        offset -= 0xf000u;
    FUZZ_CHECK(offset < FUZZ_REGS && (offset & 3u) == 0);
    return offset;
}

uint32_t fuzz_reg(const struct fuzz_unit *v, uint32_t offset)
{
    uint32_t value;

    memcpy(&value, v->reg + fold(offset), sizeof(value));
    return value;
}

uint64_t fuzz_reg64(const struct fuzz_unit *v, uint32_t offset)
{
    return fuzz_reg(v, offset) | (uint64_t)fuzz_reg(v, offset + 4u) << 32;
}

void fuzz_reg_set(struct fuzz_unit *v, uint32_t offset, uint32_t value)
{
    memcpy(v->reg + fold(offset), &value, sizeof(value));
}

void fuzz_reg_set64(struct fuzz_unit *v, uint32_t offset, uint64_t value)
{
    fuzz_reg_set(v, offset, (uint32_t)value);
    fuzz_reg_set(v, offset + 4u, (uint32_t)(value >> 32));
}

uint32_t fuzz_unit_read(struct fuzz_unit *v, uint32_t offset)
{
    uint32_t i;

    for (i = 0; i < FUZZ_LIES; i++) {
        struct fuzz_lie *lie = &v->lie[i];

        if (lie->count == 0 || fold(lie->offset) != fold(offset))
            continue;
        if (lie->skip != 0) {
            lie->skip--;
            continue;
        }
        if (lie->count != FUZZ_FOREVER)
            lie->count--;
        return lie->value;
    }
    return fuzz_reg(v, offset);
}

void fuzz_unit_write(struct fuzz_unit *v, uint32_t offset, uint32_t value)
{
    v->vendor->write(v, offset, value);
}

void fuzz_ring_put(struct fuzz_unit *v, uint64_t *word, uint64_t value)
{
    if (v->page_count < sizeof(v->pages) / sizeof(v->pages[0]))
        v->pages[v->page_count++] = value >> 12;
    *word = value;
}

bool fuzz_page_was(const struct fuzz_unit *v, uint64_t address)
{
    uint32_t i;

    if (v->page_count == sizeof(v->pages) / sizeof(v->pages[0]) || address >> 12 == 0)
        return true;
    for (i = 0; i < v->page_count; i++) {
        if (v->pages[i] == address >> 12)
            return true;
    }
    return false;
}

void fuzz_unit_moment(struct fuzz_unit *v)
{
    uint32_t i, words;
    uint64_t *ring;

    for (i = 0; i < FUZZ_AMBUSHES; i++) {
        struct fuzz_ambush *a = &v->ambush[i];

        if (a->in == 0 || --a->in != 0)
            continue;
        if (!a->memory) {
            fuzz_reg_set(v, a->at, (uint32_t)a->value);
            continue;
        }
        ring = v->vendor->ring(v, a->ring, &words);
        if (ring != NULL)
            fuzz_ring_put(v, &ring[a->at % words], a->value);
    }
}

bool fuzz_command_may(struct fuzz_unit *v, bool *refused)
{
    *refused = false;
    if (v->budget == 0)
        return false;
    if (v->budget != FUZZ_UNLIMITED)
        v->budget--;
    if (v->refuse != 0 && --v->refuse == 0) {
        *refused = true;
        return false;
    }
    return true;
}

void fuzz_unit_heal(struct fuzz_unit *v)
{
    memset(v->lie, 0, sizeof(v->lie));
    memset(v->ambush, 0, sizeof(v->ambush));
    memset(v->reg, 0, sizeof(v->reg));
    v->budget = FUZZ_UNLIMITED;
    v->refuse = 0;
    v->vendor->power(v);
}
