/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit_scene.h"

/* bind.c: what is refused, the order in which things are taken, and that a bind which fails leaves
 * nothing (R2, R6, R13, I17). */

#define USER ((void *)&toy)

static uint32_t refuses, prepares, checks, sets, configs, more, due_then, refs_then, number;
static uint32_t state_then, gate_then, live_traces;
static const struct uiommu_root *root_set;
static uiommu_err prepared;
static bool valid_then, out_then, attaching, attaching_then;
static uint32_t valids;
static struct uiommu_bond_ref ref;
static void (*in_prepare)(void), (*in_stamp)(void), (*in_set)(void), (*in_config)(void);

static void meanwhile(void (**what)(void))
{
    void (*then)(void) = *what;

    *what = NULL;
    if (then != NULL)
        then();
}
static uiommu_err root_check(void *hw, void *d, uint32_t pasid, const struct uiommu_root *root)
{
    (void)hw;
    (void)d;
    (void)pasid;
    checks++;
    return (refuses >> (root - scene.as->roots) & 1) != 0 ? UIOMMU_E_UNSUPPORTED : UIOMMU_OK;
}
static uiommu_err prepare(void *hw, void *d, uint32_t pasid)
{
    (void)hw;
    (void)d;
    (void)pasid;
    prepares++;
    refs_then = uiommu_word_load(&scene.as->refs);
    meanwhile(&in_prepare);
    return prepared;
}
static struct uiommu_bond *bond(void)
{
    return scene.dev[0] != NULL ? uiommu_bond_find(scene.dev[0], number) : NULL;
}
static uiommu_err set(void *hw, void *d, uint32_t pasid, const struct uiommu_root *root,
                      uint32_t tag, uint32_t step)
{
    uiommu_err err = toy_set(hw, d, pasid, root, tag, step);

    sets++;
    root_set = root;
    state_then = bond() != NULL ? uiommu_bond_state(bond()) : UIOMMU_BOND_FREE;
    meanwhile(&in_set);
    return err == UIOMMU_OK && step < more ? UIOMMU_MORE : err;
}
static uiommu_err config(void *hw, void *d, uint32_t pasid)
{
    configs++;
    valid_then = bond() != NULL && bond()->valid;
    valids += valid_then;
    meanwhile(&in_config);
    return toy_config(hw, d, pasid);
}
static uint32_t pending(void *hw, uint32_t r)
{
    if (uiommu_word_load(&unit->role) != 0 && bond() == NULL) {
        attaching_then = attaching;
        meanwhile(&in_stamp);
    }
    return toy_pending(hw, r);
}

static void begin(void)
{
    struct uiommu_owner_config c = {.size = sizeof(c), .bonds = 3};
    struct uiommu_backend_ops ops = toy_ops;

    ops.root_check = root_check;
    ops.pasid_prepare = prepare;
    ops.pasid_set = set;
    ops.config_invalidate = config;
    ops.ring_pending = pending;
    refuses = more = number = 0;
    prepared = UIOMMU_OK;
    in_prepare = in_stamp = in_set = in_config = NULL;
    memset(&scene, 0, sizeof(scene));
    toy_begin();
    cr_assert_eq(uiommu_owner_create(u, &c, &scene.owner), UIOMMU_OK);
    scene_set(&ops);
    cr_assert_eq(uiommu_pasid_alloc(space, NULL, 0, &number), UIOMMU_OK);
    unit->config.command_ns = 1000000;
    prepares = checks = sets = configs = 0;
}

static void serve_all(void)
{
    host.tick_ns = 100000;
    serve();
    host.tick_ns = 1000;
}

static void end(void)
{
    serve_all();
    unit->caps.pasid_first = 1;
    cr_assert_eq(uiommu_pasid_put(space, number), UIOMMU_OK);
    unit->ops.config_invalidate = toy_config; /* ours look at a device that goes first */
    unit->ops.ring_pending = toy_pending;
    scene_end();
}

TestSuite(bind, .init = begin, .fini = end);

static uiommu_err bind(uint32_t pasid)
{
    struct uiommu_bind_config c = {.size = sizeof(c), .pasid = pasid, .user = USER};

    memset(&ref, 0, sizeof(ref));
    return uiommu_bind(scene.dev[0], scene.as, &c, &ref);
}
static void unbind(void)
{
    cr_assert_eq(uiommu_unbind(u, ref, UIOMMU_UNBIND_STOPPED | UIOMMU_UNBIND_ABORT), UIOMMU_OK);
    serve_all();
    cr_assert_null(bond());
}
static void dies(void)
{
    uiommu_word_store(&scene.as->dead, 1);
}
static void lives(void)
{
    uiommu_word_store(&scene.as->dead, 0);
}

/* What is wrong with the call asks nothing of hardware. */
Test(bind, refused)
{
    uiommu_word_store(&unit->started, 0);
    cr_assert_eq(bind(number), UIOMMU_E_STATE);
    uiommu_word_store(&unit->started, 1);
    uiommu_word_store(&scene.dev[0]->state, UIOMMU_DEVICE_RESETTING);
    cr_assert_eq(bind(number), UIOMMU_E_GONE);
    uiommu_word_store(&scene.dev[0]->state, UIOMMU_DEVICE_NORMAL);
    scene.dev[0]->pasid_bits = 1;
    cr_assert_eq(bind(number), UIOMMU_E_RANGE);
    scene.dev[0]->pasid_bits = 20;
    unit->caps.pasid_first = number + 1;
    cr_assert_eq(bind(number), UIOMMU_E_RANGE);
    cr_assert_eq(checks, 0);
    dies();
    cr_assert_eq(bind(number), UIOMMU_E_RANGE);
    unit->caps.pasid_first = number;
    cr_assert_eq(bind(number), UIOMMU_E_DEAD);
    refuses = 1;
    cr_assert_eq(bind(number), UIOMMU_E_UNSUPPORTED);
    refuses = 0;
    lives();
    cr_assert_eq(prepares, 0);
    cr_assert_eq(bind(number), UIOMMU_OK, "the first there is");
    unbind();
    unit->caps.pasid_first = 1;
    prepares = 0;
    cr_assert_eq(bind(scene.pasid), UIOMMU_E_BUSY, "it is bound");
    cr_assert_eq(prepares, 0);
}

/* The first root that the device can use, and of those that a PASID can have. */
Test(bind, roots)
{
    struct uiommu_root *roots = scene.as->roots;

    roots[1] = roots[0];
    roots[1].table = 0x2000;
    scene.as->root_count = 2;
    cr_assert_eq(bind(number), UIOMMU_OK);
    cr_assert(root_set == &roots[0] && bond()->tag->root == 0 && checks == 1);
    unbind();
    refuses = 1;
    cr_assert_eq(bind(number), UIOMMU_OK);
    cr_assert(root_set == &roots[1] && bond()->tag->root == 1 && checks == 3);
    unbind();
    refuses = 0;
    roots[0].format = UIOMMU_ROOT_X86_64_STAGE2;
    cr_assert_eq(bind(number), UIOMMU_OK);
    cr_assert(root_set == &roots[1] && checks == 4);
    unbind();
    cr_assert_eq(bind(UIOMMU_PASID_NONE), UIOMMU_OK);
    cr_assert(root_set == &roots[0] && checks == 5);
    cr_assert_not_null(uiommu_slot_load(&scene.dev[0]->untagged));
    cr_assert_eq(uiommu_unbind(u, ref, UIOMMU_UNBIND_STOPPED | UIOMMU_UNBIND_ABORT), UIOMMU_OK);
    serve_all();
    roots[0].format = UIOMMU_ROOT_X86_64;
    scene.as->root_count = 1;
}

/* What a bond knows; who else wants the role meanwhile is told. */
static void asks(void)
{
    cr_assert_not(uiommu_role_take(unit));
}
static void hear(void *ctx, const struct uiommu_trace *record)
{
    (void)ctx;
    attaching |= record->id == UIOMMU_TRACE_BOND && record->d == UIOMMU_BOND_ATTACHING;
    if (record->id == UIOMMU_TRACE_BOND && record->d == UIOMMU_BOND_LIVE) {
        live_traces++;
        gate_then = uiommu_word_load(&bond()->gate);
    }
}
static void woken(void *ctx, const struct uiommu_word *word)
{
    (void)ctx;
    (void)word;
    out_then = ref.generation != 0;
}

Test(bind, bound)
{
    struct uiommu_host_ops ops = u->host;
    uint32_t refs = uiommu_word_load(&scene.as->refs);
    uintptr_t services;

    u->host.trace = hear;
    u->host.wake = woken;
    live_traces = 0;
    attaching = false;
    toy.waiting = 3;
    due_then = uiommu_word_load(&unit->due);
    services = unit->counters.services;
    cr_assert_eq(bind(number), UIOMMU_OK);
    u->host = ops;
    cr_assert_eq(unit->counters.services, services, "nothing is left to be served");
    cr_assert_eq(uiommu_word_load(&unit->due), due_then + 1);
    cr_assert(live_traces == 1 && gate_then == UIOMMU_GATE_CLOSED && out_then);
    cr_assert(state_then == UIOMMU_BOND_ATTACHING && bond()->open_at[0] == 3);
    cr_assert(bond()->user == USER && bond()->tag_of == scene.as && bond()->markers_ok);
    cr_assert(valid_then && refs_then == refs + 1 && attaching_then);
    cr_assert(sets == 1 && configs == 1);
    cr_assert_eq(uiommu_word_load(&scene.as->refs), refs + 1);
    toy.waiting = 0;
    unbind();
    in_stamp = asks;
    due_then = uiommu_word_load(&unit->due);
    more = 2;
    sets = configs = valids = 0;
    cr_assert_eq(bind(number), UIOMMU_OK);
    cr_assert_eq(uiommu_word_load(&unit->due), due_then + 2);
    cr_assert(sets == 3 && configs == 3 && valids == 1, "with the last of its steps");
    unbind();
}

/* It died in the middle: nothing is left, however far it came. */
static void binds_dead(uint32_t had_set)
{
    uint32_t bonds = scene.dev[0]->bonds, of_space = uiommu_word_load(&scene.as->bond_count);
    uintptr_t services = unit->counters.services;

    sets = 0;
    cr_assert_eq(bind(number), UIOMMU_E_DEAD);
    cr_assert_eq(sets, had_set);
    cr_assert_eq(ref.generation, 0);
    cr_assert_neq(unit->counters.services, services, "what was half made drains");
    lives();
    serve_all();
    cr_assert_null(bond());
    cr_assert_eq(scene.dev[0]->bonds, bonds);
    cr_assert_eq(uiommu_word_load(&scene.as->bond_count), of_space);
    cr_assert_eq(scene.owner->bonds, 2);
}

Test(bind, died)
{
    uint32_t traces = host.traces;

    in_prepare = dies;
    binds_dead(0);
    cr_assert_eq(host.traces, traces, "no bond has been seen");
    in_stamp = dies;
    binds_dead(0);
    in_set = dies;
    binds_dead(1);
    in_config = dies;
    binds_dead(1);
}

/* Memory of a bond that was not made is the next one's. */
Test(bind, given_back)
{
    struct uiommu_bond *first, *second;

    cr_assert_eq(bind(number), UIOMMU_OK);
    first = bond();
    cr_assert_eq(bind(UIOMMU_PASID_NONE), UIOMMU_E_QUOTA);
    cr_assert_eq(scene.owner->bonds, 3);
    second = u->free_bonds;
    cr_assert(second != NULL && second->dev == NULL && second->next_free == NULL);
    cr_assert_eq(
        uiommu_unbind(u, uiommu_bond_name(first), UIOMMU_UNBIND_STOPPED | UIOMMU_UNBIND_ABORT),
        UIOMMU_OK);
    serve_all();
    cr_assert(u->free_bonds == first && first->next_free == second);
    prepared = UIOMMU_E_NOMEM;
    cr_assert_eq(bind(number), UIOMMU_E_NOMEM);
    cr_assert(u->free_bonds == first && first->next_free == second && first->dev == NULL);
    cr_assert_eq(scene.owner->bonds, 2);
    scene.owner->config.bonds = 2;
    cr_assert_eq(bind(number), UIOMMU_E_QUOTA, "whatever else is right");
    cr_assert_eq(scene.owner->bonds, 2);
}

/* A ring that has no room for so long ends it. */
Test(bind, no_room)
{
    toy.failing = TOY_CONFIG;
    toy.with = UIOMMU_E_BUSY;
    cr_assert_eq(bind(number), UIOMMU_E_TIMEOUT);
    cr_assert_gt(configs, 2);
    toy.failing = TOY_NONE;
}
