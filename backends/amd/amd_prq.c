/* SPDX-License-Identifier: BSD-2-Clause */
/* The PPR log: page requests. */
#include "amd_internal.h"

/*
 * With GN the address is of the PASID; PASID 0 is what hardware makes of traffic without one
 * (GIoV). Which of the two forms such a request has nobody says: both count as untagged, and the
 * cookie keeps which it was.
 */
static inline void common(const uint64_t entry[2], bool gn, struct uiommu_request *out)
{
    uint32_t pasid = (uint32_t)(uiommu_bits_get(entry[0], AMD_REQ_PASID_15) |
                                uiommu_bits_get(entry[0], AMD_REQ_PASID_19) << 16);
    bool tagged = gn && pasid != 0;

    out->address = entry[1] & ~UINT64_C(0xfff);
    out->cookie[0] = gn;
    out->cookie[1] = gn ? pasid : 0;
    out->id = (uint32_t)uiommu_bits_get(entry[0], AMD_LOG_ID);
    out->pasid = tagged ? pasid : UIOMMU_PASID_NONE;
    out->index = (uint32_t)uiommu_bits_get(entry[0], AMD_REQ_TAG);
    out->flags = (tagged ? UIOMMU_REQUEST_PASID : 0u) |
                 (uint32_t)uiommu_bits_get(entry[0], AMD_REQ_LAST) * UIOMMU_REQUEST_LAST;
    out->at = 0;
    out->preset = 0;
}

static uint32_t access_of(const uint64_t entry[2])
{
    return (uint32_t)(uiommu_bits_get(entry[0], AMD_REQ_R) * UIOMMU_READ |
                      uiommu_bits_get(entry[0], AMD_REQ_W) * UIOMMU_WRITE |
                      uiommu_bits_get(entry[0], AMD_REQ_EX) * UIOMMU_EXEC);
}

/* false: not a page request. */
static inline bool decode(const uint64_t entry[2], struct uiommu_request *out)
{
    bool gn = uiommu_bits_get(entry[0], AMD_REQ_GN) != 0;
    uint32_t access = access_of(entry);

    if (uiommu_bits_get(entry[0], AMD_LOG_CODE) != AMD_PPR_CODE)
        return false;
    common(entry, gn, out);
    /* Last of no access at all takes no answer, whatever else is in it. */
    if (access == 0 && (out->flags & UIOMMU_REQUEST_LAST) != 0) {
        out->flags = UIOMMU_REQUEST_MARKER | (out->flags & UIOMMU_REQUEST_PASID);
        out->index = 0;
        out->address = 0;
        return true;
    }
    if (gn && uiommu_bits_get(entry[0], AMD_REQ_US) == 0)
        access |= UIOMMU_PRIV;
    out->flags |= access;
    if (uiommu_bits_get(entry[0], AMD_REQ_RZ) != 0)
        out->flags |= UIOMMU_REQUEST_MALFORMED;
    return true;
}

bool uiommu_amd_prq_decode(const uint64_t entry[2], struct uiommu_request *out)
{
    return decode(entry, out);
}

/* INVALID_PPR_REQUEST that hardware has not answered: nobody else will. */
bool uiommu_amd_event_asks(const uint64_t entry[2])
{
    return uiommu_bits_get(entry[0], AMD_LOG_CODE) == AMD_EV_BAD_PPR &&
           uiommu_bits_get(entry[0], AMD_BAD_PPR_RX) == 0;
}

/* GN is one bit further than in the PPR log. Access is not known. The sheet's code is Failure. */
void uiommu_amd_event_request(const uint64_t entry[2], struct uiommu_request *out)
{
    common(entry, uiommu_bits_get(entry[0], AMD_BAD_PPR_GN) != 0, out);
    out->flags |= UIOMMU_REQUEST_PRESET;
    out->preset = UIOMMU_CODE_FAILURE;
}

/* An entry of another code is dropped: nobody knows what it asks for. It is shown as an event,
 * where there is room. */
static inline void deliver(const uint64_t entry[2], struct uiommu_fetch *io)
{
    struct uiommu_request *request = &io->requests[io->request_count];
    uint32_t code = (uint32_t)uiommu_bits_get(entry[0], AMD_LOG_CODE);
    struct uiommu_event *event;

    if (decode(entry, request)) {
        request->at = io->entries;
        io->request_count++;
        return;
    }
    if (io->event_count == io->event_room)
        return;
    event = &io->events[io->event_count++];
    uiommu_event_init(event, UIOMMU_EVENT_UNKNOWN);
    event->id = (uint32_t)uiommu_bits_get(entry[0], AMD_LOG_ID);
    event->hw_code = code;
    memcpy(event->raw, entry, AMD_LOG_BYTES);
}

/* Requests that are there, one after the other, of a unit that snoops and whose logs are cleared.
 * @return how many entries. */
static uint32_t take_some(struct uiommu_amd *hw, struct uiommu_fetch *io, uint32_t n)
{
    struct amd_log *log = &hw->ppr;
    volatile uint64_t *ring = log->mem.cpu, *words;
    uint32_t room = io->request_room - io->request_count, head = log->head, i;
    uint32_t mask = (UINT32_C(1) << log->log2) - 1u;
    struct uiommu_request *to = &io->requests[io->request_count];
    uint64_t entry[AMD_LOG_WORDS];

    n = n < room ? n : room;
    for (i = 0; i < n; i++, to++) {
        words = &ring[(size_t)head * AMD_LOG_WORDS];
        entry[0] = uiommu_bits_load64(&words[0]);
        uiommu_fence_dma_load(); /* the other word is there once this one is */
        entry[1] = uiommu_bits_load64(&words[1]);
        if (!decode(entry, to))
            break;
        to->at = io->entries + i;
        uiommu_bits_store64(&words[0], 0);
        uiommu_bits_store64(&words[1], 0);
        head = (head + 1u) & mask;
    }
    log->waiting = log->waiting && i == 0;
    log->head = head;
    io->request_count += i;
    io->entries += i;
    return i;
}

/* The entries up to a tail; what became of them into *io. @return whether more are there. */
static bool drain(struct uiommu_amd *hw, struct uiommu_fetch *io, uint32_t n)
{
    struct amd_log *log = &hw->ppr;
    uint32_t before = log->head;
    enum amd_take take = AMD_TAKEN;
    uint64_t entry[AMD_LOG_WORDS];

    if ((hw->config.flags & (UIOMMU_AMD_NOT_COHERENT | UIOMMU_AMD_LOGS_READ_ONLY)) == 0)
        n -= take_some(hw, io, n);
    while (n != 0 && io->request_count < io->request_room) {
        take = uiommu_amd_log_take(hw, log, entry);
        if (take == AMD_NOT_YET)
            break;
        if (take == AMD_TAKEN)
            deliver(entry, io);
        io->entries++;
        n--;
    }
    if (log->head != before) {
        uiommu_amd_log_publish(hw, log);
        /* Behind the tail there was: no interrupt of its own. */
        (void)uiommu_amd_log_used(hw, log, &n);
    }
    return n != 0 && take != AMD_NOT_YET;
}

/* The status is read before the tail: with an overflow in it the tail is the last there is. */
void uiommu_amd_prq_fetch(struct uiommu_amd *hw, struct uiommu_fetch *io)
{
    struct amd_log *log = &hw->ppr;
    uint32_t status = uiommu_amd_read(hw, AMD_STATUS), n;

    (void)uiommu_amd_log_used(hw, log, &n);
    io->entries = log->discarded;
    log->discarded = 0;
    if (drain(hw, io, n))
        io->flags |= UIOMMU_FETCH_MORE;
    if (uiommu_amd_log_stopped(log, status))
        log->reported = true;
    if (log->reported || log->lost)
        io->flags |= UIOMMU_FETCH_OVERFLOW;
    if (log->skipped)
        io->flags |= UIOMMU_FETCH_LATE;
    log->skipped = false;
}
