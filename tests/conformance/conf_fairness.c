/* SPDX-License-Identifier: BSD-2-Clause */
#include "conf_themes.h"

/* Caps, parking and turns: nobody waits for another. */

static uiommu_err bind_capped(struct conf *c, struct conf_device *d, struct conf_space *s,
                              uint32_t pasid, uint32_t cap, struct uiommu_bond_ref *out)
{
    struct uiommu_bind_config config;

    (void)c;
    memset(&config, 0, sizeof(config));
    config.size = sizeof(config);
    config.pasid = pasid;
    config.in_flight = cap;
    config.user = s;
    return uiommu_bind(d->dev, s->as, &config, out);
}

static void bond_cap(struct conf *c)
{
    static const struct conf_how how = {.want = 8};
    struct uiommu_bond_counters counters;
    struct uiommu_bond_ref bond[2];
    struct conf_device *d;
    struct conf_space *s, *t;
    uint32_t i, p, q;

    if (!conf_up(c)) {
        return;
    }
    d = conf_device_make(c, &how);
    s = conf_space_make(c);
    t = conf_space_make(c);
    p = conf_pasid(c);
    q = conf_pasid(c);
    if (conf_failed(c) || !CHECK(c, bind_capped(c, d, s, p, 2, &bond[0]) == UIOMMU_OK) ||
        !CHECK(c, bind_capped(c, d, t, q, 0, &bond[1]) == UIOMMU_OK)) {
        return;
    }
    s->answer = UIOMMU_CODE_PENDING;
    for (i = 0; i < 5; i++) {
        conf_ask(d, p, CONF_VA, i);
    }
    conf_ask(d, q, CONF_VA, 20);
    conf_run(c, BENCH_MS);
    /* Two are with the handler, three are parked, and the neighbour is served. */
    CHECK(c, s->calls == 2 && t->calls == 1);
    CHECK(c, conf_bond(c, bond[0]).in_flight == 5);
    CHECK(c, uiommu_bond_get_counters(c->b.u, bond[0], &counters) == UIOMMU_OK);
    CHECK(c, counters.parked > 0);
    for (i = 0; i < 5; i++) {
        if (!CHECK(c, s->calls > i)) {
            return;
        }
        CHECK(c, conf_respond(c, s->seen[i].ref, UIOMMU_CODE_SUCCESS) == UIOMMU_OK);
        conf_run(c, BENCH_MS / 2);
        CHECK(c, s->calls <= i + 3);
    }
    CHECK(c, s->calls == 5 && conf_counts(d).success == 6);
}

static void device_cap(struct conf *c)
{
    static const struct conf_how how = {.want = 8, .in_flight = 3};
    struct uiommu_bond_ref bond;
    struct conf_device *d, *e;
    struct conf_space *s;
    uint32_t i, p;

    if (!conf_up(c)) {
        return;
    }
    d = conf_device_make(c, &how);
    e = conf_device_make(c, NULL);
    s = conf_space_make(c);
    p = conf_pasid(c);
    if (conf_failed(c) || !conf_bind(c, d, s, p, &bond) || !conf_bind(c, e, s, p, &bond)) {
        return;
    }
    s->answer = UIOMMU_CODE_PENDING;
    for (i = 0; i < 6; i++) {
        conf_ask(d, p, CONF_VA, i);
    }
    conf_ask(e, p, CONF_VA, 0);
    conf_run(c, BENCH_MS);
    CHECK(c, s->calls == 4);
    for (i = 0; i < s->calls; i++) {
        CHECK(c, conf_respond(c, s->seen[i].ref, UIOMMU_CODE_SUCCESS) == UIOMMU_OK);
        conf_run(c, BENCH_MS / 4);
    }
    CHECK(c, s->calls == 7 && conf_counts(d).success == 6);
}

/* Turns go round the bonds, whatever the order in the ring. */
static void take_turns(struct conf *c, struct conf_space *s, const struct uiommu_group *group)
{
    (void)group;
    c->sample = c->sample << 4 | (uint64_t)(s - c->space + 1);
}

static void round_robin(struct conf *c)
{
    static const struct conf_how how = {.want = 12};
    struct uiommu_bond_ref bond;
    struct conf_space *s[3];
    struct conf_device *d;
    uint32_t i, k, pasid[3];

    if (!conf_up(c)) {
        return;
    }
    d = conf_device_make(c, &how);
    for (k = 0; k < 3; k++) {
        s[k] = conf_space_make(c);
        pasid[k] = conf_pasid(c);
        if (d == NULL || s[k] == NULL || !conf_bind(c, d, s[k], pasid[k], &bond)) {
            return;
        }
        s[k]->on_fault = take_turns;
    }
    for (k = 0; k < 3; k++) {
        for (i = 0; i < (k == 0 ? 8 : 2); i++) {
            conf_ask(d, pasid[k], CONF_VA, 16 * k + i);
        }
    }
    bench_arrive(&c->b);
    conf_run(c, BENCH_MS);
    CHECK(c, s[0]->calls == 8 && s[1]->calls == 2 && s[2]->calls == 2);
    /* The four groups of the small ones are among the first six calls. */
    for (i = 0, k = 0; i < 6; i++) {
        k += (c->sample >> (4 * (11 - i)) & 0xF) != 1;
    }
    CHECK(c, k == 4);
}

/* A flood of one bond, serviced a little at a time, does not starve the other's shutdown. */
static void unbind_beside_a_flood(struct conf *c)
{
    static const struct conf_how how = {.want = 20};
    struct uiommu_bond_ref bond[2];
    struct conf_device *d, *e;
    struct conf_space *s, *t;
    uint32_t i, p, q;
    uiommu_err err = UIOMMU_PENDING;

    if (!conf_up(c)) {
        return;
    }
    d = conf_device_make(c, &how);
    e = conf_device_make(c, NULL);
    s = conf_space_make(c);
    t = conf_space_make(c);
    p = conf_pasid(c);
    q = conf_pasid(c);
    if (conf_failed(c) || !conf_bind(c, d, s, p, &bond[0]) || !conf_bind(c, e, t, q, &bond[1])) {
        return;
    }
    c->sample = bench_now(&c->b) + BENCH_FOREVER;
    CHECK(c, uiommu_unbind_begin(c->b.u, bond[1], UIOMMU_UNBIND_STOPPED) == UIOMMU_OK);
    for (i = 0; err == UIOMMU_PENDING && bench_now(&c->b) < c->sample; i++) {
        if (conf_counts(d).groups_outstanding < 16) {
            conf_ask(d, p, CONF_VA, i & 31);
        }
        bench_advance(&c->b, 2 * BENCH_US);
        err = uiommu_unit_service(c->b.unit, 2);
        CHECK(c, err == UIOMMU_OK || err == UIOMMU_MORE);
        err = uiommu_unbind_poll(c->b.u, bond[1]);
    }
    CHECK(c, err == UIOMMU_OK && s->calls > 4);
}

static const struct conf_test tests[] = {
    {"R24 I23 fairness: over its cap a bond's groups are parked, not lost", bond_cap},
    {"R24 I23 fairness: a device's cap", device_cap},
    {"R22 I23 fairness: turns go round the bonds", round_robin},
    {"R22 I23 fairness: a flood does not delay another's unbind", unbind_beside_a_flood},
};
const struct conf_theme conf_fairness_theme = {"fairness", tests, sizeof(tests) / sizeof(tests[0])};
