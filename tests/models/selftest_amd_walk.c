/* SPDX-License-Identifier: BSD-2-Clause */
#include "selftest_amd_bench.h"

extern const struct model_selftest model_selftests_amd_walk[];
extern const unsigned model_selftest_count_amd_walk;

#define NONE MODEL_AMD_NONE

static const char *faults(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes);

    bench_map(b);
    EXPECT(b, dma(b, PASID, VA, WRITE) == MODEL_DMA_OK);
    EXPECT(b, (get64(b, b->root + 12288 + 8 * (VA >> 12 & 511)) & 0x60) == 0x60);
    EXPECT(b, dma(b, PASID, VA + 0x1000, WRITE) == MODEL_DMA_ABORTED);
    EXPECT(b, event_is(b, 0, 0x118, 0x20251234, 0x12346000, 0x7fff));
    put_pte(b, VA + 0x1000, b->data | PTE_RO);
    EXPECT(b, dma(b, PASID, VA + 0x1000, READ) == MODEL_DMA_OK);
    inv_pasid(b, PASID);
    EXPECT(b, dma(b, PASID, VA + 0x1000, WRITE) == MODEL_DMA_ABORTED);
    EXPECT(b, event_is(b, 1, 0x118, 0x20751234, 0x12346000, 0x7fff));
    inv_pasid(b, PASID);
    put64(b, b->root + 8192 + 8 * (VA >> 21 & 511), 0x3087); /* 2 MiB, misaligned */
    EXPECT(b, dma(b, PASID, VA, WRITE | MODEL_PRIV) == MODEL_DMA_ABORTED);
    EXPECT(b, event_is(b, 2, 0x118, 0x20b11234, 0x12345000, 0x7fff));
    EXPECT(b, dma(b, PASID, UINT64_C(0x800000000000), READ) == MODEL_DMA_ABORTED);
    EXPECT(b, event_is(b, 3, 0x118, 0x20051234, 0, 0x8000));
    return selftest_end(&b->room);
}

static const char *pasids(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes);

    bench_map(b);
    EXPECT(b, dma(b, 9, VA, READ) == MODEL_DMA_ABORTED); /* GCR3 entry not valid. */
    EXPECT(b, event_is(b, 0, 0x118, 0x20050009, 0x12345000, 0x7fff));
    EXPECT(b, dma(b, 0x40000, VA, READ) == MODEL_DMA_ABORTED); /* Beyond two levels. */
    EXPECT(b, event_is(b, 1, 0x40118, 0x20050000, 0x12345000, 0x7fff));
    put_gcr3(b, 9, b->root | 3);
    EXPECT(b, dma(b, 9, VA, READ) == MODEL_DMA_ABORTED);
    REPORTED(b, "amd.gcr3.reserved");
    EXPECT(b, dma(b, NONE, b->data, READ) == MODEL_DMA_OK); /* GIoV = 0: by address. */
    put_dte(b, dte_q0(b, 1) | UINT64_C(1) << 54, dte_q1(b), 0);
    inv_devtab(b);
    EXPECT(b, dma(b, NONE, b->data, READ) == MODEL_DMA_ABORTED); /* GCR3[0] is empty. */
    put_gcr3(b, 0, b->root | 1);
    EXPECT(b, dma(b, NONE, VA, READ) == MODEL_DMA_OK);
    put_dte(b, UINT64_C(0x6000000000000003), DOMAIN, 0);
    model_amd_prefetch(b->m, DEV, NONE);
    put_dte(b, 1, 0, 0);
    inv_devtab(b);
    put_dte(b, UINT64_C(0x6000000000000003), DOMAIN, 0);
    inv_devtab(b);
    EXPECT(b, dma(b, PASID, VA, READ) == MODEL_DMA_ABORTED); /* GV = 0. */
    return selftest_end(&b->room);
}

static const char *rights(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes);

    bench_map(b);
    put_pte(b, VA, b->data | 3); /* supervisor */
    EXPECT(b, dma(b, PASID, VA, READ) == MODEL_DMA_ABORTED);
    EXPECT(b, dma(b, PASID, VA, READ | MODEL_PRIV) == MODEL_DMA_OK);
    put_pte(b, VA, b->data | PTE_RW | UINT64_C(1) << 63);
    inv_pasid(b, PASID);
    EXPECT(b, dma(b, PASID, VA, READ) == MODEL_DMA_OK);
    EXPECT(b, dma(b, PASID, VA, READ | MODEL_EXEC) == MODEL_DMA_ABORTED);
    put_dte(b, dte_q0(b, 1) & ~(UINT64_C(1) << 62), dte_q1(b), 0); /* IW = 0 */
    inv_devtab(b);
    EXPECT(b, dma(b, PASID, VA, READ) == MODEL_DMA_OK);
    EXPECT(b, dma(b, PASID, VA, WRITE) == MODEL_DMA_ABORTED);
    return selftest_end(&b->room);
}

static const char *five_levels(void *memory, size_t bytes)
{
    struct model_amd_config config;
    struct bench *b;
    uint64_t top;

    model_amd_defaults(&config);
    config.gats = 1;
    b = bench_as(memory, bytes, &config);
    bench_map(b);
    top = b->root + 16384;
    put64(b, top + 8 * 3, b->root | PTE_RW);
    put_gcr3(b, PASID, top | 1);
    put_dte(b, dte_q0(b, 1), dte_q1(b), UINT64_C(1) << 54);
    inv_devtab(b);
    EXPECT(b, dma(b, PASID, VA | UINT64_C(3) << 48, READ) == MODEL_DMA_OK);
    EXPECT(b, dma(b, PASID, VA, READ) == MODEL_DMA_ABORTED);
    return selftest_end(&b->room);
}

static const char *large_pages(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes);
    struct model_translation got;

    bench_map(b);
    put64(b, b->root + 8192 + 8 * (VA >> 21 & 511), SELFTEST_RAM_BASE | 0x87);
    EXPECT(b, dma(b, PASID, (VA & ~UINT64_C(0x1FFFFF)) | (b->data - SELFTEST_RAM_BASE), WRITE) ==
                  MODEL_DMA_OK);
    got = ats(b, PASID, VA & ~UINT64_C(0x1FFFFF), READ | WRITE);
    EXPECT(b, got.status == MODEL_TRANSLATE_OK && got.address == SELFTEST_RAM_BASE);
    return selftest_end(&b->room);
}

static const char *host_tables(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes);
    const uint64_t dir = UINT64_C(0x6000000000000001);

    put64(b, b->root, (b->root + 4096) | dir | 1 << 9); /* level 2 to level 1 */
    put64(b, b->root + 4096 + 8, b->data | dir);
    put64(b, b->root + 4096 + 16, b->data | (dir & ~(UINT64_C(1) << 62)));
    put64(b, b->root + 4096 + 24, b->data | dir | 1 << 9);
    put64(b, b->root + 4096 + 32, b->data | dir | UINT64_C(1) << 52);
    put_dte(b, UINT64_C(0x6000000000000403) | b->root, 7, 0);
    inv_devtab(b);
    EXPECT(b, dma(b, NONE, 0x1000, WRITE) == MODEL_DMA_OK);
    EXPECT(b, dma(b, NONE, 0x2000, READ) == MODEL_DMA_OK);
    EXPECT(b, dma(b, NONE, 0x3000, READ) == MODEL_DMA_ABORTED);
    EXPECT(b, event_is(b, 0, 0x118, 0x20100007, 0x3000, 0)); /* bad level */
    EXPECT(b, dma(b, NONE, 0x4000, READ) == MODEL_DMA_ABORTED);
    EXPECT(b, event_is(b, 1, 0x118, 0x20900007, 0x4000, 0)); /* reserved */
    EXPECT(b, dma(b, NONE, 0x5000, WRITE) == MODEL_DMA_ABORTED);
    EXPECT(b, event_is(b, 2, 0x118, 0x20200007, 0x5000, 0)); /* not present */
    EXPECT(b, dma(b, NONE, UINT64_C(1) << 30, READ) == MODEL_DMA_ABORTED);
    EXPECT(b, event_is(b, 3, 0x118, 0x20000007, 0x40000000, 0)); /* beyond Mode */
    EXPECT(b, model_amd_domain_cached(b->m, 7) && model_amd_pasid_cached(b->m, 7, NONE));
    push(b, 0, 0x30000007, 0xfffff003, 0x7fffffff);
    do_wait(b);
    EXPECT(b, !model_amd_pasid_cached(b->m, 7, NONE));
    put64(b, b->root + 4096 + 8, 0x7FFFF000u | dir | 7 << 9); /* k beyond the level */
    EXPECT(b, dma(b, NONE, 0x1000, WRITE) == MODEL_DMA_ABORTED);
    EXPECT(b, event_is(b, 4, 0x118, 0x20300007, 0x1000, 0));
    EXPECT(b, dma(b, PASID, 0x1000, WRITE) == MODEL_DMA_ABORTED); /* GV = 0 */
    return selftest_end(&b->room);
}

static const char *ats_answers(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes);
    struct model_dma what = {.id = DEV, .translated = true, .access = READ, .bytes = 8};
    struct model_translation got;

    what.data = &b->buffer;
    what.address = b->data;
    bench_map(b);
    got = ats(b, PASID, VA, READ | WRITE);
    EXPECT(b, got.status == MODEL_TRANSLATE_OK && got.address == b->data);
    EXPECT(b, got.access == (READ | WRITE) && got.size_log2 == 12);
    got = ats(b, PASID, VA + 0x1000, READ);
    EXPECT(b, got.status == MODEL_TRANSLATE_OK && got.access == 0 && events(b) == 0);
    EXPECT(b, model_amd_ops()->dma(b->m, &what) == MODEL_DMA_OK);
    put_dte(b, dte_q0(b, 1) & ~(UINT64_C(1) << 52), dte_q1(b) & ~(UINT64_C(1) << 32), 0);
    EXPECT(b, ats(b, PASID, VA, READ).status == MODEL_TRANSLATE_OK); /* stale */
    put_dte(b, 1, 0, 0);
    inv_devtab(b);
    put_dte(b, dte_q0(b, 1) & ~(UINT64_C(1) << 52), dte_q1(b) & ~(UINT64_C(1) << 32), 0);
    inv_devtab(b);
    EXPECT(b, ats(b, PASID, VA, READ).status == MODEL_TRANSLATE_UNSUPPORTED);
    EXPECT(b, event_is(b, 0, 0x118, 0x83011234, 0x12345000, 0x7fff));
    what.address = 0x1000;
    EXPECT(b, model_amd_ops()->dma(b->m, &what) == MODEL_DMA_ABORTED);
    EXPECT(b, event_is(b, 1, 0x118, 0x82000000, 0x1000, 0)); /* golden */
    return selftest_end(&b->room);
}

static const char *table_aborts(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes);

    bench_map(b);
    model_bus_inject_abort(b->room.world, b->root, b->root + 4095, 1);
    EXPECT(b, dma(b, PASID, VA, WRITE) == MODEL_DMA_ABORTED);
    EXPECT(b, event_is(b, 0, 0x118, 0x42211234, (uint32_t)(b->root + 8 * (VA >> 39 & 511)), 0));
    model_bus_inject_abort(b->room.world, b->gcr3, b->gcr3 + 4095, 1);
    inv_pasid(b, PASID);
    EXPECT(b, ats(b, PASID, VA, READ).status == MODEL_TRANSLATE_ABORTED);
    return selftest_end(&b->room);
}

#define TEST(name)                                                                                 \
    {                                                                                              \
#name, name                                                                                \
    }

const struct model_selftest model_selftests_amd_walk[] = {
    TEST(faults),      TEST(pasids),      TEST(rights),      TEST(five_levels),
    TEST(large_pages), TEST(host_tables), TEST(ats_answers), TEST(table_aborts),
};
const unsigned model_selftest_count_amd_walk =
    sizeof(model_selftests_amd_walk) / sizeof(model_selftests_amd_walk[0]);
