/* SPDX-License-Identifier: BSD-2-Clause */
/* Ops that put descriptors: all that one op needs, or nothing. */
#include "vtd_internal.h"

/* Untagged traffic is looked up and tagged as PASID 0 (RID_PASID is 0 in every context entry). */
static uint32_t number_of(uint32_t pasid)
{
    return pasid == UIOMMU_PASID_NONE ? 0 : pasid;
}

static void put_contexts(struct uiommu_vtd *hw, const struct vtd_device *dev)
{
    uint32_t i;

    for (i = 0; i < dev->who.id_count; i++)
        uiommu_vtd_put(hw, uiommu_vtd_context_device(dev->who.ids[i]));
}

/*
 * The context entries. IOTLB and PASID cache are looked up by ID, so that what they hold would go
 * on working whatever the context entry says: they go with it, in this order, which hardware
 * keeps (8.3; 9, the cascade). Global, since a device's domains are not counted here; devices are
 * opened and shut rarely.
 */
static uiommu_err invalidate_device(struct uiommu_vtd *hw, const struct vtd_device *dev)
{
    if (!uiommu_vtd_room(hw, dev->who.id_count + 2u))
        return UIOMMU_E_BUSY;
    put_contexts(hw, dev);
    uiommu_vtd_put(hw, uiommu_vtd_pasid_global());
    uiommu_vtd_put(hw, uiommu_vtd_iotlb_global());
    return UIOMMU_OK;
}

/* All that the IOTLB holds of an entry: of second stages the structure caches go by domain alone
 * (8.1). The types of entry 0 change, its DID says which it was last. */
static struct vtd_descriptor whole(const struct vtd_device *dev, uint32_t pasid)
{
    uint32_t did = uiommu_vtd_did_of(dev, pasid);

    return uiommu_vtd_is_second(dev, pasid) ? uiommu_vtd_iotlb_domain(did)
                                            : uiommu_vtd_piotlb_all(did, number_of(pasid));
}

/*
 * The PASID cache is tagged by DID and PASID, not by ID: once for all IDs. The DID is the one in
 * the entry, which clearing leaves there. In caching mode what was cached of an absent entry is
 * tagged DID 0 by the specification, while drivers flush the new DID, and words of a former use
 * name an old one (sheet 9.1, doubt 5): everything goes. Only emulators cache so.
 * They also look whether the entry of untagged traffic is present only when they fetch the context
 * entry: that goes first.
 */
uiommu_err uiommu_vtd_config_invalidate(void *ctx, void *dev_ctx, uint32_t pasid)
{
    struct uiommu_vtd *hw = ctx;
    const struct vtd_device *dev = dev_ctx;
    uiommu_err err = uiommu_vtd_ready(hw);
    bool untagged = pasid == UIOMMU_PASID_NONE;

    if (err != UIOMMU_OK)
        return err;
    if (pasid == UIOMMU_PASID_ALL)
        return invalidate_device(hw, dev);
    if (!uiommu_vtd_room(hw, 2u + (untagged ? dev->who.id_count : 0u)))
        return UIOMMU_E_BUSY;
    if (untagged)
        put_contexts(hw, dev);
    if (hw->f.caching) {
        uiommu_vtd_put(hw, uiommu_vtd_pasid_global());
        uiommu_vtd_put(hw, uiommu_vtd_iotlb_global());
    } else {
        uiommu_vtd_put(hw, uiommu_vtd_pasid_one(uiommu_vtd_did_of(dev, pasid), number_of(pasid)));
    }
    return UIOMMU_OK;
}

/* First stages and what guests have above a second one go by DID, PASID and address; second
 * stages, and a second stage and all above it, by DID. */
uiommu_err uiommu_vtd_tlb_invalidate(void *ctx, void *dev_ctx, uint32_t pasid,
                                     const struct uiommu_root *root, uint32_t tag,
                                     const struct uiommu_range *range)
{
    struct uiommu_vtd *hw = ctx;
    uiommu_err err = uiommu_vtd_ready(hw);
    bool second = uiommu_vtd_root_second(root);

    (void)dev_ctx;
    if (err != UIOMMU_OK)
        return err;
    if (!uiommu_vtd_room(hw, 1))
        return UIOMMU_E_BUSY;
    if (second && (range == NULL || root->under.format == 0))
        uiommu_vtd_put(hw, uiommu_vtd_iotlb(tag, hw->f.pages ? range : NULL, hw->f.order_most));
    else
        uiommu_vtd_put(hw, uiommu_vtd_piotlb(tag, number_of(pasid), range, hw->f.order_most));
    return UIOMMU_OK;
}

static bool has_ats(const struct vtd_device *dev)
{
    return (dev->set & UIOMMU_DEVICE_SET_ATS) != 0;
}

/* What the device fetched without a PASID goes by one type, what it fetched with one by the other
 * (8.1). With throttling they name the physical function: of a virtual one, else its own. */
static void put_devtlb(struct uiommu_vtd *hw, const struct vtd_device *dev, uint32_t pasid,
                       const struct uiommu_range *range)
{
    bool is_virtual = (dev->flags & UIOMMU_DEVICE_VIRTUAL) != 0;
    uint32_t i, id, pf;

    for (i = 0; i < dev->who.id_count; i++) {
        id = dev->who.ids[i];
        pf = !hw->f.throttle ? 0 : is_virtual ? dev->pf_id : id;
        if (pasid == UIOMMU_PASID_NONE)
            uiommu_vtd_put(hw, uiommu_vtd_devtlb(id, pf, dev->depth, range));
        else
            uiommu_vtd_put(hw, uiommu_vtd_pdevtlb(id, pf, dev->depth, pasid, range));
    }
}

/* A device with ATS off holds nothing, and would never answer. */
uiommu_err uiommu_vtd_dtlb_invalidate(void *ctx, void *dev_ctx, uint32_t pasid,
                                      const struct uiommu_range *range)
{
    struct uiommu_vtd *hw = ctx;
    const struct vtd_device *dev = dev_ctx;
    uiommu_err err = uiommu_vtd_ready(hw);

    if (err != UIOMMU_OK || !has_ats(dev))
        return err;
    if (!uiommu_vtd_room(hw, dev->who.id_count))
        return UIOMMU_E_BUSY;
    put_devtlb(hw, dev, pasid, range);
    return UIOMMU_OK;
}

/* How far the ticket of a barrier proves what it should. */
static uint32_t strength_of(const struct uiommu_vtd *hw, const struct vtd_device *dev)
{
    if ((dev->flags & UIOMMU_DEVICE_PRI) == 0)
        return UIOMMU_BARRIER_PROVED; /* Nothing of it can be in the ring. */
    return has_ats(dev) && hw->f.drain ? UIOMMU_BARRIER_PROVED : UIOMMU_BARRIER_ORDERED;
}

/*
 * The full drain of sheet 12.1: responses before go out first (a); the device answers an
 * invalidation behind the page requests it posted (b); a wait with PD holds until what was
 * received by then is in the queue, or was answered for lack of room (c). Repeating after an
 * overflow (d) and serving the queue meanwhile are the core's.
 * Without PD, delivery is known only as far as PQT tells; with ATS off (a reset) there is nothing
 * to push with but the core's own read of the device: ORDERED.
 * Nothing orders the two kinds of invalidation in (b) where the device's is without PASID (8.3):
 * fenced.
 */
uiommu_err uiommu_vtd_barrier(void *ctx, void *dev_ctx, uint32_t pasid, uint64_t *ticket,
                              uint32_t *strength)
{
    struct uiommu_vtd *hw = ctx;
    const struct vtd_device *dev = dev_ctx;
    uiommu_err err = uiommu_vtd_ready(hw);

    if (err != UIOMMU_OK)
        return err;
    if (!uiommu_vtd_room(hw, dev->who.id_count + 3u))
        return UIOMMU_E_BUSY;
    uiommu_vtd_put(hw, uiommu_vtd_fence(hw));
    if (has_ats(dev)) {
        uiommu_vtd_put(hw, whole(dev, pasid));
        if (pasid == UIOMMU_PASID_NONE && !uiommu_vtd_is_second(dev, pasid))
            uiommu_vtd_put(hw, uiommu_vtd_fence(hw));
        put_devtlb(hw, dev, pasid, NULL);
    }
    *strength = strength_of(hw, dev);
    return uiommu_vtd_sync(hw, true, ticket);
}

/* After a time-out a wait goes first, which ends when nothing is out any more. */
static bool may_respond(struct uiommu_vtd *hw)
{
    uint64_t ticket;

    if (uiommu_vtd_gated(hw))
        uiommu_vtd_look(hw);
    if (hw->iq.suspect && !uiommu_vtd_gated(hw) && uiommu_vtd_sync(hw, false, &ticket) == UIOMMU_OK)
        uiommu_vtd_look(hw);
    return !uiommu_vtd_gated(hw) && !hw->iq.suspect && !hw->iq.dead;
}

/*
 * No wait: a response is never reported back, and tickets behind it cover it. One that hardware
 * would not see now is not taken: the core comes back for it, but for nothing that was (PROTOCOL
 * R26).
 */
uint32_t uiommu_vtd_respond(void *ctx, const struct uiommu_answer *answers, uint32_t count)
{
    struct uiommu_vtd *hw = ctx;
    bool private_data = (hw->config.quirks & UIOMMU_VTD_QUIRK_PRIVATE_DATA) != 0;
    uint32_t n = 0;
    bool all;

    if (uiommu_vtd_ready(hw) != UIOMMU_OK)
        return 0;
    if (!may_respond(hw))
        return 0;
    all = uiommu_vtd_room(hw, count);
    while (n < count && (all || uiommu_vtd_room(hw, 1))) {
        uiommu_vtd_put(hw, uiommu_vtd_response(&answers[n], private_data));
        n++;
    }
    uiommu_vtd_tell(hw);
    return n;
}

/*
 * A descriptor of the host's, of 128 or 256 bits: of its interrupt remapping. Completions and
 * responses are this library's. What hardware refuses fails its ticket.
 */
uiommu_err uiommu_vtd_raw(void *ctx, const uint64_t *words, uint32_t count)
{
    struct uiommu_vtd *hw = ctx;
    uiommu_err err = uiommu_vtd_ready(hw);
    struct vtd_descriptor d;
    uint64_t type;

    if (count != 2 && count != 4)
        return UIOMMU_E_INVALID;
    memset(&d, 0, sizeof(d));
    memcpy(d.q, words, count * sizeof(d.q[0]));
    type = uiommu_bits_get(d.q[0], VTD_D_TYPE);
    if (type == VTD_TYPE_WAIT || type == VTD_TYPE_RESPONSE)
        return UIOMMU_E_INVALID;
    if (err != UIOMMU_OK)
        return err;
    if (!uiommu_vtd_room(hw, 1))
        return UIOMMU_E_BUSY;
    uiommu_vtd_put(hw, d);
    return UIOMMU_OK;
}
