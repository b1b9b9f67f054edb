/* SPDX-License-Identifier: BSD-2-Clause */
#include "hostcheck.h"

#define LINE        64u
#define LOOKS       100000u
#define CLOCK_LOOKS ((uint32_t)1 << 24)
#define WAIT_NS     (2 * BENCH_MS)
#define LATE_NS     (1000 * BENCH_MS)
#define PIECES      6u

/* NULL: good. Else what is wrong. */
typedef const char *check_fn(const struct conf_host_plan *plan);

static bool is_zero(const void *memory, uint64_t bytes)
{
    const uint8_t *at = memory;
    uint64_t i;

    for (i = 0; i < bytes; i++) {
        if (at[i] != 0) {
            return false;
        }
    }
    return true;
}

/* ---- memory ---- */

static const char *look_at(const struct uiommu_mem *mem, uint64_t bytes, uint64_t align)
{
    if (mem->cpu == NULL) {
        return "mem_get() said OK and gave no memory";
    }
    if ((mem->bus & (align - 1)) != 0) {
        return "the bus address is no multiple of align";
    }
    if (((uintptr_t)mem->cpu & (LINE - 1)) != 0) {
        return "the CPU's address is no multiple of 64";
    }
    if (mem->bytes != bytes) {
        return "bytes is not what was asked for";
    }
    if (mem->bus > UINT64_MAX - (bytes - 1)) {
        return "the bus addresses wrap";
    }
    return is_zero(mem->cpu, bytes) ? NULL : "the memory is not zeroed";
}

/* Neither begins inside the other. */
static bool ranges_overlap(uint64_t a, uint64_t a_bytes, uint64_t b, uint64_t b_bytes)
{
    return a < b ? b - a < a_bytes : a - b < b_bytes;
}

static bool overlap(const struct uiommu_mem *a, const struct uiommu_mem *b)
{
    return ranges_overlap(a->bus, a->bytes, b->bus, b->bytes) ||
           ranges_overlap((uintptr_t)a->cpu, a->bytes, (uintptr_t)b->cpu, b->bytes);
}

/* As rings, tables and records are asked for; all at once, twice: what comes back is used. */
static const char *mem_pieces(const struct uiommu_host_ops *ops)
{
    static const uint64_t shape[PIECES][2] = {{1, 64},       {40, 64},       {4096, 4096},
                                              {8192, 65536}, {65536, 65536}, {32768, 64}};
    struct uiommu_mem mem[PIECES];
    const char *wrong = NULL;
    uint32_t i, k, have = 0;

    for (i = 0; i < PIECES && wrong == NULL; i++) {
        memset(&mem[i], 0, sizeof(mem[i]));
        if (ops->mem_get(ops->ctx, shape[i][0], shape[i][1], UINT64_MAX, &mem[i]) != UIOMMU_OK) {
            wrong = "mem_get() has no memory for 108 KiB in six pieces";
            break;
        }
        have = i + 1;
        wrong = look_at(&mem[i], shape[i][0], shape[i][1]);
        for (k = 0; k < i && wrong == NULL; k++) {
            wrong = overlap(&mem[i], &mem[k]) ? "two pieces overlap" : NULL;
        }
        if (wrong == NULL) {
            memset(mem[i].cpu, 0xA5, (size_t)mem[i].bytes);
        }
    }
    while (have > 0) {
        ops->mem_put(ops->ctx, &mem[--have]);
    }
    return wrong;
}

static const char *mem_twice(const struct conf_host_plan *plan)
{
    const struct uiommu_host_ops *ops = plan->ops;
    const char *wrong = mem_pieces(ops);

    return wrong != NULL ? wrong : mem_pieces(ops);
}

static const char *mem_limit(const struct conf_host_plan *plan)
{
    const struct uiommu_host_ops *ops = plan->ops;
    static const uint64_t limits[] = {UINT32_MAX, 0xFFFFFF, 0xFFF, 0xFFE};
    struct uiommu_mem mem = {NULL, 0, 0};
    bool above;
    uint32_t i;

    for (i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
        if (ops->mem_get(ops->ctx, 4096, 4096, limits[i], &mem) != UIOMMU_OK) {
            continue;
        }
        above = mem.bus + 4095 > limits[i];
        ops->mem_put(ops->ctx, &mem);
        if (above) {
            return "memory above limit";
        }
    }
    return NULL;
}

static const char *mem_none(const struct conf_host_plan *plan)
{
    const struct uiommu_host_ops *ops = plan->ops;
    struct uiommu_mem mem = {NULL, 0, 0};

    uiommu_err err = ops->mem_get(ops->ctx, 4096, 4096, 1, &mem);

    /* No 4096 bytes end at or below address 1. */
    if (err == UIOMMU_OK) {
        ops->mem_put(ops->ctx, &mem);
    }
    return err == UIOMMU_E_NOMEM ? NULL : "nothing is below 1: is to say UIOMMU_E_NOMEM";
}

static const char *heap_pieces(const struct conf_host_plan *plan)
{
    const struct uiommu_host_ops *ops = plan->ops;
    static const size_t bytes[] = {1, 24, 64, 100, 4096, 20000};
    const char *wrong = NULL;
    uint32_t i;
    void *ptr;

    for (i = 0; i < 2 * sizeof(bytes) / sizeof(bytes[0]) && wrong == NULL; i++) {
        ptr = ops->heap_get(ops->ctx, bytes[i / 2]);
        if (ptr == NULL) {
            return "heap_get() has no memory";
        }
        wrong = ((uintptr_t)ptr & (LINE - 1)) != 0 ? "not aligned to 64 bytes" : NULL;
        if (wrong == NULL && !is_zero(ptr, bytes[i / 2])) {
            wrong = "the memory is not zeroed";
        }
        memset(ptr, 0xA5, bytes[i / 2]);
        ops->heap_put(ops->ctx, ptr, bytes[i / 2]);
    }
    return wrong;
}

/* Cache maintenance loses nothing that was cleaned before; any range will do. */
static const char *syncs(const struct conf_host_plan *plan)
{
    const struct uiommu_host_ops *ops = plan->ops;
    struct uiommu_mem mem = {NULL, 0, 0};
    const char *wrong = NULL;
    uint8_t *at;
    uint32_t i;

    if (ops->mem_get(ops->ctx, 4096, 4096, UINT64_MAX, &mem) != UIOMMU_OK) {
        return "mem_get() has no memory";
    }
    at = mem.cpu;
    for (i = 0; i < 4096; i++) {
        at[i] = (uint8_t)(i * 7 + 1);
    }
    ops->mem_to_device(ops->ctx, at, 4096);
    if (ops->mem_from_device != NULL) {
        ops->mem_from_device(ops->ctx, at + 3, 1);
        ops->mem_from_device(ops->ctx, at + 60, 70);
        ops->mem_from_device(ops->ctx, at, 4096);
    }
    for (i = 0; i < 4096 && wrong == NULL; i++) {
        wrong = at[i] != (uint8_t)(i * 7 + 1) ? "bytes that were cleaned before are lost" : NULL;
    }
    ops->mem_put(ops->ctx, &mem);
    return wrong;
}

/* ---- time and contexts ---- */

static const char *clock_runs(const struct conf_host_plan *plan)
{
    const struct uiommu_host_ops *ops = plan->ops;
    uint64_t first = ops->now_ns(ops->ctx), last = first, now;
    uint32_t i;

    for (i = 0; i < LOOKS || (last == first && i < CLOCK_LOOKS); i++) {
        now = ops->now_ns(ops->ctx);
        if (now < last) {
            return "the clock ran backwards";
        }
        last = now;
        uiommu_pause();
    }
    return last != first ? NULL : "the clock stands still while it is looked at";
}

static const char *waits(const struct conf_host_plan *plan)
{
    const struct uiommu_host_ops *ops = plan->ops;
    struct uiommu_word word = {1};
    uint64_t begin = ops->now_ns(ops->ctx);

    ops->wake(ops->ctx, &word);
    ops->wait(ops->ctx, &word, 0, begin + 2 * LATE_NS);
    if (ops->now_ns(ops->ctx) - begin > LATE_NS) {
        return "the word differs already, and wait() does not return at once";
    }
    ops->wait(ops->ctx, &word, 1, begin);
    if (ops->now_ns(ops->ctx) - begin > LATE_NS) {
        return "the deadline has passed, and wait() does not return at once";
    }
    begin = ops->now_ns(ops->ctx);
    ops->wait(ops->ctx, &word, 1, begin + WAIT_NS);
    return ops->now_ns(ops->ctx) - begin > WAIT_NS + LATE_NS ? "a second after its deadline" : NULL;
}

static const char *wakes(const struct conf_host_plan *plan)
{
    const struct uiommu_host_ops *ops = plan->ops;
    struct uiommu_word word = {1};

    ops->wake(ops->ctx, &word);
    return uiommu_word_load(&word) == 1 ? NULL : "wake() changed the word";
}

static const char *irqs(const struct conf_host_plan *plan)
{
    const struct uiommu_host_ops *ops = plan->ops;
    uintptr_t outer, inner;
    bool inner_off, outer_off;

    if (!plan->irqs_on(plan->ctx)) {
        return "interrupts are off: since the begin, or since an irq_restore()";
    }
    outer = ops->irq_save(ops->ctx);
    inner = ops->irq_save(ops->ctx);
    inner_off = !plan->irqs_on(plan->ctx);
    ops->irq_restore(ops->ctx, inner);
    outer_off = !plan->irqs_on(plan->ctx);
    ops->irq_restore(ops->ctx, outer);
    if (!inner_off) {
        return "interrupts come between irq_save() and irq_restore()";
    }
    if (!outer_off) {
        return "the inner irq_restore() lets interrupts in: it does not nest";
    }
    return plan->irqs_on(plan->ctx) ? NULL : "irq_restore() does not restore";
}

static const char *knows_itself(const struct conf_host_plan *plan)
{
    const struct uiommu_host_ops *ops = plan->ops;
    uintptr_t first = ops->self(ops->ctx);

    if (first == 0) {
        return "0 names nobody";
    }
    return ops->self(ops->ctx) == first ? NULL : "another number on the same thread";
}

static const char *logs(const struct conf_host_plan *plan)
{
    const struct uiommu_host_ops *ops = plan->ops;
    ops->log(ops->ctx, UIOMMU_LOG_INFO, "a line from the check of the host's table");
    return NULL;
}

/* ---- all of it ---- */

static const char *accepted(const struct uiommu_host_ops *ops)
{
    struct uiommu *u;

    if (ops->size != sizeof(*ops)) {
        return "size is not that of this header's struct uiommu_host_ops";
    }
    if (uiommu_create(ops, &u) != UIOMMU_OK) {
        return "uiommu_create() refuses the table: a required op or half a pair is missing";
    }
    return uiommu_destroy(u) == UIOMMU_OK ? NULL : "uiommu_destroy() fails";
}

static void tell(const struct conf_host_plan *plan, const char *op, const char *holds, bool there,
                 const char *wrong, struct conf_totals *out)
{
    enum conf_verdict verdict = wrong != NULL ? CONF_FAILED : there ? CONF_PASSED : CONF_SKIPPED;

    out->passed += verdict == CONF_PASSED;
    out->failed += verdict == CONF_FAILED;
    out->skipped += verdict == CONF_SKIPPED;
    if (plan->report != NULL) {
        plan->report(plan->ctx, op, verdict, wrong != NULL ? wrong : holds);
    }
}

bool conf_host_run(const struct conf_host_plan *plan, struct conf_totals *out)
{
    const struct uiommu_host_ops *ops = plan->ops;
    const char *wrong = accepted(ops);
    const struct {
        const char *op, *holds;
        bool there;
        check_fn *check;
    } rows[] = {
        {"mem_get", "zeroed, aligned, apart from each other, also the second time", true,
         mem_twice},
        {"mem_get", "not above limit", true, mem_limit},
        {"mem_get", "says when there is none", true, mem_none},
        {"heap_get", "zeroed, aligned to 64 bytes", ops->heap_get != NULL, heap_pieces},
        {"mem_to_device", "loses nothing", ops->mem_to_device != NULL, syncs},
        {"now_ns", "never backwards, goes on while it is looked at", true, clock_runs},
        {"wait", "returns at once, or by its deadline", ops->wait != NULL, waits},
        {"wake", "with nobody waiting", ops->wake != NULL, wakes},
        {"irq_save", "nests", ops->irq_save != NULL && plan->irqs_on != NULL, irqs},
        {"self", "one number a thread, not 0", ops->self != NULL, knows_itself},
        {"log", "takes a line", ops->log != NULL, logs},
    };
    uint32_t i;

    memset(out, 0, sizeof(*out));
    tell(plan, "table", "uiommu_create() takes it", true, wrong, out);
    for (i = 0; wrong == NULL && i < sizeof(rows) / sizeof(rows[0]); i++) {
        tell(plan, rows[i].op, rows[i].holds, rows[i].there,
             rows[i].there ? rows[i].check(plan) : NULL, out);
    }
    return out->failed == 0 && out->passed != 0;
}
