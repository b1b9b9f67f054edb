/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>
#include <time.h>

#include "../../core/core.h"
#include "speed_host.h"

/*
 * PASID -> bond of one device, as the request path asks. What lies behind a bond is not touched:
 * its address tells the next question. The floor: a flat table of all PASIDs.
 */

#define NUMBERS    (1u << 20)
#define MANY       65536u
#define RADIX_BITS 7u /* as core/device.c */

enum shape {
    ONE,         /* the same again */
    INDEPENDENT, /* random ones */
    DEPENDENT,   /* which one, the answer before tells */
    BYTES,
};

struct state {
    enum shape shape;
    struct uiommu *u;
    struct uiommu_device *dev; /* nothing of it but the map is used */
    void **flat;
    uint64_t bytes;
    uint32_t *order;
    uint32_t at;
};

/* The answer for a PASID names another one; all of them are one circle. */
static void *named(uint32_t pasid)
{
    return (void *)(((uintptr_t)pasid + 1u) << 6);
}

static uint32_t name_of(const void *answer)
{
    return (uint32_t)(((uintptr_t)answer >> 6) - 1u);
}

static void put(struct state *s, uint32_t pasid, void *answer)
{
    struct uiommu_slot *slot;

    if (s->dev == NULL) {
        s->flat[pasid] = answer;
        return;
    }
    slot = uiommu_radix_reserve(s->u, &s->dev->pasids, pasid);
    if (slot == NULL)
        abort();
    uiommu_slot_store(slot, answer);
}

static void *open_side(const struct speed_row *row, enum speed_side side)
{
    struct state *s = calloc(1, sizeof(*s));
    uint64_t random = 1;
    uint32_t i;

    if (s == NULL || (s->order = malloc(NUMBERS * sizeof(uint32_t))) == NULL)
        abort();
    s->shape = (enum shape)row->param[0];
    for (i = 0; i < NUMBERS; i++)
        s->order[i] = i;
    speed_shuffle(s->order, NUMBERS, &random);
    if (side == SPEED_LIBRARY) {
        s->u = speed_host_create();
        s->bytes = speed_counts.bytes;
        s->dev = calloc(1, sizeof(*s->dev));
        if (s->dev == NULL)
            abort();
        uiommu_radix_init(&s->dev->pasids, RADIX_BITS);
    } else if ((s->flat = malloc(NUMBERS * sizeof(*s->flat))) == NULL) {
        abort();
    }
    for (i = 0; i < NUMBERS; i++)
        put(s, s->order[i], named(s->order[(i + 1u) % NUMBERS]));
    s->bytes = side == SPEED_LIBRARY ? speed_counts.bytes - s->bytes : NUMBERS * sizeof(*s->flat);
    return s;
}

static void *library_open(const struct speed_row *row)
{
    return open_side(row, SPEED_LIBRARY);
}

static void *floor_open(const struct speed_row *row)
{
    return open_side(row, SPEED_FLOOR);
}

static void close_side(void *state)
{
    struct state *s = state;

    if (s->dev != NULL) {
        uiommu_radix_fini(s->u, &s->dev->pasids);
        free(s->dev);
        if (uiommu_destroy(s->u) != UIOMMU_OK)
            abort();
    }
    free(s->flat);
    free(s->order);
    free(s);
}

/* The sum of what was found. */
static uint64_t library_ask(struct state *s, uint32_t at)
{
    uint32_t step = s->shape == ONE ? 0 : 1, i, pasid;
    uint64_t sum = 0;

    if (s->shape == DEPENDENT) {
        for (i = 0, pasid = s->order[at]; i < MANY; i++) {
            pasid = name_of(uiommu_bond_find(s->dev, pasid));
            sum += pasid;
        }
        return sum;
    }
    for (i = 0; i < MANY; i++)
        sum += name_of(uiommu_bond_find(s->dev, s->order[at + step * i]));
    return sum;
}

/* Not inlined, as little as the library's: the same call for both. */
static __attribute__((noinline)) void *flat_find(void *const *flat, uint32_t pasid)
{
    return flat[pasid];
}

static uint64_t floor_ask(struct state *s, uint32_t at)
{
    uint32_t step = s->shape == ONE ? 0 : 1, i, pasid;
    uint64_t sum = 0;

    if (s->shape == DEPENDENT) {
        for (i = 0, pasid = s->order[at]; i < MANY; i++) {
            pasid = name_of(flat_find(s->flat, pasid));
            sum += pasid;
        }
        return sum;
    }
    for (i = 0; i < MANY; i++)
        sum += name_of(flat_find(s->flat, s->order[at + step * i]));
    return sum;
}

static bool ask(void *state, struct speed_sample *sample)
{
    const struct timespec pause = {0, 1000000};
    struct state *s = state;
    uint64_t sum = 0, found;
    uint32_t i, next;
    double from;

    sample->ops = s->shape == BYTES ? NUMBERS : MANY;
    sample->ns = (double)s->bytes;
    if (s->shape == BYTES) {
        nanosleep(&pause, NULL); /* there is no need for many */
        return true;
    }
    for (i = 0; i < MANY; i++) {
        next = s->at + (s->shape == ONE ? 0 : i) + 1u;
        sum += s->order[next % NUMBERS];
    }
    from = speed_now_ns();
    found = s->dev != NULL ? library_ask(s, s->at) : floor_ask(s, s->at);
    sample->ns = speed_now_ns() - from;
    s->at = (s->at + MANY) % NUMBERS;
    if (found != sum)
        speed_say("%llu were found, not %llu", (unsigned long long)found, (unsigned long long)sum);
    return found == sum;
}

#define SIDES                                                                                      \
    {                                                                                              \
        {library_open, ask, close_side},                                                           \
        {                                                                                          \
            floor_open, ask, close_side                                                            \
        }                                                                                          \
    }

static const struct speed_row rows[] = {
    {
        .name = "map: PASID -> bond, the same again",
        .op = "look-up",
        .side = SIDES,
        .goal_ns = 4,
        .floor_ns = 2.2,
        .param = {ONE},
    },
    {
        .name = "map: PASID -> bond, random of 1M, independent",
        .op = "look-up",
        .side = SIDES,
        .goal_ns = 20,
        .floor_ns = 4.6,
        .param = {INDEPENDENT},
    },
    {
        .name = "map: PASID -> bond, random of 1M, dependent",
        .op = "look-up",
        .side = SIDES,
        .goal_ns = 120,
        .floor_ns = 82,
        .param = {DEPENDENT},
    },
    {
        .name = "map: bytes an entry (no ns)",
        .op = "entry",
        .side = SIDES,
        .goal_ns = 9,
        .param = {BYTES},
    },
};

const struct speed_table speed_map = {"map", "PASID -> bond of one device", rows,
                                      sizeof(rows) / sizeof(rows[0])};
