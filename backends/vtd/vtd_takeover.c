/* SPDX-License-Identifier: BSD-2-Clause */
/* What a unit is found doing, its invalidation queue on and off, its messages (sheet 4, 5.3, 8.2).
 */
#include "vtd_internal.h"

void uiommu_vtd_events_off(struct uiommu_vtd *hw)
{
    static const uint16_t controls[] = {VTD_FECTL, VTD_IECTL, VTD_PECTL};
    uint32_t i, most = hw->f.pri ? 3u : 2u;

    for (i = 0; i < most; i++) {
        uiommu_vtd_write(hw, controls[i], uiommu_vtd_read(hw, controls[i]) | VTD_EVENT_IM);
        (void)uiommu_vtd_read(hw, controls[i]); /* Nothing is sent after this. */
    }
}

static void event_on(const struct uiommu_vtd *hw, uint32_t control,
                     const struct uiommu_vtd_msi *msi)
{
    if (msi->address == 0)
        return;
    uiommu_vtd_write(hw, control + VTD_MSIDATA, msi->data);
    uiommu_vtd_write(hw, control + VTD_MSIADDR, (uint32_t)msi->address);
    uiommu_vtd_write(hw, control + VTD_MSIHIGH, (uint32_t)(msi->address >> 32));
    uiommu_vtd_write(hw, control, uiommu_vtd_read(hw, control) & ~VTD_EVENT_IM);
    (void)uiommu_vtd_read(hw, control);
}

/* Completion messages stay masked: no wait asks for one. */
void uiommu_vtd_events_on(struct uiommu_vtd *hw)
{
    if (hw->config.poll)
        return;
    event_on(hw, VTD_FECTL, &hw->config.fault);
    if (hw->f.pri)
        event_on(hw, VTD_PECTL, &hw->config.requests);
}

/* Close what was put with a wait, and poll. Others are kept away by iq.open, check() too. */
static uiommu_err finish(struct uiommu_vtd *hw)
{
    struct uiommu_wait wait = uiommu_wait_begin(hw->host, uiommu_vtd_timeout_ns(hw));
    uiommu_err err = UIOMMU_PENDING;
    uint64_t ticket = 0;
    uintptr_t state;
    bool more = true;

    for (;;) {
        state = uiommu_unit_lock(hw->unit);
        if (ticket == 0 && uiommu_vtd_sync(hw, false, &ticket) != UIOMMU_OK)
            ticket = 0; /* No room yet. */
        if (ticket != 0)
            err = uiommu_vtd_ticket_poll(hw, ticket);
        uiommu_unit_unlock(hw->unit, state);
        if (err != UIOMMU_PENDING)
            return err;
        if (!more)
            return UIOMMU_E_TIMEOUT;
        more = uiommu_wait_more(&wait);
    }
}

/* Those of FSTS that are RW1C: without device TLBs two are reserved (5.1). */
uint32_t uiommu_vtd_error_bits(const struct uiommu_vtd *hw)
{
    return VTD_FSTS_IQE | (hw->f.ats ? VTD_FSTS_ICE | VTD_FSTS_ITE : 0u);
}

/* A previous owner's queue: empty is all that can be seen. */
static void others_finish(struct uiommu_vtd *hw)
{
    struct uiommu_wait wait = uiommu_wait_begin(hw->host, uiommu_vtd_timeout_ns(hw));
    bool more = true;
    uint32_t fsts;

    while (more && uiommu_vtd_read64(hw, VTD_IQH) != uiommu_vtd_read64(hw, VTD_IQT)) {
        fsts = uiommu_vtd_read(hw, VTD_FSTS);
        if ((fsts & VTD_FSTS_IQE) != 0)
            break;
        if ((fsts & uiommu_vtd_error_bits(hw) & VTD_FSTS_ITE) != 0)
            uiommu_vtd_write(hw, VTD_FSTS, VTD_FSTS_ITE);
        more = uiommu_wait_more(&wait);
    }
}

static uint64_t base_of(const struct uiommu_vtd *hw)
{
    return hw->iq.mem.bus | uiommu_bits_make(VTD_IQA_DW, 1) | (hw->iq.log2 - VTD_PAGE_SLOT_LOG2);
}

/* on: hardware fetches from it. */
static void set_on(struct uiommu_vtd *hw, bool on)
{
    uintptr_t state = uiommu_unit_lock(hw->unit);

    hw->iq.on = on;
    uiommu_unit_unlock(hw->unit, state);
}

/* Is it our queue that the unit has on? */
static bool is_ours(struct uiommu_vtd *hw)
{
    uintptr_t state = uiommu_unit_lock(hw->unit);
    bool on = hw->iq.on;

    uiommu_unit_unlock(hw->unit, state);
    return on && uiommu_vtd_read64(hw, VTD_IQA) == base_of(hw);
}

static bool is_dead(struct uiommu_vtd *hw)
{
    uintptr_t state = uiommu_unit_lock(hw->unit);
    bool dead = hw->iq.dead;

    uiommu_unit_unlock(hw->unit, state);
    return dead;
}

/* Devices that do not answer abort a wait each, and are waited for that often. */
#define ABORTS 8u

static uint64_t resolved(struct uiommu_vtd *hw)
{
    uintptr_t state = uiommu_unit_lock(hw->unit);
    uint64_t at = hw->iq.resolved;

    uiommu_unit_unlock(hw->unit, state);
    return at;
}

/* Is another wait worth while? A device that does not answer ended it, which may be told just when
 * it was given up; or the queue gets on, if slowly. */
static bool goes_on(struct uiommu_vtd *hw, uiommu_err err, uint64_t before)
{
    return err == UIOMMU_E_HW ||
           (err == UIOMMU_E_TIMEOUT &&
            (resolved(hw) != before ||
             (uiommu_vtd_read(hw, VTD_FSTS) & uiommu_vtd_error_bits(hw) & VTD_FSTS_ITE) != 0));
}

/*
 * A wait last, as far as it gets (8.2): it may hang, which is why it is made anew. A wait that a
 * time-out aborted says nothing, but a later one does. From then on nobody looks at the queue,
 * whose head goes back to 0. If it does not go off its memory is hardware's, and so are what it
 * holds and the tail: the same queue is not used again before it is seen off.
 */
uiommu_err uiommu_vtd_queue_off(struct uiommu_vtd *hw)
{
    uiommu_err err = uiommu_vtd_settled(hw);
    uint32_t status = uiommu_vtd_read(hw, VTD_GSTS), i;
    bool on = status != UINT32_MAX && (status & VTD_GCMD_QIE) != 0;
    bool more = on && err == UIOMMU_OK && is_ours(hw);
    uint64_t before;

    if (on && err == UIOMMU_OK && !more)
        others_finish(hw);
    for (i = 0; more && !is_dead(hw) && i < ABORTS; i++) {
        before = resolved(hw);
        more = goes_on(hw, finish(hw), before);
    }
    set_on(hw, false);
    if (on && err == UIOMMU_OK)
        err = uiommu_vtd_command(hw, VTD_GCMD_QIE, false);
    if (status == UINT32_MAX)
        err = UIOMMU_OK;
    hw->held = err != UIOMMU_OK;
    return err;
}

/* Errors of before are sticky, and would keep the queue from being fetched. The size counts
 * pages of 2^7 descriptors of 256 bits. */
uiommu_err uiommu_vtd_queue_on(struct uiommu_vtd *hw)
{
    uintptr_t state = uiommu_unit_lock(hw->unit);
    uiommu_err err;

    uiommu_vtd_drop(hw);
    uiommu_unit_unlock(hw->unit, state);
    uiommu_vtd_write(hw, VTD_FSTS, uiommu_vtd_error_bits(hw));
    uiommu_vtd_write64(hw, VTD_IQT, 0);
    uiommu_vtd_write64(hw, VTD_IQA, base_of(hw));
    err = uiommu_vtd_command(hw, VTD_GCMD_QIE, true);
    set_on(hw, err == UIOMMU_OK);
    return err;
}

/* Context cache, PASID cache, IOTLB: in this order, or stale entries would refill the later ones
 * (9). Hardware keeps the order itself (8.3). */
uiommu_err uiommu_vtd_flush_all(struct uiommu_vtd *hw)
{
    uintptr_t state = uiommu_unit_lock(hw->unit);
    uiommu_err err = UIOMMU_OK;

    if (hw->iq.dead)
        err = UIOMMU_E_HW;
    else if (!uiommu_vtd_room(hw, 3))
        err = UIOMMU_E_TIMEOUT;
    if (err == UIOMMU_OK) {
        uiommu_vtd_put(hw, uiommu_vtd_context_global());
        uiommu_vtd_put(hw, uiommu_vtd_pasid_global());
        uiommu_vtd_put(hw, uiommu_vtd_iotlb_global());
    }
    uiommu_unit_unlock(hw->unit, state);
    return err == UIOMMU_OK ? finish(hw) : err;
}

/*
 * A unit that translates goes on translating: between the old root table and ours every access
 * meets one of the two. From legacy mode that works only where the mode may change under way.
 */
uiommu_err uiommu_vtd_takeover(struct uiommu_vtd *hw)
{
    uint32_t status = uiommu_vtd_read(hw, VTD_GSTS);
    uint64_t mode = uiommu_bits_get(uiommu_vtd_read64(hw, VTD_RTADDR), VTD_RTADDR_TTM);
    uiommu_err err;

    if (status == UINT32_MAX)
        return UIOMMU_E_HW;
    if ((status & VTD_GCMD_TE) != 0 && !hw->f.esrtps && mode != VTD_TTM_SCALABLE) {
        if ((hw->config.quirks & UIOMMU_VTD_QUIRK_TAKEOVER_WINDOW) == 0)
            return UIOMMU_E_UNSUPPORTED;
        err = uiommu_vtd_command(hw, VTD_GCMD_TE, false);
        if (err != UIOMMU_OK)
            return err;
    }
    hw->running = true;
    uiommu_vtd_events_off(hw);
    return uiommu_vtd_queue_off(hw);
}
