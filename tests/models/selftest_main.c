/* SPDX-License-Identifier: BSD-2-Clause */
#include "model_selftest.h"
#include <stdio.h>
#include <stdlib.h>

/* Every file of self-tests, once. */
#define MODEL_SELFTEST_FILES(X)                                                                    \
    X(world)                                                                                       \
    X(fabric)                                                                                      \
    X(endpoint)                                                                                    \
    X(endpoint_config)                                                                             \
    X(endpoint_knobs)                                                                              \
    X(amd_regs)                                                                                    \
    X(amd_cmdq)                                                                                    \
    X(amd_dte)                                                                                     \
    X(amd_walk)                                                                                    \
    X(amd_nested)                                                                                  \
    X(amd_cache)                                                                                   \
    X(amd_ppr)                                                                                     \
    X(amd_flow)                                                                                    \
    X(smmuv3_regs)                                                                                 \
    X(smmuv3_cmdq)                                                                                 \
    X(smmuv3_error)                                                                                \
    X(smmuv3_config)                                                                               \
    X(smmuv3_cache)                                                                                \
    X(smmuv3_tlb)                                                                                  \
    X(smmuv3_events)                                                                               \
    X(smmuv3_stall)                                                                                \
    X(smmuv3_pri)                                                                                  \
    X(smmuv3_ats)                                                                                  \
    X(smmuv3_flow)                                                                                 \
    X(smmuv3_golden)                                                                               \
    X(smmuv3_stage2)                                                                               \
    X(smmuv3_nested)                                                                               \
    X(vtd_regs)                                                                                    \
    X(vtd_iq)                                                                                      \
    X(vtd_walk)                                                                                    \
    X(vtd_cache)                                                                                   \
    X(vtd_prq)                                                                                     \
    X(vtd_second)                                                                                  \
    X(vtd_nested)

#define DECLARE(name)                                                                              \
    extern const struct model_selftest model_selftests_##name[];                                   \
    extern const unsigned model_selftest_count_##name;
#define ENTRY(name) {#name, model_selftests_##name, &model_selftest_count_##name},

MODEL_SELFTEST_FILES(DECLARE)

struct file {
    const char *name;
    const struct model_selftest *tests;
    const unsigned *count;
};

static const struct file files[] = {MODEL_SELFTEST_FILES(ENTRY)};

int main(void)
{
    const size_t bytes = (size_t)64 << 20;
    void *memory = malloc(bytes);
    unsigned passed = 0;
    unsigned failed = 0;
    size_t file;
    unsigned test;

    if (memory == NULL) {
        return EXIT_FAILURE;
    }
    for (file = 0; file < sizeof(files) / sizeof(files[0]); file++) {
        for (test = 0; test < *files[file].count; test++) {
            const char *why = files[file].tests[test].run(memory, bytes);

            if (why == NULL) {
                passed++;
                continue;
            }
            failed++;
            printf("FAILED %s: %s: %s\n", files[file].name, files[file].tests[test].name, why);
        }
    }
    free(memory);
    printf("%u passed, %u failed\n", passed, failed);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
