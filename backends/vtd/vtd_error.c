/* SPDX-License-Identifier: BSD-2-Clause */
/* Errors of the invalidation queue (sheet 8.4) and of the unit (5.1). */
#include "vtd_internal.h"

/* Errors in a row at one position before the queue counts as dead. */
#define REPEATS 8u

/* The source ID of a device-TLB invalidation; false for any other descriptor. */
static bool devtlb_sid(uint64_t q0, uint32_t *sid)
{
    uint64_t type = uiommu_bits_get(q0, VTD_D_TYPE);

    if (type != VTD_TYPE_DEVTLB && type != VTD_TYPE_PDEVTLB)
        return false;
    *sid = (uint32_t)uiommu_bits_get(q0, type == VTD_TYPE_DEVTLB ? VTD_D_SID_HIGH : VTD_D_SID_LOW);
    return true;
}

/* Where the record says nothing (old parts read 0): the device is known only if all device-TLB
 * invalidations that may be pending are of one. */
static uint32_t timeout_guess(const struct uiommu_vtd *hw)
{
    const struct vtd_queue *q = &hw->iq;
    uint32_t id = UINT32_MAX, sid;
    uint64_t p, size = UINT64_C(1) << q->log2;

    /* As far back as the last ticket, or as the ring still holds it. */
    for (p = q->fetched; p > q->segment && q->head - p < size; p--) {
        if (!devtlb_sid(uiommu_bits_load64(uiommu_vtd_slot(hw, p - 1u)), &sid))
            continue;
        if (id != UINT32_MAX && id != sid)
            return UINT32_MAX;
        id = sid;
    }
    return id;
}

static void note_timeout(struct uiommu_vtd *hw, uint64_t record)
{
    struct uiommu_event event;

    uiommu_event_init(&event, UIOMMU_EVENT_INVALIDATION_TIMEOUT);
    event.hw_code = VTD_FSTS_ITE;
    event.raw[0] = record;
    event.id = (uint32_t)uiommu_bits_get(record, VTD_IQERCD_ITESID);
    if (event.id == 0)
        event.id = timeout_guess(hw);
    uiommu_notes_add(&hw->notes, &event);
}

/*
 * A device did not answer. All pending waits are aborted: they will never write their words. A
 * ticket fails if anything in front of it, after the ticket before, was fetched: that may be the
 * invalidation that got no answer, also where the wait itself is still to be fetched and would
 * complete. What was not fetched runs when ITE is cleared.
 */
static void abort_waits(struct uiommu_vtd *hw)
{
    struct vtd_queue *q = &hw->iq;
    uint64_t start = q->segment, p;

    for (p = q->resolved; p < q->head && start < q->fetched; p++) {
        if (!uiommu_tickets_at(&q->tickets, p))
            continue;
        uiommu_failed_add(&q->tickets.failed, p + 1u, p + 1u);
        start = p + 1u;
    }
    if (start < q->fetched)
        q->tickets.uncovered = true;
    q->suspect = true;
    q->proof = q->told;
}

static void note_descriptor(struct uiommu_vtd *hw, uint32_t code)
{
    const volatile uint64_t *words = uiommu_vtd_slot(hw, hw->iq.fetched);
    struct uiommu_event event;
    uint32_t i, sid;

    uiommu_event_init(&event, UIOMMU_EVENT_COMMAND_ERROR);
    for (i = 0; i < 4; i++)
        event.raw[i] = uiommu_bits_load64(&words[i]);
    event.hw_code = code;
    if (devtlb_sid(event.raw[0], &sid))
        event.id = sid;
    uiommu_notes_add(&hw->notes, &event);
}

/* The refused descriptor becomes a fence, which is legal everywhere and does no harm. */
static void overwrite(struct uiommu_vtd *hw)
{
    volatile uint64_t *words = uiommu_vtd_slot(hw, hw->iq.fetched);
    struct vtd_descriptor fence = uiommu_vtd_fence(hw);
    uint32_t i;

    for (i = 0; i < 4; i++)
        uiommu_bits_store64(&words[i], fence.q[i]);
}

/*
 * The head rests on the descriptor that was refused; nothing is fetched until IQE is cleared.
 * Some codes are not about the descriptor: a bad tail is written again, as it always is
 * (emulators fetch at a write of it alone, sheet 20), a failed fetch tried again, a wrong width or
 * mode means that the unit is not as it was set up.
 */
static void queue_error(struct uiommu_vtd *hw, uint32_t code)
{
    struct vtd_queue *q = &hw->iq;
    bool first = q->error_at != q->fetched;
    bool tail = code == VTD_IQEI_TAIL || code == VTD_IQEI_MISALIGN;
    uint64_t mask = (UINT64_C(1) << q->log2) - 1u;

    q->error_at = q->fetched;
    q->repeats = first ? 0 : q->repeats + 1u;
    if (first)
        note_descriptor(hw, code);
    if (q->fetched == q->told || q->repeats >= REPEATS || code == VTD_IQEI_WIDTH ||
        code == VTD_IQEI_TTM) {
        q->dead = true;
        return;
    }
    if (!tail && code != VTD_IQEI_FETCH) {
        uiommu_tickets_fail(&q->tickets, q->fetched, q->head);
        overwrite(hw);
    }
    uiommu_vtd_write(hw, VTD_FSTS, VTD_FSTS_IQE);
    uiommu_vtd_write64(hw, VTD_IQT, (q->told & mask) << VTD_SLOT_LOG2);
}

/* The record holds what was captured when each bit was set: read before they are cleared. */
void uiommu_vtd_errors(struct uiommu_vtd *hw, uint32_t fsts)
{
    uint64_t record = uiommu_vtd_read64(hw, VTD_IQERCD);

    if ((fsts & VTD_FSTS_ITE) != 0) {
        note_timeout(hw, record);
        abort_waits(hw);
    }
    if ((fsts & VTD_FSTS_IQE) != 0)
        queue_error(hw, (uint32_t)uiommu_bits_get(record, VTD_IQERCD_IQEI));
    if ((fsts & VTD_FSTS_ITE) != 0)
        uiommu_vtd_write(hw, VTD_FSTS, VTD_FSTS_ITE);
    uiommu_vtd_scan(hw); /* Failed tickets are resolved ones. */
}

/* An answer nobody waits for: of a device that was given up before, or a confused one. */
static void completion_error(struct uiommu_vtd *hw)
{
    uint64_t record = uiommu_vtd_read64(hw, VTD_IQERCD);
    struct uiommu_event event;

    uiommu_event_init(&event, UIOMMU_EVENT_UNIT_ERROR);
    event.raw[0] = VTD_FSTS_ICE;
    event.raw[1] = record;
    event.hw_code = VTD_FSTS_ICE;
    if (record != 0)
        event.id = (uint32_t)uiommu_bits_get(record, VTD_IQERCD_ICESID);
    uiommu_notes_add(&hw->notes, &event);
    uiommu_vtd_write(hw, VTD_FSTS, VTD_FSTS_ICE);
}

void uiommu_vtd_check(void *ctx, struct uiommu_check *out)
{
    struct uiommu_vtd *hw = ctx;
    uint32_t fsts;

    out->flags = 0;
    if (hw->iq.open) {
        fsts = uiommu_vtd_read(hw, VTD_FSTS);
        if (fsts == UINT32_MAX) {
            if (!hw->gone)
                uiommu_notes_unit(&hw->notes, UIOMMU_EVENT_UNIT_ERROR, fsts);
            hw->gone = true;
            hw->iq.dead = true;
        } else {
            if ((fsts & (VTD_FSTS_IQE | VTD_FSTS_ITE)) != 0)
                uiommu_vtd_look(hw);
            uiommu_vtd_scan(hw); /* More may be shown to hardware by now. */
            if ((fsts & VTD_FSTS_ICE) != 0)
                completion_error(hw);
        }
        if (hw->prq.note_bad_index || hw->note_bad_record)
            uiommu_notes_unit(&hw->notes, UIOMMU_EVENT_QUEUE_ERROR, 0);
        hw->prq.note_bad_index = false;
        hw->note_bad_record = false;
    }
    hw->seen_dead = hw->iq.dead;
    if (hw->iq.dead)
        out->flags |= UIOMMU_CHECK_DEAD;
    else if (hw->iq.open && hw->iq.told != hw->iq.head)
        out->flags |= UIOMMU_CHECK_MORE; /* It is shown by whoever looks next. */
    uiommu_notes_take(&hw->notes, out);
}
