/* SPDX-License-Identifier: BSD-2-Clause */
#include <uiommu/smmuv3.h>

#include <string.h>

#include "speed_machine.h"

/* An SMMUv3: acknowledges follow, commands are consumed; all else is memory. IHI 0070. */

#define IDR0        0x00u
#define IDR1        0x04u
#define IDR3        0x0cu
#define IDR5        0x14u
#define CR0         0x20u
#define CR0ACK      0x24u
#define GBPA        0x44u
#define IRQ_CTRL    0x50u
#define IRQ_CTRLACK 0x54u
#define CMDQ_BASE   0x90u
#define CMDQ_PROD   0x98u
#define CMDQ_CONS   0x9cu
#define PRIQ_BASE   0xc0u
#define PRIQ_PROD   0x100c8u
#define PRIQ_CONS   0x100ccu
#define ADDRESSES   UINT64_C(0xfffffffffffe0)

/* Read and write under a PASID. */
static void ask(unsigned char *entry, const struct speed_ask *a)
{
    speed_put64(entry,
                a->id | (uint64_t)a->pasid << 32 | UINT64_C(0xb) << 60 | (uint64_t)a->last << 62);
    speed_put64(entry + 8, a->address | a->index);
}

/* Success is 2 there. */
static void answer(const unsigned char *command, struct speed_sums *sums)
{
    uint64_t a = speed_get64(command), b = speed_get64(command + 8);

    if ((a & 0xff) == 0x41)
        speed_sums_add(sums, (uint32_t)(a >> 32), a >> 12 & 0xfffff, b & 0x1ff,
                       2u - (uint32_t)(b >> 12 & 3));
}

static void consume(struct speed_machine *m)
{
    uint64_t base = speed_page_get64(&m->page, CMDQ_BASE);
    const unsigned char *ring = (const unsigned char *)(uintptr_t)(base & ADDRESSES);
    uint32_t slots = 1u << (base & 31);
    uint32_t at = speed_page_get32(&m->page, CMDQ_CONS);
    uint32_t to = speed_page_get32(&m->page, CMDQ_PROD);

    for (; at != to; at = (at + 1) & (2 * slots - 1))
        answer(ring + (size_t)(at & (slots - 1)) * 16, &m->got);
    speed_page_set32(&m->page, CMDQ_CONS, at);
}

static void hook(struct speed_page *page, uint32_t offset, uint64_t value)
{
    struct speed_machine *m = page->arg;

    if (offset == CMDQ_PROD && m->at_once && speed_page_get32(page, CR0ACK) != 0)
        consume(m);
    if (offset == CR0)
        speed_page_set32(page, CR0ACK, (uint32_t)value);
    if (offset == IRQ_CTRL)
        speed_page_set32(page, IRQ_CTRLACK, (uint32_t)value);
    if (offset == GBPA)
        speed_page_set32(page, GBPA, value & 0x7fffffff);
}

/* Both stages, AArch64 tables, coherent, ATS, PRI, ASID and VMID of 16 bits, two-level tables, 64
 * stalls; IDs of 16 bits and SSIDs of 20, queues up to 2^19 entries; ranges. */
static void reset(struct speed_machine *m)
{
    speed_page_set32(&m->page, IDR0,
                     3u | 2u << 2 | 1u << 4 | 1u << 9 | 1u << 10 | 1u << 12 | 1u << 13 | 1u << 16 |
                         1u << 18 | 1u << 19 | 2u << 21 | 1u << 23 | 1u << 27);
    speed_page_set32(&m->page, IDR1, 16u | 20u << 6 | 19u << 11 | 19u << 16 | 19u << 21 | 1u << 27);
    speed_page_set32(&m->page, IDR3, 1u << 10);
    speed_page_set32(&m->page, IDR5, 5u | 7u << 4 | 64u << 16);
}

static uiommu_err create(struct speed_machine *m)
{
    struct uiommu_smmuv3_config config;

    memset(&config, 0, sizeof(config));
    config.size = sizeof(config);
    speed_machine_unit(m, &config.unit);
    config.base = m->page.base;
    config.poll = true;
    config.cmdq_log2 = m->config.queue_log2;
    config.priq_log2 = m->config.ring_log2;
    return uiommu_smmuv3_create(m->u, &config, &m->unit);
}

static unsigned char *ring(struct speed_machine *m)
{
    return (unsigned char *)(uintptr_t)(speed_page_get64(&m->page, PRIQ_BASE) & ADDRESSES);
}

const struct speed_vendor_ops speed_vendor_smmuv3 = {
    .name = "smmuv3",
    .ask_bytes = 16,
    .command_bytes = 16,
    .log2_least = 8,
    .log2_most = 19,
    .root = UIOMMU_ROOT_AARCH64,
    .tail = PRIQ_PROD,
    .head = PRIQ_CONS,
    .wraps = true,
    .doorbell = CMDQ_PROD,
    .ask = ask,
    .answer = answer,
    .reset = reset,
    .create = create,
    .ring = ring,
    .consume = consume,
    .hook = hook,
};
