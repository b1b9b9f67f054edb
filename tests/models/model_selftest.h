/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MODEL_SELFTEST_H
#define MODEL_SELFTEST_H
/*
 * The models' own tests: a model that forgives is worse than none. A file of them exports
 *
 *   extern const struct model_selftest model_selftests_<name>[];
 *   extern const unsigned model_selftest_count_<name>;
 *
 * and is named once, in selftest_main.c. No framework, no libc.
 */
#include <stddef.h>

struct model_selftest {
    const char *name;
    /* memory is the test's own while it runs. NULL = passed, else why not. */
    const char *(*run)(void *memory, size_t bytes);
};

#endif
