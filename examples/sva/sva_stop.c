/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How the end begins: all is copied, the address space dies, or devices are unbound. The last two
 * come at the worst moment that can be arranged: behind each unit at least one group is PENDING,
 * one is partial, and one lies in the ring where nobody has seen it.
 */
#include <string.h>

#include "sva.h"

#define PARTIAL_AGE_NS 8000u   /* Older than any Last on its way is. */
#define SECOND_NS      200000u /* How long a second PENDING group is waited for. */
#define RING_NS        500000u /* How long the ring may stay empty. */
#define ARM_NS         UINT64_C(20000000)

static uint64_t now_of(const struct sva *s)
{
    return model_now(s->machine->world);
}

void sva_phase(struct sva *s, enum sva_phase phase)
{
    s->phase = phase;
    s->phase_since = now_of(s);
    s->stirred = true;
}

/* ---- arranging the moment ---- */

static void split_last(struct sva_engine *e, bool on)
{
    struct model_endpoint_knobs knobs;

    memset(&knobs, 0, sizeof(knobs));
    knobs.split_last = on;
    model_endpoint_set_knobs(e->ep, &knobs);
}

/* So far, or as far as one can go and still have something under way. */
static bool moment_due(const struct sva *s)
{
    uint64_t percent = s->o.kill_at != 0 ? s->o.kill_at : s->o.unbind_at;
    uint64_t open = s->blocks - s->next_block + s->again_count;

    if (percent == 0 || s->moment.reached)
        return false;
    return s->done * 100 >= s->blocks * percent || open <= s->o.devices * s->unit_count;
}

/* How much an engine still has to ask for; what waits for a page that is held does not count. */
static uint32_t work_left(const struct sva_unit *v, const struct sva_engine *e)
{
    uint32_t i, k, left = 0;

    for (i = 0; i < SVA_JOBS; i++) {
        const struct sva_slot *slot = &e->slots[i];

        for (k = 0; k < 2 && (v->victim[k] == NULL || sva_fault_slot(v->victim[k]) != slot); k++) {
        }
        if (k == 2)
            left += slot->state == SVA_SLOT_READ ? 2 : slot->state == SVA_SLOT_WRITE;
    }
    return left;
}

/* The engine that is to leave a group partial: a busy one, and another than the one that waits. */
static void split_begin(struct sva_unit *v)
{
    struct sva *s = v->sva;
    const struct sva_engine *other = sva_fault_slot(v->victim[0])->engine;
    uint32_t first = sva_choose(s, s->o.devices);
    uint32_t i;

    v->splitter = NULL;
    for (i = 0; i < s->o.devices; i++) {
        struct sva_engine *e = &s->engines[(first + i) % s->o.devices];

        if (e->unit != v || (e == other && v->devices > 1) || work_left(v, e) == 0)
            continue;
        if (v->splitter == NULL || work_left(v, e) > work_left(v, v->splitter))
            v->splitter = e;
    }
    if (v->splitter == NULL)
        return;
    v->split_since = now_of(s);
    split_last(v->splitter, true);
}

/* Two groups, if there are two: one stays, one is answered when nobody looks at the ring. */
static bool hold_groups(struct sva_unit *v)
{
    struct sva *s = v->sva;
    uint32_t i;

    for (i = 0; i < 2; i++) {
        if (v->victim[i] != NULL)
            continue;
        v->victim[i] = sva_fault_pick(v, i == 0 ? NULL : v->victim[0]);
        if (v->victim[i] == NULL)
            break;
        sva_disk_hold(s, v->victim[i]);
    }
    return v->victim[0] != NULL && (i == 2 || now_of(s) - s->phase_since >= SECOND_NS);
}

/* Behind every unit. */
static void arm_hold(struct sva *s)
{
    bool all = true;
    uint32_t i;

    for (i = 0; i < s->unit_count; i++) {
        s->units[i].ready = hold_groups(&s->units[i]);
        all = all && s->units[i].ready;
    }
    if (!all)
        return;
    for (i = 0; i < s->unit_count; i++) {
        split_begin(&s->units[i]);
        s->units[i].ready = false;
    }
    sva_phase(s, SVA_ARM_PARTIAL);
}

/* A group of the splitter whose Last is not merely on its way. */
static bool partial_there(const struct sva_unit *v)
{
    uint32_t i;

    for (i = 0; i < SVA_OPEN_MAX && v->counts.open != 0; i++) {
        if (v->open_since[i] > v->split_since && v->open_id[i] == v->splitter->id &&
            now_of(v->sva) - v->open_since[i] >= PARTIAL_AGE_NS)
            return true;
    }
    return false;
}

static void split_end(struct sva_unit *v)
{
    if (v->splitter != NULL)
        split_last(v->splitter, false);
    v->splitter = NULL;
}

static bool split_groups(struct sva_unit *v)
{
    if (v->splitter != NULL && partial_there(v))
        return true;
    if (v->splitter != NULL && work_left(v, v->splitter) == 0)
        split_end(v);
    if (v->splitter == NULL)
        split_begin(v);
    if (v->splitter == NULL && v->victim[1] != NULL) { /* Else there is nothing left to ask for. */
        sva_disk_release(v->sva, v->victim[1], 0);
        v->victim[1] = NULL;
    }
    return false;
}

static void arm_partial(struct sva *s)
{
    bool all = true;
    uint32_t i;

    for (i = 0; i < s->unit_count; i++) {
        s->units[i].ready = split_groups(&s->units[i]);
        all = all && s->units[i].ready;
    }
    if (!all)
        return;
    /* What is being written to OUT was copied before. */
    s->no_flush = true;
    if (s->flushing != 0)
        return;
    sva_hold(s, &s->held_for_stop, true);
    for (i = 0; i < s->unit_count; i++) {
        s->units[i].ready = false;
        if (s->units[i].victim[1] != NULL)
            sva_disk_release(s, s->units[i].victim[1], 0);
        s->units[i].victim[1] = NULL;
    }
    sva_phase(s, SVA_ARM_RING);
}

/* ---- the end of an address space ---- */

static void moment_note(struct sva *s)
{
    struct sva_moment *m = &s->moment;

    m->start_ns = now_of(s);
    m->wall_start_ns = uv_hrtime();
}

static void unbind_engine(struct sva *s, struct sva_engine *e)
{
    uiommu_err err;

    if (e->unbind != SVA_BOUND)
        return;
    e->unbind = SVA_UNBINDING;
    err = uiommu_unbind_begin(s->u, e->bond, 0);
    if (err != UIOMMU_OK)
        sva_fail(s, "device %u: unbind: %s", e->number, uiommu_err_str(err));
}

static void kill_aspace(struct sva *s)
{
    uiommu_err err;
    uint32_t i;

    for (i = 0; i < s->o.devices; i++)
        s->engines[i].unbind = SVA_UNBINDING;
    err = uiommu_aspace_exit(s->as);
    s->dead = true;
    s->withheld = err != UIOMMU_OK;
    if (err != UIOMMU_OK)
        sva_fail(s, "the address space died, but hardware may reach it: %s", uiommu_err_str(err));
}

/* Everybody goes on: late answers, late Lasts. */
static void let_go(struct sva *s)
{
    uint32_t i, k;

    for (i = 0; i < s->unit_count; i++) {
        struct sva_unit *v = &s->units[i];

        split_end(v);
        v->ready = false;
        for (k = 0; k < 2; k++) {
            if (v->victim[k] != NULL)
                sva_disk_release(s, v->victim[k], sva_choose(s, 200000));
            v->victim[k] = NULL;
        }
    }
    sva_hold(s, &s->held_for_stop, false);
}

static uint32_t ring_used(const struct sva_unit *v)
{
    return v->iommu->backend->ring_used(v->iommu);
}

static void look_at_unit(struct sva_unit *v)
{
    v->found.in_ring = ring_used(v);
    v->found.partial = v->counts.open;
    v->found.pending = sva_fault_pending(v);
    v->found.blocks = v->counts.blocks;
}

static void strike(struct sva *s)
{
    uint32_t count = s->o.unbind == 0 ? s->o.devices : s->o.unbind;
    uint32_t first = sva_choose(s, s->o.devices);
    uint32_t i;

    s->moment.reached = true;
    for (i = 0; i < s->unit_count; i++)
        look_at_unit(&s->units[i]);
    moment_note(s);
    if (s->o.kill_at != 0) {
        kill_aspace(s);
        sva_phase(s, SVA_DRAINING);
    } else {
        s->no_flush = false;
        for (i = 0; i < count; i++)
            unbind_engine(s, &s->engines[(first + i) % s->o.devices]);
        sva_phase(s, count < s->o.devices ? SVA_COPYING : SVA_DRAINING);
    }
    let_go(s);
}

static void arm_ring(struct sva *s)
{
    bool all = true;
    uint32_t i;

    for (i = 0; i < s->unit_count; i++)
        all = all && ring_used(&s->units[i]) > 0;
    if (all) {
        strike(s);
    } else if (now_of(s) - s->phase_since > RING_NS) {
        /* Somewhere nobody had anything to ask for: once more. */
        for (i = 0; i < s->unit_count; i++)
            split_end(&s->units[i]);
        s->no_flush = false;
        sva_hold(s, &s->held_for_stop, false);
        sva_phase(s, SVA_ARM_HOLD);
    }
}

/* ---- the step ---- */

static void unbind_rest(struct sva *s)
{
    uint32_t i;

    let_go(s);
    s->no_flush = false;
    if (!s->moment.reached)
        moment_note(s);
    for (i = 0; i < s->o.devices; i++)
        unbind_engine(s, &s->engines[i]);
    sva_phase(s, SVA_DRAINING);
}

static void poll_engine(struct sva *s, struct sva_engine *e)
{
    uiommu_err err = uiommu_unbind_poll(s->u, e->bond);

    if (err == UIOMMU_PENDING)
        return;
    e->unbind = SVA_UNBOUND;
    if (err != UIOMMU_OK)
        sva_fail(s, "device %u: unbind: %s", e->number, uiommu_err_str(err));
}

/* true: no device has a bond any more that was to end. */
static bool drained(struct sva *s)
{
    bool all = true;
    uiommu_err err;
    uint32_t i;

    if (s->dead) {
        err = uiommu_aspace_reap(s->as);
        if (err == UIOMMU_PENDING)
            return false;
        if (err != UIOMMU_OK)
            sva_fail(s, "reap: %s", uiommu_err_str(err));
        else
            s->withheld = false;
        for (i = 0; i < s->o.devices; i++)
            s->engines[i].unbind = SVA_UNBOUND;
        return true;
    }
    for (i = 0; i < s->o.devices; i++) {
        if (s->engines[i].unbind == SVA_UNBINDING)
            poll_engine(s, &s->engines[i]);
        all = all && s->engines[i].unbind != SVA_UNBINDING;
    }
    return all;
}

void sva_stop_step(struct sva *s)
{
    bool over = (s->moment.reached || s->phase == SVA_DRAINING) && drained(s);

    if (over)
        s->moment.over = true;
    if (s->phase <= SVA_ARM_RING && (s->failures > 0 || s->done == s->blocks)) {
        unbind_rest(s);
        return;
    }
    if (s->phase >= SVA_ARM_HOLD && s->phase <= SVA_ARM_RING && now_of(s) - s->arm_since > ARM_NS) {
        strike(s); /* It could not be arranged; the verdict will say so. */
        return;
    }
    switch (s->phase) {
    case SVA_COPYING:
        if (moment_due(s)) {
            s->arm_since = now_of(s);
            sva_phase(s, SVA_ARM_HOLD);
        }
        break;
    case SVA_ARM_HOLD:
        arm_hold(s);
        break;
    case SVA_ARM_PARTIAL:
        arm_partial(s);
        break;
    case SVA_ARM_RING:
        arm_ring(s);
        break;
    case SVA_DRAINING:
        if (over)
            sva_phase(s, SVA_RECYCLING);
        break;
    default:
        break;
    }
}
