/* SPDX-License-Identifier: BSD-2-Clause */
#include "model_vtd_internal.h"

/*
 * The second stage: from a guest's address (or one of its own) to memory. It is asked for traffic
 * of second-stage entries, and under nested entries for each first-stage table and for what the
 * first stage puts out.
 */

#define READABLE 0u
#define LARGE    7u
#define ACCESSED 8u
#define DIRTY    9u
#define SNOOPED  11u

struct walk {
    const struct vtd_second *ask;
    const struct vtd_pasid *pasid;
    bool snoop, flags;
    uint32_t level, levels;
    uint64_t table, at, entry;
    uint32_t rights;
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

/* How many bits of address the second stage of this entry takes. */
uint32_t vtd_second_bits(const struct model_vtd *m, const uint64_t word[8])
{
    uint32_t bits = 12 + 9 * (vtd_bits(word[0], 4, 2) + 2);

    return bits < m->config.mgaw ? bits : m->config.mgaw;
}

static void use_walk_cache(const struct model_vtd *m, struct walk *w)
{
    const struct vtd_tlb *best = NULL;
    uint32_t i;

    for (i = 0; i < VTD_TLBS; i++) {
        const struct vtd_tlb *e = &m->tlb[i];

        if (e->used && e->table && e->second && e->did == w->pasid->did && e->level <= w->levels &&
            e->va == (w->ask->address & ~vtd_ones(e->size_log2)) &&
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

static void keep(struct model_vtd *m, const struct walk *w)
{
    struct vtd_tlb *e;

    if (!model_chance(m->world, m->knobs.walk_cache)) {
        return;
    }
    e = vtd_tlb_place(m);
    memset(e, 0, sizeof(*e));
    e->used = true;
    e->table = true;
    e->second = true;
    e->has_pasid = w->ask->want->has_pasid;
    e->id = w->ask->want->id;
    e->pasid = w->pasid->pasid;
    e->did = w->pasid->did;
    e->pgtt = VTD_PGTT_SECOND;
    e->level = w->level;
    e->size_log2 = shift_of(w->level);
    e->va = w->ask->address & ~vtd_ones(e->size_log2);
    e->root = w->pasid->word[0] & ~vtd_ones(12);
    e->from = w->at;
    e->out = w->table;
    e->access = w->rights;
}

static bool reserved(const struct model_vtd *m, const struct walk *w)
{
    uint64_t mask = (vtd_ones(52) & ~vtd_ones(m->config.haw)) | (uint64_t)1 << 62;
    bool large = w->level > 1 && vtd_bit(w->entry, LARGE);

    if (large) {
        if (w->level > 3 || !vtd_bit(m->config.sslps, w->level - 2)) {
            return true;
        }
        mask |= vtd_ones(shift_of(w->level)) & ~vtd_ones(12);
    }
    mask |= (w->level == 1 || large) && m->config.sc ? 0 : (uint64_t)1 << SNOOPED;
    return (w->entry & mask) != 0;
}

static bool step(struct model_vtd *m, struct walk *w, struct vtd_outcome *got)
{
    uint32_t index = (uint32_t)(w->ask->address >> shift_of(w->level)) & 0x1FF;

    w->at = w->table + 8 * (uint64_t)index;
    if (!vtd_read(m, w->at, &w->entry, 1, w->snoop)) {
        return fail(got, w->level == w->levels ? 0x7B : 0x78);
    }
    if ((w->entry & 3) == 0) {
        return fail(got, 0x79);
    }
    if (reserved(m, w)) {
        return fail(got, 0x7A);
    }
    w->rights &= (uint32_t)(w->entry & 3);
    return true;
}

static bool set_flags(struct model_vtd *m, struct walk *w, bool dirty, struct vtd_outcome *got)
{
    uint64_t bits = (uint64_t)1 << ACCESSED | (dirty ? (uint64_t)1 << DIRTY : 0);

    if (!w->flags || (w->entry & bits) == bits) {
        return true;
    }
    if (!w->snoop) {
        return fail(got, 0x7C);
    }
    w->entry |= bits;
    return vtd_write_words(m, w->at, &w->entry, 1) || fail(got, 0x7D);
}

static bool leaf(struct model_vtd *m, struct walk *w, struct vtd_second *ask,
                 struct vtd_outcome *got)
{
    bool write = (ask->access & MODEL_WRITE) != 0;

    if (w->rights == 0) {
        return fail(got, 0x79);
    }
    if (write && (w->rights & MODEL_WRITE) == 0) {
        return fail(got, ask->blocked != 0 ? ask->blocked : 0x85);
    }
    if ((ask->access & MODEL_READ) != 0 && (w->rights & MODEL_READ) == 0) {
        return fail(got, ask->blocked != 0 ? ask->blocked : 0x86);
    }
    if (!set_flags(m, w, write, got)) {
        return false;
    }
    ask->rights = w->rights;
    if (w->flags && !vtd_bit(w->entry, DIRTY)) {
        ask->rights &= ~MODEL_WRITE;
    }
    ask->size_log2 = shift_of(w->level);
    ask->out = w->entry & vtd_ones(52) & ~vtd_ones(ask->size_log2);
    ask->from = w->at;
    return true;
}

/* ask: address and access in, the rest out. false: got->fault. */
bool vtd_second(struct model_vtd *m, const struct vtd_pasid *pasid, struct vtd_second *ask,
                struct vtd_outcome *got)
{
    struct walk w = {.ask = ask, .pasid = pasid, .rights = MODEL_READ | MODEL_WRITE};

    if ((ask->address & ~vtd_ones(vtd_second_bits(m, pasid->word))) != 0) {
        return fail(got, 0x84);
    }
    w.levels = vtd_bits(pasid->word[0], 4, 2) + 2;
    w.level = w.levels;
    w.table = pasid->word[0] & ~vtd_ones(12);
    w.flags = vtd_bit(pasid->word[0], 9);
    w.snoop = m->config.smpwcs && vtd_bit(pasid->word[1], 23);
    use_walk_cache(m, &w);
    for (;; w.level--) {
        if (!step(m, &w, got)) {
            return false;
        }
        if (w.level == 1 || vtd_bit(w.entry, LARGE)) {
            return leaf(m, &w, ask, got);
        }
        if (!set_flags(m, &w, false, got)) {
            return false;
        }
        w.table = w.entry & vtd_ones(52) & ~vtd_ones(12);
        keep(m, &w);
    }
}

/* As the walk would go, without its side effects. false: it would fault. */
bool vtd_second_peek(const struct model_vtd *m, const uint64_t word[8], uint64_t address,
                     uint64_t *out)
{
    uint32_t level = vtd_bits(word[0], 4, 2) + 2;
    uint64_t table = word[0] & ~vtd_ones(12);

    if ((address & ~vtd_ones(vtd_second_bits(m, word))) != 0) {
        return false;
    }
    for (;; level--) {
        uint64_t entry = vtd_peek64(m, table + 8 * (address >> shift_of(level) & 0x1FF));

        if (!vtd_bit(entry, READABLE)) {
            return false;
        }
        if (level == 1 || vtd_bit(entry, LARGE)) {
            *out = (entry & vtd_ones(52) & ~vtd_ones(shift_of(level))) |
                   (address & vtd_ones(shift_of(level)));
            return true;
        }
        table = entry & vtd_ones(52) & ~vtd_ones(12);
    }
}
