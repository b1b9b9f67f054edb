/* SPDX-License-Identifier: BSD-2-Clause */
/* Configuration space as ACPI's MCFG table tells (PCI Firmware, 4.1.2). */
#include "kernel.h"

#define FIRST_ENTRY 44u
#define ENTRY_BYTES 16u

static struct kernel_pci_host host;

bool kernel_pci_init(void)
{
    uint32_t bytes;
    const unsigned char *table = kernel_acpi_table("MCFG", &bytes), *entry;

    if (table == NULL || bytes < FIRST_ENTRY + ENTRY_BYTES)
        return false;
    entry = table + FIRST_ENTRY;
    host.config = kernel_load64(entry);
    host.segment = kernel_load16(entry + 8);
    host.first_bus = entry[10];
    host.last_bus = entry[11];
    return host.config != 0;
}

const struct kernel_pci_host *kernel_pci_host(void)
{
    return &host;
}
