/* SPDX-License-Identifier: BSD-2-Clause */
#include "sim_internal.h"

/*
 * The host that the library sees: the bench's, with a scheduling point before each op, and with
 * interrupts, waiting and the calling thread's number of the virtual CPU that calls. What an op
 * does to the bench and its models is one step: nothing interleaves in it.
 */

static struct sim_cpu *cpu_of(struct sim *s)
{
    return sim_now_running == NULL ? NULL : &s->cpu[s->cur];
}

static const uint8_t pages = 0; /* Stands for where memory comes from. */

/* Points only where somebody else could see a difference. */
static struct sim *enter(enum sim_op op)
{
    sim_point(op, NULL);
    return &the_sim;
}

static struct sim *enter_thing(const void *thing)
{
    sim_point(SIM_OP_WORLD, thing);
    return &the_sim;
}

/* One register; odd, so that it is no word's address. */
static struct sim *enter_register(uint64_t addr)
{
    return enter_thing((const void *)(uintptr_t)(addr | 1));
}

static uiommu_err mem_get(void *ctx, uint64_t bytes, uint64_t align, uint64_t limit,
                          struct uiommu_mem *out)
{
    return enter_thing(&pages)->host.mem_get(ctx, bytes, align, limit, out);
}

static void mem_put(void *ctx, const struct uiommu_mem *mem)
{
    enter_thing(&pages)->host.mem_put(ctx, mem);
}

static void *heap_get(void *ctx, size_t bytes)
{
    return enter(SIM_OP_LOCAL)->host.heap_get(ctx, bytes);
}

static void heap_put(void *ctx, void *ptr, size_t bytes)
{
    enter(SIM_OP_LOCAL)->host.heap_put(ctx, ptr, bytes);
}

static void mem_to_device(void *ctx, const void *cpu, uint64_t bytes)
{
    enter(SIM_OP_DMA)->host.mem_to_device(ctx, cpu, bytes);
}

static void mem_from_device(void *ctx, const void *cpu, uint64_t bytes)
{
    enter(SIM_OP_DMA)->host.mem_from_device(ctx, cpu, bytes);
}

static uint32_t mmio_read32(void *ctx, uint64_t addr)
{
    return enter_register(addr)->host.mmio_read32(ctx, addr);
}

static uint64_t mmio_read64(void *ctx, uint64_t addr)
{
    return enter_register(addr)->host.mmio_read64(ctx, addr);
}

static void mmio_write32(void *ctx, uint64_t addr, uint32_t value)
{
    enter_register(addr)->host.mmio_write32(ctx, addr, value);
}

static void mmio_write64(void *ctx, uint64_t addr, uint64_t value)
{
    enter_register(addr)->host.mmio_write64(ctx, addr, value);
}

static uint64_t now_ns(void *ctx)
{
    return enter(SIM_OP_CLOCK)->host.now_ns(ctx);
}

static void wait(void *ctx, const struct uiommu_word *word, uint32_t seen, uint64_t deadline_ns)
{
    struct sim *s = &the_sim;

    if (cpu_of(s) != NULL) {
        sim_wait_word(s, word, seen, deadline_ns);
    } else {
        s->host.wait(ctx, word, seen, deadline_ns);
    }
}

static void wake(void *ctx, const struct uiommu_word *word)
{
    struct sim *s = enter(SIM_OP_WORLD);
    bool was = s->in_step;

    s->in_step = true; /* The bench asks for the due word: no step. */
    s->host.wake(ctx, word);
    s->in_step = was;
    sim_wake_word(s, word);
}

static uintptr_t irq_save(void *ctx)
{
    struct sim *s = enter(SIM_OP_LOCAL);
    struct sim_cpu *c = cpu_of(s);

    (void)ctx;
    return c == NULL ? 0 : c->irq_depth++;
}

static void irq_restore(void *ctx, uintptr_t state)
{
    struct sim *s = &the_sim;
    struct sim_cpu *c = cpu_of(s);

    (void)ctx;
    if (c != NULL) {
        if (c->irq_depth == 0 || state != c->irq_depth - 1) {
            sim_fail(s, "host op", "interrupts are let in in the wrong order");
        }
        c->irq_depth--;
        sim_point(SIM_OP_LOCAL, NULL);
    }
}

/* An interrupt is no thread of the host's; it has a number of its own. */
static uintptr_t self(void *ctx)
{
    struct sim *s = &the_sim;
    struct sim_cpu *c = cpu_of(s);

    (void)ctx;
    return c == NULL ? 1 : 2 + c->number + c->irq_level * (uintptr_t)SIM_CPUS;
}

static void trace(void *ctx, const struct uiommu_trace *record)
{
    struct sim *s = &the_sim;
    bool was = s->in_step;

    s->in_step = true; /* The bench's hook, and the workload's: no steps. */
    s->host.trace(ctx, record);
    if (s->config.trace != NULL) {
        s->config.trace(s, s->config.ctx, record);
    }
    s->in_step = was;
}

void sim_host_ops(struct sim *s)
{
    struct uiommu_host_ops *ops = &s->bench->ops;

    s->host = *ops;
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
    ops->trace = trace;
    if (ops->wait != NULL) {
        ops->wait = wait;
        ops->wake = wake;
    }
}

/* ---- whoever services the unit, and drivers ---- */

#define POLL_NS (5 * BENCH_US)

static bool is_due(void *arg)
{
    const struct bench *b = arg;

    return b->irq || b->due;
}

void sim_servicer(struct sim *s, void *arg)
{
    struct bench *b = arg;
    uint64_t deadline, now;
    uiommu_err err;

    for (;;) {
        if (b->variant->irq) {
            deadline = uiommu_unit_next_deadline(b->unit);
            now = bench_now(b);
            (void)sim_until(s, is_due, b,
                            deadline == SIM_NEVER ? SIM_NEVER
                            : deadline > now      ? deadline - now
                                                  : 0);
        } else {
            sim_sleep(s, POLL_NS);
        }
        b->irq = false;
        b->due = false;
        do {
            err = uiommu_unit_service(b->unit, 0);
        } while (err == UIOMMU_MORE);
        if (err == UIOMMU_E_BUSY) {
            sim_point(SIM_OP_PAUSE, NULL); /* Whoever is at it goes on. */
        }
    }
}

static bool may_confirm(void *arg)
{
    const struct conf *c = arg;
    uint32_t i, k;

    for (i = 0; i < c->devices; i++) {
        for (k = 0; k < CONF_CONFIRMS; k++) {
            const struct conf_confirm *confirm = &c->dev[i].confirm[k];

            if (confirm->due && model_endpoint_stopped(c->dev[i].ep, confirm->pasid)) {
                return true;
            }
        }
    }
    return false;
}

void sim_drivers(struct sim *s, void *arg)
{
    struct conf *c = arg;
    uint32_t i, k;

    for (;;) {
        (void)sim_until(s, may_confirm, c, SIM_NEVER);
        for (i = 0; i < c->devices; i++) {
            for (k = 0; k < CONF_CONFIRMS; k++) {
                struct conf_confirm *confirm = &c->dev[i].confirm[k];

                if (confirm->due && model_endpoint_stopped(c->dev[i].ep, confirm->pasid)) {
                    uiommu_err err;

                    confirm->due = false;
                    err = uiommu_bond_stopped(c->b.u, confirm->bond);
                    SIM_CHECK(s, "confirm", err == UIOMMU_OK || err == UIOMMU_E_STALE);
                }
            }
        }
    }
}
