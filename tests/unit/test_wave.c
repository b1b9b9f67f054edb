/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit_toy.h"

/* wave.c alone: whom a wave reaches, in which batches, and what it makes of failures (R12, R15,
 * R17, R20). */

#define BONDS 40u
#define CALLS 256u

static struct uiommu_device dev[BONDS];
static struct uiommu_bond bond[BONDS];
static struct uiommu_aspace as;
static struct uiommu_tag tag[BONDS];
static struct uiommu_unit *second;
static struct toy far;

static struct {
    char op;
    uint32_t pasid, tag;
} call[CALLS];
static uint32_t calls, tickets_at[CALLS], tickets, busy_at, bad;
static uiommu_err last_says, busy_says;

static uiommu_err note(char op, uint32_t pasid, uint32_t value)
{
    if (busy_at != 0 && --busy_at == 0)
        return busy_says;
    cr_assert_lt(calls, CALLS);
    call[calls].op = op;
    call[calls].pasid = pasid;
    call[calls++].tag = value;
    return UIOMMU_OK;
}
static void block(void *hw, void *d, uint32_t pasid)
{
    (void)hw;
    (void)d;
    (void)note('b', pasid, 0);
}
static uiommu_err config(void *hw, void *d, uint32_t pasid)
{
    (void)hw;
    (void)d;
    return note('c', pasid, 0);
}
static const struct uiommu_range *range_seen;
static uiommu_err tlb(void *hw, void *d, uint32_t pasid, const struct uiommu_root *root,
                      uint32_t value, const struct uiommu_range *r)
{
    (void)hw;
    (void)d;
    cr_assert_eq(root, &as.roots[1]);
    range_seen = r;
    return note('t', pasid, value);
}
static uiommu_err dtlb(void *hw, void *d, uint32_t pasid, const struct uiommu_range *r)
{
    (void)hw;
    (void)d;
    range_seen = r;
    return note('d', pasid, 0);
}
static uiommu_err ticket(void *hw, uint64_t *out)
{
    (void)hw;
    tickets_at[tickets] = calls;
    *out = ++tickets;
    return UIOMMU_OK;
}
/* A ticket fails where a command of the bad PASID is in front of it. */
static uiommu_err poll(void *hw, uint64_t t)
{
    uint32_t i;

    (void)hw;
    for (i = t == 1 ? 0 : tickets_at[t - 2]; i < tickets_at[t - 1]; i++) {
        if (call[i].pasid == bad)
            return last_says;
    }
    return UIOMMU_OK;
}

static void fill(struct uiommu_unit *of)
{
    of->ops.pasid_block = block;
    of->ops.config_invalidate = config;
    of->ops.tlb_invalidate = tlb;
    of->ops.dtlb_invalidate = dtlb;
    of->ops.ticket = ticket;
    of->ops.ticket_poll = poll;
}

static void fresh(uint32_t n)
{
    uint32_t i;

    memset(dev, 0, sizeof(dev));
    memset(bond, 0, sizeof(bond));
    memset(&as, 0, sizeof(as));
    as.u = u;
    for (i = 0; i < n; i++) {
        dev[i].unit = unit;
        uiommu_word_store(&dev[i].ats_on, 1);
        tag[i].value = 100 + i;
        tag[i].root = 1;
        bond[i].u = u;
        bond[i].dev = &dev[i];
        bond[i].as = &as;
        bond[i].pasid = i;
        bond[i].tag = &tag[i];
        bond[i].valid = true;
        bond[i].serial = i + 1;
        bond[i].as_next = i + 1 < n ? &bond[i + 1] : NULL;
    }
    as.bonds = n != 0 ? &bond[0] : NULL;
    calls = tickets = busy_at = 0;
    bad = UINT32_MAX;
    last_says = UIOMMU_E_HW;
    busy_says = UIOMMU_E_BUSY;
    uiommu_word_store(&unit->hung, 0);
    fill(unit);
}

static void up(void)
{
    struct uiommu_unit_config config = {.size = sizeof(config), .pasids = NULL};

    toy_up();
    config.pasids = space;
    cr_assert_eq(uiommu_unit_create(u, &toy_ops, &far, &config, &second), UIOMMU_OK);
    cr_assert_eq(uiommu_unit_start(second), UIOMMU_OK);
    fill(second);
}
static void down(void)
{
    cr_assert_eq(uiommu_unit_stop(second), UIOMMU_OK);
    cr_assert_eq(uiommu_unit_destroy(second), UIOMMU_OK);
    toy_end();
}

TestSuite(wave, .init = up, .fini = down);

static uint32_t pins(void)
{
    uint32_t i, n = 0;

    for (i = 0; i < BONDS; i++)
        n += bond[i].exit_pins;
    return n + host.irq_depth;
}

/* Nobody: nothing to do, and not even a ticket. */
Test(wave, of_nobody)
{
    fresh(0);
    cr_assert_eq(uiommu_wave_run(&as, UIOMMU_WAVE_BLOCK, NULL), UIOMMU_OK);
    cr_assert(calls == 0 && tickets == 0);
}

/* R17: valid entries refuse from now on, the rest has its caches emptied all the same. */
Test(wave, blocks)
{
    uint32_t due;

    fresh(3);
    bond[1].valid = false;
    due = uiommu_word_load(&unit->due);
    cr_assert_eq(uiommu_wave_run(&as, UIOMMU_WAVE_BLOCK, NULL), UIOMMU_OK);
    cr_assert(calls == 5 && tickets == 1 && pins() == 0);
    cr_assert(call[0].op == 'b' && call[1].op == 'c' && call[1].pasid == 0);
    cr_assert(call[2].op == 'c' && call[2].pasid == 1);
    cr_assert(call[3].op == 'b' && call[4].op == 'c' && call[4].pasid == 2);
    cr_assert_neq(uiommu_word_load(&unit->due), due, "a drain may wait for the pins");
}

/* One tag and PASID is invalidated once, by the first bond of it. */
Test(wave, tags)
{
    static const struct uiommu_range range = {0x1000, 0x2000, 0};

    fresh(5);
    bond[1].tag = &tag[0];
    bond[1].pasid = 0; /* as bond 0 */
    bond[2].tag = &tag[0];
    bond[4].pasid = 3; /* another tag */
    cr_assert_eq(uiommu_wave_run(&as, UIOMMU_WAVE_TLB, &range), UIOMMU_OK);
    cr_assert(calls == 4 && tickets == 1 && range_seen == &range);
    cr_assert(call[0].pasid == 0 && call[0].tag == 100);
    cr_assert(call[1].pasid == 2 && call[1].tag == 100);
    cr_assert(call[2].pasid == 3 && call[2].tag == 103);
    cr_assert(call[3].pasid == 3 && call[3].tag == 104);
    /* Configuration is each one's own. */
    calls = tickets = 0;
    cr_assert_eq(uiommu_wave_run(&as, UIOMMU_WAVE_BLOCK, NULL), UIOMMU_OK);
    cr_assert_eq(calls, 10);
}

static uint32_t looks;
static uiommu_err present(void *ctx)
{
    (void)ctx;
    cr_assert_eq(host.irq_depth, 0, "no lock is held");
    looks++;
    return UIOMMU_OK;
}

/* R20: who has no TLB, or is gone, is not asked; nobody is looked for in other waves. */
Test(wave, device_tlbs)
{
    static const struct uiommu_range range = {0x1000, 0x2000, 0};

    fresh(4);
    uiommu_word_store(&dev[0].ats_on, 0);
    uiommu_word_store(&dev[2].state, UIOMMU_DEVICE_GONE);
    dev[3].ops.present = present;
    looks = 0;
    cr_assert_eq(uiommu_wave_run(&as, UIOMMU_WAVE_DEVICE, &range), UIOMMU_OK);
    cr_assert(calls == 2 && call[0].pasid == 1 && call[1].pasid == 3 && range_seen == &range);
    cr_assert(tickets == 1 && looks == 1);
    cr_assert_eq(uiommu_wave_run(&as, UIOMMU_WAVE_TLB, &range), UIOMMU_OK);
    cr_assert_eq(uiommu_wave_run(&as, UIOMMU_WAVE_BLOCK, &range), UIOMMU_OK);
    cr_assert_eq(looks, 1);
}

/* Sixteen of one unit at a time, each batch behind its ticket, everybody once. */
Test(wave, batches)
{
    uint32_t i;

    fresh(BONDS);
    for (i = 20; i < 24; i++)
        dev[i].unit = second;
    uiommu_word_store(&second->due, 0);
    cr_assert_eq(uiommu_wave_run(&as, UIOMMU_WAVE_TLB, NULL), UIOMMU_OK);
    cr_assert(calls == BONDS && pins() == 0);
    for (i = 0; i < BONDS; i++)
        cr_assert_eq(call[i].pasid, i);
    cr_assert_eq(tickets, 4);
    cr_assert(tickets_at[0] == 16 && tickets_at[1] == 20 && tickets_at[2] == 24);
    cr_assert_eq(tickets_at[3], BONDS);
    cr_assert_neq(uiommu_word_load(&second->due), 0, "told as well");
}

/* A full command ring: what is in is closed by a ticket, the rest follows, nothing twice. */
Test(wave, no_room)
{
    uint32_t i;

    fresh(4);
    busy_at = 3;
    cr_assert_eq(uiommu_wave_run(&as, UIOMMU_WAVE_TLB, NULL), UIOMMU_OK);
    cr_assert(calls == 4 && tickets == 2 && tickets_at[0] == 2);
    for (i = 0; i < 4; i++)
        cr_assert_eq(call[i].pasid, i);
    fresh(4);
    busy_at = 1;
    cr_assert_eq(uiommu_wave_run(&as, UIOMMU_WAVE_TLB, NULL), UIOMMU_OK);
    cr_assert(calls == 4 && tickets == 1, "no ticket for nothing");
    fresh(4);
    busy_at = 3;
    busy_says = UIOMMU_E_UNSUPPORTED; /* what is refused does not wait for room */
    cr_assert_eq(uiommu_wave_run(&as, UIOMMU_WAVE_TLB, NULL), UIOMMU_E_WITHHELD);
    cr_assert(calls == 2 && tickets == 0 && pins() == 0);
}

static uint32_t how(uint32_t i)
{
    return uiommu_word_load(&dev[i].mute);
}

static uint32_t isolated(uint32_t n)
{
    uint32_t i, found = 0;

    for (i = 0; i < n; i++) {
        if (uiommu_word_load(&dev[i].state) == UIOMMU_DEVICE_ISOLATED)
            found |= 1u << i;
    }
    return found;
}

/* R15: each is asked again alone, behind a ticket that found the queue empty; who fails then is
 * cut off, and only for its own TLB. */
Test(wave, culprit)
{
    fresh(4);
    bad = 2;
    cr_assert_eq(uiommu_wave_run(&as, UIOMMU_WAVE_DEVICE, NULL), UIOMMU_E_WITHHELD);
    cr_assert(calls == 8 && tickets == 9 && isolated(4) == 4 && pins() == 0);
    cr_assert(call[4].pasid == 0 && call[7].pasid == 3);
    cr_assert(tickets_at[1] == 4 && tickets_at[2] == 5 && tickets_at[3] == 5);
    cr_assert(how(0) == UIOMMU_MUTE_NO && how(2) == UIOMMU_MUTE_YES && how(3) == UIOMMU_MUTE_NO);
    /* It is not asked any more; the others go on together without it. */
    calls = tickets = 0;
    cr_assert_eq(uiommu_wave_run(&as, UIOMMU_WAVE_DEVICE, NULL), UIOMMU_E_WITHHELD);
    cr_assert(calls == 3 && call[0].pasid == 0 && call[1].pasid == 1 && call[2].pasid == 3);
    cr_assert_eq(tickets, 1);
    cr_assert_eq(uiommu_wave_run(&as, UIOMMU_WAVE_TLB, NULL), UIOMMU_E_WITHHELD);
    bad = UINT32_MAX;
    cr_assert_eq(uiommu_wave_run(&as, UIOMMU_WAVE_TLB, NULL), UIOMMU_OK,
                 "the IOTLB is no device's");
    /* Nor by another bond of it. */
    fresh(3);
    bond[2].dev = &dev[1];
    bad = 1;
    cr_assert_eq(uiommu_wave_run(&as, UIOMMU_WAVE_DEVICE, NULL), UIOMMU_E_WITHHELD);
    cr_assert(calls == 5 && tickets == 5 && isolated(3) == 2);
    fresh(4);
    bad = 2;
    cr_assert_eq(uiommu_wave_run(&as, UIOMMU_WAVE_TLB, NULL), UIOMMU_E_WITHHELD);
    cr_assert(calls == 8 && tickets == 5 && isolated(4) == 0);
    cr_assert(how(2) == UIOMMU_MUTE_NO);
    /* One tag of two bonds is tried for each of them. */
    fresh(3);
    bond[1].tag = &tag[0];
    bond[1].pasid = 0;
    bad = 2;
    cr_assert_eq(uiommu_wave_run(&as, UIOMMU_WAVE_TLB, NULL), UIOMMU_E_WITHHELD);
    cr_assert(calls == 5 && tickets == 4);
    /* The next batch is done although this one failed. */
    fresh(20);
    bad = 1;
    cr_assert_eq(uiommu_wave_run(&as, UIOMMU_WAVE_DEVICE, NULL), UIOMMU_E_WITHHELD);
    cr_assert(isolated(20) == 2 && call[calls - 1].pasid == 19 && tickets == 1 + 32 + 1);
}

static uint32_t fails;
static uiommu_err fails_as;
static uiommu_err once(void *hw, uint64_t t)
{
    (void)hw;
    (void)t;
    return fails != 0 && fails-- != 0 ? fails_as : UIOMMU_OK;
}

/* What succeeds alone was nobody's fault; nor is what others left in the queue. */
Test(wave, second_try)
{
    uint32_t i;

    fresh(4);
    uiommu_word_store(&dev[3].ats_on, 0); /* has nothing to ask */
    fails = 3;
    fails_as = UIOMMU_E_HW;
    unit->ops.ticket_poll = once;
    cr_assert_eq(uiommu_wave_run(&as, UIOMMU_WAVE_DEVICE, NULL), UIOMMU_OK);
    cr_assert(calls == 6 && tickets == 1 + 2 + 2 * 3 && isolated(4) == 0);
    for (i = 0; i < 4; i++)
        cr_assert_eq(how(i), UIOMMU_MUTE_NO);
}

/* Who is under suspicion already is asked alone at once; without a TLB nobody is. */
Test(wave, suspects)
{
    fresh(3);
    uiommu_mute_suspect(&dev[1]);
    cr_assert_eq(uiommu_wave_run(&as, UIOMMU_WAVE_DEVICE, NULL), UIOMMU_OK);
    cr_assert(calls == 3 && tickets == 2 * 3 && how(1) == UIOMMU_MUTE_NO);
    fresh(3);
    uiommu_mute_suspect(&dev[1]);
    uiommu_word_store(&dev[1].ats_on, 0);
    cr_assert_eq(uiommu_wave_run(&as, UIOMMU_WAVE_DEVICE, NULL), UIOMMU_OK);
    cr_assert(calls == 2 && tickets == 1 && how(1) == UIOMMU_MUTE_MAYBE);
    cr_assert_eq(uiommu_wave_run(&as, UIOMMU_WAVE_TLB, NULL), UIOMMU_OK);
    cr_assert_eq(tickets, 2);
}

/* R12: a unit that hangs is not tried bond by bond, and nobody is blamed for it; but who was asked
 * is asked alone from then on. */
Test(wave, hangs)
{
    fresh(4);
    bad = 2;
    uiommu_word_store(&dev[3].ats_on, 0);
    last_says = UIOMMU_PENDING;
    cr_assert_eq(uiommu_wave_run(&as, UIOMMU_WAVE_DEVICE, NULL), UIOMMU_E_WITHHELD);
    cr_assert(calls == 3 && tickets == 1 && isolated(4) == 0 && pins() == 0);
    cr_assert_eq(uiommu_word_load(&unit->hung), 1);
    cr_assert(how(0) == UIOMMU_MUTE_MAYBE && how(2) == UIOMMU_MUTE_MAYBE);
    cr_assert_eq(how(3), UIOMMU_MUTE_NO);
    /* Late alone is hung, too, and mute the second time. */
    uiommu_word_store(&unit->hung, 0);
    cr_assert_eq(uiommu_wave_run(&as, UIOMMU_WAVE_DEVICE, NULL), UIOMMU_E_WITHHELD);
    cr_assert(how(0) == UIOMMU_MUTE_NO && how(2) == UIOMMU_MUTE_LATE && isolated(4) == 0);
    uiommu_word_store(&unit->hung, 0);
    cr_assert_eq(uiommu_wave_run(&as, UIOMMU_WAVE_DEVICE, NULL), UIOMMU_E_WITHHELD);
    cr_assert(how(2) == UIOMMU_MUTE_YES && isolated(4) == 4);
    uiommu_word_store(&unit->hung, 0);
}

/* On a unit that hangs before anybody was asked alone, nobody is; nor once drain_ns is over. */
Test(wave, no_turn)
{
    uint64_t drain_ns, tick_ns = host.tick_ns;

    fresh(3);
    uiommu_mute_suspect(&dev[0]);
    fails = UINT32_MAX;
    fails_as = UIOMMU_PENDING;
    unit->ops.ticket_poll = once;
    cr_assert_eq(uiommu_wave_run(&as, UIOMMU_WAVE_DEVICE, NULL), UIOMMU_E_WITHHELD);
    cr_assert(calls == 0 && uiommu_word_load(&unit->hung) == 1 && isolated(3) == 0);
    uiommu_word_store(&unit->hung, 0);
    fresh(3);
    uiommu_mute_suspect(&dev[0]);
    unit->ops.ticket_poll = once;
    unit->moved_ns = host.now_ns + UINT64_C(1000000000000); /* it gets on, and on */
    cr_assert_eq(uiommu_wave_run(&as, UIOMMU_WAVE_DEVICE, NULL), UIOMMU_E_WITHHELD);
    cr_assert(calls == 0 && uiommu_word_load(&unit->hung) == 0);
    cr_assert_eq(tickets, unit->config.drain_ns / unit->config.command_ns, "for all of them");
    unit->moved_ns = 0;
    /* Over is over, to the nanosecond. */
    fresh(1);
    uiommu_mute_suspect(&dev[0]);
    drain_ns = unit->config.drain_ns;
    unit->config.drain_ns = 0;
    host.tick_ns = 0;
    cr_assert_eq(uiommu_wave_run(&as, UIOMMU_WAVE_DEVICE, NULL), UIOMMU_E_WITHHELD);
    cr_assert(calls == 0 && tickets == 0);
    unit->config.drain_ns = drain_ns;
    host.tick_ns = tick_ns;
    /* What fails there is no hang, even on a unit that counts as hung. */
    fresh(1);
    uiommu_mute_suspect(&dev[0]);
    uiommu_word_store(&unit->hung, 1);
    fails = 1;
    fails_as = UIOMMU_E_HW;
    unit->ops.ticket_poll = once;
    cr_assert_eq(uiommu_wave_run(&as, UIOMMU_WAVE_DEVICE, NULL), UIOMMU_OK);
    cr_assert(calls == 1 && tickets == 3 && how(0) == UIOMMU_MUTE_NO);
    uiommu_word_store(&unit->hung, 0);
}
