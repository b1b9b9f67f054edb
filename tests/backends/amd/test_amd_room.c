/* SPDX-License-Identifier: BSD-2-Clause */
/* R15, R16, R26: a command buffer without room, or that says what cannot be; what answers bring. */
#include "amd_fake_core.h"

#include <criterion/criterion.h>

#define PPR 0x38u
#define EVT 0x10u

static struct uiommu *u;
static struct uiommu_amd *hw;
static const struct uiommu_backend_ops *ops;
static void *dev;
static const uint32_t ids[] = {0x118, 0x119};
static const struct uiommu_root root = {UIOMMU_ROOT_X86_64, 12, 48, 0, 0, 0x123456000, 0, {0}};

static void begin_with(uint32_t flags)
{
    struct uiommu_amd_config c = fake_config();
    struct uiommu_device_desc desc = {
        ids, 2, UIOMMU_DEVICE_PASID | UIOMMU_DEVICE_ATS | UIOMMU_DEVICE_PRI, 16, 1, 0};
    uint32_t step = 0;

    c.flags = flags;
    u = fake_new();
    hw = fake_unit(u, &c);
    cr_assert_not_null(hw);
    ops = u->core.unit.ops;
    cr_assert_eq(ops->device_attach(hw, &desc, &dev), UIOMMU_OK);
    while (ops->device_set(hw, dev, UIOMMU_DEVICE_SET_OPEN | UIOMMU_DEVICE_SET_ATS, step) ==
           UIOMMU_MORE)
        step++;
}

static void begin(void)
{
    begin_with(0);
}

static void begin_cached(void)
{
    begin_with(UIOMMU_AMD_NP_CACHE);
}

static void end(void)
{
    ops->device_detach(hw, dev);
    FAKE_END(u);
}

TestSuite(amd_room, .init = begin, .fini = end);
TestSuite(amd_cached, .init = begin_cached, .fini = end);

static const struct uiommu_answer answer = {
    {0, 0}, 0x118, 5, 1, UIOMMU_REQUEST_PASID, UIOMMU_CODE_SUCCESS, false};

/* What each op that puts commands says; nothing is put where that is no OK. */
static void expect(uiommu_err want)
{
    static const uint64_t words[2] = {UINT64_C(5) << 60, 0};
    uint64_t ticket, head = hw->cmdq.head;
    uint32_t strength;

    cr_assert_eq(ops->config_invalidate(hw, dev, 5), want);
    cr_assert_eq(ops->tlb_invalidate(hw, dev, 5, &root, 1, NULL), want);
    cr_assert_eq(ops->dtlb_invalidate(hw, dev, 5, NULL), want);
    cr_assert_eq(ops->barrier(hw, dev, 5, &ticket, &strength), want);
    cr_assert_eq(ops->command(hw, words, 2), want);
    cr_assert_eq(ops->ticket(hw, &ticket), want);
    cr_assert_eq(ops->respond(hw, &answer, 1), want == UIOMMU_OK);
    cr_assert_eq(hw->cmdq.head == head, want != UIOMMU_OK);
}

static uint64_t fill(void)
{
    uint64_t ticket = 0, last = 0;
    uint32_t n = 0;

    u->hold = true;
    while (ops->ticket(hw, &ticket) == UIOMMU_OK) {
        last = ticket;
        cr_assert_lt(n++, 1u << hw->cmdq.log2);
    }
    return last;
}

/* R16: BUSY, with nothing put there; afterwards all goes on. */
Test(amd_room, none)
{
    uint64_t last = fill();

    expect(UIOMMU_E_BUSY);
    cr_assert_eq(ops->ticket_poll(hw, last), UIOMMU_PENDING);
    u->hold = false;
    fake_run(u);
    expect(UIOMMU_OK);
    cr_assert_eq(ops->ticket_poll(hw, last), UIOMMU_OK);
}

/* What the buffer is said to have done, it was not told yet, or has done before: it is not
 * believed, and what is under way proves nothing. */
Test(amd_room, impossible_stores)
{
    volatile uint64_t *word;
    uint64_t good, bad;
    uint32_t i;

    for (i = 0; i < 2; i++) {
        cr_assert_eq(ops->ticket(hw, &good), UIOMMU_OK);
        cr_assert_eq(ops->ticket_poll(hw, good), UIOMMU_OK);
        u->hold = true;
        cr_assert_eq(ops->ticket(hw, &bad), UIOMMU_OK);
        word = (volatile uint64_t *)hw->cmdq.store.cpu + hw->cmdq.slot;
        *word = le64(i == 0 ? hw->cmdq.told + 1 : hw->cmdq.done - 1);
        cr_assert_eq(ops->ticket_poll(hw, bad), UIOMMU_E_HW);
        cr_assert_eq(ops->ticket_poll(hw, good), UIOMMU_OK);
        expect(UIOMMU_E_HW);
        u->hold = false;
        cr_assert_eq(ops->restart(hw), UIOMMU_OK);
        cr_assert_eq(ops->ticket_poll(hw, bad), UIOMMU_E_HW);
    }
    expect(UIOMMU_OK);
}

Test(amd_room, no_such_ticket)
{
    cr_assert_eq(ops->ticket_poll(hw, 0), UIOMMU_E_INVALID);
    cr_assert_eq(ops->ticket_poll(hw, hw->cmdq.head + 1), UIOMMU_E_INVALID);
}

/* R15: an event names a command that is none: nothing that is under way is proved. */
Test(amd_room, event_about_nothing)
{
    uint64_t tickets[3], at[2];
    uint32_t i;

    at[0] = hw->cmdq.mem.bus - 16;
    at[1] = hw->cmdq.mem.bus + (UINT64_C(16) << hw->cmdq.log2);
    for (i = 0; i < 2; i++) {
        cr_assert_eq(ops->ticket(hw, &tickets[0]), UIOMMU_OK);
        cr_assert_eq(ops->ticket_poll(hw, tickets[0]), UIOMMU_OK);
        u->hold = true;
        cr_assert_eq(ops->dtlb_invalidate(hw, dev, 5, NULL), UIOMMU_OK);
        cr_assert_eq(ops->ticket(hw, &tickets[1]), UIOMMU_OK);
        u->hold = false;
        fake_log(u, EVT, 0x7000000000000118, at[i]);
        fake_run(u);
        cr_assert_eq(ops->ticket_poll(hw, tickets[1]), UIOMMU_E_HW);
        cr_assert_eq(ops->ticket_poll(hw, tickets[0]), UIOMMU_OK);
        cr_assert_eq(ops->ticket(hw, &tickets[2]), UIOMMU_OK);
        cr_assert_eq(ops->ticket_poll(hw, tickets[2]), UIOMMU_OK, "later ones are");
    }
}

/* An entry of the page request log that is none: an event, as long as there is room for it. */
Test(amd_room, no_request)
{
    struct uiommu_request requests[4];
    struct uiommu_event events[1];
    struct uiommu_fetch io;
    uint32_t i;

    for (i = 0; i < 2; i++)
        fake_log(u, PPR, 0x3144020012340118, 0x7fff12344000);
    fake_log(u, PPR, 0x1144020112340118, 0x7fff12344000);
    memset(&io, 0, sizeof(io));
    io.requests = requests;
    io.request_room = 4;
    io.events = events;
    io.event_room = 1;
    cr_assert_eq(ops->fetch(hw, 0, &io), UIOMMU_OK);
    cr_assert_eq(io.entries, 3);
    cr_assert(io.event_count == 1 && io.request_count == 1);
    cr_assert_eq(events[0].kind, UIOMMU_EVENT_UNKNOWN);
    cr_assert_eq(events[0].id, 0x118);
    cr_assert_eq(events[0].raw[0], 0x3144020012340118);
    cr_assert(requests[0].index == 1 && requests[0].at == 2);
}

/* Commands of a kind among those executed since. */
static uint32_t executed(uint32_t since, uint32_t op)
{
    uint32_t n = 0;

    for (; since < u->logged; since++)
        n += (u->log[since].d[0] >> 60) == op;
    return n;
}

/* A unit that remembers what was not present is told that it is, before the device is. */
Test(amd_cached, answers)
{
    struct uiommu_answer a = answer;
    uint32_t at = u->logged;

    a.cookie[0] = 1;
    a.cookie[1] = 5;
    cr_assert_eq(ops->respond(hw, &a, 1), 1);
    cr_assert_eq(executed(at, 3), 1);
    cr_assert_eq(executed(at, 7), 1);
    cr_assert_eq(u->log[at].d[0] >> 60, 3);
    at = u->logged;
    a.cookie[1] = 0;
    cr_assert_eq(ops->respond(hw, &a, 1), 1);
    cr_assert_geq(executed(at, 3), 1, "no PASID is known: all of the domain");
    cr_assert_eq(executed(at, 7), 1);
    at = u->logged;
    a.code = UIOMMU_CODE_INVALID;
    cr_assert_eq(ops->respond(hw, &a, 1), 1);
    cr_assert_eq(executed(at, 3), 0);
    at = u->logged;
    a.code = UIOMMU_CODE_SUCCESS;
    a.id = 0x500; /* nobody's */
    cr_assert_eq(ops->respond(hw, &a, 1), 1);
    cr_assert_eq(executed(at, 3), 0);
    cr_assert_eq(executed(at, 7), 1);
}
