/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Host tables (second stages) of traffic without PASID, alone or under a guest's first stage.
 *
 * They are the device table entry's: Mode and root, so all of the device's addresses go through
 * them, those of its GCR3 table's leaves too. Hence no PASID can be bound beside them. The GCR3
 * root itself is physical (GCR3TRPMode is 0); whether nodes below it would be nobody says (sheet,
 * doubt 18), so a guest's table hangs in entry 0 of a table of one level. Alone, entry 0 is
 * invalid and GIoV is 0: untagged traffic is the host table's.
 */
#include "amd_internal.h"

/* 9 bits a level above the page; the sixth ends at bit 63. */
static bool levels_of(uint32_t va_bits, uint32_t *out)
{
    *out = va_bits / 9u - 1u;
    return va_bits == 64 || (va_bits % 9u == 3u && *out != 0);
}

static bool address_ok(const struct uiommu_amd *hw, uint64_t table)
{
    return (table & ~uiommu_bits_mask(AMD_GCR3_ADDRESS)) == 0 && table <= hw->limit;
}

/* What a root means for the entry. false: it is no second stage, nor has it one. */
static bool host_of(const struct uiommu_root *root, struct amd_host *out)
{
    memset(out, 0, sizeof(*out));
    if (root->format == UIOMMU_ROOT_X86_64_LEVELLED && root->under.format == 0) {
        out->table = root->table;
        return levels_of(root->va_bits, &out->mode);
    }
    if (root->format != UIOMMU_ROOT_X86_64 || root->under.format != UIOMMU_ROOT_X86_64_LEVELLED)
        return false;
    out->table = root->under.table;
    out->guest = root->table;
    out->nested = true;
    return levels_of(root->under.va_bits, &out->mode);
}

bool uiommu_amd_is_host(const struct uiommu_root *root)
{
    struct amd_host host;

    return host_of(root, &host);
}

uiommu_err uiommu_amd_host_check(const struct uiommu_amd *hw, const struct amd_device *dev,
                                 uint32_t pasid, const struct uiommu_root *root)
{
    struct amd_host host;
    uint32_t granule = root->granule_bits;

    if (!host_of(root, &host) || pasid != UIOMMU_PASID_NONE || granule != 12 ||
        host.mode > hw->f.host_levels || !address_ok(hw, host.table))
        return UIOMMU_E_UNSUPPORTED;
    if (host.nested && (!hw->f.guest || !hw->f.gio || root->va_bits != uiommu_amd_va_bits(hw) ||
                        (host.guest & ~uiommu_bits_mask(AMD_GCR3_ADDRESS)) != 0))
        return UIOMMU_E_UNSUPPORTED;
    return dev->pasids != 0 ? UIOMMU_E_BUSY : UIOMMU_OK;
}

/* All entries of the device block. */
static bool is_shut(const struct uiommu_amd *hw, const struct amd_device *dev)
{
    uint32_t i;

    for (i = 0; i < dev->who.id_count; i++) {
        if ((uiommu_bits_load64(uiommu_amd_dte_at(hw, dev->who.ids[i])) &
             uiommu_bits_mask(AMD_DTE0_TV)) != 0)
            return false;
    }
    return true;
}

/* Entry 0 changes its meaning with the device's entry: only while hardware knows that it blocks,
 * which is from step 1 on. */
static void entry_0(struct uiommu_amd *hw, const struct amd_device *dev)
{
    volatile uint64_t *entry = uiommu_amd_gcr3_at(dev, UIOMMU_PASID_NONE);
    uint64_t now = uiommu_bits_load64(entry), want = now;

    if (dev->host.mode != 0)
        want = dev->host.nested ? uiommu_amd_gcr3_entry(dev->host.guest) : 0;
    else if (now == 0)
        want = uiommu_amd_gcr3_entry(hw->quiet.bus);
    uiommu_amd_gcr3_store(hw, entry, want);
}

/* Bring the device's entries to what they should be, a step at a time, as device_set(). */
uiommu_err uiommu_amd_device_sync(struct uiommu_amd *hw, struct amd_device *dev, uint32_t step)
{
    bool more = false;
    uint64_t want[AMD_DTE_BUILT];
    uint32_t i;

    if ((dev->set & UIOMMU_DEVICE_SET_OPEN) == 0)
        return UIOMMU_OK;
    uiommu_amd_dte_build(hw, dev, dev->set, want);
    if ((want[0] & uiommu_bits_mask(AMD_DTE0_TV)) == 0) {
        uiommu_amd_device_shut(hw, dev);
        return UIOMMU_OK;
    }
    if (step != 0 && is_shut(hw, dev))
        entry_0(hw, dev);
    for (i = 0; i < dev->who.id_count; i++) {
        if (uiommu_amd_dte_step(hw, uiommu_amd_dte_at(hw, dev->who.ids[i]), want, step))
            more = true;
    }
    if (!more)
        dev->quiet = dev->host.blocked;
    return more ? UIOMMU_MORE : UIOMMU_OK;
}

uiommu_err uiommu_amd_host_set(struct uiommu_amd *hw, struct amd_device *dev,
                               const struct uiommu_root *root, uint32_t step)
{
    struct amd_host host;

    if (!host_of(root, &host) || dev->pasids != 0)
        return UIOMMU_E_STATE;
    if (dev->host.mode != 0 && memcmp(&dev->host, &host, sizeof(host)) != 0)
        return UIOMMU_E_STATE;
    dev->host = host;
    dev->host_ever = true;
    dev->held = false;
    return uiommu_amd_device_sync(hw, dev, step);
}

/* An empty host table instead, in one store for each ID where the host has such, else by way of a
 * blocked entry: nothing of the old one is walked, never half of one root and half of the other,
 * and page requests go on to the log. It stays so until the next bond. */
void uiommu_amd_host_block(struct uiommu_amd *hw, struct amd_device *dev)
{
    const uint64_t root = uiommu_bits_mask(AMD_DTE0_HOST);
    volatile uint64_t *dte;
    uint64_t now;
    uint32_t i;

    dev->host.blocked = true;
    dev->quiet = true;
    for (i = 0; i < dev->who.id_count; i++) {
        dte = uiommu_amd_dte_at(hw, dev->who.ids[i]);
        now = uiommu_bits_load64(dte);
        if ((now & uiommu_bits_mask(AMD_DTE0_TV)) == 0)
            continue;
        if (sizeof(uintptr_t) < sizeof(uint64_t))
            uiommu_amd_dte_store0(hw, dte,
                                  AMD_DTE_BLOCKED | (now & uiommu_bits_mask(AMD_DTE0_GPRP)));
        uiommu_amd_dte_store0(hw, dte, (now & ~root) | (hw->quiet.bus & root));
    }
}

void uiommu_amd_host_clear(struct uiommu_amd *hw, struct amd_device *dev)
{
    uiommu_amd_host_block(hw, dev);
    memset(&dev->host, 0, sizeof(dev->host));
    dev->held = false; /* It was made for what goes. */
    uiommu_amd_gcr3_store(hw, uiommu_amd_gcr3_at(dev, UIOMMU_PASID_NONE), 0);
}
