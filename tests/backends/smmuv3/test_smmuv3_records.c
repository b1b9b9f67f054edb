/* SPDX-License-Identifier: BSD-2-Clause */
/* Event records and page requests, from words computed from the specification. */
#include "fake_smmuv3.h"

#include <criterion/criterion.h>

#define NONE UIOMMU_PASID_NONE

static const struct {
    const char *name;
    uint64_t d[4];
    enum uiommu_event_kind kind;
    uint32_t id, pasid, access;
    uint64_t address;
} events[] = {
    {"E2",
     {0x0000020800000010, 0x0000020200000000, 0x1000, 0},
     UIOMMU_EVENT_TRANSLATION,
     0x208,
     NONE,
     UIOMMU_WRITE | UIOMMU_PRIV,
     0x1000},
    {"E3",
     {0x0000020800003812, 0x0000020c00000000, 0x400000, 0},
     UIOMMU_EVENT_ACCESS_FLAG,
     0x208,
     3,
     UIOMMU_EXEC,
     0x400000},
    {"E4",
     {0x0000020800000011, 0x0000020800000000, 0x0001000000000000, 0},
     UIOMMU_EVENT_ADDRESS_SIZE,
     0x208,
     NONE,
     UIOMMU_READ,
     0x0001000000000000},
    {"E5",
     {0x0000020800000013, 0x0000018800000000, 0x0000000123456789, 0x0000000087654000},
     UIOMMU_EVENT_PERMISSION,
     0x208,
     NONE,
     UIOMMU_READ,
     0x123456789},
    {"E6", {0x0001ffff00000002, 0, 0, 0}, UIOMMU_EVENT_BAD_ID, 0x1ffff, NONE, 0, 0},
    {"E7", {0x0000020800000004, 0, 0, 0}, UIOMMU_EVENT_BAD_TABLE, 0x208, NONE, 0, 0},
    {"E8", {0x000002080000380a, 0, 0, 0}, UIOMMU_EVENT_BAD_CONTEXT, 0x208, 3, 0, 0},
    {"E9", {0x0000020810000008, 0, 0, 0}, UIOMMU_EVENT_BAD_CONTEXT, 0x208, 0x10000, 0, 0},
    {"E10", {0x0000020800000006, 0, 0, 0}, UIOMMU_EVENT_BAD_CONTEXT, 0x208, NONE, 0, 0},
    {"E11",
     {0x0000020800000003, 0, 0, 0x0000008123444200},
     UIOMMU_EVENT_FETCH_ABORT,
     0x208,
     NONE,
     0,
     0x8123444200},
    {"E12",
     {0x0000020800003809, 0, 0, 0x00000081234500c0},
     UIOMMU_EVENT_FETCH_ABORT,
     0x208,
     3,
     0,
     0x81234500c0},
    {"E13",
     {0x000002080000000b, 0x0000010000000000, 0x00007fff12345678, 0x0000000876543ff8},
     UIOMMU_EVENT_FETCH_ABORT,
     0x208,
     NONE,
     UIOMMU_WRITE,
     0x876543ff8},
    {"E14",
     {0x0000020800003805, 0x00000000c0000001, 0x00007fff12345000, 0},
     UIOMMU_EVENT_ATS_REFUSED,
     0x208,
     3,
     UIOMMU_READ | UIOMMU_WRITE,
     0x7fff12345000},
    {"E15",
     {0x0000020800000007, 0x0000000800000000, 0x0000000800000040, 0},
     UIOMMU_EVENT_TRANSLATED_REFUSED,
     0x208,
     NONE,
     UIOMMU_READ,
     0x800000040},
    {"E16",
     {0x0000020800000024, 0x0000200c00000000, 0x12345000, 0},
     UIOMMU_EVENT_UNKNOWN,
     0x208,
     NONE,
     0,
     0x12345000},
    {"F_UUT",
     {0x0000020800000001, 0x0000000a00000000, 0x1000, 0},
     UIOMMU_EVENT_UNKNOWN,
     0x208,
     NONE,
     UIOMMU_READ | UIOMMU_PRIV,
     0x1000},
    {"a write that says instruction",
     {0x0000020800000010, 0x0000000400000000, 0x1000, 0},
     UIOMMU_EVENT_TRANSLATION,
     0x208,
     NONE,
     UIOMMU_WRITE,
     0x1000},
    {"bit 31 of a type that cannot stall",
     {0x0000020800000020, 0x0000000080000000, 0x1000, 0xff8},
     UIOMMU_EVENT_CONFLICT,
     0x208,
     NONE,
     UIOMMU_WRITE,
     0x1000},
    {"F_CFG_CONFLICT",
     {0x0000020800000021, 0x0000000e00000000, 0x1000, 0xff8},
     UIOMMU_EVENT_CONFLICT,
     0x208,
     NONE,
     0,
     0},
    {"F_VMS_FETCH",
     {0x0000020800000025, 0, 0x1000, 0xffffffffffffffff},
     UIOMMU_EVENT_FETCH_ABORT,
     0x208,
     NONE,
     0,
     0x00fffffffffffff8},
    {"E10 with SSV", {0x0000020800003806, 0, 0, 0}, UIOMMU_EVENT_BAD_CONTEXT, 0x208, NONE, 0, 0},
    {"E14, executing",
     {0x0000020800000005, 0x0000000230000000, 0x1000, 0xff8},
     UIOMMU_EVENT_ATS_REFUSED,
     0x208,
     NONE,
     UIOMMU_EXEC | UIOMMU_PRIV,
     0x1000},
    {"E14, writing",
     {0x0000020800000005, 0x0000000040000000, 0x1000, 0xff8},
     UIOMMU_EVENT_ATS_REFUSED,
     0x208,
     NONE,
     UIOMMU_WRITE,
     0x1000},
    {"E15 with PnU and InD",
     {0x0000020800000007, 0x0000000e00000000, 0x1000, 0xff8},
     UIOMMU_EVENT_TRANSLATED_REFUSED,
     0x208,
     NONE,
     UIOMMU_READ,
     0x1000},
    {"impl. def.",
     {0x00000208000000e7, UINT64_MAX, UINT64_MAX, 0},
     UIOMMU_EVENT_UNKNOWN,
     0x208,
     NONE,
     0,
     0},
};

Test(records, events)
{
    struct uiommu_event e;
    size_t i;

    for (i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
        if (uiommu_smmuv3_event_stalls(events[i].d))
            cr_assert_fail("%s stalls", events[i].name);
        memset(&e, 0xff, sizeof(e));
        uiommu_smmuv3_event_decode(events[i].d, &e);
        if (e.kind != events[i].kind || e.id != events[i].id || e.pasid != events[i].pasid ||
            e.access != events[i].access || e.address != events[i].address || e.count != 1 ||
            e.hw_code != (events[i].d[0] & 0xff) || memcmp(e.raw, events[i].d, 32) != 0)
            cr_assert_fail("%s", events[i].name);
    }
}

Test(records, stall) /* E1 */
{
    static const uint64_t d[] = {0x0000020800003810, 0x0000020880000007, 0x00007fff12345678, 0};
    struct uiommu_request r;

    cr_assert(uiommu_smmuv3_event_stalls(d));
    uiommu_smmuv3_event_request(d, &r);
    cr_assert_eq(r.id, 0x208);
    cr_assert_eq(r.pasid, 3);
    cr_assert_eq(r.index, 7);
    cr_assert_eq(r.address, 0x7fff12345678);
    cr_assert_eq(r.flags,
                 UIOMMU_READ | UIOMMU_REQUEST_LAST | UIOMMU_REQUEST_STALL | UIOMMU_REQUEST_PASID);
}

/* Each of the four types, with a SubstreamID and without; nothing else stays in the request. */
Test(records, stalls)
{
    static const uint8_t type[] = {0x10, 0x11, 0x12, 0x13};
    struct uiommu_request r, want;
    uint64_t d[4] = {0, 0x000000028000cafe, 0x1234, 0};
    uint32_t i;

    for (i = 0; i < 8; i++) {
        d[0] = 0x0000020800003000 | (i < 4 ? 0x800u : 0) | type[i & 3];
        cr_assert(uiommu_smmuv3_event_stalls(d));
        memset(&r, 0xff, sizeof(r));
        uiommu_smmuv3_event_request(d, &r);
        memset(&want, 0, sizeof(want));
        want.id = 0x208;
        want.pasid = i < 4 ? 3 : NONE;
        want.index = 0xcafe;
        want.address = 0x1234;
        want.flags = UIOMMU_WRITE | UIOMMU_PRIV | UIOMMU_REQUEST_LAST | UIOMMU_REQUEST_STALL;
        if (i < 4)
            want.flags |= UIOMMU_REQUEST_PASID;
        cr_assert(memcmp(&r, &want, sizeof(r)) == 0, "%u: flags %x", i, r.flags);
    }
    d[1] = 0x000000020000cafe;
    cr_assert_not(uiommu_smmuv3_event_stalls(d));
}

static const struct {
    const char *name;
    uint64_t d[2];
    uint32_t pasid, index, flags;
    uint64_t address;
} requests[] = {
    {"P1",
     {0x9000000300000208, 0x00007fff123451a5},
     3,
     0x1a5,
     UIOMMU_READ | UIOMMU_REQUEST_PASID,
     0x7fff12345000},
    {"P2",
     {0xf000000300000208, 0x00007fff123461a5},
     3,
     0x1a5,
     UIOMMU_READ | UIOMMU_WRITE | UIOMMU_REQUEST_LAST | UIOMMU_REQUEST_PASID,
     0x7fff12346000},
    {"P3",
     {0xdc0fffff00000208, 0xffff800000000000},
     0xfffff,
     0,
     UIOMMU_READ | UIOMMU_EXEC | UIOMMU_PRIV | UIOMMU_REQUEST_LAST | UIOMMU_REQUEST_PASID,
     0xffff800000000000},
    {"P4",
     {0x6000000000000208, 0x00000000000011ff},
     NONE,
     0x1ff,
     UIOMMU_WRITE | UIOMMU_REQUEST_LAST,
     0x1000},
    {"P5", {0xc000000300000208, 0}, 3, 0, UIOMMU_REQUEST_MARKER | UIOMMU_REQUEST_PASID, 0},
    {"P6", {0x4000000000000208, 0x0000000000001002}, NONE, 2, UIOMMU_REQUEST_LAST, 0x1000},
    {"PASID unknown",
     {0x600fffff00000208, 0x00000000000011ff},
     NONE,
     0x1ff,
     UIOMMU_WRITE | UIOMMU_REQUEST_LAST,
     0x1000},
    {"execute without PASID",
     {0x5800000000000208, 0x1002},
     NONE,
     2,
     UIOMMU_READ | UIOMMU_EXEC | UIOMMU_REQUEST_LAST | UIOMMU_REQUEST_MALFORMED,
     0x1000},
    {"privileged without PASID",
     {0x5400000000000208, 0x1002},
     NONE,
     2,
     UIOMMU_READ | UIOMMU_PRIV | UIOMMU_REQUEST_LAST | UIOMMU_REQUEST_MALFORMED,
     0x1000},
    {"a marker's other fields say nothing",
     {0xcc00000300000208, 0x00007fff123451a5},
     3,
     0,
     UIOMMU_REQUEST_MARKER | UIOMMU_REQUEST_PASID,
     0},
    {"nothing asked for, not Last",
     {0x8000000300000208, 0x1002},
     3,
     2,
     UIOMMU_REQUEST_PASID,
     0x1000},
    {"the same without PASID", {0x0000000000000208, 0x1002}, NONE, 2, 0, 0x1000},
};

Test(records, page_requests)
{
    struct uiommu_request r, want;
    size_t i;

    for (i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
        memset(&want, 0, sizeof(want));
        want.id = 0x208;
        want.pasid = requests[i].pasid;
        want.index = requests[i].index;
        want.flags = requests[i].flags;
        want.address = requests[i].address;
        memset(&r, 0xff, sizeof(r));
        uiommu_smmuv3_prq_decode(requests[i].d, &r);
        if (memcmp(&r, &want, sizeof(r)) != 0)
            cr_assert_fail("%s: flags %x", requests[i].name, r.flags);
    }
}
