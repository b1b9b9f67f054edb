/* SPDX-License-Identifier: BSD-2-Clause */
#include "core.h"

/* Failed tickets, for backends (R15). */

#define ROOM                                                                                       \
    ((uint32_t)(sizeof(((struct uiommu_failed *)0)->range) /                                       \
                sizeof(((struct uiommu_failed *)0)->range[0])))

/* The range goes in its place, joined with all that it meets. */
void uiommu_failed_add(struct uiommu_failed *f, uint64_t first, uint64_t last)
{
    uint32_t at = 0, to;

    if (last <= f->forgotten)
        return; /* has failed; the ranges lie above the mark, which never falls */
    while (at < f->count && f->range[at].last + 1u < first)
        at++;
    for (to = at; to < f->count && f->range[to].first <= last + 1u; to++) {
        first = f->range[to].first < first ? f->range[to].first : first;
        last = f->range[to].last > last ? f->range[to].last : last;
    }
    if (to == at && f->count == ROOM) {
        if (at == 0) { /* older than all that are remembered */
            f->forgotten = last > f->forgotten ? last : f->forgotten;
            return;
        }
        f->forgotten = f->range[0].last;
        f->count--;
        memmove(&f->range[0], &f->range[1], f->count * sizeof(f->range[0]));
        at--;
        to--;
    }
    memmove(&f->range[at + 1u], &f->range[to], (f->count - to) * sizeof(f->range[0]));
    f->count = f->count - (to - at) + 1u;
    f->range[at].first = first;
    f->range[at].last = last;
}

bool uiommu_failed_has(const struct uiommu_failed *f, uint64_t ticket)
{
    uint32_t i;

    if (ticket <= f->forgotten)
        return true;
    for (i = 0; i < f->count; i++) {
        if (ticket >= f->range[i].first && ticket <= f->range[i].last)
            return true;
    }
    return false;
}

bool uiommu_failed_valid(const struct uiommu_failed *f)
{
    uint64_t below = f->forgotten;
    uint32_t i;
    bool ok = true;

    if (f->count > ROOM)
        return false;
    for (i = 0; i < f->count; i++) {
        ok &= f->range[i].first <= f->range[i].last;
        ok &= (f->range[i].first > below + 1u) | (i == 0); /* else they were one */
        ok &= f->range[i].last > below;
        below = f->range[i].last;
    }
    return ok;
}
