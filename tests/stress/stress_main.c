/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "stress_threads.h"

/* Runs the machine with real threads, first snooping and woken, then with stale caches and polled.
 */

#define HANG_S    30u
#define DEFAULT_S 9u
#define USAGE     "usage: stress [-s SEED] [-t SECONDS]\n"

static const struct st_variant variants[] = {
    {"snooping hardware, woken threads", true, true, false},
    {"stale caches, polling threads", false, false, false},
};

struct start {
    struct machine *m;
    const struct st_role *role;
    uint32_t number;
    struct st_thread *thread;
};

static struct start starts[ST_THREADS];

static struct st_thread *thread_new(struct machine *m, const char *role, uint32_t number)
{
    uint32_t index = atomic_load(&m->threads);
    struct st_thread *t = &m->thread[index];

    t->m = m;
    t->role = role;
    t->number = index;
    t->random = (m->seed + 1) * UINT64_C(0x9E3779B97F4A7C15) + (uint64_t)(index + 1) * 7919;
    (void)number;
    atomic_store(&t->doing, "starting");
    atomic_store(&m->threads, index + 1);
    return t;
}

static void *thread_main(void *arg)
{
    struct start *start = arg;

    st_me = start->thread;
    start->role->run(start->m, start->number);
    atomic_store(&st_me->doing, NULL);
    return NULL;
}

static void threads_start(struct machine *m)
{
    uint32_t r, i;

    for (r = 0; r < st_role_count; r++) {
        for (i = 0; i < st_roles[r].count; i++) {
            struct st_thread *t = thread_new(m, st_roles[r].name, i);
            struct start *start = &starts[t->number];

            start->m = m;
            start->role = &st_roles[r];
            start->number = i;
            start->thread = t;
            if (pthread_create(&t->id, NULL, thread_main, start) != 0) {
                perror("pthread_create");
                exit(2);
            }
        }
    }
}

static void threads_join(struct machine *m, bool lives)
{
    uint32_t i;

    for (i = 0; i < atomic_load(&m->threads); i++) {
        if (starts[i].role != NULL && starts[i].m == m && starts[i].role->lives == lives) {
            (void)pthread_join(m->thread[i].id, NULL);
            st_expect(m, ST_ALIVE, atomic_load(&m->thread[i].steps) > 1, "%s did nothing",
                      m->thread[i].role);
        }
    }
}

/* ---- the watchdog ---- */

static void threads_print(struct machine *m)
{
    uint32_t i;

    for (i = 0; i < atomic_load(&m->threads); i++) {
        struct st_thread *t = &m->thread[i];
        const char *doing = atomic_load(&t->doing);

        fprintf(stderr, "  %2u %-12s %10llu steps  %s\n", i, t->role,
                (unsigned long long)atomic_load(&t->steps), doing == NULL ? "over" : doing);
    }
}

static void progress(struct machine *m)
{
    fprintf(stderr, "\r%5.1f s  %llu lives  %llu binds  %llu faults  %llu resets ",
            (double)st_now(m) / 1e9, (unsigned long long)atomic_load(&m->tally.lives),
            (unsigned long long)atomic_load(&m->tally.binds),
            (unsigned long long)atomic_load(&m->tally.faults),
            (unsigned long long)atomic_load(&m->tally.resets));
}

struct guard {
    struct machine *m;
    _Atomic bool over;
};

static void *watch(void *arg)
{
    struct guard *g = arg;
    struct machine *m = g->m;
    uint64_t since[ST_THREADS] = {0};
    bool tty = isatty(2) != 0;

    while (!atomic_load(&g->over)) {
        uint32_t i;

        st_sleep(200 * ST_MS);
        if (tty) {
            progress(m);
        }
        for (i = 0; i < atomic_load(&m->threads); i++) {
            struct st_thread *t = &m->thread[i];
            uint64_t steps = atomic_load(&t->steps);

            if (steps != t->seen || atomic_load(&t->doing) == NULL) {
                t->seen = steps;
                since[i] = st_now(m);
            } else if (t->number != 0 && st_now(m) > since[i] + HANG_S * ST_S) {
                fprintf(stderr, "\nno progress of %s %u for %u s (seed %llu)\n", t->role, i, HANG_S,
                        (unsigned long long)m->seed);
                threads_print(m);
                printf("0 passed, 1 failed\n");
                fflush(stdout);
                _exit(1);
            }
        }
    }
    if (tty) {
        fprintf(stderr, "\r%78s\r", "");
    }
    return NULL;
}

/* ---- one run ---- */

#define LINE(what)                                                                                 \
    {                                                                                              \
#what, offsetof(struct st_tally, what)                                                     \
    }

static void print_tally(struct machine *m, double seconds)
{
    static const struct {
        const char *name;
        size_t at;
    } lines[] = {
        LINE(lives),         LINE(binds),    LINE(bind_busy), LINE(bind_refused), LINE(confined),
        LINE(unbinds),       LINE(exits),    LINE(stops),     LINE(late_stops),   LINE(faults),
        LINE(pending),       LINE(never),    LINE(answered),  LINE(stale),        LINE(orphans),
        LINE(invalidations), LINE(resets),   LINE(jobs),      LINE(jobs_done),    LINE(jobs_failed),
        LINE(bytes),         LINE(services), LINE(events),    LINE(reads),
    };
    size_t i;

    printf("%s: %u threads, %.1f s, seed %llu\n", m->variant->name, atomic_load(&m->threads),
           seconds, (unsigned long long)m->seed);
    for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        const char *at = (const char *)&m->tally + lines[i].at;

        printf("  %-14s %10llu%s", lines[i].name,
               (unsigned long long)atomic_load((const _Atomic uint64_t *)(const void *)at),
               i % 3 == 2 ? "\n" : "");
    }
    printf("  events by kind:");
    for (i = 0; i < 32; i++) {
        if (atomic_load(&m->kind[i]) != 0) {
            printf(" %zu: %llu", i, (unsigned long long)atomic_load(&m->kind[i]));
        }
    }
    printf("\n");
}

static void count(struct machine *m, uint32_t *passed, uint32_t *failed)
{
    uint32_t i;

    for (i = 0; i < ST_CHECKS; i++) {
        uint64_t bad = atomic_load(&m->failed[i]);
        uint64_t good = atomic_load(&m->passed[i]);

        /* What never happened has not been tested. */
        bool ok = bad == 0 && (good != 0 || i == ST_WAKE);

        printf("  %-4s %-40s %12llu ok %8llu not\n", ok ? "ok" : "FAIL",
               st_check_name((enum st_check)i), (unsigned long long)good, (unsigned long long)bad);
        *passed += ok;
        *failed += !ok;
    }
}

static void run(const struct st_variant *variant, uint64_t seed, uint64_t ns, uint32_t *passed,
                uint32_t *failed)
{
    struct machine *m = calloc(1, sizeof(*m));
    struct guard guard;
    pthread_t dog;

    if (m == NULL) {
        exit(2);
    }
    m->seed = seed;
    st_me = thread_new(m, "main", 0);
    st_machine_clocks(m);
    guard.m = m;
    atomic_init(&guard.over, false);
    if (st_machine_up(m, variant, seed, UINT32_MAX) &&
        pthread_create(&dog, NULL, watch, &guard) == 0) {
        threads_start(m);
        st_step("sleeping");
        st_sleep(ns);
        atomic_store(&m->stop_lives, true);
        threads_join(m, true);
        atomic_store(&m->stop_all, true);
        threads_join(m, false);
        st_machine_down(m);
        atomic_store(&guard.over, true);
        (void)pthread_join(dog, NULL);
    }
    print_tally(m, (double)st_now(m) / 1e9);
    count(m, passed, failed);
    free(m);
}

int main(int argc, char **argv)
{
    const char *soak = getenv("UIOMMU_SOAK");
    uint64_t seed = (uint64_t)getpid();
    double seconds = DEFAULT_S;
    uint32_t passed = 0, failed = 0;
    uint32_t n = sizeof(variants) / sizeof(variants[0]);
    uint32_t i;
    int option;

    while ((option = getopt(argc, argv, "hs:t:")) != -1) {
        if (option == 's') {
            seed = strtoull(optarg, NULL, 0);
        } else if (option == 't') {
            seconds = strtod(optarg, NULL);
        } else {
            fputs(USAGE, option == 'h' ? stdout : stderr);
            return option == 'h' ? 0 : 2;
        }
    }
    if (soak != NULL && strtod(soak, NULL) > 0) {
        seconds = strtod(soak, NULL) * 60;
    }
    for (i = 0; i < ST_SLOTS; i++) {
        (void)pthread_rwlock_init(&st_slots[i].lock, NULL);
    }
    for (i = 0; i < n; i++) {
        run(&variants[i], seed + i, (uint64_t)(seconds / n * 1e9), &passed, &failed);
    }
    printf("%u passed, %u failed\n", passed, failed);
    return failed == 0 ? 0 : 1;
}
