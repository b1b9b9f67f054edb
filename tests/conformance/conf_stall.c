/* SPDX-License-Identifier: BSD-2-Clause */
#include "conf_themes.h"

/* Stalled transactions: a second transport into the same dispatch. */

#define PLATFORM (UIOMMU_DEVICE_PASID | UIOMMU_DEVICE_STALL)

static uint8_t bytes[8][64];

static bool stall_up(struct conf *c, struct conf_flow *f)
{
    static const struct conf_how how = {.flags = PLATFORM};

    memset(f, 0, sizeof(*f));
    if (!conf_needs(c, c->b.features.stalls, "this hardware has no stalls") || !conf_up(c)) {
        return false;
    }
    f->d = conf_device_make(c, &how);
    f->a = conf_space_make(c);
    f->b = conf_space_make(c);
    f->pasid = conf_pasid(c);
    return !conf_failed(c) && conf_bind(c, f->d, f->a, f->pasid, &f->bond);
}

static int job_start(struct conf_flow *f, uint32_t i, uint32_t access)
{
    struct model_job job;

    memset(&job, 0, sizeof(job));
    job.pasid = f->pasid;
    job.address = CONF_VA + UINT64_C(0x10000) * i;
    job.access = access;
    job.buffer = bytes[i];
    job.bytes = sizeof(bytes[i]);
    return model_endpoint_start(f->d->ep, &job);
}

static enum model_job_state job_state(struct conf_flow *f, int number)
{
    struct model_job_status status;

    model_endpoint_job(f->d->ep, number, &status);
    return status.state;
}

static void resumed(struct conf *c)
{
    struct conf_flow f;
    int job;

    if (!stall_up(c, &f)) {
        return;
    }
    job = job_start(&f, 0, MODEL_WRITE);
    conf_run(c, BENCH_MS);
    CHECK(c, f.a->calls == 1 && f.a->seen[0].stall && f.a->seen[0].pages == 1);
    CHECK(c, (f.a->seen[0].access & UIOMMU_WRITE) != 0 && f.a->seen[0].first == CONF_VA);
    CHECK(c, job_state(&f, job) == MODEL_JOB_DONE);
    CHECK(c, c->b.vendor->stalls_owed(&c->b) == 0);
    CHECK(c, conf_unit(c).success == 1);
}

static void terminated(struct conf *c)
{
    struct conf_flow f;
    int job;

    if (!stall_up(c, &f)) {
        return;
    }
    f.a->answer = UIOMMU_CODE_INVALID;
    job = job_start(&f, 0, MODEL_READ);
    conf_run(c, BENCH_MS);
    CHECK(c, f.a->calls == 1 && job_state(&f, job) == MODEL_JOB_FAILED);
    CHECK(c, c->b.vendor->stalls_owed(&c->b) == 0 && conf_unit(c).invalid == 1);
}

static void pending(struct conf *c)
{
    struct conf_flow f;
    int job[2];

    if (!stall_up(c, &f)) {
        return;
    }
    f.a->answer = UIOMMU_CODE_PENDING;
    job[0] = job_start(&f, 0, MODEL_READ);
    job[1] = job_start(&f, 1, MODEL_READ);
    conf_run(c, BENCH_MS);
    if (!CHECK(c, f.a->calls == 2)) {
        return;
    }
    f.a->answer = UIOMMU_CODE_SUCCESS;
    CHECK(c, bench_map(&c->b, f.a->tables, CONF_VA + 0x10000, UIOMMU_READ) != NULL);
    CHECK(c, bench_map(&c->b, f.a->tables, CONF_VA, UIOMMU_READ) != NULL);
    CHECK(c, conf_respond(c, f.a->seen[1].ref, UIOMMU_CODE_SUCCESS) == UIOMMU_OK);
    CHECK(c, conf_respond(c, f.a->seen[1].ref, UIOMMU_CODE_SUCCESS) == UIOMMU_E_STALE);
    CHECK(c, conf_respond(c, f.a->seen[0].ref, UIOMMU_CODE_SUCCESS) == UIOMMU_OK);
    conf_run(c, BENCH_MS);
    CHECK(c, job_state(&f, job[0]) == MODEL_JOB_DONE);
    CHECK(c, job_state(&f, job[1]) == MODEL_JOB_DONE);
}

static void unbind_with_stalls(struct conf *c)
{
    struct conf_flow f;
    int job[4];
    uint32_t i;

    if (!stall_up(c, &f)) {
        return;
    }
    f.a->answer = UIOMMU_CODE_PENDING;
    for (i = 0; i < 3; i++) {
        job[i] = job_start(&f, i, MODEL_READ);
    }
    conf_run(c, BENCH_MS);
    job[3] = job_start(&f, 3, MODEL_READ); /* In the ring when it begins. */
    bench_arrive(&c->b);
    CHECK(c, conf_unbind(c, f.bond, UIOMMU_UNBIND_STOPPED | UIOMMU_UNBIND_ABORT) == UIOMMU_OK);
    conf_run(c, BENCH_MS);
    CHECK(c, c->b.vendor->stalls_owed(&c->b) == 0);
    CHECK(c, f.a->calls == 3 && f.a->orphans[UIOMMU_ORPHAN_UNBOUND] == 3);
    for (i = 0; i < 4; i++) {
        CHECK(c, job_state(&f, job[i]) == MODEL_JOB_FAILED);
    }
    CHECK(c, conf_rebind(c, f.d, f.b, f.pasid, &f.bond) && f.b->calls == 0);
}

static void exit_with_stalls(struct conf *c)
{
    struct conf_flow f;
    int job[2];

    if (!stall_up(c, &f)) {
        return;
    }
    f.a->answer = UIOMMU_CODE_PENDING;
    job[0] = job_start(&f, 0, MODEL_READ);
    conf_run(c, BENCH_MS);
    job[1] = job_start(&f, 1, MODEL_WRITE);
    bench_arrive(&c->b);
    CHECK(c, uiommu_aspace_exit(f.a->as) == UIOMMU_OK);
    CHECK(c, conf_respond(c, f.a->seen[0].ref, UIOMMU_CODE_SUCCESS) == UIOMMU_E_DEAD);
    CHECK(c, conf_reap(c, f.a) == UIOMMU_OK);
    conf_run(c, BENCH_MS);
    CHECK(c, f.a->calls == 1 && c->b.vendor->stalls_owed(&c->b) == 0);
    CHECK(c, job_state(&f, job[0]) != MODEL_JOB_DONE);
    CHECK(c, job_state(&f, job[1]) != MODEL_JOB_DONE);
    CHECK(c, !bench_uses_tables(&c->b, f.a->tables));
}

/* More stalls than slots: those that find none are terminated, each once. */
static void beyond_the_slots(struct conf *c)
{
    struct conf_flow f;
    int job[8];
    uint32_t i, failed = 0;

    c->b.config.stalls = 4;
    if (!stall_up(c, &f)) {
        return;
    }
    f.a->answer = UIOMMU_CODE_PENDING;
    for (i = 0; i < 8; i++) {
        job[i] = job_start(&f, i, MODEL_READ);
    }
    conf_run(c, BENCH_MS);
    CHECK(c, f.a->calls == 4 && c->b.vendor->stalls_owed(&c->b) == 4);
    for (i = 0; i < f.a->calls; i++) {
        CHECK(c, conf_respond(c, f.a->seen[i].ref, UIOMMU_CODE_INVALID) == UIOMMU_OK);
    }
    conf_run(c, BENCH_MS);
    for (i = 0; i < 8; i++) {
        failed += job_state(&f, job[i]) == MODEL_JOB_FAILED;
    }
    CHECK(c, failed == 8 && c->b.vendor->stalls_owed(&c->b) == 0);
}

static void reset_with_stalls(struct conf *c)
{
    struct conf_flow f;

    if (!stall_up(c, &f)) {
        return;
    }
    f.a->answer = UIOMMU_CODE_PENDING;
    (void)job_start(&f, 0, MODEL_READ);
    (void)job_start(&f, 1, MODEL_READ);
    conf_run(c, BENCH_MS);
    CHECK(c, f.a->calls == 2);
    CHECK(c, conf_reset(c, f.d) == UIOMMU_OK);
    conf_run(c, BENCH_MS);
    CHECK(c, f.a->orphans[UIOMMU_ORPHAN_RESET] == 2);
    CHECK(c, conf_respond(c, f.a->seen[0].ref, UIOMMU_CODE_SUCCESS) == UIOMMU_E_STALE);
    /* The IOMMU still holds them: every stall is ended once, whatever became of its device. */
    CHECK(c, c->b.vendor->stalls_owed(&c->b) == 0);
}

/* Page requests and stalls of two devices on one unit. */
static void beside_page_requests(struct conf *c)
{
    struct uiommu_bond_ref other;
    struct conf_device *e;
    struct conf_flow f;
    int job;

    if (!stall_up(c, &f)) {
        return;
    }
    e = conf_device_make(c, NULL);
    if (e == NULL || !conf_bind(c, e, f.a, f.pasid, &other)) {
        return;
    }
    job = job_start(&f, 0, MODEL_READ);
    conf_ask(e, f.pasid, CONF_VA + 0x40000, 0);
    conf_run(c, BENCH_MS);
    CHECK(c, f.a->calls == 2 && job_state(&f, job) == MODEL_JOB_DONE);
    CHECK(c, conf_answer(e, 0) == UIOMMU_CODE_SUCCESS);
}

static const struct conf_test tests[] = {
    {"I22 stall: SUCCESS tries again and gets through", resumed},
    {"I22 stall: INVALID terminates", terminated},
    {"I22 I3 stall: PENDING, answered out of order, once each", pending},
    {"I22 R27 L27 stall: unbind ends every stall exactly once", unbind_with_stalls},
    {"I22 R11 L27 stall: exit ends every stall exactly once", exit_with_stalls},
    {"I22 I8 stall: more stalls than slots", beyond_the_slots},
    {"I22 I19 stall: a reset leaves none behind", reset_with_stalls},
    {"I22 I24 stall: beside page requests on one unit", beside_page_requests},
};
const struct conf_theme conf_stall_theme = {"stall", tests, sizeof(tests) / sizeof(tests[0])};
