/* SPDX-License-Identifier: BSD-2-Clause */
#include "model_amd_internal.h"

void amd_event_post(struct model_amd *m, uint32_t dw0, uint32_t dw1, uint64_t address)
{
    uint64_t word[2];

    word[0] = (uint64_t)dw1 << 32 | dw0;
    word[1] = address;
    amd_log_post(m, 0, word, m->knobs.event_lag_ns == 0 ? 1 : m->knobs.event_lag_ns);
}

/* SE: one IO_PAGE_FAULT per cached entry; SA: none. */
static bool suppressed(struct model_amd *m, uint32_t id)
{
    unsigned i;

    for (i = 0; i < AMD_DTES; i++) {
        struct amd_dte *dte = &m->dte[i];

        if (!dte->used || dte->id != id || dte->bad) {
            continue;
        }
        if (dte->sa || (dte->se && dte->faulted)) {
            m->counts.events_suppressed++;
            return true;
        }
        dte->faulted = true;
    }
    return false;
}

/* An access met got->event. The faults of translation requests are answered, not logged. */
void amd_event_fault(struct model_amd *m, const struct amd_access *want,
                     const struct amd_outcome *got)
{
    bool tagged = got->event == AMD_ILLEGAL_DTE || got->event == AMD_PAGE_FAULT ||
                  got->event == AMD_PAGETAB_HW || got->event == AMD_INVALID_REQUEST;
    bool gn = got->gn && tagged;
    uint64_t address = want->address;
    uint32_t dw0 = want->id;
    uint32_t dw1 = got->event << 28;

    if (got->event == AMD_PAGE_FAULT && (want->ats || suppressed(m, want->id))) {
        return;
    }
    dw1 |= got->flags & ~(AMD_F_GN | AMD_F_US | AMD_F_NX);
    if (got->event == AMD_DEVTAB_HW || got->event == AMD_PAGETAB_HW) {
        address = got->fetch;
        dw1 |= AMD_MASTER_ABORT << 25;
    } else if (got->event == AMD_PAGE_FAULT) {
        address &= ~UINT64_C(0xFFF);
    } else {
        address &= ~UINT64_C(3);
    }
    if ((want->access & MODEL_WRITE) != 0 && got->event != AMD_INVALID_REQUEST) {
        dw1 |= AMD_F_RW;
    }
    dw1 |= want->ats ? AMD_F_TR : 0u;
    if (gn) {
        dw0 |= got->pasid & 0xF0000;
        dw1 |= AMD_F_GN | (got->pasid & 0xFFFF);
        if (got->event == AMD_PAGE_FAULT) {
            dw1 |= (want->access & MODEL_PRIV) == 0 ? AMD_F_US : 0u;
            dw1 |= (want->access & MODEL_EXEC) != 0 ? AMD_F_NX : 0u;
        }
    } else if (tagged) {
        dw1 |= got->domain & 0xFFFF;
    }
    amd_event_post(m, dw0, dw1, address);
}

void model_amd_inject_event(struct model_amd *m, const uint32_t dw[4])
{
    amd_event_post(m, dw[0], dw[1], (uint64_t)dw[3] << 32 | dw[2]);
}

uint32_t model_amd_events_pending(const struct model_amd *m)
{
    return m->fifo[0].count;
}
