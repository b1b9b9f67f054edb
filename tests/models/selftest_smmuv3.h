/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SELFTEST_SMMUV3_H
#define SELFTEST_SMMUV3_H
/* What the SMMUv3 self-tests put into memory, and the traffic they make. */
#include "selftest_smmuv3_bench.h"

/* ---- structures ---- */

static inline void put_ste(struct bench *b, uint32_t sid, uint64_t d0, uint64_t d1)
{
    put64(b, b->strtab + 64 * (uint64_t)sid + 8, d1);
    put64(b, b->strtab + 64 * (uint64_t)sid, d0);
}

/* S1, 64 CDs in one table, S1DSS=2, EATS=1; changed by the caller as he likes. */
#define STE_D0(b) ((b)->cds | UINT64_C(0x300000000000000B))
#define STE_D1    UINT64_C(0x100400D6)

static inline void cfgi_ste(struct bench *b)
{
    push(b, (uint64_t)SID << 32 | 3, 1);
    do_sync(b);
}

static inline void cfgi_cd(struct bench *b, uint32_t ssid)
{
    push(b, (uint64_t)SID << 32 | (uint64_t)ssid << 12 | 5, 1);
    do_sync(b);
}

static inline void tlbi_asid(struct bench *b, uint32_t asid)
{
    push(b, (uint64_t)asid << 48 | 0x11, 0);
    do_sync(b);
}

#define CD_D0 UINT64_C(0x00ABE205C0003510) /* A R ASET AA64, T0SZ=16, 4K, EPD1, ASID 0xAB */

static inline void put_cd(struct bench *b, uint32_t ssid, uint64_t d0, uint64_t ttb)
{
    uint64_t at = b->cds + 64 * (uint64_t)ssid;

    put64(b, at + 8, ttb);
    put64(b, at + 24, 0x44FF04);
    put64(b, at, d0);
}

/* Four levels, one page each, that lead to the 2 MiB around VA. */
static inline void put_pte(struct bench *b, uint64_t va, uint64_t pte)
{
    put64(b, b->root + 8 * (va >> 39 & 511), (b->root + 4096) | 3);
    put64(b, b->root + 4096 + 8 * (va >> 30 & 511), (b->root + 8192) | 3);
    put64(b, b->root + 8192 + 8 * (va >> 21 & 511), (b->root + 12288) | 3);
    put64(b, b->root + 12288 + 8 * (va >> 12 & 511), pte);
}

/* A stream with PASID 3, one page at VA. */
static inline void bench_map(struct bench *b, uint64_t cd_d0)
{
    put_cd(b, PASID, cd_d0, b->root);
    put_pte(b, VA, b->data | PTE_USER_RW);
    put_ste(b, SID, STE_D0(b), STE_D1);
    push(b, (uint64_t)SID << 32 | 6, 0);
    cfgi_ste(b);
}

/* ---- traffic ---- */

static inline enum model_dma_result dma(struct bench *b, uint32_t pasid, uint64_t address,
                                        uint32_t access)
{
    struct model_dma what;
    enum model_dma_result result;

    memset(&what, 0, sizeof(what));
    what.id = SID;
    what.has_pasid = pasid != MODEL_SMMUV3_NONE;
    what.pasid = what.has_pasid ? pasid : 0;
    what.address = address;
    what.access = access;
    what.data = &b->buffer;
    what.bytes = 8;
    what.cookie = 1;
    selftest_little(&b->buffer);
    result = model_smmuv3_ops()->dma(b->m, &what);
    selftest_little(&b->buffer);
    return result;
}

static inline struct model_translation ats(struct bench *b, uint32_t pasid, uint64_t address,
                                           uint32_t access)
{
    struct model_translate want;
    struct model_translation got;

    memset(&want, 0, sizeof(want));
    want.id = SID;
    want.has_pasid = pasid != MODEL_SMMUV3_NONE;
    want.pasid = want.has_pasid ? pasid : 0;
    want.address = address;
    want.access = access;
    model_smmuv3_ops()->translate(b->m, &want, &got);
    return got;
}

static inline void page_request(struct bench *b, uint32_t pasid, uint32_t index, uint64_t address,
                                uint32_t access, bool last)
{
    struct model_page_request r;

    memset(&r, 0, sizeof(r));
    r.id = SID;
    r.has_pasid = pasid != MODEL_SMMUV3_NONE;
    r.pasid = r.has_pasid ? pasid : 0;
    r.address = address;
    r.index = index;
    r.access = access;
    r.last = last;
    model_smmuv3_ops()->page_request(b->m, &r);
}

/* ---- looking at the event queue ---- */

static inline uint64_t event_word(struct bench *b, uint32_t slot, uint32_t word)
{
    return get64(b, b->eventq + 32 * (uint64_t)slot + 8 * word);
}

/* Exactly one new event since slot; its words under the masks. */
static inline bool event_is(struct bench *b, uint32_t slot, uint64_t d0, uint64_t d1, uint64_t d2,
                            uint64_t d3)
{
    uint32_t id = (uint32_t)(d0 & 0xFF);
    uint64_t mask1 = id >= 0x10 && id <= 0x13 ? UINT64_C(0x0000FFFFFFFF0000) : ~UINT64_C(0xFFFF);
    uint64_t mask3 = id >= 0x10 && id <= 0x13 ? 0 : UINT64_MAX;

    settle(b);
    if (id == 5) {
        mask1 = UINT64_MAX;
    }
    return (rd(b, IDX_EVT_PROD) & 0xFFFFF) == slot + 1 && event_word(b, slot, 0) == d0 &&
           ((event_word(b, slot, 1) ^ d1) & mask1) == 0 && event_word(b, slot, 2) == d2 &&
           ((event_word(b, slot, 3) ^ d3) & mask3) == 0;
}

#endif
