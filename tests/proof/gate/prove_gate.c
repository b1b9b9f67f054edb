/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The gate of a bond: a word that says closed, a count of who came and one of who went. The role
 * enters for a group and asks how many are inside while others leave or close, between any two
 * atomic steps. Who was let in is counted once, who was not is not; a closed gate lets nobody in;
 * whoever asks is never told of fewer than are inside, and of nobody else once others are still.
 */
#include "../prove_atomic.h"

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
    uint32_t before, told;

    held = nondet_u8() & 7;
    held |= nondet_bool() ? UINT32_MAX / 2 - 15 : 0; /* more groups than slots there cannot be */
    shut = nondet_bool();
    bond.gate.v = shut ? UIOMMU_GATE_CLOSED : 0;
    bond.went.v = nondet_bool() ? nondet_bool() : UINT32_MAX - nondet_bool();
    bond.came.v = bond.went.v + held;
    bond.state.v = UIOMMU_BOND_LIVE;
    PROVE(uiommu_gate_valid(&bond));
    was_shut = shut;
    i_am_in = uiommu_gate_enter(&bond);
    PROVE(!(i_am_in && was_shut));
    PROVE(i_am_in || shut);
    held += i_am_in;
    before = held;
    told = uiommu_gate_count(&bond);
    PROVE(told >= held && told <= before);
    inside = true; /* nobody else any more */
    PROVE(uiommu_gate_count(&bond) == held);
    PROVE(uiommu_gate_closed(&bond) == shut);
    if (i_am_in && held != 0) {
        held--;
        uiommu_gate_leave(&bond);
    }
    PROVE(uiommu_gate_count(&bond) == held);
    PROVE(uiommu_gate_valid(&bond));
}
