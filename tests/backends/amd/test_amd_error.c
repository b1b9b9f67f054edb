/* SPDX-License-Identifier: BSD-2-Clause */
/* R15: which tickets fail when a command is refused, a device did not answer or events were lost;
 * what a refused command becomes, and how often that is tried. */
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

static void begin(void)
{
    struct uiommu_amd_config c = fake_config();
    struct uiommu_device_desc desc = {
        ids, 2, UIOMMU_DEVICE_PASID | UIOMMU_DEVICE_ATS | UIOMMU_DEVICE_PRI, 16, 1, 0};
    uint32_t step = 0;
    void *out;

    c.flags = UIOMMU_AMD_NOT_COHERENT;
    c.cmdq_log2 = 8;
    u = fake_new();
    u->cached = true;
    hw = fake_unit(u, &c);
    cr_assert_not_null(hw);
    ops = u->core.unit.ops;
    cr_assert_eq(ops->device_attach(hw, &desc, &out), UIOMMU_OK);
    dev = out;
    while (ops->device_set(hw, dev, UIOMMU_DEVICE_SET_OPEN | UIOMMU_DEVICE_SET_ATS, step) ==
           UIOMMU_MORE)
        step++;
}

static void end(void)
{
    cr_assert_eq(u->core.unit.locked, 0);
    ops->device_detach(hw, dev);
    FAKE_END(u);
}

TestSuite(amd_error, .init = begin, .fini = end);

static uint64_t ticket(void)
{
    uint64_t t = 0;

    cr_assert_eq(ops->ticket(hw, &t), UIOMMU_OK);
    return t;
}

static uiommu_err poll(uint64_t t)
{
    return ops->ticket_poll(hw, t);
}

static struct uiommu_check check(void)
{
    struct uiommu_check out;

    ops->check(hw, &out);
    return out;
}

static void asks(void)
{
    cr_assert_eq(ops->dtlb_invalidate(hw, dev, 5, NULL), UIOMMU_OK);
}

static void go(void)
{
    u->hold = false;
    fake_run(u);
}

/* The command at the head becomes one without effect, off, on; what is behind it runs, and proves
 * nothing. */
Test(amd_error, refused)
{
    uint64_t t[4], at;
    char want[128];

    t[0] = ticket();
    cr_assert_eq(poll(t[0]), UIOMMU_OK);
    at = hw->cmdq.head & 255;
    u->refuse = 3;
    u->refusals = 1;
    u->hold = true;
    cr_assert_eq(ops->config_invalidate(hw, dev, 5), UIOMMU_OK);
    t[1] = ticket();
    t[2] = ticket();
    go();
    fake_trace(u);
    cr_assert_eq(poll(t[1]), UIOMMU_E_HW);
    (void)snprintf(want, sizeof(want),
                   "evt0=0,0 2010=10 cmd%x=1000000000000000,0 18=1e06d 18=1f06d ",
                   (unsigned int)at);
    cr_assert_str_eq(fake_traced(u), want);
    cr_assert_eq(poll(t[2]), UIOMMU_E_HW);
    cr_assert_eq(poll(t[0]), UIOMMU_OK);
    t[3] = ticket();
    cr_assert_eq(poll(t[3]), UIOMMU_OK);
    cr_assert_eq(check().flags, 0);
}

/* Commands that have no ticket yet: the one that comes fails, the next does not. */
Test(amd_error, refused_before_its_ticket)
{
    uint64_t t;

    u->refuse = 3;
    u->refusals = 1;
    cr_assert_eq(ops->config_invalidate(hw, dev, 5), UIOMMU_OK);
    uiommu_amd_cmdq_tell(hw);
    cr_assert_eq(check().flags, 0);
    t = ticket();
    cr_assert_eq(poll(t), UIOMMU_E_HW);
    t = ticket();
    cr_assert_eq(poll(t), UIOMMU_OK);
}

/* The unit stopped behind the last command: nothing to replace. */
Test(amd_error, stopped_at_the_end)
{
    uint64_t t;

    u->hold = true;
    t = ticket();
    *fake_reg(u, 0x2000) = *fake_reg(u, 0x2008);
    *fake_reg(u, 0x2020) &= ~0x10u;
    hw->control &= ~UINT64_C(1); /* That bit, too, stays as it is. */
    fake_trace(u);
    cr_assert_eq(poll(t), UIOMMU_E_HW);
    cr_assert_str_eq(fake_traced(u), "18=1e06c 18=1f06c ");
    hw->control |= 1;
    u->hold = false;
    t = ticket();
    cr_assert_eq(poll(t), UIOMMU_OK);
}

/* Nothing is under way: that it does not run is no error yet. */
Test(amd_error, stopped_idle)
{
    cr_assert_eq(poll(ticket()), UIOMMU_OK);
    *fake_reg(u, 0x2020) &= ~0x10u;
    fake_trace(u);
    cr_assert_eq(check().flags, 0);
    cr_assert_str_eq(fake_traced(u), "");
    *fake_reg(u, 0x2020) |= 0x10u;
}

/* A head where it cannot be: outside of the ring, or of what is under way. */
Test(amd_error, impossible_heads)
{
    static const uint32_t ahead[] = {3, 200, 255};
    uint64_t t;
    uint32_t i, head;

    for (i = 0; i < 4; i++) {
        cr_assert_eq(poll(ticket()), UIOMMU_OK);
        head = (uint32_t)hw->cmdq.head;
        u->hold = true;
        (void)ticket();
        t = ticket();
        *fake_reg(u, 0x2000) = i < 3 ? ((head + ahead[i]) & 255) * 16 : (256 + (head & 255)) * 16;
        *fake_reg(u, 0x2020) &= ~0x10u;
        fake_trace(u);
        cr_assert_eq(poll(t), UIOMMU_E_HW);
        cr_assert_str_eq(fake_traced(u), "");
        cr_assert_eq(check().flags, UIOMMU_CHECK_DEAD);
        u->hold = false;
        cr_assert_eq(ops->restart(hw), UIOMMU_OK);
        cr_assert_eq(poll(t), UIOMMU_E_HW);
    }
    cr_assert_eq(poll(ticket()), UIOMMU_OK);
}

/* The last slot of the ring is one, too, and so is every other. */
Test(amd_error, refused_in_every_slot)
{
    struct amd_stashed *next;
    uint32_t i;
    uint64_t t;

    u->refuse = 5;
    for (i = 0; i < 300; i++) {
        const uint64_t words[2] = {UINT64_C(5) << 60 | i, 7};

        u->refusals = 1;
        next = &hw->stash[(hw->stash_first + 1) & ((1u << hw->evt.log2) - 1)];
        next->entry[0] = i;
        cr_assert_eq(ops->command(hw, words, 2), UIOMMU_OK);
        t = ticket();
        cr_assert_eq(poll(t), UIOMMU_E_HW, "%u", i);
        cr_assert_eq(next->entry[0], i);
        cr_assert_eq(u->refusals, 0);
        cr_assert_eq(hw->stash_count, 1);
        cr_assert_eq(hw->stash[hw->stash_first].command[0], words[0]);
        cr_assert_eq(hw->stash[hw->stash_first].command[1], 7);
        hw->stash_count = 0;
        t = ticket(); /* A ticket between: the count of refusals begins anew. */
        cr_assert_eq(poll(t), UIOMMU_OK);
        cr_assert_eq(hw->cmdq.errors, 0);
    }
    cr_assert_eq(check().flags, 0);
}

/* Eight without a ticket between, and that is enough. */
Test(amd_error, refused_for_ever)
{
    uint64_t t[2];
    uint32_t i;

    u->refuse = 3;
    for (i = 0; i < 10; i++)
        cr_assert_eq(ops->config_invalidate(hw, dev, 5), UIOMMU_OK);
    u->refusals = 9;
    t[0] = ticket();
    for (i = 0; i < 8; i++) {
        cr_assert_eq(poll(t[0]), UIOMMU_E_HW);
        cr_assert_eq(check().flags, i < 7 ? 0 : UIOMMU_CHECK_DEAD, "%u", i);
        cr_assert_eq(hw->cmdq.errors, i + 2);
    }
    t[1] = 0;
    cr_assert_eq(ops->ticket(hw, &t[1]), UIOMMU_E_HW);
    u->refusals = 0;
    cr_assert_eq(ops->restart(hw), UIOMMU_OK);
    cr_assert_eq(poll(t[0]), UIOMMU_E_HW);
    cr_assert_eq(poll(ticket()), UIOMMU_OK);
}

/* Events were lost: those tickets fail that a question is before, each of them, and no other. */
Test(amd_error, lost_events)
{
    uint64_t t[8];
    uint32_t i;

    t[0] = ticket();
    cr_assert_eq(poll(t[0]), UIOMMU_OK);
    u->hold = true;
    t[1] = ticket();
    asks();
    cr_assert_eq(ops->config_invalidate(hw, dev, 5), UIOMMU_OK);
    t[2] = ticket();
    t[3] = ticket();
    asks();
    t[4] = ticket();
    t[5] = ticket();
    asks();
    uiommu_amd_cmdq_tell(hw);
    *fake_reg(u, 0x2020) = (*fake_reg(u, 0x2020) | 1) & ~8u;
    (void)check();
    t[6] = ticket();
    t[7] = ticket();
    go();
    for (i = 0; i < 8; i++)
        cr_assert_eq(poll(t[i]), i == 2 || i == 4 || i == 6 ? UIOMMU_E_HW : UIOMMU_OK, "%u", i);
}

/* While the event log is off those fail, too, that asked meanwhile. */
Test(amd_error, no_event_log)
{
    uint64_t t[3];

    u->stuck = true;
    *fake_reg(u, 0x2020) |= 1;
    (void)check();
    u->hold = true;
    t[0] = ticket();
    asks();
    t[1] = ticket();
    (void)check();
    u->stuck = false;
    *fake_reg(u, 0x2020) &= ~8u;
    t[2] = ticket();
    go();
    cr_assert_eq(poll(t[1]), UIOMMU_E_HW);
    cr_assert_eq(poll(t[0]), UIOMMU_OK);
    cr_assert_eq(poll(t[2]), UIOMMU_OK);
}

/* The event log does not stop, and meanwhile the buffer does: the unit is given up, untouched. */
Test(amd_error, dead_while_looking)
{
    uint64_t t;

    u->stuck = true;
    *fake_reg(u, 0x2020) |= 1;
    (void)check();
    t = ticket();
    *fake_reg(u, 0x2020) &= ~0x10u;
    u->hold = true;
    (void)ticket();
    u->core.now += 2000 * MS;
    fake_trace(u);
    (void)poll(t);
    cr_assert_str_eq(fake_traced(u), "");
    cr_assert(hw->cmdq.dead);
    u->stuck = false;
    u->hold = false;
    cr_assert_eq(ops->restart(hw), UIOMMU_OK);
}

/* An event about the first command of the ring, the last slot, and none at all. */
Test(amd_error, unanswered)
{
    uint64_t t[3], at, bus;
    uint32_t i;

    for (i = 0; i < 300; i++) {
        u->hold = true;
        t[0] = ticket();
        at = hw->cmdq.head;
        asks();
        t[1] = ticket();
        t[2] = ticket();
        bus = hw->cmdq.mem.bus + (at & 255) * 16;
        fake_log(u, EVT, 0x7000000000000118, bus | 0xf);
        go();
        cr_assert_eq(poll(t[2]), UIOMMU_OK, "%u", i);
        cr_assert_eq(poll(t[1]), UIOMMU_E_HW, "%u", i);
        cr_assert_eq(poll(t[0]), UIOMMU_OK, "%u", i);
        cr_assert_eq(hw->stash_count, 1);
        cr_assert_eq(hw->stash[hw->stash_first].command[0], 0);
        hw->stash_count = 0;
    }
}

/* What is named lies behind all that was told, or before the ring, or nothing is under way. */
Test(amd_error, unanswered_nothing)
{
    uint64_t t[2];
    uint32_t i;

    for (i = 0; i < 4; i++) {
        u->hold = true;
        t[0] = ticket();
        fake_log(u, EVT, 0x7000000000000118,
                 i == 0   ? hw->cmdq.mem.bus + (hw->cmdq.head & 255) * 16
                 : i == 1 ? hw->cmdq.mem.bus - 16
                 : i == 2 ? hw->cmdq.mem.bus + 256 * 16
                          : 0);
        go();
        cr_assert_eq(poll(t[0]), UIOMMU_E_HW, "%u", i);
        t[1] = ticket();
        cr_assert_eq(poll(t[1]), UIOMMU_OK, "%u", i);
    }
    u->hold = true;
    t[0] = ticket();
    t[1] = ticket();
    fake_log(u, EVT, 0x7000000000000118, hw->cmdq.mem.bus + (256 + ((t[0] - 1) & 255)) * 16);
    go();
    cr_assert(poll(t[0]) == UIOMMU_E_HW && poll(t[1]) == UIOMMU_E_HW);
    cr_assert_eq(ops->restart(hw), UIOMMU_OK);
    cr_assert_eq(poll(ticket()), UIOMMU_OK);
    uiommu_amd_cmdq_drop(hw); /* Empty, and no ticket before. */
    uiommu_amd_fail_flying(hw);
    cr_assert_not(hw->cmdq.tickets.uncovered);
    cr_assert_eq(ops->restart(hw), UIOMMU_OK);
    cr_assert_eq(poll(ticket()), UIOMMU_OK);
}

/* 16 times at most; what else is in the status stays. */
Test(amd_error, acknowledged)
{
    const char *text;
    uint32_t n = 0;

    *fake_reg(u, 0x2020) |= 0x67;
    fake_trace(u);
    ops->irq_ack(hw);
    cr_assert_str_eq(fake_traced(u), "2020=46 ");
    cr_assert_eq(*fake_reg(u, 0x2020) & 0x67, 0x21);
    fake_trace(u);
    ops->irq_ack(hw);
    cr_assert_str_eq(fake_traced(u), "");
    *fake_reg(u, 0x2020) = (*fake_reg(u, 0x2020) & ~0x21u) | 0x40;
    u->sticky = UINT32_MAX;
    fake_trace(u);
    ops->irq_ack(hw);
    for (text = fake_traced(u); (text = strstr(text, "2020=40 ")) != NULL; text++)
        n++;
    cr_assert_eq(n, 16);
    cr_assert_eq(check().flags, UIOMMU_CHECK_MORE);
    u->sticky = 0;
    ops->irq_ack(hw);
    *fake_reg(u, 0x2020) |= 0x2;
    cr_assert_eq(check().flags, UIOMMU_CHECK_MORE);
    *fake_reg(u, 0x2020) &= ~0x2u;
    *fake_reg(u, 0x2020) |= 0x4;
    cr_assert_eq(check().flags, 0, "nothing waits for that");
}

/* Which ring is at fault. */
Test(amd_error, rings)
{
    struct uiommu_check out;

    *fake_reg(u, 0x2018) = 0xffffffff;
    out = check();
    cr_assert(out.event_count == 1 && out.event[0].raw[0] == 1);
    *fake_reg(u, 0x2018) = 0;
    *fake_reg(u, 0x2038) = 0xffffffff;
    cr_assert_eq(ops->ring_pending(hw, 0), 0);
    out = check();
    cr_assert(out.event_count == 1 && out.event[0].raw[0] == 0);
    cr_assert_eq(check().event_count, 0);
}
