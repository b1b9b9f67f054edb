/* SPDX-License-Identifier: BSD-2-Clause */
/* Capabilities (sheet 3), and the constructor. */
#include "vtd_internal.h"

/* Where page-selective invalidation of the second stage is absent, its width says nothing. */
#define ORDER_UNSAID 18u

static bool flag(uint64_t word, uint32_t field)
{
    return uiommu_bits_get(word, field) != 0;
}

static void read_features(struct uiommu_vtd *hw, uint64_t cap, uint64_t ecap)
{
    struct vtd_features *f = &hw->f;

    f->first = flag(ecap, VTD_ECAP_FSTS);
    f->second = flag(ecap, VTD_ECAP_SSTS);
    f->nested = flag(ecap, VTD_ECAP_NEST) && f->first && f->second;
    f->second_flags = flag(ecap, VTD_ECAP_SSADS) && flag(ecap, VTD_ECAP_SMPWCS);
    f->widths = (uint32_t)uiommu_bits_get(cap, VTD_CAP_SAGAW);
    f->guest_bits = (uint32_t)uiommu_bits_get(cap, VTD_CAP_MGAW) + 1u;
    f->pages = flag(cap, VTD_CAP_PSI);
    f->coherent = flag(ecap, VTD_ECAP_C);
    f->snoop_walk = flag(ecap, VTD_ECAP_SMPWCS);
    f->caching = flag(cap, VTD_CAP_CM);
    f->write_buffer =
        flag(cap, VTD_CAP_RWBF) || (hw->config.quirks & UIOMMU_VTD_QUIRK_WRITE_BUFFER) != 0;
    f->esrtps = flag(cap, VTD_CAP_ESRTPS);
    f->abort_mode = flag(ecap, VTD_ECAP_ADMS);
    f->five = flag(cap, VTD_CAP_FS5LP);
    f->eim = flag(ecap, VTD_ECAP_EIM);
    f->ats = flag(ecap, VTD_ECAP_DT);
    f->throttle = flag(ecap, VTD_ECAP_DIT);
    f->pri = flag(ecap, VTD_ECAP_PRS);
    f->drain = flag(ecap, VTD_ECAP_PDS);
    f->pasid_bits =
        flag(ecap, VTD_ECAP_PASID) ? (uint32_t)uiommu_bits_get(ecap, VTD_ECAP_PSS) + 1u : 0;
    f->did_last = (UINT32_C(1) << (4u + 2u * (uint32_t)uiommu_bits_get(cap, VTD_CAP_ND))) - 1u;
    /* The width is the second stage's; drivers are not agreed whether it binds type 6 too. Above
     * it the whole PASID goes, which is always right. */
    f->order_most =
        flag(cap, VTD_CAP_PSI) ? (uint32_t)uiommu_bits_get(cap, VTD_CAP_MAMV) : ORDER_UNSAID;
    f->fault_base = (uint32_t)uiommu_bits_get(cap, VTD_CAP_FRO) * 16u;
    f->faults = (uint32_t)uiommu_bits_get(cap, VTD_CAP_NFR) + 1u;
}

/* Where the host mapped no more, nothing is read, whatever the capabilities say. */
static uint32_t window(const struct uiommu_vtd_config *config)
{
    return config->bytes != 0 ? config->bytes : (uint32_t)VTD_PAGE;
}

/* What hardware must have, and what cannot be (3.2, implications). */
static uiommu_err refuse(const struct uiommu_vtd *hw, uint64_t cap, uint64_t ecap)
{
    const struct vtd_features *f = &hw->f;
    uint64_t high = (hw->config.fault.address | hw->config.requests.address) >> 32;

    if (cap == UINT64_MAX || ecap == UINT64_MAX ||
        uiommu_bits_get(cap, VTD_CAP_ND) == VTD_ND_RESERVED || f->fault_base == 0 ||
        f->fault_base + f->faults * VTD_FRCD_BYTES > window(&hw->config) ||
        f->pasid_bits > UIOMMU_PASID_BITS || f->order_most > VTD_ORDER_ALL)
        return UIOMMU_E_HW;
    if ((f->pri || f->drain || f->throttle) && !f->ats)
        return UIOMMU_E_HW;
    if (!flag(ecap, VTD_ECAP_SMTS) || !flag(ecap, VTD_ECAP_QI) || (!f->first && !f->second))
        return UIOMMU_E_UNSUPPORTED;
    return high != 0 && !f->eim ? UIOMMU_E_UNSUPPORTED : UIOMMU_OK;
}

static void fill_caps(const struct uiommu_vtd *hw, struct uiommu_caps *out)
{
    const struct vtd_features *f = &hw->f;

    memset(out, 0, sizeof(*out));
    out->flags = UIOMMU_CAP_MARKERS | UIOMMU_CAP_ISOLATE;
    out->flags |= f->ats ? UIOMMU_CAP_ATS : 0u;
    out->flags |= f->snoop_walk ? UIOMMU_CAP_COHERENT : 0u; /* PWSNP is set wherever it can be. */
    out->id_bits = hw->id_bits;
    out->pasid_bits = f->pasid_bits;
    out->pasid_first = 1; /* 0 is untagged traffic: RID_PASID. */
    out->tag_first = 1;   /* In caching mode 0 tags what was cached of absent entries (7.6). */
    out->tag_last = f->did_last;
    out->stu_bits = 12;
    out->access = UIOMMU_READ | UIOMMU_WRITE; /* SRE stays 0, and nothing grants execution. */
    if (f->pri) {                             /* One slot stays free (6). */
        out->request_entries = (UINT32_C(1) << hw->prq.log2) - 1u;
        out->ring[out->rings].flags = UIOMMU_RING_REQUESTS | UIOMMU_RING_LOSES;
        out->ring[out->rings++].entries = out->request_entries;
    }
    out->ring[out->rings++].entries = f->faults;
}

uiommu_err uiommu_vtd_probe(void *ctx, struct uiommu_caps *out)
{
    struct uiommu_vtd *hw = ctx;
    uint64_t cap = uiommu_vtd_read64(hw, VTD_CAP), ecap = uiommu_vtd_read64(hw, VTD_ECAP);
    uint32_t bits = hw->config.address_bits, ids = hw->config.unit.id_bits;
    uiommu_err err;

    read_features(hw, cap, ecap);
    err = refuse(hw, cap, ecap);
    if (err != UIOMMU_OK)
        return err;
    hw->limit = (UINT64_C(1) << (bits != 0 ? bits : 52u)) - 1u;
    hw->id_bits = ids != 0 ? ids : 16u;
    hw->iq.log2 = hw->config.queue_log2 != 0 ? hw->config.queue_log2 : 8u;
    hw->prq.log2 = hw->config.prq_log2 != 0 ? hw->config.prq_log2 : 9u;
    fill_caps(hw, out);
    return UIOMMU_OK;
}

static const struct uiommu_backend_ops ops = {
    .size = sizeof(struct uiommu_backend_ops),
    .name = "vtd",
    .probe = uiommu_vtd_probe,
    .start = uiommu_vtd_start,
    .stop = uiommu_vtd_stop,
    .restart = uiommu_vtd_restart,
    .destroy = uiommu_vtd_destroy,
    .root_check = uiommu_vtd_root_check,
    .device_attach = uiommu_vtd_device_attach,
    .device_detach = uiommu_vtd_device_detach,
    .device_set = uiommu_vtd_device_set,
    .device_isolate = uiommu_vtd_device_isolate,
    .pasid_prepare = uiommu_vtd_pasid_prepare,
    .pasid_set = uiommu_vtd_pasid_set,
    .pasid_block = uiommu_vtd_pasid_block,
    .pasid_clear = uiommu_vtd_pasid_clear,
    .config_invalidate = uiommu_vtd_config_invalidate,
    .tlb_invalidate = uiommu_vtd_tlb_invalidate,
    .dtlb_invalidate = uiommu_vtd_dtlb_invalidate,
    .ticket = uiommu_vtd_ticket,
    .ticket_poll = uiommu_vtd_ticket_poll,
    .barrier = uiommu_vtd_barrier,
    .respond = uiommu_vtd_respond,
    .command = uiommu_vtd_raw,
    .irq_ack = uiommu_vtd_irq_ack,
    .check = uiommu_vtd_check,
    .ring_pending = uiommu_vtd_ring_pending,
    .fetch = uiommu_vtd_fetch,
    .overflow_ack = uiommu_vtd_overflow_ack,
    .describe = uiommu_vtd_describe,
};

static bool log2_valid(uint32_t log2)
{
    return log2 == 0 || (log2 >= VTD_PAGE_SLOT_LOG2 && log2 <= VTD_QUEUE_LOG2_MOST);
}

static bool config_valid(const struct uiommu_vtd_config *c)
{
    return c->size == sizeof(*c) && c->unit.size == sizeof(c->unit) && (c->base & 7u) == 0 &&
           (c->bytes == 0 || c->bytes >= (uint32_t)VTD_PAGE) && c->unit.id_bits <= 16 &&
           log2_valid(c->queue_log2) && log2_valid(c->prq_log2) &&
           (c->address_bits == 0 || (c->address_bits >= 32 && c->address_bits <= 52)) &&
           (c->fault.address & 3u) == 0 && (c->requests.address & 3u) == 0;
}

uiommu_err uiommu_vtd_create(struct uiommu *u, const struct uiommu_vtd_config *config,
                             struct uiommu_unit **out)
{
    struct uiommu_vtd *hw;
    uiommu_err err;

    if (u == NULL || config == NULL || out == NULL || !config_valid(config))
        return UIOMMU_E_INVALID;
    hw = uiommu_heap_get(u, sizeof(*hw));
    if (hw == NULL)
        return UIOMMU_E_NOMEM;
    hw->u = u;
    hw->host = uiommu_host(u);
    hw->config = *config;
    err = uiommu_unit_create(u, &ops, hw, &hw->config.unit, &hw->unit);
    if (err != UIOMMU_OK) {
        uiommu_heap_put(u, hw, sizeof(*hw));
        return err;
    }
    *out = hw->unit;
    return UIOMMU_OK;
}
