/* SPDX-License-Identifier: BSD-2-Clause */
/* Ops that put commands: all that one op needs, or nothing. */
#include "smmuv3_internal.h"

/* Commands by address for one range, above which all of the ASID goes. */
#define BY_ADDRESS 16u

/* The smallest page a root table can have decides, the same for every device (10.5.1.2). */
uint32_t uiommu_smmuv3_stu_bits(const struct uiommu_smmuv3 *hw)
{
    if (((hw->f.granules >> 12) & 1u) != 0)
        return 12;
    return ((hw->f.granules >> 14) & 1u) != 0 ? 14 : 16;
}

/* Descriptors are cached by (ID, PASID), not by where they lie: each ID of the device needs its
 * own command. Level 1 goes with them, in case a table was hung in. That of the entry takes all
 * descriptors of the ID along; without a first stage there is no other. */
uiommu_err uiommu_smmuv3_config_invalidate(void *ctx, void *dev_ctx, uint32_t pasid)
{
    struct uiommu_smmuv3 *hw = ctx;
    const struct smmuv3_device *dev = dev_ctx;
    bool entry = pasid == UIOMMU_PASID_ALL || dev->by_ste || !hw->f.s1p;
    uint32_t ssid = pasid == UIOMMU_PASID_NONE ? 0 : pasid;
    uiommu_err err = uiommu_smmuv3_ready(hw);
    uint32_t i;

    if (err != UIOMMU_OK)
        return err;
    if (!uiommu_smmuv3_cmdq_room(hw, dev->who.id_count))
        return UIOMMU_E_BUSY;
    for (i = 0; i < dev->who.id_count; i++) {
        if (entry)
            uiommu_smmuv3_cmdq_put(hw, uiommu_smmuv3_cmd_cfgi_ste(dev->who.ids[i], false));
        else
            uiommu_smmuv3_cmdq_put(
                hw, uiommu_smmuv3_cmd_cfgi_cd(dev->who.ids[i], ssid, !dev->two_level));
    }
    return UIOMMU_OK;
}

/* One address of a root. */
static struct smmuv3_command by_address(const struct uiommu_root *root, uint32_t tag,
                                        uint64_t address, bool leaf)
{
    return uiommu_smmuv3_is_second(root) ? uiommu_smmuv3_cmd_tlbi_ipa(tag, address, leaf)
                                         : uiommu_smmuv3_cmd_tlbi_va(tag, address, leaf);
}

/* A range command covers (num + 1) * 2^scale granules: the smallest scale that num can still
 * count, rounded up. Entries of other granules need not be hit, but a tag has one root. */
static bool by_range(const struct uiommu_smmuv3 *hw, uint32_t granule, uint64_t more,
                     struct smmuv3_command first, struct smmuv3_command *out)
{
    uint32_t scale = 0;

    if (!hw->f.ril)
        return false;
    while ((more >> scale) > 31)
        scale++;
    if (scale > SMMUV3_SCALE_MOST)
        return false;
    *out = uiommu_smmuv3_cmd_ranged(first, granule, (uint32_t)(more >> scale), scale);
    return true;
}

/*
 * @return how many commands out[] got; more than BY_ADDRESS never. Nested, TLB entries may be of
 * both stages together, tagged with addresses of the first: whatever the range is about, all of
 * the VMID goes.
 */
static uint32_t tlb_commands(const struct uiommu_smmuv3 *hw, const struct uiommu_root *root,
                             uint32_t tag, const struct uiommu_range *range,
                             struct smmuv3_command *out)
{
    uint32_t granule = root->granule_bits, half = UINT32_C(1) << (hw->cmdq.log2 - 1u), n;
    uint64_t page = 0, last = UINT64_MAX;

    if (range != NULL && root->format != UIOMMU_ROOT_AARCH64_CONTEXT) {
        page = range->first >> granule;
        last = range->last >> granule;
        /* One granule must not be a range command, which would be illegal; as a plain address it
         * meets entries of any size. */
        if (last != page && by_range(hw, granule, last - page,
                                     by_address(root, tag, page << granule, !range->tables), out))
            return 1;
    }
    if (last - page >= BY_ADDRESS || last - page >= half) {
        out[0] = uiommu_smmuv3_is_second(root) ? uiommu_smmuv3_cmd_tlbi_vmid(tag)
                                               : uiommu_smmuv3_cmd_tlbi_asid(tag);
        return 1;
    }
    for (n = 0; page + n <= last; n++)
        out[n] = by_address(root, tag, (page + n) << granule, !range->tables);
    return n;
}

/* TLB entries carry an ASID or a VMID only; the PASID is not looked at. */
uiommu_err uiommu_smmuv3_tlb_invalidate(void *ctx, void *dev_ctx, uint32_t pasid,
                                        const struct uiommu_root *root, uint32_t tag,
                                        const struct uiommu_range *range)
{
    struct uiommu_smmuv3 *hw = ctx;
    struct smmuv3_command commands[BY_ADDRESS];
    uiommu_err err = uiommu_smmuv3_ready(hw);
    uint32_t n, i;

    (void)dev_ctx;
    (void)pasid;
    if (err != UIOMMU_OK)
        return err;
    n = tlb_commands(hw, root, tag, range, commands);
    if (!uiommu_smmuv3_cmdq_room(hw, n))
        return UIOMMU_E_BUSY;
    for (i = 0; i < n; i++)
        uiommu_smmuv3_cmdq_put(hw, commands[i]);
    return UIOMMU_OK;
}

static bool has_ats(const struct smmuv3_device *dev)
{
    return (dev->set & UIOMMU_DEVICE_SET_ATS) != 0;
}

/* Devices that ask for pages don't stall: PCIe forbids it. */
static bool can_stall(const struct uiommu_smmuv3 *hw, const struct smmuv3_device *dev)
{
    return (dev->flags & UIOMMU_DEVICE_STALL) != 0 || hw->f.stall_model == SMMUV3_STALL_FORCED;
}

static void put_atc(struct uiommu_smmuv3 *hw, const struct smmuv3_device *dev, uint32_t pasid,
                    const struct uiommu_range *range)
{
    uint32_t i;

    for (i = 0; i < dev->who.id_count; i++)
        uiommu_smmuv3_cmdq_put(hw, uiommu_smmuv3_cmd_atc_inv(dev->who.ids[i], pasid, range,
                                                             uiommu_smmuv3_stu_bits(hw)));
}

/* A device with ATS off holds nothing, and would never answer. */
uiommu_err uiommu_smmuv3_dtlb_invalidate(void *ctx, void *dev_ctx, uint32_t pasid,
                                         const struct uiommu_range *range)
{
    struct uiommu_smmuv3 *hw = ctx;
    const struct smmuv3_device *dev = dev_ctx;
    uiommu_err err = uiommu_smmuv3_ready(hw);

    if (err != UIOMMU_OK || !has_ats(dev))
        return err;
    if (!uiommu_smmuv3_cmdq_room(hw, dev->who.id_count))
        return UIOMMU_E_BUSY;
    /* Nested, a range of the second stage says nothing of the addresses that the device knows. */
    if (uiommu_bits_get(dev->second[0], SMMUV3_STE0_CONFIG) == SMMUV3_CONFIG_NESTED)
        range = NULL;
    put_atc(hw, dev, pasid, range);
    return UIOMMU_OK;
}

/*
 * - ATS on: the answer to an invalidation travels behind the page requests the device posted
 *   before. That brings them to the SMMU, not into its queue (4.8 promises nothing about PPRs):
 *   ORDERED.
 * - The device can ask for pages, but ATS is off (a reset): nothing to push with; the core's own
 *   read of the device did as much. ORDERED, which makes the core wait the settle time.
 * - No page requests: a CMD_SYNC makes visible every record of a transaction whose end the device
 *   could have seen, and lets a stall that met the invalidations before it be recorded first or
 *   translated anew (4.8): PROVED. That holds for the event queue, the only ring it can be in.
 *
 * A device that is shut while transactions of it are stalled: its stalls end here, for nobody may
 * answer them any more (a reset). Legal, since its aborting entry has been through CFGI and SYNC.
 */
uiommu_err uiommu_smmuv3_barrier(void *ctx, void *dev_ctx, uint32_t pasid, uint64_t *ticket,
                                 uint32_t *strength)
{
    struct uiommu_smmuv3 *hw = ctx;
    const struct smmuv3_device *dev = dev_ctx;
    bool ats = has_ats(dev);
    bool stalled = !ats && can_stall(hw, dev) && (dev->set & UIOMMU_DEVICE_SET_OPEN) == 0;
    uiommu_err err = uiommu_smmuv3_ready(hw);
    uint32_t i;

    if (err != UIOMMU_OK)
        return err;
    if (!uiommu_smmuv3_cmdq_room(hw, ats || stalled ? dev->who.id_count : 0))
        return UIOMMU_E_BUSY;
    if (ats)
        put_atc(hw, dev, pasid, NULL);
    for (i = 0; stalled && i < dev->who.id_count; i++)
        uiommu_smmuv3_cmdq_put(hw, uiommu_smmuv3_cmd_stall_term(dev->who.ids[i]));
    *strength = UIOMMU_BARRIER_PROVED;
    if (ats || (dev->flags & (UIOMMU_DEVICE_ATS | UIOMMU_DEVICE_PRI)) != 0)
        *strength = UIOMMU_BARRIER_ORDERED;
    return uiommu_smmuv3_cmdq_sync(hw, ticket);
}

uint32_t uiommu_smmuv3_respond(void *ctx, const struct uiommu_answer *answers, uint32_t count)
{
    struct uiommu_smmuv3 *hw = ctx;
    uint32_t n = 0;
    bool all;

    if (uiommu_smmuv3_ready(hw) != UIOMMU_OK)
        return 0;
    all = uiommu_smmuv3_cmdq_room(hw, count);
    while (n < count && (all || uiommu_smmuv3_cmdq_room(hw, 1))) {
        uiommu_smmuv3_cmdq_put(hw, uiommu_smmuv3_cmd_answer(&answers[n]));
        n++;
    }
    uiommu_smmuv3_cmdq_tell(hw);
    return n;
}

/* The host's own, as it is: hardware refuses what is illegal, which fails the next ticket. What
 * completes and what answers is the library's alone: the core counts those. */
uiommu_err uiommu_smmuv3_command(void *ctx, const uint64_t *words, uint32_t count)
{
    struct uiommu_smmuv3 *hw = ctx;
    struct smmuv3_command command;
    uiommu_err err = uiommu_smmuv3_ready(hw);
    uint64_t op;

    if (count != 2)
        return UIOMMU_E_INVALID;
    op = uiommu_bits_get(words[0], SMMUV3_CMD_OP);
    if (op == SMMUV3_OP_SYNC || op == SMMUV3_OP_PRI_RESP || op == SMMUV3_OP_RESUME ||
        op == SMMUV3_OP_STALL_TERM)
        return UIOMMU_E_INVALID;
    if (err != UIOMMU_OK)
        return err;
    if (!uiommu_smmuv3_cmdq_room(hw, 1))
        return UIOMMU_E_BUSY;
    command.d[0] = words[0];
    command.d[1] = words[1];
    uiommu_smmuv3_cmdq_put(hw, command);
    return UIOMMU_OK;
}
