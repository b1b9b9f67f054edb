/* SPDX-License-Identifier: BSD-2-Clause */
#include "play.h"

#include <string.h>

/* The CPU that causes misfortune. What a device or a driver does wrong spoils its own account. */

static void hang(struct play *p, struct play_unit *u)
{
    if (u->busy || u->asleep) {
        return;
    }
    u->hanging = true;
    u->b->vendor->hang(u->b, true);
    play_ill(p, u->b);
    play_sleep(play_pick(9) * BENCH_MS + play_pick(500) * BENCH_US);
    u->b->vendor->hang(u->b, false);
    u->hanging = false;
    play_ill(p, u->b);
}

/* Requests and answers that such registers and rings eat are nobody's. */
static void spoil(struct play *p, const struct bench *b)
{
    uint32_t i;

    for (i = 0; i < p->devices; i++) {
        if (p->dev[i].b == b) {
            p->dev[i].spoiled = true;
            p->dev[i].bad = true;
            p->dev[i].ill = true;
        }
    }
}

static void lie(struct play *p, struct play_unit *u)
{
    static const enum bench_lie lies[] = {BENCH_LIE_REQUEST_INDEX, BENCH_LIE_EVENT_INDEX,
                                          BENCH_LIE_UNKNOWN_RECORD, BENCH_LIE_REQUEST_NOISE};

    if (u->busy || u->asleep) {
        return;
    }
    spoil(p, u->b);
    u->lying = true;
    u->b->vendor->lie(u->b, lies[play_pick(4)]);
    play_sleep(play_pick(2000) * BENCH_US);
    u->b->vendor->lie(u->b, BENCH_LIE_NONE);
    u->sick = true; /* Its indices may be wrong for ever: the host restarts it. */
    spoil(p, u->b);
}

static void misbehave(struct play_device *d)
{
    struct model_endpoint_knobs knobs;

    if (d->removed || d->dev == NULL || d->resetting) {
        return;
    }
    memset(&knobs, 0, sizeof(knobs));
    switch (play_pick(12)) {
    case 0:
        knobs.exceed_credits = true;
        break;
    case 1:
        knobs.reuse_index_in_flight = true;
        break;
    case 2:
        knobs.lose_marker = true;
        break;
    case 3:
        knobs.forge_marker = true;
        break;
    case 4:
        knobs.never_stops = true;
        break;
    case 5:
        knobs.wakes_after_stop = true;
        break;
    case 6:
        knobs.sends_after_stop = true;
        break;
    case 7:
        knobs.ignore_invalidations = true;
        break;
    case 8:
        knobs.invalidate_delay_ns = play_pick(3000) * BENCH_US;
        break;
    case 9:
        knobs.unsupported_invalidations = true;
        break;
    case 10:
        knobs.split_last = true;
        break;
    default:
        knobs.silent = true;
        break;
    }
    d->bad = true;
    d->spoiled = true;
    model_endpoint_set_knobs(d->ep, &knobs);
}

/* One request of no job's, well formed or not. */
static void wild(struct play_device *d)
{
    struct model_page_request r;

    if (d->removed || d->dev == NULL || d->held) {
        return;
    }
    memset(&r, 0, sizeof(r));
    r.id = d->ids[play_pick(d->id_count)];
    r.has_pasid = play_chance(800);
    r.pasid = r.has_pasid ? 1 + play_pick(PLAY_NUMBERS + 2) : 0;
    r.address = (uint64_t)play_pick(8) << 12;
    r.index = play_pick(512);
    r.access = play_pick(4);
    r.last = play_chance(700);
    d->bad = true;
    d->spoiled = true;
    model_endpoint_send(d->ep, &r, play_chance(500));
}

static void impure(struct play *p, const struct play_device *d)
{
    uint32_t i;

    for (i = 0; i < PLAY_LIVES; i++) {
        p->life[i].impure |= p->life[i].d == d;
    }
}

static void strike_device(struct play *p)
{
    struct play_device *d = &p->dev[play_pick(p->devices)];

    if (play_chance(400)) {
        wild(d);
    } else {
        misbehave(d);
    }
    impure(p, d);
    play_sleep(play_pick(3000) * BENCH_US);
    if (!d->removed && play_chance(200)) {
        model_endpoint_send_lasts(d->ep);
    }
    d->ill = true; /* Sooner or later somebody notices. */
}

static void strike_owner(struct play *p)
{
    struct play_owner *o = &p->owner[play_pick(PLAY_OWNERS)];
    uiommu_err err;
    uint32_t i;

    if (o->dead) {
        return;
    }
    o->dead = true;
    for (i = 0; i < PLAY_SPACES; i++) {
        p->space[i].dead |= p->space[i].used && p->space[i].owner == o->owner;
    }
    err = uiommu_owner_exit(o->owner);
    PLAY_NEED("I14", err == UIOMMU_OK || (err == UIOMMU_E_WITHHELD && play_rough(p)),
              "owner_exit: %d", err);
    for (i = 0; i < PLAY_LIVES; i++) {
        if (p->life[i].number != 0 && p->life[i].s->owner == o->owner) {
            play_ends(&p->life[i]);
        }
    }
    if (play_chance(500)) {
        err = uiommu_owner_reap(o->owner);
        PLAY_NEED("I18", err != UIOMMU_E_STATE && err != UIOMMU_E_HANDLE, "owner_reap: %d", err);
    }
}

static void strike_port(struct play *p)
{
    struct play_device *d = &p->dev[play_pick(p->devices)];
    uint32_t i;
    uiommu_err err;

    if (d->port == NULL || d->dev == NULL || d->leaving || d->resetting) {
        return;
    }
    for (i = 0; i < p->devices; i++) {
        if (&p->dev[i] == d || p->dev[i].pf == d) {
            p->dev[i].spoiled = true;
            p->dev[i].ill = true;
        }
    }
    d->users++;
    err = uiommu_port_switch_off(d->port);
    d->users--;
    PLAY_NEED("I18", err == UIOMMU_OK, "switch_off: %d", err);
}

static void unit_fates(struct play *p, struct play_unit *u)
{
    const struct bench_vendor *v = u->b->vendor;

    if (u->busy || u->asleep || u->sick) {
        return;
    }
    if (play_strikes(p, PLAY_FATE_HANG, 12)) {
        hang(p, u);
    }
    if (play_strikes(p, PLAY_FATE_OVERFLOW, 20)) {
        v->overflow(u->b);
        play_ill(p, u->b); /* The event that says so may be lost in turn. */
    }
    if (v->slow_ring != NULL && play_strikes(p, PLAY_FATE_SLOW_RING, 20)) {
        v->slow_ring(u->b, play_pick(100) * 1000);
    }
    if (play_strikes(p, PLAY_FATE_TLB, 10)) {
        v->lose_invalidations(u->b, 1 + play_pick(2));
        play_ill(p, u->b);
    }
    if (play_strikes(p, PLAY_FATE_LIE, 5)) {
        lie(p, u);
    }
    if (play_strikes(p, PLAY_FATE_EVENTS, 20)) {
        v->event_flood(u->b, 1 + play_pick(300));
        if (u->b->features.aborts && play_pick(3) == 0) {
            v->lie(u->b, BENCH_LIE_EVENT_ABORT);
            play_ill(p, u->b); /* Stalls in the queue are lost. */
        }
    }
}

void play_cpu_fate(struct sim *s, void *arg)
{
    struct play *p = arg;

    (void)s;
    p->helping++;
    while (!p->done && p->fates != 0) {
        if (play_strikes(p, PLAY_FATE_MEMORY, 50)) {
            p->bench->fail_at = p->bench->allocations + 1 + play_pick(8);
        }
        unit_fates(p, &p->unit[play_pick(p->plan.units)]);
        if (play_strikes(p, PLAY_FATE_DEVICE, 20)) {
            strike_device(p);
        }
        if (play_strikes(p, PLAY_FATE_OWNER, 10)) {
            strike_owner(p);
        }
        if (play_strikes(p, PLAY_FATE_SWITCH_OFF, 10)) {
            strike_port(p);
        }
        play_sleep((10 + play_pick(200)) * BENCH_US);
    }
    p->helping--;
}
