/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef UIOMMU_SMMUV3_H
#define UIOMMU_SMMUV3_H
/**
 * @file
 * Constructor of units that are Arm SMMUv3 (IHI 0070), Non-secure programming interface.
 */
#include "unit.h"

#ifdef __cplusplus
extern "C" {
#endif

/** What firmware says about coherency, against IDR0.COHACC. */
enum uiommu_smmuv3_coherency {
    UIOMMU_SMMUV3_COHERENT_BY_ID, /**< As IDR0.COHACC says. */
    UIOMMU_SMMUV3_COHERENT,       /**< Snoops (DT dma-coherent, IORT flag). */
    UIOMMU_SMMUV3_NOT_COHERENT,   /**< Does not. */
};

/** One interrupt source as a message. */
struct uiommu_smmuv3_msi {
    uint64_t address; /**< Doorbell; 0: this source is wired (or polled). */
    uint32_t data;    /**< Payload. */
    uint32_t memory;  /**< MemAttr [3:0] and SH [5:4] for *_IRQ_CFG2; 0x1: Device-nGnRE. */
};

/** Some implementations put page-1 registers on page 0 (Cavium CN99xx, erratum 74). */
#define UIOMMU_SMMUV3_QUIRK_PAGE0 0x1u
/** Do not use wake-up events (MMU-600 r0p0 to r0p2, erratum 1076982). */
#define UIOMMU_SMMUV3_QUIRK_NO_SEV 0x2u
/** Never send PREFETCH (HiSilicon Hi161x); the backend sends none anyway. */
#define UIOMMU_SMMUV3_QUIRK_NO_PREFETCH 0x4u

/** How to make one. Queue sizes are log2 of entries, 0: the default, cut to the hardware's. */
struct uiommu_smmuv3_config {
    size_t size;                            /**< sizeof(struct uiommu_smmuv3_config). */
    struct uiommu_unit_config unit;         /**< Common part. */
    uint64_t base;                          /**< Registers: address given to the MMIO ops. */
    enum uiommu_smmuv3_coherency coherency; /**< Firmware's word. */
    uint32_t quirks;                        /**< UIOMMU_SMMUV3_QUIRK_*; more are found by IIDR. */
    uint32_t cmdq_log2;                     /**< Command queue. 8. At least 4. */
    uint32_t eventq_log2;                   /**< Event queue. 7. */
    uint32_t priq_log2;                     /**< PRI queue. 9. */
    uint32_t linear_bits;                   /**< A linear stream table up to so many ID bits,
                                                 else two-level. 6. */
    struct uiommu_smmuv3_msi gerror;        /**< Interrupt source. */
    struct uiommu_smmuv3_msi eventq;        /**< Interrupt source. */
    struct uiommu_smmuv3_msi priq;          /**< Interrupt source. */
    bool poll;                              /**< Leave all interrupts off: the host polls. */
    bool asid_shared; /**< ASET=0: CPU broadcasts reach it (needs IDR0.BTM). */
};

/**
 * Make a unit that is an SMMUv3: reads its ID registers, changes nothing. [task]
 * @param u       The instance.
 * @param config  Copied.
 * @param out     The unit; uiommu_unit_start() comes next.
 * @retval UIOMMU_E_INVALID  NULL, a wrong size or a nonsense value.
 * @retval UIOMMU_E_UNSUPPORTED  Neither stage for AArch64 tables, big-endian tables only, preset
 *         tables or queues.
 * @retval UIOMMU_E_HW  The ID registers contradict each other.  @retval UIOMMU_E_NOMEM  No memory.
 */
UIOMMU_MUST_CHECK uiommu_err uiommu_smmuv3_create(struct uiommu *u,
                                                  const struct uiommu_smmuv3_config *config,
                                                  struct uiommu_unit **out);

#ifdef __cplusplus
}
#endif
#endif
