/* SPDX-License-Identifier: BSD-2-Clause */
#include "table.h"

#include "uiommu/bits.h"

static uint64_t granule(const struct table *t)
{
    return UINT64_C(1) << t->granule_bits;
}

/* Every table below the root fills one granule with entries of eight bytes. */
static uint32_t index_bits(const struct table *t)
{
    return t->granule_bits - 3;
}

/* Level 0 is the root, levels - 1 holds the leaves. */
static uint32_t index_at(const struct table *t, uint64_t va, uint32_t level)
{
    uint32_t shift = t->granule_bits + (t->levels - 1 - level) * index_bits(t);

    return (uint32_t)(va >> shift) & ((1u << index_bits(t)) - 1u);
}

static uint64_t *entries(const struct table *t, uint64_t bus)
{
    return t->memory.cpu(t->memory.ctx, bus);
}

static void show(const struct table *t, const void *cpu, uint64_t bytes)
{
    if (t->memory.to_device != NULL)
        t->memory.to_device(t->memory.ctx, cpu, bytes);
}

static bool table_get(struct table *t, uint64_t *bus)
{
    void *cpu = t->memory.get(t->memory.ctx, granule(t), bus);

    if (cpu == NULL)
        return false;
    show(t, cpu, granule(t));
    t->tables++;
    return true;
}

enum table_status table_init(struct table *t, const struct table_kind *kind,
                             const struct table_memory *memory, uint32_t granule_bits,
                             uint32_t va_bits, uint32_t pa_bits)
{
    if (!kind->possible(granule_bits, va_bits, pa_bits))
        return TABLE_INVALID;
    memset(t, 0, sizeof(*t));
    t->kind = kind;
    t->memory = *memory;
    t->granule_bits = granule_bits;
    t->va_bits = va_bits;
    t->pa_bits = pa_bits;
    t->levels = (va_bits - granule_bits + index_bits(t) - 1) / index_bits(t);
    return table_get(t, &t->root) ? TABLE_OK : TABLE_NO_MEMORY;
}

/* Depth first without recursion: where[] is the way down to the table that is looked at. */
void table_fini(struct table *t)
{
    uint64_t where[TABLE_LEVELS_MAX] = {0};
    uint32_t at[TABLE_LEVELS_MAX] = {0};
    uint32_t level = 0;

    where[0] = t->root;
    while (t->tables > 0) {
        uint64_t entry;

        if (level + 1 < t->levels && at[level] < 1u << index_bits(t)) {
            entry = uiommu_bits_load64(&entries(t, where[level])[at[level]++]);
            if (t->kind->present(entry)) {
                where[++level] = t->kind->address(t, entry);
                at[level] = 0;
            }
            continue;
        }
        t->memory.put(t->memory.ctx, where[level], granule(t));
        t->tables--;
        if (level-- == 0)
            break;
    }
    t->tables = 0;
    t->pages = 0;
}

void table_root(const struct table *t, struct uiommu_root *out)
{
    memset(out, 0, sizeof(*out));
    out->format = t->kind->format;
    out->granule_bits = (uint8_t)t->granule_bits;
    out->va_bits = (uint8_t)t->va_bits;
    out->pa_bits = (uint8_t)t->pa_bits;
    out->table = t->root;
    out->attributes = t->kind->attributes;
}

/* The leaf entry of va; NULL where a table on the way is missing and make is false, or no memory
 * is left for it. */
static uint64_t *leaf_entry(struct table *t, uint64_t va, bool make)
{
    uint64_t bus = t->root;
    uint32_t level;

    for (level = 0; level + 1 < t->levels; level++) {
        uint64_t *entry = &entries(t, bus)[index_at(t, va, level)];
        uint64_t word = uiommu_bits_load64(entry);

        if (!t->kind->present(word)) {
            if (!make || !table_get(t, &bus))
                return NULL;
            /* Hardware that finds the entry finds a table of zeroes behind it. */
            uiommu_fence_dma_store();
            uiommu_bits_publish64(entry, t->kind->next(t, bus, t->levels - 1 - level));
            show(t, entry, sizeof(*entry));
            continue;
        }
        bus = t->kind->address(t, word);
    }
    return &entries(t, bus)[index_at(t, va, level)];
}

static bool fits(const struct table *t, uint64_t address, uint32_t bits)
{
    return (address & (granule(t) - 1)) == 0 && address >> bits == 0;
}

enum table_status table_map(struct table *t, uint64_t va, uint64_t bus, uint32_t access)
{
    uint64_t *entry;

    if (!fits(t, va, t->va_bits) || !fits(t, bus, t->pa_bits))
        return TABLE_INVALID;
    entry = leaf_entry(t, va, true);
    if (entry == NULL)
        return TABLE_NO_MEMORY;
    if (t->kind->present(uiommu_bits_load64(entry)))
        return TABLE_MAPPED;
    /* The bytes of the page were stored before. */
    uiommu_fence_dma_store();
    uiommu_bits_publish64(entry, t->kind->leaf(t, bus, access));
    show(t, entry, sizeof(*entry));
    t->pages++;
    return TABLE_OK;
}

enum table_status table_unmap(struct table *t, uint64_t va, uint64_t *bus)
{
    uint64_t *entry;
    uint64_t word;

    if (!fits(t, va, t->va_bits))
        return TABLE_INVALID;
    entry = leaf_entry(t, va, false);
    word = entry == NULL ? 0 : uiommu_bits_load64(entry);
    if (entry == NULL || !t->kind->present(word))
        return TABLE_UNMAPPED;
    if (bus != NULL)
        *bus = t->kind->address(t, word);
    uiommu_bits_retract64(entry, 0);
    show(t, entry, sizeof(*entry));
    t->pages--;
    return TABLE_OK;
}

enum table_status table_walk(const struct table *t, uint64_t va, uint64_t *bus, uint32_t *access)
{
    uint64_t at = t->root, word = 0;
    uint32_t level;

    if (va >> t->va_bits != 0)
        return TABLE_INVALID;
    for (level = 0; level < t->levels; level++) {
        word = uiommu_bits_load64(&entries(t, at)[index_at(t, va, level)]);
        if (!t->kind->present(word))
            return TABLE_UNMAPPED;
        at = t->kind->address(t, word);
    }
    if (bus != NULL)
        *bus = at | (va & (granule(t) - 1));
    if (access != NULL)
        *access = t->kind->access(word);
    return TABLE_OK;
}
