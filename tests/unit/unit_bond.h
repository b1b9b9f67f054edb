/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef UIOMMU_TESTS_UNIT_BOND_H
#define UIOMMU_TESTS_UNIT_BOND_H
/* A bond that nobody bound, on a toy unit: a test puts it into any phase and looks what the
 * machine makes of it. */
#include "../../core/drain.h"
#include "unit_toy.h"

#define T0 UINT64_C(1000000)

static struct uiommu_device dev;
static struct uiommu_bond bond;
static struct uiommu_aspace as;

static inline void bond_fresh(enum uiommu_phase phase)
{
    memset(&dev, 0, sizeof(dev));
    memset(&bond, 0, sizeof(bond));
    memset(&as, 0, sizeof(as));
    dev.unit = unit;
    dev.hw = &toy;
    uiommu_word_store(&dev.generation, 1);
    dev.swept_generation = 1;
    bond.u = u;
    bond.dev = &dev;
    bond.as = &as;
    as.u = u;
    bond.pasid = 3;
    bond.stamped = true;
    bond.ready_head = bond.ready_tail = UIOMMU_NO_SLOT;
    bond.phase = (uint8_t)phase;
    unit->now_ns = T0;
    unit->stops = 0;
    unit->due_first = unit->due_last = NULL;
    uiommu_word_store(&unit->due_count, 0);
}

static inline void bond_up(void)
{
    toy_up();
    bond_fresh(UIOMMU_PHASE_NONE);
}

static inline uint32_t wants(void)
{
    return uiommu_word_load(&bond.wants);
}

static inline uint32_t missing(void)
{
    return uiommu_word_load(&bond.missing);
}

/* A marker of this life and of this side of any reset. */
static inline void mark(void)
{
    bond.marker = true;
    bond.marker_generation = uiommu_word_load(&dev.generation);
}

#endif
