/* SPDX-License-Identifier: BSD-2-Clause */
#include "selftest_vtd_bench.h"

extern const struct model_selftest model_selftests_vtd_prq[];
extern const unsigned model_selftest_count_vtd_prq;

static const char *golden_requests(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes);

    ask(b, PASID, 0x1A5, VA, READ | WRITE, true);
    EXPECT(b, rd(b, 0xC8) == 0x20 && rd(b, 0xDC) == 1 && b->irqs[2] == 1);
    EXPECT(b, get64(b, b->prq) == UINT64_C(0x0000000302080101));
    EXPECT(b, get64(b, b->prq + 8) == UINT64_C(0x00007F1234567D2F));
    ask(b, PASID, 0, UINT64_C(0xFFFF800012345000), READ | MODEL_EXEC | MODEL_PRIV, true);
    EXPECT(b, get64(b, b->prq + 32) == UINT64_C(0x0030000302080101));
    EXPECT(b, get64(b, b->prq + 40) == UINT64_C(0xFFFF800012345005));
    ask(b, PASID, 0x55, VA, 0, true);
    EXPECT(b, get64(b, b->prq + 64) == UINT64_C(0x0000000302080101));
    EXPECT(b, get64(b, b->prq + 72) == 4);
    EXPECT(b, model_vtd_counts(b->m)->markers_queued == 1 && b->irqs[2] == 1);
    EXPECT(b, model_vtd_prq_used(b->m) == 3);
    push(b, UINT64_C(0x0000000302080019), 0xD28);
    sync(b);
    settle(b);
    EXPECT(b, b->responses == 1 && b->response.index == 0x1A5 && b->response.pasid == PASID);
    EXPECT(b, b->response.code == 0 && !b->response.automatic);
    return selftest_end(&b->room);
}

static const char *without_pasid(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes);

    set_pasid(b, 0, 0x41, 0x800001, b->tables);
    ask(b, NONE, 0x1FF, VA, READ, false);
    EXPECT(b, (get64(b, b->prq) & UINT64_C(0xFFFF01FF)) == 0x02080001);
    EXPECT(b, get64(b, b->prq + 8) == (VA | 0xFF9));
    return selftest_end(&b->room);
}

static const char *refused(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes);

    ask(b, 4, 7, VA, READ, false);
    EXPECT(b, b->responses == 0 && fault(b) == 0x59);
    ask(b, 4, 7, VA, READ, true);
    EXPECT(b, b->responses == 1 && b->response.code == 1 && b->response.automatic);
    EXPECT(b, (rd(b, 0x23C) & 0x500000FF) == 0x59 && (rd(b, 0x238) >> 28 & 1) == 1);
    EXPECT(b, fault(b) == 0x59 && rd(b, 0xC8) == 0);
    run(b, 0x11, 0);
    put64(b, b->contexts + 32 * (SID & 0x7F), b->dir | 0x40D);
    ask(b, PASID, 7, VA, READ, true);
    EXPECT(b, fault(b) == 0x47 && b->responses == 2);
    return selftest_end(&b->room);
}

static const char *overflow(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes);
    unsigned i;

    for (i = 0; i < 127; i++) {
        ask(b, PASID, i, VA, READ, false);
    }
    EXPECT(b, rd(b, 0xC8) == 0xFE0 && rd(b, 0xDC) == 1);
    ask(b, PASID, 300, VA, READ, true);
    EXPECT(b, rd(b, 0xDC) == 3 && b->irqs[2] == 1 && model_vtd_prq_overflowed(b->m));
    EXPECT(b, b->responses == 1 && b->response.code == 0 && b->response.automatic);
    wr(b, 0xDC, 2);
    REPORTED(b, "vtd.prq.overflow-cleared-early");
    wr(b, 0xC0, 0xFE0);
    wr(b, 0xDC, 1);
    ask(b, PASID, 301, VA, READ, true);
    EXPECT(b, rd(b, 0xC8) == 0 && rd(b, 0xDC) == 1 && b->irqs[2] == 2);
    return selftest_end(&b->room);
}

static const char *forced_overflow(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes);

    model_vtd_force_overflow(b->m);
    settle(b);
    EXPECT(b, b->irqs[2] == 1);
    ask(b, PASID, 1, VA, READ, false);
    ask(b, PASID, 1, VA, READ, true);
    EXPECT(b, b->responses == 1 && rd(b, 0xC8) == 0);
    wr(b, 0xDC, 2);
    ask(b, PASID, 1, VA, READ, true);
    EXPECT(b, rd(b, 0xC8) == 0x20);
    return selftest_end(&b->room);
}

static const char *head_wrong(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes);

    wr(b, 0xC0, 0x20);
    REPORTED(b, "vtd.prq.head-wrong");
    wr(b, 0xC0, 0x10);
    reported_any(b, "vtd.prq.head-misaligned");
    wr(b, 0xC0, 0x1000);
    REPORTED(b, "vtd.prq.head-range");
    return selftest_end(&b->room);
}

static const char *wrong_answers(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes);

    ask(b, PASID, 0, VA, 0, true);
    push(b, UINT64_C(0x0000000302080019), 0);
    settle(b);
    REPORTED(b, "vtd.prq.marker-answered");
    ask(b, PASID, 5, VA, READ, true);
    push(b, UINT64_C(0x0000000002080009), 0x28);
    settle(b);
    REPORTED(b, "vtd.prq.response-echo");
    push(b, UINT64_C(0x0000000302080019), 0x30);
    settle(b);
    EXPECT(b, model_vtd_counts(b->m)->responses_unmatched == 2);
    return selftest_end(&b->room);
}

/* Accepted, not yet delivered: a wait with PD knows, PQT knows, a plain wait does not. */
static const char *page_request_drain(void *memory, size_t bytes)
{
    struct model_page_request request = {
        .id = SID, .has_pasid = true, .pasid = PASID, .address = VA, .access = READ, .last = true};
    struct bench *b = bench(memory, bytes);
    struct model_vtd_knobs k = knobs(b);
    unsigned early = 0;
    unsigned i;

    k.prq_lag_ns = 40000;
    model_vtd_set_knobs(b->m, &k);
    for (i = 0; i < 12; i++) {
        uint64_t bits = i % 2 == 0 ? 0x80 : 0;

        model_fabric_page_request(b->fabric, &request);
        model_advance(b->room.world, 100);
        push_wait(b, bits);
        while (!waited(b)) {
            model_advance(b->room.world, 100);
        }
        early += bits == 0 && model_vtd_prq_used(b->m) != 0 && rd(b, 0xDC) == 0 ? 1u : 0u;
        EXPECT(b, bits == 0 || rd(b, 0xDC) == 1);
        EXPECT(b, rd(b, 0xC8) == 32 * (i + 1));
        wr(b, 0xDC, 1);
        wr(b, 0xC0, 32 * (i + 1));
    }
    EXPECT(b, early > 0);
    return selftest_end(&b->room);
}

static const char *implicit_invalidation(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes);

    EXPECT(b, reads(b, PASID, VA));
    put64(b, leaf_at(b, VA), 0);
    ask(b, 4, 1, VA, READ, true);
    EXPECT(b, fault(b) == 0x59 && reads(b, PASID, VA));
    ask(b, PASID, 1, VA, READ, true);
    EXPECT(b, !reads(b, PASID, VA) && fault(b) == 0x71);
    return selftest_end(&b->room);
}

static const char *queue_not_set(void *memory, size_t bytes)
{
    struct model_vtd_config config;
    struct bench *b;

    model_vtd_defaults(&config);
    b = bench_create(memory, bytes, true, &config);
    bench_tables(b);
    bench_queue(b);
    bench_root(b);
    gcmd(b, 0x84000000, 0xC4000000);
    ask(b, PASID, 1, VA, READ, true);
    REPORTED(b, "vtd.init.prq-not-set");
    return selftest_end(&b->room);
}

static const char *markers(void *memory, size_t bytes)
{
    struct model_vtd_config config;
    struct model_vtd_knobs k;
    struct bench *b;

    model_vtd_defaults(&config);
    config.sms = true;
    b = bench_create(memory, bytes, true, &config);
    bench_start(b);
    ask(b, 4, 0, 0, 0, true);
    EXPECT(b, fault(b) == 0 && b->responses == 0 && model_vtd_counts(b->m)->markers_dropped == 1);
    k = knobs(b);
    k.marker_fault = true;
    model_vtd_set_knobs(b->m, &k);
    ask(b, 4, 0, 0, 0, true);
    EXPECT(b, fault(b) == 0x59 && b->responses == 0);
    k.swallow_markers = true;
    model_vtd_set_knobs(b->m, &k);
    ask(b, PASID, 0, 0, 0, true);
    EXPECT(b, rd(b, 0xC8) == 0);
    return selftest_end(&b->room);
}

/* The sheet's teardown, step by step: nobody complains and nothing is left. */
static const char *teardown(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes);

    EXPECT(b, reads(b, PASID, VA));
    ask(b, PASID, 9, VA, READ, true);
    put64(b, pasid_at(b, PASID), 0x40);
    run(b, UINT64_C(0x0000000300010017), 0);
    run(b, UINT64_C(0x0000000300010026), 0);
    run(b, UINT64_C(0x0000000302080008), UINT64_C(0x7FFFFFFFFFFFF800));
    set_pasid(b, PASID, 0, 0, 0);
    push(b, UINT64_C(0x0000000302081019), 0x48);
    push(b, 0x55, 0);
    push(b, UINT64_C(0x0000000300010026), 0);
    push(b, UINT64_C(0x0000000302080008), UINT64_C(0x7FFFFFFFFFFFF800));
    push_wait(b, 0x80);
    settle(b);
    EXPECT(b, waited(b) && b->response.code == 1 && b->invalidates == 2);
    EXPECT(b, model_vtd_check_unreachable(b->m, SID, PASID));
    wr(b, 0xC0, rd(b, 0xC8));
    wr(b, 0xDC, 3);
    return selftest_end(&b->room);
}

#define T(name)                                                                                    \
    {                                                                                              \
#name, name                                                                                \
    }
const struct model_selftest model_selftests_vtd_prq[] = {
    T(golden_requests),       T(without_pasid), T(refused),       T(overflow),
    T(forced_overflow),       T(head_wrong),    T(wrong_answers), T(page_request_drain),
    T(implicit_invalidation), T(queue_not_set), T(markers),       T(teardown),
};
const unsigned model_selftest_count_vtd_prq =
    sizeof(model_selftests_vtd_prq) / sizeof(model_selftests_vtd_prq[0]);
