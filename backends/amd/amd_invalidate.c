/* SPDX-License-Identifier: BSD-2-Clause */
/* Ops that put commands: all that one op needs, or nothing. */
#include "amd_internal.h"

/* Translated requests of an entry with I=0 are refused: what a device holds then is of no use, and
 * no invalidation may be sent. */
static bool has_ats(const struct uiommu_amd *hw, const struct amd_device *dev)
{
    const volatile uint64_t *dte = uiommu_amd_dte_at(hw, dev->who.ids[0]);

    return (uiommu_bits_load64(&dte[1]) & uiommu_bits_mask(AMD_DTE1_I)) != 0;
}

/* INVALIDATE_IOMMU_PAGES with GN=0 is said to take nested entries too; the untagged ones, which
 * GIoV makes PASID 0, are named all the same. */
static void put_domain(struct uiommu_amd *hw, uint32_t domain)
{
    uiommu_amd_cmdq_put(hw, uiommu_amd_cmd_pages(domain, UIOMMU_PASID_NONE, NULL));
    uiommu_amd_cmdq_put(hw, uiommu_amd_cmd_pages(domain, 0, NULL));
}

/*
 * GCR3 entries are cached with the translations, by domain and PASID: the same command drops
 * both. The device's own entry is dropped by ID, with all the domain holds: its next owner has
 * another table. With host tables bonds change the device's entry.
 */
uiommu_err uiommu_amd_config_invalidate(void *ctx, void *dev_ctx, uint32_t pasid)
{
    struct uiommu_amd *hw = ctx;
    struct amd_device *dev = dev_ctx;
    uint32_t slot = pasid == UIOMMU_PASID_NONE ? 0 : pasid, i;
    uiommu_err err = uiommu_amd_ready(hw);

    if (err != UIOMMU_OK)
        return err;
    if (!uiommu_amd_cmdq_room(hw, dev->who.id_count + 3u))
        return UIOMMU_E_BUSY;
    if (pasid != UIOMMU_PASID_ALL && !dev->host_ever) {
        uiommu_amd_cmdq_put(hw, uiommu_amd_cmd_pages(dev->domain, slot, NULL));
        dev->pages_at = hw->cmdq.head;
        return UIOMMU_OK;
    }
    for (i = 0; i < dev->who.id_count; i++)
        uiommu_amd_cmdq_put(hw, uiommu_amd_cmd_devtab(dev->who.ids[i]));
    put_domain(hw, dev->domain);
    if (pasid != UIOMMU_PASID_ALL && slot != 0)
        uiommu_amd_cmdq_put(hw, uiommu_amd_cmd_pages(dev->domain, slot, NULL));
    dev->pages_at = hw->cmdq.head;
    return UIOMMU_OK;
}

/* Untagged traffic may be cached as PASID 0 or as the domain's own: both, with their ranges. Of a
 * nested root the range is the guest's; all that the host's tables gave goes with it, for it may
 * be those that changed. */
uiommu_err uiommu_amd_tlb_invalidate(void *ctx, void *dev_ctx, uint32_t pasid,
                                     const struct uiommu_root *root, uint32_t tag,
                                     const struct uiommu_range *range)
{
    struct uiommu_amd *hw = ctx;
    struct amd_device *dev = dev_ctx;
    uiommu_err err = uiommu_amd_ready(hw);

    (void)tag;
    if (err != UIOMMU_OK)
        return err;
    if (!uiommu_amd_cmdq_room(hw, 2))
        return UIOMMU_E_BUSY;
    if (pasid != UIOMMU_PASID_NONE) {
        uiommu_amd_cmdq_put(hw, uiommu_amd_cmd_pages(dev->domain, pasid, range));
        dev->pages_at = hw->cmdq.head;
        return UIOMMU_OK;
    }
    uiommu_amd_cmdq_put(hw, uiommu_amd_cmd_pages(dev->domain, UIOMMU_PASID_NONE,
                                                 root->under.format != 0 ? NULL : range));
    uiommu_amd_cmdq_put(hw, uiommu_amd_cmd_pages(dev->domain, 0, range));
    dev->pages_at = hw->cmdq.head;
    return UIOMMU_OK;
}

static uint32_t iotlb_commands(const struct amd_device *dev, uint32_t pasid)
{
    bool both = pasid == UIOMMU_PASID_NONE && (dev->flags & UIOMMU_DEVICE_PASID) != 0;

    return dev->who.id_count * (both ? 2u : 1u) + 1u; /* And a fence. */
}

/* Without PASID: GN=0 is what reaches translations made without one; a driver in the field sends
 * GN=1 with PASID 0 where GIoV is used. A device that knows PASIDs gets both. Whoever did not see
 * the unit's own invalidations complete has a fence between: else a device refills from there. */
static void put_iotlb(struct uiommu_amd *hw, struct amd_device *dev, uint32_t pasid,
                      const struct uiommu_range *range)
{
    uint32_t pending = dev->pending != 0 ? dev->pending : 1u, i;
    bool tagged = pasid != UIOMMU_PASID_NONE;

    if (dev->pages_at > hw->cmdq.done)
        uiommu_amd_cmdq_put(hw, uiommu_amd_cmd_fence());
    for (i = 0; i < dev->who.id_count; i++) {
        uiommu_amd_cmdq_put(hw, uiommu_amd_cmd_iotlb(dev->who.ids[i], pending, pasid, range));
        if (!tagged && (dev->flags & UIOMMU_DEVICE_PASID) != 0)
            uiommu_amd_cmdq_put(hw, uiommu_amd_cmd_iotlb(dev->who.ids[i], pending, 0, range));
    }
    dev->told_at = hw->cmdq.head;
}

/* Is an invalidation of its TLB under way? Of a unit that is not in order nobody knows. */
bool uiommu_amd_is_told(struct uiommu_amd *hw, const struct amd_device *dev)
{
    if (uiommu_amd_ready(hw) == UIOMMU_OK)
        uiommu_amd_cmdq_look(hw);
    return dev->told_at > hw->cmdq.done && uiommu_amd_ready(hw) == UIOMMU_OK;
}

/* With I=0 a device would never answer: an entry that is about to get it waits for what was told
 * before (uiommu_amd_device_set()), and nothing follows meanwhile. That hardware knows of I=0 may
 * be still to come: the entry is dropped then, and the ticket proves as much. */
uiommu_err uiommu_amd_dtlb_invalidate(void *ctx, void *dev_ctx, uint32_t pasid,
                                      const struct uiommu_range *range)
{
    struct uiommu_amd *hw = ctx;
    struct amd_device *dev = dev_ctx;
    uiommu_err err = uiommu_amd_ready(hw);
    uint32_t i;

    if (err != UIOMMU_OK || (dev->flags & UIOMMU_DEVICE_ATS) == 0)
        return err;
    if (dev->closing || !uiommu_amd_cmdq_room(hw, iotlb_commands(dev, pasid)))
        return UIOMMU_E_BUSY;
    if (has_ats(hw, dev)) {
        put_iotlb(hw, dev, pasid, range);
        return UIOMMU_OK;
    }
    for (i = 0; i < dev->who.id_count; i++)
        uiommu_amd_cmdq_put(hw, uiommu_amd_cmd_devtab(dev->who.ids[i]));
    return UIOMMU_OK;
}

/*
 * The answer to an invalidation travels behind the page requests that the device posted before:
 * they are at the IOMMU when the ticket is done, whether in the log nobody says (sheet 13.2, doubt
 * 12): ORDERED. With ATS off (a reset) the core's own read of the device did as much. A device
 * without page requests has nothing on the way that could be in a ring: PROVED. One that is cut off
 * is not asked for anything, and pushes nothing.
 */
uiommu_err uiommu_amd_barrier(void *ctx, void *dev_ctx, uint32_t pasid, uint64_t *ticket,
                              uint32_t *strength)
{
    struct uiommu_amd *hw = ctx;
    struct amd_device *dev = dev_ctx;
    uiommu_err err = uiommu_amd_ready(hw);

    if (err != UIOMMU_OK)
        return err;
    if (dev->closing ||
        !uiommu_amd_cmdq_room(hw, has_ats(hw, dev) ? iotlb_commands(dev, pasid) : 0))
        return UIOMMU_E_BUSY;
    if (has_ats(hw, dev))
        put_iotlb(hw, dev, pasid, NULL);
    *strength = dev->isolated ? UIOMMU_BARRIER_NONE
                : (dev->flags & (UIOMMU_DEVICE_ATS | UIOMMU_DEVICE_PRI)) != 0
                    ? UIOMMU_BARRIER_ORDERED
                    : UIOMMU_BARRIER_PROVED;
    return uiommu_amd_cmdq_sync(hw, ticket);
}

/* Before a device looks again for what it was told is there, the unit forgets that it was not. */
static void put_present(struct uiommu_amd *hw, const struct uiommu_answer *answer)
{
    bool tagged = answer->cookie[0] != 0 && answer->cookie[1] != 0;
    const struct amd_device *dev;

    dev = uiommu_amd_device_of(hw, answer->id);
    if (dev == NULL)
        return;
    if (tagged)
        uiommu_amd_cmdq_put(hw,
                            uiommu_amd_cmd_pages(dev->domain, (uint32_t)answer->cookie[1], NULL));
    else
        put_domain(hw, dev->domain);
    uiommu_amd_cmdq_put(hw, uiommu_amd_cmd_fence());
}

/* A ticket of their own behind them: slots become free by tickets only. */
uint32_t uiommu_amd_respond(void *ctx, const struct uiommu_answer *answers, uint32_t count)
{
    struct uiommu_amd *hw = ctx;
    uint64_t ticket;
    uint32_t n = 0;

    if (uiommu_amd_ready(hw) != UIOMMU_OK)
        return 0;
    while (n < count && (uiommu_amd_cmdq_free(&hw->cmdq) > 4 || uiommu_amd_cmdq_room(hw, 4))) {
        if ((hw->config.flags & UIOMMU_AMD_NP_CACHE) != 0 && answers[n].code == UIOMMU_CODE_SUCCESS)
            put_present(hw, &answers[n]);
        uiommu_amd_cmdq_put(hw, uiommu_amd_cmd_answer(&answers[n]));
        n++;
    }
    if (n != 0)
        (void)uiommu_amd_cmdq_sync(hw, &ticket);
    return n;
}

/* The host's, of interrupt remapping above all. */
uiommu_err uiommu_amd_command(void *ctx, const uint64_t *words, uint32_t count)
{
    struct uiommu_amd *hw = ctx;
    struct amd_command command;
    uint64_t op;
    uiommu_err err;

    if (count != AMD_COMMAND_WORDS)
        return UIOMMU_E_INVALID;
    op = uiommu_bits_get(words[0], AMD_CMD_OP);
    if (op == AMD_OP_WAIT || op == AMD_OP_COMPLETE_PPR)
        return UIOMMU_E_INVALID;
    err = uiommu_amd_ready(hw);
    if (err != UIOMMU_OK)
        return err;
    if (!uiommu_amd_cmdq_room(hw, 1))
        return UIOMMU_E_BUSY;
    memcpy(command.d, words, sizeof(command.d));
    uiommu_amd_cmdq_put(hw, command);
    return UIOMMU_OK;
}
