/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit_scene.h"

#include <stddef.h>

/* A unit's defaults and limits as include/uiommu/unit.h gives them, and what it tells of itself. */

#define MS UINT64_C(1000000)

static struct uiommu_backend_ops ops;

static void begin(void)
{
    toy_begin();
    ops = toy_ops;
    ops.restart = toy_start;
}

static void end(void)
{
    if (unit != NULL && !uiommu_unit_running(unit))
        cr_assert_eq(uiommu_unit_start(unit), UIOMMU_OK);
    toy_end();
}

TestSuite(unit, .init = begin, .fini = end);

static void made(const struct uiommu_unit_config *config)
{
    cr_assert_eq(uiommu_unit_create(u, &ops, &toy, config, &unit), UIOMMU_OK);
}

static void gone(void)
{
    cr_assert_eq(uiommu_unit_destroy(unit), UIOMMU_OK);
    unit = NULL;
}

Test(unit, defaults)
{
    struct uiommu_unit_config c = {.size = sizeof(c), .pasids = space}, *own;

    toy.caps.stall_max = 1000;
    toy.caps.id_bits = 32;
    made(&c);
    own = &unit->config;
    cr_assert(own->id_bits == 16 && own->marker_reserve == 8 && own->events == 256);
    cr_assert(own->stalls == 256 && own->violations == 64);
    cr_assert(own->command_ns == 1000 * MS && own->stop_ns == 10000 * MS);
    cr_assert(own->answer_ns == 10000 * MS && own->partial_ns == 1000 * MS);
    cr_assert(own->drain_ns == 10000 * MS && own->handler_ns == 1000 * MS);
    cr_assert(own->settle_ns == 10 * MS && unit->settle_ns == 10 * MS);
    cr_assert_eq(unit->stall_slots, 256);
    cr_assert_eq(unit->deadline_ns, UINT64_MAX);
    cr_assert_eq(unit->caps.access, UIOMMU_READ | UIOMMU_WRITE | UIOMMU_EXEC | UIOMMU_PRIV);
}

/* What is given is taken, at the limits, too. */
Test(unit, given)
{
    struct uiommu_unit_config c = {.size = sizeof(c),
                                   .pasids = space,
                                   .id_bits = 32,
                                   .marker_reserve = 1,
                                   .events = 4,
                                   .stalls = 1,
                                   .violations = 1,
                                   .command_ns = 1,
                                   .stop_ns = 2,
                                   .answer_ns = 3,
                                   .partial_ns = 4,
                                   .drain_ns = 5,
                                   .handler_ns = 6,
                                   .settle_ns = 7};

    toy.caps.id_bits = 32;
    toy.caps.rings = UIOMMU_RINGS;
    toy.caps.tag_first = toy.caps.tag_last = 1;
    toy.caps.access = 0xf;
    made(&c);
    c.size = unit->config.size;
    cr_assert_eq(memcmp(&c, &unit->config, sizeof(c)), 0);
    cr_assert_eq(unit->settle_ns, 7);
    cr_assert_eq(unit->stall_slots, 1);
    cr_assert_eq(unit->events.size, 4);
    cr_assert(uiommu_unit_valid(unit));
    gone();
    toy.caps.id_bits = 16;
    c.events = 0x10000;
    c.stalls = 9; /* than the hardware has */
    c.command_ns = 1000 * MS;
    made(&c);
    cr_assert(unit->config.id_bits == 16 && unit->stall_slots == 8);
    cr_assert_eq(unit->events.size, 0x10000);
}

/* Memory for every entry of the queue, every stall, and a chunk besides. */
Test(unit, room)
{
    struct uiommu_unit_config c = {.size = sizeof(c), .pasids = space};

    toy.caps.stall_max = 0;
    toy.caps.request_entries = 64;
    made(&c);
    cr_assert_eq(unit->pool.max, 4);
    cr_assert_eq(unit->pool.count, 0, "nothing before it is granted");
    gone();
    toy.caps.stall_max = 64;
    made(&c);
    cr_assert_eq(unit->pool.max, 5);
    cr_assert_eq(unit->pool.count, 1);
}

static struct uiommu_unit_info info(void)
{
    struct uiommu_unit_info out;

    memset(&out, 0xff, sizeof(out));
    cr_assert_eq(uiommu_unit_get_info(unit, &out), UIOMMU_OK);
    return out;
}

Test(unit, info)
{
    struct uiommu_unit_config c = {.size = sizeof(c), .pasids = space};
    struct uiommu_unit_info is;

    toy.caps.flags = UIOMMU_CAP_MARKERS;
    toy.caps.access = UIOMMU_READ;
    made(&c);
    is = info();
    cr_assert_eq(strcmp(is.backend, "toy"), 0);
    cr_assert(is.number == unit->number && is.id_bits == 16 && is.pasid_bits == 20);
    cr_assert(is.request_entries == 64 && is.credits_granted == 0 && is.credits_free == 55);
    cr_assert(is.stall_slots == 8 && is.group_slots == unit->pool.max * 64 && is.stu_bits == 12);
    cr_assert(!is.ats && is.markers && !is.coherent);
    cr_assert(!is.started && !is.hung && !is.suspended);
    cr_assert_eq(is.access, UIOMMU_READ);
    uiommu_word_store(&unit->granted, 55);
    cr_assert_eq(info().credits_free, 0);
    uiommu_word_store(&unit->granted, 54);
    cr_assert(info().credits_free == 1 && info().credits_granted == 54);
    uiommu_word_store(&unit->granted, 0);
    gone();
    toy.caps.flags = UIOMMU_CAP_ATS | UIOMMU_CAP_COHERENT;
    made(&c);
    cr_assert_eq(uiommu_unit_start(unit), UIOMMU_OK);
    is = info();
    cr_assert(is.ats && !is.markers && is.coherent);
    cr_assert(is.started && !is.hung && !is.suspended);
    cr_assert_eq(uiommu_unit_suspend(unit), UIOMMU_OK);
    is = info();
    cr_assert(is.started && is.hung && is.suspended);
    cr_assert_eq(uiommu_unit_resume(unit), UIOMMU_OK);
    cr_assert(!info().hung && !info().suspended);
    cr_assert_eq(uiommu_unit_get_info(unit, NULL), UIOMMU_E_INVALID);
    cr_assert_eq(uiommu_unit_get_counters(unit, NULL), UIOMMU_E_INVALID);
}

/* I9: what may be granted: the queue's entries, less one, less those kept for markers. */
Test(unit, ledger)
{
    struct uiommu_unit_config c = {.size = sizeof(c), .pasids = space, .marker_reserve = 63};
    static const uint32_t keep[] = {63, 62, 64, 70}, free[] = {0, 1, 0, 0};
    uint32_t i;

    for (i = 0; i < 4; i++) {
        c.marker_reserve = keep[i];
        made(&c);
        cr_assert_eq(uiommu_port_ledger(unit), free[i]);
        cr_assert_eq(info().credits_free, free[i]);
        gone();
    }
}

/* ---- reserved regions ---- */

static uint32_t starts;

static uiommu_err counted(void *hw)
{
    starts++;
    return toy_start(hw);
}

static void made_with(struct uiommu_reserved *reserved, uint32_t count)
{
    struct uiommu_unit_config c = {
        .size = sizeof(c), .pasids = space, .reserved = reserved, .reserved_count = count};

    starts = 0;
    ops.start = counted;
    made(&c);
}

static void refused(void)
{
    cr_assert_eq(uiommu_unit_start(unit), UIOMMU_E_INVALID);
    cr_assert(starts == 0 && !info().started);
}

/* Issue 5.2: nothing is started before each has its word; words may come later than the unit. */
Test(unit, reserved_without_word)
{
    struct uiommu_reserved r[] = {{0x1000, 0x1fff, UIOMMU_READ, UIOMMU_RESERVED_NONE},
                                  {0, UINT64_MAX, UIOMMU_WRITE, UIOMMU_RESERVED_NONE},
                                  {7, 7, UIOMMU_READ | UIOMMU_WRITE, UIOMMU_RESERVED_CONFIRMED}};

    made_with(r, 3);
    refused();
    r[0].word = UIOMMU_RESERVED_WAIVED;
    refused();
    r[1].word = UIOMMU_RESERVED_CONFIRMED;
    r[2].word = UIOMMU_RESERVED_WAIVED + 1u;
    refused();
    r[2].word = UIOMMU_RESERVED_WAIVED;
    cr_assert_eq(uiommu_unit_start(unit), UIOMMU_OK);
    cr_assert_eq(starts, 1);
    r[0].word = UIOMMU_RESERVED_NONE; /* the caller's again: not asked for a second time */
    cr_assert_eq(uiommu_unit_start(unit), UIOMMU_E_STATE);
    cr_assert_eq(uiommu_unit_stop(unit), UIOMMU_OK);
    cr_assert_eq(uiommu_unit_start(unit), UIOMMU_OK);
    cr_assert_eq(starts, 2);
}

/* A range or an access that cannot be has no word that helps. */
Test(unit, reserved_that_cannot_be)
{
    static const struct uiommu_reserved good = {0x1000, 0x1fff, UIOMMU_READ,
                                                UIOMMU_RESERVED_WAIVED};
    struct uiommu_reserved r = good;

    made_with(&r, 1);
    r.last = r.first - 1;
    refused();
    r = good;
    r.access = 0;
    refused();
    r.access = UIOMMU_READ | UIOMMU_EXEC;
    refused();
    r = good;
    toy.failing = TOY_START;
    toy.with = UIOMMU_E_HW;
    cr_assert_eq(uiommu_unit_start(unit), UIOMMU_E_HW);
    toy.failing = TOY_NONE;
    r.word = UIOMMU_RESERVED_NONE; /* a failed start has not settled it */
    starts = 0;
    refused();
    r.word = UIOMMU_RESERVED_CONFIRMED;
    cr_assert_eq(uiommu_unit_start(unit), UIOMMU_OK);
}

/* A count without an array is refused at once; a caller who knows of none has none. */
Test(unit, reserved_array)
{
    struct uiommu_reserved r = {0, 0, 0, 0};
    struct uiommu_unit_config c = {.size = sizeof(c), .pasids = space, .reserved_count = 1};

    cr_assert_eq(uiommu_unit_create(u, &ops, &toy, &c, &unit), UIOMMU_E_INVALID);
    c.reserved = &r;
    c.reserved_count = 0;
    made(&c);
    cr_assert_eq(uiommu_unit_start(unit), UIOMMU_OK);
    cr_assert_eq(uiommu_unit_stop(unit), UIOMMU_OK);
    gone();
    c.reserved_count = 1;
    c.size = offsetof(struct uiommu_unit_config, reserved);
    made(&c);
    cr_assert_eq(unit->config.reserved_count, 0);
}

/* ---- with devices ---- */

static void begin_scene(void)
{
    memset(&scene, 0, sizeof(scene));
    begin();
    scene_set(&ops);
}

TestSuite(unit_scene, .init = begin_scene, .fini = scene_end);

/* R9: queues that go take with them what waited: answers, groups, positions, and PRI. */
Test(unit_scene, suspend)
{
    struct uiommu_event event;
    uint32_t n = 0, i;

    scene.says = UIOMMU_CODE_PENDING;
    ask(8, scene.pasid, 1, LAST);
    ask(9, scene.pasid, 2, 0);
    serve();
    toy.room = 0;
    ask(8, scene.pasid + 1, 3, LAST);
    serve();
    cr_assert_eq(unit->out.count, 1);
    unit->ring[0].given = unit->ring[0].count + 5;
    while (uiommu_unit_next_event(unit, &event) == UIOMMU_OK)
        ;
    cr_assert_eq(uiommu_unit_suspend(unit), UIOMMU_OK);
    cr_assert_eq(unit->out.count, 0);
    cr_assert_eq(unit->ring[0].count, unit->ring[0].given);
    cr_assert_eq(unit->ring[0].acks, 1);
    cr_assert_eq(bond_at(1)->open, 0);
    for (i = 0; i < 2; i++) {
        cr_assert_eq(uiommu_word_load(&scene.dev[i]->generation), 2);
        cr_assert_eq(uiommu_word_load(&scene.port[i]->failed), 1);
    }
    while (uiommu_unit_next_event(unit, &event) == UIOMMU_OK)
        n += event.kind == UIOMMU_EVENT_PRI_OFF;
    cr_assert_eq(n, 2);
    cr_assert_eq(uiommu_unit_suspend(unit), UIOMMU_E_STATE);
    cr_assert_eq(uiommu_unit_restart(unit), UIOMMU_E_STATE);
    cr_assert_eq(uiommu_unit_resume(unit), UIOMMU_OK);
    cr_assert_eq(uiommu_unit_resume(unit), UIOMMU_E_STATE);
    toy.room = UINT32_MAX;
    serve();
    cr_assert_eq(scene.orphans, 1);
    cr_assert_eq(toy.answers, 0);
    for (i = 0; i < 2; i++) {
        cr_assert_eq(uiommu_device_reset_begin(scene.dev[i]), UIOMMU_OK);
        cr_assert_eq(reset_to_end(i), UIOMMU_OK);
    }
}

Test(unit_scene, busy)
{
    cr_assert_eq(uiommu_unit_start(unit), UIOMMU_E_STATE);
    cr_assert_eq(uiommu_unit_stop(unit), UIOMMU_E_BUSY);
    cr_assert_eq(uiommu_unit_destroy(unit), UIOMMU_E_BUSY);
    cr_assert(uiommu_unit_running(unit));
}
