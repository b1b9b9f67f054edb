/* SPDX-License-Identifier: BSD-2-Clause */
/* The IOMMU: what firmware and its registers say, and that it starts with everything blocked. */
#include "show.h"

static enum show_verdict found(struct show *s)
{
    const struct glue_found *f = &s->g.found;

    SHOW_SEEN(s, "%s, registers at 0x%llx, %u reserved regions", f->vendor->name,
              (unsigned long long)f->base, (unsigned)f->reserved);
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

/* Nobody attached the device: its DMA must not reach memory, at an address that exists. */
static enum show_verdict blocked(struct show *s)
{
    struct uiommu_event event;

    s->to = kernel_pages_get(KERNEL_PAGE, KERNEL_PAGE);
    s->from = kernel_pages_get(KERNEL_PAGE, KERNEL_PAGE);
    if (s->to == NULL || s->from == NULL)
        return SHOW_FAILED;
    show_fill(s, 1);
    if (!glue_edu_write(&s->edu, (uint64_t)(uintptr_t)s->to, 0, SHOW_BYTES))
        return SHOW_FAILED;
    SHOW_SEEN(s, "no byte arrived, no event");
    if (glue_event(&s->g, SHOW_NS, &event))
        (void)uiommu_event_format(&event, s->seen, sizeof(s->seen));
    glue_events_drop(&s->g);
    if (show_differ(s, SHOW_BYTES))
        return SHOW_GOOD;
    /* QEMU 11.1's AMD-Vi looks at a device's entry from the first INVALIDATE_DEVTAB_ENTRY on. */
    SHOW_SEEN(s, s->g.found.emulated ? "bytes arrived: an emulator's mistake" : "bytes arrived");
    return s->g.found.emulated ? SHOW_SKIPPED : SHOW_FAILED;
}

const struct show_row show_unit[] = {
    {"IOMMU found", found},
    {"unit started", started},
    {"DMA is blocked before anybody attaches", blocked},
    {NULL, NULL},
};
