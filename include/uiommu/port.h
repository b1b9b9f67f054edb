/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef UIOMMU_PORT_H
#define UIOMMU_PORT_H
/**
 * @file
 * PRI port: the page request interface that a PF and its VFs share: credits, group slots, enable
 * state, FAILURE and reset.
 *
 * The sum of all grants behind one queue never exceeds its entries - 1 - the marker reserve, so
 * an overflow means that a device exceeds its grant (PROTOCOL R30, PROTOCOL I9).
 */
#include "group.h"
#include "owner.h"

#ifdef __cplusplus
extern "C" {
#endif

/** A PRI port. */
struct uiommu_port;

/** How to make one. */
struct uiommu_port_config {
    size_t size;                /**< sizeof(struct uiommu_port_config). */
    struct uiommu_owner *owner; /**< Charged for the credits; NULL: nobody. */
    uint32_t want;              /**< Requests the PF can have outstanding (PRI capacity). */
    uint32_t least;             /**< Fewer make no sense: refuse then. 0: 1. */
};

/** State of a port. */
struct uiommu_port_info {
    uint32_t credits;     /**< Granted. */
    uint32_t outstanding; /**< Requests in slots now. */
    uint32_t groups;      /**< Group slots in use now. */
    uint32_t generation;  /**< Bumped when hardware switched it off. */
    bool on;              /**< Page requests enabled at the endpoint. */
    bool failed;          /**< FAILURE was sent; off until its devices were reset. */
};

/**
 * Make a port and grant it credits: as many as wanted, fewer if fewer are left. [task]
 * @param unit  Started or not; not without a page request queue.
 * @retval UIOMMU_E_NOSPACE  Fewer than @ref uiommu_port_config.least are left.
 * @retval UIOMMU_E_QUOTA  The owner's quota.  @retval UIOMMU_E_UNSUPPORTED  No page request queue.
 * @retval UIOMMU_E_NOMEM  No memory.
 */
UIOMMU_MUST_CHECK uiommu_err uiommu_port_create(struct uiommu_unit *unit,
                                                const struct uiommu_port_config *config,
                                                struct uiommu_port **out);
/** Give up a port and its credits. [task] @retval UIOMMU_E_BUSY  A device still uses it, or one
 * whose attach failed on a unit that does not follow: restart that. */
UIOMMU_MUST_CHECK uiommu_err uiommu_port_destroy(struct uiommu_port *port);
/**
 * The decision to switch page requests off for the PF and all its VFs: every Last from now on is
 * answered FAILURE, until a device of the port was reset. Complete groups keep their answers. [any]
 * @retval UIOMMU_E_HANDLE  Not a port.
 */
UIOMMU_MUST_CHECK uiommu_err uiommu_port_switch_off(struct uiommu_port *port);
/** Read its state. [any] */
UIOMMU_MUST_CHECK uiommu_err uiommu_port_get_info(const struct uiommu_port *port,
                                                  struct uiommu_port_info *out);

#ifdef __cplusplus
}
#endif
#endif
