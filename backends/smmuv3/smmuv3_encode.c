/* SPDX-License-Identifier: BSD-2-Clause */
/* Commands as words (IHI 0070 ch. 4). First stages are of VMID 0; everything is of
 * the NS-EL1 world. */
#include "smmuv3_internal.h"

static struct smmuv3_command command(uint32_t op, uint64_t fields, uint64_t d1)
{
    struct smmuv3_command c;

    c.d[0] = uiommu_bits_make(SMMUV3_CMD_OP, op) | fields;
    c.d[1] = d1;
    return c;
}

struct smmuv3_command uiommu_smmuv3_cmd_cfgi_ste(uint32_t sid, bool leaf)
{
    return command(SMMUV3_OP_CFGI_STE, uiommu_bits_make(SMMUV3_CMD_SID, sid),
                   uiommu_bits_make(SMMUV3_CMD_LEAF, leaf));
}

struct smmuv3_command uiommu_smmuv3_cmd_cfgi_all(void)
{
    return command(SMMUV3_OP_CFGI_RANGE, 0, uiommu_bits_make(SMMUV3_CMD_RANGE, SMMUV3_RANGE_ALL));
}

struct smmuv3_command uiommu_smmuv3_cmd_cfgi_cd(uint32_t sid, uint32_t ssid, bool leaf)
{
    return command(SMMUV3_OP_CFGI_CD,
                   uiommu_bits_make(SMMUV3_CMD_SID, sid) | uiommu_bits_make(SMMUV3_CMD_SSID, ssid),
                   uiommu_bits_make(SMMUV3_CMD_LEAF, leaf));
}

struct smmuv3_command uiommu_smmuv3_cmd_tlbi(uint32_t op)
{
    return command(op, 0, 0);
}

struct smmuv3_command uiommu_smmuv3_cmd_tlbi_asid(uint32_t asid)
{
    return command(SMMUV3_OP_TLBI_NH_ASID, uiommu_bits_make(SMMUV3_CMD_ASID, asid), 0);
}

struct smmuv3_command uiommu_smmuv3_cmd_tlbi_va(uint32_t asid, uint64_t va, bool leaf)
{
    return command(SMMUV3_OP_TLBI_NH_VA, uiommu_bits_make(SMMUV3_CMD_ASID, asid),
                   uiommu_bits_make(SMMUV3_CMD_LEAF, leaf) |
                       (va & uiommu_bits_mask(SMMUV3_CMD_PAGE)));
}

/* Both stages of a VMID. */
struct smmuv3_command uiommu_smmuv3_cmd_tlbi_vmid(uint32_t vmid)
{
    return command(SMMUV3_OP_TLBI_VMID, uiommu_bits_make(SMMUV3_CMD_VMID, vmid), 0);
}

/* What a second stage alone has translated; no entry that a first stage has part in. */
struct smmuv3_command uiommu_smmuv3_cmd_tlbi_ipa(uint32_t vmid, uint64_t ipa, bool leaf)
{
    return command(SMMUV3_OP_TLBI_IPA, uiommu_bits_make(SMMUV3_CMD_VMID, vmid),
                   uiommu_bits_make(SMMUV3_CMD_LEAF, leaf) |
                       (ipa & uiommu_bits_mask(SMMUV3_CMD_IPA)));
}

/* (num + 1) * 2^scale granules from the address of an invalidation. TTL stays 0: entries of every
 * level, and the only alignment asked for is the granule's (4.4.1.1). */
struct smmuv3_command uiommu_smmuv3_cmd_ranged(struct smmuv3_command tlbi, uint32_t granule,
                                               uint32_t num, uint32_t scale)
{
    uint64_t tg = uiommu_bits_make(SMMUV3_CMD_TG, (granule >> 1) - 5u); /* 12, 14, 16: 1, 2, 3 */

    tlbi.d[0] |= uiommu_bits_make(SMMUV3_CMD_NUM, num) | uiommu_bits_make(SMMUV3_CMD_SCALE, scale);
    tlbi.d[1] |= tg;
    return tlbi;
}

/*
 * One naturally aligned block of 2^size pages that covers the range; with all sizes, no address.
 * Without a PASID the device drops matching entries of all its PASIDs. A block below the STU has
 * no guarantee.
 */
struct smmuv3_command uiommu_smmuv3_cmd_atc_inv(uint32_t sid, uint32_t pasid,
                                                const struct uiommu_range *range, uint32_t stu_bits)
{
    uint64_t fields = uiommu_bits_make(SMMUV3_CMD_SID, sid), page = 0;
    uint32_t size = SMMUV3_ATC_SIZE_ALL, least = stu_bits - 12u;

    if (pasid < (UINT32_C(1) << UIOMMU_PASID_BITS))
        fields |= uiommu_bits_make(SMMUV3_CMD_SSV, 1) | uiommu_bits_make(SMMUV3_CMD_SSID, pasid);
    if (range != NULL) {
        size = uiommu_bits_length((range->first >> 12) ^ (range->last >> 12));
        size = size < least ? least : size;
        page = ((range->first >> 12) >> size) << size;
    }
    return command(SMMUV3_OP_ATC_INV, fields,
                   page << 12 | uiommu_bits_make(SMMUV3_CMD_ATC_SIZE, size));
}

/* A stalled transaction is retried, or ends as an abort. */
static struct smmuv3_command cmd_resume(const struct uiommu_answer *answer)
{
    bool retry = answer->code == UIOMMU_CODE_SUCCESS;

    return command(SMMUV3_OP_RESUME,
                   uiommu_bits_make(SMMUV3_CMD_SID, answer->id) |
                       uiommu_bits_make(retry ? SMMUV3_CMD_RESUME_AC : SMMUV3_CMD_RESUME_AB, 1),
                   uiommu_bits_make(SMMUV3_CMD_STAG, answer->index));
}

struct smmuv3_command uiommu_smmuv3_cmd_answer(const struct uiommu_answer *answer)
{
    if ((answer->flags & UIOMMU_REQUEST_STALL) != 0)
        return cmd_resume(answer);
    return uiommu_smmuv3_cmd_pri_resp(answer);
}

struct smmuv3_command uiommu_smmuv3_cmd_stall_term(uint32_t sid)
{
    return command(SMMUV3_OP_STALL_TERM, uiommu_bits_make(SMMUV3_CMD_SID, sid), 0);
}

/* CS=0: no signal; completion is seen in CMDQ_CONS, snooping unit or not. */
struct smmuv3_command uiommu_smmuv3_cmd_sync(void)
{
    return command(SMMUV3_OP_SYNC, 0, 0);
}
