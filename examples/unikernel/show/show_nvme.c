/* SPDX-License-Identifier: BSD-2-Clause */
/* A device that real programs have: NVMe's queues and buffers by addresses of its address space. */
#include "show.h"

#define QUEUES   UINT64_C(0x700000) /* Two pages. */
#define BUFFER   UINT64_C(0x710000)
#define PATTERN  0xa5
#define VENDOR_A 0x1b36u /* QEMU's PCI vendor, in the first word of Identify Controller. */

static struct glue_edu bound_nvme; /* What attach and bind need: no register of it is edu's. */
static struct glue_nvme nvme;
static unsigned char *buffer;
static uint32_t function;

static bool prepare(struct show *s)
{
    unsigned char *queues = kernel_pages_get(2 * KERNEL_PAGE, KERNEL_PAGE);
    const uint32_t both = UIOMMU_READ | UIOMMU_WRITE;
    const char *why;
    struct glue_found found;

    buffer = kernel_pages_get(KERNEL_PAGE, KERNEL_PAGE);
    if (queues == NULL || buffer == NULL || !glue_map(&s->space, QUEUES, queues, both) ||
        !glue_map(&s->space, QUEUES + KERNEL_PAGE, queues + KERNEL_PAGE, both) ||
        !glue_map(&s->space, BUFFER, buffer, both) ||
        glue_discover(function, &found, &why) != GLUE_GOOD || found.base != s->g.found.base ||
        uiommu_aspace_invalidate(s->space.as, QUEUES, BUFFER + KERNEL_PAGE - 1, false) != UIOMMU_OK)
        return false;
    bound_nvme.function = function;
    if (glue_edu_attach(&bound_nvme, &s->g, found.id) != UIOMMU_OK ||
        glue_edu_bind(&bound_nvme, &s->space) != UIOMMU_OK)
        return false;
    return glue_nvme_init(&nvme, function, queues, queues + KERNEL_PAGE, QUEUES);
}

static enum show_verdict identified(struct show *s)
{
    uint32_t end;

    if (!glue_nvme_find(&function)) {
        SHOW_SEEN(s, "no NVMe controller in this machine");
        return SHOW_SKIPPED;
    }
    if (!prepare(s) || !glue_nvme_identify(&nvme, BUFFER)) {
        SHOW_SEEN(s, "no answer");
        return SHOW_FAILED;
    }
    /* The model's name is 40 characters from byte 24 on, filled up with blanks. */
    for (end = 63; end > 24 && buffer[end] == ' '; end--)
        continue;
    buffer[end + 1] = 0;
    SHOW_SEEN(s, "PCI vendor 0x%x, model \"%s\"", (unsigned)kernel_load16(buffer),
              (const char *)buffer + 24);
    return kernel_load16(buffer) == VENDOR_A ? SHOW_GOOD : SHOW_FAILED;
}

/*
 * QEMU's controller works beside the processor. Interrupts wait, so that what is done about the
 * faults comes after its completion in every run, and two runs have one trace.
 */
static bool identify_undisturbed(void)
{
    uintptr_t irq = kernel_irq_save();
    bool done = glue_nvme_identify(&nvme, BUFFER);

    kernel_irq_restore(irq);
    return done;
}

/* The controller calls the command done all the same: only its unit and the buffer tell. */
static enum show_verdict without_buffer(struct show *s)
{
    uint32_t i, faults = 0, lost = 0;
    struct uiommu_event event;

    if (nvme.registers == 0) {
        SHOW_SEEN(s, "no NVMe controller in this machine");
        return SHOW_SKIPPED;
    }
    __builtin_memset(buffer, PATTERN, KERNEL_PAGE);
    if (!glue_unmap(&s->space, BUFFER) ||
        uiommu_aspace_invalidate(s->space.as, BUFFER, BUFFER + KERNEL_PAGE - 1, false) !=
            UIOMMU_OK ||
        !identify_undisturbed())
        return SHOW_FAILED;
    /* A page is many accesses: some units keep fewer faults than that. */
    while (glue_event(&s->g, SHOW_NS, &event)) {
        faults += show_is(s, &event, UIOMMU_EVENT_TRANSLATION) && event.device == bound_nvme.device;
        lost += event.id == UINT32_MAX;
    }
    SHOW_SEEN(s, "no byte arrived; %u faults of it, %u times more than the unit keeps",
              (unsigned)faults, (unsigned)lost);
    for (i = 0; i < KERNEL_PAGE; i++) {
        if (buffer[i] != PATTERN)
            return SHOW_FAILED;
    }
    return faults + lost > 0 ? SHOW_GOOD : SHOW_FAILED;
}

static enum show_verdict unbound(struct show *s)
{
    uiommu_err err;

    if (nvme.registers == 0) {
        SHOW_SEEN(s, "no NVMe controller in this machine");
        return SHOW_SKIPPED;
    }
    glue_nvme_stop(&nvme);
    /* Its driver stopped it just now, and says so. */
    err = uiommu_unbind(s->u, bound_nvme.bond, UIOMMU_UNBIND_STOPPED);
    if (err == UIOMMU_OK)
        err = glue_edu_detach(&bound_nvme);
    SHOW_SEEN(s, "%s", uiommu_err_str(err));
    return err == UIOMMU_OK ? SHOW_GOOD : SHOW_FAILED;
}

const struct show_row show_nvme[] = {
    {"NVMe: Identify into the address space", identified},
    {"NVMe: the same with the page unmapped", without_buffer},
    {"NVMe: stopped, unbound, detached", unbound},
    {NULL, NULL},
};
