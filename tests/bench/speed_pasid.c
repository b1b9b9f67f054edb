/* SPDX-License-Identifier: BSD-2-Clause */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "speed_host.h"

/*
 * PASID numbers, 1 to 2^20 - 1. The floor: a bitmap and a cursor, behind a lock of one word where
 * there are two threads. It forgets the order of what was freed.
 */

#define NUMBERS ((1u << 20) - 1u)
#define MANY    8192u            /* of a round and thread */
#define FREE    (NUMBERS / 1000) /* that are left at 99.9 % */
#define THREADS 2u
#define WORDS   ((1u << 20) / 64u)

/* ---- the floor ---- */

struct flat {
    uint64_t word[WORDS]; /* a bit is set: out */
    uint32_t cursor;
    uint32_t lock;
};

static uint32_t flat_alloc(struct flat *f)
{
    uint32_t at = f->cursor;

    while (f->word[at] == UINT64_MAX)
        at = (at + 1u) & (WORDS - 1u);
    f->cursor = at;
    at = at * 64u + (uint32_t)__builtin_ctzll(~f->word[at]);
    f->word[at / 64u] |= UINT64_C(1) << (at & 63u);
    return at;
}

static void flat_free(struct flat *f, uint32_t number)
{
    f->word[number / 64u] &= ~(UINT64_C(1) << (number & 63u));
}

static void flat_lock(struct flat *f)
{
    while (__atomic_exchange_n(&f->lock, 1, __ATOMIC_ACQUIRE) != 0) {
        while (__atomic_load_n(&f->lock, __ATOMIC_RELAXED) != 0)
            uiommu_pause();
    }
}

static void flat_unlock(struct flat *f)
{
    __atomic_store_n(&f->lock, 0, __ATOMIC_RELEASE);
}

/* ---- both ---- */

struct state {
    enum speed_side side;
    struct uiommu *u;
    struct uiommu_pasid_space *space;
    struct flat *flat;
    uint64_t random;
    uint64_t bytes;              /* of the space, before anything was allocated */
    uint32_t *number;            /* those that are out */
    uint32_t out;                /* how many */
    uint32_t *order;             /* in which they are freed, or exchanged */
    uint32_t at;                 /* in order */
    unsigned char *held;         /* of every number */
    uint32_t job[THREADS][MANY]; /* a round's numbers */
    uint32_t threads, ready;
    double from[THREADS], until[THREADS];
    bool good[THREADS];
};

static bool take(struct state *s, uint32_t *out)
{
    if (s->side == SPEED_LIBRARY)
        return uiommu_pasid_alloc(s->space, NULL, UIOMMU_PASID_BITS, out) == UIOMMU_OK;
    *out = flat_alloc(s->flat);
    return true;
}

static bool give(struct state *s, uint32_t number)
{
    if (s->side == SPEED_LIBRARY)
        return uiommu_pasid_put(s->space, number) == UIOMMU_OK;
    flat_free(s->flat, number);
    return true;
}

static void space_open(struct state *s)
{
    struct uiommu_pasid_space_config config = {.size = sizeof(config), .first = 1, .last = NUMBERS};

    if (s->side == SPEED_FLOOR) {
        memset(s->flat, 0, sizeof(*s->flat));
        s->flat->word[0] = 1;
    } else if (uiommu_pasid_space_create(s->u, &config, &s->space) != UIOMMU_OK) {
        abort();
    }
}

static void space_close(struct state *s)
{
    while (s->out != 0) {
        if (!give(s, s->number[--s->out]))
            abort();
    }
    if (s->side == SPEED_LIBRARY && uiommu_pasid_space_destroy(s->space) != UIOMMU_OK)
        abort();
}

static void *open_side(const struct speed_row *row, enum speed_side side)
{
    struct state *s = calloc(1, sizeof(*s));
    uint32_t i;

    if (s == NULL)
        abort();
    s->side = side;
    s->random = 1;
    s->threads = (uint32_t)row->param[0];
    s->number = malloc(NUMBERS * sizeof(uint32_t));
    s->order = malloc(NUMBERS * sizeof(uint32_t));
    s->held = calloc(1, NUMBERS + 1u);
    s->flat = side == SPEED_FLOOR ? malloc(sizeof(*s->flat)) : NULL;
    if (s->number == NULL || s->order == NULL || s->held == NULL ||
        (side == SPEED_FLOOR && s->flat == NULL))
        abort();
    for (i = 0; i < NUMBERS; i++)
        s->order[i] = i;
    if (side == SPEED_LIBRARY)
        s->u = speed_host_create();
    s->bytes = speed_counts.bytes;
    space_open(s);
    return s;
}

static void *library_open(const struct speed_row *row)
{
    return open_side(row, SPEED_LIBRARY);
}

/* One thread, whatever the row says. */
static void *single_open(const struct speed_row *row)
{
    struct state *s = open_side(row, SPEED_LIBRARY);

    s->threads = 1;
    return s;
}

static void *floor_open(const struct speed_row *row)
{
    return open_side(row, SPEED_FLOOR);
}

static void close_side(void *state)
{
    struct state *s = state;

    space_close(s);
    if (s->u != NULL && uiommu_destroy(s->u) != UIOMMU_OK)
        abort();
    free(s->flat);
    free(s->held);
    free(s->order);
    free(s->number);
    free(s);
}

/* They are in range, and nobody had them. */
static bool hold(struct state *s, const uint32_t *number, uint32_t count)
{
    uint32_t i;

    for (i = 0; i < count; i++) {
        if (number[i] == 0 || number[i] > NUMBERS || s->held[number[i]] != 0) {
            speed_say("number %u came twice", number[i]);
            return false;
        }
        s->held[number[i]] = 1;
    }
    return true;
}

static void forget(struct state *s, const uint32_t *number, uint32_t count)
{
    uint32_t i;

    for (i = 0; i < count; i++)
        s->held[number[i]] = 0;
}

static bool fill(struct state *s, uint32_t count)
{
    uint32_t from = s->out;

    for (; s->out < count; s->out++) {
        if (!take(s, &s->number[s->out]))
            return false;
    }
    return hold(s, s->number + from, count - from);
}

/* ---- rounds ---- */

static bool round_fill(void *state, struct speed_sample *sample)
{
    struct state *s = state;
    bool good = true;
    double from;
    uint32_t i;

    if (s->out + MANY > NUMBERS) {
        forget(s, s->number, s->out);
        space_close(s);
        space_open(s);
    }
    from = speed_now_ns();
    if (s->side == SPEED_LIBRARY) {
        for (i = 0; i < MANY; i++)
            good &= uiommu_pasid_alloc(s->space, NULL, UIOMMU_PASID_BITS, &s->number[s->out + i]) ==
                    UIOMMU_OK;
    } else {
        for (i = 0; i < MANY; i++)
            s->number[s->out + i] = flat_alloc(s->flat);
    }
    sample->ns = speed_now_ns() - from;
    sample->ops = MANY;
    s->out += MANY;
    return good && hold(s, s->number + s->out - MANY, MANY);
}

/* All are out; they go in random order. */
static bool round_free(void *state, struct speed_sample *sample)
{
    struct state *s = state;
    bool good = true;
    double from;
    uint32_t i;

    if (s->out < MANY) {
        if (!fill(s, NUMBERS))
            return false;
        speed_shuffle(s->number, NUMBERS, &s->random);
    }
    s->out -= MANY;
    from = speed_now_ns();
    if (s->side == SPEED_LIBRARY) {
        for (i = 0; i < MANY; i++)
            good &= uiommu_pasid_put(s->space, s->number[s->out + i]) == UIOMMU_OK;
    } else {
        for (i = 0; i < MANY; i++)
            flat_free(s->flat, s->number[s->out + i]);
    }
    sample->ns = speed_now_ns() - from;
    sample->ops = MANY;
    forget(s, s->number + s->out, MANY);
    return good;
}

static bool pairs(struct state *s, uint32_t *job)
{
    bool good = true;
    uint32_t i;

    if (s->side == SPEED_LIBRARY) {
        for (i = 0; i < MANY; i++) {
            good &= uiommu_pasid_put(s->space, job[i]) == UIOMMU_OK;
            good &= uiommu_pasid_alloc(s->space, NULL, UIOMMU_PASID_BITS, &job[i]) == UIOMMU_OK;
        }
    } else if (s->threads == 1) {
        for (i = 0; i < MANY; i++) {
            flat_free(s->flat, job[i]);
            job[i] = flat_alloc(s->flat);
        }
    } else {
        for (i = 0; i < MANY; i++) {
            flat_lock(s->flat);
            flat_free(s->flat, job[i]);
            flat_unlock(s->flat);
            flat_lock(s->flat);
            job[i] = flat_alloc(s->flat);
            flat_unlock(s->flat);
        }
    }
    return good;
}

/* Both begin at once. */
static void *thread(void *state)
{
    struct state *s = state;
    uint32_t me = __atomic_fetch_add(&s->ready, 1, __ATOMIC_ACQ_REL);

    while (__atomic_load_n(&s->ready, __ATOMIC_ACQUIRE) != s->threads)
        uiommu_pause();
    s->from[me] = speed_now_ns();
    s->good[me] = pairs(s, s->job[me]);
    s->until[me] = speed_now_ns();
    return NULL;
}

/* From where the first begins to where the last ends. */
static bool all_threads(struct state *s, double *ns)
{
    pthread_t other[THREADS];
    double from, until;
    bool good = true;
    uint32_t i;

    s->ready = 0;
    for (i = 1; i < s->threads; i++) {
        if (pthread_create(&other[i], NULL, thread, s) != 0)
            abort();
    }
    (void)thread(s);
    for (i = 1; i < s->threads; i++)
        good &= pthread_join(other[i], NULL) == 0;
    from = s->from[0];
    until = s->until[0];
    for (i = 0; i < s->threads; i++) {
        good &= s->good[i];
        from = s->from[i] < from ? s->from[i] : from;
        until = s->until[i] > until ? s->until[i] : until;
    }
    *ns = until - from;
    return good;
}

/* 99.9 % are out; each is freed and another one taken. Operations are each thread's. */
static bool round_pairs(void *state, struct speed_sample *sample)
{
    struct state *s = state;
    uint32_t count = s->threads * MANY, *job = s->job[0], i;
    bool good;

    if (s->out == 0) {
        /* What is free lies anywhere. */
        if (!fill(s, NUMBERS))
            return false;
        speed_shuffle(s->number, NUMBERS, &s->random);
        speed_shuffle(s->order, NUMBERS - FREE, &s->random);
        for (; s->out > NUMBERS - FREE; s->out--) {
            forget(s, &s->number[s->out - 1u], 1);
            if (!give(s, s->number[s->out - 1u]))
                return false;
        }
    }
    if (s->at + count > s->out)
        s->at = 0;
    for (i = 0; i < count; i++)
        job[i] = s->number[s->order[s->at + i]];
    forget(s, job, count);
    good = all_threads(s, &sample->ns);
    sample->ops = MANY;
    for (i = 0; i < count; i++)
        s->number[s->order[s->at + i]] = job[i];
    s->at += count;
    return good && hold(s, job, count);
}

/* Not time, but bytes: all numbers are out, or have been. There is no need for many. */
static bool round_bytes(void *state, struct speed_sample *sample)
{
    const struct timespec pause = {0, 1000000};
    struct state *s = state;

    nanosleep(&pause, NULL);

    if (s->out == 0 && !fill(s, NUMBERS))
        return false;
    sample->ns =
        (double)(s->side == SPEED_LIBRARY ? speed_counts.bytes - s->bytes : sizeof(s->flat->word));
    sample->ops = NUMBERS;
    return true;
}

#define SIDES(round)                                                                               \
    {                                                                                              \
        {library_open, round, close_side},                                                         \
        {                                                                                          \
            floor_open, round, close_side                                                          \
        }                                                                                          \
    }

static const struct speed_row rows[] = {
    {
        .name = "pasid: alloc, filling in order",
        .op = "alloc",
        .side = SIDES(round_fill),
        .goal_ns = 15,
        .floor_ns = 5.2,
        .param = {1},
    },
    {
        .name = "pasid: free, random order",
        .op = "free",
        .side = SIDES(round_free),
        .goal_ns = 10,
        .floor_ns = 3.5,
        .param = {1},
    },
    {
        .name = "pasid: random free + alloc, 99.9 % full",
        .op = "pair",
        .side = SIDES(round_pairs),
        .goal_ns = 70,
        .floor_ns = 30,
        .param = {1},
    },
    {
        .name = "pasid: the same, 2 threads, per pair and thread",
        .op = "pair",
        .side = SIDES(round_pairs),
        .floor_ns = 121,
        .param = {THREADS},
    },
    {
        /* In the floor's place: the library with one thread. Twice its time: as much in total. */
        .name = "pasid: the same, 2 threads beside 1 of the library",
        .op = "pair",
        .side = {{library_open, round_pairs, close_side}, {single_open, round_pairs, close_side}},
        .goal_ratio = 2,
        .param = {THREADS},
    },
    {
        .name = "pasid: bytes a live number (no ns)",
        .op = "number",
        .side = SIDES(round_bytes),
        .goal_ns = 8,
        .param = {1},
    },
};

const struct speed_table speed_pasid = {"pasid", "PASID numbers, 1 to 2^20 - 1", rows,
                                        sizeof(rows) / sizeof(rows[0])};
