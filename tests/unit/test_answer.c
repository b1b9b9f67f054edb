/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit_scene.h"

/* What answer.c does with a group, told apart from what becomes of it later. */

#define SENT 32u

static struct uiommu_answer sent[SENT]; /* in order */
static uint32_t sents;
static struct uiommu_trace told; /* of the kind */
static uint32_t kind;

static uint32_t record(void *hw, const struct uiommu_answer *answers, uint32_t count)
{
    uint32_t done;

    cr_assert_neq(count, 0, "nothing is no answer");
    done = toy_respond(hw, answers, count);
    cr_assert_leq(sents + done, SENT);
    memcpy(&sent[sents], answers, done * sizeof(answers[0]));
    sents += done;
    return done;
}

static void look(struct fake_host *h)
{
    if (h->trace.id == kind)
        told = h->trace;
}

static void begin(void)
{
    struct uiommu_backend_ops ops = toy_ops;

    ops.respond = record;
    sents = kind = 0;
    memset(&told, 0, sizeof(told));
    memset(&scene, 0, sizeof(scene));
    toy_begin();
    host.on_trace = look;
    scene_set(&ops);
}

TestSuite(answer, .init = begin, .fini = scene_end);

static struct uiommu_group_ref pending(uint32_t index)
{
    scene.says = UIOMMU_CODE_PENDING;
    ask(8, scene.pasid, index, LAST);
    serve();
    return scene.group;
}

/* R11: of a dead space SUCCESS becomes INVALID, and that is told; INVALID is what was said. */
Test(answer, dead)
{
    struct uiommu_group_ref one = pending(1), two = pending(2);

    cr_assert_eq(uiommu_aspace_exit(scene.as), UIOMMU_OK);
    cr_assert_eq(uiommu_group_respond(unit, one, UIOMMU_CODE_INVALID), UIOMMU_OK);
    cr_assert_eq(uiommu_group_respond(unit, two, UIOMMU_CODE_SUCCESS), UIOMMU_E_DEAD);
    cr_assert_eq(toy.code[UIOMMU_CODE_INVALID & 3], 2);
}

/* R21: a handler that will answer later is news for a shutdown that waits for it, else for nobody.
 */
Test(answer, pending_is_news)
{
    uint32_t due;

    scene.says = UIOMMU_CODE_PENDING;
    ask(8, scene.pasid, 1, LAST);
    due = uiommu_word_load(&unit->due);
    cr_assert_eq(uiommu_unit_service(unit, 0), UIOMMU_OK);
    cr_assert_eq(scene.calls, 1);
    cr_assert_eq(uiommu_word_load(&unit->due), due);
    bond_at(0)->stop_listed = true;
    ask(8, scene.pasid, 2, LAST);
    cr_assert_eq(uiommu_unit_service(unit, 0), UIOMMU_MORE);
    bond_at(0)->stop_listed = false;
    cr_assert_eq(scene.calls, 2);
    cr_assert_neq(uiommu_word_load(&unit->due), due);
}

/* Answers without slots of a device that goes are forgotten, and no others. */
Test(answer, forget)
{
    static const struct uiommu_request requests[4] = {
        {.id = 9, .index = 1}, {.id = 8, .index = 2}, {.id = 9, .index = 3}, {.id = 8, .index = 4}};
    uint32_t i;

    for (i = 0; i < 4; i++)
        uiommu_out_put(unit, scene.dev[requests[i].id - 8], 5 + i, &requests[i],
                       UIOMMU_CODE_INVALID, UIOMMU_DROP_CLOSED);
    uiommu_out_forget(unit, scene.dev[0]);
    cr_assert_eq(unit->out.count, 2);
    for (i = 0; i < 2; i++) {
        cr_assert_eq(unit->out.answer[i].index, 1 + 2 * i);
        cr_assert_eq(unit->out.dev[i], scene.dev[1]);
        cr_assert_eq(unit->out.generation[i], 5 + 2 * i);
    }
    unit->out.count = 0;
}

/* R26: an answer that found no room is not overtaken, and each that waits is counted once. */
Test(answer, order)
{
    struct uiommu_group_ref one = pending(1), two = pending(2);

    toy.room = 0;
    cr_assert_eq(uiommu_group_respond(unit, one, UIOMMU_CODE_INVALID), UIOMMU_OK);
    cr_assert_eq(unit->counters.full, 1);
    toy.room = UINT32_MAX;
    cr_assert_eq(uiommu_group_respond(unit, two, UIOMMU_CODE_SUCCESS), UIOMMU_OK);
    cr_assert_eq(sents, 0);
    cr_assert_eq(bond_info(0).in_flight, 2);
    serve();
    cr_assert_eq(sents, 2);
    cr_assert(sent[0].index == 1 && sent[0].code == UIOMMU_CODE_INVALID);
    cr_assert(sent[1].index == 2 && sent[1].code == UIOMMU_CODE_SUCCESS);
    cr_assert_eq(unit->counters.full, 2);
}

/* Of a runner's groups, too: what fits is answered, the rest waits for its turn. */
Test(answer, batch)
{
    uint32_t i;

    toy.room = 1;
    for (i = 0; i < 3; i++)
        ask(8, scene.pasid, i, LAST);
    cr_assert_eq(uiommu_unit_service(unit, 0), UIOMMU_MORE);
    cr_assert_eq(scene.calls, 3);
    cr_assert_eq(sents, 1);
    cr_assert_eq(bond_info(0).in_flight, 2);
    cr_assert_eq(unit->counters.full, 2);
    toy.room = 1;
    ask(9, scene.pasid, 3, LAST);
    serve();
    cr_assert_eq(sents, 2);
    cr_assert_eq(bond_info(0).in_flight + bond_info(1).in_flight, 2);
    toy.room = UINT32_MAX;
    serve();
    cr_assert_eq(sents, 4);
    for (i = 0; i < 4; i++)
        cr_assert_eq(sent[i].index, i);
}

/* Answers without slots: what does not fit keeps its place, its device and its generation. */
Test(answer, without_slots)
{
    uint32_t i;

    toy.room = 0;
    for (i = 0; i < 4; i++)
        ask(i % 2 == 0 ? 8 : 9, scene.pasid + 1, i, LAST);
    serve();
    cr_assert_eq(unit->out.count, 4);
    unit->counters.full = 0;
    toy.room = 3;
    uiommu_answers_flush(unit);
    cr_assert_eq(sents, 3);
    cr_assert_eq(unit->out.count, 1);
    cr_assert_eq(unit->out.answer[0].index, 3);
    cr_assert_eq(unit->out.dev[0], scene.dev[1]);
    cr_assert_eq(unit->out.generation[0], uiommu_word_load(&scene.dev[1]->generation));
    cr_assert_eq(unit->counters.full, 1);
    cr_assert_eq(unit->counters.invalid, 3);
    cr_assert_eq(device_counts(0).invalid, 2);
    cr_assert_eq(device_counts(1).refused, 2);
    toy.room = UINT32_MAX;
    uiommu_answers_flush(unit);
    cr_assert(sents == 4 && sent[3].index == 3);
    cr_assert_eq(unit->counters.full, 1);
    uiommu_answers_flush(unit);
    cr_assert_eq(sents, 4);
}

/* What is refused is told with its ID, PASID, index, code and reason. */
Test(answer, refusal_told)
{
    kind = UIOMMU_TRACE_REFUSED;
    ask(9, scene.pasid + 1, 5, LAST)->cookie[0] = 70;
    toy.request[0].cookie[1] = 71;
    serve();
    cr_assert_eq(told.a, UINT64_C(9) << 32 | (scene.pasid + 1));
    cr_assert(told.b == 5 && told.c == UIOMMU_CODE_INVALID && told.d == UIOMMU_DROP_UNKNOWN_PASID);
    cr_assert(sent[0].cookie[0] == 70 && sent[0].cookie[1] == 71);
    cr_assert_eq(sent[0].pasid, scene.pasid + 1);
    cr_assert_eq(sent[0].flags, UIOMMU_REQUEST_PASID);
    ask(9, scene.pasid, 6, LAST)->flags &= ~UIOMMU_REQUEST_PASID;
    serve();
    cr_assert_eq(told.a, UINT64_C(9) << 32 | UIOMMU_PASID_NONE);
    cr_assert_eq(sent[1].pasid, UIOMMU_PASID_NONE);
    cr_assert_eq(sent[1].flags, 0);
}

/* A group is told with its token, ID, PASID, index and code. */
Test(answer, told)
{
    struct uiommu_group_ref ref = pending(7);

    cr_assert_eq(uiommu_group_respond(unit, ref, UIOMMU_CODE_INVALID), UIOMMU_OK);
    cr_assert_eq(host.trace.id, UIOMMU_TRACE_GROUP_ANSWERED);
    cr_assert_eq(host.trace.a, (uint64_t)ref.index << 32 | ref.generation);
    cr_assert_eq(host.trace.b, UINT64_C(8) << 32 | scene.pasid);
    cr_assert(host.trace.c == 7 && host.trace.d == UIOMMU_CODE_INVALID);
}

static void reset_inside(void)
{
    cr_assert_eq(uiommu_device_reset_begin(scene.dev[0]), UIOMMU_OK);
}

/* R33: the reset began while the handler decided to answer later: there is a sweep to be done. */
Test(answer, sweep_wanted)
{
    scene.meanwhile = reset_inside;
    scene.says = UIOMMU_CODE_PENDING;
    ask(8, scene.pasid, 1, LAST);
    cr_assert_eq(uiommu_unit_service(unit, 0), UIOMMU_MORE);
    cr_assert_eq(uiommu_word_load(&scene.dev[0]->resweep), 1);
    serve();
    cr_assert_eq(uiommu_word_load(&scene.dev[0]->resweep), 0);
    cr_assert_eq(scene.orphans, 1);
    cr_assert_eq(reset_to_end(0), UIOMMU_OK);
}
