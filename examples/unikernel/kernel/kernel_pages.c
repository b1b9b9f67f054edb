/* SPDX-License-Identifier: BSD-2-Clause */
/* Pages: a bit for each, first fit. */
#include "kernel.h"

#define PAGES_MOST 16384u /* 64 MiB */

static struct {
    uint64_t first;
    uint32_t count;
    uint32_t bits[PAGES_MOST / 32];
} pages;

static bool taken(uint32_t n)
{
    return (pages.bits[n / 32] >> n % 32 & 1u) != 0;
}

static void mark(uint32_t n, uint32_t count, bool used)
{
    for (; count > 0; n++, count--) {
        if (used)
            pages.bits[n / 32] |= 1u << n % 32;
        else
            pages.bits[n / 32] &= ~(1u << n % 32);
    }
}

void kernel_pages_init(uint64_t first, uint64_t last)
{
    uint64_t count;

    pages.first = (first + KERNEL_PAGE - 1) & ~(uint64_t)(KERNEL_PAGE - 1);
    count = (last + 1 - pages.first) / KERNEL_PAGE;
    pages.count = count < PAGES_MOST ? (uint32_t)count : PAGES_MOST;
}

void *kernel_pages_get(uint64_t bytes, uint64_t align)
{
    uint64_t wanted = (bytes + KERNEL_PAGE - 1) / KERNEL_PAGE;
    uint64_t address;
    uint32_t n, run = 0;

    for (n = 0; n < pages.count; n++) {
        address = pages.first + (uint64_t)(n - run) * KERNEL_PAGE;
        if (taken(n) || (address & (align - 1)) != 0) {
            run = 0;
            continue;
        }
        if (++run < wanted)
            continue;
        mark(n + 1 - run, run, true);
        __builtin_memset((void *)(uintptr_t)address, 0, (size_t)(wanted * KERNEL_PAGE));
        return (void *)(uintptr_t)address;
    }
    return NULL;
}

void kernel_pages_put(void *memory, uint64_t bytes)
{
    uint64_t at = (uint64_t)(uintptr_t)memory - pages.first;

    mark((uint32_t)(at / KERNEL_PAGE), (uint32_t)((bytes + KERNEL_PAGE - 1) / KERNEL_PAGE), false);
}
