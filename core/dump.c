/* SPDX-License-Identifier: BSD-2-Clause */
#include "core.h"

/* A unit as text: what the backend describes word by word, and what the core knows. */

struct text {
    char line[160];
    size_t at;
};

static void put_text(struct text *t, const char *s)
{
    while (*s != '\0' && t->at + 1 < sizeof(t->line))
        t->line[t->at++] = *s++;
}

static void put_hex(struct text *t, uint64_t v)
{
    uint32_t bits = uiommu_bits_length(v), shift = bits == 0 ? 0 : (bits - 1) & ~3u, digit;
    char one[2] = {'\0', '\0'};

    put_text(t, "0x");
    for (;;) {
        digit = (uint32_t)(v >> shift) & 0xfu;
        one[0] = (char)(digit < 10 ? '0' + digit : 'a' + digit - 10);
        put_text(t, one);
        if (shift == 0)
            break;
        shift -= 4;
    }
}

static void put_named(struct text *t, const char *name, uint64_t v)
{
    put_text(t, " ");
    put_text(t, name);
    put_text(t, "=");
    put_hex(t, v);
}

static void end(struct text *t, const struct uiommu_sink *sink)
{
    t->line[t->at] = '\0';
    sink->line(sink->ctx, t->line);
    t->at = 0;
}

static void dump_item(const struct uiommu_item *item, const struct uiommu_sink *sink)
{
    struct text t;
    uint32_t i;

    t.at = 0;
    put_text(&t, "  ");
    put_text(&t, item->name);
    if (item->address != 0) {
        put_text(&t, " @");
        put_hex(&t, item->address);
    }
    put_text(&t, ":");
    for (i = 0; i < item->words && i < 8; i++) {
        put_text(&t, " ");
        put_hex(&t, item->word[i]);
    }
    end(&t, sink);
}

/* More than any unit has to show: a backend whose cursor does not end is cut here. */
#define ITEMS 512u

/* (r) */
static void dump_backend(struct uiommu_unit *unit, uint32_t id, uint32_t pasid,
                         const struct uiommu_sink *sink)
{
    struct uiommu_item item;
    uint64_t cursor = 0;
    uiommu_err err;
    uintptr_t irq;
    uint32_t n;

    for (n = 0; n < ITEMS; n++) {
        memset(&item, 0, sizeof(item));
        irq = uiommu_lock_take(unit->u, &unit->lock);
        err = unit->ops.describe(unit->hw, id, pasid, &cursor, &item);
        uiommu_lock_give(unit->u, &unit->lock, irq);
        if (err != UIOMMU_OK)
            return;
        dump_item(&item, sink);
    }
}

/* (r) */
static void dump_unit(const struct uiommu_unit *unit, const struct uiommu_sink *sink)
{
    struct text t;
    uint32_t r;

    t.at = 0;
    put_text(&t, "unit ");
    put_text(&t, unit->ops.name);
    put_named(&t, "number", unit->number);
    put_named(&t, "started", uiommu_word_load(&unit->started));
    put_named(&t, "hung", uiommu_word_load(&unit->hung));
    put_named(&t, "credits", uiommu_word_load(&unit->granted));
    put_named(&t, "devices", uiommu_word_peek(&unit->devices_count));
    end(&t, sink);
    for (r = 0; r < unit->caps.rings; r++) {
        put_text(&t, "ring");
        put_named(&t, "number", r);
        put_named(&t, "entries", unit->caps.ring[r].entries);
        put_named(&t, "consumed", unit->ring[r].count);
        put_named(&t, "overflows", unit->ring[r].acks);
        put_named(&t, "overflowing", unit->ring[r].overflow);
        end(&t, sink);
    }
}

/* (r) */
static void dump_bond(const struct uiommu_unit *unit, uint32_t id, uint32_t pasid,
                      const struct uiommu_sink *sink)
{
    const struct uiommu_id *name = (const struct uiommu_id *)uiommu_radix_get(&unit->ids, id);
    const struct uiommu_bond *bond;
    struct text t;

    t.at = 0;
    if (name == NULL) {
        put_text(&t, "device: none has this ID");
        end(&t, sink);
        return;
    }
    put_text(&t, "device");
    put_named(&t, "id", id);
    put_named(&t, "state", uiommu_word_load(&name->dev->state));
    put_named(&t, "generation", uiommu_word_load(&name->dev->generation));
    put_named(&t, "bonds", uiommu_device_bonds(name->dev));
    end(&t, sink);
    bond = uiommu_bond_find(name->dev, pasid);
    if (bond == NULL) {
        put_text(&t, "bond: none");
        end(&t, sink);
        return;
    }
    put_text(&t, "bond");
    put_named(&t, "state", uiommu_bond_state(bond));
    put_named(&t, "in_flight", uiommu_gate_count(bond));
    put_named(&t, "closed", uiommu_gate_closed(bond));
    put_named(&t, "missing", uiommu_word_load(&bond->missing));
    put_named(&t, "partials", bond->open);
    end(&t, sink);
}

uiommu_err uiommu_unit_dump(struct uiommu_unit *unit, uint32_t id, uint32_t pasid,
                            const struct uiommu_sink *sink)
{
    uiommu_err err;

    if (!uiommu_is_unit(unit))
        return UIOMMU_E_HANDLE;
    if (sink == NULL || sink->line == NULL)
        return UIOMMU_E_INVALID;
    err = uiommu_role_wait(unit, unit->config.command_ns);
    if (err != UIOMMU_OK)
        return err;
    dump_unit(unit, sink);
    if (uiommu_word_load(&unit->started) != 0)
        dump_backend(unit, id, pasid, sink);
    if (id != UINT32_MAX)
        dump_bond(unit, id, pasid, sink);
    if (uiommu_role_drop(unit))
        uiommu_unit_kick(unit);
    return UIOMMU_OK;
}
