/* SPDX-License-Identifier: BSD-2-Clause */
/* Fault records as a ring: what each says, in which order, and what is left (sheet 5, 10). */
#include "fake_vtd.h"

#include <criterion/criterion.h>

#define SID  0x5e9bu
#define FSTS 0x34u
#define PFO  1u
#define PPF  2u
#define F    0x80000000u

static struct uiommu *u;
static struct uiommu_vtd *hw;
static struct uiommu_event events[16];
static struct uiommu_fetch io;
static bool again; /* The next record that is cleared is used again at once. */

static void begin(void)
{
    struct uiommu_vtd_config config = fake_config();

    u = fake_new();
    hw = fake_unit(u, &config);
    cr_assert_not_null(hw);
    cr_assert_eq(hw->f.faults, 8);
}

static void end(void)
{
    *fake_reg(u, FSTS) = 0;
    FAKE_END(u);
}

TestSuite(vtd_faults, .init = begin, .fini = end);

static uint32_t *top(uint32_t i)
{
    return fake_reg(u, 0x22c + 16 * i);
}

/* A record of an ID of its own. */
static void fault(uint32_t i, uint32_t id)
{
    *fake_reg(u, 0x220 + 16 * i) = i << 12;
    *fake_reg(u, 0x224 + 16 * i) = id;
    *fake_reg(u, 0x228 + 16 * i) = id;
    *top(i) = F | 0x41;
    *fake_reg(u, FSTS) |= PPF;
}

static void oldest(uint32_t i)
{
    *fake_reg(u, FSTS) = (*fake_reg(u, FSTS) & 0xff) | i << 8;
}

static uint32_t fetch(uint32_t room)
{
    memset(&io, 0, sizeof(io));
    memset(events, 0x5a, sizeof(events));
    io.events = events;
    io.event_room = room;
    cr_assert_eq(uiommu_vtd_fetch(hw, 1, &io), UIOMMU_OK);
    return io.event_count;
}

static uint32_t pending(void)
{
    return uiommu_vtd_ring_pending(hw, 1);
}

static enum uiommu_event_kind kind_of(uint64_t code, uint64_t at)
{
    uint64_t record[2] = {0, code << 32 | at << 60};
    struct uiommu_event event;

    uiommu_vtd_fault_decode(record, &event);
    cr_expect_eq(event.hw_code, code);
    return event.kind;
}

/* Every code, against the table of 10; a translated request is another one only where ATS is
 * refused. */
Test(vtd_faults, codes)
{
    static const char kinds[] =
        /* t: translation, p: permission, s: size, f: flag, i: ID, b: table, c: context, a: abort,
         * r: ATS refused, x: translated refused, u: unknown */
        "uiibsppaaabburuu"
        "uuuuuuuuuuuuuuuu"
        "uuuuuuuuuuuuuuuu"
        "buuiuuuuaibuuuuu"
        "aibbrccrcxuuuuuu"
        "accuuuuuacccupuu"
        "uuuuuuuuuuuuuuuu"
        "atbasttpatbaffuu"
        "spusspps"
        "ucuuuuuu"
        "ffuuuuuuuuuuuuuu";
    static const char letters[] = "tpsfibcarxu";
    static const enum uiommu_event_kind of[] = {
        UIOMMU_EVENT_TRANSLATION,        UIOMMU_EVENT_PERMISSION,  UIOMMU_EVENT_ADDRESS_SIZE,
        UIOMMU_EVENT_ACCESS_FLAG,        UIOMMU_EVENT_BAD_ID,      UIOMMU_EVENT_BAD_TABLE,
        UIOMMU_EVENT_BAD_CONTEXT,        UIOMMU_EVENT_FETCH_ABORT, UIOMMU_EVENT_ATS_REFUSED,
        UIOMMU_EVENT_TRANSLATED_REFUSED, UIOMMU_EVENT_UNKNOWN};
    uint32_t code;

    for (code = 0; code < 256; code++) {
        enum uiommu_event_kind want = UIOMMU_EVENT_UNKNOWN, translated;

        if (code < sizeof(kinds) - 1)
            want = of[strchr(letters, kinds[code]) - letters];
        translated = want == UIOMMU_EVENT_ATS_REFUSED ? UIOMMU_EVENT_TRANSLATED_REFUSED : want;
        cr_expect_eq(kind_of(code, 0), want, "%x", code);
        cr_expect_eq(kind_of(code, 1), want, "%x", code);
        cr_expect_eq(kind_of(code, 2), translated, "%x", code);
    }
}

/* What each of the bits says; two of them nothing without a PASID. */
Test(vtd_faults, access)
{
    static const struct {
        uint64_t bits; /* 62 T1, 31 PP, 30 EXE, 29 PRIV, 28 T2 */
        uint32_t access;
    } rows[] = {
        {0, UIOMMU_WRITE},
        {0x4000000000000000, UIOMMU_READ},
        {0x10000000, 0},
        {0x4000000010000000, UIOMMU_READ | UIOMMU_WRITE},
        {0x4000000060000000, UIOMMU_READ},
        {0x40000000c0000000, UIOMMU_EXEC},
        {0xc0000000, UIOMMU_WRITE},
        {0x40000000d0000000, UIOMMU_READ | UIOMMU_WRITE},
        {0xa0000000, UIOMMU_WRITE | UIOMMU_PRIV},
        {0x80000000, UIOMMU_WRITE},
        {0xb0000000, UIOMMU_PRIV},
    };
    uint64_t record[2] = {~UINT64_C(0), 0};
    struct uiommu_event event;
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        record[1] = rows[i].bits | UINT64_C(0x0abcde0000005e9b);
        uiommu_vtd_fault_decode(record, &event);
        cr_expect_eq(event.access, rows[i].access, "%zu: %x", i, event.access);
        cr_expect_eq(event.pasid, (rows[i].bits & F) != 0 ? 0xabcde : UIOMMU_PASID_NONE);
        cr_expect_eq(event.id, SID);
        cr_expect_eq(event.address, 0xfffffffffffff000);
        cr_expect_eq(event.raw[0], record[0]);
        cr_expect_eq(event.raw[1], record[1]);
        cr_expect_eq(event.raw[2], 0);
        cr_expect_eq(event.count, 1);
    }
}

/* The first one that is cleared. */
static void use_again(struct uiommu *fake, uint32_t offset, uint32_t value)
{
    (void)value;
    if (!again || offset < 0x220 || offset >= 0x2a0)
        return;
    again = false;
    *fake_reg(fake, offset) |= F;
    *fake_reg(fake, FSTS) |= PPF;
}

static void order(uint32_t count, const uint32_t *ids)
{
    uint32_t i;

    cr_assert_eq(fetch(16), count);
    cr_expect_eq(io.entries, count);
    for (i = 0; i < count; i++) {
        cr_expect_eq(events[i].id, ids[i], "%u: %u", i, events[i].id);
        cr_expect_eq(events[i].raw[0] >> 32, ids[i]);
        cr_expect_eq(events[i].raw[1] & 0xffff, ids[i]);
    }
}

/* The oldest first: where the record says, while none was taken; from then on it is known. */
Test(vtd_faults, in_order)
{
    fault(5, 1);
    fault(6, 2);
    fault(7, 3);
    oldest(5);
    cr_expect_eq(pending(), 3);
    order(3, (const uint32_t[]){1, 2, 3});
    cr_expect_eq(io.flags, 0);
    cr_expect_eq(*top(5) | *top(6) | *top(7), 0x41);
    cr_expect_eq(pending(), 0);
    fault(0, 4); /* As expected, whatever the number says. */
    fault(1, 5);
    oldest(1);
    order(2, (const uint32_t[]){4, 5});
    fault(7, 6);
    fault(0, 7);
    oldest(7);
    order(2, (const uint32_t[]){6, 7});
}

/* There are as many as the unit has, and each is looked at once. */
Test(vtd_faults, as_many_as_there_are)
{
    uint32_t i;

    fault(8, 9); /* What is behind the last is something else. */
    cr_expect_eq(pending(), 0);
    fault(3, 1);
    oldest(8);
    order(1, (const uint32_t[]){1});
    uiommu_vtd_faults_clear(hw);
    cr_expect_eq(*top(8), F | 0x41);
    fault(2, 1);
    fault(5, 2);
    fault(6, 3);
    oldest(5);
    order(3, (const uint32_t[]){2, 3, 1});
    for (i = 0; i < 8; i++)
        fault(i, i);
    u->on_write = use_again;
    again = true;
    cr_expect_eq(fetch(16), 8);
    cr_expect_eq(io.flags, UIOMMU_FETCH_MORE);
    u->on_write = NULL;
}

/* A number that cannot be, or of a free record, is told or ignored; all are found. */
Test(vtd_faults, numbers_that_cannot_be)
{
    fault(2, 1);
    fault(5, 2);
    oldest(7); /* Free, but it can be. */
    order(2, (const uint32_t[]){1, 2});
    cr_expect_not(hw->note_bad_record);
    fault(7, 3);
    fault(0, 4);
    oldest(8);
    order(2, (const uint32_t[]){3, 4});
    cr_expect(hw->note_bad_record);
    hw->note_bad_record = false;
    *fake_reg(u, FSTS) = 0x800; /* None: nobody looks at it. */
    fetch(16);
    cr_expect_not(hw->note_bad_record);
    fault(3, 5);
    oldest(7);
    *top(7) = 0x41;
    order(1, (const uint32_t[]){5});
}

/* PPF says whether there is any; all ones says nothing. */
Test(vtd_faults, none_without_the_bit)
{
    fault(0, 1);
    *fake_reg(u, FSTS) = 0;
    cr_expect_eq(pending(), 0);
    cr_expect_eq(fetch(16), 0);
    cr_expect_eq(io.flags, 0);
    *fake_reg(u, FSTS) = 0xffffffff;
    cr_expect_eq(pending(), 0);
    cr_expect_eq(fetch(16), 0);
    cr_expect_eq(io.flags, 0);
    *fake_reg(u, FSTS) = PPF; /* And without a record it is no reason to come back. */
    *top(0) = 0x41;
    cr_expect_eq(pending(), 0);
    cr_expect_eq(fetch(16), 0);
    cr_expect_eq(io.flags, 0);
    *fake_reg(u, FSTS) = 0x80; /* Nothing of what is looked for. */
    cr_expect_eq(pending(), 0);
}

/* With records these count; without, a loss counts as one. */
Test(vtd_faults, pending)
{
    fault(0, 1);
    fault(7, 1);
    *fake_reg(u, FSTS) |= PFO;
    cr_expect_eq(pending(), 2);
    hw->seen_dead = true;
    cr_expect_eq(pending(), 2);
    hw->seen_dead = false;
}

/* What found no room is left, and come back for; a loss is told behind all records. */
Test(vtd_faults, room)
{
    uint32_t i;

    for (i = 0; i < 8; i++)
        fault(i, i);
    *fake_reg(u, FSTS) |= PFO;
    cr_expect_eq(fetch(0), 0);
    cr_expect_eq(io.flags, UIOMMU_FETCH_MORE);
    cr_expect_eq(fetch(5), 5);
    cr_expect_eq(io.flags, UIOMMU_FETCH_MORE);
    cr_expect_eq(io.entries, 5);
    cr_expect_eq(pending(), 3);
    cr_expect_eq(fetch(3), 3);
    cr_expect_eq(io.flags, UIOMMU_FETCH_MORE);
    cr_expect_eq(*fake_reg(u, FSTS), PFO);
    cr_expect_eq(fetch(1), 1);
    cr_expect_eq(io.entries, 0);
    cr_expect_eq(io.flags, 0);
    cr_expect_eq(events[0].kind, UIOMMU_EVENT_EVENTS_LOST);
    cr_expect_eq(events[0].id, UINT32_MAX);
    cr_expect_eq(*fake_reg(u, FSTS), 0);
    fault(0, 1);
    *fake_reg(u, FSTS) |= PFO;
    cr_expect_eq(fetch(2), 2);
    cr_expect_eq(io.flags, 0);
    cr_expect_eq(events[1].kind, UIOMMU_EVENT_EVENTS_LOST);
}

static void refill(struct uiommu *fake, uint32_t offset, uint32_t value)
{
    (void)value;
    if (offset < 0x220 || offset >= 0x2a0 || !again)
        return;
    again = false;
    *fake_reg(fake, FSTS) |= PFO;
}

/* What came meanwhile sent no message: looked at again. */
Test(vtd_faults, meanwhile)
{
    u->on_write = refill;
    again = true;
    fault(0, 1);
    cr_expect_eq(fetch(16), 1);
    cr_expect_eq(io.flags, UIOMMU_FETCH_MORE);
    cr_expect_eq(fetch(16), 1);
    cr_expect_eq(events[0].kind, UIOMMU_EVENT_EVENTS_LOST);
    cr_expect_eq(io.flags, 0);
}

/* What is of before is cleared, record by record, and the next is expected in the first. */
Test(vtd_faults, cleared)
{
    uint32_t i;

    fault(0, 1);
    fault(1, 1);
    fetch(16);
    cr_expect_eq(hw->fault_next, 2);
    for (i = 0; i < 8; i++)
        fault(i, i);
    *top(3) = 0x41;
    *fake_reg(u, FSTS) |= PFO;
    u->write_count = 0;
    uiommu_vtd_faults_clear(hw);
    cr_expect_eq(*fake_reg(u, FSTS) & (PFO | PPF), 0);
    cr_expect_eq(u->write_count, 8, "seven, and the loss");
    for (i = 0; i < 8; i++)
        cr_expect_eq(*top(i), 0x41, "%u", i);
    cr_expect_eq(hw->fault_next, 0);
}
