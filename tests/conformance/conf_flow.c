/* SPDX-License-Identifier: BSD-2-Clause */
#include "conf_themes.h"

/* The natural way of a page request: from the device to its handler and back. */

#define JOB_PAGES 4u

static void served_end_to_end(struct conf *c)
{
    static uint8_t bytes[JOB_PAGES * 4096];
    struct model_job_status status;
    struct model_job job;
    struct conf_flow f;
    int number;

    if (!conf_flow_up(c, &f)) {
        return;
    }
    memset(&job, 0, sizeof(job));
    job.pasid = f.pasid;
    job.address = CONF_VA;
    job.access = MODEL_WRITE;
    job.buffer = bytes;
    job.bytes = sizeof(bytes);
    number = model_endpoint_start(f.d->ep, &job);
    conf_run(c, 2 * BENCH_MS);
    model_endpoint_job(f.d->ep, number, &status);
    CHECK(c, status.state == MODEL_JOB_DONE);
    CHECK(c, status.done_bytes == sizeof(bytes));
    CHECK(c, f.a->calls >= JOB_PAGES && f.b->calls == 0);
    CHECK(c, conf_counts(f.d).success == f.a->calls);
    CHECK(c, conf_unit(c).success == f.a->calls && conf_unit(c).invalid == 0);
}

static void pending_later(struct conf *c)
{
    struct conf_flow f;

    if (!conf_flow_up(c, &f)) {
        return;
    }
    f.a->answer = UIOMMU_CODE_PENDING;
    conf_ask(f.d, f.pasid, CONF_VA, 7);
    conf_run(c, BENCH_MS);
    CHECK(c, f.a->calls == 1 && conf_answer(f.d, 7) == UIOMMU_CODE_NONE);
    CHECK(c, conf_respond(c, f.a->seen[0].ref, UIOMMU_CODE_SUCCESS) == UIOMMU_OK);
    conf_run(c, BENCH_MS / 10);
    CHECK(c, conf_answer(f.d, 7) == UIOMMU_CODE_SUCCESS);
}

static void out_of_order(struct conf *c)
{
    struct conf_flow f;
    uint32_t i;

    if (!conf_flow_up(c, &f)) {
        return;
    }
    f.a->answer = UIOMMU_CODE_PENDING;
    for (i = 0; i < 4; i++) {
        conf_ask(f.d, f.pasid, CONF_VA + 4096 * i, 10 + i);
    }
    conf_run(c, BENCH_MS);
    if (!CHECK(c, f.a->calls == 4)) {
        return;
    }
    for (i = 4; i > 0; i--) {
        uiommu_code code = (i & 1) != 0 ? UIOMMU_CODE_SUCCESS : UIOMMU_CODE_INVALID;

        CHECK(c, conf_respond(c, f.a->seen[i - 1].ref, code) == UIOMMU_OK);
    }
    conf_run(c, BENCH_MS / 10);
    for (i = 0; i < 4; i++) {
        uint32_t asked = 10 + (uint32_t)((f.a->seen[i].first - CONF_VA) / 4096);

        CHECK(c, conf_answer(f.d, asked) ==
                     ((i & 1) == 0 ? UIOMMU_CODE_SUCCESS : UIOMMU_CODE_INVALID));
    }
}

static void respond_inside(struct conf *c, struct conf_space *s, const struct uiommu_group *group)
{
    CHECK(c, uiommu_group_respond(group->unit, group->ref, UIOMMU_CODE_SUCCESS) == UIOMMU_OK);
    (void)s;
}

/* "Also before that handler has returned." */
static void answered_in_handler(struct conf *c)
{
    struct conf_flow f;

    if (!conf_flow_up(c, &f)) {
        return;
    }
    f.a->answer = UIOMMU_CODE_PENDING;
    f.a->on_fault = respond_inside;
    conf_ask(f.d, f.pasid, CONF_VA, 3);
    conf_run(c, BENCH_MS);
    CHECK(c, f.a->calls == 1 && conf_answer(f.d, 3) == UIOMMU_CODE_SUCCESS);
    CHECK(c, conf_respond(c, f.a->seen[0].ref, UIOMMU_CODE_SUCCESS) == UIOMMU_E_STALE);
}

/* Its first answer comes from inside the handler: the index is free while that still runs. */
static void answers_inside(struct conf *c, struct conf_space *s, const struct uiommu_group *g)
{
    if (s->calls != 21) {
        return;
    }
    CHECK(c, conf_respond(c, g->ref, UIOMMU_CODE_SUCCESS) == UIOMMU_OK);
    bench_advance(&c->b, BENCH_MS);
    CHECK(c, conf_answer(c->at_device, 5) == UIOMMU_CODE_SUCCESS);
    conf_ask(c->at_device, g->pasid, CONF_VA, 5);
    bench_arrive(&c->b);
    CHECK(c, uiommu_unit_service(c->b.unit, 0) != UIOMMU_E_STATE);
}

static void index_at_once(struct conf *c)
{
    struct conf_flow f;
    uint32_t i;

    if (!conf_flow_up(c, &f)) {
        return;
    }
    for (i = 0; i < 20; i++) {
        conf_ask(f.d, f.pasid, CONF_VA, 5);
        while (conf_answer(f.d, 5) == UIOMMU_CODE_NONE && !conf_failed(c)) {
            bench_step(&c->b, BENCH_US / 4);
            CHECK(c, bench_now(&c->b) < BENCH_FOREVER);
        }
    }
    CHECK(c, f.a->calls == 20 && conf_device_counters(f.d).violations == 0);
    c->at_device = f.d;
    f.a->on_fault = answers_inside;
    conf_ask(f.d, f.pasid, CONF_VA, 5);
    conf_run(c, BENCH_MS * 2);
    CHECK(c, f.a->calls == 22 && conf_device_counters(f.d).violations == 0);
    CHECK(c, conf_counts(f.d).success == 22);
}

static void pasid_in_answer(struct conf *c)
{
    static const struct conf_how how = {.pasid_free = true};
    struct conf_device *d, *e;
    struct uiommu_bond_ref bond[2];
    struct uiommu_device_config config;
    struct conf_space *s;
    uint32_t pasid;

    if (!conf_up(c)) {
        return;
    }
    d = conf_device_make(c, NULL);
    e = conf_device_plan(c, &how, &config);
    if (conf_failed(c)) {
        return;
    }
    c->err = uiommu_device_attach(c->b.unit, &config, &e->dev);
    if (!c->b.features.response_pasid) {
        CHECK(c, c->err == UIOMMU_E_UNSUPPORTED);
        return;
    }
    CHECK(c, c->err == UIOMMU_OK);
    s = conf_space_make(c);
    pasid = conf_pasid(c);
    if (conf_failed(c) || !conf_bind(c, d, s, pasid, &bond[0]) ||
        !conf_bind(c, e, s, pasid, &bond[1])) {
        return;
    }
    conf_ask(d, pasid, CONF_VA, 1);
    conf_ask(e, pasid, CONF_VA, 1);
    conf_run(c, BENCH_MS);
    /* An endpoint ignores an answer that carries the PASID wrongly. */
    CHECK(c, conf_counts(d).ignored == 0 && conf_answer(d, 1) == UIOMMU_CODE_SUCCESS);
    CHECK(c, conf_counts(e).ignored == 0 && conf_answer(e, 1) == UIOMMU_CODE_SUCCESS);
}

static void slot_for_a_copy(struct conf *c)
{
    struct conf_flow f;

    if (!conf_flow_up(c, &f)) {
        return;
    }
    f.a->answer = UIOMMU_CODE_PENDING;
    conf_ask(f.d, f.pasid, CONF_VA, 1);
    conf_ask(f.d, f.pasid, CONF_VA + 4096, 2);
    conf_run(c, BENCH_MS);
    CHECK(c, f.a->calls == 2);
    CHECK(c, c->b.vendor->requests_waiting(&c->b) == 0);
    CHECK(c, conf_unit(c).groups == 2 && conf_unit(c).success == 0);
}

/* More answers than the command ring holds, while it does not move. */
static void command_ring_full(struct conf *c)
{
    uint32_t most = (c->b.features.request_room - 1 - c->b.config.marker_reserve) / 2;
    struct conf_how how = {.want = most < 200 ? most : 200};
    struct uiommu_bond_ref bond;
    struct conf_device *d[2];
    struct conf_space *s;
    uint32_t i, k, pasid;

    if (!conf_needs(c, 2 * how.want > c->b.features.command_entries,
                    "answers alone cannot fill the command ring") ||
        !conf_up(c)) {
        return;
    }
    d[0] = conf_device_make(c, &how);
    d[1] = conf_device_make(c, &how);
    s = conf_space_make(c);
    pasid = conf_pasid(c);
    if (conf_failed(c) || !conf_bind(c, d[0], s, pasid, &bond) ||
        !conf_bind(c, d[1], s, pasid, &bond)) {
        return;
    }
    s->answer = UIOMMU_CODE_INVALID;
    c->b.vendor->hang(&c->b, true);
    for (k = 0; k < 2; k++) {
        for (i = 0; i < how.want; i++) {
            conf_ask(d[k], pasid, CONF_VA, i);
        }
    }
    conf_run(c, 2 * BENCH_MS);
    CHECK(c, s->calls == 2 * how.want);
    CHECK(c, conf_counts(d[0]).invalid + conf_counts(d[1]).invalid == 0);
    CHECK(c, conf_unit(c).full > 0);
    c->b.vendor->hang(&c->b, false);
    conf_run(c, 4 * BENCH_MS);
    CHECK(c, conf_counts(d[0]).invalid + conf_counts(d[1]).invalid == 2 * how.want);
}

static void respond_into_full_ring(struct conf *c)
{
    struct conf_how how = {.want = c->b.features.command_entries + 4};
    struct uiommu_bond_ref bond;
    struct conf_device *d;
    struct conf_space *s;
    uint32_t i, pasid;

    if (!conf_needs(c, how.want < c->b.features.request_room - c->b.config.marker_reserve,
                    "answers alone cannot fill the command ring") ||
        !conf_up(c)) {
        return;
    }
    d = conf_device_make(c, &how);
    s = conf_space_make(c);
    pasid = conf_pasid(c);
    if (conf_failed(c) || !conf_bind(c, d, s, pasid, &bond)) {
        return;
    }
    s->answer = UIOMMU_CODE_PENDING;
    for (i = 0; i < how.want; i++) {
        conf_ask(d, pasid, CONF_VA, i);
    }
    conf_run(c, BENCH_MS);
    if (!CHECK(c, s->calls == how.want)) {
        return;
    }
    c->b.vendor->hang(&c->b, true);
    for (i = 0; i < how.want; i++) {
        CHECK(c, conf_respond(c, s->seen[i].ref, UIOMMU_CODE_SUCCESS) == UIOMMU_OK);
        CHECK(c, conf_respond(c, s->seen[i].ref, UIOMMU_CODE_SUCCESS) == UIOMMU_E_STALE);
    }
    c->b.vendor->hang(&c->b, false);
    conf_run(c, 2 * BENCH_MS);
    CHECK(c, conf_unit(c).full > 0);
    CHECK(c, conf_counts(d).success == how.want);
}

static const struct conf_test tests[] = {
    {"flow: pages are asked for, mapped and used, end to end", served_end_to_end},
    {"R26 flow: PENDING is answered later from outside", pending_later},
    {"R26 flow: answers come out of order", out_of_order},
    {"R26 flow: a handler answers by itself and returns PENDING", answered_in_handler},
    {"R25 flow: an index is used again the instant it was answered", index_at_once},
    {"I6 R28 L16 flow: an answer carries the PASID only where required", pasid_in_answer},
    {"I10 flow: a ring slot is held for a copy, not for a fault", slot_for_a_copy},
    {"R26 flow: answers of handlers wait for room in the command ring", command_ring_full},
    {"R26 I3 flow: respond() into a full command ring is parked and sent", respond_into_full_ring},
};
const struct conf_theme conf_flow_theme = {"flow", tests, sizeof(tests) / sizeof(tests[0])};
