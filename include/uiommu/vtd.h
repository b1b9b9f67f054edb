/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef UIOMMU_VTD_H
#define UIOMMU_VTD_H
/**
 * @file
 * Constructor of units that are Intel VT-d remapping hardware, in scalable mode.
 *
 * Roots are first-stage tables (x86-64); without PASID also second-stage ones, and a first stage
 * nested above one. Supervisor requests stay off, and entries never grant execution: page requests
 * for UIOMMU_PRIV or UIOMMU_EXEC are INVALID, and reach no handler.
 */
#include "unit.h"

#ifdef __cplusplus
extern "C" {
#endif

/** One interrupt source as a message. */
struct uiommu_vtd_msi {
    uint64_t address; /**< From 0xFEE00000 to 0xFEEFFFFF, bits 63:32 only with x2APIC; 0: leave
                           the source masked. */
    uint32_t data;    /**< Payload, 16 bits. */
};

/** Flush the write buffer although CAP.RWBF denies the need (old chipsets). */
#define UIOMMU_VTD_QUIRK_WRITE_BUFFER 0x1u
/** A unit of revision 3.0 to 3.3 whose page requests carry private data: it is echoed in the
 * responses. Reserved, and never looked at, without. */
#define UIOMMU_VTD_QUIRK_PRIVATE_DATA 0x2u
/** A unit found translating in legacy mode, which cannot change the mode while it translates
 * (CAP.ESRTPS=0), may be switched off for a moment: DMA passes untranslated meanwhile. Without,
 * uiommu_unit_start() refuses such a unit. */
#define UIOMMU_VTD_QUIRK_TAKEOVER_WINDOW 0x4u
/** Entries of first stages name their width where those of second stages do: QEMU (11.1) bounds
 * addresses by it, so that without only those below 512 MiB work. Units without second stages may
 * take those bits for reserved; without the quirk they are 0. */
#define UIOMMU_VTD_QUIRK_FIRST_WIDTH 0x8u

/** How to make one. Queue sizes are log2 of entries, 7 to 14; 0: the default. */
struct uiommu_vtd_config {
    size_t size;                    /**< sizeof(struct uiommu_vtd_config). */
    struct uiommu_unit_config unit; /**< Common part; id_bits at most 16. */
    uint64_t base;                  /**< Registers: address given to the MMIO ops. */
    uint32_t bytes;                 /**< Mapped at base, at least 4096; what a register set takes
                                         is in its DRHD structure. 0: 4096. */
    uint32_t address_bits;          /**< Host address width, from the DMAR table. 52. */
    uint32_t quirks;                /**< UIOMMU_VTD_QUIRK_* */
    uint32_t queue_log2;            /**< Invalidation queue. 8. */
    uint32_t prq_log2;              /**< Page request queue. 9. */
    struct uiommu_vtd_msi fault;    /**< Interrupt source. */
    struct uiommu_vtd_msi requests; /**< Interrupt source. */
    bool poll;                      /**< Leave all interrupts off: the host polls. */
};

/**
 * Make a unit that is VT-d: reads its capabilities, changes nothing. [task]
 * A unit found translating is taken over by uiommu_unit_start() while it goes on translating,
 * and keeps blocking after uiommu_unit_stop(), until it is destroyed.
 * @param u       The instance.
 * @param config  Copied.
 * @param out     The unit; uiommu_unit_start() comes next.
 * @retval UIOMMU_E_INVALID  NULL, a wrong size or a nonsense value.
 * @retval UIOMMU_E_UNSUPPORTED  No scalable mode or queued invalidation, neither first nor second
 * stage; or a message address above 32 bits without x2APIC.
 * @retval UIOMMU_E_HW  The capabilities contradict each other, or fault records lie beyond
 * `bytes`.  @retval UIOMMU_E_NOMEM  No memory.
 */
UIOMMU_MUST_CHECK uiommu_err uiommu_vtd_create(struct uiommu *u,
                                               const struct uiommu_vtd_config *config,
                                               struct uiommu_unit **out);

#ifdef __cplusplus
}
#endif
#endif
