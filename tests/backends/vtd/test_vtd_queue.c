/* SPDX-License-Identifier: BSD-2-Clause */
/* The invalidation queue: what is shown to hardware when, what a ticket proves (sheet 6, 8). */
#include "fake_vtd.h"

#include <criterion/criterion.h>

#define SID   0x5e9bu
#define FSTS  0x34u
#define IQH   0x80u
#define IQT   0x88u
#define ICS   0x9cu
#define SLOTS 256u

static struct uiommu *u;
static struct uiommu_vtd *hw;
static struct vtd_device *dev;
static uint32_t ics_reads;
static volatile uint32_t *late_word; /* A status write that only a read of ICS pushes. */
static uint32_t late_value;
static const struct uiommu_root root = {UIOMMU_ROOT_X86_64, 12, 48, 0, 0, 0x7654321000, 0, {0}};

static void begin(void)
{
    struct uiommu_vtd_config config = fake_config();

    u = fake_new();
    hw = fake_unit(u, &config);
    cr_assert_not_null(hw);
    dev = fake_device(hw, SID);
    cr_assert_not_null(dev);
    u->logged = 0;
    u->write_count = 0;
}

static void end(void)
{
    uiommu_vtd_device_detach(hw, dev);
    FAKE_END(u);
}

TestSuite(vtd_queue, .init = begin, .fini = end);

static uiommu_err poll(uint64_t ticket)
{
    return uiommu_vtd_ticket_poll(hw, ticket);
}

static uiommu_err plain(void)
{
    return uiommu_vtd_tlb_invalidate(hw, NULL, 5, &root, 1, NULL);
}

static void device_tlb(uint32_t pasid)
{
    cr_assert_eq(uiommu_vtd_dtlb_invalidate(hw, dev, pasid, NULL), UIOMMU_OK);
}

static uint64_t ticket(void)
{
    uint64_t t = fake_ticket(hw);

    cr_assert_neq(t, 0);
    return t;
}

static uint32_t tail_of(uint64_t position)
{
    return (uint32_t)(position & (SLOTS - 1)) * 32;
}

/* The word that the wait at a position writes. */
static volatile uint32_t *status_at(uint64_t position)
{
    return (volatile uint32_t *)hw->iq.status.cpu + (position & (SLOTS - 1));
}

/* In every slot: a ticket behind a device's invalidation is one to wait for, another is not, also
 * where one was such a ticket the last time. */
Test(vtd_queue, gate_in_every_slot)
{
    uint64_t a, b;
    uint32_t i;

    for (i = 0; i < 2 * SLOTS; i++) {
        u->hold = true;
        device_tlb(i % 2 == 0 ? 5 : UIOMMU_PASID_NONE);
        a = ticket();
        cr_assert_eq(poll(a), UIOMMU_PENDING);
        b = ticket();
        cr_assert_eq(*fake_reg(u, IQT), tail_of(a), "%u", i);
        cr_assert_eq(poll(b), UIOMMU_PENDING);
        fake_release(u);
        cr_assert_eq(poll(a), UIOMMU_OK);
        cr_assert_eq(*fake_reg(u, IQT), tail_of(b));
        cr_assert(!uiommu_vtd_gated(hw), "%u", i);
        cr_assert_eq(poll(b), UIOMMU_OK);
    }
}

/* Whatever comes between the invalidation and its ticket; one ticket covers it. */
Test(vtd_queue, what_a_ticket_covers)
{
    uint64_t a, b;

    u->hold = true;
    cr_assert_eq(plain(), UIOMMU_OK);
    ticket();
    ticket();
    cr_expect_eq(*fake_reg(u, IQT), tail_of(hw->iq.head), "none of a device");
    device_tlb(5);
    cr_assert_eq(plain(), UIOMMU_OK);
    a = ticket();
    cr_assert_eq(plain(), UIOMMU_OK);
    b = ticket();
    cr_expect_eq(*fake_reg(u, IQT), tail_of(a));
    fake_release(u);
    cr_expect_eq(poll(b), UIOMMU_OK);
    cr_expect(!uiommu_vtd_gated(hw));
}

/* Of three waves with a device's invalidation each is shown behind the fate of the one before. */
Test(vtd_queue, one_wave_after_the_other)
{
    uint64_t t[3];
    uint32_t i;

    u->hold = true;
    for (i = 0; i < 3; i++) {
        device_tlb(5 + i);
        t[i] = ticket();
    }
    for (i = 0; i < 3; i++) {
        cr_expect_eq(*fake_reg(u, IQT), tail_of(t[i]), "%u", i);
        cr_expect_eq(poll(t[i]), UIOMMU_PENDING);
        fake_release(u);
        u->hold = true;
        cr_expect_eq(poll(t[i]), UIOMMU_OK);
    }
}

/* Nothing is shown without need: one write of the tail for all, and none for nothing. */
Test(vtd_queue, tail_writes)
{
    uint32_t tail = *fake_reg(u, IQT);

    cr_assert_eq(plain(), UIOMMU_OK);
    uiommu_vtd_scan(hw);
    cr_assert_eq(plain(), UIOMMU_OK);
    cr_expect_eq(*fake_reg(u, IQT), tail);
    cr_expect_eq(u->write_count, 0);
    ticket();
    cr_expect_eq(u->write_count, 1);
    uiommu_vtd_tell(hw);
    cr_expect_eq(u->write_count, 1);
}

/* What needs no register touches none: they are slow. */
Test(vtd_queue, registers_read)
{
    uint64_t t, failed, after;
    uint32_t before = u->core.accesses;

    cr_assert_eq(plain(), UIOMMU_OK);
    cr_expect_eq(u->core.accesses, before);
    t = ticket();
    cr_expect_eq(u->core.accesses, before + 1, "the tail");
    cr_expect_eq(poll(t), UIOMMU_OK);
    cr_expect_eq(poll(t), UIOMMU_OK);
    cr_expect_eq(u->core.accesses, before + 1, "the word was there");
    before = u->core.accesses;
    uiommu_vtd_look(hw);
    cr_expect_eq(u->core.accesses, before + 2, "the errors and the head");
    u->hold = true;
    ticket();
    cr_assert_eq(plain(), UIOMMU_OK);
    failed = ticket();
    after = ticket();
    uiommu_tickets_fail(&hw->iq.tickets, failed - 1, hw->iq.head);
    before = u->core.accesses;
    cr_expect_eq(poll(failed), UIOMMU_E_HW);
    cr_expect_eq(u->core.accesses, before, "its fate is known");
    cr_expect_eq(poll(after), UIOMMU_PENDING);
    fake_release(u);
    cr_expect_eq(poll(after), UIOMMU_OK);
}

/* Of tickets that wait behind a device's each that covers another device's is a gate itself. */
Test(vtd_queue, gate_after_gate)
{
    uint64_t t[4];
    uint32_t i;

    u->hold = true;
    for (i = 0; i < 3; i++) {
        device_tlb(5);
        t[i] = ticket();
    }
    t[3] = ticket();
    for (i = 0; i < 4; i++) {
        cr_expect_eq(*fake_reg(u, IQT) >> 5, (uint32_t)t[i < 3 ? i : 3] % SLOTS, "%u", i);
        fake_release(u);
        u->hold = true;
        uiommu_vtd_scan(hw);
        cr_expect_eq(hw->iq.resolved >= t[i], true);
    }
    u->hold = false;
}

/* Off, or dead: nobody looks, and nothing is shown. */
Test(vtd_queue, neither_off_nor_dead)
{
    uint64_t a, b;
    uint32_t before, tail;

    u->hold = true;
    device_tlb(5);
    a = ticket();
    b = ticket();
    tail = *fake_reg(u, IQT);
    fake_release(u);
    hw->iq.on = false;
    before = u->core.accesses;
    uiommu_vtd_look(hw);
    uiommu_vtd_scan(hw);
    cr_expect_eq(u->core.accesses, before);
    cr_expect_eq(*fake_reg(u, IQT), tail);
    hw->iq.on = true;
    uiommu_vtd_scan(hw);
    cr_expect_eq(poll(a), UIOMMU_OK);
    cr_expect_eq(poll(b), UIOMMU_OK);
    hw->iq.dead = true;
    before = u->core.accesses;
    uiommu_vtd_look(hw);
    cr_expect_eq(u->core.accesses, before);
    cr_expect_eq(uiommu_vtd_ready(hw), UIOMMU_E_HW);
    hw->iq.dead = false;
}

/* A unit that is not there any more reports nothing of its own. */
Test(vtd_queue, all_ones)
{
    uint64_t t;

    u->hold = true;
    t = ticket();
    *fake_reg(u, FSTS) = 0xffffffff;
    cr_expect_eq(poll(t), UIOMMU_E_HW);
    cr_expect(hw->iq.dead);
    cr_expect_eq(hw->notes.count, 0);
    *fake_reg(u, FSTS) = 0;
}

/* With a head that cannot be nothing is made of the errors, and they stay. */
Test(vtd_queue, errors_with_a_bad_head)
{
    u->hold = true;
    ticket();
    *fake_reg(u, FSTS) = 0x50;
    *fake_reg(u, IQH) = 1;
    uiommu_vtd_look(hw);
    cr_expect(hw->iq.dead);
    cr_expect_eq(*fake_reg(u, FSTS), 0x50);
    cr_expect_eq(hw->notes.count, 0);
    *fake_reg(u, FSTS) = 0;
}

static void push(struct uiommu *fake, uint32_t offset)
{
    (void)fake;
    if (offset != ICS)
        return;
    ics_reads++;
    if (late_word != NULL)
        *late_word = uiommu_bits_swap32(late_value);
}

/* A time-out aborts what has not completed: what did is seen first, pushed by a read of ICS. */
Test(vtd_queue, status_writes_are_pushed)
{
    uint64_t a, b;

    u->on_read = push;
    u->hold = true;
    a = ticket();
    device_tlb(5);
    b = ticket();
    uiommu_vtd_look(hw);
    cr_expect_eq(ics_reads, 0);
    *fake_reg(u, IQH) = tail_of(b);
    late_word = status_at(a - 1);
    late_value = (uint32_t)a;
    *fake_reg(u, FSTS) |= 0x40;
    cr_expect_eq(poll(b), UIOMMU_E_HW);
    cr_expect_neq(ics_reads, 0);
    cr_expect_eq(poll(a), UIOMMU_OK);
}

/* A word that says so already, left of 2^32 descriptors ago, is no completion. */
Test(vtd_queue, words_of_before)
{
    uint64_t a, b;

    u->hold = true;
    *status_at(hw->iq.head) = uiommu_bits_swap32((uint32_t)(hw->iq.head + 1u));
    *status_at(hw->iq.head + 1u) = uiommu_bits_swap32((uint32_t)(hw->iq.head + 2u));
    a = ticket();
    b = ticket();
    cr_expect_eq(poll(a), UIOMMU_PENDING);
    cr_expect_eq(poll(b), UIOMMU_PENDING);
    fake_release(u);
    cr_expect_eq(poll(a), UIOMMU_OK);
    cr_expect_eq(poll(b), UIOMMU_OK);
}

/* Nothing was put behind the last ticket: the next one is not done because that is. */
Test(vtd_queue, an_empty_queue)
{
    uint64_t t = ticket();

    cr_expect_eq(poll(t), UIOMMU_OK);
    uiommu_vtd_scan(hw);
    cr_expect_eq(hw->iq.resolved, hw->iq.head);
    u->hold = true;
    cr_expect_eq(poll(ticket()), UIOMMU_PENDING);
    fake_release(u);
}

/* A full queue is shown to hardware, and looked at before anybody is told to come back. */
Test(vtd_queue, full_of_descriptors)
{
    u->hold = true;
    while (plain() == UIOMMU_OK)
        ;
    cr_expect_eq(hw->iq.told, hw->iq.head);
    cr_expect_eq(*fake_reg(u, IQT), tail_of(hw->iq.head));
    fake_release(u);
    cr_expect_eq(plain(), UIOMMU_OK);
    cr_expect_eq(poll(ticket()), UIOMMU_OK);
}

Test(vtd_queue, full_of_tickets)
{
    uint64_t t, n = 0;

    u->hold = true;
    while (uiommu_vtd_ticket(hw, &t) == UIOMMU_OK)
        n++;
    cr_expect_eq(n, SLOTS - 1);
    cr_expect_eq(*fake_reg(u, IQT), tail_of(hw->iq.head));
    fake_release(u);
    cr_expect_eq(uiommu_vtd_ticket(hw, &t), UIOMMU_OK);
    cr_expect_eq(poll(t), UIOMMU_OK);
}

/* The same where the last of them stand behind a device: shown once its fate is known. */
Test(vtd_queue, full_behind_a_device)
{
    uint64_t t, last = 0;

    u->hold = true;
    device_tlb(5);
    while (uiommu_vtd_ticket(hw, &t) == UIOMMU_OK)
        last = t;
    cr_expect(uiommu_vtd_gated(hw));
    fake_release(u);
    cr_expect_eq(uiommu_vtd_ticket(hw, &t), UIOMMU_OK);
    cr_expect_eq(poll(last), UIOMMU_OK);
    cr_expect_eq(poll(t), UIOMMU_OK);
}

/* All four words of its slot, and nothing of the next one. */
Test(vtd_queue, one_slot_each)
{
    static const uint64_t words[4] = {0x14, 0x1111, 0x2222, 0x3333};
    volatile uint64_t *next = uiommu_vtd_slot(hw, hw->iq.head + 1u);
    volatile uint64_t *slot = uiommu_vtd_slot(hw, hw->iq.head);
    uint32_t i;

    for (i = 0; i < 4; i++)
        next[i] = slot[i] = UINT64_C(0x5a5a5a5a5a5a5a5a);
    cr_assert_eq(uiommu_vtd_raw(hw, words, 4), UIOMMU_OK);
    for (i = 0; i < 4; i++) {
        cr_expect_eq(le64(slot[i]), words[i], "%u", i);
        cr_expect_eq(next[i], UINT64_C(0x5a5a5a5a5a5a5a5a), "%u", i);
    }
}

static void time_out(void)
{
    device_tlb(5);
    u->time_outs = 1;
    u->silent = SID;
    cr_assert_eq(poll(ticket()), UIOMMU_E_HW);
    cr_assert(hw->iq.suspect);
}

static uint32_t respond(void)
{
    struct uiommu_answer answer;

    memset(&answer, 0, sizeof(answer));
    return uiommu_vtd_respond(hw, &answer, 1);
}

/* After a time-out each ticket is one to wait for, but only tickets are. */
Test(vtd_queue, suspect_waves)
{
    uint64_t a;

    time_out();
    u->hold = true;
    cr_assert_eq(plain(), UIOMMU_OK);
    a = ticket();
    cr_expect_eq(*fake_reg(u, IQT), tail_of(a), "both");
    ticket();
    cr_expect_eq(*fake_reg(u, IQT), tail_of(a));
    fake_release(u);
    cr_expect_eq(poll(a), UIOMMU_OK);
    cr_expect(!hw->iq.suspect);
}

/* A wait that was put before the last time-out proves nothing of what timed out in it. */
Test(vtd_queue, proof_is_behind_the_time_out)
{
    uint64_t w;

    time_out();
    u->hold = true;
    cr_expect_eq(respond(), 0); /* A wait goes first. */
    w = hw->iq.head;
    *fake_reg(u, FSTS) |= 0x40; /* Another one, before the wait was fetched. */
    uiommu_vtd_look(hw);
    fake_release(u);
    cr_expect_eq(poll(w), UIOMMU_OK);
    cr_expect(hw->iq.suspect);
    u->logged = 0;
    cr_expect_eq(respond(), 1);
    cr_expect_eq(u->logged, 2);
    cr_expect_eq(u->log[0].q[0] & 15, 5, "another wait");
    cr_expect(!hw->iq.suspect);
}

/* Nor does one that failed. */
Test(vtd_queue, failed_tickets_are_no_proof)
{
    static const uint64_t global[2] = {0x4, 0};
    uint64_t t;

    time_out();
    u->bad_type = 4;
    u->bad_code = 3;
    cr_assert_eq(uiommu_vtd_raw(hw, global, 2), UIOMMU_OK);
    t = ticket();
    cr_expect_eq(poll(t), UIOMMU_E_HW);
    cr_expect(hw->iq.suspect);
    cr_expect_eq(respond(), 1);
    cr_expect(!hw->iq.suspect);
}

/* What was refused is no silent device: nothing has to be waited for. */
Test(vtd_queue, refusals_are_not_suspect)
{
    static const uint64_t global[2] = {0x4, 0};

    u->bad_type = 4;
    u->bad_code = 3;
    cr_assert_eq(uiommu_vtd_raw(hw, global, 2), UIOMMU_OK);
    cr_expect_eq(poll(ticket()), UIOMMU_E_HW);
    cr_expect(!hw->iq.suspect);
    u->logged = 0;
    cr_expect_eq(respond(), 1);
    cr_expect_eq(u->logged, 1);
}

/* Emptied it begins at offset 0, and knows nothing of before but which tickets failed. */
static void emptied(uint32_t more)
{
    struct vtd_queue *q = &hw->iq;
    uint64_t t, head;

    u->hold = true;
    while (more-- != 0)
        cr_assert_eq(plain(), UIOMMU_OK);
    device_tlb(5);
    t = ticket();
    head = q->head;
    q->suspect = q->dead = q->devices = q->gates = true;
    q->error_at = q->fetched;
    q->repeats = 7;
    uiommu_vtd_drop(hw);
    cr_expect_eq(q->head % SLOTS, 0);
    cr_expect(q->head >= head && q->head < head + SLOTS);
    cr_expect_eq(q->told, q->head);
    cr_expect_eq(q->fetched, q->head);
    cr_expect_eq(q->resolved, q->head);
    cr_expect_eq(q->segment, q->head);
    cr_expect_eq(q->gate, 0);
    cr_expect_eq(q->error_at, UINT64_MAX);
    cr_expect_not(q->suspect || q->dead || q->devices || q->gates);
    head = q->head;
    uiommu_vtd_drop(hw);
    cr_expect_eq(q->head, head, "it was there");
    cr_expect_eq(poll(t), UIOMMU_E_HW);
}

Test(vtd_queue, emptied_wherever_it_was)
{
    emptied(0);
    emptied(1);
    emptied(2);
}

/* A restart with nothing under way fails nothing: what was done stays done, however many. */
Test(vtd_queue, done_for_ever)
{
    uint64_t first = ticket();
    uint32_t i;

    cr_expect_eq(poll(first), UIOMMU_OK);
    for (i = 0; i < 64; i++) {
        cr_assert_eq(poll(ticket()), UIOMMU_OK);
        uiommu_vtd_scan(hw);
        cr_assert_eq(u->core.unit.ops->restart(hw), UIOMMU_OK);
    }
    cr_expect_eq(poll(first), UIOMMU_OK);
}
