/* SPDX-License-Identifier: BSD-2-Clause */
#include "model_endpoint_internal.h"

#define STOP_NS        2000u  /* Most an honest function takes to confirm a stop. */
#define WAKE_LEAST_NS  10000u /* wakes_after_stop */
#define WAKE_SPREAD_NS 50000u
#define WILD_PAGE      UINT64_C(0x7000) /* What is asked for when no job names an address. */

static const struct model_endpoint_ops endpoint_ops = {
    .invalidate = model_ep_invalidate,
    .page_response = model_ep_response,
    .dma_ended = model_ep_job_resumed,
    .posted_ended = model_ep_job_posted,
};

struct model_endpoint *model_ep_port(struct model_endpoint *ep)
{
    return ep->pf != NULL ? ep->pf : ep;
}

bool model_ep_mute(const struct model_endpoint *ep)
{
    return ep->removed || ep->knobs.silent;
}

void model_ep_schedule(struct model_endpoint *ep, uint64_t delay, model_work_fn *fn, uint64_t token)
{
    if (!model_schedule(ep->world, delay, fn, ep, token)) {
        model_report(ep->world, "endpoint.full", "no room for scheduled work", ep->ids[0], token);
    }
}

static bool config_sound(const struct model_endpoint_config *config)
{
    return config->fabric != NULL && config->ids != NULL && config->id_count >= 1 &&
           config->id_count <= MODEL_EP_IDS && config->pasid_width <= 20 &&
           config->ats_queue_depth <= 32 &&
           (config->pf == NULL || (config->pf->pf == NULL && config->pf->vf_count < MODEL_EP_VFS));
}

struct model_endpoint *model_endpoint_create(struct model_world *world,
                                             const struct model_endpoint_config *config)
{
    struct model_endpoint *ep;
    uint32_t i;

    if (!config_sound(config)) {
        return NULL;
    }
    ep = model_alloc(world, sizeof(*ep), _Alignof(struct model_endpoint));
    if (ep == NULL) {
        return NULL;
    }
    ep->world = world;
    ep->fabric = config->fabric;
    ep->pf = config->pf;
    ep->config = *config;
    if (config->ats_queue_depth == 0) {
        ep->config.ats_queue_depth = 32;
    }
    if (config->pasid_width == 0) {
        ep->config.pasid_width = 20;
    }
    for (i = 0; i < config->id_count; i++) {
        ep->ids[i] = config->ids[i];
        if (!model_fabric_attach_endpoint(ep->fabric, ep->ids[i], &endpoint_ops, ep)) {
            while (i-- > 0) {
                model_fabric_detach_endpoint(ep->fabric, ep->ids[i]);
            }
            return NULL;
        }
    }
    ep->config.ids = ep->ids;
    model_ep_config_init(ep);
    if (ep->pf != NULL) {
        ep->pf->vfs[ep->pf->vf_count++] = ep;
    }
    return ep;
}

/* ---- stop ---- */

static struct model_stop *stop_find(struct model_endpoint *ep, uint32_t pasid)
{
    uint32_t i;

    for (i = 0; i < MODEL_EP_STOPS; i++) {
        if (ep->stops[i].state != MODEL_STOP_NONE && ep->stops[i].pasid == pasid) {
            return &ep->stops[i];
        }
    }
    return NULL;
}

/* A place to note a stop; what was complete longest ago gives way. */
static struct model_stop *stop_place(struct model_endpoint *ep)
{
    struct model_stop *old = NULL;
    uint32_t i;

    for (i = 0; i < MODEL_EP_STOPS; i++) {
        struct model_stop *stop = &ep->stops[i];

        if (stop->state == MODEL_STOP_NONE) {
            return stop;
        }
        if (stop->state == MODEL_STOP_COMPLETE &&
            (old == NULL || stop->generation < old->generation)) {
            old = stop;
        }
    }
    return old;
}

void model_ep_stop_forget(struct model_endpoint *ep, uint32_t pasid)
{
    struct model_stop *stop = stop_find(ep, pasid);

    if (stop != NULL) {
        stop->state = MODEL_STOP_NONE;
    }
}

/* A request that no honest function would send now. */
static void send_wild(struct model_endpoint *ep, uint32_t pasid)
{
    struct model_ep_ask ask = {
        .job = -1,
        .id = ep->ids[0],
        .pasid = pasid,
        .access = MODEL_READ,
        .first = WILD_PAGE,
        .pages = 1,
    };

    model_ep_group_open(ep, &ask);
}

static void wake(void *arg, uint64_t token)
{
    struct model_endpoint *ep = arg;

    /* A reset cures it. */
    if (ep->generation == token >> 32) {
        send_wild(ep, (uint32_t)token);
    }
}

static void stop_finish(struct model_endpoint *ep, struct model_stop *stop)
{
    stop->state = MODEL_STOP_COMPLETE;
    if (ep->config.sends_markers) {
        model_ep_marker(ep, stop->pasid);
    }
    if (ep->knobs.sends_after_stop) {
        send_wild(ep, stop->pasid);
    }
}

static void stop_step(void *arg, uint64_t token)
{
    struct model_endpoint *ep = arg;
    struct model_stop *stop = &ep->stops[token & UINT32_MAX];

    if (stop->state == MODEL_STOP_UNDER_WAY && stop->generation == token >> 32 &&
        !model_ep_mute(ep)) {
        stop_finish(ep, stop);
    }
}

bool model_endpoint_stop(struct model_endpoint *ep, uint32_t pasid)
{
    struct model_stop *stop = stop_find(ep, pasid);

    if (ep->removed || (stop != NULL && stop->state == MODEL_STOP_COMPLETE)) {
        return true;
    }
    if (stop == NULL) {
        stop = stop_place(ep);
    }
    if (stop == NULL) {
        model_report(ep->world, "endpoint.full", "too many stops under way", ep->ids[0], pasid);
        return false;
    }
    stop->state = MODEL_STOP_UNDER_WAY;
    stop->pasid = pasid;
    stop->generation = ++ep->stop_generation;
    if (ep->knobs.wakes_after_stop) {
        model_ep_schedule(ep, WAKE_LEAST_NS + model_choose(ep->world, WAKE_SPREAD_NS), wake,
                          pasid | (uint64_t)ep->generation << 32);
    }
    if (ep->knobs.never_stops || ep->knobs.silent) {
        return false;
    }
    model_ep_jobs_end(ep, pasid, false, MODEL_JOB_STOPPED);
    model_ep_group_close(ep, pasid, false);
    if (model_chance(ep->world, 500)) {
        stop_finish(ep, stop);
        return true;
    }
    model_ep_schedule(ep, model_choose(ep->world, STOP_NS), stop_step,
                      (uint64_t)(stop - ep->stops) | (uint64_t)stop->generation << 32);
    return false;
}

bool model_endpoint_stopped(const struct model_endpoint *ep, uint32_t pasid)
{
    uint32_t i;

    for (i = 0; i < MODEL_EP_STOPS; i++) {
        if (ep->stops[i].state == MODEL_STOP_COMPLETE && ep->stops[i].pasid == pasid) {
            return true;
        }
    }
    return ep->removed;
}

/* ---- reset and removal ---- */

static void reset_function(struct model_endpoint *ep)
{
    ep->generation++;
    model_ep_jobs_drop(ep);
    model_ep_pri_forget(ep);
    model_ep_atc_drop(ep);
    model_ep_invalidations_lose(ep);
    model_ep_config_reset(ep);
    memset(ep->stops, 0, sizeof(ep->stops));
}

void model_endpoint_reset(struct model_endpoint *ep)
{
    uint32_t i;

    if (ep->removed) {
        return;
    }
    reset_function(ep);
    /* A PF's reset takes its VFs with it. */
    for (i = 0; i < ep->vf_count; i++) {
        reset_function(ep->vfs[i]);
    }
    model_ep_jobs_credit(model_ep_port(ep));
}

static void remove_function(struct model_endpoint *ep)
{
    ep->removed = true;
    model_ep_jobs_end(ep, 0, true, MODEL_JOB_FAILED);
    model_ep_pri_forget(ep);
    model_ep_invalidations_lose(ep);
}

void model_endpoint_remove(struct model_endpoint *ep)
{
    uint32_t i;

    remove_function(ep);
    for (i = 0; i < ep->vf_count; i++) {
        remove_function(ep->vfs[i]);
    }
}

/* ---- what it saw ---- */

void model_endpoint_get_counts(const struct model_endpoint *ep, struct model_endpoint_counts *out)
{
    uint32_t i;

    *out = ep->counts;
    for (i = 0; i < MODEL_EP_GROUPS; i++) {
        if (ep->groups[i].state != MODEL_GROUP_FREE && ep->groups[i].sent > 0) {
            out->outstanding += ep->groups[i].sent;
            out->groups_outstanding++;
        }
    }
}

void model_endpoint_set_knobs(struct model_endpoint *ep, const struct model_endpoint_knobs *knobs)
{
    ep->knobs = *knobs;
    model_ep_groups_unpark(ep);
    model_ep_jobs_unpark(ep);
}
