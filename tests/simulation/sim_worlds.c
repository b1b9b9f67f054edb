/* SPDX-License-Identifier: BSD-2-Clause */
#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../support/checked.h"
#include "worlds.h"

/*
 * Goes through the schedules of small worlds, on each backend; then switches off each guard of
 * core/check.h in turn, and must find what it guards. What was not gone through to the end of its
 * bound is called so.
 */

#define SHRINK_TRIES 300u
#define CHOICES_MAX  65536u
#define SHOWN        24u
#define RANDOM_MOST  2.0 /* Seconds: time is for going through. */

static struct {
    double seconds; /* Of one world on one backend. */
    double hunt;    /* Of one guard in one world. */
    double core;    /* Of a core world. */
    uint32_t bound, core_bound;
    const char *backend, *world, *guard;
    bool all, bound_given;
    bool no_guards, no_worlds, matrix;
} opt = {.seconds = 0.07, .hunt = 0.5, .core = 5, .bound = 3, .core_bound = 2};

static unsigned passed, failed, skipped, unfinished;

static const struct world *world_at(uint32_t i)
{
    if (i < worlds_core_count) {
        return &worlds_core[i];
    }
    i -= worlds_core_count;
    return i < worlds_of_bonds_count ? &worlds_of_bonds[i]
                                     : &worlds_of_groups[i - worlds_of_bonds_count];
}

static uint32_t worlds_count(void)
{
    return worlds_core_count + worlds_of_bonds_count + worlds_of_groups_count;
}

static const struct world *world_named(const char *name)
{
    uint32_t i;

    for (i = 0; i < worlds_count(); i++) {
        if (strcmp(world_at(i)->name, name) == 0) {
            return world_at(i);
        }
    }
    return NULL;
}

static double seconds_now(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* In core worlds hardware moves only when every CPU waits: its delays are what others look at. */
#define HARDWARE_LAST 1u

static bool is_core(const struct world *world)
{
    return world >= worlds_core && world < worlds_core + worlds_core_count;
}

static void explore(const struct world *world, const struct bench_vendor *vendor, double seconds,
                    struct sim_explored *out)
{
    struct sim_config config;
    struct sim_exploring how = {
        .bound = is_core(world) && !opt.bound_given && !opt.all ? opt.core_bound : opt.bound,
        .seconds = seconds};
    union {
        const struct world *given;
        void *arg;
    } u = {world};

    memset(&config, 0, sizeof(config));
    config.vendor = vendor;
    config.variant = world_variant(world);
    config.seed = 1;
    config.max_steps = 400000;
    config.record = true;
    config.bare = true;
    config.jump_ns = is_core(world) ? HARDWARE_LAST : 0;
    sim_explore(&config, &how, world_once, u.arg, out);
}

/* true: it fails. */
static bool one_seed(const struct world *world, const struct bench_vendor *vendor, uint64_t seed,
                     struct sim_failure *failure)
{
    struct sim_config config;
    union {
        const struct world *given;
        void *arg;
    } u = {world};

    memset(&config, 0, sizeof(config));
    config.vendor = vendor;
    config.variant = world_variant(world);
    config.seed = seed;
    config.max_steps = 400000;
    config.record = true;
    config.bare = seed % 8 != 0; /* The others are taken down and looked at, too. */
    return world_once(&config, u.arg, failure) == SIM_FAILED;
}

/* Random schedules: what lies beyond the bound, or is reached too late by going through it. The
 * seed that failed; 0: none did. */
static uint64_t by_seeds(const struct world *world, const struct bench_vendor *vendor,
                         double seconds, struct sim_failure *failure, uint64_t *runs)
{
    double end = seconds_now() + seconds;

    for (*runs = 0; seconds_now() < end;) {
        ++*runs;
        if (one_seed(world, vendor, *runs, failure)) {
            return *runs;
        }
    }
    return 0;
}

/* ---- what was found ---- */

static void print_choices(const struct world *world, const struct bench_vendor *vendor,
                          uint64_t seed)
{
    static struct sim_choice list[CHOICES_MAX];
    static const struct sim_shrinking how = {SHRINK_TRIES, 0, NULL};
    struct sim_config config;
    uint32_t count, i;
    bool same;
    const struct sim_choice *kept = sim_choices(&count);
    union {
        const struct world *given;
        void *arg;
    } u = {world};

    if (count > CHOICES_MAX) {
        printf("    %u choices\n", count);
        return;
    }
    memcpy(list, kept, count * sizeof(list[0]));
    memset(&config, 0, sizeof(config));
    config.vendor = vendor;
    config.variant = world_variant(world);
    config.seed = seed;
    config.max_steps = 400000;
    config.bare = true;
    count = sim_shrink(&config, list, count, &how, world_once, u.arg, &same);
    printf("    the quiet schedule, but");
    for (i = 0; i < count && i < SHOWN; i++) {
        printf(" step %llu: %u", (unsigned long long)list[i].at, list[i].pick);
    }
    if (count > SHOWN) {
        printf(" and %u more", count - SHOWN);
    }
    printf(count == 0 ? " for nothing\n" : "\n");
}

/* ---- worlds ---- */

static void try_world(const struct world *world, const struct bench_vendor *vendor)
{
    struct sim_explored out;
    uint64_t seed = 0, runs = 0;

    explore(world, vendor, is_core(world) ? opt.core : opt.seconds, &out);
    if (out.end != SIM_FAILED) {
        seed = by_seeds(world, vendor, opt.seconds < RANDOM_MOST ? opt.seconds : RANDOM_MOST,
                        &out.failure, &runs);
    }
    printf("%-8s %-13s %9llu %7llu %10llu %10llu %6u %8.1f %7.2f %7llu  %s\n", vendor->name,
           world->name, (unsigned long long)out.schedules, (unsigned long long)out.known,
           (unsigned long long)out.states, (unsigned long long)out.pruned, out.bound,
           (double)out.steps / 1e6, out.seconds, (unsigned long long)runs,
           out.end == SIM_FAILED || seed != 0 ? "FAILED"
           : out.exhausted                    ? "exhausted"
                                              : "not exhausted");
    if (out.end == SIM_FAILED || seed != 0) {
        printf("    %s: %s (seed %llu, step %llu, %llu ns)\n", out.failure.rule, out.failure.text,
               (unsigned long long)seed, (unsigned long long)out.failure.step,
               (unsigned long long)out.failure.now_ns);
        print_choices(world, vendor, seed == 0 ? 1 : seed);
    }
    fflush(stdout);
    skipped += is_core(world) && !out.exhausted && out.end != SIM_FAILED && seed == 0;
    passed += (!is_core(world) || out.exhausted) && out.end != SIM_FAILED && seed == 0;
    failed += out.end == SIM_FAILED || seed != 0;
    unfinished += out.end != SIM_FAILED && !out.exhausted;
}

/* Schedules that have failed once. */
static const struct {
    const char *backend, *world;
    uint64_t seed;
    const char *what;
} known[] = {
    {"vtd", "two", 52, "bind waited for the service role and kept its holder at it until time-out"},
};

static void try_known(void)
{
    struct sim_failure failure;
    size_t i;
    uint32_t v;

    for (i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        for (v = 0; v < bench_vendor_count; v++) {
            if (strcmp(bench_vendors[v]->name, known[i].backend) != 0) {
                continue;
            }
            if (one_seed(world_named(known[i].world), bench_vendors[v], known[i].seed, &failure)) {
                printf("%s, %s, seed %llu: %s\n    %s: %s\n", known[i].backend, known[i].world,
                       (unsigned long long)known[i].seed, known[i].what, failure.rule,
                       failure.text);
                failed++;
            } else {
                passed++;
            }
        }
    }
}

/* ---- guards ---- */

struct guard {
    enum uiommu_guard number;
    const char *name;
    const char *world[3]; /* Where it is missed; the first that finds it will do. */
};
static const struct guard guards[] = {
    {UIOMMU_GUARD_D1_CLOSE, "D1_CLOSE", {"rebind", "slow", "graceful"}},
    {UIOMMU_GUARD_D1_WAIT, "D1_WAIT", {"pending"}},
    {UIOMMU_GUARD_D2_CLEAR, "D2_CLEAR", {"rebind", "touch"}},
    {UIOMMU_GUARD_D2_CONFIG, "D2_CONFIG", {"rebind", "touch"}},
    {UIOMMU_GUARD_D2_TLB, "D2_TLB", {"rebind", "touch"}},
    {UIOMMU_GUARD_D2_DEVICE, "D2_DEVICE", {"rebind", "touch", "touch exit"}},
    {UIOMMU_GUARD_D3, "D3", {"far", "rebind late"}},
    {UIOMMU_GUARD_D3_TWICE, "D3_TWICE", {"core late", "rebind late"}},
    {UIOMMU_GUARD_D4, "D4", {"core slow", "slow", "far"}},
    {UIOMMU_GUARD_D5, "D5", {"core rebind", "rebind"}},
    {UIOMMU_GUARD_D6, "D6", {"handler"}},
    {UIOMMU_GUARD_REST, "REST", {"rebind"}},
    {UIOMMU_GUARD_LIFE, "LIFE", {"birth"}},
    {UIOMMU_GUARD_I3_TOKEN, "I3_TOKEN", {"token"}},
    {UIOMMU_GUARD_I3_LAST, "I3_LAST", {"silence"}},
    {UIOMMU_GUARD_I3_MARKER, "I3_MARKER", {"marker"}},
    {UIOMMU_GUARD_I5_KEY, "I5_KEY", {"keys"}},
    {UIOMMU_GUARD_I5_IN_FLIGHT, "I5_IN_FLIGHT", {"again"}},
    {UIOMMU_GUARD_I9_LEDGER, "I9_LEDGER", {"ledger"}},
    {UIOMMU_GUARD_I9_CREDITS, "I9_CREDITS", {"credits"}},
    {UIOMMU_GUARD_I11_PARTIALS, "I11_PARTIALS", {"overflow"}},
    {UIOMMU_GUARD_I11_RESTART, "I11_RESTART", {"core overflow", "restart"}},
    {UIOMMU_GUARD_I19_TOKEN, "I19_TOKEN", {"reset"}},
    {UIOMMU_GUARD_I19_RING, "I19_RING", {"reset"}},
    {UIOMMU_GUARD_I20_ORDER, "I20_ORDER", {"touch", "touch exit"}},
    {UIOMMU_GUARD_EXIT_DEAD, "EXIT_DEAD", {"exit"}},
    {UIOMMU_GUARD_R4_STOP, "R4_STOP", {"stop"}},
};

static bool hunt(const struct guard *guard, const struct world *world,
                 const struct bench_vendor *vendor)
{
    struct sim_explored out;
    uint64_t seed, runs;
    bool found;

    uiommu_test_guard_off[guard->number] = 1;
    explore(world, vendor, opt.hunt, &out);
    if (out.end == SIM_FAILED) {
        printf("%-13s %-8s %-11s after %6llu schedules, %u preemptions: %s: %.60s\n", guard->name,
               vendor->name, world->name, (unsigned long long)out.schedules, out.bound,
               out.failure.rule, out.failure.text);
        if (opt.guard != NULL) {
            print_choices(world, vendor, 1);
        }
    } else if (opt.all) {
        printf("%-13s %-8s %-11s nothing in %llu schedules, bound %u%s\n", guard->name,
               vendor->name, world->name, (unsigned long long)out.schedules, out.bound,
               out.exhausted ? ", exhausted" : ", not exhausted");
    }
    found = out.end == SIM_FAILED;
    if (!found && (seed = by_seeds(world, vendor, opt.hunt, &out.failure, &runs)) != 0) {
        found = true;
        printf("%-13s %-8s %-11s by random schedule %5llu: %s: %.60s\n", guard->name, vendor->name,
               world->name, (unsigned long long)seed, out.failure.rule, out.failure.text);
    }
    uiommu_test_guard_off[guard->number] = 0;
    fflush(stdout);
    return found;
}

/* Found on at least one backend; --all: on each that there is, in each world named for it. In a
 * world that was asked for it may be that nothing misses it. */
static void try_guard(const struct guard *guard)
{
    const char *const asked[3] = {opt.world, NULL, NULL};
    const char *const *world = opt.world != NULL ? asked : guard->world;
    bool found = false;
    uint32_t v, k;

    for (v = 0; v < bench_vendor_count; v++) {
        if (opt.backend != NULL && strcmp(bench_vendors[v]->name, opt.backend) != 0) {
            continue;
        }
        for (k = 0; k < 3 && world[k] != NULL; k++) {
            if (!found || opt.all) {
                found |= hunt(guard, world_named(world[k]), bench_vendors[v]);
            }
        }
    }
    if (!found) {
        printf("%-13s NOT FOUND\n", guard->name);
    }
    passed += found;
    failed += !found && opt.world == NULL;
}

/* Which world finds which guard. */
static void try_matrix(void)
{
    uint32_t g, i, v;

    for (g = 0; g < sizeof(guards) / sizeof(guards[0]); g++) {
        if (opt.guard != NULL && strcmp(guards[g].name, opt.guard) != 0) {
            continue;
        }
        for (v = 0; v < bench_vendor_count; v++) {
            for (i = 0; i < worlds_count(); i++) {
                (void)hunt(&guards[g], world_at(i), bench_vendors[v]);
            }
        }
    }
}

/* ---- */

static error_t parse(int key, char *arg, struct argp_state *state)
{
    switch (key) {
    case 's':
        opt.seconds = atof(arg);
        opt.hunt = opt.seconds;
        opt.core = opt.seconds;
        break;
    case 'n':
        opt.bound = (uint32_t)atoi(arg);
        opt.bound_given = true;
        break;
    case 'b':
        opt.backend = arg;
        break;
    case 'w':
        opt.world = arg;
        break;
    case 'g':
        opt.guard = arg;
        opt.no_worlds = true;
        break;
    case 'a':
        opt.all = true;
        opt.seconds = 2;
        opt.hunt = 1;
        opt.core = 60;
        break;
    case 'G':
        opt.no_guards = true;
        break;
    case 'm':
        opt.matrix = true;
        break;
    default:
        return ARGP_ERR_UNKNOWN;
    }
    (void)state;
    return 0;
}

static const struct argp_option options[] = {
    {"all", 'a', NULL, 0,
     "Core worlds with a bound of 3, up to a minute each (20 minutes in all); each guard on each "
     "backend",
     0},
    {"seconds", 's', "N", 0,
     "CPU time of each world on each backend (default: core 5, others 0.07, guards 0.5)", 0},
    {"bound", 'n', "N", 0, "Preemptions at most (default: core worlds 2, others 3)", 0},
    {"backend", 'b', "NAME", 0, "Only this one", 0},
    {"world", 'w', "NAME", 0, "Only this one, for guards as well", 0},
    {"guard", 'g', "NAME", 0, "Only this guard, no worlds; prints the schedule", 0},
    {"no-guards", 'G', NULL, 0, "Only worlds, with every guard on", 0},
    {"matrix", 'm', NULL, 0, "Every guard in every world: which finds which", 0},
    {NULL, 0, NULL, 0, NULL, 0},
};

static void all_worlds(void)
{
    uint32_t v, i;

    printf("%-8s %-13s %9s %7s %10s %10s %6s %8s %7s %7s\n", "backend", "world", "schedules",
           "known", "states", "left out", "bound", "Msteps", "s", "random");
    for (v = 0; v < bench_vendor_count; v++) {
        for (i = 0; i < worlds_count(); i++) {
            if ((opt.backend == NULL || strcmp(bench_vendors[v]->name, opt.backend) == 0) &&
                (opt.world == NULL || strcmp(world_at(i)->name, opt.world) == 0)) {
                try_world(world_at(i), bench_vendors[v]);
            }
        }
    }
    if (unfinished > 0) {
        printf("%u worlds were not exhausted: more with --seconds N or --all\n", unfinished);
    }
}

static void all_guards(void)
{
    size_t g;

    for (g = 0; g < sizeof(guards) / sizeof(guards[0]); g++) {
        if (opt.guard == NULL || strcmp(guards[g].name, opt.guard) == 0) {
            try_guard(&guards[g]);
        }
    }
}

int main(int argc, char **argv)
{
    static const struct argp argp = {
        .options = options,
        .parser = parse,
        .doc = "Goes through the schedules of small worlds with a bound of preemptions, and finds "
               "what each guard of the core keeps away when it is switched off. Core worlds are to "
               "be exhausted; the others are tried for as long as there is time. Exit status: 0 "
               "nothing failed, 1 something did. A core world that was not exhausted counts as "
               "skipped.",
    };

    if (argp_parse(&argp, argc, argv, 0, NULL, NULL) != 0) {
        return 2;
    }
    if (opt.world != NULL && world_named(opt.world) == NULL) {
        fprintf(stderr, "sim_worlds: no world is called %s\n", opt.world);
        return 2;
    }
    if (opt.matrix) {
        try_matrix();
        return 0;
    }
    if (!opt.no_worlds) {
        try_known();
        all_worlds();
    }
    if (!opt.no_guards) {
        all_guards();
    }
    printf("%u passed, %u failed, %u skipped\n", passed, failed, skipped);
    return failed != 0;
}
