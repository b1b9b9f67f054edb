/* SPDX-License-Identifier: BSD-2-Clause */
#include "fake_vtd.h"

#include "fake_memory.h"

static void made(bool coherent)
{
    struct uiommu_vtd_config config = fake_config();

    u = fake_new();
    *fake_reg(u, 0x10) = (*fake_reg(u, 0x10) & ~1u) | (coherent ? 1u : 0u);
    memory_watch(coherent);
    cr_assert_eq(uiommu_vtd_create(u, &config, &unit), UIOMMU_OK);
}

static uiommu_err get(void)
{
    return uiommu_vtd_memory_get(unit->hw);
}

Test(vtd_memory, once)
{
    static const uint64_t want[][2] = {{4096, 4096}, {8192, 4096}, {1028, 64}, {16384, 4096}};

    made(false);
    memory_once(want, sizeof(want) / sizeof(want[0]), get);
}

Test(vtd_memory, told)
{
    made(false);
    cr_assert_eq(get(), UIOMMU_OK);
    cr_assert_eq(told, count, "all zeroes, at once");
    memory_gone();
}

Test(vtd_memory, snooped)
{
    made(true);
    cr_assert_eq(unit->ops->start(unit->hw), UIOMMU_OK);
    memory_gone();
}

Test(vtd_memory, without_requests)
{
    made(false);
    ((struct uiommu_vtd *)unit->hw)->f.pri = false;
    cr_assert_eq(get(), UIOMMU_OK);
    cr_assert_eq(count, 3u);
    memory_gone();
}

Test(vtd_memory, not_to_be_had)
{
    made(false);
    memory_refused(4, 3);
}

/* Context tables of devices that are gone stay until the unit is; for good if hardware may have
 * them. */
Test(vtd_memory, of_devices)
{
    static const uint32_t zero = 0;
    struct uiommu_device_desc desc = {&zero, 1, UIOMMU_DEVICE_PASID, 0, 1, 0};
    uint64_t bytes;
    uint32_t i;
    void *dev;

    for (i = 0; i < 2; i++) {
        made(false);
        cr_assert_eq(unit->ops->start(unit->hw), UIOMMU_OK);
        u->core.host.mem_get = more;
        cr_assert_eq(unit->ops->device_attach(unit->hw, &desc, &dev), UIOMMU_OK);
        unit->ops->device_detach(unit->hw, dev);
        bytes = u->core.mem_bytes;
        unit->ops->stop(unit->hw);
        cr_assert_eq(u->core.mem_bytes, bytes);
        ((struct uiommu_vtd *)unit->hw)->held = i != 0;
        unit->ops->destroy(unit->hw);
        cr_assert_eq(u->core.mem_bytes, i != 0 ? bytes : 0);
    }
}
