/* SPDX-License-Identifier: BSD-2-Clause */
#include "model_smmuv3_internal.h"

#define TOKEN(s, m) ((uint64_t)(s)->generation << 32 | (uint64_t)((s) - (m)->stall))

static bool owed(const struct smmu_stall *s)
{
    return s->state == SMMU_STALL_PENDING || s->state == SMMU_STALL_RECORDED ||
           s->state == SMMU_STALL_EARLY;
}

uint32_t model_smmuv3_stalls(const struct model_smmuv3 *m)
{
    uint32_t count = 0;
    unsigned i;

    for (i = 0; i < SMMU_STALLS; i++) {
        count += owed(&m->stall[i]) ? 1u : 0u;
    }
    return count;
}

static struct smmu_stall *by_token(struct model_smmuv3 *m, uint64_t token)
{
    struct smmu_stall *s = &m->stall[token & (SMMU_STALLS - 1)];

    return s->generation == (uint32_t)(token >> 32) ? s : NULL;
}

static void set_state(struct smmu_stall *s, enum smmu_stall_state state)
{
    s->state = state;
    s->generation++;
}

static void end(struct model_smmuv3 *m, struct smmu_stall *s, enum model_dma_result result)
{
    struct model_dma dma = s->dma;

    m->counts.stall_ends++;
    set_state(s, SMMU_STALL_FREE);
    if (result == MODEL_DMA_ZEROED && (dma.access & MODEL_WRITE) == 0) {
        memset(dma.data, 0, dma.bytes);
    }
    if (m->fabric != NULL) {
        model_fabric_dma_ended(m->fabric, dma.id, dma.cookie, result);
    }
}

/* ---- records ---- */

static void record_work(void *arg, uint64_t token)
{
    struct model_smmuv3 *m = arg;

    (void)token;
    smmu_stall_record(m);
}

static void early_work(void *arg, uint64_t token)
{
    struct model_smmuv3 *m = arg;
    struct smmu_stall *s = by_token(m, token);
    enum model_dma_result result;
    struct model_dma dma;
    uint64_t word[4];
    bool stall, mergeable;

    if (s == NULL || s->state != SMMU_STALL_RECORDED) {
        return;
    }
    result = smmu_dma_try(m, &s->dma, word, &stall, &mergeable);
    if (result != MODEL_DMA_OK) {
        return;
    }
    m->counts.early_retries++;
    dma = s->dma;
    set_state(s, SMMU_STALL_EARLY);
    if (m->fabric != NULL) {
        model_fabric_dma_ended(m->fabric, dma.id, dma.cookie, MODEL_DMA_OK);
    }
}

/* A new STAG, and a record to be written. false: as many as there may be exist. */
static bool take_stag(struct model_smmuv3 *m, struct smmu_stall *s, const uint64_t word[4])
{
    uint32_t slot = (uint32_t)(s - m->stall);

    if (model_smmuv3_stalls(m) >= m->config.stall_max) {
        return false;
    }
    set_state(s, SMMU_STALL_PENDING);
    s->stale = false;
    s->stag = slot | (model_choose(m->world, 1024) << 6);
    if (s->stag == m->stag[slot].stag) {
        s->stag ^= 1u << 6;
    }
    memcpy(s->word, word, sizeof(s->word));
    s->word[1] = (s->word[1] & ~(uint64_t)0xFFFF) | s->stag;
    smmu_later(m, smmu_lag(m, m->knobs.event_lag_ns), record_work, 0);
    return true;
}

/* ---- retry ---- */

static void retry_work(void *arg, uint64_t token);

static void retry_later(struct model_smmuv3 *m, struct smmu_stall *s)
{
    set_state(s, SMMU_STALL_WAITING);
    smmu_later(m, smmu_lag(m, m->knobs.terminate_lag_ns), retry_work, TOKEN(s, m));
}

static void retry_work(void *arg, uint64_t token)
{
    struct model_smmuv3 *m = arg;
    struct smmu_stall *s = by_token(m, token);
    enum model_dma_result result;
    uint64_t word[4];
    bool stall, mergeable;

    if (s == NULL || s->state != SMMU_STALL_WAITING) {
        return;
    }
    result = smmu_dma_try(m, &s->dma, word, &stall, &mergeable);
    if (stall) {
        if (!take_stag(m, s, word)) {
            retry_later(m, s);
        }
        return;
    }
    if (word[0] != 0) {
        smmu_event_post(m, word, mergeable);
    }
    end(m, s, result);
}

/*
 * Write the records that wait for room. Those whose configuration has gone meanwhile are not
 * written: their transaction is done again.
 */
void smmu_stall_record(struct model_smmuv3 *m)
{
    unsigned i;

    for (i = 0; i < SMMU_STALLS; i++) {
        struct smmu_stall *s = &m->stall[i];

        if (s->state != SMMU_STALL_PENDING || !smmu_event_writable(m)) {
            continue;
        }
        if (s->stale) {
            retry_later(m, s);
            continue;
        }
        if (!smmu_event_write(m, s->word)) {
            continue;
        }
        m->last_event_valid = false;
        set_state(s, SMMU_STALL_RECORDED);
        if (model_chance(m->world, m->knobs.early_retry)) {
            smmu_later(m, smmu_lag(m, 4 * m->knobs.terminate_lag_ns), early_work, TOKEN(s, m));
        }
    }
}

/* A CMD_SYNC passed: records that could not be written by now stem from what is gone. */
void smmu_stall_make_stale(struct model_smmuv3 *m)
{
    unsigned i;

    for (i = 0; i < SMMU_STALLS; i++) {
        if (m->stall[i].state == SMMU_STALL_PENDING) {
            m->stall[i].stale = true;
        }
    }
}

static bool duplicates(const struct smmu_stall *s, const struct model_dma *dma)
{
    return (s->state == SMMU_STALL_PENDING || s->state == SMMU_STALL_RECORDED) &&
           s->dma.id == dma->id && s->dma.has_pasid == dma->has_pasid &&
           (!dma->has_pasid || s->dma.pasid == dma->pasid) && s->dma.access == dma->access &&
           s->dma.address >> 12 == dma->address >> 12;
}

enum model_dma_result smmu_stall_begin(struct model_smmuv3 *m, const struct model_dma *dma,
                                       const uint64_t word[4])
{
    struct smmu_stall *s = NULL;
    unsigned i;

    for (i = 0; i < SMMU_STALLS; i++) {
        if (m->stall[i].state == SMMU_STALL_FREE) {
            s = &m->stall[i];
        }
    }
    if (s == NULL) {
        return MODEL_DMA_ABORTED;
    }
    m->counts.stalls++;
    s->dma = *dma;
    for (i = 0; i < SMMU_STALLS && m->knobs.suppress_duplicates; i++) {
        if (duplicates(&m->stall[i], dma)) {
            s->primary = i;
            set_state(s, SMMU_STALL_DUPLICATE);
            return MODEL_DMA_STALLED;
        }
    }
    if (!take_stag(m, s, word)) {
        retry_later(m, s);
    }
    return MODEL_DMA_STALLED;
}

/* ---- answers ---- */

static void end_work(void *arg, uint64_t token)
{
    struct model_smmuv3 *m = arg;
    struct smmu_stall *s = by_token(m, token);

    if (s != NULL && s->state == SMMU_STALL_ENDING) {
        end(m, s, s->zero ? MODEL_DMA_ZEROED : MODEL_DMA_ABORTED);
    }
}

static void terminate(struct model_smmuv3 *m, struct smmu_stall *s, bool zero)
{
    if (s->state == SMMU_STALL_EARLY) {
        set_state(s, SMMU_STALL_FREE);
        return;
    }
    set_state(s, SMMU_STALL_ENDING);
    s->zero = zero;
    smmu_later(m, smmu_lag(m, m->knobs.terminate_lag_ns), end_work, TOKEN(s, m));
}

static void release_duplicates(struct model_smmuv3 *m, uint32_t primary)
{
    unsigned i;

    for (i = 0; i < SMMU_STALLS; i++) {
        if (m->stall[i].state == SMMU_STALL_DUPLICATE && m->stall[i].primary == primary) {
            retry_later(m, &m->stall[i]);
        }
    }
}

void smmu_stall_resume(struct model_smmuv3 *m, uint64_t d0, uint64_t d1)
{
    uint32_t sid = (uint32_t)(d0 >> 32);
    uint32_t stag = (uint32_t)(d1 & 0xFFFF);
    uint32_t slot = stag & (SMMU_STALLS - 1);
    struct smmu_stall *s = &m->stall[slot];

    if (!owed(s) || s->stag != stag || s->dma.id != sid) {
        if (m->stag[slot].answered && m->stag[slot].stag == stag && m->stag[slot].sid == sid) {
            smmu_wrong(m, "smmuv3.stall.resume-twice", "a stall was answered twice", sid, stag);
        }
        return;
    }
    if (s->state == SMMU_STALL_PENDING) {
        smmu_wrong(m, "smmuv3.stall.resume-early", "a stall was answered before its record", sid,
                   stag);
    }
    m->stag[slot] = (struct smmu_stag){.sid = sid, .stag = stag, .answered = true};
    release_duplicates(m, slot);
    if (s->state == SMMU_STALL_EARLY) {
        set_state(s, SMMU_STALL_FREE);
    } else if (smmu_bit(d0, 12)) {
        retry_later(m, s);
    } else {
        terminate(m, s, !smmu_bit(d0, 13) && !m->config.term_model);
    }
}

/* STALL_TERM, and SMMUEN 1 -> 0: all of a stream, or of all. */
void smmu_stall_terminate_sid(struct model_smmuv3 *m, uint32_t sid, bool all)
{
    unsigned i;

    for (i = 0; i < SMMU_STALLS; i++) {
        struct smmu_stall *s = &m->stall[i];

        if (s->state != SMMU_STALL_FREE && s->state != SMMU_STALL_ENDING &&
            (all || s->dma.id == sid)) {
            m->stag[i].answered = false;
            terminate(m, s, false);
        }
    }
}
