/* SPDX-License-Identifier: BSD-2-Clause */
#include "model_smmuv3_internal.h"

#define AP1 6u
#define AP2 7u
#define PXN 53u
#define XN  54u

struct smmu_tlb *smmu_tlb_place(struct model_smmuv3 *m)
{
    unsigned i;

    for (i = 0; i < SMMU_TLBS; i++) {
        if (!m->tlb[i].used) {
            return &m->tlb[i];
        }
    }
    return &m->tlb[model_choose(m->world, SMMU_TLBS)];
}

/* An entry of stage 1 becomes one of both: ipa is what stage 1 puts out, under what it passes. */
void smmu_tlb_combine(struct smmu_tlb *e, const struct smmu_tlb *under, uint64_t ipa)
{
    e->combined = true;
    e->ipa_out = ipa;
    e->s2clean = under->clean;
    e->s2attrs = under->attrs;
    e->s2root = under->root;
    e->s2from = under->from;
    e->s2hash = under->hash;
    e->s2gone = under->s2gone;
}

/* CMD_TLBI_S2_IPA leaves entries of both stages: software has to follow it with stage 1. */
void smmu_tlb_check_gone(struct model_smmuv3 *m, const struct smmu_tlb *e)
{
    if (e->s2gone != 0 && m->knobs.stage2_grace != 0 &&
        m->counts.syncs + 1 - e->s2gone >= m->knobs.stage2_grace) {
        smmu_wrong(m, "smmuv3.tlb.stage2-gone",
                   "an entry of both stages is used although its stage 2 was invalidated", e->va,
                   e->ipa_out);
    }
}

/* What an entry grants at the privilege of access: MODEL_READ | MODEL_WRITE | MODEL_EXEC. */
uint32_t smmu_tlb_permissions(const struct smmu_cd *cd, uint64_t attrs, bool clean, uint32_t access)
{
    bool user = smmu_bit(attrs, AP1);
    bool writable = !smmu_bit(attrs, AP2) || clean;
    uint32_t granted = 0;

    if (cd->world == SMMU_WORLD_EL2) {
        granted = MODEL_READ | (writable ? MODEL_WRITE : 0u);
        return granted | (!smmu_bit(attrs, XN) && !(cd->wxn && writable) ? MODEL_EXEC : 0u);
    }
    if ((access & MODEL_PRIV) == 0) {
        if (user) {
            granted = MODEL_READ | (writable ? MODEL_WRITE : 0u);
        }
        if (!smmu_bit(attrs, XN) && !(cd->wxn && user && writable)) {
            granted |= MODEL_EXEC;
        }
        return granted;
    }
    if (!cd->pan || !user) {
        granted = MODEL_READ | (writable ? MODEL_WRITE : 0u);
    }
    if (!smmu_bit(attrs, PXN) && !(cd->wxn && writable) && !(user && writable) &&
        !(cd->uwxn && user)) {
        granted |= MODEL_EXEC;
    }
    return granted;
}

static struct smmu_tlb *lookup(struct model_smmuv3 *m, const struct smmu_cd *cd, uint64_t va)
{
    unsigned i;

    for (i = 0; i < SMMU_TLBS; i++) {
        struct smmu_tlb *e = &m->tlb[i];

        if (e->used && !e->table && !e->ipa && e->world == cd->world && e->vmid == cd->vmid &&
            (e->global ? e->aset == cd->aset : e->asid == cd->asid) &&
            e->va == (va & ~smmu_ones(e->size_log2))) {
            return e;
        }
    }
    return NULL;
}

/* All CDs of one ASID must agree on what TLB entries may hold. */
static void check_shared_asid(struct model_smmuv3 *m, const struct smmu_cd *cd, unsigned half)
{
    unsigned i;

    for (i = 0; i < SMMU_CDS; i++) {
        const struct smmu_cd *other = &m->cd[i];

        if (other->used && other->bad == 0 && other->world == cd->world &&
            other->vmid == cd->vmid && other->asid == cd->asid && cd->world != SMMU_WORLD_EL2 &&
            !other->half[half].epd && other->half[half].hash != cd->half[half].hash) {
            smmu_wrong(m, "smmuv3.cd.asid-shared-differ",
                       "two CDs with one ASID differ in fields that TLB entries hold",
                       (uint64_t)cd->sid << 32 | cd->ssid,
                       (uint64_t)other->sid << 32 | other->ssid);
            return;
        }
    }
}

static void insert(struct model_smmuv3 *m, const struct smmu_tlb *leaf)
{
    uint64_t last = leaf->va | smmu_ones(leaf->size_log2);
    unsigned i;

    for (i = 0; i < SMMU_TLBS; i++) {
        struct smmu_tlb *e = &m->tlb[i];

        if (!e->used || e->table || e->ipa || e->world != leaf->world || e->vmid != leaf->vmid ||
            (!e->global && !leaf->global && e->asid != leaf->asid) || e->va > last ||
            (e->va | smmu_ones(e->size_log2)) < leaf->va) {
            continue;
        }
        if (e->size_log2 != leaf->size_log2 && m->config.bbml == 0) {
            smmu_wrong(m, "smmuv3.tlb.conflict",
                       "a block size changed without invalidating the old entry", e->va, leaf->va);
        }
        e->used = false;
    }
    *smmu_tlb_place(m) = *leaf;
}

static void fault_by_permission(const struct smmu_access *want, const struct smmu_tlb *e,
                                bool stage1, struct smmu_outcome *got)
{
    struct smmu_ipa ask = {.ste = want->over, .access = want->access, .cls = SMMU_CLASS_IN};

    if (stage1) {
        got->event = SMMU_F_PERMISSION;
        got->cls = SMMU_CLASS_IN;
        return;
    }
    ask.ipa = e->ipa_out | (want->address & smmu_ones(e->size_log2));
    smmu_stage2_fault(&ask, got, SMMU_F_PERMISSION, 0);
}

static void finish(const struct model_smmuv3 *m, const struct smmu_access *want,
                   const struct smmu_cd *cd, const struct smmu_tlb *e, struct smmu_outcome *got)
{
    uint32_t needed = want->access & (MODEL_READ | MODEL_WRITE | MODEL_EXEC);
    uint32_t first = smmu_tlb_permissions(cd, e->attrs, false, want->access);
    uint32_t second = MODEL_READ | MODEL_WRITE | MODEL_EXEC;

    if (e->combined && want->over != NULL) {
        second = smmu_stage2_permissions(m, e->s2attrs, false, want->access);
    }
    got->out = e->out;
    got->size_log2 = e->size_log2;
    got->granted = first & second;
    if ((needed & MODEL_EXEC) != 0 && !want->ats) {
        needed = MODEL_EXEC;
    }
    if (!want->ats && (needed & ~got->granted) != 0) {
        fault_by_permission(want, e, (needed & ~first) != 0, got);
    }
}

/* What lies on stage 2 goes through it; the smaller of the two sizes counts. */
static bool pass_stage2(struct model_smmuv3 *m, const struct smmu_access *want,
                        const struct smmu_cd *cd, struct smmu_tlb *leaf, struct smmu_outcome *got)
{
    struct smmu_ipa ask = {
        .ste = want->over, .access = want->access, .cls = SMMU_CLASS_IN, .ats = want->ats};
    uint32_t needed = want->access & (MODEL_READ | MODEL_WRITE | MODEL_EXEC);
    uint64_t inside = want->address & smmu_ones(leaf->size_log2);
    struct smmu_tlb under;

    ask.ipa = leaf->out | inside;
    if (!want->ats && ((needed & MODEL_EXEC) != 0 ? MODEL_EXEC : needed) &
                          ~smmu_tlb_permissions(cd, leaf->attrs, false, want->access)) {
        fault_by_permission(want, leaf, true, got);
        return false;
    }
    if (!smmu_stage2(m, &ask, &under, got)) {
        return false;
    }
    if (under.size_log2 < leaf->size_log2) {
        leaf->size_log2 = under.size_log2;
        leaf->va |= inside & ~smmu_ones(under.size_log2);
    }
    smmu_tlb_combine(leaf, &under, ask.ipa & ~smmu_ones(leaf->size_log2));
    leaf->out = under.out | (ask.ipa & smmu_ones(under.size_log2) & ~smmu_ones(leaf->size_log2));
    return true;
}

/* false: not in the range that the half translates. */
static bool split_va(const struct smmu_cd *cd, uint64_t address, unsigned *half, uint64_t *va)
{
    bool high = smmu_bit(address, 55) && cd->world != SMMU_WORLD_EL2;
    const struct smmu_half *h = &cd->half[high ? 1 : 0];
    uint64_t sign, bits;

    *half = high ? 1 : 0;
    *va = address;
    if (h->tbi) {
        *va = (address & smmu_ones(56)) | (high ? ~smmu_ones(56) : 0);
    }
    if (h->epd) {
        return true;
    }
    bits = 64 - h->tsz;
    sign = *va & ~smmu_ones((unsigned)bits);
    return sign == (high ? ~smmu_ones((unsigned)bits) : 0);
}

/* A hit is good only under the configuration that it was made under. */
static void check_hit(struct model_smmuv3 *m, const struct smmu_access *want,
                      const struct smmu_cd *cd, unsigned half, const struct smmu_tlb *e)
{
    if (e->combined != (want->over != NULL)) {
        smmu_wrong(m, "smmuv3.tlb.stages-mixed",
                   "an entry of stage 1 alone and one of both stages have the same tags", e->vmid,
                   e->va);
        return;
    }
    if ((!cd->half[half].epd && e->hash != cd->half[half].hash) ||
        (e->combined && e->s2hash != want->over->s2.hash)) {
        smmu_wrong(m, "smmuv3.tlb.attributes-differ",
                   "a TLB entry of this ASID was made under another CD", e->asid, e->va);
    }
    smmu_tlb_check_gone(m, e);
}

/* true: done. Else a walk has to show. */
static bool hit(struct model_smmuv3 *m, const struct smmu_access *want, const struct smmu_cd *cd,
                unsigned half, uint64_t va, struct smmu_outcome *got)
{
    struct smmu_tlb *e = lookup(m, cd, va);
    bool clean;

    if (e == NULL) {
        return false;
    }
    if (model_chance(m->world, m->knobs.evict)) {
        e->used = false;
        return false;
    }
    m->counts.tlb_hits++;
    check_hit(m, want, cd, half, e);
    finish(m, want, cd, e, got);
    clean = (e->clean && cd->hd) || (e->s2clean && want->over != NULL && want->over->s2.hd);
    /* A shortfall may come from the entry's age: hardware may look again, or not. */
    if ((want->access & ~got->granted & (MODEL_READ | MODEL_WRITE)) == 0 ||
        (!clean && model_chance(m->world, 500))) {
        return true;
    }
    got->event = 0;
    got->s2 = false;
    got->abort = cd->abort;
    got->record = cd->record;
    got->stall = cd->stall;
    e->used = false;
    return false;
}

void smmu_tlb_translate(struct model_smmuv3 *m, const struct smmu_access *want,
                        const struct smmu_cd *cd, struct smmu_outcome *got)
{
    unsigned half;
    uint64_t va;
    struct smmu_tlb leaf;
    bool in_range = split_va(cd, want->address, &half, &va);

    got->cls = SMMU_CLASS_IN;
    if (!in_range) {
        got->event = SMMU_F_TRANSLATION;
        return;
    }
    if (!want->split && hit(m, want, cd, half, va, got)) {
        return;
    }
    m->counts.tlb_misses++;
    if (cd->half[half].epd ||
        (cd->half[half].e0pd && m->config.e0pd && (want->access & MODEL_PRIV) == 0)) {
        got->event = SMMU_F_TRANSLATION;
        return;
    }
    check_shared_asid(m, cd, half);
    if (!smmu_table_walk(m, want, cd, half, va, &leaf, got)) {
        return;
    }
    if (want->over != NULL && !want->split && !pass_stage2(m, want, cd, &leaf, got)) {
        return;
    }
    if (!want->split) {
        insert(m, &leaf);
    }
    finish(m, want, cd, &leaf, got);
}
