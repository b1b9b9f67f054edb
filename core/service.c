/* SPDX-License-Identifier: BSD-2-Clause */
#include "core.h"

/*
 * One call of service: consume and assemble all that is there, step shutdowns and deadlines,
 * send answers, pick complete groups; then, with the role released, call their handlers (R22).
 */

/* (r) Requests of the ring may have been lost: open groups wait for a Last that cannot come. */
static void ring_lost(struct uiommu_unit *unit, uint32_t ring)
{
    struct uiommu_device *dev;
    uint32_t left = unit->asking;

    unit->ring[ring].acks++;
    unit->ring[ring].overflow = false;
    if (unit->ring[ring].count < unit->ring[ring].given &&
        unit->ops.ring_pending(unit->hw, ring) == 0)
        unit->ring[ring].count = unit->ring[ring].given; /* what is gone will not come */
    if ((unit->caps.ring[ring].flags & UIOMMU_RING_LOSES) == 0)
        return; /* only events were lost: the backend has counted them */
    if (uiommu_guard(UIOMMU_GUARD_I11_PARTIALS))
        uiommu_partials_purge(unit, NULL, NULL, UIOMMU_DROP_OVERFLOW);
    uiommu_count(&unit->counters.overflows, 1);
    uiommu_trace(unit->u, unit->number, UIOMMU_TRACE_OVERFLOW, ring, unit->ring[ring].acks, 0, 0);
    for (dev = unit->devices; left != 0; dev = dev->next) {
        if (dev->port == NULL)
            continue;
        left--;
        if (uiommu_word_load(&dev->state) == UIOMMU_DEVICE_NORMAL &&
            !uiommu_event_device(dev, UIOMMU_EVENT_REQUESTS_LOST, UIOMMU_PASID_NONE, 1))
            break; /* nor is there room for the others': a ring that is lost often costs no more */
    }
    uiommu_events_lose(unit, left);
}

/* (r) Hardware told devices FAILURE on its own: their page request interfaces are off (R31). */
static void ports_failed(struct uiommu_unit *unit)
{
    struct uiommu_device *dev;

    for (dev = unit->devices; dev != NULL; dev = dev->next) {
        if (dev->port == NULL)
            continue;
        uiommu_word_add(&dev->port->generation, 1);
        uiommu_word_store(&dev->port->failed, 1);
        (void)uiommu_event_device(dev, UIOMMU_EVENT_PRI_OFF, UIOMMU_PASID_NONE, 1);
    }
}

/* (r) The device behind an event of the backend. */
static void event_complete(struct uiommu_unit *unit, struct uiommu_event *event)
{
    const struct uiommu_id *id = NULL;

    if (event->id != UINT32_MAX)
        id = (const struct uiommu_id *)uiommu_radix_get(&unit->ids, event->id);
    event->device = id != NULL ? id->dev : NULL;
    event->device_user = id != NULL ? id->dev->user : NULL;
}

/* (r) One batch of a ring. true: the ring was left with entries. */
static bool fetch_batch(struct uiommu_unit *unit, uint32_t ring, uint32_t room)
{
    struct uiommu_ring_state *state = &unit->ring[ring];
    struct uiommu_fetch fetch = {
        .requests = unit->requests,
        .request_room = room,
        .events = unit->fetched,
        .event_room = UIOMMU_BATCH,
    };
    uint32_t i;

    if (unit->ops.fetch(unit->hw, ring, &fetch) != UIOMMU_OK)
        return false;
    UIOMMU_ASSERT("I25", fetch.request_count <= room && fetch.event_count <= UIOMMU_BATCH);
    for (i = 0; i < fetch.event_count; i++) {
        event_complete(unit, &fetch.events[i]);
        (void)uiommu_event_put(unit, &fetch.events[i], true);
    }
    uiommu_count(&unit->counters.requests, fetch.request_count);
    uiommu_assemble(unit, ring, fetch.requests, fetch.request_count, state->count);
    state->count += fetch.entries;
    uiommu_count(&unit->counters.entries, fetch.entries);
    if ((fetch.flags & UIOMMU_FETCH_OVERFLOW) != 0)
        state->overflow = true;
    if ((fetch.flags & UIOMMU_FETCH_LATE) != 0)
        ring_lost(unit, ring);
    if ((fetch.flags & UIOMMU_FETCH_FAILURE_SENT) != 0)
        ports_failed(unit);
    return (fetch.flags & UIOMMU_FETCH_MORE) != 0;
}

/* (r) Consume a ring within the budget. true: entries are left. What was not asked once is told. */
static bool consume_ring(struct uiommu_unit *unit, uint32_t ring, uint32_t *budget, bool *all)
{
    uint64_t before;
    uint32_t room, used;
    bool more = true, stuck = false, asked = false;

    while (more) {
        if (uiommu_out_room(unit) == 0)
            uiommu_answers_flush(unit);
        room = uiommu_out_room(unit);
        if (room == 0) { /* the command ring is full: the deadline brings us back */
            *all &= asked;
            return false;
        }
        room = *budget < room ? *budget : room;
        if (room == 0)
            break;
        before = unit->ring[ring].count;
        more = fetch_batch(unit, ring, room);
        asked = true;
        used = (uint32_t)(unit->ring[ring].count - before);
        *budget -= used < *budget ? used : *budget;
        if (used == 0) {
            stuck = unit->ops.ring_pending(unit->hw, ring) != 0;
            break;
        }
    }
    *all &= asked;
    unit->no_progress |= stuck; /* of any ring: the deadline brings us back */
    if (unit->ring[ring].overflow && unit->ops.ring_pending(unit->hw, ring) == 0) {
        ring_lost(unit, ring);
        unit->ops.overflow_ack(unit->hw, ring);
    }
    return !stuck && unit->ops.ring_pending(unit->hw, ring) != 0;
}

/* (r) All rings; which comes first changes, so that a flood of one keeps no other waiting. */
static bool consume(struct uiommu_unit *unit, uint32_t *budget)
{
    uint32_t rings = unit->caps.rings, i;
    bool more = false, all = true;

    for (i = 0; i < rings; i++)
        more |= consume_ring(unit, (unit->first + i) % rings, budget, &all);
    unit->first = (unit->first + 1) % rings;
    if (all)
        unit->looks++;
    return more;
}

/* (r) Error registers, and what answering threads left. true: look again soon. */
static bool look_around(struct uiommu_unit *unit)
{
    struct uiommu_check check;
    uintptr_t irq;
    uint32_t i;

    check.flags = 0;
    check.event_count = 0;
    irq = uiommu_lock_take(unit->u, &unit->lock);
    unit->ops.check(unit->hw, &check);
    uiommu_lock_give(unit->u, &unit->lock, irq);
    for (i = 0; i < check.event_count; i++) {
        event_complete(unit, &check.event[i]);
        (void)uiommu_event_put(unit, &check.event[i], false);
    }
    if ((check.flags & UIOMMU_CHECK_DEAD) != 0)
        uiommu_unit_hangs(unit, 0);
    uiommu_pool_reclaim(unit);
    return (check.flags & UIOMMU_CHECK_MORE) != 0;
}

/* (r) Partials without a Last, groups without an answer; both lists are oldest first. */
static void expire(struct uiommu_unit *unit)
{
    struct uiommu_group_slot *slot;
    uint32_t at, next;

    while (unit->pool.open.head != UIOMMU_NO_SLOT) {
        slot = uiommu_slot_at(unit, unit->pool.open.head);
        if (unit->now_ns < uiommu_after(slot->since_ns, unit->config.partial_ns))
            break;
        uiommu_partial_drop(unit, slot, UIOMMU_DROP_EXPIRED);
    }
    for (at = unit->pool.live.head; at != UIOMMU_NO_SLOT; at = next) {
        slot = uiommu_slot_at(unit, at);
        next = slot->next;
        if (unit->now_ns < uiommu_after(slot->since_ns, unit->config.answer_ns))
            break;
        uiommu_slot_expire(unit, slot);
    }
}

/* (r) When is service due by itself? */
static uint64_t next_deadline(struct uiommu_unit *unit)
{
    uint64_t due = uiommu_drain_deadline(unit), at = uiommu_resets_deadline(unit);
    const struct uiommu_group_slot *slot;

    due = at < due ? at : due;
    if (unit->pool.open.head != UIOMMU_NO_SLOT) {
        slot = uiommu_slot_at(unit, unit->pool.open.head);
        at = uiommu_after(slot->since_ns, unit->config.partial_ns);
        due = at < due ? at : due;
    }
    if (unit->pool.live.head != UIOMMU_NO_SLOT) {
        slot = uiommu_slot_at(unit, unit->pool.live.head);
        at = uiommu_after(slot->since_ns, unit->config.answer_ns);
        due = at < due ? at : due;
    }
    return due;
}

/* (r) One round. true: something is left that could be done at once. */
static bool round_once(struct uiommu_unit *unit, uint32_t *budget)
{
    bool more, soon;
    uint64_t due;
    uintptr_t irq;

    uiommu_word_store(&unit->due_now, 0);
    unit->now_ns = uiommu_now(unit->u);
    unit->no_progress = false;
    unit->ops.irq_ack(unit->hw);
    soon = look_around(unit);
    uiommu_resets_step(unit);
    uiommu_runs_flush(unit); /* what that frees may be asked for already */
    more = consume(unit, budget);
    expire(unit);
    uiommu_answers_flush(unit); /* R18: before any barrier begins */
    more |= uiommu_drain_step_all(unit);
    due = next_deadline(unit);
    if (soon || unit->no_progress || unit->out.count != 0 || unit->pool.parked != UIOMMU_NO_SLOT)
        due = unit->now_ns + UIOMMU_RETRY_NS < due ? unit->now_ns + UIOMMU_RETRY_NS : due;
    irq = uiommu_lock_take(unit->u, &unit->lock);
    unit->deadline_ns = due;
    uiommu_lock_give(unit->u, &unit->lock, irq);
    return more;
}

uiommu_err uiommu_unit_service(struct uiommu_unit *unit, uint32_t budget)
{
    struct uiommu_runner *runner;
    uint32_t picks;
    bool more;

    if (!uiommu_is_unit(unit))
        return UIOMMU_E_HANDLE;
    if (uiommu_word_load(&unit->started) == 0)
        return UIOMMU_E_STATE;
    budget = budget == 0 ? UIOMMU_BATCH : budget;
    picks = budget;
    if (!uiommu_role_take(unit))
        return UIOMMU_E_BUSY;
    if (uiommu_word_load(&unit->started) == 0) { /* it was stopped just now */
        (void)uiommu_role_drop(unit);
        return UIOMMU_E_STATE;
    }
    uiommu_count(&unit->counters.services, 1);
    more = round_once(unit, &budget);
    runner = uiommu_pick(unit, picks);
    more |= unit->pick_more;
    while (!uiommu_role_give(unit)) { /* R21: a round done for AGAIN costs budget */
        if (budget == 0 || runner != NULL || uiommu_word_peek(&unit->role_wanted) != 0) {
            more = true;
            (void)uiommu_role_drop(unit);
            break;
        }
        budget--;
        more = round_once(unit, &budget);
        runner = uiommu_pick(unit, picks);
        more |= unit->pick_more;
    }
    if (runner != NULL) {
        if (more)
            uiommu_unit_kick(unit); /* a handler may take its time: somebody else may go on (R21) */
        uiommu_run(unit, runner);
    }
    if (uiommu_word_load(&unit->due_now) != 0)
        more = true;
    return more ? UIOMMU_MORE : UIOMMU_OK;
}

void uiommu_unit_pump(struct uiommu_unit *unit)
{
    if (uiommu_unit_service(unit, 0) == UIOMMU_MORE)
        uiommu_unit_kick(unit);
}

uint64_t uiommu_unit_next_deadline(struct uiommu_unit *unit)
{
    uint64_t due;
    uintptr_t irq;

    if (!uiommu_is_unit(unit) || uiommu_word_load(&unit->started) == 0)
        return UINT64_MAX;
    if (uiommu_word_load(&unit->due_now) != 0)
        return uiommu_now(unit->u);
    irq = uiommu_lock_take(unit->u, &unit->lock);
    due = unit->deadline_ns;
    uiommu_lock_give(unit->u, &unit->lock, irq);
    return due;
}

const struct uiommu_word *uiommu_unit_due_word(const struct uiommu_unit *unit)
{
    return uiommu_is_unit(unit) ? &unit->due : NULL;
}
