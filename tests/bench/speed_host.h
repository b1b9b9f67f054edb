/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef UIOMMU_TESTS_SPEED_HOST_H
#define UIOMMU_TESTS_SPEED_HOST_H
/*
 * A host that costs as little as one can: memory from the C library, registers as plain memory
 * whose writes a unit's page may look at. It counts into speed_counts.
 */
#include "speed.h"

#define SPEED_PAGE_BYTES 0x40000u /* of registers */

/* One unit's registers. hook (may be NULL) sees a write after it was stored. */
struct speed_page {
    uint64_t base; /* uiommu_unit_config.mmio and so on, as an address for the host's ops */
    unsigned char *bytes;
    void (*hook)(struct speed_page *page, uint32_t offset, uint64_t value);
    void *arg; /* the hook's */
    void *raw;
};

/* A host's table; ctx is NULL. trace: none; lines of the log are counted. */
void speed_host_ops(struct uiommu_host_ops *ops);
/* An instance on it; ends the program where that fails. */
struct uiommu *speed_host_create(void);
void speed_page_open(struct speed_page *page);
void speed_page_close(struct speed_page *page);
uint32_t speed_page_get32(const struct speed_page *page, uint32_t offset);
void speed_page_set32(struct speed_page *page, uint32_t offset, uint32_t value);
uint64_t speed_page_get64(const struct speed_page *page, uint32_t offset);
void speed_page_set64(struct speed_page *page, uint32_t offset, uint64_t value);

#endif
