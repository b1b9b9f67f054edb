/* SPDX-License-Identifier: BSD-2-Clause */
#include "model_vtd_internal.h"

/* The first stage, by itself or over a second one: then its tables lie at the guest's addresses. */

struct walk {
    const struct vtd_access *want;
    const struct vtd_pasid *pasid;
    bool nested, snoop;
    uint32_t level, levels;
    uint64_t table; /* The guest's address of it if nested. */
    uint64_t known; /* Its real address if that is kept; 0: not. */
    uint64_t top;   /* Real address of the root. */
    uint64_t at, at_guest, entry;
    uint32_t rights; /* MODEL_READ: user, MODEL_WRITE: writable, all levels */
};

static bool fail(struct vtd_outcome *got, uint32_t reason)
{
    got->fault = reason;
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
    e->has_pasid = w->want->has_pasid;
    e->id = w->want->id;
    e->pasid = w->pasid->pasid;
    e->did = w->pasid->did;
    e->pgtt = vtd_bits(w->pasid->word[0], 8, 6);
    e->level = w->level;
    e->size_log2 = shift_of(w->level);
    e->va = w->want->address & ~vtd_ones(e->size_log2);
    e->root = w->pasid->word[2] & ~vtd_ones(12);
    e->top = w->top;
    e->from = w->at;
    e->under = w->nested ? w->pasid->word[0] & ~vtd_ones(12) : 0;
}

/* Begin in the middle when a non-leaf entry of this walk is kept. */
static void use_walk_cache(const struct model_vtd *m, struct walk *w)
{
    const struct vtd_tlb *best = NULL;
    uint32_t i;

    for (i = 0; i < VTD_TLBS; i++) {
        const struct vtd_tlb *e = &m->tlb[i];

        if (e->used && e->table && !e->second && e->did == w->pasid->did &&
            e->pasid == w->pasid->pasid && e->level <= w->levels &&
            e->va == (w->want->address & ~vtd_ones(e->size_log2)) &&
            (best == NULL || e->level < best->level)) {
            best = e;
        }
    }
    if (best != NULL) {
        w->table = w->nested ? best->guest : best->out;
        w->known = w->nested ? best->out : 0;
        w->top = best->top;
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
    uint64_t mask = w->nested ? 0 : vtd_ones(52) & ~vtd_ones(m->config.haw);

    if (is_large(w)) {
        if (w->level != 2 && (w->level != 3 || !m->config.fs1gp)) {
            return true;
        }
        mask |= vtd_ones(shift_of(w->level)) & ~vtd_ones(13);
    }
    return (w->entry & mask) != 0;
}

/* A table of the first stage is read, and may be written, as the second stage allows. */
static bool under(struct model_vtd *m, const struct walk *w, bool write, uint32_t blocked,
                  uint64_t *at, struct vtd_outcome *got)
{
    struct vtd_second ask = {
        .want = w->want, .address = w->at_guest, .access = MODEL_READ, .blocked = blocked};

    if (write || vtd_bit(w->pasid->word[0], 9)) {
        ask.access |= MODEL_WRITE; /* Flags of the second stage: each look may become a write. */
    }
    if (!vtd_second(m, w->pasid, &ask, got)) {
        return false;
    }
    *at = ask.out | (w->at_guest & vtd_ones(ask.size_log2));
    return true;
}

static bool set_flags(struct model_vtd *m, struct walk *w, bool dirty, struct vtd_outcome *got)
{
    uint64_t bits = (uint64_t)1 << 5 | (dirty ? (uint64_t)1 << 6 : 0);
    uint64_t at = w->at;

    if (vtd_bit(w->pasid->word[2], 7)) {
        bits |= (uint64_t)1 << 10;
    }
    if ((w->entry & bits) == bits) {
        return true;
    }
    if (w->nested && !under(m, w, true, 0x77, &at, got)) {
        return false;
    }
    if (!w->snoop) {
        return fail(got, 0x90);
    }
    w->entry |= bits;
    return vtd_write_words(m, at, &w->entry, 1) || fail(got, 0x91);
}

static bool locate(struct model_vtd *m, struct walk *w, struct vtd_outcome *got)
{
    uint64_t offset = 8 * (w->want->address >> shift_of(w->level) & 0x1FF);

    w->at_guest = w->table + offset;
    w->at = w->at_guest;
    if (w->known != 0) {
        w->at = w->known + offset;
    } else if (w->nested && !under(m, w, false, w->level == w->levels ? 0x75 : 0x76, &w->at, got)) {
        return false;
    }
    if (w->level == w->levels) {
        w->top = w->at & ~vtd_ones(12);
    }
    return true;
}

static bool step(struct model_vtd *m, struct walk *w, struct vtd_outcome *got)
{
    if (!locate(m, w, got)) {
        return false;
    }
    if (!vtd_read(m, w->at, &w->entry, 1, w->snoop)) {
        return fail(got, w->level == w->levels ? 0x73 : 0x70);
    }
    if (!vtd_bit(w->entry, 0)) {
        return fail(got, 0x71);
    }
    if (reserved(m, w)) {
        return fail(got, 0x72);
    }
    if (w->nested &&
        (w->entry & vtd_ones(52) & ~vtd_ones(vtd_second_bits(m, w->pasid->word))) != 0) {
        return fail(got, 0x74);
    }
    w->rights &= (vtd_bit(w->entry, 2) ? MODEL_READ : 0) | (vtd_bit(w->entry, 1) ? MODEL_WRITE : 0);
    return true;
}

/* What the walk grants this requester. */
static uint32_t granted(const struct walk *w, struct vtd_outcome *got)
{
    uint32_t access = w->rights;

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

/* What the first stage puts out goes through the second; the smaller of the two sizes counts. */
static bool pass_second(struct model_vtd *m, const struct walk *w, struct vtd_tlb *e,
                        struct vtd_outcome *got)
{
    uint64_t inside = w->want->address & vtd_ones(e->size_log2);
    struct vtd_second ask = {.want = w->want,
                             .address = e->out | inside,
                             .access = w->want->access & (MODEL_READ | MODEL_WRITE)};

    if (!vtd_second(m, w->pasid, &ask, got)) {
        return false;
    }
    e->guest = e->out;
    e->guest_log2 = e->size_log2;
    e->under_log2 = ask.size_log2;
    e->under_from = ask.from;
    if (ask.size_log2 < e->size_log2) {
        e->size_log2 = ask.size_log2;
        e->va = w->want->address & ~vtd_ones(e->size_log2);
    }
    e->out = (ask.out | (ask.address & vtd_ones(ask.size_log2))) & ~vtd_ones(e->size_log2);
    e->access &= ask.rights | MODEL_PRIV;
    return true;
}

static bool take_leaf(struct model_vtd *m, struct walk *w, struct vtd_tlb *e,
                      struct vtd_outcome *got)
{
    uint32_t access = granted(w, got);
    bool write = (w->want->access & MODEL_WRITE) != 0;

    if (got->fault != 0) {
        return false;
    }
    if (write && (access & MODEL_WRITE) == 0) {
        return fail(got, 0x85);
    }
    if (!set_flags(m, w, write, got)) {
        return false;
    }
    if (!vtd_bit(w->entry, 6)) {
        access &= ~MODEL_WRITE;
    }
    fill(w, e, false);
    e->access = access | (w->want->access & MODEL_PRIV);
    e->out = w->entry & vtd_ones(52) & ~vtd_ones(shift_of(w->level));
    return !w->nested || pass_second(m, w, e, got);
}

/* With a second stage what is kept leads to the real address of the next table. */
static bool keep(struct model_vtd *m, struct walk *w, struct vtd_outcome *got)
{
    struct vtd_tlb *e;

    w->known = 0;
    if (!model_chance(m->world, m->knobs.walk_cache)) {
        return true;
    }
    if (w->nested) {
        w->at_guest = w->table;
        if (!under(m, w, false, 0x76, &w->known, got)) {
            return false;
        }
    }
    e = vtd_tlb_place(m);
    fill(w, e, true);
    e->out = w->nested ? w->known : w->table;
    e->guest = w->table;
    e->access = w->rights;
    return true;
}

static bool start(struct model_vtd *m, struct walk *w, struct vtd_outcome *got)
{
    uint64_t address = w->want->address;
    uint32_t bits;
    uint64_t top;

    w->nested = vtd_bits(w->pasid->word[0], 8, 6) == VTD_PGTT_NESTED;
    w->snoop = m->config.smpwcs && vtd_bit(w->pasid->word[1], 23);
    w->rights = MODEL_READ | MODEL_WRITE;
    w->levels = vtd_bits(w->pasid->word[2], 3, 2) == 1 ? 5 : 4;
    w->level = w->levels;
    w->table = w->pasid->word[2] & ~vtd_ones(12);
    bits = 12 + 9 * w->levels;
    top = address & ~vtd_ones(bits - 1);
    if (top != 0 && top != ~vtd_ones(bits - 1)) {
        return fail(got, 0x80);
    }
    return true;
}

/* Traffic of a second-stage entry: its address is what the second stage takes. */
static bool second_only(struct model_vtd *m, const struct vtd_access *want,
                        const struct vtd_pasid *pasid, struct vtd_tlb *e, struct vtd_outcome *got)
{
    struct vtd_second ask = {.want = want,
                             .address = want->address,
                             .access = want->access & (MODEL_READ | MODEL_WRITE)};

    if (!vtd_second(m, pasid, &ask, got)) {
        return false;
    }
    memset(e, 0, sizeof(*e));
    e->used = true;
    e->second = true;
    e->has_pasid = want->has_pasid;
    e->id = want->id;
    e->pasid = pasid->pasid;
    e->did = pasid->did;
    e->pgtt = VTD_PGTT_SECOND;
    e->size_log2 = ask.size_log2;
    e->va = want->address & ~vtd_ones(e->size_log2);
    e->root = pasid->word[0] & ~vtd_ones(12);
    e->from = ask.from;
    e->out = ask.out;
    e->access = ask.rights | (want->access & MODEL_PRIV);
    return true;
}

/* false: got->fault. */
bool vtd_table_walk(struct model_vtd *m, const struct vtd_access *want,
                    const struct vtd_pasid *pasid, struct vtd_tlb *leaf, struct vtd_outcome *got)
{
    struct walk w = {.want = want, .pasid = pasid};

    if (vtd_bits(pasid->word[0], 8, 6) == VTD_PGTT_SECOND) {
        return second_only(m, want, pasid, leaf, got);
    }
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
        if (!keep(m, &w, got)) {
            return false;
        }
    }
}
