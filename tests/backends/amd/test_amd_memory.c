/* SPDX-License-Identifier: BSD-2-Clause */
#include "amd_fake_core.h"

#include "fake_memory.h"

static void made(bool coherent)
{
    struct uiommu_amd_config config = fake_config();

    u = fake_new();
    config.flags = coherent ? 0 : UIOMMU_AMD_NOT_COHERENT;
    memory_watch(coherent);
    cr_assert_eq(uiommu_amd_create(u, &config, &unit), UIOMMU_OK);
}

static uiommu_err get(void)
{
    return uiommu_amd_memory_get(unit->hw);
}

Test(amd_memory, once)
{
    static const uint64_t want[][2] = {{2097152, 4096}, {8192, 8192}, {4096, 4096},
                                       {4096, 4096},    {8192, 8192}, {8192, 8192}};

    made(false);
    memory_once(want, sizeof(want) / sizeof(want[0]), get);
}

Test(amd_memory, told)
{
    made(false);
    cr_assert_eq(get(), UIOMMU_OK);
    cr_assert_eq(told, count, "all zeroes, at once");
    memory_gone();
}

Test(amd_memory, snooped)
{
    made(true);
    cr_assert_eq(unit->ops->start(unit->hw), UIOMMU_OK);
    memory_gone();
}

Test(amd_memory, without_requests)
{
    made(false);
    ((struct uiommu_amd *)unit->hw)->ppr.present = false;
    cr_assert_eq(get(), UIOMMU_OK);
    cr_assert_eq(count, 5u);
    memory_gone();
}

Test(amd_memory, not_to_be_had)
{
    made(false);
    memory_refused(6, 3);
}
