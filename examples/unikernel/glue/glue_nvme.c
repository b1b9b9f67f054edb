/* SPDX-License-Identifier: BSD-2-Clause */
/* The least of an NVMe driver (NVM Express Base, 3.5.1, 3.3, 5.1.13): polled, one command a time.
 */
#include "glue.h"

#define CLASS_NVME   0x010802u
#define CAP          0x00u
#define CC           0x14u
#define CSTS         0x1cu
#define AQA          0x24u
#define ASQ          0x28u
#define ACQ          0x30u
#define DOORBELLS    0x1000u
#define ENABLE       0x00460001u /* CC: entries of 64 and 16 bytes, pages of 4 KiB, on. */
#define READY        1u
#define ENTRIES      16u
#define IDENTIFY     0x06u
#define IDENTIFY_CTL 1u
#define DEADLINE_NS  UINT64_C(2000000000)

static volatile uint32_t *reg(struct glue_nvme *n, uint32_t offset)
{
    return (volatile uint32_t *)(uintptr_t)(n->registers + offset);
}

static void put64(struct glue_nvme *n, uint32_t offset, uint64_t value)
{
    *reg(n, offset) = (uint32_t)value;
    *reg(n, offset + 4) = (uint32_t)(value >> 32);
}

static bool wait_for(const volatile uint32_t *word, uint32_t mask, uint32_t value)
{
    uint64_t end = kernel_now_ns() + DEADLINE_NS;

    while ((*word & mask) != value) {
        if (kernel_now_ns() >= end)
            return false;
        uiommu_pause();
    }
    uiommu_fence_dma_load();
    return true;
}

bool glue_nvme_find(uint32_t *function)
{
    return kernel_pci_find_class(CLASS_NVME, function);
}

bool glue_nvme_init(struct glue_nvme *n, uint32_t function, void *submission, void *completion,
                    uint64_t queues)
{
    n->function = function;
    n->registers = kernel_pci_bar(function, 0);
    n->submission = submission;
    n->completion = completion;
    n->queues = queues;
    n->tail = 0;
    if (n->registers == 0)
        return false;
    kernel_pci_master(function, true);
    *reg(n, CC) = 0;
    if (!wait_for(reg(n, CSTS), READY, 0))
        return false;
    *reg(n, AQA) = (ENTRIES - 1) << 16 | (ENTRIES - 1);
    put64(n, ASQ, queues);
    put64(n, ACQ, queues + KERNEL_PAGE);
    *reg(n, CC) = ENABLE;
    return wait_for(reg(n, CSTS), READY, READY);
}

bool glue_nvme_identify(struct glue_nvme *n, uint64_t iova)
{
    uint32_t at = n->tail % ENTRIES, lap = n->tail / ENTRIES, stride;
    volatile uint32_t *status = n->completion + 4 * at + 3;
    uint32_t *command = n->submission + 16 * at;

    stride = 4u << (*reg(n, CAP + 4) & 0xfu);
    __builtin_memset(command, 0, 64);
    command[0] = IDENTIFY | n->tail << 16;
    command[6] = (uint32_t)iova;
    command[7] = (uint32_t)(iova >> 32);
    command[10] = IDENTIFY_CTL;
    uiommu_fence_dma();
    n->tail++;
    *reg(n, DOORBELLS) = n->tail % ENTRIES;
    /* The phase bit turns with each lap of the ring; the status above it is 0. */
    if (!wait_for(status, UINT32_C(1) << 16, (lap & 1u) != 0 ? 0 : UINT32_C(1) << 16))
        return false;
    *reg(n, DOORBELLS + stride) = n->tail % ENTRIES;
    return *status >> 17 == 0;
}

void glue_nvme_stop(struct glue_nvme *n)
{
    *reg(n, CC) = 0;
    (void)wait_for(reg(n, CSTS), READY, 0);
    kernel_pci_master(n->function, false);
}
