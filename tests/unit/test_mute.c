/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit_bond.h"

/* mute.c: who leaves invalidations unanswered is asked alone before it is blamed (R15). */

#define DEVICE UIOMMU_PROOF_DEVICE

static struct uiommu_bond other;

static void fresh(uint32_t how)
{
    bond_fresh(UIOMMU_PHASE_D2_DEVICE);
    memset(&other, 0, sizeof(other));
    uiommu_word_store(&dev.ats_on, 1);
    uiommu_word_store(&dev.mute, how);
    toy.tickets = toy.forgot = 0;
    toy.failing = TOY_NONE;
    toy.times = 0;
    toy.with = UIOMMU_E_HW;
    unit->alone = NULL;
    unit->moved_ns = 0;
    uiommu_word_store(&unit->hung, 0);
}
static void up(void)
{
    toy_up();
    fresh(UIOMMU_MUTE_NO);
}
static void down(void)
{
    unit->alone = NULL;
    uiommu_word_store(&unit->hung, 0);
    toy_end();
}

TestSuite(mute, .init = up, .fini = down);

static enum uiommu_go step(void)
{
    if (bond.phase == UIOMMU_PHASE_D2_ALONE)
        return uiommu_drain_alone(&bond);
    cr_assert_eq(bond.phase, UIOMMU_PHASE_D2_DEVICE);
    return uiommu_drain_d2(&bond, UIOMMU_STEP_D2_DEVICE, DEVICE);
}
static uint32_t how(void)
{
    return uiommu_word_load(&dev.mute);
}
static bool cut_off(void)
{
    return uiommu_word_load(&dev.state) == UIOMMU_DEVICE_ISOLATED;
}
static bool is(enum uiommu_phase phase, const struct uiommu_bond *alone)
{
    return bond.phase == phase && unit->alone == alone;
}

Test(mute, suspected)
{
    uiommu_mute_suspect(&dev);
    cr_assert_eq(how(), UIOMMU_MUTE_MAYBE);
    uiommu_word_store(&dev.mute, UIOMMU_MUTE_LATE);
    uiommu_mute_suspect(&dev);
    cr_assert_eq(how(), UIOMMU_MUTE_LATE);
    uiommu_word_store(&dev.mute, UIOMMU_MUTE_YES);
    uiommu_mute_suspect(&dev);
    cr_assert_eq(how(), UIOMMU_MUTE_YES);
}

/* A failure is enough; late is mute the second time in a row. */
Test(mute, judged)
{
    uiommu_word_store(&dev.mute, UIOMMU_MUTE_MAYBE);
    cr_assert_eq(uiommu_mute_judge(&dev, UIOMMU_E_TIMEOUT), UIOMMU_E_TIMEOUT);
    cr_assert(how() == UIOMMU_MUTE_LATE && !cut_off());
    cr_assert_eq(uiommu_mute_judge(&dev, UIOMMU_OK), UIOMMU_OK);
    cr_assert(how() == UIOMMU_MUTE_NO && !cut_off());
    cr_assert_eq(uiommu_mute_judge(&dev, UIOMMU_E_TIMEOUT), UIOMMU_E_TIMEOUT);
    cr_assert_eq(uiommu_mute_judge(&dev, UIOMMU_E_TIMEOUT), UIOMMU_E_HW);
    cr_assert(how() == UIOMMU_MUTE_YES && cut_off());
    fresh(UIOMMU_MUTE_LATE);
    cr_assert_eq(uiommu_mute_judge(&dev, UIOMMU_E_INTERNAL), UIOMMU_E_INTERNAL);
    cr_assert(how() == UIOMMU_MUTE_LATE && !cut_off());
    cr_assert_eq(uiommu_mute_judge(&dev, UIOMMU_E_HW), UIOMMU_E_HW);
    cr_assert(how() == UIOMMU_MUTE_YES && cut_off());
}

/* One that fails among others is not blamed: the queue is emptied, and it is asked again. */
Test(mute, innocent)
{
    cr_assert_eq(step(), UIOMMU_WAIT);
    cr_assert(toy.forgot == 1 && toy.tickets == 1);
    toy.failing = TOY_POLL;
    toy.times = 1;
    cr_assert_eq(step(), UIOMMU_GO);
    cr_assert(is(UIOMMU_PHASE_D2_ALONE, NULL) && how() == UIOMMU_MUTE_MAYBE && !cut_off());
    cr_assert_eq(bond.drain_until_ns, T0 + unit->config.drain_ns);
    cr_assert_eq(step(), UIOMMU_WAIT);
    cr_assert(is(UIOMMU_PHASE_D2_ALONE, &bond) && toy.forgot == 1 && toy.tickets == 2);
    cr_assert_eq(step(), UIOMMU_GO);
    cr_assert(is(UIOMMU_PHASE_D2_DEVICE, &bond) && !bond.in_air);
    cr_assert_eq(step(), UIOMMU_WAIT);
    cr_assert(toy.forgot == 2 && toy.tickets == 3);
    cr_assert_eq(step(), UIOMMU_GO);
    cr_assert(is(UIOMMU_PHASE_D2_PINNED, NULL) && how() == UIOMMU_MUTE_NO && !cut_off());
    cr_assert_eq(missing(), 0);
}

/* It fails alone, too. */
Test(mute, found)
{
    fresh(UIOMMU_MUTE_MAYBE);
    cr_assert_eq(step(), UIOMMU_GO);
    cr_assert(is(UIOMMU_PHASE_D2_ALONE, NULL) && toy.tickets == 0);
    cr_assert_eq(step(), UIOMMU_WAIT);
    cr_assert_eq(step(), UIOMMU_GO);
    cr_assert_eq(step(), UIOMMU_WAIT);
    toy.failing = TOY_POLL;
    cr_assert_eq(step(), UIOMMU_GO);
    cr_assert(is(UIOMMU_PHASE_D2_PINNED, NULL) && how() == UIOMMU_MUTE_YES && cut_off());
    cr_assert_eq(missing(), DEVICE);
    /* And is not asked any more, by no bond. */
    toy.failing = TOY_NONE;
    toy.forgot = toy.tickets = 0;
    (void)uiommu_drain_next(&bond, UIOMMU_PHASE_D2_DEVICE);
    uiommu_word_store(&bond.missing, 0);
    unit->alone = &other; /* nor does it wait for anybody */
    cr_assert_eq(step(), UIOMMU_GO);
    cr_assert_eq(step(), UIOMMU_GO);
    cr_assert(is(UIOMMU_PHASE_D2_PINNED, &other) && missing() == DEVICE);
    cr_assert(toy.forgot == 0 && toy.tickets == 0);
    /* Until nobody could answer: its entry is shut. */
    unit->alone = NULL;
    uiommu_word_store(&dev.shut, 1);
    (void)uiommu_drain_next(&bond, UIOMMU_PHASE_D2_DEVICE);
    cr_assert_eq(step(), UIOMMU_WAIT);
    cr_assert_eq(step(), UIOMMU_GO);
    cr_assert(is(UIOMMU_PHASE_D2_PINNED, NULL) && missing() == 0 && toy.forgot == 0);
}

/* Late among others: asked alone when it is asked again. Late alone: once more. */
Test(mute, late)
{
    cr_assert_eq(step(), UIOMMU_WAIT);
    toy.failing = TOY_POLL;
    toy.with = UIOMMU_PENDING;
    unit->now_ns = bond.until_ns;
    cr_assert_eq(step(), UIOMMU_GO);
    cr_assert(is(UIOMMU_PHASE_D2_PINNED, NULL) && how() == UIOMMU_MUTE_MAYBE);
    cr_assert_eq(missing(), DEVICE | UIOMMU_PROOF_REQUESTS);
    fresh(UIOMMU_MUTE_MAYBE);
    cr_assert_eq(step(), UIOMMU_GO);
    cr_assert_eq(step(), UIOMMU_WAIT);
    cr_assert_eq(step(), UIOMMU_GO);
    cr_assert_eq(step(), UIOMMU_WAIT);
    toy.failing = TOY_POLL;
    toy.with = UIOMMU_PENDING;
    unit->now_ns = bond.until_ns;
    cr_assert_eq(step(), UIOMMU_GO);
    cr_assert(is(UIOMMU_PHASE_D2_PINNED, NULL) && how() == UIOMMU_MUTE_LATE && !cut_off());
    cr_assert_eq(missing(), DEVICE | UIOMMU_PROOF_REQUESTS);
}

/* A command that found no room was not left unanswered. */
Test(mute, not_asked)
{
    fresh(UIOMMU_MUTE_MAYBE);
    cr_assert_eq(step(), UIOMMU_GO);
    cr_assert_eq(step(), UIOMMU_WAIT);
    cr_assert_eq(step(), UIOMMU_GO);
    toy.failing = TOY_DTLB;
    toy.with = UIOMMU_E_BUSY;
    cr_assert_eq(step(), UIOMMU_WAIT);
    cr_assert_eq(unit->alone, &bond);
    unit->now_ns = bond.until_ns;
    cr_assert_eq(step(), UIOMMU_GO);
    cr_assert(is(UIOMMU_PHASE_D2_PINNED, NULL) && how() == UIOMMU_MUTE_MAYBE);
    fresh(UIOMMU_MUTE_NO);
    toy.failing = TOY_DTLB;
    toy.with = UIOMMU_E_HW;
    cr_assert_eq(step(), UIOMMU_GO);
    cr_assert(is(UIOMMU_PHASE_D2_PINNED, NULL) && how() == UIOMMU_MUTE_NO && !cut_off());
    cr_assert_eq(missing(), DEVICE);
}

/* While somebody is asked alone all others wait, however honest, until drain_ns is over. */
Test(mute, waits_for_its_turn)
{
    unit->alone = &other;
    cr_assert_eq(step(), UIOMMU_GO);
    cr_assert(is(UIOMMU_PHASE_D2_ALONE, &other));
    cr_assert_eq(step(), UIOMMU_WAIT);
    unit->now_ns = T0 + unit->config.drain_ns - 1;
    cr_assert_eq(step(), UIOMMU_WAIT);
    unit->alone = NULL;
    cr_assert_eq(step(), UIOMMU_WAIT);
    cr_assert(unit->alone == &bond && toy.tickets == 1 && toy.forgot == 0);
    cr_assert_eq(bond.until_ns, unit->now_ns + unit->config.command_ns, "from its turn on");
    fresh(UIOMMU_MUTE_NO);
    unit->alone = &other;
    cr_assert_eq(step(), UIOMMU_GO);
    unit->now_ns = T0 + unit->config.drain_ns;
    cr_assert_eq(step(), UIOMMU_GO);
    cr_assert(is(UIOMMU_PHASE_D2_PINNED, &other) && toy.tickets == 0);
    cr_assert_eq(missing(), DEVICE | UIOMMU_PROOF_REQUESTS);
}

/* One that was asked already is waited for where it is. */
Test(mute, under_way)
{
    cr_assert_eq(step(), UIOMMU_WAIT);
    unit->alone = &other;
    cr_assert_eq(step(), UIOMMU_GO);
    cr_assert(is(UIOMMU_PHASE_D2_PINNED, &other) && missing() == 0);
}

/* A device without a TLB has nothing to leave unanswered. */
Test(mute, unreachable)
{
    fresh(UIOMMU_MUTE_MAYBE);
    uiommu_word_store(&dev.ats_on, 0);
    cr_assert_eq(step(), UIOMMU_WAIT);
    cr_assert(is(UIOMMU_PHASE_D2_DEVICE, NULL) && toy.tickets == 1 && toy.forgot == 0);
}

/* Others' invalidations fail in front of it: as long as the unit gets on it goes on, too. */
Test(mute, behind_others)
{
    fresh(UIOMMU_MUTE_MAYBE);
    cr_assert_eq(step(), UIOMMU_GO);
    cr_assert_eq(step(), UIOMMU_WAIT);
    cr_assert_eq(bond.until_ns, T0 + unit->config.command_ns);
    toy.failing = TOY_POLL;
    cr_assert_eq(step(), UIOMMU_WAIT);
    cr_assert(!bond.in_air && toy.tickets == 1);
    toy.failing = TOY_TICKET;
    cr_assert_eq(step(), UIOMMU_WAIT);
    cr_assert(!bond.in_air && toy.tickets == 2);
    toy.failing = TOY_POLL;
    toy.with = UIOMMU_PENDING;
    cr_assert_eq(step(), UIOMMU_WAIT);
    cr_assert(bond.in_air && toy.tickets == 3);
    unit->now_ns = T0 + unit->config.command_ns - 1;
    unit->moved_ns = host.now_ns;
    cr_assert_eq(step(), UIOMMU_WAIT);
    cr_assert_eq(bond.until_ns, T0 + unit->config.command_ns);
    unit->now_ns++;
    cr_assert_eq(step(), UIOMMU_WAIT);
    cr_assert(bond.until_ns == 0 && uiommu_word_load(&unit->hung) == 0 && unit->alone == &bond);
    cr_assert_eq(step(), UIOMMU_WAIT);
    cr_assert_eq(bond.until_ns, unit->now_ns + unit->config.command_ns);
    cr_assert_eq(toy.tickets, 3, "the one that is under way is waited for");
    unit->now_ns = T0 + unit->config.drain_ns;
    cr_assert_eq(step(), UIOMMU_GO);
    cr_assert(is(UIOMMU_PHASE_D2_PINNED, NULL) && how() == UIOMMU_MUTE_MAYBE && !cut_off());
}

/* One that does not is hung: nothing is known of the device. */
Test(mute, hangs)
{
    fresh(UIOMMU_MUTE_LATE);
    cr_assert_eq(step(), UIOMMU_GO);
    cr_assert_eq(step(), UIOMMU_WAIT);
    toy.failing = TOY_POLL;
    toy.with = UIOMMU_PENDING;
    unit->now_ns = bond.until_ns;
    cr_assert_eq(step(), UIOMMU_GO);
    cr_assert(is(UIOMMU_PHASE_D2_PINNED, NULL) && how() == UIOMMU_MUTE_LATE && !cut_off());
    cr_assert_eq(uiommu_word_load(&unit->hung), 1);
    cr_assert_eq(missing(), DEVICE | UIOMMU_PROOF_REQUESTS);
}
