/* SPDX-License-Identifier: BSD-2-Clause */
#include "model_endpoint_internal.h"

/*
 * Configuration space: three PCIe extended capabilities, as laid out in the PCIe Base
 * Specification (ATS 10.5.1, PRI 10.5.2, PASID 7.8.9). What a specification calls undefined or
 * forbids is refused and reported.
 */

#define CAP_FIRST     0x100u
#define CAP_STEP      0x10u
#define CAP_ATS       0x0Fu
#define CAP_PRI       0x13u
#define CAP_PASID     0x1Bu
#define VENDOR_DEVICE 0x0A7C5A5Au /* Of nobody. */

#define ATS_PAGE_ALIGNED   (1u << 5)
#define ATS_ENABLE         (1u << 15)
#define ATS_STU            0x1Fu
#define PRI_ENABLE         (1u << 0)
#define PRI_RESET          (1u << 1)
#define PRI_RF             (1u << 0)
#define PRI_UPRGI          (1u << 1)
#define PRI_STOPPED        (1u << 8)
#define PRI_PASID_REQUIRED (1u << 15)
#define PASID_EXEC_PRIV    6u
#define PASID_CONTROL      7u

struct lanes {
    uint32_t value;
    uint32_t mask; /* Bytes that are written. */
};

void model_ep_config_init(struct model_endpoint *ep)
{
    uint32_t at = CAP_FIRST;

    if (ep->config.has_ats) {
        ep->ats_at = at;
        at += CAP_STEP;
    }
    /* A VF has neither: it lives on its PF's. */
    if (ep->config.has_pri && ep->pf == NULL) {
        ep->pri_at = at;
        at += CAP_STEP;
    }
    if (ep->config.has_pasid && ep->pf == NULL) {
        ep->pasid_at = at;
    }
}

void model_ep_config_reset(struct model_endpoint *ep)
{
    ep->ats_enabled = false;
    ep->stu = 0;
    ep->pri_enabled = false;
    ep->response_failure = false;
    ep->unexpected_index = false;
    ep->allocation = 0;
    ep->pasid_control = 0;
}

bool model_ep_pri_enabled(struct model_endpoint *ep)
{
    return model_ep_port(ep)->pri_enabled;
}

bool model_ep_pasid_enabled(struct model_endpoint *ep)
{
    return (model_ep_port(ep)->pasid_control & 1) != 0;
}

static bool any_group(const struct model_endpoint *port)
{
    uint32_t i;

    if (port->groups_used > 0) {
        return true;
    }
    for (i = 0; i < port->vf_count; i++) {
        if (port->vfs[i]->groups_used > 0) {
            return true;
        }
    }
    return false;
}

/* Not enabled, and every request it sent has its answer. */
bool model_ep_pri_stopped(struct model_endpoint *port)
{
    return !port->pri_enabled && !any_group(port) && !port->knobs.pri_never_stops;
}

/* ---- reads ---- */

static uint32_t header(const struct model_endpoint *ep, uint32_t at)
{
    uint32_t id = at == ep->ats_at ? CAP_ATS : at == ep->pri_at ? CAP_PRI : CAP_PASID;
    uint32_t next = at + CAP_STEP;

    if (next != ep->pri_at && next != ep->pasid_at) {
        next = 0;
    }
    return id | 1u << 16 | next << 20;
}

static uint32_t read_ats(const struct model_endpoint *ep)
{
    uint32_t depth = ep->config.ats_queue_depth & 0x1F; /* 32 reads as 0. */

    return depth | ATS_PAGE_ALIGNED | ep->stu << 16 | (ep->ats_enabled ? ATS_ENABLE << 16 : 0);
}

static uint32_t read_pri(struct model_endpoint *ep, uint32_t offset)
{
    uint32_t status = 0;

    if (offset == 8) {
        return ep->config.pri_capacity;
    }
    if (offset == 0xC) {
        return ep->allocation;
    }
    status |= ep->response_failure ? PRI_RF : 0;
    status |= ep->unexpected_index ? PRI_UPRGI : 0;
    status |= model_ep_pri_stopped(ep) ? PRI_STOPPED : 0;
    status |= ep->config.pasid_required ? PRI_PASID_REQUIRED : 0;
    return (ep->pri_enabled ? PRI_ENABLE : 0) | status << 16;
}

static uint32_t read_dword(struct model_endpoint *ep, uint32_t offset)
{
    uint32_t at = offset & ~(CAP_STEP - 1);
    uint32_t in = offset & (CAP_STEP - 1);

    if (offset == 0) {
        return VENDOR_DEVICE;
    }
    if (at == 0 || (at != ep->ats_at && at != ep->pri_at && at != ep->pasid_at)) {
        return 0;
    }
    if (in == 0) {
        return header(ep, at);
    }
    if (at == ep->ats_at && in == 4) {
        return read_ats(ep);
    }
    if (at == ep->pri_at) {
        return read_pri(ep, in);
    }
    if (at == ep->pasid_at && in == 4) {
        return PASID_EXEC_PRIV | ep->config.pasid_width << 8 | ep->pasid_control << 16;
    }
    return 0;
}

static bool access_sound(struct model_endpoint *ep, uint32_t offset, uint32_t bytes)
{
    if ((bytes == 1 || bytes == 2 || bytes == 4) && (offset & (bytes - 1)) == 0 &&
        offset < MODEL_PAGE_BYTES) {
        return true;
    }
    model_report(ep->world, "endpoint.config.misaligned",
                 "configuration space is accessed by aligned bytes, words and dwords", offset,
                 bytes);
    return false;
}

static uint32_t byte_mask(uint32_t bytes)
{
    return bytes == 4 ? UINT32_MAX : (1u << (8 * bytes)) - 1;
}

uint32_t model_endpoint_config_read(struct model_endpoint *ep, uint32_t offset, uint32_t bytes)
{
    if (!access_sound(ep, offset, bytes) || ep->removed) {
        return byte_mask(bytes);
    }
    /* The read's completion pushes what the function sent before it. */
    model_fabric_flush(ep->fabric, ep->ids[0]);
    return read_dword(ep, offset & ~3u) >> (8 * (offset & 3)) & byte_mask(bytes);
}

/* ---- writes ---- */

static void write_ats(struct model_endpoint *ep, const struct lanes *in)
{
    uint32_t control = ((read_ats(ep) & ~in->mask) | (in->value & in->mask)) >> 16;
    bool enable = (control & ATS_ENABLE) != 0;
    uint32_t stu = control & ATS_STU;

    if (stu != ep->stu && (ep->ats_enabled && enable)) {
        model_report(ep->world, "endpoint.ats.stu-while-enabled",
                     "the STU was changed while ATS is enabled", ep->ids[0], stu);
        stu = ep->stu;
    }
    if (ep->pf != NULL && stu != 0 && stu != ep->pf->stu) {
        model_report(ep->world, "endpoint.ats.vf-stu", "a VF was given another STU than its PF has",
                     ep->ids[0], stu);
        stu = ep->stu;
    }
    ep->stu = stu;
    if (ep->ats_enabled && !enable) {
        model_ep_atc_drop(ep);
        model_ep_invalidations_lose(ep);
    }
    ep->ats_enabled = enable;
}

static void enable_pri(struct model_endpoint *ep)
{
    if (!model_ep_pri_stopped(ep)) {
        model_report(ep->world, "endpoint.pri.enable-not-stopped",
                     "PRI was enabled while the function has not stopped", ep->ids[0],
                     ep->credits_taken);
        return;
    }
    if (ep->allocation == 0) {
        model_report(ep->world, "endpoint.pri.enable-without-allocation",
                     "PRI was enabled with no page request allocated", ep->ids[0], 0);
    }
    ep->pri_enabled = true;
    ep->response_failure = false;
    ep->unexpected_index = false;
    memset(ep->index_forgotten, 0, sizeof(ep->index_forgotten));
    model_ep_jobs_unpark(ep);
}

static void write_pri_control(struct model_endpoint *ep, const struct lanes *in)
{
    uint32_t control = in->value & in->mask;
    bool enable = (in->mask & PRI_ENABLE) != 0 ? (control & PRI_ENABLE) != 0 : ep->pri_enabled;

    if ((control & PRI_RESET) != 0) {
        if (ep->pri_enabled || enable) {
            model_report(ep->world, "endpoint.pri.reset-while-enabled",
                         "PRI Reset is only for a disabled page request interface", ep->ids[0], 0);
        } else {
            uint32_t i;

            model_ep_pri_forget(ep);
            for (i = 0; i < ep->vf_count; i++) {
                model_ep_pri_forget(ep->vfs[i]);
            }
        }
    }
    if (enable && !ep->pri_enabled) {
        enable_pri(ep);
    }
    if (!enable && ep->pri_enabled) {
        model_ep_pri_close(ep);
        ep->pri_enabled = false;
    }
    /* Status: both error bits are cleared by writing one. */
    if ((control >> 16 & PRI_RF) != 0) {
        ep->response_failure = false;
    }
    if ((control >> 16 & PRI_UPRGI) != 0) {
        ep->unexpected_index = false;
    }
}

static void write_allocation(struct model_endpoint *ep, const struct lanes *in)
{
    uint32_t allocation = (ep->allocation & ~in->mask) | (in->value & in->mask);

    if (ep->pri_enabled) {
        model_report(ep->world, "endpoint.pri.allocation-while-enabled",
                     "the allocation was written while PRI is enabled", ep->ids[0], allocation);
        return;
    }
    if (allocation > ep->config.pri_capacity) {
        model_report(ep->world, "endpoint.pri.allocation-beyond-capacity",
                     "more page requests were allocated than the function supports", allocation,
                     ep->config.pri_capacity);
        allocation = ep->config.pri_capacity;
    }
    ep->allocation = allocation;
}

static void write_pasid(struct model_endpoint *ep, const struct lanes *in)
{
    uint32_t now = ep->pasid_control << 16;
    uint32_t control = ((now & ~in->mask) | (in->value & in->mask)) >> 16 & PASID_CONTROL;
    uint32_t i;

    if (control == ep->pasid_control) {
        return;
    }
    if (ep->ats_enabled) {
        model_report(ep->world, "endpoint.pasid.change-under-ats",
                     "PASID control was changed while ATS is enabled", ep->ids[0], control);
        return;
    }
    for (i = 0; i < ep->vf_count; i++) {
        if (ep->vfs[i]->ats_enabled) {
            model_report(ep->world, "endpoint.pasid.change-under-vf-ats",
                         "PASID control was changed while ATS is enabled in a VF", ep->ids[0],
                         ep->vfs[i]->ids[0]);
            return;
        }
    }
    ep->pasid_control = control;
}

static bool write_dword(struct model_endpoint *ep, uint32_t offset, const struct lanes *in)
{
    if (ep->ats_at != 0 && offset == ep->ats_at + 4) {
        write_ats(ep, in);
        return true;
    }
    if (ep->pri_at != 0 && offset == ep->pri_at + 4) {
        write_pri_control(ep, in);
        return true;
    }
    if (ep->pri_at != 0 && offset == ep->pri_at + 0xC) {
        write_allocation(ep, in);
        return true;
    }
    if (ep->pasid_at != 0 && offset == ep->pasid_at + 4) {
        write_pasid(ep, in);
        return true;
    }
    return false;
}

void model_endpoint_config_write(struct model_endpoint *ep, uint32_t offset, uint32_t bytes,
                                 uint32_t value)
{
    struct lanes in;

    if (!access_sound(ep, offset, bytes) || ep->removed) {
        return;
    }
    in.mask = byte_mask(bytes) << (8 * (offset & 3));
    in.value = (value & byte_mask(bytes)) << (8 * (offset & 3));
    if (!write_dword(ep, offset & ~3u, &in)) {
        model_report(ep->world, "endpoint.config.write-nowhere",
                     "a write to configuration space where nothing can be written", offset, value);
    }
}
