/* SPDX-License-Identifier: BSD-2-Clause */
#include "model_amd_internal.h"

const struct amd_dte *amd_dte_find(const struct model_amd *m, uint32_t id)
{
    unsigned i;

    for (i = 0; i < AMD_DTES; i++) {
        if (m->dte[i].used && m->dte[i].id == id) {
            return &m->dte[i];
        }
    }
    return NULL;
}

static struct amd_dte *place(struct model_amd *m, uint32_t id)
{
    struct amd_dte *dte = &m->dte[model_choose(m->world, AMD_DTES)];
    unsigned i;

    for (i = 0; i < AMD_DTES; i++) {
        if (!m->dte[i].used) {
            dte = &m->dte[i];
        }
    }
    for (i = 0; i < AMD_DTES; i++) {
        if (m->dte[i].used && m->dte[i].id == id) {
            dte = &m->dte[i];
        }
    }
    memset(dte, 0, sizeof(*dte));
    dte->used = true;
    dte->id = id;
    return dte;
}

static void split(struct amd_dte *d)
{
    uint64_t q0 = d->word[0];
    uint64_t q1 = d->word[1];

    d->v = amd_bit(q0, 0);
    d->tv = amd_bit(q0, 1);
    d->mode = amd_bits(q0, 11, 9);
    d->root = q0 & AMD_ADDRESS;
    d->ppr = amd_bit(q0, 52);
    d->gprp = amd_bit(q0, 53);
    d->giov = amd_bit(q0, 54);
    d->gv = amd_bit(q0, 55);
    d->glx = amd_bits(q0, 57, 56);
    d->ir = amd_bit(q0, 61);
    d->iw = amd_bit(q0, 62);
    d->domain = amd_bits(q1, 15, 0);
    d->i = amd_bit(q1, 32);
    d->se = amd_bit(q1, 33);
    d->sa = amd_bit(q1, 34);
    d->gcr3 = (uint64_t)amd_bits(q0, 60, 58) << 12 | (uint64_t)amd_bits(q1, 31, 16) << 15 |
              (uint64_t)amd_bits(q1, 63, 43) << 31;
    d->levels = amd_bits(d->word[2], 55, 54) == 1 ? 5 : 4;
}

static bool reserved_bits(const struct model_amd *m, const struct amd_dte *d)
{
    const struct model_amd_config *c = &m->config;
    uint64_t mask0 = UINT64_C(0x800000000000007C);
    uint64_t mask1 = c->sats ? 0 : amd_one(42);
    uint32_t had = amd_bits(d->word[0], 8, 7);

    mask0 |= c->ha ? 0 : amd_one(7);
    mask0 |= c->hd ? 0 : amd_one(8);
    mask0 |= c->eph ? 0 : amd_one(52) | amd_one(53);
    mask0 |= c->gio ? 0 : amd_one(54);
    mask0 |= c->gt ? 0 : UINT64_C(0x1FC0000000000000);
    return (d->word[0] & mask0) != 0 || (d->word[1] & mask1) != 0 || had == 2;
}

static const char *illegal(const struct model_amd *m, const struct amd_dte *d)
{
    static const uint32_t levels[4] = {4, 5, 6, 0};
    uint32_t paging = amd_bits(d->word[2], 55, 54);

    if (d->tv && (d->mode == 7 || d->mode > levels[m->config.hats & 3])) {
        return "amd.dte.mode";
    }
    if (d->gv && (d->glx == 3 || (m->config.glx != 0 && d->glx > m->config.glx))) {
        return "amd.dte.glx";
    }
    if (d->gv && (paging > 1 || paging > m->config.gats)) {
        return "amd.dte.paging-mode";
    }
    if (m->config.snp && d->tv && d->mode == 0 && !d->gv) {
        return "amd.dte.mode-with-snp";
    }
    return NULL;
}

void amd_dte_decode(struct model_amd *m, struct amd_dte *d)
{
    const char *rule;

    split(d);
    if (!d->v) {
        return;
    }
    d->reserved = reserved_bits(m, d);
    rule = d->reserved ? "amd.dte.reserved" : illegal(m, d);
    if (rule != NULL) {
        d->bad = true;
        amd_wrong(m, rule, "an illegal device table entry", d->id, d->word[0]);
        return;
    }
    if (m->config.glx == 0) {
        d->glx = 0;
    }
    if (d->tv && d->gv && !amd_control(m, AMD_GT_EN)) {
        amd_wrong(m, "amd.dte.gv-without-gten", "GV = 1 while guest translation is off", d->id,
                  m->control);
    }
    if (d->tv && d->ppr && !d->i) {
        amd_wrong(m, "amd.dte.ppr-without-ats", "PPR = 1 with I = 0", d->id, d->word[0]);
    }
    if (d->tv && amd_bits(d->word[1], 41, 40) == 1 && !d->iw) {
        amd_wrong(m, "amd.dte.sysmgt-without-iw", "SysMgt = 1 needs IW (erratum 63)", d->id,
                  d->word[1]);
    }
}

static bool live(const uint64_t word[4])
{
    return (word[0] & 3) == 3 && (amd_bits(word[0], 11, 9) != 0 || amd_bit(word[0], 55) ||
                                  amd_bits(word[0], 62, 61) != 0);
}

/*
 * An entry goes out of the cache. If it was live, and what stands in memory now is live and
 * differs in more than one word, a fetch in between would have seen a mixture.
 */
void amd_dte_check_change(struct model_amd *m, const struct amd_dte *d)
{
    uint64_t now[4];
    unsigned changed = 0;
    unsigned i;

    for (i = 0; i < 4; i++) {
        if (!amd_peek64(m, d->at + 8 * i, &now[i])) {
            return;
        }
    }
    if (!live(d->word) || !live(now)) {
        return;
    }
    changed += d->word[0] != now[0] ? 1u : 0u;
    changed += d->word[1] != now[1] ? 1u : 0u;
    changed += ((d->word[2] ^ now[2]) & UINT64_C(0x00C0000000000000)) != 0 ? 1u : 0u;
    if (changed > 1) {
        amd_wrong(m, "amd.dte.hot-change", "a live entry became another without being blocked",
                  d->id, now[0]);
    }
}

static void check_stale(struct model_amd *m, const struct amd_dte *d)
{
    unsigned i;

    for (i = 0; i < 3; i++) {
        amd_stale(m, "amd.dte.stale", d->at + 8 * i, d->word[i],
                  i == 2 ? ~UINT64_C(0x00C0000000000000) : 0);
    }
}

/* NULL: got->event. Every entry is cached, whatever it says. */
struct amd_dte *amd_dte_get(struct model_amd *m, const struct amd_access *want,
                            struct amd_outcome *got)
{
    uint64_t entries = (uint64_t)(amd_bits(m->devtab, 8, 0) + 1) * 128;
    struct amd_dte *d = NULL;
    uint64_t at = (m->devtab & AMD_ADDRESS) + 32 * (uint64_t)want->id;
    uint64_t word[4];
    unsigned i;

    if (want->id >= entries) {
        got->event = AMD_ILLEGAL_DTE;
        return NULL;
    }
    for (i = 0; i < AMD_DTES; i++) {
        if (m->dte[i].used && m->dte[i].id == want->id) {
            d = &m->dte[i];
        }
    }
    if (d == NULL || model_chance(m->world, m->knobs.evict)) {
        m->counts.config_fetches++;
        for (i = 0; i < 4; i++) {
            if (!model_bus_read64(m->world, at + 8 * i, &word[i])) {
                got->event = AMD_DEVTAB_HW;
                got->fetch = at;
                return NULL;
            }
        }
        d = place(m, want->id);
        d->at = at;
        memcpy(d->word, word, sizeof(word));
        amd_dte_decode(m, d);
    } else {
        check_stale(m, d);
    }
    if (d->bad) {
        got->event = AMD_ILLEGAL_DTE;
        got->flags = d->reserved ? AMD_F_RZ : 0;
        return NULL;
    }
    return d;
}
