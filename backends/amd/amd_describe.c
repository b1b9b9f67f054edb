/* SPDX-License-Identifier: BSD-2-Clause */
/* What a dump shows of a unit: registers and pointers, then the way from an ID to a root. */
#include "amd_internal.h"

static const struct {
    const char *name;
    uint16_t offset;
    bool ppr; /* Only with a PPR log. */
} registers[] = {
    {"DevTabBase", AMD_DEVTAB_BASE, false}, {"CmdBufBase", AMD_CMD_BASE, false},
    {"EvtLogBase", AMD_EVT_BASE, false},    {"Control", AMD_CONTROL, false},
    {"ExtFeature", AMD_EFR, false},         {"PPRLogBase", AMD_PPR_BASE, true},
    {"CmdHead", AMD_CMD_HEAD, false},       {"CmdTail", AMD_CMD_TAIL, false},
    {"EvtHead", AMD_EVT_HEAD, false},       {"EvtTail", AMD_EVT_TAIL, false},
    {"Status", AMD_STATUS, false},          {"PPRHead", AMD_PPR_HEAD, true},
    {"PPRTail", AMD_PPR_TAIL, true},
};
#define REGISTERS (sizeof(registers) / sizeof(registers[0]))

static bool show_register(const struct uiommu_amd *hw, size_t i, struct uiommu_item *out)
{
    if (!hw->cmdq.open || (registers[i].ppr && !hw->ppr.present))
        return false;
    out->name = registers[i].name;
    out->address = hw->config.base + registers[i].offset;
    out->words = 1;
    out->word[0] = hw->host->mmio_read64(hw->host->ctx, out->address);
    return true;
}

static bool show_words(const char *name, const struct uiommu_mem *mem, uint32_t index,
                       uint32_t words, struct uiommu_item *out)
{
    const volatile uint64_t *from;
    uint32_t i;

    if (mem == NULL || mem->cpu == NULL)
        return false;
    from = (const volatile uint64_t *)mem->cpu + (size_t)index * words;
    out->name = name;
    out->address = mem->bus + (uint64_t)index * words * sizeof(uint64_t);
    out->words = words;
    for (i = 0; i < words; i++)
        out->word[i] = uiommu_bits_load64(&from[i]);
    return true;
}

/* The entry of one level on the way to a PASID; level 0 is the last. */
static bool show_gcr3(const struct amd_device *dev, uint32_t pasid, uint32_t level,
                      struct uiommu_item *out)
{
    static const char *const names[] = {"GCR3 L0", "GCR3 L1", "GCR3 L2"};
    uint32_t slot = pasid == UIOMMU_PASID_NONE ? 0 : pasid;
    const struct uiommu_mem *node;

    if (dev == NULL || level >= dev->levels || (slot >> dev->pasid_bits) != 0)
        return false;
    if (level + 1u == dev->levels)
        node = &dev->root;
    else
        node = level == 0 ? uiommu_leaf(&dev->leaves, slot >> 9) : &dev->middle[slot >> 18];
    return show_words(names[level], node, (slot >> (9u * level)) & 0x1ffu, 1, out);
}

/* Registers by number, then the device's entry, then three levels. */
static bool show(const struct uiommu_amd *hw, uint32_t id, uint32_t pasid, uint64_t at,
                 struct uiommu_item *out)
{
    if (at < REGISTERS)
        return show_register(hw, (size_t)at, out);
    at -= REGISTERS;
    if (at != 0)
        return show_gcr3(uiommu_amd_device_of(hw, id), pasid, 3u - (uint32_t)at, out);
    return (id >> hw->id_bits) == 0 && show_words("DTE", &hw->devtab, id, AMD_DTE_WORDS, out);
}

uiommu_err uiommu_amd_describe(void *ctx, uint32_t id, uint32_t pasid, uint64_t *cursor,
                               struct uiommu_item *out)
{
    const struct uiommu_amd *hw = ctx;
    uint64_t end = id == UINT32_MAX ? REGISTERS : REGISTERS + 4u;

    memset(out, 0, sizeof(*out));
    while (*cursor < end) {
        if (show(hw, id, pasid, (*cursor)++, out))
            return UIOMMU_OK;
    }
    return UIOMMU_E_NOT_FOUND;
}
