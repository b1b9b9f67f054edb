/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit_scene.h"

/* R6, R11 to R13: address spaces and their owners, and what others do at the same time. */

static struct uiommu_owner *owner;

static struct uiommu_owner *make_owner(struct uiommu *of)
{
    struct uiommu_owner_config c = {.size = sizeof(c), .bonds = 8};
    struct uiommu_owner *out;

    cr_assert_eq(uiommu_owner_create(of, &c, &out), UIOMMU_OK);
    return out;
}

static void begin(void)
{
    memset(&scene, 0, sizeof(scene));
    toy_begin();
    owner = scene.owner = make_owner(u);
    scene_set(&toy_ops);
}

TestSuite(spaces, .init = begin, .fini = scene_end);

/* What a dead owner, or somebody else's, cannot have. */
Test(spaces, of_another)
{
    struct uiommu_aspace_config c = {
        .size = sizeof(c), .roots = scene.as->roots, .root_count = 1, .owner = NULL};
    struct uiommu_port_config p = {.size = sizeof(p), .want = 1};
    struct uiommu_owner *foreign, *dead = make_owner(u);
    struct uiommu_aspace *as = NULL;
    struct uiommu_port *port = NULL;
    struct fake_host second;
    struct uiommu *v;

    fake_host_init(&second);
    v = fake_host_create(&second);
    foreign = make_owner(v);
    c.owner = p.owner = foreign;
    cr_assert_eq(uiommu_aspace_create(u, &c, &as), UIOMMU_E_HANDLE);
    cr_assert_eq(uiommu_port_create(unit, &p, &port), UIOMMU_E_HANDLE);
    cr_assert_eq(uiommu_owner_exit(dead), UIOMMU_OK);
    c.owner = p.owner = dead;
    cr_assert_eq(uiommu_aspace_create(u, &c, &as), UIOMMU_E_DEAD);
    cr_assert_eq(uiommu_port_create(unit, &p, &port), UIOMMU_E_DEAD);
    cr_assert(as == NULL && port == NULL);
    cr_assert_eq(uiommu_owner_destroy(dead), UIOMMU_OK);
    cr_assert_eq(uiommu_owner_destroy(foreign), UIOMMU_OK);
    cr_assert(fake_host_destroy(&second, v));
}

/* They leave their owner's list in any order, but not while they are in use. */
Test(spaces, leave_the_owner)
{
    struct uiommu_aspace *a = scene_space(owner), *b = scene_space(owner), *c = scene_space(owner);

    cr_assert_eq(uiommu_aspace_destroy(scene.as), UIOMMU_E_BUSY);
    cr_assert_eq(uiommu_aspace_destroy(c), UIOMMU_OK); /* the first */
    cr_assert(uiommu_owner_valid(owner));
    cr_assert_eq(owner->aspaces, b);
    cr_assert_eq(uiommu_aspace_destroy(a), UIOMMU_OK); /* between two */
    cr_assert(uiommu_owner_valid(owner));
    cr_assert_eq(b->next, scene.as);
    cr_assert_eq(uiommu_aspace_destroy(b), UIOMMU_OK);
    cr_assert_eq(owner->aspaces, scene.as);
    cr_assert_eq(owner->spaces, 1);
}

/* R9: poisoned bonds name it no more, but their device may: it stays. */
Test(spaces, poisoned)
{
    struct uiommu_aspace *own = scene_space(NULL);
    struct uiommu_bond_ref ref;
    uint32_t pasid;

    cr_assert_eq(uiommu_pasid_alloc(space, NULL, 0, &pasid), UIOMMU_OK);
    cr_assert_eq(scene_bind(scene.dev[0], own, pasid, &ref), UIOMMU_OK);
    toy.strength = UIOMMU_BARRIER_NONE;
    cr_assert_eq(uiommu_unbind(u, ref, UIOMMU_UNBIND_STOPPED), UIOMMU_E_POISONED);
    cr_assert_eq(uiommu_aspace_bonds(own), 0);
    cr_assert_eq(uiommu_word_load(&own->refs), 0);
    cr_assert_eq(uiommu_aspace_destroy(own), UIOMMU_E_BUSY);
    toy.strength = UIOMMU_BARRIER_PROVED;
    cr_assert_eq(uiommu_device_reset_begin(scene.dev[0]), UIOMMU_OK);
    cr_assert_eq(reset_to_end(0), UIOMMU_OK);
    serve();
    cr_assert_eq(uiommu_aspace_destroy(own), UIOMMU_OK);
    cr_assert_eq(uiommu_pasid_put(space, pasid), UIOMMU_OK);
}

/* A nested root is for untagged traffic, and so is a second stage. */
Test(spaces, roots_without_pasid)
{
    struct uiommu_root root = scene.as->roots[0];
    struct uiommu_aspace_config c = {.size = sizeof(c), .roots = &root, .root_count = 1};
    struct uiommu_bond_ref ref;
    struct uiommu_aspace *as;
    uint32_t pasid, i;

    cr_assert_eq(uiommu_pasid_alloc(space, NULL, 0, &pasid), UIOMMU_OK);
    for (i = 0; i < 2; i++) {
        if (i == 0) {
            root.under = (struct uiommu_root_under){
                .format = UIOMMU_ROOT_X86_64_STAGE2, .granule_bits = 12, .va_bits = 48};
            root.under.pa_bits = 48;
        } else {
            memset(&root.under, 0, sizeof(root.under));
            root.format = UIOMMU_ROOT_X86_64_STAGE2;
        }
        cr_assert_eq(uiommu_aspace_create(u, &c, &as), UIOMMU_OK, "%u", i);
        cr_assert_eq(scene_bind(scene.dev[0], as, pasid, &ref), UIOMMU_E_UNSUPPORTED, "%u", i);
        cr_assert_eq(uiommu_aspace_destroy(as), UIOMMU_OK);
    }
    cr_assert_eq(uiommu_pasid_put(space, pasid), UIOMMU_OK);
}

/* A bind that fails after its owner was charged gives that back. */
Test(spaces, bind_is_refunded)
{
    struct uiommu_owner_counters before, after;
    struct uiommu_bond_ref ref;

    cr_assert_eq(uiommu_owner_get_counters(owner, &before), UIOMMU_OK);
    cr_assert_eq(before.bonds, 2);
    cr_assert_eq(scene_bind(scene.dev[0], scene.as, scene.pasid + 1, &ref), UIOMMU_E_NOT_FOUND);
    cr_assert_eq(uiommu_owner_get_counters(owner, &after), UIOMMU_OK);
    cr_assert_eq(after.bonds, 2);
}

/* Numbers of spaces need not follow the list: an owner's death leaves none out. */
Test(spaces, owner_dies_in_any_order)
{
    struct uiommu_aspace *a = scene_space(owner), *b = scene_space(owner);
    uint32_t number = a->number;

    a->number = b->number;
    b->number = number;
    cr_assert_eq(uiommu_owner_exit(owner), UIOMMU_OK);
    cr_assert_eq(uiommu_word_load(&a->dead), 1);
    cr_assert_eq(uiommu_word_load(&b->dead), 1);
    cr_assert_eq(uiommu_word_load(&scene.as->dead), 1);
    cr_assert_eq(uiommu_aspace_destroy(a), UIOMMU_OK);
    cr_assert_eq(uiommu_aspace_destroy(b), UIOMMU_OK);
}

/* R12: of what a reap meets, still reachable is worse than a withheld number. */
Test(spaces, owner_reaps_the_worst)
{
    struct uiommu_aspace *later = scene_space(owner);
    struct uiommu_bond_ref ref;
    uiommu_err err = UIOMMU_PENDING;
    uint32_t pasid, i;

    cr_assert_eq(uiommu_pasid_alloc(space, NULL, 0, &pasid), UIOMMU_OK);
    cr_assert_eq(scene_bind(scene.dev[0], later, pasid, &ref), UIOMMU_OK);
    toy.strength = UIOMMU_BARRIER_NONE;
    for (i = 0; i < 2; i++)
        cr_assert_eq(uiommu_unbind(u, scene.bond[i], UIOMMU_UNBIND_STOPPED), UIOMMU_E_POISONED);
    cr_assert_eq(uiommu_owner_exit(owner), UIOMMU_OK);
    toy.strength = UIOMMU_BARRIER_PROVED;
    toy.failing = TOY_CONFIG;
    toy.with = UIOMMU_E_HW;
    cr_assert_eq(uiommu_unbind_begin(u, ref, UIOMMU_UNBIND_STOPPED), UIOMMU_OK);
    for (i = 0; i < 1000 && err == UIOMMU_PENDING; i++)
        err = uiommu_owner_reap(owner);
    cr_assert_eq(err, UIOMMU_E_WITHHELD);
    toy.failing = TOY_NONE;
    for (i = 0; i < 2; i++) {
        cr_assert_eq(uiommu_device_reset_begin(scene.dev[i]), UIOMMU_OK);
        cr_assert_eq(reset_to_end(i), UIOMMU_OK);
    }
    cr_assert_eq(uiommu_unbind(u, ref, 0), UIOMMU_OK);
    serve();
    cr_assert_eq(uiommu_owner_reap(owner), UIOMMU_OK);
    cr_assert_eq(uiommu_aspace_destroy(later), UIOMMU_OK);
    cr_assert_eq(uiommu_pasid_put(space, pasid), UIOMMU_OK);
}

static struct uiommu_unit *other_unit;
static uiommu_err destroyed;

static void destroy_meanwhile(struct fake_host *h)
{
    if (other_unit->users == 0)
        return;
    h->on_now = NULL;
    uiommu_word_store(&other_unit->started, 0); /* as if it were stopped: that is not in the way */
    destroyed = uiommu_unit_destroy(other_unit);
    uiommu_word_store(&other_unit->started, 1);
}

/* R11: a reap serves every unit, in whatever order they are listed; none goes meanwhile. */
Test(spaces, reap_serves_all_units)
{
    struct uiommu_unit *first = unit;
    uint32_t number;

    cr_assert_eq(toy_create(&toy_ops), UIOMMU_OK);
    other_unit = unit;
    unit = first;
    cr_assert_eq(u->units, other_unit);
    number = other_unit->number;
    other_unit->number = first->number;
    first->number = number;
    cr_assert_eq(uiommu_unit_start(other_unit), UIOMMU_OK);
    cr_assert_eq(uiommu_aspace_exit(scene.as), UIOMMU_OK);
    cr_assert_eq(uiommu_unbind_begin(u, scene.bond[0], UIOMMU_UNBIND_STOPPED), UIOMMU_OK);
    number = (uint32_t)other_unit->counters.services;
    toy.failing = TOY_POLL;
    toy.with = UIOMMU_PENDING;
    cr_assert_eq(uiommu_aspace_reap(scene.as), UIOMMU_PENDING);
    cr_assert_eq(other_unit->counters.services, number + 1);
    toy.failing = TOY_NONE;
    host.on_now = destroy_meanwhile;
    destroyed = UIOMMU_OK;
    cr_assert_eq(uiommu_aspace_reap(scene.as), UIOMMU_PENDING);
    cr_assert_eq(destroyed, UIOMMU_E_BUSY);
    host.on_now = NULL;
    cr_assert_eq(uiommu_unit_stop(other_unit), UIOMMU_OK);
    cr_assert_eq(uiommu_unit_destroy(other_unit), UIOMMU_OK);
}
