/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit_scene.h"

/* I5, R24: which group a request belongs to, and what stale keys of a group lead to. */

TestSuite(keys, .init = scene_begin, .fini = scene_end);

/* A key leads to a slot that another device's group has by now. */
Test(keys, slot_of_another_device)
{
    ask(8, scene.pasid, 7, LAST);
    serve();
    cr_assert_eq(scene.calls, 1);
    ask(9, scene.pasid, 7, 0);
    serve();
    ask(8, scene.pasid, 7, LAST); /* its slot is the partial's now */
    serve();
    cr_assert_eq(scene.calls, 2);
    cr_assert_eq(scene.pages, 1);
    ask(9, scene.pasid, 7, LAST);
    serve();
    cr_assert_eq(scene.calls, 3);
    cr_assert_eq(scene.pages, 2);
    cr_assert_eq(toy.code[UIOMMU_CODE_SUCCESS & 3], 3);
}

/* Or that has gone to another ID of the same device. */
Test(keys, slot_of_another_alias)
{
    static const uint32_t ids[2] = {16, 17};
    struct uiommu_device_config c = {.size = sizeof(c),
                                     .ids = ids,
                                     .id_count = 2,
                                     .flags = UIOMMU_DEVICE_PASID | UIOMMU_DEVICE_ATS |
                                              UIOMMU_DEVICE_PRI,
                                     .pasid_bits = 20,
                                     .port = scene.port[0]};
    struct uiommu_bond_ref bond;
    struct uiommu_device *twin;

    cr_assert_eq(uiommu_device_attach(unit, &c, &twin), UIOMMU_OK);
    cr_assert_eq(scene_bind(twin, scene.as, scene.pasid, &bond), UIOMMU_OK);
    ask(16, scene.pasid, 7, LAST);
    serve();
    ask(17, scene.pasid, 7, 0);
    ask(16, scene.pasid, 7, LAST);
    serve();
    cr_assert_eq(scene.calls, 2);
    cr_assert_eq(scene.pages, 1);
    cr_assert_eq(toy.from, 16);
    ask(17, scene.pasid, 7, LAST);
    serve();
    cr_assert_eq(scene.pages, 2);
    cr_assert_eq(toy.from, 17);
    cr_assert_eq(uiommu_unbind(u, bond, UIOMMU_UNBIND_STOPPED), UIOMMU_OK);
    serve();
    cr_assert_eq(uiommu_device_detach(twin), UIOMMU_OK);
}

/* Or to a stall of the same number. */
Test(keys, slot_of_a_stall)
{
    scene.says = UIOMMU_CODE_PENDING;
    ask(8, scene.pasid, 7, LAST);
    serve();
    cr_assert_eq(uiommu_group_respond(unit, scene.group, UIOMMU_CODE_SUCCESS), UIOMMU_OK);
    serve();
    ask(8, scene.pasid, 7, LAST | UIOMMU_REQUEST_STALL);
    serve();
    cr_assert_eq(scene.calls, 2);
    scene.says = UIOMMU_CODE_SUCCESS;
    ask(8, scene.pasid, 7, LAST);
    serve();
    cr_assert_eq(scene.calls, 3, "it is no use of an index in flight");
    cr_assert_eq(device_counts(0).violations, 0);
    uiommu_pending_orphan(unit, NULL, scene.dev[0], UIOMMU_ORPHAN_EXPIRED);
    serve();
    cr_assert_eq(scene.orphans, 1);
}

static void answer_now(struct fake_host *h)
{
    if (unit->counters.requests != 2)
        return;
    h->on_lock = NULL;
    cr_assert_eq(uiommu_group_respond(unit, scene.group, UIOMMU_CODE_SUCCESS), UIOMMU_OK);
}

/* R25: the answer goes out in the moment in which its index is used again: that is no misuse. */
Test(keys, answered_just_now)
{
    scene.says = UIOMMU_CODE_PENDING;
    ask(8, scene.pasid, 7, LAST);
    serve();
    scene.says = UIOMMU_CODE_SUCCESS;
    host.on_lock = answer_now;
    ask(8, scene.pasid, 7, LAST);
    serve();
    cr_assert_eq(scene.calls, 2);
    cr_assert_eq(toy.code[UIOMMU_CODE_SUCCESS & 3], 2);
    cr_assert_eq(device_counts(0).violations, 0);
}

static void reset_meanwhile(void)
{
    host.self = 2;
    cr_assert_eq(uiommu_device_reset_begin(scene.dev[0]), UIOMMU_OK);
    cr_assert_eq(reset_to_end(0), UIOMMU_OK);
    ask(8, scene.pasid, 7, LAST);
    as_another(10);
    host.self = 1;
    cr_assert_eq(scene.calls, 2, "the index is the new life's");
    cr_assert_eq(toy.answers, 1);
}

/* I19: an index in flight from before a reset is no index in flight after it. */
Test(keys, slot_of_before_the_reset)
{
    scene.meanwhile = reset_meanwhile;
    ask(8, scene.pasid, 7, LAST);
    serve();
    cr_assert_eq(scene.calls, 2);
    cr_assert_eq(toy.answers, 1, "nothing is sent for the older one");
    cr_assert_eq(device_counts(0).violations, 0);
}

/* R24: a Last that cannot join the partial under its key ends it. */
Test(keys, last_of_another_pasid)
{
    ask(8, scene.pasid, 7, 0);
    ask(8, scene.pasid + 1, 7, LAST);
    serve();
    cr_assert_eq(scene.calls, 0);
    cr_assert_eq(toy.code[UIOMMU_CODE_INVALID & 3], 1);
    cr_assert_eq(device_counts(0).dropped, 1);
    cr_assert_eq(bond_at(0)->open, 0);
    ask(8, scene.pasid, 7, LAST);
    serve();
    cr_assert_eq(scene.pages, 1);
    ask(8, scene.pasid, 7, 0);
    ask(8, scene.pasid + 1, 7, 0);
    ask(8, scene.pasid, 7, LAST);
    serve();
    cr_assert_eq(scene.pages, 2, "not the Last of anything: nothing ends");
}

/* But what is complete stays as it is. */
Test(keys, last_beside_a_pending_group)
{
    scene.says = UIOMMU_CODE_PENDING;
    ask(8, scene.pasid, 7, LAST);
    serve();
    ask(8, scene.pasid + 1, 7, LAST);
    serve();
    cr_assert_eq(toy.answers, 1);
    cr_assert_eq(device_counts(0).dropped, 0);
    cr_assert_eq(uiommu_group_respond(unit, scene.group, UIOMMU_CODE_SUCCESS), UIOMMU_OK);
    cr_assert_eq(toy.code[UIOMMU_CODE_SUCCESS & 3], 1);
}

/* The Last of a partial comes when its bond takes nothing any more. */
Test(keys, last_behind_a_closed_gate)
{
    ask(8, scene.pasid, 7, 0);
    serve();
    scene.says = UIOMMU_CODE_PENDING;
    ask(8, scene.pasid, 8, LAST); /* keeps D1 waiting */
    serve();
    cr_assert_eq(uiommu_unbind_begin(u, scene.bond[0], UIOMMU_UNBIND_STOPPED | UIOMMU_UNBIND_ABORT),
                 UIOMMU_OK);
    serve();
    cr_assert_eq(bond_at(0)->phase, UIOMMU_PHASE_D1);
    cr_assert_eq(bond_at(0)->open, 1);
    ask(8, scene.pasid, 7, LAST);
    serve();
    cr_assert_eq(bond_at(0)->open, 0);
    cr_assert_eq(device_counts(0).dropped, 1);
    cr_assert_eq(toy.code[UIOMMU_CODE_INVALID & 3], 1);
    cr_assert_eq(uiommu_group_respond(unit, scene.group, UIOMMU_CODE_SUCCESS), UIOMMU_OK);
}

/* D5 purges the partials of its own bond. */
Test(keys, purge_leaves_the_neighbours)
{
    ask(8, scene.pasid, 7, 0);
    ask(9, scene.pasid, 7, 0);
    serve();
    cr_assert_eq(uiommu_unbind(u, scene.bond[0], UIOMMU_UNBIND_STOPPED | UIOMMU_UNBIND_ABORT),
                 UIOMMU_OK);
    ask(9, scene.pasid, 7, LAST);
    serve();
    cr_assert_eq(scene.pages, 2);
    cr_assert_eq(device_counts(0).dropped, 1);
    cr_assert_eq(device_counts(1).dropped, 0);
}

/* So does a reset those of its own device. */
Test(keys, reset_leaves_the_neighbours)
{
    ask(8, scene.pasid, 7, 0);
    ask(9, scene.pasid, 7, 0);
    serve();
    cr_assert_eq(uiommu_device_reset_begin(scene.dev[0]), UIOMMU_OK);
    cr_assert_eq(reset_to_end(0), UIOMMU_OK);
    ask(9, scene.pasid, 7, LAST);
    serve();
    cr_assert_eq(scene.pages, 2);
    ask(8, scene.pasid, 7, LAST);
    serve();
    cr_assert_eq(scene.pages, 1);
    cr_assert_eq(toy.code[UIOMMU_CODE_SUCCESS & 3], 2);
}
