/* SPDX-License-Identifier: BSD-2-Clause */
#include "core.h"

/*
 * From READY to the handler. The role picks complete groups, round robin over their bonds, into
 * the list of a runner and is released; the runner calls the handlers with nothing held (R22).
 */

void uiommu_ready_add(struct uiommu_unit *unit, struct uiommu_bond *bond,
                      struct uiommu_group_slot *slot)
{
    slot->ready_next = UIOMMU_NO_SLOT;
    if (bond->ready_head == UIOMMU_NO_SLOT)
        bond->ready_head = slot->index;
    else
        uiommu_slot_at(unit, bond->ready_tail)->ready_next = slot->index;
    bond->ready_tail = slot->index;
    uiommu_word_store(&slot->state, UIOMMU_SLOT_READY);
    if (bond->ready_listed)
        return;
    bond->ready_listed = true;
    if (unit->ready == NULL) {
        bond->ready_next = bond;
    } else {
        bond->ready_next = unit->ready->ready_next;
        unit->ready->ready_next = bond;
    }
    unit->ready = bond;
}

bool uiommu_ready_any(const struct uiommu_unit *unit)
{
    return unit->ready != NULL || unit->orphans != NULL;
}

/* Take bond, which follows last, out of the circle. */
static void ready_unlink(struct uiommu_unit *unit, struct uiommu_bond *last,
                         struct uiommu_bond *bond)
{
    bond->ready_listed = false;
    if (last == bond) {
        unit->ready = NULL;
        return;
    }
    last->ready_next = bond->ready_next;
    if (unit->ready == bond)
        unit->ready = last;
}

static struct uiommu_group_slot *ready_pop(struct uiommu_unit *unit, struct uiommu_bond *bond)
{
    struct uiommu_group_slot *slot = uiommu_slot_at(unit, bond->ready_head);

    bond->ready_head = slot->ready_next;
    return slot;
}

static bool owner_enter(struct uiommu_owner *owner)
{
    if (uiommu_word_add(&owner->in_flight, 1) < owner->config.in_flight)
        return true;
    uiommu_word_sub(&owner->in_flight, 1);
    return false;
}

/* (u) Do the caps allow one more? */
static bool cap_enter(struct uiommu_bond *bond)
{
    struct uiommu_owner *owner = bond->owner;
    struct uiommu_device *dev = bond->dev;

    if ((bond->cap != 0 && bond->running >= bond->cap) ||
        (dev->cap != 0 && dev->running >= dev->cap))
        return false;
    if (owner != NULL) {
        if (!owner_enter(owner)) {
            uiommu_word_store(&dev->unit->cap_waiting, 1);
            uiommu_word_swap(&owner->waiting, 1); /* then look once more: R21 */
            if (!owner_enter(owner))
                return false;
        }
        uiommu_count_shared(&owner->groups, 1);
    }
    bond->running++;
    dev->running++;
    return true;
}

/* (r) + (u) Groups of a bond, up to most in the runner. @return How many. */
static uint32_t pick_some(struct uiommu_unit *unit, struct uiommu_runner *runner,
                          struct uiommu_bond *bond, uint32_t most)
{
    uint32_t count = runner->count, token;
    struct uiommu_group_slot *slot;

    while (count < most && bond->ready_head != UIOMMU_NO_SLOT && cap_enter(bond)) {
        slot = ready_pop(unit, bond);
        slot->in_call = 1;
        slot->ran = 1;
        token = slot->generation << 8 | UIOMMU_SLOT_PICKED;
        runner->slot[count] = slot->index;
        runner->token[count] = token;
        uiommu_word_store(&slot->state, token);
        count++;
    }
    most = count - runner->count;
    runner->count = count;
    return most;
}

/* (r) + (u) One turn around the circle; true: something was picked. One that is alone in it has all
 * turns. */
static bool pick_round(struct uiommu_unit *unit, struct uiommu_runner *runner, uint32_t most)
{
    struct uiommu_bond *last = unit->ready, *bond, *stop = last;
    bool any = false, end = false;
    uint32_t n;

    while (last != NULL && !end && runner->count < most) {
        bond = last->ready_next;
        end = bond == stop;
        n = pick_some(unit, runner, bond, last == bond ? most : runner->count + 1);
        if (n == 0) {
            uiommu_count(&bond->counters.parked, 1);
            uiommu_word_store(&unit->cap_waiting, 1);
        }
        any |= n != 0;
        if (bond->ready_head == UIOMMU_NO_SLOT)
            ready_unlink(unit, last, bond);
        else
            last = bond;
        unit->ready = unit->ready == NULL ? NULL : last;
    }
    return any;
}

static void pick_orphans(struct uiommu_unit *unit, struct uiommu_runner *runner)
{
    struct uiommu_group_slot *slot;

    while (unit->orphans != NULL && runner->count < UIOMMU_BATCH) {
        slot = unit->orphans;
        unit->orphans =
            slot->ready_next == UIOMMU_NO_SLOT ? NULL : uiommu_slot_at(unit, slot->ready_next);
        runner->slot[runner->count] = slot->index;
        runner->token[runner->count] = 0;
        runner->count++;
    }
}

static bool caller_take(struct uiommu_unit *unit, struct uiommu_caller *caller)
{
    const struct uiommu_host_ops *host = &unit->u->host;
    uint32_t idle = 0;

    if (!uiommu_word_cas(&caller->busy, &idle, 1))
        return false;
    uiommu_slot_store(&caller->self, host->self != NULL ? (void *)host->self(host->ctx) : NULL);
    uiommu_word_store(&caller->busy, 2);
    return true;
}

void uiommu_caller_give(struct uiommu_caller *caller)
{
    (void)uiommu_word_swap(&caller->busy, 0); /* ordered before what is read next: R21 */
}

struct uiommu_caller *uiommu_callback_take(struct uiommu_unit *unit)
{
    uint32_t i;

    for (i = 0; i < UIOMMU_RUNNERS; i++) {
        if (caller_take(unit, &unit->callback[i]))
            return &unit->callback[i];
    }
    return NULL;
}

/* (r) Whoever calls handlers without being known must be alone at it. */
static struct uiommu_runner *runner_take(struct uiommu_unit *unit)
{
    uint32_t limit = unit->u->host.self != NULL ? UIOMMU_RUNNERS : 1, i;

    for (i = 0; i < limit; i++) {
        if (caller_take(unit, &unit->runner[i].caller)) {
            unit->runner[i].count = 0;
            unit->runner[i].sent = 0;
            uiommu_word_store(&unit->runner[i].done, 0);
            return &unit->runner[i];
        }
    }
    return NULL;
}

/* Where the host does not know who runs, all are the same. */
static bool is_caller(const struct uiommu_caller *caller, const void *self)
{
    return uiommu_word_load(&caller->busy) == 2 && uiommu_slot_load(&caller->self) == self;
}

static const void *self_of(const struct uiommu *u)
{
    return u->host.self != NULL ? (const void *)u->host.self(u->host.ctx) : NULL;
}

/* Is the caller inside a handler of this unit? */
static bool in_handler(const struct uiommu_unit *unit, const void *self)
{
    uint32_t i;

    for (i = 0; i < UIOMMU_RUNNERS; i++) {
        if (is_caller(&unit->runner[i].caller, self))
            return true;
    }
    return false;
}

static bool in_callback(const struct uiommu_unit *unit, const void *self)
{
    uint32_t i;

    for (i = 0; i < UIOMMU_RUNNERS; i++) {
        if (is_caller(&unit->callback[i], self))
            return true;
    }
    return false;
}

bool uiommu_inside(struct uiommu *u)
{
    const void *self = self_of(u);
    const struct uiommu_unit *unit;
    bool inside = false;
    uintptr_t irq;

    irq = uiommu_lock_take(u, &u->lock);
    for (unit = u->units; unit != NULL && !inside; unit = unit->next)
        inside = in_handler(unit, self) || in_callback(unit, self);
    uiommu_lock_give(u, &u->lock, irq);
    return inside;
}

struct uiommu_runner *uiommu_pick(struct uiommu_unit *unit, uint32_t budget)
{
    struct uiommu_runner *runner;
    uint32_t most = budget < UIOMMU_BATCH ? budget : UIOMMU_BATCH;
    uintptr_t irq;

    unit->pick_more = false;
    uiommu_word_store(&unit->cap_waiting, 0);
    uiommu_word_store(&unit->ready_left, uiommu_ready_any(unit));
    if (!uiommu_ready_any(unit))
        return NULL;
    uiommu_fence(); /* a runner that ends sees ready_left, or is seen to have ended: R21 */
    if (in_handler(unit, self_of(unit->u)))
        return NULL; /* no handler inside a handler */
    runner = runner_take(unit);
    if (runner == NULL)
        return NULL; /* those who run will look again */
    pick_orphans(unit, runner);
    irq = uiommu_lock_take(unit->u, &unit->lock);
    while (pick_round(unit, runner, most))
        ;
    uiommu_lock_give(unit->u, &unit->lock, irq);
    unit->pick_more = uiommu_ready_any(unit) && runner->count >= most;
    uiommu_word_store(&unit->ready_left, unit->pick_more);
    if (runner->count == 0) {
        uiommu_caller_give(&runner->caller);
        return NULL;
    }
    return runner;
}

static void view_fill(struct uiommu_unit *unit, const struct uiommu_group_slot *slot,
                      struct uiommu_group *view)
{
    view->ref.index = slot->index;
    view->ref.generation = slot->generation;
    view->bond.index = slot->bond->index;
    view->bond.generation = slot->bond_generation;
    view->unit = unit;
    view->device = slot->dev;
    view->bond_user = slot->bond->user;
    view->id = slot->id;
    view->pasid = slot->pasid;
    view->pages = slot->pages;
    view->stall = (slot->flags & UIOMMU_REQUEST_STALL) != 0;
    view->first = slot->first;
    view->more = NULL;
}

static void trace_called(struct uiommu_unit *unit, const struct uiommu_group_slot *slot)
{
    uiommu_trace(unit->u, unit->number, UIOMMU_TRACE_GROUP_DISPATCHED,
                 (uint64_t)slot->index << 32 | (uint64_t)slot->generation,
                 (uint64_t)slot->id << 32 | slot->pasid, slot->prgi, slot->pages);
}

/* Call the handler of one picked group. What it has called is counted when the runner lets go. */
static uiommu_code call(struct uiommu_unit *unit, struct uiommu_group_slot *slot, bool *called)
{
    struct uiommu_aspace *as = slot->bond->as;
    struct uiommu_group view;
    uiommu_code code;

    if ((!uiommu_guard(UIOMMU_GUARD_D6) && as == NULL) || as->ops.fault == NULL ||
        uiommu_word_load(&as->dead) != 0 ||
        slot->dev_generation != uiommu_word_load(&slot->dev->generation))
        return UIOMMU_CODE_INVALID; /* after a reset not even that is sent */
    UIOMMU_ASSERT("I1", uiommu_gate_count(slot->bond) != 0);
    view_fill(unit, slot, &view);
    trace_called(unit, slot);
    *called = true;
    code = as->ops.fault(as->user, &view);
    if (code != UIOMMU_CODE_SUCCESS && code != UIOMMU_CODE_PENDING)
        return UIOMMU_CODE_INVALID;
    return code;
}

static void tell_orphan(struct uiommu_unit *unit, const struct uiommu_group_slot *slot)
{
    struct uiommu_aspace *as = slot->bond->as;
    struct uiommu_group_ref ref = {slot->index, slot->generation};

    if ((uiommu_guard(UIOMMU_GUARD_D6) || as != NULL) && as->ops.orphaned != NULL)
        as->ops.orphaned(as->user, unit, ref, (enum uiommu_orphan)slot->orphan);
}

/* One group: its handler, or its orphan's notice, or nothing if it was taken away. */
static uint8_t run_group(struct uiommu_unit *unit, struct uiommu_runner *runner, uint32_t i)
{
    struct uiommu_group_slot *slot = uiommu_slot_at(unit, runner->slot[i]);
    uint32_t token = runner->token[i];

    runner->called[i] = false;
    if (token == 0) {
        tell_orphan(unit, slot);
        return UIOMMU_CODE_INVALID;
    }
    if (!uiommu_word_cas(&slot->state, &token, UIOMMU_SLOT_CALLED))
        return UIOMMU_CODE_NONE;
    return (uint8_t)call(unit, slot, &runner->called[i]);
}

static void run_flush(struct uiommu_unit *unit, struct uiommu_runner *runner)
{
    uintptr_t irq = uiommu_lock_take(unit->u, &unit->lock);

    uiommu_answer_run(unit, runner);
    uiommu_lock_give(unit->u, &unit->lock, irq);
}

void uiommu_run(struct uiommu_unit *unit, struct uiommu_runner *runner)
{
    uint32_t i;

    for (i = 0; i < runner->count; i++) {
        runner->code[i] = run_group(unit, runner, i);
        uiommu_word_store(&runner->done, i + 1);
        if ((i + 1) % UIOMMU_RUN == 0 || i + 1 == runner->count)
            run_flush(unit, runner);
    }
    uiommu_caller_give(&runner->caller);
    if (uiommu_word_load(&unit->ready_left) != 0)
        uiommu_unit_kick(unit);
}

void uiommu_runs_flush(struct uiommu_unit *unit)
{
    uint32_t i;

    for (i = 0; i < UIOMMU_RUNNERS; i++) {
        if (uiommu_word_load(&unit->runner[i].caller.busy) == 2)
            run_flush(unit, &unit->runner[i]);
    }
}

/* (r) Take a complete group from its bond without a handler. */
static void cancel_one(struct uiommu_unit *unit, struct uiommu_group_slot *slot,
                       enum uiommu_drop why)
{
    if (why == UIOMMU_DROP_RESET)
        uiommu_answer_none(unit, slot, why);
    else
        (void)uiommu_answer(unit, slot, UIOMMU_CODE_INVALID);
}

void uiommu_ready_cancel(struct uiommu_unit *unit, struct uiommu_bond *bond, enum uiommu_drop why)
{
    struct uiommu_bond *last = unit->ready;
    uintptr_t irq;

    if (!bond->ready_listed)
        return;
    while (last->ready_next != bond)
        last = last->ready_next;
    ready_unlink(unit, last, bond);
    irq = uiommu_lock_take(unit->u, &unit->lock);
    while (bond->ready_head != UIOMMU_NO_SLOT)
        cancel_one(unit, ready_pop(unit, bond), why);
    uiommu_lock_give(unit->u, &unit->lock, irq);
}

void uiommu_ready_cancel_device(struct uiommu_unit *unit, const struct uiommu_device *dev,
                                enum uiommu_drop why)
{
    struct uiommu_bond *bond, *last;
    bool found = true;

    while (found && unit->ready != NULL) {
        found = false;
        last = unit->ready;
        bond = last;
        do {
            bond = bond->ready_next;
            found = bond->dev == dev;
        } while (!found && bond != last);
        if (found)
            uiommu_ready_cancel(unit, bond, why);
    }
}

void uiommu_picked_cancel(struct uiommu_unit *unit, const struct uiommu_bond *bond,
                          const struct uiommu_device *dev, enum uiommu_drop why)
{
    struct uiommu_group_slot *slot;
    struct uiommu_runner *runner;
    uint32_t r, i, token;
    uintptr_t irq;

    irq = uiommu_lock_take(unit->u, &unit->lock);
    for (r = 0; r < UIOMMU_RUNNERS; r++) {
        runner = &unit->runner[r];
        for (i = uiommu_word_load(&runner->done); i < runner->count; i++) {
            slot = uiommu_slot_at(unit, runner->slot[i]);
            token = runner->token[i];
            if ((bond != NULL && slot->bond != bond) || (dev != NULL && slot->dev != dev) ||
                !uiommu_word_cas(&slot->state, &token, UIOMMU_SLOT_CALLED))
                continue;      /* an orphan's token is no state that it can be in */
            slot->in_call = 0; /* its runner will find it taken */
            cancel_one(unit, slot, why);
        }
    }
    uiommu_lock_give(unit->u, &unit->lock, irq);
}

/* (r) + (u) A pending group is about to be told that it was taken away. */
static void orphan(struct uiommu_unit *unit, struct uiommu_group_slot *slot, enum uiommu_orphan why)
{
    uiommu_word_store(&slot->state, UIOMMU_SLOT_ORPHAN);
    slot->in_call = 1;
    slot->orphan = (uint8_t)why;
    slot->ready_next = unit->orphans == NULL ? UIOMMU_NO_SLOT : unit->orphans->index;
    unit->orphans = slot;
    uiommu_word_store(&unit->ready_left, 1);
}

/* What a reset takes away is of before it: a handler may decide so late that the next life has
 * PENDING groups, too. */
static bool orphan_takes(const struct uiommu_group_slot *slot, enum uiommu_orphan why)
{
    return uiommu_slot_state(slot) == UIOMMU_SLOT_PENDING &&
           (why != UIOMMU_ORPHAN_RESET ||
            slot->dev_generation != uiommu_word_load(&slot->dev->generation));
}

void uiommu_pending_orphan(struct uiommu_unit *unit, const struct uiommu_bond *bond,
                           const struct uiommu_device *dev, enum uiommu_orphan why)
{
    uint32_t at = unit->pool.live.head;
    struct uiommu_group_slot *slot;
    uintptr_t irq;

    irq = uiommu_lock_take(unit->u, &unit->lock);
    for (; at != UIOMMU_NO_SLOT; at = slot->next) {
        slot = uiommu_slot_at(unit, at);
        if (orphan_takes(slot, why) && (bond == NULL || slot->bond == bond) &&
            (dev == NULL || slot->dev == dev))
            orphan(unit, slot, why);
    }
    uiommu_lock_give(unit->u, &unit->lock, irq);
}

/* (r) The oldest READY group of a bond has waited too long. */
static void ready_expire(struct uiommu_unit *unit, struct uiommu_bond *bond)
{
    struct uiommu_bond *last = unit->ready;
    struct uiommu_group_slot *slot = ready_pop(unit, bond);
    uintptr_t irq;

    if (bond->ready_head == UIOMMU_NO_SLOT) {
        while (last->ready_next != bond)
            last = last->ready_next;
        ready_unlink(unit, last, bond);
    }
    uiommu_count_shared(&bond->counters.expired, 1);
    irq = uiommu_lock_take(unit->u, &unit->lock);
    cancel_one(unit, slot, UIOMMU_DROP_EXPIRED);
    uiommu_lock_give(unit->u, &unit->lock, irq);
}

void uiommu_slot_expire(struct uiommu_unit *unit, struct uiommu_group_slot *slot)
{
    uint32_t state = uiommu_slot_state(slot);
    uintptr_t irq;

    if (state == UIOMMU_SLOT_PENDING) {
        uiommu_count_shared(&slot->bond->counters.expired, 1);
        if (slot->bond->owner != NULL)
            uiommu_count_shared(&slot->bond->owner->expired, 1);
        irq = uiommu_lock_take(unit->u, &unit->lock);
        if (uiommu_slot_state(slot) == UIOMMU_SLOT_PENDING)
            orphan(unit, slot, UIOMMU_ORPHAN_EXPIRED);
        uiommu_lock_give(unit->u, &unit->lock, irq);
        uiommu_age_defer(unit, slot);
        return;
    }
    if (state == UIOMMU_SLOT_READY) /* parked behind a cap, or no runner came */
        ready_expire(unit, slot->bond);
    else
        uiommu_age_defer(unit, slot); /* in its handler: look again later */
}
