/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef HOST_UV_INTERNAL_H
#define HOST_UV_INTERNAL_H
/*
 * Two files: host_uv.c is the table of host ops, host_uv_unit.c the service of units by loops.
 *
 * One lock and one condition serve every waiter: uiommu waits seldom, and briefly. The lock also
 * guards the list of attached units, which wake() walks from any thread; whoever holds it waits
 * for nothing.
 */
#include <uv.h>

#include "uiommu/host_uv.h"

struct uiommu_uv {
    struct uiommu_uv_config config;
    uv_mutex_t lock;
    uv_cond_t changed;
    struct uiommu_uv_unit *units; /* Attached; under lock. */
    uint32_t open;                /* Attached or still closing; under lock. */
};

struct uiommu_uv_unit {
    struct uiommu_uv_unit *next;
    struct uiommu_uv *uv;
    struct uiommu_unit *unit;
    const struct uiommu_word *due;
    struct uiommu_uv_unit_config config;
    uv_async_t async; /* Service is due. */
    uv_timer_t timer; /* A deadline of the unit. */
    uint32_t closing; /* Handles that libuv has not closed. */
    bool paused;
    bool kept;     /* A kick came while paused. */
    bool detached; /* Nothing is serviced any more. */
    void (*closed)(void *user);
    void *closed_user;
};

uint64_t uiommu_uv_now(void *ctx);
/* As the op wake, for units: the lock is held. */
void uiommu_uv_wake_units(struct uiommu_uv *uv, const struct uiommu_word *word);

#endif
