/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of a hosted program of one thread: it polls, and nothing interrupts it. */
#define _POSIX_C_SOURCE 200809L
#include "port_host.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* What a CPU address is for the IOMMU: here the same. With VFIO it is what was mapped. */
static uint64_t bus_of(const void *cpu)
{
    return (uint64_t)(uintptr_t)cpu;
}

static uiommu_err mem_get(void *ctx, uint64_t bytes, uint64_t align, uint64_t limit,
                          struct uiommu_mem *out)
{
    void *cpu = NULL;

    (void)ctx;
    if (bytes > SIZE_MAX || posix_memalign(&cpu, align < 64 ? 64 : (size_t)align, (size_t)bytes))
        return UIOMMU_E_NOMEM;
    if (bus_of(cpu) + (bytes - 1) > limit) {
        free(cpu);
        return UIOMMU_E_NOMEM;
    }
    memset(cpu, 0, (size_t)bytes);
    out->cpu = cpu;
    out->bus = bus_of(cpu);
    out->bytes = bytes;
    return UIOMMU_OK;
}

static void mem_put(void *ctx, const struct uiommu_mem *mem)
{
    (void)ctx;
    free(mem->cpu);
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
    *(volatile uint32_t *)(uintptr_t)addr = value;
}

static void write64(void *ctx, uint64_t addr, uint64_t value)
{
    (void)ctx;
    *(volatile uint64_t *)(uintptr_t)addr = value;
}

static uint64_t now_ns(void *ctx)
{
    struct timespec now;

    (void)ctx;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

static void log_line(void *ctx, enum uiommu_log_level level, const char *msg)
{
    static const char *const names[] = {"error", "warning", "info"};

    (void)ctx;
    fprintf(stderr, "uiommu: %s: %s\n", names[level], msg);
}

const struct uiommu_host_ops port_ops = {
    .size = sizeof(port_ops),
    .mem_get = mem_get,
    .mem_put = mem_put,
    .mmio_read32 = read32,
    .mmio_read64 = read64,
    .mmio_write32 = write32,
    .mmio_write64 = write64,
    .now_ns = now_ns,
    .log = log_line,
};
