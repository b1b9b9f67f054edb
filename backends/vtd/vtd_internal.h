/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef VTD_INTERNAL_H
#define VTD_INTERNAL_H
/*
 * What the files of this backend share. Fields are tagged: (c) constant after probe or start,
 * (l) under the unit's command-ring lock, (r) the service role's, (t) task ops only.
 */
#include "vtd_regs.h"
#include <uiommu/backend.h>
#include <uiommu/vtd.h>

/* One descriptor; in 256-bit queues the upper half is 0 but for private data. */
struct vtd_descriptor {
    uint64_t q[4];
};

/* What the capabilities say. (c) */
struct vtd_features {
    bool coherent;   /* ECAP.C: tables are snooped. */
    bool snoop_walk; /* ECAP.SMPWCS: so are page tables, where PWSNP asks for it. */
    bool caching;    /* CAP.CM: absent and illegal entries may be cached. */
    bool write_buffer, esrtps, abort_mode, five, eim, ats, throttle, pri, drain;
    uint32_t pasid_bits, did_last;
    bool first, second, nested;
    bool second_flags;   /* Second stages may have their flags set. */
    bool pages;          /* Second stages can be invalidated by page. */
    uint32_t widths;     /* Of second stages: SAGAW. */
    uint32_t guest_bits; /* Their widest address. */
    uint32_t order_most; /* Widest page-selective invalidation, log2 of pages. */
    uint32_t fault_base, faults;
    uint32_t queue_log2, prq_log2;
};

/*
 * The invalidation queue. Positions count descriptors for ever; the hardware's offset is the
 * position under the queue's mask. A ticket is the position behind its wait descriptor. (l)
 */
struct vtd_queue {
    struct uiommu_mem mem;
    struct uiommu_mem status; /* A 32-bit word per slot: what the wait there writes; one more for
                                 fences. */
    uint32_t log2;
    uint64_t head;     /* Written by us. */
    uint64_t told;     /* In IQT. */
    uint64_t fetched;  /* Passed by IQH, as last read. */
    uint64_t resolved; /* Tickets up to here are done or failed. */
    uint64_t segment;  /* Behind the last of those tickets. */
    uint64_t error_at; /* Where the last IQE was. */
    uint32_t repeats;  /* Errors in a row there. */
    struct uiommu_tickets tickets;
    uint32_t *heavy; /* As tickets.slots, of tickets: it covers device-TLB invalidations. */
    uint64_t gate;   /* Nothing is told before this ticket is resolved; 0: none. */
    bool gates;      /* What is not told yet may have heavy tickets in it. */
    bool suspect;    /* After a time-out: other invalidations of device TLBs may still be out... */
    uint64_t proof;  /* ...until a ticket from here on is done. */
    bool devices;    /* Device-TLB invalidations that no ticket covers yet. */
    bool on;         /* Hardware fetches from it. */
    bool open;       /* Ops may push: between the end of start and stop. */
    bool dead;       /* Nothing will be executed any more. */
};

/* The page request queue. (r) */
struct vtd_prq {
    struct uiommu_mem mem; /* (c) */
    uint32_t log2;         /* (c) */
    uint32_t cons;         /* Slot. */
    uint32_t discarded;    /* Entries that a restart threw away; see fetch. */
    bool begun;            /* It was set up once. */
    bool lost;             /* Something went, or nobody knows. */
    bool overflow;         /* PRO was seen set: nothing is queued until it is cleared. */
    bool note_bad_index;   /* A nonsense index has to be reported. */
    bool bad_index;        /* The last one read was. */
};

/* A command that did not end in time: the register is hardware's until it has. mask 0: none. */
struct vtd_overdue {
    uint32_t offset, mask, value;
    uint64_t iqa; /* As it was: a reset ends commands, and changes it. */
};

struct vtd_device;

/* One unit. */
struct uiommu_vtd {
    struct uiommu *u;                   /* (c) */
    const struct uiommu_host_ops *host; /* (c) */
    struct uiommu_unit *unit;           /* (c) */
    struct uiommu_vtd_config config;    /* (c) */
    struct vtd_features f;              /* (c) */
    uint64_t limit;                     /* Highest bus address. (c) */
    uint32_t id_bits;                   /* (c) */
    struct vtd_queue iq;                /* (l) */
    struct vtd_prq prq;                 /* (r) */
    uint32_t fault_next;                /* (r) The record expected next. */
    bool seen_dead;                     /* (r) The queue, by check(). */
    bool note_bad_record;               /* (r) A nonsense number of one has to be reported. */
    struct uiommu_mem root;             /* (t) */
    struct uiommu_mem *context;         /* (l) One for each half of a bus. */
    struct uiommu_requesters devices;   /* (l) */
    struct uiommu_notes notes;          /* (l) For check(). */
    bool gone;                          /* (l) Registers read all ones; reported. */
    bool unsure;                        /* (l) Dead for no more than a failed restart. */
    bool rooted;                        /* (t) Hardware may walk our root table. */
    bool running;                       /* (t) There is something for stop(). */
    bool held;                          /* (t) Hardware did not let go of the queue. */
    struct vtd_overdue overdue;         /* (t) */
};

/* One device: a PASID directory that all its IDs share. */
struct vtd_device {
    struct uiommu_requester who;
    uint32_t flags; /* UIOMMU_DEVICE_* */
    uint32_t set;   /* UIOMMU_DEVICE_SET_*, as last asked for. (l) */
    uint32_t pasid_bits;
    uint32_t depth; /* Invalidations that its device TLB queues; 32 as 0. */
    uint32_t pf_id;
    uint32_t pdts;
    struct uiommu_mem directory;
    struct uiommu_leaves leaves; /* (l) One for each directory entry. */
};

/* ---- vtd_init.c: registers, start, stop ---------------------------------------------------- */
uint32_t uiommu_vtd_read(const struct uiommu_vtd *hw, uint32_t offset);
uint64_t uiommu_vtd_read64(const struct uiommu_vtd *hw, uint32_t offset);
void uiommu_vtd_write(const struct uiommu_vtd *hw, uint32_t offset, uint32_t value);
void uiommu_vtd_write64(const struct uiommu_vtd *hw, uint32_t offset, uint64_t value);
uint64_t uiommu_vtd_timeout_ns(const struct uiommu_vtd *hw);
uiommu_err uiommu_vtd_settled(struct uiommu_vtd *hw);
uiommu_err uiommu_vtd_command(struct uiommu_vtd *hw, uint32_t bit, bool on);
uiommu_err uiommu_vtd_start(void *ctx);
void uiommu_vtd_stop(void *ctx);
uiommu_err uiommu_vtd_restart(void *ctx);
void uiommu_vtd_destroy(void *ctx);

/* ---- vtd_takeover.c: what a unit is found doing, and its two queues on and off -------------- */
uiommu_err uiommu_vtd_takeover(struct uiommu_vtd *hw);
uint32_t uiommu_vtd_error_bits(const struct uiommu_vtd *hw);
uiommu_err uiommu_vtd_queue_off(struct uiommu_vtd *hw);
uiommu_err uiommu_vtd_queue_on(struct uiommu_vtd *hw);
uiommu_err uiommu_vtd_flush_all(struct uiommu_vtd *hw);
void uiommu_vtd_events_off(struct uiommu_vtd *hw);
void uiommu_vtd_events_on(struct uiommu_vtd *hw);

/* ---- vtd_memory.c: what start() and attach take and give back ------------------------------ */
uiommu_err uiommu_vtd_mem_get(struct uiommu_vtd *hw, uint64_t bytes, uint64_t align,
                              struct uiommu_mem *mem);
void uiommu_vtd_mem_put(struct uiommu_vtd *hw, struct uiommu_mem *mem);
void uiommu_vtd_to_device(const struct uiommu_vtd *hw, const volatile void *cpu, uint64_t bytes);
uiommu_err uiommu_vtd_memory_get(struct uiommu_vtd *hw);
void uiommu_vtd_memory_forget(struct uiommu_vtd *hw, bool keep);

/* ---- vtd_probe.c --------------------------------------------------------------------------- */
uiommu_err uiommu_vtd_probe(void *ctx, struct uiommu_caps *out);

/* ---- vtd_encode.c: descriptors ------------------------------------------------------------- */
struct vtd_descriptor uiommu_vtd_context_global(void);
struct vtd_descriptor uiommu_vtd_context_device(uint32_t sid);
struct vtd_descriptor uiommu_vtd_iotlb_global(void);
struct vtd_descriptor uiommu_vtd_iotlb_domain(uint32_t did);
struct vtd_descriptor uiommu_vtd_iotlb(uint32_t did, const struct uiommu_range *range,
                                       uint32_t order_most);
struct vtd_descriptor uiommu_vtd_pasid_global(void);
struct vtd_descriptor uiommu_vtd_pasid_one(uint32_t did, uint32_t pasid);
struct vtd_descriptor uiommu_vtd_piotlb_all(uint32_t did, uint32_t pasid);
struct vtd_descriptor uiommu_vtd_piotlb(uint32_t did, uint32_t pasid,
                                        const struct uiommu_range *range, uint32_t order_most);
struct vtd_descriptor uiommu_vtd_devtlb(uint32_t sid, uint32_t pfsid, uint32_t mip,
                                        const struct uiommu_range *range);
struct vtd_descriptor uiommu_vtd_pdevtlb(uint32_t sid, uint32_t pfsid, uint32_t mip, uint32_t pasid,
                                         const struct uiommu_range *range);
struct vtd_descriptor uiommu_vtd_wait(uint64_t bus, uint32_t data, bool fence, bool drain);
struct vtd_descriptor uiommu_vtd_response(const struct uiommu_answer *answer, bool private_data);
uint32_t uiommu_vtd_cover(uint64_t first, uint64_t last, uint64_t *base);

/* ---- vtd_cmdq.c: the invalidation queue ---------------------------------------------------- */
bool uiommu_vtd_room(struct uiommu_vtd *hw, uint32_t descriptors);
void uiommu_vtd_put(struct uiommu_vtd *hw, struct vtd_descriptor descriptor);
bool uiommu_vtd_gated(const struct uiommu_vtd *hw);
void uiommu_vtd_tell(struct uiommu_vtd *hw);
void uiommu_vtd_scan(struct uiommu_vtd *hw);
void uiommu_vtd_look(struct uiommu_vtd *hw);
uiommu_err uiommu_vtd_sync(struct uiommu_vtd *hw, bool drain, uint64_t *out);
void uiommu_vtd_drop(struct uiommu_vtd *hw);
volatile uint64_t *uiommu_vtd_slot(const struct uiommu_vtd *hw, uint64_t position);
struct vtd_descriptor uiommu_vtd_fence(const struct uiommu_vtd *hw);
uiommu_err uiommu_vtd_ready(const struct uiommu_vtd *hw);
uiommu_err uiommu_vtd_ticket(void *ctx, uint64_t *out);
uiommu_err uiommu_vtd_ticket_poll(void *ctx, uint64_t ticket);

/* ---- vtd_error.c: errors of the invalidation queue and of the unit ------------------------- */
void uiommu_vtd_errors(struct uiommu_vtd *hw, uint32_t fsts);
void uiommu_vtd_check(void *ctx, struct uiommu_check *out);

/* ---- vtd_invalidate.c: ops that put descriptors -------------------------------------------- */
uiommu_err uiommu_vtd_config_invalidate(void *ctx, void *dev, uint32_t pasid);
uiommu_err uiommu_vtd_tlb_invalidate(void *ctx, void *dev_ctx, uint32_t pasid,
                                     const struct uiommu_root *root, uint32_t tag,
                                     const struct uiommu_range *range);
uiommu_err uiommu_vtd_dtlb_invalidate(void *ctx, void *dev, uint32_t pasid,
                                      const struct uiommu_range *range);
uiommu_err uiommu_vtd_barrier(void *ctx, void *dev, uint32_t pasid, uint64_t *ticket,
                              uint32_t *strength);
uint32_t uiommu_vtd_respond(void *ctx, const struct uiommu_answer *answers, uint32_t count);
uiommu_err uiommu_vtd_raw(void *ctx, const uint64_t *words, uint32_t count);

/* ---- vtd_tables.c: root and context tables, devices ---------------------------------------- */
void uiommu_vtd_publish(const struct uiommu_vtd *hw, volatile uint64_t *word, uint64_t v);
volatile uint64_t *uiommu_vtd_context_at(const struct uiommu_vtd *hw, uint32_t id);
uint64_t uiommu_vtd_root_word(uint64_t bus);
uint64_t uiommu_vtd_context_word(const struct vtd_device *dev, uint32_t set);
uiommu_err uiommu_vtd_device_attach(void *ctx, const struct uiommu_device_desc *desc, void **out);
void uiommu_vtd_device_detach(void *ctx, void *dev);
uiommu_err uiommu_vtd_device_set(void *ctx, void *dev, uint32_t flags, uint32_t step);
uiommu_err uiommu_vtd_device_isolate(void *ctx, void *dev);

/* ---- vtd_root.c: what the unit walks, and entries that say so ------------------------------- */
bool uiommu_vtd_root_second(const struct uiommu_root *root);
uiommu_err uiommu_vtd_root_check(void *ctx, void *dev_ctx, uint32_t pasid,
                                 const struct uiommu_root *root);
void uiommu_vtd_pasid_build(const struct uiommu_vtd *hw, const struct uiommu_root *root,
                            uint32_t did, uint64_t out[VTD_PASID_WORDS]);

/* ---- vtd_pasid.c: PASID directories and tables --------------------------------------------- */
uint64_t uiommu_vtd_directory_word(uint64_t bus);
bool uiommu_vtd_is_second(const struct vtd_device *dev, uint32_t pasid);
volatile uint64_t *uiommu_vtd_pasid_at(const struct vtd_device *dev, uint32_t pasid);
uint32_t uiommu_vtd_did_of(const struct vtd_device *dev, uint32_t pasid);
uiommu_err uiommu_vtd_directory_get(struct uiommu_vtd *hw, struct vtd_device *dev);
void uiommu_vtd_directory_put(struct uiommu_vtd *hw, struct vtd_device *dev);
uiommu_err uiommu_vtd_pasid_prepare(void *ctx, void *dev, uint32_t pasid);
uiommu_err uiommu_vtd_pasid_set(void *ctx, void *dev, uint32_t pasid,
                                const struct uiommu_root *root, uint32_t tag, uint32_t step);
void uiommu_vtd_pasid_block(void *ctx, void *dev, uint32_t pasid);
void uiommu_vtd_pasid_clear(void *ctx, void *dev, uint32_t pasid);

/* ---- vtd_prq.c: the rings; ring 0 where there are page requests ---------------------------- */
enum vtd_entry {
    VTD_ENTRY_REQUEST,
    VTD_ENTRY_EVENT
};
enum vtd_entry uiommu_vtd_prq_decode(const struct uiommu_vtd *hw, const uint64_t entry[4],
                                     struct uiommu_request *request, struct uiommu_event *event);
void uiommu_vtd_prq_on(struct uiommu_vtd *hw);
void uiommu_vtd_prq_off(struct uiommu_vtd *hw);
void uiommu_vtd_irq_ack(void *ctx);
uint32_t uiommu_vtd_ring_pending(void *ctx, uint32_t ring);
uiommu_err uiommu_vtd_fetch(void *ctx, uint32_t ring, struct uiommu_fetch *io);
void uiommu_vtd_overflow_ack(void *ctx, uint32_t ring);

/* ---- vtd_event.c: fault records, the last ring ---------------------------------------------- */
void uiommu_vtd_fault_decode(const uint64_t record[2], struct uiommu_event *out);
uint32_t uiommu_vtd_faults_pending(const struct uiommu_vtd *hw);
void uiommu_vtd_faults_fetch(struct uiommu_vtd *hw, struct uiommu_fetch *io);
void uiommu_vtd_faults_clear(struct uiommu_vtd *hw);

/* ---- vtd_describe.c ------------------------------------------------------------------------- */
uiommu_err uiommu_vtd_describe(void *ctx, uint32_t id, uint32_t pasid, uint64_t *cursor,
                               struct uiommu_item *out);

#endif
