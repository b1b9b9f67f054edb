/* SPDX-License-Identifier: BSD-2-Clause */
/* What a unit can do, and the constructor. */
#include "amd_internal.h"

static uint32_t smaller(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static bool has(uint64_t efr, uint32_t field)
{
    return uiommu_bits_get(efr, field) != 0;
}

/*
 * Traffic without PASID must be translated or blocked while PASIDs are in use. Without GIoV it
 * passes wherever a guest table is valid: then there are PASIDs only where the host accepts that.
 * Host tables need neither. Page requests need DTE.PPR, which exists with EPHSup only.
 */
static uiommu_err read_features(struct uiommu_amd *hw, uint64_t efr)
{
    struct amd_features *f = &hw->f;
    static const uint8_t host_levels[] = {4, 5, 6, 0};
    uint32_t levels = (uint32_t)uiommu_bits_get(efr, AMD_EFR_GLX) + 1u;
    uint32_t width = (uint32_t)uiommu_bits_get(efr, AMD_EFR_PASMAX) + 1u;

    if (efr == 0 || levels > 3) /* As all ones. */
        return UIOMMU_E_HW;
    f->guest = has(efr, AMD_EFR_GT);
    f->gio = f->guest && has(efr, AMD_EFR_GIO);
    f->host_levels = host_levels[uiommu_bits_get(efr, AMD_EFR_HATS)];
    if (!f->guest && f->host_levels == 0)
        return UIOMMU_E_UNSUPPORTED;
    if ((hw->config.flags & UIOMMU_AMD_FIVE_LEVEL) != 0 &&
        (!f->guest || uiommu_bits_get(efr, AMD_EFR_GATS) != AMD_PAGING_5_LEVEL))
        return UIOMMU_E_UNSUPPORTED;
    f->ats = (hw->config.flags & UIOMMU_AMD_NO_ATS) == 0;
    f->eph = has(efr, AMD_EFR_EPH);
    f->ppr = f->guest && f->ats && f->eph && has(efr, AMD_EFR_PPR);
    f->snp = has(efr, AMD_EFR_SNP);
    f->early = has(efr, AMD_EFR_EARLY);
    f->early_b = has(efr, AMD_EFR_EARLY) && has(efr, AMD_EFR_DUAL);
    f->inv_all = has(efr, AMD_EFR_INV_ALL);
    f->block_markers =
        (hw->config.flags & UIOMMU_AMD_BLOCK_MARKERS) != 0 && has(efr, AMD_EFR_MARKERS);
    if (f->gio || (f->guest && (hw->config.flags & UIOMMU_AMD_UNTAGGED_PASSES) != 0))
        f->pasid_bits = smaller(smaller(width, levels * AMD_GCR3_LOG2), 20);
    return UIOMMU_OK;
}

static uint32_t log2_or(uint32_t asked, uint32_t otherwise)
{
    return asked != 0 ? asked : otherwise;
}

static void init_rings(struct uiommu_amd *hw)
{
    uint32_t bits = hw->config.address_bits != 0 ? hw->config.address_bits : 48u;

    uiommu_amd_logs_init(hw);
    hw->limit = (UINT64_C(1) << bits) - 1u;
    hw->id_bits = smaller(hw->config.unit.id_bits - 1u, 15) + 1u; /* 0: as many as there are. */
    hw->evt.log2 = log2_or(hw->config.eventq_log2, 9);
    hw->cmdq.log2 = log2_or(hw->config.cmdq_log2, 9);
    hw->ppr.log2 = log2_or(hw->config.priq_log2, 9);
}

/*
 * Stop Markers are shown unless blocked; no source has the logged form, but what is taken for one
 * can be nothing else. The event log carries requests too: those refused by hardware that want an
 * answer all the same. One entry of each log stays free.
 */
static void fill_caps(const struct uiommu_amd *hw, struct uiommu_caps *out)
{
    memset(out, 0, sizeof(*out));
    out->flags = UIOMMU_CAP_TAG_PER_DEVICE | UIOMMU_CAP_ISOLATE | UIOMMU_CAP_RESPONSE_PASID;
    if (!hw->f.block_markers)
        out->flags |= UIOMMU_CAP_MARKERS;
    if (hw->f.ats)
        out->flags |= UIOMMU_CAP_ATS;
    if ((hw->config.flags & UIOMMU_AMD_NOT_COHERENT) == 0)
        out->flags |= UIOMMU_CAP_COHERENT;
    out->id_bits = hw->id_bits;
    out->pasid_bits = hw->f.pasid_bits;
    out->pasid_first = 1; /* Number 0 is untagged traffic's (GIoV). */
    out->stu_bits = 12;
    if (hw->f.ppr) {
        out->request_entries = (UINT32_C(1) << hw->ppr.log2) - 1u;
        out->ring[out->rings].flags = UIOMMU_RING_REQUESTS | UIOMMU_RING_LOSES;
        out->ring[out->rings++].entries = out->request_entries;
    }
    out->ring[out->rings].flags = hw->f.ppr ? UIOMMU_RING_REQUESTS | UIOMMU_RING_LOSES : 0u;
    out->ring[out->rings++].entries = (UINT32_C(1) << hw->evt.log2) - 1u;
}

uiommu_err uiommu_amd_probe(void *ctx, struct uiommu_caps *out)
{
    struct uiommu_amd *hw = ctx;
    uint64_t efr = hw->host->mmio_read64(hw->host->ctx, hw->config.base + AMD_EFR);
    uiommu_err err = read_features(hw, efr);

    if (err != UIOMMU_OK)
        return err;
    init_rings(hw);
    fill_caps(hw, out);
    return UIOMMU_OK;
}

static const struct uiommu_backend_ops ops = {
    .size = sizeof(struct uiommu_backend_ops),
    .name = "amd",
    .probe = uiommu_amd_probe,
    .start = uiommu_amd_start,
    .stop = uiommu_amd_stop,
    .restart = uiommu_amd_restart,
    .destroy = uiommu_amd_destroy,
    .root_check = uiommu_amd_root_check,
    .device_attach = uiommu_amd_device_attach,
    .device_detach = uiommu_amd_device_detach,
    .device_set = uiommu_amd_device_set,
    .device_isolate = uiommu_amd_device_isolate,
    .pasid_prepare = uiommu_amd_pasid_prepare,
    .pasid_set = uiommu_amd_pasid_set,
    .pasid_block = uiommu_amd_pasid_block,
    .pasid_clear = uiommu_amd_pasid_clear,
    .config_invalidate = uiommu_amd_config_invalidate,
    .tlb_invalidate = uiommu_amd_tlb_invalidate,
    .dtlb_invalidate = uiommu_amd_dtlb_invalidate,
    .ticket = uiommu_amd_ticket,
    .ticket_poll = uiommu_amd_ticket_poll,
    .barrier = uiommu_amd_barrier,
    .respond = uiommu_amd_respond,
    .command = uiommu_amd_command,
    .irq_ack = uiommu_amd_irq_ack,
    .check = uiommu_amd_check,
    .ring_pending = uiommu_amd_ring_pending,
    .fetch = uiommu_amd_fetch,
    .overflow_ack = uiommu_amd_overflow_ack,
    .describe = uiommu_amd_describe,
};

static bool log2_valid(uint32_t log2)
{
    return log2 == 0 || (log2 >= 8 && log2 <= 15);
}

static bool config_valid(const struct uiommu_amd_config *c)
{
    return c->size == sizeof(*c) && c->unit.size == sizeof(c->unit) && (c->base & 7u) == 0 &&
           c->flags < (UIOMMU_AMD_NP_CACHE << 1) && c->ivhd_flags <= 0xfu &&
           (c->address_bits == 0 || (c->address_bits >= 32 && c->address_bits <= 52)) &&
           log2_valid(c->cmdq_log2) && log2_valid(c->eventq_log2) && log2_valid(c->priq_log2) &&
           c->unit.id_bits <= 32;
}

uiommu_err uiommu_amd_create(struct uiommu *u, const struct uiommu_amd_config *config,
                             struct uiommu_unit **out)
{
    struct uiommu_amd *hw;
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
