/* SPDX-License-Identifier: BSD-2-Clause */
#include "toy_model_internal.h"

/* The command ring. One command at a time, in order; invalidations take effect later. */

#define CONFIG 1u
#define TRANSL 2u
#define DEVICE 3u
#define ANSWER 4u
#define WAIT   5u

/* Which bits of word 0 each has; index 0: no such command. */
static const uint64_t legal[6] = {
    0,
    UINT64_C(0x0000FFFFFFFFF03F),
    UINT64_C(0x0000000000FFF00F),
    UINT64_C(0x0000FFFFFFFFF01F),
    UINT64_C(0xF1FFFFFFFFFFF01F),
    UINT64_C(0x000000000000000F),
};

static bool is_legal(const uint64_t word[2])
{
    uint32_t type = word[0] & 0xF;
    uint32_t size = word[1] & 0x7F;

    if (type == 0 || type > WAIT || (word[0] & ~legal[type]) != 0) {
        return false;
    }
    if (type == TRANSL || type == DEVICE) {
        return size >= 12 && size <= 64 && (word[1] & 0xF80) == 0 &&
               (size == 64 ? word[1] >> 12 == 0
                           : (word[1] & ~UINT64_C(0xFFF) & ((UINT64_C(1) << size) - 1)) == 0);
    }
    return type == WAIT || word[1] == 0;
}

/* ---- invalidations ---- */

static void settle(struct toy_model *m)
{
    uint32_t i;

    for (i = 0; i < m->pending_count; i++) {
        toy_drop(m, m->pending[i].word);
    }
    m->pending_count = 0;
}

/* At once, or not before the next wait. */
static void invalidate(struct toy_model *m, const uint64_t word[2])
{
    if (m->pending_count == PENDING || model_chance(m->world, 500)) {
        toy_drop(m, word);
        return;
    }
    m->pending[m->pending_count].word[0] = word[0];
    m->pending[m->pending_count++].word[1] = word[1];
}

/* ---- devices ---- */

static void fail(struct toy_model *m, uint32_t why, uint32_t id)
{
    if (m->failed == 0) {
        m->failed = why | (uint64_t)id << 32;
    }
}

/* true: it was one that is waited for. */
static bool forget_name(struct toy_model *m, uint64_t name, uint32_t *id)
{
    uint32_t i;

    for (i = 0; i < WAITING; i++) {
        if (m->waiting[i].used && m->waiting[i].name == name) {
            m->waiting[i].used = false;
            *id = m->waiting[i].id;
            return true;
        }
    }
    return false;
}

static void device_late(void *arg, uint64_t name)
{
    struct toy_model *m = arg;
    uint32_t id;

    if (forget_name(m, name, &id)) {
        fail(m, 1, id);
        toy_command_run(m);
    }
}

void toy_device_answered(void *ctx, uint64_t name, enum model_invalidate_result result)
{
    struct toy_model *m = ctx;
    uint32_t id;

    if (forget_name(m, name, &id)) {
        if (result != MODEL_INVALIDATE_DONE) {
            fail(m, 1, id);
        }
        toy_command_run(m);
    }
}

static uint32_t count_waiting(const struct toy_model *m)
{
    uint32_t i, n = 0;

    for (i = 0; i < WAITING; i++) {
        n += m->waiting[i].used;
    }
    return n;
}

static void device(struct toy_model *m, const uint64_t word[2])
{
    struct model_invalidate what = {.id = (uint32_t)toy_bits(word[0], 47, 32),
                                    .scope = toy_bits(word[0], 4, 4) != 0 ? MODEL_INVALIDATE_PASID
                                                                          : MODEL_INVALIDATE_ALL,
                                    .pasid = (uint32_t)toy_bits(word[0], 31, 12),
                                    .address = word[1] & ~UINT64_C(0xFFF),
                                    .size_log2 = word[1] & 0x7F};
    uint32_t i;

    for (i = 0; i < m->pending_count; i++) {
        if ((m->pending[i].word[0] & 0xF) == TRANSL) {
            toy_wrong(m, "toy.order.device-before-tlb",
                      "a device can ask again for what the TLB still holds", what.id, 0);
        }
    }
    for (i = 0; i < WAITING - 1 && m->waiting[i].used; i++) {
    }
    what.tag = ++m->names;
    m->waiting[i] = (struct waiting){true, what.id, what.tag};
    (void)model_schedule(m->world, m->config.device_timeout_ns, device_late, m, what.tag);
    if (m->knobs.lose_invalidates > 0) {
        m->knobs.lose_invalidates--;
        return;
    }
    model_fabric_invalidate(m->fabric, &what);
}

static void answer(struct toy_model *m, const uint64_t word[2])
{
    struct model_page_response response = {.id = (uint32_t)toy_bits(word[0], 47, 32),
                                           .has_pasid = toy_bits(word[0], 4, 4) != 0,
                                           .pasid = (uint32_t)toy_bits(word[0], 31, 12),
                                           .index = (uint32_t)toy_bits(word[0], 56, 48),
                                           .code = (uint32_t)toy_bits(word[0], 63, 60)};

    m->answers++;
    model_fabric_page_response(m->fabric, &response);
}

/* ---- the ring ---- */

/* DONE and HALT at once: who sees the number sees the failure. */
static void wait_done(struct toy_model *m, uint64_t number)
{
    settle(m);
    m->done = number;
    if (m->failed != 0) {
        m->error = m->failed;
        m->failed = 0;
        m->status |= STATUS_HALT;
        toy_irq(m);
    }
}

/* false: it has to wait. */
static bool execute(struct toy_model *m, const uint64_t word[2])
{
    if (!is_legal(word)) {
        toy_wrong(m, "toy.command.illegal", "no such command, or reserved bits", word[0], word[1]);
        fail(m, 2, 0);
        return true;
    }
    switch (word[0] & 0xF) {
    case CONFIG:
    case TRANSL:
        m->others++;
        invalidate(m, word);
        return true;
    case DEVICE:
        m->others++;
        device(m, word);
        return true;
    case ANSWER:
        answer(m, word);
        return true;
    default:
        if (count_waiting(m) > 0) {
            return false;
        }
        wait_done(m, word[1]);
        return true;
    }
}

static void command_work(void *arg, uint64_t life)
{
    struct toy_model *m = arg;
    uint64_t at = m->command.base + 16 * (m->command.head & ((1u << m->command.log2) - 1));
    uint64_t word[2] = {0, 0};

    if (life != m->life) {
        return;
    }
    m->busy = false;
    if (m->knobs.hang || !toy_on(m) || count_waiting(m) >= WAITING - 1) {
        return;
    }
    if (!model_bus_read64(m->world, at, &word[0]) ||
        !model_bus_read64(m->world, at + 8, &word[1])) {
        toy_wrong(m, "toy.command.abort", "the ring cannot be read", at, 0);
    }
    if (execute(m, word)) {
        m->command.head = (m->command.head + 1) & ((2u << m->command.log2) - 1);
        toy_command_run(m);
    }
}

void toy_command_run(struct toy_model *m)
{
    if (!m->busy && toy_on(m) && (m->status & STATUS_HALT) == 0 && toy_used(&m->command) > 0) {
        m->busy =
            model_schedule(m->world, 20 + model_choose(m->world, 400), command_work, m, m->life);
    }
}

void toy_model_go_on(struct toy_model *m)
{
    toy_command_run(m);
}
