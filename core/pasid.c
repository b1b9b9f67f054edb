/* SPDX-License-Identifier: BSD-2-Clause */
#include "core.h"

/*
 * A number is found by two direct indices; leaves come with the first number in them. Numbers of
 * one bit length make a class: fresh ones above a watermark, freed ones in a queue through their
 * records. An allocation takes from the largest class that fits, so that narrow numbers are left
 * for narrow devices, and looks at no more than the 21 classes.
 */
#define CLASSES (UIOMMU_PASID_BITS + 1u)
#define REUSE   64u

struct number {
    struct uiommu_owner *owner; /* charged while refs != 0 */
    union {
        uint32_t space_of; /* while bonds != 0: whose number it is (R6) */
        uint32_t next;     /* while it waits: the one freed after it */
    } to;
    uint32_t refs;     /* of alloc and hold */
    uint16_t bonds;    /* references of bonds */
    uint16_t withheld; /* of them poisoned */
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
    struct number **leaf;                    /* (s) */
    struct uiommu_lock lock;                 /* (s) */
    uint32_t live;                           /* (s) numbers that are not free */
    uint32_t users;                          /* (s) units */
    struct class classes[CLASSES];           /* (s) by bit length */
};

static size_t leaf_bytes(const struct uiommu_pasid_space *space)
{
    return sizeof(struct number) << space->leaf_bits;
}

static struct number *number_at(const struct uiommu_pasid_space *space, uint32_t pasid)
{
    struct number *leaf = space->leaf[pasid >> space->leaf_bits];

    return leaf == NULL ? NULL : &leaf[pasid & ((UINT32_C(1) << space->leaf_bits) - 1u)];
}

/* The record of a number that is not free. Lock held. */
static struct number *live_at(const struct uiommu_pasid_space *space, uint32_t pasid)
{
    struct number *number;

    if (pasid < space->config.first || pasid > space->config.last)
        return NULL;
    number = number_at(space, pasid);
    return number != NULL && (number->refs != 0 || number->bonds != 0) ? number : NULL;
}

static void classes_init(struct uiommu_pasid_space *space)
{
    uint32_t k, low, high;

    for (k = 0; k < CLASSES; k++) {
        struct class *class = &space->classes[k];

        low = k == 0 ? 0 : UINT32_C(1) << (k - 1);
        high = (UINT32_C(1) << k) - 1u;
        class->fresh = low < space->config.first ? space->config.first : low;
        class->last = high > space->config.last ? space->config.last : high;
    }
}

bool uiommu_is_space_of(const struct uiommu_pasid_space *space, const struct uiommu *u)
{
    return uiommu_is_space(space) && space->u == u;
}

bool uiommu_is_space(const struct uiommu_pasid_space *space)
{
    return space != NULL && space->magic == UIOMMU_MAGIC_SPACE;
}

uiommu_err uiommu_pasid_space_create(struct uiommu *u,
                                     const struct uiommu_pasid_space_config *config,
                                     struct uiommu_pasid_space **out)
{
    struct uiommu_pasid_space_config copy;
    struct uiommu_pasid_space *space;

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
    space->leaf = uiommu_heap_get(u, sizeof(*space->leaf) * space->leaves);
    if (space->leaf == NULL) {
        uiommu_heap_put(u, space, sizeof(*space));
        return UIOMMU_E_NOMEM;
    }
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
    uint32_t i;
    bool busy;

    if (!uiommu_is_space(space))
        return UIOMMU_E_HANDLE;
    u = space->u;
    state = uiommu_lock_take(u, &space->lock);
    busy = space->live != 0 || space->users != 0;
    if (!busy)
        space->magic = 0;
    uiommu_lock_give(u, &space->lock, state);
    if (busy)
        return UIOMMU_E_BUSY;
    for (i = 0; i < space->leaves; i++)
        uiommu_heap_put(u, space->leaf[i], leaf_bytes(space));
    uiommu_heap_put(u, space->leaf, sizeof(*space->leaf) * space->leaves);
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
        class = &space->classes[k];
        if (class->waiting > space->config.reuse_distance || class->fresh <= class->last)
            return class;
        if (waited == NULL && class->waiting != 0)
            waited = class;
    }
    return waited;
}

/*
 * Take a number of the width with its first reference. The leaf for a fresh number comes from
 * *spare, which is then NULL. PENDING: a spare leaf is needed. Lock held.
 */
static uiommu_err take(struct uiommu_pasid_space *space, uint32_t width, struct number **spare,
                       uint32_t *out)
{
    struct class *class = choose(space, width);
    struct number *number, **leaf;

    if (class == NULL)
        return UIOMMU_E_NOSPACE;
    if (class->waiting > space->config.reuse_distance || class->fresh > class->last) {
        *out = class->head;
        number = number_at(space, *out);
        class->head = number->to.next;
        class->waiting--;
        return UIOMMU_OK;
    }
    *out = class->fresh;
    leaf = &space->leaf[*out >> space->leaf_bits];
    if (*leaf == NULL) {
        if (*spare == NULL)
            return UIOMMU_PENDING;
        *leaf = *spare;
        *spare = NULL;
    }
    class->fresh++;
    return UIOMMU_OK;
}

/* The host is asked for memory without the lock; another thread may need the leaf no more. */
static uiommu_err take_owned(struct uiommu_pasid_space *space, struct uiommu_owner *owner,
                             uint32_t width, uint32_t *out)
{
    struct number *spare = NULL, *number;
    uiommu_err err;
    uintptr_t state;

    for (;;) {
        state = uiommu_lock_take(space->u, &space->lock);
        err = take(space, width, &spare, out);
        if (err == UIOMMU_OK) {
            number = number_at(space, *out);
            number->owner = owner;
            number->to.space_of = 0;
            number->refs = 1;
            space->live++;
        }
        uiommu_lock_give(space->u, &space->lock, state);
        if (err != UIOMMU_PENDING)
            break;
        spare = uiommu_heap_get(space->u, leaf_bytes(space));
        if (spare == NULL)
            return UIOMMU_E_NOMEM;
    }
    uiommu_heap_put(space->u, spare, leaf_bytes(space));
    return err;
}

uiommu_err uiommu_pasid_alloc(struct uiommu_pasid_space *space, struct uiommu_owner *owner,
                              uint32_t width, uint32_t *out)
{
    uint32_t pasid = 0;
    uiommu_err err;

    if (!uiommu_is_space(space))
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
static void rest(struct uiommu_pasid_space *space, struct number *number, uint32_t pasid)
{
    struct class *class = &space->classes[uiommu_bits_length(pasid)];

    if (number->refs != 0 || number->bonds != 0)
        return;
    if (class->waiting == 0)
        class->head = pasid;
    else
        number_at(space, class->tail)->to.next = pasid;
    class->tail = pasid;
    class->waiting++;
    space->live--;
}

uiommu_err uiommu_pasid_hold(struct uiommu_pasid_space *space, uint32_t pasid)
{
    uiommu_err err = UIOMMU_OK;
    struct number *number;
    uintptr_t state;

    if (!uiommu_is_space(space))
        return UIOMMU_E_HANDLE;
    state = uiommu_lock_take(space->u, &space->lock);
    number = live_at(space, pasid);
    if (number == NULL || number->refs == 0)
        err = number == NULL ? UIOMMU_E_NOT_FOUND : UIOMMU_E_STATE;
    else if (number->refs == UINT32_MAX)
        err = UIOMMU_E_NOSPACE;
    else
        number->refs++;
    uiommu_lock_give(space->u, &space->lock, state);
    return err;
}

/* The owner is refunded with the last of these references: quarantine is not his. */
uiommu_err uiommu_pasid_put(struct uiommu_pasid_space *space, uint32_t pasid)
{
    struct uiommu_owner *owner = NULL;
    uiommu_err err = UIOMMU_OK;
    struct number *number;
    uintptr_t state;

    if (!uiommu_is_space(space))
        return UIOMMU_E_HANDLE;
    state = uiommu_lock_take(space->u, &space->lock);
    number = live_at(space, pasid);
    if (number == NULL || number->refs == 0) {
        err = UIOMMU_E_NOT_FOUND;
    } else {
        number->refs--;
        if (number->refs == 0) {
            owner = number->owner;
            number->owner = NULL;
            rest(space, number, pasid);
        }
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
    struct number *number;
    uintptr_t state;

    if (!uiommu_is_space(space))
        return UIOMMU_E_HANDLE;
    if (out == NULL)
        return UIOMMU_E_INVALID;
    if (pasid < space->config.first || pasid > space->config.last)
        return UIOMMU_E_RANGE;
    state = uiommu_lock_take(space->u, &space->lock);
    number = live_at(space, pasid);
    if (number != NULL) {
        info.refs = number->refs + number->bonds;
        info.bonds = number->bonds;
        info.owner = number->owner;
        if (number->refs != 0)
            info.state = UIOMMU_PASID_ALLOCATED;
        else
            info.state = number->withheld != 0 ? UIOMMU_PASID_WITHHELD : UIOMMU_PASID_DYING;
    }
    uiommu_lock_give(space->u, &space->lock, state);
    *out = info;
    return UIOMMU_OK;
}

uiommu_err uiommu_pasid_bond_get(struct uiommu_pasid_space *space, uint32_t pasid, uint32_t as)
{
    uintptr_t state = uiommu_lock_take(space->u, &space->lock);
    struct number *number = live_at(space, pasid);
    uiommu_err err = UIOMMU_OK;

    if (number == NULL || number->refs == 0) {
        err = number == NULL ? UIOMMU_E_NOT_FOUND : UIOMMU_E_STATE;
    } else if (number->bonds != 0 && number->to.space_of != as) {
        err = UIOMMU_E_BUSY;
    } else if (number->bonds == UINT16_MAX) {
        err = UIOMMU_E_NOSPACE;
    } else {
        number->to.space_of = as;
        number->bonds++;
    }
    uiommu_lock_give(space->u, &space->lock, state);
    return err;
}

void uiommu_pasid_bond_put(struct uiommu_pasid_space *space, uint32_t pasid)
{
    uintptr_t state = uiommu_lock_take(space->u, &space->lock);
    struct number *number = live_at(space, pasid);

    UIOMMU_ASSERT("R6: a bond that ends held its number", number != NULL && number->bonds != 0);
    UIOMMU_ASSERT("R9: a poisoned bond keeps its number", number->withheld < number->bonds);
    number->bonds--;
    rest(space, number, pasid);
    uiommu_lock_give(space->u, &space->lock, state);
}

void uiommu_pasid_withhold(struct uiommu_pasid_space *space, uint32_t pasid, bool on)
{
    uintptr_t state = uiommu_lock_take(space->u, &space->lock);
    struct number *number = live_at(space, pasid);

    UIOMMU_ASSERT("R9: what is withheld is a bond's",
                  number != NULL &&
                      (on ? number->withheld < number->bonds : number->withheld != 0));
    number->withheld = (uint16_t)(number->withheld + (on ? 1u : UINT16_MAX));
    uiommu_lock_give(space->u, &space->lock, state);
}

/* ---- validity ---- */

static bool is_waiting(const struct number *number)
{
    return (number->refs == 0) & (number->bonds == 0);
}

/* Below the watermark of its class. */
static bool was_given(const struct uiommu_pasid_space *space, uint32_t pasid)
{
    const struct class *class = &space->classes[uiommu_bits_length(pasid)];

    return (pasid >= space->config.first) & (pasid < class->fresh);
}

static bool number_valid(const struct number *number)
{
    bool ok = number->withheld <= number->bonds;

    return ok & ((number->owner == NULL) | (number->refs != 0));
}

/* Every number of a class is fresh, waits in its queue once, or is live. */
static bool class_valid(const struct uiommu_pasid_space *space, uint32_t k, uint32_t *live)
{
    const struct class *class = &space->classes[k];
    uint32_t low = k == 0 ? 0 : UINT32_C(1) << (k - 1), n, at = class->head, used;
    const struct number *number;

    low = low < space->config.first ? space->config.first : low;
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
        number = number_at(space, at);
        if (number == NULL || !is_waiting(number))
            return false;
        at = number->to.next;
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
    fresh = space->classes[uiommu_bits_length(base)].fresh;
    fresh = fresh < base ? 0 : fresh - base;
    return fresh < size ? fresh : size;
}

/* All zero, which is quickly seen: there are many, and tests look often. */
static bool never_used(const struct number *number, uint32_t count)
{
    bool zero = is_waiting(number);

    zero &= number->owner == NULL;
    zero &= number->to.next == 0;
    zero &= number->withheld == 0;
    zero &= memcmp(number, number + 1, (count - 1u) * sizeof(*number)) == 0;
    return zero;
}

bool uiommu_pasid_space_valid(const struct uiommu_pasid_space *space)
{
    uint32_t k, i, n, used, live = 0, found = 0, last = space->config.last;
    bool ok = space->magic == UIOMMU_MAGIC_SPACE, waits, given;

    ok &= space->config.first <= last;
    ok &= last < UINT32_C(1) << UIOMMU_PASID_BITS;
    ok &= space->leaf_bits <= UIOMMU_PASID_BITS / 2;
    if (!ok || space->leaves != (last >> space->leaf_bits) + 1u)
        return false;
    for (k = 0; k < CLASSES; k++)
        ok &= class_valid(space, k, &live);
    for (i = 0; i < space->leaves; i++) {
        if (space->leaf[i] == NULL)
            continue;
        used = leaf_used(space, i);
        for (n = 0; n < used; n++) {
            ok &= number_valid(&space->leaf[i][n]);
            waits = is_waiting(&space->leaf[i][n]);
            given = was_given(space, (i << space->leaf_bits) + n);
            ok &= waits | given;
            found += !waits;
        }
        if (used >> space->leaf_bits == 0)
            ok &= never_used(&space->leaf[i][used], (UINT32_C(1) << space->leaf_bits) - used);
    }
    ok &= live == space->live;
    return ok & (found == live);
}

bool uiommu_pasid_space_locked(const struct uiommu_pasid_space *space)
{
    return uiommu_word_load(&space->lock.word) != 0;
}
