/* SPDX-License-Identifier: BSD-2-Clause */
#include "model_smmuv3_internal.h"

/*
 * Stage 2: from an intermediate physical address to an output address. It is asked for traffic
 * of its own (Config 6, or stage 1 bypassed), for what stage 1 puts out, and for every CD and
 * every stage 1 table that is fetched under it.
 */

#define S2AP_READ  6u
#define S2AP_WRITE 7u
#define S2_XN0     53u
#define S2_XN      54u
#define D2_IN_TLB  0x09FFFFFF00000000u /* Without VMID, S2S and S2R. */

/* The level at which walks begin; 4: the encoding is reserved. */
static uint32_t first_level(uint32_t granule, uint32_t sl0)
{
    if (sl0 == 3) {
        return 4;
    }
    return granule == 12 ? 2 - sl0 : 3 - sl0;
}

/* From ste->word; nothing is checked. */
void smmu_stage2_decode(const struct model_smmuv3 *m, struct smmu_ste *ste)
{
    static const uint8_t granule[4] = {12, 16, 14, 0};
    static const uint8_t size[8] = {32, 36, 40, 42, 44, 48, 52, 52};
    struct smmu_s2 *s2 = &ste->s2;
    uint64_t d2 = ste->word[2];

    s2->t0sz = smmu_bits(d2, 37, 32);
    s2->granule = granule[smmu_bits(d2, 47, 46)];
    s2->level = first_level(s2->granule, smmu_bits(d2, 39, 38));
    s2->ps_bits = size[smmu_bits(d2, 50, 48)];
    if (s2->ps_bits > smmu_oas_bits(m)) {
        s2->ps_bits = smmu_oas_bits(m);
    }
    s2->affd = smmu_bit(d2, 53);
    s2->ptw = smmu_bit(d2, 54);
    s2->ha = smmu_bit(d2, 56);
    s2->hd = s2->ha && smmu_bit(d2, 55);
    s2->stall = smmu_bit(d2, 57);
    s2->record = smmu_bit(d2, 58);
    s2->ttb = ste->word[3] & 0x000FFFFFFFFFFFF0u;
    s2->hash = (d2 & D2_IN_TLB) * 0x9E3779B97F4A7C15u ^ ste->word[3];
}

/* Bits of the address that the first table, or tables side by side, take; 0: none are left. */
uint32_t smmu_stage2_width(const struct smmu_s2 *s2)
{
    uint32_t shift = s2->granule + (3 - s2->level) * (s2->granule - 3);

    return 64 - s2->t0sz > shift ? 64 - s2->t0sz - shift : 0;
}

/* S2T0SZ, S2SL0 and S2TG against each other, and against the output size. */
static bool geometry_bad(const struct model_smmuv3 *m, const struct smmu_s2 *s2)
{
    uint32_t oas = smmu_oas_bits(m);
    uint32_t most = !m->config.stt ? 39 : s2->granule == 16 ? 47 : 48;
    uint32_t least = s2->granule == 16 && m->config.vax >= 1 ? 12 : 16;
    uint32_t width;

    if (s2->t0sz < least || s2->t0sz > most || 64 - s2->t0sz > oas || s2->level > 3) {
        return true;
    }
    if ((s2->granule == 12 && s2->level == 0 && oas <= 42) ||
        (s2->granule == 14 && s2->level == 1 && oas <= 40) ||
        (s2->granule == 16 && s2->level == 1 && oas <= 42)) {
        return true;
    }
    width = smmu_stage2_width(s2);
    return width < 1 || width > s2->granule - 3 + 4;
}

/* true: C_BAD_STE. */
bool smmu_stage2_bad(const struct model_smmuv3 *m, const struct smmu_ste *ste)
{
    const struct model_smmuv3_config *c = &m->config;
    const struct smmu_s2 *s2 = &ste->s2;
    uint64_t d2 = ste->word[2];
    bool hd = smmu_bit(d2, 55);

    if (s2->stall ? c->stall_model == 1 : c->stall_model == 2) {
        return true;
    }
    if (smmu_bit(d2, 51) ? (c->ttf & 2) == 0 : (c->ttf & 1) == 0) {
        return true;
    }
    if ((s2->ha && c->httu == 0) || (hd && c->httu < 2) ||
        (c->httu == 3 && smmu_bit(d2, 59) && !s2->ha)) {
        return true;
    }
    if (s2->granule == 0 || (s2->granule == 12 && !c->gran4k) ||
        (s2->granule == 14 && !c->gran16k) || (s2->granule == 16 && !c->gran64k)) {
        return true;
    }
    if (smmu_bit(d2, 52) ? c->ttendian == 2 : c->ttendian == 3) {
        return true;
    }
    return geometry_bad(m, s2) || (s2->ttb & ~smmu_ones(s2->ps_bits)) != 0;
}

/* What a leaf grants: MODEL_READ | MODEL_WRITE | MODEL_EXEC. */
uint32_t smmu_stage2_permissions(const struct model_smmuv3 *m, uint64_t attrs, bool clean,
                                 uint32_t access)
{
    bool priv = (access & MODEL_PRIV) != 0;
    bool xn = smmu_bit(attrs, S2_XN);
    uint32_t granted = smmu_bit(attrs, S2AP_READ) ? MODEL_READ : 0;

    if (smmu_bit(attrs, S2AP_WRITE) || clean) {
        granted |= MODEL_WRITE;
    }
    if (m->config.xnx && smmu_bit(attrs, S2_XN0)) {
        xn = xn ? !priv : priv;
    }
    return granted | (xn ? 0u : MODEL_EXEC);
}

/* A fault of stage 2: S2R and S2S decide, and termination is an abort always. */
bool smmu_stage2_fault(const struct smmu_ipa *ask, struct smmu_outcome *got, uint32_t event,
                       uint64_t fetch)
{
    got->event = event;
    got->fetch = fetch;
    got->cls = ask->cls;
    got->s2 = true;
    got->ipa = ask->ipa;
    got->table_write = ask->cls == SMMU_CLASS_TT && (ask->access & MODEL_WRITE) != 0;
    got->abort = true;
    got->record = ask->ste->s2.record;
    got->stall = ask->ste->s2.stall;
    return false;
}

static struct smmu_tlb *lookup(struct model_smmuv3 *m, const struct smmu_ipa *ask)
{
    unsigned i;

    for (i = 0; i < SMMU_TLBS; i++) {
        struct smmu_tlb *e = &m->tlb[i];

        if (e->used && e->ipa && !e->table && e->vmid == ask->ste->vmid &&
            e->va == (ask->ipa & ~smmu_ones(e->size_log2))) {
            return e;
        }
    }
    return NULL;
}

static void insert(struct model_smmuv3 *m, const struct smmu_tlb *leaf)
{
    uint64_t last = leaf->va | smmu_ones(leaf->size_log2);
    unsigned i;

    for (i = 0; i < SMMU_TLBS; i++) {
        struct smmu_tlb *e = &m->tlb[i];

        if (!e->used || !e->ipa || e->table || e->vmid != leaf->vmid || e->va > last ||
            (e->va | smmu_ones(e->size_log2)) < leaf->va) {
            continue;
        }
        if (e->size_log2 != leaf->size_log2 && m->config.bbml == 0) {
            smmu_wrong(m, "smmuv3.tlb.conflict",
                       "a stage 2 block changed its size without invalidating the old entry", e->va,
                       leaf->va);
        }
        e->used = false;
    }
    *smmu_tlb_place(m) = *leaf;
}

/* Streams of one VMID have one stage 2; stage 1 alone must not be among them. */
static void check_shared_vmid(struct model_smmuv3 *m, const struct smmu_ste *ste)
{
    unsigned i;

    for (i = 0; i < SMMU_STES; i++) {
        const struct smmu_ste *other = &m->ste[i];

        if (!other->used || other->bad != 0 || other->config < 5 || other->vmid != ste->vmid ||
            (other->config == 5 && other->strw == 2)) {
            continue;
        }
        if (other->config == 5 && ste->config == 7) {
            smmu_wrong(m, "smmuv3.ste.vmid-stages-mixed",
                       "a stream with stage 1 alone shares the VMID of one with both", other->sid,
                       ste->sid);
            return;
        }
        if (other->config != 5 && other->s2.hash != ste->s2.hash) {
            smmu_wrong(m, "smmuv3.ste.vmid-shared-differ",
                       "two STEs with one VMID differ in fields that TLB entries hold", other->sid,
                       ste->sid);
            return;
        }
    }
}

static bool allowed(const struct model_smmuv3 *m, const struct smmu_ipa *ask,
                    const struct smmu_tlb *e)
{
    uint32_t needed = ask->access & (MODEL_READ | MODEL_WRITE | MODEL_EXEC);

    if ((needed & MODEL_EXEC) != 0) {
        needed = MODEL_EXEC;
    }
    if (ask->cls != SMMU_CLASS_IN && ask->ste->s2.ptw && smmu_bits(e->attrs, 5, 4) == 0) {
        return false; /* A table in device memory. */
    }
    return (needed & ~smmu_stage2_permissions(m, e->attrs, false, ask->access)) == 0;
}

/* The entry that translates ask->ipa, into *leaf; false: a fault of stage 2. */
bool smmu_stage2(struct model_smmuv3 *m, const struct smmu_ipa *ask, struct smmu_tlb *leaf,
                 struct smmu_outcome *got)
{
    struct smmu_tlb *e = lookup(m, ask);

    if (e != NULL && model_chance(m->world, m->knobs.evict)) {
        e->used = false;
        e = NULL;
    }
    if (e != NULL && !allowed(m, ask, e) &&
        ((e->clean && ask->ste->s2.hd) || model_chance(m->world, 500))) {
        e->used = false;
        e = NULL;
    }
    if (e != NULL) {
        m->counts.tlb_hits++;
        e->inner = e->inner && !ask->direct;
        if (e->hash != ask->ste->s2.hash) {
            smmu_wrong(m, "smmuv3.tlb.attributes-differ",
                       "a stage 2 entry of this VMID was made under another STE", e->vmid,
                       ask->ipa);
        }
        *leaf = *e;
    } else {
        m->counts.tlb_misses++;
        check_shared_vmid(m, ask->ste);
        if (!smmu_stage2_walk(m, ask, leaf, got)) {
            return false;
        }
        insert(m, leaf);
    }
    if (!ask->ats && !allowed(m, ask, leaf)) {
        return smmu_stage2_fault(ask, got, SMMU_F_PERMISSION, 0);
    }
    return true;
}

/* *at is an IPA if the stream has stage 2, and becomes an output address. */
bool smmu_stage2_fetch(struct model_smmuv3 *m, const struct smmu_ste *ste, uint32_t cls,
                       uint32_t access, uint64_t *at, struct smmu_outcome *got)
{
    struct smmu_ipa ask = {.ste = ste, .ipa = *at, .access = access, .cls = cls};
    struct smmu_tlb leaf;

    if (ste == NULL || (ste->config & 2) == 0) {
        return true;
    }
    if (!smmu_stage2(m, &ask, &leaf, got)) {
        return false;
    }
    *at = leaf.out | (*at & smmu_ones(leaf.size_log2));
    return true;
}

/* Traffic whose address is an IPA already. */
void smmu_stage2_direct(struct model_smmuv3 *m, const struct smmu_access *want,
                        const struct smmu_ste *ste, struct smmu_outcome *got)
{
    struct smmu_ipa ask = {.ste = ste,
                           .ipa = want->address,
                           .access = want->access,
                           .cls = SMMU_CLASS_IN,
                           .ats = want->ats,
                           .direct = true};
    struct smmu_tlb leaf;

    if (!smmu_stage2(m, &ask, &leaf, got)) {
        return;
    }
    got->out = leaf.out;
    got->size_log2 = leaf.size_log2;
    got->granted = smmu_stage2_permissions(m, leaf.attrs, false, want->access);
}
