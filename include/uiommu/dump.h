/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef UIOMMU_DUMP_H
#define UIOMMU_DUMP_H
/**
 * @file
 * A unit as text, for people: registers, queues, and the table walk for one device and PASID.
 * Lives in an optional file (core/dump.c).
 */
#include "unit.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Where the lines go. */
struct uiommu_sink {
    void *ctx;                                 /**< First argument of line(). */
    void (*line)(void *ctx, const char *text); /**< One line, without a newline. */
};

/**
 * Write registers, queue indices, software state, and the tables as hardware would walk them for
 * (@p id, @p pasid). [task]; reads only.
 * @param id     A device ID; UINT32_MAX: no walk.
 * @param pasid  Or UIOMMU_PASID_NONE.
 * @retval UIOMMU_E_HANDLE  Not a unit.  @retval UIOMMU_E_INVALID  No sink.
 * @retval UIOMMU_E_TIMEOUT  Somebody else served the unit all the while.
 */
UIOMMU_MUST_CHECK uiommu_err uiommu_unit_dump(struct uiommu_unit *unit, uint32_t id, uint32_t pasid,
                                              const struct uiommu_sink *sink);

#ifdef __cplusplus
}
#endif
#endif
