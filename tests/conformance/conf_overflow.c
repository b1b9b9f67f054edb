/* SPDX-License-Identifier: BSD-2-Clause */
#include "conf_themes.h"

/* An overflow only removes requests; what was open dies, and drains begin again. */

static void partials_die(struct conf *c)
{
    struct conf_flow f;

    if (!conf_flow_up(c, &f)) {
        return;
    }
    conf_send(f.d, f.pasid, CONF_VA, 1, false);
    conf_run(c, BENCH_MS / 2);
    CHECK(c, conf_port(f.d).outstanding == 1);
    c->b.vendor->overflow(&c->b);
    conf_run(c, BENCH_MS / 2);
    CHECK(c, conf_unit(c).overflows == 1);
    CHECK(c, conf_port(f.d).outstanding == 0);
    /* Its Last comes after all: a shorter group, answered once. */
    conf_ask(f.d, f.pasid, CONF_VA + 4096, 1);
    conf_run(c, BENCH_MS);
    CHECK(c, f.a->calls == 1 && f.a->seen[0].pages == 1);
    CHECK(c, conf_answer(f.d, 1) == UIOMMU_CODE_SUCCESS);
    CHECK(c, conf_events(c, UIOMMU_EVENT_REQUESTS_LOST) == 1);
}

/* More than fits: hardware answers for itself, and software goes on with what is there. */
static void flood(struct conf *c)
{
    static const struct conf_how how = {.want = 14};
    struct uiommu_bond_ref bond;
    struct conf_device *d;
    struct conf_space *s;
    uint32_t i, pasid, most = 3 * c->b.features.request_entries;

    most = most < 500 ? most : 500; /* An index is used once. */
    if (!conf_needs(c, !c->b.variant->large, "the request ring is too large to fill")) {
        return;
    }
    c->b.config.violations = UINT32_MAX;
    if (!conf_up(c)) {
        return;
    }
    d = conf_device_make(c, &how);
    s = conf_space_make(c);
    pasid = conf_pasid(c);
    if (conf_failed(c) || !conf_bind(c, d, s, pasid, &bond)) {
        return;
    }
    for (i = 0; i < most; i++) {
        conf_ask(d, pasid, CONF_VA, i);
    }
    bench_arrive(&c->b);
    conf_run(c, 2 * BENCH_MS);
    CHECK(c, conf_unit(c).overflows >= 1);
    if (c->b.features.auto_answers) {
        CHECK(c, conf_counts(d).automatic > 0);
        CHECK(c, conf_counts(d).outstanding == 0);
    } else { /* What found no room is lost: nobody can answer it. */
        c->unanswered = conf_counts(d).outstanding;
        CHECK(c, c->unanswered == most - c->b.features.request_room);
    }
    /* It works again. */
    i = s->calls;
    conf_ask(d, pasid, CONF_VA, 5);
    conf_run(c, BENCH_MS);
    CHECK(c, s->calls == i + 1);
}

/* Of D3 and D4, where no overflow adds more. */
static uint32_t last_round(const struct conf *c)
{
    return c->b.features.proved ? 1 : 2;
}

/* The queue overflows when a bond's shutdown is at a chosen step of a chosen round. */
static void at_step(struct bench *b, const struct uiommu_trace *record, void *arg)
{
    struct conf *c = arg;

    if (record->id != UIOMMU_TRACE_STEP) {
        return;
    }
    c->sample += record->c == UIOMMU_STEP_D3;
    if (record->c == UIOMMU_STEP_D3 && record->d == last_round(c)) {
        uint32_t i;

        for (i = 0; i < 6; i++) { /* So that D4 takes a while. */
            conf_ask(c->at_device, c->pasid[1], CONF_VA, 300 + i);
        }
    }
    if (record->c == c->counter && record->d == c->unit) {
        c->counter = CONF_NEVER;
        c->sample = 0; /* Barriers from here on. */
        b->vendor->overflow(b);
    }
}

static void during(struct conf *c, enum uiommu_step step, uint32_t round)
{
    struct uiommu_bond_ref other;
    struct conf_flow f;
    uint64_t end;

    c->b.config.violations = UINT32_MAX;
    if (!conf_flow_up(c, &f) || !conf_bind(c, f.d, f.b, conf_pasid(c), &other)) {
        return;
    }
    c->counter = step;
    c->unit = round;
    c->at_device = f.d;
    bench_fabric(&c->b, 100, BENCH_US, 0, 0);
    c->b.trace.hook = at_step;
    c->b.trace.arg = c;
    CHECK(c, uiommu_unbind_begin(c->b.u, f.bond, UIOMMU_UNBIND_STOPPED | UIOMMU_UNBIND_ABORT) ==
                 UIOMMU_OK);
    end = bench_now(&c->b) + BENCH_FOREVER;
    while (conf_state(c, f.bond) != UIOMMU_BOND_QUARANTINE &&
           conf_state(c, f.bond) != UIOMMU_BOND_FREE && bench_now(&c->b) < end) {
        uiommu_err err = uiommu_unit_service(c->b.unit, 1);

        CHECK(c, err == UIOMMU_OK || err == UIOMMU_MORE);
        bench_advance(&c->b, 10 * BENCH_US);
    }
    CHECK(c, c->counter == CONF_NEVER && conf_unit(c).overflows >= 1);
    /* A whole barrier came after it. */
    CHECK(c, c->sample >= 1 && c->sample <= 4 - round);
    c->b.trace.hook = NULL;
    CHECK(c, conf_rebind(c, f.d, f.b, f.pasid, &f.bond));
    c->no_balance = true; /* Requests in an overflow may be answered by nobody. */
}

static void during_first(struct conf *c)
{
    during(c, UIOMMU_STEP_D3, 1);
}

static void during_settle(struct conf *c)
{
    if (!conf_needs(c, !c->b.features.proved, "a barrier proves that all has arrived")) {
        return;
    }
    during(c, UIOMMU_STEP_SETTLE, 1);
}

static void during_d3(struct conf *c)
{
    during(c, UIOMMU_STEP_D3, last_round(c));
}

static void during_d4(struct conf *c)
{
    during(c, UIOMMU_STEP_D4, last_round(c));
}

static void again_and_again(struct bench *b, const struct uiommu_trace *record, void *arg)
{
    struct conf *c = arg;

    c->sample += record->id == UIOMMU_TRACE_STEP && record->c == UIOMMU_STEP_D3;
    if (record->id == UIOMMU_TRACE_STEP && record->c == UIOMMU_STEP_D3 && c->counter > 0) {
        c->counter--;
        b->vendor->overflow(b);
    }
}

static bool overflow_often(struct conf *c, struct conf_flow *f, uint32_t flags, uint32_t times)
{
    struct conf_how how = {.flags = UIOMMU_DEVICE_PASID | UIOMMU_DEVICE_ATS | UIOMMU_DEVICE_PRI};

    memset(f, 0, sizeof(*f));
    how.flags |= flags;
    if (!conf_up(c)) {
        return false;
    }
    f->d = conf_device_make(c, &how);
    f->a = conf_space_make(c);
    f->pasid = conf_pasid(c);
    if (conf_failed(c) || !conf_bind(c, f->d, f->a, f->pasid, &f->bond)) {
        return false;
    }
    c->counter = times;
    c->b.trace.hook = again_and_again;
    c->b.trace.arg = c;
    return true;
}

/* A device that stopped for good: once more is enough. */
static void confirmed_once(struct conf *c)
{
    struct conf_flow f;

    if (!overflow_often(c, &f, 0, CONF_NEVER)) {
        return;
    }
    CHECK(c, conf_unbind(c, f.bond, UIOMMU_UNBIND_STOPPED) == UIOMMU_OK);
    CHECK(c, c->sample >= 2 && c->sample <= 5);
}

/* A device that sends again what hardware answered: until a pass sees none. */
static void resends_until_clean(struct conf *c)
{
    struct conf_flow f;

    if (!overflow_often(c, &f, UIOMMU_DEVICE_RESENDS, 4)) {
        return;
    }
    CHECK(c, conf_unbind(c, f.bond, UIOMMU_UNBIND_STOPPED) == UIOMMU_OK);
    CHECK(c, c->counter == 0 && c->sample >= 5);
}

static void in_the_rest(struct bench *b, const struct uiommu_trace *record, void *arg)
{
    struct conf *c = arg;

    if (record->id == UIOMMU_TRACE_STEP && record->c == UIOMMU_STEP_REST && c->counter > 0) {
        c->counter--;
        c->sample = 0; /* Barriers from here on. */
        b->vendor->overflow(b);
    }
    c->sample += record->id == UIOMMU_TRACE_STEP && record->c == UIOMMU_STEP_D3;
}

/* What the drain's last look left at the ingress may be removed, and sent again, while it rests. */
static void resends_in_rest(struct conf *c)
{
    struct conf_flow f;

    if (!conf_needs(c, !c->b.features.proved, "a barrier proves that all has arrived") ||
        !overflow_often(c, &f, UIOMMU_DEVICE_RESENDS, 1)) {
        return;
    }
    c->b.trace.hook = in_the_rest;
    CHECK(c, conf_unbind(c, f.bond, UIOMMU_UNBIND_STOPPED) == UIOMMU_OK);
    conf_run(c, 100 * BENCH_MS);
    CHECK(c, c->counter == 0 && c->sample >= 1);
    CHECK(c, conf_state(c, f.bond) == UIOMMU_BOND_FREE);
}

/* Of a device that sends nothing again an overflow in its rest begins nothing anew. */
static void overflow_in_rest(struct conf *c)
{
    struct conf_flow f;

    if (!overflow_often(c, &f, 0, 1)) {
        return;
    }
    c->b.trace.hook = in_the_rest;
    CHECK(c, conf_unbind(c, f.bond, UIOMMU_UNBIND_STOPPED) == UIOMMU_OK);
    conf_run(c, 100 * BENCH_MS);
    CHECK(c, c->counter == 0 && c->sample == 0);
    CHECK(c, conf_state(c, f.bond) == UIOMMU_BOND_FREE);
}

static void resends_for_ever(struct conf *c)
{
    struct conf_flow f;

    if (!overflow_often(c, &f, UIOMMU_DEVICE_RESENDS, CONF_NEVER)) {
        return;
    }
    c->sample = bench_now(&c->b);
    CHECK(c, conf_unbind(c, f.bond, UIOMMU_UNBIND_STOPPED) == UIOMMU_E_POISONED);
    CHECK(c, bench_now(&c->b) - c->sample < 3 * BENCH_DRAIN);
    CHECK(c, !bench_uses_tables(&c->b, f.a->tables));
}

/* The queue is read empty before the flag goes: nothing that was in it is lost. */
static void ring_is_read_first(struct conf *c)
{
    struct conf_flow f;

    if (!conf_flow_up(c, &f)) {
        return;
    }
    conf_ask(f.d, f.pasid, CONF_VA, 1);
    conf_ask(f.d, f.pasid, CONF_VA + 4096, 2);
    bench_arrive(&c->b);
    c->b.vendor->overflow(&c->b);
    conf_run(c, BENCH_MS);
    CHECK(c, f.a->calls == 2 && conf_counts(f.d).success == 2);
    CHECK(c, conf_unit(c).overflows == 1);
}

static const struct conf_test tests[] = {
    {"I11 R29 L19 overflow: open groups die, a lone Last is a new group", partials_die},
    {"I11 R31 L28 overflow: a flood is answered once each, and it works again", flood},
    {"R29 overflow: during the first D3 another one follows", during_first},
    {"R29 overflow: during the settle time another D3 follows", during_settle},
    {"R29 I11 overflow: during the last D3 the barrier is repeated", during_d3},
    {"R29 I11 overflow: during the last D4 the barrier is repeated", during_d4},
    {"R29 overflow: with a confirmed stop once more, not for ever", confirmed_once},
    {"R29 overflow: a device that sends again, until a pass sees none", resends_until_clean},
    {"R29 I2 overflow: a device that sends again, in the rest", resends_in_rest},
    {"R29 overflow: in the rest of one that does not, nothing begins anew", overflow_in_rest},
    {"R29 I21 overflow: a device that sends again for ever is POISONED", resends_for_ever},
    {"R29 L18 overflow: the ring is read empty before the acknowledge", ring_is_read_first},
};
const struct conf_theme conf_overflow_theme = {"overflow", tests, sizeof(tests) / sizeof(tests[0])};
