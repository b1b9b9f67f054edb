/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit_scene.h"

/* R15, R19, R20, R33: resets that meet others, removals, and devices that are cut off. */

static void (*inside_enable)(void);
static uint32_t enables;

static uiommu_err set_pasid(void *ctx, bool on)
{
    void (*then)(void) = inside_enable;

    (void)ctx;
    enables += on;
    inside_enable = NULL;
    if (then != NULL)
        then();
    return UIOMMU_OK;
}

static const struct uiommu_device_ops functions = {.size = sizeof(functions),
                                                   .set_pasid = set_pasid};

static void begin(void)
{
    memset(&scene, 0, sizeof(scene));
    inside_enable = NULL;
    toy_begin();
    toy.caps.flags |= UIOMMU_CAP_ISOLATE;
    scene.device_ops = &functions;
    scene_set(&toy_ops);
    enables = 0;
}

TestSuite(resets, .init = begin, .fini = scene_end);

static void reset(uint32_t i)
{
    cr_assert_eq(uiommu_device_reset_begin(scene.dev[i]), UIOMMU_OK);
    cr_assert_eq(reset_to_end(i), UIOMMU_OK);
}

static struct uiommu_group_ref young;

static void live_on(void)
{
    host.self = 2;
    reset(0);
    ask(8, scene.pasid, 7, LAST);
    as_another(5);
    host.self = 1;
    cr_assert_eq(scene.calls, 2);
    young = scene.group;
}

/* I4, R33: a handler of before the reset decides to answer later: what the new life waits for is
 * not taken away with it. */
Test(resets, pending_of_two_lives)
{
    struct uiommu_group_ref old;

    scene.says = UIOMMU_CODE_PENDING;
    scene.meanwhile = live_on;
    ask(8, scene.pasid, 7, LAST);
    serve();
    cr_assert_eq(scene.orphans, 1);
    cr_assert_eq(scene.orphan, UIOMMU_ORPHAN_RESET);
    cr_assert_eq(bond_info(0).in_flight, 1);
    old = young;
    cr_assert_eq(uiommu_group_respond(unit, old, UIOMMU_CODE_SUCCESS), UIOMMU_OK);
    cr_assert_eq(toy.code[UIOMMU_CODE_SUCCESS & 3], 1);
    serve();
    cr_assert_eq(uiommu_word_peek(&scene.port[0]->outstanding), 0);
}

static void at(uint64_t ns)
{
    host.now_ns = ns;
    cr_assert_neq(uiommu_unit_service(unit, 0), UIOMMU_E_HANDLE);
}

/* Deadlines of what is open and of what is not answered: at their moment, not before. */
Test(resets, expire_at)
{
    uint64_t since;

    host.tick_ns = 0;
    unit->config.partial_ns = 1000;
    unit->config.answer_ns = 5000;
    since = host.now_ns;
    ask(8, scene.pasid, 1, 0);
    at(since);
    at(since + 999);
    cr_assert_eq(uiommu_word_peek(&scene.port[0]->groups), 1);
    at(since + 1000);
    cr_assert_eq(uiommu_word_peek(&scene.port[0]->groups), 0);
    scene.says = UIOMMU_CODE_PENDING;
    since = host.now_ns;
    ask(8, scene.pasid, 2, LAST);
    at(since);
    at(since + 4999);
    at(since + 4999);
    cr_assert_eq(scene.orphans, 0);
    at(since + 5000);
    at(since + 5000);
    cr_assert_eq(scene.orphans, 1);
    host.tick_ns = 1000;
}

/* R20: what waits for its handler ends with the reset; what the other device has goes on. */
Test(resets, ready_of_before)
{
    uint32_t i;

    scene.says = UIOMMU_CODE_PENDING;
    for (i = 0; i < 4; i++) {
        bond_at(i % 2)->cap = 1;
        ask(scene_ids[i % 2], scene.pasid, i, LAST);
    }
    serve();
    cr_assert_eq(scene.calls, 2);
    cr_assert(bond_at(0)->ready_listed && bond_at(1)->ready_listed);
    cr_assert_eq(uiommu_device_reset_begin(scene.dev[0]), UIOMMU_OK);
    cr_assert(!bond_at(0)->ready_listed && bond_at(1)->ready_listed);
    cr_assert_eq(toy.answers, 0);
    cr_assert_eq(reset_to_end(0), UIOMMU_OK);
    serve();
    cr_assert_eq(bond_info(0).in_flight, 0);
    cr_assert_eq(bond_info(1).in_flight, 2);
    cr_assert_eq(scene.calls, 2);
}

static void remove_it(void)
{
    cr_assert_eq(uiommu_device_removed(scene.dev[0]), UIOMMU_OK);
}

/* R20: removed while the end of its reset switches it on: gone it is. */
Test(resets, removed_meanwhile)
{
    cr_assert_eq(uiommu_device_reset_begin(scene.dev[0]), UIOMMU_OK);
    inside_enable = remove_it;
    cr_assert_eq(reset_to_end(0), UIOMMU_E_GONE);
    cr_assert_eq(uiommu_device_get_state(scene.dev[0]), UIOMMU_DEVICE_GONE);
    cr_assert_eq(uiommu_device_reset_begin(scene.dev[0]), UIOMMU_E_GONE);
    cr_assert_eq(uiommu_device_reset_end(scene.dev[0]), UIOMMU_E_STATE);
}

static void begin_again(void)
{
    cr_assert_eq(uiommu_device_reset_begin(scene.dev[0]), UIOMMU_OK);
}

/* R33: begun again while it ends: that end is none, and the device is shut. */
Test(resets, begun_again_meanwhile)
{
    uint32_t generation;

    cr_assert_eq(uiommu_device_reset_begin(scene.dev[0]), UIOMMU_OK);
    generation = uiommu_word_load(&scene.dev[0]->generation);
    inside_enable = begin_again;
    while (enables == 0)
        cr_assert_eq(uiommu_device_reset_end(scene.dev[0]), UIOMMU_PENDING);
    cr_assert_eq(uiommu_device_get_state(scene.dev[0]), UIOMMU_DEVICE_RESETTING);
    cr_assert_eq(uiommu_word_load(&scene.dev[0]->generation), generation + 1);
    cr_assert_eq(uiommu_word_load(&scene.dev[0]->shut), 1);
    ask(8, scene.pasid, 1, LAST);
    serve();
    cr_assert_eq(scene.calls, 0);
    cr_assert_eq(reset_to_end(0), UIOMMU_OK);
    cr_assert_eq(enables, 2);
    ask(8, scene.pasid, 1, LAST);
    serve();
    cr_assert_eq(scene.calls, 1);
}

/* R33: a barrier that takes longer than a drain may ends no reset. */
Test(resets, barrier_too_slow)
{
    unit->config.drain_ns = 1000000;
    unit->config.command_ns = UINT64_C(1000000000000);
    cr_assert_eq(uiommu_device_reset_begin(scene.dev[0]), UIOMMU_OK);
    toy.failing = TOY_POLL;
    toy.with = UIOMMU_PENDING;
    cr_assert_eq(reset_to_end(0), UIOMMU_E_HW);
    cr_assert_eq(uiommu_device_get_state(scene.dev[0]), UIOMMU_DEVICE_RESETTING);
    toy.failing = TOY_NONE;
    unit->config.drain_ns = UINT64_MAX; /* for ever */
    cr_assert_eq(reset_to_end(0), UIOMMU_OK);
    unit->config.drain_ns = UINT64_C(10000000000);
}

/* R33: queues that go take with them what handlers of every device have pending. */
Test(resets, suspended)
{
    uint32_t i;

    scene.says = UIOMMU_CODE_PENDING;
    ask(8, scene.pasid, 1, LAST);
    ask(9, scene.pasid, 1, LAST);
    serve();
    cr_assert_eq(uiommu_unit_suspend(unit), UIOMMU_OK);
    serve();
    cr_assert_eq(scene.orphans, 2);
    cr_assert_eq(scene.orphan, UIOMMU_ORPHAN_RESET);
    cr_assert_eq(toy.answers, 0);
    uiommu_word_store(&unit->suspended, 0); /* the toy cannot restart */
    for (i = 0; i < 2; i++)
        reset(i);
}

static uiommu_err ats_says;

static uiommu_err set_ats(void *ctx, bool on, uint32_t stu)
{
    (void)ctx;
    (void)stu;
    return on ? ats_says : UIOMMU_OK;
}

/* Requests of after the stamp are the new life's, although ATS could not be switched on. */
Test(resets, requests_after_the_stamp)
{
    scene.dev[0]->ops.set_ats = set_ats;
    ats_says = UIOMMU_E_GONE;
    cr_assert_eq(uiommu_device_reset_begin(scene.dev[0]), UIOMMU_OK);
    ask(8, scene.pasid, 1, LAST);
    cr_assert_eq(reset_to_end(0), UIOMMU_E_GONE);
    cr_assert_eq(scene.calls, 0, "that of before is dropped");
    cr_assert_eq(uiommu_device_get_state(scene.dev[0]), UIOMMU_DEVICE_RESETTING);
    ask(8, scene.pasid, 2, LAST);
    serve();
    cr_assert_eq(scene.calls, 1);
    cr_assert_eq(toy.answers, 1);
    ats_says = UIOMMU_OK;
    cr_assert_eq(reset_to_end(0), UIOMMU_OK);
}

/* I19: what lay in the ring when the stamp was taken is of before, even if it is read later. */
Test(resets, requests_before_the_stamp)
{
    cr_assert_eq(uiommu_device_reset_begin(scene.dev[0]), UIOMMU_OK);
    toy.failing = TOY_FETCH;
    toy.with = UIOMMU_E_HW;
    ask(8, scene.pasid, 1, LAST);
    cr_assert_eq(reset_to_end(0), UIOMMU_OK);
    cr_assert_eq(toy.waiting, 1);
    toy.failing = TOY_NONE;
    ask(8, scene.pasid, 2, LAST);
    serve();
    cr_assert_eq(scene.calls, 1);
    cr_assert_eq(toy.answers, 1);
    cr_assert_eq(device_counts(0).dropped, 1);
}

/* ---- cut off ---- */

static uint32_t isolate(uint32_t i)
{
    uiommu_device_isolate(scene.dev[i]);
    serve();
    return toy.isolated;
}

/* As hard as hardware can: again while there is no room, in as many steps as it wants, then no
 * more. */
Test(resets, isolated)
{
    toy.failing = TOY_ISOLATE;
    toy.with = UIOMMU_E_BUSY;
    toy.times = 3;
    cr_assert_eq(isolate(0), 4);
    cr_assert_eq(scene.dev[0]->isolating, false);
    reset(0);
    toy.isolated = 0;
    toy.failing = TOY_ISOLATE;
    toy.with = UIOMMU_MORE;
    toy.times = 2;
    cr_assert_eq(isolate(0), 3);
    cr_assert_eq(scene.dev[0]->isolating, false);
    ask(8, scene.pasid, 1, LAST);
    serve();
    cr_assert_eq(toy.code[UIOMMU_CODE_FAILURE & 3], 1);
}

/* Hardware that cannot after all is not asked for ever. */
Test(resets, isolation_is_not_supported)
{
    toy.failing = TOY_ISOLATE;
    toy.with = UIOMMU_E_UNSUPPORTED;
    cr_assert_eq(isolate(0), 1);
    cr_assert_eq(scene.dev[0]->isolating, false);
    cr_assert_eq(uiommu_device_get_state(scene.dev[0]), UIOMMU_DEVICE_ISOLATED);
}

/* Its invalidation is lost: it is done again. */
Test(resets, isolation_fails)
{
    toy.failing = TOY_CONFIG;
    toy.with = UIOMMU_E_BUSY;
    toy.times = 2;
    cr_assert_eq(isolate(0), 3);
    toy.isolated = 0;
    reset(0);
    uiommu_device_isolate(scene.dev[0]);
    toy.failing = TOY_POLL;
    toy.with = UIOMMU_E_HW;
    toy.times = 1;
    serve();
    cr_assert_eq(toy.isolated, 2);
    cr_assert_eq(scene.dev[0]->isolating, false);
}

/* R19: cut off without a port of its own: nobody's page requests are switched off. */
Test(resets, isolated_without_a_port)
{
    struct uiommu_port_info info;
    struct uiommu_device *third;

    cr_assert_eq(scene_attach(30, UIOMMU_DEVICE_ATS, NULL, &third), UIOMMU_OK);
    uiommu_device_isolate(third);
    cr_assert_eq(uiommu_device_get_state(third), UIOMMU_DEVICE_ISOLATED);
    cr_assert_eq(uiommu_port_get_info(scene.port[0], &info), UIOMMU_OK);
    cr_assert_eq(info.failed, false);
    serve();
    cr_assert_eq(uiommu_device_detach(third), UIOMMU_OK);
}
