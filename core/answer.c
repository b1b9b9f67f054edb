/* SPDX-License-Identifier: BSD-2-Clause */
#include "core.h"

/*
 * Answers. Under the unit's lock the device's generation and the death of the address space are
 * looked at, the answer is put into the command ring, and the slot ends: so none is sent twice,
 * none after a reset, and no SUCCESS after an exit (R11, R25, R33).
 */

/* (u) The bond of a group that is over: caps, gate. */
static inline void group_leave(struct uiommu_unit *unit, struct uiommu_bond *bond, bool was_running)
{
    bool stepping = bond->stop_listed;

    if (was_running) {
        bond->running--;
        bond->dev->running--;
        if (bond->owner != NULL)
            uiommu_owner_leave(bond->owner);
    }
    uiommu_gate_leave(bond);
    /* The bond may be gone from here on. */
    if (stepping || uiommu_word_load(&unit->cap_waiting) != 0)
        uiommu_unit_kick(unit);
}

static inline void group_over(struct uiommu_unit *unit, struct uiommu_group_slot *slot)
{
    struct uiommu_bond *bond = slot->bond;
    bool ran = slot->ran != 0, held = slot->in_call != 0;

    uiommu_slot_end(unit, slot);
    if (!held)
        group_leave(unit, bond, ran);
}

static inline void count_code(struct uiommu_unit *unit, struct uiommu_device *dev, uint32_t code)
{
    if (code == UIOMMU_CODE_SUCCESS) {
        uiommu_count(&unit->counters.success, 1);
        if (dev != NULL)
            uiommu_count(&dev->counters.success, 1);
    } else if (code == UIOMMU_CODE_INVALID) {
        uiommu_count(&unit->counters.invalid, 1);
        if (dev != NULL)
            uiommu_count(&dev->counters.invalid, 1);
    } else {
        uiommu_count(&unit->counters.failure, 1);
        if (dev != NULL)
            uiommu_count(&dev->counters.failure, 1);
    }
}

static void trace_group(struct uiommu_unit *unit, const struct uiommu_group_slot *slot,
                        uint32_t what, uint64_t d)
{
    uiommu_trace(unit->u, unit->number, what,
                 (uint64_t)slot->index << 32 | (uint64_t)slot->generation,
                 (uint64_t)slot->id << 32 | slot->pasid, slot->prgi, d);
}

/* The answer went out. */
static inline void answered(struct uiommu_unit *unit, struct uiommu_group_slot *slot, uint32_t code)
{
    struct uiommu_bond *bond = slot->bond;

    count_code(unit, slot->dev, code);
    if (code == UIOMMU_CODE_SUCCESS)
        uiommu_count(&bond->counters.success, 1);
    else
        uiommu_count(&bond->counters.invalid, 1);
    if (code != UIOMMU_CODE_SUCCESS && bond->owner != NULL)
        uiommu_count_shared(&bond->owner->invalid, 1);
    trace_group(unit, slot, UIOMMU_TRACE_GROUP_ANSWERED, code);
    group_over(unit, slot);
}

/* May it be answered, and how? STALE: not at all. */
static inline uiommu_err answer_code(const struct uiommu_group_slot *slot, uiommu_code *code)
{
    const struct uiommu_aspace *as = slot->bond->as;

    if (uiommu_guard(UIOMMU_GUARD_I19_TOKEN) &&
        (slot->dev_generation != uiommu_word_load(&slot->dev->generation) ||
         (slot->dev->port != NULL &&
          slot->port_generation != uiommu_word_load(&slot->dev->port->generation))))
        return UIOMMU_E_STALE;
    if (*code == UIOMMU_CODE_SUCCESS && uiommu_guard(UIOMMU_GUARD_EXIT_DEAD) &&
        ((!uiommu_guard(UIOMMU_GUARD_D6) && as == NULL) || uiommu_word_load(&as->dead) != 0)) {
        *code = UIOMMU_CODE_INVALID;
        return UIOMMU_E_DEAD;
    }
    return UIOMMU_OK;
}

static void answer_fill(const struct uiommu_unit *unit, const struct uiommu_group_slot *slot,
                        uiommu_code code, struct uiommu_answer *to)
{
    bool pasid = (slot->flags & UIOMMU_REQUEST_PASID) != 0;

    to->cookie[0] = slot->cookie[0];
    to->cookie[1] = slot->cookie[1];
    to->id = slot->id;
    to->pasid = slot->pasid;
    to->index = slot->prgi;
    to->flags = slot->flags;
    to->code = (uint32_t)code;
    to->with_pasid =
        pasid && (slot->dev->pasid_required || (unit->caps.flags & UIOMMU_CAP_RESPONSE_PASID) == 0);
}

static void park(struct uiommu_unit *unit, struct uiommu_group_slot *slot, uiommu_code code)
{
    struct uiommu_pool *pool = &unit->pool;

    uiommu_count_shared(&unit->counters.full, 1);
    slot->code = (uint8_t)code;
    slot->ready_next = UIOMMU_NO_SLOT;
    uiommu_word_store(&slot->state, UIOMMU_SLOT_PARKED);
    if (pool->parked == UIOMMU_NO_SLOT)
        pool->parked = slot->index;
    else
        uiommu_slot_at(unit, pool->parked_tail)->ready_next = slot->index;
    pool->parked_tail = slot->index;
    uiommu_unit_kick(unit);
}

void uiommu_answer_none(struct uiommu_unit *unit, struct uiommu_group_slot *slot,
                        enum uiommu_drop why)
{
    uiommu_count_shared(&unit->counters.dropped, 1);
    uiommu_count_shared(&slot->dev->counters.dropped, 1);
    trace_group(unit, slot, UIOMMU_TRACE_GROUP_DROPPED, why);
    group_over(unit, slot);
}

uiommu_err uiommu_answer(struct uiommu_unit *unit, struct uiommu_group_slot *slot, uiommu_code code)
{
    struct uiommu_answer answer;
    uiommu_err err;

    err = answer_code(slot, &code);
    if (err == UIOMMU_E_STALE) {
        uiommu_answer_none(unit, slot, UIOMMU_DROP_RESET);
        return err;
    }
    answer_fill(unit, slot, code, &answer);
    if (unit->pool.parked != UIOMMU_NO_SLOT || unit->ops.respond(unit->hw, &answer, 1) == 0)
        park(unit, slot, code);
    else
        answered(unit, slot, (uint32_t)code);
    return err;
}

/* A run of a runner's groups, already decided, in one go. */
static void answer_batch(struct uiommu_unit *unit, struct uiommu_runner *runner,
                         const uint32_t *slots, uint32_t count)
{
    uint32_t sent = 0, i;

    if (unit->pool.parked == UIOMMU_NO_SLOT)
        sent = unit->ops.respond(unit->hw, runner->answer, count);
    UIOMMU_ASSERT("R26", sent <= count);
    for (i = 0; i < count; i++) {
        if (i < sent)
            answered(unit, uiommu_slot_at(unit, slots[i]), runner->answer[i].code);
        else
            park(unit, uiommu_slot_at(unit, slots[i]), (uiommu_code)runner->answer[i].code);
    }
}

/* What a group whose runner lets go of it needs; true: an answer was put in *to. */
static inline bool run_one(struct uiommu_unit *unit, struct uiommu_group_slot *slot,
                           uiommu_code code, struct uiommu_answer *to)
{
    uint32_t state = uiommu_slot_state(slot);

    slot->in_call = 0;
    if (state == UIOMMU_SLOT_DONE) { /* answered or dropped meanwhile */
        struct uiommu_bond *bond = slot->bond;
        bool ran = slot->ran != 0;

        slot->ready_next = unit->pool.freed;
        unit->pool.freed = slot->index;
        group_leave(unit, bond, ran);
        return false;
    }
    if (state == UIOMMU_SLOT_PARKED)
        return false;
    if (code == UIOMMU_CODE_PENDING) {
        uiommu_word_store(&slot->state, UIOMMU_SLOT_PENDING);
        if (slot->dev_generation != uiommu_word_load(&slot->dev->generation)) {
            uiommu_word_store(&slot->dev->resweep, 1); /* R33: its handler is to be told */
            uiommu_device_due(slot->dev);
            uiommu_unit_kick(unit);
        }
        trace_group(unit, slot, UIOMMU_TRACE_GROUP_PENDING, slot->pages);
        if (slot->bond->stop_listed)
            uiommu_unit_kick(unit);
        return false;
    }
    if (answer_code(slot, &code) == UIOMMU_E_STALE) {
        uiommu_answer_none(unit, slot, UIOMMU_DROP_RESET);
        return false;
    }
    answer_fill(unit, slot, code, to);
    return true;
}

void uiommu_answer_run(struct uiommu_unit *unit, struct uiommu_runner *runner)
{
    uint32_t slots[UIOMMU_RUN], n = 0, i, done = uiommu_word_load(&runner->done);
    struct uiommu_group_slot *slot;

    UIOMMU_ASSERT("R26", done - runner->sent <= UIOMMU_RUN); /* the runner comes that often */
    for (i = runner->sent; i < done; i++) {
        if (runner->code[i] == UIOMMU_CODE_NONE)
            continue; /* taken from the runner before it was called */
        slot = uiommu_slot_at(unit, runner->slot[i]);
        if (runner->called[i]) {
            uiommu_count(&unit->counters.dispatched, 1);
            uiommu_count(&slot->bond->counters.groups, 1);
        }
        if (run_one(unit, slot, (uiommu_code)runner->code[i], &runner->answer[n]))
            slots[n++] = slot->index;
    }
    if (n != 0)
        answer_batch(unit, runner, slots, n);
    runner->sent = done;
}

static bool id_with_pasid(const struct uiommu_unit *unit, const struct uiommu_device *dev,
                          const struct uiommu_request *request)
{
    if ((request->flags & UIOMMU_REQUEST_PASID) == 0)
        return false;
    return dev == NULL || dev->pasid_required ||
           (unit->caps.flags & UIOMMU_CAP_RESPONSE_PASID) == 0;
}

void uiommu_out_put(struct uiommu_unit *unit, struct uiommu_device *dev, uint32_t generation,
                    const struct uiommu_request *request, uiommu_code code, enum uiommu_drop why)
{
    struct uiommu_out *out = &unit->out;
    struct uiommu_answer *answer = &out->answer[out->count];

    UIOMMU_ASSERT("R26", out->count < UIOMMU_BATCH); /* consume() leaves room for each request */
    answer->cookie[0] = request->cookie[0];
    answer->cookie[1] = request->cookie[1];
    answer->id = request->id;
    answer->pasid =
        (request->flags & UIOMMU_REQUEST_PASID) != 0 ? request->pasid : UIOMMU_PASID_NONE;
    answer->index = request->index;
    answer->flags = request->flags & (UIOMMU_REQUEST_PASID | UIOMMU_REQUEST_STALL);
    answer->code = (uint32_t)code;
    answer->with_pasid = id_with_pasid(unit, dev, request);
    out->dev[out->count] = dev;
    out->generation[out->count] = generation;
    out->count++;
    if (dev != NULL)
        uiommu_count(&dev->counters.refused, 1);
    uiommu_trace(unit->u, unit->number, UIOMMU_TRACE_REFUSED,
                 (uint64_t)request->id << 32 | answer->pasid, request->index, (uint64_t)code, why);
}

static void out_move(struct uiommu_out *out, uint32_t to, uint32_t from)
{
    out->answer[to] = out->answer[from];
    out->dev[to] = out->dev[from];
    out->generation[to] = out->generation[from];
}

void uiommu_out_forget(struct uiommu_unit *unit, const struct uiommu_device *dev)
{
    struct uiommu_out *out = &unit->out;
    uint32_t kept = 0, i;

    for (i = 0; i < out->count; i++) {
        if (out->dev[i] != dev)
            out_move(out, kept++, i);
    }
    out->count = kept;
}

static void parked_flush(struct uiommu_unit *unit)
{
    struct uiommu_group_slot *slot;
    struct uiommu_answer answer;
    uiommu_code code;

    while (unit->pool.parked != UIOMMU_NO_SLOT) {
        slot = uiommu_slot_at(unit, unit->pool.parked);
        code = (uiommu_code)slot->code;
        if (answer_code(slot, &code) == UIOMMU_E_STALE) {
            unit->pool.parked = slot->ready_next;
            uiommu_answer_none(unit, slot, UIOMMU_DROP_RESET);
            continue;
        }
        answer_fill(unit, slot, code, &answer);
        if (unit->ops.respond(unit->hw, &answer, 1) == 0)
            return;
        unit->pool.parked = slot->ready_next;
        answered(unit, slot, (uint32_t)code);
    }
}

/* Answers without slots, of devices that were not reset meanwhile. */
static void out_flush(struct uiommu_unit *unit)
{
    struct uiommu_out *out = &unit->out;
    uint32_t kept = 0, sent, i;

    for (i = 0; i < out->count; i++) {
        if (out->dev[i] != NULL && uiommu_guard(UIOMMU_GUARD_I19_TOKEN) &&
            out->generation[i] != uiommu_word_load(&out->dev[i]->generation)) {
            uiommu_count_shared(&unit->counters.dropped, 1);
            continue;
        }
        out_move(out, kept++, i);
    }
    sent = kept != 0 ? unit->ops.respond(unit->hw, out->answer, kept) : 0;
    for (i = 0; i < sent; i++)
        count_code(unit, out->dev[i], out->answer[i].code);
    out->count = 0;
    for (i = sent; i < kept; i++)
        out_move(out, out->count++, i);
    if (out->count != 0)
        uiommu_count_shared(&unit->counters.full, 1);
}

void uiommu_answers_flush(struct uiommu_unit *unit)
{
    uintptr_t irq = uiommu_lock_take(unit->u, &unit->lock);

    parked_flush(unit);
    if (unit->pool.parked == UIOMMU_NO_SLOT)
        out_flush(unit);
    uiommu_lock_give(unit->u, &unit->lock, irq);
}

uiommu_err uiommu_group_respond(struct uiommu_unit *unit, struct uiommu_group_ref ref,
                                uiommu_code code)
{
    struct uiommu_group_slot *slot;
    uiommu_err err = UIOMMU_E_STALE;
    uint32_t state;
    uintptr_t irq;

    if (!uiommu_is_unit(unit))
        return UIOMMU_E_HANDLE;
    if (code != UIOMMU_CODE_SUCCESS && code != UIOMMU_CODE_INVALID)
        return UIOMMU_E_INVALID;
    irq = uiommu_lock_take(unit->u, &unit->lock);
    if (ref.generation == 0 || ref.index >= unit->pool.count * UIOMMU_SLOT_CHUNK) {
        uiommu_lock_give(unit->u, &unit->lock, irq);
        return UIOMMU_E_HANDLE;
    }
    slot = uiommu_slot_at(unit, ref.index);
    state = uiommu_slot_state(slot);
    if (slot->generation == ref.generation &&
        (state == UIOMMU_SLOT_CALLED || state == UIOMMU_SLOT_PENDING))
        err = uiommu_answer(unit, slot, code);
    uiommu_lock_give(unit->u, &unit->lock, irq);
    return err;
}
