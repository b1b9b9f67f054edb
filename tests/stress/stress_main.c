/* SPDX-License-Identifier: BSD-2-Clause */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "stress_threads.h"

/* Runs the machine with real threads, first snooping and woken, then with stale caches and polled.
 */

#define HANG_S    30u
#define DEFAULT_S 24u
#define ASKED_S   20u /* In a shorter run it may well be that something never happened. */

static const char usage[] =
    "usage: stress_main [--seed N] [--seconds N] [--calm] [--units NAME,...]\n"
    "\n"
    "Real threads on modelled machines of several units: calm ones, where all has to go well, and\n"
    "rough ones, where hardware, devices and memory fail and all has to heal. Build it with\n"
    "ThreadSanitizer (clang) or AddressSanitizer; UIOMMU_TEST_ASSERTS are on.\n"
    "\n"
    "  -s, --seed N        picks the units and starts the choices; threads interleave as they "
    "like\n"
    "  -t, --seconds N     in all; UIOMMU_SOAK=MINUTES in the environment wins; 24\n"
    "  -c, --calm          calm machines only\n"
    "  -u, --units LIST    of smmuv3,amd,vtd; all that were built\n"
    "\n"
    "Exit code: 0 all passed, 1 something failed, hung or never happened, 2 wrong usage.\n";

static const struct st_variant variants[] = {
    {"calm, snooping hardware, woken threads", true, true, false},
    {"calm, stale caches, polling threads", false, false, false},
    {"rough, snooping hardware, woken threads", true, true, true},
    {"rough, stale caches, polling threads", false, false, true},
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
        /* Two who serve for each unit. */
        uint32_t n = r == 1 ? 2 * m->units : st_roles[r].count;

        for (i = 0; i < n && (m->variant->rough || !st_roles[r].rough); i++) {
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
                printf("0 passed, 1 failed, 0 skipped\n");
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

/* What has to happen in a machine of each sort, or nothing was tested. */
#define LINE(what, calm, rough)                                                                    \
    {                                                                                              \
#what, offsetof(struct st_tally, what), calm, rough                                        \
    }
static const struct {
    const char *name;
    size_t at;
    bool calm, rough;
} lines[] = {
    LINE(lives, true, true),        LINE(binds, true, true),
    LINE(bind_busy, true, true),    LINE(bind_refused, false, true),
    LINE(confined, true, true),     LINE(unbinds, true, true),
    LINE(exits, true, true),        LINE(owner_exits, true, true),
    LINE(stops, true, true),        LINE(late_stops, true, true),
    LINE(faults, true, true),       LINE(pending, true, true),
    LINE(never, true, true),        LINE(answered, true, true),
    LINE(stale, true, true),        LINE(orphans, true, true),
    LINE(success, true, true),      LINE(invalid, true, true),
    LINE(failure, false, true),     LINE(invalidations, true, true),
    LINE(resets, true, true),       LINE(jobs, true, true),
    LINE(jobs_done, true, true),    LINE(jobs_failed, true, true),
    LINE(bytes, true, true),        LINE(services, true, true),
    LINE(events, false, true),      LINE(reads, true, true),
    LINE(overflows, false, true),   LINE(hangs, false, true),
    LINE(restarts, false, true),    LINE(sleeps, false, true),
    LINE(floods, false, true),      LINE(lost_invalidations, false, true),
    LINE(lags, false, true),        LINE(no_memory, false, true),
    LINE(switch_offs, false, true), LINE(oddities, false, true),
    LINE(removals, false, true),    LINE(replugs, false, true),
    LINE(poisoned, false, true),    LINE(withheld, false, true),
};
#define LINES (sizeof(lines) / sizeof(lines[0]))

/* Of all runs of a sort. */
static uint64_t total[2][LINES];

static void print_tally(struct machine *m, double seconds)
{
    size_t i;

    printf("%s:", m->variant->name);
    for (i = 0; i < m->units; i++) {
        printf(" %s", m->unit[i].vendor->name);
    }
    printf(", %u threads, %.1f s, seed %llu\n", atomic_load(&m->threads), seconds,
           (unsigned long long)m->seed);
    for (i = 0; i < LINES; i++) {
        const char *at = (const char *)&m->tally + lines[i].at;
        uint64_t n = atomic_load((const _Atomic uint64_t *)(const void *)at);

        total[m->variant->rough][i] += n;
        printf("  %-18s %9llu%s", lines[i].name, (unsigned long long)n,
               i % 3 == 2 || i + 1 == LINES ? "\n" : "");
    }
}

/* Whether something is missing that a machine of this sort has to see. */
static bool never(bool rough, bool print)
{
    bool missing = false;
    size_t i;

    for (i = 0; i < LINES; i++) {
        if ((rough ? lines[i].rough : lines[i].calm) && total[rough][i] == 0) {
            missing = true;
            if (print) {
                printf("  FAIL %s never happened in a %s machine\n", lines[i].name,
                       rough ? "rough" : "calm");
            }
        }
    }
    return missing;
}

static void count(struct machine *m, uint32_t *passed, uint32_t *failed)
{
    uint32_t i;

    for (i = 0; i < ST_CHECKS; i++) {
        uint64_t bad = atomic_load(&m->failed[i]);
        uint64_t good = atomic_load(&m->passed[i]);

        /* What never happened has not been tested. */
        bool ok = bad == 0 && (good != 0 || i == ST_WAKE || i == ST_HEAL);

        printf("  %-4s %-40s %12llu ok %8llu not\n", ok ? "ok" : "FAIL",
               st_check_name((enum st_check)i), (unsigned long long)good, (unsigned long long)bad);
        *passed += ok;
        *failed += !ok;
    }
}

static uint32_t vendors = UINT32_MAX;

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
    m->variant = variant;
    st_me = thread_new(m, "main", 0);
    st_machine_clocks(m);
    guard.m = m;
    atomic_init(&guard.over, false);
    if (st_machine_up(m, variant, seed, vendors) &&
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

static bool choose_units(char *list)
{
    char *name = strtok(list, ",");
    uint32_t i;

    vendors = 0;
    for (; name != NULL; name = strtok(NULL, ",")) {
        for (i = 0; i < bench_vendor_count && strcmp(name, bench_vendors[i]->name) != 0; i++) {
        }
        if (i == bench_vendor_count) {
            fprintf(stderr, "stress_main: no unit is called %s, or it was not built\n", name);
            return false;
        }
        vendors |= 1u << i;
    }
    return vendors != 0;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"help", no_argument, NULL, 'h'},          {"seed", required_argument, NULL, 's'},
        {"seconds", required_argument, NULL, 't'}, {"calm", no_argument, NULL, 'c'},
        {"units", required_argument, NULL, 'u'},   {NULL, 0, NULL, 0},
    };
    const char *soak = getenv("UIOMMU_SOAK");
    uint64_t seed = (uint64_t)getpid();
    double seconds = DEFAULT_S;
    uint32_t passed = 0, failed = 0;
    uint32_t n = sizeof(variants) / sizeof(variants[0]);
    uint32_t i, rounds;
    int option;

    while ((option = getopt_long(argc, argv, "chs:t:u:", options, NULL)) != -1) {
        if (option == 's') {
            seed = strtoull(optarg, NULL, 0);
        } else if (option == 't') {
            seconds = strtod(optarg, NULL);
        } else if (option == 'c') {
            n = 2; /* They come first. */
        } else if (option != 'u' || !choose_units(optarg)) {
            fputs(usage, option == 'h' ? stdout : stderr);
            return option == 'h' ? 0 : 2;
        }
    }
    if (soak != NULL && strtod(soak, NULL) > 0) {
        seconds = strtod(soak, NULL) * 60;
    }
    for (i = 0; i < ST_SLOTS; i++) {
        (void)pthread_rwlock_init(&st_slots[i].lock, NULL);
    }
    /* Long runs are many machines. */
    rounds = seconds > 120 ? (uint32_t)(seconds / 60) : 1;
    for (i = 0; i < rounds * n; i++) {
        run(&variants[i % n], seed + i, (uint64_t)(seconds / (rounds * n) * 1e9), &passed, &failed);
        fflush(stdout);
    }
    if (seconds < ASKED_S) {
        printf("under %u s nobody asks whether everything happened\n", ASKED_S);
    } else {
        /* A busy machine gets a few rounds more. */
        for (i = 0; i < 2 * n && (never(false, false) || (n > 2 && never(true, false))); i++) {
            if (never(variants[i % n].rough, false)) {
                run(&variants[i % n], seed + 1000 + i, (uint64_t)(seconds / n * 1e9), &passed,
                    &failed);
            }
        }
        i = never(false, true);
        i += n > 2 && never(true, true);
        *(i == 0 ? &passed : &failed) += 1;
    }
    printf("%u passed, %u failed, 0 skipped\n", passed, failed);
    return failed == 0 ? 0 : 1;
}
