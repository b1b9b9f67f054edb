/* SPDX-License-Identifier: BSD-2-Clause */
#include "worlds.h"

/*
 * The races that shutdown is made for, each in the smallest world that has it: what comes before
 * was done while nothing interleaved, and two CPUs are left. Their schedules are gone through to
 * the end of the bound.
 */

/* One open, one complete: both lie in the ring, nobody has looked. */
static void two_in_the_ring(struct conf *c)
{
    conf_send(w.d, w.pasid, LIFE(1, 1), 1, false);
    conf_ask(w.d, w.pasid, LIFE(1, 2), 2);
    bench_advance(&c->b, 3 * BENCH_US);
}

/* One is with its handler's owner. */
static bool one_pending(struct conf *c)
{
    w.pend = true;
    w.space[1]->answer = UIOMMU_CODE_PENDING;
    conf_ask(w.d, w.pasid, LIFE(1, 1), 1);
    conf_run(c, BENCH_MS);
    CHECK(c, w.pendings == 1);
    return !conf_failed(c);
}

static bool is_due(void *arg)
{
    const struct bench *b = arg;

    return b->irq || b->due;
}

/* Deadlines are left to who unbinds: both would wake at each of them. */
static void serves(struct sim *s, void *arg)
{
    struct bench *b = arg;

    for (;;) {
        (void)sim_until(s, is_due, b, SIM_NEVER);
        b->irq = false;
        b->due = false;
        w.err = uiommu_unit_service(b->unit, 0);
        b->due |= w.err == UIOMMU_MORE;
    }
}

static void service(struct sim *s)
{
    sim_cpu(s, "service", serves, sim_bench(s), SIM_DAEMON);
}

/* ---- the number is unbound and bound again ---- */

static void ends_and_begins(struct sim *s, void *arg)
{
    (void)arg;
    world_unbind(s, UIOMMU_UNBIND_STOPPED | UIOMMU_UNBIND_ABORT);
    world_rebind(s);
    conf_ask(w.d, w.pasid, LIFE(2, 1), 1); /* The index of what was open. */
    world_answer(s, w.d, 1, UIOMMU_CODE_SUCCESS);
}

static void build_rebind(struct sim *s, struct conf *c, void *arg)
{
    (void)arg;
    if (world_up(s, c, NULL)) {
        two_in_the_ring(c);
        w.looks_at_port = true;
        sim_cpu(s, "task", ends_and_begins, NULL, 0);
        service(s);
    }
}

/* ---- the space dies while the bond ends ---- */

static void ends(struct sim *s, void *arg)
{
    uiommu_err err;

    (void)arg;
    err = uiommu_unbind(sim_bench(s)->u, w.bond, UIOMMU_UNBIND_STOPPED | UIOMMU_UNBIND_ABORT);
    SIM_CHECK(s, "unbind", err == UIOMMU_OK);
    SIM_CHECK(s, "D1 waits", conf_answer(w.d, 1) != UIOMMU_CODE_NONE);
    SIM_CHECK(s, "I2 entry", !sim_bench(s)->vendor->reaches(sim_bench(s), w.d->id, w.pasid));
}

static void kills(struct sim *s, void *arg)
{
    struct conf *c = sim_conf(s);
    uiommu_err err;

    (void)arg;
    err = uiommu_aspace_exit(w.space[1]->as);
    SIM_CHECK(s, "exit", err == UIOMMU_OK);
    SIM_CHECK(s, "I15", !bench_uses_tables(&c->b, w.space[1]->tables));
    err = uiommu_group_respond(c->b.unit, w.pending[0], UIOMMU_CODE_SUCCESS);
    SIM_CHECK(s, "R11", err != UIOMMU_OK);
}

static void build_exit(struct sim *s, struct conf *c, void *arg)
{
    (void)arg;
    if (world_up(s, c, NULL) && one_pending(c)) {
        w.dies = true;
        sim_cpu(s, "task", ends, NULL, 0);
        sim_cpu(s, "killer", kills, NULL, 0);
    }
}

/* ---- an answer while the device is reset ---- */

static void resets(struct sim *s, void *arg)
{
    struct bench *b = sim_bench(s);
    uiommu_err err;

    (void)arg;
    err = uiommu_device_reset_begin(w.d->dev);
    SIM_CHECK(s, "reset", err == UIOMMU_OK);
    w.mark = b->vendor->answers(b);
    model_endpoint_reset(w.d->ep);
    do {
        err = uiommu_device_reset_end(w.d->dev);
        sim_sleep(s, 10 * BENCH_US);
    } while (err == UIOMMU_PENDING);
    SIM_CHECK(s, "reset", err == UIOMMU_OK);
    sim_sleep(s, 100 * BENCH_US);
    SIM_CHECK(s, "I19", b->vendor->answers(b) == w.mark);
}

static void answers(struct sim *s, void *arg)
{
    (void)arg;
    w.err = uiommu_group_respond(sim_bench(s)->unit, w.pending[0], UIOMMU_CODE_SUCCESS);
}

static void build_reset(struct sim *s, struct conf *c, void *arg)
{
    (void)arg;
    if (world_up(s, c, NULL) && one_pending(c)) {
        c->no_balance = true;
        sim_cpu(s, "reset", resets, NULL, 0);
        sim_cpu(s, "responder", answers, NULL, 0);
    }
}

/* ---- the queue overflows between D3 and D4 ---- */

static void on_step(struct bench *b, const struct uiommu_trace *record, void *arg)
{
    (void)arg;
    if (record->id == UIOMMU_TRACE_STEP && record->c == UIOMMU_STEP_D3) {
        /* In the last round: the first, where its barrier is proof enough. Once: a drain repeats D3
         * for that only once. */
        w.flag[3] = ++w.count[1] == (b->features.proved ? 1 : 2);
        if (w.flag[3]) {
            b->vendor->overflow(b);
        }
    }
    if (record->id == UIOMMU_TRACE_BOND && record->d == UIOMMU_BOND_QUARANTINE && w.flag[3]) {
        sim_fail(sim_the(), "I11 restart", "a drain ended without a barrier after an overflow");
    }
}

static void ends_in_overflow(struct sim *s, void *arg)
{
    (void)arg;
    world_unbind(s, UIOMMU_UNBIND_STOPPED | UIOMMU_UNBIND_ABORT);
}

static void build_overflow(struct sim *s, struct conf *c, void *arg)
{
    (void)arg;
    if (world_up(s, c, NULL)) {
        two_in_the_ring(c);
        c->b.trace.hook = on_step;
        sim_cpu(s, "task", ends_in_overflow, NULL, 0);
        service(s);
    }
}

/* ---- the ring is read one entry at a time, and more come with D3 ---- */

static void ends_slowly(struct sim *s, void *arg)
{
    struct bench *b = sim_bench(s);
    uint32_t i;

    (void)arg;
    w.err = uiommu_unbind_begin(b->u, w.bond, UIOMMU_UNBIND_STOPPED | UIOMMU_UNBIND_ABORT);
    SIM_CHECK(s, "unbind", w.err == UIOMMU_OK);
    for (i = 0; i < 24; i++) {
        w.err = uiommu_unit_service(b->unit, 1);
        sim_sleep(s, 150 * BENCH_US);
    }
}

static void looks_once(struct sim *s, void *arg)
{
    (void)arg;
    w.err = uiommu_unit_service(sim_bench(s)->unit, 1);
}

static void build_slow(struct sim *s, struct conf *c, void *arg)
{
    (void)arg;
    if (world_up(s, c, NULL)) {
        w.slow = true;
        w.at_d3 = 3;
        c->no_balance = true;
        two_in_the_ring(c);
        sim_cpu(s, "task", ends_slowly, NULL, 0);
        sim_cpu(s, "service", looks_once, NULL, 0);
    }
}

/* ---- what was asked last comes after the barrier ---- */

static void ends_late(struct sim *s, void *arg)
{
    (void)arg;
    world_unbind(s, UIOMMU_UNBIND_STOPPED | UIOMMU_UNBIND_ABORT);
    sim_sleep(s, BENCH_MS);
    SIM_CHECK(s, "R3 late", conf_unit(sim_conf(s)).late == 0);
}

static void build_late(struct sim *s, struct conf *c, void *arg)
{
    (void)arg;
    if (world_up(s, c, NULL)) {
        conf_ask(w.d, w.pasid, LIFE(1, 1), 1);
        w.at_d3 = 1;
        sim_cpu(s, "task", ends_late, NULL, 0);
        service(s);
    }
}

/* ---- a Stop Marker ends the stop that the driver began ---- */

static void ends_by_marker(struct sim *s, void *arg)
{
    (void)arg;
    w.err = uiommu_unbind(sim_bench(s)->u, w.bond, 0);
    SIM_CHECK(s, "R8", w.err == UIOMMU_OK);
    world_gone(s);
}

static void build_marker(struct sim *s, struct conf *c, void *arg)
{
    static const struct conf_how how = {.flags = UIOMMU_DEVICE_PASID | UIOMMU_DEVICE_ATS |
                                                 UIOMMU_DEVICE_PRI | UIOMMU_DEVICE_TRUST_MARKERS};

    (void)arg;
    if (c->b.features.markers && world_up(s, c, &how)) {
        w.d->stop = CONF_STOP_LATER; /* Nobody else confirms. */
        two_in_the_ring(c);
        sim_cpu(s, "task", ends_by_marker, NULL, 0);
        service(s);
    }
}

/* ---- two devices, two numbers, three requests, a ring of four ---- */

static void ends_first(struct sim *s, void *arg)
{
    (void)arg;
    world_unbind(s, UIOMMU_UNBIND_STOPPED | UIOMMU_UNBIND_ABORT);
    world_rebind(s);
    world_set(s, 0);
}

static void ends_second(struct sim *s, void *arg)
{
    struct bench *b = sim_bench(s);

    (void)arg;
    w.err = uiommu_unbind(b->u, w.other_bond, UIOMMU_UNBIND_STOPPED);
    SIM_CHECK(s, "unbind", w.err == UIOMMU_OK);
    SIM_CHECK(s, "I2 entry", !b->vendor->reaches(b, w.e->id, w.other));
    SIM_CHECK(s, "I3", conf_answer(w.e, 2) == UIOMMU_CODE_SUCCESS); /* Its sweep served it. */
}

/* Begins at any time; the first one's calls serve both. Two that wait for deadlines would wake at
 * each of them, in either order. */
static void begins_second(struct sim *s, void *arg)
{
    w.err = uiommu_unbind_begin(sim_bench(s)->u, w.other_bond, UIOMMU_UNBIND_STOPPED);
    SIM_CHECK(s, "unbind", w.err == UIOMMU_OK);
    world_wait(s, 0);
    ends_second(s, arg);
}

/* What is granted leaves the queue as many places as one of four entries has. The ring is full as
 * far as credits go, both use the same index, and the first bond's group is open. */
static bool four(struct sim *s, struct conf *c)
{
    static const struct conf_how one = {.want = 1}, two = {.want = 2};

    c->b.config.marker_reserve = c->b.features.request_room - 4;
    if (!world_up(s, c, &two)) {
        return false;
    }
    w.e = conf_device_make(c, &one);
    if (w.e == NULL || !conf_bind(c, w.e, w.space[2], w.other, &w.other_bond)) {
        return false;
    }
    two_in_the_ring(c);
    conf_ask(w.e, w.other, LIFE(2, 3), 2);
    bench_advance(&c->b, 3 * BENCH_US);
    sim_cpu(s, "first", ends_first, NULL, 0);
    return true;
}

static void build_four(struct sim *s, struct conf *c, void *arg)
{
    if (four(s, c)) {
        sim_cpu(s, "second", begins_second, arg, 0);
    }
}

void world_both(struct sim *s, struct conf *c, void *arg)
{
    if (four(s, c)) {
        sim_cpu(s, "second", ends_second, arg, 0);
    }
}

const struct world worlds_core[] = {
    {"core rebind", "unbind and bind beside service", false, build_rebind, world_balance},
    {"core exit", "unbind beside exit, with a group pending", false, build_exit, NULL},
    {"core reset", "a reset beside an answer", false, build_reset, NULL},
    {"core overflow", "an overflow between D3 and D4, beside service", false, build_overflow, NULL},
    {"core slow", "the ring is read slowly while a bond ends", false, build_slow, NULL},
    {"core late", "what was asked last comes after the barrier", true, build_late, NULL},
    {"core four", "two devices, two numbers, three requests in a ring of four, both end", false,
     build_four, world_balance},
    {"core role", "three want the service role", false, world_role, world_after_role},
    {"core kick", "service becomes due while the role is given up", false, world_kick,
     world_after_kick},
    {"core polls", "two poll the end of one bond", false, world_polls, world_after_polls},
    {"core marker", "a stop that a marker confirms, beside service", false, build_marker, NULL},
};
const uint32_t worlds_core_count = sizeof(worlds_core) / sizeof(worlds_core[0]);
