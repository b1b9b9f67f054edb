/* SPDX-License-Identifier: BSD-2-Clause */
#include "model_amd_internal.h"

static struct amd_group *partial(struct model_amd *m, uint32_t id, uint32_t pasid, uint32_t index)
{
    unsigned i;

    for (i = 0; i < AMD_GROUPS; i++) {
        struct amd_group *g = &m->group[i];

        if (g->used && !g->last && g->id == id && g->pasid == pasid && g->index == index) {
            return g;
        }
    }
    return NULL;
}

void amd_group_open(struct model_amd *m, const struct model_page_request *r, bool marker,
                    bool event)
{
    struct amd_group *g = marker ? NULL : partial(m, r->id, r->pasid, r->index);
    unsigned i;

    for (i = 0; i < AMD_GROUPS && marker; i++) { /* The newest marker of a PASID is enough. */
        if (m->group[i].used && m->group[i].marker && m->group[i].id == r->id &&
            m->group[i].pasid == r->pasid) {
            g = &m->group[i];
        }
    }
    for (i = 0; i < AMD_GROUPS && g == NULL; i++) {
        if (!m->group[i].used) {
            g = &m->group[i];
        }
    }
    if (g == NULL) {
        g = &m->group[m->group_next++ % AMD_GROUPS];
    }
    g->used = true;
    g->has_pasid = r->has_pasid;
    g->last = r->last;
    g->marker = marker;
    g->lost = false;
    g->event = event;
    g->id = r->id;
    g->pasid = r->pasid;
    g->index = r->index;
}

/* A request of the group never reached software: its Last may not either. */
void amd_group_lost(struct model_amd *m, uint32_t id, uint32_t pasid, uint32_t index)
{
    struct amd_group *g = partial(m, id, pasid, index);

    if (g != NULL) {
        g->lost = true;
    }
}

void amd_group_forget(struct model_amd *m, uint32_t id, uint32_t pasid, uint32_t index)
{
    unsigned i;

    for (i = 0; i < AMD_GROUPS; i++) {
        struct amd_group *g = &m->group[i];

        if (g->used && g->id == id && g->pasid == pasid && g->index == index) {
            g->used = false;
        }
    }
}

void model_amd_forget_device(struct model_amd *m, uint32_t id)
{
    unsigned i;

    for (i = 0; i < AMD_GROUPS; i++) {
        if (m->group[i].id == id) {
            m->group[i].used = false;
        }
    }
}

uint32_t model_amd_requests_open(const struct model_amd *m)
{
    uint32_t count = 0;
    unsigned i;

    for (i = 0; i < AMD_GROUPS; i++) {
        const struct amd_group *g = &m->group[i];

        count += g->used && g->last && !g->marker ? 1u : 0u;
    }
    return count;
}

static void deliver(struct model_amd *m, const struct model_page_response *response)
{
    if (m->fabric != NULL) {
        model_fabric_page_response(m->fabric, response);
    }
}

static void respond_work(void *arg, uint64_t token)
{
    struct model_amd *m = arg;
    struct model_page_response response;
    uint32_t i;

    (void)token;
    if (m->response_count == 0) {
        return;
    }
    i = model_choose(m->world, m->response_count);
    response = m->response[i];
    m->response[i] = m->response[--m->response_count];
    deliver(m, &response);
    amd_cmdq_kick(m);
}

void amd_respond_later(struct model_amd *m, const struct model_page_response *response)
{
    if (m->response_count == AMD_RECORDS) {
        deliver(m, response);
        return;
    }
    m->response[m->response_count++] = *response;
    amd_later(m, amd_lag(m, m->knobs.response_lag_ns), respond_work, 0);
}

/* Whether a response carries the PASID is the table entry's say. */
static bool with_pasid(struct model_amd *m, uint32_t id)
{
    struct amd_access want = {.id = id};
    struct amd_outcome got;
    const struct amd_dte *dte = amd_dte_find(m, id);

    memset(&got, 0, sizeof(got));
    if (dte == NULL) {
        dte = amd_dte_get(m, &want, &got);
    }
    return dte != NULL && dte->v && dte->gprp;
}

void amd_auto_respond(struct model_amd *m, uint32_t id, bool has_pasid, uint32_t pasid,
                      uint32_t index, uint32_t code)
{
    struct model_page_response response;

    memset(&response, 0, sizeof(response));
    response.id = id;
    response.has_pasid = has_pasid && with_pasid(m, id);
    response.pasid = response.has_pasid ? pasid : 0;
    response.index = index;
    response.code = code;
    response.automatic = true;
    m->counts.auto_responses++;
    amd_respond_later(m, &response);
}

/* An answer without GN is for a request without one first; of what a reset left here there may be
 * another of the same index. */
static struct amd_group *exact(struct model_amd *m, uint32_t id, uint32_t index, bool gn,
                               uint32_t pasid)
{
    struct amd_group *other = NULL;
    unsigned i;

    for (i = 0; i < AMD_GROUPS; i++) {
        struct amd_group *g = &m->group[i];

        if (g->used && !g->marker && g->last && g->id == id && g->index == index &&
            (!gn || (g->has_pasid && g->pasid == pasid))) {
            if (g->has_pasid == gn) {
                return g;
            }
            other = other == NULL ? g : other;
        }
    }
    return other;
}

/* No group awaits this answer: say what it hit instead. NULL, or the group whose Last was lost. */
static struct amd_group *unmatched(struct model_amd *m, uint32_t id, uint32_t index, bool gn,
                                   uint32_t pasid)
{
    struct amd_group *part = partial(m, id, pasid, index);
    unsigned i;

    if (part != NULL && part->lost) {
        return part;
    }
    if (part != NULL) {
        m->counts.partial_answered++;
        amd_wrong(m, "amd.ppr.partial-answered", "an answer although Last has not come", id, index);
        return NULL;
    }
    if (gn && exact(m, id, index, false, 0) != NULL) {
        m->counts.wrong_pasid++;
        amd_wrong(m, "amd.ppr.wrong-pasid", "an answer under another PASID than the request", index,
                  pasid);
        return NULL;
    }
    for (i = 0; i < AMD_GROUPS; i++) {
        const struct amd_group *g = &m->group[i];

        if (g->used && g->marker && g->id == id && g->index == index && g->pasid == pasid) {
            m->counts.marker_answered++;
            amd_wrong(m, "amd.ppr.marker-answered", "a Stop Marker takes no answer", id, index);
            return NULL;
        }
    }
    m->counts.unmatched++;
    amd_wrong(m, "amd.ppr.unmatched", "an answer that no request waits for", id, index);
    return NULL;
}

/* COMPLETE_PPR_REQUEST */
void amd_respond(struct model_amd *m, const uint32_t dw[4])
{
    uint32_t id = dw[0] & 0xFFFF;
    uint32_t pasid = dw[1] & 0xFFFFF;
    uint32_t index = dw[3] & 0x1FF;
    uint32_t code = dw[3] >> 12 & 0xF;
    bool gn = (dw[2] & 4) != 0;
    struct amd_group *g = exact(m, id, index, gn, pasid);
    struct model_page_response response;

    m->counts.responses++;
    if (code > 1 && code < 0xF) {
        m->counts.bad_status++;
        amd_wrong(m, "amd.ppr.bad-status", "a response code that PCIe does not use", id, code);
        code = MODEL_RESPONSE_FAILURE;
    }
    if (g == NULL) {
        g = unmatched(m, id, index, gn, pasid);
    }
    memset(&response, 0, sizeof(response));
    response.id = id;
    response.has_pasid = (g != NULL ? g->has_pasid : gn) && with_pasid(m, id);
    response.pasid = !response.has_pasid ? 0 : g != NULL ? g->pasid : pasid;
    response.index = index;
    response.code = code;
    if (g != NULL) {
        if (gn != g->has_pasid) {
            m->counts.gn_differs++;
        }
        if (gn != g->has_pasid && m->knobs.strict_gn) {
            amd_wrong(m, "amd.ppr.gn-differs", "GN is not that of the request", id, index);
        }
        g->used = false;
    }
    amd_respond_later(m, &response);
}
