/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef UIOMMU_CORE_DRAIN_H
#define UIOMMU_CORE_DRAIN_H
/*
 * What the files of the shutdown machine share: drain.c (the machine, D1, D3 to D6, rest),
 * stop.c (the device's stop and the graceful sweep), clear.c (D2). Everything runs in the
 * service role.
 */
#include "core.h"

/* GO: the next step may follow at once. */
enum uiommu_go {
    UIOMMU_WAIT,
    UIOMMU_GO,
};

static inline bool uiommu_drain_expired(const struct uiommu_bond *bond, uint64_t at)
{
    return bond->dev->unit->now_ns >= at;
}

static inline uint64_t uiommu_drain_later(const struct uiommu_bond *bond, uint64_t ns)
{
    return uiommu_after(bond->dev->unit->now_ns, ns);
}

static inline void uiommu_drain_miss(struct uiommu_bond *bond, uint32_t proofs)
{
    uiommu_word_or(&bond->missing, proofs);
}

/* R20: removed, or found absent when it was last asked. */
static inline bool uiommu_drain_gone(const struct uiommu_bond *bond)
{
    return bond->absent || uiommu_word_load(&bond->dev->state) == UIOMMU_DEVICE_GONE;
}

/* Has a Stop Marker of this life, and of this side of any reset, counted? */
static inline bool uiommu_drain_marked(const struct uiommu_bond *bond)
{
    return bond->marker && bond->marker_generation == uiommu_word_load(&bond->dev->generation);
}

static inline enum uiommu_go uiommu_drain_next(struct uiommu_bond *bond, enum uiommu_phase phase)
{
    bond->phase = (uint8_t)phase;
    bond->entered = false;
    bond->in_air = false;
    bond->until_ns = 0;
    return UIOMMU_GO;
}

static inline void uiommu_drain_trace_step(struct uiommu_bond *bond, enum uiommu_step step)
{
    uiommu_trace(bond->u, bond->dev->unit->number, UIOMMU_TRACE_STEP,
                 (uint64_t)bond->index << 32 | bond->generation,
                 (uint64_t)bond->dev->ids[0].id << 32 | bond->pasid, step,
                 bond->rounds == 0 ? 1 : bond->rounds);
}

/* True the first time in a phase. */
static inline bool uiommu_drain_enter(struct uiommu_bond *bond, enum uiommu_step step)
{
    if (bond->entered)
        return false;
    bond->entered = true;
    uiommu_drain_trace_step(bond, step);
    return true;
}

/* No request is handled from here on; groups that no handler has are answered. */
void uiommu_drain_gate_close(struct uiommu_bond *bond);

/* stop.c: somebody other than the device says that it stopped. */
bool uiommu_drain_stop_word(const struct uiommu_bond *bond);
/* Somebody says so, or its Stop Marker does. */
bool uiommu_drain_stop_shown(struct uiommu_bond *bond);
/* Nobody is to call stop() any more; the bond's place in the marker reserve is free again. */
void uiommu_drain_stop_over(struct uiommu_bond *bond);
enum uiommu_go uiommu_drain_stop(struct uiommu_bond *bond);
enum uiommu_go uiommu_drain_sweep(struct uiommu_bond *bond);
enum uiommu_go uiommu_drain_sweep_settle(struct uiommu_bond *bond);
enum uiommu_go uiommu_drain_sweep_consume(struct uiommu_bond *bond);

/* mute.c: D2 of a device that may be mute. */
/* May its device be asked now, or only alone? */
bool uiommu_mute_may_ask(const struct uiommu_bond *bond);
/* What came of it: OK; TIMEOUT; HW: it is mute; MORE: ask again, alone. */
uiommu_err uiommu_mute_asked(struct uiommu_bond *bond, uiommu_err err);
enum uiommu_go uiommu_drain_alone_begin(struct uiommu_bond *bond);
enum uiommu_go uiommu_drain_alone(struct uiommu_bond *bond);

/* clear.c */
/* A part of D2 ends: OK, HW: the part is missing, TIMEOUT: all that would follow, too. */
enum uiommu_go uiommu_drain_d2_end(struct uiommu_bond *bond, uint32_t proof, uiommu_err err);
enum uiommu_go uiommu_drain_d2(struct uiommu_bond *bond, enum uiommu_step step, uint32_t proof);
enum uiommu_go uiommu_drain_pinned(struct uiommu_bond *bond);

#endif
