/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which tables the unit walks, and the PASID entries that say so (sheet 3, 7.5).
 *
 * First stages are x86-64 tables of 4 KiB pages, reachable in all their width. Untagged traffic
 * may have a second stage instead, or a guest's first stage above one; both lie in entry 0, beside
 * whatever the PASIDs have. PAT and EMTE are left 0: memory is what snooping makes of it.
 */
#include "vtd_internal.h"

static bool nested(const struct uiommu_root *root)
{
    return root->under.format != 0;
}

bool uiommu_vtd_root_second(const struct uiommu_root *root)
{
    return nested(root) || root->format == UIOMMU_ROOT_X86_64_STAGE2;
}

/* 1 to 3 for 39, 48 and 57 bits; 0: no such width. */
static uint32_t width_code(uint32_t va_bits)
{
    return va_bits == 39 ? 1u : va_bits == 48 ? 2u : va_bits == 57 ? 3u : 0;
}

static bool table_good(const struct uiommu_vtd *hw, uint64_t table, uint32_t granule_bits,
                       uint32_t pa_bits)
{
    return granule_bits == 12 && (table & (VTD_PAGE - 1u)) == 0 && table <= hw->limit &&
           pa_bits <= 52 && (pa_bits == 0 || (hw->limit >> (pa_bits - 1u)) != 0);
}

/* The width must be one that the unit has, and every address of it one that it takes. */
static bool second_good(const struct uiommu_vtd *hw, uint32_t va_bits)
{
    uint32_t code = width_code(va_bits);

    return hw->f.second && code != 0 && ((hw->f.widths >> code) & 1u) != 0;
}

static bool first_good(const struct uiommu_vtd *hw, const struct uiommu_root *root)
{
    return root->format == UIOMMU_ROOT_X86_64 && hw->f.first &&
           (root->va_bits == 48 || (root->va_bits == 57 && hw->f.five));
}

/* The root of a guest is an address of the guest: within its second stage (5B). */
static bool nested_good(const struct uiommu_vtd *hw, const struct uiommu_root *root)
{
    const struct uiommu_root_under *under = &root->under;
    uint32_t bits = under->va_bits < hw->f.guest_bits ? under->va_bits : hw->f.guest_bits;

    return hw->f.nested && first_good(hw, root) && under->format == UIOMMU_ROOT_X86_64_STAGE2 &&
           second_good(hw, under->va_bits) && root->granule_bits == 12 &&
           (root->table & (VTD_PAGE - 1u)) == 0 && (root->table >> bits) == 0 &&
           table_good(hw, under->table, under->granule_bits, under->pa_bits);
}

uiommu_err uiommu_vtd_root_check(void *ctx, void *dev_ctx, uint32_t pasid,
                                 const struct uiommu_root *root)
{
    const struct uiommu_vtd *hw = ctx;
    bool good;

    (void)dev_ctx;
    if (nested(root))
        good = nested_good(hw, root);
    else
        good = table_good(hw, root->table, root->granule_bits, root->pa_bits) &&
               (root->format == UIOMMU_ROOT_X86_64_STAGE2 ? second_good(hw, root->va_bits)
                                                          : first_good(hw, root));
    if (uiommu_vtd_root_second(root) && pasid != UIOMMU_PASID_NONE)
        good = false;
    return good ? UIOMMU_OK : UIOMMU_E_UNSUPPORTED;
}

/* Both flags are switched on together. */
static uint64_t second_word(const struct uiommu_vtd *hw, uint64_t table, uint32_t va_bits,
                            uint32_t flags)
{
    const uint32_t both = UIOMMU_ROOT_ACCESSED | UIOMMU_ROOT_DIRTY;

    return table | uiommu_bits_make(VTD_PE0_AW, width_code(va_bits)) |
           uiommu_bits_make(VTD_PE0_SSADE, hw->f.second_flags && (flags & both) == both);
}

static uint64_t first_word(const struct uiommu_root *root)
{
    return root->table | uiommu_bits_make(VTD_PE2_FSPM, root->va_bits == 57 ? VTD_FSPM_FIVE : 0);
}

/* Supervisor requests stay off: kernel mappings are in such tables. Fields that a type does not
 * use stay 0: without second stages they are reserved. */
void uiommu_vtd_pasid_build(const struct uiommu_vtd *hw, const struct uiommu_root *root,
                            uint32_t did, uint64_t out[VTD_PASID_WORDS])
{
    const struct uiommu_root_under *under = &root->under;
    uint32_t type = VTD_PGTT_FIRST;

    memset(out, 0, VTD_PASID_WORDS * sizeof(out[0]));
    out[1] = uiommu_bits_make(VTD_PE1_DID, did) | uiommu_bits_make(VTD_PE1_PWSNP, hw->f.snoop_walk);
    if (nested(root)) {
        out[0] = second_word(hw, under->table, under->va_bits, under->flags);
        type = VTD_PGTT_NESTED;
        out[2] = first_word(root);
    } else if (root->format == UIOMMU_ROOT_X86_64_STAGE2) {
        type = VTD_PGTT_SECOND;
        out[0] = second_word(hw, root->table, root->va_bits, root->flags);
    } else {
        out[2] = first_word(root);
        if ((hw->config.quirks & UIOMMU_VTD_QUIRK_FIRST_WIDTH) != 0)
            out[0] = uiommu_bits_make(VTD_PE0_AW, width_code(root->va_bits));
    }
    out[0] |= uiommu_bits_make(VTD_P, 1) | uiommu_bits_make(VTD_PE0_PGTT, type);
}
