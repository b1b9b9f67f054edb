/* SPDX-License-Identifier: BSD-2-Clause */
#include "core.h"

/*
 * The shutdown of a bond: a state machine that the service role steps and that never waits
 * (DESIGN section 5, PROTOCOL R2 to R10, R29). Order of the phases:
 *
 *   STOP      the device's driver says, or its Stop Marker shows, that the device has stopped
 *   SWEEP     what it had sent is handled, with the gate open
 *   D1        close the gate; wait for groups that handlers have
 *   D2        entry invalid; configuration, IOTLB, device TLB invalidated, one after the other
 *   D3, D4    request barrier; consume every ring to a snapshot taken after it; where the
 *             barrier proves less than all, both once more after the settle time
 *   D5, D6    purge partials; nothing is in flight
 *   REST      quarantine: the settle time once more, a last snapshot, no late request
 *
 * A step returns GO when the next phase may begin at once.
 */

enum go {
    WAIT,
    GO
};

static bool expired(const struct uiommu_bond *bond, uint64_t at)
{
    return bond->dev->unit->now_ns >= at;
}

static uint64_t later(const struct uiommu_bond *bond, uint64_t ns)
{
    return uiommu_after(bond->dev->unit->now_ns, ns);
}

static void miss(struct uiommu_bond *bond, uint32_t proofs)
{
    uiommu_word_or(&bond->missing, proofs);
}

/* R20: removed, or found absent when it was last asked. */
static bool gone(const struct uiommu_bond *bond)
{
    return bond->absent || uiommu_word_load(&bond->dev->state) == UIOMMU_DEVICE_GONE;
}

/* Has a Stop Marker of this life, and of this side of any reset, counted? */
static bool marked(const struct uiommu_bond *bond)
{
    return bond->marker && bond->marker_generation == uiommu_word_load(&bond->dev->generation);
}

static enum go next(struct uiommu_bond *bond, enum uiommu_phase phase)
{
    bond->phase = (uint8_t)phase;
    bond->entered = false;
    bond->in_air = false;
    bond->until_ns = 0;
    return GO;
}

static void trace_step(struct uiommu_bond *bond, enum uiommu_step step)
{
    uiommu_trace(bond->u, bond->dev->unit->number, UIOMMU_TRACE_STEP,
                 (uint64_t)bond->index << 32 | bond->generation,
                 (uint64_t)bond->dev->ids[0].id << 32 | bond->pasid, step,
                 bond->rounds == 0 ? 1 : bond->rounds);
}

/* True the first time in a phase. */
static bool enter(struct uiommu_bond *bond, enum uiommu_step step)
{
    if (bond->entered)
        return false;
    bond->entered = true;
    trace_step(bond, step);
    return true;
}

/* No request is handled from here on; groups that no handler has are answered. */
static void gate_close(struct uiommu_bond *bond)
{
    struct uiommu_unit *unit = bond->dev->unit;

    if (uiommu_guard(UIOMMU_GUARD_D1_CLOSE))
        uiommu_word_or(&bond->gate, UIOMMU_GATE_CLOSED);
    uiommu_ready_cancel(unit, bond, UIOMMU_DROP_CLOSED);
    uiommu_picked_cancel(unit, bond, UIOMMU_DROP_CLOSED);
}

/* ---- STOP ---- */

/* Somebody other than the device says so. */
static bool stop_word(const struct uiommu_bond *bond)
{
    const uint32_t word = UIOMMU_WANT_STOPPED | UIOMMU_WANT_RESET;

    return (uiommu_word_load(&bond->wants) & word) != 0 || bond->reset_proof || gone(bond);
}

static bool stop_shown(struct uiommu_bond *bond)
{
    if (stop_word(bond)) {
        bond->stop_confirmed = true;
        bond->stop_by_marker = false;
    } else if (marked(bond) && !bond->stop_confirmed) {
        bond->stop_confirmed = true;
        bond->stop_by_marker = true;
    }
    return bond->stop_confirmed;
}

static void stop_uncount(struct uiommu_bond *bond)
{
    if (!bond->counted_stop)
        return;
    bond->counted_stop = false;
    bond->dev->unit->stops--;
    uiommu_unit_kick(bond->dev->unit); /* whoever waits for the place polls again */
}

static enum go step_stop(struct uiommu_bond *bond)
{
    struct uiommu_unit *unit = bond->dev->unit;
    uint32_t wants = uiommu_word_load(&bond->wants);

    uiommu_bond_set_state(bond, UIOMMU_BOND_STOPPING);
    if ((wants & UIOMMU_WANT_ABORT) != 0 && !uiommu_gate_closed(bond))
        gate_close(bond);
    if (stop_shown(bond))
        return next(bond, (wants & UIOMMU_WANT_ABORT) != 0 ? UIOMMU_PHASE_D1 : UIOMMU_PHASE_SWEEP);
    if (!bond->counted_stop) { /* R30: not more markers at once than places are kept for */
        /* A place taken for a stop() that nobody calls would be lost to all others. */
        if (bond->dev->ops.stop != NULL && (wants & UIOMMU_WANT_POLLED) == 0)
            return WAIT;
        if (unit->stops >= unit->config.marker_reserve)
            return WAIT;
        unit->stops++;
        bond->counted_stop = true;
        trace_step(bond, UIOMMU_STEP_STOP);
        if (bond->dev->ops.stop != NULL)
            uiommu_word_or(&bond->wants, UIOMMU_WANT_CALL);
        else
            bond->until_ns = later(bond, unit->config.stop_ns);
    }
    if (bond->until_ns == 0 && (wants & UIOMMU_WANT_CALLED) != 0)
        bond->until_ns = later(bond, unit->config.stop_ns);
    if (bond->until_ns == 0 || !expired(bond, bond->until_ns))
        return WAIT;
    if (uiommu_guard(UIOMMU_GUARD_R4_STOP))
        miss(bond, UIOMMU_PROOF_STOP);
    return next(bond, UIOMMU_PHASE_D1);
}

/* ---- SWEEP (R10) ---- */

/* The stop rested on a marker that was none: ask the driver after all. */
static bool stop_void(struct uiommu_bond *bond)
{
    if (!bond->stop_by_marker || marked(bond) || stop_word(bond))
        return false;
    bond->stop_by_marker = false;
    bond->stop_confirmed = false;
    (void)next(bond, UIOMMU_PHASE_STOP);
    return true;
}

static bool sweep_useless(const struct uiommu_bond *bond)
{
    return uiommu_gate_closed(bond) || gone(bond) || bond->as == NULL ||
           uiommu_word_load(&bond->as->dead) != 0 ||
           (uiommu_word_load(&bond->wants) & UIOMMU_WANT_ABORT) != 0;
}

static enum go sweep_snapshot(struct uiommu_bond *bond)
{
    uiommu_ring_snapshot(bond->dev->unit, bond->close_at);
    next(bond, UIOMMU_PHASE_SWEEP_CONSUME);
    bond->until_ns = later(bond, bond->dev->unit->config.answer_ns);
    return GO;
}

static enum go step_sweep(struct uiommu_bond *bond)
{
    uiommu_err err;

    if (stop_void(bond))
        return GO;
    if (sweep_useless(bond))
        return next(bond, UIOMMU_PHASE_D1);
    if (enter(bond, UIOMMU_STEP_SWEEP)) {
        bond->barrier_need = uiommu_barrier_next(bond->dev);
        bond->until_ns = later(bond, bond->dev->unit->config.drain_ns);
    }
    if (marked(bond))
        return sweep_snapshot(bond);
    err = uiommu_barrier_step(bond->dev, bond->pasid, bond->barrier_need);
    if (err == UIOMMU_PENDING && !expired(bond, bond->until_ns))
        return WAIT;
    if (err != UIOMMU_OK)
        return next(bond, UIOMMU_PHASE_D1);
    if (bond->dev->barrier.good_strength == UIOMMU_BARRIER_PROVED)
        return sweep_snapshot(bond);
    next(bond, UIOMMU_PHASE_SWEEP_SETTLE);
    bond->until_ns = later(bond, bond->dev->unit->settle_ns);
    return GO;
}

static enum go step_sweep_settle(struct uiommu_bond *bond)
{
    if (stop_void(bond))
        return GO;
    if (sweep_useless(bond))
        return next(bond, UIOMMU_PHASE_D1);
    return expired(bond, bond->until_ns) ? sweep_snapshot(bond) : WAIT;
}

static enum go step_sweep_consume(struct uiommu_bond *bond)
{
    bool handled =
        uiommu_ring_reached(bond->dev->unit, bond->close_at) && uiommu_gate_count(bond) == 0;

    if (stop_void(bond))
        return GO;
    if (handled || sweep_useless(bond) || expired(bond, bond->until_ns))
        return next(bond, UIOMMU_PHASE_D1);
    return WAIT;
}

/* ---- D1 ---- */

static enum go step_d1(struct uiommu_bond *bond)
{
    struct uiommu_unit *unit = bond->dev->unit;

    if (enter(bond, UIOMMU_STEP_D1)) {
        uiommu_bond_set_state(bond, UIOMMU_BOND_DRAINING);
        gate_close(bond);
        bond->until_ns = later(bond, unit->config.handler_ns);
    }
    if (uiommu_gate_count(bond) == 0 || !uiommu_guard(UIOMMU_GUARD_D1_WAIT))
        return next(bond, UIOMMU_PHASE_D2_CONFIG);
    if (!expired(bond, bond->until_ns))
        return WAIT;
    uiommu_pending_orphan(unit, bond, NULL, UIOMMU_ORPHAN_UNBOUND);
    /* A handler that does not return must not keep hardware in the tables: D6 waits for it. */
    if (expired(bond, uiommu_after(bond->until_ns, unit->config.handler_ns)))
        return next(bond, UIOMMU_PHASE_D2_CONFIG);
    return WAIT;
}

/* ---- D2 ---- */

/* (a) + (u) The commands of a part of D2. */
static uiommu_err d2_push(struct uiommu_bond *bond, bool reachable)
{
    struct uiommu_unit *unit = bond->dev->unit;
    void *dev = bond->dev->hw;

    switch (bond->phase) {
    case UIOMMU_PHASE_D2_CONFIG:
        if (uiommu_guard(UIOMMU_GUARD_D2_CLEAR))
            unit->ops.pasid_clear(unit->hw, dev, bond->pasid);
        bond->valid = false;
        if (!uiommu_guard(UIOMMU_GUARD_D2_CONFIG))
            return UIOMMU_OK;
        return unit->ops.config_invalidate(unit->hw, dev, bond->pasid);
    case UIOMMU_PHASE_D2_TLB:
        if (!uiommu_guard(UIOMMU_GUARD_D2_TLB) || bond->tag == NULL)
            return UIOMMU_OK;
        return unit->ops.tlb_invalidate(unit->hw, bond->tag->value, bond->pasid, NULL);
    default:
        if (!uiommu_guard(UIOMMU_GUARD_D2_DEVICE) || !reachable)
            return UIOMMU_OK;
        return unit->ops.dtlb_invalidate(unit->hw, dev, bond->pasid, NULL);
    }
}

static uiommu_err d2_begin(struct uiommu_bond *bond)
{
    struct uiommu_unit *unit = bond->dev->unit;
    bool reachable = bond->phase == UIOMMU_PHASE_D2_DEVICE && uiommu_device_reachable(bond->dev);
    uintptr_t irq, inner;
    uiommu_err err;

    irq = bond->as != NULL ? uiommu_lock_take(bond->u, &bond->as->lock) : 0;
    inner = uiommu_lock_take(bond->u, &unit->lock);
    err = d2_push(bond, reachable);
    if (err == UIOMMU_OK)
        err = uiommu_ticket_push(unit, &bond->ticket);
    uiommu_lock_give(bond->u, &unit->lock, inner);
    if (bond->as != NULL)
        uiommu_lock_give(bond->u, &bond->as->lock, irq);
    return err;
}

/* OK, PENDING, HW (failed twice), TIMEOUT. */
static uiommu_err d2_wave(struct uiommu_bond *bond)
{
    struct uiommu_unit *unit = bond->dev->unit;
    uiommu_err err;
    uintptr_t irq;

    if (bond->until_ns == 0)
        bond->until_ns = later(bond, unit->config.command_ns);
    if (!bond->in_air) {
        err = d2_begin(bond);
        bond->in_air = err == UIOMMU_OK;
        if (err == UIOMMU_E_BUSY)
            err = UIOMMU_PENDING;
    } else {
        irq = uiommu_lock_take(bond->u, &unit->lock);
        err = uiommu_ticket_poll(unit, bond->ticket);
        uiommu_lock_give(bond->u, &unit->lock, irq);
        if (err != UIOMMU_PENDING && err != UIOMMU_OK && !bond->wave_retry) {
            bond->wave_retry = true; /* R15: once more, alone behind its own ticket */
            bond->in_air = false;
            return UIOMMU_PENDING;
        }
        if (err != UIOMMU_PENDING)
            bond->wave_retry = false;
        if (err == UIOMMU_OK)
            return err;
    }
    if (err == UIOMMU_OK)
        err = UIOMMU_PENDING;
    if (err == UIOMMU_PENDING && expired(bond, bond->until_ns)) {
        uiommu_unit_hangs(unit, bond->ticket);
        err = UIOMMU_E_TIMEOUT;
    }
    return err;
}

static enum uiommu_phase d2_next(const struct uiommu_bond *bond)
{
    bool right = uiommu_guard(UIOMMU_GUARD_I20_ORDER);

    switch (bond->phase) {
    case UIOMMU_PHASE_D2_CONFIG:
        return right ? UIOMMU_PHASE_D2_TLB : UIOMMU_PHASE_D2_DEVICE;
    case UIOMMU_PHASE_D2_TLB:
        return right ? UIOMMU_PHASE_D2_DEVICE : UIOMMU_PHASE_D2_PINNED;
    default:
        return right ? UIOMMU_PHASE_D2_PINNED : UIOMMU_PHASE_D2_TLB;
    }
}

static enum go step_d2(struct uiommu_bond *bond, enum uiommu_step step, uint32_t proof)
{
    uiommu_err err;

    (void)enter(bond, step);
    err = d2_wave(bond);
    if (err == UIOMMU_PENDING)
        return WAIT;
    if (err == UIOMMU_OK) {
        uiommu_word_and(&bond->missing, ~proof); /* here alone: who reads it sees no gap (R12) */
        return next(bond, d2_next(bond));
    }
    if (err == UIOMMU_E_TIMEOUT) { /* a hung unit proves none of the rest either */
        miss(bond, proof == UIOMMU_PROOF_CONFIG
                       ? UIOMMU_PROOF_CONFIG | UIOMMU_PROOF_TLB | UIOMMU_PROOF_DEVICE
                       : proof | UIOMMU_PROOF_DEVICE);
        miss(bond, UIOMMU_PROOF_REQUESTS);
        return next(bond, UIOMMU_PHASE_D2_PINNED);
    }
    miss(bond, proof);
    if (proof == UIOMMU_PROOF_DEVICE)
        uiommu_device_isolate(bond->dev);
    return next(bond, d2_next(bond));
}

/* An exit that has picked the bond is done with it before its number can go on (R11). */
static enum go step_pinned(struct uiommu_bond *bond)
{
    const uint32_t reach = UIOMMU_PROOF_CONFIG | UIOMMU_PROOF_TLB | UIOMMU_PROOF_DEVICE;

    if ((uiommu_word_load(&bond->missing) & reach) == 0 && !uiommu_aspace_leave(bond))
        return WAIT;
    bond->drain_until_ns = later(bond, bond->dev->unit->config.drain_ns);
    return next(bond, bond->reset_proof || gone(bond) ||
                              (uiommu_word_load(&bond->missing) & UIOMMU_PROOF_REQUESTS) != 0
                          ? UIOMMU_PHASE_D5
                          : UIOMMU_PHASE_D3);
}

/* ---- D3, D4 ---- */

static void overflow_note(struct uiommu_bond *bond)
{
    uint32_t r;

    for (r = 0; r < UIOMMU_RINGS; r++)
        bond->overflows[r] = bond->dev->unit->ring[r].acks;
}

/* R29: was there one at any moment since D3 began? */
static bool overflow_seen(const struct uiommu_bond *bond)
{
    const struct uiommu_unit *unit = bond->dev->unit;
    uint32_t r;

    for (r = 0; r < unit->caps.rings; r++) {
        if ((unit->caps.ring[r].flags & UIOMMU_RING_LOSES) != 0 &&
            (unit->ring[r].acks != bond->overflows[r] || unit->ring[r].overflow))
            return true;
    }
    return false;
}

static enum go requests_unproved(struct uiommu_bond *bond)
{
    miss(bond, UIOMMU_PROOF_REQUESTS);
    return next(bond, UIOMMU_PHASE_D5);
}

static enum go step_d3(struct uiommu_bond *bond)
{
    struct uiommu_device *dev = bond->dev;
    uiommu_err err;

    if (!bond->entered) {
        bond->absent = !uiommu_device_present(dev);
        if (stop_shown(bond)) /* R4: late, but a word */
            uiommu_word_and(&bond->missing, ~UIOMMU_PROOF_STOP);
        bond->rounds++;
        bond->closing = false;
        overflow_note(bond);
        bond->barrier_need = uiommu_barrier_next(dev);
    }
    (void)enter(bond, UIOMMU_STEP_D3);
    if (gone(bond))
        return next(bond, UIOMMU_PHASE_D5);
    if (uiommu_word_load(&dev->state) == UIOMMU_DEVICE_RESETTING)
        return expired(bond, bond->drain_until_ns) ? requests_unproved(bond) : WAIT;
    if (dev->unit->out.count != 0) /* R18: answers of its own may still wait for room */
        return expired(bond, bond->drain_until_ns) ? requests_unproved(bond) : WAIT;
    if (uiommu_guard(UIOMMU_GUARD_D3)) {
        err = uiommu_barrier_step(dev, bond->pasid, bond->barrier_need);
        if (err == UIOMMU_PENDING)
            return expired(bond, bond->drain_until_ns) ? requests_unproved(bond) : WAIT;
        if (err != UIOMMU_OK || dev->barrier.good_strength == UIOMMU_BARRIER_NONE)
            miss(bond, UIOMMU_PROOF_REQUESTS);
        bond->proved = dev->barrier.good_strength == UIOMMU_BARRIER_PROVED;
    }
    uiommu_ring_snapshot(dev->unit, bond->close_at);
    bond->closing =
        bond->twice || bond->proved || marked(bond) || !uiommu_guard(UIOMMU_GUARD_D3_TWICE);
    return next(bond, UIOMMU_PHASE_D4);
}

static enum go step_d4(struct uiommu_bond *bond)
{
    (void)enter(bond, UIOMMU_STEP_D4);
    if (!marked(bond) && uiommu_guard(UIOMMU_GUARD_D4) && !gone(bond) &&
        !uiommu_ring_reached(bond->dev->unit, bond->close_at))
        return expired(bond, bond->drain_until_ns) ? requests_unproved(bond) : WAIT;
    if (bond->proved || marked(bond) || bond->twice || gone(bond) ||
        !uiommu_guard(UIOMMU_GUARD_D3_TWICE))
        return next(bond, UIOMMU_PHASE_D5);
    next(bond, UIOMMU_PHASE_SETTLE);
    bond->until_ns = later(bond, bond->dev->unit->settle_ns);
    return GO;
}

static enum go step_settle(struct uiommu_bond *bond)
{
    (void)enter(bond, UIOMMU_STEP_SETTLE);
    if (marked(bond))
        return next(bond, UIOMMU_PHASE_D5);
    if (!expired(bond, bond->until_ns))
        return WAIT;
    bond->twice = true;
    return next(bond, UIOMMU_PHASE_D3);
}

/* ---- D5, D6 ---- */

static enum go step_d5(struct uiommu_bond *bond)
{
    bool repeats = (bond->dev->flags & UIOMMU_DEVICE_RESENDS) != 0;
    bool settled = marked(bond) || bond->reset_proof || gone(bond) ||
                   (uiommu_word_load(&bond->missing) & UIOMMU_PROOF_REQUESTS) != 0 ||
                   !uiommu_guard(UIOMMU_GUARD_I11_RESTART);

    (void)enter(bond, UIOMMU_STEP_D5);
    if (uiommu_guard(UIOMMU_GUARD_D5))
        uiommu_partials_purge(bond->dev->unit, bond, NULL, UIOMMU_DROP_PURGED);
    if (!settled && overflow_seen(bond)) {
        if (repeats && expired(bond, bond->drain_until_ns)) {
            miss(bond, UIOMMU_PROOF_REQUESTS);
        } else if (repeats || !bond->overflow_round) {
            bond->overflow_round = true;
            return next(bond, UIOMMU_PHASE_D3);
        }
    }
    return next(bond, UIOMMU_PHASE_D6);
}

static enum go poison(struct uiommu_bond *bond)
{
    struct uiommu_unit *unit = bond->dev->unit;
    uint32_t missing = uiommu_word_load(&bond->missing);

    stop_uncount(bond);
    uiommu_word_and(&bond->wants, ~UIOMMU_WANT_CALL);
    if (!bond->listed && uiommu_gate_count(bond) == 0)
        uiommu_aspace_unref(bond, true);
    uiommu_bond_set_state(bond, UIOMMU_BOND_POISONED);
    if (!bond->reported) {
        bond->reported = true;
        uiommu_count_shared(&unit->counters.poisoned, 1);
        uiommu_event_device(bond->dev, UIOMMU_EVENT_BOND_POISONED, bond->pasid, missing);
        if (bond->holds_pasid)
            uiommu_pasid_withhold(unit->config.pasids, bond->pasid, true);
    }
    return next(bond, UIOMMU_PHASE_POISONED);
}

static enum go step_d6(struct uiommu_bond *bond)
{
    (void)enter(bond, UIOMMU_STEP_D6);
    if (uiommu_gate_count(bond) != 0 && uiommu_guard(UIOMMU_GUARD_D6)) {
        if (!expired(bond, bond->drain_until_ns))
            return WAIT;
        miss(bond, UIOMMU_PROOF_HANDLERS);
    }
    if (bond->stop_by_marker && !marked(bond) && !stop_word(bond)) {
        bond->stop_confirmed = false; /* it was a forged one */
        bond->stop_by_marker = false;
        miss(bond, UIOMMU_PROOF_STOP);
    }
    if (uiommu_word_load(&bond->missing) != 0)
        return poison(bond);
    UIOMMU_ASSERT("I2", bond->stop_confirmed || !uiommu_guard(UIOMMU_GUARD_R4_STOP));
    stop_uncount(bond);
    uiommu_word_and(&bond->wants, ~UIOMMU_WANT_CALL);
    if (bond->reported && bond->holds_pasid)
        uiommu_pasid_withhold(bond->dev->unit->config.pasids, bond->pasid, false);
    bond->reported = false;
    uiommu_aspace_unref(bond, false);
    uiommu_bond_set_state(bond, UIOMMU_BOND_QUARANTINE);
    next(bond, UIOMMU_PHASE_REST);
    if (!bond->proved && !marked(bond) && !bond->reset_proof && !gone(bond) &&
        bond->pasid != UIOMMU_PASID_NONE)
        bond->until_ns = later(bond, bond->dev->unit->settle_ns);
    return GO;
}

/* ---- REST ---- */

static enum go step_rest(struct uiommu_bond *bond)
{
    (void)enter(bond, UIOMMU_STEP_REST);
    if (!uiommu_guard(UIOMMU_GUARD_REST))
        return next(bond, UIOMMU_PHASE_END);
    if (!expired(bond, bond->until_ns))
        return WAIT;
    uiommu_ring_snapshot(bond->dev->unit, bond->rest_at);
    return next(bond, UIOMMU_PHASE_REST_CONSUME);
}

static enum go step_rest_consume(struct uiommu_bond *bond)
{
    if (!uiommu_ring_reached(bond->dev->unit, bond->rest_at))
        return WAIT;
    return next(bond, UIOMMU_PHASE_END); /* R3's flag was read just before this step */
}

void uiommu_drain_unmark(struct uiommu_bond *bond)
{
    bond->marker = false;
    uiommu_bond_show(bond);
    if (bond->phase >= UIOMMU_PHASE_D3 && bond->phase < UIOMMU_PHASE_POISONED)
        uiommu_drain_late(bond); /* D3 and D4 were shortened by it */
}

void uiommu_drain_late(struct uiommu_bond *bond)
{
    if (bond->late)
        return;
    bond->late = true;
    uiommu_event_device(bond->dev, UIOMMU_EVENT_LATE_REQUEST, bond->pasid, 1);
}

/* R3: a request came after the snapshot: that drain proved nothing. true: it starts over. */
static bool late_again(struct uiommu_bond *bond)
{
    if (!bond->late || bond->phase < UIOMMU_PHASE_D3 || bond->phase >= UIOMMU_PHASE_POISONED)
        return false;
    bond->late = false;
    bond->late_rounds++;
    uiommu_bond_set_state(bond, UIOMMU_BOND_DRAINING);
    if (bond->late_rounds >= 2) {
        miss(bond, UIOMMU_PROOF_STOP | UIOMMU_PROOF_REQUESTS);
        bond->stop_confirmed = false; /* whoever said so was wrong */
        uiommu_word_and(&bond->wants, ~UIOMMU_WANT_STOPPED);
        (void)poison(bond);
        return true;
    }
    bond->drain_until_ns = later(bond, bond->dev->unit->config.drain_ns);
    next(bond, UIOMMU_PHASE_D3);
    return true;
}

/* ---- POISONED (R9) ---- */

static enum go step_poisoned(struct uiommu_bond *bond)
{
    uint32_t wants = uiommu_word_load(&bond->wants), missing = uiommu_word_load(&bond->missing);
    bool again = false;

    if ((wants & UIOMMU_WANT_RESET) != 0 || gone(bond)) {
        again = !bond->reset_proof || (missing & ~UIOMMU_PROOF_HANDLERS) != 0;
        bond->stop_confirmed = true;
        bond->reset_proof = true;
        bond->late_rounds = 0;
    }
    if ((wants & (UIOMMU_WANT_RESTART | UIOMMU_WANT_RETRY)) != 0)
        again |= (missing & (UIOMMU_PROOF_CONFIG | UIOMMU_PROOF_TLB | UIOMMU_PROOF_DEVICE |
                             UIOMMU_PROOF_REQUESTS)) != 0;
    if ((missing & UIOMMU_PROOF_HANDLERS) != 0 && uiommu_gate_count(bond) == 0)
        again = true;
    if ((wants & UIOMMU_WANT_STOPPED) != 0 && !bond->stop_confirmed) { /* R4: late, but a word */
        bond->stop_confirmed = true;
        again = true;
    }
    uiommu_word_and(&bond->wants, ~(UIOMMU_WANT_RESET | UIOMMU_WANT_RESTART | UIOMMU_WANT_RETRY));
    if (!again)
        return WAIT;
    bond->overflow_round = false;
    bond->twice = false;
    uiommu_bond_set_state(bond, UIOMMU_BOND_DRAINING); /* R12: meanwhile nothing is claimed */
    bond->late = false;
    /* What D2 proves it clears itself: who reads the word meanwhile sees no gap. */
    uiommu_word_and(&bond->missing, UIOMMU_PROOF_CONFIG | UIOMMU_PROOF_TLB | UIOMMU_PROOF_DEVICE |
                                        (bond->stop_confirmed ? 0 : UIOMMU_PROOF_STOP));
    return next(bond, UIOMMU_PHASE_D2_CONFIG);
}

void uiommu_drain_reset(struct uiommu_device *dev)
{
    struct uiommu_bond *bond;
    uintptr_t irq;

    irq = uiommu_lock_take(dev->unit->u, &dev->unit->lock);
    for (bond = dev->unit->stopping; bond != NULL; bond = bond->stop_next) {
        if (bond->dev == dev)
            bond->marker = false;
    }
    uiommu_lock_give(dev->unit->u, &dev->unit->lock, irq);
}

/* ---- the machine ---- */

void uiommu_bond_show(struct uiommu_bond *bond)
{
    uiommu_word_poke(&bond->shown, bond->rounds << 2 | (marked(bond) ? 2u : 0u) |
                                       (bond->stop_confirmed ? 1u : 0u));
}

static enum go step(struct uiommu_bond *bond)
{
    switch (bond->phase) {
    case UIOMMU_PHASE_NONE:
        return next(bond, UIOMMU_PHASE_STOP);
    case UIOMMU_PHASE_STOP:
        return step_stop(bond);
    case UIOMMU_PHASE_SWEEP:
        return step_sweep(bond);
    case UIOMMU_PHASE_SWEEP_SETTLE:
        return step_sweep_settle(bond);
    case UIOMMU_PHASE_SWEEP_CONSUME:
        return step_sweep_consume(bond);
    case UIOMMU_PHASE_D1:
        return step_d1(bond);
    case UIOMMU_PHASE_D2_CONFIG:
        return step_d2(bond, UIOMMU_STEP_D2_CONFIG, UIOMMU_PROOF_CONFIG);
    case UIOMMU_PHASE_D2_TLB:
        return step_d2(bond, UIOMMU_STEP_D2_TLB, UIOMMU_PROOF_TLB);
    case UIOMMU_PHASE_D2_DEVICE:
        return step_d2(bond, UIOMMU_STEP_D2_DEVICE, UIOMMU_PROOF_DEVICE);
    case UIOMMU_PHASE_D2_PINNED:
        return step_pinned(bond);
    case UIOMMU_PHASE_D3:
        return step_d3(bond);
    case UIOMMU_PHASE_D4:
        return step_d4(bond);
    case UIOMMU_PHASE_SETTLE:
        return step_settle(bond);
    case UIOMMU_PHASE_D5:
        return step_d5(bond);
    case UIOMMU_PHASE_D6:
        return step_d6(bond);
    case UIOMMU_PHASE_REST:
        return step_rest(bond);
    case UIOMMU_PHASE_REST_CONSUME:
        return step_rest_consume(bond);
    default:
        return step_poisoned(bond);
    }
}

/* Off the unit's list, and over. */
static void finish(struct uiommu_unit *unit, struct uiommu_bond *bond)
{
    struct uiommu_bond **at = &unit->stopping;
    uintptr_t irq;

    irq = uiommu_lock_take(unit->u, &unit->lock);
    while (*at != bond)
        at = &(*at)->stop_next;
    *at = bond->stop_next;
    bond->stop_listed = false;
    uiommu_lock_give(unit->u, &unit->lock, irq);
    uiommu_bond_free(bond);
}

/* The phases are finitely many and repeats are counted; this bounds one round all the same. */
#define STEPS 32u

bool uiommu_drain_step_all(struct uiommu_unit *unit)
{
    struct uiommu_bond *bond, *following;
    bool more = false;
    uint32_t steps;
    uintptr_t irq;

    irq = uiommu_lock_take(unit->u, &unit->lock);
    bond = unit->stopping;
    uiommu_lock_give(unit->u, &unit->lock, irq);
    for (; bond != NULL; bond = following) {
        following = bond->stop_next;
        steps = 0;
        while (steps < STEPS && bond->phase != UIOMMU_PHASE_END &&
               (late_again(bond) || step(bond) == GO))
            steps++;
        uiommu_bond_show(bond);
        more |= steps == STEPS;
        if (bond->phase == UIOMMU_PHASE_END)
            finish(unit, bond);
    }
    return more;
}

/* When the bond's phase has something to do without being told. */
static uint64_t bond_deadline(const struct uiommu_bond *bond, uint64_t soon)
{
    switch (bond->phase) {
    case UIOMMU_PHASE_STOP:
    case UIOMMU_PHASE_D1:
        return bond->until_ns == 0 ? UINT64_MAX : bond->until_ns;
    case UIOMMU_PHASE_SWEEP_SETTLE:
    case UIOMMU_PHASE_SWEEP_CONSUME:
    case UIOMMU_PHASE_SETTLE:
    case UIOMMU_PHASE_REST:
        return bond->until_ns;
    case UIOMMU_PHASE_D6:
        return bond->drain_until_ns;
    case UIOMMU_PHASE_POISONED:
        return UINT64_MAX;
    default:
        return soon; /* hardware does not tell when a command is done */
    }
}

uint64_t uiommu_drain_deadline(struct uiommu_unit *unit)
{
    uint64_t soon = uiommu_after(unit->now_ns, UIOMMU_RETRY_NS), due = UINT64_MAX, at;
    const struct uiommu_bond *bond;
    uintptr_t irq;

    irq = uiommu_lock_take(unit->u, &unit->lock);
    for (bond = unit->stopping; bond != NULL; bond = bond->stop_next) {
        at = bond_deadline(bond, soon);
        if (at <= unit->now_ns)
            at = soon;
        due = at < due ? at : due;
    }
    uiommu_lock_give(unit->u, &unit->lock, irq);
    return due;
}
