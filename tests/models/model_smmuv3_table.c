/* SPDX-License-Identifier: BSD-2-Clause */
#include "model_smmuv3_internal.h"

#define DESC_VALID  0u
#define DESC_TABLE  1u
#define DESC_AP1    6u
#define DESC_AP2    7u
#define DESC_AF     10u
#define DESC_NG     11u
#define DESC_DBM    51u
#define DESC_PXN    53u
#define DESC_XN     54u
#define TABLE_PXN   59u
#define TABLE_XN    60u
#define TABLE_AP0   61u
#define TABLE_AP1   62u
#define TABLE_ATTRS ((uint64_t)0xF << 59)

struct walk {
    const struct smmu_access *want;
    const struct smmu_cd *cd;
    const struct smmu_half *half;
    uint64_t va;
    uint64_t table; /* An IPA if there is stage 2. */
    uint64_t known; /* Its output address if that is kept; 0: not. */
    uint64_t root;
    uint64_t hier; /* Table attributes met on the way. */
    uint64_t at;   /* Of the descriptor at hand, stage 2 passed. */
    uint64_t at_ipa;
    uint32_t level, shift;
    uint32_t bits; /* Of the address that the tables translate. */
};

static bool fault(struct smmu_outcome *got, uint32_t event, uint64_t fetch)
{
    got->event = event;
    got->fetch = fetch;
    got->cls = event == SMMU_F_WALK_EABT ? SMMU_CLASS_TT : SMMU_CLASS_IN;
    return false;
}

static uint64_t address_of(const struct model_smmuv3 *m, const struct walk *w, uint64_t desc,
                           uint32_t low)
{
    uint64_t out = desc & smmu_ones(48) & ~smmu_ones(low);

    if (w->half->granule == 16 && smmu_oas_bits(m) > 48) {
        out |= (uint64_t)smmu_bits(desc, 15, 12) << 48;
    }
    return out;
}

static void fill(const struct walk *w, struct smmu_tlb *e, bool table)
{
    const struct smmu_cd *cd = w->cd;

    memset(e, 0, sizeof(*e));
    e->used = true;
    e->table = table;
    e->world = cd->world;
    e->vmid = cd->vmid;
    e->asid = cd->asid;
    e->aset = cd->aset;
    e->granule = w->half->granule;
    e->level = w->level;
    e->size_log2 = w->shift;
    e->va = w->va & ~smmu_ones(w->shift);
    e->hash = w->half->hash;
    e->root = w->root;
    e->from = w->at;
    e->sid = w->want->sid;
    e->ssid = w->want->has_ssid ? w->want->ssid : MODEL_SMMUV3_NONE;
}

/* Begin in the middle when an intermediate descriptor of this walk is kept. */
static void use_walk_cache(struct model_smmuv3 *m, struct walk *w)
{
    const struct smmu_tlb *best = NULL;
    unsigned i;

    for (i = 0; i < SMMU_TLBS; i++) {
        const struct smmu_tlb *e = &m->tlb[i];

        if (e->used && e->table && !e->ipa && e->combined == (w->want->over != NULL) &&
            e->world == w->cd->world && e->vmid == w->cd->vmid && e->asid == w->cd->asid &&
            e->va == (w->va & ~smmu_ones(e->size_log2)) && e->granule == w->half->granule &&
            (best == NULL || e->level > best->level)) {
            best = e;
        }
    }
    if (best == NULL) {
        return;
    }
    if (best->hash != w->half->hash) {
        smmu_wrong(m, "smmuv3.tlb.attributes-differ",
                   "a cached walk of this ASID was made under another CD", best->asid, w->va);
    }
    if (best->combined) {
        smmu_tlb_check_gone(m, best);
        w->known = best->out;
    }
    w->table = best->combined ? best->ipa_out : best->out;
    w->root = best->root;
    w->hier = best->attrs;
    w->level = best->level + 1;
    w->shift = best->size_log2 - (w->half->granule - 3);
}

/* With stage 2 what is kept leads from the VA to the output address of the next table. */
static bool keep(struct model_smmuv3 *m, struct walk *w, uint64_t next, struct smmu_outcome *got)
{
    struct smmu_ipa ask = {
        .ste = w->want->over, .ipa = next, .access = MODEL_READ, .cls = SMMU_CLASS_TT};
    struct smmu_tlb under, *e;

    memset(&under, 0, sizeof(under));
    w->table = next;
    if (w->want->over != NULL) {
        if (!smmu_stage2(m, &ask, &under, got)) {
            return false;
        }
        if (under.size_log2 < w->half->granule) {
            return true; /* The table lies in several pieces. */
        }
        w->known = under.out | (next & smmu_ones(under.size_log2));
    }
    e = smmu_tlb_place(m);
    fill(w, e, true);
    e->out = next;
    e->attrs = w->hier;
    if (w->want->over != NULL) {
        smmu_tlb_combine(e, &under, next);
        e->out = w->known;
    }
    return true;
}

static bool next_table(struct model_smmuv3 *m, struct walk *w, uint64_t desc,
                       struct smmu_outcome *got)
{
    uint64_t next = address_of(m, w, desc, w->half->granule);

    if ((next & ~smmu_ones(w->cd->ips_bits)) != 0) {
        return fault(got, SMMU_F_ADDR_SIZE, 0);
    }
    if (!w->half->had) {
        w->hier |= desc & TABLE_ATTRS;
    }
    w->known = 0;
    if (model_chance(m->world, m->knobs.walk_cache)) {
        return keep(m, w, next, got);
    }
    w->table = next;
    return true;
}

static uint64_t fold(uint64_t desc, uint64_t hier)
{
    if (smmu_bit(hier, TABLE_AP0)) {
        desc &= ~((uint64_t)1 << DESC_AP1);
    }
    if (smmu_bit(hier, TABLE_AP1)) {
        desc = (desc | (uint64_t)1 << DESC_AP2) & ~((uint64_t)1 << DESC_DBM);
    }
    if (smmu_bit(hier, TABLE_XN)) {
        desc |= (uint64_t)1 << DESC_XN;
    }
    if (smmu_bit(hier, TABLE_PXN)) {
        desc |= (uint64_t)1 << DESC_PXN;
    }
    return desc;
}

/* Access flag and dirty state, as hardware keeps them with HTTU. */
static bool update_flags(struct model_smmuv3 *m, const struct walk *w, uint64_t *desc,
                         struct smmu_outcome *got)
{
    const struct smmu_cd *cd = w->cd;
    uint64_t now = *desc;
    uint64_t seen = fold(now, w->hier);
    bool clean = cd->hd && smmu_bit(seen, DESC_DBM) && smmu_bit(seen, DESC_AP2);

    if (!smmu_bit(now, DESC_AF)) {
        if (!cd->ha && !cd->affd) {
            return fault(got, SMMU_F_ACCESS, 0);
        }
        if (cd->ha) {
            now |= (uint64_t)1 << DESC_AF;
        }
    }
    if (clean && (w->want->access & MODEL_WRITE) != 0 &&
        (smmu_tlb_permissions(cd, seen, true, w->want->access) & MODEL_WRITE) != 0) {
        now &= ~((uint64_t)1 << DESC_AP2);
    }
    if (now != *desc && w->want->over != NULL) {
        uint64_t at = w->at_ipa;

        if (!smmu_stage2_fetch(m, w->want->over, SMMU_CLASS_TT, MODEL_READ | MODEL_WRITE, &at,
                               got)) {
            return false;
        }
    }
    if (now != *desc && !model_bus_write64(m->world, w->at, now)) {
        return fault(got, SMMU_F_WALK_EABT, w->at);
    }
    *desc = now;
    return true;
}

static bool take_leaf(struct model_smmuv3 *m, struct walk *w, uint64_t desc, struct smmu_tlb *leaf,
                      struct smmu_outcome *got)
{
    uint64_t out = address_of(m, w, desc, w->shift);

    if ((out & ~smmu_ones(w->cd->ips_bits)) != 0) {
        return fault(got, SMMU_F_ADDR_SIZE, 0);
    }
    if (!update_flags(m, w, &desc, got)) {
        return false;
    }
    fill(w, leaf, false);
    leaf->global = !smmu_bit(desc, DESC_NG) && w->cd->world != SMMU_WORLD_EL2;
    leaf->out = out;
    leaf->attrs = fold(desc, w->hier);
    leaf->clean = w->cd->hd && smmu_bit(leaf->attrs, DESC_DBM) && smmu_bit(leaf->attrs, DESC_AP2);
    return true;
}

static bool block_allowed(const struct model_smmuv3 *m, const struct walk *w)
{
    if (w->half->granule == 12) {
        return w->level == 1 || w->level == 2;
    }
    return w->level == 2 || (w->half->granule == 16 && w->level == 1 && smmu_oas_bits(m) > 48);
}

/* Where the descriptor at hand is; with stage 2 it decides that. */
static bool locate(struct model_smmuv3 *m, struct walk *w, uint64_t offset,
                   struct smmu_outcome *got)
{
    w->at_ipa = w->table + offset;
    w->at = w->at_ipa;
    if (w->known != 0) {
        w->at = w->known + offset;
    } else if (!smmu_stage2_fetch(m, w->want->over, SMMU_CLASS_TT, MODEL_READ, &w->at, got)) {
        return false;
    }
    if (w->root == 0) {
        w->root = w->want->over != NULL ? w->at : w->half->ttb;
    }
    return true;
}

/* va has its tag byte replaced by the sign and lies in the half's range. */
bool smmu_table_walk(struct model_smmuv3 *m, const struct smmu_access *want,
                     const struct smmu_cd *cd, unsigned half, uint64_t va, struct smmu_tlb *leaf,
                     struct smmu_outcome *got)
{
    uint32_t stride = cd->half[half].granule - 3;
    uint64_t desc;
    struct walk w;

    memset(&w, 0, sizeof(w));
    w.want = want;
    w.cd = cd;
    w.half = &cd->half[half];
    w.va = va;
    w.bits = 64 - w.half->tsz;
    w.level = 3;
    w.shift = w.half->granule;
    while (w.shift + stride < w.bits) {
        w.shift += stride;
        w.level--;
    }
    w.table = w.half->ttb & ~smmu_ones(w.bits - w.shift + 3 > 6 ? w.bits - w.shift + 3 : 6);
    use_walk_cache(m, &w);
    for (;; w.level++, w.shift -= stride) {
        uint32_t width = w.bits - w.shift < stride ? w.bits - w.shift : stride;

        if (!locate(m, &w, 8 * ((va >> w.shift) & smmu_ones(width)), got)) {
            return false;
        }
        if (!model_bus_read64(m->world, w.at, &desc)) {
            return fault(got, SMMU_F_WALK_EABT, w.at);
        }
        if (!smmu_bit(desc, DESC_VALID)) {
            return fault(got, SMMU_F_TRANSLATION, 0);
        }
        if (w.level == 3 || !smmu_bit(desc, DESC_TABLE)) {
            break;
        }
        if (!next_table(m, &w, desc, got)) {
            return false;
        }
    }
    if (w.level == 3 ? !smmu_bit(desc, DESC_TABLE) : !block_allowed(m, &w)) {
        return fault(got, SMMU_F_TRANSLATION, 0);
    }
    return take_leaf(m, &w, desc, leaf, got);
}
