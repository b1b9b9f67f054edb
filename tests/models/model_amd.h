/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MODEL_AMD_H
#define MODEL_AMD_H
/*
 * An AMD IOMMU (AMD-Vi with guest translation and PPR), as software and endpoints see it. Where
 * its sheet says "may" or doubts, a knob or a seeded choice; where software is wrong it says so
 * through model_report() with rules named "amd.<area>.<rule>".
 */
#include "model_link.h"

#ifdef __cplusplus
extern "C" {
#endif

struct model_amd;

#define MODEL_AMD_NONE  UINT32_MAX /* "no PASID" */
#define MODEL_AMD_BYTES 0x4000u    /* of register space */

enum model_amd_source {
    MODEL_AMD_IRQ_GENERAL, /* event log and COMPLETION_WAIT */
    MODEL_AMD_IRQ_PPR,
    MODEL_AMD_IRQ_SOURCES,
};

/* What the extended feature registers say, as plain values, and where the outside is reached. */
struct model_amd_config {
    uint32_t hats;     /* 0: 4 host levels, 1: 5, 2: 6, 3: none */
    uint32_t gats;     /* 0: 4 guest levels, 1: 5 */
    uint32_t glx;      /* GLXSup: 0 .. 2 */
    uint32_t pas_max;  /* PASmax: PASIDs have pas_max + 1 bits, at most 20 */
    uint32_t dual_ppr; /* 0 none, 1 manual, 2 auto-swap */
    bool iotlb;        /* IotlbSup of the capability */
    bool prefetch, ppr, xt, nx, gt, ia, ga, us;
    bool ppr_early, ppr_auto, block_markers;
    bool gio, ha, hd, eph, inv_type, sats, snp;
    bool gcr3_trp, ht_range_ignore; /* EFR2 */
    bool np_cache;                  /* not-present GCR3 and page table entries are cached as well */
    bool late_entries;              /* errata 732 and 733: software must clear what it has read */
    bool starts_enabled;            /* found running, with the registers below */
    uint64_t found_control, found_devtab, found_cmdbuf, found_evtlog, found_pprlog;
    void *ctx;
    /* An interrupt message leaves. Must not touch registers. Optional. */
    void (*irq)(void *ctx, enum model_amd_source source);
};
/* A chip with everything that shared virtual addressing asks for, 16-bit PASIDs. */
void model_amd_defaults(struct model_amd_config *config);

struct model_amd_knobs {
    /* Upper bounds of random lags; 0 acts as 1. */
    uint32_t register_lag_ns;   /* between En 1 -> 0 and Run = 0 */
    uint32_t command_lag_ns;    /* between two commands */
    uint32_t invalidate_lag_ns; /* between acceptance and effect of an invalidation */
    uint32_t complete_lag_ns;   /* between all is done and the store of a COMPLETION_WAIT */
    uint32_t event_lag_ns;      /* between a fault and its entry */
    uint32_t ppr_lag_ns;        /* between a page request and PPRTail; 0: none */
    uint32_t entry_lag_ns;      /* between a log tail and the entry's body; 0: none */
    uint32_t response_lag_ns;   /* between COMPLETE_PPR and the message */
    uint32_t irq_lag_ns;        /* between cause and message */
    /* Chances in 1/1000. */
    uint32_t sticky_w1c;      /* erratum 1312: clearing an Int bit loses */
    uint32_t prefetch;        /* a register access is followed by a spontaneous fetch */
    uint32_t over_invalidate; /* an invalidation drops everything */
    uint32_t walk_cache;      /* an intermediate table entry is kept */
    uint32_t evict;           /* a cached entry goes by itself before a lookup */
    /* Choices where the sheet doubts. */
    bool irq_per_event;       /* a message per entry, the Int bit set or not */
    bool irq_on_enable;       /* setting IntEn while Int is 1 sends a message */
    bool int_needs_enable;    /* Int bits are set only while IntEn is 1 */
    bool overflow_keeps_run;  /* event log only */
    bool overflow_no_int;     /* PPROverflow comes without PPRInt (else PPRInt is set too) */
    bool spec_restart;        /* writing PPRLogEn = 1 resumes without having been 0 */
    bool base_keeps_pointers; /* a base write leaves head and tail */
    bool rx_answered;         /* INVALID_PPR_REQUEST: RX = 1, the IOMMU has answered */
    bool auto_non_last;       /* automatic responses go to requests without Last as well */
    bool swallow_markers;     /* Stop Markers never reach the log */
    bool tv0_silent;          /* V = 1, TV = 0 aborts without an event */
    bool overlap;             /* INV_IOTLB_PAGES overtakes INV_IOMMU_PAGES */
    bool strict_gn;           /* COMPLETE_PPR whose GN differs from the request's is reported */
    bool gpa_keeps_gva;    /* INV_IOMMU_PAGES with GN = 0 leaves what guest tables made over it */
    bool gcr3_inner_gpa;   /* Mode != 0, GCR3TRPMode = 0: inner GCR3 nodes are at GPAs */
    bool report_stale;     /* a hit on an entry that memory contradicts is reported */
    bool complete_despite; /* COMPLETION_WAIT does not wait for devices */
    bool devtab_stays;     /* a unit found on ignores a new device table while it is on */
    /* Faults to come. */
    uint32_t lose_invalidates; /* the next n INV_IOTLB_PAGES never reach the endpoint */
    uint32_t lose_completions; /* the next n stores never happen */
    uint32_t illegal_next;     /* the next n commands are refused though they are legal */
    bool command_hang;         /* commands are no longer fetched */
};
void model_amd_default_knobs(struct model_amd_knobs *knobs);

struct model_amd_counts {
    uint64_t commands[16]; /* accepted, by opcode */
    uint64_t events[16];   /* written, by code */
    uint64_t events_lost, events_suppressed;
    uint64_t requests_logged, markers_logged, markers_dropped;
    uint64_t requests_dropped; /* without any answer */
    uint64_t requests_invalid; /* INVALID_PPR_REQUEST */
    uint64_t auto_responses;
    uint64_t responses, unmatched, partial_answered, marker_answered, wrong_pasid, bad_status;
    uint64_t gn_differs;
    uint64_t translations, accesses, passed; /* passed: untranslated because V = 0 or disabled */
    uint64_t interrupts;                     /* writes to the interrupt window */
    uint64_t tlb_hits, tlb_misses, stale_hits, config_fetches, prefetches;
    uint64_t mmio_reads, mmio_writes, mmio_unknown;
    uint64_t waits, timeouts, command_errors, overflows;
    uint64_t irqs[MODEL_AMD_IRQ_SOURCES];
};

/* NULL: memory does not suffice, or the configuration is impossible. */
struct model_amd *model_amd_create(struct model_world *world, struct model_fabric *fabric,
                                   const struct model_amd_config *config);
/* Whoever wrote the registers so far has gone: software finds them as they are. */
void model_amd_found(struct model_amd *model);
void model_amd_set_knobs(struct model_amd *model, const struct model_amd_knobs *knobs);
void model_amd_get_knobs(const struct model_amd *model, struct model_amd_knobs *knobs);
const struct model_amd_counts *model_amd_counts(const struct model_amd *model);
/* For the fabric: create() attaches the model already when a fabric is given. */
const struct model_iommu_ops *model_amd_ops(void);

/* ---- the host's register accesses; each lets time pass ---- */
uint32_t model_amd_read32(struct model_amd *model, uint64_t offset);
uint64_t model_amd_read64(struct model_amd *model, uint64_t offset);
void model_amd_write32(struct model_amd *model, uint64_t offset, uint32_t value);
void model_amd_write64(struct model_amd *model, uint64_t offset, uint64_t value);
/* The PCI capability block, offsets 0 .. 0x10. */
uint32_t model_amd_capability(const struct model_amd *model, uint32_t offset);

/* ---- misfortune, now ---- */
/* Registers, logs and caches as out of reset; nothing may be under way. */
void model_amd_power_cycle(struct model_amd *model);
void model_amd_force_overflow(struct model_amd *model); /* the active PPR log, if it runs */
void model_amd_inject_event(struct model_amd *model, const uint32_t dw[4]);
void model_amd_inject_request(struct model_amd *model, const uint32_t dw[4]); /* a raw PPR entry */
/* Instead of the newest entry of the active PPR log: it was noise on the way. false: none waits. */
bool model_amd_spoil_request(struct model_amd *model, const uint32_t dw[4]);
void model_amd_spurious_irq(struct model_amd *model, enum model_amd_source source);
/* Fetch what traffic of {id, pasid} would need, as a prefetch would. */
void model_amd_prefetch(struct model_amd *model, uint32_t id, uint32_t pasid);
/* The device was reset or removed: its open requests are owed nothing. */
void model_amd_forget_device(struct model_amd *model, uint32_t id);

/* ---- inspection; costs no time, changes nothing ---- */
uint32_t model_amd_pprlog_used(const struct model_amd *model); /* of the active log, entries */
uint32_t model_amd_evtlog_used(const struct model_amd *model);
uint32_t model_amd_cmdq_used(const struct model_amd *model);
bool model_amd_ppr_overflowed(const struct model_amd *model);
uint32_t model_amd_entries_late(const struct model_amd *model); /* tail moved, body not there */
uint32_t model_amd_requests_open(
    const struct model_amd *model); /* groups that are owed an answer */
uint32_t model_amd_events_pending(const struct model_amd *model);
/* Invalidation commands accepted that no finished COMPLETION_WAIT covers. */
uint32_t model_amd_unsynced(const struct model_amd *model);
uint32_t model_amd_iotlb_outstanding(const struct model_amd *model);
bool model_amd_dte_cached(const struct model_amd *model, uint32_t id);
bool model_amd_gcr3_cached(const struct model_amd *model, uint32_t domain, uint32_t pasid);
bool model_amd_domain_cached(const struct model_amd *model, uint32_t domain);
bool model_amd_pasid_cached(const struct model_amd *model, uint32_t domain, uint32_t pasid);
/* true: nothing cached would still let {id, pasid} reach memory. */
bool model_amd_check_unreachable(const struct model_amd *model, uint32_t id, uint32_t pasid);
/* true: no cached entry points into, or was made from, page tables in [first, last]. */
bool model_amd_check_tables_unused(const struct model_amd *model, uint64_t first, uint64_t last);

#ifdef __cplusplus
}
#endif
#endif
