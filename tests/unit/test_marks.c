/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit_scene.h"

/* R4, R8, R33: which Stop Markers count, and what falls with one that was none. */

static void begin(void)
{
    memset(&scene, 0, sizeof(scene));
    toy_begin();
    scene.pf_flags = UIOMMU_DEVICE_TRUST_MARKERS;
    scene_set(&toy_ops);
}

TestSuite(marks, .init = begin, .fini = scene_end);

static void mark(uint32_t pasid)
{
    ask(8, pasid, 0, UIOMMU_REQUEST_MARKER);
}

static void unbind_begin(uint32_t flags)
{
    cr_assert_eq(uiommu_unbind_begin(u, scene.bond[0], flags), UIOMMU_OK);
}

/* Of a bond without PASID there is none. */
Test(marks, without_pasid)
{
    struct uiommu_bond_info info;
    struct uiommu_bond_ref ref;

    cr_assert_eq(scene_bind(scene.dev[0], scene.as, UIOMMU_PASID_NONE, &ref), UIOMMU_OK);
    ask(8, 0, 0, UIOMMU_REQUEST_MARKER)->flags &= ~UIOMMU_REQUEST_PASID;
    serve();
    cr_assert_eq(device_counts(0).markers, 1);
    cr_assert_eq(uiommu_bond_get_info(u, ref, &info), UIOMMU_OK);
    cr_assert_eq(info.marker_seen, false);
    mark(scene.pasid);
    serve();
    cr_assert_eq(device_counts(0).markers, 2);
    cr_assert_eq(bond_info(0).marker_seen, true);
    cr_assert_eq(uiommu_unbind(u, ref, UIOMMU_UNBIND_STOPPED), UIOMMU_OK);
    serve();
}

/* Nor does one count that comes during a reset, or was in the ring before its stamp. */
Test(marks, across_a_reset)
{
    cr_assert_eq(uiommu_device_reset_begin(scene.dev[0]), UIOMMU_OK);
    mark(scene.pasid);
    serve();
    cr_assert_eq(device_counts(0).markers, 1);
    cr_assert_eq(bond_info(0).marker_seen, false);
    toy.failing = TOY_FETCH;
    toy.with = UIOMMU_E_HW;
    mark(scene.pasid);
    cr_assert_eq(reset_to_end(0), UIOMMU_OK);
    toy.failing = TOY_NONE;
    serve();
    cr_assert_eq(device_counts(0).markers, 2);
    cr_assert_eq(bond_info(0).marker_seen, false);
    mark(scene.pasid);
    serve();
    cr_assert_eq(bond_info(0).marker_seen, true);
}

/* One of before a reset says nothing of the device that came out of it. */
Test(marks, of_before_a_reset)
{
    mark(scene.pasid);
    serve();
    cr_assert_eq(bond_info(0).marker_seen, true);
    cr_assert_eq(uiommu_device_reset_begin(scene.dev[0]), UIOMMU_OK);
    cr_assert_eq(reset_to_end(0), UIOMMU_OK);
    unbind_begin(0);
    serve();
    cr_assert_eq(bond_info(0).state, UIOMMU_BOND_STOPPING);
    cr_assert_eq(bond_info(0).stop_confirmed, false);
    cr_assert_eq(uiommu_bond_stopped(u, scene.bond[0]), UIOMMU_OK);
    serve();
    cr_assert_eq(bond_info(0).state, UIOMMU_BOND_FREE);
}

/* The reset comes when the drain is at its barrier: what rested on the marker is not proved (R9).
 */
Test(marks, reset_in_the_drain)
{
    uint32_t word;

    for (word = 0; word < 2; word++) {
        mark(scene.pasid);
        serve();
        toy.failing = TOY_BARRIER;
        toy.with = UIOMMU_E_BUSY;
        unbind_begin(0);
        serve();
        cr_assert_eq(bond_at(0)->phase, UIOMMU_PHASE_D3);
        cr_assert_eq(bond_info(0).stop_confirmed, true);
        cr_assert_eq(uiommu_device_reset_begin(scene.dev[0]), UIOMMU_OK);
        serve();
        if (word != 0)
            cr_assert_eq(uiommu_bond_stopped(u, scene.bond[0]), UIOMMU_OK);
        host.now_ns += UINT64_C(11000000000); /* drain_ns, and a second */
        serve();
        cr_assert_eq(bond_info(0).state, UIOMMU_BOND_POISONED);
        cr_assert_eq(bond_info(0).missing,
                     UIOMMU_PROOF_REQUESTS | (word != 0 ? 0 : UIOMMU_PROOF_STOP));
        cr_assert_eq(bond_info(0).stop_confirmed, word != 0);
        toy.failing = TOY_NONE;
        cr_assert_eq(reset_to_end(0), UIOMMU_OK);
        serve();
        cr_assert_eq(bond_info(0).state, UIOMMU_BOND_FREE);
        cr_assert_eq(scene_bind(scene.dev[0], scene.as, scene.pasid, &scene.bond[0]), UIOMMU_OK);
    }
}

/* R8: a request behind the marker, when D3 and D4 were already shortened by it. */
Test(marks, request_behind_it_in_the_drain)
{
    struct uiommu_event event;

    mark(scene.pasid);
    serve();
    toy.failing = TOY_BARRIER;
    toy.with = UIOMMU_E_BUSY;
    unbind_begin(0);
    serve();
    cr_assert_eq(bond_at(0)->phase, UIOMMU_PHASE_D3);
    ask(8, scene.pasid, 1, LAST);
    serve();
    cr_assert_eq(scene.calls, 0);
    cr_assert_eq(toy.code[UIOMMU_CODE_INVALID & 3], 1);
    cr_assert_eq(uiommu_unit_next_event(unit, &event), UIOMMU_OK);
    cr_assert_eq(event.kind, UIOMMU_EVENT_LATE_REQUEST);
    toy.failing = TOY_NONE;
    serve();
    cr_assert_eq(bond_info(0).state, UIOMMU_BOND_POISONED);
    cr_assert_eq(bond_info(0).missing, UIOMMU_PROOF_STOP);
    cr_assert_eq(uiommu_bond_stopped(u, scene.bond[0]), UIOMMU_OK);
    serve();
    cr_assert_eq(bond_info(0).state, UIOMMU_BOND_FREE);
}

/* The same when the bond is POISONED for another reason. */
Test(marks, request_behind_it_in_poison)
{
    mark(scene.pasid);
    serve();
    toy.strength = UIOMMU_BARRIER_NONE;
    unbind_begin(0);
    serve();
    cr_assert_eq(bond_info(0).state, UIOMMU_BOND_POISONED);
    cr_assert_eq(bond_info(0).marker_seen, true);
    ask(8, scene.pasid, 1, LAST);
    serve();
    cr_assert_eq(bond_info(0).marker_seen, false);
    cr_assert_eq(bond_info(0).state, UIOMMU_BOND_POISONED);
    cr_assert_eq(toy.code[UIOMMU_CODE_INVALID & 3], 1);
    toy.strength = UIOMMU_BARRIER_PROVED;
    cr_assert_eq(uiommu_device_reset_begin(scene.dev[0]), UIOMMU_OK);
    cr_assert_eq(reset_to_end(0), UIOMMU_OK);
    cr_assert_eq(uiommu_bond_stopped(u, scene.bond[0]), UIOMMU_OK);
    serve();
}

/* ---- the sweep that a marker began ---- */

static void reset_meanwhile(struct fake_host *h)
{
    if (h->trace.id != UIOMMU_TRACE_STEP || h->trace.c != UIOMMU_STEP_SWEEP)
        return;
    h->on_trace = NULL;
    cr_assert_eq(uiommu_device_reset_begin(scene.dev[0]), UIOMMU_OK);
}

/* R33: the reset comes in the middle of a step: the marker is none, and the driver is asked. */
Test(marks, reset_in_the_sweep)
{
    uint32_t settles;

    for (settles = 0; settles < 2; settles++) {
        mark(scene.pasid);
        serve();
        host.on_trace = reset_meanwhile;
        toy.strength = UIOMMU_BARRIER_ORDERED;
        if (settles == 0) {
            toy.failing = TOY_BARRIER;
            toy.with = UIOMMU_E_BUSY;
        }
        unbind_begin(0);
        serve();
        cr_assert_eq(host.on_trace == NULL, true);
        cr_assert_eq(bond_info(0).state, UIOMMU_BOND_STOPPING);
        cr_assert_eq(bond_at(0)->phase, UIOMMU_PHASE_STOP);
        cr_assert_eq(bond_info(0).stop_confirmed, false);
        toy.failing = TOY_NONE;
        toy.strength = UIOMMU_BARRIER_PROVED;
        cr_assert_eq(reset_to_end(0), UIOMMU_OK);
        cr_assert_eq(uiommu_bond_stopped(u, scene.bond[0]), UIOMMU_OK);
        serve();
        cr_assert_eq(bond_info(0).state, UIOMMU_BOND_FREE);
        cr_assert_eq(uiommu_device_reset_begin(scene.dev[0]), UIOMMU_OK);
        cr_assert_eq(reset_to_end(0), UIOMMU_OK); /* markers are believed again */
        cr_assert_eq(scene_bind(scene.dev[0], scene.as, scene.pasid, &scene.bond[0]), UIOMMU_OK);
    }
}
