/* SPDX-License-Identifier: BSD-2-Clause */
/* What the device must not do is refused and reported, by interrupt: who, where, what. */
#include "show.h"

static enum show_verdict hole_read(struct show *s)
{
    if (!glue_edu_read(&s->edu, SHOW_HOLE, 0, 4))
        return SHOW_FAILED;
    return show_event(s, UIOMMU_EVENT_TRANSLATION, SHOW_HOLE, UIOMMU_READ) ? SHOW_GOOD
                                                                           : SHOW_FAILED;
}

static enum show_verdict hole_write(struct show *s)
{
    if (!glue_edu_write(&s->edu, SHOW_HOLE, 0, 4))
        return SHOW_FAILED;
    return show_event(s, UIOMMU_EVENT_TRANSLATION, SHOW_HOLE, UIOMMU_WRITE) ? SHOW_GOOD
                                                                            : SHOW_FAILED;
}

/* The page is invalidated first: some emulators refuse, but do not report, what a cached entry
 * forbids. */
static enum show_verdict read_only(struct show *s)
{
    show_fill(s, 7);
    if (uiommu_aspace_invalidate(s->space.as, SHOW_FROM, SHOW_FROM + KERNEL_PAGE - 1, false) !=
            UIOMMU_OK ||
        !glue_edu_write(&s->edu, SHOW_FROM, 0, 4))
        return SHOW_FAILED;
    return show_event(s, UIOMMU_EVENT_PERMISSION, SHOW_FROM, UIOMMU_WRITE) &&
                   show_differ(s, KERNEL_PAGE)
               ? SHOW_GOOD
               : SHOW_FAILED;
}

const struct show_row show_fault[] = {
    {"DMA reads a hole", hole_read},
    {"DMA writes a hole", hole_write},
    {"DMA writes what it may only read", read_only},
    {NULL, NULL},
};
