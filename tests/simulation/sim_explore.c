/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>
#include <time.h>

#include "sim_internal.h"

/*
 * Every schedule of a small world within a bound of preemptions, depth first: each run repeats the
 * choices of the last one up to the deepest that has another side left, and goes quietly from
 * there.
 *
 * What is left out, and why nothing is lost by it:
 * - A CPU is preempted only before it uses a word that several CPUs use, or the world (registers,
 *   clock, memory that devices reach): all else concerns itself alone. Which words these are is
 *   learned; a round in which one more was found counts for nothing and is repeated.
 * - A state that was met before with as many deviations left. A state is known by its past: each
 *   CPU by what it did and which writes it saw, each word by who wrote it last. Pasts that differ
 *   only in the order of steps that do not touch the same thing are one.
 * That rests on two things: what CPUs share without atomic operations is guarded by words or lies
 * behind registers; and one order of all steps is enough (no weaker memory is simulated).
 */

#define NODES      (1u << 16)
#define STATES_LOG 21u
#define STATES     (1u << STATES_LOG)
#define WORDS_LOG  14u
#define WORDS      (1u << WORDS_LOG)
#define NOBODY     UINT32_MAX
#define SEVERAL    (UINT32_MAX - 1)

struct node {
    uint64_t at; /* The step, or the number among its kind. */
    uint8_t kind;
    uint8_t count;
    uint8_t pick;
    uint8_t price; /* Of any pick but 0. */
};

/* A word, or the world (address NULL). */
struct thing {
    const void *at;
    uint32_t user; /* Who used it in any run. */
    uint32_t run;  /* That the rest is of. */
    uint64_t wrote, read;
    uint64_t version;
};

struct state {
    uint64_t key;
    uint8_t left; /* Deviations, when it was met. */
};

static struct {
    struct node node[NODES];
    uint32_t nodes; /* Of the path. */
    uint32_t next;  /* The run is there. */
    uint32_t spent; /* Deviations of this run. */
    uint32_t bound;
    uint32_t run;
    struct state *state;
    uint64_t states;
    struct thing thing[WORDS], world, clock;
    uint32_t shared;
    bool grew; /* Another word is known to be shared. */
    bool short_of_room;
} x;

static uint64_t mix(uint64_t a, uint64_t b)
{
    uint64_t z = (a ^ (b + 0x9E3779B97F4A7C15u + (a << 6) + (a >> 2))) * 0xBF58476D1CE4E5B9u;

    z = (z ^ (z >> 29)) * 0x94D049BB133111EBu;
    return z ^ (z >> 32);
}

/* ---- the past ---- */

static struct thing *fresh(struct thing *t)
{
    if (t->run != x.run) {
        t->run = x.run;
        t->wrote = t->read = t->version = 0;
    }
    return t;
}

static struct thing *thing_of(const void *at)
{
    uint32_t i = (uint32_t)(mix((uintptr_t)at, 1) >> (64 - WORDS_LOG));
    struct thing *t = &x.world;

    if (at != NULL) {
        while (x.thing[i].at != NULL && x.thing[i].at != at) {
            i = (i + 1) % WORDS;
        }
        t = &x.thing[i];
        if (t->at == NULL) {
            t->at = at;
            t->user = NOBODY;
        }
    }
    return fresh(t);
}

static void used_by(struct thing *t, uint32_t who)
{
    if (t->user == NOBODY) {
        t->user = who;
    } else if (t->user != who && t->user != SEVERAL) {
        t->user = SEVERAL;
        x.shared++;
        x.grew = true;
    }
}

static void note(struct sim *s, struct sim_cpu *c, enum sim_op op, const void *word)
{
    struct thing *t;

    (void)s;
    if (op == SIM_OP_PAUSE || op == SIM_OP_LOCAL) {
        return;
    }
    t = op == SIM_OP_CLOCK ? fresh(&x.clock)
                           : thing_of(op == SIM_OP_FENCE || op == SIM_OP_WORLD ? NULL : word);
    if (t != &x.world && t != &x.clock) {
        used_by(t, c->number);
    }
    if (op == SIM_OP_PEEK && c->peeked == word && c->peeked_at == t->version) {
        return; /* Looking again is no news. */
    }
    if (op == SIM_OP_PEEK || op == SIM_OP_LOAD || op == SIM_OP_FENCE || op == SIM_OP_CLOCK) {
        c->hash = mix(mix(c->hash, op), mix((uintptr_t)t->at, t->wrote));
        t->read += mix(c->hash, 2);
    } else {
        c->hash = mix(mix(c->hash, op), mix(mix((uintptr_t)t->at, t->wrote), t->read));
        t->wrote = c->hash;
        t->read = 0;
        t->version++;
    }
    c->peeked = op == SIM_OP_PEEK ? word : NULL;
    c->peeked_at = t->version;
}

static void wrote_by_time(struct thing *t, uint64_t now)
{
    t->wrote = mix(mix(t->wrote, t->read), now);
    t->read = 0;
    t->version++;
}

static void note_time(struct sim *s, bool worked)
{
    wrote_by_time(fresh(&x.clock), bench_now(s->bench));
    if (worked) {
        wrote_by_time(fresh(&x.world), bench_now(s->bench));
    }
}

/* Met before with as many deviations left; else it is kept. */
static bool known(struct sim *s, bool stays)
{
    uint64_t key = mix(fresh(&x.world)->wrote, stays ? s->last : SIM_NONE);
    uint32_t left = x.bound - x.spent;
    uint32_t i;

    for (i = 0; i < s->cpus; i++) {
        key += mix(s->cpu[i].hash, i + 1);
    }
    key = mix(mix(key, fresh(&x.clock)->wrote), s->after_time) | 1;
    for (i = (uint32_t)(key >> (64 - STATES_LOG)); x.state[i].key != 0; i = (i + 1) % STATES) {
        if (x.state[i].key == key) {
            if (x.state[i].left >= left) {
                return true;
            }
            x.state[i].left = (uint8_t)left;
            return false;
        }
    }
    if (x.states < STATES / 4 * 3) { /* Without room more is explored than needed. */
        x.states++;
        x.state[i].key = key;
        x.state[i].left = (uint8_t)left;
    }
    return false;
}

/* ---- choices ---- */

/* The next node of the path, if this is its place. */
static struct node *on_path(enum sim_kind kind, uint64_t at)
{
    struct node *n = &x.node[x.next];

    if (x.next == x.nodes || n->at != at || n->kind != kind) {
        return NULL;
    }
    x.next++;
    x.spent += n->pick == 0 ? 0 : n->price;
    return n;
}

static void add(enum sim_kind kind, uint64_t at, uint32_t count, uint32_t price)
{
    struct node *n = &x.node[x.nodes];

    if (x.nodes == NODES) {
        x.short_of_room = true;
        return;
    }
    n->at = at;
    n->kind = (uint8_t)kind;
    n->count = (uint8_t)count;
    n->pick = 0;
    n->price = (uint8_t)price;
    x.nodes++;
    x.next++;
}

static uint32_t pick(struct sim *s, const uint32_t *actor, uint32_t count, bool stays)
{
    const struct sim_cpu *c = &s->cpu[s->cur];
    bool world = c->op == SIM_OP_WORLD || c->op == SIM_OP_FENCE || c->op == SIM_OP_CLOCK;
    struct node *n = on_path(SIM_SCHED, s->steps);

    if (n != NULL) {
        return n->pick;
    }
    if (count < 2 || x.next < x.nodes) { /* Behind a path that is not at its end: no node. */
        return 0;
    }
    if (stays && !world && (c->op == SIM_OP_LOCAL || thing_of(c->op_word)->user != SEVERAL)) {
        return 0;
    }
    if (stays && !world && actor[count - 1] == SIM_TIME && --count < 2) {
        return 0; /* Time touches the world only. */
    }
    if (known(s, stays)) {
        sim_prune(s);
    }
    if (x.spent < x.bound) {
        add(SIM_SCHED, s->steps, count, 1);
    }
    return 0;
}

static uint32_t choose(struct sim *s, enum sim_kind kind, uint32_t n)
{
    uint64_t at = s->number[kind] - 1;
    struct node *node = on_path(kind, at);

    if (node != NULL) {
        return node->pick;
    }
    if (x.next == x.nodes && (kind != SIM_IRQ || x.spent < x.bound)) {
        add(kind, at, n, kind == SIM_IRQ);
    }
    return 0;
}

static const struct sim_explorer explorer = {note, note_time, pick, choose};

/* ---- rounds ---- */

/* The other side of the deepest choice that has one; false: none has. */
static bool turn(void)
{
    while (x.nodes > 0) {
        struct node *n = &x.node[x.nodes - 1];

        if (n->pick + 1u < n->count) {
            n->pick++;
            return true;
        }
        x.nodes--;
    }
    return false;
}

static double seconds_now(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static bool is_over(const struct sim_exploring *how, const struct sim_explored *out, double began)
{
    return (how->max_schedules != 0 && out->schedules >= how->max_schedules) ||
           seconds_now() - began >= how->seconds;
}

/* true: all of it was seen. */
static bool round_of(const struct sim_config *config, const struct sim_exploring *how,
                     sim_once *once, void *arg, struct sim_explored *out, double began)
{
    memset(x.state, 0, STATES * sizeof(x.state[0]));
    x.states = 0;
    x.nodes = 0;
    do {
        if (is_over(how, out, began)) {
            return false;
        }
        x.next = 0;
        x.spent = 0;
        x.run++;
        out->schedules++;
        out->end = once(config, arg, &out->failure);
        out->steps += the_sim.steps;
        out->pruned += out->end == SIM_PRUNED;
        if (out->end == SIM_FAILED) {
            return false;
        }
    } while (turn());
    return !x.short_of_room;
}

void sim_explore(const struct sim_config *config, const struct sim_exploring *how, sim_once *once,
                 void *arg, struct sim_explored *out)
{
    struct sim_config mine = *config;
    double began = seconds_now();
    bool all;

    memset(out, 0, sizeof(*out));
    mine.mode = SIM_DFS;
    if (x.state == NULL && (x.state = malloc(STATES * sizeof(x.state[0]))) == NULL) {
        abort();
    }
    memset(x.thing, 0, sizeof(x.thing));
    x.shared = 0;
    x.short_of_room = false;
    sim_explorer = &explorer;
    for (;;) {
        do {
            x.grew = false;
            x.bound = out->bound;
            all = round_of(&mine, how, once, arg, out, began);
        } while (all && x.grew);
        out->states += x.states;
        if (!all || out->bound == how->bound) {
            break;
        }
        out->bound++;
    }
    sim_explorer = NULL;
    out->exhausted = all && out->end != SIM_FAILED;
    out->end = out->end == SIM_FAILED ? SIM_FAILED : SIM_DONE;
    out->shared = x.shared;
    out->seconds = seconds_now() - began;
}
