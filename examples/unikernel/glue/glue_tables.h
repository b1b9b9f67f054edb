/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef GLUE_TABLES_H
#define GLUE_TABLES_H
/* One function a table: the unit that a PCI function is behind. And what is wrong with an entry. */
#include "glue.h"
#include "uiommu/firmware.h"

/* An entry that is worth less than nothing: firmware contradicts itself. What is bad in itself, or
 * not looked into, only costs that entry. */
bool glue_contradicts(const struct uiommu_fw_place *place);
/* Tables name a bridge and mean what is behind it. */
extern const struct uiommu_fw_bridges glue_bridges;
/* Which entry of which table, and what is wrong with it, for people. */
const char *glue_place_why(const char *table, const struct uiommu_fw_place *place);

enum glue_end glue_dmar(const void *bytes, uint32_t size, const struct uiommu_fw_function *fn,
                        struct glue_found *out, const char **why);
enum glue_end glue_ivrs(const void *bytes, uint32_t size, const struct uiommu_fw_function *fn,
                        struct glue_found *out, const char **why);

#endif
