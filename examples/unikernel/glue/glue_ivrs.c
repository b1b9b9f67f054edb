/* SPDX-License-Identifier: BSD-2-Clause */
/* The IVRS table (AMD IOMMU specification, 5.2). */
#include "glue_discover.h"

#define INFO        36u
#define FIRST       48u
#define CAP_IOMMU   0x0fu
#define SUBSYSTEM   0x2cu
#define QEMU        0x1af4u
#define WINDOW_LOW  0xffffc000u
#define ENTRY_ALL   0x01u
#define ENTRY_ONE   0x02u
#define ENTRY_FROM  0x03u
#define ENTRY_TO    0x04u
#define BLOCK_MOST  0x40u
#define BLOCK_LEAST 0x10u

/* Entries are as long as their type says. 0: one that cannot be. */
static uint32_t entry_bytes(const unsigned char *e)
{
    if (e[0] < 0x40)
        return 4;
    if (e[0] < 0x80)
        return 8;
    return e[0] == 0xf0 ? 22u + e[21] : 0;
}

/* Does a unit name this function? Aliases of devices behind bridges are not followed. */
static bool names(const unsigned char *block, uint32_t first, uint32_t length, uint32_t id)
{
    uint32_t at, bytes, device, from = UINT32_MAX;

    for (at = first; at + 4 <= length; at += bytes) {
        bytes = entry_bytes(block + at);
        if (bytes == 0 || bytes > length - at)
            return false;
        device = kernel_load16(block + at + 1);
        if (block[at] == ENTRY_ALL || (block[at] == ENTRY_ONE && device == id) ||
            (block[at] == ENTRY_TO && from <= id && id <= device))
            return true;
        if (block[at] == ENTRY_FROM)
            from = device;
    }
    return false;
}

/* What firmware says must be what the unit's own capability says. */
static enum glue_end take(const unsigned char *block, struct glue_found *out, const char **why)
{
    uint32_t cap = kernel_load16(block + 6), low, high;

    out->vendor = &glue_amd;
    out->flags = block[1];
    out->function = kernel_load16(block + 4);
    out->base = kernel_load64(block + 8);
    if (cap < 0x40 || (kernel_pci_read32(out->function, cap) & 0xffu) != CAP_IOMMU) {
        *why = "IVRS: where it names an IOMMU, there is none on PCI";
        return GLUE_CONTRADICTION;
    }
    out->capability = kernel_pci_read32(out->function, cap);
    out->emulated = (kernel_pci_read32(out->function, SUBSYSTEM) & 0xffffu) == QEMU;
    low = kernel_pci_read32(out->function, cap + 4);
    high = kernel_pci_read32(out->function, cap + 8);
    if (out->base != ((uint64_t)high << 32 | (low & WINDOW_LOW))) {
        *why = "IVRS: the registers are elsewhere by the unit's own word";
        return GLUE_CONTRADICTION;
    }
    return GLUE_GOOD;
}

enum glue_end glue_ivrs(const unsigned char *table, uint32_t bytes, uint32_t id,
                        struct glue_found *out, const char **why)
{
    const unsigned char *mine = NULL, *b;
    uint32_t at, length, units = 0;

    for (at = FIRST; at < bytes; at += length) {
        b = table + at;
        length = at + 4 <= bytes ? kernel_load16(b + 2) : 0;
        if (length < 24 || length > bytes - at) {
            *why = "IVRS: a block does not fit";
            return GLUE_CONTRADICTION;
        }
        out->reserved += b[0] >= 0x20 && b[0] <= 0x22;
        if (b[0] != BLOCK_LEAST && b[0] != 0x11 && b[0] != BLOCK_MOST)
            continue;
        units++;
        if (kernel_load16(b + 16) != kernel_pci_host()->segment)
            continue;
        /* One unit has a block of each type: the highest is meant for who knows it. */
        if (names(b, b[0] == BLOCK_LEAST ? 24 : 40, length, id) && (mine == NULL || b[0] > mine[0]))
            mine = b;
    }
    if (mine == NULL) {
        *why = units == 0 ? "IVRS: no unit: switched off" : "IVRS: no unit names the device";
        return units == 0 ? GLUE_DISABLED : GLUE_NO_UNIT;
    }
    out->address_bits = kernel_load32(table + INFO) >> 8 & 0x7fu;
    return take(mine, out, why);
}
