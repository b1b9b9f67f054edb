/* SPDX-License-Identifier: BSD-2-Clause */
#include "model_amd_internal.h"

/* Address and S of commands 3 and 4. */
void amd_span(const uint32_t dw[4], uint64_t *first, uint32_t *size_log2)
{
    uint64_t address = (uint64_t)dw[3] << 32 | (dw[2] & 0xFFFFF000u);
    unsigned k = 12;

    *size_log2 = 12;
    if ((dw[2] & 1) != 0) {
        while (k < 63 && amd_bit(address, k)) {
            k++;
        }
        *size_log2 = k + 1;
    }
    *first = address & ~amd_ones(*size_log2);
}

static void drop_all(struct model_amd *m)
{
    unsigned i;

    for (i = 0; i < AMD_DTES; i++) {
        m->dte[i].used = false;
    }
    for (i = 0; i < AMD_GCR3S; i++) {
        m->gcr3[i].used = false;
    }
    for (i = 0; i < AMD_TLBS; i++) {
        m->tlb[i].used = false;
    }
}

static void drop_dte(struct model_amd *m, uint32_t id)
{
    unsigned i;

    for (i = 0; i < AMD_DTES; i++) {
        if (m->dte[i].used && m->dte[i].id == id) {
            amd_dte_check_change(m, &m->dte[i]);
            m->dte[i].used = false;
        }
    }
}

/* What guest and host tables made together lies, for the host, in [first, last]. */
static bool beneath(const struct amd_tlb *e, uint32_t domain, bool pde, uint64_t first,
                    uint64_t last)
{
    uint32_t size = e->table ? 12 : e->size_log2;

    return e->domain == domain && e->gn && (e->table ? pde : e->nested) && e->gpa <= last &&
           (e->gpa | amd_ones(size)) >= first;
}

static void drop_pages(struct model_amd *m, const uint32_t dw[4])
{
    uint32_t domain = dw[1] & 0xFFFF;
    uint32_t pasid = dw[0] & 0xFFFFF;
    bool pde = (dw[2] & 2) != 0;
    bool gn = (dw[2] & 4) != 0;
    uint64_t first, last;
    uint32_t size;
    unsigned i;

    amd_span(dw, &first, &size);
    last = first | amd_ones(size);
    for (i = 0; i < AMD_TLBS; i++) {
        struct amd_tlb *e = &m->tlb[i];

        if (e->used && !gn && !m->knobs.gpa_keeps_gva && beneath(e, domain, pde, first, last)) {
            e->used = false;
        }
        if (e->used && e->domain == domain && e->gn == gn && (!gn || e->pasid == pasid) &&
            (!e->table || pde) && e->va <= last && (e->va | amd_ones(e->size_log2)) >= first) {
            e->used = false;
        }
    }
    for (i = 0; i < AMD_GCR3S; i++) {
        struct amd_gcr3 *e = &m->gcr3[i];

        if (e->used && gn && pde && size == 64 && e->domain == domain && e->pasid == pasid) {
            e->used = false;
        }
    }
}

static void apply(struct model_amd *m, const uint32_t dw[4])
{
    unsigned i;

    switch (dw[1] >> 28) {
    case 2:
        drop_dte(m, dw[0] & 0xFFFF);
        break;
    case 3:
        drop_pages(m, dw);
        break;
    default:
        for (i = 0; i < AMD_DTES; i++) {
            if (m->dte[i].used) {
                amd_dte_check_change(m, &m->dte[i]);
            }
        }
        drop_all(m);
        break;
    }
    if (model_chance(m->world, m->knobs.over_invalidate)) {
        drop_all(m);
    }
}

void amd_inval_all(struct model_amd *m)
{
    unsigned i;

    for (i = 0; i < AMD_PENDING; i++) {
        if (m->pending[i].used) {
            m->pending[i].used = false;
            apply(m, m->pending[i].dw);
        }
    }
}

static void pending_work(void *arg, uint64_t token)
{
    struct model_amd *m = arg;
    unsigned start = model_choose(m->world, AMD_PENDING);
    unsigned done = 0;
    unsigned i;

    (void)token;
    m->pending_scheduled = false;
    for (i = 0; i < AMD_PENDING; i++) {
        struct amd_pending *p = &m->pending[(start + i) % AMD_PENDING];

        if (!p->used) {
            continue;
        }
        if (done++ == 0) {
            p->used = false;
            apply(m, p->dw);
        }
    }
    if (done > 1) {
        m->pending_scheduled = true;
        amd_later(m, amd_lag(m, m->knobs.invalidate_lag_ns), pending_work, 0);
    }
}

void amd_inval_queue(struct model_amd *m, const uint32_t dw[4])
{
    struct amd_pending *place = NULL;
    unsigned i;

    for (i = 0; i < AMD_PENDING; i++) {
        if (!m->pending[i].used) {
            place = &m->pending[i];
        }
    }
    if (place == NULL) {
        amd_inval_all(m);
        place = &m->pending[0];
    }
    place->used = true;
    memcpy(place->dw, dw, sizeof(place->dw));
    if (!m->pending_scheduled) {
        m->pending_scheduled = true;
        amd_later(m, amd_lag(m, m->knobs.invalidate_lag_ns), pending_work, 0);
    }
}

bool amd_inval_pending(const struct model_amd *m, uint32_t domain)
{
    unsigned i;

    for (i = 0; i < AMD_PENDING; i++) {
        const struct amd_pending *p = &m->pending[i];

        if (p->used && p->dw[1] >> 28 == 3 && (p->dw[1] & 0xFFFF) == domain) {
            return true;
        }
    }
    return false;
}
