/* SPDX-License-Identifier: BSD-2-Clause */
/* Descriptors of the invalidation queue (sheet 8.1, 22.1). */
#include "vtd_internal.h"

static struct vtd_descriptor make(uint32_t type, uint32_t g)
{
    struct vtd_descriptor d = {
        {uiommu_bits_make(VTD_D_TYPE, type) | uiommu_bits_make(VTD_D_G, g), 0, 0, 0}};

    return d;
}

struct vtd_descriptor uiommu_vtd_context_global(void)
{
    return make(VTD_TYPE_CONTEXT, VTD_G_GLOBAL);
}

/* Function mask 0: exactly this ID. In scalable mode the DID is not looked at. */
struct vtd_descriptor uiommu_vtd_context_device(uint32_t sid)
{
    struct vtd_descriptor d = make(VTD_TYPE_CONTEXT, VTD_G_DEVICE);

    d.q[0] |= uiommu_bits_make(VTD_D_SID_HIGH, sid);
    return d;
}

/* Both drains always: old hardware drains only if told to. */
struct vtd_descriptor uiommu_vtd_iotlb_global(void)
{
    struct vtd_descriptor d = make(VTD_TYPE_IOTLB, VTD_G_GLOBAL);

    d.q[0] |= uiommu_bits_make(VTD_IOTLB_DRAINS, 3);
    return d;
}

struct vtd_descriptor uiommu_vtd_pasid_global(void)
{
    return make(VTD_TYPE_PASID, VTD_G_CACHE_GLOBAL);
}

static struct vtd_descriptor tagged(uint32_t type, uint32_t g, uint32_t did, uint32_t pasid)
{
    struct vtd_descriptor d = make(type, g);

    d.q[0] |= uiommu_bits_make(VTD_D_DID, did) | uiommu_bits_make(VTD_D_PASID, pasid);
    return d;
}

struct vtd_descriptor uiommu_vtd_pasid_one(uint32_t did, uint32_t pasid)
{
    return tagged(VTD_TYPE_PASID, VTD_G_CACHE_PASID, did, pasid);
}

struct vtd_descriptor uiommu_vtd_piotlb_all(uint32_t did, uint32_t pasid)
{
    return tagged(VTD_TYPE_PIOTLB, VTD_G_PASID, did, pasid);
}

/* The smallest aligned power of two of pages that holds the range. @return its log2. */
uint32_t uiommu_vtd_cover(uint64_t first, uint64_t last, uint64_t *base)
{
    uint32_t order = uiommu_bits_length((first >> 12) ^ (last >> 12));

    *base = (first >> 12 >> order) << order << 12;
    return order;
}

static struct vtd_descriptor iotlb(uint32_t g, uint32_t did)
{
    struct vtd_descriptor d = make(VTD_TYPE_IOTLB, g);

    d.q[0] |= uiommu_bits_mask(VTD_IOTLB_DRAINS) | uiommu_bits_make(VTD_D_DID, did);
    return d;
}

/* Everything of a domain, whatever type its entries have. */
struct vtd_descriptor uiommu_vtd_iotlb_domain(uint32_t did)
{
    return iotlb(VTD_G_DOMAIN, did);
}

/* Of a second stage: by address up to the order given; above it the whole domain goes. */
struct vtd_descriptor uiommu_vtd_iotlb(uint32_t did, const struct uiommu_range *range,
                                       uint32_t order_most)
{
    struct vtd_descriptor d = uiommu_vtd_iotlb_domain(did);
    uint64_t base = 0;
    uint32_t order;

    if (range == NULL)
        return d;
    order = uiommu_vtd_cover(range->first, range->last, &base);
    if (order > order_most)
        return d;
    d = iotlb(VTD_G_PAGE, did);
    d.q[1] =
        base | uiommu_bits_make(VTD_D1_AM, order) | uiommu_bits_make(VTD_D1_IH, !range->tables);
    return d;
}

/* By address up to the order given; above it the whole PASID goes. */
struct vtd_descriptor uiommu_vtd_piotlb(uint32_t did, uint32_t pasid,
                                        const struct uiommu_range *range, uint32_t order_most)
{
    struct vtd_descriptor d = uiommu_vtd_piotlb_all(did, pasid);
    uint64_t base = 0;
    uint32_t order;

    if (range == NULL)
        return d;
    order = uiommu_vtd_cover(range->first, range->last, &base);
    if (order > order_most)
        return d;
    d = tagged(VTD_TYPE_PIOTLB, VTD_G_PAGE, did, pasid);
    d.q[1] =
        base | uiommu_bits_make(VTD_D1_AM, order) | uiommu_bits_make(VTD_D1_IH, !range->tables);
    return d;
}

/* The lowest clear address bit from 12 on says how much, where S is set. */
static uint64_t sized(const struct uiommu_range *range, uint64_t s)
{
    uint32_t order = VTD_ORDER_ALL;
    uint64_t address = 0;

    if (range != NULL)
        order = uiommu_vtd_cover(range->first, range->last, &address);
    if (order == 0)
        return address;
    return address | ((UINT64_C(1) << (order - 1u)) - 1u) << 12 | s;
}

struct vtd_descriptor uiommu_vtd_devtlb(uint32_t sid, uint32_t pfsid, uint32_t mip,
                                        const struct uiommu_range *range)
{
    uint64_t where = sized(range, uiommu_bits_mask(VTD_DEVTLB1_S));
    struct vtd_descriptor d = make(VTD_TYPE_DEVTLB, 0);

    d.q[0] |= uiommu_bits_make(VTD_D_SID_HIGH, sid) | uiommu_bits_make(VTD_DEVTLB_MIP, mip) |
              uiommu_bits_make(VTD_D_PFSID_LOW, pfsid) |
              uiommu_bits_make(VTD_D_PFSID_HIGH, pfsid >> 4);
    d.q[1] = where;
    return d;
}

struct vtd_descriptor uiommu_vtd_pdevtlb(uint32_t sid, uint32_t pfsid, uint32_t mip, uint32_t pasid,
                                         const struct uiommu_range *range)
{
    uint64_t where = sized(range, uiommu_bits_mask(VTD_PDEVTLB1_S));
    struct vtd_descriptor d = make(VTD_TYPE_PDEVTLB, 0);

    d.q[0] |= uiommu_bits_make(VTD_D_SID_LOW, sid) | uiommu_bits_make(VTD_PDEVTLB_MIP, mip) |
              uiommu_bits_make(VTD_D_PASID, pasid) | uiommu_bits_make(VTD_D_PFSID_LOW, pfsid) |
              uiommu_bits_make(VTD_D_PFSID_HIGH, pfsid >> 4);
    d.q[1] = where;
    return d;
}

struct vtd_descriptor uiommu_vtd_wait(uint64_t bus, uint32_t data, bool fence, bool drain)
{
    struct vtd_descriptor d = make(VTD_TYPE_WAIT, 0);

    d.q[0] |= uiommu_bits_make(VTD_WAIT_SW, 1) | uiommu_bits_make(VTD_WAIT_FN, fence) |
              uiommu_bits_make(VTD_WAIT_PD, drain) | uiommu_bits_make(VTD_WAIT_DATA, data);
    d.q[1] = bus;
    return d;
}

/* By UIOMMU_CODE_*. */
static const uint8_t response[] = {0x0, 0x1, 0xf};

/*
 * ID, PASID and index exactly as in the request (11.4). Private data belongs to old revisions and
 * would be an illegal descriptor on others.
 */
struct vtd_descriptor uiommu_vtd_response(const struct uiommu_answer *answer, bool private_data)
{
    struct vtd_descriptor d = make(VTD_TYPE_RESPONSE, 0);
    uint32_t code = answer->code <= UIOMMU_CODE_FAILURE ? answer->code : UIOMMU_CODE_INVALID;

    d.q[0] |= uiommu_bits_make(VTD_D_SID_LOW, answer->id) |
              uiommu_bits_make(VTD_RESPONSE_RC, response[code]);
    if ((answer->flags & UIOMMU_REQUEST_PASID) != 0)
        d.q[0] |=
            uiommu_bits_make(VTD_RESPONSE_PP, 1) | uiommu_bits_make(VTD_D_PASID, answer->pasid);
    d.q[1] = uiommu_bits_make(VTD_RESPONSE1_PRGI, answer->index);
    if (private_data && (answer->cookie[0] | answer->cookie[1]) != 0) {
        d.q[0] |= uiommu_bits_make(VTD_RESPONSE_PDP, 1);
        d.q[2] = answer->cookie[0];
        d.q[3] = answer->cookie[1];
    }
    return d;
}
