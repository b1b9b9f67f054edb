/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SMMUv3 event records, every one. Bits by number as in IHI 0070 7.3 and the table of events there:
 * what is told lies in the record at its place, and only the four that can are stalls.
 */
#include "../prove.h"

#include <backends/smmuv3/smmuv3_event.c>

static uint64_t record[4];

static uint32_t code(void)
{
    return (uint32_t)sheet_bits(record[0], 7, 0);
}

static bool is_one_of(const uint8_t *list, uint32_t count)
{
    uint32_t i;

    for (i = 0; i < count; i++) {
        if (list[i] == code())
            return true;
    }
    return false;
}

/* C_BAD_SUBSTREAMID always has one, F_STREAM_DISABLED never. */
static uint32_t pasid(void)
{
    bool ssv = sheet_bits(record[0], 11, 11) != 0;

    if (code() == 0x06 || (!ssv && code() != 0x08))
        return UIOMMU_PASID_NONE;
    return (uint32_t)sheet_bits(record[0], 31, 12);
}

static uint32_t access(void)
{
    static const uint8_t attributes[] = {0x01, 0x0b, 0x10, 0x11, 0x12, 0x13, 0x20};
    uint32_t way = sheet_bits(record[1], 35, 35) != 0 ? UIOMMU_READ : UIOMMU_WRITE;

    if (code() == 0x05)
        return (uint32_t)(sheet_bits(record[1], 31, 31) * UIOMMU_READ |
                          sheet_bits(record[1], 30, 30) * UIOMMU_WRITE |
                          sheet_bits(record[1], 29, 29) * UIOMMU_EXEC |
                          sheet_bits(record[1], 28, 28) * UIOMMU_PRIV);
    if (code() == 0x07)
        return way;
    if (!is_one_of(attributes, sizeof(attributes)))
        return 0;
    if (way == UIOMMU_READ && sheet_bits(record[1], 34, 34) != 0)
        way = UIOMMU_EXEC;
    return way | (sheet_bits(record[1], 33, 33) != 0 ? UIOMMU_PRIV : 0);
}

static uint64_t address(void)
{
    static const uint8_t input[] = {0x01, 0x05, 0x07, 0x10, 0x11, 0x12, 0x13, 0x20, 0x24};
    static const uint8_t fetch[] = {0x03, 0x09, 0x0b, 0x25};

    if (is_one_of(input, sizeof(input)))
        return record[2];
    return is_one_of(fetch, sizeof(fetch)) ? record[3] & UINT64_C(0x00fffffffffffff8) : 0;
}

void prove(void)
{
    static const uint8_t stallable[] = {0x10, 0x11, 0x12, 0x13};
    struct uiommu_request r;
    struct uiommu_event e;
    uint32_t i;
    bool stalls;

    for (i = 0; i < 4; i++)
        record[i] = nondet_u64();
    uiommu_smmuv3_event_decode(record, &e);
    PROVE(e.id == sheet_bits(record[0], 63, 32) && e.hw_code == code());
    PROVE(e.pasid == pasid() && e.access == access() && e.address == address());
    PROVE(e.count == 1 && e.raw[0] == record[0] && e.raw[3] == record[3]);
    stalls = is_one_of(stallable, 4) && sheet_bits(record[1], 31, 31) != 0;
    PROVE(uiommu_smmuv3_event_stalls(record) == stalls);
    if (!stalls)
        return;
    uiommu_smmuv3_event_request(record, &r);
    PROVE(r.id == e.id && r.pasid == e.pasid && r.address == record[2]);
    PROVE(r.index == sheet_bits(record[1], 15, 0));
    PROVE(r.flags == (e.access | UIOMMU_REQUEST_LAST | UIOMMU_REQUEST_STALL |
                      (r.pasid != UIOMMU_PASID_NONE ? UIOMMU_REQUEST_PASID : 0u)));
}
