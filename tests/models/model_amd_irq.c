/* SPDX-License-Identifier: BSD-2-Clause */
#include "model_amd_internal.h"

static void irq_work(void *arg, uint64_t token)
{
    struct model_amd *m = arg;

    m->irq_pending &= ~((uint32_t)1 << token);
    m->counts.irqs[token]++;
    if (m->config.irq != NULL) {
        m->config.irq(m->config.ctx, token == 0 ? MODEL_AMD_IRQ_GENERAL : MODEL_AMD_IRQ_PPR);
    }
}

void amd_irq(struct model_amd *m, enum model_amd_source source)
{
    uint32_t bit = (uint32_t)1 << source;

    if ((m->irq_pending & bit) != 0 && !m->knobs.irq_per_event) {
        return;
    }
    m->irq_pending |= bit;
    amd_later(m, amd_lag(m, m->knobs.irq_lag_ns), irq_work, (uint64_t)source);
}

bool amd_irq_enabled(const struct model_amd *m, unsigned bit)
{
    switch (bit) {
    case AMD_EVT_OVERFLOW:
    case AMD_EVT_INT:
        return amd_control(m, AMD_EVT_INT_EN);
    case AMD_WAIT_INT:
        return amd_control(m, AMD_WAIT_INT_EN);
    case AMD_PPR_EARLY:
        return amd_bit(m->early[0], 30);
    case AMD_PPR_EARLY_B:
        return amd_bit(m->early[1], 30);
    default:
        return amd_control(m, AMD_PPR_INT_EN);
    }
}

/* Set a status bit; 0 -> 1 sends a message if enabled. */
void amd_raise(struct model_amd *m, unsigned bit)
{
    bool was = amd_bit(m->status, bit);
    bool enabled = amd_irq_enabled(m, bit);
    bool log_int = bit == AMD_EVT_INT || bit == AMD_PPR_INT;

    if (enabled || !log_int || !m->knobs.int_needs_enable) {
        m->status |= amd_one(bit);
    }
    if (enabled && (!was || m->knobs.irq_per_event)) {
        amd_irq(m, bit <= AMD_WAIT_INT ? MODEL_AMD_IRQ_GENERAL : MODEL_AMD_IRQ_PPR);
    }
}

void model_amd_spurious_irq(struct model_amd *m, enum model_amd_source source)
{
    amd_irq(m, source);
}
