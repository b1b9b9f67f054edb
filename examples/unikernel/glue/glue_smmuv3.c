/* SPDX-License-Identifier: BSD-2-Clause */
/* An SMMUv3: its interrupts are wires. */
#include "uiommu/smmuv3.h"

#include "glue.h"

#define AIDR      0x1cu
#define MAJOR     0u /* Of the architecture: SMMUv3.x is 0. */
#define IDR0      0x00u
#define PAGE1_END 0x20000u
#define HAS_PRI   (UINT32_C(1) << 16) /* IDR0 */
#define CR0ACK    0x24u
#define PRI_ON    (UINT32_C(1) << 1)
#define IRQ_ACK   0x54u
#define PRI_INT   (UINT32_C(1) << 1)
#define PRI_BASE  0xc0u
#define PRI_PROD  0x100c8u
#define PRI_CONS  0x100ccu

static enum glue_end check(const struct glue_found *found, const char **why)
{
    uint32_t features = kernel_probe32(found->base + IDR0);

    if (features == 0 || features == UINT32_MAX) {
        *why = "SMMUv3: nothing answers where the device tree says: switched off";
        return GLUE_DISABLED;
    }
    if (found->bytes < PAGE1_END) {
        *why = "SMMUv3: its register frame is too short";
        return GLUE_CONTRADICTION;
    }
    if ((kernel_probe32(found->base + AIDR) >> 4 & 0xfu) != MAJOR) {
        *why = "SMMUv3: the architecture register is of another major version";
        return GLUE_UNKNOWN;
    }
    return GLUE_GOOD;
}

static void requests(const struct glue_found *found, struct glue_requests *out)
{
    uint64_t base;

    if ((kernel_probe32(found->base + IDR0) & HAS_PRI) == 0) {
        out->none = "the unit has none (IDR0.PRI is 0)";
        return;
    }
    base = *(volatile uint64_t *)(uintptr_t)(found->base + PRI_BASE);
    out->base = base & UINT64_C(0xfffffffffffe0);
    out->on = (kernel_probe32(found->base + CR0ACK) & PRI_ON) != 0;
    out->interrupts = (kernel_probe32(found->base + IRQ_ACK) & PRI_INT) != 0;
    out->entries = UINT32_C(1) << (base & 0x1fu);
    out->head = kernel_probe32(found->base + PRI_CONS);
    out->tail = kernel_probe32(found->base + PRI_PROD);
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
    .needs = "stage 1 translation, 64-bit little-endian tables",
    .kinds = {&table_aarch64},
    .illegal = {0xff}, /* An opcode that is not used. */
    .illegal_words = 2,
    .commands = {0x90, 0x98, 4, 0, 31, 4, 2}, /* CMDQ_BASE, CMDQ_PROD */
    .requests = requests,
    .check = check,
    .create = create,
};
