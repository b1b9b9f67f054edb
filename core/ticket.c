/* SPDX-License-Identifier: BSD-2-Clause */
#include "core.h"

/*
 * Completions. A ticket is pending, done, or failed: failed proves nothing of what was in front
 * of it (R15). A unit that completes nothing within its deadline is hung; waits on it are then
 * a single look each, so that a thousand of them do not add up.
 */

uiommu_err uiommu_ticket_push(struct uiommu_unit *unit, uint64_t *out)
{
    uiommu_err err = unit->ops.ticket(unit->hw, out);

    if (err == UIOMMU_OK) {
        uiommu_count(&unit->counters.commands, 1);
        uiommu_trace(unit->u, unit->number, UIOMMU_TRACE_TICKET, *out, 0, 0, 0);
    } else {
        uiommu_count_shared(&unit->counters.full, 1);
    }
    return err;
}

uiommu_err uiommu_ticket_poll(struct uiommu_unit *unit, uint64_t ticket)
{
    uiommu_err err = unit->ops.ticket_poll(unit->hw, ticket);

    if (err == UIOMMU_PENDING)
        return err;
    unit->moved_ns = uiommu_now(unit->u);
    uiommu_trace(unit->u, unit->number, UIOMMU_TRACE_TICKET, ticket, err == UIOMMU_OK ? 1 : 2, 0,
                 0);
    if (err == UIOMMU_OK)
        uiommu_word_store(&unit->hung, 0);
    else
        uiommu_count_shared(&unit->counters.command_errors, 1);
    return err;
}

void uiommu_unit_hangs(struct uiommu_unit *unit, uint64_t ticket)
{
    struct uiommu_event event;

    uiommu_count_shared(&unit->counters.command_errors, 1);
    uiommu_trace(unit->u, unit->number, UIOMMU_TRACE_TICKET, ticket, 3, 0, 0);
    if (uiommu_word_swap(&unit->hung, 1) != 0)
        return;
    memset(&event, 0, sizeof(event));
    event.kind = UIOMMU_EVENT_UNIT_HUNG;
    event.id = UINT32_MAX;
    event.pasid = UIOMMU_PASID_NONE;
    event.count = 1;
    (void)uiommu_event_put(unit, &event, false);
    uiommu_log(unit, UIOMMU_LOG_ERROR, "the IOMMU does not complete commands");
}

/* Devices that leave invalidations unanswered keep a unit busy that is in order: one that gets on,
 * and be it by failures, finds out who they are (R15); a restart would begin anew. */
void uiommu_unit_late(struct uiommu_unit *unit, uint64_t ticket, uint64_t ns)
{
    uintptr_t irq = uiommu_lock_take(unit->u, &unit->lock);
    uint64_t moved = unit->moved_ns;

    uiommu_lock_give(unit->u, &unit->lock, irq);
    if (moved == 0 || uiommu_now(unit->u) >= uiommu_after(moved, ns)) {
        uiommu_unit_hangs(unit, ticket);
        return;
    }
    uiommu_count_shared(&unit->counters.command_errors, 1);
    uiommu_trace(unit->u, unit->number, UIOMMU_TRACE_TICKET, ticket, 3, 0, 0);
}

/* What is done at once needs no clock: a wait begins with the first look that finds it undone. */
static bool wait_on(const struct uiommu_unit *unit, struct uiommu_wait *wait, uint64_t ns)
{
    if (wait->host == NULL)
        *wait = uiommu_wait_begin(&unit->u->host, ns);
    return uiommu_wait_more(wait);
}

uiommu_err uiommu_ticket_wait(struct uiommu_unit *unit, uint64_t ticket, uint64_t ns)
{
    bool last = uiommu_word_load(&unit->hung) != 0;
    struct uiommu_wait wait = {NULL, 0};
    uiommu_err err;
    uintptr_t irq;

    for (;;) {
        irq = uiommu_lock_take(unit->u, &unit->lock);
        err = uiommu_ticket_poll(unit, ticket);
        uiommu_lock_give(unit->u, &unit->lock, irq);
        if (err != UIOMMU_PENDING || last)
            break;
        last = !wait_on(unit, &wait, ns);
    }
    if (err != UIOMMU_PENDING)
        return err;
    uiommu_unit_late(unit, ticket, ns);
    return UIOMMU_E_TIMEOUT;
}

uiommu_err uiommu_commands_wait(struct uiommu_unit *unit,
                                uiommu_err (*push)(struct uiommu_unit *unit, void *arg), void *arg,
                                uint64_t ns)
{
    bool last = uiommu_word_load(&unit->hung) != 0;
    struct uiommu_wait wait = {NULL, 0};
    uint64_t ticket = 0;
    uiommu_err err;
    uintptr_t irq;

    for (;;) {
        irq = uiommu_lock_take(unit->u, &unit->lock);
        err = push(unit, arg);
        if (err == UIOMMU_OK)
            err = uiommu_ticket_push(unit, &ticket);
        uiommu_lock_give(unit->u, &unit->lock, irq);
        if (err != UIOMMU_E_BUSY || last)
            break;
        last = !wait_on(unit, &wait, ns);
    }
    if (err == UIOMMU_E_BUSY) {
        uiommu_unit_late(unit, 0, ns);
        return UIOMMU_E_TIMEOUT;
    }
    return err == UIOMMU_OK ? uiommu_ticket_wait(unit, ticket, ns) : err;
}
