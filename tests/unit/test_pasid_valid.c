/* SPDX-License-Identifier: BSD-2-Clause */
/* What uiommu_pasid_space_valid() notices. The records are pasid.c's own, so it is here. */
#include "../../core/pasid.c"

#include <criterion/criterion.h>

#include "../support/fake_host.h"

static struct fake_host host;
static struct uiommu *u;
static struct uiommu_pasid_space *space;
static uint32_t live, held, rests, waits[2];

static uint32_t get(void)
{
    uint32_t pasid = 0;

    cr_assert_eq(uiommu_pasid_alloc(space, NULL, 0, &pasid), UIOMMU_OK);
    return pasid;
}

static void put(uint32_t pasid)
{
    cr_assert_eq(uiommu_pasid_put(space, pasid), UIOMMU_OK);
}

/* One number allocated, one with a poisoned bond too, one whose bond alone is left, two wait. */
static void begin(void)
{
    struct uiommu_pasid_space_config config = {sizeof(config), 5, 1000, 4};

    fake_host_init(&host);
    u = fake_host_create(&host);
    cr_assert_eq(uiommu_pasid_space_create(u, &config, &space), UIOMMU_OK);
    cr_assert(uiommu_pasid_space_valid(space));
    live = get();
    held = get();
    rests = get();
    waits[0] = get();
    waits[1] = get();
    put(waits[0]);
    put(waits[1]);
    cr_assert_eq(uiommu_pasid_bond_get(space, held, 1), UIOMMU_OK);
    cr_assert_eq(uiommu_pasid_bond_get(space, rests, 1), UIOMMU_OK);
    uiommu_pasid_withhold(space, held, true);
    put(rests);
    cr_assert(uiommu_pasid_space_valid(space));
}

TestSuite(pasid_valid, .init = begin);

#define WRONG(field, value)                                                                        \
    do {                                                                                           \
        __typeof__(field) was = (field);                                                           \
        (field) = (value);                                                                         \
        cr_assert_not(uiommu_pasid_space_valid(space), "not noticed: " #field " = " #value);       \
        (field) = was;                                                                             \
        cr_assert(uiommu_pasid_space_valid(space), "wrong before: " #field);                       \
    } while (0)

Test(pasid_valid, the_space)
{
    WRONG(space->magic, 0);
    WRONG(space->config.first, 1001);
    WRONG(space->config.last, UINT32_C(1) << UIOMMU_PASID_BITS);
    WRONG(space->leaf_bits, 11);
    WRONG(space->leaves, space->leaves + 1);
    WRONG(space->leaves, space->leaves - 1);
    WRONG(space->live, 2);
}

Test(pasid_valid, a_number)
{
    WRONG(bound_at(space, held)->withheld, 2);
    WRONG(bound_at(space, held)->bonds, 0);
    WRONG(bound_at(space, live)->bonds, 1);
    WRONG(bound_at(space, live)->space_of, 1);
    WRONG(bound_at(space, waits[0])->bonds, 1);
    WRONG(bound_at(space, waits[0])->space_of, 1);
    WRONG(*word_at(space, held), LIVE | 1u);
    WRONG(*word_at(space, live), 0);
    WRONG(*word_at(space, live), LIVE);
    WRONG(*word_at(space, live), LIVE | OWNED | 1u);
    WRONG(*word_at(space, live), LIVE | BOUND | 1u);
    WRONG(*word_at(space, rests), LIVE);
    WRONG(*word_at(space, waits[0]), LIVE | 1u);
    WRONG(*word_at(space, waits[1]), OWNED);
    WRONG(*word_at(space, waits[1]), UINT32_C(1) << UIOMMU_PASID_BITS);
}

/* Whose it is, is known as long as there are references. */
Test(pasid_valid, an_owner)
{
    struct uiommu_owner_config config = {.size = sizeof(config)};
    struct uiommu_owner *owner = NULL;
    uint32_t pasid = 0, bound = 0;

    cr_assert_eq(uiommu_owner_create(u, &config, &owner), UIOMMU_OK);
    cr_assert_eq(uiommu_pasid_alloc(space, owner, 0, &pasid), UIOMMU_OK);
    cr_assert_eq(uiommu_pasid_alloc(space, owner, 0, &bound), UIOMMU_OK);
    cr_assert_eq(uiommu_pasid_bond_get(space, bound, 1), UIOMMU_OK);
    cr_assert(uiommu_pasid_space_valid(space));
    WRONG(*owner_at(space, pasid), NULL);
    WRONG(*owner_at(space, live), owner);
    WRONG(*owner_at(space, waits[0]), owner);
    WRONG(*word_at(space, pasid), LIVE | 1u);
    WRONG(*word_at(space, bound), LIVE | OWNED | BOUND);
    WRONG(*owner_at(space, class_of(space, pasid)->fresh), owner);
    put(pasid);
    cr_assert_null(*owner_at(space, pasid));
    cr_assert_eq(owner->pasids, 1);
    put(bound);
    cr_assert_eq(owner->pasids, 0);
    cr_assert(uiommu_pasid_space_valid(space));
}

Test(pasid_valid, a_class)
{
    struct class *class = class_at(space, uiommu_bits_length(waits[0]));
    struct class *low = class_at(space, 3);

    WRONG(class->fresh, 0);
    WRONG(class->fresh, class->last + 2);
    WRONG(class->fresh, class->fresh + 1); /* its leaf has it: it waits for ever */
    WRONG(class->waiting, 1);
    WRONG(class->waiting, 3);
    WRONG(class->waiting, 1000);
    WRONG(class->head, live);
    WRONG(class->head, 0);
    WRONG(class->tail, waits[0]);
    WRONG(*word_at(space, waits[0]), waits[0]);
    WRONG(*word_at(space, waits[0]), class->fresh);
    WRONG(low->fresh, low->last + 2);
    WRONG(low->waiting, 1);
}

/* What sums do not tell: one that is lost and another one too many. */
Test(pasid_valid, two_wrongs)
{
    struct class *class = class_at(space, uiommu_bits_length(waits[0]));

    cr_assert_eq(uiommu_bits_length(live), uiommu_bits_length(waits[0]));
    *word_at(space, live) = 0;
    *word_at(space, class->fresh) = LIVE | 1u;
    cr_assert_not(uiommu_pasid_space_valid(space), "one that was never given");
    *word_at(space, class->fresh) = 0;
    *word_at(space, live) = LIVE | 1u;
    cr_assert(uiommu_pasid_space_valid(space));
    *word_at(space, waits[0]) = waits[0];
    class->tail = waits[0];
    cr_assert_not(uiommu_pasid_space_valid(space), "one that waits twice");
}

/* What was never given out is untouched, next to what was and further on; a leaf may be full. */
Test(pasid_valid, never_given)
{
    struct class *class = class_at(space, uiommu_bits_length(waits[0]));
    uint32_t low = 0, i;

    WRONG(*word_at(space, class->fresh), LIVE | 1u);
    WRONG(*word_at(space, class->fresh), 7);
    WRONG(bound_at(space, class->fresh + 1)->bonds, 1);
    WRONG(bound_at(space, class->fresh | 15u)->withheld, 1);
    for (i = 0; i < 40; i++)
        (void)get();
    cr_assert(uiommu_pasid_space_valid(space));
    WRONG(*word_at(space, class->fresh), LIVE | 1u);
    cr_assert_eq(uiommu_pasid_alloc(space, NULL, 3, &low), UIOMMU_OK);
    cr_assert_lt(low, 8);
    cr_assert(uiommu_pasid_space_valid(space));
    WRONG(*word_at(space, low), 0);
    WRONG(*word_at(space, low + 1), LIVE | 1u);
}

/* A leaf that was never made holds no number. */
Test(pasid_valid, a_leaf)
{
    uint32_t leaf = waits[0] >> space->leaf_bits;

    cr_assert_not_null(space->part[WORDS][leaf]);
    WRONG(space->part[WORDS][leaf], NULL);
    WRONG(space->part[BOUNDS][leaf], NULL);
    WRONG(space->part[BOUNDS][leaf + 1], space->part[BOUNDS][leaf]);
    WRONG(space->part[OWNERS][leaf + 1], space->part[BOUNDS][leaf]);
}

Test(pasid_valid, locked)
{
    cr_assert_not(uiommu_pasid_space_locked(space));
    space->lock.word.v = 1;
    cr_assert(uiommu_pasid_space_locked(space));
    space->lock.word.v = 0;
}

/* A number outside of the space is nobody's; one that is held as often as can be is held no more.
 */
Test(pasid_valid, at_the_limits)
{
    cr_assert_eq(uiommu_pasid_hold(space, 4), UIOMMU_E_NOT_FOUND);
    cr_assert_eq(uiommu_pasid_hold(space, 1001), UIOMMU_E_NOT_FOUND);
    *word_at(space, live) = LIVE | REFS;
    cr_assert_eq(uiommu_pasid_hold(space, live), UIOMMU_E_NOSPACE);
    cr_assert_eq(*word_at(space, live), LIVE | REFS);
    cr_assert_eq(uiommu_pasid_put(space, live), UIOMMU_OK);
    cr_assert_eq(*word_at(space, live), (LIVE | REFS) - 1u);
    *word_at(space, live) = LIVE | 1u;
    bound_at(space, held)->bonds = UINT16_MAX;
    cr_assert_eq(uiommu_pasid_bond_get(space, held, 1), UIOMMU_E_NOSPACE);
    bound_at(space, held)->bonds = 1;
}

/* Leaves and their list are about as large as each other; a unit more is one more. */
Test(pasid_valid, of_its_own)
{
    struct uiommu_pasid_space_config config = {sizeof(config), 1, 511, 0};
    struct uiommu_pasid_space *other = NULL, nothing;

    cr_assert_eq(space->leaf_bits, 4);
    cr_assert_eq(uiommu_pasid_space_create(u, &config, &other), UIOMMU_OK);
    cr_assert_eq(other->leaf_bits, 4);
    uiommu_space_use(other, true);
    cr_assert_eq(other->users, 1);
    uiommu_space_use(other, false);
    cr_assert_eq(uiommu_pasid_space_destroy(other), UIOMMU_OK);
    config.last = 1023;
    cr_assert_eq(uiommu_pasid_space_create(u, &config, &other), UIOMMU_OK);
    cr_assert_eq(other->leaf_bits, 4);
    cr_assert_eq(uiommu_pasid_space_destroy(other), UIOMMU_OK);
    cr_assert_eq(bound_at(space, held)->withheld, 1);
    memset(&nothing, 0, sizeof(nothing));
    nothing.u = u;
    cr_assert_not(uiommu_is_space_of(&nothing, u));
}

/* ---- one thing is wrong, and all sums are right ---- */

static struct uiommu_pasid_space *small(uint32_t first, uint32_t last)
{
    struct uiommu_pasid_space_config config = {sizeof(config), first, last, 0};
    struct uiommu_pasid_space *out = NULL;

    cr_assert_eq(uiommu_pasid_space_create(u, &config, &out), UIOMMU_OK);
    cr_assert(uiommu_pasid_space_valid(out));
    return out;
}

Test(pasid_valid, frame)
{
    static void *none[1025];
    uint32_t k;

    space = small(1, 511);
    space->config.first = 512;
    for (k = 0; k < 10; k++)
        class_at(space, k)->fresh = 512;
    cr_assert_not(uiommu_pasid_space_valid(space), "none is left");
    space = small(1, 511);
    space->part[WORDS] = space->part[OWNERS] = space->part[BOUNDS] = none;
    space->leaves = 1;
    space->leaf_bits = 10;
    cr_assert(uiommu_pasid_space_valid(space));
    space->leaf_bits = 11;
    cr_assert_not(uiommu_pasid_space_valid(space));
    space->leaf_bits = 10;
    space->leaves = 1025;
    space->config.last = UINT32_C(1) << UIOMMU_PASID_BITS;
    cr_assert_not(uiommu_pasid_space_valid(space));
    space = small(0, 511);
    WRONG(class_at(space, 0)->fresh, 3);
    class_at(space, 9)->fresh = 257; /* one that is lost, and one too many */
    class_at(space, 8)->fresh = 127;
    cr_assert_not(uiommu_pasid_space_valid(space), "below its class");
    (void)small(7, 7);
}

Test(pasid_valid, beyond_the_last)
{
    uint32_t first, i;

    for (first = 496; first <= 500; first += 4) {
        space = small(first, 500);
        for (i = first; i <= 500; i++)
            (void)get();
        cr_assert(uiommu_pasid_space_valid(space));
        *word_at(space, 501) = LIVE | 1u;
        class_at(space, 9)->fresh = 502;
        space->live++;
        cr_assert_not(uiommu_pasid_space_valid(space));
    }
}

static void waits_alone(struct class *class, uint32_t pasid)
{
    uint32_t head = class->head, tail = class->tail;

    class->head = class->tail = pasid;
    cr_assert_not(uiommu_pasid_space_valid(space), "%u waits", pasid);
    class->head = head;
    class->tail = tail;
    cr_assert(uiommu_pasid_space_valid(space));
}

Test(pasid_valid, another_waits)
{
    struct class *class;
    uint32_t low = 0, second = 0;

    cr_assert_eq(uiommu_pasid_alloc(space, NULL, 4, &low), UIOMMU_OK);
    cr_assert_eq(uiommu_pasid_alloc(space, NULL, 4, &second), UIOMMU_OK);
    cr_assert(low == 8 && second == 9);
    put(second);
    class = class_at(space, 4);
    waits_alone(class, class->fresh);
    waits_alone(class, 7);
    waits_alone(class, low);
    *word_at(space, low) = 0;
    *word_at(space, class->fresh) = LIVE | 1u;
    cr_assert_not(uiommu_pasid_space_valid(space), "one lost, one never given");
}

/* The last of a leaf has no neighbour to be compared with; a leaf may be beyond all of its class.
 */
Test(pasid_valid, last_of_a_leaf)
{
    static uint32_t early[16];
    struct class *class = class_at(space, uiommu_bits_length(waits[0]));

    while (class->fresh % 16 != 15)
        (void)get();
    WRONG(*word_at(space, class->fresh), 7);
    WRONG(bound_at(space, class->fresh)->withheld, 1);
    space = small(1, 511);
    space->part[WORDS][17] = early;
    cr_assert(uiommu_pasid_space_valid(space));
    WRONG(early[0], 7);
    space->part[WORDS][17] = NULL;
}

static struct uiommu_pasid_space *going;
static uint32_t objects;
static void (*heap_put)(void *ctx, void *ptr, size_t bytes);

static void put_back(void *ctx, void *ptr, size_t bytes)
{
    cr_assert_eq(going->magic, 0, "nobody takes it for a space any more");
    cr_assert_eq(u->objects, objects, "its instance stays until it is gone");
    heap_put(ctx, ptr, bytes);
}

Test(pasid_valid, ends)
{
    struct uiommu_pasid_space_config config = {sizeof(config), 1, 511, 0};

    cr_assert_eq(uiommu_pasid_space_create(u, &config, &going), UIOMMU_OK);
    objects = u->objects;
    heap_put = u->host.heap_put;
    u->host.heap_put = put_back;
    cr_assert_eq(uiommu_pasid_space_destroy(going), UIOMMU_OK);
    u->host.heap_put = heap_put;
    cr_assert(u->objects == objects - 1 && host.bad_puts == 0);
}

static uiommu_err probe(void *hw, struct uiommu_caps *caps)
{
    (void)hw;
    memset(caps, 0, sizeof(*caps));
    caps->id_bits = 16;
    caps->pasid_bits = 20;
    return UIOMMU_OK;
}

/* A unit's own look leaves a space alone that somebody is at. */
Test(pasid_valid, of_a_unit)
{
    struct uiommu_backend_ops ops = {.size = sizeof(ops), .probe = probe};
    struct uiommu_unit_config config = {.size = sizeof(config), .pasids = space};
    struct uiommu_unit *unit = NULL;

    cr_assert_eq(uiommu_unit_create(u, &ops, NULL, &config, &unit), UIOMMU_OK);
    cr_assert(uiommu_unit_valid(unit));
    space->live++;
    cr_assert_not(uiommu_unit_valid(unit));
    space->lock.word.v = 1;
    cr_assert(uiommu_unit_valid(unit));
    space->lock.word.v = 0;
    space->live--;
    cr_assert_eq(uiommu_unit_destroy(unit), UIOMMU_OK);
}
