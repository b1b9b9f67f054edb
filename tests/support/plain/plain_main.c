/* SPDX-License-Identifier: BSD-2-Clause */
#include "plain_run.h"

#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

/* Runs the tests of a program, each in a child of its own; arguments are for Criterion. */

/* 0, or what it ended with. */
static int outcome(const struct plain_test *test)
{
    int status = 0;
    pid_t child;

    fflush(stdout);
    child = fork();
    if (child == 0)
        plain_run(test);
    if (child < 0 || waitpid(child, &status, 0) != child) {
        perror(test->name);
        return 1;
    }
    if (WIFSIGNALED(status))
        printf("%s: ended by signal %d\n", test->file, WTERMSIG(status));
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

int main(void)
{
    unsigned passed = 0, failed = 0, skipped = 0;
    const struct plain_test *test;
    int end;

    for (test = plain_next(NULL); test != NULL; test = plain_next(test)) {
        if (test->extra.disabled) {
            skipped++;
            printf("skipped: %s: %s is disabled\n", test->suite, test->name);
            continue;
        }
        end = outcome(test);
        if (end == 0) {
            passed++;
        } else if (end == PLAIN_SKIPPED) {
            skipped++;
        } else {
            failed++;
            printf("FAILED %s: %s\n", test->suite, test->name);
        }
    }
    printf("%u passed, %u failed, %u skipped\n", passed, failed, skipped);
    return failed != 0 || passed + skipped == 0;
}
