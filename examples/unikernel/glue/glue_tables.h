/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef GLUE_TABLES_H
#define GLUE_TABLES_H
/* One function a table: the unit that a PCI function is behind. */
#include "glue.h"
#include "uiommu/firmware.h"

/* An entry that is worth less than nothing: firmware contradicts itself. What is bad in itself, or
 * not looked into, only costs that entry. */
static inline bool glue_contradicts(const struct uiommu_fw_place *place)
{
    return place->verdict == UIOMMU_FW_TWICE || place->verdict == UIOMMU_FW_OVERLAPS ||
           place->verdict == UIOMMU_FW_CUT || place->verdict == UIOMMU_FW_REFERENCE;
}

enum glue_end glue_dmar(const void *bytes, uint32_t size, const struct uiommu_fw_function *fn,
                        struct glue_found *out, const char **why);
enum glue_end glue_ivrs(const void *bytes, uint32_t size, const struct uiommu_fw_function *fn,
                        struct glue_found *out, const char **why);

#endif
