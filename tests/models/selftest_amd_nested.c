/* SPDX-License-Identifier: BSD-2-Clause */
#include "selftest_amd_bench.h"

/* Host tables by themselves, and guest tables over them: those lie at the guest's addresses. */

extern const struct model_selftest model_selftests_amd_nested[];
extern const unsigned model_selftest_count_amd_nested;

#define NONE     MODEL_AMD_NONE
#define GUEST    UINT64_C(0x1080000000) /* The guest's address of the start of RAM */
#define GPA(bus) ((bus)-SELFTEST_RAM_BASE + GUEST)
#define HOST_RW  UINT64_C(0x6000000000000001)
#define HOST_RO  UINT64_C(0x2000000000000001)

/* Host tables of three levels in three pages. */
static void host_map(struct bench *b, uint64_t host, uint64_t gpa, uint64_t pte)
{
    put64(b, host + 8 * (gpa >> 30 & 511), (host + 4096) | HOST_RW | 2 << 9);
    put64(b, host + 4096 + 8 * (gpa >> 21 & 511), (host + 8192) | HOST_RW | 1 << 9);
    put64(b, host + 8192 + 8 * (gpa >> 12 & 511), pte);
}

static void guest_pte(struct bench *b, uint64_t va, uint64_t pte)
{
    uint64_t root = GPA(b->root);

    put64(b, b->root + 8 * (va >> 39 & 511), (root + 4096) | PTE_RW);
    put64(b, b->root + 4096 + 8 * (va >> 30 & 511), (root + 8192) | PTE_RW);
    put64(b, b->root + 8192 + 8 * (va >> 21 & 511), (root + 12288) | PTE_RW);
    put64(b, b->root + 12288 + 8 * (va >> 12 & 511), pte);
}

static void nested_dte(struct bench *b, uint64_t host)
{
    put_dte(b, dte_q0(b, 1) | 3 << 9 | host, dte_q1(b), 0);
    inv_devtab(b);
}

/* GCR3 root and nodes at system addresses; what the leaf names is the guest's. */
static uint64_t nested_map(struct bench *b)
{
    uint64_t host = bench_ram(b, 3 * 4096);
    uint32_t i;

    for (i = 0; i < 4; i++) {
        host_map(b, host, GPA(b->root) + 4096 * i, (b->root + 4096 * i) | HOST_RW);
    }
    host_map(b, host, GPA(b->data), b->data | HOST_RW);
    guest_pte(b, VA, GPA(b->data) | PTE_RW);
    put_gcr3(b, PASID, GPA(b->root) | 1);
    nested_dte(b, host);
    return host;
}

static void knob(struct bench *b, uint32_t walk_cache, bool keeps)
{
    struct model_amd_knobs k;

    knobs_off(&k);
    k.walk_cache = walk_cache;
    k.gpa_keeps_gva = keeps;
    model_amd_set_knobs(b->m, &k);
}

/* Everything of the guest's addresses in the domain. */
static void inv_host(struct bench *b, bool pde)
{
    push(b, 0, 0x30000000u | DOMAIN, pde ? 0xFFFFF003u : 0xFFFFF001u, 0x7FFFFFFFu);
    do_wait(b);
}

static const char *translates(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes);
    uint64_t leaf = b->root + 12288 + 8 * (VA >> 12 & 511);

    nested_map(b);
    put64(b, b->data, 5);
    EXPECT(b, dma(b, PASID, VA, READ) == MODEL_DMA_OK && b->buffer == 5);
    EXPECT(b, (get64(b, leaf) & 0x60) == 0x20);
    EXPECT(b, dma(b, PASID, VA, WRITE) == MODEL_DMA_OK);
    EXPECT(b, dma(b, NONE, GPA(b->data), READ) == MODEL_DMA_OK); /* GIoV = 0: host alone */
    EXPECT(b, dma(b, NONE, VA, READ) == MODEL_DMA_ABORTED);
    EXPECT(b, event_is(b, 0, 0x118, 0x20000042, 0x12345000, 0x7fff)); /* beyond Mode */
    EXPECT(b, dma(b, PASID, VA + 0x1000, READ) == MODEL_DMA_ABORTED);
    EXPECT(b, event_is(b, 1, 0x118, 0x20051234, 0x12346000, 0x7fff));
    return selftest_end(&b->room);
}

static const char *faults_below(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes);
    uint64_t host = nested_map(b);
    uint64_t last = GPA(b->root) + 12288, leaf = b->root + 12288 + 8 * (VA >> 12 & 511);

    host_map(b, host, last, 0);
    EXPECT(b, dma(b, PASID, VA, READ) == MODEL_DMA_ABORTED); /* A table that is not there */
    EXPECT(b, event_is(b, 0, 0x118, 0x20051234, 0x12345000, 0x7fff));
    host_map(b, host, last, (b->root + 12288) | HOST_RO);
    EXPECT(b, dma(b, PASID, VA, READ) == MODEL_DMA_ABORTED); /* Its flags cannot be set. */
    EXPECT(b, event_is(b, 1, 0x118, 0x20551234, 0x12345000, 0x7fff));
    EXPECT(b, (get64(b, leaf) & 0x20) == 0);
    guest_pte(b, VA, GPA(b->data) | PTE_RW | 0x60);
    EXPECT(b, dma(b, PASID, VA, READ) == MODEL_DMA_OK);
    push(b, PASID, 0x30000000u | DOMAIN, 0xFFFFF005u, 0x7FFFFFFFu);
    inv_host(b, false);
    host_map(b, host, GPA(b->data), b->data | HOST_RO);
    EXPECT(b, dma(b, PASID, VA, WRITE) == MODEL_DMA_ABORTED);
    EXPECT(b, event_is(b, 2, 0x118, 0x20751234, 0x12345000, 0x7fff));
    EXPECT(b, dma(b, PASID, VA, READ) == MODEL_DMA_OK);
    host_map(b, host, GPA(b->data), 0);
    inv_host(b, false);
    inv_pasid(b, PASID);
    EXPECT(b, dma(b, PASID, VA, READ) == MODEL_DMA_ABORTED);
    EXPECT(b, event_is(b, 3, 0x118, 0x20051234, 0x12345000, 0x7fff));
    return selftest_end(&b->room);
}

/* Doubt 14: does a flush of the guest's addresses drop what guest tables made over them? */
static const char *gpa_flush(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes);
    uint64_t host = nested_map(b);
    uint64_t other = bench_ram(b, 4096);

    EXPECT(b, dma(b, PASID, VA, READ) == MODEL_DMA_OK);
    host_map(b, host, GPA(b->data), 0);
    inv_host(b, true);
    EXPECT(b, dma(b, PASID, VA, READ) == MODEL_DMA_OK); /* The strict reading: no. */
    knob(b, 0, false);
    push(b, 0, 0x30000000u | DOMAIN, (uint32_t)GPA(b->data) + 0x1000,
         (uint32_t)(GPA(b->data) >> 32));
    do_wait(b);
    EXPECT(b, dma(b, PASID, VA, READ) == MODEL_DMA_OK); /* Another page */
    push(b, 0, 0x30000000u | DOMAIN, (uint32_t)GPA(b->data), (uint32_t)(GPA(b->data) >> 32));
    do_wait(b);
    EXPECT(b, dma(b, PASID, VA, READ) == MODEL_DMA_ABORTED);
    knob(b, 0, true);
    host_map(b, host, GPA(b->data), b->data | HOST_RW);
    EXPECT(b, dma(b, PASID, VA, READ) == MODEL_DMA_OK);
    put64(b, other, 3);
    host_map(b, host, GPA(b->data), other | HOST_RW);
    inv_pasid(b, PASID); /* GN = 1 leaves the host's own entries. */
    b->buffer = 0;
    EXPECT(b, dma(b, PASID, VA, READ) == MODEL_DMA_OK && b->buffer != 3);
    inv_host(b, true);
    inv_pasid(b, PASID);
    EXPECT(b, dma(b, PASID, VA, READ) == MODEL_DMA_OK && b->buffer == 3);
    return selftest_end(&b->room);
}

static const char *domains_are_apart(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes);
    uint64_t host = nested_map(b), other = bench_ram(b, 3 * 4096), page = bench_ram(b, 4096);
    uint32_t i;

    knob(b, 1000, true);
    put64(b, page, 4);
    EXPECT(b, dma(b, PASID, VA, READ) == MODEL_DMA_OK && b->buffer == 0);
    for (i = 0; i < 4; i++) {
        host_map(b, other, GPA(b->root) + 4096 * i, (b->root + 4096 * i) | HOST_RW);
    }
    host_map(b, other, GPA(b->data), page | HOST_RW);
    put_dte(b, 1, 0, 0);
    inv_devtab(b);
    put_dte(b, dte_q0(b, 1) | 3 << 9 | other, dte_q1(b) + 1, 0);
    inv_devtab(b);
    EXPECT(b, dma(b, PASID, VA, READ) == MODEL_DMA_OK && b->buffer == 4);
    put_dte(b, 1, 0, 0);
    inv_devtab(b);
    nested_dte(b, host);
    EXPECT(b, dma(b, PASID, VA, READ) == MODEL_DMA_OK && b->buffer == 0);
    return selftest_end(&b->room);
}

/* What is not there for the host is not kept, whatever the unit keeps else. */
static const char *not_present(void *memory, size_t bytes)
{
    struct model_amd_config config;
    struct bench *b;
    uint64_t host;

    model_amd_defaults(&config);
    config.np_cache = true;
    b = bench_as(memory, bytes, &config);
    host = nested_map(b);
    host_map(b, host, GPA(b->data), 0);
    EXPECT(b, dma(b, PASID, VA, READ) == MODEL_DMA_ABORTED);
    host_map(b, host, GPA(b->data), b->data | HOST_RW);
    EXPECT(b, dma(b, PASID, VA, READ) == MODEL_DMA_OK);
    return selftest_end(&b->room);
}

static const char *sizes(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes);
    uint64_t host = nested_map(b);
    uint64_t other = bench_ram(b, 4096);
    uint64_t va = (VA & ~UINT64_C(0x1FFFFF)) | (b->data - SELFTEST_RAM_BASE);

    put64(b, b->data, 1);
    put64(b, other, 2);
    host_map(b, host, GPA(b->data) + 4096, other | HOST_RW);
    put64(b, b->root + 8192 + 8 * (VA >> 21 & 511), GUEST | 0x87); /* 2 MiB on pages */
    EXPECT(b, dma(b, PASID, va, READ) == MODEL_DMA_OK && b->buffer == 1);
    EXPECT(b, dma(b, PASID, va + 4096, READ) == MODEL_DMA_OK && b->buffer == 2);
    EXPECT(b, ats(b, PASID, va, READ).size_log2 == 12);
    put64(b, host + 4096 + 8 * (GUEST >> 21 & 511), SELFTEST_RAM_BASE | HOST_RW); /* on 2 MiB */
    inv_host(b, true);
    inv_pasid(b, PASID);
    EXPECT(b, dma(b, PASID, va, READ) == MODEL_DMA_OK && b->buffer == 1);
    guest_pte(b, VA, GPA(b->data) | PTE_RW); /* Pages on 2 MiB */
    inv_pasid(b, PASID);
    b->buffer = 0;
    EXPECT(b, dma(b, PASID, VA, READ) == MODEL_DMA_OK && b->buffer == 1);
    EXPECT(b, ats(b, PASID, VA, READ).size_log2 == 12);
    return selftest_end(&b->room);
}

/* GCR3 root and nodes at the guest's addresses, with GCR3TRPMode; the nodes alone are doubted. */
static const char *gcr3_at_gpas(void *memory, size_t bytes)
{
    struct model_amd_config config;
    struct model_amd_knobs k;
    struct bench *b;
    uint64_t host, gcr3;

    model_amd_defaults(&config);
    config.gcr3_trp = true;
    b = bench_as(memory, bytes, &config);
    host = nested_map(b);
    host_map(b, host, GPA(b->gcr3) + 4096, (b->gcr3 + 4096) | HOST_RW);
    put64(b, b->gcr3 + 8 * (PASID >> 9), (GPA(b->gcr3) + 4096) | 1);
    EXPECT(b, dma(b, PASID, VA, READ) == MODEL_DMA_ABORTED); /* No such system address */
    EXPECT(b, events(b) == 1);
    knobs_off(&k);
    k.gcr3_inner_gpa = true;
    model_amd_set_knobs(b->m, &k);
    EXPECT(b, dma(b, PASID, VA, READ) == MODEL_DMA_OK);
    knobs_off(&k);
    model_amd_set_knobs(b->m, &k);
    wr(b, CONTROL, ALL_ON | UINT64_C(1) << 58);
    inv_pasid(b, PASID);
    EXPECT(b, dma(b, PASID, VA, READ) == MODEL_DMA_ABORTED); /* The root, too */
    host_map(b, host, GPA(b->gcr3), b->gcr3 | HOST_RW);
    gcr3 = b->gcr3;
    put_dte(b, 1, 0, 0);
    inv_devtab(b);
    b->gcr3 = GPA(gcr3);
    nested_dte(b, host);
    EXPECT(b, dma(b, NONE, GPA(b->data), READ) == MODEL_DMA_OK);
    EXPECT(b, !model_amd_check_tables_unused(b->m, gcr3, gcr3 + 4095)); /* By the DTE */
    EXPECT(b, dma(b, PASID, VA, READ) == MODEL_DMA_OK);
    put_dte(b, 1, 0, 0);
    inv_devtab(b);
    EXPECT(b, !model_amd_check_tables_unused(b->m, gcr3, gcr3 + 4095)); /* By what it led to */
    inv_pasid(b, PASID);
    EXPECT(b, model_amd_check_tables_unused(b->m, gcr3, gcr3 + 4095));
    return selftest_end(&b->room);
}

/* Requests without PASID use the guest's table of PASID 0 with GIoV. */
static const char *without_pasid(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes);
    uint64_t host = nested_map(b);

    put_gcr3(b, 0, GPA(b->root) | 1);
    put_dte(b, 1, 0, 0);
    inv_devtab(b);
    put_dte(b, dte_q0(b, 1) | UINT64_C(1) << 54 | 3 << 9 | host, dte_q1(b), 0);
    inv_devtab(b);
    EXPECT(b, dma(b, NONE, VA, READ) == MODEL_DMA_OK);
    EXPECT(b, model_amd_pasid_cached(b->m, DOMAIN, 0));
    EXPECT(b, !model_amd_check_unreachable(b->m, DEV, NONE));
    return selftest_end(&b->room);
}

static const char *inspection(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes);
    uint64_t host = nested_map(b), root = b->root, empty = bench_ram(b, 4096);

    knob(b, 0, true);
    put_gcr3(b, 9, GPA(b->devtab) | 1);
    host_map(b, host, GPA(b->devtab), empty | HOST_RW);
    model_amd_prefetch(b->m, DEV, 9);
    EXPECT(b, model_amd_check_unreachable(b->m, DEV, 9)); /* An empty table leads nowhere. */
    EXPECT(b, !model_amd_check_tables_unused(b->m, empty, empty + 4095));
    model_amd_prefetch(b->m, DEV, PASID);
    EXPECT(b, !model_amd_check_tables_unused(b->m, root, root + 4095)); /* By the GCR3 leaf */
    EXPECT(b, !model_amd_check_unreachable(b->m, DEV, PASID));
    EXPECT(b, dma(b, PASID, VA, READ) == MODEL_DMA_OK);
    EXPECT(b, !model_amd_check_tables_unused(b->m, root + 12288, root + 16383));
    EXPECT(b, !model_amd_check_tables_unused(b->m, host, host + 4095));
    put_gcr3(b, PASID, 0);
    inv_host(b, true);
    EXPECT(b, !model_amd_check_tables_unused(b->m, host + 8192, host + 12287)); /* Both made it. */
    inv_pasid(b, PASID);
    EXPECT(b, model_amd_check_tables_unused(b->m, root, root + 16383));
    EXPECT(b, model_amd_check_tables_unused(b->m, host + 8192, host + 12287));
    EXPECT(b, !model_amd_check_tables_unused(b->m, host, host + 4095)); /* By the entry */
    EXPECT(b, model_amd_check_unreachable(b->m, DEV, PASID));
    put_dte(b, 1, 0, 0);
    inv_devtab(b);
    EXPECT(b, model_amd_check_tables_unused(b->m, host, host + 12287));
    return selftest_end(&b->room);
}

/* What the host's tables made for the guest's is no way for traffic without PASID. */
static const char *inner_entries(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes);
    uint64_t host = nested_map(b), root = b->root;

    knob(b, 1000, true);
    EXPECT(b, dma(b, PASID, VA, READ) == MODEL_DMA_OK);
    push(b, PASID, 0x30000000u | DOMAIN, 0xFFFFF005u, 0x7FFFFFFFu); /* PDE = 0 */
    do_wait(b);
    put64(b, root + 8192 + 8 * (VA >> 21 & 511), 0);
    EXPECT(b, !model_amd_check_tables_unused(b->m, root + 12288, root + 16383)); /* Kept */
    put_dte(b, 1, 0, 0);
    inv_devtab(b);
    knob(b, 0, true);
    inv_host(b, true);
    put_dte(b, (dte_q0(b, 1) & ~UINT64_C(0x6000000000000000)) | 3 << 9 | host, dte_q1(b), 0);
    EXPECT(b, dma(b, PASID, VA, READ) == MODEL_DMA_ABORTED); /* IR = IW = 0 */
    EXPECT(b, model_amd_pasid_cached(b->m, DOMAIN, NONE));
    EXPECT(b, model_amd_check_unreachable(b->m, DEV, NONE));
    put_dte(b, 1, 0, 0);
    inv_devtab(b);
    EXPECT(b, model_amd_check_unreachable(b->m, DEV, NONE));
    nested_dte(b, host);
    EXPECT(b, dma(b, NONE, GPA(b->data), READ) == MODEL_DMA_OK);
    put_dte(b, 1, 0, 0);
    inv_devtab(b);
    EXPECT(b, !model_amd_check_unreachable(b->m, DEV, NONE)); /* That one is. */
    b = bench(memory, bytes);
    bench_map(b); /* Without host tables */
    model_amd_prefetch(b->m, DEV, PASID);
    EXPECT(b, !model_amd_check_tables_unused(b->m, b->root, b->root + 4095));
    return selftest_end(&b->room);
}

static const char *stale(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes);
    struct model_amd_knobs k;
    uint64_t host = nested_map(b), other = bench_ram(b, 3 * 4096);

    knobs_off(&k);
    k.report_stale = true;
    model_amd_set_knobs(b->m, &k);
    EXPECT(b, dma(b, PASID, VA, READ) == MODEL_DMA_OK);
    host_map(b, host, GPA(b->data), 0);
    EXPECT(b, dma(b, PASID, VA, READ) == MODEL_DMA_OK);
    REPORTED(b, "amd.tlb.stale-host");
    host_map(b, host, GPA(b->data), b->data | HOST_RW);
    put_dte(b, 1, 0, 0);
    inv_devtab(b);
    nested_dte(b, other); /* Another host's tables, the same domain */
    EXPECT(b, dma(b, PASID, VA, READ) == MODEL_DMA_OK);
    REPORTED(b, "amd.tlb.root-differs");
    inv_pasid(b, PASID);
    dma(b, PASID, VA, READ); /* Its own entries of before */
    EXPECT(b, b->room.reports > 0);
    b->room.reports = 1;
    selftest_kept.reports = 1;
    REPORTED(b, "amd.tlb.root-differs");
    return selftest_end(&b->room);
}

/* A large leaf stands in all the slots that it covers. */
static const char *runs(void *memory, size_t bytes)
{
    struct model_amd_config config;
    struct bench *b = bench(memory, bytes);
    uint64_t host = bench_ram(b, 3 * 4096);
    uint64_t pte = SELFTEST_RAM_BASE | 0x3000 | HOST_RW | 7 << 9; /* 32 KiB */
    uint32_t i;

    for (i = 0; i < 7; i++) {
        host_map(b, host, GUEST + 4096 * i, pte);
    }
    put_dte(b, UINT64_C(0x6000000000000603) | host, DOMAIN, 0);
    inv_devtab(b);
    EXPECT(b, dma(b, NONE, GUEST + 0x2000, READ) == MODEL_DMA_OK);
    REPORTED(b, "amd.host.run-differs");
    host_map(b, host, GUEST + 4096 * 7, pte | 0x20); /* Its flags may differ. */
    inv_host(b, false);
    EXPECT(b, dma(b, NONE, GUEST + 0x7000, READ) == MODEL_DMA_OK);
    EXPECT(b, b->room.reports == 0);
    model_amd_defaults(&config);
    config.hats = 2;
    b = bench_as(memory, bytes, &config);
    put64(b, b->root, b->data | HOST_RW); /* No leaf at level 6 */
    put_dte(b, UINT64_C(0x6000000000000C03) | b->root, DOMAIN, 0);
    inv_devtab(b);
    EXPECT(b, dma(b, NONE, 0x1000, READ) == MODEL_DMA_ABORTED);
    EXPECT(b, event_is(b, 0, 0x118, 0x20100042, 0x1000, 0));
    return selftest_end(&b->room);
}

/* Upper levels of host tables stay without PDE. */
static const char *host_upper_levels(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes);
    uint64_t host = bench_ram(b, 3 * 4096);

    knob(b, 1000, true);
    host_map(b, host, GUEST, b->data | HOST_RW);
    put_dte(b, UINT64_C(0x6000000000000603) | host, DOMAIN, 0);
    inv_devtab(b);
    EXPECT(b, dma(b, NONE, GUEST, READ) == MODEL_DMA_OK);
    put64(b, host + 4096 + 8 * (GUEST >> 21 & 511), 0);
    inv_host(b, false);
    EXPECT(b, dma(b, NONE, GUEST, READ) == MODEL_DMA_OK);
    EXPECT(b, !model_amd_check_tables_unused(b->m, host + 8192, host + 12287));
    inv_host(b, true);
    EXPECT(b, dma(b, NONE, GUEST, READ) == MODEL_DMA_ABORTED);
    return selftest_end(&b->room);
}

static const char *ats_answers(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes);
    uint64_t host = nested_map(b);
    struct model_translation got = ats(b, PASID, VA, READ | WRITE);

    EXPECT(b, got.status == MODEL_TRANSLATE_OK && got.address == b->data);
    EXPECT(b, got.access == (READ | WRITE));
    host_map(b, host, GPA(b->data), b->data | HOST_RO);
    inv_host(b, false);
    inv_pasid(b, PASID);
    EXPECT(b, ats(b, PASID, VA, READ | WRITE).access == READ);
    host_map(b, host, GPA(b->data), 0);
    inv_host(b, false);
    inv_pasid(b, PASID);
    got = ats(b, PASID, VA, READ);
    EXPECT(b, got.status == MODEL_TRANSLATE_OK && got.access == 0 && events(b) == 0);
    return selftest_end(&b->room);
}

/* Whoever flushes what he has to is never reported, and reaches what he should. */
static const char *right_use(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes);
    uint64_t host = nested_map(b);
    uint64_t page[2] = {b->data, bench_ram(b, 4096)};
    struct model_amd_knobs k;
    unsigned i;

    knobs_off(&k);
    k.evict = 300;
    k.report_stale = true;
    model_amd_set_knobs(b->m, &k);
    put64(b, page[1], 1);
    for (i = 0; i < 200; i++) {
        EXPECT(b, dma(b, PASID, VA, READ) == MODEL_DMA_OK && b->buffer == (i & 1));
        if (i % 4 < 2) { /* The host gives another page. */
            host_map(b, host, GPA(b->data), 0);
            inv_host(b, false);
            inv_pasid(b, PASID);
            EXPECT(b, dma(b, PASID, VA, READ) == MODEL_DMA_ABORTED);
            host_map(b, host, GPA(b->data), page[(i + 1) & 1] | HOST_RW);
        } else { /* The guest's tables go, and come back. */
            put_gcr3(b, PASID, 0);
            inv_pasid(b, PASID);
            EXPECT(b, dma(b, PASID, VA, READ) == MODEL_DMA_ABORTED);
            EXPECT(b, model_amd_check_unreachable(b->m, DEV, PASID));
            put_gcr3(b, PASID, GPA(b->root) | 1);
            host_map(b, host, GPA(b->data), page[(i + 1) & 1] | HOST_RW);
            inv_host(b, false);
        }
    }
    return selftest_end(&b->room);
}

#define TEST(name)                                                                                 \
    {                                                                                              \
#name, name                                                                                \
    }

const struct model_selftest model_selftests_amd_nested[] = {
    TEST(translates),        TEST(faults_below),  TEST(gpa_flush),  TEST(sizes),
    TEST(gcr3_at_gpas),      TEST(without_pasid), TEST(inspection), TEST(domains_are_apart),
    TEST(not_present),       TEST(inner_entries), TEST(stale),      TEST(runs),
    TEST(host_upper_levels), TEST(ats_answers),   TEST(right_use),
};
const unsigned model_selftest_count_amd_nested =
    sizeof(model_selftests_amd_nested) / sizeof(model_selftests_amd_nested[0]);
