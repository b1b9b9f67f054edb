/* SPDX-License-Identifier: BSD-2-Clause */
#include "core.h"

/* Reset, removal and isolation of a device (R20, R30, R33). */

/* ---- who has something to do ---- */

void uiommu_device_due(struct uiommu_device *dev)
{
    struct uiommu_unit *unit = dev->unit;

    if (dev->due)
        return;
    dev->due = true;
    dev->due_next = NULL;
    if (unit->due_first == NULL)
        unit->due_first = dev;
    else
        unit->due_last->due_next = dev;
    unit->due_last = dev;
    uiommu_word_poke(&unit->due_count, uiommu_word_peek(&unit->due_count) + 1);
}

void uiommu_device_undue(struct uiommu_device *dev)
{
    struct uiommu_unit *unit = dev->unit;
    struct uiommu_device *before = NULL, *at = unit->due_first;

    if (!dev->due)
        return;
    for (; at != dev; at = at->due_next)
        before = at;
    if (before == NULL)
        unit->due_first = dev->due_next;
    else
        before->due_next = dev->due_next;
    if (unit->due_last == dev)
        unit->due_last = before;
    dev->due = false;
    uiommu_word_poke(&unit->due_count, uiommu_word_peek(&unit->due_count) - 1);
}

static void due_locked(struct uiommu_device *dev)
{
    struct uiommu_unit *unit = dev->unit;
    uintptr_t irq = uiommu_lock_take(unit->u, &unit->lock);

    uiommu_device_due(dev);
    uiommu_lock_give(unit->u, &unit->lock, irq);
}

/* It leaves the list before it is looked at: what comes up meanwhile brings it back. */
void uiommu_resets_step(struct uiommu_unit *unit)
{
    uint32_t n = uiommu_word_peek(&unit->due_count);
    struct uiommu_device *dev;
    uintptr_t irq;

    for (; n != 0; n--) {
        irq = uiommu_lock_take(unit->u, &unit->lock);
        dev = unit->due_first;
        uiommu_device_undue(dev);
        uiommu_lock_give(unit->u, &unit->lock, irq);
        uiommu_reset_step(dev);
        if (uiommu_reset_deadline(dev, 0) != UINT64_MAX)
            due_locked(dev);
    }
}

uint64_t uiommu_resets_deadline(struct uiommu_unit *unit)
{
    const struct uiommu_device *dev;
    uint64_t due = UINT64_MAX, at;
    uintptr_t irq;

    if (uiommu_word_peek(&unit->due_count) == 0)
        return due;
    irq = uiommu_lock_take(unit->u, &unit->lock);
    for (dev = unit->due_first; dev != NULL; dev = dev->due_next) {
        at = uiommu_reset_deadline(dev, unit->now_ns);
        due = at < due ? at : due;
    }
    uiommu_lock_give(unit->u, &unit->lock, irq);
    return due;
}

static void trace_device(struct uiommu_device *dev, enum uiommu_event_kind kind)
{
    uiommu_trace(dev->unit->u, dev->unit->number, UIOMMU_TRACE_DEVICE, dev->ids[0].id,
                 uiommu_word_load(&dev->generation), kind, 0);
}

/* What cutting the device off takes in hardware. */
enum {
    ISOLATE_NONE,
    ISOLATE_DONE
};

void uiommu_device_isolate(struct uiommu_device *dev)
{
    struct uiommu_unit *unit = dev->unit;
    uint32_t normal = UIOMMU_DEVICE_NORMAL;

    if (!uiommu_word_cas(&dev->state, &normal, UIOMMU_DEVICE_ISOLATED))
        return;
    if (dev->port != NULL) /* R19, R30: its FAILURE is FAILURE for all of them */
        uiommu_word_store(&dev->port->failed, 1);
    due_locked(dev);
    trace_device(dev, UIOMMU_EVENT_DEVICE_ISOLATED);
    (void)uiommu_event_device(dev, UIOMMU_EVENT_DEVICE_ISOLATED, UIOMMU_PASID_NONE, 1);
    uiommu_log(unit, UIOMMU_LOG_WARN, "a device was cut off");
    uiommu_unit_kick(unit);
}

/* (r) Put it into hardware, as long as that takes. true: look again soon. */
static bool isolate_step(struct uiommu_device *dev)
{
    struct uiommu_unit *unit = dev->unit;
    uiommu_err err = UIOMMU_E_BUSY;
    uintptr_t irq;

    if (uiommu_word_load(&dev->state) != UIOMMU_DEVICE_ISOLATED) {
        dev->isolate_step = ISOLATE_NONE;
        return false;
    }
    if (dev->isolate_step == ISOLATE_DONE || (unit->caps.flags & UIOMMU_CAP_ISOLATE) == 0)
        return false;
    irq = uiommu_lock_take(unit->u, &unit->lock);
    if (!dev->isolate_air) {
        err = unit->ops.device_isolate(unit->hw, dev->hw);
        dev->isolate_more = err == UIOMMU_MORE;
        if (err == UIOMMU_OK || err == UIOMMU_MORE)
            err = unit->ops.config_invalidate(unit->hw, dev->hw, UIOMMU_PASID_ALL);
        if (err == UIOMMU_OK)
            err = uiommu_ticket_push(unit, &dev->isolate_ticket);
        dev->isolate_air = err == UIOMMU_OK;
    } else {
        err = uiommu_ticket_poll(unit, dev->isolate_ticket);
        dev->isolate_air = err == UIOMMU_PENDING;
        if (err == UIOMMU_OK && !dev->isolate_more)
            dev->isolate_step = ISOLATE_DONE;
    }
    uiommu_lock_give(unit->u, &unit->lock, irq);
    if (err == UIOMMU_E_UNSUPPORTED)
        dev->isolate_step = ISOLATE_DONE;
    return dev->isolate_step != ISOLATE_DONE;
}

void uiommu_device_violation(struct uiommu_device *dev)
{
    dev->violations++;
    if (dev->unit->config.violations != UINT32_MAX &&
        dev->violations >= dev->unit->config.violations)
        uiommu_device_isolate(dev);
}

/* (r) Groups of an older generation: pending ones go, none counts against the credits. */
static void orphan_old(struct uiommu_device *dev)
{
    struct uiommu_unit *unit = dev->unit;
    struct uiommu_group_slot *slot;
    uint32_t at, generation = uiommu_word_load(&dev->generation);

    uiommu_pending_orphan(unit, NULL, dev, UIOMMU_ORPHAN_RESET);
    for (at = unit->pool.live.head; at != UIOMMU_NO_SLOT; at = slot->next) {
        slot = uiommu_slot_at(unit, at);
        if (slot->dev == dev && slot->dev_generation != generation)
            uiommu_slot_forgive(unit, slot);
    }
}

/* (r) What belongs to an older generation ends unanswered. */
static void sweep(struct uiommu_device *dev)
{
    struct uiommu_unit *unit = dev->unit;
    bool again = uiommu_word_swap(&dev->resweep, 0) != 0; /* first: what comes now is seen */

    if (dev->swept_generation != uiommu_word_load(&dev->generation)) {
        dev->swept_generation = uiommu_word_load(&dev->generation);
        uiommu_count(&dev->counters.resets, 1);
        uiommu_partials_purge(unit, NULL, dev, UIOMMU_DROP_RESET);
        uiommu_ready_cancel_device(unit, dev, UIOMMU_DROP_RESET);
        uiommu_picked_cancel(unit, NULL, dev, UIOMMU_DROP_RESET); /* their slots are needed (I9) */
        uiommu_drain_reset(dev);
    } else if (!again) {
        return;
    }
    orphan_old(dev);
}

/* (r) Unless another reset has begun meanwhile. */
static void reset_next(struct uiommu_device *dev, uint32_t *step, uint32_t to)
{
    if (uiommu_word_cas(&dev->reset_step, step, to))
        *step = to;
}

void uiommu_reset_step(struct uiommu_device *dev)
{
    struct uiommu_unit *unit = dev->unit;
    uint32_t step = uiommu_word_load(&dev->reset_step);
    uiommu_err err;

    sweep(dev);
    dev->isolating = isolate_step(dev);
    if (step == UIOMMU_RESET_ASKED) {
        dev->reset_barrier = uiommu_barrier_next(dev);
        dev->reset_until_ns = uiommu_after(unit->now_ns, unit->config.drain_ns);
        reset_next(dev, &step, UIOMMU_RESET_BARRIER);
    }
    if (step == UIOMMU_RESET_BARRIER) {
        err = uiommu_barrier_step(dev, UIOMMU_PASID_NONE, dev->reset_barrier);
        if (err == UIOMMU_PENDING && unit->now_ns < dev->reset_until_ns)
            return;
        if (err != UIOMMU_OK) {
            reset_next(dev, &step, UIOMMU_RESET_FAILED);
            return;
        }
        dev->reset_until_ns = unit->now_ns;
        if (dev->barrier.good_strength != UIOMMU_BARRIER_PROVED)
            dev->reset_until_ns = uiommu_settle_end(unit);
        reset_next(dev, &step, UIOMMU_RESET_SETTLE);
    }
    if (step == UIOMMU_RESET_SETTLE && unit->now_ns >= dev->reset_until_ns) {
        uiommu_ring_snapshot(unit, dev->gen_at);
        dev->violations = 0;
        reset_next(dev, &step, UIOMMU_RESET_STAMPED);
    }
}

uint64_t uiommu_reset_deadline(const struct uiommu_device *dev, uint64_t now)
{
    uint32_t step = uiommu_word_load(&dev->reset_step);

    if (step == UIOMMU_RESET_SETTLE)
        return dev->reset_until_ns;
    if (step == UIOMMU_RESET_ASKED || step == UIOMMU_RESET_BARRIER || dev->isolating)
        return now + UIOMMU_RETRY_NS;
    return UINT64_MAX;
}

/* The state and generation change under the lock that every answer is published under. false: it
 * is in that state, or gone for good. A reset whose end was tried is not what the next begins with:
 * it may have failed with the device open, and what it stamped says nothing of what came since. */
static bool new_generation(struct uiommu_device *dev, uint32_t state)
{
    struct uiommu_unit *unit = dev->unit;
    uint32_t old;
    uintptr_t irq;

    irq = uiommu_lock_take(unit->u, &unit->lock);
    old = uiommu_word_load(&dev->state);
    if (old == UIOMMU_DEVICE_GONE ||
        (old == state && uiommu_word_load(&dev->reset_step) == UIOMMU_RESET_BEGUN)) {
        uiommu_lock_give(unit->u, &unit->lock, irq);
        return false;
    }
    uiommu_word_store(&dev->reset_step, UIOMMU_RESET_BEGUN);
    uiommu_word_store(&dev->state, state);
    uiommu_word_add(&dev->generation, 1);
    uiommu_device_due(dev);
    uiommu_lock_give(unit->u, &unit->lock, irq);
    return true;
}

/* Sweep now if nobody serves the unit; else the one who does will. */
static void sweep_soon(struct uiommu_device *dev)
{
    struct uiommu_unit *unit = dev->unit;

    if (uiommu_role_take(unit)) {
        unit->now_ns = uiommu_now(unit->u);
        sweep(dev);
        (void)uiommu_role_drop(unit);
    }
    uiommu_unit_kick(unit);
}

uiommu_err uiommu_device_reset_begin(struct uiommu_device *dev)
{
    if (!uiommu_is_device(dev))
        return UIOMMU_E_HANDLE;
    if (new_generation(dev, UIOMMU_DEVICE_RESETTING)) {
        trace_device(dev, UIOMMU_EVENT_REQUESTS_LOST);
        sweep_soon(dev);
    } else if (uiommu_word_load(&dev->state) == UIOMMU_DEVICE_GONE) {
        return UIOMMU_E_GONE;
    }
    /* Shutting the entry also waits for every answer that was put into the ring before. */
    return uiommu_device_program(dev, 0, dev->unit->config.command_ns);
}

uiommu_err uiommu_device_removed(struct uiommu_device *dev)
{
    if (!uiommu_is_device(dev))
        return UIOMMU_E_HANDLE;
    if (!new_generation(dev, UIOMMU_DEVICE_GONE))
        return UIOMMU_OK;
    uiommu_bonds_reset(dev); /* it gives the proofs that a reset gives (R20) */
    trace_device(dev, UIOMMU_EVENT_REQUESTS_LOST);
    sweep_soon(dev);
    return UIOMMU_OK;
}

/* Over, unless another one has begun meanwhile, or the device was removed. */
static uiommu_err reset_over(struct uiommu_device *dev)
{
    struct uiommu_unit *unit = dev->unit;
    uiommu_err err = UIOMMU_OK;
    uintptr_t irq;

    irq = uiommu_lock_take(unit->u, &unit->lock);
    if (uiommu_word_load(&dev->state) != UIOMMU_DEVICE_RESETTING)
        err = UIOMMU_E_GONE;
    else if (uiommu_word_load(&dev->reset_step) != UIOMMU_RESET_STAMPED)
        err = UIOMMU_PENDING;
    if (err == UIOMMU_OK) {
        uiommu_word_store(&dev->reset_step, UIOMMU_RESET_NONE);
        uiommu_word_store(&dev->state, UIOMMU_DEVICE_NORMAL);
    }
    uiommu_lock_give(unit->u, &unit->lock, irq);
    return err;
}

/* (m) Entries of before are known by position: switch everything on again. */
static uiommu_err reset_finish(struct uiommu_device *dev)
{
    struct uiommu_unit *unit = dev->unit;
    uiommu_err err;

    uiommu_word_store(&dev->ats_on, 0);
    uiommu_word_store(&dev->mute, UIOMMU_MUTE_NO);
    dev->pri_on = false;
    err = uiommu_device_enable(dev);
    if (err != UIOMMU_OK)
        return err;
    if (dev->port != NULL)
        uiommu_word_store(&dev->port->failed, 0);
    err = reset_over(dev);
    if (err == UIOMMU_PENDING) /* whose shutting this may have undone */
        (void)uiommu_device_program(dev, 0, unit->config.command_ns);
    if (err != UIOMMU_OK)
        return err;
    uiommu_bonds_reset(dev);
    uiommu_unit_kick(unit);
    return UIOMMU_OK;
}

/* The end is asked for, unless it was already; only we and new_generation() leave these two steps.
 * What the step was. */
static uint32_t ask_end(struct uiommu_device *dev)
{
    struct uiommu_unit *unit = dev->unit;
    uint32_t step;
    uintptr_t irq;

    irq = uiommu_lock_take(unit->u, &unit->lock);
    step = uiommu_word_load(&dev->reset_step);
    if (step == UIOMMU_RESET_BEGUN || step == UIOMMU_RESET_FAILED) {
        uiommu_word_store(&dev->reset_step, UIOMMU_RESET_ASKED);
        uiommu_device_due(dev);
    }
    uiommu_lock_give(unit->u, &unit->lock, irq);
    return step;
}

uiommu_err uiommu_device_reset_end(struct uiommu_device *dev)
{
    struct uiommu_unit *unit;
    uint32_t step;
    uiommu_err err;

    if (!uiommu_is_device(dev))
        return UIOMMU_E_HANDLE;
    unit = dev->unit;
    if (uiommu_word_load(&dev->state) != UIOMMU_DEVICE_RESETTING)
        return UIOMMU_E_STATE;
    if (!uiommu_device_present(dev)) /* its read pushes the bus, as far as the IOMMU */
        return UIOMMU_E_GONE;
    step = ask_end(dev);
    if (step != UIOMMU_RESET_STAMPED)
        uiommu_unit_pump(unit);
    if (!uiommu_control_take(unit->u, &unit->control, unit->config.command_ns))
        return UIOMMU_E_TIMEOUT;
    step = uiommu_word_load(&dev->reset_step);
    if (step == UIOMMU_RESET_STAMPED)
        err = reset_finish(dev);
    else
        err = step == UIOMMU_RESET_FAILED ? UIOMMU_E_HW : UIOMMU_PENDING;
    uiommu_control_give(unit->u, &unit->control);
    return err;
}
