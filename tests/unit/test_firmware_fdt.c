/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit_firmware.h"

#include <uiommu/fdt.h>

static struct uiommu_fdt open_tree(const struct table *t)
{
    struct uiommu_fdt f;

    cr_assert_eq(uiommu_fdt_open(&f, t->bytes, t->size), UIOMMU_OK);
    return f;
}

Test(firmware_fdt, units)
{
    struct table t = load("smmuv3.dtb");
    struct uiommu_fdt f;
    struct uiommu_fdt_walk walk = {0};
    struct uiommu_fdt_unit u;

    NEED(t);
    f = open_tree(&t);
    cr_assert_eq(f.place.verdict, UIOMMU_FW_GOOD);
    cr_assert(uiommu_fdt_next_unit(&f, &walk, &u));
    cr_assert_eq(u.place.verdict, UIOMMU_FW_GOOD);
    cr_assert_str_eq(uiommu_fdt_name(&f, u.place.offset), "iommu@9050000");
    cr_assert(u.first == UINT64_C(0x109050000) && u.last == UINT64_C(0x10906ffff));
    cr_assert(u.coherent && !u.page0 && !u.no_prefetch && !u.messages && u.phandle != 0);
    cr_assert(u.event.told && u.event.number == 106 && u.event.flags == 1);
    cr_assert(u.pri.number == 107 && u.sync.number == 108 && u.gerror.number == 109);
    cr_assert(!u.combined.told && u.interrupts_at == 0);
    cr_assert_eq(uiommu_fdt_phandle(&f, u.phandle), u.place.offset);
    cr_assert_not(uiommu_fdt_next_unit(&f, &walk, &u)); /* The other one is disabled. */
    cr_assert(torture(FIRMWARE_FDT, &t) > 10000);
    free(t.bytes);
}

Test(firmware_fdt, functions)
{
    struct table t = load("smmuv3.dtb");
    struct uiommu_fdt f;
    struct uiommu_fdt_walk walk = {0};
    struct uiommu_fdt_host h;
    struct uiommu_fw_match m;

    NEED(t);
    f = open_tree(&t);
    cr_assert(uiommu_fdt_next_host(&f, &walk, &h));
    cr_assert(h.place.verdict == UIOMMU_FW_GOOD && h.has_domain && h.domain == 3 && h.ats);
    cr_assert(h.first == UINT64_C(0x4010000000) && h.last == UINT64_C(0x401fffffff));
    cr_assert(h.first_bus == 0 && h.last_bus == 0x7f && h.mask == 0xfff8);
    cr_assert_eq(uiommu_fdt_find(&f, &h, 0x9, &m), UIOMMU_OK);
    cr_assert(m.id == 0x108 && m.verdict == UIOMMU_FW_GOOD && (m.permitted & UIOMMU_FW_ATS) != 0);
    cr_assert_str_eq(uiommu_fdt_name(&f, m.unit), "iommu@9050000");
    cr_assert_eq(uiommu_fdt_find(&f, &h, 0x2ff, &m), UIOMMU_OK);
    cr_assert_eq(m.id, 0x100f8);
    cr_assert_eq(uiommu_fdt_find(&f, &h, 0x100, &m), UIOMMU_E_NOT_FOUND);
    cr_assert_eq(uiommu_fdt_find(&f, &h, 0x8000, &m), UIOMMU_E_INVALID);
    cr_assert_not(uiommu_fdt_next_host(&f, &walk, &h));
    free(t.bytes);
}

Test(firmware_fdt, devices_and_memory)
{
    struct table t = load("smmuv3.dtb");
    struct uiommu_fdt f;
    struct uiommu_fdt_walk walk = {0};
    struct uiommu_fdt_device d;
    struct uiommu_fdt_region r;
    struct uiommu_reserved reserved;

    NEED(t);
    f = open_tree(&t);
    cr_assert(uiommu_fdt_next_device(&f, &walk, &d));
    cr_assert(d.place.verdict == UIOMMU_FW_GOOD && d.stream == 7 && d.pasid_bits == 5 && d.stalls);
    cr_assert_str_eq(uiommu_fdt_name(&f, d.place.offset), "display@9100000");
    cr_assert(uiommu_fdt_next_device(&f, &walk, &d) && d.stream == 8);
    cr_assert_not(uiommu_fdt_next_device(&f, &walk, &d));

    memset(&walk, 0, sizeof(walk));
    cr_assert(uiommu_fdt_next_region(&f, &walk, &r));
    cr_assert(r.place.verdict == UIOMMU_FW_GOOD && r.backed);
    cr_assert(r.first == 0x90000000 && r.last == 0x907fffff && r.first_physical == r.first);
    cr_assert_str_eq(uiommu_fdt_name(&f, r.device), "display@9100000");
    cr_assert(uiommu_fdt_reserved(&r, &reserved));
    cr_assert(reserved_is(&reserved, 0x90000000, 0x907fffff, BOTH));
    cr_assert(uiommu_fdt_next_region(&f, &walk, &r));
    cr_assert_not(uiommu_fdt_reserved(&r, &reserved), "nothing is to be mapped there");
    cr_assert(!r.backed && r.first == 0 && r.last == 0xfff);
    cr_assert(uiommu_fdt_next_region(&f, &walk, &r));
    cr_assert_str_eq(uiommu_fdt_name(&f, r.device), "pcie@4010000000");
    cr_assert(r.first == UINT64_C(0x100000000) && r.last == UINT64_C(0x100001fff));
    cr_assert_not(uiommu_fdt_next_region(&f, &walk, &r));
    free(t.bytes);
}

/* Units over each other, entries that contradict or lead nowhere, memory over registers. */
Test(firmware_fdt, contradictions)
{
    static const enum uiommu_fw_verdict units[] = {
        UIOMMU_FW_GOOD, UIOMMU_FW_TWICE, UIOMMU_FW_ALIGNMENT, UIOMMU_FW_SHORT, UIOMMU_FW_WRAPS};
    static const enum uiommu_fw_verdict maps[] = {
        UIOMMU_FW_GOOD, UIOMMU_FW_TWICE, UIOMMU_FW_REFERENCE, UIOMMU_FW_REFERENCE, UIOMMU_FW_WRAPS};
    struct table t = load("contradicting.dtb");
    struct uiommu_fdt f;
    struct uiommu_fdt_walk walk = {0};
    struct uiommu_fdt_unit u;
    struct uiommu_fdt_host h;
    struct uiommu_fdt_map map;
    struct uiommu_fdt_region r;
    struct uiommu_reserved reserved;
    struct uiommu_fw_match m;
    uint32_t n, cursor = 0;

    NEED(t);
    f = open_tree(&t);
    for (n = 0; uiommu_fdt_next_unit(&f, &walk, &u); n++)
        cr_assert_eq(u.place.verdict, units[n], "unit %u: %s", n,
                     uiommu_fw_verdict_str(u.place.verdict));
    cr_assert_eq(n, 5);
    memset(&walk, 0, sizeof(walk));
    cr_assert(uiommu_fdt_next_host(&f, &walk, &h));
    for (n = 0; uiommu_fdt_next_map(&f, &h, &cursor, &map); n++)
        cr_assert_eq(map.place.verdict, maps[n], "entry %u: %s", n,
                     uiommu_fw_verdict_str(map.place.verdict));
    cr_assert_eq(n, 5);
    cr_assert_eq(uiommu_fdt_find(&f, &h, 0x80, &m), UIOMMU_OK);
    cr_assert(m.id == 0x80 && m.verdict == UIOMMU_FW_TWICE);
    cr_assert_eq(uiommu_fdt_find(&f, &h, 0x110, &m), UIOMMU_OK);
    cr_assert(m.id == 0x1090 && m.verdict == UIOMMU_FW_GOOD);
    cr_assert_eq(m.permitted & UIOMMU_FW_ATS, 0);
    cr_assert_eq(uiommu_fdt_find(&f, &h, 0x300, &m), UIOMMU_E_NOT_FOUND);
    memset(&walk, 0, sizeof(walk));
    cr_assert(uiommu_fdt_next_region(&f, &walk, &r) && r.place.verdict == UIOMMU_FW_OVERLAPS);
    cr_assert(r.backed && !uiommu_fdt_reserved(&r, &reserved));
    cr_assert(uiommu_fdt_next_region(&f, &walk, &r) && r.place.verdict == UIOMMU_FW_REFERENCE);
    cr_assert_not(uiommu_fdt_next_region(&f, &walk, &r));
    cr_assert(torture(FIRMWARE_FDT, &t) > 10000);
    free(t.bytes);
}

/* ---- by hand: header and depth ---- */

/* A tree of so many nodes inside each other; 'whole': they end, too. */
static struct table nest(uint32_t depth, bool whole)
{
    struct table t = {calloc(1, 40 + 12 * depth + 4), 40 + 12 * depth + 4};
    uint32_t i, at = 40, header[] = {0xd00dfeed, (uint32_t)t.size,     40, 40, 40, 17, 16, 0,
                                     0,          (uint32_t)t.size - 40};

    for (i = 0; i < 10; i++)
        put_cell(t.bytes + 4 * i, header[i]);
    for (i = 0; i < depth; i++, at += 8)
        put_cell(t.bytes + at, 1);
    for (i = 0; whole && i < depth; i++, at += 4)
        put_cell(t.bytes + at, 2);
    put_cell(t.bytes + at, 9);
    return t;
}

Test(firmware_fdt, depth)
{
    struct uiommu_fdt_walk walk;
    struct uiommu_fdt f;
    struct table t;
    uint32_t depth, n;

    for (depth = 1; depth <= UIOMMU_FDT_DEPTH + 2; depth++) {
        t = nest(depth, true);
        f = open_tree(&t);
        cr_assert_eq(f.place.verdict, depth <= UIOMMU_FDT_DEPTH ? UIOMMU_FW_GOOD : UIOMMU_FW_CUT);
        memset(&walk, 0, sizeof(walk));
        for (n = 0; uiommu_fdt_next(&f, &walk); n++)
            cr_assert_eq(walk.depth, n + 1);
        cr_assert_eq(n, depth <= UIOMMU_FDT_DEPTH ? depth : UIOMMU_FDT_DEPTH);
        free(t.bytes);
        t = nest(depth, false);
        f = open_tree(&t);
        cr_assert_eq(f.place.verdict, UIOMMU_FW_CUT);
        free(t.bytes);
    }
}

Test(firmware_fdt, headers)
{
    static const struct {
        uint32_t at, value;
        uiommu_err want;
    } bad[] = {
        {0, 0xedfe0dd0, UIOMMU_E_NOT_FOUND},
        {4, 39, UIOMMU_E_RANGE},
        {4, 0xffffffff, UIOMMU_E_RANGE},
        {20, 16, UIOMMU_E_UNSUPPORTED},
        {24, 18, UIOMMU_E_UNSUPPORTED},
        {8, 41, UIOMMU_E_RANGE},
        {8, 0, UIOMMU_E_RANGE},
        {8, 0xfffffffc, UIOMMU_E_RANGE},
        {36, 0xfffffffc, UIOMMU_E_RANGE},
        {12, 0xffffffff, UIOMMU_E_RANGE},
        {32, 0xffffffff, UIOMMU_E_RANGE},
        {40, 2, UIOMMU_E_RANGE},
        {36, 0, UIOMMU_E_RANGE},
    };
    struct uiommu_fdt f;
    struct table t;
    size_t i;

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        t = nest(2, true);
        put_cell(t.bytes + bad[i].at, bad[i].value);
        cr_assert_eq(uiommu_fdt_open(&f, t.bytes, t.size), bad[i].want, "%zu", i);
        free(t.bytes);
    }
    t = nest(2, true);
    cr_assert_eq(uiommu_fdt_open(&f, t.bytes, t.size - 1), UIOMMU_E_RANGE);
    cr_assert_eq(uiommu_fdt_open(&f, NULL, t.size), UIOMMU_E_INVALID);
    cr_assert_eq(uiommu_fdt_open(NULL, t.bytes, t.size), UIOMMU_E_INVALID);
    free(t.bytes);
}

/* Properties whose end, added up in 32 bits, comes out at or before where they begin. */
Test(firmware_fdt, lengths_wrap, .timeout = 20)
{
    static const uint32_t cells[] = {1, 0, 3, 0, 0, 2, 9, 0x61000000};
    struct uiommu_fdt_walk walk;
    struct uiommu_fdt f;
    struct table t;
    uint32_t i, length;

    for (length = 0xffffff80; length != 0; length++) {
        t = nest(3, true); /* Its header; 40 bytes follow, the last four are names. */
        for (i = 0; i < 8; i++)
            put_cell(t.bytes + 40 + 4 * i, cells[i]);
        put_cell(t.bytes + 36, 28);
        put_cell(t.bytes + 12, 68);
        put_cell(t.bytes + 32, 4);
        f = open_tree(&t);
        cr_assert_eq(f.place.verdict, UIOMMU_FW_GOOD);
        put_cell(t.bytes + 52, length);
        f = open_tree(&t);
        cr_assert(f.place.verdict == UIOMMU_FW_CUT && f.place.at == 48);
        memset(&walk, 0, sizeof(walk));
        cr_assert(uiommu_fdt_next(&f, &walk) && !uiommu_fdt_next(&f, &walk));
        free(t.bytes);
    }
}
