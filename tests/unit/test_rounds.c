/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit_scene.h"

/* R18, R21, R22: in which order a round of service does what it does, and what a second one in the
 * same call is for. */

static char order[9];
static uint32_t orders, acks, due_then;
static void (*at_ack)(void); /* in each round */

static void did(char what)
{
    if (orders < sizeof(order) - 1)
        order[orders++] = what;
}

static uint32_t respond(void *hw, const struct uiommu_answer *answers, uint32_t count)
{
    did('r');
    return toy_respond(hw, answers, count);
}

static uiommu_err barrier(void *hw, void *d, uint32_t pasid, uint64_t *ticket, uint32_t *strength)
{
    did('b');
    return toy_barrier(hw, d, pasid, ticket, strength);
}

static void ack(void *hw)
{
    (void)hw;
    acks++;
    if (at_ack != NULL)
        at_ack();
}

static void begin(void)
{
    struct uiommu_backend_ops ops = toy_ops;

    ops.respond = respond;
    ops.barrier = barrier;
    ops.irq_ack = ack;
    at_ack = NULL;
    memset(&scene, 0, sizeof(scene));
    toy_begin();
    scene_set(&ops);
    serve();
    memset(order, 0, sizeof(order));
    orders = acks = due_then = 0;
}

static void end(void)
{
    at_ack = NULL;
    scene_end();
}

TestSuite(rounds, .init = begin, .fini = end);

/* R18: what is refused has its answer before a barrier begins. */
Test(rounds, answers_before_barriers)
{
    ask(8, scene.pasid + 1, 1, LAST);
    cr_assert_eq(uiommu_unbind_begin(u, scene.bond[0], UIOMMU_UNBIND_STOPPED), UIOMMU_OK);
    (void)!uiommu_unit_service(unit, 0);
    cr_assert_str_eq(order, "rb");
}

/* A Last that is in the ring has come in time, however late the ring is looked at. */
Test(rounds, last_in_the_ring)
{
    ask(8, scene.pasid, 5, 0);
    serve();
    host.now_ns += 2 * unit->config.partial_ns;
    ask(8, scene.pasid, 5, LAST);
    serve();
    cr_assert(scene.calls == 1 && scene.pages == 2);
    cr_assert_eq(device_counts(0).dropped, 0);
}

static void stall_of_another(void)
{
    ask(9, scene.pasid, 3, LAST | UIOMMU_REQUEST_STALL);
    as_another(1);
}

static void at_second(void)
{
    scene.meanwhile = stall_of_another;
}

/* What a handler has said frees a place, also before its runner is through with the others. */
Test(rounds, places_of_runners)
{
    uint32_t slots = unit->stall_slots;

    unit->stall_slots = 2;
    scene.meanwhile = at_second;
    ask(8, scene.pasid, 1, LAST | UIOMMU_REQUEST_STALL);
    ask(8, scene.pasid, 2, LAST | UIOMMU_REQUEST_STALL);
    (void)!uiommu_unit_service(unit, 0);
    serve();
    cr_assert_eq(device_counts(1).over_credit, 0);
    cr_assert(scene.calls == 3 && toy.answers == 3);
    unit->stall_slots = slots;
}

/* ---- when it is due again ---- */

static bool is_due_soon(void)
{
    return uiommu_unit_next_deadline(unit) <= host.now_ns + UIOMMU_RETRY_NS;
}

/* R26: an answer that found no room is tried again before long. */
Test(rounds, due_for_an_answer)
{
    toy.room = 0;
    ask(8, scene.pasid, 1, LAST);
    serve();
    cr_assert(scene.calls == 1 && toy.answers == 0);
    cr_assert(is_due_soon());
    toy.room = 1;
    serve();
    cr_assert_eq(toy.answers, 1);
    cr_assert_not(is_due_soon());
}

/* R21: what a shutdown waits for is that of the step it has come to. */
Test(rounds, due_for_the_next_step)
{
    cr_assert_eq(uiommu_unbind_begin(u, scene.bond[0], 0), UIOMMU_OK);
    serve();
    cr_assert_not(is_due_soon(), "nobody has said yet that the device has stopped");
    toy.failing = TOY_POLL;
    toy.with = UIOMMU_PENDING;
    cr_assert_eq(uiommu_bond_stopped(u, scene.bond[0]), UIOMMU_OK);
    cr_assert_eq(uiommu_unit_service(unit, 0), UIOMMU_OK);
    cr_assert_eq(bond_at(0)->phase, UIOMMU_PHASE_SWEEP);
    cr_assert(is_due_soon());
}

/* ---- groups that are left ---- */

static void hold_runners(uint32_t busy)
{
    uint32_t i;

    for (i = 0; i < UIOMMU_RUNNERS; i++)
        uiommu_word_store(&unit->runner[i].caller.busy, busy);
}

static void look_at_due(void)
{
    due_then = uiommu_word_load(&unit->due_now);
}

static void three(void)
{
    ask(8, scene.pasid, 1, LAST);
    ask(9, scene.pasid, 1, LAST);
    ask(8, scene.pasid, 2, LAST);
}

/* R21: a handler may take its time: of what is left others hear before it is called. */
Test(rounds, told_before_handlers)
{
    hold_runners(1);
    three();
    (void)!uiommu_unit_service(unit, 0);
    cr_assert_eq(scene.calls, 0);
    hold_runners(0);
    scene.meanwhile = look_at_due;
    cr_assert_eq(uiommu_unit_service(unit, 1), UIOMMU_MORE);
    cr_assert(scene.calls == 1 && due_then == 1);
    serve();
    cr_assert_eq(scene.calls, 3);
}

static void again_with_one(void)
{
    if (acks == 1)
        uiommu_unit_kick(unit);
    else if (acks == 2)
        ask(8, scene.pasid, 1, LAST);
}

/* R21: what comes while somebody asks again is dispatched by the same call. */
Test(rounds, picked_in_the_second)
{
    at_ack = again_with_one;
    cr_assert_eq(uiommu_unit_service(unit, 0), UIOMMU_OK);
    cr_assert(acks == 2 && scene.calls == 1);
}

static void again_with_runners(void)
{
    if (acks == 1)
        uiommu_unit_kick(unit);
    else
        hold_runners(0);
}

Test(rounds, told_in_the_second)
{
    hold_runners(1);
    three();
    (void)!uiommu_unit_service(unit, 0);
    acks = 0;
    at_ack = again_with_runners;
    scene.meanwhile = look_at_due;
    cr_assert_eq(uiommu_unit_service(unit, 2), UIOMMU_MORE);
    cr_assert(acks == 2 && scene.calls == 2 && due_then == 1);
    serve();
    cr_assert_eq(scene.calls, 3);
}
