/* SPDX-License-Identifier: BSD-2-Clause */
#include "selftest_smmuv3.h"

extern const struct model_selftest model_selftests_smmuv3_stall[];
extern const unsigned model_selftest_count_smmuv3_stall;

#define STALLS (CD_D0 | UINT64_C(1) << 44)

static struct bench *small(void *memory, size_t bytes, uint64_t seed, uint32_t log2)
{
    struct model_smmuv3_config config;
    struct bench *b;

    model_smmuv3_defaults(&config);
    config.stall_max = 4;
    b = bench_create(memory, bytes, seed, &config);
    b->evt_log2 = log2;
    bench_start(b, ALL_ON);
    bench_map(b, CD_D0);
    return b;
}

static struct bench *stalling(void *memory, size_t bytes, uint64_t seed, uint32_t log2)
{
    struct bench *b = small(memory, bytes, seed, log2);

    put_cd(b, PASID, STALLS & ~(UINT64_C(1) << 45), b->root);
    put_pte(b, VA, 0);
    cfgi_cd(b, PASID);
    return b;
}

static uint32_t stag_of(struct bench *b, uint32_t slot)
{
    return (uint32_t)(event_word(b, slot, 1) & 0xFFFF);
}

static void resume(struct bench *b, uint32_t stag, uint64_t how)
{
    push(b, (uint64_t)SID << 32 | how << 12 | 0x44, stag);
    EXPECT(b, drained(b));
    settle(b);
}

static const char *stall_retry(void *memory, size_t bytes)
{
    struct bench *b = stalling(memory, bytes, 1, 4);

    EXPECT(b, dma(b, PASID, VA | 0x678, MODEL_READ) == MODEL_DMA_STALLED);
    EXPECT(b, event_is(b, 0, UINT64_C(0x0000020800003810), UINT64_C(0x0000020880000000), VA | 0x678,
                       0));
    EXPECT(b, model_smmuv3_stalls(b->m) == 1);
    do_sync(b); /* CMD_SYNC resolves no stall. */
    settle(b);
    EXPECT(b, b->ends == 0);
    resume(b, stag_of(b, 0), 1); /* Still nothing there: a new event, a new STAG. */
    EXPECT(b, b->ends == 0 && rd(b, IDX_EVT_PROD) == 2);
    EXPECT(b, stag_of(b, 1) != stag_of(b, 0));
    put_pte(b, VA, b->data | PTE_USER_RW);
    resume(b, stag_of(b, 1), 1);
    EXPECT(b, b->ends == 1 && b->ended == MODEL_DMA_OK);
    EXPECT(b, model_smmuv3_stalls(b->m) == 0);
    return selftest_end(&b->room);
}

static const char *stall_terminate(void *memory, size_t bytes)
{
    struct bench *b = stalling(memory, bytes, 1, 4);

    dma(b, PASID, VA, MODEL_READ);
    settle(b);
    push(b, (uint64_t)SID << 32 | 0x2044, stag_of(b, 0));
    while ((rd(b, IDX_CMD_CONS) & 63) != b->prod) {
        pass(b, 1);
    }
    settle(b);
    EXPECT(b, b->ends == 1 && b->ended == MODEL_DMA_ABORTED);
    dma(b, PASID, VA, MODEL_READ);
    settle(b);
    b->buffer = 7;
    resume(b, stag_of(b, 1), 0);
    EXPECT(b, b->ends == 2 && b->ended == MODEL_DMA_ZEROED && b->buffer == 0);
    resume(b, stag_of(b, 1), 0);
    REPORTED(b, "smmuv3.stall.resume-twice");
    resume(b, 0xFFC0, 0); /* No such STAG: a no-op. */
    EXPECT(b, b->ends == 2);
    return selftest_end(&b->room);
}

static const char *stall_limits(void *memory, size_t bytes)
{
    struct bench *b = stalling(memory, bytes, 1, 4);
    struct model_smmuv3_knobs knobs;
    unsigned i;

    for (i = 0; i < 6; i++) {
        EXPECT(b, dma(b, PASID, VA + 0x1000 * i, MODEL_READ) == MODEL_DMA_STALLED);
    }
    settle(b);
    EXPECT(b, model_smmuv3_stalls(b->m) == 4 && rd(b, IDX_EVT_PROD) == 4);
    EXPECT(b, stag_of(b, 0) != stag_of(b, 1) && stag_of(b, 2) != stag_of(b, 3));
    resume(b, stag_of(b, 0), 2);
    settle(b);
    EXPECT(b, b->ends == 1 && rd(b, IDX_EVT_PROD) == 5);
    push(b, (uint64_t)SID << 32 | 0x45, 0);
    do_sync(b);
    settle(b);
    EXPECT(b, b->ends == 6 && model_smmuv3_stalls(b->m) == 0);
    model_smmuv3_get_knobs(b->m, &knobs);
    knobs.no_stall_sid = SID;
    model_smmuv3_set_knobs(b->m, &knobs);
    EXPECT(b, dma(b, PASID, VA, MODEL_READ) == MODEL_DMA_ABORTED);
    EXPECT(b, event_is(b, 5, UINT64_C(0x0000020800003810), UINT64_C(0x0000020800000000), VA, 0));
    return selftest_end(&b->room);
}

static const char *stall_duplicates(void *memory, size_t bytes)
{
    struct bench *b = stalling(memory, bytes, 1, 4);
    struct model_smmuv3_knobs knobs;

    model_smmuv3_get_knobs(b->m, &knobs);
    knobs.suppress_duplicates = true;
    model_smmuv3_set_knobs(b->m, &knobs);
    dma(b, PASID, VA, MODEL_READ);
    dma(b, PASID, VA + 8, MODEL_READ);
    settle(b);
    EXPECT(b, rd(b, IDX_EVT_PROD) == 1);
    put_pte(b, VA, b->data | PTE_USER_RW);
    resume(b, stag_of(b, 0), 1);
    EXPECT(b, b->ends == 2 && b->ended == MODEL_DMA_OK);
    return selftest_end(&b->room);
}

static const char *stall_early_retry(void *memory, size_t bytes)
{
    struct bench *b = stalling(memory, bytes, 1, 4);
    struct model_smmuv3_knobs knobs;

    model_smmuv3_get_knobs(b->m, &knobs);
    knobs.early_retry = 1000;
    knobs.event_lag_ns = 1;
    knobs.terminate_lag_ns = 100000;
    model_smmuv3_set_knobs(b->m, &knobs);
    dma(b, PASID, VA, MODEL_READ);
    put_pte(b, VA, b->data | PTE_USER_RW);
    pass(b, 1000000);
    EXPECT(b, b->ends == 1 && b->ended == MODEL_DMA_OK);
    EXPECT(b, model_smmuv3_stalls(b->m) == 1); /* The answer is owed all the same. */
    resume(b, stag_of(b, 0), 1);
    EXPECT(b, b->ends == 1 && model_smmuv3_stalls(b->m) == 0);
    return selftest_end(&b->room);
}

static const char *stall_waits_for_room(void *memory, size_t bytes)
{
    struct bench *b = stalling(memory, bytes, 1, 0);

    dma(b, PASID, VA, MODEL_READ);
    dma(b, PASID, VA + 0x1000, MODEL_READ);
    settle(b);
    EXPECT(b, rd(b, IDX_EVT_PROD) == 1); /* Full, and no overflow. */
    EXPECT(b, model_smmuv3_events_pending(b->m) == 1);
    put_pte(b, VA, b->data | PTE_USER_RW);
    put_pte(b, VA + 0x1000, b->data | PTE_USER_RW);
    do_sync(b); /* The record that waits is stale now: the access is done again. */
    wr(b, IDX_EVT_CONS, 1);
    settle(b);
    EXPECT(b, rd(b, IDX_EVT_PROD) == 1 && b->ends == 1 && b->ended == MODEL_DMA_OK);
    return selftest_end(&b->room);
}

static const char *stall_disable(void *memory, size_t bytes)
{
    struct bench *b = stalling(memory, bytes, 1, 4);

    dma(b, PASID, VA, MODEL_READ);
    settle(b);
    cr0(b, ALL_ON & ~SMMUEN);
    settle(b);
    EXPECT(b, b->ends == 1 && b->ended == MODEL_DMA_ABORTED);
    resume(b, stag_of(b, 0), 1);
    EXPECT(b, b->ends == 1);
    return selftest_end(&b->room);
}

static const char *stall_tag_must_match(void *memory, size_t bytes)
{
    struct bench *b = stalling(memory, bytes, 1, 4);
    uint32_t stag;

    dma(b, PASID, VA, MODEL_READ);
    settle(b);
    stag = stag_of(b, 0);
    resume(b, stag ^ 0x40, 2);
    push(b, (uint64_t)(SID + 1) << 32 | 0x2044, stag);
    EXPECT(b, drained(b));
    settle(b);
    EXPECT(b, b->ends == 0 && model_smmuv3_stalls(b->m) == 1);
    resume(b, stag, 2);
    EXPECT(b, b->ends == 1);
    return selftest_end(&b->room);
}

static const char *stall_term_forgets_records(void *memory, size_t bytes)
{
    struct bench *b = stalling(memory, bytes, 1, 0);

    dma(b, PASID, VA, MODEL_READ);
    dma(b, PASID, VA + 0x1000, MODEL_READ);
    settle(b);
    EXPECT(b, model_smmuv3_stalls(b->m) == 2);
    push(b, (uint64_t)SID << 32 | 0x45, 0);
    EXPECT(b, drained(b));
    settle(b);
    EXPECT(b, b->ends == 2 && model_smmuv3_stalls(b->m) == 0);
    wr(b, IDX_EVT_CONS, 1);
    settle(b);
    EXPECT(b, rd(b, IDX_EVT_PROD) == 1); /* No record of what is over. */
    return selftest_end(&b->room);
}

const struct model_selftest model_selftests_smmuv3_stall[] = {
    {"stall_retry", stall_retry},
    {"stall_terminate", stall_terminate},
    {"stall_limits", stall_limits},
    {"stall_duplicates", stall_duplicates},
    {"stall_early_retry", stall_early_retry},
    {"stall_waits_for_room", stall_waits_for_room},
    {"stall_disable", stall_disable},
    {"stall_tag_must_match", stall_tag_must_match},
    {"stall_term_forgets_records", stall_term_forgets_records},
};
const unsigned model_selftest_count_smmuv3_stall =
    sizeof(model_selftests_smmuv3_stall) / sizeof(model_selftests_smmuv3_stall[0]);
