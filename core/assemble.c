/* SPDX-License-Identifier: BSD-2-Clause */
#include "core.h"

/*
 * From ring entries to complete groups: who sent it, which bond, which group, by direct index;
 * nothing is allocated and nothing is searched. Everything here runs in the service role.
 */

/* One entry under way. By value: it stays in registers. */
struct entry {
    struct uiommu_unit *unit;
    const struct uiommu_request *request;
    struct uiommu_device *dev;
    struct uiommu_bond *bond; /* under the PASID, whatever its state */
    uint64_t position;
    uint32_t ring;
    uint32_t alias;
    uint32_t pasid;      /* or UIOMMU_PASID_NONE */
    uint32_t generation; /* of the device, read before its state */
};

static uint32_t pasid_of(const struct uiommu_request *request)
{
    return (request->flags & UIOMMU_REQUEST_PASID) != 0 ? request->pasid : UIOMMU_PASID_NONE;
}

static bool is(struct entry e, uint32_t flag)
{
    return (e.request->flags & flag) != 0;
}

static void drop(struct entry e, enum uiommu_drop why)
{
    uiommu_count_shared(&e.unit->counters.dropped, 1);
    if (e.dev != NULL)
        uiommu_count_shared(&e.dev->counters.dropped, 1);
    uiommu_trace(e.unit->u, e.unit->number, UIOMMU_TRACE_REFUSED,
                 (uint64_t)e.request->id << 32 | e.pasid, e.request->index, UIOMMU_CODE_NONE, why);
}

/* The request ends here: INVALID (or code) if Last, else nothing. */
static void refuse_code(struct entry e, uiommu_code code, enum uiommu_drop why)
{
    uint32_t bits = e.unit->caps.id_bits;
    bool nameable = bits >= 32 || e.request->id >> bits == 0;

    /* No command can name an ID beyond the unit's: there is nobody to answer. */
    if (nameable && (is(e, UIOMMU_REQUEST_LAST) || !uiommu_guard(UIOMMU_GUARD_I3_LAST)))
        uiommu_out_put(e.unit, e.dev, e.generation, e.request, code, why);
    else
        drop(e, why);
}

static void refuse(struct entry e, enum uiommu_drop why)
{
    refuse_code(e, UIOMMU_CODE_INVALID, why);
}

void uiommu_partial_drop(struct uiommu_unit *unit, struct uiommu_group_slot *slot,
                         enum uiommu_drop why)
{
    uiommu_count_shared(&unit->counters.dropped, slot->pages);
    uiommu_count_shared(&slot->dev->counters.dropped, slot->pages);
    uiommu_trace(unit->u, unit->number, UIOMMU_TRACE_GROUP_DROPPED,
                 (uint64_t)slot->index << 32 | slot->generation,
                 (uint64_t)slot->id << 32 | slot->pasid, slot->prgi, why);
    slot->bond->open--;
    uiommu_slot_close(unit, slot);
}

void uiommu_partials_purge(struct uiommu_unit *unit, const struct uiommu_bond *bond,
                           const struct uiommu_device *dev, enum uiommu_drop why)
{
    uint32_t at = unit->pool.open.head, next;
    struct uiommu_group_slot *slot;

    for (; at != UIOMMU_NO_SLOT; at = next) {
        slot = uiommu_slot_at(unit, at);
        next = slot->next;
        if ((bond == NULL || slot->bond == bond) && (dev == NULL || slot->dev == dev))
            uiommu_partial_drop(unit, slot, why);
    }
}

/* ---- Stop Markers (R8) ---- */

static void marker(struct entry e)
{
    struct uiommu_bond *bond = e.bond;
    bool counts = false;

    uiommu_count(&e.unit->counters.markers, 1);
    if (e.dev != NULL)
        uiommu_count(&e.dev->counters.markers, 1);
    if (bond != NULL && e.pasid != UIOMMU_PASID_NONE && bond->markers_ok &&
        (e.dev->flags & UIOMMU_DEVICE_TRUST_MARKERS) != 0 &&
        uiommu_word_load(&e.dev->state) == UIOMMU_DEVICE_NORMAL &&
        e.position >= bond->open_at[e.ring] && e.position >= e.dev->gen_at[e.ring]) {
        counts = true;
        bond->marker = true;
        bond->marker_generation = e.generation;
        uiommu_bond_show(bond);
    }
    uiommu_trace(e.unit->u, e.unit->number, UIOMMU_TRACE_MARKER,
                 bond != NULL ? (uint64_t)bond->index << 32 | bond->generation : 0,
                 (uint64_t)e.request->id << 32 | e.pasid, counts, 0);
}

/* ---- the device ---- */

/* false: the entry is done with. */
static bool device_takes(struct entry e)
{
    uint32_t state = uiommu_word_load(&e.dev->state);
    bool resetting = state == UIOMMU_DEVICE_RESETTING &&
                     uiommu_word_load(&e.dev->reset_step) != UIOMMU_RESET_STAMPED;

    if (state == UIOMMU_DEVICE_GONE || (uiommu_guard(UIOMMU_GUARD_I19_RING) &&
                                        (resetting || e.position < e.dev->gen_at[e.ring]))) {
        drop(e, UIOMMU_DROP_RESET);
        return false;
    }
    if (is(e, UIOMMU_REQUEST_STALL))
        return true;
    if (state == UIOMMU_DEVICE_ISOLATED) {
        refuse_code(e, UIOMMU_CODE_FAILURE, UIOMMU_DROP_ISOLATED);
        return false;
    }
    if (is(e, UIOMMU_REQUEST_PRESET)) {
        refuse_code(e, (uiommu_code)e.request->preset, UIOMMU_DROP_PRESET);
        return false;
    }
    if (e.dev->port == NULL) { /* never FAILURE here: a PF and its VFs would all lose PRI (I7) */
        refuse(e, UIOMMU_DROP_SWITCHED_OFF);
        return false;
    }
    if (uiommu_word_load(&e.dev->port->failed) != 0) {
        refuse_code(e, UIOMMU_CODE_FAILURE, UIOMMU_DROP_SWITCHED_OFF);
        return false;
    }
    return true;
}

/* ---- the bond ---- */

/* Whose life is it? UIOMMU_DROP_NONE: the present one's, and its gate is open. */
static enum uiommu_drop bond_takes(struct entry e)
{
    struct uiommu_bond *bond = e.bond;

    if (bond == NULL) {
        uiommu_count(&e.unit->counters.unknown_pasid, 1);
        return UIOMMU_DROP_UNKNOWN_PASID;
    }
    if (bond->closing && e.position >= bond->close_at[e.ring]) {
        uiommu_count(&e.unit->counters.late, 1);
        uiommu_count(&e.dev->counters.late, 1);
        uiommu_drain_late(bond);
        return UIOMMU_DROP_CLOSED;
    }
    if (uiommu_guard(UIOMMU_GUARD_LIFE) && e.position < bond->open_at[e.ring]) {
        uiommu_count(&e.unit->counters.old_life, 1);
        return UIOMMU_DROP_OLD_LIFE;
    }
    return uiommu_gate_closed(bond) ? UIOMMU_DROP_CLOSED : UIOMMU_DROP_NONE;
}

/* ---- the group ---- */

static uint32_t *key(struct entry e)
{
    uint32_t *map = (uint32_t *)uiommu_slot_load(&e.dev->index_map);

    return &map[e.alias * UIOMMU_PRG_INDICES + e.request->index];
}

/* The slot that the key's index names at this moment, or NULL. One that is free has no device. */
static inline struct uiommu_group_slot *key_slot(struct entry e)
{
    struct uiommu_group_slot *slot;

    if (*key(e) == 0)
        return NULL;
    slot = uiommu_slot_at(e.unit, *key(e) - 1);
    if (uiommu_slot_state(slot) == UIOMMU_SLOT_DONE || slot->dev != e.dev ||
        slot->alias != e.alias || slot->prgi != e.request->index ||
        slot->dev_generation != e.generation || (slot->flags & UIOMMU_REQUEST_STALL) != 0)
        return NULL;
    return slot;
}

/* Is there credit for one more? What answering threads freed counts as free (R25). */
static bool credit(struct entry e)
{
    struct uiommu_port *port = e.dev->port;

    if (!uiommu_guard(UIOMMU_GUARD_I9_CREDITS))
        return true;
    if (uiommu_word_peek(&port->outstanding) < port->credits)
        return true;
    uiommu_pool_reclaim(e.unit);
    uiommu_credits_take(e.unit, port);
    return uiommu_word_peek(&port->outstanding) < port->credits;
}

/* Within its credits: handlers of before a reset still hold slots. Nobody is to blame. */
static void no_room(struct entry e, struct uiommu_group_slot *slot)
{
    if (slot != NULL)
        uiommu_partial_drop(e.unit, slot, UIOMMU_DROP_CREDITS);
    refuse(e, UIOMMU_DROP_CREDITS);
}

static void over_credit(struct entry e, struct uiommu_group_slot *slot)
{
    uiommu_count(&e.dev->counters.over_credit, 1);
    no_room(e, slot);
    uiommu_device_violation(e.dev);
}

static inline struct uiommu_group_slot *group_open(struct entry e)
{
    struct uiommu_group_slot *slot = uiommu_slot_open(e.unit);

    if (slot == NULL)
        return NULL;
    slot->id = e.request->id;
    slot->pasid = e.pasid;
    slot->prgi = e.request->index;
    slot->flags = e.request->flags & (UIOMMU_REQUEST_PASID | UIOMMU_REQUEST_STALL);
    slot->alias = e.alias;
    slot->dev = e.dev;
    slot->bond = e.bond;
    slot->dev_generation = e.generation;
    if (e.dev->port != NULL)
        slot->port_generation = uiommu_word_load(&e.dev->port->generation);
    slot->bond_generation = e.bond->generation;
    uiommu_word_store(&slot->state, UIOMMU_SLOT_OPEN);
    uiommu_trace(e.unit->u, e.unit->number, UIOMMU_TRACE_GROUP_OPEN,
                 (uint64_t)slot->index << 32 | slot->generation,
                 (uint64_t)slot->id << 32 | slot->pasid, slot->prgi, 1);
    return slot;
}

/* The Last has come. false: the gate has closed. */
static bool complete(struct uiommu_unit *unit, struct uiommu_group_slot *slot,
                     const struct uiommu_request *request)
{
    struct uiommu_bond *bond = slot->bond;

    slot->cookie[0] = request->cookie[0];
    slot->cookie[1] = request->cookie[1];
    if (!uiommu_gate_enter(bond))
        return false;
    UIOMMU_ASSERT("I1", bond->stamped || !uiommu_guard(UIOMMU_GUARD_LIFE));
    uiommu_age_add(unit, slot, 2);
    uiommu_count(&unit->counters.groups, 1);
    uiommu_count(&slot->dev->counters.groups, 1);
    uiommu_trace(unit->u, unit->number, UIOMMU_TRACE_GROUP_READY,
                 (uint64_t)slot->index << 32 | slot->generation,
                 (uint64_t)slot->id << 32 | slot->pasid, slot->prgi, slot->pages);
    uiommu_ready_add(unit, bond, slot);
    return true;
}

/* What the open group under the key has to say. NULL: none is left to go on with; *done: nor is
 * the request. */
static inline struct uiommu_group_slot *key_open(struct entry e, bool *done)
{
    struct uiommu_group_slot *slot = key_slot(e);

    if (slot == NULL)
        return NULL;
    if (uiommu_slot_state(slot) != UIOMMU_SLOT_OPEN) {
        if (!uiommu_guard(UIOMMU_GUARD_I5_IN_FLIGHT))
            return NULL;
        uiommu_pool_reclaim(e.unit); /* an answer may just have gone out */
        slot = key_slot(e);
        if (slot == NULL)
            return NULL;
        *done = true;
        uiommu_count(&e.dev->counters.violations, 1);
        refuse(e, UIOMMU_DROP_INDEX);
        uiommu_device_violation(e.dev);
        return NULL;
    }
    if (slot->pasid != e.pasid && uiommu_guard(UIOMMU_GUARD_I5_KEY)) {
        uiommu_count(&e.dev->counters.violations, 1);
        uiommu_partial_drop(e.unit, slot, UIOMMU_DROP_INDEX); /* R24: the older partial dies */
        uiommu_device_violation(e.dev);
        return NULL;
    }
    return slot;
}

/* A handler could map what it likes: the device would ask for ever. */
static bool beyond(struct entry e)
{
    return (e.request->flags & 0xfu & ~e.unit->caps.access) != 0;
}

/* More of it is to come. */
static void partial_add(struct entry e, struct uiommu_group_slot *slot)
{
    e.bond->open++;
    uiommu_age_add(e.unit, slot, 1);
}

static void partial_remove(struct entry e, struct uiommu_group_slot *slot)
{
    uiommu_age_remove(e.unit, slot);
    e.bond->open--;
}

/* It ends here, whatever its Last says. */
static void end(struct entry e, struct uiommu_group_slot *slot, enum uiommu_drop why)
{
    uiommu_slot_close(e.unit, slot);
    refuse(e, why);
}

/* All of it is there. */
static inline bool group_last(struct entry e, struct uiommu_group_slot *slot)
{
    if (!uiommu_guard(UIOMMU_GUARD_D5) && slot->bond_generation != slot->bond->generation)
        end(e, slot, UIOMMU_DROP_OLD_LIFE); /* R2: partials of another life */
    else if (slot->beyond != 0)
        end(e, slot, UIOMMU_DROP_ACCESS);
    else if (!complete(e.unit, slot, e.request))
        end(e, slot, UIOMMU_DROP_CLOSED);
    else
        return true;
    return false;
}

/* @return whether it became part of a group. */
static inline bool page_request(struct entry e)
{
    struct uiommu_group_slot *slot;
    bool done = false, fresh;

    slot = key_open(e, &done);
    if (done)
        return false;
    if (!credit(e)) {
        over_credit(e, slot);
        return false;
    }
    fresh = slot == NULL;
    if (fresh) {
        slot = group_open(e);
        if (slot == NULL) {
            no_room(e, NULL);
            return false;
        }
        slot->charged = 1;
        uiommu_word_poke(&e.dev->port->groups, uiommu_word_peek(&e.dev->port->groups) + 1);
        *key(e) = slot->index + 1;
    }
    /* The first page lies in the slot: there is always room for it. */
    if (!uiommu_slot_add_page(e.unit, slot, e.request->address, e.request->flags & 0xfu)) {
        no_room(e, slot);
        return false;
    }
    uiommu_word_poke(&e.dev->port->outstanding, uiommu_word_peek(&e.dev->port->outstanding) + 1);
    slot->beyond |= beyond(e);
    if (!is(e, UIOMMU_REQUEST_LAST)) {
        if (fresh)
            partial_add(e, slot);
        return true;
    }
    if (!fresh)
        partial_remove(e, slot);
    return group_last(e, slot);
}

static void stall(struct entry e)
{
    struct uiommu_group_slot *slot;

    if (beyond(e)) {
        refuse(e, UIOMMU_DROP_ACCESS);
        return;
    }
    if (e.unit->stalls >= e.unit->stall_slots) {
        uiommu_pool_reclaim(e.unit);
        uiommu_credits_take(e.unit, NULL);
    }
    slot = e.unit->stalls < e.unit->stall_slots ? group_open(e) : NULL;
    if (slot == NULL) {
        uiommu_count(&e.dev->counters.over_credit, 1);
        refuse(e, UIOMMU_DROP_CREDITS);
        return;
    }
    (void)uiommu_slot_add_page(e.unit, slot, e.request->address, e.request->flags & 0xfu);
    slot->charged = 1;
    e.unit->stalls++;
    if (!complete(e.unit, slot, e.request))
        end(e, slot, UIOMMU_DROP_CLOSED);
}

static void trace_request(struct entry e)
{
    uiommu_trace(e.unit->u, e.unit->number, UIOMMU_TRACE_REQUEST,
                 (uint64_t)e.request->id << 32 | e.pasid,
                 e.request->address | (e.request->flags & 0xfffu), e.request->index,
                 (uint64_t)e.ring << 56 | (e.position & UINT64_C(0xffffffffffffff)));
}

/* A group under the key that the request will not join: the partial it leaves behind dies. */
static void orphan_partial(struct entry e)
{
    struct uiommu_group_slot *slot;

    if (is(e, UIOMMU_REQUEST_STALL) || !is(e, UIOMMU_REQUEST_LAST) ||
        uiommu_slot_load(&e.dev->index_map) == NULL)
        return;
    slot = key_slot(e);
    if (slot != NULL && uiommu_slot_state(slot) == UIOMMU_SLOT_OPEN)
        uiommu_partial_drop(e.unit, slot,
                            slot->pasid == e.pasid ? UIOMMU_DROP_OLD_LIFE : UIOMMU_DROP_INDEX);
}

/* @return whether it is for page_request(). */
static bool with_device(struct entry e)
{
    enum uiommu_drop why;

    uiommu_count(&e.dev->counters.requests, 1);
    if (e.bond != NULL && e.bond->marker && e.position >= e.bond->open_at[e.ring])
        uiommu_drain_unmark(e.bond); /* a marker with a request behind it was none (R8) */
    if (!device_takes(e))
        return false;
    if (is(e, UIOMMU_REQUEST_MALFORMED) ||
        (!is(e, UIOMMU_REQUEST_STALL) && e.request->index >= UIOMMU_PRG_INDICES)) {
        uiommu_count(&e.dev->counters.violations, 1);
        refuse(e, UIOMMU_DROP_MALFORMED);
        uiommu_device_violation(e.dev);
        return false;
    }
    why = bond_takes(e);
    if (why != UIOMMU_DROP_NONE) {
        orphan_partial(e);
        refuse(e, why);
        return false;
    }
    if (!is(e, UIOMMU_REQUEST_STALL))
        return true;
    stall(e);
    return false;
}

static void prefetch(const struct uiommu_id *id, const struct uiommu_bond *bond, uint32_t index)
{
    const uint32_t *map = (const uint32_t *)uiommu_slot_load(&id->dev->index_map);

    if (bond != NULL)
        uiommu_bond_prefetch(bond);
    if (map != NULL && index < UIOMMU_PRG_INDICES)
        uiommu_prefetch(&map[id->alias * UIOMMU_PRG_INDICES + index]);
}

/* Whose the requests are. None of that changes while the role is held, so all are looked up before
 * the first is taken: what is in no cache comes for many of them at once. */
static void look_up(struct uiommu_unit *unit, const struct uiommu_request *requests, uint32_t count)
{
    const struct uiommu_request *request;
    struct uiommu_whose whose = {NULL, NULL, false};
    uint32_t i, pasid, last_id = 0, last_pasid = 0;

    for (i = 0; i < count; i++) {
        request = &requests[i];
        pasid = pasid_of(request);
        whose.again = i != 0 && request->id == last_id && pasid == last_pasid;
        if (!whose.again) {
            last_id = request->id;
            last_pasid = pasid;
            whose.id = (const struct uiommu_id *)uiommu_radix_get(&unit->ids, request->id);
            whose.bond = whose.id != NULL ? uiommu_bond_find(whose.id->dev, pasid) : NULL;
            if (whose.id != NULL)
                prefetch(whose.id, whose.bond, request->index);
        }
        unit->whose[i] = whose;
    }
}

/* Nothing is to be looked at but what page_request() looks at: what sends it is as it was when the
 * one before it, of the same sender, was taken. Had it come at once with that, it would have been.
 */
static inline bool is_plain(struct entry e)
{
    return (e.request->flags & ~(0xfu | UIOMMU_REQUEST_LAST | UIOMMU_REQUEST_PASID)) == 0 &&
           e.request->index < UIOMMU_PRG_INDICES && !e.bond->closing;
}

/* @return as with_device(). */
static bool assemble(struct entry e)
{
    trace_request(e);
    if (is(e, UIOMMU_REQUEST_MARKER) && uiommu_guard(UIOMMU_GUARD_I3_MARKER)) {
        marker(e); /* before any other check, and never answered */
        return false;
    }
    if (e.dev != NULL)
        return with_device(e);
    uiommu_count(&e.unit->counters.unknown_id, 1);
    if (is(e, UIOMMU_REQUEST_PRESET))
        refuse_code(e, (uiommu_code)e.request->preset, UIOMMU_DROP_PRESET);
    else
        refuse(e, UIOMMU_DROP_UNKNOWN_ID);
    return false;
}

void uiommu_assemble(struct uiommu_unit *unit, uint32_t ring, const struct uiommu_request *requests,
                     uint32_t count, uint64_t position)
{
    struct entry e = {.unit = unit, .ring = ring};
    const struct uiommu_whose *whose;
    bool taken = false;
    uint32_t i;

    look_up(unit, requests, count);
    for (i = 0; i < count; i++) {
        whose = &unit->whose[i];
        e.request = &requests[i];
        e.position = position + requests[i].at;
        if (taken && whose->again && is_plain(e)) {
            trace_request(e);
            uiommu_count(&e.dev->counters.requests, 1);
        } else {
            e.pasid = pasid_of(e.request);
            e.bond = whose->bond;
            e.dev = NULL;
            if (whose->id != NULL) {
                e.dev = whose->id->dev;
                e.alias = whose->id->alias;
                e.generation = uiommu_word_load(&e.dev->generation);
            }
            taken = assemble(e);
        }
        if (taken)
            taken = page_request(e);
    }
}
