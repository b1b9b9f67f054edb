/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * VT-d descriptors and page request entries, every input. Bits by number as in the specification's
 * descriptor formats (6.5.2, 7.4, 7.7): nothing in reserved bits, names echoed as they came.
 */
#include "../prove.h"

#include <backends/vtd/vtd_encode.c>
#include <backends/vtd/vtd_prq.c>

#define CLEAN(d, r0, r1)                                                                           \
    PROVE(((d).q[0] & (r0)) == 0 && ((d).q[1] & (r1)) == 0 && (d).q[2] == 0 && (d).q[3] == 0)
#define ALL ~UINT64_C(0)

/* By address: AM and an address aligned to it that holds the range. */
static void holds(const struct vtd_descriptor *d, const struct uiommu_range *range)
{
    uint64_t span = UINT64_C(4096) << sheet_bits(d->q[1], 5, 0);
    uint64_t base = d->q[1] & ~UINT64_C(0xfff);

    PROVE(sheet_bits(d->q[1], 6, 6) == !range->tables);
    PROVE(base % span == 0 && range->first - base < span && range->last - base < span);
}

static void caches(void)
{
    struct uiommu_range range = {nondet_u64(), nondet_u64(), nondet_bool()}, *r = NULL;
    uint32_t sid = nondet_u16(), did = nondet_u16(), pasid = nondet_u32() & 0xfffffu;
    uint32_t most = nondet_u32();
    struct vtd_descriptor d = uiommu_vtd_context_device(sid);

    ASSUME(range.first <= range.last);
    ASSUME(most <= 51);
    if (nondet_bool())
        r = &range;
    PROVE(d.q[0] == ((uint64_t)sid << 32 | 3 << 4 | 1));
    CLEAN(d, UINT64_C(0xfffc00000000f1c0), ALL);
    d = uiommu_vtd_pasid_one(did, pasid);
    PROVE(d.q[0] == ((uint64_t)pasid << 32 | (uint64_t)did << 16 | 1 << 4 | 7));
    CLEAN(d, UINT64_C(0xfff000000000f1c0), ALL);
    d = uiommu_vtd_iotlb(did, r, most);
    PROVE((d.q[0] & UINT64_C(0xffff00cf)) == (uint64_t)(did << 16 | 0xc0 | 2));
    CLEAN(d, UINT64_C(0xffffffff0000f100), 0xf80);
    PROVE(sheet_bits(d.q[0], 5, 4) == 2 || sheet_bits(d.q[0], 5, 4) == 3);
    if (sheet_bits(d.q[0], 5, 4) == 3) {
        PROVE(r != NULL && sheet_bits(d.q[1], 5, 0) <= most);
        holds(&d, &range);
    } else {
        PROVE(d.q[1] == 0);
    }
    d = uiommu_vtd_piotlb(did, pasid, r, most);
    CLEAN(d, UINT64_C(0xfff000000000f1c0), 0xf80);
    PROVE((d.q[0] & ~UINT64_C(0x10)) == ((uint64_t)pasid << 32 | (uint64_t)did << 16 | 0x26));
    if (sheet_bits(d.q[0], 5, 4) == 3) {
        PROVE(r != NULL && sheet_bits(d.q[1], 5, 0) <= most);
        holds(&d, &range);
    } else {
        PROVE(d.q[1] == 0);
    }
}

/* Device TLBs: S and the lowest zero bit from 12 on; all ones is everything. */
static void sized_holds(uint64_t word, bool s, const struct uiommu_range *range)
{
    uint64_t address = word & ~UINT64_C(0xfff), size = 4096;
    uint32_t k = nondet_u32();

    if (s) {
        if (address == UINT64_C(0x7ffffffffffff000))
            return;
        PROVE(range != NULL && address != ~UINT64_C(0xfff));
        ASSUME(k >= 12 && k <= 63);
        ASSUME((address >> k & 1) == 0 &&
               (address >> 12 & ((UINT64_C(1) << (k - 12)) - 1)) == (UINT64_C(1) << (k - 12)) - 1);
        PROVE(k < 63);
        size = UINT64_C(2) << k;
    }
    PROVE(range != NULL && range->first - (address & ~(size - 1)) < size);
    PROVE(range->last - (address & ~(size - 1)) < size);
}

static void devices(void)
{
    struct uiommu_range range = {nondet_u64(), nondet_u64(), nondet_bool()}, *r = NULL;
    uint32_t sid = nondet_u16(), pf = nondet_u16(), mip = nondet_u32() & 31u;
    uint32_t pasid = nondet_u32() & 0xfffffu;
    struct vtd_descriptor d;

    ASSUME(range.first <= range.last);
    if (nondet_bool())
        r = &range;
    d = uiommu_vtd_devtlb(sid, pf, mip, r);
    PROVE(d.q[0] ==
          ((uint64_t)(pf >> 4) << 52 | (uint64_t)sid << 32 | mip << 16 | (pf & 15u) << 12 | 3));
    CLEAN(d, UINT64_C(0x000f0000ffe001f0), 0xffe);
    sized_holds(d.q[1], (d.q[1] & 1) != 0, r);
    d = uiommu_vtd_pdevtlb(sid, pf, mip, pasid, r);
    PROVE(d.q[0] == ((uint64_t)(pf >> 4) << 52 | (uint64_t)pasid << 32 | (uint64_t)sid << 16 |
                     (pf & 15u) << 12 | mip << 4 | 8));
    CLEAN(d, 0, 0x7ff); /* GI is never asked for */
    sized_holds(d.q[1], (d.q[1] >> 11 & 1) != 0, r);
}

static void waits(void)
{
    uint64_t bus = nondet_u64();
    uint32_t data = nondet_u32();
    bool fence = nondet_bool(), drain = nondet_bool();
    struct vtd_descriptor d;

    ASSUME((bus & 3) == 0);
    d = uiommu_vtd_wait(bus, data, fence, drain);
    PROVE(d.q[0] == ((uint64_t)data << 32 | (uint64_t)drain << 7 | (uint64_t)fence << 6 | 0x25));
    PROVE(d.q[1] == bus && d.q[2] == 0 && d.q[3] == 0);
}

/* 11.4: copy 51:16 and PRGI, move PP from bit 8 to bit 4. */
static void page_request(void)
{
    static const uint8_t codes[] = {0x0, 0x1, 0xf};
    static struct uiommu_vtd hw;
    uint64_t entry[4] = {nondet_u64(), nondet_u64(), nondet_u64(), nondet_u64()};
    bool pp = sheet_bits(entry[0], 8, 8) != 0, last = sheet_bits(entry[1], 2, 2) != 0;
    bool rw = sheet_bits(entry[1], 1, 0) != 0;
    struct uiommu_request r;
    struct uiommu_event event;
    struct uiommu_answer a;
    struct vtd_descriptor d;

    hw.f.five = nondet_bool();
    if (uiommu_vtd_prq_decode(&hw, entry, &r, &event) != VTD_ENTRY_REQUEST) {
        PROVE(sheet_bits(entry[0], 7, 0) != 1 || (last && !rw && !pp));
        return;
    }
    PROVE(r.id == sheet_bits(entry[0], 31, 16));
    PROVE(r.pasid == (pp ? sheet_bits(entry[0], 51, 32) : UIOMMU_PASID_NONE));
    PROVE(((r.flags & UIOMMU_REQUEST_MARKER) != 0) == (last && !rw));
    if (last && !rw)
        return;
    PROVE(((r.flags & UIOMMU_REQUEST_LAST) != 0) == last);
    PROVE(((r.flags & UIOMMU_READ) != 0) == (sheet_bits(entry[1], 0, 0) != 0));
    PROVE(((r.flags & UIOMMU_WRITE) != 0) == (sheet_bits(entry[1], 1, 1) != 0));
    PROVE(r.address == (entry[1] >> 12 << 12));
    a.cookie[0] = r.cookie[0];
    a.cookie[1] = r.cookie[1];
    a.id = r.id;
    a.pasid = r.pasid;
    a.index = r.index;
    a.flags = r.flags;
    a.code = nondet_u32();
    d = uiommu_vtd_response(&a, nondet_bool());
    CLEAN(d, UINT64_C(0xfff00000000001e0), UINT64_C(0xfffffffffffff003));
    PROVE(sheet_bits(d.q[0], 3, 0) == 9 && sheet_bits(d.q[0], 11, 9) == 0);
    PROVE(sheet_bits(d.q[0], 4, 4) == pp && sheet_bits(d.q[0], 31, 16) == r.id);
    PROVE(sheet_bits(d.q[0], 51, 32) == (pp ? sheet_bits(entry[0], 51, 32) : 0));
    PROVE(sheet_bits(d.q[0], 15, 12) == (a.code <= 2 ? codes[a.code] : 1));
    PROVE(sheet_bits(d.q[1], 11, 3) == sheet_bits(entry[1], 11, 3));
}

void prove(void)
{
    caches();
    devices();
    waits();
    page_request();
}
