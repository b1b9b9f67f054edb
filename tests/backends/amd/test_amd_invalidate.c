/* SPDX-License-Identifier: BSD-2-Clause */
/* Which commands each op puts, for which device, domain and PASID, and when it puts none. */
#include "amd_fake_core.h"

#include <criterion/criterion.h>

static struct uiommu *u;
static struct uiommu_amd *hw;
static const struct uiommu_backend_ops *ops;
static struct amd_device *dev;
static uint32_t domain;
static const uint32_t ids[] = {0x118, 0x119};
static const struct uiommu_range range = {0x10000, 0x10fff, false};
static const struct uiommu_root root = {UIOMMU_ROOT_X86_64, 12, 48, 0, 0, 0x123456000, 0, {0}};

static void open_device(uint32_t flags)
{
    uint32_t step = 0;

    while (ops->device_set(hw, dev, flags | UIOMMU_DEVICE_SET_OPEN, step) == UIOMMU_MORE)
        step++;
}

static void attach(uint32_t flags, uint32_t id_count)
{
    struct uiommu_device_desc desc = {ids, id_count, flags, 16, 1, 0};
    void *out;

    cr_assert_eq(ops->device_attach(hw, &desc, &out), UIOMMU_OK);
    dev = out;
    domain = dev->domain;
    cr_assert_gt(domain, 1);
}

static void begin_with(uint32_t flags)
{
    struct uiommu_amd_config c = fake_config();
    uint32_t none = 0x200;
    struct uiommu_device_desc desc = {&none, 1, 0, 0, 1, 0};
    void *other;

    c.flags = flags;
    u = fake_new();
    hw = fake_unit(u, &c);
    cr_assert_not_null(hw);
    ops = u->core.unit.ops;
    cr_assert_eq(ops->device_attach(hw, &desc, &other), UIOMMU_OK);
    attach(UIOMMU_DEVICE_PASID | UIOMMU_DEVICE_ATS | UIOMMU_DEVICE_PRI, 2);
    ops->device_detach(hw, other);
    open_device(UIOMMU_DEVICE_SET_ATS);
}

static void begin(void)
{
    begin_with(0);
}

static void begin_cached(void)
{
    begin_with(UIOMMU_AMD_NP_CACHE);
}

static void end(void)
{
    cr_assert_eq(u->core.unit.locked, 0);
    ops->device_detach(hw, dev);
    FAKE_END(u);
}

TestSuite(amd_invalidate, .init = begin, .fini = end);
TestSuite(amd_present, .init = begin_cached, .fini = end);

static uint32_t logged;

static void finish(void)
{
    uint64_t ticket;

    cr_assert_eq(ops->ticket(hw, &ticket), UIOMMU_OK);
    cr_assert_eq(ops->ticket_poll(hw, ticket), UIOMMU_OK);
    logged = u->logged;
}

/* What was put since finish() is want, and a wait behind it where that is said. */
static void put(const struct amd_command *want, uint32_t count, bool wait)
{
    uint64_t ticket;
    uint32_t i;

    if (!wait)
        cr_assert_eq(ops->ticket(hw, &ticket), UIOMMU_OK);
    cr_assert_eq(u->logged - logged, count + 1, "%u", u->logged - logged);
    for (i = 0; i < count; i++) {
        cr_assert_eq(u->log[logged + i].d[0], want[i].d[0], "%u: %llx", i,
                     (unsigned long long)u->log[logged + i].d[0]);
        cr_assert_eq(u->log[logged + i].d[1], want[i].d[1], "%u", i);
    }
    cr_assert_eq(u->log[logged + i].d[0] >> 60, 1);
    finish();
}

static struct amd_command pages(uint32_t pasid, bool guest, const struct uiommu_range *r)
{
    return uiommu_amd_cmd_pages(domain, guest ? pasid : UIOMMU_PASID_NONE, r);
}

static struct amd_command iotlb(uint32_t id, uint32_t pasid, bool guest)
{
    return uiommu_amd_cmd_iotlb(id, 1, guest ? pasid : UIOMMU_PASID_NONE, &range);
}

Test(amd_invalidate, config)
{
    const struct amd_command all[] = {uiommu_amd_cmd_devtab(0x118), uiommu_amd_cmd_devtab(0x119),
                                      pages(0, false, NULL), pages(0, true, NULL),
                                      pages(1, true, NULL)};
    const struct amd_command five = pages(5, true, NULL);

    finish();
    cr_assert_eq(ops->config_invalidate(hw, dev, UIOMMU_PASID_ALL), UIOMMU_OK);
    put(all, 4, false);
    cr_assert_eq(ops->config_invalidate(hw, dev, 5), UIOMMU_OK);
    put(&five, 1, false);
    cr_assert_eq(ops->config_invalidate(hw, dev, UIOMMU_PASID_NONE), UIOMMU_OK);
    put(&all[3], 1, false);
    dev->host_ever = true; /* Then a bond is in the device's entry. */
    cr_assert_eq(ops->config_invalidate(hw, dev, UIOMMU_PASID_ALL), UIOMMU_OK);
    put(all, 4, false);
    cr_assert_eq(ops->config_invalidate(hw, dev, UIOMMU_PASID_NONE), UIOMMU_OK);
    put(all, 4, false);
    cr_assert_eq(ops->config_invalidate(hw, dev, 1), UIOMMU_OK);
    put(all, 5, false);
}

Test(amd_invalidate, tlb)
{
    const struct amd_command five = pages(5, true, &range);
    const struct amd_command none[] = {pages(0, false, &range), pages(0, true, &range)};
    const struct amd_command nested[] = {pages(0, false, NULL), pages(0, true, &range)};
    struct uiommu_root guest = root;

    finish();
    cr_assert_eq(ops->tlb_invalidate(hw, dev, 5, &root, 1, &range), UIOMMU_OK);
    put(&five, 1, false);
    cr_assert_eq(ops->tlb_invalidate(hw, dev, UIOMMU_PASID_NONE, &root, 1, &range), UIOMMU_OK);
    put(none, 2, false);
    guest.under.format = UIOMMU_ROOT_X86_64_LEVELLED;
    cr_assert_eq(ops->tlb_invalidate(hw, dev, UIOMMU_PASID_NONE, &guest, 1, &range), UIOMMU_OK);
    put(nested, 2, false);
}

Test(amd_invalidate, device_tlb)
{
    struct amd_command want[] = {iotlb(0x118, 5, true), iotlb(0x119, 5, true)};
    struct amd_command both[] = {iotlb(0x118, 0, false), iotlb(0x118, 0, true),
                                 iotlb(0x119, 0, false), iotlb(0x119, 0, true)};

    finish();
    cr_assert_eq(ops->dtlb_invalidate(hw, dev, 5, &range), UIOMMU_OK);
    put(want, 2, false);
    cr_assert_eq(ops->dtlb_invalidate(hw, dev, UIOMMU_PASID_NONE, &range), UIOMMU_OK);
    put(both, 4, false);
    dev->pending = 0; /* A queue of nothing is none: one at a time. */
    cr_assert_eq(ops->dtlb_invalidate(hw, dev, 5, &range), UIOMMU_OK);
    put(want, 2, false);
    dev->pending = 7;
    want[0] = uiommu_amd_cmd_iotlb(0x118, 7, 5, &range);
    want[1] = uiommu_amd_cmd_iotlb(0x119, 7, 5, &range);
    cr_assert_eq(ops->dtlb_invalidate(hw, dev, 5, &range), UIOMMU_OK);
    put(want, 2, false);
}

/* Whoever did not wait for the unit's own invalidations has a fence behind them. */
Test(amd_invalidate, fences)
{
    const struct amd_command want[] = {uiommu_amd_cmd_fence(), iotlb(0x118, 5, true),
                                       iotlb(0x119, 5, true)};
    uint32_t i;

    for (i = 0; i < 4; i++) {
        finish();
        if (i < 2)
            cr_assert_eq(ops->config_invalidate(hw, dev, i == 0 ? 5 : UIOMMU_PASID_ALL), UIOMMU_OK);
        else
            cr_assert_eq(
                ops->tlb_invalidate(hw, dev, i == 2 ? 5 : UIOMMU_PASID_NONE, &root, 1, NULL),
                UIOMMU_OK);
        uiommu_amd_cmdq_tell(hw);
        logged = u->logged;
        cr_assert_eq(ops->dtlb_invalidate(hw, dev, 5, &range), UIOMMU_OK);
        put(want, 3, false);
        cr_assert_eq(ops->dtlb_invalidate(hw, dev, 5, &range), UIOMMU_OK);
        put(&want[1], 2, false);
    }
    dev->pages_at = hw->cmdq.done; /* As after a restart, at the latest. */
    cr_assert_eq(ops->dtlb_invalidate(hw, dev, 5, &range), UIOMMU_OK);
    put(&want[1], 2, false);
}

/* A device TLB alone, without PASIDs; and none. */
Test(amd_invalidate, less)
{
    const struct amd_command want[] = {iotlb(0x118, 0, false), iotlb(0x119, 0, false)};
    uint64_t ticket;
    uint32_t strength = 99;

    ops->device_detach(hw, dev);
    attach(UIOMMU_DEVICE_ATS, 2);
    open_device(UIOMMU_DEVICE_SET_ATS);
    finish();
    cr_assert_eq(ops->dtlb_invalidate(hw, dev, UIOMMU_PASID_NONE, &range), UIOMMU_OK);
    put(want, 2, false);
    cr_assert_eq(ops->barrier(hw, dev, UIOMMU_PASID_NONE, &ticket, &strength), UIOMMU_OK);
    cr_assert_eq(strength, UIOMMU_BARRIER_ORDERED);
    ops->device_detach(hw, dev);
    attach(UIOMMU_DEVICE_PRI, 2);
    open_device(0);
    finish();
    cr_assert_eq(ops->barrier(hw, dev, UIOMMU_PASID_NONE, &ticket, &strength), UIOMMU_OK);
    cr_assert_eq(strength, UIOMMU_BARRIER_ORDERED);
    put(NULL, 0, true);
    ops->device_detach(hw, dev);
    attach(0, 2);
    open_device(0);
    finish();
    cr_assert_eq(ops->dtlb_invalidate(hw, dev, UIOMMU_PASID_NONE, &range), UIOMMU_OK);
    put(NULL, 0, false);
    cr_assert_eq(ops->barrier(hw, dev, UIOMMU_PASID_NONE, &ticket, &strength), UIOMMU_OK);
    cr_assert_eq(strength, UIOMMU_BARRIER_PROVED);
    put(NULL, 0, true);
    ops->stop(hw);
    cr_assert_eq(ops->dtlb_invalidate(hw, dev, UIOMMU_PASID_NONE, &range), UIOMMU_E_HW);
    cr_assert_eq(ops->restart(hw), UIOMMU_OK);
}

Test(amd_invalidate, barrier)
{
    const struct amd_command want[] = {uiommu_amd_cmd_iotlb(0x118, 1, 5, NULL),
                                       uiommu_amd_cmd_iotlb(0x119, 1, 5, NULL)};
    const struct amd_command dropped[] = {uiommu_amd_cmd_devtab(0x118),
                                          uiommu_amd_cmd_devtab(0x119)};
    uint64_t ticket;
    uint32_t strength = 99;

    finish();
    cr_assert_eq(ops->barrier(hw, dev, 5, &ticket, &strength), UIOMMU_OK);
    put(want, 2, true);
    cr_assert_eq(strength, UIOMMU_BARRIER_ORDERED);
    dev->closing = true;
    cr_assert_eq(ops->barrier(hw, dev, 5, &ticket, &strength), UIOMMU_E_BUSY);
    cr_assert_eq(ops->dtlb_invalidate(hw, dev, 5, NULL), UIOMMU_E_BUSY);
    dev->closing = false;
    put(NULL, 0, false);
    cr_assert_eq(ops->device_isolate(hw, dev), UIOMMU_OK);
    cr_assert_eq(ops->barrier(hw, dev, 5, &ticket, &strength), UIOMMU_OK);
    cr_assert_eq(strength, UIOMMU_BARRIER_NONE);
    put(NULL, 0, true);
    cr_assert_eq(ops->dtlb_invalidate(hw, dev, 5, NULL), UIOMMU_OK);
    put(dropped, 2, false);
    u->hold = true; /* With nothing to ask a ticket's room is enough. */
    while (511 - (hw->cmdq.head - hw->cmdq.done) > 1)
        uiommu_amd_cmdq_put(hw, uiommu_amd_cmd_nothing());
    cr_assert_eq(ops->barrier(hw, dev, 5, &ticket, &strength), UIOMMU_OK);
    u->hold = false;
    fake_run(u);
    finish();
    open_device(UIOMMU_DEVICE_SET_ATS);
}

/* Under way until it is done, or the unit has failed. */
Test(amd_invalidate, told)
{
    uint64_t ticket;

    finish();
    cr_assert_not(uiommu_amd_is_told(hw, dev));
    u->hold = true;
    cr_assert_eq(ops->dtlb_invalidate(hw, dev, 5, NULL), UIOMMU_OK);
    cr_assert_eq(dev->told_at, hw->cmdq.head);
    cr_assert_eq(ops->ticket(hw, &ticket), UIOMMU_OK);
    cr_assert(uiommu_amd_is_told(hw, dev));
    u->hold = false;
    fake_run(u);
    cr_assert_not(uiommu_amd_is_told(hw, dev));
    dev->told_at = hw->cmdq.done;
    cr_assert_not(uiommu_amd_is_told(hw, dev));
    u->hold = true;
    cr_assert_eq(ops->dtlb_invalidate(hw, dev, 5, NULL), UIOMMU_OK);
    cr_assert(uiommu_amd_is_told(hw, dev));
    hw->cmdq.dead = true;
    cr_assert_not(uiommu_amd_is_told(hw, dev));
    u->hold = false;
    ops->stop(hw);
    ((uint64_t *)hw->cmdq.store.cpu)[hw->cmdq.slot] = UINT64_MAX;
    cr_assert_not(uiommu_amd_is_told(hw, dev));
    cr_assert_not(hw->cmdq.dead, "nobody looks at a unit that is stopped");
    cr_assert_eq(ops->restart(hw), UIOMMU_OK);
}

/* One with a single ID. */
Test(amd_invalidate, alone)
{
    const struct amd_command want = iotlb(0x118, 5, true);

    ops->device_detach(hw, dev);
    attach(UIOMMU_DEVICE_PASID | UIOMMU_DEVICE_ATS, 1);
    open_device(UIOMMU_DEVICE_SET_ATS);
    finish();
    cr_assert_eq(ops->dtlb_invalidate(hw, dev, 5, &range), UIOMMU_OK);
    put(&want, 1, false);
}

static struct uiommu_answer answer(uint64_t valid, uint32_t pasid, uint32_t code)
{
    const struct uiommu_answer a = {{valid, pasid},       0x118, pasid, 3,
                                    UIOMMU_REQUEST_PASID, code,  false};

    return a;
}

Test(amd_invalidate, answers)
{
    const struct uiommu_answer a[] = {answer(1, 5, UIOMMU_CODE_SUCCESS),
                                      answer(1, 6, UIOMMU_CODE_INVALID)};
    const struct amd_command want[] = {uiommu_amd_cmd_answer(&a[0]), uiommu_amd_cmd_answer(&a[1])};

    finish();
    cr_assert_eq(ops->respond(hw, a, 2), 2);
    put(want, 2, true);
    cr_assert_eq(ops->respond(hw, a, 1), 1);
    put(want, 1, true);
    cr_assert_eq(ops->respond(hw, a, 0), 0);
    put(NULL, 0, false);
    u->hold = true;
    while (511 - (hw->cmdq.head - hw->cmdq.done) > 5)
        uiommu_amd_cmdq_put(hw, uiommu_amd_cmd_nothing());
    cr_assert_eq(ops->respond(hw, a, 2), 1);
    u->hold = false;
    fake_run(u);
    finish();
    hw->cmdq.dead = true;
    cr_assert_eq(ops->respond(hw, a, 2), 0);
    cr_assert_eq(ops->restart(hw), UIOMMU_OK);
}

/* Where the unit remembers what was not there it forgets that first. */
Test(amd_present, answers)
{
    struct uiommu_answer a = answer(1, 1, UIOMMU_CODE_SUCCESS);
    const struct amd_command one[] = {pages(1, true, NULL), uiommu_amd_cmd_fence(),
                                      uiommu_amd_cmd_answer(&a)};
    struct amd_command all[] = {pages(0, false, NULL), pages(0, true, NULL), uiommu_amd_cmd_fence(),
                                uiommu_amd_cmd_answer(&a)};

    finish();
    cr_assert_eq(ops->respond(hw, &a, 1), 1);
    put(one, 3, true);
    a.cookie[1] = 0;
    all[3] = uiommu_amd_cmd_answer(&a);
    cr_assert_eq(ops->respond(hw, &a, 1), 1);
    put(all, 4, true);
    a.cookie[0] = 0;
    a.cookie[1] = 5;
    all[3] = uiommu_amd_cmd_answer(&a);
    cr_assert_eq(ops->respond(hw, &a, 1), 1);
    put(all, 4, true);
    a.code = UIOMMU_CODE_INVALID;
    all[3] = uiommu_amd_cmd_answer(&a);
    cr_assert_eq(ops->respond(hw, &a, 1), 1);
    put(&all[3], 1, true);
    a.code = UIOMMU_CODE_SUCCESS;
    a.id = 0x500; /* Nobody's. */
    all[3] = uiommu_amd_cmd_answer(&a);
    cr_assert_eq(ops->respond(hw, &a, 1), 1);
    put(&all[3], 1, true);
}

/* The host's own: two words, but no wait and no answer. */
Test(amd_invalidate, commands)
{
    const struct amd_command remap = {{UINT64_C(5) << 60 | 0x118, 0}};
    const uint64_t wait[2] = {UINT64_C(1) << 60, UINT64_C(5) << 60};
    const uint64_t reply[2] = {UINT64_C(7) << 60, UINT64_C(5) << 60};
    const struct amd_command other = {{UINT64_C(5) << 60 | 0x118, UINT64_C(1) << 60 | 3}};

    finish();
    cr_assert_eq(ops->command(hw, wait, 2), UIOMMU_E_INVALID);
    cr_assert_eq(ops->command(hw, reply, 2), UIOMMU_E_INVALID);
    cr_assert_eq(ops->command(hw, remap.d, 1), UIOMMU_E_INVALID);
    cr_assert_eq(ops->command(hw, remap.d, 3), UIOMMU_E_INVALID);
    put(NULL, 0, false);
    cr_assert_eq(ops->command(hw, remap.d, 2), UIOMMU_OK);
    put(&remap, 1, false);
    cr_assert_eq(ops->command(hw, other.d, 2), UIOMMU_OK);
    put(&other, 1, false);
    hw->cmdq.dead = true;
    cr_assert_eq(ops->command(hw, remap.d, 2), UIOMMU_E_HW);
    cr_assert_eq(ops->restart(hw), UIOMMU_OK);
}
