/* SPDX-License-Identifier: BSD-2-Clause */
#include "model_vtd_internal.h"

/* Remember what software or traffic named, as a place for spontaneous fetches. */
void vtd_see(struct model_vtd *m, uint32_t id, uint32_t pasid)
{
    uint32_t i;

    for (i = 0; i < m->seen_count; i++) {
        if (m->seen_id[i] == id && m->seen_pasid[i] == pasid) {
            return;
        }
    }
    i = m->seen_count;
    if (i == VTD_SEEN) {
        i = model_choose(m->world, VTD_SEEN);
    } else {
        m->seen_count++;
    }
    m->seen_id[i] = id;
    m->seen_pasid[i] = pasid;
}

static bool locate(struct model_vtd *m, uint32_t id, uint32_t pasid, uint64_t *at)
{
    struct vtd_access want = {.id = id, .access = MODEL_READ, .quiet = true};
    struct vtd_context context;
    struct vtd_outcome got;
    uint64_t word;

    memset(&got, 0, sizeof(got));
    if (!vtd_on(m, VTD_TES) || !vtd_walk_context(m, &want, &context, &got)) {
        return false;
    }
    if (pasid == MODEL_VTD_NONE) {
        pasid = vtd_rid_pasid(m, context.word);
    }
    if (pasid >> (vtd_bits(context.word[0], 11, 9) + 13) != 0 ||
        !vtd_read(m, (context.word[0] & ~vtd_ones(12)) + 8 * (uint64_t)(pasid >> 6), &word, 1,
                  m->config.coherent) ||
        (word & 1) == 0) {
        return false;
    }
    *at = (word & ~vtd_ones(12)) + 64 * (uint64_t)(pasid & 0x3F);
    return true;
}

void model_vtd_prefetch(struct model_vtd *m, uint32_t id, uint32_t pasid)
{
    struct vtd_access want = {.id = id, .access = MODEL_READ, .quiet = true};
    struct vtd_context context;
    struct vtd_pasid entry;
    struct vtd_outcome got;

    memset(&got, 0, sizeof(got));
    if (!vtd_on(m, VTD_TES) || !vtd_walk_context(m, &want, &context, &got)) {
        return;
    }
    want.has_pasid = pasid != MODEL_VTD_NONE && pasid != vtd_rid_pasid(m, context.word);
    want.pasid = want.has_pasid ? pasid : 0;
    m->counts.prefetches++;
    (void)vtd_walk(m, &want, &context, &entry, &got);
}

void vtd_prefetch_maybe(struct model_vtd *m)
{
    uint32_t i;

    if (m->seen_count > 0 && model_chance(m->world, m->knobs.prefetch)) {
        i = model_choose(m->world, m->seen_count);
        model_vtd_prefetch(m, m->seen_id[i], m->seen_pasid[i]);
    }
}

/*
 * The first 16 bytes were read at the start, the others are read now. The mixture must mean what
 * stood there then or what stands there now.
 */
static bool slow_end(struct model_vtd *m, struct vtd_slow *slow, uint64_t word[8])
{
    uint64_t now[8], mixed[8], a[8], b[8], c[8];

    slow->used = false;
    if (!vtd_read(m, slow->at, now, 8, m->config.coherent)) {
        return false;
    }
    memcpy(mixed, now, sizeof(mixed));
    mixed[0] = slow->start[0];
    mixed[1] = slow->start[1];
    vtd_pasid_used(slow->start, a);
    vtd_pasid_used(now, b);
    vtd_pasid_used(mixed, c);
    if (memcmp(c, a, sizeof(a)) != 0 && memcmp(c, b, sizeof(b)) != 0) {
        vtd_wrong(m, "vtd.pasid.torn", "an entry changed in a way that hardware can see half of",
                  slow->id, slow->pasid);
    }
    memcpy(word, mixed, sizeof(mixed));
    return true;
}

/* Traffic meets an entry that is just being read. */
bool vtd_slow_join(struct model_vtd *m, uint32_t id, uint32_t pasid, uint64_t at, uint64_t word[8])
{
    uint32_t i;

    for (i = 0; i < VTD_SLOWS; i++) {
        struct vtd_slow *slow = &m->slow[i];

        if (slow->used && slow->id == id && slow->pasid == pasid && slow->at == at) {
            return slow_end(m, slow, word);
        }
    }
    return false;
}

static void slow_work(void *arg, uint64_t token)
{
    struct model_vtd *m = arg;
    struct vtd_slow *slow = &m->slow[token & (VTD_SLOWS - 1)];

    if (slow->used && slow->generation == (uint32_t)(token >> 32)) {
        model_vtd_prefetch(m, slow->id, slow->pasid);
        slow->used = false;
    }
}

void model_vtd_prefetch_slowly(struct model_vtd *m, uint32_t id, uint32_t pasid)
{
    struct vtd_slow *slow = NULL;
    uint64_t at;
    uint32_t i;

    for (i = 0; i < VTD_SLOWS && slow == NULL; i++) {
        if (!m->slow[i].used) {
            slow = &m->slow[i];
        }
    }
    if (slow == NULL || pasid == MODEL_VTD_NONE || vtd_pasid_find(m, id, pasid) != NULL ||
        !locate(m, id, pasid, &at) || !vtd_read(m, at, slow->start, 8, m->config.coherent) ||
        !vtd_bit(slow->start[0], 0)) {
        return;
    }
    slow->used = true;
    slow->id = id;
    slow->pasid = pasid;
    slow->at = at;
    slow->generation++;
    vtd_later(m, vtd_lag(m, m->knobs.entry_lag_ns), slow_work,
              (uint64_t)slow->generation << 32 | (uint64_t)(slow - m->slow));
}

/* An invalidation covers a fetch that is under way. */
void vtd_slow_forget(struct model_vtd *m, uint32_t id, uint32_t pasid, bool all)
{
    uint32_t i;

    for (i = 0; i < VTD_SLOWS; i++) {
        if (all || (m->slow[i].id == id && m->slow[i].pasid == pasid)) {
            m->slow[i].used = false;
        }
    }
}

static bool second(const struct vtd_pasid *e)
{
    uint32_t pgtt = vtd_bits(e->word[0], 8, 6);

    return pgtt == VTD_PGTT_SECOND || pgtt == VTD_PGTT_NESTED;
}

static bool first(const struct vtd_pasid *e)
{
    uint32_t pgtt = vtd_bits(e->word[0], 8, 6);

    return pgtt == VTD_PGTT_FIRST || pgtt == VTD_PGTT_NESTED;
}

/* Whoever uses the same tables uses them in the same way, whatever the DID. */
static void check_flags(struct model_vtd *m, const struct vtd_pasid *entry)
{
    uint64_t low = ~vtd_ones(12);
    uint32_t i;

    for (i = 0; i < VTD_PASIDS; i++) {
        const struct vtd_pasid *e = &m->pasid[i];
        bool both = e->used && !e->faulty && first(e) && first(entry) &&
                    second(e) == second(entry) && ((e->word[2] ^ entry->word[2]) & low) == 0;
        bool under = e->used && !e->faulty && second(e) && second(entry) &&
                     ((e->word[0] ^ entry->word[0]) & low) == 0;

        if ((under && vtd_bit(e->word[0] ^ entry->word[0], 9)) ||
            (both && (under || !second(e)) && ((e->word[2] ^ entry->word[2]) & 0x8C) != 0)) {
            vtd_wrong(m, "vtd.did.flags-differ",
                      "two entries with the same tables differ in SSADE, FSPM or EAFE", entry->did,
                      entry->pasid);
            return;
        }
    }
}

/* Translations of this entry's predecessor are still there. */
static void check_refill(struct model_vtd *m, const struct vtd_pasid *entry)
{
    uint32_t pgtt = vtd_bits(entry->word[0], 8, 6);
    uint64_t low = ~vtd_ones(12);
    uint32_t i;

    for (i = 0; i < VTD_TLBS; i++) {
        const struct vtd_tlb *e = &m->tlb[i];

        if (!e->used || e->id != entry->id || e->pasid != entry->pasid ||
            e->pgtt == VTD_PGTT_PASS) {
            continue;
        }
        if (e->root != (entry->word[e->second ? 0 : 2] & low) ||
            (e->second ? pgtt == VTD_PGTT_FIRST : pgtt != e->pgtt) ||
            (e->pgtt == VTD_PGTT_NESTED && e->under != (entry->word[0] & low))) {
            vtd_wrong(m, "vtd.cache.translations-left",
                      "a PASID entry is new and translations of its predecessor are cached",
                      entry->id, entry->pasid);
            return;
        }
    }
}

/* What entries that are tagged alike must have in common. */
void vtd_check_dids(struct model_vtd *m, const struct vtd_pasid *entry)
{
    uint32_t i;

    if (m->config.cm && entry->did == 0) {
        vtd_wrong(m, "vtd.did.zero", "DID 0 is in use and faulting entries are cached", entry->id,
                  entry->pasid);
    }
    if (m->knobs.strict_stale) {
        check_refill(m, entry);
    }
    check_flags(m, entry);
    for (i = 0; i < VTD_PASIDS; i++) {
        const struct vtd_pasid *e = &m->pasid[i];

        if (!e->used || e->faulty || e->did != entry->did) {
            continue;
        }
        if (second(e) != second(entry)) {
            vtd_wrong(m, "vtd.did.stages-mixed",
                      "one DID tags first-stage and second-stage entries", entry->did,
                      entry->pasid);
            return;
        }
        if (second(entry) && ((e->word[0] ^ entry->word[0]) & (~vtd_ones(12) | 0x1C)) != 0) {
            vtd_wrong(m, "vtd.did.tables-differ", "one DID tags two second-stage tables",
                      entry->did, entry->pasid);
            return;
        }
        if (e->pasid == entry->pasid && ((e->word[0] ^ entry->word[0]) & 0x1C0) != 0) {
            vtd_wrong(m, "vtd.did.types-differ", "one DID and PASID tag different types",
                      entry->did, entry->pasid);
            return;
        }
        if (e->pasid == entry->pasid && first(entry) &&
            ((e->word[2] ^ entry->word[2]) & (~vtd_ones(12) | 0xC)) != 0) {
            vtd_wrong(m, "vtd.did.roots-differ", "one DID and PASID tag two page tables",
                      entry->did, entry->pasid);
            return;
        }
    }
}
