/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit_scene.h"

/* R2, R29, R31: two rings with requests, overflows of one that is not empty, and floods. */

static uint32_t second;                 /* entries in the second ring */
static struct uiommu_request in_second; /* each of them */
static bool second_flows, flood;
static uint32_t acks;
static void (*at_snapshot)(void);

static uint32_t pending(void *hw, uint32_t ring)
{
    void (*then)(void) = at_snapshot;

    if (then != NULL && bond_at(0)->phase == UIOMMU_PHASE_D3) {
        at_snapshot = NULL;
        then();
    }
    return ring == 1 ? second : toy_pending(hw, ring);
}

static uiommu_err fetch(void *hw, uint32_t ring, struct uiommu_fetch *io)
{
    uiommu_err err;

    if (ring == 1) {
        if (second != 0 && second_flows) {
            io->requests[0] = in_second;
            io->requests[0].at = 0;
            io->request_count = io->entries = 1;
            second--;
        }
        return UIOMMU_OK;
    }
    err = toy_fetch(hw, ring, io);
    if (flood) {
        ask(9, scene.pasid + 1, 1, 0);
        io->flags |= UIOMMU_FETCH_MORE;
    }
    return err;
}

static void ack(void *hw, uint32_t ring)
{
    (void)hw;
    (void)ring;
    acks++;
}

static void begin(void)
{
    struct uiommu_backend_ops ops = toy_ops;

    ops.ring_pending = pending;
    ops.fetch = fetch;
    ops.overflow_ack = ack;
    memset(&scene, 0, sizeof(scene));
    second = acks = 0;
    second_flows = true;
    flood = false;
    at_snapshot = NULL;
    toy_begin();
    toy.caps.rings = 2;
    toy.caps.ring[1] = toy.caps.ring[0];
    scene.pf_flags = UIOMMU_DEVICE_TRUST_MARKERS;
    scene_set(&ops);
}

static void end(void)
{
    second_flows = true;
    flood = false;
    scene_end();
}

TestSuite(rings, .init = begin, .fini = end);

/* Each ring has positions of its own: what waited in one is of before the life, and no proof
 * against the marker that came through the other. */
Test(rings, positions_of_each)
{
    cr_assert_eq(uiommu_unbind(u, scene.bond[0], UIOMMU_UNBIND_STOPPED), UIOMMU_OK);
    serve();
    cr_assert_eq(uiommu_device_reset_begin(scene.dev[0]), UIOMMU_OK);
    cr_assert_eq(reset_to_end(0), UIOMMU_OK); /* markers are believed again */
    second_flows = false;
    in_second = *ask(8, scene.pasid, 1, LAST);
    toy.waiting = 0;
    second = 1;
    cr_assert_eq(scene_bind(scene.dev[0], scene.as, scene.pasid, &scene.bond[0]), UIOMMU_OK);
    ask(8, scene.pasid, 0, UIOMMU_REQUEST_MARKER);
    serve();
    cr_assert_eq(bond_info(0).marker_seen, true);
    second_flows = true;
    serve();
    cr_assert_eq(second, 0);
    cr_assert_eq(scene.calls, 0);
    cr_assert_eq(toy.code[UIOMMU_CODE_INVALID & 3], 1);
    cr_assert_eq(bond_info(0).marker_seen, true);
    second = 1; /* now one of this life */
    serve();
    cr_assert_eq(scene.calls, 1);
    cr_assert_eq(bond_info(0).marker_seen, false);
}

static void remove_it(void)
{
    cr_assert_eq(uiommu_device_removed(scene.dev[0]), UIOMMU_OK);
}

/* R20: removed between the barrier and the look at the rings: nothing more is waited for. */
Test(rings, removed_at_the_snapshot)
{
    toy.strength = UIOMMU_BARRIER_ORDERED;
    at_snapshot = remove_it;
    cr_assert_eq(uiommu_unbind(u, scene.bond[0], UIOMMU_UNBIND_STOPPED | UIOMMU_UNBIND_ABORT),
                 UIOMMU_OK);
    cr_assert_eq(bond_at(0)->rounds, 1);
    serve();
    cr_assert_eq(bond_info(0).state, UIOMMU_BOND_FREE);
}

/* R29: an overflow that cannot be acknowledged yet, since the ring is never empty, counts. */
Test(rings, overflow_under_a_flood)
{
    uint32_t i;

    flood = true;
    ask(9, scene.pasid + 1, 1, 0);
    cr_assert_eq(uiommu_unbind_begin(u, scene.bond[0], UIOMMU_UNBIND_STOPPED | UIOMMU_UNBIND_ABORT),
                 UIOMMU_OK);
    for (i = 0; i < 100 && bond_at(0)->phase != UIOMMU_PHASE_D4; i++)
        cr_assert_neq(uiommu_unit_service(unit, 1), UIOMMU_E_HANDLE);
    cr_assert_eq(bond_at(0)->phase, UIOMMU_PHASE_D4);
    cr_assert_eq(bond_info(0).barriers, 1);
    toy.flags = UIOMMU_FETCH_OVERFLOW;
    for (i = 0; i < 20 && bond_at(0)->rounds == 1; i++)
        cr_assert_neq(uiommu_unit_service(unit, 1), UIOMMU_E_HANDLE);
    cr_assert_eq(acks, 0);
    cr_assert_eq(bond_info(0).barriers, 2);
    flood = false;
    serve();
    cr_assert_eq(acks, 1);
    cr_assert_eq(bond_info(0).state, UIOMMU_BOND_FREE);
}

/* A device without page requests does not hear that some were lost. */
Test(rings, who_lost_requests)
{
    struct uiommu_device *plain;
    struct uiommu_event event;
    uint32_t n = 0;

    cr_assert_eq(scene_attach(20, 0, NULL, &plain), UIOMMU_OK);
    toy.flags = UIOMMU_FETCH_LATE;
    serve();
    while (uiommu_unit_next_event(unit, &event) == UIOMMU_OK) {
        cr_assert_eq(event.kind, UIOMMU_EVENT_REQUESTS_LOST);
        cr_assert_neq(event.device, plain);
        n++;
    }
    cr_assert_eq(n, 2);
    cr_assert_eq(uiommu_device_detach(plain), UIOMMU_OK);
}

/* R23: after a loss positions go on where they were given out, but not past what still waits. */
Test(rings, positions_after_a_loss)
{
    uint64_t at[UIOMMU_RINGS];
    uint32_t i;

    for (i = 0; i < 3; i++)
        ask(8, scene.pasid + 1, i, 0);
    uiommu_ring_snapshot(unit, at);
    toy.flags = UIOMMU_FETCH_LATE;
    cr_assert_eq(uiommu_unit_service(unit, 1), UIOMMU_MORE);
    cr_assert_eq(unit->ring[0].count, at[0] - 2);
    toy.waiting = 1; /* one of the two is gone */
    serve();
    cr_assert_eq(unit->ring[0].count, at[0] - 1);
    cr_assert_not(uiommu_ring_reached(unit, at));
    toy.flags = UIOMMU_FETCH_LATE;
    serve();
    cr_assert_eq(unit->ring[0].count, at[0]);
    cr_assert(uiommu_ring_reached(unit, at));
}

/* R21: a drain that waits for a ring which is not asked is no reason to serve again at once. */
Test(rings, drain_that_waits)
{
    uint32_t i;

    toy.strength = UIOMMU_BARRIER_ORDERED;
    cr_assert_eq(uiommu_unbind_begin(u, scene.bond[0], UIOMMU_UNBIND_STOPPED | UIOMMU_UNBIND_ABORT),
                 UIOMMU_OK);
    second = 1;
    second_flows = false;
    for (i = 0; i < 20 && bond_at(0)->phase != UIOMMU_PHASE_D4; i++)
        cr_assert_eq(uiommu_unit_service(unit, 0), UIOMMU_OK, "a ring that does not move");
    cr_assert_eq(bond_at(0)->phase, UIOMMU_PHASE_D4);
    toy.room = 0;
    for (i = 0; i < 100; i++)
        ask(9, scene.pasid + 1, i, LAST);
    for (i = 0; i < 4; i++)
        cr_assert_neq(uiommu_unit_service(unit, 0), UIOMMU_E_HANDLE);
    cr_assert_eq(bond_at(0)->phase, UIOMMU_PHASE_D4);
    cr_assert_eq(unit->out.count, UIOMMU_BATCH);
    cr_assert_eq(uiommu_unit_service(unit, 0), UIOMMU_OK, "only hardware can make room");
    cr_assert_leq(unit->deadline_ns, host.now_ns + UIOMMU_RETRY_NS);
    toy.room = UINT32_MAX;
    second_flows = true;
    in_second = (struct uiommu_request){.id = 8, .pasid = 77, .flags = UIOMMU_REQUEST_PASID};
    host.tick_ns = 100000;
    serve();
    cr_assert_eq(bond_info(0).state, UIOMMU_BOND_FREE);
}
