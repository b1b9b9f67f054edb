/* SPDX-License-Identifier: BSD-2-Clause */
/* ACPI DMAR (VT-d specification, chapter 8). */
#include <uiommu/dmar.h>

#include "firmware_internal.h"

#define ENDPOINT  1u
#define HIERARCHY 2u
#define ACPI      5u

#define ATSR_ALL_PORTS 0x1u
#define SATC_REQUIRED  0x1u
#define SIDP_REQUIRED  0x10u

uiommu_err uiommu_dmar_open(struct uiommu_dmar *out, const void *bytes, size_t size)
{
    struct uiommu_dmar dmar;
    uiommu_err err;

    if (out == NULL)
        return UIOMMU_E_INVALID;
    err = uiommu_fw_open(&dmar.table, bytes, size, "DMAR");
    if (err != UIOMMU_OK)
        return err;
    if (dmar.table.length < FW_BLOCKS)
        return UIOMMU_E_RANGE;
    dmar.address_bits = fw_get8(&dmar.table, 36) + 1u;
    dmar.flags = fw_get8(&dmar.table, 37);
    *out = dmar;
    return UIOMMU_OK;
}

/* Bytes before the scopes; 0: a type that is not known. */
static uint32_t head(uint32_t type)
{
    static const uint8_t bytes[] = {16, 24, 8, 20, 9, 8, 8};

    return type < sizeof(bytes) ? bytes[type] : 0;
}

static void read_drhd(const struct uiommu_fw_table *t, struct uiommu_dmar_entry *e)
{
    uint32_t at = e->place.offset;

    e->flags = fw_get8(t, at + 4u);
    e->first = fw_get64(t, at + 8u);
    uiommu_fw_window(&e->place, at + 8u, FW_PAGE, FW_PAGE << (fw_get8(t, at + 5u) & 15u), e->first,
                     &e->last);
}

static void read_rmrr(const struct uiommu_fw_table *t, struct uiommu_dmar_entry *e)
{
    uint32_t at = e->place.offset;

    e->first = fw_get64(t, at + 8u);
    e->last = fw_get64(t, at + 16u);
    if ((e->first & (FW_PAGE - 1u)) != 0)
        fw_bad(&e->place, UIOMMU_FW_ALIGNMENT, at + 8u);
    if ((e->last & (FW_PAGE - 1u)) != FW_PAGE - 1u)
        fw_bad(&e->place, UIOMMU_FW_ALIGNMENT, at + 16u);
    if (e->last < e->first)
        fw_bad(&e->place, UIOMMU_FW_WRAPS, at + 16u);
}

/* One structure by itself. */
static void read_entry(const struct uiommu_fw_table *t, struct uiommu_dmar_entry *e)
{
    uint32_t at = e->place.offset;

    e->type = fw_get16(t, at);
    if (!fw_good(&e->place))
        return;
    if (head(e->type) == 0) {
        fw_bad(&e->place, UIOMMU_FW_SKIPPED, at);
        return;
    }
    if (e->place.length < head(e->type)) {
        fw_bad(&e->place, UIOMMU_FW_SHORT, at + 2u);
        return;
    }
    if (e->type != UIOMMU_DMAR_RHSA && e->type != UIOMMU_DMAR_ANDD) {
        e->segment = fw_get16(t, at + 6u);
        e->scopes = at + head(e->type);
    }
    switch (e->type) {
    case UIOMMU_DMAR_DRHD:
        read_drhd(t, e);
        break;
    case UIOMMU_DMAR_RMRR:
        read_rmrr(t, e);
        break;
    case UIOMMU_DMAR_ATSR:
    case UIOMMU_DMAR_SATC:
        e->flags = fw_get8(t, at + 4u);
        break;
    case UIOMMU_DMAR_RHSA:
        e->first = e->last = fw_get64(t, at + 8u);
        e->proximity = fw_get32(t, at + 16u);
        break;
    case UIOMMU_DMAR_ANDD:
        e->number = fw_get8(t, at + 7u);
        e->name = at + 8u;
        if (!uiommu_fw_string(t, e->name, at + e->place.length))
            fw_bad(&e->place, UIOMMU_FW_VALUE, e->name);
        break;
    default:
        break;
    }
}

static bool next_alone(const struct uiommu_dmar *dmar, uint32_t *cursor,
                       struct uiommu_dmar_entry *e)
{
    memset(e, 0, sizeof(*e));
    if (!uiommu_fw_block(&dmar->table, cursor, &e->place))
        return false;
    read_entry(&dmar->table, e);
    return true;
}

/* Against the units: all of them for memory, the earlier ones for a unit. */
static void compare(const struct uiommu_dmar *dmar, struct uiommu_dmar_entry *e)
{
    struct uiommu_dmar_entry o;
    uint32_t cursor = 0, at = e->place.offset;
    bool unit = e->type == UIOMMU_DMAR_DRHD;

    while (fw_good(&e->place) && next_alone(dmar, &cursor, &o)) {
        if (unit && o.place.offset >= at)
            break;
        if (o.type != UIOMMU_DMAR_DRHD || !fw_good(&o.place))
            continue;
        if (fw_overlap(e->first, e->last, o.first, o.last))
            fw_clash(&e->place, unit ? UIOMMU_FW_TWICE : UIOMMU_FW_OVERLAPS, at + 8u,
                     o.place.offset);
        else if (unit && o.segment == e->segment && (e->flags & o.flags & UIOMMU_DMAR_ALL) != 0)
            fw_clash(&e->place, UIOMMU_FW_TWICE, at + 4u, o.place.offset);
    }
}

bool uiommu_dmar_next(const struct uiommu_dmar *dmar, uint32_t *cursor,
                      struct uiommu_dmar_entry *out)
{
    if (!next_alone(dmar, cursor, out))
        return false;
    if (out->type == UIOMMU_DMAR_DRHD || out->type == UIOMMU_DMAR_RMRR)
        compare(dmar, out);
    return true;
}

static void read_scope(const struct uiommu_fw_table *t, struct uiommu_dmar_scope *s)
{
    uint32_t at = s->place.offset, i;

    s->type = fw_get8(t, at);
    s->flags = fw_get8(t, at + 2u);
    s->enumeration = fw_get8(t, at + 4u);
    s->bus = fw_get8(t, at + 5u);
    s->path = at + 6u;
    s->steps = s->place.length < 6 ? 0 : (s->place.length - 6u) / 2u;
    if (s->place.length < 8) {
        fw_bad(&s->place, UIOMMU_FW_SHORT, at + 1u);
        return;
    }
    if ((s->place.length & 1u) != 0)
        fw_bad(&s->place, UIOMMU_FW_VALUE, at + 1u);
    if (s->type == 0 || s->type > ACPI)
        fw_bad(&s->place, UIOMMU_FW_SKIPPED, at);
    for (i = 0; i < s->steps; i++) {
        if (fw_get8(t, s->path + 2u * i) > 31 || fw_get8(t, s->path + 2u * i + 1u) > 7)
            fw_bad(&s->place, UIOMMU_FW_VALUE, s->path + 2u * i);
    }
}

bool uiommu_dmar_next_scope(const struct uiommu_dmar *dmar, const struct uiommu_dmar_entry *entry,
                            uint32_t *cursor, struct uiommu_dmar_scope *out)
{
    const struct uiommu_fw_table *t = &dmar->table;
    uint32_t at = *cursor < entry->scopes ? entry->scopes : *cursor;
    uint32_t end = entry->place.offset + entry->place.length, length;

    memset(out, 0, sizeof(*out));
    if (entry->scopes == 0 || at >= end || !fw_inside(t, at, end - at))
        return false;
    length = fw_get8(t, at + 1u);
    if (length >= 2 && length <= end - at) {
        fw_place(&out->place, at, length);
        *cursor = at + length;
    } else {
        fw_place(&out->place, at, end - at);
        fw_bad(&out->place, UIOMMU_FW_CUT, at);
        *cursor = end;
    }
    read_scope(t, out);
    return true;
}

bool uiommu_dmar_scope_id(const struct uiommu_dmar *dmar, const struct uiommu_dmar_scope *scope,
                          uint32_t segment, const struct uiommu_fw_bridges *bridges, uint32_t *id)
{
    const struct uiommu_fw_table *t = &dmar->table;
    uint32_t i, at, found = 0;
    uint8_t bus = (uint8_t)scope->bus, subordinate;

    if (!fw_good(&scope->place) || scope->steps == 0)
        return false;
    for (i = 0; i < scope->steps; i++) {
        if (i != 0 &&
            (bridges == NULL || !bridges->find(bridges->ctx, segment, found, &bus, &subordinate)))
            return false;
        at = scope->path + 2u * i;
        found = (uint32_t)bus << 8 | (fw_get8(t, at) & 31u) << 3 | (fw_get8(t, at + 1u) & 7u);
    }
    *id = found;
    return true;
}

static bool scope_covers(const struct uiommu_dmar *dmar, const struct uiommu_dmar_scope *scope,
                         const struct uiommu_fw_function *fn,
                         const struct uiommu_fw_bridges *bridges)
{
    uint32_t id, bus = fn->id >> 8;
    uint8_t secondary = 0, subordinate = 0;

    if (scope->type != ENDPOINT && scope->type != HIERARCHY)
        return false;
    if (!uiommu_dmar_scope_id(dmar, scope, fn->segment, bridges, &id))
        return false;
    if (id == fn->id)
        return true;
    if (scope->type != HIERARCHY || bridges == NULL ||
        !bridges->find(bridges->ctx, fn->segment, id, &secondary, &subordinate))
        return false;
    /* A bridge without buses yet has zeros. */
    return secondary != 0 && bus >= secondary && bus <= subordinate;
}

/* What the scope says that covers it; NULL is no answer where none does. */
static bool covering(const struct uiommu_dmar *dmar, const struct uiommu_dmar_entry *entry,
                     const struct uiommu_fw_function *fn, const struct uiommu_fw_bridges *bridges,
                     struct uiommu_dmar_scope *scope)
{
    uint32_t cursor = 0;

    if (entry->segment != fn->segment)
        return false;
    while (uiommu_dmar_next_scope(dmar, entry, &cursor, scope)) {
        if (scope_covers(dmar, scope, fn, bridges))
            return true;
    }
    return false;
}

bool uiommu_dmar_covers(const struct uiommu_dmar *dmar, const struct uiommu_dmar_entry *entry,
                        const struct uiommu_fw_function *fn,
                        const struct uiommu_fw_bridges *bridges)
{
    struct uiommu_dmar_scope scope;

    return covering(dmar, entry, fn, bridges, &scope);
}

/* Integrated devices need no port's leave; others need their root port's. SIDP replaces SATC. */
static void permissions(const struct uiommu_dmar *dmar, const struct uiommu_fw_function *fn,
                        const struct uiommu_fw_bridges *bridges, struct uiommu_fw_match *m)
{
    struct uiommu_dmar_entry e;
    struct uiommu_dmar_scope scope;
    uint32_t cursor = 0;
    bool port = fn->integrated, sidp = false, satc = false;

    while (next_alone(dmar, &cursor, &e)) {
        if (!fw_good(&e.place))
            continue;
        if (e.type == UIOMMU_DMAR_ATSR && e.segment == fn->segment)
            port |= (e.flags & ATSR_ALL_PORTS) != 0 || covering(dmar, &e, fn, bridges, &scope);
        if (e.type == UIOMMU_DMAR_SATC && (e.flags & SATC_REQUIRED) != 0)
            satc |= covering(dmar, &e, fn, bridges, &scope);
        if (e.type == UIOMMU_DMAR_SIDP) {
            sidp = true;
            if (covering(dmar, &e, fn, bridges, &scope))
                m->settings |= scope.flags;
        }
    }
    m->told = UIOMMU_FW_ATS;
    if (!port)
        m->permitted &= ~UIOMMU_FW_ATS;
    m->ats_required = port && (sidp ? (m->settings & SIDP_REQUIRED) != 0 : satc);
}

uiommu_err uiommu_dmar_find(const struct uiommu_dmar *dmar, const struct uiommu_fw_function *fn,
                            const struct uiommu_fw_bridges *bridges, struct uiommu_fw_match *out)
{
    struct uiommu_dmar_entry e;
    uint32_t cursor = 0, all = 0;

    if (dmar == NULL || fn == NULL || out == NULL || (bridges != NULL && bridges->find == NULL))
        return UIOMMU_E_INVALID;
    uiommu_fw_match_begin(out, fn->id);
    while (uiommu_dmar_next(dmar, &cursor, &e)) {
        if (e.type != UIOMMU_DMAR_DRHD || !fw_good(&e.place) || e.segment != fn->segment)
            continue;
        if ((e.flags & UIOMMU_DMAR_ALL) != 0) {
            all = e.place.offset;
        } else if (uiommu_dmar_covers(dmar, &e, fn, bridges)) {
            if (out->unit == 0) {
                out->unit = e.place.offset;
            } else if (out->other == 0) {
                out->verdict = UIOMMU_FW_TWICE;
                out->other = e.place.offset;
            }
        }
    }
    if (out->unit == 0)
        out->unit = all;
    out->entry = out->unit;
    if (out->unit == 0)
        return UIOMMU_E_NOT_FOUND;
    permissions(dmar, fn, bridges, out);
    return UIOMMU_OK;
}
