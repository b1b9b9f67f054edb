/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The tree from numbers to pointers: two keys, of every kind of way through it, in either order,
 * memory ending at any node. A key keeps its slot while the tree grows, no two keys share one, what
 * was never reserved has no value; and the end gives back every node once.
 */
#include "../prove.h"

static uint32_t prove_height(const void *root);
static struct uiommu_slot *prove_node(void *root);

#include <core/radix.c>

#ifndef TO /* nodes that there is memory for: enough for any two keys */
#define FROM 5u
#define TO   5u
#endif

#define BITS       2u
#define NODES_MADE 7u
#define KEYS       (sizeof(keys) / sizeof(keys[0]))

static const uint32_t keys[] = {0, 1, 4, 21, 63};
static struct uiommu instance;
static struct uiommu_radix radix;
static struct uiommu_slot a[4], b[4], c[4], d[4], e[4], f[4], g[4];
static struct uiommu_slot *const nodes[NODES_MADE] = {a, b, c, d, e, f, g};
static uint32_t made, most, back[NODES_MADE], value;

static uint32_t prove_height(const void *root)
{
    return root == NULL ? 0 : (uint32_t)__CPROVER_POINTER_OFFSET(root);
}

static struct uiommu_slot *prove_node(void *root)
{
    return root == NULL ? NULL : (void *)((char *)root - __CPROVER_POINTER_OFFSET(root));
}

void *uiommu_heap_get(struct uiommu *u, size_t bytes)
{
    PROVE(u == &instance && bytes == sizeof(a) && made < NODES_MADE);
    if (made == most)
        return NULL;
    memset(nodes[made], 0, sizeof(a));
    return nodes[made++];
}

void uiommu_heap_put(struct uiommu *u, void *ptr, size_t bytes)
{
    uint32_t i;

    PROVE(u == &instance && bytes == sizeof(a) && ptr != NULL);
    for (i = 0; i < NODES_MADE; i++)
        back[i] += ptr == nodes[i];
}

static void pair(uint32_t first, uint32_t second, uint32_t other)
{
    struct uiommu_slot *one, *two;
    uint32_t i;

    made = 0;
    memset(back, 0, sizeof(back));
    uiommu_radix_init(&radix, BITS);
    PROVE(uiommu_radix_get(&radix, other) == NULL);
    one = uiommu_radix_reserve(&instance, &radix, first);
    if (one != NULL)
        uiommu_slot_store(one, &value);
    two = uiommu_radix_reserve(&instance, &radix, second);
    PROVE(one == NULL || two == NULL || (one == two) == (first == second));
    PROVE(one == NULL || uiommu_radix_find(&radix, first) == one);
    PROVE(one == NULL || uiommu_radix_get(&radix, first) == &value);
    PROVE(two == NULL || uiommu_radix_find(&radix, second) == two);
    PROVE(other == first || uiommu_radix_get(&radix, other) == NULL);
    PROVE(uiommu_radix_valid(&radix));
    if (one != NULL)
        uiommu_slot_store(one, NULL); /* values are their owner's */
    uiommu_radix_fini(&instance, &radix);
    for (i = 0; i < NODES_MADE; i++)
        PROVE(back[i] == (i < made));
}

/* One by one: addresses that are not known would be too much. */
void prove(void)
{
    uint32_t n, last;

    for (last = FROM; last <= TO; last++) {
        most = last;
        for (n = 0; n < KEYS * KEYS; n++)
            pair(keys[n % KEYS], keys[n / KEYS], keys[(n + 3) % KEYS]);
    }
}
