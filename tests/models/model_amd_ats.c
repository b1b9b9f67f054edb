/* SPDX-License-Identifier: BSD-2-Clause */
#include "model_amd_internal.h"

static void refuse(struct model_amd *m, const struct amd_access *want)
{
    struct amd_outcome got;

    memset(&got, 0, sizeof(got));
    got.event = AMD_INVALID_REQUEST;
    got.flags = 1u << 25;
    got.gn = want->has_pasid;
    got.pasid = want->pasid;
    amd_event_fault(m, want, &got);
}

/* A translation request: faults are an answer without permission, and silent. */
void amd_ats(void *ctx, const struct model_translate *asked, struct model_translation *got)
{
    struct model_amd *m = ctx;
    struct amd_access want = {.id = asked->id,
                              .has_pasid = asked->has_pasid,
                              .pasid = asked->pasid,
                              .address = asked->address,
                              .access = asked->access | MODEL_READ,
                              .ats = true};
    struct amd_outcome found;
    const struct amd_dte *dte;

    m->counts.translations++;
    memset(got, 0, sizeof(*got));
    got->status = MODEL_TRANSLATE_UNSUPPORTED;
    got->size_log2 = 12;
    if (!amd_control(m, AMD_IOMMU_EN) || !m->config.iotlb) {
        return;
    }
    memset(&found, 0, sizeof(found));
    dte = amd_dte_get(m, &want, &found);
    if (dte != NULL && (!dte->v || (dte->tv && !dte->i))) {
        refuse(m, &want);
        return;
    }
    if (dte != NULL) {
        amd_translate(m, &want, &found);
    }
    if (found.event == AMD_PAGE_FAULT) {
        got->status = MODEL_TRANSLATE_OK;
        return;
    }
    if (found.event != 0) {
        got->status = MODEL_TRANSLATE_ABORTED;
        amd_event_fault(m, &want, &found);
        return;
    }
    got->status = MODEL_TRANSLATE_OK;
    got->access = found.granted & (MODEL_READ | MODEL_WRITE);
    if ((want.access & MODEL_EXEC) != 0) {
        got->access |= found.granted & MODEL_EXEC;
    }
    if ((want.access & MODEL_WRITE) == 0 && model_chance(m->world, 500)) {
        got->access &= ~MODEL_WRITE;
    }
    if ((got->access & (MODEL_READ | MODEL_WRITE)) == 0) {
        got->access = 0;
        return;
    }
    if (found.size_log2 > 12 && model_chance(m->world, 500)) {
        got->size_log2 = found.size_log2;
    }
    got->address =
        (found.out | (want.address & amd_ones(found.size_log2))) & ~amd_ones(got->size_log2);
}

void model_amd_prefetch(struct model_amd *m, uint32_t id, uint32_t pasid)
{
    struct amd_access want = {.id = id, .has_pasid = pasid != MODEL_AMD_NONE, .pasid = pasid};
    struct amd_outcome got;
    const struct amd_dte *dte;
    uint64_t root;

    if (!amd_control(m, AMD_IOMMU_EN)) {
        return;
    }
    m->counts.prefetches++;
    memset(&got, 0, sizeof(got));
    dte = amd_dte_get(m, &want, &got);
    if (dte == NULL || !dte->v || !dte->tv || !dte->gv || !amd_control(m, AMD_GT_EN) ||
        (!want.has_pasid && !dte->giov)) {
        return;
    }
    amd_gcr3_get(m, dte, want.has_pasid ? pasid : 0, &got, &root);
}

void amd_prefetch_maybe(struct model_amd *m)
{
    uint32_t i;

    if (m->seen_count == 0 || !model_chance(m->world, m->knobs.prefetch)) {
        return;
    }
    i = model_choose(m->world, m->seen_count);
    model_amd_prefetch(m, m->seen_id[i], m->seen_pasid[i]);
}
