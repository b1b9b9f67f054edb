/* SPDX-License-Identifier: BSD-2-Clause */
#include "core.h"

static uint32_t quota_of(uint32_t asked)
{
    return asked == 0 ? UINT32_MAX : asked;
}

bool uiommu_is_owner(const struct uiommu_owner *owner)
{
    return owner != NULL && owner->magic == UIOMMU_MAGIC_OWNER;
}

uiommu_err uiommu_owner_create(struct uiommu *u, const struct uiommu_owner_config *config,
                               struct uiommu_owner **out)
{
    struct uiommu_owner_config copy;
    struct uiommu_owner *owner;

    if (!uiommu_is_instance(u))
        return UIOMMU_E_HANDLE;
    if (config == NULL || out == NULL)
        return UIOMMU_E_INVALID;
    if (!uiommu_config_copy(&copy, sizeof(copy), config, config->size, sizeof(copy)))
        return UIOMMU_E_INVALID;
    owner = uiommu_heap_get(u, sizeof(*owner));
    if (owner == NULL)
        return UIOMMU_E_NOMEM;
    copy.pasids = quota_of(copy.pasids);
    copy.credits = quota_of(copy.credits);
    copy.bonds = quota_of(copy.bonds);
    copy.in_flight = quota_of(copy.in_flight);
    owner->config = copy;
    owner->u = u;
    owner->magic = UIOMMU_MAGIC_OWNER;
    (void)uiommu_object_add(u);
    *out = owner;
    return UIOMMU_OK;
}

uiommu_err uiommu_owner_destroy(struct uiommu_owner *owner)
{
    struct uiommu *u;
    uintptr_t state;
    bool busy;

    if (!uiommu_is_owner(owner))
        return UIOMMU_E_HANDLE;
    u = owner->u;
    state = uiommu_lock_take(u, &owner->lock);
    busy = owner->pasids != 0 || owner->credits != 0 || owner->bonds != 0 || owner->ports != 0 ||
           owner->spaces != 0 || owner->aspaces != NULL || uiommu_word_load(&owner->in_flight) != 0;
    if (!busy)
        owner->magic = 0;
    uiommu_lock_give(u, &owner->lock, state);
    if (busy)
        return UIOMMU_E_BUSY;
    uiommu_heap_put(u, owner, sizeof(*owner));
    uiommu_object_remove(u);
    return UIOMMU_OK;
}

uiommu_err uiommu_owner_charge(struct uiommu_owner *owner, uint32_t *what, uint32_t quota,
                               uint32_t n)
{
    uintptr_t state = uiommu_lock_take(owner->u, &owner->lock);
    uiommu_err err = UIOMMU_OK;

    if (uiommu_word_load(&owner->dead) != 0) {
        err = UIOMMU_E_DEAD;
    } else if (*what > quota || n > quota - *what) {
        owner->refused++;
        err = UIOMMU_E_QUOTA;
    } else {
        *what += n;
    }
    uiommu_lock_give(owner->u, &owner->lock, state);
    return err;
}

void uiommu_owner_refund(struct uiommu_owner *owner, uint32_t *what, uint32_t n)
{
    uintptr_t state = uiommu_lock_take(owner->u, &owner->lock);

    UIOMMU_ASSERT("an owner is refunded what he was charged", *what >= n);
    *what -= n;
    uiommu_lock_give(owner->u, &owner->lock, state);
}

uiommu_err uiommu_owner_get_counters(const struct uiommu_owner *owner,
                                     struct uiommu_owner_counters *out)
{
    struct uiommu_lock *lock;
    uintptr_t state;

    if (!uiommu_is_owner(owner))
        return UIOMMU_E_HANDLE;
    if (out == NULL)
        return UIOMMU_E_INVALID;
    lock = (struct uiommu_lock *)(uintptr_t)&owner->lock; /* all that changes in a reader */
    state = uiommu_lock_take(owner->u, lock);
    out->pasids = owner->pasids;
    out->credits = owner->credits;
    out->bonds = owner->bonds;
    out->in_flight = uiommu_word_load(&owner->in_flight);
    out->refused = owner->refused;
    uiommu_counters_copy(&out->groups, &owner->groups, sizeof(out->groups));
    uiommu_counters_copy(&out->invalid, &owner->invalid, sizeof(out->invalid));
    uiommu_counters_copy(&out->expired, &owner->expired, sizeof(out->expired));
    uiommu_lock_give(owner->u, lock, state);
    return UIOMMU_OK;
}

void uiommu_owner_ports(struct uiommu_owner *owner, uint32_t change)
{
    uintptr_t state = uiommu_lock_take(owner->u, &owner->lock);

    owner->ports += change;
    uiommu_lock_give(owner->u, &owner->lock, state);
}

void uiommu_owner_leave(struct uiommu_owner *owner)
{
    struct uiommu *u = owner->u;
    struct uiommu_unit *unit;
    uintptr_t irq;

    uiommu_word_sub(&owner->in_flight, 1);
    if (uiommu_word_swap(&owner->waiting, 0) == 0)
        return;
    irq = uiommu_lock_take(u, &u->lock);
    for (unit = u->units; unit != NULL; unit = unit->next) {
        if (uiommu_word_load(&unit->cap_waiting) != 0)
            uiommu_unit_kick(unit);
    }
    uiommu_lock_give(u, &u->lock, irq);
}

bool uiommu_owner_valid(const struct uiommu_owner *owner)
{
    const struct uiommu_aspace *as, *prev = NULL;
    bool ok = owner->magic == UIOMMU_MAGIC_OWNER;

    ok &= owner->pasids <= owner->config.pasids;
    ok &= owner->credits <= owner->config.credits;
    ok &= owner->bonds <= owner->config.bonds;
    ok &= owner->credits >= owner->ports;
    ok &= uiommu_word_load(&owner->dead) <= 1;
    for (as = owner->aspaces; as != NULL; as = as->next) {
        if (as->owner != owner || as->prev != prev) /* so it is no circle */
            return false;
        prev = as;
    }
    return ok;
}
