/* SPDX-License-Identifier: BSD-2-Clause */
/* What goes wrong at the unit itself: a command it does not know, more faults than it can keep. */
#include "show.h"

static bool works(struct show *s, uint32_t seed)
{
    show_fill(s, seed);
    return show_move(s, SHOW_BYTES) && show_same(s, SHOW_BYTES);
}

static enum show_verdict illegal(struct show *s)
{
    const struct glue_vendor *v = s->g.found.vendor;
    struct uiommu_event event = {0};
    uiommu_err err;

    show_witness_illegal();
    err = uiommu_unit_command(s->g.unit, v->illegal, v->illegal_words);
    if (!glue_event(&s->g, SHOW_NS, &event)) {
        SHOW_SEEN(s, "no event; %s", uiommu_err_str(err));
        return SHOW_FAILED;
    }
    (void)uiommu_event_format(&event, s->seen, sizeof(s->seen));
    if (event.kind != UIOMMU_EVENT_COMMAND_ERROR)
        return SHOW_FAILED;
    /* QEMU's AMD-Vi reports such a command, but passes over it. */
    return err == UIOMMU_E_HW || (s->g.found.emulated && err == UIOMMU_OK) ? SHOW_GOOD
                                                                           : SHOW_FAILED;
}

static enum show_verdict after_illegal(struct show *s)
{
    uiommu_err err;

    glue_events_drop(&s->g);
    err = uiommu_aspace_invalidate(s->space.as, 0, UINT64_MAX, false);
    SHOW_SEEN(s, "invalidation: %s", uiommu_err_str(err));
    return err == UIOMMU_OK && works(s, 90) ? SHOW_GOOD : SHOW_FAILED;
}

/*
 * One DMA of a page is many accesses, and so are its faults. Some units keep but one fault of a
 * device, however many there are, and have lost something only when another device comes in
 * between: a second edu device, where there is one. QEMU's SMMUv3 says of a full queue that writing
 * to it failed: the queue is made anew.
 */
static enum show_verdict overflow(struct show *s)
{
    struct uiommu_event event;
    uint32_t faults = 0, lost = 0, anew = 0;
    uintptr_t irq;
    bool done;

    glue_events_drop(&s->g);
    irq = kernel_irq_save();
    done = glue_edu_write(&s->edu, SHOW_HOLE, 0, KERNEL_PAGE) &&
           (s->other.registers == 0 || glue_edu_write(&s->other, SHOW_HOLE, 0, 4));
    kernel_irq_restore(irq);
    while (done && glue_event(&s->g, SHOW_NS, &event)) {
        faults += show_is(s, &event, UIOMMU_EVENT_TRANSLATION);
        lost += event.kind == UIOMMU_EVENT_EVENTS_LOST;
        anew += event.kind == UIOMMU_EVENT_QUEUE_ERROR;
    }
    SHOW_SEEN(s, "%u faults kept, \"events lost\" %u times, queue made anew %u times",
              (unsigned)faults, (unsigned)lost, (unsigned)anew);
    if ((faults > 0 && lost > 0) || anew > 0)
        return SHOW_GOOD;
    if (faults != 1 || s->other.registers != 0)
        return SHOW_FAILED;
    SHOW_SEEN(s, "one fault a device is kept: it takes a second edu device to lose one");
    return SHOW_SKIPPED;
}

static enum show_verdict after_overflow(struct show *s)
{
    glue_events_drop(&s->g);
    if (!glue_edu_read(&s->edu, SHOW_HOLE + 0x1000, 0, 4) ||
        !show_event(s, UIOMMU_EVENT_TRANSLATION, SHOW_HOLE + 0x1000, UIOMMU_READ))
        return SHOW_FAILED;
    return works(s, 91) ? SHOW_GOOD : SHOW_FAILED;
}

const struct show_row show_recover[] = {
    {"a command the unit does not know", illegal},
    {"commands and DMA after it", after_illegal},
    {"more faults than the unit can keep", overflow},
    {"faults and DMA after them", after_overflow},
    {NULL, NULL},
};
