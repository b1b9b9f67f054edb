/* SPDX-License-Identifier: BSD-2-Clause */
/* An SMMUv3: its interrupts are wires. */
#include "uiommu/smmuv3.h"

#include "glue.h"

#define AIDR      0x1cu
#define MAJOR     0u /* Of the architecture: SMMUv3.x is 0. */
#define IDR0      0x00u
#define PAGE1_END 0x20000u

static enum glue_end check(const struct glue_found *found, const char **why)
{
    uint32_t version = *(volatile uint32_t *)(uintptr_t)(found->base + AIDR);
    uint32_t features = *(volatile uint32_t *)(uintptr_t)(found->base + IDR0);

    if (features == 0 || features == UINT32_MAX) {
        *why = "SMMUv3: nothing answers where the device tree says: switched off";
        return GLUE_DISABLED;
    }
    if ((version >> 4 & 0xfu) != MAJOR) {
        *why = "SMMUv3: the architecture register is of another major version";
        return GLUE_UNKNOWN;
    }
    if (found->bytes < PAGE1_END) {
        *why = "SMMUv3: its register frame is too short";
        return GLUE_CONTRADICTION;
    }
    return GLUE_GOOD;
}

static uiommu_err create(struct uiommu *u, const struct glue_found *found,
                         const struct uiommu_unit_config *common, kernel_handler *handler,
                         void *ctx, struct uiommu_unit **out)
{
    struct uiommu_smmuv3_config config = {.size = sizeof(config), .unit = *common};
    uint32_t i, wired = 0;

    config.base = found->base;
    config.coherency = found->flags != 0 ? UIOMMU_SMMUV3_COHERENT : UIOMMU_SMMUV3_NOT_COHERENT;
    for (i = 0; i < 4; i++) {
        if (found->wires[i] != 0 &&
            !kernel_interrupt_wire(found->wires[i], found->edge, handler, ctx))
            return UIOMMU_E_NOSPACE;
        wired += found->wires[i] != 0;
    }
    config.poll = wired == 0;
    return uiommu_smmuv3_create(u, &config, out);
}

const struct glue_vendor glue_smmuv3 = {
    .name = "SMMUv3",
    .kinds = {&table_aarch64},
    .illegal = {0xff}, /* An opcode that is not used. */
    .illegal_words = 2,
    .commands = {0x90, 0x98, 4, 0, 31, 4, 2}, /* CMDQ_BASE, CMDQ_PROD */
    .check = check,
    .create = create,
};
