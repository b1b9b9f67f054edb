/* SPDX-License-Identifier: BSD-2-Clause */
#include "model_vtd_internal.h"

static void due_work(void *arg, uint64_t token)
{
    struct model_vtd *m = arg;
    struct vtd_pending *p = &m->pending[token & (VTD_PENDING - 1)];

    if (p->stage == VTD_FETCHED && p->generation == (uint32_t)(token >> 32)) {
        p->due = true;
        vtd_pending_run(m);
    }
}

bool vtd_pending_room(const struct model_vtd *m)
{
    return model_vtd_iq_pending(m) < VTD_PENDING;
}

static void count_wait(struct model_vtd *m, struct vtd_pending *p)
{
    if (p->type != VTD_WAIT) {
        if (p->type != VTD_PGR) {
            m->unsynced++;
            m->since_wait++;
        }
        return;
    }
    p->since = m->last_wait;
    p->covers = m->since_wait;
    p->accepted = m->received;
    m->last_wait = p->seq;
    m->since_wait = 0;
}

struct vtd_pending *vtd_pending_add(struct model_vtd *m, const uint64_t word[4])
{
    struct vtd_pending *p = NULL;
    uint64_t lag;
    uint32_t i;

    for (i = 0; i < VTD_PENDING && p == NULL; i++) {
        if (m->pending[i].stage == VTD_FREE) {
            p = &m->pending[i];
        }
    }
    if (p == NULL) {
        return NULL;
    }
    m->pending_top = i > m->pending_top ? i : m->pending_top;
    p->stage = VTD_FETCHED;
    p->type = vtd_bits(word[0], 3, 0);
    p->generation++;
    p->seq = ++m->seq;
    p->due = false;
    memcpy(p->word, word, sizeof(p->word));
    count_wait(m, p);
    lag = vtd_lag(m, m->knobs.execute_lag_ns);
    if (p->type == VTD_PGR) {
        lag += vtd_lag(m, m->knobs.response_lag_ns);
    }
    vtd_later(m, lag, due_work, (uint64_t)p->generation << 32 | (uint64_t)(p - m->pending));
    return p;
}

/* later must not go before earlier has ended. */
static bool ordered(const struct model_vtd *m, const struct vtd_pending *earlier,
                    const struct vtd_pending *later)
{
    uint32_t e = earlier->type;

    if (e == VTD_WAIT &&
        (vtd_bit(earlier->word[0], 6) || (later->type == VTD_WAIT && !m->knobs.waits_unordered))) {
        return true;
    }
    switch (later->type) {
    case VTD_IOTLB:
    case VTD_PIOTLB:
        return e == VTD_CONTEXT || e == VTD_PASIDC;
    case VTD_PASIDC:
        return e == VTD_CONTEXT;
    case VTD_DEVTLB:
        return e == VTD_IOTLB || e == VTD_IEC || e == VTD_PGR ||
               (e == VTD_PIOTLB && !m->knobs.type3_unordered);
    case VTD_PDEVTLB:
        return e == VTD_IOTLB || e == VTD_PIOTLB || e == VTD_IEC || e == VTD_PGR;
    case VTD_WAIT:
        return e != VTD_WAIT && earlier->seq > later->since;
    case VTD_PGR:
        /* On the wire in order: what was sent no longer counts. */
        return e == VTD_PGR ||
               ((e == VTD_DEVTLB || e == VTD_PDEVTLB) && earlier->stage == VTD_FETCHED);
    default:
        return false;
    }
}

static bool ready(const struct model_vtd *m, const struct vtd_pending *p)
{
    uint32_t i;

    for (i = 0; i < m->pending_top; i++) {
        const struct vtd_pending *e = &m->pending[i];

        if (e->stage != VTD_FREE && e->seq < p->seq && ordered(m, e, p)) {
            return false;
        }
    }
    if (p->type == VTD_WAIT && vtd_bit(p->word[0], 7) && !vtd_prq_settled(m, p->accepted)) {
        return false;
    }
    return (p->type != VTD_DEVTLB && p->type != VTD_PDEVTLB) || vtd_device_room(m);
}

static void signal(struct model_vtd *m, struct vtd_pending *p)
{
    uint32_t data = (uint32_t)(p->word[0] >> 32);
    uint64_t address = p->word[1] & vtd_ones(m->config.haw) & ~(uint64_t)3;
    uint8_t bytes[4];
    unsigned i;

    for (i = 0; i < 4; i++) {
        bytes[i] = (uint8_t)(data >> (8 * i));
    }
    if (vtd_bit(p->word[0], 5)) {
        (void)vtd_write(m, address, bytes, 4);
    }
    m->counts.waits++;
    m->counts.executed[VTD_WAIT]++;
    m->unsynced -= p->covers < m->unsynced ? p->covers : m->unsynced;
    p->stage = VTD_FREE;
    if (vtd_bit(p->word[0], 4)) {
        bool idle = vtd_event_idle(m, MODEL_VTD_IRQ_COMPLETION);

        m->ics |= 1;
        if (idle) {
            vtd_event_raise(m, MODEL_VTD_IRQ_COMPLETION);
        }
    }
    vtd_pending_run(m);
}

static void signal_work(void *arg, uint64_t token)
{
    struct model_vtd *m = arg;
    struct vtd_pending *p = &m->pending[token & (VTD_PENDING - 1)];

    if (p->stage == VTD_SIGNALLED && p->generation == (uint32_t)(token >> 32)) {
        signal(m, p);
    }
}

/* After SRTP caches must go in this order, each of them whole. */
static void note_global(struct model_vtd *m, uint32_t type, uint32_t granule)
{
    if (type == VTD_CONTEXT && granule != 3 && m->uninvalidated != 0) {
        m->uninvalidated = 2;
    } else if (type == VTD_PASIDC && granule == 3 && m->uninvalidated == 2) {
        m->uninvalidated = 1;
    } else if (type == VTD_IOTLB && granule == 1 && m->uninvalidated == 1) {
        m->uninvalidated = 0;
    }
}

static void execute(struct model_vtd *m, uint32_t index)
{
    struct vtd_pending *p = &m->pending[index];
    uint64_t token = (uint64_t)p->generation << 32 | index;

    note_global(m, p->type, vtd_bits(p->word[0], 5, 4));
    switch (p->type) {
    case VTD_WAIT:
        p->stage = VTD_SIGNALLED;
        vtd_later(m, vtd_lag(m, m->knobs.status_lag_ns), signal_work, token);
        return;
    case VTD_DEVTLB:
    case VTD_PDEVTLB:
        p->stage = VTD_SENT;
        vtd_device_send(m, index);
        return;
    case VTD_CONTEXT:
        vtd_drop_context(m, p->word[0]);
        break;
    case VTD_PASIDC:
        vtd_drop_pasids(m, p->word[0]);
        break;
    case VTD_IOTLB:
        vtd_drop_second(m, p->word[0], p->word[1]);
        break;
    case VTD_PIOTLB:
        vtd_drop_first(m, p->word[0], p->word[1]);
        break;
    case VTD_PGR:
        vtd_prq_respond(m, p->word[0], p->word[1]);
        break;
    default:
        break;
    }
    m->counts.executed[p->type]++;
    p->stage = VTD_FREE;
}

/* Whatever may run now, does. */
void vtd_pending_run(struct model_vtd *m)
{
    bool moved = true;
    uint32_t i;

    while (m->pending_top > 0 && m->pending[m->pending_top - 1].stage == VTD_FREE) {
        m->pending_top--;
    }
    while (moved) {
        moved = false;
        for (i = 0; i < m->pending_top; i++) {
            struct vtd_pending *p = &m->pending[i];

            if (p->stage == VTD_FETCHED && p->due && ready(m, p)) {
                execute(m, i);
                moved = true;
            }
        }
    }
    vtd_iq_kick(m);
}

/* A device-TLB invalidation has been answered. */
void vtd_pending_done(struct model_vtd *m, uint32_t index)
{
    if (m->pending[index].stage == VTD_SENT) {
        m->counts.executed[m->pending[index].type]++;
        m->pending[index].stage = VTD_FREE;
    }
    vtd_pending_run(m);
}

/* culprit was not answered in time: waits end without a word. */
void vtd_pending_abort(struct model_vtd *m, uint32_t culprit)
{
    uint64_t seq = m->pending[culprit].seq;
    uint64_t first = UINT64_MAX;
    uint32_t i;

    for (i = 0; i < m->pending_top; i++) {
        if (m->pending[i].stage != VTD_FREE && m->pending[i].type == VTD_WAIT &&
            m->pending[i].seq > seq && m->pending[i].seq < first) {
            first = m->pending[i].seq;
        }
    }
    for (i = 0; i < m->pending_top; i++) {
        struct vtd_pending *p = &m->pending[i];

        if (p->stage == VTD_FREE) {
            continue;
        }
        if (p->type == VTD_WAIT && (m->knobs.ite_aborts_all || p->seq == first)) {
            m->counts.waits_aborted++;
        } else if (p->stage != VTD_FETCHED || p->seq <= seq || !m->knobs.ite_loses_rest) {
            continue;
        }
        p->stage = VTD_FREE;
        m->since_wait += p->type == VTD_WAIT ? p->covers : 0; /* The next one covers them. */
    }
    m->pending[culprit].stage = VTD_FREE;
}

void vtd_pending_forget(struct model_vtd *m)
{
    uint32_t i;

    for (i = 0; i < m->pending_top; i++) {
        m->pending[i].stage = VTD_FREE;
    }
    m->since_wait = 0;
    vtd_device_forget(m);
}
