/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>

#include "sim_internal.h"

/*
 * Fewer choices for the same failure: what is left out becomes the quiet choice. First everything
 * that was chosen after the failure, then ddmin: halves, quarters and so on, down to single ones.
 */

struct shrinking {
    struct sim_config config;
    struct sim_choice *list, *try;
    uint32_t count;
    uint32_t tries;
    sim_once *once;
    void *arg;
    const char *rule;
};

/* Whether it still fails so with count choices of w->try; then these are the list. */
static bool fails(struct shrinking *w, uint32_t count)
{
    struct sim_failure failure;

    if (w->tries == 0) {
        return false;
    }
    w->tries--;
    w->config.choices = w->try;
    w->config.choice_count = count;
    if (w->once(&w->config, w->arg, &failure) != SIM_FAILED ||
        (w->rule != NULL && !conf_matches(failure.rule, w->rule))) {
        return false;
    }
    if (w->rule == NULL) {
        w->rule = failure.rule;
    }
    memcpy(w->list, w->try, count * sizeof(w->list[0]));
    w->count = count;
    return true;
}

/* Without the choices [from, from + some). */
static bool fails_without(struct shrinking *w, uint32_t from, uint32_t some)
{
    uint32_t end = from + some < w->count ? from + some : w->count;

    memcpy(w->try, w->list, from * sizeof(w->try[0]));
    memcpy(w->try + from, w->list + end, (w->count - end) * sizeof(w->try[0]));
    return fails(w, w->count - (end - from));
}

uint32_t sim_shrink(const struct sim_config *config, struct sim_choice *choices, uint32_t count,
                    uint32_t tries, sim_once *once, void *arg)
{
    struct shrinking w = {*config, choices, NULL, count, tries, once, arg, NULL};
    uint32_t some, from;

    w.config.mode = SIM_REPLAY;
    w.config.record = false;
    w.try = malloc((count + 1) * sizeof(w.try[0]));
    if (w.try == NULL) {
        return count;
    }
    memcpy(w.try, choices, count * sizeof(w.try[0]));
    for (some = fails(&w, count) ? (count + 1) / 2 : 0; some > 0 && w.count > 0 && w.tries > 0;) {
        bool less = false;

        for (from = 0; from < w.count && w.tries > 0;) {
            if (fails_without(&w, from, some)) {
                less = true;
            } else {
                from += some;
            }
        }
        some = some > 1 ? (some + 1) / 2 : less ? 1 : 0;
    }
    free(w.try);
    return w.count;
}
