/* SPDX-License-Identifier: BSD-2-Clause */
#include "core.h"

/*
 * A number is a word of 32 bits, found by two direct indices; leaves come with the first number in
 * them, what only some have (an owner, bonds) in leaves of its own. Numbers of one bit length make
 * a class: fresh ones above a watermark, freed ones in a queue through their words. An allocation
 * takes from the largest class that fits, so that narrow numbers are left for narrow devices, and
 * looks at no more than the 21 classes.
 */
#define CLASSES (UIOMMU_PASID_BITS + 1u)
#define REUSE   64u

/* Of a word. Without LIVE: the number freed after it, or 0. */
#define LIVE  0x80000000u
#define BOUND 0x40000000u /* bonds hold it */
#define OWNED 0x20000000u /* somebody is charged for it, while there are references */
#define REFS  0x1fffffffu /* of alloc and hold */

struct bound {
    uint32_t space_of; /* whose number it is (R6) */
    uint16_t bonds;    /* references of bonds */
    uint16_t withheld; /* of them poisoned */
};

/* What leaves are of. */
enum part {
    WORDS,
    OWNERS,
    BOUNDS,
    PARTS,
};

struct class
{
    uint32_t fresh, last; /* never given out; none where fresh > last */
    uint32_t head, tail;  /* freed numbers, oldest first, while waiting != 0 */
    uint32_t waiting;     /* how many */
};

struct uiommu_pasid_space {
    uint32_t magic;                          /* (c) */
    struct uiommu *u;                        /* (c) */
    struct uiommu_pasid_space_config config; /* (c) */
    uint32_t leaf_bits;                      /* (c) */
    uint32_t leaves;                         /* (c) room for so many */
    void **part[PARTS];                      /* (s) leaves; they stay */
    /* Written by each call: in one line of the cache. */
    _Alignas(64) struct uiommu_lock lock; /* (s) */
    uint32_t live;                        /* (s) numbers that are not free */
    struct class classes[CLASSES];        /* (s) by bit length, the longest first */
    uint32_t users;                       /* (s) units */
};

static struct class *class_at(struct uiommu_pasid_space *space, uint32_t length)
{
    return &space->classes[UIOMMU_PASID_BITS - length];
}

static inline bool is_space(const struct uiommu_pasid_space *space)
{
    return space != NULL && space->magic == UIOMMU_MAGIC_SPACE;
}

static size_t part_bytes(const struct uiommu_pasid_space *space, uint32_t part)
{
    static const unsigned char each[PARTS] = {sizeof(uint32_t), sizeof(struct uiommu_owner *),
                                              sizeof(struct bound)};

    return (size_t)each[part] << space->leaf_bits;
}

static size_t table_bytes(const struct uiommu_pasid_space *space)
{
    return sizeof(void *) * PARTS * space->leaves;
}

static void *leaf_of(const struct uiommu_pasid_space *space, uint32_t part, uint32_t pasid)
{
    return space->part[part][pasid >> space->leaf_bits];
}

static uint32_t place(const struct uiommu_pasid_space *space, uint32_t pasid)
{
    return pasid & ((UINT32_C(1) << space->leaf_bits) - 1u);
}

/* Of a number that was given out. */
static uint32_t *word_at(const struct uiommu_pasid_space *space, uint32_t pasid)
{
    uint32_t *leaf = leaf_of(space, WORDS, pasid);

    return &leaf[place(space, pasid)];
}

static struct uiommu_owner **owner_at(const struct uiommu_pasid_space *space, uint32_t pasid)
{
    struct uiommu_owner **leaf = leaf_of(space, OWNERS, pasid);

    return &leaf[place(space, pasid)];
}

static struct bound *bound_at(const struct uiommu_pasid_space *space, uint32_t pasid)
{
    struct bound *leaf = leaf_of(space, BOUNDS, pasid);

    return &leaf[place(space, pasid)];
}

/* The word of a number that is not free, or NULL. Lock held. */
static inline uint32_t *live_at(const struct uiommu_pasid_space *space, uint32_t pasid)
{
    uint32_t *word;

    if (pasid < space->config.first || pasid > space->config.last ||
        leaf_of(space, WORDS, pasid) == NULL)
        return NULL;
    word = word_at(space, pasid);
    return (*word & LIVE) != 0 ? word : NULL;
}

static void classes_init(struct uiommu_pasid_space *space)
{
    uint32_t k, low, high;

    for (k = 0; k < CLASSES; k++) {
        struct class *class = class_at(space, k);

        low = k == 0 ? 0 : UINT32_C(1) << (k - 1);
        high = (UINT32_C(1) << k) - 1u;
        class->fresh = low < space->config.first ? space->config.first : low;
        class->last = high > space->config.last ? space->config.last : high;
    }
}

bool uiommu_is_space_of(const struct uiommu_pasid_space *space, const struct uiommu *u)
{
    return is_space(space) && space->u == u;
}

uiommu_err uiommu_pasid_space_create(struct uiommu *u,
                                     const struct uiommu_pasid_space_config *config,
                                     struct uiommu_pasid_space **out)
{
    struct uiommu_pasid_space_config copy;
    struct uiommu_pasid_space *space;
    uint32_t part;

    if (!uiommu_is_instance(u))
        return UIOMMU_E_HANDLE;
    if (config == NULL || out == NULL ||
        !uiommu_config_copy(&copy, sizeof(copy), config, config->size, sizeof(copy)))
        return UIOMMU_E_INVALID;
    if (copy.first > copy.last || copy.last >= UINT32_C(1) << UIOMMU_PASID_BITS)
        return UIOMMU_E_RANGE;
    if (copy.reuse_distance == 0)
        copy.reuse_distance = REUSE;
    space = uiommu_heap_get(u, sizeof(*space));
    if (space == NULL)
        return UIOMMU_E_NOMEM;
    space->u = u;
    space->config = copy;
    space->leaf_bits = uiommu_bits_length(copy.last >> 1) / 2;
    space->leaves = (copy.last >> space->leaf_bits) + 1u;
    space->part[0] = uiommu_heap_get(u, table_bytes(space));
    if (space->part[0] == NULL) {
        uiommu_heap_put(u, space, sizeof(*space));
        return UIOMMU_E_NOMEM;
    }
    for (part = 1; part < PARTS; part++)
        space->part[part] = space->part[0] + part * space->leaves;
    classes_init(space);
    space->magic = UIOMMU_MAGIC_SPACE;
    (void)uiommu_object_add(u);
    *out = space;
    return UIOMMU_OK;
}

uiommu_err uiommu_pasid_space_destroy(struct uiommu_pasid_space *space)
{
    struct uiommu *u;
    uintptr_t state;
    uint32_t part, i;
    bool busy;

    if (!is_space(space))
        return UIOMMU_E_HANDLE;
    u = space->u;
    state = uiommu_lock_take(u, &space->lock);
    busy = space->live != 0 || space->users != 0;
    if (!busy)
        space->magic = 0;
    uiommu_lock_give(u, &space->lock, state);
    if (busy)
        return UIOMMU_E_BUSY;
    for (part = 0; part < PARTS; part++) {
        for (i = 0; i < space->leaves; i++)
            uiommu_heap_put(u, space->part[part][i], part_bytes(space, part));
    }
    uiommu_heap_put(u, space->part[0], table_bytes(space));
    uiommu_heap_put(u, space, sizeof(*space));
    uiommu_object_remove(u);
    return UIOMMU_OK;
}

void uiommu_space_use(struct uiommu_pasid_space *space, bool on)
{
    uintptr_t state = uiommu_lock_take(space->u, &space->lock);

    UIOMMU_ASSERT("a unit that leaves a space used it", on || space->users != 0);
    space->users = on ? space->users + 1 : space->users - 1;
    uiommu_lock_give(space->u, &space->lock, state);
}

/* The class to take from, or NULL. Lock held. */
static struct class *choose(struct uiommu_pasid_space *space, uint32_t width)
{
    struct class *class, *waited = NULL;
    uint32_t k;

    for (k = width + 1; k-- != 0;) {
        class = class_at(space, k);
        if (class->waiting > space->config.reuse_distance || class->fresh <= class->last)
            return class;
        if (waited == NULL && class->waiting != 0)
            waited = class;
    }
    return waited;
}

/* A leaf brought from outside of the lock, and which one was missing. */
struct spare {
    void *leaf;
    uint32_t part, missing;
};

/* Make a number's leaf of a part be there. PENDING: a spare one of it is needed. Lock held. */
static uiommu_err need(struct uiommu_pasid_space *space, uint32_t part, uint32_t pasid,
                       struct spare *spare)
{
    void **leaf = &space->part[part][pasid >> space->leaf_bits];

    if (*leaf != NULL)
        return UIOMMU_OK;
    spare->missing = part;
    if (spare->leaf == NULL || spare->part != part)
        return UIOMMU_PENDING;
    *leaf = spare->leaf;
    spare->leaf = NULL;
    return UIOMMU_OK;
}

/* Another thread may have brought it first. */
static void spare_drop(struct uiommu_pasid_space *space, struct spare *spare)
{
    if (spare->leaf != NULL)
        uiommu_heap_put(space->u, spare->leaf, part_bytes(space, spare->part));
    spare->leaf = NULL;
}

static bool spare_get(struct uiommu_pasid_space *space, struct spare *spare)
{
    spare_drop(space, spare);
    spare->part = spare->missing;
    spare->leaf = uiommu_heap_get(space->u, part_bytes(space, spare->part));
    return spare->leaf != NULL;
}

/* Take a number of the width with its first reference. PENDING: as need(). Lock held. */
static uiommu_err take(struct uiommu_pasid_space *space, struct uiommu_owner *owner, uint32_t width,
                       struct spare *spare, uint32_t *out)
{
    struct class *class = choose(space, width);
    uint32_t pasid, *word;
    uiommu_err err;
    bool again;

    if (class == NULL)
        return UIOMMU_E_NOSPACE;
    again = class->waiting > space->config.reuse_distance || class->fresh > class->last;
    pasid = again ? class->head : class->fresh;
    err = need(space, WORDS, pasid, spare);
    if (err == UIOMMU_OK && owner != NULL)
        err = need(space, OWNERS, pasid, spare);
    if (err != UIOMMU_OK)
        return err;
    word = word_at(space, pasid);
    if (again) {
        class->head = *word;
        class->waiting--;
    } else {
        class->fresh++;
    }
    *word = LIVE | 1u;
    if (owner != NULL) {
        *word |= OWNED;
        *owner_at(space, pasid) = owner;
    }
    space->live++;
    *out = pasid;
    return UIOMMU_OK;
}

/* The host is asked for memory without the lock. */
static uiommu_err take_owned(struct uiommu_pasid_space *space, struct uiommu_owner *owner,
                             uint32_t width, uint32_t *out)
{
    struct spare spare = {NULL, WORDS, WORDS};
    uiommu_err err;
    uintptr_t state;

    do {
        state = uiommu_lock_take(space->u, &space->lock);
        err = take(space, owner, width, &spare, out);
        uiommu_lock_give(space->u, &space->lock, state);
        if (err == UIOMMU_PENDING && !spare_get(space, &spare))
            err = UIOMMU_E_NOMEM;
    } while (err == UIOMMU_PENDING);
    spare_drop(space, &spare);
    return err;
}

uiommu_err uiommu_pasid_alloc(struct uiommu_pasid_space *space, struct uiommu_owner *owner,
                              uint32_t width, uint32_t *out)
{
    uint32_t pasid = 0;
    uiommu_err err;

    if (!is_space(space))
        return UIOMMU_E_HANDLE;
    if (owner != NULL && (!uiommu_is_owner(owner) || owner->u != space->u))
        return UIOMMU_E_HANDLE;
    if (out == NULL)
        return UIOMMU_E_INVALID;
    if (width > UIOMMU_PASID_BITS)
        return UIOMMU_E_RANGE;
    if (owner != NULL) {
        err = uiommu_owner_charge(owner, &owner->pasids, owner->config.pasids, 1);
        if (err != UIOMMU_OK)
            return err;
    }
    err = take_owned(space, owner, width == 0 ? UIOMMU_PASID_BITS : width, &pasid);
    if (err == UIOMMU_OK)
        *out = pasid;
    else if (owner != NULL)
        uiommu_owner_refund(owner, &owner->pasids, 1);
    return err;
}

/* Behind all that were freed before, once nobody holds it. Lock held. */
static inline void rest(struct uiommu_pasid_space *space, uint32_t *word, uint32_t pasid)
{
    struct class *class = class_at(space, uiommu_bits_length(pasid));

    if ((*word & (REFS | BOUND)) != 0)
        return;
    *word = 0;
    if (class->waiting == 0)
        class->head = pasid;
    else
        *word_at(space, class->tail) = pasid;
    class->tail = pasid;
    class->waiting++;
    space->live--;
}

uiommu_err uiommu_pasid_hold(struct uiommu_pasid_space *space, uint32_t pasid)
{
    uiommu_err err = UIOMMU_OK;
    uintptr_t state;
    uint32_t *word;

    if (!is_space(space))
        return UIOMMU_E_HANDLE;
    state = uiommu_lock_take(space->u, &space->lock);
    word = live_at(space, pasid);
    if (word == NULL || (*word & REFS) == 0)
        err = word == NULL ? UIOMMU_E_NOT_FOUND : UIOMMU_E_STATE;
    else if ((*word & REFS) == REFS)
        err = UIOMMU_E_NOSPACE;
    else
        ++*word;
    uiommu_lock_give(space->u, &space->lock, state);
    return err;
}

/* The owner is refunded with the last of these references: quarantine is not his. */
uiommu_err uiommu_pasid_put(struct uiommu_pasid_space *space, uint32_t pasid)
{
    struct uiommu_owner *owner = NULL;
    uiommu_err err = UIOMMU_OK;
    uintptr_t state;
    uint32_t *word;

    if (!is_space(space))
        return UIOMMU_E_HANDLE;
    state = uiommu_lock_take(space->u, &space->lock);
    word = live_at(space, pasid);
    if (word == NULL || (*word & REFS) == 0) {
        err = UIOMMU_E_NOT_FOUND;
    } else {
        --*word;
        if ((*word & (REFS | OWNED)) == OWNED) {
            owner = *owner_at(space, pasid);
            *owner_at(space, pasid) = NULL;
            *word &= ~OWNED;
        }
        rest(space, word, pasid);
    }
    uiommu_lock_give(space->u, &space->lock, state);
    if (owner != NULL)
        uiommu_owner_refund(owner, &owner->pasids, 1);
    return err;
}

uiommu_err uiommu_pasid_get_info(struct uiommu_pasid_space *space, uint32_t pasid,
                                 struct uiommu_pasid_info *out)
{
    struct uiommu_pasid_info info = {UIOMMU_PASID_FREE, 0, 0, NULL};
    const struct bound *bound;
    uintptr_t state;
    uint32_t *word;

    if (!is_space(space))
        return UIOMMU_E_HANDLE;
    if (out == NULL)
        return UIOMMU_E_INVALID;
    if (pasid < space->config.first || pasid > space->config.last)
        return UIOMMU_E_RANGE;
    state = uiommu_lock_take(space->u, &space->lock);
    word = live_at(space, pasid);
    if (word != NULL) {
        info.refs = *word & REFS;
        info.state = info.refs != 0 ? UIOMMU_PASID_ALLOCATED : UIOMMU_PASID_DYING;
        if ((*word & OWNED) != 0)
            info.owner = *owner_at(space, pasid);
        if ((*word & BOUND) != 0) {
            bound = bound_at(space, pasid);
            info.bonds = bound->bonds;
            info.refs += info.bonds;
            if (info.state == UIOMMU_PASID_DYING && bound->withheld != 0)
                info.state = UIOMMU_PASID_WITHHELD;
        }
    }
    uiommu_lock_give(space->u, &space->lock, state);
    *out = info;
    return UIOMMU_OK;
}

/* PENDING: as need(). Lock held. */
static uiommu_err bond_take(struct uiommu_pasid_space *space, uint32_t pasid, uint32_t as,
                            struct spare *spare)
{
    uint32_t *word = live_at(space, pasid);
    struct bound *bound;
    uiommu_err err;

    if (word == NULL || (*word & REFS) == 0)
        return word == NULL ? UIOMMU_E_NOT_FOUND : UIOMMU_E_STATE;
    err = need(space, BOUNDS, pasid, spare);
    if (err != UIOMMU_OK)
        return err;
    bound = bound_at(space, pasid);
    if (bound->bonds != 0 && bound->space_of != as)
        return UIOMMU_E_BUSY;
    if (bound->bonds == UINT16_MAX)
        return UIOMMU_E_NOSPACE;
    *word |= BOUND;
    bound->space_of = as;
    bound->bonds++;
    return UIOMMU_OK;
}

uiommu_err uiommu_pasid_bond_get(struct uiommu_pasid_space *space, uint32_t pasid, uint32_t as)
{
    struct spare spare = {NULL, BOUNDS, BOUNDS};
    uiommu_err err;
    uintptr_t state;

    do {
        state = uiommu_lock_take(space->u, &space->lock);
        err = bond_take(space, pasid, as, &spare);
        uiommu_lock_give(space->u, &space->lock, state);
        if (err == UIOMMU_PENDING && !spare_get(space, &spare))
            err = UIOMMU_E_NOMEM;
    } while (err == UIOMMU_PENDING);
    spare_drop(space, &spare);
    return err;
}

void uiommu_pasid_bond_put(struct uiommu_pasid_space *space, uint32_t pasid)
{
    uintptr_t state = uiommu_lock_take(space->u, &space->lock);
    uint32_t *word = word_at(space, pasid);
    struct bound *bound = bound_at(space, pasid);

    UIOMMU_ASSERT("R6: a bond that ends held its number", (*word & LIVE) != 0 && bound->bonds != 0);
    UIOMMU_ASSERT("R9: a poisoned bond keeps its number", bound->withheld < bound->bonds);
    bound->bonds--;
    if (bound->bonds == 0) {
        bound->space_of = 0;
        *word &= ~BOUND;
    }
    rest(space, word, pasid);
    uiommu_lock_give(space->u, &space->lock, state);
}

void uiommu_pasid_withhold(struct uiommu_pasid_space *space, uint32_t pasid, bool on)
{
    uintptr_t state = uiommu_lock_take(space->u, &space->lock);
    struct bound *bound = bound_at(space, pasid);

    UIOMMU_ASSERT("R9: what is withheld is a bond's",
                  on ? bound->withheld < bound->bonds : bound->withheld != 0);
    bound->withheld = (uint16_t)(bound->withheld + (on ? 1u : UINT16_MAX));
    uiommu_lock_give(space->u, &space->lock, state);
}

/* ---- validity ---- */

static const struct class *class_of(const struct uiommu_pasid_space *space, uint32_t pasid)
{
    return &space->classes[UIOMMU_PASID_BITS - uiommu_bits_length(pasid)];
}

/* Below the watermark of its class. */
static bool was_given(const struct uiommu_pasid_space *space, uint32_t pasid)
{
    return (pasid >= space->config.first) & (pasid < class_of(space, pasid)->fresh);
}

/* What the word says of owner and bonds is there, and nothing else. */
static bool number_valid(const struct uiommu_pasid_space *space, uint32_t pasid)
{
    uint32_t word = *word_at(space, pasid);
    const struct uiommu_owner *owner = NULL;
    struct bound bound = {0, 0, 0};
    bool ok;

    if (leaf_of(space, OWNERS, pasid) != NULL)
        owner = *owner_at(space, pasid);
    if (leaf_of(space, BOUNDS, pasid) != NULL)
        bound = *bound_at(space, pasid);
    ok = bound.withheld <= bound.bonds;
    ok &= (bound.space_of == 0) | (bound.bonds != 0);
    if ((word & LIVE) == 0)
        return ok & (word < UINT32_C(1) << UIOMMU_PASID_BITS) & (owner == NULL) &
               (bound.bonds == 0);
    ok &= ((word & BOUND) != 0) == (bound.bonds != 0);
    ok &= ((word & OWNED) != 0) == (owner != NULL);
    ok &= (word & (REFS | BOUND)) != 0;
    return ok & (((word & OWNED) == 0) | ((word & REFS) != 0));
}

/* Every number of a class is fresh, waits in its queue once, or is live. */
static bool class_valid(const struct uiommu_pasid_space *space, uint32_t k, uint32_t *live)
{
    uint32_t low = k == 0 ? 0 : UINT32_C(1) << (k - 1), n, at, used;
    const struct class *class = class_of(space, low);

    low = low < space->config.first ? space->config.first : low;
    at = class->head;
    used = class->fresh - low;
    if (class->fresh < low || class->waiting > used)
        return false;
    if (low <= class->last && class->fresh > class->last + 1u)
        return false;
    for (n = 0; n < class->waiting; n++) {
        if (at < low || at >= class->fresh)
            return false;
        if ((at == class->tail) != (n + 1 == class->waiting)) /* so none is in it twice */
            return false;
        if (leaf_of(space, WORDS, at) == NULL || (*word_at(space, at) & LIVE) != 0)
            return false;
        at = *word_at(space, at);
    }
    *live += used - class->waiting;
    return true;
}

/* Numbers of a leaf, from its first, that may have been given out. Behind leaf 0 all are of one
 * class. */
static uint32_t leaf_used(const struct uiommu_pasid_space *space, uint32_t leaf)
{
    uint32_t base = leaf << space->leaf_bits, size = UINT32_C(1) << space->leaf_bits, fresh;

    if (leaf == 0)
        return size;
    fresh = class_of(space, base)->fresh;
    fresh = fresh < base ? 0 : fresh - base;
    return fresh < size ? fresh : size;
}

/* All zero, which is quickly seen: there are many, and tests look often. */
static bool never_used(const struct uiommu_pasid_space *space, uint32_t leaf, uint32_t used)
{
    const uint32_t *word = space->part[WORDS][leaf];
    struct uiommu_owner *const *owner = space->part[OWNERS][leaf];
    const struct bound *bound = space->part[BOUNDS][leaf];
    uint32_t size = UINT32_C(1) << space->leaf_bits, any = 0, n;

    for (n = used; n < size; n++)
        any |= word[n];
    for (n = used; n < size && owner != NULL; n++)
        any |= owner[n] != NULL;
    for (n = used; n < size && bound != NULL; n++)
        any |= bound[n].space_of | bound[n].bonds | bound[n].withheld;
    return any == 0;
}

/* Adds what is live to *found. */
static bool leaf_valid(const struct uiommu_pasid_space *space, uint32_t leaf, uint32_t *found)
{
    uint32_t used = leaf_used(space, leaf), base = leaf << space->leaf_bits, n;
    bool ok = true, waits;

    if (space->part[WORDS][leaf] == NULL)
        return (space->part[OWNERS][leaf] == NULL) & (space->part[BOUNDS][leaf] == NULL);
    for (n = 0; n < used; n++) {
        ok &= number_valid(space, base + n);
        waits = (*word_at(space, base + n) & LIVE) == 0;
        ok &= waits | was_given(space, base + n);
        *found += !waits;
    }
    return ok && never_used(space, leaf, used);
}

bool uiommu_pasid_space_valid(const struct uiommu_pasid_space *space)
{
    uint32_t k, i, live = 0, found = 0, last = space->config.last;
    bool ok = space->magic == UIOMMU_MAGIC_SPACE;

    ok &= space->config.first <= last;
    ok &= last < UINT32_C(1) << UIOMMU_PASID_BITS;
    ok &= space->leaf_bits <= UIOMMU_PASID_BITS / 2;
    if (!ok || space->leaves != (last >> space->leaf_bits) + 1u)
        return false;
    for (k = 0; k < CLASSES; k++)
        ok &= class_valid(space, k, &live);
    for (i = 0; i < space->leaves; i++)
        ok &= leaf_valid(space, i, &found);
    ok &= live == space->live;
    return ok & (found == live);
}

bool uiommu_pasid_space_locked(const struct uiommu_pasid_space *space)
{
    return uiommu_word_load(&space->lock.word) != 0;
}
