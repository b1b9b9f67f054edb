/* SPDX-License-Identifier: BSD-2-Clause */
#include "bench.h"

/* The host that the library sees: memory, registers, clock, interrupts and trace of a bench. */

#define FREED_BYTE   0xDD
#define WAIT_STEP_NS (2 * BENCH_US)
#define HASH_PRIME   UINT64_C(0x100000001B3)

/* A moment at which an interrupt can come. It may call the library, as interrupts do. */
static void chance(struct bench *b)
{
    void (*fn)(struct bench * b, void *arg) = b->interrupt;
    uintptr_t context = b->context;

    if (b->irq_depth != 0 || fn == NULL) {
        return;
    }
    if (b->chances++ < b->interrupt_after) {
        return;
    }
    b->interrupt = NULL;
    b->context = 99;
    fn(b, b->interrupt_arg);
    b->context = context;
}

static bool fails(struct bench *b)
{
    b->allocations++;
    return b->allocations == b->fail_at;
}

/* ---- memory ---- */

static uiommu_err mem_get(void *ctx, uint64_t bytes, uint64_t align, uint64_t limit,
                          struct uiommu_mem *out)
{
    struct bench *b = ctx;

    if (fails(b)) {
        return UIOMMU_E_NOMEM;
    }
    out->cpu = model_ram_get(b->world, bytes, align, limit, &out->bus);
    out->bytes = bytes;
    if (out->cpu == NULL) {
        return UIOMMU_E_NOMEM;
    }
    b->mem_live++;
    /* "Zeroed and visible to the IOMMU." */
    model_ram_clean(b->world, out->cpu, bytes);
    return UIOMMU_OK;
}

static void mem_put(void *ctx, const struct uiommu_mem *mem)
{
    struct bench *b = ctx;

    b->mem_live--;
    model_ram_put(b->world, mem->bus, mem->bytes);
}

static uint32_t class_of(size_t bytes)
{
    uint32_t k = 0;

    while (((size_t)64 << k) < bytes) {
        k++;
    }
    return k;
}

/* Used after it was given back. */
static bool was_written(const struct bench_piece *piece, uint32_t k)
{
    const uint8_t *at = (const uint8_t *)(piece + 1);
    size_t i;

    for (i = 0; i < (size_t)64 << k; i++) {
        if (at[i] != FREED_BYTE) {
            return true;
        }
    }
    return false;
}

void bench_heap_look(struct bench *b)
{
    const struct bench_piece *piece;
    uint32_t k;

    for (k = 0; k < BENCH_CLASSES; k++) {
        for (piece = b->heap.free[k]; piece != NULL; piece = piece->next) {
            b->heap.faults += was_written(piece, k);
        }
    }
}

static void *heap_get(void *ctx, size_t bytes)
{
    struct bench *b = ctx;
    uint32_t k = class_of(bytes);
    size_t whole = ((size_t)64 << k) + sizeof(struct bench_piece);
    struct bench_piece *piece;

    if (bytes == 0 || k >= BENCH_CLASSES || fails(b)) {
        return NULL;
    }
    /* Memory that was given back stays as it is for as long as there is other. */
    piece = whole > b->heap.left ? b->heap.free[k] : NULL;
    if (piece != NULL) {
        b->heap.free[k] = piece->next;
        b->heap.faults += was_written(piece, k);
    } else {
        if (whole > b->heap.left) {
            return NULL;
        }
        piece = (struct bench_piece *)(void *)b->heap.at;
        b->heap.at += whole;
        b->heap.left -= whole;
    }
    piece->bytes = bytes;
    b->heap.live++;
    b->heap.live_bytes += bytes;
    memset(piece + 1, 0, bytes);
    return piece + 1;
}

static void heap_put(void *ctx, void *ptr, size_t bytes)
{
    struct bench *b = ctx;
    struct bench_piece *piece = (struct bench_piece *)ptr - 1;
    uint32_t k = class_of(bytes);

    if (piece->bytes != bytes || bytes == 0) {
        b->heap.faults++;
        return;
    }
    memset(ptr, FREED_BYTE, (size_t)64 << k);
    piece->bytes = 0;
    piece->next = b->heap.free[k];
    b->heap.free[k] = piece;
    b->heap.live--;
    b->heap.live_bytes -= bytes;
}

static void mem_to_device(void *ctx, const void *cpu, uint64_t bytes)
{
    struct bench *b = ctx;

    model_ram_clean(b->world, cpu, bytes);
}

static void mem_from_device(void *ctx, const void *cpu, uint64_t bytes)
{
    struct bench *b = ctx;

    model_ram_invalidate(b->world, cpu, bytes);
}

/* ---- registers and time ---- */

static uint32_t mmio_read32(void *ctx, uint64_t addr)
{
    struct bench *b = ctx;
    struct bench *at = bench_at(b, &addr);

    at->mmio++;
    chance(b);
    return at->vendor->read32(at, addr);
}

static uint64_t mmio_read64(void *ctx, uint64_t addr)
{
    struct bench *b = ctx;
    struct bench *at = bench_at(b, &addr);

    at->mmio++;
    chance(b);
    return at->vendor->read64(at, addr);
}

static void mmio_write32(void *ctx, uint64_t addr, uint32_t value)
{
    struct bench *b = ctx;
    struct bench *at = bench_at(b, &addr);

    at->mmio++;
    chance(b);
    at->vendor->write32(at, addr, value);
}

static void mmio_write64(void *ctx, uint64_t addr, uint64_t value)
{
    struct bench *b = ctx;
    struct bench *at = bench_at(b, &addr);

    at->mmio++;
    chance(b);
    at->vendor->write64(at, addr, value);
}

static uint64_t now_ns(void *ctx)
{
    struct bench *b = ctx;

    chance(b);
    model_tick(b->world);
    return model_now(b->world);
}

static void wait(void *ctx, const struct uiommu_word *word, uint32_t seen, uint64_t deadline_ns)
{
    struct bench *b = ctx;
    uint64_t now = model_now(b->world);

    if (uiommu_word_load(word) == seen && deadline_ns > now) {
        uint64_t left = deadline_ns - now;

        model_advance(b->world, left < WAIT_STEP_NS ? left : WAIT_STEP_NS);
    }
}

static void wake(void *ctx, const struct uiommu_word *word)
{
    struct bench *b = ctx;

    for (; b != NULL; b = b->beside) {
        if (b->unit != NULL && word == uiommu_unit_due_word(b->unit)) {
            b->wakes++;
            b->due = true;
        }
    }
}

/* ---- contexts ---- */

static uintptr_t irq_save(void *ctx)
{
    struct bench *b = ctx;

    chance(b);
    return b->irq_depth++;
}

static void irq_restore(void *ctx, uintptr_t state)
{
    struct bench *b = ctx;

    if (b->irq_depth == 0 || state != b->irq_depth - 1) {
        b->irq_faults++;
        return;
    }
    b->irq_depth--;
    chance(b);
}

static uintptr_t self(void *ctx)
{
    const struct bench *b = ctx;

    return b->context;
}

static void log_line(void *ctx, enum uiommu_log_level level, const char *msg)
{
    struct bench *b = ctx;

    (void)level;
    (void)msg;
    b->log_lines++;
}

/* ---- trace ---- */

static uint64_t mix(uint64_t hash, uint64_t word)
{
    uint32_t i;

    for (i = 0; i < 8; i++) {
        hash = (hash ^ (word >> (8 * i) & 0xFF)) * HASH_PRIME;
    }
    return hash;
}

/* As the counters should have it. */
static void tell(struct bench_trace *t, const struct uiommu_trace *record)
{
    struct uiommu_unit_counters *told = &t->told;

    switch (record->id) {
    case UIOMMU_TRACE_REQUEST:
        told->requests++;
        break;
    case UIOMMU_TRACE_GROUP_READY:
        told->groups++;
        break;
    case UIOMMU_TRACE_GROUP_DISPATCHED:
        told->dispatched++;
        break;
    case UIOMMU_TRACE_GROUP_ANSWERED:
        told->success += record->d == UIOMMU_CODE_SUCCESS;
        told->invalid += record->d == UIOMMU_CODE_INVALID;
        told->failure += record->d == UIOMMU_CODE_FAILURE;
        break;
    case UIOMMU_TRACE_REFUSED:
        t->refused += record->c != UIOMMU_CODE_NONE;
        told->dropped += record->c == UIOMMU_CODE_NONE;
        told->unknown_id += record->d == UIOMMU_DROP_UNKNOWN_ID;
        told->unknown_pasid += record->d == UIOMMU_DROP_UNKNOWN_PASID;
        break;
    case UIOMMU_TRACE_GROUP_DROPPED:
        told->dropped++; /* At least: each page of an open one counts. */
        break;
    case UIOMMU_TRACE_MARKER:
        told->markers++;
        break;
    case UIOMMU_TRACE_OVERFLOW:
        told->overflows++;
        break;
    case UIOMMU_TRACE_TICKET:
        told->commands += record->b == 0;
        told->command_errors += record->b >= 2;
        break;
    case UIOMMU_TRACE_BOND:
        told->poisoned += record->d == UIOMMU_BOND_POISONED;
        break;
    default:
        break;
    }
}

static void trace(void *ctx, const struct uiommu_trace *record)
{
    struct bench *b = ctx;
    struct bench_trace *t = &b->trace;

    t->hash = mix(mix(t->hash, record->id), record->now_ns);
    t->hash = mix(mix(t->hash, record->a), record->b);
    t->hash = mix(mix(t->hash, record->c), record->d);
    if (record->id == 0 || record->id >= UIOMMU_TRACE_END) {
        t->unknown++;
        return;
    }
    t->count[record->id]++;
    tell(t, record);
    if (t->hook != NULL) {
        t->hook(b, record, t->arg);
    }
}

void bench_host_ops(struct bench *b)
{
    struct uiommu_host_ops *ops = &b->ops;

    ops->size = sizeof(*ops);
    ops->ctx = b;
    ops->mem_get = mem_get;
    ops->mem_put = mem_put;
    ops->heap_get = heap_get;
    ops->heap_put = heap_put;
    ops->mem_to_device = mem_to_device;
    ops->mem_from_device = mem_from_device;
    ops->mmio_read32 = mmio_read32;
    ops->mmio_read64 = mmio_read64;
    ops->mmio_write32 = mmio_write32;
    ops->mmio_write64 = mmio_write64;
    ops->now_ns = now_ns;
    ops->irq_save = irq_save;
    ops->irq_restore = irq_restore;
    ops->self = self;
    ops->log = log_line;
    ops->trace = trace;
    if (b->variant->irq) {
        ops->wait = wait;
        ops->wake = wake;
    }
}
