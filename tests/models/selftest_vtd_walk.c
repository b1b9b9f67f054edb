/* SPDX-License-Identifier: BSD-2-Clause */
#include "selftest_vtd_bench.h"

extern const struct model_selftest model_selftests_vtd_walk[];
extern const unsigned model_selftest_count_vtd_walk;

static struct bench *with(void *memory, size_t bytes, struct model_vtd_config *config)
{
    struct bench *b;

    config->dit = false;
    b = bench_create(memory, bytes, true, config);
    bench_start(b);
    return b;
}

/* The reason of the fault that a read meets; 0: it went well. */
static uint32_t reason(struct bench *b, uint32_t pasid, uint64_t va)
{
    if (reads(b, pasid, va)) {
        return fault(b) == 0 ? 0 : 0xFF;
    }
    return fault(b);
}

static uint64_t context_at(struct bench *b)
{
    return b->contexts + 32 * (SID & 0x7F);
}

static const char *root_and_context(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes);
    uint64_t good = get64(b, context_at(b));

    put64(b, b->roots + 16 * (SID >> 8), 0);
    EXPECT(b, reason(b, PASID, VA) == 0x39);
    put64(b, b->roots + 16 * (SID >> 8), b->contexts | 5);
    EXPECT(b, reason(b, PASID, VA) == 0x3A);
    put64(b, b->roots + 16 * (SID >> 8), b->contexts | 1);
    put64(b, context_at(b), 0);
    EXPECT(b, reason(b, PASID, VA) == 0x41);
    put64(b, context_at(b), 2);
    EXPECT(b, reason(b, PASID, VA) == 0);
    EXPECT(b, model_vtd_counts(b->m)->faults_silent == 1);
    put64(b, context_at(b), 0x1000011);
    EXPECT(b, reason(b, PASID, VA) == 0x43);
    put64(b, context_at(b), 0x1000081);
    EXPECT(b, reason(b, PASID, VA) == 0x42);
    put64(b, context_at(b), b->dir | 1);
    put64(b, context_at(b) + 8, 0x2000);
    EXPECT(b, reason(b, PASID, VA) == 0x43);
    put64(b, context_at(b) + 8, 0);
    EXPECT(b, reason(b, PASID, VA) == 0x45);
    run(b, 0x11, 0);
    put64(b, context_at(b), good);
    EXPECT(b, reason(b, PASID, VA) == 0);
    return selftest_end(&b->room);
}

static const char *pasid_limits(void *memory, size_t bytes)
{
    struct model_vtd_config config;
    struct bench *b;

    model_vtd_defaults(&config);
    config.pss = 16;
    b = with(memory, bytes, &config);
    EXPECT(b, reason(b, 0x8000, VA) == 0x46);
    EXPECT(b, reason(b, 0x10000, VA) == 0x89);
    EXPECT(b, reason(b, 0, VA) == 0x48);
    EXPECT(b, reason(b, 0x40, VA) == 0x51);
    put64(b, b->dir + 8, b->table | 5);
    EXPECT(b, reason(b, 0x40, VA) == 0x52);
    put64(b, b->dir + 8, 2);
    EXPECT(b, reason(b, 0x40, VA) == 0);
    EXPECT(b, reason(b, NONE, VA) == 0x59);
    return selftest_end(&b->room);
}

static const char *pasid_entries(void *memory, size_t bytes)
{
    static const uint64_t bad[][4] = {
        {0x01, 0x800001, 0, 0x5B},    {0x61, 0x800001, 0, 0x5A},  {0x81, 0x800001, 0, 0x5B},
        {0x41, 0x800001, 8, 0x5B},    {0x41, 0x810001, 0, 0x5A},  {0x41, 0x800001, 2, 0x5A},
        {0x41, 0x800001, 0x80, 0x5A}, {0x41, 0x2000001, 0, 0x5A},
    };
    struct bench *b = bench(memory, bytes);
    unsigned i;

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        set_pasid(b, PASID, bad[i][0], bad[i][1], b->tables | bad[i][2]);
        EXPECT(b, reason(b, PASID, VA) == bad[i][3]);
    }
    set_pasid(b, PASID, 2, 0, 0);
    EXPECT(b, reason(b, PASID, VA) == 0);
    EXPECT(b, model_vtd_counts(b->m)->faults_silent == 1 && !model_vtd_pasid_cached(b->m, SID, 3));
    return selftest_end(&b->room);
}

static const char *first_stage(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes);

    EXPECT(b, reason(b, PASID, VA) == 0);
    EXPECT(b, (get64(b, leaf_at(b, VA)) & 0x60) == 0x20);
    EXPECT(b, dma(b, PASID, VA, WRITE) == MODEL_DMA_OK);
    EXPECT(b, (get64(b, leaf_at(b, VA)) & 0x60) == 0x60);
    EXPECT(b, reason(b, PASID, VA + 0x1000) == 0x71);
    EXPECT(b, reason(b, PASID, UINT64_C(0x800000000000)) == 0x80);
    put64(b, leaf_at(b, VA + 0x1000), b->data | 3);
    EXPECT(b, reason(b, PASID, VA + 0x1000) == 0x81);
    put64(b, leaf_at(b, VA + 0x1000), b->data | 5);
    EXPECT(b, reason(b, PASID, VA + 0x1000) == 0);
    EXPECT(b, dma(b, PASID, VA + 0x1000, WRITE) == MODEL_DMA_ABORTED && fault(b) == 0x85);
    put64(b, leaf_at(b, VA + 0x2000), UINT64_C(0x10000000000007) | b->data);
    EXPECT(b, reason(b, PASID, VA + 0x2000) == 0);
    put64(b, leaf_at(b, VA + 0x3000), 0xFEE00007);
    EXPECT(b, reason(b, PASID, VA + 0x3000) == 0x87);
    EXPECT(b, dma(b, PASID, VA, READ | MODEL_PRIV) == MODEL_DMA_ABORTED && fault(b) == 0x5D);
    return selftest_end(&b->room);
}

static const char *large_pages(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes);
    uint64_t slot = b->tables + 2 * 4096 + 8 * ((VA >> 21 & 0x1FF) + 1);
    uint64_t va = (VA & ~UINT64_C(0x1FFFFF)) + 0x200000;

    put64(b, slot, 0x800010E7);
    EXPECT(b, reason(b, PASID, va + 0x9000) == 0);
    put64(b, slot + 8, 0x800020E7);
    EXPECT(b, reason(b, PASID, va + 0x200000) == 0x72);
    EXPECT(b, ats(b, PASID, va + 0x5000, READ).size_log2 == 21);
    return selftest_end(&b->room);
}

/* The paging structures are not snooped and flags would have to be written. */
static const char *unsnooped_flags(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes);

    set_pasid(b, PASID, 0x41, DID, b->tables);
    EXPECT(b, reason(b, PASID, VA) == 0x90);
    build(b, VA, 0x67);
    EXPECT(b, reason(b, PASID, VA) == 0);
    return selftest_end(&b->room);
}

static const char *not_snooped(void *memory, size_t bytes)
{
    struct model_vtd_config config;
    struct bench *b;

    model_vtd_defaults(&config);
    config.dit = false;
    config.coherent = false;
    b = bench_create(memory, bytes, false, &config);
    bench_start(b);
    EXPECT(b, !reads(b, PASID, VA));
    model_ram_clean(b->room.world, model_ram_cpu(b->room.world, b->roots, 4096), 4096);
    model_ram_clean(b->room.world, model_ram_cpu(b->room.world, b->contexts, 4096), 4096);
    model_ram_clean(b->room.world, model_ram_cpu(b->room.world, b->dir, 4096), 4096);
    EXPECT(b, !reads(b, PASID, VA));
    model_ram_clean(b->room.world, model_ram_cpu(b->room.world, b->table, 4096), 4096);
    EXPECT(b, reads(b, PASID, VA));
    sync(b);
    return selftest_end(&b->room);
}

static const char *second_stage(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes);
    uint64_t va = UINT64_C(0x7F1234567000);

    build(b, va, 3);
    set_pasid(b, 0, 0x89 | b->tables, 0x800042, 0);
    EXPECT(b, reason(b, NONE, va) == 0);
    EXPECT(b, reason(b, NONE, va + 0x1000) == 0x79);
    put64(b, leaf_at(b, va + 0x1000), b->data | UINT64_C(0x4000000000000003));
    EXPECT(b, reason(b, NONE, va + 0x1000) == 0x7A);
    put64(b, leaf_at(b, va + 0x1000), b->data | 1);
    EXPECT(b, dma(b, NONE, va + 0x1000, WRITE) == MODEL_DMA_ABORTED && fault(b) == 0x85);
    EXPECT(b, reason(b, NONE, UINT64_C(1) << 50) == 0x84);
    return selftest_end(&b->room);
}

static const char *pass_through(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes);

    set_pasid(b, 0, 0x109, 0x800001, 0);
    EXPECT(b, reason(b, NONE, b->data) == 0);
    EXPECT(b, reason(b, NONE, UINT64_C(1) << 60) == 0x83);
    EXPECT(b, dma(b, NONE, 0xFEE00000, READ) == MODEL_DMA_ABORTED && fault(b) == 0x87);
    return selftest_end(&b->room);
}

static const char *translation_requests(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes);
    struct model_translation got = ats(b, PASID, VA, READ | WRITE);

    EXPECT(b, got.status == MODEL_TRANSLATE_OK && got.address == b->data);
    EXPECT(b, got.access == (READ | WRITE) && got.size_log2 == 12);
    EXPECT(b, (get64(b, leaf_at(b, VA)) & 0x40) != 0);
    EXPECT(b, ats(b, PASID, VA, READ).access == READ);
    got = ats(b, PASID, VA + 0x1000, READ);
    EXPECT(b, got.status == MODEL_TRANSLATE_OK && got.access == 0 && fault(b) == 0);
    put64(b, leaf_at(b, VA + 0x1000), b->data | 5);
    EXPECT(b, ats(b, PASID, VA + 0x1000, READ | WRITE).access == READ);
    EXPECT(b, ats(b, 4, VA, READ).status == MODEL_TRANSLATE_OK && fault(b) == 0);
    EXPECT(b, ats(b, 0, VA, READ).status == MODEL_TRANSLATE_UNSUPPORTED && fault(b) == 0x48);
    set_pasid(b, 4, 1, 0x800001, 0);
    EXPECT(b, ats(b, 4, VA, READ).status == MODEL_TRANSLATE_ABORTED && fault(b) == 0x5B);
    run(b, 0x11, 0);
    put64(b, context_at(b), b->dir | 0x409);
    EXPECT(b, ats(b, PASID, VA, READ).status == MODEL_TRANSLATE_UNSUPPORTED && fault(b) == 0x44);
    return selftest_end(&b->room);
}

/* Without NWFS nothing asks for less than writing. */
static const char *no_write_ignored(void *memory, size_t bytes)
{
    struct model_vtd_config config;
    struct bench *b;

    model_vtd_defaults(&config);
    config.nwfs = false;
    b = with(memory, bytes, &config);
    EXPECT(b, ats(b, PASID, VA, READ).access == (READ | WRITE));
    EXPECT(b, (get64(b, leaf_at(b, VA)) & 0x40) != 0);
    return selftest_end(&b->room);
}

static const char *fetch_aborts(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes);
    struct model_world *w = b->room.world;

    model_bus_inject_abort(w, b->roots, b->roots + 4095, 1);
    EXPECT(b, reason(b, PASID, VA) == 0x38);
    model_bus_inject_abort(w, b->contexts, b->contexts + 4095, 1);
    EXPECT(b, reason(b, PASID, VA) == 0x40);
    model_bus_inject_abort(w, b->dir, b->dir + 4095, 1);
    EXPECT(b, reason(b, PASID, VA) == 0x50);
    model_bus_inject_abort(w, b->table, b->table + 4095, 1);
    EXPECT(b, reason(b, PASID, VA) == 0x58);
    model_bus_inject_abort(w, b->tables, b->tables + 4095, 1);
    EXPECT(b, reason(b, PASID, VA) == 0x73);
    return selftest_end(&b->room);
}

static const char *golden_records(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes);
    unsigned i;

    put64(b, leaf_at(b, VA), 0);
    EXPECT(b, !reads(b, PASID, VA));
    EXPECT(b, rd64(b, 0x220) == VA && rd64(b, 0x228) == UINT64_C(0xC000037180000208));
    EXPECT(b, rd(b, 0x34) == 2 && b->irqs[0] == 1);
    for (i = 0; i < 7; i++) {
        EXPECT(b, dma(b, NONE, VA, WRITE) == MODEL_DMA_ABORTED);
    }
    EXPECT(b, rd64(b, 0x298) == UINT64_C(0x8000005900000208) && rd(b, 0x34) == 2);
    EXPECT(b, !reads(b, NONE, VA) && rd(b, 0x34) == 3);
    wr(b, 0x22C, 0x80000000);
    EXPECT(b, !reads(b, NONE, VA) && rd(b, 0x22C) >> 31 == 0);
    wr(b, 0x228, 1);
    REPORTED(b, "vtd.fault.record-written");
    while (fault(b) != 0) {
    }
    wr(b, 0x34, 1);
    EXPECT(b, rd(b, 0x34) == 0 && b->irqs[0] == 1);
    EXPECT(b, !reads(b, NONE, VA) && rd(b, 0x34) == 2);
    EXPECT(b, b->irqs[0] == 2);
    return selftest_end(&b->room);
}

static const char *masked_event(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes);

    wr(b, 0x38, 0x80000000);
    model_vtd_inject_fault(b->m, SID, NONE, VA, 0x71);
    settle(b);
    EXPECT(b, b->irqs[0] == 0 && rd(b, 0x38) == 0xC0000000);
    wr(b, 0x38, 0);
    settle(b);
    EXPECT(b, b->irqs[0] == 1 && rd(b, 0x38) == 0);
    wr(b, 0x40, 0x1000);
    wr(b, 0x22C, 0x80000000);
    model_vtd_raise_status(b->m, 0x20);
    settle(b);
    REPORTED(b, "vtd.event.address");
    return selftest_end(&b->room);
}

#define T(name)                                                                                    \
    {                                                                                              \
#name, name                                                                                \
    }
const struct model_selftest model_selftests_vtd_walk[] = {
    T(root_and_context), T(pasid_limits),         T(pasid_entries),    T(first_stage),
    T(large_pages),      T(unsnooped_flags),      T(not_snooped),      T(second_stage),
    T(pass_through),     T(translation_requests), T(no_write_ignored), T(fetch_aborts),
    T(golden_records),   T(masked_event),
};
const unsigned model_selftest_count_vtd_walk =
    sizeof(model_selftests_vtd_walk) / sizeof(model_selftests_vtd_walk[0]);
