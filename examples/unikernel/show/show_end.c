/* SPDX-License-Identifier: BSD-2-Clause */
/* The end of a bond: stopped, drained, refused from then on; and everything given back. */
#include "show.h"

static enum show_verdict unbound(struct show *s)
{
    uint32_t stops = s->edu.stops;
    uiommu_err err = glue_edu_unbind(&s->edu);

    SHOW_SEEN(s, "%s; the driver was asked to stop %u times", uiommu_err_str(err),
              (unsigned)(s->edu.stops - stops));
    return err == UIOMMU_OK && s->edu.stops == stops + 1 ? SHOW_GOOD : SHOW_FAILED;
}

/* Not every unit reports what comes after an end: there might be no end of it. */
static enum show_verdict refused(struct show *s)
{
    struct uiommu_event event;

    glue_events_drop(&s->g);
    show_fill(s, 99);
    show_witness_shut(&s->edu, true);
    if (!glue_edu_write(&s->edu, SHOW_TO, 0, SHOW_BYTES))
        return SHOW_FAILED;
    SHOW_SEEN(s, "no byte arrived, no event");
    if (glue_event(&s->g, SHOW_NS, &event))
        (void)uiommu_event_format(&event, s->seen, sizeof(s->seen));
    glue_events_drop(&s->g);
    show_witness_shut(&s->edu, false);
    if (show_differ(s, SHOW_BYTES))
        return SHOW_GOOD;
    SHOW_SEEN(s, "bytes arrived");
    return SHOW_FAILED;
}

static enum show_verdict rebound(struct show *s)
{
    uiommu_err err = glue_edu_bind(&s->edu, &s->space);

    show_fill(s, 100);
    if (err != UIOMMU_OK || !show_move(s, SHOW_BYTES) || !show_same(s, SHOW_BYTES)) {
        SHOW_SEEN(s, "%s", uiommu_err_str(err));
        return SHOW_FAILED;
    }
    err = glue_edu_unbind(&s->edu);
    SHOW_SEEN(s, "%u bytes, none differs; unbound: %s", SHOW_BYTES, uiommu_err_str(err));
    return err == UIOMMU_OK ? SHOW_GOOD : SHOW_FAILED;
}

static enum show_verdict given_back(struct show *s)
{
    uiommu_err err = glue_edu_detach(&s->edu);

    kernel_pci_master(s->edu.function, false);
    if (err == UIOMMU_OK)
        err = glue_space_destroy(&s->space);
    if (err == UIOMMU_OK)
        err = uiommu_unit_stop(s->g.unit);
    if (err == UIOMMU_OK)
        err = uiommu_unit_destroy(s->g.unit);
    if (err == UIOMMU_OK)
        err = uiommu_pasid_space_destroy(s->g.pasids);
    if (err == UIOMMU_OK)
        err = uiommu_destroy(s->u);
    SHOW_SEEN(s, "%s", uiommu_err_str(err));
    return err == UIOMMU_OK ? SHOW_GOOD : SHOW_FAILED;
}

const struct show_row show_end[] = {
    {"unbound", unbound},
    {"DMA after it is refused", refused},
    {"bound again, unbound again", rebound},
    {"everything given back", given_back},
    {NULL, NULL},
};
