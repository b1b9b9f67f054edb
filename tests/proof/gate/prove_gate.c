/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The gate of a bond: a bit that says closed, and a count. The role enters for a group while others
 * leave or close, between any two atomic steps. Who was let in is counted once, who was not is not;
 * a closed gate lets nobody in; the count never reaches the bit, nor goes below nothing.
 */
#include "../prove_atomic.h"

#include <core/answer.c>
#include <core/bond.c>

static struct uiommu_bond bond;
static uint32_t held; /* groups that were let in and have not left, as a shadow */
static bool inside, shut, i_am_in;
static uint32_t steps;

static void other(void)
{
    if (inside || steps == 3 || !nondet_bool())
        return;
    inside = true;
    steps++;
    if (nondet_bool()) {
        bond.gate.v |= UIOMMU_GATE_CLOSED; /* die() and D1: one or */
        shut = true;
    } else if (held != 0) {
        held--;
        uiommu_gate_leave(&bond);
    }
    inside = false;
}

void prove(void)
{
    bool was_shut;

    held = nondet_u32();
    ASSUME(held < UIOMMU_GATE_CLOSED / 2); /* more groups than slots there cannot be */
    shut = nondet_bool();
    bond.gate.v = held | (shut ? UIOMMU_GATE_CLOSED : 0);
    bond.state.v = UIOMMU_BOND_LIVE;
    PROVE(uiommu_gate_valid(&bond));
    was_shut = shut;
    i_am_in = uiommu_gate_enter(&bond);
    PROVE(!(i_am_in && was_shut));
    PROVE(i_am_in || shut);
    held += i_am_in;
    PROVE(bond.gate.v == (held | (shut ? UIOMMU_GATE_CLOSED : 0)));
    if (i_am_in) {
        held--;
        uiommu_gate_leave(&bond);
    }
    PROVE(bond.gate.v == (held | (shut ? UIOMMU_GATE_CLOSED : 0)));
    PROVE(uiommu_gate_valid(&bond));
}
