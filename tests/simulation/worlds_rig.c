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

/* What holds at the steps of the shutdown of life 1. */
static void on_step(struct bench *b, const struct uiommu_trace *record, void *arg)
{
    struct conf *c = arg;
    struct sim *s = sim_the();

    if (w.touches && (record->id == UIOMMU_TRACE_STEP || record->id == UIOMMU_TRACE_TICKET)) {
        (void)conf_access(w.d, w.pasid, LIFE(1, 0), MODEL_READ); /* A refill would outlive it. */
    }
    if ((uint32_t)record->b != w.pasid || (uint32_t)(record->b >> 32) != w.d->id || w.second) {
        return;
    }
    w.tlb |= record->id == UIOMMU_TRACE_STEP && record->c == UIOMMU_STEP_D2_TLB;
    if (record->id == UIOMMU_TRACE_STEP && record->c == UIOMMU_STEP_D2_DEVICE) {
        SIM_CHECK(s, "I20", w.tlb);
    }
    if (record->id == UIOMMU_TRACE_STEP && record->c == UIOMMU_STEP_D2_CONFIG && !w.dies) {
        const uint32_t *gone = w.space[1]->orphans;

        SIM_CHECK(s, "D1 waits",
                  w.pendings == w.answered + w.answering + gone[0] + gone[1] + gone[2]);
        w.closed[1] = true;
    }
    if (record->id == UIOMMU_TRACE_STEP && record->c == UIOMMU_STEP_D3 && record->d == 1 &&
        w.touches) {
        SIM_CHECK(s, "D2 device TLB", !conf_access(w.d, w.pasid, LIFE(1, 0), MODEL_READ));
    }
    if (record->id == UIOMMU_TRACE_STEP && record->c == UIOMMU_STEP_D3 && w.at_d3 > 0) {
        uint32_t i;

        for (i = 0; i < w.at_d3; i++) { /* The last that leave, far away. */
            conf_ask(w.d, w.pasid, LIFE(1, 3), 10 * (uint32_t)record->d + i);
        }
        w.at_d3 = w.slow ? w.at_d3 : 0;
    }
    if (record->id == UIOMMU_TRACE_BOND && record->d == UIOMMU_BOND_QUARANTINE && w.slow) {
        SIM_CHECK(s, "D4", b->vendor->requests_waiting(b) == 0);
    }
    (void)c;
}

static struct conf_device *device_make(struct conf *c, const struct conf_how *how)
{
    static struct uiommu_device_ops ops;
    struct uiommu_device_config config;
    struct conf_device *d = conf_device_plan(c, how, &config);

    if (d == NULL) {
        return NULL;
    }
    if (w.no_present) {
        ops = *uiommu_pcie_ops();
        ops.present = NULL;
        config.ops = &ops;
    }
    CHECK(c, uiommu_device_attach(c->b.unit, &config, &d->dev) == UIOMMU_OK);
    return d;
}

bool world_up(struct sim *s, struct conf *c, const struct conf_how *how)
{
    (void)s;
    if (!conf_up(c)) {
        return false;
    }
    w.d = device_make(c, how);
    w.space[1] = space_make(c);
    w.space[2] = space_make(c);
    if (conf_failed(c)) {
        return false;
    }
    w.pasid = conf_pasid(c);
    w.other = conf_pasid(c);
    bench_fabric(&c->b, BENCH_US, BENCH_US, c->b.variant->late ? 1000 : 0, WORLD_LATE);
    c->b.trace.hook = on_step;
    c->b.trace.arg = c;
    return conf_bind(c, w.d, w.space[1], w.pasid, &w.bond);
}

void world_slow_servicer(struct sim *s, void *arg)
{
    struct bench *b = arg;

    for (;;) {
        sim_sleep(s, 150 * BENCH_US);
        w.err = uiommu_unit_service(b->unit, 1);
    }
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
    SIM_CHECK(s, "D1 waits",
              w.pendings == w.answered + w.space[1]->orphans[0] + w.space[1]->orphans[1] +
                                w.space[1]->orphans[2]);
    SIM_CHECK(s, "I2 entry", !c->b.vendor->reaches(&c->b, w.d->id, w.pasid));
    SIM_CHECK(s, "I2 tables", !bench_uses_tables(&c->b, w.space[1]->tables));
    SIM_CHECK(s, "I2 device TLB", !conf_access(w.d, w.pasid, LIFE(1, 0), MODEL_READ));
    w.closed[1] = true;
    if (w.looks_at_port) {
        struct uiommu_port_info info;

        SIM_CHECK(s, "setup", uiommu_port_get_info(w.d->port, &info) == UIOMMU_OK);
        SIM_CHECK(s, "D5", info.groups == 0);
    }
}

void world_unbind(struct sim *s, uint32_t flags)
{
    w.mark_ns = sim_now(s);
    w.err = uiommu_unbind(sim_bench(s)->u, w.bond, flags);
    SIM_CHECK(s, "unbind", w.err == UIOMMU_OK);
    world_gone(s);
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
    w.second = true;
    SIM_CHECK(s, "bind", err == UIOMMU_OK);
    /* Once between the barriers, once at rest. When rest began only its CPU knows: this one may
     * have come back from the call long after. */
    SIM_CHECK(s, "R5 rest", c->b.features.proved || sim_now(s) - w.mark_ns >= BENCH_SETTLE * 3 / 2);
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
