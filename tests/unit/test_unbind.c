/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit_bond.h"

/* unbind.c alone: what is asked of the machine, and what a caller hears of it (R4, R9, R14, R30,
 * I18). The bond is one that its bind still holds, so that nobody steps it. */

static struct uiommu_bond *b;
static struct uiommu_bond_ref ref;
static uint32_t stops, polled_then, due_then;
static uiommu_err stop_says;
static bool inside_then, calls_for_it;

static uiommu_err stop(void *ctx, struct uiommu_device *d, struct uiommu_bond_ref which,
                       uint32_t pasid)
{
    cr_assert(ctx == &host && d == &dev && which.index == ref.index && pasid == 3);
    cr_assert_eq(which.generation, ref.generation);
    stops++;
    inside_then = uiommu_inside(u);
    cr_assert_eq(uiommu_unbind(u, ref, 0), UIOMMU_E_BUSY, "R14");
    cr_assert_neq(uiommu_word_load(&b->wants) & UIOMMU_WANT_CALLED, 0);
    cr_assert_neq(uiommu_word_load(&b->wants) & UIOMMU_WANT_POLLED, 0, "its place is kept (R30)");
    due_then = uiommu_word_load(&unit->due);
    return stop_says;
}
static void acked(void *hw)
{
    (void)hw;
    polled_then |= uiommu_word_load(&b->wants) & UIOMMU_WANT_POLLED;
    if (calls_for_it)
        uiommu_word_or(&b->wants, UIOMMU_WANT_CALL); /* as the machine does for who polls */
}

static void fresh(uint32_t wanted)
{
    uiommu_word_store(&b->wants, wanted);
    uiommu_word_store(&b->missing, 0);
    uiommu_word_store(&b->state, UIOMMU_BOND_LIVE);
    stops = polled_then = 0;
    calls_for_it = false;
    stop_says = UIOMMU_OK;
}

static void up(void)
{
    bond_up();
    cr_assert_eq(uiommu_bond_alloc(u, &b), UIOMMU_OK);
    b->dev = &dev;
    b->pasid = 3;
    dev.ops.stop = stop;
    dev.ops_ctx = &host;
    ref = uiommu_bond_name(b);
    unit->ops.irq_ack = acked;
    fresh(0);
}
static void down(void)
{
    cr_assert_eq(b->pins, 0);
    b->next_free = u->free_bonds;
    u->free_bonds = b;
    toy_end();
}

TestSuite(unbind, .init = up, .fini = down);

/* R30: the poll that lets the machine ask for stop() calls it. */
Test(unbind, called_at_once)
{
    fresh(UIOMMU_WANT_UNBIND);
    calls_for_it = true;
    uiommu_stop_poll(b, ref);
    cr_assert_eq(stops, 1);
    calls_for_it = false;
}

static uint32_t wanted(void)
{
    return uiommu_word_load(&b->wants);
}

/* R9: what each state means to who asks. */
Test(unbind, results)
{
    uint32_t state, proof;

    for (state = UIOMMU_BOND_FREE; state <= UIOMMU_BOND_POISONED; state++) {
        uiommu_word_store(&b->state, state);
        uiommu_word_store(&b->missing, 0);
        cr_assert_eq(uiommu_bond_result(b),
                     state == UIOMMU_BOND_FREE || state == UIOMMU_BOND_QUARANTINE ? UIOMMU_OK
                     : state == UIOMMU_BOND_POISONED ? UIOMMU_E_POISONED
                                                     : UIOMMU_PENDING);
    }
    uiommu_word_store(&b->state, UIOMMU_BOND_POISONED);
    for (proof = 1; proof < 0x40; proof <<= 1) {
        uiommu_word_store(&b->missing, proof);
        cr_assert_eq(uiommu_bond_result(b), proof == UIOMMU_PROOF_CONFIG ||
                                                    proof == UIOMMU_PROOF_TLB ||
                                                    proof == UIOMMU_PROOF_DEVICE
                                                ? UIOMMU_E_WITHHELD
                                                : UIOMMU_E_POISONED);
    }
}

/* Flags become wishes; a life that is over was unbound, a name that never was is none. */
Test(unbind, begun)
{
    struct uiommu_bond_ref old = ref, never = ref;
    uint32_t flags;

    for (flags = 0; flags < 8; flags++) {
        const uint32_t both = UIOMMU_UNBIND_STOPPED | UIOMMU_UNBIND_ABORT;
        uint32_t to = UIOMMU_WANT_UNBIND;

        fresh(0);
        if ((flags & ~both) != 0) {
            cr_assert_eq(uiommu_unbind_begin(u, ref, flags), UIOMMU_E_INVALID);
            cr_assert_eq(wanted(), 0);
            continue;
        }
        to |= (flags & UIOMMU_UNBIND_STOPPED) != 0 ? UIOMMU_WANT_STOPPED : 0;
        to |= (flags & UIOMMU_UNBIND_ABORT) != 0 ? UIOMMU_WANT_ABORT : 0;
        cr_assert_eq(uiommu_unbind_begin(u, ref, flags), UIOMMU_OK);
        cr_assert(wanted() == to && b->pins == 0);
    }
    fresh(0);
    cr_assert_eq(uiommu_bond_stopped(u, ref), UIOMMU_OK);
    cr_assert(wanted() == UIOMMU_WANT_STOPPED && b->pins == 0);
    never.index = 77;
    cr_assert_eq(uiommu_unbind_begin(u, never, 0), UIOMMU_E_HANDLE);
    cr_assert_eq(uiommu_unbind_poll(u, never), UIOMMU_E_HANDLE);
    cr_assert_eq(uiommu_unbind(u, never, 0), UIOMMU_E_HANDLE);
    cr_assert_eq(uiommu_bond_stopped(u, never), UIOMMU_E_HANDLE);
    b->generation++;
    fresh(0);
    cr_assert_eq(uiommu_unbind_begin(u, old, 0), UIOMMU_OK);
    cr_assert_eq(uiommu_unbind_poll(u, old), UIOMMU_OK);
    cr_assert_eq(uiommu_unbind(u, old, 0), UIOMMU_OK);
    cr_assert_eq(uiommu_bond_stopped(u, old), UIOMMU_E_STALE);
    cr_assert_eq(wanted(), 0, "not this life");
    ref = uiommu_bond_name(b);
}

static void poll_with(uint32_t have, uiommu_err says, uint32_t calls, uint32_t after)
{
    fresh(have);
    stop_says = says;
    uiommu_stop_poll(b, ref);
    cr_assert(stops == calls && wanted() == after, "%x", wanted());
    cr_assert_eq(polled_then, UIOMMU_WANT_POLLED, "known while the unit is served (R30)");
    cr_assert_not(uiommu_inside(u));
}

/* R4, R30: stop() is called once where the machine wants it, and what it says is passed on. */
Test(unbind, stop_is_called)
{
    const uint32_t call = UIOMMU_WANT_UNBIND | UIOMMU_WANT_CALL, called = call | UIOMMU_WANT_CALLED;

    poll_with(UIOMMU_WANT_UNBIND, UIOMMU_OK, 0, UIOMMU_WANT_UNBIND);
    poll_with(called, UIOMMU_OK, 0, called);
    poll_with(call, UIOMMU_OK, 1, called | UIOMMU_WANT_TOLD | UIOMMU_WANT_STOPPED);
    cr_assert(inside_then);
    poll_with(call, UIOMMU_PENDING, 1, called | UIOMMU_WANT_TOLD);
    poll_with(call, UIOMMU_E_HW, 1, called | UIOMMU_WANT_TOLD);
    poll_with(call, UIOMMU_E_UNSUPPORTED, 1, called);
    cr_assert_neq(uiommu_word_load(&unit->due), due_then, "its deadline begins");
}

/* Whatever has taken all places for callbacks: stop() is called all the same. */
Test(unbind, called_without_a_place)
{
    struct uiommu_caller *caller[UIOMMU_RUNNERS];
    uint32_t i;

    for (i = 0; i < UIOMMU_RUNNERS; i++)
        cr_assert_not_null(caller[i] = uiommu_callback_take(unit));
    cr_assert_null(uiommu_callback_take(unit));
    fresh(UIOMMU_WANT_CALL);
    uiommu_stop_poll(b, ref);
    cr_assert_eq(stops, 1);
    for (i = 0; i < UIOMMU_RUNNERS; i++)
        uiommu_caller_give(caller[i]);
}

/* I18: polled before it began it is no unbind; WITHHELD is told first and retried after. */
Test(unbind, polled)
{
    fresh(UIOMMU_WANT_STOPPED);
    cr_assert_eq(uiommu_unbind_poll(u, ref), UIOMMU_E_STATE);
    cr_assert(polled_then == 0 && b->pins == 0);
    fresh(UIOMMU_WANT_UNBIND);
    cr_assert_eq(uiommu_unbind_poll(u, ref), UIOMMU_PENDING);
    cr_assert(wanted() == UIOMMU_WANT_UNBIND && b->pins == 0);
    uiommu_word_store(&b->state, UIOMMU_BOND_POISONED);
    cr_assert_eq(uiommu_unbind_poll(u, ref), UIOMMU_E_POISONED);
    cr_assert_eq(wanted(), UIOMMU_WANT_UNBIND);
    uiommu_word_store(&b->missing, UIOMMU_PROOF_TLB);
    cr_assert_eq(uiommu_unbind_poll(u, ref), UIOMMU_E_WITHHELD);
    cr_assert_eq(wanted(), UIOMMU_WANT_UNBIND | UIOMMU_WANT_RETRY);
}

static uint32_t acks, stops_then;
static void second(void *hw)
{
    (void)hw;
    if (++acks == 2) {
        stops_then = stops;
        uiommu_word_store(&b->state, UIOMMU_BOND_QUARANTINE);
    }
}

/* Served once more after stop() has said its word, and what comes of it is told at once. */
Test(unbind, served_after_the_stop)
{
    fresh(UIOMMU_WANT_UNBIND | UIOMMU_WANT_CALL);
    unit->ops.irq_ack = second;
    acks = 0;
    cr_assert_eq(uiommu_unbind_poll(u, ref), UIOMMU_OK);
    cr_assert(acks == 2 && stops_then == 1);
    unit->ops.irq_ack = acked;
}

static uint32_t wants_then;
static bool pinned_then;
static uintptr_t saves(void *ctx)
{
    (void)ctx;
    return 0;
}
static void restores(void *ctx, uintptr_t irq)
{
    (void)ctx;
    (void)irq;
    if (pinned_then && b->pins == 0) {
        wants_then = uiommu_word_load(&b->wants);
        pinned_then = false;
    }
    pinned_then |= b->pins != 0;
}

/* R27: the wish is the bond's before it is let go of: afterwards it may be another life's. */
Test(unbind, wanted_while_pinned)
{
    struct uiommu_host_ops ops = u->host;

    fresh(0);
    u->host.irq_save = saves;
    u->host.irq_restore = restores;
    pinned_then = false;
    wants_then = 0;
    cr_assert_eq(uiommu_unbind_begin(u, ref, 0), UIOMMU_OK);
    cr_assert_eq(wants_then, UIOMMU_WANT_UNBIND);
    fresh(0);
    wants_then = 0;
    cr_assert_eq(uiommu_bond_stopped(u, ref), UIOMMU_OK);
    cr_assert_eq(wants_then, UIOMMU_WANT_STOPPED);
    u->host = ops;
}

/* ---- waiting ---- */

static uint32_t waits, seen_then;
static uint64_t until_then, clock_then;

static void wait(void *ctx, const struct uiommu_word *word, uint32_t seen, uint64_t deadline)
{
    (void)ctx;
    cr_assert_eq(word, &unit->due);
    waits++;
    seen_then = seen;
    until_then = deadline;
    clock_then = host.now_ns;
    uiommu_word_store(&b->state, UIOMMU_BOND_QUARANTINE);
}

static void waited(uint64_t due)
{
    fresh(0);
    waits = 0;
    host.tick_ns = 0;
    unit->deadline_ns = due;
    uiommu_word_store(&unit->due_now, 0);
    cr_assert(uiommu_role_take(unit)); /* somebody else serves: the deadline is what it is */
    cr_assert_eq(uiommu_unbind(u, ref, 0), UIOMMU_OK);
    (void)uiommu_role_drop(unit);
    host.tick_ns = 1000;
    cr_assert(waits == 1 && b->pins == 0);
}

/* Until the unit is due, but not longer than is sensible, and not until what is over. */
Test(unbind, waits)
{
    u->host.wait = wait;
    host.now_ns = 5000000;
    waited(UINT64_MAX);
    cr_assert_eq(until_then, clock_then + UIOMMU_RETRY_NS);
    waited(5000000 + 10);
    cr_assert_eq(until_then, clock_then + 10);
    waited(5000000);
    cr_assert_eq(until_then, clock_then + UIOMMU_RETRY_NS);
    waited(5000000 + UIOMMU_RETRY_NS + 1);
    cr_assert_eq(until_then, clock_then + UIOMMU_RETRY_NS);
    cr_assert_eq(seen_then, uiommu_word_load(&unit->due));
}

static void due_again(void *hw)
{
    (void)hw;
    uiommu_word_add(&unit->due, 1);
}

/* What became due while it was served does not let it sleep. */
Test(unbind, due_meanwhile)
{
    uint32_t due;

    fresh(0);
    u->host.wait = wait;
    unit->ops.irq_ack = due_again;
    waits = 0;
    cr_assert_eq(uiommu_unbind_begin(u, ref, 0), UIOMMU_OK);
    due = uiommu_word_load(&unit->due);
    cr_assert_eq(uiommu_unbind(u, ref, 0), UIOMMU_OK);
    cr_assert_eq(waits, 1);
    cr_assert(seen_then - due <= 1 && seen_then != uiommu_word_load(&unit->due));
    unit->ops.irq_ack = acked;
}

static uint32_t rounds;
static void ends(void *hw)
{
    (void)hw;
    if (++rounds == 5)
        uiommu_word_store(&b->state, UIOMMU_BOND_QUARANTINE);
}

/* A host that cannot wait polls. */
Test(unbind, polls)
{
    u->host.wait = NULL;
    unit->ops.irq_ack = ends;
    rounds = 0;
    cr_assert_eq(uiommu_unbind(u, ref, 0), UIOMMU_OK);
    cr_assert(rounds >= 5 && b->pins == 0);
}
