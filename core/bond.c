/* SPDX-License-Identifier: BSD-2-Clause */
#include "core.h"

/*
 * Bonds and their names. The memory of a bond is never anything but a bond, so that an old
 * reference can be looked at safely; its generation says whether it still means this life.
 *
 * Where a device has no bond under a PASID, the slot may hold a mark: an odd number made of the
 * device's generation, which says that a life ended without its Stop Marker (R8).
 */

static void *mark_of(uint32_t generation)
{
    return (void *)(((uintptr_t)generation << 1) | 1u);
}

void uiommu_bond_set_state(struct uiommu_bond *bond, enum uiommu_bond_state state)
{
    uint32_t old = uiommu_word_swap(&bond->state, state);

    if (old == (uint32_t)state)
        return;
    uiommu_trace(bond->u, bond->dev->unit->number, UIOMMU_TRACE_BOND,
                 (uint64_t)bond->index << 32 | bond->generation,
                 (uint64_t)bond->dev->ids[0].id << 32 | bond->pasid, old, state);
}

/* A bond's memory; index and generation survive its lives. */
static struct uiommu_bond *bond_memory(struct uiommu *u)
{
    struct uiommu_bond *bond;
    uintptr_t irq;

    irq = uiommu_lock_take(u, &u->lock);
    bond = u->free_bonds;
    if (bond != NULL)
        u->free_bonds = bond->next_free;
    uiommu_lock_give(u, &u->lock, irq);
    return bond;
}

/* [task] One more slot. Reserving in the radix excludes other binds by a lock of its own. */
static struct uiommu_bond *bond_grow(struct uiommu *u)
{
    struct uiommu_bond *bond = (struct uiommu_bond *)uiommu_heap_get(u, sizeof(*bond));
    struct uiommu_slot *slot = NULL;

    if (bond == NULL)
        return NULL;
    if (uiommu_control_take(u, &u->bond_control, UIOMMU_CONTROL_NS)) {
        slot = uiommu_radix_reserve(u, &u->bonds, u->next_bond);
        if (slot != NULL) {
            bond->index = u->next_bond++;
            bond->generation = 1;
            bond->u = u;
            uiommu_slot_store(slot, bond);
        }
        uiommu_control_give(u, &u->bond_control);
    }
    if (slot == NULL) {
        uiommu_heap_put(u, bond, sizeof(*bond));
        return NULL;
    }
    return bond;
}

uiommu_err uiommu_bond_alloc(struct uiommu *u, struct uiommu_bond **out)
{
    struct uiommu_bond *bond = bond_memory(u);
    uint32_t index, generation;
    uintptr_t irq;

    if (bond == NULL)
        bond = bond_grow(u);
    if (bond == NULL)
        return UIOMMU_E_NOMEM;
    irq = uiommu_lock_take(u, &u->lock); /* old names are compared under it */
    index = bond->index;
    generation = bond->generation;
    memset(bond, 0, sizeof(*bond));
    bond->index = index;
    bond->generation = generation;
    bond->u = u;
    uiommu_lock_give(u, &u->lock, irq);
    bond->ready_head = bond->ready_tail = UIOMMU_NO_SLOT;
    uiommu_word_store(&bond->gate, UIOMMU_GATE_CLOSED);
    uiommu_word_store(&bond->state, UIOMMU_BOND_RESERVED);
    bond->making = true;
    *out = bond;
    return UIOMMU_OK;
}

/* Nobody names it any more: from here on its device may be detached. No lock. */
static void bond_recycle(struct uiommu_bond *bond)
{
    struct uiommu_device *dev = bond->dev;
    struct uiommu_unit *unit = dev->unit;
    struct uiommu *u = bond->u;
    uintptr_t irq;

    irq = uiommu_lock_take(u, &u->lock);
    bond->freed = false;
    bond->next_free = u->free_bonds;
    u->free_bonds = bond;
    uiommu_lock_give(u, &u->lock, irq);
    irq = uiommu_lock_take(u, &unit->lock);
    dev->bonds--;
    uiommu_lock_give(u, &unit->lock, irq);
}

uiommu_err uiommu_bond_pin(struct uiommu *u, struct uiommu_bond_ref ref, struct uiommu_bond **out)
{
    struct uiommu_bond *bond;
    uiommu_err err = UIOMMU_E_HANDLE;
    uintptr_t irq;

    if (!uiommu_is_instance(u) || ref.generation == 0)
        return UIOMMU_E_HANDLE;
    bond = (struct uiommu_bond *)uiommu_radix_get(&u->bonds, ref.index);
    if (bond == NULL)
        return UIOMMU_E_HANDLE;
    irq = uiommu_lock_take(u, &u->lock);
    if (bond->generation == ref.generation && bond->dev != NULL) {
        bond->pins++;
        *out = bond;
        err = UIOMMU_OK;
    } else if ((int32_t)(bond->generation - ref.generation) > 0) {
        err = UIOMMU_E_STALE;
    }
    uiommu_lock_give(u, &u->lock, irq);
    return err;
}

void uiommu_bond_unpin(struct uiommu_bond *bond)
{
    struct uiommu *u = bond->u;
    uintptr_t irq;
    bool last;

    irq = uiommu_lock_take(u, &u->lock);
    bond->pins--;
    last = bond->pins == 0 && bond->freed;
    uiommu_lock_give(u, &u->lock, irq);
    if (last)
        bond_recycle(bond);
}

/* (u) */
static void unlist(struct uiommu_unit *unit, struct uiommu_bond *bond)
{
    struct uiommu_bond **at = &unit->stopping;

    while (*at != bond)
        at = &(*at)->stop_next;
    *at = bond->stop_next;
    bond->stop_listed = false;
}

void uiommu_bond_free(struct uiommu_bond *bond)
{
    struct uiommu_device *dev = bond->dev;
    struct uiommu_unit *unit = dev->unit;
    struct uiommu *u = bond->u;
    bool unmarked = !bond->marker && !bond->reset_proof, last;
    uintptr_t irq;

    UIOMMU_ASSERT("D6", uiommu_gate_count(bond) == 0 && !bond->ready_listed);
    UIOMMU_ASSERT("D5", bond->open == 0 || !uiommu_guard(UIOMMU_GUARD_D5));
    UIOMMU_ASSERT("R11", bond->as == NULL && bond->tag == NULL && !bond->listed);
    if (bond->stamped)
        uiommu_slot_store(bond->where,
                          unmarked ? mark_of(uiommu_word_load(&dev->generation)) : NULL);
    if (bond->holds_pasid)
        uiommu_pasid_bond_put(unit->config.pasids, bond->pasid);
    if (bond->owner != NULL)
        uiommu_owner_refund(bond->owner, &bond->owner->bonds, 1);
    irq = uiommu_lock_take(u, &unit->lock);
    if (bond->stop_listed) /* somebody who holds a pin has asked for it meanwhile */
        unlist(unit, bond);
    uiommu_bond_set_state(bond, UIOMMU_BOND_FREE); /* other units' checks look without this lock */
    uiommu_lock_give(u, &unit->lock, irq);
    irq = uiommu_lock_take(u, &u->lock);
    bond->generation = bond->generation + 1 == 0 ? 1 : bond->generation + 1;
    bond->freed = true;
    last = bond->pins == 0;
    uiommu_lock_give(u, &u->lock, irq);
    if (last)
        bond_recycle(bond);
}

static void want(struct uiommu_bond *bond, uint32_t wants, bool made)
{
    struct uiommu_unit *unit = bond->dev->unit;
    uintptr_t irq;

    irq = uiommu_lock_take(unit->u, &unit->lock);
    if (made)
        bond->making = false;
    uiommu_word_or(&bond->wants, wants);
    if (!bond->stop_listed && !bond->making && uiommu_bond_state(bond) != UIOMMU_BOND_FREE &&
        (uiommu_word_load(&bond->wants) & UIOMMU_WANT_UNBIND) != 0) {
        bond->stop_listed = true;
        bond->stop_next = unit->stopping;
        unit->stopping = bond;
    }
    uiommu_lock_give(unit->u, &unit->lock, irq);
    uiommu_unit_kick(unit);
}

void uiommu_bond_want(struct uiommu_bond *bond, uint32_t wants)
{
    want(bond, wants, false);
}

void uiommu_bond_made(struct uiommu_bond *bond, uint32_t wants)
{
    want(bond, wants, true);
}

void uiommu_bonds_reset(struct uiommu_device *dev)
{
    struct uiommu_unit *unit = dev->unit;
    struct uiommu_bond *bond;
    uint32_t wants;
    uintptr_t irq;

    irq = uiommu_lock_take(unit->u, &unit->lock);
    for (bond = unit->stopping; bond != NULL; bond = bond->stop_next) {
        if (bond->dev != dev)
            continue;
        /* R4, R9: a driver that knows nothing of the stop goes on with the PASID afterwards. */
        wants = uiommu_word_load(&bond->wants);
        if ((wants & (UIOMMU_WANT_STOPPED | UIOMMU_WANT_TOLD)) != 0 ||
            uiommu_word_load(&dev->state) == UIOMMU_DEVICE_GONE)
            uiommu_word_or(&bond->wants, UIOMMU_WANT_RESET);
    }
    uiommu_lock_give(unit->u, &unit->lock, irq);
}

/* Did an earlier life under this slot end without its marker, since the last reset? */
bool uiommu_bond_markers_ok(const struct uiommu_device *dev, const struct uiommu_slot *where)
{
    return uiommu_slot_load(where) != mark_of(uiommu_word_load(&dev->generation));
}

uiommu_err uiommu_bond_get_info(struct uiommu *u, struct uiommu_bond_ref ref,
                                struct uiommu_bond_info *out)
{
    struct uiommu_bond *bond;
    uint32_t shown;
    uintptr_t irq;
    uiommu_err err;

    if (out == NULL)
        return UIOMMU_E_INVALID;
    memset(out, 0, sizeof(*out)); /* a name that is stale: FREE */
    err = uiommu_bond_pin(u, ref, &bond);
    if (err == UIOMMU_E_STALE)
        return UIOMMU_OK;
    if (err != UIOMMU_OK)
        return err;
    out->state = (enum uiommu_bond_state)uiommu_bond_state(bond);
    out->missing = uiommu_word_load(&bond->missing);
    out->pasid = bond->pasid;
    out->in_flight = uiommu_gate_count(bond);
    shown = uiommu_word_load(&bond->shown);
    out->barriers = shown >> 2;
    out->stop_confirmed = (shown & 1u) != 0;
    out->marker_seen = (shown & 2u) != 0;
    out->device = bond->dev;
    irq = uiommu_lock_take(u, &bond->dev->unit->lock);
    out->aspace = bond->as;
    uiommu_lock_give(u, &bond->dev->unit->lock, irq);
    out->user = bond->user;
    uiommu_bond_unpin(bond);
    return UIOMMU_OK;
}

uiommu_err uiommu_bond_get_counters(struct uiommu *u, struct uiommu_bond_ref ref,
                                    struct uiommu_bond_counters *out)
{
    struct uiommu_bond *bond;
    uiommu_err err;

    if (out == NULL)
        return UIOMMU_E_INVALID;
    err = uiommu_bond_pin(u, ref, &bond);
    if (err != UIOMMU_OK)
        return err;
    uiommu_counters_copy(out, &bond->counters, sizeof(*out));
    uiommu_bond_unpin(bond);
    return UIOMMU_OK;
}

/* ---- validity ---- */

/* An open gate is that of a bond whose requests are handled: live, or in its graceful sweep. */
bool uiommu_gate_valid(const struct uiommu_bond *bond)
{
    uint32_t state = uiommu_bond_state(bond), count = uiommu_gate_count(bond);
    bool may = uiommu_gate_closed(bond);

    may |= state == UIOMMU_BOND_LIVE;
    may |= state == UIOMMU_BOND_STOPPING;
    may &= (uiommu_word_load(&bond->gate) & ~UIOMMU_GATE_CLOSED) == 0;
    return may & (count <= UINT32_MAX / 2);
}

bool uiommu_bond_valid(const struct uiommu_bond *bond)
{
    uint32_t state = uiommu_bond_state(bond);
    bool over = state == UIOMMU_BOND_FREE, ok = bond->generation != 0;

    ok &= bond->u != NULL;
    ok &= state <= UIOMMU_BOND_POISONED;
    ok &= !bond->freed | over;
    ok &= bond->phase <= UIOMMU_PHASE_END;
    ok &= (uiommu_word_load(&bond->missing) & ~UINT32_C(0x3f)) == 0;
    if (over) /* its device may be gone */
        return ok & !bond->ready_listed & !bond->stop_listed & !bond->listed;
    ok &= uiommu_gate_valid(bond);
    ok &= bond->running <= uiommu_gate_count(bond);
    ok &= (bond->running <= bond->cap) | (bond->cap == 0);
    ok &= bond->ready_listed == (bond->ready_head != UIOMMU_NO_SLOT);
    ok &= !bond->listed | (bond->as != NULL);
    ok &= !bond->stop_listed | !bond->making;
    ok &= !bond->counted_stop | bond->stop_listed;
    ok &= !bond->holds_pasid | (bond->pasid != UIOMMU_PASID_NONE);
    ok &= !bond->stamped | (bond->where != NULL);
    if (ok && bond->stamped)
        ok &= uiommu_slot_load(bond->where) == (const void *)bond;
    return ok;
}
