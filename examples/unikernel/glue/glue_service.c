/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The unit's life: made, started, served. Its interrupt serves it at once and keeps the events for
 * whoever looks later; nobody else here calls uiommu_unit_service(). A host with threads would wake
 * one instead.
 */
#include "glue.h"

#define PASIDS_FIRST 1u
#define PASIDS_LAST  1023u

static void keep_events(struct glue_unit *g)
{
    struct uiommu_event event;

    while (uiommu_unit_next_event(g->unit, &event) == UIOMMU_OK) {
        if (g->seen != NULL)
            g->seen(&event);
        if (g->head - g->tail < GLUE_EVENTS)
            g->events[g->head % GLUE_EVENTS] = event;
        if (g->head - g->tail < GLUE_EVENTS)
            g->head++;
    }
}

static void serve(struct glue_unit *g)
{
    uiommu_err err;

    do {
        err = uiommu_unit_service(g->unit, 0);
        keep_events(g);
    } while (err == UIOMMU_MORE);
}

static void on_interrupt(void *ctx)
{
    struct glue_unit *g = ctx;

    g->interrupts++;
    if (g->unit != NULL)
        serve(g);
}

uiommu_err glue_unit_start(struct glue_unit *g, struct uiommu *u, const struct glue_found *found)
{
    struct uiommu_pasid_space_config numbers = {.size = sizeof(numbers)};
    struct uiommu_unit_config common = {.size = sizeof(common)};
    struct uiommu_unit *unit = NULL;
    uiommu_err err;

    g->u = u;
    g->found = *found;
    numbers.first = PASIDS_FIRST;
    numbers.last = PASIDS_LAST;
    err = uiommu_pasid_space_create(u, &numbers, &g->pasids);
    if (err != UIOMMU_OK)
        return err;
    common.pasids = g->pasids;
    common.user = g;
    glue_reserved_confirm(&g->found);
    common.reserved = g->found.reserved;
    common.reserved_count = g->found.reserved_count;
    err = found->vendor->create(u, found, &common, on_interrupt, g, &unit);
    if (err != UIOMMU_OK)
        return err;
    g->unit = unit;
    return uiommu_unit_start(unit);
}

void glue_serve(struct glue_unit *g)
{
    uintptr_t irq = kernel_irq_save();

    serve(g);
    kernel_irq_restore(irq);
}

/* An interrupt comes whenever there is work; what is due by time alone is served here. */
void glue_pause(struct glue_unit *g, uint64_t ns)
{
    uint64_t end = kernel_now_ns() + ns;

    while (kernel_now_ns() < end) {
        if (uiommu_unit_next_deadline(g->unit) <= kernel_now_ns())
            glue_serve(g);
        uiommu_pause();
    }
}

bool glue_event(struct glue_unit *g, uint64_t within_ns, struct uiommu_event *out)
{
    uint64_t end = kernel_now_ns() + within_ns;

    while (g->head == g->tail) {
        if (kernel_now_ns() >= end)
            return false;
        uiommu_pause();
    }
    *out = g->events[g->tail % GLUE_EVENTS];
    g->tail++;
    return true;
}

void glue_events_drop(struct glue_unit *g)
{
    uintptr_t irq = kernel_irq_save();

    keep_events(g);
    g->tail = g->head;
    kernel_irq_restore(irq);
}
