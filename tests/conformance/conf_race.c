/* SPDX-License-Identifier: BSD-2-Clause */
#include "conf_themes.h"

/*
 * The founding race: a PASID is unbound and the same number is bound to another address space
 * while a request of the old owner is under way. It must never reach the new owner's handler.
 */

#define INDEX 9u

/* The number goes to space b; what was under way has one answer and b never saw it. */
static void hand_over(struct conf *c, struct conf_flow *f, uint32_t flags)
{
    struct uiommu_bond_ref next;

    CHECK(c, conf_unbind(c, f->bond, UIOMMU_UNBIND_STOPPED | flags) == UIOMMU_OK);
    if (!conf_rebind(c, f->d, f->b, f->pasid, &next)) {
        return;
    }
    conf_run(c, 2 * BENCH_MS);
    CHECK(c, f->b->calls == 0);
    CHECK(c, conf_counts(f->d).outstanding == 0);
    /* And the new owner is served. */
    conf_ask(f->d, f->pasid, CONF_VA, 33);
    conf_run(c, BENCH_MS);
    CHECK(c, f->b->calls == 1 && conf_answer(f->d, 33) == UIOMMU_CODE_SUCCESS);
}

static void on_the_bus(struct conf *c, uint32_t flags)
{
    struct conf_flow f;

    if (!conf_flow_up(c, &f)) {
        return;
    }
    bench_fabric(&c->b, 80 * BENCH_US, 100 * BENCH_US, 0, 0);
    conf_ask(f.d, f.pasid, CONF_VA, INDEX);
    hand_over(c, &f, flags);
    CHECK(c, conf_answer(f.d, INDEX) == (flags == 0 ? UIOMMU_CODE_SUCCESS : UIOMMU_CODE_INVALID));
    CHECK(c, f.a->calls == (flags == 0 ? 1 : 0));
}

static void bus_graceful(struct conf *c)
{
    on_the_bus(c, 0);
}

static void bus_abort(struct conf *c)
{
    on_the_bus(c, UIOMMU_UNBIND_ABORT);
}

/* It leaves before the barrier and arrives after it, inside the settle time. */
static void behind_the_barrier(struct conf *c)
{
    struct conf_flow f;

    if (!conf_needs(c, !c->b.features.proved, "a barrier proves that all has arrived") ||
        !conf_flow_up(c, &f)) {
        return;
    }
    bench_fabric(&c->b, 100, BENCH_US, 1000, BENCH_LATE);
    conf_ask(f.d, f.pasid, CONF_VA, INDEX);
    hand_over(c, &f, UIOMMU_UNBIND_ABORT);
    CHECK(c, conf_answer(f.d, INDEX) == UIOMMU_CODE_INVALID && f.a->calls == 0);
    CHECK(c, conf_unit(c).late == 0);
    CHECK(c, conf_events(c, UIOMMU_EVENT_LATE_REQUEST) == 0);
}

/* Hardware has taken it, and writes it into the ring only a while later. */
static void taken_not_written(struct conf *c)
{
    struct conf_flow f;
    uint32_t i;

    if (!conf_flow_up(c, &f)) {
        return;
    }
    bench_fabric(&c->b, 100, BENCH_US, 0, 0);
    if (c->b.vendor->slow_ring != NULL) {
        c->b.vendor->slow_ring(&c->b, (uint32_t)BENCH_LATE);
    }
    for (i = 0; i < 3; i++) { /* One of them takes long. */
        conf_ask(f.d, f.pasid, CONF_VA, INDEX + i);
    }
    bench_advance(&c->b, 2 * BENCH_US);
    hand_over(c, &f, UIOMMU_UNBIND_ABORT);
    for (i = 0; i < 3; i++) {
        CHECK(c, conf_answer(f.d, INDEX + i) == UIOMMU_CODE_INVALID);
    }
    CHECK(c, f.a->calls == 0 && conf_unit(c).late == 0);
    CHECK(c, conf_events(c, UIOMMU_EVENT_LATE_REQUEST) == 0);
}

static void in_the_ring(struct conf *c, uint32_t flags)
{
    struct conf_flow f;

    if (!conf_flow_up(c, &f)) {
        return;
    }
    conf_ask(f.d, f.pasid, CONF_VA, INDEX);
    bench_arrive(&c->b);
    CHECK(c, c->b.vendor->requests_waiting(&c->b) == 1);
    hand_over(c, &f, flags);
    CHECK(c, f.a->calls == (flags == 0 ? 1 : 0));
    CHECK(c, conf_answer(f.d, INDEX) == (flags == 0 ? UIOMMU_CODE_SUCCESS : UIOMMU_CODE_INVALID));
}

static void ring_graceful(struct conf *c)
{
    in_the_ring(c, 0);
}

static void ring_abort(struct conf *c)
{
    in_the_ring(c, UIOMMU_UNBIND_ABORT);
}

static void partial(struct conf *c)
{
    struct conf_flow f;

    if (!conf_flow_up(c, &f)) {
        return;
    }
    conf_send(f.d, f.pasid, CONF_VA, INDEX, false);
    conf_run(c, BENCH_MS);
    CHECK(c, conf_port(f.d).outstanding == 1);
    CHECK(c, conf_unbind(c, f.bond, UIOMMU_UNBIND_STOPPED) == UIOMMU_OK);
    CHECK(c, conf_port(f.d).outstanding == 0);
    if (!conf_rebind(c, f.d, f.b, f.pasid, &f.bond)) {
        return;
    }
    conf_run(c, BENCH_MS);
    CHECK(c, f.a->calls == 0 && f.b->calls == 0);
    CHECK(c, conf_answer(f.d, INDEX) == UIOMMU_CODE_NONE);
}

/* Complete, but not given to its handler: the device's cap is used up by another group. */
static void not_dispatched(struct conf *c)
{
    static const struct conf_how how = {.in_flight = 1};
    struct conf_flow f;

    memset(&f, 0, sizeof(f));
    if (!conf_up(c)) {
        return;
    }
    f.d = conf_device_make(c, &how);
    f.a = conf_space_make(c);
    f.b = conf_space_make(c);
    f.pasid = conf_pasid(c);
    if (conf_failed(c) || !conf_bind(c, f.d, f.a, f.pasid, &f.bond)) {
        return;
    }
    f.a->answer = UIOMMU_CODE_PENDING;
    conf_ask(f.d, f.pasid, CONF_VA, 1);
    conf_ask(f.d, f.pasid, CONF_VA + 4096, INDEX);
    conf_run(c, BENCH_MS);
    if (!CHECK(c, f.a->calls == 1)) {
        return;
    }
    CHECK(c, uiommu_unbind_begin(c->b.u, f.bond, UIOMMU_UNBIND_STOPPED | UIOMMU_UNBIND_ABORT) ==
                 UIOMMU_OK);
    conf_run(c, BENCH_MS);
    CHECK(c, conf_answer(f.d, INDEX) == UIOMMU_CODE_INVALID);
    CHECK(c, conf_respond(c, f.a->seen[0].ref, UIOMMU_CODE_SUCCESS) == UIOMMU_OK);
    hand_over(c, &f, UIOMMU_UNBIND_ABORT);
    CHECK(c, f.a->calls == 1 && conf_answer(f.d, 1) == UIOMMU_CODE_SUCCESS);
}

static void with_the_handler(struct conf *c)
{
    struct uiommu_bond_ref next;
    struct conf_flow f;

    if (!conf_flow_up(c, &f)) {
        return;
    }
    f.a->answer = UIOMMU_CODE_PENDING;
    conf_ask(f.d, f.pasid, CONF_VA, INDEX);
    conf_run(c, BENCH_MS);
    CHECK(c, uiommu_unbind_begin(c->b.u, f.bond, UIOMMU_UNBIND_STOPPED | UIOMMU_UNBIND_ABORT) ==
                 UIOMMU_OK);
    conf_run(c, BENCH_MS);
    CHECK(c, uiommu_unbind_poll(c->b.u, f.bond) == UIOMMU_PENDING);
    CHECK(c, conf_try_bind(c, f.d, f.b, f.pasid, &next) == UIOMMU_E_BUSY);
    CHECK(c, conf_respond(c, f.a->seen[0].ref, UIOMMU_CODE_SUCCESS) == UIOMMU_OK);
    hand_over(c, &f, UIOMMU_UNBIND_ABORT);
    CHECK(c, conf_answer(f.d, INDEX) == UIOMMU_CODE_SUCCESS);
}

/* The handler never answers: the group is taken from it, answered, and a late answer is none. */
static void handler_never_answers(struct conf *c)
{
    struct conf_flow f;

    if (!conf_flow_up(c, &f)) {
        return;
    }
    f.a->answer = UIOMMU_CODE_PENDING;
    conf_ask(f.d, f.pasid, CONF_VA, INDEX);
    conf_run(c, BENCH_MS);
    hand_over(c, &f, UIOMMU_UNBIND_ABORT);
    CHECK(c, f.a->orphans[UIOMMU_ORPHAN_UNBOUND] == 1);
    CHECK(c, conf_answer(f.d, INDEX) == UIOMMU_CODE_INVALID);
    CHECK(c, conf_respond(c, f.a->seen[0].ref, UIOMMU_CODE_SUCCESS) == UIOMMU_E_STALE);
}

/* The address space dies with a request on the bus, in the ring, open and with the handler. */
static void space_dies_mid_flight(struct conf *c)
{
    struct conf_flow f;

    if (!conf_flow_up(c, &f)) {
        return;
    }
    f.a->answer = UIOMMU_CODE_PENDING;
    conf_ask(f.d, f.pasid, CONF_VA, 1);
    conf_send(f.d, f.pasid, CONF_VA, 2, false);
    conf_run(c, BENCH_MS);
    conf_ask(f.d, f.pasid, CONF_VA, 3);
    bench_arrive(&c->b);
    bench_fabric(&c->b, 50 * BENCH_US, 60 * BENCH_US, 0, 0);
    conf_ask(f.d, f.pasid, CONF_VA, 4);
    CHECK(c, uiommu_aspace_exit(f.a->as) == UIOMMU_OK);
    CHECK(c, !bench_uses_tables(&c->b, f.a->tables));
    CHECK(c, conf_respond(c, f.a->seen[0].ref, UIOMMU_CODE_SUCCESS) == UIOMMU_E_DEAD);
    CHECK(c, conf_reap(c, f.a) == UIOMMU_OK);
    if (!conf_rebind(c, f.d, f.b, f.pasid, &f.bond)) {
        return;
    }
    conf_run(c, 2 * BENCH_MS);
    CHECK(c, f.a->calls == 1 && f.b->calls == 0);
    CHECK(c, conf_answer(f.d, 1) == UIOMMU_CODE_INVALID);
    CHECK(c, conf_answer(f.d, 2) == UIOMMU_CODE_NONE);
    CHECK(c, conf_answer(f.d, 3) == UIOMMU_CODE_INVALID);
    CHECK(c, conf_answer(f.d, 4) == UIOMMU_CODE_INVALID);
}

static const struct conf_test tests[] = {
    {"I1 I2 L1 race: a request on the bus, graceful unbind", bus_graceful},
    {"I1 I2 L1 race: a request on the bus, abort", bus_abort},
    {"R5 I2 L40 race: a request arrives after the barrier, inside the settle time",
     behind_the_barrier},
    {"R5 I1 I2 race: hardware has taken a request, and not yet written it", taken_not_written},
    {"I1 I2 L1 race: a request in the ring, graceful unbind", ring_graceful},
    {"I1 I2 L1 race: a request in the ring, abort", ring_abort},
    {"I2 L20 race: an open group of the old owner dies with the bond", partial},
    {"R10 race: a complete group whose handler was not called is INVALID", not_dispatched},
    {"I2 R6 race: a group with its handler keeps the number", with_the_handler},
    {"R27 L14 race: a handler that never answers is told and cannot delay for ever",
     handler_never_answers},
    {"R11 I15 L2 race: the address space dies with requests everywhere", space_dies_mid_flight},
};
const struct conf_theme conf_race_theme = {"race", tests, sizeof(tests) / sizeof(tests[0])};
