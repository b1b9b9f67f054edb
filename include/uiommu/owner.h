/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef UIOMMU_OWNER_H
#define UIOMMU_OWNER_H
/**
 * @file
 * Owner: whom PASIDs, credits, bonds and groups in flight are charged to: a guest, a process,
 * the host. It has quotas and counters, and dies as one call.
 */
#include "host.h"

#ifdef __cplusplus
extern "C" {
#endif

/** An owner. Made by uiommu_owner_create(). */
struct uiommu_owner;

/** Quotas; UINT32_MAX is no limit, 0 means UINT32_MAX. */
struct uiommu_owner_config {
    size_t size;        /**< sizeof(struct uiommu_owner_config). */
    void *user;         /**< The embedder's; never read. */
    uint32_t pasids;    /**< PASIDs allocated at once, quarantine not counted. */
    uint32_t credits;   /**< Page request credits granted to its ports. */
    uint32_t bonds;     /**< Bonds at once, draining and poisoned ones included. */
    uint32_t in_flight; /**< Groups with handlers at once; more wait (PROTOCOL R24). */
};

/** What an owner uses and used. */
struct uiommu_owner_counters {
    uint32_t pasids;    /**< Now. */
    uint32_t credits;   /**< Now. */
    uint32_t bonds;     /**< Now. */
    uint32_t in_flight; /**< Now. */
    uintptr_t refused;  /**< Calls refused for quota. */
    uintptr_t groups;   /**< Groups given to handlers. */
    uintptr_t invalid;  /**< Groups answered INVALID. */
    uintptr_t expired;  /**< Groups nobody answered in time. */
};

/**
 * Make an owner. [task]
 * @retval UIOMMU_E_INVALID  NULL or a wrong size.  @retval UIOMMU_E_NOMEM  No memory.
 */
UIOMMU_MUST_CHECK uiommu_err uiommu_owner_create(struct uiommu *u,
                                                 const struct uiommu_owner_config *config,
                                                 struct uiommu_owner **out);
/**
 * Give up an owner. [task]
 * @retval UIOMMU_E_BUSY  It still owns a PASID, port, address space or bond.
 */
UIOMMU_MUST_CHECK uiommu_err uiommu_owner_destroy(struct uiommu_owner *owner);
/**
 * The owner dies: every address space of his dies as by uiommu_aspace_exit(), and he gets
 * nothing new. [any]; never sleeps; idempotent.
 * @retval UIOMMU_E_WITHHELD  Hardware may still reach a table; ask uiommu_owner_reap().
 */
UIOMMU_MUST_CHECK uiommu_err uiommu_owner_exit(struct uiommu_owner *owner);
/**
 * Drain what a dead owner left: uiommu_aspace_reap() for each of his address spaces. [task]
 * @retval UIOMMU_PENDING  Not yet done; service the units and call again.
 * @retval UIOMMU_E_WITHHELD  Some hardware cannot prove that it is done.
 * @retval UIOMMU_E_STATE  The owner is alive.
 */
UIOMMU_MUST_CHECK uiommu_err uiommu_owner_reap(struct uiommu_owner *owner);
/** Read the counters. [any] @retval UIOMMU_E_HANDLE  Not an owner. */
UIOMMU_MUST_CHECK uiommu_err uiommu_owner_get_counters(const struct uiommu_owner *owner,
                                                       struct uiommu_owner_counters *out);

#ifdef __cplusplus
}
#endif
#endif
