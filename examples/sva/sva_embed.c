/* SPDX-License-Identifier: BSD-2-Clause */
/* What any embedder does: an instance on host services, a unit, devices, an address space. */
#include <string.h>

#include "sva.h"

#define FIRST_ID     0x0100u /* Bus 1; a device number each. */
#define ID_STEP      8u
#define PASID_FIRST  1u
#define CREDITS_MOST 16u /* By default. */
#define BUDGET       64u

const char *const sva_code_name[SVA_CODES] = {"SUCCESS", "INVALID", "FAILURE", "PENDING", "none"};

struct sva_engine *sva_engine_by_id(struct sva *s, uint32_t id)
{
    uint32_t number = (id - FIRST_ID) / ID_STEP;

    if (id < FIRST_ID || (id - FIRST_ID) % ID_STEP != 0 || number >= s->o.devices)
        return NULL;
    return &s->engines[number];
}

/* ---- trace: what the program itself wants to know, then the file ---- */

static void note_groups(struct sva *s, const struct uiommu_trace *r)
{
    uint32_t slot = (uint32_t)(r->a >> 32);

    if (slot >= SVA_OPEN_MAX)
        return;
    if (r->id == UIOMMU_TRACE_GROUP_OPEN) {
        s->counts.open += s->open_since[slot] == 0;
        s->open_since[slot] = r->now_ns + 1;
        s->open_id[slot] = (uint32_t)(r->b >> 32);
    } else if (s->open_since[slot] != 0) {
        s->counts.open--;
        s->open_since[slot] = 0;
    }
}

static void on_trace(void *ctx, const struct uiommu_trace *r)
{
    struct sva_machine *m = ctx;
    struct sva *s = m->irq_ctx;

    switch (r->id) {
    case UIOMMU_TRACE_GROUP_ANSWERED:
        s->counts.answers[r->d < SVA_CODES ? r->d : UIOMMU_CODE_NONE]++;
        note_groups(s, r);
        break;
    case UIOMMU_TRACE_GROUP_DROPPED:
        s->counts.dropped++;
        note_groups(s, r);
        break;
    case UIOMMU_TRACE_GROUP_OPEN:
    case UIOMMU_TRACE_GROUP_READY:
        note_groups(s, r);
        break;
    case UIOMMU_TRACE_REFUSED:
        s->counts.refused++;
        s->counts.answers[r->c < SVA_CODES ? r->c : UIOMMU_CODE_NONE] += r->c != UIOMMU_CODE_NONE;
        break;
    case UIOMMU_TRACE_BOND:
        s->stirred = true;
        if (r->d != UIOMMU_BOND_QUARANTINE || s->moment.over)
            break;
        s->moment.end_ns = r->now_ns;
        s->moment.wall_end_ns = uv_hrtime();
        break;
    default:
        break;
    }
    if (s->trace != NULL)
        sva_trace_record(s->trace, r);
}

static void on_log(void *ctx, enum uiommu_log_level level, const char *msg)
{
    struct sva_machine *m = ctx;
    const struct sva *s = m->irq_ctx;

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

static void take_events(struct sva *s)
{
    struct uiommu_event event;
    char line[160];

    while (uiommu_unit_next_event(s->unit, &event) == UIOMMU_OK) {
        s->counts.events++;
        if (event_harmless(event.kind) && s->phase >= SVA_DRAINING)
            continue;
        (void)uiommu_event_format(&event, line, sizeof(line));
        sva_fail(s, "unexpected event: %s", line);
    }
}

static void on_serviced(void *user, uiommu_err status)
{
    struct sva *s = user;

    if (status != UIOMMU_OK && status != UIOMMU_MORE)
        sva_fail(s, "service: %s", uiommu_err_str(status));
    take_events(s);
}

static void on_irq(void *ctx)
{
    struct sva *s = ctx;

    if (s->serving != NULL)
        uiommu_uv_kick(s->serving);
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

    e->ep = sva_machine_engine(s->machine, e->id, credits);
    if (e->ep == NULL)
        return UIOMMU_E_NOMEM;
    access.ctx = e->ep;
    err = uiommu_pcie_init(&e->pcie, &access, NULL, engine_stop, e);
    if (err != UIOMMU_OK)
        return err;
    memset(&port, 0, sizeof(port));
    port.size = sizeof(port);
    port.want = credits;
    err = uiommu_port_create(s->unit, &port, &e->port);
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
    err = uiommu_device_attach(s->unit, &device, &e->device);
    if (err != UIOMMU_OK)
        return err;
    memset(&bind, 0, sizeof(bind));
    bind.size = sizeof(bind);
    bind.pasid = s->pasid;
    bind.user = e;
    return uiommu_bind(e->device, s->as, &bind, &e->bond);
}

static int engines_open(struct sva *s)
{
    struct uiommu_unit_info info;
    uint32_t i, credits = s->o.credits;

    if (uiommu_unit_get_info(s->unit, &info) != UIOMMU_OK)
        return 2;
    if (credits == 0) {
        credits = info.credits_free / s->o.devices;
        credits = credits < CREDITS_MOST ? credits : CREDITS_MOST;
        credits = credits > 0 ? credits : 1;
    }
    for (i = 0; i < s->o.devices; i++) {
        struct sva_engine *e = &s->engines[i];
        uiommu_err err;

        e->sva = s;
        e->number = i;
        e->id = FIRST_ID + i * ID_STEP;
        err = engine_open(s, e, credits);
        if (err == UIOMMU_E_NOSPACE) {
            (void)fprintf(stderr,
                          "uiommu-sva: %u devices with %u credits do not fit a queue of %u "
                          "entries\n",
                          s->o.devices, credits, s->o.queue_entries);
            return 2;
        }
        if (err != UIOMMU_OK) {
            (void)fprintf(stderr, "uiommu-sva: device %u: %s\n", i, uiommu_err_str(err));
            return 1;
        }
    }
    return 0;
}

/* ---- instance, unit, address space ---- */

static uiommu_err unit_open(struct sva *s)
{
    struct uiommu_pasid_space_config pasids;
    struct uiommu_unit_config unit;
    uint32_t reserve = s->o.queue_entries / 4;
    uiommu_err err;

    memset(&pasids, 0, sizeof(pasids));
    pasids.size = sizeof(pasids);
    pasids.first = PASID_FIRST + sva_choose(s, 1000);
    pasids.last = (1u << UIOMMU_PASID_BITS) - 1;
    err = uiommu_pasid_space_create(s->u, &pasids, &s->pasids);
    if (err != UIOMMU_OK)
        return err;
    memset(&unit, 0, sizeof(unit));
    unit.size = sizeof(unit);
    unit.user = s;
    unit.pasids = s->pasids;
    unit.marker_reserve = reserve < 8 ? reserve : 8;
    unit.settle_ns = UINT64_C(1000000);
    err = s->machine->backend->unit(s->machine, s->u, &unit, &s->unit);
    return err != UIOMMU_OK ? err : uiommu_unit_start(s->unit);
}

static uiommu_err aspace_open(struct sva *s)
{
    const struct sva_backend *backend = s->machine->backend;
    struct uiommu_aspace_config config;
    struct table_memory memory;
    struct uiommu_root root;
    uiommu_err err;

    sva_machine_tables(s->machine, &memory);
    if (table_init(&s->table, backend->tables, &memory, 12, backend->va_bits, backend->pa_bits) !=
        TABLE_OK)
        return UIOMMU_E_NOMEM;
    s->table_made = true;
    table_root(&s->table, &root);
    memset(&config, 0, sizeof(config));
    config.size = sizeof(config);
    config.ops = &sva_aspace_ops;
    config.user = s;
    config.roots = &root;
    config.root_count = 1;
    err = uiommu_aspace_create(s->u, &config, &s->as);
    return err != UIOMMU_OK ? err : uiommu_pasid_alloc(s->pasids, NULL, 0, &s->pasid);
}

int sva_embed_open(struct sva *s)
{
    struct uiommu_uv_config host;
    struct uiommu_host_ops ops;
    uiommu_err err;

    memset(&host, 0, sizeof(host));
    host.size = sizeof(host);
    sva_machine_host(s->machine, &host);
    host.trace = on_trace;
    host.log = on_log;
    s->machine->irq_ctx = s;
    s->machine->irq = on_irq;
    err = uiommu_uv_create(&host, &s->uv);
    if (err == UIOMMU_OK) {
        uiommu_uv_fill(s->uv, &ops);
        err = uiommu_create(&ops, &s->u);
    }
    if (err == UIOMMU_OK)
        err = unit_open(s);
    if (err == UIOMMU_OK)
        err = aspace_open(s);
    if (err != UIOMMU_OK) {
        (void)fprintf(stderr, "uiommu-sva: the IOMMU cannot be set up: %s\n", uiommu_err_str(err));
        return 1;
    }
    return engines_open(s);
}

void sva_embed_serve(struct sva *s)
{
    struct uiommu_uv_unit_config config;
    uiommu_err err;

    memset(&config, 0, sizeof(config));
    config.size = sizeof(config);
    config.loop = &s->loop;
    config.budget = BUDGET;
    config.user = s;
    config.serviced = on_serviced;
    err = uiommu_uv_attach(s->uv, s->unit, &config, &s->serving);
    if (err != UIOMMU_OK)
        sva_fail(s, "the loop cannot serve the unit: %s", uiommu_err_str(err));
}
