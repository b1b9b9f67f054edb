/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit_bond.h"

/* bond.c alone: names and lives, marks where there is no bond, and who is asked to be stepped
 * (R3, R4, R8, R9, R27, I24). */

static struct uiommu_bond *b;
static struct uiommu_bond_ref ref;

static void up(void)
{
    bond_up();
    cr_assert_eq(uiommu_bond_alloc(u, &b), UIOMMU_OK);
    b->dev = &dev;
    b->pasid = 3;
    b->where = &dev.untagged;
    dev.bonds = 1;
    dev.ids[0].id = 8;
    ref = uiommu_bond_name(b);
}
static void down(void)
{
    unit->stopping = NULL;
    u->free_bonds = b;
    b->next_free = NULL;
    toy_end();
}

TestSuite(bond, .init = up, .fini = down);

/* A new life: closed, reserved, in its bind, and nothing of the life before. */
Test(bond, reserved)
{
    uint32_t generation = b->generation;

    cr_assert(uiommu_gate_closed(b) && uiommu_gate_count(b) == 0);
    cr_assert(uiommu_bond_state(b) == UIOMMU_BOND_RESERVED && b->making && b->u == u);
    cr_assert(b->ready_head == UIOMMU_NO_SLOT && b->ready_tail == UIOMMU_NO_SLOT);
    cr_assert(ref.index == b->index && ref.generation == generation && generation != 0);
    b->user = b;
    b->late = true;
    uiommu_bond_free(b);
    cr_assert(u->free_bonds == b && dev.bonds == 0);
    cr_assert_eq(uiommu_bond_alloc(u, &b), UIOMMU_OK);
    cr_assert_null(u->free_bonds);
    cr_assert(b->generation == generation + 1 && b->index == ref.index, "of the same name");
    cr_assert(b->user == NULL && !b->late && b->dev == NULL && !b->freed);
}

/* No memory is none; what was got for nothing is given back. */
Test(bond, no_memory)
{
    struct uiommu_bond *other = NULL;
    uint64_t live = host.live, i;

    for (i = 1; i < 10; i++) {
        host.fail_at = host.gets + i;
        if (uiommu_bond_alloc(u, &other) == UIOMMU_OK)
            break;
        cr_assert_null(other);
        cr_assert(host.live <= live + 1, "%u", (uint32_t)i); /* a part of the radix may stay */
    }
    host.fail_at = 0;
    cr_assert_neq(i, 1);
    cr_assert_not_null(other);
    cr_assert(other->index == b->index + 1 && other->generation == 1);
}

/* Somebody is at it, and does not come to an end: no bond, and nothing is left over. */
Test(bond, not_in_time)
{
    struct uiommu_bond *other = NULL;
    uint64_t live = host.live;

    uiommu_word_store(&u->bond_control, 1);
    cr_assert_eq(uiommu_bond_alloc(u, &other), UIOMMU_E_NOMEM);
    uiommu_word_store(&u->bond_control, 0);
    cr_assert(other == NULL && host.live == live);
}

/* R27: a name means its life and no other. */
Test(bond, names)
{
    struct uiommu_bond *got = NULL;
    struct uiommu_bond_ref other = ref;

    cr_assert_eq(uiommu_bond_pin(u, ref, &got), UIOMMU_OK);
    cr_assert(got == b && b->pins == 1);
    uiommu_bond_unpin(b);
    cr_assert_eq(b->pins, 0);
    other.generation = 0;
    cr_assert_eq(uiommu_bond_pin(u, other, &got), UIOMMU_E_HANDLE);
    other.generation = ref.generation + 1;
    cr_assert_eq(uiommu_bond_pin(u, other, &got), UIOMMU_E_HANDLE, "not yet");
    other = ref;
    other.index++;
    cr_assert_eq(uiommu_bond_pin(u, other, &got), UIOMMU_E_HANDLE);
    cr_assert_eq(uiommu_bond_pin(NULL, ref, &got), UIOMMU_E_HANDLE);
    b->dev = NULL;
    cr_assert_eq(uiommu_bond_pin(u, ref, &got), UIOMMU_E_HANDLE, "not bound yet");
    b->dev = &dev;
    b->generation++;
    cr_assert_eq(uiommu_bond_pin(u, ref, &got), UIOMMU_E_STALE);
    b->generation = 1;
    other = ref;
    other.generation = UINT32_MAX;
    cr_assert_eq(uiommu_bond_pin(u, other, &got), UIOMMU_E_STALE, "round the end");
    cr_assert_eq(b->pins, 0);
    b->generation = UINT32_MAX;
    b->pins = 1;
    uiommu_bond_free(b);
    cr_assert_eq(b->generation, 1, "never 0");
    b->pins = 0;
}

/* A slot in use by somebody is not used again before he lets go. */
Test(bond, freed_while_pinned)
{
    struct uiommu_bond *got = NULL;

    cr_assert_eq(uiommu_bond_pin(u, ref, &got), UIOMMU_OK);
    cr_assert_eq(uiommu_bond_pin(u, ref, &got), UIOMMU_OK);
    uiommu_bond_free(b);
    cr_assert(b->freed && u->free_bonds == NULL && dev.bonds == 1);
    cr_assert_eq(uiommu_bond_state(b), UIOMMU_BOND_FREE);
    uiommu_bond_unpin(b);
    cr_assert(b->freed && u->free_bonds == NULL && dev.bonds == 1);
    uiommu_bond_unpin(b);
    cr_assert(!b->freed && u->free_bonds == b && dev.bonds == 0);
}

/* R8: a life that ended without its marker leaves a mark, until the next reset. */
Test(bond, marks)
{
    uint32_t i;

    for (i = 0; i < 4; i++) {
        struct uiommu_bond *before = b;

        b->stamped = i != 3;
        b->marker = i == 1;
        b->reset_proof = i == 2;
        uiommu_slot_store(&dev.untagged, b);
        cr_assert_eq(uiommu_bond_find(&dev, UIOMMU_PASID_NONE), b);
        uiommu_bond_free(b);
        cr_assert_eq(uiommu_bond_markers_ok(&dev, &dev.untagged), i != 0, "%u", i);
        cr_assert_eq(uiommu_slot_load(&dev.untagged) == NULL, i == 1 || i == 2);
        if (i != 3)
            cr_assert_null(uiommu_bond_find(&dev, UIOMMU_PASID_NONE));
        uiommu_word_add(&dev.generation, 1);
        cr_assert(uiommu_bond_markers_ok(&dev, &dev.untagged), "of before the reset");
        cr_assert_eq(uiommu_bond_alloc(u, &b), UIOMMU_OK);
        cr_assert_eq(b, before);
        b->dev = &dev;
        b->where = &dev.untagged;
        dev.bonds = 1;
    }
    cr_assert_null(uiommu_bond_find(&dev, 7));
}

/* Each generation has its own mark. */
Test(bond, marks_of_generations)
{
    uint32_t at, other;

    for (at = 1; at < 6; at++) {
        uiommu_word_store(&dev.generation, at);
        b->stamped = true;
        b->generation = at;
        uiommu_bond_free(b);
        for (other = 1; other < 12; other++) {
            uiommu_word_store(&dev.generation, other);
            cr_assert_eq(uiommu_bond_markers_ok(&dev, &dev.untagged), other != at);
            cr_assert_null(uiommu_bond_find(&dev, UIOMMU_PASID_NONE), "a mark is no bond");
        }
        cr_assert_eq(uiommu_bond_alloc(u, &b), UIOMMU_OK);
        b->dev = &dev;
        b->where = &dev.untagged;
        dev.bonds = 1;
    }
}

/* Several that are free wait one behind the other. */
Test(bond, several)
{
    struct uiommu_bond *other = NULL;

    cr_assert_eq(uiommu_bond_alloc(u, &other), UIOMMU_OK);
    other->dev = &dev;
    other->pasid = 4;
    dev.bonds = 2;
    uiommu_bond_set_state(other, UIOMMU_BOND_LIVE);
    cr_assert_eq(host.trace.a, UINT64_C(1) << 32 | 1);
    cr_assert_eq(host.trace.b, UINT64_C(8) << 32 | 4);
    uiommu_bond_free(b);
    uiommu_bond_free(other);
    cr_assert(u->free_bonds == other && other->next_free == b && dev.bonds == 0);
    cr_assert_eq(uiommu_bond_alloc(u, &other), UIOMMU_OK);
    cr_assert_eq(u->free_bonds, b);
}

/* Told where it changes, and only there. */
Test(bond, states)
{
    uint32_t traces = host.traces;

    uiommu_bond_set_state(b, UIOMMU_BOND_RESERVED);
    cr_assert_eq(host.traces, traces);
    uiommu_bond_set_state(b, UIOMMU_BOND_LIVE);
    cr_assert(host.traces == traces + 1 && host.trace.id == UIOMMU_TRACE_BOND);
    cr_assert_eq(host.trace.a, (uint64_t)b->index << 32 | b->generation);
    cr_assert_eq(host.trace.b, UINT64_C(8) << 32 | 3);
    cr_assert(host.trace.c == UIOMMU_BOND_RESERVED && host.trace.d == UIOMMU_BOND_LIVE);
}

/* ---- wishes ---- */

/* Listed once an unbind is wanted, its bind is over, and it is not over itself. */
Test(bond, wants)
{
    uint32_t due = uiommu_word_load(&unit->due);

    uiommu_bond_want(b, UIOMMU_WANT_UNBIND);
    cr_assert(!b->stop_listed && unit->stopping == NULL && b->making);
    cr_assert_neq(uiommu_word_load(&unit->due), due);
    uiommu_bond_made(b, UIOMMU_WANT_ABORT);
    cr_assert(b->stop_listed && unit->stopping == b && !b->making && b->stop_next == NULL);
    cr_assert_eq(uiommu_word_load(&b->wants), UIOMMU_WANT_UNBIND | UIOMMU_WANT_ABORT);
    uiommu_bond_want(b, UIOMMU_WANT_STOPPED);
    cr_assert(unit->stopping == b && b->stop_next == NULL, "once");
    unit->stopping = NULL;
    b->stop_listed = false;
    uiommu_word_store(&b->wants, 0);
    uiommu_bond_want(b, UIOMMU_WANT_STOPPED);
    cr_assert_not(b->stop_listed, "no unbind");
    uiommu_word_store(&b->state, UIOMMU_BOND_FREE);
    uiommu_bond_want(b, UIOMMU_WANT_UNBIND);
    cr_assert_not(b->stop_listed, "it is over");
    uiommu_word_store(&b->state, UIOMMU_BOND_LIVE);
    unit->stopping = &bond;
    uiommu_bond_want(b, UIOMMU_WANT_RETRY);
    cr_assert(unit->stopping == b && b->stop_next == &bond);
}

/* Who asked while it ended finds it off the list, wherever in it. */
Test(bond, freed_while_listed)
{
    struct uiommu_bond last;

    memset(&last, 0, sizeof(last));
    b->stop_listed = true;
    b->stop_next = &last;
    bond.stop_next = b;
    unit->stopping = &bond;
    uiommu_bond_free(b);
    cr_assert(unit->stopping == &bond && bond.stop_next == &last && !b->stop_listed);
}

/* R4, R9: the proofs of a reset are for those whose driver knew, of this device; those of a
 * removal for all of it. */
Test(bond, reset)
{
    struct uiommu_device far;
    struct uiommu_bond told, other;

    memset(&far, 0, sizeof(far));
    memset(&told, 0, sizeof(told));
    memset(&other, 0, sizeof(other));
    told.dev = &dev;
    other.dev = &far;
    unit->stopping = b;
    b->stop_next = &told;
    told.stop_next = &other;
    uiommu_word_store(&told.wants, UIOMMU_WANT_TOLD);
    uiommu_word_store(&b->wants, ~(UIOMMU_WANT_TOLD | UIOMMU_WANT_STOPPED | UIOMMU_WANT_RESET));
    uiommu_word_store(&other.wants, UIOMMU_WANT_TOLD);
    uiommu_bonds_reset(&dev);
    cr_assert_eq(uiommu_word_load(&told.wants), UIOMMU_WANT_TOLD | UIOMMU_WANT_RESET);
    cr_assert_eq(uiommu_word_load(&b->wants) & UIOMMU_WANT_RESET, 0);
    cr_assert_eq(uiommu_word_load(&other.wants), UIOMMU_WANT_TOLD);
    uiommu_word_store(&b->wants, UIOMMU_WANT_STOPPED);
    uiommu_bonds_reset(&dev);
    cr_assert_eq(uiommu_word_load(&b->wants), UIOMMU_WANT_STOPPED | UIOMMU_WANT_RESET);
    uiommu_word_store(&b->wants, 0);
    uiommu_word_store(&dev.state, UIOMMU_DEVICE_GONE);
    uiommu_bonds_reset(&dev);
    cr_assert_eq(uiommu_word_load(&b->wants), UIOMMU_WANT_RESET);
    cr_assert_eq(uiommu_word_load(&other.wants), UIOMMU_WANT_TOLD);
}

/* ---- what is told ---- */

Test(bond, info)
{
    struct uiommu_bond_counters counters;
    struct uiommu_bond_info info;

    uiommu_word_store(&b->missing, UIOMMU_PROOF_TLB);
    uiommu_word_store(&b->gate, UIOMMU_GATE_CLOSED);
    uiommu_word_store(&b->came, 3);
    uiommu_word_store(&b->went, UINT32_MAX - 1);
    uiommu_word_store(&b->shown, 9u << 2 | 1u);
    b->as = &as;
    b->user = &as;
    b->counters.groups = 77;
    cr_assert_eq(uiommu_bond_get_info(u, ref, &info), UIOMMU_OK);
    cr_assert(info.state == UIOMMU_BOND_RESERVED && info.missing == UIOMMU_PROOF_TLB);
    cr_assert(info.pasid == 3 && info.in_flight == 5 && info.barriers == 9);
    cr_assert(info.stop_confirmed && !info.marker_seen);
    cr_assert(info.device == &dev && info.aspace == &as && info.user == &as);
    uiommu_word_store(&b->shown, 2u);
    cr_assert_eq(uiommu_bond_get_info(u, ref, &info), UIOMMU_OK);
    cr_assert(!info.stop_confirmed && info.marker_seen && info.barriers == 0);
    cr_assert_eq(uiommu_bond_get_counters(u, ref, &counters), UIOMMU_OK);
    cr_assert_eq(counters.groups, 77);
    cr_assert_eq(b->pins, 0);
    cr_assert_eq(uiommu_bond_get_info(u, ref, NULL), UIOMMU_E_INVALID);
    cr_assert_eq(uiommu_bond_get_counters(u, ref, NULL), UIOMMU_E_INVALID);
    b->generation++;
    memset(&info, 0xff, sizeof(info));
    cr_assert_eq(uiommu_bond_get_info(u, ref, &info), UIOMMU_OK);
    cr_assert(info.state == UIOMMU_BOND_FREE && info.missing == 0 && info.device == NULL);
    cr_assert(info.user == NULL && info.barriers == 0 && info.pasid == 0);
    cr_assert_eq(uiommu_bond_get_counters(u, ref, &counters), UIOMMU_E_STALE);
    ref.index = 99;
    cr_assert_eq(uiommu_bond_get_info(u, ref, &info), UIOMMU_E_HANDLE);
    b->as = NULL;
}

/* ---- what the inner checks call impossible ---- */

Test(bond, gates)
{
    uint32_t state;

    for (state = UIOMMU_BOND_FREE; state <= UIOMMU_BOND_POISONED; state++) {
        uiommu_word_store(&b->state, state);
        uiommu_word_store(&b->gate, UIOMMU_GATE_CLOSED);
        uiommu_word_store(&b->came, UINT32_MAX / 2 + 7);
        uiommu_word_store(&b->went, 7);
        cr_assert(uiommu_gate_valid(b));
        uiommu_word_store(&b->went, 6);
        cr_assert_not(uiommu_gate_valid(b));
        uiommu_word_store(&b->went, 8);
        uiommu_word_store(&b->gate, UIOMMU_GATE_CLOSED << 1);
        cr_assert_not(uiommu_gate_valid(b));
        uiommu_word_store(&b->gate, 0);
        cr_assert_eq(uiommu_gate_valid(b),
                     state == UIOMMU_BOND_LIVE || state == UIOMMU_BOND_STOPPING);
    }
}

static struct uiommu_bond good(void)
{
    struct uiommu_bond v = *b;

    uiommu_word_store(&v.state, UIOMMU_BOND_LIVE);
    uiommu_word_store(&v.gate, 0);
    uiommu_word_store(&v.came, 3);
    v.making = false;
    v.as = &as;
    return v;
}

#define BAD(change)                                                                                \
    do {                                                                                           \
        struct uiommu_bond v = good();                                                             \
        change;                                                                                    \
        cr_assert_not(uiommu_bond_valid(&v), #change);                                             \
    } while (0)
#define GOOD(change)                                                                               \
    do {                                                                                           \
        struct uiommu_bond v = good();                                                             \
        change;                                                                                    \
        cr_assert(uiommu_bond_valid(&v), #change);                                                 \
    } while (0)

Test(bond, valid)
{
    GOOD((void)0);
    BAD(v.generation = 0);
    BAD(v.u = NULL);
    BAD(uiommu_word_store(&v.state, UIOMMU_BOND_POISONED + 1);
        uiommu_word_store(&v.gate, UIOMMU_GATE_CLOSED));
    GOOD(uiommu_word_store(&v.state, UIOMMU_BOND_POISONED);
         uiommu_word_store(&v.gate, UIOMMU_GATE_CLOSED));
    BAD(v.freed = true);
    BAD(v.phase = UIOMMU_PHASE_END + 1);
    GOOD(v.phase = UIOMMU_PHASE_END);
    BAD(uiommu_word_store(&v.missing, 0x40));
    GOOD(uiommu_word_store(&v.missing, 0x3f));
    BAD(uiommu_word_store(&v.gate, UIOMMU_GATE_CLOSED << 1));
    BAD(uiommu_word_store(&v.went, 4));
    GOOD(v.running = 3);
    BAD(v.running = 4);
    GOOD(v.running = v.cap = 2);
    BAD(v.running = 2; v.cap = 1);
    BAD(v.ready_listed = true);
    BAD(v.ready_head = 1);
    GOOD(v.ready_head = 1; v.ready_listed = true);
    GOOD(v.listed = true);
    BAD(v.listed = true; v.as = NULL);
    GOOD(v.stop_listed = true);
    BAD(v.stop_listed = true; v.making = true);
    BAD(v.counted_stop = true);
    GOOD(v.counted_stop = true; v.stop_listed = true);
    GOOD(v.holds_pasid = true);
    BAD(v.holds_pasid = true; v.pasid = UIOMMU_PASID_NONE);
    BAD(v.stamped = true);
    BAD(v.stamped = true; v.where = NULL);
    GOOD(v.stamped = true; uiommu_slot_store(&dev.untagged, &v));
}

#define OVER uiommu_word_store(&v.state, UIOMMU_BOND_FREE)

Test(bond, valid_when_over)
{
    GOOD(OVER; v.freed = true);
    GOOD(OVER; v.running = 9; v.counted_stop = true); /* nobody looks any more */
    BAD(OVER; v.ready_listed = true);
    BAD(OVER; v.stop_listed = true);
    BAD(OVER; v.listed = true);
    BAD(OVER; v.generation = 0);
}
