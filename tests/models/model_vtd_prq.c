/* SPDX-License-Identifier: BSD-2-Clause */
#include "model_vtd_internal.h"

uint64_t vtd_prq_bytes(const struct model_vtd *m)
{
    return (uint64_t)4096 << (m->pqa & 7);
}

static bool is_marker(const struct model_page_request *r)
{
    return r->has_pasid && r->last && (r->access & (MODEL_READ | MODEL_WRITE)) == 0;
}

static void answer(struct model_vtd *m, const struct model_page_request *r, uint32_t code)
{
    struct model_page_response response = {.id = r->id,
                                           .has_pasid = r->has_pasid,
                                           .pasid = r->pasid,
                                           .index = r->index,
                                           .code = code,
                                           .automatic = true};

    if (is_marker(r)) {
        m->counts.markers_dropped++;
        return;
    }
    if (!r->last) {
        m->counts.requests_dropped++;
        return;
    }
    if (code == MODEL_RESPONSE_SUCCESS) {
        m->counts.auto_success++;
    } else {
        m->counts.auto_invalid++;
    }
    if (m->fabric != NULL) {
        model_fabric_page_response(m->fabric, &response);
    }
}

static void overflow(struct model_vtd *m)
{
    bool idle = vtd_event_idle(m, MODEL_VTD_IRQ_PAGE_REQUEST);

    m->prs |= VTD_PRO;
    m->counts.overflows++;
    if (idle) {
        vtd_event_raise(m, MODEL_VTD_IRQ_PAGE_REQUEST);
    }
}

void model_vtd_force_overflow(struct model_vtd *m)
{
    overflow(m);
}

/* The oldest accepted request becomes visible. */
static void deliver(struct model_vtd *m)
{
    uint32_t at = m->accepted_first;
    bool idle = vtd_event_idle(m, MODEL_VTD_IRQ_PAGE_REQUEST);
    uint64_t word[4];

    if (m->accepted_count == 0) {
        return;
    }
    word[0] = m->accepted_words[at][0];
    word[1] = m->accepted_words[at][1];
    word[2] = m->knobs.scramble_prq ? model_random(m->world) : 0;
    word[3] = m->knobs.scramble_prq ? model_random(m->world) : 0;
    m->accepted_first = (at + 1) % VTD_ACCEPTED;
    m->accepted_count--;
    if (!vtd_write_words(m, (m->pqa & ~vtd_ones(12)) + m->pqt, word, 4)) {
        vtd_wrong(m, "vtd.prq.write-abort", "a page request cannot be written to its queue", m->pqa,
                  m->pqt);
    }
    m->pqt = (m->pqt + 32) & (vtd_prq_bytes(m) - 1);
    m->prs |= VTD_PPR;
    if (idle) {
        vtd_event_raise(m, MODEL_VTD_IRQ_PAGE_REQUEST);
    }
}

void vtd_prq_push(struct model_vtd *m)
{
    while (m->accepted_count > 0) {
        deliver(m);
    }
    vtd_pending_run(m);
}

static void deliver_work(void *arg, uint64_t token)
{
    struct model_vtd *m = arg;

    while (m->accepted_count > 0 && m->accepted_number[m->accepted_first] <= token) {
        deliver(m);
    }
    vtd_pending_run(m);
}

static void remember(struct model_vtd *m, const struct model_page_request *r)
{
    struct vtd_group *free = NULL;
    uint32_t i;

    for (i = 0; i < VTD_GROUPS; i++) {
        struct vtd_group *g = &m->group[i];

        if (g->used && g->id == r->id && g->has_pasid == r->has_pasid && g->pasid == r->pasid &&
            g->index == r->index && g->marker == is_marker(r)) {
            return;
        }
        if (!g->used && free == NULL) {
            free = g;
        }
    }
    if (free == NULL) {
        free = &m->group[model_choose(m->world, VTD_GROUPS)];
    }
    *free = (struct vtd_group){.used = true,
                               .marker = is_marker(r),
                               .has_pasid = r->has_pasid,
                               .id = r->id,
                               .pasid = r->pasid,
                               .index = r->index};
}

static void accept(struct model_vtd *m, const struct model_page_request *r, uint64_t number)
{
    uint32_t at = (m->accepted_first + m->accepted_count) % VTD_ACCEPTED;
    bool marker = is_marker(r);
    uint64_t *word = m->accepted_words[at];

    word[0] = 1 | (uint64_t)(r->id & 0xFFFFu) << 16;
    if (r->has_pasid) {
        word[0] |= (uint64_t)1 << 8 | (uint64_t)(r->pasid & 0xFFFFFu) << 32;
    }
    word[1] = (uint64_t)(r->last ? 1 : 0) << 2;
    if (!marker) {
        word[0] |= (uint64_t)((r->access & MODEL_EXEC) != 0 ? 1 : 0) << 52 |
                   (uint64_t)((r->access & MODEL_PRIV) != 0 ? 1 : 0) << 53;
        word[1] |= ((r->access & MODEL_READ) != 0 ? 1u : 0u) |
                   ((r->access & MODEL_WRITE) != 0 ? 2u : 0u) | (uint64_t)(r->index & 0x1FFu) << 3 |
                   (r->address & ~vtd_ones(12));
        m->counts.requests_queued++;
    } else {
        m->counts.markers_queued++;
    }
    if (r->last) {
        remember(m, r);
    }
    m->accepted_number[(m->accepted_first + m->accepted_count) % VTD_ACCEPTED] = number;
    m->accepted_count++;
    if (m->knobs.prq_lag_ns == 0 || m->accepted_count == VTD_ACCEPTED) {
        vtd_prq_push(m);
    } else {
        vtd_later(m, vtd_lag(m, m->knobs.prq_lag_ns), deliver_work, number);
    }
}

/* What hardware itself drops so that the device's next try meets the tables. */
static void implicit(struct model_vtd *m, const struct vtd_access *want,
                     const struct vtd_pasid *entry)
{
    uint64_t did = (uint64_t)(entry->did & 0xFFFFu) << 16;
    uint64_t page = want->address & ~vtd_ones(12);

    switch (vtd_bits(entry->word[0], 8, 6)) {
    case VTD_PGTT_FIRST:
        vtd_drop_first(m, 0x36 | did | (uint64_t)entry->pasid << 32, page);
        break;
    case VTD_PGTT_NESTED:
        vtd_drop_second(m, 0x22 | did, 0);
        break;
    default:
        vtd_drop_second(m, 0x32 | did, page);
        break;
    }
}

static bool full(const struct model_vtd *m)
{
    uint64_t mask = vtd_prq_bytes(m) - 1;

    return ((m->pqt + 32 * ((uint64_t)m->accepted_count + 1)) & mask) == m->pqh;
}

static void take(struct model_vtd *m, const struct model_page_request *r, uint64_t number)
{
    struct vtd_access want = {.id = r->id,
                              .has_pasid = r->has_pasid,
                              .pasid = r->pasid,
                              .address = r->address,
                              .access = r->access,
                              .at = 3};
    struct vtd_context context;
    struct vtd_pasid entry;
    struct vtd_outcome got;

    if (!vtd_on(m, VTD_TES) || !m->config.prs || (is_marker(r) && (m->knobs.swallow_markers))) {
        if (is_marker(r)) {
            m->counts.markers_dropped++;
        } else {
            m->counts.requests_dropped++;
        }
        return;
    }
    want.quiet = is_marker(r) && m->config.sms && !m->knobs.marker_fault;
    memset(&got, 0, sizeof(got));
    if (!vtd_walk(m, &want, &context, &entry, &got)) {
        vtd_fault(m, &want, &got);
        answer(m, r, MODEL_RESPONSE_INVALID);
        return;
    }
    if ((m->prs & VTD_PRO) != 0) {
        answer(m, r, MODEL_RESPONSE_SUCCESS);
        return;
    }
    if (!m->pqa_set) {
        vtd_wrong(m, "vtd.init.prq-not-set", "a page request arrives and PQA was never written",
                  r->id, r->pasid);
        answer(m, r, MODEL_RESPONSE_SUCCESS);
        return;
    }
    if (full(m)) {
        answer(m, r, MODEL_RESPONSE_SUCCESS);
        overflow(m);
        return;
    }
    implicit(m, &want, &entry);
    accept(m, r, number);
}

/* The oldest at the ingress is looked at. */
static void take_first(struct model_vtd *m)
{
    uint32_t at = m->ingress_first;

    m->ingress_first = (at + 1) % VTD_ACCEPTED;
    m->ingress_count--;
    take(m, &m->ingress[at], m->ingress_number[at]);
}

static void ingress_work(void *arg, uint64_t token)
{
    struct model_vtd *m = arg;

    while (m->ingress_count > 0 && m->ingress_number[m->ingress_first] <= token) {
        take_first(m);
    }
    vtd_pending_run(m);
}

void vtd_prq_request(void *ctx, const struct model_page_request *r)
{
    struct model_vtd *m = ctx;
    uint32_t at;

    m->received++;
    if (m->knobs.ingress_lag_ns == 0 && m->ingress_count == 0) {
        take(m, r, m->received);
        return;
    }
    if (m->ingress_count == VTD_ACCEPTED) {
        take_first(m);
    }
    at = (m->ingress_first + m->ingress_count) % VTD_ACCEPTED;
    m->ingress[at] = *r;
    m->ingress_number[at] = m->received;
    m->ingress_count++;
    vtd_later(m, vtd_lag(m, m->knobs.ingress_lag_ns), ingress_work, m->received);
}

bool vtd_prq_settled(const struct model_vtd *m, uint64_t number)
{
    return (m->ingress_count == 0 || m->ingress_number[m->ingress_first] > number) &&
           (m->accepted_count == 0 || m->accepted_number[m->accepted_first] > number);
}
