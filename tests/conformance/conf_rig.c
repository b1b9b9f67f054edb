/* SPDX-License-Identifier: BSD-2-Clause */
#include "suite.h"

/* What tests are built from: devices with drivers, address spaces with handlers. */

#define FIRST_ID UINT32_C(0x108) /* Where the machine has no other. */

/* ---- handlers ---- */

static struct conf_seen *seen_next(struct conf_space *s)
{
    return &s->seen[s->calls < CONF_SEEN ? s->calls : CONF_SEEN - 1];
}

static uiommu_code on_fault(void *user, const struct uiommu_group *group)
{
    struct conf_space *s = user;
    struct conf_seen *seen = seen_next(s);
    const struct uiommu_page *page = NULL;
    uiommu_code answer = s->answer;

    memset(seen, 0, sizeof(*seen));
    seen->ref = group->ref;
    seen->bond = group->bond;
    seen->id = group->id;
    seen->pasid = group->pasid;
    seen->stall = group->stall;
    seen->first = group->first.address;
    for (page = uiommu_group_next_page(group, NULL); page != NULL;
         page = uiommu_group_next_page(group, page)) {
        seen->pages++;
        seen->last = page->address;
        seen->access |= page->access;
        if (answer == UIOMMU_CODE_SUCCESS) {
            (void)bench_map(&s->c->b, s->tables, page->address, UIOMMU_READ | UIOMMU_WRITE);
        }
    }
    CHECK(s->c, seen->pages == group->pages && group->bond_user == s);
    s->calls++;
    if (s->on_fault != NULL) {
        s->on_fault(s->c, s, group);
    }
    return answer;
}

static void on_orphaned(void *user, struct uiommu_unit *unit, struct uiommu_group_ref ref,
                        enum uiommu_orphan why)
{
    struct conf_space *s = user;
    const struct bench *b = &s->c->b;

    (void)ref;
    while (b != NULL && b->unit != unit) {
        b = b->beside;
    }
    CHECK(s->c, b != NULL);
    if (CHECK(s->c, (uint32_t)why < 3)) {
        s->orphans[why]++;
    }
}

struct conf_space *conf_space_make(struct conf *c)
{
    return conf_space_make_of(c, c->b.features.second_only ? BENCH_SECOND : BENCH_FIRST);
}

struct conf_space *conf_space_make_of(struct conf *c, enum bench_stage stage)
{
    static const struct uiommu_aspace_ops ops = {
        .size = sizeof(ops), .fault = on_fault, .orphaned = on_orphaned};
    struct uiommu_aspace_config config;
    struct uiommu_root roots[BENCH_ROOTS];
    struct conf_space *s = &c->space[c->spaces];

    memset(s, 0, sizeof(*s));
    s->c = c;
    s->answer = UIOMMU_CODE_SUCCESS;
    s->tables = bench_tables_make(&c->b, stage);
    if (!CHECK(c, s->tables != NULL)) {
        return NULL;
    }
    c->spaces++;
    memset(&config, 0, sizeof(config));
    config.size = sizeof(config);
    config.owner = c->owner;
    config.ops = &ops;
    config.user = s;
    config.roots = roots;
    config.root_count = bench_tables_roots(&c->b, s->tables, roots);
    CHECK(c, config.root_count > 0);
    return CHECK(c, uiommu_aspace_create(c->b.u, &config, &s->as) == UIOMMU_OK) ? s : NULL;
}

/* ---- drivers ---- */

static void confirm_later(struct conf_device *d, struct uiommu_bond_ref bond, uint32_t pasid)
{
    uint32_t i;

    for (i = 0; i < CONF_CONFIRMS && d->confirm[i].due; i++) {
    }
    if (CHECK(d->c, i < CONF_CONFIRMS)) {
        d->confirm[i].due = true;
        d->confirm[i].bond = bond;
        d->confirm[i].pasid = pasid;
    }
}

static uiommu_err on_stop(void *ctx, struct uiommu_device *dev, struct uiommu_bond_ref bond,
                          uint32_t pasid)
{
    struct conf_device *d = ctx;

    CHECK(d->c, dev == d->dev);
    d->stops++;
    if (d->on_stop != NULL) {
        d->on_stop(d->c, d);
    }
    if (d->stop == CONF_STOP_ERROR) {
        return UIOMMU_E_HW;
    }
    if (d->stop == CONF_STOP_NEVER) {
        return UIOMMU_PENDING;
    }
    if (model_endpoint_stop(d->ep, pasid == UIOMMU_PASID_NONE ? MODEL_NO_PASID : pasid) &&
        d->stop == CONF_STOP_HONEST) {
        return UIOMMU_OK;
    }
    if (d->stop == CONF_STOP_HONEST) {
        confirm_later(d, bond, pasid);
    }
    return UIOMMU_PENDING;
}

static uint32_t config_read(void *ctx, uint32_t offset, uint32_t bytes)
{
    struct conf_device *d = ctx;

    return model_endpoint_config_read(d->ep, offset, bytes);
}

static void config_write(void *ctx, uint32_t offset, uint32_t bytes, uint32_t value)
{
    struct conf_device *d = ctx;

    model_endpoint_config_write(d->ep, offset, bytes, value);
}

static bool make_endpoint(struct conf *c, struct conf_device *d, const struct conf_how *how,
                          uint32_t flags)
{
    struct model_endpoint_config config;
    uint32_t i;

    memset(&config, 0, sizeof(config));
    config.fabric = d->b->fabric;
    config.pf = how->pf == NULL ? NULL : how->pf->ep;
    config.id_count = how->ids == 0 ? 1 : how->ids;
    for (i = 0; i < config.id_count; i++) {
        d->ids[i] = (d->b->features.first_id != 0 ? d->b->features.first_id : FIRST_ID) +
                    8 * (c->devices - 1) + i;
    }
    d->id = d->ids[0];
    config.ids = d->ids;
    config.has_ats = (flags & UIOMMU_DEVICE_ATS) != 0;
    config.has_pri = (flags & UIOMMU_DEVICE_PRI) != 0;
    config.has_pasid = (flags & UIOMMU_DEVICE_PASID) != 0 && (flags & UIOMMU_DEVICE_STALL) == 0;
    config.pasid_required = !how->pasid_free;
    config.sends_markers = !how->silent_stop;
    config.pasid_width = how->pasid_bits == 0 ? 16 : how->pasid_bits;
    config.pri_capacity = 256;
    config.untranslated = (flags & UIOMMU_DEVICE_ATS) == 0;
    d->ep = model_endpoint_create(c->b.world, &config);
    return CHECK(c, d->ep != NULL);
}

static bool make_port(struct conf *c, struct conf_device *d, const struct conf_how *how)
{
    struct uiommu_port_config config;

    if (how->pf != NULL) {
        return true;
    }
    memset(&config, 0, sizeof(config));
    config.size = sizeof(config);
    config.owner = how->owner;
    config.want = how->want == 0 ? 4 : how->want;
    return CHECK(c, uiommu_port_create(d->b->unit, &config, &d->port) == UIOMMU_OK);
}

/* A platform device has no configuration space. */
static uiommu_err platform_stop(void *ctx, struct uiommu_device *dev, struct uiommu_bond_ref bond,
                                uint32_t pasid)
{
    const struct uiommu_pcie *fn = ctx;

    return on_stop(fn->driver_ctx, dev, bond, pasid);
}

static const struct uiommu_device_ops platform_ops = {.size = sizeof(platform_ops),
                                                      .stop = platform_stop};

struct conf_device *conf_device_plan(struct conf *c, const struct conf_how *how,
                                     struct uiommu_device_config *out)
{
    static const struct conf_how plain = {0};
    struct conf_device *d = &c->dev[c->devices];
    struct uiommu_pcie_access access = {d, config_read, config_write};
    uint32_t flags;

    how = how == NULL ? &plain : how;
    flags =
        how->flags != 0 ? how->flags : UIOMMU_DEVICE_PASID | UIOMMU_DEVICE_ATS | UIOMMU_DEVICE_PRI;
    memset(d, 0, sizeof(*d));
    d->c = c;
    d->b = how->at == NULL ? &c->b : how->at;
    flags &= d->b->features.pri ? ~0u : ~(UIOMMU_DEVICE_ATS | UIOMMU_DEVICE_PRI);
    flags &= d->b->features.untagged ? ~UIOMMU_DEVICE_PASID : ~0u;
    c->devices++;
    if (!make_endpoint(c, d, how, flags) ||
        ((flags & UIOMMU_DEVICE_PRI) != 0 && !make_port(c, d, how)) ||
        !CHECK(c, uiommu_pcie_init(&d->fn, &access, how->pf == NULL ? NULL : &how->pf->fn, on_stop,
                                   d) == UIOMMU_OK)) {
        return NULL;
    }
    memset(out, 0, sizeof(*out));
    out->size = sizeof(*out);
    out->ids = d->ids;
    out->id_count = how->ids == 0 ? 1 : how->ids;
    out->flags = flags;
    if (how->pf != NULL) {
        out->flags |= UIOMMU_DEVICE_VIRTUAL;
        out->pf_id = how->pf->id;
    }
    out->pasid_bits = how->pasid_bits == 0 ? 16 : how->pasid_bits;
    out->in_flight = how->in_flight;
    out->port = how->pf != NULL ? how->pf->port : d->port;
    out->ops = (flags & UIOMMU_DEVICE_STALL) != 0 ? &platform_ops : uiommu_pcie_ops();
    out->ops_ctx = &d->fn;
    out->user = d;
    return d;
}

struct conf_device *conf_device_make(struct conf *c, const struct conf_how *how)
{
    struct uiommu_device_config config;
    struct conf_device *d = conf_device_plan(c, how, &config);

    if (d == NULL || !CHECK(c, uiommu_device_attach(d->b->unit, &config, &d->dev) == UIOMMU_OK)) {
        return NULL;
    }
    return d;
}

/* ---- PASIDs and bonds ---- */

bool conf_up(struct conf *c)
{
    return CHECK(c, bench_up(&c->b) == UIOMMU_OK);
}

uint32_t conf_pasid(struct conf *c)
{
    uint32_t pasid = UIOMMU_PASID_NONE;

    if (!c->b.features.untagged) {
        CHECK(c, uiommu_pasid_alloc(c->b.pasids, c->owner, 16, &pasid) == UIOMMU_OK);
    } else if (c->pasids > 0) {
        bench_lack(&c->b, "devices here have one address space each: they send no PASIDs");
    }
    if (CHECK(c, c->pasids < CONF_PASIDS)) {
        c->pasid[c->pasids] = pasid;
        c->pasids++;
    }
    return pasid;
}

uiommu_err conf_try_bind(struct conf *c, struct conf_device *d, struct conf_space *s,
                         uint32_t pasid, struct uiommu_bond_ref *out)
{
    struct uiommu_bind_config config;

    if (!CHECK(c, d != NULL && s != NULL)) { /* What should have made them has failed. */
        return UIOMMU_E_INVALID;
    }
    memset(&config, 0, sizeof(config));
    config.size = sizeof(config);
    config.pasid = pasid;
    config.user = s;
    return uiommu_bind(d->dev, s->as, &config, out);
}

bool conf_bind(struct conf *c, struct conf_device *d, struct conf_space *s, uint32_t pasid,
               struct uiommu_bond_ref *out)
{
    return CHECK(c, conf_try_bind(c, d, s, pasid, out) == UIOMMU_OK);
}

bool conf_rebind(struct conf *c, struct conf_device *d, struct conf_space *s, uint32_t pasid,
                 struct uiommu_bond_ref *out)
{
    uint64_t end = bench_now(&c->b) + BENCH_FOREVER;
    uiommu_err err = conf_try_bind(c, d, s, pasid, out);

    while (err == UIOMMU_E_BUSY && bench_now(&c->b) < end) {
        conf_run(c, BENCH_SETTLE / 4);
        err = conf_try_bind(c, d, s, pasid, out);
    }
    return CHECK(c, err == UIOMMU_OK);
}

bool conf_flow_up(struct conf *c, struct conf_flow *f)
{
    memset(f, 0, sizeof(*f));
    if (!conf_up(c)) {
        return false;
    }
    f->d = conf_device_make(c, NULL);
    f->a = conf_space_make(c);
    f->b = conf_space_make(c);
    if (f->d == NULL || f->a == NULL || f->b == NULL) {
        return false;
    }
    f->pasid = conf_pasid(c);
    return conf_bind(c, f->d, f->a, f->pasid, &f->bond);
}
