/* SPDX-License-Identifier: BSD-2-Clause */
#include "bench.h"

/* Page tables of four levels with 512 entries each; what an entry looks like is the vendor's. */

#define PAGE     UINT64_C(4096)
#define LEVELS   4u
#define BUS_MASK UINT64_C(0x0000FFFFFFFFF000)

static bool map_at(struct bench *b, struct bench_tables *t, uint64_t va, uint64_t bus,
                   uint32_t access);

uint64_t bench_piece(struct bench *b, struct bench_tables *t, void **cpu)
{
    struct uiommu_mem *piece = &t->piece[t->pieces];

    if (t->pieces == BENCH_PIECES) {
        return 0;
    }
    piece->cpu = model_ram_get(b->world, PAGE, PAGE, UINT64_MAX, &piece->bus);
    if (piece->cpu == NULL) {
        return 0;
    }
    piece->bytes = PAGE;
    model_ram_clean(b->world, piece->cpu, PAGE);
    t->pieces++;
    *cpu = piece->cpu;
    if (t->stage == BENCH_NESTED &&
        !map_at(b, t->under, piece->bus + BENCH_GUEST, piece->bus, UIOMMU_READ | UIOMMU_WRITE)) {
        return 0;
    }
    return piece->bus;
}

/* Another unit of the machine may walk another format. */
static bool twin_make(struct bench *b, struct bench_tables *t)
{
    struct bench *o = b->first == NULL && t->stage == BENCH_FIRST ? b->beside : NULL;

    while (o != NULL && o->vendor->format == b->vendor->format) {
        o = o->beside;
    }
    t->twin_of = o;
    t->twin = o == NULL ? NULL : bench_tables_make(o, t->stage);
    return o == NULL || t->twin != NULL;
}

struct bench_tables *bench_tables_make(struct bench *b, enum bench_stage stage)
{
    struct bench_tables *under = stage == BENCH_NESTED ? bench_tables_make(b, BENCH_SECOND) : NULL;
    void *cpu;
    uint32_t i;

    for (i = 0; i < BENCH_TABLES; i++) {
        struct bench_tables *t = &b->tables[i];

        if (!t->used) {
            memset(t, 0, sizeof(*t));
            t->stage = stage;
            t->under = under;
            t->used = stage != BENCH_NESTED || under != NULL;
            t->root = t->used ? bench_piece(b, t, &cpu) : 0;
            return t->root != 0 && twin_make(b, t) ? t : NULL;
        }
    }
    return NULL;
}

void bench_tables_free(struct bench *b, struct bench_tables *t)
{
    while (t->pieces > 0) {
        t->pieces--;
        model_ram_put(b->world, t->piece[t->pieces].bus, PAGE);
    }
    t->used = false;
    if (t->under != NULL) {
        bench_tables_free(b, t->under);
    }
    if (t->twin != NULL) {
        bench_tables_free(t->twin_of, t->twin);
    }
}

bool bench_tables_root(struct bench *b, struct bench_tables *t, struct uiommu_root *out)
{
    uint8_t second = b->features.second_bits != 0 ? b->features.second_bits : 48;

    memset(out, 0, sizeof(*out));
    out->format = t->stage == BENCH_SECOND ? b->vendor->second : b->vendor->format;
    out->granule_bits = 12;
    out->va_bits = t->stage == BENCH_SECOND ? second : 48;
    out->pa_bits = t->stage == BENCH_SECOND && second < 48 ? second : 40;
    out->table = t->root;
    if (t->stage != BENCH_NESTED) {
        return true;
    }
    out->table += BENCH_GUEST;
    out->under.format = b->vendor->second;
    out->under.granule_bits = 12;
    out->under.va_bits = second;
    out->under.pa_bits = second < 48 ? second : 40;
    out->under.table = t->under->root;
    return b->vendor->guest_root == NULL || b->vendor->guest_root(b, t, out);
}

uint32_t bench_tables_roots(struct bench *b, struct bench_tables *t,
                            struct uiommu_root out[BENCH_ROOTS])
{
    if (!bench_tables_root(b, t, &out[0])) {
        return 0;
    }
    if (t->twin == NULL) {
        return 1;
    }
    return bench_tables_root(t->twin_of, t->twin, &out[1]) ? 2 : 0;
}

/* Entries are little-endian, whatever the host is. */
static uint64_t entry_get(const uint8_t *at)
{
    uint64_t word = 0;
    uint32_t i;

    for (i = 0; i < 8; i++) {
        word |= (uint64_t)at[i] << (8 * i);
    }
    return word;
}

static void entry_set(struct bench *b, uint8_t *at, uint64_t word)
{
    uint32_t i;

    for (i = 0; i < 8; i++) {
        at[i] = (uint8_t)(word >> (8 * i));
    }
    model_ram_clean(b->world, at, 8);
}

/* As entries of these tables have it, and back. */
static uint64_t seen_at(const struct bench_tables *t, uint64_t bus)
{
    return t->stage == BENCH_NESTED ? bus + BENCH_GUEST : bus;
}

static uint64_t bus_of(const struct bench_tables *t, uint64_t entry)
{
    return (entry & BUS_MASK) - (t->stage == BENCH_NESTED ? BENCH_GUEST : 0);
}

static uint64_t page_entry(const struct bench *b, const struct bench_tables *t, uint64_t bus,
                           uint32_t access)
{
    return t->stage == BENCH_SECOND ? b->vendor->second_page(bus, access)
                                    : b->vendor->entry_page(seen_at(t, bus), access);
}

/* level: of the table that it points to. */
static uint64_t table_entry(const struct bench *b, const struct bench_tables *t, uint64_t bus,
                            uint32_t level)
{
    return t->stage == BENCH_SECOND ? b->vendor->second_table(bus, level)
                                    : b->vendor->entry_table(seen_at(t, bus));
}

/* The last-level entry of va; tables on the way are made. */
static uint8_t *entry_of(struct bench *b, struct bench_tables *t, uint64_t va)
{
    uint64_t bus = t->root;
    uint32_t level;

    for (level = 0; level < LEVELS; level++) {
        uint8_t *table = model_ram_cpu(b->world, bus, PAGE);
        uint32_t shift = 12 + 9 * (LEVELS - 1 - level);
        uint8_t *at = table + 8 * (size_t)(va >> shift & 0x1FF);
        void *cpu;

        if (level == LEVELS - 1) {
            return at;
        }
        if (entry_get(at) == 0) {
            bus = bench_piece(b, t, &cpu);
            if (bus == 0) {
                return NULL;
            }
            entry_set(b, at, table_entry(b, t, bus, LEVELS - 1 - level));
        }
        bus = bus_of(t, entry_get(at));
    }
    return NULL;
}

static bool map_at(struct bench *b, struct bench_tables *t, uint64_t va, uint64_t bus,
                   uint32_t access)
{
    uint8_t *at = entry_of(b, t, va);

    if (at != NULL) {
        entry_set(b, at, page_entry(b, t, bus, access));
    }
    return at != NULL;
}

void *bench_map(struct bench *b, struct bench_tables *t, uint64_t va, uint32_t access)
{
    uint8_t *at = entry_of(b, t, va);
    void *cpu = NULL;
    uint64_t bus;

    if (at == NULL) {
        return NULL;
    }
    if (entry_get(at) != 0) {
        return model_ram_cpu(b->world, bus_of(t, entry_get(at)), PAGE);
    }
    bus = bench_piece(b, t, &cpu);
    if (bus == 0) {
        return NULL;
    }
    entry_set(b, at, page_entry(b, t, bus, access));
    return t->twin == NULL || map_at(t->twin_of, t->twin, va, bus, access) ? cpu : NULL;
}

void bench_unmap(struct bench *b, struct bench_tables *t, uint64_t va)
{
    uint8_t *at = entry_of(b, t, va);

    if (at != NULL) {
        entry_set(b, at, 0);
    }
    if (t->twin != NULL) {
        bench_unmap(t->twin_of, t->twin, va);
    }
}

static bool unit_uses(struct bench *b, const struct bench_tables *t)
{
    uint32_t i;

    for (i = 0; i < t->pieces; i++) {
        if (b->vendor->uses_tables(b, t->piece[i].bus, t->piece[i].bus + PAGE - 1)) {
            return true;
        }
    }
    return false;
}

bool bench_uses_tables(struct bench *b, const struct bench_tables *t)
{
    struct bench *o;

    for (o = b; o != NULL; o = o->beside) {
        if (unit_uses(o, t)) {
            return true;
        }
    }
    return (t->under != NULL && bench_uses_tables(b, t->under)) ||
           (t->twin != NULL && bench_uses_tables(b, t->twin));
}

/* ---- x86-64 entries, for the vendors that share that format ---- */

uint64_t bench_x86_table(uint64_t bus)
{
    return bus | 0x27; /* present, writable, user, accessed */
}

uint64_t bench_x86_page(uint64_t bus, uint32_t access)
{
    return bus | 0x25 | ((access & UIOMMU_WRITE) != 0 ? 0x42u : 0) |
           ((access & UIOMMU_EXEC) != 0 ? 0 : UINT64_C(1) << 63);
}
