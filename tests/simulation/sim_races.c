/* SPDX-License-Identifier: BSD-2-Clause */
#include "sim_races.h"

/*
 * What each step of a run uses, in which order that puts steps (vector clocks), and which two steps
 * next to each other in that order could have come the other way round.
 *
 * A turn is what a CPU does from one scheduling point to the next: the operation that the point is
 * for, and plain memory after it. It uses
 * - its word (a load reads, all else changes it);
 * - for registers: that register of its own, and the devices;
 * - for the fences of memory that devices reach: the devices. What was stored before the fence may
 *   reach a device as soon as it was stored: the turn before the fence uses them, too;
 * - for steps of a world's own CPUs, for wake() and where a CPU goes on that waited for a
 *   condition: the state of the world, as one thing.
 * A piece of the models' work changes the devices. CPUs only use them: two CPUs conflict over a
 * device only in registers, words, or the world's state.
 *
 * Assumed, not shown:
 * - What CPUs share without atomic operations is guarded by words (TSan looks for that).
 * - One order of all steps is enough: no weaker memory is simulated.
 * - That the clock is looked at before or after a piece of work changes nothing by itself.
 * - A CPU that pauses in a loop waits for another one's store; one that waits for a condition
 *   could not have gone on before the step that made it true.
 */

#define EVENTS    (1u << 17)
#define WORDS_LOG 14u
#define WORDS     (1u << WORDS_LOG)
#define NOTHING   UINT32_MAX

typedef uint32_t vclock[SIM_RACERS];

struct event {
    uint32_t node;
    uint32_t first; /* Where its CPU's turn began without a preemption of anybody. */
    uint32_t who;
    uint32_t mine; /* Its number among its CPU's. */
    vclock clock;
};

struct thing {
    const void *at;
    uint32_t run; /* That the rest is of. */
    uint32_t write;
    uint32_t read[2 * SIM_RACERS]; /* By each; and in the turn before that. */
    vclock written, seen;          /* Seen: by all who read since. */
    uint64_t write_past, read_past;
};

static struct {
    struct event event[EVENTS];
    uint32_t events;
    uint32_t run;
    uint32_t last[SIM_RACERS], before[SIM_RACERS]; /* Their last event, and the one before it. */
    vclock clock[SIM_RACERS];
    uint64_t past[SIM_RACERS]; /* What each did, and what it saw of others. */
    struct thing thing[WORDS], world, devices, clock_moved;
    uint32_t things;
    bool news;
    bool forced; /* Time moves next without having been asked. */
    bool short_of_room;
} r;

uint32_t sim_racer(uint32_t actor)
{
    if (actor == SIM_TIME) {
        return SIM_RACER_TIME;
    }
    if (actor >= SIM_RACER_TIME) {
        r.short_of_room = true;
        return 0;
    }
    return actor;
}

void sim_races_begin(bool first)
{
    uint32_t i;

    if (first) {
        r.short_of_room = false;
        memset(r.thing, 0, sizeof(r.thing));
        r.things = 0;
    }
    r.run++;
    r.events = 0;
    r.news = first;
    memset(r.clock, 0, sizeof(r.clock));
    memset(r.past, 0, sizeof(r.past));
    for (i = 0; i < SIM_RACERS; i++) {
        r.last[i] = r.before[i] = NOTHING;
    }
}

void sim_races_of_news(bool news)
{
    r.news = news;
}

bool sim_races_short_of_room(void)
{
    return r.short_of_room;
}

/* ---- the past ---- */

static uint64_t mix(uint64_t a, uint64_t b)
{
    uint64_t z = (a ^ (b + 0x9E3779B97F4A7C15u + (a << 6) + (a >> 2))) * 0xBF58476D1CE4E5B9u;

    z = (z ^ (z >> 29)) * 0x94D049BB133111EBu;
    return z ^ (z >> 32);
}

uint64_t sim_races_past(void)
{
    uint64_t key = 0;
    uint32_t i;

    for (i = 0; i < SIM_RACERS; i++) {
        key += mix(r.past[i], i + 1);
    }
    return key;
}

/* ---- races ---- */

static bool is_before(const struct event *e, const vclock clock)
{
    return clock[e->who] >= e->mine;
}

static void ask_at(uint32_t i, uint32_t who)
{
    const struct event *e = &r.event[i];
    uint32_t k;

    if (sim_explore_ask(e->node, who)) {
        return;
    }
    /* It could not go on there: whoever made that it could. If nobody did, step i itself did. */
    for (k = i + 1; k + 1 < r.events; k++) {
        if (!is_before(e, r.event[k].clock) && is_before(&r.event[k], r.clock[who])) {
            (void)sim_explore_ask(e->node, r.event[k].who);
        }
    }
}

/* The step that is made now uses what step i used: could it have come first? */
static void race(uint32_t i, uint32_t who)
{
    const struct event *e;

    if (i == NOTHING || !r.news) {
        return;
    }
    e = &r.event[i];
    if (e->who == who || is_before(e, r.clock[who])) {
        return;
    }
    ask_at(i, who);
    if (e->first != i) {
        ask_at(e->first, who);
    }
}

static void join(vclock to, const vclock from)
{
    uint32_t i;

    for (i = 0; i < SIM_RACERS; i++) {
        to[i] = to[i] > from[i] ? to[i] : from[i];
    }
}

/* ---- steps ---- */

void sim_races_turn(uint32_t actor, uint32_t node, bool stays)
{
    uint32_t who = sim_racer(actor);
    struct event *e = &r.event[r.events];
    bool goes_on = r.events > 0 && e[-1].who == who && stays;

    if (r.events == EVENTS) {
        r.short_of_room = true;
        return;
    }
    e->node = node;
    e->who = who;
    e->first = goes_on ? e[-1].first : r.events;
    e->mine = ++r.clock[who][who];
    memcpy(e->clock, r.clock[who], sizeof(e->clock));
    r.past[who] = mix(r.past[who], 3);
    r.before[who] = r.last[who];
    r.last[who] = r.events++;
    r.forced = false;
}

static struct thing *fresh(struct thing *t)
{
    uint32_t i;

    if (t->run != r.run) {
        t->run = r.run;
        t->write = NOTHING;
        memset(t->written, 0, sizeof(t->written));
        memset(t->seen, 0, sizeof(t->seen));
        t->write_past = t->read_past = 0;
        for (i = 0; i < 2 * SIM_RACERS; i++) {
            t->read[i] = NOTHING;
        }
    }
    return t;
}

static struct thing *thing_of(const void *at)
{
    uint32_t i = (uint32_t)((uint64_t)(uintptr_t)at * 0x9E3779B97F4A7C15u >> (64 - WORDS_LOG));
    struct thing *t;

    while (r.thing[i].at != NULL && r.thing[i].at != at) {
        i = (i + 1) % WORDS;
    }
    t = &r.thing[i];
    if (t->at == NULL) {
        if (r.things == WORDS / 4 * 3) {
            r.short_of_room = true;
            return fresh(&r.world);
        }
        r.things++;
        t->at = at;
    }
    return fresh(t);
}

/* Its clock as it is told to others. */
static void settle(uint32_t who)
{
    memcpy(r.event[r.last[who]].clock, r.clock[who], sizeof(vclock));
}

static void reads(struct thing *t, uint32_t who)
{
    race(t->write, who);
    join(r.clock[who], t->written);
    settle(who);
    t->read[who] = r.last[who];
    join(t->seen, r.clock[who]);
    r.past[who] = mix(mix(r.past[who], (uintptr_t)t->at), t->write_past);
    t->read_past += mix(r.past[who], 2);
}

static void changes(struct thing *t, uint32_t who)
{
    uint32_t i;

    race(t->write, who);
    for (i = 0; i < 2 * SIM_RACERS; i++) {
        race(t->read[i], who);
        t->read[i] = NOTHING;
    }
    join(r.clock[who], t->written);
    join(r.clock[who], t->seen);
    settle(who);
    memcpy(t->written, r.clock[who], sizeof(t->written));
    t->write = r.last[who];
    r.past[who] = mix(mix(r.past[who], (uintptr_t)t->at), mix(t->write_past, t->read_past));
    t->write_past = r.past[who];
    t->read_past = 0;
}

void sim_races_note(struct sim *s, struct sim_cpu *c, enum sim_op op, const void *word)
{
    uint32_t who = sim_racer(c->number);
    struct thing *devices = fresh(&r.devices);

    (void)s;
    if (r.last[who] == NOTHING) {
        return;
    }
    switch (op) {
    case SIM_OP_PEEK:
    case SIM_OP_LOAD:
        reads(thing_of(word), who);
        break;
    case SIM_OP_STORE:
    case SIM_OP_RMW:
        changes(thing_of(word), who);
        break;
    case SIM_OP_DMA:
        reads(devices, who);
        if (r.before[who] != NOTHING &&
            (devices->write == NOTHING || r.before[who] > devices->write)) {
            devices->read[SIM_RACERS + who] = r.before[who];
        }
        break;
    case SIM_OP_WORLD:
        if (word == NULL) {
            changes(fresh(&r.world), who);
            changes(devices, who);
        } else {
            changes(thing_of(word), who);
            reads(devices, who);
        }
        break;
    case SIM_OP_FENCE:
        reads(fresh(&r.world), who);
        reads(devices, who);
        break;
    case SIM_OP_WOKEN:
        reads(fresh(&r.clock_moved), who);
        if (c->state == CPU_UNTIL && !c->daemon) {
            changes(fresh(&r.world), who);
            changes(devices, who);
        } else {
            reads(fresh(&r.world), who);
            reads(devices, who);
        }
        break;
    default:
        break;
    }
}

void sim_races_note_time(struct sim *s, bool worked)
{
    (void)s;
    if (r.events == 0 || r.event[r.events - 1].who != SIM_RACER_TIME || r.forced) {
        sim_races_turn(SIM_TIME, NOTHING, false);
    }
    r.forced = true; /* Another piece is another step. */
    changes(fresh(&r.clock_moved), SIM_RACER_TIME);
    if (worked) {
        changes(fresh(&r.devices), SIM_RACER_TIME);
    }
}
