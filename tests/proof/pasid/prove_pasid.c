/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The PASID allocator, one step from any state of a small space that holds together: no number is
 * given out while somebody has it (I16, R6), a freed one only behind the distance while there are
 * others, the longest free first; and after the step the state holds together again.
 */
#include "../prove.h"

#include "../prove_core.h"

#include <core/pasid.c>

#ifndef PASID /* what a variant is about */
#define PASID nondet_u32()
#endif
#ifndef WIDTH
#define WIDTH 1u
#endif

#ifndef THERE /* which leaves of words, by bits */
#define THERE nondet_u32()
#endif

#ifndef FIRST
#define FIRST 1u
#endif
#define LAST   3u
#define LEAVES 2u

static struct uiommu instance;
static struct uiommu_pasid_space space;
static struct uiommu_owner payer;
static void *word_leaves[LEAVES], *owner_leaves[LEAVES], *bound_leaves[LEAVES];
static uint32_t words[LEAVES][2];
static struct uiommu_owner *owners[LEAVES][2];
static struct bound bounds[LEAVES][2];
#ifdef WHAT /* a leaf that is missing is of bonds; who allocates needs words */
static struct bound spare[2];
#else
static uint32_t spare[2];
#endif
static uint32_t asked;

void *uiommu_heap_get(struct uiommu *u, size_t bytes)
{
    (void)u;
    PROVE(bytes == sizeof(spare) && space.lock.word.v == 0);
    PROVE(asked++ == 0);
    return nondet_bool() ? spare : NULL;
}

void uiommu_heap_put(struct uiommu *u, void *ptr, size_t bytes)
{
    (void)u;
    (void)ptr;
    (void)bytes;
    PROVE(false); /* alone, no spare is left over */
}

/* Charging is owner.c's; nobody else is refunded. */
void uiommu_owner_refund(struct uiommu_owner *owner, uint32_t *what, uint32_t n)
{
    PROVE(owner == &payer && what == &payer.pasids && n == 1);
}

/* Leaves that may not be there yet, with anything in them. */
static void any_leaf(uint32_t leaf)
{
    uint32_t n;

    for (n = 0; n < 2; n++) {
        words[leaf][n] = nondet_u32();
        owners[leaf][n] = nondet_bool() ? &payer : NULL;
        bounds[leaf][n].space_of = nondet_u32();
        bounds[leaf][n].bonds = nondet_u16();
        bounds[leaf][n].withheld = nondet_u16();
    }
    word_leaves[leaf] = (THERE >> leaf & 1u) != 0 ? words[leaf] : NULL;
#ifdef WHAT
    owner_leaves[leaf] = nondet_bool() ? owners[leaf] : NULL;
    bound_leaves[leaf] = nondet_bool() ? bounds[leaf] : NULL;
#endif /* who allocates looks at neither, and at no word of a number that is live */
}

static void any_space(void)
{
    struct class *class;
    uint32_t i;

    space.magic = UIOMMU_MAGIC_SPACE;
    space.u = &instance;
    space.config.first = FIRST;
    space.config.last = LAST;
    space.config.reuse_distance = nondet_u32();
    space.leaf_bits = 1;
    space.leaves = LEAVES;
    space.part[WORDS] = word_leaves;
    space.part[OWNERS] = owner_leaves;
    space.part[BOUNDS] = bound_leaves;
    space.live = nondet_u32();
    classes_init(&space);
    for (i = FIRST; i <= 2; i++) { /* 2 and 3 are of class 2, 1 of class 1 */
        class = class_at(&space, i);
        class->fresh = nondet_u32();
        class->head = nondet_u32();
        class->tail = nondet_u32();
        class->waiting = nondet_u32();
        ASSUME(class->waiting <= 2);
    }
    for (i = 0; i < LEAVES; i++)
        any_leaf(i);
}

static bool any_fresh(uint32_t width)
{
    uint32_t k;

    for (k = 1; k <= 2; k++) {
        if (k <= width && class_at(&space, k)->fresh <= class_at(&space, k)->last)
            return true;
    }
    return false;
}

static void alloc(void)
{
    uint32_t pasid = 0, width = WIDTH, of = width == 0 ? UIOMMU_PASID_BITS : width, k;
    struct class was[3] = {*class_at(&space, 0), *class_at(&space, 1), *class_at(&space, 2)};
    bool fresh = any_fresh(of), held[LAST + 1];
    uiommu_err err;

    for (k = FIRST; k <= LAST; k++)
        held[k] = live_at(&space, k) != NULL;
    err = uiommu_pasid_alloc(&space, NULL, width, &pasid);
    PROVE(err == UIOMMU_OK || (err == UIOMMU_E_RANGE) == (width > UIOMMU_PASID_BITS));
    if (err != UIOMMU_OK) {
        PROVE(err != UIOMMU_E_NOSPACE || !fresh);
        return;
    }
    PROVE(pasid >= FIRST && pasid <= LAST && pasid >> of == 0);
    PROVE(!held[pasid] && *live_at(&space, pasid) == (LIVE | 1u));
    k = uiommu_bits_length(pasid);
    if (pasid < was[k].fresh) {
        PROVE(pasid == was[k].head);
        PROVE(was[k].waiting > space.config.reuse_distance || !fresh);
    }
}

static struct bound bound_of(const uint32_t *word, uint32_t pasid)
{
    struct bound none = {0, 0, 0};

    return word != NULL && (*word & BOUND) != 0 ? *bound_at(&space, pasid) : none;
}

/* What a number's holders may do, on any number that there is. */
static void holders(uint32_t what, uint32_t pasid)
{
    uint32_t *word = live_at(&space, pasid), refs = word == NULL ? 0 : *word & REFS;
    struct bound was = bound_of(word, pasid);
    bool on;

    if (what == 1) {
        PROVE((uiommu_pasid_put(&space, pasid) == UIOMMU_OK) == (refs != 0));
        PROVE(refs == 0 || (*word & REFS) == refs - 1 || live_at(&space, pasid) == NULL);
        PROVE(refs < 2 || (*word & REFS) == refs - 1);
    } else if (what == 2) {
        PROVE(uiommu_pasid_bond_get(&space, pasid, nondet_u32()) != UIOMMU_OK ||
              (refs != 0 && bound_of(word, pasid).bonds == was.bonds + 1));
    } else if (what == 3) {
        PROVE(uiommu_pasid_hold(&space, pasid) != UIOMMU_OK ||
              (refs != 0 && (*word & REFS) == refs + 1));
    } else if (what == 4) {
        ASSUME(was.bonds > was.withheld); /* a bond that ends, and is not withheld */
        uiommu_pasid_bond_put(&space, pasid);
        PROVE(bound_of(word, pasid).bonds == was.bonds - 1);
    } else {
        on = nondet_bool();
        ASSUME(on ? was.withheld < was.bonds : was.withheld != 0);
        uiommu_pasid_withhold(&space, pasid, on);
        PROVE(bound_of(word, pasid).withheld == was.withheld + (on ? 1 : -1));
    }
    /* Whoever still has it keeps it. */
    if (refs > 1 || was.bonds > 1 || (refs != 0 && was.bonds != 0))
        PROVE(live_at(&space, pasid) == word);
}

void prove(void)
{
    any_space();
    ASSUME(uiommu_pasid_space_valid(&space));
#ifdef WHAT
    holders(WHAT, PASID);
#else
    alloc();
#endif
    PROVE(uiommu_pasid_space_valid(&space));
}
