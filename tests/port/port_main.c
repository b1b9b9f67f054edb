/* SPDX-License-Identifier: BSD-2-Clause */
/* Looks at the port's table, then runs the conformance suite as this port compiles it. */
#include <stdio.h>
#include <stdlib.h>

#include <hostcheck.h>

#include "port_host.h"

static void row(void *ctx, const char *op, enum conf_verdict verdict, const char *what)
{
    static const char *const words[] = {"good", "FAILED", "-"};

    (void)ctx;
    printf("  %-14s %-8s  %s\n", op, words[verdict], what);
}

static void report(void *ctx, const struct conf_test *test, const struct bench_variant *variant,
                   const struct conf_result *result)
{
    (void)ctx;
    if (result->verdict == CONF_FAILED)
        printf("FAILED  %s [%s]\n        %s:%d: %s\n", test->name, variant->name, result->file,
               result->line, result->what);
}

/* port [VARIANT]: only machines whose name contains it. */
int main(int argc, char **argv)
{
    struct conf_plan plan = {.variant = argc > 1 ? argv[1] : NULL, .seed = 1, .report = report};
    const struct conf_host_plan host = {.ops = &port_ops, .report = row};
    struct conf_totals all, some;
    uint32_t i;

    setvbuf(stdout, NULL, _IOLBF, 0);
    conf_host_run(&host, &all);
    plan.memory = malloc(CONF_MEMORY);
    if (plan.memory == NULL)
        return 2;
    for (i = 0; i < bench_vendor_count; i++) {
        plan.vendor = bench_vendors[i];
        conf_run_all(&plan, &some);
        printf("  %-14s %u passed, %u failed, %u skipped\n", plan.vendor->name, some.passed,
               some.failed, some.skipped);
        all.passed += some.passed;
        all.failed += some.failed;
        all.skipped += some.skipped;
    }
    free(plan.memory);
    printf("%u passed, %u failed, %u skipped\n", all.passed, all.failed, all.skipped);
    return all.failed != 0;
}
