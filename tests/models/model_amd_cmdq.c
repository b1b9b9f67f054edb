/* SPDX-License-Identifier: BSD-2-Clause */
#include "model_amd_internal.h"

#define CMD_WAIT  1u
#define CMD_IOTLB 4u
#define CMD_PPR   7u

static uint64_t slot(const struct model_amd *m, uint32_t at)
{
    return (m->ring[AMD_CMD].base & AMD_ADDRESS) + at;
}

static uint32_t hash(const uint8_t *from)
{
    uint32_t sum = 2166136261u;
    unsigned i;

    for (i = 0; i < 16; i++) {
        sum = (sum ^ from[i]) * 16777619u;
    }
    return sum | 1u;
}

static void remember(struct model_amd *m, uint32_t first, uint32_t end)
{
    const struct amd_ring *r = &m->ring[AMD_CMD];
    uint32_t at;

    for (at = first; at != end; at = amd_ring_next(r, at)) {
        const uint8_t *from = amd_peek(m, slot(m, at), 16);

        m->cmd_hash[at / 16] = from == NULL ? 0 : hash(from);
    }
}

/* The ring begins anew: what is between head and tail counts as handed over now. */
void amd_cmdq_forget(struct model_amd *m)
{
    const struct amd_ring *r = &m->ring[AMD_CMD];

    memset(m->cmd_hash, 0, AMD_SLOTS * sizeof(m->cmd_hash[0]));
    if (r->run) {
        remember(m, r->head, r->tail);
    }
}

void amd_cmdq_tail(struct model_amd *m, uint32_t tail)
{
    struct amd_ring *r = &m->ring[AMD_CMD];
    uint32_t entries = amd_ring_entries(r);

    if (amd_ring_used(r) + ((tail - r->tail) / 16 & (entries - 1)) >= entries) {
        amd_wrong(m, "amd.cmdq.overfull", "the tail passes the head, or goes back", tail, r->head);
    }
    remember(m, r->tail, tail);
    r->tail = tail;
    amd_cmdq_kick(m);
}

static void command_error(struct model_amd *m, uint32_t event, uint32_t type, uint64_t at)
{
    m->counts.command_errors++;
    m->cmd_error = true;
    m->ring[AMD_CMD].run = false;
    m->ring[AMD_CMD].stopping = false;
    amd_event_post(m, 0, event << 28 | type << 25, at);
}

/* What is fetched must be what was there when the tail covered it. */
static void check_slot(struct model_amd *m, uint32_t at, const uint32_t dw[4])
{
    const uint8_t *now = amd_peek(m, slot(m, at), 16);
    uint8_t got[16];
    unsigned i;

    for (i = 0; i < 16; i++) {
        got[i] = (uint8_t)(dw[i / 4] >> (8 * (i & 3)));
    }
    if (m->cmd_hash[at / 16] == 0 || m->cmd_hash[at / 16] == hash(got)) {
        return;
    }
    if (now != NULL && hash(now) == m->cmd_hash[at / 16]) {
        amd_wrong(m, "amd.cmdq.slot-not-cleaned", "a command was not cleaned from the cache", at,
                  0);
    } else {
        amd_wrong(m, "amd.cmdq.slot-changed", "a command changed after the tail covered it", at, 0);
    }
}

static void wait_work(void *arg, uint64_t token)
{
    struct model_amd *m = arg;
    struct amd_wait *w = &m->wait[m->wait_first];
    uint64_t address = ((uint64_t)(w->dw[1] & 0xFFFFF) << 32) | (w->dw[0] & ~7u);

    (void)token;
    amd_log_flush(m, 0);
    amd_log_flush(m, 1);
    m->synced = w->sequence;
    m->wait_first = (m->wait_first + 1) % AMD_WAITS;
    m->wait_count--;
    m->counts.waits++;
    if ((w->dw[0] & 1) != 0) {
        if (m->knobs.lose_completions > 0) {
            m->knobs.lose_completions--;
        } else if (!model_bus_write64(m->world, address, (uint64_t)w->dw[3] << 32 | w->dw[2])) {
            command_error(m, AMD_COMMAND_HW, AMD_MASTER_ABORT, address);
        }
    }
    if ((w->dw[0] & 2) != 0) {
        amd_raise(m, AMD_WAIT_INT);
    }
    amd_wait_check(m);
    amd_cmdq_kick(m);
}

/* Has the oldest COMPLETION_WAIT got all that it waits for? */
void amd_wait_check(struct model_amd *m)
{
    struct amd_wait *w = &m->wait[m->wait_first];

    if (m->wait_count == 0 || w->due) {
        return;
    }
    if (amd_atc_owed(m, w->atc_tag) && !m->knobs.complete_despite) {
        return;
    }
    amd_inval_all(m);
    w->due = true;
    amd_later(m, amd_lag(m, m->knobs.complete_lag_ns), wait_work, 0);
}

static void begin_wait(struct model_amd *m, const uint32_t dw[4], uint64_t at)
{
    struct amd_wait *w = &m->wait[(m->wait_first + m->wait_count) % AMD_WAITS];
    uint64_t address = ((uint64_t)(dw[1] & 0xFFFFF) << 32) | (dw[0] & ~7u);

    if (m->config.snp && (dw[0] & 1) != 0 &&
        (address < (m->excl_base & AMD_ADDRESS) || address > (m->excl_limit | 0xFFF))) {
        amd_wrong(m, "amd.cmd.wait-outside-range", "a store outside the permitted range", address,
                  m->excl_base);
    }
    if (m->unsynced_off && !m->ring[AMD_CMD].stopping) {
        amd_wrong(
            m, "amd.cmdq.unsynced-forgotten",
            "CmdBufEn was off with invalidations that nobody waited for, and no INV_ALL since",
            m->sequence, m->synced);
        m->unsynced_off = false;
    }
    memset(w, 0, sizeof(*w));
    memcpy(w->dw, dw, sizeof(w->dw));
    w->at = at;
    w->atc_tag = m->atc_tag;
    w->sequence = m->sequence;
    m->wait_count++;
    amd_wait_check(m);
}

static void execute(struct model_amd *m, const uint32_t dw[4], uint64_t at)
{
    switch (dw[1] >> 28) {
    case CMD_WAIT:
        begin_wait(m, dw, at);
        break;
    case 2:
    case 3:
    case 8:
        m->unsynced_off = m->unsynced_off && dw[1] >> 28 != 8;
        m->sequence++;
        amd_inval_queue(m, dw);
        break;
    case CMD_IOTLB:
        m->sequence++;
        amd_atc_send(m, dw, at);
        break;
    case 6:
        model_amd_prefetch(m, dw[0] & 0xFFFF, (dw[2] & 4) != 0 ? dw[1] & 0xFFFFF : MODEL_AMD_NONE);
        break;
    case CMD_PPR:
        amd_respond(m, dw);
        break;
    default:
        break;
    }
}

/* A command that cannot be taken yet. */
static bool must_wait(const struct model_amd *m, const uint32_t dw[4])
{
    switch (dw[1] >> 28) {
    case CMD_IOTLB:
        return !amd_atc_room(m, dw);
    case CMD_PPR:
        return m->response_count == AMD_RECORDS;
    default:
        return false;
    }
}

static bool wait_blocks(const struct model_amd *m)
{
    uint32_t last = (m->wait_first + m->wait_count + AMD_WAITS - 1) % AMD_WAITS;

    return m->wait_count == AMD_WAITS || (m->wait_count > 0 && (m->wait[last].dw[0] & 4) != 0);
}

static void cmd_work(void *arg, uint64_t token)
{
    struct model_amd *m = arg;
    struct amd_ring *r = &m->ring[AMD_CMD];
    uint64_t at = slot(m, r->head);
    uint32_t dw[4];
    unsigned i;

    (void)token;
    m->cmd_scheduled = false;
    if (!r->run || m->knobs.command_hang || r->head == r->tail || wait_blocks(m)) {
        return;
    }
    for (i = 0; i < 4; i++) {
        if (!model_bus_read32(m->world, at + 4 * i, &dw[i])) {
            command_error(m, AMD_COMMAND_HW, AMD_MASTER_ABORT, at);
            return;
        }
    }
    check_slot(m, r->head, dw);
    if (m->knobs.illegal_next > 0) {
        m->knobs.illegal_next--;
        command_error(m, AMD_ILLEGAL_COMMAND, 0, at);
        return;
    }
    if (!amd_command_legal(m, dw)) {
        command_error(m, AMD_ILLEGAL_COMMAND, 0, at);
        return;
    }
    if (must_wait(m, dw)) {
        return;
    }
    m->cmd_hash[r->head / 16] = 0;
    r->head = amd_ring_next(r, r->head);
    m->counts.commands[dw[1] >> 28]++;
    execute(m, dw, at);
    amd_cmdq_kick(m);
}

void amd_cmdq_kick(struct model_amd *m)
{
    const struct amd_ring *r = &m->ring[AMD_CMD];

    if (m->cmd_scheduled || !r->run || r->head == r->tail || m->knobs.command_hang) {
        return;
    }
    m->cmd_scheduled = true;
    amd_later(m, amd_lag(m, m->knobs.command_lag_ns), cmd_work, 0);
}
