/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef UIOMMU_PASID_H
#define UIOMMU_PASID_H
/**
 * @file
 * PASID space: the allocator of PASIDs, shared by all units that must agree on numbers.
 *
 * A PASID is a reference-counted object; the integer is only its name. References are held by
 * whoever allocated it, by each bond on any device until that bond is proved gone, and by caches
 * outside the library (uiommu_pasid_hold()). With the last reference the number rests, and
 * comes back oldest first.
 */
#include "owner.h"

#ifdef __cplusplus
extern "C" {
#endif

/** "No PASID": the device's own address space. */
#define UIOMMU_PASID_NONE UINT32_MAX
/** PASIDs are 20 bits wide (PCIe Base, PASID TLP prefix). */
#define UIOMMU_PASID_BITS 20u

/** A PASID space. */
struct uiommu_pasid_space;

/** Its limits. */
struct uiommu_pasid_space_config {
    size_t size;             /**< sizeof(struct uiommu_pasid_space_config). */
    uint32_t first;          /**< Lowest number given out; at least 1 where PASID 0 is special. */
    uint32_t last;           /**< Highest, inclusive; at most 2^20 - 1. */
    uint32_t reuse_distance; /**< So many freed numbers wait before the oldest is reused while
                                  fresh ones are left. 0: 64. */
};

/** What a PASID is at the moment. */
enum uiommu_pasid_state {
    UIOMMU_PASID_FREE,      /**< Not allocated. */
    UIOMMU_PASID_ALLOCATED, /**< Allocated; perhaps bound. */
    UIOMMU_PASID_DYING,     /**< The allocator's reference is gone, others are left. */
    UIOMMU_PASID_WITHHELD,  /**< As dying; a poisoned bond keeps it. */
};

/** Answer of uiommu_pasid_get_info(). */
struct uiommu_pasid_info {
    enum uiommu_pasid_state state; /**< Now. */
    uint32_t refs;                 /**< References of all kinds. */
    uint32_t bonds;                /**< Of them bonds. */
    struct uiommu_owner *owner;    /**< Whom it is charged to; NULL: nobody. */
};

/**
 * Make a PASID space. [task]
 * @retval UIOMMU_E_INVALID  NULL or a wrong size.  @retval UIOMMU_E_RANGE  first > last or > 20
 * bits.
 * @retval UIOMMU_E_NOMEM  No memory.
 */
UIOMMU_MUST_CHECK uiommu_err
uiommu_pasid_space_create(struct uiommu *u, const struct uiommu_pasid_space_config *config,
                          struct uiommu_pasid_space **out);
/** Give up a PASID space. [task] @retval UIOMMU_E_BUSY  A number is allocated or a unit uses it. */
UIOMMU_MUST_CHECK uiommu_err uiommu_pasid_space_destroy(struct uiommu_pasid_space *space);

/**
 * Allocate a PASID and take one reference. [task]; O(1).
 * @param owner  Whom to charge; NULL: nobody.
 * @param width  The number fits in so many bits: the narrowest device that will use it. 0: 20.
 * @retval UIOMMU_E_NOSPACE  None of that width is free.  @retval UIOMMU_E_QUOTA  The owner's quota.
 * @retval UIOMMU_E_DEAD  The owner has died.  @retval UIOMMU_E_NOMEM  No memory for new numbers.
 */
UIOMMU_MUST_CHECK uiommu_err uiommu_pasid_alloc(struct uiommu_pasid_space *space,
                                                struct uiommu_owner *owner, uint32_t width,
                                                uint32_t *out);
/**
 * Take another reference, for a cache of the number outside the library (a CPU register, a
 * virtual machine's table): the number is not reused before uiommu_pasid_put(). [any]
 * @retval UIOMMU_E_NOT_FOUND  The number is free.  @retval UIOMMU_E_STATE  It is dying.
 */
UIOMMU_MUST_CHECK uiommu_err uiommu_pasid_hold(struct uiommu_pasid_space *space, uint32_t pasid);
/**
 * Drop a reference got from uiommu_pasid_alloc() or uiommu_pasid_hold(). [any]; O(1). Bonds keep
 * theirs: the number lives on until they are gone.
 * @retval UIOMMU_E_NOT_FOUND  The number is free, or only bonds hold it.
 */
UIOMMU_MUST_CHECK uiommu_err uiommu_pasid_put(struct uiommu_pasid_space *space, uint32_t pasid);
/** What a number is now. [any] @retval UIOMMU_E_RANGE  Not a number of this space. */
UIOMMU_MUST_CHECK uiommu_err uiommu_pasid_get_info(struct uiommu_pasid_space *space, uint32_t pasid,
                                                   struct uiommu_pasid_info *out);

#ifdef __cplusplus
}
#endif
#endif
