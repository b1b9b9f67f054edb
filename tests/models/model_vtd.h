/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MODEL_VTD_H
#define MODEL_VTD_H
/*
 * An Intel VT-d remapping unit in scalable mode, as software and endpoints see it. Where the
 * architecture says "may", this one does either, by seeded choice or by knob; where software is
 * wrong it says so through model_report() with rules named "vtd.<area>.<rule>".
 */
#include "model_link.h"

#ifdef __cplusplus
extern "C" {
#endif

struct model_vtd;

#define MODEL_VTD_NONE  UINT32_MAX /* "no PASID" */
#define MODEL_VTD_BYTES 0x1000u    /* of register space, whatever fro and iro are */

enum model_vtd_source {
    MODEL_VTD_IRQ_FAULT,
    MODEL_VTD_IRQ_COMPLETION,
    MODEL_VTD_IRQ_PAGE_REQUEST,
    MODEL_VTD_IRQ_SOURCES,
};

/* What the capability registers say, as plain values, and where the outside is reached. */
struct model_vtd_config {
    uint32_t ver;         /* VER: MAX 7:4, MIN 3:0 */
    uint32_t nd;          /* CAP.ND: domain ids have 4 + 2 * nd bits */
    uint32_t sagaw;       /* CAP.SAGAW */
    uint32_t mgaw;        /* widest guest address, bits */
    uint32_t fro, iro;    /* CAP.FRO, ECAP.IRO: offset / 16 */
    uint32_t sslps;       /* CAP.SSLPS: 0, 1, 3 */
    uint32_t records;     /* fault records, 1 .. 16 */
    uint32_t mamv;        /* CAP.MAMV */
    uint32_t pss;         /* PASID bits, 1 .. 20; ECAP.PSS + 1 */
    uint32_t haw;         /* host address width, bits */
    uint32_t mhmv;        /* ECAP.MHMV */
    uint32_t device_tags; /* device-TLB invalidations that can be under way, 1 .. 32 */
    bool rwbf, cm, zlr, psi, fs1gp, fs5lp, esirtps, esrtps;
    bool coherent; /* ECAP.C */
    bool qi, dt, ir, eim, pt, sc, nest, prs, srs, nwfs, eafs, pasid, dit;
    bool pds; /* page-request drain */
    bool smts, ssads, ssts, fsts, smpwcs, rps, adms, rprivs, ptrs, ssirws;
    bool sms;            /* stop markers that cannot be queued are dropped silently */
    bool no_iqercd;      /* an old part: IQERCD reads 0 */
    bool starts_enabled; /* found running by a previous owner, with stale status */
    void *ctx;
    /* A message of this source has left (or would have: see doorbell). Optional. */
    void (*irq)(void *ctx, enum model_vtd_source source);
    /* The message itself; true: it was a doorbell of the host's. Optional. */
    bool (*doorbell)(void *ctx, uint64_t address, uint32_t data);
};
/* A part with everything that shared virtual addressing over PCIe asks for. */
void model_vtd_defaults(struct model_vtd_config *config);

struct model_vtd_knobs {
    /* Upper bounds of random lags; 0 acts as 1. */
    uint32_t register_lag_ns;   /* GCMD to GSTS */
    uint32_t fetch_lag_ns;      /* between two descriptors */
    uint32_t execute_lag_ns;    /* between fetch and effect of a descriptor */
    uint32_t status_lag_ns;     /* between a wait's turn and its signal */
    uint32_t response_lag_ns;   /* between a page group response's turn and its message */
    uint32_t ingress_lag_ns;    /* between receipt and acceptance of a page request; 0: none */
    uint32_t prq_lag_ns;        /* between acceptance of a page request and PQT; 0: none */
    uint32_t irq_lag_ns;        /* between event and message */
    uint32_t entry_lag_ns;      /* a slow fetch of a table entry takes up to this long */
    uint32_t device_timeout_ns; /* exact: ITag to ITE */
    /* Chances in 1/1000. */
    uint32_t prefetch;        /* a register access is followed by a spontaneous fetch */
    uint32_t over_invalidate; /* an invalidation drops unrelated entries as well */
    uint32_t walk_cache;      /* a non-leaf paging entry is kept */
    uint32_t evict;           /* a cached entry goes by itself before a lookup */
    /* Choices; the doubts of the sheet among them. */
    bool cm_tag_did0;      /* CM=1: a cached faulting PASID entry is tagged DID 0 */
    bool cm_tag_did;       /* CM=1: ... and with the DID of the entry (both: either frees it) */
    bool waits_unordered;  /* a wait may complete before an earlier one, unless fenced */
    bool type3_unordered;  /* a type 3 does not wait for an earlier type 6 */
    bool ite_aborts_all;   /* a time-out aborts every waiter, else only the first behind it */
    bool ite_loses_rest;   /* what follows the timed-out invalidation is not executed */
    bool late_is_ice;      /* an answer after the time-out sets ICE */
    bool ur_is_silence;    /* a refused invalidation is never answered: ITE */
    bool pro_needs_empty;  /* PRO cleared while entries are left is reported */
    bool ppr_alone_clears; /* PECTL.IP goes with PPR alone, else with PPR and PRO */
    bool compress_faults;  /* a pending record of the same requester absorbs a fault */
    bool swallow_markers;  /* stop markers never reach the queue */
    bool marker_fault;     /* SMS: a dropped marker logs the fault of its walk */
    bool scramble_prq;     /* reserved words of a page request are random */
    bool strict_stale;     /* use of an entry that memory contradicts is reported */
    /* Translations invalidated before their PASID entry are reported, also where that is done for
     * another purpose (a drain) and not relied upon: off. */
    bool strict_order;
    bool ats_small; /* ATS answers are one page, however large the mapping */
    /* Beyond the architecture, as an emulator has it (sheet 20): P of the PASID entry of traffic
     * without PASID is looked at only when the context entry is fetched. */
    bool rid_with_context;
    /* Faults to come. */
    uint32_t lose_invalidates; /* the next n device-TLB invalidations get lost */
    uint32_t illegal_next;     /* the next n descriptors are refused though they are legal */
    bool command_hang;         /* the queue stops fetching for ever */
    bool register_hang;        /* GSTS no longer follows GCMD */
};
void model_vtd_default_knobs(struct model_vtd_knobs *knobs);

struct model_vtd_counts {
    uint64_t descriptors[16]; /* fetched and found valid, by type */
    uint64_t executed[16];    /* that took effect, by type */
    uint64_t faults[256];     /* by reason, logged or not */
    uint64_t faults_logged, faults_lost, faults_silent;
    uint64_t requests_queued, markers_queued;
    uint64_t requests_dropped, markers_dropped;
    uint64_t auto_success, auto_invalid, overflows;
    uint64_t responses, responses_unmatched;
    uint64_t translations, accesses;
    uint64_t tlb_hits, tlb_misses, config_fetches, prefetches;
    uint64_t mmio_reads, mmio_writes, wide_pairs;
    uint64_t waits, waits_aborted, timeouts, queue_errors, completion_errors;
    uint64_t root_sets; /* SRTP, repeated ones too */
    uint64_t irqs[MODEL_VTD_IRQ_SOURCES];
};

/* NULL: memory does not suffice, or the configuration is impossible. */
struct model_vtd *model_vtd_create(struct model_world *world, struct model_fabric *fabric,
                                   const struct model_vtd_config *config);
void model_vtd_set_knobs(struct model_vtd *model, const struct model_vtd_knobs *knobs);
void model_vtd_get_knobs(const struct model_vtd *model, struct model_vtd_knobs *knobs);
const struct model_vtd_counts *model_vtd_counts(const struct model_vtd *model);
/* For the fabric: create() attaches the model already when a fabric is given. */
const struct model_iommu_ops *model_vtd_ops(void);

/* ---- the host's register accesses; each lets time pass ---- */
uint32_t model_vtd_read32(struct model_vtd *model, uint64_t offset);
uint64_t model_vtd_read64(struct model_vtd *model, uint64_t offset);
void model_vtd_write32(struct model_vtd *model, uint64_t offset, uint32_t value);
void model_vtd_write64(struct model_vtd *model, uint64_t offset, uint64_t value);

/* ---- misfortune, now ---- */
/* Registers, queues and caches as out of reset; nothing may be under way. */
void model_vtd_power_cycle(struct model_vtd *model);
void model_vtd_force_overflow(struct model_vtd *model); /* PRS.PRO is set */
void model_vtd_inject_fault(struct model_vtd *model, uint32_t id, uint32_t pasid, uint64_t address,
                            uint32_t reason);
void model_vtd_raise_status(struct model_vtd *model, uint32_t bits); /* FSTS: 10h, 20h, 40h */
/* Fetch context and PASID entry as a prefetch would (present ones only). */
void model_vtd_prefetch(struct model_vtd *model, uint32_t id, uint32_t pasid);
/* The same PASID entry in pieces: the first 16 bytes now, the others later. */
void model_vtd_prefetch_slowly(struct model_vtd *model, uint32_t id, uint32_t pasid);

/* ---- inspection; costs no time, changes nothing ---- */
uint32_t model_vtd_prq_used(const struct model_vtd *model);
uint32_t model_vtd_iq_used(const struct model_vtd *model);
uint32_t model_vtd_iq_pending(const struct model_vtd *model);      /* fetched, not yet complete */
uint32_t model_vtd_devices_pending(const struct model_vtd *model); /* unanswered invalidations */
bool model_vtd_prq_overflowed(const struct model_vtd *model);
/* Invalidation descriptors fetched that no completed wait covers. */
uint32_t model_vtd_unsynced(const struct model_vtd *model);
bool model_vtd_context_cached(const struct model_vtd *model, uint32_t id);
bool model_vtd_pasid_cached(const struct model_vtd *model, uint32_t id, uint32_t pasid);
bool model_vtd_did_cached(const struct model_vtd *model, uint32_t did);
/*
 * true: no cached PASID entry, fetch under way or translation would still let {id, pasid} reach
 * memory; pasid MODEL_VTD_NONE = traffic without one.
 */
bool model_vtd_check_unreachable(const struct model_vtd *model, uint32_t id, uint32_t pasid);
/* true: no cached entry or translation was made from page tables in [first, last]. */
bool model_vtd_check_tables_unused(const struct model_vtd *model, uint64_t first, uint64_t last);

#ifdef __cplusplus
}
#endif
#endif
