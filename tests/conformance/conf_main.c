/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "suite.h"

/*
 * Runs the suite: every test on every variant of every bench, and prints the matrix: rows are
 * tests, columns backends, a cell says on how many variants the test passed.
 */

static const char usage_text[] =
    "usage: conformance [-l] [-k TEXT] [--vendor NAME] [--variant TEXT] [--seed N] [-v] [-x]\n"
    "\n"
    "  -l              list the tests, and run none\n"
    "  -k TEXT         only tests whose name contains TEXT\n"
    "  --vendor NAME   only this bench\n"
    "  --variant TEXT  only variants whose name contains TEXT\n"
    "  --seed N        of every choice the models make; 1\n"
    "  -v              a line for every run\n"
    "  -x              stop at the first test that fails\n"
    "\n"
    "A cell is the number of variants on which the test passed; of those it was skipped on it "
    "says\n"
    "\"+N\" (tests/conformance/skips.c has the reasons); \"-\" is skipped on all, \"FAILED\" on "
    "some.\n"
    "Exit code: 0 all passed, 1 some failed, 2 wrong usage.\n";

#define VENDORS 8u /* At most. */
#define REASONS 32u

struct options {
    const char *pattern, *vendor, *variant;
    unsigned long seed;
    bool list, verbose, stop;
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

/* What a report needs besides. */
struct listener {
    const struct bench_vendor *vendor;
    bool verbose;
    const char *why; /* The last skip's reason. */
};

static void hear(void *ctx, const struct conf_test *test, const struct bench_variant *variant,
                 const struct conf_result *result)
{
    struct listener *listener = ctx;

    if (result->verdict == CONF_SKIPPED) {
        listener->why = result->what;
    }
    if (listener->verbose || result->verdict == CONF_FAILED) {
        tell(test, listener->vendor, variant, result);
    }
}

/* One test on one bench: a cell of the matrix. */
static struct conf_totals run_cell(const struct conf_test *test, const struct bench_vendor *vendor,
                                   const struct options *options, void *memory, const char **why)
{
    struct listener listener = {vendor, options->verbose, NULL};
    struct conf_plan plan = {.vendor = vendor,
                             .variant = options->variant,
                             .seed = options->seed,
                             .memory = memory,
                             .ctx = &listener,
                             .report = hear};
    struct conf_totals cell;

    conf_run_variants(&plan, test, &cell);
    *why = listener.why;
    return cell;
}

static void print_cell(const struct conf_totals *cell)
{
    char text[32];

    if (cell->failed != 0) {
        snprintf(text, sizeof(text), "FAILED");
    } else if (cell->passed == 0) {
        snprintf(text, sizeof(text), "-");
    } else if (cell->skipped != 0) {
        snprintf(text, sizeof(text), "%u+%u", cell->passed, cell->skipped);
    } else {
        snprintf(text, sizeof(text), "%u", cell->passed);
    }
    printf(" %7s", text);
}

static bool chosen(const struct bench_vendor *vendor, const struct options *options)
{
    return options->vendor == NULL || strcmp(options->vendor, vendor->name) == 0;
}

static void print_head(const struct options *options)
{
    uint32_t v;

    for (v = 0; v < bench_vendor_count; v++) {
        if (chosen(bench_vendors[v], options)) {
            printf(" %7s", bench_vendors[v]->name);
        }
    }
    printf("  variants on which each test passed (+ skipped)\n");
}

/* Why what was skipped everywhere was: told once each, below the matrix. */
static struct reason {
    const struct bench_vendor *vendor;
    const char *why;
    uint32_t count;
} reasons[REASONS];

static void note_skip(const struct bench_vendor *vendor, const char *why)
{
    struct reason *r = reasons;

    while (r < &reasons[REASONS - 1] && r->count != 0 && (r->vendor != vendor || r->why != why)) {
        r++;
    }
    r->vendor = vendor;
    r->why = why;
    r->count++;
}

static void print_skips(void)
{
    const struct reason *r;

    for (r = reasons; r < &reasons[REASONS] && r->count != 0; r++) {
        printf("skipped: %u on %s: %s\n", r->count, r->vendor->name,
               r->why != NULL ? r->why : "no reason given");
    }
}

/* A row of the matrix; adds to the totals, a cell at a time. */
static void run_row(const struct conf_test *test, const struct options *options, void *memory,
                    struct conf_totals *totals)
{
    struct conf_totals cells[VENDORS];
    const char *why[VENDORS];
    uint32_t v;

    for (v = 0; v < bench_vendor_count; v++) {
        if (!chosen(bench_vendors[v], options)) {
            continue;
        }
        cells[v] = run_cell(test, bench_vendors[v], options, memory, &why[v]);
        totals->failed += cells[v].failed != 0;
        totals->passed += cells[v].failed == 0 && cells[v].passed != 0;
        totals->skipped += cells[v].failed == 0 && cells[v].passed == 0;
    }
    for (v = 0; v < bench_vendor_count; v++) {
        if (chosen(bench_vendors[v], options)) {
            print_cell(&cells[v]);
        }
    }
    printf("  %s\n", test->name);
    for (v = 0; v < bench_vendor_count; v++) {
        if (chosen(bench_vendors[v], options) && cells[v].failed == 0 && cells[v].passed == 0) {
            note_skip(bench_vendors[v], why[v]);
        }
    }
    fflush(stdout);
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
        } else if (strcmp(argv[i], "--vendor") == 0 && more) {
            options->vendor = argv[++i];
        } else if (strcmp(argv[i], "--variant") == 0 && more) {
            options->variant = argv[++i];
        } else if (strcmp(argv[i], "--seed") == 0 && more) {
            options->seed = strtoul(argv[++i], NULL, 0);
        } else {
            return false;
        }
    }
    return true;
}

/* Every listed skip names a test and a variant that exist. */
static bool skips_exist(const struct bench_skip *skips, uint32_t count)
{
    const struct bench_skip *stale = conf_skip_stale(skips, count);

    if (stale != NULL) {
        printf("FAILED  a skip is listed of \"%s\" on \"%s\", which does not exist\n", stale->test,
               stale->variant);
    }
    return stale == NULL;
}

static void check_skips(struct conf_totals *totals)
{
    bool good = skips_exist(conf_skips, conf_skip_count);
    uint32_t v;

    for (v = 0; v < bench_vendor_count; v++) {
        if (bench_vendors[v]->skips != NULL) {
            good &= skips_exist(bench_vendors[v]->skips, *bench_vendors[v]->skip_count);
        }
    }
    totals->failed += !good;
}

static void run_all(const struct options *options, void *memory, struct conf_totals *totals)
{
    uint32_t i, k;

    for (i = 0; i < conf_theme_count; i++) {
        for (k = 0; k < conf_themes[i]->count; k++) {
            const struct conf_test *test = &conf_themes[i]->tests[k];

            if (!conf_matches(test->name, options->pattern) ||
                (options->stop && totals->failed > 0)) {
                continue;
            }
            if (options->list) {
                printf("%s\n", test->name);
            } else {
                run_row(test, options, memory, totals);
            }
        }
    }
}

int main(int argc, char **argv)
{
    struct options options = {.pattern = "", .variant = "", .seed = 1};
    struct conf_totals totals = {0, 0, 0};
    void *memory;

    if (!parse(&options, argc, argv)) {
        fputs(usage_text, stderr);
        return 2;
    }
    memory = malloc(CONF_MEMORY);
    if (memory == NULL) {
        fprintf(stderr, "conformance: no memory (%zu bytes)\n", (size_t)CONF_MEMORY);
        return 2;
    }
    if (!options.list) {
        print_head(&options);
    }
    run_all(&options, memory, &totals);
    free(memory);
    if (!options.list) {
        check_skips(&totals);
        print_skips();
        printf("%u passed, %u failed, %u skipped\n", totals.passed, totals.failed, totals.skipped);
        if (totals.passed + totals.failed + totals.skipped == 0) {
            fprintf(stderr, "conformance: no such test\n");
            return 2;
        }
    }
    return totals.failed != 0;
}
