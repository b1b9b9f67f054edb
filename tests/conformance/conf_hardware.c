/* SPDX-License-Identifier: BSD-2-Clause */
#include "conf_themes.h"

/* Hardware that lies: a status or a counter, never a crash, a hang, or a silent loss. */

static void lie_and_go_on(struct conf *c, enum bench_lie lie)
{
    struct conf_flow f;
    uint32_t i;

    if (!conf_flow_up(c, &f)) {
        return;
    }
    for (i = 0; i < 6; i++) {
        conf_ask(f.d, f.pasid, CONF_VA, i & 3);
        c->b.vendor->event_flood(&c->b, 1);
        bench_arrive(&c->b);
        c->b.vendor->lie(&c->b, lie);
        c->b.irq = true;
        conf_run(c, BENCH_MS);
    }
    /* Each time it is counted, and told by the next service at the latest. */
    c->b.irq = true;
    conf_run(c, BENCH_MS);
    CHECK(c, conf_unit(c).overflows >= (lie == BENCH_LIE_REQUEST_INDEX ? 6 : 0));
    CHECK(c, conf_events(c, UIOMMU_EVENT_QUEUE_ERROR) >= 6);
    c->b.vendor->lie(&c->b, BENCH_LIE_NONE);
    CHECK(c, conf_reset(c, f.d) == UIOMMU_OK);
    f.a->calls = 0;
    conf_ask(f.d, f.pasid, CONF_VA, 60);
    conf_run(c, BENCH_MS);
    CHECK(c, f.a->calls == 1 && conf_answer(f.d, 60) == UIOMMU_CODE_SUCCESS);
}

static void request_index(struct conf *c)
{
    lie_and_go_on(c, BENCH_LIE_REQUEST_INDEX);
    c->no_balance = true;
}

static void event_index(struct conf *c)
{
    lie_and_go_on(c, BENCH_LIE_EVENT_INDEX);
    c->no_balance = true;
}

static void unknown_record(struct conf *c)
{
    struct conf_flow f;
    struct uiommu_event event;

    if (!conf_flow_up(c, &f)) {
        return;
    }
    c->b.vendor->lie(&c->b, BENCH_LIE_UNKNOWN_RECORD);
    conf_ask(f.d, f.pasid, CONF_VA, 1);
    conf_run(c, BENCH_MS);
    if (CHECK(c, uiommu_unit_next_event(c->b.unit, &event) == UIOMMU_OK)) {
        CHECK(c, event.kind == UIOMMU_EVENT_UNKNOWN && event.count == 1);
        CHECK(c, event.raw[0] != 0 || event.hw_code != 0);
    }
    CHECK(c, f.a->calls == 1);
}

/* What is in the event queue was written before it broke: it is told, and so is what comes after.
 */
static void event_abort(struct conf *c)
{
    struct conf_flow f;
    uint64_t before;
    uint32_t i;

    if (!conf_needs(c, c->b.features.aborts, "no queue of this hardware breaks by itself") ||
        !conf_flow_up(c, &f)) {
        return;
    }
    for (i = 0; i < 4; i++) {
        before = conf_unit(c).events;
        c->b.vendor->event_flood(&c->b, 5);
        bench_advance(&c->b, BENCH_MS);
        c->b.vendor->lie(&c->b, BENCH_LIE_EVENT_ABORT);
        conf_run(c, BENCH_MS);
        CHECK(c, conf_unit(c).events == before + 5 + 1);
        CHECK(c, conf_events(c, UIOMMU_EVENT_QUEUE_ERROR) == 1);
    }
    CHECK(c, conf_unit(c).events_lost == 0);
    conf_ask(f.d, f.pasid, CONF_VA, 7);
    conf_run(c, BENCH_MS);
    CHECK(c, f.a->calls == 1 && conf_answer(f.d, 7) == UIOMMU_CODE_SUCCESS);
}

/* Hardware has answered FAILURE since: what is in the queue is of interfaces that are off. */
static void request_abort(struct conf *c)
{
    struct conf_flow f;
    uint32_t i;

    if (!conf_needs(c, c->b.features.aborts, "no queue of this hardware breaks by itself") ||
        !conf_flow_up(c, &f)) {
        return;
    }
    for (i = 0; i < 4; i++) {
        f.a->calls = 0;
        conf_ask(f.d, f.pasid, CONF_VA, i);
        bench_arrive(&c->b);
        c->b.vendor->lie(&c->b, BENCH_LIE_REQUEST_ABORT);
        conf_ask(f.d, f.pasid, CONF_VA, i + 10);
        bench_arrive(&c->b);
        conf_run(c, BENCH_MS);
        CHECK(c, f.a->calls == 0 && conf_answer(f.d, i + 10) == UIOMMU_CODE_FAILURE);
        CHECK(c, conf_unit(c).overflows == i + 1u);
        CHECK(c, conf_events(c, UIOMMU_EVENT_PRI_OFF) == 1);
        CHECK(c, conf_reset(c, f.d) == UIOMMU_OK);
        conf_ask(f.d, f.pasid, CONF_VA, i + 20);
        conf_run(c, BENCH_MS);
        CHECK(c, f.a->calls == 1 && conf_answer(f.d, i + 20) == UIOMMU_CODE_SUCCESS);
    }
    c->no_balance = true;
}

/* Any bits in a request entry. */
static void noise(struct conf *c)
{
    struct conf_flow f;
    uint32_t i;

    c->b.config.violations = UINT32_MAX;
    if (!conf_flow_up(c, &f)) {
        return;
    }
    for (i = 0; i < 60; i++) {
        conf_ask(f.d, f.pasid, CONF_VA, i & 3);
        bench_arrive(&c->b);
        c->b.vendor->lie(&c->b, BENCH_LIE_REQUEST_NOISE);
        conf_run(c, 50 * BENCH_US);
    }
    CHECK(c, conf_unit(c).requests == 60);
    c->b.vendor->lie(&c->b, BENCH_LIE_NONE);
    CHECK(c, conf_reset(c, f.d) == UIOMMU_OK);
    f.a->calls = 0;
    conf_ask(f.d, f.pasid, CONF_VA, 60);
    conf_run(c, BENCH_MS);
    CHECK(c, f.a->calls == 1 && conf_answer(f.d, 60) == UIOMMU_CODE_SUCCESS);
    c->no_balance = true;
}

/* The unit is not there any more: every call returns, and nothing is claimed. */
static void fell_off(struct conf *c)
{
    struct conf_flow f;

    if (!conf_flow_up(c, &f)) {
        return;
    }
    CHECK(c, bench_map(&c->b, f.a->tables, CONF_VA, UIOMMU_READ) != NULL);
    CHECK(c, conf_access(f.d, f.pasid, CONF_VA, MODEL_READ));
    c->b.vendor->lie(&c->b, BENCH_LIE_ALL_ONES);
    c->sample = bench_now(&c->b);
    CHECK(c, uiommu_aspace_exit(f.a->as) == UIOMMU_E_WITHHELD);
    CHECK(c, conf_unbind(c, f.bond, UIOMMU_UNBIND_STOPPED) == UIOMMU_E_WITHHELD);
    CHECK(c, bench_now(&c->b) - c->sample < 2 * BENCH_FOREVER);
    c->b.vendor->lie(&c->b, BENCH_LIE_NONE);
    CHECK(c, uiommu_unit_restart(c->b.unit) == UIOMMU_OK);
    c->no_balance = true;
    c->reports = c->b.reports;
}

/* The same seed gives the same run. */
static void same_seed(struct conf *c)
{
    struct conf_flow f;
    uint32_t i;

    if (!conf_flow_up(c, &f)) {
        return;
    }
    for (i = 0; i < 4; i++) {
        conf_ask(f.d, f.pasid, CONF_VA, i);
    }
    CHECK(c, conf_unbind(c, f.bond, 0) == UIOMMU_OK);
    CHECK(c, c->b.trace.hash != 0 && c->b.trace.count[UIOMMU_TRACE_REQUEST] >= 4);
    CHECK(c,
          c->b.trace.count[UIOMMU_TRACE_GROUP_ANSWERED] + c->b.trace.count[UIOMMU_TRACE_REFUSED] >=
              4);
}

/* Every transition of a bond is in the trace, in order. */
static void on_bond(struct bench *b, const struct uiommu_trace *record, void *arg)
{
    struct conf *c = arg;

    (void)b;
    if (record->id == UIOMMU_TRACE_BOND) {
        CHECK(c, record->c == c->sample || c->sample == CONF_NEVER);
        c->sample = record->d;
        c->counter |= 1u << record->d;
    }
    CHECK(c, record->now_ns <= bench_now(b));
    CHECK(c, record->unit == 0 || c->unit == 0 || record->unit == c->unit);
    c->unit = record->unit != 0 ? record->unit : c->unit;
}

static void transitions(struct conf *c)
{
    struct conf_flow f;

    c->sample = CONF_NEVER;
    c->b.trace.hook = on_bond;
    c->b.trace.arg = c;
    if (!conf_flow_up(c, &f)) {
        return;
    }
    CHECK(c, conf_unbind(c, f.bond, 0) == UIOMMU_OK);
    CHECK(c, conf_wait_state(c, f.bond, UIOMMU_BOND_FREE));
    CHECK(c, c->sample == UIOMMU_BOND_FREE);
    CHECK(c, (c->counter & (1u << UIOMMU_BOND_LIVE)) != 0);
    CHECK(c, (c->counter & (1u << UIOMMU_BOND_STOPPING)) != 0);
    CHECK(c, (c->counter & (1u << UIOMMU_BOND_DRAINING)) != 0);
    CHECK(c, (c->counter & (1u << UIOMMU_BOND_QUARANTINE)) != 0);
}

static const struct conf_test tests[] = {
    {"I25 hardware: an impossible index of the request queue", request_index},
    {"I25 hardware: an impossible index of the event queue", event_index},
    {"I25 hardware: a record of unknown type", unknown_record},
    {"R31 hardware: an abort of the event queue loses nothing that is in it", event_abort},
    {"R31 R29 hardware: an abort of the request queue counts as overflow and FAILURE",
     request_abort},
    {"I25 R24 hardware: any bits in a request", noise},
    {"R12 I21 L29 hardware: the unit falls off the bus", fell_off},
    {"hardware: the same seed gives the same run", same_seed},
    {"I1 hardware: every transition of a bond is in the trace, in order", transitions},
};
const struct conf_theme conf_hardware_theme = {"hardware", tests, sizeof(tests) / sizeof(tests[0])};
