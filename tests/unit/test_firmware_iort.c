/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit_firmware.h"

#include <uiommu/iort.h>

static struct uiommu_fw_match where(const struct uiommu_iort *v, uint32_t segment, uint32_t id,
                                    uiommu_err want)
{
    struct uiommu_fw_function fn = {segment, id, false};
    struct uiommu_fw_match m;
    uiommu_err err = uiommu_iort_find(v, &fn, &m);

    cr_assert_eq(err, want, "%x: %d", id, err);
    return m;
}

static struct uiommu_iort_node node_at(const struct uiommu_iort *v, uint32_t offset)
{
    struct uiommu_iort_node n;
    uint32_t cursor = 0;

    while (uiommu_iort_next(v, &cursor, &n)) {
        if (n.place.offset == offset)
            return n;
    }
    cr_assert_fail("no node at %u", offset);
    return n;
}

Test(firmware_iort, made_by_iasl)
{
    struct table t = load("iort.aml");
    struct uiommu_iort v;
    struct uiommu_iort_node n;
    struct uiommu_fw_match m;
    uint32_t cursor = 0, count = 0;

    NEED(t);
    cr_assert_eq(uiommu_iort_open(&v, t.bytes, t.size), UIOMMU_OK);
    cr_assert(v.nodes == 4 && v.found == 4 && v.end == t.size);
    for (; uiommu_iort_next(&v, &cursor, &n); count++)
        cr_assert_eq(n.place.verdict, UIOMMU_FW_GOOD, "at %u", n.place.offset);
    cr_assert_eq(count, 4);
    n = node_at(&v, 72);
    cr_assert(n.type == UIOMMU_IORT_SMMUV3 && n.first == 0x9050000 && n.last == 0x906ffff);
    cr_assert(n.coherent && n.event == 0x6a && n.pri == 0x6b && n.gerror == 0x6d && n.sync == 0x6c);
    cr_assert(!n.has_proximity && !n.has_message_index && n.mapping_count == 1);
    n = node_at(&v, 160);
    cr_assert(n.type == UIOMMU_IORT_ROOT && n.told == UIOMMU_FW_ATS && n.mapping_count == 2);

    m = where(&v, 0, 0x8, UIOMMU_OK);
    cr_assert(m.unit == 72 && m.entry == 196 && m.id == 0x108 && m.verdict == UIOMMU_FW_GOOD);
    cr_assert(m.told == UIOMMU_FW_ATS && m.permitted == 7);
    cr_assert_eq(where(&v, 0, 0x2ff, UIOMMU_OK).id, 0x100ff);
    (void)where(&v, 0, 0x100, UIOMMU_E_NOT_FOUND);
    (void)where(&v, 1, 0x8, UIOMMU_E_NOT_FOUND);
    n = node_at(&v, 236);
    cr_assert_str_eq((const char *)t.bytes + n.name, "\\_SB.DMA0");
    cr_assert(n.stalls && n.pasid_bits == 20);
    cr_assert_eq(uiommu_iort_find_named(&v, &n, 0, &m), UIOMMU_OK);
    cr_assert(m.unit == 72 && m.id == 0x42 && m.pasid_bits == 20);
    cr_assert(torture(FIRMWARE_IORT, &t) > 3000);
    free(t.bytes);
}

/* ---- by hand ---- */

static uint8_t *add(struct make *m, uint32_t type, uint32_t revision, uint32_t head,
                    uint32_t mappings)
{
    uint8_t *at = make_add(m, head + 20 * mappings);

    at[0] = (uint8_t)type;
    put(at + 1, 2, head + 20 * mappings);
    at[3] = (uint8_t)revision;
    put(at + 8, 4, mappings);
    put(at + 12, 4, head);
    put(m->bytes + 36, 4, m->bytes[36] + 1u);
    return at;
}

static void map(uint8_t *at, uint32_t first, uint32_t more, uint32_t output, uint32_t target)
{
    put(at, 4, first);
    put(at + 4, 4, more);
    put(at + 8, 4, output);
    put(at + 12, 4, target);
}

static uint8_t *add_unit(struct make *m, uint64_t base)
{
    uint8_t *at = add(m, 4, 4, 68, 0);

    put(at + 16, 8, base);
    return at;
}

static void begin(struct make *m)
{
    make_begin(m, "IORT", 48);
    put(m->bytes + 40, 4, 48);
}

#define UNIT0 48u
#define UNIT1 (48u + 68)
#define NODE  (48u + 4 * 68)

/* Four units: good, the same registers, misaligned, good. */
static void units(struct make *m)
{
    begin(m);
    add_unit(m, 0x9050000);
    add_unit(m, 0x9060000);
    add_unit(m, 0x9081000);
    add_unit(m, 0x90a0000);
}

Test(firmware_iort, units_and_mappings)
{
    static const enum uiommu_fw_verdict want[] = {
        UIOMMU_FW_GOOD, UIOMMU_FW_TWICE, UIOMMU_FW_ALIGNMENT, UIOMMU_FW_GOOD, UIOMMU_FW_GOOD};
    static const enum uiommu_fw_verdict maps[] = {
        UIOMMU_FW_GOOD, UIOMMU_FW_TWICE,     UIOMMU_FW_WRAPS,    UIOMMU_FW_WRAPS,
        UIOMMU_FW_GOOD, UIOMMU_FW_REFERENCE, UIOMMU_FW_REFERENCE};
    struct make m;
    struct table t;
    struct uiommu_iort v;
    struct uiommu_iort_node n;
    struct uiommu_iort_mapping p;
    struct uiommu_fw_match found;
    uint32_t cursor = 0, i = 0;
    uint8_t *at;

    units(&m);
    at = add(&m, 2, 4, 40, 7);
    put(at + 24, 4, 7);
    put(at + 33, 2, 17);
    put(at + 36, 4, 1);
    at += 40;
    map(at, 0, 0x100, 0x1000, UNIT0); /* One too many, as old tables have it. */
    map(at + 20, 0x100, 0xff, 0x2000, UNIT0);
    map(at + 40, 0xfffffff0, 0x10, 0, UNIT0);
    map(at + 60, 0x400, 0xff, 0xffffffff, UNIT0);
    map(at + 80, 0x500, 0xff, 0, UNIT1); /* To a unit that is bad. */
    map(at + 100, 0x600, 0xff, 0, UNIT0 + 4);
    map(at + 120, 0x700, 0xff, 0, NODE);
    t = make_end(&m);
    cr_assert_eq(uiommu_iort_open(&v, t.bytes, t.size), UIOMMU_OK);
    for (; uiommu_iort_next(&v, &cursor, &n); i++)
        cr_assert_eq(n.place.verdict, want[i], "node %u: %s", i,
                     uiommu_fw_verdict_str(n.place.verdict));
    cr_assert_eq(i, 5);
    n = node_at(&v, NODE);
    for (i = 0, cursor = 0; uiommu_iort_next_mapping(&v, &n, &cursor, &p); i++)
        cr_assert_eq(p.place.verdict, maps[i], "mapping %u: %s", i,
                     uiommu_fw_verdict_str(p.place.verdict));
    cr_assert_eq(i, 7);
    found = where(&v, 0, 0x100, UIOMMU_OK);
    cr_assert(found.id == 0x1100 && found.verdict == UIOMMU_FW_TWICE);
    cr_assert(found.told == 7 && found.permitted == 7 && found.pasid_bits == 17);
    found = where(&v, 0, 0x1ff, UIOMMU_OK);
    cr_assert(found.id == 0x20ff && found.verdict == UIOMMU_FW_GOOD);
    (void)where(&v, 0, 0x400, UIOMMU_E_NOT_FOUND);
    (void)where(&v, 0, 0x500, UIOMMU_E_NOT_FOUND);
    (void)where(&v, 0, 0x600, UIOMMU_E_NOT_FOUND);
    cr_assert(torture(FIRMWARE_IORT, &t) > 3000);
    free(t.bytes);
}

Test(firmware_iort, reserved_memory)
{
    static const enum uiommu_fw_verdict want[] = {UIOMMU_FW_GOOD, UIOMMU_FW_OVERLAPS,
                                                  UIOMMU_FW_WRAPS, UIOMMU_FW_ALIGNMENT};
    static const uint64_t ranges[][2] = {{0x80000000, 0x20000},
                                         {0x9000000, 0x60000},
                                         {UINT64_MAX - 0xffff, 0x20000},
                                         {0x80001000, 0x10000}};
    struct make m;
    struct table t;
    struct uiommu_iort v;
    struct uiommu_iort_node n;
    struct uiommu_iort_range r;
    struct uiommu_reserved reserved;
    uint32_t cursor = 0, i;
    uint8_t *at;

    units(&m);
    at = add(&m, 6, 3, 28 + 4 * 20, 1);
    put(at + 16, 4, 1);
    put(at + 20, 4, 4);
    put(at + 24, 4, 28);
    for (i = 0; i < 4; i++) {
        put(at + 28 + 20 * i, 8, ranges[i][0]);
        put(at + 36 + 20 * i, 8, ranges[i][1]);
    }
    map(at + 28 + 4 * 20, 0, 0xf, 0x300, UNIT0);
    map(add(&m, 2, 1, 36, 1) + 36, 0, 0xffff, 0, UNIT0);
    t = make_end(&m);
    cr_assert_eq(uiommu_iort_open(&v, t.bytes, t.size), UIOMMU_OK);
    n = node_at(&v, NODE);
    cr_assert(n.type == UIOMMU_IORT_RMR && n.range_count == 4 && n.flags == 1);
    for (i = 0; uiommu_iort_next_range(&v, &n, &cursor, &r); i++) {
        cr_assert_eq(r.place.verdict, want[i], "range %u: %s", i,
                     uiommu_fw_verdict_str(r.place.verdict));
        cr_assert_eq(uiommu_iort_reserved(&r, &reserved), want[i] == UIOMMU_FW_GOOD);
    }
    cr_assert(reserved_is(&reserved, 0x80000000, 0x8001ffff, BOTH));
    cr_assert_eq(i, 4);
    cr_assert(uiommu_iort_covers(&v, &n, UNIT0, 0x300) && uiommu_iort_covers(&v, &n, UNIT0, 0x30f));
    cr_assert(!uiommu_iort_covers(&v, &n, UNIT0, 0x310) &&
              !uiommu_iort_covers(&v, &n, UNIT1, 0x300));
    cr_assert(torture(FIRMWARE_IORT, &t) > 3000);
    free(t.bytes);
}

Test(firmware_iort, counts_and_lengths_lie)
{
    struct make m;
    struct table t;
    struct uiommu_iort v;
    struct uiommu_iort_node n;
    uint8_t *at;

    /* More nodes than said: they are none. More said than there are: those that are there. */
    units(&m);
    put(m.bytes + 36, 4, 2);
    t = make_end(&m);
    cr_assert_eq(uiommu_iort_open(&v, t.bytes, t.size), UIOMMU_OK);
    cr_assert(v.found == 2 && v.end == UNIT0 + 2 * 68);
    put(t.bytes + 36, 4, 0xffffffff);
    seal(t.bytes, t.size);
    cr_assert_eq(uiommu_iort_open(&v, t.bytes, t.size), UIOMMU_OK);
    cr_assert_eq(v.found, 4);
    put(t.bytes + 40, 4, t.size + 1);
    seal(t.bytes, t.size);
    cr_assert_eq(uiommu_iort_open(&v, t.bytes, t.size), UIOMMU_E_RANGE);
    free(t.bytes);
    /* More mappings than the node holds; then its length is beyond the table. */
    units(&m);
    at = add(&m, 2, 1, 36, 2);
    put(at + 8, 4, 0x0ccccccd); /* Times 20 is 4 in 32 bits. */
    map(at + 36, 0, 0xff, 0, UNIT0);
    map(at + 56, 0x100, 0xff, 0, UNIT0);
    t = make_end(&m);
    cr_assert_eq(uiommu_iort_open(&v, t.bytes, t.size), UIOMMU_OK);
    n = node_at(&v, NODE);
    cr_assert(n.place.verdict == UIOMMU_FW_SHORT && n.mapping_count == 2);
    cr_assert_eq(n.place.at, NODE + 8);
    put(t.bytes + NODE + 1, 2, 77);
    seal(t.bytes, t.size);
    cr_assert_eq(uiommu_iort_open(&v, t.bytes, t.size), UIOMMU_OK);
    cr_assert_eq(node_at(&v, NODE).place.verdict, UIOMMU_FW_CUT);
    free(t.bytes);
}

/* What each revision of a node says (DEN 0049, E to E.f). */
Test(firmware_iort, revisions)
{
    static const struct {
        uint32_t revision, flags, wired;
        bool told;
    } index[] = {{0, 0, 3, false}, {1, 0, 4, false},   {4, 0, 3, true},
                 {5, 0, 3, false}, {5, 0x10, 4, true}, {5, 0x10, 0, true}};
    static const enum uiommu_fw_verdict rmr[] = {UIOMMU_FW_VALUE, UIOMMU_FW_GOOD, UIOMMU_FW_VALUE,
                                                 UIOMMU_FW_GOOD};
    struct make m;
    struct table t;
    struct uiommu_iort v;
    struct uiommu_iort_node n;
    uint32_t i, k;
    uint8_t *at;

    begin(&m);
    for (i = 0; i < 6; i++) {
        at = add(&m, 4, index[i].revision, 68, 0);
        put(at + 16, 8, 0x9000000 + 0x20000 * i);
        put(at + 24, 4, index[i].flags);
        for (k = 0; k < index[i].wired; k++)
            put(at + 44 + 4 * k, 4, 70 + k);
        put(at + 64, 4, 5);
    }
    for (i = 0; i < 4; i++) {
        at = add(&m, 6, i, 28 + 20, 0);
        put(at + 20, 4, 1);
        put(at + 24, 4, 28);
        put(at + 28, 8, 0x80000000);
        put(at + 36, 8, 0x10000);
    }
    map(add(&m, 2, 1, 36, 1) + 36, 0, 0xffff, 0, UNIT0);
    t = make_end(&m);
    cr_assert_eq(uiommu_iort_open(&v, t.bytes, t.size), UIOMMU_OK);
    for (i = 0; i < 6; i++) {
        n = node_at(&v, 48 + 68 * i);
        cr_assert_eq(n.has_message_index, index[i].told, "%u", i);
        cr_assert_eq(n.message_index, index[i].told ? 5 : 0, "%u", i);
    }
    for (i = 0; i < 4; i++) {
        n = node_at(&v, 48 + 68 * 6 + 48 * i);
        cr_assert_eq(n.place.verdict, rmr[i], "%u", i);
        cr_assert_eq(n.range_count, rmr[i] == UIOMMU_FW_GOOD, "%u", i);
    }
    cr_assert(torture(FIRMWARE_IORT, &t) > 1000);
    free(t.bytes);
}

Test(firmware_iort, an_older_smmu)
{
    struct make m;
    struct table t;
    struct uiommu_iort v;

    units(&m);
    map(add(&m, 2, 1, 36, 1) + 36, 0, 0xff, 0, NODE + 56);
    add(&m, 3, 1, 76, 0);
    t = make_end(&m);
    cr_assert_eq(uiommu_iort_open(&v, t.bytes, t.size), UIOMMU_OK);
    (void)where(&v, 0, 0x10, UIOMMU_E_UNSUPPORTED);
    free(t.bytes);
}
