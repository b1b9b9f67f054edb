/* SPDX-License-Identifier: BSD-2-Clause */
/* The command buffer step by step: what is stored and told in which order, how much room each op
 * leaves, and what becomes of tickets when a command is refused, or a device does not answer. */
#include "amd_fake_core.h"

#include <criterion/criterion.h>
#include <stdio.h>

#define EVT 0x10u
#define MS  UINT64_C(1000000)

static struct uiommu *u;
static struct uiommu_amd *hw;
static const struct uiommu_backend_ops *ops;
static struct amd_device *dev;
static const uint32_t ids[] = {0x118, 0x119};
static const struct uiommu_root root = {UIOMMU_ROOT_X86_64, 12, 48, 0, 0, 0x123456000, 0, {0}};
static const struct uiommu_answer answer = {
    {1, 5}, 0x118, 5, 1, UIOMMU_REQUEST_PASID, UIOMMU_CODE_SUCCESS, false};

static void begin_with(uint32_t flags)
{
    struct uiommu_amd_config c = fake_config();
    struct uiommu_device_desc desc = {
        ids, 2, UIOMMU_DEVICE_PASID | UIOMMU_DEVICE_ATS | UIOMMU_DEVICE_PRI, 16, 1, 0};
    uint32_t step = 0;
    void *out;

    c.flags = flags;
    c.cmdq_log2 = 8;
    u = fake_new();
    u->cached = (flags & UIOMMU_AMD_NOT_COHERENT) != 0;
    hw = fake_unit(u, &c);
    cr_assert_not_null(hw);
    ops = u->core.unit.ops;
    cr_assert_eq(ops->device_attach(hw, &desc, &out), UIOMMU_OK);
    dev = out;
    while (ops->device_set(hw, dev, UIOMMU_DEVICE_SET_OPEN | UIOMMU_DEVICE_SET_ATS, step) ==
           UIOMMU_MORE)
        step++;
}

static void begin(void)
{
    begin_with(UIOMMU_AMD_NOT_COHERENT);
}

static void begin_cached(void)
{
    begin_with(UIOMMU_AMD_NOT_COHERENT | UIOMMU_AMD_NP_CACHE);
}

static void end(void)
{
    u->on_look = NULL;
    cr_assert_eq(u->core.unit.locked, 0);
    ops->device_detach(hw, dev);
    FAKE_END(u);
}

TestSuite(amd_cmdq, .init = begin, .fini = end);
TestSuite(amd_cmdq_cached, .init = begin_cached, .fini = end);

static uint64_t ticket(void)
{
    uint64_t t = 0;

    cr_assert_eq(ops->ticket(hw, &t), UIOMMU_OK);
    return t;
}

/* As poll, of one that is to be over. */
static uiommu_err finish(uint64_t t)
{
    uiommu_err err = UIOMMU_PENDING;
    uint32_t i;

    for (i = 0; i < 4 && err == UIOMMU_PENDING; i++)
        err = ops->ticket_poll(hw, t);
    return err;
}

/* Commands are cleaned before the tail is told, which is told once. */
Test(amd_cmdq, told)
{
    uint64_t t = ticket(), at;
    uint32_t seen;
    char want[128];

    cr_assert_eq(finish(t), UIOMMU_OK);
    at = hw->cmdq.head;
    (void)snprintf(want, sizeof(want),
                   "cmd%x=300000%02x00000005,7ffffffffffff007 cmd%x=", (unsigned int)at,
                   dev->domain, (unsigned int)at + 1);
    fake_trace(u);
    seen = u->looks;
    cr_assert_eq(ops->config_invalidate(hw, dev, 5), UIOMMU_OK);
    t = ticket();
    uiommu_amd_cmdq_tell(hw);
    cr_assert_eq(u->looks, seen, "with room enough nobody looks");
    fake_traced(u);
    cr_assert_eq(strncmp(u->text, want, strlen(want)), 0, "%s, not %s", u->text, want);
    (void)snprintf(want, sizeof(want), ",%x 2008=%x ", (unsigned int)at + 2,
                   (unsigned int)(at + 2) * 16);
    cr_assert_not_null(strstr(u->text, want), "%s, not %s", u->text, want);
    cr_assert_eq(strlen(strstr(u->text, want)), strlen(want), "no more");
    cr_assert_eq(t, at + 2);
    cr_assert_eq(finish(t), UIOMMU_OK);
}

/* What is known of a ticket is not looked for again. */
Test(amd_cmdq, known)
{
    uint64_t t = ticket();
    uint32_t seen;

    cr_assert_eq(finish(t), UIOMMU_OK);
    seen = u->looks;
    cr_assert_eq(ops->ticket_poll(hw, t), UIOMMU_OK);
    u->hold = true;
    t = ticket();
    uiommu_amd_fail_flying(hw);
    cr_assert_eq(ops->ticket_poll(hw, t), UIOMMU_E_HW);
    t = ticket();
    hw->cmdq.dead = true;
    cr_assert_eq(ops->ticket_poll(hw, t), UIOMMU_E_HW);
    cr_assert_eq(u->looks, seen);
    hw->cmdq.dead = false;
    u->hold = false;
    fake_run(u);
    cr_assert_eq(finish(ticket()), UIOMMU_OK);
}

/* Moves the buffer so that this much of it is free. */
static void leave(uint32_t room)
{
    uint64_t t = ticket();

    cr_assert_eq(finish(t), UIOMMU_OK);
    u->hold = true;
    while (255 - (hw->cmdq.head - hw->cmdq.done) > room)
        uiommu_amd_cmdq_put(hw, uiommu_amd_cmd_nothing());
}

static void go_on(void)
{
    uint64_t t;

    cr_assert_eq(uiommu_amd_cmdq_sync(hw, &t), UIOMMU_OK);
    u->hold = false;
    fake_run(u);
    cr_assert_eq(finish(t), UIOMMU_OK);
}

enum op {
    CONFIG,
    TLB,
    DTLB,
    DTLB_UNTAGGED,
    DTLB_PLAIN,
    BARRIER,
    RESPOND,
    COMMAND,
    TICKET,
    OPS,
};

static bool does(enum op op)
{
    static const uint64_t words[2] = {UINT64_C(5) << 60, 0};
    uiommu_err err;
    uint64_t t;
    uint32_t strength;

    switch (op) {
    case CONFIG:
        return ops->config_invalidate(hw, dev, UIOMMU_PASID_ALL) == UIOMMU_OK;
    case TLB:
        return ops->tlb_invalidate(hw, dev, UIOMMU_PASID_NONE, &root, 1, NULL) == UIOMMU_OK;
    case DTLB:
        return ops->dtlb_invalidate(hw, dev, 5, NULL) == UIOMMU_OK;
    case DTLB_UNTAGGED:
        return ops->dtlb_invalidate(hw, dev, UIOMMU_PASID_NONE, NULL) == UIOMMU_OK;
    case DTLB_PLAIN: /* Of a device that has no PASIDs. */
        dev->flags &= ~UIOMMU_DEVICE_PASID;
        err = ops->dtlb_invalidate(hw, dev, UIOMMU_PASID_NONE, NULL);
        dev->flags |= UIOMMU_DEVICE_PASID;
        return err == UIOMMU_OK;
    case BARRIER:
        return ops->barrier(hw, dev, 5, &t, &strength) == UIOMMU_OK;
    case RESPOND:
        return ops->respond(hw, &answer, 1) == 1;
    case COMMAND:
        return ops->command(hw, words, 2) == UIOMMU_OK;
    default:
        return ops->ticket(hw, &t) == UIOMMU_OK;
    }
}

/* R16: all that an op needs at most and a ticket, or nothing is put; hardware then begins with
 * what is there. */
static void rooms(void)
{
    static const uint32_t need[OPS] = {2 + 3, 2, 2 + 1, 4 + 1, 2 + 1, 2 + 1, 4, 1, 0};
    uint64_t head;
    uint32_t op;

    for (op = 0; op < OPS; op++) {
        leave(need[op]);
        head = hw->cmdq.head;
        cr_assert_eq(does(op), false, "%u", op);
        cr_assert_eq(hw->cmdq.head, head);
        cr_assert(op == TICKET || *fake_reg(u, 0x2008) == (head & 255) * 16, "%u", op);
        if (op != TICKET) {
            go_on();
        } else {
            uiommu_amd_cmdq_tell(hw);
            u->hold = false;
            fake_run(u);
            cr_assert_eq(ops->restart(hw), UIOMMU_OK);
        }
        leave(need[op] + 1);
        cr_assert_eq(does(op), true, "%u", op);
        cr_assert_gt(hw->cmdq.head, head);
        if (op == TICKET || op == BARRIER || op == RESPOND) {
            u->hold = false;
            fake_run(u);
            cr_assert_eq(finish(hw->cmdq.head), UIOMMU_OK);
        } else {
            go_on();
        }
    }
}

Test(amd_cmdq, rooms)
{
    rooms();
}

Test(amd_cmdq_cached, rooms)
{
    rooms();
}

/* What was found free when nothing seemed to be is used at once. */
Test(amd_cmdq, room_is_looked_for)
{
    uint32_t op, n;
    uint64_t t;

    for (op = 0; op < OPS; op++) {
        u->hold = true;
        n = 0;
        while (does((enum op)op))
            cr_assert_lt(n++, 256);
        while (ops->ticket(hw, &t) == UIOMMU_OK)
            cr_assert_lt(n++, 256);
        u->hold = false;
        fake_run(u);
        cr_assert_eq(does((enum op)op), true, "%u", op);
        cr_assert_eq(finish(ticket()), UIOMMU_OK);
    }
}

static uint32_t looks;
static uint32_t same; /* So many loads of the word differ. */

static void tear(struct uiommu *fake, const volatile uint64_t *word)
{
    uint64_t *at = (uint64_t *)hw->cmdq.store.cpu + hw->cmdq.slot;

    (void)fake;
    if ((uintptr_t)word != (uintptr_t)at)
        return;
    looks++;
    *at = le64(hw->cmdq.done + (looks <= same ? looks & 1u : 2u));
}

/* The word is loaded until two loads agree; five at most, and what was known before holds then. */
Test(amd_cmdq, torn_word)
{
    uint64_t t = ticket(), done;

    cr_assert_eq(finish(t), UIOMMU_OK);
    done = hw->cmdq.done;
    u->hold = true;
    (void)ticket();
    t = ticket();
    u->on_look = tear;
    looks = 0;
    same = 100;
    uiommu_amd_cmdq_look(hw);
    cr_assert(looks == 5 && hw->cmdq.done == done && !hw->cmdq.dead);
    looks = 0;
    same = 3;
    uiommu_amd_cmdq_look(hw);
    cr_assert(looks == 5 && hw->cmdq.done == done + 2);
    u->on_look = NULL;
    u->store_count = 0;
    u->hold = false;
    fake_run(u);
    cr_assert_eq(finish(t), UIOMMU_OK);
}

/* Words of the store are used in turn, all of them, and begin as the ring does: at slot 0. */
Test(amd_cmdq, dropped)
{
    static bool seen[AMD_STORES];
    uint64_t head;
    uint32_t i;
    char want[64];

    for (i = 0; i < AMD_STORES; i++) {
        u->hold = true;
        head = ticket();
        hw->cmdq.dead = true;
        hw->cmdq.errors = 3;
        fake_trace(u);
        uiommu_amd_cmdq_drop(hw);
        fake_traced(u);
        cr_assert_lt(hw->cmdq.slot, AMD_STORES);
        cr_assert_not(seen[hw->cmdq.slot]);
        seen[hw->cmdq.slot] = true;
        (void)snprintf(want, sizeof(want), "word%x=%llx ", hw->cmdq.slot,
                       (unsigned long long)hw->cmdq.head);
        cr_assert_str_eq(u->text, want);
        cr_assert(hw->cmdq.head % 256 == 0 && hw->cmdq.head >= head && hw->cmdq.head < head + 256);
        cr_assert(hw->cmdq.told == hw->cmdq.head && hw->cmdq.done == hw->cmdq.head);
        cr_assert(hw->cmdq.errors == 0 && !hw->cmdq.dead);
        cr_assert_eq(ops->ticket_poll(hw, head), UIOMMU_E_HW);
    }
    u->hold = false;
    cr_assert_eq(ops->restart(hw), UIOMMU_OK);
    cr_assert_eq(finish(ticket()), UIOMMU_OK);
}
