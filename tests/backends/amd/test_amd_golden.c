/* SPDX-License-Identifier: BSD-2-Clause */
/* Encodings against words computed from the specification, not from the backend. */
#include "amd_fake_core.h"

#include <criterion/criterion.h>

#define ID 0x118u

static void same(struct amd_command c, uint32_t dw0, uint32_t dw1, uint32_t dw2, uint32_t dw3)
{
    uint64_t a = dw0 | (uint64_t)dw1 << 32, b = dw2 | (uint64_t)dw3 << 32;

    if (c.d[0] != a || c.d[1] != b)
        cr_assert_fail("%016llx %016llx, not %016llx %016llx", (unsigned long long)c.d[0],
                       (unsigned long long)c.d[1], (unsigned long long)a, (unsigned long long)b);
}

Test(amd_golden, waits_and_entries)
{
    same(uiommu_amd_cmd_wait(0x123456780, 0x1122334455667788), 0x23456781, 0x10000001, 0x55667788,
         0x11223344);
    same(uiommu_amd_cmd_wait(0xffedcba987650, 1), 0xba987651, 0x100ffedc, 1, 0);
    same(uiommu_amd_cmd_nothing(), 0, 0x10000000, 0, 0);
    same(uiommu_amd_cmd_fence(), 4, 0x10000000, 0, 0);
    same(uiommu_amd_cmd_devtab(ID), 0x118, 0x20000000, 0, 0);
    same(uiommu_amd_cmd_inv_all(), 0, 0x80000000, 0, 0);
}

Test(amd_golden, pages)
{
    struct uiommu_range page = {0x7f1234567000, 0x7f1234567fff, false};
    struct uiommu_range big = {0x7f1234600000, 0x7f12347fffff, false};
    struct uiommu_range odd = {0x1f000, 0x20fff, false};
    struct uiommu_range giga = {0x40000000, 0x7fffffff, true};

    same(uiommu_amd_cmd_pages(0x42, 0x12345, NULL), 0x12345, 0x30000042, 0xfffff007, 0x7fffffff);
    same(uiommu_amd_cmd_pages(7, UIOMMU_PASID_NONE, NULL), 0, 0x30000007, 0xfffff003, 0x7fffffff);
    same(uiommu_amd_cmd_pages(0x42, 5, &page), 5, 0x30000042, 0x34567004, 0x7f12);
    same(uiommu_amd_cmd_pages(0x42, 5, &big), 5, 0x30000042, 0x346ff005, 0x7f12);
    same(uiommu_amd_cmd_pages(0x42, 5, &odd), 5, 0x30000042, 0x0001f005, 0);
    same(uiommu_amd_cmd_pages(0x42, 0, &giga), 0, 0x30000042, 0x5ffff007, 0);
}

Test(amd_golden, ranges)
{
    static const uint64_t cases[][3] = {
        {0x10000, 0x10fff, 0x10000},
        {0x10000, 0x11fff, 0x10001},
        {0x10000, 0x13fff, 0x11001},
        {0x10000, 0x1ffff, 0x17001},
        {0x200000, 0x3fffff, 0x2ff001},
        {0x40000000, 0x7fffffff, 0x5ffff001},
        {0x100000000, 0x1ffffffff, 0x17ffff001},
        {0, 0xfffffffffffff, 0x7fffffffff001},
        {0, UINT64_MAX, 0x7ffffffffffff001},
        {0, 0x1fffffffffffff, 0x7ffffffffffff001}, /* Beyond what has a size. */
        {0x5000, 0x1fffffffffffff, 0x7ffffffffffff001},
    };
    struct uiommu_range range = {0, 0, false};
    size_t i;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        range.first = cases[i][0];
        range.last = cases[i][1];
        cr_assert_eq(uiommu_amd_range(&range), cases[i][2]);
    }
}

Test(amd_golden, device_tlbs)
{
    struct uiommu_range page = {0x7f1234567000, 0x7f1234567fff, false};
    struct uiommu_range big = {0x7f1234600000, 0x7f12347fffff, false};

    same(uiommu_amd_cmd_iotlb(ID, 32, 0xabcde, NULL), 0x20bc0118, 0x4ade0118, 0xfffff005,
         0x7fffffff);
    same(uiommu_amd_cmd_iotlb(ID, 32, UIOMMU_PASID_NONE, &page), 0x20000118, 0x40000118, 0x34567000,
         0x7f12);
    same(uiommu_amd_cmd_iotlb(ID, 32, 0x1234, NULL), 0x20120118, 0x40340118, 0xfffff005,
         0x7fffffff);
    same(uiommu_amd_cmd_iotlb(ID, 32, UIOMMU_PASID_NONE, NULL), 0x20000118, 0x40000118, 0xfffff001,
         0x7fffffff);
    same(uiommu_amd_cmd_iotlb(ID, 32, 0x1234, &page), 0x20120118, 0x40340118, 0x34567004, 0x7f12);
    same(uiommu_amd_cmd_iotlb(ID, 32, 0x1234, &big), 0x20120118, 0x40340118, 0x346ff005, 0x7f12);
}

static struct amd_command answer(bool gn, uint32_t pasid, uint32_t tag, uint32_t code)
{
    struct uiommu_answer a = {{gn, pasid}, ID, pasid, tag, 0, code, false};

    return uiommu_amd_cmd_answer(&a);
}

Test(amd_golden, answers)
{
    same(answer(true, 0x12345, 0x1a5, UIOMMU_CODE_SUCCESS), 0x118, 0x70012345, 4, 0x1a5);
    same(answer(true, 0x12345, 0x1a5, UIOMMU_CODE_INVALID), 0x118, 0x70012345, 4, 0x11a5);
    same(answer(true, 0x12345, 0x1a5, UIOMMU_CODE_FAILURE), 0x118, 0x70012345, 4, 0xf1a5);
    same(answer(false, 0, 0x1a5, UIOMMU_CODE_SUCCESS), 0x118, 0x70000000, 0, 0x1a5);
    same(answer(false, 0, 0, UIOMMU_CODE_FAILURE), 0x118, 0x70000000, 0, 0xf000);
    same(answer(true, 0, 0, UIOMMU_CODE_SUCCESS), 0x118, 0x70000000, 4, 0);
    same(answer(false, 5, 0, UIOMMU_CODE_SUCCESS), 0x118, 0x70000000, 0, 0);
}

Test(amd_golden, registers)
{
    struct uiommu_amd hw;

    cr_assert_eq(uiommu_amd_devtab_base(0x100000000), 0x1000001ff);
    cr_assert_eq(uiommu_amd_ring_base(0x200000000, 9), 0x0900000200000000);
    cr_assert_eq(uiommu_amd_ring_base(0x300080000, 15), 0x0f00000300080000);
    memset(&hw, 0, sizeof(hw));
    hw.config.invalidation_ns = 1000000000;
    cr_assert_eq(uiommu_amd_control_base(&hw), 0x148d & 0x4e0);
    hw.f.eph = true;
    hw.config.ivhd_flags = 0xf;
    cr_assert_eq(uiommu_amd_control_base(&hw), 0x200000000000 | 0xf82);
}

/* SE is always there beside what the sheet has. */
static void dte(uint64_t root, uint32_t levels, uint32_t domain, uint32_t flags, uint32_t set,
                const uint64_t want[3])
{
    struct uiommu_amd hw;
    struct amd_device dev;
    uint64_t out[3];
    uint32_t i;

    memset(&hw, 0, sizeof(hw));
    memset(&dev, 0, sizeof(dev));
    hw.f.ppr = true;
    hw.f.guest = true;
    hw.f.gio = (want[0] >> 54 & 1) != 0;
    hw.config.flags = UIOMMU_AMD_UNTAGGED_PASSES | (want[2] != 0 ? UIOMMU_AMD_FIVE_LEVEL : 0);
    dev.root.bus = root;
    dev.levels = levels;
    dev.domain = domain;
    dev.flags = flags;
    uiommu_amd_dte_build(&hw, &dev, set, out);
    for (i = 0; i < 3; i++)
        cr_assert_eq(out[i], want[i] | (i == 1 ? UINT64_C(1) << 33 : 0), "word %u: %llx", i,
                     (unsigned long long)out[i]);
}

Test(amd_golden, device_entries)
{
    const uint64_t a[] = {0x7d90000000000003, 0x0001200168ac0042, 0};
    const uint64_t b[] = {0x7db0000000000003, 0x0001200168ac0042, 0};
    const uint64_t c[] = {0x7cd0000000000003, 0x089ab8019bde1234, 0};
    const uint64_t d[] = {0x7ec0000000000003, 0xfffff801ffffffff, 0x0040000000000000};
    const uint64_t e[] = {0x7c80000000000003, 0, 0};
    const uint64_t f[] = {0x6080000000000003, 0x00000000ffff0000, 0};
    const uint64_t g[] = {0x6080000000000003, 0xfffff80000000000, 0};
    uint32_t pri = UIOMMU_DEVICE_PRI, ats = UIOMMU_DEVICE_SET_ATS;

    dte(0x1234567000, 2, 0x42, pri, ats, a);
    dte(0x1234567000, 2, 0x42, pri, ats | UIOMMU_DEVICE_SET_PASID_REQUIRED, b);
    dte(0x89abcdef7000, 1, 0x1234, pri, ats, c);
    dte(0xffffffffff000, 3, 0xffff, 0, ats, d);
    dte(0x7000, 1, 0, 0, 0, e);
    dte(0x7fff8000, 1, 0, 0, 0, f);
    dte(0xfffff80000000, 1, 0, 0, 0, g);
    cr_assert_eq(AMD_DTE_BLOCKED, 1);
}

Test(amd_golden, gcr3_entries)
{
    cr_assert_eq(uiommu_amd_gcr3_entry(0x123456000), 0x123456001);
}

static void request(uint32_t dw0, uint32_t dw1, uint64_t address, uint32_t pasid, uint32_t index,
                    uint32_t flags)
{
    uint64_t entry[2] = {dw0 | (uint64_t)dw1 << 32, address};
    struct uiommu_request r;

    cr_assert(uiommu_amd_prq_decode(entry, &r));
    cr_assert_eq(r.id, dw0 & 0xffff);
    cr_assert_eq(r.pasid, pasid);
    cr_assert_eq(r.index, index);
    cr_assert_eq(r.flags, flags, "%x", r.flags);
    cr_assert_eq(r.address, (flags & UIOMMU_REQUEST_MARKER) != 0 ? 0 : address);
}

Test(amd_golden, page_requests)
{
    const uint32_t p = UIOMMU_REQUEST_PASID, l = UIOMMU_REQUEST_LAST;
    uint64_t unknown[2] = {0x2000000000000118, 0};
    struct uiommu_request r;

    request(0x23450118, 0x116007a5, 0x7fff12345000, 0x12345, 0x1a5, p | l | UIOMMU_WRITE);
    request(0x12340118, 0x114401a5, 0x7fff12344000, 0x1234, 0x1a5, p | UIOMMU_READ);
    request(0x12340118, 0x116403a5, 0x7fff12345000, 0x1234, 0x1a5,
            p | l | UIOMMU_READ | UIOMMU_WRITE);
    request(0x00010118, 0x114603ff, 0x400000, 1, 0x1ff, p | l | UIOMMU_READ | UIOMMU_EXEC);
    request(0xffffffff, 0x11043e00, 0xffffffff81000000, 0xfffff, 0,
            p | l | UIOMMU_READ | UIOMMU_PRIV);
    request(0x00000118, 0x10040207, 0x1000, UIOMMU_PASID_NONE, 7, l | UIOMMU_READ);
    request(0x12340118, 0x11c40207, 0x1000, 0x1234, 7,
            p | l | UIOMMU_READ | UIOMMU_REQUEST_MALFORMED);
    request(0x12340118, 0x11000200, 0, 0x1234, 0, p | UIOMMU_REQUEST_MARKER);
    request(0x12340118, 0x110003a5, 0x5000, 0x1234, 0, p | UIOMMU_REQUEST_MARKER);
    request(0x12340118, 0x11000007, 0x5000, 0x1234, 7, p | UIOMMU_PRIV);
    request(0x00000118, 0x11440207, 0x1000, UIOMMU_PASID_NONE, 7, l | UIOMMU_READ);
    cr_assert_not(uiommu_amd_prq_decode(unknown, &r));
}

static struct uiommu_event event(uint32_t dw0, uint32_t dw1, uint64_t address)
{
    struct amd_stashed s = {{dw0 | (uint64_t)dw1 << 32, address}, {0, 0}};
    struct uiommu_event e;

    uiommu_amd_event_decode(&s, &e);
    cr_assert_eq(e.address, address);
    cr_assert_eq(e.hw_code, dw1 >> 28);
    cr_assert_eq(e.raw[0], s.entry[0]);
    return e;
}

static void is(struct uiommu_event e, enum uiommu_event_kind kind, uint32_t id, uint32_t pasid,
               uint32_t access)
{
    cr_assert_eq(e.kind, kind, "kind %d", e.kind);
    cr_assert_eq(e.id, id);
    cr_assert_eq(e.pasid, pasid);
    cr_assert_eq(e.access, access, "access %x", e.access);
}

Test(amd_golden, events)
{
    const uint32_t none = UIOMMU_PASID_NONE, w = UIOMMU_WRITE, r = UIOMMU_READ;

    is(event(ID, 0x20200007, 0xdead1000), UIOMMU_EVENT_TRANSLATION, ID, none, w);
    is(event(ID, 0x20700007, 0xdead1000), UIOMMU_EVENT_PERMISSION, ID, none, w);
    is(event(ID, 0x20100007, 0xdead1000), UIOMMU_EVENT_BAD_CONTEXT, ID, none, r);
    is(event(0x10118, 0x20252345, 0x7fff12345000), UIOMMU_EVENT_TRANSLATION, ID, 0x12345, w);
    is(event(0x10118, 0x20b12345, 0x7fff12345000), UIOMMU_EVENT_BAD_CONTEXT, ID, 0x12345,
       w | UIOMMU_PRIV);
    is(event(ID, 0x10a00000, 0x2000), UIOMMU_EVENT_BAD_TABLE, ID, none, w);
    is(event(ID, 0x34000000, 0x80002300), UIOMMU_EVENT_FETCH_ABORT, ID, none, r);
    is(event(ID, 0x44200007, 0xabcdef008), UIOMMU_EVENT_FETCH_ABORT, ID, none, w);
    is(event(0, 0x50000000, 0x123450040), UIOMMU_EVENT_COMMAND_ERROR, UINT32_MAX, none, 0);
    is(event(0, 0x66000000, 0x123450040), UIOMMU_EVENT_COMMAND_ERROR, UINT32_MAX, none, 0);
    is(event(ID, 0x70000000, 0x123450040), UIOMMU_EVENT_INVALIDATION_TIMEOUT, ID, none, 0);
    is(event(ID, 0x82000000, 0x1000), UIOMMU_EVENT_TRANSLATED_REFUSED, ID, none, 0);
    is(event(0x23450118, 0x920107a5, 0x7fff12345000), UIOMMU_EVENT_UNKNOWN, ID, 0x12345, 0);
}

Test(amd_golden, events_to_answer)
{
    uint64_t asks[2] = {0x920007a523450118, 0x7fff12345000};
    uint64_t answered[2] = {0x920107a523450118, 0x7fff12345000};
    struct uiommu_request r;

    cr_assert(uiommu_amd_event_asks(asks));
    cr_assert_not(uiommu_amd_event_asks(answered));
    uiommu_amd_event_request(asks, &r);
    cr_assert_eq(r.id, ID);
    cr_assert_eq(r.pasid, 0x12345);
    cr_assert_eq(r.index, 0x1a5);
    cr_assert_eq(r.flags, UIOMMU_REQUEST_PASID | UIOMMU_REQUEST_LAST | UIOMMU_REQUEST_PRESET);
    cr_assert_eq(r.preset, UIOMMU_CODE_FAILURE);
    cr_assert_eq(r.cookie[0], 1);
    cr_assert_eq(r.cookie[1], 0x12345);
}
