/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SMMUv3 stream table entries and context descriptors, for every root, device and kind of unit,
 * over whatever stands there: bits by number as in IHI 0070 5.2 and 5.4, legal as 5.2.2 and 5.4.1
 * want it; V of an entry never falls, and what opens it is stored in a step of its own, so that a
 * SYNC lies between (3.21.3).
 */
#include "../prove.h"

#include "../prove_backend.h"

#include <backends/smmuv3/smmuv3_internal.h>

/* Both files have statics of their own; the names that they share are none of ours. */
#include <backends/smmuv3/smmuv3_cd.c>
#include <backends/smmuv3/smmuv3_ste.c>

static struct uiommu_smmuv3 hw;
static struct smmuv3_device dev;

void uiommu_smmuv3_to_device(const struct uiommu_smmuv3 *of, const volatile void *cpu,
                             uint64_t bytes)
{
    (void)of;
    (void)cpu;
    (void)bytes;
}

uint32_t uiommu_smmuv3_pa_bits(uint32_t code)
{
    static const uint8_t bits[] = {32, 36, 40, 42, 44, 48, 52, 56};

    return bits[code & 7u];
}

uiommu_err uiommu_smmuv3_mem_get(struct uiommu_smmuv3 *of, uint64_t bytes, uint64_t align,
                                 struct uiommu_mem *mem)
{
    (void)of;
    (void)bytes;
    (void)align;
    (void)mem;
    return UIOMMU_E_NOMEM;
}

void uiommu_smmuv3_mem_put(struct uiommu_smmuv3 *of, struct uiommu_mem *mem)
{
    (void)of;
    (void)mem;
}

/* A unit as probe() leaves it, a device as attach() does. */
static void any_unit(void)
{
    hw.f.s1p = nondet_bool();
    hw.f.s2p = nondet_bool();
    hw.f.nested = nondet_bool();
    hw.f.types_ovr = nondet_bool();
    hw.f.coherent = nondet_bool();
    hw.f.small_tables = nondet_bool();
    hw.f.ats = nondet_bool();
    hw.f.httu = nondet_u32() % 3;
    hw.f.stall_model = nondet_u32() % 3;
    hw.f.oas = nondet_u32() % 7;
    hw.f.vas = nondet_bool() ? 52 : 48;
    hw.f.asid_last = nondet_bool() ? 0xffff : 0xff;
    hw.f.vmid_last = hw.f.asid_last;
    hw.f.granules = nondet_u32();
    hw.config.asid_shared = nondet_bool();
    dev.flags = nondet_u32();
    dev.set = nondet_u32();
    dev.pasid_bits = nondet_u32();
    dev.two_level = nondet_bool();
    dev.table.bus = nondet_u64();
    dev.written = nondet_u32();
    dev.quiet = nondet_bool();
    ASSUME(!hw.f.nested || (hw.f.s1p && hw.f.s2p));
    ASSUME(dev.pasid_bits <= 20 && (dev.table.bus & UINT64_C(0xfff000000000003f)) == 0);
    ASSUME(!dev.two_level || dev.pasid_bits > 10);
}

static void any_root(struct uiommu_root *root)
{
    root->format = (enum uiommu_root_format)(nondet_u32() % 8);
    root->granule_bits = nondet_u8();
    root->va_bits = nondet_u8();
    root->pa_bits = nondet_u8();
    root->flags = nondet_u8();
    root->table = nondet_u64();
    root->attributes = nondet_u64();
    root->under.format = (enum uiommu_root_format)(nondet_u32() % 8);
    root->under.granule_bits = nondet_u8();
    root->under.va_bits = nondet_u8();
    root->under.pa_bits = nondet_u8();
    root->under.flags = nondet_u8();
    root->under.table = nondet_u64();
}

static uint64_t min64(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* 5.4.1; IDR0.STALL_MODEL 0: choice, 1: none, 2: forced. */
static void cd_legal(const uint64_t w[8], uint32_t asid)
{
    uint64_t t0sz = sheet_bits(w[0], 5, 0), tg = sheet_bits(w[0], 7, 6);
    uint64_t ips = uiommu_smmuv3_pa_bits((uint32_t)min64(sheet_bits(w[0], 34, 32), hw.f.oas));
    uint32_t shift = tg == 0 ? 12 : tg == 1 ? 16 : 14, i;

    PROVE((w[0] & UINT64_C(0x000001f83fff8000)) == 0 && tg != 3);
    PROVE(sheet_bits(w[0], 31, 30) == 3 && sheet_bits(w[0], 14, 14) == 0);
    PROVE(sheet_bits(w[0], 41, 41) == 1 && sheet_bits(w[0], 46, 46) == 1);
    PROVE(sheet_bits(w[0], 63, 48) == asid && sheet_bits(w[0], 34, 32) != 7);
    PROVE((hw.f.granules >> shift & 1) != 0);
    PROVE(t0sz >= (tg == 1 && hw.f.vas > 48 ? 12 : 16));
    PROVE(t0sz <= (hw.f.small_tables ? (tg == 1 ? 47 : 48) : 39));
    PROVE(w[1] >> min64(ips, tg == 1 ? 52 : 48) == 0 && (w[1] & 0x3f) == 0);
    PROVE(sheet_bits(w[0], 44, 44) == 0 || hw.f.stall_model != 1);
    PROVE(sheet_bits(w[0], 44, 44) == 1 || hw.f.stall_model != 2);
    PROVE(sheet_bits(w[0], 43, 43) == 0 || hw.f.httu >= 1);
    PROVE(sheet_bits(w[0], 42, 42) == 0 || (hw.f.httu >= 2 && sheet_bits(w[0], 43, 43) == 1));
    for (i = 4; i < 8; i++)
        PROVE(w[i] == 0);
}

/* Stalls where the stream table entry forbids them would be illegal as well. */
static void cd_and_ste(const uint64_t cd[8])
{
    uint64_t ste[2];

    uiommu_smmuv3_ste_build(&hw, &dev, dev.set, ste);
    PROVE(sheet_bits(ste[1], 27, 27) == 0 || hw.f.stall_model == 0);
    PROVE(sheet_bits(ste[1], 27, 27) == 0 || sheet_bits(cd[0], 44, 44) == 0);
}

static void descriptor(void)
{
    uint64_t cd[8], was[8], words[8] = {0};
    struct uiommu_root root;
    uint32_t tag = nondet_u32(), step = nondet_u32(), i, written = dev.written;
    bool opened, same = true;
    uiommu_err err;

    any_root(&root);
    ASSUME(!uiommu_smmuv3_is_second(&root));
    dev.two_level = false;
    dev.pasid_bits = 0;
    dev.table.cpu = cd;
    for (i = 0; i < 8; i++)
        was[i] = cd[i] = nondet_u64();
    if (uiommu_smmuv3_root_check(&hw, &dev, UIOMMU_PASID_NONE, &root) != UIOMMU_OK)
        return;
    uiommu_smmuv3_cd_build(&hw, &dev, &root, tag, words);
    err = uiommu_smmuv3_pasid_set(&hw, &dev, UIOMMU_PASID_NONE, &root, tag, step);
    for (i = 1; i < 8; i++)
        same = same && was[i] == words[i];
    opened = cd[0] != was[0];
    PROVE(!opened || (same && step > (step == 0 ? 0 : written)));
    PROVE(!opened || was[0] == 0 || was[0] == uiommu_smmuv3_cd_idle(&hw));
    if (err != UIOMMU_OK)
        return;
    PROVE(tag != 0 && tag <= hw.f.asid_last && cd[0] == words[0]);
    cd_legal(words, tag);
    cd_and_ste(words);
    uiommu_smmuv3_pasid_block(&hw, &dev, UIOMMU_PASID_NONE);
    PROVE(sheet_bits(cd[0], 14, 14) == 1 && sheet_bits(cd[0], 31, 30) == 3);
    PROVE(sheet_bits(cd[0], 63, 48) == tag && sheet_bits(cd[0], 45, 45) == 0);
    uiommu_smmuv3_pasid_clear(&hw, &dev, UIOMMU_PASID_NONE);
    PROVE(cd[0] == uiommu_smmuv3_cd_idle(&hw) && sheet_bits(cd[0], 63, 48) == 0);
}

/* 5.2.2 */
static void ste_legal(const uint64_t w[4])
{
    uint64_t config = sheet_bits(w[0], 3, 1);

    PROVE((w[0] & 1) == 1 && (config == 0 || config >= 5));
    if (config == 0)
        return;
    PROVE(((config & 1) == 0 || hw.f.s1p) && ((config & 2) == 0 || hw.f.s2p));
    PROVE((w[1] & UINT64_C(0xffffcfffc7fbff00)) == 0);
    PROVE(sheet_bits(w[1], 29, 28) <= 1 && sheet_bits(w[1], 45, 44) <= 1);
    PROVE(sheet_bits(w[1], 45, 44) == 0 || hw.f.types_ovr);
    PROVE(sheet_bits(w[1], 27, 27) == 0 || hw.f.stall_model == 0);
    if (config == 5) {
        PROVE(w[2] == 0 && w[3] == 0 && sheet_bits(w[0], 63, 59) == dev.pasid_bits);
        PROVE(sheet_bits(w[0], 55, 6) << 6 == dev.table.bus && sheet_bits(w[0], 58, 56) == 0);
        return;
    }
    PROVE((w[2] & UINT64_C(0xf8180000ffff0000)) == UINT64_C(0x0008000000000000));
    PROVE(sheet_bits(w[2], 57, 57) == 0 || hw.f.stall_model != 1);
    PROVE(sheet_bits(w[2], 57, 57) == 1 || hw.f.stall_model != 2);
    PROVE(sheet_bits(w[2], 56, 56) == 0 || hw.f.httu >= 1);
    PROVE(sheet_bits(w[2], 55, 55) == 0 || hw.f.httu >= 2);
    PROVE(sheet_bits(w[2], 50, 48) <= hw.f.oas && sheet_bits(w[2], 47, 46) != 3);
    PROVE(w[3] >> uiommu_smmuv3_pa_bits((uint32_t)sheet_bits(w[2], 50, 48)) == 0);
    PROVE((w[3] & 0x3f) == 0);
    /* A stream that stalls has no ATS (5.2). */
    PROVE(sheet_bits(w[1], 29, 28) == 0 || sheet_bits(w[2], 57, 57) == 0 || hw.f.stall_model != 2);
}

static void stream(void)
{
    uint64_t ste[8], was[8], want[STE_USED];
    struct uiommu_root root;
    uint32_t step = nondet_u32(), written = dev.written, i, tag = nondet_u32();
    bool more, others = true;

    any_root(&root);
    if (nondet_bool() && uiommu_smmuv3_is_second(&root) &&
        uiommu_smmuv3_root_check(&hw, &dev, UIOMMU_PASID_NONE, &root) == UIOMMU_OK) {
        ASSUME(tag <= hw.f.vmid_last);
        uiommu_smmuv3_second_build(&hw, &dev, &root, tag, dev.second);
    }
    ASSUME((dev.set & UIOMMU_DEVICE_SET_ATS) == 0 || (dev.flags & UIOMMU_DEVICE_ATS) != 0);
    ste_want(&hw, &dev, want);
    ste_legal(want);
    for (i = 0; i < 8; i++)
        was[i] = ste[i] = nondet_u64();
    ASSUME((ste[0] & 1) == 1);
    if (want[0] == STE_ABORT)
        return;
    more = ste_step(&hw, &dev, ste, want, step);
    PROVE((ste[0] & 1) == 1);
    for (i = 1; i < STE_USED; i++)
        others = others && was[i] == want[i];
    /* Opened over words of an earlier step, or shut, or as it was. */
    PROVE(ste[0] == was[0] || ste[0] == STE_ABORT || (others && step > written));
    PROVE(ste[0] == was[0] || (ste[1] == was[1] && ste[2] == was[2] && ste[3] == was[3]));
    PROVE(was[0] == STE_ABORT || (ste[2] == was[2] && ste[3] == was[3]));
    for (i = STE_USED; i < 8; i++)
        PROVE(ste[i] == was[i]);
    PROVE(more || (ste[0] == want[0] && ste[1] == want[1] && ste[2] == want[2]));
}

void prove(void)
{
    any_unit();
    if (nondet_bool())
        descriptor();
    else
        stream();
}
