/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit_toy.h"

/* event.c alone: what is told, what is lost and said to be, and how much is logged (I16, R31). */

static struct uiommu_device dev, other;
static struct uiommu_events *events;
static struct uiommu_event got;

static void up(void)
{
    toy_up();
    memset(&dev, 0, sizeof(dev));
    memset(&other, 0, sizeof(other));
    dev.unit = other.unit = unit;
    dev.ids[0].id = 8;
    dev.user = &dev;
    other.ids[0].id = 9;
    events = &unit->events;
    while (uiommu_unit_next_event(unit, &got) == UIOMMU_OK)
        ;
    memset(&unit->counters, 0, sizeof(unit->counters));
}

TestSuite(event, .init = up, .fini = toy_end);

static void put(uint32_t n, bool by_device)
{
    struct uiommu_event event;
    uint32_t i;

    memset(&event, 0, sizeof(event));
    event.kind = UIOMMU_EVENT_UNIT_HUNG;
    for (i = 0; i < n; i++) {
        event.count = i;
        uiommu_event_put(unit, &event, by_device);
    }
}
static void take(uint32_t n)
{
    uint32_t i;

    for (i = 0; i < n; i++) {
        cr_assert_eq(uiommu_unit_next_event(unit, &got), UIOMMU_OK);
        cr_assert(got.kind == UIOMMU_EVENT_UNIT_HUNG && got.count == i, "%u", i);
    }
}
static void lost(uint32_t n)
{
    cr_assert_eq(uiommu_unit_next_event(unit, &got), UIOMMU_OK);
    cr_assert_eq(got.kind, UIOMMU_EVENT_EVENTS_LOST);
    cr_assert(got.id == UINT32_MAX && got.pasid == UIOMMU_PASID_NONE && got.count == n);
    cr_assert(got.device == NULL && got.now_ns == 0);
    cr_assert_eq(unit->counters.events_lost, n);
    unit->counters.events_lost = 0;
    cr_assert_eq(uiommu_unit_next_event(unit, &got), UIOMMU_E_NOT_FOUND, "said once");
}

/* In order, with the time, round the ring's end. */
Test(event, in_order)
{
    uint64_t before = host.now_ns;
    uint32_t i;

    for (i = 0; i < 3; i++) {
        put(events->size - 1, false);
        cr_assert(uiommu_events_valid(events));
        take(events->size - 1);
        cr_assert(got.now_ns > before && got.now_ns <= host.now_ns);
    }
    cr_assert_eq(uiommu_unit_next_event(unit, &got), UIOMMU_E_NOT_FOUND);
    cr_assert_eq(unit->counters.events, 3 * (events->size - 1));
    cr_assert_eq(unit->counters.events_lost, 0);
    cr_assert_eq(uiommu_unit_next_event(NULL, &got), UIOMMU_E_HANDLE);
    cr_assert_eq(uiommu_unit_next_event(unit, NULL), UIOMMU_E_INVALID);
}

/* I16: a device fills three quarters, the library the rest, and what is lost is counted. */
Test(event, full)
{
    uint32_t part = events->size - events->size / 4;

    put(part, true);
    cr_assert_eq(unit->counters.events_lost, 0);
    put(2, true);
    take(part);
    lost(2);
    put(events->size, false);
    cr_assert_eq(unit->counters.events_lost, 0);
    put(3, false);
    put(1, true);
    take(events->size);
    lost(4);
    cr_assert_eq(unit->counters.events, part + 2 + events->size + 4);
}

/* What is on the stack is in no event. */
static void __attribute__((noinline)) dirty(void)
{
    volatile unsigned char stack[1024];
    size_t i;

    for (i = 0; i < sizeof(stack); i++)
        stack[i] = 0xa5;
}

/* What a device tells of, and which of it the device can cause at will. */
Test(event, of_a_device)
{
    uint32_t kind, part = events->size - events->size / 4;
    struct uiommu_event blank;
    bool at_will;

    dirty();
    uiommu_event_device(&dev, UIOMMU_EVENT_PRI_OFF, 77, 5);
    cr_assert_eq(uiommu_unit_next_event(unit, &got), UIOMMU_OK);
    cr_assert(got.kind == UIOMMU_EVENT_PRI_OFF && got.id == 8 && got.pasid == 77);
    cr_assert(got.count == 5 && got.device == &dev && got.device_user == &dev);
    memset(&blank, 0, sizeof(blank));
    cr_assert_eq(memcmp(got.raw, blank.raw, sizeof(got.raw)), 0);
    cr_assert(got.address == 0 && got.access == 0 && got.hw_code == 0);
    put(part, true);
    for (kind = UIOMMU_EVENT_DEVICE_ISOLATED; kind <= UIOMMU_EVENT_LATE_REQUEST; kind++) {
        at_will = kind == UIOMMU_EVENT_REQUESTS_LOST || kind == UIOMMU_EVENT_LATE_REQUEST;
        unit->counters.events_lost = 0;
        uiommu_event_device(&dev, (enum uiommu_event_kind)kind, 0, 1);
        cr_assert_eq(unit->counters.events_lost, at_will, "%u", kind);
    }
    unit->counters.events_lost = 0;
    uiommu_event_device(&dev, UIOMMU_EVENT_LATE_REQUEST, 0, 1);
    uiommu_event_device(&dev, UIOMMU_EVENT_REQUESTS_LOST, 0, 1);
    cr_assert_eq(unit->counters.events_lost, 2);
    uiommu_event_device(&dev, UIOMMU_EVENT_DEVICE_ISOLATED, 0, 1);
    uiommu_event_device(&dev, UIOMMU_EVENT_BOND_POISONED, 0, 1);
    cr_assert_eq(unit->counters.events_lost, 2);
}

/* A device that goes is in no event that waits, others stay. */
Test(event, forgotten)
{
    uint32_t i;

    put(events->size - 1, false);
    take(events->size - 1);
    for (i = 0; i < 3; i++) {
        uiommu_event_device(&dev, UIOMMU_EVENT_PRI_OFF, 0, 1);
        uiommu_event_device(&other, UIOMMU_EVENT_PRI_OFF, 0, 1);
        uiommu_event_device(&other, UIOMMU_EVENT_PRI_OFF, 0, 1);
    }
    other.user = &other;
    uiommu_event_device(&other, UIOMMU_EVENT_PRI_OFF, 0, 1);
    uiommu_event_forget(&dev);
    cr_assert_eq(host.irq_depth, 0);
    for (i = 0; i < 10; i++) {
        bool own = i < 9 && i % 3 == 0;

        cr_assert_eq(uiommu_unit_next_event(unit, &got), UIOMMU_OK);
        cr_assert_eq(got.device, own ? NULL : &other);
        cr_assert_eq(got.device_user, i == 9 ? &other : NULL);
        cr_assert_eq(got.id, own ? 8u : 9u, "the number stays");
    }
}

/* So many lines a second, and from the second on as many again. */
Test(event, logged)
{
    uint32_t i, logs = host.logs;

    host.tick_ns = 0;
    host.now_ns = UINT64_C(5000000000);
    unit->log_window_ns = 0;
    for (i = 0; i < 40; i++)
        uiommu_log(unit, UIOMMU_LOG_WARN, "x");
    cr_assert(host.logs == logs + 16 && host.log_level == UIOMMU_LOG_WARN);
    cr_assert_eq(unit->log_window_ns, host.now_ns);
    host.now_ns += UINT64_C(999999999);
    uiommu_log(unit, UIOMMU_LOG_ERROR, "x");
    cr_assert_eq(host.logs, logs + 16);
    host.now_ns++;
    uiommu_log(unit, UIOMMU_LOG_ERROR, "x");
    cr_assert(host.logs == logs + 17 && host.log_level == UIOMMU_LOG_ERROR);
    host.tick_ns = 1000;
}

/* What the inner checks call impossible. */
Test(event, valid)
{
    struct uiommu_events e = *events;

    cr_assert(uiommu_events_valid(&e));
    e.head = e.tail + e.size;
    cr_assert(uiommu_events_valid(&e));
    e.head++;
    cr_assert_not(uiommu_events_valid(&e));
    e = *events;
    e.ring = NULL;
    cr_assert_not(uiommu_events_valid(&e));
    e = *events;
    e.size = 3;
    cr_assert_not(uiommu_events_valid(&e));
    e.size = 0;
    e.head = e.tail;
    cr_assert_not(uiommu_events_valid(&e));
    e.size = 1;
    cr_assert(uiommu_events_valid(&e));
}
