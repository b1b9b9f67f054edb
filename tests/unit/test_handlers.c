/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit_scene.h"

/* R10, R21, R22: groups between the ring and their handlers, and several processors at it. */

static struct uiommu_aspace *bare; /* no handlers */

TestSuite(handlers, .init = scene_begin, .fini = scene_end);

static void unbind_meanwhile(void)
{
    host.self = 2;
    cr_assert_eq(uiommu_unbind_begin(u, scene.bond[0], UIOMMU_UNBIND_STOPPED | UIOMMU_UNBIND_ABORT),
                 UIOMMU_OK);
    as_another(3);
    cr_assert_eq(toy.code[UIOMMU_CODE_INVALID & 3], 2, "those behind the one that is running");
    cr_assert_eq(toy.answers, 2);
    cr_assert_eq(bond_info(0).in_flight, 1);
    host.self = 1;
}

/* D1: groups that were picked but not called are answered without their handler. */
Test(handlers, picked_is_cancelled)
{
    scene.meanwhile = unbind_meanwhile;
    ask(8, scene.pasid, 1, LAST);
    ask(8, scene.pasid, 2, LAST);
    ask(8, scene.pasid, 3, LAST);
    ask(9, scene.pasid, 4, LAST);
    serve();
    cr_assert_eq(scene.calls, 2, "the neighbour's is called");
    cr_assert_eq(toy.answers, 4);
    cr_assert_eq(toy.code[UIOMMU_CODE_SUCCESS & 3], 2);
    cr_assert_eq(bond_info(0).in_flight, 0);
}

static void reset_meanwhile(void)
{
    host.self = 2;
    cr_assert_eq(uiommu_device_reset_begin(scene.dev[0]), UIOMMU_OK);
    as_another(3);
    cr_assert_eq(bond_info(0).in_flight, 1);
    host.self = 1;
}

/* R33: nor is it called when its device was reset; nothing is sent for it. */
Test(handlers, picked_before_a_reset)
{
    scene.meanwhile = reset_meanwhile;
    ask(8, scene.pasid, 1, LAST);
    ask(9, scene.pasid, 2, LAST);
    ask(8, scene.pasid, 3, LAST);
    serve();
    cr_assert_eq(scene.calls, 2);
    cr_assert_eq(toy.answers, 1);
    cr_assert_eq(toy.from, 9);
    cr_assert_eq(reset_to_end(0), UIOMMU_OK);
}

static void closed_while_called(void)
{
    ask(9, scene.pasid, 4, LAST);
    cr_assert_eq(uiommu_unit_service(unit, 0), UIOMMU_OK);
    cr_assert_eq(scene.calls, 1, "no handler inside a handler");
    cr_assert(uiommu_unit_valid(unit), "with groups picked and called");
    cr_assert_eq(uiommu_inside(u), true);
    cr_assert_eq(uiommu_unbind(u, scene.bond[1], 0), UIOMMU_E_BUSY);
    host.self = 2;
    cr_assert_eq(uiommu_inside(u), false);
    host.self = 1;
}

/* R22: a handler is known as such; others are not taken for it. */
Test(handlers, inside)
{
    scene.meanwhile = closed_while_called;
    ask(8, scene.pasid, 1, LAST);
    ask(8, scene.pasid, 2, LAST);
    ask(9, scene.pasid, 3, LAST);
    serve();
    cr_assert_eq(scene.calls, 4);
    cr_assert_eq(uiommu_inside(u), false);
    cr_assert_eq(bond_info(1).state, UIOMMU_BOND_STOPPING, "nobody said that the device stopped");
}

static uint32_t deep;

static void deeper(void)
{
    deep++;
    scene.meanwhile = deeper;
    ask(8, scene.pasid, 10 + deep, LAST);
    as_another(1);
    scene.meanwhile = NULL;
}

/* Four may be in handlers at once; what comes then waits for one of them, and is not lost (R21). */
Test(handlers, four_at_once)
{
    toy.room = UINT32_MAX;
    deep = 0;
    scene.port[0]->credits = 8;
    scene.meanwhile = deeper;
    ask(8, scene.pasid, 10, LAST);
    cr_assert_eq(uiommu_unit_service(unit, 0), UIOMMU_MORE, "somebody's group was left");
    cr_assert_eq(deep, UIOMMU_RUNNERS);
    cr_assert_eq(scene.calls, UIOMMU_RUNNERS);
    serve();
    cr_assert_eq(scene.calls, UIOMMU_RUNNERS + 1);
    cr_assert_eq(toy.code[UIOMMU_CODE_SUCCESS & 3], UIOMMU_RUNNERS + 1);
    scene.port[0]->credits = 4;
}

static void runners_busy(uint32_t busy)
{
    uint32_t i;

    for (i = 0; i < UIOMMU_RUNNERS; i++)
        uiommu_word_store(&unit->runner[i].caller.busy, busy);
}

/* R22: a small budget picks as many, and says that there are more. */
Test(handlers, budget)
{
    runners_busy(1);
    ask(8, scene.pasid, 1, LAST);
    ask(9, scene.pasid, 1, LAST);
    ask(8, scene.pasid, 2, LAST);
    serve();
    cr_assert_eq(scene.calls, 0);
    runners_busy(0);
    cr_assert(uiommu_unit_valid(unit), "with groups of two bonds ready");
    cr_assert_eq(uiommu_unit_service(unit, 1), UIOMMU_MORE);
    cr_assert_eq(scene.calls, 1);
    cr_assert_eq(toy.from, 8);
    cr_assert_eq(uiommu_unit_service(unit, 1), UIOMMU_MORE);
    cr_assert_eq(scene.calls, 2);
    cr_assert_eq(toy.from, 9, "each in turn");
    serve();
    cr_assert_eq(scene.calls, 3);
    cr_assert_eq(toy.answers, 3);
}

static void unknown_inside(void)
{
    cr_assert_eq(uiommu_inside(u), true);
    host.self = 2;
    cr_assert_eq(uiommu_inside(u), true, "whoever it is");
    host.self = 1;
}

/* A host that does not know who runs: everybody counts as inside, and one handler runs at a time.
 */
Test(handlers, unknown_caller)
{
    u->host.self = NULL;
    scene.meanwhile = unknown_inside;
    ask(8, scene.pasid, 1, LAST);
    serve();
    cr_assert_eq(scene.calls, 1);
    cr_assert_eq(uiommu_inside(u), false);
    runners_busy(1);
    uiommu_word_store(&unit->runner[1].caller.busy, 0); /* of no use */
    ask(8, scene.pasid, 1, LAST);
    serve();
    cr_assert_eq(scene.calls, 1);
    runners_busy(0);
    serve();
    cr_assert_eq(scene.calls, 2);
}

/* Inside a handler of any unit, wherever it is in the list. */
Test(handlers, inside_another_unit)
{
    struct uiommu_unit *first = unit, *other;

    cr_assert_eq(toy_create(&toy_ops), UIOMMU_OK);
    other = unit;
    unit = first;
    cr_assert_eq(u->units, other);
    uiommu_slot_store(&other->runner[2].caller.self, (void *)host.self);
    uiommu_word_store(&other->runner[2].caller.busy, 2);
    cr_assert_eq(uiommu_inside(u), true);
    uiommu_word_store(&other->runner[2].caller.busy, 0);
    cr_assert_eq(uiommu_inside(u), false);
    cr_assert_eq(uiommu_unit_destroy(other), UIOMMU_OK);
}

/* An address space without handlers answers INVALID, and tells nobody of orphans. */
Test(handlers, none)
{
    static const struct uiommu_root root = {UIOMMU_ROOT_X86_64, 12, 48, 48, 0, 0x2000, 0, {0}};
    struct uiommu_aspace_config c = {.size = sizeof(c), .roots = &root, .root_count = 1};
    struct uiommu_bond_ref bond;
    uint32_t pasid;

    cr_assert_eq(uiommu_aspace_create(u, &c, &bare), UIOMMU_OK);
    cr_assert_eq(uiommu_pasid_alloc(space, NULL, 0, &pasid), UIOMMU_OK);
    cr_assert_eq(scene_bind(scene.dev[0], bare, pasid, &bond), UIOMMU_OK);
    ask(8, pasid, 1, LAST);
    serve();
    cr_assert_eq(toy.code[UIOMMU_CODE_INVALID & 3], 1);
    cr_assert_eq(scene.calls, 0);
    bare->ops.fault = scene_fault; /* no orphaned */
    scene.says = UIOMMU_CODE_PENDING;
    ask(8, pasid, 2, LAST);
    serve();
    host.now_ns += UINT64_C(11000000000); /* answer_ns, and a second */
    serve();
    cr_assert_eq(scene.orphans, 0);
    cr_assert_eq(toy.code[UIOMMU_CODE_INVALID & 3], 2);
    cr_assert_eq(uiommu_unbind(u, bond, UIOMMU_UNBIND_STOPPED), UIOMMU_OK);
    serve();
    cr_assert_eq(uiommu_aspace_destroy(bare), UIOMMU_OK);
    cr_assert_eq(uiommu_pasid_put(space, pasid), UIOMMU_OK);
}

static void answer_now(struct fake_host *h)
{
    if (unit->pool.live.head == UIOMMU_NO_SLOT || unit->now_ns < UINT64_C(11000000000) ||
        uiommu_slot_state(uiommu_slot_at(unit, scene.group.index)) != UIOMMU_SLOT_PENDING ||
        bond_at(0)->counters.expired == 0)
        return;
    h->on_lock = NULL;
    cr_assert_eq(uiommu_group_respond(unit, scene.group, UIOMMU_CODE_SUCCESS), UIOMMU_OK);
}

/* R25: answered in the moment in which it expires: once, by the handler. */
Test(handlers, answered_while_it_expires)
{
    scene.says = UIOMMU_CODE_PENDING;
    ask(8, scene.pasid, 1, LAST);
    serve();
    host.on_lock = answer_now;
    host.now_ns += UINT64_C(11000000000);
    serve();
    cr_assert_eq(host.on_lock, (void (*)(struct fake_host *))NULL);
    cr_assert_eq(scene.orphans, 0);
    cr_assert_eq(toy.answers, 1);
    cr_assert_eq(toy.code[UIOMMU_CODE_SUCCESS & 3], 1);
}

/* ---- behind a cap of one group a bond ---- */

static void begin_capped(void)
{
    memset(&scene, 0, sizeof(scene));
    toy_begin();
    scene.cap = 1;
    scene_set(&toy_ops);
    scene.says = UIOMMU_CODE_PENDING;
}

TestSuite(capped, .init = begin_capped, .fini = scene_end);

static void two_of_each(void)
{
    ask(8, scene.pasid, 1, LAST);
    ask(9, scene.pasid, 1, LAST);
    serve();
    cr_assert_eq(scene.calls, 2);
    ask(8, scene.pasid, 2, LAST);
    ask(9, scene.pasid, 2, LAST);
    serve();
    cr_assert_eq(scene.calls, 2, "behind their caps");
}

/* A reset takes its own groups that wait for a handler, and no other's. */
Test(capped, reset_of_one)
{
    uint32_t i;

    for (i = 0; i < 2; i++) {
        two_of_each();
        cr_assert_eq(uiommu_device_reset_begin(scene.dev[i]), UIOMMU_OK);
        cr_assert_eq(reset_to_end(i), UIOMMU_OK);
        cr_assert_eq(scene.orphans, 1);
        cr_assert_eq(bond_info(i).in_flight, 0);
        cr_assert_eq(bond_info(1 - i).in_flight, 2);
        cr_assert_eq(uiommu_device_reset_begin(scene.dev[1 - i]), UIOMMU_OK);
        cr_assert_eq(reset_to_end(1 - i), UIOMMU_OK);
        cr_assert_eq(bond_info(1 - i).in_flight, 0);
        scene.orphans = scene.calls = 0;
    }
    cr_assert_eq(toy.answers, 0);
}

/* R28: groups that wait too long behind a cap are answered, of each bond by itself. */
Test(capped, expire_beside)
{
    struct uiommu_bond_counters out;
    uint32_t i;

    two_of_each();
    unit->ready = bond_at(0); /* so that the oldest is the last of the circle */
    host.now_ns += UINT64_C(11000000000);
    serve();
    for (i = 0; i < 2; i++) {
        cr_assert_eq(uiommu_bond_get_counters(u, scene.bond[i], &out), UIOMMU_OK);
        cr_assert_eq(out.expired, 2);
        cr_assert_eq(bond_info(i).in_flight, 0);
    }
    cr_assert_eq(scene.orphans, 2);
    cr_assert_eq(toy.code[UIOMMU_CODE_INVALID & 3], 4);
}

/* ---- more at once than a runner holds ---- */

static void begin_many(void)
{
    memset(&scene, 0, sizeof(scene));
    toy_begin();
    toy.caps.request_entries = 256;
    scene.credits = 100;
    scene_set(&toy_ops);
    scene.says = UIOMMU_CODE_PENDING;
}

TestSuite(many, .init = begin_many, .fini = scene_end);

Test(many, orphans)
{
    uint32_t i;

    for (i = 0; i < 100; i++)
        ask(8, scene.pasid, i, LAST);
    serve();
    cr_assert_eq(scene.calls, 100);
    cr_assert_eq(uiommu_device_reset_begin(scene.dev[0]), UIOMMU_OK);
    cr_assert_eq(uiommu_unit_service(unit, 0), UIOMMU_MORE);
    cr_assert_eq(scene.orphans, UIOMMU_BATCH);
    serve();
    cr_assert_eq(scene.orphans, 100);
    cr_assert_eq(reset_to_end(0), UIOMMU_OK);
    cr_assert_eq(bond_info(0).in_flight, 0);
}

static void unbind_the_rest(void)
{
    cr_assert_eq(uiommu_unbind_begin(u, scene.bond[0], UIOMMU_UNBIND_STOPPED | UIOMMU_UNBIND_ABORT),
                 UIOMMU_OK);
    as_another(3);
}

/* D1 while a runner tells orphans: they are not answered twice. */
Test(many, orphans_and_closed)
{
    uint32_t i;

    for (i = 0; i < 3; i++)
        ask(8, scene.pasid, i, LAST);
    serve();
    uiommu_pending_orphan(unit, bond_at(0), NULL, UIOMMU_ORPHAN_EXPIRED);
    scene.orphaned_meanwhile = unbind_the_rest;
    serve();
    cr_assert_eq(scene.orphans, 3);
    cr_assert_eq(toy.code[UIOMMU_CODE_INVALID & 3], 3);
    cr_assert_eq(toy.answers, 3);
}

Test(many, orphans_and_picked)
{
    uint32_t i;

    for (i = 0; i < 3; i++)
        ask(8, scene.pasid, i, LAST);
    serve();
    uiommu_pending_orphan(unit, bond_at(0), NULL, UIOMMU_ORPHAN_EXPIRED);
    for (i = 3; i < 6; i++)
        ask(8, scene.pasid, i, LAST);
    scene.meanwhile = unbind_the_rest;
    serve();
    cr_assert_eq(scene.calls, 4);
    cr_assert_eq(scene.orphans, 3);
    cr_assert_eq(toy.code[UIOMMU_CODE_INVALID & 3], 5);
    cr_assert_eq(uiommu_group_respond(unit, scene.group, UIOMMU_CODE_SUCCESS), UIOMMU_OK);
    cr_assert_eq(toy.answers, 6);
}
