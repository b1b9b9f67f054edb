/* SPDX-License-Identifier: BSD-2-Clause */
#include "conf_themes.h"

/* Owners: quotas, and one call that ends a guest or a process. */

static bool owner_make(struct conf *c, const struct uiommu_owner_config *quotas,
                       struct uiommu_owner **out)
{
    struct uiommu_owner_config config = *quotas;

    config.size = sizeof(config);
    return CHECK(c, uiommu_owner_create(c->b.u, &config, out) == UIOMMU_OK);
}

static struct uiommu_owner_counters counters_of(struct conf *c, struct uiommu_owner *owner)
{
    struct uiommu_owner_counters counters;

    memset(&counters, 0, sizeof(counters));
    CHECK(c, uiommu_owner_get_counters(owner, &counters) == UIOMMU_OK);
    return counters;
}

static void quotas(struct conf *c)
{
    static const struct uiommu_owner_config config = {.pasids = 2, .bonds = 1, .credits = 6};
    struct uiommu_owner_counters counters;
    struct conf_how how = {.want = 4};
    struct uiommu_port_config port;
    struct uiommu_port *second;
    struct uiommu_bond_ref bond, next;
    struct conf_device *d;
    struct conf_space *s;
    uint32_t p, q, r;

    if (!conf_up(c) || !owner_make(c, &config, &c->owner)) {
        return;
    }
    how.owner = c->owner;
    d = conf_device_make(c, &how);
    s = conf_space_make(c);
    p = conf_pasid(c);
    q = conf_pasid(c);
    CHECK(c, uiommu_pasid_alloc(c->b.pasids, c->owner, 0, &r) == UIOMMU_E_QUOTA);
    if (conf_failed(c) || !conf_bind(c, d, s, p, &bond)) {
        return;
    }
    CHECK(c, conf_try_bind(c, d, s, q, &next) == UIOMMU_E_QUOTA);
    memset(&port, 0, sizeof(port));
    port.size = sizeof(port);
    port.owner = c->owner;
    port.want = 4;
    port.least = 3;
    CHECK(c, uiommu_port_create(c->b.unit, &port, &second) == UIOMMU_E_QUOTA);
    counters = counters_of(c, c->owner);
    CHECK(c, counters.pasids == 2 && counters.bonds == 1 && counters.credits == 4);
    CHECK(c, counters.refused == 3);
    CHECK(c, uiommu_owner_destroy(c->owner) == UIOMMU_E_BUSY);
    CHECK(c, conf_unbind(c, bond, UIOMMU_UNBIND_STOPPED) == UIOMMU_OK);
    CHECK(c, conf_wait_state(c, bond, UIOMMU_BOND_FREE));
    CHECK(c, counters_of(c, c->owner).bonds == 0);
    CHECK(c, conf_bind(c, d, s, q, &next));
}

static void in_flight(struct conf *c)
{
    static const struct uiommu_owner_config config = {.in_flight = 2};
    struct conf_how how = {.want = 8};
    struct uiommu_bond_ref bond;
    struct conf_device *d;
    struct conf_space *s;
    uint32_t i, p;

    if (!conf_up(c) || !owner_make(c, &config, &c->owner)) {
        return;
    }
    d = conf_device_make(c, &how);
    s = conf_space_make(c);
    p = conf_pasid(c);
    if (conf_failed(c) || !conf_bind(c, d, s, p, &bond)) {
        return;
    }
    s->answer = UIOMMU_CODE_PENDING;
    for (i = 0; i < 5; i++) {
        conf_ask(d, p, CONF_VA, i);
    }
    conf_run(c, BENCH_MS);
    CHECK(c, s->calls == 2 && counters_of(c, c->owner).in_flight == 2);
    for (i = 0; i < 5 && i < s->calls; i++) {
        CHECK(c, conf_respond(c, s->seen[i].ref, UIOMMU_CODE_SUCCESS) == UIOMMU_OK);
        conf_run(c, BENCH_MS / 2);
    }
    CHECK(c, s->calls == 5 && conf_counts(d).success == 5);
    CHECK(c, counters_of(c, c->owner).in_flight == 0 && counters_of(c, c->owner).groups == 5);
}

static void dies(struct conf *c)
{
    static const struct uiommu_owner_config config = {0};
    struct uiommu_owner *owner = NULL;
    struct uiommu_bond_ref bond[2], host;
    struct conf_device *d;
    struct conf_space *s, *t, *own;
    uint32_t p, q, r, pasid;
    uint64_t end;
    uiommu_err err;

    if (!conf_up(c)) {
        return;
    }
    d = conf_device_make(c, NULL);
    own = conf_space_make(c);
    p = conf_pasid(c);
    if (conf_failed(c) || !conf_bind(c, d, own, p, &host) || !owner_make(c, &config, &owner)) {
        return;
    }
    c->owner = owner;
    s = conf_space_make(c);
    t = conf_space_make(c);
    q = conf_pasid(c);
    r = conf_pasid(c);
    if (conf_failed(c) || !conf_bind(c, d, s, q, &bond[0]) || !conf_bind(c, d, t, r, &bond[1])) {
        return;
    }
    s->answer = UIOMMU_CODE_PENDING;
    conf_ask(d, q, CONF_VA, 1);
    conf_run(c, BENCH_MS);
    CHECK(c, uiommu_owner_reap(owner) == UIOMMU_E_STATE);
    CHECK(c, uiommu_owner_exit(owner) == UIOMMU_OK);
    CHECK(c, uiommu_owner_exit(owner) == UIOMMU_OK);
    CHECK(c, !bench_uses_tables(&c->b, s->tables) && !bench_uses_tables(&c->b, t->tables));
    CHECK(c, uiommu_pasid_alloc(c->b.pasids, owner, 0, &pasid) == UIOMMU_E_DEAD);
    CHECK(c, conf_respond(c, s->seen[0].ref, UIOMMU_CODE_SUCCESS) == UIOMMU_E_DEAD);
    end = bench_now(&c->b) + BENCH_FOREVER;
    err = uiommu_owner_reap(owner);
    while (err == UIOMMU_PENDING && bench_now(&c->b) < end) {
        conf_idle(c);
        err = uiommu_owner_reap(owner);
    }
    CHECK(c, err == UIOMMU_OK && d->stops == 2);
    CHECK(c, conf_wait_state(c, bond[0], UIOMMU_BOND_FREE));
    CHECK(c, conf_wait_state(c, bond[1], UIOMMU_BOND_FREE));
    CHECK(c, counters_of(c, owner).bonds == 0);
    /* The host's own bond is untouched. */
    conf_ask(d, p, CONF_VA, 2);
    conf_run(c, BENCH_MS);
    CHECK(c, own->calls == 1 && conf_answer(d, 2) == UIOMMU_CODE_SUCCESS);
}

/* One of his spaces cannot be proved: he is told, whichever it is. */
static void hung(struct conf *c)
{
    static const struct uiommu_owner_config config = {0};
    struct conf_space *s, *t, *v;
    struct uiommu_bond_ref bond;
    struct conf_device *d;
    uint32_t p;

    if (!conf_up(c)) {
        return;
    }
    d = conf_device_make(c, NULL);
    if (d == NULL || !owner_make(c, &config, &c->owner)) {
        return;
    }
    s = conf_space_make(c);
    t = conf_space_make(c);
    v = conf_space_make(c);
    p = conf_pasid(c);
    if (conf_failed(c) || !conf_bind(c, d, t, p, &bond)) {
        return;
    }
    /* From the middle and from the end of his list. */
    CHECK(c, uiommu_aspace_destroy(s->as) == UIOMMU_OK);
    s->as = NULL;
    bench_tables_free(&c->b, s->tables);
    c->b.vendor->hang(&c->b, true);
    CHECK(c, uiommu_owner_exit(c->owner) == UIOMMU_E_WITHHELD);
    CHECK(c, uiommu_aspace_reap(v->as) == UIOMMU_OK);
    c->err = uiommu_owner_reap(c->owner);
    while (c->err == UIOMMU_PENDING && bench_now(&c->b) < BENCH_FOREVER) {
        conf_idle(c);
        c->err = uiommu_owner_reap(c->owner);
    }
    CHECK(c, c->err == UIOMMU_E_WITHHELD);
}

static const struct conf_test tests[] = {
    {"owner: quotas of PASIDs, bonds and credits", quotas},
    {"R24 I23 owner: a quota of groups with handlers", in_flight},
    {"R11 I14 owner: dies as one call, and is reaped", dies},
    {"R12 owner: one space that cannot be proved withholds", hung},
};
const struct conf_theme conf_owner_theme = {"owner", tests, sizeof(tests) / sizeof(tests[0])};
