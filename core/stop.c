/* SPDX-License-Identifier: BSD-2-Clause */
#include "drain.h"

/*
 * The first half of a shutdown: the device stops (R4, R8, R30), and what it had sent is handled
 * with the gate open (R10).
 */

/* Somebody other than the device says so. */
bool uiommu_drain_stop_word(const struct uiommu_bond *bond)
{
    const uint32_t word = UIOMMU_WANT_STOPPED | UIOMMU_WANT_RESET;

    return (uiommu_word_load(&bond->wants) & word) != 0 || bond->reset_proof ||
           uiommu_drain_gone(bond);
}

bool uiommu_drain_stop_shown(struct uiommu_bond *bond)
{
    if (uiommu_drain_stop_word(bond)) {
        bond->stop_confirmed = true;
        bond->stop_by_marker = false;
    } else if (uiommu_drain_marked(bond) && !bond->stop_confirmed) {
        bond->stop_confirmed = true;
        bond->stop_by_marker = true;
    }
    return bond->stop_confirmed;
}

void uiommu_drain_stop_over(struct uiommu_bond *bond)
{
    uiommu_word_and(&bond->wants, ~UIOMMU_WANT_CALL);
    if (!bond->counted_stop)
        return;
    bond->counted_stop = false;
    bond->dev->unit->stops--;
    uiommu_unit_kick(bond->dev->unit); /* whoever waits for the place polls again */
}

enum uiommu_go uiommu_drain_stop(struct uiommu_bond *bond)
{
    struct uiommu_unit *unit = bond->dev->unit;
    uint32_t wants = uiommu_word_load(&bond->wants);

    uiommu_bond_set_state(bond, UIOMMU_BOND_STOPPING);
    if ((wants & UIOMMU_WANT_ABORT) != 0 && !uiommu_gate_closed(bond))
        uiommu_drain_gate_close(bond);
    if (uiommu_drain_stop_shown(bond))
        return uiommu_drain_next(bond, (wants & UIOMMU_WANT_ABORT) != 0 ? UIOMMU_PHASE_D1
                                                                        : UIOMMU_PHASE_SWEEP);
    if (!bond->counted_stop) { /* R30: not more markers at once than places are kept for */
        /* A place taken for a stop() that nobody calls would be lost to all others. */
        if (bond->dev->ops.stop != NULL && (wants & UIOMMU_WANT_POLLED) == 0)
            return UIOMMU_WAIT;
        if (unit->stops >= unit->config.marker_reserve)
            return UIOMMU_WAIT;
        unit->stops++;
        bond->counted_stop = true;
        uiommu_drain_trace_step(bond, UIOMMU_STEP_STOP);
        if (bond->dev->ops.stop != NULL)
            uiommu_word_or(&bond->wants, UIOMMU_WANT_CALL);
        else
            bond->stop_until_ns = uiommu_drain_later(bond, unit->config.stop_ns);
    }
    /* Once for the life: markers that were none do not put it off. */
    if (bond->stop_until_ns == 0 && (wants & UIOMMU_WANT_CALLED) != 0)
        bond->stop_until_ns = uiommu_drain_later(bond, unit->config.stop_ns);
    if (bond->stop_until_ns == 0 || !uiommu_drain_expired(bond, bond->stop_until_ns))
        return UIOMMU_WAIT;
    if (uiommu_guard(UIOMMU_GUARD_R4_STOP))
        uiommu_drain_miss(bond, UIOMMU_PROOF_STOP);
    return uiommu_drain_next(bond, UIOMMU_PHASE_D1);
}

/* The stop rested on a marker that was none: ask the driver after all. */
static bool stop_void(struct uiommu_bond *bond)
{
    if (!bond->stop_by_marker || uiommu_drain_marked(bond) || uiommu_drain_stop_word(bond))
        return false;
    bond->stop_by_marker = false;
    bond->stop_confirmed = false;
    (void)uiommu_drain_next(bond, UIOMMU_PHASE_STOP);
    return true;
}

static bool sweep_useless(const struct uiommu_bond *bond)
{
    return uiommu_gate_closed(bond) || uiommu_drain_gone(bond) ||
           uiommu_word_load(&bond->as->dead) != 0 ||
           (uiommu_word_load(&bond->wants) & UIOMMU_WANT_ABORT) != 0;
}

static enum uiommu_go sweep_snapshot(struct uiommu_bond *bond)
{
    uiommu_ring_snapshot(bond->dev->unit, bond->close_at);
    uiommu_drain_next(bond, UIOMMU_PHASE_SWEEP_CONSUME);
    bond->until_ns = uiommu_drain_later(bond, bond->dev->unit->config.answer_ns);
    return UIOMMU_GO;
}

enum uiommu_go uiommu_drain_sweep(struct uiommu_bond *bond)
{
    uiommu_err err;

    if (stop_void(bond))
        return UIOMMU_GO;
    if (sweep_useless(bond))
        return uiommu_drain_next(bond, UIOMMU_PHASE_D1);
    if (uiommu_drain_enter(bond, UIOMMU_STEP_SWEEP)) {
        bond->barrier_need = uiommu_barrier_next(bond->dev);
        bond->until_ns = uiommu_drain_later(bond, bond->dev->unit->config.drain_ns);
    }
    if (uiommu_drain_marked(bond))
        return sweep_snapshot(bond);
    err = uiommu_barrier_step(bond->dev, bond->pasid, bond->barrier_need);
    if (err == UIOMMU_PENDING && !uiommu_drain_expired(bond, bond->until_ns))
        return UIOMMU_WAIT;
    if (err != UIOMMU_OK)
        return uiommu_drain_next(bond, UIOMMU_PHASE_D1);
    if (bond->dev->barrier.good_strength == UIOMMU_BARRIER_PROVED)
        return sweep_snapshot(bond);
    uiommu_drain_next(bond, UIOMMU_PHASE_SWEEP_SETTLE);
    bond->until_ns = uiommu_settle_end(bond->dev->unit);
    return UIOMMU_GO;
}

enum uiommu_go uiommu_drain_sweep_settle(struct uiommu_bond *bond)
{
    if (stop_void(bond))
        return UIOMMU_GO;
    if (sweep_useless(bond))
        return uiommu_drain_next(bond, UIOMMU_PHASE_D1);
    return uiommu_drain_expired(bond, bond->until_ns) ? sweep_snapshot(bond) : UIOMMU_WAIT;
}

enum uiommu_go uiommu_drain_sweep_consume(struct uiommu_bond *bond)
{
    bool handled =
        uiommu_ring_reached(bond->dev->unit, bond->close_at) && uiommu_gate_count(bond) == 0;

    if (stop_void(bond))
        return UIOMMU_GO;
    if (handled || sweep_useless(bond) || uiommu_drain_expired(bond, bond->until_ns))
        return uiommu_drain_next(bond, UIOMMU_PHASE_D1);
    return UIOMMU_WAIT;
}
