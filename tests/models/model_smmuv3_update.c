/* SPDX-License-Identifier: BSD-2-Clause */
#include "model_smmuv3_internal.h"

#define UPDATE_ACK  0x100u
#define UPDATE_IRQ  0x200u
#define GBPA_UPDATE 0x80000000u
#define GBPA_FIELDS 0x001F3F1Fu
#define GERROR_BITS 0x000001FDu

static uint32_t cr0_bits(const struct model_smmuv3 *m)
{
    return 1u << SMMU_SMMUEN | 1u << SMMU_EVENTQEN | 1u << SMMU_CMDQEN |
           (m->config.pri ? 1u << SMMU_PRIQEN : 0u) | (m->config.ats ? 1u << SMMU_ATSCHK : 0u);
}

static void check_stream_table(struct model_smmuv3 *m)
{
    uint32_t log2 = smmu_bits(m->strtab_cfg, 5, 0);
    uint32_t split = smmu_bits(m->strtab_cfg, 10, 6);
    uint32_t bytes_log2 = log2 + 6;
    uint64_t address = m->strtab & 0x00FFFFFFFFFFFFC0u;

    if (!m->strtab_set || !m->strtab_cfg_set || !m->cr1_set || !m->cr2_set) {
        smmu_wrong(m, "smmuv3.init.unknown-register",
                   "SMMUEN with STRTAB_BASE, its CFG, CR1 or CR2 never written", m->strtab,
                   m->strtab_cfg);
    }
    if (smmu_bits(m->strtab_cfg, 17, 16) == 1 && m->config.st_level == 1) {
        if (split != 6 && split != 8 && split != 10) {
            smmu_wrong(m, "smmuv3.reg.reserved", "STRTAB_BASE_CFG.SPLIT is not 6, 8 or 10", split,
                       0);
            split = 6;
        }
        bytes_log2 = log2 > split + 3 ? log2 - split + 3 : 6;
    } else if (smmu_bits(m->strtab_cfg, 17, 16) != 0) {
        smmu_wrong(m, "smmuv3.reg.reserved", "STRTAB_BASE_CFG.FMT is reserved", m->strtab_cfg, 0);
    }
    if ((address & smmu_ones(bytes_log2)) != 0) {
        smmu_wrong(m, "smmuv3.reg.base-misaligned", "the stream table is not aligned to its size",
                   address, bytes_log2);
    }
    if ((address & ~smmu_ones(smmu_oas_bits(m))) != 0) {
        smmu_wrong(m, "smmuv3.reg.base-beyond-oas", "the stream table is beyond the output size",
                   address, smmu_oas_bits(m));
    }
}

/* The new value starts to act. */
static void cr0_effect(struct model_smmuv3 *m, unsigned bit, bool on)
{
    if (!on) {
        return;
    }
    switch (bit) {
    case SMMU_SMMUEN:
        check_stream_table(m);
        if (!m->caches_cleaned) {
            smmu_wrong(m, "smmuv3.init.caches-not-invalidated",
                       "SMMUEN before CFGI_ALL, the TLBI of all and CMD_SYNC completed",
                       m->cfgi_all_seen, m->nsnh_all_seen);
        }
        break;
    case SMMU_PRIQEN:
        smmu_queue_check_enable(m, &m->priq, true);
        break;
    case SMMU_EVENTQEN:
        smmu_queue_check_enable(m, &m->eventq, true);
        smmu_stall_record(m);
        break;
    case SMMU_CMDQEN:
        smmu_queue_check_enable(m, &m->cmdq, false);
        smmu_cmdq_rehash(m, m->cmdq.hw, m->cmdq.prod);
        smmu_cmdq_kick(m);
        break;
    default:
        break;
    }
}

/* What completion of an update promises. false: not yet. */
static bool cr0_complete(struct model_smmuv3 *m, unsigned bit, bool on)
{
    if (on) {
        return true;
    }
    switch (bit) {
    case SMMU_SMMUEN:
        smmu_stall_terminate_sid(m, 0, true);
        break;
    case SMMU_PRIQEN:
        smmu_pri_publish(m);
        break;
    case SMMU_EVENTQEN:
        smmu_event_drop(m);
        smmu_event_publish(m);
        break;
    case SMMU_CMDQEN:
        if (m->sync.active && model_now(m->world) <= m->sync.deadline) {
            return false;
        }
        m->sync.active = false;
        smmu_cmdq_publish(m);
        break;
    default:
        break;
    }
    return true;
}

static void update_work(void *arg, uint64_t token)
{
    struct model_smmuv3 *m = arg;
    struct smmu_update *u = (token & UPDATE_IRQ) != 0 ? &m->irq_ctrl : &m->cr0;
    unsigned bit = (unsigned)(token & 7);
    uint32_t mask = 1u << bit;
    bool on = (u->value & mask) != 0;

    if ((uint32_t)(token >> 32) != u->generation[bit]) {
        return;
    }
    if ((token & UPDATE_ACK) == 0) {
        u->effect = (u->effect & ~mask) | (u->value & mask);
        if (u == &m->cr0) {
            cr0_effect(m, bit, on);
        } else if (on && m->config.msi &&
                   (!m->msi[bit].address_set ||
                    (bit == MODEL_SMMUV3_IRQ_PRIQ && !m->msi[bit].attributes_set))) {
            smmu_wrong(m, "smmuv3.init.unknown-register",
                       "interrupt enabled with its IRQ_CFG0 (or PRIQ_IRQ_CFG2.LO) never written",
                       bit, 0);
        }
        return;
    }
    if (u == &m->cr0 && !cr0_complete(m, bit, on)) {
        smmu_later(m, smmu_lag(m, m->knobs.register_lag_ns), update_work, token);
        return;
    }
    if (u == &m->irq_ctrl && !on) {
        smmu_irq_flush(m);
    }
    u->flying &= ~mask;
    u->ack = (u->ack & ~mask) | (u->value & mask);
}

static void update_start(struct model_smmuv3 *m, struct smmu_update *u, unsigned bit)
{
    uint64_t token = bit | (u == &m->irq_ctrl ? UPDATE_IRQ : 0u);
    uint64_t first = smmu_lag(m, m->knobs.register_lag_ns);

    u->generation[bit]++;
    u->value ^= 1u << bit;
    u->flying |= 1u << bit;
    token |= (uint64_t)u->generation[bit] << 32;
    smmu_later(m, first, update_work, token);
    smmu_later(m, first + smmu_lag(m, m->knobs.register_lag_ns), update_work, token | UPDATE_ACK);
}

static void update_write(struct model_smmuv3 *m, struct smmu_update *u, uint32_t value,
                         uint32_t allowed)
{
    unsigned bit;

    if ((value & ~allowed) != 0) {
        smmu_wrong(m, "smmuv3.reg.reserved", "reserved bits written to CR0 or IRQ_CTRL", value,
                   allowed);
    }
    for (bit = 0; bit < 8; bit++) {
        uint32_t mask = 1u << bit;

        if ((allowed & mask) == 0 || ((value ^ u->value) & mask) == 0) {
            continue;
        }
        if ((u->flying & mask) == 0) {
            update_start(m, u, bit);
            continue;
        }
        smmu_wrong(
            m, u == &m->cr0 ? "smmuv3.cr0.changed-in-flight" : "smmuv3.irq-ctrl.changed-in-flight",
            "a field was changed before its last change was acknowledged", bit, value);
        if (((u->effect ^ u->value) & mask) != 0 && model_chance(m->world, 500)) {
            u->generation[bit]++;
            u->value ^= mask;
            u->flying &= ~mask;
        }
    }
}

void smmu_cr0_write(struct model_smmuv3 *m, uint32_t value)
{
    update_write(m, &m->cr0, value, cr0_bits(m));
}

void smmu_irq_ctrl_write(struct model_smmuv3 *m, uint32_t value)
{
    update_write(m, &m->irq_ctrl, value, m->config.pri ? 7u : 5u);
}

static void gbpa_work(void *arg, uint64_t token)
{
    struct model_smmuv3 *m = arg;

    (void)token;
    m->gbpa = m->gbpa_next;
}

void smmu_gbpa_write(struct model_smmuv3 *m, uint32_t value)
{
    if ((value & GBPA_UPDATE) == 0 || (m->gbpa & GBPA_UPDATE) != 0) {
        smmu_wrong(m, "smmuv3.gbpa.protocol", "GBPA written without Update, or while one is busy",
                   value, m->gbpa);
        return;
    }
    if ((value & ~(GBPA_UPDATE | GBPA_FIELDS)) != 0) {
        smmu_wrong(m, "smmuv3.reg.reserved", "reserved bits written to GBPA", value, 0);
    }
    m->gbpa_next = value & GBPA_FIELDS;
    m->gbpa |= GBPA_UPDATE;
    smmu_later(m, smmu_lag(m, m->knobs.register_lag_ns), gbpa_work, 0);
}

void smmu_gerrorn_write(struct model_smmuv3 *m, uint32_t value)
{
    uint32_t active = m->gerror ^ m->gerrorn;
    uint32_t toggled = (value ^ m->gerrorn) & GERROR_BITS;

    if ((value & ~GERROR_BITS) != 0) {
        smmu_wrong(m, "smmuv3.reg.reserved", "reserved bits written to GERRORN", value, 0);
    }
    if ((toggled & ~active) != 0) {
        smmu_wrong(m, "smmuv3.gerror.ack-inactive", "GERRORN toggled a bit that is not active",
                   toggled, active);
    }
    m->gerrorn ^= toggled & active;
    if ((toggled & active & (1u << SMMU_CMDQ_ERR)) != 0) {
        m->cmdq_stopped = false;
        smmu_cmdq_rehash(m, m->cmdq.hw, m->cmdq.prod);
        smmu_cmdq_kick(m);
    }
    if ((toggled & active & (1u << SMMU_EVENTQ_ABT)) != 0) {
        smmu_stall_record(m);
    }
}

/* Repeated errors merge until software has acknowledged the first. */
void smmu_gerror_raise(struct model_smmuv3 *m, unsigned bit)
{
    if (smmu_gerror_active(m, bit)) {
        return;
    }
    m->gerror ^= 1u << bit;
    m->sfm = m->sfm || bit == SMMU_SFM;
    if (bit != SMMU_MSI_GERROR_ABT) {
        smmu_irq(m, MODEL_SMMUV3_IRQ_GERROR);
    }
}

void model_smmuv3_raise_gerror(struct model_smmuv3 *m, uint32_t bits)
{
    unsigned bit;

    for (bit = 0; bit < 9; bit++) {
        if ((bits & GERROR_BITS & (1u << bit)) != 0) {
            smmu_gerror_raise(m, bit);
        }
    }
}
