/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>

#include "../../core/core.h"
#include "../support/fake_host.h"

#define KEYS 400u

static uint32_t seed = 3;

static uint32_t random32(void)
{
    seed = seed * 1664525u + 1013904223u;
    return (seed >> 16) | (seed * 69069u & 0xffff0000u);
}

static uint64_t nodes_for(struct uiommu *u, struct fake_host *host, uint32_t bits, uint32_t key)
{
    struct uiommu_radix radix;
    uint64_t before = host->live, nodes;

    uiommu_radix_init(&radix, bits);
    cr_assert_not_null(uiommu_radix_reserve(u, &radix, key));
    cr_assert_eq(uiommu_radix_find(&radix, key), uiommu_radix_reserve(u, &radix, key));
    nodes = host->live - before;
    uiommu_radix_fini(u, &radix);
    cr_assert_eq(host->live, before);
    return nodes;
}

Test(radix, height_follows_the_key)
{
    struct fake_host host;
    struct uiommu *u;
    uint32_t bits;

    fake_host_init(&host);
    u = fake_host_create(&host);
    for (bits = 1; bits <= 12; bits++) {
        cr_assert_eq(nodes_for(u, &host, bits, 0), 1);
        cr_assert_eq(nodes_for(u, &host, bits, (1u << bits) - 1), 1);
        cr_assert_eq(nodes_for(u, &host, bits, 1u << bits), 2);
        cr_assert_eq(nodes_for(u, &host, bits, UINT32_MAX), (32 + bits - 1) / bits);
    }
    cr_assert(fake_host_destroy(&host, u));
}

Test(radix, against_a_shadow)
{
    static uint32_t key[KEYS];
    static struct uiommu_slot *slot[KEYS];
    struct uiommu_radix radix;
    struct fake_host host;
    struct uiommu *u;
    uint32_t bits, k, j;

    fake_host_init(&host);
    u = fake_host_create(&host);
    for (bits = 1; bits <= 10; bits += 3) {
        uiommu_radix_init(&radix, bits);
        cr_assert_null(uiommu_radix_find(&radix, 0));
        cr_assert_null(uiommu_radix_get(&radix, UINT32_MAX));
        for (k = 0; k < KEYS; k++) {
            /* Wider and wider: the tree grows above what is in it. */
            key[k] = k == KEYS - 1 ? UINT32_MAX : random32() >> (31 - k * 32 / KEYS);
            slot[k] = uiommu_radix_reserve(u, &radix, key[k]);
            cr_assert_not_null(slot[k]);
            uiommu_slot_store(slot[k], &key[k]);
        }
        for (k = 0; k < KEYS; k++) {
            uint32_t *last = NULL;

            for (j = 0; j < KEYS; j++) {
                if (key[j] == key[k])
                    last = &key[j];
            }
            cr_assert_eq(uiommu_radix_find(&radix, key[k]), slot[k], "slots never move");
            cr_assert_eq(uiommu_radix_get(&radix, key[k]), last);
        }
        for (k = 0; k < 20000; k++) {
            uint32_t want = random32() >> (k & 31), *got = uiommu_radix_get(&radix, want);

            if (got != NULL && *got != want)
                cr_assert_fail("%u found for %u", *got, want);
        }
        uiommu_radix_fini(u, &radix);
        cr_assert_null(uiommu_radix_find(&radix, key[0]));
        uiommu_radix_fini(u, &radix);
    }
    cr_assert(fake_host_destroy(&host, u));
}

/* A key beyond the height is absent, not another one cut short. */
Test(radix, wider_than_the_tree)
{
    struct uiommu_radix radix;
    struct fake_host host;
    struct uiommu *u;
    uint32_t bits, k;

    fake_host_init(&host);
    u = fake_host_create(&host);
    for (bits = 1; bits <= 12; bits++) {
        uiommu_radix_init(&radix, bits);
        uiommu_slot_store(uiommu_radix_reserve(u, &radix, 1), &radix);
        for (k = bits; k < 32; k++) {
            cr_assert_null(uiommu_radix_find(&radix, 1 | UINT32_C(1) << k));
            cr_assert_eq(uiommu_radix_get(&radix, 1), &radix);
        }
        for (k = bits; k < 31; k++) {
            cr_assert_not_null(uiommu_radix_reserve(u, &radix, UINT32_C(1) << k));
            cr_assert_null(uiommu_radix_get(&radix, 1 | UINT32_C(2) << k));
            cr_assert_eq(uiommu_radix_get(&radix, 1), &radix);
        }
        uiommu_radix_fini(u, &radix);
    }
    cr_assert(fake_host_destroy(&host, u));
}

Test(radix, every_memory_failure)
{
    static const uint32_t keys[] = {3, 900, 17, 70000, UINT32_MAX, 5};
    struct uiommu_radix radix;
    struct fake_host host;
    struct uiommu *u;
    uint64_t n, failures = 0;
    uint32_t k, made;

    fake_host_init(&host);
    u = fake_host_create(&host);
    for (n = 1; n < 60; n++) {
        uiommu_radix_init(&radix, 4);
        host.fail_at = host.gets + n;
        for (k = 0; k < 6; k++) {
            struct uiommu_slot *slot = uiommu_radix_reserve(u, &radix, keys[k]);

            if (slot == NULL) {
                failures++;
                for (made = 0; made < k; made++)
                    cr_assert_not_null(uiommu_radix_get(&radix, keys[made]));
                slot = uiommu_radix_reserve(u, &radix, keys[k]);
            }
            cr_assert_not_null(slot);
            uiommu_slot_store(slot, &radix);
        }
        uiommu_radix_fini(u, &radix);
        cr_assert_eq(host.live, 1);
    }
    cr_assert_gt(failures, 10);
    cr_assert(fake_host_destroy(&host, u));
}

/* What cannot be a tree: a height without a node, one too high, and one that leads into itself. */
Test(radix, not_a_tree)
{
    static struct uiommu_slot node[256] __attribute__((aligned(64)));
    struct uiommu_radix radix;
    uint32_t k;

    uiommu_radix_init(&radix, 8);
    cr_assert(uiommu_radix_valid(&radix));
    radix.root.v = (void *)(uintptr_t)1;
    cr_assert_not(uiommu_radix_valid(&radix));
    radix.root.v = node;
    cr_assert_not(uiommu_radix_valid(&radix));
    radix.root.v = (void *)((uintptr_t)node | 4u);
    cr_assert(uiommu_radix_valid(&radix));
    radix.root.v = (void *)((uintptr_t)node | 5u);
    cr_assert_not(uiommu_radix_valid(&radix));
    radix.root.v = (void *)((uintptr_t)node | 4u);
    for (k = 0; k < 256; k++)
        node[k].v = node;
    cr_assert_not(uiommu_radix_valid(&radix));
    memset(node, 0, sizeof(node));
    node[3].v = (void *)((uintptr_t)node | 1u); /* a height within */
    cr_assert_not(uiommu_radix_valid(&radix));
}
