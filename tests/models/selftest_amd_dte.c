/* SPDX-License-Identifier: BSD-2-Clause */
#include "selftest_amd_bench.h"

extern const struct model_selftest model_selftests_amd_dte[];
extern const unsigned model_selftest_count_amd_dte;

#define NONE MODEL_AMD_NONE

static const char *simple_states(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes);

    wr(b, CONTROL, ALL_ON & ~IOMMU_EN);
    EXPECT(b, dma(b, NONE, b->data, WRITE) == MODEL_DMA_OK); /* Off: all passes. */
    settle(b);
    wr(b, CONTROL, ALL_ON);
    EXPECT(b, dma(b, NONE, b->data, WRITE) == MODEL_DMA_OK); /* V = 0 */
    EXPECT(b, model_amd_counts(b->m)->passed == 2);
    EXPECT(b, !model_amd_check_unreachable(b->m, DEV, NONE));
    put_dte(b, 3, 0, 0);
    EXPECT(b, dma(b, NONE, b->data, WRITE) == MODEL_DMA_OK); /* Stale. */
    EXPECT(b, model_amd_counts(b->m)->stale_hits > 0);
    inv_devtab(b);
    EXPECT(b, dma(b, NONE, b->data, WRITE) == MODEL_DMA_ABORTED);
    EXPECT(b, event_is(b, 0, 0x118, 0x20700000, (uint32_t)b->data, 0));
    EXPECT(b, model_amd_check_unreachable(b->m, DEV, NONE));
    put_dte(b, 1, 0, 0);
    inv_devtab(b);
    EXPECT(b, dma(b, NONE, b->data, READ) == MODEL_DMA_ABORTED);
    EXPECT(b, event_is(b, 1, 0x118, 0x20000000, (uint32_t)b->data, 0));
    put_dte(b, UINT64_C(0x6000000000000003), 1, 0);
    inv_devtab(b);
    EXPECT(b, dma(b, NONE, b->data, WRITE) == MODEL_DMA_OK);
    put_dte(b, UINT64_C(0x2000000000000003), 1, 0);
    inv_devtab(b);
    EXPECT(b, dma(b, NONE, b->data, READ) == MODEL_DMA_OK);
    EXPECT(b, dma(b, NONE, b->data, WRITE) == MODEL_DMA_ABORTED);
    EXPECT(b, dma(b, NONE, 0xFEE00000, WRITE) == MODEL_DMA_OK); /* an interrupt */
    EXPECT(b, model_amd_counts(b->m)->interrupts == 1);
    return selftest_end(&b->room);
}

static void bad(struct bench *b, uint64_t q0, uint64_t q1, uint64_t q2, const char *rule,
                uint32_t dw1)
{
    uint32_t slot = events(b);

    put_dte(b, 1, 0, 0);
    inv_devtab(b);
    put_dte(b, q0, q1, q2);
    inv_devtab(b);
    EXPECT(b, dma(b, NONE, 0x2000, WRITE) == MODEL_DMA_ABORTED);
    REPORTED(b, rule);
    EXPECT(b, event_is(b, slot, 0x118, dw1, 0x2000, 0));
}

static const char *illegal(void *memory, size_t bytes)
{
    const uint64_t gv = UINT64_C(0x6080000000000003);
    struct model_amd_config config;
    struct bench *b = bench(memory, bytes);

    bad(b, UINT64_C(0x6000000000000007), 0, 0, "amd.dte.reserved", 0x10a00000);
    bad(b, UINT64_C(0xE000000000000003), 0, 0, "amd.dte.reserved", 0x10a00000);
    bad(b, UINT64_C(0x6000000000000083), 0, 0, "amd.dte.reserved", 0x10a00000); /* HAD */
    bad(b, UINT64_C(0x6000000000000E03), 0, 0, "amd.dte.mode", 0x10200000);
    bad(b, gv | UINT64_C(3) << 56, 0, 0, "amd.dte.glx", 0x10200000);
    bad(b, gv, 0, UINT64_C(1) << 54, "amd.dte.paging-mode", 0x10200000);
    EXPECT(b, selftest_end(&b->room) == NULL);
    model_amd_defaults(&config);
    config.glx = 1;
    config.eph = false;
    config.gio = false;
    config.hats = 0;
    b = bench_as(memory, bytes, &config);
    REPORTED(b, "amd.ctrl.unsupported"); /* EPHEn */
    bad(b, gv | UINT64_C(2) << 56, 0, 0, "amd.dte.glx", 0x10200000);
    bad(b, gv | UINT64_C(1) << 52, 0, 0, "amd.dte.reserved", 0x10a00000);
    bad(b, gv | UINT64_C(1) << 54, 0, 0, "amd.dte.reserved", 0x10a00000);
    bad(b, UINT64_C(0x6000000000000A03), 0, 0, "amd.dte.mode", 0x10200000);
    return selftest_end(&b->room);
}

static const char *suspicious(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes);

    put_dte(b, dte_q0(b, 1), dte_q1(b) & ~(UINT64_C(1) << 32), 0);
    model_amd_prefetch(b->m, DEV, NONE);
    REPORTED(b, "amd.dte.ppr-without-ats");
    put_dte(b, UINT64_C(0x2000000000000003), UINT64_C(1) << 40, 0);
    push(b, DEV, 0x20000000, 0, 0);
    do_wait(b);
    REPORTED(b, "amd.dte.hot-change");
    model_amd_prefetch(b->m, DEV, NONE);
    REPORTED(b, "amd.dte.sysmgt-without-iw");
    put_dte(b, 1, 0, 0);
    inv_devtab(b);
    wr(b, CONTROL, ALL_ON & ~UINT64_C(0x10000));
    put_dte(b, dte_q0(b, 1), dte_q1(b), 0);
    inv_devtab(b);
    model_amd_prefetch(b->m, DEV, NONE);
    REPORTED(b, "amd.dte.gv-without-gten");
    return selftest_end(&b->room);
}

static const char *hot_change(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes);

    bench_map(b);
    EXPECT(b, dma(b, PASID, VA, READ) == MODEL_DMA_OK);
    put_dte(b, dte_q0(b, 1) & ~(UINT64_C(1) << 52), dte_q1(b), 0);
    inv_devtab(b); /* One word: fine. */
    EXPECT(b, dma(b, PASID, VA, READ) == MODEL_DMA_OK);
    put_dte(b, UINT64_C(0x6000000000000003), 5, 0);
    inv_devtab(b);
    REPORTED(b, "amd.dte.hot-change");
    EXPECT(b, dma(b, NONE, b->data, READ) == MODEL_DMA_OK);
    put_dte(b, 1, 0, 0); /* Blocked in between: fine. */
    inv_devtab(b);
    bench_map(b);
    return selftest_end(&b->room);
}

static const char *table_ends(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes);
    struct model_dma what = {
        .id = 384, .address = 0x2000, .access = READ, .data = &b->buffer, .bytes = 8};

    EXPECT(b, model_amd_ops()->dma(b->m, &what) == MODEL_DMA_ABORTED);
    EXPECT(b, event_is(b, 0, 384, 0x10000000, 0x2000, 0));
    model_bus_inject_abort(b->room.world, b->devtab + 0x2300, b->devtab + 0x231F, 1);
    EXPECT(b, dma(b, NONE, 0x2000, READ) == MODEL_DMA_ABORTED);
    EXPECT(b, event_is(b, 1, 0x118, 0x32000000, (uint32_t)b->devtab + 0x2300, 0));
    return selftest_end(&b->room);
}

/* The sheet's golden rows, seen through what the model makes of them. */
static const char *golden(void *memory, size_t bytes)
{
    static const struct {
        uint64_t q0, q1, gcr3;
    } row[] = {
        {UINT64_C(0x7d90000000000003), UINT64_C(0x0001200168ac0042), UINT64_C(0x1234567000)},
        {UINT64_C(0x7cd0000000000003), UINT64_C(0x089ab8019bde1234), UINT64_C(0x89ABCDEF7000)},
        {UINT64_C(0x6080000000000003), UINT64_C(0x00000000ffff0000), UINT64_C(0x7FFF8000)},
    };
    static const struct {
        uint32_t pasid;
        uint32_t offset[3];
    } place[] = {{1, {0, 0, 8}},
                 {0x1FF, {0, 0, 0xFF8}},
                 {0x200, {0, 8, 0}},
                 {0x12345, {0, 0x488, 0xA28}},
                 {0xFFFFF, {0x18, 0xFF8, 0xFF8}}};
    struct model_amd_config config;
    struct bench *b;
    unsigned i;

    model_amd_defaults(&config);
    config.pas_max = 19;
    b = bench_as(memory, bytes, &config);
    for (i = 0; i < 3; i++) {
        put_dte(b, 1, 0, 0);
        inv_devtab(b);
        put_dte(b, row[i].q0, row[i].q1, 0);
        inv_devtab(b);
        model_amd_prefetch(b->m, DEV, NONE);
        EXPECT(b, !model_amd_check_tables_unused(b->m, row[i].gcr3, row[i].gcr3));
        EXPECT(b, model_amd_check_tables_unused(b->m, row[i].gcr3 + 1, UINT64_MAX));
    }
    put_dte(b, 1, 0, 0);
    inv_devtab(b);
    put_dte(b, dte_q0(b, 2), dte_q1(b), 0);
    inv_devtab(b);
    for (i = 0; i < 5; i++) {
        put64(b, b->gcr3 + place[i].offset[0], (b->gcr3 + 4096) | 1);
        put64(b, b->gcr3 + 4096 + place[i].offset[1], (b->gcr3 + 8192) | 1);
        put64(b, b->gcr3 + 8192 + place[i].offset[2], b->root | 1);
        put_pte(b, VA, b->data | PTE_RW);
        EXPECT(b, dma(b, place[i].pasid, VA, READ) == MODEL_DMA_OK);
        put64(b, b->gcr3 + 8192 + place[i].offset[2], 0);
        push(b, place[i].pasid, 0x30000042, 0xfffff007, 0x7fffffff);
        do_wait(b);
        EXPECT(b, dma(b, place[i].pasid, VA, READ) == MODEL_DMA_ABORTED);
        put64(b, b->gcr3 + 4096 + place[i].offset[1], 0);
    }
    return selftest_end(&b->room);
}

static const char *suppression(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes);

    put_dte(b, 3, UINT64_C(1) << 34, 0); /* SA */
    inv_devtab(b);
    dma(b, NONE, 0x2000, READ);
    EXPECT(b, events(b) == 0);
    put_dte(b, 3, UINT64_C(1) << 33, 0); /* SE */
    inv_devtab(b);
    dma(b, NONE, 0x2000, READ);
    dma(b, NONE, 0x2000, READ);
    EXPECT(b, events(b) == 1 && model_amd_counts(b->m)->events_suppressed == 2);
    return selftest_end(&b->room);
}

static const char *event_overflow(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes);
    unsigned i;

    put_dte(b, 3, 0, 0);
    for (i = 0; i < 256; i++) {
        dma(b, NONE, 0x2000, READ);
        settle(b);
    }
    EXPECT(b, (rd(b, STATUS) & 9) == 1 && rd(b, EVT_TAIL) == 0xFF0);
    EXPECT(b, model_amd_counts(b->m)->events_lost == 1);
    wr(b, CONTROL, ALL_ON & ~EVT_LOG_EN);
    wr(b, CONTROL, ALL_ON);
    REPORTED(b, "amd.evtlog.restart-with-overflow");
    wr(b, STATUS, 3);
    wr(b, CONTROL, ALL_ON & ~EVT_LOG_EN);
    wr(b, EVT_HEAD, 0xFF0);
    wr(b, CONTROL, ALL_ON);
    dma(b, NONE, 0x2000, READ);
    settle(b);
    EXPECT(b, (rd(b, STATUS) & 9) == 8 && rd(b, EVT_TAIL) == 0);
    return selftest_end(&b->room);
}

#define TEST(name)                                                                                 \
    {                                                                                              \
#name, name                                                                                \
    }

const struct model_selftest model_selftests_amd_dte[] = {
    TEST(simple_states), TEST(illegal), TEST(suspicious),  TEST(hot_change),
    TEST(table_ends),    TEST(golden),  TEST(suppression), TEST(event_overflow),
};
const unsigned model_selftest_count_amd_dte =
    sizeof(model_selftests_amd_dte) / sizeof(model_selftests_amd_dte[0]);
