/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The pool of group slots, one step from any state of a small one that holds together: no slot and
 * no page is lost or in two places, charges are neither lost nor given twice (I9), a token of a
 * group that is over names none (I3), groups that the step is not about stay as they are.
 */
#include "../prove.h"

#include "../prove_core.h"

struct uiommu_group_slot;
struct uiommu_page;
static struct uiommu_group_slot *prove_slot(uint32_t index);
static struct uiommu_page *prove_page(uint32_t index);

#include <core/core.h>

#include <core/slot.c>

/* What a variant knows: the slot that it is about, the heads of two lists. */
#ifndef AT
#define AT nondet_u32()
#endif
#ifndef FREE
#define FREE nondet_u32()
#endif
#ifndef FREED
#define FREED nondet_u32()
#endif

#define SLOTS 2u /* each a chunk of its own, so that it is an object of its own */

static struct uiommu_unit unit;
static struct uiommu_slot_chunk first, second, *chunks[SLOTS] = {&first, &second};
static struct uiommu_port port;
static struct uiommu_device dev;
static struct uiommu_bond bond;

static struct uiommu_group_slot *prove_slot(uint32_t index)
{
    PROVE(index < unit.pool.count);
    return index == 0 ? &first.slot[0] : &second.slot[0];
}

static struct uiommu_page *prove_page(uint32_t index)
{
    PROVE(index < unit.pool.count);
    return index == 0 ? &first.page[0] : &second.page[0];
}

static uint32_t memory; /* chunks that there is memory for */

void *uiommu_heap_get(struct uiommu *u, size_t bytes)
{
    (void)u;
    PROVE(bytes == sizeof(first));
    if (unit.pool.count == memory)
        return NULL;
    return unit.pool.count == 0 ? &first : &second;
}

void uiommu_heap_put(struct uiommu *u, void *ptr, size_t bytes)
{
    (void)u;
    (void)ptr;
    (void)bytes;
}

static void any_chunk(struct uiommu_slot_chunk *chunk)
{
    struct uiommu_group_slot *slot = &chunk->slot[0];

    chunk->page[0].next = nondet_u32();
    slot->state.v = nondet_u32();
    slot->generation = nondet_u32();
    slot->index = nondet_u32();
    slot->flags = nondet_u32();
    slot->prgi = nondet_u32();
    slot->pages = nondet_u32();
    slot->last_page = nondet_u32();
    slot->first.next = nondet_u32();
    slot->dev = nondet_bool() ? &dev : NULL;
    slot->bond = nondet_bool() ? &bond : NULL;
    slot->next = nondet_u32();
    slot->prev = nondet_u32();
    slot->ready_next = nondet_u32();
    slot->list = nondet_u8();
    slot->charged = nondet_u8();
    slot->in_call = nondet_u8();
    slot->ran = nondet_u8();
    slot->since_ns = nondet_u64();
    ASSUME(slot->since_ns <= unit.now_ns);
}

/* As the role finds it between two of its steps. */
static void any_pool(void)
{
    struct uiommu_pool *pool = &unit.pool;

    any_chunk(&first);
    any_chunk(&second);
    pool->chunks = chunks;
    pool->max = SLOTS;
    pool->count = SLOTS;
    pool->free_slot = nondet_u32();
    pool->free_page = nondet_u32();
    pool->freed = nondet_u32();
    pool->parked = nondet_u32();
    pool->parked_tail = nondet_u32();
    pool->open.head = nondet_u32();
    pool->open.tail = nondet_u32();
    pool->live.head = nondet_u32();
    pool->live.tail = nondet_u32();
}

/* What slots say is charged, and what was answered early, is what port and unit count. */
static bool charges_agree(void)
{
    uint32_t i, pages = 0, groups = 0, stalls = 0, charged;

    for (i = 0; i < SLOTS; i++) {
        charged = prove_slot(i)->charged;
        if ((prove_slot(i)->flags & UIOMMU_REQUEST_STALL) != 0) {
            stalls += charged;
        } else {
            groups += charged;
            pages += charged * prove_slot(i)->pages;
        }
    }
    return pages + port.released == port.outstanding.v &&
           groups + port.released_groups == port.groups.v &&
           stalls + unit.stalls_released == unit.stalls;
}

/* Two chains that meet end in the same page. */
static bool no_page_twice(void)
{
    uint32_t i, end, ends[SLOTS], last;
    bool ok = true;

    (void)chain(&unit.pool, unit.pool.free_page, SLOTS, &last);
    for (i = 0; i < SLOTS; i++) {
        ends[i] = is_free(prove_slot(i)) ? UIOMMU_NO_SLOT : prove_slot(i)->last_page;
        ok &= ends[i] == UIOMMU_NO_SLOT || ends[i] != last;
    }
    for (i = 1; i < SLOTS; i++)
        for (end = 0; end < i; end++)
            ok &= ends[i] == UIOMMU_NO_SLOT || ends[i] != ends[end];
    return ok;
}

static struct uiommu_group_slot *any_of(uint32_t states)
{
    uint32_t i = AT;

    ASSUME(i < SLOTS);
    ASSUME((states >> uiommu_slot_state(prove_slot(i)) & 1) != 0);
    return prove_slot(i);
}

static void begin(void)
{
    struct uiommu_group_slot *slot;
    uint32_t i;

    /* What it takes back first is a step of its own. */
    ASSUME(unit.pool.free_slot != UIOMMU_NO_SLOT || unit.pool.freed == UIOMMU_NO_SLOT);
    slot = uiommu_slot_open(&unit);
    if (slot == NULL) {
        for (i = 0; i < SLOTS; i++)
            PROVE(uiommu_slot_state(prove_slot(i)) != UIOMMU_SLOT_FREE);
        return;
    }
    slot->flags = nondet_bool() ? UIOMMU_REQUEST_STALL : 0;
    slot->prgi = nondet_u32() % UIOMMU_PRG_INDICES;
    slot->dev = &dev;
    slot->bond = &bond;
    uiommu_word_store(&slot->state, UIOMMU_SLOT_OPEN);
    PROVE(uiommu_slot_add_page(&unit, slot, nondet_u64(), nondet_u32())); /* the first is its own */
    slot->charged = 1;
    unit.stalls += (slot->flags & UIOMMU_REQUEST_STALL) != 0;
    port.outstanding.v += (slot->flags & UIOMMU_REQUEST_STALL) == 0;
    port.groups.v += (slot->flags & UIOMMU_REQUEST_STALL) == 0;
    uiommu_age_add(&unit, slot, 1);
}

static void more(void)
{
    struct uiommu_group_slot *slot = any_of(1u << UIOMMU_SLOT_OPEN);
    uint32_t was = slot->pages;
    bool room;

    ASSUME((slot->flags & UIOMMU_REQUEST_STALL) == 0);
    ASSUME(slot->charged == 1);
    room = uiommu_slot_add_page(&unit, slot, nondet_u64(), nondet_u32());
    PROVE(slot->pages == was + room);
    port.outstanding.v += room;
}

static void complete(void)
{
    struct uiommu_group_slot *slot = any_of(1u << UIOMMU_SLOT_OPEN);

    uiommu_age_remove(&unit, slot);
    uiommu_age_add(&unit, slot, 2);
    uiommu_word_store(&slot->state, UIOMMU_SLOT_READY);
}

static void over(void)
{
    struct uiommu_group_slot *slot =
        any_of(1u << UIOMMU_SLOT_READY | 1u << UIOMMU_SLOT_PICKED | 1u << UIOMMU_SLOT_CALLED |
               1u << UIOMMU_SLOT_PENDING | 1u << UIOMMU_SLOT_ORPHAN);
    uint32_t was = slot->generation;

    if (uiommu_slot_state(slot) == UIOMMU_SLOT_READY)
        slot->in_call = 0;
    uiommu_slot_end(&unit, slot);
    PROVE(slot->generation != was && slot->generation != 0);
}

/* The runner comes back to a group that was answered meanwhile, as in run_one(). */
static void come_back(void)
{
    struct uiommu_group_slot *slot = any_of(1u << UIOMMU_SLOT_DONE);

    ASSUME(slot->in_call != 0);
    slot->in_call = 0;
    slot->ready_next = unit.pool.freed;
    unit.pool.freed = slot->index;
}

static void step(uint32_t what)
{
    if (what == 0)
        begin();
    else if (what == 1)
        more();
    else if (what == 2)
        complete();
    else if (what == 3)
        uiommu_slot_close(&unit, any_of(1u << UIOMMU_SLOT_OPEN));
    else if (what == 4)
        over();
    else if (what == 5)
        come_back();
    else if (what == 6)
        uiommu_pool_reclaim(&unit);
    else if (what == 7)
        uiommu_age_defer(&unit, any_of(0x1feu));
    else
        uiommu_credits_take(&unit, &port);
}

/* From nothing, as far as memory goes; one by one, for what is known costs nothing. */
static void grow(uint32_t chunks_there)
{
    static const struct uiommu_pool none = {chunks,
                                            SLOTS,
                                            0,
                                            UIOMMU_NO_SLOT,
                                            UIOMMU_NO_SLOT,
                                            UIOMMU_NO_SLOT,
                                            UIOMMU_NO_SLOT,
                                            UIOMMU_NO_SLOT,
                                            {UIOMMU_NO_SLOT, UIOMMU_NO_SLOT},
                                            {UIOMMU_NO_SLOT, UIOMMU_NO_SLOT}};

    unit.pool = none;
    memory = chunks_there;
    PROVE((uiommu_pool_grow(&unit, 2) == UIOMMU_OK) == (memory >= 2));
    PROVE(unit.pool.count == memory && uiommu_pool_valid(&unit.pool));
}

#ifndef WHAT /* the pool is made */
void prove(void)
{
    grow(0);
    grow(1);
    grow(2);
}
#else
void prove(void)
{
    unit.now_ns = nondet_u64();
    dev.port = &port;
    port.released = nondet_u16();
    port.released_groups = nondet_u16();
    port.outstanding.v = nondet_u32();
    port.groups.v = nondet_u32();
    unit.stalls = nondet_u32();
    unit.stalls_released = nondet_u16();
    any_pool();
    unit.pool.free_slot = FREE;
    unit.pool.freed = FREED;
    ASSUME(uiommu_pool_valid(&unit.pool) && charges_agree() && no_page_twice());
    step(WHAT);
    PROVE(uiommu_pool_valid(&unit.pool) && charges_agree() && no_page_twice());
}
#endif
