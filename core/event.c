/* SPDX-License-Identifier: BSD-2-Clause */
#include "core.h"

/* Events wait in a ring of fixed size; what does not fit is counted and reported as a number. */

static uint32_t waiting(const struct uiommu_events *events)
{
    return events->head - events->tail;
}

bool uiommu_event_put(struct uiommu_unit *unit, const struct uiommu_event *event, bool by_device)
{
    struct uiommu_events *events = &unit->events;
    uint32_t room = by_device ? events->size - events->size / 4 : events->size;
    uint64_t now = uiommu_now(unit->u);
    struct uiommu_event *to;
    uintptr_t irq;
    bool fits;

    uiommu_count_shared(&unit->counters.events, 1);
    irq = uiommu_lock_take(unit->u, &events->lock);
    fits = waiting(events) < room;
    if (fits) {
        to = &events->ring[events->head & (events->size - 1)];
        *to = *event;
        to->now_ns = now;
        events->head++;
    } else {
        events->lost++;
        uiommu_count_shared(&unit->counters.events_lost, 1);
    }
    uiommu_lock_give(unit->u, &events->lock, irq);
    return fits;
}

void uiommu_events_lose(struct uiommu_unit *unit, uint32_t count)
{
    struct uiommu_events *events = &unit->events;
    uintptr_t irq = uiommu_lock_take(unit->u, &events->lock);

    events->lost += count;
    uiommu_count_shared(&unit->counters.events, count);
    uiommu_count_shared(&unit->counters.events_lost, count);
    uiommu_lock_give(unit->u, &events->lock, irq);
}

bool uiommu_event_device(struct uiommu_device *dev, enum uiommu_event_kind kind, uint32_t pasid,
                         uint32_t count)
{
    struct uiommu_event event;

    memset(&event, 0, sizeof(event));
    event.kind = kind;
    event.id = dev->ids[0].id;
    event.pasid = pasid;
    event.count = count;
    event.device = dev;
    event.device_user = dev->user;
    return uiommu_event_put(
        dev->unit, &event, kind == UIOMMU_EVENT_REQUESTS_LOST || kind == UIOMMU_EVENT_LATE_REQUEST);
}

static uiommu_err next(const struct uiommu *u, struct uiommu_events *events,
                       struct uiommu_event *out)
{
    uiommu_err err = UIOMMU_OK;
    uintptr_t irq;

    irq = uiommu_lock_take(u, &events->lock);
    if (waiting(events) != 0) {
        *out = events->ring[events->tail & (events->size - 1)];
        events->tail++;
    } else if (events->lost != 0) {
        memset(out, 0, sizeof(*out));
        out->kind = UIOMMU_EVENT_EVENTS_LOST;
        out->id = UINT32_MAX;
        out->pasid = UIOMMU_PASID_NONE;
        out->count = events->lost;
        events->lost = 0;
    } else {
        err = UIOMMU_E_NOT_FOUND;
    }
    uiommu_lock_give(u, &events->lock, irq);
    return err;
}

uiommu_err uiommu_unit_next_event(struct uiommu_unit *unit, struct uiommu_event *out)
{
    if (!uiommu_is_unit(unit))
        return UIOMMU_E_HANDLE;
    return out != NULL ? next(unit->u, &unit->events, out) : UIOMMU_E_INVALID;
}

void uiommu_event_forget(const struct uiommu_device *dev)
{
    struct uiommu_events *events = &dev->unit->events;
    struct uiommu_event *event;
    uint32_t at;
    uintptr_t irq;

    irq = uiommu_lock_take(dev->unit->u, &events->lock);
    for (at = events->tail; at != events->head; at++) {
        event = &events->ring[at & (events->size - 1)];
        if (event->device == dev) {
            event->device = NULL;
            event->device_user = NULL;
        }
    }
    uiommu_lock_give(dev->unit->u, &events->lock, irq);
}

#define LOG_WINDOW_NS UINT64_C(1000000000)
#define LOG_LINES     16u

void uiommu_log(struct uiommu_unit *unit, enum uiommu_log_level level, const char *msg)
{
    struct uiommu_events *events = &unit->events;
    uint64_t now = uiommu_now(unit->u);
    bool say;
    uintptr_t irq;

    irq = uiommu_lock_take(unit->u, &events->lock);
    if (now - unit->log_window_ns >= LOG_WINDOW_NS) {
        unit->log_window_ns = now;
        unit->log_count = 0;
    }
    say = unit->log_count < LOG_LINES;
    unit->log_count++;
    uiommu_lock_give(unit->u, &events->lock, irq);
    if (say)
        unit->u->host.log(unit->u->host.ctx, level, msg);
}

bool uiommu_events_valid(const struct uiommu_events *events)
{
    bool ok = events->ring != NULL;

    ok &= events->size != 0;
    ok &= (events->size & (events->size - 1u)) == 0;
    ok &= waiting(events) <= events->size;
    return ok;
}
