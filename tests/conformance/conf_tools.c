/* SPDX-License-Identifier: BSD-2-Clause */
#include "suite.h"

/* What tests do with what conf_rig.c built, and what they look at. */

#define POLL_NS (10 * BENCH_US)
#define LOOK_NS (50 * BENCH_US)

/* ---- time ---- */

/* A driver whose device has stopped by now says so. */
static void driver(struct conf *c, struct conf_device *d)
{
    uiommu_err err;
    uint32_t i;

    for (i = 0; i < CONF_CONFIRMS; i++) {
        struct conf_confirm *confirm = &d->confirm[i];

        if (confirm->due && model_endpoint_stopped(d->ep, confirm->pasid)) {
            confirm->due = false;
            err = uiommu_bond_stopped(c->b.u, confirm->bond);
            CHECK(c, err == UIOMMU_OK || err == UIOMMU_E_STALE);
        }
    }
}

static void drivers(struct conf *c)
{
    uint32_t i;

    for (i = 0; i < c->devices; i++) {
        driver(c, &c->dev[i]);
    }
}

void conf_run(struct conf *c, uint64_t ns)
{
    uint64_t end = bench_now(&c->b) + ns;

    while (bench_now(&c->b) < end) {
        uint64_t left = end - bench_now(&c->b);

        bench_run(&c->b, left < LOOK_NS ? left : LOOK_NS);
        drivers(c);
    }
    conf_look(c);
}

void conf_idle(struct conf *c)
{
    uint64_t end = bench_now(&c->b) + BENCH_FOREVER;
    uint64_t step = BENCH_US;

    drivers(c);
    if (c->b.beside != NULL) { /* A poll services its own unit only. */
        conf_run(c, POLL_NS);
        return;
    }
    if (!c->b.variant->irq) {
        bench_advance(&c->b, POLL_NS);
        return;
    }
    while (!bench_is_due(&c->b) && bench_now(&c->b) < end) {
        bench_advance(&c->b, step);
        step = step < LOOK_NS ? step * 2 : LOOK_NS;
        drivers(c);
    }
    c->b.irq = false;
    c->b.due = false;
}

/* ---- teardown ---- */

uiommu_err conf_poll(struct conf *c, struct uiommu_bond_ref bond)
{
    uint64_t end = bench_now(&c->b) + BENCH_FOREVER;
    uiommu_err err = uiommu_unbind_poll(c->b.u, bond);

    while (err == UIOMMU_PENDING && bench_now(&c->b) < end) {
        conf_idle(c);
        err = uiommu_unbind_poll(c->b.u, bond);
    }
    return err;
}

uiommu_err conf_unbind(struct conf *c, struct uiommu_bond_ref bond, uint32_t flags)
{
    uiommu_err err = uiommu_unbind_begin(c->b.u, bond, flags);

    return err == UIOMMU_OK ? conf_poll(c, bond) : err;
}

uiommu_err conf_reap(struct conf *c, struct conf_space *s)
{
    uint64_t end = bench_now(&c->b) + BENCH_FOREVER;
    uiommu_err err = uiommu_aspace_reap(s->as);

    while (err == UIOMMU_PENDING && bench_now(&c->b) < end) {
        conf_idle(c);
        err = uiommu_aspace_reap(s->as);
    }
    return err;
}

uiommu_err conf_reset(struct conf *c, struct conf_device *d)
{
    uiommu_err err = uiommu_device_reset_begin(d->dev);

    if (err != UIOMMU_OK) {
        return err;
    }
    model_endpoint_reset(d->ep);
    return conf_reset_ends(c, d);
}

uiommu_err conf_reset_ends(struct conf *c, struct conf_device *d)
{
    uint64_t end = bench_now(&c->b) + BENCH_FOREVER;
    uiommu_err err = uiommu_device_reset_end(d->dev);

    while (err == UIOMMU_PENDING && bench_now(&c->b) < end) {
        conf_run(c, POLL_NS);
        err = uiommu_device_reset_end(d->dev);
    }
    return err;
}

struct uiommu_bond_info conf_bond(struct conf *c, struct uiommu_bond_ref bond)
{
    struct uiommu_bond_info info;

    memset(&info, 0, sizeof(info));
    CHECK(c, uiommu_bond_get_info(c->b.u, bond, &info) == UIOMMU_OK);
    return info;
}

enum uiommu_bond_state conf_state(struct conf *c, struct uiommu_bond_ref bond)
{
    return conf_bond(c, bond).state;
}

bool conf_wait_state(struct conf *c, struct uiommu_bond_ref bond, enum uiommu_bond_state state)
{
    uint64_t end = bench_now(&c->b) + BENCH_FOREVER;

    while (conf_state(c, bond) != state && bench_now(&c->b) < end) {
        conf_run(c, POLL_NS);
    }
    return conf_state(c, bond) == state;
}

/* ---- what devices send and see ---- */

void conf_send(struct conf_device *d, uint32_t pasid, uint64_t va, uint32_t index, bool last)
{
    struct model_page_request r;

    if (!d->b->features.pri) {
        bench_lack(d->b, "no page requests");
    }
    memset(&r, 0, sizeof(r));
    r.id = d->id;
    r.has_pasid = pasid != UIOMMU_PASID_NONE;
    r.pasid = r.has_pasid ? pasid : 0;
    r.address = va;
    r.index = index;
    r.access = MODEL_READ;
    r.last = last;
    model_endpoint_send(d->ep, &r, true);
}

void conf_ask(struct conf_device *d, uint32_t pasid, uint64_t va, uint32_t index)
{
    conf_send(d, pasid, va, index, true);
}

void conf_marker(struct conf_device *d, uint32_t pasid)
{
    struct model_page_request r;

    memset(&r, 0, sizeof(r));
    r.id = d->id;
    r.has_pasid = true;
    r.pasid = pasid;
    r.index = 480;
    r.last = true;
    model_endpoint_send(d->ep, &r, false);
}

struct model_endpoint_counts conf_counts(const struct conf_device *d)
{
    struct model_endpoint_counts counts;

    model_endpoint_get_counts(d->ep, &counts);
    return counts;
}

uiommu_code conf_answer(const struct conf_device *d, uint32_t index)
{
    struct model_page_response r;

    if (!model_endpoint_last_response(d->ep, d->id, index, &r)) {
        return UIOMMU_CODE_NONE;
    }
    return r.code == MODEL_RESPONSE_SUCCESS   ? UIOMMU_CODE_SUCCESS
           : r.code == MODEL_RESPONSE_INVALID ? UIOMMU_CODE_INVALID
                                              : UIOMMU_CODE_FAILURE;
}

bool conf_access(struct conf_device *d, uint32_t pasid, uint64_t va, uint32_t access)
{
    uint8_t bytes[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    uint32_t number = pasid == UIOMMU_PASID_NONE ? MODEL_NO_PASID : pasid;

    return model_endpoint_access(d->ep, number, va, access, bytes, sizeof(bytes)) == MODEL_DMA_OK;
}

void conf_knobs(struct conf_device *d, const struct model_endpoint_knobs *knobs)
{
    static const struct model_endpoint_knobs honest = {0};

    if (!d->b->features.pri && memcmp(knobs, &honest, sizeof(honest)) != 0) {
        bench_lack(d->b, "neither page requests nor a translation cache to do wrong with");
    }
    model_endpoint_set_knobs(d->ep, knobs);
}

/* ---- what the library says ---- */

struct uiommu_unit_counters conf_unit(struct conf *c)
{
    struct uiommu_unit_counters counters;

    memset(&counters, 0, sizeof(counters));
    CHECK(c, uiommu_unit_get_counters(c->b.unit, &counters) == UIOMMU_OK);
    return counters;
}

struct uiommu_device_counters conf_device_counters(struct conf_device *d)
{
    struct uiommu_device_counters counters;

    memset(&counters, 0, sizeof(counters));
    CHECK(d->c, uiommu_device_get_counters(d->dev, &counters) == UIOMMU_OK);
    return counters;
}

struct uiommu_port_info conf_port(struct conf_device *d)
{
    struct uiommu_port_info info;
    uiommu_err err = uiommu_unit_service(d->b->unit, 0);

    /* Slots answered since the last service are taken back by the next. */
    CHECK(d->c, err == UIOMMU_OK || err == UIOMMU_MORE);
    memset(&info, 0, sizeof(info));
    CHECK(d->c, uiommu_port_get_info(d->port, &info) == UIOMMU_OK);
    return info;
}

uint32_t conf_events(struct conf *c, enum uiommu_event_kind kind)
{
    struct uiommu_event event;
    uint32_t found = 0;

    while (uiommu_unit_next_event(c->b.unit, &event) == UIOMMU_OK) {
        found += event.kind == kind;
    }
    return found;
}

uiommu_err conf_respond(struct conf *c, struct uiommu_group_ref ref, uiommu_code code)
{
    return uiommu_group_respond(c->b.unit, ref, code);
}
