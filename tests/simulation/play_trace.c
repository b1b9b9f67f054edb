/* SPDX-License-Identifier: BSD-2-Clause */
#include <uiommu/backend.h>

#include "play.h"

#include <string.h>

/* The shadow of bonds and groups, fed by the library's trace records. */

#define FREE UIOMMU_BOND_FREE

/*
 * LESSONS 4, as the library traces it. FREE to RESERVED is not traced, nor is RESERVED to FREE:
 * nobody has seen such a bond. A bind that fails drains by way of STOPPING; a late request sends a
 * resting bond back to DRAINING (R3), a proof that comes late a poisoned one (R9).
 */
static const bool legal[PLAY_STATES][PLAY_STATES] = {
    [UIOMMU_BOND_RESERVED] = {[UIOMMU_BOND_ATTACHING] = true, [UIOMMU_BOND_STOPPING] = true},
    [UIOMMU_BOND_ATTACHING] = {[UIOMMU_BOND_LIVE] = true, [UIOMMU_BOND_STOPPING] = true},
    [UIOMMU_BOND_LIVE] = {[UIOMMU_BOND_MM_DEAD] = true, [UIOMMU_BOND_STOPPING] = true},
    [UIOMMU_BOND_MM_DEAD] = {[UIOMMU_BOND_STOPPING] = true},
    [UIOMMU_BOND_STOPPING] = {[UIOMMU_BOND_DRAINING] = true},
    [UIOMMU_BOND_DRAINING] = {[UIOMMU_BOND_QUARANTINE] = true, [UIOMMU_BOND_POISONED] = true},
    [UIOMMU_BOND_QUARANTINE] = {[FREE] = true, [UIOMMU_BOND_DRAINING] = true},
    [UIOMMU_BOND_POISONED] = {[UIOMMU_BOND_DRAINING] = true},
};

bool play_legal(uint32_t from, uint32_t to)
{
    return from < PLAY_STATES && to < PLAY_STATES && legal[from][to];
}

static struct play_device *device_of(struct play *p, uint32_t id)
{
    uint32_t i, k;

    for (i = 0; i < p->devices; i++) {
        for (k = 0; k < p->dev[i].id_count; k++) {
            if (p->dev[i].ids[k] == id) {
                return &p->dev[i];
            }
        }
    }
    return NULL;
}

/* ---- bonds ---- */

/* The first record of a bond comes on the CPU that binds, unless its bind has failed. */
static struct play_life *life_first(struct play *p, const struct uiommu_trace *r)
{
    struct play_device *d = device_of(p, (uint32_t)(r->b >> 32));
    uint32_t self = sim_self(play_sim), i;
    struct play_life *l = self < SIM_CPUS ? play_life_of(p, p->binding[self]) : NULL;

    if (l != NULL && l->known == 0 && l->d == d && l->pasid == (uint32_t)r->b) {
        return l;
    }
    for (i = 0; i < PLAY_LIVES; i++) {
        l = &p->life[i];
        if (l->number != 0 && l->known == 0 && l->state != FREE && l->d == d &&
            l->pasid == (uint32_t)r->b) {
            return l;
        }
    }
    return NULL;
}

static struct play_life *life_of(struct play *p, const struct uiommu_trace *r)
{
    uint32_t index = (uint32_t)(r->a >> 32), generation = (uint32_t)r->a;
    struct play_life *l = index < PLAY_BONDS ? play_life_of(p, p->bond[index]) : NULL;

    if (l != NULL && l->ref.generation == generation) {
        return l;
    }
    l = life_first(p, r);
    if (l != NULL && index < PLAY_BONDS) {
        l->ref.index = index;
        l->ref.generation = generation;
        l->known = ++p->known;
        p->bond[index] = l->number;
        l->d->bound[play_place(l->pasid)] = l->number;
    }
    return l;
}

/* Something else than a barrier proves that no request of it is under way. */
static bool proved(const struct play_life *l)
{
    return l->d->b->features.proved || (l->d->flags & UIOMMU_DEVICE_PRI) == 0 || l->marker ||
           l->d->removed || l->resets != l->d->resets;
}

/* I2, R4, R5: what must be true before the number may rest. */
static void to_quarantine(struct play_life *l, uint64_t now)
{
    uint32_t i;

    PLAY_NEED("R4", l->word || l->marker || l->d->removed || l->resets != l->d->resets || !l->live,
              "life %u rests although nobody said that its device has stopped", l->number);
    PLAY_NEED("I2", l->running == 0, "life %u rests with %u groups in handlers", l->number,
              l->running);
    l->rested = now;
    if (l->never) { /* The entry may be another one's. */
        return;
    }
    PLAY_NEED("I2", l->barriers != 0 || l->d->removed || l->resets != l->d->resets,
              "life %u rests without a request barrier", l->number);
    PLAY_NEED("R5", l->barriers >= 2 || proved(l), "life %u rests after one weak barrier",
              l->number);
    for (i = 0; i < l->d->id_count; i++) {
        PLAY_NEED("I2", !play_reaches(l->d, l->d->ids[i], l->pasid),
                  "life %u rests, and device %u still reaches tables under PASID %u", l->number,
                  l->d->number, l->pasid);
    }
}

void play_rested(const struct play_life *l, uint64_t now)
{
    if (l->pasid != UIOMMU_PASID_NONE && !l->never && !proved(l)) {
        PLAY_NEED("R5", now - l->rested >= BENCH_SETTLE,
                  "life %u rested %llu ns, not the settle time", l->number,
                  (unsigned long long)(now - l->rested));
    }
}

static void moves(struct play *p, struct play_life *l, uint32_t from, uint32_t to, uint64_t now)
{
    l->state = to;
    l->never |= from == UIOMMU_BOND_RESERVED && to == UIOMMU_BOND_STOPPING;
    if (to == UIOMMU_BOND_STOPPING) {
        play_ends(l);
    }
    if (to == UIOMMU_BOND_QUARANTINE) {
        to_quarantine(l, now);
    }
    if (to == FREE) {
        play_rested(l, now);
    }
    if (to == UIOMMU_BOND_POISONED) {
        p->counts->poisoned++;
    }
    play_state_life(p, l);
    play_state_seen(p);
}

/* A move that was told too early and is next now. */
static bool next_move(struct play_life *l, uint32_t *from, uint32_t *to)
{
    uint32_t i;

    for (i = 0; i < sizeof(l->early) / sizeof(l->early[0]); i++) {
        if (l->early[i][0] != l->early[i][1] && l->early[i][0] == l->state) {
            *from = l->early[i][0];
            *to = l->early[i][1];
            l->early[i][0] = l->early[i][1];
            return true;
        }
    }
    return false;
}

/* Between a move and its record other CPUs may have moved the bond on, and told. */
static void bond(struct play *p, const struct uiommu_trace *r)
{
    uint32_t from = (uint32_t)r->c, to = (uint32_t)r->d, i = 0;
    struct play_life *l = life_of(p, r);

    PLAY_NEED("states", play_legal(from, to), "a bond goes from state %u to %u", from, to);
    PLAY_NEED("states", l != NULL, "a bond that nobody made goes from state %u to %u", from, to);
    p->counts->moves[from][to]++;
    if (l->state != from) {
        while (i < sizeof(l->early) / sizeof(l->early[0]) && l->early[i][0] != l->early[i][1]) {
            i++;
        }
        PLAY_NEED("states", i < sizeof(l->early) / sizeof(l->early[0]),
                  "life %u is in state %u and comes from %u", l->number, l->state, from);
        l->early[i][0] = (uint8_t)from;
        l->early[i][1] = (uint8_t)to;
        return;
    }
    do {
        moves(p, l, from, to, r->now_ns);
    } while (next_move(l, &from, &to));
}

static void step(struct play *p, const struct uiommu_trace *r)
{
    struct play_life *l = life_of(p, r);

    if (l == NULL) {
        return;
    }
    if (r->c == UIOMMU_STEP_D2_CONFIG) {
        l->barriers = 0;
    }
    l->barriers += r->c == UIOMMU_STEP_D3;
    PLAY_NEED("states", !l->never || (r->c != UIOMMU_STEP_D2_CONFIG && r->c != UIOMMU_STEP_D3),
              "life %u, which hardware never knew, is taken from it (step %u)", l->number,
              (uint32_t)r->c);
    l->step = (uint32_t)r->c;
    play_state_life(p, l);
    play_state_seen(p);
}

static void marker(struct play *p, const struct uiommu_trace *r)
{
    struct play_life *l = r->a != 0 ? life_of(p, r) : NULL;

    if (l != NULL && r->c != 0) {
        PLAY_NEED("R8", (l->d->flags & UIOMMU_DEVICE_TRUST_MARKERS) != 0,
                  "the Stop Marker of device %u counts, which nobody trusts", l->d->number);
        l->marker = true;
    }
}

/* ---- groups ---- */

static struct play_unit *unit_of(struct play *p, uint32_t number)
{
    uint32_t i;

    for (i = 0; i + 1 < p->plan.units && p->unit[i].number != number; i++) {
    }
    return &p->unit[i];
}

/* I19: does the address say that it was sent before the last reset of its device? */
static bool of_before(const struct play_device *d, uint64_t va)
{
    return va >> PLAY_LIFE_SHIFT != 0 && !d->bad && !play_unit_of(d->p, d->b)->lying &&
           !d->resetting && !d->removed && (va >> PLAY_RESET_SHIFT & 15u) != (d->resets & 15u);
}

static void group_over(struct play *p, struct play_group *g)
{
    struct play_life *l = g->life != 0 ? play_life_of(p, g->life) : NULL;

    if (l != NULL) {
        l->running--;
        g->d->running--;
    }
    g->life = 0;
    g->state = 0;
}

static void answered(struct play *p, struct play_group *g, uint32_t code)
{
    struct play_life *l = g->life != 0 ? play_life_of(p, g->life) : NULL;

    p->counts->answered++;
    PLAY_NEED("I3", g->state >= UIOMMU_TRACE_GROUP_READY,
              "a group was answered that is not complete, or was answered before");
    if (l != NULL && l->s->serial == l->serial) {
        PLAY_NEED("I15", code != UIOMMU_CODE_SUCCESS || !l->s->exited,
                  "SUCCESS for a group of space %u, which is dead", l->serial);
    }
    PLAY_NEED("I19", g->stall || g->resets == g->d->resets || !g->d->begun,
              "a group of device %u of before its reset was answered", g->d->number);
    PLAY_NEED("I7", code != UIOMMU_CODE_FAILURE || g->d->spoiled || g->d->ill,
              "FAILURE for a group of device %u", g->d->number);
}

static void group(struct play *p, const struct uiommu_trace *r)
{
    struct play_unit *u = unit_of(p, r->unit);
    uint32_t index = (uint32_t)(r->a >> 32), generation = (uint32_t)r->a;
    struct play_group *g = &u->group[index % PLAY_GROUPS];

    if (r->id == UIOMMU_TRACE_GROUP_OPEN) {
        PLAY_NEED("I3", g->state == 0, "slot %u is taken again", index);
        p->digest -= g->digest;
        memset(g, 0, sizeof(*g));
        g->generation = generation;
        g->index = (uint32_t)r->c;
        g->d = device_of(p, (uint32_t)(r->b >> 32));
        g->resets = g->d->resets;
        g->stall = (u->last_va & UIOMMU_REQUEST_STALL) != 0;
        g->state = r->id;
        PLAY_NEED("I19", !of_before(g->d, u->last_va),
                  "a request of device %u of before its reset was taken", g->d->number);
        return;
    }
    PLAY_NEED("I3", g->state != 0 && g->generation == generation,
              "record %u of a group that is over", r->id);
    if (r->id == UIOMMU_TRACE_GROUP_ANSWERED) {
        answered(p, g, (uint32_t)r->d);
        group_over(p, g);
    } else if (r->id == UIOMMU_TRACE_GROUP_DROPPED) {
        p->counts->dropped++;
        group_over(p, g);
    } else {
        PLAY_NEED("I3", r->id > g->state, "a group goes from record %u to %u", g->state, r->id);
        g->state = r->id;
        p->counts->groups += r->id == UIOMMU_TRACE_GROUP_READY;
    }
}

/* The Last of an open group was refused: it ends with that answer. */
static void refused_group(struct play_unit *u, const struct play_device *d, uint32_t index)
{
    uint32_t i;

    for (i = 0; i < PLAY_GROUPS; i++) {
        struct play_group *g = &u->group[i];

        if (g->state == UIOMMU_TRACE_GROUP_OPEN && g->d == d && g->index == index) {
            g->state = 0;
            play_state_group(d->p, g);
        }
    }
}

static void refused(struct play *p, const struct uiommu_trace *r)
{
    struct play_unit *u = unit_of(p, r->unit);
    struct play_device *d = device_of(p, (uint32_t)(r->a >> 32));

    if (d != NULL && r->c != UIOMMU_CODE_NONE &&
        (r->d == UIOMMU_DROP_CLOSED || r->d == UIOMMU_DROP_OLD_LIFE ||
         r->d == UIOMMU_DROP_ACCESS)) {
        refused_group(u, d, (uint32_t)r->b);
    }

    if (d == NULL || r->c == UIOMMU_CODE_NONE || u->last_index != (uint32_t)r->b ||
        (u->last_va & UIOMMU_REQUEST_STALL) != 0) {
        return;
    }
    PLAY_NEED("I19", !of_before(d, u->last_va),
              "a request of device %u of before its reset was answered", d->number);
}

static void request(struct play *p, const struct uiommu_trace *r)
{
    struct play_unit *u = unit_of(p, r->unit);
    struct play_device *d = device_of(p, (uint32_t)(r->a >> 32));
    struct play_life *l = NULL;

    u->last_va = r->b;
    u->last_index = (uint32_t)r->c;
    if (d != NULL && ((uint32_t)r->a <= PLAY_NUMBERS || (uint32_t)r->a == UIOMMU_PASID_NONE)) {
        l = play_life_of(p, d->bound[play_place((uint32_t)r->a)]);
    }
    if (l != NULL) {
        l->marker = false; /* R8: a marker with a request behind it was none. */
    }
}

/* I9: whoever keeps to his credits never fills a queue; a restart counts as one overflow each. */
static void overflow(struct play *p, const struct uiommu_trace *r)
{
    /* A flood of events fills the event log, which is a ring of its own, where one has requests. */
    const uint32_t causes = 1u << PLAY_FATE_OVERFLOW | 1u << PLAY_FATE_DEVICE |
                            1u << PLAY_FATE_LIE | (r->a != 0 ? 1u << PLAY_FATE_EVENTS : 0);
    struct play_unit *u = unit_of(p, r->unit);
    uint32_t ring = 1u << (r->a & 31u);
    bool shaken = (u->shaken & ring) != 0 || u->busy;

    p->counts->overflows++;
    u->shaken &= u->busy ? UINT32_MAX : ~ring;
    PLAY_NEED("I9", shaken || (p->fates & causes) != 0,
              "a queue overflowed although all are honest");
}

/* From its isolation on a device, and all of its port, are told FAILURE. */
static void device(struct play *p, const struct uiommu_trace *r)
{
    struct play_device *d = device_of(p, (uint32_t)r->a);
    uint32_t i;

    for (i = 0; d != NULL && r->c == UIOMMU_EVENT_DEVICE_ISOLATED && i < p->devices; i++) {
        struct play_device *o = &p->dev[i];

        if (o == d || o->pf == d || o == d->pf || (o->pf != NULL && o->pf == d->pf)) {
            o->spoiled = true;
            o->ill = true;
        }
    }
}

void play_trace(struct sim *s, void *ctx, const struct uiommu_trace *r)
{
    struct play *p = ctx;

    (void)s;
    switch (r->id) {
    case UIOMMU_TRACE_BOND:
        bond(p, r);
        break;
    case UIOMMU_TRACE_STEP:
        step(p, r);
        break;
    case UIOMMU_TRACE_REQUEST:
        request(p, r);
        break;
    case UIOMMU_TRACE_GROUP_OPEN:
    case UIOMMU_TRACE_GROUP_READY:
    case UIOMMU_TRACE_GROUP_DISPATCHED:
    case UIOMMU_TRACE_GROUP_PENDING:
    case UIOMMU_TRACE_GROUP_ANSWERED:
    case UIOMMU_TRACE_GROUP_DROPPED:
        group(p, r);
        play_state_group(p, &unit_of(p, r->unit)->group[(r->a >> 32) % PLAY_GROUPS]);
        play_state_seen(p);
        break;
    case UIOMMU_TRACE_REFUSED:
        refused(p, r);
        break;
    case UIOMMU_TRACE_MARKER:
        marker(p, r);
        break;
    case UIOMMU_TRACE_DEVICE:
        device(p, r);
        break;
    case UIOMMU_TRACE_OVERFLOW:
        overflow(p, r);
        break;
    default:
        break;
    }
}
