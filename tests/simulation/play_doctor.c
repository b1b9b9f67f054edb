/* SPDX-License-Identifier: BSD-2-Clause */
#include "play.h"

#include <string.h>

/* What a host does about sick devices and units; and resets, sleep and hot-plug without need. */

/* Slow CPUs take a step in 500 us: one pass of a unit's service 150 ms, a restart 100 ms. */
static uint64_t reset_in(const struct play *p)
{
    return p->plan.harsh ? PLAY_FOREVER : PLAY_FOREVER / 4;
}

/* ---- units ---- */

/* Hardware may answer by itself, FAILURE as well, while a unit is off. */
static void spoil(struct play *p, const struct bench *b)
{
    uint32_t i;

    for (i = 0; i < p->devices; i++) {
        p->dev[i].spoiled |= p->dev[i].b == b;
    }
    play_ill(p, b);
}

void play_heal(struct play *p, struct play_unit *u)
{
    uint64_t began = play_now(p);
    uiommu_err err;

    u->busy = true;
    u->shaken = UINT32_MAX;
    spoil(p, u->b);
    u->b->vendor->hang(u->b, false);
    u->sick = false; /* What is told from here on is news. */
    err = uiommu_unit_restart(u->b->unit);
    while (err != UIOMMU_OK && play_now(p) - began < reset_in(p)) {
        PLAY_NEED("I21",
                  err == UIOMMU_E_HW || err == UIOMMU_E_TIMEOUT || err == UIOMMU_E_NOMEM ||
                      err == UIOMMU_E_BUSY,
                  "restart: %d", err);
        u->b->vendor->hang(u->b, false);
        u->b->vendor->lie(u->b, BENCH_LIE_NONE);
        play_sleep(100 * BENCH_US);
        err = uiommu_unit_restart(u->b->unit);
    }
    PLAY_NEED("I21", err == UIOMMU_OK, "a unit does not come back: %d", err);
    spoil(p, u->b);
    u->lying = false;
    u->busy = false;
}

static void nap(struct play *p, struct play_unit *u)
{
    uint64_t began = play_now(p);
    uiommu_err err;

    u->busy = true;
    u->shaken = UINT32_MAX;
    u->asleep = true;
    spoil(p, u->b);
    err = uiommu_unit_suspend(u->b->unit);
    PLAY_NEED("I18", err == UIOMMU_OK || err == UIOMMU_E_TIMEOUT || err == UIOMMU_E_HW,
              "suspend: %d", err);
    if (err == UIOMMU_OK) {
        u->b->started = false;
        play_sleep(play_pick(500) * BENCH_US);
        u->b->vendor->power_cycle(u->b);
        do {
            err = uiommu_unit_resume(u->b->unit);
            play_sleep(20 * BENCH_US);
        } while (err != UIOMMU_OK && play_now(p) - began < reset_in(p));
        PLAY_NEED("I21", err == UIOMMU_OK, "a unit does not wake up: %d", err);
        u->b->started = true;
    } else {
        u->sick = true;
    }
    spoil(p, u->b);
    u->asleep = false;
    u->busy = false;
}

/* ---- devices ---- */

static bool of_port(const struct play_device *d, const struct play_device *root)
{
    return d == root || d->pf == root;
}

static void begin(struct play *p, struct play_device *d)
{
    uiommu_err err;

    d->resetting = true;
    memset(d->life, 0, sizeof(d->life));
    d->resets++;
    err = uiommu_device_reset_begin(d->dev);
    PLAY_NEED("I18",
              err == UIOMMU_OK || err == UIOMMU_E_GONE ||
                  ((err == UIOMMU_E_TIMEOUT || err == UIOMMU_E_HW) && play_rough(p)),
              "reset_begin: %d", err);
    if (err == UIOMMU_E_TIMEOUT || err == UIOMMU_E_HW) {
        play_heal(p, play_unit_of(p, d->b)); /* Answers may still be in its ring. */
    }
    d->begun = true;
}

/* The model of the IOMMU is told that requests of before are over, where it remembers them. */
static void forget(struct play_device *d)
{
    uint32_t k;

    for (k = 0; k < d->id_count && d->b->vendor->device_reset != NULL; k++) {
        d->b->vendor->device_reset(d->b, d->ids[k]);
    }
}

static void endpoint_reset(struct play *p, struct play_device *root)
{
    uint32_t i;

    model_endpoint_reset(root->ep);
    for (i = 0; i < p->devices; i++) {
        if (of_port(&p->dev[i], root)) {
            p->dev[i].held = true;
            forget(&p->dev[i]);
        }
    }
}

/* BUSY, TIMEOUT: it has sent something since, and its page requests do not stop. */
static uiommu_err end(struct play *p, struct play_device *d, uint64_t began)
{
    struct play_unit *u = play_unit_of(p, d->b);
    uiommu_err err = uiommu_device_reset_end(d->dev);

    while (err != UIOMMU_OK && err != UIOMMU_E_GONE && play_now(p) - began < reset_in(p)) {
        PLAY_NEED("I18",
                  err == UIOMMU_PENDING ||
                      ((err == UIOMMU_E_TIMEOUT || err == UIOMMU_E_HW || err == UIOMMU_E_NOMEM ||
                        err == UIOMMU_E_STATE || err == UIOMMU_E_BUSY) &&
                       play_rough(p)),
                  "reset_end: %d", err);
        if (u->sick) {
            play_heal(p, u);
        }
        if (err == UIOMMU_E_BUSY || err == UIOMMU_E_TIMEOUT) {
            return err;
        }
        play_sleep((2 + play_pick(50)) * BENCH_US);
        forget(d); /* After the last try what the device asks is of its new life. */
        err = uiommu_device_reset_end(d->dev);
    }
    PLAY_NEED("I21", err == UIOMMU_OK || err == UIOMMU_E_GONE, "a reset never ends: %d", err);
    d->begun = false;
    d->resetting = false;
    d->held = false;
    d->ill = false;
    return err;
}

/* All functions behind a port at once. false: not all came to their end. */
static bool reset_once(struct play *p, struct play_device *root, uint64_t began)
{
    static const struct model_endpoint_knobs honest = {0};
    uiommu_err err = UIOMMU_OK;
    uint32_t i;

    for (i = 0; i < p->devices; i++) {
        if (of_port(&p->dev[i], root) && p->dev[i].dev != NULL) {
            begin(p, &p->dev[i]);
        }
    }
    /* What is on its way down to the device is there before the write that resets it. */
    play_sleep(2 * BENCH_US + (play_chance(300) ? play_pick(300) * BENCH_US : 0));
    for (i = 0; i < p->devices; i++) {
        if (of_port(&p->dev[i], root)) {
            p->dev[i].bad = false;
            model_endpoint_set_knobs(p->dev[i].ep, &honest);
        }
    }
    endpoint_reset(p, root);
    for (i = 0; i < p->devices; i++) {
        if (of_port(&p->dev[i], root) && p->dev[i].dev != NULL) {
            err = end(p, &p->dev[i], began);
            if (err == UIOMMU_E_BUSY || err == UIOMMU_E_TIMEOUT) {
                return false;
            }
        }
    }
    return true;
}

bool play_reset(struct play *p, struct play_device *d)
{
    struct play_device *root = d->pf != NULL ? d->pf : d;
    uint64_t began = play_now(p);

    if (root->removed || root->leaving || root->dev == NULL) {
        return false;
    }
    while (!reset_once(p, root, began)) {
        PLAY_NEED("I21", play_now(p) - began < reset_in(p), "device %u cannot be reset", d->number);
        play_sleep((2 + play_pick(50)) * BENCH_US);
    }
    p->counts->resets++;
    return true;
}

/* Lives of before a reset go on afterwards, unless they are at their end. */
static void lives_again(struct play *p, struct play_device *d)
{
    uint32_t i;

    for (i = 0; i < PLAY_LIVES; i++) {
        struct play_life *l = &p->life[i];

        if (l->number != 0 && l->d == d && l->state == UIOMMU_BOND_LIVE && l->live && !l->word &&
            play_chance(500)) {
            d->life[play_place(l->pasid)] = l->number;
        }
    }
}

static bool alone(struct play *p, const struct play_device *d)
{
    uint32_t i;

    for (i = 0; i < p->devices; i++) {
        if (p->dev[i].pf == d) {
            return false;
        }
    }
    return d->pf == NULL && d->dev != NULL && (d->flags & UIOMMU_DEVICE_STALL) == 0;
}

static bool detach(struct play *p, struct play_device *d)
{
    uint64_t began = play_now(p);
    uiommu_err err = UIOMMU_PENDING;

    while (d->users != 0) { /* They may wait for the unit, and nobody else heals it. */
        if (play_unit_of(p, d->b)->sick) {
            play_heal(p, play_unit_of(p, d->b));
        }
        play_sleep(BENCH_US);
    }
    while (err != UIOMMU_OK && play_now(p) - began < PLAY_FOREVER) {
        struct play_unit *u = play_unit_of(p, d->b);

        err = uiommu_device_detach(d->dev);
        PLAY_NEED("I18",
                  err == UIOMMU_OK || err == UIOMMU_E_BUSY || err == UIOMMU_PENDING ||
                      play_rough(p),
                  "detach: %d", err);
        if (u->sick) {
            play_heal(p, u);
        }
        if (err == UIOMMU_E_BUSY && d->ill && !d->removed) { /* Poisoned bonds wait for that. */
            d->leaving = false;
            (void)play_reset(p, d);
            d->leaving = true;
        }
        play_sleep(50 * BENCH_US);
    }
    PLAY_NEED("I21", err == UIOMMU_OK, "a device is never detached: %d", err);
    d->dev = NULL;
    return true;
}

/* Pulled without warning, or unplugged in order; then another one is plugged in its place. */
static void plug(struct play *p, struct play_device *d)
{
    uint64_t began = play_now(p);
    uiommu_err err;
    uint32_t i;

    if (!alone(p, d)) {
        return;
    }
    p->counts->removals++;
    d->leaving = true;
    if (play_chance(700)) {
        d->removed = true;
        memset(d->life, 0, sizeof(d->life));
        model_endpoint_remove(d->ep);
        play_sleep(play_pick(200) * BENCH_US);
        err = uiommu_device_removed(d->dev);
        play_sleep(2 * BENCH_US);
        PLAY_NEED("I18", err == UIOMMU_OK, "removed: %d", err);
    }
    (void)detach(p, d);
    if (d->removed) {
        for (i = 0; i < d->id_count; i++) {
            model_fabric_detach_endpoint(d->b->fabric, d->ids[i]);
        }
        forget(d);
        if (!play_endpoint(d)) {
            return; /* No memory for another one: the place stays empty. */
        }
    }
    if (!d->removed && (d->ill || d->bad)) { /* Who takes a sick one away resets it. */
        model_endpoint_reset(d->ep);
        forget(d);
    }
    d->resets++;
    if (play_chance(500) && d->port != NULL) {
        do { /* Another one's call may take longer than this one waits for it. */
            err = uiommu_port_destroy(d->port);
        } while (err == UIOMMU_E_TIMEOUT && p->plan.harsh && play_now(p) - began < PLAY_FOREVER);
        PLAY_NEED("I18", err == UIOMMU_OK, "port_destroy: %d", err);
        d->port = NULL;
    }
    do {
        err = play_attach(d);
        if (play_unit_of(p, d->b)->sick) {
            play_heal(p, play_unit_of(p, d->b));
        }
        play_sleep(20 * BENCH_US);
    } while (err != UIOMMU_OK && play_now(p) - began < PLAY_FOREVER);
    PLAY_NEED("I21", err == UIOMMU_OK, "a device cannot be attached: %d", err);
    d->removed = false;
    d->bad = false;
    d->ill = false;
    d->leaving = false;
}

static void rounds(struct play *p)
{
    struct play_unit *u = &p->unit[play_pick(p->plan.units)];
    struct play_device *d = &p->dev[play_pick(p->devices)];
    uint32_t i;

    for (i = 0; i < p->plan.units; i++) {
        if (p->unit[i].sick) {
            play_heal(p, &p->unit[i]);
        }
    }
    for (i = 0; i < p->devices; i++) {
        if (p->dev[i].ill && p->dev[i].dev != NULL && play_reset(p, &p->dev[i])) {
            lives_again(p, &p->dev[i]);
        }
    }
    if (play_strikes(p, PLAY_FATE_RESET, 20) && d->dev != NULL && play_reset(p, d)) {
        lives_again(p, d);
    }
    if (play_strikes(p, PLAY_FATE_REMOVE, 5)) {
        plug(p, d);
    }
    if (play_strikes(p, PLAY_FATE_RESTART, 8)) {
        if (play_chance(500)) {
            nap(p, u);
        } else {
            play_heal(p, u);
        }
    }
}

void play_cpu_doctor(struct sim *s, void *arg)
{
    struct play *p = arg;

    (void)s;
    p->helping++;
    while (!p->done) {
        rounds(p);
        play_sleep((20 + play_pick(400)) * BENCH_US);
    }
    p->helping--;
}
