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
/* Is there a unit at a node that is good, also against the others? */
bool uiommu_fdt_good_unit(const struct uiommu_fdt *fdt, uint32_t node);
/* Does memory overlap registers of a unit that is good by itself? Its node, or 0. */
uint32_t uiommu_fdt_over_unit(const struct uiommu_fdt *fdt, uint64_t first, uint64_t last);

#endif
