/* SPDX-License-Identifier: BSD-2-Clause */
#include "model_smmuv3_internal.h"

#define GBPA_ABORT      20u
#define CR2_RECINVSID   1u
#define CR2_REC_CFG_ATS 3u
#define EVENT_STALL     ((uint64_t)1 << 31)
#define EVENT_RNW       ((uint64_t)1 << 35)

static enum model_dma_result transfer(struct model_smmuv3 *m, const struct model_dma *dma,
                                      uint64_t at)
{
    bool good = (dma->access & MODEL_WRITE) != 0
                    ? model_bus_write(m->world, at, dma->data, dma->bytes)
                    : model_bus_read(m->world, at, dma->data, dma->bytes);

    return good ? MODEL_DMA_OK : MODEL_DMA_ABORTED;
}

static void forbidden(const struct model_dma *dma, uint64_t word[4])
{
    smmu_event_header(word, SMMU_F_TRANSL_FORBIDDEN, dma->id, dma->has_pasid, dma->pasid);
    word[1] = (dma->access & MODEL_WRITE) != 0 ? 0 : EVENT_RNW;
    word[2] = dma->address;
}

static enum model_dma_result disabled(struct model_smmuv3 *m, const struct model_dma *dma,
                                      uint64_t word[4])
{
    if (dma->translated) {
        forbidden(dma, word);
        return MODEL_DMA_ABORTED;
    }
    if (smmu_bit(m->gbpa, GBPA_ABORT) || (dma->address & ~smmu_ones(smmu_oas_bits(m))) != 0) {
        return MODEL_DMA_ABORTED;
    }
    return transfer(m, dma, dma->address);
}

/* Split-stage ATS gave the device an IPA. true: it passes stage 2, with *at where it leads. */
static bool pass_split(struct model_smmuv3 *m, const struct model_dma *dma,
                       const struct smmu_ste *cached, uint64_t *at, struct smmu_outcome *got)
{
    struct smmu_ste ste = *cached; /* What is fetched meanwhile may take its place. */
    struct smmu_access want = {.sid = dma->id, .address = dma->address, .access = dma->access};

    smmu_stage2_direct(m, &want, &ste, got);
    *at = got->out | (dma->address & smmu_ones(got->size_log2));
    return got->event == 0;
}

static enum model_dma_result translated(struct model_smmuv3 *m, const struct model_dma *dma,
                                        uint64_t word[4], struct smmu_outcome *fault)
{
    const struct smmu_ste *ste = smmu_ste_find(m, dma->id);
    uint64_t limit = smmu_ones(smmu_oas_bits(m));
    uint64_t at = 0;
    struct smmu_access want;
    struct smmu_outcome got;

    memset(&got, 0, sizeof(got));
    if (ste != NULL ? ste->atschk : smmu_enabled(m, SMMU_ATSCHK)) {
        ste = smmu_ste_get(m, dma->id, &got);
        if (ste == NULL) {
            if (smmu_bit(m->cr2, CR2_REC_CFG_ATS)) {
                want = (struct smmu_access){.sid = dma->id,
                                            .has_ssid = dma->has_pasid,
                                            .ssid = dma->pasid,
                                            .address = dma->address};
                smmu_event_fault(m, word, &want, &got);
            }
            return MODEL_DMA_ABORTED;
        }
        if (ste->config < 4) {
            return MODEL_DMA_ABORTED;
        }
        if (ste->eats == 0) {
            forbidden(dma, word);
            return MODEL_DMA_ABORTED;
        }
        if (ste->eats == 2) {
            return pass_split(m, dma, ste, &at, fault) ? transfer(m, dma, at) : MODEL_DMA_ABORTED;
        }
    }
    if ((dma->address & ~limit) != 0 && model_chance(m->world, 500)) {
        return MODEL_DMA_ABORTED;
    }
    return transfer(m, dma, dma->address & limit);
}

static bool stallable(uint32_t event)
{
    return event >= SMMU_F_TRANSLATION && event <= SMMU_F_PERMISSION;
}

/* The event of an access, and what becomes of the access. */
static enum model_dma_result refused(struct model_smmuv3 *m, struct smmu_access *want,
                                     const struct smmu_outcome *got, uint64_t word[4], bool *stall,
                                     bool *mergeable)
{
    if (got->event == SMMU_C_BAD_STREAMID && !smmu_bit(m->cr2, CR2_RECINVSID)) {
        return MODEL_DMA_ABORTED;
    }
    want->access = got->access;
    smmu_event_fault(m, word, want, got);
    *mergeable = got->mev || got->event <= SMMU_C_BAD_STE;
    if (!stallable(got->event)) {
        return MODEL_DMA_ABORTED;
    }
    if (got->stall && want->sid != m->knobs.no_stall_sid) {
        *stall = true;
        word[1] |= EVENT_STALL;
        return MODEL_DMA_STALLED;
    }
    if (got->stall) {
        return MODEL_DMA_ABORTED;
    }
    if (!got->record) {
        word[0] = 0;
    }
    return got->abort ? MODEL_DMA_ABORTED : MODEL_DMA_ZEROED;
}

/*
 * One attempt. word[0] != 0: an event to record, to be stalled for if *stall, to be merged with
 * an equal one if *mergeable.
 */
enum model_dma_result smmu_dma_try(struct model_smmuv3 *m, const struct model_dma *dma,
                                   uint64_t word[4], bool *stall, bool *mergeable)
{
    struct smmu_access want = {.sid = dma->id,
                               .has_ssid = dma->has_pasid,
                               .ssid = dma->pasid,
                               .address = dma->address,
                               .access = dma->access};
    enum model_dma_result result;
    struct smmu_outcome got;

    memset(word, 0, 4 * sizeof(word[0]));
    *stall = false;
    *mergeable = false;
    if (m->sfm) {
        return MODEL_DMA_ABORTED;
    }
    if (!smmu_enabled(m, SMMU_SMMUEN)) {
        return disabled(m, dma, word);
    }
    if (dma->translated) {
        memset(&got, 0, sizeof(got));
        got.access = dma->access;
        result = translated(m, dma, word, &got);
        return got.event == 0 ? result : refused(m, &want, &got, word, stall, mergeable);
    }
    smmu_translate(m, &want, &got);
    if (got.silent) {
        return MODEL_DMA_ABORTED;
    }
    if (got.event == 0) {
        return transfer(m, dma, got.out | (dma->address & smmu_ones(got.size_log2)));
    }
    return refused(m, &want, &got, word, stall, mergeable);
}

enum model_dma_result smmu_dma(void *ctx, const struct model_dma *dma)
{
    struct model_smmuv3 *m = ctx;
    enum model_dma_result result;
    uint64_t word[4];
    bool stall, mergeable;

    m->counts.accesses++;
    result = smmu_dma_try(m, dma, word, &stall, &mergeable);
    if (stall) {
        return smmu_stall_begin(m, dma, word);
    }
    if (word[0] != 0) {
        smmu_event_post(m, word, mergeable);
    }
    if (result == MODEL_DMA_ZEROED && (dma->access & MODEL_WRITE) == 0) {
        memset(dma->data, 0, dma->bytes);
    }
    return result;
}
