/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SVA_MACHINE_H
#define SVA_MACHINE_H
/*
 * The machine: one world with RAM, a fabric, DMA engines and an IOMMU. What differs from vendor
 * to vendor is in a struct sva_backend, one file each.
 */
#include "model_endpoint.h"
#include "model_world.h"
#include "table.h"
#include "uiommu/host_uv.h"
#include "uiommu/unit.h"

/* Where the IOMMU's registers are. */
#define SVA_MMIO_BASE UINT64_C(0x09050000)

struct sva_machine;

struct sva_backend {
    const char *name;
    const struct table_kind *tables;
    uint32_t va_bits;
    uint32_t pa_bits;
    /* The IOMMU itself, with a page request queue of 2^queue_log2 entries. */
    bool (*create)(struct sva_machine *m, uint32_t queue_log2);
    /* The driver for it. */
    uiommu_err (*unit)(struct sva_machine *m, struct uiommu *u,
                       const struct uiommu_unit_config *config, struct uiommu_unit **out);
    uint32_t (*read32)(struct sva_machine *m, uint64_t offset);
    uint64_t (*read64)(struct sva_machine *m, uint64_t offset);
    void (*write32)(struct sva_machine *m, uint64_t offset, uint32_t value);
    void (*write64)(struct sva_machine *m, uint64_t offset, uint64_t value);
    /* Page requests in the queue, not consumed. */
    uint32_t (*ring_used)(struct sva_machine *m);
};

extern const struct sva_backend sva_backend_smmuv3;

struct sva_machine {
    const struct sva_backend *backend;
    struct model_world *world;
    struct model_fabric *fabric;
    struct model_fabric_config fabric_config;
    void *memory;
    void *iommu; /* The backend's model. */
    uint32_t queue_log2;
    uint32_t reports;
    char first_report[160];
    void *irq_ctx;
    void (*irq)(void *ctx); /* Optional: an interrupt came. */
};

struct sva_machine_config {
    const struct sva_backend *backend;
    uint64_t seed;
    uint64_t ram_bytes;
    uint32_t queue_log2;
};

struct sva_machine *sva_machine_create(const struct sva_machine_config *config);
void sva_machine_destroy(struct sva_machine *m);
/* An engine with ATS, PRI and PASIDs. */
struct model_endpoint *sva_machine_engine(struct sva_machine *m, uint32_t id, uint32_t credits);
/* Fill what the host services need of the machine: memory, registers, clock. */
void sva_machine_host(struct sva_machine *m, struct uiommu_uv_config *config);
/* Page-table memory in the machine's RAM. */
void sva_machine_tables(struct sva_machine *m, struct table_memory *memory);

#endif
