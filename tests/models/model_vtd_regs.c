/* SPDX-License-Identifier: BSD-2-Clause */
#include "model_vtd_internal.h"

#define IQA_RESERVED 0x7F8u
#define PQA_RESERVED 0xFF8u

static bool in_records(const struct model_vtd *m, uint32_t offset)
{
    return offset >= 16 * m->config.fro && offset < 16 * (m->config.fro + m->config.records);
}

bool vtd_reg_known(const struct model_vtd *m, uint32_t offset)
{
    if (in_records(m, offset) ||
        (offset >= 16 * m->config.iro && offset < 16 * m->config.iro + 16)) {
        return true;
    }
    switch (offset & ~3u) {
    case 0x00:
    case 0x08:
    case 0x0C:
    case 0x10:
    case 0x14:
    case 0x18:
    case 0x1C:
    case 0x20:
    case 0x24:
    case 0x28:
    case 0x2C:
    case 0x34:
    case 0x38:
    case 0x3C:
    case 0x40:
    case 0x44:
    case 0x64:
    case 0x80:
    case 0x84:
    case 0x88:
    case 0x8C:
    case 0x90:
    case 0x94:
    case 0x9C:
    case 0xA0:
    case 0xA4:
    case 0xA8:
    case 0xAC:
    case 0xB0:
    case 0xB4:
    case 0xB8:
    case 0xBC:
    case 0xC0:
    case 0xC4:
    case 0xC8:
    case 0xCC:
    case 0xD0:
    case 0xD4:
    case 0xDC:
    case 0xE0:
    case 0xE4:
    case 0xE8:
    case 0xEC:
        return true;
    default:
        return false;
    }
}

static uint32_t half(uint64_t word, uint32_t offset)
{
    return (uint32_t)(word >> (8 * (offset & 4)));
}

static void set_half(uint64_t *word, uint32_t offset, uint32_t value)
{
    unsigned shift = 8 * (offset & 4);

    *word = (*word & ~((uint64_t)0xFFFFFFFFu << shift)) | (uint64_t)value << shift;
}

static uint32_t queue_read(struct model_vtd *m, uint32_t offset)
{
    switch (offset & ~7u) {
    case 0x80:
        return half(m->iqh, offset);
    case 0x88:
        return half(m->iqt, offset);
    case 0x90:
        return half(m->iqa, offset);
    case 0xB0:
        return m->config.no_iqercd ? 0 : half(m->iqercd, offset);
    case 0xB8:
        return half(m->irta, offset);
    case 0xC0:
        return half(m->pqh, offset);
    case 0xC8:
        vtd_prq_push(m);
        vtd_event_push(m, MODEL_VTD_IRQ_PAGE_REQUEST);
        return half(m->pqt, offset);
    case 0xD0:
        return half(m->pqa, offset);
    default:
        return 0;
    }
}

static uint32_t status_read(struct model_vtd *m, uint32_t offset)
{
    switch (offset) {
    case 0x34:
        vtd_event_push(m, MODEL_VTD_IRQ_FAULT);
        return m->fsts;
    case 0x9C:
        vtd_event_push(m, MODEL_VTD_IRQ_COMPLETION);
        return m->ics;
    case 0xDC:
        vtd_event_push(m, MODEL_VTD_IRQ_PAGE_REQUEST);
        return m->prs;
    default:
        return m->pmen;
    }
}

static uint32_t event_read(struct model_vtd *m, enum model_vtd_source source, uint32_t reg)
{
    if (reg == 0) {
        vtd_event_push(m, source);
    }
    return vtd_event_read(m, source, reg);
}

uint32_t vtd_reg_read(struct model_vtd *m, uint32_t offset)
{
    if (in_records(m, offset)) {
        return vtd_record_read(m, offset - 16 * m->config.fro);
    }
    if (offset >= 16 * m->config.iro && offset < 16 * m->config.iro + 16) {
        return offset < 16 * m->config.iro + 8 ? half(m->iva, offset) : half(m->iotlb, offset);
    }
    switch (offset) {
    case 0x00:
        return m->config.ver;
    case 0x08:
    case 0x0C:
        return half(m->cap, offset);
    case 0x10:
    case 0x14:
        return half(m->ecap, offset);
    case 0x1C:
        return m->gsts;
    case 0x20:
    case 0x24:
        return half(m->rtaddr, offset);
    case 0x28:
    case 0x2C:
        return half(m->ccmd, offset);
    case 0x34:
    case 0x64:
    case 0x9C:
    case 0xDC:
        return status_read(m, offset);
    case 0x38:
    case 0x3C:
    case 0x40:
    case 0x44:
        return event_read(m, MODEL_VTD_IRQ_FAULT, offset - 0x38);
    case 0xA0:
    case 0xA4:
    case 0xA8:
    case 0xAC:
        return event_read(m, MODEL_VTD_IRQ_COMPLETION, offset - 0xA0);
    case 0xE0:
    case 0xE4:
    case 0xE8:
    case 0xEC:
        return event_read(m, MODEL_VTD_IRQ_PAGE_REQUEST, offset - 0xE0);
    default:
        return queue_read(m, offset);
    }
}

static void iqa_write(struct model_vtd *m, uint32_t offset, uint32_t value)
{
    if ((offset & 4) == 0 && (value & IQA_RESERVED) != 0) {
        vtd_wrong(m, "vtd.iq.base-misaligned", "IQA has bits in 10:3", value, offset);
        value &= ~IQA_RESERVED;
    }
    if (vtd_on(m, VTD_QIES)) {
        vtd_wrong(m, "vtd.iq.base-changed-enabled", "IQA is written while the queue is on", value,
                  m->iqh);
    }
    set_half(&m->iqa, offset, value);
    m->iqa_set = true;
    if ((offset & 4) == 0) {
        vtd_iq_base_check(m);
    }
}

static void pqa_write(struct model_vtd *m, uint32_t offset, uint32_t value)
{
    if ((offset & 4) == 0 && (value & PQA_RESERVED) != 0) {
        vtd_wrong(m, "vtd.prq.base-misaligned", "PQA has bits in 11:3", value, offset);
        value &= ~PQA_RESERVED;
    }
    if (vtd_pre_anywhere(m)) {
        vtd_wrong(m, "vtd.prq.base-changed-enabled", "PQA is written while a context has PRE",
                  value, offset);
    }
    set_half(&m->pqa, offset, value);
    m->pqa_set = true;
}

static void root_write(struct model_vtd *m, uint32_t offset, uint32_t value)
{
    uint32_t reserved = m->config.ssirws ? 0x37Fu : 0x3FFu;

    if ((offset & 4) == 0 && (value & reserved) != 0) {
        vtd_wrong(m, "vtd.root.misaligned", "RTADDR has reserved bits", value, reserved);
        value &= ~reserved;
    }
    if (m->gcmd_busy && vtd_bit(m->gcmd_value, VTD_RTPS)) {
        vtd_wrong(m, "vtd.root.changed-in-flight", "RTADDR is written while SRTP is pending", value,
                  offset);
    }
    set_half(&m->rtaddr, offset, value);
}

static void queue_write(struct model_vtd *m, uint32_t offset, uint32_t value)
{
    bool high = (offset & 4) != 0;

    switch (offset & ~7u) {
    case 0x88:
    case 0xC0:
    case 0xC8:
        if (high && value != 0) {
            vtd_wrong(m, "vtd.reg.reserved", "reserved bits of a queue index", offset, value);
        } else if (!high && (offset & ~7u) == 0x88) {
            vtd_iq_tail_write(m, value);
        } else if (!high && (offset & ~7u) == 0xC0) {
            vtd_prq_head_write(m, value);
        } else if (!high) {
            vtd_prq_tail_write(m, value);
        }
        break;
    case 0x90:
        iqa_write(m, offset, value);
        break;
    case 0xB8:
        set_half(&m->irta, offset, value);
        break;
    case 0xD0:
        pqa_write(m, offset, value);
        break;
    default:
        vtd_wrong(m, "vtd.reg.read-only", "a read-only register is written", offset, value);
        break;
    }
}

static void legacy_write(struct model_vtd *m, uint32_t offset, uint32_t value)
{
    if ((offset & ~7u) == 16 * m->config.iro) {
        set_half(&m->iva, offset, value);
        return;
    }
    if ((offset & 4) != 0 && (value >> 31) != 0) {
        vtd_wrong(m, "vtd.reg.register-invalidation",
                  "invalidation by register in scalable mode does nothing", offset, value);
    }
    value &= (offset & 4) != 0 ? 0x67FFFFFFu : UINT32_MAX;
    set_half((offset & ~7u) == 0x28 ? &m->ccmd : &m->iotlb, offset, value);
}

static void event_write(struct model_vtd *m, uint32_t offset, uint32_t value)
{
    uint32_t block = offset >= 0xE0 ? 0xE0 : offset >= 0xA0 ? 0xA0 : 0x38;

    vtd_event_write(m,
                    block == 0x38   ? MODEL_VTD_IRQ_FAULT
                    : block == 0xA0 ? MODEL_VTD_IRQ_COMPLETION
                                    : MODEL_VTD_IRQ_PAGE_REQUEST,
                    offset - block, value);
}

void vtd_reg_write(struct model_vtd *m, uint32_t offset, uint32_t value)
{
    if (in_records(m, offset)) {
        vtd_record_write(m, offset - 16 * m->config.fro, value);
        return;
    }
    if ((offset & ~7u) == 0x28 ||
        (offset >= 16 * m->config.iro && offset < 16 * m->config.iro + 16)) {
        legacy_write(m, offset, value);
        return;
    }
    if ((offset >= 0x38 && offset < 0x48) || (offset >= 0xA0 && offset < 0xB0) || offset >= 0xE0) {
        event_write(m, offset, value);
        return;
    }
    switch (offset) {
    case 0x18:
        vtd_gcmd_write(m, value);
        break;
    case 0x20:
    case 0x24:
        root_write(m, offset, value);
        break;
    case 0x34:
        vtd_fsts_write(m, value);
        break;
    case 0x64:
        m->pmen = (value & (uint32_t)1 << 31) | value >> 31;
        break;
    case 0x9C:
        m->ics &= ~(value & 1u);
        vtd_event_settle(m, MODEL_VTD_IRQ_COMPLETION);
        break;
    case 0xDC:
        vtd_prs_write(m, value);
        break;
    default:
        queue_write(m, offset, value);
        break;
    }
}
