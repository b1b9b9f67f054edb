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
        w.count[0] = UIOMMU_UNBIND_ABORT;
        sim_cpu(s, "device", first_and_next, NULL, 0);
        sim_cpu(s, "task", end_and_next, NULL, 0);
        world_daemons(s, 1);
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
    err = uiommu_group_respond(sim_bench(s)->unit, w.pending[0], UIOMMU_CODE_SUCCESS);
    sim_step(s);
    w.answered += err == UIOMMU_OK;
    w.err = err;
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
        w.dwell_ns = 6 * BENCH_MS; /* Longer than handlers are given. */
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

/* What is answered after exit has returned is INVALID, whatever is said. */
static void answers_the_dead(struct sim *s, void *arg)
{
    bool dead;
    uiommu_err err;

    (void)arg;
    if (!sim_until(s, is_pending, NULL, 2 * BENCH_MS)) {
        return;
    }
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
    for (i = 0; i < 8 && !w.flag[1]; i++) {
        sim_step(s);
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
        sim_cpu(s, "task", ends_touched, NULL, 0);
        sim_cpu(s, "device", toucher, NULL, 0);
        world_daemons(s, 1);
    }
}

static void build_touch_exit(struct sim *s, struct conf *c, void *arg)
{
    build_touch(s, c, arg);
    w.count[0] = 1;
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

const struct world worlds_of_bonds[] = {
    {"rebind", "a number is unbound at once and bound again, with a partial and a request out",
     false, NULL, build_rebind, world_balance},
    {"rebind late", "the same, and requests come after the barrier", true, NULL, build_rebind,
     world_balance},
    {"graceful", "the same after a sweep, two CPUs service", false, NULL, build_graceful,
     world_balance},
    {"two", "two devices, two numbers, the same indices, one is unbound", false, NULL, build_two,
     world_balance},
    {"pending", "a group is left pending when its bond ends", false, NULL, build_pending,
     world_balance},
    {"handler", "a handler call takes longer than its bond", false, NULL, build_handler,
     world_balance},
    {"exit", "an address space dies with a group pending", false, NULL, build_exit, world_balance},
    {"touch", "a device uses its page while its bond ends", false, NULL, build_touch, NULL},
    {"touch exit", "a device uses its page while its space dies", false, NULL, build_touch_exit,
     NULL},
    {"stop", "a stop that is never confirmed", false, NULL, build_stop, NULL},
};
const uint32_t worlds_of_bonds_count = sizeof(worlds_of_bonds) / sizeof(worlds_of_bonds[0]);
