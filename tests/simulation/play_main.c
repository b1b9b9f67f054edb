/* SPDX-License-Identifier: BSD-2-Clause */
#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../support/checked.h"
#include "play_run.h"

/* The program: which machines, which seeds, for how long; and what came of it. */

enum {
    OPT_STEPS = 256,
    OPT_TRACE,
    OPT_SCHEDULE,
    OPT_FOLDER,
    OPT_SHRINK,
    OPT_GUARD,
    OPT_FATES,
    OPT_GUARDS,
    OPT_KEEP,
    OPT_HARSH
};

static const struct argp_option options[] = {
    {"backend", 'b', "NAME", 0, "smmuv3, amd, vtd, mixed or all (default: all)", 0},
    {"seed", 's', "N", 0, "Run this one seed only: replays it", 0},
    {"seeds", 'r', "A..B", 0, "Run these seeds (default: from 1 until the time is over)", 0},
    {"steps", OPT_STEPS, "N", 0, "Stop after so many steps of each backend, e.g. 1e9", 0},
    {"minutes", 'm', "N", 0, "Run for so long in all (default: UIOMMU_SOAK, or 48 s)", 0},
    {"schedule", OPT_SCHEDULE, "FILE", 0, "Run the schedule that a failure left there", 0},
    {"folder", OPT_FOLDER, "PATH", 0,
     "Where a failure leaves its reduced schedule, and its trace for chrome://tracing and Perfetto "
     "(default: here; none: nowhere, and nothing is reduced)",
     0},
    {"trace", OPT_TRACE, "FILE", 0, "The trace goes there", 0},
    {"shrink", OPT_SHRINK, "SECONDS", 0, "Reduce a schedule for so long (default: 20; 0: not)", 0},
    {"fates", OPT_FATES, "LIST", 0, "Only these misfortunes, comma separated; none: calm", 0},
    {"guard-off", OPT_GUARD, "NAME", 0, "Switch a guard of the core off: a failure is wanted", 0},
    {"guards", OPT_GUARDS, NULL, 0, "Each guard off in turn: how many seeds until it is seen", 0},
    {"harsh", OPT_HARSH, NULL, 0, "All seeds have slow CPUs, not only some", 0},
    {"keep-going", OPT_KEEP, NULL, 0, "Go on after a failure; print each rule's first", 0},
    {0},
};
static const char doc[] =
    "Random simulation of whole machines: virtual CPUs, devices, IOMMUs and misfortune are "
    "interleaved by a seed, and a shadow checks what should hold.\vExit status: 0 nothing was "
    "violated, 1 something was, 2 wrong use.";

struct choice {
    const char *backend;
    uint64_t first, last;
    uint64_t steps;
    double seconds;
    const char *schedule;
    const char *guard;
    struct play_files files;
    uint32_t fates;
    bool guards, keep, harsh;
};

/* ---- options ---- */

static uint32_t fates_of(const char *list, struct argp_state *state)
{
    uint32_t fates = 0, i;
    const char *at = list;

    while (*at != '\0' && strcmp(list, "none") != 0) {
        size_t n = strcspn(at, ",");

        for (i = 0; i < PLAY_FATES; i++) {
            if (strlen(play_fate_names[i]) == n && strncmp(play_fate_names[i], at, n) == 0) {
                break;
            }
        }
        if (i == PLAY_FATES) {
            argp_error(state, "no misfortune is called %s", at);
            return 0;
        }
        fates |= 1u << i;
        at += n + (at[n] == ',');
    }
    return fates;
}

static char *range(struct choice *c, const char *arg, struct argp_state *state)
{
    char *end;

    c->first = strtoull(arg, &end, 0);
    if (strncmp(end, "..", 2) != 0) {
        argp_error(state, "--seeds wants A..B");
        return NULL;
    }
    c->last = strtoull(end + 2, &end, 0);
    return end;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct choice *c = state->input;
    char *end = NULL;

    switch (key) {
    case 'b':
        c->backend = arg;
        break;
    case 's':
        c->first = c->last = strtoull(arg, &end, 0);
        break;
    case 'r':
        end = range(c, arg, state);
        break;
    case OPT_STEPS:
        c->steps = (uint64_t)strtod(arg, &end);
        break;
    case 'm':
        c->seconds = 60 * strtod(arg, &end);
        break;
    case OPT_SCHEDULE:
        c->schedule = arg;
        break;
    case OPT_FOLDER:
        c->files.folder = strcmp(arg, "none") == 0 ? NULL : arg;
        break;
    case OPT_TRACE:
        c->files.trace = arg;
        break;
    case OPT_SHRINK:
        c->files.seconds = strtod(arg, &end);
        break;
    case OPT_FATES:
        c->fates = fates_of(arg, state);
        break;
    case OPT_GUARD:
        c->guard = arg;
        break;
    case OPT_GUARDS:
        c->guards = true;
        break;
    case OPT_KEEP:
        c->keep = true;
        break;
    case OPT_HARSH:
        c->harsh = true;
        break;
    case ARGP_KEY_ARG:
        argp_error(state, "%s: no such argument is known", arg);
        break;
    default:
        return ARGP_ERR_UNKNOWN;
    }
    if (end != NULL && *end != '\0') {
        argp_error(state, "%s is no number", arg);
    }
    return 0;
}

/* ---- many ---- */

struct machine {
    struct play_case what;
    uint64_t steps, seeds, states;
    double seconds;
};

static double seconds_now(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Of this process on its core: others may run there, too. */
static double seconds_used(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* false: it failed. */
static bool run_seed(struct machine *m, uint64_t seed, struct sim_failure *failure)
{
    struct sim_config config;
    double from = seconds_used();
    enum sim_end end;

    m->what.plan.seed = seed;
    play_configure(&config, &m->what.plan);
    end = play_once(&config, &m->what.plan, failure);
    m->steps += sim_steps(play_sim);
    m->seeds++;
    m->seconds += seconds_used() - from;
    return end == SIM_DONE;
}

static void progress(const struct machine *m, bool last)
{
    static double next;
    double now = seconds_now();

    if (now < next && !last) {
        return;
    }
    next = now + 10;
    printf("%-7s %8llu seeds %12llu steps %9.0f steps/s %10llu states\n", m->what.machine,
           (unsigned long long)m->seeds, (unsigned long long)m->steps,
           m->seconds > 0 ? (double)m->steps / m->seconds : 0.0,
           (unsigned long long)(play_states() - m->states));
    fflush(stdout);
}

/* How many seeds failed. */
static uint32_t run_machine(const struct choice *c, struct machine *m, double seconds)
{
    double until = seconds_now() + seconds;
    uint64_t seed = c->first;
    struct sim_failure failure;
    uint32_t failed = 0;

    m->states = play_states();
    while (seed <= c->last) {
        if ((c->last == UINT64_MAX && c->steps == 0 && seconds_now() >= until) ||
            (c->steps != 0 && m->steps >= c->steps)) {
            break;
        }
        if (!run_seed(m, seed, &failure)) {
            failed++;
            if (!c->keep || play_rule_is_new(failure.rule, failure.text)) {
                play_explain(&c->files, &m->what, &failure);
            }
            if (!c->keep) {
                break;
            }
        }
        progress(m, false);
        seed++;
    }
    progress(m, true);
    return failed;
}

/* ---- guards ---- */

static const char *const guard_names[UIOMMU_GUARD_END] = {
    "D1_CLOSE",  "D1_WAIT",    "D2_CLEAR",     "D2_CONFIG",   "D2_TLB",    "D2_DEVICE",
    "D3",        "D3_TWICE",   "D4",           "D5",          "D6",        "REST",
    "LIFE",      "I3_TOKEN",   "I3_LAST",      "I3_MARKER",   "I5_KEY",    "I5_IN_FLIGHT",
    "I9_LEDGER", "I9_CREDITS", "I11_PARTIALS", "I11_RESTART", "I19_TOKEN", "I19_RING",
    "I20_ORDER", "EXIT_DEAD",  "R4_STOP",
};

static bool guard_off(const char *name)
{
    uint32_t i;

    for (i = 0; i < UIOMMU_GUARD_END; i++) {
        if (strcmp(guard_names[i], name) == 0) {
            uiommu_test_guard_off[i] = 1;
            return true;
        }
    }
    return false;
}

static uint32_t try_guards(const struct choice *c, struct machine *m, uint32_t machines)
{
    uint32_t missed = 0, i, k;

    for (i = 0; i < UIOMMU_GUARD_END; i++) {
        bool seen = false;

        memset(uiommu_test_guard_off, 0, sizeof(uiommu_test_guard_off));
        uiommu_test_guard_off[i] = 1;
        printf("%-13s", guard_names[i]);
        for (k = 0; k < machines; k++) {
            struct sim_failure failure;
            double until = seconds_now() + c->seconds;
            uint64_t seed = c->first;
            bool ok = true;

            while (ok && seconds_now() < until) {
                ok = run_seed(&m[k], seed, &failure);
                seed++;
            }
            seen |= !ok;
            if (ok) {
                printf("  %s: not in %llu", m[k].what.machine,
                       (unsigned long long)(seed - c->first));
            } else {
                printf("  %s: %llu (%s)", m[k].what.machine, (unsigned long long)(seed - c->first),
                       failure.rule);
            }
            fflush(stdout);
        }
        printf("\n");
        missed += !seen;
    }
    return missed;
}

/* ---- the program ---- */

static uint32_t machines_make(const struct choice *c, struct machine *m)
{
    uint32_t count = 0, i;
    bool all = strcmp(c->backend, "all") == 0;

    for (i = 0; i < bench_vendor_count; i++) {
        if (all || strcmp(c->backend, bench_vendors[i]->name) == 0) {
            m[count].what.machine = bench_vendors[i]->name;
            m[count].what.plan.units = 1;
            m[count].what.plan.vendor[0] = bench_vendors[i];
            m[count].what.plan.fates = c->fates;
            m[count].what.plan.harsh = c->harsh;
            m[count].what.guard = c->guard;
            count++;
        }
    }
    if ((all || strcmp(c->backend, "mixed") == 0) && bench_vendor_count > 1) {
        m[count].what.machine = "mixed";
        m[count].what.plan.fates = c->fates;
        m[count].what.plan.harsh = c->harsh;
        m[count].what.guard = c->guard;
        for (i = 0; i < bench_vendor_count && i < PLAY_UNITS; i++) {
            m[count].what.plan.vendor[i] = bench_vendors[i];
            m[count].what.plan.units++;
        }
        count++;
    }
    return count;
}

/* The schedule that a failure left: 0 nothing is violated any more, 1 something is, 2 no such. */
static int again(struct choice *c)
{
    static struct machine machines[8];
    static struct play_schedule schedule;
    bool good;

    if (!play_schedule_read(c->schedule, &schedule)) {
        fprintf(stderr, "simulate: %s is no schedule that a failure left\n", c->schedule);
        return 2;
    }
    c->backend = schedule.machine;
    c->fates = schedule.fates;
    c->harsh = schedule.harsh;
    if (machines_make(c, machines) != 1 ||
        (strcmp(schedule.guard, "-") != 0 && !guard_off(schedule.guard))) {
        fprintf(stderr, "simulate: %s names a machine or a guard that is not known\n", c->schedule);
        return 2;
    }
    machines[0].what.plan.seed = schedule.seed;
    machines[0].what.guard = strcmp(schedule.guard, "-") != 0 ? schedule.guard : NULL;
    good = play_again(&c->files, &machines[0].what, &schedule);
    printf("%u passed, %u failed, 0 skipped\n", good, !good);
    return !good;
}

static int run_all(const struct choice *c, struct machine *machines, uint32_t count)
{
    uint32_t failed = 0, passed = 0, i;

    for (i = 0; i < count; i++) {
        uint32_t bad = run_machine(c, &machines[i], c->seconds / count);

        failed += bad != 0;
        passed += bad == 0;
    }
    play_report(&play_counted);
    /* Every move of a bond is made in the course of a hundred seeds. */
    if (c->last - c->first >= 99 && strcmp(c->backend, "all") == 0 && c->fates == UINT32_MAX &&
        c->guard == NULL && failed == 0) {
        if (play_moves_never(&play_counted) == 0) {
            passed++;
        } else {
            failed++;
        }
    }
    printf("%u passed, %u failed, 0 skipped\n", passed, failed);
    return failed != 0;
}

int main(int argc, char **argv)
{
    static const struct argp argp = {options, parse, NULL, doc, NULL, NULL, NULL};
    static struct machine machines[8];
    const char *soak = getenv("UIOMMU_SOAK");
    struct choice c = {.backend = "all",
                       .first = 1,
                       .last = UINT64_MAX,
                       .seconds = 48,
                       .fates = UINT32_MAX,
                       .files = {".", NULL, 20}};
    uint32_t count, missed;

    if (soak != NULL && atof(soak) > 0) {
        c.seconds = 60 * atof(soak);
    }
    (void)argp_parse(&argp, argc, argv, 0, NULL, &c);
    if (soak != NULL && atof(soak) > 0 && c.first != c.last) {
        c.last = UINT64_MAX; /* As many as there is time for. */
    }
    if (c.schedule != NULL) {
        return again(&c);
    }
    count = machines_make(&c, machines);
    if (count == 0 || (c.guard != NULL && !guard_off(c.guard))) {
        fprintf(stderr, "simulate: %s is not known; see --help\n",
                count == 0 ? c.backend : c.guard);
        return 2;
    }
    if (c.guards) {
        missed = try_guards(&c, machines, count);
        printf("%u passed, %u failed, 0 skipped\n", UIOMMU_GUARD_END - missed, missed);
        return missed != 0;
    }
    return run_all(&c, machines, count);
}
