/* SPDX-License-Identifier: BSD-2-Clause */
#include "model_smmuv3_internal.h"

#define OVERFLOW        0x80000000u
#define LAST_ONLY       0x80000000u /* PRIQ_IRQ_CFG2.LO */
#define CR2_RECINVSID   1u
#define CR2_REC_CFG_ATS 3u

static bool is_marker(const struct model_page_request *r)
{
    return r->has_pasid && r->last && (r->access & (MODEL_READ | MODEL_WRITE)) == 0;
}

static bool overflowed(const struct model_smmuv3 *m)
{
    return ((m->priq.hw ^ m->priq.cons) & OVERFLOW) != 0;
}

bool model_smmuv3_priq_overflowed(const struct model_smmuv3 *m)
{
    return overflowed(m);
}

/* ---- what waits for an answer ---- */

static void note_last(struct model_smmuv3 *m, const struct model_page_request *r, bool marker)
{
    struct smmu_group *g = &m->group[m->group_next];
    unsigned i;

    for (i = 0; i < SMMU_GROUPS && g->used && !g->marker; i++) {
        m->group_next = (m->group_next + 1) & (SMMU_GROUPS - 1);
        g = &m->group[m->group_next];
    }
    m->group_next = (m->group_next + 1) & (SMMU_GROUPS - 1);
    *g = (struct smmu_group){.used = true,
                             .marker = marker,
                             .has_pasid = r->has_pasid,
                             .sid = r->id,
                             .pasid = r->pasid,
                             .index = r->index};
}

static struct smmu_group *find_group(struct model_smmuv3 *m, const struct model_page_response *r,
                                     bool marker)
{
    unsigned i;

    for (i = 0; i < SMMU_GROUPS; i++) {
        struct smmu_group *g = &m->group[i];

        if (g->used && g->marker == marker && g->sid == r->id && g->index == r->index &&
            (!r->has_pasid || (g->has_pasid && g->pasid == r->pasid))) {
            return g;
        }
    }
    return NULL;
}

/* ---- responses ---- */

static void send(struct model_smmuv3 *m, const struct model_page_response *response)
{
    if (m->fabric != NULL) {
        model_fabric_page_response(m->fabric, response);
    }
}

static void respond_work(void *arg, uint64_t token)
{
    struct model_smmuv3 *m = arg;
    struct model_page_response first;
    uint32_t i = model_choose(m->world, m->response_count);

    (void)token;
    if (m->response_count == 0) {
        return;
    }
    first = m->response[i];
    m->response_count--;
    m->response[i] = m->response[m->response_count];
    send(m, &first);
}

/* CMD_PRI_RESP: sent some time, in no order against anything. */
void smmu_pri_respond(struct model_smmuv3 *m, uint64_t d0, uint64_t d1)
{
    static const uint32_t code[4] = {MODEL_RESPONSE_FAILURE, MODEL_RESPONSE_INVALID,
                                     MODEL_RESPONSE_SUCCESS, MODEL_RESPONSE_FAILURE};
    struct model_page_response response;
    struct smmu_group *g;

    memset(&response, 0, sizeof(response));
    response.id = (uint32_t)(d0 >> 32);
    response.has_pasid = smmu_bit(d0, 11);
    response.pasid = response.has_pasid ? smmu_bits(d0, 31, 12) : 0;
    response.index = smmu_bits(d1, 8, 0);
    response.code = code[smmu_bits(d1, 13, 12)];
    if (response.has_pasid && m->config.no_pasid) {
        if (model_chance(m->world, 500)) {
            return;
        }
        response.has_pasid = false;
        response.pasid = 0;
    }
    m->counts.responses++;
    g = find_group(m, &response, false);
    if (g != NULL) {
        g->used = false;
    } else {
        m->counts.responses_unmatched++;
        g = find_group(m, &response, true);
        if (g != NULL) {
            g->used = false;
            smmu_wrong(m, "smmuv3.pri.marker-answered", "a Stop Marker was answered", response.id,
                       (uint64_t)response.pasid << 32 | response.index);
        }
    }
    if (m->response_count == SMMU_RESPONSES) {
        respond_work(m, 0);
    }
    m->response[m->response_count++] = response;
    smmu_later(m, smmu_lag(m, m->knobs.response_lag_ns), respond_work, 0);
}

static void answer(struct model_smmuv3 *m, const struct model_page_request *r, uint32_t code,
                   bool with_pasid)
{
    struct model_page_response response;

    memset(&response, 0, sizeof(response));
    response.id = r->id;
    response.has_pasid = with_pasid;
    response.pasid = with_pasid ? r->pasid : 0;
    response.index = r->index;
    response.code = code;
    response.automatic = true;
    if (code == MODEL_RESPONSE_SUCCESS) {
        m->counts.auto_success++;
    } else {
        m->counts.auto_failure++;
    }
    send(m, &response);
}

/* Queue off, or in error: everybody is told Failure. */
static void refuse(struct model_smmuv3 *m, const struct model_page_request *r)
{
    if (is_marker(r)) {
        m->counts.markers_dropped++;
    } else if (!r->last && m->knobs.priq_off_last_only) {
        m->counts.requests_dropped++;
    } else {
        m->counts.requests_dropped++;
        answer(m, r, MODEL_RESPONSE_FAILURE, false);
    }
}

static void answer_by_ste(struct model_smmuv3 *m, const struct model_page_request *r)
{
    const struct smmu_ste *ste;
    struct smmu_outcome got;
    struct smmu_access want;
    uint64_t word[4];

    memset(&got, 0, sizeof(got));
    ste = smmu_ste_get(m, r->id, &got);
    if (ste != NULL) {
        answer(m, r, MODEL_RESPONSE_SUCCESS, ste->ppar);
        return;
    }
    if (smmu_bit(m->cr2, CR2_REC_CFG_ATS) &&
        (got.event != SMMU_C_BAD_STREAMID || smmu_bit(m->cr2, CR2_RECINVSID))) {
        memset(&want, 0, sizeof(want));
        want.sid = r->id;
        want.has_ssid = r->has_pasid;
        want.ssid = r->pasid;
        smmu_event_fault(m, word, &want, &got);
        smmu_event_post(m, word, false);
    }
    answer(m, r, MODEL_RESPONSE_FAILURE, false);
}

static void overflow(struct model_smmuv3 *m, const struct model_page_request *r)
{
    if (!overflowed(m)) {
        m->priq.hw ^= OVERFLOW;
        smmu_pri_publish(m);
    }
    if (r->last && (m->msi[MODEL_SMMUV3_IRQ_PRIQ].attributes & LAST_ONLY) != 0) {
        smmu_irq(m, MODEL_SMMUV3_IRQ_PRIQ);
    }
    if (is_marker(r)) {
        m->counts.markers_dropped++;
        return;
    }
    m->counts.requests_dropped++;
    if (!r->last) {
        return;
    }
    if (!r->has_pasid || m->config.ssid_bits == 0) {
        answer(m, r, MODEL_RESPONSE_SUCCESS, false);
    } else if (m->config.pps) {
        answer(m, r, MODEL_RESPONSE_SUCCESS, true);
    } else {
        answer_by_ste(m, r);
    }
}

/* ---- the queue ---- */

void smmu_pri_publish(struct model_smmuv3 *m)
{
    bool was_empty = smmu_queue_used(&m->priq, m->priq.prod, m->priq.cons) == 0;
    bool grew = smmu_queue_used(&m->priq, m->priq.hw, m->priq.prod) != 0;

    m->priq.publishing = false;
    m->priq.prod = m->priq.hw;
    if (was_empty && grew && (m->msi[MODEL_SMMUV3_IRQ_PRIQ].attributes & LAST_ONLY) == 0) {
        smmu_irq(m, MODEL_SMMUV3_IRQ_PRIQ);
    }
}

static void publish_work(void *arg, uint64_t token)
{
    struct model_smmuv3 *m = arg;

    (void)token;
    if (m->priq.publishing && smmu_bit(m->cr0.ack, SMMU_PRIQEN)) {
        smmu_pri_publish(m);
    }
}

static void publish_later(struct model_smmuv3 *m)
{
    if (m->knobs.pri_lag_ns == 0) {
        smmu_pri_publish(m);
    } else if (!m->priq.publishing) {
        m->priq.publishing = true;
        smmu_later(m, smmu_lag(m, m->knobs.pri_lag_ns), publish_work, 0);
    }
}

static void encode(const struct model_page_request *r, uint64_t word[2])
{
    word[0] = r->id;
    word[1] = (r->address & ~(uint64_t)0xFFF) | (r->index & 0x1FF);
    if (r->has_pasid) {
        word[0] |= (uint64_t)(r->pasid & 0xFFFFF) << 32 | (uint64_t)1 << 63;
        word[0] |= (r->access & MODEL_PRIV) != 0 ? (uint64_t)1 << 58 : 0;
        word[0] |= (r->access & MODEL_EXEC) != 0 ? (uint64_t)1 << 59 : 0;
    }
    word[0] |= (r->access & MODEL_READ) != 0 ? (uint64_t)1 << 60 : 0;
    word[0] |= (r->access & MODEL_WRITE) != 0 ? (uint64_t)1 << 61 : 0;
    word[0] |= r->last ? (uint64_t)1 << 62 : 0;
}

static void queue(struct model_smmuv3 *m, const struct model_page_request *r)
{
    uint64_t at = smmu_queue_slot(m, &m->priq, m->priq.hw);
    uint64_t word[2];

    encode(r, word);
    if (!r->has_pasid) {
        word[0] |= (model_random(m->world) & 0xFFFFF) << 32; /* UNKNOWN without SSV. */
    }
    if (!model_bus_write64(m->world, at, word[0]) ||
        !model_bus_write64(m->world, at + 8, word[1])) {
        smmu_gerror_raise(m, SMMU_PRIQ_ABT);
        if (!m->knobs.priq_abort_async) {
            refuse(m, r);
            return;
        }
    } else if (r->last) {
        note_last(m, r, is_marker(r));
    }
    if (is_marker(r)) {
        m->counts.markers_queued++;
    } else {
        m->counts.requests_queued++;
    }
    m->priq.hw = smmu_queue_next(&m->priq, m->priq.hw);
    publish_later(m);
    if (r->last && (m->msi[MODEL_SMMUV3_IRQ_PRIQ].attributes & LAST_ONLY) != 0) {
        smmu_pri_publish(m);
        smmu_irq(m, MODEL_SMMUV3_IRQ_PRIQ);
    }
}

/* A message arrives. */
void smmu_pri_request(void *ctx, const struct model_page_request *request)
{
    struct model_smmuv3 *m = ctx;

    if (m->knobs.swallow_markers && is_marker(request)) {
        m->counts.markers_dropped++;
        return;
    }
    smmu_see(m, request->id, request->has_pasid ? request->pasid : MODEL_SMMUV3_NONE);
    if (!m->config.pri || !smmu_enabled(m, SMMU_PRIQEN) || !smmu_enabled(m, SMMU_SMMUEN) ||
        m->sfm || smmu_gerror_active(m, SMMU_PRIQ_ABT)) {
        refuse(m, request);
    } else if (overflowed(m) || smmu_queue_full(&m->priq, m->priq.hw, m->priq.cons)) {
        overflow(m, request);
    } else {
        queue(m, request);
    }
}

/* As if a request had come while the queue was full; none was lost. */
void model_smmuv3_force_overflow(struct model_smmuv3 *m)
{
    if (m->config.pri && smmu_enabled(m, SMMU_PRIQEN) && !overflowed(m)) {
        m->priq.hw ^= OVERFLOW;
        smmu_pri_publish(m);
    }
}
