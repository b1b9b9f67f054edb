/* SPDX-License-Identifier: BSD-2-Clause */
/* ACPI IVRS (publication 48882, chapter 5). */
#include <uiommu/ivrs.h>

#include "firmware_internal.h"

#define IVHD_SMALL 0x10u
#define IVHD       0x11u
#define IVHD_NAMES 0x40u
#define IVMD_ALL   0x20u
#define IVMD_ONE   0x21u
#define IVMD_RANGE 0x22u

#define FLAG_IOTLB    0x10u
#define FLAG_PPR      0x80u
#define ATTR_GT       0x4u
#define ATTR_COUNTERS UIOMMU_FIELD(16, 13)
#define ATTR_BANKS    UIOMMU_FIELD(22, 17)
#define EFR_PPR       UINT64_C(0x2)
#define EFR_GT        UINT64_C(0x10)
#define EFR_COUNTERS  UINT64_C(0x200)
#define EFR_PASID     UIOMMU_FIELD(36, 32)
#define ATTR_PASID    UIOMMU_FIELD(12, 8)

#define WINDOW          UINT64_C(0x4000)
#define WINDOW_COUNTERS UINT64_C(0x80000)

/* Two sources disagree on the bit by which an entry denies ATS: either denies. */
#define EXT_NO_ATS 0x90000000u

#define PAD       0x00u
#define ALL       0x01u
#define SELECT    0x02u
#define START     0x03u
#define END       0x04u
#define ALIAS     0x42u
#define ALIAS_TO  0x43u
#define EXT       0x46u
#define EXT_START 0x47u
#define SPECIAL   0x48u
#define NAMED     0xf0u

uiommu_err uiommu_ivrs_open(struct uiommu_ivrs *out, const void *bytes, size_t size)
{
    struct uiommu_ivrs ivrs;
    uiommu_err err;

    if (out == NULL)
        return UIOMMU_E_INVALID;
    err = uiommu_fw_open(&ivrs.table, bytes, size, "IVRS");
    if (err != UIOMMU_OK)
        return err;
    if (ivrs.table.length < FW_BLOCKS)
        return UIOMMU_E_RANGE;
    ivrs.info = fw_get32(&ivrs.table, 36);
    ivrs.physical_bits = (uint32_t)uiommu_bits_get(ivrs.info, UIOMMU_FIELD(14, 8));
    ivrs.virtual_bits = (uint32_t)uiommu_bits_get(ivrs.info, UIOMMU_FIELD(21, 15));
    *out = ivrs;
    return UIOMMU_OK;
}

static bool is_unit(uint32_t type)
{
    return type == IVHD_SMALL || type == IVHD || type == IVHD_NAMES;
}

static bool is_memory(uint32_t type)
{
    return type == IVMD_ALL || type == IVMD_ONE || type == IVMD_RANGE;
}

static uint32_t head(uint32_t type)
{
    return type == IVHD_SMALL ? 24 : is_memory(type) ? 32 : 40;
}

static void read_unit(const struct uiommu_fw_table *t, struct uiommu_ivrs_block *b)
{
    uint32_t at = b->place.offset, info = fw_get16(t, at + 18u);
    bool counters;

    b->id = fw_get16(t, at + 4u);
    b->capability = fw_get16(t, at + 6u);
    b->first = fw_get64(t, at + 8u);
    b->segment = fw_get16(t, at + 16u);
    b->msi_number = info & 31u;
    b->unit_id = info >> 8 & 31u;
    b->attributes = fw_get32(t, at + 20u);
    if (b->type != IVHD_SMALL) {
        b->efr = fw_get64(t, at + 24u);
        b->efr2 = fw_get64(t, at + 32u);
    }
    b->devices = at + head(b->type);
    counters = (uiommu_bits_get(b->attributes, ATTR_COUNTERS) != 0 &&
                uiommu_bits_get(b->attributes, ATTR_BANKS) != 0) ||
               (b->efr & EFR_COUNTERS) != 0;
    uiommu_fw_window(&b->place, at + 8u, WINDOW, counters ? WINDOW_COUNTERS : WINDOW, b->first,
                     &b->last);
}

static void read_memory(const struct uiommu_fw_table *t, struct uiommu_ivrs_block *b)
{
    uint32_t at = b->place.offset;
    uint64_t bytes = fw_get64(t, at + 24u);

    b->first_id = b->type == IVMD_ALL ? 0 : fw_get16(t, at + 4u);
    b->last_id = b->type == IVMD_ALL     ? 0xffffu
                 : b->type == IVMD_RANGE ? fw_get16(t, at + 6u)
                                         : b->first_id;
    b->segment = fw_get16(t, at + 8u);
    b->first = fw_get64(t, at + 16u);
    b->last = b->first + (bytes - 1u);
    if (b->last_id < b->first_id)
        fw_bad(&b->place, UIOMMU_FW_WRAPS, at + 6u);
    if (bytes == 0 || b->last < b->first)
        fw_bad(&b->place, UIOMMU_FW_WRAPS, at + 24u);
    if ((b->first & (FW_PAGE - 1u)) != 0)
        fw_bad(&b->place, UIOMMU_FW_ALIGNMENT, at + 16u);
    if ((bytes & (FW_PAGE - 1u)) != 0)
        fw_bad(&b->place, UIOMMU_FW_ALIGNMENT, at + 24u);
}

/* One block by itself. */
static bool next_alone(const struct uiommu_ivrs *ivrs, uint32_t *cursor,
                       struct uiommu_ivrs_block *b)
{
    const struct uiommu_fw_table *t = &ivrs->table;

    memset(b, 0, sizeof(*b));
    if (!uiommu_fw_block(t, cursor, &b->place))
        return false;
    b->type = fw_get8(t, b->place.offset);
    b->flags = fw_get8(t, b->place.offset + 1u);
    if (!fw_good(&b->place))
        return true;
    if (!is_unit(b->type) && !is_memory(b->type))
        fw_bad(&b->place, UIOMMU_FW_SKIPPED, b->place.offset);
    else if (b->place.length < head(b->type))
        fw_bad(&b->place, UIOMMU_FW_SHORT, b->place.offset + 2u);
    else if (is_unit(b->type))
        read_unit(t, b);
    else
        read_memory(t, b);
    return true;
}

/* Against another unit that is good by itself. */
static void compare_one(struct uiommu_ivrs_block *b, const struct uiommu_ivrs_block *o)
{
    uint32_t at = b->place.offset;
    bool before = o->place.offset < at;

    if (is_memory(b->type)) {
        if (fw_overlap(b->first, b->last, o->first, o->last))
            fw_clash(&b->place, UIOMMU_FW_OVERLAPS, at + 16u, o->place.offset);
    } else if (b->id == o->id && b->segment == o->segment) {
        if (o->type > b->type)
            fw_clash(&b->place, UIOMMU_FW_OLDER, at, o->place.offset);
        else if (before && o->type == b->type)
            fw_clash(&b->place, UIOMMU_FW_TWICE, at + 4u, o->place.offset);
    } else if (before && fw_overlap(b->first, b->last, o->first, o->last)) {
        fw_clash(&b->place, UIOMMU_FW_TWICE, at + 8u, o->place.offset);
    }
}

bool uiommu_ivrs_next(const struct uiommu_ivrs *ivrs, uint32_t *cursor,
                      struct uiommu_ivrs_block *out)
{
    struct uiommu_ivrs_block o;
    uint32_t at = 0;

    if (!next_alone(ivrs, cursor, out))
        return false;
    while (fw_good(&out->place) && next_alone(ivrs, &at, &o)) {
        if (is_unit(o.type) && fw_good(&o.place) && o.place.offset != out->place.offset)
            compare_one(out, &o);
    }
    return true;
}

static uint32_t entry_length(const struct uiommu_fw_table *t, uint32_t at)
{
    uint32_t type = fw_get8(t, at);

    if (type == NAMED)
        return 22u + fw_get8(t, at + 21u);
    return 4u << (type >> 6);
}

/* The end of a range follows at once, padding aside; returns where the next entry is. */
static uint32_t read_end(const struct uiommu_fw_table *t, struct uiommu_ivrs_device *d, uint32_t at,
                         uint32_t end)
{
    while (end - at >= 4 && fw_get8(t, at) == PAD)
        at += 4u;
    if (end - at < 4 || fw_get8(t, at) != END) {
        fw_bad(&d->place, UIOMMU_FW_REFERENCE, d->place.offset);
        return at;
    }
    d->last = fw_get16(t, at + 1u);
    d->place.length = at + 4u - d->place.offset;
    if (d->last < d->first)
        fw_bad(&d->place, UIOMMU_FW_WRAPS, at + 1u);
    return at + 4u;
}

/* By type; 'next' is behind the entry. Returns where the next one is. */
static uint32_t read_device(const struct uiommu_fw_table *t, struct uiommu_ivrs_device *d,
                            uint32_t next, uint32_t end)
{
    uint32_t at = d->place.offset;

    d->kind = UIOMMU_IVRS_DEVICES;
    d->first = d->last = fw_get16(t, at + 1u);
    d->setting = fw_get8(t, at + 3u);
    switch (d->type) {
    case ALL:
        d->kind = UIOMMU_IVRS_ALL;
        d->first = 0;
        d->last = 0xffffu;
        break;
    case SELECT:
        break;
    case START:
        next = read_end(t, d, next, end);
        break;
    case ALIAS:
    case ALIAS_TO:
        d->aliased = true;
        d->alias = fw_get16(t, at + 5u);
        if (d->type == ALIAS_TO)
            next = read_end(t, d, next, end);
        break;
    case EXT:
    case EXT_START:
        d->extended = fw_get32(t, at + 4u);
        if (d->type == EXT_START)
            next = read_end(t, d, next, end);
        break;
    case SPECIAL:
        d->kind = UIOMMU_IVRS_SPECIAL;
        d->handle = fw_get8(t, at + 4u);
        d->first = d->last = fw_get16(t, at + 5u);
        d->variety = fw_get8(t, at + 7u);
        break;
    case NAMED:
        d->kind = UIOMMU_IVRS_NAMED;
        break;
    case END:
        d->kind = UIOMMU_IVRS_OTHER;
        fw_bad(&d->place, UIOMMU_FW_REFERENCE, at);
        break;
    default:
        d->kind = UIOMMU_IVRS_OTHER;
        fw_bad(&d->place, UIOMMU_FW_SKIPPED, at);
        break;
    }
    return next;
}

bool uiommu_ivrs_next_device(const struct uiommu_ivrs *ivrs, const struct uiommu_ivrs_block *block,
                             uint32_t *cursor, struct uiommu_ivrs_device *out)
{
    const struct uiommu_fw_table *t = &ivrs->table;
    uint32_t at = *cursor < block->devices ? block->devices : *cursor;
    uint32_t end = block->place.offset + block->place.length, length;

    memset(out, 0, sizeof(*out));
    if (block->devices == 0 || end > t->length)
        return false;
    while (at < end && end - at >= 4 && fw_get8(t, at) == PAD)
        at += 4u;
    if (at >= end)
        return false;
    out->type = fw_get8(t, at);
    length = entry_length(t, at);
    if (length <= end - at) {
        fw_place(&out->place, at, length);
        *cursor = read_device(t, out, at + length, end);
    } else {
        fw_place(&out->place, at, end - at);
        fw_bad(&out->place, UIOMMU_FW_CUT, at);
        out->kind = UIOMMU_IVRS_OTHER;
        *cursor = end;
    }
    return true;
}

bool uiommu_ivrs_covers(const struct uiommu_ivrs_block *block, const struct uiommu_fw_function *fn)
{
    return is_memory(block->type) && block->segment == fn->segment && fn->id >= block->first_id &&
           fn->id <= block->last_id;
}

/* What unit and entry permit; called again for a second claim, it only takes away. */
static void permissions(const struct uiommu_ivrs_block *b, const struct uiommu_ivrs_device *d,
                        struct uiommu_fw_match *m)
{
    uint32_t told = UIOMMU_FW_ATS, may = 0;

    if ((b->flags & FLAG_IOTLB) != 0 && (d->extended & EXT_NO_ATS) == 0)
        may |= UIOMMU_FW_ATS;
    if (b->type == IVHD_SMALL || b->efr != 0) {
        bool small = b->type == IVHD_SMALL;

        told |= UIOMMU_FW_PRI | UIOMMU_FW_PASID;
        if (small ? (b->flags & FLAG_PPR) != 0 : (b->efr & EFR_PPR) != 0)
            may |= UIOMMU_FW_PRI;
        if (small ? (b->attributes & ATTR_GT) != 0 : (b->efr & EFR_GT) != 0) {
            may |= UIOMMU_FW_PASID;
            m->pasid_bits = (uint32_t)uiommu_bits_get(small ? b->attributes : b->efr,
                                                      small ? ATTR_PASID : EFR_PASID) +
                            1u;
        }
    }
    m->told |= told;
    m->permitted &= may | ~told;
}

static void claim(const struct uiommu_ivrs_block *b, const struct uiommu_ivrs_device *d,
                  struct uiommu_fw_match *m)
{
    if (m->unit == 0) {
        m->unit = b->place.offset;
        m->entry = d->place.offset;
        m->settings = d->setting;
        if (d->aliased)
            m->alias = d->alias;
    } else if (m->other == 0) {
        m->verdict = UIOMMU_FW_TWICE;
        m->other = d->place.offset;
    }
    permissions(b, d, m);
}

uiommu_err uiommu_ivrs_find(const struct uiommu_ivrs *ivrs, const struct uiommu_fw_function *fn,
                            struct uiommu_fw_match *out)
{
    struct uiommu_ivrs_block b;
    struct uiommu_ivrs_device d;
    struct uiommu_fw_match all;
    uint32_t cursor = 0, entry;

    if (ivrs == NULL || fn == NULL || out == NULL)
        return UIOMMU_E_INVALID;
    uiommu_fw_match_begin(out, fn->id);
    uiommu_fw_match_begin(&all, fn->id);
    while (uiommu_ivrs_next(ivrs, &cursor, &b)) {
        if (!is_unit(b.type) || !fw_good(&b.place) || b.segment != fn->segment)
            continue;
        entry = 0;
        while (uiommu_ivrs_next_device(ivrs, &b, &entry, &d)) {
            if (!fw_good(&d.place))
                continue;
            if (d.kind == UIOMMU_IVRS_ALL)
                claim(&b, &d, &all);
            else if (d.kind == UIOMMU_IVRS_DEVICES && fn->id >= d.first && fn->id <= d.last)
                claim(&b, &d, out);
        }
    }
    if (out->unit == 0)
        *out = all;
    return out->unit == 0 ? UIOMMU_E_NOT_FOUND : UIOMMU_OK;
}
