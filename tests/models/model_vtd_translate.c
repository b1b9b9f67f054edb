/* SPDX-License-Identifier: BSD-2-Clause */
#include "model_vtd_internal.h"

static bool interrupt_range(uint64_t address)
{
    return address >> 20 == 0xFEE;
}

/* present: the bits of which one is set if the entry maps at all. */
static void check_entry(struct model_vtd *m, const struct vtd_tlb *e, uint64_t at, uint64_t out,
                        uint32_t size_log2, uint32_t present)
{
    uint64_t now = vtd_peek64(m, at);

    if ((now & present) != 0 && ((now ^ out) & vtd_ones(52) & ~vtd_ones(size_log2)) != 0) {
        vtd_wrong(m, "vtd.cache.stale-translation",
                  "a cached translation is used and memory maps another page", e->va, now);
    }
}

static void check_stale(struct model_vtd *m, const struct vtd_tlb *e)
{
    if (!m->knobs.strict_stale || e->pgtt == VTD_PGTT_PASS || vtd_peek(m, e->from, 8) == NULL) {
        return;
    }
    if (e->pgtt == VTD_PGTT_NESTED) {
        check_entry(m, e, e->from, e->guest, e->guest_log2, 1);
        check_entry(m, e, e->under_from, e->out, e->under_log2, 3);
    } else {
        check_entry(m, e, e->from, e->out, e->size_log2, e->second ? 3 : 1);
    }
}

static void take(const struct vtd_access *want, const struct vtd_tlb *e, struct vtd_outcome *got)
{
    got->access = e->access;
    got->size_log2 = e->size_log2;
    got->pgtt = e->pgtt;
    got->out = e->out | (want->address & vtd_ones(e->size_log2));
    if (interrupt_range(got->out)) {
        got->fault = 0x87;
    }
}

static bool pass(const struct model_vtd *m, const struct vtd_access *want,
                 const struct vtd_pasid *pasid, struct vtd_tlb *leaf, struct vtd_outcome *got)
{
    if ((want->address & ~vtd_ones(m->config.haw)) != 0) {
        got->fault = 0x83;
        return false;
    }
    memset(leaf, 0, sizeof(*leaf));
    leaf->used = true;
    leaf->has_pasid = want->has_pasid;
    leaf->id = want->id;
    leaf->pasid = pasid->pasid;
    leaf->did = pasid->did;
    leaf->pgtt = VTD_PGTT_PASS;
    leaf->access = MODEL_READ | MODEL_WRITE | (want->access & MODEL_PRIV);
    leaf->size_log2 = 21;
    leaf->va = want->address & ~vtd_ones(21);
    leaf->out = leaf->va;
    return true;
}

/* got->fault != 0: refused, and nothing is logged yet. */
void vtd_translate(struct model_vtd *m, const struct vtd_access *want, struct vtd_outcome *got)
{
    const struct vtd_tlb *hit = vtd_tlb_find(m, want);
    struct vtd_context context;
    struct vtd_pasid pasid;
    struct vtd_tlb leaf;
    bool good;

    memset(got, 0, sizeof(*got));
    if (hit != NULL && model_chance(m->world, m->knobs.evict)) {
        m->tlb[hit - m->tlb].used = false;
        hit = NULL;
    }
    if (hit != NULL && want->at == 0) {
        m->counts.tlb_hits++;
        check_stale(m, hit);
        take(want, hit, got);
        return;
    }
    if (!vtd_walk(m, want, &context, &pasid, got)) {
        return;
    }
    if (hit != NULL) {
        m->counts.tlb_hits++;
        check_stale(m, hit);
        take(want, hit, got);
        return;
    }
    m->counts.tlb_misses++;
    good = got->pgtt == VTD_PGTT_PASS ? pass(m, want, &pasid, &leaf, got)
                                      : vtd_table_walk(m, want, &pasid, &leaf, got);
    if (!good) {
        return;
    }
    vtd_tlb_insert(m, &leaf);
    take(want, &leaf, got);
}

static enum model_dma_result transfer(struct model_vtd *m, const struct model_dma *dma, uint64_t at)
{
    bool good = (dma->access & MODEL_WRITE) != 0 ? vtd_write(m, at, dma->data, dma->bytes)
                                                 : vtd_load(m, at, dma->data, dma->bytes);

    return good ? MODEL_DMA_OK : MODEL_DMA_ABORTED;
}

static void check_translated(struct model_vtd *m, const struct vtd_access *want,
                             struct vtd_outcome *got)
{
    struct vtd_context context;

    if (!vtd_walk_context(m, want, &context, got)) {
        return;
    }
    if ((want->address & ~vtd_ones(m->config.haw)) != 0) {
        got->fault = 0x83;
    } else if (interrupt_range(want->address)) {
        got->fault = 0x87;
    }
    got->out = want->address;
}

enum model_dma_result vtd_dma(void *ctx, const struct model_dma *dma)
{
    struct model_vtd *m = ctx;
    struct vtd_access want = {.id = dma->id,
                              .has_pasid = dma->has_pasid,
                              .pasid = dma->pasid,
                              .address = dma->address,
                              .access = dma->access,
                              .at = dma->translated ? 2 : 0};
    struct vtd_outcome got;

    m->counts.accesses++;
    memset(&got, 0, sizeof(got));
    if (!dma->has_pasid) {
        want.access &= ~MODEL_PRIV;
    }
    if (!vtd_on(m, VTD_TES)) {
        return dma->translated ? MODEL_DMA_ABORTED : transfer(m, dma, dma->address);
    }
    if (dma->translated) {
        check_translated(m, &want, &got);
    } else if (interrupt_range(dma->address) && !dma->has_pasid) {
        if ((dma->access & MODEL_WRITE) != 0 && dma->bytes == 4) {
            return MODEL_DMA_OK;
        }
        got.fault = 0x87;
    } else {
        vtd_translate(m, &want, &got);
    }
    if (got.fault != 0) {
        vtd_fault(m, &want, &got);
        return MODEL_DMA_ABORTED;
    }
    return transfer(m, dma, got.out);
}

/* What was not granted is asked for without. */
static void translate_softly(struct model_vtd *m, struct vtd_access *want, struct vtd_outcome *got)
{
    vtd_translate(m, want, got);
    if (got->fault == 0x85) {
        want->access &= ~MODEL_WRITE;
        vtd_translate(m, want, got);
    } else if (got->fault == 0x86) {
        want->access &= ~MODEL_READ;
        vtd_translate(m, want, got);
    }
}

void vtd_ats(void *ctx, const struct model_translate *asked, struct model_translation *answer)
{
    struct model_vtd *m = ctx;
    struct vtd_access want = {.id = asked->id,
                              .has_pasid = asked->has_pasid,
                              .pasid = asked->pasid,
                              .address = asked->address,
                              .access = asked->access | MODEL_READ,
                              .at = 1};
    struct vtd_outcome got;
    bool no_write = (asked->access & MODEL_WRITE) == 0 && m->config.nwfs;

    memset(answer, 0, sizeof(*answer));
    answer->address = asked->address & ~vtd_ones(12);
    answer->size_log2 = 12;
    m->counts.translations++;
    if (!vtd_on(m, VTD_TES)) {
        answer->status = MODEL_TRANSLATE_UNSUPPORTED;
        return;
    }
    if (!asked->has_pasid) {
        want.access &= ~(MODEL_PRIV | MODEL_EXEC);
    }
    if (!m->config.nwfs) {
        want.access |= MODEL_WRITE;
    }
    translate_softly(m, &want, &got);
    if (got.fault != 0) {
        vtd_fault(m, &want, &got);
        answer->status = vtd_fault_answer(got.fault);
        return;
    }
    answer->status = MODEL_TRANSLATE_OK;
    answer->size_log2 = m->knobs.ats_small ? 12 : got.size_log2;
    answer->address = got.out & ~vtd_ones(answer->size_log2);
    answer->access = got.access & (MODEL_READ | MODEL_WRITE | MODEL_PRIV);
    if (no_write) {
        answer->access &= ~MODEL_WRITE;
    }
}
