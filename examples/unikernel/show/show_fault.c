/* SPDX-License-Identifier: BSD-2-Clause */
/* What the device must not do is refused and reported, by interrupt: who, where, what. */
#include "show.h"

static enum show_verdict hole_read(struct show *s)
{
    struct uiommu_event event;

    if (!glue_edu_read(&s->edu, SHOW_HOLE, 0, 4))
        return SHOW_FAILED;
    return show_event(s, SHOW_HOLE, UIOMMU_READ, &event) && event.kind == UIOMMU_EVENT_TRANSLATION
               ? SHOW_GOOD
               : SHOW_FAILED;
}

static enum show_verdict hole_write(struct show *s)
{
    struct uiommu_event event;

    if (!glue_edu_write(&s->edu, SHOW_HOLE, 0, 4))
        return SHOW_FAILED;
    return show_event(s, SHOW_HOLE, UIOMMU_WRITE, &event) && event.kind == UIOMMU_EVENT_TRANSLATION
               ? SHOW_GOOD
               : SHOW_FAILED;
}

static enum show_verdict read_only(struct show *s)
{
    struct uiommu_event event;
    unsigned char before = s->from[0];

    s->from[0] = (unsigned char)~before;
    if (!glue_edu_write(&s->edu, SHOW_FROM, 0, 4))
        return SHOW_FAILED;
    if (!show_event(s, SHOW_FROM, UIOMMU_WRITE, &event) || event.kind != UIOMMU_EVENT_PERMISSION)
        return SHOW_FAILED;
    return s->from[0] == (unsigned char)~before ? SHOW_GOOD : SHOW_FAILED;
}

const struct show_row show_fault[] = {
    {"DMA reads a hole", hole_read},
    {"DMA writes a hole", hole_write},
    {"DMA writes what it may only read", read_only},
    {NULL, NULL},
};
