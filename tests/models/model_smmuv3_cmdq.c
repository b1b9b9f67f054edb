/* SPDX-License-Identifier: BSD-2-Clause */
#include "model_smmuv3_internal.h"

static void cmdq_work(void *arg, uint64_t token);

void smmu_cmdq_kick(struct model_smmuv3 *m)
{
    if (!m->cmdq_scheduled) {
        m->cmdq_scheduled = true;
        smmu_later(m, smmu_lag(m, m->knobs.command_lag_ns), cmdq_work, 0);
    }
}

/* ERR means nothing while no error is active. */
void smmu_cmdq_publish(struct model_smmuv3 *m)
{
    if (!m->cmdq_stopped && m->cmdq.hw != (m->cmdq.cons & 0xFFFFFu)) {
        m->cmdq.cons = m->cmdq.hw | ((uint32_t)model_random(m->world) & 0x7F000000u);
    }
}

/* ---- what PROD covers must not change any more ---- */

static uint32_t slot_hash(const struct model_smmuv3 *m, uint32_t index)
{
    const uint8_t *raw = smmu_peek(m, smmu_queue_slot(m, &m->cmdq, index), 16);
    uint32_t hash = 0x811C9DC5u;
    unsigned i;

    if (raw == NULL) {
        return 0;
    }
    for (i = 0; i < 16; i++) {
        hash = (hash ^ raw[i]) * 0x01000193u;
    }
    return hash != 0 ? hash : 1;
}

void smmu_cmdq_rehash(struct model_smmuv3 *m, uint32_t first, uint32_t end)
{
    uint32_t slots = (uint32_t)smmu_ones(smmu_queue_log2(&m->cmdq));
    uint32_t count = smmu_queue_used(&m->cmdq, end, first);

    for (; count > 0 && count <= slots + 1; count--) {
        m->cmdq_hash[first & slots] = slot_hash(m, first);
        first = smmu_queue_next(&m->cmdq, first);
    }
}

static void check_slot(struct model_smmuv3 *m, uint64_t d0, uint64_t d1)
{
    uint32_t index = m->cmdq.hw & (uint32_t)smmu_ones(smmu_queue_log2(&m->cmdq));
    const uint8_t *raw = smmu_peek(m, smmu_queue_slot(m, &m->cmdq, index), 16);
    uint64_t seen[2] = {0, 0};
    unsigned i;

    if (raw == NULL || m->cmdq_hash[index] == 0) {
        return;
    }
    if (slot_hash(m, index) != m->cmdq_hash[index]) {
        smmu_wrong(m, "smmuv3.cmdq.slot-changed", "a slot was written after PROD had covered it",
                   index, d0);
    }
    for (i = 0; i < 16; i++) {
        seen[i / 8] |= (uint64_t)raw[i] << (8 * (i & 7));
    }
    if (seen[0] != d0 || seen[1] != d1) {
        smmu_wrong(m, "smmuv3.cmdq.slot-not-cleaned",
                   "hardware reads another command than the CPU wrote", index, d0);
    }
}

void smmu_cmdq_prod_write(struct model_smmuv3 *m, uint32_t value)
{
    struct smmu_queue *q = &m->cmdq;
    uint32_t entries = (uint32_t)1 << smmu_queue_log2(q);
    uint32_t before = smmu_queue_used(q, q->prod, q->cons);
    uint32_t after = smmu_queue_used(q, value, q->cons);
    uint32_t old = q->prod;

    q->prod_set = true;
    if ((value & 0xFFF00000u) != 0) {
        smmu_wrong(m, "smmuv3.reg.reserved", "reserved bits written to CMDQ_PROD", value, 0);
    }
    value &= 0xFFFFFu;
    if (!smmu_guards(&m->cr0, 1u << SMMU_CMDQEN)) {
        q->prod = value;
        return;
    }
    if (after > entries) {
        smmu_wrong(m, "smmuv3.cmdq.prod-overfull", "PROD holds more entries than there are slots",
                   value, q->cons);
        return;
    }
    if (after < before && !smmu_gerror_active(m, SMMU_CMDQ_ERR)) {
        smmu_wrong(m, "smmuv3.cmdq.prod-backward", "PROD went backward without an error", value,
                   old);
        return;
    }
    q->prod = value;
    if (after > before) {
        smmu_cmdq_rehash(m, old, value);
    }
    smmu_cmdq_kick(m);
}

/* ---- errors ---- */

static void gerror_work(void *arg, uint64_t token)
{
    (void)token;
    smmu_gerror_raise(arg, SMMU_CMDQ_ERR);
}

/* ERR is there first, the flag in GERROR follows. */
static void command_error(struct model_smmuv3 *m, uint32_t error)
{
    m->counts.command_errors++;
    m->cmdq_stopped = true;
    m->cmdq.cons = m->cmdq.hw | error << 24;
    smmu_later(m, smmu_lag(m, m->knobs.command_lag_ns), gerror_work, 0);
}

/* ---- CMD_SYNC ---- */

static void timeout_work(void *arg, uint64_t token)
{
    (void)token;
    smmu_cmdq_kick(arg);
}

static void sync_begin(struct model_smmuv3 *m, uint64_t d0, uint64_t d1)
{
    m->sync.active = true;
    m->sync.d0 = d0;
    m->sync.d1 = d1;
    m->sync.deadline = model_now(m->world) + m->knobs.atc_timeout_ns;
    smmu_later(m, m->knobs.atc_timeout_ns, timeout_work, 0);
    if (m->sync.failed && m->knobs.after_timeout == MODEL_SMMUV3_SUCCEED) {
        smmu_atc_forget(m);
    }
}

static void sync_complete(struct model_smmuv3 *m)
{
    smmu_event_flush(m);
    smmu_stall_record(m);
    smmu_stall_make_stale(m);
    smmu_signal_flush(m);
    m->sync.active = false;
    m->sync.failed = false;
    m->unsynced = 0;
    if (m->cfgi_all_seen && m->nsnh_all_seen && (m->el2_all_seen || !m->config.hyp)) {
        m->caches_cleaned = true;
    }
    m->counts.syncs++;
    m->counts.commands[SMMU_CMD_SYNC]++;
    m->cmdq.hw = smmu_queue_next(&m->cmdq, m->cmdq.hw);
    smmu_cmdq_publish(m);
    smmu_signal(m, m->sync.d0, m->sync.d1);
}

/* false: it goes on waiting, or has failed. */
static bool sync_poll(struct model_smmuv3 *m)
{
    smmu_inval_all(m);
    if (model_smmuv3_atc_outstanding(m) == 0) {
        sync_complete(m);
        return true;
    }
    if (model_now(m->world) < m->sync.deadline) {
        return false;
    }
    if (m->knobs.after_timeout == MODEL_SMMUV3_HANG && m->sync.failed) {
        return false;
    }
    m->sync.active = false;
    m->sync.failed = true;
    m->counts.sync_timeouts++;
    command_error(m, SMMU_ERR_ATC);
    return false;
}

/* ---- consumption ---- */

static void consume(struct model_smmuv3 *m)
{
    uint64_t at = smmu_queue_slot(m, &m->cmdq, m->cmdq.hw);
    uint64_t d0 = 0;
    uint64_t d1 = 0;

    if (!model_bus_read64(m->world, at, &d0) || !model_bus_read64(m->world, at + 8, &d1)) {
        command_error(m, SMMU_ERR_ABT);
        return;
    }
    check_slot(m, d0, d1);
    if (m->knobs.illegal_next > 0) {
        m->knobs.illegal_next--;
        command_error(m, SMMU_ERR_ILL);
        return;
    }
    if (!smmu_command_legal(m, d0, d1)) {
        command_error(m, SMMU_ERR_ILL);
        return;
    }
    if ((d0 & 0xFF) == SMMU_CMD_SYNC) {
        sync_begin(m, d0, d1);
        return;
    }
    m->counts.commands[d0 & 0xFF]++;
    smmu_command_run(m, d0, d1);
    m->cmdq.hw = smmu_queue_next(&m->cmdq, m->cmdq.hw);
    if (!model_chance(m->world, m->knobs.cons_jump)) {
        smmu_cmdq_publish(m);
    }
}

static void cmdq_work(void *arg, uint64_t token)
{
    struct model_smmuv3 *m = arg;

    (void)token;
    m->cmdq_scheduled = false;
    if (m->knobs.command_hang || m->cmdq_stopped || m->sfm) {
        return;
    }
    if (m->sync.active) {
        if (!sync_poll(m)) {
            return; /* An answer from below, or the timeout, wakes it. */
        }
    } else if (!smmu_enabled(m, SMMU_CMDQEN) ||
               smmu_queue_used(&m->cmdq, m->cmdq.prod, m->cmdq.hw) == 0) {
        smmu_cmdq_publish(m);
        return;
    } else if (smmu_atc_room(m)) {
        consume(m);
    } else {
        return;
    }
    if (!m->cmdq_stopped) {
        smmu_cmdq_kick(m);
    }
}
