/* SPDX-License-Identifier: BSD-2-Clause */
/* A stand-in for an AMD IOMMU. */
#include "fuzz_unit.h"

#include "../../backends/amd/amd_regs.h"

#include <uiommu/amd.h>

#include <string.h>

static const uint16_t registers[] = {
    AMD_STATUS,   AMD_PPR_TAIL, AMD_EVT_TAIL,     AMD_CMD_HEAD,    AMD_CONTROL,
    AMD_PPR_HEAD, AMD_EVT_HEAD, AMD_CONTROL + 4u, AMD_DEVTAB_BASE,
};

/* Bits of the variant. */
enum {
    NOT_COHERENT = 1,
    NO_PRI = 2,
    NO_GIO = 4,
    READ_ONLY = 8,
    SNP = 16,
    POLL = 32,
};

static void power(struct fuzz_unit *v)
{
    uint32_t low = 1u << 4 | 1u << 6 | 1u << 12 | 2u << 14;
    uint32_t high = 19 | 1u << 8 | 1u << 12 | 1u << 18;

    low |= (v->variant & NO_PRI) != 0 ? 0 : 1u << 1;
    high |= (v->variant & NO_GIO) != 0 ? 0 : 1u << 16;
    high |= (v->variant & SNP) != 0 ? 1u << 31 : 0;
    fuzz_reg_set(v, AMD_EFR, low);
    fuzz_reg_set(v, AMD_EFR + 4u, high);
}

static uiommu_err create(struct fuzz_unit *v, struct uiommu *u,
                         const struct uiommu_unit_config *config, struct uiommu_unit **out)
{
    struct uiommu_amd_config c;

    memset(&c, 0, sizeof(c));
    c.size = sizeof(c);
    c.unit = *config;
    c.base = FUZZ_REG_BASE;
    c.cmdq_log2 = c.eventq_log2 = c.priq_log2 = 8;
    c.flags |= (v->variant & NOT_COHERENT) != 0 ? UIOMMU_AMD_NOT_COHERENT : 0u;
    c.flags |= (v->variant & READ_ONLY) != 0 ? UIOMMU_AMD_LOGS_READ_ONLY : 0u;
    c.flags |= (v->variant & POLL) != 0 ? UIOMMU_AMD_POLL : 0u;
    return uiommu_amd_create(u, &c, out);
}

static void obey(struct fuzz_unit *v, const uint64_t *words)
{
    uint64_t *to;

    if (words[0] >> 60 == AMD_OP_COMPLETE_PPR)
        v->responses++;
    if (words[0] >> 60 != AMD_OP_WAIT || (words[0] & AMD_WAIT_STORE) == 0)
        return;
    to = fuzz_host_cpu(v->host, words[0] & uiommu_bits_mask(AMD_WAIT_ADDRESS), 8);
    if (to != NULL)
        *to = words[1];
}

static void run(struct fuzz_unit *v)
{
    uint64_t base = fuzz_reg64(v, AMD_CMD_BASE);
    uint32_t mask = (16u << (base >> 56 & 15u)) - 1u, head = fuzz_reg(v, AMD_CMD_HEAD) & mask;
    uint32_t n = mask / 16u;
    const uint64_t *words;
    bool refused;

    while ((fuzz_reg(v, AMD_STATUS) & AMD_STS_CMD_RUN) != 0 && n-- != 0 &&
           head != (fuzz_reg(v, AMD_CMD_TAIL) & mask)) {
        words = fuzz_host_cpu(v->host, (base & UINT64_C(0xffffffffff000)) + (head & ~15u), 16);
        if (words == NULL)
            return;
        if (!fuzz_command_may(v, &refused)) {
            if (refused)
                fuzz_reg_set(v, AMD_STATUS, fuzz_reg(v, AMD_STATUS) & ~AMD_STS_CMD_RUN);
            return;
        }
        obey(v, words);
        head = (head + 16u) & mask;
        fuzz_reg_set(v, AMD_CMD_HEAD, head);
    }
}

/* Enables and what runs because of them. */
static void control(struct fuzz_unit *v)
{
    uint32_t c = fuzz_reg(v, AMD_CONTROL), status = fuzz_reg(v, AMD_STATUS);

    status &= ~(AMD_STS_CMD_RUN | AMD_STS_EVT_RUN | AMD_STS_PPR_RUN);
    status |= (c >> 12 & c & 1u) != 0 ? AMD_STS_CMD_RUN : 0;
    status |= (c >> 2 & 1u) != 0 ? AMD_STS_EVT_RUN : 0;
    status |= (c >> 13 & 1u) != 0 ? AMD_STS_PPR_RUN : 0;
    fuzz_reg_set(v, AMD_STATUS, status);
    run(v);
}

static void write(struct fuzz_unit *v, uint32_t offset, uint32_t value)
{
    if ((offset & ~7u) == AMD_EFR)
        return;
    if (offset == AMD_STATUS)
        value = fuzz_reg(v, AMD_STATUS) & ~(value & 0x40067u);
    fuzz_reg_set(v, offset, value);
    if (offset == AMD_CONTROL)
        control(v);
    if (offset == AMD_CMD_TAIL)
        run(v);
}

/* Completions: the page that the first wait of the ring names. */
static uint64_t *stores(struct fuzz_unit *v, uint32_t *words)
{
    uint64_t base = fuzz_reg64(v, AMD_CMD_BASE);
    const uint64_t *ring =
        fuzz_host_cpu(v->host, base & UINT64_C(0xffffffffff000), 16u << (base >> 56 & 15u));
    uint32_t i, n = 1u << (base >> 56 & 15u);

    *words = 1;
    for (i = 0; ring != NULL && i < n; i++) {
        if (ring[2u * i] >> 60 == AMD_OP_WAIT)
            return fuzz_host_cpu(v->host, ring[2u * i] & uiommu_bits_mask(AMD_WAIT_ADDRESS), 8);
    }
    return NULL;
}

static uint64_t *ring(struct fuzz_unit *v, uint32_t which, uint32_t *words)
{
    uint64_t base = fuzz_reg64(v, which == 0 ? AMD_PPR_BASE : AMD_EVT_BASE);

    if (which == 2u)
        return stores(v, words);
    *words = 2u << (base >> 56 & 15u);
    return fuzz_host_cpu(v->host, base & UINT64_C(0xffffffffff000), *words * 8u);
}

static uint32_t producer(uint32_t which, uint32_t *shift)
{
    *shift = 4;
    return which == 0 ? AMD_PPR_TAIL : which == 1 ? AMD_EVT_TAIL : AMD_CMD_HEAD;
}

static uint64_t *next(struct fuzz_unit *v, uint32_t which, uint32_t runs)
{
    uint32_t words, shift, at = producer(which, &shift), tail = fuzz_reg(v, at);
    uint64_t *to = ring(v, which, &words);

    if (to == NULL || (fuzz_reg(v, AMD_STATUS) & runs) == 0)
        return NULL;
    fuzz_reg_set(v, at, (tail + 16u) & (words * 8u - 16u));
    return to + (tail & (words * 8u - 16u)) / 8u;
}

static uint64_t common(const struct fuzz_request *r)
{
    return (r->id & 0xffffu) | uiommu_bits_make(AMD_REQ_PASID_15, r->pasid & 0xffffu) |
           uiommu_bits_make(AMD_REQ_PASID_19, r->pasid >> 16 & 0xfu) |
           uiommu_bits_make(AMD_REQ_TAG, r->index & 0x1ffu) |
           uiommu_bits_make(AMD_REQ_LAST, (r->flags & UIOMMU_REQUEST_LAST) != 0);
}

static void request(struct fuzz_unit *v, const struct fuzz_request *r)
{
    uint64_t *to = next(v, 0, AMD_STS_PPR_RUN);

    if (to == NULL)
        return;
    fuzz_ring_put(v, &to[1], r->address & ~UINT64_C(0xfff));
    to[0] = r->noise ^ (common(r) | uiommu_bits_make(AMD_LOG_CODE, AMD_PPR_CODE) |
                        uiommu_bits_make(AMD_REQ_R, (r->flags & UIOMMU_READ) != 0) |
                        uiommu_bits_make(AMD_REQ_W, (r->flags & UIOMMU_WRITE) != 0) |
                        uiommu_bits_make(AMD_REQ_EX, (r->flags & UIOMMU_EXEC) != 0) |
                        uiommu_bits_make(AMD_REQ_US, (r->flags & UIOMMU_PRIV) == 0) |
                        uiommu_bits_make(AMD_REQ_GN, (r->flags & UIOMMU_REQUEST_PASID) != 0));
}

/* Any code, 9 laid out as a request; 5 to 7 name a command. */
static void event(struct fuzz_unit *v, struct fuzz_input *in, const struct fuzz_request *r)
{
    uint64_t *to = next(v, 1, AMD_STS_EVT_RUN), flags;
    uint32_t type = fuzz_u8(in);

    if (to == NULL)
        return;
    flags = type & 0x0fu;
    if (flags == AMD_EV_BAD_PPR) {
        to[0] = common(r) | uiommu_bits_make(AMD_BAD_PPR_RX, (type & 0x80u) != 0) |
                uiommu_bits_make(AMD_BAD_PPR_GN, (r->flags & UIOMMU_REQUEST_PASID) != 0);
        fuzz_ring_put(v, &to[1], r->address & ~UINT64_C(0xfff));
    } else {
        to[0] = (r->id & 0xffffu) | (uint64_t)(r->pasid & 0xffffu) << 32 |
                (uint64_t)(type >> 4 & 0xfu) << 51 | (uint64_t)(r->flags & 0xffu) << 48;
        fuzz_ring_put(v, &to[1], r->address);
        if (flags >= AMD_EV_COMMAND && flags <= AMD_EV_TIMEOUT)
            fuzz_ring_put(v, &to[1],
                          (fuzz_reg64(v, AMD_CMD_BASE) & UINT64_C(0xffffffffff000)) +
                              (r->index & 0xffu) * 16u);
    }
    to[0] = (to[0] & ~(UINT64_C(0xf) << 60)) | flags << 60;
    to[0] ^= r->noise;
}

const struct fuzz_vendor fuzz_amd = {
    .name = "amd",
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
