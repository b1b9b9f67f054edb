/* SPDX-License-Identifier: BSD-2-Clause */
/* Commands (48882, command buffer). Every bit that is not named is 0: reserved bits are checked. */
#include "amd_internal.h"

static struct amd_command make(uint64_t op)
{
    struct amd_command c = {{0, 0}};

    c.d[0] = uiommu_bits_make(AMD_CMD_OP, op);
    return c;
}

/* The store comes after all older commands, answers of device TLBs included. */
struct amd_command uiommu_amd_cmd_wait(uint64_t address, uint64_t data)
{
    struct amd_command c = make(AMD_OP_WAIT);

    c.d[0] |= AMD_WAIT_STORE | (address & uiommu_bits_mask(AMD_WAIT_ADDRESS));
    c.d[1] = data;
    return c;
}

/* Legal everywhere, without effect. */
struct amd_command uiommu_amd_cmd_nothing(void)
{
    return make(AMD_OP_WAIT);
}

/* Later commands stall until all older ones are complete. */
struct amd_command uiommu_amd_cmd_fence(void)
{
    struct amd_command c = make(AMD_OP_WAIT);

    c.d[0] |= AMD_WAIT_FENCE;
    return c;
}

struct amd_command uiommu_amd_cmd_devtab(uint32_t id)
{
    struct amd_command c = make(AMD_OP_INV_DEVTAB);

    c.d[0] |= uiommu_bits_make(AMD_CMD_ID, id);
    return c;
}

/*
 * Address and S of a range, NULL for all. With S the lowest zero bit from 12 up gives the size:
 * 2^(that + 1). A range that is not aligned to its size grows to the enclosing power of two. All
 * ones would be undefined as 'all'.
 */
uint64_t uiommu_amd_range(const struct uiommu_range *range)
{
    uint32_t size;

    if (range == NULL)
        return AMD_INV_ALL_ADDRESS | AMD_INV_S;
    size = uiommu_bits_length(range->first ^ range->last);
    if (size <= 12)
        return range->first & ~UINT64_C(0xfff);
    if (size > 52)
        return AMD_INV_ALL_ADDRESS | AMD_INV_S;
    return (range->first & ~UINT64_C(0xfff)) | ((UINT64_C(1) << (size - 13)) - 1) << 12 | AMD_INV_S;
}

/* Addresses of a PASID; with PASID_NONE those of the domain. PDE whenever table levels may have
 * changed, which is always so with 'all'. */
struct amd_command uiommu_amd_cmd_pages(uint32_t domain, uint32_t pasid,
                                        const struct uiommu_range *range)
{
    struct amd_command c = make(AMD_OP_INV_PAGES);
    bool guest = pasid != UIOMMU_PASID_NONE;

    c.d[0] |= uiommu_bits_make(AMD_PAGES_DOMAIN, domain);
    if (guest)
        c.d[0] |= uiommu_bits_make(AMD_PAGES_PASID, pasid);
    c.d[1] = uiommu_amd_range(range) | (guest ? AMD_INV_GN : 0);
    if (range == NULL || range->tables)
        c.d[1] |= AMD_INV_PDE;
    return c;
}

/* The PASID is split: 15:8 and 7:0 on every reading that is trusted, 19:16 on the only one. */
struct amd_command uiommu_amd_cmd_iotlb(uint32_t id, uint32_t pending, uint32_t pasid,
                                        const struct uiommu_range *range)
{
    struct amd_command c = make(AMD_OP_INV_IOTLB);
    bool guest = pasid != UIOMMU_PASID_NONE;

    c.d[0] |= uiommu_bits_make(AMD_CMD_ID, id) | uiommu_bits_make(AMD_IOTLB_PENDING, pending) |
              uiommu_bits_make(AMD_IOTLB_QUEUE, id);
    if (guest)
        c.d[0] |= uiommu_bits_make(AMD_IOTLB_PASID_15, pasid >> 8) |
                  uiommu_bits_make(AMD_IOTLB_PASID_7, pasid) |
                  uiommu_bits_make(AMD_IOTLB_PASID_19, pasid >> 16);
    c.d[1] = uiommu_amd_range(range) | (guest ? AMD_INV_GN : 0);
    return c;
}

/* By UIOMMU_CODE_*. Failure is 0xf: 2 to 0xe mean nothing. */
static const uint8_t response[] = {AMD_RESPONSE_SUCCESS, AMD_RESPONSE_INVALID,
                                   AMD_RESPONSE_FAILURE};

/*
 * GN and PASID are echoed as the request was logged, kept in its cookie: GN names the kind of
 * table the device was under, not what its response shall carry; that is GPRP's in the device
 * table.
 */
struct amd_command uiommu_amd_cmd_answer(const struct uiommu_answer *answer)
{
    struct amd_command c = make(AMD_OP_COMPLETE_PPR);
    uint32_t code = answer->code <= UIOMMU_CODE_FAILURE ? answer->code : UIOMMU_CODE_INVALID;

    c.d[0] |= uiommu_bits_make(AMD_CMD_ID, answer->id);
    if (answer->cookie[0] != 0) {
        c.d[0] |= uiommu_bits_make(AMD_PPR_PASID, answer->cookie[1]);
        c.d[1] = AMD_INV_GN;
    }
    c.d[1] |= uiommu_bits_make(AMD_PPR_TAG, answer->index) |
              uiommu_bits_make(AMD_PPR_STATUS, response[code]);
    return c;
}

struct amd_command uiommu_amd_cmd_inv_all(void)
{
    return make(AMD_OP_INV_ALL);
}
