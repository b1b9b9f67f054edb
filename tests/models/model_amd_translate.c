/* SPDX-License-Identifier: BSD-2-Clause */
#include "model_amd_internal.h"

/* A cached word that memory contradicts. */
void amd_stale(struct model_amd *m, const char *rule, uint64_t at, uint64_t word, uint64_t ignore)
{
    uint64_t now;

    if (!amd_peek64(m, at, &now) || ((now ^ word) & ~ignore) == 0) {
        return;
    }
    m->counts.stale_hits++;
    if (m->knobs.report_stale) {
        amd_wrong(m, rule, "a stale cached entry is used", at, word);
    }
}

/* A hit under another root than the entry's now. An empty one was put there to block: until the
 * invalidation that follows, such hits are as lawful as after any unmapping. */
void amd_former(struct model_amd *m, uint64_t root, const char *text, uint64_t va, uint64_t of)
{
    const uint8_t *page = amd_peek(m, root, 4096);
    unsigned i = 0;

    while (page != NULL && i < 4096 && page[i] == 0) {
        i++;
    }
    if (i == 4096) {
        m->counts.stale_hits++;
    }
    if (i < 4096 || m->knobs.report_stale) {
        amd_wrong(m, "amd.tlb.root-differs", text, va, of);
    }
}

static struct amd_tlb *lookup(struct model_amd *m, const struct amd_tlb *key)
{
    unsigned i;

    for (i = 0; i < AMD_TLBS; i++) {
        struct amd_tlb *e = &m->tlb[i];

        if (e->used && !e->table && e->domain == key->domain && e->gn == key->gn &&
            (!key->gn || e->pasid == key->pasid) && e->va == (key->va & ~amd_ones(e->size_log2))) {
            return e;
        }
    }
    return NULL;
}

static void check_hit(struct model_amd *m, const struct amd_dte *dte, const struct amd_tlb *e)
{
    unsigned i;

    amd_stale(m, "amd.tlb.stale", e->at, e->word, UINT64_C(0x60));
    if (e->nested) {
        amd_stale(m, "amd.tlb.stale-host", e->under_at, e->under_word, UINT64_C(0x60));
    }
    for (i = 0; e->gn && i < AMD_GCR3S; i++) {
        const struct amd_gcr3 *g = &m->gcr3[i];

        if (!g->used || g->domain != e->domain || g->pasid != e->pasid) {
            continue;
        }
        if (g->table != dte->gcr3) {
            amd_wrong(m, "amd.gcr3.domain-shared",
                      "one DomainID names two GCR3 tables, or the old one was not flushed", dte->id,
                      dte->domain);
        } else if (amd_bit(g->word, 0) && (g->word & AMD_ADDRESS) != e->root) {
            amd_former(m, amd_host_peek(m, dte, g->word & AMD_ADDRESS),
                       "a TLB entry of the PASID's former page table", e->va, e->pasid);
        }
    }
    if (e->gn ? e->under_root != (dte->mode != 0 ? dte->root : 0) : e->root != dte->root) {
        amd_former(m, dte->root, "a TLB entry of the domain's former page table", e->va,
                   dte->domain);
    }
}

static bool finish(const struct amd_access *want, const struct amd_dte *dte,
                   const struct amd_tlb *e, struct amd_outcome *got)
{
    uint32_t needed = want->access & (MODEL_READ | MODEL_WRITE | MODEL_EXEC);

    got->out = e->out;
    got->size_log2 = e->size_log2;
    got->granted = e->user || (want->access & MODEL_PRIV) != 0 ? e->granted : 0;
    got->granted &= dte->ir ? ~0u : ~(MODEL_READ | MODEL_EXEC);
    got->granted &= dte->iw ? ~0u : ~MODEL_WRITE;
    if (!amd_bit(e->word, 0)) {
        got->event = AMD_PAGE_FAULT;
        got->flags = 0;
        return false;
    }
    if ((needed & ~got->granted) != 0 && !want->ats) {
        got->event = AMD_PAGE_FAULT;
        got->flags = AMD_F_PR | AMD_F_PE;
    }
    return (needed & ~got->granted) == 0;
}

/* Through TLB, GCR3 table and page table. */
static void through_tables(struct model_amd *m, const struct amd_dte *dte,
                           const struct amd_access *want, struct amd_outcome *got)
{
    struct amd_tlb leaf;
    struct amd_tlb *e;
    uint64_t root = dte->root;
    bool good;

    memset(&leaf, 0, sizeof(leaf));
    leaf.domain = dte->domain;
    leaf.id = dte->id;
    leaf.gn = got->gn;
    leaf.pasid = got->pasid;
    leaf.va = want->address & ~UINT64_C(0xFFF);
    e = lookup(m, &leaf);
    if (e != NULL && model_chance(m->world, m->knobs.evict)) {
        e->used = false;
        e = NULL;
    }
    if (e != NULL) {
        m->counts.tlb_hits++;
        e->inner = false; /* It serves traffic's own address, now. */
        check_hit(m, dte, e);
        /* Where the rights fall short, hardware may look again or not. */
        if (finish(want, dte, e, got) || m->config.np_cache || model_chance(m->world, 500)) {
            return;
        }
        got->event = 0;
        got->flags = 0;
        e->used = false;
    }
    m->counts.tlb_misses++;
    if (got->gn && !amd_gcr3_get(m, dte, got->pasid, got, &root)) {
        return;
    }
    good = got->gn ? amd_guest_walk(m, dte, want, root, &leaf, got)
                   : amd_host_walk(m, dte, &leaf, got);
    if (!good && (!m->config.np_cache || got->event != AMD_PAGE_FAULT || got->flags != 0 ||
                  (got->gn && dte->mode != 0))) {
        return;
    }
    leaf.used = true;
    leaf.size_log2 = good ? leaf.size_log2 : 12;
    *amd_tlb_place(m) = leaf;
    if (good) {
        finish(want, dte, &leaf, got);
    }
}

static void identity(const struct amd_access *want, const struct amd_dte *dte,
                     struct amd_outcome *got)
{
    uint32_t needed = want->access & (MODEL_READ | MODEL_WRITE);

    got->identity = true;
    got->out = want->address & ~UINT64_C(0xFFF);
    got->size_log2 = 12;
    got->granted = (dte->ir ? MODEL_READ : 0u) | (dte->iw ? MODEL_WRITE : 0u);
    if (!dte->v) {
        got->granted = MODEL_READ | MODEL_WRITE;
    }
    if ((needed & ~got->granted) != 0 && !want->ats) {
        got->event = AMD_PAGE_FAULT;
        got->flags = AMD_F_PR | AMD_F_PE;
    }
}

void amd_translate(struct model_amd *m, const struct amd_access *want, struct amd_outcome *got)
{
    bool guest = amd_control(m, AMD_GT_EN);
    const struct amd_dte *dte;

    memset(got, 0, sizeof(*got));
    amd_see(m, want->id, want->has_pasid ? want->pasid : MODEL_AMD_NONE);
    dte = amd_dte_get(m, want, got);
    if (dte == NULL) {
        return;
    }
    if (!dte->v) {
        identity(want, dte, got);
        return;
    }
    got->domain = dte->domain;
    got->gn = want->has_pasid || (dte->giov && dte->gv && guest);
    got->pasid = want->has_pasid ? want->pasid : 0;
    if (!dte->tv) {
        got->gn = want->has_pasid;
        got->event = AMD_PAGE_FAULT;
        got->silent = m->knobs.tv0_silent;
        return;
    }
    if (got->gn && (!dte->gv || !guest)) {
        got->event = AMD_PAGE_FAULT;
        return;
    }
    if (!got->gn && dte->mode == 0) {
        identity(want, dte, got);
        return;
    }
    through_tables(m, dte, want, got);
}
