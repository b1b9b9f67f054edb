/* SPDX-License-Identifier: BSD-2-Clause */
#include <uiommu/vtd.h>

#include <string.h>

#include "speed_machine.h"

/* VT-d in scalable mode: status follows commands, waits write their word; all else is memory. */

#define CAP  0x008u
#define ECAP 0x010u
#define GCMD 0x018u
#define GSTS 0x01cu
#define FSTS 0x034u
#define IQH  0x080u
#define IQT  0x088u
#define IQA  0x090u
#define PQH  0x0c0u
#define PQT  0x0c8u
#define PQA  0x0d0u
#define PRS  0x0dcu
#define SRTP 0x40000000u
#define WBF  0x08000000u
#define QIE  0x04000000u
#define BASE UINT64_C(0xfffffffffffff000)

/* Read and write under a PASID. */
static void ask(unsigned char *entry, const struct speed_ask *a)
{
    speed_put64(entry, 1 | 1u << 8 | (uint64_t)a->id << 16 | (uint64_t)a->pasid << 32);
    speed_put64(entry + 8, 3 | (uint64_t)a->last << 2 | (uint64_t)a->index << 3 | a->address);
    speed_put64(entry + 16, 0);
    speed_put64(entry + 24, 0);
}

static void answer(const unsigned char *command, struct speed_sums *sums)
{
    uint64_t a = speed_get64(command), b = speed_get64(command + 8);

    if ((a & 15) == 9)
        speed_sums_add(sums, a >> 16 & 0xffff, a >> 32 & 0xfffff, b >> 3 & 0x1ff, a >> 12 & 15);
}

static void consume(struct speed_machine *m)
{
    uint64_t base = speed_page_get64(&m->page, IQA), word;
    const unsigned char *ring = (const unsigned char *)(uintptr_t)(base & BASE), *command;
    uint32_t mask = (1u << (7 + (base & 7))) - 1u;
    uint32_t at = speed_page_get32(&m->page, IQH) >> 5;
    uint32_t to = speed_page_get32(&m->page, IQT) >> 5;

    for (; at != to; at = (at + 1) & mask) {
        command = ring + (size_t)at * 32;
        word = speed_get64(command);
        if ((word & 15) == 5 && (word & 1u << 5) != 0)
            *(volatile uint32_t *)(uintptr_t)speed_get64(command + 8) = (uint32_t)(word >> 32);
        answer(command, &m->got);
    }
    speed_page_set64(&m->page, IQH, (uint64_t)at << 5);
}

static void hook(struct speed_page *page, uint32_t offset, uint64_t value)
{
    struct speed_machine *m = page->arg;
    uint32_t was;

    if (offset == IQT && m->at_once)
        consume(m);
    if (offset == FSTS || offset == PRS) /* What there is to acknowledge. */
        speed_page_set32(page, offset, 0);
    if (offset != GCMD)
        return;
    was = speed_page_get32(page, GSTS);
    speed_page_set32(page, GSTS, ((uint32_t)value & ~WBF) | (was & SRTP));
    if ((value & QIE) == 0)
        speed_page_set64(page, IQH, 0);
}

/* Scalable mode, first and second stages, device TLBs, page requests, 20 bits of PASID. */
static void reset(struct speed_machine *m)
{
    speed_page_set64(&m->page, CAP, UINT64_C(0xd9d2078c22780c06));
    speed_page_set64(&m->page, ECAP, UINT64_C(0x0003cf9aa4f00fdf));
}

static uiommu_err create(struct speed_machine *m)
{
    struct uiommu_vtd_config config;

    memset(&config, 0, sizeof(config));
    config.size = sizeof(config);
    speed_machine_unit(m, &config.unit);
    config.base = m->page.base;
    config.poll = true;
    config.queue_log2 = m->config.queue_log2;
    config.prq_log2 = m->config.ring_log2;
    return uiommu_vtd_create(m->u, &config, &m->unit);
}

static unsigned char *ring(struct speed_machine *m)
{
    return (unsigned char *)(uintptr_t)(speed_page_get64(&m->page, PQA) & BASE);
}

const struct speed_vendor_ops speed_vendor_vtd = {
    .name = "vtd",
    .ask_bytes = 32,
    .command_bytes = 32,
    .log2_least = 7,
    .log2_most = 14,
    .root = UIOMMU_ROOT_X86_64,
    .tail = PQT,
    .head = PQH,
    .shift = 5,
    .doorbell = IQT,
    .ask = ask,
    .answer = answer,
    .reset = reset,
    .create = create,
    .ring = ring,
    .consume = consume,
    .hook = hook,
};
