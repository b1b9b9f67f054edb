/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PLAY_REPORT_H
#define PLAY_REPORT_H
/* What the simulation prints, and the files that show a failing run. */
#include <stdio.h>

#include "play.h"

void play_report(const struct play_counts *counts);
/* How many legal moves no bond made; says which. */
uint32_t play_moves_never(const struct play_counts *counts);
/* The first failure of its kind? */
bool play_rule_is_new(const char *rule, const char *text);
void play_choices_print(const struct sim_choice *choices, uint32_t count);

/* ---- a schedule as a file: one choice a line, those left out are quiet ---- */

struct play_case {
    const char *machine;
    struct play_plan plan;
    const char *guard; /* NULL: all are on. */
};
struct play_schedule {
    char machine[64], guard[64];
    uint64_t seed;
    uint32_t fates;
    bool harsh;
    struct sim_choice *choices;
    uint32_t count;
};
bool play_schedule_write(const char *path, const struct play_case *what, const char *rule,
                         const struct sim_choice *choices, uint32_t count);
bool play_schedule_read(const char *path, struct play_schedule *out);

/* ---- the run as spans, as uiommu-sva --trace writes it ---- */

bool play_spans_open(const char *path, struct play *p, uint32_t units);
void play_spans_record(const struct uiommu_trace *record);
bool play_spans_close(void);

#endif
