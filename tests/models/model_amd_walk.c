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

static void keep_table(struct model_amd *m, const struct amd_dte *dte, const struct amd_tlb *leaf,
                       uint32_t level, uint64_t at, uint64_t word)
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
    e->out = amd_host_peek(m, dte, word & AMD_ADDRESS);
    e->gpa = word & AMD_ADDRESS;
}

static bool large_is_good(uint64_t word, uint32_t level)
{
    unsigned size = 12 + 9 * (level - 1);

    return level <= 3 && (word & (amd_ones(size) & ~amd_ones(13))) == 0;
}

/* Sets flags of the entry at gpa, the guest's address of it; host tables must let it. */
static bool mark(struct model_amd *m, const struct amd_dte *dte, uint64_t gpa, struct amd_tlb *leaf,
                 bool dirty, struct amd_outcome *got)
{
    uint64_t now = leaf->word | amd_one(ACCESSED) | (dirty ? amd_one(DIRTY) : 0);
    uint64_t at = gpa;

    if (now == leaf->word) {
        return true;
    }
    if (!amd_host_fetch(m, dte, MODEL_READ | MODEL_WRITE, &at, got)) {
        return false;
    }
    leaf->word = now;
    return model_bus_write64(m->world, at, now) || fault(got, AMD_PAGETAB_HW, 0, at);
}

/* What the guest's tables put out goes through the host's; the smaller of the two sizes counts. */
static bool pass_host(struct model_amd *m, const struct amd_dte *dte, const struct amd_access *want,
                      struct amd_tlb *leaf, struct amd_outcome *got)
{
    uint64_t va = want->address & ~UINT64_C(0xFFF);
    uint64_t gpa = leaf->out | (va & amd_ones(leaf->size_log2));
    struct amd_tlb under;

    if (!amd_host_pass(m, dte, gpa, 0, &under, got)) {
        return false;
    }
    leaf->nested = true;
    leaf->under_root = under.root;
    leaf->under_at = under.at;
    leaf->under_word = under.word;
    if (under.size_log2 < leaf->size_log2) {
        leaf->size_log2 = under.size_log2;
        leaf->va = va & ~amd_ones(leaf->size_log2);
    }
    leaf->gpa = gpa & ~amd_ones(leaf->size_log2);
    leaf->out = (under.out | (gpa & amd_ones(under.size_log2))) & ~amd_ones(leaf->size_log2);
    leaf->granted &= under.granted;
    return true;
}

static bool finish_leaf(struct model_amd *m, const struct amd_dte *dte,
                        const struct amd_access *want, uint64_t rights, bool exec, uint64_t gpa,
                        struct amd_tlb *leaf, struct amd_outcome *got)
{
    bool mine;

    leaf->user = amd_bit(rights, USER);
    leaf->granted =
        MODEL_READ | (amd_bit(rights, WRITABLE) ? MODEL_WRITE : 0u) | (exec ? MODEL_EXEC : 0u);
    leaf->va &= ~amd_ones(leaf->size_log2);
    leaf->out = leaf->word & AMD_ADDRESS & ~amd_ones(leaf->size_log2);
    mine = leaf->user || (want->access & MODEL_PRIV) != 0;
    if (mine && !mark(m, dte, gpa, leaf,
                      (want->access & leaf->granted & MODEL_WRITE) != 0 && dte->iw, got)) {
        return false;
    }
    return dte->mode == 0 || pass_host(m, dte, want, leaf, got);
}

/* The entry of this level, as kept (*old) or as memory has it now. gpa: where the guest has it. */
static bool fetch(struct model_amd *m, const struct amd_dte *dte, uint32_t level, uint64_t gpa,
                  const struct amd_tlb **old, struct amd_tlb *leaf, struct amd_outcome *got)
{
    *old = level > 1 ? kept(m, leaf, level) : NULL;
    if (*old != NULL) {
        amd_stale(m, "amd.tlb.stale-table", (*old)->at, (*old)->word, amd_one(ACCESSED));
        leaf->at = (*old)->at;
        leaf->word = (*old)->word;
    } else {
        leaf->at = gpa;
        if (!amd_host_fetch(m, dte, MODEL_READ, &leaf->at, got)) {
            return false;
        }
        if (!model_bus_read64(m->world, leaf->at, &leaf->word)) {
            return fault(got, AMD_PAGETAB_HW, 0, leaf->at);
        }
    }
    if (level == dte->levels) {
        leaf->top = leaf->at & ~UINT64_C(0xFFF);
    }
    return amd_bit(leaf->word, PRESENT) || fault(got, AMD_PAGE_FAULT, 0, leaf->at);
}

/*
 * x86-64 tables, 4 or 5 levels, at the guest's addresses if there are host tables. leaf: va,
 * domain, pasid, id are set by the caller.
 */
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
        uint64_t gpa = node + 8 * (leaf->va >> size & 0x1FF);
        const struct amd_tlb *old;
        bool last;

        if (!fetch(m, dte, level, gpa, &old, leaf, got)) {
            return false;
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
            return finish_leaf(m, dte, want, rights, exec, gpa, leaf, got);
        }
        if (old == NULL && !mark(m, dte, gpa, leaf, false, got)) {
            return false;
        }
        if (old == NULL) {
            keep_table(m, dte, leaf, level, leaf->at, leaf->word);
        }
        node = leaf->word & AMD_ADDRESS;
    }
}
