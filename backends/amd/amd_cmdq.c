/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The command buffer: pushing, telling hardware, completion.
 *
 * The head says only what was accepted. A COMPLETION_WAIT stores when all before it is over, but
 * an invalidation that a device never answered is over too: only an event tells (PROTOCOL R15).
 * So a ticket is done once its number was stored and the event log was read up to a tail that was
 * read after that.
 */
#include "amd_internal.h"

#include <uiommu/ring.h>

/* Loads of a word until two are equal. */
#define TRIES 4u

static uint32_t entries(const struct amd_cmdq *q)
{
    return UINT32_C(1) << q->log2;
}

static uint32_t slot_of(const struct amd_cmdq *q, uint64_t position)
{
    return (uint32_t)position & (entries(q) - 1u);
}

/* Where COMPLETION_WAIT stores. */
static volatile uint64_t *word_of(const struct amd_cmdq *q)
{
    return (volatile uint64_t *)q->store.cpu + q->slot;
}

/* Two loads on a 32-bit host: again until nothing was stored between them. */
static uint64_t stored(const struct uiommu_amd *hw)
{
    const volatile uint64_t *word = word_of(&hw->cmdq);
    uint64_t last, now = uiommu_amd_load(hw, word);
    uint32_t tries;

    for (tries = 0; tries < TRIES; tries++) {
        last = now;
        now = uiommu_amd_load(hw, word);
        if (now == last)
            return now;
    }
    return hw->cmdq.done;
}

/* Where the buffer is now. A number that cannot be means that nothing it says can be believed. */
void uiommu_amd_cmdq_look(struct uiommu_amd *hw)
{
    struct amd_cmdq *q = &hw->cmdq;
    uint64_t now;

    if (q->dead)
        return;
    now = stored(hw);
    if (now < q->done || now > q->told) {
        q->dead = true;
        return;
    }
    if (now != q->done) {
        if (uiommu_amd_event_harvest(hw)) {
            q->done = now;
            q->errors = 0;
        }
    }
    if (!q->dead && q->done != q->told && (uiommu_amd_read(hw, AMD_STATUS) & AMD_STS_CMD_RUN) == 0)
        uiommu_amd_cmdq_error(hw);
}

/* Room for so many commands and one ticket more: the one that closes a wave always fits. */
bool uiommu_amd_cmdq_room(struct uiommu_amd *hw, uint32_t commands)
{
    if (uiommu_amd_cmdq_free(&hw->cmdq) > commands)
        return true;
    uiommu_amd_cmdq_look(hw);
    if (uiommu_amd_cmdq_free(&hw->cmdq) > commands)
        return true;
    uiommu_amd_cmdq_tell(hw); /* Else what fills it might never be consumed. */
    return false;
}

/* All commands, and the table words they are about, are stored before. */
void uiommu_amd_cmdq_tell(struct uiommu_amd *hw)
{
    struct amd_cmdq *q = &hw->cmdq;

    if (q->told == q->head)
        return;
    q->told = q->head;
    uiommu_amd_write(hw, AMD_CMD_TAIL,
                     (uint32_t)uiommu_bits_make(AMD_POINTER, slot_of(q, q->told)));
}

/* As ticket(), also while the ops may not push. */
uiommu_err uiommu_amd_cmdq_sync(struct uiommu_amd *hw, uint64_t *out)
{
    struct amd_cmdq *q = &hw->cmdq;

    if (uiommu_amd_cmdq_free(q) == 0)
        uiommu_amd_cmdq_look(hw);
    if (uiommu_amd_cmdq_free(q) == 0)
        return UIOMMU_E_BUSY;
    uiommu_amd_cmdq_place(
        hw, uiommu_amd_cmd_wait(q->store.bus + q->slot * sizeof(uint64_t), q->head + 1u), true);
    *out = q->head;
    uiommu_amd_cmdq_tell(hw);
    return UIOMMU_OK;
}

/*
 * Fail what is under way and begin with an empty ring at slot 0. Hardware has it disabled, or is
 * about to. Positions only grow, so that old tickets stay distinct. A store that is under way all
 * the same goes to a word of its own.
 */
void uiommu_amd_cmdq_drop(struct uiommu_amd *hw)
{
    struct amd_cmdq *q = &hw->cmdq;
    uint64_t mask = entries(q) - 1u, next = (q->head + mask) & ~mask;

    uiommu_tickets_drop(&q->tickets, q->done, q->head);
    q->head = next;
    q->told = next;
    q->done = next;
    q->errors = 0;
    q->dead = false;
    q->slot = (q->slot + 1u) % AMD_STORES;
    uiommu_bits_store64(word_of(q), q->done);
    uiommu_amd_to_device(hw, word_of(q), sizeof(uint64_t));
}

/* May ops push now? */
uiommu_err uiommu_amd_ready(const struct uiommu_amd *hw)
{
    return hw->cmdq.open && !hw->cmdq.dead ? UIOMMU_OK : UIOMMU_E_HW;
}

uiommu_err uiommu_amd_ticket(void *ctx, uint64_t *out)
{
    struct uiommu_amd *hw = ctx;
    uiommu_err err = uiommu_amd_ready(hw);

    return err != UIOMMU_OK ? err : uiommu_amd_cmdq_sync(hw, out);
}

uiommu_err uiommu_amd_ticket_poll(void *ctx, uint64_t ticket)
{
    struct uiommu_amd *hw = ctx;
    struct amd_cmdq *q = &hw->cmdq;

    if (ticket == 0 || ticket > q->head)
        return UIOMMU_E_INVALID;
    if (q->done < ticket && !uiommu_failed_has(&q->tickets.failed, ticket))
        uiommu_amd_cmdq_look(hw);
    if (uiommu_failed_has(&q->tickets.failed, ticket))
        return UIOMMU_E_HW;
    if (q->done >= ticket)
        return UIOMMU_OK;
    return q->dead ? UIOMMU_E_HW : UIOMMU_PENDING;
}
