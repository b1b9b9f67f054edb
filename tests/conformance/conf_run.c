/* SPDX-License-Identifier: BSD-2-Clause */
#include "suite.h"

/* Runs many: one test on every variant, every test of the suite. Prints nothing. */

static bool chosen(const char *name, const char *pattern)
{
    return pattern == NULL || conf_matches(name, pattern);
}

static void tell(const struct conf_plan *plan, const struct conf_test *test,
                 const struct bench_variant *variant, const struct conf_result *result,
                 struct conf_totals *totals)
{
    totals->passed += result->verdict == CONF_PASSED;
    totals->failed += result->verdict == CONF_FAILED;
    totals->skipped += result->verdict == CONF_SKIPPED;
    if (plan->report != NULL) {
        plan->report(plan->ctx, test, variant, result);
    }
}

static void fail(struct conf_result *result, const char *what)
{
    memset(result, 0, sizeof(*result));
    result->verdict = CONF_FAILED;
    result->file = __FILE__;
    result->line = __LINE__;
    result->what = what;
}

/* Twice with one seed: the same trace, else the failure is ours. */
static void again(const struct conf_plan *plan, const struct conf_test *test,
                  const struct bench_variant *variant, uint64_t seed, struct conf_result *first)
{
    struct conf_result second;

    conf_run_test(test, plan->vendor, variant, seed, plan->memory, &second);
    if (first->verdict != CONF_FAILED &&
        (second.trace != first->trace || second.verdict != first->verdict)) {
        fail(first, "the same seed gave another trace");
    }
}

void conf_run_variants(const struct conf_plan *plan, const struct conf_test *test,
                       struct conf_totals *out)
{
    struct conf_result result;
    bool first = true;
    uint32_t i;

    memset(out, 0, sizeof(*out));
    for (i = 0; i < bench_variant_count; i++) {
        const struct bench_variant *variant = &bench_variants[i];

        if (!chosen(variant->name, plan->variant)) {
            continue;
        }
        conf_run_test(test, plan->vendor, variant, plan->seed + i, plan->memory, &result);
        if (first) {
            again(plan, test, variant, plan->seed + i, &result);
        }
        first = false;
        tell(plan, test, variant, &result, out);
    }
}

const struct bench_skip *conf_skip_stale(const struct bench_skip *skips, uint32_t count)
{
    uint32_t i, t, k, v;

    for (i = 0; i < count; i++) {
        bool test = false, variant = false;

        for (t = 0; t < conf_theme_count; t++) {
            for (k = 0; k < conf_themes[t]->count; k++) {
                test |= conf_matches(conf_themes[t]->tests[k].name, skips[i].test);
            }
        }
        for (v = 0; v < bench_variant_count; v++) {
            variant |= conf_matches(bench_variants[v].name, skips[i].variant);
        }
        if (!test || !variant) {
            return &skips[i];
        }
    }
    return NULL;
}

static void check_skips(const struct conf_plan *plan, const struct bench_skip *skips,
                        uint32_t count, struct conf_totals *totals)
{
    const struct bench_skip *stale = conf_skip_stale(skips, count);
    struct bench_variant variant;
    struct conf_result result;
    struct conf_test test;

    if (stale == NULL) {
        return;
    }
    memset(&variant, 0, sizeof(variant));
    variant.name = stale->variant;
    test.name = stale->test;
    test.run = NULL;
    fail(&result, "a skip is listed of a test or a variant that does not exist");
    tell(plan, &test, &variant, &result, totals);
}

bool conf_run_all(const struct conf_plan *plan, struct conf_totals *out)
{
    struct conf_totals cell;
    uint32_t i, k;

    memset(out, 0, sizeof(*out));
    for (i = 0; i < conf_theme_count; i++) {
        for (k = 0; k < conf_themes[i]->count; k++) {
            const struct conf_test *test = &conf_themes[i]->tests[k];

            if (!chosen(test->name, plan->test)) {
                continue;
            }
            conf_run_variants(plan, test, &cell);
            out->failed += cell.failed != 0;
            out->passed += cell.failed == 0 && cell.passed != 0;
            out->skipped += cell.failed == 0 && cell.passed == 0 && cell.skipped != 0;
        }
    }
    check_skips(plan, conf_skips, conf_skip_count, out);
    if (plan->vendor->skips != NULL) {
        check_skips(plan, plan->vendor->skips, *plan->vendor->skip_count, out);
    }
    return out->failed == 0 && out->passed != 0;
}
