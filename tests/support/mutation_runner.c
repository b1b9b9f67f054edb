/* SPDX-License-Identifier: BSD-2-Clause */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "mutation_cover.h"
#include "suite.h"

/*
 * Runs tests of the suite in the order in which standard input names them, for tests/mutate:
 *   mutation_runner -l           lists tests, vendors and variants
 *   mutation_runner -r           a line "TEST VENDOR VARIANT LIMIT" a run: numbers, and so many ms
 *                                of CPU time; ends with 1 at the first that fails
 *   mutation_runner -c           the same, but all of them, with a line and the lines reached each
 */

/* What a crash or a hang happened in; written ahead, since a handler can do little. */
static char now[96];

static void on_signal(int signal_number)
{
    const char *why = signal_number == SIGPROF ? "hang\n" : "crash\n";

    (void)!write(STDOUT_FILENO, now, strlen(now));
    (void)!write(STDOUT_FILENO, why, strlen(why));
    _exit(1);
}

static void watch(void)
{
    static const int fatal[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGPROF};
    static char stack[1 << 16];
    struct sigaction action;
    stack_t other;
    size_t i;

    memset(&other, 0, sizeof(other));
    other.ss_sp = stack;
    other.ss_size = sizeof(stack);
    (void)sigaltstack(&other, NULL); /* A stack that overflowed is a crash, too. */
    memset(&action, 0, sizeof(action));
    action.sa_handler = on_signal;
    action.sa_flags = SA_ONSTACK;
    for (i = 0; i < sizeof(fatal) / sizeof(fatal[0]); i++) {
        (void)sigaction(fatal[i], &action, NULL);
    }
}

static void limit(unsigned long ms)
{
    struct itimerval timer;

    memset(&timer, 0, sizeof(timer));
    timer.it_value.tv_sec = (time_t)(ms / 1000);
    timer.it_value.tv_usec = (suseconds_t)(ms % 1000 * 1000);
    (void)setitimer(ITIMER_PROF, &timer, NULL);
}

static const struct conf_test *test_at(unsigned long number)
{
    uint32_t i;

    for (i = 0; i < conf_theme_count; i++) {
        if (number < conf_themes[i]->count) {
            return &conf_themes[i]->tests[number];
        }
        number -= conf_themes[i]->count;
    }
    return NULL;
}

static void list(void)
{
    uint32_t i;

    for (i = 0; test_at(i) != NULL; i++) {
        printf("test %s\n", test_at(i)->name);
    }
    for (i = 0; i < bench_vendor_count; i++) {
        printf("vendor %s\n", bench_vendors[i]->name);
    }
    for (i = 0; i < bench_variant_count; i++) {
        printf("variant %s\n", bench_variants[i].name);
    }
}

static unsigned long cpu_us(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (unsigned long)t.tv_sec * 1000000u + (unsigned long)t.tv_nsec / 1000u;
}

int main(int argc, char **argv)
{
    unsigned long test, vendor, variant, ms;
    void *memory = malloc(CONF_MEMORY);
    struct conf_result result;
    char line[96];

    if (memory == NULL || argc != 2) {
        fprintf(stderr, "mutation_runner: for tests/mutate\n");
        return 2;
    }
    if (strcmp(argv[1], "-l") == 0) {
        list();
        return 0;
    }
    watch();
    while (fgets(line, sizeof(line), stdin) != NULL) {
        if (sscanf(line, "%lu %lu %lu %lu", &test, &vendor, &variant, &ms) != 4 ||
            test_at(test) == NULL || vendor >= bench_vendor_count ||
            variant >= bench_variant_count) {
            return 2;
        }
        snprintf(now, sizeof(now), "%lu %lu %lu ", test, vendor, variant);
        limit(ms);
        mutation_cover_begin();
        unsigned long before = cpu_us();
        conf_run_test(test_at(test), bench_vendors[vendor], &bench_variants[variant], 1 + variant,
                      memory, &result);
        if (strcmp(argv[1], "-c") == 0) {
            printf("%s%d %lu ", now, (int)result.verdict, cpu_us() - before);
            mutation_cover_print();
        } else if (result.verdict == CONF_FAILED) {
            printf("%s%s:%d: %s\n", now,
                   strrchr(result.file, '/') != NULL ? strrchr(result.file, '/') + 1 : result.file,
                   result.line, result.what);
            return 1;
        }
    }
    free(memory);
    return 0;
}
