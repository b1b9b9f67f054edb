/* SPDX-License-Identifier: BSD-2-Clause */
#include "model_amd_internal.h"

/* Nanoseconds by InvTimeOut; 0: for ever. */
static uint64_t patience(const struct model_amd *m)
{
    static const uint64_t ns[8] = {0,
                                   UINT64_C(1000000),
                                   UINT64_C(10000000),
                                   UINT64_C(100000000),
                                   UINT64_C(1000000000),
                                   UINT64_C(10000000000),
                                   UINT64_C(100000000000),
                                   0};

    return ns[amd_bits(m->control, 7, 5)];
}

uint32_t model_amd_iotlb_outstanding(const struct model_amd *m)
{
    uint32_t count = 0;
    unsigned i;

    for (i = 0; i < AMD_ATCS; i++) {
        count += m->atc[i].used ? 1u : 0u;
    }
    return count;
}

bool amd_atc_owed(const struct model_amd *m, uint64_t tag)
{
    unsigned i;

    for (i = 0; i < AMD_ATCS; i++) {
        if (m->atc[i].used && m->atc[i].tag <= tag) {
            return true;
        }
    }
    return false;
}

/* MaxPend: so many may be under way to one device. */
bool amd_atc_room(const struct model_amd *m, const uint32_t dw[4])
{
    uint32_t most = dw[0] >> 24;
    uint32_t mine = 0;
    unsigned i;

    for (i = 0; i < AMD_ATCS; i++) {
        mine += m->atc[i].used && m->atc[i].id == (dw[0] & 0xFFFF) ? 1u : 0u;
    }
    return mine < (most == 0 ? 32 : most) && model_amd_iotlb_outstanding(m) < AMD_ATCS;
}

static void timeout_work(void *arg, uint64_t token)
{
    struct model_amd *m = arg;
    unsigned i;

    for (i = 0; i < AMD_ATCS; i++) {
        struct amd_atc *a = &m->atc[i];

        if (a->used && a->tag == token) {
            a->used = false;
            m->counts.timeouts++;
            amd_event_post(m, a->id, AMD_IOTLB_TIMEOUT << 28, a->at & ~UINT64_C(0xF));
        }
    }
    amd_wait_check(m);
    amd_cmdq_kick(m);
}

/* A device may be refilled from the IOMMU's TLB at once: that must have been emptied before. */
static void check_order(struct model_amd *m, uint32_t id)
{
    const struct amd_dte *dte = amd_dte_find(m, id);

    if (!m->knobs.overlap) {
        amd_inval_all(m);
    } else if (dte != NULL && amd_inval_pending(m, dte->domain)) {
        amd_wrong(m, "amd.order.iotlb-before-pages",
                  "INV_IOTLB_PAGES while INV_IOMMU_PAGES of the domain is not completed", id,
                  dte->domain);
    }
    if (dte != NULL && dte->v && !dte->i) {
        amd_wrong(m, "amd.cmd.iotlb-without-ats", "INV_IOTLB_PAGES for a device with I = 0", id, 0);
    }
}

void amd_atc_send(struct model_amd *m, const uint32_t dw[4], uint64_t at)
{
    struct model_invalidate what;
    struct amd_atc *a = &m->atc[0];
    unsigned i;

    memset(&what, 0, sizeof(what));
    what.id = dw[0] & 0xFFFF;
    what.scope = MODEL_INVALIDATE_UNTAGGED; /* GN=0 does not touch what is tagged. */
    if ((dw[2] & 4) != 0) {
        what.scope = MODEL_INVALIDATE_PASID;
        what.pasid = (dw[0] >> 8 & 0xFF00) | (dw[1] >> 16 & 0xFF) | (dw[1] >> 8 & 0xF0000);
    }
    amd_span(dw, &what.address, &what.size_log2);
    check_order(m, what.id);
    for (i = 0; i < AMD_ATCS && m->atc[i].used; i++) {
        a = &m->atc[i + 1 < AMD_ATCS ? i + 1 : i];
    }
    memset(a, 0, sizeof(*a));
    a->used = true;
    a->id = what.id;
    a->at = at;
    a->tag = ++m->atc_tag;
    what.tag = a->tag;
    if (patience(m) != 0) {
        amd_later(m, patience(m), timeout_work, a->tag);
    }
    if (m->knobs.lose_invalidates > 0) {
        m->knobs.lose_invalidates--;
    } else if (m->fabric != NULL) {
        model_fabric_invalidate(m->fabric, &what);
    }
}

/* An answer that nobody waits for (late or twice) means nothing. */
void amd_atc_done(void *ctx, uint64_t tag, enum model_invalidate_result result)
{
    struct model_amd *m = ctx;
    unsigned i;

    (void)result;
    for (i = 0; i < AMD_ATCS; i++) {
        if (m->atc[i].used && m->atc[i].tag == tag) {
            m->atc[i].used = false;
        }
    }
    amd_wait_check(m);
    amd_cmdq_kick(m);
}
