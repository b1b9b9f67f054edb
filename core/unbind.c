/* SPDX-License-Identifier: BSD-2-Clause */
#include "core.h"

/* The caller's side of a shutdown; the machine itself is drain.c. */

/* What is missing is read after the state, before which it is written (R12). */
uiommu_err uiommu_bond_result(const struct uiommu_bond *bond)
{
    switch (uiommu_bond_state(bond)) {
    case UIOMMU_BOND_FREE:
    case UIOMMU_BOND_QUARANTINE:
        return UIOMMU_OK;
    case UIOMMU_BOND_POISONED:
        return (uiommu_word_load(&bond->missing) &
                (UIOMMU_PROOF_CONFIG | UIOMMU_PROOF_TLB | UIOMMU_PROOF_DEVICE)) != 0
                   ? UIOMMU_E_WITHHELD
                   : UIOMMU_E_POISONED;
    default:
        return UIOMMU_PENDING;
    }
}

uiommu_err uiommu_unbind_begin(struct uiommu *u, struct uiommu_bond_ref ref, uint32_t flags)
{
    struct uiommu_bond *bond;
    uint32_t wants = UIOMMU_WANT_UNBIND;
    uiommu_err err;

    if ((flags & ~(UIOMMU_UNBIND_STOPPED | UIOMMU_UNBIND_ABORT)) != 0)
        return UIOMMU_E_INVALID;
    err = uiommu_bond_pin(u, ref, &bond);
    if (err == UIOMMU_E_STALE)
        return UIOMMU_OK;
    if (err != UIOMMU_OK)
        return err;
    if ((flags & UIOMMU_UNBIND_STOPPED) != 0)
        wants |= UIOMMU_WANT_STOPPED;
    if ((flags & UIOMMU_UNBIND_ABORT) != 0)
        wants |= UIOMMU_WANT_ABORT;
    uiommu_bond_want(bond, wants);
    uiommu_bond_unpin(bond);
    return UIOMMU_OK;
}

uiommu_err uiommu_bond_stopped(struct uiommu *u, struct uiommu_bond_ref ref)
{
    struct uiommu_bond *bond;
    uiommu_err err = uiommu_bond_pin(u, ref, &bond);

    if (err != UIOMMU_OK)
        return err;
    uiommu_bond_want(bond, UIOMMU_WANT_STOPPED);
    uiommu_bond_unpin(bond);
    return UIOMMU_OK;
}

/* Call stop() if the shutdown machine has asked for it. */
static void stop_call(struct uiommu_bond *bond, struct uiommu_bond_ref ref)
{
    struct uiommu_device *dev = bond->dev;
    struct uiommu_caller *caller;
    uint32_t seen = uiommu_word_load(&bond->wants);
    uiommu_err err;

    do {
        if ((seen & UIOMMU_WANT_CALL) == 0 || (seen & UIOMMU_WANT_CALLED) != 0)
            return;
    } while (!uiommu_word_cas(&bond->wants, &seen, seen | UIOMMU_WANT_CALLED));
    caller = uiommu_callback_take(dev->unit); /* so that calls made inside are known as such */
    err = dev->ops.stop(dev->ops_ctx, dev, ref, bond->pasid);
    if (caller != NULL)
        uiommu_caller_give(caller);
    if (err == UIOMMU_OK)
        uiommu_bond_want(bond, UIOMMU_WANT_TOLD | UIOMMU_WANT_STOPPED);
    else if (err != UIOMMU_E_UNSUPPORTED) /* else nobody was told */
        uiommu_bond_want(bond, UIOMMU_WANT_TOLD);
    else
        uiommu_unit_kick(dev->unit);
}

void uiommu_stop_poll(struct uiommu_bond *bond, struct uiommu_bond_ref ref)
{
    uiommu_word_or(&bond->wants, UIOMMU_WANT_POLLED);
    uiommu_unit_pump(bond->dev->unit);
    stop_call(bond, ref);
    uiommu_word_and(&bond->wants, ~UIOMMU_WANT_POLLED);
}

uiommu_err uiommu_unbind_poll(struct uiommu *u, struct uiommu_bond_ref ref)
{
    struct uiommu_bond *bond;
    uiommu_err err;

    err = uiommu_bond_pin(u, ref, &bond);
    if (err == UIOMMU_E_STALE)
        return UIOMMU_OK;
    if (err != UIOMMU_OK)
        return err;
    if ((uiommu_word_load(&bond->wants) & UIOMMU_WANT_UNBIND) == 0) {
        uiommu_bond_unpin(bond);
        return UIOMMU_E_STATE;
    }
    uiommu_stop_poll(bond, ref);
    uiommu_unit_pump(bond->dev->unit);
    err = uiommu_bond_result(bond);
    /* Told first, retried after: who serves the unit besides would else hear PENDING for ever. */
    if (err == UIOMMU_E_WITHHELD)
        uiommu_bond_want(bond, UIOMMU_WANT_RETRY);
    uiommu_bond_unpin(bond);
    return err;
}

/* Between two polls: until the unit is due, or somebody says so. What is due although this caller
 * has just been there is for whoever holds the role, who needs the processor. */
static void unbind_wait(struct uiommu_unit *unit, uint32_t seen)
{
    const struct uiommu_host_ops *host = &unit->u->host;
    uint64_t due = uiommu_unit_next_deadline(unit);
    uint64_t now = uiommu_now(unit->u), soon = uiommu_after(now, UIOMMU_RETRY_NS);

    if (host->wait == NULL) {
        uiommu_pause();
        return;
    }
    host->wait(host->ctx, &unit->due, seen, due > now && due < soon ? due : soon);
}

uiommu_err uiommu_unbind(struct uiommu *u, struct uiommu_bond_ref ref, uint32_t flags)
{
    struct uiommu_bond *bond;
    uint32_t seen;
    uiommu_err err;

    err = uiommu_unbind_begin(u, ref, flags);
    if (err != UIOMMU_OK)
        return err;
    if (uiommu_inside(u))
        return UIOMMU_E_BUSY;
    err = uiommu_bond_pin(u, ref, &bond);
    if (err != UIOMMU_OK)
        return UIOMMU_OK; /* STALE: it is over meanwhile */
    for (;;) {
        seen = uiommu_word_load(&bond->dev->unit->due);
        err = uiommu_unbind_poll(u, ref);
        if (err != UIOMMU_PENDING)
            break;
        unbind_wait(bond->dev->unit, seen);
    }
    uiommu_bond_unpin(bond);
    return err;
}
