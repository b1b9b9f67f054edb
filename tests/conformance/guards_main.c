/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../support/checked.h"
#include "suite.h"

/*
 * A test that was never seen to fail proves nothing. Each guard of the core (core/check.h) is
 * switched off in turn, and the test that is named for it must fail then, on some variant. A
 * broken invariant that the core itself notices is told as well, but counts for nothing. So on
 * every bench: what one vendor's hardware hides another's may show.
 *   -a  run every test against every guard: all that catch it
 */

struct guard {
    enum uiommu_guard number;
    const char *name;
    const char *test;   /* Contained in the name of the test that must fail. */
    const char *hidden; /* Vendors whose hardware leaves nothing to see of it; NULL: none. */
};

/*
 * Hidden are D2's parts where one command drops cached entries and translations together: each
 * part alone does for both, or the barrier does it again; the second D3 where the first proves; and
 * lives where hardware queues nothing for a PASID without entry, so that a drained ring holds
 * nothing of before.
 */
static const struct guard guards[] = {
    {UIOMMU_GUARD_D1_CLOSE, "D1_CLOSE", "drain: requests during the drain are INVALID", NULL},
    {UIOMMU_GUARD_D1_WAIT, "D1_WAIT", "drain: groups with a handler are waited for", NULL},
    {UIOMMU_GUARD_D2_CLEAR, "D2_CLEAR", "drain: nothing of the bond is reachable", NULL},
    {UIOMMU_GUARD_D2_CONFIG, "D2_CONFIG", "drain: nothing of the bond is reachable", "amd"},
    {UIOMMU_GUARD_D2_TLB, "D2_TLB", "drain: nothing of the bond is reachable", "amd vtd"},
    {UIOMMU_GUARD_D2_DEVICE, "D2_DEVICE", "drain: the device TLB is empty", NULL},
    {UIOMMU_GUARD_D3, "D3", "drain: the barrier pushes what left before it", NULL},
    {UIOMMU_GUARD_D3_TWICE, "D3_TWICE", "race: a request arrives after the barrier", "vtd"},
    {UIOMMU_GUARD_D4, "D4", "drain: the ring is consumed to the snapshot", NULL},
    {UIOMMU_GUARD_D5, "D5", "drain: open groups are purged", NULL},
    {UIOMMU_GUARD_D6, "D6", "drain: a handler call that has not returned", NULL},
    {UIOMMU_GUARD_REST, "REST", "lives: a number rests", NULL},
    {UIOMMU_GUARD_LIFE, "LIFE", "lives: a request from before the life", "vtd"},
    {UIOMMU_GUARD_I3_TOKEN, "I3_TOKEN", "groups: a second answer does nothing", NULL},
    {UIOMMU_GUARD_I3_LAST, "I3_LAST", "groups: no answer without Last", NULL},
    {UIOMMU_GUARD_I3_MARKER, "I3_MARKER", "markers: never answered", NULL},
    {UIOMMU_GUARD_I5_KEY, "I5_KEY", "groups: one index under two PASIDs", NULL},
    {UIOMMU_GUARD_I5_IN_FLIGHT, "I5_IN_FLIGHT", "groups: an index in flight", NULL},
    {UIOMMU_GUARD_I9_LEDGER, "I9_LEDGER", "credits: cut, refused, never oversold", NULL},
    {UIOMMU_GUARD_I9_CREDITS, "I9_CREDITS", "credits: beyond the grant", NULL},
    {UIOMMU_GUARD_I11_PARTIALS, "I11_PARTIALS", "overflow: open groups die", NULL},
    {UIOMMU_GUARD_I11_RESTART, "I11_RESTART", "overflow: during the last D3", NULL},
    {UIOMMU_GUARD_I19_TOKEN, "I19_TOKEN", "reset: an answer from before", NULL},
    {UIOMMU_GUARD_I19_RING, "I19_RING", "reset: entries of before are dropped", NULL},
    {UIOMMU_GUARD_I20_ORDER, "I20_ORDER", "drain: IOTLB before device TLB", NULL},
    {UIOMMU_GUARD_EXIT_DEAD, "EXIT_DEAD", "exit: a SUCCESS given after the death", NULL},
    {UIOMMU_GUARD_R4_STOP, "R4_STOP", "unbind: a stop that never confirms", NULL},
};

static unsigned broken;

static void on_broken(const char *invariant, const char *file, int line)
{
    (void)invariant;
    (void)file;
    (void)line;
    broken++;
}

/* The first variant on which the test fails; NULL: on none. */
static const struct bench_variant *fails_on(const struct conf_test *test,
                                            const struct bench_vendor *vendor, void *memory,
                                            struct conf_result *result)
{
    uint32_t i;

    for (i = 0; i < bench_variant_count; i++) {
        conf_run_test(test, vendor, &bench_variants[i], 1 + i, memory, result);
        if (result->verdict == CONF_FAILED) {
            return &bench_variants[i];
        }
    }
    return NULL;
}

static const struct conf_test *find(const char *name)
{
    uint32_t i, k;

    for (i = 0; i < conf_theme_count; i++) {
        for (k = 0; k < conf_themes[i]->count; k++) {
            if (conf_matches(conf_themes[i]->tests[k].name, name)) {
                return &conf_themes[i]->tests[k];
            }
        }
    }
    return NULL;
}

enum catch {
    CAUGHT,
    MISSED,
    UNTESTED, /* The test is skipped there, or the hardware leaves nothing to guard. */
};

static enum catch try_on(const struct guard *guard, const struct conf_test *test,
                         const struct bench_vendor *vendor, void *memory)
{
    const struct bench_variant *variant;
    struct conf_result result;

    if (fails_on(test, vendor, memory, &result) != NULL) {
        printf("%-13s fails with the guard on: %s [%s]\n", guard->name, test->name, vendor->name);
        return MISSED;
    }
    broken = 0;
    uiommu_test_guard_off[guard->number] = 1;
    variant = fails_on(test, vendor, memory, &result);
    uiommu_test_guard_off[guard->number] = 0;
    if (variant == NULL) {
        return UNTESTED;
    }
    printf("%-13s   by %s:%d: %s [%s %s]%s\n", "",
           strrchr(result.file, '/') != NULL ? strrchr(result.file, '/') + 1 : result.file,
           result.line, result.what, vendor->name, variant->name,
           broken != 0 ? " and by the core" : "");
    return CAUGHT;
}

/* Caught on every bench, but for those that are listed. */
static bool try_guard(const struct guard *guard, void *memory)
{
    const struct conf_test *test = find(guard->test);
    bool good = true;
    uint32_t v;

    if (test == NULL) {
        printf("%-13s no such test: %s\n", guard->name, guard->test);
        return false;
    }
    printf("%-13s %s\n", guard->name, test->name);
    for (v = 0; v < bench_vendor_count; v++) {
        const char *vendor = bench_vendors[v]->name;
        bool hidden = guard->hidden != NULL && conf_matches(guard->hidden, vendor);
        enum catch got = try_on(guard, test, bench_vendors[v], memory);

        if (got == MISSED) {
            good = false;
        } else if ((got == CAUGHT) == hidden) {
            printf("%-13s   %s on %s\n", "", hidden ? "CAUGHT, but listed as hidden" : "NOT CAUGHT",
                   vendor);
            good = false;
        } else if (hidden) {
            printf("%-13s   hidden on %s\n", "", vendor);
        }
    }
    return good;
}

static void all_that_catch(const struct guard *guard, void *memory)
{
    struct conf_result result;
    uint32_t i, k;

    for (i = 0; i < conf_theme_count; i++) {
        for (k = 0; k < conf_themes[i]->count; k++) {
            uiommu_test_guard_off[guard->number] = 1;
            if (fails_on(&conf_themes[i]->tests[k], bench_vendors[0], memory, &result) != NULL) {
                printf("%-13s %s\n", "", conf_themes[i]->tests[k].name);
            }
            uiommu_test_guard_off[guard->number] = 0;
        }
    }
}

int main(int argc, char **argv)
{
    bool all = argc == 2 && strcmp(argv[1], "-a") == 0;
    unsigned passed = 0, failed = 0;
    bool named[UIOMMU_GUARD_END] = {false};
    size_t i;
    void *memory = malloc(CONF_MEMORY);

    if (memory == NULL || (argc > 1 && !all)) {
        fprintf(stderr, "usage: %s [-a]\n", argv[0]);
        free(memory);
        return 2;
    }
    checked_broken = on_broken;
    for (i = 0; i < sizeof(guards) / sizeof(guards[0]); i++) {
        bool ok = try_guard(&guards[i], memory);

        named[guards[i].number] = true;
        passed += ok;
        failed += !ok;
        if (all) {
            all_that_catch(&guards[i], memory);
        }
        fflush(stdout);
    }
    for (i = 0; i < UIOMMU_GUARD_END; i++) {
        if (!named[i]) {
            printf("guard %u has no test\n", (unsigned)i);
            failed++;
        }
    }
    free(memory);
    printf("%u passed, %u failed, 0 skipped\n", passed, failed);
    return failed != 0;
}
