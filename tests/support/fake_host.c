/* SPDX-License-Identifier: BSD-2-Clause */
#include "fake_host.h"

#include <stdlib.h>
#include <string.h>

#define ALIGN  4096u
#define ENOUGH 16u
#define BEHIND 0x5au

/* Kept beside the memory, never in it: its ends stay visible to sanitizers. */
struct piece {
    struct piece *next;
    void *raw;
    void *cpu;
    uint64_t bytes;
    bool heap;
    uint32_t behind; /* bytes that nobody writes */
};

static void *get(struct fake_host *host, uint64_t bytes, uint64_t align, bool heap)
{
    struct piece *piece;
    uintptr_t cpu;

    if (host->on_get != NULL)
        host->on_get(host);
    host->gets++;
    if (host->irq_depth != 0)
        host->locked_gets++;
    if (host->fail_at != 0 &&
        (host->gets == host->fail_at || (host->fail_after && host->gets > host->fail_at)))
        return NULL;
    piece = calloc(1, sizeof(*piece));
    if (piece == NULL)
        abort();
    piece->raw = calloc(1, (size_t)(bytes + align + 16));
    if (piece->raw == NULL)
        abort();
    cpu = ((uintptr_t)piece->raw + (uintptr_t)align - 1) & ~((uintptr_t)align - 1);
    piece->cpu = (void *)(host->crooked ? cpu + 16 : cpu);
    piece->behind = host->crooked ? 0 : ENOUGH;
    memset((char *)piece->cpu + bytes, BEHIND, piece->behind);
    piece->bytes = bytes;
    piece->heap = heap;
    piece->next = host->pieces;
    host->pieces = piece;
    host->live++;
    host->live_bytes += bytes;
    return piece->cpu;
}

static bool is_written_behind(const struct piece *piece)
{
    const unsigned char *at = (const unsigned char *)piece->cpu + piece->bytes;
    uint32_t i;

    for (i = 0; i < piece->behind; i++) {
        if (at[i] != BEHIND)
            return true;
    }
    return false;
}

static void put(struct fake_host *host, const void *cpu, uint64_t bytes, bool heap)
{
    struct piece *piece = host->pieces, *before = NULL;

    if (host->irq_depth != 0)
        host->locked_gets++;
    while (piece != NULL && piece->cpu != cpu) {
        before = piece;
        piece = piece->next;
    }
    if (piece == NULL || piece->bytes != bytes || piece->heap != heap) {
        host->bad_puts++;
        return;
    }
    if (before == NULL)
        host->pieces = piece->next;
    else
        before->next = piece->next;
    host->live--;
    host->live_bytes -= bytes;
    host->bad_puts += is_written_behind(piece);
    memset(piece->cpu, 0xa5, (size_t)bytes); /* whoever looks at it again sees that */
    free(piece->raw);
    free(piece);
}

static uiommu_err fake_mem_get(void *ctx, uint64_t bytes, uint64_t align, uint64_t limit,
                               struct uiommu_mem *out)
{
    void *cpu = get(ctx, bytes, align < ALIGN ? ALIGN : align, false);

    (void)limit;
    if (cpu == NULL)
        return UIOMMU_E_NOMEM;
    out->cpu = cpu;
    out->bus = (uint64_t)(uintptr_t)cpu;
    out->bytes = bytes;
    return UIOMMU_OK;
}

static void fake_mem_put(void *ctx, const struct uiommu_mem *mem)
{
    put(ctx, mem->cpu, mem->bytes, false);
}

static void *fake_heap_get(void *ctx, size_t bytes)
{
    return get(ctx, bytes, 64, true);
}

static void fake_heap_put(void *ctx, void *ptr, size_t bytes)
{
    put(ctx, ptr, bytes, true);
}

static void fake_sync(void *ctx, const void *cpu, uint64_t bytes)
{
    struct fake_host *host = ctx;

    (void)cpu;
    (void)bytes;
    host->syncs++;
}

/* The word of a register, or one that nobody reads. */
static uint64_t *fake_register(struct fake_host *host, uint64_t addr, uint32_t bytes)
{
    static uint64_t nowhere;

    if (addr % bytes != 0 || addr >= sizeof(host->registers)) {
        host->bad_accesses++;
        nowhere = 0;
        return &nowhere;
    }
    return &host->registers[addr / 8];
}

static uint32_t fake_mmio_read32(void *ctx, uint64_t addr)
{
    struct fake_host *host = ctx;

    host->reads++;
    return (uint32_t)(*fake_register(host, addr, 4) >> (addr & 4) * 8);
}

static uint64_t fake_mmio_read64(void *ctx, uint64_t addr)
{
    struct fake_host *host = ctx;

    host->reads++;
    return *fake_register(host, addr, 8);
}

static void fake_mmio_write32(void *ctx, uint64_t addr, uint32_t value)
{
    struct fake_host *host = ctx;
    uint64_t *word = fake_register(host, addr, 4);
    uint32_t shift = (uint32_t)(addr & 4) * 8;

    host->writes++;
    *word = (*word & ~((uint64_t)UINT32_MAX << shift)) | (uint64_t)value << shift;
}

static void fake_mmio_write64(void *ctx, uint64_t addr, uint64_t value)
{
    struct fake_host *host = ctx;

    host->writes++;
    *fake_register(host, addr, 8) = value;
}

static uint64_t fake_now_ns(void *ctx)
{
    struct fake_host *host = ctx;

    if (host->on_now != NULL && host->irq_depth == 0)
        host->on_now(host);
    host->now_ns += host->tick_ns;
    return host->now_ns;
}

static void fake_wait(void *ctx, const struct uiommu_word *word, uint32_t seen, uint64_t deadline)
{
    struct fake_host *host = ctx;

    host->waits++;
    if (host->on_wait != NULL)
        host->on_wait(host, word);
    else if (uiommu_word_load(word) == seen)
        host->now_ns = deadline;
}

static void fake_wake(void *ctx, const struct uiommu_word *word)
{
    struct fake_host *host = ctx;

    host->wakes++;
    host->woken = word;
}

static uintptr_t fake_irq_save(void *ctx)
{
    struct fake_host *host = ctx;

    if (host->on_lock != NULL && host->irq_depth == 0)
        host->on_lock(host);
    host->irq_saves++;
    host->irq_depth++;
    return host->irq_depth;
}

static void fake_irq_restore(void *ctx, uintptr_t state)
{
    struct fake_host *host = ctx;

    if (state != host->irq_depth || host->irq_depth == 0)
        host->irq_bad++;
    else
        host->irq_depth--;
}

static uintptr_t fake_self(void *ctx)
{
    const struct fake_host *host = ctx;

    return host->self;
}

static void fake_log(void *ctx, enum uiommu_log_level level, const char *msg)
{
    struct fake_host *host = ctx;

    (void)msg;
    host->logs++;
    host->log_level = level;
}

static void fake_trace(void *ctx, const struct uiommu_trace *record)
{
    struct fake_host *host = ctx;

    host->traces++;
    host->trace = *record;
    if (host->on_trace != NULL && host->irq_depth == 0)
        host->on_trace(host);
}

void fake_host_init(struct fake_host *host)
{
    memset(host, 0, sizeof(*host));
    host->self = 1;
    host->ops.size = sizeof(host->ops);
    host->ops.ctx = host;
    host->ops.mem_get = fake_mem_get;
    host->ops.mem_put = fake_mem_put;
    host->ops.heap_get = fake_heap_get;
    host->ops.heap_put = fake_heap_put;
    host->ops.mem_to_device = fake_sync;
    host->ops.mem_from_device = fake_sync;
    host->ops.mmio_read32 = fake_mmio_read32;
    host->ops.mmio_read64 = fake_mmio_read64;
    host->ops.mmio_write32 = fake_mmio_write32;
    host->ops.mmio_write64 = fake_mmio_write64;
    host->ops.now_ns = fake_now_ns;
    host->ops.wait = fake_wait;
    host->ops.wake = fake_wake;
    host->ops.irq_save = fake_irq_save;
    host->ops.irq_restore = fake_irq_restore;
    host->ops.self = fake_self;
    host->ops.log = fake_log;
    host->ops.trace = fake_trace;
}

void fake_host_no_heap(struct fake_host *host)
{
    host->ops.heap_get = NULL;
    host->ops.heap_put = NULL;
}

void fake_host_bare(struct fake_host *host)
{
    fake_host_no_heap(host);
    host->ops.mem_to_device = NULL;
    host->ops.mem_from_device = NULL;
    host->ops.wait = NULL;
    host->ops.wake = NULL;
    host->ops.irq_save = NULL;
    host->ops.irq_restore = NULL;
    host->ops.self = NULL;
    host->ops.log = NULL;
    host->ops.trace = NULL;
}

bool fake_host_clean(const struct fake_host *host)
{
    return host->live == 0 && host->live_bytes == 0 && host->pieces == NULL &&
           host->bad_puts == 0 && host->locked_gets == 0 && host->irq_depth == 0 &&
           host->irq_bad == 0 && host->bad_accesses == 0;
}

struct uiommu *fake_host_create(struct fake_host *host)
{
    struct uiommu *u = NULL;

    if (uiommu_create(&host->ops, &u) != UIOMMU_OK)
        abort();
    return u;
}

bool fake_host_destroy(struct fake_host *host, struct uiommu *u)
{
    return uiommu_destroy(u) == UIOMMU_OK && fake_host_clean(host);
}
