/* SPDX-License-Identifier: BSD-2-Clause */
#include "mutation.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/*
 * Runs tests as standard input names them, in children:
 *   PROGRAM -l   lists what there is
 *   PROGRAM -s   a line "MUTANT TEST LIMIT TEST LIMIT ...": numbers, limits in ms of CPU time; the
 *                answer is a line about the first that fails, or else about the last:
 *                "TEST CODE US PLACES WHY": 0 passed, 1 failed, 2 skipped; us of CPU time; places
 *                reached without a mutant, a hexadecimal digit for four, the zeros behind left out
 */

#define WALL_S 60 /* Of a test that sleeps. */

/* What the children leave behind. */
static struct shared {
    uint8_t seen[MUTATION_PLACES];
    unsigned long test, us;
    size_t next; /* Where in the line the next test is. */
} * shared;
static int said;            /* What a child writes. */
static unsigned long began; /* its test, on its own clock */

static void limit(unsigned long ms)
{
    struct itimerval timer;

    memset(&timer, 0, sizeof(timer));
    timer.it_value.tv_sec = (time_t)(ms / 1000);
    timer.it_value.tv_usec = (suseconds_t)(ms % 1000 * 1000);
    (void)setitimer(ITIMER_PROF, &timer, NULL);
    (void)alarm(WALL_S);
}

static unsigned long cpu_us(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (unsigned long)t.tv_sec * 1000000u + (unsigned long)t.tv_nsec / 1000u;
}

/* A test may end its process. */
static void stop_clock(void)
{
    shared->us = cpu_us() - began;
}

static bool more(const char *line)
{
    const char *at = line + shared->next;

    return at[strspn(at, " \n")] != '\0';
}

/* Runs the test that is next, and those after it if they bear it. */
static void child(const char *line)
{
    unsigned long ms;
    bool runs;
    char *at;

    (void)dup2(said, STDOUT_FILENO);
    (void)atexit(stop_clock);
    do {
        shared->test = strtoul(line + shared->next, &at, 10);
        ms = strtoul(at, &at, 10);
        shared->next = (size_t)(at - line);
        limit(ms);
        began = cpu_us();
        runs = mutation_item(shared->test);
    } while (mutation_together && more(line));
    exit(runs ? 0 : 2);
}

static int run(const char *line)
{
    int status = 0;
    pid_t pid;

    (void)!ftruncate(said, 0);
    (void)lseek(said, 0, SEEK_SET);
    pid = fork();
    if (pid == 0) {
        child(line);
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid) {
        perror("mutation_serve");
        exit(2);
    }
    return status;
}

static void print_places(void)
{
    const uint8_t *seen = mutation_seen;
    uint32_t i, used = MUTATION_PLACES;

    while (used > 4 && memcmp(&seen[used - 4], "\0\0\0", 4) == 0) {
        used -= 4;
    }
    for (i = 0; i < used; i += 4) {
        putchar(
            "0123456789abcdef"[seen[i] | seen[i + 1] << 1 | seen[i + 2] << 2 | seen[i + 3] << 3]);
    }
}

/* The first line the child wrote, or what ended it. */
static void print_why(int status)
{
    char text[160];
    ssize_t length = pread(said, text, sizeof(text) - 1, 0);

    text[length > 0 ? length : 0] = '\0';
    text[strcspn(text, "\n")] = '\0';
    if (WIFSIGNALED(status)) {
        bool late = WTERMSIG(status) == SIGPROF || WTERMSIG(status) == SIGALRM;

        printf(" %s\n", late ? "hang" : "crash");
    } else {
        printf(" %s\n", text);
    }
}

static void answer(const char *line)
{
    char *at;
    int status = 0, code = 0;

    memset(shared, 0, sizeof(*shared));
    mutation_now = (int)strtol(line, &at, 10);
    shared->next = (size_t)(at - line);
    while (code != 1 && more(line)) {
        status = run(line);
        code = WIFEXITED(status) ? WEXITSTATUS(status) : 1;
        code = code == 0 || code == 2 ? code : 1;
    }
    printf("%lu %d %lu ", shared->test, code, shared->us);
    if (mutation_now == 0) {
        print_places();
    } else {
        putchar('-');
    }
    print_why(status);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    FILE *file = tmpfile();
    char *line = NULL;
    size_t size = 0;

    shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (file == NULL || shared == MAP_FAILED) {
        perror("mutation_serve");
        return 2;
    }
    if (argc == 2 && strcmp(argv[1], "-l") == 0) {
        mutation_list();
        mutation_cover_list();
        return 0;
    }
    if (argc != 2 || strcmp(argv[1], "-s") != 0) {
        fprintf(stderr, "mutation_serve: for tests/mutate\n");
        return 2;
    }
    said = fileno(file);
    mutation_seen = shared->seen;
    while (getline(&line, &size, stdin) > 0) {
        answer(line);
    }
    free(line);
    return 0;
}
