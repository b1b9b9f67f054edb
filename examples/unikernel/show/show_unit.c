/* SPDX-License-Identifier: BSD-2-Clause */
/* The IOMMU: what firmware and its registers say, and that it starts. */
#include "show.h"

static enum show_verdict found(struct show *s)
{
    const struct glue_found *f = &s->g.found;

    SHOW_SEEN(s, "%s, registers at 0x%llx, reserved regions: %u", f->vendor->name,
              (unsigned long long)f->base, (unsigned)f->reserved_count);
    return SHOW_GOOD;
}

static enum show_verdict started(struct show *s)
{
    struct glue_found f = s->g.found;
    struct uiommu_unit_info info;
    uiommu_err err = glue_unit_start(&s->g, s->u, &f);

    if (err != UIOMMU_OK || uiommu_unit_get_info(s->g.unit, &info) != UIOMMU_OK) {
        SHOW_SEEN(s, "%s", uiommu_err_str(err));
        return SHOW_FAILED;
    }
    SHOW_SEEN(s, "PASIDs of %u bits, %s, %s, page requests %u", (unsigned)info.pasid_bits,
              info.ats ? "ATS" : "no ATS", info.coherent ? "snoops" : "does not snoop",
              (unsigned)info.request_entries);
    return info.started ? SHOW_GOOD : SHOW_FAILED;
}

const struct show_row show_unit[] = {
    {"IOMMU found", found},
    {"unit started", started},
    {NULL, NULL},
};
