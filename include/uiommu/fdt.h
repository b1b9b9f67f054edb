/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef UIOMMU_FDT_H
#define UIOMMU_FDT_H
/**
 * @file
 * Reader of flattened device trees (Devicetree Specification 0.4, chapter 5), and of what they say
 * about Arm SMMUv3 units, PCI host bridges with iommu-map, devices with iommus, reserved memory
 * with iommu-addresses. All functions: any context.
 *
 * A node is named by the offset of its first byte in the tree, never 0.
 */
#include "firmware.h"
#include "reserved.h"

#ifdef __cplusplus
extern "C" {
#endif

/** The longest tree that is looked at; what the arm64 boot protocol allows. */
#define UIOMMU_FDT_MAX 0x200000u
/** So many nodes may be inside each other, the root included. */
#define UIOMMU_FDT_DEPTH 32u
/*
 * Bounds of what one lookup costs, far above what machines have: nobody makes the reader slow by a
 * tree of his. What is beyond is not found.
 */
/** So many entries of one `ranges` are looked at. */
#define UIOMMU_FDT_ENTRIES 64u
/** So many IOMMUs of any kind; units beyond are SKIPPED. */
#define UIOMMU_FDT_UNITS 64u
/** So many interrupts of a unit. */
#define UIOMMU_FDT_INTERRUPTS 8u
/** So many PCI host bridges... */
#define UIOMMU_FDT_HOSTS 256u
/** ...and so many entries of an iommu-map. */
#define UIOMMU_FDT_MAPS 512u
/** So many entries of all iommu-addresses. */
#define UIOMMU_FDT_REGIONS 256u
/** So many properties of a node, so many bytes of a list of strings; names of nodes are shorter. */
#define UIOMMU_FDT_PROPERTIES 1024u

/** What is noted of an IOMMU when a tree is opened. The reader's. */
struct uiommu_fdt_iommu {
    uint32_t node;    /**< Its offset. */
    uint32_t phandle; /**< 0: none, or it is not the only one with it. */
    uint32_t cells;   /**< \#iommu-cells. */
    uint32_t state;   /**< No unit, bad, good by itself, good against the others. */
    uint64_t first;   /**< Registers of a good one. */
    uint64_t last;    /**< Their last byte. */
};

/** An opened tree; filled by uiommu_fdt_open(). */
struct uiommu_fdt {
    struct uiommu_fw_table table; /**< Its bytes. */
    uint32_t begin;               /**< Offset of the root node. */
    uint32_t end;                 /**< Offset after the last node that could be read. */
    uint32_t strings;             /**< Offset of the properties' names... */
    uint32_t strings_end;         /**< ...and after them. */
    struct uiommu_fw_place place; /**< GOOD: all of it is well formed. Else where it is not: what is
                                       before can be used, what is after is not looked at. */
    uint32_t iommu_count;         /**< The reader's. */
    struct uiommu_fdt_iommu iommus[UIOMMU_FDT_UNITS]; /**< The reader's. */
};

/** A walk over all nodes; all zero to begin. */
struct uiommu_fdt_walk {
    uint32_t next;  /**< The reader's. */
    uint32_t index; /**< The reader's. */
    uint32_t count; /**< The reader's. */
    uint32_t depth; /**< Of the present node; the root has 1. */
    uint32_t
        path[UIOMMU_FDT_DEPTH]; /**< Nodes from the root to the present one, path[depth - 1]. */
};

/** A property's value. */
struct uiommu_fdt_value {
    uint32_t offset; /**< In the tree. */
    uint32_t length; /**< Bytes. */
};

/**
 * Check the header and that the tree is well formed.
 * @param bytes, size  Where the tree is and how much is mapped there. Stays the caller's.
 * @retval UIOMMU_E_INVALID  NULL.  @retval UIOMMU_E_NOT_FOUND  No device tree.
 * @retval UIOMMU_E_UNSUPPORTED  A version that is not compatible with 17.
 * @retval UIOMMU_E_RANGE  A length or an offset of the header is nonsense, longer than @p size or
 *         longer than UIOMMU_FDT_MAX; or not even the root node begins.
 */
UIOMMU_MUST_CHECK uiommu_err uiommu_fdt_open(struct uiommu_fdt *out, const void *bytes,
                                             size_t size);
/** The next node. @return false: there are no more. */
bool uiommu_fdt_next(const struct uiommu_fdt *fdt, struct uiommu_fdt_walk *walk);
/**
 * A property of a node. @return false: it has none of that name.
 * @param name  Ends in 0.
 */
bool uiommu_fdt_get(const struct uiommu_fdt *fdt, uint32_t node, const char *name,
                    struct uiommu_fdt_value *out);
/** Cell (32-bit word) number @p index of a value; 0 beyond its end. */
uint32_t uiommu_fdt_cell(const struct uiommu_fdt *fdt, const struct uiommu_fdt_value *value,
                         uint32_t index);
/** Is a string among those of a property? @param text  Ends in 0. */
bool uiommu_fdt_lists(const struct uiommu_fdt *fdt, uint32_t node, const char *name,
                      const char *text);
/** A node's name with its unit address; ends in 0. NULL: no node begins there. */
const char *uiommu_fdt_name(const struct uiommu_fdt *fdt, uint32_t node);
/** The node with a phandle; 0: none, or more than one. */
uint32_t uiommu_fdt_phandle(const struct uiommu_fdt *fdt, uint32_t phandle);
/**
 * Region number @p index of a node's `reg`, as the CPU sees it: through the `ranges` of all buses
 * above.
 * @param walk  A walk that is at the node.
 * @retval UIOMMU_E_NOT_FOUND  No such region.
 * @retval UIOMMU_E_RANGE  It is empty, wraps, or a bus above does not hand it on.
 * @retval UIOMMU_E_UNSUPPORTED  Numbers wider than 64 bits, or more than UIOMMU_FDT_ENTRIES ranges.
 */
UIOMMU_MUST_CHECK uiommu_err uiommu_fdt_reg(const struct uiommu_fdt *fdt,
                                            const struct uiommu_fdt_walk *walk, uint32_t index,
                                            uint64_t *first, uint64_t *last);

/** An interrupt. */
struct uiommu_fdt_interrupt {
    bool told; /**< There is one. */
    uint32_t
        number;     /**< GIC: interrupt ID (an SPI's begin at 32). Other controllers: first cell. */
    uint32_t flags; /**< GIC: third cell: 1 rising edge, 4 high level. Others: second cell. */
};

/** A unit: SMMUv3 (arm,smmu-v3). */
struct uiommu_fdt_unit {
    struct uiommu_fw_place place;         /**< Verdict first; its offset is the node. */
    uint32_t phandle;                     /**< 0: none; then nobody can be behind it. */
    uint64_t first;                       /**< Register base. */
    uint64_t last;                        /**< Last byte, inclusive. */
    bool coherent;                        /**< dma-coherent. */
    bool page0;                           /**< UIOMMU_SMMUV3_QUIRK_PAGE0. */
    bool no_prefetch;                     /**< UIOMMU_SMMUV3_QUIRK_NO_PREFETCH. */
    bool messages;                        /**< msi-parent: it may send messages instead. */
    struct uiommu_fdt_interrupt event;    /**< Event queue. */
    struct uiommu_fdt_interrupt pri;      /**< PRI queue. */
    struct uiommu_fdt_interrupt sync;     /**< CMD_SYNC. */
    struct uiommu_fdt_interrupt gerror;   /**< Global errors. */
    struct uiommu_fdt_interrupt combined; /**< One for all. */
    uint32_t interrupts_at; /**< Offset of an interrupt that could not be understood; 0: none. Costs
                                 the unit nothing: it can be polled. */
};

/** A PCI host bridge (device_type "pci"). */
struct uiommu_fdt_host {
    struct uiommu_fw_place place; /**< Verdict first; its offset is the node. */
    uint64_t first;               /**< Its first region: of pci-host-ecam-generic, the ECAM. */
    uint64_t last;                /**< Last byte, inclusive. */
    bool has_domain;              /**< There is linux,pci-domain. */
    uint32_t domain;              /**< Segment; without, 0. */
    uint32_t first_bus;           /**< bus-range; without, 0. */
    uint32_t last_bus;            /**< Inclusive; without, 255. */
    bool ats;                     /**< ats-supported. */
    uint32_t mask;                /**< iommu-map-mask; without, all ones. */
    struct uiommu_fdt_value map;  /**< iommu-map; length 0: none. */
};

/** An entry of iommu-map. */
struct uiommu_fdt_map {
    struct uiommu_fw_place place; /**< Verdict first. TWICE: it shares IDs with an earlier one,
                                       which has these; the others are its own. */
    uint32_t first;               /**< First requester ID, after the mask. */
    uint32_t last;                /**< Last one, inclusive. */
    uint32_t unit;                /**< The unit's node. */
    uint32_t output;              /**< Stream ID of the first one. */
};

/** A device with `iommus`, once for each stream of a unit that is an SMMUv3. */
struct uiommu_fdt_device {
    struct uiommu_fw_place place; /**< Verdict first; its offset is the node. */
    uint32_t unit;                /**< The unit's node. */
    uint32_t stream;              /**< Stream ID. */
    uint32_t pasid_bits;          /**< pasid-num-bits; 0: none. */
    bool stalls;                  /**< dma-can-stall. */
};

/** Reserved memory of a device (iommu-addresses in a node below /reserved-memory). */
struct uiommu_fdt_region {
    struct uiommu_fw_place place; /**< Verdict first; its offset is the node. */
    uint32_t device;              /**< Node of the device: a host bridge, or one with `iommus`. */
    uint64_t first;               /**< First IOVA. */
    uint64_t last;                /**< Last IOVA, inclusive. */
    bool backed;                  /**< The node has a `reg`: the memory that IOVA is to reach. */
    uint64_t first_physical;      /**< Its first byte. As first: an identity map is asked for. */
    uint64_t last_physical;       /**< Its last byte, inclusive. */
};

/**
 * The next unit. Nodes whose status is not "okay" are left out, as below.
 * Told beyond its own fields: TWICE, registers that overlap those of an earlier unit that is good
 * by itself.
 * @param walk  All zero to begin.
 * @return false: there are no more.
 */
bool uiommu_fdt_next_unit(const struct uiommu_fdt *fdt, struct uiommu_fdt_walk *walk,
                          struct uiommu_fdt_unit *out);
/** The next PCI host bridge. @return false: there are no more. */
bool uiommu_fdt_next_host(const struct uiommu_fdt *fdt, struct uiommu_fdt_walk *walk,
                          struct uiommu_fdt_host *out);
/** The next entry of a host bridge's iommu-map. @param cursor  0 to begin. @return false: there are
 * no more. */
bool uiommu_fdt_next_map(const struct uiommu_fdt *fdt, const struct uiommu_fdt_host *host,
                         uint32_t *cursor, struct uiommu_fdt_map *out);
/** The next stream of a device with `iommus`. @return false: there are no more. */
bool uiommu_fdt_next_device(const struct uiommu_fdt *fdt, struct uiommu_fdt_walk *walk,
                            struct uiommu_fdt_device *out);
/**
 * The next piece of reserved memory that a device has by IOVA.
 * Told beyond its own fields: OVERLAPS, its memory is over registers of a unit.
 * @return false: there are no more.
 */
bool uiommu_fdt_next_region(const struct uiommu_fdt *fdt, struct uiommu_fdt_walk *walk,
                            struct uiommu_fdt_region *out);
/**
 * A region as struct uiommu_unit_config takes it; the host gives the word. Where it is mapped it
 * has to reach first_physical.
 * @return false: nothing is to be mapped there (not backed), or it is bad: its device is blocked
 *         there.
 */
bool uiommu_fdt_reserved(const struct uiommu_fdt_region *region, struct uiommu_reserved *out);
/**
 * Which unit serves a function behind a host bridge, as which stream?
 * @param id  Bus, device, function.
 * @retval UIOMMU_E_NOT_FOUND  No good entry leads to a good unit: its DMA is not translated.
 * @retval UIOMMU_E_INVALID  NULL, or a bus that the host bridge does not have.
 */
UIOMMU_MUST_CHECK uiommu_err uiommu_fdt_find(const struct uiommu_fdt *fdt,
                                             const struct uiommu_fdt_host *host, uint32_t id,
                                             struct uiommu_fw_match *out);

#ifdef __cplusplus
}
#endif
#endif
