/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PLAIN_RUN_H
#define PLAIN_RUN_H

#include "criterion/criterion.h"

/* The next test in the program, disabled ones included; of NULL the first. */
const struct plain_test *plain_next(const struct plain_test *test);
/* Runs it, in a child: the process ends with 1 where a check failed, else with 0. */
_Noreturn void plain_run(const struct plain_test *test);

#endif
