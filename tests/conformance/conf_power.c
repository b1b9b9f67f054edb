/* SPDX-License-Identifier: BSD-2-Clause */
#include "conf_themes.h"

/* Sleep and waking: the unit is programmed anew from what the library knows. */

static bool warm(struct conf *c, const struct conf_flow *f)
{
    CHECK(c, bench_map(&c->b, f->a->tables, CONF_VA, UIOMMU_READ) != NULL);
    return CHECK(c, conf_access(f->d, f->pasid, CONF_VA, MODEL_READ));
}

/* The machine sleeps: with its registers lost, or kept. */
static void sleep(struct conf *c, bool lost)
{
    uint64_t before;

    CHECK(c, uiommu_unit_suspend(c->b.unit) == UIOMMU_OK);
    before = c->b.mmio;
    conf_run(c, BENCH_MS);
    CHECK(c, c->b.mmio == before);
    if (lost) {
        c->b.vendor->power_cycle(&c->b);
    }
}

static bool works(struct conf *c, const struct conf_flow *f, uint32_t index)
{
    uint32_t calls = f->a->calls;

    f->a->answer = UIOMMU_CODE_SUCCESS;
    conf_ask(f->d, f->pasid, CONF_VA, index);
    conf_run(c, BENCH_MS);
    CHECK(c, f->a->calls == calls + 1);
    CHECK(c, conf_answer(f->d, index) == UIOMMU_CODE_SUCCESS);
    return CHECK(c, conf_access(f->d, f->pasid, CONF_VA, MODEL_READ));
}

static void slept(struct conf *c, bool lost)
{
    struct conf_flow f;
    uint64_t sent;

    if (!conf_flow_up(c, &f) || !warm(c, &f)) {
        return;
    }
    f.a->answer = UIOMMU_CODE_PENDING;
    conf_ask(f.d, f.pasid, CONF_VA, 1);
    conf_run(c, BENCH_MS);
    sent = c->b.vendor->answers(&c->b);
    sleep(c, lost);
    CHECK(c, f.a->orphans[UIOMMU_ORPHAN_RESET] == 1);
    CHECK(c, conf_respond(c, f.a->seen[0].ref, UIOMMU_CODE_SUCCESS) == UIOMMU_E_STALE);
    CHECK(c, uiommu_unit_resume(c->b.unit) == UIOMMU_OK);
    CHECK(c, c->b.vendor->answers(&c->b) == sent);
    CHECK(c, conf_reset(c, f.d) == UIOMMU_OK);
    CHECK(c, conf_state(c, f.bond) == UIOMMU_BOND_LIVE);
    (void)works(c, &f, 2);
    CHECK(c, conf_unbind(c, f.bond, 0) == UIOMMU_OK);
    CHECK(c, !c->b.vendor->reaches(&c->b, f.d->id, f.pasid));
    c->no_balance = true; /* The group of before is over. */
}

static void registers_lost(struct conf *c)
{
    slept(c, true);
}

static void registers_kept(struct conf *c)
{
    slept(c, false);
}

/* Nothing new begins meanwhile; an unbind ends, and what it lacks comes with the waking. */
static void while_asleep(struct conf *c)
{
    static const uint64_t words[4] = {0};
    struct uiommu_device_config config;
    struct uiommu_device *dev = NULL;
    struct uiommu_bond_ref next;
    struct uiommu_unit_info info;
    struct conf_flow f;

    if (!conf_flow_up(c, &f) || !warm(c, &f)) {
        return;
    }
    CHECK(c, uiommu_unit_resume(c->b.unit) == UIOMMU_E_STATE);
    if (conf_device_plan(c, NULL, &config) == NULL) {
        return;
    }
    sleep(c, true);
    CHECK(c, uiommu_unit_get_info(c->b.unit, &info) == UIOMMU_OK && info.suspended);
    CHECK(c, uiommu_unit_suspend(c->b.unit) == UIOMMU_E_STATE);
    CHECK(c, uiommu_unit_restart(c->b.unit) == UIOMMU_E_STATE);
    CHECK(c, uiommu_unit_command(c->b.unit, words, 2) == UIOMMU_E_STATE);
    CHECK(c, uiommu_device_attach(c->b.unit, &config, &dev) == UIOMMU_E_STATE);
    CHECK(c, conf_try_bind(c, f.d, f.b, conf_pasid(c), &next) == UIOMMU_E_STATE);
    c->sample = bench_now(&c->b);
    CHECK(c, conf_unbind(c, f.bond, UIOMMU_UNBIND_STOPPED) == UIOMMU_E_WITHHELD);
    CHECK(c, bench_now(&c->b) - c->sample < BENCH_FOREVER);
    CHECK(c, conf_state(c, f.bond) == UIOMMU_BOND_POISONED);
    CHECK(c, uiommu_unit_resume(c->b.unit) == UIOMMU_OK);
    CHECK(c, uiommu_unit_get_info(c->b.unit, &info) == UIOMMU_OK && !info.suspended && !info.hung);
    CHECK(c, conf_reset(c, f.d) == UIOMMU_OK);
    CHECK(c, conf_wait_state(c, f.bond, UIOMMU_BOND_FREE));
    CHECK(c, !bench_uses_tables(&c->b, f.a->tables));
    CHECK(c, conf_rebind(c, f.d, f.b, f.pasid, &next));
}

static void space_dies(struct conf *c)
{
    struct conf_flow f;

    if (!conf_flow_up(c, &f) || !warm(c, &f)) {
        return;
    }
    sleep(c, true);
    CHECK(c, uiommu_aspace_exit(f.a->as) == UIOMMU_E_WITHHELD);
    CHECK(c, uiommu_unit_resume(c->b.unit) == UIOMMU_OK);
    CHECK(c, conf_reset(c, f.d) == UIOMMU_OK);
    CHECK(c, conf_reap(c, f.a) == UIOMMU_OK);
    CHECK(c, !bench_uses_tables(&c->b, f.a->tables));
    CHECK(c, !c->b.vendor->reaches(&c->b, f.d->id, f.pasid));
}

/* It does not wake at first. */
static void fails_to_wake(struct conf *c)
{
    struct uiommu_unit_info info;
    struct conf_flow f;
    uiommu_err err;

    if (!conf_flow_up(c, &f)) {
        return;
    }
    sleep(c, true);
    c->b.vendor->lie(&c->b, BENCH_LIE_ALL_ONES);
    c->sample = bench_now(&c->b);
    err = uiommu_unit_resume(c->b.unit);
    CHECK(c, err == UIOMMU_E_HW || err == UIOMMU_E_TIMEOUT);
    CHECK(c, bench_now(&c->b) - c->sample < 40 * BENCH_COMMAND);
    CHECK(c, uiommu_unit_get_info(c->b.unit, &info) == UIOMMU_OK && info.suspended);
    c->b.vendor->lie(&c->b, BENCH_LIE_NONE);
    c->b.vendor->power_cycle(&c->b);
    c->reports = c->b.reports; /* What it wrote to a unit that was not there counts for nothing. */
    CHECK(c, uiommu_unit_resume(c->b.unit) == UIOMMU_OK);
    CHECK(c, conf_reset(c, f.d) == UIOMMU_OK);
    (void)works(c, &f, 3);
}

static void many_nights(struct conf *c)
{
    struct conf_flow f;
    uint32_t i;

    if (!conf_flow_up(c, &f)) {
        return;
    }
    for (i = 0; i < 6; i++) {
        sleep(c, i != 3);
        CHECK(c, uiommu_unit_resume(c->b.unit) == UIOMMU_OK);
        CHECK(c, conf_reset(c, f.d) == UIOMMU_OK);
        if (!works(c, &f, i)) {
            return;
        }
    }
    CHECK(c, conf_device_counters(f.d).resets >= 6);
}

static const struct conf_test tests[] = {
    {"R27 power: after sleep with registers lost all works again", registers_lost},
    {"R27 power: after sleep with registers kept all works again", registers_kept},
    {"R9 I18 power: while asleep nothing begins, and an unbind is withheld", while_asleep},
    {"R12 power: a space that dies meanwhile is withheld, then reaped", space_dies},
    {"I21 power: a unit that does not wake stays suspended", fails_to_wake},
    {"R27 power: again and again", many_nights},
};
const struct conf_theme conf_power_theme = {"power", tests, sizeof(tests) / sizeof(tests[0])};
