/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SVA_MACHINE_H
#define SVA_MACHINE_H
/*
 * The machine: one world with RAM, and one to three IOMMUs, each with a fabric and DMA engines of
 * its own. What differs from vendor to vendor is in a struct sva_backend, one file each.
 */
#include "model_endpoint.h"
#include "model_world.h"
#include "table.h"
#include "uiommu/host_uv.h"
#include "uiommu/unit.h"

#define SVA_UNITS_MOST 3u

/* Where the registers of the first IOMMU are, and how far from there the next one's. */
#define SVA_MMIO_BASE  UINT64_C(0x09000000)
#define SVA_MMIO_BYTES UINT64_C(0x00100000)

struct sva_iommu;

struct sva_backend {
    const char *name;
    const struct table_kind *tables;
    uint32_t va_bits;
    uint32_t pa_bits;
    uint32_t queue_least; /* Entries of the page request queue. */
    uint32_t queue_most;
    bool always_pasid;    /* Its responses carry the PASID, and its engines want it (R28). */
    bool answers_unbound; /* It answers requests of a PASID that has no entry by itself. */
    /* The IOMMU itself, with a page request queue of 2^queue_log2 entries. */
    bool (*create)(struct sva_iommu *iommu);
    /* The driver for it. */
    uiommu_err (*unit)(struct sva_iommu *iommu, struct uiommu *u,
                       const struct uiommu_unit_config *config, struct uiommu_unit **out);
    uint32_t (*read32)(struct sva_iommu *iommu, uint64_t offset);
    uint64_t (*read64)(struct sva_iommu *iommu, uint64_t offset);
    void (*write32)(struct sva_iommu *iommu, uint64_t offset, uint32_t value);
    void (*write64)(struct sva_iommu *iommu, uint64_t offset, uint64_t value);
    /* Page requests in the queue, not consumed. */
    uint32_t (*ring_used)(struct sva_iommu *iommu);
};

/* Those that the library was built with. */
extern const struct sva_backend sva_backend_smmuv3;
extern const struct sva_backend sva_backend_amd;
extern const struct sva_backend sva_backend_vtd;

struct sva_machine;

struct sva_iommu {
    struct sva_machine *machine;
    const struct sva_backend *backend;
    struct model_fabric *fabric;
    void *model; /* The backend's. */
    uint64_t base;
    uint32_t queue_log2;
    void *irq_ctx;
    void (*irq)(void *ctx); /* Optional: an interrupt came. */
};

struct sva_machine {
    struct model_world *world;
    void *memory;
    struct sva_iommu iommus[SVA_UNITS_MOST];
    uint32_t iommu_count;
    uint32_t reports;
    char first_report[160];
    void *user; /* Of the host services. */
};

struct sva_machine_config {
    const struct sva_backend *const *backends;
    uint32_t backend_count;
    uint64_t seed;
    uint64_t ram_bytes;
    uint32_t queue_log2;
};

struct sva_machine *sva_machine_create(const struct sva_machine_config *config);
void sva_machine_destroy(struct sva_machine *m);
/* Something between a twentieth of the usual and twice as much. */
uint32_t sva_machine_vary(struct sva_machine *m, uint32_t usual);
/* For backends: an interrupt has left. */
void sva_machine_interrupt(struct sva_iommu *iommu);
/* An engine with ATS, PRI and PASIDs. */
struct model_endpoint *sva_machine_engine(struct sva_iommu *iommu, uint32_t id, uint32_t credits);
/* Fill what the host services need of the machine: memory, registers, clock. */
void sva_machine_host(struct sva_machine *m, struct uiommu_uv_config *config);
/* Page-table memory in the machine's RAM. */
void sva_machine_tables(struct sva_machine *m, struct table_memory *memory);

#endif
