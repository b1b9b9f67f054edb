/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit_bond.h"

/* stop.c: each way out of each of its phases, and that there is no other (R4, R8, R10, R30). */

TestSuite(stop, .init = bond_up, .fini = toy_end);

/* The driver's: here nobody calls it. */
static uiommu_err stop(void *ctx, struct uiommu_device *d, struct uiommu_bond_ref ref,
                       uint32_t pasid)
{
    (void)ctx;
    (void)d;
    (void)ref;
    (void)pasid;
    return UIOMMU_OK;
}

static void fresh(void)
{
    bond_fresh(UIOMMU_PHASE_STOP);
}

/* Words of others: each of them alone is one, and none is none (R4, R9, R20). */
Test(stop, who_says_so)
{
    cr_assert_not(uiommu_drain_stop_word(&bond));
    uiommu_word_store(&bond.wants, ~(UIOMMU_WANT_STOPPED | UIOMMU_WANT_RESET));
    cr_assert_not(uiommu_drain_stop_word(&bond));
    uiommu_word_store(&bond.wants, UIOMMU_WANT_STOPPED);
    cr_assert(uiommu_drain_stop_word(&bond));
    uiommu_word_store(&bond.wants, UIOMMU_WANT_RESET);
    cr_assert(uiommu_drain_stop_word(&bond));
    fresh();
    bond.reset_proof = true;
    cr_assert(uiommu_drain_stop_word(&bond));
    fresh();
    bond.absent = true;
    cr_assert(uiommu_drain_stop_word(&bond));
    fresh();
    uiommu_word_store(&dev.state, UIOMMU_DEVICE_GONE);
    cr_assert(uiommu_drain_stop_word(&bond));
}

/* A marker counts where nobody else has said so, and a word replaces it (R8). */
Test(stop, shown)
{
    cr_assert_not(uiommu_drain_stop_shown(&bond));
    cr_assert_not(bond.stop_confirmed || bond.stop_by_marker);
    mark();
    cr_assert(uiommu_drain_stop_shown(&bond));
    cr_assert(bond.stop_confirmed && bond.stop_by_marker);
    uiommu_word_store(&bond.wants, UIOMMU_WANT_STOPPED);
    cr_assert(uiommu_drain_stop_shown(&bond));
    cr_assert(bond.stop_confirmed && !bond.stop_by_marker);
    uiommu_word_store(&bond.wants, 0);
    cr_assert(uiommu_drain_stop_shown(&bond), "it was said");
    cr_assert_not(bond.stop_by_marker);
    fresh();
    mark();
    uiommu_word_add(&dev.generation, 1);
    cr_assert_not(uiommu_drain_stop_shown(&bond), "a marker of before a reset");
}

/* R30: a place is given back once, and whoever waits for it is told. */
Test(stop, places)
{
    uint32_t due = uiommu_word_load(&unit->due);

    unit->stops = 2;
    uiommu_word_store(&bond.wants, UIOMMU_WANT_CALL | UIOMMU_WANT_UNBIND);
    uiommu_drain_stop_over(&bond);
    cr_assert_eq(wants(), UIOMMU_WANT_UNBIND, "nobody is to call stop() any more");
    cr_assert_eq(unit->stops, 2);
    cr_assert_eq(uiommu_word_load(&unit->due), due);
    bond.counted_stop = true;
    uiommu_drain_stop_over(&bond);
    uiommu_drain_stop_over(&bond);
    cr_assert_eq(unit->stops, 1);
    cr_assert_neq(uiommu_word_load(&unit->due), due);
    unit->stops = 0;
}

/* R10: graceful goes on with the sweep and an open gate, abort with D1 and a closed one. */
Test(stop, graceful_or_abort)
{
    uiommu_word_store(&bond.wants, UIOMMU_WANT_STOPPED);
    cr_assert_eq(uiommu_drain_stop(&bond), UIOMMU_GO);
    cr_assert_eq(bond.phase, UIOMMU_PHASE_SWEEP);
    cr_assert_not(uiommu_gate_closed(&bond));
    cr_assert_eq(uiommu_bond_state(&bond), UIOMMU_BOND_STOPPING);
    fresh();
    uiommu_word_store(&bond.wants, UIOMMU_WANT_STOPPED | UIOMMU_WANT_ABORT);
    cr_assert_eq(uiommu_drain_stop(&bond), UIOMMU_GO);
    cr_assert_eq(bond.phase, UIOMMU_PHASE_D1);
    cr_assert(uiommu_gate_closed(&bond));
    fresh();
    uiommu_word_store(&bond.wants, UIOMMU_WANT_ABORT);
    cr_assert_eq(uiommu_drain_stop(&bond), UIOMMU_WAIT, "nobody has stopped it");
    cr_assert(uiommu_gate_closed(&bond));
    bond.counted_stop = false;
    unit->stops = 0;
}

/* Without stop() the deadline begins at once; then the stop is what is missing (R4). */
Test(stop, without_a_driver)
{
    fresh();
    cr_assert_eq(uiommu_drain_stop(&bond), UIOMMU_WAIT);
    cr_assert(bond.counted_stop && unit->stops == 1);
    cr_assert(host.trace.id == UIOMMU_TRACE_STEP && host.trace.c == UIOMMU_STEP_STOP);
    cr_assert_eq(bond.stop_until_ns, T0 + unit->config.stop_ns);
    cr_assert_eq(wants() & UIOMMU_WANT_CALL, 0);
    unit->now_ns = bond.stop_until_ns - 1;
    cr_assert_eq(uiommu_drain_stop(&bond), UIOMMU_WAIT);
    cr_assert(unit->stops == 1 && bond.phase == UIOMMU_PHASE_STOP);
    unit->now_ns++;
    cr_assert_eq(uiommu_drain_stop(&bond), UIOMMU_GO);
    cr_assert(bond.phase == UIOMMU_PHASE_D1 && missing() == UIOMMU_PROOF_STOP);
    unit->stops = 0;
}

/* R30: stop() is called where somebody polls and there is a place, and no deadline before. */
Test(stop, with_a_driver)
{
    dev.ops.stop = stop;
    cr_assert_eq(uiommu_drain_stop(&bond), UIOMMU_WAIT);
    cr_assert(!bond.counted_stop && unit->stops == 0, "nobody is here to call it");
    uiommu_word_store(&bond.wants, UIOMMU_WANT_POLLED);
    unit->stops = unit->config.marker_reserve;
    cr_assert_eq(uiommu_drain_stop(&bond), UIOMMU_WAIT);
    cr_assert(!bond.counted_stop && (wants() & UIOMMU_WANT_CALL) == 0, "no place");
    unit->stops--;
    cr_assert_eq(uiommu_drain_stop(&bond), UIOMMU_WAIT);
    cr_assert(bond.counted_stop && unit->stops == unit->config.marker_reserve);
    cr_assert_neq(wants() & UIOMMU_WANT_CALL, 0);
    cr_assert_eq(bond.stop_until_ns, 0);
    uiommu_word_or(&bond.wants, UIOMMU_WANT_CALLED);
    cr_assert_eq(uiommu_drain_stop(&bond), UIOMMU_WAIT);
    cr_assert_eq(bond.stop_until_ns, T0 + unit->config.stop_ns);
    unit->now_ns += 5;
    cr_assert_eq(uiommu_drain_stop(&bond), UIOMMU_WAIT);
    cr_assert_eq(bond.stop_until_ns, T0 + unit->config.stop_ns, "once for the life");
    unit->now_ns = bond.stop_until_ns;
    cr_assert_eq(uiommu_drain_stop(&bond), UIOMMU_GO);
    cr_assert(bond.phase == UIOMMU_PHASE_D1 && missing() == UIOMMU_PROOF_STOP);
    unit->stops = 0;
}

/* ---- the sweep ---- */

static void sweep(void)
{
    bond_fresh(UIOMMU_PHASE_SWEEP);
    bond.stop_confirmed = true;
}

/* What a marker has shown falls with it, unless somebody has said so meanwhile (R8). */
static void voided(enum uiommu_go (*run)(struct uiommu_bond *bond), enum uiommu_phase phase)
{
    bond_fresh(phase);
    bond.stop_confirmed = bond.stop_by_marker = true;
    cr_assert_eq(run(&bond), UIOMMU_GO);
    cr_assert(bond.phase == UIOMMU_PHASE_STOP && !bond.stop_confirmed && !bond.stop_by_marker);
    bond_fresh(phase);
    bond.stop_confirmed = bond.stop_by_marker = true;
    uiommu_word_store(&bond.wants, UIOMMU_WANT_STOPPED);
    (void)run(&bond);
    cr_assert(bond.phase != UIOMMU_PHASE_STOP && bond.stop_confirmed);
    bond_fresh(phase);
    bond.stop_confirmed = bond.stop_by_marker = true;
    mark();
    (void)run(&bond);
    cr_assert(bond.phase != UIOMMU_PHASE_STOP && bond.stop_confirmed);
}

Test(stop, a_marker_that_was_none)
{
    voided(uiommu_drain_sweep, UIOMMU_PHASE_SWEEP);
    voided(uiommu_drain_sweep_settle, UIOMMU_PHASE_SWEEP_SETTLE);
    voided(uiommu_drain_sweep_consume, UIOMMU_PHASE_SWEEP_CONSUME);
}

/* Nothing will be handled: no barrier for it (R10, R11, R20). */
static void useless(enum uiommu_go (*run)(struct uiommu_bond *bond), enum uiommu_phase phase)
{
    uint32_t i;

    for (i = 0; i < 5; i++) {
        bond_fresh(phase);
        bond.stop_confirmed = true;
        bond.until_ns = UINT64_MAX;
        uiommu_word_store(&bond.came, 1);
        if (i == 1)
            uiommu_word_or(&bond.gate, UIOMMU_GATE_CLOSED);
        if (i == 2)
            bond.absent = true;
        if (i == 3)
            uiommu_word_store(&as.dead, 1);
        if (i == 4)
            uiommu_word_store(&bond.wants, UIOMMU_WANT_ABORT);
        toy.failing = TOY_POLL;
        toy.with = UIOMMU_PENDING;
        cr_assert_eq(run(&bond), i == 0 ? UIOMMU_WAIT : UIOMMU_GO, "%u", i);
        cr_assert_eq(bond.phase, i == 0 ? phase : UIOMMU_PHASE_D1, "%u", i);
        toy.failing = TOY_NONE;
    }
}

Test(stop, nothing_to_sweep)
{
    useless(uiommu_drain_sweep, UIOMMU_PHASE_SWEEP);
    useless(uiommu_drain_sweep_settle, UIOMMU_PHASE_SWEEP_SETTLE);
    useless(uiommu_drain_sweep_consume, UIOMMU_PHASE_SWEEP_CONSUME);
}

static uint32_t strength;

static uiommu_err barrier(void *hw, void *d, uint32_t pasid, uint64_t *ticket, uint32_t *out)
{
    toy_block(hw, d, pasid);
    *out = strength;
    return toy_ticket(hw, ticket);
}

static void to_consume(uint64_t at)
{
    cr_assert_eq(bond.phase, UIOMMU_PHASE_SWEEP_CONSUME);
    cr_assert_eq(bond.close_at[0], at);
    cr_assert_eq(bond.until_ns, unit->now_ns + unit->config.answer_ns);
}

/* R5, R10: a marker, or a barrier that proves, and the snapshot is the end of what was sent. */
Test(stop, swept)
{
    unit->ops.barrier = barrier;
    sweep();
    toy.waiting = 5;
    mark();
    cr_assert_eq(uiommu_drain_sweep(&bond), UIOMMU_GO);
    to_consume(5);
    cr_assert_eq(toy.tickets, 0, "no barrier");
    sweep();
    strength = UIOMMU_BARRIER_PROVED;
    cr_assert_eq(uiommu_drain_sweep(&bond), UIOMMU_GO);
    to_consume(5);
    sweep();
    strength = UIOMMU_BARRIER_ORDERED;
    host.now_ns = T0;
    cr_assert_eq(uiommu_drain_sweep(&bond), UIOMMU_GO);
    cr_assert_eq(bond.phase, UIOMMU_PHASE_SWEEP_SETTLE);
    cr_assert_geq(bond.until_ns, T0 + unit->settle_ns);
    unit->now_ns = bond.until_ns - 1;
    cr_assert_eq(uiommu_drain_sweep_settle(&bond), UIOMMU_WAIT);
    unit->now_ns++;
    cr_assert_eq(uiommu_drain_sweep_settle(&bond), UIOMMU_GO);
    to_consume(5);
    toy.waiting = 0;
}

/* A barrier has drain_ns, and one that fails sweeps nothing (R18). */
Test(stop, not_swept)
{
    sweep();
    toy.failing = TOY_POLL;
    toy.with = UIOMMU_PENDING;
    unit->config.command_ns = UINT64_MAX;
    cr_assert_eq(uiommu_drain_sweep(&bond), UIOMMU_WAIT);
    cr_assert_eq(bond.until_ns, T0 + unit->config.drain_ns);
    cr_assert_eq(bond.barrier_need, 1);
    unit->now_ns = bond.until_ns - 1;
    cr_assert_eq(uiommu_drain_sweep(&bond), UIOMMU_WAIT);
    cr_assert(bond.until_ns == T0 + unit->config.drain_ns && bond.barrier_need == 1);
    unit->now_ns++;
    cr_assert_eq(uiommu_drain_sweep(&bond), UIOMMU_GO);
    cr_assert_eq(bond.phase, UIOMMU_PHASE_D1);
    sweep();
    toy.with = UIOMMU_E_HW;
    cr_assert_eq(uiommu_drain_sweep(&bond), UIOMMU_GO);
    cr_assert_eq(bond.phase, UIOMMU_PHASE_D1);
    toy.failing = TOY_NONE;
}

/* R10: until the ring is consumed to the snapshot and all of it is answered, or answer_ns. */
Test(stop, consumed)
{
    bond_fresh(UIOMMU_PHASE_SWEEP_CONSUME);
    bond.stop_confirmed = true;
    bond.until_ns = T0 + 10;
    bond.close_at[0] = 1;
    cr_assert_eq(uiommu_drain_sweep_consume(&bond), UIOMMU_WAIT, "not consumed");
    bond.close_at[0] = 0;
    uiommu_word_store(&bond.came, 1);
    cr_assert_eq(uiommu_drain_sweep_consume(&bond), UIOMMU_WAIT, "not answered");
    uiommu_word_store(&bond.came, 0);
    cr_assert_eq(uiommu_drain_sweep_consume(&bond), UIOMMU_GO);
    cr_assert_eq(bond.phase, UIOMMU_PHASE_D1);
    bond_fresh(UIOMMU_PHASE_SWEEP_CONSUME);
    bond.stop_confirmed = true;
    uiommu_word_store(&bond.came, 1);
    bond.until_ns = T0;
    cr_assert_eq(uiommu_drain_sweep_consume(&bond), UIOMMU_GO);
    cr_assert_eq(bond.phase, UIOMMU_PHASE_D1);
}
