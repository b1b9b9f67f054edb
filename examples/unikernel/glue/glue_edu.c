/* SPDX-License-Identifier: BSD-2-Clause */
/* A driver: finds its registers, attaches, binds without PASID, moves bytes, stops when asked. */
#include "glue.h"

#define DMA_SOURCE  0x80u
#define DMA_TARGET  0x88u
#define DMA_COUNT   0x90u
#define DMA_COMMAND 0x98u
#define RUN         1u
#define TO_MEMORY   2u
#define BUFFER      UINT64_C(0x40000) /* What the device calls its own memory. */
#define ENGINE_NS   UINT64_C(2000000000)

static volatile uint32_t *reg(struct glue_edu *e, uint32_t offset)
{
    return (volatile uint32_t *)(uintptr_t)(e->registers + offset);
}

static void put64(struct glue_edu *e, uint32_t offset, uint64_t value)
{
    *(volatile uint64_t *)(uintptr_t)(e->registers + offset) = value;
}

static bool idle(struct glue_edu *e)
{
    uint64_t end = kernel_now_ns() + ENGINE_NS;

    while ((*reg(e, DMA_COMMAND) & RUN) != 0) {
        if (kernel_now_ns() >= end)
            return false;
        uiommu_pause();
    }
    return true;
}

static bool run(struct glue_edu *e, uint64_t from, uint64_t to, uint32_t bytes, uint32_t direction)
{
    if (!idle(e))
        return false;
    put64(e, DMA_SOURCE, from);
    put64(e, DMA_TARGET, to);
    put64(e, DMA_COUNT, bytes);
    uiommu_fence_dma();
    put64(e, DMA_COMMAND, RUN | direction);
    return idle(e);
}

bool glue_edu_read(struct glue_edu *e, uint64_t iova, uint32_t offset, uint32_t bytes)
{
    return run(e, iova, BUFFER + offset, bytes, 0);
}

bool glue_edu_write(struct glue_edu *e, uint64_t iova, uint32_t offset, uint32_t bytes)
{
    bool done = run(e, BUFFER + offset, iova, bytes, TO_MEMORY);

    uiommu_fence_dma_load();
    return done;
}

/* uiommu wants the device quiet: nothing is begun by itself here, so what runs is waited for. */
static uiommu_err stop(void *ctx, struct uiommu_device *dev, struct uiommu_bond_ref bond,
                       uint32_t pasid)
{
    struct glue_edu *e = ctx;

    (void)dev;
    (void)bond;
    (void)pasid;
    e->stops++;
    return e->registers == 0 || idle(e) ? UIOMMU_OK : UIOMMU_E_TIMEOUT;
}

bool glue_edu_init(struct glue_edu *e, uint32_t function)
{
    e->function = function;
    e->registers = kernel_pci_bar(function, 0);
    return e->registers != 0;
}

uiommu_err glue_edu_attach(struct glue_edu *e, struct glue_unit *g, uint32_t id)
{
    const struct uiommu_device_ops ops = {.size = sizeof(ops), .stop = stop};
    struct uiommu_device_config config = {.size = sizeof(config)};
    uiommu_err err;

    e->g = g;
    e->id = id;
    config.ids = &e->id;
    config.id_count = 1;
    config.ops = &ops;
    config.ops_ctx = e;
    config.user = e;
    err = uiommu_device_attach(g->unit, &config, &e->device);
    /* Its unit blocks it until it is bound: it may be let loose on the bus now, not before. */
    if (err == UIOMMU_OK)
        kernel_pci_master(e->function, true);
    return err;
}

uiommu_err glue_edu_bind(struct glue_edu *e, struct glue_space *s)
{
    struct uiommu_bind_config config = {.size = sizeof(config), .pasid = UIOMMU_PASID_NONE};

    return uiommu_bind(e->device, s->as, &config, &e->bond);
}

uiommu_err glue_edu_unbind(struct glue_edu *e)
{
    return uiommu_unbind(e->g->u, e->bond, 0);
}

uiommu_err glue_edu_detach(struct glue_edu *e)
{
    uint64_t end = kernel_now_ns() + ENGINE_NS;
    uiommu_err err;

    /* An ended bond rests for a while before the device is free of it. */
    do {
        err = uiommu_device_detach(e->device);
        glue_pause(e->g, 1000000);
    } while ((err == UIOMMU_PENDING || err == UIOMMU_E_BUSY) && kernel_now_ns() < end);
    return err;
}
