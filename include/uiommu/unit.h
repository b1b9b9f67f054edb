/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef UIOMMU_UNIT_H
#define UIOMMU_UNIT_H
/**
 * @file
 * Unit: one IOMMU: a backend, its registers, its queues. Backends' headers make one; everything
 * after that is vendor-neutral.
 */
#include "bond.h"
#include "event.h"
#include "reserved.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * What all units are configured with. Zero means the default given. Times are nanoseconds.
 * Embedded in each constructor's config.
 */
struct uiommu_unit_config {
    size_t size;                       /**< sizeof(struct uiommu_unit_config). */
    void *user;                        /**< The embedder's. */
    struct uiommu_pasid_space *pasids; /**< Whose numbers its PASIDs are; NULL: no PASIDs. */
    uint32_t id_bits;                  /**< Device IDs are below 2^id_bits. 16. */
    uint32_t marker_reserve;           /**< Bonds that may be stopping at once; queue entries kept
                                            free for their Stop Markers (PROTOCOL R30). 8. */
    uint32_t events;                   /**< Events that may wait; power of two. 256. */
    uint32_t stalls;     /**< Stall slots; cut to the hardware's. The hardware's, at most 256. */
    uint64_t command_ns; /**< Deadline of commands and invalidations. 1 s. More than hardware waits
                              for all devices together that leave invalidations unanswered: else
                              the unit may count as hung, once, before they are found out. */
    uint64_t stop_ns;    /**< Deadline of a driver's stop. 10 s. */
    uint64_t answer_ns;  /**< Deadline of a handler's answer (PROTOCOL I4). 10 s. */
    uint64_t partial_ns; /**< Deadline of a group's Last. 1 s. */
    uint64_t drain_ns;   /**< Deadline of D3 to D6 in all. 10 s. */
    uint64_t handler_ns; /**< How long D1 waits for PENDING answers. 1 s. */
    uint64_t settle_ns;  /**< PROTOCOL R5. 10 ms. UINT64_MAX: none at all. */
    uint32_t violations; /**< So many protocol violations isolate a device. 64.
                              UINT32_MAX: never. */
    const struct uiommu_reserved *reserved; /**< Regions that firmware reserves for devices behind
                                                 it; NULL: none. The caller's array: stays until
                                                 uiommu_unit_start() has returned UIOMMU_OK once;
                                                 words may be given until then. */
    uint32_t reserved_count;                /**< Of them. */
};

/** What a unit can do; read after it was created. */
struct uiommu_unit_info {
    const char *backend;      /**< Its name. */
    uint32_t number;          /**< In traces. */
    uint32_t id_bits;         /**< Width of device IDs. */
    uint32_t pasid_bits;      /**< Width of PASIDs; 0: none. */
    uint32_t request_entries; /**< Entries of the page request queue; 0: none. */
    uint32_t credits_free;    /**< Not granted. */
    uint32_t credits_granted; /**< Granted. */
    uint32_t stall_slots;     /**< Stalls handled at once. */
    uint32_t group_slots;     /**< Indices of group tokens are below this; grows with grants. */
    uint32_t stu_bits;        /**< Smallest translation unit for ATS, log2. */
    bool ats;                 /**< Device TLBs supported. */
    bool markers;             /**< Stop Markers are reported. */
    bool coherent;            /**< Its walks of page tables snoop the CPU's caches. */
    bool started;             /**< Between start and stop. */
    bool hung;                /**< Commands have timed out; needs a restart. */
    bool suspended;           /**< Between suspend and resume. */
    uint32_t access;          /**< UIOMMU_READ and so on that devices can be granted; a group that
                                   asks for more is INVALID. */
};

/** Counters of a unit; they wrap. */
struct uiommu_unit_counters {
    uintptr_t services;       /**< Times the consuming role was taken. */
    uintptr_t entries;        /**< Ring entries consumed. */
    uintptr_t requests;       /**< Page requests and stalls among them. */
    uintptr_t groups;         /**< Complete groups. */
    uintptr_t dispatched;     /**< Handler calls. */
    uintptr_t success;        /**< Answers put in the command ring. */
    uintptr_t invalid;        /**< Answers. */
    uintptr_t failure;        /**< Answers. */
    uintptr_t dropped;        /**< Requests and groups without an answer. */
    uintptr_t unknown_id;     /**< Requests of no device. */
    uintptr_t unknown_pasid;  /**< Requests of no bond. */
    uintptr_t old_life;       /**< Requests of an earlier life. */
    uintptr_t late;           /**< Requests for a PASID in quarantine. */
    uintptr_t markers;        /**< Stop Markers. */
    uintptr_t overflows;      /**< Acknowledged overflows of rings that carry requests. */
    uintptr_t events;         /**< Events, lost ones included. */
    uintptr_t events_lost;    /**< Lost for lack of room. */
    uintptr_t commands;       /**< Tickets. */
    uintptr_t command_errors; /**< Failed and timed-out ones. */
    uintptr_t full;           /**< Times the command ring had no room. */
    uintptr_t poisoned;       /**< Bonds poisoned. */
};

/**
 * Start translating: tables and queues are set up, all devices blocked. [task] The first time, the
 * host must have confirmed or waived each reserved region of the configuration.
 * @retval UIOMMU_E_INVALID  A reserved region without a word, or one that cannot be: it ends before
 *         it begins, has no or an unknown access, or an unknown word. No register was touched.
 * @retval UIOMMU_E_STATE  Started already.  @retval UIOMMU_E_NOMEM  No memory.
 * @retval UIOMMU_E_TIMEOUT, UIOMMU_E_HW  The hardware does not follow; left stopped.
 */
UIOMMU_MUST_CHECK uiommu_err uiommu_unit_start(struct uiommu_unit *unit);
/**
 * Stop a unit without devices; DMA stays blocked where the hardware can, until it is destroyed.
 * [task]
 * @retval UIOMMU_E_BUSY  A device is attached.  @retval UIOMMU_E_STATE  Not started.
 */
UIOMMU_MUST_CHECK uiommu_err uiommu_unit_stop(struct uiommu_unit *unit);
/** Give up a stopped unit, memory included: hardware that blocks only by its tables passes traffic
 * from now on. [task] @retval UIOMMU_E_BUSY  Started, or a port exists. */
UIOMMU_MUST_CHECK uiommu_err uiommu_unit_destroy(struct uiommu_unit *unit);
/**
 * Restart a unit whose commands hang: the hardware is disabled and set up anew from software
 * state, which gives poisoned bonds the configuration and IOTLB proofs. [task]; groups become
 * orphans. Devices need a reset before they can ask for pages again.
 * @retval UIOMMU_E_HW, UIOMMU_E_TIMEOUT  It does not come back; stays hung.
 * @retval UIOMMU_E_STATE  Not started, or suspended.
 */
UIOMMU_MUST_CHECK uiommu_err uiommu_unit_restart(struct uiommu_unit *unit);

/**
 * The machine is about to sleep: the unit's queues are switched off, and nothing touches its
 * registers until uiommu_unit_resume(). [task]; groups become orphans. Devices and bonds stay; a
 * bond that ends meanwhile is poisoned until then.
 * @retval UIOMMU_E_STATE  Not started, or suspended already.  @retval UIOMMU_E_TIMEOUT  Somebody
 *         services it all the time.
 */
UIOMMU_MUST_CHECK uiommu_err uiommu_unit_suspend(struct uiommu_unit *unit);
/**
 * Program the unit anew from software state, whatever its registers hold now. [task] Poisoned
 * bonds get the configuration and IOTLB proofs. Devices need a reset before they can ask for pages
 * again.
 * @retval UIOMMU_E_STATE  Not suspended.  @retval UIOMMU_E_HW, UIOMMU_E_TIMEOUT  It does not come
 *         back; stays suspended.
 */
UIOMMU_MUST_CHECK uiommu_err uiommu_unit_resume(struct uiommu_unit *unit);
/**
 * Send one raw command of the host's, as its interrupt remapping needs, and wait (bounded) until
 * it took effect. [task] The host is trusted: commands are not looked into, but completions and
 * page responses are the library's own.
 * @param words  The command as the hardware reads it, in the CPU's byte order.
 * @param count  64-bit words: the length of the unit's commands.
 * @retval UIOMMU_E_INVALID  NULL, a wrong length, or a command that is the library's own.
 * @retval UIOMMU_E_STATE  Not started, or suspended.  @retval UIOMMU_E_UNSUPPORTED  The unit takes
 *         none.  @retval UIOMMU_E_HW  The hardware refused it.  @retval UIOMMU_E_TIMEOUT  It does
 *         not complete commands.
 */
UIOMMU_MUST_CHECK uiommu_err uiommu_unit_command(struct uiommu_unit *unit, const uint64_t *words,
                                                 uint32_t count);

/**
 * The one consumer of a unit: take entries from its rings, call handlers, send answers, step
 * shutdowns. [service]: from an interrupt thread, a poll loop, an event loop. Never sleeps.
 * A second caller is told so, and the first goes round again for him.
 * @param budget  Ring entries, and handler calls, at most; 0: 64.
 * @retval UIOMMU_OK  Nothing is left to do now.  @retval UIOMMU_MORE  Call again.
 * @retval UIOMMU_E_BUSY  Another context is at it and has been told to look again.
 * @retval UIOMMU_E_STATE  Not started.
 */
UIOMMU_MUST_CHECK uiommu_err uiommu_unit_service(struct uiommu_unit *unit, uint32_t budget);
/**
 * When service is due at the latest without an interrupt, in the host's time. [any]
 * @return  UINT64_MAX: not by itself.
 */
uint64_t uiommu_unit_next_deadline(struct uiommu_unit *unit);
/** The word that uiommu changes and wakes (host op wake) when service has become due. [any] */
const struct uiommu_word *uiommu_unit_due_word(const struct uiommu_unit *unit);

/**
 * Do its records agree with each other? For tests and simulations: no lock is taken, so that no
 * other processor may be in a call of the unit's instance. What somebody holds at the moment is
 * left out, so a single-threaded caller may ask wherever he is; all is looked at where nobody is in
 * a call. Looks at every group, bond and number.
 */
bool uiommu_unit_valid(const struct uiommu_unit *unit);
/** Read what it can do. [any] */
UIOMMU_MUST_CHECK uiommu_err uiommu_unit_get_info(const struct uiommu_unit *unit,
                                                  struct uiommu_unit_info *out);
/** Read the counters. [any] */
UIOMMU_MUST_CHECK uiommu_err uiommu_unit_get_counters(const struct uiommu_unit *unit,
                                                      struct uiommu_unit_counters *out);
/** The embedder's pointer from the config. [any] */
void *uiommu_unit_user(const struct uiommu_unit *unit);

#ifdef __cplusplus
}
#endif
#endif
