/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef UIOMMU_GROUP_H
#define UIOMMU_GROUP_H
/**
 * @file
 * Page request group: all page requests with one (device ID, PASID, index) up to the Last one;
 * or one stalled transaction. It is answered once, as a whole.
 */
#include "host.h"

#ifdef __cplusplus
extern "C" {
#endif

struct uiommu_unit;
struct uiommu_device;

/** Names a bond; carries a generation, so that it never names a later one. All zero: none. */
struct uiommu_bond_ref {
    uint32_t index;      /**< Slot. */
    uint32_t generation; /**< Which use of the slot; never 0. */
};
/** Names a group; carries a generation, so that a second answer does nothing. All zero: none. */
struct uiommu_group_ref {
    uint32_t index;      /**< Slot. */
    uint32_t generation; /**< Which use of the slot; never 0. */
};

/** An answer; one of UIOMMU_CODE_*. */
typedef int uiommu_code;
/** The pages are there: the device tries again. */
#define UIOMMU_CODE_SUCCESS 0
/** Some page does not exist or must not be accessed so. */
#define UIOMMU_CODE_INVALID 1
/** Page requests are switched off for the function, its PF and all VFs. Never for one page. */
#define UIOMMU_CODE_FAILURE 2
/** From a handler only: the answer comes later by uiommu_group_respond(). */
#define UIOMMU_CODE_PENDING 3
/** In records only: not answered. */
#define UIOMMU_CODE_NONE 4

/** Access the device wants: read. */
#define UIOMMU_READ 0x1u
/** Access the device wants: write. */
#define UIOMMU_WRITE 0x2u
/** Access the device wants: fetch instructions. */
#define UIOMMU_EXEC 0x4u
/** Privileged mode was requested (with PASID only). */
#define UIOMMU_PRIV 0x8u

/** One page asked for. */
struct uiommu_page {
    uint64_t address; /**< Page address (4 KiB aligned); for a stall the exact address. */
    uint32_t access;  /**< UIOMMU_READ | UIOMMU_WRITE | UIOMMU_EXEC | UIOMMU_PRIV. */
    uint32_t next;    /**< The library's. */
};

/**
 * What a fault handler is shown. Valid only during the call; ref may be kept.
 */
struct uiommu_group {
    struct uiommu_group_ref ref;  /**< For uiommu_group_respond(). */
    struct uiommu_bond_ref bond;  /**< Whose it is. */
    struct uiommu_unit *unit;     /**< For uiommu_group_respond(). */
    struct uiommu_device *device; /**< Who asks. */
    void *bond_user;              /**< From the bond's config. */
    uint32_t id;                  /**< The device ID it came from. */
    uint32_t pasid;               /**< Or UIOMMU_PASID_NONE. */
    uint32_t pages;               /**< How many; at least 1. */
    bool stall;                   /**< A stalled transaction, not a page request. */
    struct uiommu_page first;     /**< The first page. */
    const void *more;             /**< The library's. */
};

/**
 * Walk the pages of a group, inside its handler call. [service]
 * @param last  NULL to begin, else what the previous call returned.
 * @return  The next page, or NULL after the last.
 */
const struct uiommu_page *uiommu_group_next_page(const struct uiommu_group *group,
                                                 const struct uiommu_page *last);

/**
 * Answer a group that a handler left PENDING (also before that handler has returned). [any],
 * any thread. The answer is in the unit's command ring on return, or waits for room in it.
 * @param unit  From struct uiommu_group.
 * @param code  UIOMMU_CODE_SUCCESS or UIOMMU_CODE_INVALID. FAILURE is
 *              uiommu_port_switch_off()'s alone.
 * @retval UIOMMU_E_STALE  Answered before, orphaned, or its device was reset: nothing was sent.
 * @retval UIOMMU_E_DEAD  The address space has died: INVALID was sent instead of the SUCCESS.
 * @retval UIOMMU_E_HANDLE  No such slot.  @retval UIOMMU_E_INVALID  Another code.
 */
UIOMMU_MUST_CHECK uiommu_err uiommu_group_respond(struct uiommu_unit *unit,
                                                  struct uiommu_group_ref ref, uiommu_code code);

#ifdef __cplusplus
}
#endif
#endif
