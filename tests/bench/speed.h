/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef UIOMMU_TESTS_SPEED_H
#define UIOMMU_TESTS_SPEED_H
/*
 * How fast the library is, beside a floor: the least work that still does the same job. Both are
 * measured round by round in one process, in turns; each round checks by sums what it did.
 */
#include <uiommu/uiommu.h>

enum speed_side {
    SPEED_LIBRARY,
    SPEED_FLOOR,
    SPEED_SIDES,
};

/* What one round took. What was not part of the job (filling a ring) is not in it. */
struct speed_sample {
    double ns;
    uint64_t ops;
};

struct speed_row;

/* One side of a row. */
struct speed_doer {
    void *(*open)(const struct speed_row *row); /* NULL: it cannot, and speed_say() said why */
    bool (*round)(void *state, struct speed_sample *sample); /* false: something was wrong */
    void (*close)(void *state);
};

/* One shape. */
struct speed_row {
    const char *name;                    /* unique: "amd: 1 page, 1 device, 1 PASID" */
    const char *op;                      /* what one operation is: "request" */
    struct speed_doer side[SPEED_SIDES]; /* a floor without open(): there is none */
    double goal_ns;                      /* 0: none */
    double goal_ratio;                   /* at most so many times the floor; 0: none */
    double floor_ns;                     /* above 1.4 times this it is no floor; 0: not looked at */
    uint64_t param[4];                   /* of the shape */
};

/* Shapes that make one table. */
struct speed_table {
    const char *name; /* one word: "requests" */
    const char *title;
    const struct speed_row *row;
    size_t rows;
};

extern const struct speed_table speed_pasid;
extern const struct speed_table speed_requests;
extern const struct speed_table speed_scale;
extern const struct speed_table speed_polled;
extern const struct speed_table speed_map;
extern const struct speed_table speed_commands;
extern const struct speed_table speed_shutdown;
extern const struct speed_table speed_memory;
extern const struct speed_table speed_cores;
extern const struct speed_table speed_idle;
extern const struct speed_table speed_flood;

/* What rounds cost besides time, counted by speed_host.c: the calling thread's. */
struct speed_counts {
    uint64_t mmio_reads, mmio_writes, mem_gets, heap_gets, bytes, heap_bytes;
    uint64_t lines; /* of the log */
};
extern _Thread_local struct speed_counts speed_counts;

/* A line for the row at hand: why it could not, or what was wrong. */
void speed_say(const char *format, ...) __attribute__((format(printf, 1, 2)));
double speed_now_ns(void);
/* The same numbers on every run. */
uint64_t speed_random(uint64_t *state);
/* Fisher-Yates. */
void speed_shuffle(uint32_t *array, uint32_t count, uint64_t *state);

/* ---- measuring (speed.c) ---- */

struct speed_options {
    uint32_t runs;   /* each opens both sides anew */
    double seconds;  /* a run's, for both sides together */
    uint32_t rounds; /* at least so many a run and side */
};

struct speed_side_result {
    double best, median, worst;     /* of all rounds, ns per operation */
    double p90, p99;                /* rounds; requests, where a round has one */
    double run_low, run_high;       /* medians of runs */
    double mmio_writes, mmio_reads; /* per operation */
    double allocations;             /* per operation: mem_get() and heap_get() */
    uint64_t ops, rounds;
};

struct speed_result {
    bool measured, right;
    struct speed_side_result side[SPEED_SIDES];
    double ratio; /* median of each run's median to the floor's of the same run */
};

/* Measure one row. */
void speed_measure(const struct speed_row *row, const struct speed_options *options,
                   struct speed_result *result);
/*
 * One side alone, for tools that count instructions: open, so many rounds, close. Prints a line a
 * round: what, operations, MMIO writes, MMIO reads, allocations.
 */
bool speed_once(const struct speed_row *row, enum speed_side side, uint32_t rounds);

#endif
