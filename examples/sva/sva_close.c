/* SPDX-License-Identifier: BSD-2-Clause */
/* Everything down again, in the order of dependence, a step per turn. */
#include <string.h>

#include "sva.h"

#define UNDO_TRIES   1000u
#define UNDO_STEP_NS 100000u

static void check(struct sva *s, const char *what, uiommu_err err)
{
    if (err != UIOMMU_OK)
        sva_fail(s, "%s: %s", what, uiommu_err_str(err));
}

/* The pages of every slot, then the tables: nothing walks them any more. */
static void recycle(struct sva *s)
{
    bool all = s->disk.first == NULL && s->fills == NULL;
    uint32_t i;

    for (i = 0; i < s->o.devices * SVA_JOBS; i++) {
        struct sva_slot *slot = &s->engines[i / SVA_JOBS].slots[i % SVA_JOBS];

        if (s->dead)
            all = sva_slot_recycle(s, slot) && all;
        else if (slot->state != SVA_SLOT_IDLE)
            all = false;
    }
    if (!all)
        return;
    sva_tables_fini(s);
    sva_phase(s, SVA_DETACHING);
}

static void detach(struct sva *s)
{
    bool all = true;
    uint32_t i;

    for (i = 0; i < s->o.devices; i++) {
        struct sva_engine *e = &s->engines[i];
        uiommu_err err;

        if (e->detached)
            continue;
        err = uiommu_device_detach(e->device);
        if (err == UIOMMU_PENDING || err == UIOMMU_E_BUSY) {
            all = false; /* Its number rests, or its last requests are not answered. */
            continue;
        }
        check(s, "detach", err);
        if (err == UIOMMU_OK)
            check(s, "port", uiommu_port_destroy(e->port));
        e->detached = true;
        s->stirred = true;
    }
    if (all)
        sva_phase(s, SVA_CLOSING);
}

static void on_closed(void *user)
{
    struct sva_unit *v = user;

    v->serving_closed = true;
}

/* true: the loop does not know any unit any more. */
static bool stop_serving(struct sva *s)
{
    bool all = true;
    uint32_t i;

    for (i = 0; i < s->unit_count; i++) {
        struct sva_unit *v = &s->units[i];

        if (v->serving != NULL) {
            check(s, "counters", uiommu_unit_get_counters(v->unit, &v->counters));
            v->iommu->irq = NULL;
            uiommu_uv_detach(v->serving, on_closed, v);
            v->serving = NULL;
        }
        all = all && v->serving_closed;
    }
    return all;
}

static void close_units(struct sva *s)
{
    uint32_t i;

    if (!stop_serving(s))
        return;
    check(s, "pasid", uiommu_pasid_put(s->pasids, s->pasid));
    check(s, "address space", uiommu_aspace_destroy(s->as));
    for (i = 0; i < s->unit_count; i++) {
        check(s, "unit stop", uiommu_unit_stop(s->units[i].unit));
        check(s, "unit", uiommu_unit_destroy(s->units[i].unit));
    }
    check(s, "pasid space", uiommu_pasid_space_destroy(s->pasids));
    check(s, "instance", uiommu_destroy(s->u));
    check(s, "host services", uiommu_uv_destroy(s->uv));
    sva_phase(s, SVA_ENDED);
}

static bool ended_early(const struct sva *s)
{
    return s->o.kill_at != 0 || s->o.unbind_at != 0;
}

/* An engine has had one answer for each group, and none for anything else. */
static void check_engine(struct sva *s, const struct sva_engine *e)
{
    struct model_endpoint_counts counts;

    model_endpoint_get_counts(e->ep, &counts);
    if (counts.groups_outstanding != 0)
        sva_fail(s, "device %u waits for %u answers for ever", e->number,
                 counts.groups_outstanding);
    if (counts.unexpected != 0 || counts.marker_answers != 0)
        sva_fail(s, "device %u got %llu answers to nothing", e->number,
                 (unsigned long long)(counts.unexpected + counts.marker_answers));
    if (counts.success + counts.invalid + counts.failure != counts.lasts)
        sva_fail(s, "device %u sent %llu groups and got %llu answers", e->number,
                 (unsigned long long)counts.lasts,
                 (unsigned long long)(counts.success + counts.invalid + counts.failure));
    if (counts.ignored != 0)
        sva_fail(s, "device %u: %llu answers were not as it wants them", e->number,
                 (unsigned long long)counts.ignored);
    if (counts.automatic != 0 && !(e->unit->iommu->backend->answers_unbound && ended_early(s)))
        sva_fail(s, "device %u: %llu answers were not software's", e->number,
                 (unsigned long long)counts.automatic);
}

static void check_machine(struct sva *s)
{
    uint64_t bytes = 0;
    uint32_t pieces = model_ram_live(s->machine->world, &bytes);
    uint32_t i;

    for (i = 0; i < s->o.devices; i++)
        check_engine(s, &s->engines[i]);
    if (pieces != 0)
        sva_fail(s, "%u pieces of the machine's memory were not given back", pieces);
    if (s->machine->reports != 0)
        sva_fail(s, "hardware was used wrongly %u times; first: %s", s->machine->reports,
                 s->machine->first_report);
}

/* There is a reason to give up already; this is not it. */
static void ignore(uiommu_err err)
{
    (void)err;
}

/* Set-up went wrong half way: no loop has run, so whoever must wait moves the clock himself. */
static void engine_undo(struct sva *s, struct sva_engine *e)
{
    uint32_t tries;

    if (e->bond.generation != 0)
        ignore(uiommu_unbind(s->u, e->bond, UIOMMU_UNBIND_STOPPED));
    for (tries = 0; e->device != NULL && tries < UNDO_TRIES; tries++) {
        if (uiommu_device_detach(e->device) == UIOMMU_OK)
            e->device = NULL;
        model_advance(s->machine->world, UNDO_STEP_NS);
        ignore(uiommu_unit_service(e->unit->unit, 0));
    }
    if (e->port != NULL)
        ignore(uiommu_port_destroy(e->port));
}

void sva_close_early(struct sva *s)
{
    uint32_t i;

    for (i = 0; i < s->o.devices; i++)
        engine_undo(s, &s->engines[i]);
    if (s->pasid != 0)
        ignore(uiommu_pasid_put(s->pasids, s->pasid));
    if (s->as != NULL)
        ignore(uiommu_aspace_destroy(s->as));
    sva_tables_fini(s);
    for (i = 0; i < s->unit_count; i++) {
        if (s->units[i].unit == NULL)
            continue;
        ignore(uiommu_unit_stop(s->units[i].unit));
        ignore(uiommu_unit_destroy(s->units[i].unit));
    }
    if (s->pasids != NULL)
        ignore(uiommu_pasid_space_destroy(s->pasids));
    if (s->u != NULL)
        ignore(uiommu_destroy(s->u));
    if (s->uv != NULL)
        ignore(uiommu_uv_destroy(s->uv));
}

void sva_close_step(struct sva *s)
{
    switch (s->phase) {
    case SVA_RECYCLING:
        recycle(s);
        break;
    case SVA_DETACHING:
        detach(s);
        break;
    case SVA_CLOSING:
        close_units(s);
        if (s->phase == SVA_ENDED)
            check_machine(s);
        break;
    default:
        break;
    }
}
