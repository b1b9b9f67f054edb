/* SPDX-License-Identifier: BSD-2-Clause */
/* What backends share: failed tickets, and events that wait. */
#include <uiommu/backend.h>

#include <criterion/criterion.h>
#include <string.h>

#define ROOM 32u

static struct uiommu_failed fresh(void)
{
    struct uiommu_failed f;

    memset(&f, 0, sizeof(f));
    return f;
}

Test(failed, many_are_forgotten_to_the_safe_side)
{
    struct uiommu_failed f = fresh();
    uint64_t t;

    for (t = 10; t <= 10 * (ROOM + 1); t += 10)
        uiommu_failed_add(&f, t, t);
    cr_assert(uiommu_failed_has(&f, 5));
    cr_assert(uiommu_failed_has(&f, 10));
    cr_assert_not(uiommu_failed_has(&f, 15));
    cr_assert(uiommu_failed_has(&f, 20));
    cr_assert(uiommu_failed_has(&f, 10 * (ROOM + 1)));
    uiommu_failed_add(&f, 10 * (ROOM + 1), 10 * (ROOM + 1) + 5);
    cr_assert(uiommu_failed_has(&f, 10 * (ROOM + 1) + 5));
    cr_assert_not(uiommu_failed_has(&f, 10 * (ROOM + 1) + 6));
}

Test(failed, ranges_join_in_any_order)
{
    struct uiommu_failed f = fresh();

    uiommu_failed_add(&f, 50, 60);
    uiommu_failed_add(&f, 10, 20);
    uiommu_failed_add(&f, 30, 40);
    cr_assert_eq(f.count, 3);
    uiommu_failed_add(&f, 15, 55);
    cr_assert_eq(f.count, 1);
    cr_assert_not(uiommu_failed_has(&f, 9));
    cr_assert(uiommu_failed_has(&f, 10));
    cr_assert(uiommu_failed_has(&f, 45));
    cr_assert(uiommu_failed_has(&f, 60));
    cr_assert_not(uiommu_failed_has(&f, 61));
    uiommu_failed_add(&f, 61, 61);
    cr_assert_eq(f.count, 1);
    cr_assert(uiommu_failed_has(&f, 61));
}

Test(failed, one_older_than_a_full_list_goes_under_the_mark)
{
    struct uiommu_failed f = fresh();
    uint64_t t;

    for (t = 1; t <= ROOM; t++)
        uiommu_failed_add(&f, 100 * t, 100 * t);
    uiommu_failed_add(&f, 7, 9);
    cr_assert_eq(f.forgotten, 9);
    cr_assert(uiommu_failed_has(&f, 8));
    cr_assert_not(uiommu_failed_has(&f, 10));
    cr_assert(uiommu_failed_has(&f, 100));
}

Test(failed, neighbours_join_and_others_do_not)
{
    struct uiommu_failed f = fresh();

    uiommu_failed_add(&f, 30, 40);
    uiommu_failed_add(&f, 20, 28);
    cr_assert_eq(f.count, 2);
    cr_assert_not(uiommu_failed_has(&f, 29));
    uiommu_failed_add(&f, 10, 19);
    cr_assert(f.count == 2 && f.range[0].first == 10 && f.range[0].last == 28);
    f = fresh();
    f.count = 1;
    f.range[0].first = f.range[0].last = 5;
    f.range[1].first = 500;
    f.range[1].last = 600;
    cr_assert_not(uiommu_failed_has(&f, 550), "of those that there are");
    cr_assert(uiommu_failed_valid(&f));
    f.count = 1u << 28;
    cr_assert_not(uiommu_failed_valid(&f));
}

/* Nothing is forgotten for what needs no room, and what is under the mark is no range. */
Test(failed, a_full_list)
{
    struct uiommu_failed f = fresh();
    uint64_t t;

    for (t = 1; t <= ROOM; t++)
        uiommu_failed_add(&f, 100 * t, 100 * t);
    uiommu_failed_add(&f, 501, 510);
    cr_assert(f.forgotten == 0 && f.count == ROOM && uiommu_failed_has(&f, 100));
    cr_assert_not(uiommu_failed_has(&f, 99));
    uiommu_failed_add(&f, 9000, 9000);
    cr_assert(f.forgotten == 100 && f.count == ROOM);
    uiommu_failed_add(&f, 50, 100);
    cr_assert(f.forgotten == 100 && f.count == ROOM && f.range[0].first == 200);
}

Test(failed, the_mark_never_falls)
{
    struct uiommu_failed f = fresh();
    uint64_t t;

    for (t = 1; t <= ROOM + 1; t++)
        uiommu_failed_add(&f, 100 * t, 100 * t);
    cr_assert_eq(f.forgotten, 100);
    uiommu_failed_add(&f, 201, 300); /* joins two: there is room again */
    uiommu_failed_add(&f, 50, 50);
    uiommu_failed_add(&f, 60, 100);
    cr_assert(f.count == ROOM - 1 && f.range[0].first == 200, "the mark itself has failed, too");
    uiommu_failed_add(&f, 9000, 9000);
    cr_assert(uiommu_failed_valid(&f));
    cr_assert(uiommu_failed_has(&f, 100));
    cr_assert(uiommu_failed_has(&f, 60));
    cr_assert(uiommu_failed_has(&f, 9000));
}

Test(notes, oldest_first_and_the_newest_is_lost)
{
    struct uiommu_notes notes;
    struct uiommu_check check;
    uint32_t i, seen = 0;

    memset(&notes, 0, sizeof(notes));
    for (i = 0; i < 12; i++)
        uiommu_notes_unit(&notes, UIOMMU_EVENT_UNIT_ERROR, i);
    do {
        memset(&check, 0, sizeof(check));
        uiommu_notes_take(&notes, &check);
        for (i = 0; i < check.event_count; i++, seen++) {
            cr_assert_eq(check.event[i].raw[0], seen);
            cr_assert_eq(check.event[i].kind, UIOMMU_EVENT_UNIT_ERROR);
            cr_assert_eq(check.event[i].id, UINT32_MAX);
            cr_assert_eq(check.event[i].pasid, UIOMMU_PASID_NONE);
            cr_assert_eq(check.event[i].count, 1);
        }
    } while ((check.flags & UIOMMU_CHECK_MORE) != 0);
    cr_assert_eq(seen, 8);
    uiommu_notes_take(&notes, &check);
    cr_assert_eq(check.event_count, 0);
}
