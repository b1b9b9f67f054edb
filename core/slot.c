/* SPDX-License-Identifier: BSD-2-Clause */
#include "core.h"

/* New slots reach the role by the same way as used ones: the list of freed slots. */
static void pool_add(struct uiommu_unit *unit, struct uiommu_slot_chunk *chunk)
{
    struct uiommu_pool *pool = &unit->pool;
    uint32_t base = pool->count * UIOMMU_SLOT_CHUNK, i;

    for (i = 0; i < UIOMMU_SLOT_CHUNK; i++) {
        chunk->slot[i].index = base + i;
        chunk->slot[i].generation = 1;
        chunk->slot[i].last_page = base + i;
        chunk->slot[i].first.next = base + i;
        chunk->page[i].next = UIOMMU_NO_SLOT;
        chunk->slot[i].ready_next = i + 1 < UIOMMU_SLOT_CHUNK ? base + i + 1 : pool->freed;
    }
    pool->chunks[pool->count] = chunk;
    pool->count++;
    pool->freed = base;
}

uiommu_err uiommu_pool_grow(struct uiommu_unit *unit, uint32_t slots)
{
    uint32_t chunks = (slots + UIOMMU_SLOT_CHUNK - 1) / UIOMMU_SLOT_CHUNK;
    struct uiommu_slot_chunk *chunk;
    uintptr_t irq;

    while (unit->pool.count < chunks) { /* (m) is held: only we add */
        /* A grant is never beyond the ledger, and max is more than that (I9). */
        if (!uiommu_guard(UIOMMU_GUARD_I9_LEDGER) && unit->pool.count == unit->pool.max)
            return UIOMMU_E_NOSPACE;
        chunk = (struct uiommu_slot_chunk *)uiommu_heap_get(unit->u, sizeof(*chunk));
        if (chunk == NULL)
            return UIOMMU_E_NOMEM;
        irq = uiommu_lock_take(unit->u, &unit->lock);
        pool_add(unit, chunk);
        uiommu_lock_give(unit->u, &unit->lock, irq);
    }
    return UIOMMU_OK;
}

void uiommu_pool_fini(struct uiommu_unit *unit)
{
    while (unit->pool.count != 0)
        uiommu_heap_put(unit->u, unit->pool.chunks[--unit->pool.count],
                        sizeof(struct uiommu_slot_chunk));
    uiommu_heap_put(unit->u, unit->pool.chunks, unit->pool.max * sizeof(unit->pool.chunks[0]));
}

/* The charge of a slot: its pages against the port's credits, or one stall. */
static void port_take_back(struct uiommu_port *port, uint32_t pages, uint32_t groups)
{
    uint32_t outstanding = uiommu_word_peek(&port->outstanding);
    uint32_t used = uiommu_word_peek(&port->groups);

    UIOMMU_ASSERT("I9", outstanding >= pages && used >= groups);
    uiommu_word_poke(&port->outstanding, outstanding - pages);
    uiommu_word_poke(&port->groups, used - groups);
}

void uiommu_slot_uncharge(struct uiommu_unit *unit, struct uiommu_group_slot *slot)
{
    if (slot->charged == 0)
        return;
    slot->charged = 0;
    if ((slot->flags & UIOMMU_REQUEST_STALL) != 0)
        unit->stalls--;
    else
        port_take_back(slot->dev->port, slot->pages, 1);
}

void uiommu_slot_forgive(struct uiommu_unit *unit, struct uiommu_group_slot *slot)
{
    uintptr_t irq = uiommu_lock_take(unit->u, &unit->lock);

    uiommu_slot_uncharge(unit, slot);
    uiommu_lock_give(unit->u, &unit->lock, irq);
}

void uiommu_credits_take(struct uiommu_unit *unit, struct uiommu_port *port)
{
    uintptr_t irq = uiommu_lock_take(unit->u, &unit->lock);

    if (port != NULL) {
        port_take_back(port, port->released, port->released_groups);
        port->released = 0;
        port->released_groups = 0;
    }
    unit->stalls -= unit->stalls_released;
    unit->stalls_released = 0;
    uiommu_lock_give(unit->u, &unit->lock, irq);
}

/* (u) Answered, but a runner still has the slot: its credits are free all the same. */
static void credits_release(struct uiommu_unit *unit, struct uiommu_group_slot *slot)
{
    if (slot->charged == 0)
        return;
    slot->charged = 0;
    if ((slot->flags & UIOMMU_REQUEST_STALL) != 0) {
        unit->stalls_released++;
    } else {
        slot->dev->port->released += slot->pages;
        slot->dev->port->released_groups++;
    }
}

/* Pages after the first go back as one run; last_page is its end. */
static void slot_recycle(struct uiommu_unit *unit, struct uiommu_group_slot *slot)
{
    struct uiommu_pool *pool = &unit->pool;

    if (slot->list != 0)
        uiommu_age_remove(unit, slot);
    uiommu_slot_uncharge(unit, slot);
    if (slot->last_page != UIOMMU_NO_SLOT) {
        uiommu_page_at(unit, slot->last_page)->next = pool->free_page;
        pool->free_page = slot->first.next;
    }
    slot->pages = 0;
    slot->dev = NULL;
    slot->bond = NULL;
    slot->last_page = UIOMMU_NO_SLOT;
    uiommu_word_store(&slot->state, UIOMMU_SLOT_FREE);
    slot->ready_next = pool->free_slot;
    pool->free_slot = slot->index;
}

void uiommu_pool_reclaim(struct uiommu_unit *unit)
{
    struct uiommu_group_slot *slot;
    uint32_t at, next;
    uintptr_t irq;

    irq = uiommu_lock_take(unit->u, &unit->lock);
    at = unit->pool.freed;
    unit->pool.freed = UIOMMU_NO_SLOT;
    uiommu_lock_give(unit->u, &unit->lock, irq);
    while (at != UIOMMU_NO_SLOT) {
        slot = uiommu_slot_at(unit, at);
        next = slot->ready_next;
        slot_recycle(unit, slot);
        at = next;
    }
}

struct uiommu_group_slot *uiommu_slot_open(struct uiommu_unit *unit)
{
    struct uiommu_group_slot *slot;

    if (unit->pool.free_slot == UIOMMU_NO_SLOT)
        uiommu_pool_reclaim(unit);
    if (unit->pool.free_slot == UIOMMU_NO_SLOT)
        return NULL;
    slot = uiommu_slot_at(unit, unit->pool.free_slot);
    unit->pool.free_slot = slot->ready_next;
    slot->beyond = 0;
    slot->ran = 0;
    return slot;
}

bool uiommu_slot_add_page(struct uiommu_unit *unit, struct uiommu_group_slot *slot,
                          uint64_t address, uint32_t access)
{
    struct uiommu_page *page;
    uint32_t index;

    if (slot->pages == 0) {
        page = &slot->first;
        page->next = UIOMMU_NO_SLOT;
    } else {
        index = unit->pool.free_page;
        if (index == UIOMMU_NO_SLOT)
            return false;
        page = uiommu_page_at(unit, index);
        unit->pool.free_page = page->next;
        page->next = UIOMMU_NO_SLOT;
        if (slot->last_page == UIOMMU_NO_SLOT)
            slot->first.next = index;
        else
            uiommu_page_at(unit, slot->last_page)->next = index;
        slot->last_page = index;
    }
    page->address = address;
    page->access = access;
    slot->pages++;
    return true;
}

static struct uiommu_age_list *age_list(struct uiommu_unit *unit, uint8_t list)
{
    return list == 1 ? &unit->pool.open : &unit->pool.live;
}

void uiommu_age_add(struct uiommu_unit *unit, struct uiommu_group_slot *slot, uint8_t list)
{
    struct uiommu_age_list *ages = age_list(unit, list);

    slot->list = list;
    slot->since_ns = unit->now_ns;
    slot->next = UIOMMU_NO_SLOT;
    slot->prev = ages->tail;
    if (ages->tail == UIOMMU_NO_SLOT)
        ages->head = slot->index;
    else
        uiommu_slot_at(unit, ages->tail)->next = slot->index;
    ages->tail = slot->index;
}

void uiommu_age_remove(struct uiommu_unit *unit, struct uiommu_group_slot *slot)
{
    struct uiommu_age_list *ages = age_list(unit, slot->list);

    if (slot->prev == UIOMMU_NO_SLOT)
        ages->head = slot->next;
    else
        uiommu_slot_at(unit, slot->prev)->next = slot->next;
    if (slot->next == UIOMMU_NO_SLOT)
        ages->tail = slot->prev;
    else
        uiommu_slot_at(unit, slot->next)->prev = slot->prev;
    slot->list = 0;
}

void uiommu_age_defer(struct uiommu_unit *unit, struct uiommu_group_slot *slot)
{
    uint8_t list = slot->list;

    uiommu_age_remove(unit, slot);
    uiommu_age_add(unit, slot, list);
}

/* A new generation makes every token of the group stale. */
static void slot_renew(struct uiommu_group_slot *slot)
{
    slot->generation++;
    if (slot->generation == 0)
        slot->generation = 1;
}

void uiommu_slot_close(struct uiommu_unit *unit, struct uiommu_group_slot *slot)
{
    slot_recycle(unit, slot); /* no token of it was ever given out */
}

void uiommu_slot_end(struct uiommu_unit *unit, struct uiommu_group_slot *slot)
{
    if (uiommu_guard(UIOMMU_GUARD_I3_TOKEN))
        slot_renew(slot);
    uiommu_word_store(&slot->state, UIOMMU_SLOT_DONE);
    if (slot->in_call != 0) {
        credits_release(unit, slot);
        return; /* its runner gives it back */
    }
    slot->ready_next = unit->pool.freed;
    unit->pool.freed = slot->index;
}

/* ---- validity ---- */

bool uiommu_group_slot_valid(const struct uiommu_group_slot *slot)
{
    static const uint8_t list_of[] = {0, 1, 2, 2, 2, 2, 2, 2, 2};
    const uint32_t held = 1u << UIOMMU_SLOT_PICKED | 1u << UIOMMU_SLOT_CALLED |
                          1u << UIOMMU_SLOT_ORPHAN, /* by a runner, always */
        may = held | 1u << UIOMMU_SLOT_PARKED | 1u << UIOMMU_SLOT_DONE,
                   ran = held | 1u << UIOMMU_SLOT_PENDING,
                   fresh = 1u << UIOMMU_SLOT_OPEN | 1u << UIOMMU_SLOT_READY;
    uint32_t word = uiommu_word_load(&slot->state), state = word & UIOMMU_SLOT_STATE, bit;
    bool stall = (slot->flags & UIOMMU_REQUEST_STALL) != 0, ok;

    if (state >= sizeof(list_of))
        return false;
    bit = 1u << state;
    ok = word == (state == UIOMMU_SLOT_PICKED ? slot->generation << 8 | state : state);
    ok &= slot->generation != 0;
    ok &= slot->list == list_of[state];
    ok &= slot->in_call <= ((may & bit) != 0);
    ok &= slot->in_call >= ((held & bit) != 0);
    if (state == UIOMMU_SLOT_FREE) {
        ok &= slot->dev == NULL;
        ok &= slot->bond == NULL;
        ok &= slot->pages == 0;
        return ok & (slot->charged == 0);
    }
    ok &= slot->ran <= ((fresh & bit) == 0);
    ok &= slot->ran >= ((ran & bit) != 0);
    ok &= slot->dev != NULL;
    ok &= slot->bond != NULL;
    ok &= slot->pages != 0;
    ok &= (slot->pages == 1) == (slot->last_page == UIOMMU_NO_SLOT);
    ok &= (slot->pages == 1) | !stall;
    ok &= (slot->prgi < UIOMMU_PRG_INDICES) | stall;
    ok &= slot->charged <= 1;
    /* What was answered inside its handler has given its credits back. */
    return ok & ((slot->charged == 0) | (state != UIOMMU_SLOT_DONE) | (slot->in_call == 0));
}

/* A list of slots, or a chain of pages, that is longer than so many goes in a circle. */
static uint32_t pool_total(const struct uiommu_pool *pool)
{
    return pool->count * UIOMMU_SLOT_CHUNK;
}

static const struct uiommu_group_slot *look(const struct uiommu_pool *pool, uint32_t index)
{
    return &pool->chunks[index / UIOMMU_SLOT_CHUNK]->slot[index % UIOMMU_SLOT_CHUNK];
}

/* Pages from at on, at most so many; *last is the last of them. NO_SLOT: it leads nowhere. */
static uint32_t chain(const struct uiommu_pool *pool, uint32_t at, uint32_t most, uint32_t *last)
{
    uint32_t n;

    *last = UIOMMU_NO_SLOT;
    for (n = 0; at != UIOMMU_NO_SLOT && n <= most; n++) {
        if (at >= pool_total(pool))
            return UIOMMU_NO_SLOT;
        *last = at;
        at = pool->chunks[at / UIOMMU_SLOT_CHUNK]->page[at % UIOMMU_SLOT_CHUNK].next;
    }
    return n;
}

/* A slot that was never used lends its page to whoever takes it first. */
static bool is_fresh(const struct uiommu_group_slot *slot)
{
    return (uiommu_slot_state(slot) == UIOMMU_SLOT_FREE) & (slot->last_page != UIOMMU_NO_SLOT);
}

static bool is_given_back(const struct uiommu_group_slot *slot)
{
    bool fresh = is_fresh(slot), done = uiommu_slot_state(slot) == UIOMMU_SLOT_DONE;

    return fresh | (done & (slot->in_call == 0));
}

static bool is_free(const struct uiommu_group_slot *slot)
{
    return (uiommu_slot_state(slot) == UIOMMU_SLOT_FREE) & (slot->last_page == UIOMMU_NO_SLOT);
}

static bool is_parked(const struct uiommu_group_slot *slot)
{
    return uiommu_slot_state(slot) == UIOMMU_SLOT_PARKED;
}

static uint32_t count_of(const struct uiommu_pool *pool,
                         bool (*is)(const struct uiommu_group_slot *slot))
{
    uint32_t i, n = 0;

    for (i = 0; i < pool_total(pool); i++)
        n += is(look(pool, i));
    return n;
}

/* A list through ready_next has every slot of its kind, and no other; *last is its end. */
static bool list_valid(const struct uiommu_pool *pool, uint32_t at, uint32_t *last,
                       bool (*is)(const struct uiommu_group_slot *slot))
{
    uint32_t n, total = pool_total(pool);

    *last = UIOMMU_NO_SLOT;
    for (n = 0; at != UIOMMU_NO_SLOT; n++) {
        if (n == total || at >= total || !is(look(pool, at)))
            return false;
        *last = at;
        at = look(pool, at)->ready_next;
    }
    return n == count_of(pool, is);
}

static bool is_open(const struct uiommu_group_slot *slot)
{
    return slot->list == 1;
}

static bool is_live(const struct uiommu_group_slot *slot)
{
    return slot->list == 2;
}

static bool ages_valid(const struct uiommu_pool *pool, const struct uiommu_age_list *ages,
                       bool (*is)(const struct uiommu_group_slot *slot))
{
    uint32_t at, n = 0, prev = UIOMMU_NO_SLOT, total = pool_total(pool);
    const struct uiommu_group_slot *slot;
    uint64_t since = 0;

    for (at = ages->head; at != UIOMMU_NO_SLOT; at = slot->next) {
        if (at >= total)
            return false;
        slot = look(pool, at);
        if (!is(slot) || slot->prev != prev || slot->since_ns < since) /* so it is no circle */
            return false;
        since = slot->since_ns;
        prev = at;
        n++;
    }
    return (prev == ages->tail) & (n == count_of(pool, is));
}

/* Every page is in one chain: of a slot, or of the free ones. */
static bool pages_valid(const struct uiommu_pool *pool)
{
    uint32_t i, n, most, last, total = pool_total(pool), sum = 0;
    const struct uiommu_group_slot *slot;

    for (i = 0; i < total; i++) {
        slot = look(pool, i);
        if (is_free(slot))
            continue;
        most = is_fresh(slot) ? 1 : slot->pages - 1;
        if (most > total - sum)
            return false;
        n = chain(pool, slot->first.next, most, &last);
        if (n != most || last != slot->last_page)
            return false;
        sum += n;
    }
    n = chain(pool, pool->free_page, total - sum, &last);
    return n == total - sum;
}

bool uiommu_pool_valid(const struct uiommu_pool *pool)
{
    uint32_t i, last;
    bool ok = true;

    if (pool->count > pool->max || pool->max > UINT32_MAX / UIOMMU_SLOT_CHUNK)
        return false;
    for (i = 0; i < pool_total(pool); i++) {
        ok &= look(pool, i)->index == i;
        ok &= uiommu_group_slot_valid(look(pool, i));
    }
    if (!ok)
        return false;
    ok &= pages_valid(pool);
    ok &= list_valid(pool, pool->free_slot, &last, is_free);
    ok &= list_valid(pool, pool->freed, &last, is_given_back);
    ok &= list_valid(pool, pool->parked, &last, is_parked);
    ok &= (last == pool->parked_tail) | (last == UIOMMU_NO_SLOT);
    ok &= ages_valid(pool, &pool->open, is_open);
    ok &= ages_valid(pool, &pool->live, is_live);
    return ok;
}

const struct uiommu_page *uiommu_group_next_page(const struct uiommu_group *group,
                                                 const struct uiommu_page *last)
{
    uint32_t next;

    if (group == NULL)
        return NULL;
    if (last == NULL)
        return &group->first;
    next = last->next;
    return next == UIOMMU_NO_SLOT ? NULL : uiommu_page_at(group->unit, next);
}
