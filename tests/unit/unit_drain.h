/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef UIOMMU_TESTS_UNIT_DRAIN_H
#define UIOMMU_TESTS_UNIT_DRAIN_H
/* The bond of unit_bond.h on its unit's list, with a barrier whose strength the test chooses. */
#include "unit_bond.h"

static uint32_t strength;
static uiommu_err there;

static inline uiommu_err barrier(void *hw, void *d, uint32_t pasid, uint64_t *ticket, uint32_t *out)
{
    cr_assert(hw == &toy && d == &toy && pasid == 3);
    *out = strength;
    return toy_ticket(hw, ticket);
}
static inline uiommu_err present(void *ctx)
{
    (void)ctx;
    return there;
}

static inline void fresh(enum uiommu_phase phase)
{
    struct uiommu_event event;

    bond_fresh(phase);
    memset(unit->ring, 0, sizeof(unit->ring));
    unit->ops.barrier = barrier;
    unit->stopping = &bond;
    unit->looks = 5;
    unit->caps.rings = 1;
    unit->caps.ring[0].flags = UIOMMU_RING_REQUESTS | UIOMMU_RING_LOSES;
    unit->out.count = 0;
    unit->no_progress = false;
    bond.stop_listed = true;
    bond.stop_confirmed = true;
    bond.drain_until_ns = T0 + 1000000;
    bond.where = &dev.untagged;
    uiommu_word_store(&bond.state, UIOMMU_BOND_DRAINING);
    uiommu_word_store(&bond.gate, UIOMMU_GATE_CLOSED);
    uiommu_word_store(&as.refs, 1);
    uiommu_word_store(&as.bond_count, 1);
    dev.ops.present = present;
    dev.bonds = 1;
    there = UIOMMU_OK;
    strength = UIOMMU_BARRIER_ORDERED;
    toy.failing = TOY_NONE;
    toy.waiting = 0;
    toy.tickets = 0;
    host.now_ns = T0;
    host.tick_ns = 0;
    uiommu_word_store(&unit->hung, 0);
    while (uiommu_unit_next_event(unit, &event) == UIOMMU_OK)
        ;
    memset(&unit->counters, 0, sizeof(unit->counters));
}
static inline void up(void)
{
    toy_up();
    fresh(UIOMMU_PHASE_NONE);
}
static inline void down(void)
{
    unit->stopping = NULL;
    u->free_bonds = NULL;
    unit->out.count = 0;
    unit->stops = 0;
    host.tick_ns = 1000;
    toy_end();
}

static inline bool go(void)
{
    return uiommu_drain_step_all(unit);
}
static inline void pending(void)
{
    toy.failing = TOY_POLL;
    toy.with = UIOMMU_PENDING;
}
/* Something keeps D6 waiting, so that D5 can be seen from there. */
static inline void held(void)
{
    uiommu_word_store(&bond.gate, UIOMMU_GATE_CLOSED);
    uiommu_word_store(&bond.came, 1);
}

#endif
