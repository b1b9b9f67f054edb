/* SPDX-License-Identifier: BSD-2-Clause */
#include "model_smmuv3_internal.h"

#define L2_BITS 0x00FFFFFFFFFFFFC0u

static bool fail(struct smmu_outcome *got, uint32_t event, uint64_t fetch)
{
    got->event = event;
    got->fetch = fetch;
    return false;
}

/* An address beyond the output size: cut off, or the fetch fails; either is allowed. */
static bool within_oas(struct model_smmuv3 *m, uint64_t *at)
{
    uint64_t limit = smmu_ones(smmu_oas_bits(m));

    if ((*at & ~limit) == 0) {
        return true;
    }
    smmu_wrong(m, "smmuv3.walk.beyond-oas", "a structure lies beyond the output size", *at, limit);
    *at &= limit;
    return model_chance(m->world, 500);
}

/* ---- level-1 descriptors ---- */

/* Of a CD table if ste is given: at is an IPA then, if the stream has stage 2. */
static bool level1(struct model_smmuv3 *m, const struct smmu_ste *ste, uint32_t index,
                   uint32_t shift, uint64_t at, uint64_t *word, struct smmu_outcome *got)
{
    bool cd = ste != NULL;
    uint32_t sid = cd ? ste->sid : 0;
    struct smmu_l1 *place = NULL;
    unsigned i;

    for (i = 0; i < SMMU_L1S; i++) {
        struct smmu_l1 *l1 = &m->l1[i];

        if (l1->used && l1->cd == cd && l1->index == index && (!cd || l1->sid == sid)) {
            *word = l1->word;
            return true;
        }
        if (!l1->used) {
            place = l1;
        }
    }
    m->counts.config_fetches++;
    if (!smmu_stage2_fetch(m, ste, SMMU_CLASS_CD, MODEL_READ, &at, got)) {
        return false;
    }
    if (!model_bus_read64(m->world, at, word)) {
        return fail(got, cd ? SMMU_F_CD_FETCH : SMMU_F_STE_FETCH, at);
    }
    if (place == NULL) {
        place = &m->l1[model_choose(m->world, SMMU_L1S)];
    }
    *place = (struct smmu_l1){
        .used = true, .cd = cd, .sid = sid, .index = index, .shift = shift, .word = *word};
    return true;
}

static bool level1_ste(struct model_smmuv3 *m, uint32_t sid, uint32_t log2, uint64_t *at,
                       struct smmu_outcome *got)
{
    uint32_t written = smmu_bits(m->strtab_cfg, 5, 0);
    uint32_t split = smmu_bits(m->strtab_cfg, 10, 6);
    uint64_t base = m->strtab & L2_BITS;
    uint64_t word, where;
    uint32_t index, span;

    if (split != 8 && split != 10) {
        split = 6;
    }
    base &= ~smmu_ones(written > split + 3 ? written - split + 3 : 6);
    index = split >= log2 ? 0 : sid >> split;
    where = base + 8 * (uint64_t)index;
    if (!within_oas(m, &where)) {
        return fail(got, SMMU_F_STE_FETCH, where);
    }
    if (!level1(m, NULL, index, split, where, &word, got)) {
        return false;
    }
    span = smmu_bits(word, 4, 0);
    if (span == 0 || span > 11 || span - 1 > split ||
        (sid & (uint32_t)smmu_ones(split)) >= (uint32_t)1 << (span - 1)) {
        return fail(got, SMMU_C_BAD_STREAMID, 0);
    }
    if ((word & L2_BITS & smmu_ones(span + 5)) != 0) {
        smmu_wrong(m, "smmuv3.l1std.misaligned", "L2Ptr is not aligned to its table", word, sid);
    }
    if ((word & ~(L2_BITS | 0x1F)) != 0) {
        smmu_wrong(m, "smmuv3.l1std.reserved", "reserved bits in a level-1 descriptor", word, sid);
    }
    *at = (word & L2_BITS & ~smmu_ones(span + 5)) + 64 * (uint64_t)(sid & smmu_ones(split));
    return true;
}

/* Where the STE is; false: an event. */
bool smmu_ste_address(struct model_smmuv3 *m, uint32_t sid, uint64_t *at, struct smmu_outcome *got)
{
    uint32_t written = smmu_bits(m->strtab_cfg, 5, 0);
    uint32_t log2 = written < m->config.sid_bits ? written : m->config.sid_bits;

    if (sid > smmu_ones(log2)) {
        return fail(got, SMMU_C_BAD_STREAMID, 0);
    }
    if (m->config.st_level == 1 && smmu_bits(m->strtab_cfg, 17, 16) == 1) {
        if (!level1_ste(m, sid, log2, at, got)) {
            return false;
        }
    } else {
        *at = (m->strtab & L2_BITS & ~smmu_ones(written + 6)) + 64 * (uint64_t)sid;
    }
    if (!within_oas(m, at)) {
        return fail(got, SMMU_F_STE_FETCH, *at);
    }
    return true;
}

/* Where the CD is, stage 2 passed; false: an event. */
bool smmu_cd_address(struct model_smmuv3 *m, const struct smmu_ste *ste, uint32_t ssid,
                     uint64_t *at, struct smmu_outcome *got)
{
    uint32_t leaf = ste->s1fmt == 1 ? 6 : 10;
    uint64_t word, where;

    if (ste->s1cdmax == 0 || ste->s1fmt == 0 || ste->s1fmt == 3) {
        *at = (ste->s1ptr & ~smmu_ones(6 + ste->s1cdmax)) + 64 * (uint64_t)ssid;
        return smmu_stage2_fetch(m, ste, SMMU_CLASS_CD, MODEL_READ, at, got);
    }
    where = ste->s1ptr;
    if (ste->s1cdmax > leaf) {
        where &= ~smmu_ones(ste->s1cdmax - leaf + 3);
    }
    where += 8 * (uint64_t)(ssid >> leaf);
    if (!level1(m, ste, ssid >> leaf, leaf, where, &word, got)) {
        return false;
    }
    if ((word & ~(uint64_t)0x00FFFFFFFFFFF001u) != 0) {
        smmu_wrong(m, "smmuv3.l1cd.reserved", "reserved bits in a level-1 CD descriptor", word,
                   ste->sid);
    }
    *at = (word & 0x00FFFFFFFFFFF000u) + 64 * (ssid & smmu_ones(leaf));
    if (!smmu_bit(word, 0)) {
        return fail(got, SMMU_C_BAD_SUBSTREAMID, 0);
    }
    if ((*at & ~smmu_ones(smmu_oas_bits(m))) != 0 &&
        ((ste->config & 2) == 0 || model_chance(m->world, 500))) {
        return fail(got, SMMU_C_BAD_SUBSTREAMID, 0);
    }
    if (leaf == 10 && (word & 0xF000u) != 0) {
        smmu_wrong(m, "smmuv3.l1cd.misaligned", "a 64 KiB leaf of CDs is not aligned", word,
                   ste->sid);
    }
    return smmu_stage2_fetch(m, ste, SMMU_CLASS_CD, MODEL_READ, at, got);
}

/* ---- the entries themselves ---- */

/* Words in random order; those a slow fetch has read already are taken as it read them. */
static bool read_words(struct model_smmuv3 *m, uint64_t at, uint64_t word[8], uint32_t have)
{
    uint32_t start = model_choose(m->world, 8);
    uint32_t step = 1 + 2 * model_choose(m->world, 4);
    uint32_t i;

    m->counts.config_fetches++;
    for (i = 0; i < 8; i++) {
        uint32_t k = (start + i * step) & 7;

        if ((have >> k & 1) == 0 && !model_bus_read64(m->world, at + 8 * k, &word[k])) {
            return false;
        }
    }
    return true;
}

const struct smmu_ste *smmu_ste_find(const struct model_smmuv3 *m, uint32_t sid)
{
    unsigned i;

    for (i = 0; i < SMMU_STES; i++) {
        if (m->ste[i].used && m->ste[i].sid == sid) {
            return &m->ste[i];
        }
    }
    return NULL;
}

const struct smmu_cd *smmu_cd_find(const struct model_smmuv3 *m, uint32_t sid, uint32_t ssid)
{
    unsigned i;

    for (i = 0; i < SMMU_CDS; i++) {
        if (m->cd[i].used && m->cd[i].sid == sid && m->cd[i].ssid == ssid) {
            return &m->cd[i];
        }
    }
    return NULL;
}

/* A place for the entry of sid: its old one, a free one, or anybody's. */
struct smmu_ste *smmu_ste_place(struct model_smmuv3 *m, uint32_t sid)
{
    struct smmu_ste *place = &m->ste[model_choose(m->world, SMMU_STES)];
    unsigned i;

    for (i = 0; i < SMMU_STES; i++) {
        if (!m->ste[i].used) {
            place = &m->ste[i];
        }
    }
    for (i = 0; i < SMMU_STES; i++) {
        if (m->ste[i].used && m->ste[i].sid == sid) {
            place = &m->ste[i];
        }
    }
    memset(place, 0, sizeof(*place));
    place->sid = sid;
    return place;
}

struct smmu_cd *smmu_cd_place(struct model_smmuv3 *m, uint32_t sid, uint32_t ssid)
{
    struct smmu_cd *place = &m->cd[model_choose(m->world, SMMU_CDS)];
    unsigned i;

    for (i = 0; i < SMMU_CDS; i++) {
        if (!m->cd[i].used) {
            place = &m->cd[i];
        }
    }
    for (i = 0; i < SMMU_CDS; i++) {
        if (m->cd[i].used && m->cd[i].sid == sid && m->cd[i].ssid == ssid) {
            place = &m->cd[i];
        }
    }
    memset(place, 0, sizeof(*place));
    place->sid = sid;
    place->ssid = ssid;
    return place;
}

/* NULL: an event. An invalid STE is cached, and gives its event from there. */
const struct smmu_ste *smmu_ste_get(struct model_smmuv3 *m, uint32_t sid, struct smmu_outcome *got)
{
    const struct smmu_ste *found = smmu_ste_find(m, sid);
    uint64_t word[8] = {0, 0, 0, 0, 0, 0, 0, 0};
    struct smmu_ste *ste;
    uint32_t have;
    uint64_t at;

    if (found == NULL || model_chance(m->world, m->knobs.evict)) {
        if (!smmu_ste_address(m, sid, &at, got)) {
            return NULL;
        }
        have = smmu_slow_join(m, false, sid, 0, at, word);
        if (!read_words(m, at, word, have)) {
            fail(got, SMMU_F_STE_FETCH, at);
            return NULL;
        }
        ste = smmu_ste_place(m, sid);
        memcpy(ste->word, word, sizeof(word));
        smmu_ste_decode(m, ste);
        smmu_ste_check_style(m, ste);
        found = ste;
    }
    got->mev = found->mev;
    if (found->bad != 0) {
        fail(got, found->bad, 0);
        return NULL;
    }
    return found;
}

/* NULL: an event. ssid 0 for the only CD. */
const struct smmu_cd *smmu_cd_get(struct model_smmuv3 *m, const struct smmu_ste *ste, uint32_t ssid,
                                  struct smmu_outcome *got)
{
    const struct smmu_cd *found = smmu_cd_find(m, ste->sid, ssid);
    uint64_t word[8] = {0, 0, 0, 0, 0, 0, 0, 0};
    struct smmu_cd *cd;
    uint32_t have;
    uint64_t at;

    if (found == NULL || model_chance(m->world, m->knobs.evict)) {
        if (!smmu_cd_address(m, ste, ssid, &at, got)) {
            return NULL;
        }
        have = smmu_slow_join(m, true, ste->sid, ssid, at, word);
        if (!read_words(m, at, word, have)) {
            fail(got, SMMU_F_CD_FETCH, at);
            return NULL;
        }
        cd = smmu_cd_place(m, ste->sid, ssid);
        memcpy(cd->word, word, sizeof(word));
        smmu_cd_decode(m, ste, cd);
        found = cd;
    }
    if (found->bad != 0) {
        fail(got, found->bad, 0);
        return NULL;
    }
    return found;
}
