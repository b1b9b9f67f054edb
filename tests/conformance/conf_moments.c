/* SPDX-License-Identifier: BSD-2-Clause */
#include "conf_themes.h"

/*
 * One thing happens in the middle of another: at the first moments of a call, and at moments ever
 * further apart. Whatever the two are, groups are answered once or not at all, no request reaches
 * the next owner, and the bond ends.
 */

#define ROUNDS 18u

typedef void beside_fn(struct bench *b, void *arg);
typedef void call_fn(struct conf *c, const struct conf_flow *f);

/* ---- what happens beside ---- */

static void respond(struct bench *b, void *arg)
{
    struct conf *c = arg;
    uiommu_err err = uiommu_group_respond(b->unit, c->at_group, UIOMMU_CODE_SUCCESS);

    CHECK(c, err == UIOMMU_OK || err == UIOMMU_E_STALE);
    CHECK(c, uiommu_group_respond(b->unit, c->at_group, UIOMMU_CODE_INVALID) == UIOMMU_E_STALE);
    c->counter++;
}

static void reset(struct bench *b, void *arg)
{
    struct conf *c = arg;

    (void)b;
    CHECK(c, uiommu_device_reset_begin(c->at_device->dev) == UIOMMU_OK);
    model_endpoint_reset(c->at_device->ep);
    c->counter++;
}

static void begin(struct bench *b, void *arg)
{
    struct conf *c = arg;

    CHECK(c, uiommu_unbind_begin(b->u, c->at_bond, UIOMMU_UNBIND_ABORT) == UIOMMU_OK);
    c->counter++;
}

static void stopped(struct bench *b, void *arg)
{
    struct conf *c = arg;
    uiommu_err err = uiommu_bond_stopped(b->u, c->at_bond);

    CHECK(c, err == UIOMMU_OK || err == UIOMMU_E_STALE);
    c->counter++;
}

static void invalidate(struct bench *b, void *arg)
{
    struct conf *c = arg;

    (void)b;
    CHECK(c,
          uiommu_aspace_invalidate(c->at_space->as, CONF_VA, CONF_VA + 4095, false) == UIOMMU_OK);
    c->counter++;
}

static void overflow(struct bench *b, void *arg)
{
    struct conf *c = arg;

    b->vendor->overflow(b);
    c->counter++;
}

/* ---- in the middle of what ---- */

static void graceful(struct conf *c, const struct conf_flow *f)
{
    c->err = conf_unbind(c, f->bond, 0);
}

static void abrupt(struct conf *c, const struct conf_flow *f)
{
    c->err = conf_unbind(c, f->bond, UIOMMU_UNBIND_ABORT | UIOMMU_UNBIND_STOPPED);
}

static void service(struct conf *c, const struct conf_flow *f)
{
    (void)f;
    conf_run(c, 60 * BENCH_US);
    c->err = UIOMMU_OK;
}

static void resetting(struct conf *c, const struct conf_flow *f)
{
    c->err = conf_reset(c, f->d);
}

/* ---- one round ---- */

/* A group with its handler, an open one, one in the ring. */
static void fill(struct conf *c, const struct conf_flow *f, struct conf_space *now)
{
    now->answer = UIOMMU_CODE_PENDING;
    now->calls = 0;
    conf_ask(f->d, f->pasid, CONF_VA, 1);
    conf_run(c, BENCH_MS / 2);
    CHECK(c, now->calls == 1);
    c->at_group = now->seen[0].ref;
    now->answer = UIOMMU_CODE_INVALID;
    conf_send(f->d, f->pasid, CONF_VA, 2, false);
    conf_ask(f->d, f->pasid, CONF_VA, 3);
    bench_arrive(&c->b);
}

static void finish(struct conf *c, const struct conf_flow *f)
{
    uiommu_err err;

    if (uiommu_device_get_state(f->d->dev) == UIOMMU_DEVICE_RESETTING) {
        CHECK(c, conf_reset(c, f->d) == UIOMMU_OK);
    }
    err = conf_unbind(c, f->bond, UIOMMU_UNBIND_ABORT | UIOMMU_UNBIND_STOPPED);
    if (err == UIOMMU_E_POISONED) {
        CHECK(c, conf_reset(c, f->d) == UIOMMU_OK);
    } else {
        CHECK(c, err == UIOMMU_OK);
    }
    CHECK(c, conf_wait_state(c, f->bond, UIOMMU_BOND_FREE));
    CHECK(c, !c->b.vendor->reaches(&c->b, f->d->id, f->pasid));
    CHECK(c, conf_port(f->d).outstanding == 0);
}

static void moments(struct conf *c, call_fn *call, beside_fn *beside)
{
    struct conf_flow f;
    uint32_t n;

    c->b.config.violations = UINT32_MAX;
    if (!conf_flow_up(c, &f)) {
        return;
    }
    c->at_device = f.d;
    for (n = 0; n < ROUNDS && !conf_failed(c); n++) {
        struct conf_space *now = (n & 1) == 0 ? f.a : f.b;
        struct conf_space *other = (n & 1) == 0 ? f.b : f.a;

        if (n > 0 && !conf_rebind(c, f.d, now, f.pasid, &f.bond)) {
            return;
        }
        fill(c, &f, now);
        other->calls = 0;
        c->at_bond = f.bond;
        c->at_space = now;
        bench_interrupt(&c->b, n * n + n / 2, beside, c);
        call(c, &f);
        c->b.interrupt = NULL;
        CHECK(c, c->err == UIOMMU_OK || c->err == UIOMMU_E_POISONED || c->err == UIOMMU_PENDING ||
                     c->err == UIOMMU_E_STATE);
        finish(c, &f);
        CHECK(c, other->calls == 0);
    }
    CHECK(c, c->counter >= ROUNDS / 3);
    c->no_balance =
        true; /* Resets and overflows: what got no answer differs from round to round. */
}

/* Commands are over before anybody asks. */
static void slowly(struct bench *b, void *arg)
{
    struct conf *c = arg;

    bench_advance(b, BENCH_US);
    bench_interrupt(b, 0, slowly, c);
}

/* The service's thread loses the processor; meanwhile a request leaves that will be late, and the
 * device is reset. */
static void descheduled(struct bench *b, void *arg)
{
    struct conf *c = arg;

    bench_advance(b, 3 * BENCH_SETTLE);
    conf_ask(c->at_device, (uint32_t)c->sample, CONF_VA, 4);
    reset(b, c);
    CHECK(c, uiommu_device_reset_end(c->at_device->dev) == UIOMMU_PENDING);
    bench_interrupt(b, 0, slowly, c);
}

/* What is timed from the beginning of a round would be over before it began. */
static void settle_time(struct conf *c)
{
    struct conf_flow f;
    uint32_t n;

    if (!conf_flow_up(c, &f)) {
        return;
    }
    c->at_device = f.d;
    c->sample = f.pasid;
    bench_fabric(&c->b, 100, BENCH_US, 1000, BENCH_LATE);
    for (n = 1; n < ROUNDS && !conf_failed(c); n++) {
        bench_interrupt(&c->b, n, descheduled, c);
        CHECK(c, uiommu_unit_service(c->b.unit, 0) != UIOMMU_E_STATE);
        c->b.interrupt = NULL;
        if (uiommu_device_get_state(f.d->dev) == UIOMMU_DEVICE_RESETTING) {
            CHECK(c, conf_reset(c, f.d) == UIOMMU_OK);
        }
        conf_run(c, BENCH_MS);
    }
    CHECK(c, c->counter > 0);
    CHECK(c, f.a->calls == 0);
    c->no_balance = true; /* What was sent before a reset gets no answer. */
}

#define MOMENT(call, beside)                                                                       \
    static void call##_##beside(struct conf *c)                                                    \
    {                                                                                              \
        moments(c, call, beside);                                                                  \
    }

MOMENT(graceful, respond)
MOMENT(graceful, reset)
MOMENT(graceful, begin)
MOMENT(graceful, stopped)
MOMENT(graceful, invalidate)
MOMENT(graceful, overflow)
MOMENT(abrupt, respond)
MOMENT(abrupt, reset)
MOMENT(abrupt, overflow)
MOMENT(service, respond)
MOMENT(service, reset)
MOMENT(service, begin)
MOMENT(service, invalidate)
MOMENT(resetting, respond)
MOMENT(resetting, begin)
MOMENT(resetting, reset)

static const struct conf_test tests[] = {
    {"I3 R26 moments: an answer in the middle of a graceful unbind", graceful_respond},
    {"I19 R33 moments: a reset in the middle of a graceful unbind", graceful_reset},
    {"I18 R10 moments: an abort in the middle of a graceful unbind", graceful_begin},
    {"R4 moments: the driver's word in the middle of a graceful unbind", graceful_stopped},
    {"R13 moments: an invalidation in the middle of a graceful unbind", graceful_invalidate},
    {"R29 moments: an overflow in the middle of a graceful unbind", graceful_overflow},
    {"I3 R26 moments: an answer in the middle of an abort", abrupt_respond},
    {"I19 R33 moments: a reset in the middle of an abort", abrupt_reset},
    {"R29 moments: an overflow in the middle of an abort", abrupt_overflow},
    {"I3 R26 moments: an answer in the middle of service", service_respond},
    {"I19 R33 moments: a reset in the middle of service", service_reset},
    {"R14 moments: an unbind begun in the middle of service", service_begin},
    {"R13 moments: an invalidation in the middle of service", service_invalidate},
    {"R33 L41 moments: an answer in the middle of a reset", resetting_respond},
    {"R33 R5 moments: a reset's settle time begins when its barrier has ended", settle_time},
    {"R33 I18 moments: an unbind begun in the middle of a reset", resetting_begin},
    {"R33 L42 moments: a reset in the middle of a reset", resetting_reset},
};
const struct conf_theme conf_moments_theme = {"moments", tests, sizeof(tests) / sizeof(tests[0])};
