/* SPDX-License-Identifier: BSD-2-Clause */
#include <uiommu/amd.h>

#include <string.h>

#include "speed_machine.h"

/* An AMD IOMMU: run bits follow their enables, COMPLETION_WAIT stores; all else is memory. Numbers
 * are of publication 48882. */

#define CMD_BASE  0x0008u
#define CONTROL   0x0018u
#define FEATURES  0x0030u
#define PPR_BASE  0x0038u
#define CMD_HEAD  0x2000u
#define CMD_TAIL  0x2008u
#define STATUS    0x2020u
#define PPR_HEAD  0x2030u
#define PPR_TAIL  0x2038u
#define ADDRESSES UINT64_C(0xffffffffff000)

/* A user's read and write under a PASID. */
static void ask(unsigned char *entry, const struct speed_ask *a)
{
    uint64_t word = UINT64_C(0x1164) << 48 | a->id;

    word |= (uint64_t)(a->pasid & 0xffff) << 16 | (uint64_t)(a->pasid >> 16) << 42;
    word |= (uint64_t)a->index << 32 | (uint64_t)a->last << 41;
    speed_put64(entry, word);
    speed_put64(entry + 8, a->address);
}

static void answer(const unsigned char *command, struct speed_sums *sums)
{
    uint64_t a = speed_get64(command), b = speed_get64(command + 8);

    if (a >> 60 == 7)
        speed_sums_add(sums, a & 0xffff, a >> 32 & 0xfffff, b >> 32 & 0x1ff, b >> 44 & 15);
}

static void consume(struct speed_machine *m)
{
    uint64_t base = speed_page_get64(&m->page, CMD_BASE);
    const unsigned char *ring = (const unsigned char *)(uintptr_t)(base & ADDRESSES);
    uint32_t mask = (1u << (base >> 56 & 15)) - 1u;
    uint32_t at = speed_page_get32(&m->page, CMD_HEAD) >> 4;
    uint32_t to = speed_page_get32(&m->page, CMD_TAIL) >> 4;
    const unsigned char *command;
    uint64_t word;

    for (; at != to; at = (at + 1) & mask) {
        command = ring + (size_t)at * 16;
        word = speed_get64(command);
        if (word >> 60 == 1 && (word & 1) != 0)
            *(volatile uint64_t *)(uintptr_t)(word & UINT64_C(0xffffffffffff8)) =
                speed_get64(command + 8);
        answer(command, &m->got);
    }
    speed_page_set32(&m->page, CMD_HEAD, at << 4);
}

static void hook(struct speed_page *page, uint32_t offset, uint64_t value)
{
    struct speed_machine *m = page->arg;

    (void)value;
    if (offset == CMD_TAIL && m->at_once)
        consume(m);
    if (offset == CONTROL || offset == STATUS) {
        value = speed_page_get64(page, CONTROL);
        value = (value >> 2 & 1) << 3 | (value >> 12 & 1) << 4 | (value >> 13 & 1) << 7;
        speed_page_set32(page, STATUS, (uint32_t)value);
    }
}

/* PPR, guest tables of 3 levels, 20 bits of PASID, INVALIDATE_ALL, GIoV, EPH. */
static void reset(struct speed_machine *m)
{
    speed_page_set64(&m->page, FEATURES,
                     1u << 1 | 1u << 4 | 1u << 6 | 2u << 14 | UINT64_C(19) << 32 |
                         UINT64_C(1) << 48 | UINT64_C(1) << 50);
}

static uiommu_err create(struct speed_machine *m)
{
    struct uiommu_amd_config config;

    memset(&config, 0, sizeof(config));
    config.size = sizeof(config);
    speed_machine_unit(m, &config.unit);
    config.base = m->page.base;
    config.flags = UIOMMU_AMD_POLL;
    config.cmdq_log2 = m->config.queue_log2;
    config.priq_log2 = m->config.ring_log2;
    return uiommu_amd_create(m->u, &config, &m->unit);
}

static unsigned char *ring(struct speed_machine *m)
{
    return (unsigned char *)(uintptr_t)(speed_page_get64(&m->page, PPR_BASE) & ADDRESSES);
}

const struct speed_vendor_ops speed_vendor_amd = {
    .name = "amd",
    .ask_bytes = 16,
    .command_bytes = 16,
    .log2_least = 8,
    .log2_most = 15,
    .root = UIOMMU_ROOT_X86_64,
    .tail = PPR_TAIL,
    .head = PPR_HEAD,
    .shift = 4,
    .doorbell = CMD_TAIL,
    .ask = ask,
    .answer = answer,
    .reset = reset,
    .create = create,
    .ring = ring,
    .consume = consume,
    .hook = hook,
};
