/* SPDX-License-Identifier: BSD-2-Clause */
#include "core.h"

/*
 * Whether a unit's records agree with each other, across nouns; what one noun says of itself is in
 * its own file. Every loop ends whatever the data says. What a lock or the role protects is left
 * out while that is taken.
 */

static bool is_taken(const struct uiommu_lock *lock)
{
    return uiommu_word_load(&lock->word) != 0;
}

/* Groups of a bond, a device or a port, as their slots say. */
struct sums {
    uint32_t open, inside, running; /* partial; complete and not through; with handlers */
    uint32_t pages, groups, stalls; /* charged */
};

/* A slot that only waits to be given back may name a bond that is over. */
static bool is_over(const struct uiommu_group_slot *slot)
{
    return (uiommu_slot_state(slot) == UIOMMU_SLOT_DONE) & (slot->in_call == 0);
}

static void sum_list(const struct uiommu_unit *unit, uint32_t at, const struct uiommu_bond *bond,
                     const struct uiommu_device *dev, const struct uiommu_port *port,
                     struct sums *sums)
{
    const struct uiommu_group_slot *slot;
    uint32_t charged, complete;

    for (; at != UIOMMU_NO_SLOT; at = slot->next) {
        slot = uiommu_slot_at(unit, at);
        if ((bond != NULL && slot->bond != bond) || (dev != NULL && slot->dev != dev) ||
            (port != NULL && slot->dev->port != port))
            continue;
        complete = (slot->list == 2) & !is_over(slot);
        sums->open += slot->list == 1;
        sums->inside += complete;
        sums->running += complete & (slot->ran != 0);
        charged = slot->charged;
        if ((slot->flags & UIOMMU_REQUEST_STALL) != 0) {
            sums->stalls += charged;
        } else {
            sums->groups += charged;
            sums->pages += charged * slot->pages;
        }
    }
}

/* The pool is valid. NULL: any. */
static struct sums sum(const struct uiommu_unit *unit, const struct uiommu_bond *bond,
                       const struct uiommu_device *dev, const struct uiommu_port *port)
{
    struct sums sums;

    memset(&sums, 0, sizeof(sums));
    sum_list(unit, unit->pool.open.head, bond, dev, port, &sums);
    sum_list(unit, unit->pool.live.head, bond, dev, port, &sums);
    return sums;
}

static uint32_t count_state(const struct uiommu_unit *unit, uint32_t state)
{
    const struct uiommu_group_slot *slot;
    uint32_t at, n = 0;

    for (at = unit->pool.live.head; at != UIOMMU_NO_SLOT; at = slot->next) {
        slot = uiommu_slot_at(unit, at);
        n += uiommu_slot_state(slot) == state;
    }
    return n;
}

/* A list through ready_next of slots in one state, of one bond or any; NO_SLOT: it is none. */
static uint32_t count_list(const struct uiommu_unit *unit, uint32_t at, uint32_t state,
                           const struct uiommu_bond *bond, uint32_t *last)
{
    uint32_t n, total = unit->pool.count * UIOMMU_SLOT_CHUNK;
    const struct uiommu_group_slot *slot;

    *last = UIOMMU_NO_SLOT;
    for (n = 0; at != UIOMMU_NO_SLOT; n++) {
        if (n == total || at >= total)
            return UIOMMU_NO_SLOT;
        slot = uiommu_slot_at(unit, at);
        if (uiommu_slot_state(slot) != state || (bond != NULL && slot->bond != bond))
            return UIOMMU_NO_SLOT;
        *last = at;
        at = slot->ready_next;
    }
    return n;
}

/* Every READY group is in its bond's list, and every such bond in the circle. */
static bool ready_valid(const struct uiommu_unit *unit)
{
    const struct uiommu_bond *bond = unit->ready;
    uint32_t n, last, groups = 0, left = count_state(unit, UIOMMU_SLOT_READY);

    while (bond != NULL) {
        bond = bond->ready_next;
        if (bond == NULL || !bond->ready_listed)
            return false;
        n = count_list(unit, bond->ready_head, UIOMMU_SLOT_READY, bond, &last);
        if (n - 1u >= left - groups || last != bond->ready_tail)
            return false; /* none, or more than there are: so the walk ends */
        groups += n;
        if (bond == unit->ready)
            break;
    }
    return groups == left;
}

static bool runner_valid(const struct uiommu_unit *unit, const struct uiommu_runner *runner,
                         uint32_t *picked, uint32_t *orphans)
{
    uint32_t i, done = uiommu_word_load(&runner->done),
                total = unit->pool.count * UIOMMU_SLOT_CHUNK;
    bool ok = runner->count <= UIOMMU_BATCH;

    ok &= done <= runner->count;
    ok &= runner->sent <= done;
    ok &= uiommu_word_load(&runner->caller.busy) <= 2;
    if (!ok)
        return false;
    for (i = runner->sent; i < runner->count; i++) {
        if (runner->slot[i] >= total)
            return false;
        *orphans += runner->token[i] == 0;
        *picked +=
            (runner->token[i] != 0) & (i >= done) &
            (runner->token[i] == uiommu_word_load(&uiommu_slot_at(unit, runner->slot[i])->state));
    }
    return true;
}

/* Every group that a runner has been given is in one runner's list. */
static bool runners_valid(const struct uiommu_unit *unit)
{
    uint32_t i, n, last, at, picked = 0, orphans = 0;
    bool ok = true;

    at = unit->orphans == NULL ? UIOMMU_NO_SLOT : unit->orphans->index;
    n = count_list(unit, at, UIOMMU_SLOT_ORPHAN, NULL, &last);
    for (i = 0; i < UIOMMU_RUNNERS; i++)
        ok &= runner_valid(unit, &unit->runner[i], &picked, &orphans);
    ok &= n + orphans == count_state(unit, UIOMMU_SLOT_ORPHAN);
    return ok & (picked == count_state(unit, UIOMMU_SLOT_PICKED));
}

static bool out_valid(const struct uiommu_unit *unit)
{
    uint32_t i;
    bool ok = unit->out.count <= UIOMMU_BATCH;

    for (i = 0; ok && i < unit->out.count; i++)
        ok = unit->out.dev[i] == NULL || unit->out.dev[i]->unit == unit;
    return ok;
}

/* Bonds of a device by state: those that are surely counted on it. */
static uint32_t bonds_of(const struct uiommu *u, const struct uiommu_device *dev)
{
    const struct uiommu_bond *bond;
    uint32_t i, n = 0;

    for (i = 0; i < u->next_bond && i < UIOMMU_LISTED; i++) {
        bond = (const struct uiommu_bond *)uiommu_radix_get(&u->bonds, i);
        n += bond != NULL && bond->dev == dev && uiommu_bond_state(bond) > UIOMMU_BOND_RESERVED;
    }
    return n;
}

static bool port_agrees(const struct uiommu_unit *unit, const struct uiommu_port *port)
{
    struct sums sums = sum(unit, NULL, NULL, port);
    bool ok = uiommu_port_valid(port);

    ok &= port->unit == unit;
    ok &= sums.pages + port->released == uiommu_word_peek(&port->outstanding);
    ok &= sums.groups + port->released_groups == uiommu_word_peek(&port->groups);
    return ok;
}

/* Who has something to do is in the list, and nobody is lost in it. */
static bool due_valid(const struct uiommu_unit *unit)
{
    const struct uiommu_device *dev, *last = NULL;
    uint32_t n = 0, due = 0;
    bool ok = true;

    for (dev = unit->due_first; dev != NULL; dev = dev->due_next) {
        if (n++ == UIOMMU_LISTED || !dev->due)
            return false;
        last = dev;
    }
    for (dev = unit->devices; dev != NULL; dev = dev->next) {
        due += dev->due;
        ok &= dev->due | (uiommu_reset_deadline(dev, 0) == UINT64_MAX);
        ok &= dev->due | (dev->swept_generation == uiommu_word_load(&dev->generation));
        ok &= dev->due | (uiommu_word_load(&dev->resweep) == 0);
    }
    ok &= due == n;
    ok &= last == unit->due_last;
    return ok & (n == uiommu_word_peek(&unit->due_count));
}

static bool devices_valid(const struct uiommu_unit *unit)
{
    const struct uiommu_device *dev, *prev = NULL;
    uint32_t n = 0, asking = 0;
    struct sums sums;
    bool ok = true;

    for (dev = unit->devices; ok && dev != NULL; dev = dev->next) {
        if (dev->prev != prev || dev->unit != unit || !uiommu_device_valid(dev)) /* no circle */
            return false;
        prev = dev;
        n++;
        sums = sum(unit, NULL, dev, NULL);
        ok &= dev->running == sums.running;
        ok &= dev->bonds >= bonds_of(unit->u, dev);
        if (dev->port != NULL)
            ok &= port_agrees(unit, dev->port);
        asking += dev->port != NULL;
    }
    ok &= asking == unit->asking;
    ok = ok && due_valid(unit);
    /* An attach lists first and counts later, so does a detach in its way. */
    if (uiommu_word_load(&unit->control) == 0)
        ok &= n >= uiommu_word_peek(&unit->devices_count);
    return ok;
}

/* Of a bond on this unit, past its bind's first steps and before its end. */
static bool bond_agrees(const struct uiommu_unit *unit, const struct uiommu_bond *bond)
{
    struct sums sums = sum(unit, bond, NULL, NULL);
    const struct uiommu_aspace *as = bond->as;
    bool ok = uiommu_gate_count(bond) == sums.inside;

    ok &= bond->running == sums.running;
    ok &= bond->open == sums.open;
    if (as != NULL && !is_taken(&as->lock) &&
        (as->bonds == bond || (bond->listed && bond->as_prev == NULL)))
        ok &= as->bonds == bond && uiommu_aspace_valid(as);
    if (bond->owner != NULL && !is_taken(&bond->owner->lock))
        ok &= uiommu_owner_valid(bond->owner);
    return ok;
}

static bool bonds_valid(const struct uiommu_unit *unit)
{
    const struct uiommu *u = unit->u;
    const struct uiommu_bond *bond;
    uint32_t i, state;
    bool ok = u->next_bond <= UIOMMU_LISTED && uiommu_radix_valid(&u->bonds);

    for (i = 0; ok && i < u->next_bond; i++) {
        bond = (const struct uiommu_bond *)uiommu_radix_get(&u->bonds, i);
        if (bond == NULL || bond->index != i)
            return false;
        state = uiommu_bond_state(bond);
        if (state == UIOMMU_BOND_RESERVED)
            continue; /* its bind fills it */
        if (state != UIOMMU_BOND_FREE && bond->dev->unit != unit)
            continue; /* another role steps it */
        ok &= uiommu_bond_valid(bond);
        if (ok && state != UIOMMU_BOND_FREE)
            ok &= bond_agrees(unit, bond);
    }
    return ok;
}

/* Bonds to be stepped; the marker reserve counts those of them that hold a place. */
static bool stopping_valid(const struct uiommu_unit *unit)
{
    const struct uiommu_bond *bond;
    uint32_t n = 0, stops = 0;
    bool ok = true;

    for (bond = unit->stopping; bond != NULL; bond = bond->stop_next) {
        if (n++ == UIOMMU_LISTED || bond->dev == NULL)
            return false;
        ok &= bond->stop_listed;
        ok &= bond->dev->unit == unit;
        stops += bond->counted_stop;
    }
    ok &= stops == unit->stops;
    return ok & (unit->stops <= unit->config.marker_reserve);
}

/* The leaves: each under a lock of its own. */
static bool leaves_valid(const struct uiommu_unit *unit)
{
    const struct uiommu_pasid_space *space = unit->config.pasids;
    const struct uiommu_heap *heap = &unit->u->heap;
    bool ok = true;

    if (!is_taken(&unit->events.lock))
        ok &= uiommu_events_valid(&unit->events);
    if (unit->u->own_heap && !is_taken(&heap->lock))
        ok &= uiommu_heap_valid(heap);
    if (space != NULL && !uiommu_pasid_space_locked(space))
        ok &= uiommu_pasid_space_valid(space);
    return ok;
}

bool uiommu_unit_valid(const struct uiommu_unit *unit)
{
    struct sums all;
    bool ok;

    if (!uiommu_is_unit(unit) || !uiommu_role_valid(unit) || !leaves_valid(unit))
        return false;
    if (uiommu_word_load(&unit->role) != 0 || is_taken(&unit->lock) || is_taken(&unit->u->lock) ||
        uiommu_word_load(&unit->u->bond_control) != 0)
        return true;
    if (!uiommu_pool_valid(&unit->pool))
        return false;
    all = sum(unit, NULL, NULL, NULL);
    ok = all.stalls + unit->stalls_released == unit->stalls;
    ok &= unit->stalls <= unit->stall_slots;
    ok &= uiommu_word_load(&unit->granted) <= uiommu_port_ledger(unit);
    ok &= uiommu_unit_tags_valid(unit);
    ok &= uiommu_radix_valid(&unit->ids);
    ok &= ready_valid(unit);
    ok &= runners_valid(unit);
    ok &= out_valid(unit);
    ok &= devices_valid(unit);
    ok &= bonds_valid(unit);
    ok &= stopping_valid(unit);
    return ok;
}
