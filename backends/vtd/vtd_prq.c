/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The page request queue (sheet 11), and which ring is which.
 *
 * The order that loses no wake-up: PRS.PPR is cleared before the indices are read (irq_ack), PRO
 * is read before PQT, reading PQT waits for every accepted request, and PRO is cleared last, on an
 * empty queue (overflow_ack). While PRO is set hardware answers Success to what asks for an answer
 * and queues nothing.
 */
#include "vtd_internal.h"

static uint32_t mask_of(const struct vtd_prq *q)
{
    return (UINT32_C(1) << q->log2) - 1u;
}

/* Sign-extended from the widest table there is. */
static bool canonical(const struct uiommu_vtd *hw, uint64_t address)
{
    uint64_t high = address >> (hw->f.five ? 56 : 47);

    return high == 0 || high == UINT64_MAX >> (hw->f.five ? 56 : 47);
}

/* Read and write lie where UIOMMU_READ and _WRITE do, the other two as they are beside each other.
 */
static uint32_t access_of(const uint64_t entry[4], bool pasid)
{
    uint32_t flags = (uint32_t)(entry[1] & (UIOMMU_READ | UIOMMU_WRITE));

    if (pasid)
        flags |= (uint32_t)(entry[0] >> 50 & (UIOMMU_EXEC | UIOMMU_PRIV));
    return flags;
}

/* Not a request: something without a type, or an end without access and PASID, which no one knows
 * how to answer and is dropped (11.3). */
static enum vtd_entry not_request(const uint64_t entry[4], struct uiommu_event *event)
{
    uiommu_event_init(event, UIOMMU_EVENT_UNKNOWN);
    event->id = (uint32_t)uiommu_bits_get(entry[0], VTD_PRQ0_RID);
    event->hw_code = (uint32_t)uiommu_bits_get(entry[0], VTD_PRQ0_TYPE);
    memcpy(event->raw, entry, sizeof(event->raw));
    return VTD_ENTRY_EVENT;
}

/* A Stop Marker is known before anything else is looked at: the rest of it is undefined. The upper
 * half is reserved, and may be anything, unless the quirk says that it is private data. */
enum vtd_entry uiommu_vtd_prq_decode(const struct uiommu_vtd *hw, const uint64_t entry[4],
                                     struct uiommu_request *request, struct uiommu_event *event)
{
    bool pasid = uiommu_bits_get(entry[0], VTD_PRQ0_PP) != 0;
    bool last = uiommu_bits_get(entry[1], VTD_PRQ1_LPIG) != 0;
    uint32_t access = access_of(entry, pasid);

    if (uiommu_bits_get(entry[0], VTD_PRQ0_TYPE) != VTD_PRQ_REQUEST)
        return not_request(entry, event);
    *request = (struct uiommu_request){
        .id = (uint32_t)uiommu_bits_get(entry[0], VTD_PRQ0_RID),
        .pasid = pasid ? (uint32_t)uiommu_bits_get(entry[0], VTD_PRQ0_PASID) : UIOMMU_PASID_NONE,
        .flags = pasid ? UIOMMU_REQUEST_PASID : 0,
    };
    if (last && (access & (UIOMMU_READ | UIOMMU_WRITE)) == 0) {
        request->flags |= UIOMMU_REQUEST_MARKER;
        return pasid ? VTD_ENTRY_REQUEST : not_request(entry, event);
    }
    request->flags |= access | (last ? UIOMMU_REQUEST_LAST : 0u);
    request->index = (uint32_t)uiommu_bits_get(entry[1], VTD_PRQ1_PRGI);
    request->address = entry[1] & uiommu_bits_mask(VTD_PRQ1_ADDR);
    /* Without a PASID the tables may be second stages, whose addresses have no sign. */
    if ((pasid && !canonical(hw, request->address)) ||
        (access & (UIOMMU_EXEC | UIOMMU_READ)) == UIOMMU_EXEC)
        request->flags |= UIOMMU_REQUEST_MALFORMED;
    if ((hw->config.quirks & UIOMMU_VTD_QUIRK_PRIVATE_DATA) != 0 &&
        uiommu_bits_get(entry[0], VTD_PRQ0_PDP) != 0) {
        request->cookie[0] = entry[2];
        request->cookie[1] = entry[3];
    }
    return VTD_ENTRY_REQUEST;
}

static void publish(const struct uiommu_vtd *hw)
{
    uiommu_vtd_write64(hw, VTD_PQH, (uint64_t)hw->prq.cons << VTD_SLOT_LOG2);
}

void uiommu_vtd_prq_off(struct uiommu_vtd *hw)
{
    uiommu_vtd_write64(hw, VTD_PQA, 0);
    uiommu_vtd_write64(hw, VTD_PQH, 0);
    uiommu_vtd_write64(hw, VTD_PQT, 0);
}

/* Entries between the indices. With an index that cannot be nobody knows, and that is an overflow:
 * until a good one is read all of the ring counts as waiting, so that nobody takes it for empty. */
static uint32_t used(struct uiommu_vtd *hw)
{
    struct vtd_prq *q = &hw->prq;
    uint64_t tail = uiommu_vtd_read64(hw, VTD_PQT);

    q->bad_index = (tail & ~((uint64_t)mask_of(q) << VTD_SLOT_LOG2)) != 0;
    if (q->bad_index) {
        q->note_bad_index = q->note_bad_index || !q->lost;
        q->lost = true;
        return mask_of(q);
    }
    return ((uint32_t)(tail >> VTD_SLOT_LOG2) - q->cons) & mask_of(q);
}

/*
 * Set up, and empty. While translation is on and the queue is ours already, entries of our tables
 * may allow page requests, and it must not be moved (11.6): what is in it goes. The core's
 * position counts entries: those thrown away are counted by the next fetch, at least one, so that
 * whoever waits for a position gets there and the loss is seen.
 */
void uiommu_vtd_prq_on(struct uiommu_vtd *hw)
{
    struct vtd_prq *q = &hw->prq;
    uint64_t base = q->mem.bus | (q->log2 - VTD_PAGE_SLOT_LOG2);
    uint32_t n = 0;

    if ((uiommu_vtd_read(hw, VTD_GSTS) & VTD_GCMD_TE) != 0 &&
        uiommu_vtd_read64(hw, VTD_PQA) == base) {
        n = used(hw);
        if (!q->bad_index)
            q->cons = (q->cons + n) & mask_of(q);
        publish(hw);
    } else {
        q->cons = 0;
        uiommu_vtd_write64(hw, VTD_PQH, 0);
        uiommu_vtd_write64(hw, VTD_PQT, 0);
        uiommu_vtd_write64(hw, VTD_PQA, base);
        uiommu_vtd_write(hw, VTD_PRS, VTD_PRS_PPR | VTD_PRS_PRO);
    }
    q->overflow = false;
    if (!q->begun) {
        q->begun = true;
        return;
    }
    q->discarded += n != 0 ? n : 1u;
    q->lost = true;
}

/* Faults are told by their records; nothing to acknowledge there but with them. */
void uiommu_vtd_irq_ack(void *ctx)
{
    const struct uiommu_vtd *hw = ctx;

    if (hw->f.pri && hw->iq.open)
        uiommu_vtd_write(hw, VTD_PRS, VTD_PRS_PPR);
}

static bool is_prq(const struct uiommu_vtd *hw, uint32_t ring)
{
    return hw->f.pri && ring == 0;
}

static bool is_faults(const struct uiommu_vtd *hw, uint32_t ring)
{
    return ring == (hw->f.pri ? 1u : 0u);
}

/* An overflow that no fetch has told of counts as an entry: a position that was taken after it is
 * not reached before it was told (PROTOCOL R29). */
static uint32_t prq_waiting(struct uiommu_vtd *hw)
{
    uint32_t n = used(hw), status = uiommu_vtd_read(hw, VTD_PRS);
    bool news = status != UINT32_MAX && (status & VTD_PRS_PRO) != 0 && !hw->prq.overflow;

    return n == 0 && news ? 1u : n;
}

uint32_t uiommu_vtd_ring_pending(void *ctx, uint32_t ring)
{
    struct uiommu_vtd *hw = ctx;

    if (!hw->iq.open)
        return 0;
    if (is_prq(hw, ring))
        return hw->prq.discarded + prq_waiting(hw);
    return is_faults(hw, ring) ? uiommu_vtd_faults_pending(hw) : 0;
}

/* Copy the next entry out; false if there is no room for it. */
static bool take(struct uiommu_vtd *hw, struct uiommu_fetch *io)
{
    const volatile uint64_t *from =
        (const volatile uint64_t *)hw->prq.mem.cpu + (size_t)hw->prq.cons * 4u;
    const uint64_t entry[] = {uiommu_bits_load64(&from[0]), uiommu_bits_load64(&from[1]),
                              uiommu_bits_load64(&from[2]), uiommu_bits_load64(&from[3])};

    if (io->request_count == io->request_room || io->event_count == io->event_room)
        return false;
    if (uiommu_vtd_prq_decode(hw, entry, &io->requests[io->request_count],
                              &io->events[io->event_count]) == VTD_ENTRY_EVENT)
        io->event_count++;
    else
        io->requests[io->request_count++].at = io->entries;
    io->entries++;
    hw->prq.cons = (hw->prq.cons + 1u) & mask_of(&hw->prq);
    return true;
}

static void prq_fetch(struct uiommu_vtd *hw, struct uiommu_fetch *io)
{
    struct vtd_prq *q = &hw->prq;
    uint32_t status = uiommu_vtd_read(hw, VTD_PRS), n = used(hw), done = 0;

    io->entries = q->discarded;
    q->discarded = 0;
    while (!q->bad_index && done < n && take(hw, io))
        done++;
    if (done != 0)
        publish(hw);
    /* What came since PPR was cleared may have met it set again: look once more. */
    if ((!q->bad_index && done < n) || (done != 0 && used(hw) != 0))
        io->flags |= UIOMMU_FETCH_MORE;
    if (status != UINT32_MAX && (status & VTD_PRS_PRO) != 0)
        q->overflow = true;
    if (q->lost || q->overflow)
        io->flags |= UIOMMU_FETCH_OVERFLOW;
}

uiommu_err uiommu_vtd_fetch(void *ctx, uint32_t ring, struct uiommu_fetch *io)
{
    struct uiommu_vtd *hw = ctx;

    io->request_count = 0;
    io->event_count = 0;
    io->entries = 0;
    io->flags = 0;
    if (!is_prq(hw, ring) && !is_faults(hw, ring))
        return UIOMMU_E_INVALID;
    if (!hw->iq.open)
        return UIOMMU_OK;
    if (is_prq(hw, ring))
        prq_fetch(hw, io);
    else
        uiommu_vtd_faults_fetch(hw, io);
    return UIOMMU_OK;
}

/* Only an overflow that fetch() saw: after it nothing was queued, so the queue is still empty. PPR
 * may have been set since irq_ack() by what came just before it, without a message since PRO was
 * set: left standing it would hold back every later one. */
void uiommu_vtd_overflow_ack(void *ctx, uint32_t ring)
{
    struct uiommu_vtd *hw = ctx;

    if (!is_prq(hw, ring))
        return;
    hw->prq.lost = false;
    if (!hw->iq.open || !hw->prq.overflow)
        return;
    hw->prq.overflow = false;
    uiommu_vtd_write(hw, VTD_PRS, VTD_PRS_PPR | VTD_PRS_PRO);
}
