/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit_drain.h"

/* drain.c alone, from D6 on: what ends a bond, what poisons it, who helps then, and what comes
 * late (R3, R5, R8, R9, R20, R21, R29). */

TestSuite(drain_end, .init = up, .fini = down);

static uint32_t lates(uint32_t *count)
{
    struct uiommu_event event;
    uint32_t n = 0;

    while (uiommu_unit_next_event(unit, &event) == UIOMMU_OK) {
        if (event.kind == UIOMMU_EVENT_LATE_REQUEST) {
            *count = event.count;
            n++;
        }
    }
    return n;
}

/* ---- D6 and POISONED ---- */

/* I17: handlers have as long as the drain; then their absence is what is missing. */
Test(drain_end, d6_handlers)
{
    fresh(UIOMMU_PHASE_D6);
    held();
    unit->now_ns = bond.drain_until_ns - 1;
    go();
    cr_assert_eq(bond.phase, UIOMMU_PHASE_D6);
    unit->now_ns++;
    go();
    cr_assert(missing() == UIOMMU_PROOF_HANDLERS && bond.phase == UIOMMU_PHASE_POISONED);
    cr_assert_eq(bond.as, &as, "they may still use it");
    uiommu_word_store(&bond.came, 0);
    bond.drain_until_ns = UINT64_MAX;
    go();
    cr_assert_eq(bond.phase, UIOMMU_PHASE_D2_CONFIG, "they have returned");
}

/* R8: a stop that rested on a marker that was none is missing. */
Test(drain_end, d6_forged)
{
    fresh(UIOMMU_PHASE_D6);
    bond.stop_by_marker = true;
    go();
    cr_assert(bond.phase == UIOMMU_PHASE_POISONED && missing() == UIOMMU_PROOF_STOP);
    cr_assert(!bond.stop_confirmed && !bond.stop_by_marker);
    fresh(UIOMMU_PHASE_D6);
    bond.stop_by_marker = true;
    uiommu_word_store(&bond.wants, UIOMMU_WANT_STOPPED);
    go();
    cr_assert(missing() == 0 && bond.stop_confirmed && bond.phase == UIOMMU_PHASE_REST);
    cr_assert(host.trace.id == UIOMMU_TRACE_STEP && host.trace.c == UIOMMU_STEP_REST);
    fresh(UIOMMU_PHASE_D6);
    bond.stop_by_marker = true;
    mark();
    toy.waiting = 1;
    go();
    cr_assert(missing() == 0 && bond.stop_by_marker && bond.stop_confirmed);
    cr_assert_eq(bond.phase, UIOMMU_PHASE_REST_CONSUME);
    toy.waiting = 0;
}

static uint32_t count_then, traces;
static void hear(void *ctx, const struct uiommu_trace *record)
{
    (void)ctx;
    if (record->id == UIOMMU_TRACE_BOND && record->d == UIOMMU_BOND_QUARANTINE) {
        count_then = uiommu_word_load(&as.bond_count);
        traces++;
    }
}

/* Everything is proved: its place is free, nobody calls stop(), the space is let go of before
 * anybody hears of it. */
Test(drain_end, d6_done)
{
    void (*trace)(void *ctx, const struct uiommu_trace *record) = u->host.trace;

    fresh(UIOMMU_PHASE_D6);
    u->host.trace = hear;
    bond.counted_stop = true;
    unit->stops = 3;
    bond.reported = true;
    uiommu_word_store(&bond.wants, UIOMMU_WANT_CALL | UIOMMU_WANT_UNBIND);
    go();
    u->host.trace = trace;
    cr_assert(bond.phase == UIOMMU_PHASE_REST && unit->stops == 2);
    cr_assert(wants() == UIOMMU_WANT_UNBIND && !bond.reported);
    cr_assert_eq(uiommu_bond_state(&bond), UIOMMU_BOND_QUARANTINE);
    cr_assert(traces == 1 && count_then == 0 && bond.as == NULL);
    cr_assert_eq(bond.until_ns, host.now_ns + unit->settle_ns);
    cr_assert_eq(bond.drain_until_ns, T0 + 1000000 + unit->settle_ns);
}

/* What is missing is told once, and the bond keeps what it has to. */
Test(drain_end, poisoned)
{
    struct uiommu_event event;

    fresh(UIOMMU_PHASE_D6);
    bond.counted_stop = true;
    unit->stops = 3;
    uiommu_word_store(&bond.wants, UIOMMU_WANT_CALL);
    uiommu_word_store(&bond.missing, UIOMMU_PROOF_TLB);
    bond.listed = true;
    go();
    cr_assert(bond.phase == UIOMMU_PHASE_POISONED && bond.reported && unit->stops == 2);
    cr_assert(wants() == UIOMMU_WANT_TOLD && unit->counters.poisoned == 1);
    cr_assert(bond.as == &as && uiommu_bond_state(&bond) == UIOMMU_BOND_POISONED);
    cr_assert_eq(uiommu_unit_next_event(unit, &event), UIOMMU_OK);
    cr_assert(event.kind == UIOMMU_EVENT_BOND_POISONED && event.count == UIOMMU_PROOF_TLB);
    bond.phase = UIOMMU_PHASE_D6;
    bond.listed = false;
    go();
    cr_assert(unit->counters.poisoned == 1 && bond.as == NULL);
    cr_assert_eq(uiommu_word_load(&as.poisoned), 1);
    cr_assert_eq(uiommu_unit_next_event(unit, &event), UIOMMU_E_NOT_FOUND);
}

/* R9: who helps a poisoned bond, and that nobody else does. */
static void helped(uint32_t want, uint32_t lacking, bool confirmed, bool had_reset, bool by)
{
    fresh(UIOMMU_PHASE_POISONED);
    uiommu_word_store(&bond.state, UIOMMU_BOND_POISONED);
    uiommu_word_store(&bond.wants, want);
    uiommu_word_store(&bond.missing, lacking);
    bond.stop_confirmed = confirmed;
    bond.reset_proof = had_reset;
    bond.overflow_round = bond.twice = bond.late = bond.closing = true;
    bond.late_rounds = 1;
    go();
    cr_assert_eq(bond.phase == UIOMMU_PHASE_D2_CONFIG, by, "%x %x", want, lacking);
    cr_assert_eq(wants(), want & (UIOMMU_WANT_STOPPED | UIOMMU_WANT_UNBIND));
    if (by) {
        cr_assert(!bond.overflow_round && !bond.twice && !bond.late && !bond.closing);
        cr_assert_eq(uiommu_bond_state(&bond), UIOMMU_BOND_DRAINING);
    } else {
        cr_assert(bond.late && bond.phase == UIOMMU_PHASE_POISONED, "late is late");
        cr_assert_eq(uiommu_bond_state(&bond), UIOMMU_BOND_POISONED);
    }
}

Test(drain_end, helped)
{
    const uint32_t tlb = UIOMMU_PROOF_TLB, requests = UIOMMU_PROOF_REQUESTS,
                   stop = UIOMMU_PROOF_STOP, handlers = UIOMMU_PROOF_HANDLERS;

    helped(UIOMMU_WANT_UNBIND, tlb | requests | stop, false, false, false);
    helped(UIOMMU_WANT_RETRY, tlb, true, false, true);
    cr_assert_eq(missing(), tlb, "until it is proved");
    helped(UIOMMU_WANT_RETRY, requests, true, false, true);
    cr_assert_eq(missing(), 0);
    helped(UIOMMU_WANT_RESTART, UIOMMU_PROOF_CONFIG, true, false, true);
    helped(UIOMMU_WANT_RESTART, UIOMMU_PROOF_DEVICE, true, false, true);
    helped(UIOMMU_WANT_RETRY, stop, false, false, false);
    helped(UIOMMU_WANT_RESTART, stop, false, false, false);
    helped(UIOMMU_WANT_RETRY, tlb | stop, false, false, true);
    cr_assert_eq(missing(), tlb | stop, "nobody has stopped it");
    helped(UIOMMU_WANT_STOPPED, stop, false, false, true);
    cr_assert(bond.stop_confirmed && missing() == 0 && bond.late_rounds == 1);
    helped(UIOMMU_WANT_STOPPED, stop | tlb, true, false, false);
    helped(UIOMMU_WANT_RESET, stop | requests, false, false, true);
    cr_assert(bond.stop_confirmed && bond.reset_proof && bond.late_rounds == 0);
    helped(UIOMMU_WANT_RESET, tlb, true, true, true);
    helped(UIOMMU_WANT_RESET | UIOMMU_WANT_STOPPED, 0, true, true, false);
    cr_assert_eq(bond.late_rounds, 0);
    helped(0, handlers, true, false, true);
}

/* R20: a device that goes, once. */
Test(drain_end, helped_by_its_absence)
{
    fresh(UIOMMU_PHASE_POISONED);
    uiommu_word_store(&bond.missing, UIOMMU_PROOF_TLB);
    uiommu_word_store(&dev.state, UIOMMU_DEVICE_GONE);
    go();
    cr_assert(bond.phase == UIOMMU_PHASE_D2_CONFIG && bond.reset_proof);
    bond.phase = UIOMMU_PHASE_POISONED;
    go();
    cr_assert_eq(bond.phase, UIOMMU_PHASE_POISONED);
    fresh(UIOMMU_PHASE_POISONED);
    uiommu_word_store(&bond.missing, UIOMMU_PROOF_HANDLERS);
    uiommu_word_store(&bond.wants, UIOMMU_WANT_RESET);
    bond.reset_proof = true;
    held();
    go();
    cr_assert_eq(bond.phase, UIOMMU_PHASE_POISONED, "a reset ends no handler");
    uiommu_word_store(&bond.wants, UIOMMU_WANT_RESET);
    bond.reset_proof = false;
    go();
    cr_assert(bond.phase == UIOMMU_PHASE_D2_CONFIG && bond.reset_proof, "the first one does more");
}

/* ---- the rest, and what comes late ---- */

/* R5: the settle time once more where nothing proves by itself. */
Test(drain_end, no_rest)
{
    uint32_t i;

    for (i = 0; i < 6; i++) {
        fresh(UIOMMU_PHASE_D6);
        if (i == 1)
            bond.proved = true;
        if (i == 2)
            mark();
        if (i == 3)
            bond.reset_proof = true;
        if (i == 4)
            bond.absent = true;
        if (i == 5)
            bond.pasid = UIOMMU_PASID_NONE;
        toy.waiting = 1;
        go();
        cr_assert_eq(bond.phase, i == 0 ? UIOMMU_PHASE_REST : UIOMMU_PHASE_REST_CONSUME, "%u", i);
        toy.waiting = 0;
    }
}

static void resting(uint32_t flags)
{
    fresh(UIOMMU_PHASE_REST);
    uiommu_word_store(&bond.state, UIOMMU_BOND_QUARANTINE);
    dev.flags = flags;
    bond.entered = true;
    bond.until_ns = T0;
    unit->ring[0].acks = 1;
    toy.waiting = 2;
    pending();
}

/* R29: an overflow in the rest: what it removed is sent again by devices that do. */
Test(drain_end, rests)
{
    resting(0);
    bond.until_ns = T0 + 1;
    go();
    cr_assert_eq(bond.phase, UIOMMU_PHASE_REST);
    unit->now_ns++;
    go();
    cr_assert(bond.phase == UIOMMU_PHASE_REST_CONSUME && bond.rest_at[0] == 2);
    unit->ring[0].count = 1;
    go();
    cr_assert_eq(bond.phase, UIOMMU_PHASE_REST_CONSUME);
    resting(UIOMMU_DEVICE_RESENDS);
    go();
    cr_assert_eq(bond.phase, UIOMMU_PHASE_D3);
    cr_assert_eq(uiommu_bond_state(&bond), UIOMMU_BOND_DRAINING);
    resting(UIOMMU_DEVICE_RESENDS);
    bond.drain_until_ns = T0;
    go();
    cr_assert(bond.phase == UIOMMU_PHASE_POISONED && missing() == UIOMMU_PROOF_REQUESTS);
    cr_assert(bond.rounds == 0 && toy.tickets == 0);
    resting(UIOMMU_DEVICE_RESENDS);
    bond.until_ns = 0;
    go();
    cr_assert_eq(bond.phase, UIOMMU_PHASE_REST_CONSUME, "it rested for nothing");
    resting(UIOMMU_DEVICE_RESENDS);
    bond.absent = true;
    go();
    cr_assert_eq(bond.phase, UIOMMU_PHASE_REST_CONSUME);
    resting(UIOMMU_DEVICE_RESENDS);
    unit->ring[0].acks = 0;
    go();
    cr_assert_eq(bond.phase, UIOMMU_PHASE_REST_CONSUME);
    toy.waiting = 0;
}

/* The end: off the list, whoever is before and behind it, and nothing begins again. */
Test(drain_end, over)
{
    struct uiommu_bond before, behind;
    uint32_t generation;

    fresh(UIOMMU_PHASE_REST_CONSUME);
    before = bond;
    behind = bond;
    before.phase = behind.phase = UIOMMU_PHASE_REST;
    before.until_ns = behind.until_ns = UINT64_MAX;
    before.stop_next = &bond;
    bond.stop_next = &behind;
    behind.stop_next = NULL;
    unit->stopping = &before;
    uiommu_word_store(&bond.wants, UIOMMU_WANT_RESET | UIOMMU_WANT_STOPPED);
    bond.stop_confirmed = false;
    bond.generation = 4;
    bond.as = NULL;
    bond.pins = 1;
    generation = bond.generation;
    cr_assert_not(go());
    cr_assert(unit->stopping == &before && before.stop_next == &behind);
    cr_assert(!bond.stop_listed && bond.freed && bond.generation == generation + 1);
    cr_assert_eq(uiommu_bond_state(&bond), UIOMMU_BOND_FREE);
    unit->stopping = NULL;
}

/* R3: the first late request begins D3 again, the second one poisons. */
Test(drain_end, late)
{
    uint32_t count = 0;

    fresh(UIOMMU_PHASE_D3);
    pending();
    uiommu_word_store(&bond.state, UIOMMU_BOND_QUARANTINE);
    uiommu_drain_late(&bond);
    uiommu_drain_late(&bond);
    cr_assert(bond.late && lates(&count) == 1 && count == 1);
    bond.drain_until_ns = 1;
    bond.entered = true;
    go();
    cr_assert(bond.phase == UIOMMU_PHASE_D3 && !bond.late && bond.late_rounds == 1);
    cr_assert_eq(bond.drain_until_ns, T0 + unit->config.drain_ns);
    cr_assert_eq(uiommu_bond_state(&bond), UIOMMU_BOND_DRAINING, "nothing rests any more");
    bond.phase = UIOMMU_PHASE_REST;
    bond.until_ns = UINT64_MAX;
    uiommu_word_store(&bond.wants, UIOMMU_WANT_STOPPED | UIOMMU_WANT_RESET | UIOMMU_WANT_UNBIND);
    uiommu_drain_late(&bond);
    go();
    cr_assert(bond.phase == UIOMMU_PHASE_POISONED && !bond.stop_confirmed);
    cr_assert_eq(missing(), UIOMMU_PROOF_STOP | UIOMMU_PROOF_REQUESTS);
    cr_assert_eq(wants(), UIOMMU_WANT_UNBIND | UIOMMU_WANT_TOLD);
    uiommu_drain_late(&bond);
    go();
    cr_assert(bond.late && bond.late_rounds == 2, "it is poisoned already");
}

/* R8: a request behind the marker: what was shortened by it falls. */
Test(drain_end, unmarked)
{
    uint32_t phase;

    for (phase = UIOMMU_PHASE_NONE; phase <= UIOMMU_PHASE_END; phase++) {
        fresh((enum uiommu_phase)phase);
        mark();
        uiommu_bond_show(&bond);
        cr_assert_eq(uiommu_word_load(&bond.shown), 3);
        uiommu_drain_unmark(&bond);
        cr_assert_not(bond.marker);
        cr_assert_eq(uiommu_word_load(&bond.shown), 1);
        cr_assert_eq(bond.late, phase >= UIOMMU_PHASE_D3 && phase < UIOMMU_PHASE_POISONED, "%u",
                     phase);
    }
}

/* Markers of before a reset are nobody's; other devices' stay. */
Test(drain_end, reset)
{
    struct uiommu_device far;
    struct uiommu_bond other;

    memset(&far, 0, sizeof(far));
    fresh(UIOMMU_PHASE_STOP);
    other = bond;
    other.dev = &far;
    bond.stop_next = &other;
    other.marker = bond.marker = true;
    uiommu_drain_reset(&dev);
    cr_assert(!bond.marker && other.marker);
    bond.stop_next = NULL;
}

/* ---- when ---- */

/* R21: when each phase has something to do without being told. */
Test(drain_end, deadlines)
{
    const uint64_t soon = T0 + UIOMMU_RETRY_NS;
    uint32_t phase;

    for (phase = UIOMMU_PHASE_STOP; phase <= UIOMMU_PHASE_POISONED; phase++) {
        uint64_t want = soon;

        fresh((enum uiommu_phase)phase);
        bond.until_ns = T0 + 7;
        bond.stop_until_ns = T0 + 8;
        bond.drain_until_ns = T0 + 9;
        if (phase == UIOMMU_PHASE_STOP)
            want = T0 + 8;
        if (phase == UIOMMU_PHASE_D1 || phase == UIOMMU_PHASE_SWEEP_SETTLE ||
            phase == UIOMMU_PHASE_SWEEP_CONSUME || phase == UIOMMU_PHASE_SETTLE ||
            phase == UIOMMU_PHASE_REST)
            want = T0 + 7;
        if (phase == UIOMMU_PHASE_D6)
            want = T0 + 9;
        if (phase == UIOMMU_PHASE_POISONED)
            want = UINT64_MAX;
        cr_assert_eq(uiommu_drain_deadline(unit), want, "%u", phase);
    }
    fresh(UIOMMU_PHASE_STOP);
    cr_assert_eq(uiommu_drain_deadline(unit), UINT64_MAX, "stop() was not called yet");
    fresh(UIOMMU_PHASE_REST);
    bond.until_ns = T0;
    cr_assert_eq(uiommu_drain_deadline(unit), soon, "what is over is looked at soon");
    bond.until_ns = T0 + 1;
    cr_assert_eq(uiommu_drain_deadline(unit), T0 + 1);
    unit->stopping = NULL;
    cr_assert_eq(uiommu_drain_deadline(unit), UINT64_MAX);
}

/* Of several the first. */
Test(drain_end, first_deadline)
{
    struct uiommu_bond other;

    fresh(UIOMMU_PHASE_REST);
    other = bond;
    bond.stop_next = &other;
    other.stop_next = NULL;
    bond.until_ns = T0 + 5;
    other.until_ns = T0 + 3;
    cr_assert_eq(uiommu_drain_deadline(unit), T0 + 3);
    other.until_ns = T0 + 6;
    cr_assert_eq(uiommu_drain_deadline(unit), T0 + 5);
    bond.stop_next = NULL;
}
