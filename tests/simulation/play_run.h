/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PLAY_RUN_H
#define PLAY_RUN_H
/* One run of a machine, and what is made of one that failed. */
#include "play_report.h"

extern struct play_counts play_counted;

/* arg: the plan. */
enum sim_end play_once(const struct sim_config *config, void *arg, struct sim_failure *failure);
void play_configure(struct sim_config *config, const struct play_plan *plan);

struct play_files {
    const char *folder; /* NULL: nothing is reduced nor written. */
    const char *trace;  /* NULL: one in the folder. */
    double seconds;     /* For reducing. */
};
/* Say it, then once more with its choices kept, then with as few of them as fail alike. */
void play_explain(const struct play_files *files, struct play_case *what,
                  const struct sim_failure *failure);
/* Run a schedule. false: it failed. */
bool play_again(const struct play_files *files, struct play_case *what,
                const struct play_schedule *schedule);

#endif
