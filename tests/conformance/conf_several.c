/* SPDX-License-Identifier: BSD-2-Clause */
#include "conf_themes.h"

/*
 * Several units in one machine: one of each backend that was built (two of a kind where there is
 * only one), the tested one first. A device behind each, one PASID space, one address space with
 * a root for every format. What one unit does, or fails to do, is not the others' trouble.
 */

#define UNITS 4u
#define PAGE  UINT64_C(4096)

struct several {
    struct bench *b[UNITS];
    struct conf_device *d[UNITS];
    struct uiommu_bond_ref bond[UNITS];
    uint32_t count;
    struct conf_space *old, *next;
    uint32_t pasid;
};

static bool add_unit(struct conf *c, struct several *s, const struct bench_vendor *vendor)
{
    struct bench *b = model_alloc(c->b.world, sizeof(*b), 64);

    if (!CHECK(c, b != NULL && s->count < UNITS) || !CHECK(c, bench_beside(&c->b, b, vendor))) {
        return false;
    }
    s->b[s->count] = b;
    s->count++;
    return true;
}

static bool add_units(struct conf *c, struct several *s)
{
    uint32_t i;

    s->b[0] = &c->b;
    s->count = 1;
    for (i = 0; i < bench_vendor_count; i++) {
        if (bench_vendors[i] != c->b.vendor && !add_unit(c, s, bench_vendors[i])) {
            return false;
        }
    }
    return s->count > 1 || add_unit(c, s, c->b.vendor);
}

static bool bind_all(struct conf *c, struct several *s, struct conf_space *space)
{
    uint32_t i;

    for (i = 0; i < s->count; i++) {
        if (!conf_rebind(c, s->d[i], space, s->pasid, &s->bond[i])) {
            return false;
        }
    }
    return true;
}

static bool up(struct conf *c, struct several *s)
{
    uint32_t i;

    memset(s, 0, sizeof(*s));
    if (!add_units(c, s) || !conf_up(c)) {
        return false;
    }
    for (i = 0; i < s->count; i++) {
        const struct conf_how how = {.at = s->b[i]};

        s->d[i] = conf_device_make(c, &how);
        if (s->d[i] == NULL) {
            return false;
        }
    }
    s->old = conf_space_make(c);
    s->next = conf_space_make(c);
    s->pasid = conf_pasid(c);
    return s->old != NULL && s->next != NULL && bind_all(c, s, s->old);
}

/* A page is mapped, and every device has written to it. */
static bool warm(struct conf *c, const struct several *s)
{
    uint32_t i;

    CHECK(c, bench_map(&c->b, s->old->tables, CONF_VA, UIOMMU_READ | UIOMMU_WRITE) != NULL);
    for (i = 0; i < s->count; i++) {
        CHECK(c, conf_access(s->d[i], s->pasid, CONF_VA, MODEL_WRITE));
    }
    return !conf_failed(c);
}

static bool reaches(const struct several *s, uint32_t i)
{
    return s->b[i]->vendor->reaches(s->b[i], s->d[i]->id, s->pasid);
}

/* Each device has asked for a page with an index of its own; next is who shall have served it. */
static void serve_all(struct conf *c, const struct several *s, struct conf_space *next)
{
    uint32_t before = next->calls;
    uint32_t i;

    for (i = 0; i < s->count; i++) {
        conf_ask(s->d[i], s->pasid, CONF_VA + i * PAGE, 40 + i);
    }
    conf_run(c, BENCH_MS);
    CHECK(c, next->calls == before + s->count);
    for (i = 0; i < s->count; i++) {
        CHECK(c, conf_answer(s->d[i], 40 + i) == UIOMMU_CODE_SUCCESS);
    }
}

/* What one writes the others read: the formats lead to the same pages. */
static void shared_page(struct conf *c, const struct several *s, uint32_t writer)
{
    uint8_t written[8] = {(uint8_t)(0x50 + writer), 7, 6, 5, 4, 3, 2, 1};
    uint64_t va = CONF_VA + writer * PAGE;
    void *cpu = bench_map(&c->b, s->old->tables, va, UIOMMU_READ); /* It is there. */
    uint32_t i;

    CHECK(c, model_endpoint_access(s->d[writer]->ep, s->pasid, va, MODEL_WRITE, written,
                                   sizeof(written)) == MODEL_DMA_OK);
    conf_run(c, 10 * BENCH_US);
    /* A device may snoop where another did not: the host sees to it, as for itself. */
    model_ram_invalidate(c->b.world, cpu, PAGE);
    for (i = 0; i < s->count; i++) {
        uint8_t read[8] = {0};

        CHECK(c, model_endpoint_access(s->d[i]->ep, s->pasid, va, MODEL_READ, read, sizeof(read)) ==
                     MODEL_DMA_OK);
        CHECK(c, memcmp(read, written, sizeof(read)) == 0);
    }
}

static void one_handler(struct conf *c)
{
    struct several s;
    uint32_t i, k;

    if (!up(c, &s)) {
        return;
    }
    serve_all(c, &s, s.old);
    for (i = 0; i < s.count; i++) {
        for (k = 0; k < s.count && s.old->seen[k].id != s.d[i]->id; k++) {
        }
        if (!CHECK(c, k < s.count)) {
            return;
        }
        CHECK(c, s.old->seen[k].pasid == s.pasid && s.old->seen[k].first == CONF_VA + i * PAGE);
        CHECK(c, s.old->seen[k].bond.index == s.bond[i].index &&
                     s.old->seen[k].bond.generation == s.bond[i].generation);
    }
    for (i = 0; i < s.count; i++) {
        shared_page(c, &s, i);
    }
    CHECK(c, s.next->calls == 0);
}

static void exit_at_once(struct conf *c)
{
    struct several s;
    uint32_t i;

    if (!up(c, &s) || !warm(c, &s)) {
        return;
    }
    CHECK(c, uiommu_aspace_exit(s.old->as) == UIOMMU_OK);
    CHECK(c, !bench_uses_tables(&c->b, s.old->tables));
    for (i = 0; i < s.count; i++) {
        CHECK(c, !reaches(&s, i));
        CHECK(c, !conf_access(s.d[i], s.pasid, CONF_VA, MODEL_READ));
        CHECK(c, s.d[i]->stops == 0);
    }
    CHECK(c, uiommu_aspace_bonds(s.old->as) == s.count);
    CHECK(c, conf_reap(c, s.old) == UIOMMU_OK);
    for (i = 0; i < s.count; i++) {
        CHECK(c, s.d[i]->stops == 1);
    }
    CHECK(c, uiommu_aspace_bonds(s.old->as) == 0);
}

/* Pages and tables stay withheld for one unit's sake, and the others let go of them all the same.
 */
static void exit_hung(struct conf *c)
{
    struct several s;
    uint32_t i;

    if (!up(c, &s) || !warm(c, &s)) {
        return;
    }
    c->b.vendor->hang(&c->b, true);
    c->sample = bench_now(&c->b);
    CHECK(c, uiommu_aspace_exit(s.old->as) == UIOMMU_E_WITHHELD);
    CHECK(c, bench_now(&c->b) - c->sample < 4 * BENCH_COMMAND);
    for (i = 1; i < s.count; i++) {
        CHECK(c, !reaches(&s, i));
        CHECK(c, !conf_access(s.d[i], s.pasid, CONF_VA, MODEL_READ));
    }
    CHECK(c, conf_reap(c, s.old) == UIOMMU_E_WITHHELD);
    c->b.vendor->hang(&c->b, false);
    CHECK(c, uiommu_unit_restart(c->b.unit) == UIOMMU_OK);
    CHECK(c, conf_reset(c, s.d[0]) == UIOMMU_OK);
    CHECK(c, conf_wait_state(c, s.bond[0], UIOMMU_BOND_FREE));
    CHECK(c, conf_reap(c, s.old) == UIOMMU_OK);
    CHECK(c, !bench_uses_tables(&c->b, s.old->tables));
}

/* Two units hang, and are tried again out of step: the reaper is told all the same. */
static void all_hung(struct conf *c)
{
    struct several s;
    uiommu_err err = UIOMMU_PENDING;
    uint32_t i;

    if (!up(c, &s) || !warm(c, &s)) {
        return;
    }
    for (i = 0; i < 2; i++) {
        s.b[i]->vendor->hang(s.b[i], true);
    }
    CHECK(c, uiommu_unbind_begin(c->b.u, s.bond[0], UIOMMU_UNBIND_STOPPED) == UIOMMU_OK);
    CHECK(c, uiommu_unbind_poll(c->b.u, s.bond[0]) == UIOMMU_PENDING);
    bench_advance(&c->b, BENCH_COMMAND / 2);
    CHECK(c, uiommu_aspace_exit(s.old->as) == UIOMMU_E_WITHHELD);
    c->sample = bench_now(&c->b);
    while (err == UIOMMU_PENDING && bench_now(&c->b) - c->sample < BENCH_FOREVER) {
        err = uiommu_aspace_reap(s.old->as);
        bench_advance(&c->b, BENCH_COMMAND / 8);
    }
    CHECK(c, err == UIOMMU_E_WITHHELD);
    for (i = 0; i < 2; i++) {
        s.b[i]->vendor->hang(s.b[i], false);
        CHECK(c, uiommu_unit_restart(s.b[i]->unit) == UIOMMU_OK);
        CHECK(c, conf_reset(c, s.d[i]) == UIOMMU_OK);
    }
    CHECK(c, conf_reap(c, s.old) == UIOMMU_OK);
}

static enum uiommu_pasid_state number(struct conf *c, const struct several *s)
{
    struct uiommu_pasid_info info;

    memset(&info, 0, sizeof(info));
    CHECK(c, uiommu_pasid_get_info(c->b.pasids, s->pasid, &info) == UIOMMU_OK);
    return info.state;
}

/* The first unit hangs: the others unbind in their usual time, but the number stays withheld. */
static void hung_neighbour(struct conf *c)
{
    struct several s;
    uint32_t i;

    if (!up(c, &s) || !warm(c, &s)) {
        return;
    }
    c->b.vendor->hang(&c->b, true);
    c->sample = bench_now(&c->b);
    for (i = 0; i < s.count; i++) {
        CHECK(c, uiommu_unbind_begin(c->b.u, s.bond[i], 0) == UIOMMU_OK);
    }
    for (i = 1; i < s.count; i++) {
        CHECK(c, conf_poll(c, s.bond[i]) == UIOMMU_OK);
    }
    CHECK(c, bench_now(&c->b) - c->sample < BENCH_COMMAND);
    CHECK(c, conf_poll(c, s.bond[0]) == UIOMMU_E_WITHHELD);
    CHECK(c, uiommu_pasid_put(c->b.pasids, s.pasid) == UIOMMU_OK);
    for (i = 1; i < s.count; i++) {
        CHECK(c, conf_wait_state(c, s.bond[i], UIOMMU_BOND_FREE));
    }
    CHECK(c, number(c, &s) == UIOMMU_PASID_WITHHELD);
    c->b.vendor->hang(&c->b, false);
    CHECK(c, uiommu_unit_restart(c->b.unit) == UIOMMU_OK);
    CHECK(c, conf_reset(c, s.d[0]) == UIOMMU_OK);
    CHECK(c, conf_wait_state(c, s.bond[0], UIOMMU_BOND_FREE));
    CHECK(c, number(c, &s) == UIOMMU_PASID_FREE);
}

/* As long as one unit knows the number, it leads to the same address space on all of them. */
static void one_number(struct conf *c)
{
    struct uiommu_bond_ref other;
    struct several s;
    uint32_t i;

    if (!up(c, &s)) {
        return;
    }
    for (i = 0; i < s.count; i++) {
        CHECK(c, conf_unbind(c, s.bond[i], 0) == UIOMMU_OK);
        CHECK(c, conf_wait_state(c, s.bond[i], UIOMMU_BOND_FREE));
        if (i + 1 == s.count) {
            break;
        }
        CHECK(c, conf_try_bind(c, s.d[i], s.next, s.pasid, &other) == UIOMMU_E_BUSY);
        /* The others are served meanwhile. */
        conf_ask(s.d[i + 1], s.pasid, CONF_VA + i * PAGE, 7);
        conf_run(c, BENCH_MS);
        CHECK(c, s.old->calls == i + 1 && s.next->calls == 0);
    }
    CHECK(c, s.old->calls == s.count - 1);
    if (!bind_all(c, &s, s.next)) {
        return;
    }
    serve_all(c, &s, s.next);
    CHECK(c, s.old->calls == s.count - 1);
}

/* Every unit's barrier is a proof: nothing comes after it, and no number rests. */
static bool all_prove(const struct several *s)
{
    uint32_t i;

    for (i = 0; i < s->count && s->b[i]->features.proved; i++) {
    }
    return i == s->count;
}

/* A request of the first unit's device arrives after the barrier, inside the settle time; where
 * there is no such time, before. */
static void late(struct conf *c)
{
    struct several s;
    uint32_t i;

    if (!up(c, &s)) {
        return;
    }
    bench_fabric(&c->b, 100, BENCH_US, all_prove(&s) ? 0 : 1000, BENCH_LATE);
    conf_ask(s.d[0], s.pasid, CONF_VA, 5);
    for (i = s.count; i > 0; i--) {
        CHECK(c, uiommu_unbind_begin(c->b.u, s.bond[i - 1],
                                     UIOMMU_UNBIND_STOPPED | UIOMMU_UNBIND_ABORT) == UIOMMU_OK);
    }
    for (i = s.count; i > 0; i--) {
        CHECK(c, conf_poll(c, s.bond[i - 1]) == UIOMMU_OK);
    }
    if (!bind_all(c, &s, s.next)) {
        return;
    }
    conf_run(c, 2 * BENCH_MS);
    CHECK(c, s.old->calls == 0 && s.next->calls == 0);
    CHECK(c, conf_answer(s.d[0], 5) == UIOMMU_CODE_INVALID);
    CHECK(c, conf_unit(c).late == 0);
    CHECK(c, conf_events(c, UIOMMU_EVENT_LATE_REQUEST) == 0);
    serve_all(c, &s, s.next);
    CHECK(c, s.old->calls == 0);
}

static void invalidate(struct conf *c)
{
    struct several s;
    uint32_t i;

    if (!up(c, &s) || !warm(c, &s)) {
        return;
    }
    bench_unmap(&c->b, s.old->tables, CONF_VA);
    CHECK(c, uiommu_aspace_invalidate(s.old->as, CONF_VA, CONF_VA + PAGE - 1, false) == UIOMMU_OK);
    for (i = 0; i < s.count; i++) {
        CHECK(c, !conf_access(s.d[i], s.pasid, CONF_VA, MODEL_READ));
    }
}

/* A PENDING answer names its unit: the same index and generation are another group elsewhere. */
static void answers(struct conf *c)
{
    struct several s;
    uint32_t i, k;

    if (!up(c, &s)) {
        return;
    }
    s.old->answer = UIOMMU_CODE_PENDING;
    for (i = 0; i < s.count; i++) {
        conf_ask(s.d[i], s.pasid, CONF_VA, 9);
    }
    conf_run(c, BENCH_MS);
    if (!CHECK(c, s.old->calls == s.count)) {
        return;
    }
    for (i = s.count; i > 0; i--) {
        for (k = 0; k + 1 < s.count && s.old->seen[k].id != s.d[i - 1]->id; k++) {
        }
        CHECK(c, uiommu_group_respond(s.b[i - 1]->unit, s.old->seen[k].ref, UIOMMU_CODE_SUCCESS) ==
                     UIOMMU_OK);
        conf_run(c, 100 * BENCH_US);
        for (k = 0; k < s.count; k++) {
            CHECK(c, (conf_answer(s.d[k], 9) == UIOMMU_CODE_SUCCESS) == (k + 1 >= i));
        }
    }
}

static const struct conf_test tests[] = {
    {"R6 several: requests behind each unit reach the one handler, its pages all of them",
     one_handler},
    {"R12 I15 several: an address space dies behind all units in one call", exit_at_once},
    {"R12 I21 several: one hung unit withholds the tables, the others let go", exit_hung},
    {"R12 I21 several: two hung units are told, however they are tried again", all_hung},
    {"R9 I21 several: a hung unit does not keep the others' unbind, but the number",
     hung_neighbour},
    {"R6 I17 several: one number, one address space, on all units", one_number},
    {"R5 R6 I2 several: a late request behind one unit is not for the next owner", late},
    {"R17 several: a range goes from every unit and device TLB", invalidate},
    {"I3 several: an answer is for the group of its unit", answers},
};
const struct conf_theme conf_several_theme = {"several", tests, sizeof(tests) / sizeof(tests[0])};
