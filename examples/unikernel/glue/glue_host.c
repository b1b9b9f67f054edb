/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What uiommu asks of a host, on bare metal with memory mapped one to one: no heap of its own
 * (uiommu carves from mem_get), no waiting (it polls), every unit of these machines snoops (no
 * cache maintenance). docs/PORTING.md has the table, op by op.
 */
#include "glue.h"

static glue_watch *watcher;

static uiommu_err mem_get(void *ctx, uint64_t bytes, uint64_t align, uint64_t limit,
                          struct uiommu_mem *out)
{
    void *memory = kernel_pages_get(bytes, align);

    (void)ctx;
    if (memory == NULL)
        return UIOMMU_E_NOMEM;
    out->cpu = memory;
    out->bus = (uint64_t)(uintptr_t)memory;
    out->bytes = bytes;
    if (out->bus + (bytes - 1) <= limit)
        return UIOMMU_OK;
    kernel_pages_put(memory, bytes);
    return UIOMMU_E_NOMEM;
}

static void mem_put(void *ctx, const struct uiommu_mem *mem)
{
    (void)ctx;
    kernel_pages_put(mem->cpu, mem->bytes);
}

static uint32_t read32(void *ctx, uint64_t addr)
{
    (void)ctx;
    return *(volatile uint32_t *)(uintptr_t)addr;
}

static uint64_t read64(void *ctx, uint64_t addr)
{
    (void)ctx;
    return *(volatile uint64_t *)(uintptr_t)addr;
}

static void write32(void *ctx, uint64_t addr, uint32_t value)
{
    (void)ctx;
    if (watcher != NULL)
        watcher(addr, value);
    *(volatile uint32_t *)(uintptr_t)addr = value;
}

static void write64(void *ctx, uint64_t addr, uint64_t value)
{
    (void)ctx;
    if (watcher != NULL)
        watcher(addr, value);
    *(volatile uint64_t *)(uintptr_t)addr = value;
}

static uint64_t now_ns(void *ctx)
{
    (void)ctx;
    return kernel_now_ns();
}

/* The unit's interrupt handler calls uiommu: its spin locks are taken with interrupts off. */
static uintptr_t irq_save(void *ctx)
{
    (void)ctx;
    return kernel_irq_save();
}

static void irq_restore(void *ctx, uintptr_t state)
{
    (void)ctx;
    kernel_irq_restore(state);
}

static void log_line(void *ctx, enum uiommu_log_level level, const char *msg)
{
    static const char *const names[] = {"error", "warning", "info"};

    (void)ctx;
    kernel_log("%s: %s\n", names[level], msg);
}

static const struct uiommu_host_ops ops = {
    .size = sizeof(ops),
    .mem_get = mem_get,
    .mem_put = mem_put,
    .mmio_read32 = read32,
    .mmio_read64 = read64,
    .mmio_write32 = write32,
    .mmio_write64 = write64,
    .now_ns = now_ns,
    .irq_save = irq_save,
    .irq_restore = irq_restore,
    .log = log_line,
};

uiommu_err glue_host_create(glue_watch *watch, struct uiommu **out)
{
    watcher = watch;
    return uiommu_create(&ops, out);
}
