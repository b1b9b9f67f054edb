/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit_scene.h"

/* R25, R26: one answer for each group, with what belongs to it, counted and told where it should.
 */

#define SENT 32u

static struct uiommu_answer sent[SENT]; /* in order */
static uint32_t sents, refusals;        /* so many calls find no room */
static struct uiommu_trace told;        /* of the kind */
static uint32_t kind;

static uint32_t record(void *hw, const struct uiommu_answer *answers, uint32_t count)
{
    uint32_t done;

    if (refusals != 0) {
        refusals--;
        return 0;
    }
    done = toy_respond(hw, answers, count);
    cr_assert_leq(sents + done, SENT);
    memcpy(&sent[sents], answers, done * sizeof(answers[0]));
    sents += done;
    return done;
}

/* All of them, locks or not. */
static void tell(void *ctx, const struct uiommu_trace *trace)
{
    (void)ctx;
    if (trace->id == kind)
        told = *trace;
}

static void begin(void)
{
    struct uiommu_owner_config c = {.size = sizeof(c)};
    struct uiommu_backend_ops ops = toy_ops;

    ops.respond = record;
    sents = kind = refusals = 0;
    memset(&told, 0, sizeof(told));
    memset(&scene, 0, sizeof(scene));
    toy_begin();
    u->host.trace = tell;
    cr_assert_eq(uiommu_owner_create(u, &c, &scene.owner), UIOMMU_OK);
    scene_set(&ops);
}

TestSuite(answer_once, .init = begin, .fini = scene_end);

static struct uiommu_group_ref pending(uint32_t index)
{
    scene.says = UIOMMU_CODE_PENDING;
    ask(8, scene.pasid, index, LAST);
    serve();
    return scene.group;
}

static struct uiommu_bond_counters bond_counts(uint32_t i)
{
    struct uiommu_bond_counters out;

    cr_assert_eq(uiommu_bond_get_counters(u, scene.bond[i], &out), UIOMMU_OK);
    return out;
}

Test(answer_once, counters)
{
    struct uiommu_group_ref ref = pending(1);

    cr_assert_eq(uiommu_word_load(&scene.owner->in_flight), 1);
    cr_assert_eq(uiommu_word_load(&scene.owner->waiting), 0, "there was room at once");
    cr_assert_eq(uiommu_group_respond(unit, ref, UIOMMU_CODE_SUCCESS), UIOMMU_OK);
    cr_assert_eq(uiommu_word_load(&scene.owner->in_flight), 0);
    cr_assert(unit->counters.success == 1 && unit->counters.invalid == 0);
    cr_assert(device_counts(0).success == 1 && device_counts(0).invalid == 0);
    cr_assert(bond_counts(0).success == 1 && bond_counts(0).invalid == 0);
    cr_assert_eq(scene.owner->invalid, 0);
    ref = pending(2);
    cr_assert_eq(uiommu_group_respond(unit, ref, UIOMMU_CODE_INVALID), UIOMMU_OK);
    cr_assert(unit->counters.success == 1 && unit->counters.invalid == 1);
    cr_assert(device_counts(0).success == 1 && device_counts(0).invalid == 1);
    cr_assert(bond_counts(0).success == 1 && bond_counts(0).invalid == 1);
    cr_assert_eq(scene.owner->invalid, 1);
    cr_assert_eq(unit->counters.failure, 0);
    cr_assert_eq(bond_counts(0).groups, 2);
    cr_assert_eq(scene.owner->groups, 2);
}

/* R4: a shutdown that waits for the group hears that it is over. */
Test(answer_once, shutdown_hears)
{
    struct uiommu_group_ref ref = pending(1);
    uint32_t due = uiommu_word_load(&unit->due);

    bond_at(0)->stop_listed = true;
    cr_assert_eq(uiommu_group_respond(unit, ref, UIOMMU_CODE_SUCCESS), UIOMMU_OK);
    bond_at(0)->stop_listed = false;
    cr_assert_neq(uiommu_word_load(&unit->due), due);
}

/* A device that stalls needs no port. */
Test(answer_once, without_a_port)
{
    struct uiommu_device *platform;
    struct uiommu_bond_ref ref;

    cr_assert_eq(scene_attach(30, UIOMMU_DEVICE_PASID | UIOMMU_DEVICE_STALL, NULL, &platform),
                 UIOMMU_OK);
    cr_assert_eq(scene_bind(platform, scene.as, scene.pasid, &ref), UIOMMU_OK);
    ask(30, scene.pasid, 5, LAST | UIOMMU_REQUEST_STALL);
    serve();
    cr_assert_eq(sents, 1);
    cr_assert(sent[0].id == 30 && sent[0].code == UIOMMU_CODE_SUCCESS);
    cr_assert_eq(sent[0].flags, UIOMMU_REQUEST_PASID | UIOMMU_REQUEST_STALL);
    cr_assert_eq(uiommu_unbind(u, ref, UIOMMU_UNBIND_STOPPED), UIOMMU_OK);
    serve();
    cr_assert_eq(uiommu_device_detach(platform), UIOMMU_OK);
}

/* R28: the PASID of the group, or none; what has none carries none, whatever the device wants. */
Test(answer_once, with_and_without_a_pasid)
{
    struct uiommu_bond_ref ref;

    cr_assert_eq(scene_bind(scene.dev[0], scene.as, UIOMMU_PASID_NONE, &ref), UIOMMU_OK);
    scene.dev[0]->pasid_required = true;
    ask(8, 0, 1, LAST)->flags &= ~UIOMMU_REQUEST_PASID;
    ask(8, scene.pasid, 2, LAST);
    serve();
    cr_assert_eq(sents, 2);
    cr_assert(sent[0].pasid == UIOMMU_PASID_NONE && sent[0].flags == 0 && !sent[0].with_pasid);
    cr_assert(sent[1].pasid == scene.pasid && sent[1].flags == UIOMMU_REQUEST_PASID &&
              sent[1].with_pasid);
    ask(8, scene.pasid + 1, 3, LAST);
    ask(9, scene.pasid + 1, 4, LAST);
    ask(77, scene.pasid, 5, LAST);
    serve();
    cr_assert(sent[2].with_pasid && !sent[3].with_pasid && sent[4].with_pasid);
    cr_assert_eq(uiommu_unbind(u, ref, UIOMMU_UNBIND_STOPPED), UIOMMU_OK);
    serve();
}

/* Parked answers are a list of their own: what was ready behind a group is no part of it. */
Test(answer_once, parked_alone)
{
    struct uiommu_group_ref first;

    scene.says = UIOMMU_CODE_PENDING;
    ask(8, scene.pasid, 1, LAST);
    ask(8, scene.pasid, 2, LAST);
    serve();
    first = scene.group;
    first.index = uiommu_slot_at(unit, unit->pool.live.head)->index;
    first.generation = uiommu_slot_at(unit, first.index)->generation;
    refusals = 1;
    cr_assert_eq(uiommu_group_respond(unit, first, UIOMMU_CODE_SUCCESS), UIOMMU_OK);
    cr_assert(uiommu_unit_valid(unit));
    serve();
    cr_assert_eq(sents, 1);
    cr_assert_eq(bond_info(0).in_flight, 1);
}

static struct uiommu_group_ref waits;

static void room_inside(void)
{
    refusals = 0;
}

/* Room that comes while a handler runs is for those who wait. */
Test(answer_once, behind_the_parked)
{
    waits = pending(1);
    refusals = UINT32_MAX;
    cr_assert_eq(uiommu_group_respond(unit, waits, UIOMMU_CODE_INVALID), UIOMMU_OK);
    scene.says = UIOMMU_CODE_SUCCESS;
    scene.meanwhile = room_inside;
    ask(8, scene.pasid, 2, LAST);
    (void)!uiommu_unit_service(unit, 0);
    cr_assert_eq(sents, 0);
    refusals = 1; /* nor do answers without slots go first */
    ask(9, scene.pasid + 1, 3, LAST);
    uiommu_assemble(unit, 0, &toy.request[0], 1, unit->ring[0].count);
    toy.waiting = 0;
    uiommu_answers_flush(unit);
    cr_assert_eq(sents, 0);
    serve();
    cr_assert(sents == 3 && sent[0].index == 1 && sent[1].index == 2 && sent[2].index == 3);
}

static void answers_inside(void)
{
    cr_assert_eq(uiommu_group_respond(unit, scene.group, UIOMMU_CODE_SUCCESS), UIOMMU_OK);
    scene.meanwhile = answers_inside;
}

/* Slots of groups that were answered in their handlers come back, all of them. */
Test(answer_once, inside)
{
    scene.meanwhile = answers_inside;
    ask(8, scene.pasid, 1, LAST);
    ask(8, scene.pasid, 2, LAST);
    ask(8, scene.pasid, 3, LAST);
    (void)!uiommu_unit_service(unit, 0);
    scene.meanwhile = NULL;
    cr_assert_eq(sents, 3);
    cr_assert(uiommu_unit_valid(unit), "with slots that were given back");
    serve();
    cr_assert_eq(bond_info(0).in_flight, 0);
}

static void no_room_inside(void)
{
    refusals = 1;
    cr_assert_eq(uiommu_group_respond(unit, scene.group, UIOMMU_CODE_INVALID), UIOMMU_OK);
    cr_assert(uiommu_unit_valid(unit));
}

/* What the handler says afterwards is too late. */
Test(answer_once, parked_inside)
{
    scene.meanwhile = no_room_inside;
    ask(8, scene.pasid, 1, LAST);
    serve();
    cr_assert_eq(sents, 1);
    cr_assert_eq(sent[0].code, UIOMMU_CODE_INVALID);
    cr_assert_eq(bond_info(0).in_flight, 0);
    cr_assert(uiommu_unit_valid(unit));
}

/* R33: nothing is sent, it is counted and told, and the group is over. */
Test(answer_once, dropped)
{
    struct uiommu_group_ref ref = pending(7);

    kind = UIOMMU_TRACE_GROUP_DROPPED;
    uiommu_word_add(&scene.dev[0]->generation, 1); /* nobody has swept yet */
    cr_assert_eq(uiommu_group_respond(unit, ref, UIOMMU_CODE_SUCCESS), UIOMMU_E_STALE);
    cr_assert_eq(sents, 0);
    cr_assert(unit->counters.dropped == 1 && device_counts(0).dropped == 1);
    cr_assert_eq(told.a, (uint64_t)ref.index << 32 | ref.generation);
    cr_assert_eq(told.b, UINT64_C(8) << 32 | scene.pasid);
    cr_assert(told.c == 7 && told.d == UIOMMU_DROP_RESET);
    cr_assert_eq(bond_info(0).in_flight, 0);
    cr_assert_eq(uiommu_device_reset_begin(scene.dev[0]), UIOMMU_OK);
    cr_assert_eq(reset_to_end(0), UIOMMU_OK);
    cr_assert_eq(scene.orphans, 0);
}

/* R31: likewise what hardware has told the device FAILURE of. */
Test(answer_once, failure_sent)
{
    struct uiommu_group_ref ref = pending(7);

    toy.flags = UIOMMU_FETCH_FAILURE_SENT;
    serve();
    cr_assert_eq(uiommu_group_respond(unit, ref, UIOMMU_CODE_SUCCESS), UIOMMU_E_STALE);
    cr_assert_eq(bond_info(0).in_flight, 0);
    cr_assert_eq(sents, 0);
}

static uint32_t early; /* wakes before there is something to see */

static void wakes(void *ctx, const struct uiommu_word *word)
{
    (void)ctx;
    (void)word;
    early += uiommu_word_load(&scene.dev[0]->resweep) == 0;
}

static void reset_and_sweep(void)
{
    cr_assert_eq(uiommu_device_reset_begin(scene.dev[0]), UIOMMU_OK);
    as_another(3);
    cr_assert_eq(uiommu_word_load(&unit->due_now), 0);
    early = 0;
    u->host.wake = wakes;
}

/* R33: a handler that decides after the sweep makes another one due. */
Test(answer_once, pending_after_the_sweep)
{
    kind = UIOMMU_TRACE_GROUP_PENDING;
    scene.meanwhile = reset_and_sweep;
    scene.says = UIOMMU_CODE_PENDING;
    ask(8, scene.pasid, 7, 0);
    ask(8, scene.pasid, 7, LAST);
    cr_assert_eq(uiommu_unit_service(unit, 0), UIOMMU_MORE);
    cr_assert_eq(uiommu_word_load(&unit->due_now), 1);
    cr_assert_eq(early, 0);
    cr_assert_eq(told.a, (uint64_t)scene.group.index << 32 | scene.group.generation);
    cr_assert(told.c == 7 && told.d == 2);
    serve();
    cr_assert_eq(scene.orphans, 1);
    cr_assert_eq(reset_to_end(0), UIOMMU_OK);
}

/* I3: a token is good for its own group, not for the next one in the slot. */
Test(answer_once, old_token)
{
    struct uiommu_group_ref old = pending(1);

    cr_assert_eq(uiommu_group_respond(unit, old, UIOMMU_CODE_SUCCESS), UIOMMU_OK);
    cr_assert_eq(pending(2).index, old.index);
    cr_assert_eq(uiommu_group_respond(unit, old, UIOMMU_CODE_SUCCESS), UIOMMU_E_STALE);
    cr_assert_eq(sents, 1);
}
