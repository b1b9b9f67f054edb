/* SPDX-License-Identifier: BSD-2-Clause */
#include "core.h"

bool uiommu_is_device(const struct uiommu_device *dev)
{
    return dev != NULL && dev->magic == UIOMMU_MAGIC_DEVICE;
}

bool uiommu_device_present(const struct uiommu_device *dev)
{
    if (uiommu_word_load(&dev->state) == UIOMMU_DEVICE_GONE)
        return false;
    return dev->ops.present == NULL || dev->ops.present(dev->ops_ctx) == UIOMMU_OK;
}

bool uiommu_device_reachable(const struct uiommu_device *dev)
{
    return uiommu_word_load(&dev->ats_on) != 0 && uiommu_word_load(&dev->shut) == 0 &&
           uiommu_device_present(dev);
}

/* A shut entry has no device TLB behind it; one whose ATS is off neither. Both may have changed
 * since the caller asked whether it is reachable. */
uiommu_err uiommu_device_forget(struct uiommu_device *dev, uint32_t pasid,
                                const struct uiommu_range *range)
{
    struct uiommu_unit *unit = dev->unit;

    if (uiommu_word_load(&dev->shut) != 0 || uiommu_word_load(&dev->ats_on) == 0)
        return UIOMMU_OK;
    return unit->ops.dtlb_invalidate(unit->hw, dev->hw, pasid, range);
}

struct program {
    struct uiommu_device *dev;
    uint32_t flags;
    uint32_t step;
    uint32_t serial;
    bool more;
};

static uiommu_err program_push(struct uiommu_unit *unit, void *arg)
{
    struct program *p = (struct program *)arg;
    uiommu_err err;

    p->serial = ++p->dev->program_serial;
    if (p->flags != 0)
        uiommu_word_store(&p->dev->shut, 0);
    err = unit->ops.device_set(unit->hw, p->dev->hw, p->flags, p->step);
    p->more = err == UIOMMU_MORE;
    if (err != UIOMMU_OK && err != UIOMMU_MORE)
        return err;
    return unit->ops.config_invalidate(unit->hw, p->dev->hw, UIOMMU_PASID_ALL);
}

uiommu_err uiommu_device_program(struct uiommu_device *dev, uint32_t flags, uint64_t ns)
{
    struct program p = {.dev = dev, .flags = flags, .more = true};
    struct uiommu_unit *unit = dev->unit;
    uiommu_err err = UIOMMU_OK;
    uintptr_t irq;

    for (; p.more && err == UIOMMU_OK && p.step < 8; p.step++)
        err = uiommu_commands_wait(unit, program_push, &p, ns);
    irq = uiommu_lock_take(unit->u, &unit->lock);
    if (err == UIOMMU_OK && flags == 0 && p.serial == dev->program_serial)
        uiommu_word_store(&dev->shut, 1); /* nobody has opened it meanwhile */
    uiommu_lock_give(unit->u, &unit->lock, irq);
    return err == UIOMMU_OK && p.more ? UIOMMU_E_INTERNAL : err;
}

static uiommu_err flush_push(struct uiommu_unit *unit, void *arg)
{
    (void)unit;
    return uiommu_device_forget((struct uiommu_device *)arg, UIOMMU_PASID_NONE, NULL);
}

static uint32_t set_flags(const struct uiommu_device *dev)
{
    uint32_t flags = UIOMMU_DEVICE_SET_OPEN;

    if ((dev->flags & UIOMMU_DEVICE_ATS) != 0)
        flags |= UIOMMU_DEVICE_SET_ATS;
    if (dev->pasid_required)
        flags |= UIOMMU_DEVICE_SET_PASID_REQUIRED;
    return flags;
}

static uiommu_err enable_pri(struct uiommu_device *dev)
{
    bool required = false;
    uiommu_err err = UIOMMU_OK;

    if ((dev->flags & UIOMMU_DEVICE_PRI) == 0)
        return UIOMMU_OK;
    if (dev->ops.set_pri != NULL)
        err = dev->ops.set_pri(dev->ops_ctx, true, dev->port->credits, &required);
    if (err != UIOMMU_OK)
        return err;
    dev->pri_on = true;
    uiommu_word_store(&dev->port->on, 1);
    if (!required && (dev->flags & UIOMMU_DEVICE_PASID) != 0 &&
        (dev->unit->caps.flags & UIOMMU_CAP_RESPONSE_PASID) == 0)
        return UIOMMU_E_UNSUPPORTED; /* R28: the unit's responses always carry the PASID */
    if (required == dev->pasid_required)
        return UIOMMU_OK;
    dev->pasid_required = required;
    return uiommu_device_program(dev, set_flags(dev), dev->unit->config.command_ns);
}

/* PASID, then the entry, then PRI, then ATS; the device TLB is emptied before its first use. */
uiommu_err uiommu_device_enable(struct uiommu_device *dev)
{
    struct uiommu_unit *unit = dev->unit;
    uiommu_err err = UIOMMU_OK;

    if ((dev->flags & UIOMMU_DEVICE_PASID) != 0 && dev->ops.set_pasid != NULL)
        err = dev->ops.set_pasid(dev->ops_ctx, true);
    if (err != UIOMMU_OK)
        return err;
    dev->pasid_on = (dev->flags & UIOMMU_DEVICE_PASID) != 0;
    err = uiommu_device_program(dev, set_flags(dev), unit->config.command_ns);
    if (err == UIOMMU_OK)
        err = enable_pri(dev);
    if (err != UIOMMU_OK || (dev->flags & UIOMMU_DEVICE_ATS) == 0)
        return err;
    if (dev->ops.set_ats != NULL)
        err = dev->ops.set_ats(dev->ops_ctx, true, unit->caps.stu_bits);
    if (err != UIOMMU_OK)
        return err;
    uiommu_word_store(&dev->ats_on, 1);
    return uiommu_commands_wait(unit, flush_push, dev, unit->config.command_ns);
}

/* Best effort, in the opposite order; the device may be absent. */
static void disable(struct uiommu_device *dev)
{
    struct uiommu_unit *unit = dev->unit;

    if (dev->pri_on && dev->ops.set_pri != NULL)
        (void)dev->ops.set_pri(dev->ops_ctx, false, 0, &dev->pasid_required);
    if (uiommu_word_load(&dev->ats_on) != 0) {
        if (uiommu_device_reachable(dev))
            (void)uiommu_commands_wait(unit, flush_push, dev, unit->config.command_ns);
        if (dev->ops.set_ats != NULL)
            (void)dev->ops.set_ats(dev->ops_ctx, false, unit->caps.stu_bits);
    }
    uiommu_word_store(&dev->ats_on, 0);
}

/* With ATS off, which must not be on while it changes. */
static void pasid_off(struct uiommu_device *dev)
{
    if (dev->pasid_on && dev->ops.set_pasid != NULL)
        (void)dev->ops.set_pasid(dev->ops_ctx, false);
    dev->pasid_on = false;
}

static uiommu_err attach_check(const struct uiommu_unit *unit,
                               const struct uiommu_device_config *config)
{
    const struct uiommu_caps *caps = &unit->caps;
    uint32_t flags = config->flags, i, j;

    if (config->ids == NULL || config->id_count == 0 || config->id_count > UIOMMU_IDS_MAX ||
        (flags & ~0x7fu) != 0)
        return UIOMMU_E_INVALID;
    if ((flags & UIOMMU_DEVICE_PRI) != 0 &&
        ((flags & UIOMMU_DEVICE_ATS) == 0 || config->port == NULL))
        return UIOMMU_E_INVALID;
    if ((flags & UIOMMU_DEVICE_STALL) != 0 && (flags & UIOMMU_DEVICE_ATS) != 0)
        return UIOMMU_E_INVALID; /* a PCIe device must never be stalled */
    if (config->port != NULL && (!uiommu_is_port(config->port) || config->port->unit != unit))
        return UIOMMU_E_HANDLE;
    if ((flags & UIOMMU_DEVICE_PASID) != 0 && config->pasid_bits == 0)
        return UIOMMU_E_INVALID;
    if (((flags & UIOMMU_DEVICE_PASID) != 0 && caps->pasid_bits == 0) ||
        ((flags & UIOMMU_DEVICE_ATS) != 0 && (caps->flags & UIOMMU_CAP_ATS) == 0) ||
        ((flags & UIOMMU_DEVICE_STALL) != 0 && unit->stall_slots == 0))
        return UIOMMU_E_UNSUPPORTED;
    for (i = 0; i < config->id_count; i++) {
        if (unit->config.id_bits < 32 && config->ids[i] >> unit->config.id_bits != 0)
            return UIOMMU_E_RANGE;
        for (j = 0; j < i; j++) {
            if (config->ids[i] == config->ids[j])
                return UIOMMU_E_INVALID;
        }
        if (uiommu_radix_get(&unit->ids, config->ids[i]) != NULL)
            return UIOMMU_E_EXISTS;
    }
    return UIOMMU_OK;
}

static size_t map_bytes(const struct uiommu_device *dev)
{
    return (size_t)dev->id_count * UIOMMU_PRG_INDICES * sizeof(uint32_t);
}

uiommu_err uiommu_device_index(struct uiommu_device *dev)
{
    void *map = uiommu_slot_load(&dev->index_map);

    if (dev->port == NULL || map != NULL)
        return UIOMMU_OK;
    map = uiommu_heap_get(dev->unit->u, map_bytes(dev));
    uiommu_slot_store(&dev->index_map, map);
    return map == NULL ? UIOMMU_E_NOMEM : UIOMMU_OK;
}

static void device_free(struct uiommu_device *dev)
{
    struct uiommu *u = dev->unit->u;

    dev->magic = 0;
    if (dev->hw != NULL)
        dev->unit->ops.device_detach(dev->unit->hw, dev->hw);
    uiommu_radix_fini(u, &dev->pasids);
    uiommu_heap_put(u, uiommu_slot_load(&dev->index_map), map_bytes(dev));
    uiommu_heap_put(u, dev, sizeof(*dev));
}

/* Memory and tables; nothing is visible yet. */
static uiommu_err device_make(struct uiommu_unit *unit, const struct uiommu_device_config *config,
                              struct uiommu_device **out)
{
    struct uiommu_device *dev;
    struct uiommu_device_desc desc;
    uint32_t i;

    dev = (struct uiommu_device *)uiommu_heap_get(unit->u, sizeof(*dev));
    if (dev == NULL)
        return UIOMMU_E_NOMEM;
    *out = dev;
    dev->unit = unit;
    dev->flags = config->flags;
    dev->cap = config->in_flight;
    dev->ops_ctx = config->ops_ctx;
    dev->user = config->user;
    dev->id_count = config->id_count;
    dev->port = (dev->flags & UIOMMU_DEVICE_PRI) != 0 ? config->port : NULL;
    if ((dev->flags & UIOMMU_DEVICE_PASID) != 0)
        dev->pasid_bits =
            config->pasid_bits < unit->caps.pasid_bits ? config->pasid_bits : unit->caps.pasid_bits;
    if (config->ops != NULL && !uiommu_config_copy(&dev->ops, sizeof(dev->ops), config->ops,
                                                   config->ops->size, sizeof(size_t)))
        return UIOMMU_E_INVALID;
    uiommu_word_store(&dev->generation, 1);
    dev->swept_generation = 1;
    uiommu_radix_init(&dev->pasids, 7);
    for (i = 0; i < dev->id_count; i++) {
        dev->ids[i].dev = dev;
        dev->ids[i].id = config->ids[i];
        dev->ids[i].alias = i;
        if (uiommu_radix_reserve(unit->u, &unit->ids, config->ids[i]) == NULL)
            return UIOMMU_E_NOMEM;
    }
    desc.ids = config->ids;
    desc.id_count = config->id_count;
    desc.flags = config->flags;
    desc.pasid_bits = dev->pasid_bits;
    desc.ats_depth = config->ats_depth != 0 ? config->ats_depth : 1;
    desc.pf_id = config->pf_id;
    return unit->ops.device_attach(unit->hw, &desc, &dev->hw);
}

/* (m) The device appears to, or goes from, the service role. */
static uiommu_err device_list(struct uiommu_device *dev, bool on)
{
    struct uiommu_unit *unit = dev->unit;
    uintptr_t irq;
    uiommu_err err;
    uint32_t i;

    err = uiommu_role_wait(unit, unit->config.command_ns);
    if (err != UIOMMU_OK)
        return err;
    if (on) {
        dev->next = unit->devices;
        if (dev->next != NULL)
            dev->next->prev = dev;
        unit->devices = dev;
        unit->asking += dev->port != NULL;
    } else {
        uiommu_pool_reclaim(unit);
        uiommu_out_forget(unit, dev);
        irq = uiommu_lock_take(unit->u, &unit->lock);
        uiommu_device_undue(dev);
        uiommu_lock_give(unit->u, &unit->lock, irq);
        unit->asking -= dev->port != NULL;
        if (dev->prev != NULL)
            dev->prev->next = dev->next;
        else
            unit->devices = dev->next;
        if (dev->next != NULL)
            dev->next->prev = dev->prev;
    }
    for (i = 0; i < dev->id_count; i++)
        uiommu_slot_store(uiommu_radix_find(&unit->ids, dev->ids[i].id), on ? &dev->ids[i] : NULL);
    if (uiommu_role_drop(unit))
        uiommu_unit_kick(unit);
    return UIOMMU_OK;
}

/* (m) Shut out for sure, then forgotten. */
static bool bury(struct uiommu_device *dev)
{
    if (uiommu_device_program(dev, 0, dev->unit->config.command_ns) != UIOMMU_OK ||
        device_list(dev, false) != UIOMMU_OK)
        return false;
    uiommu_event_forget(dev);
    device_free(dev);
    return true;
}

uiommu_err uiommu_zombies_retry(struct uiommu_unit *unit)
{
    struct uiommu_device *dev;
    struct uiommu_port *port;

    while ((dev = unit->zombies) != NULL) {
        unit->zombies = dev->zombie_next;
        port = dev->port;
        if (!bury(dev)) {
            unit->zombies = dev; /* as it was */
            return UIOMMU_E_TIMEOUT;
        }
        if (port != NULL)
            port->zombies--;
    }
    return UIOMMU_OK;
}

/* (m) */
static uiommu_err attach(struct uiommu_unit *unit, const struct uiommu_device_config *config,
                         struct uiommu_device **out)
{
    struct uiommu_device *dev = NULL;
    uiommu_err err;

    if (!uiommu_unit_running(unit))
        return UIOMMU_E_STATE;
    (void)uiommu_zombies_retry(unit); /* an ID of one is still taken: EXISTS says so */
    err = attach_check(unit, config);
    if (err != UIOMMU_OK)
        return err;
    err = device_make(unit, config, &dev);
    if (err == UIOMMU_OK)
        err = device_list(dev, true);
    if (err != UIOMMU_OK) {
        if (dev != NULL)
            device_free(dev);
        return err;
    }
    dev->magic = UIOMMU_MAGIC_DEVICE;
    err = uiommu_device_enable(dev);
    if (err != UIOMMU_OK) {
        disable(dev);
        pasid_off(dev); /* now: whoever made the ops may not be there later */
        if (dev->port != NULL)
            uiommu_word_store(&dev->port->on, dev->port->devices != 0);
        if (!bury(dev)) {
            /* Hardware may still look at its tables: they stay, with the device. */
            uiommu_word_store(&dev->state, UIOMMU_DEVICE_GONE);
            dev->zombie_next = unit->zombies;
            unit->zombies = dev;
            if (dev->port != NULL)
                dev->port->zombies++;
            uiommu_log(unit, UIOMMU_LOG_ERROR, "a device could not be attached nor shut out");
        }
        return err;
    }
    uiommu_word_poke(&unit->devices_count, uiommu_word_peek(&unit->devices_count) + 1);
    if (dev->port != NULL)
        dev->port->devices++;
    *out = dev;
    return err;
}

uiommu_err uiommu_device_attach(struct uiommu_unit *unit, const struct uiommu_device_config *config,
                                struct uiommu_device **out)
{
    struct uiommu_device_config own;
    struct uiommu_device *dev = NULL;
    uiommu_err err;

    if (!uiommu_is_unit(unit))
        return UIOMMU_E_HANDLE;
    if (out == NULL || config == NULL ||
        !uiommu_config_copy(&own, sizeof(own), config, config->size, sizeof(size_t)))
        return UIOMMU_E_INVALID;
    if (!uiommu_control_take(unit->u, &unit->control, unit->config.command_ns))
        return UIOMMU_E_TIMEOUT;
    err = attach(unit, &own, &dev);
    uiommu_control_give(unit->u, &unit->control);
    if (err == UIOMMU_OK)
        *out = dev;
    return err;
}

uint32_t uiommu_device_bonds(const struct uiommu_device *dev)
{
    uint32_t bonds;
    uintptr_t irq;

    irq = uiommu_lock_take(dev->unit->u, &dev->unit->lock);
    bonds = dev->bonds;
    uiommu_lock_give(dev->unit->u, &dev->unit->lock, irq);
    return bonds;
}

/* (m) Detach in steps, since the page request interface may take its time to stop. */
static uiommu_err detach(struct uiommu_device *dev)
{
    struct uiommu_unit *unit = dev->unit;
    uiommu_err err;

    if (uiommu_device_bonds(dev) != 0)
        return UIOMMU_E_BUSY;
    if (dev->detach_step == 0) {
        if (dev->pri_on && dev->ops.set_pri != NULL)
            (void)dev->ops.set_pri(dev->ops_ctx, false, 0, &dev->pasid_required);
        dev->detach_until_ns = uiommu_after(uiommu_now(unit->u), unit->config.stop_ns);
        dev->detach_step = 1;
    }
    if (dev->pri_on && dev->ops.pri_stopped != NULL && uiommu_device_present(dev) &&
        dev->ops.pri_stopped(dev->ops_ctx) == UIOMMU_PENDING &&
        uiommu_now(unit->u) < dev->detach_until_ns)
        return UIOMMU_PENDING;
    dev->pri_on = false;
    disable(dev);
    err = uiommu_device_program(dev, 0, unit->config.command_ns);
    if (err != UIOMMU_OK)
        return UIOMMU_PENDING; /* its tables may still be walked */
    pasid_off(dev);
    err = device_list(dev, false);
    if (err != UIOMMU_OK)
        return UIOMMU_PENDING;
    uiommu_event_forget(dev);
    uiommu_word_poke(&unit->devices_count, uiommu_word_peek(&unit->devices_count) - 1);
    if (dev->port != NULL) {
        dev->port->devices--;
        uiommu_word_store(&dev->port->on, dev->port->devices != 0);
    }
    device_free(dev);
    return UIOMMU_OK;
}

uiommu_err uiommu_device_detach(struct uiommu_device *dev)
{
    struct uiommu_unit *unit;
    uiommu_err err;

    if (!uiommu_is_device(dev))
        return UIOMMU_E_HANDLE;
    unit = dev->unit;
    if (!uiommu_control_take(unit->u, &unit->control, unit->config.command_ns))
        return UIOMMU_E_TIMEOUT;
    err = detach(dev);
    uiommu_control_give(unit->u, &unit->control);
    return err;
}

uiommu_err uiommu_device_get_counters(const struct uiommu_device *dev,
                                      struct uiommu_device_counters *out)
{
    if (!uiommu_is_device(dev))
        return UIOMMU_E_HANDLE;
    if (out == NULL)
        return UIOMMU_E_INVALID;
    uiommu_counters_copy(out, &dev->counters, sizeof(*out));
    return UIOMMU_OK;
}

int uiommu_device_get_state(const struct uiommu_device *dev)
{
    return uiommu_is_device(dev) ? (int)uiommu_word_load(&dev->state) : UIOMMU_E_HANDLE;
}

void *uiommu_device_user(const struct uiommu_device *dev)
{
    return uiommu_is_device(dev) ? dev->user : NULL;
}

/* ---- validity ---- */

bool uiommu_device_valid(const struct uiommu_device *dev)
{
    uint32_t generation = uiommu_word_load(&dev->generation), i;
    bool ok = dev->unit != NULL, indexed = uiommu_slot_load(&dev->index_map) != NULL;

    ok &= dev->hw != NULL;
    ok &= dev->id_count - 1u < UIOMMU_IDS_MAX;
    ok &= uiommu_word_load(&dev->state) <= UIOMMU_DEVICE_ISOLATED;
    ok &= uiommu_word_load(&dev->reset_step) <= UIOMMU_RESET_FAILED;
    ok &= generation != 0;
    ok &= generation - dev->swept_generation <= UINT32_MAX / 2;
    ok &= (dev->port != NULL) | !indexed;
    ok &= (dev->port == NULL) | indexed | (dev->bonds == 0);
    ok &= (dev->running <= dev->cap) | (dev->cap == 0);
    ok &= uiommu_barrier_valid(&dev->barrier);
    ok &= uiommu_radix_valid(&dev->pasids);
    if (!ok)
        return false;
    for (i = 0; i < dev->id_count; i++) {
        ok &= dev->ids[i].dev == dev;
        ok &= dev->ids[i].alias == i;
        ok &= uiommu_radix_get(&dev->unit->ids, dev->ids[i].id) == (const void *)&dev->ids[i];
    }
    return ok;
}
