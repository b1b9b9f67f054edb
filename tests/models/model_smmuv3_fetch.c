/* SPDX-License-Identifier: BSD-2-Clause */
#include "model_smmuv3_internal.h"

/* ---- torn reads ---- */

static bool same(const uint64_t a[8], const uint64_t b[8])
{
    return memcmp(a, b, 8 * sizeof(uint64_t)) == 0;
}

static void used_bits(bool cd, const uint64_t word[8], uint64_t used[8])
{
    uint64_t mask[8];
    unsigned i;

    if (cd) {
        smmu_cd_used(word, mask);
    } else {
        smmu_ste_used(word, mask);
    }
    for (i = 0; i < 8; i++) {
        used[i] = word[i] & mask[i];
    }
}

/*
 * Hardware reads eight words in any order while software writes them. Whatever it gets must mean
 * what stood there before or what stands there now, nothing third.
 */
static void check_torn(struct model_smmuv3 *m, const struct smmu_slow *slow, const uint64_t now[8])
{
    uint64_t was_used[8], now_used[8], mixed[8], mixed_used[8];
    unsigned i, k;

    used_bits(slow->cd, slow->start, was_used);
    used_bits(slow->cd, now, now_used);
    for (i = 0; i < 16; i++) {
        const uint64_t *most = i < 8 ? slow->start : now;
        const uint64_t *one = i < 8 ? now : slow->start;

        if (slow->start[i & 7] == now[i & 7]) {
            continue;
        }
        for (k = 0; k < 8; k++) {
            mixed[k] = k == (i & 7) ? one[k] : most[k];
        }
        used_bits(slow->cd, mixed, mixed_used);
        if (!same(mixed_used, was_used) && !same(mixed_used, now_used)) {
            smmu_wrong(m, slow->cd ? "smmuv3.cd.torn" : "smmuv3.ste.torn",
                       "an entry changed in a way that hardware can see half of",
                       (uint64_t)slow->sid << 32 | slow->ssid, i & 7);
            return;
        }
    }
}

static bool read_all(struct model_smmuv3 *m, uint64_t at, uint64_t word[8])
{
    unsigned i;

    for (i = 0; i < 8; i++) {
        if (!model_bus_read64(m->world, at + 8 * i, &word[i])) {
            return false;
        }
    }
    return true;
}

/*
 * Traffic meets an entry that is just being read: it shares what was read so far. The mask of
 * words that are there already; 0: nothing is under way.
 */
uint32_t smmu_slow_join(struct model_smmuv3 *m, bool cd, uint32_t sid, uint32_t ssid, uint64_t at,
                        uint64_t word[8])
{
    uint64_t now[8];
    unsigned i, k;

    for (i = 0; i < SMMU_SLOWS; i++) {
        struct smmu_slow *slow = &m->slow[i];

        if (!slow->used || slow->cd != cd || slow->sid != sid || (cd && slow->ssid != ssid) ||
            slow->address != at) {
            continue;
        }
        slow->used = false;
        if (!read_all(m, at, now)) {
            return 0;
        }
        check_torn(m, slow, now);
        for (k = 0; k < 8; k++) {
            word[k] = slow->start[k];
        }
        return slow->mask;
    }
    return 0;
}

static void slow_work(void *arg, uint64_t token)
{
    struct model_smmuv3 *m = arg;
    struct smmu_slow *slow = &m->slow[token & (SMMU_SLOWS - 1)];
    struct smmu_outcome got;
    struct smmu_ste ste;

    if (!slow->used || slow->generation != (uint32_t)(token >> 32)) {
        return;
    }
    if (!smmu_enabled(m, SMMU_SMMUEN)) {
        slow->used = false;
        return;
    }
    memset(&got, 0, sizeof(got));
    ste = slow->ste;
    if (slow->cd) {
        if (smmu_cd_find(m, slow->sid, slow->ssid) == NULL) {
            smmu_cd_get(m, &ste, slow->ssid, &got);
        }
    } else if (smmu_ste_find(m, slow->sid) == NULL) {
        smmu_ste_get(m, slow->sid, &got);
    }
    slow->used = false;
}

static void slow_start(struct model_smmuv3 *m, bool cd, const struct smmu_ste *ste, uint32_t sid,
                       uint32_t ssid)
{
    struct smmu_outcome got;
    struct smmu_slow *slow = NULL;
    uint64_t at;
    uint32_t i;

    memset(&got, 0, sizeof(got));
    for (i = 0; i < SMMU_SLOWS && slow == NULL; i++) {
        if (!m->slow[i].used) {
            slow = &m->slow[i];
        }
    }
    if (slow == NULL ||
        (cd ? !smmu_cd_address(m, ste, ssid, &at, &got) : !smmu_ste_address(m, sid, &at, &got))) {
        return;
    }
    if (!read_all(m, at, slow->start)) {
        return;
    }
    slow->used = true;
    slow->cd = cd;
    slow->sid = sid;
    slow->ssid = ssid;
    slow->address = at;
    slow->generation++;
    slow->mask = (uint32_t)model_random(m->world) & 0xFF;
    if (ste != NULL) {
        slow->ste = *ste;
    }
    smmu_later(m, smmu_lag(m, m->knobs.fetch_lag_ns), slow_work,
               (uint64_t)slow->generation << 32 | (uint64_t)(slow - m->slow));
}

/* The SSID under which traffic would look for a CD; false: it would not. */
static bool cd_wanted(const struct smmu_ste *ste, uint32_t ssid, uint32_t *index)
{
    if ((ste->config & 5) != 5) {
        return false;
    }
    if (ssid != MODEL_SMMUV3_NONE) {
        *index = ssid;
        return ste->s1cdmax > 0 && ssid <= smmu_ones(ste->s1cdmax);
    }
    *index = 0;
    return ste->s1cdmax == 0 || ste->s1dss == 2;
}

static void prefetch(struct model_smmuv3 *m, uint32_t sid, uint32_t ssid, bool slowly)
{
    const struct smmu_ste *ste;
    struct smmu_outcome got;
    uint32_t index;

    if (!smmu_enabled(m, SMMU_SMMUEN) || m->sfm) {
        return;
    }
    m->counts.prefetches++;
    memset(&got, 0, sizeof(got));
    if (slowly && smmu_ste_find(m, sid) == NULL) {
        slow_start(m, false, NULL, sid, 0);
        return;
    }
    ste = smmu_ste_get(m, sid, &got);
    if (ste == NULL || !cd_wanted(ste, ssid, &index)) {
        return;
    }
    if (!slowly) {
        smmu_cd_get(m, ste, index, &got);
    } else if (smmu_cd_find(m, sid, index) == NULL) {
        slow_start(m, true, ste, sid, index);
    }
}

void model_smmuv3_prefetch(struct model_smmuv3 *m, uint32_t sid, uint32_t ssid)
{
    prefetch(m, sid, ssid, false);
}

void model_smmuv3_prefetch_slowly(struct model_smmuv3 *m, uint32_t sid, uint32_t ssid)
{
    prefetch(m, sid, ssid, true);
}

void smmu_prefetch_maybe(struct model_smmuv3 *m)
{
    uint32_t i;

    if (m->seen_count == 0 || !model_chance(m->world, m->knobs.prefetch)) {
        return;
    }
    i = model_choose(m->world, m->seen_count);
    prefetch(m, m->seen_sid[i], m->seen_ssid[i], model_chance(m->world, 500));
}
