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
#define WIDTH 0u
#endif

#define FIRST  1u
#define LAST   3u
#define LEAVES 2u

static struct uiommu instance;
static struct uiommu_pasid_space space;
static struct number *leaves[LEAVES];
static struct number low[2], high[2], spare[2];
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
    (void)bytes;
    PROVE(ptr == NULL); /* alone, no spare is left over */
}

/* Nobody pays here: owners are owner.c's. */
void uiommu_owner_refund(struct uiommu_owner *owner, uint32_t *what, uint32_t n)
{
    (void)what;
    (void)n;
    PROVE(owner == NULL);
}

/* A leaf that may not be there yet, with anything in it. */
static struct number *any_leaf(struct number *leaf)
{
    uint32_t n;

    for (n = 0; n < 2; n++) {
        leaf[n].to.next = nondet_u32();
        leaf[n].refs = nondet_u32();
        leaf[n].bonds = nondet_u16();
        leaf[n].withheld = nondet_u16();
    }
    return nondet_bool() ? leaf : NULL;
}

static void any_space(void)
{
    uint32_t i;

    space.magic = UIOMMU_MAGIC_SPACE;
    space.u = &instance;
    space.config.first = FIRST;
    space.config.last = LAST;
    space.config.reuse_distance = nondet_u32();
    space.leaf_bits = 1;
    space.leaves = LEAVES;
    space.leaf = leaves;
    space.live = nondet_u32();
    classes_init(&space);
    for (i = 1; i <= 2; i++) {
        space.classes[i].fresh = nondet_u32();
        space.classes[i].head = nondet_u32();
        space.classes[i].tail = nondet_u32();
        space.classes[i].waiting = nondet_u32();
        ASSUME(space.classes[i].waiting <= 2);
    }
    leaves[0] = any_leaf(low);
    leaves[1] = any_leaf(high);
}

static bool any_fresh(uint32_t width)
{
    uint32_t k;

    for (k = 1; k <= 2; k++) {
        if (k <= width && space.classes[k].fresh <= space.classes[k].last)
            return true;
    }
    return false;
}

static void alloc(void)
{
    uint32_t pasid = 0, width = WIDTH, of = width == 0 ? UIOMMU_PASID_BITS : width, k;
    struct class was[3] = {space.classes[0], space.classes[1], space.classes[2]};
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
    PROVE(!held[pasid] && live_at(&space, pasid)->refs == 1);
    k = uiommu_bits_length(pasid);
    if (pasid < was[k].fresh) {
        PROVE(pasid == was[k].head);
        PROVE(was[k].waiting > space.config.reuse_distance || !fresh);
    }
}

/* What a number's holders may do, on any number that there is. */
static void holders(uint32_t what, uint32_t pasid)
{
    struct number *number = live_at(&space, pasid), was = {NULL, {0}, 0, 0, 0};
    bool on;

    if (number != NULL)
        was = *number;
    if (what == 1) {
        PROVE((uiommu_pasid_put(&space, pasid) == UIOMMU_OK) == (was.refs != 0));
        PROVE(was.refs == 0 || number->refs == was.refs - 1);
    } else if (what == 2) {
        PROVE(uiommu_pasid_bond_get(&space, pasid, nondet_u32()) != UIOMMU_OK || was.refs != 0);
    } else if (what == 3) {
        PROVE(uiommu_pasid_hold(&space, pasid) != UIOMMU_OK || was.refs != 0);
    } else if (what == 4) {
        ASSUME(was.bonds > was.withheld); /* a bond that ends, and is not withheld */
        uiommu_pasid_bond_put(&space, pasid);
        PROVE(number->bonds == was.bonds - 1);
    } else {
        on = nondet_bool();
        ASSUME(on ? was.withheld < was.bonds : was.withheld != 0);
        uiommu_pasid_withhold(&space, pasid, on);
        PROVE(number->withheld == was.withheld + (on ? 1 : -1));
    }
    /* Whoever still has it keeps it. */
    if (was.refs > 1 || was.bonds > 1 || (was.refs != 0 && was.bonds != 0))
        PROVE(live_at(&space, pasid) == number);
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
