/* SPDX-License-Identifier: BSD-2-Clause */
#include "model_smmuv3_internal.h"

#define HALF0_D0   0x0000004000003FFFu /* T0SZ TG0 IR0 OR0 SH0 TBI0 */
#define HALF1_D0   0x000000803F3F0000u /* T1SZ TG1 IR1 OR1 SH1 TBI1, EPD1 between them not */
#define HALF1_TG1  0x0000000000C00000u
#define NOT_IN_TLB 0x0000F00080000000u /* V A R S; ASET is a tag */

/* The bits that hardware looks at. */
void smmu_cd_used(const uint64_t word[8], uint64_t used[8])
{
    unsigned i;

    for (i = 0; i < 8; i++) {
        used[i] = 0;
    }
    used[0] = 0x80000000u;
    if (!smmu_bit(word[0], 31)) {
        return;
    }
    used[0] = UINT64_MAX;
    used[1] = UINT64_MAX;
    used[2] = UINT64_MAX;
    used[3] = UINT64_MAX;
    if (smmu_bit(word[0], 14)) {
        used[0] &= ~HALF0_D0;
        used[1] = 0;
    }
    if (smmu_bit(word[0], 30)) {
        used[0] &= ~(HALF1_D0 | HALF1_TG1);
        used[2] = 0;
    }
    if (smmu_bit(word[0], 14) && smmu_bit(word[0], 30)) {
        used[3] = 0; /* Attributes of a walk that cannot happen. */
    }
}

static uint64_t mix(uint64_t hash, uint64_t word)
{
    hash = (hash ^ word) * 0x9E3779B97F4A7C15u;
    return hash ^ (hash >> 29);
}

static void decode_half(struct smmu_cd *cd, unsigned i)
{
    static const uint8_t tg0[4] = {12, 16, 14, 0};
    static const uint8_t tg1[4] = {0, 14, 12, 16};
    struct smmu_half *half = &cd->half[i];
    uint64_t d0 = cd->word[0];
    uint64_t own = cd->word[1 + i];

    half->epd = smmu_bit(d0, i == 0 ? 14 : 30);
    half->tbi = smmu_bit(d0, 38 + i);
    half->tsz = i == 0 ? smmu_bits(d0, 5, 0) : smmu_bits(d0, 21, 16);
    half->granule = i == 0 ? tg0[smmu_bits(d0, 7, 6)] : tg1[smmu_bits(d0, 23, 22)];
    half->had = smmu_bit(own, 1);
    half->e0pd = smmu_bit(own, 2);
    half->ttb = own & 0x000FFFFFFFFFFFF0u;
    d0 &= ~(NOT_IN_TLB | 0x40004000u | (i == 0 ? HALF1_D0 | HALF1_TG1 : HALF0_D0));
    half->hash = mix(mix(mix(1, d0), own), cd->word[3]);
}

static bool half_bad(struct model_smmuv3 *m, const struct smmu_cd *cd, const struct smmu_half *half)
{
    const struct model_smmuv3_config *c = &m->config;
    uint32_t least = half->granule == 16 && c->vax >= 1 ? 12 : 16;
    uint32_t most = !c->stt ? 39 : half->granule == 16 ? 47 : 48;

    if (half->epd) {
        return false;
    }
    if (half->granule == 0 || (half->granule == 12 && !c->gran4k) ||
        (half->granule == 14 && !c->gran16k) || (half->granule == 16 && !c->gran64k)) {
        return true;
    }
    if (half->tsz < least || half->tsz > most) {
        return true;
    }
    if ((half->ttb & ~smmu_ones(cd->ips_bits)) != 0) {
        return true;
    }
    return half->granule != 16 && (half->ttb >> 48) != 0;
}

static bool cd_bad(struct model_smmuv3 *m, const struct smmu_ste *ste, const struct smmu_cd *cd)
{
    const struct model_smmuv3_config *c = &m->config;
    uint64_t d0 = cd->word[0];
    bool be = smmu_bit(d0, 15);
    bool no_walks = cd->half[0].epd && cd->half[1].epd;

    if (!smmu_bit(d0, 31)) {
        return true;
    }
    if (cd->stall ? ste->s1stalld || c->stall_model == 1 : c->stall_model == 2) {
        return true;
    }
    if (!cd->abort && c->term_model) {
        return true;
    }
    if (!no_walks && (be ? c->ttendian == 2 : c->ttendian == 3)) {
        return true;
    }
    if (smmu_bit(d0, 41) ? (c->ttf & 2) == 0 : (c->ttf & 1) == 0 || cd->world == SMMU_WORLD_E2H) {
        return true;
    }
    if ((smmu_bit(d0, 43) && c->httu == 0) || (smmu_bit(d0, 42) && c->httu < 2) ||
        (c->httu == 3 && cd->haft && !cd->ha)) {
        return true;
    }
    if (ste->config == 7 && smmu_bit(d0, 41) && !smmu_bit(ste->word[2], 51)) {
        return true; /* AArch64 over an AArch32 stage 2. */
    }
    if (!c->asid16 && cd->asid > 0xFF) {
        return true;
    }
    return half_bad(m, cd, &cd->half[0]) || half_bad(m, cd, &cd->half[1]);
}

static void check_style(struct model_smmuv3 *m, const struct smmu_cd *cd)
{
    unsigned i;

    if ((cd->word[4] | cd->word[5] | cd->word[6] | cd->word[7]) != 0) {
        smmu_wrong(m, "smmuv3.cd.reserved", "CD words 4..7 are not zero", cd->sid, cd->ssid);
    }
    for (i = 0; i < 2; i++) {
        const struct smmu_half *half = &cd->half[i];
        uint32_t va_bits = 64 - half->tsz;
        uint32_t shift = half->granule;
        uint32_t align;

        if (half->epd) {
            continue;
        }
        while (shift + half->granule - 3 < va_bits) {
            shift += half->granule - 3;
        }
        align = va_bits - shift + 3 > 6 ? va_bits - shift + 3 : 6;
        if ((half->ttb & smmu_ones(align < 48 ? align : 48)) != 0) {
            smmu_wrong(m, "smmuv3.cd.ttb-misaligned", "TTB is not aligned to its table", half->ttb,
                       align);
        }
    }
}

/* From cd->word, cd->sid and cd->ssid. */
void smmu_cd_decode(struct model_smmuv3 *m, const struct smmu_ste *ste, struct smmu_cd *cd)
{
    static const uint8_t ips[8] = {32, 36, 40, 42, 44, 48, 52, 52};
    uint64_t d0 = cd->word[0];

    cd->used = true;
    cd->world = ste->strw == 2 && ste->config == 5
                    ? (smmu_bit(m->cr2, 0) ? SMMU_WORLD_E2H : SMMU_WORLD_EL2)
                    : SMMU_WORLD_EL1;
    cd->nested = ste->config == 7;
    cd->vmid = cd->world == SMMU_WORLD_EL1 ? ste->vmid : 0;
    cd->asid = cd->world == SMMU_WORLD_EL2 ? 0 : smmu_bits(d0, 63, 48);
    cd->aset = smmu_bit(d0, 47);
    cd->abort = smmu_bit(d0, 46);
    cd->record = smmu_bit(d0, 45);
    cd->stall = smmu_bit(d0, 44);
    cd->ha = smmu_bit(d0, 43);
    cd->hd = cd->ha && smmu_bit(d0, 42);
    cd->haft = smmu_bit(cd->word[1], 3);
    cd->pan = smmu_bit(d0, 40);
    cd->uwxn = smmu_bit(d0, 37);
    cd->wxn = smmu_bit(d0, 36);
    cd->affd = smmu_bit(d0, 35);
    cd->ips_bits = ips[smmu_bits(d0, 34, 32)];
    if (cd->ips_bits > smmu_oas_bits(m)) {
        cd->ips_bits = smmu_oas_bits(m);
    }
    decode_half(cd, 0);
    decode_half(cd, 1);
    if (cd->world == SMMU_WORLD_EL2) {
        cd->half[0].epd = false;
        cd->half[1].epd = true;
    }
    cd->bad = cd_bad(m, ste, cd) ? SMMU_C_BAD_CD : 0;
    if (cd->bad == 0) {
        check_style(m, cd);
    }
}
