/* SPDX-License-Identifier: BSD-2-Clause */
#include "suite.h"

/* Runs one test: a fresh bench, the test, everything down again, and a last look. */

#define DOWN_NS (4 * BENCH_FOREVER)

bool conf_check(struct conf *c, bool ok, const char *what, const char *file, int line)
{
    if (!ok && c->result->verdict != CONF_FAILED && c->b.lacks == NULL) {
        c->result->verdict = CONF_FAILED;
        c->result->what = what;
        c->result->file = file;
        c->result->line = line;
        c->result->rule = c->b.reports > 0 ? c->b.rule[0] : NULL;
    }
    return ok;
}

bool conf_failed(const struct conf *c)
{
    return c->result->verdict == CONF_FAILED;
}

bool conf_needs(struct conf *c, bool has, const char *why)
{
    if (!has && c->result->verdict == CONF_PASSED) {
        c->result->verdict = CONF_SKIPPED;
        c->result->what = why;
    }
    return has;
}

bool conf_needs_markers(struct conf *c)
{
    return conf_needs(c, c->b.features.markers, "Stop Markers do not reach software here");
}

bool conf_matches(const char *name, const char *pattern)
{
    size_t i;

    for (;; name++) {
        for (i = 0; pattern[i] != 0 && name[i] == pattern[i]; i++) {
        }
        if (pattern[i] == 0) {
            return true;
        }
        if (*name == 0) {
            return false;
        }
    }
}

static const struct bench_skip *listed(const struct bench_skip *skips, uint32_t count,
                                       const char *test, const char *variant)
{
    uint32_t i;

    for (i = 0; i < count; i++) {
        if (conf_matches(test, skips[i].test) && conf_matches(variant, skips[i].variant)) {
            return &skips[i];
        }
    }
    return NULL;
}

const struct bench_skip *conf_skip(const struct conf_test *test, const struct bench_vendor *vendor,
                                   const struct bench_variant *variant)
{
    const struct bench_skip *skip = listed(conf_skips, conf_skip_count, test->name, variant->name);

    if (skip == NULL && vendor->skips != NULL) {
        skip = listed(vendor->skips, *vendor->skip_count, test->name, variant->name);
    }
    return skip;
}

/* What is skipped is listed, and what is listed is skipped. */
static void judge_skip(struct conf *c)
{
    const struct bench_skip *skip = conf_skip(c->test, c->b.vendor, c->b.variant);

    if (c->result->verdict != CONF_FAILED && c->b.lacks != NULL) {
        c->result->verdict = CONF_SKIPPED;
        c->result->what = c->b.lacks;
        return;
    }
    if (c->result->verdict == CONF_SKIPPED && c->b.vendor->skips_unlisted) {
        return;
    }
    if (c->result->verdict == CONF_SKIPPED && skip == NULL) {
        c->result->verdict = CONF_PASSED; /* So that the check counts. */
        (void)conf_check(c, false, "skipped, and not in the list of skips", __FILE__, __LINE__);
    } else if (c->result->verdict == CONF_SKIPPED) {
        c->result->what = skip->why;
    }
    CHECK(c, c->result->verdict != CONF_PASSED || skip == NULL);
}

/* What the core has written down agrees with itself, wherever a test stands still. */
void conf_look(struct conf *c)
{
    const struct bench *b;

    for (b = &c->b; b != NULL; b = b->beside) {
        CHECK(c, b->unit == NULL || uiommu_unit_valid(b->unit));
    }
}

/* ---- taking down ---- */

/* From here on everybody is honest. */
static void calm(struct conf *c)
{
    static const struct model_endpoint_knobs honest = {0};
    struct bench *b;
    uint32_t i;

    c->b.interrupt = NULL;
    c->b.trace.hook = NULL;
    c->b.fail_at = 0;
    for (b = &c->b; b != NULL; b = b->beside) {
        b->vendor->hang(b, false);
        b->vendor->lose_invalidations(b, 0);
        b->vendor->lie(b, BENCH_LIE_NONE);
        bench_fabric(b, 100, BENCH_US, 0, 0);
        model_fabric_release(b->fabric, UINT32_MAX);
    }
    for (i = 0; i < c->devices; i++) {
        c->dev[i].stop = CONF_STOP_HONEST;
        c->dev[i].on_stop = NULL;
        if (c->dev[i].ep != NULL && !c->dev[i].removed) {
            conf_knobs(&c->dev[i], &honest);
        }
    }
    for (i = 0; i < c->spaces; i++) {
        c->space[i].on_fault = NULL;
        c->space[i].answer = UIOMMU_CODE_INVALID;
    }
}

/* What poisoned bonds wait for. */
static void heal(struct conf *c)
{
    struct uiommu_unit_info info;
    const struct bench *b;
    uint32_t i;

    for (b = &c->b; b != NULL; b = b->beside) {
        CHECK(c, uiommu_unit_get_info(b->unit, &info) == UIOMMU_OK);
        if (info.hung) {
            CHECK(c, uiommu_unit_restart(b->unit) == UIOMMU_OK);
        }
    }
    for (i = 0; i < c->devices; i++) {
        if (c->dev[i].dev != NULL && !c->dev[i].removed) {
            CHECK(c, conf_reset(c, &c->dev[i]) == UIOMMU_OK);
        }
    }
}

static void end_space(struct conf *c, struct conf_space *s)
{
    uint64_t end = bench_now(&c->b) + DOWN_NS;
    uiommu_err err;

    if (s->as == NULL) {
        return;
    }
    err = uiommu_aspace_exit(s->as);
    CHECK(c, err == UIOMMU_OK || err == UIOMMU_E_WITHHELD);
    err = conf_reap(c, s);
    while (err != UIOMMU_OK && bench_now(&c->b) < end) {
        if (err == UIOMMU_E_POISONED || err == UIOMMU_E_WITHHELD) {
            heal(c);
        }
        conf_run(c, BENCH_SETTLE);
        err = conf_reap(c, s);
    }
    CHECK(c, err == UIOMMU_OK);
    CHECK(c, !bench_uses_tables(&c->b, s->tables));
    CHECK(c, uiommu_aspace_destroy(s->as) == UIOMMU_OK);
    bench_tables_free(&c->b, s->tables);
}

static void end_device(struct conf *c, struct conf_device *d)
{
    uint64_t end = bench_now(&c->b) + DOWN_NS;
    uiommu_err err = UIOMMU_OK;

    if (d->dev != NULL) {
        /* Bonds that rest, or whose handler was never called, still keep it. */
        err = uiommu_device_detach(d->dev);
        while ((err == UIOMMU_PENDING || err == UIOMMU_E_BUSY) && bench_now(&c->b) < end) {
            conf_run(c, BENCH_SETTLE / 4);
            err = uiommu_device_detach(d->dev);
        }
        CHECK(c, err == UIOMMU_OK);
    }
}

/* Exactly one answer for each group, none for anything else. Where hardware answers by itself what
 * meets a shut entry, some of what software would leave unanswered has an answer all the same. */
static void balance(struct conf *c)
{
    uint64_t lasts = 0;
    uint64_t answers = 0;
    uint64_t automatic = 0;
    uint64_t unexpected = 0;
    uint64_t ignored = 0;
    uint32_t i;

    for (i = 0; i < c->devices; i++) {
        if (c->dev[i].ep != NULL) {
            struct model_endpoint_counts counts = conf_counts(&c->dev[i]);

            lasts += counts.lasts;
            answers += counts.success + counts.invalid + counts.failure;
            unexpected += counts.unexpected;
            automatic += c->b.features.unknown_pasids ? 0 : counts.automatic;
            CHECK(c, counts.marker_answers == 0);
            ignored += counts.ignored;
        }
    }
    CHECK(c, unexpected == c->unexpected);
    CHECK(c, ignored == c->ignored);
    CHECK(c, c->no_balance || (answers + c->unanswered >= lasts + unexpected &&
                               answers + c->unanswered <= lasts + unexpected + automatic &&
                               answers <= lasts + unexpected));
}

/* Counters and trace tell the same story. */
static void ledger(struct conf *c)
{
    const struct uiommu_unit_counters *told = &c->b.trace.told;
    uintptr_t all = told->invalid + told->failure + c->b.trace.refused + told->dropped, ended;
    struct uiommu_unit_counters sum, one;
    uintptr_t *to = (uintptr_t *)&sum, *from = (uintptr_t *)&one;
    const struct bench *b;
    size_t i;

    memset(&sum, 0, sizeof(sum));
    for (b = &c->b; b != NULL && c->b.ops.trace != NULL; b = b->beside) {
        if (b->unit == NULL || uiommu_unit_get_counters(b->unit, &one) != UIOMMU_OK) {
            return;
        }
        for (i = 0; i < sizeof(sum) / sizeof(*to); i++) {
            to[i] += from[i];
        }
    }
    ended = sum.invalid + sum.failure + sum.dropped;
    if (c->b.ops.trace == NULL) {
        return;
    }
    CHECK(c, sum.requests == told->requests);
    CHECK(c, sum.groups == told->groups);
    CHECK(c, sum.dispatched == told->dispatched);
    CHECK(c, sum.success == told->success);
    CHECK(c, sum.invalid + sum.failure >= told->invalid + told->failure && ended >= all);
    CHECK(c, sum.invalid + sum.failure <= told->invalid + told->failure + c->b.trace.refused);
    CHECK(c, sum.unknown_id >= told->unknown_id && sum.unknown_pasid >= told->unknown_pasid);
    CHECK(c, sum.markers == told->markers);
    CHECK(c, sum.overflows == told->overflows);
    CHECK(c, sum.commands == told->commands && sum.command_errors == told->command_errors);
    CHECK(c, sum.poisoned <= told->poisoned && (sum.poisoned == 0) == (told->poisoned == 0));
    CHECK(c, sum.requests <= sum.entries && sum.events_lost <= sum.events);
}

void conf_end(struct conf *c)
{
    uiommu_err err;
    uint32_t i;

    conf_look(c);
    calm(c);
    if (c->b.u == NULL) {
        return;
    }
    if (c->b.started) {
        conf_run(c, BENCH_MS);
    }
    for (i = 0; i < c->spaces; i++) {
        end_space(c, &c->space[i]);
    }
    /* VFs come after their PF. */
    for (i = c->devices; i > 0; i--) {
        end_device(c, &c->dev[i - 1]);
    }
    for (i = 0; i < c->devices; i++) {
        CHECK(c, c->dev[i].port == NULL || uiommu_port_destroy(c->dev[i].port) == UIOMMU_OK);
    }
    balance(c);
    ledger(c);
    conf_look(c);
    for (i = 0; i < c->pasids && !c->b.features.untagged; i++) {
        err = uiommu_pasid_put(c->b.pasids, c->pasid[i]);
        CHECK(c, err == UIOMMU_OK || err == UIOMMU_E_NOT_FOUND);
    }
    if (c->owner != NULL) {
        CHECK(c, uiommu_owner_destroy(c->owner) == UIOMMU_OK);
    }
    CHECK(c, bench_down(&c->b) == UIOMMU_OK);
}

/* Nothing leaked, nothing was used wrongly. */
static void last_look(struct conf *c)
{
    uint64_t bytes = 0;

    bench_heap_look(&c->b);
    CHECK(c, c->b.heap.live == 0);
    CHECK(c, c->b.heap.faults == 0);
    CHECK(c, c->b.mem_live == 0);
    CHECK(c, model_ram_live(c->b.world, &bytes) == 0);
    CHECK(c, c->b.irq_depth == 0);
    CHECK(c, c->b.irq_faults == 0);
    CHECK(c, c->b.trace.unknown == 0);
    CHECK(c, c->b.reports == c->reports);
}

void conf_run_test(const struct conf_test *test, const struct bench_vendor *vendor,
                   const struct bench_variant *variant, uint64_t seed, void *memory,
                   struct conf_result *out)
{
    struct conf *c = memory;
    uint8_t *rest = (uint8_t *)memory + (CONF_MEMORY - BENCH_MEMORY);

    memset(out, 0, sizeof(*out));
    memset(c, 0, sizeof(*c));
    c->test = test;
    c->result = out;
    if (!CHECK(c, bench_make(&c->b, vendor, variant, seed, rest))) {
        return;
    }
    test->run(c);
    if (c->b.lacks == NULL) {
        conf_end(c);
    }
    if (out->verdict != CONF_FAILED && c->b.lacks == NULL) {
        last_look(c);
    }
    judge_skip(c);
    out->trace = c->b.trace.hash;
}
