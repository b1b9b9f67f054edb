/* SPDX-License-Identifier: BSD-2-Clause */
/* The command ring: invalidations, answers, tickets, the barrier. */
#include "toy_internal.h"

/* May ops put commands? */
static uiommu_err ready(const struct toy *hw)
{
    return hw->open && !hw->dead ? UIOMMU_OK : UIOMMU_E_HW;
}

/* Where the toy has read to; what cannot be is not believed. */
static void read_head(struct toy *hw)
{
    uint64_t head = toy_read(hw, TOY_COMMAND_HEAD);
    uint32_t log2 = hw->config.command_log2;

    if (head > uiommu_ring_mask(log2) || uiommu_ring_used(hw->told, (uint32_t)head, log2) >
                                             uiommu_ring_used(hw->told, hw->head, log2))
        hw->dead = true;
    else
        hw->head = (uint32_t)head;
}

/* Room for so many, and for one wait behind them. */
static bool room(struct toy *hw, uint32_t commands)
{
    uint32_t entries = UINT32_C(1) << hw->config.command_log2;

    if (entries - uiommu_ring_used(hw->tail, hw->head, hw->config.command_log2) > commands)
        return true;
    read_head(hw);
    return entries - uiommu_ring_used(hw->tail, hw->head, hw->config.command_log2) > commands;
}

/* Only after room(). */
static void put(struct toy *hw, uint64_t word0, uint64_t word1)
{
    uint32_t slot = uiommu_ring_slot(hw->tail, hw->config.command_log2);
    volatile uint64_t *words = (volatile uint64_t *)hw->commands.cpu + (size_t)slot * 2u;

    uiommu_bits_store64(&words[0], word0);
    uiommu_bits_store64(&words[1], word1);
    hw->host->mem_to_device(hw->host->ctx, (const void *)(uintptr_t)words, 16);
    hw->tail = uiommu_ring_step(hw->tail, 1, hw->config.command_log2);
}

/* The fence covers the commands and the table words they are about. */
static void tell(struct toy *hw)
{
    uiommu_fence_dma_store();
    hw->told = hw->tail;
    toy_write(hw, TOY_COMMAND_TAIL, hw->tail);
}

uiommu_err toy_ticket(void *ctx, uint64_t *out)
{
    struct toy *hw = ctx;
    uiommu_err err = ready(hw);

    if (err != UIOMMU_OK)
        return err;
    if (!room(hw, 0))
        return UIOMMU_E_BUSY;
    hw->issued++;
    put(hw, uiommu_bits_make(TOY_TYPE, TOY_COMMAND_WAIT), hw->issued);
    tell(hw);
    *out = hw->issued;
    return UIOMMU_OK;
}

/* The toy stands behind a wait that has nothing to prove. */
static void halted(struct toy *hw, uint64_t number)
{
    uint64_t error = toy_read(hw, TOY_ERROR);
    struct uiommu_event event;

    uiommu_failed_add(&hw->failed, number, number);
    uiommu_event_init(&event, uiommu_bits_get(error, TOY_TYPE) == 1
                                  ? UIOMMU_EVENT_INVALIDATION_TIMEOUT
                                  : UIOMMU_EVENT_COMMAND_ERROR);
    event.id = (uint32_t)uiommu_bits_get(error, TOY_WHO);
    event.raw[0] = error;
    uiommu_notes_add(&hw->notes, &event);
    toy_write(hw, TOY_STATUS, TOY_STATUS_HALT);
}

/*
 * Which waits are done, and did they fail? DONE is read before STATUS: a wait that failed and is
 * in DONE keeps HALT set until we clear it, so it cannot be taken for a good one.
 */
void toy_look(struct toy *hw)
{
    uint64_t done = toy_read(hw, TOY_DONE);
    uint64_t status = toy_read(hw, TOY_STATUS);

    if (status != UINT64_MAX && (status & TOY_STATUS_HALT) != 0)
        done = toy_read(hw, TOY_DONE); /* moves no more: it is the one that failed */
    if (status == UINT64_MAX || done > hw->issued) {
        if (!hw->dead)
            uiommu_notes_unit(&hw->notes, UIOMMU_EVENT_UNIT_ERROR, status);
        hw->dead = true;
        return;
    }
    if ((status & TOY_STATUS_HALT) != 0)
        halted(hw, done);
    if ((status & TOY_STATUS_FAULTS) != 0) {
        uiommu_notes_unit(&hw->notes, UIOMMU_EVENT_EVENTS_LOST, status);
        toy_write(hw, TOY_STATUS, TOY_STATUS_FAULTS);
    }
    if (done > hw->resolved) {
        uiommu_fence_dma_load();
        hw->resolved = done;
    }
}

uiommu_err toy_ticket_poll(void *ctx, uint64_t ticket)
{
    struct toy *hw = ctx;

    if (ticket == 0 || ticket > hw->issued)
        return UIOMMU_E_INVALID;
    if (ticket > hw->resolved && ready(hw) == UIOMMU_OK)
        toy_look(hw);
    if (uiommu_failed_has(&hw->failed, ticket))
        return UIOMMU_E_HW;
    if (ticket <= hw->resolved)
        return UIOMMU_OK;
    return ready(hw) == UIOMMU_OK ? UIOMMU_PENDING : UIOMMU_E_HW;
}

/* What is under way proves nothing any more; what is done stays done. */
void toy_tickets_fail(struct toy *hw)
{
    if (hw->resolved < hw->issued)
        uiommu_failed_add(&hw->failed, hw->resolved + 1u, hw->issued);
    hw->resolved = hw->issued;
}

/* Traffic without a PASID uses entry 0. */
static uint64_t words_for(uint64_t type, uint32_t id, uint32_t pasid)
{
    uint64_t word = uiommu_bits_make(TOY_TYPE, type) | uiommu_bits_make(TOY_WHO, id);

    if (pasid == UIOMMU_PASID_ALL)
        return word | uiommu_bits_make(TOY_ALL, 1);
    if (pasid == UIOMMU_PASID_NONE)
        return word;
    return word | uiommu_bits_make(TOY_PASIDV, 1) | uiommu_bits_make(TOY_PASID, pasid);
}

/* The smallest aligned block that holds the range. */
static uint64_t block_of(const struct uiommu_range *range)
{
    uint32_t size;

    if (range == NULL)
        return 64;
    size = uiommu_bits_length(range->first ^ range->last);
    size = size < 12 ? 12 : size;
    return (size == 64 ? 0 : range->first >> size << size) | size;
}

/* One command for every ID of the device. */
static uiommu_err put_each(struct toy *hw, const struct toy_device *dev, uint64_t type,
                           uint32_t pasid, uint64_t word1)
{
    uiommu_err err = ready(hw);
    uint32_t i;

    if (err != UIOMMU_OK)
        return err;
    if (!room(hw, dev->id_count))
        return UIOMMU_E_BUSY;
    for (i = 0; i < dev->id_count; i++)
        put(hw, words_for(type, dev->ids[i], pasid), word1);
    return UIOMMU_OK;
}

uiommu_err toy_config_invalidate(void *ctx, void *dev, uint32_t pasid)
{
    return put_each(ctx, dev, TOY_COMMAND_CONFIG, pasid, 0);
}

/* The TLB knows tags only. */
uiommu_err toy_tlb_invalidate(void *ctx, void *dev, uint32_t pasid, const struct uiommu_root *root,
                              uint32_t tag, const struct uiommu_range *range)
{
    struct toy *hw = ctx;
    uiommu_err err = ready(hw);

    (void)dev;
    (void)pasid;
    (void)root;
    if (err != UIOMMU_OK)
        return err;
    if (!room(hw, 1))
        return UIOMMU_E_BUSY;
    put(hw, uiommu_bits_make(TOY_TYPE, TOY_COMMAND_TLB) | uiommu_bits_make(TOY_PASID, tag),
        block_of(range));
    return UIOMMU_OK;
}

/* A device without ATS holds nothing, and would not answer. */
uiommu_err toy_dtlb_invalidate(void *ctx, void *dev_ctx, uint32_t pasid,
                               const struct uiommu_range *range)
{
    const struct toy_device *dev = dev_ctx;

    if ((dev->set & UIOMMU_DEVICE_SET_ATS) == 0)
        return ready(ctx);
    return put_each(ctx, dev, TOY_COMMAND_DEVICE, pasid, block_of(range));
}

/*
 * The device's answer to an invalidation travels behind the page requests it sent before, and a
 * wait is done only when that answer has come: what was sent is at the toy then. The sheet does
 * not say that it is in the log, and the bus may let a request be late: ORDERED, not PROVED.
 *
 * A device with ATS off (it is being reset) has nothing that pushes. The core reads its
 * configuration space then, which does as much: ORDERED, and the settle time is kept.
 */
uiommu_err toy_barrier(void *ctx, void *dev_ctx, uint32_t pasid, uint64_t *ticket,
                       uint32_t *strength)
{
#ifndef TOY_NO_BARRIER
    const struct toy_device *dev = dev_ctx;
    uiommu_err err = toy_dtlb_invalidate(ctx, dev_ctx, pasid, NULL);

    if (err != UIOMMU_OK)
        return err;
    *strength = UIOMMU_BARRIER_ORDERED;
    if ((dev->flags & (UIOMMU_DEVICE_ATS | UIOMMU_DEVICE_PRI)) == 0)
        *strength = UIOMMU_BARRIER_PROVED; /* it cannot ask for pages */
#else
    /* What a backend must not do; the suite has to see it. */
    (void)dev_ctx;
    (void)pasid;
    *strength = UIOMMU_BARRIER_PROVED;
#endif
    return toy_ticket(ctx, ticket);
}

/* One of the three codes; anything else is a bug of ours, and INVALID harms nobody. */
static uint64_t code_of(uint32_t code)
{
    switch (code) {
    case UIOMMU_CODE_SUCCESS:
        return 0x0;
    case UIOMMU_CODE_FAILURE:
        return 0xf;
    default:
        return 0x1;
    }
}

uint32_t toy_respond(void *ctx, const struct uiommu_answer *answers, uint32_t count)
{
    struct toy *hw = ctx;
    uint32_t n;

    if (ready(hw) != UIOMMU_OK)
        return 0;
    for (n = 0; n < count && room(hw, 1); n++) {
        const struct uiommu_answer *a = &answers[n];

        put(hw,
            words_for(TOY_COMMAND_ANSWER, a->id, a->with_pasid ? a->pasid : UIOMMU_PASID_NONE) |
                uiommu_bits_make(TOY_INDEX, a->index) |
                uiommu_bits_make(TOY_CODE, code_of(a->code)),
            0);
    }
    tell(hw);
    return n;
}

/* The host's own; what it says is not looked at, but waits are counted and answers are the core's.
 */
uiommu_err toy_command(void *ctx, const uint64_t *words, uint32_t count)
{
    struct toy *hw = ctx;
    uint64_t type = count == 2 ? uiommu_bits_get(words[0], TOY_TYPE) : TOY_COMMAND_WAIT;
    uiommu_err err = ready(hw);

    if (type == TOY_COMMAND_WAIT || type == TOY_COMMAND_ANSWER)
        return UIOMMU_E_INVALID;
    if (err != UIOMMU_OK)
        return err;
    if (!room(hw, 1))
        return UIOMMU_E_BUSY;
    put(hw, words[0], words[1]);
    return UIOMMU_OK;
}
