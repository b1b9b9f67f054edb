/* SPDX-License-Identifier: BSD-2-Clause */
#include "model_amd_internal.h"

#define W1C UINT64_C(0x0000000000060867) /* without GA and event log B */

static uint64_t field(bool there, unsigned high, unsigned low)
{
    return there ? amd_ones(high - low + 1) << low : 0;
}

/* What this unit implements of Control. */
static uint64_t implemented(const struct model_amd *m)
{
    const struct model_amd_config *c = &m->config;

    return field(true, 12, 0) | field(c->ppr, 15, 13) | field(c->gt, 16, 16) |
           field(c->ga, 17, 17) | field(true, 21, 18) | field(true, 23, 23) | field(c->ga, 29, 25) |
           field(c->dual_ppr != 0, 31, 30) | field(c->ppr_auto, 39, 39) |
           field(c->block_markers, 41, 41) | field(c->ppr_auto, 42, 42) | field(true, 44, 43) |
           field(c->eph, 45, 45) | field(c->ha || c->hd, 47, 46) | field(c->xt, 51, 50) |
           field(c->gcr3_trp, 58, 58) | field(true, 59, 59);
}

uint32_t amd_first_ppr(const struct model_amd *m)
{
    return amd_bits(m->control, 31, 30) == 1 ? AMD_PPR_B : AMD_PPR_A;
}

static bool wants(uint64_t control, unsigned ring)
{
    static const unsigned bits[AMD_RINGS] = {AMD_CMD_EN, AMD_EVT_LOG_EN, AMD_PPR_LOG_EN,
                                             AMD_PPR_LOG_EN};
    uint32_t dual = amd_bits(control, 31, 30);

    if (ring == AMD_PPR_A && dual == 1) {
        return false;
    }
    if (ring == AMD_PPR_B && dual == 0) {
        return false;
    }
    return amd_bit(control, AMD_IOMMU_EN) && amd_bit(control, bits[ring]);
}

static bool overflowed(const struct model_amd *m, unsigned ring)
{
    static const unsigned bits[AMD_RINGS] = {63, AMD_EVT_OVERFLOW, AMD_PPR_OVERFLOW,
                                             AMD_PPR_OVERFLOW_B};

    return amd_bit(m->status, bits[ring]);
}

/* Only an edge starts a ring; an overflow that is not cleared forbids it. */
static void update_rings(struct model_amd *m, uint64_t was)
{
    unsigned ring;

    for (ring = 0; ring < AMD_RINGS; ring++) {
        bool before = wants(was, ring);
        bool now = wants(m->control, ring);

        if (before && !now) {
            if (ring == AMD_CMD && amd_control(m, AMD_IOMMU_EN) && m->ring[ring].run &&
                m->sequence != m->synced) {
                m->unsynced_off = m->config.ia; /* Without INV_ALL nothing makes up for it. */
            }
            amd_ring_stop(m, ring);
        }
        if (!now || (before && !(m->knobs.spec_restart && ring != AMD_CMD && !m->ring[ring].run))) {
            continue;
        }
        if (overflowed(m, ring)) {
            if (!before) {
                amd_wrong(m,
                          ring == AMD_EVT ? "amd.evtlog.restart-with-overflow"
                                          : "amd.pprlog.restart-with-overflow",
                          "a log is enabled again before its overflow is cleared", ring, 0);
            }
            continue;
        }
        if (amd_ring_start(m, ring) && ring == AMD_CMD) {
            m->cmd_error = false;
            amd_cmdq_forget(m);
            amd_cmdq_kick(m);
        }
    }
    if (wants(m->control, amd_first_ppr(m)) && !wants(was, amd_first_ppr(m))) {
        m->active = amd_first_ppr(m);
    }
}

static void check_enables(struct model_amd *m, uint64_t was)
{
    static const unsigned enables[3] = {AMD_EVT_INT_EN, AMD_WAIT_INT_EN, AMD_PPR_INT_EN};
    static const unsigned ints[3] = {AMD_EVT_INT, AMD_WAIT_INT, AMD_PPR_INT};
    unsigned i;

    for (i = 0; i < 3; i++) {
        if (!amd_bit(was, enables[i]) && amd_control(m, enables[i]) && m->knobs.irq_on_enable &&
            amd_bit(m->status, ints[i])) {
            amd_irq(m, i == 2 ? MODEL_AMD_IRQ_PPR : MODEL_AMD_IRQ_GENERAL);
        }
    }
}

void amd_control_write(struct model_amd *m, uint64_t value)
{
    uint64_t was = m->control;

    if ((value & (amd_one(49) | amd_one(57))) != 0) {
        amd_wrong(m, "amd.ctrl.reserved", "reserved control bits are set", value, 0);
    } else if ((value & ~implemented(m)) != 0) {
        amd_wrong(m, "amd.ctrl.unsupported", "a feature is enabled that the unit lacks", value,
                  value & ~implemented(m));
    }
    value &= implemented(m);
    if (amd_bits(value, 7, 5) == 7) {
        amd_wrong(m, "amd.ctrl.timeout-reserved", "InvTimeOut 7 is reserved", value, 0);
        value &= ~UINT64_C(0xE0);
    }
    if (amd_bits(value, 31, 30) == 3 || (amd_bits(value, 31, 30) == 2 && m->config.dual_ppr != 2)) {
        amd_wrong(m, "amd.ctrl.dual-reserved", "DualPprLogEn has a reserved value", value, 0);
        value &= ~UINT64_C(0xC0000000);
    }
    m->control = value;
    if (!amd_bit(was, AMD_IOMMU_EN) && amd_control(m, AMD_IOMMU_EN) && !m->devtab_set) {
        amd_wrong(m, "amd.devtab.base-not-set", "IommuEn without a device table", value, 0);
    }
    update_rings(m, was);
    check_enables(m, was);
}

/* Moved under traffic by its first owner it is lost; a second owner who found it so may have to. */
void amd_devtab_write(struct model_amd *m, uint64_t mask, uint64_t value)
{
    bool found = m->found && mask == UINT64_MAX;

    if (amd_control(m, AMD_IOMMU_EN) && found && m->knobs.devtab_stays) {
        return;
    }
    if (amd_control(m, AMD_IOMMU_EN) && !found) {
        amd_wrong(m, "amd.devtab.base-while-enabled", "the device table moves under traffic", value,
                  m->devtab);
        return;
    }
    if ((value & mask & ~UINT64_C(0x000FFFFFFFFFF1FF)) != 0) {
        amd_wrong(m, "amd.devtab.misaligned", "reserved bits, or bits below the page, are set",
                  value, mask);
    }
    amd_merge(&m->devtab, mask & UINT64_C(0x000FFFFFFFFFF1FF), value);
    m->devtab_set = true;
    m->found = false;
}

uint64_t amd_status(const struct model_amd *m)
{
    return m->status | (m->ring[AMD_EVT].run ? amd_one(AMD_EVT_RUN) : 0) |
           (m->ring[AMD_CMD].run ? amd_one(AMD_CMD_RUN) : 0) |
           (m->ring[m->active].run ? amd_one(AMD_PPR_RUN) : 0) |
           (m->active == AMD_PPR_B ? amd_one(AMD_PPR_ACTIVE) : 0);
}

void amd_status_write(struct model_amd *m, uint64_t value)
{
    uint64_t clear = value & W1C;
    uint64_t ints = amd_one(AMD_EVT_INT) | amd_one(AMD_PPR_INT) | amd_one(AMD_WAIT_INT);

    if ((clear & ints) != 0 && model_chance(m->world, m->knobs.sticky_w1c)) {
        clear &= ~ints;
    }
    m->status &= ~clear;
}
