/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MODEL_SMMUV3_H
#define MODEL_SMMUV3_H
/*
 * An SMMUv3, Non-secure programming interface, as software and endpoints see it. Where the
 * architecture says "may", this one does either, by seeded choice or by knob; where software is
 * wrong it says so through model_report() with rules named "smmuv3.<area>.<rule>".
 */
#include "model_link.h"

#ifdef __cplusplus
extern "C" {
#endif

struct model_smmuv3;

#define MODEL_SMMUV3_NONE  UINT32_MAX /* "no SSID", "no stream" */
#define MODEL_SMMUV3_BYTES 0x20000u   /* of register space */

enum model_smmuv3_source {
    MODEL_SMMUV3_IRQ_GERROR,
    MODEL_SMMUV3_IRQ_PRIQ,
    MODEL_SMMUV3_IRQ_EVENTQ,
    MODEL_SMMUV3_IRQ_SYNC, /* wired pulse of a CMD_SYNC with CS = IRQ */
    MODEL_SMMUV3_IRQ_SEV,  /* event of a CMD_SYNC with CS = SEV */
    MODEL_SMMUV3_IRQ_SOURCES,
};

/* What the identification registers say, as plain values, and where the outside is reached. */
struct model_smmuv3_config {
    uint32_t sid_bits;  /* IDR1.SIDSIZE */
    uint32_t ssid_bits; /* IDR1.SSIDSIZE */
    uint32_t cmdq_log2; /* IDR1.CMDQS, EVENTQS, PRIQS */
    uint32_t eventq_log2;
    uint32_t priq_log2;
    uint32_t minor; /* AIDR: 3.minor */
    uint32_t iidr;
    uint32_t stall_model; /* 0 both, 1 terminate only, 2 forced */
    uint32_t stall_max;   /* 1 .. 48 when stalls exist */
    uint32_t httu;        /* 0 .. 3 */
    uint32_t oas;         /* IDR5.OAS, 0 .. 6 */
    uint32_t vax;         /* IDR5.VAX */
    uint32_t ttf;         /* IDR0.TTF */
    uint32_t ttendian;    /* IDR0.TTENDIAN */
    uint32_t st_level;    /* IDR0.ST_LEVEL */
    uint32_t bbml;        /* IDR3.BBML */
    bool s1p, s2p, cohacc, btm, hyp, ats, ns1ats, asid16, vmid16, msi, sev, pri, cd2l;
    bool term_model, ats_rec_err, attr_types_ovr, attr_perms_ovr;
    bool pps, ril, had, stt, e0pd, pasidtt, xnx;
    bool gran4k, gran16k, gran64k;
    bool queues_preset, tables_preset, rel, ecmdq; /* only the bits of IDR1 */
    bool page0_queues;   /* EVENTQ and PRIQ indexes in page 0 (a known chip), none in page 1 */
    bool no_pasid;       /* the system around has no PASIDs: SSV=1 acts as SSV=0 or does nothing */
    bool root_no_ats;    /* the root complex lacks ATS: CMD_ATC_INV is consumed and ignored */
    bool root_no_pri;    /* the root complex lacks PRI: CMD_PRI_RESP likewise */
    bool starts_enabled; /* found running: SMMUEN and CMDQEN are set when software arrives */
    void *ctx;
    /* Interrupt edge on a wire. Must not touch registers. Optional. */
    void (*irq)(void *ctx, enum model_smmuv3_source source);
    /*
     * A message-signalled interrupt leaves. true: it was a doorbell of the host's. false, or no
     * function: it goes to RAM as a 32-bit write, and aborts if there is none. Optional.
     */
    bool (*doorbell)(void *ctx, uint64_t address, uint32_t data);
};
/* A chip with everything that shared virtual addressing over PCIe asks for, v3.2. */
void model_smmuv3_defaults(struct model_smmuv3_config *config);

/* What CMD_SYNC does after the acknowledged ERR 3, while the invalidate is still unanswered. */
enum model_smmuv3_after_timeout {
    MODEL_SMMUV3_FAIL_AGAIN, /* waits again, fails again, until all are answered */
    MODEL_SMMUV3_SUCCEED,    /* completes, although the ATC may never have seen the invalidate */
    MODEL_SMMUV3_HANG,       /* never completes, no error */
};

struct model_smmuv3_knobs {
    /* Upper bounds of random lags; 0 acts as 1. */
    uint32_t register_lag_ns;   /* CR0, IRQ_CTRL and GBPA updates */
    uint32_t command_lag_ns;    /* between two commands */
    uint32_t invalidate_lag_ns; /* between consumption and effect of TLBI and CFGI */
    uint32_t signal_lag_ns;     /* between CONS and the signal of a CMD_SYNC */
    uint32_t event_lag_ns;      /* between a fault and its record */
    uint32_t response_lag_ns;   /* between CMD_PRI_RESP and the message */
    uint32_t irq_lag_ns;        /* between cause and edge */
    uint32_t terminate_lag_ns;  /* between RESUME or STALL_TERM and the end of the stall */
    uint32_t fetch_lag_ns;      /* a slow fetch of a structure takes up to this long */
    uint32_t pri_lag_ns;        /* between a queued page request and PRIQ_PROD; 0: none */
    uint32_t atc_timeout_ns;    /* exact */
    /* CMD_SYNCs for which an entry of both stages may be used after CMD_TLBI_S2_IPA; 0: any number.
     */
    uint32_t stage2_grace;
    /* Chances in 1/1000. */
    uint32_t cons_jump;       /* CONS is not published after a command, but later */
    uint32_t prefetch;        /* a register access is followed by a spontaneous fetch */
    uint32_t over_invalidate; /* an invalidation drops unrelated entries as well */
    uint32_t walk_cache;      /* an intermediate table descriptor is kept */
    uint32_t evict;           /* a cached entry goes by itself before a lookup */
    uint32_t early_retry;     /* a stall is retried by hardware on its own */
    /* Choices. */
    bool reserved_is_illegal; /* reserved bits in commands: CERROR_ILL, else ignored */
    bool scramble_guarded;    /* minor < 2: a guarded write leaves random content */
    bool atc_size_illegal;    /* CMD_ATC_INV Size > 52: CERROR_ILL, else an unknown span */
    bool suppress_duplicates; /* stalls on one page share one event */
    bool merge_events;        /* equal records merge where allowed */
    bool eventq_abort_async;
    bool priq_abort_async;
    bool priq_off_last_only; /* PRIQEN=0: only Last requests are failed, the others dropped */
    bool swallow_markers;    /* Stop Markers never reach the queue (beyond the architecture) */
    uint32_t no_stall_sid;   /* the system refuses to stall this stream */
    enum model_smmuv3_after_timeout after_timeout;
    /* Faults to come. */
    uint32_t lose_invalidates; /* the next n CMD_ATC_INV never reach the endpoint */
    uint32_t illegal_next;     /* the next n commands give CERROR_ILL though they are legal */
    bool command_hang;         /* the command queue stops consuming for ever */
};
void model_smmuv3_default_knobs(struct model_smmuv3_knobs *knobs);

struct model_smmuv3_counts {
    uint64_t commands[256]; /* completed, by opcode */
    uint64_t events[256];   /* recorded, by number */
    uint64_t events_lost, events_merged;
    uint64_t requests_queued, markers_queued;
    uint64_t requests_dropped; /* silently */
    uint64_t markers_dropped;
    uint64_t auto_success, auto_failure;
    uint64_t responses, responses_unmatched;
    uint64_t translations, accesses; /* ATS requests; untranslated and translated traffic */
    uint64_t tlb_hits, tlb_misses, config_fetches, prefetches;
    uint64_t mmio_reads, mmio_writes;
    uint64_t syncs, sync_timeouts, command_errors;
    uint64_t stalls, stall_ends, early_retries;
    uint64_t irqs[MODEL_SMMUV3_IRQ_SOURCES], msis;
};

/* NULL: memory does not suffice, or the configuration is impossible. */
struct model_smmuv3 *model_smmuv3_create(struct model_world *world, struct model_fabric *fabric,
                                         const struct model_smmuv3_config *config);
void model_smmuv3_set_knobs(struct model_smmuv3 *model, const struct model_smmuv3_knobs *knobs);
void model_smmuv3_get_knobs(const struct model_smmuv3 *model, struct model_smmuv3_knobs *knobs);
const struct model_smmuv3_counts *model_smmuv3_counts(const struct model_smmuv3 *model);
/* For the fabric: create() attaches the model already when a fabric is given. */
const struct model_iommu_ops *model_smmuv3_ops(void);

/* ---- the host's register accesses; each lets time pass ---- */
uint32_t model_smmuv3_read32(struct model_smmuv3 *model, uint64_t offset);
uint64_t model_smmuv3_read64(struct model_smmuv3 *model, uint64_t offset);
void model_smmuv3_write32(struct model_smmuv3 *model, uint64_t offset, uint32_t value);
void model_smmuv3_write64(struct model_smmuv3 *model, uint64_t offset, uint64_t value);

/* ---- misfortune, now ---- */
/* Registers, queues and caches as out of reset; nothing may be under way. */
void model_smmuv3_power_cycle(struct model_smmuv3 *model);
void model_smmuv3_force_overflow(struct model_smmuv3 *model); /* the PRI queue overflows */
void model_smmuv3_raise_gerror(struct model_smmuv3 *model, uint32_t bits);
void model_smmuv3_inject_event(struct model_smmuv3 *model, const uint64_t words[4]);
/* Fetch the configuration of a stream as a prefetch would (reachable entries only). */
void model_smmuv3_prefetch(struct model_smmuv3 *model, uint32_t sid, uint32_t ssid);
/* The same, spread over time: words are read now and later, in random order. */
void model_smmuv3_prefetch_slowly(struct model_smmuv3 *model, uint32_t sid, uint32_t ssid);

/* ---- inspection; costs no time, changes nothing ---- */
uint32_t model_smmuv3_priq_used(const struct model_smmuv3 *model);
uint32_t model_smmuv3_eventq_used(const struct model_smmuv3 *model);
uint32_t model_smmuv3_cmdq_used(const struct model_smmuv3 *model);
bool model_smmuv3_priq_overflowed(const struct model_smmuv3 *model);
uint32_t model_smmuv3_stalls(const struct model_smmuv3 *model); /* that are owed an answer */
uint32_t model_smmuv3_events_pending(const struct model_smmuv3 *model);
/* Invalidation commands consumed that no completed CMD_SYNC covers. */
uint32_t model_smmuv3_unsynced(const struct model_smmuv3 *model);
uint32_t model_smmuv3_atc_outstanding(const struct model_smmuv3 *model);
bool model_smmuv3_ste_cached(const struct model_smmuv3 *model, uint32_t sid);
bool model_smmuv3_cd_cached(const struct model_smmuv3 *model, uint32_t sid, uint32_t ssid);
bool model_smmuv3_asid_cached(const struct model_smmuv3 *model, uint32_t asid);
/* Translations of any stage. */
bool model_smmuv3_vmid_cached(const struct model_smmuv3 *model, uint32_t vmid);
/*
 * true: no cached configuration, fetch under way or TLB entry would still translate for
 * {sid, ssid}; ssid MODEL_SMMUV3_NONE = traffic without one. A cached quiesce descriptor (both
 * walks disabled) and a cached invalid one translate nothing.
 */
bool model_smmuv3_check_unreachable(const struct model_smmuv3 *model, uint32_t sid, uint32_t ssid);
/* true: no cached STE, CD, walk or TLB entry was made from page tables, of either stage, in
 * [first, last]. */
bool model_smmuv3_check_tables_unused(const struct model_smmuv3 *model, uint64_t first,
                                      uint64_t last);

#ifdef __cplusplus
}
#endif
#endif
