/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit_scene.h"

/* R11, R12: what the death of a space does, once, and what is told of it. */

#define TOLD 64u

static struct uiommu_trace told[TOLD];
static uint32_t tolds;

/* All of them, locks or not. */
static void tell(void *ctx, const struct uiommu_trace *record)
{
    (void)ctx;
    if (record->id != UIOMMU_TRACE_ASPACE && record->id != UIOMMU_TRACE_INVALIDATE &&
        (record->id != UIOMMU_TRACE_BOND || record->d != UIOMMU_BOND_MM_DEAD))
        return;
    cr_assert_lt(tolds, TOLD);
    told[tolds++] = *record;
}

static void begin(void)
{
    scene_begin();
    tolds = 0;
    u->host.trace = tell;
}

TestSuite(aspace, .init = begin, .fini = scene_end);

static void is_told(uint32_t i, uint64_t b, uint64_t c)
{
    cr_assert_lt(i, tolds);
    cr_assert_eq(told[i].id, UIOMMU_TRACE_ASPACE);
    cr_assert_eq(told[i].a, scene.as->number);
    cr_assert(told[i].b == b && told[i].c == c && told[i].d == 0);
}

Test(aspace, arguments)
{
    struct uiommu_aspace_config c = {
        .size = sizeof(c), .roots = scene.as->roots, .root_count = 1, .user = &host};
    struct uiommu_aspace *as = NULL;

    cr_assert_eq(uiommu_aspace_create(u, NULL, &as), UIOMMU_E_INVALID);
    cr_assert_eq(uiommu_aspace_create(u, &c, NULL), UIOMMU_E_INVALID);
    cr_assert_eq(uiommu_aspace_create(u, &c, &as), UIOMMU_OK);
    cr_assert_eq(as->user, &host);
    cr_assert_eq(uiommu_aspace_bonds(as), 0);
    cr_assert_eq(uiommu_aspace_bonds(scene.as), 2);
    cr_assert_eq(uiommu_aspace_bonds(NULL), 0);
    cr_assert_eq(uiommu_aspace_reap(as), UIOMMU_E_STATE, "it lives");
    cr_assert_eq(uiommu_aspace_destroy(as), UIOMMU_OK);
}

/* Each bond goes over once; a second exit finds all done. */
Test(aspace, exit_is_told)
{
    uint32_t forgot, i;

    cr_assert_eq(uiommu_aspace_exit(scene.as), UIOMMU_OK);
    cr_assert_eq(tolds, 4);
    is_told(0, 0, 0);
    for (i = 0; i < 2; i++) {
        cr_assert_eq(told[1 + i].id, UIOMMU_TRACE_BOND);
        cr_assert_eq(told[1 + i].a, (uint64_t)bond_at(i)->index << 32 | bond_at(i)->generation);
        cr_assert_eq(told[1 + i].b, (uint64_t)scene_ids[i] << 32 | scene.pasid);
        cr_assert_eq(told[1 + i].c, UIOMMU_BOND_LIVE);
        cr_assert_eq(bond_info(i).state, UIOMMU_BOND_MM_DEAD);
    }
    is_told(3, 1, UIOMMU_OK);
    forgot = toy.forgot;
    cr_assert_neq(forgot, 0);
    cr_assert_eq(uiommu_aspace_exit(scene.as), UIOMMU_OK);
    cr_assert_eq(toy.forgot, forgot, "nothing is left to forget");
    cr_assert_eq(tolds, 6);
}

static void each_wave(enum toy_op op)
{
    uint32_t i;

    toy.failing = op;
    toy.with = UIOMMU_E_HW;
    cr_assert_eq(uiommu_aspace_exit(scene.as), UIOMMU_E_WITHHELD);
    is_told(tolds - 1, 1, (uint64_t)(int64_t)UIOMMU_E_WITHHELD);
    toy.failing = TOY_NONE;
    for (i = 0; i < 2; i++) {
        cr_assert_eq(uiommu_device_reset_begin(scene.dev[i]), UIOMMU_OK);
        cr_assert_eq(reset_to_end(i), UIOMMU_OK);
    }
    cr_assert_eq(uiommu_aspace_exit(scene.as), UIOMMU_OK, "it is tried again");
}

Test(aspace, configuration_fails)
{
    each_wave(TOY_CONFIG);
}

Test(aspace, tlb_fails)
{
    each_wave(TOY_TLB);
}

Test(aspace, device_tlb_fails)
{
    each_wave(TOY_DTLB);
}

Test(aspace, invalidate)
{
    cr_assert_eq(uiommu_aspace_invalidate(scene.as, 6, 5, false), UIOMMU_E_INVALID);
    cr_assert_eq(tolds, 0);
    cr_assert_eq(uiommu_aspace_invalidate(scene.as, 5, 5, false), UIOMMU_OK);
    cr_assert_eq(tolds, 1);
    cr_assert_eq(told[0].id, UIOMMU_TRACE_INVALIDATE);
    cr_assert_eq(told[0].a, scene.as->number);
    cr_assert(told[0].b == 5 && told[0].c == 5 && told[0].d == UIOMMU_OK);
    cr_assert_eq(toy.forgot != 0, true);
    cr_assert_eq(uiommu_word_load(&scene.as->refs), 2, "its bonds'");
}

/* Bonds leave the list from any place; what waits behind them stays. */
Test(aspace, list)
{
    struct uiommu_bond_ref ref[3];
    struct uiommu_aspace *as = scene_space(NULL);
    uint32_t pasid[3], i, n;

    for (i = 0; i < 3; i++) {
        cr_assert_eq(uiommu_pasid_alloc(space, NULL, 0, &pasid[i]), UIOMMU_OK);
        cr_assert_eq(scene_bind(scene.dev[i % 2], as, pasid[i], &ref[i]), UIOMMU_OK);
        cr_assert(uiommu_aspace_valid(as));
    }
    for (n = 0; n < 3; n++) {
        i = (n + 1) % 3; /* the middle, the last, the first */
        cr_assert_eq(uiommu_unbind(u, ref[i], UIOMMU_UNBIND_STOPPED), UIOMMU_OK);
        cr_assert_eq(uiommu_aspace_bonds(as), 2 - n);
        cr_assert(uiommu_aspace_valid(as));
    }
    serve();
    cr_assert(as->bonds == NULL && as->bonds_tail == NULL);
    for (i = 0; i < 3; i++)
        cr_assert_eq(uiommu_pasid_put(space, pasid[i]), UIOMMU_OK);
    cr_assert_eq(uiommu_aspace_destroy(as), UIOMMU_OK);
}

/* R12: a reap of a dead space unbinds what nobody has unbound, and says when it is over. */
Test(aspace, reap)
{
    struct uiommu_aspace *as = scene_space(NULL);
    uiommu_err err = UIOMMU_PENDING;
    struct uiommu_bond_ref ref[2];
    uint32_t pasid, i;

    cr_assert_eq(uiommu_pasid_alloc(space, NULL, 0, &pasid), UIOMMU_OK);
    for (i = 0; i < 2; i++)
        cr_assert_eq(scene_bind(scene.dev[i], as, pasid, &ref[i]), UIOMMU_OK);
    cr_assert_eq(uiommu_aspace_exit(as), UIOMMU_OK);
    for (i = 0; i < 2; i++)
        cr_assert_eq(uiommu_bond_stopped(u, ref[i]), UIOMMU_OK);
    tolds = 0;
    for (i = 0; i < 1000 && err == UIOMMU_PENDING; i++)
        err = uiommu_aspace_reap(as);
    cr_assert_eq(err, UIOMMU_OK);
    cr_assert_eq(uiommu_aspace_bonds(as), 0);
    cr_assert_eq(tolds, 1);
    cr_assert(told[0].a == as->number && told[0].b == 2 && told[0].c == 0 && told[0].d == 0);
    serve();
    cr_assert_eq(uiommu_aspace_destroy(as), UIOMMU_OK);
    cr_assert_eq(uiommu_pasid_put(space, pasid), UIOMMU_OK);
}
