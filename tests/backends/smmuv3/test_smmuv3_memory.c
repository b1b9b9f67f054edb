/* SPDX-License-Identifier: BSD-2-Clause */
#include "fake_smmuv3.h"

#include "fake_memory.h"

static void made(bool coherent)
{
    struct uiommu_smmuv3_config config = fake_config();

    u = fake_new();
    *fake_reg(u, 0) = (*fake_reg(u, 0) & ~0x10u) | (coherent ? 0x10u : 0u);
    memory_watch(coherent);
    cr_assert_eq(uiommu_smmuv3_create(u, &config, &unit), UIOMMU_OK);
}

static uiommu_err get(void)
{
    return uiommu_smmuv3_memory_get(unit->hw);
}

Test(smmuv3_memory, once)
{
    static const uint64_t want[][2] = {{4096, 4096}, {4096, 4096}, {8192, 8192}, {2048, 2048}};

    made(false);
    memory_once(want, sizeof(want) / sizeof(want[0]), get);
}

Test(smmuv3_memory, told)
{
    made(false);
    cr_assert_eq(get(), UIOMMU_OK);
    cr_assert_eq(told, count, "all zeroes, at once");
    memory_gone();
}

Test(smmuv3_memory, snooped)
{
    made(true);
    cr_assert_eq(unit->ops->start(unit->hw), UIOMMU_OK);
    uiommu_smmuv3_from_device(unit->hw, u, 8);
    memory_gone();
}

Test(smmuv3_memory, without_requests)
{
    made(false);
    ((struct uiommu_smmuv3 *)unit->hw)->priq.present = false;
    cr_assert_eq(get(), UIOMMU_OK);
    cr_assert_eq(count, 3u);
    memory_gone();
}

Test(smmuv3_memory, not_to_be_had)
{
    made(false);
    memory_refused(4, 2);
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
    memory_gone();
}
