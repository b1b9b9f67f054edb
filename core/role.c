/* SPDX-License-Identifier: BSD-2-Clause */
#include "core.h"

/*
 * The service role of a unit: one consumer at a time. Who finds it taken leaves word by setting
 * AGAIN, and the holder cannot release while that is set (R21).
 */

bool uiommu_role_take(struct uiommu_unit *unit)
{
    uint32_t seen = uiommu_word_load(&unit->role);

    for (;;) {
        if ((seen & UIOMMU_ROLE_TAKEN) == 0) {
            if (uiommu_word_cas(&unit->role, &seen, UIOMMU_ROLE_TAKEN))
                return true;
        } else if (uiommu_word_cas(&unit->role, &seen, seen | UIOMMU_ROLE_AGAIN)) {
            return false;
        }
    }
}

bool uiommu_role_give(struct uiommu_unit *unit)
{
    uint32_t seen = UIOMMU_ROLE_TAKEN;

    if (uiommu_word_cas(&unit->role, &seen, 0))
        return true;
    uiommu_word_and(&unit->role, ~UIOMMU_ROLE_AGAIN);
    return false;
}

bool uiommu_role_drop(struct uiommu_unit *unit)
{
    return (uiommu_word_swap(&unit->role, 0) & UIOMMU_ROLE_AGAIN) != 0;
}

/* Without AGAIN: who waits for the role does the work himself, and the holder can come to an end.
 */
static bool role_try(struct uiommu_unit *unit)
{
    uint32_t seen = uiommu_word_load(&unit->role);

    while ((seen & UIOMMU_ROLE_TAKEN) == 0) {
        if (uiommu_word_cas(&unit->role, &seen, UIOMMU_ROLE_TAKEN))
            return true;
    }
    return false;
}

uiommu_err uiommu_role_wait(struct uiommu_unit *unit, uint64_t ns)
{
    struct uiommu_wait wait = uiommu_wait_begin(&unit->u->host, ns);
    bool taken;

    uiommu_word_add(&unit->role_wanted, 1);
    do
        taken = role_try(unit);
    while (!taken && uiommu_wait_more(&wait));
    uiommu_word_sub(&unit->role_wanted, 1);
    return taken ? UIOMMU_OK : UIOMMU_E_TIMEOUT;
}

void uiommu_unit_kick(struct uiommu_unit *unit)
{
    const struct uiommu_host_ops *host = &unit->u->host;
    uint32_t seen = uiommu_word_load(&unit->role);

    while ((seen & UIOMMU_ROLE_TAKEN) != 0) {
        if (uiommu_word_cas(&unit->role, &seen, seen | UIOMMU_ROLE_AGAIN))
            return;
    }
    uiommu_word_store(&unit->due_now, 1);
    uiommu_word_add(&unit->due, 1);
    if (host->wake != NULL)
        host->wake(host->ctx, &unit->due);
}

bool uiommu_ring_carries(const struct uiommu_unit *unit, uint32_t ring)
{
    return ring < unit->caps.rings && (unit->caps.ring[ring].flags & UIOMMU_RING_REQUESTS) != 0;
}

uint64_t uiommu_ring_position(struct uiommu_unit *unit, uint32_t ring)
{
    return unit->ring[ring].count + unit->ops.ring_pending(unit->hw, ring);
}

void uiommu_ring_snapshot(struct uiommu_unit *unit, uint64_t at[UIOMMU_RINGS])
{
    uint32_t r;

    for (r = 0; r < UIOMMU_RINGS; r++)
        at[r] = uiommu_ring_carries(unit, r) ? uiommu_ring_position(unit, r) : 0;
    for (r = 0; r < unit->caps.rings; r++)
        unit->ring[r].given = at[r] > unit->ring[r].given ? at[r] : unit->ring[r].given;
}

/* Of rings that carry no requests a snapshot says 0. */
bool uiommu_ring_reached(const struct uiommu_unit *unit, const uint64_t at[UIOMMU_RINGS])
{
    uint32_t r;

    for (r = 0; r < unit->caps.rings; r++) {
        if (unit->ring[r].count < at[r])
            return false;
    }
    return true;
}

bool uiommu_role_valid(const struct uiommu_unit *unit)
{
    uint32_t role = uiommu_word_load(&unit->role);

    return (role == 0) | (role == UIOMMU_ROLE_TAKEN) |
           (role == (UIOMMU_ROLE_TAKEN | UIOMMU_ROLE_AGAIN));
}
