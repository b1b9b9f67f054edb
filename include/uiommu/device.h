/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef UIOMMU_DEVICE_H
#define UIOMMU_DEVICE_H
/**
 * @file
 * Device: one requester behind a unit, with 1 to n IDs (aliases, several stream IDs) and a
 * generation that every reset bumps.
 */
#include "port.h"

#ifdef __cplusplus
extern "C" {
#endif

/** A device attached to a unit. */
struct uiommu_device;

/**
 * What the device's driver, or the bus code on its behalf, does for uiommu. All but stop() are
 * implemented over configuration space by uiommu/pcie.h. Missing ops mean: cannot be done here.
 */
struct uiommu_device_ops {
    size_t size; /**< sizeof(struct uiommu_device_ops). */
    /**
     * [task] Make the device stop using a PASID: no request of it leaves the device after the
     * stop is confirmed, whatever answers its earlier ones get (PROTOCOL R4). May call service.
     * @retval UIOMMU_OK  Stopped.  @retval UIOMMU_PENDING  uiommu_bond_stopped() follows.
     * @retval UIOMMU_E_UNSUPPORTED  Nobody is told: as without this op, see uiommu_bond_stopped().
     */
    uiommu_err (*stop)(void *ctx, struct uiommu_device *dev, struct uiommu_bond_ref bond,
                       uint32_t pasid);
    /** [task] PASID capability on or off. Never called while ATS is on (PCIe Base, PASID
     * capability). */
    uiommu_err (*set_pasid)(void *ctx, bool on);
    /** [task] ATS on or off; stu is log2 of the smallest translation unit, 12 for 4 KiB. */
    uiommu_err (*set_ats)(void *ctx, bool on, uint32_t stu);
    /** [task] PRI on with so many credits, or off. On: the interface must have stopped before.
     * *pasid_required tells whether its responses need the PASID. */
    uiommu_err (*set_pri)(void *ctx, bool on, uint32_t credits, bool *pasid_required);
    /** [any] Has the page request interface stopped? UIOMMU_OK, UIOMMU_PENDING. */
    uiommu_err (*pri_stopped)(void *ctx);
    /** [any] Is the device there? UIOMMU_OK or UIOMMU_E_GONE. The read behind it pushes what the
     * device sent before towards the IOMMU. */
    uiommu_err (*present)(void *ctx);
};

/** The device's accesses carry PASIDs. */
#define UIOMMU_DEVICE_PASID 0x01u
/** Address translation service: the device caches translations. */
#define UIOMMU_DEVICE_ATS 0x02u
/** Page requests; needs a port and ATS. */
#define UIOMMU_DEVICE_PRI 0x04u
/** Faulting accesses may be held by the IOMMU (platform devices only, never PCIe). */
#define UIOMMU_DEVICE_STALL 0x08u
/** Its Stop Markers are believed (PROTOCOL R8). */
#define UIOMMU_DEVICE_TRUST_MARKERS 0x10u
/** Its stop may leave requests that are sent again after an automatic SUCCESS (PROTOCOL R29):
 * an overflow repeats the barrier until one pass sees none. */
#define UIOMMU_DEVICE_RESENDS 0x20u
/** A virtual function; pf_id is that of its physical function. */
#define UIOMMU_DEVICE_VIRTUAL 0x40u

/** How to attach one. */
struct uiommu_device_config {
    size_t size;                         /**< sizeof(struct uiommu_device_config). */
    const uint32_t *ids;                 /**< Copied; requester or stream IDs, at least one. */
    uint32_t id_count;                   /**< 1 .. 16 */
    uint32_t flags;                      /**< UIOMMU_DEVICE_* */
    uint32_t pasid_bits;                 /**< Width of its PASIDs; cut to the unit's. */
    uint32_t in_flight;                  /**< Groups with handlers at once; 0: no limit. */
    struct uiommu_port *port;            /**< With UIOMMU_DEVICE_PRI: its PF's port. */
    const struct uiommu_device_ops *ops; /**< Copied; NULL: none. */
    void *ops_ctx;                       /**< First argument of the ops. */
    void *user;                          /**< The embedder's. */
    uint32_t ats_depth; /**< Invalidations its device TLB queues, 1 to 32 (ATS capability:
                           Invalidate Queue Depth, 0 there is 32). 0: the least there is, 1. */
    uint32_t pf_id;     /**< With UIOMMU_DEVICE_VIRTUAL. */
};

/** Counters of a device; they wrap. */
struct uiommu_device_counters {
    uintptr_t requests;    /**< Page requests and stalls seen. */
    uintptr_t groups;      /**< Complete groups. */
    uintptr_t success;     /**< Answers. */
    uintptr_t invalid;     /**< Answers. */
    uintptr_t failure;     /**< Answers. */
    uintptr_t refused;     /**< Last requests answered without a handler. */
    uintptr_t dropped;     /**< Requests and partials that got no answer. */
    uintptr_t over_credit; /**< Requests beyond its credits. */
    uintptr_t violations;  /**< Index in flight used again, malformed groups. */
    uintptr_t markers;     /**< Stop Markers. */
    uintptr_t late;        /**< Requests for a bond in quarantine (PROTOCOL R3). */
    uintptr_t resets;      /**< Generation changes. */
};

/** State of a device. */
enum uiommu_device_state {
    UIOMMU_DEVICE_NORMAL,    /**< In use. */
    UIOMMU_DEVICE_RESETTING, /**< Between reset begin and end. */
    UIOMMU_DEVICE_GONE,      /**< Removed. */
    UIOMMU_DEVICE_ISOLATED,  /**< Cut off after misbehaviour. */
};

/**
 * Attach a device: its table entries are made, all traffic blocked; PASID, ATS and PRI are
 * switched on in the order the hardware asks for. [task]
 * @retval UIOMMU_E_EXISTS  An ID has a device already.  @retval UIOMMU_E_RANGE  An ID or width
 *         beyond the unit.  @retval UIOMMU_E_UNSUPPORTED  The unit lacks a feature asked for.
 * @retval UIOMMU_E_STATE  The unit is not started, or suspended.  @retval UIOMMU_E_NOMEM  No
 * memory.
 * @retval UIOMMU_E_TIMEOUT, UIOMMU_E_HW  The unit or device did not take it (as a page request
 *         interface that does not stop); undone.
 */
UIOMMU_MUST_CHECK uiommu_err uiommu_device_attach(struct uiommu_unit *unit,
                                                  const struct uiommu_device_config *config,
                                                  struct uiommu_device **out);
/**
 * Detach a device without bonds: PRI off and stopped, ATS off, caches dropped, entries cleared.
 * [task]
 * @retval UIOMMU_E_BUSY  A bond exists (quarantined and poisoned ones included).
 * @retval UIOMMU_PENDING  The page request interface has not stopped, or the unit is still at
 *         it: service and call again.
 */
UIOMMU_MUST_CHECK uiommu_err uiommu_device_detach(struct uiommu_device *dev);

/**
 * The device is about to be reset (FLR, hot reset): its groups become orphans, nothing more is
 * sent for them, and everything it sends until the end is dropped. Its entry is shut, which waits
 * (bounded) for the unit. [any]; idempotent.
 * @retval UIOMMU_E_GONE  It was removed.
 * @retval UIOMMU_E_TIMEOUT, UIOMMU_E_HW  Begun, but the unit did not shut the entry.
 */
UIOMMU_MUST_CHECK uiommu_err uiommu_device_reset_begin(struct uiommu_device *dev);
/**
 * The reset is over. What was sent before it is swept out of bus and rings; then the enables are
 * programmed again, and poisoned bonds get the proofs a reset gives. A reset that begins after an
 * end was tried starts this anew. [task]
 * @retval UIOMMU_PENDING  Begun; service the unit and call again.
 * @retval UIOMMU_E_STATE  No reset was begun.  @retval UIOMMU_E_GONE  The device is absent.
 * @retval UIOMMU_E_TIMEOUT, UIOMMU_E_HW  Unit or device did not follow; may be called again.
 */
UIOMMU_MUST_CHECK uiommu_err uiommu_device_reset_end(struct uiommu_device *dev);
/**
 * The device was removed without warning: as a reset that never ends; its bonds can be unbound
 * and it can be detached without touching it. [any]; idempotent.
 */
UIOMMU_MUST_CHECK uiommu_err uiommu_device_removed(struct uiommu_device *dev);

/** Read the counters. [any] */
UIOMMU_MUST_CHECK uiommu_err uiommu_device_get_counters(const struct uiommu_device *dev,
                                                        struct uiommu_device_counters *out);
/** Its state now. [any] @return enum uiommu_device_state, or UIOMMU_E_HANDLE. */
int uiommu_device_get_state(const struct uiommu_device *dev);
/** The embedder's pointer from the config. [any] NULL also for no device. */
void *uiommu_device_user(const struct uiommu_device *dev);

#ifdef __cplusplus
}
#endif
#endif
