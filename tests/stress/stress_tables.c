/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "stress_machine.h"

/*
 * VMSAv8-64 stage 1, 4 KiB pages, 48 bits. The address of a page and every word in it name the
 * address space it belongs to, so that whatever reaches another one is seen.
 */

#define PAGE   UINT64_C(4096)
#define LEVELS 4u

static bool piece_get(struct machine *m, struct st_piece *out)
{
    out->cpu = model_ram_get(m->world, PAGE, PAGE, UINT64_MAX, &out->bus);
    if (out->cpu == NULL) {
        return false;
    }
    model_ram_clean(m->world, out->cpu, PAGE);
    return true;
}

void st_piece_put(struct machine *m, const struct st_piece *piece)
{
    model_ram_put(m->world, piece->bus, PAGE);
}

static void entry_set(struct machine *m, struct st_piece *table, uint64_t slot, uint64_t word)
{
    uint64_t *entry = (uint64_t *)table->cpu + slot;

    *entry = word;
    model_ram_clean(m->world, entry, sizeof(*entry));
}

static uint64_t slot_of(uint64_t va, uint32_t level)
{
    return va >> (12 + 9 * (LEVELS - 1 - level)) & 0x1FF;
}

bool st_tables_make(struct machine *m, struct st_tables *t, uint64_t id)
{
    uint32_t i;

    memset(t, 0, sizeof(*t));
    t->id = id;
    for (i = 0; i < LEVELS; i++) {
        if (!piece_get(m, &t->table[i])) {
            st_tables_free(m, t);
            return false;
        }
        if (i > 0) {
            entry_set(m, &t->table[i - 1], slot_of(st_address(id, 0), i - 1), t->table[i].bus | 3);
        }
    }
    return true;
}

void st_tables_free(struct machine *m, struct st_tables *t)
{
    uint32_t i;

    t->gone = true;
    for (i = 0; i < LEVELS; i++) {
        if (t->table[i].cpu != NULL) {
            st_piece_put(m, &t->table[i]);
            t->table[i].cpu = NULL;
        }
    }
    for (i = 0; i < ST_PAGES; i++) {
        if (t->page[i].cpu != NULL) {
            st_piece_put(m, &t->page[i]);
            t->page[i].cpu = NULL;
        }
    }
    while (t->limbo_count > 0) {
        st_piece_put(m, &t->limbo[--t->limbo_count]);
    }
}

void st_fill(void *bytes, size_t count, uint64_t id)
{
    uint64_t *word = bytes;
    size_t i;

    for (i = 0; i < count / sizeof(*word); i++) {
        word[i] = id;
    }
}

bool st_all_words(const void *bytes, size_t count, uint64_t id)
{
    const uint64_t *word = bytes;
    size_t i;

    for (i = 0; i < count / sizeof(*word); i++) {
        if (word[i] != id) {
            return false;
        }
    }
    return true;
}

bool st_map(struct machine *m, struct st_tables *t, uint32_t page)
{
    /* AP[1], inner shareable, AF, nG, PXN, UXN: readable and writable. */
    uint64_t bits =
        3 | 1u << 6 | 3u << 8 | 1u << 10 | 1u << 11 | UINT64_C(1) << 53 | UINT64_C(1) << 54;

    if (t->gone || page >= ST_PAGES) {
        return false;
    }
    if (t->page[page].cpu != NULL) {
        return true;
    }
    if (!piece_get(m, &t->page[page])) {
        return false;
    }
    st_fill(t->page[page].cpu, PAGE, t->id);
    model_ram_clean(m->world, t->page[page].cpu, PAGE);
    entry_set(m, &t->table[LEVELS - 1], page, t->page[page].bus | bits);
    return true;
}

bool st_unmap(struct machine *m, struct st_tables *t, uint32_t page, struct st_piece *out)
{
    if (t->gone || page >= ST_PAGES || t->page[page].cpu == NULL) {
        return false;
    }
    *out = t->page[page];
    t->page[page].cpu = NULL;
    entry_set(m, &t->table[LEVELS - 1], page, 0);
    return true;
}
