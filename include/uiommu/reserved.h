/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef UIOMMU_RESERVED_H
#define UIOMMU_RESERVED_H
/**
 * @file
 * Reserved region: memory that firmware says a device goes on using (RMRR, unity maps). A unit does
 * not start before the host has given its word about each (uiommu/unit.h).
 */
#include "env.h"

#ifdef __cplusplus
extern "C" {
#endif

/** The host has not said anything: the unit does not start. */
#define UIOMMU_RESERVED_NONE 0u
/** The host keeps the region mapped in the address space that its device is bound to. */
#define UIOMMU_RESERVED_CONFIRMED 1u
/** The host knows that the device can do without: its DMA there is blocked from the start on. */
#define UIOMMU_RESERVED_WAIVED 2u

/** One region of one device or of several. Plain data; the firmware readers fill all but word. */
struct uiommu_reserved {
    uint64_t first;  /**< First byte, as the device addresses it. */
    uint64_t last;   /**< Last byte, inclusive. */
    uint32_t access; /**< UIOMMU_READ | UIOMMU_WRITE. */
    uint32_t word;   /**< UIOMMU_RESERVED_*. */
};

#ifdef __cplusplus
}
#endif
#endif
