/* SPDX-License-Identifier: BSD-2-Clause */
/* Ops that put descriptors: which, in which order, into how much room (sheet 8.1, 12.1). */
#include "fake_vtd.h"

#include <criterion/criterion.h>

#define FENCE  UINT64_C(0x65)
#define NONE   UIOMMU_PASID_NONE
#define SLOTS  256u
#define PROVED UIOMMU_BARRIER_PROVED

static struct uiommu *u;
static struct uiommu_vtd *hw;
static struct vtd_device *dev;
static const uint32_t ids[] = {0x100, 0x5e9b, 0x200};
static const struct uiommu_root root = {UIOMMU_ROOT_X86_64, 12, 48, 0, 0, 0x7654321000, 0, {0}};
static const struct uiommu_root second = {
    UIOMMU_ROOT_X86_64_STAGE2, 12, 48, 0, 0, 0x89abcd000, 0, {0}};
static const struct uiommu_root nested = {UIOMMU_ROOT_X86_64,
                                          12,
                                          48,
                                          0,
                                          0,
                                          0x40000000,
                                          0,
                                          {UIOMMU_ROOT_X86_64_STAGE2, 12, 48, 0, 0, 0x89abcd000}};
static uint64_t from; /* Where the descriptors of one op begin. */

static struct vtd_device *attach(uint32_t flags)
{
    struct uiommu_device_desc desc = {ids, 3, flags, 20, 1, 0x42};
    void *out = NULL;

    cr_assert_eq(uiommu_vtd_device_attach(hw, &desc, &out), UIOMMU_OK);
    return out;
}

static void set(uint32_t flags)
{
    cr_assert_eq(uiommu_vtd_device_set(hw, dev, UIOMMU_DEVICE_SET_OPEN | flags, 0), UIOMMU_OK);
}

static void begin(void)
{
    struct uiommu_vtd_config config = fake_config();

    u = fake_new();
    hw = fake_unit(u, &config);
    cr_assert_not_null(hw);
    dev = attach(UIOMMU_DEVICE_ATS | UIOMMU_DEVICE_PRI | UIOMMU_DEVICE_PASID);
    set(UIOMMU_DEVICE_SET_ATS);
    u->logged = 0;
    u->write_count = 0;
    from = hw->iq.head;
}

static void end(void)
{
    uiommu_vtd_device_detach(hw, dev);
    FAKE_END(u);
}

TestSuite(vtd_puts, .init = begin, .fini = end);

/* Just these, their first words; waits without their data. */
static void put_were(uint32_t count, const uint64_t *words)
{
    uint64_t word;
    uint32_t i;

    cr_expect_eq(hw->iq.head - from, count, "%u", (uint32_t)(hw->iq.head - from));
    for (i = 0; i < count && from + i < hw->iq.head; i++) {
        word = le64(uiommu_vtd_slot(hw, from + i)[0]);
        word = (word & 15) == 5 ? (uint32_t)word : word;
        cr_expect_eq(word, words[i], "%u: %llx", i, (unsigned long long)word);
    }
    from = hw->iq.head;
}

/* So many slots are left, one of them for a ticket; nothing of a device is among what fills them.
 */
static void leave(uint32_t n)
{
    u->hold = false;
    fake_run(u);
    cr_assert_eq(uiommu_vtd_ticket_poll(hw, fake_ticket(hw)), UIOMMU_OK);
    u->hold = true;
    uiommu_vtd_look(hw);
    while (SLOTS - 1 - (hw->iq.head - hw->iq.resolved) > n)
        uiommu_vtd_put(hw, uiommu_vtd_fence(hw));
}

static void bind(uint32_t pasid, const struct uiommu_root *r)
{
    cr_assert_eq(uiommu_vtd_pasid_prepare(hw, dev, pasid), UIOMMU_OK);
    cr_assert_eq(uiommu_vtd_pasid_set(hw, dev, pasid, r, 7, 0), UIOMMU_OK);
}

static uiommu_err barrier(uint32_t pasid, uint32_t *strength)
{
    uint64_t ticket = 0;

    return uiommu_vtd_barrier(hw, dev, pasid, &ticket, strength);
}

/* Each ID's entry, and then everything that was looked up by ID, in this order. */
Test(vtd_puts, device_entries)
{
    const uint64_t words[] = {0x010000000031, 0x5e9b00000031, 0x020000000031, 0x37, 0xd2};

    cr_assert_eq(uiommu_vtd_config_invalidate(hw, dev, UIOMMU_PASID_ALL), UIOMMU_OK);
    put_were(5, words);
    leave(5);
    cr_expect_eq(uiommu_vtd_config_invalidate(hw, dev, UIOMMU_PASID_ALL), UIOMMU_E_BUSY);
    leave(6);
    cr_expect_eq(uiommu_vtd_config_invalidate(hw, dev, UIOMMU_PASID_ALL), UIOMMU_OK);
    cr_expect_neq(fake_ticket(hw), 0);
}

/* Untagged traffic's is PASID 0's, and the context entries go before it. */
Test(vtd_puts, pasid_entries)
{
    bind(5, &root);
    bind(NONE, &second);
    cr_assert_eq(uiommu_vtd_config_invalidate(hw, dev, 5), UIOMMU_OK);
    cr_assert_eq(uiommu_vtd_config_invalidate(hw, dev, NONE), UIOMMU_OK);
    put_were(5, (const uint64_t[]){0x0000000500070017, 0x010000000031, 0x5e9b00000031,
                                   0x020000000031, 0x0000000000070017});
    leave(5);
    cr_expect_eq(uiommu_vtd_config_invalidate(hw, dev, NONE), UIOMMU_E_BUSY);
    leave(6);
    cr_expect_eq(uiommu_vtd_config_invalidate(hw, dev, NONE), UIOMMU_OK);
    leave(2);
    cr_expect_eq(uiommu_vtd_config_invalidate(hw, dev, 5), UIOMMU_E_BUSY);
    leave(3);
    cr_expect_eq(uiommu_vtd_config_invalidate(hw, dev, 5), UIOMMU_OK);
    hw->f.caching = true;
    from = hw->iq.head;
    leave(3);
    from = hw->iq.head;
    cr_expect_eq(uiommu_vtd_config_invalidate(hw, dev, 5), UIOMMU_OK);
    put_were(2, (const uint64_t[]){0x37, 0xd2});
    cr_expect_neq(fake_ticket(hw), 0);
    leave(2);
    cr_expect_eq(uiommu_vtd_config_invalidate(hw, dev, 5), UIOMMU_E_BUSY);
}

static void tlb(const struct uiommu_root *r, const struct uiommu_range *range, uint64_t want)
{
    cr_assert_eq(uiommu_vtd_tlb_invalidate(hw, NULL, 5, r, 7, range), UIOMMU_OK);
    put_were(1, &want);
}

/* By what tags it: PASID and address, the domain and address, or the domain alone. */
Test(vtd_puts, tlb_entries)
{
    struct uiommu_range range = {0x1000, 0x1fff, false};

    tlb(&root, NULL, 0x0000000500070026);
    tlb(&root, &range, 0x0000000500070036);
    tlb(&second, NULL, 0x0000000700e2);
    tlb(&second, &range, 0x0000000700f2);
    tlb(&nested, NULL, 0x0000000700e2);
    tlb(&nested, &range, 0x0000000500070036);
    hw->f.pages = false;
    tlb(&second, &range, 0x0000000700e2);
    cr_assert_eq(uiommu_vtd_tlb_invalidate(hw, NULL, NONE, &root, 7, NULL), UIOMMU_OK);
    put_were(1, (const uint64_t[]){0x0000000000070026});
    leave(1);
    cr_expect_eq(uiommu_vtd_tlb_invalidate(hw, NULL, 5, &root, 7, NULL), UIOMMU_E_BUSY);
    leave(2);
    cr_expect_eq(uiommu_vtd_tlb_invalidate(hw, NULL, 5, &root, 7, NULL), UIOMMU_OK);
}

/* One for each ID, by its form; with throttling each names itself, or its physical function. */
Test(vtd_puts, device_tlbs)
{
    cr_assert_eq(uiommu_vtd_dtlb_invalidate(hw, dev, 5, NULL), UIOMMU_OK);
    put_were(3, (const uint64_t[]){0x0100000501000018, 0x5e9000055e9bb018, 0x0200000502000018});
    cr_assert_eq(uiommu_vtd_dtlb_invalidate(hw, dev, NONE, NULL), UIOMMU_OK);
    put_were(3, (const uint64_t[]){0x0100010000010003, 0x5e905e9b0001b003, 0x0200020000010003});
    dev->flags |= UIOMMU_DEVICE_VIRTUAL;
    cr_assert_eq(uiommu_vtd_dtlb_invalidate(hw, dev, NONE, NULL), UIOMMU_OK);
    put_were(3, (const uint64_t[]){0x0040010000012003, 0x00405e9b00012003, 0x0040020000012003});
    hw->f.throttle = false;
    cr_assert_eq(uiommu_vtd_dtlb_invalidate(hw, dev, NONE, NULL), UIOMMU_OK);
    put_were(3, (const uint64_t[]){0x0000010000010003, 0x00005e9b00010003, 0x0000020000010003});
    leave(3);
    cr_expect_eq(uiommu_vtd_dtlb_invalidate(hw, dev, NONE, NULL), UIOMMU_E_BUSY);
    leave(4);
    cr_expect_eq(uiommu_vtd_dtlb_invalidate(hw, dev, NONE, NULL), UIOMMU_OK);
    cr_expect_neq(fake_ticket(hw), 0);
    set(0); /* ATS is off: it would never answer. */
    from = hw->iq.head;
    cr_assert_eq(uiommu_vtd_dtlb_invalidate(hw, dev, 5, NULL), UIOMMU_OK);
    put_were(0, NULL);
    hw->iq.dead = true;
    cr_assert_eq(uiommu_vtd_dtlb_invalidate(hw, dev, 5, NULL), UIOMMU_E_HW);
    set(UIOMMU_DEVICE_SET_ATS);
    cr_assert_eq(uiommu_vtd_dtlb_invalidate(hw, dev, 5, NULL), UIOMMU_E_HW);
    put_were(0, NULL);
    hw->iq.dead = false;
}

/* 12.1: a fence, what pushes, a wait that drains; between types 6 and 3 another fence. */
Test(vtd_puts, barriers)
{
    uint32_t strength = UINT32_MAX;

    bind(5, &root);
    cr_assert_eq(barrier(5, &strength), UIOMMU_OK);
    cr_expect_eq(strength, PROVED);
    put_were(6, (const uint64_t[]){FENCE, 0x0000000500070026, 0x0100000501000018,
                                   0x5e9000055e9bb018, 0x0200000502000018, 0xe5});
    cr_assert_eq(barrier(NONE, &strength), UIOMMU_OK);
    put_were(7, (const uint64_t[]){FENCE, 0x0000000000000026, FENCE, 0x0100010000010003,
                                   0x5e905e9b0001b003, 0x0200020000010003, 0xe5});
    bind(NONE, &second);
    cr_assert_eq(barrier(NONE, &strength), UIOMMU_OK);
    put_were(6, (const uint64_t[]){FENCE, 0x0000000700e2, 0x0100010000010003, 0x5e905e9b0001b003,
                                   0x0200020000010003, 0xe5});
    hw->iq.dead = true;
    cr_assert_eq(barrier(NONE, &strength), UIOMMU_E_HW);
    hw->iq.dead = false;
}

Test(vtd_puts, barriers_in_little_room)
{
    uint32_t strength;

    leave(6);
    from = hw->iq.head;
    cr_expect_eq(barrier(NONE, &strength), UIOMMU_E_BUSY);
    put_were(0, NULL);
    leave(7);
    cr_expect_eq(barrier(NONE, &strength), UIOMMU_OK);
}

/* Nothing of a device that has never asked is in the ring; else device and unit have to help. */
Test(vtd_puts, strength)
{
    uint32_t strength = UINT32_MAX;

    set(0);
    from = hw->iq.head;
    cr_assert_eq(barrier(5, &strength), UIOMMU_OK);
    cr_expect_eq(strength, UIOMMU_BARRIER_ORDERED);
    put_were(2, (const uint64_t[]){FENCE, 0xe5});
    hw->f.drain = false;
    cr_assert_eq(barrier(5, &strength), UIOMMU_OK);
    cr_expect_eq(strength, UIOMMU_BARRIER_ORDERED);
    put_were(2, (const uint64_t[]){FENCE, 0x65});
    set(UIOMMU_DEVICE_SET_ATS);
    cr_assert_eq(barrier(5, &strength), UIOMMU_OK);
    cr_expect_eq(strength, UIOMMU_BARRIER_ORDERED);
    cr_assert_eq(uiommu_vtd_device_set(hw, dev, 0, 0), UIOMMU_OK);
    uiommu_vtd_device_detach(hw, dev);
    dev = attach(UIOMMU_DEVICE_ATS | UIOMMU_DEVICE_PASID);
    set(0);
    cr_assert_eq(barrier(5, &strength), UIOMMU_OK);
    cr_expect_eq(strength, PROVED);
}

static uint32_t respond(uint32_t count)
{
    struct uiommu_answer answers[4];
    uint32_t i;

    memset(answers, 0, sizeof(answers));
    for (i = 0; i < 4; i++) {
        answers[i].id = 0x100 + i;
        answers[i].cookie[1] = 8;
    }
    return uiommu_vtd_respond(hw, answers, count);
}

/* In their order, shown at once, with one write; private data only with the quirk. */
Test(vtd_puts, responses)
{
    uint32_t before = u->core.accesses;

    cr_expect_eq(respond(3), 3);
    cr_expect_eq(u->core.accesses, before + 1, "the tail");
    put_were(3, (const uint64_t[]){0x01000009, 0x01010009, 0x01020009});
    cr_expect_eq(u->logged, 3);
    cr_expect_eq(respond(0), 0);
    hw->iq.open = false;
    cr_expect_eq(respond(1), 0);
    hw->iq.open = true;
    put_were(0, NULL);
    hw->config.quirks |= UIOMMU_VTD_QUIRK_PRIVATE_DATA;
    cr_expect_eq(respond(1), 1);
    put_were(1, (const uint64_t[]){0x01000029});
    hw->config.quirks = 0;
}

Test(vtd_puts, responses_in_little_room)
{
    leave(3);
    from = hw->iq.head;
    cr_expect_eq(respond(4), 2);
    put_were(2, (const uint64_t[]){0x01000009, 0x01010009});
    cr_expect_neq(fake_ticket(hw), 0);
}

/* A time-out again, of the very wait that was to prove that nothing is out. */
Test(vtd_puts, responses_after_two_time_outs)
{
    cr_assert_eq(uiommu_vtd_dtlb_invalidate(hw, dev, 5, NULL), UIOMMU_OK);
    u->time_outs = 2;
    u->silent = ids[0];
    cr_assert_eq(uiommu_vtd_ticket_poll(hw, fake_ticket(hw)), UIOMMU_E_HW);
    from = hw->iq.head;
    cr_expect_eq(respond(1), 0);
    put_were(1, (const uint64_t[]){0x65});
    cr_expect_eq(u->time_outs, 0);
    cr_expect_eq(respond(1), 1);
    put_were(2, (const uint64_t[]){0x65, 0x01000009});
}

/* The ticket is done, but the queue turns out to be dead: nobody would see a response. */
Test(vtd_puts, responses_of_a_dead_queue)
{
    u->hold = true;
    cr_assert_eq(uiommu_vtd_dtlb_invalidate(hw, dev, 5, NULL), UIOMMU_OK);
    cr_assert_neq(fake_ticket(hw), 0);
    u->hold = false;
    fake_run(u);
    *fake_reg(u, 0x80) = 1;
    from = hw->iq.head;
    cr_expect_eq(respond(1), 0);
    put_were(0, NULL);
    cr_expect(hw->iq.dead);
}

/* Two words or four, none of this library's own kinds, whatever else is wrong. */
Test(vtd_puts, raw)
{
    static const uint64_t words[] = {0x4, 0x11, 0x22, 0x33, 0}, wait[] = {0x5, 0, 0, 0},
                          answer[] = {0x9, 0, 0, 0};
    volatile uint64_t *slot = uiommu_vtd_slot(hw, from);
    uint32_t i;

    for (i = 0; i < 6; i++)
        cr_expect_eq(uiommu_vtd_raw(hw, words, i), i == 2 || i == 4 ? UIOMMU_OK : UIOMMU_E_INVALID,
                     "%u", i);
    cr_expect_eq(le64(slot[0]), 0x4);
    cr_expect_eq(le64(slot[1]), 0x11);
    cr_expect_eq(slot[2] | slot[3], 0);
    cr_expect_eq(le64(slot[6]), 0x22);
    cr_expect_eq(le64(slot[7]), 0x33);
    cr_expect_eq(uiommu_vtd_raw(hw, words, 2), UIOMMU_OK);
    cr_expect_eq(slot[10] | slot[11], 0, "nothing of the one before");
    put_were(3, (const uint64_t[]){0x4, 0x4, 0x4});
    cr_expect_eq(uiommu_vtd_raw(hw, wait, 4), UIOMMU_E_INVALID);
    cr_expect_eq(uiommu_vtd_raw(hw, answer, 2), UIOMMU_E_INVALID);
    hw->iq.dead = true;
    cr_expect_eq(uiommu_vtd_raw(hw, words, 2), UIOMMU_E_HW);
    cr_expect_eq(uiommu_vtd_raw(hw, wait, 2), UIOMMU_E_INVALID);
    hw->iq.dead = false;
    leave(1);
    cr_expect_eq(uiommu_vtd_raw(hw, words, 2), UIOMMU_E_BUSY);
    leave(2);
    cr_expect_eq(uiommu_vtd_raw(hw, words, 2), UIOMMU_OK);
}
