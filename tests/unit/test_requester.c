/* SPDX-License-Identifier: BSD-2-Clause */
/* What backends share: IDs of devices, and the list of a unit's devices. */
#include "../support/fake_host.h"
#include <uiommu/backend.h>

#include <criterion/criterion.h>
#include <string.h>

static struct uiommu_requester make(uint32_t *ids, uint32_t count)
{
    struct uiommu_requester who;

    memset(&who, 0, sizeof(who));
    who.ids = ids;
    who.id_count = count;
    return who;
}

Test(requester, found_by_each_id_until_it_goes)
{
    uint32_t a[] = {1, 2}, b[] = {3}, c[] = {0xffffffff, 4};
    struct uiommu_requester x = make(a, 2), y = make(b, 1), z = make(c, 2);
    struct uiommu_requester *list = NULL;

    cr_assert_null(uiommu_requester_find(list, 1));
    uiommu_requester_add(&list, &x);
    uiommu_requester_add(&list, &y);
    uiommu_requester_add(&list, &z);
    cr_assert_eq(uiommu_requester_find(list, 1), &x);
    cr_assert_eq(uiommu_requester_find(list, 2), &x);
    cr_assert_eq(uiommu_requester_find(list, 3), &y);
    cr_assert_eq(uiommu_requester_find(list, 4), &z);
    cr_assert_eq(uiommu_requester_find(list, 0xffffffff), &z);
    cr_assert_null(uiommu_requester_find(list, 5));
    uiommu_requester_remove(&list, &y);
    cr_assert_null(uiommu_requester_find(list, 3));
    uiommu_requester_remove(&list, &y); /* Nothing. */
    cr_assert_eq(uiommu_requester_find(list, 2), &x);
    uiommu_requester_remove(&list, &z);
    uiommu_requester_remove(&list, &x);
    cr_assert_null(list);
}

Test(requester, copies_ids_and_refuses_those_beyond_the_unit)
{
    uint32_t ids[] = {0xffff, 7};
    struct uiommu_device_desc desc;
    struct uiommu_requester who;
    struct fake_host host;
    struct uiommu *u;

    fake_host_init(&host);
    u = fake_host_create(&host);
    memset(&desc, 0, sizeof(desc));
    memset(&who, 0, sizeof(who));
    desc.ids = ids;
    cr_assert_eq(uiommu_requester_init(u, &desc, 16, &who), UIOMMU_E_INVALID);
    desc.id_count = 2;
    cr_assert_eq(uiommu_requester_init(u, &desc, 15, &who), UIOMMU_E_RANGE);
    cr_assert_null(who.ids);
    cr_assert_eq(uiommu_requester_init(u, &desc, 16, &who), UIOMMU_OK);
    ids[1] = 8;
    cr_assert_eq(who.ids[1], 7);
    uiommu_requester_fini(u, &who);
    cr_assert_null(who.ids);
    ids[0] = 0xffffffff;
    host.fail_at = host.gets + 1;
    cr_assert_eq(uiommu_requester_init(u, &desc, 32, &who), UIOMMU_E_NOMEM);
    cr_assert(who.ids == NULL && who.id_count == 0);
    cr_assert_eq(uiommu_requester_init(u, &desc, 32, &who), UIOMMU_OK);
    uiommu_requester_fini(u, &who);
    cr_assert(fake_host_destroy(&host, u));
}
