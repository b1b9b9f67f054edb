/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * R9, R11, R12: who reaps a space, what he asks of each bond, and what the last of them leaves.
 * The file is compiled in here, so that a test can be in between.
 */
#include "../../core/core.h"

static void between_sub(struct uiommu_word *word, uint32_t by);
static void between_want(struct uiommu_bond *bond, uint32_t wants);

#define uiommu_word_sub  between_sub
#define uiommu_bond_want between_want
#include "../../core/aspace.c"
#undef uiommu_word_sub
#undef uiommu_bond_want

#include <stdlib.h>

#include "unit_scene.h"

static struct uiommu_aspace *ending;
static uint32_t asked;

/* Behind the last reference another processor may destroy the space. */
static void between_sub(struct uiommu_word *word, uint32_t by)
{
    uiommu_word_sub(word, by);
    if (ending == NULL || word != &ending->refs || uiommu_word_load(word) != 0)
        return;
    cr_assert_eq(uiommu_word_load(&ending->bond_count), 0);
    cr_assert_eq(uiommu_aspace_destroy(ending), UIOMMU_OK);
    ending = NULL;
}

static void between_want(struct uiommu_bond *bond, uint32_t wants)
{
    cr_assert_neq(bond->pins, 0, "else it may be another bond by now");
    asked++;
    uiommu_bond_want(bond, wants);
}

static void begin(void)
{
    struct uiommu_owner_config c = {.size = sizeof(c)};

    ending = NULL;
    asked = 0;
    memset(&scene, 0, sizeof(scene));
    toy_begin();
    cr_assert_eq(uiommu_owner_create(u, &c, &scene.owner), UIOMMU_OK);
    scene_set(&toy_ops);
}

TestSuite(space_ends, .init = begin, .fini = scene_end);

static uiommu_err reap(void)
{
    uiommu_err err = UIOMMU_PENDING;
    uint32_t i;

    for (i = 0; i < 1000 && err == UIOMMU_PENDING; i++)
        err = uiommu_aspace_reap(scene.as);
    return err;
}

/* Dead, its bonds stopped, and the TLB's invalidation fails. */
static void withhold(void)
{
    uint32_t i;

    toy.failing = TOY_TLB;
    toy.with = UIOMMU_E_HW;
    cr_assert_eq(uiommu_owner_exit(scene.owner), UIOMMU_E_WITHHELD);
    for (i = 0; i < 2; i++)
        cr_assert_eq(uiommu_bond_stopped(u, scene.bond[i]), UIOMMU_OK);
    cr_assert_eq(reap(), UIOMMU_E_WITHHELD);
}

/* R12: told first, and each is asked once more, the first of all included. */
Test(space_ends, asked_again)
{
    uint32_t i;

    cr_assert_eq(bond_at(0)->serial, 1);
    withhold();
    cr_assert_eq(asked, 4, "to unbind, and to try again");
    for (i = 0; i < 2; i++) {
        cr_assert_eq(bond_info(i).state, UIOMMU_BOND_POISONED);
        cr_assert_neq(uiommu_word_load(&bond_at(i)->wants) & UIOMMU_WANT_RETRY, 0);
    }
    toy.failing = TOY_NONE;
    serve();
    cr_assert_eq(uiommu_aspace_reap(scene.as), UIOMMU_OK);
    cr_assert_eq(asked, 4);
}

/* An unbind that somebody has begun is his: it goes on as he began it. */
Test(space_ends, begun)
{
    cr_assert_eq(uiommu_unbind_begin(u, scene.bond[0], 0), UIOMMU_OK);
    cr_assert_eq(uiommu_aspace_exit(scene.as), UIOMMU_OK);
    cr_assert_eq(uiommu_aspace_reap(scene.as), UIOMMU_PENDING);
    cr_assert_eq(uiommu_word_load(&bond_at(0)->wants) & UIOMMU_WANT_ABORT, 0);
    cr_assert_neq(uiommu_word_load(&bond_at(1)->wants) & UIOMMU_WANT_ABORT, 0);
}

static uiommu_err stops(void *ctx, struct uiommu_device *dev, struct uiommu_bond_ref ref,
                        uint32_t pasid)
{
    (void)ctx;
    (void)dev;
    (void)ref;
    (void)pasid;
    return UIOMMU_OK;
}

/* What a driver says when it is asked to stop counts at once. */
Test(space_ends, stopped)
{
    uint32_t i;

    for (i = 0; i < 2; i++)
        scene.dev[i]->ops.stop = stops;
    cr_assert_eq(uiommu_aspace_exit(scene.as), UIOMMU_OK);
    cr_assert(reap_bonds(scene.as));
    for (i = 0; i < 2; i++)
        cr_assert_gt(bond_at(i)->phase, UIOMMU_PHASE_D1);
}

/* A bond that was poisoned by a handler's absence comes by again. */
Test(space_ends, left_twice)
{
    struct uiommu_tag *tag = scene.as->tags;
    uint32_t i;

    cr_assert_eq(tag->refs, 2);
    cr_assert(uiommu_aspace_leave(bond_at(0)));
    cr_assert(uiommu_aspace_leave(bond_at(0)));
    cr_assert_null(bond_at(0)->tag);
    cr_assert(scene.as->tags == tag && tag->refs == 1, "the other one's");
    cr_assert(scene.as->bonds == bond_at(1) && scene.as->bonds_tail == bond_at(1));
    for (i = 0; i < 2; i++)
        cr_assert(uiommu_aspace_leave(bond_at(1 - i)));
    cr_assert_null(scene.as->tags);
    cr_assert(scene.as->bonds == NULL && scene.as->bonds_tail == NULL);
}

static struct uiommu_bond unlisted(struct uiommu_aspace *as)
{
    struct uiommu_bond bond;

    memset(&bond, 0, sizeof(bond));
    bond.u = u;
    bond.dev = scene.dev[0];
    bond.as = as;
    uiommu_word_add(&as->refs, 1);
    uiommu_word_add(&as->bond_count, 1);
    return bond;
}

/* R9: poisoned counts once, however often it is tried, until it is over. */
Test(space_ends, poisoned_twice)
{
    struct uiommu_aspace *as = scene_space(NULL);
    struct uiommu_bond bond = unlisted(as);
    uint32_t i;

    for (i = 0; i < 3; i++) {
        uiommu_aspace_unref(&bond, true);
        cr_assert(bond.as == NULL && bond.poisoned_as == as);
        cr_assert(as->poisoned.v == 1 && as->refs.v == 0 && as->bond_count.v == 0);
        cr_assert_eq(uiommu_aspace_destroy(as), UIOMMU_E_BUSY);
    }
    for (i = 0; i < 2; i++) {
        uiommu_aspace_unref(&bond, false);
        cr_assert(bond.poisoned_as == NULL && as->poisoned.v == 0);
    }
    cr_assert_eq(uiommu_aspace_destroy(as), UIOMMU_OK);
}

/* The reference is the last that goes. */
Test(space_ends, last)
{
    struct uiommu_bond bond;

    ending = scene_space(NULL);
    bond = unlisted(ending);
    uiommu_aspace_unref(&bond, false);
    cr_assert_null(ending, "destroyed");
}

/* Each unit is served, in the order of numbers and not of the list. */
Test(space_ends, each_unit)
{
    struct uiommu_unit_config c = {.size = sizeof(c), .pasids = space};
    uint32_t number = unit->number, i;
    struct uiommu_unit *two[2] = {unit, NULL};
    uintptr_t served[2];

    cr_assert_eq(uiommu_unit_create(u, &toy_ops, &toy, &c, &two[1]), UIOMMU_OK);
    cr_assert_eq(uiommu_unit_start(two[1]), UIOMMU_OK);
    for (i = 0; i < 2; i++) {
        two[i]->number = 1; /* the least that there is */
        two[1 - i]->number = 2;
        served[0] = two[0]->counters.services;
        served[1] = two[1]->counters.services;
        pump_units(u);
        cr_assert_eq(two[0]->counters.services, served[0] + 1);
        cr_assert_eq(two[1]->counters.services, served[1] + 1);
    }
    unit->number = number;
    cr_assert_eq(uiommu_unit_stop(two[1]), UIOMMU_OK);
    cr_assert_eq(uiommu_unit_destroy(two[1]), UIOMMU_OK);
}

/* Of an owner's spaces the worst is told: at it, withheld, poisoned. */
Test(space_ends, worst)
{
    struct uiommu_aspace *as[2] = {scene_space(scene.owner), scene_space(scene.owner)};
    uint32_t i;

    withhold();
    as[0]->number = 1; /* before all others */
    as[0]->bond_count.v = 1;
    for (i = 0; i < 20; i++)
        cr_assert_eq(uiommu_owner_reap(scene.owner), UIOMMU_PENDING);
    as[0]->bond_count.v = 0;
    toy.failing = TOY_NONE;
    serve();
    cr_assert_eq(uiommu_owner_reap(scene.owner), UIOMMU_OK);
    as[0]->poisoned.v = 1;
    cr_assert_eq(uiommu_owner_reap(scene.owner), UIOMMU_E_POISONED);
    as[0]->poisoned.v = 0;
    for (i = 0; i < 2; i++)
        cr_assert_eq(uiommu_aspace_destroy(as[i]), UIOMMU_OK);
}

/* A list longer than any is a circle. */
Test(space_ends, tags_bound)
{
    struct uiommu_tag *tags = (struct uiommu_tag *)calloc(UIOMMU_LISTED + 1u, sizeof(*tags));
    struct uiommu_aspace as;
    uint32_t i;

    cr_assert_not_null(tags);
    memset(&as, 0, sizeof(as));
    as.spare_tags = tags;
    for (i = 1; i < UIOMMU_LISTED; i++)
        tags[i - 1].next = &tags[i];
    cr_assert(tags_valid(&as, 0));
    tags[UIOMMU_LISTED - 1].next = &tags[UIOMMU_LISTED];
    cr_assert_not(tags_valid(&as, 0));
    free(tags);
}
