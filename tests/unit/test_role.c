/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit_toy.h"

/* role.c alone: one holder, a word left for him, and what positions in the rings say (R1, R21). */

#define TAKEN UIOMMU_ROLE_TAKEN
#define BOTH  (UIOMMU_ROLE_TAKEN | UIOMMU_ROLE_AGAIN)

static uint32_t role(void)
{
    return uiommu_word_load(&unit->role);
}

TestSuite(role, .init = toy_up, .fini = toy_end);

Test(role, one_holder)
{
    cr_assert(uiommu_role_take(unit));
    cr_assert_eq(role(), TAKEN);
    cr_assert_not(uiommu_role_take(unit));
    cr_assert_eq(role(), BOTH, "word is left");
    cr_assert(uiommu_role_valid(unit));
    cr_assert_not(uiommu_role_give(unit), "one more round");
    cr_assert_eq(role(), TAKEN);
    cr_assert(uiommu_role_give(unit));
    cr_assert_eq(role(), 0);
}

Test(role, dropped)
{
    cr_assert(uiommu_role_take(unit));
    cr_assert_not(uiommu_role_drop(unit), "nobody has asked");
    cr_assert_eq(role(), 0);
    cr_assert(uiommu_role_take(unit));
    cr_assert_not(uiommu_role_take(unit));
    cr_assert(uiommu_role_drop(unit), "somebody has");
    cr_assert_eq(role(), 0);
}

static uint32_t left;

/* The holder lets go while the clock is looked at. */
static uint64_t ticking(void *ctx)
{
    (void)ctx;
    if (left != 0 && --left == 0)
        (void)uiommu_role_drop(unit);
    return host.now_ns += 1000;
}

/* Who waits leaves no word, has it when it is let go, and waits no longer than that. */
Test(role, waited_for)
{
    uint64_t (*now_ns)(void *ctx) = u->host.now_ns;

    u->host.now_ns = ticking;
    cr_assert_eq(uiommu_role_wait(unit, 1000000), UIOMMU_OK);
    cr_assert_eq(role(), TAKEN);
    cr_assert_eq(uiommu_role_wait(unit, 1000000), UIOMMU_E_TIMEOUT);
    cr_assert_eq(role(), TAKEN, "no word");
    left = 3;
    cr_assert_eq(uiommu_role_wait(unit, 1000000), UIOMMU_OK);
    cr_assert(role() == TAKEN && left == 0);
    cr_assert_not(uiommu_role_drop(unit));
    u->host.now_ns = now_ns;
}

/* R21: a holder is told, and only where there is none the host is. */
Test(role, kicked)
{
    uint32_t due = uiommu_word_load(&unit->due), wakes = host.wakes;

    uiommu_word_store(&unit->due_now, 0);
    cr_assert(uiommu_role_take(unit));
    uiommu_unit_kick(unit);
    cr_assert_eq(role(), BOTH);
    cr_assert(uiommu_word_load(&unit->due) == due && host.wakes == wakes);
    cr_assert_eq(uiommu_word_load(&unit->due_now), 0);
    (void)uiommu_role_drop(unit);
    uiommu_unit_kick(unit);
    cr_assert_eq(role(), 0);
    cr_assert_eq(uiommu_word_load(&unit->due), due + 1);
    cr_assert_eq(uiommu_word_load(&unit->due_now), 1);
    cr_assert(host.wakes == wakes + 1 && host.woken == &unit->due);
}

/* When the host wakes, the word says already that service is due. */
static void looks(void *ctx, const struct uiommu_word *word)
{
    (void)ctx;
    cr_assert_eq(word, &unit->due);
    cr_assert_eq(uiommu_word_load(&unit->due_now), 1);
    left++;
}

Test(role, due_before_woken)
{
    void (*wake)(void *ctx, const struct uiommu_word *word) = u->host.wake;

    left = 0;
    uiommu_word_store(&unit->due_now, 0);
    u->host.wake = looks;
    uiommu_unit_kick(unit);
    cr_assert_eq(left, 1);
    u->host.wake = NULL;
    uiommu_unit_kick(unit);
    u->host.wake = wake;
}

Test(role, valid)
{
    uint32_t i;

    for (i = 0; i < 8; i++) {
        uiommu_word_store(&unit->role, i);
        cr_assert_eq(uiommu_role_valid(unit), i == 0 || i == TAKEN || i == BOTH, "%u", i);
    }
    uiommu_word_store(&unit->role, 0);
}

/* Rings that carry no requests have no positions to wait for (R1). */
Test(role, positions)
{
    uint64_t at[UIOMMU_RINGS] = {77, 77};
    const struct uiommu_caps caps = unit->caps;

    cr_assert(uiommu_ring_carries(unit, 0));
    unit->caps.ring[1].flags = UIOMMU_RING_REQUESTS;
    cr_assert_not(uiommu_ring_carries(unit, 1), "there is no such ring");
    unit->caps.rings = 2;
    cr_assert(uiommu_ring_carries(unit, 1));
    unit->caps.ring[1].flags = UIOMMU_RING_LOSES;
    cr_assert_not(uiommu_ring_carries(unit, 1));
    toy.waiting = 3;
    unit->ring[0].count = 10;
    unit->ring[1].count = 20;
    cr_assert_eq(uiommu_ring_position(unit, 0), 13);
    uiommu_ring_snapshot(unit, at);
    cr_assert(at[0] == 13 && at[1] == 0);
    cr_assert(unit->ring[0].given == 13 && unit->ring[1].given == 0);
    cr_assert_not(uiommu_ring_reached(unit, at));
    unit->ring[0].count = 12;
    cr_assert_not(uiommu_ring_reached(unit, at));
    unit->ring[0].count = 13;
    cr_assert(uiommu_ring_reached(unit, at));
    at[1] = 21;
    cr_assert_not(uiommu_ring_reached(unit, at));
    unit->caps.rings = 1;
    cr_assert(uiommu_ring_reached(unit, at), "of the rings there are");
    toy.waiting = 0;
    unit->ring[0].given = 50;
    uiommu_ring_snapshot(unit, at);
    cr_assert_eq(unit->ring[0].given, 50, "the highest that was handed out");
    unit->caps = caps;
}

/* As many rings as there can be: nothing behind them is touched. */
Test(role, every_ring)
{
    uint64_t at[UIOMMU_RINGS + 1] = {0};
    const struct uiommu_caps caps = unit->caps;
    struct uiommu_out out;

    unit->caps.rings = UIOMMU_RINGS;
    at[UIOMMU_RINGS] = UINT64_MAX;
    unit->looks = unit->first = 7;
    memcpy(&out, &unit->out, sizeof(out));
    uiommu_ring_snapshot(unit, at);
    cr_assert(unit->looks == 7 && unit->first == 7);
    cr_assert_eq(memcmp(&out, &unit->out, sizeof(out)), 0);
    unit->looks = unit->first = 0;
    unit->caps = caps;
}
