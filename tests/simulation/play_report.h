/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PLAY_REPORT_H
#define PLAY_REPORT_H
/* What the simulation prints, and the file that shows a failing run. */
#include <stdio.h>

#include "play.h"

void play_report(const struct play_counts *counts);
/* Every legal move of a bond was made; says which were not. */
bool play_moves_all(const struct play_counts *counts);
/* The first failure of its kind? */
bool play_rule_is_new(const char *rule, const char *text);
void play_choices_print(const struct sim_choice *choices, uint32_t count);

/* JSON as chrome://tracing and Perfetto read it, like the file of uiommu-sva --trace. */
void play_trace_open(FILE *file);
void play_trace_write(FILE *file, const struct uiommu_trace *record);
void play_trace_close(FILE *file);

#endif
