/* SPDX-License-Identifier: BSD-2-Clause */
#include "model_smmuv3_internal.h"

#define PAGE1 0x10000u

static uint32_t half_of(uint64_t word, uint32_t offset)
{
    return (uint32_t)((offset & 4) != 0 ? word >> 32 : word);
}

static void absent(struct model_smmuv3 *m, const char *text, uint32_t offset, uint64_t value)
{
    smmu_wrong(m, "smmuv3.reg.absent", text, offset, value);
}

/* ---- 0x60..0xDC: interrupt configuration, by source ---- */

/* The source whose configuration is at offset, and the place in it; -1: none. */
static int msi_source(const struct model_smmuv3 *m, uint32_t offset, uint32_t *at)
{
    if (offset >= 0x68 && offset <= 0x74) {
        *at = offset - 0x68;
        return MODEL_SMMUV3_IRQ_GERROR;
    }
    if (offset >= 0xB0 && offset <= 0xBC) {
        *at = offset - 0xB0;
        return MODEL_SMMUV3_IRQ_EVENTQ;
    }
    if (offset >= 0xD0 && offset <= 0xDC && m->config.pri) {
        *at = offset - 0xD0;
        return MODEL_SMMUV3_IRQ_PRIQ;
    }
    return -1;
}

static uint32_t msi_read(const struct smmu_msi *msi, uint32_t at)
{
    if (at < 8) {
        return half_of(msi->address, at);
    }
    return at == 8 ? msi->data : msi->attributes;
}

static void msi_write(struct model_smmuv3 *m, unsigned source, uint32_t at, uint32_t offset,
                      uint32_t value)
{
    struct smmu_msi *msi = &m->msi[source];

    if (!m->config.msi) {
        absent(m, "IRQ_CFG register written although there are no MSIs", offset, value);
        return;
    }
    if (smmu_guarded(m, smmu_guards(&m->irq_ctrl, 1u << source), offset, &value)) {
        return;
    }
    if (at < 8) {
        smmu_set_half(&msi->address, at, value);
        if ((msi->address & ~(uint64_t)0x00FFFFFFFFFFFFFCu) != 0) {
            smmu_wrong(m, "smmuv3.reg.reserved", "reserved bits in an IRQ_CFG0", msi->address,
                       offset);
        }
        msi->address &= 0x00FFFFFFFFFFFFFCu;
        msi->address_set = true;
    } else if (at == 8) {
        msi->data = value;
    } else {
        msi->attributes_set = true;
        msi->attributes = value & (source == MODEL_SMMUV3_IRQ_PRIQ ? 0x8000003Fu : 0x3Fu);
    }
}

/* ---- the queues' index registers of page 1 ---- */

static void output_write(struct model_smmuv3 *m, struct smmu_queue *q, unsigned enable, bool cons,
                         uint32_t offset, uint32_t value)
{
    if (cons) {
        smmu_queue_cons_write(m, q, value);
        if (q == &m->eventq) {
            smmu_stall_record(m);
        }
        return;
    }
    if (smmu_guarded(m, smmu_guards(&m->cr0, 1u << enable), offset, &value)) {
        return;
    }
    if ((value & 0x7FF00000u) != 0) {
        smmu_wrong(m, "smmuv3.reg.reserved", "reserved bits written to a PROD register", value, 0);
    }
    q->prod = value & 0x800FFFFFu;
    q->hw = q->prod;
    q->prod_set = true;
}

/* NULL: no such index register. */
static struct smmu_queue *output_queue(struct model_smmuv3 *m, uint32_t offset, unsigned *enable,
                                       bool *cons)
{
    uint32_t at = offset & (PAGE1 - 1);

    if ((offset >= PAGE1) == m->config.page0_queues) {
        return NULL;
    }
    *cons = (at & 4) != 0;
    if (at == 0xA8 || at == 0xAC) {
        *enable = SMMU_EVENTQEN;
        return &m->eventq;
    }
    if ((at == 0xC8 || at == 0xCC) && m->config.pri) {
        *enable = SMMU_PRIQEN;
        return &m->priq;
    }
    return NULL;
}

static struct smmu_queue *base_queue(struct model_smmuv3 *m, uint32_t offset, unsigned *enable)
{
    switch (offset & ~4u) {
    case 0x90:
        *enable = SMMU_CMDQEN;
        return &m->cmdq;
    case 0xA0:
        *enable = SMMU_EVENTQEN;
        return &m->eventq;
    case 0xC0:
        *enable = SMMU_PRIQEN;
        return m->config.pri ? &m->priq : NULL;
    default:
        return NULL;
    }
}

static void base_write(struct model_smmuv3 *m, struct smmu_queue *q, unsigned enable,
                       uint32_t offset, uint32_t value)
{
    if (smmu_guarded(m, smmu_guards(&m->cr0, 1u << enable), offset, &value)) {
        return;
    }
    smmu_set_half(&q->base, offset, value);
    if ((q->base & 0xBF00000000000000u) != 0) {
        smmu_wrong(m, "smmuv3.reg.reserved", "reserved bits in a queue base", q->base, offset);
    }
    q->base &= 0x40FFFFFFFFFFFFFFu;
    q->base_set = true;
}

static uint32_t read_page0(struct model_smmuv3 *m, uint32_t offset)
{
    switch (offset) {
    case 0x00:
    case 0x04:
    case 0x08:
    case 0x0C:
    case 0x10:
    case 0x14:
        return m->idr[offset >> 2];
    case 0x18:
        return m->config.iidr;
    case 0x1C:
        return m->config.minor;
    case 0x20:
        return m->cr0.value;
    case 0x24:
        return m->cr0.ack;
    case 0x28:
        return m->cr1;
    case 0x2C:
        return m->cr2;
    case 0x44:
        return m->gbpa;
    case 0x50:
        return m->irq_ctrl.value;
    case 0x54:
        return m->irq_ctrl.ack;
    case 0x60:
        return m->gerror;
    case 0x64:
        return m->gerrorn;
    case 0x80:
    case 0x84:
        return half_of(m->strtab, offset);
    case 0x88:
        return m->strtab_cfg;
    case 0x98:
        return m->cmdq.prod;
    case 0x9C:
        return m->cmdq.cons;
    default:
        return 0;
    }
}

uint32_t smmu_reg_read(struct model_smmuv3 *m, uint32_t offset)
{
    bool cons = false;
    unsigned enable = 0;
    struct smmu_queue *q = output_queue(m, offset, &enable, &cons);
    uint32_t at = offset & (PAGE1 - 1);
    uint32_t place = 0;
    int source;

    if (q != NULL) {
        return cons ? q->cons : q->prod;
    }
    if (at == 0xA8 || at == 0xAC || at == 0xC8 || at == 0xCC) {
        absent(m, "queue index read where it is not", offset, 0);
        return 0;
    }
    if (offset >= PAGE1) {
        return 0;
    }
    q = base_queue(m, offset, &enable);
    if (q != NULL) {
        return half_of(q->base, offset);
    }
    source = msi_source(m, offset, &place);
    if (source >= 0) {
        return m->config.msi ? msi_read(&m->msi[source], place) : 0;
    }
    return read_page0(m, offset);
}

static void write_page0(struct model_smmuv3 *m, uint32_t offset, uint32_t value)
{
    switch (offset) {
    case 0x20:
        smmu_cr0_write(m, value);
        break;
    case 0x28:
        smmu_cr1_write(m, value);
        break;
    case 0x2C:
        smmu_cr2_write(m, value);
        break;
    case 0x44:
        smmu_gbpa_write(m, value);
        break;
    case 0x50:
        smmu_irq_ctrl_write(m, value);
        break;
    case 0x64:
        smmu_gerrorn_write(m, value);
        break;
    case 0x80:
    case 0x84:
    case 0x88:
        smmu_strtab_write(m, offset, value);
        break;
    case 0x98:
        smmu_cmdq_prod_write(m, value);
        break;
    case 0x9C:
        smmu_cmdq_cons_write(m, value);
        break;
    default:
        absent(m, "write to a register that is read-only or not there", offset, value);
        break;
    }
}

void smmu_reg_write(struct model_smmuv3 *m, uint32_t offset, uint32_t value)
{
    bool cons = false;
    unsigned enable = 0;
    struct smmu_queue *q = output_queue(m, offset, &enable, &cons);
    uint32_t place = 0;
    int source;

    if (q != NULL) {
        output_write(m, q, enable, cons, offset, value);
        return;
    }
    if (offset >= PAGE1) {
        absent(m, "write to a register of page 1 that is not there", offset, value);
        return;
    }
    q = base_queue(m, offset, &enable);
    if (q != NULL) {
        base_write(m, q, enable, offset, value);
        return;
    }
    source = msi_source(m, offset, &place);
    if (source >= 0) {
        msi_write(m, (unsigned)source, place, offset, value);
        return;
    }
    write_page0(m, offset, value);
}
