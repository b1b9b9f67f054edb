/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit_firmware.h"

#include <uiommu/ivrs.h>

static struct uiommu_fw_match where(const struct uiommu_ivrs *v, uint32_t segment, uint32_t id)
{
    struct uiommu_fw_function fn = {segment, id, false};
    struct uiommu_fw_match m;

    if (uiommu_ivrs_find(v, &fn, &m) != UIOMMU_OK)
        memset(&m, 0, sizeof(m));
    return m;
}

static struct uiommu_ivrs_block block_at(const struct uiommu_ivrs *v, uint32_t offset)
{
    struct uiommu_ivrs_block b;
    uint32_t cursor = 0;

    while (uiommu_ivrs_next(v, &cursor, &b)) {
        if (b.place.offset == offset)
            return b;
    }
    cr_assert_fail("no block at %u", offset);
    return b;
}

Test(firmware_ivrs, made_by_iasl)
{
    struct table t = load("ivrs.aml");
    struct uiommu_ivrs v;
    struct uiommu_ivrs_block b;
    struct uiommu_reserved r;
    struct uiommu_ivrs_device d;
    struct uiommu_fw_match m;
    struct uiommu_fw_function in = {0, 0x1ff, false}, out = {0, 0x200, false};
    uint32_t cursor = 0, device = 0, n = 0;

    NEED(t);
    cr_assert_eq(uiommu_ivrs_open(&v, t.bytes, t.size), UIOMMU_OK);
    cr_assert(v.info == 0x203041 && v.physical_bits == 48 && v.virtual_bits == 64);
    for (; uiommu_ivrs_next(&v, &cursor, &b); n++)
        cr_assert_eq(b.place.verdict, UIOMMU_FW_GOOD, "at %u", b.place.offset);
    cr_assert_eq(n, 2);

    b = block_at(&v, 48);
    cr_assert(b.type == 0x10 && b.flags == 0xb0 && b.segment == 0 && b.id == 2);
    cr_assert(b.capability == 0x40 && b.msi_number == 3 && b.attributes == 0x80000f04);
    cr_assert(b.first == 0xfeb80000 && b.last == 0xfeb83fff);
    for (n = 0; uiommu_ivrs_next_device(&v, &b, &device, &d); n++) {
        cr_assert_eq(d.place.verdict, UIOMMU_FW_GOOD, "at %u", d.place.offset);
        if (d.kind == UIOMMU_IVRS_SPECIAL)
            cr_assert(d.variety == 1 && d.handle == 0x20 && d.first == 0xa0 && d.setting == 0xd7);
    }
    cr_assert_eq(n, 7);

    m = where(&v, 0, 0x180);
    cr_assert(m.unit == 48 && m.entry == 76 && m.settings == 0xd7 && m.alias == 0x180);
    m = where(&v, 0, 0x300);
    cr_assert(m.unit == 48 && m.entry == 84 && m.id == 0x300 && m.alias == 0x2a4);
    m = where(&v, 0, 0x9999);
    cr_assert(m.unit == 48 && m.entry == 72 && m.verdict == UIOMMU_FW_GOOD);
    cr_assert(m.told == 7 && m.permitted == 7 && m.pasid_bits == 16);
    m = where(&v, 0, 0x400);
    cr_assert(m.entry == 92 && m.permitted == (UIOMMU_FW_PRI | UIOMMU_FW_PASID));
    cr_assert_eq(where(&v, 1, 0x180).unit, 0);

    b = block_at(&v, 120);
    cr_assert(b.flags == (UIOMMU_IVRS_UNITY | UIOMMU_IVRS_READ | UIOMMU_IVRS_WRITE));
    cr_assert(b.first == 0x60000000 && b.last == 0x601fffff);
    cr_assert(uiommu_ivrs_covers(&b, &in) && !uiommu_ivrs_covers(&b, &out));
    cr_assert(uiommu_ivrs_reserved(&b, &r) && reserved_is(&r, 0x60000000, 0x601fffff, BOTH));
    b.flags = UIOMMU_IVRS_UNITY | UIOMMU_IVRS_READ;
    cr_assert(uiommu_ivrs_reserved(&b, &r) && r.access == UIOMMU_READ);
    b.flags = UIOMMU_IVRS_UNITY | UIOMMU_IVRS_WRITE;
    cr_assert(uiommu_ivrs_reserved(&b, &r) && r.access == UIOMMU_WRITE);
    b.flags = UIOMMU_IVRS_EXCLUSION | UIOMMU_IVRS_READ;
    cr_assert(uiommu_ivrs_reserved(&b, &r) && r.access == BOTH);
    b.flags = 0;
    cr_assert(uiommu_ivrs_reserved(&b, &r) && r.access == BOTH);
    b.last = b.first - 1; /* whatever its verdict */
    cr_assert_not(uiommu_ivrs_reserved(&b, &r));
    b = block_at(&v, 48);
    cr_assert_not(uiommu_ivrs_reserved(&b, &r));
    b.type = 0x40;
    cr_assert_not(uiommu_ivrs_reserved(&b, &r));
    cr_assert(torture(FIRMWARE_IVRS, &t) > 1500);
    free(t.bytes);
}

/* ---- by hand ---- */

static uint8_t *add_unit(struct make *m, uint32_t type, uint32_t id, uint64_t base,
                         uint32_t entries)
{
    uint32_t bytes = (type == 0x10 ? 24 : 40) + entries;
    uint8_t *at = make_add(m, bytes);

    at[0] = (uint8_t)type;
    put(at + 2, 2, bytes);
    put(at + 4, 2, id);
    put(at + 8, 8, base);
    return at;
}

static void add_memory(struct make *m, uint32_t type, uint32_t first, uint32_t last, uint64_t from,
                       uint64_t bytes)
{
    uint8_t *at = make_add(m, 32);

    at[0] = (uint8_t)type;
    put(at + 2, 2, 32);
    put(at + 4, 2, first);
    put(at + 6, 2, last);
    put(at + 16, 8, from);
    put(at + 24, 8, bytes);
}

static void verdicts(const struct uiommu_ivrs *v, const enum uiommu_fw_verdict *want,
                     uint32_t count)
{
    struct uiommu_ivrs_block b;
    uint32_t cursor = 0, n = 0;

    for (; uiommu_ivrs_next(v, &cursor, &b); n++) {
        cr_assert(n < count);
        cr_assert_eq(b.place.verdict, want[n], "block %u: %s", n,
                     uiommu_fw_verdict_str(b.place.verdict));
    }
    cr_assert_eq(n, count);
}

Test(firmware_ivrs, the_highest_type_counts)
{
    static const enum uiommu_fw_verdict want[] = {UIOMMU_FW_OLDER, UIOMMU_FW_OLDER, UIOMMU_FW_GOOD,
                                                  UIOMMU_FW_GOOD, UIOMMU_FW_SHORT};
    struct make m;
    struct table t;
    struct uiommu_ivrs v;
    struct uiommu_ivrs_block b;
    struct uiommu_fw_match found;
    uint8_t *at;

    make_begin(&m, "IVRS", 48);
    add_unit(&m, 0x10, 2, 0xfeb80000, 4)[24] = 1;
    add_unit(&m, 0x11, 2, 0xfeb80000, 4)[40] = 1;
    at = add_unit(&m, 0x40, 2, 0xfeb80000, 4);
    at[40] = 1;
    at[1] = 0x10;
    put(at + 24, 8, UINT64_C(0x0000000500000212)); /* PPR, GT, counters, 6 bits of PASID. */
    put(at + 32, 8, 0x1234);
    add_unit(&m, 0x11, 3, 0xfec80000, 4)[40] = 2;
    put(add_unit(&m, 0x40, 3, 0xfec80000, 0) + 2, 2, 24); /* Cut short: costs not the other. */
    m.size -= 16;
    t = make_end(&m);
    cr_assert_eq(uiommu_ivrs_open(&v, t.bytes, t.size), UIOMMU_OK);
    verdicts(&v, want, 5);
    b = block_at(&v, 48 + 28 + 44);
    cr_assert(b.efr == UINT64_C(0x500000212) && b.efr2 == 0x1234 && b.last == 0xfebfffff);
    found = where(&v, 0, 0x100);
    cr_assert(found.unit == b.place.offset && found.pasid_bits == 6 && found.permitted == 7);
    found = where(&v, 0, 0);
    cr_assert(found.unit == b.place.offset + 44 && found.told == UIOMMU_FW_ATS);
    cr_assert_eq(found.permitted & UIOMMU_FW_ATS, 0);
    cr_assert(torture(FIRMWARE_IVRS, &t) > 1500);
    free(t.bytes);
}

Test(firmware_ivrs, contradictions)
{
    static const enum uiommu_fw_verdict want[] = {
        UIOMMU_FW_GOOD,  UIOMMU_FW_TWICE,     UIOMMU_FW_TWICE,   UIOMMU_FW_ALIGNMENT,
        UIOMMU_FW_GOOD,  UIOMMU_FW_OVERLAPS,  UIOMMU_FW_WRAPS,   UIOMMU_FW_WRAPS,
        UIOMMU_FW_WRAPS, UIOMMU_FW_ALIGNMENT, UIOMMU_FW_SKIPPED, UIOMMU_FW_CUT,
    };
    struct make m;
    struct table t;
    struct uiommu_ivrs v;
    uint8_t *at;

    make_begin(&m, "IVRS", 48);
    add_unit(&m, 0x10, 2, 0xfeb80000, 0);
    add_unit(&m, 0x10, 3, 0xfeb80000, 0);
    add_unit(&m, 0x10, 2, 0xfeb90000, 0);
    add_unit(&m, 0x10, 4, 0xfeba1000, 0);
    add_memory(&m, 0x20, 9, 9, 0x100000, 0x1000);
    add_memory(&m, 0x21, 9, 9, 0xfeb83000, 0x1000);
    add_memory(&m, 0x21, 9, 9, 0x100000, 0);
    add_memory(&m, 0x21, 9, 9, UINT64_MAX - 0xfff, 0x2000);
    add_memory(&m, 0x22, 9, 8, 0x100000, 0x1000);
    add_memory(&m, 0x21, 9, 9, 0x100800, 0x1000);
    at = make_add(&m, 8);
    at[0] = 0x77;
    at[2] = 8;
    put(add_unit(&m, 0x10, 5, 0xfec00000, 8) + 2, 2, 33);
    t = make_end(&m);
    cr_assert_eq(uiommu_ivrs_open(&v, t.bytes, t.size), UIOMMU_OK);
    verdicts(&v, want, sizeof(want) / sizeof(want[0]));
    cr_assert_eq(block_at(&v, 72).place.other, 48);
    free(t.bytes);
}

/* Entries one by one: what each says, and what is told. */
Test(firmware_ivrs, entries)
{
    static const uint8_t entries[] = {
        0x03, 0x00, 0x01, 0x11,                      /* 0100... */
        0x00, 0,    0,    0,    0x04, 0xff, 0x01, 0, /* ...01ff, with a pad between */
        0x02, 0x80, 0x01, 0x22,                      /* 0180 once more */
        0x43, 0x00, 0x03, 0,    0,    0x08, 0x02, 0, /* 0300..., alias 0208 */
        0x04, 0x10, 0x03, 0,                         /* ...0310 */
        0x47, 0x00, 0x04, 0,    0,    0,    0,    0x10, 4,   0,   4,   0, /* 0400 to 0400, no ATS */
        0x04, 0,    0,    0,                                              /* an end without begin */
        0x03, 0x00, 0x06, 0,    0x02, 0x00, 0x07, 0,                      /* a begin without end */
        0x03, 0x00, 0x09, 0,    0x04, 0x00, 0x08, 0,                      /* backwards */
        0x90, 0,    0,    0,    0,    0,    0,    0,    0,   0,   0,   0, 0, 0, 0, 0, /* 16 bytes,
                                                                                         unknown */
        0xf0, 0x50, 0x00, 0,    'A',  'B',  'C',  '0',  '0', '0', '1', 0, 0, 0, 0, 0, 0,
        0,    0,    0,    2,    2,    'x',  'y', /* 22 + 2 */
        0x46, 0x00, 0x0a, 0,                     /* too short for its type */
    };
    static const enum uiommu_fw_verdict want[] = {
        UIOMMU_FW_GOOD,      UIOMMU_FW_GOOD,      UIOMMU_FW_GOOD, UIOMMU_FW_GOOD,
        UIOMMU_FW_REFERENCE, UIOMMU_FW_REFERENCE, UIOMMU_FW_GOOD, UIOMMU_FW_WRAPS,
        UIOMMU_FW_SKIPPED,   UIOMMU_FW_GOOD,      UIOMMU_FW_CUT};
    struct make m;
    struct table t;
    struct uiommu_ivrs v;
    struct uiommu_ivrs_block b;
    struct uiommu_ivrs_device d;
    struct uiommu_fw_match found;
    uint32_t cursor = 0, n = 0;
    uint8_t *at;

    make_begin(&m, "IVRS", 48);
    at = add_unit(&m, 0x10, 2, 0xfeb80000, sizeof(entries));
    at[1] = 0x10;
    memcpy(at + 24, entries, sizeof(entries));
    t = make_end(&m);
    cr_assert_eq(uiommu_ivrs_open(&v, t.bytes, t.size), UIOMMU_OK);
    b = block_at(&v, 48);
    for (; uiommu_ivrs_next_device(&v, &b, &cursor, &d); n++) {
        cr_assert(n < sizeof(want) / sizeof(want[0]));
        cr_assert_eq(d.place.verdict, want[n], "entry %u: %s", n,
                     uiommu_fw_verdict_str(d.place.verdict));
    }
    cr_assert_eq(n, sizeof(want) / sizeof(want[0]));
    found = where(&v, 0, 0x180);
    cr_assert(found.entry == 72 && found.settings == 0x11 && found.verdict == UIOMMU_FW_TWICE);
    cr_assert_eq(found.other, 72 + 12);
    found = where(&v, 0, 0x310);
    cr_assert(found.alias == 0x208 && found.verdict == UIOMMU_FW_GOOD);
    cr_assert_eq(where(&v, 0, 0x311).unit, 0);
    cr_assert_eq(where(&v, 0, 0x400).permitted & UIOMMU_FW_ATS, 0);
    cr_assert_neq(where(&v, 0, 0x310).permitted & UIOMMU_FW_ATS, 0);
    cr_assert_eq(where(&v, 0, 0x600).unit, 0);
    cr_assert_eq(where(&v, 0, 0x700).unit, 48);
    cr_assert_eq(where(&v, 0, 0x50).unit, 0); /* An ACPI device is no function. */
    free(t.bytes);
}
