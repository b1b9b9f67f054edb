/* SPDX-License-Identifier: BSD-2-Clause */
#include "model_amd_internal.h"

#define CODE_PAGE_REQUEST (UINT64_C(1) << 60)
#define WORD_GN           (UINT64_C(1) << 56)
#define WORD_US           (UINT64_C(1) << 54)
#define WORD_W            (UINT64_C(1) << 53)
#define WORD_R            (UINT64_C(1) << 50)
#define WORD_EX           (UINT64_C(1) << 49)
#define WORD_LAST         (UINT64_C(1) << 41)

static bool is_marker(const struct model_page_request *r)
{
    return r->last && r->has_pasid && (r->access & (MODEL_READ | MODEL_WRITE | MODEL_EXEC)) == 0;
}

/* DeviceID, PASID, tag and Last: the same places in the log and in event 9. */
static uint64_t common(const struct model_page_request *r)
{
    uint64_t pasid = r->has_pasid ? r->pasid : 0;

    return (r->id & 0xFFFF) | (pasid & 0xFFFF) << 16 | (uint64_t)(r->index & 0x1FF) << 32 |
           (r->last ? WORD_LAST : 0) | (pasid >> 16 & 0xF) << 42;
}

static void encode(const struct model_page_request *r, uint64_t word[2])
{
    bool user = r->has_pasid && (r->access & MODEL_PRIV) == 0 && !is_marker(r);

    word[0] = common(r) | CODE_PAGE_REQUEST | (r->has_pasid ? WORD_GN : 0) | (user ? WORD_US : 0) |
              ((r->access & MODEL_WRITE) != 0 ? WORD_W : 0) |
              ((r->access & MODEL_READ) != 0 ? WORD_R : 0) |
              ((r->access & MODEL_EXEC) != 0 ? WORD_EX : 0);
    word[1] = r->address & ~UINT64_C(0xFFF);
}

static void decode(const uint64_t word[2], struct model_page_request *r)
{
    memset(r, 0, sizeof(*r));
    r->id = amd_bits(word[0], 15, 0);
    r->has_pasid = (word[0] & WORD_GN) != 0;
    r->pasid = amd_bits(word[0], 31, 16) | amd_bits(word[0], 45, 42) << 16;
    r->index = amd_bits(word[0], 40, 32);
    r->last = (word[0] & WORD_LAST) != 0;
    r->access = ((word[0] & WORD_W) != 0 ? MODEL_WRITE : 0u) |
                ((word[0] & WORD_R) != 0 ? MODEL_READ : 0u) |
                ((word[0] & WORD_EX) != 0 ? MODEL_EXEC : 0u);
    r->address = word[1];
}

static void invalid(struct model_amd *m, const struct model_page_request *r)
{
    uint64_t word = common(r) | (uint64_t)AMD_INVALID_PPR << 60;

    m->counts.requests_invalid++;
    word |= r->has_pasid ? UINT64_C(1) << 57 : 0;
    word |= m->knobs.rx_answered ? UINT64_C(1) << 48 : 0;
    if (m->knobs.rx_answered && r->last) {
        amd_auto_respond(m, r->id, r->has_pasid, r->pasid, r->index, MODEL_RESPONSE_FAILURE);
    } else if (!m->knobs.rx_answered) {
        amd_group_open(m, r, false, true);
    }
    amd_event_post(m, (uint32_t)word, (uint32_t)(word >> 32), r->address & ~UINT64_C(0xFFF));
}

static bool accepted(struct model_amd *m, const struct model_page_request *r)
{
    struct amd_access want = {.id = r->id, .address = r->address};
    struct amd_outcome got;
    const struct amd_dte *dte;

    memset(&got, 0, sizeof(got));
    dte = amd_dte_get(m, &want, &got);
    if (dte == NULL) {
        amd_event_fault(m, &want, &got);
        return false;
    }
    return m->config.ppr && amd_control(m, AMD_PPR_EN) && amd_control(m, AMD_GT_EN) && dte->v &&
           dte->tv && dte->gv && (dte->ppr || !m->config.eph);
}

/* A request that finds no place in the log. */
static void lost(struct model_amd *m, const struct model_page_request *r)
{
    if (is_marker(r)) {
        m->counts.markers_dropped++;
        return;
    }
    if (m->config.ppr_auto && amd_control(m, AMD_AUTO_RSP_EN)) {
        if (r->last || m->knobs.auto_non_last) {
            amd_auto_respond(m, r->id, r->has_pasid, r->pasid, r->index, m->auto_response & 0xF);
        }
        amd_group_lost(m, r->id, r->pasid, r->index);
        return;
    }
    m->counts.requests_dropped++;
    amd_group_lost(m, r->id, r->pasid, r->index);
}

void amd_ppr_request(void *ctx, const struct model_page_request *r)
{
    struct model_amd *m = ctx;
    bool marker = is_marker(r);
    uint64_t word[2];
    bool good;

    if (!amd_control(m, AMD_IOMMU_EN)) {
        m->counts.requests_dropped++;
        return;
    }
    amd_see(m, r->id, r->has_pasid ? r->pasid : MODEL_AMD_NONE);
    good = accepted(m, r);
    if (marker && (!good || m->knobs.swallow_markers || amd_control(m, AMD_BLOCK_MARKERS))) {
        m->counts.markers_dropped++;
        return;
    }
    if (!good) {
        invalid(m, r);
        return;
    }
    if (amd_control(m, AMD_AUTO_RSP_AON) && !marker) {
        if (r->last) {
            amd_auto_respond(m, r->id, r->has_pasid, r->pasid, r->index, m->auto_response & 0xF);
        }
        return;
    }
    encode(r, word);
    amd_log_post(m, 1, word, m->knobs.ppr_lag_ns);
}

static unsigned overflow_bit(uint32_t ring)
{
    return ring == AMD_PPR_B ? AMD_PPR_OVERFLOW_B : AMD_PPR_OVERFLOW;
}

static void overflow(struct model_amd *m)
{
    uint32_t other = m->active == AMD_PPR_A ? AMD_PPR_B : AMD_PPR_A;
    struct amd_ring *r = &m->ring[m->active];

    m->counts.overflows++;
    r->run = false;
    r->stopping = false;
    amd_raise(m, overflow_bit(m->active));
    if (!m->knobs.overflow_no_int) {
        amd_raise(m, AMD_PPR_INT);
    }
    if (amd_bits(m->control, 31, 30) == 2 && m->ring[other].run &&
        !amd_bit(m->status, overflow_bit(other))) {
        m->active = other;
    }
}

static void check_early(struct model_amd *m)
{
    unsigned log = m->active - AMD_PPR_A;

    if (amd_bit(m->early[log], 31) &&
        amd_ring_used(&m->ring[m->active]) > amd_bits(m->early[log], 14, 0)) {
        amd_raise(m, log == 0 ? AMD_PPR_EARLY : AMD_PPR_EARLY_B);
    }
}

void amd_ppr_write(struct model_amd *m, const uint64_t word[2])
{
    struct amd_ring *r = &m->ring[m->active];
    struct model_page_request request;

    decode(word, &request);
    if (r->run && amd_ring_next(r, r->tail) == r->head) {
        overflow(m);
        r = &m->ring[m->active];
    }
    if (!r->run || amd_bit(m->status, overflow_bit(m->active)) ||
        amd_ring_next(r, r->tail) == r->head) {
        lost(m, &request);
        return;
    }
    amd_log_store(m, m->active, word);
    if (is_marker(&request)) {
        m->counts.markers_logged++;
    } else {
        m->counts.requests_logged++;
    }
    amd_group_open(m, &request, is_marker(&request), false);
    amd_raise(m, AMD_PPR_INT);
    check_early(m);
}

void model_amd_force_overflow(struct model_amd *m)
{
    if (m->ring[m->active].run) {
        overflow(m);
    }
}

void model_amd_inject_request(struct model_amd *m, const uint32_t dw[4])
{
    uint64_t word[2];

    word[0] = (uint64_t)dw[1] << 32 | dw[0];
    word[1] = (uint64_t)dw[3] << 32 | dw[2];
    amd_log_post(m, 1, word, 0);
}

bool model_amd_spoil_request(struct model_amd *m, const uint32_t dw[4])
{
    struct amd_ring *r = &m->ring[m->active];
    uint32_t bytes = 16 * amd_ring_entries(r);
    struct model_page_request request;
    uint64_t word[2], was[2], at;

    if (bytes == 0 || r->head == r->tail) {
        return false;
    }
    at = (r->base & AMD_ADDRESS) + (r->tail + bytes - 16) % bytes;
    amd_log_arrive(m);
    if (!model_bus_read64(m->world, at, &was[0]) || !model_bus_read64(m->world, at + 8, &was[1])) {
        return false;
    }
    decode(was, &request);
    amd_group_forget(m, request.id, request.pasid, request.index);
    word[0] = (uint64_t)dw[1] << 32 | dw[0];
    word[1] = (uint64_t)dw[3] << 32 | dw[2];
    decode(word, &request);
    amd_group_open(m, &request, is_marker(&request), false);
    return model_bus_write64(m->world, at + 8, word[1]) && model_bus_write64(m->world, at, word[0]);
}
