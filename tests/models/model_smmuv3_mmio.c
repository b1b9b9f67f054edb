/* SPDX-License-Identifier: BSD-2-Clause */
#include "model_smmuv3_internal.h"

#define ALL_QUEUES (1u << SMMU_PRIQEN | 1u << SMMU_EVENTQEN | 1u << SMMU_CMDQEN)

void smmu_set_half(uint64_t *word, uint32_t offset, uint32_t value)
{
    if ((offset & 4) != 0) {
        *word = (*word & 0xFFFFFFFFu) | (uint64_t)value << 32;
    } else {
        *word = (*word & ~(uint64_t)0xFFFFFFFFu) | value;
    }
}

/* A write to a register that its enable guards. true: it must not happen. */
bool smmu_guarded(struct model_smmuv3 *m, bool guard, uint32_t offset, uint32_t *random)
{
    if (!guard) {
        return false;
    }
    smmu_wrong(m, "smmuv3.reg.guarded", "write to a register that an enable guards", offset,
               m->cr0.value);
    if (m->config.minor < 2 && m->knobs.scramble_guarded) {
        *random = (uint32_t)model_random(m->world);
        m->quiet = true;
        return false;
    }
    return true;
}

/* CMDQ_CONS belongs to hardware while the queue is on. */
void smmu_cmdq_cons_write(struct model_smmuv3 *m, uint32_t value)
{
    if (smmu_guarded(m, smmu_guards(&m->cr0, 1u << SMMU_CMDQEN), 0x9C, &value)) {
        return;
    }
    if ((value & 0x80F00000u) != 0) {
        smmu_wrong(m, "smmuv3.reg.reserved", "reserved bits written to CMDQ_CONS", value, 0);
    }
    m->cmdq.cons = value & (model_chance(m->world, 500) ? 0x7F0FFFFFu : 0x000FFFFFu);
    m->cmdq.hw = value & 0xFFFFFu;
    m->cmdq.cons_set = true;
}

void smmu_cr1_write(struct model_smmuv3 *m, uint32_t value)
{
    uint32_t changed = value ^ m->cr1;
    uint32_t keep = 0;

    if (((changed & 0xFC0u) != 0 || !m->cr1_set) && smmu_guards(&m->cr0, 1u << SMMU_SMMUEN)) {
        smmu_wrong(m, "smmuv3.reg.guarded", "CR1.TABLE_* changed while SMMUEN", 0x28, value);
        keep |= 0xFC0u;
    }
    if (((changed & 0x3Fu) != 0 || !m->cr1_set) && smmu_guards(&m->cr0, ALL_QUEUES)) {
        smmu_wrong(m, "smmuv3.reg.guarded", "CR1.QUEUE_* changed while a queue is on", 0x28, value);
        keep |= 0x3Fu;
    }
    if ((value & ~0xFFFu) != 0 || (value & 3) == 3 || (value >> 2 & 3) == 3 ||
        (value >> 4 & 3) == 1 || (value >> 6 & 3) == 3 || (value >> 8 & 3) == 3 ||
        (value >> 10 & 3) == 1) {
        smmu_wrong(m, "smmuv3.reg.reserved", "reserved value written to CR1", value, 0);
    }
    if (keep != 0 && m->config.minor < 2 && m->knobs.scramble_guarded) {
        value = (value & ~keep) | ((uint32_t)model_random(m->world) & keep);
        keep = 0;
    }
    m->cr1 = ((value & ~keep) | (m->cr1 & keep)) & 0xFFFu;
    m->cr1_set = true;
}

void smmu_cr2_write(struct model_smmuv3 *m, uint32_t value)
{
    uint32_t has = (m->config.hyp ? 1u : 0u) | 2u | (m->config.btm ? 4u : 0u) |
                   (m->config.ats_rec_err ? 8u : 0u);

    if (smmu_guarded(m, smmu_guards(&m->cr0, 1u << SMMU_SMMUEN), 0x2C, &value)) {
        return;
    }
    if ((value & ~0xFu) != 0) {
        smmu_wrong(m, "smmuv3.reg.reserved", "reserved bits written to CR2", value, has);
    }
    m->cr2 = value & has;
    m->cr2_set = true;
}

void smmu_strtab_write(struct model_smmuv3 *m, uint32_t offset, uint32_t value)
{
    if (smmu_guarded(m, smmu_guards(&m->cr0, 1u << SMMU_SMMUEN), offset, &value)) {
        return;
    }
    if (offset == 0x88) {
        if ((value & ~0x307FFu) != 0) {
            smmu_wrong(m, "smmuv3.reg.reserved", "reserved bits in STRTAB_BASE_CFG", value, 0);
        }
        m->strtab_cfg = value & (m->config.st_level == 0 ? 0x7FFu : 0x307FFu);
        m->strtab_cfg_set = true;
        return;
    }
    smmu_set_half(&m->strtab, offset, value);
    if ((m->strtab & 0xBF0000000000003Fu) != 0) {
        smmu_wrong(m, "smmuv3.reg.reserved", "reserved bits in STRTAB_BASE", m->strtab, offset);
    }
    m->strtab &= 0x40FFFFFFFFFFFFC0u;
    m->strtab_set = true;
}

/* ---- accesses as the host makes them ---- */

static bool access_good(struct model_smmuv3 *m, uint64_t offset, uint32_t bytes)
{
    uint32_t at = (uint32_t)offset & 0xFFFFu;

    if ((offset & (bytes - 1)) != 0 || offset > MODEL_SMMUV3_BYTES - bytes) {
        smmu_wrong(m, "smmuv3.reg.unaligned", "register access not aligned or outside", offset,
                   bytes);
        return false;
    }
    if (bytes == 8 &&
        (offset >= 0x10000u || !(at == 0x68 || at == 0x80 || at == 0x90 || at == 0xA0 ||
                                 at == 0xB0 || at == 0xC0 || at == 0xD0))) {
        smmu_wrong(m, "smmuv3.reg.wide-access", "64-bit access to two 32-bit registers", offset, 0);
        return false;
    }
    return true;
}

uint32_t model_smmuv3_read32(struct model_smmuv3 *m, uint64_t offset)
{
    uint32_t value = (uint32_t)model_random(m->world);

    model_tick(m->world);
    m->counts.mmio_reads++;
    if (access_good(m, offset, 4)) {
        value = smmu_reg_read(m, (uint32_t)offset);
    }
    smmu_prefetch_maybe(m);
    return value;
}

uint64_t model_smmuv3_read64(struct model_smmuv3 *m, uint64_t offset)
{
    uint64_t low, high;

    if (!access_good(m, offset, 8)) {
        model_tick(m->world);
        return model_random(m->world);
    }
    low = model_smmuv3_read32(m, offset);
    high = model_smmuv3_read32(m, offset + 4);
    return low | high << 32;
}

void model_smmuv3_write32(struct model_smmuv3 *m, uint64_t offset, uint32_t value)
{
    model_tick(m->world);
    m->counts.mmio_writes++;
    if (access_good(m, offset, 4)) {
        smmu_reg_write(m, (uint32_t)offset, value);
        m->quiet = false;
    }
    smmu_prefetch_maybe(m);
}

/* Not atomic: two halves, in any order. */
void model_smmuv3_write64(struct model_smmuv3 *m, uint64_t offset, uint64_t value)
{
    uint32_t first = model_chance(m->world, 500) ? 0 : 4;

    if (!access_good(m, offset, 8)) {
        model_tick(m->world);
        return;
    }
    model_smmuv3_write32(m, offset + first, (uint32_t)(value >> (8 * first)));
    model_smmuv3_write32(m, offset + (first ^ 4), (uint32_t)(value >> (8 * (first ^ 4))));
}
