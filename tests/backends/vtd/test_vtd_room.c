/* SPDX-License-Identifier: BSD-2-Clause */
/* R15, R16, R26: a queue without room, or that says what cannot be; arguments that cannot be. */
#include "fake_vtd.h"

#include <criterion/criterion.h>

#define SID  0x5e9bu
#define HEAD 0x80u /* IQH */

static struct uiommu *u;
static struct uiommu_vtd *hw;
static struct vtd_device *dev;
static const struct uiommu_backend_ops *ops;
static const struct uiommu_root root = {UIOMMU_ROOT_X86_64, 12, 48, 0, 0, 0x7654321000, 0, {0}};

static void begin(void)
{
    static const uint32_t ids[] = {SID};
    struct uiommu_device_desc desc = {
        ids, 1, UIOMMU_DEVICE_ATS | UIOMMU_DEVICE_PRI | UIOMMU_DEVICE_PASID, 20, 1, 0};
    struct uiommu_vtd_config config = fake_config();
    void *out = NULL;

    u = fake_new();
    hw = fake_unit(u, &config);
    cr_assert_not_null(hw);
    ops = u->core.unit.ops;
    cr_assert_eq(ops->device_attach(hw, &desc, &out), UIOMMU_OK);
    dev = out;
    cr_assert_eq(ops->device_set(hw, dev, UIOMMU_DEVICE_SET_OPEN | UIOMMU_DEVICE_SET_ATS, 0),
                 UIOMMU_OK);
}

static void end(void)
{
    ops->device_detach(hw, dev);
    FAKE_END(u);
}

TestSuite(vtd_room, .init = begin, .fini = end);

/* What each op that puts descriptors says; nothing is put where that is no OK. */
static void expect(uiommu_err want)
{
    static const struct uiommu_answer answer = {
        {0, 0}, SID, 5, 1, UIOMMU_REQUEST_PASID, UIOMMU_CODE_SUCCESS, false};
    static const uint64_t words[2] = {4, 0}; /* the interrupt entry cache */
    uint64_t ticket, head = hw->iq.head;
    uint32_t strength;

    cr_assert_eq(ops->config_invalidate(hw, dev, 5), want);
    cr_assert_eq(ops->config_invalidate(hw, dev, UIOMMU_PASID_ALL), want);
    cr_assert_eq(ops->tlb_invalidate(hw, dev, 5, &root, 1, NULL), want);
    cr_assert_eq(ops->dtlb_invalidate(hw, dev, 5, NULL), want);
    cr_assert_eq(ops->barrier(hw, dev, 5, &ticket, &strength), want);
    cr_assert_eq(ops->command(hw, words, 2), want);
    cr_assert_eq(ops->ticket(hw, &ticket), want);
    cr_assert_eq(ops->respond(hw, &answer, 1), want == UIOMMU_OK);
    cr_assert_eq(hw->iq.head == head, want != UIOMMU_OK);
}

/* R16: BUSY, with nothing put there; afterwards all goes on. */
Test(vtd_room, none)
{
    uint64_t ticket = 0, last = 0;
    uint32_t n = 0;

    u->hold = true;
    while (ops->ticket(hw, &ticket) == UIOMMU_OK) {
        last = ticket;
        cr_assert_lt(n++, 1u << hw->iq.log2);
    }
    expect(UIOMMU_E_BUSY);
    cr_assert_eq(ops->ticket_poll(hw, last), UIOMMU_PENDING);
    u->hold = false;
    fake_run(u);
    cr_assert_eq(ops->ticket_poll(hw, last), UIOMMU_OK);
    expect(UIOMMU_OK);
}

/* A head that cannot be: outside of the queue, askew, or beyond what was told. */
Test(vtd_room, impossible_heads)
{
    uint64_t good, bad;
    uint32_t i, heads[3];

    for (i = 0; i < 3; i++) {
        cr_assert_eq(ops->ticket(hw, &good), UIOMMU_OK);
        cr_assert_eq(ops->ticket_poll(hw, good), UIOMMU_OK);
        u->hold = true;
        cr_assert_eq(ops->ticket(hw, &bad), UIOMMU_OK);
        heads[0] = (1u << hw->iq.log2) << VTD_SLOT_LOG2;
        heads[1] = 1;
        heads[2] = ((uint32_t)(hw->iq.told + 1u) & ((1u << hw->iq.log2) - 1u)) << VTD_SLOT_LOG2;
        *fake_reg(u, HEAD) = heads[i];
        cr_assert_eq(ops->ticket_poll(hw, bad), UIOMMU_E_HW);
        cr_assert_eq(ops->ticket_poll(hw, good), UIOMMU_OK);
        expect(UIOMMU_E_HW);
        u->hold = false;
        cr_assert_eq(ops->restart(hw), UIOMMU_OK);
        cr_assert_eq(ops->ticket_poll(hw, bad), UIOMMU_E_HW);
    }
    expect(UIOMMU_OK);
}

Test(vtd_room, no_such_ticket)
{
    cr_assert_eq(ops->ticket_poll(hw, 0), UIOMMU_E_INVALID);
    cr_assert_eq(ops->ticket_poll(hw, hw->iq.head + 1), UIOMMU_E_INVALID);
}

/* What does not fit into the caller's room is left where it is. */
Test(vtd_room, for_events)
{
    struct uiommu_event events[1];
    struct uiommu_fetch io;

    memset(&io, 0, sizeof(io));
    io.events = events;
    *fake_reg(u, VTD_FSTS) |= VTD_FSTS_PFO;
    uiommu_vtd_faults_fetch(hw, &io);
    cr_assert_eq(io.event_count, 0);
    cr_assert_eq(io.flags, UIOMMU_FETCH_MORE);
    io.flags = 0;
    io.event_room = 1;
    uiommu_vtd_faults_fetch(hw, &io);
    cr_assert_eq(io.event_count, 1);
    cr_assert_eq(io.flags, 0);
    cr_assert_eq(events[0].kind, UIOMMU_EVENT_EVENTS_LOST);
}

/* A fetch of instructions is a read with a bit, where there is a PASID. */
Test(vtd_room, fault_of_a_fetch)
{
    uint64_t record[2] = {0,
                          uiommu_bits_make(VTD_FRCD1_T1, 1) | uiommu_bits_make(VTD_FRCD1_EXE, 1)};
    struct uiommu_event event;

    uiommu_vtd_fault_decode(record, &event);
    cr_assert_eq(event.access, UIOMMU_READ);
    record[1] |= uiommu_bits_make(VTD_FRCD1_PP, 1);
    uiommu_vtd_fault_decode(record, &event);
    cr_assert_eq(event.access, UIOMMU_EXEC);
    record[1] |= uiommu_bits_make(VTD_FRCD1_PRIV, 1);
    uiommu_vtd_fault_decode(record, &event);
    cr_assert_eq(event.access, UIOMMU_EXEC | UIOMMU_PRIV);
}

/* PASIDs beyond the device's, tags beyond the unit's, and roots that it cannot walk. */
Test(vtd_room, entries_that_cannot_be)
{
    struct uiommu_root other = root;

    cr_assert_eq(ops->pasid_prepare(hw, dev, 0), UIOMMU_E_RANGE);
    cr_assert_eq(ops->pasid_prepare(hw, dev, 1u << 20), UIOMMU_E_RANGE);
    cr_assert_eq(ops->pasid_prepare(hw, dev, 5), UIOMMU_OK);
    cr_assert_eq(ops->pasid_set(hw, dev, 5, &root, 0, 0), UIOMMU_E_INVALID);
    cr_assert_eq(ops->pasid_set(hw, dev, 5, &root, hw->f.did_last + 1u, 0), UIOMMU_E_INVALID);
    cr_assert_eq(ops->pasid_set(hw, dev, 0x5000, &root, 1, 0), UIOMMU_E_INVALID, "not prepared");
    other.format = UIOMMU_ROOT_AARCH64;
    cr_assert_eq(ops->pasid_set(hw, dev, 5, &other, 1, 0), UIOMMU_E_UNSUPPORTED);
    cr_assert_eq(ops->pasid_set(hw, dev, 5, &root, 1, 0), UIOMMU_OK);
}

/* Eight fault records, where the host has mapped as much and where not. */
Test(registers, are_mapped)
{
    struct uiommu_vtd_config config = fake_config();
    struct uiommu_unit *unit;
    struct uiommu_vtd *made;

    u = fake_new();
    *fake_reg(u, 0x08) = 0xf9780c06; /* At f90: the last ends at 1010. */
    cr_assert_eq(fake_unit(u, &config), NULL);
    config.bytes = 0x1000;
    cr_assert_eq(fake_unit(u, &config), NULL);
    config.bytes = 0xfff;
    *fake_reg(u, 0x08) = 0xf8780c06;
    cr_assert_eq(fake_unit(u, &config), NULL, "a page at least");
    config.bytes = 0x1000;
    made = fake_unit(u, &config);
    cr_assert_not_null(made);
    fake_unit_free(u);
    fake_free(u);
    u = fake_new();
    *fake_reg(u, 0x08) = 0xf9780c06;
    config.bytes = 0x2000; /* Not started: there are no such registers here. */
    cr_assert_eq(uiommu_vtd_create(u, &config, &unit), UIOMMU_OK);
    unit->ops->destroy(unit->hw);
    fake_free(u);
}
