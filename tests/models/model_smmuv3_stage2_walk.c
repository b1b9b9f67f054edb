/* SPDX-License-Identifier: BSD-2-Clause */
#include "model_smmuv3_internal.h"

#define DESC_VALID 0u
#define DESC_TABLE 1u
#define DESC_S2APW 7u
#define DESC_AF    10u
#define DESC_DBM   51u

struct walk {
    const struct smmu_ipa *ask;
    const struct smmu_s2 *s2;
    uint64_t table;
    uint64_t at; /* Of the descriptor at hand. */
    uint32_t level, shift;
};

static void fill(const struct walk *w, struct smmu_tlb *e, bool table)
{
    memset(e, 0, sizeof(*e));
    e->used = true;
    e->ipa = true;
    e->table = table;
    e->inner = !w->ask->direct;
    e->world = SMMU_WORLD_EL1;
    e->vmid = w->ask->ste->vmid;
    e->granule = w->s2->granule;
    e->level = w->level;
    e->size_log2 = w->shift;
    e->va = w->ask->ipa & ~smmu_ones(w->shift);
    e->hash = w->s2->hash;
    e->root = w->s2->ttb;
    e->from = w->at;
    e->sid = w->ask->ste->sid;
    e->ssid = MODEL_SMMUV3_NONE;
}

static uint64_t address_of(const struct model_smmuv3 *m, const struct walk *w, uint64_t desc,
                           uint32_t low)
{
    uint64_t out = desc & smmu_ones(48) & ~smmu_ones(low);

    if (w->s2->granule == 16 && smmu_oas_bits(m) > 48) {
        out |= (uint64_t)smmu_bits(desc, 15, 12) << 48;
    }
    return out;
}

static void use_walk_cache(const struct model_smmuv3 *m, struct walk *w)
{
    const struct smmu_tlb *best = NULL;
    unsigned i;

    for (i = 0; i < SMMU_TLBS; i++) {
        const struct smmu_tlb *e = &m->tlb[i];

        if (e->used && e->ipa && e->table && e->vmid == w->ask->ste->vmid &&
            e->hash == w->s2->hash && e->va == (w->ask->ipa & ~smmu_ones(e->size_log2)) &&
            (best == NULL || e->level > best->level)) {
            best = e;
        }
    }
    if (best != NULL) {
        w->table = best->out;
        w->level = best->level + 1;
        w->shift = best->size_log2 - (w->s2->granule - 3);
    }
}

static bool next_table(struct model_smmuv3 *m, struct walk *w, uint64_t desc,
                       struct smmu_outcome *got)
{
    uint64_t next = address_of(m, w, desc, w->s2->granule);

    if ((next & ~smmu_ones(w->s2->ps_bits)) != 0) {
        return smmu_stage2_fault(w->ask, got, SMMU_F_ADDR_SIZE, 0);
    }
    if (model_chance(m->world, m->knobs.walk_cache)) {
        struct smmu_tlb *e = smmu_tlb_place(m);

        fill(w, e, true);
        e->out = next;
    }
    w->table = next;
    return true;
}

/* Access flag and dirty state, as hardware keeps them with HTTU. */
static bool update_flags(struct model_smmuv3 *m, const struct walk *w, uint64_t *desc,
                         struct smmu_outcome *got)
{
    uint64_t now = *desc;

    if (!smmu_bit(now, DESC_AF)) {
        if (!w->s2->ha && !w->s2->affd) {
            return smmu_stage2_fault(w->ask, got, SMMU_F_ACCESS, 0);
        }
        now |= w->s2->ha ? (uint64_t)1 << DESC_AF : 0;
    }
    if (w->s2->hd && smmu_bit(now, DESC_DBM) && (w->ask->access & MODEL_WRITE) != 0) {
        now |= (uint64_t)1 << DESC_S2APW;
    }
    if (now != *desc && !model_bus_write64(m->world, w->at, now)) {
        return smmu_stage2_fault(w->ask, got, SMMU_F_WALK_EABT, w->at);
    }
    *desc = now;
    return true;
}

static bool take_leaf(struct model_smmuv3 *m, struct walk *w, uint64_t desc, struct smmu_tlb *leaf,
                      struct smmu_outcome *got)
{
    uint64_t out = address_of(m, w, desc, w->shift);

    if ((out & ~smmu_ones(w->s2->ps_bits)) != 0) {
        return smmu_stage2_fault(w->ask, got, SMMU_F_ADDR_SIZE, 0);
    }
    if (!update_flags(m, w, &desc, got)) {
        return false;
    }
    fill(w, leaf, false);
    leaf->out = out;
    leaf->attrs = desc;
    leaf->clean = w->s2->hd && smmu_bit(desc, DESC_DBM) && !smmu_bit(desc, DESC_S2APW);
    return true;
}

static bool block_allowed(const struct model_smmuv3 *m, const struct walk *w)
{
    if (w->s2->granule == 12) {
        return w->level == 1 || w->level == 2;
    }
    return w->level == 2 || (w->s2->granule == 16 && w->level == 1 && smmu_oas_bits(m) > 48);
}

/* The first table is up to 16 tables side by side. */
bool smmu_stage2_walk(struct model_smmuv3 *m, const struct smmu_ipa *ask, struct smmu_tlb *leaf,
                      struct smmu_outcome *got)
{
    const struct smmu_s2 *s2 = &ask->ste->s2;
    uint32_t width = smmu_stage2_width(s2);
    uint32_t stride = s2->granule - 3;
    struct walk w = {.ask = ask, .s2 = s2, .level = s2->level};
    uint64_t desc;

    if ((ask->ipa & ~smmu_ones(64 - s2->t0sz)) != 0) {
        return smmu_stage2_fault(ask, got, SMMU_F_TRANSLATION, 0);
    }
    w.shift = s2->granule + (3 - s2->level) * stride;
    w.table = s2->ttb & ~smmu_ones(width + 3 > 6 ? width + 3 : 6);
    use_walk_cache(m, &w);
    for (;; w.level++, w.shift -= stride) {
        uint64_t index = ask->ipa >> w.shift;

        w.at = w.table + 8 * (index & smmu_ones(w.level == s2->level ? width : stride));
        if (!model_bus_read64(m->world, w.at, &desc)) {
            return smmu_stage2_fault(ask, got, SMMU_F_WALK_EABT, w.at);
        }
        if (!smmu_bit(desc, DESC_VALID)) {
            return smmu_stage2_fault(ask, got, SMMU_F_TRANSLATION, 0);
        }
        if (w.level == 3 || !smmu_bit(desc, DESC_TABLE)) {
            break;
        }
        if (!next_table(m, &w, desc, got)) {
            return false;
        }
    }
    if (w.level == 3 ? !smmu_bit(desc, DESC_TABLE) : !block_allowed(m, &w)) {
        return smmu_stage2_fault(ask, got, SMMU_F_TRANSLATION, 0);
    }
    return take_leaf(m, &w, desc, leaf, got);
}

/* As the walk would go, without its side effects. false: it would fault. */
bool smmu_stage2_peek(const struct model_smmuv3 *m, const struct smmu_ste *ste, uint64_t ipa,
                      uint64_t *out)
{
    const struct smmu_s2 *s2 = &ste->s2;
    struct walk w = {.s2 = s2, .table = s2->ttb};
    uint32_t width = smmu_stage2_width(s2);
    uint32_t level, i;

    if ((ipa & ~smmu_ones(64 - s2->t0sz)) != 0) {
        return false;
    }
    for (level = s2->level; level <= 3; level++) {
        uint32_t shift = s2->granule + (3 - level) * (s2->granule - 3);
        const uint8_t *at = smmu_peek(m, w.table + 8 * ((ipa >> shift) & smmu_ones(width)), 8);
        uint64_t desc = 0;

        for (i = 0; at != NULL && i < 8; i++) {
            desc |= (uint64_t)at[i] << (8 * i);
        }
        if (!smmu_bit(desc, DESC_VALID)) {
            return false;
        }
        if (level == 3 || !smmu_bit(desc, DESC_TABLE)) {
            *out = address_of(m, &w, desc, shift) | (ipa & smmu_ones(shift));
            return true;
        }
        w.table = address_of(m, &w, desc, s2->granule);
        width = s2->granule - 3;
    }
    return false;
}
