/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stress_machine.h"
#include "stress_threads.h"

#define MEMORY     ((size_t)320 << 20)
#define RAM_BASE   UINT64_C(0x40000000)
#define RAM        ((uint64_t)64 << 20)
#define SHIFT_BITS 40u /* Between the registers of two units. */
#define SAY_MOST   3u  /* Failures of one kind that are printed. */
#define PCIE       (UIOMMU_DEVICE_PASID | UIOMMU_DEVICE_ATS | UIOMMU_DEVICE_PRI)
#define PLATFORM   (UIOMMU_DEVICE_PASID | UIOMMU_DEVICE_STALL)
#define LATE_NS    (150 * ST_US)
#define SETTLE_NS  (250 * ST_US)

static const char *const check_names[ST_CHECKS] = {
    "pages belong to the address space",
    "bonds belong to the address space",
    "data belongs to the address space",
    "handlers end with their address space",
    "groups are answered once",
    "calls return what is documented",
    "unbinds end drained",
    "exits end with nothing left",
    "invalidations are proved",
    "resets end",
    "what was withheld comes back",
    "calls end in time",
    "no request is forgotten",
    "interrupts are restored",
    "no event of broken hardware",
    "devices saw one answer each",
    "models found no wrong use",
    "memory came back",
    "everything came down",
    "every role worked",
};

const char *st_check_name(enum st_check check)
{
    return check_names[check];
}

bool st_expect(struct machine *m, enum st_check check, bool ok, const char *format, ...)
{
    char line[256];
    va_list args;

    if (ok) {
        atomic_fetch_add_explicit(&m->passed[check], 1, memory_order_relaxed);
        return true;
    }
    if (atomic_fetch_add(&m->failed[check], 1) < SAY_MOST) {
        va_start(args, format);
        (void)vsnprintf(line, sizeof(line), format, args);
        va_end(args);
        fprintf(stderr, "FAILED %s: %s (%s %u, seed %llu)\n", check_names[check], line, st_me->role,
                st_me->number, (unsigned long long)m->seed);
    }
    return false;
}

static void on_report(void *ctx, const struct model_report *report)
{
    st_expect(ctx, ST_MODEL, false, "%s: %s (%#llx, %#llx)", report->rule, report->text,
              (unsigned long long)report->a, (unsigned long long)report->b);
}

static bool make_world(struct machine *m)
{
    struct model_world_config config;

    memset(&config, 0, sizeof(config));
    m->memory = aligned_alloc(4096, MEMORY);
    if (m->memory == NULL) {
        return false;
    }
    config.seed = m->seed;
    config.memory = m->memory;
    config.memory_bytes = MEMORY;
    config.ram_base = RAM_BASE;
    config.ram_bytes = RAM;
    config.coherent = m->variant->coherent;
    config.tick_ns = 20;
    config.report_ctx = m;
    config.report = on_report;
    m->world = model_world_create(&config);
    return m->world != NULL;
}

/* ---- units ---- */

/* At least one of each vendor asked for; the seed adds others. */
static void choose(struct machine *m, uint32_t vendors)
{
    uint32_t more = 1 + st_choose(2);
    uint32_t i, k;

    for (i = 0; i < bench_vendor_count; i++) {
        const struct bench_vendor *v = bench_vendors[i];

        if ((vendors >> i & 1) != 0 && m->units < ST_UNITS) {
            m->unit[m->units++].vendor = v;
        }
        for (k = 0; k < m->formats && m->format[k]->format != v->format; k++) {
        }
        if (k == m->formats && k < ST_FORMATS) {
            m->format[m->formats++] = v;
        }
    }
    for (k = m->units; more > 0 && m->units < ST_UNITS; more--) {
        m->unit[m->units++].vendor = m->unit[st_choose(k)].vendor;
    }
    m->devices = m->units * ST_PER;
}

static bool make_model(struct machine *m, struct st_unit *unit)
{
    const struct model_fabric_config fabric = {100, 1000, st_chance(500) ? 50 : 0, LATE_NS};
    struct bench *b = &unit->b;

    unit->how.name = unit->vendor->name;
    unit->how.markers = st_chance(600);
    unit->how.coherent = m->variant->coherent;
    unit->how.large = st_chance(500);
    unit->how.irq = st_chance(750);
    unit->how.late = fabric.late_per_mille != 0;
    b->vendor = unit->vendor;
    b->variant = &unit->how;
    b->world = m->world;
    b->shift = (uint64_t)unit->number << SHIFT_BITS;
    b->fabric = model_fabric_create(m->world, &fabric);
    return b->fabric != NULL && unit->vendor->make(b);
}

/* Long enough for a busy machine; where hardware may hang, short enough to see it often. */
static void deadlines(const struct machine *m, struct uiommu_unit_config *c)
{
    bool rough = m->variant->rough;

    c->command_ns = rough ? 60 * ST_MS : 5 * ST_S;
    c->stop_ns = rough ? 150 * ST_MS : 10 * ST_S;
    c->answer_ns = 20 * ST_MS;
    c->partial_ns = 100 * ST_MS;
    c->drain_ns = rough ? 300 * ST_MS : 10 * ST_S;
    c->handler_ns = 4 * ST_MS;
    c->settle_ns = SETTLE_NS;
}

static uiommu_err make_unit(struct machine *m, struct st_unit *unit)
{
    struct uiommu_unit_config *config = &unit->b.config;
    uiommu_err err;

    config->size = sizeof(*config);
    config->pasids = m->pasids;
    config->marker_reserve = 6;
    deadlines(m, config);
    err = unit->vendor->create(&unit->b, m->u, &unit->unit);
    if (err == UIOMMU_OK) {
        atomic_store(&unit->due, uiommu_unit_due_word(unit->unit));
        err = uiommu_unit_start(unit->unit);
    }
    unit->b.unit = unit->unit;
    st_expect(m, ST_DOWN, err == UIOMMU_OK, "start of %s: %d", unit->vendor->name, err);
    return err;
}

/* ---- devices ---- */

static const struct st_shape shapes[ST_PER + 1] = {
    {"pf", PCIE, false, true, true, 0, 1},
    {"vf", PCIE, true, true, false, 3, 1},
    {"vf without markers", PCIE, true, false, false, 0, 1},
    {"function with an alias", PCIE, false, false, false, 0, 2},
    {"platform device", PLATFORM, false, false, false, 0, 1},
    {"second pf", PCIE, false, true, false, 0, 1}, /* Where nothing stalls. */
};

static uint32_t config_read(void *ctx, uint32_t offset, uint32_t bytes)
{
    struct st_device *d = ctx;
    uint32_t value;

    st_lock(d->m);
    value = model_endpoint_config_read(d->ep, offset, bytes);
    st_unlock(d->m);
    return value;
}

static void config_write(void *ctx, uint32_t offset, uint32_t bytes, uint32_t value)
{
    struct st_device *d = ctx;

    st_lock(d->m);
    model_endpoint_config_write(d->ep, offset, bytes, value);
    st_unlock(d->m);
}

static bool make_endpoint(struct st_device *d, const struct st_shape *shape, const uint32_t *ids)
{
    struct model_endpoint_config config;

    memset(&config, 0, sizeof(config));
    config.fabric = d->unit->b.fabric;
    config.pf = d->pf == NULL ? NULL : d->pf->ep;
    config.ids = ids;
    config.id_count = shape->ids;
    config.has_ats = (shape->flags & UIOMMU_DEVICE_ATS) != 0;
    config.has_pri = config.has_ats;
    config.has_pasid = config.has_ats;
    config.pasid_required = shape->ids == 1 || !d->unit->b.features.response_pasid;
    config.sends_markers = shape->sends_markers;
    config.pasid_width = 16;
    config.pri_capacity = 64;
    config.untranslated = !config.has_ats;
    st_lock(d->m);
    d->ep = model_endpoint_create(d->m->world, &config);
    st_unlock(d->m);
    return d->ep != NULL;
}

static uiommu_err attach(struct st_device *d, const struct st_shape *shape, const uint32_t *ids)
{
    static const struct uiommu_device_ops platform = {.size = sizeof(platform), .stop = st_stop};
    struct uiommu_pcie_access access = {d, config_read, config_write};
    struct uiommu_device_config config;
    struct uiommu_port_config port;
    uiommu_err err = UIOMMU_OK;

    memset(&config, 0, sizeof(config));
    memset(&port, 0, sizeof(port));
    port.size = sizeof(port);
    port.owner = d->m->owner;
    port.want = d->unit->b.features.request_entries >= 128 ? 24 : 8;
    if ((shape->flags & UIOMMU_DEVICE_PRI) != 0) {
        err = uiommu_pcie_init(&d->fn, &access, d->pf == NULL ? NULL : &d->pf->fn, st_stop, d);
        if (err == UIOMMU_OK && d->pf == NULL && d->port == NULL) {
            err = uiommu_port_create(d->unit->unit, &port, &d->port);
        }
    }
    if (err != UIOMMU_OK) {
        return err;
    }
    config.size = sizeof(config);
    config.ids = ids;
    config.id_count = shape->ids;
    config.flags = shape->flags | (shape->trusted ? UIOMMU_DEVICE_TRUST_MARKERS : 0);
    config.pasid_bits = 16;
    config.in_flight = shape->in_flight;
    config.port = d->pf == NULL ? d->port : d->pf->port;
    config.ops = (shape->flags & UIOMMU_DEVICE_STALL) != 0 ? &platform : uiommu_pcie_ops();
    config.ops_ctx = (shape->flags & UIOMMU_DEVICE_STALL) != 0 ? (void *)d : (void *)&d->fn;
    config.user = d;
    config.ats_depth = st_chance(500) ? 32 : 0;
    if (d->pf != NULL) {
        config.flags |= UIOMMU_DEVICE_VIRTUAL;
        config.pf_id = d->pf->id;
    }
    return uiommu_device_attach(d->unit->unit, &config, &d->dev);
}

bool st_device_hold(struct st_device *d)
{
    if (!d->m->variant->rough) {
        return true; /* Nobody replugs there, and a lock would order threads. */
    }
    if (pthread_rwlock_tryrdlock(&d->held) != 0) {
        return false;
    }
    if (d->dev == NULL) {
        (void)pthread_rwlock_unlock(&d->held);
        return false;
    }
    return true;
}

void st_device_drop(struct st_device *d)
{
    if (d->m->variant->rough) {
        (void)pthread_rwlock_unlock(&d->held);
    }
}

void st_in_time(struct machine *m, uint64_t began, const char *what)
{
    uint64_t most = (m->variant->rough ? 6 : 30) * ST_S;
    uint64_t took = st_now(m) - began;

    st_expect(m, ST_TIME, took < most, "%s took %llu ms", what, (unsigned long long)(took / ST_MS));
}

static bool make_device(struct machine *m, uint32_t index)
{
    struct st_device *d = &m->dev[index];
    bool stalls = m->unit[index / ST_PER].b.features.stalls;
    const struct st_shape *shape = &shapes[index % ST_PER + (index % ST_PER == 4 && !stalls)];

    d->m = m;
    d->unit = &m->unit[index / ST_PER];
    d->name = shape->name;
    d->flags = shape->flags;
    d->pf = shape->vf ? &m->dev[index - index % ST_PER] : NULL;
    d->id = 0x108 + 8 * index;
    d->id_count = shape->ids;
    d->shape = shape;
    (void)pthread_rwlock_init(&d->held, NULL);
    (void)pthread_mutex_init(&d->family, NULL);
    return st_device_make(d, true);
}

bool st_device_make(struct st_device *d, bool fresh)
{
    const uint32_t ids[2] = {d->id, d->id + 1};
    struct machine *m = d->m;
    uiommu_err err;

    if (fresh && !make_endpoint(d, d->shape, ids)) {
        return st_expect(m, ST_DOWN, false, "no memory for %s", d->name);
    }
    err = attach(d, d->shape, ids);
    d->refused = err;
    /* It may still be there, for its unit hangs: a zombie, until that was restarted. */
    if (st_luck(m, err) || (m->variant->rough && err == UIOMMU_E_EXISTS)) {
        return false;
    }
    return st_expect(m, ST_DOWN, err == UIOMMU_OK, "attach of %s to %s: %d", d->name,
                     d->unit->vendor->name, err);
}

bool st_machine_up(struct machine *m, const struct st_variant *variant, uint64_t seed,
                   uint32_t vendors)
{
    struct uiommu_pasid_space_config numbers = {sizeof(numbers), 1, ST_PASIDS, 2};
    struct uiommu_owner_config owner = {.size = sizeof(owner), .in_flight = 40};
    uiommu_err err;
    uint32_t i;
    bool ok;

    m->variant = variant;
    m->seed = seed;
    choose(m, vendors);
    ok = make_world(m);
    for (i = 0; ok && i < m->units; i++) {
        m->unit[i].m = m;
        m->unit[i].number = i;
        ok = make_model(m, &m->unit[i]);
    }
    if (!ok) {
        return st_expect(m, ST_DOWN, false, "no memory for the models");
    }
    st_host_ops(m);
    err = uiommu_create(&m->ops, &m->u);
    if (err == UIOMMU_OK) {
        err = uiommu_pasid_space_create(m->u, &numbers, &m->pasids);
    }
    if (err == UIOMMU_OK) {
        err = uiommu_owner_create(m->u, &owner, &m->owner);
    }
    for (i = 0; err == UIOMMU_OK && i < m->units; i++) {
        err = make_unit(m, &m->unit[i]);
    }
    ok = st_expect(m, ST_DOWN, err == UIOMMU_OK, "set-up: %d", err);
    for (i = 0; ok && i < m->devices; i++) {
        ok = make_device(m, i);
    }
    return ok;
}

/* ---- the end ---- */

static void detach(struct st_device *d)
{
    uint64_t end = st_now(d->m) + 10 * ST_S;
    uiommu_err err = uiommu_device_detach(d->dev);

    while ((err == UIOMMU_PENDING || err == UIOMMU_E_BUSY) && st_now(d->m) < end) {
        err = uiommu_unit_service(d->unit->unit, 0);
        st_expect(d->m, ST_DOWN, err == UIOMMU_OK || err == UIOMMU_MORE, "last service: %d", err);
        st_sleep(100 * ST_US);
        if (d->m->variant->rough) {
            st_heal(d->m, d->unit); /* The medic has gone home. */
        }
        st_step("detach");
        err = uiommu_device_detach(d->dev);
    }
    st_expect(d->m, ST_DOWN, err == UIOMMU_OK, "detach of %s: %d", d->name, err);
}

/* Some hardware answers by itself what is for a PASID without an entry, or for a device that is
 * shut. */
static void answers(struct st_device *d)
{
    const struct bench_features *f = &d->unit->b.features;
    bool rough = d->m->variant->rough;
    struct model_endpoint_counts n;

    st_lock(d->m);
    model_advance(d->m->world, ST_MS);
    model_endpoint_get_counts(d->ep, &n);
    st_unlock(d->m);
    st_expect(d->m, ST_ANSWERS, n.unexpected == 0, "%s: %llu answers to nothing", d->name,
              (unsigned long long)n.unexpected);
    st_expect(d->m, ST_ANSWERS, n.marker_answers == 0, "%s: %llu answers to markers", d->name,
              (unsigned long long)n.marker_answers);
    st_expect(d->m, ST_ANSWERS, rough || n.failure == 0 || (f->refuses && d->resets > 0),
              "%s: %llu failures", d->name, (unsigned long long)n.failure);
    /* A unit that answers by itself may say the PASID to who does not want it. */
    st_expect(d->m, ST_ANSWERS,
              (n.ignored == 0 || (rough && n.ignored <= n.automatic)) &&
                  (rough || n.automatic == 0 || !f->unknown_pasids || f->refuses),
              "%s: %llu ignored, %llu automatic", d->name, (unsigned long long)n.ignored,
              (unsigned long long)n.automatic);
    st_expect(d->m, ST_ANSWERS, n.groups_outstanding == 0, "%s: %u groups without an answer",
              d->name, n.groups_outstanding);
    st_expect(d->m, ST_ANSWERS, d->resets > 0 || n.lasts == n.success + n.invalid,
              "%s: %llu Lasts, %llu answers", d->name, (unsigned long long)n.lasts,
              (unsigned long long)(n.success + n.invalid));
}

static void unit_down(struct machine *m, struct st_unit *unit)
{
    struct uiommu_unit_counters n;
    uiommu_err err = uiommu_unit_get_counters(unit->unit, &n);

    ST_COUNT_N(m, success, n.success);
    ST_COUNT_N(m, invalid, n.invalid);
    ST_COUNT_N(m, failure, n.failure);
    ST_COUNT_N(m, poisoned, n.poisoned);
    ST_COUNT_N(m, overflows, n.overflows);
    err = uiommu_unit_stop(unit->unit);
    st_expect(m, ST_DOWN, err == UIOMMU_OK, "stop: %d", err);
    err = uiommu_unit_destroy(unit->unit);
    st_expect(m, ST_DOWN, err == UIOMMU_OK, "unit: %d", err);
    atomic_store(&unit->due, NULL);
}

void st_machine_down(struct machine *m)
{
    uint64_t bytes = 0;
    uiommu_err err;
    uint32_t i;

    for (i = m->devices; i > 0 && m->variant->rough; i--) {
        if (m->dev[i - 1].pf == NULL && m->dev[i - 1].dev != NULL) {
            (void)st_reset(m, &m->dev[i - 1]); /* What was lost was lost. */
        }
    }
    for (i = m->devices; i > 0; i--) {
        st_step("detaching");
        if (m->dev[i - 1].dev == NULL) {
            continue;
        }
        answers(&m->dev[i - 1]);
        detach(&m->dev[i - 1]);
    }
    for (i = 0; i < m->devices; i++) {
        err = m->dev[i].port == NULL ? UIOMMU_OK : uiommu_port_destroy(m->dev[i].port);
        st_expect(m, ST_DOWN, err == UIOMMU_OK, "port: %d", err);
    }
    for (i = 0; i < m->units; i++) {
        unit_down(m, &m->unit[i]);
    }
    err = uiommu_pasid_space_destroy(m->pasids);
    st_expect(m, ST_DOWN, err == UIOMMU_OK, "PASID space: %d", err);
    err = uiommu_owner_destroy(m->owner);
    st_expect(m, ST_DOWN, err == UIOMMU_OK, "owner: %d", err);
    err = uiommu_destroy(m->u);
    st_expect(m, ST_DOWN, err == UIOMMU_OK, "instance: %d", err);
    st_expect(m, ST_LEAK, atomic_load(&m->heap_live) == 0, "%lld bytes of heap",
              (long long)atomic_load(&m->heap_live));
    st_expect(m, ST_LEAK, atomic_load(&m->mem_live) == 0, "%lld pieces of DMA memory",
              (long long)atomic_load(&m->mem_live));
    st_expect(m, ST_LEAK, model_ram_live(m->world, &bytes) == 0, "%llu bytes of RAM",
              (unsigned long long)bytes);
    st_expect(m, ST_MODEL, model_report_count(m->world) == 0, "%u reports",
              model_report_count(m->world));
    free(m->memory);
    m->memory = NULL;
}
