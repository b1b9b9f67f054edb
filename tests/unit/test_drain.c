/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit_drain.h"

/* drain.c alone, to D5: each phase, what it waits for and where it goes (R2, R5, R20, R29). */

TestSuite(drain, .init = up, .fini = down);

/* A bind that failed before anything knew of it needs no proof of requests. */
Test(drain, never_stamped)
{
    bond.stamped = false;
    bond.stop_confirmed = false;
    held();
    go();
    cr_assert(bond.reset_proof && bond.stop_confirmed);
    cr_assert_neq(bond.phase, UIOMMU_PHASE_STOP);
    fresh(UIOMMU_PHASE_NONE);
    bond.stop_confirmed = false;
    go();
    cr_assert(bond.phase == UIOMMU_PHASE_STOP && !bond.reset_proof);
}

/* ---- D1 ---- */

static uint32_t orphans(void)
{
    uint32_t n = 0;
    struct uiommu_group_slot *slot;

    for (slot = unit->orphans; slot != NULL;
         slot = slot->ready_next == UIOMMU_NO_SLOT ? NULL : uiommu_slot_at(unit, slot->ready_next))
        n++;
    return n;
}

/* D1: the gate closes, handlers have handler_ns, then what is PENDING is taken from them, and
 * as much later hardware is shut out all the same. */
Test(drain, d1)
{
    struct uiommu_group_slot *slot;

    cr_assert_eq(uiommu_pool_grow(unit, 4), UIOMMU_OK);
    slot = uiommu_slot_open(unit);
    slot->dev = &dev;
    slot->bond = &bond;
    uiommu_word_store(&slot->state, UIOMMU_SLOT_PENDING);
    uiommu_age_add(unit, slot, 2);
    fresh(UIOMMU_PHASE_D1);
    uiommu_word_store(&bond.state, UIOMMU_BOND_STOPPING);
    uiommu_word_store(&bond.came, 1);
    bond.looked = unit->looks;
    cr_assert_not(go(), "D4 alone goes on for a look");
    cr_assert(bond.phase == UIOMMU_PHASE_D1 && uiommu_gate_closed(&bond));
    cr_assert_eq(uiommu_bond_state(&bond), UIOMMU_BOND_DRAINING);
    cr_assert_eq(bond.until_ns, T0 + unit->config.handler_ns);
    unit->now_ns = bond.until_ns - 1;
    go();
    cr_assert(bond.phase == UIOMMU_PHASE_D1 && orphans() == 0);
    cr_assert_eq(bond.until_ns, T0 + unit->config.handler_ns);
    unit->now_ns++;
    go();
    cr_assert(bond.phase == UIOMMU_PHASE_D1 && orphans() == 1);
    unit->now_ns += unit->config.handler_ns - 1;
    go();
    cr_assert_eq(bond.phase, UIOMMU_PHASE_D1);
    unit->now_ns++;
    go();
    cr_assert_eq(bond.phase, UIOMMU_PHASE_D2_CONFIG);
    fresh(UIOMMU_PHASE_D1);
    go();
    cr_assert_eq(bond.phase, UIOMMU_PHASE_D2_CONFIG, "nobody has any");
    unit->orphans = NULL;
    uiommu_age_remove(unit, slot);
}

/* What a runner has picked and not yet called is answered at once, and no other bond's. */
Test(drain, d1_picked)
{
    struct uiommu_runner *runner = &unit->runner[0];
    struct uiommu_group_slot *slot[2];
    struct uiommu_bond other;
    uint32_t i;

    fresh(UIOMMU_PHASE_D1);
    other = bond;
    cr_assert_eq(uiommu_pool_grow(unit, 4), UIOMMU_OK);
    for (i = 0; i < 2; i++) {
        slot[i] = uiommu_slot_open(unit);
        slot[i]->dev = &dev;
        slot[i]->bond = i == 0 ? &bond : &other;
        slot[i]->dev_generation = 1;
        slot[i]->in_call = 1;
        uiommu_word_store(&slot[i]->state, UIOMMU_SLOT_PICKED);
        uiommu_age_add(unit, slot[i], 2);
        runner->slot[i] = slot[i]->index;
        runner->token[i] = UIOMMU_SLOT_PICKED;
    }
    runner->count = 2;
    uiommu_word_store(&runner->done, 0);
    uiommu_word_store(&runner->caller.busy, 2);
    uiommu_word_store(&bond.came, 1);
    go();
    cr_assert(bond.phase == UIOMMU_PHASE_D2_CONFIG && uiommu_gate_count(&bond) == 0);
    cr_assert(toy.answers == 1 && toy.code[UIOMMU_CODE_INVALID & 3] == 1);
    cr_assert_eq(uiommu_slot_state(slot[1]), UIOMMU_SLOT_PICKED);
    uiommu_word_store(&runner->caller.busy, 0);
    runner->count = 0;
    uiommu_age_remove(unit, slot[1]);
}

/* ---- D3 ---- */

/* R18, R29: a barrier of its own, overflows counted from here on, and nothing is late before its
 * end. */
Test(drain, d3_begins)
{
    fresh(UIOMMU_PHASE_D3);
    pending();
    bond.closing = true;
    bond.absent = true;
    unit->ring[0].acks = 4;
    dev.barrier.begun = dev.barrier.done = 6;
    bond.looked = 77;
    go();
    cr_assert_eq(bond.looked, 77, "what lies behind the rings is not touched");
    cr_assert(bond.phase == UIOMMU_PHASE_D3 && bond.rounds == 1 && bond.barrier_need == 7);
    cr_assert(!bond.closing && !bond.absent && bond.overflows[0] == 4);
    unit->ring[0].acks = 5;
    go();
    cr_assert(bond.rounds == 1 && bond.overflows[0] == 4 && bond.barrier_need == 7);
    cr_assert_eq(uiommu_word_load(&bond.shown), 1u << 2 | 1u);
    unit->now_ns = bond.drain_until_ns - 1;
    go();
    cr_assert_eq(bond.phase, UIOMMU_PHASE_D3);
    unit->now_ns++;
    held();
    bond.drain_until_ns--;
    go();
    cr_assert_eq(missing() & UIOMMU_PROOF_REQUESTS, UIOMMU_PROOF_REQUESTS);
}

/* R4: a word that comes late is one, and both rounds come after it. */
Test(drain, d3_late_word)
{
    fresh(UIOMMU_PHASE_D3);
    pending();
    bond.stop_confirmed = false;
    bond.twice = true;
    uiommu_word_store(&bond.missing, UIOMMU_PROOF_STOP | UIOMMU_PROOF_TLB);
    go();
    cr_assert(bond.twice && missing() == (UIOMMU_PROOF_STOP | UIOMMU_PROOF_TLB));
    bond.entered = false;
    uiommu_word_store(&bond.wants, UIOMMU_WANT_STOPPED);
    go();
    cr_assert(!bond.twice && missing() == UIOMMU_PROOF_TLB && bond.stop_confirmed);
    bond.entered = false;
    bond.twice = true;
    go();
    cr_assert(bond.twice, "the stop was not missing");
}

/* R20: who is not there has no barrier; a reset under way and answers of its own come first. */
Test(drain, d3_waits)
{
    fresh(UIOMMU_PHASE_D3);
    there = UIOMMU_E_GONE;
    held();
    go();
    cr_assert(bond.absent && toy.tickets == 0 && bond.phase == UIOMMU_PHASE_D6);
    fresh(UIOMMU_PHASE_D3);
    uiommu_word_store(&dev.state, UIOMMU_DEVICE_RESETTING);
    held();
    go();
    cr_assert(bond.phase == UIOMMU_PHASE_D3 && toy.tickets == 0);
    unit->now_ns = bond.drain_until_ns;
    go();
    cr_assert(missing() == (UIOMMU_PROOF_REQUESTS | UIOMMU_PROOF_HANDLERS));
    fresh(UIOMMU_PHASE_D3);
    unit->out.count = 1;
    held();
    go();
    cr_assert(bond.phase == UIOMMU_PHASE_D3 && toy.tickets == 0);
    unit->now_ns = bond.drain_until_ns;
    go();
    cr_assert((missing() & UIOMMU_PROOF_REQUESTS) != 0 && toy.tickets == 0);
    fresh(UIOMMU_PHASE_D3);
    toy.failing = TOY_POLL;
    toy.with = UIOMMU_E_HW;
    held();
    go();
    cr_assert(missing() == UIOMMU_PROOF_REQUESTS && bond.phase == UIOMMU_PHASE_D6);
}

/* R5: what a barrier of each strength proves, and from when on requests are late (R3). */
Test(drain, d3_ends)
{
    fresh(UIOMMU_PHASE_D3);
    toy.waiting = 6;
    go();
    cr_assert(bond.phase == UIOMMU_PHASE_D4 && bond.close_at[0] == 6 && bond.looked == 5);
    cr_assert(!bond.proved && !bond.closing && missing() == 0);
    fresh(UIOMMU_PHASE_D3);
    toy.waiting = 6;
    bond.proved = true;
    bond.twice = true;
    go();
    cr_assert(!bond.proved && bond.closing, "the second one");
    fresh(UIOMMU_PHASE_D3);
    toy.waiting = 6;
    strength = UIOMMU_BARRIER_PROVED;
    go();
    cr_assert(bond.proved && bond.closing && missing() == 0);
    fresh(UIOMMU_PHASE_D3);
    toy.waiting = 6;
    strength = UIOMMU_BARRIER_NONE;
    go();
    cr_assert(!bond.proved && !bond.closing && missing() == UIOMMU_PROOF_REQUESTS);
    fresh(UIOMMU_PHASE_D3);
    mark();
    pending();
    go();
    cr_assert(bond.phase == UIOMMU_PHASE_D3 && toy.tickets == 1, "a marker saves no barrier");
    toy.failing = TOY_NONE;
    held();
    go();
    cr_assert(bond.closing && bond.phase == UIOMMU_PHASE_D6);
}

/* ---- D4 ---- */

/* R1, R29: consumed to the snapshot, and every ring asked since. */
Test(drain, d4)
{
    fresh(UIOMMU_PHASE_D4);
    bond.twice = true;
    bond.looked = 5;
    held();
    cr_assert(go(), "another round at once");
    cr_assert_eq(bond.phase, UIOMMU_PHASE_D4);
    unit->no_progress = true;
    cr_assert_not(go());
    unit->no_progress = false;
    unit->out.count = 1;
    cr_assert_not(go());
    unit->out.count = 0;
    unit->looks = 6;
    bond.close_at[0] = 1;
    cr_assert_not(go(), "it was asked");
    cr_assert_eq(bond.phase, UIOMMU_PHASE_D4);
    unit->ring[0].count = 1;
    cr_assert_not(go());
    cr_assert_eq(bond.phase, UIOMMU_PHASE_D6);
    cr_assert_eq(missing(), 0);
    fresh(UIOMMU_PHASE_D4);
    bond.close_at[0] = 1;
    bond.looked = 4;
    held();
    unit->now_ns = bond.drain_until_ns - 1;
    go();
    cr_assert_eq(bond.phase, UIOMMU_PHASE_D4);
    unit->now_ns++;
    go();
    cr_assert_neq(missing() & UIOMMU_PROOF_REQUESTS, 0);
}

/* A marker, or that nobody is there, needs neither; the order of phases says so. */
Test(drain, d4_shortened)
{
    uint32_t traces = host.traces;

    fresh(UIOMMU_PHASE_D4);
    bond.looked = 5;
    bond.close_at[0] = 1;
    mark();
    held();
    cr_assert_not(go());
    cr_assert_eq(host.traces, traces + 3, "D4, D5, D6: nothing settles");
    cr_assert(bond.phase == UIOMMU_PHASE_D6 && missing() == 0);
    fresh(UIOMMU_PHASE_D4);
    bond.looked = 5;
    bond.close_at[0] = 1;
    bond.absent = true;
    held();
    go();
    cr_assert(bond.phase == UIOMMU_PHASE_D6 && missing() == 0);
    fresh(UIOMMU_PHASE_D4);
    bond.proved = true;
    held();
    go();
    cr_assert_eq(bond.phase, UIOMMU_PHASE_D6);
    fresh(UIOMMU_PHASE_D4);
    go();
    cr_assert_eq(bond.phase, UIOMMU_PHASE_SETTLE, "R5: once more");
    cr_assert_eq(bond.until_ns, host.now_ns + unit->settle_ns);
    cr_assert(host.trace.id == UIOMMU_TRACE_STEP && host.trace.c == UIOMMU_STEP_SETTLE);
    unit->now_ns = bond.until_ns - 1;
    go();
    cr_assert(bond.phase == UIOMMU_PHASE_SETTLE && !bond.twice);
    pending();
    unit->now_ns++;
    bond.drain_until_ns = UINT64_MAX;
    go();
    cr_assert(bond.phase == UIOMMU_PHASE_D3 && bond.twice);
    fresh(UIOMMU_PHASE_SETTLE);
    bond.until_ns = UINT64_MAX;
    mark();
    held();
    go();
    cr_assert(bond.phase == UIOMMU_PHASE_D6 && !bond.twice);
}

/* ---- D5 ---- */

static void lost(uint32_t flags)
{
    fresh(UIOMMU_PHASE_D5);
    dev.flags = flags;
    unit->ring[0].acks = 1;
    held();
    pending();
}

/* R29: an overflow since D3 began repeats it: once, or until there was none. */
Test(drain, d5)
{
    lost(0);
    go();
    cr_assert(bond.phase == UIOMMU_PHASE_D3 && bond.overflow_round && missing() == 0);
    lost(0);
    bond.overflow_round = true;
    go();
    cr_assert_eq(bond.phase, UIOMMU_PHASE_D6);
    lost(UIOMMU_DEVICE_RESENDS);
    bond.overflow_round = true;
    go();
    cr_assert_eq(bond.phase, UIOMMU_PHASE_D3);
    lost(UIOMMU_DEVICE_RESENDS);
    unit->now_ns = bond.drain_until_ns;
    uiommu_word_store(&bond.came, 0);
    go();
    cr_assert(missing() == UIOMMU_PROOF_REQUESTS && bond.rounds == 0 && toy.tickets == 0);
    lost(0);
    unit->now_ns = bond.drain_until_ns;
    go();
    cr_assert(bond.overflow_round && bond.rounds == 1, "once, however late");
    lost(0);
    unit->ring[0].acks = 0;
    go();
    cr_assert_eq(bond.phase, UIOMMU_PHASE_D6);
    lost(0);
    unit->ring[0].acks = 0;
    unit->ring[0].overflow = true;
    go();
    cr_assert_eq(bond.phase, UIOMMU_PHASE_D3, "reported and not yet acknowledged");
}

/* Of rings that lose requests and that there are; and it matters only where a barrier counts. */
Test(drain, d5_settled)
{
    uint32_t i;

    for (i = 0; i < 6; i++) {
        lost(UIOMMU_DEVICE_RESENDS);
        if (i == 0)
            unit->caps.ring[0].flags = UIOMMU_RING_REQUESTS;
        if (i == 1) {
            unit->ring[0].acks = 0;
            unit->caps.ring[1].flags = UIOMMU_RING_LOSES;
            unit->ring[1].acks = 1;
        }
        if (i == 2)
            bond.reset_proof = true;
        if (i == 3)
            bond.absent = true;
        if (i == 4)
            mark();
        if (i == 5)
            uiommu_word_store(&bond.missing, UIOMMU_PROOF_REQUESTS);
        go();
        cr_assert_eq(bond.phase, UIOMMU_PHASE_D6, "%u", i);
        unit->caps.ring[1].flags = 0;
    }
}
