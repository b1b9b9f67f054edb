/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit_endpoint.h"

/* device.c: what an attach asks for and in which order, and what it takes for itself (R19, R28). */

TestSuite(device, .init = ep_begin, .fini = ep_end);

static void gone(void)
{
    cr_assert_eq(uiommu_device_detach(ep.dev), UIOMMU_OK);
    ep.dev = NULL;
    (void)ep_order();
}

/* PASID, the entry, PRI, ATS, and its TLB is emptied; back in the opposite order. */
Test(device, order)
{
    cr_assert_eq(ep_make(ALL), UIOMMU_OK);
    cr_assert_str_eq(ep_order(), "P+ S30 C R+ A+ F ");
    cr_assert_eq(uiommu_word_load(&ep.dev->ats_on), 1);
    cr_assert_eq(uiommu_word_load(&scene.port[0]->on), 1);
    cr_assert_eq(ep.credits, 4);
    cr_assert_eq(uiommu_device_detach(ep.dev), UIOMMU_OK);
    cr_assert_str_eq(ep_order(), "R- ? F A- S00 C P- D ");
    cr_assert_eq(ep.ats_on, 0, "no TLB is filled any more when the entry goes");
    ep.dev = NULL;
    cr_assert_eq(ep_make(UIOMMU_DEVICE_PASID), UIOMMU_OK);
    cr_assert_str_eq(ep_order(), "P+ S20 C ");
    cr_assert_eq(uiommu_device_detach(ep.dev), UIOMMU_OK);
    cr_assert_str_eq(ep_order(), "S00 C P- D ");
}

/* What a device has not is not switched. */
Test(device, without_any)
{
    struct uiommu_device_config c = ep_config_of(0, 1);

    c.port = scene.port[0];
    unit->caps.flags &= ~UIOMMU_CAP_ATS;
    cr_assert_eq(uiommu_device_attach(unit, &c, &ep.dev), UIOMMU_OK);
    unit->caps.flags |= UIOMMU_CAP_ATS;
    cr_assert_str_eq(ep_order(), "S20 C ");
    cr_assert(ep.dev->port == NULL && ep.dev->index_map.v == NULL);
    cr_assert_eq(scene.port[0]->devices, 1);
    cr_assert_eq(ep.desc.pasid_bits, 0);
    cr_assert_eq(uiommu_device_detach(ep.dev), UIOMMU_OK);
    cr_assert_str_eq(ep_order(), "S00 C D ");
}

/* What the backend is told of it, and what it is found by. */
Test(device, described)
{
    struct uiommu_device_config c = ep_config_of(ALL, 2);
    struct uiommu_device nothing;

    cr_assert_eq(uiommu_device_attach(unit, &c, &ep.dev), UIOMMU_OK);
    cr_assert(ep.desc.id_count == 2 && ep.ids[0] == 30 && ep.ids[1] == 31);
    cr_assert(ep.desc.flags == ALL && ep.desc.pasid_bits == 10 && ep.desc.pf_id == 77);
    cr_assert_eq(uiommu_device_user(ep.dev), &host);
    cr_assert_null(ep.dev->ids[2].dev, "two are two");
    cr_assert_eq(ep.dev->pasids.bits, 7, "a node of PASIDs is 1 KiB");
    cr_assert(uiommu_device_valid(ep.dev));
    gone();
    c.pasid_bits = 25;
    cr_assert_eq(uiommu_device_attach(unit, &c, &ep.dev), UIOMMU_OK);
    cr_assert_eq(ep.desc.pasid_bits, 20, "the unit has no more");
    gone();
    memset(&nothing, 0, sizeof(nothing));
    cr_assert_null(uiommu_device_user(&nothing));
    cr_assert_eq(uiommu_device_detach(&nothing), UIOMMU_E_HANDLE);
    cr_assert_eq(uiommu_device_detach(NULL), UIOMMU_E_HANDLE);
    cr_assert_eq(uiommu_device_attach(NULL, &c, &ep.dev), UIOMMU_E_HANDLE);
    cr_assert_eq(uiommu_device_get_counters(&nothing, NULL), UIOMMU_E_HANDLE);
}

/* R28: whether responses need a PASID is known with PRI on, and the entry is to know it, too. */
Test(device, responses_that_need_a_pasid)
{
    ep.required = true;
    unit->caps.flags &= ~UIOMMU_CAP_RESPONSE_PASID;
    cr_assert_eq(ep_make(ALL), UIOMMU_OK);
    unit->caps.flags |= UIOMMU_CAP_RESPONSE_PASID;
    cr_assert_str_eq(ep_order(), "P+ S30 C R+ S70 C A+ F ");
    cr_assert(ep.dev->pasid_required);
    cr_assert_eq(uiommu_device_enable(ep.dev), UIOMMU_OK);
    cr_assert_str_eq(ep_order(), "P+ S70 C R+ A+ F ", "it is known already");
    ep.required = false;
    cr_assert_eq(uiommu_device_enable(ep.dev), UIOMMU_OK);
    cr_assert_str_eq(ep_order(), "P+ S70 C R+ S30 C A+ F ");
    cr_assert_not(ep.dev->pasid_required);
    gone();
}

/* Of an entry's steps each is invalidated; more than eight has none. */
Test(device, steps)
{
    uint64_t ns = unit->config.command_ns;

    ep.steps = 2;
    cr_assert_eq(ep_make(0), UIOMMU_OK);
    cr_assert_str_eq(ep_order(), "S20 C S21 C S22 C ");
    ep.steps = 7;
    cr_assert_eq(uiommu_device_program(ep.dev, 2, ns), UIOMMU_OK);
    (void)ep_order();
    ep.steps = 8;
    cr_assert_eq(uiommu_device_program(ep.dev, 2, ns), UIOMMU_E_INTERNAL);
    cr_assert_str_eq(ep_order(), "S20 C S21 C S22 C S23 C S24 C S25 C S26 C S27 C ");
    ep.config = UIOMMU_E_HW;
    cr_assert_eq(uiommu_device_program(ep.dev, 2, ns), UIOMMU_E_HW);
    cr_assert_str_eq(ep_order(), "S20 C ");
    cr_assert_eq(uiommu_device_program(ep.dev, 0, ns), UIOMMU_E_HW);
    cr_assert_eq(uiommu_word_load(&ep.dev->shut), 0, "nothing proves that it is");
    ep.config = UIOMMU_OK;
    ep.steps = 0;
    cr_assert_eq(uiommu_device_program(ep.dev, 0, ns), UIOMMU_OK);
    cr_assert(uiommu_word_load(&ep.dev->shut) == 1 && ep.closed == 0);
    cr_assert_eq(uiommu_device_program(ep.dev, 0, ns), UIOMMU_OK);
    cr_assert_eq(ep.closed, 1, "shut again it is not open meanwhile");
    cr_assert_eq(uiommu_device_program(ep.dev, 2, ns), UIOMMU_OK);
    cr_assert_eq(uiommu_word_load(&ep.dev->shut), 0);
    gone();
}

/* Its TLB can be asked where ATS is on, the entry is open and the device is there. */
Test(device, reachable)
{
    cr_assert_eq(ep_make(ALL), UIOMMU_OK);
    cr_assert(uiommu_device_reachable(ep.dev));
    ep.present = UIOMMU_E_GONE;
    cr_assert_not(uiommu_device_reachable(ep.dev));
    ep.present = UIOMMU_OK;
    uiommu_word_store(&ep.dev->shut, 1);
    cr_assert_not(uiommu_device_reachable(ep.dev));
    uiommu_word_store(&ep.dev->shut, 0);
    uiommu_word_store(&ep.dev->ats_on, 0);
    cr_assert_not(uiommu_device_reachable(ep.dev));
    uiommu_word_store(&ep.dev->ats_on, 1);
    gone();
}

/* ---- what is refused ---- */

Test(device, refused)
{
    struct uiommu_device_config c = ep_config_of(ALL, 1);
    uint32_t many[17], i;
    struct uiommu_port no_port;

    memset(&no_port, 0, sizeof(no_port));
    no_port.unit = unit;
    c.flags = UIOMMU_DEVICE_PASID | UIOMMU_DEVICE_PRI;
    cr_assert_eq(uiommu_device_attach(unit, &c, &ep.dev), UIOMMU_E_INVALID, "PRI without ATS");
    c.flags = ALL;
    c.port = &no_port;
    cr_assert_eq(uiommu_device_attach(unit, &c, &ep.dev), UIOMMU_E_HANDLE);
    unit->config.id_bits = 31;
    many[0] = 0x80000000u;
    c = ep_config_of(0, 1);
    c.ids = many;
    cr_assert_eq(uiommu_device_attach(unit, &c, &ep.dev), UIOMMU_E_RANGE);
    unit->config.id_bits = 16;
    for (i = 0; i < 17; i++)
        many[i] = 100 + i;
    c.id_count = 17;
    cr_assert_eq(uiommu_device_attach(unit, &c, &ep.dev), UIOMMU_E_INVALID);
    c.id_count = 16;
    cr_assert_eq(uiommu_device_attach(unit, &c, &ep.dev), UIOMMU_OK);
    gone();
}

/* I24: whatever cannot be had, nothing is left of it. */
Test(device, without_memory)
{
    struct uiommu_device_config c = ep_config_of(ALL, 2);
    uint64_t live = host.live;
    uiommu_err err = UIOMMU_E_NOMEM;
    uint32_t failed = 0;

    for (; err == UIOMMU_E_NOMEM; failed++) {
        host.fail_at = host.gets + 1 + failed;
        err = uiommu_device_attach(unit, &c, &ep.dev);
        cr_assert(err == UIOMMU_OK || toy.attached == 2);
    }
    host.fail_at = 0;
    cr_assert_eq(err, UIOMMU_OK);
    cr_assert(failed >= 2 && ep.dev->index_map.v == NULL);
    gone();
    cr_assert_leq(host.live, live + 2, "but for places of IDs, which stay");
}

/* ---- validity ---- */

static bool valid_with(struct uiommu_word *word, uint32_t value)
{
    uint32_t was = uiommu_word_load(word);
    bool ok;

    uiommu_word_store(word, value);
    ok = uiommu_device_valid(ep.dev);
    uiommu_word_store(word, was);
    return ok;
}

Test(device, valid)
{
    cr_assert_eq(ep_make(ALL), UIOMMU_OK);
    cr_assert(valid_with(&ep.dev->state, UIOMMU_DEVICE_ISOLATED));
    cr_assert_not(valid_with(&ep.dev->state, UIOMMU_DEVICE_ISOLATED + 1));
    cr_assert(valid_with(&ep.dev->reset_step, UIOMMU_RESET_FAILED));
    cr_assert_not(valid_with(&ep.dev->reset_step, UIOMMU_RESET_FAILED + 1));
    ep.dev->swept_generation = 0;
    cr_assert_not(valid_with(&ep.dev->generation, 0));
    cr_assert(valid_with(&ep.dev->generation, UINT32_MAX / 2));
    cr_assert_not(valid_with(&ep.dev->generation, UINT32_MAX / 2 + 1));
    ep.dev->swept_generation = 1;
    ep.dev->running = 2;
    cr_assert(uiommu_device_valid(ep.dev), "no cap is no limit");
    ep.dev->cap = 2;
    cr_assert(uiommu_device_valid(ep.dev));
    ep.dev->cap = 1;
    cr_assert_not(uiommu_device_valid(ep.dev));
    ep.dev->cap = ep.dev->running = 0;
    gone();
}
