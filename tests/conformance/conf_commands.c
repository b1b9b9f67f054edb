/* SPDX-License-Identifier: BSD-2-Clause */
#include "conf_themes.h"

/* Commands that hang or fail: what is not proved is withheld. */

static bool warm(struct conf *c, const struct conf_flow *f)
{
    CHECK(c, bench_map(&c->b, f->a->tables, CONF_VA, UIOMMU_READ) != NULL);
    return CHECK(c, conf_access(f->d, f->pasid, CONF_VA, MODEL_READ));
}

/* Asked again and again it stays what it is: no word that hardware has let go. */
static void still_withheld(struct conf *c, struct uiommu_bond_ref bond)
{
    uint32_t i;

    for (i = 0; i < 40; i++) {
        uiommu_err err = uiommu_unbind_poll(c->b.u, bond);

        CHECK(c, err == UIOMMU_E_WITHHELD || err == UIOMMU_PENDING);
        bench_advance(&c->b, BENCH_COMMAND / 10);
    }
    CHECK(c, conf_poll(c, bond) == UIOMMU_E_WITHHELD);
}

static void hung_unbind(struct conf *c)
{
    struct uiommu_bond_ref next;
    struct conf_flow f;

    if (!conf_flow_up(c, &f) || !warm(c, &f)) {
        return;
    }
    c->b.vendor->hang(&c->b, true);
    c->sample = bench_now(&c->b);
    CHECK(c, conf_unbind(c, f.bond, UIOMMU_UNBIND_STOPPED) == UIOMMU_E_WITHHELD);
    CHECK(c, bench_now(&c->b) - c->sample < BENCH_FOREVER);
    still_withheld(c, f.bond);
    CHECK(c, conf_state(c, f.bond) == UIOMMU_BOND_POISONED);
    CHECK(c, (conf_bond(c, f.bond).missing & (UIOMMU_PROOF_CONFIG | UIOMMU_PROOF_TLB)) != 0);
    CHECK(c, conf_events(c, UIOMMU_EVENT_UNIT_HUNG) >= 1);
    CHECK(c, conf_try_bind(c, f.d, f.b, f.pasid, &next) != UIOMMU_OK);
    /* The hang ends by itself: what was missing is asked for again, or a restart gives it. */
    c->b.vendor->hang(&c->b, false);
    CHECK(c, uiommu_unit_restart(c->b.unit) == UIOMMU_OK);
    CHECK(c, conf_reset(c, f.d) == UIOMMU_OK);
    CHECK(c, conf_wait_state(c, f.bond, UIOMMU_BOND_FREE));
    CHECK(c, !bench_uses_tables(&c->b, f.a->tables));
    CHECK(c, conf_rebind(c, f.d, f.b, f.pasid, &next));
}

/* The restart alone proves configuration and IOTLB, not what the device holds. */
static void restart_proofs(struct conf *c)
{
    struct conf_flow f;

    if (!conf_flow_up(c, &f) || !warm(c, &f)) {
        return;
    }
    c->b.vendor->hang(&c->b, true);
    CHECK(c, conf_unbind(c, f.bond, UIOMMU_UNBIND_STOPPED) == UIOMMU_E_WITHHELD);
    c->b.vendor->hang(&c->b, false);
    CHECK(c, uiommu_unit_restart(c->b.unit) == UIOMMU_OK);
    conf_run(c, 5 * BENCH_MS);
    CHECK(c, (conf_bond(c, f.bond).missing & (UIOMMU_PROOF_CONFIG | UIOMMU_PROOF_TLB)) == 0);
    CHECK(c, conf_reset(c, f.d) == UIOMMU_OK);
    CHECK(c, conf_wait_state(c, f.bond, UIOMMU_BOND_FREE));
}

/* Everything works as before after a restart and a reset. */
static void restart_works(struct conf *c)
{
    struct conf_flow f;

    if (!conf_flow_up(c, &f) || !warm(c, &f)) {
        return;
    }
    f.a->answer = UIOMMU_CODE_PENDING;
    conf_ask(f.d, f.pasid, CONF_VA, 1);
    conf_run(c, BENCH_MS);
    CHECK(c, uiommu_unit_restart(c->b.unit) == UIOMMU_OK);
    conf_run(c, BENCH_MS);
    CHECK(c, f.a->orphans[UIOMMU_ORPHAN_RESET] == 1);
    CHECK(c, conf_respond(c, f.a->seen[0].ref, UIOMMU_CODE_SUCCESS) == UIOMMU_E_STALE);
    CHECK(c, conf_reset(c, f.d) == UIOMMU_OK);
    CHECK(c, conf_state(c, f.bond) == UIOMMU_BOND_LIVE);
    f.a->answer = UIOMMU_CODE_SUCCESS;
    conf_ask(f.d, f.pasid, CONF_VA, 2);
    conf_run(c, BENCH_MS);
    CHECK(c, conf_answer(f.d, 2) == UIOMMU_CODE_SUCCESS);
    CHECK(c, conf_access(f.d, f.pasid, CONF_VA, MODEL_READ));
    c->no_balance = true; /* Hardware may have failed what came while it was off. */
}

static void hung_bind(struct conf *c)
{
    struct uiommu_bond_ref next = {0, 0};
    struct conf_flow f;
    uiommu_err err;

    if (!conf_flow_up(c, &f)) {
        return;
    }
    c->b.vendor->hang(&c->b, true);
    c->sample = bench_now(&c->b);
    err = conf_try_bind(c, f.d, f.b, conf_pasid(c), &next);
    CHECK(c, err == UIOMMU_E_TIMEOUT || err == UIOMMU_E_HW);
    CHECK(c, bench_now(&c->b) - c->sample < 8 * BENCH_COMMAND);
    CHECK(c, f.b->calls == 0);
}

/* All commands of an op go into the ring, and a ticket behind them, or none: until it is full. */
static void all_or_none(struct conf *c)
{
    static const struct conf_how how = {.ids = 4};
    struct uiommu_bond_ref next = {0, 0};
    struct conf_device *d;
    struct conf_flow f;
    uint32_t i;

    if (!conf_flow_up(c, &f)) {
        return;
    }
    d = conf_device_make(c, &how);
    for (i = 0; i < 8; i++) {
        (void)conf_pasid(c);
    }
    if (conf_failed(c)) {
        return;
    }
    c->b.vendor->hang(&c->b, true);
    for (i = 0; i < 8; i++) {
        c->err = conf_try_bind(c, d, f.b, c->pasid[1 + i], &next);
        CHECK(c, c->err == UIOMMU_E_TIMEOUT || c->err == UIOMMU_E_HW || c->err == UIOMMU_E_BUSY);
    }
    c->b.vendor->hang(&c->b, false);
    conf_run(c, BENCH_MS);
    CHECK(c, uiommu_unit_restart(c->b.unit) == UIOMMU_OK);
    CHECK(c, conf_reset(c, d) == UIOMMU_OK);
    CHECK(c, conf_reset(c, f.d) == UIOMMU_OK);
    CHECK(c, conf_rebind(c, d, f.b, conf_pasid(c), &next));
}

/* One device does not answer; the unit reports it once, and then claims success. */
static void invalidation_fails(struct conf *c)
{
    struct conf_flow f;

    if (!conf_flow_up(c, &f) || !warm(c, &f)) {
        return;
    }
    c->b.vendor->lose_invalidations(&c->b, 1);
    CHECK(c, conf_unbind(c, f.bond, UIOMMU_UNBIND_STOPPED) == UIOMMU_OK);
    CHECK(c, conf_unit(c).command_errors >= 1);
    /* OK is the truth: it was sent again. */
    CHECK(c, !bench_uses_tables(&c->b, f.a->tables));
    CHECK(c, !conf_access(f.d, f.pasid, CONF_VA, MODEL_READ));
}

static void exit_fails(struct conf *c)
{
    struct conf_flow f;
    uiommu_err err;

    if (!conf_flow_up(c, &f) || !warm(c, &f)) {
        return;
    }
    c->b.vendor->lose_invalidations(&c->b, 1);
    err = uiommu_aspace_exit(f.a->as);
    CHECK(c, err == UIOMMU_OK || err == UIOMMU_E_WITHHELD);
    CHECK(c, err != UIOMMU_OK || !conf_access(f.d, f.pasid, CONF_VA, MODEL_READ));
    CHECK(c, conf_reap(c, f.a) == UIOMMU_OK);
    CHECK(c, !conf_access(f.d, f.pasid, CONF_VA, MODEL_READ));
}

/* One that never answers is found among others, and only it pays. */
static void never_answers(struct conf *c)
{
    struct model_endpoint_knobs knobs;
    struct uiommu_bond_ref other;
    struct conf_device *e;
    struct conf_flow f;

    if (!conf_flow_up(c, &f) || !warm(c, &f)) {
        return;
    }
    e = conf_device_make(c, NULL);
    if (e == NULL || !conf_bind(c, e, f.a, f.pasid, &other)) {
        return;
    }
    CHECK(c, conf_access(e, f.pasid, CONF_VA, MODEL_READ));
    memset(&knobs, 0, sizeof(knobs));
    knobs.ignore_invalidations = true;
    conf_knobs(f.d, &knobs);
    CHECK(c, uiommu_unbind_begin(c->b.u, f.bond, UIOMMU_UNBIND_STOPPED) == UIOMMU_OK);
    CHECK(c, uiommu_unbind_begin(c->b.u, other, UIOMMU_UNBIND_STOPPED) == UIOMMU_OK);
    CHECK(c, conf_poll(c, other) == UIOMMU_OK);
    c->err = conf_poll(c, f.bond);
    CHECK(c, c->err == UIOMMU_E_WITHHELD || c->err == UIOMMU_E_POISONED);
    CHECK(c, conf_state(c, f.bond) == UIOMMU_BOND_POISONED);
    CHECK(c, (conf_bond(c, f.bond).missing & UIOMMU_PROOF_DEVICE) != 0);
    CHECK(c, conf_events(c, UIOMMU_EVENT_INVALIDATION_TIMEOUT) >= 1);
    CHECK(c, uiommu_device_get_state(e->dev) == UIOMMU_DEVICE_NORMAL);
    /* A reset empties what it held. */
    memset(&knobs, 0, sizeof(knobs));
    conf_knobs(f.d, &knobs);
    CHECK(c, conf_reset(c, f.d) == UIOMMU_OK);
    CHECK(c, conf_wait_state(c, f.bond, UIOMMU_BOND_FREE));
}

/* A unit that counts as hung is restarted, as a host does, who tries again where the queue is still
 * busy; its devices need a reset then. */
static bool heal(struct conf *c)
{
    struct uiommu_unit_info info;
    uint32_t i;

    CHECK(c, uiommu_unit_get_info(c->b.unit, &info) == UIOMMU_OK);
    if (!info.hung) {
        return false;
    }
    for (i = 0, c->err = UIOMMU_E_HW; i < 4 && c->err != UIOMMU_OK; i++) {
        c->err = uiommu_unit_restart(c->b.unit);
    }
    CHECK(c, c->err == UIOMMU_OK);
    return true;
}

/* Several at once cost more than a command may take, so that the unit may count as hung: each is
 * found and cut off all the same, and nobody else. */
static void several_never_answer(struct conf *c)
{
    struct model_endpoint_knobs knobs;
    struct uiommu_bond_ref bond[5];
    bool restarted = false;
    struct conf_device *d[5];
    struct conf_flow f;
    uint32_t i, round, cut;

    if (!conf_flow_up(c, &f) || !warm(c, &f)) {
        return;
    }
    memset(&knobs, 0, sizeof(knobs));
    knobs.ignore_invalidations = true;
    for (i = 0; i < 5; i++) {
        d[i] = conf_device_make(c, NULL);
        if (d[i] == NULL || !conf_bind(c, d[i], f.a, f.pasid, &bond[i])) {
            return;
        }
        CHECK(c, conf_access(d[i], f.pasid, CONF_VA, MODEL_READ));
        conf_knobs(d[i], &knobs);
    }
    c->sample = bench_now(&c->b);
    for (i = 0; i < 5; i++) {
        CHECK(c, uiommu_unbind_begin(c->b.u, bond[i], UIOMMU_UNBIND_STOPPED) == UIOMMU_OK);
    }
    CHECK(c, uiommu_unbind_begin(c->b.u, f.bond, UIOMMU_UNBIND_STOPPED) == UIOMMU_OK);
    for (round = 0, cut = 0; round < 12 && cut != 5; round++) {
        for (i = 0, cut = 0; i < 5; i++) {
            CHECK(c, conf_poll(c, bond[i]) != UIOMMU_OK);
            cut += uiommu_device_get_state(d[i]->dev) == UIOMMU_DEVICE_ISOLATED;
        }
        restarted |= heal(c);
    }
    CHECK(c, cut == 5);
    CHECK(c, !restarted || conf_reset(c, f.d) == UIOMMU_OK);
    for (round = 0; round < 12 && conf_poll(c, f.bond) != UIOMMU_OK; round++) {
    }
    CHECK(c, conf_wait_state(c, f.bond, UIOMMU_BOND_FREE));
    CHECK(c, uiommu_device_get_state(f.d->dev) == UIOMMU_DEVICE_NORMAL);
    /* Their resets empty what they held. */
    memset(&knobs, 0, sizeof(knobs));
    for (i = 0; i < 5; i++) {
        conf_knobs(d[i], &knobs);
        CHECK(c, conf_reset(c, d[i]) == UIOMMU_OK);
        CHECK(c, conf_wait_state(c, bond[i], UIOMMU_BOND_FREE));
    }
}

/* Slow is not dead. */
static void slow(struct conf *c)
{
    struct model_endpoint_knobs knobs;
    struct conf_flow f;

    if (!conf_flow_up(c, &f) || !warm(c, &f)) {
        return;
    }
    memset(&knobs, 0, sizeof(knobs));
    knobs.invalidate_delay_ns = 200 * BENCH_US;
    conf_knobs(f.d, &knobs);
    CHECK(c, conf_unbind(c, f.bond, UIOMMU_UNBIND_STOPPED) == UIOMMU_OK);
    CHECK(c, !bench_uses_tables(&c->b, f.a->tables));
}

/* Two drains on one device share barriers, and neither joins one that was begun too early. */
static void shared_barriers(struct conf *c)
{
    struct uiommu_bond_ref bond[4];
    struct conf_flow f;
    uint32_t i;

    if (!conf_flow_up(c, &f)) {
        return;
    }
    for (i = 0; i < 4; i++) {
        if (!conf_bind(c, f.d, f.a, conf_pasid(c), &bond[i])) {
            return;
        }
    }
    for (i = 0; i < 4; i++) {
        conf_ask(f.d, c->pasid[i + 1], CONF_VA, i);
        bench_advance(&c->b, 2 * BENCH_US);
        CHECK(c, uiommu_unbind_begin(c->b.u, bond[i],
                                     UIOMMU_UNBIND_STOPPED | UIOMMU_UNBIND_ABORT) == UIOMMU_OK);
        conf_run(c, 20 * BENCH_US * i);
    }
    for (i = 0; i < 4; i++) {
        CHECK(c, conf_poll(c, bond[i]) == UIOMMU_OK);
        CHECK(c, !c->b.vendor->reaches(&c->b, f.d->id, c->pasid[i + 1]));
    }
    conf_run(c, BENCH_MS);
    CHECK(c, conf_counts(f.d).outstanding == 0 && conf_unit(c).late == 0);
}

static const struct conf_test tests[] = {
    {"R12 I21 L29 commands: a hung command queue withholds an unbind", hung_unbind},
    {"R9 commands: what a restart proves and what a reset proves", restart_proofs},
    {"R9 R27 commands: a restart makes orphans, and all works again", restart_works},
    {"I21 L38 commands: a bind on a hung unit is undone", hung_bind},
    {"commands: a full ring takes all of an op's commands, or none", all_or_none},
    {"R15 commands: a failed device-TLB invalidation is not believed", invalidation_fails},
    {"R15 R12 commands: nor by exit", exit_fails},
    {"R15 R9 commands: a device that never answers is found, alone", never_answers},
    {"R15 I21 commands: several that never answer are found, and only they", several_never_answer},
    {"R17 I21 commands: a slow device is waited for", slow},
    {"R18 I13 commands: barriers are shared, joined late never", shared_barriers},
};
const struct conf_theme conf_commands_theme = {"commands", tests, sizeof(tests) / sizeof(tests[0])};
