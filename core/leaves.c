/* SPDX-License-Identifier: BSD-2-Clause */
#include "core.h"

/* What backends keep of tables in pieces: a device with few PASIDs costs little, however many it
 * could have. */

const struct uiommu_mem *uiommu_leaf(const struct uiommu_leaves *leaves, uint32_t number)
{
    const struct uiommu_mem *leaf = &leaves->first;
    const struct uiommu_slot *blocks;

    if (number != 0) {
        blocks = (const struct uiommu_slot *)uiommu_slot_load(&leaves->blocks);
        leaf = blocks == NULL
                   ? NULL
                   : (const struct uiommu_mem *)uiommu_slot_load(&blocks[number / UIOMMU_LEAVES]);
        if (leaf != NULL)
            leaf += number % UIOMMU_LEAVES;
    }
    return leaf == NULL || leaf->cpu == NULL ? NULL : leaf;
}

static size_t blocks_bytes(const struct uiommu_leaves *leaves)
{
    return ((leaves->count - 1u) / UIOMMU_LEAVES + 1u) * sizeof(struct uiommu_slot);
}

/* What is there, or zeroed memory that is there from now on. */
static void *filled(struct uiommu *u, struct uiommu_slot *slot, size_t bytes)
{
    void *p = uiommu_slot_load(slot);

    if (p == NULL) {
        p = uiommu_heap_get(u, bytes);
        uiommu_slot_store(slot, p);
    }
    return p;
}

struct uiommu_mem *uiommu_leaf_make(struct uiommu *u, struct uiommu_leaves *leaves, uint32_t number)
{
    struct uiommu_slot *blocks;
    struct uiommu_mem *block;

    if (number == 0)
        return &leaves->first;
    blocks = (struct uiommu_slot *)filled(u, &leaves->blocks, blocks_bytes(leaves));
    if (blocks == NULL)
        return NULL;
    block = (struct uiommu_mem *)filled(u, &blocks[number / UIOMMU_LEAVES],
                                        UIOMMU_LEAVES * sizeof(*block));
    return block == NULL ? NULL : &block[number % UIOMMU_LEAVES];
}

void uiommu_leaves_fini(struct uiommu *u, struct uiommu_leaves *leaves)
{
    struct uiommu_slot *blocks = (struct uiommu_slot *)uiommu_slot_load(&leaves->blocks);
    struct uiommu_mem *block;
    uint32_t i, k;

    uiommu_mem_put(uiommu_host(u), &leaves->first);
    for (i = 0; blocks != NULL && i * UIOMMU_LEAVES < leaves->count; i++) {
        block = (struct uiommu_mem *)uiommu_slot_load(&blocks[i]);
        for (k = 0; block != NULL && k < UIOMMU_LEAVES; k++)
            uiommu_mem_put(uiommu_host(u), &block[k]);
        uiommu_heap_put(u, block, UIOMMU_LEAVES * sizeof(*block));
    }
    uiommu_heap_put(u, blocks, blocks_bytes(leaves));
    uiommu_slot_store(&leaves->blocks, NULL);
}
