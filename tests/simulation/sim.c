/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "../support/checked.h"
#include "sim_internal.h"

/* Worlds, and what is said about a run. */

#define MAX_STEPS UINT64_C(50000000)
#define MAX_NS    (UINT64_C(60) * 1000 * BENCH_MS)
#define STARVE_NS (500 * BENCH_US)
#define JUMP_NS   (20 * BENCH_US)

struct sim the_sim;
static uint8_t *memory; /* CONF_MEMORY, then SIM_EXTRA. */

static void on_broken(const char *invariant, const char *file, int line)
{
    sim_fail(&the_sim, "assert", "%s:%d: %s", file, line, invariant);
}

static bool memory_make(void)
{
    if (memory == NULL) {
        memory = mmap(NULL, CONF_MEMORY + SIM_EXTRA, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (memory == MAP_FAILED) {
            memory = NULL;
        }
    }
    return memory != NULL;
}

/* The test that the suite runs: on a fresh world, and with everything taken down after it. */
static void in_world(struct conf *c)
{
    struct sim *s = &the_sim;
    enum sim_end end;

    s->conf = c;
    s->bench = &c->b;
    s->result = c->result;
    sim_host_ops(s);
    s->build(s, c, s->arg);
    if (conf_failed(c)) {
        sim_fail(s, "setup", "%s:%d: %s", c->result->file, c->result->line, c->result->what);
    }
    end = sim_run(s);
    if (end == SIM_DONE && s->after != NULL) {
        s->after(s, c, s->arg);
    }
    if (end == SIM_DONE && !s->config.bare) {
        s->config.step = NULL;
        s->config.trace = NULL;
        c->reports += s->config.reports_wanted ? c->b.reports : 0;
        return;
    }
    c->result->verdict = CONF_FAILED; /* It stands as it is: nothing can be taken down. */
    c->b.u = NULL;
    c->devices = 0;
    c->spaces = 0;
}

enum sim_end sim_world(const struct sim_config *config, sim_build *build, sim_build *after,
                       void *arg, struct sim_failure *failure)
{
    static const struct conf_test test = {"simulation", in_world};
    struct conf_result result;
    struct sim *s = &the_sim;

    memset(s, 0, sizeof(*s));
    s->config = *config;
    s->config.max_steps = config->max_steps == 0 ? MAX_STEPS : config->max_steps;
    s->config.max_ns = config->max_ns == 0 ? MAX_NS : config->max_ns;
    s->config.jump_ns = config->jump_ns == 0 ? JUMP_NS : config->jump_ns;
    s->config.starve_ns = config->starve_ns == 0 ? STARVE_NS : config->starve_ns;
    s->cur = SIM_NONE;
    s->poll_ns = SIM_POLL_MIN;
    s->build = build;
    s->after = after;
    s->arg = arg;
    checked_broken = on_broken;
    if (!memory_make()) {
        sim_fail(s, "setup", "no memory for a world");
    } else {
        s->extra = memory + CONF_MEMORY;
        conf_run_test(&test, config->vendor, config->variant, config->seed, memory, &result);
    }
    if (s->failure.rule == NULL && !s->pruned && !config->bare && result.verdict == CONF_FAILED) {
        sim_fail(s, "end", "%s:%d: %s (%s)", result.file, result.line, result.what,
                 result.rule == NULL ? "no complaint of models" : result.rule);
    }
    *failure = s->failure;
    return s->failure.rule != NULL ? SIM_FAILED : s->pruned ? SIM_PRUNED : SIM_DONE;
}

struct sim *sim_the(void)
{
    return &the_sim;
}

struct bench *sim_bench(struct sim *s)
{
    return s->bench;
}

struct conf *sim_conf(struct sim *s)
{
    return s->conf;
}

void *sim_alloc(struct sim *s, size_t bytes)
{
    void *at = s->extra + s->extra_used;

    bytes = (bytes + 63) & ~(size_t)63;
    if (bytes > SIM_EXTRA - s->extra_used) {
        fprintf(stderr, "sim_alloc: no memory is left\n");
        abort();
    }
    s->extra_used += bytes;
    return memset(at, 0, bytes);
}

void sim_fail(struct sim *s, const char *rule, const char *format, ...)
{
    va_list args;

    if (s->failure.rule == NULL) {
        va_start(args, format);
        (void)vsnprintf(s->failure.text, sizeof(s->failure.text), format, args);
        va_end(args);
    }
    sim_fail_text(s, rule);
}

const struct sim_failure *sim_failure(const struct sim *s)
{
    return &s->failure;
}

uint64_t sim_steps(const struct sim *s)
{
    return s->steps;
}

uint64_t sim_now(const struct sim *s)
{
    return bench_now(s->bench);
}

uint32_t sim_self(const struct sim *s)
{
    return s->cur;
}

bool sim_in_irq(const struct sim *s)
{
    return s->cur != SIM_NONE && s->cpu[s->cur].irq_level != 0;
}

/* ---- who waits for what ---- */

static size_t put(char *out, size_t bytes, size_t at, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

static size_t put(char *out, size_t bytes, size_t at, const char *format, ...)
{
    va_list args;
    int more;

    if (at >= bytes) {
        return at;
    }
    va_start(args, format);
    more = vsnprintf(out + at, bytes - at, format, args);
    va_end(args);
    return more < 0 ? at : at + (size_t)more;
}

size_t sim_report(const struct sim *s, char *out, size_t bytes)
{
    static const char *const ops[] = {"peeks at",
                                      "loads",
                                      "stores to",
                                      "changes",
                                      "fences",
                                      "pauses",
                                      "looks at the clock",
                                      "uses hardware",
                                      "masks interrupts",
                                      "orders words",
                                      "orders memory of devices",
                                      "goes on"};
    size_t at = 0;
    uint32_t i;

    if (bytes > 0) {
        out[0] = '\0';
    }
    for (i = 0; i < s->cpus; i++) {
        const struct sim_cpu *c = &s->cpu[i];

        at = put(out, bytes, at, "%s%s: ", i == 0 ? "" : "; ", c->name);
        switch (c->state) {
        case CPU_WORD:
            at = put(out, bytes, at, "waits for word %p (%u, seen %u%s) until %llu ns",
                     (const void *)c->word, c->word->v, c->seen, c->woken ? ", woken" : "",
                     (unsigned long long)c->deadline_ns);
            break;
        case CPU_UNTIL:
            at = put(out, bytes, at, "sleeps until %s%llu ns", c->is == NULL ? "" : "something or ",
                     (unsigned long long)c->deadline_ns);
            break;
        case CPU_DONE:
            at = put(out, bytes, at, "done");
            break;
        default:
            at =
                put(out, bytes, at, "%s%s %p", c->paused ? "paused, " : "", ops[c->op], c->op_word);
            break;
        }
    }
    return at;
}
