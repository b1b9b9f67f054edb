/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <stdlib.h>

#include <suite.h>

#include "toy_bench.h"

/* Runs the conformance suite on the toy: toy [TEST [VARIANT]], each a part of names. */

struct listener {
    const struct conf_test *failed; /* Told already. */
    bool skips;                     /* Tell them. */
};

/* A test that fails is told once, with the first variant on which it did. */
static void report(void *ctx, const struct conf_test *test, const struct bench_variant *variant,
                   const struct conf_result *result)
{
    struct listener *l = ctx;

    if (result->verdict == CONF_SKIPPED && l->skips) {
        printf("skipped %s [%s]: %s\n", test->name, variant->name, result->what);
    }
    if (result->verdict != CONF_FAILED || test == l->failed) {
        return;
    }
    l->failed = test;
    printf("FAILED  %s [%s]\n        %s:%d: %s\n", test->name, variant->name, result->file,
           result->line, result->what);
    if (result->rule != NULL) {
        printf("        a model complained: %s\n", result->rule);
    }
}

int main(int argc, char **argv)
{
    struct listener listener = {NULL, argc > 1 && argv[1][0] != 0};
    struct conf_plan plan = {.vendor = &toy_vendor,
                             .test = argc > 1 ? argv[1] : NULL,
                             .variant = argc > 2 ? argv[2] : NULL,
                             .seed = 1,
                             .memory = malloc(CONF_MEMORY),
                             .ctx = &listener,
                             .report = report};
    struct conf_totals totals;
    bool good;

    if (plan.memory == NULL) {
        return 2;
    }
    good = conf_run_all(&plan, &totals);
    printf("toy: %u passed, %u failed, %u skipped\n", totals.passed, totals.failed, totals.skipped);
    free(plan.memory);
    return good ? 0 : 1;
}
