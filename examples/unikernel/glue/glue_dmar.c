/* SPDX-License-Identifier: BSD-2-Clause */
/* The DMAR table (VT-d specification, 8). */
#include "glue_discover.h"

#define WIDTH     36u /* Host address width, less one. */
#define FIRST     48u
#define DRHD      0u
#define RMRR      1u
#define INCLUDE   1u /* Of all functions that no other unit names. */
#define SCOPES    16u
#define ENDPOINT  1u
#define PAGE_MASK 0xfffu

/* Does a unit name this function? Paths behind bridges are not followed. */
static bool names(const unsigned char *unit, uint32_t length, uint32_t id)
{
    uint32_t at;

    for (at = SCOPES; at + 8 <= length && unit[at + 1] >= 8; at += unit[at + 1]) {
        if (unit[at] == ENDPOINT && unit[at + 1] == 8 && unit[at + 5] == id >> 8 &&
            (uint32_t)(unit[at + 6] << 3 | unit[at + 7]) == (id & 0xffu))
            return true;
    }
    return false;
}

static bool take(const unsigned char *unit, struct glue_found *out)
{
    out->base = kernel_load64(unit + 8);
    out->bytes = KERNEL_PAGE << (unit[5] & 0xfu);
    return out->base != 0 && (out->base & PAGE_MASK) == 0;
}

enum glue_end glue_dmar(const unsigned char *table, uint32_t bytes, uint32_t id,
                        struct glue_found *out, const char **why)
{
    const unsigned char *all = NULL, *mine = NULL, *s;
    uint32_t at, length, units = 0;

    for (at = FIRST; at < bytes; at += length) {
        s = table + at;
        length = at + 4 <= bytes ? kernel_load16(s + 2) : 0;
        if (length < 4 || length > bytes - at || (kernel_load16(s) == DRHD && length < SCOPES)) {
            *why = "DMAR: a structure does not fit";
            return GLUE_CONTRADICTION;
        }
        out->reserved += kernel_load16(s) == RMRR;
        if (kernel_load16(s) != DRHD)
            continue;
        units++;
        if (kernel_load16(s + 6) != kernel_pci_host()->segment)
            continue;
        if ((s[4] & INCLUDE) != 0 && all != NULL) {
            *why = "DMAR: two units for all other functions of one segment";
            return GLUE_CONTRADICTION;
        }
        if ((s[4] & INCLUDE) != 0)
            all = s;
        else if (names(s, length, id))
            mine = s;
    }
    mine = mine != NULL ? mine : all;
    if (mine == NULL) {
        *why = units == 0 ? "DMAR: no unit: switched off" : "DMAR: no unit names the device";
        return units == 0 ? GLUE_DISABLED : GLUE_NO_UNIT;
    }
    out->vendor = &glue_vtd;
    out->address_bits = table[WIDTH] + 1u;
    if (take(mine, out) && out->address_bits >= 32 && out->address_bits <= 52)
        return GLUE_GOOD;
    *why = "DMAR: a register address or width that cannot be";
    return GLUE_CONTRADICTION;
}
