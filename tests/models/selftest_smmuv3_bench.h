/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SELFTEST_SMMUV3_BENCH_H
#define SELFTEST_SMMUV3_BENCH_H
/* A machine with the SMMUv3 model, driven by raw register and memory accesses. */
#include "model_link.h"
#include "model_smmuv3.h"
#include "selftest_support.h"

#define SID          0x208u
#define ASID         0xABu
#define PASID        3u
#define VA           UINT64_C(0x7FFF12345000)
#define CR0          0x20u
#define IDX_CMD_PROD 0x98u
#define IDX_CMD_CONS 0x9Cu
#define IDX_EVT_PROD 0x100A8u
#define IDX_EVT_CONS 0x100ACu
#define IDX_PRI_PROD 0x100C8u
#define IDX_PRI_CONS 0x100CCu
#define SMMUEN       1u
#define PRIQEN       2u
#define EVENTQEN     4u
#define CMDQEN       8u
#define ATSCHK       16u
#define ALL_ON       0x1Fu
#define PTE_USER_RW  UINT64_C(0xC43) /* page, AP[1], AF, nG */
#define PTE_USER_RO  UINT64_C(0xCC3)

struct bench {
    struct selftest_room room;
    struct model_fabric *fabric;
    struct model_smmuv3 *m;
    uint64_t strtab, cmdq, eventq, priq, cds, root, data;
    uint32_t cmd_log2, evt_log2, pri_log2;
    uint32_t prod; /* of the command queue */
    uint32_t irqs[MODEL_SMMUV3_IRQ_SOURCES];
    uint64_t doorbell, doorbell_data;
    bool has_doorbell;
    /* what came down to the device */
    struct model_page_response response;
    uint32_t responses;
    struct model_invalidate invalidate;
    uint32_t invalidates;
    bool mute; /* Does not answer invalidations. */
    enum model_invalidate_result verdict;
    enum model_dma_result ended;
    uint32_t ends;
    uint64_t buffer;
};

static inline void bench_irq(void *ctx, enum model_smmuv3_source source)
{
    struct bench *b = ctx;

    b->irqs[source]++;
}

static inline bool bench_doorbell(void *ctx, uint64_t address, uint32_t data)
{
    struct bench *b = ctx;

    if (!b->has_doorbell || address != b->doorbell) {
        return false;
    }
    b->doorbell_data = data;
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

static inline void bench_ended(void *ctx, uint64_t cookie, enum model_dma_result result)
{
    struct bench *b = ctx;

    (void)cookie;
    b->ended = result;
    b->ends++;
}

static const struct model_endpoint_ops bench_device = {
    .invalidate = bench_invalidate,
    .page_response = bench_response,
    .dma_ended = bench_ended,
};

/* ---- machine ---- */

static inline uint64_t bench_ram(struct bench *b, uint64_t bytes, uint64_t align)
{
    uint64_t bus = 0;

    selftest_expect(&b->room, model_ram_get(b->room.world, bytes, align, UINT64_MAX, &bus) != NULL,
                    "there is RAM");
    return bus;
}

static inline struct bench *bench_create(void *memory, size_t bytes, uint64_t seed,
                                         struct model_smmuv3_config *config)
{
    static const struct model_fabric_config quick = {.min_delay_ns = 10, .max_delay_ns = 50};
    const size_t own = (sizeof(struct bench) + 63) & ~(size_t)63;
    struct bench *b = memory;

    memset(b, 0, sizeof(*b));
    b->cmd_log2 = 5;
    b->evt_log2 = 4;
    b->pri_log2 = 4;
    if (!selftest_begin(&b->room, (uint8_t *)memory + own, bytes - own, seed, true)) {
        return NULL;
    }
    b->fabric = model_fabric_create(b->room.world, &quick);
    config->ctx = b;
    config->irq = bench_irq;
    config->doorbell = bench_doorbell;
    b->m = model_smmuv3_create(b->room.world, b->fabric, config);
    if (b->fabric == NULL || b->m == NULL) {
        selftest_expect(&b->room, false, "a model can be created");
        return NULL;
    }
    model_fabric_attach_endpoint(b->fabric, SID, &bench_device, b);
    b->strtab = bench_ram(b, 65536, 65536);
    b->cmdq = bench_ram(b, 4096, 4096);
    b->eventq = bench_ram(b, 4096, 4096);
    b->priq = bench_ram(b, 4096, 4096);
    b->cds = bench_ram(b, 4096, 4096);
    b->root = bench_ram(b, 4 * 4096, 4 * 4096);
    b->data = bench_ram(b, 4096, 4096);
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
    return model_smmuv3_read32(b->m, offset);
}

static inline void wr(struct bench *b, uint32_t offset, uint32_t value)
{
    model_smmuv3_write32(b->m, offset, value);
}

static inline void wr64(struct bench *b, uint32_t offset, uint64_t value)
{
    model_smmuv3_write64(b->m, offset, value);
}

static inline void pass(struct bench *b, uint64_t ns)
{
    model_advance(b->room.world, ns);
}

static inline void settle(struct bench *b)
{
    model_advance(b->room.world, 20000);
}

static inline bool poll_ack(struct bench *b, uint32_t offset, uint32_t value)
{
    unsigned i;

    for (i = 0; i < 5000; i++) {
        if (rd(b, offset) == value) {
            return true;
        }
    }
    return false;
}

static inline void cr0(struct bench *b, uint32_t value)
{
    wr(b, CR0, value);
    selftest_expect(&b->room, poll_ack(b, 0x24, value), "CR0ACK follows CR0");
}

/* ---- command queue ---- */

static inline void push(struct bench *b, uint64_t d0, uint64_t d1)
{
    uint32_t slot = b->prod & ((1u << b->cmd_log2) - 1);

    put64(b, b->cmdq + 16 * slot, d0);
    put64(b, b->cmdq + 16 * slot + 8, d1);
    b->prod = (b->prod + 1) & ((2u << b->cmd_log2) - 1);
    wr(b, IDX_CMD_PROD, b->prod);
}

static inline bool drained(struct bench *b)
{
    unsigned i;

    for (i = 0; i < 5000; i++) {
        if ((rd(b, IDX_CMD_CONS) & 0xFFFFFu) == b->prod) {
            return true;
        }
    }
    return false;
}

static inline bool sync(struct bench *b)
{
    push(b, 0x46, 0);
    return drained(b);
}

static inline void do_sync(struct bench *b)
{
    selftest_expect(&b->room, sync(b), "CMD_SYNC completes");
}

/* Waits for CMDQ_ERR; CMDQ_CONS.ERR then, 0 if there is none. */
static inline uint32_t wait_error(struct bench *b)
{
    unsigned i;

    for (i = 0; i < 400000; i++) {
        if (((rd(b, 0x60) ^ rd(b, 0x64)) & 1) != 0) {
            return rd(b, IDX_CMD_CONS) >> 24 & 0x7F;
        }
        pass(b, 100);
        if (i > 300 && i % 1000 == 0 && model_now(b->room.world) > 50000000) {
            break;
        }
    }
    return 0;
}

static inline void ack_error(struct bench *b)
{
    wr(b, 0x64, rd(b, 0x60));
}

/* ---- bringing it up ---- */

static inline void bench_queues(struct bench *b)
{
    wr(b, 0x28, 0xD75);
    wr(b, 0x2C, 0xE);
    wr64(b, 0x80, b->strtab);
    wr(b, 0x88, 10);
    wr64(b, 0x90, b->cmdq | b->cmd_log2);
    wr(b, IDX_CMD_PROD, 0);
    wr(b, IDX_CMD_CONS, 0);
    wr64(b, 0xA0, b->eventq | b->evt_log2);
    wr(b, IDX_EVT_PROD, 0);
    wr(b, IDX_EVT_CONS, 0);
    if ((rd(b, 0) >> 16 & 1) != 0) {
        wr64(b, 0xC0, b->priq | b->pri_log2);
        wr(b, IDX_PRI_PROD, 0);
        wr(b, IDX_PRI_CONS, 0);
    }
    if ((rd(b, 0) >> 13 & 1) != 0) {
        wr64(b, 0x68, 0);
        wr64(b, 0xB0, 0);
        if ((rd(b, 0) >> 16 & 1) != 0) {
            wr64(b, 0xD0, 0);
            wr(b, 0xDC, 0);
        }
    }
}

static inline void bench_invalidate_all(struct bench *b)
{
    push(b, 4, 0x1F);
    do_sync(b);
    push(b, 0x30, 0);
    if ((rd(b, 0) >> 9 & 1) != 0) {
        push(b, 0x20, 0);
    }
    do_sync(b);
}

static inline void bench_start(struct bench *b, uint32_t enables)
{
    bench_queues(b);
    cr0(b, CMDQEN);
    bench_invalidate_all(b);
    cr0(b, enables);
    wr(b, 0x50, (rd(b, 0) >> 16 & 1) != 0 ? 7 : 5);
    selftest_expect(&b->room, poll_ack(b, 0x54, (rd(b, 0) >> 16 & 1) != 0 ? 7 : 5),
                    "IRQ_CTRLACK follows IRQ_CTRL");
}

static inline struct bench *bench_with(void *memory, size_t bytes, uint64_t seed,
                                       struct model_smmuv3_config *config)
{
    struct bench *b = bench_create(memory, bytes, seed, config);

    if (b != NULL) {
        bench_start(b, config->pri ? ALL_ON : ALL_ON & ~(PRIQEN | (config->ats ? 0 : ATSCHK)));
    }
    return b;
}

static inline struct bench *bench(void *memory, size_t bytes, uint64_t seed)
{
    struct model_smmuv3_config config;

    model_smmuv3_defaults(&config);
    return bench_with(memory, bytes, seed, &config);
}

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
#define REPORTED_ANY(b, rule) reported_any((b), (rule))

#endif
