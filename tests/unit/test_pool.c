/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit_scene.h"

/* I9, R25: slots and pages are there for all that was granted, however long handlers take. */

/* Of each of two ports; a slot for each runner besides. */
static uint32_t credits;

static void begin_with(uint32_t each)
{
    credits = each;
    memset(&scene, 0, sizeof(scene));
    toy_begin();
    toy.caps.request_entries = 256;
    toy.caps.stall_max = 0;
    scene.credits = credits;
    scene_set(&toy_ops);
}

/* What is granted fills whole chunks. */
static void begin(void)
{
    begin_with(96);
}

/* And with what runners have it does. */
static void begin_tight(void)
{
    begin_with(94);
}

TestSuite(pool, .init = begin, .fini = scene_end);
TestSuite(pool_tight, .init = begin_tight, .fini = scene_end);

static void reset(void)
{
    cr_assert_eq(uiommu_device_reset_begin(scene.dev[0]), UIOMMU_OK);
    cr_assert_eq(reset_to_end(0), UIOMMU_OK);
}

static void reset_and_flood(void)
{
    uint32_t i;

    host.self = 2;
    reset();
    for (i = 0; i < credits; i++)
        ask(9, scene.pasid, i, 0);
    for (i = 0; i < credits; i++)
        ask(8, scene.pasid, i, LAST);
    as_another(10);
    host.self = 1;
    cr_assert_eq(scene.calls, 1 + credits);
}

static void behind_a_handler(void)
{
    uint32_t i;

    scene.meanwhile = reset_and_flood;
    for (i = 0; i < credits; i++)
        ask(8, scene.pasid, i, LAST);
    serve();
    cr_assert_eq(scene.calls, 1 + credits, "what was picked before the reset is not called");
    cr_assert_eq(device_counts(0).over_credit, 0);
    cr_assert_eq(device_counts(0).violations, 0);
    cr_assert_eq(toy.code[UIOMMU_CODE_SUCCESS & 3], credits);
    cr_assert_eq(toy.answers, credits);
}

/* Groups of before a reset wait behind a handler: the new life has all of its credits. */
Test(pool, reset_behind_a_handler)
{
    behind_a_handler();
}

Test(pool_tight, reset_behind_a_handler)
{
    behind_a_handler();
}

static void runners_busy(uint32_t busy)
{
    uint32_t i;

    for (i = 0; i < UIOMMU_RUNNERS; i++)
        uiommu_word_store(&unit->runner[i].caller.busy, busy);
}

/* Nobody can tell handlers of their orphans: what does not fit is refused, and nobody blamed. */
Test(pool, reset_behind_all_handlers)
{
    uint32_t i, last;

    scene.says = UIOMMU_CODE_PENDING;
    for (i = 0; i < credits; i++)
        ask(8, scene.pasid, i, LAST);
    serve();
    cr_assert_eq(scene.calls, credits);
    runners_busy(1);
    reset();
    for (i = 0; i < credits; i++)
        ask(9, scene.pasid, i, 0);
    serve();
    cr_assert_eq(device_counts(1).dropped, 0);
    last = unit->pool.count * UIOMMU_SLOT_CHUNK - 2 * credits;
    cr_assert(last >= UIOMMU_RUNNERS && last < credits);
    for (i = 0; i < credits; i++)
        ask(8, scene.pasid, i, LAST);
    serve();
    cr_assert_eq(toy.code[UIOMMU_CODE_INVALID & 3], credits - last);
    cr_assert_eq(device_counts(0).over_credit, 0);
    cr_assert_eq(device_counts(0).violations, 0);
    runners_busy(0);
    uiommu_unit_kick(unit);
    scene.says = UIOMMU_CODE_SUCCESS;
    serve();
    cr_assert_eq(scene.orphans, credits);
    cr_assert_eq(toy.code[UIOMMU_CODE_SUCCESS & 3], last);
}

/* The same of pages: the group that finds none ends, and is answered as a whole. */
Test(pool, no_page)
{
    uint32_t i;

    scene.says = UIOMMU_CODE_PENDING;
    for (i = 0; i < credits; i++)
        ask(8, scene.pasid, 1, i == credits - 1 ? LAST : 0);
    serve();
    cr_assert_eq(scene.pages, credits);
    runners_busy(1);
    reset();
    for (i = 0; i < credits; i++)
        ask(9, scene.pasid, 1, 0);
    serve();
    cr_assert_eq(device_counts(1).dropped, 0);
    unit->pool.free_page = UIOMMU_NO_SLOT; /* as if more were held: this test gives none back */
    ask(8, scene.pasid, 1, 0);
    ask(8, scene.pasid, 1, LAST);
    serve();
    cr_assert_eq(device_counts(0).dropped, 1);
    cr_assert_eq(device_counts(0).over_credit, 0);
    cr_assert_eq(device_counts(0).violations, 0);
    cr_assert_eq(toy.code[UIOMMU_CODE_INVALID & 3], 1);
    cr_assert_eq(bond_at(0)->open, 0);
    runners_busy(0);
    uiommu_unit_kick(unit);
    serve();
}
