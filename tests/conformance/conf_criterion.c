/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdio.h>
#include <stdlib.h>

#include "suite.h"

/* Criterion as a runner: one parameter a bench and variant, all tests in each. The plain main goes
 * through all variants; here are the first and the last, which differ in everything. */
#define APART 31u

struct parameter {
    uint32_t vendor, variant;
};

ParameterizedTestParameters(conformance, variants)
{
    static struct parameter parameters[128];
    uint32_t i, v, n = 0;

    for (v = 0; v < bench_vendor_count; v++) {
        for (i = 0; i < bench_variant_count && n < 128; i += APART) {
            parameters[n].vendor = v;
            parameters[n++].variant = i;
        }
    }
    return cr_make_param_array(struct parameter, parameters, n);
}

static void run(const struct conf_test *test, const struct parameter *p, void *memory)
{
    const struct bench_vendor *vendor = bench_vendors[p->vendor];
    const struct bench_variant *variant = &bench_variants[p->variant];
    struct conf_result result;

    conf_run_test(test, vendor, variant, 1 + p->variant, memory, &result);
    cr_expect(result.verdict != CONF_FAILED, "%s [%s %s]\n%s:%d: %s%s%s", test->name, vendor->name,
              variant->name, result.verdict == CONF_FAILED ? result.file : "", result.line,
              result.verdict == CONF_FAILED ? result.what : "",
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
            run(&conf_themes[i]->tests[k], parameter, memory);
        }
    }
    free(memory);
}
