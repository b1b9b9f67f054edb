/* SPDX-License-Identifier: BSD-2-Clause */
#include "model_amd_internal.h"

#define RESERVED_LEAF  UINT64_C(0x07F0000000000000)
#define RESERVED_TABLE UINT64_C(0x1FF0000000000000)
#define FLAGS          UINT64_C(0x60) /* A and D */
#define READABLE       61u
#define WRITABLE       62u

static bool fault(struct amd_outcome *got, uint32_t event, uint32_t flags, uint64_t fetch)
{
    got->event = event;
    got->flags = flags;
    got->fetch = fetch;
    return false;
}

static uint32_t natural(uint32_t level)
{
    return 12 + 9 * (level - 1);
}

/* The size that the address of a leaf codes. */
static uint32_t coded_size(uint64_t word)
{
    uint32_t k = 12;

    while (k < 51 && amd_bit(word, k)) {
        k++;
    }
    return k + 1;
}

/* It lies between the natural sizes of two levels. */
static bool coded_well(uint64_t word, uint32_t level)
{
    return coded_size(word) > natural(level) && coded_size(word) < natural(level + 1);
}

/* Every slot of the run that such a leaf covers holds it. */
static void check_run(struct model_amd *m, const struct amd_tlb *leaf, uint32_t level)
{
    uint64_t bytes = UINT64_C(8) << (leaf->size_log2 - natural(level));
    uint64_t first = leaf->at & ~(bytes - 1);
    uint64_t at, word;

    for (at = first; at < first + bytes; at += 8) {
        if (amd_peek64(m, at, &word) && ((word ^ leaf->word) & ~FLAGS) != 0) {
            amd_wrong(m, "amd.host.run-differs",
                      "the slots under one large leaf do not hold the same value", at, word);
            return;
        }
    }
}

static const struct amd_tlb *kept(const struct model_amd *m, const struct amd_tlb *leaf,
                                  uint32_t level)
{
    unsigned i;

    for (i = 0; i < AMD_TLBS; i++) {
        const struct amd_tlb *e = &m->tlb[i];

        if (e->used && e->table && !e->gn && e->domain == leaf->domain && e->level == level &&
            e->va == (leaf->va & ~amd_ones(e->size_log2))) {
            return e;
        }
    }
    return NULL;
}

static void keep_table(struct model_amd *m, const struct amd_tlb *leaf, uint32_t level)
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
    e->size_log2 = natural(level);
    e->va = leaf->va & ~amd_ones(e->size_log2);
    e->out = leaf->word & AMD_ADDRESS;
}

/* The entry of this level, as kept or as memory has it now. */
static bool fetch(struct model_amd *m, struct amd_tlb *leaf, uint32_t level, uint64_t node,
                  struct amd_outcome *got)
{
    const struct amd_tlb *old = level > 1 ? kept(m, leaf, level) : NULL;

    leaf->at = node + 8 * (leaf->va >> natural(level) & 0x1FF);
    if (old != NULL) {
        amd_stale(m, "amd.tlb.stale-table", old->at, old->word, FLAGS);
        leaf->word = old->word;
    } else if (!model_bus_read64(m->world, leaf->at, &leaf->word)) {
        return fault(got, AMD_PAGETAB_HW, 0, leaf->at);
    }
    return true;
}

static bool take_leaf(struct model_amd *m, struct amd_tlb *leaf, uint32_t level, uint64_t rights,
                      struct amd_outcome *got)
{
    bool coded = amd_bits(leaf->word, 11, 9) == 7;

    if (level == 6 || (coded && !coded_well(leaf->word, level))) {
        return fault(got, AMD_PAGE_FAULT, AMD_F_PR, leaf->at);
    }
    leaf->size_log2 = coded ? coded_size(leaf->word) : natural(level);
    if (coded) {
        check_run(m, leaf, level);
    }
    leaf->level = level;
    leaf->user = true;
    leaf->granted = (amd_bit(rights, READABLE) ? MODEL_READ | MODEL_EXEC : 0u) |
                    (amd_bit(rights, WRITABLE) ? MODEL_WRITE : 0u);
    leaf->va &= ~amd_ones(leaf->size_log2);
    leaf->out = leaf->word & AMD_ADDRESS & ~amd_ones(leaf->size_log2);
    return true;
}

/* Host (v1) tables: each entry names the level of the next one. */
bool amd_host_walk(struct model_amd *m, const struct amd_dte *dte, struct amd_tlb *leaf,
                   struct amd_outcome *got)
{
    uint32_t level = dte->mode;
    uint32_t next;
    uint64_t node = dte->root;
    uint64_t rights = ~UINT64_C(0);

    if (12 + 9 * level < 64 && leaf->va >> (12 + 9 * level) != 0) {
        return fault(got, AMD_PAGE_FAULT, 0, 0);
    }
    leaf->root = dte->root;
    for (;;) {
        if (!fetch(m, leaf, level, node, got)) {
            return false;
        }
        if (!amd_bit(leaf->word, 0)) {
            return fault(got, AMD_PAGE_FAULT, 0, leaf->at);
        }
        next = amd_bits(leaf->word, 11, 9);
        rights &= leaf->word;
        if ((leaf->word & (next == 0 || next == 7 ? RESERVED_LEAF : RESERVED_TABLE)) != 0) {
            return fault(got, AMD_PAGE_FAULT, AMD_F_PR | AMD_F_RZ, leaf->at);
        }
        if (next == 0 || next == 7) {
            return take_leaf(m, leaf, level, rights, got);
        }
        if (next >= level ||
            (leaf->va & (amd_ones(natural(level)) & ~amd_ones(natural(next + 1)))) != 0) {
            return fault(got, AMD_PAGE_FAULT, AMD_F_PR, leaf->at);
        }
        if (kept(m, leaf, level) == NULL) {
            keep_table(m, leaf, level);
        }
        node = leaf->word & AMD_ADDRESS;
        level = next;
    }
}

static struct amd_tlb *lookup(struct model_amd *m, uint32_t domain, uint64_t gpa)
{
    unsigned i;

    for (i = 0; i < AMD_TLBS; i++) {
        struct amd_tlb *e = &m->tlb[i];

        if (e->used && !e->table && !e->gn && e->domain == domain && amd_bit(e->word, 0) &&
            e->va == (gpa & ~amd_ones(e->size_log2))) {
            return e;
        }
    }
    return NULL;
}

static void check_under(struct model_amd *m, const struct amd_dte *dte, const struct amd_tlb *e)
{
    amd_stale(m, "amd.tlb.stale", e->at, e->word, FLAGS);
    if (e->root != dte->root) {
        amd_former(m, dte->root, "a TLB entry of the domain's former page table", e->va,
                   dte->domain);
    }
}

/* A guest's address goes through the host's tables, and needs these rights there. */
bool amd_host_pass(struct model_amd *m, const struct amd_dte *dte, uint64_t gpa, uint32_t access,
                   struct amd_tlb *under, struct amd_outcome *got)
{
    struct amd_tlb *e = lookup(m, dte->domain, gpa);

    if (e != NULL && model_chance(m->world, m->knobs.evict)) {
        e->used = false;
        e = NULL;
    }
    if (e != NULL) {
        m->counts.tlb_hits++;
        check_under(m, dte, e);
        *under = *e;
    } else {
        m->counts.tlb_misses++;
        memset(under, 0, sizeof(*under));
        under->domain = dte->domain;
        under->id = dte->id;
        under->va = gpa & ~UINT64_C(0xFFF);
        if (!amd_host_walk(m, dte, under, got)) {
            return false;
        }
        under->used = true;
        under->inner = true;
        *amd_tlb_place(m) = *under;
    }
    if ((access & ~under->granted) != 0) {
        return fault(got, AMD_PAGE_FAULT, AMD_F_PR | AMD_F_PE, under->at);
    }
    return true;
}

/* The same for a table: *at becomes a system address if the device has host tables. */
bool amd_host_fetch(struct model_amd *m, const struct amd_dte *dte, uint32_t access, uint64_t *at,
                    struct amd_outcome *got)
{
    struct amd_tlb under;

    if (dte->mode == 0) {
        return true;
    }
    if (!amd_host_pass(m, dte, *at, access, &under, got)) {
        return false;
    }
    *at = under.out | (*at & amd_ones(under.size_log2));
    return true;
}

/* As the walk would go, without its side effects. 0: it would fault. */
uint64_t amd_host_peek(const struct model_amd *m, const struct amd_dte *dte, uint64_t gpa)
{
    uint32_t level = dte->mode;
    uint64_t node = dte->root;
    uint64_t word;

    while (level >= 1 && level <= 6) {
        uint32_t size = natural(level);
        uint32_t next;

        if (!amd_peek64(m, node + 8 * (gpa >> size & 0x1FF), &word) || !amd_bit(word, 0)) {
            return 0;
        }
        next = amd_bits(word, 11, 9);
        if (next == 0 || next == 7) {
            size = next == 7 ? coded_size(word) : size;
            return (word & AMD_ADDRESS & ~amd_ones(size)) | (gpa & amd_ones(size));
        }
        if (next >= level) {
            return 0;
        }
        node = word & AMD_ADDRESS;
        level = next;
    }
    return level == 0 ? gpa : 0;
}
