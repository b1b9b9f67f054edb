/* SPDX-License-Identifier: BSD-2-Clause */
/* What any embedder does: an instance on host services, a unit, devices, an address space. */
#include <string.h>

#include "sva.h"

#define FIRST_ID     0x0100u /* Bus 1; a device number each. */
#define ID_STEP      8u
#define PASID_FIRST  1u
#define CREDITS_MOST 16u /* By default. */
#define BUDGET       64u

/* Behind unit n are engines n, n + units, and so on, each unit with the same IDs. */
static uint32_t engine_id(const struct sva *s, uint32_t number)
{
    return FIRST_ID + number / s->unit_count * ID_STEP;
}

struct sva_engine *sva_engine_by_id(const struct sva_unit *v, uint32_t id)
{
    uint32_t at = (id - FIRST_ID) / ID_STEP;

    if (id < FIRST_ID || (id - FIRST_ID) % ID_STEP != 0 || at >= v->devices)
        return NULL;
    return &v->sva->engines[at * v->sva->unit_count + (uint32_t)(v - v->sva->units)];
}

struct sva_unit *sva_unit_by_number(struct sva *s, uint32_t number)
{
    uint32_t i;

    for (i = 0; i < s->unit_count && number != 0; i++) {
        if (s->units[i].number == number)
            return &s->units[i];
    }
    return NULL;
}

/* ---- trace: what the program itself wants to know, then the file ---- */

static void note_groups(struct sva_unit *v, const struct uiommu_trace *r)
{
    uint32_t slot = (uint32_t)(r->a >> 32);

    if (slot >= SVA_OPEN_MAX)
        return;
    if (r->id == UIOMMU_TRACE_GROUP_OPEN) {
        v->counts.open += v->open_since[slot] == 0;
        v->open_since[slot] = r->now_ns + 1;
        v->open_id[slot] = (uint32_t)(r->b >> 32);
    } else if (v->open_since[slot] != 0) {
        v->counts.open--;
        v->open_since[slot] = 0;
    }
}

static void note(struct sva_unit *v, const struct uiommu_trace *r)
{
    switch (r->id) {
    case UIOMMU_TRACE_GROUP_OPEN:
    case UIOMMU_TRACE_GROUP_READY:
    case UIOMMU_TRACE_GROUP_ANSWERED:
    case UIOMMU_TRACE_GROUP_DROPPED:
        note_groups(v, r);
        break;
    case UIOMMU_TRACE_BOND:
        v->sva->stirred = true;
        if (r->d != UIOMMU_BOND_QUARANTINE || v->sva->moment.over)
            break;
        v->found.end_ns = r->now_ns;
        v->found.wall_end_ns = uv_hrtime();
        break;
    default:
        break;
    }
}

static void on_trace(void *ctx, const struct uiommu_trace *r)
{
    struct sva_machine *m = ctx;
    struct sva *s = m->user;
    struct sva_unit *v = sva_unit_by_number(s, r->unit);

    if (v != NULL)
        note(v, r);
    if (s->trace != NULL)
        spans_record(s->trace, r);
}

static void on_log(void *ctx, enum uiommu_log_level level, const char *msg)
{
    struct sva_machine *m = ctx;
    const struct sva *s = m->user;

    if (level != UIOMMU_LOG_INFO && !s->o.quiet)
        (void)fprintf(stderr, "uiommu-sva: %s\n", msg);
}

/* ---- events ---- */

static bool event_harmless(enum uiommu_event_kind kind)
{
    switch (kind) {
    case UIOMMU_EVENT_TRANSLATION:
    case UIOMMU_EVENT_PERMISSION:
    case UIOMMU_EVENT_BAD_CONTEXT:
    case UIOMMU_EVENT_ATS_REFUSED:
    case UIOMMU_EVENT_TRANSLATED_REFUSED:
    case UIOMMU_EVENT_LATE_REQUEST:
        return true; /* What a device meets that was not told in time. */
    default:
        return false;
    }
}

static void take_events(struct sva_unit *v)
{
    struct sva *s = v->sva;
    struct uiommu_event event;
    char line[160];

    while (uiommu_unit_next_event(v->unit, &event) == UIOMMU_OK) {
        v->counts.events++;
        if (event_harmless(event.kind) && s->phase >= SVA_DRAINING)
            continue;
        (void)uiommu_event_format(&event, line, sizeof(line));
        sva_fail(s, "%s: unexpected event: %s", v->iommu->backend->name, line);
    }
}

static void on_serviced(void *user, uiommu_err status)
{
    struct sva_unit *v = user;

    if (status != UIOMMU_OK && status != UIOMMU_MORE)
        sva_fail(v->sva, "%s: service: %s", v->iommu->backend->name, uiommu_err_str(status));
    take_events(v);
}

static void on_irq(void *ctx)
{
    struct sva_unit *v = ctx;

    if (v->serving != NULL)
        uiommu_uv_kick(v->serving);
}

/* ---- devices ---- */

static uiommu_err engine_stop(void *ctx, struct uiommu_device *dev, struct uiommu_bond_ref bond,
                              uint32_t pasid)
{
    struct sva_engine *e = ctx;

    (void)dev;
    (void)bond;
    e->stop_asked = true;
    e->stop_pasid = pasid;
    if (model_endpoint_stop(e->ep, pasid))
        return UIOMMU_OK;
    e->stop_waiting = true;
    return UIOMMU_PENDING;
}

void sva_embed_stops(struct sva *s)
{
    uint32_t i;

    for (i = 0; i < s->o.devices; i++) {
        struct sva_engine *e = &s->engines[i];
        uiommu_err err;

        if (!e->stop_waiting || !model_endpoint_stopped(e->ep, e->stop_pasid))
            continue;
        e->stop_waiting = false;
        err = uiommu_bond_stopped(s->u, e->bond);
        if (err != UIOMMU_OK && err != UIOMMU_E_STALE)
            sva_fail(s, "device %u: stop not taken: %s", i, uiommu_err_str(err));
    }
}

static uint32_t config_read(void *ctx, uint32_t offset, uint32_t bytes)
{
    return model_endpoint_config_read(ctx, offset, bytes);
}

static void config_write(void *ctx, uint32_t offset, uint32_t bytes, uint32_t value)
{
    model_endpoint_config_write(ctx, offset, bytes, value);
}

static uiommu_err engine_open(struct sva *s, struct sva_engine *e, uint32_t credits)
{
    struct uiommu_pcie_access access = {NULL, config_read, config_write};
    struct uiommu_port_config port;
    struct uiommu_port_info info;
    struct uiommu_device_config device;
    struct uiommu_bind_config bind;
    uiommu_err err;

    e->ep = sva_machine_engine(e->unit->iommu, e->id, credits);
    if (e->ep == NULL)
        return UIOMMU_E_NOMEM;
    access.ctx = e->ep;
    err = uiommu_pcie_init(&e->pcie, &access, NULL, engine_stop, e);
    if (err != UIOMMU_OK)
        return err;
    memset(&port, 0, sizeof(port));
    port.size = sizeof(port);
    port.want = credits;
    err = uiommu_port_create(e->unit->unit, &port, &e->port);
    if (err != UIOMMU_OK)
        return err;
    err = uiommu_port_get_info(e->port, &info);
    if (err != UIOMMU_OK)
        return err;
    e->credits = info.credits;
    e->group_pages = e->credits / 4 > 2 ? e->credits / 4 : 2;
    e->group_pages = e->group_pages < SVA_GROUP_PAGES ? e->group_pages : SVA_GROUP_PAGES;
    memset(&device, 0, sizeof(device));
    device.size = sizeof(device);
    device.ids = &e->id;
    device.id_count = 1;
    device.flags = uiommu_pcie_flags(&e->pcie) | UIOMMU_DEVICE_TRUST_MARKERS;
    device.pasid_bits = e->pcie.pasid_width;
    device.port = e->port;
    device.ops = uiommu_pcie_ops();
    device.ops_ctx = &e->pcie;
    device.user = e;
    err = uiommu_device_attach(e->unit->unit, &device, &e->device);
    if (err != UIOMMU_OK)
        return err;
    memset(&bind, 0, sizeof(bind));
    bind.size = sizeof(bind);
    bind.pasid = s->pasid;
    bind.user = e;
    return uiommu_bind(e->device, s->as, &bind, &e->bond);
}

/* What each engine behind the unit gets by default. */
static uint32_t credits_of(const struct sva *s, const struct sva_unit *v)
{
    struct uiommu_unit_info info;
    uint32_t share;

    if (s->o.credits != 0 || uiommu_unit_get_info(v->unit, &info) != UIOMMU_OK)
        return s->o.credits;
    share = info.credits_free / v->devices;
    share = share < CREDITS_MOST ? share : CREDITS_MOST;
    return share > 0 ? share : 1;
}

static int engines_open(struct sva *s)
{
    uint32_t credits[SVA_UNITS_MOST];
    uint32_t i;

    for (i = 0; i < s->unit_count; i++)
        credits[i] = credits_of(s, &s->units[i]);
    for (i = 0; i < s->o.devices; i++) {
        struct sva_engine *e = &s->engines[i];
        const char *name = e->unit->iommu->backend->name;
        uiommu_err err;

        e->id = engine_id(s, i);
        err = engine_open(s, e, credits[i % s->unit_count]);
        if (err == UIOMMU_E_NOSPACE) {
            (void)fprintf(stderr,
                          "uiommu-sva: %u devices with %u credits do not fit the queue of %s with "
                          "%u entries; give fewer --credits or more --queue-entries\n",
                          e->unit->devices, credits[i % s->unit_count], name, s->o.queue_entries);
            return 2;
        }
        if (err != UIOMMU_OK) {
            (void)fprintf(stderr, "uiommu-sva: device %u behind %s: %s\n", i, name,
                          uiommu_err_str(err));
            return 1;
        }
    }
    return 0;
}

/* ---- instance, units, address space ---- */

static uiommu_err pasids_open(struct sva *s)
{
    struct uiommu_pasid_space_config pasids;

    memset(&pasids, 0, sizeof(pasids));
    pasids.size = sizeof(pasids);
    pasids.first = PASID_FIRST + sva_choose(s, 1000);
    pasids.last = (1u << UIOMMU_PASID_BITS) - 1;
    return uiommu_pasid_space_create(s->u, &pasids, &s->pasids);
}

static uiommu_err unit_open(struct sva *s, struct sva_unit *v)
{
    struct uiommu_unit_config config;
    struct uiommu_unit_info info;
    uint32_t reserve = s->o.queue_entries / 4;
    uiommu_err err;

    memset(&config, 0, sizeof(config));
    config.size = sizeof(config);
    config.user = v;
    config.pasids = s->pasids;
    config.marker_reserve = reserve < 8 ? reserve : 8;
    config.settle_ns = UINT64_C(1000000);
    err = v->iommu->backend->unit(v->iommu, s->u, &config, &v->unit);
    if (err == UIOMMU_OK)
        err = uiommu_unit_get_info(v->unit, &info);
    if (err != UIOMMU_OK)
        return err;
    v->number = info.number;
    v->iommu->irq_ctx = v;
    v->iommu->irq = on_irq;
    return uiommu_unit_start(v->unit);
}

/* Tables in every format that a unit walks; they will hold the same pages. */
static uiommu_err tables_open(struct sva *s, struct uiommu_root *roots)
{
    struct table_memory memory;
    uint32_t i, k;

    sva_machine_tables(s->machine, &memory);
    for (i = 0; i < s->unit_count; i++) {
        const struct sva_backend *backend = s->units[i].iommu->backend;

        for (k = 0; k < s->table_count && s->tables[k].kind != backend->tables; k++) {
        }
        if (k < s->table_count)
            continue;
        if (table_init(&s->tables[k], backend->tables, &memory, 12, backend->va_bits,
                       backend->pa_bits) != TABLE_OK)
            return UIOMMU_E_NOMEM;
        table_root(&s->tables[k], &roots[k]);
        s->table_count++;
    }
    return UIOMMU_OK;
}

/* The narrowest unit decides how wide a number can be that all of them know. */
static uiommu_err pasid_open(struct sva *s)
{
    uint32_t i, bits = UIOMMU_PASID_BITS;

    for (i = 0; i < s->unit_count; i++) {
        struct uiommu_unit_info info;
        uiommu_err err = uiommu_unit_get_info(s->units[i].unit, &info);

        if (err != UIOMMU_OK)
            return err;
        bits = info.pasid_bits < bits ? info.pasid_bits : bits;
    }
    return uiommu_pasid_alloc(s->pasids, NULL, bits, &s->pasid);
}

static uiommu_err aspace_open(struct sva *s)
{
    struct uiommu_aspace_config config;
    struct uiommu_root roots[SVA_TABLES_MOST];
    uiommu_err err = tables_open(s, roots);

    if (err != UIOMMU_OK)
        return err;
    memset(&config, 0, sizeof(config));
    config.size = sizeof(config);
    config.ops = &sva_aspace_ops;
    config.user = s;
    config.roots = roots;
    config.root_count = s->table_count;
    err = uiommu_aspace_create(s->u, &config, &s->as);
    return err != UIOMMU_OK ? err : pasid_open(s);
}

static int refuse(const char *what, uiommu_err err)
{
    (void)fprintf(stderr, "uiommu-sva: %s cannot be set up: %s\n", what, uiommu_err_str(err));
    return 1;
}

int sva_embed_open(struct sva *s)
{
    struct uiommu_uv_config host;
    struct uiommu_host_ops ops;
    uiommu_err err;
    uint32_t i;

    memset(&host, 0, sizeof(host));
    host.size = sizeof(host);
    sva_machine_host(s->machine, &host);
    host.trace = on_trace;
    host.log = on_log;
    s->machine->user = s;
    err = uiommu_uv_create(&host, &s->uv);
    if (err == UIOMMU_OK) {
        uiommu_uv_fill(s->uv, &ops);
        err = uiommu_create(&ops, &s->u);
    }
    if (err == UIOMMU_OK)
        err = pasids_open(s);
    if (err != UIOMMU_OK)
        return refuse("uiommu", err);
    for (i = 0; i < s->unit_count; i++) {
        err = unit_open(s, &s->units[i]);
        if (err != UIOMMU_OK)
            return refuse(s->units[i].iommu->backend->name, err);
    }
    err = aspace_open(s);
    return err != UIOMMU_OK ? refuse("the address space", err) : engines_open(s);
}

void sva_embed_serve(struct sva *s)
{
    struct uiommu_uv_unit_config config;
    uiommu_err err;
    uint32_t i;

    memset(&config, 0, sizeof(config));
    config.size = sizeof(config);
    config.loop = &s->loop;
    config.budget = BUDGET;
    config.serviced = on_serviced;
    for (i = 0; i < s->unit_count; i++) {
        struct sva_unit *v = &s->units[i];

        config.user = v;
        err = uiommu_uv_attach(s->uv, v->unit, &config, &v->serving);
        if (err != UIOMMU_OK)
            sva_fail(s, "the loop cannot serve %s: %s", v->iommu->backend->name,
                     uiommu_err_str(err));
    }
}
