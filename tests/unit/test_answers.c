/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit_scene.h"

/* R25 to R28, R31 to R33: what is answered, with what in it, and what never is. */

static uint32_t with_pasid; /* of the last answer */
static uint32_t (*const send)(void *, const struct uiommu_answer *, uint32_t) = toy_respond;

static uint32_t respond(void *hw, const struct uiommu_answer *answers, uint32_t count)
{
    if (count != 0)
        with_pasid = answers[count - 1].with_pasid;
    return send(hw, answers, count);
}

static void begin(void)
{
    struct uiommu_backend_ops ops = toy_ops;

    ops.respond = respond;
    memset(&scene, 0, sizeof(scene));
    toy_begin();
    scene_set(&ops);
}

TestSuite(answers, .init = begin, .fini = scene_end);

static struct uiommu_unit_counters counts(void)
{
    struct uiommu_unit_counters out;

    cr_assert_eq(uiommu_unit_get_counters(unit, &out), UIOMMU_OK);
    return out;
}

/* R32: what hardware wants answered is, with its own code, for IDs that nobody attached, too. */
Test(answers, preset_of_nobody)
{
    ask(77, scene.pasid, 1, LAST | UIOMMU_REQUEST_PRESET)->preset = UIOMMU_CODE_SUCCESS;
    ask(77, scene.pasid, 2, LAST | UIOMMU_REQUEST_PRESET)->preset = UIOMMU_CODE_FAILURE;
    ask(77, scene.pasid, 3, LAST);
    serve();
    cr_assert(counts().success == 1 && counts().failure == 1 && counts().invalid == 1);
    cr_assert_eq(toy.answers, 3);
    cr_assert_eq(toy.from, 77);
    ask(8, scene.pasid, 4, LAST | UIOMMU_REQUEST_PRESET)->preset = UIOMMU_CODE_FAILURE;
    serve();
    cr_assert_eq(device_counts(0).failure, 1);
    cr_assert_eq(scene.calls, 0);
}

/* An ID that fits into the ring's entry but into no command: nobody to answer. */
Test(answers, unnameable)
{
    ask(0x10000, scene.pasid, 1, LAST);
    serve();
    cr_assert_eq(toy.answers, 0);
    cr_assert_eq(counts().dropped, 1);
    unit->caps.id_bits = 32;
    ask(UINT32_MAX, scene.pasid, 1, LAST);
    serve();
    cr_assert_eq(toy.answers, 1);
    cr_assert_eq(toy.from, UINT32_MAX);
}

/* R28: with the PASID where the device wants it, or the unit always sends it. */
Test(answers, with_pasid)
{
    ask(8, scene.pasid, 1, LAST);
    serve();
    cr_assert_eq(with_pasid, 0);
    ask(8, scene.pasid + 1, 1, LAST);
    serve();
    cr_assert_eq(with_pasid, 0);
    unit->caps.flags &= ~UIOMMU_CAP_RESPONSE_PASID;
    ask(8, scene.pasid, 1, LAST);
    serve();
    cr_assert_eq(with_pasid, 1);
    ask(8, scene.pasid + 1, 1, LAST);
    serve();
    cr_assert_eq(with_pasid, 1);
    ask(8, scene.pasid, 1, LAST)->flags &= ~UIOMMU_REQUEST_PASID;
    serve();
    cr_assert_eq(with_pasid, 0);
    unit->caps.flags |= UIOMMU_CAP_RESPONSE_PASID;
    scene.dev[0]->pasid_required = true;
    ask(8, scene.pasid, 1, LAST);
    serve();
    cr_assert_eq(with_pasid, 1);
    cr_assert_eq(toy.answers, 6);
}

static void answer_without_room(void)
{
    toy.room = 0;
    cr_assert_eq(uiommu_group_respond(unit, scene.group, UIOMMU_CODE_SUCCESS), UIOMMU_OK);
    cr_assert_eq(uiommu_group_respond(unit, scene.group, UIOMMU_CODE_SUCCESS), UIOMMU_E_STALE);
}

/* R26: an answer from inside the handler that finds no room: once, when there is some. */
Test(answers, parked_inside)
{
    scene.meanwhile = answer_without_room;
    scene.says = UIOMMU_CODE_PENDING;
    ask(8, scene.pasid, 1, LAST);
    serve();
    cr_assert_eq(toy.answers, 0);
    cr_assert_eq(bond_info(0).in_flight, 1);
    toy.room = UINT32_MAX;
    serve();
    cr_assert_eq(toy.answers, 1);
    cr_assert_eq(toy.code[UIOMMU_CODE_SUCCESS & 3], 1);
    cr_assert_eq(bond_info(0).in_flight, 0);
    cr_assert_eq(scene.orphans, 0);
}

static void reset_inside(void)
{
    cr_assert_eq(uiommu_device_reset_begin(scene.dev[0]), UIOMMU_OK);
    as_another(3);
}

/* R33: the device was reset while its handler decided to answer later: it is told. */
Test(answers, pending_after_the_reset)
{
    scene.meanwhile = reset_inside;
    scene.says = UIOMMU_CODE_PENDING;
    ask(8, scene.pasid, 1, LAST);
    serve();
    cr_assert_eq(scene.orphans, 1);
    cr_assert_eq(scene.orphan, UIOMMU_ORPHAN_RESET);
    cr_assert_eq(bond_info(0).in_flight, 0);
    cr_assert_eq(toy.answers, 0);
    cr_assert_eq(reset_to_end(0), UIOMMU_OK);
    serve();
    cr_assert_eq(scene.orphans, 1);
}

static void reset_and_answer_inside(void)
{
    reset_inside();
    cr_assert_eq(uiommu_word_peek(&scene.port[0]->outstanding), 0, "the new life's credits");
    cr_assert_eq(uiommu_group_respond(unit, scene.group, UIOMMU_CODE_SUCCESS), UIOMMU_E_STALE);
    cr_assert_eq(scene.port[0]->released, 0, "they are not given back twice");
}

/* I19, I9: the answer comes from inside the handler, after the reset. */
Test(answers, inside_after_the_reset)
{
    scene.meanwhile = reset_and_answer_inside;
    ask(8, scene.pasid, 1, LAST);
    serve();
    cr_assert_eq(toy.answers, 0);
    cr_assert_eq(uiommu_word_peek(&scene.port[0]->outstanding), 0);
    cr_assert_eq(bond_info(0).in_flight, 0);
    cr_assert_eq(reset_to_end(0), UIOMMU_OK);
}

/* I19: nothing but answers of a device that was reset meanwhile: nothing is sent. */
Test(answers, none_left)
{
    toy.room = 0;
    ask(8, scene.pasid + 1, 2, LAST);
    serve();
    cr_assert_eq(uiommu_device_reset_begin(scene.dev[0]), UIOMMU_OK);
    toy.room = UINT32_MAX;
    serve();
    cr_assert_eq(toy.answers, 0);
    cr_assert_eq(counts().dropped, 1);
    cr_assert_eq(reset_to_end(0), UIOMMU_OK);
}

/* R31: hardware said FAILURE itself: a group of before has its answer. */
Test(answers, failure_sent)
{
    struct uiommu_event event;
    struct uiommu_device *plain;
    uint32_t n = 0;

    cr_assert_eq(scene_attach(20, 0, NULL, &plain), UIOMMU_OK);
    scene.says = UIOMMU_CODE_PENDING;
    ask(8, scene.pasid, 1, LAST);
    serve();
    toy.flags = UIOMMU_FETCH_FAILURE_SENT;
    serve();
    cr_assert_eq(uiommu_group_respond(unit, scene.group, UIOMMU_CODE_SUCCESS), UIOMMU_E_STALE);
    cr_assert_eq(toy.answers, 0);
    while (uiommu_unit_next_event(unit, &event) == UIOMMU_OK) {
        cr_assert_eq(event.kind, UIOMMU_EVENT_PRI_OFF);
        cr_assert_neq(event.device, plain, "it has no page requests");
        n++;
    }
    cr_assert_eq(n, 2);
    ask(8, scene.pasid, 2, LAST);
    serve();
    cr_assert_eq(toy.code[UIOMMU_CODE_FAILURE & 3], 1, "until its reset");
    cr_assert_eq(uiommu_device_detach(plain), UIOMMU_OK);
}

Test(answers, tokens_of_nothing)
{
    struct uiommu_group_ref ref = {0, 0};

    cr_assert_eq(uiommu_group_respond(unit, ref, UIOMMU_CODE_SUCCESS), UIOMMU_E_HANDLE);
    ref.generation = 1;
    cr_assert_eq(uiommu_group_respond(unit, ref, UIOMMU_CODE_SUCCESS), UIOMMU_E_STALE);
    ref.index = unit->pool.count * UIOMMU_SLOT_CHUNK;
    cr_assert_eq(uiommu_group_respond(unit, ref, UIOMMU_CODE_SUCCESS), UIOMMU_E_HANDLE);
    cr_assert_null(uiommu_group_next_page(NULL, NULL));
}

/* I3: a slot whose generation has come round gives out no token 0. */
Test(answers, generation_wraps)
{
    struct uiommu_group_slot *slot;
    uint32_t i;

    scene.says = UIOMMU_CODE_PENDING;
    ask(8, scene.pasid, 1, LAST);
    serve();
    slot = uiommu_slot_at(unit, scene.group.index);
    slot->generation = UINT32_MAX;
    scene.group.generation = UINT32_MAX;
    cr_assert_eq(uiommu_group_respond(unit, scene.group, UIOMMU_CODE_SUCCESS), UIOMMU_OK);
    cr_assert_eq(slot->generation, 1);
    cr_assert_eq(uiommu_group_respond(unit, scene.group, UIOMMU_CODE_SUCCESS), UIOMMU_E_STALE);
    for (i = 0; i < 2; i++) {
        ask(8, scene.pasid, 2, LAST);
        serve();
        cr_assert_eq(uiommu_group_respond(unit, scene.group, UIOMMU_CODE_SUCCESS), UIOMMU_OK);
    }
    cr_assert_eq(toy.answers, 3);
}

static void stall_answered_inside(void)
{
    cr_assert_eq(uiommu_group_respond(unit, scene.group, UIOMMU_CODE_SUCCESS), UIOMMU_OK);
    cr_assert_eq(unit->stalls_released, 1);
}

/* R25: a stall that was answered is no stall, though its handler goes on. */
Test(answers, stall_inside)
{
    scene.meanwhile = stall_answered_inside;
    ask(8, scene.pasid, 1, LAST | UIOMMU_REQUEST_STALL);
    serve();
    cr_assert_eq(toy.answers, 1);
    uiommu_credits_take(unit, NULL);
    cr_assert_eq(unit->stalls, 0);
}

/* Entries grant no execution here: neither a request nor a stall gets as far as a handler. */
Test(answers, beyond_the_access)
{
    unit->caps.access = UIOMMU_READ | UIOMMU_WRITE;
    ask(8, scene.pasid, 1, LAST | UIOMMU_EXEC | UIOMMU_REQUEST_STALL);
    ask(8, scene.pasid, 2, LAST | UIOMMU_EXEC);
    serve();
    cr_assert_eq(scene.calls, 0);
    cr_assert_eq(toy.code[UIOMMU_CODE_INVALID & 3], 2);
    ask(8, scene.pasid, 1, LAST | UIOMMU_WRITE | UIOMMU_REQUEST_STALL);
    serve();
    cr_assert_eq(scene.calls, 1);
}

/* No room for one more stall, although the ring says there is. */
Test(answers, too_many_stalls)
{
    uint32_t i;

    scene.says = UIOMMU_CODE_PENDING;
    for (i = 0; i < 9; i++)
        ask(8, scene.pasid, i, LAST | UIOMMU_REQUEST_STALL);
    serve();
    cr_assert_eq(scene.calls, 8);
    cr_assert_eq(device_counts(0).over_credit, 1);
    cr_assert_eq(toy.code[UIOMMU_CODE_INVALID & 3], 1);
    uiommu_pending_orphan(unit, NULL, scene.dev[0], UIOMMU_ORPHAN_EXPIRED);
    serve();
    cr_assert_eq(scene.orphans, 8);
}
