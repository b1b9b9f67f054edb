/* SPDX-License-Identifier: BSD-2-Clause */
/* ID registers, quirks, configuration; the unit's beginning and end. */
#include "smmuv3_internal.h"

static bool flag(uint32_t reg, uint32_t field)
{
    return uiommu_bits_get(reg, field) != 0;
}

/* Bits of an address that OAS or IPS codes. */
uint32_t uiommu_smmuv3_pa_bits(uint32_t code)
{
    static const uint8_t bits[] = {32, 36, 40, 42, 44, 48, 52, 56};

    return bits[code & 7u];
}

static uint32_t smaller(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/* Defaults, cut to the hardware's. */
static uint32_t queue_log2(uint32_t asked, uint32_t usual, uint32_t idr1, uint32_t field)
{
    return smaller(asked != 0 ? asked : usual, (uint32_t)uiommu_bits_get(idr1, field));
}

static void read_idr0(struct uiommu_smmuv3 *hw, uint32_t idr0)
{
    struct smmuv3_features *f = &hw->f;

    f->s1p = flag(idr0, SMMUV3_IDR0_S1P);
    f->s2p = flag(idr0, SMMUV3_IDR0_S2P);
    f->nested = f->s1p && f->s2p;
    f->coherent =
        hw->config.coherency == UIOMMU_SMMUV3_COHERENT ||
        (hw->config.coherency == UIOMMU_SMMUV3_COHERENT_BY_ID && flag(idr0, SMMUV3_IDR0_COHACC));
    f->btm = flag(idr0, SMMUV3_IDR0_BTM);
    f->httu = (uint32_t)uiommu_bits_get(idr0, SMMUV3_IDR0_HTTU);
    f->hyp = flag(idr0, SMMUV3_IDR0_HYP);
    f->ats = flag(idr0, SMMUV3_IDR0_ATS);
    f->msi = flag(idr0, SMMUV3_IDR0_MSI);
    f->pri = f->ats && flag(idr0, SMMUV3_IDR0_PRI);
    f->cd2l = flag(idr0, SMMUV3_IDR0_CD2L);
    f->atsrecerr = flag(idr0, SMMUV3_IDR0_ATSRECERR);
    f->two_level = flag(idr0, SMMUV3_IDR0_ST_LEVEL);
    f->stall_model = (uint32_t)uiommu_bits_get(idr0, SMMUV3_IDR0_STALL_MODEL);
    f->asid_last = flag(idr0, SMMUV3_IDR0_ASID16) ? 0xffffu : 0xffu;
    f->vmid_last = flag(idr0, SMMUV3_IDR0_VMID16) ? 0xffffu : 0xffu;
}

static void read_others(struct uiommu_smmuv3 *hw, uint32_t idr1)
{
    static const uint8_t vax[] = {48, 52, 56, 48};
    struct smmuv3_features *f = &hw->f;
    uint32_t idr3 = uiommu_smmuv3_read(hw, SMMUV3_IDR3);
    uint32_t idr5 = uiommu_smmuv3_read(hw, SMMUV3_IDR5);

    f->sid_bits = (uint32_t)uiommu_bits_get(idr1, SMMUV3_IDR1_SIDSIZE);
    f->ssid_bits = f->s1p ? (uint32_t)uiommu_bits_get(idr1, SMMUV3_IDR1_SSIDSIZE) : 0;
    f->types_ovr = flag(idr1, SMMUV3_IDR1_TYPES_OVR);
    f->cmdq_log2 = queue_log2(hw->config.cmdq_log2, 8, idr1, SMMUV3_IDR1_CMDQS);
    f->eventq_log2 = queue_log2(hw->config.eventq_log2, 7, idr1, SMMUV3_IDR1_EVENTQS);
    f->priq_log2 = queue_log2(hw->config.priq_log2, 9, idr1, SMMUV3_IDR1_PRIQS);
    f->small_tables = flag(idr3, SMMUV3_IDR3_STT);
    f->ril = flag(idr3, SMMUV3_IDR3_RIL);
    f->oas = (uint32_t)uiommu_bits_get(idr5, SMMUV3_IDR5_OAS);
    f->vas = vax[uiommu_bits_get(idr5, SMMUV3_IDR5_VAX)];
    f->granules = (flag(idr5, SMMUV3_IDR5_GRAN4K) ? UINT32_C(1) << 12 : 0u) |
                  (flag(idr5, SMMUV3_IDR5_GRAN16K) ? UINT32_C(1) << 14 : 0u) |
                  (flag(idr5, SMMUV3_IDR5_GRAN64K) ? UINT32_C(1) << 16 : 0u);
    f->stall_max = 0;
    if (f->stall_model != SMMUV3_STALL_NEVER)
        f->stall_max = (uint32_t)uiommu_bits_get(idr5, SMMUV3_IDR5_STALL_MAX);
}

/* Errata by implementation. */
static void read_quirks(struct uiommu_smmuv3 *hw)
{
    uint32_t iidr = uiommu_smmuv3_read(hw, SMMUV3_IIDR);
    uint64_t product = uiommu_bits_get(iidr, SMMUV3_IIDR_PRODUCT);

    hw->f.sync_often = false;
    hw->f.page1 = (hw->config.quirks & UIOMMU_SMMUV3_QUIRK_PAGE0) != 0 ? 0 : SMMUV3_PAGE1;
    if (uiommu_bits_get(iidr, SMMUV3_IIDR_IMPLEMENTER) != SMMUV3_ARM)
        return;
    if (product == SMMUV3_MMU700 || product == SMMUV3_MMU_L1 || product == SMMUV3_MMU_S3)
        hw->f.btm = false;
    if (product == SMMUV3_MMU700)
        hw->f.sync_often = uiommu_bits_get(iidr, SMMUV3_IIDR_VARIANT) < 1 ||
                           uiommu_bits_get(iidr, SMMUV3_IIDR_REVISION) < 1;
    if (hw->f.sync_often || /* 2268618, 1209401 */
        (product == SMMUV3_MMU600 && uiommu_bits_get(iidr, SMMUV3_IIDR_VARIANT) < 2))
        hw->f.nested = false;
}

static uiommu_err refuse(const struct uiommu_smmuv3 *hw, uint32_t idr0, uint32_t idr1)
{
    const struct smmuv3_features *f = &hw->f;
    uint32_t aidr = uiommu_smmuv3_read(hw, SMMUV3_AIDR);

    if (idr0 == UINT32_MAX || uiommu_bits_get(aidr, SMMUV3_AIDR_MAJOR) != 0 || f->granules == 0 ||
        f->sid_bits > 32 || f->ssid_bits > UIOMMU_PASID_BITS ||
        f->stall_model > SMMUV3_STALL_FORCED || f->cmdq_log2 > SMMUV3_QUEUE_LOG2_MOST ||
        f->eventq_log2 > SMMUV3_QUEUE_LOG2_MOST || f->priq_log2 > SMMUV3_QUEUE_LOG2_MOST)
        return UIOMMU_E_HW;
    if ((!f->s1p && !f->s2p) ||
        (uiommu_bits_get(idr0, SMMUV3_IDR0_TTF) & SMMUV3_TTF_AARCH64) == 0 ||
        uiommu_bits_get(idr0, SMMUV3_IDR0_TTENDIAN) == SMMUV3_TTENDIAN_BIG ||
        flag(idr1, SMMUV3_IDR1_QUEUES_PRESET) || flag(idr1, SMMUV3_IDR1_TABLES_PRESET))
        return UIOMMU_E_UNSUPPORTED;
    /* A command queue that cannot hold a wave of one command is of no use. */
    if (f->cmdq_log2 < 2 || (hw->config.asid_shared && !f->btm))
        return UIOMMU_E_UNSUPPORTED;
    if (!f->msi &&
        (hw->config.gerror.address | hw->config.eventq.address | hw->config.priq.address) != 0)
        return UIOMMU_E_UNSUPPORTED;
    return UIOMMU_OK;
}

static void size_tables(struct uiommu_smmuv3 *hw)
{
    uint32_t linear = hw->config.linear_bits != 0 ? hw->config.linear_bits : 6u;
    uint32_t asked = hw->config.unit.id_bits != 0 ? hw->config.unit.id_bits : 16u;

    hw->id_bits = smaller(smaller(asked, hw->f.sid_bits), SMMUV3_TWO_LEVEL_ID_BITS);
    hw->two_level = hw->f.two_level && hw->id_bits > linear;
    hw->l2_count = 0;
    if (hw->two_level)
        hw->l2_count =
            hw->id_bits > SMMUV3_SPLIT ? UINT32_C(1) << (hw->id_bits - SMMUV3_SPLIT) : 1u;
    /* 52 bits are what a table base in a descriptor can hold. */
    hw->limit = (UINT64_C(1) << smaller(uiommu_smmuv3_pa_bits(hw->f.oas), 52)) - 1u;
    hw->cmdq.log2 = hw->f.cmdq_log2;
}

/* A tag is an ASID under VMID 0, or a VMID: one number range for both. */
static uint32_t tag_last(const struct smmuv3_features *f)
{
    if (!f->s2p)
        return f->asid_last;
    return f->s1p ? smaller(f->asid_last, f->vmid_last) : f->vmid_last;
}

static void fill_caps(const struct uiommu_smmuv3 *hw, struct uiommu_caps *out)
{
    const struct smmuv3_features *f = &hw->f;

    memset(out, 0, sizeof(*out));
    out->flags = UIOMMU_CAP_MARKERS | UIOMMU_CAP_RESPONSE_PASID | UIOMMU_CAP_ISOLATE;
    out->flags |= f->ats ? UIOMMU_CAP_ATS : 0u;
    out->flags |= f->coherent ? UIOMMU_CAP_COHERENT : 0u;
    out->id_bits = hw->id_bits;
    out->pasid_bits = f->ssid_bits;
    out->pasid_first = 1; /* Number 0 is the descriptor of untagged traffic (S1DSS=2). */
    out->stall_max = f->stall_max;
    out->tag_first = 1; /* ASID 0 is the blocked descriptors' own, VMID 0 that of first stages. */
    out->tag_last = tag_last(f);
    out->stu_bits = uiommu_smmuv3_stu_bits(hw);
    if (f->pri) {
        out->request_entries = UINT32_C(1) << f->priq_log2;
        out->ring[out->rings].flags = UIOMMU_RING_REQUESTS | UIOMMU_RING_LOSES;
        out->ring[out->rings++].entries = out->request_entries;
    }
    out->ring[out->rings].flags = f->stall_max != 0 ? UIOMMU_RING_REQUESTS : 0u;
    out->ring[out->rings++].entries = UINT32_C(1) << f->eventq_log2;
}

uiommu_err uiommu_smmuv3_probe(void *ctx, struct uiommu_caps *out)
{
    struct uiommu_smmuv3 *hw = ctx;
    uint32_t idr0 = uiommu_smmuv3_read(hw, SMMUV3_IDR0);
    uint32_t idr1 = uiommu_smmuv3_read(hw, SMMUV3_IDR1);
    uiommu_err err;

    read_idr0(hw, idr0);
    read_others(hw, idr1);
    read_quirks(hw);
    err = refuse(hw, idr0, idr1);
    if (err != UIOMMU_OK)
        return err;
    size_tables(hw);
    uiommu_smmuv3_queues_init(hw);
    fill_caps(hw, out);
    return UIOMMU_OK;
}

static const struct uiommu_backend_ops ops = {
    .size = sizeof(struct uiommu_backend_ops),
    .name = "smmuv3",
    .probe = uiommu_smmuv3_probe,
    .start = uiommu_smmuv3_start,
    .stop = uiommu_smmuv3_stop,
    .restart = uiommu_smmuv3_restart,
    .destroy = uiommu_smmuv3_destroy,
    .root_check = uiommu_smmuv3_root_check,
    .device_attach = uiommu_smmuv3_device_attach,
    .device_detach = uiommu_smmuv3_device_detach,
    .device_set = uiommu_smmuv3_device_set,
    .device_isolate = uiommu_smmuv3_device_isolate,
    .pasid_prepare = uiommu_smmuv3_pasid_prepare,
    .pasid_set = uiommu_smmuv3_pasid_set,
    .pasid_block = uiommu_smmuv3_pasid_block,
    .pasid_clear = uiommu_smmuv3_pasid_clear,
    .config_invalidate = uiommu_smmuv3_config_invalidate,
    .tlb_invalidate = uiommu_smmuv3_tlb_invalidate,
    .dtlb_invalidate = uiommu_smmuv3_dtlb_invalidate,
    .ticket = uiommu_smmuv3_ticket,
    .ticket_poll = uiommu_smmuv3_ticket_poll,
    .barrier = uiommu_smmuv3_barrier,
    .respond = uiommu_smmuv3_respond,
    .command = uiommu_smmuv3_command,
    .irq_ack = NULL, /* Interrupts are edges: there is nothing to acknowledge. */
    .check = uiommu_smmuv3_check,
    .ring_pending = uiommu_smmuv3_ring_pending,
    .fetch = uiommu_smmuv3_fetch,
    .overflow_ack = uiommu_smmuv3_overflow_ack,
    .describe = uiommu_smmuv3_describe,
};

static bool config_valid(const struct uiommu_smmuv3_config *c)
{
    return c->size == sizeof(*c) && c->unit.size == sizeof(c->unit) && (c->base & 7u) == 0 &&
           (uint32_t)c->coherency <= UIOMMU_SMMUV3_NOT_COHERENT &&
           (c->cmdq_log2 == 0 || c->cmdq_log2 >= 4) && c->cmdq_log2 <= SMMUV3_QUEUE_LOG2_MOST &&
           c->eventq_log2 <= SMMUV3_QUEUE_LOG2_MOST && c->priq_log2 <= SMMUV3_QUEUE_LOG2_MOST &&
           c->unit.id_bits <= 32 && c->linear_bits <= 32;
}

uiommu_err uiommu_smmuv3_create(struct uiommu *u, const struct uiommu_smmuv3_config *config,
                                struct uiommu_unit **out)
{
    struct uiommu_smmuv3 *hw;
    uiommu_err err;

    if (u == NULL || config == NULL || out == NULL || !config_valid(config))
        return UIOMMU_E_INVALID;
    hw = uiommu_heap_get(u, sizeof(*hw));
    if (hw == NULL)
        return UIOMMU_E_NOMEM;
    hw->u = u;
    hw->host = uiommu_host(u);
    hw->config = *config;
    hw->cmdq.stopped = true;
    err = uiommu_unit_create(u, &ops, hw, &hw->config.unit, &hw->unit);
    if (err != UIOMMU_OK) {
        uiommu_heap_put(u, hw, sizeof(*hw));
        return err;
    }
    *out = hw->unit;
    return UIOMMU_OK;
}
