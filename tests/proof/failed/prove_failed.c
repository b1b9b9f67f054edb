/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Failed tickets (R15), from any state that holds together, a range more: what had failed still
 * has, the new ones have, and as long as there is room nothing else has.
 */
#include "../prove.h"

#include <core/failed.c>

/* By ranges; CBMC's own is one array operation of a size that is not known. */
void *memmove(void *to, const void *from, size_t bytes)
{
    __typeof__(((struct uiommu_failed *)0)->range[0]) copy[ROOM], *t = to;
    const __typeof__(copy[0]) *f = from;
    size_t i, n = bytes / sizeof(copy[0]);

    PROVE(bytes % sizeof(copy[0]) == 0 && n <= ROOM);
    for (i = 0; i < ROOM; i++) {
        if (i < n)
            copy[i] = f[i];
    }
    for (i = 0; i < ROOM; i++) {
        if (i < n)
            t[i] = copy[i];
    }
    return to;
}

/* Only order and neighbourhood count, so so many numbers are all there are. */
static uint64_t any_ticket(void)
{
    return nondet_u8() % 64u;
}

static void any_failed(struct uiommu_failed *f)
{
    uint32_t i;

    f->count = nondet_u32();
    f->forgotten = any_ticket();
    for (i = 0; i < ROOM; i++) {
        f->range[i].first = any_ticket();
        f->range[i].last = any_ticket();
    }
    ASSUME(f->count <= ROOM);
    ASSUME(uiommu_failed_valid(f));
}

void prove(void)
{
    struct uiommu_failed f;
    uint64_t first = any_ticket(), last = any_ticket(), ticket = any_ticket();
    bool had, full, mine;

    any_failed(&f);
    ASSUME(first <= last && first != 0);
    had = uiommu_failed_has(&f, ticket);
    mine = ticket >= first && ticket <= last;
    full = f.count == ROOM;
    uiommu_failed_add(&f, first, last);
    PROVE(!had || uiommu_failed_has(&f, ticket));
    PROVE(!mine || uiommu_failed_has(&f, ticket));
    PROVE(full || had || mine || !uiommu_failed_has(&f, ticket));
    PROVE(uiommu_failed_valid(&f));
}
