/* SPDX-License-Identifier: BSD-2-Clause */
#include "selftest_smmuv3.h"

extern const struct model_selftest model_selftests_smmuv3_regs[];
extern const unsigned model_selftest_count_smmuv3_regs;

static struct bench *create(void *memory, size_t bytes, uint64_t seed)
{
    struct model_smmuv3_config config;

    model_smmuv3_defaults(&config);
    return bench_create(memory, bytes, seed, &config);
}

static const char *comes_up(void *memory, size_t bytes)
{
    const char *why = NULL;
    uint64_t seed;

    for (seed = 0; seed < 20 && why == NULL; seed++) {
        struct bench *b = bench(memory, bytes, seed);

        EXPECT(b, rd(b, CR0) == 0x1F && rd(b, 0x24) == 0x1F);
        why = selftest_end(&b->room);
    }
    return why;
}

static const char *golden_values(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes, 1);

    EXPECT(b, rd(b, 0x28) == 0xD75);
    EXPECT(b, rd(b, 0x2C) == 0xE);
    EXPECT(b, rd(b, 0) == 0x08C974BA);
    return selftest_end(&b->room);
}

static const char *identification(void *memory, size_t bytes)
{
    struct model_smmuv3_config config;
    struct bench *b;

    model_smmuv3_defaults(&config);
    config.hyp = true;
    config.s2p = true;
    config.stall_model = 1;
    config.term_model = true;
    b = bench_create(memory, bytes, 1, &config);
    EXPECT(b, (rd(b, 0) & 0x203) == 0x203);
    EXPECT(b, (rd(b, 0) >> 24 & 7) == 5);
    EXPECT(b, (rd(b, 4) & 0x3F) == 16 && (rd(b, 4) >> 6 & 0x1F) == 20);
    EXPECT(b, (rd(b, 4) >> 11 & 0x1F) == 7 && (rd(b, 4) >> 21 & 0x1F) == 8);
    EXPECT(b, (rd(b, 0x0C) & 0x420) == 0x420);
    EXPECT(b, rd(b, 0x14) >> 16 == 0);
    EXPECT(b, rd(b, 0x1C) == 2);
    return selftest_end(&b->room);
}

static const char *unknown_at_reset(void *memory, size_t bytes)
{
    struct bench *b = create(memory, bytes, 1);
    uint32_t cr1 = rd(b, 0x28);
    uint32_t base = rd(b, 0x90);
    uint32_t prod = rd(b, IDX_EVT_PROD);

    b = create(memory, bytes, 2);
    EXPECT(b, cr1 != rd(b, 0x28) || base != rd(b, 0x90));
    EXPECT(b, prod != rd(b, IDX_EVT_PROD));
    return selftest_end(&b->room);
}

static const char *unknown_used(void *memory, size_t bytes)
{
    struct bench *b = create(memory, bytes, 1);

    wr64(b, 0x90, b->cmdq | 4);
    wr(b, IDX_CMD_PROD, 0);
    wr(b, IDX_CMD_CONS, 0);
    cr0(b, CMDQEN);
    REPORTED(b, "smmuv3.init.unknown-register");
    wr(b, 0x28, 0xD75);
    REPORTED(b, "smmuv3.reg.guarded");
    wr64(b, 0xA0, b->eventq | 4);
    wr(b, IDX_EVT_PROD, 0);
    wr(b, IDX_EVT_CONS, 0);
    cr0(b, CMDQEN | EVENTQEN);
    EXPECT(b, b->room.reports == 0);
    wr(b, 0x50, 1);
    settle(b);
    REPORTED(b, "smmuv3.init.unknown-register");
    wr64(b, 0xD0, 0);
    wr(b, 0x50, 3);
    settle(b);
    REPORTED(b, "smmuv3.init.unknown-register"); /* PRIQ_IRQ_CFG2.LO */
    return selftest_end(&b->room);
}

static const char *absent_registers(void *memory, size_t bytes)
{
    struct model_smmuv3_config config;
    struct bench *b;

    model_smmuv3_defaults(&config);
    config.pri = false;
    config.msi = false;
    b = bench_create(memory, bytes, 1, &config);
    EXPECT(b, rd(b, 0xC0) == 0);
    wr64(b, 0xC0, 0);
    REPORTED_ANY(b, "smmuv3.reg.absent");
    wr(b, IDX_PRI_CONS, 0);
    REPORTED(b, "smmuv3.reg.absent");
    wr(b, 0xB8, 0);
    REPORTED(b, "smmuv3.reg.absent");
    EXPECT(b, rd(b, 0xB8) == 0);
    wr(b, 0x60, 0);
    REPORTED(b, "smmuv3.reg.absent");
    return selftest_end(&b->room);
}

static const char *page0_alias(void *memory, size_t bytes)
{
    struct model_smmuv3_config config;
    struct bench *b = bench(memory, bytes, 1);

    wr(b, 0xAC, 0);
    EXPECT(b, rd(b, IDX_EVT_CONS) == 0);
    EXPECT(b, rd(b, 0xC8) == 0);
    REPORTED_ANY(b, "smmuv3.reg.absent");
    model_smmuv3_defaults(&config);
    config.page0_queues = true;
    b = bench_create(memory, bytes, 1, &config);
    wr(b, 0xA8, 5);
    EXPECT(b, rd(b, 0xA8) == 5);
    rd(b, IDX_EVT_PROD);
    REPORTED(b, "smmuv3.reg.absent");
    return selftest_end(&b->room);
}

static const char *ack_needs_polls(void *memory, size_t bytes)
{
    uint64_t seed;
    struct bench *b = NULL;

    for (seed = 0; seed < 10; seed++) {
        b = create(memory, bytes, seed);
        bench_queues(b);
        wr(b, CR0, CMDQEN);
        EXPECT(b, rd(b, CR0) == CMDQEN);
        EXPECT(b, poll_ack(b, 0x24, CMDQEN));
    }
    b = create(memory, bytes, 3);
    bench_queues(b);
    wr(b, CR0, CMDQEN);
    EXPECT(b, rd(b, 0x24) == 0);
    return selftest_end(&b->room);
}

static const char *in_flight_change(void *memory, size_t bytes)
{
    uint64_t seed;
    const char *why = NULL;

    for (seed = 0; seed < 20 && why == NULL; seed++) {
        struct bench *b = create(memory, bytes, seed);

        bench_queues(b);
        wr(b, CR0, EVENTQEN);
        wr(b, CR0, EVENTQEN | CMDQEN); /* Another field: no harm. */
        EXPECT(b, b->room.reports == 0);
        wr(b, CR0, EVENTQEN);
        REPORTED(b, "smmuv3.cr0.changed-in-flight");
        settle(b);
        EXPECT(b, rd(b, 0x24) == rd(b, CR0));
        why = selftest_end(&b->room);
    }
    return why;
}

static const char *reserved_enable(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes, 1);

    wr(b, CR0, ALL_ON | 0x20);
    REPORTED(b, "smmuv3.reg.reserved");
    settle(b);
    EXPECT(b, rd(b, 0x24) == ALL_ON);
    return selftest_end(&b->room);
}

static const char *gbpa_protocol(void *memory, size_t bytes)
{
    struct bench *b = create(memory, bytes, 1);

    wr(b, 0x44, 0x80100000);
    EXPECT(b, (rd(b, 0x44) >> 31) == 1);
    wr(b, 0x44, 0x80000000);
    REPORTED(b, "smmuv3.gbpa.protocol");
    EXPECT(b, poll_ack(b, 0x44, 0x00100000));
    wr(b, 0x44, 0);
    REPORTED(b, "smmuv3.gbpa.protocol");
    EXPECT(b, rd(b, 0x44) == 0x00100000);
    EXPECT(b, dma(b, MODEL_SMMUV3_NONE, b->data, MODEL_READ) == MODEL_DMA_ABORTED);
    wr(b, 0x44, 0x80001000);
    EXPECT(b, poll_ack(b, 0x44, 0x1000));
    EXPECT(b, dma(b, MODEL_SMMUV3_NONE, b->data, MODEL_READ) == MODEL_DMA_OK);
    return selftest_end(&b->room);
}

static const char *guards(void *memory, size_t bytes)
{
    static const uint32_t guarded[] = {0x2C, 0x80,         0x88,         0x90, 0x9C, 0xA0,
                                       0xC0, IDX_EVT_PROD, IDX_PRI_PROD, 0x68, 0xB0, 0xD8};
    struct bench *b = bench(memory, bytes, 1);
    unsigned i;

    for (i = 0; i < sizeof(guarded) / sizeof(guarded[0]); i++) {
        uint32_t before = rd(b, guarded[i]);

        wr(b, guarded[i], 0x8);
        REPORTED(b, "smmuv3.reg.guarded");
        EXPECT(b, rd(b, guarded[i]) == before);
    }
    wr(b, 0x28, 0);
    REPORTED_ANY(b, "smmuv3.reg.guarded");
    EXPECT(b, rd(b, 0x28) == 0xD75);
    return selftest_end(&b->room);
}

static const char *guards_until_ack(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes, 1);

    wr(b, CR0, ALL_ON & ~SMMUEN);
    wr(b, 0x2C, 0);
    REPORTED(b, "smmuv3.reg.guarded");
    EXPECT(b, poll_ack(b, 0x24, ALL_ON & ~SMMUEN));
    wr(b, 0x2C, 2);
    EXPECT(b, rd(b, 0x2C) == 2);
    return selftest_end(&b->room);
}

static const char *scrambled(void *memory, size_t bytes)
{
    struct model_smmuv3_config config;
    struct model_smmuv3_knobs knobs;
    struct bench *b;

    model_smmuv3_defaults(&config);
    config.minor = 0;
    b = bench_with(memory, bytes, 1, &config);
    model_smmuv3_get_knobs(b->m, &knobs);
    knobs.scramble_guarded = true;
    model_smmuv3_set_knobs(b->m, &knobs);
    wr(b, 0x80, (uint32_t)b->strtab);
    REPORTED_ANY(b, "smmuv3.reg.guarded");
    EXPECT(b, rd(b, 0x80) != (uint32_t)b->strtab);
    return selftest_end(&b->room);
}

static const char *halves(void *memory, size_t bytes)
{
    struct bench *b = create(memory, bytes, 1);

    wr(b, 0x84, 0x40000081);
    wr(b, 0x80, 0x23000000);
    EXPECT(b, model_smmuv3_read64(b->m, 0x80) == UINT64_C(0x4000008123000000));
    wr64(b, 0x90, UINT64_C(0x4000008123100008));
    EXPECT(b, rd(b, 0x90) == 0x23100008 && rd(b, 0x94) == 0x40000081);
    wr64(b, 0xA0, UINT64_C(0x4000008123200007));
    EXPECT(b, model_smmuv3_read64(b->m, 0xA0) == UINT64_C(0x4000008123200007));
    wr64(b, 0x90, b->cmdq | 31);
    EXPECT(b, (rd(b, 0x90) & 31) == 31); /* Capped in use, not on read-back. */
    wr64(b, 0x20, 0);
    REPORTED(b, "smmuv3.reg.wide-access");
    rd(b, 0x22);
    REPORTED(b, "smmuv3.reg.unaligned");
    return selftest_end(&b->room);
}

static const char *misaligned(void *memory, size_t bytes)
{
    struct bench *b = create(memory, bytes, 1);

    bench_queues(b);
    wr64(b, 0x90, (b->cmdq + 256) | 5);
    cr0(b, CMDQEN);
    REPORTED(b, "smmuv3.reg.base-misaligned");
    b = create(memory, bytes, 1);
    bench_queues(b);
    wr64(b, 0x80, b->strtab + 4096);
    cr0(b, CMDQEN);
    bench_invalidate_all(b);
    cr0(b, CMDQEN | SMMUEN);
    REPORTED(b, "smmuv3.reg.base-misaligned");
    return selftest_end(&b->room);
}

static const char *caches_first(void *memory, size_t bytes)
{
    struct bench *b = create(memory, bytes, 1);

    bench_queues(b);
    cr0(b, CMDQEN);
    push(b, 4, 0x1F);
    push(b, 0x30, 0); /* No CMD_SYNC. */
    cr0(b, CMDQEN | SMMUEN);
    REPORTED(b, "smmuv3.init.caches-not-invalidated");
    return selftest_end(&b->room);
}

static const char *gerror_toggles(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes, 1);

    model_smmuv3_raise_gerror(b->m, 1u << 2);
    EXPECT(b, rd(b, 0x60) == 4);
    settle(b);
    EXPECT(b, b->irqs[MODEL_SMMUV3_IRQ_GERROR] == 1);
    model_smmuv3_raise_gerror(b->m, 1u << 2); /* Merges. */
    EXPECT(b, rd(b, 0x60) == 4);
    wr(b, 0x64, 0xC);
    REPORTED(b, "smmuv3.gerror.ack-inactive");
    EXPECT(b, rd(b, 0x64) == 4);
    model_smmuv3_raise_gerror(b->m, 1u << 2);
    EXPECT(b, rd(b, 0x60) == 0);
    settle(b);
    EXPECT(b, b->irqs[MODEL_SMMUV3_IRQ_GERROR] == 2);
    wr(b, 0x64, 4); /* Writes what is already there: acknowledges nothing. */
    EXPECT(b, ((rd(b, 0x60) ^ rd(b, 0x64)) & 4) != 0);
    return selftest_end(&b->room);
}

static const char *enable_twisted(void *memory, size_t bytes)
{
    struct bench *b = create(memory, bytes, 1);

    bench_queues(b);
    wr(b, IDX_PRI_PROD, 0x1);
    wr(b, IDX_PRI_CONS, 0x3);
    cr0(b, PRIQEN);
    REPORTED(b, "smmuv3.queue.indexes");
    b = create(memory, bytes, 1);
    bench_queues(b);
    wr(b, IDX_PRI_CONS, 0x80000000);
    cr0(b, PRIQEN);
    REPORTED(b, "smmuv3.queue.enabled-overflowed");
    return selftest_end(&b->room);
}

static const char *found_running(void *memory, size_t bytes)
{
    struct model_smmuv3_config config;
    struct bench *b;

    model_smmuv3_defaults(&config);
    config.starts_enabled = true;
    b = bench_create(memory, bytes, 1, &config);
    EXPECT(b, (rd(b, CR0) & SMMUEN) != 0 && rd(b, 0x60) != rd(b, 0x64));
    wr(b, 0x2C, 0);
    REPORTED(b, "smmuv3.reg.guarded");
    cr0(b, 0);
    wr(b, 0x64, rd(b, 0x60));
    bench_start(b, ALL_ON);
    return selftest_end(&b->room);
}

const struct model_selftest model_selftests_smmuv3_regs[] = {
    {"comes_up", comes_up},
    {"golden_values", golden_values},
    {"identification", identification},
    {"unknown_at_reset", unknown_at_reset},
    {"unknown_used", unknown_used},
    {"absent_registers", absent_registers},
    {"page0_alias", page0_alias},
    {"ack_needs_polls", ack_needs_polls},
    {"in_flight_change", in_flight_change},
    {"reserved_enable", reserved_enable},
    {"gbpa_protocol", gbpa_protocol},
    {"guards", guards},
    {"guards_until_ack", guards_until_ack},
    {"scrambled", scrambled},
    {"halves", halves},
    {"misaligned", misaligned},
    {"caches_first", caches_first},
    {"gerror_toggles", gerror_toggles},
    {"enable_twisted", enable_twisted},
    {"found_running", found_running},
};
const unsigned model_selftest_count_smmuv3_regs =
    sizeof(model_selftests_smmuv3_regs) / sizeof(model_selftests_smmuv3_regs[0]);
