/* SPDX-License-Identifier: BSD-2-Clause */
#include "model_amd_internal.h"

#define RO UINT32_MAX

void amd_merge(uint64_t *word, uint64_t mask, uint64_t value)
{
    *word = (*word & ~mask) | (value & mask);
}

static bool ring_of_base(const struct model_amd *m, uint32_t offset, unsigned *ring)
{
    switch (offset) {
    case 0x08:
        *ring = AMD_CMD;
        return true;
    case 0x10:
        *ring = AMD_EVT;
        return true;
    case 0x38:
        *ring = AMD_PPR_A;
        return m->config.ppr;
    case 0xF0:
        *ring = AMD_PPR_B;
        return m->config.ppr && m->config.dual_ppr != 0;
    default:
        return false;
    }
}

static bool ring_of_pointer(const struct model_amd *m, uint32_t offset, unsigned *ring)
{
    switch (offset & ~8u) {
    case 0x2000:
        *ring = AMD_CMD;
        return true;
    case 0x2010:
        *ring = AMD_EVT;
        return true;
    case 0x2030:
        *ring = AMD_PPR_A;
        return m->config.ppr;
    case 0x2050:
        *ring = AMD_PPR_B;
        return m->config.ppr && m->config.dual_ppr != 0;
    default:
        return false;
    }
}

/* Plain storage: a mask of writable bits, NULL if there is none. */
static uint64_t *plain(struct model_amd *m, uint32_t offset, uint64_t *writable)
{
    switch (offset) {
    case 0x20:
        *writable = UINT64_C(0x000FFFFFFFFFF003);
        return &m->excl_base;
    case 0x28:
        *writable = AMD_ADDRESS;
        return &m->excl_limit;
    case 0x170:
    case 0x178:
    case 0x180:
        *writable = UINT64_C(0xFF0001FFFFFFFF04);
        return m->config.xt ? &m->xt[(offset - 0x170) / 8] : NULL;
    default:
        return NULL;
    }
}

static uint32_t *plain32(struct model_amd *m, uint32_t offset, uint32_t *writable)
{
    switch (offset) {
    case 0x2080:
        *writable = 0x1F;
        return m->config.ppr_auto ? &m->auto_response : NULL;
    case 0x2088:
        *writable = 0xC0007FFFu;
        return m->config.ppr_early ? &m->early[0] : NULL;
    case 0x2090:
        *writable = 0xC0007FFFu;
        return m->config.ppr_early && m->config.dual_ppr != 0 ? &m->early[1] : NULL;
    default:
        return NULL;
    }
}

static uint64_t reg_read(struct model_amd *m, uint32_t offset)
{
    uint64_t *word, mask;
    uint32_t *half, mask32;
    unsigned ring;

    if (ring_of_base(m, offset, &ring)) {
        return m->ring[ring].base;
    }
    if (ring_of_pointer(m, offset, &ring)) {
        return (offset & 8) != 0 ? m->ring[ring].tail : m->ring[ring].head;
    }
    word = plain(m, offset, &mask);
    half = plain32(m, offset, &mask32);
    if (word != NULL || half != NULL) {
        return word != NULL ? *word : *half;
    }
    switch (offset) {
    case 0x00:
        return m->devtab;
    case 0x18:
        return m->control;
    case 0x30:
        return m->efr;
    case 0x1A0:
        return m->efr2;
    case 0x2020:
        return amd_status(m);
    default:
        m->counts.mmio_unknown++;
        return 0;
    }
}

static void reg_write(struct model_amd *m, uint32_t offset, uint64_t mask, uint64_t value)
{
    uint64_t *word, writable;
    uint32_t *half, writable32;
    unsigned ring;

    if (ring_of_base(m, offset, &ring)) {
        amd_ring_base_write(m, ring, mask, value);
        return;
    }
    if (ring_of_pointer(m, offset, &ring)) {
        if ((mask & RO) != 0) {
            amd_ring_pointer_write(m, ring, (offset & 8) != 0, (uint32_t)value);
        }
        return;
    }
    word = plain(m, offset, &writable);
    half = plain32(m, offset, &writable32);
    if (word != NULL) {
        if ((value & mask & ~writable) != 0) {
            amd_wrong(m, "amd.reg.reserved", "reserved register bits are set", offset, value);
        }
        amd_merge(word, mask & writable, value);
        return;
    }
    if (half != NULL) {
        *half = (mask & RO) != 0 ? (uint32_t)value & writable32 : *half;
        return;
    }
    switch (offset) {
    case 0x00:
        amd_devtab_write(m, mask, value);
        break;
    case 0x18:
        amd_control_write(m, (m->control & ~mask) | (value & mask));
        break;
    case 0x2020:
        amd_status_write(m, value & mask);
        break;
    case 0x30:
    case 0x1A0:
        amd_wrong(m, "amd.reg.read-only", "a read-only register is written", offset, value);
        break;
    default:
        m->counts.mmio_unknown++;
        amd_wrong(m, "amd.reg.unknown", "a register that this unit lacks is written", offset,
                  value);
        break;
    }
}

static bool reachable(struct model_amd *m, uint64_t offset, uint32_t bytes)
{
    model_tick(m->world);
    amd_prefetch_maybe(m);
    if ((offset & (bytes - 1)) != 0 || offset >= MODEL_AMD_BYTES) {
        amd_wrong(m, "amd.reg.misaligned", "an access is misaligned or outside the window", offset,
                  bytes);
        return false;
    }
    return true;
}

uint32_t model_amd_read32(struct model_amd *m, uint64_t offset)
{
    m->counts.mmio_reads++;
    if (!reachable(m, offset, 4)) {
        return 0;
    }
    return (uint32_t)(reg_read(m, (uint32_t)offset & ~7u) >> ((offset & 4) != 0 ? 32 : 0));
}

uint64_t model_amd_read64(struct model_amd *m, uint64_t offset)
{
    m->counts.mmio_reads++;
    return reachable(m, offset, 8) ? reg_read(m, (uint32_t)offset) : 0;
}

void model_amd_write32(struct model_amd *m, uint64_t offset, uint32_t value)
{
    unsigned shift = (offset & 4) != 0 ? 32 : 0;

    m->counts.mmio_writes++;
    if (reachable(m, offset, 4)) {
        reg_write(m, (uint32_t)offset & ~7u, (uint64_t)UINT32_MAX << shift,
                  (uint64_t)value << shift);
    }
}

void model_amd_write64(struct model_amd *m, uint64_t offset, uint64_t value)
{
    m->counts.mmio_writes++;
    if (reachable(m, offset, 8)) {
        reg_write(m, (uint32_t)offset, UINT64_MAX, value);
    }
}
