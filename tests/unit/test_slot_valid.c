/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit_scene.h"

/* What uiommu_group_slot_valid() says of a slot alone, and uiommu_pool_valid() of lists. */

enum {
    SOME = 3,
    NONE = 1,
    MUST = 2
}; /* bits: may be 0, may be 1 */

static const struct {
    uint8_t list, in_call, ran;
} rows[] = {
    [UIOMMU_SLOT_FREE] = {0, NONE, SOME},   [UIOMMU_SLOT_OPEN] = {1, NONE, NONE},
    [UIOMMU_SLOT_READY] = {2, NONE, NONE},  [UIOMMU_SLOT_PICKED] = {2, MUST, MUST},
    [UIOMMU_SLOT_CALLED] = {2, MUST, MUST}, [UIOMMU_SLOT_PENDING] = {2, NONE, MUST},
    [UIOMMU_SLOT_PARKED] = {2, SOME, SOME}, [UIOMMU_SLOT_ORPHAN] = {2, MUST, MUST},
    [UIOMMU_SLOT_DONE] = {2, SOME, SOME},
};
#define STATES (sizeof(rows) / sizeof(rows[0]))

static struct uiommu_device dev;
static struct uiommu_bond bond;
static struct uiommu_group_slot slot;

static void fresh(uint32_t state)
{
    memset(&slot, 0, sizeof(slot));
    slot.generation = 5;
    slot.list = rows[state].list;
    slot.in_call = rows[state].in_call == MUST;
    slot.ran = rows[state].ran == MUST;
    slot.last_page = UIOMMU_NO_SLOT;
    uiommu_word_store(&slot.state, state == UIOMMU_SLOT_PICKED ? 5 << 8 | state : state);
    if (state == UIOMMU_SLOT_FREE)
        return;
    slot.dev = &dev;
    slot.bond = &bond;
    slot.pages = 1;
}

/* Is it valid? Then it is made anew. */
static bool is(uint32_t state)
{
    bool ok = uiommu_group_slot_valid(&slot);

    fresh(state);
    return ok;
}

Test(slot_valid, each_state)
{
    uint32_t s, v;

    for (s = 0; s < STATES; s++) {
        fresh(s);
        cr_assert(is(s), "%u", s);
        for (v = 0; v < 3; v++) {
            slot.list = (uint8_t)v;
            cr_assert_eq(is(s), v == rows[s].list, "%u", s);
            slot.in_call = (uint8_t)v;
            cr_assert_eq(is(s), (rows[s].in_call >> v & 1) != 0, "%u", s);
        }
        for (v = 0; v < 2; v++) {
            slot.ran = (uint8_t)v;
            cr_assert_eq(is(s), (rows[s].ran >> v & 1) != 0, "%u", s);
        }
        slot.generation = 0;
        cr_assert_not(is(s));
        uiommu_word_store(&slot.state, 6 << 8 | s);
        cr_assert_not(is(s), "of another generation");
        uiommu_word_store(&slot.state, s == UIOMMU_SLOT_PICKED ? s : 5 << 8 | s);
        cr_assert_not(is(s));
    }
    uiommu_word_store(&slot.state, STATES);
    cr_assert_not(uiommu_group_slot_valid(&slot));
}

/* A free one has nothing, any other all of it. */
Test(slot_valid, what_it_has)
{
    uint32_t s;

    fresh(UIOMMU_SLOT_FREE);
    slot.dev = &dev;
    cr_assert_not(is(UIOMMU_SLOT_FREE));
    slot.bond = &bond;
    cr_assert_not(is(UIOMMU_SLOT_FREE));
    slot.pages = 1;
    cr_assert_not(is(UIOMMU_SLOT_FREE));
    slot.charged = 1;
    cr_assert_not(is(UIOMMU_SLOT_FREE));
    for (s = 1; s < STATES; s++) {
        fresh(s);
        slot.dev = NULL;
        cr_assert_not(is(s));
        slot.bond = NULL;
        cr_assert_not(is(s));
        slot.pages = 0;
        slot.last_page = 7;
        cr_assert_not(is(s));
        slot.pages = 2;
        cr_assert_not(is(s));
        slot.last_page = 7;
        cr_assert_not(is(s));
        slot.pages = 2;
        slot.last_page = 7;
        cr_assert(is(s));
        slot.charged = 1;
        cr_assert(is(s));
        slot.charged = 2;
        cr_assert_not(is(s));
    }
}

Test(slot_valid, stalls_and_indices)
{
    uint32_t s;

    for (s = 1; s < STATES; s++) {
        fresh(s);
        slot.flags = UIOMMU_REQUEST_STALL;
        slot.prgi = UIOMMU_PRG_INDICES;
        cr_assert(is(s));
        slot.flags = UIOMMU_REQUEST_STALL;
        slot.pages = 2;
        slot.last_page = 7;
        cr_assert_not(is(s));
        slot.prgi = UIOMMU_PRG_INDICES - 1;
        cr_assert(is(s));
        slot.prgi = UIOMMU_PRG_INDICES;
        cr_assert_not(is(s));
    }
    /* What was answered inside its handler has given its credits back. */
    slot.charged = 1;
    slot.in_call = 1;
    cr_assert_not(is(UIOMMU_SLOT_DONE));
    slot.charged = 1;
    cr_assert(is(UIOMMU_SLOT_DONE));
    slot.in_call = 1;
    cr_assert(is(UIOMMU_SLOT_DONE));
}

/* ---- lists ---- */

TestSuite(pool_valid, .init = scene_begin, .fini = scene_end);

static bool pool_is(uint32_t *what, uint32_t wrong)
{
    uint32_t was = *what;
    bool ok;

    *what = wrong;
    ok = uiommu_pool_valid(&unit->pool);
    *what = was;
    return ok;
}

/* An open group of two pages, one of one, a pending one, and one answered in this round. */
static struct uiommu_group_slot *groups(void)
{
    uint32_t first;

    scene.says = UIOMMU_CODE_PENDING;
    ask(8, scene.pasid, 1, LAST);
    serve();
    first = scene.group.index;
    ask(8, scene.pasid, 2, LAST);
    ask(9, scene.pasid, 3, 0);
    ask(9, scene.pasid, 3, 0);
    ask(9, scene.pasid, 4, 0);
    serve();
    cr_assert_eq(uiommu_group_respond(unit, scene.group, UIOMMU_CODE_SUCCESS), UIOMMU_OK);
    cr_assert(uiommu_pool_valid(&unit->pool));
    return uiommu_slot_at(unit, first);
}

Test(pool_valid, beyond)
{
    uint32_t total = unit->pool.count * UIOMMU_SLOT_CHUNK, i;
    uint32_t *heads[] = {&unit->pool.free_slot, &unit->pool.free_page, &unit->pool.freed,
                         &unit->pool.parked,    &unit->pool.open.head, &unit->pool.live.head};

    (void)groups();
    for (i = 0; i < 6; i++)
        cr_assert_not(pool_is(heads[i], total), "%u", i);
    cr_assert_not(pool_is(&uiommu_slot_at(unit, unit->pool.open.head)->first.next, total));
    cr_assert_not(pool_is(&uiommu_page_at(unit, unit->pool.free_page)->next, total));
}

/* As many as there should be, but another one. */
Test(pool_valid, of_another_kind)
{
    struct uiommu_group_slot *waits = groups(), *done = uiommu_slot_at(unit, unit->pool.freed);
    struct uiommu_age_list open = unit->pool.open, live = unit->pool.live;
    uint32_t next = waits->ready_next;

    cr_assert_eq(done->ready_next, UIOMMU_NO_SLOT);
    waits->ready_next = UIOMMU_NO_SLOT;
    cr_assert_not(pool_is(&unit->pool.freed, waits->index));
    waits->ready_next = next;
    unit->pool.open = live;
    unit->pool.live = open;
    cr_assert_not(uiommu_pool_valid(&unit->pool), "two of each");
    unit->pool.open = open;
    unit->pool.live = live;
    cr_assert(uiommu_pool_valid(&unit->pool));
}

static void given_back(void)
{
    uintptr_t was = host.self;

    cr_assert_eq(uiommu_group_respond(unit, scene.group, UIOMMU_CODE_SUCCESS), UIOMMU_OK);
    cr_assert(uiommu_pool_valid(&unit->pool), "its runner has it");
    cr_assert_not(pool_is(&unit->pool.freed, scene.group.index));
    host.self = was;
}

/* What its runner has is not given back, though it is done. */
Test(pool_valid, done_and_held)
{
    scene.meanwhile = given_back;
    ask(8, scene.pasid, 1, LAST);
    serve();
    cr_assert_eq(scene.calls, 1);
}

/* A look ends, whatever a slot says of its pages, and wherever they lead. */
Test(pool_valid, endless)
{
    struct uiommu_group_slot *open;
    struct uiommu_page *second;
    uint32_t next;

    (void)groups();
    open = uiommu_slot_at(unit, unit->pool.open.head);
    second = uiommu_page_at(unit, open->last_page);
    next = second->next;
    open->pages = UINT32_MAX;
    second->next = open->last_page;
    cr_assert_not(uiommu_pool_valid(&unit->pool));
    open->pages = 2;
    cr_assert_not(uiommu_pool_valid(&unit->pool));
    second->next = next;
    open->pages = 3;
    cr_assert_not(uiommu_pool_valid(&unit->pool), "one page too few, and the last is right");
    open->pages = 2;
    cr_assert(uiommu_pool_valid(&unit->pool));
}

/* Every place is one of the pool's, from the first on, and none is needed beyond. */
Test(pool_valid, size)
{
    uint32_t most = UINT32_MAX / UIOMMU_SLOT_CHUNK;

    cr_assert_not(pool_is(&unit->pool.max, unit->pool.count - 1));
    cr_assert(pool_is(&unit->pool.max, unit->pool.count));
    cr_assert(pool_is(&unit->pool.max, most));
    cr_assert_not(pool_is(&unit->pool.max, most + 1));
    cr_assert_not(pool_is(&uiommu_slot_at(unit, 0)->index, 1));
}
