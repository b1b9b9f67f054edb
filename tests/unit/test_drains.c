/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit_scene.h"

/* R4, R9, R10, R15, R20, R29: shutdowns that something goes wrong with. */

static bool is_absent;

static uiommu_err present(void *ctx)
{
    (void)ctx;
    return is_absent ? UIOMMU_E_GONE : UIOMMU_OK;
}

static const struct uiommu_device_ops functions = {.size = sizeof(functions), .present = present};

static void begin(void)
{
    memset(&scene, 0, sizeof(scene));
    is_absent = false;
    toy_begin();
    scene.pf_flags = UIOMMU_DEVICE_RESENDS;
    scene.device_ops = &functions;
    scene_set(&toy_ops);
}

static void end(void)
{
    is_absent = false;
    scene_end();
}

TestSuite(drains, .init = begin, .fini = end);

#define ABORT (UIOMMU_UNBIND_STOPPED | UIOMMU_UNBIND_ABORT)

static void unbind_begin(uint32_t flags)
{
    cr_assert_eq(uiommu_unbind_begin(u, scene.bond[0], flags), UIOMMU_OK);
}

static void fail(enum toy_op op, uiommu_err with)
{
    toy.failing = op;
    toy.with = with;
}

static void reset(void)
{
    cr_assert_eq(uiommu_device_reset_begin(scene.dev[0]), UIOMMU_OK);
    cr_assert_eq(reset_to_end(0), UIOMMU_OK);
    serve();
}

/* R15, R16: from the wave on that hangs nothing is proved; before it, all was. */
Test(drains, hangs_at_each_wave)
{
    static const uint32_t missing[] = {
        UIOMMU_PROOF_CONFIG | UIOMMU_PROOF_TLB | UIOMMU_PROOF_DEVICE | UIOMMU_PROOF_REQUESTS,
        UIOMMU_PROOF_TLB | UIOMMU_PROOF_DEVICE | UIOMMU_PROOF_REQUESTS,
        UIOMMU_PROOF_DEVICE | UIOMMU_PROOF_REQUESTS};
    static const enum uiommu_phase phases[] = {UIOMMU_PHASE_D2_CONFIG, UIOMMU_PHASE_D2_TLB,
                                               UIOMMU_PHASE_D2_DEVICE};
    uint32_t i;

    for (i = 0; i < 3; i++) {
        unbind_begin(ABORT);
        while (bond_at(0)->phase != phases[i])
            cr_assert_neq(uiommu_unit_service(unit, 0), UIOMMU_E_HANDLE);
        fail(TOY_POLL, UIOMMU_PENDING);
        host.tick_ns = 10000000;
        serve();
        cr_assert_eq(bond_info(0).state, UIOMMU_BOND_POISONED);
        cr_assert_eq(bond_info(0).missing, missing[i]);
        cr_assert_eq(uiommu_word_load(&unit->hung), 1);
        toy.failing = TOY_NONE;
        host.tick_ns = 1000;
        cr_assert_eq(uiommu_unbind_poll(u, scene.bond[0]), UIOMMU_E_WITHHELD);
        serve();
        cr_assert_eq(bond_info(0).state, UIOMMU_BOND_FREE);
        cr_assert_eq(scene_bind(scene.dev[0], scene.as, scene.pasid, &scene.bond[0]), UIOMMU_OK);
    }
}

/* The barrier finds no room: later. */
Test(drains, barrier_without_room)
{
    fail(TOY_BARRIER, UIOMMU_E_BUSY);
    toy.times = 5;
    cr_assert_eq(uiommu_unbind(u, scene.bond[0], ABORT), UIOMMU_OK);
    cr_assert_eq(toy.failing, TOY_NONE);
    cr_assert_eq(scene.dev[0]->barrier.begun, 1);
}

static void stop_tickets(struct fake_host *h)
{
    if (h->trace.id != UIOMMU_TRACE_STEP || h->trace.c != UIOMMU_STEP_D3)
        return;
    h->on_trace = NULL;
    fail(TOY_POLL, UIOMMU_PENDING);
}

/* R16: on a unit that hangs a barrier fails at the first look. */
Test(drains, barrier_on_a_hung_unit)
{
    host.on_trace = stop_tickets;
    unbind_begin(ABORT);
    serve();
    cr_assert_eq(bond_at(0)->phase, UIOMMU_PHASE_D3);
    cr_assert_neq(scene.dev[0]->barrier.begun, scene.dev[0]->barrier.done);
    uiommu_unit_hangs(unit, 0);
    cr_assert_neq(uiommu_unit_service(unit, 0), UIOMMU_E_HANDLE);
    cr_assert_eq(scene.dev[0]->barrier.begun, scene.dev[0]->barrier.done);
    cr_assert_eq(scene.dev[0]->barrier.good, 0);
    cr_assert_eq(bond_info(0).state, UIOMMU_BOND_POISONED);
    cr_assert_eq(bond_info(0).missing, UIOMMU_PROOF_REQUESTS);
    toy.failing = TOY_NONE;
    reset();
}

/* R20: a device that is not there any more needs no barrier, and has stopped. */
Test(drains, absent)
{
    is_absent = true;
    cr_assert_eq(uiommu_unbind(u, scene.bond[0], ABORT), UIOMMU_OK);
    cr_assert_eq(scene.dev[0]->barrier.begun, 0);
    serve();
    cr_assert_eq(bond_info(0).state, UIOMMU_BOND_FREE);
}

/* That proves nothing of caches; it is tried once more for it, and not again for ever. */
Test(drains, absent_and_withheld)
{
    is_absent = true;
    fail(TOY_CONFIG, UIOMMU_E_HW);
    unbind_begin(ABORT);
    serve();
    cr_assert_eq(bond_info(0).state, UIOMMU_BOND_POISONED);
    cr_assert_eq(bond_info(0).missing, UIOMMU_PROOF_CONFIG);
    cr_assert_eq(toy.cleared, 2);
    serve();
    cr_assert_eq(toy.cleared, 2);
    toy.failing = TOY_NONE;
    cr_assert_eq(uiommu_unbind(u, scene.bond[0], 0), UIOMMU_E_WITHHELD, "told, then asked for");
    serve();
    cr_assert_eq(bond_info(0).state, UIOMMU_BOND_FREE);
    cr_assert_eq(toy.cleared, 3);
}

/* R9: each reset is a reason to try again what hardware withholds. */
Test(drains, reset_twice)
{
    uint32_t i;

    fail(TOY_CONFIG, UIOMMU_E_HW);
    unbind_begin(ABORT);
    serve();
    cr_assert_eq(toy.cleared, 1);
    for (i = 0; i < 2; i++) {
        toy.failing = TOY_NONE;
        cr_assert_eq(uiommu_device_reset_begin(scene.dev[0]), UIOMMU_OK);
        cr_assert_eq(reset_to_end(0), UIOMMU_OK);
        fail(TOY_CONFIG, UIOMMU_E_HW);
        serve();
        cr_assert_eq(bond_info(0).state, UIOMMU_BOND_POISONED);
        cr_assert_eq(toy.cleared, 2 + i);
    }
    toy.failing = TOY_NONE;
    reset();
    cr_assert_eq(bond_info(0).state, UIOMMU_BOND_FREE);
}

/* R20: removed before anybody asked for the unbind, or while its driver was asked: it has stopped.
 */
Test(drains, removed)
{
    cr_assert_eq(uiommu_device_removed(scene.dev[0]), UIOMMU_OK);
    cr_assert_eq(uiommu_unbind(u, scene.bond[0], 0), UIOMMU_OK);
    cr_assert_eq(uiommu_unbind_begin(u, scene.bond[1], 0), UIOMMU_OK);
    serve();
    cr_assert_eq(bond_info(1).state, UIOMMU_BOND_STOPPING);
    cr_assert_eq(uiommu_device_removed(scene.dev[1]), UIOMMU_OK);
    serve();
    cr_assert_eq(bond_info(1).state, UIOMMU_BOND_FREE);
}

/* R10: nor does its sweep go on for what handlers have. */
Test(drains, removed_in_the_sweep)
{
    scene.says = UIOMMU_CODE_PENDING;
    ask(8, scene.pasid, 1, LAST);
    serve();
    unbind_begin(UIOMMU_UNBIND_STOPPED);
    serve();
    cr_assert_eq(bond_at(0)->phase, UIOMMU_PHASE_SWEEP_CONSUME);
    cr_assert_eq(uiommu_device_removed(scene.dev[0]), UIOMMU_OK);
    serve();
    cr_assert_eq(scene.orphans, 1);
    cr_assert_eq(bond_info(0).state, UIOMMU_BOND_FREE);
    cr_assert_eq(toy.answers, 0);
}

/* R10: a barrier that takes too long for a sweep ends the sweep, not the drain. */
Test(drains, sweep_without_a_barrier)
{
    unit->config.drain_ns = 1000000;
    unit->config.command_ns = UINT64_C(1000000000000);
    unbind_begin(UIOMMU_UNBIND_STOPPED);
    serve();
    cr_assert_eq(bond_info(0).state, UIOMMU_BOND_FREE);
    cr_assert_eq(scene_bind(scene.dev[0], scene.as, scene.pasid, &scene.bond[0]), UIOMMU_OK);
    unbind_begin(UIOMMU_UNBIND_STOPPED);
    fail(TOY_POLL, UIOMMU_PENDING);
    host.tick_ns = 10000;
    serve();
    cr_assert_geq(bond_at(0)->phase, UIOMMU_PHASE_D2_CONFIG);
    toy.failing = TOY_NONE;
    unit->config.drain_ns = UINT64_C(10000000000);
    serve();
    cr_assert_eq(bond_info(0).state, UIOMMU_BOND_FREE);
}

/* R5: the drain's own time is over before the barrier's: nothing is proved of requests. */
Test(drains, barrier_too_slow)
{
    unit->config.drain_ns = 1000000;
    unit->config.command_ns = UINT64_C(1000000000000);
    host.on_trace = stop_tickets;
    host.tick_ns = 10000;
    unbind_begin(ABORT);
    serve();
    cr_assert_eq(bond_info(0).state, UIOMMU_BOND_POISONED);
    cr_assert_eq(bond_info(0).missing, UIOMMU_PROOF_REQUESTS);
    toy.failing = TOY_NONE;
    unit->config.drain_ns = UINT64_C(10000000000);
    reset();
    cr_assert_eq(bond_info(0).state, UIOMMU_BOND_FREE);
}

static void for_long(void)
{
    uint32_t i;

    host.self = 2;
    unbind_begin(UIOMMU_UNBIND_STOPPED);
    as_another(10);
    cr_assert_eq(bond_at(0)->phase, UIOMMU_PHASE_SWEEP_CONSUME);
    host.now_ns += UINT64_C(21000000000); /* twice answer_ns, and a second */
    as_another(2);
    cr_assert_geq(bond_at(0)->phase, UIOMMU_PHASE_D1);
    host.now_ns += UINT64_C(21000000000);
    as_another(20);
    host.now_ns += UINT64_C(21000000000);
    as_another(20);
    cr_assert_eq(bond_info(0).state, UIOMMU_BOND_POISONED);
    cr_assert_eq(bond_info(0).missing, UIOMMU_PROOF_HANDLERS);
    for (i = 0; i < 2; i++) {
        cr_assert_eq(uiommu_device_reset_begin(scene.dev[0]), UIOMMU_OK);
        cr_assert_eq(reset_to_end(0), UIOMMU_OK);
        as_another(20);
        host.now_ns += UINT64_C(21000000000);
        as_another(20);
        cr_assert_eq(bond_info(0).state, UIOMMU_BOND_POISONED);
        cr_assert_eq(bond_info(0).missing, UIOMMU_PROOF_HANDLERS);
        cr_assert_eq(toy.cleared, 2, "proved by the first reset, for all of them");
    }
    host.self = 1;
}

/* I14: a handler that does not come back keeps its bond, whatever else is proved, and no longer. */
Test(drains, handler_for_long)
{
    scene.meanwhile = for_long;
    ask(8, scene.pasid, 1, LAST);
    serve();
    cr_assert_eq(scene.calls, 1);
    cr_assert_eq(bond_info(0).state, UIOMMU_BOND_FREE);
}

/* A bond without PASID may be withheld as others are; there is no number to keep. */
Test(drains, untagged)
{
    struct uiommu_bond_info info;
    struct uiommu_bond_ref ref;

    cr_assert_eq(scene_bind(scene.dev[0], scene.as, UIOMMU_PASID_NONE, &ref), UIOMMU_OK);
    toy.strength = UIOMMU_BARRIER_NONE;
    cr_assert_eq(uiommu_unbind(u, ref, ABORT), UIOMMU_E_POISONED);
    toy.strength = UIOMMU_BARRIER_PROVED;
    reset();
    cr_assert_eq(uiommu_bond_get_info(u, ref, &info), UIOMMU_OK);
    cr_assert_eq(info.state, UIOMMU_BOND_FREE);
}

/* ---- the rest of a device that sends again what was lost ---- */

static void to_rest(void)
{
    toy.strength = UIOMMU_BARRIER_ORDERED;
    cr_assert_eq(uiommu_unbind(u, scene.bond[0], ABORT), UIOMMU_OK);
    cr_assert_eq(bond_info(0).state, UIOMMU_BOND_QUARANTINE);
    cr_assert_eq(bond_info(0).barriers, 2);
    toy.flags = UIOMMU_FETCH_OVERFLOW;
}

/* R29: an overflow in the rest, with time left: D3 once more. Without: nothing is proved. */
Test(drains, overflow_in_the_rest)
{
    to_rest();
    host.tick_ns = 100000;
    serve();
    cr_assert_eq(bond_info(0).state, UIOMMU_BOND_FREE);
    cr_assert_eq(scene_bind(scene.dev[0], scene.as, scene.pasid, &scene.bond[0]), UIOMMU_OK);
    host.tick_ns = 1000;
    to_rest();
    host.now_ns += UINT64_C(30000000000); /* more than drain_ns */
    serve();
    cr_assert_eq(bond_info(0).state, UIOMMU_BOND_POISONED);
    cr_assert_eq(bond_info(0).missing, UIOMMU_PROOF_REQUESTS);
    toy.strength = UIOMMU_BARRIER_PROVED;
    reset();
    cr_assert_eq(bond_info(0).state, UIOMMU_BOND_FREE);
}

/* R20: gone by then, it sends nothing again. */
Test(drains, removed_in_the_rest)
{
    uint32_t begun = 0;

    to_rest();
    begun = scene.dev[0]->barrier.begun;
    cr_assert_eq(uiommu_device_removed(scene.dev[0]), UIOMMU_OK);
    host.now_ns += UINT64_C(30000000000);
    serve();
    cr_assert_eq(bond_info(0).state, UIOMMU_BOND_FREE);
    cr_assert_eq(scene.dev[0]->barrier.begun, begun);
}

/* R3: what comes while D2 is proved once more is no more late than before the first D3. */
Test(drains, request_in_the_second_try)
{
    struct uiommu_event event;

    fail(TOY_CONFIG, UIOMMU_E_HW);
    unbind_begin(ABORT);
    serve();
    cr_assert_eq(bond_info(0).state, UIOMMU_BOND_POISONED);
    while (uiommu_unit_next_event(unit, &event) == UIOMMU_OK)
        ;
    toy.failing = TOY_NONE;
    cr_assert_eq(uiommu_unbind_poll(u, scene.bond[0]), UIOMMU_E_WITHHELD);
    fail(TOY_POLL, UIOMMU_PENDING);
    serve();
    ask(8, scene.pasid, 1, LAST);
    serve();
    cr_assert_eq(bond_at(0)->phase, UIOMMU_PHASE_D2_CONFIG);
    cr_assert_eq(bond_at(0)->late, false);
    cr_assert_eq(uiommu_unit_next_event(unit, &event), UIOMMU_E_NOT_FOUND);
    toy.failing = TOY_NONE;
    serve();
    cr_assert_eq(bond_info(0).state, UIOMMU_BOND_FREE);
    cr_assert_eq(toy.code[UIOMMU_CODE_INVALID & 3], 1);
}
