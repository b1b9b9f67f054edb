/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef UIOMMU_TRACE_H
#define UIOMMU_TRACE_H
/**
 * @file
 * Transitions as numbers: what @ref uiommu_host_ops.trace is told.
 */
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** What happened, and what a, b, c, d of the record mean. */
enum uiommu_trace_id {
    /** A bond changed state: a bond (index << 32 | generation), b device ID << 32 | PASID,
     * c old state, d new state (enum uiommu_bond_state). */
    UIOMMU_TRACE_BOND = 1,
    /** A shutdown step began: a, b as for BOND, c step (enum uiommu_step), d its round from 1. */
    UIOMMU_TRACE_STEP,
    /** A page request was taken from a ring: a device ID << 32 | PASID (all ones: none),
     * b address | flags, c index, d ring << 56 | position. */
    UIOMMU_TRACE_REQUEST,
    /** A page request group opened, became complete, was given to a handler, was left pending:
     * a group (index << 32 | generation), b device ID << 32 | PASID, c PRG index, d pages. */
    UIOMMU_TRACE_GROUP_OPEN,
    UIOMMU_TRACE_GROUP_READY,
    UIOMMU_TRACE_GROUP_DISPATCHED,
    UIOMMU_TRACE_GROUP_PENDING,
    /** A group's answer was put in the command ring: a, b, c as above, d code. */
    UIOMMU_TRACE_GROUP_ANSWERED,
    /** A group ended unanswered: a, b, c as above, d reason (enum uiommu_drop). */
    UIOMMU_TRACE_GROUP_DROPPED,
    /** A Last without a slot was answered, or a request dropped: a device ID << 32 | PASID,
     * b PRG index, c code (UIOMMU_CODE_NONE: unanswered), d reason (enum uiommu_drop). */
    UIOMMU_TRACE_REFUSED,
    /** A Stop Marker was seen: a bond or 0, b device ID << 32 | PASID, c 1 if it counted. */
    UIOMMU_TRACE_MARKER,
    /** A ring overflowed and was acknowledged: a unit's ring, b its count of acknowledges. */
    UIOMMU_TRACE_OVERFLOW,
    /** A device's reset, removal or isolation: a device ID, b generation, c enum uiommu_event_kind.
     */
    UIOMMU_TRACE_DEVICE,
    /** An address space died, or was reaped: a its number, b 0 exit began, 1 exit returned, 2
     * reaped; c status. */
    UIOMMU_TRACE_ASPACE,
    /** A range invalidation: a address space's number, b first, c last, d status. */
    UIOMMU_TRACE_INVALIDATE,
    /** A command ticket: a ticket, b 0 pushed, 1 done, 2 failed, 3 timed out. */
    UIOMMU_TRACE_TICKET,
    /** One past the last. */
    UIOMMU_TRACE_END,
};

/** Steps of a shutdown, in order (docs/PROTOCOL.md). */
enum uiommu_step {
    UIOMMU_STEP_STOP = 1,  /**< Driver asked to stop the device. */
    UIOMMU_STEP_SWEEP,     /**< R10: barrier and snapshot with the gate open. */
    UIOMMU_STEP_D1,        /**< Gate closed; groups with a handler are waited for. */
    UIOMMU_STEP_D2_CONFIG, /**< Entry cleared, configuration caches invalidated. */
    UIOMMU_STEP_D2_TLB,    /**< IOTLB invalidated by tag. */
    UIOMMU_STEP_D2_DEVICE, /**< Device TLB invalidated. */
    UIOMMU_STEP_D3,        /**< Request barrier. */
    UIOMMU_STEP_SETTLE,    /**< R5: the settle time before the second D3. */
    UIOMMU_STEP_D4,        /**< Rings consumed to the snapshot. */
    UIOMMU_STEP_D5,        /**< Partials purged. */
    UIOMMU_STEP_D6,        /**< Nothing in flight. */
    UIOMMU_STEP_REST,      /**< Quarantine. */
};

/** Why a request or group got no ordinary answer. */
enum uiommu_drop {
    UIOMMU_DROP_NONE,
    UIOMMU_DROP_UNKNOWN_ID,    /**< No device has this ID. */
    UIOMMU_DROP_UNKNOWN_PASID, /**< No bond has this PASID on the device. */
    UIOMMU_DROP_OLD_LIFE,      /**< Sent before the present life began. */
    UIOMMU_DROP_CLOSED,        /**< The bond's gate is closed. */
    UIOMMU_DROP_CREDITS,       /**< Beyond the credits granted. */
    UIOMMU_DROP_INDEX,         /**< PRG index in use by another group. */
    UIOMMU_DROP_MALFORMED,     /**< The entry contradicts itself or its group. */
    UIOMMU_DROP_OVERFLOW,      /**< The ring overflowed while the group was open. */
    UIOMMU_DROP_PURGED,        /**< Open when its bond was drained. */
    UIOMMU_DROP_EXPIRED,       /**< Open past the partial deadline, or unanswered past the answer
                                  deadline. */
    UIOMMU_DROP_RESET,         /**< From before the device's reset or removal. */
    UIOMMU_DROP_DEAD,          /**< The address space has died. */
    UIOMMU_DROP_ISOLATED,      /**< The device is isolated. */
    UIOMMU_DROP_SWITCHED_OFF,  /**< Page requests are off for this device. */
    UIOMMU_DROP_PRESET,        /**< The hardware's event prescribed the code (PROTOCOL R32). */
    UIOMMU_DROP_MARKER,        /**< A Stop Marker: never answered. */
    UIOMMU_DROP_ACCESS,        /**< Asks for an access that the unit's entries never grant. */
};

/** One record. It is valid during the call only. */
struct uiommu_trace {
    uint32_t id;     /**< enum uiommu_trace_id */
    uint32_t unit;   /**< The unit's number, from 1; 0: none. */
    uint64_t now_ns; /**< The host's clock. */
    uint64_t a;      /**< By id. */
    uint64_t b;      /**< By id. */
    uint64_t c;      /**< By id. */
    uint64_t d;      /**< By id. */
};

#ifdef __cplusplus
}
#endif
#endif
