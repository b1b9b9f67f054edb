/* SPDX-License-Identifier: BSD-2-Clause */
/* What goes wrong: tickets that prove nothing, refused commands, sticky status bits. */
#include "amd_internal.h"

#include <uiommu/ring.h>

/* Refused commands without a ticket between before the buffer counts as dead. */
#define ERRORS 8u
/* Tries to clear interrupt bits that hardware sets again (errata 787, 1312). */
#define ACK_TRIES 16u

/* Kept until check(); with no room the newest is lost, the tickets are not. */
void uiommu_amd_note(struct uiommu_amd *hw, enum uiommu_event_kind kind, uint64_t raw)
{
    if (hw->note_count == AMD_NOTES)
        return;
    uiommu_amd_event_init(&hw->notes[hw->note_count], kind);
    hw->notes[hw->note_count++].raw[0] = raw;
}

/* Put a range in its place, joined with all that it meets. With the list full the oldest ranges
 * fall under one mark, which may count good tickets as failed: too little proof, never too
 * much. */
void uiommu_amd_failed_add(struct amd_cmdq *q, uint64_t first, uint64_t last)
{
    struct amd_failed *f = q->failed;
    uint32_t at = 0, to;

    while (at < q->failed_count && f[at].last + 1u < first)
        at++;
    for (to = at; to < q->failed_count && f[to].first <= last + 1u; to++) {
        first = f[to].first < first ? f[to].first : first;
        last = f[to].last > last ? f[to].last : last;
    }
    if (to == at && q->failed_count == AMD_FAILED) {
        if (at == 0) { /* Older than all that are remembered. */
            q->forgotten = last > q->forgotten ? last : q->forgotten;
            return;
        }
        q->forgotten = f[0].last;
        memmove(&f[0], &f[1], (AMD_FAILED - 1u) * sizeof(f[0]));
        q->failed_count--;
        at--;
        to--;
    }
    memmove(&f[at + 1u], &f[to], (q->failed_count - to) * sizeof(f[0]));
    q->failed_count = q->failed_count - (to - at) + 1u;
    f[at].first = first;
    f[at].last = last;
}

bool uiommu_amd_failed_has(const struct amd_cmdq *q, uint64_t ticket)
{
    uint32_t i;

    if (ticket <= q->forgotten)
        return true;
    for (i = 0; i < q->failed_count; i++) {
        if (ticket >= q->failed[i].first && ticket <= q->failed[i].last)
            return true;
    }
    return false;
}

static bool is_ticket(const struct amd_cmdq *q, uint64_t position)
{
    uint32_t slot = uiommu_ring_slot((uint32_t)position, q->log2);

    return ((q->tickets[slot >> 5] >> (slot & 31u)) & 1u) != 0;
}

/* Nobody knows which: all that is not done, the wave that has no ticket yet included. */
void uiommu_amd_fail_flying(struct uiommu_amd *hw)
{
    struct amd_cmdq *q = &hw->cmdq;

    if (q->head == q->done)
        return;
    uiommu_amd_failed_add(q, q->done + 1u, q->head);
    if (!is_ticket(q, q->head - 1u))
        q->fail_next = true;
}

/* The position in flight that lies at a bus address; false if there is none. */
static bool position_of(const struct amd_cmdq *q, uint64_t bus, uint64_t *out)
{
    uint64_t mask = (UINT64_C(1) << q->log2) - 1u, slot = (bus - q->mem.bus) / AMD_COMMAND_BYTES;

    if (bus < q->mem.bus || slot > mask)
        return false;
    *out = q->done + ((slot - q->done) & mask);
    return *out < q->head;
}

/* The first ticket behind a command covers it. */
void uiommu_amd_fail_command(struct uiommu_amd *hw, uint64_t bus)
{
    struct amd_cmdq *q = &hw->cmdq;
    uint64_t at;

    if (!position_of(q, bus, &at)) {
        uiommu_amd_fail_flying(hw);
        return;
    }
    for (; at < q->head; at++) {
        if (is_ticket(q, at)) {
            uiommu_amd_failed_add(q, at + 1u, at + 1u);
            return;
        }
    }
    q->fail_next = true;
}

const volatile uint64_t *uiommu_amd_command_at(const struct uiommu_amd *hw, uint64_t bus)
{
    uint64_t at;

    if (!position_of(&hw->cmdq, bus, &at))
        return NULL;
    return (const volatile uint64_t *)hw->cmdq.mem.cpu +
           (size_t)uiommu_ring_slot((uint32_t)at, hw->cmdq.log2) * 2u;
}

/*
 * The buffer has stopped and its head is at the command refused. That becomes one without effect,
 * and the buffer goes on from there: answers behind it are not lost. Whether commands behind it
 * were executed already nobody says: all tickets in flight fail.
 */
void uiommu_amd_cmdq_error(struct uiommu_amd *hw)
{
    struct amd_cmdq *q = &hw->cmdq;
    uint32_t mask = (UINT32_C(1) << q->log2) - 1u;
    struct amd_command nothing = uiommu_amd_cmd_nothing();
    volatile uint64_t *words = q->mem.cpu;
    uint32_t head;

    (void)uiommu_amd_event_harvest(hw); /* While the slot still holds what it is about. */
    head = (uint32_t)uiommu_bits_get(uiommu_amd_read(hw, AMD_CMD_HEAD), AMD_POINTER);
    uiommu_amd_fail_flying(hw);
    if (++q->errors > ERRORS || head > mask ||
        ((head - (uint32_t)q->done) & mask) > q->told - q->done) {
        q->dead = true;
        return;
    }
    if (head != ((uint32_t)q->told & mask)) {
        words += (size_t)head * 2u;
        uiommu_bits_store64(&words[0], nothing.d[0]);
        uiommu_bits_store64(&words[1], nothing.d[1]);
        uiommu_amd_to_device(hw, words, AMD_COMMAND_BYTES);
        uiommu_fence_dma_store();
    }
    uiommu_amd_control(hw, 0, uiommu_bits_mask(AMD_CTL_CMD_EN));
    uiommu_amd_control(hw, uiommu_bits_mask(AMD_CTL_CMD_EN), 0);
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
               (AMD_STS_EVT_INT | AMD_STS_WAIT_INT | AMD_STS_PPR_INT);
        if (bits == 0)
            return;
        uiommu_amd_write(hw, AMD_STATUS, bits);
    }
}

static void check_log(struct uiommu_amd *hw, struct amd_log *log, uint64_t ring,
                      struct uiommu_check *out)
{
    if (!log->present)
        return;
    if (log->note_bad_index)
        uiommu_amd_note(hw, UIOMMU_EVENT_QUEUE_ERROR, ring);
    log->note_bad_index = false;
    if (log->stopping)
        uiommu_amd_log_restart(hw, log);
    if (log->stopping)
        out->flags |= UIOMMU_CHECK_MORE;
}

void uiommu_amd_check(void *ctx, struct uiommu_check *out)
{
    struct uiommu_amd *hw = ctx;
    uint32_t n;

    out->flags = 0;
    if (hw->cmdq.open) {
        uiommu_amd_cmdq_look(hw);
        (void)uiommu_amd_event_harvest(hw);
        check_log(hw, &hw->ppr, 0, out);
        check_log(hw, &hw->evt, hw->ppr.present ? 1 : 0, out);
    }
    if (hw->cmdq.dead)
        out->flags |= UIOMMU_CHECK_DEAD;
    n = hw->note_count;
    if (n > sizeof(out->event) / sizeof(out->event[0]))
        n = (uint32_t)(sizeof(out->event) / sizeof(out->event[0]));
    memcpy(out->event, hw->notes, n * sizeof(out->event[0]));
    memmove(hw->notes, hw->notes + n, (hw->note_count - n) * sizeof(hw->notes[0]));
    hw->note_count -= n;
    out->event_count = n;
    if (hw->note_count != 0)
        out->flags |= UIOMMU_CHECK_MORE;
}
