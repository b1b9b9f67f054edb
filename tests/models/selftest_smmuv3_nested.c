/* SPDX-License-Identifier: BSD-2-Clause */
#include "selftest_smmuv3_stage2.h"

/* Stage 1 of a guest over stage 2: CDs and tables of stage 1 lie at IPAs. */

extern const struct model_selftest model_selftests_smmuv3_nested[];
extern const unsigned model_selftest_count_smmuv3_nested;

#define OK(b, access) (dma((b), PASID, VA, (access)) == MODEL_DMA_OK)
#define NH_ALL        ((uint64_t)VMID << 32 | 0x10)
#define S2_IPA        ((uint64_t)VMID << 32 | 0x2A)
#define HEAD(id)      (UINT64_C(0x0000020800003800) | (id))

static void guest_pte(struct bench *b, uint64_t va, uint64_t pte)
{
    uint64_t root = IPA_OF(b->root);

    put64(b, b->root + 8 * (va >> 39 & 511), (root + 4096) | 3);
    put64(b, b->root + 4096 + 8 * (va >> 30 & 511), (root + 8192) | 3);
    put64(b, b->root + 8192 + 8 * (va >> 21 & 511), (root + 12288) | 3);
    put64(b, b->root + 12288 + 8 * (va >> 12 & 511), pte);
}

static void ste7(struct bench *b, const struct stage2 *s2, uint64_t d1, uint64_t d2)
{
    const uint64_t word[4] = {IPA_OF(b->cds) | UINT64_C(0x300000000000000F), d1, d2, s2->top};

    put_ste2(b, SID, word);
}

/* PASID 3, one page at VA, everything of the guest's mapped. */
static void nested_map(struct bench *b, const struct stage2 *s2)
{
    uint32_t i;

    for (i = 0; i < 4; i++) {
        s2_put(b, s2, IPA_OF(b->root) + 4096 * i, (b->root + 4096 * i) | S2_RW);
    }
    s2_put(b, s2, IPA_OF(b->cds), b->cds | S2_RO);
    s2_put(b, s2, IPA_OF(b->data), b->data | S2_RW);
    put_cd(b, PASID, CD_D0, IPA_OF(b->root));
    guest_pte(b, VA, IPA_OF(b->data) | PTE_USER_RW);
    ste7(b, s2, STE_D1, S2_D2);
    push(b, (uint64_t)SID << 32 | 6, 0);
    do_sync(b);
}

static void tlbi(struct bench *b, uint64_t d0, uint64_t d1)
{
    push(b, d0, d1);
    do_sync(b);
}

static const char *translates(void *memory, size_t bytes)
{
    struct stage2 s2;
    struct bench *b = bench2(memory, bytes, 1, &s2);
    struct model_smmuv3_config config;

    nested_map(b, &s2);
    put64(b, b->data, 9);
    EXPECT(b, OK(b, MODEL_READ) && b->buffer == 9);
    b->buffer = 4;
    EXPECT(b, OK(b, MODEL_WRITE) && get64(b, b->data) == 4);
    EXPECT(b, dma(b, 5, VA, MODEL_READ) == MODEL_DMA_ABORTED);
    EXPECT(b, event_is(b, 0, UINT64_C(0x000002080000580A), 0, 0, 0)); /* CD of zeroes */
    model_smmuv3_defaults(&config);
    config.s2p = true;
    config.s1p = false; /* Both stages are asked for. */
    b = bench2_with(memory, bytes, 1, &config, &s2);
    ste7(b, &s2, STE_D1, S2_D2);
    dma(b, PASID, VA, MODEL_READ);
    EXPECT(b, event_is(b, 0, UINT64_C(0x0000020800003804), 0, 0, 0));
    return selftest_end(&b->room);
}

static const char *level1_of_cds(void *memory, size_t bytes)
{
    struct stage2 s2;
    struct bench *b = bench2(memory, bytes, 1, &s2);
    uint64_t l1 = bench_ram(b, 4096, 4096);
    uint64_t word[4] = {0, STE_D1, S2_D2, 0};

    nested_map(b, &s2);
    s2_put(b, &s2, IPA_OF(l1), l1 | S2_RO);
    put64(b, l1, IPA_OF(b->cds) | 1);
    word[0] = IPA_OF(l1) | 0x1F | UINT64_C(7) << 59; /* S1Fmt=1, 128 CDs */
    word[3] = s2.top;
    put_ste2(b, SID, word);
    EXPECT(b, OK(b, MODEL_READ));
    s2_put(b, &s2, IPA_OF(l1), 0);
    s2_tlbi(b);
    EXPECT(b, OK(b, MODEL_READ)); /* The CD is cached. */
    push(b, (uint64_t)SID << 32 | 6, 0);
    s2_tlbi(b);
    EXPECT(b, !OK(b, MODEL_READ));
    EXPECT(b, event2_is(b, 0, HEAD(0x10), S2_FAULT | RNW, VA, IPA_OF(l1)));
    return selftest_end(&b->room);
}

static const char *faults_by_class(void *memory, size_t bytes)
{
    struct stage2 s2;
    struct bench *b = bench2(memory, bytes, 1, &s2);
    uint64_t cd, table, leaf;
    uint32_t i;

    nested_map(b, &s2);
    cd = s2.low + 8 * (IPA_OF(b->cds) >> 12 & 511);
    table = IPA_OF(b->root) + 12288;
    leaf = table + 8 * (VA >> 12 & 511);
    s2_put(b, &s2, IPA_OF(b->cds), 0);
    EXPECT(b, !OK(b, MODEL_WRITE));
    EXPECT(b, event2_is(b, 0, HEAD(0x10), S2_FAULT, VA, IPA_OF(b->cds)));
    model_bus_inject_abort(b->room.world, cd, cd + 7, 1);
    EXPECT(b, !OK(b, MODEL_WRITE));
    EXPECT(b, event_is(b, 1, HEAD(0xB), S2_FAULT, VA, cd));
    s2_put(b, &s2, IPA_OF(b->cds), b->cds | S2_RO);
    s2_put(b, &s2, table, 0);
    EXPECT(b, !OK(b, MODEL_READ));
    EXPECT(b, event2_is(b, 2, HEAD(0x10), S2_FAULT | CLASS_TT | RNW, VA, table));
    EXPECT(b, (event_word(b, 2, 3) & ~UINT64_C(0xFFF)) == (leaf & ~UINT64_C(0xFFF)));
    s2_put(b, &s2, table, (b->root + 12288) | (S2_RW & ~UINT64_C(0x40)));
    EXPECT(b, !OK(b, MODEL_WRITE)); /* The table cannot be read: TTRnW=1. */
    EXPECT(b, event2_is(b, 3, HEAD(0x13), S2_FAULT | CLASS_TT | UINT64_C(1) << 44, VA, table));
    s2_tlbi(b);
    s2_put(b, &s2, table, (b->root + 12288) | S2_RW);
    s2_put(b, &s2, IPA_OF(b->data), b->data | S2_RO);
    EXPECT(b, !OK(b, MODEL_WRITE));
    EXPECT(b, event2_is(b, 4, HEAD(0x13), S2_FAULT | CLASS_IN, VA, IPA_OF(b->data)));
    EXPECT(b, OK(b, MODEL_READ));
    for (i = 5; i < 12; i++) { /* By a hit, or by a walk */
        EXPECT(b, OK(b, MODEL_READ));
        EXPECT(b, dma(b, PASID, VA | 0x10, MODEL_WRITE) == MODEL_DMA_ABORTED);
        EXPECT(b, event2_is(b, i, HEAD(0x13), S2_FAULT | CLASS_IN, VA | 0x10, IPA_OF(b->data)));
    }
    guest_pte(b, VA, 0);
    s2_tlbi(b);
    EXPECT(b, !OK(b, MODEL_READ)); /* Stage 1's own */
    EXPECT(b, event_is(b, 12, HEAD(0x10), CLASS_IN | RNW, VA, 0));
    return selftest_end(&b->room);
}

/* E5: hardware wants to set AF in a table that stage 2 lets it only read. */
static const char *table_write(void *memory, size_t bytes)
{
    struct stage2 s2;
    struct bench *b = bench2(memory, bytes, 1, &s2);
    uint64_t table, at, pte;

    nested_map(b, &s2);
    table = IPA_OF(b->root) + 12288;
    at = b->root + 12288 + 8 * (VA >> 12 & 511);
    pte = IPA_OF(b->data) | (PTE_USER_RW & ~UINT64_C(0x400));
    put64(b, at, pte);
    put_cd(b, PASID, CD_D0 | UINT64_C(1) << 43, IPA_OF(b->root)); /* HA */
    cfgi_cd(b, PASID);
    s2_put(b, &s2, table, (b->root + 12288) | S2_RO);
    EXPECT(b, !OK(b, MODEL_READ));
    EXPECT(b, event2_is(b, 0, HEAD(0x13), UINT64_C(0x0000018800000000), VA, table));
    EXPECT(b, get64(b, at) == pte);
    s2_put(b, &s2, table, (b->root + 12288) | S2_RW);
    s2_tlbi(b);
    EXPECT(b, OK(b, MODEL_READ));
    EXPECT(b, get64(b, at) == (pte | 0x400));
    return selftest_end(&b->room);
}

static const char *protected_walks(void *memory, size_t bytes)
{
    struct stage2 s2;
    struct bench *b = bench2(memory, bytes, 1, &s2);
    uint64_t table;

    nested_map(b, &s2);
    table = IPA_OF(b->root) + 12288;
    s2_put(b, &s2, table, (b->root + 12288) | (S2_RW & ~UINT64_C(0x3C))); /* Device */
    EXPECT(b, OK(b, MODEL_READ));
    s2_tlbi(b);
    ste7(b, &s2, STE_D1, S2_D2 | UINT64_C(1) << 54); /* S2PTW */
    EXPECT(b, !OK(b, MODEL_READ));
    EXPECT(b,
           event2_is(b, 0, HEAD(0x13), S2_FAULT | CLASS_TT | RNW | UINT64_C(1) << 44, VA, table));
    return selftest_end(&b->room);
}

/* CMD_TLBI_S2_IPA takes entries of stage 2 alone. Those of both stages go by stage 1. */
static const char *ipa_leaves_combined(void *memory, size_t bytes)
{
    struct stage2 s2;
    struct bench *b = bench2(memory, bytes, 1, &s2);

    nested_map(b, &s2);
    EXPECT(b, OK(b, MODEL_READ));
    s2_put(b, &s2, IPA_OF(b->data), 0);
    tlbi(b, S2_IPA, IPA_OF(b->data));
    EXPECT(b, OK(b, MODEL_READ)); /* Software is about to go on. */
    EXPECT(b, b->room.reports == 0);
    do_sync(b);
    EXPECT(b, OK(b, MODEL_READ)); /* It never did. */
    REPORTED(b, "smmuv3.tlb.stage2-gone");
    EXPECT(b, !model_smmuv3_check_tables_unused(b->m, s2.low, s2.low + 4095));
    tlbi(b, NH_ALL, 0);
    EXPECT(b, !OK(b, MODEL_READ));
    s2_put(b, &s2, IPA_OF(b->data), b->data | S2_RW);
    EXPECT(b, OK(b, MODEL_READ));
    tlbi(b, NH_ALL, 0);
    s2_put(b, &s2, IPA_OF(b->data), 0);
    EXPECT(b, OK(b, MODEL_READ)); /* Stage 1's commands leave entries of stage 2. */
    tlbi(b, S2_IPA, IPA_OF(b->data));
    tlbi(b, NH_ALL, 0);
    EXPECT(b, !OK(b, MODEL_READ));
    return selftest_end(&b->room);
}

static const char *scopes(void *memory, size_t bytes)
{
    static const uint64_t v = (uint64_t)VMID << 32, a = (uint64_t)ASID << 48;
    static const uint64_t good[][2] = {
        {v | 0x28, 0}, {v | 0x10, 0}, {v | a | 0x11, 0}, {v | a | 0x12, VA}, {v | 0x13, VA}};
    static const uint64_t useless[][2] = {{UINT64_C(0x600000028), 0},
                                          {UINT64_C(0x600000010), 0},
                                          {a | 0x11, 0},
                                          {a | 0x12, VA},
                                          {UINT64_C(0x600000013), VA}};
    struct stage2 s2;
    const char *why = NULL;
    size_t i;

    for (i = 0; i < 5 && why == NULL; i++) {
        struct bench *b = bench2(memory, bytes, i, &s2);

        nested_map(b, &s2);
        EXPECT(b, OK(b, MODEL_READ));
        guest_pte(b, VA, 0);
        tlbi(b, S2_IPA, VA); /* Not its IPA */
        tlbi(b, useless[i][0], useless[i][1]);
        EXPECT(b, OK(b, MODEL_READ));
        tlbi(b, good[i][0], good[i][1]);
        EXPECT(b, model_smmuv3_vmid_cached(b->m, VMID) == (i > 0)); /* Stage 2's stay. */
        EXPECT(b, !OK(b, MODEL_READ));
        why = selftest_end(&b->room);
    }
    return why;
}

/* The smaller of the two blocks counts. */
static const char *sizes(void *memory, size_t bytes)
{
    struct stage2 s2;
    struct bench *b = bench2(memory, bytes, 1, &s2);
    uint64_t base = VA & ~UINT64_C(0x1FFFFF);
    uint64_t other = bench_ram(b, 4096, 4096);

    nested_map(b, &s2);
    s2_put(b, &s2, IPA_OF(b->data) + 4096, other | S2_RW);
    put64(b, b->root + 8192 + 8 * (VA >> 21 & 511), IPA | (PTE_USER_RW & ~UINT64_C(2)));
    put64(b, b->data, 1);
    put64(b, other, 2);
    base += b->data - SELFTEST_RAM_BASE;
    EXPECT(b, dma(b, PASID, base, MODEL_READ) == MODEL_DMA_OK && b->buffer == 1);
    EXPECT(b, dma(b, PASID, base + 4096, MODEL_READ) == MODEL_DMA_OK && b->buffer == 2);
    EXPECT(b, dma(b, PASID, base, MODEL_READ) == MODEL_DMA_OK && b->buffer == 1);
    return selftest_end(&b->room);
}

static const char *past_stage1(void *memory, size_t bytes)
{
    struct stage2 s2;
    struct bench *b = bench2(memory, bytes, 1, &s2);

    nested_map(b, &s2);
    ste7(b, &s2, (STE_D1 & ~UINT64_C(3)) | 1, S2_D2); /* S1DSS=1 */
    EXPECT(b, model_smmuv3_check_unreachable(b->m, SID, NONE));
    model_smmuv3_prefetch(b->m, SID, NONE);
    EXPECT(b, !model_smmuv3_check_unreachable(b->m, SID, NONE));
    EXPECT(b, dma(b, NONE, IPA_OF(b->data), MODEL_READ) == MODEL_DMA_OK);
    EXPECT(b, dma(b, NONE, VA, MODEL_READ) == MODEL_DMA_ABORTED);
    EXPECT(b, event2_is(b, 0, EV(0x10), S2_FAULT | CLASS_IN | RNW, VA, VA));
    EXPECT(b, !model_smmuv3_check_unreachable(b->m, SID, NONE));
    s2_tlbi(b);
    EXPECT(b, OK(b, MODEL_READ)); /* What stage 1 needed serves this one as well: */
    EXPECT(b, dma(b, NONE, IPA_OF(b->data), MODEL_READ) == MODEL_DMA_OK);
    put_ste(b, SID, 1, 0);
    cfgi_ste(b);
    EXPECT(b, !model_smmuv3_check_unreachable(b->m, SID, NONE));
    return selftest_end(&b->room);
}

static const char *vmid_with_stage1_alone(void *memory, size_t bytes)
{
    struct stage2 s2;
    struct bench *b = bench2(memory, bytes, 1, &s2);
    uint64_t word[4] = {0, STE_D1, VMID, 0};

    nested_map(b, &s2);
    word[0] = STE_D0(b);
    put_ste2(b, SID + 1, word);
    model_smmuv3_prefetch(b->m, SID + 1, NONE);
    EXPECT(b, OK(b, MODEL_READ));
    REPORTED_ANY(b, "smmuv3.ste.vmid-stages-mixed");
    put_ste2(b, SID, word); /* The same stream, its old entries left. */
    put_cd(b, PASID, CD_D0, IPA_OF(b->root));
    dma(b, PASID, VA, MODEL_READ);
    REPORTED(b, "smmuv3.tlb.stages-mixed");
    return selftest_end(&b->room);
}

static enum model_dma_result translated(struct bench *b, uint64_t address)
{
    struct model_dma what;
    enum model_dma_result result;

    memset(&what, 0, sizeof(what));
    what.id = SID;
    what.translated = true;
    what.address = address;
    what.access = MODEL_READ;
    what.data = &b->buffer;
    what.bytes = 8;
    selftest_little(&b->buffer);
    result = model_smmuv3_ops()->dma(b->m, &what);
    selftest_little(&b->buffer);
    return result;
}

static const char *ats_answers(void *memory, size_t bytes)
{
    struct stage2 s2;
    struct bench *b = bench2(memory, bytes, 1, &s2);
    struct model_translation got;

    nested_map(b, &s2);
    got = ats(b, PASID, VA, MODEL_READ | MODEL_WRITE);
    EXPECT(b, got.status == MODEL_TRANSLATE_OK && got.address == b->data);
    EXPECT(b, got.access == (MODEL_READ | MODEL_WRITE));
    EXPECT(b, translated(b, b->data) == MODEL_DMA_OK);
    s2_put(b, &s2, IPA_OF(b->data), b->data | S2_RO);
    s2_tlbi(b);
    EXPECT(b, ats(b, PASID, VA, MODEL_READ | MODEL_WRITE).access == MODEL_READ);
    s2_put(b, &s2, IPA_OF(b->data), 0);
    s2_tlbi(b);
    got = ats(b, PASID, VA, MODEL_READ);
    EXPECT(b, got.status == MODEL_TRANSLATE_OK && got.access == 0);
    s2_put(b, &s2, IPA_OF(b->cds), b->cds | (S2_RW & ~UINT64_C(0x40)));
    push(b, (uint64_t)SID << 32 | 6, 0);
    s2_tlbi(b);
    got = ats(b, PASID, VA, MODEL_READ); /* A CD that may not be read: no access, no event */
    EXPECT(b, got.status == MODEL_TRANSLATE_OK && got.access == 0);
    settle(b);
    EXPECT(b, rd(b, IDX_EVT_PROD) == 0);
    return selftest_end(&b->room);
}

/* EATS=2: the device is told IPAs, and they pass stage 2 when they come back. */
static const char *split_stage(void *memory, size_t bytes)
{
    uint64_t d1 = (STE_D1 & ~UINT64_C(0x30000000)) | UINT64_C(0x20000000);
    struct stage2 s2;
    struct bench *b = bench2(memory, bytes, 1, &s2);
    struct model_translation got;

    nested_map(b, &s2);
    ste7(b, &s2, d1, S2_D2);
    put64(b, b->data, 11);
    got = ats(b, PASID, VA, MODEL_READ);
    EXPECT(b, got.status == MODEL_TRANSLATE_OK && got.address == IPA_OF(b->data));
    EXPECT(b, translated(b, got.address) == MODEL_DMA_OK && b->buffer == 11);
    b->buffer = 0;
    EXPECT(b, OK(b, MODEL_READ) && b->buffer == 11); /* Untranslated, through both */
    EXPECT(b, translated(b, IPA_OF(b->data) + 4096) == MODEL_DMA_ABORTED);
    EXPECT(b, event2_is(b, 0, EV(0x10), S2_FAULT | CLASS_IN | RNW, IPA_OF(b->data) + 4096,
                        IPA_OF(b->data) + 4096));
    cr0(b, ALL_ON & ~ATSCHK);
    cfgi_ste(b);
    EXPECT(b, ats(b, PASID, VA, MODEL_READ).status == MODEL_TRANSLATE_UNSUPPORTED);
    return selftest_end(&b->room);
}

static const char *inspection(void *memory, size_t bytes)
{
    struct stage2 s2;
    struct bench *b = bench2(memory, bytes, 1, &s2);
    struct model_smmuv3_knobs knobs;
    uint32_t i;

    model_smmuv3_get_knobs(b->m, &knobs);
    knobs.walk_cache = 1000;
    model_smmuv3_set_knobs(b->m, &knobs);
    nested_map(b, &s2);
    model_smmuv3_prefetch(b->m, SID, PASID);
    EXPECT(b, !model_smmuv3_check_tables_unused(b->m, b->root, b->root + 4095)); /* By the CD */
    EXPECT(b, !model_smmuv3_check_unreachable(b->m, SID, PASID));
    EXPECT(b, OK(b, MODEL_READ));
    EXPECT(b, !model_smmuv3_check_tables_unused(b->m, b->root + 12288, b->root + 16383));
    EXPECT(b,
           model_smmuv3_check_unreachable(b->m, SID, NONE)); /* What it needed inside is not it. */
    for (i = 0; i < 4; i++) {
        tlbi(b, S2_IPA, IPA_OF(b->root) + 4096 * i);
    }
    tlbi(b, S2_IPA, IPA_OF(b->cds));
    tlbi(b, S2_IPA, IPA_OF(b->data));
    EXPECT(b, !model_smmuv3_check_tables_unused(b->m, s2.low, s2.low + 4095)); /* Both stages' */
    put_cd(b, PASID, 0, 0);
    cfgi_cd(b, PASID);
    tlbi(b, (uint64_t)VMID << 32 | (uint64_t)ASID << 48 | 0x11, 0);
    EXPECT(b, model_smmuv3_check_unreachable(b->m, SID, PASID));
    EXPECT(b, model_smmuv3_check_tables_unused(b->m, b->root, b->root + 16383));
    EXPECT(b, model_smmuv3_check_tables_unused(b->m, s2.low, s2.low + 4095));
    EXPECT(b, !model_smmuv3_check_tables_unused(b->m, s2.top, s2.top + 4095));
    put_ste(b, SID, 1, 0);
    cfgi_ste(b);
    s2_tlbi(b);
    EXPECT(b, model_smmuv3_check_tables_unused(b->m, s2.low, s2.low + 4095));
    EXPECT(b, model_smmuv3_check_tables_unused(b->m, s2.top, s2.top + 4095));
    return selftest_end(&b->room);
}

/* A kept walk of both stages leads to the old place of a table until stage 1 is invalidated. */
static const char *walk_cache(void *memory, size_t bytes)
{
    struct stage2 s2;
    struct bench *b = bench2(memory, bytes, 1, &s2);
    struct model_smmuv3_knobs knobs;
    uint64_t other = bench_ram(b, 4096, 4096);
    uint64_t table = 0;

    model_smmuv3_get_knobs(b->m, &knobs);
    knobs.walk_cache = 1000;
    knobs.stage2_grace = 0;
    model_smmuv3_set_knobs(b->m, &knobs);
    nested_map(b, &s2);
    table = IPA_OF(b->root) + 12288;
    EXPECT(b, OK(b, MODEL_READ));
    s2_put(b, &s2, table, other | S2_RW); /* The last table moves; nothing is in the new one. */
    tlbi(b, S2_IPA, table);
    tlbi(b, (uint64_t)VMID << 32 | 0x13, VA | 1); /* Leaf=1 */
    EXPECT(b, OK(b, MODEL_READ));
    tlbi(b, (uint64_t)VMID << 32 | 0x13, VA);
    EXPECT(b, !OK(b, MODEL_READ));
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
    nested_map(b, &s2);
    EXPECT(b, ats(b, PASID, VA, MODEL_READ).access != 0);
    push(b, S2_IPA, IPA_OF(b->data));
    push(b, UINT64_C(0x0000020800003840), VA); /* No CMD_SYNC between the two. */
    do_sync(b);
    REPORTED(b, "smmuv3.order.atc-before-tlbi");
    return selftest_end(&b->room);
}

/* Whoever invalidates what he has to is never reported, and reaches what he should. */
static const char *right_use(void *memory, size_t bytes)
{
    const char *why = NULL;
    uint64_t seed;
    unsigned i;

    for (seed = 0; seed < 20 && why == NULL; seed++) {
        struct stage2 s2;
        struct bench *b = bench2(memory, bytes, seed, &s2);
        uint64_t page[2] = {b->data, bench_ram(b, 4096, 4096)};
        struct model_smmuv3_knobs knobs;

        model_smmuv3_get_knobs(b->m, &knobs);
        knobs.evict = 300;
        knobs.prefetch = 300;
        model_smmuv3_set_knobs(b->m, &knobs);
        nested_map(b, &s2);
        put64(b, page[1], 1);
        for (i = 0; i < 20; i++) {
            EXPECT(b, OK(b, MODEL_READ) && b->buffer == (i & 1));
            if (i % 4 < 2) { /* The host gives another page. */
                s2_put(b, &s2, IPA_OF(b->data), 0);
                tlbi(b, S2_IPA, IPA_OF(b->data) | 1);
                tlbi(b, NH_ALL, 0);
                EXPECT(b, !OK(b, MODEL_READ));
                s2_put(b, &s2, IPA_OF(b->data), page[(i + 1) & 1] | S2_RW);
            } else { /* The guest's table goes, and comes back. */
                put64(b, b->root + 8192 + 8 * (VA >> 21 & 511), 0);
                tlbi(b, (uint64_t)VMID << 32 | (uint64_t)ASID << 48 | 0x12, VA);
                EXPECT(b, !OK(b, MODEL_READ));
                guest_pte(b, VA, IPA_OF(b->data) | PTE_USER_RW);
                s2_put(b, &s2, IPA_OF(b->data), page[(i + 1) & 1] | S2_RW);
                s2_tlbi(b);
            }
        }
        settle(b);
        why = selftest_end(&b->room);
    }
    return why;
}

const struct model_selftest model_selftests_smmuv3_nested[] = {
    {"translates", translates},
    {"level1_of_cds", level1_of_cds},
    {"faults_by_class", faults_by_class},
    {"table_write", table_write},
    {"protected_walks", protected_walks},
    {"ipa_leaves_combined", ipa_leaves_combined},
    {"scopes", scopes},
    {"sizes", sizes},
    {"past_stage1", past_stage1},
    {"vmid_with_stage1_alone", vmid_with_stage1_alone},
    {"ats_answers", ats_answers},
    {"split_stage", split_stage},
    {"inspection", inspection},
    {"walk_cache", walk_cache},
    {"atc_too_soon", atc_too_soon},
    {"right_use", right_use},
};
const unsigned model_selftest_count_smmuv3_nested =
    sizeof(model_selftests_smmuv3_nested) / sizeof(model_selftests_smmuv3_nested[0]);
