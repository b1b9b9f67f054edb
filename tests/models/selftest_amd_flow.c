/* SPDX-License-Identifier: BSD-2-Clause */
#include "model_endpoint.h"
#include "selftest_amd_bench.h"

extern const struct model_selftest model_selftests_amd_flow[];
extern const unsigned model_selftest_count_amd_flow;

#define ENGINE 0x110u

/* An endpoint with ATS, PRI and PASID on; its table entry is the bench's with GPRP. */
static struct model_endpoint *engine(struct bench *b)
{
    static const uint32_t id = ENGINE;
    struct model_endpoint_config config;
    struct model_endpoint *ep;

    memset(&config, 0, sizeof(config));
    config.fabric = b->fabric;
    config.ids = &id;
    config.id_count = 1;
    config.has_ats = true;
    config.has_pri = true;
    config.has_pasid = true;
    config.pasid_required = true;
    config.pasid_width = 16;
    config.pri_capacity = 32;
    config.retries = 4;
    ep = model_endpoint_create(b->room.world, &config);
    EXPECT(b, ep != NULL);
    model_endpoint_config_write(ep, 0x126, 2, 1);
    model_endpoint_config_write(ep, 0x11C, 4, 8);
    model_endpoint_config_write(ep, 0x114, 2, 1);
    model_endpoint_config_write(ep, 0x106, 2, 0x8000);
    put64(b, b->devtab + 32 * ENGINE + 8, dte_q1(b));
    put64(b, b->devtab + 32 * ENGINE, dte_q0(b, 1) | UINT64_C(1) << 53);
    push(b, ENGINE, 0x20000000, 0, 0);
    do_wait(b);
    return ep;
}

static int start(struct bench *b, struct model_endpoint *ep)
{
    struct model_job job;

    memset(&job, 0, sizeof(job));
    job.pasid = PASID;
    job.address = VA;
    job.access = WRITE;
    job.buffer = &b->buffer;
    job.bytes = 8;
    return model_endpoint_start(ep, &job);
}

static enum model_job_state state(const struct model_endpoint *ep, int job)
{
    struct model_job_status status;

    model_endpoint_job(ep, job, &status);
    return status.state;
}

static const char *serves_a_page(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes);
    struct model_endpoint *ep = engine(b);
    struct model_endpoint_counts counts;
    int job;

    put_gcr3(b, PASID, b->root | 1);
    put_pte(b, VA, 0);
    b->buffer = UINT64_C(0x1122334455667788);
    job = start(b, ep);
    settle(b);
    EXPECT(b, state(ep, job) == MODEL_JOB_RUNNING && rd(b, PPR_TAIL) == 16);
    put_pte(b, VA, b->data | PTE_RW);
    push(b, ENGINE, 0x70000000u | PASID, 4, get32(b, b->ppr + 4) & 0x1FF);
    do_wait(b);
    EXPECT(b, state(ep, job) == MODEL_JOB_DONE);
    EXPECT(b, memcmp(model_ram_cpu(b->room.world, b->data, 8), &b->buffer, 8) == 0);
    model_endpoint_get_counts(ep, &counts);
    EXPECT(b, counts.success == 1 && counts.unexpected == 0 && counts.ignored == 0);
    EXPECT(b, counts.outstanding == 0 && model_amd_requests_open(b->m) == 0);
    return selftest_end(&b->room);
}

/* The device's own cache outlives INV_IOMMU_PAGES; INV_IOTLB_PAGES ends it. */
static const char *device_cache(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes);
    struct model_endpoint *ep = engine(b);
    uint64_t data = 0;

    put_gcr3(b, PASID, b->root | 1);
    put_pte(b, VA, b->data | PTE_RW);
    EXPECT(b, model_endpoint_access(ep, PASID, VA, READ, &data, 8) == MODEL_DMA_OK);
    put_pte(b, VA, 0);
    inv_pasid(b, PASID);
    EXPECT(b, model_endpoint_access(ep, PASID, VA, READ, &data, 8) == MODEL_DMA_OK);
    push(b, 0x20120000 | ENGINE, 0x40340000 | ENGINE, 0xfffff005, 0x7fffffff);
    do_wait(b);
    EXPECT(b, model_endpoint_access(ep, PASID, VA, READ, &data, 8) != MODEL_DMA_OK);
    return selftest_end(&b->room);
}

/* A new root after a full flush; the rights are those of every level. */
static const char *former_page_table(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes);
    const uint64_t other = b->root + 16384;

    bench_map(b);
    EXPECT(b, dma(b, PASID, VA, READ) == MODEL_DMA_OK);
    put_gcr3(b, PASID, other | 1);
    push(b, PASID, 0x30000042, 0xfffff007, 0x7fffffff);
    do_wait(b);
    EXPECT(b, dma(b, PASID, VA, READ) == MODEL_DMA_ABORTED);
    put64(b, other + 8 * (VA >> 39 & 511), (b->root + 4096) | 5); /* read-only upper level */
    EXPECT(b, dma(b, PASID, VA, READ) == MODEL_DMA_OK);
    EXPECT(b, dma(b, PASID, VA, WRITE) == MODEL_DMA_ABORTED);
    return selftest_end(&b->room);
}

/* Without the flush, a GCR3 leaf that is fetched anew meets TLB entries of the former root. */
static const char *root_changed(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes);
    struct model_amd_knobs knobs;
    unsigned i;

    bench_map(b);
    EXPECT(b, dma(b, PASID, VA, READ) == MODEL_DMA_OK);
    put64(b, b->root + 16384 + 8 * (VA >> 39 & 511), (b->root + 4096) | PTE_RW);
    put_gcr3(b, PASID, (b->root + 16384) | 1);
    put_pte(b, VA + 0x1000, b->data | PTE_RW);
    knobs_off(&knobs);
    knobs.evict = 300;
    model_amd_set_knobs(b->m, &knobs);
    for (i = 0; i < 200 && b->room.reports == 0; i++) {
        put_gcr3(b, PASID, (b->root + ((i & 4) != 0 ? 0 : 16384)) | 1);
        dma(b, PASID, (i & 1) != 0 ? VA + 0x1000 : VA, READ);
    }
    REPORTED(b, "amd.tlb.root-differs");
    return selftest_end(&b->room);
}

/* Another page misses the TLB and meets the GCR3 leaf of the former table. */
static const char *former_gcr3(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes);

    bench_map(b);
    put_pte(b, VA + 0x1000, b->data | PTE_RW);
    EXPECT(b, dma(b, PASID, VA, READ) == MODEL_DMA_OK);
    put_dte(b, 1, 0, 0);
    inv_devtab(b);
    put_dte(b, dte_q0(b, 1) ^ UINT64_C(1) << 58, dte_q1(b), 0);
    inv_devtab(b);
    EXPECT(b, dma(b, PASID, VA + 0x1000, READ) == MODEL_DMA_OK);
    REPORTED(b, "amd.gcr3.domain-shared");
    return selftest_end(&b->room);
}

/* An endpoint that is gone only costs its time-out. */
static const char *removed_device(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes);
    struct model_endpoint *ep = engine(b);

    model_endpoint_remove(ep);
    push(b, 0x20120000 | ENGINE, 0x40340000 | ENGINE, 0xfffff005, 0x7fffffff);
    do_wait(b);
    EXPECT(b, model_amd_counts(b->m)->timeouts == 1);
    EXPECT(b, model_amd_counts(b->m)->events[7] == 1);
    bench_map(b);
    EXPECT(b, dma(b, PASID, VA, READ) == MODEL_DMA_OK); /* The others go on. */
    return selftest_end(&b->room);
}

#define TEST(name)                                                                                 \
    {                                                                                              \
#name, name                                                                                \
    }

const struct model_selftest model_selftests_amd_flow[] = {
    TEST(serves_a_page), TEST(device_cache), TEST(former_page_table),
    TEST(former_gcr3),   TEST(root_changed), TEST(removed_device),
};
const unsigned model_selftest_count_amd_flow =
    sizeof(model_selftests_amd_flow) / sizeof(model_selftests_amd_flow[0]);
