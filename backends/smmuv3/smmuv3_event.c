/* SPDX-License-Identifier: BSD-2-Clause */
/* Event records (IHI 0070 7.3) as events, or as stalls that want an answer. */
#include "smmuv3_internal.h"

/* What a record holds besides its header. */
#define HAS_ACCESS 0x01u /* PnU, InD, RnW. */
#define HAS_RNW    0x02u /* RnW alone. */
#define HAS_INPUT  0x04u /* Word 2: the input address. */
#define HAS_FETCH  0x08u /* Word 3: the address fetched. */
#define HAS_TREQ   0x10u /* The permissions of a translation request. */
#define HAS_SSID   0x20u /* A SubstreamID although SSV is 0. */
#define NO_SSID    0x40u /* None at all. */
#define CAN_STALL  0x80u

struct record_type {
    uint8_t id, kind, has;
};

static const struct record_type types[] = {
    {SMMUV3_F_UUT, UIOMMU_EVENT_UNKNOWN, HAS_ACCESS | HAS_INPUT},
    {SMMUV3_C_BAD_STREAMID, UIOMMU_EVENT_BAD_ID, 0},
    {SMMUV3_F_STE_FETCH, UIOMMU_EVENT_FETCH_ABORT, HAS_FETCH},
    {SMMUV3_C_BAD_STE, UIOMMU_EVENT_BAD_TABLE, 0},
    {SMMUV3_F_BAD_ATS_TREQ, UIOMMU_EVENT_ATS_REFUSED, HAS_TREQ | HAS_INPUT},
    {SMMUV3_F_STREAM_DISABLED, UIOMMU_EVENT_BAD_CONTEXT, NO_SSID},
    {SMMUV3_F_TRANSL_FORBIDDEN, UIOMMU_EVENT_TRANSLATED_REFUSED, HAS_RNW | HAS_INPUT},
    {SMMUV3_C_BAD_SUBSTREAMID, UIOMMU_EVENT_BAD_CONTEXT, HAS_SSID},
    {SMMUV3_F_CD_FETCH, UIOMMU_EVENT_FETCH_ABORT, HAS_FETCH},
    {SMMUV3_C_BAD_CD, UIOMMU_EVENT_BAD_CONTEXT, 0},
    {SMMUV3_F_WALK_EABT, UIOMMU_EVENT_FETCH_ABORT, HAS_ACCESS | HAS_FETCH},
    {SMMUV3_F_TRANSLATION, UIOMMU_EVENT_TRANSLATION, HAS_ACCESS | HAS_INPUT | CAN_STALL},
    {SMMUV3_F_ADDR_SIZE, UIOMMU_EVENT_ADDRESS_SIZE, HAS_ACCESS | HAS_INPUT | CAN_STALL},
    {SMMUV3_F_ACCESS, UIOMMU_EVENT_ACCESS_FLAG, HAS_ACCESS | HAS_INPUT | CAN_STALL},
    {SMMUV3_F_PERMISSION, UIOMMU_EVENT_PERMISSION, HAS_ACCESS | HAS_INPUT | CAN_STALL},
    {SMMUV3_F_TLB_CONFLICT, UIOMMU_EVENT_CONFLICT, HAS_ACCESS | HAS_INPUT},
    {SMMUV3_F_CFG_CONFLICT, UIOMMU_EVENT_CONFLICT, 0},
    {SMMUV3_E_PAGE_REQUEST, UIOMMU_EVENT_UNKNOWN, HAS_INPUT}, /* A hint; wants no answer. */
    {SMMUV3_F_VMS_FETCH, UIOMMU_EVENT_FETCH_ABORT, HAS_FETCH},
};

static const struct record_type unknown = {0, UIOMMU_EVENT_UNKNOWN, 0};

static const struct record_type *type_of(const uint64_t record[4])
{
    uint64_t id = uiommu_bits_get(record[0], SMMUV3_EV0_ID);
    size_t i;

    for (i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        if (types[i].id == id)
            return &types[i];
    }
    return &unknown;
}

/* An instruction fetch asks for execution, not for reading: the page may be execute-only. */
static uint32_t record_access(const uint64_t record[4], uint32_t has)
{
    uint64_t d1 = record[1];
    uint32_t access = 0;

    if ((has & HAS_TREQ) != 0) {
        access |= uiommu_bits_get(d1, SMMUV3_EV1_TREQ_R) != 0 ? UIOMMU_READ : 0;
        access |= uiommu_bits_get(d1, SMMUV3_EV1_TREQ_W) != 0 ? UIOMMU_WRITE : 0;
        access |= uiommu_bits_get(d1, SMMUV3_EV1_TREQ_X) != 0 ? UIOMMU_EXEC : 0;
        access |= uiommu_bits_get(d1, SMMUV3_EV1_TREQ_P) != 0 ? UIOMMU_PRIV : 0;
        return access;
    }
    if ((has & (HAS_ACCESS | HAS_RNW)) == 0)
        return 0;
    access = uiommu_bits_get(d1, SMMUV3_EV1_RNW) != 0 ? UIOMMU_READ : UIOMMU_WRITE;
    if ((has & HAS_ACCESS) != 0) {
        if (access == UIOMMU_READ && uiommu_bits_get(d1, SMMUV3_EV1_IND) != 0)
            access = UIOMMU_EXEC;
        access |= uiommu_bits_get(d1, SMMUV3_EV1_PNU) != 0 ? UIOMMU_PRIV : 0;
    }
    return access;
}

static uint32_t record_pasid(const uint64_t record[4], uint32_t has)
{
    bool valid = uiommu_bits_get(record[0], SMMUV3_EV0_SSV) != 0 || (has & HAS_SSID) != 0;

    if (!valid || (has & NO_SSID) != 0)
        return UIOMMU_PASID_NONE;
    return (uint32_t)uiommu_bits_get(record[0], SMMUV3_EV0_SSID);
}

/* Bit 31 of word 1 means a stall only in the four types that can. */
bool uiommu_smmuv3_event_stalls(const uint64_t record[4])
{
    return (type_of(record)->has & CAN_STALL) != 0 &&
           uiommu_bits_get(record[1], SMMUV3_EV1_STALL) != 0;
}

void uiommu_smmuv3_event_request(const uint64_t record[4], struct uiommu_request *out)
{
    uint32_t has = type_of(record)->has, access = record_access(record, has);

    memset(out, 0, sizeof(*out));
    out->flags = access | UIOMMU_REQUEST_LAST | UIOMMU_REQUEST_STALL;
    out->id = (uint32_t)uiommu_bits_get(record[0], SMMUV3_EV0_SID);
    out->address = record[2];
    out->pasid = record_pasid(record, has);
    if (out->pasid != UIOMMU_PASID_NONE)
        out->flags |= UIOMMU_REQUEST_PASID;
    out->index = (uint32_t)uiommu_bits_get(record[1], SMMUV3_EV1_STAG);
}

void uiommu_smmuv3_event_decode(const uint64_t record[4], struct uiommu_event *out)
{
    const struct record_type *type = type_of(record);
    uint32_t code = (uint32_t)uiommu_bits_get(record[0], SMMUV3_EV0_ID);
    uint32_t access = record_access(record, type->has);

    uiommu_event_init(out, (enum uiommu_event_kind)type->kind);
    out->hw_code = code;
    out->id = (uint32_t)uiommu_bits_get(record[0], SMMUV3_EV0_SID);
    out->access = access;
    out->pasid = record_pasid(record, type->has);
    if ((type->has & HAS_INPUT) != 0)
        out->address = record[2];
    else if ((type->has & HAS_FETCH) != 0)
        out->address = record[3] & uiommu_bits_mask(SMMUV3_EV3_FETCH);
    memcpy(out->raw, record, sizeof(out->raw));
}
