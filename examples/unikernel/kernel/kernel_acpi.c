/* SPDX-License-Identifier: BSD-2-Clause */
/* From ACPI's root pointer to a table (ACPI, 5.2.5 to 5.2.8). */
#include "kernel.h"

#define HEADER  36u
#define LONGEST (1u << 20)

uint64_t kernel_rsdp;
const void *kernel_fdt;

uint16_t kernel_load16(const void *at)
{
    const unsigned char *b = at;

    return (uint16_t)(b[0] | b[1] << 8);
}

uint32_t kernel_load32(const void *at)
{
    const unsigned char *b = at;

    return kernel_load16(b) | (uint32_t)kernel_load16(b + 2) << 16;
}

uint64_t kernel_load64(const void *at)
{
    const unsigned char *b = at;

    return kernel_load32(b) | (uint64_t)kernel_load32(b + 4) << 32;
}

static const unsigned char *table_at(uint64_t address)
{
    const unsigned char *t = (const unsigned char *)(uintptr_t)address;
    unsigned char sum = 0;
    uint32_t i, length;

    if (address == 0)
        return NULL;
    length = kernel_load32(t + 4);
    if (length < HEADER || length > LONGEST)
        return NULL;
    for (i = 0; i < length; i++)
        sum = (unsigned char)(sum + t[i]);
    return sum == 0 ? t : NULL;
}

const void *kernel_acpi_table(const char *signature, uint32_t *bytes)
{
    const unsigned char *rsdp = (const unsigned char *)(uintptr_t)kernel_rsdp;
    const unsigned char *root, *t;
    uint32_t size = 4, at;

    if (rsdp == NULL || __builtin_memcmp(rsdp, "RSD PTR ", 8) != 0)
        return NULL;
    root = table_at(kernel_load32(rsdp + 16));
    if (rsdp[15] >= 2 && kernel_load64(rsdp + 24) != 0) {
        size = 8;
        root = table_at(kernel_load64(rsdp + 24));
    }
    for (at = HEADER; root != NULL && at + size <= kernel_load32(root + 4); at += size) {
        t = table_at(size == 8 ? kernel_load64(root + at) : kernel_load32(root + at));
        if (t == NULL || __builtin_memcmp(t, signature, 4) != 0)
            continue;
        *bytes = kernel_load32(t + 4);
        return t;
    }
    return NULL;
}
