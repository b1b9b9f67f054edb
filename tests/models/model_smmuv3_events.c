/* SPDX-License-Identifier: BSD-2-Clause */
#include "model_smmuv3_internal.h"

#define OVERFLOW 0x80000000u
#define PNU      ((uint64_t)1 << 33)
#define IND      ((uint64_t)1 << 34)
#define RNW      ((uint64_t)1 << 35)
#define S2       ((uint64_t)1 << 39)
#define TTRNW    ((uint64_t)1 << 44)
#define IPA_BITS 0x00FFFFFFFFFFF000u

void smmu_event_header(uint64_t word[4], uint32_t id, uint32_t sid, bool has_ssid, uint32_t ssid)
{
    memset(word, 0, 4 * sizeof(word[0]));
    word[0] = id | (uint64_t)sid << 32;
    if (has_ssid) {
        word[0] |= (uint64_t)1 << 11 | (uint64_t)ssid << 12;
    }
}

static uint64_t attributes(uint32_t access)
{
    uint64_t bits = (access & MODEL_PRIV) != 0 ? PNU : 0;

    if ((access & MODEL_WRITE) == 0) {
        bits |= RNW | ((access & MODEL_EXEC) != 0 ? IND : 0);
    }
    return bits;
}

/* The record of an outcome. What a reader must ignore is different every time. */
void smmu_event_fault(struct model_smmuv3 *m, uint64_t word[4], const struct smmu_access *want,
                      const struct smmu_outcome *got)
{
    uint64_t junk = model_random(m->world);

    smmu_event_header(word, got->event, want->sid, want->has_ssid, want->ssid);
    switch (got->event) {
    case SMMU_C_BAD_SUBSTREAMID:
        word[0] &= ~((uint64_t)1 << 11);
        break;
    case SMMU_F_STREAM_DISABLED:
        word[0] &= ~(uint64_t)0xFFFFF800u;
        break;
    case SMMU_F_STE_FETCH:
    case SMMU_F_CD_FETCH:
        word[1] = junk & 0xFFFF;
        word[3] = got->fetch & 0x00FFFFFFFFFFFFF8u;
        break;
    case SMMU_F_WALK_EABT:
        word[1] = (junk & 0xFFFF) | attributes(want->access) | (uint64_t)got->cls << 40;
        word[1] |= got->s2 ? S2 : 0;
        word[2] = want->address;
        word[3] = got->fetch & 0x00FFFFFFFFFFFFF8u;
        break;
    case SMMU_F_TRANSLATION:
    case SMMU_F_ADDR_SIZE:
    case SMMU_F_ACCESS:
    case SMMU_F_PERMISSION:
        word[1] =
            (junk & 0xFFFF00000000FFFFu) | attributes(want->access) | (uint64_t)got->cls << 40;
        word[2] = want->address;
        word[3] = model_random(m->world) & IPA_BITS;
        if (got->s2) {
            word[1] |= S2;
            word[3] = got->ipa & IPA_BITS;
        }
        if (got->event == SMMU_F_PERMISSION && got->cls == SMMU_CLASS_TT && !got->table_write) {
            word[1] |= TTRNW;
        }
        break;
    default:
        break;
    }
}

bool smmu_event_writable(const struct model_smmuv3 *m)
{
    return smmu_enabled(m, SMMU_EVENTQEN) && !smmu_gerror_active(m, SMMU_EVENTQ_ABT) && !m->sfm &&
           !smmu_queue_full(&m->eventq, m->eventq.hw, m->eventq.cons);
}

void smmu_event_publish(struct model_smmuv3 *m)
{
    bool was_empty = smmu_queue_used(&m->eventq, m->eventq.prod, m->eventq.cons) == 0;
    bool grew = smmu_queue_used(&m->eventq, m->eventq.hw, m->eventq.prod) != 0;

    m->eventq.prod = m->eventq.hw;
    if (was_empty && grew) {
        smmu_irq(m, MODEL_SMMUV3_IRQ_EVENTQ);
    }
}

/* The queue is writable. false: the write aborted and the record is not there. */
bool smmu_event_write(struct model_smmuv3 *m, const uint64_t word[4])
{
    uint64_t at = smmu_queue_slot(m, &m->eventq, m->eventq.hw);
    bool good = true;
    unsigned i;

    for (i = 0; i < 4 && good; i++) {
        good = model_bus_write64(m->world, at + 8 * i, word[i]);
    }
    if (!good) {
        smmu_gerror_raise(m, SMMU_EVENTQ_ABT);
        if (!m->knobs.eventq_abort_async) {
            return false;
        }
    }
    m->counts.events[word[0] & 0xFF]++;
    m->eventq.hw = smmu_queue_next(&m->eventq, m->eventq.hw);
    smmu_event_publish(m);
    return good || m->knobs.eventq_abort_async;
}

static bool merges(struct model_smmuv3 *m, const struct smmu_record *r)
{
    const struct smmu_record *last = &m->last_event;

    if (!m->knobs.merge_events || !m->last_event_valid || !r->mergeable || !last->mergeable ||
        smmu_queue_used(&m->eventq, m->eventq.hw, m->eventq.cons) == 0) {
        return false;
    }
    return r->word[0] == last->word[0] &&
           ((r->word[1] ^ last->word[1]) & 0x0000FFFFFFFF0000u) == 0 &&
           r->word[2] >> 12 == last->word[2] >> 12;
}

/* A record of a terminated transaction: written, merged, or lost. */
static void commit(struct model_smmuv3 *m, const struct smmu_record *r)
{
    if (smmu_event_writable(m)) {
        if (merges(m, r)) {
            m->counts.events_merged++;
        } else if (smmu_event_write(m, r->word)) {
            m->last_event = *r;
            m->last_event_valid = true;
        } else {
            m->counts.events_lost++;
        }
        return;
    }
    m->counts.events_lost++;
    if (smmu_enabled(m, SMMU_EVENTQEN) && !smmu_gerror_active(m, SMMU_EVENTQ_ABT) && !m->sfm &&
        ((m->eventq.hw ^ m->eventq.cons) & OVERFLOW) == 0) {
        m->eventq.hw ^= OVERFLOW;
        smmu_event_publish(m);
    }
}

static void commit_first(struct model_smmuv3 *m)
{
    struct smmu_record r = m->event[m->event_first];

    m->event_first = (m->event_first + 1) & (SMMU_EVENTS - 1);
    m->event_count--;
    commit(m, &r);
}

static void event_work(void *arg, uint64_t token)
{
    struct model_smmuv3 *m = arg;

    (void)token;
    if (m->event_count > 0) {
        commit_first(m);
    }
}

/* Some time later, unless a CMD_SYNC asks for it sooner. */
void smmu_event_post(struct model_smmuv3 *m, const uint64_t word[4], bool mergeable)
{
    struct smmu_record *r;

    if (m->event_count == SMMU_EVENTS) {
        commit_first(m);
    }
    r = &m->event[(m->event_first + m->event_count) & (SMMU_EVENTS - 1)];
    memcpy(r->word, word, sizeof(r->word));
    r->mergeable = mergeable;
    m->event_count++;
    smmu_later(m, smmu_lag(m, m->knobs.event_lag_ns), event_work, 0);
}

void smmu_event_flush(struct model_smmuv3 *m)
{
    while (m->event_count > 0) {
        commit_first(m);
    }
}

/* EVENTQEN 1 -> 0: what is not committed is dropped, without an overflow. */
void smmu_event_drop(struct model_smmuv3 *m)
{
    m->counts.events_lost += m->event_count;
    m->event_count = 0;
    m->last_event_valid = false;
}

void model_smmuv3_inject_event(struct model_smmuv3 *m, const uint64_t words[4])
{
    smmu_event_post(m, words, false);
}
