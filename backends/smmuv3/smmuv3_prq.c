/* SPDX-License-Identifier: BSD-2-Clause */
/* Page requests and their responses (IHI 0070 8.1, 4.6.2). */
#include "smmuv3_internal.h"

void uiommu_smmuv3_prq_decode(const uint64_t entry[2], struct uiommu_request *out)
{
    bool pasid = uiommu_bits_get(entry[0], SMMUV3_PRI0_SSV) != 0;
    bool last = uiommu_bits_get(entry[0], SMMUV3_PRI0_LAST) != 0;

    *out = (struct uiommu_request){
        .id = (uint32_t)uiommu_bits_get(entry[0], SMMUV3_PRI0_SID),
        .address = entry[1] & uiommu_bits_mask(SMMUV3_PRI1_PAGE),
        .index = (uint32_t)uiommu_bits_get(entry[1], SMMUV3_PRI1_PRG),
        .pasid = UIOMMU_PASID_NONE,
    };
    if (uiommu_bits_get(entry[0], SMMUV3_PRI0_R) != 0)
        out->flags |= UIOMMU_READ;
    if (uiommu_bits_get(entry[0], SMMUV3_PRI0_W) != 0)
        out->flags |= UIOMMU_WRITE;
    /* Last without access is a Stop Marker only with a PASID; without one it is a request. */
    if (pasid && last && out->flags == 0) {
        out->flags = UIOMMU_REQUEST_MARKER;
        out->index = 0;
        out->address = 0;
    } else if (last) {
        out->flags |= UIOMMU_REQUEST_LAST;
    }
    if ((out->flags & UIOMMU_REQUEST_MARKER) == 0) {
        if (uiommu_bits_get(entry[0], SMMUV3_PRI0_X) != 0)
            out->flags |= UIOMMU_EXEC;
        if (uiommu_bits_get(entry[0], SMMUV3_PRI0_PRIV) != 0)
            out->flags |= UIOMMU_PRIV;
    }
    if (pasid) {
        out->flags |= UIOMMU_REQUEST_PASID;
        out->pasid = (uint32_t)uiommu_bits_get(entry[0], SMMUV3_PRI0_SSID);
    } else if ((out->flags & (UIOMMU_EXEC | UIOMMU_PRIV)) != 0) {
        out->flags |= UIOMMU_REQUEST_MALFORMED; /* Both exist only with a PASID. */
    }
}

/* By UIOMMU_CODE_*: what the field calls Success, InvalidRequest and ResponseFailure. */
static const uint8_t response[] = {2, 1, 0};

struct smmuv3_command uiommu_smmuv3_cmd_pri_resp(const struct uiommu_answer *answer)
{
    struct smmuv3_command c;
    uint32_t code = answer->code <= UIOMMU_CODE_FAILURE ? answer->code : UIOMMU_CODE_INVALID;

    c.d[0] = uiommu_bits_make(SMMUV3_CMD_OP, SMMUV3_OP_PRI_RESP) |
             uiommu_bits_make(SMMUV3_CMD_SID, answer->id);
    if (answer->with_pasid)
        c.d[0] |=
            uiommu_bits_make(SMMUV3_CMD_SSV, 1) | uiommu_bits_make(SMMUV3_CMD_SSID, answer->pasid);
    c.d[1] = uiommu_bits_make(SMMUV3_CMD_PRG, answer->index) |
             uiommu_bits_make(SMMUV3_CMD_RESP, response[code]);
    return c;
}
