/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit_toy.h"

/* What a device's function answers when it is switched on, reset and looked for. */

enum call {
    CALL_NONE,
    CALL_PASID,
    CALL_PRI,
    CALL_ATS,
    CALL_PRESENT
};

static struct uiommu_device *dev;
static struct uiommu_port *port;
static enum call failing;
static bool pasid_on, ats_on, pri_on;

static uiommu_err answer(enum call call)
{
    return failing == call ? UIOMMU_E_GONE : UIOMMU_OK;
}

static uiommu_err set_pasid(void *ctx, bool on)
{
    (void)ctx;
    if (on && failing == CALL_PASID)
        return answer(CALL_PASID);
    pasid_on = on;
    return UIOMMU_OK;
}

static uiommu_err set_ats(void *ctx, bool on, uint32_t stu)
{
    (void)ctx;
    (void)stu;
    if (on && failing == CALL_ATS)
        return answer(CALL_ATS);
    ats_on = on;
    return UIOMMU_OK;
}

static uiommu_err set_pri(void *ctx, bool on, uint32_t credits, bool *required)
{
    (void)ctx;
    (void)required;
    cr_assert_eq(credits, on ? 4 : 0);
    if (on && failing == CALL_PRI)
        return answer(CALL_PRI);
    pri_on = on;
    return UIOMMU_OK;
}

static uiommu_err present(void *ctx)
{
    (void)ctx;
    return answer(CALL_PRESENT);
}

static uiommu_err attach(void)
{
    static const struct uiommu_device_ops ops = {.size = sizeof(ops),
                                                 .set_pasid = set_pasid,
                                                 .set_ats = set_ats,
                                                 .set_pri = set_pri,
                                                 .present = present};
    struct uiommu_device_config c = {.size = sizeof(c),
                                     .ids = &toy_id,
                                     .id_count = 1,
                                     .flags = UIOMMU_DEVICE_PASID | UIOMMU_DEVICE_ATS |
                                              UIOMMU_DEVICE_PRI,
                                     .pasid_bits = 20,
                                     .port = port,
                                     .ops = &ops};

    return uiommu_device_attach(unit, &c, &dev);
}

static void begin(void)
{
    struct uiommu_port_config want = {.size = sizeof(want), .want = 4};

    toy_up();
    failing = CALL_NONE;
    pasid_on = ats_on = pri_on = false;
    dev = NULL;
    cr_assert_eq(uiommu_port_create(unit, &want, &port), UIOMMU_OK);
}

static void end(void)
{
    if (dev != NULL)
        cr_assert_eq(uiommu_device_detach(dev), UIOMMU_OK);
    cr_assert_eq(pasid_on + ats_on + pri_on, 0);
    cr_assert_eq(uiommu_port_destroy(port), UIOMMU_OK);
    toy_end();
}

TestSuite(functions, .init = begin, .fini = end);

/* Whatever cannot be switched on: its status, all of it off again, and nothing stays. */
Test(functions, cannot_be_switched_on)
{
    static const enum call calls[] = {CALL_PASID, CALL_PRI, CALL_ATS};
    struct uiommu_port_info info;
    uint32_t i;

    for (i = 0; i < 3; i++) {
        failing = calls[i];
        cr_assert_eq(attach(), UIOMMU_E_GONE, "%u", i);
        cr_assert_null(dev);
        cr_assert_eq(toy.attached, 0);
        cr_assert_eq(pasid_on + pri_on + ats_on, 0, "%u", i);
        cr_assert_eq(uiommu_port_get_info(port, &info), UIOMMU_OK);
        cr_assert_eq(info.on, false, "%u", i);
    }
    failing = CALL_NONE;
    cr_assert_eq(attach(), UIOMMU_OK);
    cr_assert_eq(pasid_on + ats_on + pri_on, 3);
}

static uiommu_err reset_end(void)
{
    uiommu_err err = UIOMMU_PENDING;
    uint32_t i;

    for (i = 0; i < 100000 && err == UIOMMU_PENDING; i++)
        err = uiommu_device_reset_end(dev);
    return err;
}

/* A reset that cannot end is said, and ends when it is asked again. */
Test(functions, reset_that_fails)
{
    static const enum call calls[] = {CALL_PRESENT, CALL_PASID, CALL_PRI, CALL_ATS};
    uint32_t i;

    cr_assert_eq(attach(), UIOMMU_OK);
    cr_assert_eq(uiommu_device_reset_end(dev), UIOMMU_E_STATE);
    for (i = 0; i < 4; i++) {
        cr_assert_eq(uiommu_device_reset_begin(dev), UIOMMU_OK);
        pasid_on = ats_on = pri_on = false; /* as a reset leaves them */
        failing = calls[i];
        cr_assert_eq(reset_end(), UIOMMU_E_GONE, "%u", i);
        cr_assert_eq(uiommu_device_get_state(dev), UIOMMU_DEVICE_RESETTING, "%u", i);
        failing = CALL_NONE;
        cr_assert_eq(reset_end(), UIOMMU_OK, "%u", i);
        cr_assert_eq(uiommu_device_get_state(dev), UIOMMU_DEVICE_NORMAL, "%u", i);
        cr_assert_eq(pasid_on + ats_on + pri_on, 3, "%u", i);
    }
}
