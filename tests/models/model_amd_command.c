/* SPDX-License-Identifier: BSD-2-Clause */
#include "model_amd_internal.h"

/* Bits that must be zero, by opcode. */
static const uint32_t reserved[9][4] = {
    {0, 0, 0, 0},
    {0, 0x0FF00000u, 0, 0},
    {0xFFFF0000u, 0x0FFFFFFFu, 0xFFFFFFFFu, 0xFFFFFFFFu},
    {0xFFF00000u, 0x0FFF0000u, 0x00000FF8u, 0},
    {0, 0, 0x00000FCAu, 0},
    {0xFFFF0000u, 0x0FFFFFFFu, 0xFFFFFFFFu, 0xFFFFFFFFu},
    {0x00FF0000u, 0x0FF00000u, 0x00000FEAu, 0},
    {0xFFFF0000u, 0x0FF00000u, 0xFFFFFFFBu, 0xFFFF0E00u},
    {0xFFFFFFFFu, 0x0FFFFFFFu, 0xFFFFFFFFu, 0xFFFFFFFFu},
};

static bool supported(const struct model_amd *m, uint32_t op, const uint32_t dw[4])
{
    bool guest = (op == 3 || op == 4 || op == 6) && (dw[2] & 4) != 0;

    if (guest && !m->config.gt) {
        return false;
    }
    switch (op) {
    case 1:
    case 2:
    case 3:
    case 5:
        return true;
    case 4:
        return m->config.iotlb;
    case 6:
        return m->config.prefetch;
    case 7:
        return m->config.ppr;
    case 8:
        return m->config.ia;
    default:
        return false;
    }
}

static uint32_t pasid_of(uint32_t op, const uint32_t dw[4])
{
    switch (op) {
    case 3:
        return dw[0] & 0xFFFFF;
    case 4:
        return (dw[0] >> 8 & 0xFF00) | (dw[1] >> 16 & 0xFF) | (dw[1] >> 8 & 0xF0000);
    case 6:
    case 7:
        return dw[1] & 0xFFFFF;
    default:
        return 0;
    }
}

/* Legal to hardware, yet nothing that software would mean. */
static void check_sense(struct model_amd *m, uint32_t op, const uint32_t dw[4])
{
    uint32_t pasid = pasid_of(op, dw);
    bool gn = (dw[2] & 4) != 0;

    if (op != 3 && op != 4 && op != 6 && op != 7) {
        return;
    }
    if (!gn && pasid != 0) {
        amd_wrong(m, "amd.cmd.pasid-without-gn", "a PASID is given although GN is 0", op, pasid);
    }
    if (gn && pasid >> (m->config.pas_max + 1) != 0) {
        amd_wrong(m, "amd.cmd.pasid-range", "a PASID is wider than PASmax allows", op, pasid);
    }
    if ((op == 3 || op == 4) && (dw[2] & 1) != 0 && dw[3] == UINT32_MAX &&
        (dw[2] & 0xFFFFF000u) == 0xFFFFF000u) {
        amd_wrong(m, "amd.cmd.size-all-ones", "an address of all ones codes no size", op, pasid);
    }
}

bool amd_command_legal(struct model_amd *m, const uint32_t dw[4])
{
    uint32_t op = dw[1] >> 28;
    unsigned i;

    if (!supported(m, op, dw)) {
        amd_wrong(m, "amd.cmd.illegal", "an opcode that this unit does not know", op, dw[0]);
        return false;
    }
    for (i = 0; i < 4; i++) {
        uint32_t mask = reserved[op][i];

        if (op == 4 && i == 2 && m->config.inv_type) {
            mask &= ~0x30u;
        } else if (op == 4 && i == 2) {
            mask |= 0x30u;
        }
        if ((dw[i] & mask) != 0) {
            amd_wrong(m, "amd.cmd.reserved", "reserved bits of a command are set", op,
                      (uint64_t)i << 32 | (dw[i] & mask));
            return false;
        }
    }
    check_sense(m, op, dw);
    return true;
}
