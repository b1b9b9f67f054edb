/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MODEL_ENDPOINT_H
#define MODEL_ENDPOINT_H
/*
 * A PCIe endpoint (a PF, or a VF that shares its PF's page request interface), or a platform
 * device whose faulting accesses the IOMMU may stall. It has configuration space with ATS, PRI
 * and PASID capabilities, an address translation cache (ATC), a page request interface with
 * credits, and simple DMA jobs. Knobs make it misbehave.
 */
#include "model_link.h"

#ifdef __cplusplus
extern "C" {
#endif

struct model_endpoint;

struct model_endpoint_config {
    struct model_fabric *fabric;
    struct model_endpoint
        *pf;             /* NULL: a PF. Else this is a VF of pf: uses its PRI and PASID enables. */
    const uint32_t *ids; /* ids it sends under (aliases); the first is its own */
    uint32_t id_count;   /* 1 .. 4 */
    bool has_ats, has_pri, has_pasid;
    bool pasid_required;      /* PRG Response PASID Required, PRI status bit 15 */
    bool sends_markers;       /* sends a Stop Marker when a PASID is stopped */
    uint32_t pasid_width;     /* PASID capability, 1..20 */
    uint32_t pri_capacity;    /* PRI outstanding page request capacity */
    uint32_t ats_queue_depth; /* 0 means 32 */
    bool untranslated;        /* no ATC: every access goes out untranslated (stall or plain DMA) */
    uint32_t retries;         /* how often one page is asked for again after SUCCESS; 0: 64 */
};

struct model_endpoint *model_endpoint_create(struct model_world *world,
                                             const struct model_endpoint_config *config);

/* ---- configuration space: dword access, byte offset, as the host does it ---- */
uint32_t model_endpoint_config_read(struct model_endpoint *ep, uint32_t offset, uint32_t bytes);
void model_endpoint_config_write(struct model_endpoint *ep, uint32_t offset, uint32_t bytes,
                                 uint32_t value);

/* ---- jobs: memory traffic under a PASID ---- */
#define MODEL_NO_PASID UINT32_MAX
struct model_job {
    uint32_t pasid;   /* or MODEL_NO_PASID */
    uint32_t id_pick; /* which of its ids */
    uint64_t address; /* virtual */
    uint32_t access;  /* MODEL_READ or MODEL_WRITE */
    void *buffer;     /* to or from; stays until the job is over */
    uint64_t bytes;
    uint32_t pages_per_group; /* page requests put in one PRG; 0: 1 */
};
enum model_job_state {
    MODEL_JOB_RUNNING,
    MODEL_JOB_DONE,
    MODEL_JOB_FAILED,  /* INVALID, FAILURE, an abort, too many retries */
    MODEL_JOB_STOPPED, /* by model_endpoint_stop */
};
struct model_job_status {
    enum model_job_state state;
    uint64_t done_bytes;   /* transferred and visible, from the front */
    uint32_t last_code;    /* last response code that ended it, or 0 */
    uint32_t requests;     /* page requests sent */
    uint32_t translations; /* ATS translation requests sent */
};
/* A slot number >= 0 to ask with, or -1: too many (64 at a time). Runs by scheduled work. */
int model_endpoint_start(struct model_endpoint *ep, const struct model_job *job);
void model_endpoint_job(const struct model_endpoint *ep, int job, struct model_job_status *out);
void model_endpoint_job_forget(struct model_endpoint *ep, int job); /* frees the slot */

/*
 * Device-specific stop of a PASID: no new request of it leaves after this returns (an honest
 * device); jobs under it end; a Stop Marker is sent if sends_markers. True when the stop is
 * already complete; else ask model_endpoint_stopped(). Outstanding requests still get answers.
 */
bool model_endpoint_stop(struct model_endpoint *ep, uint32_t pasid);
bool model_endpoint_stopped(const struct model_endpoint *ep, uint32_t pasid);

/* Function-level reset: enables cleared, ATC dropped, outstanding requests and jobs forgotten. */
void model_endpoint_reset(struct model_endpoint *ep);
/* Surprise removal: config reads give all ones, invalidations are never answered. */
void model_endpoint_remove(struct model_endpoint *ep);

/* ---- raw messages, for tests that place one request exactly ---- */
/* Sent as is through the fabric, no credit taken unless counted. */
void model_endpoint_send(struct model_endpoint *ep, const struct model_page_request *request,
                         bool counted);
/* One access, now: translated through the ATC (asking ATS where needed), else as configured. */
enum model_dma_result model_endpoint_access(struct model_endpoint *ep, uint32_t pasid,
                                            uint64_t address, uint32_t access, void *data,
                                            uint32_t bytes);

/* ---- what it saw ---- */
struct model_endpoint_counts {
    uint64_t requests, lasts, markers;  /* sent */
    uint64_t success, invalid, failure; /* responses received, by code */
    uint64_t automatic;                 /* of them made by hardware */
    uint64_t unexpected;                /* UPRGI: for an index not outstanding */
    uint64_t marker_answers;            /* responses to a Stop Marker's index (never legal) */
    uint64_t ignored;                   /* PASID-required mismatch */
    uint64_t invalidations, translations;
    uint64_t bytes_read, bytes_written;
    uint32_t outstanding, groups_outstanding; /* now */
};
void model_endpoint_get_counts(const struct model_endpoint *ep, struct model_endpoint_counts *out);
/* When the oldest Last left that has no response yet; UINT64_MAX: none waits. */
uint64_t model_endpoint_oldest(const struct model_endpoint *ep);
/* The last response for a PRG index: false if none came since it was last used. */
bool model_endpoint_last_response(const struct model_endpoint *ep, uint32_t id, uint32_t index,
                                  struct model_page_response *out);

/* ---- knobs to misbehave; all off at start ---- */
struct model_endpoint_knobs {
    bool exceed_credits;        /* ignores its allocation */
    bool reuse_index_in_flight; /* takes an index that is still outstanding */
    bool lose_marker;           /* the Stop Marker never leaves */
    bool forge_marker;          /* sends a marker although it goes on sending */
    bool never_stops;           /* model_endpoint_stop() never completes */
    bool wakes_after_stop;      /* sends again some time after a stop that completed or timed out */
    bool sends_after_stop;      /* requests go out behind the marker */
    bool ignore_invalidations;  /* never answers one (timeout) */
    uint64_t invalidate_delay_ns;   /* extra, before answering */
    bool unsupported_invalidations; /* answers UR */
    bool silent;                    /* sends nothing, answers nothing */
    bool never_retries;             /* a SUCCESS is ignored, the job hangs */
    bool split_last;                /* holds each Last back until model_endpoint_send_lasts() */
    bool pri_never_stops;           /* PRI status Stopped stays 0 */
};
void model_endpoint_set_knobs(struct model_endpoint *ep, const struct model_endpoint_knobs *knobs);
void model_endpoint_send_lasts(struct model_endpoint *ep);

#ifdef __cplusplus
}
#endif
#endif
