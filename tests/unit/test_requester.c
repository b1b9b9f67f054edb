/* SPDX-License-Identifier: BSD-2-Clause */
/* What backends share: IDs of devices, and the list of a unit's devices. */
#include "../support/fake_host.h"
#include <uiommu/backend.h>

#include <criterion/criterion.h>
#include <string.h>

static struct uiommu_requester who[3];

static void make(struct uiommu *u, struct uiommu_requesters *all, uint32_t i, uint32_t a,
                 uint32_t b)
{
    uint32_t ids[] = {a, b};
    struct uiommu_device_desc desc;

    memset(&desc, 0, sizeof(desc));
    desc.ids = ids;
    desc.id_count = a == b ? 1 : 2;
    cr_assert_eq(uiommu_requester_init(u, all, &desc, 32, &who[i]), UIOMMU_OK);
    uiommu_requester_add(all, &who[i]);
}

/* From either end of the list, and out of its middle. */
Test(requester, found_by_each_id_until_it_goes)
{
    static const uint32_t order[][3] = {{0, 1, 2}, {2, 1, 0}, {1, 0, 2}, {1, 2, 0}};
    struct uiommu_requesters all;
    struct fake_host host;
    struct uiommu *u;
    uint32_t i, k;

    fake_host_init(&host);
    u = fake_host_create(&host);
    memset(&all, 0, sizeof(all));
    cr_assert_null(uiommu_requester_find(&all, 1));
    for (i = 0; i < 4; i++) {
        make(u, &all, 0, 1, 2);
        make(u, &all, 1, 3, 3);
        make(u, &all, 2, 0xffffffff, 4);
        cr_assert(all.first == &who[2] && who[2].next == &who[1] && who[1].prev == &who[2]);
        cr_assert_eq(uiommu_requester_find(&all, 1), &who[0]);
        cr_assert_eq(uiommu_requester_find(&all, 2), &who[0]);
        cr_assert_eq(uiommu_requester_find(&all, 3), &who[1]);
        cr_assert_eq(uiommu_requester_find(&all, 4), &who[2]);
        cr_assert_eq(uiommu_requester_find(&all, 0xffffffff), &who[2]);
        cr_assert_null(uiommu_requester_find(&all, 5));
        cr_assert_null(uiommu_requester_find(&all, 0x1000));
        for (k = 0; k < 3; k++) {
            uiommu_requester_remove(&all, &who[order[i][k]]);
            cr_assert_null(uiommu_requester_find(&all, who[order[i][k]].ids[0]));
            uiommu_requester_fini(u, &all, &who[order[i][k]]);
            if (k == 0) {
                cr_assert_eq(uiommu_requester_find(&all, who[order[i][1]].ids[0]),
                             &who[order[i][1]]);
                cr_assert_eq(uiommu_requester_find(&all, who[order[i][2]].ids[0]),
                             &who[order[i][2]]);
            }
        }
        cr_assert(all.first == NULL && all.map == NULL);
    }
    make(u, &all, 0, 1, 2);
    make(u, &all, 1, 2, 3);
    uiommu_requester_remove(&all, &who[0]);
    uiommu_requester_fini(u, &all, &who[0]);
    cr_assert_null(uiommu_requester_find(&all, 1));
    cr_assert_eq(uiommu_requester_find(&all, 2), &who[1], "the new one");
    uiommu_requester_remove(&all, &who[1]);
    uiommu_requester_fini(u, &all, &who[1]);
    cr_assert(fake_host_destroy(&host, u));
}

Test(requester, copies_ids_and_refuses_those_beyond_the_unit)
{
    uint32_t ids[] = {0xffff, 7}, failed;
    uiommu_err err = UIOMMU_E_NOMEM;
    struct uiommu_device_desc desc;
    struct uiommu_requesters all;
    struct uiommu_requester one;
    struct fake_host host;
    struct uiommu *u;

    fake_host_init(&host);
    u = fake_host_create(&host);
    memset(&desc, 0, sizeof(desc));
    memset(&one, 0, sizeof(one));
    memset(&all, 0, sizeof(all));
    desc.ids = ids;
    cr_assert_eq(uiommu_requester_init(u, &all, &desc, 16, &one), UIOMMU_E_INVALID);
    desc.id_count = 2;
    cr_assert_eq(uiommu_requester_init(u, &all, &desc, 15, &one), UIOMMU_E_RANGE);
    cr_assert(one.ids == NULL && all.map == NULL);
    /* The map, its root, a node for each ID, the copy. */
    for (failed = 0; err != UIOMMU_OK; failed++) {
        cr_assert_null(all.map);
        host.fail_at = host.gets + failed + 1;
        err = uiommu_requester_init(u, &all, &desc, 16, &one);
        cr_assert((one.ids == NULL) == (err == UIOMMU_E_NOMEM));
    }
    cr_assert_eq(failed, 6);
    ids[1] = 8;
    cr_assert_eq(one.ids[1], 7);
    uiommu_requester_fini(u, &all, &one);
    cr_assert_null(one.ids);
    cr_assert(fake_host_destroy(&host, u));
}
