/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit_toy.h"

/* R6: cache tags on a unit that has three: shared, run out, and come back oldest first. */

#define SPACES 4u

static struct uiommu_device *dev;
static struct uiommu_aspace *as[SPACES];
static uint32_t pasid[SPACES];
static struct uiommu_bond_ref bond[SPACES];

static void begin(void)
{
    static const struct uiommu_root root = {UIOMMU_ROOT_X86_64, 12, 48, 48, 0, 0x1000, 0, {0}};
    struct uiommu_aspace_config spaces = {.size = sizeof(spaces), .roots = &root, .root_count = 1};
    struct uiommu_device_config c = {.size = sizeof(c),
                                     .ids = &toy_id,
                                     .id_count = 1,
                                     .flags = UIOMMU_DEVICE_PASID,
                                     .pasid_bits = 20};
    uint32_t i;

    toy_begin();
    toy.caps.tag_first = 5;
    toy.caps.tag_last = 7;
    cr_assert_eq(toy_create(&toy_ops), UIOMMU_OK);
    cr_assert_eq(uiommu_unit_start(unit), UIOMMU_OK);
    cr_assert_eq(uiommu_device_attach(unit, &c, &dev), UIOMMU_OK);
    for (i = 0; i < SPACES; i++) {
        cr_assert_eq(uiommu_aspace_create(u, &spaces, &as[i]), UIOMMU_OK);
        cr_assert_eq(uiommu_pasid_alloc(space, NULL, 0, &pasid[i]), UIOMMU_OK);
    }
}

static void end(void)
{
    uint32_t i;

    cr_assert_eq(uiommu_device_detach(dev), UIOMMU_OK);
    for (i = 0; i < SPACES; i++) {
        cr_assert_eq(uiommu_aspace_destroy(as[i]), UIOMMU_OK);
        cr_assert_eq(uiommu_pasid_put(space, pasid[i]), UIOMMU_OK);
    }
    toy_end();
}

TestSuite(tags, .init = begin, .fini = end);

static uiommu_err bind(uint32_t i, struct uiommu_aspace *to)
{
    struct uiommu_bind_config c = {.size = sizeof(c), .pasid = pasid[i]};

    return uiommu_bind(dev, to, &c, &bond[i]);
}

static void unbind(uint32_t i)
{
    struct uiommu_bond_info info;
    uint32_t round;

    cr_assert_eq(uiommu_unbind(u, bond[i], UIOMMU_UNBIND_STOPPED), UIOMMU_OK);
    for (round = 0; round < 100000; round++) {
        cr_assert_eq(uiommu_bond_get_info(u, bond[i], &info), UIOMMU_OK);
        if (info.state == UIOMMU_BOND_FREE)
            return;
        cr_assert_neq(uiommu_unit_service(unit, 0), UIOMMU_E_STATE);
    }
    cr_assert_fail("it does not become free");
}

Test(tags, run_out_and_come_back)
{
    uint32_t i;

    for (i = 0; i < 3; i++) {
        cr_assert_eq(bind(i, as[i]), UIOMMU_OK);
        cr_assert_eq(toy.tag, 5 + i);
    }
    i = toy.set;
    cr_assert_eq(bind(3, as[3]), UIOMMU_E_NOSPACE);
    cr_assert_eq(toy.set, i);
    unbind(1);
    unbind(0);
    unbind(2);
    cr_assert_eq(bind(3, as[3]), UIOMMU_OK);
    cr_assert_eq(toy.tag, 6);
    cr_assert_eq(bind(2, as[2]), UIOMMU_OK);
    cr_assert_eq(toy.tag, 5);
    cr_assert_eq(bind(1, as[1]), UIOMMU_OK);
    cr_assert_eq(toy.tag, 7);
    cr_assert_eq(bind(0, as[0]), UIOMMU_E_NOSPACE);
    unbind(3);
    unbind(2);
    unbind(1);
}

/* Many lives: never out of range, never two at once. */
Test(tags, many_lives)
{
    uint32_t round, held, i;

    for (round = 0; round < 20; round++) {
        held = 0;
        for (i = 0; i < 1 + round % 3; i++) {
            cr_assert_eq(bind(i, as[i]), UIOMMU_OK);
            cr_assert(toy.tag >= 5 && toy.tag <= 7);
            cr_assert_eq(held & 1u << toy.tag, 0);
            held |= 1u << toy.tag;
        }
        while (i-- != 0)
            unbind(i);
    }
}

/* One of an address space and its root, however many bonds. */
Test(tags, shared)
{
    uint32_t i;

    for (i = 0; i < SPACES; i++) {
        cr_assert_eq(bind(i, as[0]), UIOMMU_OK);
        cr_assert_eq(toy.tag, 5);
    }
    unbind(0);
    unbind(3);
    cr_assert_eq(bind(0, as[1]), UIOMMU_OK);
    cr_assert_eq(toy.tag, 6, "the first is still held");
    unbind(0);
    unbind(1);
    unbind(2);
}
