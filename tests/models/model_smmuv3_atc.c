/* SPDX-License-Identifier: BSD-2-Clause */
#include "model_smmuv3_internal.h"

bool smmu_atc_room(const struct model_smmuv3 *m)
{
    return model_smmuv3_atc_outstanding(m) < SMMU_ATCS;
}

uint32_t model_smmuv3_atc_outstanding(const struct model_smmuv3 *m)
{
    uint32_t count = 0;
    unsigned i;

    for (i = 0; i < SMMU_ATCS; i++) {
        count += m->atc[i].used ? 1u : 0u;
    }
    return count;
}

/*
 * An ATC may be refilled from the SMMU's TLB at once. If an entry that this command is about is
 * still there, and a TLBI for it is only on its way, the order was wrong.
 */
/* The stream's cached configuration would still lead to this entry. */
static bool reachable(const struct model_smmuv3 *m, const struct smmu_tlb *e)
{
    const struct smmu_ste *ste = smmu_ste_find(m, e->sid);
    const struct smmu_cd *cd = smmu_cd_find(m, e->sid, e->ssid == MODEL_SMMUV3_NONE ? 0 : e->ssid);

    if (e->ipa) {
        return !e->inner && ste != NULL && ste->bad == 0 && (ste->config & 6) == 6;
    }
    return cd != NULL && cd->bad == 0;
}

static void check_order(struct model_smmuv3 *m, const struct model_invalidate *what)
{
    uint64_t last = what->size_log2 >= 64 ? UINT64_MAX : what->address | smmu_ones(what->size_log2);
    unsigned i, k;

    for (i = 0; i < SMMU_TLBS; i++) {
        const struct smmu_tlb *e = &m->tlb[i];

        if (!e->used || e->table || e->sid != what->id ||
            (what->scope == MODEL_INVALIDATE_PASID && e->ssid != what->pasid) || e->va > last ||
            (e->va | smmu_ones(e->size_log2)) < what->address) {
            continue;
        }
        if (!reachable(m, e)) {
            continue;
        }
        for (k = 0; k < SMMU_PENDING; k++) {
            const struct smmu_pending *p = &m->pending[k];

            if (p->used && (smmu_inval_tlb_match(m, p->d0, p->d1, e) ||
                            smmu_inval_under(m, p->d0, p->d1, e))) {
                smmu_wrong(m, "smmuv3.order.atc-before-tlbi",
                           "CMD_ATC_INV while a TLBI for the same page is not completed", e->va,
                           what->id);
                return;
            }
        }
    }
}

void smmu_atc_send(struct model_smmuv3 *m, uint64_t d0, uint64_t d1)
{
    uint32_t size = smmu_bits(d1, 5, 0);
    bool tagged = smmu_bit(d0, 11);
    struct model_invalidate what;
    unsigned i = 0;

    memset(&what, 0, sizeof(what));
    what.id = (uint32_t)(d0 >> 32);
    if (tagged && m->config.no_pasid) {
        if (model_chance(m->world, 500)) {
            return;
        }
        tagged = false;
    }
    /* Without SSV the endpoint drops what it has of every PASID as well. */
    what.scope = tagged ? MODEL_INVALIDATE_PASID : MODEL_INVALIDATE_ALL;
    what.pasid = tagged ? smmu_bits(d0, 31, 12) : 0;
    what.global = tagged && smmu_bit(d0, 9);
    what.size_log2 = size > 52 ? 12 : 12 + size;
    what.address = d1 & ~smmu_ones(what.size_log2);
    check_order(m, &what);
    while (i < SMMU_ATCS - 1 && m->atc[i].used) {
        i++;
    }
    m->unsynced++;
    m->atc[i].used = true;
    m->atc[i].tag = ++m->atc_tag;
    m->atc[i].lost = m->knobs.lose_invalidates > 0;
    if (m->atc[i].lost) {
        m->knobs.lose_invalidates--;
        return;
    }
    what.tag = m->atc_tag;
    if (m->fabric != NULL) {
        model_fabric_invalidate(m->fabric, &what);
    }
}

/* Both results complete it; what the architecture does about UR is: nothing. */
void smmu_atc_done(void *ctx, uint64_t tag, enum model_invalidate_result result)
{
    struct model_smmuv3 *m = ctx;
    unsigned i;

    (void)result;
    for (i = 0; i < SMMU_ATCS; i++) {
        if (m->atc[i].used && m->atc[i].tag == tag) {
            m->atc[i].used = false;
        }
    }
    smmu_cmdq_kick(m);
}

void smmu_atc_forget(struct model_smmuv3 *m)
{
    unsigned i;

    for (i = 0; i < SMMU_ATCS; i++) {
        m->atc[i].used = false;
    }
}
