/* SPDX-License-Identifier: BSD-2-Clause */
/* What a PVH loader hands over: memory, and where ACPI's root pointer is. */
#include "kernel.h"
#include "x86.h"

#define MAGIC 0x336ec578u
#define RAM   1u
#define BELOW (UINT64_C(1) << 32) /* What is mapped. */

struct start_info {
    uint32_t magic;
    uint32_t version;
    uint32_t flags;
    uint32_t modules;
    uint64_t module_list;
    uint64_t command_line;
    uint64_t rsdp;
    uint64_t memory_map;
    uint32_t memory_entries;
};

struct memory_entry {
    uint64_t address;
    uint64_t bytes;
    uint32_t type;
    uint32_t reserved;
};

/* The largest piece of memory above the image. */
static bool find_memory(const struct start_info *info, uint64_t *first, uint64_t *last)
{
    const struct memory_entry *e = (const void *)(uintptr_t)info->memory_map;
    uint64_t image = (uint64_t)(uintptr_t)x86_image_end, most = 0, from, end;
    uint32_t i;

    for (i = 0; i < info->memory_entries; i++, e++) {
        from = e->address < image ? image : e->address;
        end = e->address + e->bytes;
        if (e->type != RAM || end > BELOW || end <= from || end - from <= most)
            continue;
        most = end - from;
        *first = from;
        *last = end - 1;
    }
    return most > 0;
}

const char *kernel_machine(void)
{
    return "x86-64, entered by PVH";
}

void x86_begin(const struct start_info *info)
{
    uint64_t first = 0, last = 0;

    x86_console_init();
    if (info->magic != MAGIC || info->version == 0 || !find_memory(info, &first, &last))
        kernel_panic("the loader gave no memory map");
    kernel_rsdp = info->rsdp;
    kernel_pages_init(first, last);
    if (!kernel_interrupts_init() || !kernel_clock_init())
        kernel_panic("no timer (HPET)");
    if (!kernel_pci_init())
        kernel_panic("no PCI Express configuration space (MCFG)");
    kernel_main();
}
