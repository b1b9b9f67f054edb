/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The command queue: pushing, telling hardware, and completion (IHI 0070 3.5, 4.7, 4.8).
 *
 * 'Consumed' proves nothing for an invalidation, but everything for the CMD_SYNC behind it, and
 * younger commands do not start before it completes. So a ticket is the position behind a
 * CMD_SYNC and is done once CMDQ_CONS has passed it.
 */
#include "smmuv3_internal.h"

#include <uiommu/ring.h>

static uint32_t entries(const struct smmuv3_cmdq *q)
{
    return UINT32_C(1) << q->log2;
}

static uint32_t room(const struct smmuv3_cmdq *q)
{
    return entries(q) - (uint32_t)(q->head - q->done);
}

/* Without an index that can be, nothing said about completion can be believed. */
static void read_cons(struct uiommu_smmuv3 *hw)
{
    struct smmuv3_cmdq *q = &hw->cmdq;
    uint32_t cons = uiommu_smmuv3_read(hw, SMMUV3_CMDQ_CONS);
    uint32_t n = (cons - (uint32_t)q->done) & uiommu_ring_mask(q->log2);

    if (n > q->told - q->done) {
        q->dead = true;
        return;
    }
    q->done += n;
}

/* Where the queue is now; an error that stops it is handled. */
void uiommu_smmuv3_cmdq_look(struct uiommu_smmuv3 *hw)
{
    uint32_t active;

    if (hw->cmdq.dead)
        return;
    read_cons(hw);
    if (hw->cmdq.dead || hw->cmdq.done == hw->cmdq.told)
        return;
    active = uiommu_smmuv3_read(hw, SMMUV3_GERROR) ^ hw->gerrorn;
    if ((active & SMMUV3_GERROR_CMDQ) == 0)
        return;
    /* ERR and the index were written before the error became active: read them again. */
    read_cons(hw);
    if (!hw->cmdq.dead)
        uiommu_smmuv3_cmdq_error(hw);
}

/* Room for so many commands and one CMD_SYNC more: the ticket that closes a wave always fits. */
bool uiommu_smmuv3_cmdq_room(struct uiommu_smmuv3 *hw, uint32_t commands)
{
    uint32_t need = commands + 1u;

    if (hw->f.sync_often) /* What _put() may add. */
        need += (hw->cmdq.since_sync + commands) / SMMUV3_SYNC_EVERY + 1u;
    if (room(&hw->cmdq) >= need)
        return true;
    uiommu_smmuv3_cmdq_look(hw);
    if (room(&hw->cmdq) >= need)
        return true;
    uiommu_smmuv3_cmdq_tell(hw); /* Else what fills it might never be consumed. */
    return false;
}

volatile uint64_t *uiommu_smmuv3_cmdq_at(const struct smmuv3_cmdq *q, uint64_t position)
{
    return (volatile uint64_t *)q->mem.cpu + uiommu_ring_slot((uint32_t)position, q->log2) * 2u;
}

void uiommu_smmuv3_cmdq_store(struct uiommu_smmuv3 *hw, uint64_t position,
                              struct smmuv3_command command)
{
    volatile uint64_t *words = uiommu_smmuv3_cmdq_at(&hw->cmdq, position);

    uiommu_bits_store64(&words[0], command.d[0]);
    uiommu_bits_store64(&words[1], command.d[1]);
    if (!hw->f.coherent)
        uiommu_smmuv3_to_device(hw, words, SMMUV3_COMMAND_BYTES);
}

static void put(struct uiommu_smmuv3 *hw, struct smmuv3_command command, bool ticket)
{
    struct smmuv3_cmdq *q = &hw->cmdq;

    uiommu_smmuv3_cmdq_store(hw, q->head, command);
    q->since_sync++;
    uiommu_tickets_put(&q->tickets, q->head, ticket);
    q->head++;
    if (uiommu_bits_get(command.d[0], SMMUV3_CMD_OP) == SMMUV3_OP_SYNC)
        q->since_sync = 0;
}

/* Only after _room(). */
void uiommu_smmuv3_cmdq_put(struct uiommu_smmuv3 *hw, struct smmuv3_command command)
{
    if (hw->f.sync_often && hw->cmdq.since_sync >= SMMUV3_SYNC_EVERY)
        put(hw, uiommu_smmuv3_cmd_sync(), false);
    put(hw, command, false);
}

void uiommu_smmuv3_cmdq_tell(struct uiommu_smmuv3 *hw)
{
    struct smmuv3_cmdq *q = &hw->cmdq;

    if (q->told == q->head)
        return;
    q->told = q->head;
    uiommu_smmuv3_write(hw, SMMUV3_CMDQ_PROD, (uint32_t)q->head & uiommu_ring_mask(q->log2));
}

/* As ticket(), also while the ops may not push. */
uiommu_err uiommu_smmuv3_cmdq_sync(struct uiommu_smmuv3 *hw, uint64_t *out)
{
    struct smmuv3_cmdq *q = &hw->cmdq;

    if (room(q) == 0) /* Then a CMD_SYNC is the last, and hardware was told. */
        uiommu_smmuv3_cmdq_look(hw);
    if (room(q) == 0)
        return UIOMMU_E_BUSY;
    put(hw, uiommu_smmuv3_cmd_sync(), true);
    *out = q->head;
    uiommu_smmuv3_cmdq_tell(hw);
    return UIOMMU_OK;
}

/*
 * Fail what is under way and begin with an empty ring at index 0. Hardware has the queue
 * disabled, or is about to. Positions only grow, so that old tickets stay distinct.
 */
void uiommu_smmuv3_cmdq_drop(struct uiommu_smmuv3 *hw)
{
    struct smmuv3_cmdq *q = &hw->cmdq;
    uint64_t mask = uiommu_ring_mask(q->log2), empty = (q->head + mask) & ~mask;

    uiommu_tickets_drop(&q->tickets, q->done, q->head);
    q->head = empty;
    q->told = empty;
    q->done = empty;
    q->error_at = UINT64_MAX;
    q->dead = false;
}

/* May ops push now? */
uiommu_err uiommu_smmuv3_ready(const struct uiommu_smmuv3 *hw)
{
    if (hw->cmdq.dead || hw->cmdq.stopped)
        return UIOMMU_E_HW;
    return hw->cmdq.open ? UIOMMU_OK : UIOMMU_E_BUSY;
}

uiommu_err uiommu_smmuv3_ticket(void *ctx, uint64_t *out)
{
    struct uiommu_smmuv3 *hw = ctx;
    uiommu_err err = uiommu_smmuv3_ready(hw);

    return err != UIOMMU_OK ? err : uiommu_smmuv3_cmdq_sync(hw, out);
}

uiommu_err uiommu_smmuv3_ticket_poll(void *ctx, uint64_t ticket)
{
    struct uiommu_smmuv3 *hw = ctx;
    struct smmuv3_cmdq *q = &hw->cmdq;

    if (ticket == 0 || ticket > q->head)
        return UIOMMU_E_INVALID;
    if (q->done < ticket && !uiommu_failed_has(&q->tickets.failed, ticket))
        uiommu_smmuv3_cmdq_look(hw);
    if (uiommu_failed_has(&q->tickets.failed, ticket))
        return UIOMMU_E_HW;
    if (q->done >= ticket)
        return UIOMMU_OK;
    return q->dead ? UIOMMU_E_HW : UIOMMU_PENDING;
}
