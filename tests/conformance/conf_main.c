/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "suite.h"

/*
 * Runs the suite: every test on every variant of every bench.
 *   -l          list the tests
 *   -k TEXT     only tests whose name contains TEXT
 *   -v          a line for every run
 *   -x          stop at the first failure
 *   --variant TEXT  only variants whose name contains TEXT
 *   --seed N    of every choice the models make; 1
 */

static const struct bench_vendor *const vendors[] = {
    &bench_smmuv3,
#ifdef BENCH_AMD
    &bench_amd,
#endif
#ifdef BENCH_VTD
    &bench_vtd,
#endif
};

struct options {
    const char *pattern;
    const char *variant;
    unsigned long seed;
    bool list, verbose, stop;
};

struct totals {
    unsigned passed, failed, skipped;
};

static const char *word(enum conf_verdict verdict)
{
    return verdict == CONF_PASSED ? "ok" : verdict == CONF_FAILED ? "FAILED" : "skipped";
}

static void tell(const struct conf_test *test, const struct bench_vendor *vendor,
                 const struct bench_variant *variant, const struct conf_result *result)
{
    printf("%-7s %s [%s %s]", word(result->verdict), test->name, vendor->name, variant->name);
    if (result->verdict == CONF_FAILED) {
        printf("\n        %s:%d: %s", result->file, result->line, result->what);
        if (result->rule != NULL) {
            printf("\n        a model complained: %s", result->rule);
        }
    } else if (result->verdict == CONF_SKIPPED) {
        printf(": %s", result->what);
    }
    printf("\n");
}

/* Twice with one seed: the same trace, else the failure is ours. */
static bool same_again(const struct conf_test *test, const struct bench_vendor *vendor,
                       const struct bench_variant *variant, unsigned long seed, void *memory,
                       const struct conf_result *first)
{
    struct conf_result second;

    conf_run_test(test, vendor, variant, seed, memory, &second);
    return second.trace == first->trace && second.verdict == first->verdict;
}

static void run_one(const struct conf_test *test, const struct options *options, void *memory,
                    struct totals *totals)
{
    unsigned ran = 0, failed = 0;
    const char *why = NULL;
    size_t v;
    uint32_t i;

    for (v = 0; v < sizeof(vendors) / sizeof(vendors[0]); v++) {
        for (i = 0; i < bench_variant_count; i++) {
            const struct bench_variant *variant = &bench_variants[i];
            struct conf_result result;

            if (!conf_matches(variant->name, options->variant)) {
                continue;
            }
            conf_run_test(test, vendors[v], variant, options->seed + i, memory, &result);
            if (i == 0 && !same_again(test, vendors[v], variant, options->seed, memory, &result)) {
                printf("FAILED  %s: the same seed gave another trace\n", test->name);
                failed++;
            }
            if (options->verbose || result.verdict == CONF_FAILED) {
                tell(test, vendors[v], variant, &result);
            }
            ran += result.verdict == CONF_PASSED;
            failed += result.verdict == CONF_FAILED;
            why = result.verdict == CONF_SKIPPED ? result.what : why;
        }
    }
    totals->failed += failed != 0;
    totals->passed += failed == 0 && ran != 0;
    totals->skipped += failed == 0 && ran == 0;
    if (failed == 0 && ran != 0 && !options->verbose) {
        printf("%-7s %s (%u)%s%s\n", "ok", test->name, ran,
               why == NULL ? "" : "; elsewhere: ", why == NULL ? "" : why);
    } else if (failed == 0 && ran == 0) {
        printf("%-7s %s: %s\n", "skipped", test->name, why == NULL ? "no such variant" : why);
    }
}

static bool parse(struct options *options, int argc, char **argv)
{
    int i;

    for (i = 1; i < argc; i++) {
        bool more = i + 1 < argc;

        if (strcmp(argv[i], "-l") == 0) {
            options->list = true;
        } else if (strcmp(argv[i], "-v") == 0) {
            options->verbose = true;
        } else if (strcmp(argv[i], "-x") == 0) {
            options->stop = true;
        } else if (strcmp(argv[i], "-k") == 0 && more) {
            options->pattern = argv[++i];
        } else if (strcmp(argv[i], "--variant") == 0 && more) {
            options->variant = argv[++i];
        } else if (strcmp(argv[i], "--seed") == 0 && more) {
            options->seed = strtoul(argv[++i], NULL, 0);
        } else {
            fprintf(stderr, "usage: %s [-l] [-v] [-x] [-k TEXT] [--variant TEXT] [--seed N]\n",
                    argv[0]);
            return false;
        }
    }
    return true;
}

int main(int argc, char **argv)
{
    struct options options = {.pattern = "", .variant = "", .seed = 1};
    struct totals totals = {0, 0, 0};
    uint32_t i, k;
    void *memory;

    if (!parse(&options, argc, argv)) {
        return 2;
    }
    memory = malloc(CONF_MEMORY);
    if (memory == NULL) {
        fprintf(stderr, "no memory\n");
        return 2;
    }
    for (i = 0; i < conf_theme_count; i++) {
        for (k = 0; k < conf_themes[i]->count; k++) {
            const struct conf_test *test = &conf_themes[i]->tests[k];

            if (!conf_matches(test->name, options.pattern) || (options.stop && totals.failed > 0)) {
                continue;
            }
            if (options.list) {
                printf("%s\n", test->name);
            } else {
                run_one(test, &options, memory, &totals);
            }
            fflush(stdout);
        }
    }
    free(memory);
    if (!options.list) {
        printf("%u passed, %u failed, %u skipped\n", totals.passed, totals.failed, totals.skipped);
    }
    return totals.failed != 0;
}
