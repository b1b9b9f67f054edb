/* SPDX-License-Identifier: BSD-2-Clause */
/* Tables with one thing wrong each: the check of the host's table must name the op. */
#include <hostcheck.h>
#include <stdio.h>
#include <string.h>

#include "port_host.h"

static uiommu_err get(uint64_t bytes, uint64_t align, uint64_t limit, struct uiommu_mem *out)
{
    return port_ops.mem_get(NULL, bytes, align, limit, out);
}

/* ---- memory ---- */

static uiommu_err dirty(void *ctx, uint64_t bytes, uint64_t align, uint64_t limit,
                        struct uiommu_mem *out)
{
    uiommu_err err = get(bytes, align, limit, out);

    (void)ctx;
    if (err == UIOMMU_OK)
        ((char *)out->cpu)[bytes - 1] = 1;
    return err;
}

static uiommu_err crooked(void *ctx, uint64_t bytes, uint64_t align, uint64_t limit,
                          struct uiommu_mem *out)
{
    uiommu_err err = get(bytes, align, limit, out);

    (void)ctx;
    out->bus += align / 2;
    return err;
}

static uiommu_err rounded(void *ctx, uint64_t bytes, uint64_t align, uint64_t limit,
                          struct uiommu_mem *out)
{
    uiommu_err err = get(bytes, align, limit, out);

    (void)ctx;
    out->bytes = (bytes + 4095) & ~UINT64_C(4095);
    return err;
}

/* Everything at the same place. */
static uiommu_err shared(void *ctx, uint64_t bytes, uint64_t align, uint64_t limit,
                         struct uiommu_mem *out)
{
    static _Alignas(65536) char all[65536];

    (void)ctx;
    (void)align;
    (void)limit;
    if (bytes > sizeof(all))
        return UIOMMU_E_NOMEM;
    memset(all, 0, sizeof(all));
    out->cpu = all;
    out->bus = 0x10000;
    out->bytes = bytes;
    return UIOMMU_OK;
}

static void keep(void *ctx, const struct uiommu_mem *mem)
{
    (void)ctx;
    (void)mem;
}

static uiommu_err above(void *ctx, uint64_t bytes, uint64_t align, uint64_t limit,
                        struct uiommu_mem *out)
{
    uiommu_err err = get(bytes, align, UINT64_MAX, out);

    (void)ctx;
    if (err == UIOMMU_OK && limit != UINT64_MAX)
        out->bus = (limit & ~(align - 1)) + align;
    return err;
}

static uiommu_err wrong_word(void *ctx, uint64_t bytes, uint64_t align, uint64_t limit,
                             struct uiommu_mem *out)
{
    uiommu_err err = get(bytes, align, limit, out);

    (void)ctx;
    return err == UIOMMU_OK ? err : UIOMMU_E_INVALID;
}

static void *heap_get(void *ctx, size_t bytes)
{
    struct uiommu_mem mem;

    (void)ctx;
    return get(bytes + 128, 64, UINT64_MAX, &mem) == UIOMMU_OK ? mem.cpu : NULL;
}

static void *heap_dirty(void *ctx, size_t bytes)
{
    void *ptr = heap_get(ctx, bytes);

    memset(ptr, 3, bytes);
    return ptr;
}

static void heap_put(void *ctx, void *ptr, size_t bytes)
{
    const struct uiommu_mem mem = {ptr, 0, bytes};

    port_ops.mem_put(ctx, &mem);
}

static void no_sync(void *ctx, const void *cpu, uint64_t bytes)
{
    (void)ctx;
    (void)cpu;
    (void)bytes;
}

/* Throws away more than was asked for, and cleaned. */
static void loses(void *ctx, const void *cpu, uint64_t bytes)
{
    (void)ctx;
    (void)bytes;
    memset((void *)(uintptr_t)cpu, 0, 1);
}

/* ---- time and contexts ---- */

static uint64_t still(void *ctx)
{
    (void)ctx;
    return 5;
}

static uint64_t back(void *ctx)
{
    static uint64_t now;

    (void)ctx;
    now++;
    return now % 1000;
}

/* A clock that the waits below move. */
static uint64_t clock_ns;

static uint64_t tick(void *ctx)
{
    (void)ctx;
    return clock_ns += 100;
}

static void oversleeps(void *ctx, const struct uiommu_word *word, uint32_t seen, uint64_t deadline)
{
    (void)ctx;
    if (uiommu_word_load(word) == seen && deadline > clock_ns)
        clock_ns = deadline + 2000 * BENCH_MS;
}

static void forgets_the_word(void *ctx, const struct uiommu_word *word, uint32_t seen,
                             uint64_t deadline)
{
    (void)ctx;
    (void)word;
    (void)seen;
    if (deadline > clock_ns)
        clock_ns = deadline;
}

static void wake(void *ctx, const struct uiommu_word *word)
{
    (void)ctx;
    (void)word;
}

static void meddles(void *ctx, const struct uiommu_word *word)
{
    (void)ctx;
    ((struct uiommu_word *)(uintptr_t)word)->v++;
}

static bool on = true;

static bool irqs_on(void *ctx)
{
    (void)ctx;
    return on;
}

static uintptr_t off(void *ctx)
{
    bool was = on;

    (void)ctx;
    on = false;
    return was;
}

static uintptr_t not_off(void *ctx)
{
    (void)ctx;
    return 1;
}

static void restore(void *ctx, uintptr_t state)
{
    (void)ctx;
    on = state != 0;
}

static void lets_in(void *ctx, uintptr_t state)
{
    (void)ctx;
    (void)state;
    on = true;
}

static void never(void *ctx, uintptr_t state)
{
    (void)ctx;
    (void)state;
}

static uintptr_t nobody(void *ctx)
{
    (void)ctx;
    return 0;
}

static uintptr_t another(void *ctx)
{
    static uintptr_t count;

    (void)ctx;
    return ++count;
}

/* ---- the lies ---- */

#define MEM(get, put)   .mem_get = get, .mem_put = put
#define HEAP(get)       .heap_get = get, .heap_put = heap_put
#define SYNC(from)      .mem_to_device = no_sync, .mem_from_device = from
#define TIME(now, how)  .now_ns = now, .wait = how, .wake = wake
#define IRQ(save, give) .irq_save = save, .irq_restore = give

/* What is set here replaces what the port has. op: "" is no lie. */
static const struct {
    const char *op;
    struct uiommu_host_ops ops;
} lies[] = {
    {"", {.size = 0}},
    {"", {HEAP(heap_get)}},
    {"", {SYNC(no_sync)}},
    {"", {IRQ(off, restore)}},
    {"table", {.heap_get = heap_get}},
    {"table", {.size = 8}},
    {"mem_get", {MEM(dirty, NULL)}},
    {"mem_get", {MEM(crooked, NULL)}},
    {"mem_get", {MEM(rounded, NULL)}},
    {"mem_get", {MEM(shared, keep), HEAP(heap_get)}},
    {"mem_get", {MEM(above, NULL)}},
    {"mem_get", {MEM(wrong_word, NULL)}},
    {"heap_get", {HEAP(heap_dirty)}},
    {"mem_to_device", {SYNC(loses)}},
    {"now_ns", {.now_ns = still}},
    {"now_ns", {.now_ns = back}},
    {"wait", {TIME(tick, oversleeps)}},
    {"wait", {TIME(tick, forgets_the_word)}},
    {"wake", {.wake = meddles}},
    {"irq_save", {IRQ(not_off, restore)}},
    {"irq_save", {IRQ(off, lets_in)}},
    {"irq_save", {IRQ(off, never)}},
    {"self", {.self = nobody}},
    {"self", {.self = another}},
};

struct listener {
    const char *op;
    bool named; /* A failed check of it. */
    bool other; /* Of another. */
};

static void hear(void *ctx, const char *op, enum conf_verdict verdict, const char *what)
{
    struct listener *l = ctx;

    if (verdict == CONF_FAILED) {
        printf("  %-14s %s\n", op, what);
        l->named |= strcmp(op, l->op) == 0;
        l->other |= strcmp(op, l->op) != 0;
    }
}

/* The table is size, ctx, then pointers. */
static void lay_over(struct uiommu_host_ops *to, const struct uiommu_host_ops *from)
{
    const size_t begin = offsetof(struct uiommu_host_ops, mem_get);
    void (*op)(void);
    size_t at;

    if (from->size != 0)
        to->size = from->size;
    for (at = begin; at < sizeof(*to); at += sizeof(op)) {
        memcpy(&op, (const char *)from + at, sizeof(op));
        if (op != NULL)
            memcpy((char *)to + at, &op, sizeof(op));
    }
}

int main(void)
{
    const size_t count = sizeof(lies) / sizeof(lies[0]);
    unsigned passed = 0;
    size_t i;

    for (i = 0; i < count; i++) {
        struct uiommu_host_ops ops = port_ops;
        struct listener l = {lies[i].op, false, false};
        struct conf_host_plan plan = {.ops = &ops, .ctx = &l, .irqs_on = irqs_on, .report = hear};
        struct conf_totals totals;
        bool good, lie = lies[i].op[0] != '\0';

        on = true;
        lay_over(&ops, &lies[i].ops);
        good = conf_host_run(&plan, &totals);
        if (good != lie && l.named == lie && !l.other)
            passed++;
        else
            printf("FAILED  lie %u of %s\n", (unsigned)i, lies[i].op);
    }
    printf("%u passed, %u failed, 0 skipped\n", passed, (unsigned)count - passed);
    return passed != count;
}
