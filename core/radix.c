/* SPDX-License-Identifier: BSD-2-Clause */
#include "core.h"

/*
 * A tree of nodes of 2^bits slots, as high as its largest key needs. Height and root change in
 * one store: nodes are aligned to 64, so the low bits of the root hold the height, 1 where the
 * root's slots are the values. Nodes never move, so a slot stays valid while the tree grows.
 */
static size_t node_bytes(const struct uiommu_radix *radix)
{
    return sizeof(struct uiommu_slot) << radix->bits;
}

/* Which slot of a node at this height, 1 being lowest. */
static uint32_t place(const struct uiommu_radix *radix, uint32_t key, uint32_t height)
{
    return key >> ((height - 1) * radix->bits) & ((UINT32_C(1) << radix->bits) - 1u);
}

static bool fits(const struct uiommu_radix *radix, uint32_t key, uint32_t height)
{
    uint32_t shift = height * radix->bits;

    return height != 0 && (shift >= 32 || key >> shift == 0);
}

void uiommu_radix_init(struct uiommu_radix *radix, uint32_t bits)
{
    uiommu_slot_store(&radix->root, NULL);
    radix->bits = bits;
}

/* Put roots on top until the key fits. What was made stays when memory ends: it is a good tree. */
static bool grow(struct uiommu *u, struct uiommu_radix *radix, uint32_t key)
{
    void *root = uiommu_slot_load(&radix->root);
    uint32_t height = uiommu_radix_height(root);
    struct uiommu_slot *node;

    while (!fits(radix, key, height)) {
        height++;
        if (root == NULL && !fits(radix, key, height))
            continue; /* nothing below yet: straight to the height needed */
        node = uiommu_heap_get(u, node_bytes(radix));
        if (node == NULL)
            return false;
        uiommu_slot_store(&node[0], uiommu_radix_node(root));
        root = (void *)((uintptr_t)node | height);
        uiommu_slot_store(&radix->root, root);
    }
    return true;
}

struct uiommu_slot *uiommu_radix_reserve(struct uiommu *u, struct uiommu_radix *radix, uint32_t key)
{
    struct uiommu_slot *node, *slot;
    uint32_t height;
    void *root;

    if (!grow(u, radix, key))
        return NULL;
    root = uiommu_slot_load(&radix->root);
    node = uiommu_radix_node(root);
    for (height = uiommu_radix_height(root); height > 1; height--) {
        slot = &node[place(radix, key, height)];
        node = uiommu_slot_load(slot);
        if (node == NULL) {
            node = uiommu_heap_get(u, node_bytes(radix));
            if (node == NULL)
                return NULL;
            uiommu_slot_store(slot, node);
        }
    }
    return &node[place(radix, key, 1)];
}

void uiommu_radix_fini(struct uiommu *u, struct uiommu_radix *radix)
{
    void *root = uiommu_slot_load(&radix->root);
    uint32_t top = uiommu_radix_height(root), level = top;
    struct uiommu_slot *path[33], *child;
    uint32_t at[33];

    if (top == 0)
        return;
    path[top] = uiommu_radix_node(root);
    at[top] = 0;
    while (level <= top) {
        if (level == 1 || at[level] >> radix->bits != 0) {
            uiommu_heap_put(u, path[level], node_bytes(radix));
            level++;
            continue;
        }
        child = uiommu_slot_load(&path[level][at[level]]);
        at[level]++;
        if (child != NULL) {
            level--;
            path[level] = child;
            at[level] = 0;
        }
    }
    uiommu_slot_store(&radix->root, NULL);
}

/* More nodes than that, and the tree goes in a circle. */
#define NODES 0x10000u

bool uiommu_radix_valid(const struct uiommu_radix *radix)
{
    void *root = uiommu_slot_load(&radix->root);
    uint32_t top = uiommu_radix_height(root), level = top, nodes = 1;
    const struct uiommu_slot *path[33];
    uint32_t at[33];
    void *child;

    if (radix->bits - 1u >= 16u || (top == 0) != (uiommu_radix_node(root) == NULL) ||
        top * radix->bits >= 32 + radix->bits)
        return false;
    path[top] = uiommu_radix_node(root);
    at[top] = 0;
    while (level <= top && top > 1) {
        if (at[level] >> radix->bits != 0) {
            level++;
            continue;
        }
        child = uiommu_slot_load(&path[level][at[level]]);
        at[level]++;
        if (child == NULL)
            continue;
        if (uiommu_radix_height(child) != 0 || nodes++ == NODES)
            return false;
        if (level > 2) { /* nodes of values have nothing to look at */
            level--;
            path[level] = child;
            at[level] = 0;
        }
    }
    return true;
}
