/* SPDX-License-Identifier: BSD-2-Clause */
#include "conf_themes.h"

/* The credit ledger: what is granted fits into the queue, and who takes more pays for it. */

static uiommu_err port_make(struct conf *c, uint32_t want, uint32_t least, struct uiommu_port **out)
{
    struct uiommu_port_config config;

    memset(&config, 0, sizeof(config));
    config.size = sizeof(config);
    config.want = want;
    config.least = least;
    return uiommu_port_create(c->b.unit, &config, out);
}

static uint32_t granted(struct conf *c, const struct uiommu_port *port)
{
    struct uiommu_port_info info;

    memset(&info, 0, sizeof(info));
    CHECK(c, uiommu_port_get_info(port, &info) == UIOMMU_OK);
    return info.credits;
}

/* Cut, then refused, never oversold; given back, granted again. */
static void ledger(struct conf *c)
{
    uint32_t room = c->b.features.request_room - 1 - c->b.config.marker_reserve;
    struct uiommu_port *port[3] = {NULL, NULL, NULL};
    struct uiommu_unit_info info;

    if (!conf_up(c)) {
        return;
    }
    CHECK(c, port_make(c, room - 5, 0, &port[0]) == UIOMMU_OK);
    CHECK(c, port_make(c, 20, 0, &port[1]) == UIOMMU_OK);
    CHECK(c, granted(c, port[0]) == room - 5 && granted(c, port[1]) == 5);
    CHECK(c, port_make(c, 4, 0, &port[2]) == UIOMMU_E_NOSPACE);
    CHECK(c, uiommu_unit_get_info(c->b.unit, &info) == UIOMMU_OK);
    CHECK(c, info.credits_granted == room && info.credits_free == 0);
    CHECK(c, uiommu_port_destroy(port[1]) == UIOMMU_OK);
    CHECK(c, port_make(c, 20, 6, &port[1]) == UIOMMU_E_NOSPACE);
    CHECK(c, port_make(c, 20, 5, &port[1]) == UIOMMU_OK);
    CHECK(c, granted(c, port[1]) == 5);
    CHECK(c, uiommu_port_destroy(port[0]) == UIOMMU_OK);
    CHECK(c, uiommu_port_destroy(port[1]) == UIOMMU_OK);
    CHECK(c, uiommu_unit_get_info(c->b.unit, &info) == UIOMMU_OK && info.credits_granted == 0);
}

/* Everyone asks for all he was granted at once: nothing overflows. */
static void all_at_once(struct conf *c)
{
    struct conf_how how = {.want = 0};
    struct conf_device *d[4];
    struct uiommu_bond_ref bond;
    struct conf_space *s;
    uint32_t i, k, pasid, credits[3], total = 0;

    how.want = c->b.variant->large ? 200 : 12;
    if (!conf_up(c)) {
        return;
    }
    s = conf_space_make(c);
    pasid = conf_pasid(c);
    for (k = 0; k < 3 && s != NULL; k++) {
        d[k] = conf_device_make(c, &how);
        if (d[k] == NULL || !conf_bind(c, d[k], s, pasid, &bond)) {
            return;
        }
    }
    s->answer = UIOMMU_CODE_INVALID;
    for (k = 0; k < 3; k++) {
        credits[k] = conf_port(d[k]).credits;
        total += credits[k];
    }
    for (k = 0; k < 3; k++) {
        for (i = 0; i < credits[k]; i++) {
            conf_ask(d[k], pasid, CONF_VA, i);
        }
    }
    bench_arrive(&c->b);
    CHECK(c, c->b.vendor->requests_waiting(&c->b) == total);
    conf_run(c, 3 * BENCH_MS);
    CHECK(c, s->calls == total && conf_unit(c).overflows == 0);
    CHECK(c, total <= c->b.features.request_room - 1 - c->b.config.marker_reserve);
}

/* Beyond the grant: INVALID, charged, and nobody else notices. */
static void beyond(struct conf *c)
{
    struct uiommu_bond_ref other;
    struct conf_device *e;
    struct conf_flow f;
    uint32_t i;

    if (!conf_flow_up(c, &f)) {
        return;
    }
    e = conf_device_make(c, NULL);
    if (e == NULL || !conf_bind(c, e, f.a, f.pasid, &other)) {
        return;
    }
    f.a->answer = UIOMMU_CODE_PENDING;
    for (i = 0; i < 7; i++) {
        conf_ask(f.d, f.pasid, CONF_VA, i);
    }
    conf_ask(e, f.pasid, CONF_VA, 50);
    conf_run(c, BENCH_MS);
    CHECK(c, f.a->calls == 5);
    CHECK(c, conf_device_counters(f.d).over_credit == 3);
    CHECK(c, conf_counts(f.d).invalid == 3 && conf_counts(e).invalid == 0);
    CHECK(c, conf_port(f.d).outstanding == 4);
    for (i = 0; i < f.a->calls; i++) {
        CHECK(c, conf_respond(c, f.a->seen[i].ref, UIOMMU_CODE_SUCCESS) == UIOMMU_OK);
    }
    /* What was answered can be asked again. */
    f.a->answer = UIOMMU_CODE_SUCCESS;
    conf_ask(f.d, f.pasid, CONF_VA, 0);
    conf_run(c, BENCH_MS);
    CHECK(c, conf_counts(f.d).success == 5 && conf_device_counters(f.d).over_credit == 3);
}

static void isolated(struct conf *c)
{
    struct conf_device *e;
    struct uiommu_bond_ref other;
    struct conf_flow f;
    uint32_t i;

    c->b.config.violations = 6;
    if (!conf_flow_up(c, &f)) {
        return;
    }
    e = conf_device_make(c, NULL);
    if (e == NULL || !conf_bind(c, e, f.a, f.pasid, &other)) {
        return;
    }
    CHECK(c, bench_map(&c->b, f.a->tables, CONF_VA + 0x400000, UIOMMU_READ) != NULL);
    CHECK(c, bench_map(&c->b, f.a->tables, CONF_VA + 0x401000, UIOMMU_READ) != NULL);
    CHECK(c, conf_access(f.d, f.pasid, CONF_VA + 0x400000, MODEL_READ));
    f.a->answer = UIOMMU_CODE_PENDING;
    for (i = 0; i < 12; i++) {
        conf_ask(f.d, f.pasid, CONF_VA, i);
        conf_run(c, 20 * BENCH_US);
    }
    conf_run(c, BENCH_MS);
    CHECK(c, uiommu_device_get_state(f.d->dev) == UIOMMU_DEVICE_ISOLATED);
    CHECK(c, conf_events(c, UIOMMU_EVENT_DEVICE_ISOLATED) == 1 && conf_port(f.d).failed);
    CHECK(c, conf_try_bind(c, f.d, f.b, conf_pasid(c), &f.bond) == UIOMMU_E_GONE);
    /* What it does not hold already it cannot reach; the other can. */
    CHECK(c, !c->b.features.isolate || !conf_access(f.d, f.pasid, CONF_VA + 0x401000, MODEL_READ));
    CHECK(c, conf_access(e, f.pasid, CONF_VA + 0x401000, MODEL_READ));
    f.a->answer = UIOMMU_CODE_SUCCESS;
    conf_ask(e, f.pasid, CONF_VA, 3);
    conf_run(c, BENCH_MS);
    CHECK(c, conf_answer(e, 3) == UIOMMU_CODE_SUCCESS);
    CHECK(c, uiommu_device_get_state(e->dev) == UIOMMU_DEVICE_NORMAL);
    /* Isolation leaves the answers of later requests open: this test does not count them. */
    c->no_balance = true;
}

/* VFs live on their PF's credits. */
static void shared(struct conf *c)
{
    struct conf_how how = {.want = 6};
    struct uiommu_bond_ref bond;
    struct conf_device *pf, *vf;
    struct conf_space *s;
    uint32_t i, pasid;

    if (!conf_up(c)) {
        return;
    }
    pf = conf_device_make(c, &how);
    how.pf = pf;
    vf = pf == NULL ? NULL : conf_device_make(c, &how);
    s = conf_space_make(c);
    pasid = conf_pasid(c);
    if (conf_failed(c) || !conf_bind(c, pf, s, pasid, &bond) ||
        !conf_bind(c, vf, s, pasid, &bond)) {
        return;
    }
    s->answer = UIOMMU_CODE_PENDING;
    for (i = 0; i < 4; i++) {
        conf_ask(pf, pasid, CONF_VA, i);
        conf_ask(vf, pasid, CONF_VA, i);
    }
    conf_run(c, BENCH_MS);
    CHECK(c, s->calls == 6 && conf_port(pf).outstanding == 6);
    CHECK(c, conf_counts(pf).invalid + conf_counts(vf).invalid == 2);
    CHECK(c, uiommu_port_destroy(pf->port) == UIOMMU_E_BUSY);
}

/* FAILURE is a decision about the port, and for all who share it. */
static void switched_off(struct conf *c)
{
    struct conf_how how = {.want = 6};
    struct uiommu_bond_ref bond;
    struct conf_device *pf, *vf;
    struct conf_space *s;
    uint32_t pasid;

    if (!conf_up(c)) {
        return;
    }
    pf = conf_device_make(c, &how);
    how.pf = pf;
    vf = pf == NULL ? NULL : conf_device_make(c, &how);
    s = conf_space_make(c);
    pasid = conf_pasid(c);
    if (conf_failed(c) || !conf_bind(c, pf, s, pasid, &bond) ||
        !conf_bind(c, vf, s, pasid, &bond)) {
        return;
    }
    conf_ask(pf, pasid, CONF_VA, 1);
    conf_run(c, BENCH_MS);
    CHECK(c, conf_answer(pf, 1) == UIOMMU_CODE_SUCCESS);
    CHECK(c, uiommu_port_switch_off(pf->port) == UIOMMU_OK);
    conf_ask(pf, pasid, CONF_VA, 2);
    conf_ask(vf, pasid, CONF_VA, 2);
    conf_run(c, BENCH_MS);
    CHECK(c, s->calls == 1 && conf_port(pf).failed);
    CHECK(c, conf_answer(pf, 2) == UIOMMU_CODE_FAILURE);
    CHECK(c, conf_answer(vf, 2) == UIOMMU_CODE_FAILURE);
}

/* Unbound, unknown, overloaded: never FAILURE. */
static void never_failure(struct conf *c)
{
    struct conf_flow f;
    uint32_t i;

    if (!conf_flow_up(c, &f)) {
        return;
    }
    for (i = 0; i < 10; i++) {
        conf_ask(f.d, i < 5 ? f.pasid : 0x5A5, CONF_VA, i);
    }
    CHECK(c, uiommu_aspace_exit(f.a->as) == UIOMMU_OK);
    conf_ask(f.d, f.pasid, CONF_VA, 100);
    CHECK(c, conf_reap(c, f.a) == UIOMMU_OK);
    conf_ask(f.d, f.pasid, CONF_VA, 101);
    conf_run(c, BENCH_MS);
    CHECK(c, conf_counts(f.d).failure == 0 && conf_unit(c).failure == 0);
    CHECK(c, conf_counts(f.d).outstanding == 0);
}

static const struct conf_test tests[] = {
    {"I9 L22 credits: cut, refused, never oversold", ledger},
    {"I9 credits: all that was granted at once does not overflow", all_at_once},
    {"R24 I9 credits: beyond the grant is INVALID and charged", beyond},
    {"R30 I9 credits: who goes on is isolated, alone", isolated},
    {"R19 credits: a PF and its VFs share the port's", shared},
    {"R19 R28 I7 L36 credits: FAILURE is for the port and all its functions", switched_off},
    {"I7 R28 L36 credits: FAILURE never for unbound, unknown or overload", never_failure},
};
const struct conf_theme conf_credits_theme = {"credits", tests, sizeof(tests) / sizeof(tests[0])};
