/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>

#include "sim_internal.h"

/*
 * The scheduler. It runs on the stack of the CPU that has come to a scheduling point; so does time,
 * as pieces of the models' work. A CPU is switched to only when it is to go on.
 */

#define PAUSES 64u   /* So many in a row take time... */
#define POLLS  4096u /* ...and so many times that, with nothing else done, are too many. */

struct sim *sim_now_running;
const struct sim_explorer *sim_explorer;

/* ---- ends ---- */

_Noreturn static void to_main(struct sim *s)
{
    struct sim_fiber *f = s->cpu[s->cur].fiber;

    s->in_step = false;
    sim_now_running = NULL;
    sim_fiber_switch(f, sim_fiber_main());
    sim_fiber_die(f); /* Woken once more, to unwind. */
}

void sim_fail_text(struct sim *s, const char *rule)
{
    if (s->failure.rule == NULL) {
        s->failure.rule = rule;
        s->failure.step = s->steps;
        s->failure.now_ns = bench_now(s->bench);
    }
    if (sim_now_running != NULL) {
        to_main(s);
    }
}

/* ---- time ---- */

static uint64_t now(const struct sim *s)
{
    return bench_now(s->bench);
}

static void unpause(struct sim *s, const struct sim_cpu *but)
{
    uint32_t i;

    if (s->paused == 0) {
        return;
    }
    for (i = 0; i < s->cpus; i++) {
        s->cpu[i].paused = &s->cpu[i] == but && s->cpu[i].paused;
    }
    s->paused = but != NULL && but->paused;
}

static uint64_t deadline_next(const struct sim *s)
{
    uint64_t first = SIM_NEVER;
    uint32_t i;

    for (i = 0; i < s->cpus; i++) {
        const struct sim_cpu *c = &s->cpu[i];

        if ((c->state == CPU_WORD || c->state == CPU_UNTIL) && c->deadline_ns > now(s) &&
            c->deadline_ns < first) {
            first = c->deadline_ns;
        }
    }
    return first;
}

/* After each step. */
static void look(struct sim *s)
{
    s->steps++;
    if (s->bench->reports != s->reports) {
        const char *rule =
            s->bench
                ->rule[s->bench->reports <= BENCH_RULES ? s->bench->reports - 1 : BENCH_RULES - 1];

        s->reports = s->bench->reports;
        if (!s->config.reports_wanted &&
            (s->config.excused == NULL || !s->config.excused(s, s->config.ctx, rule))) {
            sim_fail(s, "model", "%s", rule);
        }
    }
    if (s->result->verdict == CONF_FAILED) {
        sim_fail(s, "check", "%s:%d: %s", s->result->file, s->result->line, s->result->what);
    }
    if (s->steps > s->config.max_steps || now(s) > s->config.max_ns) {
        char text[sizeof(s->failure.text)];

        (void)sim_report(s, text, sizeof(text));
        sim_fail(s, "liveness", "too many %s: %s", s->steps > s->config.max_steps ? "steps" : "ns",
                 text);
    }
    if (s->config.step != NULL) {
        s->in_step = true;
        s->config.step(s, s->config.ctx);
        s->in_step = false;
    }
}

/* Nobody could go on, and yet one who sleeps until now was never woken. */
static void look_for_lost(struct sim *s, bool alone)
{
    uint32_t i;

    for (i = 0; alone && i < s->cpus; i++) {
        const struct sim_cpu *c = &s->cpu[i];

        if (c->state == CPU_WORD && !c->woken && c->deadline_ns <= now(s) &&
            c->word->v != c->seen) {
            sim_fail(s, "lost wake-up", "%s waited for a word that had changed long ago", c->name);
        }
    }
}

/* One piece of work, or on to the next deadline. */
static void time_moves(struct sim *s, bool alone)
{
    uint64_t work = model_next_work(s->bench->world);
    uint64_t deadline = deadline_next(s);
    bool worked = false;

    if (work <= deadline) {
        worked = true;
        s->in_step = true;
        (void)model_work_step(s->bench->world);
        s->in_step = false;
    } else if (deadline > now(s)) {
        bench_advance(s->bench, deadline - now(s));
        look_for_lost(s, alone);
    }
    s->poll_ns = SIM_POLL_MIN;
    s->polls = 0;
    s->pauses = 0;
    unpause(s, NULL);
    if (sim_explorer != NULL) {
        sim_explorer->note_time(s, worked);
    }
    look(s);
}

static void stuck(struct sim *s)
{
    char text[sizeof(s->failure.text)];

    (void)sim_report(s, text, sizeof(text));
    sim_fail(s, "deadlock", "%s", text);
}

static bool is_ready(struct sim *s, const struct sim_cpu *c);

/* Somebody else than those who wait in loops could go on. */
static bool any_ready(struct sim *s)
{
    uint32_t i;

    for (i = 0; i < s->cpus && (s->cpu[i].paused || !is_ready(s, &s->cpu[i])); i++) {
    }
    return i < s->cpus;
}

/* Where CPUs only poll, that takes time; not much while others are at work. */
static void polls(struct sim *s)
{
    uint64_t work = model_next_work(s->bench->world);
    uint64_t deadline = deadline_next(s);
    uint64_t next = work < deadline ? work : deadline;

    if (next != SIM_NEVER && next <= now(s) + s->poll_ns) {
        time_moves(s, false);
        return;
    }
    if (s->polls++ > POLLS) {
        stuck(s);
    }
    if (!s->config.harsh && any_ready(s)) {
        s->poll_ns = SIM_POLL_MIN;
    }
    bench_advance(s->bench, s->poll_ns);
    s->poll_ns = s->poll_ns < SIM_POLL_MAX ? 2 * s->poll_ns : SIM_POLL_MAX;
    s->pauses = 0;
    unpause(s, NULL);
    if (sim_explorer != NULL) {
        sim_explorer->note_time(s, false);
    }
    look(s);
}

/* ---- who can go on ---- */

static bool is_ready(struct sim *s, const struct sim_cpu *c)
{
    switch (c->state) {
    case CPU_READY:
        return !c->paused;
    case CPU_WORD:
        return c->woken || c->deadline_ns <= now(s);
    case CPU_UNTIL:
        return c->deadline_ns <= now(s) || (c->is != NULL && c->is(c->is_arg));
    default:
        return false;
    }
}

/* In the middle of something. */
static bool daemon_waits(const struct sim *s)
{
    uint32_t i;

    for (i = 0; i < s->cpus; i++) {
        if (s->cpu[i].state == CPU_WORD) {
            return true;
        }
    }
    return false;
}

/* The quiet choice first: who is at it stays; else the next in turn; time when there is nobody. */
static uint32_t candidates(struct sim *s, bool stays, uint32_t actor[SIM_ACTORS])
{
    uint64_t next = model_next_work(s->bench->world);
    uint64_t deadline = deadline_next(s);
    uint32_t count = 0, i;

    if (stays) {
        actor[count++] = s->last;
    }
    for (i = 1; i <= s->cpus; i++) {
        uint32_t k = (s->last + i) % s->cpus;

        if ((!stays || k != s->last) && is_ready(s, &s->cpu[k])) {
            actor[count++] = k;
        }
    }
    next = deadline < next ? deadline : next;
    if (s->alive == 0 && !daemon_waits(s)) {
        return count;
    }
    if (next != SIM_NEVER && (count == 0 ? s->paused == 0 : next <= now(s) + s->config.jump_ns)) {
        actor[count++] = SIM_TIME;
    }
    return count;
}

static void resume(struct sim *s, struct sim_cpu *c)
{
    bool waited = c->state == CPU_WORD || c->state == CPU_UNTIL;

    if (sim_explorer != NULL && waited) {
        sim_explorer->note(s, c, SIM_OP_WOKEN, NULL);
    }
    c->state = CPU_READY;
    c->word = NULL;
    c->is = NULL;
}

/* Returns once this CPU is to go on. */
static void reschedule(struct sim *s, struct sim_cpu *c, bool stays)
{
    uint32_t actor[SIM_ACTORS];
    uint32_t count, pick;

    for (;;) {
        if (s->pauses > PAUSES) {
            polls(s);
        }
        count = candidates(s, stays, actor);
        if (count == 0) {
            if (s->paused == 0 && s->alive == 0) {
                to_main(s);
            }
            if (s->paused == 0) {
                stuck(s);
            }
            polls(s);
            stays = false;
            continue;
        }
        pick = actor[sim_pick_actor(s, actor, count, stays)];
        if (pick != SIM_TIME) {
            break;
        }
        time_moves(s, count == 1);
        s->after_time = true;
        stays = stays && c->state == CPU_READY && !c->paused;
    }
    s->last = pick;
    s->after_time = false;
    resume(s, &s->cpu[pick]);
    if (&s->cpu[pick] != c) {
        s->cur = pick;
        sim_fiber_switch(c->fiber, s->cpu[pick].fiber);
        if (c->dying) {
            sim_fiber_die(c->fiber);
        }
    }
}

/* ---- interrupts ---- */

static void irqs_run(struct sim *s, struct sim_cpu *c)
{
    while (s->irqs > 0 && c->irq_depth == 0 && sim_choose(s, SIM_IRQ, 2) != 0) {
        struct sim_irq irq = s->irq[0];

        s->irqs--;
        memmove(&s->irq[0], &s->irq[1], s->irqs * sizeof(s->irq[0]));
        c->irq_level++;
        c->irq_depth++;
        irq.fn(s, irq.arg);
        c->irq_depth--;
        c->irq_level--;
    }
}

bool sim_interrupt(struct sim *s, sim_fn *fn, void *arg)
{
    if (s->irqs == SIM_IRQS) {
        return false;
    }
    s->irq[s->irqs].fn = fn;
    s->irq[s->irqs].arg = arg;
    s->irqs++;
    return true;
}

/* ---- points ---- */

/* A step takes time: work that falls due is done first. */
static void creep(struct sim *s)
{
    uint64_t work = model_next_work(s->bench->world);

    if (work <= now(s) + s->creep_ns) {
        time_moves(s, false);
    } else {
        bench_advance(s->bench, s->creep_ns);
    }
}

void sim_point(enum sim_op op, const void *word)
{
    struct sim *s = sim_now_running;
    struct sim_cpu *c;

    if (s == NULL || s->in_step) {
        return;
    }
    c = &s->cpu[s->cur];
    c->op = op;
    c->op_word = word;
    if (s->creep_ns != 0) {
        creep(s);
    }
    if (op == SIM_OP_PAUSE) {
        c->paused = true;
        s->paused++;
        s->pauses++;
        reschedule(s, c, false);
    } else if (s->steps >= s->quiet_until) {
        reschedule(s, c, true);
    }
    if (s->irqs != 0 && c->irq_depth == 0) {
        irqs_run(s, c);
    }
    if (op == SIM_OP_STORE || op == SIM_OP_RMW || op == SIM_OP_WORLD || op == SIM_OP_DMA) {
        s->polls = 0;
        unpause(s, c);
    }
    if (sim_explorer != NULL) {
        sim_explorer->note(s, c, op, word);
    }
    look(s);
}

/* ---- what CPUs call ---- */

static void block(struct sim *s, struct sim_cpu *c, enum cpu_state state)
{
    c->state = state;
    reschedule(s, c, false);
    look(s);
}

void sim_wait_word(struct sim *s, const struct uiommu_word *word, uint32_t seen,
                   uint64_t deadline_ns)
{
    struct sim_cpu *c = &s->cpu[s->cur];

    sim_point(SIM_OP_LOAD, word);
    if (word->v != seen || deadline_ns <= now(s)) {
        sim_point(SIM_OP_PAUSE, word); /* Who calls it in a loop lets others go on. */
        return;
    }
    if (c->irq_depth != 0) {
        sim_fail(s, "host op", "wait() was called with interrupts kept away");
    }
    c->word = word;
    c->seen = seen;
    c->woken = false;
    c->deadline_ns = deadline_ns;
    block(s, c, CPU_WORD);
}

void sim_wake_word(struct sim *s, const struct uiommu_word *word)
{
    uint32_t i;

    for (i = 0; i < s->cpus; i++) {
        if (s->cpu[i].state == CPU_WORD && s->cpu[i].word == word) {
            s->cpu[i].woken = true;
        }
    }
}

bool sim_until(struct sim *s, bool (*is)(void *arg), void *arg, uint64_t ns)
{
    struct sim_cpu *c = &s->cpu[s->cur];

    sim_point(SIM_OP_FENCE, NULL);
    if (is != NULL && is(arg)) {
        return true;
    }
    c->is = is;
    c->is_arg = arg;
    c->deadline_ns = ns > SIM_NEVER - now(s) ? SIM_NEVER : now(s) + ns;
    block(s, c, CPU_UNTIL);
    return is != NULL && is(arg);
}

void sim_sleep(struct sim *s, uint64_t ns)
{
    (void)sim_until(s, NULL, NULL, ns);
}

void sim_step(struct sim *s)
{
    (void)s;
    sim_point(SIM_OP_WORLD, NULL);
}

/* ---- a run ---- */

static void body(void *arg)
{
    struct sim_cpu *c = arg;
    struct sim *s = sim_now_running;

    look(s); /* The beginning is a step, so that no two choices have one number. */
    c->fn(s, c->arg);
    if (c->irq_depth != 0) {
        sim_fail(s, "host op", "%s ended with interrupts kept away", c->name);
    }
    c->state = CPU_DONE;
    s->alive -= !c->daemon;
    reschedule(s, c, false);
}

uint32_t sim_cpu(struct sim *s, const char *name, sim_fn *fn, void *arg, uint32_t flags)
{
    struct sim_cpu *c;
    uint32_t i = 0;

    while (i < s->cpus && s->cpu[i].state != CPU_DONE) {
        i++;
    }
    if (i == SIM_CPUS) {
        sim_fail(s, "setup", "no virtual CPU is left for %s", name);
        return SIM_NONE;
    }
    c = &s->cpu[i];
    memset(c, 0, sizeof(*c));
    s->cpus = i == s->cpus ? s->cpus + 1 : s->cpus;
    c->state = CPU_READY;
    c->number = i;
    c->name = name;
    c->fn = fn;
    c->arg = arg;
    c->daemon = (flags & SIM_DAEMON) != 0;
    s->alive += !c->daemon;
    c->fiber = sim_fiber_make(i, body, c);
    return i;
}

/* CPUs that were left in the middle let go of their stacks. */
static void unwind(struct sim *s)
{
    uint32_t i;

    for (i = 0; i < s->cpus; i++) {
        if (sim_fiber_begun(s->cpu[i].fiber)) {
            s->cpu[i].dying = true;
            sim_fiber_switch(sim_fiber_main(), s->cpu[i].fiber);
        }
    }
}

enum sim_end sim_run(struct sim *s)
{
    if (s->failure.rule != NULL || s->alive == 0) {
        return s->failure.rule != NULL ? SIM_FAILED : SIM_DONE;
    }
    s->reports = s->bench->reports;
    sim_choice_begin(s);
    model_set_tick(s->bench->world, 0); /* Time moves when the scheduler says so. */
    sim_now_running = s;
    s->cur = s->last = 0;
    sim_fiber_switch(sim_fiber_main(), s->cpu[0].fiber);
    sim_now_running = NULL;
    s->cur = SIM_NONE;
    unwind(s);
    model_set_tick(s->bench->world, SIM_TICK);
    s->cpus = 0;
    s->alive = 0;
    return s->failure.rule != NULL ? SIM_FAILED : s->pruned ? SIM_PRUNED : SIM_DONE;
}

_Noreturn void sim_prune(struct sim *s)
{
    s->pruned = true;
    to_main(s);
}
