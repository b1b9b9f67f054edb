/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>

#include "../../core/core.h"

/* What a backend does that has no op at all: it supports nothing, and nothing waits for it. */

static struct uiommu_backend_ops none(void)
{
    struct uiommu_backend_ops out, empty;

    memset(&empty, 0, sizeof(empty));
    uiommu_ops_fill(&out, &empty);
    return out;
}

Test(ops, devices)
{
    struct uiommu_backend_ops ops = none();
    struct uiommu_device_desc desc = {.id_count = 0};
    struct uiommu_root root = {.format = UIOMMU_ROOT_X86_64};
    void *dev = NULL;

    cr_assert_str_eq(ops.name, "none");
    cr_assert_eq(ops.device_attach(NULL, &desc, &dev), UIOMMU_E_UNSUPPORTED);
    cr_assert_null(dev);
    ops.device_detach(NULL, NULL);
    cr_assert_eq(ops.device_set(NULL, NULL, 0, 0), UIOMMU_E_UNSUPPORTED);
    cr_assert_eq(ops.device_isolate(NULL, NULL), UIOMMU_E_UNSUPPORTED);
    cr_assert_eq(ops.root_check(NULL, NULL, 1, &root), UIOMMU_E_UNSUPPORTED);
    cr_assert_eq(ops.pasid_prepare(NULL, NULL, 1), UIOMMU_E_UNSUPPORTED);
    cr_assert_eq(ops.pasid_set(NULL, NULL, 1, &root, 1, 0), UIOMMU_E_UNSUPPORTED);
    ops.pasid_block(NULL, NULL, 1);
    ops.pasid_clear(NULL, NULL, 1);
}

Test(ops, commands)
{
    struct uiommu_backend_ops ops = none();
    struct uiommu_root root = {.format = UIOMMU_ROOT_X86_64};
    struct uiommu_answer answers[2];
    uint64_t ticket = 5, words[2] = {0, 0};
    uint32_t strength = UIOMMU_BARRIER_PROVED;

    memset(answers, 0, sizeof(answers));
    cr_assert_eq(ops.config_invalidate(NULL, NULL, 1), UIOMMU_E_UNSUPPORTED);
    cr_assert_eq(ops.tlb_invalidate(NULL, NULL, 1, &root, 1, NULL), UIOMMU_E_UNSUPPORTED);
    cr_assert_eq(ops.dtlb_invalidate(NULL, NULL, 1, NULL), UIOMMU_E_UNSUPPORTED);
    cr_assert_eq(ops.ticket(NULL, &ticket), UIOMMU_E_UNSUPPORTED);
    cr_assert_eq(ops.ticket_poll(NULL, 5), UIOMMU_E_UNSUPPORTED);
    cr_assert_eq(ops.barrier(NULL, NULL, 1, &ticket, &strength), UIOMMU_E_UNSUPPORTED);
    cr_assert_eq(strength, UIOMMU_BARRIER_NONE);
    cr_assert_eq(ticket, 5);
    cr_assert_eq(ops.respond(NULL, answers, 2), 2);
    cr_assert_eq(ops.command(NULL, words, 2), UIOMMU_E_UNSUPPORTED);
}

Test(ops, units_and_rings)
{
    struct uiommu_backend_ops ops = none();
    struct uiommu_caps caps;
    struct uiommu_check check;
    struct uiommu_fetch fetch;
    struct uiommu_item item;
    uint64_t cursor = 0;

    memset(&check, 0, sizeof(check));
    memset(&fetch, 0, sizeof(fetch));
    cr_assert_eq(ops.probe(NULL, &caps), UIOMMU_E_UNSUPPORTED);
    cr_assert_eq(ops.start(NULL), UIOMMU_E_UNSUPPORTED);
    cr_assert_eq(ops.restart(NULL), UIOMMU_E_UNSUPPORTED);
    ops.stop(NULL);
    ops.destroy(NULL);
    ops.irq_ack(NULL);
    ops.check(NULL, &check);
    cr_assert(check.flags == 0 && check.event_count == 0);
    cr_assert_eq(ops.ring_pending(NULL, 0), 0);
    cr_assert_eq(ops.fetch(NULL, 0, &fetch), UIOMMU_E_UNSUPPORTED);
    cr_assert_eq(fetch.entries, 0);
    ops.overflow_ack(NULL, 0);
    cr_assert_eq(ops.describe(NULL, 0, 0, &cursor, &item), UIOMMU_E_NOT_FOUND);
    cr_assert_eq(cursor, 0);
}

/* What there is stays. */
static uiommu_err own(void *hw, void *dev, uint32_t pasid)
{
    (void)hw;
    (void)dev;
    return pasid == 3 ? UIOMMU_OK : UIOMMU_E_RANGE;
}

Test(ops, own)
{
    struct uiommu_backend_ops out, some;

    memset(&some, 0, sizeof(some));
    some.name = "some";
    some.config_invalidate = own;
    uiommu_ops_fill(&out, &some);
    cr_assert_str_eq(out.name, "some");
    cr_assert_eq(out.config_invalidate, own);
    cr_assert_eq(out.config_invalidate(NULL, NULL, 3), UIOMMU_OK);
    cr_assert_eq(out.pasid_prepare(NULL, NULL, 3), UIOMMU_E_UNSUPPORTED);
}
