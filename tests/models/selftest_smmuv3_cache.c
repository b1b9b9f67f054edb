/* SPDX-License-Identifier: BSD-2-Clause */
#include "selftest_smmuv3.h"

extern const struct model_selftest model_selftests_smmuv3_cache[];
extern const unsigned model_selftest_count_smmuv3_cache;

#define NONE MODEL_SMMUV3_NONE

static const char *stale_ste(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes, 1);

    EXPECT(b, dma(b, NONE, b->data, MODEL_READ) == MODEL_DMA_ABORTED);
    put_ste(b, SID, 9, UINT64_C(0x0000100000000000));
    EXPECT(b, dma(b, NONE, b->data, MODEL_READ) == MODEL_DMA_ABORTED); /* V=0 is cached. */
    EXPECT(b, model_smmuv3_ste_cached(b->m, SID));
    push(b, (uint64_t)(SID + 1) << 32 | 3, 1); /* Somebody else's. */
    do_sync(b);
    EXPECT(b, dma(b, NONE, b->data, MODEL_READ) == MODEL_DMA_ABORTED);
    push(b, (uint64_t)(SID & ~7u) << 32 | 4, 2); /* A range of 8. */
    do_sync(b);
    EXPECT(b, dma(b, NONE, b->data, MODEL_READ) == MODEL_DMA_OK);
    put_ste(b, SID, 1, 0);
    EXPECT(b, dma(b, NONE, b->data, MODEL_READ) == MODEL_DMA_OK);
    EXPECT(b, !model_smmuv3_check_unreachable(b->m, SID, NONE));
    cfgi_ste(b);
    EXPECT(b, model_smmuv3_check_unreachable(b->m, SID, NONE));
    EXPECT(b, dma(b, NONE, b->data, MODEL_READ) == MODEL_DMA_ABORTED);
    return selftest_end(&b->room);
}

static const char *stale_cd(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes, 1);

    bench_map(b, CD_D0);
    EXPECT(b, dma(b, PASID, VA, MODEL_READ) == MODEL_DMA_OK);
    put_cd(b, PASID, 0, 0);
    tlbi_asid(b, ASID); /* Only the TLB: the CD is still cached and fills it again. */
    EXPECT(b, dma(b, PASID, VA, MODEL_READ) == MODEL_DMA_OK);
    EXPECT(b, model_smmuv3_cd_cached(b->m, SID, PASID));
    EXPECT(b, !model_smmuv3_check_unreachable(b->m, SID, PASID));
    EXPECT(b, !model_smmuv3_check_tables_unused(b->m, b->root, b->root + 16383));
    cfgi_cd(b, PASID);
    EXPECT(b, !model_smmuv3_check_unreachable(b->m, SID, PASID)); /* The TLB was filled. */
    tlbi_asid(b, ASID);
    EXPECT(b, model_smmuv3_check_unreachable(b->m, SID, PASID));
    EXPECT(b, model_smmuv3_check_tables_unused(b->m, b->root, b->root + 16383));
    EXPECT(b, dma(b, PASID, VA, MODEL_READ) == MODEL_DMA_ABORTED);
    return selftest_end(&b->room);
}

static const char *missing_sync(void *memory, size_t bytes)
{
    bool stale = false;
    bool fresh = false;
    const char *why = NULL;
    uint64_t seed;

    for (seed = 0; seed < 20 && why == NULL; seed++) {
        struct bench *b = bench(memory, bytes, seed);

        bench_map(b, CD_D0);
        EXPECT(b, dma(b, PASID, VA, MODEL_READ) == MODEL_DMA_OK);
        put_cd(b, PASID, 0, 0);
        push(b, (uint64_t)SID << 32 | PASID << 12 | 5, 1);
        EXPECT(b, drained(b)); /* Consumed, which proves nothing. */
        EXPECT(b, model_smmuv3_unsynced(b->m) == 1);
        settle(b);
        if (model_smmuv3_cd_cached(b->m, SID, PASID)) {
            stale = true;
        } else {
            fresh = true;
        }
        do_sync(b);
        EXPECT(b, !model_smmuv3_cd_cached(b->m, SID, PASID));
        EXPECT(b, model_smmuv3_unsynced(b->m) == 0);
        if (seed == 19) {
            EXPECT(b, stale && fresh);
        }
        why = selftest_end(&b->room);
    }
    return why;
}

static const char *stale_use_after_free(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes, 1);
    uint64_t page = bench_ram(b, 4096, 4096);

    bench_map(b, CD_D0);
    put_pte(b, VA, page | PTE_USER_RW);
    EXPECT(b, dma(b, PASID, VA, MODEL_READ) == MODEL_DMA_OK);
    put_pte(b, VA, 0);
    model_ram_put(b->room.world, page, 4096); /* Without TLBI. */
    dma(b, PASID, VA, MODEL_READ);
    REPORTED(b, "ram.use-after-free");
    return selftest_end(&b->room);
}

static const char *torn_updates(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes, 1);

    model_smmuv3_prefetch_slowly(b->m, SID, NONE);
    put_ste(b, SID, STE_D0(b), STE_D1); /* V and the rest at once. */
    settle(b);
    REPORTED(b, "smmuv3.ste.torn");
    bench_map(b, CD_D0);
    model_smmuv3_prefetch(b->m, SID, NONE);
    model_smmuv3_prefetch_slowly(b->m, SID, PASID);
    put64(b, b->cds + 64 * PASID + 8, b->root + 4096);
    put64(b, b->cds + 64 * PASID, CD_D0 | UINT64_C(0x100) << 48);
    settle(b);
    REPORTED_ANY(b, "smmuv3.cd.torn");
    return selftest_end(&b->room);
}

static const char *hitless_updates(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes, 1);
    uint64_t quiesce = UINT64_C(0x00ABC205C0004000);

    put64(b, b->strtab + 64 * (uint64_t)SID + 8, STE_D1);
    cfgi_ste(b);
    model_smmuv3_prefetch_slowly(b->m, SID, NONE);
    put64(b, b->strtab + 64 * (uint64_t)SID, STE_D0(b));
    settle(b);
    cfgi_ste(b);
    put_cd(b, PASID, CD_D0, b->root);
    put_pte(b, VA, b->data | PTE_USER_RW);
    model_smmuv3_prefetch(b->m, SID, NONE);
    model_smmuv3_prefetch_slowly(b->m, SID, PASID);
    put64(b, b->cds + 64 * PASID, quiesce);
    settle(b);
    cfgi_cd(b, PASID);
    model_smmuv3_prefetch_slowly(b->m, SID, PASID);
    put64(b, b->cds + 64 * PASID + 8, 0);
    settle(b);
    cfgi_cd(b, PASID);
    EXPECT(b, b->room.reports == 0);
    EXPECT(b, model_smmuv3_check_unreachable(b->m, SID, PASID));
    return selftest_end(&b->room);
}

static const char *nothing_unreachable(void *memory, size_t bytes)
{
    struct model_smmuv3_config config;
    struct model_smmuv3_knobs knobs;
    struct bench *b;
    unsigned i;

    model_smmuv3_defaults(&config);
    b = bench_create(memory, bytes, 1, &config);
    model_smmuv3_get_knobs(b->m, &knobs);
    knobs.prefetch = 1000;
    model_smmuv3_set_knobs(b->m, &knobs);
    bench_start(b, ALL_ON & ~SMMUEN);
    cfgi_ste(b);
    EXPECT(b, model_smmuv3_counts(b->m)->config_fetches == 0);
    cr0(b, ALL_ON);
    for (i = 0; i < 20; i++) {
        rd(b, CR0);
    }
    EXPECT(b, model_smmuv3_counts(b->m)->config_fetches > 0);
    EXPECT(b, model_smmuv3_ste_cached(b->m, SID)); /* Invalid, and cached. */
    return selftest_end(&b->room);
}

static const char *freed_tables(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes, 1);

    bench_map(b, CD_D0);
    model_ram_put(b->room.world, b->cds, 4096); /* The STE still points there. */
    model_smmuv3_prefetch(b->m, SID, PASID);
    REPORTED_ANY(b, "ram.use-after-free");
    return selftest_end(&b->room);
}

static const char *ste_takes_its_cds(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes, 1);

    bench_map(b, CD_D0);
    EXPECT(b, dma(b, PASID, VA, MODEL_READ) == MODEL_DMA_OK);
    EXPECT(b, model_smmuv3_cd_cached(b->m, SID, PASID));
    cfgi_ste(b);
    EXPECT(b, !model_smmuv3_cd_cached(b->m, SID, PASID));
    return selftest_end(&b->room);
}

static const char *level1_stays(void *memory, size_t bytes)
{
    struct model_smmuv3_config config;
    struct bench *b;
    uint64_t l1;

    model_smmuv3_defaults(&config);
    b = bench_create(memory, bytes, 1, &config);
    l1 = bench_ram(b, 4096, 4096);
    bench_queues(b);
    wr64(b, 0x80, l1);
    wr(b, 0x88, 0x10210);
    cr0(b, CMDQEN);
    bench_invalidate_all(b);
    cr0(b, ALL_ON);
    EXPECT(b, dma(b, NONE, b->data, MODEL_READ) == MODEL_DMA_ABORTED);
    put64(b, l1 + 8 * (SID >> 8), b->strtab | 5);
    put_ste(b, 8, 9, UINT64_C(0x0000100000000000));
    push(b, (uint64_t)SID << 32 | 3, 1);
    do_sync(b);
    EXPECT(b, dma(b, NONE, b->data, MODEL_READ) == MODEL_DMA_ABORTED);
    push(b, (uint64_t)SID << 32 | 3, 0);
    do_sync(b);
    EXPECT(b, dma(b, NONE, b->data, MODEL_READ) == MODEL_DMA_OK);
    return selftest_end(&b->room);
}

/* A fetch that began before an invalidation must not end behind it with what it read. */
static const char *slow_fetch_restarts(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes, 1);
    struct model_smmuv3_knobs knobs;

    model_smmuv3_get_knobs(b->m, &knobs);
    knobs.fetch_lag_ns = 100000000;
    model_smmuv3_set_knobs(b->m, &knobs);
    bench_map(b, CD_D0);
    model_smmuv3_prefetch(b->m, SID, NONE);
    model_smmuv3_prefetch_slowly(b->m, SID, PASID);
    EXPECT(b, !model_smmuv3_check_unreachable(b->m, SID, PASID));
    cfgi_ste(b); /* Takes CDs with it, half-read ones too. */
    EXPECT(b, model_smmuv3_check_unreachable(b->m, SID, PASID));
    model_smmuv3_prefetch(b->m, SID, NONE);
    model_smmuv3_prefetch_slowly(b->m, SID, PASID);
    put64(b, b->cds + 64 * PASID, 0);
    cfgi_cd(b, PASID);
    EXPECT(b, model_smmuv3_check_unreachable(b->m, SID, PASID));
    put64(b, b->cds + 64 * PASID + 8, b->root + 4096);
    put64(b, b->cds + 64 * PASID + 24, 0);
    model_smmuv3_prefetch_slowly(b->m, SID, NONE);
    put_ste(b, SID, 0, 0);
    cfgi_ste(b);
    put_ste(b, SID, 9, UINT64_C(0x0000100000000000));
    EXPECT(b, dma(b, NONE, b->data, MODEL_READ) == MODEL_DMA_OK);
    return selftest_end(&b->room);
}

const struct model_selftest model_selftests_smmuv3_cache[] = {
    {"stale_ste", stale_ste},
    {"stale_cd", stale_cd},
    {"missing_sync", missing_sync},
    {"stale_use_after_free", stale_use_after_free},
    {"torn_updates", torn_updates},
    {"hitless_updates", hitless_updates},
    {"nothing_unreachable", nothing_unreachable},
    {"freed_tables", freed_tables},
    {"ste_takes_its_cds", ste_takes_its_cds},
    {"level1_stays", level1_stays},
    {"slow_fetch_restarts", slow_fetch_restarts},
};
const unsigned model_selftest_count_smmuv3_cache =
    sizeof(model_selftests_smmuv3_cache) / sizeof(model_selftests_smmuv3_cache[0]);
