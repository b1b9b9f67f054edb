/* SPDX-License-Identifier: BSD-2-Clause */
/* The IVRS table (AMD IOMMU specification, 5.2). */
#include "glue_discover.h"

#define FIRST 48u
enum glue_end glue_ivrs(const unsigned char *table, uint32_t bytes, uint32_t id,
                        struct glue_found *out, const char **why)
{
    (void)table;(void)bytes;(void)id;(void)out;
    *why = "IVRS: not yet";
    return GLUE_UNKNOWN;
}
