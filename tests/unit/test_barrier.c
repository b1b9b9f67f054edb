/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit_toy.h"

/* barrier.c alone: what a step begins, asks for and concludes (R5, R15, R18). */

static struct uiommu_device dev;
static struct uiommu_barrier *const barrier = &dev.barrier;
static uiommu_err begins;
static uint32_t begun, polls;

static uiommu_err begin(void *hw, void *d, uint32_t pasid, uint64_t *ticket, uint32_t *strength)
{
    toy_block(hw, d, pasid);
    if (begins == UIOMMU_OK) {
        *ticket = ++begun;
        *strength = UIOMMU_BARRIER_ORDERED;
    }
    return begins;
}

static uiommu_err poll(void *hw, uint64_t ticket)
{
    cr_assert_eq(ticket, begun);
    polls++;
    return toy_poll(hw, ticket);
}

static void up(void)
{
    toy_up();
    memset(&dev, 0, sizeof(dev));
    dev.unit = unit;
    unit->ops.barrier = begin;
    unit->ops.ticket_poll = poll;
    begins = UIOMMU_OK;
    begun = polls = 0;
    unit->now_ns = 1000;
}

TestSuite(barrier, .init = up, .fini = toy_end);

static uiommu_err step(uint32_t need)
{
    return uiommu_barrier_step(&dev, 3, need);
}

static void pending(uiommu_err with)
{
    toy.failing = TOY_POLL;
    toy.with = with;
}

static uint32_t hangs(void)
{
    struct uiommu_event event;
    uint32_t n = 0;

    while (uiommu_unit_next_event(unit, &event) == UIOMMU_OK)
        n += event.kind == UIOMMU_EVENT_UNIT_HUNG;
    return n;
}

/* A full command ring: not begun, asked for again. */
Test(barrier, no_room)
{
    begins = UIOMMU_E_BUSY;
    cr_assert_eq(step(1), UIOMMU_PENDING);
    cr_assert(barrier->begun == 0 && polls == 0);
    begins = UIOMMU_OK;
    cr_assert_eq(step(1), UIOMMU_OK);
    cr_assert(barrier->begun == 1 && barrier->good_strength == UIOMMU_BARRIER_ORDERED);
}

/* One that cannot begin has failed at once; its ticket is nobody's. */
Test(barrier, cannot_begin)
{
    begins = UIOMMU_E_HW;
    cr_assert_eq(step(1), UIOMMU_E_HW);
    cr_assert(barrier->begun == 1 && barrier->done == 1 && barrier->good == 0 && polls == 0);
}

/* Without the op there is none: it succeeds and proves nothing, whatever was before. */
Test(barrier, none_at_all)
{
    cr_assert_eq(step(1), UIOMMU_OK);
    begins = UIOMMU_E_UNSUPPORTED;
    cr_assert_eq(step(2), UIOMMU_OK);
    cr_assert(polls == 1 && barrier->good == 2);
    cr_assert_eq(barrier->good_strength, UIOMMU_BARRIER_NONE);
}

/* One that ended is not asked about again, and no other begins for those who needed it. */
Test(barrier, once)
{
    cr_assert_eq(step(1), UIOMMU_OK);
    cr_assert_eq(step(1), UIOMMU_OK);
    cr_assert(begun == 1 && polls == 1);
    cr_assert_eq(uiommu_barrier_next(&dev), 2);
    pending(UIOMMU_E_HW);
    cr_assert_eq(step(2), UIOMMU_E_HW);
    cr_assert_eq(step(2), UIOMMU_E_HW);
    cr_assert(begun == 2 && polls == 2);
    cr_assert_eq(step(1), UIOMMU_OK, "the one before was good");
}

/* Who needs the next one waits for the end of the one under way, and then begins his own (R18). */
Test(barrier, not_joined)
{
    pending(UIOMMU_PENDING);
    cr_assert_eq(step(1), UIOMMU_PENDING);
    cr_assert_eq(uiommu_barrier_next(&dev), 2);
    cr_assert_eq(step(2), UIOMMU_PENDING);
    cr_assert_eq(begun, 1);
    toy.failing = TOY_NONE;
    cr_assert_eq(step(2), UIOMMU_PENDING);
    cr_assert_eq(step(1), UIOMMU_OK);
    cr_assert_eq(step(2), UIOMMU_OK);
    cr_assert_eq(begun, 2);
}

/* The deadline is command_ns, to the nanosecond; past it the unit hangs, once. */
Test(barrier, deadline)
{
    pending(UIOMMU_PENDING);
    cr_assert_eq(step(1), UIOMMU_PENDING);
    unit->now_ns = 1000 + unit->config.command_ns - 1;
    cr_assert_eq(step(1), UIOMMU_PENDING);
    cr_assert(uiommu_word_load(&unit->hung) == 0 && hangs() == 0);
    unit->now_ns++;
    cr_assert_eq(step(1), UIOMMU_E_HW);
    cr_assert(uiommu_word_load(&unit->hung) == 1 && hangs() == 1);
    cr_assert(barrier->done == 1 && barrier->good == 0);
}

/* On a unit that hangs a barrier has one look. */
Test(barrier, hung)
{
    pending(UIOMMU_PENDING);
    uiommu_word_store(&unit->hung, 1);
    cr_assert_eq(step(1), UIOMMU_E_HW);
    cr_assert(begun == 1 && polls == 1 && barrier->done == 1);
    toy.failing = TOY_NONE;
    cr_assert_eq(step(2), UIOMMU_OK);
    cr_assert_eq(uiommu_word_load(&unit->hung), 0);
}

/* What the inner checks call impossible. */
Test(barrier, valid)
{
    cr_assert(uiommu_barrier_valid(barrier));
    barrier->begun = barrier->done = 7;
    barrier->good = 7u - UINT32_MAX / 2;
    cr_assert(uiommu_barrier_valid(barrier));
    barrier->good--;
    cr_assert_not(uiommu_barrier_valid(barrier));
    barrier->good = 7;
    barrier->begun = 8;
    cr_assert(uiommu_barrier_valid(barrier));
    barrier->begun = 9;
    cr_assert_not(uiommu_barrier_valid(barrier));
    barrier->begun = 6;
    cr_assert_not(uiommu_barrier_valid(barrier));
    barrier->begun = 7;
    barrier->strength = UIOMMU_BARRIER_PROVED;
    barrier->good_strength = UIOMMU_BARRIER_PROVED;
    cr_assert(uiommu_barrier_valid(barrier));
    barrier->strength++;
    cr_assert_not(uiommu_barrier_valid(barrier));
    barrier->strength--;
    barrier->good_strength++;
    cr_assert_not(uiommu_barrier_valid(barrier));
}

/* R15: hardware may ask the device for it: one that is known not to answer is not asked again. */
Test(barrier, of_a_mute_device)
{
    uiommu_word_store(&dev.ats_on, 1);
    uiommu_word_store(&dev.mute, UIOMMU_MUTE_YES);
    uiommu_word_store(&dev.state, UIOMMU_DEVICE_ISOLATED);
    cr_assert_eq(uiommu_barrier_step(&dev, 3, 1), UIOMMU_E_HW);
    cr_assert(begun == 0 && barrier->begun == 1 && barrier->done == 1 && barrier->good == 0);
    uiommu_word_store(&dev.shut, 1); /* no more a way to it */
    cr_assert_eq(uiommu_barrier_step(&dev, 3, 2), UIOMMU_OK);
    cr_assert_eq(begun, 1);
    uiommu_word_store(&dev.shut, 0);
    uiommu_word_store(&dev.state, UIOMMU_DEVICE_RESETTING); /* it may answer again */
    cr_assert_eq(uiommu_barrier_step(&dev, 3, 3), UIOMMU_OK);
    cr_assert_eq(begun, 2);
}

/* A unit that gets on is not hung by one that is late. */
Test(barrier, of_a_unit_that_gets_on)
{
    toy.failing = TOY_POLL;
    toy.with = UIOMMU_PENDING;
    cr_assert_eq(uiommu_barrier_step(&dev, 3, 1), UIOMMU_PENDING);
    unit->moved_ns = host.now_ns + 1;
    unit->now_ns = barrier->deadline_ns;
    cr_assert_eq(uiommu_barrier_step(&dev, 3, 1), UIOMMU_E_HW);
    cr_assert_eq(uiommu_word_load(&unit->hung), 0);
    unit->moved_ns = 0;
}
