/* SPDX-License-Identifier: BSD-2-Clause */
#include "model_endpoint_internal.h"

/*
 * The page request interface (PCIe Base Specification 10.4). Credits are page request messages,
 * taken for a whole group before its first one leaves: two groups that each wait for a last credit
 * would wait for ever. Indices are the function's, credits the port's.
 */

#define GAP_NS 200u /* Most between two requests of a group; other groups come in between. */
#define RW     (MODEL_READ | MODEL_WRITE)

static struct model_group *group_get(struct model_endpoint *ep, uint32_t index)
{
    uint32_t i;

    for (i = 0; i < MODEL_EP_GROUPS; i++) {
        struct model_group *group = &ep->groups[i];

        if (group->state != MODEL_GROUP_FREE) {
            continue;
        }
        memset(group, 0, sizeof(*group));
        group->state = MODEL_GROUP_OPEN;
        group->index = index;
        group->age = ++ep->group_age;
        ep->groups_used++;
        ep->index_used[index]++;
        ep->index_marker[index] = false;
        ep->index_forgotten[index] = false;
        ep->answered[index] = false;
        return group;
    }
    return NULL;
}

static void group_free(struct model_endpoint *ep, struct model_group *group)
{
    group->state = MODEL_GROUP_FREE;
    ep->groups_used--;
    ep->index_used[group->index]--;
    ep->index_next = group->index;
    model_ep_port(ep)->credits_taken -= group->credits;
}

/* The index of a group that is under way; INDICES: none is. */
static uint32_t index_in_flight(struct model_endpoint *ep)
{
    uint32_t start = model_choose(ep->world, MODEL_EP_INDICES);
    uint32_t i;

    for (i = 0; i < MODEL_EP_INDICES; i++) {
        uint32_t index = (start + i) % MODEL_EP_INDICES;

        if (ep->index_used[index] > 0) {
            return index;
        }
    }
    return MODEL_EP_INDICES;
}

/* The one that was answered last is taken first: nothing may count on an index to rest. */
static uint32_t index_pick(struct model_endpoint *ep)
{
    uint32_t index;

    if (ep->knobs.reuse_index_in_flight) {
        index = index_in_flight(ep);
        if (index != MODEL_EP_INDICES) {
            return index;
        }
    }
    if (ep->index_used[ep->index_next] == 0) {
        return ep->index_next;
    }
    for (index = 0; index < MODEL_EP_INDICES; index++) {
        if (ep->index_used[index] == 0) {
            break;
        }
    }
    return index;
}

static void request_send(struct model_endpoint *ep, const struct model_page_request *request)
{
    ep->counts.requests++;
    ep->counts.lasts += request->last;
    model_fabric_page_request(ep->fabric, request);
}

/* Send the next request of a group; its Last even if that is held back. */
static void group_send(struct model_endpoint *ep, struct model_group *group)
{
    struct model_page_request request;

    memset(&request, 0, sizeof(request));
    request.id = group->id;
    request.has_pasid = group->has_pasid;
    request.pasid = group->pasid;
    request.address = group->first + (uint64_t)group->sent * MODEL_PAGE_BYTES;
    request.index = group->index;
    request.access = group->access;
    group->sent++;
    request.last = group->sent == group->pages;
    if (request.last) {
        group->state = MODEL_GROUP_SENT;
        group->asked = model_now(ep->world);
    }
    if (group->job >= 0) {
        ep->jobs[group->job].status.requests++;
    }
    request_send(ep, &request);
    if (request.last && group->job >= 0 && group->has_pasid && ep->knobs.forge_marker &&
        ep->jobs[group->job].asked <= 1) {
        model_ep_marker(ep, group->pasid);
    }
}

static void group_step(void *arg, uint64_t token);

static void group_plan(struct model_endpoint *ep, struct model_group *group)
{
    group->scheduled = true;
    model_ep_schedule(ep, model_choose(ep->world, GAP_NS), group_step,
                      (uint64_t)(group - ep->groups) | group->age << 16);
}

static void group_go(struct model_endpoint *ep, struct model_group *group)
{
    if (group->state != MODEL_GROUP_OPEN || group->raw || group->scheduled || model_ep_mute(ep) ||
        !model_ep_pri_enabled(ep)) {
        return;
    }
    if (ep->knobs.split_last && group->sent + 1 == group->pages) {
        return;
    }
    group_send(ep, group);
    if (group->state == MODEL_GROUP_OPEN) {
        group_plan(ep, group);
    }
}

static void group_step(void *arg, uint64_t token)
{
    struct model_endpoint *ep = arg;
    struct model_group *group = &ep->groups[token & 0xFFFF];

    if (group->state == MODEL_GROUP_OPEN && group->age == token >> 16) {
        group->scheduled = false;
        group_go(ep, group);
    }
}

bool model_ep_group_open(struct model_endpoint *ep, const struct model_ep_ask *ask)
{
    struct model_endpoint *port = model_ep_port(ep);
    struct model_group *group;
    uint32_t index;

    if (model_ep_mute(ep) || !port->pri_enabled) {
        return false;
    }
    if (!ep->knobs.exceed_credits && (port->credits_taken >= port->allocation ||
                                      ask->pages > port->allocation - port->credits_taken)) {
        return false;
    }
    index = index_pick(ep);
    group = index == MODEL_EP_INDICES ? NULL : group_get(ep, index);
    if (group == NULL) {
        return false;
    }
    group->id = ask->id;
    group->has_pasid = ask->pasid != MODEL_NO_PASID;
    group->pasid = group->has_pasid ? ask->pasid : 0;
    group->job = ask->job;
    group->first = ask->first;
    group->pages = ask->pages;
    group->access = ask->access;
    group->credits = ask->pages;
    port->credits_taken += ask->pages;
    if (ask->job >= 0) {
        ep->jobs[ask->job].groups++;
    }
    group_go(ep, group);
    return true;
}

/* A group that will get no answer. */
static void group_drop(struct model_endpoint *ep, struct model_group *group)
{
    int job = group->job;

    group->job = -1;
    group_free(ep, group);
    if (job >= 0) {
        model_ep_job_answer(ep, job, 0, true);
    }
}

void model_ep_group_close(struct model_endpoint *ep, uint32_t pasid, bool every)
{
    uint32_t i;

    for (i = 0; i < MODEL_EP_GROUPS; i++) {
        struct model_group *group = &ep->groups[i];
        uint32_t its = group->has_pasid ? group->pasid : MODEL_NO_PASID;
        uint32_t unsent;

        if (group->state != MODEL_GROUP_OPEN || group->raw || (!every && its != pasid) ||
            (ep->knobs.split_last && group->sent + 1 == group->pages)) {
            continue;
        }
        if (group->sent == 0 || model_ep_mute(ep)) {
            group_drop(ep, group);
            continue;
        }
        unsent = group->pages - group->sent - 1;
        group->pages -= unsent;
        group->credits -= unsent;
        model_ep_port(ep)->credits_taken -= unsent;
        group_send(ep, group);
    }
}

void model_ep_pri_close(struct model_endpoint *port)
{
    uint32_t i;

    model_ep_group_close(port, 0, true);
    for (i = 0; i < port->vf_count; i++) {
        model_ep_group_close(port->vfs[i], 0, true);
    }
}

void model_ep_pri_forget(struct model_endpoint *ep)
{
    uint32_t i;

    for (i = 0; i < MODEL_EP_GROUPS; i++) {
        if (ep->groups[i].state != MODEL_GROUP_FREE) {
            ep->index_forgotten[ep->groups[i].index] = ep->groups[i].sent > 0;
            group_drop(ep, &ep->groups[i]);
        }
    }
}

void model_ep_groups_unpark(struct model_endpoint *ep)
{
    uint32_t i;

    for (i = 0; ep->groups_used > 0 && i < MODEL_EP_GROUPS; i++) {
        group_go(ep, &ep->groups[i]);
    }
}

void model_endpoint_send_lasts(struct model_endpoint *ep)
{
    uint32_t i;

    for (i = 0; i < MODEL_EP_GROUPS && !model_ep_mute(ep); i++) {
        struct model_group *group = &ep->groups[i];

        if (group->state == MODEL_GROUP_OPEN && !group->raw && group->sent + 1 == group->pages) {
            group_send(ep, group);
        }
    }
}

/*
 * A Stop Marker takes no credit and gets no answer. VT-d wants index bits 4:0 zero in it; the
 * others are reserved. One that no request uses, so that a wrong answer is told from a right one.
 */
void model_ep_marker(struct model_endpoint *ep, uint32_t pasid)
{
    struct model_page_request marker;
    uint32_t index = MODEL_EP_INDICES - 32;

    if (pasid == MODEL_NO_PASID || ep->knobs.lose_marker || model_ep_mute(ep) ||
        !model_ep_pri_enabled(ep) || !model_ep_pasid_enabled(ep)) {
        return;
    }
    while (index > 0 && ep->index_used[index] > 0) {
        index -= 32;
    }
    memset(&marker, 0, sizeof(marker));
    marker.id = ep->ids[0];
    marker.has_pasid = true;
    marker.pasid = pasid;
    marker.index = index;
    marker.last = true;
    ep->index_marker[index] = true;
    ep->counts.markers++;
    model_fabric_page_request(ep->fabric, &marker);
}

static struct model_group *raw_group(struct model_endpoint *ep,
                                     const struct model_page_request *request)
{
    struct model_group *group;
    uint32_t i;

    for (i = 0; i < MODEL_EP_GROUPS; i++) {
        group = &ep->groups[i];
        if (group->state == MODEL_GROUP_OPEN && group->raw && group->id == request->id &&
            group->index == request->index && group->has_pasid == request->has_pasid &&
            (!group->has_pasid || group->pasid == request->pasid)) {
            return group;
        }
    }
    group = group_get(ep, request->index);
    if (group != NULL) {
        group->raw = true;
        group->job = -1;
        group->id = request->id;
        group->has_pasid = request->has_pasid;
        group->pasid = request->has_pasid ? request->pasid : 0;
    }
    return group;
}

void model_endpoint_send(struct model_endpoint *ep, const struct model_page_request *request,
                         bool counted)
{
    struct model_group *group;

    if (model_ep_mute(ep) || request->index >= MODEL_EP_INDICES) {
        return;
    }
    if (request->last && request->has_pasid && (request->access & RW) == 0) {
        ep->index_marker[request->index] = true;
        ep->counts.markers++;
        model_fabric_page_request(ep->fabric, request);
        return;
    }
    group = raw_group(ep, request);
    if (group != NULL) {
        group->sent++;
        group->pages++;
        group->credits += counted;
        model_ep_port(ep)->credits_taken += counted;
        if (request->last) {
            group->state = MODEL_GROUP_SENT;
            group->asked = model_now(ep->world);
        }
    }
    request_send(ep, request);
}

/* ---- responses ---- */

static struct model_group *group_of(struct model_endpoint *ep,
                                    const struct model_page_response *response)
{
    struct model_group *found = NULL;
    uint32_t i;

    for (i = 0; ep->groups_used > 0 && i < MODEL_EP_GROUPS; i++) {
        struct model_group *group = &ep->groups[i];

        if (group->state != MODEL_GROUP_FREE && group->sent > 0 &&
            group->index == response->index && group->id == response->id &&
            (found == NULL || group->age < found->age)) {
            found = group;
        }
    }
    return found;
}

/* PRI Status, PRG Response PASID Required: what carries a PASID wrongly is not for this function.
 */
static bool response_fits(struct model_endpoint *ep, const struct model_group *group,
                          const struct model_page_response *response)
{
    bool wanted = group->has_pasid && model_ep_port(ep)->config.pasid_required;

    if (response->automatic && response->code == MODEL_RESPONSE_FAILURE) {
        return true;
    }
    return response->has_pasid == wanted && (!wanted || response->pasid == group->pasid);
}

static void response_count(struct model_endpoint *ep, const struct model_page_response *response)
{
    ep->counts.automatic += response->automatic;
    if (response->code == MODEL_RESPONSE_SUCCESS) {
        ep->counts.success++;
    } else if (response->code == MODEL_RESPONSE_INVALID) {
        ep->counts.invalid++;
    } else {
        ep->counts.failure++;
    }
    if (response->code > MODEL_RESPONSE_INVALID && response->code != MODEL_RESPONSE_FAILURE) {
        model_report(ep->world, "endpoint.response.reserved-code",
                     "a page response has a code that is reserved", response->index,
                     response->code);
    }
}

/* A response to nothing. Failure may carry any index, and says nothing new once it was heard. */
static void response_unexpected(struct model_endpoint *ep,
                                const struct model_page_response *response)
{
    struct model_endpoint *port = model_ep_port(ep);

    if (ep->index_forgotten[response->index]) {
        ep->index_forgotten[response->index] = false;
        return;
    }
    if (response->code == MODEL_RESPONSE_FAILURE && port->response_failure) {
        return;
    }
    ep->counts.unexpected++;
    ep->counts.marker_answers += ep->index_marker[response->index];
    port->unexpected_index = true;
}

void model_ep_response(void *endpoint, const struct model_page_response *response)
{
    struct model_endpoint *ep = endpoint;
    struct model_endpoint *port = model_ep_port(ep);
    struct model_group *group;
    int job = -1;

    if (ep->removed) {
        return;
    }
    response_count(ep, response);
    group = group_of(ep, response);
    if (group != NULL && !response_fits(ep, group, response)) {
        ep->counts.ignored++;
        return;
    }
    if (group == NULL) {
        response_unexpected(ep, response);
    } else {
        job = group->job;
        group_free(ep, group);
        ep->answered[response->index] = true;
        ep->last_response[response->index] = *response;
    }
    if (response->code > MODEL_RESPONSE_INVALID) {
        model_ep_pri_close(port);
        port->pri_enabled = false;
        port->response_failure = true;
    }
    if (job >= 0) {
        model_ep_job_answer(ep, job, response->code, false);
    }
    model_ep_jobs_credit(port);
}

uint64_t model_endpoint_oldest(const struct model_endpoint *ep)
{
    uint64_t oldest = UINT64_MAX;
    uint32_t i;

    for (i = 0; ep->groups_used > 0 && i < MODEL_EP_GROUPS; i++) {
        const struct model_group *group = &ep->groups[i];

        if (group->state == MODEL_GROUP_SENT && group->asked < oldest) {
            oldest = group->asked;
        }
    }
    return oldest;
}

bool model_endpoint_last_response(const struct model_endpoint *ep, uint32_t id, uint32_t index,
                                  struct model_page_response *out)
{
    if (index >= MODEL_EP_INDICES || !ep->answered[index] || ep->last_response[index].id != id) {
        return false;
    }
    *out = ep->last_response[index];
    return true;
}
