/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <string.h>

#include "sim.h"

/*
 * Does the engine find what it is for? Three faults that only some schedules show, each with its
 * correct twin: by random seeds, by exploration, and again from the choices that were kept.
 */

#define SEEDS 2000u

struct shared {
    uint32_t lock[2];
    uint32_t count;
    struct uiommu_word word;
    bool right; /* The correct twin. */
};

static void take(uint32_t *lock)
{
    for (;;) {
        sim_point(SIM_OP_RMW, lock);
        if (*lock == 0) {
            *lock = 1;
            return;
        }
        do {
            sim_point(SIM_OP_PAUSE, lock);
            sim_point(SIM_OP_PEEK, lock);
        } while (*lock != 0);
    }
}

static void give(uint32_t *lock)
{
    sim_point(SIM_OP_STORE, lock);
    *lock = 0;
}

/* ---- an addition is lost ---- */

static void add_twice(struct sim *s, void *arg)
{
    struct shared *h = arg;
    uint32_t i, was;

    (void)s;
    for (i = 0; i < 2; i++) {
        if (h->right) {
            take(&h->lock[0]);
        }
        sim_point(SIM_OP_LOAD, &h->count);
        was = h->count;
        sim_point(SIM_OP_STORE, &h->count);
        h->count = was + 1;
        if (h->right) {
            give(&h->lock[0]);
        }
    }
}

static void after_add(struct sim *s, struct conf *c, void *arg)
{
    const struct shared *h = arg;

    (void)c;
    SIM_CHECK(s, "lost update", h->count == 4);
}

static void build_add(struct sim *s, struct conf *c, void *arg)
{
    (void)c;
    sim_cpu(s, "a", add_twice, arg, 0);
    sim_cpu(s, "b", add_twice, arg, 0);
}

/* ---- two locks, in two orders ---- */

static void take_both(struct shared *h, uint32_t first)
{
    take(&h->lock[first]);
    take(&h->lock[1 - first]);
    give(&h->lock[1 - first]);
    give(&h->lock[first]);
}

static void upwards(struct sim *s, void *arg)
{
    (void)s;
    take_both(arg, 0);
}

static void downwards(struct sim *s, void *arg)
{
    struct shared *h = arg;

    (void)s;
    take_both(h, h->right ? 0 : 1);
}

static void build_locks(struct sim *s, struct conf *c, void *arg)
{
    (void)c;
    sim_cpu(s, "up", upwards, arg, 0);
    sim_cpu(s, "down", downwards, arg, 0);
}

/* ---- woken before it slept ---- */

static void sleeper(struct sim *s, void *arg)
{
    struct shared *h = arg;
    struct bench *b = sim_bench(s);
    uint32_t seen;

    sim_point(SIM_OP_LOAD, &h->word);
    seen = h->word.v;
    while (seen == 0) {
        if (!h->right) { /* What it waits for is not what it saw. */
            sim_point(SIM_OP_LOAD, &h->word);
            seen = h->word.v;
        }
        b->ops.wait(b->ops.ctx, &h->word, seen, SIM_NEVER);
        sim_point(SIM_OP_LOAD, &h->word);
        seen = h->word.v;
    }
}

static void waker(struct sim *s, void *arg)
{
    struct shared *h = arg;
    struct bench *b = sim_bench(s);

    sim_point(SIM_OP_STORE, &h->word);
    h->word.v = 1;
    b->ops.wake(b->ops.ctx, &h->word);
}

static void build_wake(struct sim *s, struct conf *c, void *arg)
{
    (void)c;
    sim_cpu(s, "sleeper", sleeper, arg, 0);
    sim_cpu(s, "waker", waker, arg, 0);
}

/* ---- looking for them ---- */

struct fault {
    const char *name;
    const char *rule;
    sim_build *build, *after;
};
static const struct fault faults[] = {
    {"lost update", "lost update", build_add, after_add},
    {"lock inversion", "deadlock", build_locks, NULL},
    {"lost wake-up", "deadlock", build_wake, NULL},
};

struct job {
    const struct fault *fault;
    struct shared shared;
};

static enum sim_end once(const struct sim_config *config, void *arg, struct sim_failure *failure)
{
    struct job *job = arg;
    bool right = job->shared.right;

    memset(&job->shared, 0, sizeof(job->shared));
    job->shared.right = right;
    return sim_world(config, job->fault->build, job->fault->after, &job->shared, failure);
}

static bool is_it(const struct job *job, enum sim_end end, const struct sim_failure *failure)
{
    return end == SIM_FAILED && strcmp(failure->rule, job->fault->rule) == 0;
}

/* The same choices give the same failure, and some of them suffice. */
static bool again(struct job *job, struct sim_config *config, uint64_t step)
{
    static const struct sim_shrinking how = {500, 0, NULL};
    bool same;
    static struct sim_choice list[4096];
    struct sim_failure failure;
    uint32_t count, left;
    const struct sim_choice *kept = sim_choices(&count);

    if (count > 4096) {
        return false;
    }
    memcpy(list, kept, count * sizeof(list[0]));
    config->mode = SIM_REPLAY;
    config->choices = list;
    config->choice_count = count;
    if (!is_it(job, once(config, job, &failure), &failure) || failure.step != step) {
        printf("  the replay ended otherwise: %s at step %llu, not %llu\n",
               failure.rule == NULL ? "well" : failure.rule, (unsigned long long)failure.step,
               (unsigned long long)step);
        return false;
    }
    left = sim_shrink(config, list, count, &how, once, job, &same);
    config->choice_count = left;
    printf("  %u choices, shrunk to %u\n", count, left);
    return left >= 1 && left <= 2 && is_it(job, once(config, job, &failure), &failure);
}

static bool by_seed(struct job *job, const struct sim_config *base)
{
    struct sim_config config = *base;
    struct sim_failure failure;
    enum sim_end end = SIM_DONE;

    config.record = true;
    for (config.seed = 1; config.seed <= SEEDS && end == SIM_DONE; config.seed++) {
        end = once(&config, job, &failure);
    }
    if (job->shared.right || end == SIM_DONE) {
        printf("  %s: %s\n", job->shared.right ? "correct, seeds" : "seeds",
               end == SIM_DONE ? "nothing found" : failure.text);
        return job->shared.right == (end == SIM_DONE);
    }
    printf("  found by seed %llu\n", (unsigned long long)config.seed - 1);
    return is_it(job, end, &failure) && again(job, &config, failure.step);
}

static bool by_exploration(struct job *job, const struct sim_config *base)
{
    struct sim_config config = *base;
    struct sim_exploring how = {.bound = 3, .seconds = 20};
    struct sim_explored out;

    config.record = true;
    config.bare = true;
    sim_explore(&config, &how, once, job, &out);
    printf("  explored%s: %llu schedules, %llu states, bound %u: %s\n",
           job->shared.right ? ", correct" : "", (unsigned long long)out.schedules,
           (unsigned long long)out.states, out.bound,
           out.end == SIM_FAILED ? out.failure.rule
           : out.exhausted       ? "nothing, exhausted"
                                 : "nothing, not exhausted");
    if (job->shared.right) {
        return out.exhausted;
    }
    return is_it(job, out.end, &out.failure) && again(job, &config, out.failure.step);
}

int main(void)
{
    struct sim_config config = {.vendor = bench_vendors[0], .variant = &bench_variants[0]};
    unsigned passed = 0, failed = 0;
    struct job job;
    size_t i;
    int k;

    for (i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
        for (k = 0; k < 4; k++) {
            bool good;

            memset(&job, 0, sizeof(job));
            job.fault = &faults[i];
            job.shared.right = k >= 2;
            good = (k & 1) == 0 ? by_seed(&job, &config) : by_exploration(&job, &config);
            printf("%s: %s, %s%s\n", good ? "pass" : "FAIL", faults[i].name,
                   (k & 1) == 0 ? "seeds" : "exploration", k >= 2 ? ", correct" : "");
            passed += good;
            failed += !good;
        }
    }
    printf("%u passed, %u failed, 0 skipped\n", passed, failed);
    return failed != 0;
}
