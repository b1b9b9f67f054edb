/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef UIOMMU_BACKEND_H
#define UIOMMU_BACKEND_H
/**
 * @file
 * What a backend supplies, and what it may call. A backend has primitives, never policy: the
 * order of a shutdown, lives, groups, credits and deadlines are the core's.
 *
 * Contexts of the ops:
 * - [task]: no lock held, may call mem_get() and heap_get(), may wait with uiommu_wait_*(). Calls
 *   marked [task] on one unit never overlap each other.
 * - [locked]: the unit's command-ring lock is held and interrupts are saved; short, never waits.
 *   Everything that touches the command ring, the tables or the error registers.
 * - [role]: only the holder of the unit's service role, without the lock. The request rings. May
 *   take the lock by uiommu_unit_lock(), shortly.
 * So a backend needs no lock of its own. A [task] op may run beside [locked] and [role] ops of
 * the same unit: what it shares with them it changes between uiommu_unit_lock() and _unlock().
 */
#include "bits.h"
#include "ring.h"
#include "unit.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- what a unit can do ------------------------------------------------------------------- */

/** Most rings of one unit that can carry requests or events. */
#define UIOMMU_RINGS 4u
/** The ring can carry page requests or stalls. */
#define UIOMMU_RING_REQUESTS 0x1u
/** Its overflow loses requests (PROTOCOL R29); else only events. */
#define UIOMMU_RING_LOSES 0x2u

/** Stop Markers appear in fetch(). */
#define UIOMMU_CAP_MARKERS 0x01u
/** Device TLBs can be used and invalidated. */
#define UIOMMU_CAP_ATS 0x02u
/** Walks of page tables snoop the CPU's caches. (Its own memory is the backend's to care for.) */
#define UIOMMU_CAP_COHERENT 0x04u
/** A response can carry a PASID or not; without: always exactly as the request (PROTOCOL R28). */
#define UIOMMU_CAP_RESPONSE_PASID 0x08u
/** Hardware tags what it caches by device and PASID: every tag is 0, however many bonds there are;
 * tag_first and tag_last are 0. */
#define UIOMMU_CAP_TAG_PER_DEVICE 0x10u
/** A device can be cut off by device_isolate(). */
#define UIOMMU_CAP_ISOLATE 0x20u

/** Filled by probe(). */
struct uiommu_caps {
    uint32_t flags;       /**< UIOMMU_CAP_* */
    uint32_t id_bits;     /**< Device IDs are below 2^id_bits. */
    uint32_t pasid_bits;  /**< 0: no PASIDs. */
    uint32_t pasid_first; /**< Lowest usable PASID; 1 where 0 is untagged traffic (PROTOCOL R7). */
    uint32_t request_entries; /**< Capacity of the page request queue; 0: none. */
    uint32_t stall_max;       /**< Stalls outstanding at most; 0: none. */
    uint32_t tag_first;       /**< Lowest cache tag (ASID, DomainID, PSCID). */
    uint32_t tag_last;        /**< Highest, inclusive. */
    uint32_t stu_bits;        /**< log2 of the smallest translation unit. */
    uint32_t access;          /**< UIOMMU_READ and so on that entries can grant; 0: all. */
    uint32_t rings;           /**< How many of the following. */
    struct {
        uint32_t flags;   /**< UIOMMU_RING_* */
        uint32_t entries; /**< Capacity. */
    } ring[UIOMMU_RINGS]; /**< In the order of fetch()'s ring number. */
};

/* ---- devices and tables ------------------------------------------------------------------- */

/** What device_attach() is told. Valid during the call. */
struct uiommu_device_desc {
    const uint32_t *ids; /**< All IDs; every one gets the same entry and tables. */
    uint32_t id_count;   /**< At least 1. */
    uint32_t flags;      /**< UIOMMU_DEVICE_* */
    uint32_t pasid_bits; /**< PASIDs are below 2^pasid_bits; 0: none. */
    uint32_t ats_depth;  /**< Invalidations its device TLB queues, 1 to 32. */
    uint32_t pf_id;      /**< With UIOMMU_DEVICE_VIRTUAL: its physical function. */
};
/** Translation requests of the device are answered (ATS). */
#define UIOMMU_DEVICE_SET_ATS 0x1u
/** Traffic follows the tables; without it the device is shut out (reset, isolation). */
#define UIOMMU_DEVICE_SET_OPEN 0x2u
/** The device's responses need a PASID (hardware that answers by itself must know). */
#define UIOMMU_DEVICE_SET_PASID_REQUIRED 0x4u

/** For config_invalidate(): the device's own entry and everything under it. */
#define UIOMMU_PASID_ALL (UINT32_MAX - 1u)

/** A range to invalidate, inclusive. */
struct uiommu_range {
    uint64_t first; /**< Lowest address. */
    uint64_t last;  /**< Highest address. */
    bool tables;    /**< Table levels changed as well as leaves. */
};

/* ---- requests, answers -------------------------------------------------------------------- */

/** Bits 0..3 of a request's flags are UIOMMU_READ, _WRITE, _EXEC, _PRIV. */
#define UIOMMU_REQUEST_LAST 0x010u
/** pasid is valid. */
#define UIOMMU_REQUEST_PASID 0x020u
/** A Stop Marker: nothing else in the request but id and pasid counts. */
#define UIOMMU_REQUEST_MARKER 0x040u
/** A stalled transaction; index is its tag. Always with LAST. */
#define UIOMMU_REQUEST_STALL 0x080u
/** Answer at once with the code given (PROTOCOL R32). */
#define UIOMMU_REQUEST_PRESET 0x100u
/** The entry contradicts itself: INVALID if Last, else dropped. */
#define UIOMMU_REQUEST_MALFORMED 0x200u

/** A page request as the core sees it. */
struct uiommu_request {
    uint64_t address;   /**< Page address; for a stall the exact one. */
    uint64_t cookie[2]; /**< The backend's; comes back untouched in the answer. */
    uint32_t id;        /**< Device ID. */
    uint32_t pasid;     /**< With UIOMMU_REQUEST_PASID. */
    uint32_t index;     /**< PRG index, or stall tag. */
    uint32_t flags;     /**< Above. */
    uint32_t at;        /**< Which entry of this fetch it was, from 0. */
    uint32_t preset;    /**< UIOMMU_CODE_*, with UIOMMU_REQUEST_PRESET. */
};

/** Requests were or may have been lost: unacknowledged overflow, or the ring was re-made. Stays
 * set until overflow_ack(). */
#define UIOMMU_FETCH_OVERFLOW 0x1u
/** Entries were left: room or the limit of one fetch ended it. */
#define UIOMMU_FETCH_MORE 0x2u
/** An entry that never became valid was skipped (PROTOCOL R23): counts as an overflow. */
#define UIOMMU_FETCH_LATE 0x4u
/** Hardware answered FAILURE to devices on its own: all ports change generation (PROTOCOL R31). */
#define UIOMMU_FETCH_FAILURE_SENT 0x8u

/** One batch from a ring. */
struct uiommu_fetch {
    struct uiommu_request *requests; /**< Room for... */
    uint32_t request_room;           /**< ...so many. At least 1. */
    uint32_t request_count;          /**< Out. */
    struct uiommu_event *events;     /**< Room for... */
    uint32_t event_room;             /**< ...so many. At least 1. kind, id, pasid, access, address,
                                          hw_code, count, raw are the backend's to fill. */
    uint32_t event_count;            /**< Out. */
    uint32_t entries;                /**< Out: entries consumed, of whatever kind. */
    uint32_t flags;                  /**< Out: UIOMMU_FETCH_* */
};

/** One answer. */
struct uiommu_answer {
    uint64_t cookie[2]; /**< From the request (of its Last). */
    uint32_t id;        /**< The ID the request came from. */
    uint32_t pasid;     /**< With UIOMMU_REQUEST_PASID. */
    uint32_t index;     /**< PRG index, or stall tag. */
    uint32_t flags;     /**< UIOMMU_REQUEST_PASID, _STALL as in the request. */
    uint32_t code;      /**< UIOMMU_CODE_SUCCESS, _INVALID, _FAILURE. */
    bool with_pasid;    /**< The request had a PASID and the function requires it back. */
};

/* ---- health ------------------------------------------------------------------------------- */

/** The unit stopped working; only restart() helps. */
#define UIOMMU_CHECK_DEAD 0x1u
/** A recovery is under way, or more events wait: call check() again soon. */
#define UIOMMU_CHECK_MORE 0x2u

/** Out of check(). */
struct uiommu_check {
    uint32_t flags;               /**< UIOMMU_CHECK_* */
    uint32_t event_count;         /**< Of the following. */
    struct uiommu_event event[4]; /**< As in struct uiommu_fetch. */
};

/* ---- description for people --------------------------------------------------------------- */

/** One thing that a dump shows: a register, an index, a table word. */
struct uiommu_item {
    const char *name; /**< Static text. */
    uint64_t address; /**< Where it is, or 0. */
    uint64_t word[8]; /**< Its value. */
    uint32_t words;   /**< How many of word[]. */
};

/* ---- the table ---------------------------------------------------------------------------- */

/** Strength of a request barrier (PROTOCOL R5): it says nothing about requests. */
#define UIOMMU_BARRIER_NONE 0u
/** What the device sent before is pushed as far as the ingress of the IOMMU. */
#define UIOMMU_BARRIER_ORDERED 1u
/** What the device sent before is in the rings, or counted as lost. */
#define UIOMMU_BARRIER_PROVED 2u

/**
 * A backend's ops. @p hw is the backend's state of one unit, @p dev of one device. A NULL slot
 * is replaced by one that returns UIOMMU_E_UNSUPPORTED (or does nothing, returns 0).
 *
 * Ops that put commands into the ring return UIOMMU_E_BUSY, with nothing put there, unless it has
 * room for them and for one ticket behind them: ticket() never lacks room under the hold of the
 * lock in which such an op succeeded. The core tries again later. Commands are seen by hardware
 * at the next ticket() or respond() at the latest.
 */
struct uiommu_backend_ops {
    size_t size;      /**< sizeof(struct uiommu_backend_ops). */
    const char *name; /**< "toy". */

    /** [task] Read capabilities; touches nothing. @retval UIOMMU_E_HW  Not such a unit. */
    uiommu_err (*probe)(void *hw, struct uiommu_caps *out);
    /** [task] Make tables and queues, block everything, enable. Undone on error. A unit found
     * enabled is taken over without a moment in which DMA passes untranslated. */
    uiommu_err (*start)(void *hw);
    /** [task] Switch queues and interrupts off. Devices then reach nothing, or what the present
     * tables say: never memory untranslated, where the hardware can. Tables stay until destroy().
     * Until start() or restart() no op touches a register, finds anything, or puts a command
     * (UIOMMU_E_HW). Never fails; idempotent. */
    void (*stop)(void *hw);
    /** [task] Disable, empty the queues, enable again from the present tables, whatever the
     * registers hold; also after stop(). All caches are invalid after. Tickets of before are
     * failed. */
    uiommu_err (*restart)(void *hw);
    /** [task] Give up hw itself and all memory; the unit is stopped and has no device. */
    void (*destroy)(void *hw);

    /** [task] Can an entry of the device be set to this root, beside the entries it has?
     * @retval UIOMMU_E_UNSUPPORTED  The unit does not walk such tables.  @retval UIOMMU_E_BUSY
     *         Not beside another entry that the device has now. */
    uiommu_err (*root_check)(void *hw, void *dev, uint32_t pasid, const struct uiommu_root *root);

    /** [task] Memory and entries for a device: open to nothing (all traffic blocked), for every
     * ID. The core completes it by device_set(), config_invalidate() and a ticket. */
    uiommu_err (*device_attach)(void *hw, const struct uiommu_device_desc *desc, void **dev);
    /** [task] Give its memory back; its entries were shut and invalidated before. */
    void (*device_detach)(void *hw, void *dev);
    /** [locked] Write the device's entries: flags are UIOMMU_DEVICE_SET_*. step counts from 0.
     * A step is called again where its invalidation found no room: hardware may hold what was
     * before it until the next step.
     * @retval UIOMMU_MORE  Call config_invalidate(PASID_ALL), wait, then call with step + 1.
     * @retval UIOMMU_E_BUSY  Not before commands of before are done: call again. No new ones that
     *         the entry would forbid are taken meanwhile; a restart writes the entry, too.
     * @retval UIOMMU_OK  Last step; config_invalidate(PASID_ALL) and a ticket complete it. */
    uiommu_err (*device_set)(void *hw, void *dev, uint32_t flags, uint32_t step);
    /** [locked] Cut a misbehaving device off as hard as the hardware can; then as device_set(). */
    uiommu_err (*device_isolate)(void *hw, void *dev);

    /** [task] Memory for a PASID's entry (PASID_NONE: untagged traffic); the entry stays invalid.
     */
    uiommu_err (*pasid_prepare)(void *hw, void *dev, uint32_t pasid);
    /** [locked] Make the entry valid, in steps as device_set() (with config_invalidate(pasid)).
     * The last step alone makes it valid. */
    uiommu_err (*pasid_set)(void *hw, void *dev, uint32_t pasid, const struct uiommu_root *root,
                            uint32_t tag, uint32_t step);
    /** [locked] Make a valid entry refuse quietly, in one store: no walk, no event per access.
     * Idempotent; nothing for an invalid entry. */
    void (*pasid_block)(void *hw, void *dev, uint32_t pasid);
    /** [locked] Make the entry invalid in one store. Idempotent. */
    void (*pasid_clear)(void *hw, void *dev, uint32_t pasid);

    /** [locked] Put commands: drop cached configuration of (dev, pasid), for every ID. */
    uiommu_err (*config_invalidate)(void *hw, void *dev, uint32_t pasid);
    /** [locked] Put commands: drop IOTLB entries of what was set by pasid_set() with this root and
     * tag for dev and pasid; they are all of one tag and PASID, whatever the device, unless
     * UIOMMU_CAP_TAG_PER_DEVICE. range NULL: all. */
    uiommu_err (*tlb_invalidate)(void *hw, void *dev, uint32_t pasid,
                                 const struct uiommu_root *root, uint32_t tag,
                                 const struct uiommu_range *range);
    /** [locked] Put commands: drop device TLB entries of (dev, pasid), for every ID. The IOTLB
     * invalidation that belongs to it was completed before. range NULL: all. */
    uiommu_err (*dtlb_invalidate)(void *hw, void *dev, uint32_t pasid,
                                  const struct uiommu_range *range);
    /** [locked] Put a completion behind all commands so far and tell hardware. Every wave of
     * invalidations is closed by a ticket under the same hold of the lock. */
    uiommu_err (*ticket)(void *hw, uint64_t *out);
    /** [locked] Progress of a ticket, error handling of the command ring included.
     * @retval UIOMMU_OK  All commands up to it took effect.  @retval UIOMMU_PENDING  Not yet.
     * @retval UIOMMU_E_HW  It will not prove anything: some invalidation in front of it, after
     *         the previous ticket, failed (PROTOCOL R15). Tickets can be asked about for ever. */
    uiommu_err (*ticket_poll)(void *hw, uint64_t ticket);
    /** [locked] Begin a request barrier for a device: what it sent before is in the rings, or
     * counted as lost, once the ticket is done. *strength: UIOMMU_BARRIER_*. */
    uiommu_err (*barrier)(void *hw, void *dev, uint32_t pasid, uint64_t *ticket,
                          uint32_t *strength);
    /** [locked] Put answers into the command ring, in order, and tell hardware once. @return How
     * many fitted. */
    uint32_t (*respond)(void *hw, const struct uiommu_answer *answers, uint32_t count);
    /** [locked] Put one raw command of the host's. @retval UIOMMU_E_INVALID  A wrong length, a
     *         completion or a page response. */
    uiommu_err (*command)(void *hw, const uint64_t *words, uint32_t count);

    /** [role] Acknowledge interrupts, before the rings are looked at. */
    void (*irq_ack)(void *hw);
    /** [role + locked] Look at error registers; recover queues, a step at a time. */
    void (*check)(void *hw, struct uiommu_check *out);
    /** [role] Entries waiting in a ring; rereads the hardware's index. */
    uint32_t (*ring_pending)(void *hw, uint32_t ring);
    /** [role] Copy entries out and publish the consumer index at once. Nonsense indices or
     * entries never make it consume more than the ring holds. */
    uiommu_err (*fetch)(void *hw, uint32_t ring, struct uiommu_fetch *io);
    /** [role] Acknowledge the overflow that fetch() reported; the ring was read empty before. */
    void (*overflow_ack)(void *hw, uint32_t ring);

    /** [role + locked] For dumps: the next thing to show. cursor starts at 0 and is the backend's.
     * id UINT32_MAX: registers and queues only. @retval UIOMMU_E_NOT_FOUND  No more. */
    uiommu_err (*describe)(void *hw, uint32_t id, uint32_t pasid, uint64_t *cursor,
                           struct uiommu_item *out);
};

/**
 * Make a unit; called by a backend's constructor. [task]
 * Copies ops and config, calls probe(). On error hw stays the caller's; on success destroy()
 * gives it up.
 */
UIOMMU_MUST_CHECK uiommu_err uiommu_unit_create(struct uiommu *u,
                                                const struct uiommu_backend_ops *ops, void *hw,
                                                const struct uiommu_unit_config *config,
                                                struct uiommu_unit **out);

/** The host's table with every optional slot filled. [any] Stays as long as the instance. */
const struct uiommu_host_ops *uiommu_host(const struct uiommu *u);
/** Zeroed plain memory, aligned to 64; NULL if none. [task] */
void *uiommu_heap_get(struct uiommu *u, size_t bytes);
/** Give it back; NULL is nothing. [task] */
void uiommu_heap_put(struct uiommu *u, void *ptr, size_t bytes);
/** Take the unit's command-ring lock inside a [task] op. @return what _unlock() wants. */
uintptr_t uiommu_unit_lock(struct uiommu_unit *unit);
/** Give it back. */
void uiommu_unit_unlock(struct uiommu_unit *unit, uintptr_t state);

/* ---- what backends share ------------------------------------------------------------------ */

/** Tickets that prove nothing, by ranges; too many of them fall under one mark, which counts good
 * old tickets as failed: too little proof, never too much. Zeroed: none. [locked] */
struct uiommu_failed {
    struct {
        uint64_t first, last;
    } range[32];        /**< Ascending. */
    uint32_t count;     /**< Of them. */
    uint64_t forgotten; /**< Up to here every ticket counts as failed. */
};
/** Tickets from first to last failed; in any order, also again. */
void uiommu_failed_add(struct uiommu_failed *f, uint64_t first, uint64_t last);
/** Did it fail? */
bool uiommu_failed_has(const struct uiommu_failed *f, uint64_t ticket);
/** Does it hold together? For tests. */
bool uiommu_failed_valid(const struct uiommu_failed *f);

/** Which commands of a ring are completions, and which of these prove nothing. Positions count
 * commands for ever; a ticket is the position behind its completion. Zeroed, with slots and log2
 * set: none. [locked] */
struct uiommu_tickets {
    uint32_t *slots;             /**< A bit for each slot: uiommu_tickets_bytes(), the backend's. */
    uint32_t log2;               /**< Of the ring's slots. */
    bool uncovered;              /**< Something failed behind which there is no ticket yet. */
    struct uiommu_failed failed; /**< Tickets. */
};
/** Memory for a ring of 2^log2 slots. */
static inline size_t uiommu_tickets_bytes(uint32_t log2)
{
    return ((((size_t)1 << log2) + 31u) / 32u) * sizeof(uint32_t);
}
/** A command was put at a position. A completion takes on what failed uncovered. */
static inline void uiommu_tickets_put(struct uiommu_tickets *t, uint64_t position, bool completion)
{
    uint32_t slot = (uint32_t)position & ((UINT32_C(1) << t->log2) - 1u);
    uint32_t bit = UINT32_C(1) << (slot & 31u);

    if (!completion) {
        t->slots[slot >> 5] &= ~bit;
        return;
    }
    t->slots[slot >> 5] |= bit;
    if (t->uncovered)
        uiommu_failed_add(&t->failed, position + 1u, position + 1u);
    t->uncovered = false;
}
/** Is a completion at this position, which is still in the ring? */
bool uiommu_tickets_at(const struct uiommu_tickets *t, uint64_t position);
/** A command failed: the first completion at or behind it, before head, proves nothing; else the
 * next that is put. */
void uiommu_tickets_fail(struct uiommu_tickets *t, uint64_t position, uint64_t head);
/** The ring is emptied: of what was put, tickets behind done prove nothing. */
void uiommu_tickets_drop(struct uiommu_tickets *t, uint64_t done, uint64_t head);
/** Does it hold together? For tests. */
bool uiommu_tickets_valid(const struct uiommu_tickets *t);

struct uiommu_radix;
/** What every backend keeps of a device; the first member of its own structure. */
struct uiommu_requester {
    struct uiommu_requester *next; /**< Of the unit's devices. [locked] */
    struct uiommu_requester *prev; /**< The same. */
    uint32_t *ids;                 /**< A copy. */
    uint32_t id_count;             /**< At least 1. */
};
/** A unit's devices. Zeroed: none. */
struct uiommu_requesters {
    struct uiommu_requester *first; /**< The newest. [locked] */
    struct uiommu_radix *map;       /**< By ID; looked at while there are any. */
};
/** Copy a device's IDs, and make room for it under each. [task] @retval UIOMMU_E_INVALID  None.
 * @retval UIOMMU_E_RANGE  One is not below 2^id_bits.  @retval UIOMMU_E_NOMEM  No memory. */
UIOMMU_MUST_CHECK uiommu_err uiommu_requester_init(struct uiommu *u, struct uiommu_requesters *all,
                                                   const struct uiommu_device_desc *desc,
                                                   uint32_t id_bits, struct uiommu_requester *who);
/** Give the copy back, and the room with the last device; zeroed: nothing. [task] */
void uiommu_requester_fini(struct uiommu *u, struct uiommu_requesters *all,
                           struct uiommu_requester *who);
/** Put it among the unit's. [locked] */
void uiommu_requester_add(struct uiommu_requesters *all, struct uiommu_requester *who);
/** Take it out; it is there. [locked] */
void uiommu_requester_remove(struct uiommu_requesters *all, struct uiommu_requester *who);
/** Whose ID it is, or NULL. [locked] */
struct uiommu_requester *uiommu_requester_find(const struct uiommu_requesters *all, uint32_t id);

/** Memory for hardware, aligned, below the limit; what is there already stays. [task] */
UIOMMU_MUST_CHECK uiommu_err uiommu_mem_get(const struct uiommu_host_ops *host, uint64_t bytes,
                                            uint64_t align, uint64_t limit, struct uiommu_mem *mem);
/** Give it back, if there is any. [task] */
void uiommu_mem_put(const struct uiommu_host_ops *host, struct uiommu_mem *mem);

/** Records of so many pieces lie together. */
#define UIOMMU_LEAVES 64u
/** Memory for hardware in numbered pieces, got one by one. Zeroed but for count: none. */
struct uiommu_leaves {
    struct uiommu_mem first;   /**< Number 0: every device has it. */
    struct uiommu_slot blocks; /**< Of the others, once there is one. */
    uint32_t count;            /**< Numbers that there can be; at least 1. */
};
/** A piece that is there, or NULL; number is below count. [locked] */
const struct uiommu_mem *uiommu_leaf(const struct uiommu_leaves *leaves, uint32_t number);
/** Where a piece is to be noted, under the lock; NULL: no memory. [task] */
struct uiommu_mem *uiommu_leaf_make(struct uiommu *u, struct uiommu_leaves *leaves,
                                    uint32_t number);
/** Give all of them back. [task] */
void uiommu_leaves_fini(struct uiommu *u, struct uiommu_leaves *leaves);

/** Events that wait for check(). Zeroed: none. [locked] */
struct uiommu_notes {
    struct uiommu_event event[8]; /**< Oldest first. */
    uint32_t count;               /**< Of them. */
};
/** An event of a kind, of nobody. */
void uiommu_event_init(struct uiommu_event *event, enum uiommu_event_kind kind);
/** Keep an event until check(); with no room the newest is lost. */
void uiommu_notes_add(struct uiommu_notes *notes, const struct uiommu_event *event);
/** The same with nothing but a kind and one raw word. */
void uiommu_notes_unit(struct uiommu_notes *notes, enum uiommu_event_kind kind, uint64_t raw);
/** Hand over as many as there is room for; sets UIOMMU_CHECK_MORE where some are left. */
void uiommu_notes_take(struct uiommu_notes *notes, struct uiommu_check *out);
/** Does it hold together? For tests. */
bool uiommu_notes_valid(const struct uiommu_notes *notes);

/** A bounded wait inside a [task] op. */
struct uiommu_wait {
    const struct uiommu_host_ops *host; /**< Whose clock. */
    uint64_t deadline_ns;               /**< When it ends. */
};
/** Begin to wait for at most @p ns. */
static inline struct uiommu_wait uiommu_wait_begin(const struct uiommu_host_ops *host, uint64_t ns)
{
    struct uiommu_wait w;

    w.host = host;
    w.deadline_ns = host->now_ns(host->ctx);
    w.deadline_ns = ns > UINT64_MAX - w.deadline_ns ? UINT64_MAX : w.deadline_ns + ns;
    return w;
}
/** Pause; @return false when the time is up (look once more after that). */
static inline bool uiommu_wait_more(const struct uiommu_wait *w)
{
    uiommu_pause();
    return w->host->now_ns(w->host->ctx) < w->deadline_ns;
}

#ifdef __cplusplus
}
#endif
#endif
