/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "stress_machine.h"

/*
 * Four levels with 512 entries each, in the words of each vendor that is there; all formats lead
 * to the same pages. The address of a page and every word in it name the address space it belongs
 * to, so that whatever reaches another one is seen.
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

    __atomic_store_n(entry, word, __ATOMIC_RELEASE);
    model_ram_clean(m->world, entry, sizeof(*entry));
}

static uint64_t slot_of(uint64_t va, uint32_t level)
{
    return va >> (12 + 9 * (LEVELS - 1 - level)) & 0x1FF;
}

static bool make_format(struct machine *m, struct st_tables *t, uint32_t f)
{
    struct st_piece *table = t->table[f];
    uint32_t i;

    for (i = 0; i < LEVELS; i++) {
        if (!piece_get(m, &table[i])) {
            return false;
        }
        if (i > 0) {
            entry_set(m, &table[i - 1], slot_of(st_address(t->id, 0), i - 1),
                      m->format[f]->entry_table(table[i].bus));
        }
    }
    return true;
}

bool st_tables_make(struct machine *m, struct st_tables *t, uint64_t id)
{
    uint32_t f;

    memset(t, 0, sizeof(*t));
    t->id = id;
    for (f = 0; f < m->formats; f++) {
        if (!make_format(m, t, f)) {
            st_tables_free(m, t);
            return false;
        }
    }
    return true;
}

static void pieces_put(struct machine *m, struct st_piece *piece, uint32_t count)
{
    uint32_t i;

    for (i = 0; i < count; i++) {
        if (piece[i].cpu != NULL) {
            st_piece_put(m, &piece[i]);
            piece[i].cpu = NULL;
        }
    }
}

void st_tables_free(struct machine *m, struct st_tables *t)
{
    uint32_t f;

    t->gone = true;
    for (f = 0; f < m->formats; f++) {
        pieces_put(m, t->table[f], LEVELS);
    }
    pieces_put(m, t->page, ST_PAGES);
    while (t->limbo_count > 0) {
        st_piece_put(m, &t->limbo[--t->limbo_count]);
    }
}

bool st_tables_used(struct machine *m, const struct st_tables *t)
{
    uint32_t f, i, k;

    for (i = 0; i < m->units && !t->gone; i++) {
        for (f = 0; f < m->formats; f++) {
            for (k = 0; k < LEVELS; k++) {
                uint64_t bus = t->table[f][k].bus;

                if (m->unit[i].vendor->uses_tables(&m->unit[i].b, bus, bus + PAGE - 1)) {
                    return true;
                }
            }
        }
    }
    return false;
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
    uint32_t f;

    if (t->gone || page >= ST_PAGES) {
        return false;
    }
    if (t->page[page].cpu != NULL) {
        return true;
    }
    if (t->leaving[page] != 0) {
        return false;
    }
    if (!piece_get(m, &t->page[page])) {
        return false;
    }
    st_fill(t->page[page].cpu, PAGE, t->id);
    model_ram_clean(m->world, t->page[page].cpu, PAGE);
    for (f = 0; f < m->formats; f++) {
        entry_set(m, &t->table[f][LEVELS - 1], page,
                  m->format[f]->entry_page(t->page[page].bus, UIOMMU_READ | UIOMMU_WRITE));
    }
    return true;
}

bool st_unmap(struct machine *m, struct st_tables *t, uint32_t page, struct st_piece *out)
{
    uint32_t f;

    if (t->gone || page >= ST_PAGES || t->page[page].cpu == NULL) {
        return false;
    }
    *out = t->page[page];
    t->page[page].cpu = NULL;
    t->leaving[page]++;
    for (f = 0; f < m->formats; f++) {
        entry_set(m, &t->table[f][LEVELS - 1], page, 0);
    }
    return true;
}

void st_forgot(struct st_tables *t, uint32_t page)
{
    t->leaving[page]--;
}
