/* SPDX-License-Identifier: BSD-2-Clause */
#include "model_smmuv3_internal.h"

#define CS_IRQ 1u
#define CS_SEV 2u

static const unsigned abort_bit[3] = {
    [MODEL_SMMUV3_IRQ_GERROR] = SMMU_MSI_GERROR_ABT,
    [MODEL_SMMUV3_IRQ_PRIQ] = SMMU_MSI_PRIQ_ABT,
    [MODEL_SMMUV3_IRQ_EVENTQ] = SMMU_MSI_EVENTQ_ABT,
};

static void wire(struct model_smmuv3 *m, enum model_smmuv3_source source)
{
    m->counts.irqs[source]++;
    if (m->config.irq != NULL) {
        m->config.irq(m->config.ctx, source);
    }
}

static bool message(struct model_smmuv3 *m, uint64_t address, uint32_t data)
{
    address &= smmu_ones(smmu_oas_bits(m));
    m->counts.msis++;
    if (m->config.doorbell != NULL && m->config.doorbell(m->config.ctx, address, data)) {
        return true;
    }
    return model_bus_write32(m->world, address, data);
}

static void deliver(struct model_smmuv3 *m, enum model_smmuv3_source source)
{
    uint32_t mask = 1u << source;

    if ((m->irq_pending & mask) == 0) {
        return;
    }
    m->irq_pending &= ~mask;
    if (!m->config.msi || m->msi[source].address == 0) {
        wire(m, source);
        return;
    }
    m->counts.irqs[source]++;
    if (!message(m, m->msi[source].address, m->msi[source].data)) {
        smmu_gerror_raise(m, abort_bit[source]);
    }
}

static void irq_work(void *arg, uint64_t token)
{
    deliver(arg, (enum model_smmuv3_source)token);
}

/* An occasion for an edge, now. It is lost if nobody enabled it. */
void smmu_irq(struct model_smmuv3 *m, enum model_smmuv3_source source)
{
    uint32_t mask = 1u << source;

    if (!smmu_bit(m->irq_ctrl.effect, source) || (m->irq_pending & mask) != 0) {
        return;
    }
    m->irq_pending |= mask;
    smmu_later(m, smmu_lag(m, m->knobs.irq_lag_ns), irq_work, source);
}

/* Completion of a disable: what was under way has arrived. */
void smmu_irq_flush(struct model_smmuv3 *m)
{
    unsigned source;

    for (source = 0; source < 3; source++) {
        if (!smmu_bit(m->irq_ctrl.effect, source)) {
            deliver(m, (enum model_smmuv3_source)source);
        }
    }
}

static void signal_now(struct model_smmuv3 *m)
{
    uint64_t d0 = m->signal_d0;
    uint64_t address = m->signal_d1 & 0x00FFFFFFFFFFFFFCu;
    uint32_t cs = smmu_bits(d0, 13, 12);

    m->signal_due = false;
    m->signal_generation++;
    if (cs == CS_SEV && m->config.sev) {
        wire(m, MODEL_SMMUV3_IRQ_SEV);
    }
    if (cs != CS_IRQ) {
        return;
    }
    if (m->config.msi && address != 0 && !message(m, address, smmu_bits(d0, 63, 32))) {
        smmu_gerror_raise(m, SMMU_MSI_CMDQ_ABT);
    }
    wire(m, MODEL_SMMUV3_IRQ_SYNC);
}

static void signal_work(void *arg, uint64_t token)
{
    struct model_smmuv3 *m = arg;

    if (m->signal_due && (uint32_t)token == m->signal_generation) {
        signal_now(m);
    }
}

/* The signal of a CMD_SYNC that CONS has passed: some time later. */
void smmu_signal(struct model_smmuv3 *m, uint64_t d0, uint64_t d1)
{
    m->signal_due = true;
    m->signal_d0 = d0;
    m->signal_d1 = d1;
    smmu_later(m, smmu_lag(m, m->knobs.signal_lag_ns), signal_work, m->signal_generation);
}

/* No later than the next CMD_SYNC's completion. */
void smmu_signal_flush(struct model_smmuv3 *m)
{
    if (m->signal_due) {
        signal_now(m);
    }
}
