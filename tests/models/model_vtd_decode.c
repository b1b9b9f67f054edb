/* SPDX-License-Identifier: BSD-2-Clause */
#include "model_vtd_internal.h"

static uint64_t beyond_haw(const struct model_vtd *m)
{
    return ~vtd_ones(m->config.haw);
}

uint32_t vtd_rid_pasid(const struct model_vtd *m, const uint64_t context[4])
{
    return m->config.rps ? vtd_bits(context[1], 19, 0) : 0;
}

/* Of a present context entry: 0, 42 (reserved bits) or 43 (illegal). */
uint32_t vtd_context_bad(const struct model_vtd *m, const uint64_t word[4])
{
    const struct model_vtd_config *c = &m->config;
    uint64_t reserved0 = 0x1A0 | beyond_haw(m);
    uint64_t reserved1 = ~(uint64_t)0x1FFFFF;

    reserved0 |=
        (c->dt ? 0u : 4u) | (c->pasid ? 0u : 8u) | (c->prs ? 0u : 0x10u) | (c->ptrs ? 0u : 0x40u);
    reserved1 |= (c->rps ? 0u : 0xFFFFFu) | (c->rprivs ? 0u : 0x100000u);
    if ((word[0] & reserved0) != 0 || (word[1] & reserved1) != 0 || word[2] != 0 || word[3] != 0) {
        return 0x42;
    }
    if ((vtd_bit(word[0], 4) && !vtd_bit(word[0], 2)) ||
        (vtd_bit(word[0], 6) && !vtd_bit(word[0], 3)) ||
        vtd_rid_pasid(m, word) >> (vtd_bits(word[0], 11, 9) + 13) != 0) {
        return 0x43;
    }
    return 0;
}

static bool second(uint32_t pgtt)
{
    return pgtt == VTD_PGTT_SECOND || pgtt == VTD_PGTT_NESTED;
}

static bool reserved_pasid(const struct model_vtd *m, const uint64_t word[8], uint32_t pgtt)
{
    const struct model_vtd_config *c = &m->config;
    uint64_t r0 = 0xC20;
    uint64_t r1 = 0xFFFFFFFFFE7F0000u | (0xFFFFu & ~(uint64_t)(vtd_did_limit(m) - 1));
    uint64_t r2 = 0xF02;

    if (!c->ssts) {
        r0 |= 0x21C | ~vtd_ones(12);
    } else {
        r0 |= (c->ssads ? 0u : 0x200u) | (second(pgtt) ? beyond_haw(m) : 0);
    }
    r1 |= (c->smpwcs ? 0u : 0x800000u) | (c->sc ? 0u : 0x1000000u);
    r2 |= (c->srs ? 0u : 1u) | (c->eafs ? 0u : 0x80u);
    if (!c->fsts) {
        r2 |= 0x1C | ~vtd_ones(12);
    } else if (pgtt == VTD_PGTT_FIRST) {
        r2 |= beyond_haw(m);
    }
    return (word[0] & r0) != 0 || (word[1] & r1) != 0 || (word[2] & r2) != 0 ||
           (word[3] | word[4] | word[5] | word[6] | word[7]) != 0;
}

/* Of a present PASID entry: 0, 5A (reserved bits) or 5B (illegal). */
uint32_t vtd_pasid_bad(const struct model_vtd *m, const uint64_t word[8])
{
    const struct model_vtd_config *c = &m->config;
    uint32_t pgtt = vtd_bits(word[0], 8, 6);
    uint32_t mode = vtd_bits(word[2], 3, 2);
    uint32_t width = vtd_bits(word[0], 4, 2);
    bool known;

    if (reserved_pasid(m, word, pgtt)) {
        return 0x5A;
    }
    known = (pgtt == VTD_PGTT_FIRST && c->fsts) || (pgtt == VTD_PGTT_SECOND && c->ssts) ||
            (pgtt == VTD_PGTT_NESTED && c->nest) || (pgtt == VTD_PGTT_PASS && c->pt);
    if (!known || mode > 1 || (mode == 1 && !c->fs5lp)) {
        return 0x5B;
    }
    if (second(pgtt) && (width < 1 || width > 3 || !vtd_bit(c->sagaw, width))) {
        return 0x5B;
    }
    if (pgtt == VTD_PGTT_NESTED &&
        (word[2] & ~vtd_ones(12) & ~vtd_ones(vtd_second_bits(m, word))) != 0) {
        return 0x5B; /* The first stage's root is no address of the second. */
    }
    return 0;
}

/* The words without what hardware ignores. */
void vtd_pasid_used(const uint64_t word[8], uint64_t used[8])
{
    uint32_t pgtt = vtd_bits(word[0], 8, 6);

    memset(used, 0, 8 * sizeof(used[0]));
    used[0] = word[0] & 3;
    if (!vtd_bit(word[0], 0)) {
        return;
    }
    memcpy(used, word, 8 * sizeof(used[0]));
    if (!second(pgtt)) {
        used[0] &= 0x1C3 | 0xC20;
    }
    used[2] &= ~(uint64_t)0x60;
    if (pgtt == VTD_PGTT_SECOND || pgtt == VTD_PGTT_PASS) {
        used[2] &= 0xF0F;
    }
}
