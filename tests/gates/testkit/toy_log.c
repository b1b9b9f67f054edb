/* SPDX-License-Identifier: BSD-2-Clause */
/* The log: page requests, Stop Markers and faults; and what the status register tells. */
#include "toy_internal.h"

/* Before the tail is read: an entry that comes later sets the bit again, and interrupts. */
void toy_irq_ack(void *ctx)
{
    const struct toy *hw = ctx;

    if (hw->open)
        toy_write(hw, TOY_STATUS, TOY_STATUS_LOG);
}

/* Entries to read. An index that cannot be: go on from there, and tell that there was a loss. */
static uint32_t used(struct toy *hw)
{
    uint64_t tail = toy_read(hw, TOY_LOG_TAIL);
    uint32_t log2 = hw->config.log_log2, mask = uiommu_ring_mask(log2);

    if (tail == UINT64_MAX) /* not there any more; check() tells */
        return 0;
    if (tail > mask || !uiommu_ring_sane((uint32_t)tail, hw->log_head, log2)) {
        hw->bad_index = true;
        hw->lost = true;
        hw->log_head = (uint32_t)tail & mask;
        toy_write(hw, TOY_LOG_HEAD, hw->log_head);
        return 0;
    }
    uiommu_fence_dma_load();
    return uiommu_ring_used((uint32_t)tail, hw->log_head, log2);
}

uint32_t toy_ring_pending(void *ctx, uint32_t ring)
{
    struct toy *hw = ctx;

    return ring == 0 && hw->open ? used(hw) : 0;
}

static void decode_request(uint64_t word0, uint64_t word1, struct uiommu_request *out)
{
    uint32_t access = (uint32_t)uiommu_bits_get(word0, TOY_ACCESS);

    memset(out, 0, sizeof(*out));
    out->id = (uint32_t)uiommu_bits_get(word0, TOY_WHO);
    out->pasid = UIOMMU_PASID_NONE;
    if (uiommu_bits_get(word0, TOY_PASIDV) != 0) {
        out->pasid = (uint32_t)uiommu_bits_get(word0, TOY_PASID);
        out->flags |= UIOMMU_REQUEST_PASID;
    }
    if (uiommu_bits_get(word0, TOY_TYPE) == TOY_ENTRY_MARKER) {
        out->flags |= UIOMMU_REQUEST_MARKER;
        return;
    }
    out->flags |= access; /* the same bits as UIOMMU_READ and so on */
    if (uiommu_bits_get(word0, TOY_LAST) != 0)
        out->flags |= UIOMMU_REQUEST_LAST;
    if ((access & (UIOMMU_READ | UIOMMU_WRITE)) == 0)
        out->flags |= UIOMMU_REQUEST_MALFORMED;
    out->index = (uint32_t)uiommu_bits_get(word0, TOY_INDEX);
    out->address = word1 & ~(TOY_PAGE - 1u);
}

static enum uiommu_event_kind kind_of(uint64_t word0)
{
    if (uiommu_bits_get(word0, TOY_TYPE) != TOY_ENTRY_FAULT)
        return UIOMMU_EVENT_UNKNOWN;
    switch (uiommu_bits_get(word0, TOY_CODE)) {
    case 1:
        return UIOMMU_EVENT_BAD_CONTEXT;
    case 2:
        return UIOMMU_EVENT_FETCH_ABORT;
    case 3:
        return UIOMMU_EVENT_TRANSLATION;
    case 4:
        return UIOMMU_EVENT_PERMISSION;
    default:
        return UIOMMU_EVENT_UNKNOWN;
    }
}

static void decode_event(uint64_t word0, uint64_t word1, struct uiommu_event *out)
{
    uiommu_event_init(out, kind_of(word0));
    out->id = (uint32_t)uiommu_bits_get(word0, TOY_WHO);
    if (uiommu_bits_get(word0, TOY_PASIDV) != 0)
        out->pasid = (uint32_t)uiommu_bits_get(word0, TOY_PASID);
    out->access = (uint32_t)uiommu_bits_get(word0, TOY_ACCESS);
    out->address = word1;
    out->hw_code = (uint32_t)uiommu_bits_get(word0, TOY_CODE);
    out->raw[0] = word0;
    out->raw[1] = word1;
}

/* The next entry; false where there is no room for it. */
static bool take(struct toy *hw, struct uiommu_fetch *io)
{
    uint32_t slot = uiommu_ring_slot(hw->log_head, hw->config.log_log2);
    const volatile uint64_t *from = (const volatile uint64_t *)hw->log.cpu + (size_t)slot * 2u;
    uint64_t word0, word1, type;

    if (io->request_count == io->request_room || io->event_count == io->event_room)
        return false;
    hw->host->mem_from_device(hw->host->ctx, (const void *)(uintptr_t)from, 16);
    word0 = uiommu_bits_load64(&from[0]);
    word1 = uiommu_bits_load64(&from[1]);
    type = uiommu_bits_get(word0, TOY_TYPE);
    if (type == TOY_ENTRY_REQUEST || type == TOY_ENTRY_MARKER) {
        decode_request(word0, word1, &io->requests[io->request_count]);
        io->requests[io->request_count++].at = io->entries;
    } else {
        decode_event(word0, word1, &io->events[io->event_count++]);
    }
    io->entries++;
    hw->log_head = uiommu_ring_step(hw->log_head, 1, hw->config.log_log2);
    return true;
}

/* LOST is read before the tail: what came before the loss is in the log by then. */
uiommu_err toy_fetch(void *ctx, uint32_t ring, struct uiommu_fetch *io)
{
    struct toy *hw = ctx;
    uint64_t status;
    uint32_t n;

    io->request_count = io->event_count = io->entries = io->flags = 0;
    if (ring != 0 || !hw->open)
        return ring != 0 ? UIOMMU_E_INVALID : UIOMMU_OK;
    status = toy_read(hw, TOY_STATUS);
    n = used(hw);
    while (io->entries < n && take(hw, io))
        ;
    if (io->entries != 0) {
        uiommu_fence_dma(); /* Read before their slots are given back. */
        toy_write(hw, TOY_LOG_HEAD, hw->log_head);
    }
    if (io->entries < n)
        io->flags |= UIOMMU_FETCH_MORE;
    if (status != UINT64_MAX && (status & TOY_STATUS_LOST) != 0)
        hw->overflow = hw->lost = true;
    if (hw->lost)
        io->flags |= UIOMMU_FETCH_OVERFLOW;
    return UIOMMU_OK;
}

/* Only what fetch() has seen. */
void toy_overflow_ack(void *ctx, uint32_t ring)
{
    struct toy *hw = ctx;

    (void)ring;
    if (hw->open && hw->overflow)
        toy_write(hw, TOY_STATUS, TOY_STATUS_LOST);
    hw->overflow = hw->lost = false;
}

void toy_check(void *ctx, struct uiommu_check *out)
{
    struct toy *hw = ctx;

    out->flags = 0;
    out->event_count = 0;
    if (hw->open && !hw->dead)
        toy_look(hw);
    if (hw->bad_index)
        uiommu_notes_unit(&hw->notes, UIOMMU_EVENT_QUEUE_ERROR, 0);
    hw->bad_index = false;
    if (hw->dead)
        out->flags |= UIOMMU_CHECK_DEAD;
    uiommu_notes_take(&hw->notes, out);
}
