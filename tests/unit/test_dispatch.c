/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit_scene.h"

/* What dispatch.c tells others, and when. */

TestSuite(dispatch, .init = scene_begin, .fini = scene_end);

static uint32_t told;
static struct uiommu_trace last;

static void dispatched(struct fake_host *h)
{
    if (h->trace.id != UIOMMU_TRACE_GROUP_DISPATCHED)
        return;
    told++;
    last = h->trace;
}

/* The trace names each group before its handler is called. */
Test(dispatch, told)
{
    told = 0;
    host.on_trace = dispatched;
    ask(8, scene.pasid, 7, 0);
    ask(8, scene.pasid, 7, LAST);
    serve();
    cr_assert_eq(told, 1);
    cr_assert_eq(last.a, (uint64_t)scene.group.index << 32 | scene.group.generation);
    cr_assert_eq(last.b, UINT64_C(8) << 32 | scene.pasid);
    cr_assert(last.c == 7 && last.d == 2);
    host.on_trace = NULL;
}

static void first_is_answered(void)
{
    cr_assert_eq(toy.answers, 0, "a batch of answers is not full");
    as_another(1);
    cr_assert_eq(toy.answers, 1);
    cr_assert_eq(toy.code[UIOMMU_CODE_SUCCESS & 3], 1);
}

static void then_the_next(void)
{
    scene.meanwhile = first_is_answered;
}

/* R21: an answer does not wait for the handlers of other groups. */
Test(dispatch, answer_beside_a_handler)
{
    scene.meanwhile = then_the_next;
    ask(8, scene.pasid, 1, LAST);
    ask(8, scene.pasid, 2, LAST);
    serve();
    cr_assert_eq(scene.calls, 2);
    cr_assert_eq(toy.answers, 2);
}

static uint32_t early, taking;

static uintptr_t asked(void *ctx)
{
    uint32_t i;

    (void)ctx;
    for (i = 0; i < UIOMMU_RUNNERS; i++) {
        early += uiommu_word_load(&unit->runner[i].caller.busy) == 2;
        taking += uiommu_word_load(&unit->runner[i].caller.busy) == 1;
    }
    return host.self;
}

/* R22: a runner is taken, and who runs is known before it counts as one that is known. */
Test(dispatch, who_runs)
{
    early = taking = 0;
    u->host.self = asked;
    ask(8, scene.pasid, 1, LAST);
    serve();
    cr_assert_eq(scene.calls, 1);
    cr_assert_eq(early, 0);
    cr_assert_eq(taking, 1);
}

/* A group that is answered at once is news for nobody, and leaves nothing to do. */
Test(dispatch, no_news)
{
    uint32_t due, saves;

    serve();
    due = uiommu_word_load(&unit->due);
    ask(8, scene.pasid, 1, LAST);
    cr_assert_eq(uiommu_unit_service(unit, 1), UIOMMU_OK, "as many as the budget, and none left");
    cr_assert_eq(toy.answers, 1);
    cr_assert_eq(uiommu_word_load(&unit->due), due);
    saves = host.irq_saves;
    uiommu_runs_flush(unit);
    cr_assert_eq(host.irq_saves, saves, "nobody runs");
}

/* Callbacks are known, as many as there are runners, and keep nobody else's handlers away. */
Test(dispatch, callbacks)
{
    struct uiommu_caller *taken[UIOMMU_RUNNERS], behind;
    uint32_t i;

    for (i = 0; i < UIOMMU_RUNNERS; i++) {
        taken[i] = uiommu_callback_take(unit);
        cr_assert_eq(taken[i], &unit->callback[i]);
        cr_assert(uiommu_inside(u));
    }
    cr_assert_null(uiommu_callback_take(unit));
    uiommu_picked_cancel(unit, NULL, NULL, UIOMMU_DROP_CLOSED); /* what lies there is no runner */
    cr_assert_eq(uiommu_slot_state(uiommu_slot_at(unit, 0)), UIOMMU_SLOT_FREE);
    behind = unit->callback[0];
    for (i = 0; i < UIOMMU_RUNNERS; i++)
        uiommu_caller_give(taken[i]);
    memcpy((void *)unit->requests, &behind, sizeof(behind)); /* what lies there is no caller */
    cr_assert_not(uiommu_inside(u));
    memset(unit->requests, 0, sizeof(behind));
    for (i = 0; i < UIOMMU_RUNNERS; i++)
        cr_assert_eq(uiommu_callback_take(unit), taken[i]);
    ask(8, scene.pasid, 1, LAST);
    serve();
    cr_assert_eq(scene.calls, 1);
    for (i = 0; i < UIOMMU_RUNNERS; i++) {
        cr_assert(uiommu_inside(u));
        uiommu_caller_give(taken[i]);
    }
    cr_assert_not(uiommu_inside(u));
}

static void exits(void)
{
    cr_assert_eq(uiommu_aspace_exit(scene.as), UIOMMU_OK);
}

/* R11: the space died after its group was picked. */
Test(dispatch, dead_meanwhile)
{
    scene.meanwhile = exits;
    ask(8, scene.pasid, 1, LAST);
    ask(9, scene.pasid, 2, LAST);
    serve();
    cr_assert_eq(scene.calls, 1);
    cr_assert_eq(toy.code[UIOMMU_CODE_INVALID & 3], 2);
}

static void resets(void)
{
    uiommu_word_add(&scene.dev[0]->generation, 1); /* nobody looks yet */
}

/* R33: nor is a handler called for what a reset has ended, before anybody has swept it. */
Test(dispatch, reset_meanwhile)
{
    scene.meanwhile = resets;
    ask(8, scene.pasid, 1, LAST);
    ask(8, scene.pasid, 2, LAST);
    serve();
    cr_assert_eq(scene.calls, 1);
    cr_assert_eq(toy.answers, 0);
    cr_assert_eq(uiommu_device_reset_begin(scene.dev[0]), UIOMMU_OK);
    cr_assert_eq(reset_to_end(0), UIOMMU_OK);
}

static struct uiommu_group seen;
static uintptr_t during; /* groups counted by then */

static uiommu_code sees(void *user, const struct uiommu_group *group)
{
    (void)user;
    seen = *group;
    during = bond_at(0)->counters.groups + bond_at(1)->counters.groups;
    return UIOMMU_CODE_FAILURE; /* nothing that a handler may say */
}

/* What a handler is told of its group; nonsense is INVALID. */
Test(dispatch, view)
{
    uint32_t stall;

    scene.as->ops.fault = sees;
    for (stall = 0; stall < 2; stall++) {
        bond_at(1 - stall)->user = &seen;
        memset(&seen, 0xff, sizeof(seen));
        ask(9 - stall, scene.pasid, 5, LAST | (stall ? UIOMMU_REQUEST_STALL : 0));
        serve();
        cr_assert(seen.unit == unit && seen.device == scene.dev[1 - stall]);
        cr_assert_eq(seen.bond.index, scene.bond[1 - stall].index);
        cr_assert_eq(seen.bond.generation, scene.bond[1 - stall].generation);
        cr_assert_eq(seen.bond_user, &seen);
        cr_assert(seen.id == 9 - stall && seen.pasid == scene.pasid && seen.pages == 1);
        cr_assert_eq(seen.stall, stall);
        cr_assert(seen.first.address == 0x5000 && seen.first.access == UIOMMU_READ);
        cr_assert_null(seen.more);
        cr_assert_eq(during, stall, "a call is counted when it is over");
        cr_assert_null(uiommu_group_next_page(&seen, &seen.first));
        cr_assert_eq(toy.code[UIOMMU_CODE_INVALID & 3], 1 + stall);
    }
    cr_assert_eq(unit->counters.dispatched, 2);
}

static void begin_owned(void)
{
    struct uiommu_owner_config c = {.size = sizeof(c), .in_flight = 1};

    memset(&scene, 0, sizeof(scene));
    toy_begin();
    cr_assert_eq(uiommu_owner_create(u, &c, &scene.owner), UIOMMU_OK);
    scene_set(&toy_ops);
    scene.says = UIOMMU_CODE_PENDING;
}

TestSuite(dispatch_owned, .init = begin_owned, .fini = scene_end);

/* R28: what his handlers do not answer in time is the owner's, what waits for them is not. */
Test(dispatch_owned, expired)
{
    struct uiommu_owner_counters out;

    ask(8, scene.pasid, 1, LAST);
    ask(9, scene.pasid, 1, LAST);
    serve();
    cr_assert_eq(scene.calls, 1);
    cr_assert_eq(uiommu_word_load(&scene.owner->in_flight), 1);
    cr_assert_eq(uiommu_word_load(&scene.owner->waiting), 1);
    host.now_ns += UINT64_C(11000000000); /* answer_ns, and a second */
    serve();
    cr_assert_eq(uiommu_owner_get_counters(scene.owner, &out), UIOMMU_OK);
    cr_assert_eq(out.expired, 1);
    cr_assert_eq(scene.orphans, 1);
    cr_assert_eq(toy.answers, 2);
}

/* ---- many at once ---- */

static uint32_t batch[8], batches;

static uint32_t count_batches(void *hw, const struct uiommu_answer *answers, uint32_t count)
{
    cr_assert_lt(batches, 8u);
    batch[batches++] = count;
    return toy_respond(hw, answers, count);
}

static void begin_many(void)
{
    struct uiommu_backend_ops ops = toy_ops;

    ops.respond = count_batches;
    batches = 0;
    memset(&scene, 0, sizeof(scene));
    toy_begin();
    toy.caps.request_entries = 256;
    scene.credits = 100;
    scene_set(&ops);
}

TestSuite(dispatch_many, .init = begin_many, .fini = scene_end);

/* Answers of handlers go out sixteen at a time, and what is left with the last. */
Test(dispatch_many, batches)
{
    uint32_t i;

    for (i = 0; i < 36; i++)
        ask(8, scene.pasid, i, LAST);
    serve();
    cr_assert_eq(toy.answers, 36);
    cr_assert_eq(batches, 3);
    cr_assert(batch[0] == UIOMMU_RUN && batch[1] == UIOMMU_RUN && batch[2] == 4);
}

/* Groups behind their bond's cap are left to whoever makes room: nothing can be done at once. */
Test(dispatch_many, behind_a_cap)
{
    bond_at(0)->cap = 1;
    scene.says = UIOMMU_CODE_PENDING;
    ask(8, scene.pasid, 1, LAST);
    ask(8, scene.pasid, 2, LAST);
    cr_assert_eq(uiommu_unit_service(unit, 0), UIOMMU_OK);
    cr_assert_eq(scene.calls, 1);
    cr_assert_eq(bond_at(0)->counters.parked, 1);
    cr_assert_null(uiommu_pick(unit, 1), "there is nothing to run");
    cr_assert_eq(uiommu_word_load(&unit->runner[0].caller.busy), 0);
    cr_assert_eq(bond_at(0)->counters.parked, 2);
    cr_assert_eq(uiommu_word_load(&unit->cap_waiting), 1);
    cr_assert_eq(uiommu_word_load(&unit->ready_left), 0);
    cr_assert_eq(uiommu_group_respond(unit, scene.group, UIOMMU_CODE_SUCCESS), UIOMMU_OK);
    cr_assert_eq(uiommu_word_load(&unit->due_now), 1);
    serve();
    cr_assert_eq(scene.calls, 2);
    cr_assert_eq(uiommu_word_load(&unit->cap_waiting), 0, "nobody waits");
    uiommu_pending_orphan(unit, NULL, scene.dev[0], UIOMMU_ORPHAN_EXPIRED);
    cr_assert_eq(uiommu_word_load(&unit->ready_left), 1);
    cr_assert(uiommu_unit_valid(unit), "with an orphan that waits to be told");
    serve();
    cr_assert_eq(scene.orphans, 1);
}

/* Nor are those behind their device's cap, whatever their bonds allow. */
Test(dispatch_many, behind_a_device)
{
    scene.dev[0]->cap = 1;
    scene.says = UIOMMU_CODE_PENDING;
    ask(8, scene.pasid, 1, LAST);
    ask(8, scene.pasid, 2, LAST);
    ask(9, scene.pasid, 1, LAST);
    ask(9, scene.pasid, 2, LAST);
    cr_assert_eq(uiommu_unit_service(unit, 0), UIOMMU_OK);
    cr_assert_eq(scene.calls, 3);
    cr_assert(scene.dev[0]->running == 1 && bond_at(0)->running == 1);
    cr_assert(scene.dev[1]->running == 2 && bond_at(1)->running == 2);
    uiommu_pending_orphan(unit, NULL, scene.dev[0], UIOMMU_ORPHAN_EXPIRED);
    serve();
    cr_assert_eq(scene.calls, 4);
    cr_assert_eq(scene.dev[0]->running, 1);
    scene.dev[0]->cap = 0;
}

/* Three bonds take turns, one group each, whoever began. */
Test(dispatch_many, turns)
{
    struct uiommu_bond_ref ref;
    uint32_t pasid, i, from[6];

    cr_assert_eq(uiommu_pasid_alloc(space, NULL, 0, &pasid), UIOMMU_OK);
    cr_assert_eq(scene_bind(scene.dev[0], scene.as, pasid, &ref), UIOMMU_OK);
    for (i = 0; i < UIOMMU_RUNNERS; i++)
        uiommu_word_store(&unit->runner[i].caller.busy, 1);
    for (i = 0; i < 2; i++)
        ask(8, scene.pasid, i, LAST);
    for (i = 0; i < 2; i++)
        ask(9, scene.pasid, i, LAST);
    for (i = 2; i < 4; i++)
        ask(8, pasid, i, LAST);
    serve();
    for (i = 0; i < UIOMMU_RUNNERS; i++)
        uiommu_word_store(&unit->runner[i].caller.busy, 0);
    for (i = 0; i < 6; i++) {
        (void)!uiommu_unit_service(unit, 1);
        cr_assert_eq(scene.calls, i + 1);
        from[i] = uiommu_slot_at(unit, scene.group.index)->pasid << 8 | toy.from;
    }
    for (i = 0; i < 3; i++)
        cr_assert(from[i] == from[i + 3] && from[i] != from[(i + 1) % 3]);
    cr_assert_eq(uiommu_unbind(u, ref, UIOMMU_UNBIND_STOPPED), UIOMMU_OK);
    serve();
    cr_assert_eq(uiommu_pasid_put(space, pasid), UIOMMU_OK);
}

static void ready(uint32_t id, uint32_t pasid, uint32_t index)
{
    struct uiommu_request request = {.id = id,
                                     .pasid = pasid,
                                     .index = index,
                                     .flags = UIOMMU_READ | UIOMMU_REQUEST_PASID | LAST};

    uiommu_assemble(unit, 0, &request, 1, unit->ring[0].count);
}

/* A bond that goes changes nobody's turn. */
Test(dispatch_many, turn_of_others)
{
    struct uiommu_bond_ref ref;
    uint32_t pasid;

    cr_assert_eq(uiommu_pasid_alloc(space, NULL, 0, &pasid), UIOMMU_OK);
    cr_assert_eq(scene_bind(scene.dev[0], scene.as, pasid, &ref), UIOMMU_OK);
    ready(8, scene.pasid, 1);
    ready(9, scene.pasid, 2);
    ready(8, pasid, 3);
    uiommu_ready_cancel(unit, bond_at(1), UIOMMU_DROP_CLOSED);
    cr_assert_eq(toy.answers, 1);
    cr_assert_eq(uiommu_unit_service(unit, 1), UIOMMU_MORE);
    cr_assert_eq(uiommu_word_load(&unit->ready_left), 1);
    cr_assert_eq(uiommu_slot_at(unit, scene.group.index)->prgi, 1, "the first that came");
    uiommu_ready_cancel_device(unit, scene.dev[0], UIOMMU_DROP_CLOSED);
    cr_assert_eq(toy.answers, 3);
    uiommu_word_store(&unit->due_now, 0);
    cr_assert_eq(uiommu_unit_service(unit, 1), UIOMMU_OK, "what was left is gone");
    cr_assert_eq(scene.calls, 1);
    cr_assert_eq(uiommu_unbind(u, ref, UIOMMU_UNBIND_STOPPED), UIOMMU_OK);
    serve();
    cr_assert_eq(uiommu_pasid_put(space, pasid), UIOMMU_OK);
}

/* What a shutdown takes from handlers is its bond's; what a cut takes is its device's. */
Test(dispatch_many, orphans_of)
{
    scene.says = UIOMMU_CODE_PENDING;
    ask(8, scene.pasid, 1, LAST);
    ask(9, scene.pasid, 1, LAST);
    serve();
    uiommu_pending_orphan(unit, bond_at(0), NULL, UIOMMU_ORPHAN_UNBOUND);
    serve();
    cr_assert_eq(scene.orphans, 1);
    cr_assert(bond_info(0).in_flight == 0 && bond_info(1).in_flight == 1);
    uiommu_pending_orphan(unit, NULL, scene.dev[0], UIOMMU_ORPHAN_UNBOUND);
    serve();
    cr_assert_eq(scene.orphans, 1);
    uiommu_pending_orphan(unit, NULL, scene.dev[1], UIOMMU_ORPHAN_UNBOUND);
    serve();
    cr_assert_eq(scene.orphans, 2);
    cr_assert_eq(bond_info(1).in_flight, 0);
}

/* R28: a group that nobody came for is taken from its bond, which goes with its last. */
Test(dispatch_many, ready_expires)
{
    struct uiommu_bond *bond = bond_at(0);

    serve();
    ready(8, scene.pasid, 1);
    ready(9, scene.pasid, 1);
    ready(8, scene.pasid, 2);
    uiommu_slot_expire(unit, uiommu_slot_at(unit, bond->ready_head));
    cr_assert(bond->ready_listed && bond->ready_head == bond->ready_tail);
    cr_assert(uiommu_unit_valid(unit));
    uiommu_slot_expire(unit, uiommu_slot_at(unit, bond->ready_head));
    cr_assert_not(bond->ready_listed);
    cr_assert_eq(unit->ready, bond_at(1));
    cr_assert_eq(bond_at(1)->ready_next, bond_at(1));
    cr_assert(uiommu_unit_valid(unit));
    uiommu_slot_expire(unit, uiommu_slot_at(unit, bond_at(1)->ready_head));
    cr_assert_null(unit->ready);
    cr_assert_eq(toy.code[UIOMMU_CODE_INVALID & 3], 3);
    cr_assert_eq(bond->counters.expired, 2);
    serve();
    cr_assert_eq(scene.calls, 0);
}

/* A handler that was told is given as much time again before anybody looks at its group. */
Test(dispatch_many, pending_expires)
{
    struct uiommu_group_slot *slot;

    scene.says = UIOMMU_CODE_PENDING;
    ask(8, scene.pasid, 1, LAST);
    ask(8, scene.pasid, 2, LAST);
    serve();
    slot = uiommu_slot_at(unit, unit->pool.live.head);
    unit->now_ns += 5;
    uiommu_slot_expire(unit, slot);
    cr_assert_eq(slot->since_ns, unit->now_ns);
    cr_assert_eq(unit->pool.live.tail, slot->index);
    cr_assert_eq(bond_at(0)->counters.expired, 1);
    serve();
    cr_assert_eq(scene.orphans, 1);
}
