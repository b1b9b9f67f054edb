/* SPDX-License-Identifier: BSD-2-Clause */
#include "conf_themes.h"

/* Case 2: the address space dies first; nobody has stopped the device. */

#define MOMENTS 20u

static bool warm(struct conf *c, const struct conf_flow *f)
{
    CHECK(c, bench_map(&c->b, f->a->tables, CONF_VA, UIOMMU_READ | UIOMMU_WRITE) != NULL);
    return CHECK(c, conf_access(f->d, f->pasid, CONF_VA, MODEL_WRITE));
}

static void at_once(struct conf *c)
{
    struct conf_flow f;

    if (!conf_flow_up(c, &f) || !warm(c, &f)) {
        return;
    }
    CHECK(c, uiommu_aspace_exit(f.a->as) == UIOMMU_OK);
    CHECK(c, !c->b.vendor->reaches(&c->b, f.d->id, f.pasid));
    CHECK(c, !bench_uses_tables(&c->b, f.a->tables));
    CHECK(c, !conf_access(f.d, f.pasid, CONF_VA, MODEL_READ));
    CHECK(c, f.d->stops == 0 && conf_state(c, f.bond) == UIOMMU_BOND_MM_DEAD);
    CHECK(c, uiommu_aspace_exit(f.a->as) == UIOMMU_OK);
    CHECK(c, uiommu_aspace_bonds(f.a->as) == 1);
    CHECK(c, uiommu_aspace_destroy(f.a->as) == UIOMMU_E_BUSY);
    CHECK(c, conf_reap(c, f.a) == UIOMMU_OK);
    CHECK(c, f.d->stops == 1 && uiommu_aspace_bonds(f.a->as) == 0);
}

static void quiet(struct conf *c)
{
    struct conf_flow f;
    uint64_t lines;
    uint32_t i;

    if (!conf_flow_up(c, &f)) {
        return;
    }
    CHECK(c, uiommu_aspace_exit(f.a->as) == UIOMMU_OK);
    lines = c->b.log_lines;
    for (i = 0; i < 40; i++) {
        conf_ask(f.d, f.pasid, CONF_VA, i);
        conf_run(c, 100 * BENCH_US);
    }
    conf_run(c, BENCH_MS);
    CHECK(c, f.a->calls == 0 && conf_counts(f.d).invalid == 40);
    CHECK(c, c->b.log_lines == lines);
}

static void dead_answers(struct conf *c)
{
    struct conf_flow f;

    if (!conf_flow_up(c, &f)) {
        return;
    }
    f.a->answer = UIOMMU_CODE_PENDING;
    conf_ask(f.d, f.pasid, CONF_VA, 1);
    conf_run(c, BENCH_MS);
    CHECK(c, uiommu_aspace_exit(f.a->as) == UIOMMU_OK);
    CHECK(c, conf_respond(c, f.a->seen[0].ref, UIOMMU_CODE_SUCCESS) == UIOMMU_E_DEAD);
    conf_run(c, BENCH_MS);
    CHECK(c, conf_answer(f.d, 1) == UIOMMU_CODE_INVALID && conf_unit(c).success == 0);
}

static void exit_in_handler(struct conf *c, struct conf_space *s, const struct uiommu_group *g)
{
    (void)g;
    CHECK(c, uiommu_aspace_exit(s->as) == UIOMMU_OK);
}

static void in_its_handler(struct conf *c)
{
    struct conf_flow f;

    if (!conf_flow_up(c, &f)) {
        return;
    }
    f.a->on_fault = exit_in_handler;
    conf_ask(f.d, f.pasid, CONF_VA, 1);
    conf_ask(f.d, f.pasid, CONF_VA + 4096, 2);
    conf_run(c, BENCH_MS);
    CHECK(c, f.a->calls == 1);
    CHECK(c, conf_answer(f.d, 1) == UIOMMU_CODE_INVALID);
    CHECK(c, conf_answer(f.d, 2) == UIOMMU_CODE_INVALID);
    CHECK(c, conf_reap(c, f.a) == UIOMMU_OK);
}

static void stop_later(struct conf *c)
{
    struct conf_flow f;

    if (!conf_flow_up(c, &f)) {
        return;
    }
    f.d->stop = CONF_STOP_LATER;
    CHECK(c, uiommu_aspace_reap(f.a->as) == UIOMMU_E_STATE);
    CHECK(c, uiommu_aspace_exit(f.a->as) == UIOMMU_OK);
    CHECK(c, uiommu_aspace_reap(f.a->as) == UIOMMU_PENDING);
    conf_run(c, 2 * BENCH_MS);
    CHECK(c, uiommu_aspace_reap(f.a->as) == UIOMMU_PENDING);
    CHECK(c, uiommu_bond_stopped(c->b.u, f.bond) == UIOMMU_OK);
    CHECK(c, conf_reap(c, f.a) == UIOMMU_OK && f.d->stops == 1);
}

static void stop_never(struct conf *c)
{
    struct uiommu_pasid_info info;
    struct uiommu_bond_ref next;
    struct conf_flow f;

    if (!conf_flow_up(c, &f) || !warm(c, &f)) {
        return;
    }
    f.d->stop = CONF_STOP_NEVER;
    CHECK(c, uiommu_aspace_exit(f.a->as) == UIOMMU_OK);
    CHECK(c, conf_reap(c, f.a) == UIOMMU_E_POISONED);
    CHECK(c, !bench_uses_tables(&c->b, f.a->tables));
    CHECK(c, conf_try_bind(c, f.d, f.b, f.pasid, &next) == UIOMMU_E_BUSY);
    if (f.pasid != UIOMMU_PASID_NONE) {
        CHECK(c, uiommu_pasid_put(c->b.pasids, f.pasid) == UIOMMU_OK);
        CHECK(c, uiommu_pasid_get_info(c->b.pasids, f.pasid, &info) == UIOMMU_OK);
        CHECK(c, info.state == UIOMMU_PASID_WITHHELD);
    }
    CHECK(c, conf_reset(c, f.d) == UIOMMU_OK);
    CHECK(c, conf_wait_state(c, f.bond, UIOMMU_BOND_FREE));
    CHECK(c, conf_reap(c, f.a) == UIOMMU_OK);
    if (f.pasid != UIOMMU_PASID_NONE) {
        CHECK(c, uiommu_pasid_get_info(c->b.pasids, f.pasid, &info) == UIOMMU_OK);
        CHECK(c, info.state == UIOMMU_PASID_FREE);
    }
}

static void hung(struct conf *c)
{
    struct uiommu_unit_info info;
    struct conf_flow f;

    if (!conf_flow_up(c, &f) || !warm(c, &f)) {
        return;
    }
    c->b.vendor->hang(&c->b, true);
    c->sample = bench_now(&c->b);
    CHECK(c, uiommu_aspace_exit(f.a->as) == UIOMMU_E_WITHHELD);
    CHECK(c, bench_now(&c->b) - c->sample < 4 * BENCH_COMMAND);
    CHECK(c, conf_reap(c, f.a) == UIOMMU_E_WITHHELD);
    CHECK(c, uiommu_unit_get_info(c->b.unit, &info) == UIOMMU_OK && info.hung);
    c->b.vendor->hang(&c->b, false);
    CHECK(c, uiommu_unit_restart(c->b.unit) == UIOMMU_OK);
    CHECK(c, conf_reset(c, f.d) == UIOMMU_OK);
    CHECK(c, conf_wait_state(c, f.bond, UIOMMU_BOND_FREE));
    CHECK(c, conf_reap(c, f.a) == UIOMMU_OK);
    CHECK(c, !bench_uses_tables(&c->b, f.a->tables));
}

static void no_bind(struct conf *c)
{
    struct uiommu_bond_ref next;
    struct conf_flow f;

    if (!conf_flow_up(c, &f)) {
        return;
    }
    CHECK(c, uiommu_aspace_exit(f.b->as) == UIOMMU_OK);
    CHECK(c, conf_try_bind(c, f.d, f.b, conf_pasid(c), &next) == UIOMMU_E_DEAD);
    CHECK(c, conf_reap(c, f.b) == UIOMMU_OK);
}

/* What the return of an exit promised is true from then on. */
static void look(struct bench *b, void *arg)
{
    struct conf *c = arg;

    CHECK(c, !conf_access(c->at_device, c->pasid[c->pasids - 1], CONF_VA, MODEL_READ));
    CHECK(c, !bench_uses_tables(b, c->at_space->tables));
    bench_interrupt(b, 0, look, c);
}

static void now_exit(struct bench *b, void *arg)
{
    struct conf *c = arg;

    c->err = uiommu_aspace_exit(c->at_space->as);
    c->counter++;
    CHECK(c, c->err == UIOMMU_OK);
    look(b, c);
}

/* A new space in the place of the last, which is dead and reaped. */
static struct conf_space *next_space(struct conf *c, struct conf_space *old)
{
    if (old != NULL) {
        CHECK(c, uiommu_aspace_destroy(old->as) == UIOMMU_OK);
        bench_tables_free(&c->b, old->tables);
        c->spaces--;
    }
    return conf_space_make(c);
}

/* Exit comes as an interrupt at moment n of a bind or of an unbind. */
static void at_moment(struct conf *c, struct conf_device *d, struct conf_space *s, uint32_t n,
                      bool during_bind)
{
    struct uiommu_bond_ref bond = {0, 0};
    uint32_t pasid = conf_pasid(c);
    uiommu_err err;

    c->at_space = s;
    c->at_device = d;
    if (during_bind) {
        bench_interrupt(&c->b, n, now_exit, c);
    }
    err = conf_try_bind(c, d, s, pasid, &bond);
    CHECK(c, err == UIOMMU_OK || (during_bind && err == UIOMMU_E_DEAD));
    if (err == UIOMMU_OK && !during_bind) {
        conf_ask(d, pasid, CONF_VA, n);
        bench_interrupt(&c->b, n, now_exit, c);
        err = conf_unbind(c, bond, 0);
        CHECK(c, err == UIOMMU_OK);
    }
    c->b.interrupt = NULL;
    CHECK(c, uiommu_aspace_exit(s->as) == UIOMMU_OK);
    CHECK(c, !bench_uses_tables(&c->b, s->tables));
    CHECK(c, conf_reap(c, s) == UIOMMU_OK);
    c->pasids--;
    if (pasid != UIOMMU_PASID_NONE) {
        err = uiommu_pasid_put(c->b.pasids, c->pasid[c->pasids]);
        CHECK(c, err == UIOMMU_OK);
    }
}

static void at_moments(struct conf *c, uint32_t stride, bool during_bind)
{
    struct conf_space *s = NULL;
    struct conf_device *d;
    uint32_t i;

    if (!conf_up(c)) {
        return;
    }
    d = conf_device_make(c, NULL);
    for (i = 0; i < MOMENTS && d != NULL && !conf_failed(c); i++) {
        s = next_space(c, s);
        if (s != NULL) {
            at_moment(c, d, s, i * stride, during_bind);
        }
    }
    CHECK(c, c->counter > MOMENTS / 4);
}

static void at_every_moment_of_unbind(struct conf *c)
{
    at_moments(c, 1, false);
}

static void later_in_unbind(struct conf *c)
{
    at_moments(c, 37, false);
}

static void at_every_moment_of_bind(struct conf *c)
{
    at_moments(c, 3, true);
}

static const struct conf_test tests[] = {
    {"I14 I15 R12 L3 L5 exit: tables are unreachable on return; no driver is called", at_once},
    {"I16 L26 exit: a dead space is quiet", quiet},
    {"R11 exit: a SUCCESS given after the death goes out INVALID", dead_answers},
    {"R14 I14 L4 exit: legal in its own handler", in_its_handler},
    {"R14 exit: a PENDING stop is confirmed later", stop_later},
    {"R4 R9 exit: a driver that never confirms: tables free, number withheld", stop_never},
    {"R12 I21 L29 exit: hung commands withhold the tables; a restart proves", hung},
    {"R13 exit: nothing binds to a dead space", no_bind},
    {"R11 L33 exit: at each of the first moments of an unbind", at_every_moment_of_unbind},
    {"R11 exit: at many moments of an unbind", later_in_unbind},
    {"R13 L37 exit: at many moments of a bind", at_every_moment_of_bind},
};
const struct conf_theme conf_exit_theme = {"exit", tests, sizeof(tests) / sizeof(tests[0])};
