/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit_bond.h"

/* clear.c: the parts of D2, each behind a ticket of its own, and what is missing without it
 * (R9, R12, R15, R17, R20, I20). */

#define CONFIG UIOMMU_PROOF_CONFIG
#define TLB    UIOMMU_PROOF_TLB
#define DEVICE UIOMMU_PROOF_DEVICE

static struct uiommu_tag tag;
static uint32_t configs, tlbs, dtlbs;
static uiommu_err config_says;

static uiommu_err config(void *hw, void *d, uint32_t pasid)
{
    cr_assert(hw == &toy && d == &toy && pasid == 3);
    cr_assert_eq(toy.cleared, configs + 1, "the entry first");
    configs++;
    return config_says;
}
static uiommu_err tlb(void *hw, void *d, uint32_t pasid, const struct uiommu_root *root,
                      uint32_t value, const struct uiommu_range *r)
{
    cr_assert(hw == &toy && d == &toy && pasid == 3);
    cr_assert(root == &as.roots[1] && value == 9 && r == NULL);
    tlbs++;
    return UIOMMU_OK;
}
static uiommu_err dtlb(void *hw, void *d, uint32_t pasid, const struct uiommu_range *r)
{
    cr_assert(hw == &toy && d == &toy && pasid == 3 && r == NULL);
    dtlbs++;
    return UIOMMU_OK;
}

static void fresh(enum uiommu_phase phase)
{
    bond_fresh(phase);
    tag.value = 9;
    tag.root = 1;
    bond.tag = &tag;
    bond.tag_of = &as;
    bond.valid = true;
    uiommu_word_store(&dev.ats_on, 1);
    dev.flags = UIOMMU_DEVICE_ATS;
    uiommu_word_store(&bond.missing, CONFIG | TLB | DEVICE);
    unit->ops.config_invalidate = config;
    unit->ops.tlb_invalidate = tlb;
    unit->ops.dtlb_invalidate = dtlb;
    toy.cleared = toy.set = configs = tlbs = dtlbs = 0;
    toy.tickets = 0;
    toy.failing = TOY_NONE;
    config_says = UIOMMU_OK;
    uiommu_word_store(&unit->hung, 0);
}

static void up(void)
{
    toy_up();
    fresh(UIOMMU_PHASE_D2_CONFIG);
}

TestSuite(clear, .init = up, .fini = toy_end);

static enum uiommu_go d2(void)
{
    return bond.phase == UIOMMU_PHASE_D2_CONFIG
               ? uiommu_drain_d2(&bond, UIOMMU_STEP_D2_CONFIG, CONFIG)
           : bond.phase == UIOMMU_PHASE_D2_TLB
               ? uiommu_drain_d2(&bond, UIOMMU_STEP_D2_TLB, TLB)
               : uiommu_drain_d2(&bond, UIOMMU_STEP_D2_DEVICE, DEVICE);
}

/* I20, R17: one after the other, each done before the next begins, and each clears its own. */
Test(clear, in_order)
{
    cr_assert_eq(d2(), UIOMMU_WAIT);
    cr_assert(configs == 1 && tlbs == 0 && toy.tickets == 1 && bond.in_air && !bond.valid);
    cr_assert_eq(host.trace.id, UIOMMU_TRACE_TICKET, "the step is told before what it does");
    cr_assert_eq(missing(), CONFIG | TLB | DEVICE);
    cr_assert_eq(d2(), UIOMMU_GO);
    cr_assert(bond.phase == UIOMMU_PHASE_D2_TLB && missing() == (TLB | DEVICE));
    cr_assert_eq(d2(), UIOMMU_WAIT);
    cr_assert(tlbs == 1 && dtlbs == 0 && toy.tickets == 2);
    cr_assert_eq(d2(), UIOMMU_GO);
    cr_assert(bond.phase == UIOMMU_PHASE_D2_DEVICE && missing() == DEVICE);
    cr_assert_eq(d2(), UIOMMU_WAIT);
    cr_assert(dtlbs == 1 && toy.tickets == 3);
    cr_assert_eq(d2(), UIOMMU_GO);
    cr_assert(bond.phase == UIOMMU_PHASE_D2_PINNED && missing() == 0);
    cr_assert(configs == 1 && tlbs == 1 && dtlbs == 1 && toy.cleared == 1);
}

/* R20: a device without ATS, or one that is gone, is asked nothing; the ticket comes all the
 * same. A bond without a tag has nothing in the IOTLB. */
Test(clear, nothing_to_ask)
{
    fresh(UIOMMU_PHASE_D2_DEVICE);
    uiommu_word_store(&dev.ats_on, 0);
    cr_assert_eq(d2(), UIOMMU_WAIT);
    cr_assert(dtlbs == 0 && toy.tickets == 1);
    fresh(UIOMMU_PHASE_D2_DEVICE);
    uiommu_word_store(&dev.state, UIOMMU_DEVICE_GONE);
    cr_assert_eq(d2(), UIOMMU_WAIT);
    cr_assert(dtlbs == 0 && toy.tickets == 1);
    fresh(UIOMMU_PHASE_D2_TLB);
    bond.tag = NULL;
    cr_assert_eq(d2(), UIOMMU_WAIT);
    cr_assert(tlbs == 0 && toy.tickets == 1);
}

static uint32_t looks;

static uiommu_err present(void *ctx)
{
    (void)ctx;
    looks++;
    return UIOMMU_OK;
}

/* The bus is read for the part that needs the device, and for no other. */
Test(clear, asked_whether_it_is_there)
{
    looks = 0;
    dev.ops.present = present;
    cr_assert_eq(d2(), UIOMMU_WAIT);
    cr_assert_eq(looks, 0);
    fresh(UIOMMU_PHASE_D2_DEVICE);
    dev.ops.present = present;
    cr_assert_eq(d2(), UIOMMU_WAIT);
    cr_assert(looks == 1 && dtlbs == 1);
}

/* A bind that failed before the entry was its own clears nothing. */
Test(clear, never_stamped)
{
    bond.stamped = false;
    cr_assert_eq(d2(), UIOMMU_GO);
    cr_assert(bond.phase == UIOMMU_PHASE_D2_PINNED && toy.cleared == 0 && configs == 0);
}

/* A space that has gone has no lock to take. */
Test(clear, without_a_space)
{
    bond.as = NULL;
    cr_assert_eq(d2(), UIOMMU_WAIT);
    cr_assert_eq(d2(), UIOMMU_GO);
    cr_assert_eq(host.irq_depth, 0);
}

/* R15: what failed is done once more, alone; then it is missing, and the others are done. */
Test(clear, fails)
{
    uint32_t i;

    toy.failing = TOY_POLL;
    toy.with = UIOMMU_E_HW;
    for (i = 0; i < 2; i++) {
        cr_assert_eq(d2(), UIOMMU_WAIT, "%u", i);
        cr_assert(configs == i + 1 && bond.in_air, "%u", i);
        cr_assert_eq(bond.again, i == 1);
        cr_assert_eq(d2(), i == 0 ? UIOMMU_WAIT : UIOMMU_GO);
    }
    cr_assert_eq(bond.phase, UIOMMU_PHASE_D2_TLB);
    cr_assert(!bond.again && (missing() & CONFIG) != 0);
    cr_assert_eq(d2(), UIOMMU_WAIT);
    cr_assert_eq(d2(), UIOMMU_WAIT, "it has its second try, too");
    toy.failing = TOY_NONE;
    cr_assert_eq(d2(), UIOMMU_WAIT);
    cr_assert_eq(d2(), UIOMMU_GO);
    cr_assert(tlbs == 2 && !bond.again && missing() == (CONFIG | DEVICE));
    cr_assert_eq(uiommu_word_load(&dev.state), UIOMMU_DEVICE_NORMAL);
}

/* R15: it is missing even where it was not before. A device that does not invalidate its TLB,
 * asked alone, is cut off; one whose entry fails is not. */
Test(clear, who_is_cut_off)
{
    fresh(UIOMMU_PHASE_D2_DEVICE);
    uiommu_word_store(&bond.missing, 0);
    bond.in_air = true;
    unit->alone = &bond;
    toy.failing = TOY_POLL;
    toy.with = UIOMMU_E_HW;
    cr_assert_eq(d2(), UIOMMU_GO);
    cr_assert(bond.phase == UIOMMU_PHASE_D2_PINNED && missing() == DEVICE);
    cr_assert_eq(uiommu_word_load(&dev.state), UIOMMU_DEVICE_ISOLATED);
    fresh(UIOMMU_PHASE_D2_TLB);
    uiommu_word_store(&bond.missing, 0);
    bond.again = bond.in_air = true;
    toy.failing = TOY_POLL;
    cr_assert_eq(d2(), UIOMMU_GO);
    cr_assert(bond.phase == UIOMMU_PHASE_D2_DEVICE && missing() == TLB);
    cr_assert_eq(uiommu_word_load(&dev.state), UIOMMU_DEVICE_NORMAL);
}

/* What cannot be asked for is missing at once. */
Test(clear, refused)
{
    config_says = UIOMMU_E_HW;
    cr_assert_eq(d2(), UIOMMU_GO);
    cr_assert(bond.phase == UIOMMU_PHASE_D2_TLB && missing() == (CONFIG | TLB | DEVICE));
    cr_assert(toy.tickets == 0 && !bond.in_air);
    fresh(UIOMMU_PHASE_D2_CONFIG);
    config_says = UIOMMU_E_HW;
    bond.until_ns = T0; /* however late: who refuses does not hang */
    cr_assert_eq(d2(), UIOMMU_GO);
    cr_assert(bond.phase == UIOMMU_PHASE_D2_TLB && uiommu_word_load(&unit->hung) == 0);
}

/* A full command ring: again, until command_ns is over, and the deadline does not move. */
Test(clear, no_room)
{
    config_says = UIOMMU_E_BUSY;
    cr_assert_eq(d2(), UIOMMU_WAIT);
    cr_assert(!bond.in_air && configs == 1);
    cr_assert_eq(bond.until_ns, T0 + unit->config.command_ns);
    unit->now_ns = bond.until_ns - 1;
    cr_assert_eq(d2(), UIOMMU_WAIT);
    cr_assert(configs == 2 && uiommu_word_load(&unit->hung) == 0);
    cr_assert_eq(bond.until_ns, T0 + unit->config.command_ns);
    unit->now_ns++;
    cr_assert_eq(d2(), UIOMMU_GO);
    cr_assert_eq(uiommu_word_load(&unit->hung), 1);
    cr_assert_eq(bond.phase, UIOMMU_PHASE_D2_PINNED);
}

/* R12, R9: a hung unit proves nothing of what comes after, and nothing of requests either. */
static void hung(enum uiommu_phase phase, uint32_t proofs)
{
    fresh(phase);
    uiommu_word_store(&bond.missing, 0);
    toy.failing = TOY_POLL;
    toy.with = UIOMMU_PENDING;
    cr_assert_eq(d2(), UIOMMU_WAIT);
    unit->now_ns = bond.until_ns - 1;
    cr_assert_eq(d2(), UIOMMU_WAIT);
    cr_assert(bond.phase == phase && toy.tickets == 1);
    unit->now_ns++;
    cr_assert_eq(d2(), UIOMMU_GO);
    cr_assert_eq(bond.phase, UIOMMU_PHASE_D2_PINNED);
    cr_assert_eq(missing(), proofs | UIOMMU_PROOF_REQUESTS);
    cr_assert_eq(uiommu_word_load(&unit->hung), 1);
    cr_assert_eq(uiommu_word_load(&dev.state), UIOMMU_DEVICE_NORMAL);
    cr_assert_eq(toy.tickets, 1, "one that is on its way is not sent again");
}

Test(clear, hangs)
{
    hung(UIOMMU_PHASE_D2_CONFIG, CONFIG | TLB | DEVICE);
    hung(UIOMMU_PHASE_D2_TLB, TLB | DEVICE);
    hung(UIOMMU_PHASE_D2_DEVICE, DEVICE);
}

/* R15: where other tickets end the unit gets on, and has not to be restarted. */
Test(clear, gets_on)
{
    uint64_t began = host.now_ns;

    toy.failing = TOY_POLL;
    toy.with = UIOMMU_PENDING;
    cr_assert_eq(d2(), UIOMMU_WAIT);
    unit->moved_ns = began + 1;
    unit->now_ns = bond.until_ns;
    cr_assert_eq(d2(), UIOMMU_GO);
    cr_assert(bond.phase == UIOMMU_PHASE_D2_PINNED && uiommu_word_load(&unit->hung) == 0);
    cr_assert_eq(missing(), CONFIG | TLB | DEVICE | UIOMMU_PROOF_REQUESTS);
}

/* ---- the end of D2 ---- */

static void pinned(uint32_t lacking, enum uiommu_phase to)
{
    uiommu_word_store(&bond.missing, lacking);
    cr_assert_eq(uiommu_drain_pinned(&bond), UIOMMU_GO);
    cr_assert_eq(bond.phase, to);
    cr_assert_eq(bond.drain_until_ns, T0 + unit->config.drain_ns);
}

static void listed(void)
{
    fresh(UIOMMU_PHASE_D2_PINNED);
    bond.listed = true;
    as.bonds = as.bonds_tail = &bond;
    bond.tag = NULL;
}

/* R11: while an exit has the bond it stays, but not where something of D2 is missing. */
Test(clear, leaves_the_space)
{
    listed();
    bond.exit_pins = 1;
    uiommu_word_store(&bond.missing, UIOMMU_PROOF_STOP | UIOMMU_PROOF_HANDLERS);
    cr_assert_eq(uiommu_drain_pinned(&bond), UIOMMU_WAIT);
    cr_assert(bond.phase == UIOMMU_PHASE_D2_PINNED && bond.listed);
    bond.exit_pins = 0;
    pinned(UIOMMU_PROOF_STOP, UIOMMU_PHASE_D3);
    cr_assert_not(bond.listed);
    cr_assert_null(as.bonds);
    listed();
    pinned(CONFIG, UIOMMU_PHASE_D3);
    cr_assert(bond.listed, "hardware may still have it");
    listed();
    pinned(TLB, UIOMMU_PHASE_D3);
    cr_assert(bond.listed);
    listed();
    pinned(DEVICE, UIOMMU_PHASE_D3);
    cr_assert(bond.listed);
}

/* R20, R33: no barrier for who is gone or was reset, nor where it is known to prove nothing. */
Test(clear, no_barrier)
{
    listed();
    bond.reset_proof = true;
    pinned(0, UIOMMU_PHASE_D5);
    listed();
    bond.absent = true;
    pinned(0, UIOMMU_PHASE_D5);
    listed();
    pinned(UIOMMU_PROOF_REQUESTS, UIOMMU_PHASE_D5);
    listed();
    pinned(0, UIOMMU_PHASE_D3);
}
