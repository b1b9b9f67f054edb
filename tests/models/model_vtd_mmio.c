/* SPDX-License-Identifier: BSD-2-Clause */
#include "model_vtd_internal.h"

static bool absent(const struct model_vtd *m, uint32_t offset)
{
    bool prq =
        (offset >= 0xC0 && offset < 0xD8) || offset == 0xDC || (offset >= 0xE0 && offset < 0xF0);
    bool iq = offset >= 0x80 && offset < 0xB8;

    if (offset >= 16 * m->config.iro && offset < 16 * m->config.iro + 16) {
        return false;
    }
    return (prq && !m->config.prs) || (iq && !m->config.qi) ||
           (offset >= 0xB8 && offset < 0xC0 && !m->config.ir);
}

/* false: the access goes nowhere. */
static bool legal(struct model_vtd *m, uint64_t offset, uint32_t bytes, bool write)
{
    model_tick(m->world);
    vtd_prefetch_maybe(m);
    if (write) {
        m->counts.mmio_writes++;
    } else {
        m->counts.mmio_reads++;
    }
    if ((offset & (bytes - 1)) != 0) {
        vtd_wrong(m, "vtd.reg.unaligned", "an unaligned register access", offset, bytes);
        return false;
    }
    if (offset + bytes > MODEL_VTD_BYTES || !vtd_reg_known(m, (uint32_t)offset)) {
        vtd_wrong(m, "vtd.reg.unknown", "no register is at this offset", offset, bytes);
        return false;
    }
    if (absent(m, (uint32_t)offset)) {
        if (write) {
            vtd_wrong(m, "vtd.reg.absent", "the feature of this register is absent", offset, bytes);
        }
        return false;
    }
    return true;
}

/* Quadwords are for 64-bit registers. The address pairs of events are tolerated, and counted. */
static void check_wide(struct model_vtd *m, uint64_t offset)
{
    if (offset == 0x40 || offset == 0xA8 || offset == 0xE8) {
        m->counts.wide_pairs++;
        return;
    }
    if (offset == 0x00 || offset == 0x18 || offset == 0x38 || offset == 0xA0 || offset == 0xE0) {
        vtd_wrong(m, "vtd.reg.wide-access", "a quadword access to 32-bit registers", offset, 0);
    }
}

uint32_t model_vtd_read32(struct model_vtd *m, uint64_t offset)
{
    if (!legal(m, offset, 4, false)) {
        return 0;
    }
    if (offset == 0x18) {
        vtd_wrong(m, "vtd.reg.write-only", "GCMD is read", offset, 0);
        return (uint32_t)model_random(m->world);
    }
    return vtd_reg_read(m, (uint32_t)offset);
}

uint64_t model_vtd_read64(struct model_vtd *m, uint64_t offset)
{
    uint64_t low;

    if (!legal(m, offset, 8, false)) {
        return 0;
    }
    check_wide(m, offset);
    low = vtd_reg_read(m, (uint32_t)offset);
    return low | (uint64_t)vtd_reg_read(m, (uint32_t)offset + 4) << 32;
}

void model_vtd_write32(struct model_vtd *m, uint64_t offset, uint32_t value)
{
    if (legal(m, offset, 4, true)) {
        vtd_reg_write(m, (uint32_t)offset, value);
    }
}

void model_vtd_write64(struct model_vtd *m, uint64_t offset, uint64_t value)
{
    if (!legal(m, offset, 8, true)) {
        return;
    }
    check_wide(m, offset);
    vtd_reg_write(m, (uint32_t)offset, (uint32_t)value);
    vtd_reg_write(m, (uint32_t)offset + 4, (uint32_t)(value >> 32));
}
