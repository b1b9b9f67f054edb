/* SPDX-License-Identifier: BSD-2-Clause */
#include "model_vtd_internal.h"

uint32_t model_vtd_prq_used(const struct model_vtd *m)
{
    return (uint32_t)(((m->pqt - m->pqh) & (vtd_prq_bytes(m) - 1)) / 32) + m->accepted_count;
}

uint32_t model_vtd_iq_used(const struct model_vtd *m)
{
    return (uint32_t)((m->iqt - m->iqh) & (vtd_iq_bytes(m) - 1)) / vtd_iq_slot(m);
}

uint32_t model_vtd_iq_pending(const struct model_vtd *m)
{
    uint32_t count = 0;
    uint32_t i;

    for (i = 0; i < m->pending_top; i++) {
        count += m->pending[i].stage != VTD_FREE ? 1u : 0u;
    }
    return count;
}

bool model_vtd_prq_overflowed(const struct model_vtd *m)
{
    return (m->prs & VTD_PRO) != 0;
}

uint32_t model_vtd_unsynced(const struct model_vtd *m)
{
    return m->unsynced;
}

bool model_vtd_context_cached(const struct model_vtd *m, uint32_t id)
{
    return vtd_context_find(m, id) != NULL;
}

static uint32_t number(const struct model_vtd *m, uint32_t id, uint32_t pasid)
{
    const struct vtd_context *context = vtd_context_find(m, id);

    if (pasid != MODEL_VTD_NONE) {
        return pasid;
    }
    return context == NULL ? 0 : vtd_rid_pasid(m, context->word);
}

static bool being_read(const struct model_vtd *m, uint32_t id, uint32_t pasid)
{
    uint32_t i;

    for (i = 0; i < VTD_SLOWS; i++) {
        if (m->slow[i].used && m->slow[i].id == id && m->slow[i].pasid == pasid) {
            return true;
        }
    }
    return false;
}

bool model_vtd_pasid_cached(const struct model_vtd *m, uint32_t id, uint32_t pasid)
{
    uint32_t index = number(m, id, pasid);

    return vtd_pasid_find(m, id, index) != NULL || being_read(m, id, index);
}

bool model_vtd_did_cached(const struct model_vtd *m, uint32_t did)
{
    uint32_t i;

    for (i = 0; i < VTD_PASIDS; i++) {
        if (m->pasid[i].used && !m->pasid[i].faulty && m->pasid[i].did == did) {
            return true;
        }
    }
    for (i = 0; i < VTD_TLBS; i++) {
        if (m->tlb[i].used && m->tlb[i].did == did) {
            return true;
        }
    }
    return false;
}

/* rid_with_context: the entry in memory is used, present or not. */
static bool by_context(const struct model_vtd *m, uint32_t id)
{
    const struct vtd_context *context = vtd_context_find(m, id);
    uint64_t directory, at, word[8];
    uint32_t pasid, i;

    if (context == NULL || !context->rid_present) {
        return false;
    }
    pasid = vtd_rid_pasid(m, context->word);
    at = (context->word[0] & ~vtd_ones(12)) + 8 * (uint64_t)(pasid >> 6);
    directory = vtd_peek(m, at, 8) == NULL ? 0 : vtd_peek64(m, at);
    at = (directory & ~vtd_ones(12)) + 64 * (uint64_t)(pasid & 0x3F);
    if (!vtd_bit(directory, 0) || vtd_peek(m, at, 64) == NULL) {
        return false;
    }
    for (i = 0; i < 8; i++) {
        word[i] = vtd_peek64(m, at + 8 * (uint64_t)i);
    }
    word[0] |= 1;
    return vtd_pasid_bad(m, word) == 0;
}

bool model_vtd_check_unreachable(const struct model_vtd *m, uint32_t id, uint32_t pasid)
{
    uint32_t index = number(m, id, pasid);
    const struct vtd_pasid *entry = vtd_pasid_find(m, id, index);
    uint32_t i;

    if ((entry != NULL && !entry->faulty) || being_read(m, id, index) ||
        (pasid == MODEL_VTD_NONE && by_context(m, id))) {
        return false;
    }
    for (i = 0; i < VTD_TLBS; i++) {
        const struct vtd_tlb *e = &m->tlb[i];

        if (e->used && !e->table && e->id == id && e->pasid == index &&
            e->has_pasid == (pasid != MODEL_VTD_NONE)) {
            return false;
        }
    }
    return true;
}

static bool inside(uint64_t at, uint64_t first, uint64_t last)
{
    return at >= first && at <= last;
}

/* Nested: the first stage's root lies where the second has it now. */
static bool roots_inside(const struct model_vtd *m, const uint64_t word[8], uint64_t first,
                         uint64_t last)
{
    uint32_t pgtt = vtd_bits(word[0], 8, 6);
    uint64_t low = ~vtd_ones(12);
    uint64_t at = word[2] & low;

    if (pgtt == VTD_PGTT_FIRST || (pgtt == VTD_PGTT_NESTED && vtd_second_peek(m, word, at, &at))) {
        if (inside(at, first, last)) {
            return true;
        }
    }
    return (pgtt == VTD_PGTT_SECOND || pgtt == VTD_PGTT_NESTED) &&
           inside(word[0] & low, first, last);
}

bool model_vtd_check_tables_unused(const struct model_vtd *m, uint64_t first, uint64_t last)
{
    uint32_t i;

    for (i = 0; i < VTD_PASIDS; i++) {
        const struct vtd_pasid *e = &m->pasid[i];

        if (e->used && !e->faulty && roots_inside(m, e->word, first, last)) {
            return false;
        }
    }
    for (i = 0; i < VTD_SLOWS; i++) {
        if (m->slow[i].used && roots_inside(m, m->slow[i].start, first, last)) {
            return false;
        }
    }
    for (i = 0; i < VTD_TLBS; i++) {
        const struct vtd_tlb *e = &m->tlb[i];

        if (!e->used || e->pgtt == VTD_PGTT_PASS) {
            continue;
        }
        if (inside(e->second ? e->root : e->top, first, last) || inside(e->from, first, last) ||
            (e->table && inside(e->out, first, last))) {
            return false;
        }
        if (e->pgtt == VTD_PGTT_NESTED &&
            (inside(e->under, first, last) || inside(e->under_from, first, last))) {
            return false;
        }
    }
    return true;
}
