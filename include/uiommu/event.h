/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef UIOMMU_EVENT_H
#define UIOMMU_EVENT_H
/**
 * @file
 * Event: a fault or misbehaviour to report. Events wait in a ring of the unit until taken; when
 * it is full the newest are counted, and UIOMMU_EVENT_EVENTS_LOST says how many.
 */
#include "device.h"

#ifdef __cplusplus
extern "C" {
#endif

/** What an event reports. */
enum uiommu_event_kind {
    UIOMMU_EVENT_TRANSLATION = 1,    /**< Unmapped, and the device cannot ask for pages. */
    UIOMMU_EVENT_PERMISSION,         /**< Mapped, but not for this access. */
    UIOMMU_EVENT_ADDRESS_SIZE,       /**< An address beyond its width. */
    UIOMMU_EVENT_ACCESS_FLAG,        /**< Accessed flag clear and not managed by hardware. */
    UIOMMU_EVENT_BAD_ID,             /**< The device ID has no table entry. */
    UIOMMU_EVENT_BAD_TABLE,          /**< A device table or stream table entry is illegal. */
    UIOMMU_EVENT_BAD_CONTEXT,        /**< A context or PASID entry is illegal or absent. */
    UIOMMU_EVENT_FETCH_ABORT,        /**< The IOMMU could not read a table. */
    UIOMMU_EVENT_ATS_REFUSED,        /**< A translation request where ATS is off. */
    UIOMMU_EVENT_TRANSLATED_REFUSED, /**< Translated traffic where it is not allowed. */
    UIOMMU_EVENT_CONFLICT,           /**< Overlapping entries in a cache. */
    UIOMMU_EVENT_UNKNOWN,            /**< A record of unknown type; raw holds it. */
    UIOMMU_EVENT_COMMAND_ERROR,      /**< The unit refused a command; raw[0], raw[1] hold it. */
    UIOMMU_EVENT_QUEUE_ERROR,        /**< A queue aborted or was re-made; raw[0] is its number. */
    UIOMMU_EVENT_UNIT_ERROR, /**< The unit reports a failure of its own; raw[0] is the register. */
    UIOMMU_EVENT_REQUESTS_LOST, /**< Page requests of this device may have been lost. */
    UIOMMU_EVENT_EVENTS_LOST,   /**< count events were lost, in hardware (id all ones) or here. */
    UIOMMU_EVENT_INVALIDATION_TIMEOUT, /**< The device did not answer an invalidation. */
    UIOMMU_EVENT_DEVICE_ISOLATED,      /**< The device was cut off. */
    UIOMMU_EVENT_BOND_POISONED, /**< A bond ended without every proof; count is what is missing. */
    UIOMMU_EVENT_LATE_REQUEST,  /**< A request came for a PASID in quarantine. */
    UIOMMU_EVENT_PRI_OFF,       /**< The device's page request interface was switched off. */
    UIOMMU_EVENT_UNIT_HUNG,     /**< The unit does not complete commands. */
};

/** One event. */
struct uiommu_event {
    enum uiommu_event_kind kind;  /**< What. */
    uint32_t id;                  /**< Device ID, or UINT32_MAX: none. */
    uint32_t pasid;               /**< Or UIOMMU_PASID_NONE. */
    uint32_t access;              /**< UIOMMU_READ and so on, 0: unknown. */
    uint64_t address;             /**< Of the access, or of the table that could not be read. */
    uint32_t count;               /**< By kind; else 1. */
    uint32_t hw_code;             /**< The hardware's own number of the event. */
    struct uiommu_device *device; /**< NULL: unknown. Valid until the device is detached. */
    void *device_user;            /**< From the device's config. */
    uint64_t now_ns;              /**< When the unit was serviced. */
    uint64_t raw[4];              /**< The hardware's record, as read. */
};

/**
 * Take the oldest event. [any]
 * @retval UIOMMU_E_NOT_FOUND  None waits.
 */
UIOMMU_MUST_CHECK uiommu_err uiommu_unit_next_event(struct uiommu_unit *unit,
                                                    struct uiommu_event *out);

/**
 * Write an event as one line of English, cut to @p bytes with a terminating zero. [any]
 * Lives in an optional file (core/text.c).
 * @return  The length it would have had, without the zero.
 */
size_t uiommu_event_format(const struct uiommu_event *event, char *out, size_t bytes);

#ifdef __cplusplus
}
#endif
#endif
