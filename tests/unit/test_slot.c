/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit_scene.h"

/* Slots that are used again, and the lists that they are in. */

TestSuite(slot, .init = scene_begin, .fini = scene_end);

static void runners_busy(uint32_t busy)
{
    uint32_t i;

    for (i = 0; i < UIOMMU_RUNNERS; i++)
        uiommu_word_store(&unit->runner[i].caller.busy, busy);
}

/* A group that no handler has seen counts against no cap, whoever had its slot before. */
Test(slot, used_again)
{
    uint32_t index;

    ask(8, scene.pasid, 1, LAST);
    serve();
    cr_assert_eq(scene.calls, 1);
    index = scene.group.index;
    runners_busy(1);
    ask(8, scene.pasid, 2, LAST);
    serve();
    cr_assert_eq(uiommu_slot_state(uiommu_slot_at(unit, index)), UIOMMU_SLOT_READY);
    uiommu_ready_cancel(unit, bond_at(0), UIOMMU_DROP_CLOSED);
    runners_busy(0);
    cr_assert_eq(bond_at(0)->running, 0);
    cr_assert_eq(scene.dev[0]->running, 0);
    cr_assert_eq(toy.answers, 2);
}

static void long_handler(void)
{
    host.now_ns += UINT64_C(11000000000); /* answer_ns, and a second */
    as_another(1);
    cr_assert(uiommu_unit_valid(unit), "with groups deferred");
    cr_assert_eq(uiommu_slot_at(unit, unit->pool.live.head)->since_ns, unit->now_ns);
}

/* R28: groups that a runner has are looked at again after the same time, in the same order. */
Test(slot, deferred)
{
    uint32_t i;

    scene.meanwhile = long_handler;
    for (i = 0; i < 3; i++)
        ask(8, scene.pasid, i, LAST);
    serve();
    cr_assert_eq(scene.calls, 3);
    cr_assert_eq(toy.code[UIOMMU_CODE_SUCCESS & 3], 3);
    cr_assert_eq(unit->pool.live.head, UIOMMU_NO_SLOT);
    cr_assert_eq(unit->pool.live.tail, UIOMMU_NO_SLOT);
}

/* I9: as many chunks as are needed, and not one more; the first token of a slot is 1. */
Test(slot, chunks)
{
    uint32_t had = unit->pool.count, i;

    cr_assert_lt(had, unit->pool.max);
    cr_assert_eq(uiommu_pool_grow(unit, had * UIOMMU_SLOT_CHUNK), UIOMMU_OK);
    cr_assert_eq(unit->pool.count, had);
    cr_assert_eq(uiommu_pool_grow(unit, had * UIOMMU_SLOT_CHUNK + 1), UIOMMU_OK);
    cr_assert_eq(unit->pool.count, had + 1);
    for (i = 0; i < UIOMMU_SLOT_CHUNK; i++)
        cr_assert_eq(uiommu_slot_at(unit, had * UIOMMU_SLOT_CHUNK + i)->generation, 1);
    cr_assert(uiommu_pool_valid(&unit->pool), "with slots that nobody has taken");
    serve();
    cr_assert(uiommu_pool_valid(&unit->pool));
}
