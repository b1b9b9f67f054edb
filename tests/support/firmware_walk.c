/* SPDX-License-Identifier: BSD-2-Clause */
#include "firmware_walk.h"

#include <uiommu/dmar.h>
#include <uiommu/fdt.h>
#include <uiommu/iort.h>
#include <uiommu/ivrs.h>

#define CHECK(cond)                                                                                \
    do {                                                                                           \
        if (!(cond))                                                                               \
            return #cond;                                                                          \
    } while (0)
#define TRY(call)                                                                                  \
    do {                                                                                           \
        const char *wrong = (call);                                                                \
        if (wrong != NULL)                                                                         \
            return wrong;                                                                          \
    } while (0)

struct walk {
    struct firmware_seen *seen;
    size_t size;
};

/* Functions that are asked for. */
static const uint32_t ids[] = {0, 0x8, 0x20, 0xf8, 0x100, 0x1a3, 0x1234, 0xffff};
#define IDS (sizeof(ids) / sizeof(ids[0]))

/* A verdict names places inside the table, and there are no more items than bytes. */
static const char *place(struct walk *w, const struct uiommu_fw_place *p)
{
    CHECK((uint32_t)p->verdict <= UIOMMU_FW_REFERENCE);
    CHECK(p->offset < w->size && p->length <= w->size - p->offset);
    CHECK(p->at < w->size && p->other < w->size);
    CHECK((p->verdict == UIOMMU_FW_GOOD) == (p->at == 0));
    CHECK(p->verdict == UIOMMU_FW_TWICE || p->verdict == UIOMMU_FW_OVERLAPS ||
          p->verdict == UIOMMU_FW_OLDER || p->other == 0);
    CHECK(uiommu_fw_verdict_str(p->verdict) != NULL);
    w->seen->items++;
    w->seen->bad += p->verdict != UIOMMU_FW_GOOD;
    return NULL;
}

static const char *match(struct walk *w, const struct uiommu_fw_match *m, uiommu_err err)
{
    if (err != UIOMMU_OK)
        return NULL;
    CHECK(m->unit != 0 && m->unit < w->size && m->entry < w->size);
    CHECK((m->verdict == UIOMMU_FW_TWICE) == (m->other != 0));
    CHECK(m->verdict == UIOMMU_FW_GOOD || m->verdict == UIOMMU_FW_TWICE);
    w->seen->matches++;
    return NULL;
}

/* Every function on an even bus is a bridge to the next four. */
static bool find(void *ctx, uint32_t segment, uint32_t id, uint8_t *secondary, uint8_t *subordinate)
{
    (void)ctx;
    (void)segment;
    if ((id & 0x100u) != 0)
        return false;
    *secondary = (uint8_t)((id >> 8) + 1u);
    *subordinate = (uint8_t)((id >> 8) + 4u);
    return true;
}

/* What is reported as reserved memory is a range that can be, of an entry that is good. */
static const char *reserved(const struct uiommu_fw_place *p, bool is,
                            const struct uiommu_reserved *r)
{
    CHECK(!is || (p->verdict == UIOMMU_FW_GOOD && r->first <= r->last && r->access != 0 &&
                  r->word == UIOMMU_RESERVED_NONE));
    return NULL;
}

static const char *walk_dmar(struct walk *w, const uint8_t *bytes, size_t size)
{
    const struct uiommu_fw_bridges bridges = {NULL, find};
    struct uiommu_fw_function fn = {0, 0, false};
    struct uiommu_dmar dmar;
    struct uiommu_dmar_entry e;
    struct uiommu_dmar_scope s;
    struct uiommu_reserved r;
    struct uiommu_fw_match m;
    uint32_t cursor = 0, scope, i, id;

    if (uiommu_dmar_open(&dmar, bytes, size) != UIOMMU_OK)
        return NULL;
    while (uiommu_dmar_next(&dmar, &cursor, &e)) {
        TRY(place(w, &e.place));
        CHECK(e.place.verdict != UIOMMU_FW_GOOD || e.first <= e.last);
        TRY(reserved(&e.place, uiommu_dmar_reserved(&e, &r), &r));
        scope = 0;
        while (uiommu_dmar_next_scope(&dmar, &e, &scope, &s)) {
            TRY(place(w, &s.place));
            if (uiommu_dmar_scope_id(&dmar, &s, e.segment, &bridges, &id))
                CHECK(id <= 0xffff && s.place.verdict == UIOMMU_FW_GOOD);
        }
        fn.segment = e.segment;
        for (i = 0; i < IDS; i++) {
            fn.id = ids[i];
            (void)uiommu_dmar_covers(&dmar, &e, &fn, i % 2 == 0 ? &bridges : NULL);
        }
    }
    for (i = 0; i < 2 * IDS; i++) {
        fn.segment = i / IDS;
        fn.id = ids[i % IDS];
        fn.integrated = i % 3 == 0;
        TRY(match(w, &m, uiommu_dmar_find(&dmar, &fn, &bridges, &m)));
    }
    return NULL;
}

static const char *walk_ivrs(struct walk *w, const uint8_t *bytes, size_t size)
{
    struct uiommu_fw_function fn = {0, 0, false};
    struct uiommu_ivrs ivrs;
    struct uiommu_ivrs_block b;
    struct uiommu_ivrs_device d;
    struct uiommu_reserved r;
    struct uiommu_fw_match m;
    uint32_t cursor = 0, device, i;

    if (uiommu_ivrs_open(&ivrs, bytes, size) != UIOMMU_OK)
        return NULL;
    while (uiommu_ivrs_next(&ivrs, &cursor, &b)) {
        TRY(place(w, &b.place));
        CHECK(b.place.verdict != UIOMMU_FW_GOOD || b.first <= b.last);
        TRY(reserved(&b.place, uiommu_ivrs_reserved(&b, &r), &r));
        device = 0;
        while (uiommu_ivrs_next_device(&ivrs, &b, &device, &d)) {
            TRY(place(w, &d.place));
            CHECK(d.place.verdict != UIOMMU_FW_GOOD || d.first <= d.last);
        }
        for (i = 0; i < IDS; i++) {
            fn.id = ids[i];
            (void)uiommu_ivrs_covers(&b, &fn);
        }
    }
    for (i = 0; i < 2 * IDS; i++) {
        fn.segment = i / IDS;
        fn.id = ids[i % IDS];
        TRY(match(w, &m, uiommu_ivrs_find(&ivrs, &fn, &m)));
    }
    return NULL;
}

static const char *iort_node(struct walk *w, const struct uiommu_iort *iort,
                             const struct uiommu_iort_node *n)
{
    struct uiommu_iort_mapping map;
    struct uiommu_iort_range r;
    struct uiommu_reserved is;
    struct uiommu_fw_match m;
    uint32_t cursor = 0, i;

    TRY(place(w, &n->place));
    CHECK(n->place.verdict != UIOMMU_FW_GOOD || n->first <= n->last);
    while (uiommu_iort_next_mapping(iort, n, &cursor, &map)) {
        TRY(place(w, &map.place));
        CHECK(map.place.verdict != UIOMMU_FW_GOOD || map.first <= map.last);
    }
    cursor = 0;
    while (uiommu_iort_next_range(iort, n, &cursor, &r)) {
        TRY(place(w, &r.place));
        CHECK(r.place.verdict != UIOMMU_FW_GOOD || r.first <= r.last);
        TRY(reserved(&r.place, uiommu_iort_reserved(&r, &is), &is));
    }
    for (i = 0; i < IDS; i++) {
        (void)uiommu_iort_covers(iort, n, iort->begin, ids[i]);
        TRY(match(w, &m, uiommu_iort_find_named(iort, n, ids[i], &m)));
    }
    return NULL;
}

static const char *walk_iort(struct walk *w, const uint8_t *bytes, size_t size)
{
    struct uiommu_fw_function fn = {0, 0, false};
    struct uiommu_iort iort;
    struct uiommu_iort_node n;
    struct uiommu_fw_match m;
    uint32_t cursor = 0, i, nodes = 0;

    if (uiommu_iort_open(&iort, bytes, size) != UIOMMU_OK)
        return NULL;
    for (; uiommu_iort_next(&iort, &cursor, &n); nodes++)
        TRY(iort_node(w, &iort, &n));
    CHECK(nodes == iort.found && nodes <= iort.nodes);
    for (i = 0; i < 2 * IDS; i++) {
        fn.segment = i / IDS;
        fn.id = ids[i % IDS];
        TRY(match(w, &m, uiommu_iort_find(&iort, &fn, &m)));
    }
    return NULL;
}

static const char *fdt_nodes(struct walk *w, const struct uiommu_fdt *fdt)
{
    struct uiommu_fdt_walk at;
    struct uiommu_fdt_value v;
    uint64_t first, last;
    uint32_t node;

    memset(&at, 0, sizeof(at));
    while (uiommu_fdt_next(fdt, &at)) {
        CHECK(at.depth != 0 && at.depth <= UIOMMU_FDT_DEPTH);
        node = at.path[at.depth - 1u];
        CHECK(node < w->size && uiommu_fdt_name(fdt, node) != NULL);
        if (uiommu_fdt_get(fdt, node, "reg", &v))
            CHECK(v.offset <= w->size && v.length <= w->size - v.offset);
        if (uiommu_fdt_reg(fdt, &at, 0, &first, &last) == UIOMMU_OK)
            CHECK(first <= last);
        w->seen->items++;
    }
    return NULL;
}

static const char *fdt_hosts(struct walk *w, const struct uiommu_fdt *fdt)
{
    struct uiommu_fdt_walk at;
    struct uiommu_fdt_host host;
    struct uiommu_fdt_map map;
    struct uiommu_fw_match m;
    uint32_t cursor, i;

    memset(&at, 0, sizeof(at));
    while (uiommu_fdt_next_host(fdt, &at, &host)) {
        TRY(place(w, &host.place));
        cursor = 0;
        while (uiommu_fdt_next_map(fdt, &host, &cursor, &map)) {
            TRY(place(w, &map.place));
            CHECK(map.place.verdict != UIOMMU_FW_GOOD || map.first <= map.last);
        }
        for (i = 0; i < IDS; i++)
            TRY(match(w, &m, uiommu_fdt_find(fdt, &host, ids[i], &m)));
    }
    return NULL;
}

static const char *walk_fdt(struct walk *w, const uint8_t *bytes, size_t size)
{
    struct uiommu_fdt fdt;
    struct uiommu_fdt_walk at;
    struct uiommu_fdt_unit unit;
    struct uiommu_fdt_device d;
    struct uiommu_fdt_region r;
    struct uiommu_reserved is;

    if (uiommu_fdt_open(&fdt, bytes, size) != UIOMMU_OK)
        return NULL;
    TRY(fdt_nodes(w, &fdt));
    memset(&at, 0, sizeof(at));
    while (uiommu_fdt_next_unit(&fdt, &at, &unit)) {
        TRY(place(w, &unit.place));
        CHECK(unit.place.verdict != UIOMMU_FW_GOOD || unit.first <= unit.last);
        CHECK(unit.interrupts_at < size);
    }
    TRY(fdt_hosts(w, &fdt));
    memset(&at, 0, sizeof(at));
    while (uiommu_fdt_next_device(&fdt, &at, &d)) {
        TRY(place(w, &d.place));
        w->seen->matches += d.place.verdict == UIOMMU_FW_GOOD;
    }
    memset(&at, 0, sizeof(at));
    while (uiommu_fdt_next_region(&fdt, &at, &r)) {
        TRY(place(w, &r.place));
        CHECK(r.place.verdict != UIOMMU_FW_GOOD || r.first <= r.last);
        TRY(reserved(&r.place, uiommu_fdt_reserved(&r, &is), &is));
    }
    return NULL;
}

const char *firmware_walk(enum firmware_kind kind, const uint8_t *bytes, size_t size,
                          struct firmware_seen *seen)
{
    struct walk w = {seen, size};

    memset(seen, 0, sizeof(*seen));
    switch (kind) {
    case FIRMWARE_DMAR:
        TRY(walk_dmar(&w, bytes, size));
        break;
    case FIRMWARE_IVRS:
        TRY(walk_ivrs(&w, bytes, size));
        break;
    case FIRMWARE_IORT:
        TRY(walk_iort(&w, bytes, size));
        break;
    default:
        TRY(walk_fdt(&w, bytes, size));
        break;
    }
    /* Items take at least two bytes each; a host bridge and a device are nodes, too. */
    CHECK(seen->items <= 4 * size);
    return NULL;
}
