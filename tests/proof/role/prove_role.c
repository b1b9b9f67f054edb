/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The service role (R21). One context holds it and lets go; another leaves word between any two of
 * the first one's atomic steps, up to three times. Word is never lost: the holder is told, or
 * service is due, or the other one got the role himself.
 */
#include "../prove_atomic.h"

#include <core/role.c>

static struct uiommu instance;
static struct uiommu_unit unit;
static uint32_t words;      /* left */
static bool inside, theirs; /* the other one has the role */

/* What a role_take() or a kick of the other context does, in one step: both are one successful
 * compare and exchange, those that fail before it change nothing. */
static void other(void)
{
    if (inside || words == 3 || !nondet_bool())
        return;
    inside = true;
    words++;
    if (nondet_bool()) {
        if (uiommu_role_take(&unit))
            theirs = true;
    } else {
        uiommu_unit_kick(&unit);
    }
    if (theirs)
        words = 3; /* he serves the unit now, and sees for himself */
    inside = false;
}

void prove(void)
{
    unit.u = &instance;
    unit.role.v = UIOMMU_ROLE_TAKEN;
    PROVE(uiommu_role_valid(&unit));
    if (nondet_bool()) {
        if (!uiommu_role_give(&unit)) {
            PROVE(words != 0 && !theirs);
            PROVE((unit.role.v & UIOMMU_ROLE_TAKEN) != 0); /* kept: he looks again */
        } else {
            PROVE(theirs || unit.due_now.v != 0 || words == 0);
        }
    } else if (!uiommu_role_drop(&unit)) {
        PROVE(theirs || unit.due_now.v != 0 || words == 0);
    }
    PROVE(uiommu_role_valid(&unit));
    PROVE(!theirs || (unit.role.v & UIOMMU_ROLE_TAKEN) != 0);
    if (unit.role.v == 0) { /* nobody to tell: the host is */
        inside = true;
        unit.due_now.v = 0;
        uiommu_unit_kick(&unit);
        PROVE(unit.due_now.v != 0);
    }
}
