/* SPDX-License-Identifier: BSD-2-Clause */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench_qemu.h"

/* Runs the conformance suite on QEMU's IOMMUs, as far as they and their devices go. */

static const char usage_text[] =
    "usage: bench_qemu [-l] [-k TEXT] [-m TEXT] [-s N] [-v]\n"
    "\n"
    "  -l          list the machines, and run nothing\n"
    "  -k TEXT     only tests whose name contains TEXT\n"
    "  -m TEXT     only machines whose name contains TEXT\n"
    "  -s N        seed of the suite's choices; 1\n"
    "  -v          a line for every test, with the reason where it is skipped\n"
    "\n"
    "UIOMMU_QEMU names the folder of qemu-system-x86_64 and -aarch64 (11.1 or newer, with its\n"
    "accelerator qtest: tests/qemu/qemu11 gets them); else PATH is looked through.\n"
    "Exit code: 0 all that ran passed, 1 some failed, 2 wrong usage or no QEMU.\n";

/* Devices have no translation cache and QEMU acts at once: other variants would be the same. */
#define VARIANT "swallowed/snoops/small/irq/prompt"

static struct bench_vendor machines[QEMU_MACHINES];

/* Groups of tests that need what is not there, and do not find that out by themselves. */
#define NUMBERS  "devices here have one address space each: they send no PASIDs"
#define REQUESTS "no page requests"
#define UNITS    "one PASID on several units; and a machine has one here"
#define UNNAMED  "D11: QEMU passes who was named in no INVALIDATE_DEVTAB_ENTRY yet"
static const struct {
    const char *machine, *test, *why;
} not_here[] = {
    {"", "one number, one address space", NUMBERS},
    {"", "pasid: a bond holds its number", NUMBERS},
    {"", "pasid: several devices, the last", NUMBERS},
    {"", "pasid: references dropped in an interrupt", NUMBERS},
    {"", "pasid: widths of devices", NUMBERS},
    {"", "stages take turns on a device", NUMBERS},
    {"", "badinput: bonds that cannot be", NUMBERS},
    {"", "founding race without PASID", REQUESTS},
    {"", "bonds without PASID take the same way", REQUESTS},
    {"", "credits: ", REQUESTS},
    {"", "overflow: a flood is answered", REQUESTS},
    {"", "each answer goes where its request", REQUESTS},
    {"", "reset: without a barrier there is no end", REQUESTS},
    {"", "several: ", UNITS},
    /* What QEMU does otherwise than its vendor says: docs/hardware/qemu.md has the whole story. */
    {"amd", "found enabled is taken over", UNNAMED},
    {"amd", "nobody passes", UNNAMED},
    {"amd", "no unit starts before each reserved", UNNAMED},
    {"amd", "events that find no room", "D6: a closed device entry makes no event"},
    {"amd", "a raw command that the hardware refuses", "D7: it logs the error and goes on"},
};

/* Why the test is left out on the machine; NULL: it is not. */
static const char *left_out(const char *machine, const char *test)
{
    size_t i;

    for (i = 0; i < sizeof(not_here) / sizeof(not_here[0]); i++) {
        if (conf_matches(machine, not_here[i].machine) && conf_matches(test, not_here[i].test)) {
            return not_here[i].why;
        }
    }
    return NULL;
}

/* What was not run, by reason. */
#define REASONS 48u
static struct {
    const char *why;
    uint32_t count[QEMU_MACHINES];
} reasons[REASONS];

static void count_reason(size_t machine, const char *why)
{
    uint32_t i = 0;

    while (i < REASONS - 1 && reasons[i].why != NULL && strcmp(reasons[i].why, why) != 0) {
        i++;
    }
    reasons[i].why = i == REASONS - 1 ? "others" : why;
    reasons[i].count[machine]++;
}

static const char *wanted_machine = "";

static bool is_wanted(size_t machine)
{
    return strstr(machines[machine].name, wanted_machine) != NULL;
}

/* The commonest reasons come first. */
static uint32_t weight(uint32_t i)
{
    uint32_t m, sum = 0;

    for (m = 0; m < QEMU_MACHINES; m++) {
        sum += reasons[i].count[m];
    }
    return sum;
}

static void print_reasons(void)
{
    uint32_t i, m, most;

    printf("\nNot run, and why (");
    for (i = m = 0; m < QEMU_MACHINES; m++) {
        if (is_wanted(m)) {
            printf("%s%s", i++ == 0 ? "" : "; ", machines[m].name);
        }
    }
    printf("):\n");
    for (;;) {
        for (most = 0, i = 1; i < REASONS; i++) {
            most = weight(i) > weight(most) ? i : most;
        }
        if (weight(most) == 0) {
            break;
        }
        for (m = 0; m < QEMU_MACHINES; m++) {
            if (is_wanted(m)) {
                printf("%5u", reasons[most].count[m]);
            }
        }
        printf("  %s\n", reasons[most].why);
        memset(reasons[most].count, 0, sizeof(reasons[most].count));
    }
    printf("\n");
}

static const struct bench_variant *variant_of(const char *name)
{
    const struct bench_variant *v = bench_variants;

    while (strcmp(v->name, name) != 0) {
        v++;
    }
    return v;
}

static const struct conf_test *running;

static void guarded(struct conf *c)
{
    qemu_guard(running, c);
}

struct options {
    const char *pattern;
    unsigned long seed;
    bool verbose;
};

static void report(const struct options *options, const struct conf_test *test,
                   const struct conf_result *result)
{
    if (result->verdict == CONF_FAILED) {
        printf("FAILED  %s\n        %s:%d: %s\n", test->name, result->file, result->line,
               result->what);
        if (result->rule != NULL) {
            printf("        the bench complained: %s\n", result->rule);
        }
    } else if (options->verbose) {
        printf("%-7s %s%s%s\n", result->verdict == CONF_PASSED ? "ok" : "skipped", test->name,
               result->verdict == CONF_PASSED ? "" : ": ",
               result->verdict == CONF_PASSED ? "" : result->what);
    }
    fflush(stdout);
}

static void run_theme(const struct conf_theme *theme, struct conf_plan *plan,
                      const struct options *options, struct conf_totals *totals)
{
    struct conf_result result;
    uint32_t i;

    for (i = 0; i < theme->count; i++) {
        struct conf_test test = {theme->tests[i].name, guarded};

        if (!conf_matches(test.name, options->pattern)) {
            continue;
        }
        running = &theme->tests[i];
        memset(&result, 0, sizeof(result));
        result.verdict = CONF_SKIPPED;
        result.what = left_out(plan->vendor->name, test.name);
        if (result.what == NULL) {
            conf_run_test(&test, plan->vendor, variant_of(VARIANT), plan->seed, plan->memory,
                          &result);
        }
        totals->passed += result.verdict == CONF_PASSED;
        totals->failed += result.verdict == CONF_FAILED;
        totals->skipped += result.verdict == CONF_SKIPPED;
        if (result.verdict == CONF_SKIPPED) {
            count_reason((size_t)(plan->vendor - machines), result.what);
        }
        report(options, &test, &result);
    }
}

static void run_machine(const struct bench_vendor *machine, const struct options *options,
                        void *memory, struct conf_totals *all)
{
    struct conf_plan plan = {.vendor = machine, .seed = options->seed, .memory = memory};
    struct conf_totals totals = {0, 0, 0};
    time_t start = time(NULL);
    uint32_t i;

    printf("%s:\n", machine->name);
    for (i = 0; i < conf_theme_count; i++) {
        run_theme(conf_themes[i], &plan, options, &totals);
    }
    printf("%s: %u of %u run; %u passed, %u failed, %u skipped in %ld s\n", machine->name,
           totals.passed + totals.failed, totals.passed + totals.failed + totals.skipped,
           totals.passed, totals.failed, totals.skipped, (long)(time(NULL) - start));
    all->passed += totals.passed;
    all->failed += totals.failed;
    all->skipped += totals.skipped;
}

int main(int argc, char **argv)
{
    struct options options = {.pattern = "", .seed = 1};
    struct conf_totals totals = {0, 0, 0};
    void *memory;
    size_t i;
    int c;

    qemu_machines(machines);
    while ((c = getopt(argc, argv, "lk:m:s:vh")) != -1) {
        switch (c) {
        case 'l':
            for (i = 0; i < QEMU_MACHINES; i++) {
                printf("%s\n", machines[i].name);
            }
            return 0;
        case 'k':
            options.pattern = optarg;
            break;
        case 'm':
            wanted_machine = optarg;
            break;
        case 's':
            options.seed = strtoul(optarg, NULL, 0);
            break;
        case 'v':
            options.verbose = true;
            break;
        default:
            fputs(usage_text, c == 'h' ? stdout : stderr);
            return c == 'h' ? 0 : 2;
        }
    }
    memory = malloc(CONF_MEMORY);
    if (memory == NULL) {
        fprintf(stderr, "bench_qemu: no memory (%zu bytes)\n", (size_t)CONF_MEMORY);
        return 2;
    }
    for (i = 0; i < QEMU_MACHINES; i++) {
        if (is_wanted(i)) {
            run_machine(&machines[i], &options, memory, &totals);
        }
    }
    qemu_end();
    free(memory);
    print_reasons();
    printf("%u passed, %u failed, %u skipped\n", totals.passed, totals.failed, totals.skipped);
    return totals.failed != 0 ? 1 : totals.passed == 0 ? 2 : 0;
}
