/* SPDX-License-Identifier: BSD-2-Clause */
/* What a start takes: how much, how aligned, once; told to a unit that does not snoop; and nothing
 * is left where some of it is not to be had. */
#include "fake_smmuv3.h"

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

static void made(bool coherent)
{
    struct uiommu_smmuv3_config config = fake_config();

    u = fake_new();
    *fake_reg(u, 0) = (*fake_reg(u, 0) & ~0x10u) | (coherent ? 0x10u : 0u);
    more = u->core.host.mem_get;
    u->core.host.mem_get = take;
    u->core.host.mem_to_device = coherent ? never : tell;
    if (coherent)
        u->core.host.mem_from_device = never;
    none_at = UINT32_MAX;
    count = told = 0;
    cr_assert_eq(uiommu_smmuv3_create(u, &config, &unit), UIOMMU_OK);
}

static void gone(void)
{
    unit->ops->stop(unit->hw);
    unit->ops->destroy(unit->hw);
    cr_assert(u->core.mem_bytes == 0 && u->core.heap_bytes == 0);
    fake_free(u);
}

Test(smmuv3_memory, once)
{
    static const uint64_t want[][2] = {{4096, 4096}, {4096, 4096}, {8192, 8192}, {2048, 2048}};
    uint32_t i, n = sizeof(want) / sizeof(want[0]);

    made(false);
    cr_assert_eq(unit->ops->start(unit->hw), UIOMMU_OK);
    cr_assert_eq(count, n);
    for (i = 0; i < n; i++)
        cr_assert(taken[i][0] == want[i][0] && taken[i][1] == want[i][1], "%u", i);
    unit->ops->stop(unit->hw);
    told = 0;
    cr_assert_eq(uiommu_smmuv3_memory_get(unit->hw), UIOMMU_OK);
    cr_assert(count == n && told == 0, "it is there");
    gone();
}

Test(smmuv3_memory, told)
{
    made(false);
    cr_assert_eq(uiommu_smmuv3_memory_get(unit->hw), UIOMMU_OK);
    cr_assert_eq(told, count, "all zeroes, at once");
    gone();
}

Test(smmuv3_memory, snooped)
{
    made(true);
    cr_assert_eq(unit->ops->start(unit->hw), UIOMMU_OK);
    uiommu_smmuv3_from_device(unit->hw, u, 8);
    gone();
}

Test(smmuv3_memory, without_requests)
{
    made(false);
    ((struct uiommu_smmuv3 *)unit->hw)->priq.present = false;
    cr_assert_eq(uiommu_smmuv3_memory_get(unit->hw), UIOMMU_OK);
    cr_assert_eq(count, 3u);
    gone();
}

Test(smmuv3_memory, not_to_be_had)
{
    uint32_t i;
    uint64_t heap;

    made(false);
    heap = u->core.heap_bytes;
    for (i = 0; i < 4u; i++) {
        count = 0;
        none_at = i;
        cr_assert_eq(unit->ops->start(unit->hw), UIOMMU_E_NOMEM, "%u", i);
        cr_assert(u->core.mem_bytes == 0 && u->core.heap_bytes == heap, "%u", i);
    }
    none_at = UINT32_MAX;
    for (i = 0; i < 2 * 2u; i++) {
        count = 0;
        u->core.heap_left = i / 2;
        u->core.heap_once = i % 2 != 0;
        cr_assert_eq(unit->ops->start(unit->hw), UIOMMU_E_NOMEM, "%u", i);
        cr_assert(u->core.mem_bytes == 0 && u->core.heap_bytes == heap, "%u", i);
    }
    u->core.heap_left = UINT32_MAX;
    count = 0;
    cr_assert_eq(unit->ops->start(unit->hw), UIOMMU_OK);
    gone();
}

/* What is small is aligned to more than its size: a queue to 32 bytes, a table to 64. */
Test(smmuv3_memory, small)
{
    struct uiommu_smmuv3 *hw;

    made(false);
    hw = unit->hw;
    hw->priq.log2 = 0;
    hw->l2_count = 1;
    cr_assert_eq(uiommu_smmuv3_memory_get(hw), UIOMMU_OK);
    cr_assert(taken[2][0] == 16 && taken[2][1] == 32);
    cr_assert(taken[3][0] == 64 && taken[3][1] == 64);
    gone();
}
