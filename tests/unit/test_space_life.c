/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit_scene.h"

/* aspace.c: what is no space, how many roots one has, what an exit leaves, and the end (R11 to
 * R13). */

static struct uiommu_trace told;
static void (*heap_put)(void *ctx, void *ptr, size_t bytes);
static struct uiommu_aspace *going;
static uint32_t objects, gone, refs_then, refs_inside;

TestSuite(space_life, .init = scene_begin, .fini = scene_end);

Test(space_life, no_space)
{
    struct uiommu_aspace nothing;
    struct uiommu_owner nobody;
    struct uiommu_owner_config oc = {.size = sizeof(oc)};
    struct uiommu_owner *owner = NULL;
    struct uiommu_aspace_config c = {
        .size = sizeof(c), .roots = scene.as->roots, .root_count = 1, .owner = &nobody};

    memset(&nothing, 0, sizeof(nothing));
    memset(&nobody, 0, sizeof(nobody));
    nothing.u = nobody.u = u; /* all but the magic */
    cr_assert_eq(uiommu_aspace_invalidate(&nothing, 0, 1, false), UIOMMU_E_HANDLE);
    cr_assert_eq(uiommu_aspace_exit(&nothing), UIOMMU_E_HANDLE);
    nothing.dead.v = 1;
    cr_assert_eq(uiommu_aspace_reap(&nothing), UIOMMU_E_HANDLE);
    cr_assert_eq(uiommu_aspace_destroy(&nothing), UIOMMU_E_HANDLE);
    cr_assert_eq(uiommu_aspace_create(u, &c, &going), UIOMMU_E_HANDLE);
    cr_assert_eq(uiommu_owner_exit(&nobody), UIOMMU_E_HANDLE);
    nobody.dead.v = 1;
    cr_assert_eq(uiommu_owner_reap(&nobody), UIOMMU_E_HANDLE);
    cr_assert_eq(uiommu_owner_create(u, &oc, &owner), UIOMMU_OK);
    cr_assert_eq(uiommu_owner_reap(owner), UIOMMU_E_STATE);
    cr_assert_eq(uiommu_owner_exit(owner), UIOMMU_OK);
    cr_assert_eq(owner->dead.v, 1);
    cr_assert_eq(uiommu_owner_reap(owner), UIOMMU_OK);
    cr_assert_eq(uiommu_owner_destroy(owner), UIOMMU_OK);
}

static uiommu_err with_roots(const struct uiommu_root *roots, uint32_t count)
{
    struct uiommu_aspace_config c = {.size = sizeof(c), .roots = roots, .root_count = count};
    uiommu_err err = uiommu_aspace_create(u, &c, &going);

    if (err == UIOMMU_OK) {
        cr_assert(uiommu_aspace_valid(going));
        cr_assert_eq(uiommu_aspace_destroy(going), UIOMMU_OK);
    }
    return err;
}

Test(space_life, roots)
{
    static const enum uiommu_root_format format[UIOMMU_ROOTS_MAX + 1] = {
        UIOMMU_ROOT_AARCH64, UIOMMU_ROOT_X86_64, UIOMMU_ROOT_RISCV64, UIOMMU_ROOT_X86_64_STAGE2,
        UIOMMU_ROOT_X86_64_LEVELLED};
    struct uiommu_root roots[UIOMMU_ROOTS_MAX + 1], *root = &roots[0];
    uint32_t i;

    for (i = 0; i <= UIOMMU_ROOTS_MAX; i++) {
        roots[i] = scene.as->roots[0];
        roots[i].format = format[i];
    }
    cr_assert_eq(with_roots(roots, UIOMMU_ROOTS_MAX), UIOMMU_OK);
    cr_assert_eq(with_roots(roots, UIOMMU_ROOTS_MAX + 1), UIOMMU_E_INVALID);
    root->under = (struct uiommu_root_under){.format = UIOMMU_ROOT_AARCH64_STAGE2,
                                             .granule_bits = 12,
                                             .va_bits = 40,
                                             .pa_bits = 40,
                                             .table = 0x2000};
    cr_assert_eq(with_roots(roots, 1), UIOMMU_OK);
    root->format = UIOMMU_ROOT_AARCH64_STAGE2;
    cr_assert_eq(with_roots(roots, 1), UIOMMU_E_INVALID, "a second stage lies under a first one");
}

static void tell(void *ctx, const struct uiommu_trace *record)
{
    (void)ctx;
    if (record->id == UIOMMU_TRACE_ASPACE || record->id == UIOMMU_TRACE_INVALIDATE) {
        told = *record;
        refs_then = scene.as->refs.v;
        cr_assert_eq(record->unit, 0, "of no unit");
    }
}

static uiommu_err tlb(void *hw, void *d, uint32_t pasid, const struct uiommu_root *root,
                      uint32_t tag, const struct uiommu_range *r)
{
    refs_inside = scene.as->refs.v;
    return toy_tlb(hw, d, pasid, root, tag, r);
}

static uiommu_err told_first(void *hw, void *d, uint32_t pasid, const struct uiommu_root *root,
                             uint32_t tag, const struct uiommu_range *r)
{
    refs_inside = refs_then; /* of what was told before */
    return toy_tlb(hw, d, pasid, root, tag, r);
}

/* It is kept from going as long as somebody is at it, the trace included. */
Test(space_life, kept)
{
    uint32_t refs = scene.as->refs.v;

    u->host.trace = tell;
    unit->ops.tlb_invalidate = tlb;
    cr_assert_eq(uiommu_aspace_invalidate(scene.as, 0, 0xfff, false), UIOMMU_OK);
    cr_assert(refs_inside == refs + 1 && refs_then == refs + 1 && scene.as->refs.v == refs);
    unit->ops.tlb_invalidate = told_first;
    cr_assert_eq(uiommu_aspace_exit(scene.as), UIOMMU_OK);
    cr_assert(refs_inside == refs + 1 && refs_then == refs + 1 && scene.as->refs.v == refs);
    unit->ops.tlb_invalidate = toy_tlb;
}

/* A tag in use is somebody's. */
Test(space_life, tags)
{
    struct uiommu_tag *tag = scene.as->tags;
    uint32_t refs = tag->refs;
    struct uiommu_tag *was[2] = {bond_at(0)->tag, bond_at(1)->tag};

    bond_at(0)->tag = bond_at(1)->tag = NULL;
    cr_assert(uiommu_aspace_valid(scene.as));
    tag->refs = 0;
    cr_assert_not(uiommu_aspace_valid(scene.as));
    tag->refs = refs;
    bond_at(0)->tag = was[0];
    bond_at(1)->tag = was[1];
}

/* Every gate is shut, once; what could not be proved is tried again. */
Test(space_life, exit)
{
    uint32_t i;

    u->host.trace = tell;
    cr_assert_eq(uiommu_aspace_invalidate(scene.as, 0, 0xfff, false), UIOMMU_OK);
    cr_assert_eq(told.id, UIOMMU_TRACE_INVALIDATE);
    toy.failing = TOY_TLB;
    toy.with = UIOMMU_E_HW;
    cr_assert_eq(uiommu_aspace_exit(scene.as), UIOMMU_E_WITHHELD);
    cr_assert_eq(scene.as->blocked.v, 0);
    for (i = 0; i < 2; i++)
        cr_assert(uiommu_gate_closed(bond_at(i)));
    toy.failing = TOY_NONE;
    cr_assert_eq(uiommu_aspace_exit(scene.as), UIOMMU_OK);
    cr_assert_eq(scene.as->blocked.v, 1);
    for (i = 0; i < 2; i++)
        cr_assert_eq(uiommu_bond_stopped(u, scene.bond[i]), UIOMMU_OK);
    for (i = 0; i < 1000 && uiommu_aspace_reap(scene.as) == UIOMMU_PENDING; i++)
        ;
    cr_assert_eq(uiommu_aspace_reap(scene.as), UIOMMU_OK);
    cr_assert(told.id == UIOMMU_TRACE_ASPACE && told.b == 2);
}

static void put(void *ctx, void *ptr, size_t bytes)
{
    if (ptr == going) {
        cr_assert_eq(going->magic, 0, "nobody takes it for a space any more");
        gone++;
    }
    if (bytes == sizeof(*going)) {
        cr_assert_eq(((const struct uiommu_aspace *)ptr)->magic, 0);
        cr_assert_eq(u->objects, objects, "its instance stays until it is gone");
    }
    heap_put(ctx, ptr, bytes);
}

Test(space_life, destroyed)
{
    struct uiommu_owner_config oc = {.size = sizeof(oc)};
    struct uiommu_aspace_config c = {.size = sizeof(c), .roots = scene.as->roots, .root_count = 1};

    gone = 0;
    cr_assert_eq(uiommu_aspace_create(u, &c, &going), UIOMMU_OK);
    objects = u->objects;
    heap_put = u->host.heap_put;
    u->host.heap_put = put;
    cr_assert_eq(uiommu_aspace_destroy(going), UIOMMU_OK);
    cr_assert(gone == 1 && u->objects == objects - 1);
    cr_assert_eq(uiommu_owner_create(u, &oc, &c.owner), UIOMMU_OK);
    cr_assert_eq(uiommu_owner_exit(c.owner), UIOMMU_OK);
    going = NULL;
    objects = u->objects + 1;
    cr_assert_eq(uiommu_aspace_create(u, &c, &going), UIOMMU_E_DEAD);
    cr_assert_null(going);
    cr_assert_eq(u->objects, objects - 1);
    u->host.heap_put = heap_put;
    cr_assert_eq(uiommu_owner_destroy(c.owner), UIOMMU_OK);
}

/* Numbers come round: the first of them is one, too. */
Test(space_life, number_one)
{
    struct uiommu_owner_config oc = {.size = sizeof(oc)};
    struct uiommu_owner *owner = NULL;

    cr_assert_eq(uiommu_owner_create(u, &oc, &owner), UIOMMU_OK);
    u->next_number = UINT32_MAX;
    going = scene_space(owner);
    cr_assert_eq(going->number, 1);
    cr_assert_eq(uiommu_owner_exit(owner), UIOMMU_OK);
    cr_assert_eq(going->dead.v, 1);
    u->host.trace = tell;
    told.a = 0;
    cr_assert_eq(uiommu_owner_reap(owner), UIOMMU_OK);
    cr_assert(told.a == 1 && told.b == 2, "it was reaped");
    cr_assert_eq(uiommu_aspace_destroy(going), UIOMMU_OK);
    cr_assert_eq(uiommu_owner_destroy(owner), UIOMMU_OK);
}

/* Where nothing is bound, nobody is served for it. */
Test(space_life, reaped_alone)
{
    struct uiommu_aspace *alone = scene_space(NULL);
    uintptr_t services = unit->counters.services;

    cr_assert_eq(uiommu_aspace_exit(alone), UIOMMU_OK);
    cr_assert_eq(uiommu_aspace_reap(alone), UIOMMU_OK);
    cr_assert_eq(unit->counters.services, services);
    cr_assert_eq(uiommu_aspace_destroy(alone), UIOMMU_OK);
}
