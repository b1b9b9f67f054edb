/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit_firmware.h"

#include <uiommu/dmar.h>

/* Root port 00:01.0 leads to bus 1, where 01:00.0 is a switch with buses 2 to 4. */
static bool find(void *ctx, uint32_t segment, uint32_t id, uint8_t *secondary, uint8_t *subordinate)
{
    uint32_t *calls = ctx;

    ++*calls;
    if (segment != 0 || (id != 0x8 && id != 0x100))
        return false;
    *secondary = id == 0x8 ? 1 : 2;
    *subordinate = 4;
    return true;
}
static uint32_t calls;
static const struct uiommu_fw_bridges bridges = {&calls, find};

static struct uiommu_fw_match where(const struct uiommu_dmar *d, uint32_t segment, uint32_t id,
                                    bool integrated)
{
    struct uiommu_fw_function fn = {segment, id, integrated};
    struct uiommu_fw_match m;

    if (uiommu_dmar_find(d, &fn, &bridges, &m) != UIOMMU_OK)
        memset(&m, 0, sizeof(m));
    return m;
}

/* The structure that begins at an offset. */
static struct uiommu_dmar_entry entry_at(const struct uiommu_dmar *d, uint32_t offset)
{
    struct uiommu_dmar_entry e;
    uint32_t cursor = 0;

    while (uiommu_dmar_next(d, &cursor, &e)) {
        if (e.place.offset == offset)
            return e;
    }
    cr_assert_fail("no entry at %u", offset);
    return e;
}

Test(firmware_dmar, made_by_iasl)
{
    struct table t = load("dmar.aml");
    struct uiommu_dmar d;
    struct uiommu_dmar_entry e;
    struct uiommu_dmar_scope s;
    struct uiommu_reserved r;
    struct uiommu_fw_function gpu = {0, 0x10, true}, other = {0, 0x18, true};
    uint32_t cursor = 0, scope = 0, n = 0, id = 0;

    NEED(t);
    cr_assert_eq(uiommu_dmar_open(&d, t.bytes, t.size), UIOMMU_OK);
    cr_assert_eq(d.address_bits, 0x2f);
    cr_assert_eq(d.flags, 1);
    for (; uiommu_dmar_next(&d, &cursor, &e); n++)
        cr_assert_eq(e.place.verdict, UIOMMU_FW_GOOD, "at %u", e.place.offset);
    cr_assert_eq(n, 7);

    e = entry_at(&d, 48);
    cr_assert(e.type == UIOMMU_DMAR_DRHD && e.segment == 0 && e.flags == 0);
    cr_assert(e.first == 0xfed90000 && e.last == 0xfed90fff);
    cr_assert(uiommu_dmar_next_scope(&d, &e, &scope, &s) && s.type == 1 && s.steps == 1);
    cr_assert(uiommu_dmar_next_scope(&d, &e, &scope, &s) && s.type == 2 && s.steps == 2);
    cr_assert(uiommu_dmar_scope_id(&d, &s, 0, &bridges, &id) && id == 0x100);
    cr_assert_not(uiommu_dmar_scope_id(&d, &s, 0, NULL, &id));
    cr_assert_not(uiommu_dmar_next_scope(&d, &e, &scope, &s));

    e = entry_at(&d, 82);
    scope = 0;
    cr_assert(e.flags == UIOMMU_DMAR_ALL && uiommu_dmar_next_scope(&d, &e, &scope, &s));
    cr_assert(s.type == 3 && s.enumeration == 2 && s.bus == 0xf0);
    cr_assert(uiommu_dmar_scope_id(&d, &s, 0, NULL, &id) && id == 0xf0f8);

    e = entry_at(&d, 130);
    cr_assert(e.type == UIOMMU_DMAR_RMRR && e.first == 0x7b800000 && e.last == 0x7f7fffff);
    cr_assert(uiommu_dmar_covers(&d, &e, &gpu, &bridges));
    cr_assert(uiommu_dmar_reserved(&e, &r) && reserved_is(&r, 0x7b800000, 0x7f7fffff, BOTH));
    e.place.verdict = UIOMMU_FW_OVERLAPS;
    cr_assert_not(uiommu_dmar_reserved(&e, &r));
    e = entry_at(&d, 48);
    cr_assert_not(uiommu_dmar_reserved(&e, &r));
    e = entry_at(&d, 130);
    cr_assert_not(uiommu_dmar_covers(&d, &e, &other, &bridges));
    e = entry_at(&d, 178);
    cr_assert(e.type == UIOMMU_DMAR_RHSA && e.first == 0xfed90000 && e.proximity == 1);
    e = entry_at(&d, 198);
    cr_assert(e.type == UIOMMU_DMAR_ANDD && e.number == 1);
    cr_assert_str_eq((const char *)t.bytes + e.name, "\\_SB.I2C0");

    /* Integrated: 00:02.0. Behind the switch: 03:00.0. The rest. A segment without a unit. */
    cr_assert(where(&d, 0, 0x10, true).unit == 48 && where(&d, 0, 0x300, false).unit == 48);
    cr_assert(where(&d, 0, 0x100, false).unit == 48 && where(&d, 0, 0x18, true).unit == 82);
    cr_assert(where(&d, 0, 0x500, false).unit == 82 && where(&d, 1, 0x500, false).unit == 114);
    cr_assert_eq(where(&d, 2, 0x10, false).unit, 0);
    /* ATS: integrated, behind the port that allows it, elsewhere. */
    cr_assert((where(&d, 0, 0x10, true).permitted & UIOMMU_FW_ATS) != 0);
    cr_assert((where(&d, 0, 0x300, false).permitted & UIOMMU_FW_ATS) != 0);
    cr_assert((where(&d, 0, 0x500, false).permitted & UIOMMU_FW_ATS) == 0);
    cr_assert((where(&d, 0, 0x500, false).permitted & UIOMMU_FW_PRI) != 0);
    cr_assert_eq(where(&d, 0, 0x500, false).told, UIOMMU_FW_ATS);
    cr_assert(torture(FIRMWARE_DMAR, &t) > 2000);
    free(t.bytes);
}

/* ---- by hand ---- */

static void begin(struct make *m)
{
    make_begin(m, "DMAR", 48);
    m->bytes[36] = 45;
}

static uint8_t *add(struct make *m, uint32_t type, uint32_t head, uint32_t scopes)
{
    uint8_t *at = make_add(m, head + 8 * scopes);
    uint32_t i;

    put(at, 2, type);
    put(at + 2, 2, head + 8 * scopes);
    for (i = 0; i < scopes; i++) {
        at[head + 8 * i] = 1;
        at[head + 8 * i + 1] = 8;
        at[head + 8 * i + 6] = (uint8_t)(i + 1); /* 00:01.0, 00:02.0, ... */
    }
    return at;
}

static uint8_t *add_unit(struct make *m, uint64_t base, uint32_t flags, uint32_t scopes)
{
    uint8_t *at = add(m, 0, 16, scopes);

    at[4] = (uint8_t)flags;
    put(at + 8, 8, base);
    return at;
}

static uint8_t *add_memory(struct make *m, uint64_t first, uint64_t last)
{
    uint8_t *at = add(m, 1, 24, 1);

    put(at + 8, 8, first);
    put(at + 16, 8, last);
    return at;
}

/* All verdicts of a table, in order. */
static void verdicts(const struct table *t, const enum uiommu_fw_verdict *want, uint32_t count)
{
    struct uiommu_dmar d;
    struct uiommu_dmar_entry e;
    uint32_t cursor = 0, n = 0;

    cr_assert_eq(uiommu_dmar_open(&d, t->bytes, t->size), UIOMMU_OK);
    for (; uiommu_dmar_next(&d, &cursor, &e); n++) {
        cr_assert(n < count);
        cr_assert_eq(e.place.verdict, want[n], "entry %u: %s", n,
                     uiommu_fw_verdict_str(e.place.verdict));
    }
    cr_assert_eq(n, count);
}

Test(firmware_dmar, contradictions)
{
    static const enum uiommu_fw_verdict want[] = {
        UIOMMU_FW_GOOD,     UIOMMU_FW_TWICE, UIOMMU_FW_ALIGNMENT, UIOMMU_FW_VALUE,
        UIOMMU_FW_WRAPS,    UIOMMU_FW_GOOD,  UIOMMU_FW_TWICE,     UIOMMU_FW_GOOD,
        UIOMMU_FW_OVERLAPS, UIOMMU_FW_WRAPS, UIOMMU_FW_ALIGNMENT, UIOMMU_FW_ALIGNMENT,
        UIOMMU_FW_SKIPPED,  UIOMMU_FW_SHORT,
    };
    struct make m;
    struct table t;
    struct uiommu_dmar d;
    uint8_t *at;

    begin(&m);
    add_unit(&m, 0xfed90000, 0, 1)[5] = 1; /* Two pages. */
    add_unit(&m, 0xfed91000, 0, 2);
    add_unit(&m, 0xfed92800, 0, 2);
    add_unit(&m, 0, 0, 2);
    add_unit(&m, UINT64_MAX - 0xfff, 0, 2)[5] = 1;
    add_unit(&m, 0xfeda0000, 1, 0);
    add_unit(&m, 0xfedb0000, 1, 0);
    add_memory(&m, 0x1000, 0x1fff);
    add_memory(&m, 0xfed00000, 0xfed90fff);
    add_memory(&m, 0x3000, 0x1fff);
    add_memory(&m, 0x3800, 0x3fff);
    add_memory(&m, 0x3000, 0x4000);
    add(&m, 99, 8, 0);
    at = add(&m, 1, 16, 0);
    (void)at;
    t = make_end(&m);
    verdicts(&t, want, sizeof(want) / sizeof(want[0]));
    cr_assert_eq(uiommu_dmar_open(&d, t.bytes, t.size), UIOMMU_OK);
    /* A bad unit has nobody: 00:02.0 is only in scopes of bad ones. */
    cr_assert_eq(where(&d, 0, 0x8, true).unit, 48);
    cr_assert_eq(where(&d, 0, 0x10, true).unit, entry_at(&d, 48 + 24 + 4 * 32).place.offset);
    cr_assert_eq(entry_at(&d, 72).place.other, 48);
    cr_assert_eq(entry_at(&d, 72).place.at, 80);
    cr_assert(torture(FIRMWARE_DMAR, &t) > 2000);
    free(t.bytes);
}

Test(firmware_dmar, a_device_of_two_units)
{
    struct make m;
    struct table t;
    struct uiommu_dmar d;
    struct uiommu_fw_match found;

    begin(&m);
    add_unit(&m, 0xfed90000, 0, 1);
    add_unit(&m, 0xfed91000, 0, 2);
    t = make_end(&m);
    cr_assert_eq(uiommu_dmar_open(&d, t.bytes, t.size), UIOMMU_OK);
    found = where(&d, 0, 0x8, true);
    cr_assert(found.unit == 48 && found.verdict == UIOMMU_FW_TWICE && found.other == 72);
    found = where(&d, 0, 0x10, true);
    cr_assert(found.unit == 72 && found.verdict == UIOMMU_FW_GOOD && found.other == 0);
    free(t.bytes);
}

Test(firmware_dmar, satc_and_sidp)
{
    struct make m;
    struct table t;
    struct uiommu_dmar d;
    uint32_t sidp;

    for (sidp = 0; sidp < 2; sidp++) {
        begin(&m);
        add_unit(&m, 0xfed90000, 1, 0);
        add(&m, 5, 8, 1)[4] = 1;
        if (sidp != 0)
            add(&m, 6, 8, 2)[8 + 8 + 2] = 0x18; /* 00:02.0: hardened, required. */
        t = make_end(&m);
        cr_assert_eq(uiommu_dmar_open(&d, t.bytes, t.size), UIOMMU_OK);
        cr_assert_eq(where(&d, 0, 0x8, true).ats_required, sidp == 0);
        cr_assert_eq(where(&d, 0, 0x10, true).ats_required, sidp != 0);
        cr_assert_eq(where(&d, 0, 0x10, true).settings, sidp != 0 ? 0x18 : 0);
        free(t.bytes);
    }
}

Test(firmware_dmar, lengths_lie)
{
    static const enum uiommu_fw_verdict want[] = {UIOMMU_FW_GOOD, UIOMMU_FW_CUT};
    static const uint32_t lies[] = {0, 3, 33, 0xffff};
    struct make m;
    struct table t;
    struct uiommu_dmar d;
    struct uiommu_dmar_entry e;
    struct uiommu_dmar_scope s;
    uint32_t i, scope = 0;

    for (i = 0; i < 4; i++) {
        begin(&m);
        add_unit(&m, 0xfed90000, 0, 1);
        put(add_unit(&m, 0xfed91000, 0, 2) + 2, 2, lies[i]);
        t = make_end(&m);
        verdicts(&t, want, 2);
        free(t.bytes);
    }
    /* A scope longer than its structure does not reach into the next one. */
    begin(&m);
    add_unit(&m, 0xfed90000, 0, 1)[17] = 9;
    add_unit(&m, 0xfed91000, 0, 1);
    t = make_end(&m);
    cr_assert_eq(uiommu_dmar_open(&d, t.bytes, t.size), UIOMMU_OK);
    e = entry_at(&d, 48);
    cr_assert(uiommu_dmar_next_scope(&d, &e, &scope, &s));
    cr_assert_eq(s.place.verdict, UIOMMU_FW_CUT);
    cr_assert_not(uiommu_dmar_next_scope(&d, &e, &scope, &s));
    cr_assert_eq(where(&d, 0, 0x8, true).unit, 72);
    free(t.bytes);
}

Test(firmware_dmar, headers)
{
    struct make m;
    struct table t;
    struct uiommu_dmar d;

    begin(&m);
    add_unit(&m, 0xfed90000, 0, 1);
    t = make_end(&m);
    cr_assert_eq(uiommu_dmar_open(&d, NULL, t.size), UIOMMU_E_INVALID);
    cr_assert_eq(uiommu_dmar_open(NULL, t.bytes, t.size), UIOMMU_E_INVALID);
    cr_assert_eq(uiommu_dmar_open(&d, t.bytes, 35), UIOMMU_E_RANGE);
    cr_assert_eq(uiommu_dmar_open(&d, t.bytes, t.size - 1), UIOMMU_E_RANGE);
    t.bytes[60]++;
    cr_assert_eq(uiommu_dmar_open(&d, t.bytes, t.size), UIOMMU_E_HW);
    t.bytes[0] = 'X';
    seal(t.bytes, t.size);
    cr_assert_eq(uiommu_dmar_open(&d, t.bytes, t.size), UIOMMU_E_NOT_FOUND);
    free(t.bytes);
}

Test(firmware_dmar, root_tables)
{
    struct make m;
    struct table t;
    uint64_t address = 0;
    uint32_t wide, cursor;

    for (wide = 4; wide <= 8; wide += 4) {
        make_begin(&m, wide == 8 ? "XSDT" : "RSDT", 36);
        put(make_add(&m, wide), wide, 0x12345678);
        put(make_add(&m, wide), wide, 0xfff000);
        (void)make_add(&m, 3);
        t = make_end(&m);
        cursor = 0;
        cr_assert_eq(uiommu_fw_root_next(t.bytes, t.size, &cursor, &address), UIOMMU_OK);
        cr_assert_eq(address, 0x12345678);
        cr_assert_eq(uiommu_fw_root_next(t.bytes, t.size, &cursor, &address), UIOMMU_OK);
        cr_assert_eq(address, 0xfff000);
        cr_assert_eq(uiommu_fw_root_next(t.bytes, t.size, &cursor, &address), UIOMMU_E_NOT_FOUND);
        t.bytes[0] = 'Y';
        cr_assert_eq(uiommu_fw_root_next(t.bytes, t.size, &cursor, &address), UIOMMU_E_INVALID);
        free(t.bytes);
    }
}
