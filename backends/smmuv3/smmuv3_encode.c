/* SPDX-License-Identifier: BSD-2-Clause */
/* Commands as words (IHI 0070 ch. 4). First stages are of VMID 0; everything is of
 * the NS-EL1 world. */
#include "smmuv3_internal.h"

static struct smmuv3_command command(uint32_t op)
{
    struct smmuv3_command c;

    c.d[0] = uiommu_bits_make(SMMUV3_CMD_OP, op);
    c.d[1] = 0;
    return c;
}

static struct smmuv3_command command_of(uint32_t op, uint32_t sid)
{
    struct smmuv3_command c = command(op);

    c.d[0] |= uiommu_bits_make(SMMUV3_CMD_SID, sid);
    return c;
}

struct smmuv3_command uiommu_smmuv3_cmd_cfgi_ste(uint32_t sid, bool leaf)
{
    struct smmuv3_command c = command_of(SMMUV3_OP_CFGI_STE, sid);

    c.d[1] = uiommu_bits_make(SMMUV3_CMD_LEAF, leaf);
    return c;
}

struct smmuv3_command uiommu_smmuv3_cmd_cfgi_all(void)
{
    struct smmuv3_command c = command(SMMUV3_OP_CFGI_RANGE);

    c.d[1] = uiommu_bits_make(SMMUV3_CMD_RANGE, SMMUV3_RANGE_ALL);
    return c;
}

struct smmuv3_command uiommu_smmuv3_cmd_cfgi_cd(uint32_t sid, uint32_t ssid, bool leaf)
{
    struct smmuv3_command c = command_of(SMMUV3_OP_CFGI_CD, sid);

    c.d[0] |= uiommu_bits_make(SMMUV3_CMD_SSID, ssid);
    c.d[1] = uiommu_bits_make(SMMUV3_CMD_LEAF, leaf);
    return c;
}

struct smmuv3_command uiommu_smmuv3_cmd_tlbi(uint32_t op)
{
    return command(op);
}

struct smmuv3_command uiommu_smmuv3_cmd_tlbi_asid(uint32_t asid)
{
    struct smmuv3_command c = command(SMMUV3_OP_TLBI_NH_ASID);

    c.d[0] |= uiommu_bits_make(SMMUV3_CMD_ASID, asid);
    return c;
}

struct smmuv3_command uiommu_smmuv3_cmd_tlbi_va(uint32_t asid, uint64_t va, bool leaf)
{
    struct smmuv3_command c = command(SMMUV3_OP_TLBI_NH_VA);

    c.d[0] |= uiommu_bits_make(SMMUV3_CMD_ASID, asid);
    c.d[1] = uiommu_bits_make(SMMUV3_CMD_LEAF, leaf) | (va & uiommu_bits_mask(SMMUV3_CMD_PAGE));
    return c;
}

/* Both stages of a VMID. */
struct smmuv3_command uiommu_smmuv3_cmd_tlbi_vmid(uint32_t vmid)
{
    struct smmuv3_command c = command(SMMUV3_OP_TLBI_VMID);

    c.d[0] |= uiommu_bits_make(SMMUV3_CMD_VMID, vmid);
    return c;
}

/* What a second stage alone has translated; no entry that a first stage has part in. */
struct smmuv3_command uiommu_smmuv3_cmd_tlbi_ipa(uint32_t vmid, uint64_t ipa, bool leaf)
{
    struct smmuv3_command c = command(SMMUV3_OP_TLBI_IPA);

    c.d[0] |= uiommu_bits_make(SMMUV3_CMD_VMID, vmid);
    c.d[1] = uiommu_bits_make(SMMUV3_CMD_LEAF, leaf) | (ipa & uiommu_bits_mask(SMMUV3_CMD_IPA));
    return c;
}

/* (num + 1) * 2^scale granules from the address of an invalidation. TTL stays 0: entries of every
 * level, and the only alignment asked for is the granule's (4.4.1.1). */
struct smmuv3_command uiommu_smmuv3_cmd_ranged(struct smmuv3_command tlbi, uint32_t granule,
                                               uint32_t num, uint32_t scale)
{
    tlbi.d[0] |= uiommu_bits_make(SMMUV3_CMD_NUM, num) | uiommu_bits_make(SMMUV3_CMD_SCALE, scale);
    tlbi.d[1] |= uiommu_bits_make(SMMUV3_CMD_TG, (granule >> 1) - 5u); /* 12, 14, 16: 1, 2, 3 */
    return tlbi;
}

/*
 * One naturally aligned block of 2^size pages that covers the range. Without a PASID the device
 * drops matching entries of all its PASIDs. A block below the STU has no guarantee.
 */
struct smmuv3_command uiommu_smmuv3_cmd_atc_inv(uint32_t sid, uint32_t pasid,
                                                const struct uiommu_range *range, uint32_t stu_bits)
{
    struct smmuv3_command c = command_of(SMMUV3_OP_ATC_INV, sid);
    uint32_t size = SMMUV3_ATC_SIZE_ALL;

    if (pasid < (UINT32_C(1) << UIOMMU_PASID_BITS))
        c.d[0] |= uiommu_bits_make(SMMUV3_CMD_SSV, 1) | uiommu_bits_make(SMMUV3_CMD_SSID, pasid);
    if (range != NULL) {
        size = uiommu_bits_length((range->first >> 12) ^ (range->last >> 12));
        if (size < stu_bits - 12u)
            size = stu_bits - 12u;
    }
    if (size < SMMUV3_ATC_SIZE_ALL)
        c.d[1] = ((range->first >> 12) >> size) << (size + 12u);
    c.d[1] |= uiommu_bits_make(SMMUV3_CMD_ATC_SIZE, size);
    return c;
}

/* A stalled transaction is retried, or ends as an abort. */
static struct smmuv3_command cmd_resume(const struct uiommu_answer *answer)
{
    struct smmuv3_command c = command_of(SMMUV3_OP_RESUME, answer->id);
    bool retry = answer->code == UIOMMU_CODE_SUCCESS;

    c.d[0] |= uiommu_bits_make(retry ? SMMUV3_CMD_RESUME_AC : SMMUV3_CMD_RESUME_AB, 1);
    c.d[1] = uiommu_bits_make(SMMUV3_CMD_STAG, answer->index);
    return c;
}

struct smmuv3_command uiommu_smmuv3_cmd_answer(const struct uiommu_answer *answer)
{
    if ((answer->flags & UIOMMU_REQUEST_STALL) != 0)
        return cmd_resume(answer);
    return uiommu_smmuv3_cmd_pri_resp(answer);
}

struct smmuv3_command uiommu_smmuv3_cmd_stall_term(uint32_t sid)
{
    return command_of(SMMUV3_OP_STALL_TERM, sid);
}

/* CS=0: no signal; completion is seen in CMDQ_CONS, snooping unit or not. */
struct smmuv3_command uiommu_smmuv3_cmd_sync(void)
{
    return command(SMMUV3_OP_SYNC);
}
