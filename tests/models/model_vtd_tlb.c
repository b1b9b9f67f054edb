/* SPDX-License-Identifier: BSD-2-Clause */
#include "model_vtd_internal.h"

struct vtd_tlb *vtd_tlb_place(struct model_vtd *m)
{
    uint32_t i;

    for (i = 0; i < VTD_TLBS && m->tlb[i].used; i++) {
    }
    return &m->tlb[i == VTD_TLBS ? model_choose(m->world, VTD_TLBS) : i];
}

/* A leaf that grants all that is wanted. */
const struct vtd_tlb *vtd_tlb_find(const struct model_vtd *m, const struct vtd_access *want)
{
    uint32_t i;

    for (i = 0; i < VTD_TLBS; i++) {
        const struct vtd_tlb *e = &m->tlb[i];

        if (e->used && !e->table && e->id == want->id && e->has_pasid == want->has_pasid &&
            (!e->has_pasid || e->pasid == want->pasid) &&
            e->va == (want->address & ~vtd_ones(e->size_log2)) &&
            ((want->access ^ e->access) & MODEL_PRIV) == 0 &&
            (want->access & ~e->access & (MODEL_READ | MODEL_WRITE)) == 0) {
            return e;
        }
    }
    return NULL;
}

void vtd_tlb_insert(struct model_vtd *m, const struct vtd_tlb *leaf)
{
    uint32_t i;

    for (i = 0; i < VTD_TLBS; i++) {
        const struct vtd_tlb *e = &m->tlb[i];

        if (e->used && !e->table && e->id == leaf->id && e->has_pasid == leaf->has_pasid &&
            e->pasid == leaf->pasid && e->va == leaf->va && e->size_log2 == leaf->size_log2 &&
            (e->access & MODEL_PRIV) == (leaf->access & MODEL_PRIV)) {
            m->tlb[i] = *leaf;
            return;
        }
    }
    *vtd_tlb_place(m) = *leaf;
}

void vtd_flush_all(struct model_vtd *m)
{
    memset(m->context, 0, sizeof(m->context));
    memset(m->pasid, 0, sizeof(m->pasid));
    memset(m->tlb, 0, sizeof(m->tlb));
    vtd_slow_forget(m, 0, 0, true);
}

static bool spill(struct model_vtd *m)
{
    return model_chance(m->world, m->knobs.over_invalidate);
}

void vtd_drop_context(struct model_vtd *m, uint64_t d0)
{
    static const uint32_t ignored[4] = {0, 4, 6, 7};
    uint32_t mask = 0xFFFFu & ~ignored[vtd_bits(d0, 49, 48)];
    bool all = vtd_bits(d0, 5, 4) != 3 || spill(m);
    uint32_t i;

    for (i = 0; i < VTD_CONTEXTS; i++) {
        if (all || ((m->context[i].id ^ vtd_bits(d0, 47, 32)) & mask) == 0) {
            m->context[i].used = false;
        }
    }
}

static bool tagged(const struct model_vtd *m, const struct vtd_pasid *e, uint32_t did)
{
    if (!e->faulty) {
        return e->did == did;
    }
    return (m->knobs.cm_tag_did0 && did == 0) || (m->knobs.cm_tag_did && did == e->did);
}

void vtd_drop_pasids(struct model_vtd *m, uint64_t d0)
{
    uint32_t granule = vtd_bits(d0, 5, 4);
    uint32_t did = vtd_bits(d0, 31, 16) & (vtd_did_limit(m) - 1);
    uint32_t pasid = vtd_bits(d0, 51, 32);
    bool all = granule == 3 || spill(m);
    uint32_t i;

    for (i = 0; i < VTD_PASIDS; i++) {
        const struct vtd_pasid *e = &m->pasid[i];

        if (e->used && (all || (tagged(m, e, did) && (granule == 0 || e->pasid == pasid)))) {
            m->pasid[i].used = false;
        }
    }
    for (i = 0; i < VTD_SLOWS; i++) {
        const struct vtd_slow *s = &m->slow[i];

        if (all || (vtd_bits(s->start[1], 15, 0) == did && (granule == 0 || s->pasid == pasid))) {
            m->slow[i].used = false;
        }
    }
}

static bool overlaps(const struct vtd_tlb *e, uint64_t d1)
{
    uint64_t span = vtd_ones(12 + vtd_bits(d1, 5, 0));
    uint64_t first = d1 & ~vtd_ones(12) & ~span;

    return e->va <= (first | span) && (e->va | vtd_ones(e->size_log2)) >= first;
}

/* Exactly what the descriptor has to remove, no more. */
bool vtd_drop_matches(const struct vtd_tlb *e, uint32_t type, uint64_t d0, uint64_t d1)
{
    uint32_t granule = vtd_bits(d0, 5, 4);
    bool first = e->pgtt == VTD_PGTT_FIRST || e->pgtt == VTD_PGTT_NESTED;

    if (granule == 1) {
        return true;
    }
    if (e->did != vtd_bits(d0, 31, 16)) {
        return false;
    }
    if (type == VTD_IOTLB) {
        if (granule == 2 || first) {
            return true;
        }
        return overlaps(e, d1) && (!e->table || !vtd_bit(d1, 6));
    }
    if (e->pasid != vtd_bits(d0, 51, 32) || (e->table && !first)) {
        return false;
    }
    return granule == 2 || (first && overlaps(e, d1) && (!e->table || !vtd_bit(d1, 6)));
}

static void drop(struct model_vtd *m, uint32_t type, uint64_t d0, uint64_t d1)
{
    bool all = spill(m);
    uint32_t i;

    for (i = 0; i < VTD_TLBS; i++) {
        if (m->tlb[i].used && (all || vtd_drop_matches(&m->tlb[i], type, d0, d1))) {
            m->tlb[i].used = false;
        }
    }
}

void vtd_drop_second(struct model_vtd *m, uint64_t d0, uint64_t d1)
{
    uint64_t limit = vtd_did_limit(m) - 1;

    drop(m, VTD_IOTLB, (d0 & 0xFF) | (d0 & limit << 16), d1 & vtd_ones(m->config.mgaw));
}

/* Translations go for good only if the PASID entry that they came from went first. */
static void check_cascade(struct model_vtd *m, uint64_t d0)
{
    uint32_t i;

    if (!m->knobs.strict_order || vtd_bits(d0, 5, 4) != 2) {
        return;
    }
    for (i = 0; i < VTD_PASIDS; i++) {
        const struct vtd_pasid *e = &m->pasid[i];

        if (e->used && !e->faulty && e->did == vtd_bits(d0, 31, 16) &&
            e->pasid == vtd_bits(d0, 51, 32) && vtd_peek(m, e->from, 64) != NULL &&
            !vtd_bit(vtd_peek64(m, e->from), 0)) {
            vtd_wrong(m, "vtd.order.iotlb-before-pasid",
                      "the IOTLB is invalidated before the PASID cache", e->id, e->pasid);
            return;
        }
    }
}

void vtd_drop_first(struct model_vtd *m, uint64_t d0, uint64_t d1)
{
    uint64_t limit = vtd_did_limit(m) - 1;

    check_cascade(m, d0);
    drop(m, VTD_PIOTLB, (d0 & ~((uint64_t)0xFFFF << 16)) | (d0 & limit << 16), d1);
}
