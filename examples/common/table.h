/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TABLE_H
#define TABLE_H
/*
 * A small writer of page tables that processors and IOMMUs share. uiommu writes no page tables:
 * an embedder has his own, and where he has none he may copy this.
 *
 * table.c walks, adds and removes; a struct table_kind says what entries look like, and there is
 * one file for each: table_aarch64.c, table_x86_64.c ... Only pages of the smallest size are
 * mapped. One thread at a time; hardware may walk the tables at any moment. Tables that became
 * empty stay until table_fini(), so that an unmapping changes leaf entries only.
 */
#include "uiommu/aspace.h"

#define TABLE_LEVELS_MAX 5u

/* Where tables lie. */
struct table_memory {
    void *ctx;
    /* Zeroed, aligned to its size; NULL: none is left. *bus is what hardware calls it. */
    void *(*get)(void *ctx, uint64_t bytes, uint64_t *bus);
    void (*put)(void *ctx, uint64_t bus, uint64_t bytes);
    /* What get() had returned with this bus address. */
    void *(*cpu)(void *ctx, uint64_t bus);
    /* Optional: hardware that does not snoop must see what was stored. */
    void (*to_device)(void *ctx, const void *cpu, uint64_t bytes);
};

struct table;

/* What entries look like. */
struct table_kind {
    const char *name;
    enum uiommu_root_format format;
    uint64_t attributes; /* For struct uiommu_root; matches what leaf() writes. */
    bool (*possible)(uint32_t granule_bits, uint32_t va_bits, uint32_t pa_bits);
    uint64_t (*leaf)(const struct table *t, uint64_t bus, uint32_t access);
    /* levels: of tables from that one on down; 1: its entries are the leaves. */
    uint64_t (*next)(const struct table *t, uint64_t bus, uint32_t levels);
    bool (*present)(uint64_t entry);
    uint64_t (*address)(const struct table *t, uint64_t entry);
    uint32_t (*access)(uint64_t entry); /* Of a leaf: UIOMMU_READ | UIOMMU_WRITE | UIOMMU_EXEC */
};

extern const struct table_kind table_aarch64;
extern const struct table_kind table_x86_64;
extern const struct table_kind table_x86_64_levelled;
extern const struct table_kind table_x86_64_stage2;

/* One tree of tables. */
struct table {
    const struct table_kind *kind;
    struct table_memory memory;
    uint32_t granule_bits;
    uint32_t va_bits;
    uint32_t pa_bits;
    uint32_t levels;
    uint64_t root;   /* Bus address. */
    uint64_t tables; /* How many there are, the root included. */
    uint64_t pages;  /* How many are mapped. */
};

enum table_status {
    TABLE_OK,
    TABLE_INVALID, /* The format has no such page size or width, or an address does not fit. */
    TABLE_NO_MEMORY,
    TABLE_MAPPED,   /* There is a page already. */
    TABLE_UNMAPPED, /* There is none. */
};

enum table_status table_init(struct table *t, const struct table_kind *kind,
                             const struct table_memory *memory, uint32_t granule_bits,
                             uint32_t va_bits, uint32_t pa_bits);
/* Gives every table back: hardware must not walk them any more. Pages are the caller's. */
void table_fini(struct table *t);
/* As uiommu_aspace_create() wants it. */
void table_root(const struct table *t, struct uiommu_root *out);
/* Map the page at va to the one at bus, of one granule each. access: UIOMMU_READ | ... */
enum table_status table_map(struct table *t, uint64_t va, uint64_t bus, uint32_t access);
/*
 * Take the page at va away. It must not be reused before uiommu_aspace_invalidate() has returned
 * UIOMMU_OK for it. bus may be NULL.
 */
enum table_status table_unmap(struct table *t, uint64_t va, uint64_t *bus);
/* As hardware walks. bus and access may be NULL. */
enum table_status table_walk(const struct table *t, uint64_t va, uint64_t *bus, uint32_t *access);

#endif
