/* SPDX-License-Identifier: BSD-2-Clause */
#include "model_vtd_internal.h"

#define LEVEL                                                                                      \
    ((uint32_t)1 << VTD_TES | (uint32_t)1 << VTD_QIES | (uint32_t)1 << VTD_IRES |                  \
     (uint32_t)1 << VTD_CFIS)
#define ONESHOT ((uint32_t)1 << VTD_RTPS | (uint32_t)1 << VTD_WBFS | (uint32_t)1 << VTD_IRTPS)

static void set_root(struct model_vtd *m)
{
    uint32_t was = vtd_ttm(m);

    m->root = m->rtaddr;
    m->root_set = true;
    m->counts.root_sets++;
    if (vtd_on(m, VTD_TES) && was != vtd_ttm(m) && !m->config.esrtps) {
        vtd_wrong(m, "vtd.root.mode-live", "the table mode changes while translation is on", was,
                  vtd_ttm(m));
    }
    if (vtd_ttm(m) == 2 || (vtd_ttm(m) == VTD_TTM_ABORT && !m->config.adms) ||
        (vtd_ttm(m) == VTD_TTM_SCALABLE && !m->config.smts)) {
        vtd_wrong(m, "vtd.root.mode", "the table mode does not exist", m->root, vtd_ttm(m));
    }
    if (m->config.esrtps) {
        vtd_flush_all(m);
        m->uninvalidated = 0;
    } else {
        m->uninvalidated = 3;
    }
}

static void enable_translation(struct model_vtd *m)
{
    if (!m->root_set) {
        vtd_wrong(m, "vtd.init.root-not-set", "translation is enabled without SRTP", m->rtaddr, 0);
    } else if (m->uninvalidated != 0) {
        vtd_wrong(m, "vtd.init.caches-not-invalidated",
                  "translation is enabled before context, PASID cache and IOTLB were invalidated",
                  m->uninvalidated, 0);
    }
    if (vtd_ttm(m) == VTD_TTM_LEGACY) {
        vtd_wrong(m, "vtd.model.legacy", "legacy mode is not modelled", m->root, 0);
    }
}

static void set_translation(struct model_vtd *m, bool on)
{
    if (on) {
        enable_translation(m);
        return;
    }
    m->root_set = false;
    if (model_vtd_devices_pending(m) != 0) {
        vtd_wrong(m, "vtd.gcmd.disabled-device-pending",
                  "translation goes off while a device-TLB invalidation is unanswered", 0, 0);
    }
    if (m->config.smts) {
        vtd_flush_all(m);
    }
    if (!vtd_on(m, VTD_IRES)) {
        m->record_next = 0;
    }
}

static void set_queue(struct model_vtd *m, bool on)
{
    if (on) {
        if (!m->iqa_set) {
            vtd_wrong(m, "vtd.init.queue-not-set", "the queue is enabled before IQA was written",
                      m->iqa, 0);
        }
        vtd_iq_base_check(m);
        vtd_iq_rehash(m, m->iqh, m->iqt);
        vtd_iq_kick(m);
        return;
    }
    /* One that hangs nobody can empty. */
    if ((m->iqh != m->iqt && !m->knobs.command_hang) || model_vtd_iq_pending(m) != 0) {
        vtd_wrong(m, "vtd.iq.disabled-busy", "the queue goes off with work in it", m->iqh, m->iqt);
    } else if (m->unsynced != 0 && !m->config.starts_enabled && !m->knobs.command_hang) {
        vtd_wrong(m, "vtd.iq.disabled-unsynced",
                  "the queue goes off and no wait covers its last descriptors", m->unsynced, 0);
    }
    m->iqh = 0;
    m->unsynced = 0;
    vtd_pending_forget(m);
}

static void apply(struct model_vtd *m, uint32_t bit, bool on)
{
    uint32_t mask = (uint32_t)1 << bit;

    m->gsts = on ? m->gsts | mask : m->gsts & ~mask;
    switch (bit) {
    case VTD_TES:
        set_translation(m, on);
        break;
    case VTD_QIES:
        set_queue(m, on);
        break;
    case VTD_RTPS:
        set_root(m);
        break;
    default:
        break;
    }
}

static void gcmd_work(void *arg, uint64_t token)
{
    struct model_vtd *m = arg;
    uint32_t change;
    uint32_t bit;

    if ((uint32_t)token != m->gcmd_generation || m->knobs.register_hang) {
        return;
    }
    m->gcmd_busy = false;
    change = ((m->gcmd_value ^ m->gsts) & LEVEL) | (m->gcmd_value & ONESHOT);
    for (bit = VTD_CFIS; bit <= VTD_TES; bit++) {
        if (!vtd_bit(change, bit)) {
            continue;
        }
        if (bit == VTD_WBFS) {
            m->gsts &= ~((uint32_t)1 << VTD_WBFS);
            continue;
        }
        apply(m, bit, vtd_bit(m->gcmd_value, bit));
    }
}

static uint32_t available(const struct model_vtd *m)
{
    uint32_t mask = (uint32_t)1 << VTD_TES | (uint32_t)1 << VTD_RTPS | (uint32_t)1 << VTD_WBFS;

    if (m->config.qi) {
        mask |= (uint32_t)1 << VTD_QIES;
    }
    if (m->config.ir) {
        mask |= (uint32_t)1 << VTD_IRES | (uint32_t)1 << VTD_IRTPS | (uint32_t)1 << VTD_CFIS;
    }
    return mask;
}

void vtd_gcmd_write(struct model_vtd *m, uint32_t value)
{
    uint32_t change, left;
    uint32_t count = 0;

    if ((value & ~available(m)) != 0) {
        vtd_wrong(m, "vtd.gcmd.reserved", "reserved bits of GCMD are written 1", value,
                  available(m));
        value &= available(m);
    }
    if (m->gcmd_busy) {
        vtd_wrong(m, "vtd.gcmd.pending", "GCMD is written while a command is pending", value,
                  m->gcmd_value);
    }
    change = ((value ^ m->gsts) & LEVEL) | (value & ONESHOT);
    for (left = change; left != 0; left &= left - 1) {
        count++;
    }
    if (count > 1) {
        vtd_wrong(m, "vtd.gcmd.several", "GCMD changes more than one bit", value, m->gsts);
    }
    if (count == 0) {
        return;
    }
    if (vtd_bit(value, VTD_RTPS)) {
        m->gsts &= ~((uint32_t)1 << VTD_RTPS);
    }
    if (vtd_bit(value, VTD_IRTPS)) {
        m->gsts &= ~((uint32_t)1 << VTD_IRTPS);
    }
    if (vtd_bit(value, VTD_WBFS)) {
        m->gsts |= (uint32_t)1 << VTD_WBFS;
    }
    m->gcmd_busy = true;
    m->gcmd_value = value;
    m->gcmd_generation++;
    vtd_later(m, vtd_lag(m, m->knobs.register_lag_ns), gcmd_work, m->gcmd_generation);
}
