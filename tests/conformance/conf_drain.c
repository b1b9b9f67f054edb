/* SPDX-License-Identifier: BSD-2-Clause */
#include "conf_themes.h"

/* D1 to D6, step by step: what each of them keeps from happening. */

/* Map, touch: TLB, device TLB and configuration caches hold the bond. */
static bool warm(struct conf *c, const struct conf_flow *f)
{
    CHECK(c, bench_map(&c->b, f->a->tables, CONF_VA, UIOMMU_READ | UIOMMU_WRITE) != NULL);
    CHECK(c, conf_access(f->d, f->pasid, CONF_VA, MODEL_READ));
    CHECK(c, c->b.features.unseen || c->b.vendor->reaches(&c->b, f->d->id, f->pasid));
    return CHECK(c, c->b.features.unseen || bench_uses_tables(&c->b, f->a->tables));
}

static void unreachable(struct conf *c)
{
    struct conf_flow f;

    if (!conf_flow_up(c, &f) || !warm(c, &f)) {
        return;
    }
    CHECK(c, conf_unbind(c, f.bond, UIOMMU_UNBIND_STOPPED) == UIOMMU_OK);
    CHECK(c, !c->b.vendor->reaches(&c->b, f.d->id, f.pasid));
    CHECK(c, !bench_uses_tables(&c->b, f.a->tables));
    CHECK(c, !conf_access(f.d, f.pasid, CONF_VA, MODEL_READ));
    CHECK(c, !conf_access(f.d, f.pasid, CONF_VA, MODEL_WRITE));
}

/* What a device can still do when the barrier begins: the invalidations are all done by then. */
static void at_d3(struct bench *b, const struct uiommu_trace *record, void *arg)
{
    struct conf *c = arg;

    (void)b;
    if (record->id == UIOMMU_TRACE_STEP && record->c == UIOMMU_STEP_D3 && record->d == 1) {
        c->counter++;
        c->sample += conf_access(c->at_device, (uint32_t)record->b, CONF_VA, MODEL_READ);
    }
}

static void unreachable_before_barrier(struct conf *c)
{
    struct conf_flow f;

    if (!conf_flow_up(c, &f) || !warm(c, &f)) {
        return;
    }
    c->at_device = f.d;
    c->b.trace.hook = at_d3;
    c->b.trace.arg = c;
    CHECK(c, conf_unbind(c, f.bond, UIOMMU_UNBIND_STOPPED | UIOMMU_UNBIND_ABORT) == UIOMMU_OK);
    CHECK(c, c->counter == 1 && c->sample == 0);
}

/* Requests that come between the beginning and the end of a drain are refused. */
static void on_step(struct bench *b, const struct uiommu_trace *record, void *arg)
{
    struct conf *c = arg;

    if (record->id == UIOMMU_TRACE_STEP && record->c == c->counter) {
        conf_ask(c->at_device, (uint32_t)record->b, CONF_VA, 200);
        c->counter = CONF_NEVER;
        if (!b->features.unknown_pasids) {
            bench_arrive(b); /* While the entry is there: else hardware would answer. */
        }
    }
}

static void closed_gate(struct conf *c)
{
    struct conf_flow f;

    if (!conf_flow_up(c, &f)) {
        return;
    }
    c->at_device = f.d;
    c->counter = c->b.features.unknown_pasids ? UIOMMU_STEP_D2_TLB : UIOMMU_STEP_D1;
    c->b.trace.hook = on_step;
    c->b.trace.arg = c;
    CHECK(c, conf_unbind(c, f.bond, UIOMMU_UNBIND_STOPPED) == UIOMMU_OK);
    conf_run(c, 2 * BENCH_MS);
    CHECK(c, c->counter == CONF_NEVER && f.a->calls == 0);
    CHECK(c, conf_answer(f.d, 200) == UIOMMU_CODE_INVALID);
}

static void waits_for_handlers(struct conf *c)
{
    struct conf_flow f;

    if (!conf_flow_up(c, &f)) {
        return;
    }
    f.a->answer = UIOMMU_CODE_PENDING;
    conf_ask(f.d, f.pasid, CONF_VA, 1);
    conf_run(c, BENCH_MS);
    CHECK(c, uiommu_unbind_begin(c->b.u, f.bond, UIOMMU_UNBIND_STOPPED | UIOMMU_UNBIND_ABORT) ==
                 UIOMMU_OK);
    conf_run(c, BENCH_HANDLER / 2);
    CHECK(c, uiommu_unbind_poll(c->b.u, f.bond) == UIOMMU_PENDING);
    CHECK(c, f.a->orphans[UIOMMU_ORPHAN_UNBOUND] == 0);
    CHECK(c, conf_bond(c, f.bond).in_flight == 1);
    CHECK(c, conf_respond(c, f.a->seen[0].ref, UIOMMU_CODE_SUCCESS) == UIOMMU_OK);
    CHECK(c, conf_poll(c, f.bond) == UIOMMU_OK);
    CHECK(c, conf_answer(f.d, 1) == UIOMMU_CODE_SUCCESS);
}

/* The device's last requests leave while its driver stops it, long after the entry was blocked. */
static void last_requests(struct conf *c, struct conf_device *d)
{
    bench_fabric(&c->b, BENCH_FAR, BENCH_FAR, 0, 0);
    conf_ask(d, c->counter, CONF_VA, 77);
}

static void while_stopping(struct conf *c)
{
    struct uiommu_bond_ref next;
    struct conf_flow f;

    if (!conf_flow_up(c, &f)) {
        return;
    }
    c->counter = f.pasid;
    f.d->on_stop = last_requests;
    CHECK(c, uiommu_aspace_exit(f.a->as) == UIOMMU_OK);
    CHECK(c, conf_reap(c, f.a) == UIOMMU_OK);
    if (!conf_rebind(c, f.d, f.b, f.pasid, &next)) {
        return;
    }
    conf_run(c, 4 * BENCH_MS);
    CHECK(c, f.b->calls == 0 && conf_unit(c).late == 0);
    CHECK(c, conf_answer(f.d, 77) == UIOMMU_CODE_INVALID);
}

static void before_d3(struct bench *b, const struct uiommu_trace *record, void *arg)
{
    struct conf *c = arg;

    (void)b;
    if (record->id == UIOMMU_TRACE_STEP && record->c == UIOMMU_STEP_D3 && record->d == 1) {
        c->counter = (uint32_t)record->b;
        last_requests(c, c->at_device);
    }
}

/* Without the op whose configuration read would push requests by itself. */
static bool flow_without_present(struct conf *c, struct conf_flow *f)
{
    struct uiommu_device_config config;
    struct uiommu_device_ops ops = *uiommu_pcie_ops();

    memset(f, 0, sizeof(*f));
    if (!conf_up(c)) {
        return false;
    }
    f->d = conf_device_plan(c, NULL, &config);
    f->a = conf_space_make(c);
    f->pasid = conf_pasid(c);
    ops.present = NULL;
    config.ops = &ops;
    return !conf_failed(c) &&
           CHECK(c, uiommu_device_attach(c->b.unit, &config, &f->d->dev) == UIOMMU_OK) &&
           conf_bind(c, f->d, f->a, f->pasid, &f->bond);
}

/* A device that was never stopped sends at the last moment before the barrier. */
static void barrier_pushes(struct conf *c)
{
    struct conf_flow f;

    if (!flow_without_present(c, &f)) {
        return;
    }
    f.d->stop = CONF_STOP_NEVER;
    c->at_device = f.d;
    c->b.trace.hook = before_d3;
    c->b.trace.arg = c;
    CHECK(c, conf_unbind(c, f.bond, UIOMMU_UNBIND_ABORT) == UIOMMU_E_POISONED);
    CHECK(c, c->counter == f.pasid);
    CHECK(c, model_fabric_in_flight(c->b.fabric, UINT32_MAX) == 0);
    CHECK(c, conf_counts(f.d).invalid == 1 && conf_unit(c).late == 0 && f.a->calls == 0);
    CHECK(c, conf_unit(c).invalid == (c->b.features.unknown_pasids ? 1 : 0));
    CHECK(c, conf_bond(c, f.bond).missing == UIOMMU_PROOF_STOP);
}

/* What the ring holds when the bond begins to rest. */
static void at_rest(struct bench *b, const struct uiommu_trace *record, void *arg)
{
    struct conf *c = arg;

    uint32_t when = b->features.unknown_pasids ? UIOMMU_STEP_D3 : UIOMMU_STEP_D1;

    if (record->id == UIOMMU_TRACE_STEP && record->c == when && c->counter == 0) {
        uint32_t i;

        c->counter = 1;
        for (i = 0; i < 24; i++) {
            conf_ask(c->at_device, (uint32_t)record->b, CONF_VA, 300 + i);
        }
        if (!b->features.unknown_pasids) {
            bench_arrive(b);
        }
    }
    if (record->id == UIOMMU_TRACE_BOND && record->d == UIOMMU_BOND_QUARANTINE) {
        c->sample = b->vendor->requests_waiting(b);
    }
}

static void consumed_to_the_snapshot(struct conf *c)
{
    static const struct conf_how how = {.want = 24};
    uint64_t end;
    struct conf_flow f;

    memset(&f, 0, sizeof(f));
    if (!conf_up(c)) {
        return;
    }
    f.d = conf_device_make(c, &how);
    f.a = conf_space_make(c);
    f.pasid = conf_pasid(c);
    if (conf_failed(c) || !conf_bind(c, f.d, f.a, f.pasid, &f.bond)) {
        return;
    }
    c->at_device = f.d;
    c->sample = UINT64_MAX;
    c->b.trace.hook = at_rest;
    c->b.trace.arg = c;
    bench_fabric(&c->b, 100, 2 * BENCH_US, 0, 0);
    CHECK(c, uiommu_unbind_begin(c->b.u, f.bond, UIOMMU_UNBIND_STOPPED | UIOMMU_UNBIND_ABORT) ==
                 UIOMMU_OK);
    end = bench_now(&c->b) + BENCH_FOREVER;
    while (c->sample == UINT64_MAX && bench_now(&c->b) < end) {
        /* One entry at a time, and slowly: only waiting for the snapshot empties the ring. */
        uiommu_err err = uiommu_unit_service(c->b.unit, 1);

        CHECK(c, err == UIOMMU_OK || err == UIOMMU_MORE);
        bench_advance(&c->b, 40 * BENCH_US);
    }
    CHECK(c, c->sample == 0 && c->counter == 1);
    CHECK(c, conf_counts(f.d).outstanding == 0 || conf_unit(c).invalid == 24);
}

/* The barrier of a device that stops answering just then proves nothing. */
static void deaf_at_d3(struct bench *b, const struct uiommu_trace *record, void *arg)
{
    struct model_endpoint_knobs knobs;
    struct conf *c = arg;

    (void)b;
    if (record->id == UIOMMU_TRACE_STEP && record->c == UIOMMU_STEP_D3) {
        memset(&knobs, 0, sizeof(knobs));
        knobs.ignore_invalidations = true;
        conf_knobs(c->at_device, &knobs);
    }
}

static void barrier_fails(struct conf *c)
{
    struct conf_flow f;

    if (!conf_flow_up(c, &f)) {
        return;
    }
    c->at_device = f.d;
    c->b.trace.hook = deaf_at_d3;
    c->b.trace.arg = c;
    CHECK(c,
          conf_unbind(c, f.bond, UIOMMU_UNBIND_STOPPED | UIOMMU_UNBIND_ABORT) == UIOMMU_E_POISONED);
    CHECK(c, (conf_bond(c, f.bond).missing & UIOMMU_PROOF_REQUESTS) != 0);
    CHECK(c, !bench_uses_tables(&c->b, f.a->tables));
}

static void service_beside(struct conf *c, struct conf_space *s, const struct uiommu_group *group)
{
    uint64_t end = bench_now(&c->b) + c->sample;

    (void)s;
    CHECK(c, uiommu_unbind_begin(c->b.u, group->bond,
                                 UIOMMU_UNBIND_STOPPED | UIOMMU_UNBIND_ABORT) == UIOMMU_OK);
    /* Another thread goes on servicing while this handler call does not return. */
    c->b.context = 2;
    while (bench_now(&c->b) < end) {
        c->err = uiommu_unit_service(c->b.unit, 0);
        /* A deadline that has passed is none: its host would spin. */
        CHECK(c, c->err == UIOMMU_MORE || uiommu_unit_next_deadline(c->b.unit) > bench_now(&c->b));
        bench_advance(&c->b, 20 * BENCH_US);
    }
    c->counter = conf_state(c, group->bond);
    CHECK(c, conf_bond(c, group->bond).aspace == s->as);
    c->b.context = 1;
}

/* When D1 and D2 began. */
static void on_d1_d2(struct bench *b, const struct uiommu_trace *r, void *arg)
{
    uint64_t *at = arg;

    (void)b;
    if (r->id == UIOMMU_TRACE_STEP && (r->c == UIOMMU_STEP_D1 || r->c == UIOMMU_STEP_D2_CONFIG)) {
        at[r->c == UIOMMU_STEP_D2_CONFIG] = r->now_ns;
    }
}

/* A handler call that has not returned keeps its bond, whatever deadline passes. */
static void call_in_progress(struct conf *c)
{
    uint64_t at[2] = {0, 0};
    struct conf_flow f;

    if (!conf_flow_up(c, &f)) {
        return;
    }
    c->b.trace.hook = on_d1_d2;
    c->b.trace.arg = at;
    c->sample = 3 * BENCH_HANDLER;
    f.a->on_fault = service_beside;
    conf_ask(f.d, f.pasid, CONF_VA, 1);
    conf_run(c, 4 * BENCH_HANDLER);
    CHECK(c, f.a->calls == 1);
    CHECK(c, c->counter == UIOMMU_BOND_DRAINING || c->counter == UIOMMU_BOND_POISONED);
    c->b.trace.hook = NULL;
    CHECK(c, at[1] - at[0] >= 2 * BENCH_HANDLER && at[1] - at[0] < 3 * BENCH_HANDLER);
    CHECK(c, conf_poll(c, f.bond) == UIOMMU_OK);
    CHECK(c, conf_counts(f.d).success + conf_counts(f.d).invalid == 1);
    CHECK(c, conf_wait_state(c, f.bond, UIOMMU_BOND_FREE));
}

/* Past every deadline: withheld for the handler's sake, and free once it has returned. */
static void call_too_long(struct conf *c)
{
    struct conf_flow f;

    if (!conf_flow_up(c, &f)) {
        return;
    }
    c->sample = 4 * BENCH_HANDLER + BENCH_DRAIN;
    f.a->on_fault = service_beside;
    conf_ask(f.d, f.pasid, CONF_VA, 1);
    conf_run(c, BENCH_MS);
    CHECK(c, f.a->calls == 1 && c->counter == UIOMMU_BOND_POISONED);
    CHECK(c, conf_events(c, UIOMMU_EVENT_BOND_POISONED) == 1);
    CHECK(c, conf_wait_state(c, f.bond, UIOMMU_BOND_FREE));
    CHECK(c, conf_counts(f.d).success + conf_counts(f.d).invalid == 1);
}

/* The device touches its page at every step: a refill between the waves would outlive them. */
static void touch(struct bench *b, const struct uiommu_trace *record, void *arg)
{
    struct conf *c = arg;

    at_d3(b, record, c);
    if (record->id == UIOMMU_TRACE_STEP && record->c == UIOMMU_STEP_D2_TLB) {
        c->at_group.index = 1;
    }
    if (record->id == UIOMMU_TRACE_STEP && record->c == UIOMMU_STEP_D2_DEVICE) {
        c->at_group.generation = 1 + c->at_group.index;
    }
    if (record->id == UIOMMU_TRACE_STEP || record->id == UIOMMU_TRACE_TICKET) {
        (void)conf_access(c->at_device, c->unit, CONF_VA, MODEL_READ);
    }
}

static void iotlb_first(struct conf *c)
{
    struct conf_flow f;

    if (!conf_flow_up(c, &f) || !warm(c, &f)) {
        return;
    }
    c->at_device = f.d;
    c->unit = f.pasid;
    c->b.trace.hook = touch;
    c->b.trace.arg = c;
    CHECK(c, conf_unbind(c, f.bond, UIOMMU_UNBIND_STOPPED | UIOMMU_UNBIND_ABORT) == UIOMMU_OK);
    c->b.trace.hook = NULL;
    CHECK(c, c->counter == 1 && c->sample == 0);
    CHECK(c, c->at_group.generation == 2); /* The one came after the other. */
    CHECK(c, !conf_access(f.d, f.pasid, CONF_VA, MODEL_READ));
    CHECK(c, !bench_uses_tables(&c->b, f.a->tables));
}

/* The same when the space dies: its entry is quiet, not gone, so that a refill is possible. */
static void iotlb_first_at_exit(struct conf *c)
{
    struct conf_flow f;

    if (!conf_flow_up(c, &f) || !warm(c, &f)) {
        return;
    }
    c->at_device = f.d;
    c->unit = f.pasid;
    c->b.trace.hook = touch;
    c->b.trace.arg = c;
    CHECK(c, uiommu_aspace_exit(f.a->as) == UIOMMU_OK);
    c->b.trace.hook = NULL;
    CHECK(c, !conf_access(f.d, f.pasid, CONF_VA, MODEL_READ));
    CHECK(c, !bench_uses_tables(&c->b, f.a->tables));
}

static const struct conf_test tests[] = {
    {"D2 R12 I20 drain: nothing of the bond is reachable after unbind", unreachable},
    {"D1 I12 drain: requests during the drain are INVALID", closed_gate},
    {"D1 I13 L9 drain: groups with a handler are waited for", waits_for_handlers},
    {"D2 I20 R17 drain: the device TLB is empty before the barrier begins",
     unreachable_before_barrier},
    {"D3 L40 drain: what leaves while the driver stops its device", while_stopping},
    {"D3 R5 drain: the barrier pushes what left before it", barrier_pushes},
    {"D3 R9 drain: a barrier that fails poisons", barrier_fails},
    {"D4 R1 drain: the ring is consumed to the snapshot, whatever the budget",
     consumed_to_the_snapshot},
    {"D6 R27 L11 drain: a handler call that has not returned keeps the bond", call_in_progress},
    {"D6 R9 R27 drain: a handler call past every deadline withholds until it returns",
     call_too_long},
    {"I20 R17 L24 drain: IOTLB before device TLB", iotlb_first},
    {"I20 I15 R17 drain: IOTLB before device TLB when the space dies", iotlb_first_at_exit},
};
const struct conf_theme conf_drain_theme = {"drain", tests, sizeof(tests) / sizeof(tests[0])};
