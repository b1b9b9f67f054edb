/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef UIOMMU_FIRMWARE_H
#define UIOMMU_FIRMWARE_H
/**
 * @file
 * What the readers of firmware tables share (dmar.h, ivrs.h, iort.h, fdt.h): verdicts, requesters,
 * bridges, what serves a function.
 *
 * The readers are pure: bytes in, structs out. They keep nothing, allocate nothing, lock nothing
 * and may be called in any context, at any time, by several callers at once. The table stays the
 * caller's and must stay as it is, and where it is, as long as an opened one is used. No byte of it
 * is trusted: nothing beyond it is read, whatever its lengths say, alignment and the host's byte
 * order do not matter, and each call ends after work that the table's size bounds.
 *
 * All are iterators with the caller's cursor: 0 (or all zero) to begin, false at the end. What is
 * bad comes too, with a verdict; it costs itself only: the functions that look something up pass
 * over it. What to do about it is the host's policy.
 */
#include "err.h"

#include "env.h"

#ifdef __cplusplus
extern "C" {
#endif

/** The longest ACPI table that is looked at. */
#define UIOMMU_FW_TABLE_MAX 0x40000u

/** What is to be thought of an entry. */
enum uiommu_fw_verdict {
    UIOMMU_FW_GOOD,      /**< Nothing is wrong with it. */
    UIOMMU_FW_SKIPPED,   /**< No error: of a kind that is not looked into. */
    UIOMMU_FW_OLDER,     /**< No error: an entry of a higher type describes the same unit. */
    UIOMMU_FW_CUT,       /**< Its length is nonsense, or goes beyond what holds it. Nothing after it
                              can be found. */
    UIOMMU_FW_SHORT,     /**< Too short for its kind. */
    UIOMMU_FW_VALUE,     /**< A field has a value that cannot be. */
    UIOMMU_FW_ALIGNMENT, /**< An address or a length is no multiple of what it must be. */
    UIOMMU_FW_WRAPS,     /**< A range is empty, ends before it begins, or after the last number. */
    UIOMMU_FW_TWICE,    /**< An earlier entry says something about the same registers or devices. */
    UIOMMU_FW_OVERLAPS, /**< Memory that overlaps the registers of a unit. */
    UIOMMU_FW_REFERENCE, /**< It names something that is not there, is there twice, or is of another
                              kind. */
};

/**
 * Where an entry is and what is wrong with it. Other fields of an entry hold what the table says
 * as far as it could be read, also where the verdict is bad.
 */
struct uiommu_fw_place {
    enum uiommu_fw_verdict verdict; /**< The first thing found. */
    uint32_t offset;                /**< Of the entry, in bytes from the table's first. */
    uint32_t length;                /**< Its bytes, as far as they are inside the table. */
    uint32_t at;    /**< Bad: offset of the field that is wrong, from the table's first byte. */
    uint32_t other; /**< TWICE, OVERLAPS, OLDER: offset of the other entry. Else 0. */
};

/** An ACPI table that was checked; filled by the open functions. */
struct uiommu_fw_table {
    const uint8_t *bytes; /**< The caller's. */
    uint32_t length;      /**< As its header says; there are so many. */
};

/** Device TLBs: ATS. */
#define UIOMMU_FW_ATS 0x1u
/** Page requests: PRI, PPR. */
#define UIOMMU_FW_PRI 0x2u
/** Requests with a PASID. */
#define UIOMMU_FW_PASID 0x4u

/** A PCI function as the host's bus driver knows it. */
struct uiommu_fw_function {
    uint32_t segment; /**< PCI segment group. */
    uint32_t id;      /**< Bus 15:8, device 7:3, function 2:0. */
    bool integrated;  /**< A root complex integrated endpoint: there is no root port above it. */
};

/** How to ask the host which buses are behind a bridge. */
struct uiommu_fw_bridges {
    void *ctx; /**< First argument. */
    /**
     * Called from within a lookup; must not change the table.
     * @param id  Bus, device, function.
     * @param secondary, subordinate  The first and the last bus behind it.
     * @return false: there is no such function, or it is no bridge.
     */
    bool (*find)(void *ctx, uint32_t segment, uint32_t id, uint8_t *secondary,
                 uint8_t *subordinate);
};

/** Which unit serves a function, and what it may do there. */
struct uiommu_fw_match {
    uint32_t unit;      /**< Offset of the unit's entry (device tree: of its node). */
    uint32_t entry;     /**< Offset of the entry that says so. */
    uint32_t id;        /**< Requester or stream ID that the unit sees. */
    uint32_t alias;     /**< Another ID that it may appear under (IVRS): both need the same device
                             table entry, and both need invalidation. Else as id. */
    uint32_t told;      /**< UIOMMU_FW_*: what the table speaks about. */
    uint32_t permitted; /**< UIOMMU_FW_*: what it permits; all that it is silent about is in it, and
                             the unit's and the device's registers have the say. */
    uint32_t pasid_bits; /**< Width of PASIDs on the way to the unit; 0: not told. */
    uint32_t settings;   /**< IVRS: the setting byte for the device table entry. DMAR: the flags of
                              the device's SIDP scope. Else 0. */
    bool ats_required;   /**< The platform wants its device TLB to be used (SATC, SIDP). */
    enum uiommu_fw_verdict verdict; /**< GOOD, or TWICE: another entry claims the function, too; the
                                         first one is taken, and what either denies is denied. */
    uint32_t other;                 /**< TWICE: offset of that entry. */
};

/**
 * The name and meaning of a verdict, in one line of English. Any context. Never NULL; static.
 * @param verdict  enum uiommu_fw_verdict.
 */
const char *uiommu_fw_verdict_str(uint32_t verdict);

/**
 * Find a table by its signature behind an RSDT or XSDT: the next address that the root table lists.
 * Any context. The host maps what is there and looks at the signature.
 * @param bytes, size  What is mapped of the RSDT or XSDT; as for the open functions.
 * @param cursor  0 to begin.
 * @param address  Physical address of the next table.
 * @retval UIOMMU_OK  There is one.  @retval UIOMMU_E_NOT_FOUND  No more.
 * @retval UIOMMU_E_INVALID  NULL, or neither an RSDT nor an XSDT.
 * @retval UIOMMU_E_RANGE  Its length is nonsense, or longer than @p size or UIOMMU_FW_TABLE_MAX.
 * @retval UIOMMU_E_HW  Its checksum is wrong.
 */
UIOMMU_MUST_CHECK uiommu_err uiommu_fw_root_next(const void *bytes, size_t size, uint32_t *cursor,
                                                 uint64_t *address);

#ifdef __cplusplus
}
#endif
#endif
