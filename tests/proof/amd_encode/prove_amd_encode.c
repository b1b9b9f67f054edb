/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * AMD commands and PPR log entries, every input. Words and bits by number as in the specification's
 * command and PPR log formats (48882): no bit beside the named ones, names echoed as they came.
 */
#include "../prove.h"

#include <backends/amd/amd_encode.c>
#include <backends/amd/amd_prq.c>

static uint32_t dw(const struct amd_command *c, unsigned n)
{
    return (uint32_t)(c->d[n / 2] >> (n % 2 * 32));
}

static void plain(void)
{
    uint32_t id = nondet_u16();
    uint64_t bus = nondet_u64(), data = nondet_u64();
    struct amd_command c;

    ASSUME((bus & 7) == 0 && bus >> 52 == 0);
    c = uiommu_amd_cmd_wait(bus, data);
    PROVE(c.d[0] == (UINT64_C(0x1) << 60 | bus | 1) && c.d[1] == data);
    c = uiommu_amd_cmd_fence();
    PROVE(c.d[0] == (UINT64_C(0x1) << 60 | 4) && c.d[1] == 0);
    c = uiommu_amd_cmd_devtab(id);
    PROVE(c.d[0] == (UINT64_C(0x2) << 60 | id) && c.d[1] == 0);
    c = uiommu_amd_cmd_inv_all();
    PROVE(c.d[0] == UINT64_C(0x8) << 60 && c.d[1] == 0);
}

/* A range as the hardware reads it back: S, the lowest zero bit from 12 on, the base. */
static void holds(uint64_t word, const struct uiommu_range *range)
{
    uint64_t address = word & ~UINT64_C(0xfff), size = 4096;
    uint32_t k;

    if ((word & 1) != 0) {
        if (address == UINT64_C(0x7ffffffffffff000))
            return; /* all */
        PROVE(range != NULL && address != ~UINT64_C(0xfff));
        k = nondet_u32();
        ASSUME(k >= 12 && k <= 63);
        ASSUME((address >> k & 1) == 0 &&
               (address >> 12 & ((UINT64_C(1) << (k - 12)) - 1)) == (UINT64_C(1) << (k - 12)) - 1);
        PROVE(k < 63);
        size = UINT64_C(2) << k;
    }
    PROVE(range != NULL && range->first - (address & ~(size - 1)) < size);
    PROVE(range->last - (address & ~(size - 1)) < size);
}

static void pages(void)
{
    struct uiommu_range range = {nondet_u64(), nondet_u64(), nondet_bool()}, *r = NULL;
    uint32_t id = nondet_u16(), pasid = nondet_u32() & 0xfffffu, domain = nondet_u16();
    uint32_t pend = nondet_u8();
    bool guest = nondet_bool();
    struct amd_command c;

    ASSUME(range.first <= range.last);
    if (nondet_bool())
        r = &range;
    c = uiommu_amd_cmd_pages(domain, guest ? pasid : UIOMMU_PASID_NONE, r);
    PROVE(dw(&c, 0) == (guest ? pasid : 0) && dw(&c, 1) == (UINT32_C(0x3) << 28 | domain));
    PROVE((dw(&c, 2) & 0xff8) == 0 && (dw(&c, 2) >> 2 & 1) == guest);
    PROVE((dw(&c, 2) >> 1 & 1) == (r == NULL || range.tables));
    holds(c.d[1], r);
    c = uiommu_amd_cmd_iotlb(id, pend, guest ? pasid : UIOMMU_PASID_NONE, r);
    pasid = guest ? pasid : 0;
    PROVE(dw(&c, 0) == (id | (pasid >> 8 & 0xff) << 16 | pend << 24));
    PROVE(dw(&c, 1) == (UINT32_C(0x4) << 28 | id | (pasid & 0xff) << 16 | (pasid >> 16) << 24));
    PROVE((dw(&c, 2) & 0xffa) == 0 && (dw(&c, 2) >> 2 & 1) == guest);
    holds(c.d[1], r);
}

static void page_request(void)
{
    static const uint8_t codes[] = {0x0, 0x1, 0xf};
    uint64_t entry[2] = {nondet_u64(), nondet_u64()};
    uint32_t low = (uint32_t)entry[0], high = (uint32_t)(entry[0] >> 32);
    uint32_t pasid = low >> 16 | (high >> 10 & 0xf) << 16;
    bool gn = (high >> 24 & 1) != 0, last = (high >> 9 & 1) != 0;
    bool access = (high & (1u << 17 | 1u << 18 | 1u << 21)) != 0;
    struct uiommu_request r;
    struct uiommu_answer a;
    struct amd_command c;

    PROVE(uiommu_amd_prq_decode(entry, &r) == (high >> 28 == 1));
    if (high >> 28 != 1)
        return;
    PROVE(r.id == (low & 0xffff));
    PROVE(((r.flags & UIOMMU_REQUEST_PASID) != 0) == (gn && pasid != 0));
    PROVE(r.pasid == (gn && pasid != 0 ? pasid : UIOMMU_PASID_NONE));
    PROVE(((r.flags & UIOMMU_REQUEST_MARKER) != 0) == (last && !access));
    if (last && !access)
        return;
    PROVE(r.address == (entry[1] >> 12 << 12) && r.index == (high & 0x1ff));
    PROVE(((r.flags & UIOMMU_REQUEST_LAST) != 0) == last);
    PROVE(((r.flags & UIOMMU_READ) != 0) == ((high >> 18 & 1) != 0));
    PROVE(((r.flags & UIOMMU_WRITE) != 0) == ((high >> 21 & 1) != 0));
    PROVE(((r.flags & UIOMMU_EXEC) != 0) == ((high >> 17 & 1) != 0));
    PROVE(((r.flags & UIOMMU_REQUEST_MALFORMED) != 0) == ((high >> 23 & 1) != 0));
    a.cookie[0] = r.cookie[0];
    a.cookie[1] = r.cookie[1];
    a.id = r.id;
    a.index = r.index;
    a.code = nondet_u32();
    c = uiommu_amd_cmd_answer(&a);
    PROVE(dw(&c, 0) == r.id && dw(&c, 1) == (UINT32_C(0x7) << 28 | (gn ? pasid : 0)));
    PROVE(dw(&c, 2) == (gn ? 4u : 0u));
    PROVE(dw(&c, 3) == (r.index | (a.code <= 2 ? (uint32_t)codes[a.code] : 1u) << 12));
}

void prove(void)
{
    plain();
    pages();
    page_request();
}
