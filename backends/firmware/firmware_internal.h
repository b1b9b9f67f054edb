/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef UIOMMU_FIRMWARE_INTERNAL_H
#define UIOMMU_FIRMWARE_INTERNAL_H
/* What the readers share. All reads of a table go through the functions here. */
#include <uiommu/bits.h>
#include <uiommu/firmware.h>

#define FW_PAGE UINT64_C(0x1000)

/* Where DMAR and IVRS have their blocks: behind the ACPI header and 12 bytes of their own. */
#define FW_BLOCKS 48u

static inline bool fw_inside(const struct uiommu_fw_table *t, uint32_t at, uint32_t bytes)
{
    return at <= t->length && bytes <= t->length - at;
}

/* Beyond the end there are zeros. */
static inline uint32_t fw_get8(const struct uiommu_fw_table *t, uint32_t at)
{
    return at < t->length ? t->bytes[at] : 0;
}

static inline uint32_t fw_get16(const struct uiommu_fw_table *t, uint32_t at)
{
    return fw_get8(t, at) | fw_get8(t, at + 1u) << 8;
}

static inline uint32_t fw_get32(const struct uiommu_fw_table *t, uint32_t at)
{
    return fw_get16(t, at) | fw_get16(t, at + 2u) << 16;
}

static inline uint64_t fw_get64(const struct uiommu_fw_table *t, uint32_t at)
{
    return fw_get32(t, at) | (uint64_t)fw_get32(t, at + 4u) << 32;
}

/* Device trees are big-endian. */
static inline uint32_t fw_cell(const struct uiommu_fw_table *t, uint32_t at)
{
    return fw_get8(t, at) << 24 | fw_get8(t, at + 1u) << 16 | fw_get8(t, at + 2u) << 8 |
           fw_get8(t, at + 3u);
}

static inline void fw_place(struct uiommu_fw_place *p, uint32_t offset, uint32_t length)
{
    p->verdict = UIOMMU_FW_GOOD;
    p->offset = offset;
    p->length = length;
    p->at = 0;
    p->other = 0;
}

static inline bool fw_good(const struct uiommu_fw_place *p)
{
    return p->verdict == UIOMMU_FW_GOOD;
}

/* The first thing found stays. */
static inline void fw_bad(struct uiommu_fw_place *p, enum uiommu_fw_verdict verdict, uint32_t at)
{
    if (p->verdict == UIOMMU_FW_GOOD) {
        p->verdict = verdict;
        p->at = at;
    }
}

static inline void fw_clash(struct uiommu_fw_place *p, enum uiommu_fw_verdict verdict, uint32_t at,
                            uint32_t other)
{
    if (p->verdict == UIOMMU_FW_GOOD) {
        fw_bad(p, verdict, at);
        p->other = other;
    }
}

static inline bool fw_overlap(uint64_t first, uint64_t last, uint64_t first2, uint64_t last2)
{
    return first <= last2 && first2 <= last;
}

/* Header, length, checksum of an ACPI table. */
uiommu_err uiommu_fw_open(struct uiommu_fw_table *out, const void *bytes, size_t size,
                          const char *signature);
/* The next block of a table whose blocks have their length as 16 bits at 2. */
bool uiommu_fw_block(const struct uiommu_fw_table *t, uint32_t *cursor, struct uiommu_fw_place *p);
/* Register base at 'at', a multiple of 'bytes' (a power of two not below a page), and its end. */
void uiommu_fw_window(struct uiommu_fw_place *p, uint32_t at, uint64_t align, uint64_t bytes,
                      uint64_t first, uint64_t *last);
/* A string that begins at 'at' and ends in 0 before 'end'. */
bool uiommu_fw_string(const struct uiommu_fw_table *t, uint32_t at, uint32_t end);
/* A match that denies nothing. */
void uiommu_fw_match_begin(struct uiommu_fw_match *m, uint32_t id);

#endif
