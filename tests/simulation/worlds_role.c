/* SPDX-License-Identifier: BSD-2-Clause */
#include "../../core/core.h"
#include "worlds.h"

/*
 * Words that two processors change at the same moment, which nothing but schedules can show: the
 * service role, the words that say that service is due, and the call of stop(). Nobody serves.
 */

#define BUSY  0u /* Flags: somebody has the role... */
#define HEARD 1u /* ...its holder was asked to go on... */
#define ASKED 2u /* ...somebody did. */

static void leaves(struct sim *s, struct uiommu_unit *unit)
{
    SIM_CHECK(s, "R21 one", !w.flag[BUSY]);
    w.flag[BUSY] = true;
    sim_step(s);
    w.flag[BUSY] = false;
    w.flag[HEARD] |= uiommu_role_drop(unit);
}

static void waits(struct sim *s, void *arg)
{
    struct uiommu_unit *unit = arg;
    uiommu_err err = uiommu_role_wait(unit, WORLD_PATIENCE);

    SIM_CHECK(s, "R21 free", err == UIOMMU_OK);
    leaves(s, unit);
}

static void tries(struct sim *s, void *arg)
{
    struct uiommu_unit *unit = arg;

    if (uiommu_role_take(unit)) {
        leaves(s, unit);
    } else {
        w.flag[ASKED] = true;
    }
}

void world_after_role(struct sim *s, struct conf *c, void *arg)
{
    (void)c;
    (void)arg;
    SIM_CHECK(s, "R21 word", w.flag[HEARD] == w.flag[ASKED]);
}

void world_role(struct sim *s, struct conf *c, void *arg)
{
    (void)arg;
    if (world_up(s, c, NULL)) {
        sim_cpu(s, "holder", waits, c->b.unit, 0);
        sim_cpu(s, "waiter", waits, c->b.unit, 0);
        sim_cpu(s, "server", tries, c->b.unit, 0);
    }
}

/* ---- service becomes due while somebody leaves the role ---- */

static void kicks(struct sim *s, void *arg)
{
    (void)s;
    uiommu_unit_kick(arg);
}

static bool has_changed(void *arg)
{
    const struct uiommu_unit *unit = arg;

    return unit->due.v != w.count[0];
}

/* Who waits for the word to change, and looks whether service is due, finds that it is. */
static void looks_at_due(struct sim *s, void *arg)
{
    struct uiommu_unit *unit = arg;

    if (sim_until(s, has_changed, unit, BENCH_US)) {
        SIM_CHECK(s, "R21 due", uiommu_unit_next_deadline(unit) <= sim_now(s));
    }
}

void world_after_kick(struct sim *s, struct conf *c, void *arg)
{
    (void)arg;
    SIM_CHECK(s, "R21 kick", w.flag[HEARD] || c->b.unit->due_now.v != 0);
}

void world_kick(struct sim *s, struct conf *c, void *arg)
{
    (void)arg;
    if (world_up(s, c, NULL)) {
        c->b.unit->due_now.v = 0;
        w.count[0] = c->b.unit->due.v;
        sim_cpu(s, "holder", waits, c->b.unit, 0);
        sim_cpu(s, "kicker", kicks, c->b.unit, 0);
        sim_cpu(s, "waiter", looks_at_due, c->b.unit, 0);
    }
}

/* ---- two poll the end of one bond ---- */

static void polls(struct sim *s, void *arg)
{
    (void)arg;
    w.err = uiommu_unbind_poll(sim_bench(s)->u, w.bond);
    SIM_CHECK(s, "R4 once", w.d->stops <= 1);
}

void world_after_polls(struct sim *s, struct conf *c, void *arg)
{
    (void)arg;
    if (w.d->stops == 0) { /* one can tell that nobody is there while the other one is */
        w.err = uiommu_unbind_poll(c->b.u, w.bond);
    }
    SIM_CHECK(s, "R4 called", w.d->stops == 1);
}

void world_polls(struct sim *s, struct conf *c, void *arg)
{
    (void)arg;
    if (world_up(s, c, NULL)) {
        w.d->stop = CONF_STOP_NEVER;
        w.err = uiommu_unbind_begin(c->b.u, w.bond, 0);
        CHECK(c, w.err == UIOMMU_OK);
        sim_cpu(s, "one", polls, NULL, 0);
        sim_cpu(s, "other", polls, NULL, 0);
    }
}
