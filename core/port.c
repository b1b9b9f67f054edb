/* SPDX-License-Identifier: BSD-2-Clause */
#include "core.h"

bool uiommu_is_port(const struct uiommu_port *port)
{
    return port != NULL && port->magic == UIOMMU_MAGIC_PORT;
}

/* What may be granted in all: entries - 1 - the marker reserve (I9). */
uint32_t uiommu_port_ledger(const struct uiommu_unit *unit)
{
    uint32_t entries = unit->caps.request_entries, keep = unit->config.marker_reserve;

    if (!uiommu_guard(UIOMMU_GUARD_I9_LEDGER))
        return UINT32_MAX / 2;
    return entries > keep ? entries - keep - 1u : 0;
}

/* (m) Cut the grant to what is left; 0: too little. */
static uint32_t grant(const struct uiommu_unit *unit, const struct uiommu_port_config *config)
{
    uint32_t left = uiommu_port_ledger(unit), least = config->least == 0 ? 1 : config->least;
    uint32_t slots = (unit->pool.max - 2) * UIOMMU_SLOT_CHUNK - unit->stall_slots, got;

    left = left > uiommu_word_load(&unit->granted) ? left - uiommu_word_load(&unit->granted) : 0;
    got = config->want < left ? config->want : left;
    got = got < slots ? got : slots;
    return got < least ? 0 : got;
}

static uiommu_err port_make(struct uiommu_unit *unit, const struct uiommu_port_config *config,
                            struct uiommu_port **out)
{
    struct uiommu_port *port;
    uint32_t credits = grant(unit, config);
    uiommu_err err;

    if (credits == 0)
        return UIOMMU_E_NOSPACE;
    /* A reset leaves what handlers have without credits: one group a runner. */
    err = uiommu_pool_grow(unit, unit->stall_slots + uiommu_word_load(&unit->granted) + credits +
                                     UIOMMU_RUNNERS);
    if (err != UIOMMU_OK)
        return err;
    port = (struct uiommu_port *)uiommu_heap_get(unit->u, sizeof(*port));
    if (port == NULL)
        return UIOMMU_E_NOMEM;
    if (config->owner != NULL) {
        err = uiommu_owner_charge(config->owner, &config->owner->credits,
                                  config->owner->config.credits, credits);
        if (err != UIOMMU_OK) {
            uiommu_heap_put(unit->u, port, sizeof(*port));
            return err;
        }
    }
    if (config->owner != NULL)
        uiommu_owner_ports(config->owner, 1);
    port->magic = UIOMMU_MAGIC_PORT;
    port->unit = unit;
    port->config = *config;
    port->credits = credits;
    uiommu_word_store(&port->generation, 1);
    uiommu_word_add(&unit->granted, credits);
    unit->ports++;
    *out = port;
    return UIOMMU_OK;
}

uiommu_err uiommu_port_create(struct uiommu_unit *unit, const struct uiommu_port_config *config,
                              struct uiommu_port **out)
{
    struct uiommu_port_config own;
    uiommu_err err;

    if (!uiommu_is_unit(unit))
        return UIOMMU_E_HANDLE;
    if (out == NULL || config == NULL ||
        !uiommu_config_copy(&own, sizeof(own), config, config->size, sizeof(size_t)) ||
        own.want == 0 || own.least > own.want)
        return UIOMMU_E_INVALID;
    if (own.owner != NULL && (!uiommu_is_owner(own.owner) || own.owner->u != unit->u))
        return UIOMMU_E_HANDLE;
    if (unit->caps.request_entries == 0)
        return UIOMMU_E_UNSUPPORTED;
    if (!uiommu_control_take(unit->u, &unit->control, unit->config.command_ns))
        return UIOMMU_E_TIMEOUT;
    err = port_make(unit, &own, out);
    uiommu_control_give(unit->u, &unit->control);
    return err;
}

uiommu_err uiommu_port_destroy(struct uiommu_port *port)
{
    struct uiommu_unit *unit;
    struct uiommu_owner *owner;

    if (!uiommu_is_port(port))
        return UIOMMU_E_HANDLE;
    unit = port->unit;
    if (!uiommu_control_take(unit->u, &unit->control, unit->config.command_ns))
        return UIOMMU_E_TIMEOUT;
    if (port->zombies != 0)
        (void)uiommu_zombies_retry(unit);
    if (port->devices != 0 || port->zombies != 0) {
        uiommu_control_give(unit->u, &unit->control);
        return UIOMMU_E_BUSY;
    }
    owner = port->config.owner;
    if (owner != NULL) {
        uiommu_owner_refund(owner, &owner->credits, port->credits);
        uiommu_owner_ports(owner, UINT32_MAX);
    }
    uiommu_word_sub(&unit->granted, port->credits);
    unit->ports--;
    port->magic = 0;
    uiommu_control_give(unit->u, &unit->control);
    uiommu_heap_put(unit->u, port, sizeof(*port));
    return UIOMMU_OK;
}

uiommu_err uiommu_port_switch_off(struct uiommu_port *port)
{
    if (!uiommu_is_port(port))
        return UIOMMU_E_HANDLE;
    uiommu_word_store(&port->failed, 1);
    return UIOMMU_OK;
}

uiommu_err uiommu_port_get_info(const struct uiommu_port *port, struct uiommu_port_info *out)
{
    if (!uiommu_is_port(port))
        return UIOMMU_E_HANDLE;
    if (out == NULL)
        return UIOMMU_E_INVALID;
    out->credits = port->credits;
    out->outstanding = uiommu_word_peek(&port->outstanding);
    out->groups = uiommu_word_peek(&port->groups);
    out->generation = uiommu_word_load(&port->generation);
    out->failed = uiommu_word_load(&port->failed) != 0;
    out->on = uiommu_word_load(&port->on) != 0 && !out->failed;
    return UIOMMU_OK;
}

bool uiommu_port_valid(const struct uiommu_port *port)
{
    uint32_t outstanding = uiommu_word_peek(&port->outstanding);
    uint32_t groups = uiommu_word_peek(&port->groups);
    bool ok = port->magic == UIOMMU_MAGIC_PORT;

    ok &= port->unit != NULL;
    ok &= port->credits != 0;
    ok &= port->credits <= port->config.want;
    ok &= port->credits >= port->config.least;
    ok &= outstanding <= port->credits;
    ok &= groups <= outstanding;
    ok &= port->released <= outstanding;
    ok &= port->released_groups <= groups;
    ok &= uiommu_word_load(&port->generation) != 0;
    return ok;
}
