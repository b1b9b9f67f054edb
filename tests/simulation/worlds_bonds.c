/* SPDX-License-Identifier: BSD-2-Clause */
#include "worlds.h"

/* Worlds in which a bond ends. */

/* ---- the founding race: the number is unbound and bound to another ---- */

static void warm(struct conf *c)
{
    (void)bench_map(&c->b, w.space[1]->tables, LIFE(1, 0), UIOMMU_READ | UIOMMU_WRITE);
    (void)conf_access(w.d, w.pasid, LIFE(1, 0), MODEL_READ);
}

/* One complete, one open, then it has stopped for good; later the next life's. */
static void first_and_next(struct sim *s, void *arg)
{
    (void)arg;
    sim_step(s);
    conf_send(w.d, w.pasid, LIFE(1, 1), 1, false);
    sim_step(s);
    conf_ask(w.d, w.pasid, LIFE(1, 2), 2);
    world_set(s, 0);
    world_wait(s, 1);
    conf_ask(w.d, w.pasid, LIFE(2, 1), 1); /* The index of what was open. */
    world_answer(s, w.d, 1, UIOMMU_CODE_SUCCESS);
    world_answer(s, w.d, 2, UIOMMU_CODE_NONE);
}

static void end_and_next(struct sim *s, void *arg)
{
    (void)arg;
    world_wait(s, 0);
    world_unbind(s, UIOMMU_UNBIND_STOPPED | w.count[0]);
    world_rebind(s);
    world_set(s, 1);
}

static void build_rebind(struct sim *s, struct conf *c, void *arg)
{
    (void)arg;
    if (world_up(s, c, NULL)) {
        warm(c);
        w.touches = true;
        w.looks_at_port = true;
        w.count[0] = UIOMMU_UNBIND_ABORT;
        sim_cpu(s, "device", first_and_next, NULL, 0);
        sim_cpu(s, "task", end_and_next, NULL, 0);
        world_daemons(s, 1);
    }
}

/* ---- what left last is far away, and the ring is read slowly ---- */

static void ends_far(struct sim *s, void *arg)
{
    (void)arg;
    w.err = uiommu_unbind(sim_bench(s)->u, w.bond, UIOMMU_UNBIND_STOPPED | UIOMMU_UNBIND_ABORT);
    SIM_CHECK(s, "unbind", w.err == UIOMMU_OK);
    SIM_CHECK(s, "D3", model_fabric_in_flight(sim_bench(s)->fabric, UINT32_MAX) == 0);
    world_rebind(s);
    sim_sleep(s, BENCH_MS);
}

static void build_far(struct sim *s, struct conf *c, void *arg)
{
    (void)arg;
    w.no_present = true;
    if (world_up(s, c, NULL)) {
        bench_fabric(&c->b, BENCH_FAR, BENCH_FAR, 0, 0);
        w.at_d3 = 1;
        sim_cpu(s, "task", ends_far, NULL, 0);
        world_daemons(s, 1);
    }
}

static void ends_by_polls(struct sim *s, void *arg)
{
    (void)arg;
    w.err =
        uiommu_unbind_begin(sim_bench(s)->u, w.bond, UIOMMU_UNBIND_STOPPED | UIOMMU_UNBIND_ABORT);
    SIM_CHECK(s, "unbind", w.err == UIOMMU_OK);
    world_rebind(s);
}

static void build_slow(struct sim *s, struct conf *c, void *arg)
{
    (void)arg;
    if (world_up(s, c, NULL)) {
        w.slow = true;
        w.at_d3 = 3;
        sim_cpu(s, "task", ends_by_polls, NULL, 0);
        sim_cpu(s, "slow", world_slow_servicer, sim_bench(s), SIM_DAEMON);
    }
}

/* ---- a request of before the life ---- */

static void asks_unborn(struct sim *s, void *arg)
{
    (void)arg;
    sim_step(s);
    conf_ask(w.d, w.other, LIFE(1, 1), 1);
    sim_sleep(s, 3 * BENCH_US); /* It is in the ring. */
    world_set(s, 0);
    world_answer(s, w.d, 1, UIOMMU_CODE_INVALID);
}

static void begins(struct sim *s, void *arg)
{
    (void)arg;
    world_wait(s, 0);
    w.err = conf_try_bind(sim_conf(s), w.d, w.space[2], w.other, &w.other_bond);
    SIM_CHECK(s, "bind", w.err == UIOMMU_OK);
    world_set(s, 1);
}

/* Nobody looks at the ring before. */
static void services_late(struct sim *s, void *arg)
{
    world_wait(s, w.count[1]);
    sim_servicer(s, arg);
}

static void build_birth(struct sim *s, struct conf *c, void *arg)
{
    (void)arg;
    if (world_up(s, c, NULL)) {
        w.count[1] = 1;
        sim_cpu(s, "device", asks_unborn, NULL, 0);
        sim_cpu(s, "task", begins, NULL, 0);
        sim_cpu(s, "service", services_late, sim_bench(s), SIM_DAEMON);
    }
}

static void build_graceful(struct sim *s, struct conf *c, void *arg)
{
    (void)arg;
    if (world_up(s, c, NULL)) {
        sim_cpu(s, "device", first_and_next, NULL, 0);
        sim_cpu(s, "task", end_and_next, NULL, 0);
        world_daemons(s, 2);
    }
}

/* ---- two devices and two numbers, the same indices ---- */

static void neighbour(struct sim *s, void *arg)
{
    (void)arg;
    sim_step(s);
    conf_ask(w.e, w.other, LIFE(2, 3), 2);
    world_answer(s, w.e, 2, UIOMMU_CODE_SUCCESS);
}

static void build_two(struct sim *s, struct conf *c, void *arg)
{
    (void)arg;
    if (!world_up(s, c, NULL)) {
        return;
    }
    w.e = conf_device_make(c, NULL);
    if (w.e == NULL || !conf_bind(c, w.e, w.space[2], w.other, &w.other_bond)) {
        return;
    }
    w.count[0] = UIOMMU_UNBIND_ABORT;
    sim_cpu(s, "device", first_and_next, NULL, 0);
    sim_cpu(s, "neighbour", neighbour, NULL, 0);
    sim_cpu(s, "task", end_and_next, NULL, 0);
    world_daemons(s, 1);
}

/* ---- a group is with its handler when the bond ends ---- */

static void one_request(struct sim *s, void *arg)
{
    (void)arg;
    sim_step(s);
    conf_ask(w.d, w.pasid, LIFE(1, 1), 1);
    world_set(s, 0);
    world_answer(s, w.d, 1, UIOMMU_CODE_NONE);
}

static bool is_pending(void *arg)
{
    (void)arg;
    return w.pendings > 0;
}

static void responder(struct sim *s, void *arg)
{
    uiommu_err err;

    (void)arg;
    if (!sim_until(s, is_pending, NULL, 2 * BENCH_MS)) {
        return;
    }
    sim_sleep(s, 150 * BENCH_US); /* Meanwhile its bond is to end. */
    w.answering = 1;
    err = uiommu_group_respond(sim_bench(s)->unit, w.pending[0], UIOMMU_CODE_SUCCESS);
    sim_step(s);
    w.answering = 0;
    w.answered += err == UIOMMU_OK;
}

static void ends(struct sim *s, void *arg)
{
    (void)arg;
    world_wait(s, 0);
    (void)sim_until(s, is_pending, NULL, BENCH_MS);
    w.err = uiommu_unbind(sim_bench(s)->u, w.bond, UIOMMU_UNBIND_STOPPED | UIOMMU_UNBIND_ABORT);
    SIM_CHECK(s, "unbind", w.err == UIOMMU_OK);
    sim_step(s);
    SIM_CHECK(s, "D1 waits", w.space[1]->orphans[UIOMMU_ORPHAN_UNBOUND] == 0);
    SIM_CHECK(s, "D1 waits", w.calls[1] == 0 || conf_answer(w.d, 1) != UIOMMU_CODE_NONE);
}

static void build_pending(struct sim *s, struct conf *c, void *arg)
{
    (void)arg;
    if (world_up(s, c, NULL)) {
        w.pend = true;
        w.space[1]->answer = UIOMMU_CODE_PENDING;
        sim_cpu(s, "device", one_request, NULL, 0);
        sim_cpu(s, "responder", responder, NULL, 0);
        sim_cpu(s, "task", ends, NULL, 0);
        world_daemons(s, 1);
    }
}

/* ---- its handler call has not returned ---- */

static bool is_inside(void *arg)
{
    (void)arg;
    return w.inside[1] > 0;
}

static void ends_beside(struct sim *s, void *arg)
{
    (void)arg;
    (void)sim_until(s, is_inside, NULL, BENCH_MS);
    world_unbind(s, UIOMMU_UNBIND_STOPPED | UIOMMU_UNBIND_ABORT);
}

static void build_handler(struct sim *s, struct conf *c, void *arg)
{
    (void)arg;
    if (world_up(s, c, NULL)) {
        w.dwell_ns = 3 * BENCH_HANDLER;
        sim_cpu(s, "device", one_request, NULL, 0);
        sim_cpu(s, "task", ends_beside, NULL, 0);
        world_daemons(s, 2);
    }
}

/* ---- the address space dies ---- */

static void dies(struct sim *s, void *arg)
{
    struct conf *c = sim_conf(s);
    uiommu_err err;

    (void)arg;
    (void)sim_until(s, is_pending, NULL, 30 * BENCH_US);
    err = uiommu_aspace_exit(w.space[1]->as);
    sim_step(s);
    SIM_CHECK(s, "exit", err == UIOMMU_OK);
    SIM_CHECK(s, "I15", !bench_uses_tables(&c->b, w.space[1]->tables));
    SIM_CHECK(s, "I15 device TLB", !conf_access(w.d, w.pasid, LIFE(1, 0), MODEL_READ));
    SIM_CHECK(s, "setup", conf_answer(w.d, 1) != UIOMMU_CODE_FAILURE);
    w.flag[2] = true;
    do {
        err = uiommu_aspace_reap(w.space[1]->as);
        sim_sleep(s, 20 * BENCH_US);
    } while (err == UIOMMU_PENDING);
    SIM_CHECK(s, "reap", err == UIOMMU_OK);
}

static bool is_dead(void *arg)
{
    (void)arg;
    return w.flag[2];
}

/* What is answered after exit has returned is INVALID, whatever is said. */
static void answers_the_dead(struct sim *s, void *arg)
{
    bool dead;
    uiommu_err err;

    (void)arg;
    if (!sim_until(s, is_pending, NULL, 2 * BENCH_MS)) {
        return;
    }
    (void)sim_until(s, is_dead, NULL, 200 * BENCH_US);
    sim_step(s);
    dead = w.flag[2];
    err = uiommu_group_respond(sim_bench(s)->unit, w.pending[0], UIOMMU_CODE_SUCCESS);
    sim_step(s);
    SIM_CHECK(s, "R11", !dead || err != UIOMMU_OK);
    world_answer(s, w.d, 1, dead ? UIOMMU_CODE_INVALID : UIOMMU_CODE_NONE);
}

static void build_exit(struct sim *s, struct conf *c, void *arg)
{
    (void)arg;
    if (world_up(s, c, NULL)) {
        warm(c);
        w.dies = true;
        w.pend = true;
        w.space[1]->answer = UIOMMU_CODE_PENDING;
        sim_cpu(s, "device", one_request, NULL, 0);
        sim_cpu(s, "responder", answers_the_dead, NULL, 0);
        sim_cpu(s, "killer", dies, NULL, 0);
        world_daemons(s, 1);
    }
}

/* ---- the device uses its page all the while ---- */

static void toucher(struct sim *s, void *arg)
{
    uint32_t i;

    (void)arg;
    for (i = 0; i < 100 && !w.flag[1]; i++) {
        sim_sleep(s, (1 + i % 3) * BENCH_US);
        (void)conf_access(w.d, w.pasid, LIFE(1, 0), MODEL_READ);
    }
}

static void ends_touched(struct sim *s, void *arg)
{
    (void)arg;
    if (w.count[0] != 0) {
        uiommu_err err = uiommu_aspace_exit(w.space[1]->as);

        sim_step(s);
        SIM_CHECK(s, "exit", err == UIOMMU_OK);
        SIM_CHECK(s, "I15", !bench_uses_tables(sim_bench(s), w.space[1]->tables));
        SIM_CHECK(s, "I15 device TLB", !conf_access(w.d, w.pasid, LIFE(1, 0), MODEL_READ));
    } else {
        world_unbind(s, UIOMMU_UNBIND_STOPPED | UIOMMU_UNBIND_ABORT);
    }
    w.flag[1] = true;
}

static void build_touch(struct sim *s, struct conf *c, void *arg)
{
    (void)arg;
    if (world_up(s, c, NULL)) {
        warm(c);
        w.touches = true;
        sim_cpu(s, "task", ends_touched, NULL, 0);
        sim_cpu(s, "device", toucher, NULL, 0);
        world_daemons(s, 1);
    }
}

static void build_touch_exit(struct sim *s, struct conf *c, void *arg)
{
    build_touch(s, c, arg);
    w.count[0] = 1;
    w.dies = true;
}

/* ---- the driver never stops its device, which wakes later ---- */

static void ends_unconfirmed(struct sim *s, void *arg)
{
    (void)arg;
    w.err = uiommu_unbind(sim_bench(s)->u, w.bond, UIOMMU_UNBIND_ABORT);
    SIM_CHECK(s, "R4", w.err == UIOMMU_E_POISONED);
}

static void build_stop(struct sim *s, struct conf *c, void *arg)
{
    (void)arg;
    if (world_up(s, c, NULL)) {
        w.d->stop = CONF_STOP_NEVER;
        sim_cpu(s, "task", ends_unconfirmed, NULL, 0);
        world_daemons(s, 1);
    }
}

/* ---- the device's own word: its Stop Marker ends the stop that its driver began ---- */

static void ends_by_marker(struct sim *s, void *arg)
{
    (void)arg;
    world_wait(s, 0); /* A request behind the marker would belie it. */
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
        sim_cpu(s, "device", one_request, NULL, 0);
        sim_cpu(s, "task", ends_by_marker, NULL, 0);
        world_daemons(s, 1);
    }
}

const struct world worlds_of_bonds[] = {
    {"rebind", "a number is unbound at once and bound again, with a partial and a request out",
     false, build_rebind, world_balance},
    {"rebind late", "the same, and requests come after the barrier", true, build_rebind,
     world_balance},
    {"far", "what left last before the barrier is far away", false, build_far, world_balance},
    {"slow", "the ring is read slowly while a bond ends", false, build_slow, world_balance},
    {"birth", "a request lies in the ring when its number is bound", false, build_birth, NULL},
    {"graceful", "the same after a sweep, two CPUs service", false, build_graceful, world_balance},
    {"two", "two devices, two numbers, the same indices, one is unbound", false, build_two,
     world_balance},
    {"both", "two devices, two numbers, three requests in a ring of four, both wait", false,
     world_both, world_balance},
    {"pending", "a group is left pending when its bond ends", false, build_pending, world_balance},
    {"handler", "a handler call takes longer than its bond", false, build_handler, world_balance},
    {"exit", "an address space dies with a group pending", false, build_exit, world_balance},
    {"touch", "a device uses its page while its bond ends", false, build_touch, NULL},
    {"touch exit", "a device uses its page while its space dies", false, build_touch_exit, NULL},
    {"marker", "a stop that a Stop Marker confirms", false, build_marker, NULL},
    {"stop", "a stop that is never confirmed", false, build_stop, NULL},
};
const uint32_t worlds_of_bonds_count = sizeof(worlds_of_bonds) / sizeof(worlds_of_bonds[0]);
