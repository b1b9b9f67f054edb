/* SPDX-License-Identifier: BSD-2-Clause */
#include "play.h"

#include <string.h>
#include <sys/mman.h>

/*
 * How many distinct states were seen. A state is, by kind of machine: of each bond that is not FREE
 * its device, PASID, state, step of its shutdown, groups with handlers (up to 3), whether its end
 * was asked for, its stop was said or marked, its space dead or left; of each group its device,
 * where it is, and whether it is a stall; of each device whether it is in reset, removed, to be
 * reset, misbehaving; of each unit whether it is sick, asleep, being restarted, and how full its
 * rings are (none, one, two to three, four to fifteen, more). Which bond, group slot or life it is
 * makes no difference. Looked at after each record of a bond, a step or a group. Kept as bits by
 * hash: what is counted is a little less than what was seen.
 */

#define BITS_LOG2 28u

static uint64_t *bits;
static uint64_t seen;

static uint64_t mix(uint64_t z)
{
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

static uint64_t of_life(const struct play_life *l)
{
    uint64_t word;

    if (l->number == 0 || l->state == UIOMMU_BOND_FREE) {
        return 0;
    }
    word = l->d->number | play_place(l->pasid) << 8 | l->state << 16 | l->step << 24;
    word |= (uint64_t)(l->running < 3 ? l->running : 3) << 32;
    word |= (uint64_t)(l->ends | l->word << 1 | l->marker << 2 | l->live << 3) << 40;
    word |= l->s->serial == l->serial ? (uint64_t)(l->s->dead | l->s->exited << 1) << 48 : 0;
    return mix(word + 0x9E3779B97F4A7C15u);
}

void play_state_life(struct play *p, struct play_life *l)
{
    p->digest -= l->digest;
    l->digest = of_life(l);
    p->digest += l->digest;
}

void play_state_group(struct play *p, struct play_group *g)
{
    p->digest -= g->digest;
    g->digest = 0;
    if (g->state != 0 && g->d != NULL) {
        g->digest =
            mix(g->state | g->d->number << 8 | (uint64_t)g->stall << 16 | UINT64_C(1) << 60);
    }
    p->digest += g->digest;
}

static uint64_t filled(uint32_t n)
{
    return n < 2 ? n : n < 4 ? 2 : n < 16 ? 3 : 4;
}

void play_state_seen(struct play *p)
{
    uint64_t hash = p->digest, word = 0;
    uint32_t i;

    for (i = 0; i < p->devices; i++) {
        const struct play_device *d = &p->dev[i];

        word = word << 4 | (uint64_t)(d->resetting | d->removed << 1 | d->ill << 2 | d->bad << 3);
    }
    hash = mix(hash ^ mix(word));
    for (i = 0, word = p->plan.units; i < p->plan.units; i++) {
        const struct play_unit *u = &p->unit[i];

        word = word << 8 | (uint64_t)(u->sick | u->asleep << 1 | u->busy << 2);
        word = word << 4 | filled(u->b->vendor->requests_waiting(u->b));
        word = word << 8 | (uint8_t)u->b->vendor->name[0];
    }
    hash = mix(hash + word) >> (64 - BITS_LOG2);
    if (bits == NULL) {
        bits = mmap(NULL, (size_t)1 << (BITS_LOG2 - 3), PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        bits = bits == MAP_FAILED ? NULL : bits;
    }
    if (bits != NULL && (bits[hash / 64] >> hash % 64 & 1u) == 0) {
        bits[hash / 64] |= UINT64_C(1) << hash % 64;
        seen++;
    }
}

uint64_t play_states(void)
{
    return seen;
}
