/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Errors: of the command queue (IHI 0070 7.1), of the output queues (PRI and event queue aborts),
 * of the unit (6.3.17 GERROR). An error is active while its bits in GERROR and GERRORN differ; only
 * an active one may be acknowledged.
 */
#include "smmuv3_internal.h"

#include <uiommu/ring.h>

/* Acknowledges of one command before the queue counts as dead. */
#define REPEATS 8u

static bool has_sid(uint64_t op)
{
    return (op >= SMMUV3_OP_CFGI_STE && op <= SMMUV3_OP_CFGI_CD_ALL) || op == SMMUV3_OP_ATC_INV ||
           op == SMMUV3_OP_PRI_RESP || op == SMMUV3_OP_RESUME || op == SMMUV3_OP_STALL_TERM;
}

static void note_command(struct uiommu_smmuv3 *hw, uint64_t position, uint32_t error)
{
    const volatile uint64_t *words = uiommu_smmuv3_cmdq_at(&hw->cmdq, position);
    struct uiommu_event event;

    uiommu_event_init(&event, UIOMMU_EVENT_COMMAND_ERROR);
    event.raw[0] = uiommu_bits_load64(&words[0]);
    event.hw_code = error;
    event.raw[1] = uiommu_bits_load64(&words[1]);
    if (has_sid(uiommu_bits_get(event.raw[0], SMMUV3_CMD_OP)))
        event.id = (uint32_t)uiommu_bits_get(event.raw[0], SMMUV3_CMD_SID);
    uiommu_notes_add(&hw->notes, &event);
}

/* Which device did not answer is known only if all CMD_ATC_INV since the CMD_SYNC before were
 * of one ID. Slots that are no longer theirs have been used again. */
static void note_timeout(struct uiommu_smmuv3 *hw, uint64_t position)
{
    const struct smmuv3_cmdq *q = &hw->cmdq;
    uint64_t left = (UINT64_C(1) << q->log2) - (q->head - position);
    struct uiommu_event event;
    uint64_t d0, op;

    uiommu_event_init(&event, UIOMMU_EVENT_INVALIDATION_TIMEOUT);
    event.hw_code = SMMUV3_CERROR_ATC;
    for (; left > 0; left--) {
        d0 = uiommu_bits_load64(uiommu_smmuv3_cmdq_at(q, --position));
        op = uiommu_bits_get(d0, SMMUV3_CMD_OP);
        if (op == SMMUV3_OP_SYNC)
            break;
        if (op != SMMUV3_OP_ATC_INV)
            continue;
        if (event.id != UINT32_MAX && event.id != uiommu_bits_get(d0, SMMUV3_CMD_SID)) {
            event.id = UINT32_MAX;
            break;
        }
        event.id = (uint32_t)uiommu_bits_get(d0, SMMUV3_CMD_SID);
    }
    uiommu_notes_add(&hw->notes, &event);
}

static void acknowledge(struct uiommu_smmuv3 *hw, uint32_t bits)
{
    hw->gerrorn ^= bits;
    uiommu_smmuv3_write(hw, SMMUV3_GERRORN, hw->gerrorn);
}

/*
 * CMDQ_ERR is active and the index was read after that: it names the command. Older commands are
 * consumed; younger ones had no effect and are fetched again after the acknowledge.
 * - ILL: the command had no effect, so its ticket proves nothing.
 * - ATC_INV_SYNC: what the CMD_SYNC should have completed is unproved for ever; the same CMD_SYNC
 *   is executed again and its success says nothing about that. It may time out often: that is the
 *   device's doing and no reason to give the unit up.
 * - ABT and what is unknown: tried again a bounded number of times.
 */
void uiommu_smmuv3_cmdq_error(struct uiommu_smmuv3 *hw)
{
    struct smmuv3_cmdq *q = &hw->cmdq;
    uint32_t error;
    bool first;

    error = (uint32_t)uiommu_bits_get(uiommu_smmuv3_read(hw, SMMUV3_CMDQ_CONS), SMMUV3_CONS_ERR);
    first = q->error_at != q->done;
    q->error_at = q->done;
    q->repeats = first ? 0 : q->repeats + 1u;
    if (q->done == q->told || (q->repeats >= REPEATS && error != SMMUV3_CERROR_ATC)) {
        q->dead = true;
        return;
    }
    if (first) {
        if (error == SMMUV3_CERROR_ATC)
            note_timeout(hw, q->done);
        else
            note_command(hw, q->done, error);
    }
    if (error == SMMUV3_CERROR_ILL) /* It becomes what is legal everywhere and has no effect. */
        uiommu_smmuv3_cmdq_store(hw, q->done, uiommu_smmuv3_cmd_sync());
    if (error == SMMUV3_CERROR_ILL || error == SMMUV3_CERROR_ATC)
        uiommu_tickets_fail(&q->tickets, q->done, q->head);
    acknowledge(hw, SMMUV3_GERROR_CMDQ);
}

static void switch_on(struct uiommu_smmuv3 *hw, struct smmuv3_queue *q, uint32_t active)
{
    uiommu_smmuv3_queue_remake(hw, q);
    acknowledge(hw, active & q->abort);
    q->recovery = SMMUV3_ENABLING;
    q->deadline_ns = hw->host->now_ns(hw->host->ctx) + uiommu_smmuv3_timeout_ns(hw);
    hw->cr0 |= q->enable;
    uiommu_smmuv3_write(hw, SMMUV3_CR0, hw->cr0);
}

/*
 * A step of the recovery of an output queue: off, read (events) or given up (requests), empty,
 * acknowledged, on. CR0 changes in a bit only when its last change was acknowledged.
 */
static void queue_recover(struct uiommu_smmuv3 *hw, struct smmuv3_queue *q, uint32_t active)
{
    bool on = (uiommu_smmuv3_read(hw, SMMUV3_CR0ACK) & q->enable) != 0;
    uint64_t now = hw->host->now_ns(hw->host->ctx);

    if (q->recovery == SMMUV3_RUNNING && (active & q->abort) != 0) {
        uiommu_notes_unit(&hw->notes, UIOMMU_EVENT_QUEUE_ERROR, q->ring);
        q->recovery = SMMUV3_DISABLING;
        q->deadline_ns = now + uiommu_smmuv3_timeout_ns(hw);
        hw->cr0 &= ~q->enable;
        uiommu_smmuv3_write(hw, SMMUV3_CR0, hw->cr0);
    } else if (q->recovery == SMMUV3_DISABLING && !on && q == &hw->eventq) {
        uiommu_smmuv3_queue_freeze(hw, q);
    } else if (q->recovery == SMMUV3_DISABLING && !on) {
        uiommu_smmuv3_queue_discard(hw, q);
        switch_on(hw, q, active);
    } else if (q->recovery == SMMUV3_READING) { /* By fetch(), in its own time. */
        if (uiommu_smmuv3_queue_is_read(hw, q))
            switch_on(hw, q, active);
    } else if (q->recovery == SMMUV3_ENABLING && on) {
        q->recovery = SMMUV3_RUNNING;
    } else if (q->recovery != SMMUV3_RUNNING && now > q->deadline_ns) {
        hw->cmdq.dead = true;
    }
}

static void check_queue(struct uiommu_smmuv3 *hw, struct smmuv3_queue *q, uint32_t active,
                        struct uiommu_check *out)
{
    enum smmuv3_recovery before;

    if (!q->present)
        return;
    if (q->note_bad_index)
        uiommu_notes_unit(&hw->notes, UIOMMU_EVENT_QUEUE_ERROR, q->ring);
    q->note_bad_index = false;
    do { /* As far as the hardware follows at once. */
        before = q->recovery;
        queue_recover(hw, q, active);
        if (q->recovery == SMMUV3_ENABLING)
            active &= ~q->abort;
    } while (q->recovery != before);
    if (q->recovery != SMMUV3_RUNNING)
        out->flags |= UIOMMU_CHECK_MORE;
}

void uiommu_smmuv3_check(void *ctx, struct uiommu_check *out)
{
    struct uiommu_smmuv3 *hw = ctx;
    uint32_t active, rest;

    out->flags = 0;
    if (hw->cmdq.open) {
        active = (uiommu_smmuv3_read(hw, SMMUV3_GERROR) ^ hw->gerrorn) & SMMUV3_GERROR_ALL;
        if ((active & SMMUV3_GERROR_CMDQ) != 0)
            uiommu_smmuv3_cmdq_look(hw);
        check_queue(hw, &hw->priq, active, out);
        check_queue(hw, &hw->eventq, active, out);
        if ((active & SMMUV3_GERROR_SFM) != 0) {
            if (!hw->sfm)
                uiommu_notes_unit(&hw->notes, UIOMMU_EVENT_UNIT_ERROR, active);
            hw->sfm = true;
            hw->cmdq.dead = true;
        }
        /* Lost MSIs: the host polls by its deadline; nothing to mend. */
        rest = active & ~(SMMUV3_GERROR_CMDQ | SMMUV3_GERROR_PRIQ | SMMUV3_GERROR_EVENTQ |
                          SMMUV3_GERROR_SFM);
        if (rest != 0) {
            uiommu_notes_unit(&hw->notes, UIOMMU_EVENT_UNIT_ERROR, rest);
            acknowledge(hw, rest);
        }
    }
    if (hw->cmdq.dead)
        out->flags |= UIOMMU_CHECK_DEAD;
    uiommu_notes_take(&hw->notes, out);
}
