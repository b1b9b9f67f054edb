/* SPDX-License-Identifier: BSD-2-Clause */
#include "model_smmuv3_internal.h"

#define D0_SID   0xFFFFFFFF00000000u
#define D0_SSID  0x00000000FFFFF000u
#define D0_SSV   0x0000000000000800u
#define D0_SSEC  0x0000000000000400u
#define D0_VMID  0x0000FFFF00000000u
#define D0_ASID  0xFFFF000000000000u
#define D0_RANGE 0x0000000001F1F000u
#define D1_PAGE  0xFFFFFFFFFFFFF000u
#define D1_IPA   0x00FFFFFFFFFFF000u
#define D1_RANGE 0x0000000000000F00u

struct shape {
    uint8_t op;
    bool range;  /* Takes a range with IDR3.RIL. */
    uint64_t d0; /* Bits that are fields, the opcode apart. */
    uint64_t d1;
};

static const struct shape shapes[] = {
    {SMMU_CMD_PREFETCH_CONFIG, false, D0_SID | D0_SSID | D0_SSV | D0_SSEC, 0},
    {SMMU_CMD_PREFETCH_ADDR, false, D0_SID | D0_SSID | D0_SSV | D0_SSEC, UINT64_MAX},
    {SMMU_CMD_CFGI_STE, false, D0_SID | D0_SSEC, 1},
    {SMMU_CMD_CFGI_STE_RANGE, false, D0_SID | D0_SSEC, 0x1F},
    {SMMU_CMD_CFGI_CD, false, D0_SID | D0_SSID | D0_SSV | D0_SSEC, 1},
    {SMMU_CMD_CFGI_CD_ALL, false, D0_SID | D0_SSEC, 0},
    {SMMU_CMD_TLBI_NH_ALL, false, D0_VMID, 0},
    {SMMU_CMD_TLBI_NH_ASID, false, D0_VMID | D0_ASID, 0},
    {SMMU_CMD_TLBI_NH_VA, true, D0_VMID | D0_ASID, D1_PAGE | 1},
    {SMMU_CMD_TLBI_NH_VAA, true, D0_VMID, D1_PAGE | 1},
    {SMMU_CMD_TLBI_EL2_ALL, false, 0, 0},
    {SMMU_CMD_TLBI_EL2_ASID, false, D0_ASID, 0},
    {SMMU_CMD_TLBI_EL2_VA, true, D0_ASID, D1_PAGE | 1},
    {SMMU_CMD_TLBI_EL2_VAA, true, 0, D1_PAGE | 1},
    {SMMU_CMD_TLBI_S12_VMALL, false, D0_VMID, 0},
    {SMMU_CMD_TLBI_S2_IPA, true, D0_VMID, D1_IPA | 1},
    {SMMU_CMD_TLBI_NSNH_ALL, false, 0, 0},
    {SMMU_CMD_ATC_INV, false, D0_SID | D0_SSID | D0_SSV | 0x200u, D1_PAGE | 0x3F},
    {SMMU_CMD_PRI_RESP, false, D0_SID | D0_SSID | D0_SSV, 0x31FF},
    {SMMU_CMD_RESUME, false, D0_SID | D0_SSEC | 0x3000u, 0xFFFF},
    {SMMU_CMD_STALL_TERM, false, D0_SID | D0_SSEC, 0},
    {SMMU_CMD_SYNC, false, D0_SID | 0x0FC03000u, 0x00FFFFFFFFFFFFFCu},
};

static const struct shape *shape_of(uint32_t op)
{
    size_t i;

    for (i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
        if (shapes[i].op == op) {
            return &shapes[i];
        }
    }
    return NULL;
}

/* Whether this implementation has the command at all. */
static bool has_command(const struct model_smmuv3 *m, uint32_t op)
{
    const struct model_smmuv3_config *c = &m->config;

    switch (op) {
    case SMMU_CMD_CFGI_CD:
    case SMMU_CMD_CFGI_CD_ALL:
    case SMMU_CMD_TLBI_NH_ALL:
    case SMMU_CMD_TLBI_NH_ASID:
    case SMMU_CMD_TLBI_NH_VA:
    case SMMU_CMD_TLBI_NH_VAA:
        return c->s1p;
    case SMMU_CMD_TLBI_EL2_ALL:
    case SMMU_CMD_TLBI_EL2_ASID:
    case SMMU_CMD_TLBI_EL2_VA:
    case SMMU_CMD_TLBI_EL2_VAA:
        return c->hyp;
    case SMMU_CMD_TLBI_S12_VMALL:
    case SMMU_CMD_TLBI_S2_IPA:
        return c->s2p;
    case SMMU_CMD_ATC_INV:
        return c->ats;
    case SMMU_CMD_PRI_RESP:
        return c->pri;
    case SMMU_CMD_RESUME:
    case SMMU_CMD_STALL_TERM:
        return c->stall_model != 1;
    default:
        return true;
    }
}

/* Address bits that a TTL asks to be zero; 0: none. */
static uint64_t range_alignment(uint32_t tg, uint32_t ttl)
{
    if (tg == 1) {
        return ttl == 1 ? smmu_ones(30) : ttl == 2 ? smmu_ones(21) : 0;
    }
    if (tg == 2) {
        return ttl == 2 ? smmu_ones(25) : smmu_ones(14);
    }
    return ttl == 1 ? smmu_ones(42) : ttl == 2 ? smmu_ones(29) : smmu_ones(16);
}

static bool range_legal(struct model_smmuv3 *m, uint64_t d0, uint64_t d1)
{
    uint32_t tg = smmu_bits(d1, 11, 10);
    uint32_t ttl = smmu_bits(d1, 9, 8);
    uint32_t num = smmu_bits(d0, 16, 12);
    uint32_t scale = smmu_bits(d0, 24, 20);

    if (tg == 0) {
        if (num != 0 || scale != 0 || ttl != 0) {
            smmu_wrong(m, "smmuv3.cmd.reserved", "NUM, SCALE or TTL without TG", d0, d1);
        }
        return true;
    }
    if (tg == 2 && ttl == 1) {
        ttl = 0;
    }
    if (num == 0 && scale == 0 && ttl == 0) {
        smmu_wrong(m, "smmuv3.cmd.illegal", "TLBI range with NUM, SCALE and TTL zero", d0, d1);
        return false;
    }
    if ((d1 & D1_PAGE & range_alignment(tg, ttl)) != 0) {
        smmu_wrong(m, "smmuv3.cmd.range-misaligned", "TLBI range address not aligned for its TTL",
                   d0, d1);
    }
    return true;
}

/* Wrong without being an error to hardware. */
static void check_manners(struct model_smmuv3 *m, const struct shape *shape, uint64_t d0,
                          uint64_t d1)
{
    bool has_sid = (shape->d0 & D0_SID) == D0_SID && shape->op != SMMU_CMD_SYNC &&
                   (shape->op < SMMU_CMD_TLBI_NH_ALL || shape->op > SMMU_CMD_TLBI_NSNH_ALL);
    bool all = shape->op == SMMU_CMD_CFGI_STE_RANGE && (d1 & 0x1F) == 31;

    if (has_sid && !all && (d0 >> 32) > smmu_ones(m->config.sid_bits)) {
        smmu_wrong(m, "smmuv3.cmd.sid-range", "StreamID beyond SIDSIZE", d0, d1);
    }
    if ((shape->d0 & D0_SSV) != 0 && shape->op != SMMU_CMD_CFGI_CD && (d0 & D0_SSV) != 0 &&
        m->config.ssid_bits == 0) {
        smmu_wrong(m, "smmuv3.cmd.ssv-without-substreams", "SSV=1 without substreams", d0, d1);
    }
    if ((shape->d0 & D0_SSID) != 0 && smmu_bits(d0, 31, 12) > smmu_ones(m->config.ssid_bits)) {
        smmu_wrong(m, "smmuv3.cmd.ssid-range", "SubstreamID beyond SSIDSIZE", d0, d1);
    }
    if (has_sid) {
        return;
    }
    if ((shape->d0 & D0_ASID) != 0 && shape->op != SMMU_CMD_SYNC && !m->config.asid16 &&
        smmu_bits(d0, 63, 56) != 0) {
        smmu_wrong(m, "smmuv3.cmd.asid-range", "16-bit ASID without ASID16", d0, d1);
    }
    if ((shape->d0 & D0_VMID) != 0 && shape->op != SMMU_CMD_SYNC) {
        if (!m->config.s2p && smmu_bits(d0, 47, 32) != 0) {
            smmu_wrong(m, "smmuv3.cmd.vmid-without-s2", "VMID is not 0 although S2P=0", d0, d1);
        } else if (!m->config.vmid16 && smmu_bits(d0, 47, 40) != 0) {
            smmu_wrong(m, "smmuv3.cmd.vmid-range", "16-bit VMID without VMID16", d0, d1);
        }
    }
}

static bool fields_legal(struct model_smmuv3 *m, uint32_t op, uint64_t d0, uint64_t d1)
{
    const char *why = NULL;

    if (op == SMMU_CMD_SYNC && smmu_bits(d0, 13, 12) == 3) {
        why = "CMD_SYNC with CS=3";
    } else if (op == SMMU_CMD_PRI_RESP && smmu_bits(d1, 13, 12) == 3) {
        why = "CMD_PRI_RESP with Resp=3";
    } else if (op == SMMU_CMD_ATC_INV && smmu_bits(d1, 5, 0) > 52) {
        if (!m->knobs.atc_size_illegal) {
            smmu_wrong(m, "smmuv3.cmd.atc-size", "CMD_ATC_INV with Size > 52", d0, d1);
            return true;
        }
        why = "CMD_ATC_INV with Size > 52";
    }
    if (why != NULL) {
        smmu_wrong(m, "smmuv3.cmd.illegal", why, d0, d1);
        return false;
    }
    return true;
}

/* false: CERROR_ILL. Everything wrong is reported, what hardware ignores included. */
bool smmu_command_legal(struct model_smmuv3 *m, uint64_t d0, uint64_t d1)
{
    uint32_t op = (uint32_t)(d0 & 0xFF);
    const struct shape *shape = shape_of(op);
    uint64_t d0_fields, d1_fields;

    if (shape == NULL || !has_command(m, op)) {
        smmu_wrong(m, "smmuv3.cmd.illegal", "reserved command, or one of an absent feature", d0,
                   d1);
        return false;
    }
    if ((shape->d0 & D0_SSEC) != 0 && (d0 & D0_SSEC) != 0) {
        smmu_wrong(m, "smmuv3.cmd.illegal", "SSec=1 on a Non-secure queue", d0, d1);
        return false;
    }
    d0_fields = shape->d0 | 0xFF;
    d1_fields = shape->d1;
    if (shape->range && m->config.ril) {
        d0_fields |= D0_RANGE;
        d1_fields |= D1_RANGE;
    }
    if ((d0 & ~d0_fields) != 0 || (d1 & ~d1_fields) != 0) {
        smmu_wrong(m, "smmuv3.cmd.reserved", "reserved bits in a command", d0, d1);
        if (m->knobs.reserved_is_illegal) {
            return false;
        }
    }
    if (!fields_legal(m, op, d0, d1)) {
        return false;
    }
    if (shape->range && m->config.ril && !range_legal(m, d0, d1)) {
        return false;
    }
    check_manners(m, shape, d0, d1);
    return true;
}
