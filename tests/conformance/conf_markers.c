/* SPDX-License-Identifier: BSD-2-Clause */
#include "conf_themes.h"

/* Stop Markers: a device's word, worth something only where it is believed. */

#define TRUSTED                                                                                    \
    (UIOMMU_DEVICE_PASID | UIOMMU_DEVICE_ATS | UIOMMU_DEVICE_PRI | UIOMMU_DEVICE_TRUST_MARKERS)

static bool flow_up(struct conf *c, struct conf_flow *f, bool trusted)
{
    struct conf_how how = {.flags = trusted ? TRUSTED : 0};

    memset(f, 0, sizeof(*f));
    if (!conf_up(c)) {
        return false;
    }
    f->d = conf_device_make(c, &how);
    f->a = conf_space_make(c);
    f->b = conf_space_make(c);
    f->pasid = conf_pasid(c);
    return !conf_failed(c) && conf_bind(c, f->d, f->a, f->pasid, &f->bond);
}

/* Known, unknown, in any state: a marker has no answer, and leaves no group. */
static void never_answered(struct conf *c)
{
    struct conf_flow f;

    if (!flow_up(c, &f, false)) {
        return;
    }
    conf_marker(f.d, f.pasid);
    conf_marker(f.d, 0x777);
    conf_run(c, BENCH_MS);
    CHECK(c, uiommu_aspace_exit(f.a->as) == UIOMMU_OK);
    conf_marker(f.d, f.pasid);
    conf_run(c, BENCH_MS);
    CHECK(c, conf_reap(c, f.a) == UIOMMU_OK);
    conf_marker(f.d, f.pasid);
    conf_run(c, BENCH_MS);
    CHECK(c, conf_counts(f.d).marker_answers == 0 && conf_counts(f.d).invalid == 0);
    CHECK(c, c->b.vendor->answers(&c->b) == 0 && f.a->calls == 0);
    /* Where hardware looks first, those of a PASID without an entry end there. */
    CHECK(c,
          !c->b.features.markers || conf_unit(c).markers >= (c->b.features.unknown_pasids ? 4 : 1));
    CHECK(c, conf_unit(c).late == 0);
}

/* Markers that counted, and barriers. */
static void on_step(struct bench *b, const struct uiommu_trace *record, void *arg)
{
    struct conf *c = arg;

    (void)b;
    c->counter += record->id == UIOMMU_TRACE_MARKER && record->c == 1;
    c->sample += record->id == UIOMMU_TRACE_STEP && record->c == UIOMMU_STEP_D3;
}

static void count_steps(struct conf *c)
{
    c->b.trace.hook = on_step;
    c->b.trace.arg = c;
}

/* A believed marker confirms a stop that the driver never confirms. */
static void confirms(struct conf *c)
{
    struct conf_flow f;

    if (!conf_needs_markers(c) || !flow_up(c, &f, true)) {
        return;
    }
    f.d->stop = CONF_STOP_LATER;
    count_steps(c);
    CHECK(c, conf_unbind(c, f.bond, 0) == UIOMMU_OK);
    CHECK(c, f.d->stops == 1 && c->counter == 1);
}

/* It saves the second barrier, never the first. */
static void ends_early(struct conf *c)
{
    struct conf_flow f;

    if (!conf_needs_markers(c) || !flow_up(c, &f, true)) {
        return;
    }
    count_steps(c);
    if (!c->b.features.unknown_pasids) {
        f.d->stop = CONF_STOP_LATER; /* Else it may find its entry gone, and end in hardware. */
    }
    CHECK(c, conf_unbind(c, f.bond, UIOMMU_UNBIND_ABORT) == UIOMMU_OK);
    CHECK(c, c->counter == 1 && c->sample == 1);
    CHECK(c, conf_rebind(c, f.d, f.b, f.pasid, &f.bond));
}

static void distrusted(struct conf *c)
{
    struct conf_flow f;

    if (!flow_up(c, &f, false)) {
        return;
    }
    f.d->stop = CONF_STOP_LATER;
    count_steps(c);
    CHECK(c, conf_unbind(c, f.bond, UIOMMU_UNBIND_ABORT) == UIOMMU_E_POISONED);
    CHECK(c, !conf_bond(c, f.bond).marker_seen && c->counter == 0);
    CHECK(c, c->sample >= (c->b.features.proved ? 1 : 2));
}

/* Lost: takes longer, and ends well. */
static void lost(struct conf *c)
{
    struct model_endpoint_knobs knobs;
    struct conf_flow f;

    if (!flow_up(c, &f, true)) {
        return;
    }
    memset(&knobs, 0, sizeof(knobs));
    knobs.lose_marker = true;
    conf_knobs(f.d, &knobs);
    count_steps(c);
    CHECK(c, conf_unbind(c, f.bond, UIOMMU_UNBIND_ABORT) == UIOMMU_OK);
    CHECK(c, !conf_bond(c, f.bond).marker_seen && c->counter == 0);
    CHECK(c, c->sample >= (c->b.features.proved ? 1 : 2));
    CHECK(c, conf_rebind(c, f.d, f.b, f.pasid, &f.bond));
}

/* A marker with a request of its PASID behind it was none. */
static void forged(struct conf *c)
{
    struct conf_flow f;

    if (!flow_up(c, &f, true)) {
        return;
    }
    conf_marker(f.d, f.pasid);
    bench_arrive(&c->b);
    conf_ask(f.d, f.pasid, CONF_VA, 1);
    bench_arrive(&c->b);
    f.d->stop = CONF_STOP_NEVER;
    CHECK(c, conf_unbind(c, f.bond, 0) == UIOMMU_E_POISONED);
    CHECK(c, !conf_bond(c, f.bond).marker_seen);
    CHECK(c, f.a->calls == 1);
}

/* One after the other while the sweep waits for a handler: they do not put the deadline off. */
static void forged_for_ever(struct conf *c)
{
    struct conf_flow f;
    uint64_t end;
    uint32_t i;

    if (!flow_up(c, &f, true)) {
        return;
    }
    f.d->stop = CONF_STOP_NEVER;
    f.a->answer = UIOMMU_CODE_PENDING;
    conf_ask(f.d, f.pasid, CONF_VA, 0);
    conf_run(c, BENCH_MS);
    CHECK(c, uiommu_unbind_begin(c->b.u, f.bond, 0) == UIOMMU_OK);
    CHECK(c, uiommu_unbind_poll(c->b.u, f.bond) == UIOMMU_PENDING);
    end = bench_now(&c->b) + 4 * BENCH_STOP;
    for (i = 1; bench_now(&c->b) < end && conf_state(c, f.bond) == UIOMMU_BOND_STOPPING; i++) {
        conf_marker(f.d, f.pasid);
        bench_arrive(&c->b);
        bench_step(&c->b, BENCH_US);
        conf_ask(f.d, f.pasid, CONF_VA, i);
        bench_arrive(&c->b);
        conf_run(c, BENCH_STOP / 4);
        if (f.a->calls == i + 1) { /* The sweep always has one to wait for. */
            CHECK(c, conf_respond(c, f.a->seen[i - 1].ref, UIOMMU_CODE_SUCCESS) == UIOMMU_OK);
        }
    }
    CHECK(c, i > 3 && bench_now(&c->b) < end);
    CHECK(c, conf_poll(c, f.bond) == UIOMMU_E_POISONED);
    CHECK(c, (conf_bond(c, f.bond).missing & UIOMMU_PROOF_STOP) != 0);
}

/* Forged and believed: what follows the marker meets a closed gate or a resting number. */
static void forged_and_believed(struct conf *c)
{
    struct uiommu_bond_ref next;
    struct conf_flow f;

    if (!conf_needs_markers(c) || !flow_up(c, &f, true)) {
        return;
    }
    f.d->stop = CONF_STOP_NEVER;
    conf_marker(f.d, f.pasid);
    bench_arrive(&c->b);
    CHECK(c, conf_unbind(c, f.bond, UIOMMU_UNBIND_ABORT) == UIOMMU_OK);
    conf_ask(f.d, f.pasid, CONF_VA, 1);
    bench_arrive(&c->b);
    conf_run(c, 2 * BENCH_MS);
    CHECK(c, f.a->calls == 0 && conf_answer(f.d, 1) == UIOMMU_CODE_INVALID);
    if (conf_try_bind(c, f.d, f.b, f.pasid, &next) == UIOMMU_OK) {
        conf_run(c, BENCH_MS);
        CHECK(c, f.b->calls == 0);
    }
}

/* It may come before the driver's stop: remembered. */
static void in_live(struct conf *c)
{
    struct conf_flow f;

    if (!conf_needs_markers(c) || !flow_up(c, &f, true)) {
        return;
    }
    conf_marker(f.d, f.pasid);
    conf_run(c, BENCH_MS);
    CHECK(c, conf_bond(c, f.bond).marker_seen && conf_state(c, f.bond) == UIOMMU_BOND_LIVE);
    CHECK(c, !conf_bond(c, f.bond).stop_confirmed);
    f.d->stop = CONF_STOP_NEVER;
    CHECK(c, conf_unbind(c, f.bond, 0) == UIOMMU_OK);
}

/* Another device's reset voids nothing. */
static void neighbour_resets(struct conf *c)
{
    struct conf_device *e;
    struct conf_flow f;

    if (!conf_needs_markers(c) || !flow_up(c, &f, true)) {
        return;
    }
    e = conf_device_make(c, NULL);
    if (e == NULL) {
        return;
    }
    f.a->answer = UIOMMU_CODE_PENDING;
    conf_ask(f.d, f.pasid, CONF_VA, 1);
    conf_run(c, BENCH_MS / 2);
    conf_marker(f.d, f.pasid);
    f.d->stop = CONF_STOP_NEVER;
    CHECK(c, uiommu_unbind_begin(c->b.u, f.bond, 0) == UIOMMU_OK);
    CHECK(c, uiommu_unbind_poll(c->b.u, f.bond) == UIOMMU_PENDING);
    conf_run(c, BENCH_MS / 2);
    CHECK(c, conf_bond(c, f.bond).marker_seen && f.a->calls == 1);
    CHECK(c, conf_reset(c, e) == UIOMMU_OK);
    CHECK(c, conf_bond(c, f.bond).marker_seen);
    CHECK(c, conf_respond(c, f.a->seen[0].ref, UIOMMU_CODE_SUCCESS) == UIOMMU_OK);
    CHECK(c, conf_poll(c, f.bond) == UIOMMU_OK);
}

/* A life that ended without its marker: the next marker may be that one, and counts nothing. */
static void whose(struct conf *c)
{
    struct model_endpoint_knobs knobs;
    struct conf_flow f;

    if (!conf_needs_markers(c) || !flow_up(c, &f, true)) {
        return;
    }
    memset(&knobs, 0, sizeof(knobs));
    knobs.lose_marker = true;
    conf_knobs(f.d, &knobs);
    CHECK(c, conf_unbind(c, f.bond, 0) == UIOMMU_OK);
    if (!conf_rebind(c, f.d, f.b, f.pasid, &f.bond)) {
        return;
    }
    conf_marker(f.d, f.pasid);
    conf_run(c, BENCH_MS);
    CHECK(c, !conf_bond(c, f.bond).marker_seen);
    f.d->stop = CONF_STOP_NEVER;
    CHECK(c, conf_unbind(c, f.bond, 0) == UIOMMU_E_POISONED);
    /* A reset makes markers trustworthy again. */
    CHECK(c, conf_reset(c, f.d) == UIOMMU_OK);
    if (!conf_rebind(c, f.d, f.a, f.pasid, &f.bond)) {
        return;
    }
    conf_marker(f.d, f.pasid);
    conf_run(c, BENCH_MS);
    CHECK(c, conf_bond(c, f.bond).marker_seen);
}

/* Queued before the life began: it is of another one. */
static void before_the_life(struct conf *c)
{
    struct conf_flow f;
    uint32_t pasid;

    if (!conf_needs_markers(c) || !flow_up(c, &f, true)) {
        return;
    }
    pasid = conf_pasid(c);
    conf_marker(f.d, pasid);
    bench_arrive(&c->b);
    if (!conf_bind(c, f.d, f.b, pasid, &f.bond)) {
        return;
    }
    conf_run(c, BENCH_MS);
    CHECK(c, !conf_bond(c, f.bond).marker_seen);
}

/* Once consumed, a later overflow does not take it back. */
static void survives_overflow(struct conf *c)
{
    struct conf_flow f;

    if (!conf_needs_markers(c) || !flow_up(c, &f, true)) {
        return;
    }
    conf_marker(f.d, f.pasid);
    conf_run(c, BENCH_MS);
    c->b.vendor->overflow(&c->b);
    conf_run(c, BENCH_MS);
    CHECK(c, conf_bond(c, f.bond).marker_seen);
    f.d->stop = CONF_STOP_NEVER;
    CHECK(c, conf_unbind(c, f.bond, 0) == UIOMMU_OK);
}

/* No more stops at a time than the queue keeps room for. */
static void on_bond(struct bench *b, const struct uiommu_trace *record, void *arg)
{
    struct conf *c = arg;

    (void)b;
    if (record->id == UIOMMU_TRACE_STEP && record->c == UIOMMU_STEP_STOP) {
        c->counter++;
        c->sample = c->counter > c->sample ? c->counter : c->sample;
    }
    if (record->id == UIOMMU_TRACE_BOND && record->c == UIOMMU_BOND_STOPPING) {
        c->counter--;
    }
}

static void reserve(struct conf *c)
{
    struct uiommu_bond_ref bond[8];
    struct conf_flow f;
    uint32_t i, round;

    c->b.config.marker_reserve = 2;
    if (!flow_up(c, &f, true)) {
        return;
    }
    for (i = 0; i < 8; i++) {
        if (!conf_bind(c, f.d, f.a, conf_pasid(c), &bond[i])) {
            return;
        }
    }
    c->b.trace.hook = on_bond;
    c->b.trace.arg = c;
    f.d->stop = CONF_STOP_NEVER;
    for (i = 0; i < 8; i++) {
        CHECK(c, uiommu_unbind_begin(c->b.u, bond[i], UIOMMU_UNBIND_ABORT) == UIOMMU_OK);
    }
    for (round = 0; round < 3; round++) {
        for (i = 0; i < 8; i++) {
            CHECK(c, uiommu_unbind_poll(c->b.u, bond[i]) == UIOMMU_PENDING);
        }
    }
    CHECK(c, f.d->stops == 2);
    f.d->stop = CONF_STOP_HONEST;
    for (i = 0; i < 2; i++) {
        CHECK(c, uiommu_bond_stopped(c->b.u, bond[i]) == UIOMMU_OK);
    }
    for (i = 0; i < 8; i++) {
        CHECK(c, conf_poll(c, bond[i]) == UIOMMU_OK);
    }
    CHECK(c, f.d->stops == 8 && c->sample >= 1 && c->sample <= 2);
}

static const struct conf_test tests[] = {
    {"I3 R8 markers: never answered, in any state", never_answered},
    {"R4 R8 markers: a believed one confirms the stop", confirms},
    {"R5 R8 markers: a believed one saves the second barrier, not the first", ends_early},
    {"R8 markers: one that is not believed proves nothing", distrusted},
    {"R8 L40 markers: a lost one is never fatal", lost},
    {"R8 markers: one with a request behind it was none", forged},
    {"R8 I21 markers: forged ones without end do not put the stop's deadline off", forged_for_ever},
    {"R8 R3 markers: forged and believed, the rest of the device is still refused",
     forged_and_believed},
    {"R8 markers: one that comes before the stop is remembered", in_live},
    {"R8 R33 markers: a neighbour's reset voids none", neighbour_resets},
    {"R8 markers: after a life that ended without one, none counts until a reset", whose},
    {"R8 R2 markers: one from before the life is not of it", before_the_life},
    {"R8 markers: once seen, an overflow does not void it", survives_overflow},
    {"R30 I9 markers: no more stops at a time than the reserve", reserve},
};
const struct conf_theme conf_markers_theme = {"markers", tests, sizeof(tests) / sizeof(tests[0])};
