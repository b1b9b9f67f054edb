/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef FAKE_MEMORY_H
#define FAKE_MEMORY_H
/*
 * What a backend's start takes of the host: how much, how aligned, once; told to a unit that does
 * not snoop; and nothing is left where some of it is not to be had. Behind the vendor's fake core.
 */
#include <criterion/criterion.h>

static struct uiommu *u;
static struct uiommu_unit *unit;
static uint64_t taken[8][2]; /* Bytes, alignment. */
static uint32_t count, told;
static uint32_t none_at; /* The how manieth fails; UINT32_MAX: none. */
static uiommu_err (*more)(void *ctx, uint64_t bytes, uint64_t align, uint64_t limit,
                          struct uiommu_mem *out);

static uiommu_err take(void *ctx, uint64_t bytes, uint64_t align, uint64_t limit,
                       struct uiommu_mem *out)
{
    cr_assert_lt(count, 8);
    taken[count][0] = bytes;
    taken[count][1] = align;
    return count++ == none_at ? UIOMMU_E_NOMEM : more(ctx, bytes, align, limit, out);
}

static void tell(void *ctx, const void *cpu, uint64_t bytes)
{
    (void)ctx;
    cr_assert_not_null(cpu);
    told += count != 0 && bytes == taken[count - 1][0] && (uintptr_t)cpu % 64 == 0;
}

static void never(void *ctx, const void *cpu, uint64_t bytes)
{
    (void)ctx;
    (void)cpu;
    (void)bytes;
    cr_assert_fail("it snoops");
}

/* Before the unit is made. */
static inline void memory_watch(bool coherent)
{
    more = u->core.host.mem_get;
    u->core.host.mem_get = take;
    u->core.host.mem_to_device = coherent ? never : tell;
    if (coherent)
        u->core.host.mem_from_device = never;
    none_at = UINT32_MAX;
    count = told = 0;
}

static inline void memory_gone(void)
{
    unit->ops->stop(unit->hw);
    unit->ops->destroy(unit->hw);
    cr_assert(u->core.mem_bytes == 0 && u->core.heap_bytes == 0);
    fake_free(u);
}

/* get: the backend's own, on this unit. */
static inline void memory_once(const uint64_t want[][2], uint32_t n, uiommu_err (*get)(void))
{
    uint32_t i;

    cr_assert_eq(unit->ops->start(unit->hw), UIOMMU_OK);
    cr_assert_eq(count, n);
    for (i = 0; i < n; i++)
        cr_assert(taken[i][0] == want[i][0] && taken[i][1] == want[i][1], "%u", i);
    unit->ops->stop(unit->hw);
    told = 0;
    cr_assert_eq(get(), UIOMMU_OK);
    cr_assert(count == n && told == 0, "it is there");
    memory_gone();
}

/* So many pieces of memory, and so many of the heap, may each be the one that is missing. */
static inline void memory_refused(uint32_t pieces, uint32_t heaps)
{
    uint64_t heap = u->core.heap_bytes;
    uint32_t i;

    for (i = 0; i < pieces; i++) {
        count = 0;
        none_at = i;
        cr_assert_eq(unit->ops->start(unit->hw), UIOMMU_E_NOMEM, "%u", i);
        cr_assert(u->core.mem_bytes == 0 && u->core.heap_bytes == heap, "%u", i);
    }
    none_at = UINT32_MAX;
    for (i = 0; i < 2 * heaps; i++) {
        count = 0;
        u->core.heap_left = i / 2;
        u->core.heap_once = i % 2 != 0;
        cr_assert_eq(unit->ops->start(unit->hw), UIOMMU_E_NOMEM, "%u", i);
        cr_assert(u->core.mem_bytes == 0 && u->core.heap_bytes == heap, "%u", i);
    }
    u->core.heap_left = UINT32_MAX;
    count = 0;
    cr_assert_eq(unit->ops->start(unit->hw), UIOMMU_OK);
    memory_gone();
}

#endif
