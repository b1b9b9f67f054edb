/* SPDX-License-Identifier: BSD-2-Clause */
#include "conf_themes.h"

/* PASIDs: objects with references; the integer is a name that rests before it is used again. */

static uint32_t take(struct conf *c, uint32_t width)
{
    uint32_t pasid = CONF_NEVER;

    CHECK(c, uiommu_pasid_alloc(c->b.pasids, NULL, width, &pasid) == UIOMMU_OK);
    return pasid;
}

static enum uiommu_pasid_state state_of(struct conf *c, uint32_t pasid)
{
    struct uiommu_pasid_info info;

    memset(&info, 0, sizeof(info));
    CHECK(c, uiommu_pasid_get_info(c->b.pasids, pasid, &info) == UIOMMU_OK);
    return info.state;
}

/* Oldest first, and not before others were used. */
static void fifo(struct conf *c)
{
    uint32_t first[6], i, pasid;

    c->b.numbers.first = 10;
    c->b.numbers.last = 15;
    c->b.numbers.reuse_distance = 3;
    if (!conf_up(c)) {
        return;
    }
    for (i = 0; i < 6; i++) {
        first[i] = take(c, 0);
        CHECK(c, first[i] >= 10 && first[i] <= 15);
    }
    CHECK(c, uiommu_pasid_alloc(c->b.pasids, NULL, 0, &pasid) == UIOMMU_E_NOSPACE);
    for (i = 0; i < 6; i++) {
        CHECK(c, uiommu_pasid_put(c->b.pasids, first[5 - i]) == UIOMMU_OK);
    }
    for (i = 0; i < 6; i++) {
        CHECK(c, take(c, 0) == first[5 - i]);
    }
    for (i = 0; i < 6; i++) {
        CHECK(c, uiommu_pasid_put(c->b.pasids, first[i]) == UIOMMU_OK);
        CHECK(c, uiommu_pasid_put(c->b.pasids, first[i]) == UIOMMU_E_NOT_FOUND);
    }
}

/* A freed number is not the next one given out. */
static void distance(struct conf *c)
{
    uint32_t i, pasid, last = 0;

    c->b.numbers.reuse_distance = 8;
    if (!conf_up(c)) {
        return;
    }
    for (i = 0; i < 40; i++) {
        pasid = take(c, 0);
        CHECK(c, pasid != last);
        last = pasid;
        CHECK(c, uiommu_pasid_put(c->b.pasids, pasid) == UIOMMU_OK);
    }
}

static void references(struct conf *c)
{
    struct uiommu_pasid_info info;
    uint32_t pasid;

    if (!conf_up(c)) {
        return;
    }
    pasid = take(c, 0);
    CHECK(c, uiommu_pasid_hold(c->b.pasids, pasid) == UIOMMU_OK);
    CHECK(c, uiommu_pasid_get_info(c->b.pasids, pasid, &info) == UIOMMU_OK && info.refs == 2);
    CHECK(c, uiommu_pasid_put(c->b.pasids, pasid) == UIOMMU_OK);
    CHECK(c, state_of(c, pasid) != UIOMMU_PASID_FREE);
    CHECK(c, uiommu_pasid_put(c->b.pasids, pasid) == UIOMMU_OK);
    CHECK(c, state_of(c, pasid) == UIOMMU_PASID_FREE);
    CHECK(c, uiommu_pasid_put(c->b.pasids, pasid) == UIOMMU_E_NOT_FOUND);
    CHECK(c, uiommu_pasid_hold(c->b.pasids, pasid) == UIOMMU_E_NOT_FOUND);
}

/* Put while bound: the bond keeps the number until it is proved gone. */
static void bond_keeps(struct conf *c)
{
    struct uiommu_bond_ref next;
    struct conf_flow f;

    if (!conf_flow_up(c, &f)) {
        return;
    }
    CHECK(c, uiommu_pasid_put(c->b.pasids, f.pasid) == UIOMMU_OK);
    CHECK(c, state_of(c, f.pasid) == UIOMMU_PASID_DYING);
    CHECK(c, uiommu_pasid_put(c->b.pasids, f.pasid) == UIOMMU_E_NOT_FOUND);
    CHECK(c, uiommu_pasid_hold(c->b.pasids, f.pasid) == UIOMMU_E_STATE);
    conf_ask(f.d, f.pasid, CONF_VA, 1);
    conf_run(c, BENCH_MS);
    CHECK(c, f.a->calls == 1);
    CHECK(c, conf_unbind(c, f.bond, UIOMMU_UNBIND_STOPPED) == UIOMMU_OK);
    CHECK(c,
          state_of(c, f.pasid) == UIOMMU_PASID_DYING || conf_state(c, f.bond) == UIOMMU_BOND_FREE);
    CHECK(c, conf_wait_state(c, f.bond, UIOMMU_BOND_FREE));
    CHECK(c, state_of(c, f.pasid) == UIOMMU_PASID_FREE);
    CHECK(c, conf_try_bind(c, f.d, f.b, f.pasid, &next) == UIOMMU_E_NOT_FOUND);
}

/* Several devices, one number: it dies with the last. */
static void several_devices(struct conf *c)
{
    struct uiommu_pasid_info info;
    struct uiommu_bond_ref other;
    struct conf_device *e;
    struct conf_flow f;

    if (!conf_flow_up(c, &f)) {
        return;
    }
    e = conf_device_make(c, NULL);
    if (e == NULL || !conf_bind(c, e, f.a, f.pasid, &other)) {
        return;
    }
    CHECK(c, uiommu_pasid_get_info(c->b.pasids, f.pasid, &info) == UIOMMU_OK);
    CHECK(c, info.bonds == 2 && info.refs == 3);
    CHECK(c, uiommu_pasid_put(c->b.pasids, f.pasid) == UIOMMU_OK);
    CHECK(c, uiommu_aspace_exit(f.a->as) == UIOMMU_OK);
    CHECK(c, conf_reap(c, f.a) == UIOMMU_OK);
    CHECK(c,
          state_of(c, f.pasid) == UIOMMU_PASID_DYING || conf_state(c, other) == UIOMMU_BOND_FREE);
    CHECK(c, conf_wait_state(c, f.bond, UIOMMU_BOND_FREE));
    CHECK(c, conf_wait_state(c, other, UIOMMU_BOND_FREE));
    CHECK(c, state_of(c, f.pasid) == UIOMMU_PASID_FREE);
}

static void widths(struct conf *c)
{
    static const struct conf_how narrow = {.pasid_bits = 4};
    struct uiommu_bond_ref bond;
    struct conf_device *d;
    struct conf_space *s;
    uint32_t pasid[20], i;

    if (!conf_up(c)) {
        return;
    }
    d = conf_device_make(c, &narrow);
    s = conf_space_make(c);
    for (i = 0; i < 20; i++) {
        pasid[i] = take(c, 0);
    }
    for (i = 0; i < 20 && d != NULL && s != NULL; i++) {
        if (pasid[i] >= 16) {
            CHECK(c, conf_try_bind(c, d, s, pasid[i], &bond) == UIOMMU_E_RANGE);
            break;
        }
    }
    CHECK(c, i < 20);
    CHECK(c, conf_try_bind(c, d, s, 1u << 20, &bond) != UIOMMU_OK);
    for (i = 0; i < 20; i++) {
        CHECK(c, uiommu_pasid_put(c->b.pasids, pasid[i]) == UIOMMU_OK);
    }
    for (i = 0; i < 5; i++) {
        pasid[i] = take(c, 4);
        CHECK(c, pasid[i] < 16);
    }
    for (i = 0; i < 5; i++) {
        CHECK(c, uiommu_pasid_put(c->b.pasids, pasid[i]) == UIOMMU_OK);
    }
}

static void spaces(struct conf *c)
{
    struct uiommu_pasid_space_config config = c->b.numbers;
    struct uiommu_pasid_space *space = NULL;
    struct uiommu_pasid_info info;
    uint32_t pasid;

    if (!conf_up(c)) {
        return;
    }
    CHECK(c, uiommu_pasid_space_destroy(c->b.pasids) == UIOMMU_E_BUSY);
    config.first = 5;
    config.last = 4;
    CHECK(c, uiommu_pasid_space_create(c->b.u, &config, &space) == UIOMMU_E_RANGE);
    config.last = 1u << 20;
    CHECK(c, uiommu_pasid_space_create(c->b.u, &config, &space) == UIOMMU_E_RANGE);
    config.last = (1u << 20) - 1;
    if (!CHECK(c, uiommu_pasid_space_create(c->b.u, &config, &space) == UIOMMU_OK)) {
        return;
    }
    CHECK(c, uiommu_pasid_alloc(space, NULL, 21, &pasid) != UIOMMU_OK);
    CHECK(c, uiommu_pasid_alloc(space, NULL, 2, &pasid) == UIOMMU_E_NOSPACE);
    CHECK(c, uiommu_pasid_alloc(space, NULL, 0, &pasid) == UIOMMU_OK && pasid >= 5);
    CHECK(c, uiommu_pasid_get_info(space, 4, &info) == UIOMMU_E_RANGE);
    CHECK(c, uiommu_pasid_get_info(space, 1u << 20, &info) == UIOMMU_E_RANGE);
    CHECK(c, uiommu_pasid_space_destroy(space) == UIOMMU_E_BUSY);
    CHECK(c, uiommu_pasid_put(space, pasid) == UIOMMU_OK);
    CHECK(c, uiommu_pasid_space_destroy(space) == UIOMMU_OK);
}

static void drop_one(struct bench *b, void *arg)
{
    struct conf *c = arg;

    CHECK(c, uiommu_pasid_put(b->pasids, c->unit) == UIOMMU_OK);
    CHECK(c, uiommu_pasid_hold(b->pasids, c->pasid[0]) == UIOMMU_OK);
    CHECK(c, uiommu_pasid_put(b->pasids, c->pasid[0]) == UIOMMU_OK);
    c->counter++;
}

/* Numbers are given back by an interrupt that comes in the middle of other calls. */
static void in_interrupts(struct conf *c)
{
    struct uiommu_bond_ref other;
    struct conf_flow f;
    uint32_t i, pasid;

    if (!conf_flow_up(c, &f)) {
        return;
    }
    for (i = 0; i < 20 && !conf_failed(c); i++) {
        c->unit = take(c, 16);
        bench_interrupt(&c->b, i, drop_one, c);
        pasid = take(c, 16);
        CHECK(c, conf_bind(c, f.d, f.b, pasid, &other));
        CHECK(c, uiommu_pasid_put(c->b.pasids, pasid) == UIOMMU_OK);
        CHECK(c, conf_unbind(c, other, UIOMMU_UNBIND_STOPPED) == UIOMMU_OK);
        CHECK(c, conf_wait_state(c, other, UIOMMU_BOND_FREE));
        CHECK(c, state_of(c, pasid) == UIOMMU_PASID_FREE && pasid != c->unit);
        CHECK(c, state_of(c, c->unit) == UIOMMU_PASID_FREE);
    }
    CHECK(c, c->counter == 20);
}

static const struct conf_test tests[] = {
    {"I2 pasid: freed numbers come back oldest first", fifo},
    {"I2 pasid: a freed number keeps its distance", distance},
    {"I17 L31 L34 L35 pasid: references outside the library hold a number", references},
    {"I17 L2 L35 pasid: a bond holds its number until it is proved gone", bond_keeps},
    {"I17 R6 L2 pasid: several devices, the last one frees it", several_devices},
    {"L6 I13 pasid: references dropped in an interrupt, at many moments", in_interrupts},
    {"R7 pasid: widths of devices", widths},
    {"I17 pasid: limits of a space", spaces},
};
const struct conf_theme conf_pasid_theme = {"pasid", tests, sizeof(tests) / sizeof(tests[0])};
