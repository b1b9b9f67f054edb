/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef UIOMMU_FIRMWARE_FDT_H
#define UIOMMU_FIRMWARE_FDT_H
/* What the reader of device trees lends to those who look for units in one. */
#include <uiommu/fdt.h>

#include "firmware_internal.h"

/* #iommu-cells of a unit: the stream ID. */
#define UNIT_CELLS 1u

/* A property of one cell. */
uint32_t uiommu_fdt_number(const struct uiommu_fdt *fdt, uint32_t node, const char *name,
                           uint32_t otherwise);
/* A number of 'cells' cells from the one at 'index' on. */
uint64_t uiommu_fdt_wide(const struct uiommu_fdt *fdt, const struct uiommu_fdt_value *v,
                         uint32_t index, uint32_t cells);
/* status is "okay", "ok", or is not there. */
bool uiommu_fdt_okay(const struct uiommu_fdt *fdt, uint32_t node);
/* A unit by itself at the node where the walk is; false: it is none. */
bool uiommu_fdt_unit_at(const struct uiommu_fdt *fdt, const struct uiommu_fdt_walk *walk,
                        struct uiommu_fdt_unit *out);
/* Notes all IOMMUs. */
void uiommu_fdt_note(struct uiommu_fdt *fdt);
/* The IOMMU with a phandle; NULL: none, or more than one. */
const struct uiommu_fdt_iommu *uiommu_fdt_iommu(const struct uiommu_fdt *fdt, uint32_t phandle);
/* Is it a unit that is good, also against the others? */
bool uiommu_fdt_is_good(const struct uiommu_fdt_iommu *iommu);
/* The node with a phandle, and the one above (0: the root has none). 0: none, or more than one. */
uint32_t uiommu_fdt_find_phandle(const struct uiommu_fdt *fdt, uint32_t phandle, uint32_t *parent);
/* Does memory overlap registers of a unit that is good by itself? Its node, or 0. */
uint32_t uiommu_fdt_over_unit(const struct uiommu_fdt *fdt, uint64_t first, uint64_t last);

#endif
