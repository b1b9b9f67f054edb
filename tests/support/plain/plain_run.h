/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PLAIN_RUN_H
#define PLAIN_RUN_H

#include "criterion/criterion.h"

/* The next test in the program, disabled ones included; of NULL the first. */
const struct plain_test *plain_next(const struct plain_test *test);
/* What a child ends with whose test was skipped from within. */
#define PLAIN_SKIPPED 77
/* Runs it, in a child: the process ends with 1 where a check failed, with 0 where none did. */
_Noreturn void plain_run(const struct plain_test *test);

#endif
