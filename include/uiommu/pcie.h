/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef UIOMMU_PCIE_H
#define UIOMMU_PCIE_H
/**
 * @file
 * The device ops that PCIe defines (all but stop()), over two configuration-space callbacks.
 * Calls for a PF and its VFs must not overlap each other: there is no lock here.
 * Capabilities: ATS 0x0F, PRI 0x13, PASID 0x1B (PCIe Base, extended capabilities).
 */
#include "device.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Configuration space of one function. */
struct uiommu_pcie_access {
    void *ctx; /**< First argument of both. */
    /** [locked] Read @p bytes (1, 2 or 4) at @p offset; all ones where the function is absent. */
    uint32_t (*read)(void *ctx, uint32_t offset, uint32_t bytes);
    /** [locked] Write @p bytes (1, 2 or 4) at @p offset. */
    void (*write)(void *ctx, uint32_t offset, uint32_t bytes, uint32_t value);
};

/** One function; caller-owned, filled by uiommu_pcie_init(). Stays until the device is detached. */
struct uiommu_pcie {
    struct uiommu_pcie_access access; /**< As given. */
    struct uiommu_pcie *pf;           /**< NULL for a PF; a VF uses its PF's PRI and PASID. */
    struct uiommu_device_ops driver;  /**< For stop(). */
    void *driver_ctx;                 /**< First argument of stop(). */
    uint16_t ats;                     /**< Offset of the capability, 0: none. */
    uint16_t pri;                     /**< Offset of the capability, 0: none. */
    uint16_t pasid;                   /**< Offset of the capability, 0: none. */
    uint16_t pri_users;               /**< PF and VFs that have PRI on (PF only). */
    uint16_t pasid_users;             /**< PF and VFs that have PASID on (PF only). */
    bool pri_on;                      /**< This function is one of the users. */
    bool pasid_on;                    /**< This function is one of the users. */
    uint8_t pasid_width;              /**< PASID bits of the function. */
    uint32_t pri_capacity;            /**< Outstanding page request capacity. */
};

/**
 * Find the capabilities. [task]
 * @param pf    The function's PF, or NULL if it is one.
 * @param stop  The driver's stop(), or NULL.
 * @retval UIOMMU_E_GONE  The function is absent.  @retval UIOMMU_E_INVALID  NULL, or @p pf is a VF.
 */
UIOMMU_MUST_CHECK uiommu_err uiommu_pcie_init(
    struct uiommu_pcie *fn, const struct uiommu_pcie_access *access, struct uiommu_pcie *pf,
    uiommu_err (*stop)(void *ctx, struct uiommu_device *dev, struct uiommu_bond_ref bond,
                       uint32_t pasid),
    void *stop_ctx);
/** The ops for struct uiommu_device_config; their ctx is the struct uiommu_pcie. [any] */
const struct uiommu_device_ops *uiommu_pcie_ops(void);
/** UIOMMU_DEVICE_PASID, _ATS and _PRI as far as the function has them. [any] */
uint32_t uiommu_pcie_flags(const struct uiommu_pcie *fn);

#ifdef __cplusplus
}
#endif
#endif
