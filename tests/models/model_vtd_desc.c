/* SPDX-License-Identifier: BSD-2-Clause */
#include "model_vtd_internal.h"

#define E_TYPE     3u
#define E_RESERVED 4u

#define PFSID ((uint64_t)0xFFF << 52 | (uint64_t)0xF << 12)

struct form {
    uint64_t reserved[2];
    uint32_t granules; /* Bit n: G = n is valid; 0: the type has none. */
};

static const struct form forms[] = {
    [VTD_CONTEXT] = {{0xFFFC00000000F1C0u, UINT64_MAX}, 0xE},
    [VTD_IOTLB] = {{0xFFFFFFFF0000F100u, 0xF80u}, 0xE},
    [VTD_DEVTLB] = {{0x000F0000FFE001F0u, 0xFFEu}, 0},
    [VTD_IEC] = {{0xFFFF000007FFF1E0u, UINT64_MAX}, 0},
    [VTD_WAIT] = {{0xFFFFF100u, 3}, 0},
    [VTD_PIOTLB] = {{0xFFF000000000F1C0u, 0xF80u}, 0xC},
    [VTD_PASIDC] = {{0xFFF000000000F1C0u, UINT64_MAX}, 0xB},
    [VTD_PDEVTLB] = {{0, 0x7FEu}, 0},
    [VTD_PGR] = {{0xFFF00000000001E0u, 0xFFFFFFFFFFFFF003u}, 0},
};

/* The type exists here, in this mode. */
static bool exists(const struct model_vtd *m, uint32_t type)
{
    if (type == 0 || type > VTD_PGR) {
        return false;
    }
    if (type >= VTD_PIOTLB && vtd_ttm(m) == VTD_TTM_LEGACY) {
        return false;
    }
    return ((type != VTD_DEVTLB && type != VTD_PDEVTLB) || m->config.dt) &&
           (type != VTD_PGR || m->config.prs) && (type != VTD_IEC || m->config.ir);
}

static void check_address(struct model_vtd *m, uint64_t address)
{
    uint32_t am = vtd_bits(address, 5, 0);

    if ((address & ~vtd_ones(12) & vtd_ones(12 + am)) != 0) {
        vtd_wrong(m, "vtd.desc.address-misaligned", "ADDR is not aligned to its span", address, am);
    }
}

static void check_did(struct model_vtd *m, const uint64_t word[4])
{
    if (vtd_bits(word[0], 31, 16) >= vtd_did_limit(m)) {
        vtd_wrong(m, "vtd.desc.did-range", "a domain id wider than CAP.ND", word[0],
                  vtd_did_limit(m));
    }
}

static void check_pasid(struct model_vtd *m, const uint64_t word[4])
{
    if (vtd_bits(word[0], 51, 32) >> m->config.pss != 0) {
        vtd_wrong(m, "vtd.desc.pasid-range", "a PASID wider than ECAP.PSS", word[0], m->config.pss);
    }
}

static void check_device(struct model_vtd *m, const uint64_t word[4], uint32_t id)
{
    uint32_t pf = vtd_bits(word[0], 63, 52) << 4 | vtd_bits(word[0], 15, 12);

    if (m->config.dit && pf == 0 && id != 0) {
        vtd_wrong(m, "vtd.desc.pfsid", "PFSID is missing where it is used", word[0], id);
    }
    if (!vtd_on(m, VTD_TES)) {
        vtd_wrong(m, "vtd.desc.device-disabled",
                  "a device-TLB invalidation while translation is off", word[0], id);
    }
}

static uint32_t check_wait(struct model_vtd *m, const uint64_t word[4])
{
    bool status = vtd_bit(word[0], 5);

    if (vtd_bit(word[0], 7) && !m->config.pds) {
        return E_RESERVED;
    }
    if (vtd_bits(word[0], 5, 4) == 0) {
        vtd_wrong(m, "vtd.desc.wait-empty", "a wait without status and interrupt", word[0], 0);
    }
    if (status && (vtd_bits(word[1], 63, 20) == 0xFEE ||
                   vtd_peek(m, word[1] & vtd_ones(m->config.haw), 4) == NULL)) {
        vtd_wrong(m, "vtd.desc.wait-address", "a wait's status is not memory of software's",
                  word[1], 0);
    }
    return 0;
}

static uint32_t check_iotlb(struct model_vtd *m, const uint64_t word[4])
{
    uint32_t granule = vtd_bits(word[0], 5, 4);

    if (granule >= 2) {
        check_did(m, word);
    }
    if (granule != 3) {
        return 0;
    }
    if (!m->config.psi) {
        return E_RESERVED;
    }
    if (vtd_bits(word[1], 5, 0) > m->config.mamv) {
        return E_RESERVED;
    }
    check_address(m, word[1]);
    return 0;
}

static void check_response(struct model_vtd *m, const uint64_t word[4])
{
    uint32_t code = vtd_bits(word[0], 15, 12);

    if (code > 1 && code != 0xF) {
        vtd_wrong(m, "vtd.desc.response-code", "a reserved response code", word[0], code);
    }
}

static uint32_t check_fields(struct model_vtd *m, const uint64_t word[4], uint32_t type)
{
    uint32_t granule = vtd_bits(word[0], 5, 4);

    switch (type) {
    case VTD_IOTLB:
        return check_iotlb(m, word);
    case VTD_DEVTLB:
        check_device(m, word, vtd_bits(word[0], 47, 32));
        return 0;
    case VTD_WAIT:
        return check_wait(m, word);
    case VTD_PIOTLB:
        check_did(m, word);
        check_pasid(m, word);
        if (granule == 3) {
            check_address(m, word[1]);
        }
        return 0;
    case VTD_PASIDC:
        if (granule < 2) {
            check_did(m, word);
        }
        if (granule == 1) {
            check_pasid(m, word);
        }
        return 0;
    case VTD_PDEVTLB:
        check_device(m, word, vtd_bits(word[0], 31, 16));
        if (!vtd_bit(word[1], 0)) {
            check_pasid(m, word);
        }
        return 0;
    case VTD_PGR:
        check_response(m, word);
        return 0;
    default:
        return 0;
    }
}

/* 0, or the error code. Style errors that hardware forgives are reported on the way. */
uint32_t vtd_desc_check(struct model_vtd *m, const uint64_t word[4])
{
    uint32_t type = vtd_bits(word[0], 3, 0);
    uint64_t reserved;

    if (vtd_bits(word[0], 11, 9) != 0 || !exists(m, type)) {
        return E_TYPE;
    }
    reserved = forms[type].reserved[0];
    if ((type == VTD_DEVTLB || type == VTD_PDEVTLB) && !m->config.dit) {
        reserved |= PFSID;
    }
    if ((word[0] & reserved) != 0 || (word[1] & forms[type].reserved[1]) != 0 || word[2] != 0 ||
        word[3] != 0) {
        return E_RESERVED;
    }
    if (forms[type].granules != 0 && !vtd_bit(forms[type].granules, vtd_bits(word[0], 5, 4))) {
        return E_RESERVED;
    }
    return check_fields(m, word, type);
}
