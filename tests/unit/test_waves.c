/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit_scene.h"

/* R15 to R17: commands that find no room, tickets that fail, and waves over many bonds. */

#define BONDS 20u

static uint32_t flushes, tlbs, busy, fails_for;
static uiommu_err fails_with, fails_then;

static uiommu_err dtlb(void *hw, void *d, uint32_t pasid, const struct uiommu_range *r)
{
    (void)hw;
    (void)d;
    (void)r;
    if (busy != 0 && flushes % busy == 0) {
        flushes++;
        return UIOMMU_E_BUSY;
    }
    if (pasid == fails_for) {
        uiommu_err err = fails_with;

        fails_with = fails_then;
        return err;
    }
    flushes++;
    return UIOMMU_OK;
}

static uiommu_err tlb(void *hw, void *d, uint32_t pasid, const struct uiommu_root *root,
                      uint32_t tag, const struct uiommu_range *r)
{
    (void)hw;
    (void)d;
    (void)pasid;
    (void)root;
    (void)tag;
    (void)r;
    tlbs++;
    return UIOMMU_OK;
}

static uint32_t formats; /* that the second device can walk */

static uiommu_err root_check(void *hw, void *d, uint32_t pasid, const struct uiommu_root *root)
{
    (void)hw;
    (void)d;
    (void)pasid;
    return (formats >> root->format & 1u) != 0 ? UIOMMU_OK : UIOMMU_E_UNSUPPORTED;
}

static void begin(void)
{
    struct uiommu_backend_ops ops = toy_ops;

    ops.dtlb_invalidate = dtlb;
    ops.tlb_invalidate = tlb;
    ops.root_check = root_check;
    formats = UINT32_MAX;
    busy = 0;
    fails_for = UINT32_MAX - 7u;
    memset(&scene, 0, sizeof(scene));
    toy_begin();
    scene_set(&ops);
    flushes = tlbs = 0;
}

TestSuite(waves, .init = begin, .fini = scene_end);

/* No room for a ticket is said, and counted; nothing waits for it. */
Test(waves, no_ticket)
{
    uintptr_t full = unit->counters.full;

    toy.failing = TOY_TICKET;
    toy.with = UIOMMU_E_HW;
    cr_assert_eq(uiommu_aspace_invalidate(scene.as, 0, UINT64_MAX, true), UIOMMU_E_WITHHELD);
    cr_assert_gt(unit->counters.full, full);
    toy.failing = TOY_NONE;
    cr_assert_eq(uiommu_aspace_invalidate(scene.as, 0, UINT64_MAX, true), UIOMMU_OK);
}

/* R16: a full ring is waited for, and not for ever. */
Test(waves, no_room)
{
    struct uiommu_event event;

    toy.failing = TOY_CONFIG;
    toy.with = UIOMMU_E_BUSY;
    toy.times = 5;
    cr_assert_eq(uiommu_aspace_exit(scene.as), UIOMMU_OK);
    cr_assert_eq(toy.failing, TOY_NONE);
    cr_assert_eq(uiommu_unit_next_event(unit, &event), UIOMMU_E_NOT_FOUND);
    toy.failing = TOY_CONFIG;
    host.tick_ns = 10000000;
    cr_assert_eq(uiommu_device_reset_begin(scene.dev[0]), UIOMMU_E_TIMEOUT);
    cr_assert_eq(uiommu_unit_next_event(unit, &event), UIOMMU_OK);
    cr_assert_eq(event.kind, UIOMMU_EVENT_UNIT_HUNG);
    cr_assert_eq(uiommu_word_load(&unit->hung), 1);
    host.tick_ns = 1000;
    toy.failing = TOY_NONE;
    cr_assert_eq(uiommu_device_reset_begin(scene.dev[0]), UIOMMU_OK);
    cr_assert_eq(reset_to_end(0), UIOMMU_OK);
    cr_assert_eq(uiommu_word_load(&unit->hung), 0);
}

static struct uiommu_bond_ref more[BONDS];
static uint32_t numbers[BONDS];

static void bind_more(void)
{
    uint32_t i;

    for (i = 0; i < BONDS; i++) {
        cr_assert_eq(uiommu_pasid_alloc(space, NULL, 0, &numbers[i]), UIOMMU_OK);
        cr_assert_eq(scene_bind(scene.dev[0], scene.as, numbers[i], &more[i]), UIOMMU_OK);
    }
    flushes = tlbs = 0;
}

static void unbind_more(void)
{
    uint32_t i;

    for (i = 0; i < BONDS; i++)
        cr_assert_eq(uiommu_unbind(u, more[i], UIOMMU_UNBIND_STOPPED), UIOMMU_OK);
    serve();
    for (i = 0; i < BONDS; i++)
        cr_assert_eq(uiommu_pasid_put(space, numbers[i]), UIOMMU_OK);
}

/* R17: a wave reaches every bond, however many, each device TLB after the IOTLB. */
Test(waves, more_than_one_batch)
{
    bind_more();
    cr_assert_eq(uiommu_aspace_invalidate(scene.as, 0x1000, 0x1fff, false), UIOMMU_OK);
    cr_assert_eq(flushes, BONDS + 2);
    cr_assert_eq(tlbs, BONDS + 1, "once for the number that two devices share");
    unbind_more();
}

/* Room for a part only: that part is closed by a ticket, the rest follows. */
Test(waves, in_parts)
{
    uint64_t tickets;

    bind_more();
    tickets = toy.tickets;
    flushes = 1;
    busy = 7;
    cr_assert_eq(uiommu_aspace_invalidate(scene.as, 0x1000, 0x1fff, false), UIOMMU_OK);
    cr_assert_eq(flushes - 1 - (flushes - 1) / 7, BONDS + 2);
    cr_assert_eq(toy.tickets - tickets, 2 + 2 + 3, "two batches, and a part more thrice");
    busy = 0;
    unbind_more();
}

/* R15: who cannot be invalidated is cut off, where that is for sure his doing. */
Test(waves, culprits)
{
    uint32_t i;

    fails_for = scene.pasid;
    fails_with = fails_then = UIOMMU_E_HW;
    cr_assert_eq(uiommu_aspace_invalidate(scene.as, 0, UINT64_MAX, true), UIOMMU_E_WITHHELD);
    cr_assert_eq(uiommu_device_get_state(scene.dev[0]), UIOMMU_DEVICE_ISOLATED);
    cr_assert_eq(uiommu_device_get_state(scene.dev[1]), UIOMMU_DEVICE_ISOLATED);
    fails_for = UINT32_MAX - 7u;
    /* It is withheld until a reset has emptied their TLBs. */
    for (i = 0; i < 2; i++) {
        cr_assert_eq(uiommu_unbind(u, scene.bond[i], UIOMMU_UNBIND_STOPPED), UIOMMU_E_WITHHELD);
        cr_assert_eq(uiommu_device_reset_begin(scene.dev[i]), UIOMMU_OK);
        cr_assert_eq(reset_to_end(i), UIOMMU_OK);
    }
    serve();
    for (i = 0; i < 2; i++)
        cr_assert_eq(scene_bind(scene.dev[i], scene.as, scene.pasid, &scene.bond[i]), UIOMMU_OK);
}

/* Another failure than the device's: it is said, nobody is cut off. */
Test(waves, no_culprit)
{
    fails_for = scene.pasid;
    fails_with = fails_then = UIOMMU_E_INTERNAL;
    cr_assert_eq(uiommu_aspace_invalidate(scene.as, 0, UINT64_MAX, true), UIOMMU_E_WITHHELD);
    cr_assert_eq(uiommu_device_get_state(scene.dev[0]), UIOMMU_DEVICE_NORMAL);
    fails_for = UINT32_MAX - 7u;
    toy.failing = TOY_POLL; /* the wave's ticket fails once: each bond is done again */
    toy.with = UIOMMU_E_HW;
    toy.times = 1;
    cr_assert_eq(uiommu_aspace_invalidate(scene.as, 0, UINT64_MAX, true), UIOMMU_OK);
    toy.failing = TOY_NONE;
    fails_for = scene.pasid;
    fails_with = UIOMMU_E_HW;
    fails_then = UIOMMU_E_INTERNAL;
    cr_assert_eq(uiommu_aspace_invalidate(scene.as, 0, UINT64_MAX, true), UIOMMU_E_WITHHELD);
    cr_assert_eq(uiommu_device_get_state(scene.dev[0]), UIOMMU_DEVICE_NORMAL);
    cr_assert_eq(uiommu_device_get_state(scene.dev[1]), UIOMMU_DEVICE_NORMAL);
    fails_for = UINT32_MAX - 7u;
}

/* R6: devices that walk different roots of a space have different tags. */
Test(waves, tags_by_root)
{
    struct uiommu_root roots[2] = {scene.as->roots[0], scene.as->roots[0]};
    struct uiommu_aspace_config c = {.size = sizeof(c), .roots = roots, .root_count = 2};
    struct uiommu_bond_ref bond[2];
    struct uiommu_aspace *as;
    uint32_t pasid, first;

    roots[1].format = UIOMMU_ROOT_RISCV64;
    cr_assert_eq(uiommu_aspace_create(u, &c, &as), UIOMMU_OK);
    cr_assert_eq(uiommu_pasid_alloc(space, NULL, 0, &pasid), UIOMMU_OK);
    formats = 1u << UIOMMU_ROOT_X86_64;
    cr_assert_eq(scene_bind(scene.dev[0], as, pasid, &bond[0]), UIOMMU_OK);
    first = toy.tag;
    formats = 1u << UIOMMU_ROOT_RISCV64;
    cr_assert_eq(scene_bind(scene.dev[1], as, pasid, &bond[1]), UIOMMU_OK);
    cr_assert_neq(toy.tag, first);
    cr_assert_eq(uiommu_aspace_invalidate(as, 0, UINT64_MAX, true), UIOMMU_OK);
    cr_assert_eq(tlbs, 2);
    cr_assert_eq(uiommu_unbind(u, bond[0], UIOMMU_UNBIND_STOPPED), UIOMMU_OK);
    cr_assert_eq(uiommu_unbind(u, bond[1], UIOMMU_UNBIND_STOPPED), UIOMMU_OK);
    serve();
    cr_assert_eq(uiommu_aspace_destroy(as), UIOMMU_OK);
    cr_assert_eq(uiommu_pasid_put(space, pasid), UIOMMU_OK);
}
