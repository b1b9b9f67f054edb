/* SPDX-License-Identifier: BSD-2-Clause */
#include "selftest_amd_bench.h"

extern const struct model_selftest model_selftests_amd_cache[];
extern const unsigned model_selftest_count_amd_cache;

static void keep_tables(struct bench *b, bool report_stale)
{
    struct model_amd_knobs knobs;

    knobs_off(&knobs);
    knobs.walk_cache = 1000;
    knobs.report_stale = report_stale;
    model_amd_set_knobs(b->m, &knobs);
}

static const char *stale_page(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes);

    bench_map(b);
    EXPECT(b, dma(b, PASID, VA, READ) == MODEL_DMA_OK);
    put_pte(b, VA, 0);
    EXPECT(b, dma(b, PASID, VA, READ) == MODEL_DMA_OK); /* Still cached. */
    EXPECT(b, model_amd_counts(b->m)->stale_hits == 1);
    keep_tables(b, true);
    EXPECT(b, dma(b, PASID, VA, READ) == MODEL_DMA_OK);
    REPORTED(b, "amd.tlb.stale");
    push(b, PASID, 0x30000042, 0x12346004, 0x7fff); /* Another page. */
    do_wait(b);
    EXPECT(b, model_amd_pasid_cached(b->m, DOMAIN, PASID));
    EXPECT(b, dma(b, PASID, VA, READ) == MODEL_DMA_OK);
    REPORTED(b, "amd.tlb.stale");
    push(b, PASID, 0x30000042, 0x12345004, 0x7fff); /* This one. */
    do_wait(b);
    EXPECT(b, dma(b, PASID, VA, READ) == MODEL_DMA_ABORTED);
    return selftest_end(&b->room);
}

static const char *scopes(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes);

    bench_map(b);
    EXPECT(b, dma(b, PASID, VA, READ) == MODEL_DMA_OK);
    put_pte(b, VA, 0);
    push(b, PASID, 0x30000043, 0xfffff007, 0x7fffffff); /* Another domain. */
    push(b, 5, 0x30000042, 0xfffff007, 0x7fffffff);     /* Another PASID. */
    push(b, 0, 0x30000042, 0xfffff003, 0x7fffffff);     /* GN = 0 */
    do_wait(b);
    EXPECT(b, dma(b, PASID, VA, READ) == MODEL_DMA_OK);
    push(b, PASID, 0x30000042, 0x120ff005, 0x7fff); /* 2 MiB below. */
    do_wait(b);
    EXPECT(b, dma(b, PASID, VA, READ) == MODEL_DMA_OK);
    push(b, PASID, 0x30000042, 0x122ff005, 0x7fff); /* The 2 MiB around it. */
    do_wait(b);
    EXPECT(b, dma(b, PASID, VA, READ) == MODEL_DMA_ABORTED);
    return selftest_end(&b->room);
}

static const char *upper_levels(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes);

    keep_tables(b, false);
    bench_map(b);
    EXPECT(b, dma(b, PASID, VA, READ) == MODEL_DMA_OK);
    put64(b, b->root + 8192 + 8 * (VA >> 21 & 511), 0);
    push(b, PASID, 0x30000042, 0xfffff005, 0x7fffffff); /* PDE = 0 */
    do_wait(b);
    EXPECT(b, dma(b, PASID, VA, READ) == MODEL_DMA_OK);
    EXPECT(b, !model_amd_check_tables_unused(b->m, b->root + 12288, b->root + 16383));
    keep_tables(b, true);
    push(b, PASID, 0x30000042, 0xfffff005, 0x7fffffff);
    do_wait(b);
    EXPECT(b, dma(b, PASID, VA, READ) == MODEL_DMA_OK);
    REPORTED(b, "amd.tlb.stale-table");
    inv_pasid(b, PASID);
    EXPECT(b, dma(b, PASID, VA, READ) == MODEL_DMA_ABORTED);
    return selftest_end(&b->room);
}

static const char *gcr3_needs_pde(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes);

    keep_tables(b, true);
    bench_map(b);
    EXPECT(b, dma(b, PASID, VA, READ) == MODEL_DMA_OK);
    put_gcr3(b, PASID, 0);
    push(b, PASID, 0x30000042, 0xfffff005, 0x7fffffff);
    do_wait(b);
    EXPECT(b, model_amd_gcr3_cached(b->m, DOMAIN, PASID));
    EXPECT(b, dma(b, PASID, VA, READ) == MODEL_DMA_OK);
    REPORTED(b, "amd.gcr3.stale");
    EXPECT(b, !model_amd_check_unreachable(b->m, DEV, PASID));
    inv_pasid(b, PASID);
    EXPECT(b, model_amd_check_unreachable(b->m, DEV, PASID));
    EXPECT(b, model_amd_check_tables_unused(b->m, b->root, b->root + 20479));
    EXPECT(b, dma(b, PASID, VA, READ) == MODEL_DMA_ABORTED);
    return selftest_end(&b->room);
}

static const char *stale_dte(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes);

    keep_tables(b, true);
    bench_map(b);
    EXPECT(b, dma(b, PASID, VA, READ) == MODEL_DMA_OK);
    put64(b, b->devtab + 32 * DEV, 1);
    EXPECT(b, dma(b, PASID, VA, READ) == MODEL_DMA_OK);
    REPORTED(b, "amd.dte.stale");
    inv_devtab(b);
    EXPECT(b, !model_amd_dte_cached(b->m, DEV) && model_amd_pasid_cached(b->m, DOMAIN, PASID));
    EXPECT(b, dma(b, PASID, VA, READ) == MODEL_DMA_ABORTED);
    return selftest_end(&b->room);
}

static const char *former_tables(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes);

    bench_map(b);
    EXPECT(b, dma(b, PASID, VA, READ) == MODEL_DMA_OK);
    put_dte(b, 1, 0, 0);
    inv_devtab(b);
    put64(b, b->gcr3 + 8192 + 8 * (PASID >> 9), (b->gcr3 + 4096) | 1);
    put_dte(b, (dte_q0(b, 1) & ~(UINT64_C(7) << 58)) | ((b->gcr3 + 8192) >> 12 & 7) << 58,
            (dte_q1(b) & ~UINT64_C(0xFFFF0000)) | ((b->gcr3 + 8192) >> 15 & 0xFFFF) << 16, 0);
    inv_devtab(b);
    EXPECT(b, dma(b, PASID, VA, READ) == MODEL_DMA_OK);
    REPORTED(b, "amd.gcr3.domain-shared");
    inv_pasid(b, PASID);
    EXPECT(b, dma(b, PASID, VA, READ) == MODEL_DMA_OK);
    return selftest_end(&b->room);
}

static const char *invalidate_all(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes);

    bench_map(b);
    EXPECT(b, dma(b, PASID, VA, READ) == MODEL_DMA_OK);
    push(b, 0, 0x80000000, 0, 0);
    do_wait(b);
    EXPECT(b, !model_amd_domain_cached(b->m, DOMAIN) && !model_amd_dte_cached(b->m, DEV));
    return selftest_end(&b->room);
}

static const char *needs_the_wait(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes);
    struct model_amd_knobs knobs;

    bench_map(b);
    EXPECT(b, dma(b, PASID, VA, READ) == MODEL_DMA_OK);
    knobs_off(&knobs);
    knobs.invalidate_lag_ns = 100000000;
    model_amd_set_knobs(b->m, &knobs);
    put_pte(b, VA, 0);
    push(b, PASID, 0x30000042, 0xfffff007, 0x7fffffff);
    model_advance(b->room.world, 2000);
    EXPECT(b, rd(b, CMD_HEAD) == rd(b, CMD_TAIL) && model_amd_unsynced(b->m) == 1);
    EXPECT(b, dma(b, PASID, VA, READ) == MODEL_DMA_OK); /* Taken, not done. */
    push_wait(b, 1);
    model_advance(b->room.world, 10000);
    EXPECT(b, waited(b) && model_amd_unsynced(b->m) == 0);
    EXPECT(b, dma(b, PASID, VA, READ) == MODEL_DMA_ABORTED);
    settle(b);
    return selftest_end(&b->room);
}

static const char *not_present_cached(void *memory, size_t bytes)
{
    struct model_amd_config config;
    struct bench *b;

    model_amd_defaults(&config);
    config.np_cache = true;
    b = bench_as(memory, bytes, &config);
    bench_map(b);
    EXPECT(b, dma(b, PASID, VA + 0x1000, READ) == MODEL_DMA_ABORTED);
    put_pte(b, VA + 0x1000, b->data | PTE_RW);
    EXPECT(b, dma(b, PASID, VA + 0x1000, READ) == MODEL_DMA_ABORTED);
    inv_pasid(b, PASID);
    EXPECT(b, dma(b, PASID, VA + 0x1000, READ) == MODEL_DMA_OK);
    return selftest_end(&b->room);
}

static const char *spontaneous(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes);
    struct model_amd_knobs knobs;

    bench_map(b);
    EXPECT(b, dma(b, PASID, VA, READ) == MODEL_DMA_OK);
    knobs_off(&knobs);
    knobs.prefetch = 1000;
    model_amd_set_knobs(b->m, &knobs);
    push(b, 0, 0x80000000, 0, 0);
    do_wait(b);
    rd(b, STATUS);
    EXPECT(b, model_amd_dte_cached(b->m, DEV));
    knobs.prefetch = 0;
    knobs.over_invalidate = 1000;
    model_amd_set_knobs(b->m, &knobs);
    push(b, PASID, 0x30000077, 0xfffff007, 0x7fffffff);
    do_wait(b);
    EXPECT(b, !model_amd_dte_cached(b->m, DEV));
    return selftest_end(&b->room);
}

static const char *former_root(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes);

    bench_map(b);
    put_dte(b, 1, 0, 0);
    inv_devtab(b);
    put64(b, b->root, b->data | UINT64_C(0x6000000000000001));
    put64(b, b->root + 4096, b->data | UINT64_C(0x6000000000000001));
    put_dte(b, UINT64_C(0x6000000000000203) | b->root, 7, 0);
    inv_devtab(b);
    EXPECT(b, dma(b, MODEL_AMD_NONE, 0, READ) == MODEL_DMA_OK);
    put_dte(b, UINT64_C(0x6000000000000203) | (b->root + 4096), 7, 0);
    inv_devtab(b);
    EXPECT(b, dma(b, MODEL_AMD_NONE, 0, READ) == MODEL_DMA_OK);
    REPORTED(b, "amd.tlb.root-differs");
    return selftest_end(&b->room);
}

/* An empty table instead blocks: a hit of before it is stale, no other owner's. */
static const char *former_root_blocked(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes);
    struct model_amd_knobs knobs;

    bench_map(b);
    put_dte(b, 1, 0, 0);
    inv_devtab(b);
    put64(b, b->root, b->data | UINT64_C(0x6000000000000001));
    put_dte(b, UINT64_C(0x6000000000000203) | b->root, 7, 0);
    inv_devtab(b);
    EXPECT(b, dma(b, MODEL_AMD_NONE, 0, READ) == MODEL_DMA_OK);
    put_dte(b, UINT64_C(0x6000000000000203) | (b->root + 4 * 4096), 7, 0);
    inv_devtab(b);
    knobs_off(&knobs);
    model_amd_set_knobs(b->m, &knobs);
    EXPECT(b, dma(b, MODEL_AMD_NONE, 0, READ) == MODEL_DMA_OK && b->room.reports == 0);
    knobs.report_stale = true;
    model_amd_set_knobs(b->m, &knobs);
    EXPECT(b, dma(b, MODEL_AMD_NONE, 0, READ) == MODEL_DMA_OK);
    REPORTED(b, "amd.tlb.root-differs");
    return selftest_end(&b->room);
}

#define TEST(name)                                                                                 \
    {                                                                                              \
#name, name                                                                                \
    }

const struct model_selftest model_selftests_amd_cache[] = {
    TEST(stale_page),         TEST(scopes),        TEST(upper_levels),   TEST(gcr3_needs_pde),
    TEST(stale_dte),          TEST(former_tables), TEST(invalidate_all), TEST(needs_the_wait),
    TEST(not_present_cached), TEST(spontaneous),   TEST(former_root),    TEST(former_root_blocked),
};
const unsigned model_selftest_count_amd_cache =
    sizeof(model_selftests_amd_cache) / sizeof(model_selftests_amd_cache[0]);
