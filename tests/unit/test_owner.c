/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>

#include "../../core/core.h"
#include "../support/fake_host.h"

static struct fake_host host;
static struct uiommu *u;

static void begin(void)
{
    fake_host_init(&host);
    u = fake_host_create(&host);
}

/* The last line of every test: an assertion in a fini function would count for nothing. */
static void end(void)
{
    cr_assert(fake_host_destroy(&host, u));
}

TestSuite(owner, .init = begin);

static struct uiommu_owner *make(uint32_t pasids)
{
    struct uiommu_owner_config config = {.size = sizeof(config), .pasids = pasids};
    struct uiommu_owner *owner = NULL;

    cr_assert_eq(uiommu_owner_create(u, &config, &owner), UIOMMU_OK);
    return owner;
}

Test(owner, arguments)
{
    struct uiommu_owner_config config = {.size = sizeof(config)};
    struct uiommu_owner_counters counters;
    struct uiommu_owner *owner = NULL;
    uint64_t no_owner[64] = {0};

    cr_assert_eq(uiommu_owner_create(NULL, &config, &owner), UIOMMU_E_HANDLE);
    cr_assert_eq(uiommu_owner_create(u, NULL, &owner), UIOMMU_E_INVALID);
    cr_assert_eq(uiommu_owner_create(u, &config, NULL), UIOMMU_E_INVALID);
    config.size = sizeof(config) - 1;
    cr_assert_eq(uiommu_owner_create(u, &config, &owner), UIOMMU_E_INVALID);
    config.size = sizeof(config) + 8;
    cr_assert_eq(uiommu_owner_create(u, &config, &owner), UIOMMU_E_INVALID);
    cr_assert_null(owner);
    cr_assert_eq(uiommu_owner_destroy(NULL), UIOMMU_E_HANDLE);
    cr_assert_eq(uiommu_owner_destroy((struct uiommu_owner *)(void *)no_owner), UIOMMU_E_HANDLE);
    cr_assert_eq(uiommu_owner_get_counters(NULL, &counters), UIOMMU_E_HANDLE);
    owner = make(0);
    cr_assert_eq(uiommu_owner_get_counters(owner, NULL), UIOMMU_E_INVALID);
    cr_assert_eq(uiommu_destroy(u), UIOMMU_E_BUSY);
    cr_assert_eq(uiommu_owner_destroy(owner), UIOMMU_OK);
    config.size = sizeof(config);
    host.fail_at = host.gets + 1;
    cr_assert_eq(uiommu_owner_create(u, &config, &owner), UIOMMU_E_NOMEM);
    end();
}

Test(owner, quota)
{
    struct uiommu_owner *owner = make(10);
    struct uiommu_owner_counters counters;

    cr_assert_eq(owner->config.credits, UINT32_MAX, "0 is no limit");
    cr_assert_eq(uiommu_owner_charge(owner, &owner->pasids, 10, 10), UIOMMU_OK);
    cr_assert_eq(uiommu_owner_charge(owner, &owner->pasids, 10, 1), UIOMMU_E_QUOTA);
    cr_assert_eq(uiommu_owner_charge(owner, &owner->pasids, 5, 0), UIOMMU_E_QUOTA);
    cr_assert_eq(uiommu_owner_charge(owner, &owner->pasids, 10, UINT32_MAX), UIOMMU_E_QUOTA);
    cr_assert_eq(uiommu_owner_charge(owner, &owner->credits, UINT32_MAX, UINT32_MAX), UIOMMU_OK);
    cr_assert_eq(uiommu_owner_charge(owner, &owner->credits, UINT32_MAX, 1), UIOMMU_E_QUOTA);
    cr_assert_eq(uiommu_owner_charge(owner, &owner->bonds, 3, 2), UIOMMU_OK);
    cr_assert_eq(uiommu_owner_get_counters(owner, &counters), UIOMMU_OK);
    cr_assert_eq(counters.pasids, 10);
    cr_assert_eq(counters.credits, UINT32_MAX);
    cr_assert_eq(counters.bonds, 2);
    cr_assert_eq(counters.refused, 4);
    cr_assert_eq(uiommu_owner_destroy(owner), UIOMMU_E_BUSY);
    uiommu_owner_refund(owner, &owner->pasids, 10);
    uiommu_owner_refund(owner, &owner->credits, UINT32_MAX);
    uiommu_owner_refund(owner, &owner->bonds, 2);
    cr_assert_eq(uiommu_owner_destroy(owner), UIOMMU_OK);
    end();
}

Test(owner, dead_gets_nothing)
{
    struct uiommu_owner *owner = make(0);

    cr_assert_eq(uiommu_owner_charge(owner, &owner->bonds, 9, 1), UIOMMU_OK);
    uiommu_word_store(&owner->dead, 1);
    cr_assert_eq(uiommu_owner_charge(owner, &owner->bonds, 9, 1), UIOMMU_E_DEAD);
    uiommu_owner_refund(owner, &owner->bonds, 1);
    cr_assert_eq(uiommu_owner_destroy(owner), UIOMMU_OK);
    end();
}

Test(owner, busy_for_each_thing)
{
    struct uiommu_owner *owner = make(0);
    uint32_t *what[] = {&owner->pasids, &owner->credits, &owner->bonds,
                        &owner->ports,  &owner->spaces,  &owner->in_flight.v};
    uint32_t k;

    for (k = 0; k < 6; k++) {
        *what[k] = 1;
        cr_assert_eq(uiommu_owner_destroy(owner), UIOMMU_E_BUSY);
        *what[k] = 0;
    }
    owner->aspaces = (struct uiommu_aspace *)(void *)what;
    cr_assert_eq(uiommu_owner_destroy(owner), UIOMMU_E_BUSY);
    owner->aspaces = NULL;
    cr_assert_eq(uiommu_owner_destroy(owner), UIOMMU_OK);
    end();
}
