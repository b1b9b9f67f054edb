/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SELFTEST_VTD_STAGES_H
#define SELFTEST_VTD_STAGES_H
/* Second-stage tables for the self-tests: four levels in pages 4 to 7, one 2 MiB of the guest's. */
#include "selftest_vtd_bench.h"

#define GUEST      UINT64_C(0x7F1480000000) /* The guest's address of the start of RAM */
#define GPA(bus)   ((bus)-SELFTEST_RAM_BASE + GUEST)
#define DID2       UINT64_C(0x43)
#define SECOND(b)  ((b)->tables + 4 * 4096)
#define SS_ALL     UINT64_C(3)
#define IO_DOMAIN  UINT64_C(0x00000000004300E2)
#define IO_PAGE2   UINT64_C(0x0000000000430032)
#define PC_NESTED  UINT64_C(0x0000000300430017)
#define PIO_NESTED UINT64_C(0x0000000300430026)
#define PIO_PAGE   UINT64_C(0x0000000300430036)

static inline uint64_t second_at(struct bench *b, uint64_t address, unsigned level)
{
    return SECOND(b) + 4096 * (uint64_t)(4 - level) + 8 * (address >> (3 + 9 * level) & 0x1FF);
}

static inline void second_map(struct bench *b, uint64_t address, uint64_t entry)
{
    unsigned level;

    for (level = 4; level > 1; level--) {
        put64(b, second_at(b, address, level), (SECOND(b) + 4096 * (uint64_t)(5 - level)) | SS_ALL);
    }
    put64(b, second_at(b, address, 1), entry);
}

static inline struct bench *stages_with(void *memory, size_t bytes, struct model_vtd_config *config)
{
    struct bench *b;

    config->dit = false;
    b = bench_create(memory, bytes, true, config);
    bench_start(b);
    return b;
}

/* With accessed and dirty flags of the second stage to be had. */
static inline struct bench *stages(void *memory, size_t bytes)
{
    struct model_vtd_config config;

    model_vtd_defaults(&config);
    config.ssads = true;
    config.eafs = true;
    config.sagaw = 0xE;
    return stages_with(memory, bytes, &config);
}

/* The reason of the fault that an access meets; 0: it went well. */
static inline uint32_t reason(struct bench *b, uint32_t pasid, uint64_t va, uint32_t access)
{
    if (dma(b, pasid, va, access) == MODEL_DMA_OK) {
        return fault(b) == 0 ? 0 : 0xFF;
    }
    return fault(b);
}

#endif
