/* SPDX-License-Identifier: BSD-2-Clause */
/* A unit really caches: an entry that is gone goes on translating until it is invalidated. */
#include "show.h"

static enum show_verdict stale(struct show *s)
{
    show_fill(s, 77);
    if (!show_move(s, 4) || !show_same(s, 4) || !glue_unmap(&s->space, SHOW_TO))
        return SHOW_FAILED;
    show_fill(s, 78);
    if (!show_move(s, 4) || s->g.head != s->g.tail)
        return SHOW_FAILED;
    SHOW_SEEN(s, "%s", show_same(s, 4) ? "still translated" : "not cached");
    return show_same(s, 4) ? SHOW_GOOD : SHOW_FAILED;
}

static enum show_verdict invalidated(struct show *s)
{
    uiommu_err err =
        uiommu_aspace_invalidate(s->space.as, SHOW_TO, SHOW_TO + KERNEL_PAGE - 1, false);

    show_fill(s, 79);
    if (err != UIOMMU_OK || !show_move(s, 4) ||
        !show_event(s, UIOMMU_EVENT_TRANSLATION, SHOW_TO, UIOMMU_WRITE))
        return SHOW_FAILED;
    return show_differ(s, 4) ? SHOW_GOOD : SHOW_FAILED;
}

static enum show_verdict again(struct show *s)
{
    if (!glue_map(&s->space, SHOW_TO, s->to, UIOMMU_READ | UIOMMU_WRITE) ||
        uiommu_aspace_invalidate(s->space.as, SHOW_TO, SHOW_TO + KERNEL_PAGE - 1, false) !=
            UIOMMU_OK)
        return SHOW_FAILED;
    show_fill(s, 80);
    if (!show_move(s, SHOW_BYTES) || !show_same(s, SHOW_BYTES))
        return SHOW_FAILED;
    SHOW_SEEN(s, "%u bytes, none differs", SHOW_BYTES);
    return s->g.head == s->g.tail ? SHOW_GOOD : SHOW_FAILED;
}

const struct show_row show_stale[] = {
    {"page-table entry cleared, no more", stale},
    {"invalidated", invalidated},
    {"mapped again", again},
    {NULL, NULL},
};
