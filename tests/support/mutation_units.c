/* SPDX-License-Identifier: BSD-2-Clause */
#include "mutation.h"

#include <stdio.h>

#include "plain_run.h"

/* The tests that were written for Criterion, many programs' in one. */

const bool mutation_together = false;

void mutation_list(void)
{
    const struct plain_test *test;

    for (test = plain_next(NULL); test != NULL; test = plain_next(test)) {
        printf("test %s::%s\n", test->suite, test->name);
    }
}

bool mutation_item(unsigned long number)
{
    const struct plain_test *test = plain_next(NULL);

    while (test != NULL && number-- > 0) {
        test = plain_next(test);
    }
    if (test != NULL && !test->extra.disabled) {
        plain_run(test);
    }
    return false;
}
