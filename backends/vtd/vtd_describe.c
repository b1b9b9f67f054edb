/* SPDX-License-Identifier: BSD-2-Clause */
/* What a dump shows of a unit: registers, then the way from an ID to a PASID entry. */
#include "vtd_internal.h"

/* Where a register exists. */
#define WITH_PRI 0x1u
#define WIDE     0x2u

static const struct {
    const char *name;
    uint16_t offset, flags;
} registers[] = {
    {"VER", VTD_VER, 0},
    {"CAP", VTD_CAP, WIDE},
    {"ECAP", VTD_ECAP, WIDE},
    {"GSTS", VTD_GSTS, 0},
    {"RTADDR", VTD_RTADDR, WIDE},
    {"FSTS", VTD_FSTS, 0},
    {"FECTL", VTD_FECTL, 0},
    {"IQH", VTD_IQH, WIDE},
    {"IQT", VTD_IQT, WIDE},
    {"IQA", VTD_IQA, WIDE},
    {"IQERCD", VTD_IQERCD, WIDE},
    {"PQH", VTD_PQH, WIDE | WITH_PRI},
    {"PQT", VTD_PQT, WIDE | WITH_PRI},
    {"PQA", VTD_PQA, WIDE | WITH_PRI},
    {"PRS", VTD_PRS, WITH_PRI},
    {"PECTL", VTD_PECTL, WITH_PRI},
};
#define REGISTERS (sizeof(registers) / sizeof(registers[0]))

static void show_register(const struct uiommu_vtd *hw, size_t i, struct uiommu_item *out)
{
    uint32_t offset = registers[i].offset;

    out->name = registers[i].name;
    out->address = hw->config.base + offset;
    out->words = 1;
    out->word[0] = (registers[i].flags & WIDE) != 0 ? uiommu_vtd_read64(hw, offset)
                                                    : uiommu_vtd_read(hw, offset);
}

static bool show_words(const char *name, const struct uiommu_mem *mem, uint64_t index,
                       uint32_t words, struct uiommu_item *out)
{
    const volatile uint64_t *from;
    uint32_t i;

    if (mem == NULL || mem->cpu == NULL)
        return false;
    from = (const volatile uint64_t *)mem->cpu + (size_t)(index * words);
    out->name = name;
    out->address = mem->bus + index * words * sizeof(uint64_t);
    out->words = words;
    for (i = 0; i < words; i++)
        out->word[i] = uiommu_bits_load64(&from[i]);
    return true;
}

static const struct vtd_device *device_of(const struct uiommu_vtd *hw, uint32_t id)
{
    return (const struct vtd_device *)uiommu_requester_find(&hw->devices, id);
}

static bool show_pasid(const struct vtd_device *dev, uint32_t pasid, bool directory,
                       struct uiommu_item *out)
{
    uint32_t number = pasid == UIOMMU_PASID_NONE ? 0 : pasid;
    uint32_t leaf = number >> VTD_LEAF_LOG2;

    if (dev == NULL || (number >> dev->pasid_bits) != 0)
        return false;
    if (directory)
        return show_words("PASID directory", &dev->directory, leaf, 1, out);
    return show_words("PASID entry", uiommu_leaf(&dev->leaves, leaf),
                      number & ((UINT32_C(1) << VTD_LEAF_LOG2) - 1u), VTD_PASID_WORDS, out);
}

/* Registers by number, then four table entries. */
static bool show(const struct uiommu_vtd *hw, uint32_t id, uint32_t pasid, uint64_t at,
                 struct uiommu_item *out)
{
    if (at < REGISTERS) {
        if (!hw->iq.open || ((registers[at].flags & WITH_PRI) != 0 && !hw->f.pri))
            return false;
        show_register(hw, (size_t)at, out);
        return true;
    }
    at -= REGISTERS;
    if ((id >> hw->id_bits) != 0)
        return false;
    if (at == 0)
        return show_words("root", &hw->root, id >> VTD_HALF_LOG2 >> 1, VTD_ROOT_WORDS, out);
    if (at == 1)
        return hw->context != NULL &&
               show_words("context", &hw->context[id >> VTD_HALF_LOG2],
                          id & ((UINT32_C(1) << VTD_HALF_LOG2) - 1u), VTD_CONTEXT_WORDS, out);
    return show_pasid(device_of(hw, id), pasid, at == 2, out);
}

uiommu_err uiommu_vtd_describe(void *ctx, uint32_t id, uint32_t pasid, uint64_t *cursor,
                               struct uiommu_item *out)
{
    const struct uiommu_vtd *hw = ctx;
    uint64_t end = id == UINT32_MAX ? REGISTERS : REGISTERS + 4u;

    memset(out, 0, sizeof(*out));
    while (*cursor < end) {
        if (show(hw, id, pasid, (*cursor)++, out))
            return UIOMMU_OK;
    }
    return UIOMMU_E_NOT_FOUND;
}
