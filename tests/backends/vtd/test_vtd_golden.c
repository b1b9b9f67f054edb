/* SPDX-License-Identifier: BSD-2-Clause */
/* Encodings against the golden words of the sheet (22), by their numbers there. */
#include "fake_vtd.h"

#include <criterion/criterion.h>

#define SID   0x5e9bu
#define PFSID 0x5e08u
#define PASID 0xabcdeu
#define MIP   17u

static void same(const char *name, struct vtd_descriptor d, uint64_t q0, uint64_t q1)
{
    if (d.q[0] != q0 || d.q[1] != q1 || (d.q[2] | d.q[3]) != 0)
        cr_assert_fail("%s: %016llx %016llx", name, (unsigned long long)d.q[0],
                       (unsigned long long)d.q[1]);
}

Test(golden, caches)
{
    same("1", uiommu_vtd_context_global(), 0x11, 0);
    same("3", uiommu_vtd_context_device(SID), 0x00005e9b00000031, 0);
    same("5", uiommu_vtd_iotlb_global(), 0xd2, 0);
    same("23", uiommu_vtd_pasid_one(1, PASID), 0x000abcde00010017, 0);
    same("24", uiommu_vtd_pasid_global(), 0x37, 0);
}

Test(golden, waits)
{
    same("14", uiommu_vtd_wait(0x123456784, 0xcafe0001, false, false), 0xcafe000100000025,
         0x123456784);
    same("15 with SW", uiommu_vtd_wait(0x123456780, 0, true, false), 0x65, 0x123456780);
    same("16", uiommu_vtd_wait(0x123456788, 2, false, true), 0x00000002000000a5, 0x123456788);
    same("18 without IF", uiommu_vtd_wait(0xfffffffffc, 0x80000000, true, true), 0x80000000000000e5,
         0xfffffffffc);
}

Test(golden, pasid_iotlb)
{
    struct uiommu_range top = {0xffff800012345000, 0xffff800012345fff, false};
    struct uiommu_range large = {0x7f1234a00000, 0x7f1234bfffff, true};
    struct uiommu_range all = {0, UINT64_MAX, true};

    same("19", uiommu_vtd_piotlb(1, PASID, NULL, 18), 0x000abcde00010026, 0);
    same("20", uiommu_vtd_piotlb(1, PASID, &top, 18), 0x000abcde00010036, 0xffff800012345040);
    same("21", uiommu_vtd_piotlb(0x42, 0x21, &large, 18), 0x0000002100420036, 0x7f1234a00009);
    same("too wide", uiommu_vtd_piotlb(0x42, 0x21, &large, 8), 0x0000002100420026, 0);
    same("all", uiommu_vtd_piotlb(1, PASID, &all, 52), 0x000abcde00010036, 52);
}

/* 8 with the drains that are always asked for. */
Test(golden, iotlb)
{
    struct uiommu_range page = {0xfedcba987000, 0xfedcba987fff, false};
    struct uiommu_range large = {0x7f1234a00000, 0x7f1234bfffff, true};

    same("6", uiommu_vtd_iotlb_domain(0x42), 0x00000000004200e2, 0);
    same("7", uiommu_vtd_iotlb(0x42, &large, 18), 0x00000000004200f2, 0x00007f1234a00009);
    same("8", uiommu_vtd_iotlb(0xfffe, &page, 18), 0x00000000fffe00f2, 0x0000fedcba987040);
    same("as wide as MAMV", uiommu_vtd_iotlb(0x42, &large, 9), 0x00000000004200f2,
         0x00007f1234a00009);
    same("wider than MAMV", uiommu_vtd_iotlb(0x42, &large, 8), 0x00000000004200e2, 0);
    same("no range", uiommu_vtd_iotlb(0x42, NULL, 18), 0x00000000004200e2, 0);
}

static struct vtd_descriptor untagged(uint64_t first, uint64_t last, uint32_t pfsid, uint32_t mip)
{
    struct uiommu_range range = {first, last, false};

    return uiommu_vtd_devtlb(SID, pfsid, mip, &range);
}

static struct vtd_descriptor tagged(uint64_t first, uint64_t bytes)
{
    struct uiommu_range range = {first, first + bytes - 1, false};

    return uiommu_vtd_pdevtlb(SID, 0, 0, 0x21, &range);
}

Test(golden, device_tlb)
{
    struct uiommu_range top = {0xffff800012345000, 0xffff800012345fff, false};

    same("9", untagged(0x7f1234567000, 0x7f1234567fff, PFSID, MIP), 0x5e005e9b00118003,
         0x7f1234567000);
    same("10", untagged(0x7f1234a00000, 0x7f1234bfffff, 0, 0), 0x00005e9b00000003, 0x7f1234aff001);
    same("11", uiommu_vtd_devtlb(SID, PFSID, MIP, NULL), 0x5e005e9b00118003, 0x7ffffffffffff001);
    same("25", uiommu_vtd_pdevtlb(SID, PFSID, MIP, PASID, &top), 0x5e0abcde5e9b8118,
         0xffff800012345000);
    same("26", uiommu_vtd_pdevtlb(SID, PFSID, MIP, PASID, NULL), 0x5e0abcde5e9b8118,
         0x7ffffffffffff800);
    same("27", uiommu_vtd_pdevtlb(SID, 0, MIP, PASID, NULL), 0x000abcde5e9b0118,
         0x7ffffffffffff800);
    same("28", tagged(0x7f1234568000, 0x2000), 0x000000215e9b0008, 0x7f1234568800);
    same("29", tagged(0x7f1234568000, 0x4000), 0x000000215e9b0008, 0x7f1234569800);
    same("30", tagged(0x7f1234a00000, 0x200000), 0x000000215e9b0008, 0x7f1234aff800);
    same("31", tagged(0x7f1200000000, 0x40000000), 0x000000215e9b0008, 0x7f121ffff800);
    same("all by range", untagged(0, UINT64_MAX, 0, 0), 0x00005e9b00000003, 0x7ffffffffffff001);
    same("half", untagged(0, UINT64_MAX >> 1, 0, 0), 0x00005e9b00000003, 0x3ffffffffffff001);
}

static struct vtd_descriptor answer(uint32_t id, uint32_t pasid, uint32_t index, uint32_t code,
                                    bool private_data)
{
    struct uiommu_answer a;

    memset(&a, 0, sizeof(a));
    a.id = id;
    a.pasid = pasid;
    a.index = index;
    a.code = code;
    a.flags = pasid != UIOMMU_PASID_NONE ? UIOMMU_REQUEST_PASID : 0;
    a.cookie[0] = private_data && index != 1 ? 7 : 0;
    a.cookie[1] = private_data && index != 0 ? 8 : 0;
    return uiommu_vtd_response(&a, private_data);
}

Test(golden, responses)
{
    struct vtd_descriptor d = answer(SID, PASID, 0x1a5, UIOMMU_CODE_SUCCESS, true);
    struct uiommu_answer none;

    same("33", answer(SID, PASID, 0x1a5, UIOMMU_CODE_SUCCESS, false), 0x000abcde5e9b0019, 0xd28);
    same("34", answer(SID, PASID, 0x1a5, UIOMMU_CODE_INVALID, false), 0x000abcde5e9b1019, 0xd28);
    same("35", answer(SID, UIOMMU_PASID_NONE, 0x1ff, UIOMMU_CODE_SUCCESS, false),
         0x000000005e9b0009, 0xff8);
    same("36", answer(0x10, 0x21, 0, UIOMMU_CODE_FAILURE, false), 0x000000210010f019, 0);
    cr_assert_eq(d.q[0], 0x000abcde5e9b0039);
    cr_assert_eq(d.q[2], 7);
    cr_assert_eq(d.q[3], 8);
    d = answer(SID, PASID, 0, UIOMMU_CODE_SUCCESS, true);
    cr_assert(d.q[0] == 0x000abcde5e9b0039 && d.q[2] == 7 && d.q[3] == 0);
    d = answer(SID, PASID, 1, UIOMMU_CODE_SUCCESS, true);
    cr_assert(d.q[0] == 0x000abcde5e9b0039 && d.q[2] == 0 && d.q[3] == 8);
    memset(&none, 0, sizeof(none));
    d = uiommu_vtd_response(&none, true);
    cr_assert_eq(d.q[0], 9, "there is none");
    none.cookie[1] = 1;
    d = uiommu_vtd_response(&none, true);
    cr_assert_eq(d.q[0], 0x29);
}

Test(golden, ranges)
{
    static const struct {
        uint64_t first, last, base;
        uint32_t order;
    } rows[] = {
        {0x5000, 0x5fff, 0x5000, 0}, {0x4000, 0x5fff, 0x4000, 1},
        {0x1000, 0x2fff, 0, 2},      {0x3000, 0x4fff, 0, 3},
        {0x7000, 0x8fff, 0, 4},      {0x200000, 0x3fffff, 0x200000, 9},
        {0, UINT64_MAX, 0, 52},      {0xffff800000000000, UINT64_MAX, 0xffff800000000000, 35},
        {0x1ff000, 0x200fff, 0, 10}, {0x7f1234567000, 0x7f1234568fff, 0x7f1234560000, 4},
    };
    uint64_t base;
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        cr_expect_eq(uiommu_vtd_cover(rows[i].first, rows[i].last, &base), rows[i].order);
        cr_expect_eq(base, rows[i].base);
    }
}

static uint64_t context(uint32_t flags, uint32_t bits, uint32_t pdts, uint64_t dir, uint32_t set)
{
    struct vtd_device dev;

    memset(&dev, 0, sizeof(dev));
    dev.flags = flags;
    dev.pasid_bits = bits;
    dev.pdts = pdts;
    dev.directory.bus = dir;
    return uiommu_vtd_context_word(&dev, UIOMMU_DEVICE_SET_OPEN | set);
}

Test(golden, tables)
{
    cr_expect_eq(uiommu_vtd_root_word(0x123457000), 0x0000000123457001);
    cr_expect_eq(context(UIOMMU_DEVICE_PRI, 20, 7, 0x123456789000, UIOMMU_DEVICE_SET_ATS),
                 0x0000123456789e1d);
    cr_expect_eq(context(0, 17, 4, 0xfedcba987000, UIOMMU_DEVICE_SET_ATS), 0x0000fedcba98780d);
    cr_expect_eq(context(UIOMMU_DEVICE_PRI, 0, 0, 0x1000000, 0), 0x0000000001000001);
    cr_expect_eq(uiommu_vtd_directory_word(0x2345000), 0x0000000002345001);
}

Test(golden, pasid_entries)
{
    struct uiommu_root root = {UIOMMU_ROOT_X86_64, 12, 48, 52, 0, 0x7654321000, 0, {0}};
    struct uiommu_vtd hw;
    uint64_t w[VTD_PASID_WORDS];

    memset(&hw, 0, sizeof(hw));
    hw.f.snoop_walk = true;
    uiommu_vtd_pasid_build(&hw, &root, 1, w);
    cr_expect_eq(w[0], 0x41);
    cr_expect_eq(w[1], 0x800001);
    cr_expect_eq(w[2], 0x7654321000);
    cr_expect_eq(w[3] | w[4] | w[5] | w[6] | w[7], 0);
    root.va_bits = 57;
    hw.f.snoop_walk = false;
    uiommu_vtd_pasid_build(&hw, &root, 0xfffe, w);
    cr_expect_eq(w[0], 0x41);
    cr_expect_eq(w[1], 0xfffe);
    cr_expect_eq(w[2], 0x7654321004);
    hw.config.quirks = UIOMMU_VTD_QUIRK_FIRST_WIDTH;
    uiommu_vtd_pasid_build(&hw, &root, 1, w);
    cr_expect_eq(w[0], 0x4d);
    root.va_bits = 48;
    uiommu_vtd_pasid_build(&hw, &root, 1, w);
    cr_expect_eq(w[0], 0x49);
    cr_expect_eq(w[2], 0x7654321000);
}

Test(golden, second_stage_entries)
{
    struct uiommu_root root = {UIOMMU_ROOT_X86_64_STAGE2, 12, 48, 0, 3, 0x89abcd000, 0, {0}};
    struct uiommu_vtd hw;
    uint64_t w[VTD_PASID_WORDS];

    memset(&hw, 0, sizeof(hw));
    hw.f.snoop_walk = true;
    uiommu_vtd_pasid_build(&hw, &root, 0x42, w);
    cr_expect_eq(w[0], 0x000000089abcd089);
    cr_expect_eq(w[1], 0x0000000000800042);
    cr_expect_eq(w[2] | w[3] | w[4] | w[5] | w[6] | w[7], 0);
    root.va_bits = 57;
    hw.f.second_flags = true;
    uiommu_vtd_pasid_build(&hw, &root, 0x42, w);
    cr_expect_eq(w[0], 0x000000089abcd28d);
    root.va_bits = 39;
    root.flags = UIOMMU_ROOT_ACCESSED; /* Not without the other. */
    uiommu_vtd_pasid_build(&hw, &root, 0x42, w);
    cr_expect_eq(w[0], 0x000000089abcd085);
}

/* As the sheet's, without supervisor requests. */
Test(golden, nested_entry)
{
    struct uiommu_root root = {UIOMMU_ROOT_X86_64, 12, 48, 0, 0, 0x40000000, 0, {0}};
    struct uiommu_vtd hw;
    uint64_t w[VTD_PASID_WORDS];

    memset(&hw, 0, sizeof(hw));
    hw.f.snoop_walk = true;
    root.under.format = UIOMMU_ROOT_X86_64_STAGE2;
    root.under.granule_bits = 12;
    root.under.va_bits = 48;
    root.under.table = 0x89abcd000;
    uiommu_vtd_pasid_build(&hw, &root, 0x43, w);
    cr_expect_eq(w[0], 0x000000089abcd0c9);
    cr_expect_eq(w[1], 0x0000000000800043);
    cr_expect_eq(w[2], 0x0000000040000000);
    root.va_bits = 57;
    uiommu_vtd_pasid_build(&hw, &root, 0x43, w);
    cr_expect_eq(w[2], 0x0000000040000004);
}

static struct uiommu_vtd quirky(uint32_t quirks)
{
    struct uiommu_vtd hw;

    memset(&hw, 0, sizeof(hw));
    hw.config.quirks = quirks;
    return hw;
}

static enum vtd_entry decode(uint64_t q0, uint64_t q1, struct uiommu_request *r)
{
    struct uiommu_vtd hw = quirky(0);
    uint64_t entry[4] = {q0, q1, 0xdead, 0xbeef}; /* Reserved: anything. */
    struct uiommu_event event;

    return uiommu_vtd_prq_decode(&hw, entry, r, &event);
}

Test(golden, page_requests)
{
    struct uiommu_request r;

    cr_assert_eq(decode(0x000abcde5e9b0101, 0x7f1234567d2f, &r), VTD_ENTRY_REQUEST);
    cr_expect_eq(r.id, SID);
    cr_expect_eq(r.pasid, PASID);
    cr_expect_eq(r.index, 0x1a5);
    cr_expect_eq(r.address, 0x7f1234567000);
    cr_expect_eq(r.flags, UIOMMU_READ | UIOMMU_WRITE | UIOMMU_REQUEST_LAST | UIOMMU_REQUEST_PASID);
    cr_expect_eq(r.cookie[0] | r.cookie[1], 0);
    cr_assert_eq(decode(0x000000005e9b0001, 0x0000fedcba987ff9, &r), VTD_ENTRY_REQUEST);
    cr_expect_eq(r.address, 0xfedcba987000); /* Second stages have no sign. */
    cr_expect_eq(r.pasid, UIOMMU_PASID_NONE);
    cr_expect_eq(r.flags, UIOMMU_READ);
    cr_expect_eq(r.index, 0x1ff);
    cr_assert_eq(decode(0x0030002100100101, 0xffff800012345005, &r), VTD_ENTRY_REQUEST);
    cr_expect_eq(r.flags, UIOMMU_READ | UIOMMU_EXEC | UIOMMU_PRIV | UIOMMU_REQUEST_LAST |
                              UIOMMU_REQUEST_PASID);
    cr_assert_eq(decode(0x000abcde5e9b0101, 4, &r), VTD_ENTRY_REQUEST);
    cr_expect_eq(r.flags, UIOMMU_REQUEST_MARKER | UIOMMU_REQUEST_PASID);
    cr_expect_eq(r.pasid, PASID);
}

Test(golden, odd_page_requests)
{
    struct uiommu_vtd hw = quirky(UIOMMU_VTD_QUIRK_PRIVATE_DATA);
    uint64_t entry[4] = {0x000abcde5e9b0301, 0x7f1234567d2f, 5, 6};
    struct uiommu_event event;
    struct uiommu_request r;

    cr_expect_eq(decode(0x000000005e9b0001, 4, &r), VTD_ENTRY_EVENT); /* A marker of nobody. */
    cr_expect_eq(decode(0x000abcde5e9b0102, 0x7f1234567d2f, &r), VTD_ENTRY_EVENT);
    decode(0x000abcde5e9b0101, 0x0000fedcba987ff9, &r); /* Not canonical with 4 levels. */
    cr_expect((r.flags & UIOMMU_REQUEST_MALFORMED) != 0);
    decode(0x0010002100100101, 0x6, &r); /* Execution without reading. */
    cr_expect((r.flags & UIOMMU_REQUEST_MALFORMED) != 0);
    decode(0x000abcde5e9b0101, 0xfedcba9876543004, &r); /* A marker's address counts nothing. */
    cr_expect_eq(r.flags, UIOMMU_REQUEST_MARKER | UIOMMU_REQUEST_PASID);
    cr_expect_eq(uiommu_vtd_prq_decode(&hw, entry, &r, &event), VTD_ENTRY_REQUEST);
    cr_expect_eq(r.cookie[0], 5);
    cr_expect_eq(r.cookie[1], 6);
}

static void fault(uint64_t q0, uint64_t q1, enum uiommu_event_kind kind, uint32_t pasid,
                  uint32_t access)
{
    uint64_t record[2] = {q0, q1};
    struct uiommu_event e;

    uiommu_vtd_fault_decode(record, &e);
    cr_expect_eq(e.kind, kind, "%llx: %d", (unsigned long long)q1, (int)e.kind);
    cr_expect_eq(e.id, SID);
    cr_expect_eq(e.pasid, pasid);
    cr_expect_eq(e.access, access, "%llx: %u", (unsigned long long)q1, e.access);
    cr_expect_eq(e.address, q0);
    cr_expect_eq(e.hw_code, (q1 >> 32) & 0xff);
}

Test(golden, fault_records)
{
    uint32_t none = UIOMMU_PASID_NONE;

    fault(0x7f1234567000, 0xcabcde7180005e9b, UIOMMU_EVENT_TRANSLATION, PASID, UIOMMU_READ);
    fault(0x7f1234567000, 0x8000007900005e9b, UIOMMU_EVENT_TRANSLATION, none, UIOMMU_WRITE);
    fault(0x7f1234567000, 0x8abcde4790005e9b, UIOMMU_EVENT_ATS_REFUSED, PASID, 0);
    fault(0x7f1234567000, 0xc000215db0005e9b, UIOMMU_EVENT_PERMISSION, 0x21,
          UIOMMU_READ | UIOMMU_WRITE | UIOMMU_PRIV);
    fault(0xfedcba987000, 0xd000004400005e9b, UIOMMU_EVENT_ATS_REFUSED, none, UIOMMU_READ);
    fault(0xfedcba987000, 0xe000004400005e9b, UIOMMU_EVENT_TRANSLATED_REFUSED, none, UIOMMU_READ);
}
