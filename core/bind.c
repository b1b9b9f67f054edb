/* SPDX-License-Identifier: BSD-2-Clause */
#include "core.h"

/*
 * Bind: take what can fail, stamp the life's first ring position, then write the entry under the
 * lock that an exit marks the space dead under (R2, R13).
 */

struct bind {
    struct uiommu_device *dev;
    struct uiommu_unit *unit;
    struct uiommu_aspace *as;
    struct uiommu_bond *bond;
    const struct uiommu_root *root;
    uint32_t root_index;
    uint32_t pasid;
    uint32_t step;
    bool more;
};

static uiommu_err bind_check(struct bind *b, const struct uiommu_bind_config *config)
{
    struct uiommu_device *dev = b->dev;
    struct uiommu_unit *unit = b->unit;
    uiommu_err err = UIOMMU_E_UNSUPPORTED;
    uint32_t i;

    if (dev->unit->u != b->as->u)
        return UIOMMU_E_HANDLE;
    if (!uiommu_unit_running(unit))
        return UIOMMU_E_STATE;
    if (uiommu_word_load(&dev->state) != UIOMMU_DEVICE_NORMAL)
        return UIOMMU_E_GONE;
    if (config->pasid != UIOMMU_PASID_NONE) {
        if ((dev->flags & UIOMMU_DEVICE_PASID) == 0)
            return UIOMMU_E_UNSUPPORTED;
        if (config->pasid >> dev->pasid_bits != 0 || config->pasid < unit->caps.pasid_first)
            return UIOMMU_E_RANGE;
    }
    for (i = 0; i < b->as->root_count && err != UIOMMU_OK; i++) {
        if (config->pasid != UIOMMU_PASID_NONE && !uiommu_root_with_pasid(&b->as->roots[i]))
            continue;
        err = unit->ops.root_check(unit->hw, dev->hw, config->pasid, &b->as->roots[i]);
        b->root = &b->as->roots[i];
        b->root_index = i;
    }
    if (err == UIOMMU_OK && uiommu_word_load(&b->as->dead) != 0)
        err = UIOMMU_E_DEAD;
    return err;
}

/* The bond's place in the space's list, and its count on the device. */
static uiommu_err join(struct bind *b)
{
    struct uiommu_aspace *as = b->as;
    struct uiommu_bond *bond = b->bond;
    uiommu_err err = UIOMMU_OK;
    uintptr_t irq, inner;

    irq = uiommu_lock_take(as->u, &as->lock);
    if (uiommu_word_load(&as->dead) != 0) {
        err = UIOMMU_E_DEAD;
    } else {
        inner = uiommu_lock_take(as->u, &b->unit->lock);
        bond->as = as;
        b->dev->bonds++;
        uiommu_lock_give(as->u, &b->unit->lock, inner);
        bond->serial = ++as->next_serial;
        bond->as_prev = as->bonds_tail;
        if (as->bonds_tail != NULL)
            as->bonds_tail->as_next = bond;
        else
            as->bonds = bond;
        as->bonds_tail = bond;
        bond->listed = true;
        uiommu_word_add(&as->refs, 1);
        uiommu_word_add(&as->bond_count, 1);
    }
    uiommu_lock_give(as->u, &as->lock, irq);
    return err;
}

/* A bond that nobody has seen yet goes back. */
static void discard(struct uiommu_bond *bond)
{
    struct uiommu *u = bond->u;
    uintptr_t irq;

    if (bond->tag != NULL) {
        irq = uiommu_lock_take(u, &bond->tag_of->lock);
        uiommu_tag_put(bond->tag_of, bond->tag);
        uiommu_lock_give(u, &bond->tag_of->lock, irq);
    }
    if (bond->holds_pasid)
        uiommu_pasid_bond_put(bond->dev->unit->config.pasids, bond->pasid);
    if (bond->owner != NULL)
        uiommu_owner_refund(bond->owner, &bond->owner->bonds, 1);
    irq = uiommu_lock_take(u, &u->lock);
    bond->dev = NULL;
    bond->next_free = u->free_bonds;
    u->free_bonds = bond;
    uiommu_lock_give(u, &u->lock, irq);
}

/* Everything that can fail without hardware. On error nothing is left. */
static uiommu_err prepare(struct bind *b, const struct uiommu_bind_config *config)
{
    struct uiommu_owner *owner = b->as->owner;
    struct uiommu_slot *where = &b->dev->untagged;
    struct uiommu_bond *bond;
    uiommu_err err;

    if (b->pasid != UIOMMU_PASID_NONE)
        where = uiommu_radix_reserve(b->unit->u, &b->dev->pasids, b->pasid);
    if (where == NULL || uiommu_device_index(b->dev) != UIOMMU_OK)
        return UIOMMU_E_NOMEM;
    if (uiommu_bond_find(b->dev, b->pasid) != NULL)
        return UIOMMU_E_BUSY;
    err = uiommu_bond_alloc(b->unit->u, &bond);
    if (err != UIOMMU_OK)
        return err;
    b->bond = bond;
    bond->dev = b->dev;
    bond->where = where;
    bond->pasid = b->pasid;
    bond->cap = config->in_flight;
    bond->user = config->user;
    bond->tag_of = b->as;
    bond->markers_ok = uiommu_bond_markers_ok(b->dev, where);
    if (owner != NULL) {
        err = uiommu_owner_charge(owner, &owner->bonds, owner->config.bonds, 1);
        if (err == UIOMMU_OK)
            bond->owner = owner;
    }
    if (err == UIOMMU_OK && b->pasid != UIOMMU_PASID_NONE) {
        err = uiommu_pasid_bond_get(b->unit->config.pasids, b->pasid, b->as->number);
        bond->holds_pasid = err == UIOMMU_OK;
    }
    if (err == UIOMMU_OK)
        err = b->unit->ops.pasid_prepare(b->unit->hw, b->dev->hw, b->pasid);
    if (err == UIOMMU_OK)
        err = uiommu_tag_get(b->as, b->dev, b->root_index, &bond->tag);
    if (err != UIOMMU_OK)
        discard(bond);
    return err;
}

/* R2: what is in a ring now was sent before this life. */
static uiommu_err stamp(struct bind *b)
{
    struct uiommu_unit *unit = b->unit;
    uiommu_err err = uiommu_role_wait(unit, unit->config.command_ns);

    if (err != UIOMMU_OK)
        return err;
    uiommu_bond_set_state(b->bond, UIOMMU_BOND_ATTACHING);
    uiommu_ring_snapshot(unit, b->bond->open_at);
    b->bond->stamped = true;
    uiommu_slot_store(b->bond->where, b->bond);
    if (uiommu_role_drop(unit))
        uiommu_unit_kick(unit);
    return UIOMMU_OK;
}

static uiommu_err entry_push(struct uiommu_unit *unit, void *arg)
{
    struct bind *b = (struct bind *)arg;
    uiommu_err err;

    if (uiommu_word_load(&b->as->dead) != 0)
        return UIOMMU_E_DEAD;
    err =
        unit->ops.pasid_set(unit->hw, b->dev->hw, b->pasid, b->root, b->bond->tag->value, b->step);
    b->more = err == UIOMMU_MORE;
    if (err == UIOMMU_OK)
        b->bond->valid = true;
    if (err != UIOMMU_OK && err != UIOMMU_MORE)
        return err;
    return unit->ops.config_invalidate(unit->hw, b->dev->hw, b->pasid);
}

/* As uiommu_commands_wait(), with the space's lock around each push. */
static uiommu_err entry_step(struct bind *b)
{
    struct uiommu_unit *unit = b->unit;
    struct uiommu_wait wait = uiommu_wait_begin(&unit->u->host, unit->config.command_ns);
    uint64_t ticket = 0;
    uintptr_t irq, inner;
    uiommu_err err;

    do {
        irq = uiommu_lock_take(unit->u, &b->as->lock);
        inner = uiommu_lock_take(unit->u, &unit->lock);
        err = entry_push(unit, b);
        if (err == UIOMMU_OK)
            err = uiommu_ticket_push(unit, &ticket);
        uiommu_lock_give(unit->u, &unit->lock, inner);
        uiommu_lock_give(unit->u, &b->as->lock, irq);
    } while (err == UIOMMU_E_BUSY && uiommu_wait_more(&wait));
    if (err == UIOMMU_E_BUSY)
        err = UIOMMU_E_TIMEOUT;
    return err == UIOMMU_OK ? uiommu_ticket_wait(unit, ticket, unit->config.command_ns) : err;
}

/* Open the gate, unless the space died meanwhile. */
static uiommu_err open_gate(struct bind *b)
{
    uiommu_err err = UIOMMU_OK;
    uintptr_t irq;

    irq = uiommu_lock_take(b->as->u, &b->as->lock);
    if (uiommu_word_load(&b->as->dead) != 0) {
        err = UIOMMU_E_DEAD;
    } else {
        uiommu_bond_set_state(b->bond, UIOMMU_BOND_LIVE);
        uiommu_word_and(&b->bond->gate, ~UIOMMU_GATE_CLOSED);
    }
    uiommu_lock_give(b->as->u, &b->as->lock, irq);
    return err;
}

/* (m) */
static uiommu_err bind(struct bind *b, const struct uiommu_bind_config *config,
                       struct uiommu_bond_ref *out)
{
    uiommu_err err;

    err = bind_check(b, config);
    if (err == UIOMMU_OK)
        err = prepare(b, config);
    if (err != UIOMMU_OK)
        return err;
    err = join(b);
    if (err != UIOMMU_OK) {
        discard(b->bond);
        return err;
    }
    err = stamp(b);
    for (b->step = 0, b->more = true; err == UIOMMU_OK && b->more && b->step < 8; b->step++)
        err = entry_step(b);
    if (err == UIOMMU_OK)
        err = b->more ? UIOMMU_E_INTERNAL : open_gate(b);
    if (err == UIOMMU_OK) {
        *out = uiommu_bond_name(b->bond);
        uiommu_bond_made(b->bond, 0);
        return UIOMMU_OK;
    }
    /* The role knows it, hardware may: it drains like any other. Its device was never told. */
    uiommu_bond_made(b->bond, UIOMMU_WANT_UNBIND | UIOMMU_WANT_ABORT | UIOMMU_WANT_STOPPED);
    return err;
}

uiommu_err uiommu_bind(struct uiommu_device *dev, struct uiommu_aspace *as,
                       const struct uiommu_bind_config *config, struct uiommu_bond_ref *out)
{
    struct uiommu_bind_config own;
    struct bind b;
    uiommu_err err;

    if (!uiommu_is_device(dev) || !uiommu_is_aspace(as))
        return UIOMMU_E_HANDLE;
    if (out == NULL || config == NULL ||
        !uiommu_config_copy(&own, sizeof(own), config, config->size, sizeof(size_t)))
        return UIOMMU_E_INVALID;
    b = (struct bind){.dev = dev, .unit = dev->unit, .as = as, .pasid = own.pasid};
    if (!uiommu_control_take(b.unit->u, &b.unit->control, b.unit->config.command_ns))
        return UIOMMU_E_TIMEOUT;
    uiommu_word_add(&as->refs, 1);
    err = bind(&b, &own, out);
    uiommu_word_sub(&as->refs, 1);
    uiommu_control_give(b.unit->u, &b.unit->control);
    if (err != UIOMMU_OK)
        uiommu_unit_pump(b.unit); /* what was half made drains */
    return err;
}
