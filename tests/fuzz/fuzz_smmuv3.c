/* SPDX-License-Identifier: BSD-2-Clause */
/* A stand-in for an SMMUv3. */
#include "fuzz_unit.h"

#include "../../backends/smmuv3/smmuv3_regs.h"

#include <uiommu/smmuv3.h>

#include <string.h>

#define EVENTQ_PROD (SMMUV3_PAGE1 + SMMUV3_EVENTQ_PROD)
#define PRIQ_PROD   (SMMUV3_PAGE1 + SMMUV3_PRIQ_PROD)
#define PRIQ_CONS   (SMMUV3_PAGE1 + SMMUV3_PRIQ_CONS)

static const uint16_t registers[] = {
    SMMUV3_CR0ACK,    SMMUV3_IRQ_CTRLACK, SMMUV3_GBPA,   SMMUV3_GERROR,
    SMMUV3_CMDQ_CONS, 0x1000 + 0xa8,      0x1000 + 0xc8, SMMUV3_GERRORN,
};

/* Bits of the variant. */
enum {
    NOT_COHERENT = 1,
    NO_STALLS = 2,
    LINEAR = 4,
    NO_PRI = 8,
    OLD_MMU700 = 16,
};

static void power(struct fuzz_unit *v)
{
    uint32_t idr0 = 0x3 | 2u << 2 | 1u << 5 | 2u << 6 | 1u << 9 | 1u << 10 | 1u << 12 | 1u << 13 |
                    1u << 18 | 1u << 19 | 2u << 21 | 1u << 23;

    idr0 |= (v->variant & NOT_COHERENT) != 0 ? 0 : 1u << 4;
    idr0 |= (v->variant & NO_PRI) != 0 ? 0 : 1u << 16;
    idr0 |= (v->variant & NO_STALLS) != 0 ? 1u << 24 : 0;
    idr0 |= (v->variant & LINEAR) != 0 ? 0 : 1u << 27;
    fuzz_reg_set(v, SMMUV3_IDR0, idr0);
    fuzz_reg_set(v, SMMUV3_IDR1, 16 | 16u << 6 | 10u << 11 | 10u << 16 | 10u << 21 | 1u << 27);
    fuzz_reg_set(v, SMMUV3_IDR3, 1u << 10);
    fuzz_reg_set(v, SMMUV3_IDR5, 5 | 7u << 4 | 8u << 16);
    if ((v->variant & OLD_MMU700) != 0)
        fuzz_reg_set(v, SMMUV3_IIDR, SMMUV3_MMU700 << 20 | SMMUV3_ARM);
}

static uiommu_err create(struct fuzz_unit *v, struct uiommu *u,
                         const struct uiommu_unit_config *config, struct uiommu_unit **out)
{
    struct uiommu_smmuv3_config c;

    memset(&c, 0, sizeof(c));
    c.size = sizeof(c);
    c.unit = *config;
    c.base = FUZZ_REG_BASE;
    c.cmdq_log2 = 4u + v->log2;
    c.eventq_log2 = 2u + v->log2;
    c.priq_log2 = 3u + v->log2;
    c.quirks = (v->variant & 32u) != 0 ? UIOMMU_SMMUV3_QUIRK_PAGE0 : 0;
    return uiommu_smmuv3_create(u, &c, out);
}

/* A command's effect: nothing but a count of the answers. */
static void obey(struct fuzz_unit *v, const uint64_t *words)
{
    uint64_t op = uiommu_bits_get(words[0], SMMUV3_CMD_OP);

    if (op == SMMUV3_OP_PRI_RESP || op == SMMUV3_OP_RESUME)
        v->responses++;
}

static void run(struct fuzz_unit *v)
{
    uint64_t base = fuzz_reg64(v, SMMUV3_CMDQ_BASE);
    uint32_t log2 = (uint32_t)(base & 31u), mask = (2u << log2) - 1u;
    uint32_t cons = fuzz_reg(v, SMMUV3_CMDQ_CONS) & mask, n = 2u << log2;
    const uint64_t *words;
    bool refused;

    while ((fuzz_reg(v, SMMUV3_CR0) & SMMUV3_CR0_CMDQEN) != 0 && n-- != 0 &&
           cons != (fuzz_reg(v, SMMUV3_CMDQ_PROD) & mask) &&
           ((fuzz_reg(v, SMMUV3_GERROR) ^ fuzz_reg(v, SMMUV3_GERRORN)) & SMMUV3_GERROR_CMDQ) == 0) {
        words = fuzz_host_cpu(v->host,
                              (base & UINT64_C(0xfffffffffffe0)) + (cons & (mask >> 1)) * 16u, 16);
        if (words == NULL)
            return;
        if (!fuzz_command_may(v, &refused)) {
            if (refused) {
                fuzz_reg_set(v, SMMUV3_CMDQ_CONS, cons | (v->refuse_code & 0x7fu) << 24);
                fuzz_reg_set(v, SMMUV3_GERROR, fuzz_reg(v, SMMUV3_GERROR) ^ SMMUV3_GERROR_CMDQ);
            }
            return;
        }
        obey(v, words);
        cons = (cons + 1u) & mask;
        fuzz_reg_set(v, SMMUV3_CMDQ_CONS, cons);
    }
}

static void write(struct fuzz_unit *v, uint32_t offset, uint32_t value)
{
    if (offset == SMMUV3_GBPA)
        value &= ~SMMUV3_GBPA_UPDATE;
    if (offset > SMMUV3_AIDR)
        fuzz_reg_set(v, offset, value);
    if (offset == SMMUV3_CR0)
        fuzz_reg_set(v, SMMUV3_CR0ACK, value);
    if (offset == SMMUV3_IRQ_CTRL)
        fuzz_reg_set(v, SMMUV3_IRQ_CTRLACK, value);
    if (offset == SMMUV3_CMDQ_PROD || offset == SMMUV3_GERRORN || offset == SMMUV3_CR0)
        run(v);
}

static uint64_t *ring(struct fuzz_unit *v, uint32_t which, uint32_t *words)
{
    static const uint32_t base_of[] = {SMMUV3_PRIQ_BASE, SMMUV3_EVENTQ_BASE, SMMUV3_CMDQ_BASE};
    uint64_t base = fuzz_reg64(v, base_of[which % 3u]);
    uint32_t bytes = (which % 3u == 1u ? 32u : 16u) << (base & 15u);

    *words = bytes / 8u;
    return fuzz_host_cpu(v->host, base & UINT64_C(0xfffffffffffe0), bytes);
}

static uint32_t producer(uint32_t which, uint32_t *shift)
{
    *shift = 0;
    return which == 0 ? PRIQ_PROD : which == 1 ? EVENTQ_PROD : SMMUV3_CMDQ_CONS;
}

/* Where the next entry goes, past the producer; NULL: the queue is off. */
static uint64_t *next(struct fuzz_unit *v, uint32_t which, uint32_t enable, uint32_t words)
{
    uint32_t have, shift, at = producer(which, &shift), prod = fuzz_reg(v, at), slots;
    uint64_t *to = ring(v, which, &have);

    if (to == NULL || (fuzz_reg(v, SMMUV3_CR0) & enable) == 0)
        return NULL;
    slots = have / words;
    fuzz_reg_set(v, at, (prod & SMMUV3_OVERFLOW) | ((prod + 1u) & (2u * slots - 1u)));
    return to + (prod & (slots - 1u)) * words;
}

static void request(struct fuzz_unit *v, const struct fuzz_request *r)
{
    uint64_t *to = next(v, 0, SMMUV3_CR0_PRIQEN, 2);

    if (to == NULL)
        return;
    to[0] = r->noise ^ (r->id | (uint64_t)(r->pasid & 0xfffffu) << 32);
    to[0] ^= uiommu_bits_make(SMMUV3_PRI0_R, (r->flags & UIOMMU_READ) != 0) |
             uiommu_bits_make(SMMUV3_PRI0_W, (r->flags & UIOMMU_WRITE) != 0) |
             uiommu_bits_make(SMMUV3_PRI0_X, (r->flags & UIOMMU_EXEC) != 0) |
             uiommu_bits_make(SMMUV3_PRI0_PRIV, (r->flags & UIOMMU_PRIV) != 0) |
             uiommu_bits_make(SMMUV3_PRI0_LAST, (r->flags & UIOMMU_REQUEST_LAST) != 0) |
             uiommu_bits_make(SMMUV3_PRI0_SSV, (r->flags & UIOMMU_REQUEST_PASID) != 0);
    fuzz_ring_put(v, &to[1], (r->address & ~UINT64_C(0xfff)) | (r->index & 0x1ffu));
}

/* A record: its type from the input; a stall where it can be one. */
static void event(struct fuzz_unit *v, struct fuzz_input *in, const struct fuzz_request *r)
{
    uint64_t *to = next(v, 1, SMMUV3_CR0_EVENTQEN, 4);
    uint32_t type = fuzz_u8(in);

    if (to == NULL)
        return;
    to[0] = (type & 0x3fu) | (uint64_t)r->id << 32 | (uint64_t)(r->pasid & 0xfffffu) << 12;
    to[0] |= uiommu_bits_make(SMMUV3_EV0_SSV, (r->flags & UIOMMU_REQUEST_PASID) != 0);
    to[0] ^= r->noise;
    to[1] = r->index | uiommu_bits_make(SMMUV3_EV1_STALL, (type & 0x80u) != 0) |
            (uint64_t)(r->flags & 7u) << 33 | ((type & 0x40u) != 0 ? UINT64_C(0xf) << 28 : 0);
    fuzz_ring_put(v, &to[2], r->address);
    to[3] = r->address;
}

const struct fuzz_vendor fuzz_smmuv3 = {
    .name = "smmuv3",
    .format = UIOMMU_ROOT_AARCH64,
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
