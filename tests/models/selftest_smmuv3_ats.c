/* SPDX-License-Identifier: BSD-2-Clause */
#include "selftest_smmuv3.h"

extern const struct model_selftest model_selftests_smmuv3_ats[];
extern const unsigned model_selftest_count_smmuv3_ats;

#define READ  MODEL_READ
#define WRITE MODEL_WRITE

static const char *ats_answers(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes, 1);
    struct model_translation got;

    EXPECT(b, ats(b, PASID, VA, READ).status == MODEL_TRANSLATE_ABORTED); /* C_BAD_STE */
    settle(b);
    EXPECT(b, rd(b, IDX_EVT_PROD) == 1);
    put_ste(b, SID, 1, 0);
    cfgi_ste(b);
    EXPECT(b, ats(b, PASID, VA, READ).status == MODEL_TRANSLATE_UNSUPPORTED);
    settle(b);
    EXPECT(b, rd(b, IDX_EVT_PROD) == 1); /* Config 0xx: no event. */
    bench_map(b, CD_D0);
    got = ats(b, PASID, VA, READ | WRITE);
    EXPECT(b, got.status == MODEL_TRANSLATE_OK && got.address == b->data);
    EXPECT(b, got.size_log2 == 12 && got.access == (READ | WRITE));
    got = ats(b, PASID, VA + 0x1000, READ);
    EXPECT(b, got.status == MODEL_TRANSLATE_OK && got.access == 0 && got.size_log2 == 12);
    put_cd(b, PASID, 0, 0);
    cfgi_cd(b, PASID);
    tlbi_asid(b, ASID);
    EXPECT(b, ats(b, PASID, VA, READ).status == MODEL_TRANSLATE_ABORTED); /* CD.V=0: CA */
    put_cd(b, PASID, UINT64_C(0x00ABC205C0004000), 0);
    cfgi_cd(b, PASID);
    got = ats(b, PASID, VA, READ); /* Quiesce: no access. */
    EXPECT(b, got.status == MODEL_TRANSLATE_OK && got.access == 0);
    return selftest_end(&b->room);
}

static const char *ats_off(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes, 1);

    bench_map(b, CD_D0);
    put_ste(b, SID, STE_D0(b), STE_D1 & ~UINT64_C(0x30000000));
    cfgi_ste(b);
    EXPECT(b, ats(b, PASID, VA, READ | WRITE).status == MODEL_TRANSLATE_UNSUPPORTED);
    EXPECT(b, event_is(b, 0, UINT64_C(0x0000020800003805), UINT64_C(0x00000000C0000001), VA, 0));
    cr0(b, ALL_ON & ~SMMUEN);
    EXPECT(b, ats(b, PASID, VA, READ).status == MODEL_TRANSLATE_UNSUPPORTED);
    return selftest_end(&b->room);
}

static enum model_dma_result translated(struct bench *b, uint64_t address)
{
    struct model_dma what;

    memset(&what, 0, sizeof(what));
    what.id = SID;
    what.translated = true;
    what.address = address;
    what.access = READ;
    what.data = &b->buffer;
    what.bytes = 8;
    return model_smmuv3_ops()->dma(b->m, &what);
}

static const char *translated_traffic(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes, 1);

    bench_map(b, CD_D0);
    EXPECT(b, translated(b, b->data) == MODEL_DMA_OK);
    put_ste(b, SID, STE_D0(b), STE_D1 & ~UINT64_C(0x30000000));
    EXPECT(b, translated(b, b->data) == MODEL_DMA_OK); /* EATS is cached. */
    cfgi_ste(b);
    EXPECT(b, translated(b, b->data | 0x40) == MODEL_DMA_ABORTED);
    EXPECT(b, event_is(b, 0, UINT64_C(0x0000020800000007), UINT64_C(0x0000000800000000),
                       b->data | 0x40, 0));
    cr0(b, ALL_ON & ~ATSCHK);
    EXPECT(b, translated(b, b->data) == MODEL_DMA_ABORTED); /* ATSCHK is cached, too. */
    cfgi_ste(b);
    EXPECT(b, translated(b, b->data) == MODEL_DMA_OK);
    return selftest_end(&b->room);
}

static const char *ats_dirty(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes, 1);
    uint64_t pte;
    uint64_t at = b->root + 12288 + 8 * (VA >> 12 & 511);

    bench_map(b, CD_D0 | UINT64_C(3) << 42);
    pte = b->data | PTE_USER_RO | UINT64_C(1) << 51;
    put_pte(b, VA, pte);
    EXPECT(b, ats(b, PASID, VA, READ).access == READ);
    EXPECT(b, get64(b, at) == pte);
    EXPECT(b, ats(b, PASID, VA, READ | WRITE).access == (READ | WRITE));
    EXPECT(b, get64(b, at) == (pte & ~UINT64_C(0x80)));
    put_pte(b, VA + 0x1000, b->data | PTE_USER_RO); /* A shortfall: the subset, no event. */
    EXPECT(b, ats(b, PASID, VA + 0x1000, READ | WRITE).access == READ);
    put_pte(b, VA + 0x2000, b->data | (PTE_USER_RO & ~UINT64_C(0x40)));
    EXPECT(b, ats(b, PASID, VA + 0x2000, READ | MODEL_EXEC).access == 0); /* execute-only */
    settle(b);
    EXPECT(b, rd(b, IDX_EVT_PROD) == 0);
    return selftest_end(&b->room);
}

static const char *atc_too_soon(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes, 1);
    struct model_smmuv3_knobs knobs;

    model_smmuv3_get_knobs(b->m, &knobs);
    knobs.invalidate_lag_ns = 1000000;
    model_smmuv3_set_knobs(b->m, &knobs);
    bench_map(b, CD_D0);
    EXPECT(b, ats(b, PASID, VA, READ).access != 0);
    put_pte(b, VA, 0);
    push(b, UINT64_C(0x00AB000000000012), VA | 1);
    push(b, UINT64_C(0x0000020800003840), VA); /* No CMD_SYNC between the two. */
    do_sync(b);
    REPORTED(b, "smmuv3.order.atc-before-tlbi");
    put_pte(b, VA, b->data | PTE_USER_RW);
    EXPECT(b, ats(b, PASID, VA, READ).access != 0);
    push(b, UINT64_C(0x00AB000000000012), VA | 1);
    do_sync(b);
    push(b, UINT64_C(0x0000020800003840), VA);
    do_sync(b);
    return selftest_end(&b->room);
}

static const char *eats_3_is_off(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes, 1);

    bench_map(b, CD_D0);
    put_ste(b, SID, STE_D0(b), STE_D1 | 0x30000000); /* No DPT here. */
    cfgi_ste(b);
    EXPECT(b, ats(b, PASID, VA, READ).status == MODEL_TRANSLATE_UNSUPPORTED);
    return selftest_end(&b->room);
}

const struct model_selftest model_selftests_smmuv3_ats[] = {
    {"ats_answers", ats_answers},
    {"ats_off", ats_off},
    {"translated_traffic", translated_traffic},
    {"ats_dirty", ats_dirty},
    {"atc_too_soon", atc_too_soon},
    {"eats_3_is_off", eats_3_is_off},
};
const unsigned model_selftest_count_smmuv3_ats =
    sizeof(model_selftests_smmuv3_ats) / sizeof(model_selftests_smmuv3_ats[0]);
