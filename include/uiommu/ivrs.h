/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef UIOMMU_IVRS_H
#define UIOMMU_IVRS_H
/**
 * @file
 * Reader of the ACPI table IVRS: AMD IOMMUs, their devices with aliases, reserved memory
 * (publication 48882, chapter 5). All functions: any context.
 */
#include "firmware.h"
#include "reserved.h"

#ifdef __cplusplus
extern "C" {
#endif

/** IVMD flags: identity mapped. */
#define UIOMMU_IVRS_UNITY 0x1u
/** IVMD flags: the device reads there. */
#define UIOMMU_IVRS_READ 0x2u
/** IVMD flags: the device writes there. */
#define UIOMMU_IVRS_WRITE 0x4u
/** IVMD flags: not translated at all. */
#define UIOMMU_IVRS_EXCLUSION 0x8u

/** An opened table; filled by uiommu_ivrs_open(). */
struct uiommu_ivrs {
    struct uiommu_fw_table table; /**< Its bytes. */
    uint32_t info;                /**< IVinfo as it is. */
    uint32_t physical_bits;       /**< PASize, for struct uiommu_amd_config. */
    uint32_t virtual_bits;        /**< VASize. */
};

/** A block: a unit (IVHD) or reserved memory (IVMD). */
struct uiommu_ivrs_block {
    struct uiommu_fw_place place; /**< Verdict first. */
    uint32_t type;    /**< 0x10, 0x11, 0x40: a unit; 0x20 to 0x22: memory; others are SKIPPED. */
    uint32_t flags;   /**< IVHD: HtTun 0, PassPW 1, ResPassPW 2, Isoc 3, IotlbSup 4, Coherent 5,
                           PreFSup 6, PPRSup 7 (both only in type 0x10). IVMD: UIOMMU_IVRS_*. */
    uint32_t segment; /**< PCI segment group. */
    uint64_t first;   /**< Unit: register base; memory: first byte. */
    uint64_t last;    /**< Last byte of either, inclusive. */
    /* A unit. */
    uint32_t id;         /**< The PCI function that it is; its messages are configured there. */
    uint32_t capability; /**< Offset of the capability in its configuration space. */
    uint32_t msi_number; /**< Which of its messages is the event's. */
    uint32_t unit_id;    /**< HyperTransport unit. */
    uint32_t attributes; /**< As the type has them. */
    uint64_t efr;        /**< Image of the extended features; 0: not told. */
    uint64_t efr2;       /**< Image of the second feature register. */
    uint32_t devices;    /**< Offset of its device entries; 0: none. */
    /* Memory. */
    uint32_t first_id; /**< For devices from here... */
    uint32_t last_id;  /**< ...to here, inclusive. */
};

/** What a device entry speaks about. */
enum uiommu_ivrs_kind {
    UIOMMU_IVRS_ALL,     /**< All functions that no other entry names. */
    UIOMMU_IVRS_DEVICES, /**< From first to last. */
    UIOMMU_IVRS_SPECIAL, /**< An IOAPIC or HPET; first is the ID that its messages have. */
    UIOMMU_IVRS_NAMED,   /**< An ACPI device; first is its ID. */
    UIOMMU_IVRS_OTHER,   /**< Not known. */
};

/** A device entry; a range is one. */
struct uiommu_ivrs_device {
    struct uiommu_fw_place place; /**< Verdict first; a range has both its halves. */
    enum uiommu_ivrs_kind kind;   /**< What it is about. */
    uint32_t type;                /**< As in the table. */
    uint32_t first;               /**< First ID. */
    uint32_t last;                /**< Last ID, inclusive. */
    uint32_t setting;             /**< For the device table entry. */
    bool aliased;                 /**< There is an alias. */
    uint32_t alias;               /**< The other ID of each. */
    uint32_t extended;            /**< Extended setting; 0: none. */
    uint32_t handle;              /**< SPECIAL: IOAPIC's or HPET's number. */
    uint32_t variety;             /**< SPECIAL: 1 IOAPIC, 2 HPET. */
};

/** Check header, length and checksum. Parameters and errors: as uiommu_dmar_open(). */
UIOMMU_MUST_CHECK uiommu_err uiommu_ivrs_open(struct uiommu_ivrs *out, const void *bytes,
                                              size_t size);
/**
 * The next block. Where a unit has several, that of the highest type known is GOOD, the others are
 * OLDER.
 * Told beyond its own fields: TWICE, a second block of the same type for a unit, or registers that
 * overlap another unit's; OVERLAPS, memory over registers. The earlier block counts where it is
 * good by itself.
 * @param cursor  0 to begin.
 * @return false: there are no more.
 */
bool uiommu_ivrs_next(const struct uiommu_ivrs *ivrs, uint32_t *cursor,
                      struct uiommu_ivrs_block *out);
/**
 * The next device entry of a unit's block; padding is left out.
 * @param block   From uiommu_ivrs_next() on this table.
 * @param cursor  0 to begin.
 * @return false: there are no more, or it is no unit.
 */
bool uiommu_ivrs_next_device(const struct uiommu_ivrs *ivrs, const struct uiommu_ivrs_block *block,
                             uint32_t *cursor, struct uiommu_ivrs_device *out);
/** Is reserved memory (IVMD) for a function? */
bool uiommu_ivrs_covers(const struct uiommu_ivrs_block *block, const struct uiommu_fw_function *fn);
/**
 * Reserved memory as struct uiommu_unit_config takes it; the host gives the word, after it has
 * asked uiommu_ivrs_covers() whether the region is for a device of its.
 * @return false: it is no such block, or a bad one: its devices are blocked there.
 */
bool uiommu_ivrs_reserved(const struct uiommu_ivrs_block *block, struct uiommu_reserved *out);
/**
 * Which unit serves a function, under which IDs, and what may it do there? An entry for all counts
 * where no other names the function.
 * @retval UIOMMU_E_NOT_FOUND  No good unit has it: its DMA is not translated by any.
 * @retval UIOMMU_E_INVALID  NULL.
 */
UIOMMU_MUST_CHECK uiommu_err uiommu_ivrs_find(const struct uiommu_ivrs *ivrs,
                                              const struct uiommu_fw_function *fn,
                                              struct uiommu_fw_match *out);

#ifdef __cplusplus
}
#endif
#endif
