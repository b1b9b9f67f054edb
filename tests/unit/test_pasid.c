/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>

#include "../../core/core.h"
#include "../support/fake_host.h"

#define ALL (UINT32_C(1) << UIOMMU_PASID_BITS)

static struct fake_host host;
static struct uiommu *u;

static void begin(void)
{
    fake_host_init(&host);
    u = fake_host_create(&host);
}

/* The last line of every test: an assertion in a fini function would count for nothing. */
static void end(void)
{
    cr_assert(fake_host_destroy(&host, u));
}

TestSuite(pasid, .init = begin);

static struct uiommu_pasid_space *make(uint32_t first, uint32_t last, uint32_t distance)
{
    struct uiommu_pasid_space_config config = {sizeof(config), first, last, distance};
    struct uiommu_pasid_space *space = NULL;

    cr_assert_eq(uiommu_pasid_space_create(u, &config, &space), UIOMMU_OK);
    return space;
}

static void drop(struct uiommu_pasid_space *space)
{
    cr_assert_eq(uiommu_pasid_space_destroy(space), UIOMMU_OK);
}

static uint32_t take(struct uiommu_pasid_space *space, uint32_t width)
{
    uint32_t pasid = UIOMMU_PASID_NONE;
    uiommu_err err = uiommu_pasid_alloc(space, NULL, width, &pasid);

    if (err != UIOMMU_OK)
        cr_assert_fail("alloc: %d", err);
    return pasid;
}

static void put(struct uiommu_pasid_space *space, uint32_t pasid)
{
    uiommu_err err = uiommu_pasid_put(space, pasid);

    if (err != UIOMMU_OK)
        cr_assert_fail("put %u: %d", pasid, err);
}

static void expect(struct uiommu_pasid_space *space, uint32_t pasid, enum uiommu_pasid_state state,
                   uint32_t refs, uint32_t bonds)
{
    struct uiommu_pasid_info info;

    cr_assert_eq(uiommu_pasid_get_info(space, pasid, &info), UIOMMU_OK);
    cr_assert_eq(info.state, state, "state is %d", (int)info.state);
    cr_assert_eq(info.refs, refs);
    cr_assert_eq(info.bonds, bonds);
}

Test(pasid, arguments)
{
    struct uiommu_pasid_space_config config = {sizeof(config), 1, 100, 0};
    struct uiommu_pasid_space *space = NULL;
    struct uiommu_pasid_info info;
    uint64_t no_space[64] = {0};
    void *nothing = no_space;
    uint32_t pasid = 7;

    cr_assert_eq(uiommu_pasid_space_create(NULL, &config, &space), UIOMMU_E_HANDLE);
    cr_assert_eq(uiommu_pasid_space_create(u, NULL, &space), UIOMMU_E_INVALID);
    cr_assert_eq(uiommu_pasid_space_create(u, &config, NULL), UIOMMU_E_INVALID);
    config.size--;
    cr_assert_eq(uiommu_pasid_space_create(u, &config, &space), UIOMMU_E_INVALID);
    config.size++;
    config.first = 101;
    cr_assert_eq(uiommu_pasid_space_create(u, &config, &space), UIOMMU_E_RANGE);
    config.last = ALL;
    cr_assert_eq(uiommu_pasid_space_create(u, &config, &space), UIOMMU_E_RANGE);
    cr_assert_null(space);
    space = make(10, 100, 0);
    cr_assert_eq(uiommu_pasid_alloc(space, NULL, 21, &pasid), UIOMMU_E_RANGE);
    cr_assert_eq(uiommu_pasid_alloc(space, NULL, 3, &pasid), UIOMMU_E_NOSPACE);
    cr_assert_eq(uiommu_pasid_alloc(space, NULL, 7, NULL), UIOMMU_E_INVALID);
    cr_assert_eq(uiommu_pasid_alloc(space, nothing, 7, &pasid), UIOMMU_E_HANDLE);
    cr_assert_eq(pasid, 7, "untouched");
    cr_assert_eq(uiommu_pasid_get_info(space, 9, &info), UIOMMU_E_RANGE);
    cr_assert_eq(uiommu_pasid_get_info(space, 101, &info), UIOMMU_E_RANGE);
    cr_assert_eq(uiommu_pasid_get_info(space, UINT32_MAX, &info), UIOMMU_E_RANGE);
    cr_assert_eq(uiommu_pasid_get_info(space, 10, NULL), UIOMMU_E_INVALID);
    cr_assert_eq(uiommu_pasid_put(space, 10), UIOMMU_E_NOT_FOUND);
    cr_assert_eq(uiommu_pasid_put(space, UINT32_MAX), UIOMMU_E_NOT_FOUND);
    cr_assert_eq(uiommu_pasid_hold(space, 10), UIOMMU_E_NOT_FOUND);
    cr_assert_eq(uiommu_pasid_hold(space, UINT32_MAX), UIOMMU_E_NOT_FOUND);
    cr_assert_eq(uiommu_pasid_bond_get(space, 10, 3), UIOMMU_E_NOT_FOUND);
    expect(space, 10, UIOMMU_PASID_FREE, 0, 0);
    drop(space);
    cr_assert_eq(uiommu_pasid_alloc(NULL, NULL, 7, &pasid), UIOMMU_E_HANDLE);
    cr_assert_eq(uiommu_pasid_put(nothing, 10), UIOMMU_E_HANDLE);
    cr_assert_eq(uiommu_pasid_hold(NULL, 10), UIOMMU_E_HANDLE);
    cr_assert_eq(uiommu_pasid_get_info(nothing, 10, &info), UIOMMU_E_HANDLE);
    cr_assert_eq(uiommu_pasid_space_destroy(NULL), UIOMMU_E_HANDLE);
    cr_assert_eq(uiommu_pasid_space_destroy(nothing), UIOMMU_E_HANDLE);
    end();
}

/* Every width, every small range: each number once, and only numbers that fit. */
Test(pasid, every_width_and_range)
{
    static unsigned char seen[64];
    uint32_t first, last, width, pasid, k, n, fit;

    for (first = 0; first < 40; first += 3) {
        for (last = first; last < 64; last += 5) {
            for (width = 1; width <= 8; width++) {
                struct uiommu_pasid_space *space = make(first, last, 0);

                memset(seen, 0, sizeof(seen));
                for (fit = 0, k = first; k <= last; k++)
                    fit += k >> width == 0;
                for (n = 0; uiommu_pasid_alloc(space, NULL, width, &pasid) == UIOMMU_OK; n++) {
                    if (pasid < first || pasid > last || pasid >> width != 0 || seen[pasid]++ != 0)
                        cr_assert_fail("%u of %u..%u width %u", pasid, first, last, width);
                }
                if (n != fit)
                    cr_assert_fail("%u of %u in %u..%u width %u", n, fit, first, last, width);
                for (k = first; k <= last; k++) {
                    if (seen[k] != 0)
                        put(space, k);
                }
                drop(space);
            }
        }
    }
    end();
}

Test(pasid, narrow_numbers_are_left_for_narrow_devices)
{
    struct uiommu_pasid_space *space = make(1, 255, 0);
    uint32_t k, freed = 0;

    for (k = 0; k < 128; k++)
        cr_assert_geq(take(space, 20), 128);
    cr_assert_eq(uiommu_bits_length(take(space, 0)), 7);
    cr_assert_eq(uiommu_bits_length(take(space, 5)), 5);
    cr_assert_eq(take(space, 1), 1);
    for (k = 0; k < 3; k++)
        cr_assert_leq(take(space, 3), 7);
    for (k = 1; k < 256; k++)
        freed += uiommu_pasid_put(space, k) == UIOMMU_OK;
    cr_assert_eq(freed, 128 + 6);
    drop(space);
    end();
}

Test(pasid, all_of_2_to_the_20)
{
    static unsigned char seen[ALL];
    struct uiommu_pasid_space *space = make(0, ALL - 1, 0);
    uint32_t k, pasid;

    for (k = 0; k < ALL; k++) {
        pasid = take(space, 0);
        if (pasid >= ALL || seen[pasid]++ != 0)
            cr_assert_fail("%u again", pasid);
    }
    cr_assert_eq(uiommu_pasid_alloc(space, NULL, 0, &pasid), UIOMMU_E_NOSPACE);
    cr_assert_eq(uiommu_pasid_space_destroy(space), UIOMMU_E_BUSY);
    put(space, 5);
    cr_assert_eq(take(space, 20), 5, "the last one is taken, whatever its width");
    /* 4 bytes a number and a little. */
    cr_assert_lt(host.live_bytes, (uint64_t)ALL * 4 + 65536);
    for (k = 0; k < ALL; k++)
        put(space, k);
    drop(space);
    end();
}

Test(pasid, first_number_is_cheap)
{
    struct uiommu_pasid_space *space;
    uint64_t before = host.live_bytes;

    space = make(1, 31, 0);
    put(space, take(space, 0));
    cr_assert_lt(host.live_bytes - before, 2048);
    drop(space);
    space = make(1, ALL - 1, 0);
    put(space, take(space, 0));
    cr_assert_lt(host.live_bytes - before, 65536);
    drop(space);
    end();
}

Test(pasid, oldest_first_after_the_distance)
{
    struct uiommu_pasid_space *space;
    uint32_t distance, k, fresh;

    for (distance = 1; distance < 100; distance += 7) {
        space = make(0x1000, 0x1fff, distance);
        /* One at a time: a number comes back after so many others, not sooner. */
        for (k = 0; k <= distance; k++) {
            fresh = take(space, 0);
            cr_assert_eq(fresh, 0x1000 + k);
            put(space, fresh);
        }
        for (k = 0; k < 3 * distance; k++) {
            uint32_t pasid = take(space, 0);

            cr_assert_eq(pasid, 0x1000 + k % (distance + 1));
            put(space, pasid);
        }
        drop(space);
    }
    space = make(0x1000, 0x1fff, 0);
    for (k = 0; k < 65; k++) {
        fresh = take(space, 0);
        cr_assert_eq(fresh, 0x1000 + k);
        put(space, fresh);
    }
    cr_assert_eq(take(space, 0), 0x1000, "the default is 64");
    put(space, 0x1000);
    drop(space);
    end();
}

Test(pasid, oldest_first_when_nothing_is_fresh)
{
    struct uiommu_pasid_space *space = make(16, 31, 1000);
    uint32_t order[16], k, pasid;

    for (k = 0; k < 16; k++)
        (void)take(space, 0);
    for (k = 0; k < 16; k++) {
        order[k] = 16 + k * 5 % 16;
        put(space, order[k]);
    }
    for (k = 0; k < 16; k++)
        cr_assert_eq(take(space, 0), order[k]);
    cr_assert_eq(uiommu_pasid_alloc(space, NULL, 0, &pasid), UIOMMU_E_NOSPACE);
    put(space, 20);
    cr_assert_eq(take(space, 0), 20);
    for (k = 16; k < 32; k++)
        put(space, k);
    drop(space);
    end();
}

/* Fresh numbers of a narrower class are taken before one that has not rested long enough. */
Test(pasid, fresh_before_rested)
{
    struct uiommu_pasid_space *space = make(4, 15, 1000);
    uint32_t k;

    for (k = 0; k < 8; k++)
        cr_assert_eq(take(space, 4), 8 + k);
    put(space, 9);
    for (k = 0; k < 4; k++)
        cr_assert_eq(take(space, 4), 4 + k);
    put(space, 6);
    cr_assert_eq(take(space, 4), 9);
    cr_assert_eq(take(space, 4), 6);
    for (k = 4; k < 16; k++)
        put(space, k);
    drop(space);
    end();
}

/* Rested ones of the widest class come before fresh ones of a narrower. */
Test(pasid, rested_before_fresh_and_narrow)
{
    struct uiommu_pasid_space *space = make(4, 15, 2);
    uint32_t k;

    for (k = 0; k < 8; k++)
        cr_assert_eq(take(space, 4), 8 + k);
    put(space, 11);
    put(space, 12);
    cr_assert_eq(take(space, 4), 4, "two wait, which is the distance and not more");
    put(space, 13);
    cr_assert_eq(take(space, 4), 11);
    cr_assert_eq(take(space, 4), 5);
    put(space, 4);
    put(space, 5);
    for (k = 8; k < 16; k++) {
        if (k != 12 && k != 13)
            put(space, k);
    }
    drop(space);
    end();
}

static struct uiommu_pasid_space *raced;
static uint32_t raced_pasid;

static void race(struct fake_host *at)
{
    at->on_get = NULL;
    raced_pasid = take(raced, 0);
}

/* Two allocations bring a leaf for the same place: one of the two goes back. */
Test(pasid, leaf_that_another_brought_first)
{
    uint64_t before;
    uint32_t pasid;

    raced = make(1, 1000, 0);
    before = host.live;
    host.on_get = race;
    pasid = take(raced, 0);
    cr_assert_eq(raced_pasid, 512);
    cr_assert_eq(pasid, 513);
    cr_assert_eq(host.live, before + 1);
    expect(raced, 512, UIOMMU_PASID_ALLOCATED, 1, 0);
    expect(raced, 513, UIOMMU_PASID_ALLOCATED, 1, 0);
    put(raced, 512);
    put(raced, 513);
    drop(raced);
    end();
}

static struct uiommu_owner *raced_owner;

/* Brings the leaf of words while another is on its way with the same. */
static void race_owned(struct fake_host *at)
{
    at->on_get = NULL;
    cr_assert_eq(uiommu_pasid_alloc(raced, raced_owner, 0, &raced_pasid), UIOMMU_OK);
}

static void race_bond(struct fake_host *at)
{
    at->on_get = NULL;
    cr_assert_eq(uiommu_pasid_bond_get(raced, raced_pasid, 1), UIOMMU_OK);
}

/* What was brought in vain goes back, whichever leaf is missing then. */
Test(pasid, leaves_that_another_brought_first)
{
    struct uiommu_owner_config config = {.size = sizeof(config)};
    struct uiommu_pasid_info info;
    uint64_t before;
    uint32_t pasid;

    cr_assert_eq(uiommu_owner_create(u, &config, &raced_owner), UIOMMU_OK);
    raced = make(1, 1000, 0);
    before = host.live;
    host.on_get = race;
    cr_assert_eq(uiommu_pasid_alloc(raced, raced_owner, 0, &pasid), UIOMMU_OK);
    cr_assert(pasid == 513 && host.live == before + 2);
    cr_assert_eq(uiommu_pasid_get_info(raced, pasid, &info), UIOMMU_OK);
    cr_assert_eq(info.owner, raced_owner);
    expect(raced, raced_pasid, UIOMMU_PASID_ALLOCATED, 1, 0);
    put(raced, pasid);
    put(raced, raced_pasid);
    host.on_get = race_bond;
    raced_pasid = take(raced, 0);
    cr_assert_eq(uiommu_pasid_bond_get(raced, raced_pasid, 1), UIOMMU_OK);
    expect(raced, raced_pasid, UIOMMU_PASID_ALLOCATED, 3, 2);
    cr_assert_eq(host.live, before + 3);
    uiommu_pasid_bond_put(raced, raced_pasid);
    uiommu_pasid_bond_put(raced, raced_pasid);
    put(raced, raced_pasid);
    drop(raced);
    raced = make(1, 1000, 0);
    host.on_get = race_owned;
    pasid = take(raced, 0);
    put(raced, pasid);
    put(raced, raced_pasid);
    drop(raced);
    cr_assert_eq(uiommu_owner_destroy(raced_owner), UIOMMU_OK);
    end();
}

Test(pasid, references)
{
    struct uiommu_pasid_space *space = make(1, 100, 1);
    const uint32_t as = 1, other = 2;
    uint32_t pasid = take(space, 0);

    expect(space, pasid, UIOMMU_PASID_ALLOCATED, 1, 0);
    cr_assert_eq(uiommu_pasid_hold(space, pasid), UIOMMU_OK);
    cr_assert_eq(uiommu_pasid_bond_get(space, pasid, as), UIOMMU_OK);
    expect(space, pasid, UIOMMU_PASID_ALLOCATED, 3, 1);
    /* R6 */
    cr_assert_eq(uiommu_pasid_bond_get(space, pasid, other), UIOMMU_E_BUSY);
    cr_assert_eq(uiommu_pasid_bond_get(space, pasid, as), UIOMMU_OK);
    put(space, pasid);
    expect(space, pasid, UIOMMU_PASID_ALLOCATED, 3, 2);
    uiommu_pasid_withhold(space, pasid, true);
    expect(space, pasid, UIOMMU_PASID_ALLOCATED, 3, 2);
    uiommu_pasid_withhold(space, pasid, false);
    put(space, pasid);
    expect(space, pasid, UIOMMU_PASID_DYING, 2, 2);
    cr_assert_eq(uiommu_pasid_put(space, pasid), UIOMMU_E_NOT_FOUND);
    cr_assert_eq(uiommu_pasid_hold(space, pasid), UIOMMU_E_STATE);
    cr_assert_eq(uiommu_pasid_bond_get(space, pasid, as), UIOMMU_E_STATE);
    cr_assert_eq(uiommu_pasid_space_destroy(space), UIOMMU_E_BUSY);
    uiommu_pasid_withhold(space, pasid, true);
    expect(space, pasid, UIOMMU_PASID_WITHHELD, 2, 2);
    uiommu_pasid_bond_put(space, pasid);
    expect(space, pasid, UIOMMU_PASID_WITHHELD, 1, 1);
    uiommu_pasid_withhold(space, pasid, false);
    expect(space, pasid, UIOMMU_PASID_DYING, 1, 1);
    uiommu_pasid_bond_put(space, pasid);
    expect(space, pasid, UIOMMU_PASID_FREE, 0, 0);
    cr_assert_eq(uiommu_pasid_put(space, pasid), UIOMMU_E_NOT_FOUND);
    drop(space);
    end();
}

/* A bond that ended while the number stays allocated lets it go to another address space. */
Test(pasid, another_space_after_the_last_bond)
{
    struct uiommu_pasid_space *space = make(1, 100, 1);
    const uint32_t as = 1, other = 2;
    uint32_t pasid = take(space, 0);

    cr_assert_eq(uiommu_pasid_bond_get(space, pasid, as), UIOMMU_OK);
    uiommu_pasid_bond_put(space, pasid);
    cr_assert_eq(uiommu_pasid_bond_get(space, pasid, other), UIOMMU_OK);
    cr_assert_eq(uiommu_pasid_bond_get(space, pasid, as), UIOMMU_E_BUSY);
    uiommu_pasid_bond_put(space, pasid);
    put(space, pasid);
    drop(space);
    end();
}

Test(pasid, counts_do_not_wrap)
{
    struct uiommu_pasid_space *space = make(1, 100, 1);
    uint32_t pasid = take(space, 0), k;
    const uint32_t as = 1;

    for (k = 0; k < UINT16_MAX; k++)
        cr_assert_eq(uiommu_pasid_bond_get(space, pasid, as), UIOMMU_OK);
    cr_assert_eq(uiommu_pasid_bond_get(space, pasid, as), UIOMMU_E_NOSPACE);
    for (k = 0; k < UINT16_MAX; k++)
        uiommu_pasid_bond_put(space, pasid);
    put(space, pasid);
    expect(space, pasid, UIOMMU_PASID_FREE, 0, 0);
    drop(space);
    end();
}

Test(pasid, owner)
{
    struct uiommu_owner_config config = {.size = sizeof(config), .pasids = 2};
    struct uiommu_pasid_space *space = make(1, 3, 1);
    struct uiommu_owner *owner = NULL, *rich = NULL;
    struct uiommu_pasid_info info;
    uint32_t a, b, c, d;

    cr_assert_eq(uiommu_owner_create(u, &config, &owner), UIOMMU_OK);
    config.pasids = 0;
    cr_assert_eq(uiommu_owner_create(u, &config, &rich), UIOMMU_OK);
    cr_assert_eq(uiommu_pasid_alloc(space, owner, 0, &a), UIOMMU_OK);
    cr_assert_eq(uiommu_pasid_alloc(space, owner, 0, &b), UIOMMU_OK);
    cr_assert_eq(uiommu_pasid_alloc(space, owner, 0, &c), UIOMMU_E_QUOTA);
    cr_assert_eq(uiommu_pasid_alloc(space, rich, 0, &c), UIOMMU_OK);
    cr_assert_eq(uiommu_pasid_alloc(space, rich, 0, &d), UIOMMU_E_NOSPACE);
    cr_assert_eq(rich->pasids, 1, "refunded");
    cr_assert_eq(uiommu_pasid_get_info(space, a, &info), UIOMMU_OK);
    cr_assert_eq(info.owner, owner);
    cr_assert_eq(uiommu_owner_destroy(owner), UIOMMU_E_BUSY);
    /* What only bonds hold is not the owner's any more: quarantine does not count. */
    cr_assert_eq(uiommu_pasid_bond_get(space, a, 1), UIOMMU_OK);
    put(space, a);
    cr_assert_eq(owner->pasids, 1);
    cr_assert_eq(uiommu_pasid_get_info(space, a, &info), UIOMMU_OK);
    cr_assert_null(info.owner);
    uiommu_pasid_bond_put(space, a);
    cr_assert_eq(owner->pasids, 1);
    uiommu_word_store(&owner->dead, 1);
    cr_assert_eq(uiommu_pasid_alloc(space, owner, 0, &d), UIOMMU_E_DEAD);
    put(space, b);
    put(space, c);
    cr_assert_eq(uiommu_owner_destroy(owner), UIOMMU_OK);
    cr_assert_eq(uiommu_owner_destroy(rich), UIOMMU_OK);
    drop(space);
    end();
}

Test(pasid, owner_of_another_instance)
{
    struct uiommu_owner_config config = {.size = sizeof(config)};
    struct uiommu_pasid_space *space = make(1, 3, 1);
    struct uiommu_owner *owner = NULL;
    struct fake_host stranger;
    struct uiommu *other;
    uint32_t pasid;

    fake_host_init(&stranger);
    other = fake_host_create(&stranger);
    cr_assert_eq(uiommu_owner_create(other, &config, &owner), UIOMMU_OK);
    cr_assert_eq(uiommu_pasid_alloc(space, owner, 0, &pasid), UIOMMU_E_HANDLE);
    cr_assert_eq(uiommu_owner_destroy(owner), UIOMMU_OK);
    cr_assert(fake_host_destroy(&stranger, other));
    drop(space);
    end();
}

/* R6: an owner pays until the last reference is back, whoever holds it. */
Test(pasid, owner_pays_to_the_last)
{
    struct uiommu_owner_config config = {.size = sizeof(config)};
    struct uiommu_pasid_space *space = make(1, 3, 1);
    struct uiommu_owner *owner = NULL, nobody;
    uint32_t pasid;

    memset(&nobody, 0, sizeof(nobody));
    nobody.u = u;
    cr_assert_eq(uiommu_pasid_alloc(space, &nobody, 0, &pasid), UIOMMU_E_HANDLE);
    cr_assert_eq(uiommu_owner_create(u, &config, &owner), UIOMMU_OK);
    cr_assert_eq(uiommu_pasid_alloc(space, owner, 0, &pasid), UIOMMU_OK);
    cr_assert_eq(uiommu_pasid_hold(space, pasid), UIOMMU_OK);
    put(space, pasid);
    cr_assert_eq(owner->pasids, 1);
    put(space, pasid);
    cr_assert_eq(owner->pasids, 0);
    cr_assert_eq(uiommu_owner_destroy(owner), UIOMMU_OK);
    drop(space);
    end();
}

Test(pasid, units_keep_a_space)
{
    struct uiommu_pasid_space *space = make(1, 3, 1);

    uiommu_space_use(space, true);
    uiommu_space_use(space, true);
    cr_assert_eq(uiommu_pasid_space_destroy(space), UIOMMU_E_BUSY);
    uiommu_space_use(space, false);
    cr_assert_eq(uiommu_pasid_space_destroy(space), UIOMMU_E_BUSY);
    uiommu_space_use(space, false);
    drop(space);
    end();
}

Test(pasid, every_memory_failure)
{
    struct uiommu_pasid_space_config config = {sizeof(config), 1, ALL - 1, 0};
    struct uiommu_owner_config owned = {.size = sizeof(owned)};
    struct uiommu_pasid_space *space;
    struct uiommu_owner *owner = NULL;
    uint64_t n, before;
    uint32_t pasid;

    cr_assert_eq(uiommu_owner_create(u, &owned, &owner), UIOMMU_OK);
    before = host.live;
    for (n = 1; n <= 2; n++) {
        host.fail_at = host.gets + n;
        cr_assert_eq(uiommu_pasid_space_create(u, &config, &space), UIOMMU_E_NOMEM);
        cr_assert_eq(host.live, before);
    }
    host.fail_at = 0;
    space = make(1, ALL - 1, 0);
    before = host.live;
    host.fail_at = host.gets + 1;
    cr_assert_eq(uiommu_pasid_alloc(space, owner, 0, &pasid), UIOMMU_E_NOMEM);
    cr_assert_eq(owner->pasids, 0);
    cr_assert_eq(host.live, before);
    /* The words come, and stay; whom they belong to does not. */
    host.fail_at = host.gets + 2;
    cr_assert_eq(uiommu_pasid_alloc(space, owner, 0, &pasid), UIOMMU_E_NOMEM);
    cr_assert_eq(owner->pasids, 0);
    cr_assert_eq(host.live, before + 1);
    cr_assert_eq(uiommu_pasid_alloc(space, owner, 0, &pasid), UIOMMU_OK);
    cr_assert_eq(pasid, ALL / 2, "the number that failed is not lost");
    cr_assert_eq(host.live, before + 2);
    host.fail_at = host.gets + 1;
    cr_assert_eq(uiommu_pasid_bond_get(space, pasid, 1), UIOMMU_E_NOMEM);
    expect(space, pasid, UIOMMU_PASID_ALLOCATED, 1, 0);
    cr_assert_eq(uiommu_pasid_bond_get(space, pasid, 1), UIOMMU_OK);
    cr_assert_eq(host.live, before + 3);
    uiommu_pasid_bond_put(space, pasid);
    put(space, pasid);
    cr_assert_eq(uiommu_owner_destroy(owner), UIOMMU_OK);
    drop(space);
    end();
}

/* Random use against a shadow of references. */
Test(pasid, against_a_shadow)
{
    static uint32_t refs[512], bonds[512];
    struct uiommu_pasid_space *space = make(3, 500, 20);
    uint32_t turn, seed = 9, k, pasid, live = 0;

    for (turn = 0; turn < 40000; turn++) {
        seed = seed * 1664525u + 1013904223u;
        k = 3 + (seed >> 16) % 498;
        switch (seed >> 8 & 7) {
        case 0:
        case 1:
        case 2:
            if (uiommu_pasid_alloc(space, NULL, 1 + (seed >> 12) % 9, &pasid) == UIOMMU_OK) {
                if (refs[pasid] != 0 || bonds[pasid] != 0)
                    cr_assert_fail("%u is in use", pasid);
                refs[pasid] = 1;
                live++;
            }
            break;
        case 3:
            if ((uiommu_pasid_hold(space, k) == UIOMMU_OK) != (refs[k] != 0))
                cr_assert_fail("hold %u", k);
            refs[k] += refs[k] != 0;
            break;
        case 4:
            if ((uiommu_pasid_bond_get(space, k, 1) == UIOMMU_OK) != (refs[k] != 0))
                cr_assert_fail("bond %u", k);
            bonds[k] += refs[k] != 0;
            break;
        case 5:
            if (bonds[k] != 0) {
                uiommu_pasid_bond_put(space, k);
                bonds[k]--;
            }
            break;
        default:
            if ((uiommu_pasid_put(space, k) == UIOMMU_OK) != (refs[k] != 0))
                cr_assert_fail("put %u", k);
            refs[k] -= refs[k] != 0;
            break;
        }
    }
    cr_assert_gt(live, 1000);
    for (k = 3; k <= 500; k++) {
        enum uiommu_pasid_state state = bonds[k] != 0 ? UIOMMU_PASID_DYING : UIOMMU_PASID_FREE;

        expect(space, k, refs[k] != 0 ? UIOMMU_PASID_ALLOCATED : state, refs[k] + bonds[k],
               bonds[k]);
        for (; refs[k] != 0; refs[k]--)
            put(space, k);
        for (; bonds[k] != 0; bonds[k]--)
            uiommu_pasid_bond_put(space, k);
    }
    drop(space);
    end();
}
