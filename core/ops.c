/* SPDX-License-Identifier: BSD-2-Clause */
#include "core.h"

/* What stands in for ops that a backend leaves out: never a NULL test anywhere else. */

static uiommu_err no_unit(void *hw)
{
    (void)hw;
    return UIOMMU_E_UNSUPPORTED;
}
static void nothing(void *hw)
{
    (void)hw;
}
static uiommu_err no_probe(void *hw, struct uiommu_caps *out)
{
    (void)hw;
    (void)out;
    return UIOMMU_E_UNSUPPORTED;
}
static uiommu_err no_attach(void *hw, const struct uiommu_device_desc *desc, void **dev)
{
    (void)hw;
    (void)desc;
    (void)dev;
    return UIOMMU_E_UNSUPPORTED;
}
static void no_detach(void *hw, void *dev)
{
    (void)hw;
    (void)dev;
}
static uiommu_err no_device_set(void *hw, void *dev, uint32_t flags, uint32_t step)
{
    (void)hw;
    (void)dev;
    (void)flags;
    (void)step;
    return UIOMMU_E_UNSUPPORTED;
}
static uiommu_err no_device(void *hw, void *dev)
{
    (void)hw;
    (void)dev;
    return UIOMMU_E_UNSUPPORTED;
}
static uiommu_err no_pasid(void *hw, void *dev, uint32_t pasid)
{
    (void)hw;
    (void)dev;
    (void)pasid;
    return UIOMMU_E_UNSUPPORTED;
}
static uiommu_err no_root(void *hw, void *dev, uint32_t pasid, const struct uiommu_root *root)
{
    (void)root;
    return no_pasid(hw, dev, pasid);
}
static uiommu_err no_command(void *hw, const uint64_t *words, uint32_t count)
{
    (void)hw;
    (void)words;
    (void)count;
    return UIOMMU_E_UNSUPPORTED;
}
static uiommu_err no_pasid_set(void *hw, void *dev, uint32_t pasid, const struct uiommu_root *root,
                               uint32_t tag, uint32_t step)
{
    (void)root;
    (void)tag;
    (void)step;
    return no_pasid(hw, dev, pasid);
}
static void no_pasid_store(void *hw, void *dev, uint32_t pasid)
{
    (void)hw;
    (void)dev;
    (void)pasid;
}
static uiommu_err no_tlb(void *hw, void *dev, uint32_t pasid, const struct uiommu_root *root,
                         uint32_t tag, const struct uiommu_range *range)
{
    (void)root;
    (void)tag;
    (void)range;
    return no_pasid(hw, dev, pasid);
}
static uiommu_err no_dtlb(void *hw, void *dev, uint32_t pasid, const struct uiommu_range *range)
{
    (void)range;
    return no_pasid(hw, dev, pasid);
}
static uiommu_err no_ticket(void *hw, uint64_t *out)
{
    (void)hw;
    (void)out;
    return UIOMMU_E_UNSUPPORTED;
}
static uiommu_err no_poll(void *hw, uint64_t ticket)
{
    (void)hw;
    (void)ticket;
    return UIOMMU_E_UNSUPPORTED;
}
/* No barrier of its own: a completion, which says nothing about requests (R5: NONE). */
static uiommu_err no_barrier(void *hw, void *dev, uint32_t pasid, uint64_t *ticket,
                             uint32_t *strength)
{
    (void)hw;
    (void)dev;
    (void)pasid;
    (void)ticket;
    *strength = UIOMMU_BARRIER_NONE;
    return UIOMMU_E_UNSUPPORTED;
}
static uint32_t no_respond(void *hw, const struct uiommu_answer *answers, uint32_t count)
{
    (void)hw;
    (void)answers;
    return count; /* nobody asks, so nobody waits */
}
static void no_check(void *hw, struct uiommu_check *out)
{
    (void)hw;
    (void)out;
}
static uint32_t no_pending(void *hw, uint32_t ring)
{
    (void)hw;
    (void)ring;
    return 0;
}
static uiommu_err no_fetch(void *hw, uint32_t ring, struct uiommu_fetch *io)
{
    (void)hw;
    (void)ring;
    (void)io;
    return UIOMMU_E_UNSUPPORTED;
}
static void no_ack(void *hw, uint32_t ring)
{
    (void)hw;
    (void)ring;
}
static uiommu_err no_describe(void *hw, uint32_t id, uint32_t pasid, uint64_t *cursor,
                              struct uiommu_item *out)
{
    (void)hw;
    (void)id;
    (void)pasid;
    (void)cursor;
    (void)out;
    return UIOMMU_E_NOT_FOUND;
}

static const struct uiommu_backend_ops defaults = {
    .size = sizeof(struct uiommu_backend_ops),
    .name = "none",
    .probe = no_probe,
    .start = no_unit,
    .stop = nothing,
    .restart = no_unit,
    .destroy = nothing,
    .root_check = no_root,
    .device_attach = no_attach,
    .device_detach = no_detach,
    .device_set = no_device_set,
    .device_isolate = no_device,
    .pasid_prepare = no_pasid,
    .pasid_set = no_pasid_set,
    .pasid_block = no_pasid_store,
    .pasid_clear = no_pasid_store,
    .config_invalidate = no_pasid,
    .tlb_invalidate = no_tlb,
    .dtlb_invalidate = no_dtlb,
    .ticket = no_ticket,
    .ticket_poll = no_poll,
    .barrier = no_barrier,
    .respond = no_respond,
    .command = no_command,
    .irq_ack = nothing,
    .check = no_check,
    .ring_pending = no_pending,
    .fetch = no_fetch,
    .overflow_ack = no_ack,
    .describe = no_describe,
};

void uiommu_ops_fill(struct uiommu_backend_ops *to, const struct uiommu_backend_ops *from)
{
    *to = defaults;
    to->name = from->name != NULL ? from->name : defaults.name;
#define FILL(op) to->op = from->op != NULL ? from->op : defaults.op
    FILL(probe);
    FILL(start);
    FILL(stop);
    FILL(restart);
    FILL(destroy);
    FILL(root_check);
    FILL(device_attach);
    FILL(device_detach);
    FILL(device_set);
    FILL(device_isolate);
    FILL(pasid_prepare);
    FILL(pasid_set);
    FILL(pasid_block);
    FILL(pasid_clear);
    FILL(config_invalidate);
    FILL(tlb_invalidate);
    FILL(dtlb_invalidate);
    FILL(ticket);
    FILL(ticket_poll);
    FILL(barrier);
    FILL(respond);
    FILL(command);
    FILL(irq_ack);
    FILL(check);
    FILL(ring_pending);
    FILL(fetch);
    FILL(overflow_ack);
    FILL(describe);
#undef FILL
}
