/* SPDX-License-Identifier: BSD-2-Clause */
#include "conf_themes.h"

/* Which life a request belongs to, and when a number may live again. */

/* Sent before the bond began: whoever consumes it later goes by its place in the ring. */
static void before_the_life(struct conf *c)
{
    struct conf_flow f;
    uint32_t pasid;

    if (!conf_flow_up(c, &f)) {
        return;
    }
    pasid = conf_pasid(c);
    conf_ask(f.d, pasid, CONF_VA, 5);
    bench_arrive(&c->b);
    if (!conf_bind(c, f.d, f.b, pasid, &f.bond)) {
        return;
    }
    conf_run(c, BENCH_MS);
    CHECK(c, f.b->calls == 0);
    CHECK(c, conf_answer(f.d, 5) == UIOMMU_CODE_INVALID);
}

/* Only the Last arrives inside the life: it is a group of its own. */
static void partial_before_the_life(struct conf *c)
{
    struct conf_flow f;
    uint32_t pasid;

    if (!conf_flow_up(c, &f)) {
        return;
    }
    pasid = conf_pasid(c);
    conf_send(f.d, pasid, CONF_VA, 5, false);
    bench_arrive(&c->b);
    if (!conf_bind(c, f.d, f.b, pasid, &f.bond)) {
        return;
    }
    conf_run(c, BENCH_MS);
    conf_ask(f.d, pasid, CONF_VA + 4096, 5);
    conf_run(c, BENCH_MS);
    CHECK(c, f.b->calls <= 1);
    CHECK(c, f.b->calls == 0 || f.b->seen[0].pages == 1);
    CHECK(c, conf_answer(f.d, 5) != UIOMMU_CODE_NONE);
}

/* A held request arrives when its bond already rests. */
static void late(struct conf *c)
{
    struct conf_flow f;
    uint32_t seen;

    if (!conf_flow_up(c, &f)) {
        return;
    }
    model_fabric_hold(c->b.fabric, UINT32_MAX);
    conf_ask(f.d, f.pasid, CONF_VA, 5);
    conf_ask(f.d, f.pasid, CONF_VA, 6);
    CHECK(c, conf_unbind(c, f.bond, UIOMMU_UNBIND_STOPPED) == UIOMMU_OK);
    if (!CHECK(c, c->b.features.proved || conf_state(c, f.bond) == UIOMMU_BOND_QUARANTINE)) {
        return;
    }
    model_fabric_release(c->b.fabric, UINT32_MAX);
    bench_arrive(&c->b);
    bench_step(&c->b, BENCH_US);
    seen = c->b.features.unknown_pasids ? 1 : 0;
    CHECK(c, conf_unit(c).late == 2 * seen);
    CHECK(c, conf_device_counters(f.d).late == 2 * seen);
    CHECK(c, seen == 0 || conf_state(c, f.bond) != UIOMMU_BOND_FREE);
    if (!conf_rebind(c, f.d, f.b, f.pasid, &f.bond)) {
        return;
    }
    conf_run(c, BENCH_MS);
    CHECK(c, f.b->calls == 0 && conf_answer(f.d, 5) == UIOMMU_CODE_INVALID);
    CHECK(c, conf_answer(f.d, 6) == UIOMMU_CODE_INVALID);
    CHECK(c, conf_events(c, UIOMMU_EVENT_LATE_REQUEST) == seen); /* One for both. */
}

static bool needs_late(struct conf *c)
{
    return conf_needs(c, c->b.features.unknown_pasids, "hardware answers late requests by itself");
}

static bool late_once(struct conf *c, const struct conf_flow *f, uint32_t index)
{
    uint64_t end = bench_now(&c->b) + BENCH_FOREVER;

    while (conf_state(c, f->bond) != UIOMMU_BOND_QUARANTINE && bench_now(&c->b) < end) {
        conf_run(c, 3 * BENCH_US);
    }
    if (!CHECK(c, conf_state(c, f->bond) == UIOMMU_BOND_QUARANTINE)) {
        return false;
    }
    bench_fabric(&c->b, 100, BENCH_US, 0, 0);
    conf_ask(f->d, f->pasid, CONF_VA, index);
    bench_advance(&c->b, 20 * BENCH_US);
    bench_step(&c->b, BENCH_US);
    return true;
}

/* A device that wakes after its confirmed stop, again and again. */
static bool loses_the_number(struct conf *c, struct conf_flow *f)
{
    if (!needs_late(c) || !conf_flow_up(c, f)) {
        return false;
    }
    CHECK(c, conf_unbind(c, f->bond, UIOMMU_UNBIND_STOPPED) == UIOMMU_OK);
    if (!late_once(c, f, 5) || !late_once(c, f, 6)) {
        return false;
    }
    conf_run(c, 20 * BENCH_MS);
    return CHECK(c, conf_state(c, f->bond) == UIOMMU_BOND_POISONED);
}

static void late_twice(struct conf *c)
{
    struct conf_flow f;

    if (!loses_the_number(c, &f)) {
        return;
    }
    CHECK(c, (conf_bond(c, f.bond).missing & UIOMMU_PROOF_REQUESTS) != 0);
    CHECK(c, f.a->calls == 0);
    CHECK(c, conf_reset(c, f.d) == UIOMMU_OK);
    CHECK(c, conf_wait_state(c, f.bond, UIOMMU_BOND_FREE));
}

/* A restart of the unit proves nothing about a device that has broken its word. */
static void late_twice_restart(struct conf *c)
{
    struct conf_flow f;

    if (!loses_the_number(c, &f)) {
        return;
    }
    CHECK(c, uiommu_unit_restart(c->b.unit) == UIOMMU_OK);
    conf_run(c, 20 * BENCH_MS);
    CHECK(c, conf_state(c, f.bond) == UIOMMU_BOND_POISONED);
    CHECK(c, (conf_bond(c, f.bond).missing & UIOMMU_PROOF_STOP) != 0);
    CHECK(c, conf_reset(c, f.d) == UIOMMU_OK);
    CHECK(c, conf_wait_state(c, f.bond, UIOMMU_BOND_FREE));
}

/* What a late request refutes a reset of before does not prove. */
static void late_twice_after_reset(struct conf *c)
{
    struct conf_flow f;

    if (!needs_late(c) || !conf_flow_up(c, &f)) {
        return;
    }
    CHECK(c, uiommu_device_reset_begin(f.d->dev) == UIOMMU_OK);
    CHECK(c, uiommu_unbind_begin(c->b.u, f.bond, UIOMMU_UNBIND_STOPPED) == UIOMMU_OK);
    conf_run(c, BENCH_MS);
    CHECK(c, conf_reset(c, f.d) == UIOMMU_OK);
    if (!late_once(c, &f, 5) || !late_once(c, &f, 6)) {
        return;
    }
    conf_run(c, 20 * BENCH_MS);
    CHECK(c, conf_state(c, f.bond) == UIOMMU_BOND_POISONED);
    CHECK(c, (conf_bond(c, f.bond).missing & UIOMMU_PROOF_STOP) != 0);
    CHECK(c, conf_reset(c, f.d) == UIOMMU_OK);
    CHECK(c, conf_wait_state(c, f.bond, UIOMMU_BOND_FREE));
}

/* A word that comes when the bond is withheld is about what the device sends from then on: what
 * arrives meanwhile, while the entry is cleared once more, does not refute it. */
static void word_after_late(struct conf *c)
{
    struct conf_flow f;

    if (!loses_the_number(c, &f)) {
        return;
    }
    model_fabric_hold(c->b.fabric, UINT32_MAX);
    conf_ask(f.d, f.pasid, CONF_VA, 7);
    c->b.vendor->hang(&c->b, true); /* D2 takes its time */
    CHECK(c, uiommu_bond_stopped(c->b.u, f.bond) == UIOMMU_OK);
    bench_step(&c->b, BENCH_US);
    CHECK(c, conf_state(c, f.bond) == UIOMMU_BOND_DRAINING);
    model_fabric_release(c->b.fabric, UINT32_MAX);
    bench_arrive(&c->b);
    bench_step(&c->b, BENCH_US);
    CHECK(c, conf_state(c, f.bond) == UIOMMU_BOND_DRAINING);
    c->b.vendor->hang(&c->b, false);
    CHECK(c, conf_wait_state(c, f.bond, UIOMMU_BOND_FREE));
    CHECK(c, conf_answer(f.d, 7) == UIOMMU_CODE_INVALID);
    CHECK(c, conf_events(c, UIOMMU_EVENT_LATE_REQUEST) == 2);
}

static void number_rests(struct conf *c)
{
    struct uiommu_bond_ref next;
    struct conf_flow f;

    if (!conf_flow_up(c, &f)) {
        return;
    }
    CHECK(c, conf_unbind(c, f.bond, UIOMMU_UNBIND_STOPPED) == UIOMMU_OK);
    if (c->b.features.proved) { /* Nothing can come late: there is nothing to rest for. */
        CHECK(c, conf_rebind(c, f.d, f.b, f.pasid, &next));
        return;
    }
    CHECK(c, conf_try_bind(c, f.d, f.b, f.pasid, &next) == UIOMMU_E_BUSY);
    CHECK(c, conf_try_bind(c, f.d, f.a, f.pasid, &next) == UIOMMU_E_BUSY);
    c->sample = bench_now(&c->b);
    CHECK(c, conf_wait_state(c, f.bond, UIOMMU_BOND_FREE));
    CHECK(c, bench_now(&c->b) - c->sample >= BENCH_SETTLE / 2);
    CHECK(c, conf_bind(c, f.d, f.b, f.pasid, &next));
}

/* One number, one address space, on every device. */
static void one_number_one_space(struct conf *c)
{
    struct uiommu_bond_ref other;
    struct conf_device *e;
    struct conf_flow f;

    if (!conf_flow_up(c, &f)) {
        return;
    }
    e = conf_device_make(c, NULL);
    if (e == NULL) {
        return;
    }
    CHECK(c, conf_try_bind(c, e, f.b, f.pasid, &other) == UIOMMU_E_BUSY);
    CHECK(c, conf_bind(c, e, f.a, f.pasid, &other));
    CHECK(c, conf_unbind(c, f.bond, UIOMMU_UNBIND_STOPPED) == UIOMMU_OK);
    CHECK(c, conf_wait_state(c, f.bond, UIOMMU_BOND_FREE));
    /* The other device still has it. */
    CHECK(c, conf_try_bind(c, f.d, f.b, f.pasid, &f.bond) == UIOMMU_E_BUSY);
    CHECK(c, conf_unbind(c, other, UIOMMU_UNBIND_STOPPED) == UIOMMU_OK);
    CHECK(c, conf_rebind(c, f.d, f.b, f.pasid, &f.bond));
}

/* Old handles never name a new life. */
static void old_handles(struct conf *c)
{
    struct uiommu_bond_counters counters;
    struct uiommu_bond_ref old;
    struct conf_flow f;

    if (!conf_flow_up(c, &f)) {
        return;
    }
    old = f.bond;
    CHECK(c, conf_unbind(c, old, UIOMMU_UNBIND_STOPPED) == UIOMMU_OK);
    if (!conf_rebind(c, f.d, f.b, f.pasid, &f.bond)) {
        return;
    }
    CHECK(c, conf_state(c, old) == UIOMMU_BOND_FREE);
    CHECK(c, uiommu_bond_stopped(c->b.u, old) == UIOMMU_E_STALE);
    CHECK(c, uiommu_bond_get_counters(c->b.u, old, &counters) == UIOMMU_E_STALE);
    CHECK(c, uiommu_unbind_begin(c->b.u, old, 0) == UIOMMU_OK);
    CHECK(c, uiommu_unbind_poll(c->b.u, old) == UIOMMU_OK);
    CHECK(c, conf_state(c, f.bond) == UIOMMU_BOND_LIVE);
}

/* Many lives of one number: each request is of the life that was current. */
static void many_lives(struct conf *c)
{
    struct conf_flow f;
    uint32_t i;

    if (!conf_flow_up(c, &f)) {
        return;
    }
    for (i = 0; i < 12 && !conf_failed(c); i++) {
        struct conf_space *now = (i & 1) == 0 ? f.a : f.b;
        struct conf_space *next = (i & 1) == 0 ? f.b : f.a;
        uint32_t before = next->calls;

        conf_ask(f.d, f.pasid, CONF_VA, i);
        conf_run(c, BENCH_MS / 2);
        CHECK(c, now->calls == i / 2 + 1);
        conf_ask(f.d, f.pasid, CONF_VA, 100 + i);
        CHECK(c, conf_unbind(c, f.bond, UIOMMU_UNBIND_STOPPED | UIOMMU_UNBIND_ABORT) == UIOMMU_OK);
        if (!conf_rebind(c, f.d, next, f.pasid, &f.bond)) {
            return;
        }
        CHECK(c, next->calls == before);
        CHECK(c, conf_answer(f.d, 100 + i) == UIOMMU_CODE_INVALID);
    }
}

/* When a bond's settle time and its rest began; how short they were. */
struct rests {
    uint64_t settle, rest;
    bool settles, resting, is_short;
};

static void on_rest(struct bench *b, const struct uiommu_trace *r, void *arg)
{
    struct rests *t = arg;
    uint64_t began = t->settles ? t->settle : t->rest;
    bool step = r->id == UIOMMU_TRACE_STEP, bond = r->id == UIOMMU_TRACE_BOND;
    bool ends = (t->settles && step && r->c == UIOMMU_STEP_D3) ||
                (t->resting && bond && r->d == UIOMMU_BOND_FREE);

    (void)b;
    if (ends) {
        t->is_short |= r->now_ns - began < BENCH_SETTLE;
        t->settles = false;
        t->resting = false;
    }
    if (step && r->c == UIOMMU_STEP_D4) {
        t->settle = r->now_ns;
    }
    t->settles |= step && r->c == UIOMMU_STEP_SETTLE;
    if (bond && r->d == UIOMMU_BOND_QUARANTINE && !b->features.proved) {
        t->resting = true;
        t->rest = r->now_ns;
    }
}

/* Whoever services stands still for long: his host had something better to do. */
static void stand_still(struct bench *b, void *arg)
{
    (void)arg;
    bench_advance(b, 2 * BENCH_SETTLE);
}

/* The settle time counts from what it follows, not from when that round of service began. */
static void slow_service(struct conf *c)
{
    struct rests t = {0};
    struct conf_flow f;
    uint32_t at;

    if (!conf_flow_up(c, &f)) {
        return;
    }
    c->b.trace.hook = on_rest;
    c->b.trace.arg = &t;
    for (at = 0; at < 400 && !conf_failed(c); at++) {
        bench_interrupt(&c->b, at, stand_still, NULL);
        CHECK(c, conf_unbind(c, f.bond, UIOMMU_UNBIND_STOPPED | UIOMMU_UNBIND_ABORT) == UIOMMU_OK);
        CHECK(c, conf_rebind(c, f.d, f.a, f.pasid, &f.bond));
        CHECK(c, !t.is_short);
    }
    c->b.trace.hook = NULL;
    c->b.trace.arg = NULL;
}

static const struct conf_test tests[] = {
    {"R2 I1 lives: a request from before the life is INVALID", before_the_life},
    {"R2 I5 lives: a partial from before the life joins no group of it", partial_before_the_life},
    {"R3 lives: a late request voids the drain and is reported", late},
    {"R3 R9 lives: the second late request poisons the bond, a reset frees it", late_twice},
    {"R3 R9 lives: a restart does not free what late requests poisoned", late_twice_restart},
    {"R3 R9 lives: nor does a reset of before them", late_twice_after_reset},
    {"R3 R4 lives: a word after them is not refuted by what was sent before it", word_after_late},
    {"R5 I2 lives: a number rests before it is bound again", number_rests},
    {"R5 lives: the settle time is whole, however slow the service", slow_service},
    {"R6 I17 lives: one number, one address space, on all devices", one_number_one_space},
    {"R27 L38 lives: handles of a former life name nothing", old_handles},
    {"I1 lives: twelve lives of one number", many_lives},
};
const struct conf_theme conf_lives_theme = {"lives", tests, sizeof(tests) / sizeof(tests[0])};
