/* SPDX-License-Identifier: BSD-2-Clause */
#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../support/checked.h"
#include "play.h"
#include "play_report.h"

/* The program: which machines, which seeds, for how long; and what came of it. */

enum {
    OPT_STEPS = 256,
    OPT_TRACE,
    OPT_NO_SHRINK,
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
    {"trace", OPT_TRACE, "FILE", 0, "On a failure write the run there, for chrome://tracing", 0},
    {"no-shrink", OPT_NO_SHRINK, NULL, 0, "Do not reduce the schedule of a failure", 0},
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
    const char *trace;
    const char *guard;
    uint32_t fates;
    bool shrink, guards, keep, harsh;
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
        c->first = strtoull(arg, &end, 0);
        if (end == NULL || strncmp(end, "..", 2) != 0) {
            argp_error(state, "--seeds wants A..B");
            return EINVAL;
        }
        c->last = strtoull(end + 2, &end, 0);
        break;
    case OPT_STEPS:
        c->steps = (uint64_t)strtod(arg, &end);
        break;
    case 'm':
        c->seconds = 60 * strtod(arg, &end);
        break;
    case OPT_TRACE:
        c->trace = arg;
        break;
    case OPT_NO_SHRINK:
        c->shrink = false;
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

/* ---- one run ---- */

static struct play the_play;
static struct play_counts counts;
static FILE *trace_file;

static void on_trace(struct sim *s, void *ctx, const struct uiommu_trace *record)
{
    if (trace_file != NULL) {
        play_trace_write(trace_file, record);
    }
    play_trace(s, ctx, record);
}

/* Who runs. Servers may contend; one life more than there are numbers would wait. */
static void cpus(struct sim *s, struct play *p)
{
    uint32_t lives = 1 + (uint32_t)(p->plan.seed % 3),
             servers = 1 + (uint32_t)(p->plan.seed / 3 % 2);

    (void)sim_cpu(s, "end", play_cpu_end, p, 0);
    while (lives-- > 0) {
        (void)sim_cpu(s, "life", play_cpu_life, p, SIM_DAEMON);
    }
    while (servers-- > 0) {
        (void)sim_cpu(s, "service", play_cpu_serve, p, SIM_DAEMON);
    }
    (void)sim_cpu(s, "answers", play_cpu_answer, p, SIM_DAEMON);
    (void)sim_cpu(s, "doctor", play_cpu_doctor, p, SIM_DAEMON);
    (void)sim_cpu(s, "fate", play_cpu_fate, p, SIM_DAEMON);
}

static void build(struct sim *s, struct conf *c, void *arg)
{
    struct play *p = &the_play;
    const struct play_plan *plan = arg;
    uint32_t i;

    memset(p, 0, sizeof(*p));
    play_sim = s;
    p->plan = *plan;
    p->bench = &c->b;
    p->counts = &counts;
    for (i = 1; i < plan->units; i++) {
        struct bench *b = sim_alloc(s, sizeof(*b));

        if (!bench_beside(p->bench, b, plan->vendor[i])) {
            sim_fail(s, "setup", "no memory for unit %u", i);
            return;
        }
    }
    if (!play_machine(p)) {
        sim_fail(s, "setup", "the machine cannot be built");
        return;
    }
    cpus(s, p);
}

static enum sim_end once(const struct sim_config *config, void *arg, struct sim_failure *failure)
{
    struct sim_config own = *config;

    own.ctx = &the_play;
    own.step = play_step;
    own.trace = on_trace;
    own.bare = true;
    return sim_world(&own, build, NULL, arg, failure);
}

/* The variant goes round with the seed, so that few seeds cover all. */
static void configure(struct sim_config *config, const struct play_plan *plan)
{
    uint32_t level;

    memset(config, 0, sizeof(*config));
    config->vendor = plan->vendor[0];
    config->variant = &bench_variants[plan->seed % bench_variant_count];
    config->seed = plan->seed;
    config->harsh = plan->harsh;
    config->starve_ns = (plan->harsh ? 500 : 100) * BENCH_US;
    /* Lies of rings and registers make the library do what hardware complains of. */
    config->reports_wanted =
        (play_fates_of(plan->seed, plan->fates, &level) >> PLAY_FATE_LIE & 1u) != 0;
}

/* ---- many ---- */

struct machine {
    const char *name;
    struct play_plan plan;
    uint64_t steps, seeds;
    double seconds;
};

static double seconds_now(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* What failed, of which seed, and how to see it again. */
static void tell_failure(const struct choice *c, const struct machine *m, const char *variant,
                         const struct sim_failure *failure)
{
    const struct play_plan plan = m->plan;
    uint32_t level, i;

    printf("FAILED %s seed %llu [%s]: %s: %s (step %llu, %llu us)\n", m->name,
           (unsigned long long)plan.seed, variant, failure->rule, failure->text,
           (unsigned long long)failure->step, (unsigned long long)(failure->now_ns / BENCH_US));
    printf("  misfortune:");
    for (i = 0; i < PLAY_FATES; i++) {
        if ((play_fates_of(plan.seed, plan.fates, &level) >> i & 1u) != 0) {
            printf(" %s", play_fate_names[i]);
        }
    }
    printf("%s\n", level == 0 ? " none" : "");
    printf("  replay: simulate --backend %s --seed %llu%s%s%s\n", m->name,
           (unsigned long long)plan.seed, c->harsh ? " --harsh" : "",
           c->guard != NULL ? " --guard-off " : "", c->guard != NULL ? c->guard : "");
    fflush(stdout);
}

/* Once more with its choices kept, then with as few of them as fail alike. */
static void explain(const struct choice *c, const struct machine *m,
                    const struct sim_failure *failure)
{
    struct play_plan plan = m->plan;
    struct sim_failure again;
    struct sim_choice *choices;
    struct sim_config config;
    uint32_t count = 0, left;
    const struct sim_choice *kept;

    configure(&config, &plan);
    tell_failure(c, m, config.variant->name, failure);
    config.record = true;
    (void)once(&config, &plan, &again);
    kept = sim_choices(&count);
    choices = malloc((count + 1) * sizeof(*choices));
    if (choices == NULL || again.rule == NULL) {
        printf("  %s\n", choices == NULL ? "no memory to reduce it" : "it did not fail again!");
        free(choices);
        return;
    }
    memcpy(choices, kept, count * sizeof(*choices));
    left = count;
    config.record = false;
    if (c->shrink) {
        left = sim_shrink(&config, choices, count, 200, once, &plan);
        printf("  its schedule: %u choices, reduced to %u\n", count, left);
    }
    config.mode = SIM_REPLAY;
    config.choices = choices;
    config.choice_count = left;
    if (c->trace != NULL) {
        trace_file = fopen(c->trace, "w");
        if (trace_file == NULL) {
            perror(c->trace);
        } else {
            play_trace_open(trace_file);
        }
    }
    (void)once(&config, &plan, &again);
    if (again.rule != NULL) {
        printf("  reduced: %s: %s (step %llu, %llu us)\n", again.rule, again.text,
               (unsigned long long)again.step, (unsigned long long)(again.now_ns / BENCH_US));
    }
    if (trace_file != NULL) {
        play_trace_close(trace_file);
        (void)fclose(trace_file);
        trace_file = NULL;
        printf("  trace: %s\n", c->trace);
    }
    play_choices_print(choices, left);
    free(choices);
}

/* false: it failed. */
static bool run_seed(struct machine *m, uint64_t seed, struct sim_failure *failure)
{
    struct sim_config config;
    double from = seconds_now();
    enum sim_end end;

    m->plan.seed = seed;
    configure(&config, &m->plan);
    end = once(&config, &m->plan, failure);
    m->steps += sim_steps(play_sim);
    m->seeds++;
    m->seconds += seconds_now() - from;
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
    printf("%-7s %8llu seeds %12llu steps %9.0f steps/s\n", m->name, (unsigned long long)m->seeds,
           (unsigned long long)m->steps, m->seconds > 0 ? (double)m->steps / m->seconds : 0.0);
    fflush(stdout);
}

/* How many seeds failed. */
static uint32_t run_machine(const struct choice *c, struct machine *m, double seconds)
{
    double until = seconds_now() + seconds;
    uint64_t seed = c->first;
    struct sim_failure failure;
    uint32_t failed = 0;

    while (seed <= c->last) {
        if ((c->last == UINT64_MAX && c->steps == 0 && seconds_now() >= until) ||
            (c->steps != 0 && m->steps >= c->steps)) {
            break;
        }
        if (!run_seed(m, seed, &failure)) {
            failed++;
            if (!c->keep || play_rule_is_new(failure.rule, failure.text)) {
                explain(c, m, &failure);
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
                printf("  %s: not in %llu", m[k].name, (unsigned long long)(seed - c->first));
            } else {
                printf("  %s: %llu (%s)", m[k].name, (unsigned long long)(seed - c->first),
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
            m[count].name = bench_vendors[i]->name;
            m[count].plan.units = 1;
            m[count].plan.vendor[0] = bench_vendors[i];
            m[count].plan.fates = c->fates;
            m[count].plan.harsh = c->harsh;
            count++;
        }
    }
    if ((all || strcmp(c->backend, "mixed") == 0) && bench_vendor_count > 1) {
        m[count].name = "mixed";
        m[count].plan.fates = c->fates;
        m[count].plan.harsh = c->harsh;
        for (i = 0; i < bench_vendor_count && i < PLAY_UNITS; i++) {
            m[count].plan.vendor[i] = bench_vendors[i];
            m[count].plan.units++;
        }
        count++;
    }
    return count;
}

int main(int argc, char **argv)
{
    static const struct argp argp = {options, parse, NULL, doc, NULL, NULL, NULL};
    static struct machine machines[8];
    const char *soak = getenv("UIOMMU_SOAK");
    struct choice c = {"all", 1,          UINT64_MAX, 0,     48,    NULL,
                       NULL,  UINT32_MAX, true,       false, false, false};
    uint32_t count, failed = 0, passed = 0, i;

    if (soak != NULL && atof(soak) > 0) {
        c.seconds = 60 * atof(soak);
    }
    (void)argp_parse(&argp, argc, argv, 0, NULL, &c);
    count = machines_make(&c, machines);
    if (count == 0 || (c.guard != NULL && !guard_off(c.guard))) {
        fprintf(stderr, "simulate: %s is not known; see --help\n",
                count == 0 ? c.backend : c.guard);
        return 2;
    }
    if (c.guards) {
        failed = try_guards(&c, machines, count);
        printf("%u passed, %u failed, 0 skipped\n", UIOMMU_GUARD_END - failed, failed);
        return failed != 0;
    }
    for (i = 0; i < count; i++) {
        uint32_t bad = run_machine(&c, &machines[i], c.seconds / count);

        failed += bad != 0;
        passed += bad == 0;
    }
    play_report(&counts);
    if (c.last - c.first >= 99 && strcmp(c.backend, "all") == 0 && c.fates == UINT32_MAX &&
        c.guard == NULL && failed == 0 && !play_moves_all(&counts)) {
        failed++;
    }
    printf("%u passed, %u failed, 0 skipped\n", passed, failed);
    return failed != 0;
}
