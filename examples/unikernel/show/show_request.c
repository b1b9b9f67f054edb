/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Page requests. The unit's queue was set up when it was started; here its own registers are read,
 * not what uiommu remembers.
 */
#include "show.h"

static enum show_verdict armed(struct show *s)
{
    struct glue_requests q = {0};
    struct uiommu_unit_info info;

    s->g.found.vendor->requests(&s->g.found, &q);
    if (uiommu_unit_get_info(s->g.unit, &info) != UIOMMU_OK)
        return SHOW_FAILED;
    if (q.none != NULL) {
        SHOW_SEEN(s, "%s", q.none);
        return info.request_entries == 0 ? SHOW_SKIPPED : SHOW_FAILED;
    }
    SHOW_SEEN(s, "%s, %u entries at 0x%llx, head %u, tail %u, interrupt %s", q.on ? "on" : "off",
              (unsigned)q.entries, (unsigned long long)q.base, (unsigned)q.head, (unsigned)q.tail,
              q.interrupts ? "on" : "off");
    /* One entry of a ring stays free. */
    return q.on && q.interrupts && q.head == q.tail && q.base != 0 &&
                   info.request_entries == q.entries - 1
               ? SHOW_GOOD
               : SHOW_FAILED;
}

const struct show_row show_request[] = {
    {"page-request queue armed", armed},
    {NULL, NULL},
};
