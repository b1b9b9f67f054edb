/* SPDX-License-Identifier: BSD-2-Clause */
#include "selftest_smmuv3.h"

extern const struct model_selftest model_selftests_smmuv3_config[];
extern const unsigned model_selftest_count_smmuv3_config;

#define NONE      MODEL_SMMUV3_NONE
#define HEAD(id)  ((uint64_t)SID << 32 | (id))
#define HEADP(id) ((uint64_t)SID << 32 | (uint64_t)PASID << 12 | 0x800u | (id))

/* The event number that an access under this STE gives; 0: none. */
static uint32_t ste_event(struct bench *b, uint64_t d0, uint64_t d1)
{
    uint32_t slot = rd(b, IDX_EVT_PROD) & 0x1F;

    put_ste(b, SID, d0, d1);
    cfgi_ste(b);
    dma(b, NONE, b->data, MODEL_READ);
    settle(b);
    wr(b, IDX_EVT_CONS, rd(b, IDX_EVT_PROD));
    if ((rd(b, IDX_EVT_PROD) & 0x1F) == slot) {
        return 0;
    }
    return (uint32_t)(event_word(b, slot & 15, 0) & 0xFF);
}

static const char *ste_kinds(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes, 1);

    EXPECT(b, ste_event(b, 0, 0) == 4);
    EXPECT(b, ste_event(b, 1, 0) == 0);
    EXPECT(b, dma(b, NONE, b->data, MODEL_READ) == MODEL_DMA_ABORTED);
    EXPECT(b, ste_event(b, 7, UINT64_MAX) == 0); /* Config 0xx: the rest is ignored. */
    EXPECT(b, ste_event(b, 9, UINT64_C(0x0000100000000000)) == 0);
    EXPECT(b, dma(b, NONE, b->data, MODEL_READ) == MODEL_DMA_OK);
    EXPECT(b, dma(b, NONE, UINT64_C(1) << 48, MODEL_READ) == MODEL_DMA_ABORTED);
    settle(b);
    EXPECT(b, (event_word(b, 1, 0) & 0xFF) == 0x11);
    EXPECT(b, ste_event(b, 9, 0) == 0);
    REPORTED_ANY(b, "smmuv3.ste.bypass-shareability");
    return selftest_end(&b->room);
}

static const char *ste_illegal(void *memory, size_t bytes)
{
    struct model_smmuv3_config config;
    struct bench *b = bench(memory, bytes, 1);
    uint64_t big = STE_D0(b) & ~UINT64_C(0xF800000000000000);

    EXPECT(b, ste_event(b, 0xD, 0) == 4);                           /* S2P=0 */
    EXPECT(b, ste_event(b, STE_D0(b), STE_D1 | 1u << 31) == 4);     /* STRW=2, Hyp=0 */
    EXPECT(b, ste_event(b, STE_D0(b), STE_D1 | 1u << 30) == 4);     /* STRW=1 */
    EXPECT(b, ste_event(b, big | UINT64_C(21) << 59, STE_D1) == 4); /* S1CDMax > SSIDSIZE */
    EXPECT(b, ste_event(b, STE_D0(b), (STE_D1 & ~UINT64_C(0x30000000)) | 2u << 28) == 4);
    EXPECT(b, ste_event(b, STE_D0(b) | UINT64_C(1) << 50, STE_D1) == 4); /* beyond OAS */
    model_smmuv3_defaults(&config);
    config.stall_model = 1;
    config.cd2l = false;
    config.pps = false;
    b = bench_with(memory, bytes, 1, &config);
    EXPECT(b, ste_event(b, STE_D0(b), STE_D1 | 1u << 27) == 4); /* S1STALLD */
    EXPECT(b, ste_event(b, STE_D0(b) | 0x20, STE_D1) == 4);     /* S1Fmt=2, CD2L=0 */
    model_smmuv3_defaults(&config);
    config.ssid_bits = 0; /* S1CDMax and S1Fmt are not looked at. */
    config.s2p = true;
    b = bench_with(memory, bytes, 1, &config);
    put_cd(b, 0, CD_D0, b->root);
    EXPECT(b, ste_event(b, STE_D0(b) | 0x20, STE_D1) == 0x10);
    put64(b, b->strtab + 64 * (uint64_t)SID + 16, 0x100); /* S2VMID[8], VMID16=0 */
    EXPECT(b, ste_event(b, STE_D0(b), STE_D1) == 4);
    return selftest_end(&b->room);
}

static const char *ste_style(void *memory, size_t bytes)
{
    struct model_smmuv3_config config;
    struct bench *b;

    model_smmuv3_defaults(&config);
    config.attr_types_ovr = false;
    b = bench_with(memory, bytes, 1, &config);
    ste_event(b, 9, UINT64_C(0x0000100000000000));
    REPORTED(b, "smmuv3.ste.reserved");
    ste_event(b, STE_D0(b) + 64, STE_D1);
    REPORTED_ANY(b, "smmuv3.ste.ptr-misaligned");
    return selftest_end(&b->room);
}

/* The event number that an access through this CD gives; 0: none. */
static uint32_t cd_event(struct bench *b, uint64_t d0, uint64_t ttb)
{
    uint32_t slot = rd(b, IDX_EVT_PROD) & 0x1F;

    put_cd(b, PASID, d0, ttb);
    cfgi_cd(b, PASID);
    tlbi_asid(b, ASID);
    dma(b, PASID, VA, MODEL_READ);
    settle(b);
    wr(b, IDX_EVT_CONS, rd(b, IDX_EVT_PROD));
    if ((rd(b, IDX_EVT_PROD) & 0x1F) == slot) {
        return 0;
    }
    return (uint32_t)(event_word(b, slot & 15, 0) & 0xFF);
}

static const char *cd_illegal(void *memory, size_t bytes)
{
    struct model_smmuv3_config config;
    struct bench *b;

    model_smmuv3_defaults(&config);
    config.httu = 0;
    config.asid16 = false;
    config.gran16k = false;
    config.oas = 2;
    b = bench_with(memory, bytes, 1, &config);
    bench_map(b, CD_D0);
    EXPECT(b, cd_event(b, CD_D0, b->root) == 0);
    EXPECT(b, cd_event(b, CD_D0 & ~UINT64_C(0x80000000), b->root) == 0xA);    /* V */
    EXPECT(b, cd_event(b, CD_D0 & ~(UINT64_C(1) << 41), b->root) == 0xA);     /* AA64 */
    EXPECT(b, cd_event(b, CD_D0 | UINT64_C(1) << 43, b->root) == 0xA);        /* HA */
    EXPECT(b, cd_event(b, CD_D0 | UINT64_C(1) << 63, b->root) == 0xA);        /* ASID */
    EXPECT(b, cd_event(b, CD_D0 | 0xC0, b->root) == 0xA);                     /* TG0=3 */
    EXPECT(b, cd_event(b, CD_D0 | 0x80, b->root) == 0xA);                     /* 16K */
    EXPECT(b, cd_event(b, CD_D0 | 0x8000, b->root) == 0xA);                   /* ENDI */
    EXPECT(b, cd_event(b, (CD_D0 & ~UINT64_C(0x3F)) | 15, b->root) == 0xA);   /* T0SZ */
    EXPECT(b, cd_event(b, CD_D0 | 0x20, b->root) == 0xA);                     /* T0SZ=48 */
    EXPECT(b, cd_event(b, CD_D0, UINT64_C(1) << 41) == 0xA);                  /* TTB0 > OAS */
    EXPECT(b, cd_event(b, CD_D0 & ~UINT64_C(0x40000000), b->root) == 0xA);    /* TG1=0, EPD1=0 */
    EXPECT(b, cd_event(b, CD_D0 | 0x40C0 | 0x20, UINT64_C(1) << 45) == 0x10); /* EPD0: ignored */
    EXPECT(b, b->room.reports == 0);
    cd_event(b, CD_D0, b->root + 64);
    REPORTED_ANY(b, "smmuv3.cd.ttb-misaligned");
    return selftest_end(&b->room);
}

static const char *cd_stall_and_term(void *memory, size_t bytes)
{
    struct model_smmuv3_config config;
    struct bench *b = bench(memory, bytes, 1);

    bench_map(b, CD_D0);
    put_ste(b, SID, STE_D0(b), STE_D1 | 1u << 27);
    cfgi_ste(b);
    EXPECT(b, cd_event(b, CD_D0 | UINT64_C(1) << 44, b->root) == 0xA);
    model_smmuv3_defaults(&config);
    config.stall_model = 1;
    config.term_model = true;
    b = bench_with(memory, bytes, 1, &config);
    bench_map(b, CD_D0);
    EXPECT(b, cd_event(b, CD_D0 | UINT64_C(1) << 44, b->root) == 0xA);
    EXPECT(b, cd_event(b, CD_D0 & ~(UINT64_C(1) << 46), b->root) == 0xA);
    model_smmuv3_defaults(&config);
    config.stall_model = 2;
    b = bench_with(memory, bytes, 1, &config);
    bench_map(b, CD_D0);
    EXPECT(b, cd_event(b, CD_D0, b->root) == 0xA);
    return selftest_end(&b->room);
}

static const char *substreams(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes, 1);
    uint32_t slot = 0;

    bench_map(b, CD_D0);
    put_cd(b, 0, CD_D0, b->root);
    dma(b, 64, VA, MODEL_READ);
    EXPECT(b, event_is(b, slot++, UINT64_C(0x0000020800040008), 0, 0, 0));
    dma(b, 0, VA, MODEL_READ);
    EXPECT(b, event_is(b, slot++, HEAD(6), 0, 0, 0));
    EXPECT(b, dma(b, NONE, VA, MODEL_READ) == MODEL_DMA_OK); /* S1DSS=2: CD 0 */
    put_ste(b, SID, STE_D0(b), STE_D1 & ~UINT64_C(3));
    cfgi_ste(b);
    dma(b, NONE, VA, MODEL_READ);
    EXPECT(b, event_is(b, slot++, HEAD(6), 0, 0, 0));
    EXPECT(b, dma(b, 0, VA, MODEL_READ) == MODEL_DMA_OK);
    put_ste(b, SID, STE_D0(b), (STE_D1 & ~UINT64_C(3)) | 1);
    cfgi_ste(b);
    EXPECT(b, dma(b, NONE, b->data, MODEL_READ) == MODEL_DMA_OK); /* bypass */
    put_ste(b, SID, b->cds | 0xB, STE_D1);
    cfgi_ste(b);
    dma(b, 0, VA, MODEL_READ); /* S1CDMax=0 */
    EXPECT(b, event_is(b, slot++, HEAD(8), 0, 0, 0));
    put_ste(b, SID, 9, UINT64_C(0x0000100000000000));
    cfgi_ste(b);
    dma(b, 5, VA, MODEL_READ);
    EXPECT(b, event_is(b, slot++, HEAD(8) | 5u << 12, 0, 0, 0));
    return selftest_end(&b->room);
}

static const char *stream_ids(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes, 1);
    struct model_dma what;

    memset(&what, 0, sizeof(what));
    what.id = 0x1FFFF;
    what.data = &b->buffer;
    what.bytes = 8;
    what.access = MODEL_READ;
    model_smmuv3_ops()->dma(b->m, &what);
    EXPECT(b, event_is(b, 0, UINT64_C(0x0001FFFF00000002), 0, 0, 0));
    cr0(b, ALL_ON & ~SMMUEN);
    wr(b, 0x2C, 4); /* RECINVSID=0 */
    cr0(b, ALL_ON);
    model_smmuv3_ops()->dma(b->m, &what);
    settle(b);
    EXPECT(b, rd(b, IDX_EVT_PROD) == 1);
    return selftest_end(&b->room);
}

static const char *two_levels(void *memory, size_t bytes)
{
    struct model_smmuv3_config config;
    struct bench *b;
    uint64_t l1;

    model_smmuv3_defaults(&config);
    b = bench_create(memory, bytes, 1, &config);
    l1 = bench_ram(b, 4096, 4096);
    bench_queues(b);
    wr64(b, 0x80, l1);
    wr(b, 0x88, 0x10210);
    cr0(b, CMDQEN);
    bench_invalidate_all(b);
    cr0(b, ALL_ON);
    dma(b, NONE, b->data, MODEL_READ);
    EXPECT(b, event_is(b, 0, HEAD(2), 0, 0, 0)); /* Span 0 */
    put64(b, l1 + 8 * (SID >> 8), b->strtab | 4);
    put_ste(b, SID & 7, 9, UINT64_C(0x0000100000000000));
    push(b, (uint64_t)SID << 32 | 3, 1); /* Leaf=1: the level-1 descriptor stays. */
    do_sync(b);
    EXPECT(b, dma(b, NONE, b->data, MODEL_READ) == MODEL_DMA_ABORTED);
    settle(b);
    push(b, (uint64_t)SID << 32 | 3, 0);
    do_sync(b);
    dma(b, NONE, b->data, MODEL_READ);
    EXPECT(b, event_is(b, 2, HEAD(2), 0, 0, 0)); /* 8 beyond 2^(4-1) */
    put64(b, l1 + 8 * (SID >> 8), b->strtab | 5);
    put64(b, b->strtab + 64 * 8 + 8, UINT64_C(0x0000100000000000));
    put64(b, b->strtab + 64 * 8, 9);
    push(b, (uint64_t)SID << 32 | 3, 0);
    do_sync(b);
    EXPECT(b, dma(b, NONE, b->data, MODEL_READ) == MODEL_DMA_OK);
    put64(b, l1 + 8 * (SID >> 8), b->strtab | 10); /* Span-1 > SPLIT */
    push(b, (uint64_t)SID << 32 | 3, 0);
    do_sync(b);
    EXPECT(b, dma(b, NONE, b->data, MODEL_READ) == MODEL_DMA_ABORTED);
    put64(b, l1 + 8 * (SID >> 8), (b->strtab + 64) | 5);
    push(b, 4, 31);
    do_sync(b);
    dma(b, NONE, b->data, MODEL_READ);
    REPORTED_ANY(b, "smmuv3.l1std.misaligned");
    return selftest_end(&b->room);
}

static const char *two_level_cds(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes, 1);
    uint64_t l1 = bench_ram(b, 4096, 4096);
    uint32_t ssid = 64 + PASID;

    bench_map(b, CD_D0);
    put_ste(b, SID, l1 | 0x1B | UINT64_C(12) << 59, STE_D1);
    cfgi_ste(b);
    dma(b, ssid, VA, MODEL_READ);
    EXPECT(b, event_is(b, 0, HEAD(8) | (uint64_t)ssid << 12, 0, 0, 0));
    put64(b, l1 + 8, b->cds | 1);
    push(b, (uint64_t)SID << 32 | (uint64_t)ssid << 12 | 5, 1); /* Leaf=1: L1CD stays. */
    do_sync(b);
    EXPECT(b, dma(b, ssid, VA, MODEL_READ) == MODEL_DMA_ABORTED);
    push(b, (uint64_t)SID << 32 | (uint64_t)ssid << 12 | 5, 0);
    do_sync(b);
    EXPECT(b, dma(b, ssid, VA, MODEL_READ) == MODEL_DMA_OK);
    return selftest_end(&b->room);
}

static const char *fetch_aborts(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes, 1);
    uint64_t ste = b->strtab + 64 * (uint64_t)SID;
    uint64_t cd = b->cds + 64 * PASID;

    bench_map(b, CD_D0);
    model_bus_inject_abort(b->room.world, ste, ste + 63, 1);
    dma(b, PASID, VA, MODEL_READ);
    EXPECT(b, event_is(b, 0, HEADP(3), 0, 0, ste));
    model_bus_inject_abort(b->room.world, cd, cd + 63, 1);
    dma(b, PASID, VA, MODEL_READ);
    EXPECT(b, event_is(b, 1, HEADP(9), 0, 0, cd));
    EXPECT(b, dma(b, PASID, VA, MODEL_READ) == MODEL_DMA_OK); /* Failures are not cached. */
    return selftest_end(&b->room);
}

const struct model_selftest model_selftests_smmuv3_config[] = {
    {"ste_kinds", ste_kinds},
    {"ste_illegal", ste_illegal},
    {"ste_style", ste_style},
    {"cd_illegal", cd_illegal},
    {"cd_stall_and_term", cd_stall_and_term},
    {"substreams", substreams},
    {"stream_ids", stream_ids},
    {"two_levels", two_levels},
    {"two_level_cds", two_level_cds},
    {"fetch_aborts", fetch_aborts},
};
const unsigned model_selftest_count_smmuv3_config =
    sizeof(model_selftests_smmuv3_config) / sizeof(model_selftests_smmuv3_config[0]);
