/* SPDX-License-Identifier: BSD-2-Clause */
#include "model_amd_internal.h"

uint32_t model_amd_pprlog_used(const struct model_amd *m)
{
    return amd_ring_used(&m->ring[m->active]) + m->fifo[1].count;
}

uint32_t model_amd_evtlog_used(const struct model_amd *m)
{
    return amd_ring_used(&m->ring[AMD_EVT]);
}

uint32_t model_amd_cmdq_used(const struct model_amd *m)
{
    return amd_ring_used(&m->ring[AMD_CMD]);
}

bool model_amd_ppr_overflowed(const struct model_amd *m)
{
    return amd_bit(m->status, AMD_PPR_OVERFLOW) || amd_bit(m->status, AMD_PPR_OVERFLOW_B);
}

uint32_t model_amd_unsynced(const struct model_amd *m)
{
    return (uint32_t)(m->sequence - m->synced);
}

bool model_amd_dte_cached(const struct model_amd *m, uint32_t id)
{
    return amd_dte_find(m, id) != NULL;
}

bool model_amd_gcr3_cached(const struct model_amd *m, uint32_t domain, uint32_t pasid)
{
    unsigned i;

    for (i = 0; i < AMD_GCR3S; i++) {
        if (m->gcr3[i].used && m->gcr3[i].domain == domain && m->gcr3[i].pasid == pasid) {
            return true;
        }
    }
    return false;
}

bool model_amd_domain_cached(const struct model_amd *m, uint32_t domain)
{
    unsigned i;

    for (i = 0; i < AMD_GCR3S; i++) {
        if (m->gcr3[i].used && m->gcr3[i].domain == domain) {
            return true;
        }
    }
    for (i = 0; i < AMD_TLBS; i++) {
        if (m->tlb[i].used && m->tlb[i].domain == domain) {
            return true;
        }
    }
    for (i = 0; i < AMD_DTES; i++) {
        if (m->dte[i].used && m->dte[i].v && m->dte[i].tv && m->dte[i].domain == domain) {
            return true;
        }
    }
    return false;
}

bool model_amd_pasid_cached(const struct model_amd *m, uint32_t domain, uint32_t pasid)
{
    unsigned i;

    for (i = 0; i < AMD_TLBS; i++) {
        const struct amd_tlb *e = &m->tlb[i];

        if (e->used && e->domain == domain &&
            (pasid == MODEL_AMD_NONE ? !e->gn : e->gn && e->pasid == pasid)) {
            return true;
        }
    }
    return pasid != MODEL_AMD_NONE && model_amd_gcr3_cached(m, domain, pasid);
}

/* An empty table is no way to memory. One that cannot be seen may be. */
static bool table_leads(const struct model_amd *m, uint64_t table)
{
    uint64_t word;
    unsigned i;

    for (i = 0; i < 512; i++) {
        if (!amd_peek64(m, table + 8 * (uint64_t)i, &word) || amd_bit(word, 0)) {
            return true;
        }
    }
    return false;
}

static bool leads_on(const struct model_amd *m, const struct amd_gcr3 *g)
{
    return amd_bit(g->word, 0) && table_leads(m, g->root);
}

static bool way_cached(const struct model_amd *m, uint32_t domain, uint32_t pasid)
{
    unsigned i;

    for (i = 0; i < AMD_TLBS; i++) {
        const struct amd_tlb *e = &m->tlb[i];

        if (e->used && !e->inner && amd_bit(e->word, 0) && e->domain == domain &&
            (pasid == MODEL_AMD_NONE ? !e->gn : e->gn && e->pasid == pasid)) {
            return true;
        }
    }
    for (i = 0; i < AMD_GCR3S && pasid != MODEL_AMD_NONE; i++) {
        const struct amd_gcr3 *g = &m->gcr3[i];

        if (g->used && g->domain == domain && g->pasid == pasid && leads_on(m, g)) {
            return true;
        }
    }
    return false;
}

bool model_amd_check_unreachable(const struct model_amd *m, uint32_t id, uint32_t pasid)
{
    const struct amd_dte *d = amd_dte_find(m, id);
    bool live = d != NULL && !d->bad && d->v && d->tv;
    bool guest = live && d->gv && amd_control(m, AMD_GT_EN);
    uint32_t tag = pasid;
    unsigned i;

    if (!amd_control(m, AMD_IOMMU_EN)) {
        return false;
    }
    if (pasid == MODEL_AMD_NONE && d != NULL && !d->bad) {
        bool open = live && !(guest && d->giov) && (d->ir || d->iw);

        if (!d->v || (open && (d->mode == 0 || table_leads(m, d->root)))) {
            return false;
        }
        tag = guest && d->giov ? 0 : MODEL_AMD_NONE;
    }
    if (live && way_cached(m, d->domain, tag)) {
        return false;
    }
    for (i = 0; i < AMD_TLBS; i++) {
        const struct amd_tlb *e = &m->tlb[i];

        if (e->used && !e->inner && amd_bit(e->word, 0) && e->id == id &&
            (tag == MODEL_AMD_NONE ? !e->gn : e->gn && e->pasid == tag)) {
            return false;
        }
    }
    for (i = 0; i < AMD_GCR3S; i++) {
        if (m->gcr3[i].used && m->gcr3[i].id == id && m->gcr3[i].pasid == tag &&
            leads_on(m, &m->gcr3[i])) {
            return false;
        }
    }
    return true;
}

static bool inside(uint64_t at, uint64_t first, uint64_t last)
{
    return at >= first && at <= last;
}

/* Where the GCR3 table really is. */
static uint64_t gcr3_of(const struct model_amd *m, const struct amd_dte *d)
{
    return amd_control(m, AMD_GCR3_TRP) ? amd_host_peek(m, d, d->gcr3) : d->gcr3;
}

bool model_amd_check_tables_unused(const struct model_amd *m, uint64_t first, uint64_t last)
{
    unsigned i;

    for (i = 0; i < AMD_DTES; i++) {
        const struct amd_dte *d = &m->dte[i];

        if (d->used && !d->bad && d->v && d->tv &&
            ((d->gv && inside(gcr3_of(m, d), first, last)) ||
             (d->mode != 0 && inside(d->root, first, last)))) {
            return false;
        }
    }
    for (i = 0; i < AMD_GCR3S; i++) {
        const struct amd_gcr3 *g = &m->gcr3[i];

        if (g->used && (inside(g->top, first, last) || inside(g->at, first, last) ||
                        (amd_bit(g->word, 0) && inside(g->root, first, last)))) {
            return false;
        }
    }
    for (i = 0; i < AMD_TLBS; i++) {
        const struct amd_tlb *e = &m->tlb[i];

        if (e->used && (inside(e->gn ? e->top : e->root, first, last) ||
                        inside(e->at, first, last) || (e->table && inside(e->out, first, last)))) {
            return false;
        }
        if (e->used && e->nested &&
            (inside(e->under_root, first, last) || inside(e->under_at, first, last))) {
            return false;
        }
    }
    return true;
}
