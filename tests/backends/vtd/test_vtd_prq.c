/* SPDX-License-Identifier: BSD-2-Clause */
/* The page request queue, word by word and step by step (sheet 11). */
#include "fake_vtd.h"

#include <criterion/criterion.h>

#define SID    0x5e9bu
#define PQH    0xc0u
#define PQT    0xc8u
#define PQA    0xd0u
#define PRS    0xdcu
#define GOOD   UINT64_C(0x7f1234567007)
#define PP     UINT64_C(0x000abcde5e9b0101)
#define POISON 0xffffffffu

static struct uiommu *u;
static struct uiommu_vtd *hw;
static struct uiommu_request requests[8];
static struct uiommu_event events[8];
static struct uiommu_fetch io;
static uint32_t arrive; /* So many entries more once PQH was written. */

static void begin(void)
{
    struct uiommu_vtd_config config = fake_config();

    u = fake_new();
    hw = fake_unit(u, &config);
    cr_assert_not_null(hw);
}

static void end(void)
{
    FAKE_END(u);
}

TestSuite(vtd_prq, .init = begin, .fini = end);

static void put4(uint64_t q0, uint64_t q1, uint64_t q2, uint64_t q3)
{
    uint32_t at = *fake_reg(u, PQT);
    uint64_t *to = (uint64_t *)hw->prq.mem.cpu + at / 8;

    to[0] = le64(q0);
    to[1] = le64(q1);
    to[2] = le64(q2);
    to[3] = le64(q3);
    *fake_reg(u, PQT) = (at + 32) & ((32u << hw->prq.log2) - 1);
}

static void put(uint32_t n)
{
    while (n-- != 0)
        put4(PP, GOOD, 0, 0);
}

/* A fetch into room for so many, all else as it was found. */
static uint32_t fetch(uint32_t request_room, uint32_t event_room)
{
    memset(&io, 0x5a, sizeof(io));
    io.requests = requests;
    io.request_room = request_room;
    io.events = events;
    io.event_room = event_room;
    cr_assert_eq(uiommu_vtd_fetch(hw, 0, &io), UIOMMU_OK);
    return io.request_count;
}

static uint32_t decode(bool five, uint32_t quirks, const uint64_t entry[4],
                       struct uiommu_request *r, struct uiommu_event *e)
{
    struct uiommu_vtd unit;

    memset(&unit, 0, sizeof(unit));
    unit.f.five = five;
    unit.config.quirks = quirks;
    memset(r, 0xff, sizeof(*r));
    memset(e, 0xff, sizeof(*e));
    return uiommu_vtd_prq_decode(&unit, entry, r, e);
}

/* Sign-extended from bit 47, or 56: the last and the first on each side. */
Test(vtd_prq, canonical)
{
    static const struct {
        uint64_t address;
        bool four, five;
    } rows[] = {
        {0, true, true},
        {0x00007ffffffff000, true, true},
        {0x0000800000000000, false, true},
        {0x00fffffffffff000, false, true},
        {0x0100000000000000, false, false},
        {0xfeffffffffffe000, false, false},
        {0xff00000000000000, false, true},
        {0xffff7ffffffff000, false, true},
        {0xffff800000000000, true, true},
        {0xfffffffffffff000, true, true},
    };
    uint64_t entry[4] = {PP, 0, 0, 0};
    struct uiommu_request r;
    struct uiommu_event e;
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        entry[1] = rows[i].address | 3;
        cr_assert_eq(decode(false, 0, entry, &r, &e), VTD_ENTRY_REQUEST);
        cr_expect_eq((r.flags & UIOMMU_REQUEST_MALFORMED) == 0, rows[i].four, "%zu", i);
        cr_assert_eq(decode(true, 0, entry, &r, &e), VTD_ENTRY_REQUEST);
        cr_expect_eq((r.flags & UIOMMU_REQUEST_MALFORMED) == 0, rows[i].five, "%zu, five", i);
        cr_expect_eq(r.address, rows[i].address);
    }
}

/* Each bit of a request alone, with all the others, and none of another word's. */
Test(vtd_prq, access)
{
    const uint32_t pp = UIOMMU_REQUEST_PASID, last = UIOMMU_REQUEST_LAST, r = UIOMMU_READ,
                   w = UIOMMU_WRITE, x = UIOMMU_EXEC, p = UIOMMU_PRIV,
                   bad = UIOMMU_REQUEST_MALFORMED;
    const struct {
        uint64_t q0, q1, rest;
        uint32_t flags;
    } rows[] = {
        {0x101, 0, ~UINT64_C(0), pp},
        {0x101, 1, 0, pp | r},
        {0x101, 2, 0, pp | w},
        {0x101, 7, 0, pp | r | w | last},
        {0x0030000000000101, 1, 0, pp | r | x | p},
        {0x0010000000000101, 1, 0, pp | r | x},
        {0x0010000000000101, 2, 0, pp | w | x | bad},
        {0x0020000000000101, 2, 0, pp | w | p},
        {0x0000000000000101, 0xfffffffffffff001, ~UINT64_C(0), pp | r},
        {0x0030000000000001, 1, 0, r}, /* Nothing of it means anything without a PASID. */
        {0x0000000000000001, 6, 0, w | last},
    };
    struct uiommu_request request;
    struct uiommu_event e;
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint64_t entry[4] = {rows[i].q0, rows[i].q1, rows[i].rest, rows[i].rest};

        cr_assert_eq(decode(false, 0, entry, &request, &e), VTD_ENTRY_REQUEST);
        cr_expect_eq(request.flags, rows[i].flags, "%zu: %x", i, request.flags);
    }
}

static void no_more_than(const struct uiommu_request *r, uint32_t id, uint32_t pasid)
{
    struct uiommu_request want;

    memset(&want, 0, sizeof(want));
    want.id = id;
    want.pasid = pasid;
    want.flags = r->flags;
    cr_assert_arr_eq(r, &want, sizeof(want));
}

/* Of a Stop Marker nothing counts but whose it is; what is no request is told whole. */
Test(vtd_prq, markers_and_others)
{
    uint64_t marker[4] = {PP, 0x7f1234567ffc, 1, 2}, other[4] = {0x5e9b0102, 0xa5a5, 3, 4};
    struct uiommu_request r;
    struct uiommu_event e;

    cr_assert_eq(decode(false, UIOMMU_VTD_QUIRK_PRIVATE_DATA, marker, &r, &e), VTD_ENTRY_REQUEST);
    cr_expect_eq(r.flags, UIOMMU_REQUEST_MARKER | UIOMMU_REQUEST_PASID);
    no_more_than(&r, SID, 0xabcde);
    cr_assert_eq(decode(false, 0, other, &r, &e), VTD_ENTRY_EVENT);
    cr_expect_eq(e.kind, UIOMMU_EVENT_UNKNOWN);
    cr_expect_eq(e.id, SID);
    cr_expect_eq(e.hw_code, 2);
    cr_expect_eq(e.pasid, UIOMMU_PASID_NONE);
    cr_expect_eq(e.address, 0);
    cr_assert_arr_eq(e.raw, other, sizeof(other));
}

/* Private data is some only with the quirk and its bit. */
Test(vtd_prq, private_data)
{
    const uint32_t quirk = UIOMMU_VTD_QUIRK_PRIVATE_DATA;
    uint64_t entry[4] = {PP, GOOD, 5, 6};
    struct uiommu_request r;
    struct uiommu_event e;

    decode(false, quirk, entry, &r, &e);
    cr_expect_eq(r.cookie[0] | r.cookie[1], 0);
    entry[0] |= 0x200;
    decode(false, 0, entry, &r, &e);
    cr_expect_eq(r.cookie[0] | r.cookie[1], 0);
    decode(false, quirk, entry, &r, &e);
    cr_expect_eq(r.cookie[0], 5);
    cr_expect_eq(r.cookie[1], 6);
    entry[0] &= ~UINT64_C(0x200);
    entry[1] |= 0x200; /* The same bit of the next word. */
    decode(false, quirk, entry, &r, &e);
    cr_expect_eq(r.cookie[0] | r.cookie[1], 0);
}

/* All four words are taken out of the ring. */
Test(vtd_prq, whole_entries)
{
    hw->config.quirks |= UIOMMU_VTD_QUIRK_PRIVATE_DATA;
    put4(PP | 0x200, GOOD, 5, 6);
    cr_expect_eq(fetch(8, 8), 1);
    cr_expect_eq(requests[0].address, GOOD & ~UINT64_C(0xfff));
    cr_expect_eq(requests[0].cookie[0], 5);
    cr_expect_eq(requests[0].cookie[1], 6);
}

/* The position of each, among the other kind and behind what was thrown away. */
Test(vtd_prq, positions)
{
    uint32_t i;

    hw->prq.discarded = 3;
    put(1);
    put4(0x5e9b0102, 0, 0, 0);
    put(1);
    put4(0x5e9b0001, 4, 0, 0); /* A marker of nobody. */
    put(1);
    cr_expect_eq(uiommu_vtd_ring_pending(hw, 0), 8);
    cr_expect_eq(fetch(8, 8), 3);
    cr_expect_eq(io.event_count, 2);
    cr_expect_eq(io.entries, 8);
    cr_expect_eq(io.flags, 0);
    for (i = 0; i < 3; i++)
        cr_expect_eq(requests[i].at, 3 + 2 * i);
    cr_expect_eq(uiommu_vtd_ring_pending(hw, 0), 0);
    fetch(8, 8);
    cr_expect_eq(io.entries, 0);
}

/* Whichever of the two rooms is used up, all that follows stays. */
Test(vtd_prq, room)
{
    put(2);
    put4(0x5e9b0102, 0, 0, 0);
    put(1);
    cr_expect_eq(fetch(1, 8), 1);
    cr_expect_eq(io.flags, UIOMMU_FETCH_MORE);
    cr_expect_eq(*fake_reg(u, PQH), 32);
    cr_expect_eq(fetch(0, 8), 0);
    cr_expect_eq(io.entries, 0);
    cr_expect_eq(io.flags, UIOMMU_FETCH_MORE);
    cr_expect_eq(fetch(8, 0), 0);
    cr_expect_eq(io.flags, UIOMMU_FETCH_MORE);
    cr_expect_eq(fetch(8, 1), 1);
    cr_expect_eq(io.event_count, 1);
    cr_expect_eq(io.entries, 2);
    cr_expect_eq(fetch(1, 1), 1);
    cr_expect_eq(io.flags, 0);
}

static void more(struct uiommu *fake, uint32_t offset, uint32_t value)
{
    (void)fake;
    (void)value;
    for (; offset == PQH && arrive != 0; arrive--)
        put(1);
}

/* What came meanwhile sent no message, perhaps: looked at again. */
Test(vtd_prq, more_while_fetching)
{
    u->on_write = more;
    arrive = 1;
    put(1);
    cr_expect_eq(fetch(8, 8), 1);
    cr_expect_eq(io.flags, UIOMMU_FETCH_MORE);
    cr_expect_eq(fetch(8, 8), 1);
    cr_expect_eq(io.flags, 0);
    u->write_count = 0;
    cr_expect_eq(fetch(8, 8), 0);
    cr_expect_eq(u->write_count, 0, "nothing was taken, nothing is given back");
}

/* An index that cannot be: nothing is taken, told once, and no longer than it is there. */
Test(vtd_prq, bad_indices)
{
    const uint64_t bad[] = {1, 16, 32u << hw->prq.log2, UINT64_C(1) << 32};
    struct uiommu_check check;
    uint32_t i;

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        *fake_reg(u, PQT) = (uint32_t)bad[i];
        *fake_reg(u, PQT + 4) = (uint32_t)(bad[i] >> 32);
        cr_expect_eq(uiommu_vtd_ring_pending(hw, 0), 511, "%u", i);
        cr_expect_eq(uiommu_vtd_ring_pending(hw, 0), 511);
        cr_expect_eq(fetch(8, 8), 0);
        cr_expect_eq(io.flags, UIOMMU_FETCH_OVERFLOW);
        uiommu_vtd_check(hw, &check);
        cr_assert_eq(check.event_count, 1);
        cr_expect_eq(check.event[0].kind, UIOMMU_EVENT_QUEUE_ERROR);
        cr_expect_eq(check.event[0].raw[0], 0);
        cr_expect_eq(fetch(8, 8), 0);
        uiommu_vtd_check(hw, &check);
        cr_expect_eq(check.event_count, 0, "no news");
        *fake_reg(u, PQT) = *fake_reg(u, PQT + 4) = 0;
        cr_expect_eq(uiommu_vtd_ring_pending(hw, 0), 0);
        uiommu_vtd_overflow_ack(hw, 0);
        cr_expect_eq(fetch(8, 8), 0);
        cr_expect_eq(io.flags, 0);
    }
}

/* A status of all ones is nobody's: no overflow. */
Test(vtd_prq, overflow)
{
    *fake_reg(u, PRS) = POISON;
    cr_expect_eq(uiommu_vtd_ring_pending(hw, 0), 0);
    cr_expect_eq(fetch(8, 8), 0);
    cr_expect_eq(io.flags, 0);
    *fake_reg(u, PRS) = 1; /* Of requests, not of a loss. */
    cr_expect_eq(uiommu_vtd_ring_pending(hw, 0), 0);
    cr_expect_eq(fetch(8, 8), 0);
    cr_expect_eq(io.flags, 0);
    *fake_reg(u, PRS) = 2;
    put(2);
    cr_expect_eq(uiommu_vtd_ring_pending(hw, 0), 2);
    cr_expect_eq(fetch(1, 8), 1);
    cr_expect_eq(io.flags, UIOMMU_FETCH_OVERFLOW | UIOMMU_FETCH_MORE);
    cr_expect_eq(fetch(8, 8), 1);
    cr_expect_eq(io.flags, UIOMMU_FETCH_OVERFLOW);
    uiommu_vtd_overflow_ack(hw, 1); /* Another ring's. */
    cr_expect_eq(fetch(8, 8), 0);
    cr_expect_eq(io.flags, UIOMMU_FETCH_OVERFLOW);
    uiommu_vtd_overflow_ack(hw, 0);
    cr_expect_eq(*fake_reg(u, PRS), 0);
    cr_expect_eq(fetch(8, 8), 0);
    cr_expect_eq(io.flags, 0);
}

/* What a fetch saw before is not acknowledged while the unit is stopped, nor forgotten. */
Test(vtd_prq, shut)
{
    *fake_reg(u, PRS) = 3;
    put(1);
    fetch(0, 0);
    hw->iq.open = false;
    uiommu_vtd_irq_ack(hw);
    uiommu_vtd_overflow_ack(hw, 0);
    cr_expect_eq(*fake_reg(u, PRS), 3);
    cr_expect_eq(uiommu_vtd_ring_pending(hw, 0), 0);
    cr_expect_eq(fetch(8, 8), 0);
    cr_expect_eq(io.event_count, 0);
    cr_expect_eq(io.entries, 0);
    cr_expect_eq(io.flags, 0);
    hw->iq.open = true;
    uiommu_vtd_irq_ack(hw);
    cr_expect_eq(*fake_reg(u, PRS), 2);
    cr_expect_eq(fetch(8, 8), 1);
    uiommu_vtd_overflow_ack(hw, 0);
    cr_expect_eq(*fake_reg(u, PRS), 0);
}

/* Ring 0 is of page requests where there are any; the next one is of faults, and the last. */
Test(vtd_prq, rings)
{
    *fake_reg(u, 0x22c) = 0x80000000;
    *fake_reg(u, 0x34) = 2;
    put(2);
    cr_expect_eq(uiommu_vtd_ring_pending(hw, 0), 2);
    cr_expect_eq(uiommu_vtd_ring_pending(hw, 1), 1);
    cr_expect_eq(uiommu_vtd_ring_pending(hw, 2), 0);
    cr_expect_eq(uiommu_vtd_fetch(hw, 2, &io), UIOMMU_E_INVALID);
    cr_expect_eq(io.entries, 0);
    hw->f.pri = false;
    *fake_reg(u, PRS) = 3;
    uiommu_vtd_irq_ack(hw);
    hw->prq.overflow = true;
    uiommu_vtd_overflow_ack(hw, 0);
    cr_expect_eq(*fake_reg(u, PRS), 3);
    cr_expect_eq(uiommu_vtd_ring_pending(hw, 0), 1);
    cr_expect_eq(uiommu_vtd_ring_pending(hw, 1), 0);
    cr_expect_eq(uiommu_vtd_fetch(hw, 1, &io), UIOMMU_E_INVALID);
    cr_expect_eq(fetch(8, 8), 0);
    cr_expect_eq(io.event_count, 1);
    hw->f.pri = true;
}

static void written(uint32_t i, uint32_t offset, uint32_t value)
{
    cr_assert_lt(i, u->write_count);
    cr_expect_eq(u->writes[i].offset, offset, "%u: %x", i, u->writes[i].offset);
    cr_expect_eq(u->writes[i].value, value, "%u: %x", i, u->writes[i].value);
}

/* 11.6: the indices, where it is, and only then what is of before. */
Test(vtd_prq, set_up)
{
    cr_expect_not(hw->prq.lost);
    put(5);
    fetch(3, 8);
    *fake_reg(u, 0x1c) &= 0x7fffffff; /* Not translating. */
    *fake_reg(u, PRS) = 3;
    hw->prq.overflow = true;
    u->write_count = 0;
    uiommu_vtd_prq_on(hw);
    cr_expect_eq(u->write_count, 4);
    written(0, PQH, 0);
    written(1, PQT, 0);
    written(2, PQA, (uint32_t)hw->prq.mem.bus | 2);
    written(3, PRS, 3);
    cr_expect_eq(hw->prq.cons, 0);
    cr_expect_eq(*fake_reg(u, PRS), 0);
    cr_expect_eq(uiommu_vtd_ring_pending(hw, 0), 1, "a loss, to be told");
    *fake_reg(u, PRS) = 2; /* Not the one of before. */
    cr_expect_eq(uiommu_vtd_ring_pending(hw, 0), 2);
    *fake_reg(u, PRS) = 0;
    put(1);
    cr_expect_eq(fetch(8, 8), 1);
    cr_expect_eq(io.entries, 2);
    cr_expect_eq(io.flags, UIOMMU_FETCH_OVERFLOW);
    uiommu_vtd_overflow_ack(hw, 0);
    cr_expect_eq(fetch(8, 8), 0);
    cr_expect_eq(io.flags, 0);
    *fake_reg(u, 0x1c) |= 0x80000000; /* Translating, but another's queue. */
    *fake_reg(u, PQA) ^= 0x1000;
    u->write_count = 0;
    uiommu_vtd_prq_on(hw);
    cr_expect_eq(u->write_count, 4);
    fetch(8, 8);
}

/* While it may be written to it stays where it is: what is in it goes, and is counted. */
Test(vtd_prq, set_up_under_way)
{
    put(5);
    fetch(2, 8);
    u->write_count = 0;
    uiommu_vtd_prq_on(hw);
    cr_expect_eq(u->write_count, 1);
    written(0, PQH, 5 * 32);
    cr_expect_eq(uiommu_vtd_ring_pending(hw, 0), 3);
    uiommu_vtd_prq_on(hw); /* Again, with nothing in it. */
    cr_expect_eq(uiommu_vtd_ring_pending(hw, 0), 4);
    put(1);
    cr_expect_eq(fetch(8, 8), 1);
    cr_expect_eq(requests[0].at, 4);
    cr_expect_eq(io.flags, UIOMMU_FETCH_OVERFLOW);
    uiommu_vtd_overflow_ack(hw, 0);
    *fake_reg(u, PQT) = 7;
    uiommu_vtd_prq_on(hw); /* Nobody knows how many. */
    cr_expect_eq(*fake_reg(u, PQH), 6 * 32);
    *fake_reg(u, PQT) = 6 * 32;
    cr_expect_eq(uiommu_vtd_ring_pending(hw, 0), 511);
    fetch(8, 8);
    cr_expect_eq(io.entries, 511);
}

/* The ring's end, by what is thrown away. */
Test(vtd_prq, set_up_at_the_end)
{
    uint32_t i;

    for (i = 0; i < 510 / 6; i++) {
        put(6);
        cr_assert_eq(fetch(6, 8), 6);
    }
    put(4);
    uiommu_vtd_prq_on(hw);
    cr_expect_eq(*fake_reg(u, PQH), 2 * 32);
    cr_expect_eq(uiommu_vtd_ring_pending(hw, 0), 4);
}

Test(vtd_prq, off)
{
    put(5);
    fetch(3, 8);
    u->write_count = 0;
    uiommu_vtd_prq_off(hw);
    cr_expect_eq(u->write_count, 3);
    written(0, PQA, 0);
    written(1, PQH, 0);
    written(2, PQT, 0);
}
