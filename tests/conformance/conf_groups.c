/* SPDX-License-Identifier: BSD-2-Clause */
#include "conf_themes.h"

/* How requests become groups, and what becomes of those that cannot. */

static void interleaved(struct conf *c)
{
    struct conf_flow f;

    if (!conf_flow_up(c, &f)) {
        return;
    }
    conf_send(f.d, f.pasid, CONF_VA, 1, false);
    conf_send(f.d, f.pasid, CONF_VA + 0x10000, 2, false);
    conf_send(f.d, f.pasid, CONF_VA + 0x11000, 2, true);
    conf_send(f.d, f.pasid, CONF_VA + 0x1000, 1, true);
    conf_run(c, BENCH_MS);
    if (!CHECK(c, f.a->calls == 2)) {
        return;
    }
    CHECK(c, f.a->seen[0].pages == 2 && f.a->seen[1].pages == 2);
    CHECK(c, f.a->seen[0].first == CONF_VA + 0x10000 && f.a->seen[0].last == CONF_VA + 0x11000);
    CHECK(c, f.a->seen[1].first == CONF_VA && f.a->seen[1].last == CONF_VA + 0x1000);
    CHECK(c, conf_counts(f.d).success == 2);
}

static void unknown_id(struct conf *c)
{
    struct conf_device *d;
    struct uiommu_device_config config;
    struct conf_flow f;

    if (!conf_flow_up(c, &f)) {
        return;
    }
    d = conf_device_plan(c, NULL, &config);
    if (d == NULL) {
        return;
    }
    conf_send(d, f.pasid, CONF_VA, 1, false);
    conf_send(d, f.pasid, CONF_VA, 1, false);
    conf_send(d, f.pasid, CONF_VA, 1, true);
    conf_run(c, BENCH_MS);
    if (c->b.features.unknown_ids) {
        CHECK(c, conf_unit(c).unknown_id == 3 && conf_counts(d).invalid == 1);
    } else {
        /* Nor does anybody know whether it wants its PASID back. */
        c->ignored = conf_counts(d).ignored;
        CHECK(c, conf_counts(d).invalid + conf_counts(d).failure == 1 && c->ignored <= 1);
    }
    CHECK(c, f.a->calls == 0 && c->b.log_lines <= 1);
}

static void unknown_pasid(struct conf *c)
{
    struct conf_flow f;

    if (!conf_flow_up(c, &f)) {
        return;
    }
    conf_send(f.d, 0x4321, CONF_VA, 1, false);
    conf_send(f.d, 0x4321, CONF_VA, 1, true);
    conf_send(f.d, UIOMMU_PASID_NONE, CONF_VA, 2, true);
    conf_run(c, BENCH_MS);
    CHECK(c, conf_unit(c).unknown_pasid == (c->b.features.unknown_pasids ? 3 : 0));
    CHECK(c, conf_counts(f.d).invalid == 2);
    CHECK(c, f.a->calls == 0 && conf_port(f.d).outstanding == 0);
}

/* A page of a group asks for what no entry grants: the group is INVALID, later ones are not. */
static void never_granted(struct conf *c)
{
    bool granted = (c->b.features.access & UIOMMU_EXEC) != 0;
    struct model_page_request r;
    struct conf_flow f;
    uint32_t i;

    if (!conf_flow_up(c, &f)) {
        return;
    }
    memset(&r, 0, sizeof(r));
    r.id = f.d->id;
    r.has_pasid = true;
    r.pasid = f.pasid;
    r.address = CONF_VA;
    r.index = 1;
    r.access = MODEL_READ | MODEL_EXEC;
    model_endpoint_send(f.d->ep, &r, true);
    conf_ask(f.d, f.pasid, CONF_VA + 4096, 1);
    conf_run(c, BENCH_MS);
    CHECK(c, f.a->calls == (granted ? 1 : 0));
    CHECK(c, conf_answer(f.d, 1) == (granted ? UIOMMU_CODE_SUCCESS : UIOMMU_CODE_INVALID));
    f.a->calls = 0;
    for (i = 0; i < 80; i++) { /* Whichever slot it had is used again. */
        conf_ask(f.d, f.pasid, CONF_VA, 2 + i);
        conf_run(c, BENCH_MS / 2);
        CHECK(c, conf_answer(f.d, 2 + i) == UIOMMU_CODE_SUCCESS);
    }
    CHECK(c, f.a->calls == 80);
}

/* Refused without Last: silence. */
static void silence_without_last(struct conf *c)
{
    struct conf_flow f;
    uint32_t i;

    if (!conf_flow_up(c, &f)) {
        return;
    }
    for (i = 0; i < 5; i++) {
        conf_send(f.d, 0x4321, CONF_VA, i, false);
    }
    for (i = 5; i < 10; i++) { /* The fifth is one more than it may. */
        conf_send(f.d, f.pasid, CONF_VA, i, false);
    }
    conf_run(c, BENCH_MS);
    CHECK(c, conf_device_counters(f.d).over_credit == 1);
    CHECK(c, c->b.vendor->answers(&c->b) == 0 && conf_counts(f.d).unexpected == 0);
    CHECK(c, conf_counts(f.d).invalid == 0);
    CHECK(c, conf_unit(c).dropped == (c->b.features.unknown_pasids ? 6 : 1));
}

static void partial_deadline(struct conf *c)
{
    struct conf_flow f;

    if (!conf_flow_up(c, &f)) {
        return;
    }
    conf_send(f.d, f.pasid, CONF_VA, 1, false);
    conf_run(c, BENCH_PARTIAL / 2);
    CHECK(c, conf_port(f.d).groups == 1);
    conf_run(c, BENCH_PARTIAL);
    CHECK(c, conf_port(f.d).groups == 0 && c->b.vendor->answers(&c->b) == 0);
    conf_send(f.d, f.pasid, CONF_VA + 4096, 1, true);
    conf_run(c, BENCH_MS);
    CHECK(c, f.a->calls == 1 && f.a->seen[0].pages == 1);
    CHECK(c, conf_answer(f.d, 1) == UIOMMU_CODE_SUCCESS);
}

static void answer_deadline(struct conf *c)
{
    struct uiommu_bond_counters counters;
    struct conf_flow f;

    if (!conf_flow_up(c, &f)) {
        return;
    }
    f.a->answer = UIOMMU_CODE_PENDING;
    conf_ask(f.d, f.pasid, CONF_VA, 1);
    conf_run(c, BENCH_ANSWER / 2);
    CHECK(c, conf_answer(f.d, 1) == UIOMMU_CODE_NONE);
    conf_run(c, BENCH_ANSWER);
    CHECK(c, conf_answer(f.d, 1) == UIOMMU_CODE_INVALID);
    CHECK(c, f.a->orphans[UIOMMU_ORPHAN_EXPIRED] == 1);
    CHECK(c, conf_respond(c, f.a->seen[0].ref, UIOMMU_CODE_SUCCESS) == UIOMMU_E_STALE);
    CHECK(c, uiommu_bond_get_counters(c->b.u, f.bond, &counters) == UIOMMU_OK);
    CHECK(c, counters.expired == 1 && conf_port(f.d).outstanding == 0);
}

static void answer_twice(struct conf *c)
{
    struct conf_flow f;

    if (!conf_flow_up(c, &f)) {
        return;
    }
    f.a->answer = UIOMMU_CODE_PENDING;
    conf_ask(f.d, f.pasid, CONF_VA, 1);
    conf_run(c, BENCH_MS);
    CHECK(c, conf_respond(c, f.a->seen[0].ref, UIOMMU_CODE_SUCCESS) == UIOMMU_OK);
    CHECK(c, conf_respond(c, f.a->seen[0].ref, UIOMMU_CODE_SUCCESS) == UIOMMU_E_STALE);
    CHECK(c, conf_respond(c, f.a->seen[0].ref, UIOMMU_CODE_INVALID) == UIOMMU_E_STALE);
    conf_run(c, BENCH_MS);
    /* The slot is used again: the old token names nothing in it. */
    conf_ask(f.d, f.pasid, CONF_VA, 2);
    conf_run(c, BENCH_MS);
    CHECK(c, conf_respond(c, f.a->seen[0].ref, UIOMMU_CODE_SUCCESS) == UIOMMU_E_STALE);
    conf_run(c, BENCH_MS);
    CHECK(c, conf_answer(f.d, 2) == UIOMMU_CODE_NONE);
    CHECK(c, conf_respond(c, f.a->seen[1].ref, UIOMMU_CODE_INVALID) == UIOMMU_OK);
    CHECK(c, c->b.vendor->answers(&c->b) <= 2);
}

/* An index that is with a handler is taken again: a violation, and no second group. */
static void index_in_flight(struct conf *c)
{
    struct conf_flow f;

    if (!conf_flow_up(c, &f)) {
        return;
    }
    f.a->answer = UIOMMU_CODE_PENDING;
    conf_ask(f.d, f.pasid, CONF_VA, 1);
    conf_run(c, BENCH_MS);
    conf_ask(f.d, f.pasid, CONF_VA + 4096, 1);
    conf_run(c, BENCH_MS);
    CHECK(c, f.a->calls == 1 && conf_device_counters(f.d).violations == 1);
    CHECK(c, conf_respond(c, f.a->seen[0].ref, UIOMMU_CODE_SUCCESS) == UIOMMU_OK);
    conf_run(c, BENCH_MS);
    CHECK(c, conf_counts(f.d).success == 1 && conf_counts(f.d).invalid == 1);
}

/* The same index under two PASIDs: the older partial dies, nothing is mixed. */
static void index_of_another(struct conf *c)
{
    struct uiommu_bond_ref other;
    struct conf_flow f;
    uint32_t pasid;

    if (!conf_flow_up(c, &f)) {
        return;
    }
    pasid = conf_pasid(c);
    if (!conf_bind(c, f.d, f.b, pasid, &other)) {
        return;
    }
    conf_send(f.d, f.pasid, CONF_VA, 1, false);
    conf_send(f.d, pasid, CONF_VA + 4096, 1, true);
    conf_run(c, BENCH_MS);
    CHECK(c, f.a->calls == 0 && f.b->calls == 1);
    CHECK(c, f.b->seen[0].pages == 1 && f.b->seen[0].first == CONF_VA + 4096);
    CHECK(c, conf_port(f.d).groups == 0);
    CHECK(c, conf_device_counters(f.d).violations == 1);
    c->ignored = 1; /* The endpoint goes by the index alone, and takes it for the older group's. */
}

/* Without a PASID: the same machine, no number to rest. */
static void without_pasid(struct conf *c)
{
    struct uiommu_bond_ref next;
    struct conf_flow f;

    if (!conf_flow_up(c, &f)) {
        return;
    }
    if (!conf_bind(c, f.d, f.b, UIOMMU_PASID_NONE, &next)) {
        return;
    }
    CHECK(c, conf_try_bind(c, f.d, f.a, UIOMMU_PASID_NONE, &next) == UIOMMU_E_BUSY);
    conf_ask(f.d, UIOMMU_PASID_NONE, CONF_VA, 1);
    conf_ask(f.d, f.pasid, CONF_VA, 2);
    conf_run(c, BENCH_MS);
    CHECK(c, f.b->calls == 1 && f.b->seen[0].pasid == UIOMMU_PASID_NONE);
    CHECK(c, f.a->calls == 1 && conf_counts(f.d).ignored == 0);
    CHECK(c, conf_access(f.d, UIOMMU_PASID_NONE, CONF_VA, MODEL_READ));
    CHECK(c, uiommu_aspace_exit(f.b->as) == UIOMMU_OK);
    CHECK(c, !conf_access(f.d, UIOMMU_PASID_NONE, CONF_VA, MODEL_READ));
    CHECK(c, conf_reap(c, f.b) == UIOMMU_OK);
    CHECK(c, conf_rebind(c, f.d, f.a, UIOMMU_PASID_NONE, &next));
    CHECK(c, conf_access(f.d, UIOMMU_PASID_NONE, CONF_VA, MODEL_READ) ==
                 conf_access(f.d, f.pasid, CONF_VA, MODEL_READ));
}

/* The race of conf_race.c on a bond without PASID. */
static void race_without_pasid(struct conf *c)
{
    struct uiommu_bond_ref bond;
    struct conf_flow f;

    if (!conf_flow_up(c, &f) || !conf_bind(c, f.d, f.a, UIOMMU_PASID_NONE, &bond)) {
        return;
    }
    conf_ask(f.d, UIOMMU_PASID_NONE, CONF_VA, 1);
    bench_arrive(&c->b);
    CHECK(c, conf_unbind(c, bond, UIOMMU_UNBIND_STOPPED | UIOMMU_UNBIND_ABORT) == UIOMMU_OK);
    if (!conf_rebind(c, f.d, f.b, UIOMMU_PASID_NONE, &bond)) {
        return;
    }
    conf_run(c, BENCH_MS);
    CHECK(c, f.a->calls == 0 && f.b->calls == 0);
    CHECK(c, conf_answer(f.d, 1) == UIOMMU_CODE_INVALID);
}

/* A group of as many pages as there are credits. */
static void largest(struct conf *c)
{
    struct conf_flow f;
    uint32_t i;

    if (!conf_flow_up(c, &f)) {
        return;
    }
    for (i = 0; i < 4; i++) {
        conf_send(f.d, f.pasid, CONF_VA + 4096 * i, 6, i == 3);
    }
    conf_run(c, BENCH_MS);
    CHECK(c, f.a->calls == 1 && f.a->seen[0].pages == 4);
    CHECK(c, f.a->seen[0].last == CONF_VA + 3 * 4096);
    CHECK(c, conf_device_counters(f.d).over_credit == 0);
}

static void purged(struct conf *c)
{
    struct conf_flow f;

    if (!conf_flow_up(c, &f)) {
        return;
    }
    conf_send(f.d, f.pasid, CONF_VA, 1, false);
    conf_send(f.d, f.pasid, CONF_VA, 2, false);
    conf_send(f.d, f.pasid, CONF_VA + 4096, 1, false);
    conf_run(c, BENCH_MS);
    CHECK(c, conf_port(f.d).outstanding == 3 && conf_port(f.d).groups == 2);
    CHECK(c, conf_unbind(c, f.bond, UIOMMU_UNBIND_STOPPED) == UIOMMU_OK);
    CHECK(c, conf_port(f.d).outstanding == 0 && conf_port(f.d).groups == 0);
    CHECK(c, conf_unit(c).invalid + conf_unit(c).success == 0);
}

static const struct conf_test tests[] = {
    {"I5 L44 groups: interleaved groups keep apart", interleaved},
    {"R24 I3 L15 groups: an unknown device has one INVALID per Last", unknown_id},
    {"R24 I3 groups: an unknown PASID has one INVALID per Last", unknown_pasid},
    {"R28 groups: an access that no entry grants is INVALID, and no other", never_granted},
    {"I3 L15 groups: no answer without Last", silence_without_last},
    {"R23 I4 groups: a partial has a deadline; a later Last is a new group", partial_deadline},
    {"I4 L39 groups: an answer has a deadline", answer_deadline},
    {"I3 L41 groups: a second answer does nothing", answer_twice},
    {"I5 R24 groups: an index in flight is not taken again", index_in_flight},
    {"I5 R24 L20 groups: one index under two PASIDs is never mixed", index_of_another},
    {"D5 I5 L20 drain: open groups are purged, unanswered", purged},
    {"R7 I24 groups: bonds without PASID take the same way", without_pasid},
    {"R7 I24 L10 groups: the founding race without PASID", race_without_pasid},
    {"I8 I9 L21 groups: as many pages as there are credits", largest},
};
const struct conf_theme conf_groups_theme = {"groups", tests, sizeof(tests) / sizeof(tests[0])};
