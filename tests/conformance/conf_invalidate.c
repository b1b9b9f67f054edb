/* SPDX-License-Identifier: BSD-2-Clause */
#include "conf_themes.h"

/* Ranges of a living address space: what was unmapped is not used any more. */

#define PAGES 8u

static bool map_all(struct conf *c, const struct conf_flow *f)
{
    uint32_t i;

    for (i = 0; i < PAGES; i++) {
        CHECK(c, bench_map(&c->b, f->a->tables, CONF_VA + 4096 * i, UIOMMU_READ | UIOMMU_WRITE) !=
                     NULL);
        CHECK(c, conf_access(f->d, f->pasid, CONF_VA + 4096 * i, MODEL_READ));
    }
    return !conf_failed(c);
}

/* A stale entry is really used before, and refused after. */
static void stale_entry(struct conf *c)
{
    struct conf_flow f;

    if (!conf_flow_up(c, &f) || !map_all(c, &f)) {
        return;
    }
    bench_unmap(&c->b, f.a->tables, CONF_VA + 4096);
    bench_unmap(&c->b, f.a->tables, CONF_VA + 2 * 4096);
    CHECK(c, conf_access(f.d, f.pasid, CONF_VA + 4096, MODEL_READ));
    CHECK(c, uiommu_aspace_invalidate(f.a->as, CONF_VA + 4096, CONF_VA + 3 * 4096 - 1, false) ==
                 UIOMMU_OK);
    CHECK(c, !conf_access(f.d, f.pasid, CONF_VA + 4096, MODEL_READ));
    CHECK(c, !conf_access(f.d, f.pasid, CONF_VA + 2 * 4096, MODEL_READ));
    CHECK(c, conf_access(f.d, f.pasid, CONF_VA, MODEL_READ));
    CHECK(c, conf_access(f.d, f.pasid, CONF_VA + 3 * 4096, MODEL_READ));
}

/* All devices that share the space, with and without device TLB. */
static void every_device(struct conf *c)
{
    static const struct conf_how plain = {.flags = UIOMMU_DEVICE_PASID};
    struct uiommu_bond_ref bond;
    struct conf_device *e, *g;
    struct conf_flow f;

    if (!conf_flow_up(c, &f) || !map_all(c, &f)) {
        return;
    }
    e = conf_device_make(c, NULL);
    g = conf_device_make(c, &plain);
    if (e == NULL || g == NULL || !conf_bind(c, e, f.a, f.pasid, &bond) ||
        !conf_bind(c, g, f.a, f.pasid, &bond)) {
        return;
    }
    CHECK(c, conf_access(e, f.pasid, CONF_VA, MODEL_READ));
    CHECK(c, conf_access(g, f.pasid, CONF_VA, MODEL_READ));
    bench_unmap(&c->b, f.a->tables, CONF_VA);
    CHECK(c, uiommu_aspace_invalidate(f.a->as, CONF_VA, CONF_VA + 4095, false) == UIOMMU_OK);
    CHECK(c, !conf_access(f.d, f.pasid, CONF_VA, MODEL_READ));
    CHECK(c, !conf_access(e, f.pasid, CONF_VA, MODEL_READ));
    CHECK(c, !conf_access(g, f.pasid, CONF_VA, MODEL_READ));
}

/* From 0 to the end of all addresses. */
static void everything(struct conf *c)
{
    struct conf_flow f;
    uint32_t i;

    if (!conf_flow_up(c, &f) || !map_all(c, &f)) {
        return;
    }
    for (i = 0; i < PAGES; i++) {
        bench_unmap(&c->b, f.a->tables, CONF_VA + 4096 * i);
    }
    CHECK(c, uiommu_aspace_invalidate(f.a->as, 0, UINT64_MAX, true) == UIOMMU_OK);
    for (i = 0; i < PAGES; i++) {
        CHECK(c, !conf_access(f.d, f.pasid, CONF_VA + 4096 * i, MODEL_READ));
    }
}

static void odd_ranges(struct conf *c)
{
    static const uint64_t range[6][2] = {
        {CONF_VA + 1, CONF_VA + 1},
        {CONF_VA, CONF_VA + 7 * 4096 - 1},
        {CONF_VA - 4096, CONF_VA + 4 * 4096 + 17},
        {CONF_VA + 5 * 4096 + 4095, CONF_VA + 6 * 4096},
        {0, CONF_VA},
        {CONF_VA + 7 * 4096, UINT64_MAX},
    };
    struct conf_flow f;
    uint32_t i, k;

    if (!conf_flow_up(c, &f)) {
        return;
    }
    for (i = 0; i < 6 && !conf_failed(c); i++) {
        if (!map_all(c, &f)) {
            return;
        }
        for (k = 0; k < PAGES; k++) {
            uint64_t va = CONF_VA + 4096 * k;

            if (va + 4095 >= range[i][0] && va <= range[i][1]) {
                bench_unmap(&c->b, f.a->tables, va);
            }
        }
        CHECK(c, uiommu_aspace_invalidate(f.a->as, range[i][0], range[i][1], false) == UIOMMU_OK);
        for (k = 0; k < PAGES; k++) {
            uint64_t va = CONF_VA + 4096 * k;
            bool gone = va + 4095 >= range[i][0] && va <= range[i][1];

            CHECK(c, conf_access(f.d, f.pasid, va, MODEL_READ) == !gone);
        }
    }
}

static void wrong_calls(struct conf *c)
{
    struct conf_flow f;

    if (!conf_flow_up(c, &f)) {
        return;
    }
    CHECK(c, uiommu_aspace_invalidate(f.a->as, 5, 4, false) == UIOMMU_E_INVALID);
    CHECK(c, uiommu_aspace_invalidate(f.b->as, 0, 4095, false) == UIOMMU_OK);
    CHECK(c, uiommu_aspace_exit(f.a->as) == UIOMMU_OK);
    CHECK(c, uiommu_aspace_invalidate(f.a->as, 0, 4095, false) == UIOMMU_OK);
}

static void hung(struct conf *c)
{
    struct conf_flow f;

    if (!conf_flow_up(c, &f) || !map_all(c, &f)) {
        return;
    }
    bench_unmap(&c->b, f.a->tables, CONF_VA);
    c->b.vendor->hang(&c->b, true);
    c->sample = bench_now(&c->b);
    CHECK(c,
          uiommu_aspace_invalidate(f.a->as, CONF_VA, CONF_VA + 4095, false) == UIOMMU_E_WITHHELD);
    CHECK(c, bench_now(&c->b) - c->sample < 8 * BENCH_COMMAND);
}

static void lost_once(struct conf *c)
{
    struct conf_flow f;
    uiommu_err err;

    if (!conf_flow_up(c, &f) || !map_all(c, &f)) {
        return;
    }
    bench_unmap(&c->b, f.a->tables, CONF_VA);
    c->b.vendor->lose_invalidations(&c->b, 1);
    err = uiommu_aspace_invalidate(f.a->as, CONF_VA, CONF_VA + 4095, false);
    CHECK(c, err == UIOMMU_OK || err == UIOMMU_E_WITHHELD);
    CHECK(c, err != UIOMMU_OK || !conf_access(f.d, f.pasid, CONF_VA, MODEL_READ));
}

/* One device of two never answers: it pays, the other goes on. */
static void never_answered(struct conf *c)
{
    struct model_endpoint_knobs knobs;
    struct uiommu_bond_ref other;
    struct conf_device *e;
    struct conf_flow f;

    if (!conf_flow_up(c, &f) || !map_all(c, &f)) {
        return;
    }
    e = conf_device_make(c, NULL);
    if (e == NULL || !conf_bind(c, e, f.a, f.pasid, &other)) {
        return;
    }
    CHECK(c, conf_access(e, f.pasid, CONF_VA, MODEL_READ));
    memset(&knobs, 0, sizeof(knobs));
    knobs.ignore_invalidations = true;
    conf_knobs(f.d, &knobs);
    bench_unmap(&c->b, f.a->tables, CONF_VA);
    CHECK(c,
          uiommu_aspace_invalidate(f.a->as, CONF_VA, CONF_VA + 4095, false) == UIOMMU_E_WITHHELD);
    CHECK(c, !conf_access(e, f.pasid, CONF_VA, MODEL_READ));
    CHECK(c, conf_access(e, f.pasid, CONF_VA + 4096, MODEL_READ));
    CHECK(c, uiommu_device_get_state(e->dev) == UIOMMU_DEVICE_NORMAL);
    CHECK(c, conf_state(c, other) == UIOMMU_BOND_LIVE);
    CHECK(c, uiommu_device_get_state(f.d->dev) == UIOMMU_DEVICE_ISOLATED ||
                 conf_state(c, f.bond) != UIOMMU_BOND_LIVE);
}

static void call_invalidate(struct conf *c, struct conf_space *s, const struct uiommu_group *g)
{
    (void)g;
    CHECK(c, uiommu_aspace_invalidate(s->as, CONF_VA, CONF_VA + 4095, false) == UIOMMU_OK);
}

static void in_handler(struct conf *c)
{
    struct conf_flow f;

    if (!conf_flow_up(c, &f)) {
        return;
    }
    f.a->on_fault = call_invalidate;
    conf_ask(f.d, f.pasid, CONF_VA + 8192, 1);
    conf_run(c, BENCH_MS);
    CHECK(c, f.a->calls == 1 && conf_answer(f.d, 1) == UIOMMU_CODE_SUCCESS);
}

static void lose_and_invalidate(struct conf *c, struct conf_space *s, const struct uiommu_group *g)
{
    (void)g;
    bench_unmap(&c->b, s->tables, CONF_VA);
    c->b.vendor->lose_invalidations(&c->b, 1);
    c->err = uiommu_aspace_invalidate(s->as, CONF_VA, CONF_VA + 4095, false);
    c->sample = conf_access(c->at_device, c->counter, CONF_VA, MODEL_READ);
}

/* The waiter is a handler: it sees the failure itself, no service is needed for that. */
static void fails_in_handler(struct conf *c)
{
    struct conf_flow f;

    if (!conf_flow_up(c, &f) || !map_all(c, &f)) {
        return;
    }
    c->at_device = f.d;
    c->counter = f.pasid;
    f.a->on_fault = lose_and_invalidate;
    conf_ask(f.d, f.pasid, CONF_VA + 0x100000, 1);
    conf_run(c, 4 * BENCH_MS);
    CHECK(c, f.a->calls == 1 && (c->err == UIOMMU_OK || c->err == UIOMMU_E_WITHHELD));
    CHECK(c, c->err != UIOMMU_OK || c->sample == 0);
    CHECK(c, conf_unit(c).command_errors >= 1);
}

static void interrupt_invalidate(struct bench *b, void *arg)
{
    struct conf *c = arg;

    (void)b;
    bench_unmap(&c->b, c->at_space->tables, CONF_VA);
    c->err = uiommu_aspace_invalidate(c->at_space->as, CONF_VA, CONF_VA + 4095, false);
    CHECK(c, c->err == UIOMMU_OK);
    CHECK(c, !conf_access(c->at_device, c->counter, CONF_VA, MODEL_READ));
    c->sample++;
}

/* At many moments of a bind: either the new bond is covered, or it is not there yet. */
static void beside_bind(struct conf *c)
{
    struct uiommu_bond_ref bond;
    struct conf_device *e;
    struct conf_flow f;
    uint32_t i;

    if (!conf_flow_up(c, &f)) {
        return;
    }
    e = conf_device_make(c, NULL);
    c->at_space = f.a;
    c->at_device = e;
    c->counter = f.pasid;
    for (i = 0; i < 16 && e != NULL && !conf_failed(c); i++) {
        CHECK(c, bench_map(&c->b, f.a->tables, CONF_VA, UIOMMU_READ) != NULL);
        bench_interrupt(&c->b, 5 * i, interrupt_invalidate, c);
        CHECK(c, conf_bind(c, e, f.a, f.pasid, &bond));
        c->b.interrupt = NULL;
        CHECK(c, !conf_access(e, f.pasid, CONF_VA, MODEL_READ) || c->sample <= i);
        CHECK(c, conf_unbind(c, bond, UIOMMU_UNBIND_STOPPED) == UIOMMU_OK);
        CHECK(c, conf_wait_state(c, bond, UIOMMU_BOND_FREE));
    }
    CHECK(c, c->sample > 2);
}

static const struct conf_test tests[] = {
    {"R17 L25 invalidate: a stale entry is used before and refused after", stale_entry},
    {"R17 R19 invalidate: on every device of the space", every_device},
    {"R17 L37 invalidate: everything, tables included", everything},
    {"R17 L25 invalidate: odd and large ranges", odd_ranges},
    {"invalidate: wrong calls, empty spaces, dead spaces", wrong_calls},
    {"R12 I21 invalidate: not proved is WITHHELD", hung},
    {"R15 invalidate: a lost device-TLB invalidation is not believed", lost_once},
    {"R15 R12 invalidate: a device that never answers pays, alone", never_answered},
    {"R14 invalidate: legal in a handler", in_handler},
    {"R16 R15 invalidate: a handler that waits sees the failure itself", fails_in_handler},
    {"R13 invalidate: at many moments of a bind", beside_bind},
};
const struct conf_theme conf_invalidate_theme = {"invalidate", tests,
                                                 sizeof(tests) / sizeof(tests[0])};
