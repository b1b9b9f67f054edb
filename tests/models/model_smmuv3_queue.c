/* SPDX-License-Identifier: BSD-2-Clause */
#include "model_smmuv3_internal.h"

#define OVERFLOW 0x80000000u

uint32_t smmu_queue_log2(const struct smmu_queue *q)
{
    uint32_t log2 = smmu_bits(q->base, 4, 0);

    return log2 < q->max_log2 ? log2 : q->max_log2;
}

static uint32_t index_mask(const struct smmu_queue *q)
{
    return (uint32_t)smmu_ones(smmu_queue_log2(q) + 1);
}

/* May exceed the number of entries when software got the indexes wrong. */
uint32_t smmu_queue_used(const struct smmu_queue *q, uint32_t prod, uint32_t cons)
{
    return (prod - cons) & index_mask(q);
}

bool smmu_queue_full(const struct smmu_queue *q, uint32_t prod, uint32_t cons)
{
    return smmu_queue_used(q, prod, cons) >= (uint32_t)1 << smmu_queue_log2(q);
}

/* Keeps the overflow flag. */
uint32_t smmu_queue_next(const struct smmu_queue *q, uint32_t index)
{
    return (index & OVERFLOW) | ((index + 1) & index_mask(q));
}

uint64_t smmu_queue_slot(const struct model_smmuv3 *m, const struct smmu_queue *q, uint32_t index)
{
    uint32_t log2 = smmu_queue_log2(q);
    uint32_t bytes_log2 = log2 + q->entry_log2 > 5 ? log2 + q->entry_log2 : 5;
    uint64_t base = q->base & 0x00FFFFFFFFFFFFE0u & ~smmu_ones(bytes_log2);

    base &= smmu_ones(smmu_oas_bits(m));
    return base + ((uint64_t)(index & (uint32_t)smmu_ones(log2)) << q->entry_log2);
}

/* EVENTQ_CONS or PRIQ_CONS, by software. */
void smmu_queue_cons_write(struct model_smmuv3 *m, struct smmu_queue *q, uint32_t value)
{
    bool event = q == &m->eventq;
    unsigned bit = event ? SMMU_EVENTQEN : SMMU_PRIQEN;
    uint32_t before = smmu_queue_used(q, q->prod, q->cons);
    uint32_t after = smmu_queue_used(q, q->prod, value);
    bool active = ((q->prod ^ q->cons) & OVERFLOW) != 0;

    q->cons_set = true;
    if (smmu_bit(m->cr0.ack, bit)) {
        if (after > before) {
            smmu_wrong(m, event ? "smmuv3.eventq.cons-wrong" : "smmuv3.priq.cons-wrong",
                       "CONS went backward or passed PROD", q->cons, value);
        }
        if (((value ^ q->cons) & OVERFLOW) != 0 && !active) {
            smmu_wrong(m, event ? "smmuv3.eventq.ack-inactive" : "smmuv3.priq.ack-inactive",
                       "OVACKFLG toggled although no overflow was seen", q->prod, value);
        }
    }
    if ((value & 0x7FF00000u) != 0) {
        smmu_wrong(m, "smmuv3.reg.reserved", "reserved bits written to a CONS register", value, 0);
    }
    q->cons = value & (OVERFLOW | 0xFFFFFu);
}

void smmu_queue_check_base(struct model_smmuv3 *m, const struct smmu_queue *q)
{
    uint32_t log2 = smmu_queue_log2(q);
    uint32_t bytes_log2 = log2 + q->entry_log2 > 5 ? log2 + q->entry_log2 : 5;
    uint64_t address = q->base & 0x00FFFFFFFFFFFFE0u;

    if (!q->base_set) {
        smmu_wrong(m, "smmuv3.init.unknown-register", "queue enabled with its base never written",
                   q->base, q->entry_log2);
        return;
    }
    if ((address & smmu_ones(bytes_log2)) != 0) {
        smmu_wrong(m, "smmuv3.reg.base-misaligned", "queue base is not aligned to its size",
                   address, bytes_log2);
    }
    if ((address & ~smmu_ones(smmu_oas_bits(m))) != 0) {
        smmu_wrong(m, "smmuv3.reg.base-beyond-oas", "queue base is beyond the output size", address,
                   smmu_oas_bits(m));
    }
}

/* What must hold when a queue is switched on. */
void smmu_queue_check_enable(struct model_smmuv3 *m, struct smmu_queue *q, bool output)
{
    smmu_queue_check_base(m, q);
    if (!q->prod_set || !q->cons_set) {
        smmu_wrong(m, "smmuv3.init.unknown-register", "queue enabled with an index never written",
                   q->prod, q->cons);
    }
    if (!m->cr1_set) {
        smmu_wrong(m, "smmuv3.init.unknown-register", "queue enabled with CR1 never written",
                   m->cr1, 0);
    }
    if (smmu_queue_used(q, q->prod, q->cons) > (uint32_t)1 << smmu_queue_log2(q)) {
        smmu_wrong(m, "smmuv3.queue.indexes", "queue enabled with indexes that cannot be", q->prod,
                   q->cons);
    }
    if (output && ((q->prod ^ q->cons) & OVERFLOW) != 0) {
        smmu_wrong(m, "smmuv3.queue.enabled-overflowed",
                   "queue enabled with unequal overflow flags", q->prod, q->cons);
    }
    q->hw = output ? q->prod : q->cons & 0xFFFFFu;
}
