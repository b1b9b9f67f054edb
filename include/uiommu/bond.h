/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef UIOMMU_BOND_H
#define UIOMMU_BOND_H
/**
 * @file
 * Bond: a device uses an address space under a PASID, or under none. It has one life.
 */
#include "aspace.h"
#include "device.h"
#include "pasid.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Where a bond's life is (docs/PROTOCOL.md). */
enum uiommu_bond_state {
    UIOMMU_BOND_FREE,       /**< Gone. */
    UIOMMU_BOND_RESERVED,   /**< Number and memory taken. */
    UIOMMU_BOND_ATTACHING,  /**< Entry being written; requests are INVALID. */
    UIOMMU_BOND_LIVE,       /**< Requests go to the handler. */
    UIOMMU_BOND_MM_DEAD,    /**< Address space dead: entry quiet, requests INVALID. */
    UIOMMU_BOND_STOPPING,   /**< The driver was told to stop the device; or the sweep runs. */
    UIOMMU_BOND_DRAINING,   /**< D1 to D6. */
    UIOMMU_BOND_QUARANTINE, /**< Drained; the number rests. */
    UIOMMU_BOND_POISONED,   /**< A proof is missing; the number is withheld. */
};

/** Proofs a poisoned bond still lacks (PROTOCOL R9). */
#define UIOMMU_PROOF_STOP     0x01u /**< That the device stopped. */
#define UIOMMU_PROOF_CONFIG   0x02u /**< That no configuration cache holds the entry. */
#define UIOMMU_PROOF_TLB      0x04u /**< That no IOTLB holds a translation. */
#define UIOMMU_PROOF_DEVICE   0x08u /**< That no device TLB holds one. */
#define UIOMMU_PROOF_REQUESTS 0x10u /**< That no old request is under way. */
#define UIOMMU_PROOF_HANDLERS 0x20u /**< That no handler call is running. */

/** How to bind. */
struct uiommu_bind_config {
    size_t size;        /**< sizeof(struct uiommu_bind_config). */
    uint32_t pasid;     /**< From the unit's PASID space, or UIOMMU_PASID_NONE. */
    uint32_t in_flight; /**< Groups with handlers at once; 0: no limit. */
    void *user;         /**< The embedder's; shown in struct uiommu_group. */
};

/** What a bond is at the moment. */
struct uiommu_bond_info {
    enum uiommu_bond_state state; /**< Now. */
    uint32_t missing;             /**< UIOMMU_PROOF_* not yet had. */
    uint32_t pasid;               /**< Or UIOMMU_PASID_NONE. */
    uint32_t in_flight;           /**< Complete groups not yet answered. */
    uint32_t barriers;            /**< D3 rounds so far. */
    bool stop_confirmed;          /**< By the driver or by a Stop Marker. */
    bool marker_seen;             /**< A Stop Marker of this life counted. */
    struct uiommu_device *device; /**< Its device. */
    struct uiommu_aspace *aspace; /**< Its address space; NULL once that is released. */
    void *user;                   /**< From the config. */
};

/** Counters of a bond; they wrap. */
struct uiommu_bond_counters {
    uintptr_t groups;  /**< Given to the handler. */
    uintptr_t success; /**< Answers. */
    uintptr_t invalid; /**< Answers. */
    uintptr_t parked;  /**< Groups that waited for a cap. */
    uintptr_t expired; /**< Groups nobody answered in time. */
};

/**
 * The driver gives its word that the device has stopped using the PASID (PROTOCOL R4). Only stops
 * that stop() is called for are counted against the unit's marker_reserve (R30): a driver that
 * stops devices unasked must not let more of them send a Stop Marker at once.
 */
#define UIOMMU_UNBIND_STOPPED 0x1u
/** No sweep: what is in the rings is answered INVALID, not handled. */
#define UIOMMU_UNBIND_ABORT 0x2u

/**
 * Let a device use an address space. [task]; waits (bounded) for the unit.
 * On success the bond is LIVE: the device may be told to use the PASID.
 * @retval UIOMMU_E_BUSY  The number belongs to another address space, rests, or the device has a
 *         bond under it (or without PASID) already, or one that the unit cannot have beside a
 *         second stage.
 * @retval UIOMMU_E_NOT_FOUND  The PASID is not allocated.  @retval UIOMMU_E_DEAD  The space died.
 * @retval UIOMMU_E_RANGE  PASID wider than device or unit.
 * @retval UIOMMU_E_UNSUPPORTED  No root of the space fits the unit, or the device has no PASIDs.
 * @retval UIOMMU_E_GONE  The device is reset, removed or isolated.
 * @retval UIOMMU_E_NOSPACE  No cache tag is left.  @retval UIOMMU_E_QUOTA  The owner's quota.
 * @retval UIOMMU_E_STATE  The PASID is dying: its allocator gave it up; or the unit is suspended.
 * @retval UIOMMU_E_NOMEM  No memory.  @retval UIOMMU_E_TIMEOUT, UIOMMU_E_HW  The unit did not
 *         take it; the half-made bond drains by itself and its PASID is withheld meanwhile.
 */
UIOMMU_MUST_CHECK uiommu_err uiommu_bind(struct uiommu_device *dev, struct uiommu_aspace *as,
                                         const struct uiommu_bind_config *config,
                                         struct uiommu_bond_ref *out);

/**
 * Begin to unbind. [any], also in handlers and callbacks; idempotent; cannot fail on a live bond.
 * Without UIOMMU_UNBIND_STOPPED the device's stop() is called by the next poll.
 * @retval UIOMMU_OK  Begun, or the bond is gone already.  @retval UIOMMU_E_HANDLE  Never was a
 * bond.
 */
UIOMMU_MUST_CHECK uiommu_err uiommu_unbind_begin(struct uiommu *u, struct uiommu_bond_ref bond,
                                                 uint32_t flags);
/**
 * Go on with an unbind. [task]; does not wait. Services the unit.
 * @retval UIOMMU_OK  Drained: hardware cannot reach the address space by this bond, and nothing
 *         of it is in flight. (The number may still rest in quarantine.)
 * @retval UIOMMU_PENDING  Not yet: call again after an interrupt or the unit's next deadline.
 * @retval UIOMMU_E_POISONED  Hardware cannot reach the address space, but a proof is missing:
 *         the PASID is withheld (uiommu_bond_get_info()).
 * @retval UIOMMU_E_WITHHELD  Hardware may still reach the page tables.
 * @retval UIOMMU_E_STATE  No unbind was begun.
 */
UIOMMU_MUST_CHECK uiommu_err uiommu_unbind_poll(struct uiommu *u, struct uiommu_bond_ref bond);
/**
 * Begin, then poll until it is over; every step in it has a deadline. [task]
 * @retval UIOMMU_E_BUSY  Called from inside a handler or callback; begun all the same.
 * @return  Else as uiommu_unbind_poll(), never PENDING.
 */
UIOMMU_MUST_CHECK uiommu_err uiommu_unbind(struct uiommu *u, struct uiommu_bond_ref bond,
                                           uint32_t flags);
/**
 * The driver's word after stop() had returned PENDING, or unasked after it has stopped the
 * device. [any] Where there is no stop() nobody tells the driver but the caller of the unbind: it
 * sees to it that the device stops, and says so here or by UIOMMU_UNBIND_STOPPED. A reset says so
 * only if it ends after stop() has returned, or after the bond was reported POISONED.
 * @retval UIOMMU_E_STALE  The bond is gone.
 */
UIOMMU_MUST_CHECK uiommu_err uiommu_bond_stopped(struct uiommu *u, struct uiommu_bond_ref bond);
/** What it is now. [any] A bond that is gone: OK with state FREE. @retval UIOMMU_E_HANDLE  Never
 * was. */
UIOMMU_MUST_CHECK uiommu_err uiommu_bond_get_info(struct uiommu *u, struct uiommu_bond_ref bond,
                                                  struct uiommu_bond_info *out);
/** Read the counters. [any] @retval UIOMMU_E_STALE  The bond is gone. */
UIOMMU_MUST_CHECK uiommu_err uiommu_bond_get_counters(struct uiommu *u, struct uiommu_bond_ref bond,
                                                      struct uiommu_bond_counters *out);

#ifdef __cplusplus
}
#endif
#endif
