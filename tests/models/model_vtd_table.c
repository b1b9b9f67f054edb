/* SPDX-License-Identifier: BSD-2-Clause */
#include "model_vtd_internal.h"

struct walk {
    const struct vtd_access *want;
    const struct vtd_pasid *pasid;
    bool second, snoop, flags; /* flags: accessed and dirty are kept */
    uint32_t level;
    uint32_t levels;
    uint64_t root, table, at, entry;
    uint32_t rights; /* MODEL_READ: user or readable, MODEL_WRITE: writable, all levels */
};

static bool fail(const struct walk *w, struct vtd_outcome *got, uint32_t first, uint32_t second)
{
    got->fault = w->second ? second : first;
    return false;
}

static uint32_t shift_of(uint32_t level)
{
    return 12 + 9 * (level - 1);
}

static void fill(const struct walk *w, struct vtd_tlb *e, bool table)
{
    memset(e, 0, sizeof(*e));
    e->used = true;
    e->table = table;
    e->second = w->second;
    e->has_pasid = w->want->has_pasid;
    e->id = w->want->id;
    e->pasid = w->pasid->pasid;
    e->did = w->pasid->did;
    e->pgtt = vtd_bits(w->pasid->word[0], 8, 6);
    e->level = w->level;
    e->size_log2 = shift_of(w->level);
    e->va = w->want->address & ~vtd_ones(e->size_log2);
    e->root = w->root;
    e->from = w->at;
}

/* Begin in the middle when a non-leaf entry of this walk is kept. */
static void use_walk_cache(struct model_vtd *m, struct walk *w)
{
    const struct vtd_tlb *best = NULL;
    uint32_t i;

    for (i = 0; i < VTD_TLBS; i++) {
        const struct vtd_tlb *e = &m->tlb[i];

        if (e->used && e->table && e->second == w->second && e->did == w->pasid->did &&
            (e->second || e->pasid == w->pasid->pasid) && e->level <= w->levels &&
            e->va == (w->want->address & ~vtd_ones(e->size_log2)) &&
            (best == NULL || e->level < best->level)) {
            best = e;
        }
    }
    if (best != NULL) {
        w->table = best->out;
        w->level = best->level - 1;
        w->rights = best->access;
    }
}

static bool is_large(const struct walk *w)
{
    return w->level > 1 && vtd_bit(w->entry, 7);
}

static bool reserved(const struct model_vtd *m, const struct walk *w)
{
    uint64_t mask = vtd_ones(52) & ~vtd_ones(m->config.haw);
    bool leaf = w->level == 1 || is_large(w);

    if (is_large(w)) {
        bool fits = w->level == 2 || (w->level == 3 && m->config.fs1gp);

        if (w->second) {
            fits = w->level <= 3 && vtd_bit(m->config.sslps, w->level - 2);
        }
        if (!fits) {
            return true;
        }
        mask |= vtd_ones(shift_of(w->level)) & ~vtd_ones(w->second ? 12 : 13);
    }
    if (w->second) {
        mask |= (uint64_t)1 << 62;
        mask |= leaf && m->config.sc ? 0 : (uint64_t)1 << 11;
    }
    return (w->entry & mask) != 0;
}

static bool set_flags(struct model_vtd *m, struct walk *w, bool dirty, struct vtd_outcome *got)
{
    uint64_t bits = (uint64_t)1 << (w->second ? 8 : 5);

    if (!w->flags) {
        return true;
    }
    if (dirty) {
        bits |= (uint64_t)1 << (w->second ? 9 : 6);
    }
    if (!w->second && vtd_bit(w->pasid->word[2], 7)) {
        bits |= (uint64_t)1 << 10;
    }
    if ((w->entry & bits) == bits) {
        return true;
    }
    if (!w->snoop) {
        return fail(w, got, 0x90, 0x7C);
    }
    w->entry |= bits;
    if (!vtd_write_words(m, w->at, &w->entry, 1)) {
        return fail(w, got, 0x91, 0x7D);
    }
    return true;
}

static bool step(struct model_vtd *m, struct walk *w, struct vtd_outcome *got)
{
    uint32_t index = (uint32_t)(w->want->address >> shift_of(w->level)) & 0x1FF;
    uint32_t rights;

    w->at = w->table + 8 * (uint64_t)index;
    if (!vtd_read(m, w->at, &w->entry, 1, w->snoop)) {
        return w->level == w->levels ? fail(w, got, 0x73, 0x7B) : fail(w, got, 0x70, 0x78);
    }
    if ((w->entry & (w->second ? 3u : 1u)) == 0) {
        return fail(w, got, 0x71, 0x79);
    }
    if (reserved(m, w)) {
        return fail(w, got, 0x72, 0x7A);
    }
    if (w->second) {
        rights = (uint32_t)(w->entry & 3);
    } else {
        rights = (vtd_bit(w->entry, 2) ? MODEL_READ : 0) | (vtd_bit(w->entry, 1) ? MODEL_WRITE : 0);
    }
    w->rights &= rights;
    return true;
}

/* What the walk grants this requester. */
static uint32_t granted(const struct walk *w, struct vtd_outcome *got)
{
    uint32_t access = w->rights;

    if (w->second) {
        if (access == 0) {
            got->fault = 0x79;
        }
        return access;
    }
    if ((w->want->access & MODEL_PRIV) != 0) {
        access |= MODEL_READ;
        return vtd_bit(w->pasid->word[2], 4) ? access : access | MODEL_WRITE;
    }
    if ((access & MODEL_READ) == 0) {
        got->fault = 0x81;
        return 0;
    }
    return access;
}

static bool take_leaf(struct model_vtd *m, struct walk *w, struct vtd_tlb *leaf,
                      struct vtd_outcome *got)
{
    uint32_t access = granted(w, got);
    bool write = (w->want->access & MODEL_WRITE) != 0;
    uint32_t dirty = w->second ? 9 : 6;

    if (got->fault != 0) {
        return false;
    }
    if (write && (access & MODEL_WRITE) == 0) {
        got->fault = 0x85;
    } else if ((w->want->access & MODEL_READ) != 0 && (access & MODEL_READ) == 0) {
        got->fault = 0x86;
    }
    if (got->fault != 0 || !set_flags(m, w, write, got)) {
        return false;
    }
    if (w->flags && !vtd_bit(w->entry, dirty)) {
        access &= ~MODEL_WRITE;
    }
    fill(w, leaf, false);
    leaf->access = access | (w->want->access & MODEL_PRIV);
    leaf->out = w->entry & vtd_ones(52) & ~vtd_ones(shift_of(w->level));
    return true;
}

static bool start(struct model_vtd *m, struct walk *w, struct vtd_outcome *got)
{
    uint64_t address = w->want->address;
    uint32_t bits;

    w->second = vtd_bits(w->pasid->word[0], 8, 6) == VTD_PGTT_SECOND;
    w->snoop = m->config.smpwcs && vtd_bit(w->pasid->word[1], 23);
    w->rights = MODEL_READ | MODEL_WRITE;
    if (w->second) {
        w->levels = vtd_bits(w->pasid->word[0], 4, 2) + 2;
        w->root = w->pasid->word[0] & ~vtd_ones(12);
        w->flags = vtd_bit(w->pasid->word[0], 9);
        bits = 12 + 9 * w->levels;
        if ((address & ~vtd_ones(bits < m->config.mgaw ? bits : m->config.mgaw)) != 0) {
            got->fault = 0x84;
            return false;
        }
    } else {
        uint64_t top;

        w->levels = vtd_bits(w->pasid->word[2], 3, 2) == 1 ? 5 : 4;
        w->root = w->pasid->word[2] & ~vtd_ones(12);
        w->flags = true;
        bits = 12 + 9 * w->levels;
        top = address & ~vtd_ones(bits - 1);
        if (top != 0 && top != ~vtd_ones(bits - 1)) {
            got->fault = 0x80;
            return false;
        }
    }
    w->level = w->levels;
    w->table = w->root;
    return true;
}

/* false: got->fault. */
bool vtd_table_walk(struct model_vtd *m, const struct vtd_access *want,
                    const struct vtd_pasid *pasid, struct vtd_tlb *leaf, struct vtd_outcome *got)
{
    struct walk w;

    memset(&w, 0, sizeof(w));
    w.want = want;
    w.pasid = pasid;
    if (!start(m, &w, got)) {
        return false;
    }
    use_walk_cache(m, &w);
    for (;; w.level--) {
        if (!step(m, &w, got)) {
            return false;
        }
        if (w.level == 1 || is_large(&w)) {
            return take_leaf(m, &w, leaf, got);
        }
        if (!set_flags(m, &w, false, got)) {
            return false;
        }
        w.table = w.entry & vtd_ones(52) & ~vtd_ones(12);
        if (model_chance(m->world, m->knobs.walk_cache)) {
            struct vtd_tlb *e = vtd_tlb_place(m);

            fill(&w, e, true);
            e->out = w.table;
            e->access = w.rights;
        }
    }
}
