/* SPDX-License-Identifier: BSD-2-Clause */
/* PCI Express by its memory-mapped configuration space. Only bus 0 and what firmware numbered. */
#include "kernel.h"

#define ID           0x00u
#define COMMAND      0x04u
#define CLASS        0x08u
#define HEADER       0x0cu
#define BAR0         0x10u
#define BUSES        0x18u /* Of a bridge: primary, secondary, subordinate. */
#define CAPABILITIES 0x34u
#define BRIDGE       0x06u /* Base class. */
#define MEMORY_ON    0x2u
#define MASTER_ON    0x4u
#define HAS_CAPS     (UINT32_C(1) << 20)
#define CAP_MSI      0x05u
#define MSI_ON       (UINT32_C(1) << 16)
#define MSI_64       (UINT32_C(1) << 23)

static volatile uint32_t *config(uint32_t id, uint32_t offset)
{
    const struct kernel_pci_host *h = kernel_pci_host();
    uint64_t function = id - (h->first_bus << 8);

    return (volatile uint32_t *)(uintptr_t)(h->config + (function << 12) + (offset & ~3u));
}

uint32_t kernel_pci_read32(uint32_t id, uint32_t offset)
{
    return *config(id, offset);
}

void kernel_pci_write32(uint32_t id, uint32_t offset, uint32_t value)
{
    *config(id, offset) = value;
}

static bool find(uint32_t offset, uint32_t shift, uint32_t value, uint32_t n, uint32_t *out)
{
    const struct kernel_pci_host *h = kernel_pci_host();
    uint32_t id;

    for (id = h->first_bus << 8; id < (h->last_bus + 1) << 8; id++) {
        if ((kernel_pci_read32(id, ID) & 0xffffu) == 0xffffu)
            continue;
        if (kernel_pci_read32(id, offset) >> shift == value && n-- == 0) {
            *out = id;
            return true;
        }
    }
    return false;
}

bool kernel_pci_find(uint32_t vendor, uint32_t device, uint32_t n, uint32_t *id)
{
    return find(ID, 0, device << 16 | vendor, n, id);
}

bool kernel_pci_find_class(uint32_t class_code, uint32_t *id)
{
    return find(CLASS, 8, class_code, 0, id);
}

bool kernel_pci_bridge(uint32_t id, uint8_t *first_bus, uint8_t *last_bus)
{
    const struct kernel_pci_host *h = kernel_pci_host();

    if (id >> 8 < h->first_bus || id >> 8 > h->last_bus ||
        (kernel_pci_read32(id, ID) & 0xffffu) == 0xffffu ||
        (kernel_pci_read32(id, HEADER) >> 16 & 0x7fu) != 1)
        return false;
    *first_bus = (uint8_t)(kernel_pci_read32(id, BUSES) >> 8);
    *last_bus = (uint8_t)(kernel_pci_read32(id, BUSES) >> 16);
    return true;
}

uint32_t kernel_pci_capability(uint32_t id, uint32_t number)
{
    uint32_t at, word, steps;

    if ((kernel_pci_read32(id, COMMAND) & HAS_CAPS) == 0)
        return 0;
    at = kernel_pci_read32(id, CAPABILITIES) & 0xfcu;
    for (steps = 0; at >= 0x40 && steps < 48; steps++) {
        word = kernel_pci_read32(id, at);
        if ((word & 0xffu) == number)
            return at;
        at = word >> 8 & 0xfcu;
    }
    return 0;
}

bool kernel_pci_msi(uint32_t id, const struct kernel_message *m)
{
    uint32_t at = kernel_pci_capability(id, CAP_MSI), control;

    if (at == 0)
        return false;
    control = kernel_pci_read32(id, at);
    kernel_pci_write32(id, at + 4, (uint32_t)m->address);
    if ((control & MSI_64) != 0)
        kernel_pci_write32(id, at + 8, (uint32_t)(m->address >> 32));
    kernel_pci_write32(id, at + ((control & MSI_64) != 0 ? 12 : 8), m->data);
    kernel_pci_write32(id, at, control | MSI_ON);
    return true;
}

static void command(uint32_t id, uint32_t clear, uint32_t set)
{
    /* The status bits above are cleared by ones. */
    kernel_pci_write32(id, COMMAND, (kernel_pci_read32(id, COMMAND) & 0xffffu & ~clear) | set);
}

void kernel_pci_master(uint32_t id, bool on)
{
    command(id, on ? 0 : MASTER_ON, on ? MASTER_ON : 0);
}

void kernel_pci_quiet(void)
{
    const struct kernel_pci_host *h = kernel_pci_host();
    uint32_t id;

    for (id = h->first_bus << 8; id < (h->last_bus + 1) << 8; id++) {
        if ((kernel_pci_read32(id, ID) & 0xffffu) != 0xffffu &&
            kernel_pci_read32(id, CLASS) >> 24 != BRIDGE)
            kernel_pci_master(id, false);
    }
}

/* Where no firmware has given addresses: the next ones of the host's window. */
static uint64_t give_address(uint32_t id, uint32_t at)
{
    static uint64_t next;
    uint64_t size, address;

    if (next == 0)
        next = kernel_pci_host()->bars;
    kernel_pci_write32(id, at, UINT32_MAX);
    size = ~(uint64_t)(kernel_pci_read32(id, at) & ~0xfu) + 1 & UINT32_MAX;
    address = (next + size - 1) & ~(size - 1);
    next = address + size;
    kernel_pci_write32(id, at, (uint32_t)address);
    return address;
}

uint64_t kernel_pci_bar(uint32_t id, uint32_t n)
{
    uint32_t at = BAR0 + 4 * n, low = kernel_pci_read32(id, at);
    uint64_t address = low & ~UINT32_C(0xf);

    if ((low & 1u) != 0 || (kernel_pci_read32(id, HEADER) >> 16 & 0x7fu) != 0)
        return 0;
    if ((low & 6u) == 4)
        address |= (uint64_t)kernel_pci_read32(id, at + 4) << 32;
    if (address == 0 && kernel_pci_host()->bars != 0)
        address = give_address(id, at);
    if (address != 0)
        command(id, 0, MEMORY_ON);
    return address;
}
