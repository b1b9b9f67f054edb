/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit_scene.h"

/* R11, R13, R14, R21: what another processor does between two locks, or between two waits. */

TestSuite(meanwhile, .init = scene_begin, .fini = scene_end);

static uint32_t done;

static void rebind(uint32_t i)
{
    cr_assert_eq(scene_bind(scene.dev[i], scene.as, scene.pasid, &scene.bond[i]), UIOMMU_OK);
}

/* ---- a bond's end ---- */

static void want_both(struct fake_host *h)
{
    uint32_t i;

    if (bond_at(0)->phase != UIOMMU_PHASE_END || bond_at(0)->stop_listed)
        return;
    h->on_lock = NULL;
    for (i = 0; i < 2; i++)
        cr_assert_eq(uiommu_unbind_begin(u, scene.bond[i], UIOMMU_UNBIND_STOPPED), UIOMMU_OK);
    cr_assert(bond_at(0)->stop_listed);
    done = 1;
}

/* I18: asked for while it ends: it ends, and the unit's list does not lead to it any more. */
Test(meanwhile, asked_while_it_ends)
{
    uint32_t i;

    done = 0;
    host.on_lock = want_both;
    cr_assert_eq(uiommu_unbind(u, scene.bond[0], UIOMMU_UNBIND_STOPPED), UIOMMU_OK);
    serve();
    cr_assert_eq(done, 1);
    cr_assert_null(unit->stopping);
    cr_assert(uiommu_unit_valid(unit));
    for (i = 0; i < 2; i++) {
        cr_assert_eq(bond_info(i).state, UIOMMU_BOND_FREE);
        rebind(i);
    }
}

static void end_now(struct fake_host *h)
{
    uint32_t i;

    if (bond_at(0)->pins == 0)
        return;
    h->on_lock = NULL;
    cr_assert_eq(uiommu_unbind_begin(u, scene.bond[0], UIOMMU_UNBIND_STOPPED), UIOMMU_OK);
    for (i = 0; i < 300 && uiommu_bond_state(bond_at(0)) != UIOMMU_BOND_FREE; i++)
        as_another(1);
    done = 1;
}

/* I18: over between the look at its name and the wish: nothing begins. */
Test(meanwhile, over_before_the_wish)
{
    done = 0;
    host.on_lock = end_now;
    cr_assert_eq(uiommu_bond_stopped(u, scene.bond[0]), UIOMMU_OK);
    cr_assert_eq(done, 1);
    cr_assert_null(unit->stopping);
    cr_assert_eq(bond_info(0).state, UIOMMU_BOND_FREE);
    rebind(0);
}

static void end_after_begin(struct fake_host *h)
{
    uint32_t i;

    if ((uiommu_word_load(&bond_at(0)->wants) & UIOMMU_WANT_UNBIND) == 0 || bond_at(0)->pins != 0)
        return;
    h->on_lock = NULL;
    for (i = 0; i < 300 && uiommu_bond_state(bond_at(0)) != UIOMMU_BOND_FREE; i++)
        as_another(1);
    done = 1;
}

/* R14: over before its own caller looks for the first time: that is what he wanted. */
Test(meanwhile, over_before_the_wait)
{
    done = 0;
    host.on_lock = end_after_begin;
    cr_assert_eq(uiommu_unbind(u, scene.bond[0], UIOMMU_UNBIND_STOPPED), UIOMMU_OK);
    cr_assert_eq(done, 1);
    rebind(0);
}

/* I2: a name whose generation has come round is not 0, which names nothing. */
Test(meanwhile, generation_wraps)
{
    struct uiommu_bond *bond = bond_at(0);

    bond->generation = UINT32_MAX;
    scene.bond[0].generation = UINT32_MAX;
    cr_assert_eq(uiommu_unbind(u, scene.bond[0], UIOMMU_UNBIND_STOPPED), UIOMMU_OK);
    serve();
    cr_assert_eq(bond->generation, 1);
    cr_assert_eq(bond_info(0).state, UIOMMU_BOND_FREE);
    rebind(0);
    cr_assert_eq(scene.bond[0].generation, 1);
}

/* ---- a bind's beginning ---- */

/* A slot whose bind failed has no life, whatever its generation says. */
Test(meanwhile, name_of_a_failed_bind)
{
    struct uiommu_bond_ref ref = {u->next_bond, 1}, out;
    struct uiommu_bond_info info;

    cr_assert_eq(scene_bind(scene.dev[0], scene.as, scene.pasid + 1, &out), UIOMMU_E_NOT_FOUND);
    cr_assert_eq(u->next_bond, ref.index + 1);
    cr_assert_eq(uiommu_bond_get_info(u, ref, &info), UIOMMU_E_HANDLE);
    cr_assert_eq(uiommu_bond_stopped(u, ref), UIOMMU_E_HANDLE);
}

/* Somebody else makes the instance's list of bonds larger, for ever. */
Test(meanwhile, bonds_are_held)
{
    struct uiommu_bond_ref ref;
    uint32_t pasid;

    cr_assert_eq(uiommu_pasid_alloc(space, NULL, 0, &pasid), UIOMMU_OK);
    u->bond_control.v = 1;
    cr_assert_eq(scene_bind(scene.dev[0], scene.as, pasid, &ref), UIOMMU_E_NOMEM);
    u->bond_control.v = 0;
    cr_assert_eq(uiommu_pasid_put(space, pasid), UIOMMU_OK);
}

static void exit_meanwhile(struct fake_host *h)
{
    struct uiommu_bond *made = scene.as->bonds_tail;

    if (!made->making || uiommu_bond_state(made) != UIOMMU_BOND_ATTACHING)
        return;
    h->on_now = NULL;
    host.self = 2;
    cr_assert_eq(uiommu_aspace_exit(scene.as), UIOMMU_OK);
    cr_assert_eq(uiommu_aspace_reap(scene.as), UIOMMU_PENDING);
    cr_assert_eq(made->stop_listed, false, "its bind is still at it");
    host.self = 1;
    done = 1;
}

/* R13: the space dies and is reaped while a bind of it is half done: that ends as a shutdown. */
Test(meanwhile, exit_in_a_bind)
{
    struct uiommu_bond_ref ref;
    uint32_t pasid, cleared = toy.cleared, i;

    done = 0;
    cr_assert_eq(uiommu_pasid_alloc(space, NULL, 0, &pasid), UIOMMU_OK);
    host.on_now = exit_meanwhile;
    cr_assert_eq(scene_bind(scene.dev[0], scene.as, pasid, &ref), UIOMMU_E_DEAD);
    cr_assert_eq(done, 1);
    for (i = 0; i < 2; i++)
        cr_assert_eq(uiommu_bond_stopped(u, scene.bond[i]), UIOMMU_OK);
    for (i = 0; i < 1000 && uiommu_aspace_reap(scene.as) == UIOMMU_PENDING; i++)
        ;
    cr_assert_eq(uiommu_aspace_reap(scene.as), UIOMMU_OK);
    serve();
    cr_assert_eq(toy.cleared, cleared + 3);
    cr_assert_eq(uiommu_pasid_put(space, pasid), UIOMMU_OK);
}

/* ---- an exit's end ---- */

static void drain_meanwhile(struct fake_host *h)
{
    if (bond_at(0)->exit_pins == 0)
        return;
    h->on_now = NULL;
    cr_assert_eq(uiommu_unbind_begin(u, scene.bond[0], UIOMMU_UNBIND_STOPPED), UIOMMU_OK);
    as_another(20);
    cr_assert_eq(bond_at(0)->phase, UIOMMU_PHASE_D2_PINNED);
    cr_assert(bond_at(0)->listed);
    done = 1;
}

/* R11: an invalidation has the bond in its hands: it leaves the space when that is over. */
Test(meanwhile, pinned_by_an_exit)
{
    done = 0;
    host.on_now = drain_meanwhile;
    toy.failing = TOY_POLL;
    toy.with = UIOMMU_PENDING;
    toy.times = 1;
    cr_assert_eq(uiommu_aspace_exit(scene.as), UIOMMU_OK);
    cr_assert_eq(done, 1);
    serve();
    cr_assert_eq(bond_info(0).state, UIOMMU_BOND_FREE);
    cr_assert_eq(uiommu_aspace_bonds(scene.as), 1);
}

/* ---- the service role ---- */

static struct uiommu_device *third;

static void kick_once(struct fake_host *h)
{
    if (uiommu_word_load(&unit->role) == 0 || uiommu_word_load(&unit->due_now) != 0)
        return;
    h->on_lock = NULL;
    uiommu_unit_kick(unit);
    done = 1;
}

/* R21: service became due while the role was held for something else: it is due afterwards. */
Test(meanwhile, due_in_a_detach)
{
    cr_assert_eq(scene_attach(30, 0, NULL, &third), UIOMMU_OK);
    serve();
    cr_assert_eq(uiommu_word_load(&unit->due_now), 0);
    done = 0;
    host.on_lock = kick_once;
    cr_assert_eq(uiommu_device_detach(third), UIOMMU_OK);
    cr_assert_eq(done, 1);
    cr_assert_eq(uiommu_word_load(&unit->due_now), 1);
}

/* A kick on its way to a unit that was stopped: nothing happens, and nothing is due. */
Test(meanwhile, not_started)
{
    uiommu_word_store(&unit->started, 0);
    cr_assert_eq(uiommu_unit_next_deadline(unit), UINT64_MAX);
    cr_assert_eq(uiommu_unit_suspend(unit), UIOMMU_E_STATE);
    cr_assert_eq(uiommu_unit_service(unit, 0), UIOMMU_E_STATE);
    uiommu_word_store(&unit->started, 1);
    cr_assert_eq(uiommu_unit_next_deadline(NULL), UINT64_MAX);
}
