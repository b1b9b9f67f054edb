/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit_endpoint.h"

/* device.c: a detach that takes its time, and attaches that fail (I18, I24). */

TestSuite(device_end, .init = ep_begin, .fini = ep_end);

static uint32_t events_of(const struct uiommu_device *dev)
{
    struct uiommu_event event;
    uint32_t n = 0;

    while (uiommu_unit_next_event(unit, &event) == UIOMMU_OK)
        n += event.device == dev;
    return n;
}

/* ---- detach ---- */

/* Not with bonds; then as long as the page request interface takes, but not for ever. */
Test(device_end, interface_stops)
{
    uint64_t stop_ns = unit->config.stop_ns;

    cr_assert_eq(uiommu_device_detach(scene.dev[0]), UIOMMU_E_BUSY);
    host.tick_ns = 0;
    cr_assert_eq(ep_make(ALL), UIOMMU_OK);
    (void)ep_order();
    ep.stopped = UIOMMU_PENDING;
    cr_assert_eq(uiommu_device_detach(ep.dev), UIOMMU_PENDING);
    cr_assert_str_eq(ep_order(), "R- ? ");
    cr_assert_eq(ep.dev->detach_step, 1);
    host.now_ns += stop_ns - 1;
    cr_assert_eq(uiommu_device_detach(ep.dev), UIOMMU_PENDING);
    cr_assert_str_eq(ep_order(), "? ", "it was told once");
    host.now_ns++;
    cr_assert_eq(uiommu_device_detach(ep.dev), UIOMMU_OK);
    cr_assert_str_eq(ep_order(), "? F A- S00 C P- D ");
    ep.dev = NULL;
    cr_assert_eq(ep_make(ALL), UIOMMU_OK);
    (void)ep_order();
    cr_assert_eq(uiommu_device_detach(ep.dev), UIOMMU_PENDING);
    ep.stopped = UIOMMU_OK;
    cr_assert_eq(uiommu_device_detach(ep.dev), UIOMMU_OK);
    cr_assert_str_eq(ep_order(), "R- ? ? F A- S00 C P- D ");
}

/* One that is gone is not asked whether it has stopped, and has no TLB to empty. */
Test(device_end, absent)
{
    cr_assert_eq(ep_make(ALL), UIOMMU_OK);
    (void)ep_order();
    ep.stopped = UIOMMU_PENDING;
    ep.present = UIOMMU_E_GONE;
    cr_assert_eq(uiommu_device_detach(ep.dev), UIOMMU_OK);
    cr_assert_str_eq(ep_order(), "R- A- S00 C P- D ");
}

/* What was done before somebody else held the role is not done again. */
Test(device_end, role_is_held)
{
    cr_assert_eq(ep_make(ALL), UIOMMU_OK);
    (void)ep_order();
    cr_assert(uiommu_role_take(unit));
    host.tick_ns = 10000000;
    cr_assert_eq(uiommu_device_detach(ep.dev), UIOMMU_PENDING);
    cr_assert_str_eq(ep_order(), "R- ? F A- S00 C P- ");
    (void)uiommu_role_drop(unit);
    host.tick_ns = 1000;
    cr_assert_eq(uiommu_device_detach(ep.dev), UIOMMU_OK);
    cr_assert_str_eq(ep_order(), "S00 C D ");
}

/* The others stay, whichever goes first; their port is on as long as one is left. */
Test(device_end, others_stay)
{
    struct uiommu_device_config c = ep_config_of(ALL, 2);
    struct uiommu_device *first, *second;
    uint32_t count = uiommu_word_peek(&unit->devices_count);

    c.port = scene_port(4);
    cr_assert_eq(uiommu_device_attach(unit, &c, &first), UIOMMU_OK);
    c.ids = &scene.pasid; /* any other number */
    scene.pasid += 500;
    c.id_count = 1;
    cr_assert_eq(uiommu_device_attach(unit, &c, &second), UIOMMU_OK);
    scene.pasid -= 500;
    uiommu_event_device(first, UIOMMU_EVENT_PRI_OFF, UIOMMU_PASID_NONE, 1);
    cr_assert_eq(uiommu_device_detach(first), UIOMMU_OK);
    cr_assert_eq(events_of(first), 0, "an event outlives its device, the name does not");
    cr_assert(unit->devices == second && second->next == scene.dev[1]);
    cr_assert_eq(uiommu_word_peek(&unit->devices_count), count + 1);
    cr_assert_eq(uiommu_word_load(&c.port->on), 1);
    cr_assert(uiommu_unit_valid(unit));
    cr_assert_eq(uiommu_device_detach(second), UIOMMU_OK);
    cr_assert_eq(uiommu_word_load(&c.port->on), 0);
    cr_assert_eq(uiommu_port_destroy(c.port), UIOMMU_OK);
}

/* ---- attaches that fail ---- */

static void tells(void)
{
    uiommu_event_device(unit->devices, UIOMMU_EVENT_PRI_OFF, UIOMMU_PASID_NONE, 1);
}

/* At the last step: all of it goes back, and nothing of it is named in what others read. */
Test(device_end, fails_at_last)
{
    struct uiommu_device *named;
    struct uiommu_event event;

    ep.forget = UIOMMU_E_HW;
    ep.meanwhile = tells;
    cr_assert_eq(ep_make(ALL), UIOMMU_E_HW);
    cr_assert_str_eq(ep_order(), "P+ S30 C R+ A+ F R- F A- P- S00 C D ");
    named = scene.dev[0];
    while (uiommu_unit_next_event(unit, &event) == UIOMMU_OK)
        named = event.device;
    cr_assert_null(named);
    cr_assert_eq(unit->zombies, NULL);
}

/* Two that could not be shut out are kept, and both go when that is possible. */
Test(device_end, two_that_stay)
{
    struct uiommu_device_config c = ep_config_of(ALL, 1);
    static const uint32_t second = 40;
    uint32_t logs = host.logs;

    ep.ats = UIOMMU_E_GONE;
    ep.holding = true;
    host.tick_ns = 10000000;
    cr_assert_eq(uiommu_device_attach(unit, &c, &ep.dev), UIOMMU_E_GONE);
    (void)uiommu_role_drop(unit);
    host.tick_ns = 1000;
    c.ids = &second;
    ep.config = UIOMMU_E_HW;
    cr_assert_eq(uiommu_device_attach(unit, &c, &ep.dev), UIOMMU_E_HW);
    cr_assert_eq(host.logs, logs + 2);
    cr_assert_eq(uiommu_word_load(&unit->zombies->state), UIOMMU_DEVICE_GONE);
    cr_assert(toy.attached == 4 && scene.port[0]->zombies == 2);
    cr_assert_eq(uiommu_zombies_retry(unit), UIOMMU_E_TIMEOUT);
    cr_assert(unit->zombies != NULL && unit->zombies->zombie_next != NULL);
    ep.config = UIOMMU_OK;
    cr_assert_eq(uiommu_zombies_retry(unit), UIOMMU_OK);
    cr_assert(toy.attached == 2 && unit->zombies == NULL);
    cr_assert_eq(scene.port[0]->zombies, 0);
}
