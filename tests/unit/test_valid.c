/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What uiommu_unit_valid() and the functions below it notice: a unit with a group in every place
 * where groups can be, then one record after the other is made wrong.
 */
#include <criterion/criterion.h>

#include "../../core/core.h"
#include "../support/fake_host.h"

static struct fake_host host;
static struct uiommu *u;
static struct uiommu_owner *owner;
static struct uiommu_pasid_space *space;
static struct uiommu_unit *unit;
static struct uiommu_port *port;
static struct uiommu_device *dev, *other, *platform;
static struct uiommu_aspace *slow, *fast;
static struct uiommu_bond *one, *two, *three;
static uint32_t pasid[2];
static struct uiommu_request sent[8];
static uint32_t sent_count;
static bool full;

/* ---- hardware that does all at once ---- */

static uiommu_err probe(void *hw, struct uiommu_caps *caps)
{
    (void)hw;
    memset(caps, 0, sizeof(*caps));
    caps->flags = UIOMMU_CAP_ATS | UIOMMU_CAP_RESPONSE_PASID;
    caps->id_bits = 16;
    caps->pasid_bits = 20;
    caps->pasid_first = 1;
    caps->request_entries = 64;
    caps->stall_max = 4;
    caps->tag_first = 1;
    caps->tag_last = 15;
    caps->rings = 1;
    caps->ring[0].flags = UIOMMU_RING_REQUESTS | UIOMMU_RING_LOSES;
    caps->ring[0].entries = 64;
    return UIOMMU_OK;
}

static uiommu_err start(void *hw)
{
    (void)hw;
    return UIOMMU_OK;
}

static uiommu_err attach(void *hw, const struct uiommu_device_desc *desc, void **out)
{
    (void)desc;
    *out = hw;
    return UIOMMU_OK;
}

static uiommu_err set(void *hw, void *d, uint32_t flags, uint32_t step)
{
    (void)hw;
    (void)d;
    (void)flags;
    (void)step;
    return UIOMMU_OK;
}

static uiommu_err at_pasid(void *hw, void *d, uint32_t p)
{
    (void)hw;
    (void)d;
    (void)p;
    return UIOMMU_OK;
}

static uiommu_err root_check(void *hw, void *d, uint32_t p, const struct uiommu_root *root)
{
    (void)root;
    return at_pasid(hw, d, p);
}

static uiommu_err pasid_set(void *hw, void *d, uint32_t p, const struct uiommu_root *root,
                            uint32_t tag, uint32_t step)
{
    (void)root;
    (void)tag;
    (void)step;
    return at_pasid(hw, d, p);
}

static uiommu_err dtlb(void *hw, void *d, uint32_t p, const struct uiommu_range *range)
{
    (void)range;
    return at_pasid(hw, d, p);
}

static uiommu_err ticket(void *hw, uint64_t *out)
{
    (void)hw;
    *out = 1;
    return UIOMMU_OK;
}

static uiommu_err ticket_poll(void *hw, uint64_t t)
{
    (void)hw;
    (void)t;
    return UIOMMU_OK;
}

static uint32_t respond(void *hw, const struct uiommu_answer *answers, uint32_t count)
{
    (void)hw;
    (void)answers;
    return full ? 0 : count;
}

static uiommu_err fetch(void *hw, uint32_t ring, struct uiommu_fetch *io)
{
    (void)hw;
    (void)ring;
    memcpy(io->requests, sent, sent_count * sizeof(sent[0]));
    io->request_count = sent_count;
    io->entries = sent_count;
    sent_count = 0;
    return UIOMMU_OK;
}

static uint32_t pending(void *hw, uint32_t ring)
{
    (void)hw;
    (void)ring;
    return sent_count;
}

static const struct uiommu_backend_ops ops = {
    .size = sizeof(ops),
    .name = "all at once",
    .probe = probe,
    .start = start,
    .root_check = root_check,
    .device_attach = attach,
    .device_set = set,
    .pasid_prepare = at_pasid,
    .pasid_set = pasid_set,
    .config_invalidate = at_pasid,
    .dtlb_invalidate = dtlb,
    .ticket = ticket,
    .ticket_poll = ticket_poll,
    .respond = respond,
    .fetch = fetch,
    .ring_pending = pending,
};

/* ---- one of everything ---- */

static uiommu_code answers_late(void *user, const struct uiommu_group *group)
{
    (void)user;
    (void)group;
    return UIOMMU_CODE_PENDING;
}

static uiommu_code answers(void *user, const struct uiommu_group *group)
{
    (void)user;
    (void)group;
    return UIOMMU_CODE_SUCCESS;
}

static void send(uint32_t id, uint32_t p, uint32_t index, uint32_t flags)
{
    struct uiommu_request *request = &sent[sent_count];

    memset(request, 0, sizeof(*request));
    request->id = id;
    request->pasid = p;
    request->index = index;
    request->flags = flags | UIOMMU_REQUEST_PASID | UIOMMU_READ;
    request->at = sent_count++;
}

static struct uiommu_device *make_device(uint32_t id, uint32_t flags, uint32_t cap)
{
    struct uiommu_device_config config;
    struct uiommu_device *out = NULL;

    memset(&config, 0, sizeof(config));
    config.size = sizeof(config);
    config.ids = &id;
    config.id_count = 1;
    config.flags = flags | UIOMMU_DEVICE_PASID;
    config.pasid_bits = 20;
    config.in_flight = cap;
    config.port = (flags & UIOMMU_DEVICE_PRI) != 0 ? port : NULL;
    cr_assert_eq(uiommu_device_attach(unit, &config, &out), UIOMMU_OK);
    return out;
}

static struct uiommu_aspace *make_space(uiommu_code (*fault)(void *, const struct uiommu_group *))
{
    struct uiommu_root root;
    struct uiommu_aspace_ops handler = {.size = sizeof(handler), .fault = fault};
    struct uiommu_aspace_config config = {sizeof(config), owner, &handler, NULL, &root, 1};
    struct uiommu_aspace *out = NULL;

    memset(&root, 0, sizeof(root));
    root.format = UIOMMU_ROOT_X86_64;
    root.granule_bits = 12;
    root.va_bits = 48;
    root.pa_bits = 52;
    cr_assert_eq(uiommu_aspace_create(u, &config, &out), UIOMMU_OK);
    return out;
}

static struct uiommu_bond *make_bond(struct uiommu_device *d, struct uiommu_aspace *as, uint32_t p)
{
    struct uiommu_bind_config config;
    struct uiommu_bond_ref ref = {0, 0};

    memset(&config, 0, sizeof(config));
    config.size = sizeof(config);
    config.pasid = p;
    cr_assert_eq(uiommu_bind(d, as, &config, &ref), UIOMMU_OK);
    return uiommu_radix_get(&u->bonds, ref.index);
}

/* The slot of a bond's first group in a state. */
static struct uiommu_group_slot *slot_of(const struct uiommu_bond *bond, uint32_t state)
{
    uint32_t i;

    for (i = 0; i < unit->pool.count * UIOMMU_SLOT_CHUNK; i++) {
        if (uiommu_slot_at(unit, i)->bond == bond &&
            uiommu_slot_state(uiommu_slot_at(unit, i)) == state)
            return uiommu_slot_at(unit, i);
    }
    cr_assert_fail("no slot in state %u", state);
    return NULL;
}

static void make_things(void)
{
    struct uiommu_owner_config owned = {
        .size = sizeof(owned), .pasids = 8, .credits = 16, .bonds = 8};
    struct uiommu_pasid_space_config numbers = {sizeof(numbers), 1, 1000, 4};
    struct uiommu_unit_config config = {.size = sizeof(config), .events = 16, .marker_reserve = 2};
    struct uiommu_port_config credits = {.size = sizeof(credits), .want = 8};
    uint32_t last = 0;

    cr_assert_eq(uiommu_owner_create(u, &owned, &owner), UIOMMU_OK);
    cr_assert_eq(uiommu_pasid_space_create(u, &numbers, &space), UIOMMU_OK);
    config.pasids = space;
    cr_assert_eq(uiommu_unit_create(u, &ops, &host, &config, &unit), UIOMMU_OK);
    cr_assert_eq(uiommu_unit_start(unit), UIOMMU_OK);
    credits.owner = owner;
    cr_assert_eq(uiommu_port_create(unit, &credits, &port), UIOMMU_OK);
    dev = make_device(8, UIOMMU_DEVICE_ATS | UIOMMU_DEVICE_PRI, 1);
    other = make_device(9, UIOMMU_DEVICE_ATS | UIOMMU_DEVICE_PRI, 0);
    platform = make_device(10, UIOMMU_DEVICE_STALL, 0);
    slow = make_space(answers_late);
    fast = make_space(answers);
    cr_assert_eq(uiommu_pasid_alloc(space, owner, 0, &pasid[0]), UIOMMU_OK);
    cr_assert_eq(uiommu_pasid_alloc(space, owner, 0, &pasid[1]), UIOMMU_OK);
    cr_assert_eq(uiommu_pasid_alloc(space, NULL, 0, &last), UIOMMU_OK);
    cr_assert_eq(uiommu_pasid_put(space, last), UIOMMU_OK);
    cr_assert_eq(uiommu_pasid_alloc(space, NULL, 0, &last), UIOMMU_OK);
    cr_assert_eq(uiommu_pasid_put(space, last), UIOMMU_OK);
    one = make_bond(dev, slow, pasid[0]);
    two = make_bond(other, fast, pasid[1]);
    three = make_bond(platform, slow, pasid[0]);
}

/* dev: one pending, one ready behind its cap, one partial; other: one parked; platform: a stall. */
static void begin(void)
{
    fake_host_init(&host);
    fake_host_no_heap(&host);
    u = fake_host_create(&host);
    make_things();
    send(8, pasid[0], 1, 0);
    send(8, pasid[0], 1, UIOMMU_REQUEST_LAST);
    send(8, pasid[0], 2, UIOMMU_REQUEST_LAST);
    send(8, pasid[0], 3, 0);
    send(8, pasid[0], 3, 0);
    send(9, pasid[1], 1, UIOMMU_REQUEST_LAST);
    send(10, pasid[0], 0, UIOMMU_REQUEST_LAST | UIOMMU_REQUEST_STALL);
    full = true;
    host.now_ns += 1;
    cr_assert_eq(uiommu_unit_service(unit, 0), UIOMMU_MORE); /* parked */
    cr_assert(uiommu_unit_valid(unit));
}

TestSuite(valid, .init = begin);

/* Wrong is noticed; put right again, it is as before. */
#define WRONG(field, value)                                                                        \
    do {                                                                                           \
        __typeof__(field) was = (field);                                                           \
        (field) = (value);                                                                         \
        cr_assert_not(uiommu_unit_valid(unit), "not noticed: " #field " = " #value);               \
        (field) = was;                                                                             \
        cr_assert(uiommu_unit_valid(unit), "wrong before: " #field);                               \
    } while (0)

Test(valid, slots_and_pages)
{
    struct uiommu_group_slot *held = slot_of(one, UIOMMU_SLOT_PENDING);
    struct uiommu_group_slot *ready = slot_of(one, UIOMMU_SLOT_READY);
    struct uiommu_group_slot *open = slot_of(one, UIOMMU_SLOT_OPEN);
    struct uiommu_group_slot *parked = slot_of(two, UIOMMU_SLOT_PARKED);
    struct uiommu_group_slot *stall = slot_of(three, UIOMMU_SLOT_PENDING);
    struct uiommu_group_slot *idle = uiommu_slot_at(unit, unit->pool.free_slot);

    WRONG(held->state.v, UIOMMU_SLOT_DONE + 1u);
    WRONG(held->state.v, UIOMMU_SLOT_PENDING | 0x100u);
    WRONG(held->state.v, UIOMMU_SLOT_CALLED); /* that is held by a runner */
    WRONG(held->state.v, UIOMMU_SLOT_PARKED); /* and not in the list */
    WRONG(held->generation, 0);
    WRONG(held->index, held->index + 1);
    WRONG(held->list, 1);
    WRONG(held->in_call, 1);
    WRONG(held->ran, 0);
    WRONG(held->dev, NULL);
    WRONG(held->dev, other);
    WRONG(held->bond, NULL);
    WRONG(held->bond, two);
    WRONG(held->pages, 0);
    WRONG(held->pages, 3);
    WRONG(held->pages, UINT32_MAX);
    WRONG(held->last_page, UIOMMU_NO_SLOT);
    WRONG(held->last_page, held->last_page + 1);
    WRONG(held->first.next, UINT32_MAX - 1u);
    WRONG(held->prgi, UIOMMU_PRG_INDICES);
    WRONG(held->charged, 0);
    WRONG(held->charged, 2);
    WRONG(ready->ran, 1);
    WRONG(ready->ready_next, parked->index);
    WRONG(ready->ready_next, UINT32_MAX - 1u);
    WRONG(ready->bond, two); /* in another bond's list */
    WRONG(ready->ready_next, ready->index);
    WRONG(open->charged, 0);
    WRONG(stall->pages, 2);
    WRONG(stall->charged, 0);
    WRONG(idle->dev, dev);
    WRONG(idle->bond, one);
    WRONG(idle->pages, 1);
    WRONG(idle->charged, 1);
    WRONG(idle->in_call, 1);
}

Test(valid, lists)
{
    struct uiommu_pool *pool = &unit->pool;
    struct uiommu_group_slot *open = slot_of(one, UIOMMU_SLOT_OPEN);
    struct uiommu_group_slot *ready = slot_of(one, UIOMMU_SLOT_READY);
    struct uiommu_group_slot *parked = slot_of(two, UIOMMU_SLOT_PARKED);
    struct uiommu_group_slot *held = slot_of(one, UIOMMU_SLOT_PENDING);
    struct uiommu_group_slot *idle = uiommu_slot_at(unit, pool->free_slot);
    struct uiommu_page *page = uiommu_page_at(unit, pool->free_page);

    WRONG(pool->count, pool->max + 1);
    WRONG(pool->max, UINT32_MAX);
    WRONG(pool->free_slot, UIOMMU_NO_SLOT);
    WRONG(pool->free_slot, idle->ready_next); /* one is lost */
    WRONG(pool->free_slot, held->index);
    WRONG(idle->ready_next, idle->index);
    WRONG(idle->ready_next, pool->count * UIOMMU_SLOT_CHUNK);
    WRONG(pool->freed, idle->index);
    WRONG(pool->free_page, UIOMMU_NO_SLOT);
    WRONG(pool->free_page, page->next);
    WRONG(page->next, pool->free_page);
    WRONG(page->next, open->first.next);
    WRONG(pool->parked, UIOMMU_NO_SLOT);
    WRONG(pool->parked_tail, held->index);
    WRONG(parked->ready_next, parked->index);
    WRONG(pool->open.head, UIOMMU_NO_SLOT);
    WRONG(pool->open.head, held->index);
    WRONG(pool->open.tail, UIOMMU_NO_SLOT);
    WRONG(open->next, open->index);
    WRONG(open->prev, held->index);
    WRONG(pool->live.head, ready->index);
    WRONG(pool->live.tail, held->index);
    WRONG(held->next, held->index);
    WRONG(held->next, UINT32_MAX - 1u);
    WRONG(held->since_ns, UINT64_MAX);
}

Test(valid, ready_and_runners)
{
    struct uiommu_group_slot *held = slot_of(one, UIOMMU_SLOT_PENDING);
    struct uiommu_group_slot *ready = slot_of(one, UIOMMU_SLOT_READY);

    WRONG(unit->ready, NULL);
    WRONG(unit->ready, two);
    WRONG(one->ready_next, NULL);
    WRONG(one->ready_next, two);
    WRONG(one->ready_head, UIOMMU_NO_SLOT);
    WRONG(one->ready_head, held->index);
    WRONG(one->ready_tail, held->index);
    WRONG(one->ready_listed, false);
    WRONG(two->ready_listed, true);
    WRONG(unit->orphans, held);
    WRONG(unit->orphans, ready);
    WRONG(unit->runner[3].count, UIOMMU_BATCH + 1u);
    WRONG(unit->runner[3].done.v, 1);
    WRONG(unit->runner[3].sent, 1);
    WRONG(unit->runner[3].caller.busy.v, 3);
    WRONG(unit->runner[3].count, 1); /* an orphan that is none */
    unit->runner[3].slot[0] = UINT32_MAX;
    WRONG(unit->runner[3].count, 1);
    unit->runner[3].slot[0] = ready->index;
    unit->runner[3].token[0] = UIOMMU_SLOT_READY;
    WRONG(unit->runner[3].count, 1);
}

Test(valid, bonds)
{
    static struct uiommu_bond stray;

    WRONG(one->came.v, one->came.v + 1);
    WRONG(one->came.v, one->came.v - 1);
    WRONG(one->went.v, one->went.v + 1);
    WRONG(one->went.v, one->came.v + 1);
    WRONG(two->state.v, UIOMMU_BOND_DRAINING);
    WRONG(two->state.v, UIOMMU_BOND_POISONED + 1);
    WRONG(one->state.v, UIOMMU_BOND_FREE);
    WRONG(one->index, 7);
    WRONG(one->generation, 0);
    WRONG(one->u, NULL);
    WRONG(one->freed, true);
    WRONG(one->phase, UIOMMU_PHASE_END + 1);
    WRONG(one->missing.v, 0x40);
    WRONG(one->running, 0);
    WRONG(one->running, 3);
    WRONG(three->running, 2);
    WRONG(two->running, 0);
    WRONG(one->open, 0);
    WRONG(two->open, 1);
    WRONG(one->as, NULL);
    WRONG(one->as, fast);
    WRONG(one->counted_stop, true);
    WRONG(one->pasid, UIOMMU_PASID_NONE);
    WRONG(one->where, NULL);
    WRONG(one->where, two->where);
    WRONG(one->dev, other);
    WRONG(unit->stopping, one);
    one->stop_next = one;
    WRONG(unit->stopping, one);
    one->stop_next = NULL;
    WRONG(unit->stopping, &stray);
    WRONG(unit->stops, 1);
    WRONG(u->next_bond, UINT32_MAX);
}

Test(valid, spaces_and_owners)
{
    struct uiommu_tag tag = {.refs = 0};

    tag.next = &tag;
    WRONG(slow->spare_tags, &tag); /* in a circle */
    tag.next = NULL;
    WRONG(three->as, fast); /* in the list of slow */
    WRONG(slow->magic, 0);
    WRONG(slow->root_count, 0);
    WRONG(slow->root_count, UIOMMU_ROOTS_MAX + 1u);
    WRONG(slow->bonds_tail, one);
    WRONG(slow->bond_count.v, 1);
    WRONG(slow->refs.v, 0);
    WRONG(slow->next_serial, 0);
    WRONG(slow->dead.v, 1); /* R13: with its gates open */
    WRONG(slow->spare_tags, slow->tags);
    WRONG(slow->tags, &tag);
    WRONG(slow->tags, NULL);
    WRONG(slow->tags->refs, 0);
    WRONG(slow->tags->refs, 1);
    WRONG(slow->tags->root, 1);
    WRONG(slow->tags->next, slow->tags);
    WRONG(one->listed, false);
    WRONG(one->serial, three->serial);
    WRONG(three->as_prev, NULL);
    WRONG(three->as_next, one);
    WRONG(owner->magic, 0);
    WRONG(owner->pasids, 9);
    WRONG(owner->credits, 17);
    WRONG(owner->credits, 0); /* with a port */
    WRONG(owner->bonds, 9);
    WRONG(owner->dead.v, 2);
    WRONG(slow->owner, NULL);
    WRONG(slow->prev, slow);
    WRONG(slow->next, slow);
}

/* Who has something to do is in the list. */
Test(valid, devices_due)
{
    uiommu_device_due(dev);
    uiommu_device_due(other);
    cr_assert(uiommu_unit_valid(unit));
    uiommu_word_store(&dev->resweep, 1);
    cr_assert(uiommu_unit_valid(unit));
    uiommu_word_store(&dev->resweep, 0);
    WRONG(other->due_next, dev);
    WRONG(dev->due_next, NULL);
    WRONG(dev->due, false);
    WRONG(unit->due_last, NULL);
    WRONG(unit->due_count.v, 1);
    uiommu_device_undue(dev);
    uiommu_device_undue(other);
}

Test(valid, devices_and_ports)
{
    WRONG(dev->unit, NULL);
    WRONG(dev->hw, NULL);
    WRONG(dev->id_count, 0);
    WRONG(dev->id_count, UIOMMU_IDS_MAX + 1u);
    WRONG(dev->ids[0].dev, other);
    WRONG(dev->ids[0].alias, 1);
    WRONG(dev->ids[0].id, 9);
    WRONG(dev->state.v, UIOMMU_DEVICE_ISOLATED + 1);
    WRONG(dev->reset_step.v, UIOMMU_RESET_FAILED + 1);
    WRONG(dev->generation.v, 0);
    WRONG(dev->swept_generation, 2);
    WRONG(dev->swept_generation, 0);
    WRONG(dev->resweep.v, 1);
    WRONG(dev->reset_step.v, UIOMMU_RESET_ASKED);
    WRONG(dev->due, true);
    WRONG(unit->due_first, dev);
    WRONG(unit->due_count.v, 1);
    WRONG(unit->asking, 0);
    WRONG(dev->index_map.v, NULL);
    WRONG(dev->running, 0);
    WRONG(dev->running, 2);
    WRONG(other->running, 0);
    WRONG(dev->bonds, 0);
    WRONG(dev->next, dev);
    WRONG(dev->prev, dev);
    WRONG(unit->devices, dev);
    WRONG(dev->barrier.begun, 2);
    WRONG(dev->barrier.done, 1);
    WRONG(dev->barrier.good, 1);
    WRONG(dev->barrier.strength, UIOMMU_BARRIER_PROVED + 1u);
    WRONG(dev->barrier.good_strength, UIOMMU_BARRIER_PROVED + 1u);
    WRONG(dev->pasids.bits, 0);
    WRONG(port->magic, 0);
    WRONG(port->unit, NULL);
    WRONG(port->credits, 0);
    WRONG(port->credits, 9);
    WRONG(port->config.least, 9);
    WRONG(port->outstanding.v, 9);
    WRONG(port->outstanding.v, 0);
    WRONG(port->groups.v, 0);
    WRONG(port->groups.v, 7);
    WRONG(port->released, 1);
    WRONG(port->released, 7);
    WRONG(port->released_groups, 1);
    WRONG(port->released_groups, 5);
    WRONG(port->generation.v, 0);
    port->credits = 6;
    WRONG(port->credits, 5);
}

Test(valid, unit)
{
    WRONG(unit->magic, 0);
    WRONG(unit->role.v, UIOMMU_ROLE_AGAIN);
    WRONG(unit->role.v, 4);
    WRONG(unit->stalls, 0);
    WRONG(unit->stalls_released, 1);
    WRONG(unit->stall_slots, 0);
    WRONG(unit->granted.v, 62);
    WRONG(unit->devices_count.v, 4);
    WRONG(unit->out.count, UIOMMU_BATCH + 1u);
    WRONG(unit->tag_fresh, 16);
    WRONG(unit->tag_count, 3);
    WRONG(unit->tag_head, 15);
    WRONG(unit->tag_count, 1); /* a tag that was never given */
    WRONG(unit->events.ring, NULL);
    WRONG(unit->events.size, 0);
    WRONG(unit->events.size, 12);
    WRONG(unit->events.tail, unit->events.head + 1);
    WRONG(unit->ids.bits, 17);
    WRONG(unit->ids.bits, 3); /* too low for its height */
    WRONG(unit->ids.root.v, NULL);
    WRONG(u->bonds.root.v, NULL);
    WRONG(u->bonds.bits, 17);
    WRONG(u->next_bond, 4);
}

Test(valid, heap)
{
    struct uiommu_heap *heap = &u->heap;
    void **piece = heap->free[0];

    cr_assert_not_null(piece);
    WRONG(heap->outstanding, heap->outstanding + 64);
    WRONG(heap->outstanding, heap->outstanding - 64);
    WRONG(heap->free[0], NULL);
    WRONG(heap->free[0], (unsigned char *)heap->free[0] + 1);
    WRONG(*piece, piece);
    WRONG(heap->chunks, NULL);
}

/* However much is kept for markers, the ledger does not begin anew (I9). */
Test(valid, ledger)
{
    cr_assert_eq(uiommu_port_ledger(unit), 64 - 1 - 2);
    unit->config.marker_reserve = 63;
    cr_assert_eq(uiommu_port_ledger(unit), 0);
    unit->config.marker_reserve = UINT32_MAX;
    cr_assert_eq(uiommu_port_ledger(unit), 0);
}

/* What somebody holds is left out. */
Test(valid, what_is_held)
{
    one->came.v++;
    unit->role.v = UIOMMU_ROLE_TAKEN;
    cr_assert(uiommu_unit_valid(unit));
    unit->role.v = 0;
    unit->lock.word.v = 1;
    cr_assert(uiommu_unit_valid(unit));
    unit->lock.word.v = 0;
    u->lock.word.v = 1;
    cr_assert(uiommu_unit_valid(unit));
    u->lock.word.v = 0;
    u->bond_control.v = 1;
    cr_assert(uiommu_unit_valid(unit));
    u->bond_control.v = 0;
    cr_assert_not(uiommu_unit_valid(unit));
    one->came.v--;
    unit->control.v = 1;
    unit->devices_count.v++;
    cr_assert(uiommu_unit_valid(unit));
    unit->devices_count.v--;
    unit->control.v = 0;
}

#define HELD(lock, field, value)                                                                   \
    do {                                                                                           \
        __typeof__(field) was = (field);                                                           \
        (field) = (value);                                                                         \
        (lock).word.v = 1;                                                                         \
        cr_assert(uiommu_unit_valid(unit), "looked at in spite of " #lock);                        \
        (lock).word.v = 0;                                                                         \
        cr_assert_not(uiommu_unit_valid(unit));                                                    \
        (field) = was;                                                                             \
        cr_assert(uiommu_unit_valid(unit));                                                        \
    } while (0)

/* Each leaf by itself. */
Test(valid, leaves_that_are_held)
{
    HELD(slow->lock, slow->magic, 0);
    HELD(owner->lock, owner->bonds, 9);
    HELD(unit->events.lock, unit->events.size, 12);
    HELD(u->heap.lock, u->heap.outstanding, u->heap.outstanding + 64);
}

/* Answers that wait for room: of devices of the unit, or of nobody. */
Test(valid, answers_that_wait)
{
    static struct uiommu_device stray;

    send(77, pasid[0], 1, UIOMMU_REQUEST_LAST);
    send(8, pasid[0] + 100, 9, UIOMMU_REQUEST_LAST);
    host.now_ns += 1;
    cr_assert_neq(uiommu_unit_service(unit, 0), UIOMMU_E_STATE);
    cr_assert_eq(unit->out.count, 2);
    cr_assert(uiommu_unit_valid(unit));
    cr_assert_null(unit->out.dev[0]);
    WRONG(unit->out.dev[0], &stray);
    WRONG(unit->out.dev[1], &stray);
}

/* A bind that the role was too long busy for is no life, and not looked at as one. */
Test(valid, bind_without_a_stamp)
{
    struct uiommu_bind_config c = {.size = sizeof(c), .pasid = pasid[1]};
    struct uiommu_bond_ref ref = {0, 0};

    cr_assert(uiommu_role_take(unit));
    host.tick_ns = 10000000;
    cr_assert_eq(uiommu_bind(platform, fast, &c, &ref), UIOMMU_E_TIMEOUT);
    host.tick_ns = 0;
    (void)uiommu_role_drop(unit);
    cr_assert_not_null(unit->stopping);
    cr_assert_not(unit->stopping->stamped);
    cr_assert(uiommu_unit_valid(unit));
    unit->stopping->exit_pins = 1; /* an exit has it */
    cr_assert_neq(uiommu_unit_service(unit, 0), UIOMMU_E_STATE);
    cr_assert_eq(unit->stopping->phase, UIOMMU_PHASE_D2_PINNED);
    cr_assert(uiommu_unit_valid(unit));
}

Test(valid, failed_and_notes)
{
    struct uiommu_failed f;
    struct uiommu_tickets t;
    struct uiommu_notes notes;
    uint32_t bits[2] = {0, 0};

    memset(&t, 0, sizeof(t));
    t.slots = bits;
    t.log2 = 6;
    uiommu_failed_add(&t.failed, 3, 4);
    uiommu_failed_add(&t.failed, 6, 9);
    cr_assert(uiommu_tickets_valid(&t));
    f = t.failed;
    t.slots = NULL;
    cr_assert_not(uiommu_tickets_valid(&t));
    t.slots = bits;
    t.log2 = 32;
    cr_assert_not(uiommu_tickets_valid(&t));
    cr_assert(uiommu_failed_valid(&f));
    f.range[1].first = 5; /* meets the one before */
    cr_assert_not(uiommu_failed_valid(&f));
    f.range[1].first = 10;
    cr_assert_not(uiommu_failed_valid(&f));
    f.range[1].first = 6;
    f.forgotten = 4;
    cr_assert_not(uiommu_failed_valid(&f));
    f.forgotten = 0;
    f.count = 33;
    cr_assert_not(uiommu_failed_valid(&f));
    memset(&notes, 0, sizeof(notes));
    cr_assert(uiommu_notes_valid(&notes));
    notes.count = 9;
    cr_assert_not(uiommu_notes_valid(&notes));
}
