/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>

#include "sim_internal.h"

/*
 * What answers a choice: the seed, a list, or nothing (0). The seed takes one of two ways through a
 * run: a random walk with a chance of a preemption at each step, or priorities that change at a few
 * moments (PCT), which finds what needs one long delay.
 */

#define CHANGES 6u
#define SPAN    20000u /* Between changes of priorities, at most. */

static struct {
    uint64_t random[SIM_KINDS];
    bool priorities;
    uint32_t walk; /* One step in so many is a choice. */
    uint64_t change_at;
    uint32_t rank[SIM_ACTORS]; /* Higher goes first. */
    uint32_t lowest, highest;
    const struct sim_choice *list[SIM_KINDS], *end[SIM_KINDS];
    struct sim_choice *kept;
    uint32_t kept_count, kept_room;
} way;

static uint64_t random_of(uint32_t kind)
{
    uint64_t z;

    way.random[kind] += 0x9E3779B97F4A7C15u;
    z = way.random[kind];
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

static uint32_t below(uint32_t kind, uint32_t n)
{
    return (uint32_t)((random_of(kind) >> 32) * n >> 32);
}

/* ---- keeping them ---- */

static void keep(struct sim *s, enum sim_kind kind, uint64_t at, uint32_t pick)
{
    struct sim_choice *more;

    if (pick == 0 || !s->config.record) {
        return;
    }
    if (way.kept_count == way.kept_room) {
        way.kept_room = way.kept_room == 0 ? 4096 : 2 * way.kept_room;
        more = realloc(way.kept, way.kept_room * sizeof(way.kept[0]));
        if (more == NULL) {
            abort();
        }
        way.kept = more;
    }
    way.kept[way.kept_count].at = at;
    way.kept[way.kept_count].kind = kind;
    way.kept[way.kept_count].pick = pick;
    way.kept_count++;
}

static int compare(const void *a, const void *b)
{
    const struct sim_choice *x = a, *y = b;

    if (x->kind != y->kind) {
        return x->kind < y->kind ? -1 : 1;
    }
    return x->at < y->at ? -1 : x->at > y->at;
}

const struct sim_choice *sim_choices(uint32_t *count)
{
    *count = way.kept_count;
    if (way.kept_count > 1) {
        qsort(way.kept, way.kept_count, sizeof(way.kept[0]), compare);
    }
    return way.kept;
}

/* ---- a list ---- */

/* Step numbers that were passed without a choice are of a run that has changed since. */
static uint32_t from_list(enum sim_kind kind, uint64_t at, uint32_t n)
{
    while (way.list[kind] < way.end[kind] && way.list[kind]->at < at) {
        way.list[kind]++;
    }
    if (way.list[kind] == way.end[kind] || way.list[kind]->at != at) {
        return 0;
    }
    return way.list[kind]->pick % n;
}

static void list_begin(struct sim *s)
{
    const struct sim_choice *at = s->config.choices;
    const struct sim_choice *end = at + s->config.choice_count;
    uint32_t kind;

    for (kind = 0; kind < SIM_KINDS; kind++) {
        way.list[kind] = at;
        while (at < end && at->kind == kind) {
            at++;
        }
        way.end[kind] = at;
    }
}

/* ---- the seed ---- */

/* So many steps until the next choice; geometric, about. */
static uint64_t steps_ahead(void)
{
    return 1 + below(SIM_SCHED, 2 * way.walk - 1);
}

static void random_begin(struct sim *s)
{
    static const uint32_t walks[] = {2, 4, 8, 16, 32, 64, 256, 1024};
    static const uint64_t creeps[] = {0, 0, 1, 5, 20, 100};
    uint32_t i;

    for (i = 0; i < SIM_KINDS; i++) {
        way.random[i] = s->config.seed * SIM_KINDS + i;
        (void)random_of(i);
    }
    way.priorities = below(SIM_SCHED, 3) == 0;
    way.walk = walks[below(SIM_SCHED, 8)];
    s->creep_ns = creeps[below(SIM_SCHED, 6)];
    way.lowest = UINT32_MAX / 2;
    way.highest = way.lowest + 1 + UINT32_MAX / 4;
    for (i = 0; i < SIM_ACTORS; i++) {
        way.rank[i] = way.lowest + 1 + below(SIM_SCHED, UINT32_MAX / 4);
    }
    way.change_at = below(SIM_SCHED, SPAN);
    s->quiet_until = way.priorities ? 0 : steps_ahead();
}

static uint32_t by_rank(struct sim *s, const uint32_t *actor, uint32_t count, bool stays)
{
    uint32_t best = 0, i;

    if (s->steps >= way.change_at) {
        way.change_at = s->steps + 1 + below(SIM_SCHED, SPAN);
        if (stays) {
            way.rank[actor[0]] = --way.lowest;
        } else {
            way.rank[SIM_TIME] = way.lowest + 1 + below(SIM_SCHED, UINT32_MAX / 4);
        }
    }
    for (i = 1; i < count; i++) {
        if (way.rank[actor[i]] > way.rank[actor[best]]) {
            best = i;
        }
    }
    return best;
}

/* Time less often than others, else the fastest CPU were a slow one. */
static uint32_t by_chance(struct sim *s, const uint32_t *actor, uint32_t count)
{
    uint32_t pick = count == 1 ? 0 : below(SIM_SCHED, count);

    s->quiet_until = s->steps + steps_ahead();
    if (!s->config.harsh && actor[pick] == SIM_TIME && count > 1 && below(SIM_SCHED, 8) != 0) {
        pick = below(SIM_SCHED, count - 1); /* Time is the last. */
    }
    return pick;
}

/* ---- */

void sim_choice_begin(struct sim *s)
{
    way.kept_count = 0;
    memset(s->number, 0, sizeof(s->number));
    s->creep_ns = 0;
    s->quiet_until = 0;
    switch (s->config.mode) {
    case SIM_RANDOM:
        random_begin(s);
        break;
    case SIM_QUIET:
        s->quiet_until = SIM_NEVER;
        break;
    case SIM_REPLAY:
        if (s->config.seed != 0) { /* A step takes as long as it did. */
            random_begin(s);
            s->quiet_until = 0;
        }
        list_begin(s);
        break;
    default:
        break;
    }
}

/* Nobody who could go on waits for ever: time-outs of others would be its only effect. */
static uint32_t starving(struct sim *s, const uint32_t *actor, uint32_t count)
{
    uint64_t now = bench_now(s->bench) + 1;
    uint32_t i;

    for (i = 0; i < count; i++) {
        struct sim_cpu *c = &s->cpu[actor[i]];

        if (actor[i] == SIM_TIME) {
            continue;
        }
        if (c->ready_ns == 0) {
            c->ready_ns = now;
        }
        if (now - c->ready_ns > s->config.starve_ns) {
            return i;
        }
    }
    return count;
}

static uint32_t by_seed(struct sim *s, const uint32_t *actor, uint32_t count, bool stays)
{
    uint32_t pick = starving(s, actor, count);

    if (pick == count) {
        pick = way.priorities ? by_rank(s, actor, count, stays) : by_chance(s, actor, count);
    } else if (!s->config.harsh) { /* For more than one step. */
        way.rank[actor[pick]] = ++way.highest;
        s->quiet_until = way.priorities ? 0 : s->steps + steps_ahead();
    }
    if (actor[pick] != SIM_TIME) {
        s->cpu[actor[pick]].ready_ns = 0;
    }
    return pick;
}

uint32_t sim_pick_actor(struct sim *s, const uint32_t *actor, uint32_t count, bool stays)
{
    uint32_t pick = 0;

    switch (s->config.mode) {
    case SIM_RANDOM:
        pick = by_seed(s, actor, count, stays);
        break;
    case SIM_REPLAY:
        pick = from_list(SIM_SCHED, s->steps, count);
        s->quiet_until = way.list[SIM_SCHED] < way.end[SIM_SCHED]
                             ? way.list[SIM_SCHED]->at + (way.list[SIM_SCHED]->at == s->steps)
                             : SIM_NEVER;
        break;
    case SIM_DFS:
        pick = sim_explorer->pick(s, actor, count, stays);
        break;
    default:
        break;
    }
    keep(s, SIM_SCHED, s->steps, pick);
    return pick;
}

uint32_t sim_choose(struct sim *s, enum sim_kind kind, uint32_t n)
{
    uint64_t at = s->number[kind]++;
    uint32_t pick = 0;

    if (n < 2) {
        return 0;
    }
    switch (s->config.mode) {
    case SIM_RANDOM:
        pick = kind == SIM_IRQ ? below(kind, 8) == 0 : below(kind, n);
        break;
    case SIM_REPLAY:
        pick = from_list(kind, at, n);
        break;
    case SIM_DFS:
        pick = sim_explorer->choose(s, kind, n);
        break;
    default:
        break;
    }
    keep(s, kind, at, pick);
    return pick;
}

bool sim_chance(struct sim *s, enum sim_kind kind, uint32_t per_mille)
{
    return per_mille != 0 && sim_choose(s, kind, 1000) >= 1000 - per_mille;
}
