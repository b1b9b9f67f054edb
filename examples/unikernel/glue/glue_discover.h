/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef GLUE_DISCOVER_H
#define GLUE_DISCOVER_H
/* One function a table: the unit that the PCI function with this ID is behind. */
#include "glue.h"

enum glue_end glue_dmar(const unsigned char *table, uint32_t bytes, uint32_t id,
                        struct glue_found *out, const char **why);
enum glue_end glue_ivrs(const unsigned char *table, uint32_t bytes, uint32_t id,
                        struct glue_found *out, const char **why);

#endif
