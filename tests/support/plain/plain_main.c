/* SPDX-License-Identifier: BSD-2-Clause */
#include "criterion/criterion.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/* Runs the tests of a program, each in a child of its own; arguments are for Criterion. */

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

static const struct plain_test *suite_of(const struct plain_test *test)
{
    const struct plain_test *suite = first;

    while (suite != NULL && (suite->name != NULL || strcmp(suite->suite, test->suite) != 0))
        suite = suite->next;
    return suite;
}

static void run(const struct plain_test *test)
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

static bool passes(const struct plain_test *test)
{
    int status = 0;
    pid_t child;

    fflush(stdout);
    child = fork();
    if (child == 0)
        run(test);
    if (child < 0 || waitpid(child, &status, 0) != child) {
        perror(test->name);
        return false;
    }
    if (WIFSIGNALED(status))
        printf("%s: ended by signal %d\n", test->file, WTERMSIG(status));
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

int main(void)
{
    unsigned passed = 0, failed = 0, skipped = 0;
    const struct plain_test *test;

    for (test = first; test != NULL; test = test->next) {
        if (test->name == NULL)
            continue;
        if (test->extra.disabled) {
            skipped++;
            printf("skipped: %s: %s is disabled\n", test->suite, test->name);
        } else if (passes(test)) {
            passed++;
        } else {
            failed++;
            printf("FAILED %s: %s\n", test->suite, test->name);
        }
    }
    printf("%u passed, %u failed, %u skipped\n", passed, failed, skipped);
    return failed != 0 || passed + skipped == 0;
}
