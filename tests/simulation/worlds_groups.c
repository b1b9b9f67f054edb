/* SPDX-License-Identifier: BSD-2-Clause */
#include "worlds.h"

/* Worlds in which groups, rings and devices go wrong. */

/* ---- one answer, whoever gives it ---- */

static bool is_pending(void *arg)
{
    (void)arg;
    return w.pendings > 0;
}

static void asks(struct sim *s, void *arg)
{
    (void)arg;
    sim_step(s);
    conf_ask(w.d, w.pasid, LIFE(1, 1), 1);
    world_answer(s, w.d, 1, UIOMMU_CODE_NONE);
    sim_step(s);
    conf_ask(w.d, w.pasid, LIFE(1, 2), 1); /* At once: the old token may meet it. */
    sim_sleep(s, 50 * BENCH_US);
    SIM_CHECK(s, "I3 token", w.pendings < 2 || conf_answer(w.d, 1) == UIOMMU_CODE_NONE);
    world_set(s, 0);
    world_answer(s, w.d, 1, UIOMMU_CODE_NONE);
}

static void answers(struct sim *s, void *arg)
{
    uiommu_err err;

    (void)arg;
    (void)sim_until(s, is_pending, NULL, 2 * BENCH_MS);
    err = uiommu_group_respond(sim_bench(s)->unit, w.pending[0], UIOMMU_CODE_SUCCESS);
    sim_step(s);
    w.count[0] += err == UIOMMU_OK;
    SIM_CHECK(s, "I3 token", w.count[0] <= 1);
    world_wait(s, 0);
    err = uiommu_group_respond(sim_bench(s)->unit, w.pending[0], UIOMMU_CODE_SUCCESS);
    sim_step(s);
    SIM_CHECK(s, "I3 token", err != UIOMMU_OK);
    err = uiommu_group_respond(sim_bench(s)->unit, w.pending[1], UIOMMU_CODE_INVALID);
    sim_step(s);
    w.count[1] += err == UIOMMU_OK;
    SIM_CHECK(s, "I3 token", w.count[1] <= 1);
}

static void build_token(struct sim *s, struct conf *c, void *arg)
{
    (void)arg;
    if (world_up(s, c, NULL)) {
        w.pend = true;
        w.space[1]->answer = UIOMMU_CODE_PENDING;
        sim_cpu(s, "device", asks, NULL, 0);
        sim_cpu(s, "answers", answers, NULL, 0);
        sim_cpu(s, "answers too", answers, NULL, 0);
        world_daemons(s, 1);
    }
}

/* ---- what nobody may answer ---- */

static void dies(struct sim *s, void *arg)
{
    (void)arg;
    world_wait(s, 0);
    w.err = uiommu_aspace_exit(w.space[1]->as);
    world_set(s, 1);
}

static void sends_silent(struct sim *s, void *arg)
{
    uint64_t sent;

    (void)arg;
    sim_step(s);
    conf_send(w.d, w.other, LIFE(1, 1), 1, false);
    if (sim_bench(s)->features.markers) {
        conf_marker(w.d, w.pasid);
        conf_marker(w.d, w.other);
    }
    sim_step(s);
    sim_sleep(s, 10 * BENCH_US);
    world_set(s, 0);
    if (sim_bench(s)->features.markers) {
        conf_marker(w.d, w.pasid);
    }
    world_wait(s, 1);
    if (sim_bench(s)->features.markers) {
        conf_marker(w.d, w.pasid);
    }
    sim_sleep(s, 100 * BENCH_US);
    sent = sim_bench(s)->vendor->answers(sim_bench(s));
    SIM_CHECK(s, "I3 silence", sent == 0);
    SIM_CHECK(s, "I3 marker", conf_counts(w.d).marker_answers == 0 && w.calls[1] == 0);
}

static void build_silence(struct sim *s, struct conf *c, void *arg)
{
    (void)arg;
    if (world_up(s, c, NULL)) {
        w.dies = true;
        sim_cpu(s, "device", sends_silent, NULL, 0);
        sim_cpu(s, "killer", dies, NULL, 0);
        world_daemons(s, 1);
    }
}

/* ---- one index, twice ---- */

static void mixes(struct sim *s, void *arg)
{
    (void)arg;
    sim_step(s);
    conf_send(w.d, w.pasid, LIFE(1, 1), 1, false);
    sim_step(s);
    conf_ask(w.d, w.other, LIFE(2, 1), 1);
    sim_sleep(s, 100 * BENCH_US);
}

static void after_keys(struct sim *s, struct conf *c, void *arg)
{
    (void)arg;
    SIM_CHECK(s, "I5", w.calls[1] == 0 && w.calls[2] == 1);
    c->ignored = 1; /* The endpoint goes by the index alone. */
}

static void build_keys(struct sim *s, struct conf *c, void *arg)
{
    (void)arg;
    if (world_up(s, c, NULL) && conf_bind(c, w.d, w.space[2], w.other, &w.other_bond)) {
        sim_cpu(s, "device", mixes, NULL, 0);
        world_daemons(s, 2);
    }
}

static void asks_again(struct sim *s, void *arg)
{
    (void)arg;
    sim_step(s);
    conf_ask(w.d, w.pasid, LIFE(1, 1), 1);
    (void)sim_until(s, is_pending, NULL, BENCH_MS);
    conf_ask(w.d, w.pasid, LIFE(1, 2), 1);
    sim_sleep(s, 100 * BENCH_US);
    SIM_CHECK(s, "I5 in flight", w.calls[1] == 1);
    w.err = uiommu_group_respond(sim_bench(s)->unit, w.pending[0], UIOMMU_CODE_SUCCESS);
    sim_sleep(s, 100 * BENCH_US);
}

static void build_again(struct sim *s, struct conf *c, void *arg)
{
    (void)arg;
    if (world_up(s, c, NULL)) {
        w.pend = true;
        w.space[1]->answer = UIOMMU_CODE_PENDING;
        sim_cpu(s, "device", asks_again, NULL, 0);
        world_daemons(s, 2);
    }
}

/* ---- credits ---- */

static void asks_too_much(struct sim *s, void *arg)
{
    uint32_t i;

    (void)arg;
    for (i = 0; i < 3; i++) {
        sim_step(s);
        conf_ask(w.d, w.pasid, LIFE(1, i), 1 + i);
    }
    sim_sleep(s, 100 * BENCH_US);
    SIM_CHECK(s, "I9 credits", w.calls[1] == 2);
    for (i = 0; i < w.pendings; i++) {
        w.err = uiommu_group_respond(sim_bench(s)->unit, w.pending[i], UIOMMU_CODE_SUCCESS);
    }
    for (i = 0; i < 3; i++) {
        world_answer(s, w.d, 1 + i, UIOMMU_CODE_NONE);
    }
}

static void build_credits(struct sim *s, struct conf *c, void *arg)
{
    static const struct conf_how how = {.want = 2};

    (void)arg;
    if (world_up(s, c, &how)) {
        w.pend = true;
        w.space[1]->answer = UIOMMU_CODE_PENDING;
        sim_cpu(s, "device", asks_too_much, NULL, 0);
        world_daemons(s, 2);
    }
}

/* Two ports at once, each of which wants most of the queue. */
static void wants(struct sim *s, void *arg)
{
    struct conf *c = sim_conf(s);
    struct uiommu_port_config config;
    struct uiommu_port_info info;
    struct uiommu_port *port = NULL;
    uint32_t room = c->b.features.request_room - 1 - c->b.config.marker_reserve;

    (void)arg;
    memset(&config, 0, sizeof(config));
    config.size = sizeof(config);
    config.want = room - 6;
    if (uiommu_port_create(c->b.unit, &config, &port) != UIOMMU_OK) {
        return;
    }
    SIM_CHECK(s, "setup", uiommu_port_get_info(port, &info) == UIOMMU_OK);
    sim_step(s);
    w.count[0] += info.credits;
    SIM_CHECK(s, "I9 ledger", w.count[0] <= room);
    sim_sleep(s, BENCH_US);
    w.count[0] -= info.credits;
    SIM_CHECK(s, "setup", uiommu_port_destroy(port) == UIOMMU_OK);
}

static void build_ledger(struct sim *s, struct conf *c, void *arg)
{
    (void)arg;
    if (conf_up(c)) {
        sim_cpu(s, "port", wants, NULL, 0);
        sim_cpu(s, "port too", wants, NULL, 0);
    }
}

/* ---- overflow ---- */

static void opens_and_ends(struct sim *s, void *arg)
{
    (void)arg;
    sim_step(s);
    conf_send(w.d, w.pasid, LIFE(1, 1), 1, false);
    sim_sleep(s, 20 * BENCH_US);
    sim_bench(s)->vendor->overflow(sim_bench(s));
    sim_sleep(s, 100 * BENCH_US);
    conf_ask(w.d, w.pasid, LIFE(1, 2), 1);
    world_answer(s, w.d, 1, UIOMMU_CODE_SUCCESS);
    SIM_CHECK(s, "I11 partials", w.calls[1] == 1 && w.space[1]->seen[0].pages == 1);
}

static void build_overflow(struct sim *s, struct conf *c, void *arg)
{
    (void)arg;
    if (world_up(s, c, NULL)) {
        sim_cpu(s, "device", opens_and_ends, NULL, 0);
        world_daemons(s, 2);
    }
}

/* An overflow between D3 and D4 of the last round: a barrier comes after it. */
static void on_step(struct bench *b, const struct uiommu_trace *record, void *arg)
{
    (void)b;
    (void)arg;
    if (record->id == UIOMMU_TRACE_STEP) {
        w.flag[2] = record->c == UIOMMU_STEP_D3; /* Between D3 and D4. */
        if (record->c == UIOMMU_STEP_D3) {
            w.flag[3] = false; /* An overflow, and no barrier since. */
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
    world_set(s, 1);
}

static bool in_d3(void *arg)
{
    (void)arg;
    return w.flag[2];
}

static void overflows(struct sim *s, void *arg)
{
    (void)arg;
    if (sim_until(s, in_d3, NULL, BENCH_SETTLE)) {
        w.flag[3] = true;
        sim_bench(s)->vendor->overflow(sim_bench(s));
    }
    world_wait(s, 1);
}

static void build_restart(struct sim *s, struct conf *c, void *arg)
{
    (void)arg;
    if (world_up(s, c, NULL) && conf_bind(c, w.d, w.space[2], w.other, &w.other_bond)) {
        c->b.trace.hook = on_step;
        c->no_balance = true;
        sim_cpu(s, "task", ends_in_overflow, NULL, 0);
        sim_cpu(s, "misfortune", overflows, NULL, 0);
        world_daemons(s, 1);
    }
}

/* ---- reset ---- */

static void resets(struct sim *s, void *arg)
{
    struct bench *b = sim_bench(s);
    uiommu_err err;

    (void)arg;
    (void)sim_until(s, is_pending, NULL, BENCH_MS);
    sim_step(s);
    bench_fabric(b, 20 * BENCH_US, 30 * BENCH_US, 0, 0);
    conf_ask(w.d, w.pasid, LIFE(1, 2), 2);
    err = uiommu_device_reset_begin(w.d->dev);
    sim_step(s);
    SIM_CHECK(s, "reset", err == UIOMMU_OK);
    w.mark = b->vendor->answers(b);
    w.closed[1] = true;
    model_endpoint_reset(w.d->ep);
    do {
        err = uiommu_device_reset_end(w.d->dev);
        sim_sleep(s, 10 * BENCH_US);
    } while (err == UIOMMU_PENDING);
    SIM_CHECK(s, "reset", err == UIOMMU_OK);
    sim_sleep(s, 100 * BENCH_US);
    SIM_CHECK(s, "I19", b->vendor->answers(b) == w.mark);
    world_set(s, 3);
}

static void asks_once(struct sim *s, void *arg)
{
    (void)arg;
    sim_step(s);
    conf_ask(w.d, w.pasid, LIFE(1, 1), 1);
}

static void answers_late(struct sim *s, void *arg)
{
    (void)arg;
    if (sim_until(s, is_pending, NULL, BENCH_MS)) {
        sim_step(s);
        w.err = uiommu_group_respond(sim_bench(s)->unit, w.pending[0], UIOMMU_CODE_SUCCESS);
    }
}

static void build_reset(struct sim *s, struct conf *c, void *arg)
{
    (void)arg;
    if (world_up(s, c, NULL)) {
        w.pend = true;
        w.space[1]->answer = UIOMMU_CODE_PENDING;
        c->no_balance = true;
        sim_cpu(s, "device", asks_once, NULL, 0);
        sim_cpu(s, "reset", resets, NULL, 0);
        sim_cpu(s, "responder", answers_late, NULL, 0);
        world_daemons(s, 1);
    }
}

const struct world worlds_of_groups[] = {
    {"token", "two CPUs answer the same group, and the slot is used again", false, build_token,
     world_balance},
    {"silence", "partials of nobody and Stop Markers", false, build_silence, NULL},
    {"keys", "one index under two numbers", false, build_keys, after_keys},
    {"again", "an index is used again while it is in flight", false, build_again, NULL},
    {"credits", "more requests than credits", false, build_credits, world_balance},
    {"ledger", "two ports are made at once", false, build_ledger, NULL},
    {"overflow", "the queue overflows with a group open", false, build_overflow, NULL},
    {"restart", "the queue overflows during a drain", false, build_restart, NULL},
    {"reset", "a device is reset with a group pending and a request out", false, build_reset, NULL},
};
const uint32_t worlds_of_groups_count = sizeof(worlds_of_groups) / sizeof(worlds_of_groups[0]);
