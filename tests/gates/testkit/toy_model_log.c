/* SPDX-License-Identifier: BSD-2-Clause */
#include "toy_model_internal.h"

/* The log: page requests, markers, faults. */

void toy_model_record(struct toy_model *m, uint64_t word0, uint64_t word1)
{
    uint64_t at = m->log.base + 16 * (m->log.tail & ((1u << m->log.log2) - 1));

    if (!model_bus_write64(m->world, at, word0) || !model_bus_write64(m->world, at + 8, word1)) {
        toy_wrong(m, "toy.log.abort", "the log cannot be written", at, 0);
    }
    m->log.tail = (m->log.tail + 1) & ((2u << m->log.log2) - 1);
    if ((m->status & STATUS_LOG) == 0) {
        m->status |= STATUS_LOG;
        toy_irq(m);
    }
}

/* Faults never take more than half of the log. */
void toy_fault(struct toy_model *m, uint32_t code, const struct model_dma *what)
{
    if (code > FAULT_PERMISSION) {
        return;
    }
    if (toy_used(&m->log) >= 1u << (m->log.log2 - 1)) {
        m->status |= STATUS_FAULTS;
        return;
    }
    toy_model_record(m,
                     3 | (uint64_t)what->has_pasid << 4 | (uint64_t)(what->access & 0xF) << 8 |
                         (uint64_t)(what->has_pasid ? what->pasid : 0) << 12 |
                         (uint64_t)what->id << 32 | (uint64_t)code << 60,
                     what->address);
}

void toy_model_overflow(struct toy_model *m)
{
    m->status |= STATUS_LOST;
    toy_irq(m);
}

/* Hardware answers by itself what it does not log. */
static void refuse(struct toy_model *m, const struct model_page_request *r, bool marker,
                   uint32_t code)
{
    struct model_page_response response = {.id = r->id,
                                           .has_pasid = r->has_pasid,
                                           .pasid = r->pasid,
                                           .index = r->index,
                                           .code = code,
                                           .automatic = true};

    if (r->last && !marker) {
        model_fabric_page_response(m->fabric, &response);
    }
}

void toy_page_request(void *ctx, const struct model_page_request *r)
{
    struct toy_model *m = ctx;
    bool marker = r->last && r->has_pasid && (r->access & (MODEL_READ | MODEL_WRITE)) == 0;

    if (marker && m->config.swallow_markers) {
        return;
    }
    if (!toy_on(m) || (toy_device_entry(m, r->id) & 4) != 0) {
        refuse(m, r, marker, MODEL_RESPONSE_INVALID);
        return;
    }
    if ((m->status & STATUS_LOST) == 0 && toy_used(&m->log) == 1u << m->log.log2) {
        toy_model_overflow(m);
    }
    if ((m->status & STATUS_LOST) != 0) {
        refuse(m, r, marker, MODEL_RESPONSE_SUCCESS);
        return;
    }
    toy_model_record(m,
                     (marker ? 2u : 1u) | (uint64_t)r->has_pasid << 4 | (uint64_t)r->last << 5 |
                         (uint64_t)(r->access & 0xF) << 8 |
                         (uint64_t)(r->has_pasid ? r->pasid : 0) << 12 | (uint64_t)r->id << 32 |
                         (uint64_t)(r->index & 0x1FF) << 48,
                     r->address);
}
