/* SPDX-License-Identifier: BSD-2-Clause */
#include "model_vtd_internal.h"

static bool fail(struct vtd_outcome *got, uint32_t reason)
{
    got->fault = reason;
    return false;
}

const struct vtd_context *vtd_context_find(const struct model_vtd *m, uint32_t id)
{
    uint32_t i;

    for (i = 0; i < VTD_CONTEXTS; i++) {
        if (m->context[i].used && m->context[i].id == id) {
            return &m->context[i];
        }
    }
    return NULL;
}

const struct vtd_pasid *vtd_pasid_find(const struct model_vtd *m, uint32_t id, uint32_t pasid)
{
    uint32_t i;

    for (i = 0; i < VTD_PASIDS; i++) {
        if (m->pasid[i].used && m->pasid[i].id == id && m->pasid[i].pasid == pasid) {
            return &m->pasid[i];
        }
    }
    return NULL;
}

static void context_keep(struct model_vtd *m, const struct vtd_context *entry)
{
    uint32_t i;

    for (i = 0; i < VTD_CONTEXTS && m->context[i].used; i++) {
    }
    if (i == VTD_CONTEXTS) {
        i = model_choose(m->world, VTD_CONTEXTS);
    }
    m->context[i] = *entry;
    m->context[i].used = true;
}

static void pasid_keep(struct model_vtd *m, const struct vtd_pasid *entry)
{
    uint32_t i;

    for (i = 0; i < VTD_PASIDS && m->pasid[i].used; i++) {
    }
    if (i == VTD_PASIDS) {
        i = model_choose(m->world, VTD_PASIDS);
    }
    m->pasid[i] = *entry;
    m->pasid[i].used = true;
}

static bool directory(struct model_vtd *m, const struct vtd_context *context, uint32_t pasid,
                      uint64_t *at, struct vtd_outcome *got)
{
    uint64_t table = (context->word[0] & ~vtd_ones(12)) + 8 * (uint64_t)(pasid >> 6);
    uint64_t word;

    if (!vtd_read(m, table, &word, 1, m->config.coherent)) {
        return fail(got, 0x50);
    }
    got->fpd = got->fpd || vtd_bit(word, 1);
    if (!vtd_bit(word, 0)) {
        return fail(got, 0x51);
    }
    if ((word & (0xFFCu | ~vtd_ones(m->config.haw))) != 0) {
        return fail(got, 0x52);
    }
    *at = (word & ~vtd_ones(12)) + 64 * (uint64_t)(pasid & 0x3F);
    return true;
}

/* Does traffic without PASID have an entry at this moment? */
static bool rid_present(struct model_vtd *m, const struct vtd_context *context)
{
    struct vtd_outcome quiet;
    uint64_t at, word;

    memset(&quiet, 0, sizeof(quiet));
    return directory(m, context, vtd_rid_pasid(m, context->word), &at, &quiet) &&
           vtd_read(m, at, &word, 1, m->config.coherent) && vtd_bit(word, 0);
}

static bool fetch_context(struct model_vtd *m, uint32_t id, struct vtd_context *entry,
                          struct vtd_outcome *got)
{
    uint64_t root = (m->root & ~vtd_ones(12)) + 16 * (uint64_t)(id >> 8 & 0xFF);
    uint64_t half;

    m->counts.config_fetches++;
    if (!vtd_read(m, root + ((id & 0x80u) != 0 ? 8u : 0u), &half, 1, m->config.coherent)) {
        return fail(got, 0x38);
    }
    if (!vtd_bit(half, 0)) {
        return fail(got, 0x39);
    }
    if ((half & (0xFFEu | ~vtd_ones(m->config.haw))) != 0) {
        return fail(got, 0x3A);
    }
    memset(entry, 0, sizeof(*entry));
    entry->id = id;
    entry->from = (half & ~vtd_ones(12)) + 32 * (uint64_t)(id & 0x7F);
    if (!vtd_read(m, entry->from, entry->word, 4, m->config.coherent)) {
        return fail(got, 0x40);
    }
    return true;
}

static bool check_context(struct model_vtd *m, const struct vtd_access *want,
                          const struct vtd_context *entry, struct vtd_outcome *got)
{
    uint32_t bad;

    got->fpd = vtd_bit(entry->word[0], 1);
    if (!vtd_bit(entry->word[0], 0)) {
        return fail(got, 0x41);
    }
    bad = vtd_context_bad(m, entry->word);
    if (bad != 0) {
        return fail(got, bad);
    }
    if ((want->at == 1 || want->at == 2) && !vtd_bit(entry->word[0], 2)) {
        return fail(got, 0x44);
    }
    if (want->at != 2 && want->has_pasid && !vtd_bit(entry->word[0], 3)) {
        return fail(got, 0x45);
    }
    if (want->at == 3 && !vtd_bit(entry->word[0], 4)) {
        return fail(got, 0x47);
    }
    return true;
}

bool vtd_walk_context(struct model_vtd *m, const struct vtd_access *want, struct vtd_context *entry,
                      struct vtd_outcome *got)
{
    const struct vtd_context *cached = vtd_context_find(m, want->id);
    bool good;

    if (vtd_ttm(m) == VTD_TTM_ABORT && m->config.adms) {
        return fail(got, 0x33);
    }
    if (vtd_ttm(m) != VTD_TTM_SCALABLE) {
        return fail(got, vtd_ttm(m) != 0 ? 0x30 : want->at == 3 ? 0x32 : 0x31);
    }
    if (cached != NULL && model_chance(m->world, m->knobs.evict)) {
        m->context[cached - m->context].used = false;
        cached = NULL;
    }
    if (cached != NULL) {
        *entry = *cached;
        return check_context(m, want, entry, got);
    }
    if (!fetch_context(m, want->id, entry, got)) {
        return false;
    }
    good = vtd_bit(entry->word[0], 0) && vtd_context_bad(m, entry->word) == 0;
    entry->rid_present = good && m->knobs.rid_with_context && rid_present(m, entry);
    if (good || m->config.cm) {
        context_keep(m, entry);
    }
    return check_context(m, want, entry, got);
}

static bool check_pasid(struct model_vtd *m, const struct vtd_access *want,
                        const struct vtd_pasid *entry, struct vtd_outcome *got)
{
    uint32_t bad;

    got->fpd = got->fpd || vtd_bit(entry->word[0], 1);
    if (!vtd_bit(entry->word[0], 0)) {
        return fail(got, 0x59);
    }
    bad = vtd_pasid_bad(m, entry->word);
    if (bad != 0) {
        return fail(got, bad);
    }
    got->pgtt = vtd_bits(entry->word[0], 8, 6);
    if (want->at < 2 && want->has_pasid && (want->access & MODEL_EXEC) != 0) {
        return fail(got, 0x5C);
    }
    if (want->at < 2 && want->has_pasid && (want->access & MODEL_PRIV) != 0 &&
        !vtd_bit(entry->word[2], 0)) {
        return fail(got, 0x5D);
    }
    return true;
}

/* Memory says something else and software goes on as if hardware knew. */
static void check_stale(struct model_vtd *m, const struct vtd_pasid *entry)
{
    uint64_t now[8], was[8], used[8];
    uint32_t i;

    if (!m->knobs.strict_stale || entry->faulty || vtd_peek(m, entry->from, 64) == NULL) {
        return;
    }
    for (i = 0; i < 8; i++) {
        now[i] = vtd_peek64(m, entry->from + 8 * (uint64_t)i);
    }
    vtd_pasid_used(now, used);
    vtd_pasid_used(entry->word, was);
    if (vtd_bit(now[0], 0) && memcmp(used, was, sizeof(used)) != 0) {
        vtd_wrong(m, "vtd.cache.stale-pasid",
                  "a cached PASID entry is used and memory holds another one", entry->id,
                  entry->pasid);
    }
}

static bool get_pasid(struct model_vtd *m, const struct vtd_access *want,
                      const struct vtd_context *context, uint32_t pasid, struct vtd_pasid *entry,
                      struct vtd_outcome *got)
{
    const struct vtd_pasid *cached = vtd_pasid_find(m, want->id, pasid);
    bool good;

    if (cached != NULL && model_chance(m->world, m->knobs.evict)) {
        m->pasid[cached - m->pasid].used = false;
        cached = NULL;
    }
    if (cached != NULL) {
        *entry = *cached;
        check_stale(m, entry);
        return check_pasid(m, want, entry, got);
    }
    memset(entry, 0, sizeof(*entry));
    if (!directory(m, context, pasid, &entry->from, got)) {
        return false;
    }
    m->counts.config_fetches++;
    if (!vtd_slow_join(m, want->id, pasid, entry->from, entry->word) &&
        !vtd_read(m, entry->from, entry->word, 8, m->config.coherent)) {
        return fail(got, 0x58);
    }
    if (!want->has_pasid && context->rid_present) {
        entry->word[0] |= 1;
    }
    entry->id = want->id;
    entry->pasid = pasid;
    entry->did = vtd_bits(entry->word[1], 15, 0);
    good = vtd_bit(entry->word[0], 0) && vtd_pasid_bad(m, entry->word) == 0;
    if (good) {
        vtd_check_dids(m, entry);
    }
    entry->faulty = !good;
    if (good || m->config.cm) {
        pasid_keep(m, entry);
    }
    return check_pasid(m, want, entry, got);
}

/* Down to the PASID entry. false: got->fault says why not. */
bool vtd_walk(struct model_vtd *m, const struct vtd_access *want, struct vtd_context *context,
              struct vtd_pasid *entry, struct vtd_outcome *got)
{
    uint32_t pasid, rid_pasid;

    if (!vtd_walk_context(m, want, context, got)) {
        return false;
    }
    rid_pasid = vtd_rid_pasid(m, context->word);
    pasid = want->has_pasid ? want->pasid : rid_pasid;
    vtd_see(m, want->id, pasid);
    if (want->has_pasid && want->at != 3 && pasid >> m->config.pss != 0) {
        return fail(got, 0x89);
    }
    if (pasid >> (vtd_bits(context->word[0], 11, 9) + 13) != 0) {
        return fail(got, 0x46);
    }
    if (want->has_pasid && pasid == rid_pasid) {
        return fail(got, 0x48);
    }
    return get_pasid(m, want, context, pasid, entry, got);
}
