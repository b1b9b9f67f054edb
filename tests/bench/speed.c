/* SPDX-License-Identifier: BSD-2-Clause */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "speed.h"

/* Turns of library and floor, and what comes out of them. */

#define SAMPLES 65536u /* of a side: each run's share counts, later ones are in no median */
#define RUNS    64u

struct side {
    const struct speed_doer *doer;
    void *state;
    double *all; /* ns per operation, of all runs */
    size_t count, run_at, share;
    double run[RUNS];
    struct speed_side_result *result;
};

_Thread_local struct speed_counts speed_counts;

void speed_say(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    fprintf(stderr, "\n  ");
    vfprintf(stderr, format, args);
    fprintf(stderr, "\n");
    va_end(args);
}

double speed_now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

uint64_t speed_random(uint64_t *state)
{
    uint64_t x = *state += UINT64_C(0x9e3779b97f4a7c15);

    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

void speed_shuffle(uint32_t *array, uint32_t count, uint64_t *state)
{
    uint32_t i, j, t;

    for (i = count; i > 1; i--) {
        j = (uint32_t)(speed_random(state) % i);
        t = array[i - 1];
        array[i - 1] = array[j];
        array[j] = t;
    }
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return x < y ? -1 : x > y ? 1 : 0;
}

static double median(double *values, size_t count)
{
    qsort(values, count, sizeof(*values), by_value);
    return count == 0 ? 0 : values[count / 2];
}

static bool open_side(struct side *side, const struct speed_row *row)
{
    side->state = NULL;
    if (side->doer->open != NULL)
        side->state = side->doer->open(row);
    side->run_at = side->count;
    return side->doer->open == NULL || side->state != NULL;
}

static void close_side(struct side *side)
{
    if (side->state != NULL)
        side->doer->close(side->state);
    side->state = NULL;
}

static bool one_round(struct side *side, bool counts)
{
    struct speed_counts before = speed_counts;
    struct speed_side_result *r = side->result;
    struct speed_sample sample;

    if (side->state == NULL)
        return true;
    memset(&sample, 0, sizeof(sample));
    if (!side->doer->round(side->state, &sample) || sample.ops == 0)
        return false;
    if (!counts)
        return true;
    r->ops += sample.ops;
    r->rounds++;
    r->mmio_writes += (double)(speed_counts.mmio_writes - before.mmio_writes);
    r->mmio_reads += (double)(speed_counts.mmio_reads - before.mmio_reads);
    r->allocations += (double)(speed_counts.mem_gets + speed_counts.heap_gets - before.mem_gets -
                               before.heap_gets);
    if (side->count - side->run_at < side->share)
        side->all[side->count++] = sample.ns / (double)sample.ops;
    return true;
}

/* Both sides in turns, who begins changes: neither finds the caches always warm. */
static bool run_once(struct side *sides, const struct speed_options *options)
{
    double until;
    uint32_t i, s;

    for (i = 0; i < 3; i++) {
        for (s = 0; s < SPEED_SIDES; s++) {
            if (!one_round(&sides[s], false))
                return false;
        }
    }
    until = speed_now_ns() + options->seconds * 1e9;
    for (i = 0; i < options->rounds || speed_now_ns() < until; i++) {
        for (s = 0; s < SPEED_SIDES; s++) {
            if (!one_round(&sides[(s + i) % SPEED_SIDES], true))
                return false;
        }
    }
    return true;
}

static void finish_side(struct side *side, uint32_t runs)
{
    struct speed_side_result *r = side->result;
    double ops = r->ops == 0 ? 1 : (double)r->ops;

    r->mmio_writes /= ops;
    r->mmio_reads /= ops;
    r->allocations /= ops;
    if (side->count == 0)
        return;
    r->median = median(side->all, side->count);
    r->best = side->all[0];
    r->p90 = side->all[side->count * 9 / 10];
    r->p99 = side->all[side->count * 99 / 100];
    r->worst = side->all[side->count - 1];
    (void)median(side->run, runs);
    r->run_low = side->run[0];
    r->run_high = side->run[runs - 1];
}

static bool all_runs(const struct speed_row *row, const struct speed_options *options,
                     struct side *sides, double *ratio)
{
    bool right = true;
    uint32_t i, s;

    for (i = 0; right && i < options->runs; i++) {
        for (s = 0; s < SPEED_SIDES; s++)
            right &= open_side(&sides[s], row);
        right = right && run_once(sides, options);
        for (s = 0; s < SPEED_SIDES; s++) {
            if (right && sides[s].state != NULL)
                sides[s].run[i] =
                    median(sides[s].all + sides[s].run_at, sides[s].count - sides[s].run_at);
            close_side(&sides[s]);
        }
        ratio[i] = sides[SPEED_FLOOR].run[i] > 0
                       ? sides[SPEED_LIBRARY].run[i] / sides[SPEED_FLOOR].run[i]
                       : 0;
    }
    return right;
}

void speed_measure(const struct speed_row *row, const struct speed_options *options,
                   struct speed_result *result)
{
    struct speed_options limited = *options;
    struct side sides[SPEED_SIDES];
    double ratio[RUNS];
    uint32_t s;

    memset(result, 0, sizeof(*result));
    memset(sides, 0, sizeof(sides));
    limited.runs = options->runs < RUNS ? options->runs : RUNS;
    for (s = 0; s < SPEED_SIDES; s++) {
        sides[s].doer = &row->side[s];
        sides[s].result = &result->side[s];
        sides[s].share = SAMPLES / limited.runs;
        sides[s].all = malloc(SAMPLES * sizeof(double));
        if (sides[s].all == NULL)
            abort();
    }
    result->right = all_runs(row, &limited, sides, ratio);
    result->measured = result->right;
    for (s = 0; s < SPEED_SIDES; s++) {
        if (result->right)
            finish_side(&sides[s], limited.runs);
        free(sides[s].all);
    }
    if (result->right)
        result->ratio = median(ratio, limited.runs);
}

bool speed_once(const struct speed_row *row, enum speed_side which, uint32_t rounds)
{
    const struct speed_doer *doer = &row->side[which];
    struct speed_counts *c = &speed_counts, before;
    struct speed_sample sample;
    void *state = doer->open != NULL ? doer->open(row) : NULL;
    bool right = state != NULL;
    uint32_t i;

    for (i = 0; right && i < rounds; i++) {
        before = *c;
        right = doer->round(state, &sample);
        printf("%s %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", row->op, sample.ops,
               c->mmio_writes - before.mmio_writes, c->mmio_reads - before.mmio_reads,
               c->mem_gets + c->heap_gets - before.mem_gets - before.heap_gets);
    }
    if (state != NULL)
        doer->close(state);
    return right;
}
