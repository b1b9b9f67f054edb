/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TOY_H
#define TOY_H
/* Constructor of units that are a toy. */
#include <uiommu/unit.h>

/* How to make one. */
struct toy_config {
    size_t size;                    /* sizeof(struct toy_config) */
    struct uiommu_unit_config unit; /* Common part. */
    uint64_t base;                  /* Registers: address given to the MMIO ops. */
    uint32_t command_log2;          /* Entries of the command ring, 2 to 12; 0: 8. */
    uint32_t log_log2;              /* Entries of the log, 4 to 12; 0: 9. */
    bool coherent;                  /* The toy snoops the CPU's caches. */
    bool poll;                      /* Leave the interrupt off. */
};

/* Make a unit: reads its identification, changes nothing. Task context. */
UIOMMU_MUST_CHECK uiommu_err toy_create(struct uiommu *u, const struct toy_config *config,
                                        struct uiommu_unit **out);

#endif
