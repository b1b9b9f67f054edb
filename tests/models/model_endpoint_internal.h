/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MODEL_ENDPOINT_INTERNAL_H
#define MODEL_ENDPOINT_INTERNAL_H
/*
 * The rooms of an endpoint:
 *   model_endpoint.c         life: creation, reset, removal, stop, knobs, what tests ask
 *   model_endpoint_config.c  configuration space
 *   model_endpoint_pri.c     page request interface: credits, groups, markers, responses
 *   model_endpoint_atc.c     translation cache, invalidations, single accesses
 *   model_endpoint_jobs.c    memory traffic
 *
 * What a PF and its VFs share (enables of PRI and PASID, allocation, credits, PRI status) is in
 * the PF and called the port; all else is per function.
 */
#include "model_endpoint.h"
#include "model_internal.h"

#define MODEL_EP_IDS           4u
#define MODEL_EP_VFS           64u
#define MODEL_EP_JOBS          64u
#define MODEL_EP_STOPS         64u
#define MODEL_EP_GROUPS        512u
#define MODEL_EP_INDICES       512u
#define MODEL_EP_INVALIDATIONS 256u
#define MODEL_ATC_SETS         256u
#define MODEL_ATC_WAYS         4u

/* What a group is opened for. */
struct model_ep_ask {
    int job;
    uint32_t id, pasid;
    uint32_t access;
    uint64_t first; /* Address of the first page. */
    uint32_t pages;
};

enum model_group_state {
    MODEL_GROUP_FREE,
    MODEL_GROUP_OPEN, /* Its Last has not left. */
    MODEL_GROUP_SENT, /* Its Last has left; an answer is due. */
};

/* A page request group. Answered or not, an index names it until the response. */
struct model_group {
    enum model_group_state state;
    uint32_t id, index, pasid;
    bool has_pasid;
    bool raw;       /* Placed by a test. */
    bool scheduled; /* Its next request is to come. */
    int job;        /* -1: nobody waits for the answer. */
    uint64_t first; /* Its pages are consecutive ... */
    uint32_t pages; /* ... so many ... */
    uint32_t sent;  /* ... and so many have left. */
    uint32_t access;
    uint32_t credits; /* Taken from the port, given back by the response. */
    uint64_t age;     /* Tells groups of one index apart (reuse_index_in_flight). */
    uint64_t asked;   /* When its Last left. */
};

struct model_atc_entry {
    bool valid, has_pasid;
    uint32_t id, pasid;
    uint64_t page; /* Virtual. */
    uint64_t bus;
    uint32_t access;
};

struct model_ep_job {
    bool used;
    bool scheduled; /* A step is under way. */
    bool parked;    /* Waits until the knobs change (silent). */
    bool hung;      /* Was answered SUCCESS and did not care (never_retries). */
    bool wants_credit;
    bool stalled; /* An untranslated access is held by the IOMMU. */
    bool orphan;  /* Forgotten while stalled: free once that has ended. */
    uint32_t generation;
    struct model_job what;
    struct model_job_status status;
    uint64_t posted; /* Bytes handed to the fabric, from the front; done_bytes follows. */
    uint32_t asked;  /* How often the front page was asked for. */
    uint32_t groups; /* Under way. */
};

enum model_stop_state {
    MODEL_STOP_NONE,
    MODEL_STOP_UNDER_WAY,
    MODEL_STOP_COMPLETE
};
struct model_stop {
    enum model_stop_state state;
    uint32_t pasid;
    uint32_t generation;
};

/* An invalidation that has arrived and is not answered. */
struct model_pending {
    bool used, begun;
    uint32_t generation;
    struct model_invalidate what;
};

struct model_endpoint {
    struct model_world *world;
    struct model_fabric *fabric;
    struct model_endpoint *pf;
    struct model_endpoint *vfs[MODEL_EP_VFS];
    uint32_t vf_count;
    uint32_t ids[MODEL_EP_IDS];
    struct model_endpoint_config config;
    struct model_endpoint_knobs knobs;
    struct model_endpoint_counts counts;
    bool removed;

    /* configuration space */
    uint32_t ats_at, pri_at, pasid_at; /* Offsets of capabilities; 0: absent. */
    bool ats_enabled;
    uint32_t stu;
    bool pri_enabled, response_failure, unexpected_index;
    uint32_t allocation;
    uint32_t pasid_control;

    /* page requests */
    uint32_t credits_taken; /* Of the port. */
    struct model_group groups[MODEL_EP_GROUPS];
    uint32_t groups_used;
    uint64_t group_age;
    uint16_t index_used[MODEL_EP_INDICES];  /* How many groups have it; honest: at most one. */
    bool index_marker[MODEL_EP_INDICES];    /* Its last use was a Stop Marker. */
    bool index_forgotten[MODEL_EP_INDICES]; /* Its group was dropped by a reset. */
    bool answered[MODEL_EP_INDICES];        /* last_response is of its last use. */
    struct model_page_response last_response[MODEL_EP_INDICES];
    uint32_t index_next; /* Taken first if it is free: a just answered one. */

    struct model_atc_entry atc[MODEL_ATC_SETS][MODEL_ATC_WAYS];
    struct model_pending pending[MODEL_EP_INVALIDATIONS];
    uint32_t pending_first; /* A ring: they begin in the order of arrival, ... */
    uint32_t pending_count;
    uint32_t pending_begun; /* ... at most a queue's depth of them at once. */
    uint32_t pending_generation;

    struct model_ep_job jobs[MODEL_EP_JOBS];
    uint8_t *bounce; /* A page per job, for accesses that may stall; made when first needed. */
    struct model_stop stops[MODEL_EP_STOPS];
    uint32_t stop_generation;
    uint32_t generation; /* Of what a reset cures. */
};

/* ---- life ---- */
struct model_endpoint *model_ep_port(struct model_endpoint *ep);
bool model_ep_mute(const struct model_endpoint *ep); /* Neither sends nor answers. */
void model_ep_schedule(struct model_endpoint *ep, uint64_t delay, model_work_fn *fn,
                       uint64_t token);

void model_ep_stop_forget(struct model_endpoint *ep, uint32_t pasid); /* It is used again. */

/* ---- configuration space ---- */
void model_ep_config_init(struct model_endpoint *ep);
void model_ep_config_reset(struct model_endpoint *ep);
bool model_ep_pri_enabled(struct model_endpoint *ep);
bool model_ep_pasid_enabled(struct model_endpoint *ep);
bool model_ep_pri_stopped(struct model_endpoint *port);

/* ---- page request interface ---- */
/* Requests of the port and its functions that leave now because none may leave later. */
void model_ep_pri_close(struct model_endpoint *port);
/* As Reset in PRI control, or a function's reset: nothing is outstanding any more. */
void model_ep_pri_forget(struct model_endpoint *ep);
/*
 * Ask for consecutive pages as one group and begin to send it. job: who waits, or -1.
 * false: no credit, no room, or none may be sent.
 */
bool model_ep_group_open(struct model_endpoint *ep, const struct model_ep_ask *ask);
/* End what is open under a PASID: the next request of each group becomes its Last. */
void model_ep_group_close(struct model_endpoint *ep, uint32_t pasid, bool every);
void model_ep_groups_unpark(struct model_endpoint *ep);
void model_ep_marker(struct model_endpoint *ep, uint32_t pasid);
void model_ep_response(void *endpoint, const struct model_page_response *response);

/* ---- translation cache ---- */
const struct model_atc_entry *model_ep_atc_find(struct model_endpoint *ep, uint32_t id,
                                                uint32_t pasid, uint64_t page, uint32_t access);
/* Ask ATS for a page and keep what it grants. */
enum model_translate_status model_ep_atc_ask(struct model_endpoint *ep, uint32_t id, uint32_t pasid,
                                             uint64_t page, uint32_t access, uint32_t *granted);
void model_ep_atc_drop(struct model_endpoint *ep);
/* Everything that is not answered is lost: the function cannot answer while ATS is disabled. */
void model_ep_invalidations_lose(struct model_endpoint *ep);
void model_ep_invalidate(void *endpoint, const struct model_invalidate *what);
bool model_ep_pasid_possible(struct model_endpoint *ep, uint32_t pasid);

/* ---- jobs ---- */
void model_ep_jobs_unpark(struct model_endpoint *ep);
void model_ep_jobs_credit(struct model_endpoint *port); /* Credits came back. */
/* A group of the job is over. forgotten: by a reset, without a response. */
void model_ep_job_answer(struct model_endpoint *ep, int number, uint32_t code, bool forgotten);
void model_ep_jobs_drop(struct model_endpoint *ep); /* Frees every slot. */
void model_ep_jobs_end(struct model_endpoint *ep, uint32_t pasid, bool every,
                       enum model_job_state state);
void model_ep_job_posted(void *endpoint, uint64_t cookie, enum model_dma_result result);
void model_ep_job_resumed(void *endpoint, uint64_t cookie, enum model_dma_result result);

#endif
