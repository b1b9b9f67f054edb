/* SPDX-License-Identifier: BSD-2-Clause */
#include "model_vtd_internal.h"

static struct vtd_group *find(struct model_vtd *m, const struct model_page_response *r, bool marker)
{
    uint32_t i;

    for (i = 0; i < VTD_GROUPS; i++) {
        struct vtd_group *g = &m->group[i];

        if (g->used && g->marker == marker && g->id == r->id && g->has_pasid == r->has_pasid &&
            (!g->has_pasid || g->pasid == r->pasid) && (marker || g->index == r->index)) {
            return g;
        }
    }
    return NULL;
}

/* The same group but for the PASID: a field was not echoed. */
static bool nearly(const struct model_vtd *m, const struct model_page_response *r)
{
    uint32_t i;

    for (i = 0; i < VTD_GROUPS; i++) {
        const struct vtd_group *g = &m->group[i];

        if (g->used && !g->marker && g->id == r->id && g->index == r->index) {
            return true;
        }
    }
    return false;
}

void vtd_prq_respond(struct model_vtd *m, uint64_t d0, uint64_t d1)
{
    struct model_page_response r = {.id = vtd_bits(d0, 31, 16),
                                    .has_pasid = vtd_bit(d0, 4),
                                    .index = vtd_bits(d1, 11, 3),
                                    .code = vtd_bits(d0, 15, 12)};
    struct vtd_group *group;

    r.pasid = r.has_pasid ? vtd_bits(d0, 51, 32) : 0;
    group = find(m, &r, false);
    m->counts.responses++;
    if (group != NULL) {
        group->used = false;
    } else if (r.index == 0 && find(m, &r, true) != NULL) {
        vtd_wrong(m, "vtd.prq.marker-answered", "a stop marker is answered", r.id, r.pasid);
    } else {
        m->counts.responses_unmatched++;
        if (nearly(m, &r)) {
            vtd_wrong(m, "vtd.prq.response-echo",
                      "a response does not carry the PASID of its request", d0, d1);
        }
    }
    if (m->fabric != NULL) {
        model_fabric_page_response(m->fabric, &r);
    }
}

void vtd_prq_head_write(struct model_vtd *m, uint32_t value)
{
    uint64_t bytes = vtd_prq_bytes(m);
    uint64_t moved;

    if ((value & ~0x7FFE0u) != 0) {
        vtd_wrong(m, "vtd.prq.head-misaligned", "PQH has reserved bits", value, m->pqh);
        value &= 0x7FFE0u;
    }
    if (value >= bytes) {
        vtd_wrong(m, "vtd.prq.head-range", "PQH lies beyond the ring", value, bytes);
        return;
    }
    moved = (value - m->pqh) & (bytes - 1);
    if (value == 0 && m->pqt == m->pqh)
        moved = 0; /* an idle queue may be initialised anew, or switched off */
    if (moved > ((m->pqt - m->pqh) & (bytes - 1))) {
        vtd_wrong(m, "vtd.prq.head-wrong", "PQH goes back, or beyond PQT", value, m->pqt);
    }
    m->pqh = value;
}

void vtd_prq_tail_write(struct model_vtd *m, uint32_t value)
{
    if ((value & ~0x7FFE0u) != 0) {
        vtd_wrong(m, "vtd.prq.tail-misaligned", "PQT has reserved bits", value, m->pqt);
        value &= 0x7FFE0u;
    }
    if (m->accepted_count > 0 || vtd_pre_anywhere(m)) {
        vtd_wrong(m, "vtd.prq.tail-written", "PQT is hardware's while a context has PRE", value,
                  m->pqt);
    }
    m->pqt = value;
}

void vtd_prs_write(struct model_vtd *m, uint32_t value)
{
    if ((value & ~3u) != 0) {
        vtd_wrong(m, "vtd.reg.reserved", "reserved bits of PRS", 0xDC, value);
    }
    if ((value & m->prs & VTD_PRO) != 0 && m->knobs.pro_needs_empty && m->pqh != m->pqt &&
        m->pqa_set) {
        vtd_wrong(m, "vtd.prq.overflow-cleared-early", "PRO is cleared while entries are left",
                  m->pqh, m->pqt);
    }
    m->prs &= ~(value & 3u);
    vtd_event_settle(m, MODEL_VTD_IRQ_PAGE_REQUEST);
}
