/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * AMD device table and GCR3 entries, for every device and kind of unit, over whatever stands there.
 * Bits by number as in the specification (48882, tables of the device table entry): none beside the
 * DMA side's, V never 0 (traffic would pass), and hardware never meets an open entry whose other
 * words it may not have dropped since they changed.
 */
#include "../prove.h"

#include "../prove_backend.h"

#include <backends/amd/amd_gcr3.c>

#define HOST1 (UINT64_C(3) << 40)   /* SysMgt */
#define OURS2 (UINT64_C(0xf) << 52) /* paging mode and its neighbours */
#define LIVE0 (UINT64_C(3) << 52)   /* PPR, GPRP */
#define LIVE1 (UINT64_C(3) << 32)   /* I, SE */
#define TV    UINT64_C(2)

static struct uiommu_amd hw;
static struct amd_device dev;
static uint64_t dte[4], before[4], want[3], leaf_table[512];
static bool stepping;

static bool ready(const uint64_t entry[4])
{
    return ((entry[1] ^ want[1]) & ~(LIVE1 | HOST1)) == 0 && ((entry[2] ^ want[2]) & OURS2) == 0;
}

/* What hardware may see from now on: of a unit that does not snoop the host is told. */
static void told(void *ctx, const void *cpu, uint64_t bytes)
{
    (void)ctx;
    (void)cpu;
    PROVE(bytes == sizeof(uint64_t));
    if (!stepping)
        return;
    PROVE((dte[0] & 1) == 1);
    PROVE((dte[0] >> 52 & 1) == 0 || (dte[1] >> 32 & 1) == 1); /* PPR only with I */
    PROVE(((dte[1] ^ before[1]) & HOST1) == 0 && ((dte[2] ^ before[2]) & ~OURS2) == 0);
    PROVE(dte[3] == before[3]);
    if ((dte[0] & TV) != 0) /* open: as it was, or opened over words that stood there before */
        PROVE((((dte[0] ^ before[0]) & ~LIVE0) == 0 && dte[2] == before[2]) ||
              (ready(before) && ready(dte)));
}

uiommu_err uiommu_amd_mem_get(struct uiommu_amd *of, uint64_t bytes, uint64_t align,
                              struct uiommu_mem *mem)
{
    (void)of;
    (void)bytes;
    (void)align;
    (void)mem;
    return UIOMMU_E_NOMEM;
}

void uiommu_amd_mem_put(struct uiommu_amd *of, struct uiommu_mem *mem)
{
    (void)of;
    (void)mem;
}

bool uiommu_amd_is_host(const struct uiommu_root *root)
{
    (void)root;
    return false;
}

uiommu_err uiommu_amd_host_check(const struct uiommu_amd *of, const struct amd_device *d,
                                 uint32_t pasid, const struct uiommu_root *root)
{
    (void)of;
    (void)d;
    (void)pasid;
    (void)root;
    return UIOMMU_E_UNSUPPORTED;
}

uiommu_err uiommu_amd_host_set(struct uiommu_amd *of, struct amd_device *d,
                               const struct uiommu_root *root, uint32_t step)
{
    (void)of;
    (void)d;
    (void)root;
    (void)step;
    return UIOMMU_E_UNSUPPORTED;
}

void uiommu_amd_host_block(struct uiommu_amd *of, struct amd_device *d)
{
    (void)of;
    (void)d;
}

void uiommu_amd_host_clear(struct uiommu_amd *of, struct amd_device *d)
{
    (void)of;
    (void)d;
}

uiommu_err uiommu_amd_device_sync(struct uiommu_amd *of, struct amd_device *d, uint32_t step)
{
    (void)of;
    (void)d;
    (void)step;
    return nondet_bool() ? UIOMMU_OK : UIOMMU_MORE;
}

/* An attached device of a unit as probe() leaves it. */
static void any_device(void)
{
    static struct uiommu_mem nodes[1];
    static struct uiommu_host_ops host;

    host.mem_to_device = told;
    hw.host = &host;
    hw.f.guest = nondet_bool();
    hw.f.gio = nondet_bool();
    hw.f.ppr = nondet_bool();
    hw.f.eph = nondet_bool();
    hw.config.flags = nondet_u32() | UIOMMU_AMD_NOT_COHERENT;
    hw.quiet.bus = nondet_u64();
    dev.flags = nondet_u32();
    dev.levels = nondet_u32();
    dev.domain = nondet_u16();
    dev.host.mode = nondet_u32();
    dev.host.nested = nondet_bool();
    dev.host.blocked = nondet_bool();
    dev.host.table = nondet_u64();
    dev.root.bus = nondet_u64();
    nodes[0].bus = nondet_u64();
    dev.leaves.first = nodes[0];
    ASSUME(dev.levels >= 1 && dev.levels <= 3 && dev.host.mode <= 6);
    ASSUME((dev.flags & UIOMMU_DEVICE_PRI) == 0 || hw.f.ppr);
    ASSUME(((hw.quiet.bus | dev.root.bus | nodes[0].bus | dev.host.table) &
            UINT64_C(0xfff0000000000fff)) == 0);
}

static void built(uint32_t set)
{
    bool one = dev.host.mode != 0, ats = (set & UIOMMU_DEVICE_SET_ATS) != 0;
    uint64_t root = one && dev.levels > 1 ? dev.leaves.first.bus : dev.root.bus;
    uint64_t got = sheet_bits(want[0], 60, 58) << 12 | sheet_bits(want[1], 31, 16) << 15 |
                   sheet_bits(want[1], 63, 43) << 31;

    PROVE((want[0] & 1) == 1 && (want[0] & UINT64_C(0x80000000000001fc)) == 0);
    PROVE((want[1] & UINT64_C(0x000007fc00000000)) == 0 &&
          sheet_bits(want[1], 15, 0) == dev.domain);
    PROVE((want[2] & ~(UINT64_C(1) << 54)) == 0);
    if ((want[0] & TV) == 0) {
        PROVE(want[0] == 1); /* nothing passes */
        return;
    }
    PROVE(sheet_bits(want[0], 11, 9) == dev.host.mode && sheet_bits(want[0], 62, 61) == 3);
    PROVE(sheet_bits(want[0], 51, 12) << 12 == (dev.host.blocked ? hw.quiet.bus : dev.host.table));
    PROVE(sheet_bits(want[0], 55, 55) == hw.f.guest && (!hw.f.guest || got == root));
    PROVE(sheet_bits(want[0], 57, 56) == (one || !hw.f.guest ? 0 : dev.levels - 1));
    PROVE(sheet_bits(want[1], 32, 32) == ats);
    PROVE(sheet_bits(want[0], 52, 52) == 0 || (ats && hw.f.ppr));
    PROVE(sheet_bits(want[0], 53, 53) == 0 || sheet_bits(want[0], 52, 52) == 1);
    /* Traffic without a PASID has a host table, entry 0, or the host's leave to pass. */
    PROVE(one || (hw.f.guest && (sheet_bits(want[0], 54, 54) == 1 ||
                                 (hw.config.flags & UIOMMU_AMD_UNTAGGED_PASSES) != 0)));
}

static void entry(void)
{
    uint32_t set = nondet_u32(), step = nondet_u32(), i;
    bool more;

    any_device();
    uiommu_amd_dte_build(&hw, &dev, set, want);
    built(set);
    for (i = 0; i < 4; i++)
        before[i] = dte[i] = nondet_u64();
    ASSUME((dte[0] & 1) == 1 && ((dte[0] >> 52 & 1) == 0 || (dte[1] >> 32 & 1) == 1));
    ASSUME((dte[0] & TV) != 0 || (dte[0] & ~(UINT64_C(1) << 53)) == 1); /* shut is one word */
    stepping = true;
    if (nondet_bool()) {
        uiommu_amd_dte_shut(&hw, dte, set);
        PROVE((dte[0] & ~(UINT64_C(1) << 53)) == 1 && (dte[1] >> 32 & 1) == 0);
        return;
    }
    more = uiommu_amd_dte_step(&hw, dte, want, step);
    PROVE(more || (dte[0] == want[0] && ((dte[1] ^ want[1]) & ~HOST1) == 0));
    PROVE(!more || (dte[0] & TV) == 0 || (want[0] & TV) == 0);
}

static void gcr3(void)
{
    static struct uiommu_mem leaf;
    uint32_t pasid = nondet_u32(), number = pasid == UIOMMU_PASID_NONE ? 0 : pasid;
    uint64_t bus = nondet_u64();
    volatile uint64_t *at;

    PROVE(uiommu_amd_gcr3_entry(bus) == ((bus & UINT64_C(0x000ffffffffff000)) | 1));
    dev.levels = nondet_bool() ? 1 : 2;
    dev.pasid_bits = nondet_u32();
    ASSUME(dev.pasid_bits >= 1 && dev.pasid_bits <= 9);
    leaf.cpu = nondet_bool() ? leaf_table : NULL;
    dev.leaves.first = leaf;
    dev.root.cpu = leaf_table;
    at = uiommu_amd_gcr3_at(&dev, pasid);
    PROVE(at == NULL || (pasid != 0 && number >> dev.pasid_bits == 0));
    PROVE(at == NULL || at == &leaf_table[number & 0x1ff]);
    PROVE(at != NULL || pasid == 0 || number >> dev.pasid_bits != 0 || leaf.cpu == NULL);
}

void prove(void)
{
    if (nondet_bool())
        entry();
    else
        gcr3();
}
