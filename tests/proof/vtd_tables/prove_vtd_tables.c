/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * VT-d context and PASID entries, for every root, device and kind of unit, over whatever stands in
 * the entry: bits by number as in the specification (9.3, 9.6), legal as 9.6 and the sheet's 7.3 to
 * 7.5 want it, P stored behind everything else, and no entry that is live changes its table.
 */
#include "../prove.h"

#include "../prove_backend.h"

#include <backends/vtd/vtd_internal.h>

static struct uiommu_vtd hw;
static struct vtd_device dev;
static uint64_t table[8], before[8], want[8]; /* entry 0, or the one context entry */
static bool live, shutting;

/* What hardware may see from now on. */
void prove_stored(void)
{
    uint32_t i;

    if ((table[0] & 1) == 0 || shutting)
        return; /* absent: hardware looks at nothing else */
    /* Live: all of it is as it is to be, or nothing has changed. */
    for (i = 1; i < 8; i++)
        PROVE(table[i] == want[i] || (table[i] == before[i] && live));
    PROVE(table[0] == want[0] || table[0] == before[0]);
}

void uiommu_vtd_to_device(const struct uiommu_vtd *of, const volatile void *cpu, uint64_t bytes)
{
    (void)of;
    PROVE(cpu == (const volatile void *)table && bytes <= sizeof(table));
}

uiommu_err uiommu_vtd_mem_get(struct uiommu_vtd *of, uint64_t bytes, uint64_t align,
                              struct uiommu_mem *mem)
{
    (void)of;
    (void)bytes;
    (void)align;
    (void)mem;
    return UIOMMU_E_NOMEM;
}

void uiommu_vtd_mem_put(struct uiommu_vtd *of, struct uiommu_mem *mem)
{
    (void)of;
    (void)mem;
}

/* A unit as probe() leaves it. */
static void any_unit(void)
{
    uint32_t haw = nondet_u32();

    ASSUME(haw >= 32 && haw <= 52);
    hw.limit = (UINT64_C(1) << haw) - 1;
    hw.f.snoop_walk = nondet_bool();
    hw.f.five = nondet_bool();
    hw.f.first = nondet_bool();
    hw.f.second = nondet_bool();
    hw.f.nested = nondet_bool();
    hw.f.second_flags = nondet_bool();
    hw.f.widths = nondet_u32() & 0xe;
    hw.f.guest_bits = nondet_u8();
    hw.f.did_last = nondet_u16();
    hw.f.ats = nondet_bool();
    ASSUME(hw.f.guest_bits >= 39 && hw.f.guest_bits <= 57);
    ASSUME(!hw.f.nested || (hw.f.first && hw.f.second));
}

static void any_root(struct uiommu_root *root)
{
    root->format = (enum uiommu_root_format)(nondet_u32() % 8);
    root->granule_bits = nondet_u8();
    root->va_bits = nondet_u8();
    root->pa_bits = nondet_u8();
    root->flags = nondet_u8();
    root->table = nondet_u64();
    root->under.format = (enum uiommu_root_format)(nondet_u32() % 8);
    root->under.granule_bits = nondet_u8();
    root->under.va_bits = nondet_u8();
    root->under.pa_bits = nondet_u8();
    root->under.flags = nondet_u8();
    root->under.table = nondet_u64();
}

static void legal(const uint64_t w[8], const struct uiommu_root *root, uint32_t did)
{
    uint64_t type = sheet_bits(w[0], 8, 6), aw = sheet_bits(w[0], 4, 2);
    bool first = type != 2, second = type != 1;
    uint32_t i;

    PROVE(sheet_bits(w[0], 1, 0) == 1 && (w[0] & 0xc20) == 0);
    PROVE(type == 1 || type == 2 || type == 3);
    PROVE(!second || (aw >= 1 && aw <= 3 && (hw.f.widths >> aw & 1) != 0 && hw.f.second));
    PROVE(second || (w[0] & ~UINT64_C(0x1c3)) == 0);
    PROVE(sheet_bits(w[0], 9, 9) == 0 || hw.f.second_flags);
    PROVE((w[0] & ~UINT64_C(0xfff)) <= hw.limit);
    PROVE(w[1] == (did | (uint64_t)hw.f.snoop_walk << 23));
    PROVE((w[2] & 0xff3) == 0 && (first || w[2] == 0));
    PROVE(!first || (w[2] & ~UINT64_C(0xfff)) == root->table);
    PROVE(!first || sheet_bits(w[2], 3, 2) == (root->va_bits == 57 ? 1 : 0));
    PROVE(sheet_bits(w[2], 3, 2) == 0 || hw.f.five);
    /* A guest's root lies where the second stage translates. */
    PROVE(type != 3 || aw != 1 || root->table >> 39 == 0);
    PROVE(type == 3 || (w[2] & ~UINT64_C(0xfff)) <= hw.limit);
    for (i = 3; i < 8; i++)
        PROVE(w[i] == 0);
}

static void pasid_entry(void)
{
    struct uiommu_root root;
    uint32_t tag = nondet_u32(), pasid = nondet_bool() ? UIOMMU_PASID_NONE : 0, i;
    uiommu_err err;

    any_root(&root);
    dev.leaves.first.cpu = table;
    dev.pasid_bits = 6;
    for (i = 0; i < 8; i++)
        before[i] = table[i] = nondet_u64();
    live = (table[0] & 1) != 0;
    uiommu_vtd_pasid_build(&hw, &root, tag, want);
    err = uiommu_vtd_pasid_set(&hw, &dev, pasid, &root, tag, nondet_u32());
    if (err != UIOMMU_OK || live) {
        for (i = 0; i < 8; i++)
            PROVE(table[i] == before[i]);
    }
    if (err != UIOMMU_OK)
        return;
    PROVE(pasid != 0 && tag != 0 && tag <= hw.f.did_last);
    for (i = 0; i < 8; i++)
        PROVE(table[i] == want[i]);
    legal(table, &root, tag);
    shutting = true;
    if (nondet_bool())
        uiommu_vtd_pasid_block(&hw, &dev, pasid);
    else
        uiommu_vtd_pasid_clear(&hw, &dev, pasid);
    /* Not present, and quiet for untagged traffic; the rest stays for invalidations. */
    PROVE(sheet_bits(table[0], 1, 0) == 2 && (table[0] ^ want[0]) == 3);
    for (i = 1; i < 8; i++)
        PROVE(table[i] == want[i]);
    PROVE(uiommu_vtd_did_of(&dev, pasid) == tag);
}

static void context_entry(void)
{
    static struct uiommu_mem half;
    uint32_t set = nondet_u32(), i, id = 0;
    uiommu_err err;

    half.cpu = table;
    hw.context = &half;
    hw.id_bits = 16;
    dev.who.ids = &id;
    dev.who.id_count = 1;
    dev.flags = nondet_u32();
    dev.pasid_bits = nondet_u32();
    dev.pdts = dev.pasid_bits > 13 ? dev.pasid_bits - 13 : 0; /* directory_get() */
    dev.directory.bus = nondet_u64();
    ASSUME(dev.pasid_bits <= 20 && (dev.directory.bus & 0xfff) == 0);
    ASSUME(dev.directory.bus <= hw.limit);
    for (i = 0; i < 4; i++)
        before[i] = table[i] = nondet_u64();
    want[0] = uiommu_vtd_context_word(&dev, set);
    live = (table[0] & 1) != 0;
    shutting = (set & UIOMMU_DEVICE_SET_OPEN) == 0;
    err = uiommu_vtd_device_set(&hw, &dev, set, nondet_u32());
    PROVE(sheet_bits(want[0], 1, 0) == 1 && sheet_bits(want[0], 8, 5) == 0);
    PROVE(sheet_bits(want[0], 4, 4) == 0 || sheet_bits(want[0], 2, 2) == 1);
    PROVE(sheet_bits(want[0], 3, 3) == (dev.pasid_bits != 0));
    PROVE(sheet_bits(want[0], 11, 9) + 13 >= dev.pasid_bits && want[0] >> 12 << 12 <= hw.limit);
    if (err == UIOMMU_E_UNSUPPORTED)
        return;
    if (shutting) {
        PROVE((table[0] & 0x13) == 2 && ((table[0] ^ before[0]) & ~UINT64_C(0x13)) == 0);
    } else if (err == UIOMMU_MORE) { /* another's: shut first */
        PROVE((before[0] & 1) != 0 && (table[0] & 0x13) == 2);
    } else {
        PROVE(table[0] == want[0]);
        PROVE((before[0] & 1) == 0 || (before[0] ^ want[0]) >> 12 == 0);
        PROVE((before[0] & 1) != 0 || (table[1] | table[2] | table[3]) == 0);
    }
}

void prove(void)
{
    uint64_t bus = nondet_u64();

    ASSUME((bus & 0xfff) == 0);
    PROVE(uiommu_vtd_root_word(bus) == (bus | 1) && uiommu_vtd_directory_word(bus) == (bus | 1));
    any_unit();
    if (nondet_bool())
        pasid_entry();
    else
        context_entry();
}
