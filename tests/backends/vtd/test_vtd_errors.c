/* SPDX-License-Identifier: BSD-2-Clause */
/* Errors of the invalidation queue and of the unit: who pays, what is told (sheet 5.1, 8.4). */
#include "fake_vtd.h"

#include <criterion/criterion.h>

#define SID   0x5e9bu
#define OTHER 0x6a01u
#define FSTS  0x34u
#define IQH   0x80u
#define IQT   0x88u
#define IQE   0x10u
#define ICE   0x20u
#define ITE   0x40u
#define SLOTS 256u

static struct uiommu *u;
static struct uiommu_vtd *hw;
static struct vtd_device *dev, *other;
static struct uiommu_check check;
static const struct uiommu_root root = {UIOMMU_ROOT_X86_64, 12, 48, 0, 0, 0x7654321000, 0, {0}};
static const uint64_t global[2] = {0x4, 0};

static void begin(void)
{
    struct uiommu_vtd_config config = fake_config();

    u = fake_new();
    hw = fake_unit(u, &config);
    cr_assert_not_null(hw);
    dev = fake_device(hw, SID);
    other = fake_device(hw, OTHER);
    cr_assert(dev != NULL && other != NULL);
    u->logged = 0;
    u->write_count = 0;
    memset(&check, 0x5a, sizeof(check));
}

static void end(void)
{
    uiommu_vtd_device_detach(hw, dev);
    uiommu_vtd_device_detach(hw, other);
    *fake_reg(u, FSTS) = 0;
    FAKE_END(u);
}

TestSuite(vtd_errors, .init = begin, .fini = end);

static uiommu_err poll(uint64_t ticket)
{
    return uiommu_vtd_ticket_poll(hw, ticket);
}

static void plain(void)
{
    cr_assert_eq(uiommu_vtd_tlb_invalidate(hw, NULL, 5, &root, 1, NULL), UIOMMU_OK);
}

static void device_tlb(struct vtd_device *which, uint32_t pasid)
{
    cr_assert_eq(uiommu_vtd_dtlb_invalidate(hw, which, pasid, NULL), UIOMMU_OK);
}

static uint64_t ticket(void)
{
    uint64_t t = fake_ticket(hw);

    cr_assert_neq(t, 0);
    return t;
}

static uint32_t offset_of(uint64_t position)
{
    return (uint32_t)(position & (SLOTS - 1)) * 32;
}

/* A time-out with so much fetched, and this in the record. */
static void time_out_at(uint64_t fetched, uint32_t id)
{
    *fake_reg(u, IQH) = offset_of(fetched);
    *fake_reg(u, 0xb4) = id;
    *fake_reg(u, FSTS) |= ITE;
    uiommu_vtd_look(hw);
    cr_assert_eq(*fake_reg(u, FSTS) & ITE, 0);
}

static const struct uiommu_event *noted(uint32_t count, enum uiommu_event_kind kind)
{
    cr_assert_eq(hw->notes.count, count, "%u", hw->notes.count);
    cr_expect_eq(hw->notes.event[count - 1].kind, kind);
    return &hw->notes.event[count - 1];
}

static uint32_t told_of(uint64_t fetched, uint32_t id)
{
    time_out_at(fetched, id);
    return noted(1, UIOMMU_EVENT_INVALIDATION_TIMEOUT)->id;
}

/* What is told of a silent device: the record as it is, and whom it names. */
Test(vtd_errors, time_out_is_told)
{
    const struct uiommu_event *event;

    u->hold = true;
    device_tlb(dev, 5);
    uiommu_vtd_tell(hw);
    *fake_reg(u, 0xb0) = 0x7;
    cr_expect_eq(told_of(hw->iq.head, 1), 1, "not guessed");
    event = noted(1, UIOMMU_EVENT_INVALIDATION_TIMEOUT);
    cr_expect_eq(event->hw_code, ITE);
    cr_expect_eq(event->raw[0], 0x100000007);
    cr_expect_eq(event->raw[1], 0);
    cr_expect_eq(event->pasid, UIOMMU_PASID_NONE);
    cr_expect_eq(event->count, 1);
}

/* An old part names nobody: who it was is known where it can be one alone. */
Test(vtd_errors, guess_of_one)
{
    u->hold = true;
    device_tlb(dev, 5);
    plain();
    device_tlb(dev, UIOMMU_PASID_NONE);
    uiommu_vtd_tell(hw);
    cr_expect_eq(told_of(hw->iq.head, 0), SID);
}

Test(vtd_errors, guess_of_two)
{
    u->hold = true;
    device_tlb(dev, 5);
    device_tlb(other, 5);
    uiommu_vtd_tell(hw);
    cr_expect_eq(told_of(hw->iq.head, 0), UINT32_MAX);
}

Test(vtd_errors, guess_of_none)
{
    u->hold = true;
    plain();
    uiommu_vtd_tell(hw);
    cr_expect_eq(told_of(hw->iq.head, 0), UINT32_MAX);
}

/* Neither what a ticket has ended before nor what is still to be fetched. */
Test(vtd_errors, guess_between)
{
    uint64_t fetched;

    device_tlb(other, 5);
    cr_assert_eq(poll(ticket()), UIOMMU_OK);
    u->hold = true;
    device_tlb(dev, 5);
    fetched = hw->iq.head;
    device_tlb(other, 5);
    ticket();
    cr_expect_eq(told_of(fetched, 0), SID);
}

/* The same where the ring went round since the last ticket: only what is still in it. */
Test(vtd_errors, guess_in_a_whole_ring)
{
    uint64_t fetched;
    uint32_t i;

    for (i = 0; i < 2 * SLOTS; i++) {
        device_tlb(dev, 5);
        uiommu_vtd_tell(hw);
    }
    u->hold = true;
    fetched = hw->iq.head;
    device_tlb(other, 5);
    uiommu_vtd_tell(hw);
    cr_expect_eq(told_of(fetched, 0), SID);
}

/* Of two waits that were told together the one behind what was fetched pays, too, in front of
 * which something was. */
Test(vtd_errors, two_waits)
{
    uint64_t before, a, b, c;

    before = ticket();
    u->hold = true;
    a = ticket();
    device_tlb(dev, 5);
    b = ticket();
    c = ticket();
    time_out_at(b - 1, SID);
    cr_expect_geq(hw->iq.resolved, b, "failed tickets are resolved ones");
    cr_expect_eq(hw->iq.told, c, "and what is behind them is shown");
    fake_release(u);
    cr_expect_eq(poll(before), UIOMMU_OK);
    cr_expect_eq(poll(a), UIOMMU_E_HW);
    cr_expect_eq(poll(b), UIOMMU_E_HW);
    cr_expect_eq(poll(c), UIOMMU_OK);
    cr_expect(!uiommu_failed_has(&hw->iq.tickets.failed, before));
}

/* Nothing of a wave was fetched: it runs when the error is cleared. */
Test(vtd_errors, waits_that_were_not_fetched)
{
    uint64_t before = ticket(), a, b;

    cr_assert_eq(poll(before), UIOMMU_OK);
    u->hold = true;
    a = ticket();
    device_tlb(dev, 5);
    b = ticket();
    time_out_at(before, SID);
    fake_release(u);
    cr_expect_eq(poll(a), UIOMMU_OK);
    cr_expect_eq(poll(b), UIOMMU_OK);
    cr_expect_eq(poll(ticket()), UIOMMU_OK);
}

/* No ticket covers it yet: the next one proves nothing, wherever it will be. In every slot there
 * was a ticket before. */
Test(vtd_errors, time_out_without_a_ticket)
{
    uint64_t t;
    uint32_t i;

    for (i = 0; i < SLOTS + 3; i++)
        cr_assert_eq(poll(ticket()), UIOMMU_OK);
    device_tlb(dev, 5);
    uiommu_vtd_tell(hw);
    u->hold = true;
    time_out_at(hw->iq.head, SID);
    plain();
    t = ticket();
    fake_release(u);
    cr_expect_eq(poll(t), UIOMMU_E_HW);
    cr_expect_eq(poll(ticket()), UIOMMU_OK);
}

static uint64_t refused(uint32_t type, uint32_t code)
{
    u->bad_type = type;
    u->bad_code = code;
    return ticket();
}

static const struct uiommu_event *refusal(uint64_t t)
{
    cr_expect_eq(poll(t), UIOMMU_E_HW);
    return noted(1, UIOMMU_EVENT_COMMAND_ERROR);
}

/* All that was refused is told, and a fence is in its place, whole; its neighbours are as they
 * were. */
Test(vtd_errors, refusal_is_told)
{
    static const uint64_t words[4] = {0x12340000004, 0x1111, 0x2222, 0x3333};
    const struct uiommu_event *event;
    const uint64_t fence[4] = {0x65, hw->iq.status.bus + 0x400};
    uint64_t at = hw->iq.head, t;
    uint32_t i;

    u->hold = true;
    cr_assert_eq(uiommu_vtd_raw(hw, words, 4), UIOMMU_OK);
    plain();
    t = refused(4, 3);
    fake_release(u);
    event = refusal(t);
    cr_assert_arr_eq(event->raw, words, sizeof(words));
    cr_expect_eq(event->hw_code, 3);
    cr_expect_eq(event->id, UINT32_MAX);
    cr_expect_eq(event->pasid, UIOMMU_PASID_NONE);
    cr_expect_eq(event->count, 1);
    for (i = 0; i < 4; i++)
        cr_expect_eq(le64(uiommu_vtd_slot(hw, at)[i]), fence[i], "%u", i);
    cr_assert_eq(hw->iq.status.bytes, 0x404);
    cr_assert_eq(u->logged, 3);
    cr_expect_eq(u->log[1].q[0], 0x0000000500010026);
}

/* Whose invalidation it was, in either form. */
Test(vtd_errors, refusal_of_a_device)
{
    const struct uiommu_event *event;

    device_tlb(dev, 5);
    event = refusal(refused(8, 3));
    cr_expect_eq(event->id, SID);
    uiommu_vtd_check(hw, &check);
    device_tlb(other, UIOMMU_PASID_NONE);
    event = refusal(refused(3, 3));
    cr_expect_eq(event->id, OTHER);
}

/* Not the descriptor's fault: what was told is fetched again, and nobody pays. */
Test(vtd_errors, fetched_again)
{
    static const uint32_t codes[] = {1, 2, 6};
    uint64_t t;
    uint32_t i;

    u->tail_only = true;
    for (i = 0; i < 3; i++) {
        u->hold = true;
        cr_assert_eq(uiommu_vtd_raw(hw, global, 2), UIOMMU_OK);
        if (i == 2)
            plain(); /* The tail is even, and odd. */
        t = refused(4, codes[i]);
        fake_release(u);
        u->bad_type = 0;
        *fake_reg(u, IQT) = 0xfff; /* A bad one, for the two that say so. */
        u->write_count = 0;
        cr_expect_eq(poll(t), UIOMMU_OK, "%u", codes[i]);
        cr_expect_eq(*fake_reg(u, IQT), offset_of(t));
        cr_expect_eq(u->write_count, 2);
        cr_expect_eq(u->writes[0].offset, FSTS);
        cr_expect_eq(u->writes[0].value, IQE);
        noted(i + 1, UIOMMU_EVENT_COMMAND_ERROR);
    }
}

/* The tail at the ring's end is 0. */
Test(vtd_errors, fetched_again_at_the_end)
{
    uint64_t t;

    while ((hw->iq.head & (SLOTS - 1)) != SLOTS - 2)
        cr_assert_eq(poll(ticket()), UIOMMU_OK);
    u->hold = true;
    cr_assert_eq(uiommu_vtd_raw(hw, global, 2), UIOMMU_OK);
    t = refused(4, 2);
    fake_release(u);
    u->bad_type = 0;
    cr_expect_eq(poll(t), UIOMMU_OK);
    cr_expect_eq(*fake_reg(u, IQT), 0);
}

/* An error that comes again in one place is told once, and ends it after eight times more. */
Test(vtd_errors, without_end)
{
    uint32_t looks = 0;

    cr_assert_eq(uiommu_vtd_raw(hw, global, 2), UIOMMU_OK);
    refused(4, 2);
    while (!hw->iq.dead && looks < 32) {
        uiommu_vtd_look(hw);
        looks++;
    }
    cr_expect_eq(looks, 9);
    noted(1, UIOMMU_EVENT_COMMAND_ERROR);
}

/* In another place it begins anew. */
Test(vtd_errors, here_and_there)
{
    uint32_t i, k;
    uint64_t t;

    for (k = 0; k < 3; k++) {
        cr_assert_eq(uiommu_vtd_raw(hw, global, 2), UIOMMU_OK);
        t = refused(4, 2);
        for (i = 0; i < 7; i++)
            uiommu_vtd_look(hw);
        cr_assert(!hw->iq.dead);
        u->bad_type = 0;
        cr_expect_eq(poll(t), UIOMMU_OK);
        noted(k + 1, UIOMMU_EVENT_COMMAND_ERROR);
    }
}

/* The unit is not as it was set up, or refuses what is not there: nothing is written to it. */
Test(vtd_errors, beyond_repair)
{
    static const uint32_t codes[] = {5, 7, 3};
    uint32_t i;

    for (i = 0; i < 3; i++) {
        u->hold = true;
        if (codes[i] != 3) {
            cr_assert_eq(uiommu_vtd_raw(hw, global, 2), UIOMMU_OK);
            ticket();
        }
        *fake_reg(u, 0xb0) = codes[i];
        *fake_reg(u, FSTS) = IQE;
        u->write_count = 0;
        uiommu_vtd_look(hw);
        cr_expect(hw->iq.dead, "%u", codes[i]);
        cr_expect_eq(u->write_count, 0);
        *fake_reg(u, FSTS) = 0;
        u->hold = false;
        cr_assert_eq(u->core.unit.ops->restart(hw), UIOMMU_OK);
    }
}

/* Both at once: each is told, and acknowledged alone. */
Test(vtd_errors, both)
{
    uint64_t a, b;

    u->hold = true;
    device_tlb(dev, 5);
    a = ticket();
    cr_assert_eq(uiommu_vtd_raw(hw, global, 2), UIOMMU_OK);
    b = ticket();
    fake_release(u);
    cr_assert_eq(poll(a), UIOMMU_OK);
    cr_assert_eq(poll(b), UIOMMU_OK);
    u->hold = true;
    cr_assert_eq(uiommu_vtd_raw(hw, global, 2), UIOMMU_OK);
    a = ticket();
    *fake_reg(u, 0xb0) = 3;
    *fake_reg(u, 0xb4) = SID;
    *fake_reg(u, FSTS) = IQE | ITE;
    u->write_count = 0;
    uiommu_vtd_look(hw);
    noted(2, UIOMMU_EVENT_COMMAND_ERROR);
    cr_expect_eq(hw->notes.event[0].kind, UIOMMU_EVENT_INVALIDATION_TIMEOUT);
    cr_expect_eq(*fake_reg(u, FSTS), 0);
    cr_expect_eq(u->write_count, 3);
    cr_expect_eq(u->writes[0].value, IQE);
    cr_expect_eq(u->writes[2].value, ITE);
    fake_release(u);
    cr_expect_eq(poll(a), UIOMMU_E_HW);
    cr_expect_eq(poll(ticket()), UIOMMU_OK);
}

/* An answer that nobody waits for. */
Test(vtd_errors, completion_error)
{
    *fake_reg(u, 0xb4) = SID << 16;
    *fake_reg(u, FSTS) = ICE;
    uiommu_vtd_check(hw, &check);
    cr_expect_eq(check.flags, 0);
    cr_assert_eq(check.event_count, 1);
    cr_expect_eq(check.event[0].kind, UIOMMU_EVENT_UNIT_ERROR);
    cr_expect_eq(check.event[0].id, SID);
    cr_expect_eq(check.event[0].hw_code, ICE);
    cr_expect_eq(check.event[0].raw[0], ICE);
    cr_expect_eq(check.event[0].raw[1], (uint64_t)SID << 48);
    cr_expect_eq(check.event[0].raw[2], 0);
    cr_expect_eq(check.event[0].count, 1);
    cr_expect_eq(*fake_reg(u, FSTS), 0);
    *fake_reg(u, 0xb4) = 0; /* An old part. */
    *fake_reg(u, FSTS) = ICE;
    uiommu_vtd_check(hw, &check);
    cr_assert_eq(check.event_count, 1);
    cr_expect_eq(check.event[0].id, UINT32_MAX);
    cr_expect_eq(check.event[0].raw[1], 0);
    uiommu_vtd_check(hw, &check);
    cr_expect_eq(check.event_count, 0);
}

/* One look at the errors, and no more where there is none. */
Test(vtd_errors, check_of_a_healthy_unit)
{
    uint32_t before = u->core.accesses;

    uiommu_vtd_check(hw, &check);
    cr_expect_eq(check.flags, 0);
    cr_expect_eq(check.event_count, 0);
    cr_expect_eq(u->core.accesses, before + 1);
    hw->iq.open = false;
    before = u->core.accesses;
    *fake_reg(u, FSTS) = ICE;
    uiommu_vtd_check(hw, &check);
    cr_expect_eq(check.flags, 0);
    cr_expect_eq(u->core.accesses, before);
    hw->iq.open = true;
}

/* What waits behind a device's invalidation is shown by whoever looks; till then it is told. */
Test(vtd_errors, check_shows_more)
{
    uint64_t b;

    u->hold = true;
    device_tlb(dev, 5);
    ticket();
    b = ticket();
    uiommu_vtd_check(hw, &check);
    cr_expect_eq(check.flags, UIOMMU_CHECK_MORE);
    hw->iq.open = false;
    uiommu_vtd_check(hw, &check);
    cr_expect_eq(check.flags, 0);
    hw->iq.open = true;
    fake_release(u);
    uiommu_vtd_check(hw, &check);
    cr_expect_eq(check.flags, 0);
    cr_expect_eq(hw->iq.told, b);
}

/* Errors are looked at by a check alone, too. */
Test(vtd_errors, check_handles_errors)
{
    u->hold = true;
    device_tlb(dev, 5);
    ticket();
    *fake_reg(u, IQH) = offset_of(hw->iq.head);
    *fake_reg(u, 0xb4) = SID;
    *fake_reg(u, FSTS) = ITE;
    uiommu_vtd_check(hw, &check);
    cr_assert_eq(check.event_count, 1);
    cr_expect_eq(check.event[0].kind, UIOMMU_EVENT_INVALIDATION_TIMEOUT);
    cr_expect_eq(*fake_reg(u, FSTS), 0);
}

/* A unit that is gone is told once in its life, and dead for all. */
Test(vtd_errors, gone)
{
    *fake_reg(u, FSTS) = 0xffffffff;
    uiommu_vtd_check(hw, &check);
    cr_expect_eq(check.flags, UIOMMU_CHECK_DEAD);
    cr_assert_eq(check.event_count, 1);
    cr_expect_eq(check.event[0].kind, UIOMMU_EVENT_UNIT_ERROR);
    cr_expect_eq(check.event[0].raw[0], 0xffffffff);
    uiommu_vtd_check(hw, &check);
    cr_expect_eq(check.flags, UIOMMU_CHECK_DEAD);
    cr_expect_eq(check.event_count, 0);
    *fake_reg(u, FSTS) = 0;
    cr_assert_eq(u->core.unit.ops->restart(hw), UIOMMU_OK);
    uiommu_vtd_check(hw, &check);
    cr_expect_eq(check.flags, 0);
}

/* A number of a record that cannot be is told once. */
Test(vtd_errors, bad_records)
{
    hw->note_bad_record = true;
    uiommu_vtd_check(hw, &check);
    cr_assert_eq(check.event_count, 1);
    cr_expect_eq(check.event[0].kind, UIOMMU_EVENT_QUEUE_ERROR);
    cr_expect_eq(check.event[0].raw[0], 0);
    uiommu_vtd_check(hw, &check);
    cr_expect_eq(check.event_count, 0);
}
