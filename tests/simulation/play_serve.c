/* SPDX-License-Identifier: BSD-2-Clause */
#include "play.h"

#include <string.h>

/* CPUs that service units, take events, and do later what was put off. */

#define ROUNDS 200u /* MORE in a row. */

/* ---- service ---- */

static bool due(struct play *p, struct play_unit *u)
{
    struct bench *b = u->b;
    uint64_t now = play_now(p);

    if (!b->started) {
        return false;
    }
    if (play_strikes(p, PLAY_FATE_IRQ, 10)) {
        u->deaf_until = now + play_pick(4000) * BENCH_US;
        b->irq = false;
    }
    if (b->variant->irq && now < u->deaf_until) {
        return b->due || uiommu_unit_next_deadline(b->unit) <= now;
    }
    return !b->variant->irq || b->irq || b->due || uiommu_unit_next_deadline(b->unit) <= now;
}

static void serve(struct play *p, struct play_unit *u)
{
    uint32_t self = sim_self(play_sim), rounds = 0;
    uint32_t budget = play_chance(300) ? 1 + play_pick(8) : 0;
    uiommu_err err;

    u->b->irq = false;
    u->b->due = false;
    do {
        p->serves[self] = p->steps[self];
        err = uiommu_unit_service(u->b->unit, budget);
        p->serves[self] = 0;
        PLAY_NEED("I18",
                  err == UIOMMU_OK || err == UIOMMU_MORE || err == UIOMMU_E_BUSY ||
                      (err == UIOMMU_E_STATE && (u->busy || u->asleep || u->sick)),
                  "service: %d", err);
        rounds++;
    } while (err == UIOMMU_MORE && rounds < ROUNDS);
}

/* ---- events ---- */

void play_ill(struct play *p, const struct bench *b)
{
    uint32_t i;

    for (i = 0; i < p->devices; i++) {
        if (p->dev[i].b == b) {
            p->dev[i].ill = true;
        }
    }
}

static void event(struct play *p, struct play_unit *u, const struct uiommu_event *event)
{
    struct play_device *d = event->device_user;

    switch (event->kind) {
    case UIOMMU_EVENT_REQUESTS_LOST:
    case UIOMMU_EVENT_DEVICE_ISOLATED:
    case UIOMMU_EVENT_PRI_OFF:
    case UIOMMU_EVENT_INVALIDATION_TIMEOUT:
    case UIOMMU_EVENT_BOND_POISONED:
        if (d != NULL) {
            d->ill = true;
        } else {
            play_ill(p, u->b);
        }
        break;
    case UIOMMU_EVENT_EVENTS_LOST:
    case UIOMMU_EVENT_QUEUE_ERROR:
    case UIOMMU_EVENT_COMMAND_ERROR:
        play_ill(p, u->b);
        break;
    case UIOMMU_EVENT_UNIT_HUNG:
    case UIOMMU_EVENT_UNIT_ERROR:
        u->sick = true;
        play_ill(p, u->b);
        break;
    case UIOMMU_EVENT_LATE_REQUEST:
        break;
    default:
        return; /* Of accesses to what is not mapped: devices of dead spaces do that. */
    }
    PLAY_NEED("events", play_rough(p), "an event of kind %d although all is well",
              (int)event->kind);
}

static void take_events(struct play *p, struct play_unit *u)
{
    struct uiommu_event e;

    while (uiommu_unit_next_event(u->b->unit, &e) == UIOMMU_OK) {
        event(p, u, &e);
    }
}

void play_cpu_serve(struct sim *s, void *arg)
{
    struct play *p = arg;
    uint64_t step = BENCH_US;
    uint32_t i;

    (void)s;
    p->serving++;
    while (!p->over) {
        bool any = false;

        for (i = 0; i < p->plan.units; i++) {
            if (due(p, &p->unit[i]) || play_chance(20)) {
                serve(p, &p->unit[i]);
                any = p->bench->variant->irq;
            }
            if (play_chance(100)) {
                take_events(p, &p->unit[i]);
            }
        }
        step = any ? BENCH_US : step < 32 * BENCH_US ? 2 * step : step;
        play_sleep(step);
    }
    p->serving--;
}

/* ---- later ---- */

bool play_later(struct play *p, const struct play_later *what)
{
    uint32_t i;

    for (i = 0; i < PLAY_LATER; i++) {
        if (!p->later[i].used) {
            p->later[i] = *what;
            p->later[i].used = true;
            return true;
        }
    }
    return false;
}

static void respond(struct play *p, const struct play_later *later)
{
    struct uiommu_group_ref ref = later->group;
    uiommu_err err;

    if (play_chance(20)) { /* A token of before. */
        ref.generation--;
        err = uiommu_group_respond(later->unit, ref, UIOMMU_CODE_SUCCESS);
        PLAY_NEED("I3", err == UIOMMU_E_STALE || err == UIOMMU_E_HANDLE, "an old token: %d", err);
    }
    err = uiommu_group_respond(later->unit, later->group,
                               play_chance(950) ? UIOMMU_CODE_SUCCESS : UIOMMU_CODE_INVALID);
    PLAY_NEED("I3", err == UIOMMU_OK || err == UIOMMU_E_STALE || err == UIOMMU_E_DEAD,
              "respond: %d", err);
    p->counts->stale += err == UIOMMU_E_STALE;
    p->counts->dead += err == UIOMMU_E_DEAD;
}

/* Has its device stopped by now? Its driver says so then. */
static void confirm(struct play *p, struct play_later *later)
{
    struct play_life *l = play_life_of(p, later->life);
    uiommu_err err;

    if (l == NULL || l->state == UIOMMU_BOND_FREE) {
        later->used = false; /* Its number may have a new life. */
        return;
    }
    if (!l->d->removed && !play_stop(l->d, later->pasid)) {
        later->due = play_now(p) + 5 * BENCH_US;
        return;
    }
    later->used = false;
    l->word = true;
    err = uiommu_bond_stopped(p->bench->u, later->bond);
    PLAY_NEED("I18", err == UIOMMU_OK || err == UIOMMU_E_STALE, "bond_stopped: %d", err);
}

void play_cpu_answer(struct sim *s, void *arg)
{
    struct play *p = arg;
    uint32_t i;

    (void)s;
    p->serving++;
    while (!p->over) {
        for (i = 0; i < PLAY_LATER; i++) {
            struct play_later later = p->later[i];

            if (!later.used || later.due > play_now(p)) {
                continue;
            }
            if (later.unit == NULL) {
                confirm(p, &p->later[i]);
            } else {
                p->later[i].used = false;
                respond(p, &later);
            }
        }
        play_sleep((1 + play_pick(20)) * BENCH_US);
    }
    p->serving--;
}
