/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SELFTEST_VTD_BENCH_H
#define SELFTEST_VTD_BENCH_H
/* A machine with the VT-d model, driven by raw register and memory accesses. */
#include "model_link.h"
#include "model_vtd.h"
#include "selftest_support.h"

#define SID   0x208u
#define PASID 3u
#define DID   1u
#define VA    UINT64_C(0x7F1234567000)
#define NONE  MODEL_VTD_NONE
#define READ  MODEL_READ
#define WRITE MODEL_WRITE

struct bench {
    struct selftest_room room;
    struct model_fabric *fabric;
    struct model_vtd *m;
    uint64_t roots, contexts, dir, table, iq, prq, tables, data, status;
    uint32_t tail;   /* of the invalidation queue, bytes */
    uint32_t number; /* of the last wait */
    uint32_t irqs[MODEL_VTD_IRQ_SOURCES];
    uint64_t message;
    uint32_t message_data;
    struct model_page_response response;
    uint32_t responses;
    struct model_invalidate invalidate;
    uint32_t invalidates;
    bool mute; /* Does not answer invalidations. */
    enum model_invalidate_result verdict;
    uint64_t buffer;
};

static inline void bench_irq(void *ctx, enum model_vtd_source source)
{
    struct bench *b = ctx;

    b->irqs[source]++;
}

static inline bool bench_doorbell(void *ctx, uint64_t address, uint32_t data)
{
    struct bench *b = ctx;

    b->message = address;
    b->message_data = data;
    return true;
}

static inline void bench_invalidate(void *ctx, const struct model_invalidate *what)
{
    struct bench *b = ctx;

    b->invalidate = *what;
    b->invalidates++;
    if (!b->mute) {
        model_fabric_invalidate_done(b->fabric, what->id, what->tag, b->verdict);
    }
}

static inline void bench_response(void *ctx, const struct model_page_response *response)
{
    struct bench *b = ctx;

    b->response = *response;
    b->responses++;
}

static const struct model_endpoint_ops bench_device = {
    .invalidate = bench_invalidate,
    .page_response = bench_response,
};

#define EXPECT(b, what)   selftest_expect(&(b)->room, (what), #what)
#define REPORTED(b, rule) selftest_expect_report(&(b)->room, (rule))

/* At least one report, the last of this rule. */
static inline void reported_any(struct bench *b, const char *rule)
{
    if (b->room.reports > 1) {
        b->room.reports = 1;
    }
    selftest_expect_report(&b->room, rule);
}

static inline uint64_t bench_ram(struct bench *b, uint64_t bytes)
{
    uint64_t bus = 0;

    selftest_expect(&b->room, model_ram_get(b->room.world, bytes, 4096, UINT64_MAX, &bus) != NULL,
                    "there is RAM");
    return bus;
}

static inline struct bench *bench_create(void *memory, size_t bytes, bool coherent,
                                         struct model_vtd_config *config)
{
    static const struct model_fabric_config quick = {.min_delay_ns = 10, .max_delay_ns = 50};
    const size_t own = (sizeof(struct bench) + 63) & ~(size_t)63;
    struct bench *b = memory;

    memset(b, 0, sizeof(*b));
    if (!selftest_begin(&b->room, (uint8_t *)memory + own, bytes - own, 1, coherent)) {
        return NULL;
    }
    b->fabric = model_fabric_create(b->room.world, &quick);
    config->ctx = b;
    config->irq = bench_irq;
    config->doorbell = bench_doorbell;
    b->m = model_vtd_create(b->room.world, b->fabric, config);
    if (b->fabric == NULL || b->m == NULL) {
        selftest_expect(&b->room, false, "a model can be created");
        return NULL;
    }
    model_fabric_attach_endpoint(b->fabric, SID, &bench_device, b);
    b->roots = bench_ram(b, 4096);
    b->contexts = bench_ram(b, 4096);
    b->dir = bench_ram(b, 4096);
    b->table = bench_ram(b, 4096);
    b->iq = bench_ram(b, 4096);
    b->prq = bench_ram(b, 4096);
    b->tables = bench_ram(b, 8 * 4096);
    b->data = bench_ram(b, 4096);
    b->status = bench_ram(b, 4096);
    return b;
}

static inline void put64(struct bench *b, uint64_t bus, uint64_t word)
{
    uint8_t *cpu = model_ram_cpu(b->room.world, bus, 8);
    unsigned i;

    for (i = 0; i < 8; i++) {
        cpu[i] = (uint8_t)(word >> (8 * i));
    }
}

static inline uint64_t get64(struct bench *b, uint64_t bus)
{
    const uint8_t *cpu = model_ram_cpu(b->room.world, bus, 8);
    uint64_t word = 0;
    unsigned i;

    for (i = 0; i < 8; i++) {
        word |= (uint64_t)cpu[i] << (8 * i);
    }
    return word;
}

static inline uint32_t rd(struct bench *b, uint32_t offset)
{
    return model_vtd_read32(b->m, offset);
}

static inline void wr(struct bench *b, uint32_t offset, uint32_t value)
{
    model_vtd_write32(b->m, offset, value);
}

static inline uint64_t rd64(struct bench *b, uint32_t offset)
{
    return model_vtd_read64(b->m, offset);
}

static inline void wr64(struct bench *b, uint32_t offset, uint64_t value)
{
    model_vtd_write64(b->m, offset, value);
}

static inline void settle(struct bench *b)
{
    model_advance(b->room.world, 20000);
}

static inline void gcmd(struct bench *b, uint32_t value, uint32_t status)
{
    wr(b, 0x18, value);
    settle(b);
    selftest_expect(&b->room, rd(b, 0x1C) == status, "GSTS follows GCMD");
}

/* ---- invalidation queue: one page, 128 slots ---- */

static inline void push_only(struct bench *b, uint64_t d0, uint64_t d1)
{
    put64(b, b->iq + b->tail, d0);
    put64(b, b->iq + b->tail + 8, d1);
    put64(b, b->iq + b->tail + 16, 0);
    put64(b, b->iq + b->tail + 24, 0);
    b->tail = (b->tail + 32) & 0xFFF;
}

static inline void push(struct bench *b, uint64_t d0, uint64_t d1)
{
    push_only(b, d0, d1);
    wr(b, 0x88, b->tail);
}

static inline void push_wait(struct bench *b, uint64_t bits)
{
    b->number++;
    push(b, 0x25 | bits | (uint64_t)b->number << 32, b->status);
}

static inline bool waited(struct bench *b)
{
    return (uint32_t)get64(b, b->status) == b->number;
}

static inline void sync(struct bench *b)
{
    push_wait(b, 0);
    settle(b);
    selftest_expect(&b->room, waited(b), "a wait completes");
}

static inline void run(struct bench *b, uint64_t d0, uint64_t d1)
{
    push(b, d0, d1);
    sync(b);
}

/* ---- tables ---- */

static inline uint64_t pasid_at(struct bench *b, uint32_t pasid)
{
    return b->table + 64 * (uint64_t)pasid;
}

static inline void set_pasid(struct bench *b, uint32_t pasid, uint64_t q0, uint64_t q1, uint64_t q2)
{
    put64(b, pasid_at(b, pasid) + 16, q2);
    put64(b, pasid_at(b, pasid) + 8, q1);
    put64(b, pasid_at(b, pasid), q0);
}

static inline uint64_t leaf_at(struct bench *b, uint64_t va)
{
    return b->tables + 3 * 4096 + 8 * (va >> 12 & 0x1FF);
}

/* Four levels in four pages; rights are 7 first-stage, 3 second-stage. */
static inline void build(struct bench *b, uint64_t va, uint64_t rights)
{
    unsigned i;

    for (i = 0; i < 3; i++) {
        put64(b, b->tables + 4096 * (uint64_t)i + 8 * (va >> (39 - 9 * i) & 0x1FF),
              (b->tables + 4096 * (uint64_t)(i + 1)) | rights);
    }
    put64(b, leaf_at(b, va), b->data | rights);
}

static inline void bench_tables(struct bench *b)
{
    put64(b, b->roots + 16 * (SID >> 8), b->contexts | 1);
    put64(b, b->contexts + 32 * (SID & 0x7F), b->dir | 0x41D);
    put64(b, b->dir, b->table | 1);
    set_pasid(b, PASID, 0x41, 0x800000 | DID, b->tables);
    build(b, VA, 7);
}

static inline void bench_queue(struct bench *b)
{
    wr64(b, 0x88, 0);
    wr64(b, 0x90, b->iq | 0x800);
    gcmd(b, 0x04000000, 0x04000000);
}

static inline void bench_root(struct bench *b)
{
    wr64(b, 0x20, b->roots | 0x400);
    gcmd(b, 0x44000000, 0x44000000);
}

static inline void bench_events(struct bench *b)
{
    static const uint32_t block[3] = {0x38, 0xA0, 0xE0};
    unsigned i;

    for (i = 0; i < 3; i++) {
        wr(b, block[i] + 4, 0x31 + i);
        wr(b, block[i] + 8, 0xFEE05000);
        wr(b, block[i] + 12, 0);
        wr(b, block[i], 0);
    }
}

static inline void bench_start(struct bench *b)
{
    bench_tables(b);
    bench_queue(b);
    wr64(b, 0xC0, 0);
    wr64(b, 0xC8, 0);
    wr64(b, 0xD0, b->prq);
    bench_events(b);
    bench_root(b);
    gcmd(b, 0x84000000, 0xC4000000);
}

static inline struct bench *bench(void *memory, size_t bytes)
{
    struct model_vtd_config config;
    struct bench *b;

    model_vtd_defaults(&config);
    config.dit = false;
    b = bench_create(memory, bytes, true, &config);
    bench_start(b);
    return b;
}

/* ---- traffic ---- */

static inline enum model_dma_result dma(struct bench *b, uint32_t pasid, uint64_t va,
                                        uint32_t access)
{
    struct model_dma what = {.id = SID,
                             .has_pasid = pasid != NONE,
                             .pasid = pasid == NONE ? 0 : pasid,
                             .address = va,
                             .access = access,
                             .data = &b->buffer,
                             .bytes = 8};
    enum model_dma_result result;

    selftest_little(&b->buffer);
    result = model_fabric_dma(b->fabric, &what);
    selftest_little(&b->buffer);
    return result;
}

static inline bool reads(struct bench *b, uint32_t pasid, uint64_t va)
{
    return dma(b, pasid, va, READ) == MODEL_DMA_OK;
}

static inline struct model_translation ats(struct bench *b, uint32_t pasid, uint64_t va,
                                           uint32_t access)
{
    struct model_translate want = {.id = SID,
                                   .has_pasid = pasid != NONE,
                                   .pasid = pasid == NONE ? 0 : pasid,
                                   .address = va,
                                   .access = access};
    struct model_translation got;

    model_fabric_translate(b->fabric, &want, &got);
    return got;
}

static inline void ask(struct bench *b, uint32_t pasid, uint32_t index, uint64_t va,
                       uint32_t access, bool last)
{
    struct model_page_request request = {.id = SID,
                                         .has_pasid = pasid != NONE,
                                         .pasid = pasid == NONE ? 0 : pasid,
                                         .address = va,
                                         .index = index,
                                         .access = access,
                                         .last = last};

    model_fabric_page_request(b->fabric, &request);
    settle(b);
}

/* Reason of the only pending record, which is then cleared; 0: none. */
static inline uint32_t fault(struct bench *b)
{
    unsigned i;

    for (i = 0; i < 8; i++) {
        uint32_t top = rd(b, 0x22C + 16 * i);

        if ((top >> 31) != 0) {
            uint32_t reason = top & 0xFF;

            wr(b, 0x22C + 16 * i, 0x80000000u);
            return reason;
        }
    }
    return 0;
}

static inline void purge(struct bench *b)
{
    push(b, 0x11, 0);
    push(b, 0x37, 0);
    push(b, 0xD2, 0);
    sync(b);
}

static inline struct model_vtd_knobs knobs(struct bench *b)
{
    struct model_vtd_knobs k;

    model_vtd_get_knobs(b->m, &k);
    return k;
}

#endif
