/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef UIOMMU_AMD_H
#define UIOMMU_AMD_H
/**
 * @file
 * Constructor of units that are AMD IOMMUs (publication 48882).
 */
#include "unit.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Firmware does not say that device TLBs may be used (IotlbSup). */
#define UIOMMU_AMD_NO_ATS 0x1u
/** The unit does not snoop the CPU's caches (Coherent in the IVHD flags is 0). */
#define UIOMMU_AMD_NOT_COHERENT 0x2u
/** Leave all interrupts off: the host polls. */
#define UIOMMU_AMD_POLL 0x4u
/** Drop Stop Markers in hardware (BlkStopMrkEn), where it can. */
#define UIOMMU_AMD_BLOCK_MARKERS 0x8u
/** Guest tables have 5 levels, else 4; one depth for all roots of a unit. */
#define UIOMMU_AMD_FIVE_LEVEL 0x10u
/** The logs are read-only for software (SNP); entries are then never late. */
#define UIOMMU_AMD_LOGS_READ_ONLY 0x20u
/** A unit that is found on and does not let its device table be moved may be switched off for a
 * moment, in which DMA passes untranslated: the host has stopped all of it. */
#define UIOMMU_AMD_FOUND_QUIET 0x40u
/** PASIDs also on a unit that cannot translate what has none (no GIOSup): of a device that is
 * attached and has no host table such traffic then passes untranslated. */
#define UIOMMU_AMD_UNTAGGED_PASSES 0x80u
/** The unit caches what is not present (NpCache in the capability block; virtual units do). Pages
 * that are mapped unasked, not for a page request, the host then invalidates itself. */
#define UIOMMU_AMD_NP_CACHE 0x100u

/**
 * How to make one. Queue sizes are log2 of entries, 8 to 15; 0: the default.
 * Registers must exist up to the extended features (EFRSup in the capability block). Bus
 * mastering, and where messages go, are the host's.
 */
struct uiommu_amd_config {
    size_t size;                    /**< sizeof(struct uiommu_amd_config). */
    struct uiommu_unit_config unit; /**< Common part. */
    uint64_t base;                  /**< Registers: address given to the MMIO ops. */
    uint32_t flags;                 /**< UIOMMU_AMD_* */
    uint32_t ivhd_flags;      /**< Bits 3:0 of the IVHD flags: HtTun, PassPW, ResPassPW, Isoc. */
    uint32_t address_bits;    /**< Width of bus addresses (PASize), 32 to 52. 48. */
    uint32_t cmdq_log2;       /**< Command buffer. 9. */
    uint32_t eventq_log2;     /**< Event log. 9. */
    uint32_t priq_log2;       /**< PPR log. 9. */
    uint64_t invalidation_ns; /**< A device TLB answers within this, or its invalidation fails;
                                   rounded down to 1 ms, 10 ms, 100 ms, 1 s, 10 s or 100 s.
                                   Half of unit.command_ns. */
};

/**
 * Make a unit that is an AMD IOMMU: reads its feature registers, changes nothing. [task]
 * @param u       The instance.
 * @param config  Copied.
 * @param out     The unit; uiommu_unit_start() comes next.
 * @retval UIOMMU_E_INVALID  NULL, a wrong size or a nonsense value.
 * @retval UIOMMU_E_UNSUPPORTED  Neither guest nor host translation; 5 levels asked for and not
 *         there.
 * @retval UIOMMU_E_HW  The feature register is nonsense.  @retval UIOMMU_E_NOMEM  No memory.
 */
UIOMMU_MUST_CHECK uiommu_err uiommu_amd_create(struct uiommu *u,
                                               const struct uiommu_amd_config *config,
                                               struct uiommu_unit **out);

#ifdef __cplusplus
}
#endif
#endif
