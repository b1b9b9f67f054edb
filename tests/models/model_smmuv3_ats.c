/* SPDX-License-Identifier: BSD-2-Clause */
#include "model_smmuv3_internal.h"

#define CR2_RECINVSID   1u
#define CR2_REC_CFG_ATS 3u

static uint32_t stu_log2(const struct model_smmuv3 *m)
{
    return m->config.gran4k ? 12 : m->config.gran16k ? 14 : 16;
}

static void unsupported(struct model_smmuv3 *m, const struct smmu_access *want)
{
    uint64_t word[4];

    smmu_event_header(word, SMMU_F_BAD_ATS_TREQ, want->sid, want->has_ssid, want->ssid);
    word[1] = 1 | (uint64_t)1 << 31;
    word[1] |= (want->access & MODEL_PRIV) != 0 ? (uint64_t)1 << 28 : 0;
    word[1] |= (want->access & MODEL_EXEC) != 0 ? (uint64_t)1 << 29 : 0;
    word[1] |= (want->access & MODEL_WRITE) != 0 ? (uint64_t)1 << 30 : 0;
    word[2] = want->address & ~(uint64_t)0xFFF;
    smmu_event_post(m, word, false);
}

static void answer_error(struct model_smmuv3 *m, const struct smmu_access *want,
                         const struct smmu_outcome *found, struct model_translation *got)
{
    uint64_t word[4];

    /* A permission fault that comes here is one of stage 2 on a CD or a table. */
    if (found->event == SMMU_F_TRANSLATION || found->event == SMMU_F_ADDR_SIZE ||
        found->event == SMMU_F_ACCESS || found->event == SMMU_F_PERMISSION) {
        got->status = MODEL_TRANSLATE_OK;
        return;
    }
    got->status = MODEL_TRANSLATE_ABORTED;
    if (!smmu_bit(m->cr2, CR2_REC_CFG_ATS) ||
        (found->event == SMMU_C_BAD_STREAMID && !smmu_bit(m->cr2, CR2_RECINVSID))) {
        return;
    }
    smmu_event_fault(m, word, want, found);
    smmu_event_post(m, word, found->mev || found->event <= SMMU_C_BAD_STE);
}

static void answer_good(struct model_smmuv3 *m, const struct smmu_access *want,
                        const struct smmu_outcome *found, struct model_translation *got)
{
    uint32_t access = found->granted & (MODEL_READ | MODEL_WRITE);

    got->status = MODEL_TRANSLATE_OK;
    if ((want->access & MODEL_WRITE) == 0 && model_chance(m->world, 500)) {
        access &= ~MODEL_WRITE;
    }
    if (access == 0) {
        return;
    }
    if ((want->access & MODEL_EXEC) != 0 && !found->identity) {
        access |= found->granted & MODEL_EXEC;
    }
    got->access = access;
    if (found->size_log2 > got->size_log2 && model_chance(m->world, 500)) {
        got->size_log2 = found->size_log2;
    }
    got->address = found->out | (want->address & smmu_ones(found->size_log2));
    got->address &= ~smmu_ones(got->size_log2);
}

/* A Translation Request: success (perhaps without access), UR or CA. */
void smmu_ats(void *ctx, const struct model_translate *asked, struct model_translation *got)
{
    struct model_smmuv3 *m = ctx;
    struct smmu_access want = {.sid = asked->id,
                               .has_ssid = asked->has_pasid,
                               .ssid = asked->pasid,
                               .address = asked->address,
                               .access = asked->access | MODEL_READ,
                               .ats = true};
    struct smmu_outcome found;

    m->counts.translations++;
    memset(got, 0, sizeof(*got));
    got->status = MODEL_TRANSLATE_UNSUPPORTED;
    got->size_log2 = stu_log2(m);
    if (!want.has_ssid) {
        want.access &= ~(MODEL_PRIV | MODEL_EXEC);
    }
    if (m->sfm || !m->config.ats) {
        return;
    }
    if (!smmu_enabled(m, SMMU_SMMUEN)) {
        unsupported(m, &want);
        return;
    }
    smmu_translate(m, &want, &found);
    if (found.silent) {
        return;
    }
    if (found.ats_off) {
        unsupported(m, &want);
    } else if (found.event != 0) {
        answer_error(m, &want, &found, got);
    } else {
        answer_good(m, &want, &found, got);
    }
}
