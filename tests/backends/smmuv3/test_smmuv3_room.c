/* SPDX-License-Identifier: BSD-2-Clause */
/* R15, R16, R26: a command queue without room, and whose command it was that failed. */
#include "fake_smmuv3.h"

#include <criterion/criterion.h>

static struct uiommu *u;
static struct uiommu_smmuv3 *hw;
static void *dev;
static const struct uiommu_backend_ops *ops;
static const struct uiommu_root root = {UIOMMU_ROOT_AARCH64, 12, 48, 48, 0, 0x7654321000, 0, {0}};

static void begin(void)
{
    static const uint32_t ids[] = {0x208, 0x310};
    struct uiommu_device_desc desc = {
        ids, 2, UIOMMU_DEVICE_ATS | UIOMMU_DEVICE_PRI | UIOMMU_DEVICE_PASID, 16, 1, 0};
    struct uiommu_smmuv3_config c = fake_config();
    uint32_t step = 0;

    u = fake_new();
    hw = fake_unit(u, &c);
    cr_assert_not_null(hw);
    ops = u->core.unit.ops;
    cr_assert_eq(ops->device_attach(hw, &desc, &dev), UIOMMU_OK);
    while (ops->device_set(hw, dev, UIOMMU_DEVICE_SET_OPEN | UIOMMU_DEVICE_SET_ATS, step) ==
           UIOMMU_MORE)
        step++;
}

static void end(void)
{
    ops->device_detach(hw, dev);
    FAKE_END(u);
}

TestSuite(smmuv3_room, .init = begin, .fini = end);

static struct uiommu_answer answer = {
    {0, 0}, 0x310, 5, 1, UIOMMU_REQUEST_PASID, UIOMMU_CODE_SUCCESS, false};

/* What each op that puts commands says; nothing is put where that is no OK. */
static void expect(uiommu_err want)
{
    static const uint64_t words[2] = {0x30, 0}; /* TLBI_NSNH_ALL */
    uint64_t ticket, head = hw->cmdq.head;
    uint32_t strength;

    cr_assert_eq(ops->config_invalidate(hw, dev, 5), want);
    cr_assert_eq(ops->config_invalidate(hw, dev, UIOMMU_PASID_ALL), want);
    cr_assert_eq(ops->tlb_invalidate(hw, dev, 5, &root, 1, NULL), want);
    cr_assert_eq(ops->dtlb_invalidate(hw, dev, 5, NULL), want);
    cr_assert_eq(ops->barrier(hw, dev, 5, &ticket, &strength), want);
    cr_assert_eq(ops->command(hw, words, 2), want);
    cr_assert_eq(ops->ticket(hw, &ticket), want);
    cr_assert_eq(ops->respond(hw, &answer, 1), want == UIOMMU_OK);
    cr_assert_eq(hw->cmdq.head == head, want != UIOMMU_OK);
}

/* R16: BUSY, with nothing put there; afterwards all goes on. */
Test(smmuv3_room, none)
{
    uint64_t ticket = 0, last = 0;
    uint32_t n = 0;

    u->hold = true;
    while (ops->ticket(hw, &ticket) == UIOMMU_OK) {
        last = ticket;
        cr_assert_lt(n++, 1u << hw->cmdq.log2);
    }
    expect(UIOMMU_E_BUSY);
    cr_assert_eq(ops->ticket_poll(hw, last), UIOMMU_PENDING);
    cr_assert_eq(ops->ticket_poll(hw, 0), UIOMMU_E_INVALID);
    cr_assert_eq(ops->ticket_poll(hw, last + 1), UIOMMU_E_INVALID);
    u->hold = false;
    fake_run(u);
    cr_assert_eq(ops->ticket_poll(hw, last), UIOMMU_OK);
    expect(UIOMMU_OK);
}

/* An error names the device of its command, where the command names one. */
Test(smmuv3_room, whose_command_failed)
{
    static const uint32_t op[] = {SMMUV3_OP_CFGI_STE,
                                  SMMUV3_OP_CFGI_CD,
                                  SMMUV3_OP_ATC_INV,
                                  SMMUV3_OP_PRI_RESP,
                                  SMMUV3_OP_RESUME,
                                  SMMUV3_OP_STALL_TERM,
                                  SMMUV3_OP_CFGI_CD_ALL,
                                  0,
                                  SMMUV3_OP_TLBI_ALL,
                                  SMMUV3_OP_TLBI_NH_ASID,
                                  0x47};
    struct uiommu_check check;
    uint64_t words[2], ticket;
    uint32_t i;

    for (i = 0; i < sizeof(op) / sizeof(op[0]); i++) {
        words[0] = op[i] | UINT64_C(0x310) << 32;
        words[1] = 0;
        u->error_op = op[i];
        u->error_code = SMMUV3_CERROR_ILL;
        u->error_times = 1;
        cr_assert(uiommu_smmuv3_cmdq_room(hw, 1));
        uiommu_smmuv3_cmdq_put(hw, (struct smmuv3_command){{words[0], words[1]}});
        cr_assert_eq(ops->ticket(hw, &ticket), UIOMMU_OK);
        while (ops->ticket_poll(hw, ticket) == UIOMMU_PENDING)
            ;
        cr_assert_eq(ops->ticket_poll(hw, ticket), UIOMMU_E_HW);
        memset(&check, 0, sizeof(check));
        ops->check(hw, &check);
        cr_assert_eq(check.event_count, 1, "%x", op[i]);
        cr_assert_eq(check.event[0].kind, UIOMMU_EVENT_COMMAND_ERROR);
        cr_assert_eq(check.event[0].id, i < 7 ? 0x310 : UINT32_MAX, "%x", op[i]);
    }
}

/* R15: a time-out behind invalidations of two IDs is said of neither. */
Test(smmuv3_room, time_out_of_two)
{
    struct uiommu_check check;
    uint64_t ticket;

    cr_assert_eq(ops->dtlb_invalidate(hw, dev, 3, NULL), UIOMMU_OK);
    u->error_op = SMMUV3_OP_SYNC;
    u->error_code = SMMUV3_CERROR_ATC;
    u->error_times = 1;
    cr_assert_eq(ops->ticket(hw, &ticket), UIOMMU_OK);
    cr_assert_eq(ops->ticket_poll(hw, ticket), UIOMMU_E_HW);
    memset(&check, 0, sizeof(check));
    ops->check(hw, &check);
    cr_assert_eq(check.event_count, 1);
    cr_assert_eq(check.event[0].kind, UIOMMU_EVENT_INVALIDATION_TIMEOUT);
    cr_assert_eq(check.event[0].id, UINT32_MAX);
}

/* Codes of the core's only; anything else would be a refusal. */
Test(smmuv3_room, codes)
{
    struct uiommu_answer a = answer;

    a.code = 99;
    cr_assert_eq(uiommu_smmuv3_cmd_pri_resp(&a).d[1] >> 12 & 3, 1);
    a.code = UIOMMU_CODE_SUCCESS;
    cr_assert_eq(uiommu_smmuv3_cmd_pri_resp(&a).d[1] >> 12 & 3, 2);
    a.code = UIOMMU_CODE_FAILURE;
    cr_assert_eq(uiommu_smmuv3_cmd_pri_resp(&a).d[1] >> 12 & 3, 0);
}

/* R17, R20: a device with ATS off is not asked. Its barrier pushes nothing and orders as before. */
Test(smmuv3_room, without_ats)
{
    uint64_t ticket;
    uint32_t strength = 9, at;

    cr_assert_eq(ops->device_set(hw, dev, 0, 0), UIOMMU_OK);
    at = u->logged;
    cr_assert_eq(ops->dtlb_invalidate(hw, dev, 3, NULL), UIOMMU_OK);
    cr_assert_eq(ops->barrier(hw, dev, 3, &ticket, &strength), UIOMMU_OK);
    cr_assert_eq(strength, UIOMMU_BARRIER_ORDERED);
    cr_assert_eq(ops->ticket_poll(hw, ticket), UIOMMU_OK);
    for (; at < u->logged; at++)
        cr_assert_neq(u->log[at].d[0] & 0xff, SMMUV3_OP_ATC_INV);
}
