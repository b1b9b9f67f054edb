/* SPDX-License-Identifier: BSD-2-Clause */
#include "model_amd_internal.h"

static bool fault(struct amd_outcome *got, uint32_t event, uint32_t flags, uint64_t fetch)
{
    got->event = event;
    got->flags = flags;
    got->fetch = fetch;
    return false;
}

static void keep(struct model_amd *m, const struct amd_gcr3 *what)
{
    struct amd_gcr3 *place = &m->gcr3[model_choose(m->world, AMD_GCR3S)];
    unsigned i;

    for (i = 0; i < AMD_GCR3S; i++) {
        if (!m->gcr3[i].used) {
            place = &m->gcr3[i];
        }
    }
    *place = *what;
}

/* With host tables a node may lie at a guest's address: all with GCR3TRPMode, else it is doubted.
 */
static bool guests(const struct model_amd *m, bool first)
{
    return amd_control(m, AMD_GCR3_TRP) || (!first && m->knobs.gcr3_inner_gpa);
}

static bool walk(struct model_amd *m, const struct amd_dte *dte, uint32_t pasid,
                 struct amd_gcr3 *leaf, struct amd_outcome *got)
{
    uint64_t node = dte->gcr3;
    uint32_t level = dte->glx + 1;
    bool first = true;

    for (; level-- > 0; first = false) {
        leaf->at = node + 8 * (uint64_t)(pasid >> (9 * level) & 0x1FF);
        if (guests(m, first) && !amd_host_fetch(m, dte, MODEL_READ, &leaf->at, got)) {
            return false;
        }
        if (first) {
            leaf->top = leaf->at & ~UINT64_C(0xFFF);
        }
        if (!model_bus_read64(m->world, leaf->at, &leaf->word)) {
            return fault(got, AMD_PAGETAB_HW, 0, leaf->at);
        }
        if (amd_bit(leaf->word, 0) && (leaf->word & ~(AMD_ADDRESS | 1)) != 0) {
            amd_wrong(m, "amd.gcr3.reserved", "reserved bits of a GCR3 entry are set", leaf->at,
                      leaf->word);
            return fault(got, AMD_PAGE_FAULT, AMD_F_PR | AMD_F_RZ, leaf->at);
        }
        if (!amd_bit(leaf->word, 0)) {
            leaf->used = m->config.np_cache;
            return fault(got, AMD_PAGE_FAULT, 0, leaf->at);
        }
        node = leaf->word & AMD_ADDRESS;
    }
    leaf->used = true;
    leaf->root = amd_host_peek(m, dte, node);
    return true;
}

/* The root of the PASID's page table; false: got->event. Cached by DomainID and PASID. */
bool amd_gcr3_get(struct model_amd *m, const struct amd_dte *dte, uint32_t pasid,
                  struct amd_outcome *got, uint64_t *root)
{
    uint32_t bits = 9 * (dte->glx + 1);
    struct amd_gcr3 leaf;
    bool good;
    unsigned i;

    if (pasid >> bits != 0 || pasid >> (m->config.pas_max + 1) != 0) {
        return fault(got, AMD_PAGE_FAULT, 0, 0);
    }
    for (i = 0; i < AMD_GCR3S; i++) {
        struct amd_gcr3 *e = &m->gcr3[i];

        if (!e->used || e->domain != dte->domain || e->pasid != pasid) {
            continue;
        }
        if (model_chance(m->world, m->knobs.evict)) {
            e->used = false;
            continue;
        }
        if (e->table != dte->gcr3) {
            amd_wrong(m, "amd.gcr3.domain-shared",
                      "one DomainID names two GCR3 tables, or the old one was not flushed", dte->id,
                      dte->domain);
        }
        amd_stale(m, "amd.gcr3.stale", e->at, e->word, 0);
        *root = e->word & AMD_ADDRESS;
        return amd_bit(e->word, 0) || fault(got, AMD_PAGE_FAULT, 0, e->at);
    }
    memset(&leaf, 0, sizeof(leaf));
    leaf.domain = dte->domain;
    leaf.pasid = pasid;
    leaf.id = dte->id;
    leaf.table = dte->gcr3;
    m->counts.config_fetches++;
    good = walk(m, dte, pasid, &leaf, got);
    *root = leaf.word & AMD_ADDRESS;
    if (leaf.used) {
        keep(m, &leaf);
    }
    return good;
}
