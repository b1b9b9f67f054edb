/* SPDX-License-Identifier: BSD-2-Clause */
/* Encodings against words computed from the specification, not from the backend. The names are
 * those of the table they come from. */
#include "fake_smmuv3.h"

#include <criterion/criterion.h>

static void same_command(const char *name, struct smmuv3_command c, uint64_t d0, uint64_t d1)
{
    if (c.d[0] != d0 || c.d[1] != d1)
        cr_assert_fail("%s: %016llx %016llx", name, (unsigned long long)c.d[0],
                       (unsigned long long)c.d[1]);
}

Test(golden, configuration_commands)
{
    same_command("C2", uiommu_smmuv3_cmd_cfgi_ste(0x208, true), 0x0000020800000003, 1);
    same_command("C3", uiommu_smmuv3_cmd_cfgi_ste(0x12345678, false), 0x1234567800000003, 0);
    same_command("C5", uiommu_smmuv3_cmd_cfgi_all(), 4, 0x1f);
    same_command("C6", uiommu_smmuv3_cmd_cfgi_cd(0x208, 0x12345, true), 0x0000020812345005, 1);
    same_command("C7", uiommu_smmuv3_cmd_cfgi_cd(0x208, 0, false), 0x0000020800000005, 0);
}

Test(golden, tlb_commands)
{
    same_command("C10", uiommu_smmuv3_cmd_tlbi_asid(0xab), 0x00ab000000000011, 0);
    same_command("C11", uiommu_smmuv3_cmd_tlbi_va(0xbeef, 0x7fffdeadb000, true), 0xbeef000000000012,
                 0x00007fffdeadb001); /* with VMID 0 */
    same_command(
        "C12",
        uiommu_smmuv3_cmd_ranged(uiommu_smmuv3_cmd_tlbi_va(0xab, 0x700000018000, true), 12, 2, 3),
        0x00ab000000302012, 0x0000700000018401); /* with TTL 0 */
    same_command(
        "C13",
        uiommu_smmuv3_cmd_ranged(uiommu_smmuv3_cmd_tlbi_va(0xab, 0x700000200000, false), 12, 0, 9),
        0x00ab000000900012, 0x0000700000200400);
    same_command("C15", uiommu_smmuv3_cmd_tlbi(SMMUV3_OP_TLBI_EL2_ALL), 0x20, 0);
    same_command("C18", uiommu_smmuv3_cmd_tlbi_vmid(7), 0x0000000700000028, 0);
    same_command("C19", uiommu_smmuv3_cmd_tlbi_ipa(7, 0x123456000, true), 0x000000070000002a,
                 0x0000000123456001);
    same_command("C19", uiommu_smmuv3_cmd_tlbi_ipa(0xffff, 0xff00000123456fff, false),
                 0x0000ffff0000002a, 0x0000000123456000); /* 56 bits */
    same_command("IPA range",                             /* C12's 24 pages */
                 uiommu_smmuv3_cmd_ranged(uiommu_smmuv3_cmd_tlbi_ipa(7, 0x18000, true), 12, 2, 3),
                 0x000000070030202a, 0x18401);
    same_command("C20", uiommu_smmuv3_cmd_tlbi(SMMUV3_OP_TLBI_ALL), 0x30, 0);
    same_command("C35", uiommu_smmuv3_cmd_sync(), 0x46, 0);
}

Test(golden, range_granules)
{
    cr_assert_eq(uiommu_smmuv3_cmd_ranged(uiommu_smmuv3_cmd_tlbi_va(1, 0, true), 14, 1, 0).d[1],
                 0x801);
    cr_assert_eq(uiommu_smmuv3_cmd_ranged(uiommu_smmuv3_cmd_tlbi_va(1, 0, true), 16, 1, 0).d[1],
                 0xc01);
}

static struct smmuv3_command atc(uint32_t pasid, uint64_t first, uint64_t last)
{
    struct uiommu_range range = {first, last, false};

    return uiommu_smmuv3_cmd_atc_inv(0x208, pasid, &range, 12);
}

Test(golden, device_tlb_commands)
{
    uint32_t none = UIOMMU_PASID_NONE;

    same_command("C21", uiommu_smmuv3_cmd_atc_inv(0x208, none, NULL, 12), 0x0000020800000040, 0x34);
    same_command("no PASID", uiommu_smmuv3_cmd_atc_inv(0x208, 1u << 20, NULL, 12),
                 0x0000020800000040, 0x34);
    same_command("C22", uiommu_smmuv3_cmd_atc_inv(0x208, 3, NULL, 12), 0x0000020800003840, 0x34);
    same_command("C23", uiommu_smmuv3_cmd_atc_inv(0x208, 0, NULL, 12), 0x0000020800000840, 0x34);
    same_command("C24", atc(0xfffff, 0x7fff00010000, 0x7fff0001ffff), 0x00000208fffff840,
                 0x00007fff00010004);
    same_command("C25", atc(3, 0xfffffffffffff000, UINT64_MAX), 0x0000020800003840,
                 0xfffffffffffff000); /* with G=0 */
    same_command("C26", atc(none, 0x8000, 0xbfff), 0x0000020800000040, 0x8002);
    same_command("C27", atc(none, 0x7000, 0xafff), 0x0000020800000040, 4);
    same_command("everything", atc(3, 0, UINT64_MAX), 0x0000020800003840, 0x34);
}

Test(golden, device_tlb_below_the_translation_unit)
{
    struct uiommu_range range = {0x13000, 0x13fff, false};

    same_command("64K", uiommu_smmuv3_cmd_atc_inv(0x208, 3, &range, 16), 0x0000020800003840,
                 0x10004);
}

static struct smmuv3_command answer(uint32_t pasid, uint32_t index, uint32_t code, uint32_t flags)
{
    struct uiommu_answer a;

    memset(&a, 0, sizeof(a));
    a.id = 0x208;
    a.pasid = pasid;
    a.index = index;
    a.code = code;
    a.flags = flags;
    a.with_pasid = pasid != UIOMMU_PASID_NONE && (flags & UIOMMU_REQUEST_STALL) == 0;
    return uiommu_smmuv3_cmd_answer(&a);
}

Test(golden, answers)
{
    uint32_t none = UIOMMU_PASID_NONE, stall = UIOMMU_REQUEST_STALL;

    same_command("C28", answer(3, 0x1a5, UIOMMU_CODE_SUCCESS, UIOMMU_REQUEST_PASID),
                 0x0000020800003841, 0x21a5);
    same_command("C29", answer(none, 0x1ff, UIOMMU_CODE_INVALID, 0), 0x0000020800000041, 0x11ff);
    same_command("C30", answer(0xfffff, 0, UIOMMU_CODE_FAILURE, UIOMMU_REQUEST_PASID),
                 0x00000208fffff841, 0);
    same_command("C31", answer(3, 0xcafe, UIOMMU_CODE_SUCCESS, stall), 0x0000020800001044, 0xcafe);
    same_command("C32", answer(3, 0xcafe, UIOMMU_CODE_INVALID, stall), 0x0000020800002044, 0xcafe);
    same_command("C32", answer(3, 0xcafe, UIOMMU_CODE_FAILURE, stall), 0x0000020800002044, 0xcafe);
    same_command("C34", uiommu_smmuv3_cmd_stall_term(0x208), 0x0000020800000045, 0);
}

Test(golden, level_1_descriptors)
{
    cr_assert_eq(uiommu_smmuv3_l1std(0x8123444000), 0x0000008123444009); /* D1 */
    cr_assert_eq(uiommu_smmuv3_l1cd(0x8123450000), 0x0000008123450001);  /* D2 */
}

static struct uiommu_smmuv3 plain(void)
{
    struct uiommu_smmuv3 hw;

    memset(&hw, 0, sizeof(hw));
    hw.f.coherent = true;
    hw.f.httu = 2;
    hw.f.oas = 5;
    hw.f.vas = 48;
    hw.f.s1p = true;
    hw.f.s2p = true;
    hw.f.nested = true;
    hw.f.types_ovr = true;
    hw.f.vmid_last = 0xffff;
    hw.f.ats = true;
    hw.f.granules = 1u << 12 | 1u << 14 | 1u << 16;
    return hw;
}

Test(golden, stream_table_entries)
{
    struct uiommu_smmuv3 hw = plain();
    struct smmuv3_device dev;
    uint64_t d[2];

    memset(&dev, 0, sizeof(dev));
    dev.flags = UIOMMU_DEVICE_STALL;
    dev.table.bus = 0x8123456740;
    uiommu_smmuv3_ste_build(&hw, &dev, UIOMMU_DEVICE_SET_OPEN, d); /* S4 */
    cr_assert_eq(d[0], 0x000000812345674b);
    cr_assert_eq(d[1], 0x00000000000000d4);
    dev.flags = UIOMMU_DEVICE_ATS | UIOMMU_DEVICE_PRI;
    dev.pasid_bits = 16;
    dev.two_level = true;
    dev.table.bus = 0x8123440200;
    uiommu_smmuv3_ste_build(&hw, &dev, UIOMMU_DEVICE_SET_ATS | UIOMMU_DEVICE_SET_PASID_REQUIRED,
                            d); /* S5 */
    cr_assert_eq(d[0], 0x800000812344022b);
    cr_assert_eq(d[1], 0x00000000180400d6);
    uiommu_smmuv3_ste_build(&hw, &dev, UIOMMU_DEVICE_SET_ATS, d);
    cr_assert_eq(d[1], 0x00000000180000d6);
    hw.f.stall_model = SMMUV3_STALL_NEVER; /* S1STALLD would be illegal */
    uiommu_smmuv3_ste_build(&hw, &dev, UIOMMU_DEVICE_SET_ATS, d);
    cr_assert_eq(d[1], 0x00000000100000d6);
}

static const struct uiommu_root s7 = {
    UIOMMU_ROOT_AARCH64_STAGE2, 12, 40, 40, 0, 0x8876540000, 0, {0}};
static const struct uiommu_root s8 = {
    .format = UIOMMU_ROOT_AARCH64_CONTEXT,
    .table = 0x40000040,
    .under = {UIOMMU_ROOT_AARCH64_STAGE2, 12, 48, 48, 0, 0x8876540000}};

static void same_ste(const char *name, const uint64_t d[4], uint64_t d0, uint64_t d1, uint64_t d2,
                     uint64_t d3)
{
    const uint64_t want[4] = {d0, d1, d2, d3};
    uint32_t i;

    for (i = 0; i < 4; i++) {
        if (d[i] != want[i])
            cr_assert_fail("%s: word %u is %016llx", name, i, (unsigned long long)d[i]);
    }
}

Test(golden, second_stage_entries)
{
    struct uiommu_smmuv3 hw = plain();
    struct smmuv3_device dev;
    struct uiommu_root root = s7;
    uint64_t d[4];

    memset(&dev, 0, sizeof(dev));
    uiommu_smmuv3_second_build(&hw, &dev, &s7, 7, d);
    same_ste("S7", d, 0xd, 0x0000100000000000, 0x044a355800000007, 0x0000008876540000);
    hw.f.types_ovr = false;
    root.flags = UIOMMU_ROOT_ACCESSED | UIOMMU_ROOT_DIRTY;
    dev.flags = UIOMMU_DEVICE_STALL;
    uiommu_smmuv3_second_build(&hw, &dev, &root, 7, d); /* S2S; HTTU is 2: S2HA, S2HD */
    same_ste("S7 stalls", d, 0xd, 0, 0x07ca355800000007, 0x0000008876540000);
    hw.f.httu = 1;
    hw.f.stall_model = SMMUV3_STALL_NEVER;
    hw.f.coherent = false;
    uiommu_smmuv3_second_build(&hw, &dev, &root, 7, d); /* not cached, outer shareable */
    same_ste("S7 plain", d, 0xd, 0, 0x054a205800000007, 0x0000008876540000);
}

Test(golden, nested_entries)
{
    struct uiommu_smmuv3 hw = plain();
    struct smmuv3_device dev;
    uint64_t d[4];

    memset(&dev, 0, sizeof(dev));
    hw.f.stall_model = SMMUV3_STALL_NEVER;
    uiommu_smmuv3_second_build(&hw, &dev, &s8, 0x1234, d);
    /* with S2PTW, and EATS still to come */
    same_ste("S8", d, 0x000000004000004f, 0x00000000000000d4, 0x044d359000001234,
             0x0000008876540000);
    hw.f.stall_model = SMMUV3_STALL_CHOICE; /* S1STALLD: the guest can't make it stall */
    uiommu_smmuv3_second_build(&hw, &dev, &s8, 0x1234, d);
    same_ste("S8 stalld", d, 0x000000004000004f, 0x00000000080000d4, 0x044d359000001234,
             0x0000008876540000);
}

/* S2TG, S2SL0 and S2T0SZ of the shortest walk that 16 tables side by side allow. */
Test(golden, second_stage_levels)
{
    static const struct {
        uint8_t granule, va, tg, sl0;
        uint64_t align; /* of the tables side by side */
    } rows[] = {
        {12, 25, 0, 0, 0x80},   {12, 34, 0, 0, 0x10000},  {12, 35, 0, 1, 0x100},
        {12, 39, 0, 1, 0x1000}, {12, 43, 0, 1, 0x10000},  {12, 44, 0, 2, 0x100},
        {12, 48, 0, 2, 0x1000}, {14, 25, 2, 0, 0x4000},   {14, 29, 2, 0, 0x40000},
        {14, 30, 2, 1, 0x100},  {14, 40, 2, 1, 0x40000},  {14, 41, 2, 2, 0x100},
        {14, 48, 2, 2, 0x8000}, {16, 29, 1, 0, 0x10000},  {16, 33, 1, 0, 0x100000},
        {16, 34, 1, 1, 0x100},  {16, 46, 1, 1, 0x100000}, {16, 47, 1, 2, 0x100},
        {16, 52, 1, 2, 0x2000},
    };
    struct uiommu_smmuv3 hw = plain();
    struct smmuv3_device dev;
    struct uiommu_root r = s7;
    uint64_t d[4];
    uint32_t i;

    memset(&dev, 0, sizeof(dev));
    hw.f.oas = 6;
    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        r.granule_bits = rows[i].granule;
        r.va_bits = rows[i].va;
        r.table = 0x800000000 + rows[i].align;
        cr_assert_eq(uiommu_smmuv3_root_check(&hw, &dev, UIOMMU_PASID_NONE, &r), UIOMMU_OK, "%u %u",
                     rows[i].granule, rows[i].va);
        uiommu_smmuv3_second_build(&hw, &dev, &r, 7, d);
        cr_assert_eq((d[2] >> 32) & 0x3f, 64u - rows[i].va);
        cr_assert_eq((d[2] >> 38) & 3, rows[i].sl0, "%u %u", rows[i].granule, rows[i].va);
        cr_assert_eq((d[2] >> 46) & 3, rows[i].tg);
        r.table -= rows[i].align / 2;
        cr_assert_eq(uiommu_smmuv3_root_check(&hw, &dev, UIOMMU_PASID_NONE, &r),
                     UIOMMU_E_UNSUPPORTED, "%u %u", rows[i].granule, rows[i].va);
    }
}

static uiommu_err second(struct uiommu_smmuv3 *hw, uint32_t granule, uint32_t va, uint32_t pa,
                         uint64_t table)
{
    struct smmuv3_device dev;
    struct uiommu_root r = {
        UIOMMU_ROOT_AARCH64_STAGE2, (uint8_t)granule, (uint8_t)va, (uint8_t)pa, 0, table, 0, {0}};

    memset(&dev, 0, sizeof(dev));
    return uiommu_smmuv3_root_check(hw, &dev, UIOMMU_PASID_NONE, &r);
}

Test(golden, second_stage_roots)
{
    struct uiommu_smmuv3 hw = plain();

    hw.f.oas = 4; /* 44 bits */
    cr_assert_eq(second(&hw, 12, 44, 44, 0x80000000), UIOMMU_OK);
    cr_assert_eq(second(&hw, 12, 24, 44, 0x80000000), UIOMMU_E_UNSUPPORTED);
    cr_assert_eq(second(&hw, 12, 45, 44, 0x80000000), UIOMMU_E_UNSUPPORTED); /* above OAS */
    cr_assert_eq(second(&hw, 12, 44, 48, 0x80000000), UIOMMU_E_UNSUPPORTED);
    cr_assert_eq(second(&hw, 12, 40, 32, 0x100000000), UIOMMU_E_UNSUPPORTED); /* above S2PS */
    cr_assert_eq(second(&hw, 13, 40, 44, 0x80000000), UIOMMU_E_UNSUPPORTED);
    hw.f.oas = 6;
    cr_assert_eq(second(&hw, 12, 49, 48, 0x80000000), UIOMMU_E_UNSUPPORTED);
    cr_assert_eq(second(&hw, 14, 48, 52, 0x80000000), UIOMMU_E_UNSUPPORTED);
    cr_assert_eq(second(&hw, 16, 52, 52, 0x80000000), UIOMMU_OK);
    hw.f.granules = 1u << 12;
    cr_assert_eq(second(&hw, 16, 48, 48, 0x80000000), UIOMMU_E_UNSUPPORTED);
    hw.f.s2p = false;
    cr_assert_eq(second(&hw, 12, 48, 48, 0x80000000), UIOMMU_E_UNSUPPORTED);
}

static uiommu_err nested(struct uiommu_smmuv3 *hw, uint32_t pasid, uint32_t flags,
                         enum uiommu_root_format under, uint64_t table)
{
    struct smmuv3_device dev;
    struct uiommu_root r = s8;

    memset(&dev, 0, sizeof(dev));
    dev.flags = flags;
    r.table = table;
    r.under.format = under;
    return uiommu_smmuv3_root_check(hw, &dev, pasid, &r);
}

Test(golden, nested_roots)
{
    struct uiommu_smmuv3 hw = plain();
    uint32_t none = UIOMMU_PASID_NONE;
    enum uiommu_root_format s2 = UIOMMU_ROOT_AARCH64_STAGE2;

    cr_assert_eq(nested(&hw, none, 0, s2, 0x40000040), UIOMMU_OK);
    cr_assert_eq(nested(&hw, 3, 0, s2, 0x40000040), UIOMMU_E_UNSUPPORTED);
    cr_assert_eq(nested(&hw, none, 0, UIOMMU_ROOT_X86_64_STAGE2, 0x40000040), UIOMMU_E_UNSUPPORTED);
    cr_assert_eq(nested(&hw, none, 0, s2, 0x40000020), UIOMMU_E_UNSUPPORTED);
    cr_assert_eq(nested(&hw, none, 0, s2, 0x1000000000000), UIOMMU_E_UNSUPPORTED);
    hw.f.stall_model = SMMUV3_STALL_FORCED;
    cr_assert_eq(nested(&hw, none, 0, s2, 0x40000040), UIOMMU_OK);
    cr_assert_eq(nested(&hw, none, UIOMMU_DEVICE_ATS, s2, 0x40000040), UIOMMU_E_UNSUPPORTED);
    hw.f.nested = false;
    cr_assert_eq(nested(&hw, none, 0, s2, 0x40000040), UIOMMU_E_UNSUPPORTED);
}

static void same_cd(const char *name, const struct uiommu_smmuv3 *hw, uint32_t flags,
                    const struct uiommu_root *root, uint32_t asid, const uint64_t want[4])
{
    struct smmuv3_device dev;
    uint64_t d[4];
    uint32_t i;

    memset(&dev, 0, sizeof(dev));
    dev.flags = flags;
    memset(d, 0xff, sizeof(d));
    uiommu_smmuv3_cd_build(hw, &dev, root, asid, d);
    for (i = 0; i < 4; i++) {
        if (d[i] != want[i])
            cr_assert_fail("%s: word %u: %016llx", name, i, (unsigned long long)d[i]);
    }
}

Test(golden, context_descriptors)
{
    static const uint64_t k1[] = {0x0042e205c0003510, 0x0000000812345000, 0, 0x44ff04};
    static const uint64_t k2[] = {0x00abee05c0003510, 0x0000000876543000, 0, 0x00f4040c0044ff00};
    static const uint64_t k3[] = {0x00abfe05c0003510, 0x0000000876543000, 0, 0x00f4040c0044ff00};
    static const uint64_t k5[] = {0xffffe206c000354c, 0x0000000800010000, 0, 0x44ff04};
    static const uint64_t k6[] = {0x0001e204c0003591, 0x0000000800004000, 0, 0x44ff04};
    const uint8_t hahd = UIOMMU_ROOT_ACCESSED | UIOMMU_ROOT_DIRTY;
    struct uiommu_root r1 = {UIOMMU_ROOT_AARCH64, 12, 48, 48, 0, 0x812345000, 0x44ff04, {0}};
    struct uiommu_root r2 = {UIOMMU_ROOT_AARCH64, 12, 48, 48, hahd, 0x876543000,
                             0x00f4040c0044ff00,  {0}};
    struct uiommu_root r5 = {UIOMMU_ROOT_AARCH64, 16, 52, 52, 0, 0x800010000, 0x44ff04, {0}};
    struct uiommu_root r6 = {UIOMMU_ROOT_AARCH64, 14, 47, 44, 0, 0x800004000, 0x44ff04, {0}};
    struct uiommu_smmuv3 hw = plain();

    same_cd("K1", &hw, 0, &r1, 0x42, k1);
    r1.pa_bits = 0; /* as much as the unit has */
    same_cd("K1", &hw, 0, &r1, 0x42, k1);
    same_cd("K2", &hw, 0, &r2, 0xab, k2);
    same_cd("K3", &hw, UIOMMU_DEVICE_STALL, &r2, 0xab, k3);               /* without HAFT */
    cr_assert_eq(uiommu_smmuv3_cd_quiet(&hw, k2[0]), 0x00abce05c0004000); /* K4 */
    cr_assert_eq(uiommu_smmuv3_cd_quiet(&hw, k3[0]), 0x00abce05c0004000);
    cr_assert_eq(uiommu_smmuv3_cd_quiet(&hw, 0x00abce05c0004000), 0x00abce05c0004000);
    hw.f.oas = 6;
    same_cd("K5", &hw, 0, &r5, 0xffff, k5);
    same_cd("K6", &hw, 0, &r6, 1, k6);
}

Test(golden, forced_and_forbidden_stalls)
{
    static const uint64_t forced[] = {0x00abf205c0003510, 0x0000000876543000, 0, UINT64_MAX};
    static const uint64_t never[] = {0x00abe205c0003510, 0x0000000876543000, 0, UINT64_MAX};
    struct uiommu_root root = {UIOMMU_ROOT_AARCH64, 12, 48, 48, 0, 0x876543000, 0, {0}};
    struct uiommu_smmuv3 hw = plain();

    hw.f.stall_model = SMMUV3_STALL_FORCED;
    same_cd("S=1 for all", &hw, 0, &root, 0xab, forced);
    cr_assert_eq(uiommu_smmuv3_cd_quiet(&hw, forced[0]), 0x00abd205c0004000);
    cr_assert_eq(uiommu_smmuv3_cd_idle(&hw), 0x0000d200c0004000);
    hw.f.stall_model = SMMUV3_STALL_NEVER;
    same_cd("S=0 for all", &hw, UIOMMU_DEVICE_STALL, &root, 0xab, never);
}

Test(golden, what_hardware_cannot_is_not_asked)
{
    static const uint64_t af[] = {0x00abea05c0003510, 0x0000000876543000, 0, UINT64_MAX};
    static const uint64_t neither[] = {0x00abe205c0003510, 0x0000000876543000, 0, UINT64_MAX};
    static const uint64_t none[] = {0x00ab6205c0002010, 0x0000000876543000, 0, UINT64_MAX};
    struct uiommu_root root = {
        UIOMMU_ROOT_AARCH64, 12, 48, 48, UIOMMU_ROOT_ACCESSED | UIOMMU_ROOT_DIRTY,
        0x876543000,         0,  {0}};
    struct uiommu_smmuv3 hw = plain();

    root.flags = UIOMMU_ROOT_ACCESSED;
    same_cd("HD not wanted", &hw, 0, &root, 0xab, af);
    root.flags = UIOMMU_ROOT_DIRTY;
    same_cd("HD without HA", &hw, 0, &root, 0xab, neither);
    root.flags |= UIOMMU_ROOT_ACCESSED;
    hw.f.httu = 1;
    same_cd("HA without HD", &hw, 0, &root, 0xab, af);
    hw.f.httu = 0;
    hw.f.coherent = false;
    hw.config.asid_shared = true;
    same_cd("nothing", &hw, 0, &root, 0xab, none);
}

Test(golden, output_sizes)
{
    static const uint8_t bits[] = {32, 36, 40, 42, 44, 48, 52};
    uint32_t i;

    for (i = 0; i < sizeof(bits); i++) {
        cr_assert_eq(uiommu_smmuv3_pa_code(bits[i]), i);
        cr_assert_eq(uiommu_smmuv3_pa_code(bits[i] - 1u), i);
        cr_assert_eq(uiommu_smmuv3_pa_code(bits[i] + 1u), i < 6 ? i + 1 : 6);
    }
}

static uiommu_err root(struct uiommu_smmuv3 *hw, uint32_t granule, uint32_t va, uint32_t pa,
                       uint64_t table)
{
    struct uiommu_root r = {
        UIOMMU_ROOT_AARCH64, (uint8_t)granule, (uint8_t)va, (uint8_t)pa, 0, table, 0, {0}};

    struct smmuv3_device dev;

    memset(&dev, 0, sizeof(dev));
    return uiommu_smmuv3_root_check(hw, &dev, 1, &r);
}

Test(golden, roots)
{
    struct uiommu_smmuv3 hw = plain();
    struct uiommu_root x86 = {UIOMMU_ROOT_X86_64, 12, 48, 48, 0, 0x1000, 0, {0}};
    struct smmuv3_device dev;

    memset(&dev, 0, sizeof(dev));

    cr_assert_eq(root(&hw, 12, 48, 48, 0x812345000), UIOMMU_OK);
    cr_assert_eq(root(&hw, 12, 39, 40, 0x812345000), UIOMMU_OK);
    cr_assert_eq(root(&hw, 12, 25, 40, 0x812345080), UIOMMU_OK); /* 16 entries */
    cr_assert_eq(root(&hw, 12, 25, 40, 0x812345040), UIOMMU_E_UNSUPPORTED);
    cr_assert_eq(root(&hw, 12, 24, 40, 0x812345000), UIOMMU_E_UNSUPPORTED);
    cr_assert_eq(root(&hw, 12, 49, 40, 0x812345000), UIOMMU_E_UNSUPPORTED);
    cr_assert_eq(root(&hw, 12, 48, 48, 0x812345800), UIOMMU_E_UNSUPPORTED);
    cr_assert_eq(root(&hw, 12, 48, 32, 0x812345000), UIOMMU_E_UNSUPPORTED);
    cr_assert_eq(root(&hw, 12, 48, 52, 0x812345000), UIOMMU_E_UNSUPPORTED);
    cr_assert_eq(root(&hw, 13, 48, 48, 0x812345000), UIOMMU_E_UNSUPPORTED);
    cr_assert_eq(root(&hw, 16, 52, 48, 0x812340000), UIOMMU_E_UNSUPPORTED);
    cr_assert_eq(uiommu_smmuv3_root_check(&hw, &(struct smmuv3_device){0}, 1, &x86),
                 UIOMMU_E_UNSUPPORTED);
    cr_assert_eq(root(&hw, 14, 48, 48, 0x812344000), UIOMMU_OK);
    cr_assert_eq(root(&hw, 44, 48, 48, 0x812345000), UIOMMU_E_UNSUPPORTED);
    cr_assert_eq(root(&hw, 12, 31, 0, 0x812345040), UIOMMU_OK); /* 2 entries, 4, 8: 64 bytes */
    cr_assert_eq(root(&hw, 12, 32, 0, 0x812345040), UIOMMU_OK);
    cr_assert_eq(root(&hw, 12, 33, 0, 0x812345040), UIOMMU_OK);
    cr_assert_eq(root(&hw, 12, 34, 0, 0x812345040), UIOMMU_E_UNSUPPORTED);
    cr_assert_eq(root(&hw, 12, 31, 0, 0x812345020), UIOMMU_E_UNSUPPORTED);
    cr_assert_eq(root(&hw, 12, 32, 0, 0x812345020), UIOMMU_E_UNSUPPORTED);
    cr_assert_eq(root(&hw, 12, 31, 0, 0x812345001), UIOMMU_E_UNSUPPORTED);
    x86.format = UIOMMU_ROOT_AARCH64;
    cr_assert_eq(uiommu_smmuv3_root_check(&hw, &dev, 1, &x86), UIOMMU_OK);
    x86.under.format = UIOMMU_ROOT_AARCH64_STAGE2; /* below a table that is no guest's */
    cr_assert_eq(uiommu_smmuv3_root_check(&hw, &dev, 1, &x86), UIOMMU_E_UNSUPPORTED);
    x86.under.format = 0;
    dev.second[1] = 1;
    cr_assert_eq(uiommu_smmuv3_root_check(&hw, &dev, 1, &x86), UIOMMU_OK);
    dev.second[0] = 0xd;
    dev.second[1] = 0;
    cr_assert_eq(uiommu_smmuv3_root_check(&hw, &dev, 1, &x86), UIOMMU_E_BUSY);
    hw.f.s1p = false;
    dev.second[0] = 0;
    cr_assert_eq(uiommu_smmuv3_root_check(&hw, &dev, 1, &x86), UIOMMU_E_UNSUPPORTED);
}

/* With 52 bits in and out, and small tables. */
Test(golden, large_roots)
{
    struct uiommu_smmuv3 hw = plain();

    hw.f.vas = 52;
    hw.f.oas = 6;
    cr_assert_eq(root(&hw, 12, 49, 48, 0x812345000), UIOMMU_E_UNSUPPORTED);
    cr_assert_eq(root(&hw, 12, 48, 0, 0x812345000), UIOMMU_OK);
    cr_assert_eq(root(&hw, 12, 48, 48, 0x812345000), UIOMMU_OK);
    cr_assert_eq(root(&hw, 12, 48, 49, 0x812345000), UIOMMU_E_UNSUPPORTED);
    cr_assert_eq(root(&hw, 16, 24, 0, 0x812340000), UIOMMU_E_UNSUPPORTED);
    hw.f.small_tables = true;
    cr_assert_eq(root(&hw, 16, 17, 0, 0x812340000), UIOMMU_OK);
    cr_assert_eq(root(&hw, 16, 16, 0, 0x812340000), UIOMMU_E_UNSUPPORTED);
    cr_assert_eq(root(&hw, 14, 16, 0, 0x812340000), UIOMMU_OK);
    cr_assert_eq(root(&hw, 12, 15, 0, 0x812340000), UIOMMU_E_UNSUPPORTED);
    hw.f.vas = 56; /* more than such tables can be asked for, or can hold */
    hw.f.oas = 7;
    cr_assert_eq(root(&hw, 16, 48, 52, 0x812340000), UIOMMU_OK);
    cr_assert_eq(root(&hw, 16, 48, 53, 0x812340000), UIOMMU_E_UNSUPPORTED);
    cr_assert_eq(root(&hw, 16, 48, 0, 0x10000000000000), UIOMMU_E_UNSUPPORTED);
    cr_assert_eq(root(&hw, 12, 48, 49, 0x812340000), UIOMMU_E_UNSUPPORTED);
    cr_assert_eq(root(&hw, 16, 52, 0, 0x812340000), UIOMMU_OK);
    cr_assert_eq(root(&hw, 16, 53, 0, 0x812340000), UIOMMU_E_UNSUPPORTED);
    cr_assert_eq(root(&hw, 16, 52, 52, 0xf000812340000), UIOMMU_OK);
    cr_assert_eq(root(&hw, 12, 48, 0, 0x1000812345000), UIOMMU_E_UNSUPPORTED);
    cr_assert_eq(root(&hw, 12, 16, 48, 0x812345080), UIOMMU_OK);
    hw.f.granules = 1u << 12;
    cr_assert_eq(root(&hw, 16, 48, 48, 0x812340000), UIOMMU_E_UNSUPPORTED);
}
