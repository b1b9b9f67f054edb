/* SPDX-License-Identifier: BSD-2-Clause */
#include "bench.h"

/* The neutral part of a bench: its world, its clock, its runs. */

#define TICK_NS    40u
#define STEP_MIN   (1 * BENCH_US)
#define STEP_MAX   (64 * BENCH_US)
#define ARRIVAL_NS (20 * BENCH_US) /* Lags between the bus and the ring. */
#define SHIFT_BITS 40u             /* Between the registers of two units. */

/* Five choices, all mixtures; the first is the machine one would like to have. */
#define V_LATE(name, m, c, l, i)                                                                   \
    {name "/prompt", m, c, l, i, false},                                                           \
    {                                                                                              \
        name "/late", m, c, l, i, true                                                             \
    }
#define V_IRQ(name, m, c, l)                                                                       \
    V_LATE(name "/irq", m, c, l, true), V_LATE(name "/poll", m, c, l, false)
#define V_SIZE(name, m, c) V_IRQ(name "/large", m, c, true), V_IRQ(name "/small", m, c, false)
#define V_SNOOP(name, m)   V_SIZE(name "/snoops", m, true), V_SIZE(name "/stale", m, false)

const struct bench_variant bench_variants[] = {V_SNOOP("markers", true),
                                               V_SNOOP("swallowed", false)};
const uint32_t bench_variant_count = sizeof(bench_variants) / sizeof(bench_variants[0]);

static void on_report(void *ctx, const struct model_report *report)
{
    struct bench *b = ctx;

    if (b->reports < BENCH_RULES) {
        b->rule[b->reports] = report->rule;
    }
    b->reports++;
}

static bool make_world(struct bench *b, uint64_t seed, void *memory)
{
    struct model_world_config config;

    memset(&config, 0, sizeof(config));
    config.seed = seed;
    config.memory = memory;
    config.memory_bytes = BENCH_MEMORY;
    config.ram_base = BENCH_RAM_BASE;
    config.ram_bytes = BENCH_RAM;
    config.coherent = b->variant->coherent;
    config.tick_ns = TICK_NS;
    config.report_ctx = b;
    config.report = on_report;
    b->world = model_world_create(&config);
    if (b->world == NULL) {
        return false;
    }
    b->heap.at = model_alloc(b->world, BENCH_HEAP, 64);
    b->heap.left = BENCH_HEAP;
    return b->heap.at != NULL;
}

void bench_fabric(struct bench *b, uint64_t min_ns, uint64_t max_ns, uint32_t late_per_mille,
                  uint64_t late_ns)
{
    struct model_fabric_config config = {min_ns, max_ns, late_per_mille, late_ns};

    if (b->fabric == NULL) {
        b->fabric = model_fabric_create(b->world, &config);
    } else {
        model_fabric_set(b->fabric, &config);
    }
}

static void default_config(struct bench *b)
{
    struct uiommu_unit_config *c = &b->config;

    c->size = sizeof(*c);
    c->marker_reserve = 3;
    c->command_ns = BENCH_COMMAND;
    c->stop_ns = BENCH_STOP;
    c->answer_ns = BENCH_ANSWER;
    c->partial_ns = BENCH_PARTIAL;
    c->drain_ns = BENCH_DRAIN;
    c->handler_ns = BENCH_HANDLER;
    c->settle_ns = BENCH_SETTLE;
    b->numbers.size = sizeof(b->numbers);
    b->numbers.first = 1;
    b->numbers.last = 0xFFFFF;
    b->numbers.reuse_distance = 4;
}

bool bench_make(struct bench *b, const struct bench_vendor *vendor,
                const struct bench_variant *variant, uint64_t seed, void *memory)
{
    memset(b, 0, sizeof(*b));
    b->vendor = vendor;
    b->variant = variant;
    b->context = 1;
    if (!make_world(b, seed, memory)) {
        return false;
    }
    bench_fabric(b, 100, BENCH_US, variant->late ? 300 : 0, BENCH_LATE);
    if (b->fabric == NULL) {
        return false;
    }
    bench_host_ops(b);
    default_config(b);
    return vendor->make(b);
}

bool bench_beside(struct bench *first, struct bench *b, const struct bench_vendor *vendor)
{
    struct bench *last = first;
    uint64_t number = 1;

    while (last->beside != NULL) {
        last = last->beside;
        number++;
    }
    memset(b, 0, sizeof(*b));
    b->vendor = vendor;
    b->variant = first->variant;
    b->world = first->world;
    b->first = first;
    b->shift = number << SHIFT_BITS;
    bench_fabric(b, 100, BENCH_US, b->variant->late ? 300 : 0, BENCH_LATE);
    default_config(b);
    if (b->fabric == NULL || !vendor->make(b)) {
        return false;
    }
    last->beside = b;
    return true;
}

struct bench *bench_at(struct bench *first, uint64_t *addr)
{
    struct bench *b = first;

    while (b->beside != NULL && *addr >> SHIFT_BITS != b->shift >> SHIFT_BITS) {
        b = b->beside;
    }
    *addr -= b->shift;
    return b;
}

uiommu_err bench_create(struct bench *b)
{
    uiommu_err err = uiommu_create(&b->ops, &b->u);
    struct bench *o;

    if (err != UIOMMU_OK) {
        return err;
    }
    memset(&b->trace.told, 0, sizeof(b->trace.told));
    b->trace.refused = 0;
    err = uiommu_pasid_space_create(b->u, &b->numbers, &b->pasids);
    for (o = b; o != NULL && err == UIOMMU_OK; o = o->beside) {
        o->config.pasids = b->pasids;
        err = o->vendor->create(o, b->u, &o->unit);
    }
    if (err != UIOMMU_OK && bench_down(b) != UIOMMU_OK) {
        return UIOMMU_E_INTERNAL;
    }
    return err;
}

uiommu_err bench_up(struct bench *b)
{
    uiommu_err err = bench_create(b);
    struct bench *o;

    if (err != UIOMMU_OK) {
        return err;
    }
    for (o = b; o != NULL && err == UIOMMU_OK; o = o->beside) {
        err = uiommu_unit_start(o->unit);
        o->started = err == UIOMMU_OK;
    }
    if (err != UIOMMU_OK && bench_down(b) != UIOMMU_OK) {
        return UIOMMU_E_INTERNAL;
    }
    return err;
}

static uiommu_err unit_down(struct bench *b)
{
    uiommu_err err = UIOMMU_OK;

    if (b->started) {
        err = uiommu_unit_stop(b->unit);
        b->started = err != UIOMMU_OK;
    }
    if (err == UIOMMU_OK && b->unit != NULL) {
        err = uiommu_unit_destroy(b->unit);
        b->unit = err == UIOMMU_OK ? NULL : b->unit;
    }
    return err;
}

uiommu_err bench_down(struct bench *b)
{
    uiommu_err err = UIOMMU_OK;
    struct bench *o;

    for (o = b; o != NULL && err == UIOMMU_OK; o = o->beside) {
        err = unit_down(o);
    }
    if (err == UIOMMU_OK && b->pasids != NULL) {
        err = uiommu_pasid_space_destroy(b->pasids);
        b->pasids = err == UIOMMU_OK ? NULL : b->pasids;
    }
    if (err == UIOMMU_OK && b->u != NULL) {
        err = uiommu_destroy(b->u);
        b->u = err == UIOMMU_OK ? NULL : b->u;
    }
    return err;
}

void bench_lack(struct bench *b, const char *why)
{
    struct bench *first = b->first == NULL ? b : b->first;

    if (first->lacks == NULL) {
        first->lacks = why;
    }
    if (first->vendor->lacking != NULL) {
        first->vendor->lacking(first);
    }
}

/* ---- time ---- */

uint64_t bench_now(const struct bench *b)
{
    return model_now(b->world);
}

void bench_advance(struct bench *b, uint64_t ns)
{
    model_advance(b->world, ns);
}

static bool unit_is_due(const struct bench *b)
{
    return !b->variant->irq || b->irq || b->due ||
           uiommu_unit_next_deadline(b->unit) <= bench_now(b);
}

bool bench_is_due(struct bench *b)
{
    while (b != NULL && !unit_is_due(b)) {
        b = b->beside;
    }
    return b != NULL;
}

static void unit_step(struct bench *b)
{
    uint32_t rounds = 0;

    if (!b->started || !unit_is_due(b)) {
        return;
    }
    b->irq = false;
    b->due = false;
    while (uiommu_unit_service(b->unit, 0) == UIOMMU_MORE && rounds < 1000) {
        rounds++;
    }
}

void bench_step(struct bench *b, uint64_t ns)
{
    struct bench *o;

    for (o = b; o != NULL; o = o->beside) {
        unit_step(o);
    }
    bench_advance(b, ns);
}

static bool called(const struct bench *b)
{
    while (b != NULL && !b->irq && !b->due) {
        b = b->beside;
    }
    return b != NULL;
}

/* Steps grow while nothing happens: long waits are cheap, busy times are fine grained. */
void bench_run(struct bench *b, uint64_t ns)
{
    uint64_t end = bench_now(b) + ns;
    uint64_t step = STEP_MIN;

    while (bench_now(b) < end) {
        uint64_t seen = b->trace.hash;
        uint64_t left = end - bench_now(b);

        bench_step(b, step < left ? step : left);
        step = seen != b->trace.hash || called(b) ? STEP_MIN
               : step < STEP_MAX                  ? step * 2
                                                  : STEP_MAX;
    }
}

void bench_arrive(struct bench *b)
{
    struct bench *o;

    bench_advance(b, ARRIVAL_NS + (b->variant->late ? BENCH_LATE : 0));
    for (o = b; o != NULL; o = o->beside) {
        model_fabric_flush(o->fabric, UINT32_MAX);
    }
    bench_advance(b, ARRIVAL_NS);
}

void bench_interrupt(struct bench *b, uint32_t after, void (*fn)(struct bench *b, void *arg),
                     void *arg)
{
    b->interrupt = fn;
    b->interrupt_arg = arg;
    b->interrupt_after = after;
    b->chances = 0;
}
