/* SPDX-License-Identifier: BSD-2-Clause */
#include "model_smmuv3_internal.h"

static void stop(struct smmu_outcome *got, uint32_t event)
{
    got->event = event;
    got->cls = SMMU_CLASS_IN;
}

static uint32_t override(const struct smmu_ste *ste, uint32_t access)
{
    if (ste->privcfg >= 2) {
        access = (access & ~MODEL_PRIV) | (ste->privcfg == 3 ? MODEL_PRIV : 0u);
    }
    if (ste->instcfg >= 2 && (access & MODEL_WRITE) == 0) {
        access = (access & ~MODEL_EXEC) | (ste->instcfg == 3 ? MODEL_EXEC : 0u);
    }
    return access;
}

static void identity(const struct smmu_access *want, uint32_t bits, struct smmu_outcome *got)
{
    if ((want->address & ~smmu_ones(bits)) != 0) {
        stop(got, SMMU_F_ADDR_SIZE);
        return;
    }
    got->identity = true;
    got->out = want->address & ~(uint64_t)0xFFF;
    got->size_log2 = 12;
    got->granted = MODEL_READ | MODEL_WRITE | MODEL_EXEC;
}

/* Stage 1 is bypassed although the stream is not: what goes in is what stage 2 gets, if it is on.
 */
static void past_stage1(struct model_smmuv3 *m, const struct smmu_access *want,
                        const struct smmu_ste *ste, struct smmu_outcome *got)
{
    if ((ste->config & 2) == 0 || want->split) {
        identity(want, smmu_ias_bits(m), got);
    } else if ((want->address & ~smmu_ones(smmu_ias_bits(m))) != 0) {
        stop(got, SMMU_F_ADDR_SIZE);
    } else if (!smmu_bit(ste->word[2], 51)) {
        smmu_wrong(m, "smmuv3.model.stage2", "this model has no AArch32 tables of stage 2",
                   want->sid, ste->config);
        got->silent = true;
    } else {
        smmu_stage2_direct(m, want, ste, got);
    }
}

/* Which CD; false: none (an event, or stage 1 is bypassed). */
static bool pick_cd(struct model_smmuv3 *m, const struct smmu_ste *ste,
                    const struct smmu_access *want, uint32_t *ssid, struct smmu_outcome *got)
{
    *ssid = 0;
    if (want->has_ssid) {
        if (ste->s1cdmax == 0 || want->ssid > smmu_ones(ste->s1cdmax)) {
            stop(got, SMMU_C_BAD_SUBSTREAMID);
            return false;
        }
        if (want->ssid == 0 && ste->s1dss == 2) {
            stop(got, SMMU_F_STREAM_DISABLED);
            return false;
        }
        *ssid = want->ssid;
        return true;
    }
    if (ste->s1cdmax == 0 || ste->s1dss == 2) {
        return true;
    }
    if (ste->s1dss == 1) {
        past_stage1(m, want, ste, got);
    } else {
        stop(got, SMMU_F_STREAM_DISABLED);
    }
    return false;
}

static void stage1(struct model_smmuv3 *m, const struct smmu_ste *ste,
                   const struct smmu_access *want, struct smmu_outcome *got)
{
    const struct smmu_cd *cd;
    uint32_t ssid;

    if (!pick_cd(m, ste, want, &ssid, got)) {
        return;
    }
    cd = smmu_cd_get(m, ste, ssid, got);
    if (cd == NULL) {
        /* Met by traffic without a SubstreamID through S1DSS=2: SSID 0 is recorded. */
        return;
    }
    got->abort = cd->abort;
    got->record = cd->record;
    got->stall = cd->stall;
    smmu_tlb_translate(m, want, cd, got);
}

/* From stream to address, or to the one event that wins. */
void smmu_translate(struct model_smmuv3 *m, const struct smmu_access *asked,
                    struct smmu_outcome *got)
{
    struct smmu_access want = *asked;
    const struct smmu_ste *found;
    struct smmu_ste ste;

    memset(got, 0, sizeof(*got));
    got->abort = true;
    got->record = true;
    got->access = want.access;
    smmu_see(m, want.sid, want.has_ssid ? want.ssid : MODEL_SMMUV3_NONE);
    found = smmu_ste_get(m, want.sid, got);
    if (found == NULL) {
        return;
    }
    ste = *found;
    if (ste.config < 4) {
        got->silent = true;
        return;
    }
    if (want.ats && ste.eats == 0) {
        got->ats_off = true;
        return;
    }
    if ((ste.config == 4 || ste.config == 6) && want.has_ssid) {
        stop(got, SMMU_C_BAD_SUBSTREAMID);
        return;
    }
    want.access = override(&ste, want.access);
    got->access = want.access;
    if (ste.config == 4) {
        identity(&want, smmu_oas_bits(m), got);
    } else if (ste.config == 6) {
        past_stage1(m, &want, &ste, got);
    } else if (ste.config == 7 && !smmu_bit(ste.word[2], 51)) {
        smmu_wrong(m, "smmuv3.model.stage2", "this model has no AArch32 tables of stage 2",
                   want.sid, ste.config);
        got->silent = true;
    } else {
        want.over = ste.config == 7 ? &ste : NULL;
        want.split = want.ats && ste.eats == 2;
        stage1(m, &ste, &want, got);
    }
}
