/* SPDX-License-Identifier: BSD-2-Clause */
/* A device without an address space reaches nothing; with one of its own (a bond without PASID) it
 * reaches what is mapped there: bytes are compared. */
#include "show.h"

/* Lets edu write to memory that exists, by its real address. True: nothing arrived. */
static bool blocked(struct show *s)
{
    struct uiommu_event event;

    show_fill(s, 1);
    if (!glue_edu_write(&s->edu, (uint64_t)(uintptr_t)s->to, 0, SHOW_BYTES))
        return false;
    SHOW_SEEN(s, "no byte arrived, no event");
    if (glue_event(&s->g, SHOW_NS, &event))
        (void)uiommu_event_format(&event, s->seen, sizeof(s->seen));
    glue_events_drop(&s->g);
    if (show_differ(s, SHOW_BYTES))
        return true;
    SHOW_SEEN(s, "bytes arrived");
    return false;
}

/* A master of the bus that nobody attached. */
static enum show_verdict unattached(struct show *s)
{
    s->to = kernel_pages_get(KERNEL_PAGE, KERNEL_PAGE);
    s->from = kernel_pages_get(KERNEL_PAGE, KERNEL_PAGE);
    if (s->to == NULL || s->from == NULL)
        return SHOW_FAILED;
    kernel_pci_master(s->edu.function, true);
    if (s->other.registers != 0)
        kernel_pci_master(s->other.function, true);
    if (blocked(s))
        return SHOW_GOOD;
    if (!s->g.found.emulated)
        return SHOW_FAILED;
    /* QEMU 11.1's AMD-Vi looks at a device's entry from the first INVALIDATE_DEVTAB_ENTRY on. */
    SHOW_SEEN(s, "bytes arrived: QEMU's AMD-Vi blocks from attach on");
    return SHOW_SKIPPED;
}

static enum show_verdict attached(struct show *s)
{
    uiommu_err err = glue_edu_attach(&s->edu, &s->g, s->g.found.id);

    SHOW_SEEN(s, "%s", uiommu_err_str(err));
    return err == UIOMMU_OK ? SHOW_GOOD : SHOW_FAILED;
}

static enum show_verdict unbound(struct show *s)
{
    return blocked(s) ? SHOW_GOOD : SHOW_FAILED;
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
    /* Without an address space: */
    {"DMA is blocked before anybody attaches", unattached},
    {"device attached", attached},
    {"DMA is blocked before anybody binds", unbound},
    /* With one: */
    {"bound without PASID", bound},
    {"DMA through the bond, byte by byte", copied},
    {NULL, NULL},
};
