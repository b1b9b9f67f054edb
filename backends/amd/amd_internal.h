/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef AMD_INTERNAL_H
#define AMD_INTERNAL_H
/*
 * What the files of this backend share. Fields are tagged: (c) constant after probe or start,
 * (l) under the unit's command-buffer lock, (r) the service role's, (t) task ops only.
 */
#include "amd_regs.h"
#include <uiommu/amd.h>
#include <uiommu/backend.h>

/* So long an entry may be late behind its log's tail (errata 732 and 733). */
#define AMD_LATE_NS UINT64_C(100000000)

/* Words of the page that COMPLETION_WAIT stores to. */
#define AMD_STORES 512u

/* One command. */
struct amd_command {
    uint64_t d[AMD_COMMAND_WORDS];
};

/* What the feature register and firmware say. (c) */
struct amd_features {
    bool guest, gio, ats, ppr, eph, inv_all, block_markers, snp, early, early_b;
    uint32_t host_levels; /* Of host tables; 0: none. */
    uint32_t pasid_bits;
};

/*
 * The command buffer. Positions count commands for ever; the slot is the position under the
 * ring's mask. A ticket is the position behind its COMPLETION_WAIT, and is what that stores. A
 * slot is used again only when a ticket behind it is done: so each slot holds one command that
 * hardware may still name. (l)
 */
struct amd_cmdq {
    struct uiommu_mem mem;
    struct uiommu_mem store; /* Where COMPLETION_WAIT stores. */
    uint32_t log2;
    uint64_t head; /* Written by us. */
    uint64_t told; /* In CmdTail. */
    uint64_t done; /* The last ticket stored, events before it read. */
    uint32_t slot; /* Word of the store: another after each restart. */
    struct uiommu_tickets tickets;
    uint32_t errors; /* Refused commands since the last ticket. */
    bool open;       /* Ops may push: between the end of start and stop. */
    bool dead;       /* Nothing will be proved any more. */
};

/* A log that hardware fills. The PPR log is (r) but for the restart, the event log (l). */
struct amd_log {
    struct uiommu_mem mem; /* (c) */
    bool present;          /* (c) */
    uint32_t log2;         /* (c) */
    uint32_t base_reg;     /* (c) */
    uint32_t head_reg;     /* (c) */
    uint32_t tail_reg;     /* (c) */
    uint32_t enable;       /* Field of the control register. (c) */
    uint32_t interrupt;    /* Field of the control register. (c) */
    uint32_t overflow_bit; /* Of the status register. (c) */
    uint32_t run_bit;      /* Of the status register. (c) */
    uint32_t int_bit;      /* Of the status register. (c) */
    bool on;               /* It was enabled. */
    uint32_t head;         /* Slot. */
    bool waiting;          /* The entry at head is late... */
    uint64_t late_ns;      /* ...until then. */
    uint32_t discarded;    /* Entries gone without being delivered; see fetch. */
    bool lost;             /* Requests went: reported until overflow_ack(). */
    bool skipped;          /* A late entry was given up: for the next fetch. */
    bool bad;              /* The tail is nonsense. */
    bool note_bad_index;   /* That has to be reported. */
    bool reported;         /* fetch() has reported the overflow that hardware shows. */
    bool stopping;         /* (l) A restart waits for the log to stop. */
    uint64_t stop_ns;      /* (l) Until then. */
};

/* How one entry could be taken. */
enum amd_take {
    AMD_TAKEN,
    AMD_NOT_YET,
    AMD_SKIPPED,
};

/* An event taken out of the log under the lock, for fetch(). */
struct amd_stashed {
    uint64_t entry[AMD_LOG_WORDS];
    uint64_t
        command[AMD_COMMAND_WORDS]; /* What the entry is about, if that is a command of ours. */
};

struct amd_device;

/* One unit. */
struct uiommu_amd {
    struct uiommu *u;                   /* (c) */
    const struct uiommu_host_ops *host; /* (c) */
    struct uiommu_unit *unit;           /* (c) */
    struct uiommu_amd_config config;    /* (c) */
    struct amd_features f;              /* (c) */
    uint64_t limit;                     /* Highest bus address. (c) */
    uint32_t id_bits;                   /* (c) */
    struct amd_cmdq cmdq;               /* (l) */
    struct amd_log ppr;                 /* (r) */
    struct amd_log evt;                 /* (l) */
    struct amd_stashed *stash;          /* (l) As many as the event log has entries. */
    uint32_t stash_first, stash_count;  /* (l) */
    uint32_t events_lost;               /* (l) Not stashed for lack of room, or dropped. */
    uint64_t control;                   /* Our bits, as last written. (l) */
    struct uiommu_mem devtab;           /* (c) */
    struct uiommu_mem quiet;            /* A root without entries, guest's or host's. (c) */
    uint32_t *domains;                  /* (l) A bit per DomainID in use. */
    uint32_t domain_next;               /* (l) Where to look first. */
    struct uiommu_requesters devices;   /* (l) */
    struct uiommu_notes notes;          /* (l) For check(). */
    bool table_live;                    /* (t) Hardware translates by our device table. */
    bool withheld;                      /* (t) Hardware may still use the memory. */
    bool running;                       /* (t) From start() or restart() to stop(). */
};

/* The host table of a device's untagged bond. */
struct amd_host {
    uint32_t mode;  /* Its levels; 0: there is no such bond. */
    bool nested;    /* Under a guest's first stage... */
    bool blocked;   /* Refuses. */
    uint64_t table; /* Bus address. */
    uint64_t guest; /* ...whose root is this guest physical address. */
};

/* One device. */
struct amd_device {
    struct uiommu_requester who;
    uint32_t flags;       /* UIOMMU_DEVICE_* */
    uint32_t set;         /* UIOMMU_DEVICE_SET_*, as last asked for. (l) */
    bool isolated;        /* (l) */
    bool held;            /* (l) Its open entry blocks while the unit is taken over. */
    uint32_t pasid_bits;  /* At least 1. */
    uint32_t pending;     /* Invalidations that its TLB queues. */
    uint32_t pasids;      /* (l) PASIDs that have an entry. */
    bool quiet;           /* (l) Its entry has an empty host table. */
    uint64_t pages_at;    /* (l) Behind its last invalidations but those of its TLB. */
    uint64_t told_at;     /* (l) Behind the last one of its TLB. */
    bool closing;         /* (l) Its entry is to block once that is done. */
    bool host_ever;       /* (l) A host table was its untagged bond once. */
    struct amd_host host; /* (l) */
    uint32_t domain;      /* Its own DomainID. */
    uint32_t levels;      /* Of GCR3 nodes, 1 to 3. */
    struct uiommu_mem root;
    struct uiommu_mem middle[4]; /* (l) 3 levels: below the root. */
    struct uiommu_leaves leaves; /* (l) 2 or 3 levels: the last nodes. */
};

/* ---- amd_init.c: registers, start, stop --------------------------------------------------- */
uint32_t uiommu_amd_read(const struct uiommu_amd *hw, uint32_t offset);
uint64_t uiommu_amd_read64(const struct uiommu_amd *hw, uint32_t offset);
void uiommu_amd_write(const struct uiommu_amd *hw, uint32_t offset, uint32_t value);
void uiommu_amd_write64(const struct uiommu_amd *hw, uint32_t offset, uint64_t value);
void uiommu_amd_control(struct uiommu_amd *hw, uint64_t set, uint64_t clear);
uint64_t uiommu_amd_timeout_ns(const struct uiommu_amd *hw);
uint64_t uiommu_amd_devtab_base(uint64_t bus);
uint64_t uiommu_amd_ring_base(uint64_t bus, uint32_t log2);
uint64_t uiommu_amd_control_base(const struct uiommu_amd *hw);
uiommu_err uiommu_amd_start(void *ctx);
void uiommu_amd_stop(void *ctx);
uiommu_err uiommu_amd_restart(void *ctx);
void uiommu_amd_destroy(void *ctx);

/* ---- amd_memory.c: what start() and attach take and give back ----------------------------- */
uiommu_err uiommu_amd_mem_get(struct uiommu_amd *hw, uint64_t bytes, uint64_t align,
                              struct uiommu_mem *mem);
void uiommu_amd_mem_put(struct uiommu_amd *hw, struct uiommu_mem *mem);
static inline void uiommu_amd_to_device(const struct uiommu_amd *hw, const volatile void *cpu,
                                        uint64_t bytes)
{
    if ((hw->config.flags & UIOMMU_AMD_NOT_COHERENT) != 0)
        hw->host->mem_to_device(hw->host->ctx, (const void *)(uintptr_t)cpu, bytes);
}
/* A word that hardware writes, as it is now; what it says is there is loaded after it. */
static inline uint64_t uiommu_amd_load(const struct uiommu_amd *hw, const volatile uint64_t *word)
{
    uint64_t value;

    if ((hw->config.flags & UIOMMU_AMD_NOT_COHERENT) != 0)
        hw->host->mem_from_device(hw->host->ctx, (const void *)(uintptr_t)word, sizeof(*word));
    value = uiommu_bits_load64(word);
    uiommu_fence_dma_load();
    return value;
}
uiommu_err uiommu_amd_memory_get(struct uiommu_amd *hw);
void uiommu_amd_memory_put(struct uiommu_amd *hw);

/* ---- amd_probe.c --------------------------------------------------------------------------- */
uiommu_err uiommu_amd_probe(void *ctx, struct uiommu_caps *out);

/* ---- amd_cmdq.c ---------------------------------------------------------------------------- */
/* One slot stays free always: head equal to tail is empty. */
static inline uint32_t uiommu_amd_cmdq_free(const struct amd_cmdq *q)
{
    return (UINT32_C(1) << q->log2) - 1u - (uint32_t)(q->head - q->done);
}
bool uiommu_amd_cmdq_room(struct uiommu_amd *hw, uint32_t commands);
static inline void uiommu_amd_cmdq_write(struct uiommu_amd *hw, uint32_t slot,
                                         struct amd_command command)
{
    volatile uint64_t *words =
        (volatile uint64_t *)hw->cmdq.mem.cpu + (size_t)slot * AMD_COMMAND_WORDS;

    uiommu_bits_store64(&words[0], command.d[0]);
    uiommu_bits_store64(&words[1], command.d[1]);
    uiommu_amd_to_device(hw, words, AMD_COMMAND_BYTES);
}
static inline void uiommu_amd_cmdq_place(struct uiommu_amd *hw, struct amd_command command,
                                         bool ticket)
{
    struct amd_cmdq *q = &hw->cmdq;
    uint64_t at = q->head;

    uiommu_amd_cmdq_write(hw, (uint32_t)at & ((UINT32_C(1) << q->log2) - 1u), command);
    q->head = at + 1u;
    uiommu_tickets_put(&q->tickets, at, ticket);
}
/* Only after _room(). */
static inline void uiommu_amd_cmdq_put(struct uiommu_amd *hw, struct amd_command command)
{
    uiommu_amd_cmdq_place(hw, command, false);
}
void uiommu_amd_cmdq_look(struct uiommu_amd *hw);
void uiommu_amd_cmdq_tell(struct uiommu_amd *hw);
uiommu_err uiommu_amd_cmdq_sync(struct uiommu_amd *hw, uint64_t *out);
void uiommu_amd_cmdq_drop(struct uiommu_amd *hw);
uiommu_err uiommu_amd_ready(const struct uiommu_amd *hw);
uiommu_err uiommu_amd_ticket(void *ctx, uint64_t *out);
uiommu_err uiommu_amd_ticket_poll(void *ctx, uint64_t ticket);

/* ---- amd_error.c: failed tickets, refused commands, check() -------------------------------- */
void uiommu_amd_fail_flying(struct uiommu_amd *hw);
void uiommu_amd_fail_unanswered(struct uiommu_amd *hw);
void uiommu_amd_fail_command(struct uiommu_amd *hw, uint64_t bus);
const volatile uint64_t *uiommu_amd_command_at(const struct uiommu_amd *hw, uint64_t bus);
void uiommu_amd_await_run(const struct uiommu_amd *hw, uint32_t run_bit);
void uiommu_amd_cmdq_error(struct uiommu_amd *hw);
void uiommu_amd_irq_ack(void *ctx);
void uiommu_amd_check(void *ctx, struct uiommu_check *out);

/* ---- amd_encode.c: commands ---------------------------------------------------------------- */
struct amd_command uiommu_amd_cmd_wait(uint64_t address, uint64_t data);
struct amd_command uiommu_amd_cmd_nothing(void);
struct amd_command uiommu_amd_cmd_fence(void);
struct amd_command uiommu_amd_cmd_devtab(uint32_t id);
struct amd_command uiommu_amd_cmd_pages(uint32_t domain, uint32_t pasid,
                                        const struct uiommu_range *range);
struct amd_command uiommu_amd_cmd_iotlb(uint32_t id, uint32_t pending, uint32_t pasid,
                                        const struct uiommu_range *range);
struct amd_command uiommu_amd_cmd_answer(const struct uiommu_answer *answer);
struct amd_command uiommu_amd_cmd_inv_all(void);
uint64_t uiommu_amd_range(const struct uiommu_range *range);

/* ---- amd_invalidate.c: ops that put commands ----------------------------------------------- */
uiommu_err uiommu_amd_config_invalidate(void *ctx, void *dev, uint32_t pasid);
uiommu_err uiommu_amd_tlb_invalidate(void *ctx, void *dev_ctx, uint32_t pasid,
                                     const struct uiommu_root *root, uint32_t tag,
                                     const struct uiommu_range *range);
bool uiommu_amd_is_told(struct uiommu_amd *hw, const struct amd_device *dev);
uiommu_err uiommu_amd_dtlb_invalidate(void *ctx, void *dev, uint32_t pasid,
                                      const struct uiommu_range *range);
uiommu_err uiommu_amd_barrier(void *ctx, void *dev, uint32_t pasid, uint64_t *ticket,
                              uint32_t *strength);
uint32_t uiommu_amd_respond(void *ctx, const struct uiommu_answer *answers, uint32_t count);
uiommu_err uiommu_amd_command(void *ctx, const uint64_t *words, uint32_t count);

/* ---- amd_tables.c: device table ------------------------------------------------------------ */
void uiommu_amd_devtab_clear(struct uiommu_amd *hw);
volatile uint64_t *uiommu_amd_dte_at(const struct uiommu_amd *hw, uint32_t id);
void uiommu_amd_dte_build(const struct uiommu_amd *hw, const struct amd_device *dev, uint32_t set,
                          uint64_t out[AMD_DTE_BUILT]);
bool uiommu_amd_dte_step(struct uiommu_amd *hw, volatile uint64_t *dte,
                         const uint64_t want[AMD_DTE_BUILT], uint32_t step);
void uiommu_amd_entries_close(struct uiommu_amd *hw);
void uiommu_amd_entries_hold(struct uiommu_amd *hw);
bool uiommu_amd_entries_release(struct uiommu_amd *hw);
void uiommu_amd_dte_store0(struct uiommu_amd *hw, volatile uint64_t *dte, uint64_t v);
void uiommu_amd_dte_shut(struct uiommu_amd *hw, volatile uint64_t *dte, uint32_t set);
void uiommu_amd_device_shut(struct uiommu_amd *hw, const struct amd_device *dev);
struct amd_device *uiommu_amd_device_of(const struct uiommu_amd *hw, uint32_t id);
uiommu_err uiommu_amd_device_attach(void *ctx, const struct uiommu_device_desc *desc, void **out);
void uiommu_amd_device_detach(void *ctx, void *dev);
uiommu_err uiommu_amd_device_set(void *ctx, void *dev, uint32_t flags, uint32_t step);
uiommu_err uiommu_amd_device_isolate(void *ctx, void *dev);

/* ---- amd_gcr3.c: GCR3 tables --------------------------------------------------------------- */
uint64_t uiommu_amd_gcr3_entry(uint64_t bus);
void uiommu_amd_gcr3_store(struct uiommu_amd *hw, volatile uint64_t *entry, uint64_t v);
uint32_t uiommu_amd_va_bits(const struct uiommu_amd *hw);
volatile uint64_t *uiommu_amd_gcr3_at(const struct amd_device *dev, uint32_t pasid);
bool uiommu_amd_gcr3_quiet(const struct uiommu_amd *hw, const struct amd_device *dev,
                           uint32_t pasid);
uiommu_err uiommu_amd_gcr3_get(struct uiommu_amd *hw, struct amd_device *dev);
void uiommu_amd_gcr3_put(struct uiommu_amd *hw, struct amd_device *dev);
uiommu_err uiommu_amd_root_check(void *ctx, void *dev_ctx, uint32_t pasid,
                                 const struct uiommu_root *root);
uiommu_err uiommu_amd_pasid_prepare(void *ctx, void *dev, uint32_t pasid);
uiommu_err uiommu_amd_pasid_set(void *ctx, void *dev, uint32_t pasid,
                                const struct uiommu_root *root, uint32_t tag, uint32_t step);
void uiommu_amd_pasid_block(void *ctx, void *dev, uint32_t pasid);
void uiommu_amd_pasid_clear(void *ctx, void *dev, uint32_t pasid);

/* ---- amd_stage.c: host tables --------------------------------------------------------------- */
bool uiommu_amd_is_host(const struct uiommu_root *root);
uiommu_err uiommu_amd_host_check(const struct uiommu_amd *hw, const struct amd_device *dev,
                                 uint32_t pasid, const struct uiommu_root *root);
uiommu_err uiommu_amd_device_sync(struct uiommu_amd *hw, struct amd_device *dev, uint32_t step);
uiommu_err uiommu_amd_host_set(struct uiommu_amd *hw, struct amd_device *dev,
                               const struct uiommu_root *root, uint32_t step);
void uiommu_amd_host_block(struct uiommu_amd *hw, struct amd_device *dev);
void uiommu_amd_host_clear(struct uiommu_amd *hw, struct amd_device *dev);

/* ---- amd_log.c: what the two logs share ---------------------------------------------------- */
void uiommu_amd_logs_init(struct uiommu_amd *hw);
bool uiommu_amd_log_used(const struct uiommu_amd *hw, struct amd_log *log, uint32_t *out);
enum amd_take uiommu_amd_log_late(struct uiommu_amd *hw, struct amd_log *log);
/* The entry at the head. Taken or given up, its slot is zeroed and the head goes on: a slot must
 * never be touched once the head is published. */
static inline enum amd_take uiommu_amd_log_take(struct uiommu_amd *hw, struct amd_log *log,
                                                uint64_t entry[2])
{
    volatile uint64_t *words =
        (volatile uint64_t *)log->mem.cpu + (size_t)log->head * AMD_LOG_WORDS;
    enum amd_take take = AMD_TAKEN;

    entry[0] = uiommu_amd_load(hw, &words[0]);
    if (uiommu_bits_get(entry[0], AMD_LOG_CODE) == 0) {
        take = uiommu_amd_log_late(hw, log);
        if (take == AMD_NOT_YET)
            return take;
        entry[0] = uiommu_amd_load(hw, &words[0]);
    }
    log->waiting = false;
    entry[1] = uiommu_amd_load(hw, &words[1]);
    if ((hw->config.flags & UIOMMU_AMD_LOGS_READ_ONLY) == 0) {
        uiommu_bits_store64(&words[0], 0);
        uiommu_bits_store64(&words[1], 0);
        uiommu_amd_to_device(hw, words, AMD_LOG_BYTES);
    }
    log->head = (log->head + 1u) & ((UINT32_C(1) << log->log2) - 1u);
    return take;
}
void uiommu_amd_log_publish(const struct uiommu_amd *hw, const struct amd_log *log);
void uiommu_amd_log_empty(struct uiommu_amd *hw, struct amd_log *log);
void uiommu_amd_log_restart(struct uiommu_amd *hw, struct amd_log *log);
struct amd_log *uiommu_amd_log_of(struct uiommu_amd *hw, uint32_t ring);
bool uiommu_amd_log_stopped(const struct amd_log *log, uint32_t status);
void uiommu_amd_logs_forget(struct uiommu_amd *hw);
void uiommu_amd_logs_drop(struct uiommu_amd *hw);
uint32_t uiommu_amd_ring_pending(void *ctx, uint32_t ring);
uiommu_err uiommu_amd_fetch(void *ctx, uint32_t ring, struct uiommu_fetch *io);
void uiommu_amd_overflow_ack(void *ctx, uint32_t ring);

/* ---- amd_prq.c, amd_event.c: their entries ------------------------------------------------- */
bool uiommu_amd_prq_decode(const uint64_t entry[2], struct uiommu_request *out);
void uiommu_amd_prq_fetch(struct uiommu_amd *hw, struct uiommu_fetch *io);
bool uiommu_amd_event_asks(const uint64_t entry[2]);
void uiommu_amd_event_request(const uint64_t entry[2], struct uiommu_request *out);
void uiommu_amd_event_decode(const struct amd_stashed *stashed, struct uiommu_event *out);
bool uiommu_amd_event_harvest(struct uiommu_amd *hw);
void uiommu_amd_event_fetch(struct uiommu_amd *hw, struct uiommu_fetch *io);

/* ---- amd_describe.c ------------------------------------------------------------------------ */
uiommu_err uiommu_amd_describe(void *ctx, uint32_t id, uint32_t pasid, uint64_t *cursor,
                               struct uiommu_item *out);

#endif
