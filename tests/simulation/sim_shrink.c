/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sim_internal.h"

/*
 * Fewer choices for the same failure: what is left out becomes the quiet choice. First everything
 * that was chosen after the failure, then each kind, then ddmin: halves, quarters and so on, down
 * to single ones.
 */

struct shrinking {
    struct sim_config config;
    struct sim_choice *list, *try;
    uint32_t count;
    const struct sim_shrinking *how;
    uint32_t runs;
    double until;
    sim_once *once;
    void *arg;
    struct sim_failure wanted; /* rule NULL: none yet */
};

static double seconds_now(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static bool is_over(const struct shrinking *w)
{
    return (w->how->tries != 0 && w->runs >= w->how->tries) ||
           (w->how->seconds > 0 && seconds_now() >= w->until);
}

/* The same words up to the first number. */
static bool is_alike(const struct sim_failure *a, const struct sim_failure *b)
{
    size_t n = strcspn(a->text, "0123456789");

    return conf_matches(a->rule, b->rule) && n == strcspn(b->text, "0123456789") &&
           strncmp(a->text, b->text, n) == 0;
}

/* Whether it still fails so with count choices of w->try; then these are the list. */
static bool fails(struct shrinking *w, uint32_t count)
{
    struct sim_failure failure;
    bool yes;

    if (is_over(w)) {
        return false;
    }
    w->runs++;
    w->config.choices = w->try;
    w->config.choice_count = count;
    yes = w->once(&w->config, w->arg, &failure) == SIM_FAILED &&
          (w->wanted.rule == NULL || is_alike(&w->wanted, &failure));
    if (yes) {
        w->wanted = failure;
        memcpy(w->list, w->try, count * sizeof(w->list[0]));
        w->count = count;
    }
    if (w->how->progress != NULL) {
        w->how->progress(w->runs, w->count);
    }
    return yes;
}

/* Without the choices [from, from + some). */
static bool fails_without(struct shrinking *w, uint32_t from, uint32_t some)
{
    uint32_t end = from + some < w->count ? from + some : w->count;

    memcpy(w->try, w->list, from * sizeof(w->try[0]));
    memcpy(w->try + from, w->list + end, (w->count - end) * sizeof(w->try[0]));
    return fails(w, w->count - (end - from));
}

static void without_kinds(struct shrinking *w)
{
    uint32_t kind, from, to;

    for (kind = 0; kind < SIM_KINDS; kind++) {
        for (from = 0; from < w->count && w->list[from].kind != kind; from++) {
        }
        for (to = from; to < w->count && w->list[to].kind == kind; to++) {
        }
        if (to > from) {
            (void)fails_without(w, from, to - from);
        }
    }
}

static void ddmin(struct shrinking *w)
{
    uint32_t some = (w->count + 1) / 2, from;

    while (some > 0 && w->count > 0 && !is_over(w)) {
        bool less = false;

        for (from = 0; from < w->count && !is_over(w);) {
            if (fails_without(w, from, some)) {
                less = true;
            } else {
                from += some;
            }
        }
        some = some > 1 ? (some + 1) / 2 : less ? 1 : 0;
    }
}

uint32_t sim_shrink(const struct sim_config *config, struct sim_choice *choices, uint32_t count,
                    const struct sim_shrinking *how, sim_once *once, void *arg, bool *same)
{
    struct shrinking w;

    memset(&w, 0, sizeof(w));
    w.config = *config;
    w.config.mode = SIM_REPLAY;
    w.config.record = false;
    w.list = choices;
    w.count = count;
    w.how = how;
    w.until = seconds_now() + how->seconds;
    w.once = once;
    w.arg = arg;
    *same = false;
    w.try = malloc((count + 1) * sizeof(w.try[0]));
    if (w.try == NULL) {
        return count;
    }
    memcpy(w.try, choices, count * sizeof(w.try[0]));
    *same = fails(&w, count);
    if (*same) {
        without_kinds(&w);
        ddmin(&w);
    }
    free(w.try);
    return w.count;
}
