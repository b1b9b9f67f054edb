/* SPDX-License-Identifier: BSD-2-Clause */
#include "play_report.h"

#include <string.h>

static const char *const states[PLAY_STATES] = {
    "FREE",     "RESERVED", "ATTACHING",  "LIVE",     "MM_DEAD",
    "STOPPING", "DRAINING", "QUARANTINE", "POISONED",
};

/* ---- figures ---- */

/* Those that nobody traces are the shadow's: a bind begins, or fails before anybody knew of it. */
static bool can(uint32_t from, uint32_t to)
{
    return play_legal(from, to) || (from == UIOMMU_BOND_FREE && to == UIOMMU_BOND_RESERVED) ||
           (from == UIOMMU_BOND_RESERVED && to == UIOMMU_BOND_FREE);
}

static void moves(const struct play_counts *c)
{
    uint32_t from, to;

    printf("\nmoves of bonds (from below, to on the right)\n%-11s", "");
    for (to = 0; to < PLAY_STATES; to++) {
        printf(" %10s", states[to]);
    }
    for (from = 0; from < PLAY_STATES; from++) {
        printf("\n%-11s", states[from]);
        for (to = 0; to < PLAY_STATES; to++) {
            if (c->moves[from][to] != 0) {
                printf(" %10llu", (unsigned long long)c->moves[from][to]);
            } else {
                printf(" %10s", can(from, to) ? "NEVER" : "-");
            }
        }
    }
    printf("\n");
}

void play_report(const struct play_counts *c)
{
    uint32_t i;

    moves(c);
    printf("distinct states: %llu (see play_states.c); looks at the core's records: %llu\n",
           (unsigned long long)play_states(), (unsigned long long)c->inside);
    printf("\nmisfortune:");
    for (i = 0; i < PLAY_FATES; i++) {
        printf(" %s %llu", play_fate_names[i], (unsigned long long)c->fates[i]);
    }
    printf("\nlives %llu, jobs %llu (%llu done), groups %llu: %llu answered, %llu dropped; stale "
           "answers %llu, of dead %llu, expired %llu\n",
           (unsigned long long)c->lives, (unsigned long long)c->jobs,
           (unsigned long long)c->jobs_done, (unsigned long long)c->groups,
           (unsigned long long)c->answered, (unsigned long long)c->dropped,
           (unsigned long long)c->stale, (unsigned long long)c->dead, (unsigned long long)c->late);
    printf("unbinds %llu, exits %llu, resets %llu, removals %llu, overflows %llu, poisoned %llu, "
           "withheld %llu, PASIDs %llu\n",
           (unsigned long long)c->unbinds, (unsigned long long)c->exits,
           (unsigned long long)c->resets, (unsigned long long)c->removals,
           (unsigned long long)c->overflows, (unsigned long long)c->poisoned,
           (unsigned long long)c->withheld, (unsigned long long)c->allocations);
}

uint32_t play_moves_never(const struct play_counts *c)
{
    uint32_t never = 0, from, to;

    for (from = 0; from < PLAY_STATES; from++) {
        for (to = 0; to < PLAY_STATES; to++) {
            if (can(from, to) && c->moves[from][to] == 0) {
                printf("never taken: %s to %s\n", states[from], states[to]);
                never++;
            }
        }
    }
    return never;
}
