/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SMMUv3 commands and PRI queue entries, every input. Bits by number as in IHI 0070 ch. 4 and 8.1:
 * each field where it belongs, no bit set beside them, and what came in goes out in the answer.
 */
#include "../prove.h"

#include <backends/smmuv3/smmuv3_encode.c>
#include <backends/smmuv3/smmuv3_prq.c>

#define ONLY(c, m0, m1) PROVE(((c).d[0] & ~(m0)) == 0 && ((c).d[1] & ~(m1)) == 0)
#define SID             UINT64_C(0xffffffff00000000)
#define SSID            UINT64_C(0x00000000fffff000)

static void entries(void)
{
    uint32_t sid = nondet_u32(), ssid = nondet_u32() & 0xfffffu;
    bool leaf = nondet_bool();
    struct smmuv3_command c = uiommu_smmuv3_cmd_cfgi_ste(sid, leaf);

    ONLY(c, SID | 0xff, 1);
    PROVE(sheet_bits(c.d[0], 7, 0) == 0x03 && sheet_bits(c.d[0], 63, 32) == sid);
    PROVE(sheet_bits(c.d[1], 0, 0) == leaf);
    c = uiommu_smmuv3_cmd_cfgi_cd(sid, ssid, leaf);
    ONLY(c, SID | SSID | 0xff, 1);
    PROVE(sheet_bits(c.d[0], 7, 0) == 0x05 && sheet_bits(c.d[0], 63, 32) == sid);
    PROVE(sheet_bits(c.d[0], 31, 12) == ssid && sheet_bits(c.d[1], 0, 0) == leaf);
    c = uiommu_smmuv3_cmd_cfgi_all();
    PROVE(c.d[0] == 0x04 && c.d[1] == 31);
    c = uiommu_smmuv3_cmd_sync();
    PROVE(c.d[0] == 0x46 && c.d[1] == 0);
    c = uiommu_smmuv3_cmd_stall_term(sid);
    PROVE(c.d[0] == ((uint64_t)sid << 32 | 0x45) && c.d[1] == 0);
}

static void tlbi(void)
{
    uint32_t tag = nondet_u32() & 0xffffu, num = nondet_u32() & 31u, scale = nondet_u32() & 31u;
    uint32_t granule = 12u + 2u * (nondet_u32() % 3u);
    uint64_t va = nondet_u64();
    bool leaf = nondet_bool();
    struct smmuv3_command c = uiommu_smmuv3_cmd_tlbi_va(tag, va, leaf);

    PROVE(c.d[0] == ((uint64_t)tag << 48 | 0x12));
    PROVE(c.d[1] == ((va >> 12 << 12) | leaf));
    c = uiommu_smmuv3_cmd_ranged(c, granule, num, scale);
    ONLY(c, UINT64_C(0xffff) << 48 | UINT64_C(0x1f) << 20 | UINT64_C(0x1f) << 12 | 0xff,
         ~UINT64_C(0xfff) | 0xc01);
    PROVE(sheet_bits(c.d[0], 16, 12) == num && sheet_bits(c.d[0], 24, 20) == scale);
    PROVE(granule == 12 + 2 * (sheet_bits(c.d[1], 11, 10) - 1));
    c = uiommu_smmuv3_cmd_tlbi_asid(tag);
    PROVE(c.d[0] == ((uint64_t)tag << 48 | 0x11) && c.d[1] == 0);
    c = uiommu_smmuv3_cmd_tlbi_vmid(tag);
    PROVE(c.d[0] == ((uint64_t)tag << 32 | 0x28) && c.d[1] == 0);
    c = uiommu_smmuv3_cmd_tlbi_ipa(tag, va, leaf);
    PROVE(c.d[0] == ((uint64_t)tag << 32 | 0x2a));
    PROVE(c.d[1] == ((va & UINT64_C(0x00fffffffffff000)) | leaf));
}

/* The block that the command names holds the whole range, and is not below the STU. */
static void atc(void)
{
    struct uiommu_range range = {nondet_u64(), nondet_u64(), nondet_bool()};
    uint32_t sid = nondet_u32(), pasid = nondet_u32(), stu = nondet_u32();
    bool all = nondet_bool();
    struct smmuv3_command c;
    uint64_t size, span;

    ASSUME(range.first <= range.last);
    ASSUME(stu >= 12 && stu <= 31);
    ASSUME(pasid < UINT32_C(1) << 20 || pasid == UIOMMU_PASID_NONE);
    c = uiommu_smmuv3_cmd_atc_inv(sid, pasid, all ? NULL : &range, stu);
    size = sheet_bits(c.d[1], 5, 0);
    ONLY(c, SID | SSID | 0x8ff, ~UINT64_C(0xfff) | 0x3f);
    PROVE(sheet_bits(c.d[0], 7, 0) == 0x40 && sheet_bits(c.d[0], 63, 32) == sid);
    PROVE(sheet_bits(c.d[0], 11, 11) == (pasid != UIOMMU_PASID_NONE));
    PROVE(sheet_bits(c.d[0], 31, 12) == (pasid != UIOMMU_PASID_NONE ? pasid : 0));
    PROVE(size <= 52 && size >= stu - 12 && (!all || size == 52));
    if (size < 52) {
        span = UINT64_C(4096) << size;
        PROVE((c.d[1] >> 12 << 12) % span == 0);
        PROVE(range.first - (c.d[1] >> 12 << 12) < span);
        PROVE(range.last - (c.d[1] >> 12 << 12) < span);
    }
}

/* From a request to its answer: names come back as they were, the code is PCIe's. */
static void page_request(void)
{
    static const uint8_t codes[] = {2, 1, 0};
    uint64_t entry[2] = {nondet_u64(), nondet_u64()};
    bool ssv = sheet_bits(entry[0], 63, 63) != 0, last = sheet_bits(entry[0], 62, 62) != 0;
    bool rw = sheet_bits(entry[0], 61, 60) != 0, marker = ssv && last && !rw;
    struct uiommu_request r;
    struct uiommu_answer a;
    struct smmuv3_command c;

    uiommu_smmuv3_prq_decode(entry, &r);
    PROVE(r.id == sheet_bits(entry[0], 31, 0));
    PROVE(((r.flags & UIOMMU_REQUEST_MARKER) != 0) == marker);
    PROVE(((r.flags & UIOMMU_REQUEST_LAST) != 0) == (last && !marker));
    PROVE(((r.flags & UIOMMU_REQUEST_PASID) != 0) == ssv);
    PROVE(r.pasid == (ssv ? sheet_bits(entry[0], 51, 32) : UIOMMU_PASID_NONE));
    if (marker)
        return;
    PROVE(r.address == (entry[1] >> 12 << 12) && r.index == sheet_bits(entry[1], 8, 0));
    PROVE((r.flags & 15u) == (sheet_bits(entry[0], 60, 60) * UIOMMU_READ |
                              sheet_bits(entry[0], 61, 61) * UIOMMU_WRITE |
                              sheet_bits(entry[0], 59, 59) * UIOMMU_EXEC |
                              sheet_bits(entry[0], 58, 58) * UIOMMU_PRIV));
    a.id = r.id;
    a.pasid = r.pasid;
    a.index = r.index;
    a.flags = r.flags & UIOMMU_REQUEST_PASID;
    a.code = nondet_u32();
    a.with_pasid = ssv && nondet_bool();
    c = uiommu_smmuv3_cmd_answer(&a);
    ONLY(c, SID | SSID | 0x8ff, 0x31ff);
    PROVE(sheet_bits(c.d[0], 7, 0) == 0x41 && sheet_bits(c.d[0], 63, 32) == r.id);
    PROVE(sheet_bits(c.d[0], 11, 11) == a.with_pasid);
    PROVE(sheet_bits(c.d[0], 31, 12) == (a.with_pasid ? sheet_bits(entry[0], 51, 32) : 0));
    PROVE(sheet_bits(c.d[1], 8, 0) == r.index);
    PROVE(sheet_bits(c.d[1], 13, 12) == (a.code <= 2 ? codes[a.code] : 1));
}

static void resume(void)
{
    struct uiommu_answer a = {{0, 0},       nondet_u32(), 0, nondet_u16(), UIOMMU_REQUEST_STALL,
                              nondet_u32(), nondet_bool()};
    struct smmuv3_command c = uiommu_smmuv3_cmd_answer(&a);
    uint64_t how = a.code == UIOMMU_CODE_SUCCESS ? 0x1000 : 0x2000;

    PROVE(c.d[0] == ((uint64_t)a.id << 32 | how | 0x44) && c.d[1] == a.index);
}

void prove(void)
{
    entries();
    tlbi();
    atc();
    page_request();
    resume();
}
