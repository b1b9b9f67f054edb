/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>
#include <string.h>

#include "speed_host.h"

/* PASID numbers, 1 to 2^20 - 1. The floor: a bitmap of words, and a cursor. */

#define NUMBERS ((1u << 20) - 1u)
#define MANY    8192u /* a round's */

struct library {
    struct uiommu *u;
    struct uiommu_pasid_space *space;
    uint32_t *number; /* those that are out */
    uint32_t out;
};

static void space_open(struct library *l)
{
    struct uiommu_pasid_space_config config = {.size = sizeof(config), .first = 1, .last = NUMBERS};

    if (uiommu_pasid_space_create(l->u, &config, &l->space) != UIOMMU_OK)
        abort();
}

static void space_close(struct library *l)
{
    while (l->out != 0) {
        if (uiommu_pasid_put(l->space, l->number[--l->out]) != UIOMMU_OK)
            abort();
    }
    if (uiommu_pasid_space_destroy(l->space) != UIOMMU_OK)
        abort();
}

static void *library_open(const struct speed_row *row)
{
    struct library *l = calloc(1, sizeof(*l));

    (void)row;
    if (l == NULL || (l->number = malloc(NUMBERS * sizeof(uint32_t))) == NULL)
        abort();
    l->u = speed_host_create();
    space_open(l);
    return l;
}

static void library_close(void *state)
{
    struct library *l = state;

    space_close(l);
    if (uiommu_destroy(l->u) != UIOMMU_OK)
        abort();
    free(l->number);
    free(l);
}

static int by_value(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return x < y ? -1 : x > y;
}

/* No number came twice. */
static bool distinct(const uint32_t *number, uint32_t count)
{
    static uint32_t sorted[MANY];
    uint32_t i;

    memcpy(sorted, number, count * sizeof(*number));
    qsort(sorted, count, sizeof(*sorted), by_value);
    for (i = 1; i < count; i++) {
        if (sorted[i] == sorted[i - 1])
            return false;
    }
    return sorted[0] >= 1 && sorted[count - 1] <= NUMBERS;
}

static bool library_fill(void *state, struct speed_sample *sample)
{
    struct library *l = state;
    uint32_t i;
    double from;

    if (l->out + MANY > NUMBERS) {
        space_close(l);
        space_open(l);
    }
    from = speed_now_ns();
    for (i = 0; i < MANY; i++) {
        if (uiommu_pasid_alloc(l->space, NULL, UIOMMU_PASID_BITS, &l->number[l->out + i]) !=
            UIOMMU_OK)
            return false;
    }
    sample->ns = speed_now_ns() - from;
    sample->ops = MANY;
    l->out += MANY;
    return distinct(l->number + l->out - MANY, MANY);
}

static const struct speed_row rows[] = {
    {
        .name = "pasid: alloc, filling in order",
        .op = "alloc",
        .side = {{library_open, library_fill, library_close}},
        .goal_ns = 15,
        .floor_ns = 5.2,
    },
};

const struct speed_table speed_pasid = {"pasid", "PASID numbers, 1 to 2^20 - 1", rows,
                                        sizeof(rows) / sizeof(rows[0])};
