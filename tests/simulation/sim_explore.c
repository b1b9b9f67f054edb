/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>
#include <time.h>

#include "sim_internal.h"
#include "sim_races.h"

/*
 * Every schedule of a small world with at most so many preemptions, as far as schedules differ:
 * bounded partial-order reduction (Coons, Musuvathi, McKinley, OOPSLA 2013), depth first, each run
 * begun anew. A preemption is a turn that a CPU loses which could go on, be it to another CPU or to
 * time, which then does one piece of the models' work. Who goes on where a CPU waits, spins or has
 * ended costs nothing.
 *
 * A run's steps that use the same thing, of which one changes it, have an order (sim_races.c, with
 * vector clocks). Where two of them could have come the other way round, the later one's CPU is
 * also tried before the earlier one, and where the earlier one's CPU got its turn, as that may be
 * possible without a preemption. Sides that nothing asks for differ in the order of steps that do
 * not touch the same thing: they are left out and counted.
 *
 * What is shown: every order, within the bound, of steps that conflict by what sim_races.c says
 * they use. What is assumed is said there.
 */

#define NODES      (1u << 16)
#define STATES_LOG 21u
#define STATES     (1u << STATES_LOG)
#define ACTORS     SIM_RACERS
#define NOTHING    UINT32_MAX

struct node {
    uint32_t at; /* The step, or the number among its kind. */
    uint8_t kind;
    uint8_t count;
    uint8_t pick;
    uint8_t stays; /* [0] is at it: any other pick is a preemption. */
    uint8_t spent; /* Preemptions before. */
    uint16_t todo, done;
    uint8_t who[ACTORS];
};

struct state {
    uint64_t key;
    uint32_t round;
    uint32_t spent; /* When it was met. */
};

static struct {
    struct node node[NODES];
    uint32_t nodes; /* Of the path. */
    uint32_t next;  /* The run is there. */
    uint32_t spent; /* Preemptions of this run. */
    uint32_t bound;
    uint64_t points, left_out;
    struct state *state;
    uint64_t states;
    uint32_t round;
    bool short_of_room;
} x;

/* ---- choices ---- */

static uint32_t price(const struct node *n, uint32_t pick)
{
    if (pick == 0) {
        return 0;
    }
    return n->kind == SIM_SCHED ? n->stays || n->who[pick] == SIM_RACER_TIME : n->kind == SIM_IRQ;
}

/* The next node of the path; NULL: it ends here. */
static struct node *on_path(enum sim_kind kind, uint64_t at)
{
    struct node *n = &x.node[x.next];

    if (x.next == x.nodes) {
        return NULL;
    }
    if (n->at != at || n->kind != kind) {
        sim_fail(&the_sim, "engine", "a run does not repeat itself: step %llu, not %u",
                 (unsigned long long)at, n->at);
        return NULL;
    }
    x.next++;
    x.spent += price(n, n->pick);
    sim_races_of_news(x.next == x.nodes);
    return n;
}

static struct node *add(enum sim_kind kind, uint64_t at, uint32_t count)
{
    struct node *n = &x.node[x.nodes];

    sim_races_of_news(true);
    if (x.nodes == NODES || count > ACTORS) {
        x.short_of_room = true;
        return NULL;
    }
    n->at = (uint32_t)at;
    n->kind = (uint8_t)kind;
    n->count = (uint8_t)count;
    n->pick = 0;
    n->stays = 0;
    n->spent = (uint8_t)x.spent;
    n->done = 1;
    n->todo = kind == SIM_SCHED ? 0 : UINT16_MAX;
    x.nodes++;
    x.next++;
    x.points++;
    return n;
}

/* Met before, with no more preemptions spent; else it is kept. */
static bool known(const struct sim *s, bool stays)
{
    uint64_t key = sim_races_past() * 2 + 0x9E3779B97F4A7C15u * (stays ? s->last + 1 : 0);
    uint32_t i = (uint32_t)((key * 0x9E3779B97F4A7C15u) >> (64 - STATES_LOG));

    for (; x.state[i].round == x.round; i = (i + 1) % STATES) {
        if (x.state[i].key == key) {
            if (x.state[i].spent <= x.spent) {
                return true;
            }
            x.state[i].spent = x.spent;
            return false;
        }
    }
    if (x.states < STATES / 4 * 3) { /* Without room more is explored than needed. */
        x.states++;
        x.state[i].key = key;
        x.state[i].round = x.round;
        x.state[i].spent = x.spent;
    }
    return false;
}

static uint32_t pick(struct sim *s, const uint32_t *actor, uint32_t count, bool stays)
{
    struct node *n = NULL;
    uint32_t i, pick = 0;

    if (count > 1 && (n = on_path(SIM_SCHED, s->steps)) == NULL) {
        if (known(s, stays)) {
            sim_prune(s);
        }
        n = add(SIM_SCHED, s->steps, count);
    }
    if (n != NULL && x.next == x.nodes && n->done == 1) {
        n->stays = stays;
        for (i = 0; i < count; i++) {
            n->who[i] = (uint8_t)sim_racer(actor[i]);
        }
    }
    pick = n == NULL ? 0 : n->pick;
    sim_races_turn(actor[pick], n == NULL ? NOTHING : (uint32_t)(n - x.node), stays);
    return pick;
}

static uint32_t choose(struct sim *s, enum sim_kind kind, uint32_t n)
{
    uint64_t at = s->number[kind] - 1;
    struct node *node = on_path(kind, at);

    if (node != NULL) {
        return node->pick;
    }
    (void)add(kind, at, n);
    return 0;
}

static const struct sim_explorer explorer = {sim_races_note, sim_races_note_time, pick, choose};

/* ---- what else is to be tried ---- */

bool sim_explore_ask(uint32_t node, uint32_t who)
{
    struct node *n = &x.node[node];
    uint32_t i;

    for (i = 0; node != NOTHING && i < n->count; i++) {
        if (n->who[i] == who) {
            n->todo |= (uint16_t)(1u << i);
            return true;
        }
    }
    return node == NOTHING;
}

/* The other side of the deepest choice that has one; false: none has. */
static bool turn(void)
{
    while (x.nodes > 0) {
        struct node *n = &x.node[x.nodes - 1];
        uint32_t i;

        for (i = 0; i < n->count; i++) {
            if ((n->todo & ~n->done & 1u << i) != 0 && n->spent + price(n, i) <= x.bound) {
                n->pick = (uint8_t)i;
                n->done |= (uint16_t)(1u << i);
                return true;
            }
        }
        x.left_out += n->count - (uint32_t)__builtin_popcount(n->done);
        x.nodes--;
    }
    return false;
}

/* ---- rounds ---- */

/* Of this process: others on the machine do not shorten the search. */
static double seconds_now(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
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
    x.nodes = 0;
    x.round++;
    x.states = 0;
    do {
        if (is_over(how, out, began)) {
            return false;
        }
        x.next = 0;
        x.spent = 0;
        sim_races_begin(x.nodes == 0);
        out->schedules++;
        out->end = once(config, arg, &out->failure);
        out->steps += the_sim.steps;
        out->known += out->end == SIM_PRUNED;
        if (out->end == SIM_FAILED) {
            return false;
        }
    } while (turn());
    return !x.short_of_room && !sim_races_short_of_room();
}

void sim_explore(const struct sim_config *config, const struct sim_exploring *how, sim_once *once,
                 void *arg, struct sim_explored *out)
{
    struct sim_config mine = *config;
    double began = seconds_now();
    bool all;

    memset(out, 0, sizeof(*out));
    mine.mode = SIM_DFS;
    x.short_of_room = false;
    if (x.state == NULL && (x.state = calloc(STATES, sizeof(x.state[0]))) == NULL) {
        abort();
    }
    sim_explorer = &explorer;
    for (;;) {
        x.bound = out->bound;
        x.points = 0;
        x.left_out = 0;
        out->begun = out->schedules;
        all = round_of(&mine, how, once, arg, out, began);
        if (all) {
            out->round = out->schedules - out->begun;
        }
        out->states += x.points;
        out->pruned += x.left_out;
        if (!all || out->bound == how->bound) {
            break;
        }
        out->bound++;
    }
    sim_explorer = NULL;
    out->exhausted = all && out->end != SIM_FAILED;
    out->end = out->end == SIM_FAILED ? SIM_FAILED : SIM_DONE;
    out->seconds = seconds_now() - began;
}
