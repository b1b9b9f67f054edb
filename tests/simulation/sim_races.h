/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SIM_RACES_H
#define SIM_RACES_H
/* Which steps of a run could have come the other way round; sim_races.c. */
#include "sim_internal.h"

#define SIM_RACERS     8u
#define SIM_RACER_TIME (SIM_RACERS - 1)

/* A CPU, or SIM_TIME. */
uint32_t sim_racer(uint32_t actor);
/* Before a run. first: of a round, all of it is new. */
void sim_races_begin(bool first);
/* From here on the run is one that was not seen. */
void sim_races_of_news(bool news);
/* It is this one's turn, which was chosen at a node. stays: it was at it. */
void sim_races_turn(uint32_t actor, uint32_t node, bool stays);
/* As struct sim_explorer has them. */
void sim_races_note(struct sim *s, struct sim_cpu *c, enum sim_op op, const void *word);
void sim_races_note_time(struct sim *s, bool worked);
/* The same for runs whose steps so far differ only in the order of those that do not conflict. */
uint64_t sim_races_past(void);
bool sim_races_short_of_room(void);

/* ---- what is told; sim_explore.c ---- */

/* Try this one there. false: it could not go on there. */
bool sim_explore_ask(uint32_t node, uint32_t who);

#endif
