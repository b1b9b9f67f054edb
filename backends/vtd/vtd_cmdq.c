/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The invalidation queue: pushing, telling hardware, completion (sheet 6, 8.2, 8.3).
 *
 * IQH says what was fetched, not what is done. A ticket is the position behind a wait descriptor
 * with a status word of its own, and all of those are fences: a wait proves only what follows the
 * wait before, so without the fence a younger one could complete first.
 *
 * Where a device does not answer, hardware aborts every wait that it has fetched, and what else it
 * has fetched behind that device's invalidation may never be executed (8.4). So nothing is shown
 * to it behind a ticket that covers device-TLB invalidations until their fate is known: only that
 * ticket fails, nobody else pays, and no page group response is lost. After a time-out others of
 * its invalidations may still be out: until a later ticket is done every ticket is such a one, and
 * no response is put.
 */
#include "vtd_internal.h"

static uint32_t entries(const struct vtd_queue *q)
{
    return UINT32_C(1) << q->log2;
}

static uint32_t slot_of(const struct vtd_queue *q, uint64_t position)
{
    return (uint32_t)position & (entries(q) - 1u);
}

volatile uint64_t *uiommu_vtd_slot(const struct uiommu_vtd *hw, uint64_t position)
{
    return (volatile uint64_t *)hw->iq.mem.cpu + (size_t)slot_of(&hw->iq, position) * 4u;
}

static volatile uint32_t *status_of(const struct vtd_queue *q, uint64_t position)
{
    return (volatile uint32_t *)q->status.cpu + slot_of(q, position);
}

/*
 * Nothing behind it starts before everything in front of it is done. Emulators refuse a wait that
 * neither writes nor interrupts (sheet 8.1): it writes the word behind the status words, which
 * nobody reads.
 */
struct vtd_descriptor uiommu_vtd_fence(const struct uiommu_vtd *hw)
{
    return uiommu_vtd_wait(hw->iq.status.bus + (UINT64_C(4) << hw->iq.log2), 0, true, false);
}

/* Is it a ticket that hardware must not see anything behind? One that covers device-TLB
 * invalidations, and after a time-out each. */
static bool is_gate(const struct vtd_queue *q, uint64_t position)
{
    uint32_t slot = slot_of(q, position);

    return uiommu_tickets_at(&q->tickets, position) &&
           (q->suspect || ((q->heavy[slot >> 5] >> (slot & 31u)) & 1u) != 0);
}

/* A ticket is put: does it cover device-TLB invalidations? */
static void weigh(struct vtd_queue *q, uint32_t slot)
{
    uint32_t bit = UINT32_C(1) << (slot & 31u);

    q->heavy[slot >> 5] &= ~bit;
    if (q->devices)
        q->heavy[slot >> 5] |= bit;
    q->gates = q->gates || q->devices;
    q->devices = false;
}

/* One slot stays free: equal offsets mean empty. A slot is used again once it was fetched, and
 * not before the tickets in front of it are resolved: their status words are told by slot. */
static uint32_t room(const struct vtd_queue *q)
{
    uint64_t freed = q->fetched < q->resolved ? q->fetched : q->resolved;

    return entries(q) - 1u - (uint32_t)(q->head - freed);
}

/* Without an offset that can be, nothing can be believed. */
static void read_head(struct uiommu_vtd *hw)
{
    struct vtd_queue *q = &hw->iq;
    uint64_t offset = uiommu_vtd_read64(hw, VTD_IQH);
    uint32_t n;

    if ((offset & ~((uint64_t)(entries(q) - 1u) << VTD_SLOT_LOG2)) != 0) {
        q->dead = true;
        return;
    }
    n = slot_of(q, (offset >> VTD_SLOT_LOG2) - q->fetched);
    if (n > q->told - q->fetched)
        q->dead = true;
    else
        q->fetched += n;
}

/* Which tickets are done. Stops at the first that is not. */
void uiommu_vtd_scan(struct uiommu_vtd *hw)
{
    struct vtd_queue *q = &hw->iq;
    uint64_t p = q->resolved;
    bool failed;

    for (; p < q->head; p++) {
        if (!uiommu_tickets_at(&q->tickets, p))
            continue;
        failed = uiommu_failed_has(&q->tickets.failed, p + 1u);
        if (uiommu_bits_swap32(*status_of(q, p)) != (uint32_t)(p + 1u) && !failed)
            break;
        q->suspect = q->suspect && (failed || p < q->proof);
        q->segment = p + 1u;
    }
    uiommu_fence_dma_load(); /* What the words say is done is looked at after it. */
    q->resolved = p;
    if (q->on && q->gate != 0)
        uiommu_vtd_tell(hw);
}

/*
 * Where the queue is now; an error that stops it is handled. A time-out aborts the waits that
 * have not completed: what did complete before must be seen first, and reading ICS pushes the
 * status writes (5.3).
 */
void uiommu_vtd_look(struct uiommu_vtd *hw)
{
    const uint32_t stops = VTD_FSTS_IQE | VTD_FSTS_ITE;
    uint32_t fsts;

    if (hw->iq.dead || !hw->iq.on)
        return;
    fsts = uiommu_vtd_read(hw, VTD_FSTS);
    if (fsts == UINT32_MAX) {
        hw->iq.dead = true;
        return;
    }
    if ((fsts & stops) != 0)
        (void)uiommu_vtd_read(hw, VTD_ICS);
    read_head(hw);
    uiommu_vtd_scan(hw);
    if ((fsts & stops) != 0 && !hw->iq.dead)
        uiommu_vtd_errors(hw, fsts);
}

/* Room for so many descriptors and one wait more: the ticket that closes a wave always fits. */
bool uiommu_vtd_room(struct uiommu_vtd *hw, uint32_t descriptors)
{
    if (room(&hw->iq) > descriptors)
        return true;
    uiommu_vtd_look(hw);
    if (room(&hw->iq) > descriptors)
        return true;
    uiommu_vtd_tell(hw); /* Else what fills it might never be fetched. */
    return false;
}

static void put(struct uiommu_vtd *hw, const struct vtd_descriptor *descriptor, bool ticket)
{
    struct vtd_queue *q = &hw->iq;
    volatile uint64_t *words = uiommu_vtd_slot(hw, q->head);
    uint32_t type = (uint32_t)uiommu_bits_get(descriptor->q[0], VTD_D_TYPE);

    uiommu_bits_store64(&words[0], descriptor->q[0]);
    uiommu_bits_store64(&words[1], descriptor->q[1]);
    uiommu_bits_store64(&words[2], descriptor->q[2]);
    uiommu_bits_store64(&words[3], descriptor->q[3]);
    if (type == VTD_TYPE_DEVTLB || type == VTD_TYPE_PDEVTLB)
        q->devices = true;
    uiommu_tickets_put(&q->tickets, q->head, ticket);
    if (ticket)
        weigh(q, slot_of(q, q->head));
    q->head++;
}

/* Only after _room(). */
void uiommu_vtd_put(struct uiommu_vtd *hw, struct vtd_descriptor descriptor)
{
    put(hw, &descriptor, false);
}

/* Is what is put now kept from hardware? */
bool uiommu_vtd_gated(const struct uiommu_vtd *hw)
{
    return hw->iq.gate > hw->iq.resolved;
}

/* Up to and including the next ticket that covers a device TLB. */
void uiommu_vtd_tell(struct uiommu_vtd *hw)
{
    struct vtd_queue *q = &hw->iq;
    uint64_t p = q->told;

    if (q->told == q->head || uiommu_vtd_gated(hw))
        return;
    q->gate = 0;
    if (!q->gates && !q->suspect)
        p = q->head;
    while (p < q->head && q->gate == 0) {
        if (is_gate(q, p))
            q->gate = p + 1u;
        p++;
    }
    q->gates = p != q->head;
    q->told = p;
    uiommu_vtd_write64(hw, VTD_IQT, (uint64_t)slot_of(q, p) << VTD_SLOT_LOG2);
}

/* A ticket, also while the ops may not push. PD is reserved where there is no drain. */
uiommu_err uiommu_vtd_sync(struct uiommu_vtd *hw, bool drain, uint64_t *out)
{
    struct vtd_queue *q = &hw->iq;
    uint64_t bus = q->status.bus + (uint64_t)slot_of(q, q->head) * sizeof(uint32_t);
    uint32_t data = (uint32_t)(q->head + 1u);
    struct vtd_descriptor wait;

    if (room(q) == 0)
        uiommu_vtd_look(hw);
    if (room(q) == 0)
        return UIOMMU_E_BUSY; /* What fills it was told with the ticket that took the last slot. */
    *status_of(q, q->head) = uiommu_bits_swap32(~data);
    wait = uiommu_vtd_wait(bus, data, true, drain && hw->f.drain);
    put(hw, &wait, true);
    *out = q->head;
    uiommu_vtd_tell(hw);
    return UIOMMU_OK;
}

/*
 * Fail what is under way and begin with an empty queue at offset 0. Hardware has the queue
 * disabled, or is about to. Positions only grow, so that old tickets stay distinct.
 */
void uiommu_vtd_drop(struct uiommu_vtd *hw)
{
    struct vtd_queue *q = &hw->iq;
    uint64_t mask = entries(q) - 1u;

    uiommu_tickets_drop(&q->tickets, q->resolved, q->head);
    q->head = (q->head + mask) & ~mask;
    q->told = q->head;
    q->fetched = q->head;
    q->resolved = q->head;
    q->segment = q->head;
    q->error_at = UINT64_MAX;
    q->devices = false;
    q->suspect = false;
    q->gate = 0;
    q->gates = false;
    q->dead = false;
}

/* May ops push now? */
uiommu_err uiommu_vtd_ready(const struct uiommu_vtd *hw)
{
    return hw->iq.dead || !hw->iq.open ? UIOMMU_E_HW : UIOMMU_OK;
}

uiommu_err uiommu_vtd_ticket(void *ctx, uint64_t *out)
{
    struct uiommu_vtd *hw = ctx;
    uiommu_err err = uiommu_vtd_ready(hw);

    return err != UIOMMU_OK ? err : uiommu_vtd_sync(hw, false, out);
}

uiommu_err uiommu_vtd_ticket_poll(void *ctx, uint64_t ticket)
{
    struct uiommu_vtd *hw = ctx;
    struct vtd_queue *q = &hw->iq;

    if (ticket == 0 || ticket > q->head)
        return UIOMMU_E_INVALID;
    uiommu_vtd_scan(hw);
    if (q->resolved < ticket && !uiommu_failed_has(&q->tickets.failed, ticket))
        uiommu_vtd_look(hw);
    if (uiommu_failed_has(&q->tickets.failed, ticket))
        return UIOMMU_E_HW;
    if (q->resolved >= ticket)
        return UIOMMU_OK;
    return q->dead ? UIOMMU_E_HW : UIOMMU_PENDING;
}
