/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef UIOMMU_DMAR_H
#define UIOMMU_DMAR_H
/**
 * @file
 * Reader of the ACPI table DMAR: Intel VT-d units, their devices, reserved memory, and where ATS is
 * permitted (VT-d specification, chapter 8). All functions: any context.
 */
#include "firmware.h"
#include "reserved.h"

#ifdef __cplusplus
extern "C" {
#endif

/** A unit. */
#define UIOMMU_DMAR_DRHD 0u
/** Memory that must stay identity mapped for its devices. */
#define UIOMMU_DMAR_RMRR 1u
/** Root ports that allow ATS. */
#define UIOMMU_DMAR_ATSR 2u
/** A unit's proximity domain. */
#define UIOMMU_DMAR_RHSA 3u
/** Name of an ACPI device. */
#define UIOMMU_DMAR_ANDD 4u
/** Integrated devices with device TLBs. */
#define UIOMMU_DMAR_SATC 5u
/** Properties of integrated devices. */
#define UIOMMU_DMAR_SIDP 6u

/** DRHD: all functions of the segment that no other unit lists. */
#define UIOMMU_DMAR_ALL 0x1u

/** An opened table; filled by uiommu_dmar_open(). */
struct uiommu_dmar {
    struct uiommu_fw_table table; /**< Its bytes. */
    uint32_t address_bits;        /**< Host address width, for struct uiommu_vtd_config. */
    uint32_t flags; /**< Bit 0: interrupt remapping; 1: x2APIC opt-out; 2: DMA-control opt-in. */
};

/** A remapping structure. */
struct uiommu_dmar_entry {
    struct uiommu_fw_place place; /**< Verdict first. */
    uint32_t type;                /**< UIOMMU_DMAR_*; others are SKIPPED. */
    uint32_t segment;             /**< DRHD, RMRR, ATSR, SATC, SIDP. */
    uint32_t flags;  /**< DRHD: UIOMMU_DMAR_ALL; ATSR: bit 0: all ports; SATC: bit 0: required. */
    uint64_t first;  /**< DRHD, RHSA: register base; RMRR: first byte. */
    uint64_t last;   /**< Last byte of either, inclusive. RHSA: as first. */
    uint32_t scopes; /**< Offset of its device scopes; 0: it has none. */
    uint32_t proximity; /**< RHSA. */
    uint32_t number;    /**< ANDD: the number that scopes of type 5 name. */
    uint32_t name;      /**< ANDD: offset of the name, which ends in 0 inside the entry. */
};

/** A device scope. */
struct uiommu_dmar_scope {
    struct uiommu_fw_place place; /**< Verdict first. */
    uint32_t type;        /**< 1 endpoint, 2 bridge with all behind, 3 IOAPIC, 4 HPET, 5 ACPI. */
    uint32_t flags;       /**< SIDP: of the device. */
    uint32_t enumeration; /**< IOAPIC's, HPET's or ANDD's number. */
    uint32_t bus;         /**< Where the path begins. */
    uint32_t path;        /**< Offset of the first (device, function) pair. */
    uint32_t steps;       /**< Pairs; at least 1. */
};

/**
 * Check header, length and checksum.
 * @param bytes, size  Where the table is and how much is mapped there. Stays the caller's.
 * @retval UIOMMU_E_INVALID  NULL.  @retval UIOMMU_E_NOT_FOUND  Another signature.
 * @retval UIOMMU_E_RANGE  The length is shorter than a header, longer than @p size or longer than
 *         UIOMMU_FW_TABLE_MAX.  @retval UIOMMU_E_HW  The checksum is wrong.
 */
UIOMMU_MUST_CHECK uiommu_err uiommu_dmar_open(struct uiommu_dmar *out, const void *bytes,
                                              size_t size);
/**
 * The next structure.
 * Told beyond its own fields: TWICE, a unit whose registers overlap those of an earlier one, or a
 * second UIOMMU_DMAR_ALL of a segment; OVERLAPS, reserved memory over registers. The earlier entry
 * counts where it is good by itself.
 * @param cursor  0 to begin.
 * @return false: there are no more.
 */
bool uiommu_dmar_next(const struct uiommu_dmar *dmar, uint32_t *cursor,
                      struct uiommu_dmar_entry *out);
/**
 * The next device scope of a structure.
 * @param entry   From uiommu_dmar_next() on this table.
 * @param cursor  0 to begin.
 * @return false: there are no more.
 */
bool uiommu_dmar_next_scope(const struct uiommu_dmar *dmar, const struct uiommu_dmar_entry *entry,
                            uint32_t *cursor, struct uiommu_dmar_scope *out);
/**
 * Follow a scope's path to a function.
 * @param bridges  May be NULL: paths of one step need no bridge.
 * @param id       Bus, device, function.
 * @return false: the scope is bad, or a bridge on the way is not there.
 */
bool uiommu_dmar_scope_id(const struct uiommu_dmar *dmar, const struct uiommu_dmar_scope *scope,
                          uint32_t segment, const struct uiommu_fw_bridges *bridges, uint32_t *id);
/**
 * Do a structure's scopes hold a function: itself, or as one behind a bridge? For reserved memory
 * (RMRR): must the region stay mapped for it? UIOMMU_DMAR_ALL is not looked at.
 * @param bridges  May be NULL; then nothing is behind a bridge.
 */
bool uiommu_dmar_covers(const struct uiommu_dmar *dmar, const struct uiommu_dmar_entry *entry,
                        const struct uiommu_fw_function *fn,
                        const struct uiommu_fw_bridges *bridges);
/**
 * Reserved memory as struct uiommu_unit_config takes it; the host gives the word, after it has
 * asked uiommu_dmar_covers() whether the region is for a device of its.
 * @return false: it is no such structure, or one that cannot be served: its verdict is neither GOOD
 * nor ALIGNMENT.
 */
bool uiommu_dmar_reserved(const struct uiommu_dmar_entry *entry, struct uiommu_reserved *out);
/**
 * Which unit serves a function, and is ATS permitted for it? PRI and PASID are not told: the unit's
 * registers are to be asked.
 * @param bridges  May be NULL; then nothing is behind a bridge.
 * @retval UIOMMU_E_NOT_FOUND  No good unit has it: its DMA is not translated by any.
 * @retval UIOMMU_E_INVALID  NULL.
 */
UIOMMU_MUST_CHECK uiommu_err uiommu_dmar_find(const struct uiommu_dmar *dmar,
                                              const struct uiommu_fw_function *fn,
                                              const struct uiommu_fw_bridges *bridges,
                                              struct uiommu_fw_match *out);

#ifdef __cplusplus
}
#endif
#endif
