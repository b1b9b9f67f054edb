/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdio.h>
#include <stdlib.h>

#include "suite.h"

/* Criterion as a runner: one parameter a variant, all tests in each. */

struct parameter {
    uint32_t variant;
};

ParameterizedTestParameters(conformance, variants)
{
    static struct parameter parameters[64];
    uint32_t i;

    for (i = 0; i < bench_variant_count && i < 64; i++) {
        parameters[i].variant = i;
    }
    return cr_make_param_array(struct parameter, parameters, i);
}

static void run(const struct conf_test *test, uint32_t variant, void *memory)
{
    struct conf_result result;

    conf_run_test(test, &bench_smmuv3, &bench_variants[variant], 1 + variant, memory, &result);
    cr_expect(result.verdict != CONF_FAILED, "%s [%s]\n%s:%d: %s%s%s", test->name,
              bench_variants[variant].name, result.verdict == CONF_FAILED ? result.file : "",
              result.line, result.verdict == CONF_FAILED ? result.what : "",
              result.rule != NULL ? "; a model complained: " : "",
              result.rule != NULL ? result.rule : "");
}

ParameterizedTest(struct parameter *parameter, conformance, variants)
{
    void *memory = malloc(CONF_MEMORY);
    uint32_t i, k;

    cr_assert_not_null(memory);
    for (i = 0; i < conf_theme_count; i++) {
        for (k = 0; k < conf_themes[i]->count; k++) {
            run(&conf_themes[i]->tests[k], parameter->variant, memory);
        }
    }
    free(memory);
}
