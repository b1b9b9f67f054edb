/* SPDX-License-Identifier: BSD-2-Clause */
#include "conf_themes.h"

/* Case 1: the driver unbinds. Who may call what when, and what a stop is worth. */

static void twice(struct conf *c)
{
    struct conf_flow f;

    if (!conf_flow_up(c, &f)) {
        return;
    }
    CHECK(c, uiommu_unbind_poll(c->b.u, f.bond) == UIOMMU_E_STATE);
    CHECK(c, uiommu_unbind_begin(c->b.u, f.bond, 0) == UIOMMU_OK);
    CHECK(c, uiommu_unbind_begin(c->b.u, f.bond, 0) == UIOMMU_OK);
    CHECK(c, conf_unbind(c, f.bond, 0) == UIOMMU_OK);
    CHECK(c, conf_unbind(c, f.bond, UIOMMU_UNBIND_STOPPED) == UIOMMU_OK);
    CHECK(c, f.d->stops == 1);
    CHECK(c, conf_wait_state(c, f.bond, UIOMMU_BOND_FREE));
    CHECK(c, conf_unbind(c, f.bond, 0) == UIOMMU_OK);
    CHECK(c, f.d->stops == 1);
}

static void note_step(struct bench *b, const struct uiommu_trace *record, void *arg)
{
    struct conf *c = arg;

    (void)b;
    if (record->id == UIOMMU_TRACE_STEP) {
        c->counter |= UINT32_C(1) << record->c;
    }
}

/* Waits, and services the unit by itself: a host without a second thread gets through. */
static void blocking(struct conf *c)
{
    struct conf_flow f;

    if (!conf_flow_up(c, &f)) {
        return;
    }
    conf_ask(f.d, f.pasid, CONF_VA, 4);
    bench_arrive(&c->b);
    c->b.trace.hook = note_step;
    c->b.trace.arg = c;
    CHECK(c, uiommu_unbind(c->b.u, f.bond, UIOMMU_UNBIND_STOPPED) == UIOMMU_OK);
    CHECK(c, f.a->calls == 1);
    CHECK(c, conf_wait_state(c, f.bond, UIOMMU_BOND_FREE));
    /* The trace tells of every step but STOP, which nobody was asked for, and perhaps SETTLE. */
    c->counter |= UINT32_C(1) << UIOMMU_STEP_SETTLE;
    CHECK(c, c->counter == (UINT32_C(2) << UIOMMU_STEP_REST) - (UINT32_C(1) << UIOMMU_STEP_SWEEP));
    CHECK(c, !c->b.vendor->reaches(&c->b, f.d->id, f.pasid));
}

static void from_handler(struct conf *c, struct conf_space *s, const struct uiommu_group *group)
{
    (void)s;
    c->err = uiommu_unbind(c->b.u, group->bond, UIOMMU_UNBIND_STOPPED);
}

static void blocking_in_handler(struct conf *c)
{
    struct conf_flow f;

    if (!conf_flow_up(c, &f)) {
        return;
    }
    c->err = UIOMMU_E_INTERNAL;
    f.a->on_fault = from_handler;
    conf_ask(f.d, f.pasid, CONF_VA, 4);
    conf_run(c, BENCH_MS / 2);
    CHECK(c, f.a->calls == 1 && c->err == UIOMMU_E_BUSY);
    CHECK(c, conf_poll(c, f.bond) == UIOMMU_OK);
    CHECK(c, conf_answer(f.d, 4) != UIOMMU_CODE_NONE);
}

static void begin_in_handler(struct conf *c, struct conf_space *s, const struct uiommu_group *group)
{
    (void)s;
    CHECK(c, uiommu_unbind_begin(c->b.u, group->bond, UIOMMU_UNBIND_ABORT) == UIOMMU_OK);
}

static void inside_handler(struct conf *c)
{
    struct conf_flow f;

    if (!conf_flow_up(c, &f)) {
        return;
    }
    f.a->on_fault = begin_in_handler;
    conf_ask(f.d, f.pasid, CONF_VA, 4);
    conf_run(c, BENCH_MS / 2);
    CHECK(c, conf_poll(c, f.bond) == UIOMMU_OK);
    CHECK(c, f.a->calls == 1 && f.d->stops == 1);
    CHECK(c, conf_answer(f.d, 4) == UIOMMU_CODE_SUCCESS);
}

static void call_service(struct conf *c, struct conf_device *d)
{
    uiommu_err err = uiommu_unit_service(c->b.unit, 0);

    (void)d;
    CHECK(c, err == UIOMMU_OK || err == UIOMMU_MORE || err == UIOMMU_E_BUSY);
    CHECK(c, uiommu_unbind(c->b.u, c->at_bond, 0) == UIOMMU_E_BUSY);
}

static void stop_calls_service(struct conf *c)
{
    struct conf_flow f;

    if (!conf_flow_up(c, &f)) {
        return;
    }
    c->at_bond = f.bond;
    f.d->on_stop = call_service;
    conf_ask(f.d, f.pasid, CONF_VA, 4);
    bench_arrive(&c->b);
    CHECK(c, conf_unbind(c, f.bond, 0) == UIOMMU_OK);
    CHECK(c, f.d->stops == 1 && f.a->calls == 1);
}

static void stop_pending(struct conf *c)
{
    struct conf_flow f;

    if (!conf_flow_up(c, &f)) {
        return;
    }
    f.d->stop = CONF_STOP_LATER;
    CHECK(c, uiommu_unbind_begin(c->b.u, f.bond, 0) == UIOMMU_OK);
    CHECK(c, uiommu_unbind_poll(c->b.u, f.bond) == UIOMMU_PENDING);
    conf_run(c, 3 * BENCH_MS);
    CHECK(c, uiommu_unbind_poll(c->b.u, f.bond) == UIOMMU_PENDING);
    CHECK(c, conf_state(c, f.bond) == UIOMMU_BOND_STOPPING);
    CHECK(c, !conf_bond(c, f.bond).stop_confirmed && !conf_bond(c, f.bond).marker_seen);
    CHECK(c, uiommu_bond_stopped(c->b.u, f.bond) == UIOMMU_OK);
    CHECK(c, conf_poll(c, f.bond) == UIOMMU_OK);
    CHECK(c, f.d->stops == 1);
    /* Where nothing has to rest it may be over already. */
    CHECK(c, conf_bond(c, f.bond).stop_confirmed || conf_state(c, f.bond) == UIOMMU_BOND_FREE);
}

/* Unconfirmed: drained all the same, but the number is withheld until a reset. */
static void unconfirmed(struct conf *c, enum conf_stop stop)
{
    struct uiommu_pasid_info info;
    struct uiommu_bond_ref next;
    struct conf_flow f;

    if (!conf_flow_up(c, &f)) {
        return;
    }
    f.d->stop = stop;
    CHECK(c, bench_map(&c->b, f.a->tables, CONF_VA, UIOMMU_READ) != NULL);
    CHECK(c, conf_access(f.d, f.pasid, CONF_VA, MODEL_READ));
    CHECK(c, conf_unbind(c, f.bond, 0) == UIOMMU_E_POISONED);
    CHECK(c, conf_state(c, f.bond) == UIOMMU_BOND_POISONED);
    CHECK(c, conf_bond(c, f.bond).missing == UIOMMU_PROOF_STOP);
    CHECK(c, !bench_uses_tables(&c->b, f.a->tables));
    CHECK(c, !conf_access(f.d, f.pasid, CONF_VA, MODEL_READ));
    CHECK(c, conf_events(c, UIOMMU_EVENT_BOND_POISONED) == 1);
    if (f.pasid != UIOMMU_PASID_NONE) {
        CHECK(c, uiommu_pasid_get_info(c->b.pasids, f.pasid, &info) == UIOMMU_OK);
        CHECK(c, info.bonds == 1);
    }
    conf_run(c, 10 * BENCH_MS);
    CHECK(c, conf_try_bind(c, f.d, f.b, f.pasid, &next) == UIOMMU_E_BUSY);
    CHECK(c, conf_reset(c, f.d) == UIOMMU_OK);
    CHECK(c, conf_rebind(c, f.d, f.b, f.pasid, &next));
    CHECK(c, conf_state(c, f.bond) == UIOMMU_BOND_FREE);
}

static void stop_never(struct conf *c)
{
    unconfirmed(c, CONF_STOP_NEVER);
}

static void stop_fails(struct conf *c)
{
    unconfirmed(c, CONF_STOP_ERROR);
}

/* The wedged device wakes after its stop had timed out. */
static void wakes_up(struct conf *c)
{
    struct conf_flow f;

    if (!conf_flow_up(c, &f)) {
        return;
    }
    f.d->stop = CONF_STOP_NEVER;
    CHECK(c, conf_unbind(c, f.bond, 0) == UIOMMU_E_POISONED);
    conf_ask(f.d, f.pasid, CONF_VA, 4);
    conf_send(f.d, f.pasid, CONF_VA, 5, false);
    conf_ask(f.d, f.pasid, CONF_VA, 5);
    conf_run(c, 5 * BENCH_MS);
    CHECK(c, f.a->calls == 0);
    CHECK(c, conf_answer(f.d, 4) == UIOMMU_CODE_INVALID);
    CHECK(c, conf_answer(f.d, 5) == UIOMMU_CODE_INVALID);
    CHECK(c, conf_state(c, f.bond) == UIOMMU_BOND_POISONED);
    model_endpoint_remove(f.d->ep); /* Removal ends it as a reset does (R9). */
    f.d->removed = true;
    CHECK(c, uiommu_device_removed(f.d->dev) == UIOMMU_OK);
    CHECK(c, conf_wait_state(c, f.bond, UIOMMU_BOND_FREE));
}

static void word_at_d2(struct bench *b, const struct uiommu_trace *record, void *arg)
{
    struct conf *c = arg;

    if (record->id == UIOMMU_TRACE_STEP && record->c == UIOMMU_STEP_D2_CONFIG) {
        c->err = uiommu_bond_stopped(b->u, c->at_bond);
    }
}

/* Past the stop's deadline, and before anybody was told that it is withheld. */
static void word_in_drain(struct conf *c)
{
    struct conf_flow f;

    if (!conf_flow_up(c, &f)) {
        return;
    }
    f.d->stop = CONF_STOP_NEVER;
    c->err = UIOMMU_E_INTERNAL;
    c->at_bond = f.bond;
    c->b.trace.hook = word_at_d2;
    c->b.trace.arg = c;
    CHECK(c, conf_unbind(c, f.bond, 0) == UIOMMU_OK && c->err == UIOMMU_OK);
    CHECK(c, conf_wait_state(c, f.bond, UIOMMU_BOND_FREE));
    CHECK(c, conf_unit(c).poisoned == 0);
}

/* The confirmation that comes after the deadline is a proof like any other. */
static void word_comes_late(struct conf *c)
{
    struct conf_flow f;

    if (!conf_flow_up(c, &f)) {
        return;
    }
    f.d->stop = CONF_STOP_NEVER;
    CHECK(c, conf_unbind(c, f.bond, 0) == UIOMMU_E_POISONED);
    CHECK(c, uiommu_bond_stopped(c->b.u, f.bond) == UIOMMU_OK);
    CHECK(c, conf_wait_state(c, f.bond, UIOMMU_BOND_FREE));
}

/* The word comes between the two rounds: both rounds that count come after it. */
static void word_between_rounds(struct conf *c)
{
    struct conf_flow f;
    uint64_t end;

    if (!conf_flow_up(c, &f)) {
        return;
    }
    f.d->stop = CONF_STOP_NEVER;
    CHECK(c, uiommu_unbind_begin(c->b.u, f.bond, UIOMMU_UNBIND_ABORT) == UIOMMU_OK);
    CHECK(c, uiommu_unbind_poll(c->b.u, f.bond) == UIOMMU_PENDING);
    end = bench_now(&c->b) + BENCH_FOREVER;
    while (conf_bond(c, f.bond).barriers == 0 && bench_now(&c->b) < end) {
        conf_run(c, BENCH_SETTLE / 10);
    }
    CHECK(c, uiommu_bond_stopped(c->b.u, f.bond) == UIOMMU_OK);
    CHECK(c, conf_poll(c, f.bond) == UIOMMU_OK || c->b.features.proved);
    CHECK(c, c->b.features.proved || conf_bond(c, f.bond).barriers >= 3);
    CHECK(c, conf_wait_state(c, f.bond, UIOMMU_BOND_FREE));
}

static void removed(struct conf *c)
{
    struct conf_flow f;

    if (!conf_flow_up(c, &f)) {
        return;
    }
    f.a->answer = UIOMMU_CODE_PENDING;
    conf_ask(f.d, f.pasid, CONF_VA, 4);
    conf_run(c, BENCH_MS);
    model_endpoint_remove(f.d->ep);
    f.d->removed = true;
    CHECK(c, uiommu_device_removed(f.d->dev) == UIOMMU_OK);
    CHECK(c, uiommu_device_removed(f.d->dev) == UIOMMU_OK);
    CHECK(c, conf_unbind(c, f.bond, 0) == UIOMMU_OK);
    CHECK(c, f.a->orphans[UIOMMU_ORPHAN_RESET] == 1);
    CHECK(c, conf_respond(c, f.a->seen[0].ref, UIOMMU_CODE_SUCCESS) == UIOMMU_E_STALE);
    CHECK(c, conf_wait_state(c, f.bond, UIOMMU_BOND_FREE));
    c->unanswered = 1;
}

/* One bond's handler keeps nobody else waiting. */
static void neighbours(struct conf *c)
{
    struct uiommu_bond_ref other;
    struct conf_flow f;
    uint32_t pasid;

    if (!conf_flow_up(c, &f)) {
        return;
    }
    pasid = conf_pasid(c);
    if (!conf_bind(c, f.d, f.b, pasid, &other)) {
        return;
    }
    f.a->answer = UIOMMU_CODE_PENDING;
    conf_ask(f.d, f.pasid, CONF_VA, 1);
    conf_run(c, BENCH_MS);
    c->sample = bench_now(&c->b);
    CHECK(c, conf_unbind(c, other, UIOMMU_UNBIND_STOPPED) == UIOMMU_OK);
    CHECK(c, bench_now(&c->b) - c->sample < BENCH_HANDLER);
    CHECK(c, conf_state(c, f.bond) == UIOMMU_BOND_LIVE);
    CHECK(c, conf_respond(c, f.a->seen[0].ref, UIOMMU_CODE_SUCCESS) == UIOMMU_OK);
}

/* Graceful: all that the device has sent is handled before anything is refused. */
static void graceful(struct conf *c)
{
    struct conf_flow f;
    uint32_t i;

    if (!conf_flow_up(c, &f)) {
        return;
    }
    for (i = 0; i < 4; i++) {
        conf_ask(f.d, f.pasid, CONF_VA, i);
    }
    CHECK(c, conf_unbind(c, f.bond, UIOMMU_UNBIND_STOPPED) == UIOMMU_OK);
    CHECK(c, f.a->calls == 4 && conf_counts(f.d).success == 4);
    CHECK(c, conf_unit(c).invalid == 0);
}

/* What left the device before the unbind is handled, however long it takes to arrive. */
static void graceful_from_afar(struct conf *c)
{
    struct conf_flow f;

    if (!conf_flow_up(c, &f)) {
        return;
    }
    bench_fabric(&c->b, BENCH_FAR, BENCH_FAR, 0, 0);
    conf_ask(f.d, f.pasid, CONF_VA, 4);
    CHECK(c, conf_unbind(c, f.bond, UIOMMU_UNBIND_STOPPED) == UIOMMU_OK);
    conf_run(c, 2 * BENCH_MS);
    CHECK(c, f.a->calls == 1 && conf_answer(f.d, 4) == UIOMMU_CODE_SUCCESS);
}

/* And a handler has all the time that it has while its bond lives. */
static void graceful_slow_handler(struct conf *c)
{
    struct conf_flow f;

    if (!conf_flow_up(c, &f)) {
        return;
    }
    f.a->answer = UIOMMU_CODE_PENDING;
    conf_ask(f.d, f.pasid, CONF_VA, 4);
    conf_run(c, BENCH_MS);
    CHECK(c, uiommu_unbind_begin(c->b.u, f.bond, UIOMMU_UNBIND_STOPPED) == UIOMMU_OK);
    conf_run(c, 2 * BENCH_HANDLER);
    CHECK(c, conf_respond(c, f.a->seen[0].ref, UIOMMU_CODE_SUCCESS) == UIOMMU_OK);
    CHECK(c, conf_poll(c, f.bond) == UIOMMU_OK);
    CHECK(c, conf_answer(f.d, 4) == UIOMMU_CODE_SUCCESS);
    CHECK(c, f.a->orphans[UIOMMU_ORPHAN_UNBOUND] == 0);
}

/* A driver without a stop() cannot confirm, but has as much time to say so unasked. */
static void no_stop(struct conf *c)
{
    struct uiommu_device_config config;
    struct uiommu_device_ops ops;
    struct conf_flow f;

    memset(&f, 0, sizeof(f));
    if (!conf_up(c)) {
        return;
    }
    f.d = conf_device_plan(c, NULL, &config);
    f.a = conf_space_make(c);
    f.pasid = conf_pasid(c);
    ops = *uiommu_pcie_ops();
    ops.stop = NULL;
    config.ops = &ops;
    if (conf_failed(c) ||
        !CHECK(c, uiommu_device_attach(c->b.unit, &config, &f.d->dev) == UIOMMU_OK) ||
        !conf_bind(c, f.d, f.a, f.pasid, &f.bond)) {
        return;
    }
    c->sample = bench_now(&c->b);
    CHECK(c, conf_unbind(c, f.bond, 0) == UIOMMU_E_POISONED);
    CHECK(c, bench_now(&c->b) - c->sample >= BENCH_STOP);
    CHECK(c, uiommu_bond_stopped(c->b.u, f.bond) == UIOMMU_OK);
    CHECK(c, conf_wait_state(c, f.bond, UIOMMU_BOND_FREE));
}

static const struct conf_test tests[] = {
    {"I18 L30 unbind: begun twice, polled after the end, all the same", twice},
    {"R14 unbind: the blocking call services the unit by itself", blocking},
    {"R14 I13 L4 L7 unbind: the blocking call in a handler says BUSY", blocking_in_handler},
    {"R14 unbind: begin is legal in a handler", inside_handler},
    {"R14 unbind: stop() may service the unit", stop_calls_service},
    {"R4 L34 unbind: a PENDING stop is waited for, then confirmed", stop_pending},
    {"R4 I21 unbind: a stop that never confirms ends POISONED; a reset releases", stop_never},
    {"R4 L13 unbind: a stop that fails ends POISONED; a reset releases", stop_fails},
    {"R4 unbind: a device that wakes after its stop had timed out", wakes_up},
    {"R9 unbind: the driver's word after the deadline frees the bond", word_comes_late},
    {"R4 R9 unbind: the driver's word in the middle of the drain counts", word_in_drain},
    {"R4 R5 unbind: a confirmation between the rounds is followed by two", word_between_rounds},
    {"R20 L29 unbind: a removed device is not touched", removed},
    {"I23 L8 unbind: a neighbour's handler delays nobody", neighbours},
    {"R10 unbind: graceful handles all that was sent", graceful},
    {"R10 R5 unbind: graceful waits for what is far away", graceful_from_afar},
    {"R10 unbind: graceful leaves a handler its time", graceful_slow_handler},
    {"R4 unbind: a driver without stop() has its time", no_stop},
};
const struct conf_theme conf_unbind_theme = {"unbind", tests, sizeof(tests) / sizeof(tests[0])};
