/* SPDX-License-Identifier: BSD-2-Clause */
#include "model_smmuv3_internal.h"

static void prefetch(struct model_smmuv3 *m, uint64_t d0)
{
    uint32_t ssid = smmu_bit(d0, 11) ? smmu_bits(d0, 31, 12) : MODEL_SMMUV3_NONE;

    if (smmu_enabled(m, SMMU_SMMUEN) && model_chance(m->world, 500)) {
        model_smmuv3_prefetch(m, (uint32_t)(d0 >> 32), ssid);
    }
}

/* Remember the streams that software changes: spontaneous fetches like them. */
static void remember(struct model_smmuv3 *m, uint64_t d0, uint64_t d1)
{
    switch (d0 & 0xFF) {
    case SMMU_CMD_CFGI_STE:
        smmu_see(m, (uint32_t)(d0 >> 32), MODEL_SMMUV3_NONE);
        break;
    case SMMU_CMD_CFGI_CD:
        smmu_see(m, (uint32_t)(d0 >> 32), smmu_bits(d0, 31, 12));
        break;
    case SMMU_CMD_CFGI_STE_RANGE:
        m->cfgi_all_seen = m->cfgi_all_seen || (d1 & 0x1F) == 31;
        break;
    case SMMU_CMD_TLBI_NSNH_ALL:
        m->nsnh_all_seen = true;
        break;
    case SMMU_CMD_TLBI_EL2_ALL:
        m->el2_all_seen = true;
        break;
    default:
        break;
    }
}

/* A legal command other than CMD_SYNC. */
void smmu_command_run(struct model_smmuv3 *m, uint64_t d0, uint64_t d1)
{
    remember(m, d0, d1);
    switch (d0 & 0xFF) {
    case SMMU_CMD_PREFETCH_CONFIG:
    case SMMU_CMD_PREFETCH_ADDR:
        prefetch(m, d0);
        break;
    case SMMU_CMD_ATC_INV:
        if (smmu_enabled(m, SMMU_SMMUEN) && !m->config.root_no_ats) {
            smmu_atc_send(m, d0, d1);
        }
        break;
    case SMMU_CMD_PRI_RESP:
        if (smmu_enabled(m, SMMU_SMMUEN) && !m->config.root_no_pri) {
            smmu_pri_respond(m, d0, d1);
        }
        break;
    case SMMU_CMD_RESUME:
        smmu_stall_resume(m, d0, d1);
        break;
    case SMMU_CMD_STALL_TERM:
        smmu_stall_terminate_sid(m, (uint32_t)(d0 >> 32), false);
        break;
    default:
        smmu_inval_queue(m, d0, d1);
        break;
    }
}
