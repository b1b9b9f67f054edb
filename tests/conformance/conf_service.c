/* SPDX-License-Identifier: BSD-2-Clause */
#include "conf_themes.h"

/* The one consumer: budgets, wake-ups, second callers, interrupts anywhere. */

static void budget(struct conf *c)
{
    static const struct conf_how how = {.want = 16};
    struct uiommu_unit_counters before, after;
    struct uiommu_bond_ref bond;
    struct conf_device *d;
    struct conf_space *s;
    uint32_t i, pasid;
    uiommu_err err;

    if (!conf_up(c)) {
        return;
    }
    d = conf_device_make(c, &how);
    s = conf_space_make(c);
    pasid = conf_pasid(c);
    if (conf_failed(c) || !conf_bind(c, d, s, pasid, &bond)) {
        return;
    }
    for (i = 0; i < 16; i++) {
        conf_ask(d, pasid, CONF_VA, i);
    }
    bench_arrive(&c->b);
    for (i = 0; i < 40 && s->calls < 16; i++) {
        uint32_t calls = s->calls;

        before = conf_unit(c);
        err = uiommu_unit_service(c->b.unit, 3);
        after = conf_unit(c);
        CHECK(c, after.entries - before.entries <= 3 && s->calls - calls <= 3);
        CHECK(c, err == UIOMMU_MORE || s->calls == 16);
    }
    CHECK(c, s->calls == 16);
}

static void inner_service(struct bench *b, void *arg)
{
    struct conf *c = arg;

    c->err = uiommu_unit_service(b->unit, 0);
    if (c->err == UIOMMU_E_BUSY) {
        c->counter++;
    }
    CHECK(c, c->err == UIOMMU_E_BUSY || c->err == UIOMMU_OK || c->err == UIOMMU_MORE);
}

/* A second caller at any moment of a service is told so, and nothing is lost. */
static void second_caller(struct conf *c)
{
    struct conf_flow f;
    uint32_t i;

    if (!conf_flow_up(c, &f)) {
        return;
    }
    for (i = 0; i < 24 && !conf_failed(c); i++) {
        uiommu_err err;

        conf_ask(f.d, f.pasid, CONF_VA, i);
        bench_arrive(&c->b);
        bench_interrupt(&c->b, i, inner_service, c);
        err = uiommu_unit_service(c->b.unit, 0);
        c->b.interrupt = NULL;
        CHECK(c, err == UIOMMU_OK || err == UIOMMU_MORE);
        conf_run(c, 100 * BENCH_US);
        CHECK(c, f.a->calls == i + 1 && conf_answer(f.d, i) == UIOMMU_CODE_SUCCESS);
    }
    CHECK(c, c->counter > 0);
}

static void arrive_inside(struct bench *b, void *arg)
{
    struct conf *c = arg;

    c->counter++;
    conf_ask(c->at_device, (uint32_t)c->sample, CONF_VA, 200 + c->counter);
    bench_arrive(b);
}

/* A request arrives at any moment of a service; interrupts are edges: no other one will come. */
static void arrives_meanwhile(struct conf *c)
{
    struct conf_flow f;
    uint32_t i;

    if (!conf_flow_up(c, &f)) {
        return;
    }
    c->at_device = f.d;
    c->sample = f.pasid;
    for (i = 0; i < 20 && !conf_failed(c); i++) {
        conf_ask(f.d, f.pasid, CONF_VA, i);
        bench_arrive(&c->b);
        bench_interrupt(&c->b, i, arrive_inside, c);
        conf_run(c, BENCH_MS / 2);
        c->b.interrupt = NULL;
        CHECK(c, f.a->calls == i + 1 + c->counter);
    }
    CHECK(c, c->counter > 5);
    CHECK(c, conf_counts(f.d).outstanding == 0);
}

static void respond_now(struct bench *b, void *arg)
{
    struct conf *c = arg;

    c->counter++;
    CHECK(c, uiommu_group_respond(b->unit, c->at_group, UIOMMU_CODE_SUCCESS) == UIOMMU_OK);
}

/* An answer that frees a cap, given at any moment, wakes the group that was parked for it. */
static void cap_freed(struct conf *c)
{
    static const struct conf_how how = {.in_flight = 1};
    struct conf_flow f;
    uint32_t i;

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
    for (i = 0; i < 12 && !conf_failed(c); i++) {
        f.a->answer = UIOMMU_CODE_PENDING;
        conf_ask(f.d, f.pasid, CONF_VA, 1);
        conf_run(c, BENCH_MS / 4);
        if (!CHECK(c, f.a->calls == 2 * i + 1)) {
            return;
        }
        c->at_group = f.a->seen[f.a->calls - 1].ref;
        conf_ask(f.d, f.pasid, CONF_VA, 2);
        bench_arrive(&c->b);
        f.a->answer = UIOMMU_CODE_SUCCESS;
        bench_interrupt(&c->b, i, respond_now, c);
        conf_run(c, BENCH_MS / 2);
        if (c->b.interrupt != NULL) {
            c->b.interrupt = NULL;
            respond_now(&c->b, c);
            conf_run(c, BENCH_MS / 2);
        }
        CHECK(c, f.a->calls == 2 * i + 2);
    }
    CHECK(c, conf_counts(f.d).outstanding == 0);
}

/* A handler calls service from the side, with a request more: no handler runs inside a handler. */
static void call_service(struct conf *c, struct conf_space *s, const struct uiommu_group *g)
{
    (void)g;
    CHECK(c, c->counter == 0);
    c->counter++;
    if (s->calls <= 3) {
        conf_ask(c->at_device, (uint32_t)c->sample, CONF_VA, 3 + s->calls);
        bench_arrive(&c->b);
    }
    c->err = uiommu_unit_service(c->b.unit, 0);
    c->counter--;
}

static void handler_calls_service(struct conf *c)
{
    struct conf_flow f;

    if (!conf_flow_up(c, &f)) {
        return;
    }
    c->at_device = f.d;
    c->sample = f.pasid;
    f.a->on_fault = call_service;
    conf_ask(f.d, f.pasid, CONF_VA, 1);
    conf_ask(f.d, f.pasid, CONF_VA, 2);
    conf_ask(f.d, f.pasid, CONF_VA, 3);
    conf_run(c, BENCH_MS);
    CHECK(c, f.a->calls == 6 && conf_counts(f.d).success == 6);
}

/* Only deadlines: nobody interrupts, and everything still ends in time. */
static void deadlines(struct conf *c)
{
    struct conf_flow f;
    uint64_t due;

    if (!conf_flow_up(c, &f)) {
        return;
    }
    conf_run(c, BENCH_MS);
    CHECK(c, uiommu_unit_next_deadline(c->b.unit) == UINT64_MAX);
    f.a->answer = UIOMMU_CODE_PENDING;
    conf_ask(f.d, f.pasid, CONF_VA, 1);
    conf_run(c, BENCH_MS);
    due = uiommu_unit_next_deadline(c->b.unit);
    CHECK(c, due > bench_now(&c->b) && due <= bench_now(&c->b) + BENCH_ANSWER);
    conf_send(f.d, f.pasid, CONF_VA, 2, false);
    conf_run(c, BENCH_MS);
    due = uiommu_unit_next_deadline(c->b.unit);
    CHECK(c, due > bench_now(&c->b) && due <= bench_now(&c->b) + BENCH_PARTIAL);
}

static void wake_up(struct conf *c)
{
    struct conf_flow f;
    uint32_t before;

    if (!conf_needs(c, c->b.variant->irq, "a polling host is not woken") || !conf_flow_up(c, &f)) {
        return;
    }
    conf_run(c, BENCH_MS);
    before = uiommu_word_load(uiommu_unit_due_word(c->b.unit));
    CHECK(c, !bench_is_due(&c->b));
    CHECK(c, uiommu_unbind_begin(c->b.u, f.bond, UIOMMU_UNBIND_STOPPED) == UIOMMU_OK);
    CHECK(c, bench_is_due(&c->b));
    CHECK(c, uiommu_word_load(uiommu_unit_due_word(c->b.unit)) != before && c->b.wakes > 0);
    /* Service alone carries it through: nobody polls. */
    CHECK(c, conf_wait_state(c, f.bond, UIOMMU_BOND_FREE));
}

static void event_ring(struct conf *c)
{
    struct uiommu_event event;
    uint32_t lost = 0, taken = 0;

    c->b.config.events = 16;
    if (!conf_up(c)) {
        return;
    }
    while (taken < 100) {
        c->b.vendor->event_flood(&c->b, 4);
        conf_run(c, 30 * BENCH_US);
        taken += 4;
    }
    conf_run(c, BENCH_MS);
    taken = 0;
    while (uiommu_unit_next_event(c->b.unit, &event) == UIOMMU_OK) {
        lost += event.kind == UIOMMU_EVENT_EVENTS_LOST ? event.count : 0;
        taken += event.kind != UIOMMU_EVENT_EVENTS_LOST;
    }
    CHECK(c, taken <= 16 && lost > 0);
    CHECK(c, taken + lost == conf_unit(c).events);
    CHECK(c, conf_unit(c).events_lost == lost && c->b.log_lines < 32);
    CHECK(c, uiommu_unit_next_event(c->b.unit, &event) == UIOMMU_E_NOT_FOUND);
}

static const struct conf_test tests[] = {
    {"R21 I25 service: a budget is kept, MORE says so", budget},
    {"R21 L17 service: a second caller leaves word and nothing is lost", second_caller},
    {"R21 I10 service: what arrives at any moment is seen", arrives_meanwhile},
    {"R21 R24 service: a cap freed at any moment wakes what was parked", cap_freed},
    {"R22 service: no handler inside a handler", handler_calls_service},
    {"R23 service: the next deadline is told", deadlines},
    {"R21 service: unbind makes service due, and service carries it through", wake_up},
    {"I16 L28 service: events that find no room are counted", event_ring},
};
const struct conf_theme conf_service_theme = {"service", tests, sizeof(tests) / sizeof(tests[0])};
