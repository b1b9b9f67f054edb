/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the PRI queue and the event queue share: indices, batches, overflow (IHI 0070 3.5, 7.4,
 * 8.2).
 *
 * Where a queue is made anew, entries vanish. The core's position of a ring counts entries, so
 * those that vanished are counted as consumed by the next fetch, at least one of them: whoever
 * waits for a position gets there, and somebody fetches and sees the flags.
 */
#include "smmuv3_internal.h"

#include <uiommu/ring.h>

/* Numbers, sizes and registers. The PRI queue, if any, is ring 0, as the memory says already. */
void uiommu_smmuv3_queues_init(struct uiommu_smmuv3 *hw)
{
    struct smmuv3_queue *p = &hw->priq, *e = &hw->eventq;

    p->present = hw->f.pri;
    p->log2 = hw->f.priq_log2;
    p->entry = SMMUV3_PRI_BYTES;
    p->base_reg = SMMUV3_PRIQ_BASE;
    p->prod_reg = hw->f.page1 + SMMUV3_PRIQ_PROD;
    p->cons_reg = hw->f.page1 + SMMUV3_PRIQ_CONS;
    p->enable = SMMUV3_CR0_PRIQEN;
    p->abort = SMMUV3_GERROR_PRIQ;
    e->present = true;
    e->log2 = hw->f.eventq_log2;
    e->entry = SMMUV3_EVENT_BYTES;
    e->base_reg = SMMUV3_EVENTQ_BASE;
    e->prod_reg = hw->f.page1 + SMMUV3_EVENTQ_PROD;
    e->cons_reg = hw->f.page1 + SMMUV3_EVENTQ_CONS;
    e->enable = SMMUV3_CR0_EVENTQEN;
    e->abort = SMMUV3_GERROR_EVENTQ;
    e->ring = hw->f.pri ? 1u : 0u;
}

struct smmuv3_queue *uiommu_smmuv3_queue_of(struct uiommu_smmuv3 *hw, uint32_t ring)
{
    if (ring == hw->eventq.ring)
        return &hw->eventq;
    return ring == hw->priq.ring ? &hw->priq : NULL; /* Without it, 0 is the other. */
}

static uint32_t capacity(const struct smmuv3_queue *q)
{
    return UINT32_C(1) << q->log2;
}

static uint32_t used(const struct smmuv3_queue *q, uint32_t prod)
{
    return uiommu_ring_used(prod & uiommu_ring_mask(q->log2), q->cons, q->log2);
}

static uint32_t prod_of(const struct uiommu_smmuv3 *hw, const struct smmuv3_queue *q)
{
    return q->recovery == SMMUV3_READING ? q->frozen : uiommu_smmuv3_read(hw, q->prod_reg);
}

/* What is in the queue, as far as it goes: with a nonsense index, no more than fits. */
static uint32_t held(const struct uiommu_smmuv3 *hw, const struct smmuv3_queue *q)
{
    uint32_t n = used(q, prod_of(hw, q));

    return n < capacity(q) ? n : capacity(q);
}

/* Only requests can be missed: of an event queue without stalls nothing but events went. */
static void set_lost(const struct uiommu_smmuv3 *hw, struct smmuv3_queue *q, uint32_t entries)
{
    q->discarded += entries != 0 ? entries : 1u;
    q->lost = q == &hw->priq || hw->f.stall_max != 0;
}

/* Nobody waits for what went with the queue. */
void uiommu_smmuv3_queue_forget(struct smmuv3_queue *q)
{
    q->discarded = 0;
    q->lost = false;
    q->failure_sent = false;
    q->note_bad_index = false;
}

/* What is in the queue goes: some of it may never have been written. While PRIQ_ABT was active
 * or the queue was off, hardware answered ResponseFailure by itself. */
void uiommu_smmuv3_queue_discard(struct uiommu_smmuv3 *hw, struct smmuv3_queue *q)
{
    set_lost(hw, q, held(hw, q));
    q->failure_sent = q == &hw->priq;
}

/*
 * The event queue after an abort, switched off: what was written before is still to be read, up to
 * where the index is now. A write that aborted late may have left anything in a slot (7.2), also a
 * record of the round before. For an event that is a wrong report behind a QUEUE_ERROR; a stall
 * would be handled and resumed in the wrong life, so those are lost.
 */
void uiommu_smmuv3_queue_freeze(struct uiommu_smmuv3 *hw, struct smmuv3_queue *q)
{
    q->frozen = uiommu_smmuv3_read(hw, q->prod_reg);
    q->recovery = SMMUV3_READING;
}

/* Is it? Then what could not be written counts as lost. */
bool uiommu_smmuv3_queue_is_read(const struct uiommu_smmuv3 *hw, struct smmuv3_queue *q)
{
    if (used(q, q->frozen) != 0)
        return false;
    set_lost(hw, q, 0);
    return true;
}

/* Empty, both indices and both overflow bits equal. Only while the queue is disabled. */
void uiommu_smmuv3_queue_remake(struct uiommu_smmuv3 *hw, struct smmuv3_queue *q)
{
    q->cons = 0;
    q->ovflg = 0;
    q->ovackflg = 0;
    q->recovery = SMMUV3_RUNNING;
    uiommu_smmuv3_write(hw, q->prod_reg, 0);
    uiommu_smmuv3_write(hw, q->cons_reg, 0);
}

uint32_t uiommu_smmuv3_ring_pending(void *ctx, uint32_t ring)
{
    struct uiommu_smmuv3 *hw = ctx;
    struct smmuv3_queue *q = uiommu_smmuv3_queue_of(hw, ring);

    return q != NULL && hw->cmdq.open ? q->discarded + held(hw, q) : 0;
}

/* Hardware may use the slots again. */
static void publish(const struct uiommu_smmuv3 *hw, const struct smmuv3_queue *q)
{
    uiommu_smmuv3_write(hw, q->cons_reg, q->cons | q->ovackflg);
}

/* The entry at the consumer index out of the PRI queue, which is never read after an abort; false
 * if there is no room for it. */
static bool take_request(const struct uiommu_smmuv3 *hw, uint32_t done, struct uiommu_fetch *io)
{
    const struct smmuv3_queue *q = &hw->priq;
    uint32_t slot = uiommu_ring_slot(q->cons + done, q->log2);
    const volatile uint64_t *from = (const volatile uint64_t *)q->mem.cpu + (size_t)slot * 2u;
    uint64_t words[2];

    if (io->request_count == io->request_room)
        return false;
    uiommu_smmuv3_from_device(hw, from, SMMUV3_PRI_BYTES);
    words[0] = uiommu_bits_load64(&from[0]);
    words[1] = uiommu_bits_load64(&from[1]);
    uiommu_smmuv3_prq_decode(words, &io->requests[io->request_count]);
    io->requests[io->request_count++].at = io->entries + done;
    return true;
}

/* The same of the event queue. */
static bool take_event(const struct uiommu_smmuv3 *hw, uint32_t done, struct uiommu_fetch *io)
{
    const struct smmuv3_queue *q = &hw->eventq;
    uint32_t slot = uiommu_ring_slot(q->cons + done, q->log2), i;
    const volatile uint64_t *from = (const volatile uint64_t *)q->mem.cpu + (size_t)slot * 4u;
    uint64_t words[4];

    uiommu_smmuv3_from_device(hw, from, SMMUV3_EVENT_BYTES);
    for (i = 0; i < 4; i++)
        words[i] = uiommu_bits_load64(&from[i]);
    if (!uiommu_smmuv3_event_stalls(words)) {
        if (io->event_count == io->event_room)
            return false;
        uiommu_smmuv3_event_decode(words, &io->events[io->event_count++]);
        return true;
    }
    if (q->recovery == SMMUV3_READING)
        return true; /* Lost: see queue_freeze. */
    if (io->request_count == io->request_room)
        return false;
    uiommu_smmuv3_event_request(words, &io->requests[io->request_count]);
    io->requests[io->request_count++].at = io->entries + done;
    return true;
}

/* Entries between the indices. With a nonsense index nobody knows: go on from there, empty. */
static uint32_t begin(struct uiommu_smmuv3 *hw, struct smmuv3_queue *q)
{
    uint32_t prod = prod_of(hw, q);
    uint32_t n = used(q, prod);

    q->ovflg = prod & SMMUV3_OVERFLOW;
    if (n <= capacity(q))
        return n;
    set_lost(hw, q, capacity(q));
    q->note_bad_index = true;
    q->cons = prod & uiommu_ring_mask(q->log2);
    publish(hw, q);
    return 0;
}

/* An overflow of the event queue lost events but no stalls and closes nothing: report it and
 * acknowledge it on the way (7.4). */
static bool events_lost(struct smmuv3_queue *q, struct uiommu_fetch *io)
{
    if (q->ovflg == q->ovackflg)
        return false;
    if (io->event_count == io->event_room) {
        io->flags |= UIOMMU_FETCH_MORE;
        return false;
    }
    uiommu_event_init(&io->events[io->event_count++], UIOMMU_EVENT_EVENTS_LOST);
    q->ovackflg = q->ovflg;
    return true;
}

uiommu_err uiommu_smmuv3_fetch(void *ctx, uint32_t ring, struct uiommu_fetch *io)
{
    struct uiommu_smmuv3 *hw = ctx;
    struct smmuv3_queue *q = uiommu_smmuv3_queue_of(hw, ring);
    uint32_t n, done = 0;
    bool tell = false;

    io->request_count = 0;
    io->event_count = 0;
    io->entries = 0;
    io->flags = 0;
    if (q == NULL)
        return UIOMMU_E_INVALID;
    if (!hw->cmdq.open || q->recovery == SMMUV3_DISABLING || q->recovery == SMMUV3_ENABLING)
        return UIOMMU_OK;
    n = begin(hw, q);
    io->entries = q->discarded;
    q->discarded = 0;
    while (done < n && (q == &hw->priq ? take_request(hw, done, io) : take_event(hw, done, io)))
        done++;
    if (q == &hw->eventq)
        tell = events_lost(q, io);
    q->cons = uiommu_ring_step(q->cons, done, q->log2);
    io->entries += done;
    if (done != 0 || tell)
        publish(hw, q);
    /* An entry that came before the index was written raises no interrupt of its own (3.3). */
    if (done != 0 && used(q, prod_of(hw, q)) != 0)
        io->flags |= UIOMMU_FETCH_MORE;
    if (q->lost || (q == &hw->priq && q->ovflg != q->ovackflg))
        io->flags |= UIOMMU_FETCH_OVERFLOW;
    if (q->failure_sent)
        io->flags |= UIOMMU_FETCH_FAILURE_SENT;
    q->failure_sent = false;
    return UIOMMU_OK;
}

/*
 * OVACKFLG becomes the OVFLG that fetch() saw, in one write with the index. Nothing was queued
 * since: the PRI queue takes nothing while an overflow is unacknowledged (8.2).
 */
void uiommu_smmuv3_overflow_ack(void *ctx, uint32_t ring)
{
    struct uiommu_smmuv3 *hw = ctx;
    struct smmuv3_queue *q = uiommu_smmuv3_queue_of(hw, ring);

    if (q == NULL)
        return;
    q->lost = false;
    if (!hw->cmdq.open || q->recovery != SMMUV3_RUNNING || q->ovflg == q->ovackflg)
        return;
    q->ovackflg = q->ovflg;
    publish(hw, q);
}
