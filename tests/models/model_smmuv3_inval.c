/* SPDX-License-Identifier: BSD-2-Clause */
#include "model_smmuv3_internal.h"

#define VA_BITS 0x00FFFFFFFFFFFFFFu /* The tag byte takes no part. */

/* ---- configuration caches ---- */

static void drop_cds(struct model_smmuv3 *m, uint32_t first, uint32_t last)
{
    unsigned i;

    for (i = 0; i < SMMU_CDS; i++) {
        if (m->cd[i].sid >= first && m->cd[i].sid <= last) {
            m->cd[i].used = false;
        }
    }
    for (i = 0; i < SMMU_L1S; i++) {
        if (m->l1[i].cd && m->l1[i].sid >= first && m->l1[i].sid <= last) {
            m->l1[i].used = false;
        }
    }
    for (i = 0; i < SMMU_SLOWS; i++) {
        if (m->slow[i].cd && m->slow[i].sid >= first && m->slow[i].sid <= last) {
            m->slow[i].used = false;
        }
    }
}

static void drop_stes(struct model_smmuv3 *m, uint32_t first, uint32_t last, bool level1)
{
    unsigned i;

    for (i = 0; i < SMMU_STES; i++) {
        if (m->ste[i].sid >= first && m->ste[i].sid <= last) {
            m->ste[i].used = false;
        }
    }
    for (i = 0; i < SMMU_SLOWS; i++) {
        if (!m->slow[i].cd && m->slow[i].sid >= first && m->slow[i].sid <= last) {
            m->slow[i].used = false;
        }
    }
    for (i = 0; level1 && i < SMMU_L1S; i++) {
        struct smmu_l1 *l1 = &m->l1[i];

        if (!l1->cd && l1->index >= first >> l1->shift && l1->index <= last >> l1->shift) {
            l1->used = false;
        }
    }
    drop_cds(m, first, last);
}

static void drop_cd(struct model_smmuv3 *m, uint32_t sid, uint32_t ssid, bool level1)
{
    unsigned i;

    for (i = 0; i < SMMU_CDS; i++) {
        if (m->cd[i].sid == sid && m->cd[i].ssid == ssid) {
            m->cd[i].used = false;
        }
    }
    for (i = 0; i < SMMU_SLOWS; i++) {
        if (m->slow[i].cd && m->slow[i].sid == sid && m->slow[i].ssid == ssid) {
            m->slow[i].used = false;
        }
    }
    for (i = 0; level1 && i < SMMU_L1S; i++) {
        struct smmu_l1 *l1 = &m->l1[i];

        if (l1->cd && l1->sid == sid && l1->index == ssid >> l1->shift) {
            l1->used = false;
        }
    }
}

static void drop_range(struct model_smmuv3 *m, uint32_t sid, uint32_t range)
{
    uint32_t low = (uint32_t)smmu_ones(range + 1);

    drop_stes(m, sid & ~low, sid | low, true);
}

/* ---- translations ---- */

static bool covers(uint64_t d0, uint64_t d1, bool ril, const struct smmu_tlb *e)
{
    uint32_t tg = ril ? smmu_bits(d1, 11, 10) : 0;
    uint32_t ttl = ril ? smmu_bits(d1, 9, 8) : 0;
    uint64_t first = d1 & VA_BITS & ~(uint64_t)0xFFF;
    uint64_t last = first;
    uint64_t entry = e->va & VA_BITS;
    uint64_t entry_last = entry | smmu_ones(e->size_log2);

    if (e->table && smmu_bit(d1, 0)) {
        return false;
    }
    if (tg != 0) {
        uint32_t granule = 10 + 2 * tg;
        uint32_t scale = smmu_bits(d0, 24, 20);

        if (e->granule != granule) {
            return false;
        }
        if (granule == 14 && ttl == 1) {
            ttl = 0;
        }
        if (ttl != 0 && (e->table || e->level != ttl)) {
            return false;
        }
        last = first + (((uint64_t)smmu_bits(d0, 16, 12) + 1) << (scale + granule)) - 1;
        if (last < first) {
            last = VA_BITS;
        }
    }
    return entry <= last && entry_last >= first;
}

/* Whether the architecture says that this command removes this entry. */
bool smmu_inval_tlb_match(const struct model_smmuv3 *m, uint64_t d0, uint64_t d1,
                          const struct smmu_tlb *e)
{
    uint32_t asid = smmu_bits(d0, 63, 48);
    bool vmid = !m->config.s2p || smmu_bits(d0, 47, 32) == e->vmid;
    bool el1 = e->world == SMMU_WORLD_EL1;
    bool va = covers(d0, d1, m->config.ril, e);
    bool one = el1 && !e->ipa; /* Of stage 1, or of both. */

    switch (d0 & 0xFF) {
    case SMMU_CMD_TLBI_NSNH_ALL:
        return el1;
    case SMMU_CMD_TLBI_S12_VMALL:
        return el1 && vmid;
    case SMMU_CMD_TLBI_S2_IPA:
        return e->ipa && vmid && va;
    case SMMU_CMD_TLBI_NH_ALL:
        return one && vmid;
    case SMMU_CMD_TLBI_NH_ASID:
        return one && vmid && !e->global && e->asid == asid;
    case SMMU_CMD_TLBI_NH_VA:
        return one && vmid && va && (e->global || e->asid == asid);
    case SMMU_CMD_TLBI_NH_VAA:
        return one && vmid && va;
    case SMMU_CMD_TLBI_EL2_ALL:
        return !el1;
    case SMMU_CMD_TLBI_EL2_ASID:
        return e->world == SMMU_WORLD_E2H && !e->global && e->asid == asid;
    case SMMU_CMD_TLBI_EL2_VA:
        return !el1 && va && (e->world == SMMU_WORLD_EL2 || e->global || e->asid == asid);
    case SMMU_CMD_TLBI_EL2_VAA:
        return !el1 && va;
    default:
        return false;
    }
}

/* Whether CMD_TLBI_S2_IPA takes away what lies under this entry of both stages, and leaves it. */
bool smmu_inval_under(const struct model_smmuv3 *m, uint64_t d0, uint64_t d1,
                      const struct smmu_tlb *e)
{
    uint32_t tg = m->config.ril ? smmu_bits(d1, 11, 10) : 0;
    struct smmu_tlb under = *e;

    if ((d0 & 0xFF) != SMMU_CMD_TLBI_S2_IPA || !e->combined || smmu_bits(d0, 47, 32) != e->vmid) {
        return false;
    }
    under.table = false;
    under.va = e->ipa_out & ~smmu_ones(e->table ? e->granule : e->size_log2);
    under.size_log2 = e->table ? e->granule : e->size_log2;
    under.granule = tg != 0 ? 10 + 2 * tg : e->granule;
    return covers(d0, d1 & ~(uint64_t)0x300, m->config.ril, &under);
}

static void over_invalidate(struct model_smmuv3 *m)
{
    if (!model_chance(m->world, m->knobs.over_invalidate)) {
        return;
    }
    m->tlb[model_choose(m->world, SMMU_TLBS)].used = false;
    m->cd[model_choose(m->world, SMMU_CDS)].used = false;
    m->ste[model_choose(m->world, SMMU_STES)].used = false;
}

static void apply(struct model_smmuv3 *m, uint64_t d0, uint64_t d1)
{
    uint32_t sid = (uint32_t)(d0 >> 32);
    bool leaf = smmu_bit(d1, 0);
    unsigned i;

    over_invalidate(m);
    switch (d0 & 0xFF) {
    case SMMU_CMD_CFGI_STE:
        drop_stes(m, sid, sid, !leaf);
        return;
    case SMMU_CMD_CFGI_STE_RANGE:
        drop_range(m, sid, smmu_bits(d1, 4, 0));
        return;
    case SMMU_CMD_CFGI_CD:
        drop_cd(m, sid, smmu_bits(d0, 31, 12), !leaf);
        return;
    case SMMU_CMD_CFGI_CD_ALL:
        drop_cds(m, sid, sid);
        return;
    default:
        break;
    }
    for (i = 0; i < SMMU_TLBS; i++) {
        if (m->tlb[i].used && smmu_inval_tlb_match(m, d0, d1, &m->tlb[i])) {
            m->tlb[i].used = false;
        } else if (m->tlb[i].used && smmu_inval_under(m, d0, d1, &m->tlb[i])) {
            m->tlb[i].s2gone = m->counts.syncs + 1;
        }
    }
}

/* ---- between consumption and the next CMD_SYNC, in any order ---- */

static bool apply_one(struct model_smmuv3 *m, bool held_too)
{
    uint32_t start = model_choose(m->world, SMMU_PENDING);
    uint32_t i;

    for (i = 0; i < SMMU_PENDING; i++) {
        struct smmu_pending *p = &m->pending[(start + i) & (SMMU_PENDING - 1)];

        if (p->used && (held_too || !p->held)) {
            p->used = false;
            apply(m, p->d0, p->d1);
            return true;
        }
    }
    return false;
}

static void pending_work(void *arg, uint64_t token)
{
    struct model_smmuv3 *m = arg;

    (void)token;
    m->pending_scheduled = false;
    if (apply_one(m, false)) {
        m->pending_scheduled = true;
        smmu_later(m, smmu_lag(m, m->knobs.invalidate_lag_ns), pending_work, 0);
    }
}

void smmu_inval_queue(struct model_smmuv3 *m, uint64_t d0, uint64_t d1)
{
    uint32_t i = 0;

    m->unsynced++;
    while (i < SMMU_PENDING && m->pending[i].used) {
        i++;
    }
    if (i == SMMU_PENDING) {
        i = model_choose(m->world, SMMU_PENDING);
        apply(m, m->pending[i].d0, m->pending[i].d1);
    }
    m->pending[i].used = true;
    m->pending[i].held = model_chance(m->world, 500);
    m->pending[i].d0 = d0;
    m->pending[i].d1 = d1;
    if (!m->pending_scheduled) {
        m->pending_scheduled = true;
        smmu_later(m, smmu_lag(m, m->knobs.invalidate_lag_ns), pending_work, 0);
    }
}

void smmu_inval_all(struct model_smmuv3 *m)
{
    while (apply_one(m, true)) {
        continue;
    }
}
