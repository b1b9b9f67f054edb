/* SPDX-License-Identifier: BSD-2-Clause */
/* What a dump shows of a unit: registers and indices, then the way from an ID to a descriptor. */
#include "smmuv3_internal.h"

/* Where a register exists. */
#define PAGE1    0x1u
#define WITH_PRI 0x2u
#define WIDE     0x4u

static const struct {
    const char *name;
    uint8_t offset, flags;
} registers[] = {
    {"IDR0", SMMUV3_IDR0, 0},
    {"IDR1", SMMUV3_IDR1, 0},
    {"IDR3", SMMUV3_IDR3, 0},
    {"IDR5", SMMUV3_IDR5, 0},
    {"IIDR", SMMUV3_IIDR, 0},
    {"AIDR", SMMUV3_AIDR, 0},
    {"CR0", SMMUV3_CR0, 0},
    {"CR0ACK", SMMUV3_CR0ACK, 0},
    {"CR1", SMMUV3_CR1, 0},
    {"CR2", SMMUV3_CR2, 0},
    {"GBPA", SMMUV3_GBPA, 0},
    {"IRQ_CTRL", SMMUV3_IRQ_CTRL, 0},
    {"IRQ_CTRLACK", SMMUV3_IRQ_CTRLACK, 0},
    {"GERROR", SMMUV3_GERROR, 0},
    {"GERRORN", SMMUV3_GERRORN, 0},
    {"STRTAB_BASE", SMMUV3_STRTAB_BASE, WIDE},
    {"STRTAB_BASE_CFG", SMMUV3_STRTAB_BASE_CFG, 0},
    {"CMDQ_BASE", SMMUV3_CMDQ_BASE, WIDE},
    {"CMDQ_PROD", SMMUV3_CMDQ_PROD, 0},
    {"CMDQ_CONS", SMMUV3_CMDQ_CONS, 0},
    {"EVENTQ_BASE", SMMUV3_EVENTQ_BASE, WIDE},
    {"EVENTQ_PROD", SMMUV3_EVENTQ_PROD, PAGE1},
    {"EVENTQ_CONS", SMMUV3_EVENTQ_CONS, PAGE1},
    {"PRIQ_BASE", SMMUV3_PRIQ_BASE, WIDE | WITH_PRI},
    {"PRIQ_PROD", SMMUV3_PRIQ_PROD, PAGE1 | WITH_PRI},
    {"PRIQ_CONS", SMMUV3_PRIQ_CONS, PAGE1 | WITH_PRI},
};
#define REGISTERS (sizeof(registers) / sizeof(registers[0]))

static void show_register(const struct uiommu_smmuv3 *hw, size_t i, struct uiommu_item *out)
{
    uint32_t offset = registers[i].offset;

    if ((registers[i].flags & PAGE1) != 0)
        offset += hw->f.page1;
    out->name = registers[i].name;
    out->address = hw->config.base + offset;
    out->words = 1;
    out->word[0] = (registers[i].flags & WIDE) != 0
                       ? hw->host->mmio_read64(hw->host->ctx, out->address)
                       : uiommu_smmuv3_read(hw, offset);
}

static void show_words(const char *name, const struct uiommu_mem *mem, uint64_t index,
                       uint32_t words, struct uiommu_item *out)
{
    const volatile uint64_t *from = (const volatile uint64_t *)mem->cpu + (size_t)(index * words);
    uint32_t i;

    out->name = name;
    out->address = mem->bus + index * words * sizeof(uint64_t);
    out->words = words;
    for (i = 0; i < words; i++)
        out->word[i] = uiommu_bits_load64(&from[i]);
}

static const struct smmuv3_device *device_of(const struct uiommu_smmuv3 *hw, uint32_t id)
{
    return (const struct smmuv3_device *)uiommu_requester_find(&hw->devices, id);
}

static bool show_stream(const struct uiommu_smmuv3 *hw, uint32_t id, bool level1,
                        struct uiommu_item *out)
{
    uint32_t high = id >> SMMUV3_SPLIT, low = id & ((UINT32_C(1) << SMMUV3_SPLIT) - 1u);

    if (hw->strtab.cpu == NULL || uiommu_smmuv3_ste_at(hw, id) == NULL)
        return false;
    if (!hw->two_level) {
        if (!level1)
            show_words("STE", &hw->strtab, id, SMMUV3_STE_WORDS, out);
        return !level1;
    }
    if (level1)
        show_words("L1STD", &hw->strtab, high, 1, out);
    else
        show_words("STE", &hw->l2[high], low, SMMUV3_STE_WORDS, out);
    return true;
}

static bool show_context(const struct smmuv3_device *dev, uint32_t pasid, bool level1,
                         struct uiommu_item *out)
{
    uint32_t slot = pasid == UIOMMU_PASID_NONE ? 0 : pasid;
    uint32_t high = slot >> SMMUV3_CD_LEAF_LOG2;
    uint32_t low = slot & ((UINT32_C(1) << SMMUV3_CD_LEAF_LOG2) - 1u);

    if (dev == NULL || uiommu_smmuv3_cd_at(dev, pasid) == NULL)
        return false;
    if (!dev->two_level) {
        if (!level1)
            show_words("CD", &dev->table, slot, SMMUV3_CD_WORDS, out);
        return !level1;
    }
    if (level1)
        show_words("L1CD", &dev->table, high, 1, out);
    else
        show_words("CD", uiommu_leaf(&dev->leaves, high), low, SMMUV3_CD_WORDS, out);
    return true;
}

/* Registers by number, then four table words. */
static bool show(const struct uiommu_smmuv3 *hw, uint32_t id, uint32_t pasid, uint64_t at,
                 struct uiommu_item *out)
{
    if (at < REGISTERS) {
        if (((registers[at].flags & WITH_PRI) != 0 && !hw->f.pri) || hw->cmdq.stopped)
            return false;
        show_register(hw, (size_t)at, out);
        return true;
    }
    at -= REGISTERS;
    if (at < 2)
        return show_stream(hw, id, at == 0, out);
    return show_context(device_of(hw, id), pasid, at == 2, out);
}

uiommu_err uiommu_smmuv3_describe(void *ctx, uint32_t id, uint32_t pasid, uint64_t *cursor,
                                  struct uiommu_item *out)
{
    const struct uiommu_smmuv3 *hw = ctx;
    uint64_t end = id == UINT32_MAX ? REGISTERS : REGISTERS + 4u;

    memset(out, 0, sizeof(*out));
    while (*cursor < end) {
        if (show(hw, id, pasid, (*cursor)++, out))
            return UIOMMU_OK;
    }
    return UIOMMU_E_NOT_FOUND;
}
