/* SPDX-License-Identifier: BSD-2-Clause */
#include "selftest_amd_bench.h"

extern const struct model_selftest model_selftests_amd_ppr[];
extern const unsigned model_selftest_count_amd_ppr;

static void complete(struct bench *b, uint32_t pasid, uint32_t gn, uint32_t tag)
{
    push(b, DEV, 0x70000000u | pasid, gn, tag);
    settle(b);
}

static void clear_entry(struct bench *b, uint64_t log, uint32_t slot)
{
    put64(b, log + 16 * (uint64_t)slot, 0);
    put64(b, log + 16 * (uint64_t)slot + 8, 0);
}

static const char *golden_entries(void *memory, size_t bytes)
{
    struct model_amd_config config;
    struct bench *b;

    model_amd_defaults(&config);
    config.pas_max = 19;
    b = bench_as(memory, bytes, &config);
    bench_map(b);
    page_request(b, 0x12345, 0x1A5, VA, WRITE, true);
    page_request(b, PASID, 0x1A5, UINT64_C(0x7FFF12344000), READ, false);
    page_request(b, PASID, 0x1A5, VA, READ | WRITE, true);
    page_request(b, 1, 0x1FF, 0x400000, READ | MODEL_EXEC, true);
    page_request(b, MODEL_AMD_NONE, 7, 0x1000, READ, true);
    page_request(b, PASID, 0, 0, 0, true); /* Stop Marker */
    settle(b);
    EXPECT(b, entry_is(b, b->ppr, 0, 0x23450118, 0x116007a5, 0x12345000, 0x00007fff));
    EXPECT(b, entry_is(b, b->ppr, 1, 0x12340118, 0x114401a5, 0x12344000, 0x00007fff));
    EXPECT(b, entry_is(b, b->ppr, 2, 0x12340118, 0x116403a5, 0x12345000, 0x00007fff));
    EXPECT(b, entry_is(b, b->ppr, 3, 0x00010118, 0x114603ff, 0x00400000, 0));
    EXPECT(b, entry_is(b, b->ppr, 4, 0x00000118, 0x10040207, 0x00001000, 0));
    EXPECT(b, entry_is(b, b->ppr, 5, 0x12340118, 0x11000200, 0, 0));
    EXPECT(b, rd(b, PPR_TAIL) == 96 && model_amd_requests_open(b->m) == 4);
    EXPECT(b, (rd(b, STATUS) & 0x40) != 0 && b->irqs[MODEL_AMD_IRQ_PPR] == 1);
    return selftest_end(&b->room);
}

static const char *responses(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes);

    bench_map(b);
    page_request(b, PASID, 0x1A5, VA, WRITE, true);
    complete(b, PASID, 4, 0x01A5);
    EXPECT(b, b->responses == 1 && b->response.code == 0 && b->response.index == 0x1A5);
    EXPECT(b, !b->response.has_pasid && model_amd_requests_open(b->m) == 0);
    put_dte(b, dte_q0(b, 1) | UINT64_C(1) << 53, dte_q1(b), 0); /* GPRP */
    inv_devtab(b);
    page_request(b, PASID, 0x1A5, VA, WRITE, true);
    complete(b, PASID, 4, 0xF1A5);
    EXPECT(b, b->response.has_pasid && b->response.pasid == PASID && b->response.code == 0xF);
    page_request(b, PASID, 0x1A5, VA, WRITE, true);
    complete(b, 0, 0, 0x11A5); /* GN differs: a doubt, counted. */
    EXPECT(b, b->response.code == 1 && model_amd_counts(b->m)->gn_differs == 1);
    return selftest_end(&b->room);
}

static const char *wrong_responses(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes);
    struct model_amd_knobs knobs;

    bench_map(b);
    complete(b, PASID, 4, 3);
    REPORTED(b, "amd.ppr.unmatched");
    page_request(b, PASID, 3, VA, READ, false);
    complete(b, PASID, 4, 3);
    REPORTED(b, "amd.ppr.partial-answered");
    page_request(b, PASID, 3, VA, READ, true);
    complete(b, 5, 4, 3);
    REPORTED(b, "amd.ppr.wrong-pasid");
    complete(b, PASID, 4, 0x2003);
    REPORTED(b, "amd.ppr.bad-status");
    EXPECT(b, b->response.code == 0xF);
    complete(b, PASID, 4, 3);
    REPORTED(b, "amd.ppr.unmatched"); /* Twice. */
    page_request(b, PASID, 9, 0, 0, true);
    complete(b, PASID, 4, 9);
    REPORTED(b, "amd.ppr.marker-answered");
    knobs_off(&knobs);
    knobs.strict_gn = true;
    model_amd_set_knobs(b->m, &knobs);
    page_request(b, PASID, 3, VA, READ, true);
    complete(b, 0, 0, 3);
    REPORTED(b, "amd.ppr.gn-differs");
    return selftest_end(&b->room);
}

static const char *markers(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes);
    struct model_amd_knobs knobs;

    bench_map(b);
    wr(b, CONTROL, ALL_ON | UINT64_C(1) << 41);
    page_request(b, PASID, 0, 0, 0, true);
    EXPECT(b, rd(b, PPR_TAIL) == 0 && model_amd_counts(b->m)->markers_dropped == 1);
    wr(b, CONTROL, ALL_ON);
    knobs_off(&knobs);
    knobs.swallow_markers = true;
    model_amd_set_knobs(b->m, &knobs);
    page_request(b, PASID, 0, 0, 0, true);
    EXPECT(b, rd(b, PPR_TAIL) == 0 && model_amd_counts(b->m)->markers_dropped == 2);
    knobs.swallow_markers = false;
    model_amd_set_knobs(b->m, &knobs);
    page_request(b, PASID, 0, 0, 0, true);
    EXPECT(b, rd(b, PPR_TAIL) == 16 && model_amd_requests_open(b->m) == 0);
    return selftest_end(&b->room);
}

static const char *invalid_requests(void *memory, size_t bytes)
{
    struct model_amd_config config;
    struct bench *b;
    struct model_amd_knobs knobs;

    model_amd_defaults(&config);
    config.pas_max = 19;
    b = bench_as(memory, bytes, &config);
    put_dte(b, dte_q0(b, 1) & ~(UINT64_C(1) << 52), dte_q1(b), 0); /* PPR = 0 */
    inv_devtab(b);
    page_request(b, 0x12345, 0x1A5, VA, WRITE, true);
    EXPECT(b, event_is(b, 0, 0x23450118, 0x920007a5, 0x12345000, 0x00007fff));
    EXPECT(b, model_amd_requests_open(b->m) == 1 && rd(b, PPR_TAIL) == 0);
    complete(b, 0x12345, 4, 0xF1A5);
    EXPECT(b, b->responses == 1 && model_amd_requests_open(b->m) == 0);
    knobs_off(&knobs);
    knobs.rx_answered = true;
    model_amd_set_knobs(b->m, &knobs);
    page_request(b, 0x12345, 0x1A5, VA, WRITE, true);
    EXPECT(b, event_is(b, 1, 0x23450118, 0x920107a5, 0x12345000, 0x00007fff));
    EXPECT(b, b->responses == 2 && b->response.automatic && b->response.code == 0xF);
    EXPECT(b, model_amd_requests_open(b->m) == 0);
    return selftest_end(&b->room);
}

static void fill(struct bench *b)
{
    unsigned i;

    for (i = 0; i < 255; i++) {
        page_request(b, PASID, i, VA, READ, true);
    }
    settle(b);
}

static const char *overflow_restart(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes);
    unsigned i;

    bench_map(b);
    fill(b);
    EXPECT(b, rd(b, PPR_TAIL) == 0xFF0 && !model_amd_ppr_overflowed(b->m));
    page_request(b, PASID, 300, VA, READ, true);
    EXPECT(b, model_amd_ppr_overflowed(b->m) && (rd(b, STATUS) & 0xA0) == 0x20);
    EXPECT(b, rd(b, PPR_TAIL) == 0xFF0 && model_amd_counts(b->m)->requests_dropped == 1);
    wr(b, CONTROL, ALL_ON & ~(PPR_LOG_EN | PPR_INT_EN));
    wr(b, CONTROL, ALL_ON);
    REPORTED(b, "amd.pprlog.restart-with-overflow");
    EXPECT(b, (rd(b, STATUS) & 0x80) == 0);
    for (i = 0; i < 255; i++) {
        clear_entry(b, b->ppr, i);
    }
    wr(b, PPR_HEAD, 0xFF0);
    wr(b, STATUS, 0x60);
    EXPECT(b, (rd(b, STATUS) & 0xA0) == 0); /* W1C alone does not resume. */
    wr(b, CONTROL, ALL_ON);
    EXPECT(b, (rd(b, STATUS) & 0x80) == 0); /* Nor does 1 -> 1. */
    wr(b, CONTROL, ALL_ON & ~PPR_LOG_EN);
    wr(b, CONTROL, ALL_ON);
    EXPECT(b, (rd(b, STATUS) & 0x80) == 0x80);
    page_request(b, PASID, 301, VA, READ, true);
    EXPECT(b, rd(b, PPR_TAIL) == 0);
    return selftest_end(&b->room);
}

static const char *spec_restart(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes);
    struct model_amd_knobs knobs;

    knobs_off(&knobs);
    knobs.spec_restart = true;
    knobs.overflow_no_int = true;
    model_amd_set_knobs(b->m, &knobs);
    model_amd_force_overflow(b->m);
    EXPECT(b, (rd(b, STATUS) & 0xE0) == 0x20);
    wr(b, STATUS, 0x20);
    wr(b, CONTROL, ALL_ON);
    EXPECT(b, (rd(b, STATUS) & 0x80) == 0x80);
    return selftest_end(&b->room);
}

static const char *auto_response(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes);

    bench_map(b);
    wr(b, 0x2080, 1);
    wr(b, CONTROL, ALL_ON | UINT64_C(1) << 39);
    model_amd_force_overflow(b->m);
    page_request(b, PASID, 3, VA, READ, false);
    page_request(b, PASID, 3, VA, READ, true);
    settle(b);
    EXPECT(b, b->responses == 1 && b->response.automatic && b->response.code == 1);
    EXPECT(b, model_amd_counts(b->m)->requests_dropped == 0);
    wr(b, STATUS, 0x60);
    wr(b, CONTROL, ALL_ON & ~PPR_LOG_EN);
    wr(b, CONTROL, ALL_ON | UINT64_C(1) << 42);
    page_request(b, PASID, 4, VA, READ, true);
    settle(b);
    EXPECT(b, b->responses == 2 && rd(b, PPR_TAIL) == 0);
    return selftest_end(&b->room);
}

static const char *early_and_dual(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes);

    bench_map(b);
    wr(b, 0x2088, 0x80000001);
    wr(b, CONTROL, (ALL_ON & ~PPR_LOG_EN));
    settle(b);
    wr(b, CONTROL, ALL_ON | UINT64_C(2) << 30);
    page_request(b, PASID, 0, VA, READ, true);
    EXPECT(b, (rd(b, STATUS) & 0x40000) == 0);
    page_request(b, PASID, 1, VA, READ, true);
    EXPECT(b, (rd(b, STATUS) & 0x40000) == 0x40000);
    fill(b);
    EXPECT(b, (rd(b, STATUS) & 0x10A0) == 0x10A0); /* Overflow of A, B active and running. */
    EXPECT(b, rd(b, PPRB_TAIL) == 32);
    return selftest_end(&b->room);
}

static const char *late_entries(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes);
    struct model_amd_knobs knobs;
    unsigned i;

    bench_map(b);
    knobs_off(&knobs);
    knobs.entry_lag_ns = 1000000;
    model_amd_set_knobs(b->m, &knobs);
    for (i = 0; i < 16; i++) {
        page_request(b, PASID, i, VA, READ, true);
    }
    EXPECT(b, rd(b, PPR_TAIL) == 256 && model_amd_entries_late(b->m) > 0);
    for (i = 0; i < 16; i++) {
        clear_entry(b, b->ppr, i);
    }
    wr(b, PPR_HEAD, 256);
    REPORTED(b, "amd.pprlog.head-past-late-entry");
    settle(b);
    EXPECT(b, model_amd_entries_late(b->m) == 0);
    return selftest_end(&b->room);
}

static const char *not_cleared(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes);

    bench_map(b);
    page_request(b, PASID, 0, VA, READ, true);
    page_request(b, PASID, 1, VA, READ, true);
    wr(b, PPR_HEAD, 16);
    REPORTED(b, "amd.pprlog.entry-not-cleared");
    clear_entry(b, b->ppr, 1);
    wr(b, PPR_HEAD, 32);
    EXPECT(b, model_amd_pprlog_used(b->m) == 0);
    dma(b, 7, VA, READ); /* No such PASID: an event. */
    settle(b);
    wr(b, EVT_HEAD, 16);
    REPORTED(b, "amd.evtlog.entry-not-cleared");
    return selftest_end(&b->room);
}

static const char *late_tail(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes);
    struct model_amd_knobs knobs;

    bench_map(b);
    knobs_off(&knobs);
    knobs.ppr_lag_ns = 100000000;
    model_amd_set_knobs(b->m, &knobs);
    page_request(b, PASID, 0, VA, READ, true);
    EXPECT(b, rd(b, PPR_TAIL) == 0 && model_amd_pprlog_used(b->m) == 1);
    push_wait(b, 1);
    model_advance(b->room.world, 10000);
    EXPECT(b, waited(b) && rd(b, PPR_TAIL) == 16); /* A completion shows what came before. */
    model_amd_forget_device(b->m, DEV);
    EXPECT(b, model_amd_requests_open(b->m) == 0);
    settle(b);
    return selftest_end(&b->room);
}

#define TEST(name)                                                                                 \
    {                                                                                              \
#name, name                                                                                \
    }

const struct model_selftest model_selftests_amd_ppr[] = {
    TEST(golden_entries),   TEST(responses),        TEST(wrong_responses), TEST(markers),
    TEST(invalid_requests), TEST(overflow_restart), TEST(spec_restart),    TEST(auto_response),
    TEST(early_and_dual),   TEST(late_entries),     TEST(not_cleared),     TEST(late_tail),
};
const unsigned model_selftest_count_amd_ppr =
    sizeof(model_selftests_amd_ppr) / sizeof(model_selftests_amd_ppr[0]);
