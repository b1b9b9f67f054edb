/* SPDX-License-Identifier: BSD-2-Clause */
#include "worlds.h"

/* What small worlds are built from. */

struct world_state w;

const struct bench_variant *world_variant(const struct world *world)
{
    uint32_t i;

    for (i = 0; i < bench_variant_count; i++) {
        const struct bench_variant *v = &bench_variants[i];

        if (v->markers && v->coherent && !v->large && v->irq && v->late == world->late) {
            return v;
        }
    }
    return NULL;
}

enum sim_end world_once(const struct sim_config *config, void *arg, struct sim_failure *failure)
{
    const struct world *world = arg;

    memset(&w, 0, sizeof(w));
    return sim_world(config, world->build, world->after, arg, failure);
}

static uint32_t life_of(const struct conf_space *space)
{
    return space == w.space[1] ? 1 : 2;
}

static void on_fault(struct conf *c, struct conf_space *space, const struct uiommu_group *group)
{
    struct sim *s = sim_the();
    const struct uiommu_page *page = NULL;
    uint32_t life = life_of(space);

    (void)c;
    sim_step(s);
    for (page = uiommu_group_next_page(group, NULL); page != NULL;
         page = uiommu_group_next_page(group, page)) {
        if (LIFE_OF(page->address) != life) {
            sim_fail(s, "I1", "the handler of life %u was given a page of life %u", life,
                     LIFE_OF(page->address));
        }
    }
    SIM_CHECK(s, "I12", !w.closed[life]);
    w.calls[life]++;
    w.inside[life]++;
    if (w.dwell_ns != 0) {
        sim_sleep(s, w.dwell_ns);
    }
    if (w.pend) {
        SIM_CHECK(s, "setup", w.pendings < WORLD_PENDING);
        w.pending[w.pendings++] = group->ref;
    }
    sim_step(s);
    w.inside[life]--;
}

static struct conf_space *space_make(struct conf *c)
{
    struct conf_space *space = conf_space_make(c);

    if (space != NULL) {
        space->on_fault = on_fault;
    }
    return space;
}

bool world_up(struct sim *s, struct conf *c, const struct conf_how *how)
{
    (void)s;
    if (!conf_up(c)) {
        return false;
    }
    w.d = conf_device_make(c, how);
    w.space[1] = space_make(c);
    w.space[2] = space_make(c);
    if (conf_failed(c)) {
        return false;
    }
    w.pasid = conf_pasid(c);
    w.other = conf_pasid(c);
    bench_fabric(&c->b, BENCH_US, BENCH_US, c->b.variant->late ? 1000 : 0, BENCH_LATE);
    return conf_bind(c, w.d, w.space[1], w.pasid, &w.bond);
}

void world_daemons(struct sim *s, uint32_t servicers)
{
    while (servicers > 0) {
        servicers--;
        sim_cpu(s, "service", sim_servicer, sim_bench(s), SIM_DAEMON);
    }
    sim_cpu(s, "driver", sim_drivers, sim_conf(s), SIM_DAEMON);
}

void world_set(struct sim *s, uint32_t flag)
{
    sim_step(s);
    w.flag[flag] = true;
}

static bool is_set(void *arg)
{
    const bool *flag = arg;

    return *flag;
}

void world_wait(struct sim *s, uint32_t flag)
{
    SIM_CHECK(s, "liveness", sim_until(s, is_set, &w.flag[flag], WORLD_PATIENCE));
}

struct asked {
    struct conf_device *d;
    uint32_t index;
};

static bool has_answer(void *arg)
{
    const struct asked *asked = arg;

    return conf_answer(asked->d, asked->index) != UIOMMU_CODE_NONE;
}

void world_answer(struct sim *s, struct conf_device *d, uint32_t index, uiommu_code code)
{
    struct asked asked = {d, index};

    SIM_CHECK(s, "I4", sim_until(s, has_answer, &asked, WORLD_PATIENCE));
    SIM_CHECK(s, "I3", code == UIOMMU_CODE_NONE || conf_answer(d, index) == code);
}

void world_gone(struct sim *s)
{
    struct conf *c = sim_conf(s);

    sim_step(s);
    SIM_CHECK(s, "D6", w.inside[1] == 0);
    SIM_CHECK(s, "D1 waits", w.pendings == w.answered + w.space[1]->orphans[0] +
                                                w.space[1]->orphans[1] + w.space[1]->orphans[2]);
    SIM_CHECK(s, "I2 entry", !c->b.vendor->reaches(&c->b, w.d->id, w.pasid));
    SIM_CHECK(s, "I2 tables", !bench_uses_tables(&c->b, w.space[1]->tables));
    SIM_CHECK(s, "I2 device TLB", !conf_access(w.d, w.pasid, LIFE(1, 0), MODEL_READ));
    w.closed[1] = true;
}

void world_unbind(struct sim *s, uint32_t flags)
{
    w.err = uiommu_unbind(sim_bench(s)->u, w.bond, flags);
    SIM_CHECK(s, "unbind", w.err == UIOMMU_OK);
    world_gone(s);
    w.mark_ns = sim_now(s);
}

void world_rebind(struct sim *s)
{
    struct conf *c = sim_conf(s);
    uint64_t end = sim_now(s) + WORLD_PATIENCE;
    uiommu_err err;

    for (;;) {
        err = conf_try_bind(c, w.d, w.space[2], w.pasid, &w.bond);
        sim_step(s);
        if (err != UIOMMU_E_BUSY || sim_now(s) > end) {
            break;
        }
        sim_sleep(s, BENCH_SETTLE / 2);
    }
    SIM_CHECK(s, "bind", err == UIOMMU_OK);
    SIM_CHECK(s, "R5 rest",
              c->b.features.proved || sim_now(s) - w.mark_ns >= BENCH_SETTLE / 2);
}

void world_balance(struct sim *s, struct conf *c, void *arg)
{
    uint32_t i;

    (void)arg;
    for (i = 0; i < c->devices; i++) {
        struct model_endpoint_counts n = conf_counts(&c->dev[i]);

        SIM_CHECK(s, "I3 unexpected", n.unexpected == 0);
        SIM_CHECK(s, "I3 marker", n.marker_answers == 0);
        SIM_CHECK(s, "I3 once", n.success + n.invalid + n.failure == n.lasts);
        SIM_CHECK(s, "I7", n.failure == 0);
    }
    SIM_CHECK(s, "R3 late", conf_unit(c).late == 0);
}
