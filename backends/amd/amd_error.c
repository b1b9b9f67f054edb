/* SPDX-License-Identifier: BSD-2-Clause */
/* What goes wrong: tickets that prove nothing, refused commands, sticky status bits. */
#include "amd_internal.h"

#include <uiommu/ring.h>

/* Refused commands without a ticket between before the buffer counts as dead. */
#define ERRORS 8u
/* Tries to clear interrupt bits that hardware sets again (errata 787, 1312). */
#define ACK_TRIES 16u
/* Reads of the status until a ring that was switched on runs. */
#define RUN_LOOKS 32u

/* Nobody knows which: all that is not done, the wave that has no ticket yet included. */
void uiommu_amd_fail_flying(struct uiommu_amd *hw)
{
    struct amd_cmdq *q = &hw->cmdq;

    if (q->head == q->done)
        return;
    uiommu_failed_add(&q->tickets.failed, q->done + 1u, q->head);
    if (!uiommu_tickets_at(&q->tickets, q->head - 1u))
        q->tickets.uncovered = true;
}

/* Lost events can hide that a device did not answer, and nothing else: a command that is refused
 * stops the buffer. */
void uiommu_amd_fail_unanswered(struct uiommu_amd *hw)
{
    struct amd_cmdq *q = &hw->cmdq;
    const volatile uint64_t *words = q->mem.cpu;
    bool asks = false;
    uint64_t at;
    size_t slot;

    for (at = q->done; at != q->head; at++) {
        slot = uiommu_ring_slot((uint32_t)at, q->log2);
        if (uiommu_bits_get(uiommu_bits_load64(&words[slot * AMD_COMMAND_WORDS]), AMD_CMD_OP) ==
            AMD_OP_INV_IOTLB) {
            asks = true;
        } else if (asks && uiommu_tickets_at(&q->tickets, at)) {
            uiommu_failed_add(&q->tickets.failed, at + 1u, at + 1u);
            asks = false;
        }
    }
    if (asks)
        q->tickets.uncovered = true;
}

/* The position in flight that lies at a bus address; false if there is none. */
static bool position_of(const struct amd_cmdq *q, uint64_t bus, uint64_t *out)
{
    uint64_t mask = (UINT64_C(1) << q->log2) - 1u, slot = (bus - q->mem.bus) / AMD_COMMAND_BYTES;

    if (slot > mask) /* What lies before the ring wraps to far behind it. */
        return false;
    *out = q->done + ((slot - q->done) & mask);
    return *out < q->head;
}

/* The first ticket behind a command covers it. */
void uiommu_amd_fail_command(struct uiommu_amd *hw, uint64_t bus)
{
    struct amd_cmdq *q = &hw->cmdq;
    uint64_t at;

    if (position_of(q, bus, &at))
        uiommu_tickets_fail(&q->tickets, at, q->head);
    else
        uiommu_amd_fail_flying(hw);
}

const volatile uint64_t *uiommu_amd_command_at(const struct uiommu_amd *hw, uint64_t bus)
{
    uint64_t at;

    if (!position_of(&hw->cmdq, bus, &at))
        return NULL;
    return (const volatile uint64_t *)hw->cmdq.mem.cpu +
           (size_t)uiommu_ring_slot((uint32_t)at, hw->cmdq.log2) * AMD_COMMAND_WORDS;
}

/* Run follows its enable bit, but maybe not at once: the next look must not take that for another
 * stop. Under the lock, so bounded; what has not come by then is another one. */
void uiommu_amd_await_run(const struct uiommu_amd *hw, uint32_t run_bit)
{
    uint32_t looks = RUN_LOOKS;

    while ((uiommu_amd_read(hw, AMD_STATUS) & run_bit) == 0 && --looks != 0)
        uiommu_pause();
}

/* Where hardware stands in the buffer; false: it cannot be there. */
static bool head_of(const struct uiommu_amd *hw, uint32_t *slot)
{
    const struct amd_cmdq *q = &hw->cmdq;
    uint32_t mask = (UINT32_C(1) << q->log2) - 1u;

    *slot = (uint32_t)uiommu_bits_get(uiommu_amd_read(hw, AMD_CMD_HEAD), AMD_POINTER);
    return *slot <= mask && ((*slot - (uint32_t)q->done) & mask) <= q->told - q->done;
}

/*
 * The buffer has stopped and its head is at the command refused. That becomes one without effect,
 * and the buffer goes on from there: answers behind it are not lost. Whether commands behind it
 * were executed already nobody says: all tickets in flight fail.
 */
void uiommu_amd_cmdq_error(struct uiommu_amd *hw)
{
    struct amd_cmdq *q = &hw->cmdq;
    uint32_t head;

    (void)uiommu_amd_event_harvest(hw); /* While the slot still holds what it is about. */
    if (++q->errors > ERRORS || !head_of(hw, &head)) {
        q->dead = true;
        return;
    }
    uiommu_amd_fail_flying(hw);
    if (head != uiommu_ring_slot((uint32_t)q->told, q->log2)) {
        uiommu_amd_cmdq_write(hw, head, uiommu_amd_cmd_nothing());
    }
    uiommu_amd_control(hw, 0, uiommu_bits_mask(AMD_CTL_CMD_EN));
    uiommu_amd_control(hw, uiommu_bits_mask(AMD_CTL_CMD_EN), 0);
    uiommu_amd_await_run(hw, AMD_STS_CMD_RUN);
}

/* Hardware may set a bit in the moment it is cleared, and then it stays without an interrupt:
 * read again until it is clear. Overflow bits belong to the restart of their log. */
void uiommu_amd_irq_ack(void *ctx)
{
    struct uiommu_amd *hw = ctx;
    uint32_t tries, bits;

    if (!hw->cmdq.open)
        return;
    for (tries = 0; tries < ACK_TRIES; tries++) {
        bits = uiommu_amd_read(hw, AMD_STATUS) &
               (AMD_STS_EVT_INT | AMD_STS_WAIT_INT | AMD_STS_PPR_INT | AMD_STS_PPR_EARLY);
        if (bits == 0)
            return;
        uiommu_amd_write(hw, AMD_STATUS, bits);
    }
}

static void check_log(struct uiommu_amd *hw, struct amd_log *log, uint64_t ring,
                      struct uiommu_check *out)
{
    if (log->note_bad_index)
        uiommu_notes_unit(&hw->notes, UIOMMU_EVENT_QUEUE_ERROR, ring);
    log->note_bad_index = false;
    if (log->stopping)
        uiommu_amd_log_restart(hw, log);
    if (log->stopping)
        out->flags |= UIOMMU_CHECK_MORE;
}

void uiommu_amd_check(void *ctx, struct uiommu_check *out)
{
    struct uiommu_amd *hw = ctx;
    struct amd_log *log;
    uint32_t ring;

    out->flags = 0;
    if (hw->cmdq.open) {
        uiommu_amd_cmdq_look(hw);
        (void)uiommu_amd_event_harvest(hw);
        for (ring = 0; (log = uiommu_amd_log_of(hw, ring)) != NULL; ring++)
            check_log(hw, log, ring, out);
    }
    if (hw->cmdq.open && (hw->config.flags & UIOMMU_AMD_POLL) == 0 &&
        (uiommu_amd_read(hw, AMD_STATUS) & (AMD_STS_EVT_INT | AMD_STS_PPR_INT)) != 0)
        out->flags |= UIOMMU_CHECK_MORE; /* Nobody is interrupted again while it is set. */
    if (hw->cmdq.dead)
        out->flags |= UIOMMU_CHECK_DEAD;
    uiommu_notes_take(&hw->notes, out);
}
