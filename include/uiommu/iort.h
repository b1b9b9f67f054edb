/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef UIOMMU_IORT_H
#define UIOMMU_IORT_H
/**
 * @file
 * Reader of the ACPI table IORT: Arm SMMUv3 units, root complexes, ID mappings, reserved memory
 * (Arm DEN 0049, to issue E.f). All functions: any context.
 */
#include "firmware.h"
#include "reserved.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Interrupt translation service: no unit, the end of the way of messages. */
#define UIOMMU_IORT_ITS 0u
/** A device with a name in the ACPI namespace. */
#define UIOMMU_IORT_NAMED 1u
/** A PCI root complex. */
#define UIOMMU_IORT_ROOT 2u
/** SMMUv1 or v2: not driven by this library. */
#define UIOMMU_IORT_SMMU 3u
/** A unit: SMMUv3. */
#define UIOMMU_IORT_SMMUV3 4u
/** Performance counters. */
#define UIOMMU_IORT_PMCG 5u
/** Reserved memory ranges. */
#define UIOMMU_IORT_RMR 6u

/** An opened table; filled by uiommu_iort_open(). */
struct uiommu_iort {
    struct uiommu_fw_table table; /**< Its bytes. */
    uint32_t revision;            /**< Of the table. */
    uint32_t nodes;               /**< As it says... */
    uint32_t found; /**< ...and how many there are, a last one that is CUT included. */
    uint32_t begin; /**< Offset of the first. */
    uint32_t end;   /**< Offset after the last. */
};

/** A node. */
struct uiommu_iort_node {
    struct uiommu_fw_place place; /**< Verdict first. */
    uint32_t type;                /**< UIOMMU_IORT_*; others, and those without use here, are
                                       SKIPPED. */
    uint32_t revision;            /**< Of this type of node. */
    uint32_t mappings;            /**< Offset of its ID mappings. */
    uint32_t mapping_count;       /**< How many are inside the node. */
    /* SMMUv3. */
    uint64_t first;         /**< Register base. */
    uint64_t last;          /**< Last byte of the two register pages, inclusive. */
    bool coherent;          /**< Snoops, whatever IDR0.COHACC says. false: as that says. */
    uint32_t httu;          /**< Override of IDR0.HTTU; 0: none. */
    uint32_t model;         /**< 0 generic, 1 HiSilicon Hi161x, 2 Cavium CN99xx. */
    uint32_t event;         /**< Interrupt (GSIV) of the event queue; 0: none, or a message. */
    uint32_t pri;           /**< Of the PRI queue. */
    uint32_t gerror;        /**< Of global errors. */
    uint32_t sync;          /**< Of CMD_SYNC. */
    bool has_proximity;     /**< The next one means something. */
    uint32_t proximity;     /**< Proximity domain. */
    bool has_message_index; /**< The next one means something. */
    uint32_t message_index; /**< The mapping that gives the device ID of its own messages. */
    /* Root complex. */
    uint32_t segment;    /**< PCI segment group. */
    uint32_t told;       /**< UIOMMU_FW_*: what its revision can say. */
    uint32_t permitted;  /**< UIOMMU_FW_* of these. */
    uint32_t pasid_bits; /**< 0: not told. Also of a named device. */
    /* Reserved memory. */
    uint32_t flags;       /**< Bit 0: may be remapped; 1: privileged; 9:2: attributes. */
    uint32_t ranges;      /**< Offset of its ranges. */
    uint32_t range_count; /**< How many are inside the node. */
    /* A named device. */
    uint32_t name; /**< Offset of the name, which ends in 0 inside the node; 0: none. */
    bool stalls;   /**< Its faults may stall. */
};

/** A mapping of input IDs to IDs of another node. */
struct uiommu_iort_mapping {
    struct uiommu_fw_place place; /**< Verdict first. TWICE: it shares IDs with an earlier one of
                                       the node, which has these; the others are its own. */
    uint32_t first;               /**< First input ID. */
    uint32_t last;                /**< Last input ID, inclusive. */
    uint32_t output;              /**< What the first one becomes. */
    uint32_t target;              /**< Offset of the node. */
    bool single;                  /**< Whatever the input, output is the ID. */
};

/** Reserved memory. */
struct uiommu_iort_range {
    struct uiommu_fw_place place; /**< Verdict first. */
    uint64_t first;               /**< First byte. */
    uint64_t last;                /**< Last byte, inclusive. */
};

/**
 * Check header, length and checksum. Parameters and errors: as uiommu_dmar_open().
 * @retval UIOMMU_E_RANGE  Also: the first node is not inside the table.
 */
UIOMMU_MUST_CHECK uiommu_err uiommu_iort_open(struct uiommu_iort *out, const void *bytes,
                                              size_t size);
/**
 * The next node. Told beyond its own fields: TWICE, a unit whose registers overlap those of an
 * earlier one that is good by itself.
 * @param cursor  0 to begin.
 * @return false: there are no more.
 */
bool uiommu_iort_next(const struct uiommu_iort *iort, uint32_t *cursor,
                      struct uiommu_iort_node *out);
/**
 * The next ID mapping of a node.
 * @param node    From uiommu_iort_next() on this table.
 * @param cursor  0 to begin.
 * @return false: there are no more.
 */
bool uiommu_iort_next_mapping(const struct uiommu_iort *iort, const struct uiommu_iort_node *node,
                              uint32_t *cursor, struct uiommu_iort_mapping *out);
/**
 * The next range of reserved memory of a node (UIOMMU_IORT_RMR).
 * Told beyond its own fields: OVERLAPS, memory over registers of a unit.
 * @param cursor  0 to begin.
 * @return false: there are no more, or it is no such node.
 */
bool uiommu_iort_next_range(const struct uiommu_iort *iort, const struct uiommu_iort_node *node,
                            uint32_t *cursor, struct uiommu_iort_range *out);
/**
 * Is a node of reserved memory (UIOMMU_IORT_RMR) for a stream of a unit?
 * @param unit    Offset of the unit's node.
 * @param stream  Stream ID.
 */
bool uiommu_iort_covers(const struct uiommu_iort *iort, const struct uiommu_iort_node *node,
                        uint32_t unit, uint32_t stream);
/**
 * Reserved memory as struct uiommu_unit_config takes it; the host gives the word, after it has
 * asked uiommu_iort_covers() whether the region is for a device of its.
 * @return false: it is no such range, or a bad one: its devices are blocked there.
 */
bool uiommu_iort_reserved(const struct uiommu_iort_range *range, struct uiommu_reserved *out);
/**
 * Which unit serves a function, as which stream, and what may it do there?
 * @retval UIOMMU_E_NOT_FOUND  No good mapping leads to a good unit: its DMA is not translated.
 * @retval UIOMMU_E_UNSUPPORTED  It is behind an SMMUv1 or v2.
 * @retval UIOMMU_E_INVALID  NULL.
 */
UIOMMU_MUST_CHECK uiommu_err uiommu_iort_find(const struct uiommu_iort *iort,
                                              const struct uiommu_fw_function *fn,
                                              struct uiommu_fw_match *out);
/**
 * As uiommu_iort_find() for a device with a name in the ACPI namespace.
 * @param node   Its node (UIOMMU_IORT_NAMED).
 * @param input  Its ID; devices with single mappings have none: 0.
 */
UIOMMU_MUST_CHECK uiommu_err uiommu_iort_find_named(const struct uiommu_iort *iort,
                                                    const struct uiommu_iort_node *node,
                                                    uint32_t input, struct uiommu_fw_match *out);

#ifdef __cplusplus
}
#endif
#endif
