/* SPDX-License-Identifier: BSD-2-Clause */
#include "model_amd_internal.h"

static void event_write(struct model_amd *m, const uint64_t word[2])
{
    struct amd_ring *r = &m->ring[AMD_EVT];

    if (!r->run) {
        m->counts.events_lost++;
        return;
    }
    if (amd_ring_next(r, r->tail) == r->head) {
        m->counts.events_lost++;
        m->counts.overflows++;
        if (!m->knobs.overflow_keeps_run) {
            r->run = false;
            r->stopping = false;
        }
        amd_raise(m, AMD_EVT_OVERFLOW);
        return;
    }
    amd_log_store(m, AMD_EVT, word);
    m->counts.events[word[0] >> 60]++;
    amd_raise(m, AMD_EVT_INT);
}

static void take_first(struct model_amd *m, unsigned fifo)
{
    struct amd_fifo *f = &m->fifo[fifo];
    uint64_t word[2];

    word[0] = f->word[f->first][0];
    word[1] = f->word[f->first][1];
    f->first = (f->first + 1) % AMD_RECORDS;
    f->count--;
    if (fifo == 0) {
        event_write(m, word);
    } else {
        amd_ppr_write(m, word);
    }
}

void amd_log_flush(struct model_amd *m, unsigned fifo)
{
    while (m->fifo[fifo].count > 0) {
        take_first(m, fifo);
    }
}

static void fifo_work(void *arg, uint64_t token)
{
    struct model_amd *m = arg;
    struct amd_fifo *f = &m->fifo[token];

    f->scheduled = false;
    if (f->count > 0) {
        take_first(m, (unsigned)token);
    }
    if (f->count > 0) {
        f->scheduled = true;
        amd_later(m, 1, fifo_work, token);
    }
}

void amd_log_post(struct model_amd *m, unsigned fifo, const uint64_t word[2], uint32_t lag)
{
    struct amd_fifo *f = &m->fifo[fifo];
    uint32_t at;

    if (f->count == AMD_RECORDS) {
        amd_log_flush(m, fifo);
    }
    at = (f->first + f->count) % AMD_RECORDS;
    f->word[at][0] = word[0];
    f->word[at][1] = word[1];
    f->count++;
    if (lag == 0) {
        amd_log_flush(m, fifo);
    } else if (!f->scheduled) {
        f->scheduled = true;
        amd_later(m, amd_lag(m, lag), fifo_work, fifo);
    }
}

/* The code is in the first word and goes last. */
static void store_body(struct model_amd *m, uint64_t at, const uint64_t word[2])
{
    bool done = model_bus_write64(m->world, at + 8, word[1]);

    if (!model_bus_write64(m->world, at, word[0]) || !done) {
        m->counts.events_lost++;
    }
}

static void late_work(void *arg, uint64_t token)
{
    struct model_amd *m = arg;
    struct amd_late *late = &m->late[token & (AMD_LATES - 1)];

    if (late->used && late->generation == (uint32_t)(token >> 32)) {
        late->used = false;
        store_body(m, late->at, late->word);
    }
}

/* Bodies that are late are there now. */
void amd_log_arrive(struct model_amd *m)
{
    unsigned i;

    for (i = 0; i < AMD_LATES; i++) {
        if (m->late[i].used) {
            m->late[i].used = false;
            store_body(m, m->late[i].at, m->late[i].word);
        }
    }
}

/* There is room. With the errata the tail may go first. */
void amd_log_store(struct model_amd *m, unsigned ring, const uint64_t word[2])
{
    struct amd_ring *r = &m->ring[ring];
    uint64_t at = (r->base & AMD_ADDRESS) + r->tail;
    unsigned i = 0;

    while (i < AMD_LATES && m->late[i].used) {
        i++;
    }
    if (!m->config.late_entries || m->knobs.entry_lag_ns == 0 || i == AMD_LATES ||
        model_chance(m->world, 500)) {
        store_body(m, at, word);
    } else {
        m->late[i].used = true;
        m->late[i].generation++;
        m->late[i].ring = ring;
        m->late[i].slot = r->tail;
        m->late[i].at = at;
        m->late[i].word[0] = word[0];
        m->late[i].word[1] = word[1];
        amd_later(m, amd_lag(m, m->knobs.entry_lag_ns), late_work,
                  (uint64_t)m->late[i].generation << 32 | i);
    }
    r->tail = amd_ring_next(r, r->tail);
}

static bool is_late(const struct model_amd *m, unsigned ring, uint32_t slot)
{
    unsigned i;

    for (i = 0; i < AMD_LATES; i++) {
        if (m->late[i].used && m->late[i].ring == ring && m->late[i].slot == slot) {
            return true;
        }
    }
    return false;
}

/* Entries that software gives back must have arrived and, with the errata, be all zero again. */
void amd_log_check_head(struct model_amd *m, unsigned ring, uint32_t head)
{
    const struct amd_ring *r = &m->ring[ring];
    uint32_t slot;

    for (slot = r->head; slot != head; slot = amd_ring_next(r, slot)) {
        uint64_t at = (r->base & AMD_ADDRESS) + slot;
        uint64_t word[2];

        if (is_late(m, ring, slot)) {
            amd_wrong(m, r->unwritten, "the head passes an entry that was not there yet", slot,
                      r->tail);
            return;
        }
        if (m->config.late_entries && !m->config.snp && model_bus_read64(m->world, at, &word[0]) &&
            model_bus_read64(m->world, at + 8, &word[1]) && (word[0] | word[1]) != 0) {
            amd_wrong(m, r->not_cleared, "an entry is given back that was not cleared", slot,
                      word[0]);
            return;
        }
    }
}

uint32_t model_amd_entries_late(const struct model_amd *m)
{
    uint32_t count = 0;
    unsigned i;

    for (i = 0; i < AMD_LATES; i++) {
        count += m->late[i].used ? 1u : 0u;
    }
    return count;
}
