/* SPDX-License-Identifier: BSD-2-Clause */
#include "model_smmuv3_internal.h"

uint32_t model_smmuv3_priq_used(const struct model_smmuv3 *m)
{
    return smmu_queue_used(&m->priq, m->priq.hw, m->priq.cons);
}

uint32_t model_smmuv3_eventq_used(const struct model_smmuv3 *m)
{
    return smmu_queue_used(&m->eventq, m->eventq.hw, m->eventq.cons);
}

uint32_t model_smmuv3_cmdq_used(const struct model_smmuv3 *m)
{
    return smmu_queue_used(&m->cmdq, m->cmdq.prod, m->cmdq.hw);
}

uint32_t model_smmuv3_events_pending(const struct model_smmuv3 *m)
{
    uint32_t count = m->event_count;
    unsigned i;

    for (i = 0; i < SMMU_STALLS; i++) {
        count += m->stall[i].state == SMMU_STALL_PENDING ? 1u : 0u;
    }
    return count;
}

uint32_t model_smmuv3_unsynced(const struct model_smmuv3 *m)
{
    return m->unsynced;
}

static bool being_read(const struct model_smmuv3 *m, bool cd, uint32_t sid, uint32_t ssid)
{
    unsigned i;

    for (i = 0; i < SMMU_SLOWS; i++) {
        if (m->slow[i].used && m->slow[i].cd == cd && m->slow[i].sid == sid &&
            (!cd || m->slow[i].ssid == ssid)) {
            return true;
        }
    }
    return false;
}

bool model_smmuv3_ste_cached(const struct model_smmuv3 *m, uint32_t sid)
{
    return smmu_ste_find(m, sid) != NULL || being_read(m, false, sid, 0);
}

bool model_smmuv3_cd_cached(const struct model_smmuv3 *m, uint32_t sid, uint32_t ssid)
{
    if (ssid == MODEL_SMMUV3_NONE) {
        ssid = 0;
    }
    return smmu_cd_find(m, sid, ssid) != NULL || being_read(m, true, sid, ssid);
}

bool model_smmuv3_asid_cached(const struct model_smmuv3 *m, uint32_t asid)
{
    unsigned i;

    for (i = 0; i < SMMU_TLBS; i++) {
        if (m->tlb[i].used && !m->tlb[i].ipa && m->tlb[i].world != SMMU_WORLD_EL2 &&
            !m->tlb[i].global && m->tlb[i].asid == asid) {
            return true;
        }
    }
    return false;
}

bool model_smmuv3_vmid_cached(const struct model_smmuv3 *m, uint32_t vmid)
{
    unsigned i;

    for (i = 0; i < SMMU_TLBS; i++) {
        if (m->tlb[i].used && m->tlb[i].world == SMMU_WORLD_EL1 && m->tlb[i].vmid == vmid) {
            return true;
        }
    }
    return false;
}

/* Another stream keeps this stage 2 in use: its entries are nobody's leftovers. */
static bool shared_vmid(const struct model_smmuv3 *m, uint32_t sid, uint32_t vmid)
{
    unsigned i;

    for (i = 0; i < SMMU_STES; i++) {
        const struct smmu_ste *ste = &m->ste[i];

        if (ste->used && ste->bad == 0 && (ste->config & 6) == 6 && ste->sid != sid &&
            ste->vmid == vmid) {
            return true;
        }
    }
    return false;
}

/* A translation that the cached CD would use, or that was made for this very stream. */
static bool translates(const struct model_smmuv3 *m, const struct smmu_cd *cd, uint32_t sid,
                       uint32_t ssid)
{
    unsigned i;

    for (i = 0; i < SMMU_TLBS; i++) {
        const struct smmu_tlb *e = &m->tlb[i];

        if (!e->used || e->table || e->inner) {
            continue;
        }
        if (e->ipa && shared_vmid(m, sid, e->vmid)) {
            continue;
        }
        if (e->sid == sid && e->ssid == ssid) {
            return true;
        }
        if (cd != NULL && cd->bad == 0 && !e->ipa && e->world == cd->world && e->vmid == cd->vmid &&
            !e->global && e->asid == cd->asid) {
            return true;
        }
    }
    return false;
}

bool model_smmuv3_check_unreachable(const struct model_smmuv3 *m, uint32_t sid, uint32_t ssid)
{
    uint32_t index = ssid == MODEL_SMMUV3_NONE ? 0 : ssid;
    const struct smmu_ste *ste = smmu_ste_find(m, sid);
    const struct smmu_cd *cd = smmu_cd_find(m, sid, index);
    unsigned i;

    if (ssid == MODEL_SMMUV3_NONE && ste != NULL && ste->bad == 0 &&
        (ste->config == 4 || ste->config == 6 ||
         ((ste->config & 5) == 5 && ste->s1cdmax > 0 && ste->s1dss == 1))) {
        return false;
    }
    if (cd != NULL && cd->bad == 0 && !(cd->half[0].epd && cd->half[1].epd)) {
        return false;
    }
    for (i = 0; i < SMMU_SLOWS; i++) {
        const struct smmu_slow *slow = &m->slow[i];

        if (slow->used && slow->cd && slow->sid == sid && slow->ssid == index &&
            smmu_bit(slow->start[0], 31) && (slow->start[0] & 0x40004000u) != 0x40004000u) {
            return false;
        }
    }
    return !translates(m, cd, sid, ssid);
}

static bool inside(uint64_t at, uint64_t first, uint64_t last)
{
    return at >= first && at <= last;
}

/* A CD whose tables begin in [first, last]; nested ones lie where stage 2 has them now. */
static bool roots_stage1(const struct model_smmuv3 *m, const struct smmu_cd *cd, uint64_t first,
                         uint64_t last)
{
    const struct smmu_ste *ste = smmu_ste_find(m, cd->sid);
    unsigned k;

    for (k = 0; k < 2 && cd->bad == 0; k++) {
        uint64_t at = cd->half[k].ttb;

        if (cd->half[k].epd || (cd->nested && (ste == NULL || ste->bad != 0 || ste->config != 7 ||
                                               !smmu_stage2_peek(m, ste, at, &at)))) {
            continue;
        }
        if (inside(at, first, last)) {
            return true;
        }
    }
    return false;
}

/* A stream's first tables of stage 2 begin in [first, last], or reach into it. */
static bool roots_stage2(const struct smmu_ste *ste, uint64_t first, uint64_t last)
{
    uint64_t root = ste->s2.ttb;

    return ste->used && ste->bad == 0 && (ste->config & 6) == 6 && root <= last &&
           root + smmu_ones(smmu_stage2_width(&ste->s2) + 3) >= first;
}

bool model_smmuv3_check_tables_unused(const struct model_smmuv3 *m, uint64_t first, uint64_t last)
{
    unsigned i;

    for (i = 0; i < SMMU_CDS; i++) {
        if (m->cd[i].used && roots_stage1(m, &m->cd[i], first, last)) {
            return false;
        }
    }
    for (i = 0; i < SMMU_STES; i++) {
        if (roots_stage2(&m->ste[i], first, last)) {
            return false;
        }
    }
    for (i = 0; i < SMMU_TLBS; i++) {
        const struct smmu_tlb *e = &m->tlb[i];

        if (e->used && e->combined &&
            (inside(e->s2root, first, last) || inside(e->s2from, first, last))) {
            return false;
        }
        if (e->used && (inside(e->root, first, last) || inside(e->from, first, last) ||
                        (e->table && inside(e->out, first, last)))) {
            return false;
        }
    }
    return true;
}
