/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SIM_H
#define SIM_H
/*
 * Deterministic simulation. A simulation is one world of tests/conformance/bench.h (a machine of
 * one vendor, with its models) and up to SIM_CPUS virtual CPUs that call the unchanged library,
 * which was built with sim_env.h. One scheduler decides before every atomic operation, fence, host
 * op and pause who goes on: this CPU, another one, an interrupt on top of it, or time, which runs
 * the next piece of the models' work or lets the next deadline pass. The same choices give the same
 * run. There is one simulation in a process.
 *
 *   sim_world(&config, build, after, arg, &failure)
 *     build(s, c, arg)   the machine of a fresh world, with what tests/conformance/suite.h offers:
 *                        conf_up(), devices, spaces. No CPU yet, nothing interleaves. sim_cpu()
 *                        says what runs.
 *     ...                until every CPU that is no daemon has returned, or something failed
 *     after(s, c, arg)   looks; then conf_end() takes everything down, and looks once more
 *
 * Choices: everything that is left open goes through sim_choose(kind, n), which answers 0 to n - 1;
 * 0 must be the quiet choice (no preemption, no fault): a failing run is shrunk by making choices
 * 0.
 */
#include "sim_op.h"
#include "suite.h"

#define SIM_CPUS  24u
#define SIM_NEVER UINT64_MAX

struct sim;
/* The body of a CPU, or an interrupt's. */
typedef void sim_fn(struct sim *s, void *arg);

enum sim_kind {
    SIM_SCHED, /* Who goes on. The engine's own. */
    SIM_IRQ,   /* Whether an interrupt that is due comes now. The engine's own. */
    SIM_LOAD,  /* What a workload does next. */
    SIM_FAULT, /* Whether something goes wrong now. */
    SIM_KINDS
};

/* A choice that was not 0. */
struct sim_choice {
    uint64_t at;   /* SIM_SCHED: the step; else the number of the choice among its kind. */
    uint32_t kind; /* enum sim_kind */
    uint32_t pick;
};

/* Where choices come from. */
enum sim_mode {
    SIM_RANDOM, /* The seed: a random walk or priorities (PCT), as the seed says. */
    SIM_QUIET,  /* All 0. */
    SIM_REPLAY, /* config.choices. */
    SIM_DFS,    /* sim_explore() sets it. */
};

struct sim_config {
    const struct bench_vendor *vendor;
    const struct bench_variant *variant;
    uint64_t seed;                    /* Of the models' world, and of random choices. */
    enum sim_mode mode;               /* Of choices. */
    const struct sim_choice *choices; /* SIM_REPLAY: sorted by kind, then at. */
    uint32_t choice_count;
    /* Beyond one of them a run is a failure "liveness". 0: 50 million, 60 virtual seconds. */
    uint64_t max_steps, max_ns;
    /* How far time may move while a CPU could go on; 0: 20 us. Beyond that only when all wait. */
    uint64_t jump_ns;
    /* SIM_RANDOM: whoever could go on and did not for so long goes first; 0: 500 us. */
    uint64_t starve_ns;
    /* SIM_RANDOM: time passes as often as a CPU steps, and who starved has one step only. */
    bool harsh;
    bool bare;           /* Nothing is taken down after the run: no conf_end(). */
    bool record;         /* Keep the choices, for sim_choices(). */
    bool reports_wanted; /* Complaints of models are no failure: the caller looks at them. */
    /* Whether this one is none. Optional. */
    bool (*excused)(struct sim *s, void *ctx, const char *rule);
    void *ctx;
    /* After each step; must not call the library. Optional. */
    void (*step)(struct sim *s, void *ctx);
    /* Each record of the library's trace, on the CPU that makes it; must not call it. Optional. */
    void (*trace)(struct sim *s, void *ctx, const struct uiommu_trace *record);
};

struct sim *sim_the(void); /* The one there is: for callbacks that are not told. */
struct bench *sim_bench(struct sim *s);
struct conf *sim_conf(struct sim *s);
/* Memory of this world's, zeroed; aborts if there is none left (several MiB). */
void *sim_alloc(struct sim *s, size_t bytes);

/* ---- CPUs ---- */

#define SIM_DAEMON 1u /* The run ends without it. */
/* Starts with the run, or at once when called in it; its number. Names stay the caller's. */
uint32_t sim_cpu(struct sim *s, const char *name, sim_fn *fn, void *arg, uint32_t flags);
/* A body: services the unit of a bench (arg: struct bench *) whenever its host would. Any number
 * may do it. */
sim_fn sim_servicer;
/* A body: the drivers of a suite's devices, which confirm stops (arg: struct conf *). */
sim_fn sim_drivers;
/* An interrupt on top of whichever CPU lets one in next, chosen by SIM_IRQ. false: too many wait.
 */
bool sim_interrupt(struct sim *s, sim_fn *fn, void *arg);

/* Called on a CPU, in its body or in callbacks of the library. */
void sim_step(struct sim *s);               /* a scheduling point */
void sim_sleep(struct sim *s, uint64_t ns); /* of virtual time */
bool sim_until(struct sim *s, bool (*is)(void *arg), void *arg, uint64_t ns); /* false: time-out */
uint32_t sim_self(const struct sim *s); /* Number of this CPU; UINT32_MAX: none runs. */
bool sim_in_irq(const struct sim *s);   /* On top of it. */
uint32_t sim_choose(struct sim *s, enum sim_kind kind, uint32_t n);
bool sim_chance(struct sim *s, enum sim_kind kind, uint32_t per_mille); /* Quiet: false. */

/* ---- running ---- */

enum sim_end {
    SIM_DONE,   /* Every CPU that is no daemon has returned, and daemons have nothing to do. */
    SIM_FAILED, /* sim_failure() says what. */
    SIM_PRUNED, /* Exploration: from here on everything was seen before. */
};

struct sim_failure {
    const char *rule; /* "I1", "deadlock", "liveness", "lost wake-up", "model", "assert", ... */
    char text[512];
    uint64_t step, now_ns;
};

typedef void sim_build(struct sim *s, struct conf *c, void *arg);
/* One run in a fresh world. after: optional. CHECK() of the suite fails it as well. What failed is
 * kept in *failure. */
enum sim_end sim_world(const struct sim_config *config, sim_build *build, sim_build *after,
                       void *arg, struct sim_failure *failure);

/* Ends the run: does not return when called on a CPU or in a step. The first one counts. */
void sim_fail(struct sim *s, const char *rule, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
const struct sim_failure *sim_failure(const struct sim *s); /* rule NULL: none */
#define SIM_CHECK(s, rule, cond)                                                                   \
    ((cond) ? (void)0 : sim_fail((s), (rule), "%s:%d: %s", __FILE__, __LINE__, #cond))

uint64_t sim_steps(const struct sim *s); /* Scheduling points and pieces of work so far. */
uint64_t sim_now(const struct sim *s);
/* The choices of the last run that were not 0 (config.record), sorted. */
const struct sim_choice *sim_choices(uint32_t *count);
/* Who waits for what, a line each, into out; its length. */
size_t sim_report(const struct sim *s, char *out, size_t bytes);

/* ---- many runs ---- */

/* One run with these choices. */
typedef enum sim_end sim_once(const struct sim_config *config, void *arg,
                              struct sim_failure *failure);
/* How long that may take; 0: no limit. */
struct sim_shrinking {
    uint32_t tries; /* Runs at most. */
    double seconds;
    void (*progress)(uint32_t runs, uint32_t left); /* After each run; or NULL. */
};
/*
 * Reduce the choices of a failing run while once() fails by the same rule and with the same words
 * (as far as they have no numbers): a kind as a whole is left out, then parts of the list (ddmin),
 * then each choice by itself. In place; how many are left: they fail so when they are replayed,
 * unless *same says that the whole list does not.
 */
uint32_t sim_shrink(const struct sim_config *config, struct sim_choice *choices, uint32_t count,
                    const struct sim_shrinking *how, sim_once *once, void *arg, bool *same);

/* Everything that the schedule can be with at most so many preemptions; see sim_explore.c. */
struct sim_exploring {
    uint32_t bound;         /* Preemptions. */
    double seconds;         /* Stop then... */
    uint64_t max_schedules; /* ...or after so many; 0: no limit. */
};
struct sim_explored {
    enum sim_end end;   /* SIM_FAILED: found. */
    bool exhausted;     /* Nothing within the bound was left out. */
    uint32_t bound;     /* Of the last round; those before it were exhausted. */
    uint64_t schedules; /* Runs... */
    uint64_t known;     /* ...of them left in the middle: the same so far, but for the order of
                           steps that do not conflict, was met before. */
    uint64_t pruned;    /* Turns that were left out: they would only have changed the order of
                           steps that do not touch the same thing, or lie beyond the bound. */
    uint64_t states;    /* Where several could go on. */
    uint64_t steps;
    uint64_t begun, round; /* Runs before the last round; of the last exhausted one. */
    double seconds;        /* Of CPU time, as the limit. */
    struct sim_failure failure;
};
/* Rounds with 0, 1, ... bound preemptions. once() runs with the config it is given, whose mode is
 * SIM_DFS; the choices of the run that fails are kept where config->record is set. */
void sim_explore(const struct sim_config *config, const struct sim_exploring *how, sim_once *once,
                 void *arg, struct sim_explored *out);

#endif
