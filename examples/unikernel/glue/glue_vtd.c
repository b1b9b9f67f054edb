/* SPDX-License-Identifier: BSD-2-Clause */
/* A VT-d unit: its interrupts are messages that it sends by itself. */
#include "uiommu/vtd.h"

#include "glue.h"

#define VERSION   0x00u
#define ECAP      0x10u
#define ECAP_PRS  (UINT64_C(1) << 29)
#define PQH       0xc0u /* Indices in units of 32 bytes, from bit 5 on. */
#define PQT       0xc8u
#define PQA       0xd0u
#define PQA_SIZE  0x7u /* 2^this pages. */
#define PECTL     0xe0u
#define PECTL_OFF (UINT32_C(1) << 31)

static enum glue_end check(const struct glue_found *found, const char **why)
{
    uint32_t version = kernel_probe32(found->base + VERSION);

    if (version == UINT32_MAX || version == 0) {
        *why = "VT-d: nothing answers where the DMAR table says: switched off";
        return GLUE_DISABLED;
    }
    if ((version >> 4 & 0xfu) == 0 || version > 0xff) {
        *why = "VT-d: the version register is of no version";
        return GLUE_UNKNOWN;
    }
    return GLUE_GOOD;
}

static uint64_t read64(const struct glue_found *found, uint32_t offset)
{
    return *(volatile uint64_t *)(uintptr_t)(found->base + offset);
}

static void requests(const struct glue_found *found, struct glue_requests *out)
{
    uint64_t base;

    if ((read64(found, ECAP) & ECAP_PRS) == 0) {
        out->none = "the unit has none (ECAP.PRS is 0)";
        return;
    }
    base = read64(found, PQA);
    out->base = base & ~(uint64_t)(KERNEL_PAGE - 1);
    out->on = out->base != 0;
    out->entries = (KERNEL_PAGE / 32u) << (base & PQA_SIZE);
    out->head = (uint32_t)(read64(found, PQH) >> 5);
    out->tail = (uint32_t)(read64(found, PQT) >> 5);
    out->interrupts = (kernel_probe32(found->base + PECTL) & PECTL_OFF) == 0;
}

/* 7.4.1: type 1 with PASID; read, last in its group. */
static bool request(const struct glue_found *found, uint32_t id, uint32_t pasid, uint64_t address)
{
    struct glue_requests q = {0};
    volatile uint64_t *entry;
    uint32_t tail;

    requests(found, &q);
    entry = (volatile uint64_t *)(uintptr_t)(q.base + 32u * (uint64_t)q.tail);
    entry[0] = 0x101u | (uint64_t)id << 16 | (uint64_t)pasid << 32;
    entry[1] = (address & ~(uint64_t)(KERNEL_PAGE - 1)) | 3u << 3 | 0x5u;
    entry[2] = 0;
    entry[3] = 0;
    uiommu_fence_dma();
    tail = (q.tail + 1) % q.entries;
    *(volatile uint64_t *)(uintptr_t)(found->base + PQT) = (uint64_t)tail << 5;
    requests(found, &q);
    return q.tail == tail;
}

static bool message(kernel_handler *handler, void *ctx, struct uiommu_vtd_msi *out)
{
    struct kernel_message m;

    if (!kernel_interrupt_message(handler, ctx, &m))
        return false;
    out->address = m.address;
    out->data = m.data;
    return true;
}

static uiommu_err create(struct uiommu *u, const struct glue_found *found,
                         const struct uiommu_unit_config *common, kernel_handler *handler,
                         void *ctx, struct uiommu_unit **out)
{
    struct uiommu_vtd_config config = {.size = sizeof(config), .unit = *common};

    config.base = found->base;
    config.bytes = found->bytes;
    config.address_bits = found->address_bits;
    if (!message(handler, ctx, &config.fault) || !message(handler, ctx, &config.requests))
        return UIOMMU_E_NOSPACE;
    return uiommu_vtd_create(u, &config, out);
}

const struct glue_vendor glue_vtd = {
    .name = "VT-d",
    .needs = "scalable mode and first- or second-stage translation",
    .kinds = {&table_x86_64, &table_x86_64_stage2},
    .illegal = {0xf}, /* A type that is not used (6.5.2). */
    .illegal_words = 4,
    .commands = {0x90, 0x88, 0, 0, 7, 12, 4}, /* IQA, IQT */
    .requests = requests,
    .request = request,
    .check = check,
    .create = create,
};
