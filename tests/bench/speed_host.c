/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "speed_host.h"

/* The bus address of memory is the CPU's. Whose a register is, its address alone tells: a pointer
 * lies in front of each page of registers. */

#define IN_FRONT 4096u

/* From here on memory is a mapping of its own, and untouched pages cost nothing: large tables stay
 * as sparse as the library leaves them. A process may have 65530 mappings. */
#define MAPPED 65536u

static unsigned char *mapped(uint64_t room, uint64_t align)
{
    unsigned char *raw = mmap(NULL, room + align, PROT_READ | PROT_WRITE,
                              MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    unsigned char *start;

    if (raw == MAP_FAILED)
        return NULL;
    start = (unsigned char *)(((uintptr_t)raw + align - 1) & ~(uintptr_t)(align - 1));
    if (start > raw)
        munmap(raw, (size_t)(start - raw));
    if (raw + align > start)
        munmap(start + room, (size_t)(raw + align - start));
    return start;
}

static uiommu_err mem_get(void *ctx, uint64_t bytes, uint64_t align, uint64_t limit,
                          struct uiommu_mem *out)
{
    uint64_t room = (bytes + 4095u) & ~UINT64_C(4095);
    void *start = NULL;

    (void)ctx;
    (void)limit;
    align = align < 4096 ? 4096 : align;
    if (room >= MAPPED)
        start = mapped(room, align);
    else if (posix_memalign(&start, align, room) == 0)
        memset(start, 0, room);
    if (start == NULL)
        return UIOMMU_E_NOMEM;
    out->cpu = start;
    out->bus = (uintptr_t)start;
    out->bytes = bytes;
    speed_counts.mem_gets++;
    speed_counts.bytes += bytes;
    return UIOMMU_OK;
}

static void mem_put(void *ctx, const struct uiommu_mem *mem)
{
    uint64_t room = (mem->bytes + 4095u) & ~UINT64_C(4095);

    (void)ctx;
    if (room >= MAPPED)
        munmap(mem->cpu, room);
    else
        free(mem->cpu);
    speed_counts.bytes -= mem->bytes;
}

static void *heap_get(void *ctx, size_t bytes)
{
    void *ptr = NULL;

    (void)ctx;
    if (bytes >= MAPPED) {
        ptr = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                   -1, 0);
        if (ptr == MAP_FAILED)
            return NULL;
    } else {
        if (posix_memalign(&ptr, 64, bytes) != 0)
            return NULL;
        memset(ptr, 0, bytes);
    }
    speed_counts.heap_gets++;
    speed_counts.heap_bytes += bytes;
    speed_counts.bytes += bytes;
    return ptr;
}

static void heap_put(void *ctx, void *ptr, size_t bytes)
{
    (void)ctx;
    if (bytes >= MAPPED)
        munmap(ptr, bytes);
    else
        free(ptr);
    speed_counts.heap_bytes -= bytes;
    speed_counts.bytes -= bytes;
}

static struct speed_page **page_at(uint64_t addr)
{
    return (struct speed_page **)((uintptr_t)addr / SPEED_PAGE_BYTES * SPEED_PAGE_BYTES - IN_FRONT);
}

static uint32_t read32(void *ctx, uint64_t addr)
{
    (void)ctx;
    speed_counts.mmio_reads++;
    return *(volatile uint32_t *)(uintptr_t)addr;
}

static uint64_t read64(void *ctx, uint64_t addr)
{
    (void)ctx;
    speed_counts.mmio_reads++;
    return *(volatile uint64_t *)(uintptr_t)addr;
}

static void written(uint64_t addr, uint64_t value)
{
    struct speed_page *page = *page_at(addr);

    speed_counts.mmio_writes++;
    if (page->hook != NULL)
        page->hook(page, (uint32_t)(addr - page->base), value);
}

static void write32(void *ctx, uint64_t addr, uint32_t value)
{
    (void)ctx;
    *(volatile uint32_t *)(uintptr_t)addr = value;
    written(addr, value);
}

static void write64(void *ctx, uint64_t addr, uint64_t value)
{
    (void)ctx;
    *(volatile uint64_t *)(uintptr_t)addr = value;
    written(addr, value);
}

static uint64_t now_ns(void *ctx)
{
    struct timespec now;

    (void)ctx;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

static uintptr_t self(void *ctx)
{
    static _Thread_local char here;

    (void)ctx;
    return (uintptr_t)&here;
}

static void count_line(void *ctx, enum uiommu_log_level level, const char *msg)
{
    (void)ctx;
    (void)level;
    (void)msg;
    speed_counts.lines++;
}

void speed_host_ops(struct uiommu_host_ops *ops)
{
    memset(ops, 0, sizeof(*ops));
    ops->size = sizeof(*ops);
    ops->mem_get = mem_get;
    ops->mem_put = mem_put;
    ops->heap_get = heap_get;
    ops->heap_put = heap_put;
    ops->mmio_read32 = read32;
    ops->mmio_read64 = read64;
    ops->mmio_write32 = write32;
    ops->mmio_write64 = write64;
    ops->now_ns = now_ns;
    ops->self = self;
    ops->log = count_line;
}

struct uiommu *speed_host_create(void)
{
    struct uiommu_host_ops ops;
    struct uiommu *u = NULL;

    speed_host_ops(&ops);
    if (uiommu_create(&ops, &u) != UIOMMU_OK) {
        fprintf(stderr, "no instance\n");
        abort();
    }
    return u;
}

void speed_page_open(struct speed_page *page)
{
    unsigned char *raw = mmap(NULL, 3u * SPEED_PAGE_BYTES, PROT_READ | PROT_WRITE,
                              MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (raw == MAP_FAILED)
        abort();
    memset(page, 0, sizeof(*page));
    page->raw = raw;
    page->base = ((uintptr_t)raw / SPEED_PAGE_BYTES + 1) * SPEED_PAGE_BYTES;
    if (page->base - IN_FRONT < (uintptr_t)raw)
        page->base += SPEED_PAGE_BYTES;
    page->bytes = (unsigned char *)(uintptr_t)page->base;
    *page_at(page->base) = page;
}

void speed_page_close(struct speed_page *page)
{
    munmap(page->raw, 3u * SPEED_PAGE_BYTES);
}

uint32_t speed_page_get32(const struct speed_page *page, uint32_t offset)
{
    uint32_t value;

    memcpy(&value, page->bytes + offset, sizeof(value));
    return value;
}

void speed_page_set32(struct speed_page *page, uint32_t offset, uint32_t value)
{
    memcpy(page->bytes + offset, &value, sizeof(value));
}

uint64_t speed_page_get64(const struct speed_page *page, uint32_t offset)
{
    uint64_t value;

    memcpy(&value, page->bytes + offset, sizeof(value));
    return value;
}

void speed_page_set64(struct speed_page *page, uint32_t offset, uint64_t value)
{
    memcpy(page->bytes + offset, &value, sizeof(value));
}
