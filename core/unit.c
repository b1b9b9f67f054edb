/* SPDX-License-Identifier: BSD-2-Clause */
#include "core.h"

#define MS UINT64_C(1000000)
#define S  UINT64_C(1000000000)

bool uiommu_is_unit(const struct uiommu_unit *unit)
{
    return unit != NULL && unit->magic == UIOMMU_MAGIC_UNIT;
}

bool uiommu_unit_running(const struct uiommu_unit *unit)
{
    return uiommu_word_load(&unit->started) != 0 && uiommu_word_load(&unit->suspended) == 0;
}

static uint64_t or64(uint64_t value, uint64_t otherwise)
{
    return value != 0 ? value : otherwise;
}

static uint32_t or32(uint32_t value, uint32_t otherwise)
{
    return value != 0 ? value : otherwise;
}

static uiommu_err unit_configure(struct uiommu_unit *unit, const struct uiommu_unit_config *config)
{
    struct uiommu_unit_config *own = &unit->config;

    if (!uiommu_config_copy(own, sizeof(*own), config, config->size, sizeof(size_t)))
        return UIOMMU_E_INVALID;
    own->id_bits = or32(own->id_bits, 16);
    own->marker_reserve = or32(own->marker_reserve, 8);
    own->events = or32(own->events, 256);
    own->stalls = or32(own->stalls, 256);
    own->violations = or32(own->violations, 64);
    own->command_ns = or64(own->command_ns, S);
    own->stop_ns = or64(own->stop_ns, 10 * S);
    own->answer_ns = or64(own->answer_ns, 10 * S);
    own->partial_ns = or64(own->partial_ns, S);
    own->drain_ns = or64(own->drain_ns, 10 * S);
    own->handler_ns = or64(own->handler_ns, S);
    own->settle_ns = or64(own->settle_ns, 10 * MS);
    unit->settle_ns = own->settle_ns == UINT64_MAX ? 0 : own->settle_ns;
    if (own->pasids != NULL && !uiommu_is_space_of(own->pasids, unit->u))
        return UIOMMU_E_HANDLE;
    if (own->reserved == NULL && own->reserved_count != 0)
        return UIOMMU_E_INVALID;
    if ((own->events & (own->events - 1)) != 0 || own->events < 4 || own->events > 0x10000u ||
        own->id_bits > 32)
        return UIOMMU_E_INVALID;
    return UIOMMU_OK;
}

/* Nonsense from a backend is a bug, found here once. */
static uiommu_err caps_take(struct uiommu_unit *unit)
{
    struct uiommu_caps *caps = &unit->caps;
    uiommu_err err;

    err = unit->ops.probe(unit->hw, caps);
    if (err != UIOMMU_OK)
        return err;
    if (caps->rings > UIOMMU_RINGS || caps->tag_last < caps->tag_first ||
        caps->pasid_bits > UIOMMU_PASID_BITS || (caps->access & ~0xfu) != 0 || caps->id_bits == 0 ||
        caps->id_bits > 32)
        return UIOMMU_E_INTERNAL;
    if (unit->config.id_bits > caps->id_bits)
        unit->config.id_bits = caps->id_bits;
    if (unit->config.pasids == NULL)
        caps->pasid_bits = 0;
    if (caps->access == 0)
        caps->access = UIOMMU_READ | UIOMMU_WRITE | UIOMMU_EXEC | UIOMMU_PRIV;
    unit->stall_slots =
        caps->stall_max < unit->config.stalls ? caps->stall_max : unit->config.stalls;
    return UIOMMU_OK;
}

static uint32_t tag_room(const struct uiommu_unit *unit)
{
    return unit->caps.tag_last - unit->caps.tag_first + 1;
}

/* All memory that the unit's own size decides; what each grant adds comes with the grant. */
static uiommu_err unit_memory(struct uiommu_unit *unit)
{
    struct uiommu_pool *pool = &unit->pool;
    uint32_t slots = unit->caps.request_entries + unit->stall_slots + UIOMMU_SLOT_CHUNK;

    pool->max = slots / UIOMMU_SLOT_CHUNK + 2;
    pool->chunks =
        (struct uiommu_slot_chunk **)uiommu_heap_get(unit->u, pool->max * sizeof(pool->chunks[0]));
    unit->events.size = unit->config.events;
    unit->events.ring = (struct uiommu_event *)uiommu_heap_get(
        unit->u, unit->events.size * sizeof(unit->events.ring[0]));
    unit->tag_free =
        (uint32_t *)uiommu_heap_get(unit->u, tag_room(unit) * sizeof(unit->tag_free[0]));
    if (pool->chunks == NULL || unit->events.ring == NULL || unit->tag_free == NULL)
        return UIOMMU_E_NOMEM;
    return unit->stall_slots == 0 ? UIOMMU_OK : uiommu_pool_grow(unit, unit->stall_slots);
}

static void unit_free(struct uiommu_unit *unit)
{
    struct uiommu *u = unit->u;

    unit->magic = 0;
    uiommu_pool_fini(unit);
    uiommu_radix_fini(u, &unit->ids);
    uiommu_heap_put(u, unit->events.ring, unit->events.size * sizeof(unit->events.ring[0]));
    uiommu_heap_put(u, unit->tag_free, tag_room(unit) * sizeof(unit->tag_free[0]));
    uiommu_heap_put(u, unit, sizeof(*unit));
}

/* false: somebody uses it at the moment. */
static bool unit_list(struct uiommu_unit *unit, bool on)
{
    struct uiommu *u = unit->u;
    struct uiommu_unit **at = &u->units;
    uintptr_t irq;

    irq = uiommu_lock_take(u, &u->lock);
    if (unit->users != 0) { /* of a new one there are none */
        uiommu_lock_give(u, &u->lock, irq);
        return false;
    }
    if (on) {
        unit->next = u->units;
        u->units = unit;
    } else {
        while (*at != unit)
            at = &(*at)->next;
        *at = unit->next;
    }
    uiommu_lock_give(u, &u->lock, irq);
    return true;
}

uiommu_err uiommu_unit_create(struct uiommu *u, const struct uiommu_backend_ops *ops, void *hw,
                              const struct uiommu_unit_config *config, struct uiommu_unit **out)
{
    struct uiommu_unit *unit;
    uiommu_err err;

    if (!uiommu_is_instance(u))
        return UIOMMU_E_HANDLE;
    if (ops == NULL || out == NULL || config == NULL)
        return UIOMMU_E_INVALID;
    unit = (struct uiommu_unit *)uiommu_heap_get(u, sizeof(*unit));
    if (unit == NULL)
        return UIOMMU_E_NOMEM;
    unit->u = u;
    unit->hw = hw;
    unit->pool.free_slot = unit->pool.free_page = unit->pool.freed = UIOMMU_NO_SLOT;
    unit->pool.parked = unit->pool.parked_tail = UIOMMU_NO_SLOT;
    unit->pool.open.head = unit->pool.open.tail = UIOMMU_NO_SLOT;
    unit->pool.live.head = unit->pool.live.tail = UIOMMU_NO_SLOT;
    unit->deadline_ns = UINT64_MAX;
    uiommu_radix_init(&unit->ids, 8);
    uiommu_ops_fill(&unit->ops, ops);
    err = unit_configure(unit, config);
    if (err == UIOMMU_OK)
        err = caps_take(unit);
    if (err == UIOMMU_OK)
        err = unit_memory(unit);
    if (err != UIOMMU_OK) {
        unit_free(unit);
        return err;
    }
    unit->magic = UIOMMU_MAGIC_UNIT;
    unit->number = uiommu_object_add(u);
    if (unit->config.pasids != NULL)
        uiommu_space_use(unit->config.pasids, true);
    (void)unit_list(unit, true);
    *out = unit;
    return UIOMMU_OK;
}

uiommu_err uiommu_unit_destroy(struct uiommu_unit *unit)
{
    struct uiommu *u;

    if (!uiommu_is_unit(unit))
        return UIOMMU_E_HANDLE;
    if (uiommu_word_load(&unit->started) != 0 || unit->ports != 0)
        return UIOMMU_E_BUSY;
    u = unit->u;
    if (!unit_list(unit, false))
        return UIOMMU_E_BUSY;
    if (unit->config.pasids != NULL)
        uiommu_space_use(unit->config.pasids, false);
    unit->ops.destroy(unit->hw);
    unit_free(unit);
    uiommu_object_remove(u);
    return UIOMMU_OK;
}

/* (m) Firmware's regions: each has the host's word. */
static bool reserved_settled(const struct uiommu_unit *unit)
{
    const struct uiommu_reserved *r = unit->config.reserved;
    uint32_t i;

    for (i = 0; i < unit->config.reserved_count; i++) {
        if (r[i].word != UIOMMU_RESERVED_CONFIRMED && r[i].word != UIOMMU_RESERVED_WAIVED)
            return false;
        if (r[i].last < r[i].first || r[i].access == 0 ||
            (r[i].access & ~(UIOMMU_READ | UIOMMU_WRITE)) != 0)
            return false;
    }
    return true;
}

/* (m) */
static uiommu_err start(struct uiommu_unit *unit)
{
    if (uiommu_word_load(&unit->started) != 0)
        return UIOMMU_E_STATE;
    return reserved_settled(unit) ? unit->ops.start(unit->hw) : UIOMMU_E_INVALID;
}

uiommu_err uiommu_unit_start(struct uiommu_unit *unit)
{
    uiommu_err err;

    if (!uiommu_is_unit(unit))
        return UIOMMU_E_HANDLE;
    if (!uiommu_control_take(unit->u, &unit->control, unit->config.command_ns))
        return UIOMMU_E_TIMEOUT;
    err = start(unit);
    if (err == UIOMMU_OK) {
        unit->config.reserved = NULL; /* The caller's again. */
        unit->config.reserved_count = 0;
        uiommu_word_store(&unit->hung, 0);
        uiommu_word_store(&unit->started, 1);
        uiommu_unit_kick(unit);
    }
    uiommu_control_give(unit->u, &unit->control);
    return err;
}

uiommu_err uiommu_unit_stop(struct uiommu_unit *unit)
{
    uiommu_err err = UIOMMU_OK;

    if (!uiommu_is_unit(unit))
        return UIOMMU_E_HANDLE;
    if (!uiommu_control_take(unit->u, &unit->control, unit->config.command_ns))
        return UIOMMU_E_TIMEOUT;
    if (uiommu_word_load(&unit->started) == 0)
        err = UIOMMU_E_STATE;
    else if (uiommu_word_peek(&unit->devices_count) != 0)
        err = UIOMMU_E_BUSY;
    else
        err = uiommu_zombies_retry(unit);
    if (err == UIOMMU_OK)
        err = uiommu_role_wait(unit, unit->config.command_ns);
    if (err == UIOMMU_OK) {
        uiommu_word_store(&unit->started, 0);
        uiommu_word_store(&unit->suspended, 0);
        unit->ops.stop(unit->hw);
        unit->out.count = 0; /* answers to IDs that no longer exist */
        (void)uiommu_role_drop(unit);
    }
    uiommu_control_give(unit->u, &unit->control);
    return err;
}

/* (r) What goes with the queues: no answer reaches a device any more. */
static void stopped(struct uiommu_unit *unit)
{
    struct uiommu_device *dev;
    uintptr_t irq;
    uint32_t r;

    for (r = 0; r < unit->caps.rings; r++) {
        unit->ring[r].acks++;
        if (unit->ring[r].count < unit->ring[r].given)
            unit->ring[r].count = unit->ring[r].given; /* what was there is gone */
    }
    uiommu_partials_purge(unit, NULL, NULL, UIOMMU_DROP_RESET);
    irq = uiommu_lock_take(unit->u, &unit->lock);
    for (dev = unit->devices; dev != NULL; dev = dev->next) {
        uiommu_word_add(&dev->generation, 1);
        uiommu_device_due(dev);
    }
    uiommu_lock_give(unit->u, &unit->lock, irq);
    uiommu_pending_orphan(unit, NULL, NULL, UIOMMU_ORPHAN_RESET);
    for (dev = unit->devices; dev != NULL; dev = dev->next) {
        if (dev->port != NULL) {
            uiommu_word_store(&dev->port->failed, 1);
            (void)uiommu_event_device(dev, UIOMMU_EVENT_PRI_OFF, UIOMMU_PASID_NONE, 1);
        }
    }
}

/* (r) And what a restart proves (R9). */
static void restarted(struct uiommu_unit *unit)
{
    struct uiommu_bond *bond;
    uintptr_t irq;

    stopped(unit);
    irq = uiommu_lock_take(unit->u, &unit->lock);
    for (bond = unit->stopping; bond != NULL; bond = bond->stop_next)
        uiommu_word_or(&bond->wants, UIOMMU_WANT_RESTART);
    uiommu_lock_give(unit->u, &unit->lock, irq);
}

/* (m) + (r) */
static uiommu_err restart(struct uiommu_unit *unit)
{
    uiommu_err err;

    uiommu_word_store(&unit->hung, 1);
    err = unit->ops.restart(unit->hw);
    if (err == UIOMMU_OK) {
        uiommu_word_store(&unit->hung, 0);
        uiommu_word_store(&unit->suspended, 0);
        restarted(unit);
    }
    return err;
}

/* (m) + (r) The queues go; what was in them, and what devices wait for, goes with them. */
static uiommu_err suspend(struct uiommu_unit *unit)
{
    uiommu_word_store(&unit->hung, 1);
    uiommu_word_store(&unit->suspended, 1);
    unit->ops.stop(unit->hw);
    unit->out.count = 0;
    stopped(unit);
    return UIOMMU_OK;
}

/* Do it with nobody else at the unit. */
static uiommu_err alone(struct uiommu_unit *unit, bool suspended,
                        uiommu_err (*what)(struct uiommu_unit *unit))
{
    uiommu_err err = UIOMMU_OK;

    if (!uiommu_is_unit(unit))
        return UIOMMU_E_HANDLE;
    if (!uiommu_control_take(unit->u, &unit->control, unit->config.command_ns))
        return UIOMMU_E_TIMEOUT;
    if (uiommu_word_load(&unit->started) == 0 ||
        (uiommu_word_load(&unit->suspended) != 0) != suspended)
        err = UIOMMU_E_STATE;
    if (err == UIOMMU_OK)
        err = uiommu_role_wait(unit, unit->config.command_ns);
    if (err == UIOMMU_OK) {
        err = what(unit);
        (void)uiommu_role_drop(unit);
        uiommu_unit_kick(unit);
    }
    uiommu_control_give(unit->u, &unit->control);
    return err;
}

uiommu_err uiommu_unit_restart(struct uiommu_unit *unit)
{
    return alone(unit, false, restart);
}

uiommu_err uiommu_unit_suspend(struct uiommu_unit *unit)
{
    return alone(unit, false, suspend);
}

uiommu_err uiommu_unit_resume(struct uiommu_unit *unit)
{
    return alone(unit, true, restart);
}

struct command {
    const uint64_t *words;
    uint32_t count;
};

static uiommu_err command_push(struct uiommu_unit *unit, void *arg)
{
    const struct command *c = (const struct command *)arg;

    return unit->ops.command(unit->hw, c->words, c->count);
}

uiommu_err uiommu_unit_command(struct uiommu_unit *unit, const uint64_t *words, uint32_t count)
{
    struct command c = {words, count};
    uiommu_err err;

    if (!uiommu_is_unit(unit))
        return UIOMMU_E_HANDLE;
    if (words == NULL || count == 0)
        return UIOMMU_E_INVALID;
    if (!uiommu_control_take(unit->u, &unit->control, unit->config.command_ns))
        return UIOMMU_E_TIMEOUT;
    err = UIOMMU_E_STATE;
    if (uiommu_unit_running(unit))
        err = uiommu_commands_wait(unit, command_push, &c, unit->config.command_ns);
    uiommu_control_give(unit->u, &unit->control);
    return err;
}

uintptr_t uiommu_unit_lock(struct uiommu_unit *unit)
{
    return uiommu_lock_take(unit->u, &unit->lock);
}

void uiommu_unit_unlock(struct uiommu_unit *unit, uintptr_t state)
{
    uiommu_lock_give(unit->u, &unit->lock, state);
}

uiommu_err uiommu_unit_get_info(const struct uiommu_unit *unit, struct uiommu_unit_info *out)
{
    uint32_t keep;

    if (!uiommu_is_unit(unit))
        return UIOMMU_E_HANDLE;
    if (out == NULL)
        return UIOMMU_E_INVALID;
    memset(out, 0, sizeof(*out));
    keep = uiommu_port_ledger(unit);
    out->backend = unit->ops.name;
    out->number = unit->number;
    out->id_bits = unit->config.id_bits;
    out->pasid_bits = unit->caps.pasid_bits;
    out->request_entries = unit->caps.request_entries;
    out->credits_granted = uiommu_word_load(&unit->granted);
    out->credits_free = keep > out->credits_granted ? keep - out->credits_granted : 0;
    out->stall_slots = unit->stall_slots;
    out->group_slots = unit->pool.max * UIOMMU_SLOT_CHUNK;
    out->stu_bits = unit->caps.stu_bits;
    out->ats = (unit->caps.flags & UIOMMU_CAP_ATS) != 0;
    out->markers = (unit->caps.flags & UIOMMU_CAP_MARKERS) != 0;
    out->coherent = (unit->caps.flags & UIOMMU_CAP_COHERENT) != 0;
    out->started = uiommu_word_load(&unit->started) != 0;
    out->hung = uiommu_word_load(&unit->hung) != 0;
    out->suspended = uiommu_word_load(&unit->suspended) != 0;
    out->access = unit->caps.access;
    return UIOMMU_OK;
}

uiommu_err uiommu_unit_get_counters(const struct uiommu_unit *unit,
                                    struct uiommu_unit_counters *out)
{
    if (!uiommu_is_unit(unit))
        return UIOMMU_E_HANDLE;
    if (out == NULL)
        return UIOMMU_E_INVALID;
    uiommu_counters_copy(out, &unit->counters, sizeof(*out));
    return UIOMMU_OK;
}

void *uiommu_unit_user(const struct uiommu_unit *unit)
{
    return uiommu_is_unit(unit) ? unit->config.user : NULL;
}
