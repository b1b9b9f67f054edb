/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How the end begins: all is copied, the address space dies, or devices are unbound. The last two
 * come at the worst moment that can be arranged: at least one group is PENDING, one is partial,
 * and one lies in the ring where nobody has seen it.
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
    return s->counts.blocks * 100 >= s->blocks * percent || open <= s->o.devices;
}

/* How much an engine still has to ask for. */
static uint32_t work_left(const struct sva_engine *e)
{
    uint32_t i, left = 0;

    for (i = 0; i < SVA_JOBS; i++)
        left += e->slots[i].state == SVA_SLOT_READ ? 2 : e->slots[i].state == SVA_SLOT_WRITE;
    return left;
}

/* The engine that is to leave a group partial: a busy one, and another than the one that waits. */
static void split_begin(struct sva *s)
{
    const struct sva_engine *other = sva_fault_slot(s->victim[0])->engine;
    uint32_t first = sva_choose(s, s->o.devices);
    uint32_t i;

    s->splitter = NULL;
    for (i = 0; i < s->o.devices; i++) {
        struct sva_engine *e = &s->engines[(first + i) % s->o.devices];

        if ((e == other && s->o.devices > 1) || work_left(e) == 0)
            continue;
        if (s->splitter == NULL || work_left(e) > work_left(s->splitter))
            s->splitter = e;
    }
    if (s->splitter == NULL)
        return;
    s->split_since = now_of(s);
    split_last(s->splitter, true);
}

/* Two groups, if there are two: one stays, one is answered when nobody looks at the ring. */
static void arm_hold(struct sva *s)
{
    uint32_t i;

    for (i = 0; i < 2; i++) {
        if (s->victim[i] != NULL)
            continue;
        s->victim[i] = sva_fault_pick(s, i == 0 ? NULL : s->victim[0]);
        if (s->victim[i] == NULL)
            break;
        sva_disk_hold(s, s->victim[i]);
    }
    if (s->victim[0] == NULL || (i < 2 && now_of(s) - s->phase_since < SECOND_NS))
        return;
    split_begin(s);
    sva_phase(s, SVA_ARM_PARTIAL);
}

/* A group of the splitter whose Last is not merely on its way. */
static bool partial_there(const struct sva *s)
{
    uint32_t i;

    for (i = 0; i < SVA_OPEN_MAX; i++) {
        if (s->open_since[i] > s->split_since && s->open_id[i] == s->splitter->id &&
            now_of(s) - s->open_since[i] >= PARTIAL_AGE_NS)
            return true;
    }
    return false;
}

static void split_end(struct sva *s)
{
    if (s->splitter != NULL)
        split_last(s->splitter, false);
    s->splitter = NULL;
}

static void arm_partial(struct sva *s)
{
    if (s->splitter != NULL && work_left(s->splitter) == 0)
        split_end(s);
    if (s->splitter == NULL)
        split_begin(s);
    if (s->splitter == NULL || !partial_there(s))
        return;
    /* What is being written to OUT was copied before. */
    s->no_flush = true;
    if (s->flushing != 0)
        return;
    sva_hold(s, &s->held_for_stop, true);
    if (s->victim[1] != NULL)
        sva_disk_release(s, s->victim[1], 0);
    s->victim[1] = NULL;
    sva_phase(s, SVA_ARM_RING);
}

/* ---- the end of an address space ---- */

static void moment_note(struct sva *s)
{
    struct sva_moment *m = &s->moment;

    m->start_ns = now_of(s);
    m->wall_start_ns = uv_hrtime();
    m->blocks = s->counts.blocks;
}

static void moment_over(struct sva *s)
{
    struct sva_moment *m = &s->moment;

    if (m->over)
        return;
    m->over = true;
    if (m->end_ns < m->start_ns) {
        m->end_ns = now_of(s);
        m->wall_end_ns = uv_hrtime();
    }
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
    split_end(s);
    if (s->victim[0] != NULL)
        sva_disk_release(s, s->victim[0], sva_choose(s, 200000));
    if (s->victim[1] != NULL)
        sva_disk_release(s, s->victim[1], sva_choose(s, 200000));
    s->victim[0] = s->victim[1] = NULL;
    sva_hold(s, &s->held_for_stop, false);
}

static void strike(struct sva *s)
{
    struct sva_moment *m = &s->moment;
    uint32_t count = s->o.unbind == 0 ? s->o.devices : s->o.unbind;
    uint32_t first = sva_choose(s, s->o.devices);
    uint32_t i;

    m->reached = true;
    m->in_ring = s->machine->backend->ring_used(s->machine);
    m->partial = s->counts.open;
    m->pending = sva_fault_pending(s);
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
    if (s->machine->backend->ring_used(s->machine) > 0) {
        strike(s);
    } else if (now_of(s) - s->phase_since > RING_NS) {
        /* Nobody had anything to ask for: once more. */
        split_end(s);
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
        moment_over(s);
    if (s->phase <= SVA_ARM_RING && (s->failures > 0 || s->counts.blocks == s->blocks)) {
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
