/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit_scene.h"

/* What answer.c does with a group, told apart from what becomes of it later. */

TestSuite(answer, .init = scene_begin, .fini = scene_end);

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
