/* SPDX-License-Identifier: BSD-2-Clause */
#include "core.h"

/*
 * Request barriers of a device, shared by its bonds. A bond never joins one that began before it
 * was ready for it (R18): it asks for the number of the next one.
 */

uint32_t uiommu_barrier_next(const struct uiommu_device *dev)
{
    return dev->barrier.begun + 1;
}

static uiommu_err barrier_begin(struct uiommu_device *dev, uint32_t pasid)
{
    struct uiommu_barrier *barrier = &dev->barrier;
    struct uiommu_unit *unit = dev->unit;
    bool mute = uiommu_mute(dev); /* a barrier may ask it */
    uiommu_err err = UIOMMU_E_HW;
    uintptr_t irq;

    irq = uiommu_lock_take(unit->u, &unit->lock);
    if (!mute)
        err = unit->ops.barrier(unit->hw, dev->hw, pasid, &barrier->ticket, &barrier->strength);
    uiommu_lock_give(unit->u, &unit->lock, irq);
    if (err == UIOMMU_E_BUSY)
        return UIOMMU_PENDING;
    barrier->begun++;
    barrier->deadline_ns = uiommu_after(unit->now_ns, unit->config.command_ns);
    if (err != UIOMMU_OK)
        barrier->done = barrier->begun; /* one that cannot begin now has failed */
    if (err == UIOMMU_E_UNSUPPORTED) {  /* none at all: strength NONE says so */
        barrier->good = barrier->begun;
        barrier->good_strength = UIOMMU_BARRIER_NONE;
    }
    return UIOMMU_OK;
}

static void barrier_poll(struct uiommu_device *dev)
{
    struct uiommu_barrier *barrier = &dev->barrier;
    struct uiommu_unit *unit = dev->unit;
    uiommu_err err;
    uintptr_t irq;

    irq = uiommu_lock_take(unit->u, &unit->lock);
    err = uiommu_ticket_poll(unit, barrier->ticket);
    uiommu_lock_give(unit->u, &unit->lock, irq);
    if (err == UIOMMU_PENDING) {
        if (unit->now_ns < barrier->deadline_ns && uiommu_word_load(&unit->hung) == 0)
            return;
        uiommu_unit_late(unit, barrier->ticket, unit->config.command_ns);
    }
    barrier->done = barrier->begun;
    if (err == UIOMMU_OK) {
        barrier->good = barrier->begun;
        barrier->good_strength = barrier->strength;
    }
}

uiommu_err uiommu_barrier_step(struct uiommu_device *dev, uint32_t pasid, uint32_t need)
{
    struct uiommu_barrier *barrier = &dev->barrier;

    if (barrier->done < need && barrier->begun == barrier->done) {
        if (barrier_begin(dev, pasid) != UIOMMU_OK)
            return UIOMMU_PENDING;
    }
    if (barrier->begun != barrier->done)
        barrier_poll(dev);
    if (barrier->good >= need)
        return UIOMMU_OK;
    return barrier->done >= need ? UIOMMU_E_HW : UIOMMU_PENDING;
}

/* Numbers may wrap; one barrier runs at a time. */
bool uiommu_barrier_valid(const struct uiommu_barrier *barrier)
{
    bool ok = barrier->begun - barrier->done <= 1;

    ok &= barrier->done - barrier->good <= UINT32_MAX / 2;
    ok &= barrier->strength <= UIOMMU_BARRIER_PROVED;
    ok &= barrier->good_strength <= UIOMMU_BARRIER_PROVED;
    return ok;
}
