/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The image does not go on: why, what becomes of DMA, and a status. Until a unit blocks a device,
 * only its Bus Master Enable does: the kernel took it from all of them, and nobody gave it back.
 * That holds for functions that obey it. It cannot hold for what is not behind PCI, nor for what a
 * device did before the image ran.
 */
#include "show.h"

/* Lets edu write over a page: true if nothing arrives. */
static bool still_blocked(struct glue_edu *edu)
{
    unsigned char *page = kernel_pages_get(KERNEL_PAGE, KERNEL_PAGE);
    uint32_t i, arrived = 0;

    if (page == NULL)
        return false;
    __builtin_memset(page, 0xa5, KERNEL_PAGE);
    if (!glue_edu_write(edu, (uint64_t)(uintptr_t)page, 0, KERNEL_PAGE))
        return false;
    for (i = 0; i < KERNEL_PAGE; i++)
        arrived += page[i] != 0xa5;
    return arrived == 0;
}

_Noreturn void show_refuse(struct show *s, enum glue_end end, const char *why)
{
    kernel_print("\nuiommu: %s\n", why);
    if (s->edu.registers == 0)
        kernel_print("DMA: every function's bus mastering is off\n");
    else
        kernel_print("DMA: %s\n", still_blocked(&s->edu)
                                      ? "tried with edu, nothing arrived in memory: blocked"
                                      : "edu REACHED MEMORY: not blocked");
    kernel_print("status %u\n", (unsigned)end);
    kernel_exit(end);
}
