/* SPDX-License-Identifier: BSD-2-Clause */
/* An address space for devices: page tables in each format that units of this vendor walk. */
#include "glue.h"

#define GRANULE 12u
#define VA_BITS 48u

static void *page_get(void *ctx, uint64_t bytes, uint64_t *bus)
{
    void *page = kernel_pages_get(bytes, bytes);

    (void)ctx;
    *bus = (uint64_t)(uintptr_t)page;
    return page;
}

static void page_put(void *ctx, uint64_t bus, uint64_t bytes)
{
    (void)ctx;
    kernel_pages_put((void *)(uintptr_t)bus, bytes);
}

static void *page_cpu(void *ctx, uint64_t bus)
{
    (void)ctx;
    return (void *)(uintptr_t)bus;
}

uiommu_err glue_space_create(struct glue_space *s, struct glue_unit *g)
{
    static const struct table_memory memory = {NULL, page_get, page_put, page_cpu, NULL};
    struct uiommu_aspace_config config = {.size = sizeof(config)};
    struct uiommu_root roots[2];
    const struct table_kind *const *kinds = g->found.vendor->kinds;
    uint32_t bits = g->found.address_bits;

    bits = bits == 0 || bits > VA_BITS ? VA_BITS : bits;
    for (s->count = 0; s->count < 2 && kinds[s->count] != NULL; s->count++) {
        if (table_init(&s->tables[s->count], kinds[s->count], &memory, GRANULE, VA_BITS, bits) !=
            TABLE_OK)
            return UIOMMU_E_NOMEM;
        table_root(&s->tables[s->count], &roots[s->count]);
    }
    if (!glue_reserved_map(s, &g->found))
        return UIOMMU_E_NOMEM;
    config.roots = roots;
    config.root_count = s->count;
    return uiommu_aspace_create(g->u, &config, &s->as);
}

bool glue_map(struct glue_space *s, uint64_t iova, const void *page, uint32_t access)
{
    uint32_t i;

    for (i = 0; i < s->count; i++) {
        if (table_map(&s->tables[i], iova, (uint64_t)(uintptr_t)page, access) != TABLE_OK)
            return false;
    }
    return true;
}

bool glue_unmap(struct glue_space *s, uint64_t iova)
{
    uint32_t i;

    for (i = 0; i < s->count; i++) {
        if (table_unmap(&s->tables[i], iova, NULL) != TABLE_OK)
            return false;
    }
    return true;
}

uiommu_err glue_space_destroy(struct glue_space *s)
{
    uiommu_err err = uiommu_aspace_destroy(s->as);
    uint32_t i;

    for (i = 0; err == UIOMMU_OK && i < s->count; i++)
        table_fini(&s->tables[i]);
    return err;
}
