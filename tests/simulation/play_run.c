/* SPDX-License-Identifier: BSD-2-Clause */
#include "play_run.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../support/checked.h"

/* One run of a machine, and what is made of one that failed. */

static struct play the_play;
struct play_counts play_counted;
static bool quiet; /* Of runs that repeat one nothing is counted. */

/* Of every eighth seed, too: some moves are made only where a round takes as long as a command
 * may. */
static bool play_is_harsh(const struct play_plan *plan)
{
    return plan->harsh || plan->seed % 8 == 0;
}

static void on_trace(struct sim *s, void *ctx, const struct uiommu_trace *record)
{
    play_spans_record(record);
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
    static struct play_counts repeated;
    struct play *p = &the_play;
    const struct play_plan *plan = arg;
    uint32_t i;

    memset(p, 0, sizeof(*p));
    play_sim = s;
    p->plan = *plan;
    p->plan.harsh = play_is_harsh(plan);
    p->bench = &c->b;
    p->counts = quiet ? &repeated : &play_counted;
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

enum sim_end play_once(const struct sim_config *config, void *arg, struct sim_failure *failure)
{
    struct sim_config own = *config;

    own.ctx = &the_play;
    own.step = play_step;
    own.trace = on_trace;
    own.excused = play_excused;
    own.bare = true;
    return sim_world(&own, build, NULL, arg, failure);
}

/* The variant goes round with the seed, so that few seeds cover all. */
void play_configure(struct sim_config *config, const struct play_plan *plan)
{
    uint32_t level;

    memset(config, 0, sizeof(*config));
    config->vendor = plan->vendor[0];
    config->variant = &bench_variants[plan->seed % bench_variant_count];
    config->seed = plan->seed;
    config->harsh = play_is_harsh(plan);
    config->starve_ns = (config->harsh ? 500 : 100) * BENCH_US;
    /* Lies of rings and registers make the library do what hardware complains of. */
    config->reports_wanted =
        (play_fates_of(plan->seed, plan->fates, &level) >> PLAY_FATE_LIE & 1u) != 0;
}

/* ---- a failure ---- */

static double seconds_now(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* What failed, of which seed, and how to see it again. */
static void tell(const struct play_case *what, const char *variant,
                 const struct sim_failure *failure)
{
    const struct play_plan *plan = &what->plan;
    uint32_t level, i;

    printf("FAILED %s seed %llu [%s]: %s: %s (step %llu, %llu us)\n", what->machine,
           (unsigned long long)plan->seed, variant, failure->rule, failure->text,
           (unsigned long long)failure->step, (unsigned long long)(failure->now_ns / BENCH_US));
    printf("  misfortune:");
    for (i = 0; i < PLAY_FATES; i++) {
        if ((play_fates_of(plan->seed, plan->fates, &level) >> i & 1u) != 0) {
            printf(" %s", play_fate_names[i]);
        }
    }
    printf("%s\n  replay: simulate --backend %s --seed %llu%s%s%s", level == 0 ? " none" : "",
           what->machine, (unsigned long long)plan->seed, plan->harsh ? " --harsh" : "",
           what->guard != NULL ? " --guard-off " : "", what->guard != NULL ? what->guard : "");
    for (i = 0; i < PLAY_FATES && plan->fates != UINT32_MAX; i++) {
        if ((plan->fates >> i & 1u) != 0) {
            printf("%s%s", (plan->fates & ((1u << i) - 1)) == 0 ? " --fates " : ",",
                   play_fate_names[i]);
        }
    }
    printf("%s\n", plan->fates == 0 ? " --fates none" : "");
    fflush(stdout);
}

static bool is_same(const struct sim_failure *a, const struct sim_failure *b)
{
    return a->rule != NULL && b->rule != NULL && strcmp(a->rule, b->rule) == 0 &&
           strcmp(a->text, b->text) == 0 && a->step == b->step && a->now_ns == b->now_ns;
}

static void shrunk_so_far(uint32_t runs, uint32_t left)
{
    static double next;

    if (seconds_now() >= next) {
        next = seconds_now() + 5;
        fprintf(stderr, "  reducing: %u runs, %u choices left\n", runs, left);
    }
}

/* Its choices, from one more run. NULL: no memory. */
static struct sim_choice *choices_of(struct play_case *what, const struct sim_failure *failure,
                                     uint32_t *count)
{
    const struct sim_choice *kept;
    struct sim_choice *choices;
    struct sim_failure again;
    struct sim_config config;

    play_configure(&config, &what->plan);
    config.record = true;
    (void)play_once(&config, &what->plan, &again);
    if (!is_same(failure, &again)) {
        printf("  NOT THE SAME AGAIN: %s: %s (step %llu)\n", again.rule == NULL ? "-" : again.rule,
               again.text, (unsigned long long)again.step);
    }
    kept = sim_choices(count);
    choices = malloc((*count + 1) * sizeof(*choices));
    if (choices != NULL && *count != 0) {
        memcpy(choices, kept, *count * sizeof(*choices));
    }
    return choices;
}

static const char *named(const struct play_files *files, const struct play_case *what,
                         const char *end, char *out, size_t bytes)
{
    (void)snprintf(out, bytes, "%s/simulate-%s-%llu.%s", files->folder, what->machine,
                   (unsigned long long)what->plan.seed, end);
    return out;
}

/* The run with these choices, as spans. */
static bool show(const char *path, struct play_case *what, const struct sim_choice *choices,
                 uint32_t count, struct sim_failure *failure)
{
    struct sim_config config;
    bool good = play_spans_open(path, &the_play, what->plan.units);

    play_configure(&config, &what->plan);
    config.mode = SIM_REPLAY;
    config.choices = choices;
    config.choice_count = count;
    (void)play_once(&config, &what->plan, failure);
    return good && play_spans_close();
}

void play_explain(const struct play_files *files, struct play_case *what,
                  const struct sim_failure *failure)
{
    const struct sim_shrinking how = {0, files->seconds, shrunk_so_far};
    struct sim_failure again;
    struct sim_choice *choices;
    struct sim_config config;
    uint32_t count = 0, left;
    bool same = true;
    char path[512];

    play_configure(&config, &what->plan);
    tell(what, config.variant->name, failure);
    if (files->folder == NULL) {
        return;
    }
    quiet = true;
    choices = choices_of(what, failure, &count);
    if (choices == NULL) {
        printf("  no memory to reduce it\n");
        return;
    }
    left = count;
    if (strcmp(failure->rule, "liveness") != 0) { /* One that goes on for ever is no use. */
        config.max_steps = 2 * failure->step + 1000000;
    }
    if (files->seconds > 0) {
        left = sim_shrink(&config, choices, count, &how, play_once, &what->plan, &same);
        printf("  its schedule: %u choices, reduced to %u%s\n", count, left,
               same ? "" : ": NOT THE SAME when replayed from the list");
    }
    play_choices_print(choices, left);
    named(files, what, "json", path, sizeof(path));
    if (show(files->trace != NULL ? files->trace : path, what, choices, left, &again)) {
        printf("  trace: %s\n", files->trace != NULL ? files->trace : path);
    } else {
        perror(files->trace != NULL ? files->trace : path);
    }
    if (again.rule != NULL) {
        printf("  reduced: %s: %s (step %llu, %llu us)\n", again.rule, again.text,
               (unsigned long long)again.step, (unsigned long long)(again.now_ns / BENCH_US));
    }
    named(files, what, "schedule", path, sizeof(path));
    if (play_schedule_write(path, what, failure->rule, choices, left)) {
        printf("  replay it: simulate --schedule %s\n", path);
    } else {
        perror(path);
    }
    fflush(stdout);
    free(choices);
    quiet = false;
}

bool play_again(const struct play_files *files, struct play_case *what,
                const struct play_schedule *schedule)
{
    struct sim_failure failure;
    struct sim_config config;

    play_configure(&config, &what->plan);
    if (files->trace != NULL) {
        if (!show(files->trace, what, schedule->choices, schedule->count, &failure)) {
            perror(files->trace);
        }
    } else {
        config.mode = SIM_REPLAY;
        config.choices = schedule->choices;
        config.choice_count = schedule->count;
        (void)play_once(&config, &what->plan, &failure);
    }
    if (failure.rule != NULL) {
        tell(what, config.variant->name, &failure);
    }
    return failure.rule == NULL;
}
