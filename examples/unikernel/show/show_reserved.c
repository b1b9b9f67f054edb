/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory that firmware reserves for devices: what was said about each region, and that the device
 * reaches those that were confirmed. */
#include "show.h"

/* Edu fetches what is there, without a fault: there may be the same as where nothing is. */
static bool reaches(struct show *s, uint64_t iova, uint64_t to)
{
    const unsigned char *there = (const unsigned char *)(uintptr_t)to;
    struct uiommu_event event;
    uint32_t i;

    glue_events_drop(&s->g);
    show_fill(s, 7);
    if (!glue_edu_read(&s->edu, iova, 0, SHOW_BYTES) ||
        !glue_edu_write(&s->edu, SHOW_TO, 0, SHOW_BYTES) || glue_event(&s->g, SHOW_NS, &event))
        return false;
    for (i = 0; i < SHOW_BYTES; i++) {
        if (s->to[i] != there[i])
            return false;
    }
    return true;
}

static enum show_verdict reserved(struct show *s)
{
    const struct glue_found *f = &s->g.found;
    uint32_t i, confirmed = 0, waived = 0, lost = 0;

    for (i = 0; i < f->reserved_count; i++) {
        waived += f->reserved[i].word == UIOMMU_RESERVED_WAIVED;
        if (f->reserved[i].word != UIOMMU_RESERVED_CONFIRMED)
            continue;
        confirmed++;
        if ((f->reserved[i].access & UIOMMU_READ) != 0 &&
            f->reserved[i].last - f->reserved[i].first >= SHOW_BYTES - 1)
            lost += !reaches(s, f->reserved[i].first, f->reserved_to[i]);
    }
    SHOW_SEEN(s, "%u confirmed and mapped, %u waived%s", (unsigned)confirmed, (unsigned)waived,
              lost == 0 ? "" : "; one is not reached");
    return lost == 0 ? SHOW_GOOD : SHOW_FAILED;
}

const struct show_row show_reserved[] = {
    {"firmware's reserved memory", reserved},
    {NULL, NULL},
};
