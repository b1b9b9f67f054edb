/* SPDX-License-Identifier: BSD-2-Clause */
#include "play.h"

#include <stdlib.h>
#include <string.h>

/* The machine: units, devices with their drivers, address spaces. */

#define FIRST_ID UINT32_C(0x108)
#define PCIE     (UIOMMU_DEVICE_PASID | UIOMMU_DEVICE_ATS | UIOMMU_DEVICE_PRI)
#define PLATFORM (UIOMMU_DEVICE_PASID | UIOMMU_DEVICE_STALL)

const char *const play_fate_names[PLAY_FATES] = {
    "memory", "irq",    "hang",    "overflow", "slow-ring",  "tlb",    "lie",  "events",
    "reset",  "remove", "restart", "owner",    "switch-off", "device", "stop", "handler",
};

struct sim *play_sim;
static uint64_t setup; /* Before the run, choices follow from the seed alone. */

static uint32_t setup_pick(uint32_t n)
{
    uint64_t z;

    setup += 0x9E3779B97F4A7C15u;
    z = setup;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return (uint32_t)(((z ^ (z >> 31)) >> 32) * n >> 32);
}

uint32_t play_pick(uint32_t n)
{
    return sim_self(play_sim) == UINT32_MAX ? setup_pick(n) : sim_choose(play_sim, SIM_LOAD, n);
}

bool play_chance(uint32_t per_mille)
{
    return play_pick(1000) >= 1000 - per_mille;
}

bool play_strikes(struct play *p, enum play_fate fate, uint32_t per_mille)
{
    if (p->ending || (p->fates >> fate & 1u) == 0 ||
        !sim_chance(play_sim, SIM_FAULT, per_mille * p->level)) {
        return false;
    }
    p->counts->fates[fate]++;
    return true;
}

void play_sleep(uint64_t ns)
{
    sim_sleep(play_sim, ns);
}

struct play_unit *play_unit_of(struct play *p, const struct bench *b)
{
    uint32_t i;

    for (i = 0; i + 1 < p->plan.units && p->unit[i].b != b; i++) {
    }
    return &p->unit[i];
}

/* ---- drivers ---- */

bool play_stop(struct play_device *d, uint32_t pasid)
{
    uint32_t number = pasid == UIOMMU_PASID_NONE ? MODEL_NO_PASID : pasid;

    d->life[play_place(pasid)] = 0;
    return model_endpoint_stopped(d->ep, number) || model_endpoint_stop(d->ep, number);
}

static struct play_life *life_at(struct play *p, struct uiommu_bond_ref bond)
{
    struct play_life *l = bond.index < PLAY_BONDS ? play_life_of(p, p->bond[bond.index]) : NULL;

    return l != NULL && l->ref.generation == bond.generation ? l : NULL;
}

/* A driver that does not do what it should. */
static uiommu_err bad_stop(struct play_device *d, struct play_life *l)
{
    d->ill = true;
    if (play_pick(3) == 0) {
        l->impure = true; /* It goes on. */
        l->word = true;
        return UIOMMU_OK;
    }
    return play_pick(2) == 0 ? UIOMMU_E_HW : UIOMMU_PENDING;
}

static uiommu_err on_stop(void *ctx, struct uiommu_device *dev, struct uiommu_bond_ref bond,
                          uint32_t pasid)
{
    struct play_device *d = ctx;
    struct play *p = d->p;
    struct play_life *l = life_at(p, bond);
    struct play_later later;
    uiommu_err err;

    PLAY_NEED("I18", dev == d->dev || d->dev == NULL, "stop() of another device");
    PLAY_NEED("I18", l != NULL && l->d == d && l->pasid == pasid,
              "stop() of a bond that nobody made: device %u, PASID %u", d->number, pasid);
    if (play_strikes(p, PLAY_FATE_STOP, 150)) {
        return bad_stop(d, l);
    }
    if (play_chance(100)) {
        err = uiommu_unit_service(d->b->unit, 0);
        PLAY_NEED("I18", err == UIOMMU_OK || err == UIOMMU_MORE || err == UIOMMU_E_BUSY,
                  "service in stop(): %d", err);
    }
    if (play_stop(d, pasid) && play_chance(700)) {
        l->word = true;
        return UIOMMU_OK;
    }
    memset(&later, 0, sizeof(later));
    later.due = play_now(p) + play_pick(500) * BENCH_US;
    later.d = d;
    later.bond = bond;
    later.pasid = pasid;
    later.life = l->number;
    if (!play_later(p, &later)) {
        d->ill = true; /* Nobody will say it; a reset does. */
    }
    return UIOMMU_PENDING;
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

static uint32_t config_read(void *ctx, uint32_t offset, uint32_t bytes)
{
    struct play_device *d = ctx;

    return model_endpoint_config_read(d->ep, offset, bytes);
}

static void config_write(void *ctx, uint32_t offset, uint32_t bytes, uint32_t value)
{
    struct play_device *d = ctx;

    model_endpoint_config_write(d->ep, offset, bytes, value);
}

/* ---- devices ---- */

struct shape {
    uint32_t flags;
    uint32_t ids;
    bool vf, silent_stop, pasid_free;
};
static const struct shape shapes[] = {
    {PCIE | UIOMMU_DEVICE_TRUST_MARKERS, 1, false, false, false},
    {PCIE, 1, true, false, false},
    {PCIE, 2, false, false, true},
    {PCIE | UIOMMU_DEVICE_RESENDS, 1, false, true, false},
    {PLATFORM, 1, false, true, false},
};
#define SHAPES (sizeof(shapes) / sizeof(shapes[0]))

bool play_endpoint(struct play_device *d)
{
    struct model_endpoint_config config;

    memset(&config, 0, sizeof(config));
    config.fabric = d->b->fabric;
    config.pf = d->pf == NULL ? NULL : d->pf->ep;
    config.ids = d->ids;
    config.id_count = d->id_count;
    config.has_ats = (d->flags & UIOMMU_DEVICE_ATS) != 0;
    config.has_pri = (d->flags & UIOMMU_DEVICE_PRI) != 0;
    config.has_pasid = (d->flags & UIOMMU_DEVICE_STALL) == 0;
    config.pasid_required = !d->pasid_free;
    config.sends_markers = !d->silent_stop;
    config.pasid_width = 16;
    config.pri_capacity = 256;
    config.untranslated = (d->flags & UIOMMU_DEVICE_ATS) == 0;
    d->ep = model_endpoint_create(d->b->world, &config);
    return d->ep != NULL;
}

/* I9: what all ports behind a unit got fits its queue, with the places for markers. */
static void ports_fit(struct play *p, const struct bench *b)
{
    struct uiommu_port_info info;
    uint32_t granted = 0, i;

    for (i = 0; i < p->devices; i++) {
        if (p->dev[i].b == b && p->dev[i].port != NULL) {
            PLAY_NEED("I9", uiommu_port_get_info(p->dev[i].port, &info) == UIOMMU_OK,
                      "no info of a port");
            granted += info.credits;
        }
    }
    PLAY_NEED("I9", granted + b->config.marker_reserve <= b->features.request_room,
              "%u credits and %u places for markers in a queue of %u", granted,
              b->config.marker_reserve, b->features.request_room);
}

static uiommu_err make_port(struct play_device *d)
{
    struct uiommu_port_config config;
    uiommu_err err;

    if (d->pf != NULL || (d->flags & UIOMMU_DEVICE_PRI) == 0 || d->port != NULL) {
        return UIOMMU_OK;
    }
    memset(&config, 0, sizeof(config));
    config.size = sizeof(config);
    config.want = d->want;
    err = uiommu_port_create(d->b->unit, &config, &d->port);
    if (err == UIOMMU_OK) {
        ports_fit(d->p, d->b);
    }
    return err;
}

uiommu_err play_attach(struct play_device *d)
{
    struct uiommu_pcie_access access = {d, config_read, config_write};
    struct uiommu_device_config config;
    struct uiommu_device *dev = NULL;
    uiommu_err err = make_port(d);

    if (err == UIOMMU_OK) {
        err = uiommu_pcie_init(&d->fn, &access, d->pf == NULL ? NULL : &d->pf->fn, on_stop, d);
    }
    if (err != UIOMMU_OK) {
        return err;
    }
    memset(&config, 0, sizeof(config));
    config.size = sizeof(config);
    config.ids = d->ids;
    config.id_count = d->id_count;
    config.flags = d->flags | (d->pf != NULL ? UIOMMU_DEVICE_VIRTUAL : 0);
    config.pf_id = d->pf != NULL ? d->pf->ids[0] : 0;
    config.pasid_bits = 16;
    config.in_flight = d->cap;
    config.port = d->pf != NULL ? d->pf->port : d->port;
    config.ops = (d->flags & UIOMMU_DEVICE_STALL) != 0 ? &platform_ops : uiommu_pcie_ops();
    config.ops_ctx = &d->fn;
    config.user = d;
    err = uiommu_device_attach(d->b->unit, &config, &dev);
    if (err == UIOMMU_OK) {
        d->dev = dev;
    }
    return err;
}

static bool make_device(struct play *p, struct bench *b, uint32_t k, struct play_device *pf)
{
    struct play_device *d = &p->dev[p->devices];
    const struct shape *shape = &shapes[k];
    uiommu_err err;
    uint32_t i;

    d->p = p;
    d->b = b;
    d->number = p->devices;
    d->pf = shape->vf ? pf : NULL;
    d->flags = shape->flags;
    d->id_count = shape->ids;
    for (i = 0; i < shape->ids; i++) {
        d->ids[i] = FIRST_ID + 8 * p->devices + i;
    }
    d->want = 2 + play_pick(5);
    d->cap = play_pick(3) == 0 ? 1 + play_pick(2) : 0;
    d->pasid_free = shape->pasid_free && b->features.response_pasid;
    d->silent_stop = shape->silent_stop;
    p->devices++;
    if (!play_endpoint(d)) {
        sim_fail(play_sim, "setup", "no memory for endpoint %u", d->number);
        return false;
    }
    err = play_attach(d);
    PLAY_NEED("setup", err == UIOMMU_OK, "device %u cannot be attached: %d", d->number, err);
    return err == UIOMMU_OK;
}

static bool make_devices(struct play *p, struct bench *b)
{
    struct play_device *pf = &p->dev[p->devices];
    uint32_t k;

    for (k = 0; k < SHAPES; k++) {
        bool stalls = (shapes[k].flags & UIOMMU_DEVICE_STALL) != 0;

        if ((stalls && !b->features.stalls) || (p->plan.units > 1 && k != 0 && k != 1 && k != 3)) {
            continue;
        }
        if (!make_device(p, b, k, pf)) {
            return false;
        }
    }
    return true;
}

/* ---- the whole ---- */

static bool make_owner(struct play *p, struct play_owner *o)
{
    struct uiommu_owner_config config;

    memset(&config, 0, sizeof(config));
    config.size = sizeof(config);
    config.pasids = 3;
    config.bonds = 6;
    config.in_flight = 2 + play_pick(6);
    o->dead = false;
    return uiommu_owner_create(p->bench->u, &config, &o->owner) == UIOMMU_OK;
}

/* What comes of it, and how often. Alone, each kind shows more than in company. */
uint32_t play_fates_of(uint64_t seed, uint32_t allowed, uint32_t *level)
{
    uint32_t fates = 0, i, way;

    setup = seed;
    (void)setup_pick(2);
    way = setup_pick(10);
    *level = 1 + setup_pick(3);
    if (way < 2) {
        *level = 0;
        return 0;
    }
    if (way < 7) {
        return 1u << setup_pick(PLAY_FATES) & allowed;
    }
    for (i = 0; i < PLAY_FATES; i++) {
        fates |= setup_pick(3) == 0 ? 1u << i : 0;
    }
    return fates & allowed;
}

bool play_machine(struct play *p)
{
    struct bench *b = p->bench;
    struct uiommu_unit_info info;
    uint32_t i;

    p->fates = play_fates_of(p->plan.seed, p->plan.fates, &p->level);
    b->numbers.last = PLAY_NUMBERS;
    b->numbers.reuse_distance = 1 + play_pick(2);
    if (bench_up(b) != UIOMMU_OK) {
        return false;
    }
    for (i = 0; b != NULL; b = b->beside, i++) {
        p->unit[i].b = b;
        if (uiommu_unit_get_info(b->unit, &info) != UIOMMU_OK) {
            return false;
        }
        p->unit[i].number = info.number;
    }
    for (b = p->bench; b != NULL; b = b->beside) {
        if (!make_devices(p, b)) {
            return false;
        }
    }
    return make_owner(p, &p->owner[0]) && make_owner(p, &p->owner[1]);
}

/* ---- address spaces ---- */

struct play_space *play_space_make(struct play *p, enum bench_stage stage)
{
    static const struct uiommu_aspace_ops ops = {
        .size = sizeof(ops), .fault = play_fault, .orphaned = play_orphaned};
    struct uiommu_root roots[BENCH_ROOTS];
    struct uiommu_aspace_config config;
    struct play_owner *o = &p->owner[play_pick(PLAY_OWNERS)];
    struct play_space *s = NULL;
    uiommu_err err;
    uint32_t i;

    for (i = 0; i < PLAY_SPACES && s == NULL; i++) {
        s = p->space[i].used ? NULL : &p->space[i];
    }
    if (s == NULL) {
        return NULL;
    }
    memset(s, 0, sizeof(*s));
    s->p = p;
    s->stage = stage;
    s->serial = ++p->serials;
    s->tables = bench_tables_make(p->bench, stage);
    if (s->tables == NULL) {
        return NULL;
    }
    s->used = true;
    s->owner = play_chance(700) ? o->owner : NULL;
    memset(&config, 0, sizeof(config));
    config.size = sizeof(config);
    config.owner = s->owner;
    config.ops = &ops;
    config.user = s;
    config.roots = roots;
    config.root_count = bench_tables_roots(p->bench, s->tables, roots);
    err = uiommu_aspace_create(p->bench->u, &config, &s->as);
    if (err == UIOMMU_OK) {
        return s;
    }
    PLAY_NEED("I18", err == UIOMMU_E_NOMEM || err == UIOMMU_E_DEAD, "aspace_create: %d", err);
    bench_tables_free(p->bench, s->tables);
    s->used = false;
    return NULL;
}

void play_space_free(struct play_space *s)
{
    PLAY_NEED("R12", !bench_uses_tables(s->p->bench, s->tables),
              "tables of space %u are in use although it is gone", s->serial);
    bench_tables_free(s->p->bench, s->tables);
    s->gone = true;
    s->used = false;
}
