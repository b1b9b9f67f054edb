/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit_scene.h"

/* Requests one by one, each at a position and in a ring of the test's choice. */

TestSuite(assemble, .init = scene_begin, .fini = scene_end);

#define STALL UIOMMU_REQUEST_STALL

static void request_at(uint32_t ring, uint64_t position, uint32_t id, uint32_t index,
                       uint32_t flags)
{
    struct uiommu_request request = {.id = id,
                                     .pasid = scene.pasid,
                                     .index = index,
                                     .address = 0x5000,
                                     .flags = UIOMMU_READ | UIOMMU_REQUEST_PASID | flags};

    uiommu_assemble(unit, ring, &request, 1, position);
}

static void request(uint32_t id, uint32_t index, uint32_t flags)
{
    request_at(0, unit->ring[0].count, id, index, flags);
}

/* The code of the only answer that waits; then none does. */
static uint32_t refused(void)
{
    cr_assert_eq(unit->out.count, 1);
    unit->out.count = 0;
    return unit->out.answer[0].code;
}

/* R25: what is refused before its Last is dropped, and counted where it came from. */
Test(assemble, refused_before_its_last)
{
    ask(8, scene.pasid + 1, 1, 0);
    ask(77, scene.pasid, 1, 0);
    serve();
    cr_assert_eq(toy.answers, 0);
    cr_assert_eq(device_counts(0).dropped, 1);
    cr_assert_eq(device_counts(1).dropped, 0);
    cr_assert_eq(unit->counters.dropped, 2);
    cr_assert(unit->counters.unknown_pasid == 1 && unit->counters.unknown_id == 1);
    cr_assert_eq(unit->counters.requests, 2);
}

/* R30: a device that was cut off is told FAILURE; its stalls are no page requests. */
Test(assemble, isolated)
{
    uiommu_word_store(&scene.dev[0]->state, UIOMMU_DEVICE_ISOLATED);
    request(8, 1, LAST);
    cr_assert_eq(refused(), UIOMMU_CODE_FAILURE);
    request(8, 1, 0);
    cr_assert_eq(unit->out.count, 0);
    cr_assert_eq(device_counts(0).dropped, 1);
    request(8, 1, LAST | STALL);
    cr_assert_eq(unit->out.count, 0);
    uiommu_word_store(&scene.dev[0]->state, UIOMMU_DEVICE_NORMAL);
    serve();
    cr_assert_eq(scene.calls, 1);
}

/* R5: what comes behind the last snapshot is of no life, and too late, whatever the gate says. */
Test(assemble, late)
{
    struct uiommu_bond *bond = bond_at(0);

    bond->closing = true;
    bond->close_at[0] = bond->open_at[0] + 5;
    request_at(0, bond->close_at[0], 8, 1, LAST);
    cr_assert_eq(refused(), UIOMMU_CODE_INVALID);
    cr_assert(bond->late);
    cr_assert_eq(device_counts(0).late, 1);
    cr_assert_eq(unit->counters.late, 1);
    bond->late = false;
    request_at(0, bond->close_at[0] - 1, 8, 1, LAST);
    cr_assert_eq(unit->out.count, 0);
    cr_assert(!bond->late);
    bond->closing = false;
    serve();
    cr_assert_eq(scene.calls, 1);
}

/* R2: each ring has its own beginning of a life. */
Test(assemble, positions_of_a_ring)
{
    struct uiommu_bond *bond = bond_at(0);

    bond->open_at[1] = bond->open_at[0] + 10;
    request_at(1, bond->open_at[1] - 1, 8, 1, LAST);
    cr_assert_eq(refused(), UIOMMU_CODE_INVALID);
    cr_assert_eq(unit->counters.old_life, 1);
    request_at(0, bond->open_at[0], 8, 2, LAST);
    request_at(1, bond->open_at[1], 8, 3, LAST);
    cr_assert_eq(unit->out.count, 0);
    serve();
    cr_assert_eq(scene.calls, 2);
}

/* R8: only a request of the marker's own life shows that it was none. */
Test(assemble, behind_a_marker)
{
    struct uiommu_bond *bond = bond_at(0);

    bond->open_at[0] += 10;
    bond->marker = true;
    request_at(0, bond->open_at[0] - 1, 8, 1, LAST);
    cr_assert(bond->marker);
    cr_assert_eq(refused(), UIOMMU_CODE_INVALID);
    request_at(0, bond->open_at[0], 8, 1, LAST);
    cr_assert(!bond->marker);
    bond->phase = UIOMMU_PHASE_D3;
    request_at(0, bond->open_at[0], 8, 2, LAST);
    cr_assert_not(bond->late, "nothing was built on a marker");
    bond->marker = true;
    request_at(0, bond->open_at[0], 8, 3, LAST);
    cr_assert(bond->late);
    bond->late = false;
    bond->phase = UIOMMU_PHASE_NONE;
    serve();
}

/* The index of a page request that was answered, and a stall in the same slot: no violation. */
Test(assemble, index_of_a_stall)
{
    request(8, 5, LAST);
    serve();
    scene.says = UIOMMU_CODE_PENDING;
    request(8, 5, LAST | STALL);
    serve();
    cr_assert_eq(scene.calls, 2);
    request(8, 5, LAST);
    serve();
    cr_assert_eq(scene.calls, 3);
    cr_assert_eq(device_counts(0).violations, 0);
}

/* I9, R25: what was answered since the round began is credit. */
Test(assemble, credit_of_answered)
{
    struct uiommu_group_ref ref[4];
    uint32_t i;

    scene.says = UIOMMU_CODE_PENDING;
    for (i = 0; i < 4; i++) {
        request(8, i, LAST);
        serve();
        ref[i] = scene.group;
    }
    cr_assert_eq(uiommu_group_respond(unit, ref[0], UIOMMU_CODE_SUCCESS), UIOMMU_OK);
    request(8, 7, LAST);
    cr_assert_eq(unit->out.count, 0);
    cr_assert_eq(device_counts(0).over_credit, 0);
    request(8, 8, LAST);
    cr_assert_eq(refused(), UIOMMU_CODE_INVALID);
    cr_assert_eq(device_counts(0).over_credit, 1);
    cr_assert_eq(scene.dev[0]->violations, 1);
    cr_assert(unit->counters.groups == 5 && device_counts(0).groups == 5);
}

/* Likewise stalls. */
Test(assemble, room_of_answered_stalls)
{
    struct uiommu_group_ref first;
    uint32_t i;

    scene.says = UIOMMU_CODE_PENDING;
    request(8, 0, LAST | STALL);
    serve();
    first = scene.group;
    for (i = 1; i < 8; i++)
        request(8, i, LAST | STALL);
    serve();
    cr_assert_eq(scene.calls, 8);
    cr_assert_eq(uiommu_group_respond(unit, first, UIOMMU_CODE_SUCCESS), UIOMMU_OK);
    request(8, 8, LAST | STALL);
    cr_assert_eq(unit->out.count, 0);
    request(8, 9, LAST | STALL);
    cr_assert_eq(refused(), UIOMMU_CODE_INVALID);
}

static uint32_t kind; /* of the requests, STALL or none */

static void answer_inside(void)
{
    cr_assert_eq(uiommu_group_respond(unit, scene.group, UIOMMU_CODE_SUCCESS), UIOMMU_OK);
    request(8, 7, LAST | kind);
    cr_assert_eq(unit->out.count, 0);
    request(8, 8, LAST | kind);
    cr_assert_eq(refused(), UIOMMU_CODE_INVALID);
    cr_assert_eq(scene.port[0]->released_groups, 0);
    cr_assert_eq(uiommu_word_peek(&scene.port[0]->groups), kind == 0 ? 4 : 0);
}

static void room_inside(uint32_t most, uint32_t flags)
{
    uint32_t i;

    scene.says = UIOMMU_CODE_PENDING;
    for (i = 0; i + 1 < most; i++)
        request(8, 9 + i, LAST | flags);
    serve();
    kind = flags;
    scene.meanwhile = answer_inside;
    request(8, 6, LAST | flags);
    serve();
    cr_assert_eq(scene.calls, most + 1);
    cr_assert_eq(toy.answers, 1);
}

/* And what was answered inside its handler, which has not come back. */
Test(assemble, credit_inside)
{
    room_inside(4, 0);
}

Test(assemble, stalls_inside)
{
    room_inside(8, STALL);
}

static void answers(struct fake_host *h)
{
    h->on_lock = NULL;
    cr_assert_eq(uiommu_group_respond(unit, scene.group, UIOMMU_CODE_SUCCESS), UIOMMU_OK);
}

/* I5: the device has the answer before whoever sends it is through: its index is free. */
Test(assemble, index_while_answered)
{
    scene.says = UIOMMU_CODE_PENDING;
    request(8, 5, LAST);
    serve();
    host.on_lock = answers;
    request(8, 5, LAST);
    cr_assert_eq(toy.answers, 1);
    cr_assert_eq(unit->out.count, 0);
    cr_assert_eq(device_counts(0).violations, 0);
    request(8, 5, LAST);
    cr_assert_eq(refused(), UIOMMU_CODE_INVALID);
    cr_assert_eq(device_counts(0).violations, 1);
    cr_assert_eq(scene.dev[0]->violations, 1);
    cr_assert_eq(bond_at(0)->open, 0);
    serve();
    cr_assert_eq(scene.calls, 2);
}

/* R24: the same index of two of a device's IDs: two groups. */
Test(assemble, aliases)
{
    static const uint32_t ids[2] = {20, 21};
    struct uiommu_device_config c = {.size = sizeof(c),
                                     .ids = ids,
                                     .id_count = 2,
                                     .flags = UIOMMU_DEVICE_PASID | UIOMMU_DEVICE_ATS |
                                              UIOMMU_DEVICE_PRI,
                                     .pasid_bits = 20};
    struct uiommu_bond_ref bond;
    struct uiommu_device *dev;

    c.port = scene_port(4);
    cr_assert_eq(uiommu_device_attach(unit, &c, &dev), UIOMMU_OK);
    cr_assert_eq(scene_bind(dev, scene.as, scene.pasid, &bond), UIOMMU_OK);
    request(21, 3, 0);
    request(20, 3, LAST);
    serve();
    cr_assert(scene.calls == 1 && scene.pages == 1);
    request(21, 3, LAST);
    serve();
    cr_assert(scene.calls == 2 && scene.pages == 2);
    cr_assert_eq(uiommu_unbind(u, bond, UIOMMU_UNBIND_STOPPED), UIOMMU_OK);
    serve();
    cr_assert_eq(uiommu_device_detach(dev), UIOMMU_OK);
    cr_assert_eq(uiommu_port_destroy(c.port), UIOMMU_OK);
}

/* I19: a reset has its own place in each ring. */
Test(assemble, behind_a_reset)
{
    scene.dev[0]->gen_at[0] = unit->ring[0].count + 10;
    request_at(0, scene.dev[0]->gen_at[0] - 1, 8, 1, LAST);
    cr_assert_eq(device_counts(0).dropped, 1);
    request_at(0, scene.dev[0]->gen_at[0], 8, 2, LAST);
    cr_assert_eq(unit->out.count, 0);
    cr_assert_eq(device_counts(0).dropped, 1);
    scene.dev[0]->gen_at[0] = 0;
    serve();
    cr_assert_eq(scene.calls, 1);
}

/* R22: where there is room, a request costs no lock. */
Test(assemble, without_a_lock)
{
    uint32_t saves;

    serve(); /* new slots are taken */
    saves = host.irq_saves;
    request(8, 1, 0);
    request(8, 1, LAST);
    request(8, 1, LAST | STALL);
    cr_assert_eq(host.irq_saves, saves);
    serve();
    cr_assert_eq(scene.calls, 2);
}

static void closes(struct fake_host *h)
{
    h->on_lock = NULL;
    uiommu_word_or(&bond_at(0)->gate, UIOMMU_GATE_CLOSED);
}

/* R13: an exit shuts the gate behind the look at it: nothing is left of the group. */
Test(assemble, closed_meanwhile)
{
    struct uiommu_group_ref ref;
    uint32_t i;

    scene.says = UIOMMU_CODE_PENDING;
    for (i = 0; i < 4; i++)
        request(8, i, LAST);
    serve();
    ref = scene.group;
    cr_assert_eq(uiommu_group_respond(unit, ref, UIOMMU_CODE_SUCCESS), UIOMMU_OK);
    host.on_lock = closes;
    request(8, 9, LAST);
    cr_assert_eq(refused(), UIOMMU_CODE_INVALID);
    cr_assert_eq(bond_info(0).in_flight, 3);
    cr_assert_eq(bond_at(0)->open, 0);
    cr_assert_eq(uiommu_word_peek(&scene.port[0]->outstanding), 3);
    cr_assert(uiommu_unit_valid(unit));
}

static void shuts(struct fake_host *h)
{
    if (h->trace.id == UIOMMU_TRACE_GROUP_OPEN)
        uiommu_word_or(&bond_at(0)->gate, UIOMMU_GATE_CLOSED);
}

/* The same for a stall. */
Test(assemble, stall_closed_meanwhile)
{
    host.on_trace = shuts;
    request(8, 9, LAST | STALL);
    host.on_trace = NULL;
    cr_assert_eq(refused(), UIOMMU_CODE_INVALID);
    cr_assert(unit->stalls == 0 && bond_info(0).in_flight == 0);
    cr_assert(uiommu_unit_valid(unit));
}

/* Two of one sender in one batch: the second is looked at as if it had come alone. */
static void pair(uint32_t index, uint32_t flags)
{
    struct uiommu_request two[2] = {{.id = 8,
                                     .pasid = scene.pasid,
                                     .index = 1,
                                     .address = 0x5000,
                                     .flags = UIOMMU_READ | UIOMMU_REQUEST_PASID}};

    two[1] = two[0];
    two[1].index = index;
    two[1].flags |= flags;
    two[1].at = 1;
    uiommu_assemble(unit, 0, two, 2, unit->ring[0].count);
}

Test(assemble, again)
{
    u->traced = false;
    pair(1, LAST);
    serve();
    cr_assert(scene.calls == 1 && scene.pages == 2 && device_counts(0).requests == 2);
    pair(UIOMMU_PRG_INDICES, LAST);
    cr_assert_eq(refused(), UIOMMU_CODE_INVALID);
    cr_assert_eq(device_counts(0).violations, 1);
    pair(1, LAST | UIOMMU_REQUEST_MALFORMED);
    cr_assert_eq(refused(), UIOMMU_CODE_INVALID);
    cr_assert_eq(device_counts(0).violations, 2);
    pair(3, LAST | UIOMMU_REQUEST_STALL);
    serve();
    cr_assert_eq(scene.calls, 2);
    bond_at(0)->closing = true;
    bond_at(0)->close_at[0] = unit->ring[0].count + 1;
    pair(1, LAST);
    bond_at(0)->closing = false;
    cr_assert_eq(refused(), UIOMMU_CODE_INVALID);
    cr_assert_eq(device_counts(0).late, 1);
    cr_assert(uiommu_unit_valid(unit));
    bond_at(0)->late = false;
    u->traced = true;
}

/* Two of a batch that differ in PASID or ID alone are not one sender's. */
Test(assemble, not_again)
{
    struct uiommu_request two[2] = {{.id = 8,
                                     .pasid = scene.pasid,
                                     .index = 1,
                                     .address = 0x5000,
                                     .flags = UIOMMU_READ | UIOMMU_REQUEST_PASID | LAST}};

    two[1] = two[0];
    two[1].index = 2;
    two[1].at = 1;
    two[1].pasid = 0; /* nobody's */
    uiommu_assemble(unit, 0, two, 2, unit->ring[0].count);
    cr_assert_eq(refused(), UIOMMU_CODE_INVALID);
    cr_assert_eq(unit->counters.unknown_pasid, 1);
    serve();
    cr_assert_eq(scene.calls, 1);
    two[1].pasid = scene.pasid;
    two[1].id = 0; /* no device's */
    uiommu_assemble(unit, 0, two, 2, unit->ring[0].count);
    cr_assert_eq(refused(), UIOMMU_CODE_INVALID);
    cr_assert_eq(unit->counters.unknown_id, 1);
    serve();
    two[1].id = 9;
    uiommu_assemble(unit, 0, two, 2, unit->ring[0].count);
    cr_assert(device_counts(0).groups == 3 && device_counts(1).groups == 1);
    serve();
    cr_assert_eq(scene.calls, 4);
}

/* Entries grant no reading here. */
Test(assemble, beyond_reading)
{
    unit->caps.access = UIOMMU_WRITE;
    request(8, 1, LAST);
    cr_assert_eq(refused(), UIOMMU_CODE_INVALID);
    cr_assert_eq(bond_at(0)->open, 0);
    cr_assert(uiommu_unit_valid(unit));
    unit->caps.access = UIOMMU_READ;
    request(8, 1, 0); /* most likely in the same slot */
    request(8, 1, 0);
    request(8, 1, 0);
    cr_assert(uiommu_unit_valid(unit));
    request(8, 1, LAST);
    serve();
    cr_assert(scene.calls == 1 && scene.pages == 4);
}

/* R8: markers of a device that is not trusted with them are counted, and no more. */
Test(assemble, untrusted_marker)
{
    request(8, 0, UIOMMU_REQUEST_MARKER);
    cr_assert_eq(unit->counters.markers, 1);
    cr_assert_not(bond_at(0)->marker);
}

/* R20: of what is gone nothing is answered. */
Test(assemble, gone)
{
    uiommu_word_store(&scene.dev[0]->state, UIOMMU_DEVICE_GONE);
    request(8, 1, LAST);
    cr_assert_eq(unit->out.count, 0);
    cr_assert_eq(device_counts(0).dropped, 1);
    uiommu_word_store(&scene.dev[0]->state, UIOMMU_DEVICE_NORMAL);
}

/* R33: a reset ends what is open of its own device. */
Test(assemble, partials_of_a_reset)
{
    request(8, 1, 0);
    request(9, 1, 0);
    cr_assert_eq(uiommu_device_reset_begin(scene.dev[0]), UIOMMU_OK);
    serve();
    cr_assert_eq(bond_at(0)->open, 0);
    cr_assert_eq(bond_at(1)->open, 1);
    cr_assert_eq(reset_to_end(0), UIOMMU_OK);
    request(9, 1, LAST);
    serve();
    cr_assert_eq(scene.pages, 2);
}

/* I7: a device without a page request interface that asks all the same: never FAILURE. */
Test(assemble, without_a_port)
{
    struct uiommu_device *plain;

    cr_assert_eq(scene_attach(30, UIOMMU_DEVICE_PASID, NULL, &plain), UIOMMU_OK);
    request(30, 1, LAST);
    cr_assert_eq(refused(), UIOMMU_CODE_INVALID);
    cr_assert_eq(uiommu_device_detach(plain), UIOMMU_OK);
}

/* What makes no sense counts against the device. */
Test(assemble, malformed)
{
    request(8, UIOMMU_PRG_INDICES, 0);
    request(8, 1, UIOMMU_REQUEST_MALFORMED);
    cr_assert_eq(scene.dev[0]->violations, 2);
    cr_assert_eq(device_counts(0).violations, 2);
}
