/* SPDX-License-Identifier: BSD-2-Clause */
#include "conf_themes.h"

/*
 * Second stages, and a guest's first stage above one: bonds without PASID take the same ways as
 * all others.
 */

#define VA_SPARE (CONF_VA + UINT64_C(0x40000))

static bool has(struct conf *c, enum bench_stage stage)
{
    return stage == BENCH_NESTED ? conf_needs(c, c->b.features.nested, "no nested translation")
                                 : conf_needs(c, c->b.features.second, "no second stage");
}

/* A device and a space of this stage, bound without PASID. */
static bool up(struct conf *c, struct conf_flow *f, enum bench_stage stage)
{
    memset(f, 0, sizeof(*f));
    if (!has(c, stage) || !conf_up(c)) {
        return false;
    }
    f->d = conf_device_make(c, NULL);
    f->a = conf_space_make_of(c, stage);
    f->b = conf_space_make_of(c, stage);
    f->pasid = UIOMMU_PASID_NONE;
    return !conf_failed(c) && conf_bind(c, f->d, f->a, f->pasid, &f->bond);
}

static void works_as(struct conf *c, enum bench_stage stage)
{
    struct conf_flow f;
    uint8_t *page;

    if (!up(c, &f, stage)) {
        return;
    }
    CHECK(c, !conf_access(f.d, f.pasid, CONF_VA, MODEL_READ));
    conf_ask(f.d, f.pasid, CONF_VA, 1);
    conf_run(c, BENCH_MS);
    CHECK(c, f.a->calls == 1 && f.a->seen[0].pasid == UIOMMU_PASID_NONE);
    CHECK(c, conf_answer(f.d, 1) == UIOMMU_CODE_SUCCESS);
    page = bench_map(&c->b, f.a->tables, CONF_VA, UIOMMU_READ | UIOMMU_WRITE);
    CHECK(c, conf_access(f.d, f.pasid, CONF_VA, MODEL_WRITE));
    model_ram_invalidate(c->b.world, page, 8);
    CHECK(c, page != NULL && page[0] == 1 && page[7] == 8);
    CHECK(c, bench_map(&c->b, f.a->tables, VA_SPARE, UIOMMU_READ) != NULL);
    CHECK(c, conf_access(f.d, f.pasid, VA_SPARE, MODEL_READ));
    CHECK(c, !conf_access(f.d, f.pasid, VA_SPARE, MODEL_WRITE));
    CHECK(c, conf_unbind(c, f.bond, 0) == UIOMMU_OK);
    CHECK(c, !conf_access(f.d, f.pasid, CONF_VA, MODEL_READ));
    CHECK(c, !c->b.vendor->reaches(&c->b, f.d->id, f.pasid));
    CHECK(c, !bench_uses_tables(&c->b, f.a->tables));
}

static void second_works(struct conf *c)
{
    works_as(c, BENCH_SECOND);
}

static void nested_works(struct conf *c)
{
    works_as(c, BENCH_NESTED);
}

/* What the device holds goes, in every cache between. */
static void invalidated_as(struct conf *c, enum bench_stage stage)
{
    struct conf_flow f;

    if (!up(c, &f, stage)) {
        return;
    }
    CHECK(c, bench_map(&c->b, f.a->tables, CONF_VA, UIOMMU_READ) != NULL);
    CHECK(c, bench_map(&c->b, f.a->tables, VA_SPARE, UIOMMU_READ) != NULL);
    CHECK(c, conf_access(f.d, f.pasid, CONF_VA, MODEL_READ));
    CHECK(c, conf_access(f.d, f.pasid, VA_SPARE, MODEL_READ));
    bench_unmap(&c->b, f.a->tables, CONF_VA);
    CHECK(c, uiommu_aspace_invalidate(f.a->as, CONF_VA, CONF_VA + 4095, false) == UIOMMU_OK);
    CHECK(c, !conf_access(f.d, f.pasid, CONF_VA, MODEL_READ));
    CHECK(c, conf_access(f.d, f.pasid, VA_SPARE, MODEL_READ));
    bench_unmap(&c->b, f.a->tables, VA_SPARE);
    CHECK(c, uiommu_aspace_invalidate(f.a->as, 0, UINT64_MAX, true) == UIOMMU_OK);
    CHECK(c, !conf_access(f.d, f.pasid, VA_SPARE, MODEL_READ));
}

static void second_invalidated(struct conf *c)
{
    invalidated_as(c, BENCH_SECOND);
}

static void nested_invalidated(struct conf *c)
{
    invalidated_as(c, BENCH_NESTED);
}

/* The host takes a page from under its guest: all that was made through it goes. */
static void under_invalidated(struct conf *c)
{
    struct conf_flow f;
    void *page;
    uint64_t gpa;
    uint32_t i;

    if (!up(c, &f, BENCH_NESTED)) {
        return;
    }
    page = bench_map(&c->b, f.a->tables, CONF_VA, UIOMMU_READ);
    CHECK(c, page != NULL && conf_access(f.d, f.pasid, CONF_VA, MODEL_READ));
    for (i = 0; i < f.a->tables->pieces && f.a->tables->piece[i].cpu != page; i++) {
    }
    gpa = f.a->tables->piece[i].bus + BENCH_GUEST;
    bench_unmap(&c->b, f.a->tables->under, gpa);
    CHECK(c, uiommu_aspace_invalidate(f.a->as, 0, UINT64_MAX, true) == UIOMMU_OK);
    CHECK(c, !conf_access(f.d, f.pasid, CONF_VA, MODEL_READ));
}

/* The space dies with its device running. */
static void dies_as(struct conf *c, enum bench_stage stage)
{
    struct uiommu_bond_ref next;
    struct conf_flow f;

    if (!up(c, &f, stage)) {
        return;
    }
    CHECK(c, bench_map(&c->b, f.a->tables, CONF_VA, UIOMMU_READ) != NULL);
    CHECK(c, conf_access(f.d, f.pasid, CONF_VA, MODEL_READ));
    conf_ask(f.d, f.pasid, VA_SPARE, 1);
    bench_arrive(&c->b);
    CHECK(c, uiommu_aspace_exit(f.a->as) == UIOMMU_OK);
    CHECK(c, !bench_uses_tables(&c->b, f.a->tables));
    CHECK(c, !conf_access(f.d, f.pasid, CONF_VA, MODEL_READ));
    CHECK(c, conf_reap(c, f.a) == UIOMMU_OK);
    CHECK(c, f.a->calls == 0 && conf_answer(f.d, 1) == UIOMMU_CODE_INVALID);
    CHECK(c, conf_rebind(c, f.d, f.b, f.pasid, &next));
    CHECK(c, !conf_access(f.d, f.pasid, CONF_VA, MODEL_READ));
    CHECK(c, bench_map(&c->b, f.b->tables, CONF_VA, UIOMMU_READ) != NULL);
    CHECK(c, conf_access(f.d, f.pasid, CONF_VA, MODEL_READ));
}

static void second_dies(struct conf *c)
{
    dies_as(c, BENCH_SECOND);
}

static void nested_dies(struct conf *c)
{
    dies_as(c, BENCH_NESTED);
}

/* The founding race, under a second stage. */
static void race(struct conf *c)
{
    struct uiommu_bond_ref next;
    struct conf_flow f;

    if (!up(c, &f, BENCH_SECOND)) {
        return;
    }
    bench_fabric(&c->b, 40 * BENCH_US, 50 * BENCH_US, c->b.variant->late ? 1000 : 0, BENCH_LATE);
    conf_ask(f.d, f.pasid, CONF_VA, 1);
    CHECK(c, conf_unbind(c, f.bond, UIOMMU_UNBIND_STOPPED | UIOMMU_UNBIND_ABORT) == UIOMMU_OK);
    CHECK(c, conf_rebind(c, f.d, f.b, f.pasid, &next));
    bench_fabric(&c->b, 100, BENCH_US, 0, 0);
    conf_run(c, 2 * BENCH_MS);
    CHECK(c, f.b->calls == 0);
    CHECK(c, conf_answer(f.d, 1) == UIOMMU_CODE_INVALID);
}

/* First and second stages of one device take turns; beside each other where hardware can. */
static void turns(struct conf *c)
{
    struct uiommu_bond_ref first, second;
    struct conf_flow f;
    struct conf_space *s;
    uiommu_err err;
    uint32_t i;

    if (!has(c, BENCH_SECOND) || !conf_flow_up(c, &f)) {
        return;
    }
    s = conf_space_make_of(c, BENCH_SECOND);
    if (s == NULL) {
        return;
    }
    CHECK(c, bench_map(&c->b, f.a->tables, CONF_VA, UIOMMU_READ) != NULL);
    CHECK(c, bench_map(&c->b, s->tables, VA_SPARE, UIOMMU_READ) != NULL);
    err = conf_try_bind(c, f.d, s, UIOMMU_PASID_NONE, &second);
    CHECK(c, err == (c->b.features.second_alone ? UIOMMU_E_BUSY : UIOMMU_OK));
    if (err == UIOMMU_OK) {
        CHECK(c, conf_access(f.d, UIOMMU_PASID_NONE, VA_SPARE, MODEL_READ));
        CHECK(c, conf_access(f.d, f.pasid, CONF_VA, MODEL_READ));
        CHECK(c, !conf_access(f.d, f.pasid, VA_SPARE, MODEL_READ));
        CHECK(c, conf_unbind(c, second, 0) == UIOMMU_OK);
    }
    CHECK(c, conf_access(f.d, f.pasid, CONF_VA, MODEL_READ));
    CHECK(c, conf_unbind(c, f.bond, 0) == UIOMMU_OK);
    for (i = 0; i < 3 && !conf_failed(c); i++) {
        if (!conf_rebind(c, f.d, s, UIOMMU_PASID_NONE, &second)) {
            return;
        }
        CHECK(c, conf_access(f.d, UIOMMU_PASID_NONE, VA_SPARE, MODEL_READ));
        CHECK(c, !conf_access(f.d, f.pasid, CONF_VA, MODEL_READ));
        CHECK(c, conf_unbind(c, second, 0) == UIOMMU_OK);
        CHECK(c, !conf_access(f.d, UIOMMU_PASID_NONE, VA_SPARE, MODEL_READ));
        if (!conf_rebind(c, f.d, f.a, f.pasid, &first)) {
            return;
        }
        CHECK(c, conf_access(f.d, f.pasid, CONF_VA, MODEL_READ));
        CHECK(c, conf_unbind(c, first, 0) == UIOMMU_OK);
    }
}

/* Second stages are for untagged traffic; what nests under what is checked. */
static void no_such(struct conf *c)
{
    struct uiommu_aspace_config config;
    struct uiommu_bond_ref bond;
    struct uiommu_aspace *as;
    struct uiommu_root root;
    struct conf_flow f;
    struct conf_space *s;

    if (!has(c, BENCH_SECOND) || !conf_flow_up(c, &f)) {
        return;
    }
    s = conf_space_make_of(c, BENCH_SECOND);
    if (s == NULL) {
        return;
    }
    CHECK(c, conf_try_bind(c, f.d, s, conf_pasid(c), &bond) == UIOMMU_E_UNSUPPORTED);
    memset(&config, 0, sizeof(config));
    config.size = sizeof(config);
    config.roots = &root;
    config.root_count = 1;
    CHECK(c, bench_tables_root(&c->b, f.a->tables, &root));
    root.under.format = root.format;
    root.under.granule_bits = 12;
    root.under.va_bits = 48;
    root.under.pa_bits = 40;
    CHECK(c, uiommu_aspace_create(c->b.u, &config, &as) == UIOMMU_E_INVALID);
    CHECK(c, bench_tables_root(&c->b, s->tables, &root));
    root.under = (struct uiommu_root_under){root.format, 12, 48, 40, 0, root.table};
    CHECK(c, uiommu_aspace_create(c->b.u, &config, &as) == UIOMMU_E_INVALID);
}

/* A root that starts in the middle of a table is walked by nobody. */
static void misaligned(struct conf *c)
{
    struct uiommu_aspace_config config;
    struct uiommu_bind_config how;
    struct uiommu_bond_ref bond;
    struct uiommu_aspace *as = NULL;
    struct uiommu_root root;
    struct conf_device *d;
    struct conf_space *s;

    if (!has(c, BENCH_SECOND) || !conf_up(c)) {
        return;
    }
    d = conf_device_make(c, NULL);
    s = conf_space_make_of(c, BENCH_SECOND);
    if (conf_failed(c)) {
        return;
    }
    memset(&config, 0, sizeof(config));
    config.size = sizeof(config);
    config.roots = &root;
    config.root_count = 1;
    memset(&how, 0, sizeof(how));
    how.size = sizeof(how);
    how.pasid = UIOMMU_PASID_NONE;
    CHECK(c, bench_tables_root(&c->b, s->tables, &root));
    root.table += 0x80; /* Less than the smallest root: tables of 32 entries (44 bits). */
    if (CHECK(c, uiommu_aspace_create(c->b.u, &config, &as) == UIOMMU_OK)) {
        CHECK(c, uiommu_bind(d->dev, as, &how, &bond) == UIOMMU_E_UNSUPPORTED);
        CHECK(c, uiommu_aspace_destroy(as) == UIOMMU_OK);
    }
}

static const struct conf_test tests[] = {
    {"I24 stages: a second stage, end to end", second_works},
    {"I24 stages: nested, end to end", nested_works},
    {"I20 stages: what left a second stage is used by nobody", second_invalidated},
    {"I20 stages: what left a guest's tables is used by nobody", nested_invalidated},
    {"I20 stages: what the host took from under a guest is used by nobody", under_invalidated},
    {"I15 stages: a second stage dies", second_dies},
    {"I15 stages: a nested space dies", nested_dies},
    {"I1 I24 stages: the founding race under a second stage", race},
    {"I24 stages: first and second stages take turns on a device", turns},
    {"stages: none under a PASID, none under a first stage", no_such},
    {"stages: a misaligned root is refused", misaligned},
};
const struct conf_theme conf_stage_theme = {"stages", tests, sizeof(tests) / sizeof(tests[0])};
