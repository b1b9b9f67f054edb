/* SPDX-License-Identifier: BSD-2-Clause */
#include "selftest_smmuv3.h"

extern const struct model_selftest model_selftests_smmuv3_events[];
extern const unsigned model_selftest_count_smmuv3_events;

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

static void fault(struct bench *b)
{
    dma(b, PASID, VA + 0x1000, MODEL_READ);
}

static void fill(struct bench *b, unsigned count)
{
    for (; count > 0; count--) {
        fault(b);
        settle(b);
    }
}

/* Row R13 of the sheet. */
static const char *overflow_once(void *memory, size_t bytes)
{
    struct bench *b = small(memory, bytes, 1, 2);

    fill(b, 4);
    EXPECT(b, rd(b, IDX_EVT_PROD) == 4);
    fill(b, 1);
    EXPECT(b, rd(b, IDX_EVT_PROD) == 0x80000004);
    fill(b, 1);
    EXPECT(b, rd(b, IDX_EVT_PROD) == 0x80000004);
    wr(b, IDX_EVT_CONS, 1);
    fill(b, 1);
    EXPECT(b, rd(b, IDX_EVT_PROD) == 0x80000005); /* In spite of no acknowledge. */
    wr(b, IDX_EVT_CONS, 0x80000005);
    fill(b, 5);
    EXPECT(b, rd(b, IDX_EVT_PROD) == 1); /* The next overflow clears OVFLG. */
    EXPECT(b, model_smmuv3_counts(b->m)->events_lost == 3);
    return selftest_end(&b->room);
}

static const char *cons_wrong(void *memory, size_t bytes)
{
    struct bench *b = small(memory, bytes, 1, 2);

    fill(b, 2);
    wr(b, IDX_EVT_CONS, 3);
    REPORTED(b, "smmuv3.eventq.cons-wrong");
    wr(b, IDX_EVT_CONS, 2);
    wr(b, IDX_EVT_CONS, 1);
    REPORTED_ANY(b, "smmuv3.eventq.cons-wrong");
    wr(b, IDX_EVT_CONS, 0x80000002);
    REPORTED_ANY(b, "smmuv3.eventq.ack-inactive");
    return selftest_end(&b->room);
}

static const char *one_entry(void *memory, size_t bytes)
{
    struct bench *b = small(memory, bytes, 1, 0);

    fill(b, 1);
    EXPECT(b, rd(b, IDX_EVT_PROD) == 1);
    fill(b, 1);
    EXPECT(b, rd(b, IDX_EVT_PROD) == 0x80000001);
    wr(b, IDX_EVT_CONS, 0x80000001);
    fill(b, 1);
    EXPECT(b, rd(b, IDX_EVT_PROD) == 0x80000000);
    return selftest_end(&b->room);
}

static const char *edges_only(void *memory, size_t bytes)
{
    struct bench *b = small(memory, bytes, 1, 4);

    fill(b, 3);
    EXPECT(b, b->irqs[MODEL_SMMUV3_IRQ_EVENTQ] == 1);
    wr(b, IDX_EVT_CONS, 2); /* One is left: no new edge for what follows. */
    fill(b, 1);
    EXPECT(b, b->irqs[MODEL_SMMUV3_IRQ_EVENTQ] == 1);
    wr(b, IDX_EVT_CONS, 4);
    wr(b, 0x50, 3);
    EXPECT(b, poll_ack(b, 0x54, 3));
    fill(b, 1); /* Disabled at the time: lost. */
    wr(b, 0x50, 7);
    EXPECT(b, poll_ack(b, 0x54, 7));
    settle(b);
    EXPECT(b, b->irqs[MODEL_SMMUV3_IRQ_EVENTQ] == 1);
    wr(b, IDX_EVT_CONS, 5);
    fill(b, 1);
    EXPECT(b, b->irqs[MODEL_SMMUV3_IRQ_EVENTQ] == 2);
    return selftest_end(&b->room);
}

static const char *message_interrupts(void *memory, size_t bytes)
{
    struct bench *b = small(memory, bytes, 1, 4);

    wr(b, 0x50, 3);
    EXPECT(b, poll_ack(b, 0x54, 3));
    b->has_doorbell = true;
    b->doorbell = 0x08090040;
    wr64(b, 0xB0, b->doorbell);
    wr(b, 0xB8, 0x55);
    wr(b, 0xBC, 1);
    wr(b, 0x50, 7);
    EXPECT(b, poll_ack(b, 0x54, 7));
    fill(b, 1);
    EXPECT(b, b->doorbell_data == 0x55);
    wr(b, IDX_EVT_CONS, 1);
    b->has_doorbell = false; /* Now it aborts. */
    fill(b, 1);
    EXPECT(b, (rd(b, 0x60) ^ rd(b, 0x64)) == 0x20);
    EXPECT(b, b->irqs[MODEL_SMMUV3_IRQ_GERROR] == 1);
    return selftest_end(&b->room);
}

static const char *queue_aborts(void *memory, size_t bytes)
{
    struct bench *b = small(memory, bytes, 1, 4);
    struct model_smmuv3_knobs knobs;

    model_bus_inject_abort(b->room.world, b->eventq, b->eventq + 4095, 1);
    fill(b, 2); /* The second one: nothing is written while the abort is active. */
    EXPECT(b, rd(b, IDX_EVT_PROD) == 0);
    EXPECT(b, (rd(b, 0x60) ^ rd(b, 0x64)) == 4);
    wr(b, 0x64, rd(b, 0x60));
    fill(b, 1);
    EXPECT(b, rd(b, IDX_EVT_PROD) == 1);
    model_smmuv3_get_knobs(b->m, &knobs);
    knobs.eventq_abort_async = true;
    model_smmuv3_set_knobs(b->m, &knobs);
    model_bus_inject_abort(b->room.world, b->eventq, b->eventq + 4095, 1);
    fill(b, 1);
    EXPECT(b, rd(b, IDX_EVT_PROD) == 2); /* Advanced: all entries are suspect. */
    return selftest_end(&b->room);
}

static const char *disabled_drops(void *memory, size_t bytes)
{
    struct bench *b = small(memory, bytes, 1, 2);

    fill(b, 4);
    cr0(b, ALL_ON & ~EVENTQEN);
    fill(b, 2);
    EXPECT(b, rd(b, IDX_EVT_PROD) == 4); /* No overflow flag either. */
    return selftest_end(&b->room);
}

static const char *merging(void *memory, size_t bytes)
{
    struct bench *b = small(memory, bytes, 1, 4);
    struct model_smmuv3_knobs knobs;

    model_smmuv3_get_knobs(b->m, &knobs);
    knobs.merge_events = true;
    model_smmuv3_set_knobs(b->m, &knobs);
    fill(b, 2); /* MEV=0 */
    EXPECT(b, rd(b, IDX_EVT_PROD) == 2);
    put_ste(b, SID, STE_D0(b), STE_D1 | 1u << 19);
    cfgi_ste(b);
    fill(b, 3);
    EXPECT(b, rd(b, IDX_EVT_PROD) == 3);
    EXPECT(b, model_smmuv3_counts(b->m)->events_merged == 2);
    return selftest_end(&b->room);
}

static const char *sync_makes_visible(void *memory, size_t bytes)
{
    const char *why = NULL;
    bool later = false;
    uint64_t seed;

    for (seed = 0; seed < 10 && why == NULL; seed++) {
        struct bench *b = small(memory, bytes, seed, 4);
        struct model_smmuv3_knobs knobs;

        model_smmuv3_get_knobs(b->m, &knobs);
        knobs.event_lag_ns = 10000000;
        model_smmuv3_set_knobs(b->m, &knobs);
        fault(b); /* The device has seen its abort ... */
        later = later || rd(b, IDX_EVT_PROD) == 0;
        EXPECT(b, rd(b, IDX_EVT_PROD) == 0 || seed != 0);
        do_sync(b); /* ... and so it is recorded now. */
        EXPECT(b, rd(b, IDX_EVT_PROD) == 1);
        EXPECT(b, later);
        why = selftest_end(&b->room);
    }
    return why;
}

static const char *all_answers(void *memory, size_t bytes)
{
    struct bench *b = small(memory, bytes, 1, 4);
    uint32_t ars;
    uint32_t slot = 0;

    for (ars = 0; ars < 4; ars++) { /* R is bit 0, A is bit 1. */
        put_cd(b, PASID, (CD_D0 & ~(UINT64_C(3) << 45)) | (uint64_t)ars << 45, b->root);
        cfgi_cd(b, PASID);
        b->buffer = 1;
        EXPECT(b, dma(b, PASID, VA + 0x1000, MODEL_READ) ==
                      ((ars & 2) != 0 ? MODEL_DMA_ABORTED : MODEL_DMA_ZEROED));
        EXPECT(b, b->buffer == ((ars & 2) != 0 ? 1 : 0));
        settle(b);
        slot += ars & 1;
        EXPECT(b, rd(b, IDX_EVT_PROD) == slot);
    }
    put_cd(b, PASID, 0, b->root); /* Configuration errors: always abort, always recorded. */
    cfgi_cd(b, PASID);
    EXPECT(b, dma(b, PASID, VA, MODEL_READ) == MODEL_DMA_ABORTED);
    EXPECT(b, event_is(b, slot, UINT64_C(0x000002080000380A), 0, 0, 0));
    return selftest_end(&b->room);
}

static const char *unknown_event(void *memory, size_t bytes)
{
    static const uint64_t words[4] = {UINT64_C(0x00000208000000E3), 1, 2, 3};
    struct bench *b = small(memory, bytes, 1, 4);

    model_smmuv3_inject_event(b->m, words);
    settle(b);
    EXPECT(b, event_word(b, 0, 0) == words[0] && event_word(b, 0, 3) == 3);
    return selftest_end(&b->room);
}

static const char *disable_forgets(void *memory, size_t bytes)
{
    struct bench *b = small(memory, bytes, 1, 4);
    struct model_smmuv3_knobs knobs;

    model_smmuv3_get_knobs(b->m, &knobs);
    knobs.event_lag_ns = 1000000;
    model_smmuv3_set_knobs(b->m, &knobs);
    fault(b);
    EXPECT(b, model_smmuv3_events_pending(b->m) == 1);
    cr0(b, ALL_ON & ~EVENTQEN); /* Not committed: dropped. */
    cr0(b, ALL_ON);
    pass(b, 2000000);
    EXPECT(b, rd(b, IDX_EVT_PROD) == 0);
    return selftest_end(&b->room);
}

const struct model_selftest model_selftests_smmuv3_events[] = {
    {"overflow_once", overflow_once},
    {"cons_wrong", cons_wrong},
    {"one_entry", one_entry},
    {"edges_only", edges_only},
    {"message_interrupts", message_interrupts},
    {"queue_aborts", queue_aborts},
    {"disabled_drops", disabled_drops},
    {"merging", merging},
    {"sync_makes_visible", sync_makes_visible},
    {"all_answers", all_answers},
    {"unknown_event", unknown_event},
    {"disable_forgets", disable_forgets},
};
const unsigned model_selftest_count_smmuv3_events =
    sizeof(model_selftests_smmuv3_events) / sizeof(model_selftests_smmuv3_events[0]);
