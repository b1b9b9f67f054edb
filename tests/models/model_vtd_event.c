/* SPDX-License-Identifier: BSD-2-Clause */
#include "model_vtd_internal.h"

#define MASK ((uint32_t)1 << 31)
#define FIVE (VTD_PPF | VTD_PFO | VTD_IQE | VTD_ICE | VTD_ITE)

/* No status of this source is set: the next one is news. */
bool vtd_event_idle(const struct model_vtd *m, enum model_vtd_source source)
{
    switch (source) {
    case MODEL_VTD_IRQ_FAULT:
        return (m->fsts & FIVE) == 0;
    case MODEL_VTD_IRQ_COMPLETION:
        return (m->ics & 1) == 0;
    case MODEL_VTD_IRQ_PAGE_REQUEST:
    case MODEL_VTD_IRQ_SOURCES:
    default:
        return (m->prs & (VTD_PPR | VTD_PRO)) == 0;
    }
}

static void send(struct model_vtd *m, enum model_vtd_source source)
{
    struct vtd_event *e = &m->event[source];
    uint64_t address = e->address | (m->config.eim ? (uint64_t)e->upper << 32 : 0);

    e->flying = false;
    m->counts.irqs[source]++;
    if (m->config.irq != NULL) {
        m->config.irq(m->config.ctx, source);
    }
    if (m->config.doorbell == NULL) {
        return;
    }
    if ((e->address >> 20) != 0xFEE) {
        vtd_wrong(m, "vtd.event.address", "an event message would not be an interrupt", address,
                  e->data);
        return;
    }
    (void)m->config.doorbell(m->config.ctx, address, e->data);
}

static void event_work(void *arg, uint64_t token)
{
    struct model_vtd *m = arg;

    if (m->event[token].flying) {
        send(m, (enum model_vtd_source)token);
    }
}

static void leave(struct model_vtd *m, enum model_vtd_source source)
{
    struct vtd_event *e = &m->event[source];

    e->pending = false;
    if (!e->flying) {
        e->flying = true;
        vtd_later(m, vtd_lag(m, m->knobs.irq_lag_ns), event_work, source);
    }
}

void vtd_event_raise(struct model_vtd *m, enum model_vtd_source source)
{
    m->event[source].pending = true;
    if ((m->event[source].control & MASK) == 0) {
        leave(m, source);
    }
}

/* A register read pushes messages that are on their way. */
void vtd_event_push(struct model_vtd *m, enum model_vtd_source source)
{
    if (m->event[source].flying) {
        send(m, source);
    }
}

/* Software has cleared status: what was pending may be news no more. */
void vtd_event_settle(struct model_vtd *m, enum model_vtd_source source)
{
    bool clear = vtd_event_idle(m, source);

    if (source == MODEL_VTD_IRQ_PAGE_REQUEST && m->knobs.ppr_alone_clears) {
        clear = (m->prs & VTD_PPR) == 0;
    }
    if (clear) {
        m->event[source].pending = false;
    }
}

void vtd_event_write(struct model_vtd *m, enum model_vtd_source source, uint32_t reg,
                     uint32_t value)
{
    struct vtd_event *e = &m->event[source];

    switch (reg) {
    case 0:
        e->control = value & MASK;
        if ((value & MASK) == 0 && e->pending) {
            leave(m, source);
        }
        break;
    case 4:
        if ((value & 0xFFFF0000u) != 0) {
            vtd_wrong(m, "vtd.event.data", "bits 31:16 of event data are reserved", value, source);
        }
        e->data = value & 0xFFFF;
        break;
    case 8:
        if ((value & 3u) != 0) {
            vtd_wrong(m, "vtd.event.misaligned", "an event address is a multiple of 4", value,
                      source);
        }
        e->address = value & ~3u;
        break;
    default:
        if (value != 0 && !m->config.eim) {
            vtd_wrong(m, "vtd.reg.absent", "an upper event address without EIM", value, source);
        }
        e->upper = m->config.eim ? value : 0;
        break;
    }
}

uint32_t vtd_event_read(const struct model_vtd *m, enum model_vtd_source source, uint32_t reg)
{
    const struct vtd_event *e = &m->event[source];

    switch (reg) {
    case 0:
        return e->control | (e->pending ? (uint32_t)1 << 30 : 0);
    case 4:
        return e->data;
    case 8:
        return e->address;
    default:
        return e->upper;
    }
}
