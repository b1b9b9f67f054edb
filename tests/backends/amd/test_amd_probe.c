/* SPDX-License-Identifier: BSD-2-Clause */
/* Who can be a unit, what its registers say it can do, and what the core is told of that. */
#include "amd_fake_core.h"

#include <criterion/criterion.h>

/* Bits of the feature register. */
#define PPR     (UINT64_C(1) << 1)
#define GT      (UINT64_C(1) << 4)
#define INV_ALL (UINT64_C(1) << 6)
#define HATS(n) ((uint64_t)(n) << 10)
#define GATS(n) ((uint64_t)(n) << 12)
#define GLX(n)  ((uint64_t)(n) << 14)
#define DUAL    (UINT64_C(1) << 24)
#define PAS(n)  ((uint64_t)(n) << 32)
#define EARLY   (UINT64_C(1) << 40)
#define MARKERS (UINT64_C(1) << 44)
#define GIO     (UINT64_C(1) << 48)
#define EPH     (UINT64_C(1) << 50)
#define SNP     (UINT64_C(1) << 63)
#define FULL    (PPR | GT | GIO | EPH | GLX(2) | PAS(19))

static struct uiommu *u;
static struct uiommu_amd_config config;
static struct uiommu_caps caps;
static struct amd_features f;
static struct uiommu_amd made;

static void begin(void)
{
    u = fake_new();
    config = fake_config();
}

static void end(void)
{
    cr_assert(u->core.heap_bytes == 0 && u->core.mem_bytes == 0);
    fake_free(u);
}

TestSuite(amd_probe, .init = begin, .fini = end);

/* Made of such a unit, and given up again. */
static uiommu_err probe(uint64_t efr)
{
    struct uiommu_unit *unit;
    uiommu_err err;

    *fake_reg(u, 0x30) = (uint32_t)efr;
    *fake_reg(u, 0x34) = (uint32_t)(efr >> 32);
    err = uiommu_amd_create(u, &config, &unit);
    if (err != UIOMMU_OK) {
        cr_assert_eq(u->core.heap_bytes, 0);
        return err;
    }
    memset(&caps, 0xff, sizeof(caps));
    cr_assert_eq(unit->ops->probe(unit->hw, &caps), UIOMMU_OK);
    made = *(struct uiommu_amd *)unit->hw;
    f = made.f;
    unit->ops->destroy(unit->hw);
    return UIOMMU_OK;
}

static uint32_t pasids(uint64_t efr)
{
    cr_assert_eq(probe(efr), UIOMMU_OK);
    cr_assert_eq(caps.pasid_bits, f.pasid_bits);
    return f.pasid_bits;
}

Test(amd_probe, who_is_one)
{
    cr_assert_eq(probe(0), UIOMMU_E_HW);
    cr_assert_eq(probe(UINT64_MAX), UIOMMU_E_HW);
    cr_assert_eq(probe(FULL | GLX(3)), UIOMMU_E_HW, "4 levels of GCR3");
    cr_assert_eq(probe(FULL | HATS(3)), UIOMMU_OK);
    cr_assert_eq(probe(HATS(3)), UIOMMU_E_UNSUPPORTED, "neither guest nor host tables");
    cr_assert_eq(probe(SNP), UIOMMU_OK);
    cr_assert_eq(probe(SNP | HATS(1)), UIOMMU_OK);
    u->core.heap_left = 0;
    cr_assert_eq(probe(FULL), UIOMMU_E_NOMEM);
    u->core.heap_left = UINT32_MAX;
    config.flags = UIOMMU_AMD_FIVE_LEVEL;
    cr_assert_eq(probe(FULL), UIOMMU_E_UNSUPPORTED);
    cr_assert_eq(probe(FULL | GATS(1)), UIOMMU_OK);
    cr_assert_eq(probe((FULL | GATS(1)) & ~GT), UIOMMU_E_UNSUPPORTED);
}

Test(amd_probe, host_levels)
{
    static const uint32_t levels[] = {4, 5, 6, 0};
    uint32_t i;

    for (i = 0; i < 4; i++) {
        cr_assert_eq(probe(FULL | HATS(i)), UIOMMU_OK);
        cr_assert_eq(f.host_levels, levels[i]);
    }
}

Test(amd_probe, pasids)
{
    cr_assert_eq(pasids(FULL), 20);
    cr_assert_eq(pasids(FULL | PAS(31)), 20);
    cr_assert_eq(pasids((FULL & ~PAS(31)) | PAS(7)), 8);
    cr_assert_eq(pasids((FULL & ~PAS(31)) | PAS(0)), 1);
    cr_assert_eq(pasids(FULL & ~GLX(2)), 9);
    cr_assert_eq(pasids((FULL & ~GLX(2)) | GLX(1)), 18);
    cr_assert_eq(pasids(FULL & ~GIO), 0);
    cr_assert_eq(pasids(FULL & ~GT), 0);
    cr_assert_not(f.gio);
    config.flags = UIOMMU_AMD_UNTAGGED_PASSES;
    cr_assert_eq(pasids(FULL & ~GIO), 20);
    cr_assert_eq(pasids(FULL & ~(GIO | GT)), 0);
    cr_assert_eq(pasids(FULL & ~GT), 0);
}

/* Page requests need guest tables, device TLBs and EPH. */
Test(amd_probe, requests)
{
    cr_assert(probe(FULL) == UIOMMU_OK && f.ppr && f.ats && f.eph && f.guest && f.gio);
    cr_assert(probe(FULL & ~PPR) == UIOMMU_OK && !f.ppr && f.ats);
    cr_assert(probe(FULL & ~EPH) == UIOMMU_OK && !f.ppr && !f.eph);
    cr_assert(probe(FULL & ~GT) == UIOMMU_OK && !f.ppr && !f.guest);
    config.flags = UIOMMU_AMD_NO_ATS;
    cr_assert(probe(FULL) == UIOMMU_OK && !f.ppr && !f.ats);
}

Test(amd_probe, others)
{
    cr_assert_eq(probe(FULL), UIOMMU_OK);
    cr_assert_not(f.snp || f.early || f.early_b || f.inv_all || f.block_markers);
    cr_assert(probe(FULL | SNP) == UIOMMU_OK && f.snp);
    cr_assert(probe(FULL | INV_ALL) == UIOMMU_OK && f.inv_all);
    cr_assert(probe(FULL | EARLY) == UIOMMU_OK && f.early && !f.early_b);
    cr_assert(probe(FULL | DUAL) == UIOMMU_OK && !f.early && !f.early_b);
    cr_assert(probe(FULL | EARLY | DUAL) == UIOMMU_OK && f.early && f.early_b);
    cr_assert(probe(FULL | MARKERS) == UIOMMU_OK && !f.block_markers);
    config.flags = UIOMMU_AMD_BLOCK_MARKERS;
    cr_assert(probe(FULL) == UIOMMU_OK && !f.block_markers);
    cr_assert(probe(FULL | MARKERS) == UIOMMU_OK && f.block_markers);
}

Test(amd_probe, widths)
{
    static const uint32_t ids[][2] = {{0, 16},  {1, 1},   {8, 8},  {15, 15},
                                      {16, 16}, {17, 16}, {32, 16}};
    uint32_t i;

    for (i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
        config.unit.id_bits = ids[i][0];
        cr_assert_eq(probe(FULL), UIOMMU_OK);
        cr_assert_eq(caps.id_bits, ids[i][1], "%u", ids[i][0]);
    }
    config.address_bits = 0;
    cr_assert(probe(FULL) == UIOMMU_OK && made.limit == (UINT64_C(1) << 48) - 1);
    config.address_bits = 40;
    cr_assert(probe(FULL) == UIOMMU_OK && made.limit == (UINT64_C(1) << 40) - 1);
    cr_assert(made.cmdq.log2 == 9 && made.evt.log2 == 9 && made.ppr.log2 == 9);
    config.cmdq_log2 = 8;
    config.eventq_log2 = 10;
    config.priq_log2 = 15;
    cr_assert_eq(probe(FULL), UIOMMU_OK);
    cr_assert(made.cmdq.log2 == 8 && made.evt.log2 == 10 && made.ppr.log2 == 15);
}

/* All of them, of a unit with everything and of one with nothing. */
Test(amd_probe, caps)
{
    const uint32_t always =
        UIOMMU_CAP_TAG_PER_DEVICE | UIOMMU_CAP_ISOLATE | UIOMMU_CAP_RESPONSE_PASID;
    const uint32_t requests = UIOMMU_RING_REQUESTS | UIOMMU_RING_LOSES;
    struct uiommu_caps want;

    memset(&want, 0, sizeof(want));
    want.flags = always | UIOMMU_CAP_MARKERS | UIOMMU_CAP_ATS | UIOMMU_CAP_COHERENT;
    want.id_bits = 16;
    want.pasid_bits = 20;
    want.request_entries = 255;
    want.pasid_first = 1;
    want.stu_bits = 12;
    want.rings = 2;
    want.ring[0].flags = want.ring[1].flags = requests;
    want.ring[0].entries = 255;
    want.ring[1].entries = 1023;
    config.priq_log2 = 8;
    config.eventq_log2 = 10;
    cr_assert_eq(probe(FULL | MARKERS), UIOMMU_OK);
    cr_assert_eq(memcmp(&caps, &want, sizeof(caps)), 0);
    config.flags = UIOMMU_AMD_NO_ATS | UIOMMU_AMD_NOT_COHERENT | UIOMMU_AMD_BLOCK_MARKERS;
    cr_assert_eq(probe(FULL | MARKERS), UIOMMU_OK);
    want.flags = always;
    want.request_entries = 0;
    want.rings = 1;
    want.ring[0].flags = 0;
    want.ring[0].entries = 1023;
    memset(&want.ring[1], 0, sizeof(want.ring[1]));
    cr_assert_eq(memcmp(&caps, &want, sizeof(caps)), 0);
}

/* Each field at its ends. */
Test(amd_probe, configs)
{
    const struct uiommu_amd_config good = config;
    uint32_t *log2[] = {&config.cmdq_log2, &config.eventq_log2, &config.priq_log2};
    struct uiommu_unit *unit;
    uint32_t i;

    cr_assert_eq(uiommu_amd_create(NULL, &config, &unit), UIOMMU_E_INVALID);
    cr_assert_eq(uiommu_amd_create(u, NULL, &unit), UIOMMU_E_INVALID);
    cr_assert_eq(uiommu_amd_create(u, &config, NULL), UIOMMU_E_INVALID);
#define IS(field, value, want)                                                                     \
    do {                                                                                           \
        config.field = (value);                                                                    \
        cr_assert_eq(probe(FULL), (want));                                                         \
        config = good;                                                                             \
    } while (0)
    IS(size, good.size - 1, UIOMMU_E_INVALID);
    IS(unit.size, good.unit.size + 1, UIOMMU_E_INVALID);
    for (i = 1; i < 8; i <<= 1)
        IS(base, good.base + i, UIOMMU_E_INVALID);
    IS(flags, UIOMMU_AMD_NP_CACHE, UIOMMU_OK);
    IS(flags, UIOMMU_AMD_NP_CACHE << 1, UIOMMU_E_INVALID);
    IS(ivhd_flags, 15, UIOMMU_OK);
    IS(ivhd_flags, 16, UIOMMU_E_INVALID);
    IS(address_bits, 1, UIOMMU_E_INVALID);
    IS(address_bits, 31, UIOMMU_E_INVALID);
    IS(address_bits, 32, UIOMMU_OK);
    IS(address_bits, 53, UIOMMU_E_INVALID);
    IS(unit.id_bits, 32, UIOMMU_OK);
    IS(unit.id_bits, 33, UIOMMU_E_INVALID);
    for (i = 0; i < 3; i++) {
        IS(cmdq_log2, 0, UIOMMU_OK);
        *log2[i] = 7;
        cr_assert_eq(probe(FULL), UIOMMU_E_INVALID);
        *log2[i] = 8;
        cr_assert_eq(probe(FULL), UIOMMU_OK);
        *log2[i] = 15;
        cr_assert_eq(probe(FULL), UIOMMU_OK);
        *log2[i] = 16;
        cr_assert_eq(probe(FULL), UIOMMU_E_INVALID);
        config = good;
    }
}
