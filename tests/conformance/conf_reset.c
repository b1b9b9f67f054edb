/* SPDX-License-Identifier: BSD-2-Clause */
#include "conf_themes.h"

/* Device reset and removal: what was before is over, and is not answered any more. */

static void orphans(struct conf *c)
{
    struct conf_flow f;
    uint64_t sent;

    if (!conf_flow_up(c, &f)) {
        return;
    }
    f.a->answer = UIOMMU_CODE_PENDING;
    conf_ask(f.d, f.pasid, CONF_VA, 1);
    conf_send(f.d, f.pasid, CONF_VA, 2, false);
    conf_run(c, BENCH_MS);
    sent = c->b.vendor->answers(&c->b);
    CHECK(c, conf_reset(c, f.d) == UIOMMU_OK);
    conf_run(c, BENCH_MS);
    CHECK(c, f.a->orphans[UIOMMU_ORPHAN_RESET] == 1);
    CHECK(c, conf_respond(c, f.a->seen[0].ref, UIOMMU_CODE_SUCCESS) == UIOMMU_E_STALE);
    conf_run(c, BENCH_MS);
    CHECK(c, c->b.vendor->answers(&c->b) == sent);
    CHECK(c, conf_port(f.d).outstanding == 0 && conf_bond(c, f.bond).in_flight == 0);
    c->unanswered = 1;
}

/* The same index is asked again after the reset: the old answer must not reach it. */
static void index_again(struct conf *c)
{
    struct conf_flow f;

    if (!conf_flow_up(c, &f)) {
        return;
    }
    f.a->answer = UIOMMU_CODE_PENDING;
    conf_ask(f.d, f.pasid, CONF_VA, 1);
    conf_run(c, BENCH_MS);
    CHECK(c, conf_reset(c, f.d) == UIOMMU_OK);
    CHECK(c, uiommu_device_get_state(f.d->dev) == UIOMMU_DEVICE_NORMAL);
    conf_ask(f.d, f.pasid, CONF_VA, 1);
    conf_run(c, BENCH_MS);
    if (!CHECK(c, f.a->calls == 2)) {
        return;
    }
    CHECK(c, conf_respond(c, f.a->seen[0].ref, UIOMMU_CODE_INVALID) == UIOMMU_E_STALE);
    conf_run(c, BENCH_MS);
    CHECK(c, conf_answer(f.d, 1) == UIOMMU_CODE_NONE);
    CHECK(c, conf_respond(c, f.a->seen[1].ref, UIOMMU_CODE_SUCCESS) == UIOMMU_OK);
    conf_run(c, BENCH_MS);
    CHECK(c, conf_answer(f.d, 1) == UIOMMU_CODE_SUCCESS);
    c->unanswered = 1;
}

/* In the ring when the reset begins, and on the bus when it ends. */
static void in_the_ring(struct conf *c)
{
    struct conf_flow f;

    if (!conf_flow_up(c, &f)) {
        return;
    }
    conf_ask(f.d, f.pasid, CONF_VA, 1);
    bench_arrive(&c->b);
    CHECK(c, uiommu_device_reset_begin(f.d->dev) == UIOMMU_OK);
    CHECK(c, uiommu_device_reset_begin(f.d->dev) == UIOMMU_OK);
    CHECK(c, uiommu_device_get_state(f.d->dev) == UIOMMU_DEVICE_RESETTING);
    bench_fabric(&c->b, 40 * BENCH_US, 50 * BENCH_US, c->b.variant->late ? 1000 : 0, BENCH_LATE);
    conf_ask(f.d, f.pasid, CONF_VA, 2);
    conf_send(f.d, f.pasid, CONF_VA, 3, false);
    CHECK(c, conf_reset(c, f.d) == UIOMMU_OK);
    bench_fabric(&c->b, 100, BENCH_US, 0, 0);
    conf_run(c, BENCH_MS);
    CHECK(c, f.a->calls == 0 && conf_unit(c).success + conf_unit(c).invalid == 0);
    CHECK(c, c->b.vendor->answers(&c->b) == 0);
    conf_ask(f.d, f.pasid, CONF_VA + 4096, 3);
    conf_run(c, BENCH_MS);
    CHECK(c, f.a->calls == 1 && f.a->seen[0].pages == 1);
    CHECK(c, conf_device_counters(f.d).resets == 1);
    c->unanswered = 2;
    c->no_balance = c->b.features.refuses;
}

/* The ring is serviced during the reset. */
static void while_resetting(struct conf *c)
{
    struct conf_flow f;

    if (!conf_flow_up(c, &f)) {
        return;
    }
    CHECK(c, uiommu_device_reset_begin(f.d->dev) == UIOMMU_OK);
    conf_ask(f.d, f.pasid, CONF_VA, 1);
    conf_run(c, BENCH_MS);
    CHECK(c, f.a->calls == 0 && c->b.vendor->answers(&c->b) == 0);
    CHECK(c, conf_try_bind(c, f.d, f.b, conf_pasid(c), &f.bond) == UIOMMU_E_GONE);
    CHECK(c, conf_reset(c, f.d) == UIOMMU_OK);
    CHECK(c, uiommu_device_reset_end(f.d->dev) == UIOMMU_E_STATE);
    c->unanswered = 1;
    c->no_balance = c->b.features.refuses;
}

static void ready_group(struct conf *c)
{
    static const struct conf_how how = {.in_flight = 1};
    struct conf_flow f;

    memset(&f, 0, sizeof(f));
    if (!conf_up(c)) {
        return;
    }
    f.d = conf_device_make(c, &how);
    f.a = conf_space_make(c);
    f.pasid = conf_pasid(c);
    if (conf_failed(c) || !conf_bind(c, f.d, f.a, f.pasid, &f.bond)) {
        return;
    }
    f.a->answer = UIOMMU_CODE_PENDING;
    conf_ask(f.d, f.pasid, CONF_VA, 1);
    conf_ask(f.d, f.pasid, CONF_VA, 2);
    conf_run(c, BENCH_MS);
    CHECK(c, conf_reset(c, f.d) == UIOMMU_OK);
    conf_run(c, BENCH_MS);
    CHECK(c, f.a->calls == 1 && f.a->orphans[UIOMMU_ORPHAN_RESET] == 1);
    CHECK(c, c->b.vendor->answers(&c->b) == 0);
    f.a->answer = UIOMMU_CODE_SUCCESS;
    conf_ask(f.d, f.pasid, CONF_VA, 2);
    conf_run(c, BENCH_MS);
    CHECK(c, conf_answer(f.d, 2) == UIOMMU_CODE_SUCCESS);
    c->unanswered = 2;
}

/* Credits, PASID, ATS and PRI are set up again; the bond lives on. */
static void works_again(struct conf *c)
{
    struct conf_flow f;
    uint32_t i;

    if (!conf_flow_up(c, &f)) {
        return;
    }
    CHECK(c, bench_map(&c->b, f.a->tables, CONF_VA, UIOMMU_READ) != NULL);
    CHECK(c, conf_access(f.d, f.pasid, CONF_VA, MODEL_READ));
    CHECK(c, conf_reset(c, f.d) == UIOMMU_OK);
    CHECK(c, conf_state(c, f.bond) == UIOMMU_BOND_LIVE);
    CHECK(c, conf_access(f.d, f.pasid, CONF_VA, MODEL_READ));
    for (i = 0; i < 4; i++) {
        conf_ask(f.d, f.pasid, CONF_VA, i);
    }
    conf_run(c, BENCH_MS);
    CHECK(c, f.a->calls == 4 && conf_counts(f.d).success == 4);
    CHECK(c, conf_device_counters(f.d).over_credit == 0);
}

static void reset_in_handler(struct conf *c, struct conf_space *s, const struct uiommu_group *g)
{
    (void)s;
    CHECK(c, uiommu_device_reset_begin(g->device) == UIOMMU_OK);
}

/* The handler says SUCCESS, but its device was reset meanwhile. */
static void in_the_handler(struct conf *c)
{
    struct conf_flow f;

    if (!conf_flow_up(c, &f)) {
        return;
    }
    f.a->on_fault = reset_in_handler;
    conf_ask(f.d, f.pasid, CONF_VA, 1);
    conf_run(c, BENCH_MS);
    CHECK(c, f.a->calls == 1 && c->b.vendor->answers(&c->b) == 0);
    CHECK(c, conf_reset(c, f.d) == UIOMMU_OK);
    c->unanswered = 1;
}

static void unbind_while_resetting(struct conf *c)
{
    struct conf_flow f;

    if (!conf_flow_up(c, &f)) {
        return;
    }
    CHECK(c, uiommu_device_reset_begin(f.d->dev) == UIOMMU_OK);
    CHECK(c, uiommu_unbind_begin(c->b.u, f.bond, 0) == UIOMMU_OK);
    conf_run(c, BENCH_MS);
    CHECK(c, conf_reset(c, f.d) == UIOMMU_OK);
    CHECK(c, conf_poll(c, f.bond) == UIOMMU_OK);
    CHECK(c, conf_rebind(c, f.d, f.b, f.pasid, &f.bond));
}

/* Its driver learns of the unbind by stop() alone, and goes on after a reset if not told. */
static void stop_after_reset(struct conf *c)
{
    struct conf_flow f;

    if (!conf_flow_up(c, &f)) {
        return;
    }
    f.d->stop = CONF_STOP_LATER;
    CHECK(c, uiommu_device_reset_begin(f.d->dev) == UIOMMU_OK);
    CHECK(c, uiommu_unbind_begin(c->b.u, f.bond, 0) == UIOMMU_OK);
    CHECK(c, conf_reset(c, f.d) == UIOMMU_OK);
    conf_run(c, BENCH_MS);
    CHECK(c, uiommu_unbind_poll(c->b.u, f.bond) == UIOMMU_PENDING);
    CHECK(c, f.d->stops == 1);
    conf_run(c, BENCH_MS);
    CHECK(c, conf_state(c, f.bond) == UIOMMU_BOND_STOPPING);
    CHECK(c, uiommu_bond_stopped(c->b.u, f.bond) == UIOMMU_OK);
    CHECK(c, conf_poll(c, f.bond) == UIOMMU_OK);
    CHECK(c, conf_rebind(c, f.d, f.b, f.pasid, &f.bond));
}

/* Asked only after the reset, and never confirmed: what was before the question proves nothing. */
static void unconfirmed_after_reset(struct conf *c)
{
    struct conf_flow f;

    if (!conf_flow_up(c, &f)) {
        return;
    }
    f.d->stop = CONF_STOP_NEVER;
    CHECK(c, uiommu_device_reset_begin(f.d->dev) == UIOMMU_OK);
    CHECK(c, uiommu_unbind_begin(c->b.u, f.bond, 0) == UIOMMU_OK);
    CHECK(c, conf_reset(c, f.d) == UIOMMU_OK);
    CHECK(c, conf_poll(c, f.bond) == UIOMMU_E_POISONED);
    CHECK(c, f.d->stops == 1);
    conf_run(c, 10 * BENCH_MS);
    CHECK(c, conf_state(c, f.bond) == UIOMMU_BOND_POISONED);
    CHECK(c, conf_bond(c, f.bond).missing == UIOMMU_PROOF_STOP);
    CHECK(c, conf_reset(c, f.d) == UIOMMU_OK);
    CHECK(c, conf_wait_state(c, f.bond, UIOMMU_BOND_FREE));
}

/* A device whose driver cannot be told: no stop() at all, or none behind the one of PCIe. */
static bool untold_up(struct conf *c, struct conf_flow *f, bool pcie)
{
    struct uiommu_device_config config;
    struct uiommu_device_ops ops = *uiommu_pcie_ops();

    memset(f, 0, sizeof(*f));
    if (!conf_up(c)) {
        return false;
    }
    f->d = conf_device_plan(c, NULL, &config);
    f->a = conf_space_make(c);
    f->pasid = conf_pasid(c);
    if (conf_failed(c)) {
        return false;
    }
    if (pcie) {
        f->d->fn.driver.stop = NULL;
    } else {
        ops.stop = NULL;
        config.ops = &ops;
    }
    return CHECK(c, uiommu_device_attach(c->b.unit, &config, &f->d->dev) == UIOMMU_OK) &&
           conf_bind(c, f->d, f->a, f->pasid, &f->bond);
}

static void untold(struct conf *c, bool pcie)
{
    struct conf_flow f;

    if (!untold_up(c, &f, pcie)) {
        return;
    }
    CHECK(c, uiommu_unbind_begin(c->b.u, f.bond, 0) == UIOMMU_OK);
    CHECK(c, uiommu_unbind_poll(c->b.u, f.bond) == UIOMMU_PENDING);
    CHECK(c, conf_reset(c, f.d) == UIOMMU_OK);
    conf_run(c, BENCH_MS);
    CHECK(c, conf_state(c, f.bond) == UIOMMU_BOND_STOPPING);
    CHECK(c, conf_poll(c, f.bond) == UIOMMU_E_POISONED);
    conf_run(c, 10 * BENCH_MS);
    CHECK(c, conf_bond(c, f.bond).missing == UIOMMU_PROOF_STOP);
    /* From here on everybody knows. */
    CHECK(c, conf_reset(c, f.d) == UIOMMU_OK);
    CHECK(c, conf_wait_state(c, f.bond, UIOMMU_BOND_FREE));
}

static void untold_no_stop(struct conf *c)
{
    untold(c, false);
}

static void untold_pcie(struct conf *c)
{
    untold(c, true);
}

/* Its word is as good as ever. */
static void untold_says_so(struct conf *c)
{
    struct conf_flow f;

    if (!untold_up(c, &f, false)) {
        return;
    }
    CHECK(c, uiommu_unbind_begin(c->b.u, f.bond, 0) == UIOMMU_OK);
    CHECK(c, uiommu_device_reset_begin(f.d->dev) == UIOMMU_OK);
    CHECK(c, uiommu_bond_stopped(c->b.u, f.bond) == UIOMMU_OK);
    CHECK(c, conf_reset(c, f.d) == UIOMMU_OK);
    CHECK(c, conf_poll(c, f.bond) == UIOMMU_OK);
    CHECK(c, conf_wait_state(c, f.bond, UIOMMU_BOND_FREE));
}

static void answer_waits(struct conf *c)
{
    struct conf_flow f;

    if (!conf_flow_up(c, &f)) {
        return;
    }
    f.a->answer = UIOMMU_CODE_PENDING;
    conf_ask(f.d, f.pasid, CONF_VA, 1);
    conf_run(c, BENCH_MS);
    CHECK(c, uiommu_device_reset_begin(f.d->dev) == UIOMMU_OK);
    CHECK(c, conf_respond(c, f.a->seen[0].ref, UIOMMU_CODE_SUCCESS) == UIOMMU_E_STALE);
    conf_run(c, BENCH_MS);
    CHECK(c, c->b.vendor->answers(&c->b) == 0);
    CHECK(c, conf_reset(c, f.d) == UIOMMU_OK);
    c->unanswered = 1;
}

/* The end of a reset fails when the device is open again; the next reset is one of its own. */
static void begun_again(struct conf *c)
{
    struct conf_flow f;

    if (!conf_flow_up(c, &f)) {
        return;
    }
    c->b.vendor->lose_invalidations(&c->b, 1); /* The first use of the device TLB. */
    CHECK(c, conf_reset(c, f.d) != UIOMMU_OK);
    CHECK(c, uiommu_device_get_state(f.d->dev) == UIOMMU_DEVICE_RESETTING);
    c->b.vendor->lose_invalidations(&c->b, 0);
    conf_ask(f.d, f.pasid, CONF_VA, 1);
    bench_arrive(&c->b);
    CHECK(c, conf_reset(c, f.d) == UIOMMU_OK);
    conf_run(c, BENCH_MS);
    CHECK(c, f.a->calls == 0);
    CHECK(c, uiommu_device_get_state(f.d->dev) == UIOMMU_DEVICE_NORMAL);
    conf_ask(f.d, f.pasid, CONF_VA, 2);
    conf_run(c, BENCH_MS);
    CHECK(c, f.a->calls == 1 && conf_answer(f.d, 2) == UIOMMU_CODE_SUCCESS);
    c->unanswered = 1;
}

/* A unit that is away takes no barrier, so none was there, and time alone proves nothing. */
static void no_barrier(struct conf *c)
{
    struct conf_flow f;

    if (!conf_flow_up(c, &f)) {
        return;
    }
    CHECK(c, uiommu_device_reset_begin(f.d->dev) == UIOMMU_OK);
    CHECK(c, uiommu_unit_suspend(c->b.unit) == UIOMMU_OK);
    model_endpoint_reset(f.d->ep);
    CHECK(c, uiommu_device_reset_end(f.d->dev) != UIOMMU_OK);
    conf_run(c, 3 * BENCH_SETTLE);
    CHECK(c, uiommu_device_reset_end(f.d->dev) == UIOMMU_E_HW);
    CHECK(c, uiommu_unit_resume(c->b.unit) == UIOMMU_OK);
    c->sample = bench_now(&c->b);
    CHECK(c, conf_reset_ends(c, f.d) == UIOMMU_OK);
    CHECK(c, bench_now(&c->b) - c->sample >= BENCH_SETTLE);
}

/* Pulled out with everything open; what is left is taken down without touching it. */
static void surprise(struct conf *c)
{
    struct conf_flow f;

    if (!conf_flow_up(c, &f)) {
        return;
    }
    f.a->answer = UIOMMU_CODE_PENDING;
    conf_ask(f.d, f.pasid, CONF_VA, 1);
    conf_send(f.d, f.pasid, CONF_VA, 2, false);
    conf_run(c, BENCH_MS);
    conf_ask(f.d, f.pasid, CONF_VA, 3);
    bench_arrive(&c->b);
    model_endpoint_remove(f.d->ep);
    f.d->removed = true;
    CHECK(c, uiommu_device_removed(f.d->dev) == UIOMMU_OK);
    CHECK(c, uiommu_device_get_state(f.d->dev) == UIOMMU_DEVICE_GONE);
    CHECK(c, uiommu_device_reset_end(f.d->dev) != UIOMMU_OK);
    CHECK(c, uiommu_aspace_exit(f.a->as) == UIOMMU_OK);
    CHECK(c, conf_reap(c, f.a) == UIOMMU_OK);
    CHECK(c, f.a->calls == 1 && f.a->orphans[UIOMMU_ORPHAN_RESET] == 1);
    CHECK(c, c->b.vendor->answers(&c->b) == 0);
    c->unanswered = 2;
}

static const struct conf_test tests[] = {
    {"I19 L42 reset: groups become orphans, nothing is sent for them", orphans},
    {"I19 L42 reset: an answer from before never meets an index used again", index_again},
    {"R33 I19 reset: entries of before are dropped, in ring and on the bus", in_the_ring},
    {"R33 reset: until its end everything is dropped unanswered", while_resetting},
    {"I19 reset: a complete group that waits is dropped too", ready_group},
    {"I19 L42 reset: enables and credits are set up again, bonds live on", works_again},
    {"R33 I19 reset: begun inside the handler, its answer goes nowhere", in_the_handler},
    {"R33 L41 reset: respond() after its beginning is STALE", answer_waits},
    {"I18 L12 reset: an unbind under way ends", unbind_while_resetting},
    {"R4 R9 reset: proves no stop that its driver was not asked for", stop_after_reset},
    {"R33 I19 reset: begun again after an end that failed, it is one of its own", begun_again},
    {"R33 R5 reset: without a barrier there is no end", no_barrier},
    {"R4 R9 reset: nor one that its driver was asked for later", unconfirmed_after_reset},
    {"R4 R9 reset: nor that of a device without stop(), until it is POISONED", untold_no_stop},
    {"R4 R9 reset: the same, with PCIe's stop() and no driver's", untold_pcie},
    {"R4 R9 reset: without stop() the driver's word is good", untold_says_so},
    {"R20 R33 L11 reset: surprise removal with everything open", surprise},
};
const struct conf_theme conf_reset_theme = {"reset", tests, sizeof(tests) / sizeof(tests[0])};
