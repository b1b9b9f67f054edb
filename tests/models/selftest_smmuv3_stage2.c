/* SPDX-License-Identifier: BSD-2-Clause */
#include "selftest_smmuv3_stage2.h"

extern const struct model_selftest model_selftests_smmuv3_stage2[];
extern const unsigned model_selftest_count_smmuv3_stage2;

#define OK2(b, access) (dma2((b), (access)) == MODEL_DMA_OK)
#define AT(b)          IPA_OF((b)->data)

static const char *translates(void *memory, size_t bytes)
{
    struct stage2 s2;
    struct bench *b = bench2(memory, bytes, 1, &s2);

    bench2_map(b, &s2);
    put64(b, b->data, UINT64_C(0x1122334455667788));
    EXPECT(b, OK2(b, MODEL_READ) && b->buffer == UINT64_C(0x1122334455667788));
    b->buffer = 0;
    EXPECT(b, OK2(b, MODEL_WRITE) && get64(b, b->data) == 0);
    EXPECT(b, model_smmuv3_counts(b->m)->tlb_hits == 1);
    EXPECT(b, dma(b, PASID, AT(b), MODEL_READ) == MODEL_DMA_ABORTED);
    EXPECT(b, event_is(b, 0, UINT64_C(0x0000020800003008), 0, 0, 0));
    EXPECT(b, dma(b, 0, AT(b), MODEL_READ) == MODEL_DMA_ABORTED);
    EXPECT(b, event_is(b, 1, UINT64_C(0x0000020800000008), 0, 0, 0));
    EXPECT(b, dma(b, NONE, UINT64_C(1) << 48, MODEL_READ) == MODEL_DMA_ABORTED); /* > IAS */
    EXPECT(b, event_is(b, 2, EV(0x11), CLASS_IN | RNW, UINT64_C(1) << 48, 0));
    return selftest_end(&b->room);
}

static const char *faults(void *memory, size_t bytes)
{
    struct stage2 s2;
    struct bench *b = bench2(memory, bytes, 1, &s2);
    uint64_t low, far = UINT64_C(1) << 39;

    bench2_map(b, &s2);
    low = s2.low + 8 * (AT(b) >> 12 & 511);
    dma(b, NONE, far, MODEL_WRITE); /* Beyond S2T0SZ */
    EXPECT(b, event2_is(b, 0, EV(0x10), S2_FAULT | CLASS_IN, far, far));
    s2_put(b, &s2, AT(b), 0);
    dma(b, NONE, AT(b) | 0x678, MODEL_READ);
    EXPECT(b, event2_is(b, 1, EV(0x10), S2_FAULT | CLASS_IN | RNW, AT(b) | 0x678, AT(b)));
    s2_put(b, &s2, AT(b), b->data | S2_RO);
    EXPECT(b, !OK2(b, MODEL_WRITE));
    EXPECT(b, event2_is(b, 2, EV(0x13), S2_FAULT | CLASS_IN, AT(b), AT(b)));
    EXPECT(b, OK2(b, MODEL_READ));
    s2_tlbi(b);
    s2_put(b, &s2, AT(b), b->data | (S2_RW & ~UINT64_C(0x400)));
    EXPECT(b, !OK2(b, MODEL_READ));
    EXPECT(b, event2_is(b, 3, EV(0x12), S2_FAULT | CLASS_IN | RNW, AT(b), AT(b)));
    s2_put(b, &s2, AT(b), b->data | (S2_RW & ~UINT64_C(0x40)) | UINT64_C(1) << 54);
    EXPECT(b, !OK2(b, MODEL_READ | MODEL_EXEC));
    EXPECT(b, event2_is(b, 4, EV(0x13), S2_FAULT | CLASS_IN | UINT64_C(0xC00000000), AT(b), AT(b)));
    s2_tlbi(b);
    model_bus_inject_abort(b->room.world, low, low + 7, 1);
    EXPECT(b, !OK2(b, MODEL_WRITE));
    EXPECT(b, event_is(b, 5, EV(0xB), S2_FAULT | CLASS_IN, AT(b), low));
    ste6(b, S2_D2 & ~UINT64_C(0x0007000000000000), s2.top); /* PS = 32 bits */
    s2_put(b, &s2, AT(b), UINT64_C(0x100000000) | S2_RW);
    s2_tlbi(b);
    EXPECT(b, !OK2(b, MODEL_READ));
    EXPECT(b, event2_is(b, 6, EV(0x11), S2_FAULT | CLASS_IN | RNW, AT(b), AT(b)));
    ste6(b, S2_D2 & ~UINT64_C(0x0400000000000000), s2.top); /* S2R=0: silent */
    s2_put(b, &s2, AT(b), 0);
    s2_tlbi(b);
    EXPECT(b, !OK2(b, MODEL_READ));
    settle(b);
    EXPECT(b, rd(b, IDX_EVT_PROD) == 7);
    return selftest_end(&b->room);
}

/* The event that an access through this STE gives; 0: none. */
static uint32_t ste2_event(struct bench *b, uint64_t d2, uint64_t ttb)
{
    uint32_t slot = rd(b, IDX_EVT_PROD) & 0x1F;

    ste6(b, d2, ttb);
    push(b, 0x30, 0);
    do_sync(b);
    dma2(b, MODEL_READ);
    settle(b);
    wr(b, IDX_EVT_CONS, rd(b, IDX_EVT_PROD));
    return (rd(b, IDX_EVT_PROD) & 0x1F) == slot ? 0 : event_word(b, slot & 15, 0) & 0xFF;
}

static uint64_t geometry(uint32_t t0sz, uint32_t sl0, uint32_t tg)
{
    return (S2_D2 & ~UINT64_C(0x0000C0FF00000000)) | (uint64_t)t0sz << 32 | (uint64_t)sl0 << 38 |
           (uint64_t)tg << 46;
}

static const char *legality(void *memory, size_t bytes)
{
    uint64_t no_ats[4] = {0xD, UINT64_C(0x0000100000000000), 0, 0};
    struct model_smmuv3_config config;
    struct stage2 s2;
    struct bench *b;

    model_smmuv3_defaults(&config);
    config.stall_model = 1;
    config.httu = 1;
    b = bench2_with(memory, bytes, 1, &config, &s2);
    bench2_map(b, &s2);
    EXPECT(b, ste2_event(b, S2_D2, s2.top) == 0);
    EXPECT(b, ste2_event(b, S2_D2 | UINT64_C(1) << 57, s2.top) == 4);    /* S2S */
    EXPECT(b, ste2_event(b, S2_D2 | UINT64_C(3) << 55, s2.top) == 4);    /* S2HD */
    EXPECT(b, ste2_event(b, S2_D2 | UINT64_C(1) << 56, s2.top) == 0);    /* S2HA */
    EXPECT(b, ste2_event(b, S2_D2 | UINT64_C(1) << 52, s2.top) == 4);    /* S2ENDI */
    EXPECT(b, ste2_event(b, S2_D2 & ~(UINT64_C(1) << 51), s2.top) == 4); /* S2AA64 */
    EXPECT(b, ste2_event(b, S2_D2, UINT64_C(1) << 48) == 4);             /* beyond S2PS */
    EXPECT(b, ste2_event(b, S2_D2 | 0x100, s2.top) == 4);                /* VMID16=0 */
    EXPECT(b, ste2_event(b, geometry(25, 1, 3), s2.top) == 4);           /* S2TG */
    EXPECT(b, ste2_event(b, geometry(25, 3, 0), s2.top) == 4);           /* S2SL0 */
    EXPECT(b, ste2_event(b, geometry(15, 2, 0), s2.top) == 4);           /* T0SZ */
    EXPECT(b, ste2_event(b, geometry(40, 0, 0), s2.top) == 4);
    EXPECT(b, ste2_event(b, geometry(20, 1, 0), s2.top) == 4); /* 32 tables side by side */
    EXPECT(b, ste2_event(b, geometry(21, 1, 0), 0) == 0xB);    /* 16 */
    EXPECT(b, ste2_event(b, geometry(34, 1, 0), s2.top) == 4); /* nothing for level 1 */
    EXPECT(b, ste2_event(b, geometry(16, 2, 0), 0) == 0xB);    /* four levels */
    EXPECT(b, ste2_event(b, geometry(22, 1, 1), 0) == 0xB);    /* 64K: level 2 */
    EXPECT(b, ste2_event(b, geometry(24, 1, 2), 0) == 0xB);    /* 16K: level 2, 16 tables */
    EXPECT(b, ste2_event(b, geometry(23, 1, 2), s2.top) == 4);
    no_ats[2] = S2_D2 | UINT64_C(1) << 57; /* S2S, and no ATS that forbids it */
    no_ats[3] = s2.top;
    put_ste2(b, SID, no_ats);
    EXPECT(b, !OK2(b, MODEL_READ));
    EXPECT(b, b->room.reports == 0);
    model_smmuv3_defaults(&config);
    b = bench_with(memory, bytes, 1, &config);
    EXPECT(b, ste2_event(b, S2_D2, b->root) == 4); /* S2P=0 */
    return selftest_end(&b->room);
}

static const char *style(void *memory, size_t bytes)
{
    struct stage2 s2;
    struct bench *b = bench2(memory, bytes, 1, &s2);
    uint64_t plain[4] = {0xD, UINT64_C(0x10000000), S2_D2, 0};

    bench2_map(b, &s2);
    EXPECT(b, OK2(b, MODEL_READ));
    ste6(b, S2_D2, s2.top + 64);
    dma2(b, MODEL_READ);
    REPORTED_ANY(b, "smmuv3.tlb.attributes-differ"); /* Of the same VMID. */
    ste2_event(b, geometry(24, 1, 0), bench_ram(b, 8192, 8192) + 4096);
    REPORTED(b, "smmuv3.ste.s2ttb-misaligned"); /* Two tables: 8 KiB */
    ste2_event(b, S2_D2 | UINT64_C(1) << 60, s2.top);
    REPORTED(b, "smmuv3.ste.reserved"); /* S2PIE */
    plain[3] = s2.top;
    put_ste2(b, SID, plain);
    dma2(b, MODEL_READ);
    REPORTED(b, "smmuv3.ste.bypass-shareability");
    return selftest_end(&b->room);
}

/* The first table is as many as the input size asks for. */
static const char *concatenated(void *memory, size_t bytes)
{
    struct stage2 s2;
    struct bench *b = bench2(memory, bytes, 1, &s2);
    uint64_t tops = bench_ram(b, 65536, 65536);
    uint64_t last = (UINT64_C(1) << 34) - 4096;

    put64(b, b->data, 5);
    ste6(b, geometry(30, 0, 0), tops); /* Level 2, 34 bits: 16 tables */
    put64(b, tops + 65536 - 8, s2.low | 3);
    put64(b, s2.low + 4096 - 8, b->data | S2_RW);
    EXPECT(b, dma(b, NONE, last, MODEL_READ) == MODEL_DMA_OK && b->buffer == 5);
    EXPECT(b, dma(b, NONE, last & ~(UINT64_C(1) << 33), MODEL_READ) != MODEL_DMA_OK);
    EXPECT(b, dma(b, NONE, last | UINT64_C(1) << 34, MODEL_READ) != MODEL_DMA_OK);
    return selftest_end(&b->room);
}

static const char *granules_and_blocks(void *memory, size_t bytes)
{
    struct stage2 s2;
    struct bench *b = bench2(memory, bytes, 1, &s2);
    uint64_t top = bench_ram(b, 65536, 65536);
    uint64_t low = bench_ram(b, 65536, 65536);
    uint64_t page = bench_ram(b, 65536, 65536);
    uint64_t ipa = UINT64_C(0x123450000);

    put64(b, page, 6);
    ste6(b, geometry(28, 1, 1), top); /* 64K, 36 bits, level 2 */
    put64(b, top + 8 * (ipa >> 29), low | 3);
    put64(b, low + 8 * (ipa >> 16 & 0x1FFF), page | S2_RW);
    EXPECT(b, dma(b, NONE, ipa, MODEL_READ) == MODEL_DMA_OK && b->buffer == 6);
    put64(b, top + 8 * (ipa >> 29), 0);
    put64(b, low + 8 * (ipa >> 16 & 0x1FFF), 0);
    ste6(b, geometry(28, 1, 2), top); /* 16K, 36 bits, level 2 */
    s2_tlbi(b);
    b->buffer = 0;
    put64(b, top + 8 * (ipa >> 25), low | 3);
    put64(b, low + 8 * (ipa >> 14 & 0x7FF), page | S2_RW);
    EXPECT(b, dma(b, NONE, ipa, MODEL_READ) == MODEL_DMA_OK && b->buffer == 6);
    ste6(b, S2_D2, s2.top);
    s2_tlbi(b);
    b->buffer = 0;
    put64(b, s2.top + 8 * (IPA >> 30 & 511), UINT64_C(0x80000000) | (S2_RW & ~UINT64_C(2)));
    EXPECT(b, dma(b, NONE, IPA_OF(page), MODEL_READ) == MODEL_DMA_OK && b->buffer == 6);
    s2_put(b, &s2, IPA_OF(page), page | (S2_RW & ~UINT64_C(2))); /* A block at level 3 */
    s2_tlbi(b);
    EXPECT(b, dma(b, NONE, IPA_OF(page), MODEL_READ) != MODEL_DMA_OK);
    put64(b, top, S2_RW & ~UINT64_C(2)); /* and at level 0 */
    ste6(b, geometry(16, 2, 0), top);
    s2_tlbi(b);
    EXPECT(b, dma(b, NONE, UINT64_C(0x80000000), MODEL_READ) != MODEL_DMA_OK);
    return selftest_end(&b->room);
}

static const char *flags_by_hardware(void *memory, size_t bytes)
{
    struct stage2 s2;
    struct bench *b = bench2(memory, bytes, 1, &s2);
    uint64_t low, pte = b->data | S2_RO | UINT64_C(1) << 51;

    bench2_map(b, &s2);
    low = s2.low + 8 * (AT(b) >> 12 & 511);
    ste6(b, S2_D2 | UINT64_C(3) << 55, s2.top); /* S2HA S2HD */
    put64(b, low, pte & ~UINT64_C(0x400));
    EXPECT(b, OK2(b, MODEL_READ));
    EXPECT(b, get64(b, low) == pte); /* Accessed, still clean. */
    EXPECT(b, OK2(b, MODEL_WRITE));
    EXPECT(b, get64(b, low) == (pte | 0x80));
    ste6(b, S2_D2 | UINT64_C(1) << 56, s2.top);
    s2_tlbi(b);
    put64(b, low, pte);
    EXPECT(b, !OK2(b, MODEL_WRITE)); /* S2HD=0: DBM means nothing. */
    ste6(b, S2_D2 | UINT64_C(1) << 53, s2.top);
    s2_tlbi(b);
    put64(b, low, pte & ~UINT64_C(0x400)); /* S2AFFD */
    EXPECT(b, OK2(b, MODEL_READ));
    EXPECT(b, get64(b, low) == (pte & ~UINT64_C(0x400)));
    return selftest_end(&b->room);
}

static const char *scopes(void *memory, size_t bytes)
{
    const uint64_t at = IPA_OF(SELFTEST_RAM_BASE);
    static const uint64_t v = (uint64_t)VMID << 32;
    const uint64_t good[][2] = {{v | 0x28, 0}, {v | 0x2A, at}, {v | 0x2A, at | 1}, {0x30, 0}};
    const uint64_t useless[][2] = {
        {v | 0x10, 0}, {v | 0x2A, at + 4096}, {UINT64_C(0x60000002A), at}, {v | 0x13, at}};
    struct stage2 s2;
    const char *why = NULL;
    size_t i;

    for (i = 0; i < 4 && why == NULL; i++) {
        struct bench *b = bench2(memory, bytes, i, &s2);
        uint64_t page = AT(b) - at;

        bench2_map(b, &s2);
        EXPECT(b, OK2(b, MODEL_READ));
        s2_put(b, &s2, AT(b), 0);
        push(b, useless[i][0], useless[i][1] == 0 ? 0 : useless[i][1] + page);
        do_sync(b);
        EXPECT(b, OK2(b, MODEL_READ));
        EXPECT(b, model_smmuv3_vmid_cached(b->m, VMID));
        push(b, good[i][0], good[i][1] == 0 ? 0 : good[i][1] + page);
        do_sync(b);
        EXPECT(b, !OK2(b, MODEL_READ));
        why = selftest_end(&b->room);
    }
    return why;
}

static const char *vmids_are_apart(void *memory, size_t bytes)
{
    struct stage2 s2;
    struct bench *b = bench2(memory, bytes, 1, &s2);
    uint64_t page = bench_ram(b, 4096, 4096);
    uint64_t low = bench_ram(b, 4096, 4096);

    bench2_map(b, &s2);
    put64(b, page, 2);
    put64(b, b->data, 1);
    EXPECT(b, OK2(b, MODEL_READ) && b->buffer == 1);
    put64(b, s2.mid + 8 * (AT(b) >> 21 & 511), low | 3);
    put64(b, low + 8 * (AT(b) >> 12 & 511), page | S2_RW);
    ste6(b, S2_D2 + 1, s2.top);
    EXPECT(b, OK2(b, MODEL_READ) && b->buffer == 2);
    EXPECT(b, model_smmuv3_vmid_cached(b->m, VMID) && model_smmuv3_vmid_cached(b->m, VMID + 1));
    s2_tlbi(b);
    EXPECT(b, !model_smmuv3_vmid_cached(b->m, VMID) && model_smmuv3_vmid_cached(b->m, VMID + 1));
    return selftest_end(&b->room);
}

static const char *walk_cache(void *memory, size_t bytes)
{
    struct stage2 s2;
    struct bench *b = bench2(memory, bytes, 1, &s2);
    struct model_smmuv3_knobs knobs;
    uint64_t other = bench_ram(b, 4096, 4096);

    model_smmuv3_get_knobs(b->m, &knobs);
    knobs.walk_cache = 1000;
    model_smmuv3_set_knobs(b->m, &knobs);
    bench2_map(b, &s2);
    EXPECT(b, OK2(b, MODEL_READ));
    put64(b, s2.mid + 8 * (AT(b) >> 21 & 511), other | 3);
    push(b, (uint64_t)VMID << 32 | 0x2A, AT(b) | 1); /* Leaf=1 */
    do_sync(b);
    EXPECT(b, OK2(b, MODEL_READ));
    EXPECT(b, !model_smmuv3_check_tables_unused(b->m, s2.low, s2.low + 4095));
    push(b, (uint64_t)VMID << 32 | 0x2A, AT(b));
    do_sync(b);
    EXPECT(b, !OK2(b, MODEL_READ));
    EXPECT(b, model_smmuv3_check_tables_unused(b->m, s2.low, s2.low + 4095));
    return selftest_end(&b->room);
}

static const char *ats_answers(void *memory, size_t bytes)
{
    struct stage2 s2;
    struct bench *b = bench2(memory, bytes, 1, &s2);
    struct model_translation got;

    bench2_map(b, &s2);
    got = ats(b, NONE, AT(b), MODEL_READ | MODEL_WRITE);
    EXPECT(b, got.status == MODEL_TRANSLATE_OK && got.address == b->data);
    EXPECT(b, got.access == (MODEL_READ | MODEL_WRITE));
    got = ats(b, NONE, AT(b) + 4096, MODEL_READ);
    EXPECT(b, got.status == MODEL_TRANSLATE_OK && got.access == 0);
    s2_put(b, &s2, AT(b) + 8192, b->data | S2_RO);
    EXPECT(b, ats(b, NONE, AT(b) + 8192, MODEL_READ | MODEL_WRITE).access == MODEL_READ);
    EXPECT(b, ats(b, PASID, AT(b), MODEL_READ).status == MODEL_TRANSLATE_ABORTED);
    settle(b);
    EXPECT(b, rd(b, IDX_EVT_PROD) == 1 && (event_word(b, 0, 0) & 0xFF) == 8);
    return selftest_end(&b->room);
}

static const char *page_requests(void *memory, size_t bytes)
{
    struct stage2 s2;
    struct bench *b = bench2(memory, bytes, 1, &s2);

    bench2_map(b, &s2);
    page_request(b, NONE, 9, AT(b), MODEL_WRITE, true);
    settle(b);
    EXPECT(b, rd(b, IDX_PRI_PROD) == 1);
    EXPECT(b, (get64(b, b->priq) & UINT64_C(0xFC000000FFFFFFFF)) == UINT64_C(0x6000000000000208));
    EXPECT(b, get64(b, b->priq + 8) == (AT(b) | 9));
    push(b, EV(0x41), 0x2009);
    settle(b);
    EXPECT(b, b->responses == 1 && !b->response.has_pasid && b->response.index == 9);
    return selftest_end(&b->room);
}

static const char *stalls(void *memory, size_t bytes)
{
    struct stage2 s2;
    struct bench *b = bench2(memory, bytes, 1, &s2);

    bench2_map(b, &s2);
    ste6(b, S2_D2 | UINT64_C(1) << 57, s2.top); /* S2S and EATS do not go together. */
    dma2(b, MODEL_READ);
    EXPECT(b, event_is(b, 0, EV(4), 0, 0, 0));
    put64(b, b->strtab + 64 * SID + 8, UINT64_C(0x0000100000000000));
    cfgi_ste(b);
    s2_put(b, &s2, AT(b), 0);
    EXPECT(b, dma2(b, MODEL_READ) == MODEL_DMA_STALLED);
    EXPECT(b, event2_is(b, 1, EV(0x10), S2_FAULT | CLASS_IN | RNW | UINT64_C(0x80000000), AT(b),
                        AT(b)));
    s2_put(b, &s2, AT(b), b->data | S2_RW);
    push(b, EV(0x1044), event_word(b, 1, 1) & 0xFFFF);
    settle(b);
    EXPECT(b, b->ends == 1 && b->ended == MODEL_DMA_OK);
    return selftest_end(&b->room);
}

static const char *execute_never(void *memory, size_t bytes)
{
    struct model_smmuv3_config config;
    struct stage2 s2;
    struct bench *b;
    uint32_t i;

    model_smmuv3_defaults(&config);
    config.xnx = true;
    b = bench2_with(memory, bytes, 1, &config, &s2);
    EXPECT(b, (rd(b, 0xC) >> 4 & 1) == 1);
    bench2_map(b, &s2);
    for (i = 0; i < 4; i++) { /* both, user only, neither, privileged only */
        s2_put(b, &s2, AT(b), b->data | S2_RW | (uint64_t)i << 53);
        s2_tlbi(b);
        EXPECT(b, OK2(b, MODEL_READ | MODEL_EXEC) == (i < 2));
        EXPECT(b, OK2(b, MODEL_READ | MODEL_EXEC | MODEL_PRIV) == (i == 0 || i == 3));
    }
    return selftest_end(&b->room);
}

static const char *inspection(void *memory, size_t bytes)
{
    const uint64_t none[4] = {1, 0, 0, 0};
    struct stage2 s2;
    struct bench *b = bench2(memory, bytes, 1, &s2);

    bench2_map(b, &s2);
    EXPECT(b, model_smmuv3_check_tables_unused(b->m, s2.top, s2.top + 4095));
    EXPECT(b, OK2(b, MODEL_READ));
    EXPECT(b, !model_smmuv3_check_unreachable(b->m, SID, NONE));
    EXPECT(b, model_smmuv3_check_unreachable(b->m, SID, PASID));
    EXPECT(b, !model_smmuv3_check_tables_unused(b->m, s2.top, s2.top + 4095));
    EXPECT(b, !model_smmuv3_check_tables_unused(b->m, s2.low, s2.low + 4095));
    put_ste2(b, SID, none);
    EXPECT(b, !model_smmuv3_check_unreachable(b->m, SID, NONE)); /* What is left of it. */
    EXPECT(b, !model_smmuv3_check_tables_unused(b->m, s2.top, s2.top + 4095));
    s2_tlbi(b);
    EXPECT(b, model_smmuv3_check_unreachable(b->m, SID, NONE));
    EXPECT(b, model_smmuv3_check_tables_unused(b->m, s2.top, s2.top + 4095));
    bench2_map(b, &s2);
    model_smmuv3_prefetch(b->m, SID, NONE);
    EXPECT(b, !model_smmuv3_check_tables_unused(b->m, s2.top, s2.top + 4095)); /* By the STE */
    return selftest_end(&b->room);
}

static const char *shared_vmid(void *memory, size_t bytes)
{
    const uint64_t none[4] = {1, 0, 0, 0};
    uint64_t word[4] = {0xD, UINT64_C(0x0000100010000000), S2_D2, 0};
    struct stage2 s2;
    struct bench *b = bench2(memory, bytes, 1, &s2);

    bench2_map(b, &s2);
    word[3] = s2.top;
    put_ste2(b, SID + 1, word);
    model_smmuv3_prefetch(b->m, SID + 1, NONE);
    EXPECT(b, OK2(b, MODEL_READ));
    put_ste2(b, SID, none);
    EXPECT(b, model_smmuv3_check_unreachable(b->m, SID, NONE)); /* The other stream's entries. */
    EXPECT(b, !model_smmuv3_check_unreachable(b->m, SID + 1, NONE));
    word[3] = s2.mid;
    put_ste2(b, SID + 1, word);
    model_smmuv3_prefetch(b->m, SID + 1, NONE);
    s2_tlbi(b);
    bench2_map(b, &s2);
    dma2(b, MODEL_READ);
    REPORTED(b, "smmuv3.ste.vmid-shared-differ");
    return selftest_end(&b->room);
}

static const char *atc_too_soon(void *memory, size_t bytes)
{
    struct stage2 s2;
    struct bench *b = bench2(memory, bytes, 1, &s2);
    struct model_smmuv3_knobs knobs;

    model_smmuv3_get_knobs(b->m, &knobs);
    knobs.invalidate_lag_ns = 1000000;
    model_smmuv3_set_knobs(b->m, &knobs);
    bench2_map(b, &s2);
    EXPECT(b, ats(b, NONE, AT(b), MODEL_READ).access != 0);
    push(b, (uint64_t)VMID << 32 | 0x2A, AT(b));
    push(b, EV(0x40), AT(b)); /* No CMD_SYNC between the two. */
    do_sync(b);
    REPORTED(b, "smmuv3.order.atc-before-tlbi");
    return selftest_end(&b->room);
}

const struct model_selftest model_selftests_smmuv3_stage2[] = {
    {"translates", translates},
    {"faults", faults},
    {"legality", legality},
    {"style", style},
    {"concatenated", concatenated},
    {"granules_and_blocks", granules_and_blocks},
    {"flags_by_hardware", flags_by_hardware},
    {"scopes", scopes},
    {"vmids_are_apart", vmids_are_apart},
    {"walk_cache", walk_cache},
    {"ats_answers", ats_answers},
    {"page_requests", page_requests},
    {"stalls", stalls},
    {"execute_never", execute_never},
    {"inspection", inspection},
    {"shared_vmid", shared_vmid},
    {"atc_too_soon", atc_too_soon},
};
const unsigned model_selftest_count_smmuv3_stage2 =
    sizeof(model_selftests_smmuv3_stage2) / sizeof(model_selftests_smmuv3_stage2[0]);
