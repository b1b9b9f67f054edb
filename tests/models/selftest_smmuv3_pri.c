/* SPDX-License-Identifier: BSD-2-Clause */
#include "selftest_smmuv3.h"

extern const struct model_selftest model_selftests_smmuv3_pri[];
extern const unsigned model_selftest_count_smmuv3_pri;

#define NONE  MODEL_SMMUV3_NONE
#define READ  MODEL_READ
#define WRITE MODEL_WRITE

static struct bench *small(void *memory, size_t bytes, uint64_t seed, uint32_t log2, bool pps)
{
    struct model_smmuv3_config config;
    struct bench *b;

    model_smmuv3_defaults(&config);
    config.pps = pps;
    b = bench_create(memory, bytes, seed, &config);
    b->pri_log2 = log2;
    bench_start(b, ALL_ON);
    return b;
}

static uint64_t entry(struct bench *b, uint32_t slot, uint32_t word)
{
    return get64(b, b->priq + 16 * (uint64_t)slot + 8 * word);
}

static void knob(struct bench *b, bool async, bool last_only, bool swallow)
{
    struct model_smmuv3_knobs knobs;

    model_smmuv3_get_knobs(b->m, &knobs);
    knobs.priq_abort_async = async;
    knobs.priq_off_last_only = last_only;
    knobs.swallow_markers = swallow;
    model_smmuv3_set_knobs(b->m, &knobs);
}

static const char *golden_entries(void *memory, size_t bytes)
{
    struct bench *b = small(memory, bytes, 1, 4, true);
    uint64_t junk = UINT64_C(0x000FFFFF00000000);

    page_request(b, PASID, 0x1A5, VA, READ, false);
    page_request(b, PASID, 0x1A5, VA + 0x1000, READ | WRITE, true);
    page_request(b, 0xFFFFF, 0, UINT64_C(0xFFFF800000000000), READ | MODEL_EXEC | MODEL_PRIV, true);
    page_request(b, NONE, 0x1FF, 0x1000, WRITE, true);
    page_request(b, PASID, 0, 0, 0, true);
    page_request(b, NONE, 2, 0x1000, 0, true);
    EXPECT(b, rd(b, IDX_PRI_PROD) == 6);
    EXPECT(b, entry(b, 0, 0) == UINT64_C(0x9000000300000208));
    EXPECT(b, entry(b, 0, 1) == UINT64_C(0x00007FFF123451A5));
    EXPECT(b, entry(b, 1, 0) == UINT64_C(0xF000000300000208));
    EXPECT(b, entry(b, 1, 1) == UINT64_C(0x00007FFF123461A5));
    EXPECT(b, entry(b, 2, 0) == UINT64_C(0xDC0FFFFF00000208));
    EXPECT(b, entry(b, 2, 1) == UINT64_C(0xFFFF800000000000));
    EXPECT(b, (entry(b, 3, 0) & ~junk) == UINT64_C(0x6000000000000208));
    EXPECT(b, entry(b, 3, 1) == 0x11FF);
    EXPECT(b, entry(b, 4, 0) == UINT64_C(0xC000000300000208) && entry(b, 4, 1) == 0);
    EXPECT(b, (entry(b, 5, 0) & ~junk) == UINT64_C(0x4000000000000208));
    EXPECT(b, entry(b, 5, 1) == 0x1002);
    EXPECT(b, model_smmuv3_counts(b->m)->markers_queued == 1);
    return selftest_end(&b->room);
}

/* Row R12 of the sheet. */
static const char *overflow_blocks(void *memory, size_t bytes)
{
    struct bench *b = small(memory, bytes, 1, 2, true);
    unsigned i;

    for (i = 0; i < 4; i++) {
        page_request(b, PASID, i, VA, READ, false);
    }
    EXPECT(b, rd(b, IDX_PRI_PROD) == 4);
    page_request(b, PASID, 5, VA, READ, false);
    settle(b);
    EXPECT(b, rd(b, IDX_PRI_PROD) == 0x80000004 && b->responses == 0);
    page_request(b, NONE, 6, VA, READ, true);
    settle(b);
    EXPECT(b, rd(b, IDX_PRI_PROD) == 0x80000004 && b->responses == 1);
    EXPECT(b, b->response.code == MODEL_RESPONSE_SUCCESS && !b->response.has_pasid);
    EXPECT(b, b->response.automatic && b->response.index == 6);
    page_request(b, PASID, 0, 0, 0, true); /* A Stop Marker: silent. */
    settle(b);
    EXPECT(b, b->responses == 1 && rd(b, IDX_PRI_PROD) == 0x80000004);
    wr(b, IDX_PRI_CONS, 4); /* Room, but no acknowledge. */
    page_request(b, PASID, 1, VA, READ, true);
    settle(b);
    EXPECT(b, rd(b, IDX_PRI_PROD) == 0x80000004 && b->responses == 2);
    EXPECT(b, b->response.has_pasid && b->response.pasid == PASID);
    wr(b, IDX_PRI_CONS, 0x80000004);
    page_request(b, PASID, 7, VA, READ, true); /* The lone Last of a forgotten group. */
    EXPECT(b, rd(b, IDX_PRI_PROD) == 0x80000005 && b->responses == 2);
    EXPECT(b, model_smmuv3_counts(b->m)->markers_dropped == 1);
    return selftest_end(&b->room);
}

static void overfill(struct bench *b)
{
    page_request(b, PASID, 0, VA, READ, false);
    page_request(b, PASID, 1, VA, READ, true);
    settle(b);
}

static const char *overflow_and_ste(void *memory, size_t bytes)
{
    struct bench *b = small(memory, bytes, 1, 0, false);

    overfill(b); /* No valid STE. */
    EXPECT(b, b->responses == 1 && b->response.code == MODEL_RESPONSE_FAILURE);
    EXPECT(b, !b->response.has_pasid);
    EXPECT(b, (event_word(b, 0, 0) & 0xFF) == 4); /* REC_CFG_ATS */
    put_ste(b, SID, STE_D0(b), STE_D1);
    cfgi_ste(b);
    page_request(b, PASID, 1, VA, READ, true);
    settle(b);
    EXPECT(b, b->response.code == MODEL_RESPONSE_SUCCESS && b->response.has_pasid);
    put_ste(b, SID, STE_D0(b), STE_D1 & ~UINT64_C(0x40000)); /* PPAR=0 */
    cfgi_ste(b);
    page_request(b, PASID, 1, VA, READ, true);
    settle(b);
    EXPECT(b, b->response.code == MODEL_RESPONSE_SUCCESS && !b->response.has_pasid);
    EXPECT(b, model_smmuv3_counts(b->m)->auto_success == 2);
    return selftest_end(&b->room);
}

static const char *forced_overflow(void *memory, size_t bytes)
{
    struct bench *b = small(memory, bytes, 1, 4, true);

    model_smmuv3_force_overflow(b->m);
    EXPECT(b, rd(b, IDX_PRI_PROD) == 0x80000000 && model_smmuv3_priq_overflowed(b->m));
    page_request(b, PASID, 1, VA, READ, true);
    settle(b);
    EXPECT(b, b->responses == 1 && rd(b, IDX_PRI_PROD) == 0x80000000);
    wr(b, IDX_PRI_CONS, 0x80000000);
    page_request(b, PASID, 1, VA, READ, true);
    EXPECT(b, rd(b, IDX_PRI_PROD) == 0x80000001);
    return selftest_end(&b->room);
}

static const char *disabled_fails(void *memory, size_t bytes)
{
    struct bench *b = small(memory, bytes, 1, 4, true);

    cr0(b, ALL_ON & ~PRIQEN);
    page_request(b, PASID, 1, VA, READ, false);
    settle(b);
    EXPECT(b, b->responses == 1 && b->response.code == MODEL_RESPONSE_FAILURE);
    EXPECT(b, !b->response.has_pasid && rd(b, IDX_PRI_PROD) == 0);
    page_request(b, PASID, 1, 0, 0, true);
    settle(b);
    EXPECT(b, b->responses == 1);
    knob(b, false, true, false);
    page_request(b, PASID, 1, VA, READ, false);
    settle(b);
    EXPECT(b, b->responses == 1);
    cr0(b, ALL_ON & ~SMMUEN); /* The effective PRIQEN is off as well. */
    page_request(b, PASID, 2, VA, READ, true);
    settle(b);
    EXPECT(b, b->responses == 2 && rd(b, IDX_PRI_PROD) == 0);
    return selftest_end(&b->room);
}

static const char *write_aborts(void *memory, size_t bytes)
{
    struct bench *b = small(memory, bytes, 1, 4, true);

    model_bus_inject_abort(b->room.world, b->priq, b->priq + 4095, 1);
    page_request(b, PASID, 1, VA, READ, true);
    settle(b);
    EXPECT(b, b->responses == 1 && b->response.code == MODEL_RESPONSE_FAILURE);
    EXPECT(b, rd(b, IDX_PRI_PROD) == 0 && (rd(b, 0x60) ^ rd(b, 0x64)) == 8);
    page_request(b, PASID, 2, VA, READ, true); /* While it is active. */
    settle(b);
    EXPECT(b, b->responses == 2 && b->response.code == MODEL_RESPONSE_FAILURE);
    wr(b, 0x64, rd(b, 0x60));
    knob(b, true, false, false);
    model_bus_inject_abort(b->room.world, b->priq, b->priq + 4095, 1);
    page_request(b, PASID, 3, VA, READ, true);
    settle(b);
    EXPECT(b, b->responses == 2 && rd(b, IDX_PRI_PROD) == 1); /* Lost without an answer. */
    EXPECT(b, b->irqs[MODEL_SMMUV3_IRQ_GERROR] == 2);
    return selftest_end(&b->room);
}

static const char *markers(void *memory, size_t bytes)
{
    struct bench *b = small(memory, bytes, 1, 4, true);

    page_request(b, PASID, 9, 0, 0, true);
    push(b, UINT64_C(0x0000020800003841), 0x1009);
    EXPECT(b, drained(b));
    REPORTED(b, "smmuv3.pri.marker-answered");
    knob(b, false, false, true);
    page_request(b, PASID, 9, 0, 0, true);
    EXPECT(b, rd(b, IDX_PRI_PROD) == 1);
    EXPECT(b, model_smmuv3_counts(b->m)->markers_dropped == 1);
    page_request(b, NONE, 9, 0, 0, true); /* No marker: one answer. */
    push(b, UINT64_C(0x0000020800000041), 0x1009);
    EXPECT(b, drained(b));
    EXPECT(b, model_smmuv3_counts(b->m)->responses_unmatched == 1);
    return selftest_end(&b->room);
}

static const char *responses_are_unordered(void *memory, size_t bytes)
{
    struct bench *b = small(memory, bytes, 1, 4, true);
    struct model_smmuv3_knobs knobs;
    bool later;

    model_smmuv3_get_knobs(b->m, &knobs);
    knobs.response_lag_ns = 1000000;
    model_smmuv3_set_knobs(b->m, &knobs);
    page_request(b, PASID, 1, VA, READ, true);
    wr(b, IDX_PRI_CONS, 1);
    push(b, UINT64_C(0x0000020800003841), 0x2001);
    do_sync(b);
    later = b->responses == 0;
    pass(b, 2000000);
    EXPECT(b, later && b->responses == 1);
    return selftest_end(&b->room);
}

static const char *interrupts(void *memory, size_t bytes)
{
    struct bench *b = small(memory, bytes, 1, 4, true);

    page_request(b, PASID, 1, VA, READ, false);
    settle(b);
    page_request(b, PASID, 1, VA, READ, true);
    settle(b);
    EXPECT(b, b->irqs[MODEL_SMMUV3_IRQ_PRIQ] == 1);
    wr(b, 0x50, 5);
    EXPECT(b, poll_ack(b, 0x54, 5));
    wr(b, 0xDC, 0x80000000);
    wr(b, 0x50, 7);
    EXPECT(b, poll_ack(b, 0x54, 7));
    page_request(b, PASID, 2, VA, READ, false); /* LO: only Last ones count, */
    settle(b);
    EXPECT(b, b->irqs[MODEL_SMMUV3_IRQ_PRIQ] == 1);
    page_request(b, PASID, 2, VA, READ, true);
    settle(b);
    EXPECT(b, b->irqs[MODEL_SMMUV3_IRQ_PRIQ] == 2);
    page_request(b, PASID, 0, 0, 0, true); /* and Stop Markers are Last. */
    settle(b);
    EXPECT(b, b->irqs[MODEL_SMMUV3_IRQ_PRIQ] == 3);
    return selftest_end(&b->room);
}

static const char *cons_rules(void *memory, size_t bytes)
{
    struct bench *b = small(memory, bytes, 1, 4, true);

    page_request(b, PASID, 1, VA, READ, true);
    wr(b, IDX_PRI_CONS, 2);
    REPORTED(b, "smmuv3.priq.cons-wrong");
    wr(b, IDX_PRI_CONS, 1);
    wr(b, IDX_PRI_CONS, 0x80000001);
    REPORTED_ANY(b, "smmuv3.priq.ack-inactive");
    return selftest_end(&b->room);
}

const struct model_selftest model_selftests_smmuv3_pri[] = {
    {"golden_entries", golden_entries},
    {"overflow_blocks", overflow_blocks},
    {"overflow_and_ste", overflow_and_ste},
    {"forced_overflow", forced_overflow},
    {"disabled_fails", disabled_fails},
    {"write_aborts", write_aborts},
    {"markers", markers},
    {"responses_are_unordered", responses_are_unordered},
    {"interrupts", interrupts},
    {"cons_rules", cons_rules},
};
const unsigned model_selftest_count_smmuv3_pri =
    sizeof(model_selftests_smmuv3_pri) / sizeof(model_selftests_smmuv3_pri[0]);
