/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SELFTEST_AMD_BENCH_H
#define SELFTEST_AMD_BENCH_H
/* A machine with the AMD IOMMU model, driven by raw register and memory accesses. */
#include "model_amd.h"
#include "selftest_support.h"

#define DEV               0x118u
#define DOMAIN            0x42u
#define PASID             0x1234u
#define VA                UINT64_C(0x7FFF12345000)
#define CONTROL           0x18u
#define CMD_BASE          0x08u
#define EVT_BASE          0x10u
#define PPR_BASE          0x38u
#define PPRB_BASE         0xF0u
#define CMD_HEAD          0x2000u
#define CMD_TAIL          0x2008u
#define EVT_HEAD          0x2010u
#define EVT_TAIL          0x2018u
#define STATUS            0x2020u
#define PPR_HEAD          0x2030u
#define PPR_TAIL          0x2038u
#define PPRB_HEAD         0x2050u
#define PPRB_TAIL         0x2058u
#define IOMMU_EN          UINT64_C(0x1)
#define EVT_LOG_EN        UINT64_C(0x4)
#define EVT_INT_EN        UINT64_C(0x8)
#define WAIT_INTEN        UINT64_C(0x10)
#define CMD_EN            UINT64_C(0x1000)
#define PPR_LOG_EN        UINT64_C(0x2000)
#define PPR_INT_EN        UINT64_C(0x4000)
#define ALL_ON            UINT64_C(0x20000001F43D) /* time-out 1 ms, coherent, EPH, GT, PPR, logs */
#define READ              MODEL_READ
#define WRITE             MODEL_WRITE
#define PTE_RW            UINT64_C(0x7)
#define PTE_RO            UINT64_C(0x5)
#define EXPECT(b, what)   selftest_expect(&(b)->room, (what), #what)
#define REPORTED(b, rule) selftest_expect_report(&(b)->room, rule)

struct bench {
    struct selftest_room room;
    struct model_fabric *fabric;
    struct model_amd *m;
    uint64_t devtab, cmd, evt, ppr, pprb, gcr3, root, data, word;
    uint32_t tail;     /* of the command ring */
    uint64_t sequence; /* of completion words */
    uint32_t irqs[MODEL_AMD_IRQ_SOURCES];
    struct model_page_response response;
    uint32_t responses;
    struct model_invalidate invalidate;
    uint32_t invalidates;
    bool mute; /* Does not answer invalidations. */
    uint64_t buffer;
};

static inline void bench_irq(void *ctx, enum model_amd_source source)
{
    struct bench *b = ctx;

    b->irqs[source]++;
}

static inline void bench_invalidate(void *ctx, const struct model_invalidate *what)
{
    struct bench *b = ctx;

    b->invalidate = *what;
    b->invalidates++;
    if (!b->mute) {
        model_fabric_invalidate_done(b->fabric, what->id, what->tag, MODEL_INVALIDATE_DONE);
    }
}

static inline void bench_response(void *ctx, const struct model_page_response *response)
{
    struct bench *b = ctx;

    b->response = *response;
    b->responses++;
}

static const struct model_endpoint_ops bench_device = {.invalidate = bench_invalidate,
                                                       .page_response = bench_response};

static inline uint64_t bench_ram(struct bench *b, uint64_t bytes)
{
    uint64_t bus = 0;

    EXPECT(b, model_ram_get(b->room.world, bytes, 4096, UINT64_MAX, &bus) != NULL);
    return bus;
}

static inline void put32(struct bench *b, uint64_t bus, uint32_t value)
{
    uint8_t *at = model_ram_cpu(b->room.world, bus, 4);
    unsigned i;

    for (i = 0; at != NULL && i < 4; i++) {
        at[i] = (uint8_t)(value >> (8 * i));
    }
    if (at != NULL) {
        model_ram_clean(b->room.world, at, 4);
    }
}

static inline uint32_t get32(struct bench *b, uint64_t bus)
{
    uint8_t *at = model_ram_cpu(b->room.world, bus, 4);
    uint32_t value = 0;
    unsigned i;

    if (at != NULL) {
        model_ram_invalidate(b->room.world, at, 4);
    }
    for (i = 0; at != NULL && i < 4; i++) {
        value |= (uint32_t)at[i] << (8 * i);
    }
    return value;
}

static inline void put64(struct bench *b, uint64_t bus, uint64_t value)
{
    put32(b, bus, (uint32_t)value);
    put32(b, bus + 4, (uint32_t)(value >> 32));
}

static inline uint64_t get64(struct bench *b, uint64_t bus)
{
    return (uint64_t)get32(b, bus + 4) << 32 | get32(b, bus);
}

static inline uint64_t rd(struct bench *b, uint32_t offset)
{
    return model_amd_read64(b->m, offset);
}

static inline void wr(struct bench *b, uint32_t offset, uint64_t value)
{
    model_amd_write64(b->m, offset, value);
}

static inline void settle(struct bench *b)
{
    EXPECT(b, model_settle(b->room.world, UINT64_C(200000000)));
}

static inline void knobs_off(struct model_amd_knobs *k)
{
    model_amd_default_knobs(k);
    k->entry_lag_ns = 0;
}

/* Bases and pointers; nothing is on. */
static inline struct bench *bench_cold(void *memory, size_t bytes, struct model_amd_config *config)
{
    static const struct model_fabric_config quick = {.min_delay_ns = 10, .max_delay_ns = 50};
    const size_t own = (sizeof(struct bench) + 63) & ~(size_t)63;
    struct bench *b = memory;
    struct model_amd_knobs knobs;

    memset(b, 0, sizeof(*b));
    selftest_begin(&b->room, (uint8_t *)memory + own, bytes - own, 7, true);
    b->fabric = model_fabric_create(b->room.world, &quick);
    config->ctx = b;
    config->irq = bench_irq;
    b->m = model_amd_create(b->room.world, b->fabric, config);
    EXPECT(b, b->m != NULL);
    EXPECT(b, model_fabric_attach_endpoint(b->fabric, DEV, &bench_device, b));
    knobs_off(&knobs);
    model_amd_set_knobs(b->m, &knobs);
    b->devtab = bench_ram(b, 3 * 4096);
    b->cmd = bench_ram(b, 4096);
    b->evt = bench_ram(b, 4096);
    b->ppr = bench_ram(b, 4096);
    b->pprb = bench_ram(b, 4096);
    b->gcr3 = bench_ram(b, 3 * 4096);
    b->root = bench_ram(b, 5 * 4096);
    b->data = bench_ram(b, 4096);
    b->word = bench_ram(b, 4096);
    return b;
}

static inline void bench_bases(struct bench *b)
{
    static const uint64_t pointers[4] = {CMD_HEAD, EVT_HEAD, PPR_HEAD, PPRB_HEAD};
    unsigned i;

    wr(b, 0, b->devtab | 2);
    wr(b, CMD_BASE, b->cmd | UINT64_C(8) << 56);
    wr(b, EVT_BASE, b->evt | UINT64_C(8) << 56);
    wr(b, PPR_BASE, b->ppr | UINT64_C(8) << 56);
    wr(b, PPRB_BASE, b->pprb | UINT64_C(8) << 56);
    for (i = 0; i < 4; i++) {
        wr(b, (uint32_t)pointers[i], 0);
        wr(b, (uint32_t)pointers[i] + 8, 0);
    }
}

static inline struct bench *bench_as(void *memory, size_t bytes, struct model_amd_config *config)
{
    struct bench *b = bench_cold(memory, bytes, config);

    bench_bases(b);
    wr(b, CONTROL, ALL_ON);
    return b;
}

static inline struct bench *bench(void *memory, size_t bytes)
{
    struct model_amd_config config;

    model_amd_defaults(&config);
    return bench_as(memory, bytes, &config);
}

/* ---- commands ---- */

static inline void store_command(struct bench *b, uint32_t dw0, uint32_t dw1, uint32_t dw2,
                                 uint32_t dw3)
{
    put32(b, b->cmd + b->tail, dw0);
    put32(b, b->cmd + b->tail + 4, dw1);
    put32(b, b->cmd + b->tail + 8, dw2);
    put32(b, b->cmd + b->tail + 12, dw3);
    b->tail = (b->tail + 16) & 0xFF0;
}

static inline void push(struct bench *b, uint32_t dw0, uint32_t dw1, uint32_t dw2, uint32_t dw3)
{
    store_command(b, dw0, dw1, dw2, dw3);
    wr(b, CMD_TAIL, b->tail);
}

static inline void push_wait(struct bench *b, uint32_t flags)
{
    b->sequence++;
    push(b, (uint32_t)b->word | flags, 0x10000000u | (uint32_t)(b->word >> 32),
         (uint32_t)b->sequence, (uint32_t)(b->sequence >> 32));
}

static inline bool waited(struct bench *b)
{
    return get64(b, b->word) == b->sequence;
}

static inline void do_wait(struct bench *b)
{
    push_wait(b, 1);
    settle(b);
    EXPECT(b, waited(b));
}

static inline void inv_devtab(struct bench *b)
{
    push(b, DEV, 0x20000000u, 0, 0);
    do_wait(b);
}

/* All of a PASID, upper levels too. */
static inline void inv_pasid(struct bench *b, uint32_t pasid)
{
    push(b, pasid, 0x30000000u | DOMAIN, 0xFFFFF007u, 0x7FFFFFFFu);
    do_wait(b);
}

/* ---- tables ---- */

#define DTE_Q0 UINT64_C(0x6090000000000003) /* PPR GV IR IW TV V, without GLX and root */

static inline void put_dte(struct bench *b, uint64_t q0, uint64_t q1, uint64_t q2)
{
    put64(b, b->devtab + 32 * DEV + 8, q1);
    put64(b, b->devtab + 32 * DEV + 16, q2);
    put64(b, b->devtab + 32 * DEV, q0);
}

static inline uint64_t dte_q0(struct bench *b, uint32_t glx)
{
    return DTE_Q0 | (uint64_t)glx << 56 | (b->gcr3 >> 12 & 7) << 58;
}

static inline uint64_t dte_q1(struct bench *b)
{
    return DOMAIN | (b->gcr3 >> 15 & 0xFFFF) << 16 | UINT64_C(1) << 32 | (b->gcr3 >> 31) << 43;
}

/* Two levels: node gcr3, leaves in the next page. */
static inline void put_gcr3(struct bench *b, uint32_t pasid, uint64_t leaf)
{
    put64(b, b->gcr3 + 8 * (uint64_t)(pasid >> 9), (b->gcr3 + 4096) | 1);
    put64(b, b->gcr3 + 4096 + 8 * (uint64_t)(pasid & 511), leaf);
}

static inline void put_pte(struct bench *b, uint64_t va, uint64_t pte)
{
    put64(b, b->root + 8 * (va >> 39 & 511), (b->root + 4096) | PTE_RW);
    put64(b, b->root + 4096 + 8 * (va >> 30 & 511), (b->root + 8192) | PTE_RW);
    put64(b, b->root + 8192 + 8 * (va >> 21 & 511), (b->root + 12288) | PTE_RW);
    put64(b, b->root + 12288 + 8 * (va >> 12 & 511), pte);
}

/* The device with PASID, one page at VA. */
static inline void bench_map(struct bench *b)
{
    put_pte(b, VA, b->data | PTE_RW);
    put_gcr3(b, PASID, b->root | 1);
    put_dte(b, dte_q0(b, 1), dte_q1(b), 0);
    inv_devtab(b);
}

/* ---- traffic ---- */

static inline enum model_dma_result dma(struct bench *b, uint32_t pasid, uint64_t address,
                                        uint32_t access)
{
    struct model_dma what;
    enum model_dma_result result;

    memset(&what, 0, sizeof(what));
    what.id = DEV;
    what.has_pasid = pasid != MODEL_AMD_NONE;
    what.pasid = what.has_pasid ? pasid : 0;
    what.address = address;
    what.access = access;
    what.data = &b->buffer;
    what.bytes = 8;
    selftest_little(&b->buffer);
    result = model_amd_ops()->dma(b->m, &what);
    selftest_little(&b->buffer);
    return result;
}

static inline struct model_translation ats(struct bench *b, uint32_t pasid, uint64_t address,
                                           uint32_t access)
{
    struct model_translate want;
    struct model_translation got;

    memset(&want, 0, sizeof(want));
    want.id = DEV;
    want.has_pasid = pasid != MODEL_AMD_NONE;
    want.pasid = want.has_pasid ? pasid : 0;
    want.address = address;
    want.access = access;
    model_amd_ops()->translate(b->m, &want, &got);
    return got;
}

static inline void page_request(struct bench *b, uint32_t pasid, uint32_t index, uint64_t address,
                                uint32_t access, bool last)
{
    struct model_page_request r;

    memset(&r, 0, sizeof(r));
    r.id = DEV;
    r.has_pasid = pasid != MODEL_AMD_NONE;
    r.pasid = r.has_pasid ? pasid : 0;
    r.address = address;
    r.index = index;
    r.access = access;
    r.last = last;
    model_amd_ops()->page_request(b->m, &r);
}

/* ---- logs ---- */

static inline bool entry_is(struct bench *b, uint64_t log, uint32_t slot, uint32_t dw0,
                            uint32_t dw1, uint32_t dw2, uint32_t dw3)
{
    uint64_t at = log + 16 * (uint64_t)slot;

    return get32(b, at) == dw0 && get32(b, at + 4) == dw1 && get32(b, at + 8) == dw2 &&
           get32(b, at + 12) == dw3;
}

/* slot is the newest event. */
static inline bool event_is(struct bench *b, uint32_t slot, uint32_t dw0, uint32_t dw1,
                            uint32_t dw2, uint32_t dw3)
{
    settle(b);
    return rd(b, EVT_TAIL) == 16 * ((uint64_t)slot + 1) &&
           entry_is(b, b->evt, slot, dw0, dw1, dw2, dw3);
}

static inline uint32_t events(struct bench *b)
{
    settle(b);
    return (uint32_t)rd(b, EVT_TAIL) / 16;
}

#endif
