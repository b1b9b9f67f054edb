/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit_toy.h"

/* tag.c alone: who shares a tag, and when another has it (R6). */

static struct uiommu_device dev, second, far;
static struct uiommu_unit away; /* another unit: it is only compared */
static struct uiommu_aspace as;
static uint64_t live;

static void up(void)
{
    toy_up();
    memset(&dev, 0, sizeof(dev));
    memset(&second, 0, sizeof(second));
    memset(&as, 0, sizeof(as));
    dev.unit = second.unit = unit;
    far.unit = &away;
    as.u = u;
    live = host.live;
}

TestSuite(tag, .init = up, .fini = toy_end);

static struct uiommu_tag *get(struct uiommu_device *d, uint32_t root)
{
    struct uiommu_tag *tag = NULL;

    cr_assert_eq(uiommu_tag_get(&as, d, root, &tag), UIOMMU_OK);
    cr_assert(tag->unit == unit && tag->root == root);
    return tag;
}

/* Fresh ones first, then the oldest that was given back, round the ring's end. */
Test(tag, oldest_first)
{
    uint32_t tag, i, round;

    for (i = 1; i <= 15; i++) {
        cr_assert(uiommu_tag_take(unit, &tag));
        cr_assert_eq(tag, i);
        cr_assert(uiommu_unit_tags_valid(unit));
    }
    cr_assert_not(uiommu_tag_take(unit, &tag));
    for (round = 0; round < 5; round++) {
        for (i = 0; i < 4; i++)
            uiommu_tag_give(unit, 5 + i);
        cr_assert(uiommu_unit_tags_valid(unit));
        for (i = 0; i < 4; i++) {
            cr_assert(uiommu_tag_take(unit, &tag));
            cr_assert_eq(tag, 5 + i);
            cr_assert(uiommu_unit_tags_valid(unit));
        }
        cr_assert_not(uiommu_tag_take(unit, &tag));
    }
    for (i = 1; i <= 15; i++)
        uiommu_tag_give(unit, i);
    cr_assert(uiommu_unit_tags_valid(unit));
    for (i = 1; i <= 15; i++) {
        cr_assert(uiommu_tag_take(unit, &tag));
        cr_assert_eq(tag, i);
    }
}

/* One per unit, space and root; per device where the hardware wants that. */
Test(tag, shared)
{
    struct uiommu_tag *one = get(&dev, 0), *root = get(&dev, 1), *own;

    cr_assert_neq(one, root);
    cr_assert_neq(one->value, root->value);
    cr_assert_eq(get(&dev, 0), one);
    cr_assert_eq(get(&second, 0), one);
    cr_assert_eq(one->refs, 3);
    cr_assert_eq(host.live, live + 2, "nothing is left over");
    own = get(&second, 2);
    cr_assert_eq(host.irq_depth, 0);
    cr_assert_eq(host.live, live + 3);
    /* The last one gives it back, in the middle of the list and at its ends. */
    uiommu_tag_put(&as, root);
    cr_assert(as.tags == own && own->next == one && one->next == NULL);
    cr_assert(unit->tag_count == 1 && as.spare_tags == root);
    uiommu_tag_put(&as, one);
    uiommu_tag_put(&as, one);
    cr_assert(one->refs == 1 && as.tags == own && unit->tag_count == 1);
    uiommu_tag_put(&as, one);
    cr_assert(as.tags == own && own->next == NULL && unit->tag_count == 2);
    uiommu_tag_put(&as, own);
    cr_assert(as.tags == NULL && unit->tag_count == 3);
    cr_assert_eq(host.live, live + 3, "a drain frees no memory");
    uiommu_tags_free(&as);
    cr_assert(host.live == live && as.spare_tags == NULL);
    cr_assert(uiommu_unit_tags_valid(unit));
}

/* Where hardware tags by device there is one for each, none has a number, and none runs out. */
Test(tag, of_each_device)
{
    struct uiommu_tag *one, *own, *third;

    unit->caps.flags |= UIOMMU_CAP_TAG_PER_DEVICE;
    one = get(&dev, 0);
    own = get(&second, 0);
    cr_assert(own != one && own->dev == &second && one->dev == &dev);
    third = get(&dev, 1);
    cr_assert(get(&second, 0) == own && third != one && host.irq_depth == 0);
    cr_assert(own->value == 0 && one->value == 0 && unit->tag_fresh == 0);
    uiommu_tag_put(&as, own);
    uiommu_tag_put(&as, own);
    cr_assert(as.spare_tags == own && unit->tag_count == 0);
    cr_assert(uiommu_unit_tags_valid(unit));
    uiommu_tag_put(&as, one);
    uiommu_tag_put(&as, third);
    uiommu_tags_free(&as);
}

/* Another unit's tag of the same root is another one's. */
Test(tag, of_another_unit)
{
    static struct uiommu_tag theirs;

    theirs.unit = &away;
    theirs.value = 3;
    as.tags = &theirs;
    cr_assert_neq(get(&dev, 0), &theirs);
    cr_assert_eq(as.tags->next, &theirs);
    uiommu_tag_put(&as, as.tags);
    uiommu_tags_free(&as);
}

Test(tag, none_left)
{
    struct uiommu_tag *tag = NULL, *first;
    uint32_t i, value;

    first = get(&dev, 0);
    host.fail_at = host.gets + 1;
    cr_assert_eq(uiommu_tag_get(&as, &dev, 0, &tag), UIOMMU_E_NOMEM);
    host.fail_at = 0;
    cr_assert_eq(first->refs, 1);
    for (i = 1; i < 15; i++)
        cr_assert(uiommu_tag_take(unit, &value));
    cr_assert_eq(uiommu_tag_get(&as, &dev, 1, &tag), UIOMMU_E_NOSPACE);
    cr_assert_null(tag);
    cr_assert_eq(host.live, live + 1);
    cr_assert_eq(get(&dev, 0), first, "an old one is shared all the same");
    uiommu_tag_put(&as, first);
    uiommu_tag_put(&as, first);
    uiommu_tags_free(&as);
    cr_assert_eq(host.live, live);
}

/* What the inner checks call impossible. */
Test(tag, valid)
{
    cr_assert(uiommu_unit_tags_valid(unit));
    unit->tag_fresh = 15;
    unit->tag_count = 15;
    unit->tag_head = 14;
    memset(unit->tag_free, 0, 15 * sizeof(unit->tag_free[0]));
    cr_assert_not(uiommu_unit_tags_valid(unit), "below the first");
    for (uint32_t i = 0; i < 15; i++)
        unit->tag_free[i] = 1 + i;
    cr_assert(uiommu_unit_tags_valid(unit));
    unit->tag_free[13] = 16;
    cr_assert_not(uiommu_unit_tags_valid(unit));
    unit->tag_free[13] = 0;
    cr_assert_not(uiommu_unit_tags_valid(unit));
    unit->tag_free[13] = 14;
    unit->tag_free[0] = 16;
    cr_assert_not(uiommu_unit_tags_valid(unit), "round the end");
    unit->tag_free[0] = 1;
    cr_assert(uiommu_unit_tags_valid(unit));
    unit->tag_head = 15;
    unit->tag_count = 0;
    cr_assert_not(uiommu_unit_tags_valid(unit));
    unit->tag_head = 1u << 29;
    unit->tag_count = 1;
    cr_assert_not(uiommu_unit_tags_valid(unit), "and not looked at");
    unit->tag_count = 15;
    unit->tag_head = 0;
    unit->tag_fresh = 16;
    cr_assert_not(uiommu_unit_tags_valid(unit));
    unit->tag_fresh = 14;
    cr_assert_not(uiommu_unit_tags_valid(unit), "more than were ever taken");
    memset(unit->tag_free, 0, 15 * sizeof(unit->tag_free[0]));
    for (uint32_t i = 0; i < 15; i++)
        unit->tag_free[i] = 1;
    cr_assert_not(uiommu_unit_tags_valid(unit), "each of them known");
    unit->tag_count = 1;
    unit->tag_fresh = 4;
    unit->tag_free[0] = 4;
    cr_assert(uiommu_unit_tags_valid(unit));
    unit->tag_free[0] = 5;
    cr_assert_not(uiommu_unit_tags_valid(unit), "it was never taken");
    unit->tag_fresh = unit->tag_count = 0;
}
