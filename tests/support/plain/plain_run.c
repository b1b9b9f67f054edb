/* SPDX-License-Identifier: BSD-2-Clause */
#include "plain_run.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static struct plain_test *first, **last = &first;
static unsigned bad; /* Checks that failed, in the child. */

void plain_add(struct plain_test *test)
{
    *last = test;
    last = &test->next;
}

void plain_check(bool good, bool fatal, const char *file, int line, const char *wanted,
                 const char *message, ...)
{
    va_list args;

    if (good)
        return;
    bad++;
    printf("%s:%d: wanted %s;", file, line, wanted);
    va_start(args, message);
    vprintf(message, args);
    va_end(args);
    printf("\n");
    if (fatal)
        exit(1);
}

void plain_skip(const char *why, ...)
{
    va_list args;

    printf("skipped: ");
    va_start(args, why);
    vprintf(why, args);
    va_end(args);
    printf("\n");
    exit(bad != 0 ? 1 : PLAIN_SKIPPED);
}

/* Several programs' tests may be in one: theirs is in the same file. */
static const struct plain_test *suite_of(const struct plain_test *test)
{
    const struct plain_test *suite = first;

    while (suite != NULL && (suite->name != NULL || strcmp(suite->suite, test->suite) != 0 ||
                             strcmp(suite->file, test->file) != 0))
        suite = suite->next;
    return suite;
}

const struct plain_test *plain_next(const struct plain_test *test)
{
    test = test == NULL ? first : test->next;
    while (test != NULL && test->name == NULL)
        test = test->next;
    return test;
}

_Noreturn void plain_run(const struct plain_test *test)
{
    const struct plain_test *suite = suite_of(test);

    alarm(test->extra.timeout > 0 ? (unsigned)test->extra.timeout : 60);
    if (suite != NULL && suite->extra.init != NULL)
        suite->extra.init();
    if (test->extra.init != NULL)
        test->extra.init();
    test->run();
    if (test->extra.fini != NULL)
        test->extra.fini();
    if (suite != NULL && suite->extra.fini != NULL)
        suite->extra.fini();
    exit(bad != 0);
}
