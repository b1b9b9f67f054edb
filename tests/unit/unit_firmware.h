/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef UNIT_FIRMWARE_H
#define UNIT_FIRMWARE_H
/* Tables for tests of the firmware readers: made by iasl and dtc, or byte by byte. */
#include <uiommu/group.h>
#include <uiommu/reserved.h>

#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../support/firmware_walk.h"

struct table {
    uint8_t *bytes; /* Exactly so many, so that a sanitizer sees a read beyond. */
    size_t size;
};

/* NULL bytes: there was no tool that makes it. */
static inline struct table load(const char *name)
{
    struct table t = {NULL, 0};
    const char *folder = getenv("UIOMMU_TABLES");
    char path[4096];
    FILE *file;

    snprintf(path, sizeof(path), "%s/%s", folder == NULL ? "/nowhere" : folder, name);
    file = fopen(path, "rb");
    if (file == NULL)
        return t;
    t.bytes = malloc(1 << 16);
    t.size = fread(t.bytes, 1, 1 << 16, file);
    t.bytes = realloc(t.bytes, t.size);
    fclose(file);
    return t;
}

#define NEED(t)                                                                                    \
    do {                                                                                           \
        if ((t).bytes == NULL)                                                                     \
            cr_skip_test("no table: iasl (Debian: acpica-tools) or dtc (device-tree-compiler) is " \
                         "not installed, or UIOMMU_TABLES does not name their output");            \
    } while (0)

#define BOTH (UIOMMU_READ | UIOMMU_WRITE)

/* Of a reader: without a word. */
static inline bool reserved_is(const struct uiommu_reserved *r, uint64_t first, uint64_t last,
                               uint32_t access)
{
    return r->first == first && r->last == last && r->access == access &&
           r->word == UIOMMU_RESERVED_NONE;
}

static inline void put(uint8_t *at, uint32_t bytes, uint64_t value)
{
    uint32_t i;

    for (i = 0; i < bytes; i++)
        at[i] = (uint8_t)(value >> 8 * i);
}

static inline void put_cell(uint8_t *at, uint32_t value)
{
    at[0] = (uint8_t)(value >> 24);
    at[1] = (uint8_t)(value >> 16);
    at[2] = (uint8_t)(value >> 8);
    at[3] = (uint8_t)value;
}

/* Length and checksum of an ACPI table are made true. */
static inline void seal(uint8_t *bytes, size_t size)
{
    uint8_t sum = 0;
    size_t i;

    if (size < 36)
        return;
    put(bytes + 4, 4, size);
    bytes[9] = 0;
    for (i = 0; i < size; i++)
        sum = (uint8_t)(sum + bytes[i]);
    bytes[9] = (uint8_t)-sum;
}

/* A table under construction. */
struct make {
    uint8_t bytes[4096];
    uint32_t size;
};

static inline void make_begin(struct make *m, const char *signature, uint32_t size)
{
    memset(m, 0, sizeof(*m));
    memcpy(m->bytes, signature, 4);
    m->size = size;
}

/* Room for so many bytes more; where they are. */
static inline uint8_t *make_add(struct make *m, uint32_t bytes)
{
    uint8_t *at = m->bytes + m->size;

    m->size += bytes;
    cr_assert(m->size <= sizeof(m->bytes));
    return at;
}

/* Sealed, in memory of its own. */
static inline struct table make_end(struct make *m)
{
    struct table t = {malloc(m->size), m->size};

    memcpy(t.bytes, m->bytes, m->size);
    seal(t.bytes, t.size);
    return t;
}

/* Cut anywhere; every byte changed. 'acpi': with a header that fits again. */
static inline unsigned long torture(enum firmware_kind kind, const struct table *good)
{
    static const uint8_t masks[] = {0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80, 0xff};
    struct firmware_seen seen;
    const char *wrong;
    unsigned long runs = 0, matches = 0;
    size_t cut, at, k;
    uint8_t *copy;

    for (cut = 0; cut <= good->size; cut++) {
        copy = malloc(cut == 0 ? 1 : cut);
        memcpy(copy, good->bytes, cut);
        wrong = firmware_walk(kind, copy, cut, &seen);
        cr_assert_null(wrong, "cut to %zu: %s", cut, wrong);
        if (kind != FIRMWARE_FDT)
            seal(copy, cut);
        else if (cut >= 40)
            put_cell(copy + 4, (uint32_t)cut);
        wrong = firmware_walk(kind, copy, cut, &seen);
        cr_assert_null(wrong, "cut to %zu, sealed: %s", cut, wrong);
        matches += seen.matches;
        runs += 2;
        free(copy);
    }
    copy = malloc(good->size);
    for (at = 0; at < good->size; at++) {
        for (k = 0; k < sizeof(masks); k++) {
            memcpy(copy, good->bytes, good->size);
            copy[at] ^= masks[k];
            if (kind != FIRMWARE_FDT)
                seal(copy, good->size);
            wrong = firmware_walk(kind, copy, good->size, &seen);
            cr_assert_null(wrong, "byte %zu with %02x: %s", at, masks[k], wrong);
            matches += seen.matches;
            runs++;
        }
    }
    free(copy);
    cr_assert(matches > runs, "the tables lost all their sense: %lu of %lu", matches, runs);
    return runs;
}

#endif
