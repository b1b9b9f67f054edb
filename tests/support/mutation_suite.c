/* SPDX-License-Identifier: BSD-2-Clause */
#include "mutation.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "suite.h"

/* The tests of the suite; a number is (test * vendors + vendor) * variants + variant. */

/* One run leaves all behind it that the next needs. */
const bool mutation_together = true;

static const struct conf_test *test_at(unsigned long number)
{
    uint32_t i;

    for (i = 0; i < conf_theme_count; i++) {
        if (number < conf_themes[i]->count) {
            return &conf_themes[i]->tests[number];
        }
        number -= conf_themes[i]->count;
    }
    return NULL;
}

void mutation_list(void)
{
    uint32_t i;

    for (i = 0; test_at(i) != NULL; i++) {
        printf("test %s\n", test_at(i)->name);
    }
    for (i = 0; i < bench_vendor_count; i++) {
        printf("vendor %s\n", bench_vendors[i]->name);
    }
    for (i = 0; i < bench_variant_count; i++) {
        printf("variant %s\n", bench_variants[i].name);
    }
}

bool mutation_item(unsigned long number)
{
    unsigned long variant = number % bench_variant_count, pair = number / bench_variant_count;
    const struct conf_test *test = test_at(pair / bench_vendor_count);
    static void *memory; /* fresh pages for each run take longer than most runs */
    struct conf_result result;

    if (memory == NULL) {
        memory = malloc(CONF_MEMORY);
    }
    if (memory == NULL || test == NULL) {
        printf("no memory, or no such test\n");
        exit(1);
    }
    conf_run_test(test, bench_vendors[pair % bench_vendor_count], &bench_variants[variant],
                  1 + variant, memory, &result);
    if (result.verdict == CONF_FAILED) {
        const char *name = strrchr(result.file, '/');

        printf("%s:%d: %s\n", name != NULL ? name + 1 : result.file, result.line, result.what);
        exit(1);
    }
    return result.verdict == CONF_PASSED;
}
