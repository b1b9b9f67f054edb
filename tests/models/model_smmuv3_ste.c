/* SPDX-License-Identifier: BSD-2-Clause */
#include "model_smmuv3_internal.h"

/* The bits that hardware looks at, so that two versions can be compared. */
void smmu_ste_used(const uint64_t word[8], uint64_t used[8])
{
    uint32_t config = smmu_bits(word[0], 3, 1);
    unsigned i;

    for (i = 0; i < 8; i++) {
        used[i] = 0;
    }
    used[0] = 1;
    if (!smmu_bit(word[0], 0)) {
        return;
    }
    used[0] = 0xF;
    if (config < 4) {
        return;
    }
    /* Overrides; EATS and MEV are harmless to be seen early. */
    used[1] = 0x000FF1FF00000000u;
    if ((config & 1) != 0) {
        used[0] = UINT64_MAX;
        used[1] |= 0x00000000C80400FFu;
    }
    if ((config & 2) != 0) {
        used[1] |= 0x000000000203FF00u;
        used[2] = UINT64_MAX;
        used[3] = UINT64_MAX;
    } else if (config != 4) {
        used[2] = 0xFFFF;
    }
}

static bool s1_bad(struct model_smmuv3 *m, const struct smmu_ste *ste)
{
    const struct model_smmuv3_config *c = &m->config;
    bool substreams = c->ssid_bits > 0;

    if (ste->s1stalld && c->stall_model != 0) {
        return true;
    }
    if (substreams && ste->s1cdmax > c->ssid_bits) {
        return true;
    }
    if (substreams && ste->s1cdmax > 0 && !c->cd2l && (ste->s1fmt == 1 || ste->s1fmt == 2)) {
        return true;
    }
    return (ste->s1ptr & ~smmu_ones(ste->config == 7 ? smmu_ias_bits(m) : smmu_oas_bits(m))) != 0;
}

static bool ats_bad(struct model_smmuv3 *m, const struct smmu_ste *ste)
{
    const struct model_smmuv3_config *c = &m->config;
    bool s2s = smmu_bit(ste->word[2], 57);

    if (!c->ats) {
        return false;
    }
    if (ste->eats == 2 && (ste->config != 7 || s2s || c->ns1ats)) {
        return true;
    }
    return (ste->eats == 1 || ste->eats == 3) && s2s && (ste->config & 6) == 6;
}

static bool ste_bad(struct model_smmuv3 *m, const struct smmu_ste *ste)
{
    const struct model_smmuv3_config *c = &m->config;
    bool s1 = (ste->config & 1) != 0;
    bool s2 = (ste->config & 2) != 0;

    if ((s1 && !c->s1p) || (s2 && !c->s2p) || ats_bad(m, ste)) {
        return true;
    }
    if (ste->config == 5 && ste->strw != 0 && (!c->hyp || ste->strw != 2)) {
        return true;
    }
    if ((s1 && s1_bad(m, ste)) || (s2 && smmu_stage2_bad(m, ste))) {
        return true;
    }
    return (s1 || s2) && c->s2p && !(ste->config == 5 && ste->strw == 2) && !c->vmid16 &&
           smmu_bits(ste->word[2], 15, 8) != 0;
}

/* From ste->word and ste->sid. */
void smmu_ste_decode(struct model_smmuv3 *m, struct smmu_ste *ste)
{
    uint64_t d0 = ste->word[0];
    uint64_t d1 = ste->word[1];

    ste->used = true;
    ste->atschk = smmu_enabled(m, SMMU_ATSCHK);
    ste->config = smmu_bits(d0, 3, 1);
    ste->bad = 0;
    if (!smmu_bit(d0, 0)) {
        ste->bad = SMMU_C_BAD_STE;
        ste->ppar = false;
        return;
    }
    ste->s1fmt = smmu_bits(d0, 5, 4);
    ste->s1ptr = d0 & 0x00FFFFFFFFFFFFC0u;
    ste->s1cdmax = smmu_bits(d0, 63, 59);
    ste->s1dss = smmu_bits(d1, 1, 0);
    ste->ppar = smmu_bit(d1, 18);
    ste->mev = smmu_bit(d1, 19);
    ste->s1stalld = smmu_bit(d1, 27);
    ste->eats = smmu_bits(d1, 29, 28);
    ste->strw = smmu_bits(d1, 31, 30);
    ste->privcfg = m->config.attr_perms_ovr ? smmu_bits(d1, 49, 48) : 0;
    ste->instcfg = m->config.attr_perms_ovr ? smmu_bits(d1, 51, 50) : 0;
    ste->vmid = m->config.s2p ? smmu_bits(ste->word[2], 15, 0) : 0;
    smmu_stage2_decode(m, ste);
    if (ste->config >= 4 && ste_bad(m, ste)) {
        ste->bad = SMMU_C_BAD_STE;
    }
    if (m->config.ssid_bits == 0) {
        ste->s1cdmax = 0;
    }
    if (!m->config.ats || ste->config == 4 || ste->eats == 3 || (ste->eats == 2 && !ste->atschk)) {
        ste->eats = 0;
    }
}

static bool ptr_misaligned(const struct smmu_ste *ste)
{
    uint32_t log2 = 6;

    if (ste->s1cdmax > 0 && (ste->s1fmt == 1 || ste->s1fmt == 2)) {
        uint32_t leaf = ste->s1fmt == 1 ? 6 : 10;

        if (ste->s1cdmax > leaf) {
            log2 = ste->s1cdmax - leaf + 3;
        }
    } else {
        log2 = 6 + ste->s1cdmax;
    }
    return (ste->s1ptr & smmu_ones(log2)) != 0;
}

static void check_stage2_style(struct model_smmuv3 *m, const struct smmu_ste *ste)
{
    uint32_t width = smmu_stage2_width(&ste->s2);

    if ((ste->s2.ttb & smmu_ones(width + 3 > 6 ? width + 3 : 6)) != 0) {
        smmu_wrong(m, "smmuv3.ste.s2ttb-misaligned", "S2TTB is not aligned to its tables", ste->sid,
                   ste->s2.ttb);
    }
    if ((ste->word[2] & 0xF0000000FFFF0000u) != 0 ||
        (ste->word[3] & ~(uint64_t)0x000FFFFFFFFFFFF0u) != 0 ||
        (ste->word[1] & 0x0000000002000F00u) != 0) {
        smmu_wrong(m, "smmuv3.ste.reserved", "stage 2 bits of a feature that is not there",
                   ste->sid, ste->word[2]);
    }
}

/* Legal to hardware, wrong all the same. */
void smmu_ste_check_style(struct model_smmuv3 *m, const struct smmu_ste *ste)
{
    uint64_t d1 = ste->word[1];
    uint64_t override = 0;
    uint64_t rest = ste->word[4] | ste->word[5] | ste->word[6] | ste->word[7];

    if (ste->bad != 0 || ste->config < 4) {
        return;
    }
    if (!m->config.attr_types_ovr) {
        override |= 0x000031FF00000000u;
    }
    if (!m->config.attr_perms_ovr) {
        override |= 0x000F000000000000u;
    }
    if (!m->config.ats) {
        override |= 0x30000000u;
    }
    if ((d1 & override) != 0 || rest != 0) {
        smmu_wrong(m, "smmuv3.ste.reserved", "STE bits of a feature that is not there", ste->sid,
                   d1);
    }
    if ((ste->config == 4 || ste->config == 6) && m->config.attr_types_ovr &&
        smmu_bits(d1, 45, 44) != 1) {
        smmu_wrong(m, "smmuv3.ste.bypass-shareability",
                   "STE without stage 1 overrides the incoming shareability", ste->sid, d1);
    }
    if ((ste->config & 2) != 0) {
        check_stage2_style(m, ste);
    }
    if ((ste->config & 1) != 0 && ptr_misaligned(ste)) {
        smmu_wrong(m, "smmuv3.ste.ptr-misaligned", "S1ContextPtr is not aligned to its table",
                   ste->sid, ste->s1ptr);
    }
    if ((ste->config & 1) != 0 && ste->s1cdmax > 0 && (ste->s1dss == 3 || ste->s1fmt == 3)) {
        smmu_wrong(m, "smmuv3.ste.reserved", "reserved S1DSS or S1Fmt", ste->sid, d1);
    }
}
