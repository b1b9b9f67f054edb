/* SPDX-License-Identifier: BSD-2-Clause */
#include "play_report.h"

#include <string.h>

#define SHOWN 40u /* Choices that are printed. */
#define RULES 64u

static const char *const states[PLAY_STATES] = {
    "FREE",     "RESERVED", "ATTACHING",  "LIVE",     "MM_DEAD",
    "STOPPING", "DRAINING", "QUARANTINE", "POISONED",
};

/* ---- figures ---- */

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
                printf(" %10s", play_legal(from, to) ? "NEVER" : "-");
            }
        }
    }
    printf("\n");
}

void play_report(const struct play_counts *c)
{
    uint32_t i;

    moves(c);
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

bool play_moves_all(const struct play_counts *c)
{
    bool all = true;
    uint32_t from, to;

    for (from = 0; from < PLAY_STATES; from++) {
        for (to = 0; to < PLAY_STATES; to++) {
            /* Only where a round of service takes as long as a command may. */
            bool rare = from == UIOMMU_BOND_RESERVED && to == UIOMMU_BOND_STOPPING;

            if (play_legal(from, to) && !rare && c->moves[from][to] == 0) {
                printf("FAILED no bond ever went from %s to %s\n", states[from], states[to]);
                all = false;
            }
        }
    }
    return all;
}

/* ---- failures ---- */

bool play_rule_is_new(const char *rule, const char *text)
{
    static char seen[RULES][48];
    static uint32_t count;
    char key[48];
    uint32_t i;

    (void)snprintf(key, sizeof(key), "%s %.40s", rule, text);
    for (i = 0; i < count; i++) {
        if (strncmp(seen[i], key, 16) == 0) {
            return false;
        }
    }
    if (count < RULES) {
        memcpy(seen[count++], key, sizeof(key));
    }
    return true;
}

void play_choices_print(const struct sim_choice *choices, uint32_t count)
{
    static const char *const kinds[SIM_KINDS] = {"runs", "interrupt", "load", "fault"};
    uint32_t i;

    for (i = 0; i < count && i < SHOWN; i++) {
        printf("    %s %llu: %u\n", kinds[choices[i].kind % SIM_KINDS],
               (unsigned long long)choices[i].at, choices[i].pick);
    }
    if (count > SHOWN) {
        printf("    and %u more\n", count - SHOWN);
    }
}

/* ---- the file ---- */

static const char *const records[UIOMMU_TRACE_END] = {
    [UIOMMU_TRACE_BOND] = "bond",
    [UIOMMU_TRACE_STEP] = "step",
    [UIOMMU_TRACE_REQUEST] = "request",
    [UIOMMU_TRACE_GROUP_OPEN] = "group open",
    [UIOMMU_TRACE_GROUP_READY] = "group ready",
    [UIOMMU_TRACE_GROUP_DISPATCHED] = "group dispatched",
    [UIOMMU_TRACE_GROUP_PENDING] = "group pending",
    [UIOMMU_TRACE_GROUP_ANSWERED] = "group answered",
    [UIOMMU_TRACE_GROUP_DROPPED] = "group dropped",
    [UIOMMU_TRACE_REFUSED] = "refused",
    [UIOMMU_TRACE_MARKER] = "marker",
    [UIOMMU_TRACE_OVERFLOW] = "overflow",
    [UIOMMU_TRACE_DEVICE] = "device",
    [UIOMMU_TRACE_ASPACE] = "address space",
    [UIOMMU_TRACE_INVALIDATE] = "invalidate",
    [UIOMMU_TRACE_TICKET] = "ticket",
};

void play_trace_open(FILE *file)
{
    fprintf(file, "{\"traceEvents\": [\n");
}

/* A process is a unit, a row is a virtual CPU. */
void play_trace_write(FILE *file, const struct uiommu_trace *r)
{
    const char *name = r->id < UIOMMU_TRACE_END ? records[r->id] : NULL;

    fprintf(file,
            "{\"name\": \"%s\", \"ph\": \"i\", \"s\": \"t\", \"ts\": %llu.%03u, \"pid\": %u, "
            "\"tid\": %u, \"args\": {\"a\": \"%#llx\", \"b\": \"%#llx\", \"c\": \"%#llx\", \"d\": "
            "\"%#llx\"}},\n",
            name == NULL ? "?" : name, (unsigned long long)(r->now_ns / 1000),
            (unsigned)(r->now_ns % 1000), r->unit, sim_self(play_sim), (unsigned long long)r->a,
            (unsigned long long)r->b, (unsigned long long)r->c, (unsigned long long)r->d);
}

void play_trace_close(FILE *file)
{
    fprintf(file,
            "{\"name\": \"end\", \"ph\": \"i\", \"s\": \"g\", \"ts\": 0, \"pid\": 0, \"tid\": "
            "0}]}\n");
}
