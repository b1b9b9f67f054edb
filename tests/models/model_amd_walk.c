/* SPDX-License-Identifier: BSD-2-Clause */
#include "model_amd_internal.h"

#define PRESENT  0u
#define WRITABLE 1u
#define USER     2u
#define ACCESSED 5u
#define DIRTY    6u
#define LARGE    7u
#define NO_EXEC  63u

static bool fault(struct amd_outcome *got, uint32_t event, uint32_t flags, uint64_t fetch)
{
    got->event = event;
    got->flags = flags;
    got->fetch = fetch;
    return false;
}

struct amd_tlb *amd_tlb_place(struct model_amd *m)
{
    unsigned i;

    for (i = 0; i < AMD_TLBS; i++) {
        if (!m->tlb[i].used) {
            return &m->tlb[i];
        }
    }
    return &m->tlb[model_choose(m->world, AMD_TLBS)];
}

static const struct amd_tlb *kept(const struct model_amd *m, const struct amd_tlb *leaf,
                                  uint32_t level)
{
    unsigned i;

    for (i = 0; i < AMD_TLBS; i++) {
        const struct amd_tlb *e = &m->tlb[i];

        if (e->used && e->table && e->gn && e->domain == leaf->domain && e->pasid == leaf->pasid &&
            e->level == level && e->va == (leaf->va & ~amd_ones(e->size_log2))) {
            return e;
        }
    }
    return NULL;
}

static void keep_table(struct model_amd *m, const struct amd_tlb *leaf, uint32_t level, uint64_t at,
                       uint64_t word)
{
    struct amd_tlb *e;

    if (!model_chance(m->world, m->knobs.walk_cache)) {
        return;
    }
    e = amd_tlb_place(m);
    *e = *leaf;
    e->used = true;
    e->table = true;
    e->level = level;
    e->size_log2 = 12 + 9 * (level - 1);
    e->va = leaf->va & ~amd_ones(e->size_log2);
    e->at = at;
    e->word = word;
    e->out = word & AMD_ADDRESS;
}

static bool large_is_good(uint64_t word, uint32_t level)
{
    unsigned size = 12 + 9 * (level - 1);

    return level <= 3 && (word & (amd_ones(size) & ~amd_ones(13))) == 0;
}

static bool mark(struct model_amd *m, uint64_t at, uint64_t *word, bool dirty)
{
    uint64_t now = *word | amd_one(ACCESSED) | (dirty ? amd_one(DIRTY) : 0);

    if (now == *word) {
        return true;
    }
    *word = now;
    return model_bus_write64(m->world, at, now);
}

static bool finish_leaf(struct model_amd *m, const struct amd_dte *dte,
                        const struct amd_access *want, uint64_t rights, bool exec,
                        struct amd_tlb *leaf)
{
    leaf->user = amd_bit(rights, USER);
    leaf->granted =
        MODEL_READ | (amd_bit(rights, WRITABLE) ? MODEL_WRITE : 0u) | (exec ? MODEL_EXEC : 0u);
    leaf->va &= ~amd_ones(leaf->size_log2);
    leaf->out = leaf->word & AMD_ADDRESS & ~amd_ones(leaf->size_log2);
    if (!leaf->user && (want->access & MODEL_PRIV) == 0) {
        return true;
    }
    return mark(m, leaf->at, &leaf->word,
                (want->access & leaf->granted & MODEL_WRITE) != 0 && dte->iw);
}

/* x86-64 tables, 4 or 5 levels. leaf: va, domain, pasid, id are set by the caller. */
bool amd_guest_walk(struct model_amd *m, const struct amd_dte *dte, const struct amd_access *want,
                    uint64_t root, struct amd_tlb *leaf, struct amd_outcome *got)
{
    unsigned top = 12 + 9 * dte->levels - 1;
    uint64_t node = root;
    uint64_t rights = amd_one(WRITABLE) | amd_one(USER);
    uint32_t level = dte->levels;
    bool exec = true;

    if (leaf->va >> top != 0 && leaf->va >> top != UINT64_MAX >> top) {
        return fault(got, AMD_PAGE_FAULT, 0, 0);
    }
    leaf->gn = true;
    leaf->root = root;
    for (;; level--) {
        unsigned size = 12 + 9 * (level - 1);
        const struct amd_tlb *old = level > 1 ? kept(m, leaf, level) : NULL;
        bool last;

        leaf->at = node + 8 * (leaf->va >> size & 0x1FF);
        if (old != NULL) {
            amd_stale(m, "amd.tlb.stale-table", old->at, old->word, amd_one(ACCESSED));
            leaf->word = old->word;
        } else if (!model_bus_read64(m->world, leaf->at, &leaf->word)) {
            return fault(got, AMD_PAGETAB_HW, 0, leaf->at);
        }
        if (!amd_bit(leaf->word, PRESENT)) {
            return fault(got, AMD_PAGE_FAULT, 0, leaf->at);
        }
        last = level == 1 || amd_bit(leaf->word, LARGE);
        if (level > 1 && last && !large_is_good(leaf->word, level)) {
            return fault(got, AMD_PAGE_FAULT, AMD_F_PR | AMD_F_RZ, leaf->at);
        }
        rights &= leaf->word;
        exec = exec && !(m->config.nx && amd_bit(leaf->word, NO_EXEC));
        if (last) {
            leaf->level = level;
            leaf->size_log2 = size;
            break;
        }
        if (old == NULL && !mark(m, leaf->at, &leaf->word, false)) {
            return fault(got, AMD_PAGETAB_HW, 0, leaf->at);
        }
        if (old == NULL) {
            keep_table(m, leaf, level, leaf->at, leaf->word);
        }
        node = leaf->word & AMD_ADDRESS;
    }
    return finish_leaf(m, dte, want, rights, exec, leaf) || fault(got, AMD_PAGETAB_HW, 0, leaf->at);
}
