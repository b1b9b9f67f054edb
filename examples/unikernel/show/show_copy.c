/* SPDX-License-Identifier: BSD-2-Clause */
/* A device uses an address space of its own (a bond without PASID), and bytes are compared. */
#include "show.h"

static enum show_verdict attached(struct show *s)
{
    uiommu_err err = glue_edu_attach(&s->edu);

    SHOW_SEEN(s, "%s", uiommu_err_str(err));
    return err == UIOMMU_OK ? SHOW_GOOD : SHOW_FAILED;
}

/* Attached is not bound: nor may it reach memory now, an emulator's device either. */
static enum show_verdict unbound(struct show *s)
{
    struct uiommu_event event;

    show_fill(s, 1);
    if (!glue_edu_write(&s->edu, (uint64_t)(uintptr_t)s->to, 0, SHOW_BYTES))
        return SHOW_FAILED;
    SHOW_SEEN(s, "no byte arrived, no event");
    if (glue_event(&s->g, SHOW_NS, &event))
        (void)uiommu_event_format(&event, s->seen, sizeof(s->seen));
    glue_events_drop(&s->g);
    return show_differ(s, SHOW_BYTES) ? SHOW_GOOD : SHOW_FAILED;
}

static enum show_verdict bound(struct show *s)
{
    uiommu_err err = glue_space_create(&s->space, &s->g);

    if (err == UIOMMU_OK && (!glue_map(&s->space, SHOW_FROM, s->from, UIOMMU_READ) ||
                             !glue_map(&s->space, SHOW_TO, s->to, UIOMMU_READ | UIOMMU_WRITE)))
        err = UIOMMU_E_NOMEM;
    if (err == UIOMMU_OK)
        err = glue_edu_bind(&s->edu, &s->space);
    SHOW_SEEN(s, "%s", uiommu_err_str(err));
    return err == UIOMMU_OK ? SHOW_GOOD : SHOW_FAILED;
}

static enum show_verdict copied(struct show *s)
{
    static const uint32_t lengths[] = {SHOW_BYTES, 1, 4095, KERNEL_PAGE};
    uint32_t i, moved = 0;

    for (i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        show_fill(s, i + 1);
        if (!show_move(s, lengths[i]) || !show_same(s, lengths[i])) {
            SHOW_SEEN(s, "%u bytes are not the same", (unsigned)lengths[i]);
            return SHOW_FAILED;
        }
        /* Nothing beyond them. */
        if (lengths[i] < KERNEL_PAGE && s->from[lengths[i]] == s->to[lengths[i]])
            return SHOW_FAILED;
        moved += lengths[i];
    }
    SHOW_SEEN(s, "%u bytes there and back, none differs", (unsigned)moved);
    return s->g.head == s->g.tail ? SHOW_GOOD : SHOW_FAILED;
}

const struct show_row show_copy[] = {
    {"device attached", attached},
    {"DMA is blocked before anybody binds", unbound},
    {"bound without PASID", bound},
    {"DMA through the bond, byte by byte", copied},
    {NULL, NULL},
};
