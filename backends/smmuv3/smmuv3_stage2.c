/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Second stages (IHI 0070 5.2): bonds without PASID whose tables the stream table entry itself
 * names, alone or under a guest's context descriptor. Such a device has no other bond: either
 * would need a VMID of its own in the one entry.
 */
#include "smmuv3_internal.h"

/* Tables side by side that a walk may begin with: 2^4. */
#define SIDE_BY_SIDE 4u

bool uiommu_smmuv3_is_second(const struct uiommu_root *root)
{
    return root->format == UIOMMU_ROOT_AARCH64_STAGE2 ||
           root->format == UIOMMU_ROOT_AARCH64_CONTEXT;
}

/* The tables of a second stage: the root's own, or what a nested root has under it. */
static struct uiommu_root_under tables_of(const struct uiommu_root *root)
{
    struct uiommu_root_under t = root->under;

    if (root->format == UIOMMU_ROOT_AARCH64_CONTEXT)
        return t;
    t.format = root->format;
    t.granule_bits = root->granule_bits;
    t.va_bits = root->va_bits;
    t.pa_bits = root->pa_bits;
    t.flags = root->flags;
    t.table = root->table;
    return t;
}

static uint32_t last_level(uint32_t granule_bits)
{
    return granule_bits == 12 ? 2u : 3u;
}

/* Where the walk begins: as far down as tables side by side reach. With pages of 4 KiB not at the
 * last level, which is an option of later hardware. */
static uint32_t start_level(uint32_t granule_bits, uint32_t va_bits)
{
    uint32_t level = last_level(granule_bits), stride = granule_bits - 3u;
    uint32_t reach = granule_bits + stride * (4u - level) + SIDE_BY_SIDE;

    while (reach < va_bits) {
        reach += stride;
        level--;
    }
    return level;
}

/* The field that says so counts up from the last level that there may be. */
static uint32_t sl0_of(uint32_t granule_bits, uint32_t va_bits)
{
    return last_level(granule_bits) - start_level(granule_bits, va_bits);
}

/* Tables are aligned to the size of all those that lie side by side: 16 entries at least, for
 * addresses have 25 bits. */
static uint64_t table_align(uint32_t granule_bits, uint32_t va_bits)
{
    uint32_t below = granule_bits + (granule_bits - 3u) * (3u - start_level(granule_bits, va_bits));

    return UINT64_C(8) << (va_bits - below);
}

/* Input addresses of at least 25 bits are what every version has, and no more than output. */
static bool tables_legal(const struct uiommu_smmuv3 *hw, const struct uiommu_root_under *t)
{
    uint32_t g = t->granule_bits, most;

    if (t->format != UIOMMU_ROOT_AARCH64_STAGE2 || (g != 12 && g != 14 && g != 16) ||
        ((hw->f.granules >> g) & 1u) == 0)
        return false;
    most = uiommu_smmuv3_pa_most(hw, g);
    return t->va_bits >= 25 && t->va_bits <= most && t->pa_bits <= most &&
           (t->table >> t->pa_bits) == 0 && (t->table & (table_align(g, t->va_bits) - 1u)) == 0;
}

/* Translation requests are not answered for a stream that is forced to stall (5.2). */
uiommu_err uiommu_smmuv3_second_check(const struct uiommu_smmuv3 *hw,
                                      const struct smmuv3_device *dev, uint32_t pasid,
                                      const struct uiommu_root *root)
{
    struct uiommu_root_under t = tables_of(root);
    bool nested = root->format == UIOMMU_ROOT_AARCH64_CONTEXT;

    if (pasid != UIOMMU_PASID_NONE || !hw->f.s2p || !tables_legal(hw, &t))
        return UIOMMU_E_UNSUPPORTED;
    if (nested ? !hw->f.nested || (root->table & (SMMUV3_CD_BYTES - 1u)) != 0 ||
                     (root->table >> t.va_bits) != 0
               : root->under.format != 0)
        return UIOMMU_E_UNSUPPORTED;
    if (hw->f.stall_model == SMMUV3_STALL_FORCED && (dev->flags & UIOMMU_DEVICE_ATS) != 0)
        return UIOMMU_E_UNSUPPORTED;
    return dev->firsts != 0 ? UIOMMU_E_BUSY : UIOMMU_OK;
}

static bool stalls(const struct uiommu_smmuv3 *hw, const struct smmuv3_device *dev)
{
    if (hw->f.stall_model != SMMUV3_STALL_CHOICE)
        return hw->f.stall_model == SMMUV3_STALL_FORCED;
    return (dev->flags & UIOMMU_DEVICE_STALL) != 0;
}

/*
 * Words 0 to 3, but for what device_set() decides. S2PTW: a guest's tables must not lie where
 * reading has effects. S2R: an access that is refused is reported, unless it stalls.
 */
void uiommu_smmuv3_second_build(const struct uiommu_smmuv3 *hw, const struct smmuv3_device *dev,
                                const struct uiommu_root *root, uint32_t vmid, uint64_t out[4])
{
    struct uiommu_root_under t = tables_of(root);
    bool nested = root->format == UIOMMU_ROOT_AARCH64_CONTEXT;
    uint64_t cache = hw->f.coherent ? SMMUV3_CD_WRITE_BACK : 0;
    bool accessed = (t.flags & UIOMMU_ROOT_ACCESSED) != 0 && hw->f.httu >= 1;
    bool dirty = accessed && (t.flags & UIOMMU_ROOT_DIRTY) != 0 && hw->f.httu >= 2;

    out[0] = uiommu_bits_make(SMMUV3_STE0_V, 1) |
             uiommu_bits_make(SMMUV3_STE0_CONFIG, nested ? SMMUV3_CONFIG_NESTED : SMMUV3_CONFIG_S2);
    out[1] = 0;
    if (nested) {
        out[0] |= root->table;
        out[1] = uiommu_smmuv3_ste_attributes(hw, dev);
    } else if (hw->f.types_ovr) {
        out[1] = uiommu_bits_make(SMMUV3_STE1_SHCFG, SMMUV3_SHCFG_INCOMING);
    }
    out[2] = uiommu_bits_make(SMMUV3_STE2_VMID, vmid) |
             uiommu_bits_make(SMMUV3_STE2_T0SZ, 64u - t.va_bits) |
             uiommu_bits_make(SMMUV3_STE2_SL0, sl0_of(t.granule_bits, t.va_bits)) |
             uiommu_bits_make(SMMUV3_STE2_IR0, cache) | uiommu_bits_make(SMMUV3_STE2_OR0, cache) |
             uiommu_bits_make(SMMUV3_STE2_SH0, cache != 0 ? SMMUV3_SH_INNER : SMMUV3_SH_OUTER) |
             uiommu_bits_make(SMMUV3_STE2_TG, uiommu_smmuv3_granule_code(t.granule_bits)) |
             uiommu_bits_make(SMMUV3_STE2_PS, uiommu_smmuv3_pa_code(t.pa_bits)) |
             uiommu_bits_make(SMMUV3_STE2_AA64, 1) | uiommu_bits_make(SMMUV3_STE2_PTW, 1) |
             uiommu_bits_make(SMMUV3_STE2_HA, accessed) | uiommu_bits_make(SMMUV3_STE2_HD, dirty) |
             uiommu_bits_make(SMMUV3_STE2_S, stalls(hw, dev)) | uiommu_bits_make(SMMUV3_STE2_R, 1);
    out[3] = t.table;
}

/*
 * From the entry of first stages over one that aborts: the VMID and what it goes with are in
 * words that hardware may read at any time. Config_invalidate() is about the whole entry from
 * here on, also when the device returns to first stages.
 */
uiommu_err uiommu_smmuv3_second_set(struct uiommu_smmuv3 *hw, struct smmuv3_device *dev,
                                    const struct uiommu_root *root, uint32_t tag, uint32_t step)
{
    uint64_t words[4];

    if (tag == 0 || tag > hw->f.vmid_last)
        return UIOMMU_E_INVALID;
    uiommu_smmuv3_second_build(hw, dev, root, tag, words);
    if (dev->second[0] == 0)
        memcpy(dev->second, words, sizeof(words));
    else if (dev->quiet || memcmp(dev->second, words, sizeof(words)) != 0)
        return UIOMMU_E_STATE;
    dev->by_ste = true;
    return uiommu_smmuv3_ste_sync(hw, dev, step);
}

/* An aborting entry: no walk, no event, and a translation request is refused. */
void uiommu_smmuv3_second_block(struct uiommu_smmuv3 *hw, struct smmuv3_device *dev)
{
    dev->quiet = true;
    uiommu_smmuv3_ste_shut(hw, dev);
}

/* The entry of first stages comes back with the next of these, or when the device is opened. */
void uiommu_smmuv3_second_clear(struct uiommu_smmuv3 *hw, struct smmuv3_device *dev)
{
    uiommu_smmuv3_ste_shut(hw, dev);
    dev->quiet = false;
    memset(dev->second, 0, sizeof(dev->second));
}
