/* SPDX-License-Identifier: BSD-2-Clause */
/* An AMD IOMMU: its interrupts are the MSI of a PCI function of its own. */
#include "uiommu/amd.h"

#include "glue.h"

#define FEATURES     0x30u
#define HAS_PPR      (UINT64_C(1) << 1)
#define HAS_EPH      (UINT64_C(1) << 50)
#define CONTROL      0x18u
#define PPR_ON       (UINT64_C(1) << 13)
#define PPR_INT      (UINT64_C(1) << 14)
#define PPR_BASE     0x38u
#define PPR_ADDRESS  UINT64_C(0xffffffffff000)
#define PPR_HEAD     0x2030u /* Indices in units of 16 bytes, from bit 4 on. */
#define PPR_TAIL     0x2038u
#define CAP_NP_CACHE (UINT32_C(1) << 26)
#define CAP_FEATURES (UINT32_C(1) << 27)
#define IVHD_IOTLB   0x10u
#define IVHD_SNOOPS  0x20u

static enum glue_end check(const struct glue_found *found, const char **why)
{
    uint32_t features;

    if ((found->capability & CAP_FEATURES) == 0) {
        *why = "AMD: an IOMMU without extended features";
        return GLUE_UNKNOWN;
    }
    /* The capability's enable bit says it too, but emulators leave it 0. */
    features = kernel_probe32(found->base + FEATURES);
    if (features != 0 && features != UINT32_MAX)
        return GLUE_GOOD;
    *why = "AMD: nothing answers where the IVRS table says: switched off";
    return GLUE_DISABLED;
}

static uint64_t read64(const struct glue_found *found, uint32_t offset)
{
    return *(volatile uint64_t *)(uintptr_t)(found->base + offset);
}

static void requests(const struct glue_found *found, struct glue_requests *out)
{
    uint64_t features = read64(found, FEATURES), base;

    if ((features & HAS_PPR) == 0 || (features & HAS_EPH) == 0) {
        out->none = (features & HAS_PPR) == 0
                        ? "the unit has none (EFR.PPRSup is 0)"
                        : "a log, but no device may use it (EFR.PPRSup without EPHSup)";
        return;
    }
    base = read64(found, PPR_BASE);
    out->base = base & PPR_ADDRESS;
    out->on = (read64(found, CONTROL) & PPR_ON) != 0;
    out->interrupts = (read64(found, CONTROL) & PPR_INT) != 0;
    out->entries = UINT32_C(1) << (base >> 56 & 0xfu);
    out->head = (uint32_t)(read64(found, PPR_HEAD) >> 4);
    out->tail = (uint32_t)(read64(found, PPR_TAIL) >> 4);
}

static uiommu_err create(struct uiommu *u, const struct glue_found *found,
                         const struct uiommu_unit_config *common, kernel_handler *handler,
                         void *ctx, struct uiommu_unit **out)
{
    struct uiommu_amd_config config = {.size = sizeof(config), .unit = *common};
    struct kernel_message message;

    config.base = found->base;
    config.ivhd_flags = found->flags & 0xfu;
    config.flags = (found->flags & IVHD_IOTLB) != 0 ? 0 : UIOMMU_AMD_NO_ATS;
    config.flags |= (found->flags & IVHD_SNOOPS) != 0 ? 0 : UIOMMU_AMD_NOT_COHERENT;
    config.flags |= (found->capability & CAP_NP_CACHE) != 0 ? UIOMMU_AMD_NP_CACHE : 0;
    config.address_bits =
        found->address_bits >= 32 && found->address_bits <= 52 ? found->address_bits : 0;
    if (!kernel_interrupt_message(handler, ctx, &message))
        return UIOMMU_E_NOSPACE;
    /* It walks its tables and writes its logs as a master of the bus. */
    kernel_pci_master(found->function, true);
    if (!kernel_pci_msi(found->function, &message))
        return UIOMMU_E_HW;
    return uiommu_amd_create(u, &config, out);
}

const struct glue_vendor glue_amd = {
    .name = "AMD-Vi",
    .needs = "extended features, and host or guest translation",
    .kinds = {&table_x86_64_levelled},
    .illegal = {UINT64_C(0xf) << 60}, /* An opcode that is not used. */
    .illegal_words = 2,
    .commands = {0x08, 0x2008, 0, 56, 15, 4, 2}, /* Command buffer base, tail. */
    .requests = requests,
    .check = check,
    .create = create,
};
