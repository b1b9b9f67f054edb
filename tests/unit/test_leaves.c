/* SPDX-License-Identifier: BSD-2-Clause */
/* What backends share: tables in pieces. */
#include "../support/fake_host.h"
#include <uiommu/backend.h>

#include <criterion/criterion.h>
#include <string.h>

static struct fake_host host;
static struct uiommu *u;
static struct uiommu_leaves leaves;

static void up(void)
{
    fake_host_init(&host);
    u = fake_host_create(&host);
    memset(&leaves, 0, sizeof(leaves));
    leaves.count = 3 * UIOMMU_LEAVES + 1;
}

static void down(void)
{
    uiommu_leaves_fini(u, &leaves);
    cr_assert(fake_host_destroy(&host, u));
}

TestSuite(leaves, .init = up, .fini = down);

static uiommu_err get(struct uiommu_mem *leaf)
{
    return uiommu_mem_get(uiommu_host(u), 4096, 4096, UINT64_MAX, leaf);
}

/* The first costs nothing; others bring the records of their neighbours. */
Test(leaves, come_one_by_one)
{
    static const uint32_t number[] = {0, 1, UIOMMU_LEAVES - 1, UIOMMU_LEAVES, 3 * UIOMMU_LEAVES};
    static const uint32_t gets[] = {0, 2, 0, 1, 1};
    struct uiommu_mem *leaf;
    uint64_t before;
    uint32_t i, k;

    for (i = 0; i < sizeof(number) / sizeof(number[0]); i++) {
        cr_assert_null(uiommu_leaf(&leaves, number[i]));
        before = host.gets;
        leaf = uiommu_leaf_make(u, &leaves, number[i]);
        cr_assert_eq(host.gets - before, gets[i]);
        cr_assert_null(uiommu_leaf(&leaves, number[i]), "a place is no piece");
        cr_assert_eq(get(leaf), UIOMMU_OK);
        for (k = 0; k <= i; k++)
            cr_assert_eq(uiommu_leaf(&leaves, number[k]), uiommu_leaf_make(u, &leaves, number[k]));
        cr_assert_eq(uiommu_leaf(&leaves, number[i]), leaf);
    }
    cr_assert_null(uiommu_leaf(&leaves, 2 * UIOMMU_LEAVES));
    cr_assert_null(uiommu_leaf(&leaves, 2));
}

/* What was made before stays, and is enough the next time. */
Test(leaves, no_memory)
{
    host.fail_at = host.gets + 1;
    cr_assert_null(uiommu_leaf_make(u, &leaves, 70));
    cr_assert_null(uiommu_leaf(&leaves, 70));
    host.fail_at = host.gets + 2;
    cr_assert_null(uiommu_leaf_make(u, &leaves, 70));
    cr_assert_null(uiommu_leaf(&leaves, 70));
    cr_assert_not_null(uiommu_leaf_make(u, &leaves, 70));
}

Test(leaves, none)
{
    uiommu_leaves_fini(u, &leaves);
    leaves.count = 1;
    cr_assert_null(uiommu_leaf(&leaves, 0));
}
