/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit_scene.h"

/* I18, I24, R19: attach and detach that cannot have what they need, and what is left then. */

static struct uiommu_device *dev;
static uiommu_err ats_says, pri_says;
static bool holding;

static uiommu_err set_ats(void *ctx, bool on, uint32_t stu)
{
    (void)ctx;
    (void)stu;
    if (on && holding) /* As a service elsewhere that takes long. */
        cr_assert(uiommu_role_take(unit));
    return on ? ats_says : UIOMMU_OK;
}

static uiommu_err set_pri(void *ctx, bool on, uint32_t credits, bool *required)
{
    (void)ctx;
    (void)credits;
    (void)required;
    return on ? pri_says : UIOMMU_OK;
}

static const struct uiommu_device_ops with_pri = {
    .size = sizeof(with_pri), .set_ats = set_ats, .set_pri = set_pri};
static const struct uiommu_device_ops without = {.size = sizeof(without), .set_ats = set_ats};

static void begin(void)
{
    scene_begin();
    ats_says = pri_says = UIOMMU_OK;
    holding = false;
    dev = NULL;
}

TestSuite(attach, .init = begin, .fini = scene_end);

#define ALL (UIOMMU_DEVICE_PASID | UIOMMU_DEVICE_ATS | UIOMMU_DEVICE_PRI)

/* The depth of a device TLB's queue is what the caller says, 1 if he says nothing. */
Test(attach, depth)
{
    static const uint32_t id = 30;
    struct uiommu_device_config c = {.size = sizeof(c), .ids = &id, .id_count = 1};

    cr_assert_eq(toy.depth, 1);
    c.ats_depth = 5;
    cr_assert_eq(uiommu_device_attach(unit, &c, &dev), UIOMMU_OK);
    cr_assert_eq(toy.depth, 5);
    cr_assert_eq(uiommu_device_detach(dev), UIOMMU_OK);
}

/* Whoever holds the role for longer than the deadline: the caller hears so, and may try again. */
Test(attach, role_is_held)
{
    cr_assert(uiommu_role_take(unit));
    host.tick_ns = 10000000;
    cr_assert_eq(scene_attach(30, 0, NULL, &dev), UIOMMU_E_TIMEOUT);
    cr_assert_eq(toy.attached, 2);
    (void)uiommu_role_drop(unit);
    host.tick_ns = 1000;
    cr_assert_eq(scene_attach(30, 0, NULL, &dev), UIOMMU_OK);
    cr_assert(uiommu_role_take(unit));
    host.tick_ns = 10000000;
    cr_assert_eq(uiommu_device_detach(dev), UIOMMU_PENDING);
    (void)uiommu_role_drop(unit);
    host.tick_ns = 1000;
    cr_assert_eq(uiommu_device_detach(dev), UIOMMU_OK);
    cr_assert_eq(toy.attached, 2);
}

/* It could not be switched on, and the role is held: it is shut out, and goes with the next. */
Test(attach, fails_while_the_role_is_held)
{
    scene.device_ops = &without;
    ats_says = UIOMMU_E_GONE;
    holding = true;
    host.tick_ns = 10000000;
    cr_assert_eq(scene_attach(30, ALL, scene.port[0], &dev), UIOMMU_E_GONE);
    cr_assert_eq(toy.attached, 3);
    cr_assert_not_null(unit->zombies);
    cr_assert_eq(uiommu_word_load(&unit->zombies->shut), 1);
    holding = false;
    ats_says = UIOMMU_OK;
    (void)uiommu_role_drop(unit);
    host.tick_ns = 1000;
    cr_assert_eq(scene_attach(30, ALL, scene.port[0], &dev), UIOMMU_OK);
    cr_assert_null(unit->zombies);
    cr_assert_eq(toy.attached, 3);
    cr_assert_eq(uiommu_device_detach(dev), UIOMMU_OK);
}

/* Its entry cannot be shut for sure: its tables stay, and so does the device. */
Test(attach, detach_is_not_proved)
{
    cr_assert_eq(scene_attach(30, 0, NULL, &dev), UIOMMU_OK);
    toy.failing = TOY_POLL;
    toy.with = UIOMMU_PENDING;
    host.tick_ns = 10000000;
    cr_assert_eq(uiommu_device_detach(dev), UIOMMU_PENDING);
    cr_assert_eq(toy.attached, 3);
    toy.failing = TOY_NONE;
    host.tick_ns = 1000;
    cr_assert_eq(uiommu_device_detach(dev), UIOMMU_OK);
    cr_assert_eq(toy.attached, 2);
}

/* R28: a unit that always sends the PASID back suits a device that has none. */
Test(attach, responses_with_pasid)
{
    unit->caps.flags &= ~UIOMMU_CAP_RESPONSE_PASID;
    cr_assert_eq(scene_attach(30, ALL, scene.port[0], &dev), UIOMMU_E_UNSUPPORTED);
    cr_assert_eq(scene_attach(30, UIOMMU_DEVICE_ATS | UIOMMU_DEVICE_PRI, scene.port[0], &dev),
                 UIOMMU_OK);
    cr_assert_eq(uiommu_device_detach(dev), UIOMMU_OK);
    unit->caps.flags |= UIOMMU_CAP_RESPONSE_PASID;
}

/* IDs of 32 bits: every one is within. */
Test(attach, wide_ids)
{
    cr_assert_eq(scene_attach(UINT32_MAX, 0, NULL, &dev), UIOMMU_E_RANGE);
    unit->config.id_bits = 32;
    cr_assert_eq(scene_attach(UINT32_MAX, 0, NULL, &dev), UIOMMU_OK);
    cr_assert_eq(uiommu_device_detach(dev), UIOMMU_OK);
    unit->config.id_bits = 16;
}

/* PRI goes off with a failed attach, whether there is an op for it or not. */
Test(attach, pri_goes_off)
{
    struct uiommu_port_info info;
    uint32_t i;

    ats_says = UIOMMU_E_GONE;
    for (i = 0; i < 2; i++) {
        scene.device_ops = i == 0 ? &with_pri : &without;
        scene.port[1]->on.v = 0;
        cr_assert_eq(scene_attach(30, ALL, scene.port[1], &dev), UIOMMU_E_GONE);
        cr_assert_eq(uiommu_port_get_info(scene.port[1], &info), UIOMMU_OK);
        cr_assert_eq(info.on, true, "its other device uses it");
    }
    cr_assert_eq(toy.attached, 2);
}

/* What the embedder said it is for. */
Test(attach, unit_user)
{
    cr_assert_null(uiommu_unit_user(unit));
    unit->config.user = &dev;
    cr_assert_eq(uiommu_unit_user(unit), &dev);
    cr_assert_null(uiommu_unit_user(NULL));
}

/* ---- units ---- */

static struct uiommu_unit *make(struct uiommu_unit_config *config)
{
    struct uiommu_unit *out;

    config->size = sizeof(*config);
    cr_assert_eq(uiommu_unit_create(u, &toy_ops, &toy, config, &out), UIOMMU_OK);
    cr_assert_eq(uiommu_unit_start(out), UIOMMU_OK);
    return out;
}

/* Times may be longer than the clock, and the settle time none at all. */
Test(attach, times_of_a_unit)
{
    struct uiommu_unit_config c;
    struct uiommu_unit *first = unit, *other;

    memset(&c, 0, sizeof(c));
    c.settle_ns = UINT64_MAX;
    c.command_ns = UINT64_MAX;
    other = make(&c);
    cr_assert_eq(other->settle_ns, 0);
    cr_assert_eq(uiommu_settle_end(other) <= host.now_ns, true);
    cr_assert_eq(uiommu_after(host.now_ns + 1, UINT64_MAX), UINT64_MAX);
    cr_assert_eq(uiommu_after(1, 2), 3);
    cr_assert(uiommu_unit_valid(other), "without a space of PASIDs");
    unit = other;
    cr_assert_eq(scene_attach(8, 0, NULL, &dev), UIOMMU_OK);
    cr_assert_eq(uiommu_device_detach(dev), UIOMMU_OK);
    cr_assert_eq(uiommu_unit_stop(other), UIOMMU_OK);
    cr_assert_eq(uiommu_unit_destroy(other), UIOMMU_OK);
    unit = first;
}

/* Queues that go take with them what positions were already given out for. */
Test(attach, positions_across_a_suspend)
{
    uint64_t at[UIOMMU_RINGS];
    struct uiommu_device *plain;

    cr_assert_eq(scene_attach(30, 0, NULL, &plain), UIOMMU_OK);
    ask(8, scene.pasid, 1, LAST);
    uiommu_ring_snapshot(unit, at);
    cr_assert_eq(at[0], unit->ring[0].count + 1);
    cr_assert_not(uiommu_ring_reached(unit, at));
    toy.waiting = 0;
    cr_assert_eq(uiommu_unit_suspend(unit), UIOMMU_OK);
    cr_assert(uiommu_ring_reached(unit, at));
    cr_assert_eq(uiommu_word_load(&scene.port[0]->failed), 1);
    cr_assert_eq(uiommu_word_load(&plain->generation), 2);
    uiommu_word_store(&unit->suspended, 0);
    uiommu_word_store(&unit->hung, 0);
    cr_assert_eq(uiommu_device_detach(plain), UIOMMU_OK);
}

/* Somebody else holds the unit. */
Test(attach, command_waits)
{
    static const uint64_t words[2];

    unit->control.v = 1;
    host.tick_ns = 10000000;
    cr_assert_eq(uiommu_unit_command(unit, words, 2), UIOMMU_E_TIMEOUT);
    unit->control.v = 0;
}
