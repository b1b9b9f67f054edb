/* SPDX-License-Identifier: BSD-2-Clause */
#include "selftest_smmuv3.h"

extern const struct model_selftest model_selftests_smmuv3_tlb[];
extern const unsigned model_selftest_count_smmuv3_tlb;

#define OK(b, access) (dma((b), PASID, VA, (access)) == MODEL_DMA_OK)

static const char *reads_and_writes(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes, 1);

    bench_map(b, CD_D0);
    put64(b, b->data, UINT64_C(0x1122334455667788));
    EXPECT(b, OK(b, MODEL_READ));
    EXPECT(b, b->buffer == UINT64_C(0x1122334455667788));
    b->buffer = 0;
    EXPECT(b, OK(b, MODEL_WRITE));
    EXPECT(b, get64(b, b->data) == 0);
    EXPECT(b, model_smmuv3_counts(b->m)->tlb_hits == 1);
    return selftest_end(&b->room);
}

static const char *stale_until_tlbi(void *memory, size_t bytes)
{
    static const uint64_t good[][2] = {
        {UINT64_C(0x00AB000000000011), 0},
        {UINT64_C(0x00AB000000000012), VA},
        {UINT64_C(0x0000000000000013), VA},
        {0x10, 0},
        {0x30, 0},
        {UINT64_C(0x00AB000000001012), VA | 0x701}, /* TG=1 TTL=3, 2 pages */
    };
    static const uint64_t useless[][2] = {
        {UINT64_C(0x00AC000000000011), 0},
        {UINT64_C(0x00AB000000000012), VA + 0x1000},
        {UINT64_C(0x00AC000000000012), VA},
        {0x20, 0},
        {UINT64_C(0x00AB000000001012), (VA + 0x1000) | 0x701},
        {UINT64_C(0x00AB000000000012), VA | 0x801 | 0x300}, /* another granule */
    };
    struct model_smmuv3_config config;
    const char *why = NULL;
    size_t i;

    model_smmuv3_defaults(&config);
    config.hyp = true;
    for (i = 0; i < 6 && why == NULL; i++) {
        struct bench *b = bench_with(memory, bytes, i, &config);

        bench_map(b, CD_D0);
        EXPECT(b, OK(b, MODEL_READ));
        put_pte(b, VA, 0);
        push(b, useless[i][0], useless[i][1]);
        do_sync(b);
        b->room.reports = 0;
        selftest_kept.reports = 0; /* Some of them are misaligned. */
        EXPECT(b, OK(b, MODEL_READ));
        push(b, good[i][0], good[i][1]);
        do_sync(b);
        EXPECT(b, !OK(b, MODEL_READ));
        put_pte(b, VA, b->data | PTE_USER_RW); /* Invalid ones are not cached. */
        EXPECT(b, OK(b, MODEL_READ));
        why = selftest_end(&b->room);
    }
    return why;
}

static const char *globals(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes, 1);

    bench_map(b, CD_D0);
    put_pte(b, VA, b->data | (PTE_USER_RW & ~UINT64_C(0x800)));
    EXPECT(b, OK(b, MODEL_READ));
    put_pte(b, VA, 0);
    tlbi_asid(b, ASID); /* Does not touch global entries. */
    EXPECT(b, OK(b, MODEL_READ));
    push(b, UINT64_C(0x00AC000000000012), VA); /* Any ASID does for them. */
    do_sync(b);
    EXPECT(b, !OK(b, MODEL_READ));
    return selftest_end(&b->room);
}

static const char *walk_cache(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes, 1);
    struct model_smmuv3_knobs knobs;
    uint64_t table = bench_ram(b, 4096, 4096);

    model_smmuv3_get_knobs(b->m, &knobs);
    knobs.walk_cache = 1000;
    model_smmuv3_set_knobs(b->m, &knobs);
    bench_map(b, CD_D0);
    EXPECT(b, OK(b, MODEL_READ));
    put64(b, b->root + 8192 + 8 * (VA >> 21 & 511), table | 3); /* Another last table. */
    push(b, UINT64_C(0x00AB000000000012), VA | 1);              /* Leaf=1: the cached walk stays. */
    do_sync(b);
    EXPECT(b, OK(b, MODEL_READ));
    EXPECT(b, !model_smmuv3_check_tables_unused(b->m, b->root + 12288, b->root + 16383));
    push(b, UINT64_C(0x00AB000000000012), VA);
    do_sync(b);
    EXPECT(b, !OK(b, MODEL_READ));
    EXPECT(b, model_smmuv3_check_tables_unused(b->m, b->root + 12288, b->root + 16383));
    return selftest_end(&b->room);
}

static const char *epd_does_not_stop_hits(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes, 1);
    uint64_t quiesce = UINT64_C(0x00ABC205C0004000);

    bench_map(b, CD_D0);
    EXPECT(b, OK(b, MODEL_READ));
    put64(b, b->cds + 64 * PASID, quiesce);
    cfgi_cd(b, PASID);
    EXPECT(b, OK(b, MODEL_READ));
    EXPECT(b, !model_smmuv3_check_unreachable(b->m, SID, PASID));
    tlbi_asid(b, ASID);
    EXPECT(b, !OK(b, MODEL_READ));
    EXPECT(b, model_smmuv3_check_unreachable(b->m, SID, PASID));
    settle(b);
    EXPECT(b, rd(b, IDX_EVT_PROD) == 0); /* A=1 R=0: silent. */
    return selftest_end(&b->room);
}

static const char *asid_reused(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes, 1);
    uint64_t other = bench_ram(b, 16384, 16384);

    bench_map(b, CD_D0);
    EXPECT(b, OK(b, MODEL_READ));
    put_cd(b, PASID, 0, 0);
    cfgi_cd(b, PASID);
    put_cd(b, 5, CD_D0, other); /* The same ASID, without TLBI in between. */
    cfgi_cd(b, 5);
    dma(b, 5, VA, MODEL_READ);
    REPORTED_ANY(b, "smmuv3.tlb.attributes-differ");
    return selftest_end(&b->room);
}

static const char *asid_shared(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes, 1);
    uint64_t other = bench_ram(b, 16384, 16384);

    bench_map(b, CD_D0);
    put_cd(b, 5, CD_D0, other);
    model_smmuv3_prefetch(b->m, SID, 5);
    EXPECT(b, OK(b, MODEL_READ));
    REPORTED(b, "smmuv3.cd.asid-shared-differ");
    return selftest_end(&b->room);
}

static const char *permissions(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes, 1);
    uint32_t slot = 0;

    bench_map(b, CD_D0);
    put_pte(b, VA, b->data | PTE_USER_RO);
    EXPECT(b, OK(b, MODEL_READ));
    EXPECT(b, !OK(b, MODEL_WRITE));
    EXPECT(b,
           event_is(b, slot++, UINT64_C(0x0000020800003813), UINT64_C(0x0000020000000000), VA, 0));
    put_pte(b, VA, b->data | (PTE_USER_RW & ~UINT64_C(0x40)));
    tlbi_asid(b, ASID);
    EXPECT(b, !OK(b, MODEL_READ));
    EXPECT(b,
           event_is(b, slot++, UINT64_C(0x0000020800003813), UINT64_C(0x0000020800000000), VA, 0));
    EXPECT(b, OK(b, MODEL_READ | MODEL_PRIV));
    put_pte(b, VA, b->data | PTE_USER_RO | UINT64_C(1) << 54);
    tlbi_asid(b, ASID);
    EXPECT(b, !OK(b, MODEL_READ | MODEL_EXEC));
    EXPECT(b,
           event_is(b, slot++, UINT64_C(0x0000020800003813), UINT64_C(0x0000020C00000000), VA, 0));
    EXPECT(b, OK(b, MODEL_READ));
    return selftest_end(&b->room);
}

static const char *flags_by_hardware(void *memory, size_t bytes)
{
    uint64_t pte, af = UINT64_C(1) << 10, dbm = UINT64_C(1) << 51;
    struct bench *b = bench(memory, bytes, 1);
    uint64_t at = b->root + 12288 + 8 * (VA >> 12 & 511);

    bench_map(b, CD_D0);
    pte = b->data | PTE_USER_RO | dbm;
    put_pte(b, VA, pte & ~af);
    EXPECT(b, !OK(b, MODEL_READ)); /* HA=0 */
    EXPECT(b, event_is(b, 0, UINT64_C(0x0000020800003812), UINT64_C(0x0000020800000000), VA, 0));
    put_cd(b, PASID, CD_D0 | UINT64_C(3) << 42, b->root);
    cfgi_cd(b, PASID);
    tlbi_asid(b, ASID);
    EXPECT(b, OK(b, MODEL_READ));
    EXPECT(b, get64(b, at) == pte); /* AF set, still clean. */
    EXPECT(b, OK(b, MODEL_WRITE));
    EXPECT(b, get64(b, at) == (pte & ~UINT64_C(0x80)));
    put_cd(b, PASID, CD_D0 | UINT64_C(1) << 43, b->root);
    cfgi_cd(b, PASID);
    tlbi_asid(b, ASID);
    put_pte(b, VA, pte);
    EXPECT(b, !OK(b, MODEL_WRITE)); /* HD=0: DBM means nothing. */
    return selftest_end(&b->room);
}

static const char *granules(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes, 1);
    uint64_t cd64 = (CD_D0 & ~UINT64_C(0x3F)) | 0x40 | 22; /* 42 bits: two levels of 64K */
    uint64_t cd16 = (CD_D0 & ~UINT64_C(0x3F)) | 0x80 | 28; /* 36 bits: two levels of 16K */
    uint64_t top = bench_ram(b, 65536, 65536);
    uint64_t low = bench_ram(b, 65536, 65536);
    uint64_t page = bench_ram(b, 65536, 65536);
    uint64_t va = UINT64_C(0x123456000);

    bench_map(b, CD_D0);
    put_cd(b, PASID, cd64, top);
    put64(b, top + 8 * (va >> 29), low | 3);
    put64(b, low + 8 * (va >> 16 & 0x1FFF), page | PTE_USER_RW);
    EXPECT(b, dma(b, PASID, va, MODEL_READ) == MODEL_DMA_OK);
    EXPECT(b, ats(b, PASID, va, MODEL_READ).address >> 16 == page >> 16);
    put64(b, top + 8 * (va >> 29), 0);
    put64(b, low + 8 * (va >> 16 & 0x1FFF), 0);
    put_cd(b, PASID, cd16, top);
    cfgi_cd(b, PASID);
    tlbi_asid(b, ASID);
    put64(b, top + 8 * (va >> 25), low | 3);
    put64(b, low + 8 * (va >> 14 & 0x7FF), page | PTE_USER_RW);
    EXPECT(b, dma(b, PASID, va, MODEL_READ) == MODEL_DMA_OK);
    put64(b, top + 8 * (va >> 25), UINT64_C(0x80000000) | (PTE_USER_RW & ~UINT64_C(2)));
    tlbi_asid(b, ASID); /* A block of 32 MiB. */
    EXPECT(b, dma(b, PASID, va & ~UINT64_C(0x1FFF000), MODEL_READ) == MODEL_DMA_OK);
    return selftest_end(&b->room);
}

static const char *upper_half(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes, 1);
    uint64_t d0 = UINT64_C(0x00ABE205B5903510); /* K7 with another ASID */
    uint64_t high = UINT64_C(0xFFFF000000000000) | VA;

    bench_map(b, d0);
    put64(b, b->cds + 64 * PASID + 16, b->root);
    put64(b, b->root + 8 * (high >> 39 & 511), (b->root + 4096) | 3);
    EXPECT(b, dma(b, PASID, high, MODEL_READ) == MODEL_DMA_OK);
    EXPECT(b, dma(b, PASID, VA, MODEL_READ) == MODEL_DMA_OK);
    EXPECT(b, dma(b, PASID, UINT64_C(0x00FF000000000000) | VA, MODEL_READ) == MODEL_DMA_ABORTED);
    return selftest_end(&b->room);
}

static const char *golden_cds(void *memory, size_t bytes)
{
    static const uint64_t list[][2] = {
        {UINT64_C(0x0042E205C0003510), UINT64_C(0x0000000812345000)},
        {UINT64_C(0x00ABEE05C0003510), UINT64_C(0x0000000876543000)},
        {UINT64_C(0x00ABFE05C0003510), UINT64_C(0x0000000876543008)},
        {UINT64_C(0x00ABCE05C0004000), 0},
        {UINT64_C(0x0001E204C0003591), UINT64_C(0x0000000800004000)},
    };
    struct model_smmuv3_config config;
    struct bench *b;
    uint32_t slot = 0;
    size_t i;

    model_smmuv3_defaults(&config);
    config.httu = 3;
    b = bench_with(memory, bytes, 1, &config);
    bench_map(b, CD_D0);
    for (i = 0; i < 5; i++) {
        put_cd(b, PASID, list[i][0], list[i][1]);
        cfgi_cd(b, PASID);
        dma(b, PASID, i == 4 ? VA & ~(UINT64_C(1) << 46) : VA, MODEL_READ);
        settle(b);
        if (i == 3) { /* quiesce: silent */
            EXPECT(b, (rd(b, IDX_EVT_PROD) & 31) == slot);
        } else { /* Legal; there is no table at that address. */
            EXPECT(b, (event_word(b, slot & 15, 0) & 0xFF) == 0xB);
            slot++;
        }
    }
    EXPECT(b, b->room.reports == 0);
    return selftest_end(&b->room);
}

static const char *walk_faults(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes, 1);
    uint64_t l3 = b->root + 12288 + 8 * (VA >> 12 & 511);
    uint64_t head = UINT64_C(0x0000020800003800);

    bench_map(b, CD_D0);
    model_bus_inject_abort(b->room.world, l3, l3 + 7, 1);
    EXPECT(b, !OK(b, MODEL_WRITE));
    EXPECT(b, event_is(b, 0, head | 0xB, UINT64_C(0x0000010000000000), VA, l3));
    put_pte(b, VA, 0);
    EXPECT(b, dma(b, PASID, VA | 0x678, MODEL_READ) == MODEL_DMA_ABORTED);
    EXPECT(b, event_is(b, 1, head | 0x10, UINT64_C(0x0000020800000000), VA | 0x678, 0));
    put_cd(b, PASID, CD_D0 & ~(UINT64_C(7) << 32), b->root); /* IPS = 32 bits */
    cfgi_cd(b, PASID);
    tlbi_asid(b, ASID);
    put_pte(b, VA, UINT64_C(0x100000000) | PTE_USER_RW);
    EXPECT(b, !OK(b, MODEL_READ | MODEL_PRIV));
    EXPECT(b, event_is(b, 2, head | 0x11, UINT64_C(0x0000020A00000000), VA, 0));
    EXPECT(b, dma(b, PASID, UINT64_C(1) << 50, MODEL_READ) == MODEL_DMA_ABORTED);
    EXPECT(b, event_is(b, 3, head | 0x10, UINT64_C(0x0000020800000000), UINT64_C(1) << 50, 0));
    return selftest_end(&b->room);
}

static const char *asids_are_apart(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes, 1);
    uint64_t other = bench_ram(b, 16384, 16384);
    uint64_t page = bench_ram(b, 4096, 4096);
    uint64_t root = b->root;

    bench_map(b, CD_D0);
    b->root = other;
    put_pte(b, VA, page | PTE_USER_RW);
    b->root = root;
    put_cd(b, 5, CD_D0 + (UINT64_C(1) << 48), other);
    put64(b, b->data, 1);
    put64(b, page, 2);
    EXPECT(b, OK(b, MODEL_WRITE));
    EXPECT(b, get64(b, b->data) == 0 && get64(b, page) == 2);
    EXPECT(b, dma(b, 5, VA, MODEL_WRITE) == MODEL_DMA_OK);
    EXPECT(b, get64(b, page) == 0);
    EXPECT(b, model_smmuv3_asid_cached(b->m, ASID) && model_smmuv3_asid_cached(b->m, ASID + 1));
    tlbi_asid(b, ASID);
    EXPECT(b, !model_smmuv3_asid_cached(b->m, ASID) && model_smmuv3_asid_cached(b->m, ASID + 1));
    return selftest_end(&b->room);
}

static const char *wrong_descriptors(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes, 1);
    uint64_t head = UINT64_C(0x0000020800003800);
    uint64_t top = b->root + 8 * (VA >> 39 & 511);

    bench_map(b, CD_D0);
    put_pte(b, VA, b->data | (PTE_USER_RW & ~UINT64_C(2))); /* A block at level 3 */
    EXPECT(b, !OK(b, MODEL_READ));
    EXPECT(b, event_is(b, 0, head | 0x10, UINT64_C(0x0000020800000000), VA, 0));
    tlbi_asid(b, ASID);
    put64(b, top, PTE_USER_RW & ~UINT64_C(2)); /* and at level 0 */
    EXPECT(b, !OK(b, MODEL_READ));
    EXPECT(b, event_is(b, 1, head | 0x10, UINT64_C(0x0000020800000000), VA, 0));
    put_cd(b, PASID, CD_D0 & ~(UINT64_C(7) << 32), b->root);
    cfgi_cd(b, PASID);
    tlbi_asid(b, ASID);
    put64(b, top, UINT64_C(0x100000000) | 3); /* A table beyond IPS */
    EXPECT(b, !OK(b, MODEL_READ));
    EXPECT(b, event_is(b, 2, head | 0x11, UINT64_C(0x0000020800000000), VA, 0));
    return selftest_end(&b->room);
}

static const char *privileged(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes, 1);

    bench_map(b, CD_D0 | UINT64_C(1) << 40);
    EXPECT(b, OK(b, MODEL_READ));
    EXPECT(b, !OK(b, MODEL_READ | MODEL_PRIV)); /* PAN */
    EXPECT(b, event_is(b, 0, UINT64_C(0x0000020800003813), UINT64_C(0x0000020A00000000), VA, 0));
    return selftest_end(&b->room);
}

const struct model_selftest model_selftests_smmuv3_tlb[] = {
    {"reads_and_writes", reads_and_writes},
    {"stale_until_tlbi", stale_until_tlbi},
    {"globals", globals},
    {"walk_cache", walk_cache},
    {"epd_does_not_stop_hits", epd_does_not_stop_hits},
    {"asid_reused", asid_reused},
    {"asid_shared", asid_shared},
    {"permissions", permissions},
    {"flags_by_hardware", flags_by_hardware},
    {"granules", granules},
    {"upper_half", upper_half},
    {"golden_cds", golden_cds},
    {"walk_faults", walk_faults},
    {"asids_are_apart", asids_are_apart},
    {"wrong_descriptors", wrong_descriptors},
    {"privileged", privileged},
};
const unsigned model_selftest_count_smmuv3_tlb =
    sizeof(model_selftests_smmuv3_tlb) / sizeof(model_selftests_smmuv3_tlb[0]);
