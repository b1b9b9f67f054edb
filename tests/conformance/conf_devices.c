/* SPDX-License-Identifier: BSD-2-Clause */
#include "conf_themes.h"

/* Devices: several IDs, attach and detach, features that are not there. */

static void alias_request(struct conf_device *d, uint32_t pick, uint32_t pasid, uint32_t index,
                          bool last)
{
    struct model_page_request r;

    memset(&r, 0, sizeof(r));
    r.id = d->ids[pick];
    r.has_pasid = true;
    r.pasid = pasid;
    r.address = CONF_VA;
    r.index = index;
    r.access = MODEL_READ;
    r.last = last;
    model_endpoint_send(d->ep, &r, true);
}

static void several_ids(struct conf *c)
{
    static const struct conf_how how = {.ids = 3, .want = 6};
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
    /* One index under three IDs is three groups; each answer goes to the ID it came from. */
    f.a->answer = UIOMMU_CODE_PENDING;
    for (i = 0; i < 6; i++) {
        alias_request(f.d, i % 3, f.pasid, 5, i >= 3);
    }
    conf_run(c, BENCH_MS);
    for (i = 0; i < 3; i++) {
        CHECK(c, f.a->seen[i].pages == 2);
    }
    if (!CHECK(c, f.a->calls == 3)) {
        return;
    }
    for (i = 0; i < 3; i++) {
        struct model_page_response r;

        CHECK(c, conf_respond(c, f.a->seen[i].ref, UIOMMU_CODE_SUCCESS) == UIOMMU_OK);
        conf_run(c, BENCH_MS / 4);
        CHECK(c, model_endpoint_last_response(f.d->ep, f.a->seen[i].id, 5, &r));
    }
    CHECK(c, conf_device_counters(f.d).violations == 0);
}

static bool job_runs(struct conf *c, struct conf_device *d, uint32_t pasid, uint32_t pick)
{
    struct model_job_status status;
    struct model_job job;
    uint8_t bytes[16];
    int number;

    memset(&job, 0, sizeof(job));
    job.pasid = pasid;
    job.id_pick = pick;
    job.address = CONF_VA;
    job.access = MODEL_READ;
    job.buffer = bytes;
    job.bytes = sizeof(bytes);
    number = model_endpoint_start(d->ep, &job);
    conf_run(c, BENCH_MS);
    model_endpoint_job(d->ep, number, &status);
    model_endpoint_job_forget(d->ep, number);
    return status.state == MODEL_JOB_DONE;
}

static void teardown_of_all_ids(struct conf *c)
{
    static const struct conf_how how = {.ids = 4};
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
    CHECK(c, bench_map(&c->b, f.a->tables, CONF_VA, UIOMMU_READ) != NULL);
    for (i = 0; i < 4; i++) {
        CHECK(c, job_runs(c, f.d, f.pasid, i));
    }
    CHECK(c, uiommu_aspace_exit(f.a->as) == UIOMMU_OK);
    for (i = 0; i < 4; i++) {
        CHECK(c, !c->b.vendor->reaches(&c->b, f.d->ids[i], f.pasid));
        CHECK(c, !job_runs(c, f.d, f.pasid, i));
    }
    CHECK(c, !bench_uses_tables(&c->b, f.a->tables));
}

static void attach_again(struct conf *c)
{
    struct uiommu_device_config config;
    struct uiommu_device *dev = NULL;
    struct conf_device *d;
    uiommu_err err;
    uint32_t i;

    if (!conf_up(c)) {
        return;
    }
    d = conf_device_plan(c, NULL, &config);
    for (i = 0; i < 3 && d != NULL; i++) {
        uint64_t end = bench_now(&c->b) + BENCH_FOREVER;

        CHECK(c, uiommu_device_attach(c->b.unit, &config, &d->dev) == UIOMMU_OK);
        CHECK(c, uiommu_device_attach(c->b.unit, &config, &dev) == UIOMMU_E_EXISTS);
        CHECK(c, uiommu_device_user(d->dev) == d);
        err = uiommu_device_detach(d->dev);
        while (err == UIOMMU_PENDING && bench_now(&c->b) < end) {
            conf_run(c, BENCH_SETTLE);
            err = uiommu_device_detach(d->dev);
        }
        CHECK(c, err == UIOMMU_OK);
        d->dev = NULL;
    }
}

static void detach_with_bond(struct conf *c)
{
    struct conf_flow f;

    if (!conf_flow_up(c, &f)) {
        return;
    }
    CHECK(c, uiommu_device_detach(f.d->dev) == UIOMMU_E_BUSY);
    CHECK(c, conf_unbind(c, f.bond, UIOMMU_UNBIND_STOPPED) == UIOMMU_OK);
    if (conf_state(c, f.bond) == UIOMMU_BOND_QUARANTINE) {
        CHECK(c, uiommu_device_detach(f.d->dev) == UIOMMU_E_BUSY);
    }
    CHECK(c, uiommu_unit_stop(c->b.unit) == UIOMMU_E_BUSY);
}

/* Requests of an unanswered group keep the interface from having stopped. */
static void detach_waits(struct conf *c)
{
    struct model_endpoint_knobs knobs;
    struct uiommu_device_config config;
    struct conf_device *d;

    if (!conf_up(c)) {
        return;
    }
    d = conf_device_plan(c, NULL, &config);
    if (d == NULL || !CHECK(c, uiommu_device_attach(c->b.unit, &config, &d->dev) == UIOMMU_OK)) {
        return;
    }
    memset(&knobs, 0, sizeof(knobs));
    knobs.pri_never_stops = true;
    conf_knobs(d, &knobs);
    CHECK(c, uiommu_device_detach(d->dev) == UIOMMU_PENDING);
    conf_run(c, BENCH_MS);
    CHECK(c, uiommu_device_detach(d->dev) == UIOMMU_PENDING);
    /* The end of the test makes it honest, and detaches. */
}

/* Without page requests: translations only, and a fault is an event. */
static void without_pri(struct conf *c)
{
    static const struct conf_how how = {.flags = UIOMMU_DEVICE_PASID | UIOMMU_DEVICE_ATS};
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
    CHECK(c, bench_map(&c->b, f.a->tables, CONF_VA, UIOMMU_READ) != NULL);
    CHECK(c, conf_access(f.d, f.pasid, CONF_VA, MODEL_READ));
    CHECK(c, !conf_access(f.d, f.pasid, CONF_VA, MODEL_WRITE));
    /* It asks all the same: hardware may answer by itself, software answers once at most. */
    conf_ask(f.d, f.pasid, CONF_VA + 4096, 1);
    conf_run(c, BENCH_MS);
    CHECK(c, f.a->calls == 0);
    CHECK(c, conf_counts(f.d).success == 0 && c->b.vendor->answers(&c->b) <= 1);
    c->ignored = conf_counts(f.d).ignored;
    CHECK(c, conf_unbind(c, f.bond, UIOMMU_UNBIND_STOPPED) == UIOMMU_OK);
    CHECK(c, !conf_access(f.d, f.pasid, CONF_VA, MODEL_READ));
}

/* Plain DMA, no device TLB at all. */
static void without_ats(struct conf *c)
{
    static const struct conf_how how = {.flags = UIOMMU_DEVICE_PASID};
    struct uiommu_event event;
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
    CHECK(c, bench_map(&c->b, f.a->tables, CONF_VA, UIOMMU_READ) != NULL);
    CHECK(c, conf_access(f.d, f.pasid, CONF_VA, MODEL_READ));
    CHECK(c, !conf_access(f.d, f.pasid, CONF_VA + 4096, MODEL_READ));
    conf_run(c, BENCH_MS);
    if (CHECK(c, uiommu_unit_next_event(c->b.unit, &event) == UIOMMU_OK)) {
        CHECK(c, event.device == f.d->dev && event.device_user == f.d);
        CHECK(c, event.pasid == f.pasid);
        CHECK(c, c->b.features.events_vague || event.kind == UIOMMU_EVENT_TRANSLATION);
        CHECK(c, c->b.features.events_vague || event.address >> 12 == (CONF_VA + 4096) >> 12);
    }
    CHECK(c, conf_unbind(c, f.bond, UIOMMU_UNBIND_STOPPED) == UIOMMU_OK);
    CHECK(c, !bench_uses_tables(&c->b, f.a->tables));
}

/* A fresh device reaches nothing. */
static void blocked_at_first(struct conf *c)
{
    struct conf_device *d;

    if (!conf_up(c)) {
        return;
    }
    d = conf_device_make(c, NULL);
    if (d == NULL) {
        return;
    }
    CHECK(c, !conf_access(d, UIOMMU_PASID_NONE, CONF_VA, MODEL_WRITE));
    CHECK(c, !c->b.vendor->reaches(&c->b, d->id, UIOMMU_PASID_NONE));
    if (!c->b.features.untagged) {
        CHECK(c, !conf_access(d, 5, CONF_VA, MODEL_READ));
        CHECK(c, !c->b.vendor->reaches(&c->b, d->id, 5));
    }
}

/* A device that could be neither attached nor shut out is still known to the unit, and with it the
 * port that it was to use. */
static void port_of_a_failed_attach(struct conf *c)
{
    struct uiommu_device_config config;
    struct conf_device *d;

    if (!conf_up(c)) {
        return;
    }
    d = conf_device_plan(c, NULL, &config);
    if (d == NULL) {
        return;
    }
    c->b.vendor->hang(&c->b, true);
    CHECK(c, uiommu_device_attach(c->b.unit, &config, &d->dev) != UIOMMU_OK);
    CHECK(c, uiommu_port_destroy(d->port) == UIOMMU_E_BUSY);
    c->b.vendor->hang(&c->b, false);
    CHECK(c, uiommu_unit_restart(c->b.unit) == UIOMMU_OK);
    CHECK(c, uiommu_port_destroy(d->port) == UIOMMU_OK);
    d->port = NULL;
    config.port = NULL;
    CHECK(c, uiommu_device_attach(c->b.unit, &config, &d->dev) == UIOMMU_E_INVALID);
}

static const struct conf_test tests[] = {
    {"R19 devices: several IDs, each answer goes where its request came from", several_ids},
    {"R19 I15 devices: teardown covers every ID", teardown_of_all_ids},
    {"I18 devices: attached and detached again and again", attach_again},
    {"I18 devices: no detach while a bond exists", detach_with_bond},
    {"I9 R20 devices: detach waits until page requests have stopped", detach_waits},
    {"I24 devices: ATS without page requests", without_pri},
    {"I24 devices: neither ATS nor page requests; a fault is an event", without_ats},
    {"I15 devices: a fresh device reaches nothing", blocked_at_first},
    {"I18 devices: a port stays until a device that was not shut out has gone",
     port_of_a_failed_attach},
};
const struct conf_theme conf_devices_theme = {"devices", tests, sizeof(tests) / sizeof(tests[0])};
