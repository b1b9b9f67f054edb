/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit_scene.h"

/* I5, R24: whose an index is; and what is told of requests (all of it by its numbers). */

#define STALL  UIOMMU_REQUEST_STALL
#define MARKER UIOMMU_REQUEST_MARKER

static struct uiommu_trace told; /* of the kind */
static uint32_t kind, cookies;

static void look(struct fake_host *h)
{
    if (h->trace.id == kind)
        told = h->trace;
}

static uint32_t respond(void *hw, const struct uiommu_answer *answers, uint32_t count)
{
    uint32_t i;

    for (i = 0; i < count; i++)
        cookies += answers[i].cookie[0] == 70 && answers[i].cookie[1] == 71;
    return toy_respond(hw, answers, count);
}

static void begin(void)
{
    struct uiommu_backend_ops ops = toy_ops;

    ops.respond = respond;
    cookies = 0;
    memset(&scene, 0, sizeof(scene));
    scene.pf_flags = UIOMMU_DEVICE_TRUST_MARKERS;
    toy_begin();
    host.on_trace = look;
    scene_set(&ops);
}

TestSuite(assemble_key, .init = begin, .fini = scene_end);

static void request_of(uint32_t id, uint32_t pasid, uint32_t index, uint32_t flags)
{
    struct uiommu_request request = {.id = id,
                                     .pasid = pasid,
                                     .index = index,
                                     .address = 0x5000,
                                     .flags = UIOMMU_WRITE | UIOMMU_REQUEST_PASID | flags,
                                     .cookie = {70, 71}};

    memset(&told, 0, sizeof(told));
    uiommu_assemble(unit, 0, &request, 1, unit->ring[0].count);
}

static void request(uint32_t id, uint32_t index, uint32_t flags)
{
    request_of(id, scene.pasid, index, flags);
}

static uint32_t refused(void)
{
    cr_assert_eq(unit->out.count, 1);
    unit->out.count = 0;
    return unit->out.answer[0].code;
}

static void taken(uint32_t calls)
{
    serve();
    cr_assert_eq(scene.calls, calls);
    cr_assert_eq(toy.code[UIOMMU_CODE_INVALID & 3], 0);
    cr_assert(device_counts(0).violations == 0 && device_counts(1).violations == 0);
    cr_assert(uiommu_unit_valid(unit));
}

/* An index that names a slot is not the slot's index: it may have another owner by now. */
Test(assemble_key, slots_of_others)
{
    request(8, 5, LAST);
    taken(1);
    scene.says = UIOMMU_CODE_PENDING;
    request(9, 5, LAST);
    taken(2);
    request(8, 5, LAST);
    taken(3);
}

Test(assemble_key, slot_of_another_index)
{
    request(8, 5, LAST);
    taken(1);
    scene.says = UIOMMU_CODE_PENDING;
    request(8, 6, LAST);
    taken(2);
    request(8, 5, LAST);
    taken(3);
    cr_assert_eq(cookies, 1);
}

static void runners_busy(uint32_t busy)
{
    uint32_t i;

    for (i = 0; i < UIOMMU_RUNNERS; i++)
        uiommu_word_store(&unit->runner[i].caller.busy, busy);
}

/* I19: the group of before the reset is not through, but its index is free. */
Test(assemble_key, index_of_before_the_reset)
{
    scene.says = UIOMMU_CODE_PENDING;
    request(8, 5, LAST);
    taken(1);
    runners_busy(1);
    cr_assert_eq(uiommu_device_reset_begin(scene.dev[0]), UIOMMU_OK);
    cr_assert_eq(reset_to_end(0), UIOMMU_OK);
    request(8, 5, LAST);
    cr_assert_eq(unit->out.count, 0);
    runners_busy(0);
    uiommu_unit_kick(unit);
    taken(2);
    cr_assert_eq(scene.orphans, 1);
}

static void answer_and_ask(void)
{
    cr_assert_eq(uiommu_group_respond(unit, scene.group, UIOMMU_CODE_SUCCESS), UIOMMU_OK);
    request(8, 5, LAST);
    cr_assert_eq(unit->out.count, 0);
}

/* R25: an index is free with the answer, though the handler has not come back. */
Test(assemble_key, answered_inside)
{
    scene.meanwhile = answer_and_ask;
    request(8, 5, LAST);
    taken(2);
}

/* A stall's tag is no index, however large; refused, it touches no group. */
Test(assemble_key, tags)
{
    request(8, 5, 0);
    request_of(8, scene.pasid + 1, 5, LAST | STALL);
    cr_assert_eq(refused(), UIOMMU_CODE_INVALID);
    request(8, 600, LAST | STALL);
    request(8, 5, LAST);
    cr_assert_eq(device_counts(0).dropped, 0);
    taken(2);
}

/* A Last that belongs to no life ends the group under its index; what is no Last does not. */
Test(assemble_key, partial_without_a_last)
{
    kind = UIOMMU_TRACE_GROUP_DROPPED;
    request(9, 5, 0);
    request(8, 5, 0);
    request_of(8, scene.pasid + 1, 5, 0);
    cr_assert_eq(told.id, 0);
    cr_assert_eq(unit->counters.dropped, 1);
    request_of(8, scene.pasid + 1, 5, LAST);
    cr_assert_eq(unit->counters.dropped, 2);
    cr_assert_eq(device_counts(0).dropped, 2);
    cr_assert_eq(told.a >> 32, unit->pool.free_slot);
    cr_assert_eq((uint32_t)told.a, uiommu_slot_at(unit, unit->pool.free_slot)->generation);
    cr_assert_eq(told.b, UINT64_C(8) << 32 | scene.pasid);
    cr_assert(told.c == 5 && told.d == UIOMMU_DROP_INDEX);
    cr_assert_eq(refused(), UIOMMU_CODE_INVALID);
    bond_at(1)->open_at[0] = unit->ring[0].count + 1;
    request(9, 5, LAST);
    cr_assert(told.c == 5 && told.d == UIOMMU_DROP_OLD_LIFE);
    cr_assert_eq(refused(), UIOMMU_CODE_INVALID);
    cr_assert(bond_at(0)->open == 0 && bond_at(1)->open == 0);
    cr_assert(uiommu_unit_valid(unit));
}

/* R24: another PASID under the index is a violation, and begins a group of its own. */
Test(assemble_key, another_pasid)
{
    uint32_t other;
    struct uiommu_bond_ref bond;

    cr_assert_eq(uiommu_pasid_alloc(space, NULL, 0, &other), UIOMMU_OK);
    cr_assert_eq(scene_bind(scene.dev[0], scene.as, other, &bond), UIOMMU_OK);
    request(8, 5, 0);
    request_of(8, other, 5, 0);
    cr_assert_eq(device_counts(0).violations, 1);
    cr_assert_eq(scene.dev[0]->violations, 1);
    request_of(8, other, 5, LAST);
    cr_assert_eq(device_counts(0).dropped, 1);
    cr_assert_eq(device_counts(0).violations, 1);
    serve();
    cr_assert(scene.calls == 1 && scene.pages == 2);
    cr_assert_eq(uiommu_unbind(u, bond, UIOMMU_UNBIND_STOPPED), UIOMMU_OK);
    serve();
    cr_assert_eq(uiommu_pasid_put(space, other), UIOMMU_OK);
}

/* ---- what is told ---- */

Test(assemble_key, request_told)
{
    kind = UIOMMU_TRACE_REQUEST;
    unit->ring[0].count = UINT64_C(0x1200000000000034);
    request(9, 5, LAST);
    cr_assert_eq(told.a, UINT64_C(9) << 32 | scene.pasid);
    cr_assert_eq(told.b, 0x5000u | UIOMMU_WRITE | UIOMMU_REQUEST_PASID | LAST);
    cr_assert(told.c == 5 && told.d == 0x34);
    unit->ring[0].count = 7;
    toy.request[0].flags = UIOMMU_READ;
    memset(&told, 0, sizeof(told));
    uiommu_assemble(unit, 1, &toy.request[0], 1, 7);
    cr_assert_eq(told.d, UINT64_C(1) << 56 | 7);
    cr_assert_eq(told.a, UIOMMU_PASID_NONE);
    cr_assert_eq(told.b, UIOMMU_READ);
    unit->ring[0].count = 0;
    serve();
}

static void token_told(uint32_t id, uint64_t d)
{
    struct uiommu_group_slot *slot = uiommu_slot_at(
        unit, unit->pool.live.head != UIOMMU_NO_SLOT ? unit->pool.live.head : unit->pool.open.head);

    cr_assert_eq(told.a, (uint64_t)slot->index << 32 | slot->generation);
    cr_assert_eq(told.b, (uint64_t)id << 32 | scene.pasid);
    cr_assert(told.c == 5 && told.d == d);
}

Test(assemble_key, group_told)
{
    struct uiommu_group_slot *slot;

    kind = UIOMMU_TRACE_GROUP_OPEN;
    request(9, 5, 0);
    token_told(9, 1);
    slot = uiommu_slot_at(unit, unit->pool.open.head);
    cr_assert_eq(slot->first.access, UIOMMU_WRITE);
    cr_assert_eq(slot->bond_generation, bond_at(1)->generation);
    kind = UIOMMU_TRACE_GROUP_READY;
    request(9, 5, LAST);
    token_told(9, 2);
    taken(1);
    scene.says = UIOMMU_CODE_PENDING;
    request(8, 5, LAST | STALL);
    taken(2);
    slot = uiommu_slot_at(unit, unit->pool.live.head);
    cr_assert_eq(slot->first.access, UIOMMU_WRITE);
    cr_assert_eq(slot->first.address, 0x5000u);
}

Test(assemble_key, drop_told)
{
    kind = UIOMMU_TRACE_REFUSED;
    request_of(9, scene.pasid + 1, 5, 0);
    cr_assert_eq(told.a, UINT64_C(9) << 32 | (scene.pasid + 1));
    cr_assert(told.b == 5 && told.c == UIOMMU_CODE_NONE && told.d == UIOMMU_DROP_UNKNOWN_PASID);
    cr_assert_eq(device_counts(1).dropped, 1);
    unit->caps.id_bits = 31;
    request(0x80000000u, 5, LAST);
    cr_assert_eq(told.d, UIOMMU_DROP_UNKNOWN_ID);
    cr_assert_eq(unit->out.count, 0);
    cr_assert_eq(unit->counters.dropped, 2);
}

static void marker_told(uint64_t bond, bool counts)
{
    cr_assert_eq(told.a, bond);
    cr_assert_eq(told.c, counts);
    cr_assert_eq(told.d, 0);
}

/* R8: a marker counts where all is right with it, and is told in any case. */
Test(assemble_key, marker_told)
{
    struct uiommu_bond *bond = bond_at(1);
    uint64_t name = (uint64_t)bond->index << 32 | bond->generation;

    kind = UIOMMU_TRACE_MARKER;
    request(77, 0, MARKER);
    marker_told(0, false);
    cr_assert_eq(told.b, UINT64_C(77) << 32 | scene.pasid);
    request_of(9, scene.pasid + 1, 0, MARKER);
    marker_told(0, false);
    scene.dev[1]->gen_at[0] = unit->ring[0].count + 1;
    request(9, 0, MARKER);
    marker_told(name, false);
    unit->ring[0].count++;
    bond->open_at[0] = unit->ring[0].count;
    bond->markers_ok = false;
    request(9, 0, MARKER);
    marker_told(name, false);
    bond->markers_ok = true;
    bond->open_at[0]++;
    request(9, 0, MARKER);
    marker_told(name, false);
    bond->open_at[0]--;
    cr_assert_not(bond->marker);
    request(9, 0, MARKER);
    marker_told(name, true);
    cr_assert(bond->marker);
    cr_assert_eq(bond->marker_generation, uiommu_word_load(&scene.dev[1]->generation));
    cr_assert(bond_info(1).marker_seen);
    cr_assert_eq(unit->counters.markers, 6);
    cr_assert_eq(device_counts(1).markers, 5);
}

/* Without a PASID it is nobody's, though there may be a bond. */
Test(assemble_key, untagged_marker)
{
    struct uiommu_request one = {.id = 8, .flags = MARKER};
    struct uiommu_bond_ref ref;
    struct uiommu_bond *bond;

    cr_assert_eq(scene_bind(scene.dev[0], scene.as, UIOMMU_PASID_NONE, &ref), UIOMMU_OK);
    bond = (struct uiommu_bond *)uiommu_radix_get(&u->bonds, ref.index);
    cr_assert(bond->markers_ok);
    uiommu_assemble(unit, 0, &one, 1, unit->ring[0].count);
    cr_assert_not(bond->marker);
    cr_assert_eq(uiommu_unbind(u, ref, UIOMMU_UNBIND_STOPPED), UIOMMU_OK);
    serve();
}

/* ---- causes and what comes of them ---- */

static char causes[9];

static void hears(struct fake_host *h)
{
    uint32_t id = h->trace.id, n = (uint32_t)strlen(causes);

    if (n < sizeof(causes) - 1)
        causes[n] = id == UIOMMU_TRACE_REFUSED         ? 'r'
                    : id == UIOMMU_TRACE_GROUP_DROPPED ? 'd'
                    : id == UIOMMU_TRACE_DEVICE        ? 'i'
                                                       : 0;
}

/* The next violation is one too many. */
static void last_chance(void)
{
    uiommu_word_store(&scene.dev[0]->state, UIOMMU_DEVICE_NORMAL);
    uiommu_word_store(&scene.port[0]->failed, 0);
    scene.dev[0]->violations = 0;
    unit->config.violations = 1;
    memset(causes, 0, sizeof(causes));
    host.on_trace = hears;
}

/* R30: whoever reads what is told finds why a device was cut off before that it was. */
Test(assemble_key, cause_first)
{
    struct uiommu_bond_ref bond;
    uint32_t other, i;

    cr_assert_eq(uiommu_pasid_alloc(space, NULL, 0, &other), UIOMMU_OK);
    cr_assert_eq(scene_bind(scene.dev[0], scene.as, other, &bond), UIOMMU_OK);
    last_chance();
    request(8, 5, LAST | UIOMMU_REQUEST_MALFORMED);
    cr_assert_str_eq(causes, "ri");
    last_chance();
    request(8, 5, 0);
    request_of(8, other, 5, 0);
    cr_assert_str_eq(causes, "di");
    last_chance();
    for (i = 0; i < 3; i++)
        request_of(8, other, 5, 0);
    cr_assert_str_eq(causes, "");
    request_of(8, other, 5, 0);
    cr_assert_str_eq(causes, "dri");
    last_chance();
    scene.says = UIOMMU_CODE_PENDING;
    request(8, 5, LAST);
    serve();
    request(8, 5, LAST);
    cr_assert_str_eq(causes, "ri");
    unit->config.violations = UINT32_MAX;
    last_chance();
    host.on_trace = NULL;
    cr_assert_eq(uiommu_unbind(u, bond, UIOMMU_UNBIND_STOPPED | UIOMMU_UNBIND_ABORT), UIOMMU_OK);
    serve();
    cr_assert_eq(uiommu_pasid_put(space, other), UIOMMU_OK);
}
