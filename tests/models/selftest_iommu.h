/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SELFTEST_IOMMU_H
#define SELFTEST_IOMMU_H
/* An IOMMU that does as a self-test tells it and remembers what reached it, in order. */
#include "model_link.h"
#include "selftest_support.h"

#define SELFTEST_LOG   512u
#define SELFTEST_PAGES 32u

struct selftest_event {
    char kind; /* r: page request, c: invalidation completed, w: write, R: read */
    uint64_t when;
    struct model_page_request request;
    struct model_dma dma;
    uint64_t tag;
    enum model_invalidate_result result;
};

struct selftest_page {
    uint32_t pasid; /* UINT32_MAX: none. */
    uint64_t page, bus;
    uint32_t access;
};

struct selftest_iommu {
    struct selftest_room room;
    struct model_fabric *fabric;
    struct selftest_event log[SELFTEST_LOG];
    uint32_t count;
    struct selftest_page pages[SELFTEST_PAGES];
    uint32_t page_count;
    enum model_translate_status status; /* Of every translation. */
    uint32_t size_log2;
    uint64_t skew; /* Added to the address of every translation. */
    bool stalls;   /* Untranslated accesses are held. */
    uint64_t stalled_cookie;
    enum model_dma_result refuse; /* Not OK: the answer to every access. */
};

static inline struct selftest_event *selftest_log(struct selftest_iommu *iommu, char kind)
{
    struct selftest_event *event = &iommu->log[iommu->count % SELFTEST_LOG];

    memset(event, 0, sizeof(*event));
    event->kind = kind;
    event->when = model_now(iommu->room.world);
    iommu->count++;
    return event;
}

static inline enum model_dma_result selftest_dma(void *ctx, const struct model_dma *dma)
{
    struct selftest_iommu *iommu = ctx;
    bool write = (dma->access & MODEL_WRITE) != 0;

    selftest_log(iommu, write ? 'w' : 'R')->dma = *dma;
    if (iommu->stalls) {
        iommu->stalled_cookie = dma->cookie;
        return MODEL_DMA_STALLED;
    }
    if (iommu->refuse != MODEL_DMA_OK) {
        return iommu->refuse;
    }
    if (write ? model_bus_write(iommu->room.world, dma->address, dma->data, dma->bytes)
              : model_bus_read(iommu->room.world, dma->address, dma->data, dma->bytes)) {
        return MODEL_DMA_OK;
    }
    return MODEL_DMA_ABORTED;
}

static inline void selftest_translate(void *ctx, const struct model_translate *want,
                                      struct model_translation *got)
{
    struct selftest_iommu *iommu = ctx;
    uint32_t pasid = want->has_pasid ? want->pasid : UINT32_MAX;
    uint32_t i;

    got->status = iommu->status;
    got->size_log2 = iommu->size_log2;
    for (i = 0; i < iommu->page_count; i++) {
        if (iommu->pages[i].pasid == pasid && iommu->pages[i].page == want->address) {
            got->address = iommu->pages[i].bus + iommu->skew;
            got->access = iommu->pages[i].access;
        }
    }
}

static inline void selftest_page_request(void *ctx, const struct model_page_request *request)
{
    selftest_log(ctx, 'r')->request = *request;
}

static inline void selftest_invalidate_done(void *ctx, uint64_t tag,
                                            enum model_invalidate_result result)
{
    struct selftest_event *event = selftest_log(ctx, 'c');

    event->tag = tag;
    event->result = result;
}

static const struct model_iommu_ops selftest_iommu_ops = {
    .dma = selftest_dma,
    .translate = selftest_translate,
    .page_request = selftest_page_request,
    .invalidate_done = selftest_invalidate_done,
};

/* The IOMMU lies at the front of memory, the world behind it. */
static inline struct selftest_iommu *selftest_iommu_begin(void *memory, size_t bytes, uint64_t seed,
                                                          const struct model_fabric_config *config)
{
    const size_t own = (sizeof(struct selftest_iommu) + 63) & ~(size_t)63;
    struct selftest_iommu *iommu = memory;

    memset(iommu, 0, sizeof(*iommu));
    iommu->size_log2 = 12;
    if (!selftest_begin(&iommu->room, (uint8_t *)memory + own, bytes - own, seed, true)) {
        return NULL;
    }
    iommu->fabric = model_fabric_create(iommu->room.world, config);
    if (iommu->fabric == NULL) {
        return NULL;
    }
    model_fabric_attach_iommu(iommu->fabric, &selftest_iommu_ops, iommu);
    return iommu;
}

static inline void selftest_map(struct selftest_iommu *iommu, uint32_t pasid, uint64_t page,
                                uint64_t bus, uint32_t access)
{
    struct selftest_page *place = &iommu->pages[iommu->page_count % SELFTEST_PAGES];

    place->pasid = pasid;
    place->page = page;
    place->bus = bus;
    place->access = access;
    iommu->page_count++;
}

/* The number of events of a kind. */
static inline uint32_t selftest_count(const struct selftest_iommu *iommu, char kind)
{
    uint32_t i;
    uint32_t n = 0;

    for (i = 0; i < iommu->count && i < SELFTEST_LOG; i++) {
        n += iommu->log[i].kind == kind;
    }
    return n;
}

/* The n-th event of a kind, from 0; NULL: there are fewer. */
static inline const struct selftest_event *selftest_nth(const struct selftest_iommu *iommu,
                                                        char kind, uint32_t n)
{
    uint32_t i;

    for (i = 0; i < iommu->count && i < SELFTEST_LOG; i++) {
        if (iommu->log[i].kind == kind && n-- == 0) {
            return &iommu->log[i];
        }
    }
    return NULL;
}

#endif
