/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "stress_threads.h"

/* Those who serve, and those who meddle. */

#define LONELY_NS (500 * ST_MS) /* Longest sleep of a service thread. */
#define POLL_NS   (200 * ST_US)

/* ---- serve ---- */

/* Time goes on, whatever the others do. */
static void hardware(struct machine *m, uint32_t number)
{
    (void)number;
    while (!atomic_load(&m->stop_all)) {
        st_step("advancing");
        st_lock(m);
        st_unlock(m);
        st_sleep(20 * ST_US);
    }
}

/* A sleep to its end while requests wait means that nobody was woken for them. */
static void sleep_until_due(struct st_unit *unit)
{
    struct machine *m = unit->m;
    uint64_t due = uiommu_unit_next_deadline(unit->unit);
    /* Without interrupts one looks. */
    uint64_t most = st_now(m) + (unit->how.irq ? LONELY_NS : POLL_NS);
    struct uiommu_unit_counters before, after;
    uint32_t waiting;

    if (uiommu_unit_get_counters(unit->unit, &before) != UIOMMU_OK ||
        st_bell_wait(unit, due < most ? due : most) || due <= most || !unit->how.irq) {
        return;
    }
    st_sleep(LONELY_NS); /* Whoever was woken may still wait for a processor. */
    st_lock(m);
    waiting = unit->vendor->requests_waiting(&unit->b);
    st_unlock(m);
    if (uiommu_unit_get_counters(unit->unit, &after) == UIOMMU_OK) {
        st_expect(m, ST_WAKE,
                  waiting == 0 || m->variant->rough || before.services != after.services,
                  "%u entries wait, and nobody serves unit %u (%s)", waiting, unit->number,
                  unit->vendor->name);
    }
}

static void service(struct machine *m, uint32_t number)
{
    struct st_unit *unit = &m->unit[number % m->units];
    uiommu_err err;

    while (!atomic_load(&m->stop_all)) {
        st_step("serving");
        err = uiommu_unit_service(unit->unit, st_chance(300) ? 1 + st_choose(8) : 0);
        ST_COUNT(m, services);
        st_expect(m, ST_RETURNS, err == UIOMMU_OK || err == UIOMMU_MORE || err == UIOMMU_E_BUSY,
                  "service: %d", err);
        if (err != UIOMMU_MORE) {
            st_step("waiting for an interrupt");
            sleep_until_due(unit);
        }
    }
}

static void responder(struct machine *m, uint32_t number)
{
    (void)number;
    st_answer_loop(m);
}

/* ---- meddle ---- */

/* A space that cannot be given up meanwhile, or NULL. */
static struct st_space *borrow(struct st_slot **out)
{
    struct st_slot *slot = &st_slots[st_choose(ST_SLOTS)];

    if (pthread_rwlock_tryrdlock(&slot->lock) != 0) {
        return NULL;
    }
    if (slot->space == NULL) {
        (void)pthread_rwlock_unlock(&slot->lock);
        return NULL;
    }
    *out = slot;
    return slot->space;
}

static void killer(struct machine *m, uint32_t number)
{
    struct st_slot *slot;
    struct st_space *s;
    uiommu_err err;

    (void)number;
    while (!atomic_load(&m->stop_lives)) {
        st_step("looking for a space");
        st_sleep(st_choose(8000) * ST_US);
        s = borrow(&slot);
        if (s == NULL) {
            continue;
        }
        st_step("killing");
        st_space_exit(s);
        if (st_chance(500)) {
            err = uiommu_aspace_reap(s->as);
            st_expect(m, ST_EXIT, err == UIOMMU_OK || err == UIOMMU_PENDING || st_luck(m, err),
                      "a killer's reap: %d", err);
        }
        (void)pthread_rwlock_unlock(&slot->lock);
    }
}

/* Unbinds what somebody else also unbinds. */
static void unbinder(struct machine *m, uint32_t number)
{
    struct st_slot *slot;
    struct st_space *s;
    uint64_t bond;
    uiommu_err err;

    (void)number;
    while (!atomic_load(&m->stop_lives)) {
        st_step("looking for a bond");
        st_sleep(st_choose(4000) * ST_US);
        s = borrow(&slot);
        if (s == NULL) {
            continue;
        }
        bond = atomic_load(&s->bond[st_choose(ST_BONDS)]);
        st_step("unbinding");
        if (bond != 0 && st_chance(500)) {
            err = uiommu_unbind(m->u, st_ref(bond), st_chance(300) ? UIOMMU_UNBIND_ABORT : 0);
            st_expect(m, ST_UNBIND, err == UIOMMU_OK || st_luck(m, err), "a third one's unbind: %d",
                      err);
        } else if (bond != 0) {
            err = uiommu_unbind_begin(m->u, st_ref(bond), 0);
            st_expect(m, ST_RETURNS, err == UIOMMU_OK, "a third one's unbind_begin: %d", err);
        }
        (void)pthread_rwlock_unlock(&slot->lock);
    }
}

static void invalidate(struct machine *m, struct st_space *s)
{
    struct st_piece piece[3];
    uint32_t number[3];
    uint32_t first = st_choose(ST_PAGES - 3);
    uint32_t n = 0;
    uint32_t i;
    bool whole = st_chance(100);
    uint64_t began;
    uiommu_err err;

    st_lock(m);
    for (i = 0; i < 3 && s->tables.limbo_count + 6 < ST_LIMBO; i++) {
        number[n] = first + i;
        n += st_unmap(m, &s->tables, first + i, &piece[n]);
    }
    st_unlock(m);
    began = st_now(m);
    err = uiommu_aspace_invalidate(s->as, whole ? 0 : st_address(s->id, first),
                                   whole ? UINT64_MAX : st_address(s->id, first + 3) - 1, whole);
    ST_COUNT(m, invalidations);
    st_in_time(m, began, "invalidation");
    st_expect(m, ST_INVALIDATE, err == UIOMMU_OK || st_luck(m, err), "invalidation: %d", err);
    if (err != UIOMMU_OK) {
        ST_COUNT(m, withheld);
        st_sick(m, s);
    }
    st_lock(m);
    for (i = 0; i < n; i++) {
        /* Of a space that has gone meanwhile hardware forgot all. */
        if (err == UIOMMU_OK || s->tables.gone) {
            st_piece_put(m, &piece[i]);
            st_forgot(&s->tables, number[i]);
        } else {
            s->tables.limbo[s->tables.limbo_count++] = piece[i];
        }
    }
    st_unlock(m);
}

static void invalidator(struct machine *m, uint32_t number)
{
    struct st_slot *slot;
    struct st_space *s;

    (void)number;
    while (!atomic_load(&m->stop_lives)) {
        st_step("looking for pages");
        st_sleep(st_choose(1500) * ST_US);
        s = borrow(&slot);
        if (s != NULL) {
            st_step("invalidating");
            invalidate(m, s);
            (void)pthread_rwlock_unlock(&slot->lock);
        }
    }
}

/* ---- read ---- */

static void sick_id(struct st_unit *unit, uint32_t id)
{
    struct machine *m = unit->m;
    uint32_t i;

    for (i = 0; i < m->devices; i++) {
        struct st_device *d = &m->dev[i];

        if (d->unit == unit && id >= d->id && id - d->id < d->id_count) {
            atomic_store(&d->sick, true);
        }
    }
}

static void read_events(struct machine *m, struct st_unit *unit)
{
    static const uint32_t bad =
        1u << UIOMMU_EVENT_BAD_TABLE | 1u << UIOMMU_EVENT_FETCH_ABORT |
        1u << UIOMMU_EVENT_CONFLICT | 1u << UIOMMU_EVENT_COMMAND_ERROR |
        1u << UIOMMU_EVENT_QUEUE_ERROR | 1u << UIOMMU_EVENT_UNIT_ERROR |
        1u << UIOMMU_EVENT_REQUESTS_LOST | 1u << UIOMMU_EVENT_INVALIDATION_TIMEOUT |
        1u << UIOMMU_EVENT_DEVICE_ISOLATED | 1u << UIOMMU_EVENT_BOND_POISONED |
        1u << UIOMMU_EVENT_LATE_REQUEST | 1u << UIOMMU_EVENT_PRI_OFF |
        1u << UIOMMU_EVENT_UNIT_HUNG | 1u << UIOMMU_EVENT_UNKNOWN;
    struct uiommu_event event;
    char text[160];

    while (uiommu_unit_next_event(unit->unit, &event) == UIOMMU_OK) {
        (void)uiommu_event_format(&event, text, sizeof(text));
        atomic_fetch_add(&m->kind[(uint32_t)event.kind & 31], 1);
        ST_COUNT(m, events);
        if (m->variant->rough && (bad >> event.kind & 1) != 0) {
            sick_id(unit, event.id);
            continue;
        }
        /* It answered for a device that was shut. */
        if (event.kind == UIOMMU_EVENT_UNKNOWN && unit->b.features.refuses) {
            continue;
        }
        st_expect(m, ST_EVENTS, (bad >> event.kind & 1) == 0, "unit %u (%s): %s", unit->number,
                  unit->vendor->name, text);
    }
}

static void take_line(void *ctx, const char *text)
{
    struct machine *m = ctx;

    ST_COUNT_N(m, reads, strlen(text) != 0);
}

static void read_unit(struct machine *m, struct st_unit *unit)
{
    const struct uiommu_sink sink = {m, take_line};
    struct st_device *d = &m->dev[unit->number * ST_PER + st_choose(ST_PER)];
    struct uiommu_unit_counters counters;
    struct uiommu_device_counters device;
    struct uiommu_owner_counters owner;
    struct uiommu_pasid_info pasid;
    struct uiommu_port_info port;
    struct uiommu_unit_info info;
    bool rough = m->variant->rough;
    uiommu_err err = uiommu_unit_get_info(unit->unit, &info);

    st_expect(m, ST_EVENTS, err == UIOMMU_OK && (rough || (!info.hung && info.started)),
              "unit info: %d", err);
    err = uiommu_unit_get_counters(unit->unit, &counters);
    st_expect(m, ST_EVENTS,
              err == UIOMMU_OK && (rough || (counters.poisoned == 0 && counters.failure == 0)),
              "unit counters: %d, %u poisoned", err, (unsigned)counters.poisoned);
    if (st_device_hold(d)) {
        err = uiommu_device_get_counters(d->dev, &device);
        st_expect(m, ST_EVENTS, err == UIOMMU_OK && (rough || device.over_credit == 0),
                  "device counters: %d, %u over credit", err, (unsigned)device.over_credit);
        st_device_drop(d);
    }
    err = uiommu_owner_get_counters(m->owner, &owner);
    st_expect(m, ST_RETURNS, err == UIOMMU_OK, "owner counters: %d", err);
    err = uiommu_pasid_get_info(m->pasids, 1 + st_choose(ST_PASIDS), &pasid);
    st_expect(m, ST_RETURNS, err == UIOMMU_OK && (rough || pasid.state != UIOMMU_PASID_WITHHELD),
              "PASID info: %d", err);
    if (d->port != NULL) {
        err = uiommu_port_get_info(d->port, &port);
        st_expect(m, ST_RETURNS, err == UIOMMU_OK && (rough || !port.failed), "port info: %d", err);
    }
    if (st_chance(20)) {
        err = uiommu_unit_dump(unit->unit, d->id, 1 + st_choose(ST_PASIDS), &sink);
        st_expect(m, ST_RETURNS, err == UIOMMU_OK || st_luck(m, err), "dump: %d", err);
    }
}

static void read_space(struct machine *m)
{
    struct uiommu_bond_counters counters;
    struct uiommu_bond_info info;
    struct st_slot *slot;
    struct st_space *s = borrow(&slot);
    uint64_t bond;
    uiommu_err err;

    if (s == NULL) {
        return;
    }
    bond = atomic_load(&s->bond[st_choose(ST_BONDS)]);
    if (bond != 0) {
        err = uiommu_bond_get_info(m->u, st_ref(bond), &info);
        st_expect(m, ST_RETURNS,
                  err == UIOMMU_OK && (m->variant->rough || info.state != UIOMMU_BOND_POISONED),
                  "bond info: %d, missing %#x", err, info.missing);
        err = uiommu_bond_get_counters(m->u, st_ref(bond), &counters);
        st_expect(m, ST_RETURNS, err == UIOMMU_OK || err == UIOMMU_E_STALE, "bond counters: %d",
                  err);
    }
    (void)pthread_rwlock_unlock(&slot->lock);
}

static void reader(struct machine *m, uint32_t number)
{
    (void)number;
    while (!atomic_load(&m->stop_all)) {
        uint32_t i;

        st_step("reading");
        for (i = 0; i < m->units; i++) {
            read_unit(m, &m->unit[i]);
            read_events(m, &m->unit[i]);
        }
        read_space(m);
        st_sleep(500 * ST_US);
    }
}

/* As an interrupt does: it comes at any time, takes little, and is off. */
static void interrupt(struct machine *m, uint32_t number)
{
    (void)number;
    while (!atomic_load(&m->stop_all)) {
        struct st_unit *unit = &m->unit[st_choose(m->units)];
        uiommu_err err;

        st_step("interrupting");
        err = uiommu_unit_service(unit->unit, 1);
        st_expect(m, ST_RETURNS, err == UIOMMU_OK || err == UIOMMU_MORE || err == UIOMMU_E_BUSY,
                  "service of an interrupt: %d", err);
        if (err == UIOMMU_MORE) {
            st_bell(unit);
        }
        st_sleep(st_choose(600) * ST_US);
    }
}

#define LOOP(role)                                                                                 \
    static void role(struct machine *m, uint32_t number)                                           \
    {                                                                                              \
        (void)number;                                                                              \
        st_##role##_loop(m);                                                                       \
    }
LOOP(saboteur)
LOOP(medic)
LOOP(replug)
LOOP(resetter)

const struct st_role st_roles[] = {
    {"hardware", 1, false, false, hardware},
    {"service", 2 * ST_UNITS, false, false, service},
    {"interrupt", 1, false, false, interrupt},
    {"responder", 2, false, false, responder},
    {"reader", 1, false, false, reader},
    {"life", ST_SLOTS, true, false, st_life_loop},
    {"killer", 1, true, false, killer},
    {"unbinder", 1, true, false, unbinder},
    {"invalidator", 2, true, false, invalidator},
    {"resetter", 1, true, false, resetter},
    {"saboteur", 1, true, true, saboteur},
    {"medic", 1, false, true, medic},
    {"replug", 1, true, true, replug},
};
const uint32_t st_role_count = sizeof(st_roles) / sizeof(st_roles[0]);
