/* SPDX-License-Identifier: BSD-2-Clause */
/* A stand-in for VT-d remapping hardware. */
#include "fuzz_unit.h"

#include "../../backends/vtd/vtd_regs.h"

#include <uiommu/vtd.h>

#include <string.h>

#define FAULTS     0x220u
#define FAULT_LAST 0x2a0u

static const uint16_t registers[] = {
    VTD_GSTS,   VTD_FSTS,        VTD_PRS,      VTD_PQT,        VTD_IQH,
    VTD_IQERCD, VTD_IQERCD + 4u, VTD_PQT + 4u, VTD_IQA,        VTD_PQA,
    VTD_PQH,    FAULTS + 12u,    FAULTS + 28u, FAULTS + 0x7cu, VTD_ICS,
};

/* Bits of the variant. */
enum {
    NOT_COHERENT = 1,
    NO_PRI = 2,
    FOUND_ON = 4,
    PRIVATE = 8,
    NO_DRAIN = 16,
    CACHING = 32,
};

static void power(struct fuzz_unit *v)
{
    uint32_t ecap = 0xa4f00fdf, high = 0x0003cf9a;

    fuzz_reg_set(v, VTD_VER, 0x60);
    fuzz_reg_set(v, VTD_CAP, 0x22780c06u | ((v->variant & CACHING) != 0 ? 0x80u : 0));
    fuzz_reg_set(v, VTD_CAP + 4u, 0xd9d2078c);
    if ((v->variant & NO_PRI) != 0)
        ecap &= ~(1u << 29);
    if ((v->variant & NO_DRAIN) != 0)
        high &= ~(1u << 10);
    if ((v->variant & NOT_COHERENT) != 0)
        high &= ~(1u << 16);
    fuzz_reg_set(v, VTD_ECAP, ecap);
    fuzz_reg_set(v, VTD_ECAP + 4u, high);
    fuzz_reg_set(v, VTD_FECTL, VTD_EVENT_IM);
    fuzz_reg_set(v, VTD_IECTL, VTD_EVENT_IM);
    fuzz_reg_set(v, VTD_PECTL, VTD_EVENT_IM);
    if ((v->variant & FOUND_ON) != 0)
        fuzz_reg_set(v, VTD_GSTS, VTD_GCMD_TE | VTD_GCMD_SRTP);
}

static uiommu_err create(struct fuzz_unit *v, struct uiommu *u,
                         const struct uiommu_unit_config *config, struct uiommu_unit **out)
{
    struct uiommu_vtd_config c;

    memset(&c, 0, sizeof(c));
    c.size = sizeof(c);
    c.unit = *config;
    c.base = FUZZ_REG_BASE;
    c.queue_log2 = 7;
    c.prq_log2 = 7;
    c.quirks = UIOMMU_VTD_QUIRK_TAKEOVER_WINDOW;
    c.quirks |= (v->variant & PRIVATE) != 0 ? UIOMMU_VTD_QUIRK_PRIVATE_DATA : 0u;
    c.requests.address = c.fault.address = 0xfee00000;
    return uiommu_vtd_create(u, &c, out);
}

/* false: nothing is fetched after it. */
static bool obey(struct fuzz_unit *v, const uint64_t *words)
{
    uint32_t type = (uint32_t)(words[0] & 15u);
    uint32_t *to;

    if (type == VTD_TYPE_RESPONSE)
        v->responses++;
    if (type != VTD_TYPE_WAIT || (words[0] & uiommu_bits_mask(VTD_WAIT_SW)) == 0)
        return true;
    to = fuzz_host_cpu(v->host, words[1], 4);
    if (to != NULL)
        *to = (uint32_t)(words[0] >> 32);
    return true;
}

static void run(struct fuzz_unit *v)
{
    uint64_t base = fuzz_reg64(v, VTD_IQA);
    uint32_t mask = (0x1000u << (base & 7u)) - 32u, at = fuzz_reg(v, VTD_IQH) & mask;
    uint32_t n = mask / 32u;
    const uint64_t *words;
    bool refused;

    while ((fuzz_reg(v, VTD_GSTS) & VTD_GCMD_QIE) != 0 && n-- != 0 &&
           at != (fuzz_reg(v, VTD_IQT) & mask) &&
           (fuzz_reg(v, VTD_FSTS) & (VTD_FSTS_IQE | VTD_FSTS_ITE)) == 0) {
        words = fuzz_host_cpu(v->host, (base & ~UINT64_C(0xfff)) + at, 32);
        if (words == NULL)
            return;
        if (!fuzz_command_may(v, &refused)) {
            if (refused && (v->refuse_code & 0x80u) != 0) { /* A device does not answer. */
                fuzz_reg_set(v, VTD_FSTS, fuzz_reg(v, VTD_FSTS) | VTD_FSTS_ITE);
                fuzz_reg_set(v, VTD_IQERCD + 4u, v->refuse_code & 0x7fu);
                fuzz_reg_set(v, VTD_IQH, (at + 32u) & mask);
            } else if (refused) {
                fuzz_reg_set(v, VTD_FSTS, fuzz_reg(v, VTD_FSTS) | VTD_FSTS_IQE);
                fuzz_reg_set(v, VTD_IQERCD, v->refuse_code & 15u);
            }
            return;
        }
        at = (at + 32u) & mask;
        fuzz_reg_set(v, VTD_IQH, at);
        if (!obey(v, words))
            return;
    }
}

static void command(struct fuzz_unit *v, uint32_t value)
{
    uint32_t status = fuzz_reg(v, VTD_GSTS);

    fuzz_reg_set(v, VTD_GSTS, (status & 0x41000000u) | (value & 0xc6800000u));
    if ((value & VTD_GCMD_QIE) == 0)
        fuzz_reg_set(v, VTD_IQH, 0);
}

static void write(struct fuzz_unit *v, uint32_t offset, uint32_t value)
{
    uint32_t now = fuzz_reg(v, offset);

    if (offset < VTD_GCMD || offset == VTD_GSTS)
        return;
    if (offset == VTD_FSTS)
        value = now & ~(value & 0x71u);
    else if (offset == VTD_PRS)
        value = now & ~(value & 3u);
    else if (offset >= FAULTS && offset < FAULT_LAST)
        value = (offset & 15u) == 12u ? now & ~(value & VTD_FRCD_F_TOP) : now;
    fuzz_reg_set(v, offset, value);
    if (offset >= FAULTS && offset < FAULT_LAST && (fuzz_reg(v, VTD_FSTS) & VTD_FSTS_PPF) != 0) {
        for (now = FAULTS + 12u; now < FAULT_LAST; now += 16u) {
            if ((fuzz_reg(v, now) & VTD_FRCD_F_TOP) != 0)
                return;
        }
        fuzz_reg_set(v, VTD_FSTS, fuzz_reg(v, VTD_FSTS) & ~VTD_FSTS_PPF);
    }
    if (offset == VTD_GCMD)
        command(v, value);
    if (offset == VTD_IQT || offset == VTD_FSTS || offset == VTD_GCMD)
        run(v);
}

/* Completions: the status words, which any wait in the queue names. */
static uint64_t *stores(struct fuzz_unit *v, uint32_t *words)
{
    uint64_t base = fuzz_reg64(v, VTD_IQA);
    const uint64_t *queue = fuzz_host_cpu(v->host, base & ~UINT64_C(0xfff), 0x1000u << (base & 7u));
    uint32_t i, n = 128u << (base & 7u);

    *words = 1;
    for (i = 0; queue != NULL && i < n; i++) {
        if ((queue[4u * i] & 15u) == VTD_TYPE_WAIT && queue[4u * i + 1u] != 0)
            return fuzz_host_cpu(v->host, queue[4u * i + 1u] & ~UINT64_C(7), 8);
    }
    return NULL;
}

static uint64_t *ring(struct fuzz_unit *v, uint32_t which, uint32_t *words)
{
    uint64_t base = fuzz_reg64(v, VTD_PQA);

    if (which == 1u) {
        *words = (FAULT_LAST - FAULTS) / 8u;
        return (uint64_t *)(void *)(v->reg + FAULTS);
    }
    if (which == 2u)
        return stores(v, words);
    *words = 512u << (base & 7u);
    return base == 0 ? NULL : fuzz_host_cpu(v->host, base & ~UINT64_C(0xfff), *words * 8u);
}

static uint32_t producer(uint32_t which, uint32_t *shift)
{
    *shift = which == 1 ? 8 : 5;
    return which == 0 ? VTD_PQT : which == 1 ? VTD_FSTS : VTD_IQH;
}

static void request(struct fuzz_unit *v, const struct fuzz_request *r)
{
    uint32_t words, tail = fuzz_reg(v, VTD_PQT), mask;
    uint64_t *to = ring(v, 0, &words);

    if (to == NULL)
        return;
    mask = words * 8u - 32u;
    to += (tail & mask) / 8u;
    to[0] = VTD_PRQ_REQUEST | (uint64_t)(r->id & 0xffffu) << 16 |
            uiommu_bits_make(VTD_PRQ0_PASID, r->pasid & 0xfffffu) |
            uiommu_bits_make(VTD_PRQ0_PP, (r->flags & UIOMMU_REQUEST_PASID) != 0) |
            uiommu_bits_make(VTD_PRQ0_EXR, (r->flags & UIOMMU_EXEC) != 0) |
            uiommu_bits_make(VTD_PRQ0_PMR, (r->flags & UIOMMU_PRIV) != 0);
    to[0] ^= r->noise;
    fuzz_ring_put(v, &to[1],
                  (r->address & ~UINT64_C(0xfff)) |
                      uiommu_bits_make(VTD_PRQ1_R, (r->flags & UIOMMU_READ) != 0) |
                      uiommu_bits_make(VTD_PRQ1_W, (r->flags & UIOMMU_WRITE) != 0) |
                      uiommu_bits_make(VTD_PRQ1_LPIG, (r->flags & UIOMMU_REQUEST_LAST) != 0) |
                      uiommu_bits_make(VTD_PRQ1_PRGI, r->index & 0x1ffu));
    to[2] = to[3] = r->noise;
    fuzz_reg_set(v, VTD_PQT, (tail + 32u) & mask);
    fuzz_reg_set(v, VTD_PRS, fuzz_reg(v, VTD_PRS) | VTD_PRS_PPR);
}

/* A fault record in the first free register, or an overflow. */
static void event(struct fuzz_unit *v, struct fuzz_input *in, const struct fuzz_request *r)
{
    uint32_t code = fuzz_u8(in), at = FAULTS, fsts = fuzz_reg(v, VTD_FSTS);
    uint64_t top;

    while (at < FAULT_LAST && (fuzz_reg(v, at + 12u) & VTD_FRCD_F_TOP) != 0)
        at += 16u;
    if (at == FAULT_LAST) {
        fuzz_reg_set(v, VTD_FSTS, fsts | VTD_FSTS_PFO);
        return;
    }
    top = UINT64_C(1) << 63 | (r->id & 0xffffu) | uiommu_bits_make(VTD_FRCD1_FR, code) |
          uiommu_bits_make(VTD_FRCD1_PASID, r->pasid & 0xfffffu) |
          uiommu_bits_make(VTD_FRCD1_PP, (r->flags & UIOMMU_REQUEST_PASID) != 0) |
          uiommu_bits_make(VTD_FRCD1_T1, (r->flags & UIOMMU_READ) != 0) |
          uiommu_bits_make(VTD_FRCD1_T2, (r->flags & UIOMMU_WRITE) != 0) |
          uiommu_bits_make(VTD_FRCD1_EXE, (r->flags & UIOMMU_EXEC) != 0) |
          uiommu_bits_make(VTD_FRCD1_PRIV, (r->flags & UIOMMU_PRIV) != 0) |
          uiommu_bits_make(VTD_FRCD1_AT, r->index & 3u);
    fuzz_reg_set64(v, at, r->address);
    fuzz_reg_set64(v, at + 8u, top ^ r->noise);
    if ((fsts & VTD_FSTS_PPF) == 0)
        fsts = (fsts & ~0xff00u) | VTD_FSTS_PPF | (at - FAULTS) / 16u << 8;
    fuzz_reg_set(v, VTD_FSTS, fsts);
}

const struct fuzz_vendor fuzz_vtd = {
    .name = "vtd",
    .format = UIOMMU_ROOT_X86_64,
    .pasid_bits = 16,
    .registers = registers,
    .register_count = sizeof(registers) / sizeof(registers[0]),
    .power = power,
    .create = create,
    .write = write,
    .run = run,
    .request = request,
    .event = event,
    .ring = ring,
    .producer = producer,
};
