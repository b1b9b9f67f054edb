/* SPDX-License-Identifier: BSD-2-Clause */
/* Sequences: what reaches registers, tables and the queue, in which order. */
#include "fake_vtd.h"

#include <criterion/criterion.h>

#define SID 0x5e9bu

static struct uiommu *u;
static struct uiommu_vtd *hw;
static const struct uiommu_root root = {UIOMMU_ROOT_X86_64, 12, 48, 0, 0, 0x7654321000, 0, {0}};

static void begin_with(const struct uiommu_vtd_config *config)
{
    hw = fake_unit(u, config);
    cr_assert_neq(hw, NULL);
    u->logged = 0;
}

static void begin(void)
{
    struct uiommu_vtd_config config = fake_config();

    u = fake_new();
    begin_with(&config);
}

static void end(void)
{
    fake_unit_free(u);
    cr_assert(u->core.mem_bytes == 0 && u->core.heap_bytes == 0 && u->core.unit.locked == 0);
    fake_free(u);
}

static struct vtd_device *attach(uint32_t flags, uint32_t pasid_bits)
{
    static const uint32_t ids[] = {SID};
    struct uiommu_device_desc desc = {ids, 1, flags, pasid_bits, 1, 0};
    void *dev = NULL;

    cr_assert_eq(uiommu_vtd_device_attach(hw, &desc, &dev), UIOMMU_OK);
    return dev;
}

static struct vtd_device *opened(void)
{
    struct vtd_device *dev =
        attach(UIOMMU_DEVICE_ATS | UIOMMU_DEVICE_PRI | UIOMMU_DEVICE_PASID, 20);

    cr_assert_eq(uiommu_vtd_device_set(hw, dev, UIOMMU_DEVICE_SET_OPEN | UIOMMU_DEVICE_SET_ATS, 0),
                 UIOMMU_OK);
    return dev;
}

static uint64_t ticket(void)
{
    uint64_t t = 0;

    cr_assert_eq(uiommu_vtd_ticket(hw, &t), UIOMMU_OK);
    return t;
}

static void bound(struct vtd_device *dev, uint32_t pasid)
{
    cr_assert_eq(uiommu_vtd_pasid_prepare(hw, dev, pasid), UIOMMU_OK);
    cr_assert_eq(uiommu_vtd_pasid_set(hw, dev, pasid, &root, 1, 0), UIOMMU_OK);
}

static void logged(uint32_t at, uint64_t q0)
{
    cr_assert_lt(at, u->logged);
    cr_expect_eq(u->log[at].q[0], q0, "%u: %llx", at, (unsigned long long)u->log[at].q[0]);
}

static struct uiommu_request requests[8];
static struct uiommu_event events[8];
static struct uiommu_fetch io = {requests, 8, 0, events, 8, 0, 0, 0};

static void request(uint64_t q0, uint64_t q1)
{
    uint32_t at = *fake_reg(u, 0xc8);
    uint64_t *to = (uint64_t *)hw->prq.mem.cpu + at / 8;

    to[0] = le64(q0);
    to[1] = le64(q1);
    *fake_reg(u, 0xc8) = (at + 32) & ((32u << hw->prq.log2) - 1);
    *fake_reg(u, 0xdc) |= 1;
}

Test(flow, probe)
{
    begin();
    cr_expect_eq(u->core.unit.caps.flags,
                 UIOMMU_CAP_MARKERS | UIOMMU_CAP_ISOLATE | UIOMMU_CAP_ATS | UIOMMU_CAP_COHERENT);
    cr_expect_eq(u->core.unit.caps.pasid_bits, 20);
    cr_expect_eq(u->core.unit.caps.tag_last, 0xffff);
    cr_expect_eq(u->core.unit.caps.request_entries, 511);
    cr_expect_eq(u->core.unit.caps.rings, 2);
    cr_expect_eq(u->core.unit.caps.ring[1].entries, 8);
    end();
}

Test(flow, probe_refuses)
{
    struct uiommu_vtd_config config = fake_config();

    u = fake_new();
    *fake_reg(u, 0x14) &= ~(1u << 11); /* No scalable mode. */
    cr_assert_eq(fake_unit(u, &config), NULL);
    *fake_reg(u, 0x14) |= 1u << 11;
    *fake_reg(u, 0x10) &= ~4u; /* Page requests without device TLBs. */
    cr_assert_eq(fake_unit(u, &config), NULL);
    config.queue_log2 = 6;
    cr_assert_eq(fake_unit(u, &config), NULL);
    cr_assert_eq(u->core.heap_bytes, 0);
    fake_free(u);
}

Test(flow, bring_up)
{
    struct uiommu_vtd_config config = fake_config();

    u = fake_new();
    hw = fake_unit(u, &config);
    cr_assert_neq(hw, NULL);
    cr_expect_eq(u->command_count, 3);
    cr_expect_eq(u->commands[0], 0x04000000);
    cr_expect_eq(u->commands[1], 0x44000000);
    cr_expect_eq(u->commands[2], 0x84000000);
    cr_expect_eq(*fake_reg(u, 0x1c), 0xc4000000);
    cr_expect_eq(*fake_reg(u, 0x90) & 0xfff, 0x801);
    cr_expect_eq(*fake_reg(u, 0x20), (uint32_t)hw->root.bus | 0x400);
    cr_expect_eq(*fake_reg(u, 0xd0) & 0xfff, 2);
    cr_expect_eq(*fake_reg(u, 0x88), 0x80);
    logged(0, 0x11);
    logged(1, 0x37);
    logged(2, 0xd2);
    logged(3, 0x0000000400000065);
    end();
}

Test(flow, events_are_programmed)
{
    struct uiommu_vtd_config config = fake_config();

    u = fake_new();
    config.fault.address = 0x12300fee45000;
    config.fault.data = 0x41;
    begin_with(&config);
    cr_expect_eq(*fake_reg(u, 0x38), 0);
    cr_expect_eq(*fake_reg(u, 0x3c), 0x41);
    cr_expect_eq(*fake_reg(u, 0x40), 0xfee45000);
    cr_expect_eq(*fake_reg(u, 0x44), 0x12300);
    cr_expect_eq(*fake_reg(u, 0xe0), 0x80000000);
    end();
}

/* Translation stays on, and interrupt remapping too. */
Test(flow, takeover_without_a_window)
{
    struct uiommu_vtd_config config = fake_config();
    uint32_t i;

    u = fake_new();
    *fake_reg(u, 0x1c) = 0xc7000000;
    begin_with(&config);
    for (i = 0; i < u->command_count; i++)
        cr_expect_eq(u->commands[i] & 0x83000000, 0x82000000);
    end();
}

Test(flow, takeover_of_legacy_mode)
{
    struct uiommu_vtd_config config = fake_config();

    u = fake_new();
    *fake_reg(u, 0x0c) &= 0x7fffffff; /* ESRTPS=0 */
    *fake_reg(u, 0x1c) = 0xc4000000;
    cr_assert_eq(fake_unit(u, &config), NULL);
    cr_expect_eq(u->core.mem_bytes, 0);
    cr_expect_eq(*fake_reg(u, 0x1c), 0xc4000000);
    u->core.unit.ops->destroy(u->core.unit.hw);
    config.quirks = UIOMMU_VTD_QUIRK_TAKEOVER_WINDOW;
    begin_with(&config);
    end();
}

/* Tables and memory stay, and so does translation; nothing is put, found or touched. */
Test(flow, stop)
{
    struct uiommu_item item;
    struct vtd_device *dev;
    uint64_t t, bytes, cursor = 0;
    uint32_t touched;

    begin();
    dev = opened();
    t = ticket();
    bytes = u->core.mem_bytes;
    u->core.unit.ops->stop(hw);
    cr_expect_eq(*fake_reg(u, 0x1c), 0xc0000000);
    cr_expect_eq(*fake_reg(u, 0x38), 0x80000000);
    cr_expect_eq(*fake_reg(u, 0xe0), 0x80000000);
    cr_expect_eq(u->core.mem_bytes, bytes);
    cr_expect_eq(le64(uiommu_vtd_context_at(hw, SID)[0]) & 1, 1);
    request(0x000abcde5e9b0101, 0x7f1234567007);
    touched = u->core.accesses;
    u->core.unit.ops->stop(hw);
    cr_expect_eq(uiommu_vtd_ticket(hw, &t), UIOMMU_E_HW);
    cr_expect_eq(uiommu_vtd_ticket_poll(hw, t), UIOMMU_OK);
    cr_expect_eq(uiommu_vtd_config_invalidate(hw, dev, UIOMMU_PASID_ALL), UIOMMU_E_HW);
    cr_expect_eq(uiommu_vtd_tlb_invalidate(hw, NULL, 5, &root, 1, NULL), UIOMMU_E_HW);
    cr_expect_eq(uiommu_vtd_dtlb_invalidate(hw, dev, 5, NULL), UIOMMU_E_HW);
    cr_expect_eq(uiommu_vtd_ring_pending(hw, 0), 0);
    cr_expect_eq(uiommu_vtd_ring_pending(hw, 1), 0);
    uiommu_vtd_irq_ack(hw);
    uiommu_vtd_overflow_ack(hw, 0);
    cr_expect_eq(uiommu_vtd_fetch(hw, 0, &io), UIOMMU_OK);
    cr_expect_eq(io.request_count, 0);
    while (uiommu_vtd_describe(hw, SID, 0xabcde, &cursor, &item) == UIOMMU_OK)
        ;
    cr_expect_eq(u->core.accesses, touched);
    uiommu_vtd_device_detach(hw, dev);
    cr_assert_eq(u->core.unit.ops->start(hw), UIOMMU_OK);
    end();
}

/* After a loss of power: from the tables that are there. */
Test(flow, restart_from_reset_values)
{
    struct vtd_device *dev;

    begin();
    dev = opened();
    bound(dev, 0xabcde);
    u->core.unit.ops->stop(hw);
    memset(fake_reg(u, 0x18), 0, 0x1000 - 0x18);
    *fake_reg(u, 0x38) = *fake_reg(u, 0xe0) = 0x80000000;
    u->command_count = 0;
    u->logged = 0;
    cr_assert_eq(u->core.unit.ops->restart(hw), UIOMMU_OK);
    cr_expect_eq(u->command_count, 3);
    cr_expect_eq(*fake_reg(u, 0x1c), 0xc4000000);
    cr_expect_eq(*fake_reg(u, 0x20), (uint32_t)hw->root.bus | 0x400);
    cr_expect_eq(*fake_reg(u, 0xd0), (uint32_t)hw->prq.mem.bus | 2);
    cr_expect_eq(le64(uiommu_vtd_pasid_at(dev, 0xabcde)[0]), 0x41);
    logged(0, 0x11);
    cr_expect_eq(uiommu_vtd_ring_pending(hw, 0), 1);
    cr_expect_eq(uiommu_vtd_ticket_poll(hw, ticket()), UIOMMU_OK);
    uiommu_vtd_device_detach(hw, dev);
    end();
}

/* Memory of a queue that does not go off is never given back. */
Test(flow, stop_of_a_stuck_unit)
{
    begin();
    u->stuck = true;
    u->core.unit.ops->stop(hw);
    u->stuck = false; /* Only the queue was. */
    u->core.unit.ops->destroy(hw);
    cr_expect_neq(u->core.mem_bytes, 0);
    cr_expect_eq(u->core.heap_bytes, 0);
}

/* Without ADMS destroy() ends translation; with it and ESRTPS everything stays blocked. */
Test(flow, destroy)
{
    struct uiommu_vtd_config config = fake_config();

    begin();
    u->core.unit.ops->stop(hw);
    u->core.unit.ops->destroy(hw);
    cr_expect_eq(*fake_reg(u, 0x1c) >> 31, 0);
    cr_expect_eq(u->core.mem_bytes, 0);
    fake_free(u);
    u = fake_new();
    *fake_reg(u, 0x14) |= 1u << 20;
    begin_with(&config);
    u->core.unit.ops->stop(hw);
    u->core.unit.ops->destroy(hw);
    cr_expect_eq(*fake_reg(u, 0x1c) >> 31, 1);
    cr_expect_eq(*fake_reg(u, 0x20), 0xc00);
    cr_expect_eq(u->core.mem_bytes, 0);
    fake_free(u);
}

Test(flow, raw_commands)
{
    static const uint64_t global[2] = {0x4, 0}, index[4] = {0x0000123420000014, 0, 0, 0};
    static const uint64_t wait[2] = {0x45, 0}, answer[4] = {0x9, 0, 0, 0};
    uint64_t t;

    begin();
    cr_expect_eq(uiommu_vtd_raw(hw, global, 2), UIOMMU_OK);
    cr_expect_eq(uiommu_vtd_raw(hw, index, 4), UIOMMU_OK);
    cr_expect_eq(uiommu_vtd_raw(hw, global, 1), UIOMMU_E_INVALID);
    cr_expect_eq(uiommu_vtd_raw(hw, index, 3), UIOMMU_E_INVALID);
    cr_expect_eq(uiommu_vtd_raw(hw, wait, 2), UIOMMU_E_INVALID);
    cr_expect_eq(uiommu_vtd_raw(hw, answer, 4), UIOMMU_E_INVALID);
    cr_expect_eq(uiommu_vtd_ticket_poll(hw, ticket()), UIOMMU_OK);
    cr_expect_eq(u->logged, 3);
    logged(0, 4);
    logged(1, 0x0000123420000014);
    u->bad_type = 4;
    u->bad_code = 3;
    cr_expect_eq(uiommu_vtd_raw(hw, global, 2), UIOMMU_OK);
    t = ticket();
    cr_expect_eq(uiommu_vtd_ticket_poll(hw, t), UIOMMU_E_HW);
    cr_expect_eq(uiommu_vtd_ticket_poll(hw, ticket()), UIOMMU_OK);
    end();
}

/* Interrupt remapping is the host's: its bits stay, its table is never latched or written. */
Test(flow, interrupt_remapping_is_left_alone)
{
    struct uiommu_vtd_config config = fake_config();
    uint32_t i;

    u = fake_new();
    *fake_reg(u, 0x1c) = 0x03800000; /* IRES, IRTPS, CFIS */
    *fake_reg(u, 0xb8) = 0x00abc80f;
    config.quirks = UIOMMU_VTD_QUIRK_WRITE_BUFFER;
    begin_with(&config);
    cr_assert_eq(u->core.unit.ops->restart(hw), UIOMMU_OK);
    u->core.unit.ops->stop(hw);
    u->core.unit.ops->destroy(hw);
    for (i = 0; i < u->command_count; i++)
        cr_expect_eq(u->commands[i] & 0x03800000, 0x02800000, "%u", i);
    cr_expect_eq(*fake_reg(u, 0x1c) & 0x02800000, 0x02800000);
    cr_expect_eq(*fake_reg(u, 0xb8), 0x00abc80f);
    fake_free(u);
}

/* Behind a ticket that covers a device TLB nothing is shown before its fate is known. */
Test(flow, device_invalidations_stand_alone)
{
    struct uiommu_answer answer;
    struct vtd_device *dev;
    uint64_t a, b;

    begin();
    dev = opened();
    memset(&answer, 0, sizeof(answer));
    u->hold = true;
    cr_assert_eq(uiommu_vtd_tlb_invalidate(hw, NULL, 5, &root, 1, NULL), UIOMMU_OK);
    cr_assert_eq(uiommu_vtd_dtlb_invalidate(hw, dev, 5, NULL), UIOMMU_OK);
    a = ticket();
    cr_expect_eq(uiommu_vtd_respond(hw, &answer, 1), 0);
    b = ticket();
    cr_expect_eq(*fake_reg(u, 0x88), 3 * 32 + 0x80);
    u->hold = false;
    fake_run(u);
    cr_expect_eq(u->logged, 3);
    cr_expect_eq(uiommu_vtd_ticket_poll(hw, a), UIOMMU_OK);
    cr_expect_eq(u->logged, 4);
    cr_expect_eq(uiommu_vtd_respond(hw, &answer, 1), 1);
    cr_expect_eq(u->logged, 5);
    cr_expect_eq(uiommu_vtd_ticket_poll(hw, b), UIOMMU_OK);
    uiommu_vtd_device_detach(hw, dev);
    end();
}

Test(flow, physical_function_and_depth)
{
    static const uint32_t ids[] = {SID};
    struct uiommu_device_desc desc = {
        ids, 1, UIOMMU_DEVICE_ATS | UIOMMU_DEVICE_PASID | UIOMMU_DEVICE_VIRTUAL, 20, 17, 0x5e08};
    void *dev = NULL;

    begin();
    cr_assert_eq(uiommu_vtd_device_attach(hw, &desc, &dev), UIOMMU_OK);
    cr_assert_eq(uiommu_vtd_device_set(hw, dev, UIOMMU_DEVICE_SET_OPEN | UIOMMU_DEVICE_SET_ATS, 0),
                 UIOMMU_OK);
    cr_assert_eq(uiommu_vtd_dtlb_invalidate(hw, dev, 0xabcde, NULL), UIOMMU_OK);
    cr_assert_eq(uiommu_vtd_dtlb_invalidate(hw, dev, UIOMMU_PASID_NONE, NULL), UIOMMU_OK);
    cr_expect_eq(uiommu_vtd_ticket_poll(hw, ticket()), UIOMMU_OK);
    logged(0, 0x5e0abcde5e9b8118);
    logged(1, 0x5e005e9b00118003);
    cr_assert_eq(uiommu_vtd_device_set(hw, dev, 0, 0), UIOMMU_OK);
    uiommu_vtd_device_detach(hw, dev);
    hw->f.throttle = false;
    desc.ats_depth = 32;
    cr_assert_eq(uiommu_vtd_device_attach(hw, &desc, &dev), UIOMMU_OK);
    cr_assert_eq(uiommu_vtd_device_set(hw, dev, UIOMMU_DEVICE_SET_OPEN | UIOMMU_DEVICE_SET_ATS, 0),
                 UIOMMU_OK);
    cr_assert_eq(uiommu_vtd_dtlb_invalidate(hw, dev, UIOMMU_PASID_NONE, NULL), UIOMMU_OK);
    ticket();
    logged(3, 0x00005e9b00000003);
    uiommu_vtd_device_detach(hw, dev);
    end();
}

Test(flow, start_fails_at_every_allocation)
{
    struct uiommu_vtd_config config = fake_config();
    uint32_t n;

    for (n = 0; n < 4; n++) {
        u = fake_new();
        u->core.mem_left = n;
        cr_assert_eq(fake_unit(u, &config), NULL);
        cr_expect_eq(u->core.mem_bytes, 0);
        u->core.unit.ops->destroy(u->core.unit.hw);
        cr_expect_eq(u->core.heap_bytes, 0);
        fake_free(u);
    }
}

Test(flow, device_entries)
{
    volatile uint64_t *ctx;
    struct vtd_device *dev;

    begin();
    dev = opened();
    ctx = uiommu_vtd_context_at(hw, SID);
    cr_expect_eq(le64(ctx[0]), dev->directory.bus | 0xe1d);
    cr_expect_eq(le64(((uint64_t *)hw->root.cpu)[0x5e * 2 + 1]), hw->context[0xbd].bus | 1);
    cr_expect_eq(le64(*(uint64_t *)dev->leaves.first.cpu), 2); /* Untagged: blocked, silent. */
    cr_assert_eq(uiommu_vtd_config_invalidate(hw, dev, UIOMMU_PASID_ALL), UIOMMU_OK);
    cr_expect_eq(uiommu_vtd_ticket_poll(hw, ticket()), UIOMMU_OK);
    logged(0, 0x00005e9b00000031);
    logged(1, 0x37);
    logged(2, 0xd2);
    cr_assert_eq(uiommu_vtd_device_isolate(hw, dev), UIOMMU_OK);
    cr_expect_eq(le64(ctx[0]), (dev->directory.bus | 0xe0e)); /* P=0, PRE=0, FPD=1 */
    uiommu_vtd_device_detach(hw, dev);
    end();
}

Test(flow, pasid_life)
{
    volatile uint64_t *entry;
    struct vtd_device *dev;
    struct uiommu_mem leaf;

    begin();
    dev = opened();
    bound(dev, 0xabcde);
    entry = uiommu_vtd_pasid_at(dev, 0xabcde);
    leaf = *uiommu_leaf(&dev->leaves, 0x2af3);
    cr_expect_eq((uintptr_t)entry, (uintptr_t)leaf.cpu + 0x780);
    cr_expect_eq(le64(((uint64_t *)dev->directory.cpu)[0x2af3]), leaf.bus | 1);
    cr_expect_eq(le64(entry[0]), 0x41);
    cr_expect_eq(uiommu_vtd_pasid_set(hw, dev, 0xabcde, &root, 1, 0), UIOMMU_OK);
    cr_expect_eq(uiommu_vtd_pasid_set(hw, dev, 0xabcde, &root, 2, 0), UIOMMU_E_STATE);
    uiommu_vtd_pasid_block(hw, dev, 0xabcde);
    cr_expect_eq(le64(entry[0]), 0x42);
    uiommu_vtd_pasid_clear(hw, dev, 0xabcde);
    cr_expect_eq(le64(entry[0]), 0x40);
    cr_expect_eq(le64(entry[1]), 0x800001);
    cr_expect_eq(le64(entry[2]), 0x7654321000);
    cr_assert_eq(uiommu_vtd_config_invalidate(hw, dev, 0xabcde), UIOMMU_OK);
    ticket();
    cr_assert_eq(uiommu_vtd_tlb_invalidate(hw, NULL, 0xabcde, &root, 1, NULL), UIOMMU_OK);
    ticket();
    cr_assert_eq(uiommu_vtd_dtlb_invalidate(hw, dev, 0xabcde, NULL), UIOMMU_OK);
    ticket();
    logged(0, 0x000abcde00010017);
    logged(2, 0x000abcde00010026);
    logged(4, 0x5e9abcde5e9bb018);
    cr_expect_eq(uiommu_vtd_pasid_set(hw, dev, 0, &root, 1, 0), UIOMMU_E_INVALID);
    uiommu_vtd_device_detach(hw, dev);
    end();
}

Test(flow, barrier)
{
    struct vtd_device *dev;
    uint32_t strength = 0;
    uint64_t t = 0;

    begin();
    dev = opened();
    bound(dev, 0xabcde);
    cr_assert_eq(uiommu_vtd_barrier(hw, dev, 0xabcde, &t, &strength), UIOMMU_OK);
    cr_expect_eq(strength, UIOMMU_BARRIER_PROVED);
    cr_expect_eq(uiommu_vtd_ticket_poll(hw, t), UIOMMU_OK);
    cr_expect_eq(u->logged, 4);
    logged(0, 0x65);
    logged(1, 0x000abcde00010026);
    logged(2, 0x5e9abcde5e9bb018);
    cr_expect_eq(u->log[3].q[0] & 0xffffffff, 0xe5);
    u->logged = 0;
    cr_assert_eq(uiommu_vtd_barrier(hw, dev, UIOMMU_PASID_NONE, &t, &strength), UIOMMU_OK);
    cr_expect_eq(u->logged, 5);
    logged(2, 0x65); /* Between type 6 and type 3. */
    logged(3, 0x5e905e9b0001b003);
    uiommu_vtd_device_detach(hw, dev);
    end();
}

Test(flow, barrier_without_drain)
{
    struct uiommu_vtd_config config = fake_config();
    struct vtd_device *dev;
    uint32_t strength = 0;
    uint64_t t = 0;

    u = fake_new();
    *fake_reg(u, 0x14) &= ~(1u << 10); /* PDS=0 */
    begin_with(&config);
    dev = opened();
    cr_assert_eq(uiommu_vtd_barrier(hw, dev, 5, &t, &strength), UIOMMU_OK);
    cr_expect_eq(strength, UIOMMU_BARRIER_ORDERED);
    cr_expect_eq(u->log[u->logged - 1].q[0] & 0xff, 0x65);
    uiommu_vtd_device_detach(hw, dev);
    end();
}

/* Whatever DID tags what was cached of an absent entry. */
Test(flow, caching_mode_flushes_every_tag)
{
    struct uiommu_vtd_config config = fake_config();
    struct vtd_device *dev;

    u = fake_new();
    *fake_reg(u, 0x08) |= 1u << 7;
    begin_with(&config);
    dev = opened();
    bound(dev, 5);
    cr_assert_eq(uiommu_vtd_config_invalidate(hw, dev, 5), UIOMMU_OK);
    ticket();
    logged(0, 0x37);
    logged(1, 0xd2);
    uiommu_vtd_device_detach(hw, dev);
    end();
}

/* Every waiter is aborted; what was not fetched yet runs on. */
Test(flow, time_out_fails_its_tickets)
{
    struct uiommu_check check;
    struct vtd_device *dev;
    uint64_t a, b, c;

    begin();
    dev = opened();
    u->hold = true;
    cr_assert_eq(uiommu_vtd_dtlb_invalidate(hw, dev, 5, NULL), UIOMMU_OK);
    a = ticket();
    cr_assert_eq(uiommu_vtd_tlb_invalidate(hw, NULL, 5, &root, 1, NULL), UIOMMU_OK);
    b = ticket();
    cr_expect_eq(uiommu_vtd_ticket_poll(hw, b), UIOMMU_PENDING);
    u->hold = false;
    u->time_outs = 1;
    u->silent = SID;
    fake_run(u);
    cr_expect_eq(uiommu_vtd_ticket_poll(hw, a), UIOMMU_E_HW);
    cr_expect_eq(uiommu_vtd_ticket_poll(hw, b), UIOMMU_OK);
    c = ticket();
    cr_expect_eq(uiommu_vtd_ticket_poll(hw, c), UIOMMU_OK);
    cr_expect_eq(uiommu_vtd_ticket_poll(hw, a), UIOMMU_E_HW);
    uiommu_vtd_check(hw, &check);
    cr_assert_eq(check.event_count, 1);
    cr_expect_eq(check.event[0].kind, UIOMMU_EVENT_INVALIDATION_TIMEOUT);
    cr_expect_eq(check.event[0].id, SID);
    uiommu_vtd_device_detach(hw, dev);
    end();
}

/* The wait itself was not fetched when the time-out came: it completes, and must not count. */
Test(flow, time_out_before_the_wait)
{
    struct vtd_device *dev;
    uint64_t a, b;

    begin();
    dev = opened();
    u->hold = true;
    cr_assert_eq(uiommu_vtd_dtlb_invalidate(hw, dev, 5, NULL), UIOMMU_OK);
    a = ticket();
    b = ticket();
    *fake_reg(u, 0x80) += 32; /* The invalidation was fetched... */
    *fake_reg(u, 0x34) |= 0x40;
    u->hold = false;
    (void)uiommu_vtd_ticket_poll(hw, b);
    cr_expect_eq(uiommu_vtd_ticket_poll(hw, b), UIOMMU_OK);
    cr_expect_eq(uiommu_vtd_ticket_poll(hw, a), UIOMMU_E_HW);
    uiommu_vtd_device_detach(hw, dev);
    end();
}

Test(flow, refused_descriptor)
{
    struct uiommu_check check;
    uint64_t a, b;

    begin();
    u->bad_type = 6;
    u->bad_code = 4;
    cr_assert_eq(uiommu_vtd_tlb_invalidate(hw, NULL, 5, &root, 1, NULL), UIOMMU_OK);
    a = ticket();
    b = ticket();
    cr_expect_eq(uiommu_vtd_ticket_poll(hw, a), UIOMMU_E_HW);
    cr_expect_eq(uiommu_vtd_ticket_poll(hw, b), UIOMMU_OK);
    uiommu_vtd_check(hw, &check);
    cr_assert_eq(check.event_count, 1);
    cr_expect_eq(check.event[0].kind, UIOMMU_EVENT_COMMAND_ERROR);
    cr_expect_eq(check.event[0].raw[0], 0x0000000500010026);
    cr_expect_eq(check.flags, 0);
    end();
}

Test(flow, full_queue)
{
    uint32_t n = 0;
    uint64_t t;

    begin();
    u->hold = true;
    while (uiommu_vtd_tlb_invalidate(hw, NULL, 5, &root, 1, NULL) == UIOMMU_OK)
        n++;
    cr_expect_eq(n, 254); /* One slot free, one for the ticket. */
    t = ticket();
    cr_expect_eq(uiommu_vtd_ticket_poll(hw, t), UIOMMU_PENDING);
    u->hold = false;
    fake_run(u);
    cr_expect_eq(uiommu_vtd_ticket_poll(hw, t), UIOMMU_OK);
    for (n = 0; n < 1000; n++) {
        cr_assert_eq(uiommu_vtd_tlb_invalidate(hw, NULL, 5, &root, 1, NULL), UIOMMU_OK);
        cr_assert_eq(uiommu_vtd_ticket_poll(hw, ticket()), UIOMMU_OK);
    }
    end();
}

Test(flow, restart_fails_old_tickets)
{
    uint64_t t;

    begin();
    u->hold = true;
    t = ticket();
    u->hold = false;
    *fake_reg(u, 0x34) |= 0x10; /* Stuck on an error. */
    cr_assert_eq(u->core.unit.ops->restart(hw), UIOMMU_OK);
    cr_expect_eq(*fake_reg(u, 0x1c) >> 31, 1);
    cr_expect_eq(uiommu_vtd_ticket_poll(hw, t), UIOMMU_E_HW);
    cr_expect_eq(uiommu_vtd_ticket_poll(hw, ticket()), UIOMMU_OK);
    cr_expect_eq(uiommu_vtd_ring_pending(hw, 0), 1); /* Lost, for whoever waits. */
    end();
}

Test(flow, page_requests)
{
    uint32_t i;

    begin();
    for (i = 0; i < 10; i++)
        request(0x000abcde5e9b0101, 0x7f1234567007 | i << 3);
    uiommu_vtd_irq_ack(hw);
    cr_expect_eq(*fake_reg(u, 0xdc), 0);
    cr_expect_eq(uiommu_vtd_ring_pending(hw, 0), 10);
    cr_assert_eq(uiommu_vtd_fetch(hw, 0, &io), UIOMMU_OK);
    cr_expect_eq(io.request_count, 8);
    cr_expect_eq(requests[7].at, 7);
    cr_expect_eq(io.flags, UIOMMU_FETCH_MORE);
    cr_expect_eq(*fake_reg(u, 0xc0), 8 * 32);
    *fake_reg(u, 0xdc) |= 2;
    cr_assert_eq(uiommu_vtd_fetch(hw, 0, &io), UIOMMU_OK);
    cr_expect_eq(io.entries, 2);
    cr_expect_eq(io.flags, UIOMMU_FETCH_OVERFLOW);
    cr_expect_eq(uiommu_vtd_ring_pending(hw, 0), 0);
    uiommu_vtd_overflow_ack(hw, 0);
    cr_expect_eq(*fake_reg(u, 0xdc), 0);
    *fake_reg(u, 0xdc) = 2;
    uiommu_vtd_overflow_ack(hw, 0); /* One that no fetch has seen stays. */
    cr_expect_eq(*fake_reg(u, 0xdc), 2);
    *fake_reg(u, 0xc8) = 0xffffffff;
    cr_expect_eq(uiommu_vtd_ring_pending(hw, 0), 511); /* Nobody knows: never empty. */
    cr_assert_eq(uiommu_vtd_fetch(hw, 0, &io), UIOMMU_OK);
    cr_expect_eq(io.entries, 0);
    cr_expect_eq(io.flags, UIOMMU_FETCH_OVERFLOW);
    *fake_reg(u, 0xc8) = 10 * 32;
    cr_expect_eq(uiommu_vtd_ring_pending(hw, 0), 0);
    end();
}

/* An overflow counts as an entry until a fetch has told of it: a position is not reached before. */
Test(flow, overflow_between_fetch_and_snapshot)
{
    begin();
    *fake_reg(u, 0xdc) = 2;
    cr_expect_eq(uiommu_vtd_ring_pending(hw, 0), 1);
    cr_assert_eq(uiommu_vtd_fetch(hw, 0, &io), UIOMMU_OK);
    cr_expect_eq(io.flags, UIOMMU_FETCH_OVERFLOW);
    cr_expect_eq(uiommu_vtd_ring_pending(hw, 0), 0);
    *fake_reg(u, 0xdc) |= 1; /* By what came before it, and without a message. */
    uiommu_vtd_overflow_ack(hw, 0);
    cr_expect_eq(*fake_reg(u, 0xdc), 0);
    end();
}

Test(flow, page_request_ring_wraps)
{
    uint32_t i;

    begin();
    for (i = 0; i < 2000; i++) {
        request(0x000abcde5e9b0101, 0x7f1234567007);
        cr_assert_eq(uiommu_vtd_fetch(hw, 0, &io), UIOMMU_OK);
        cr_assert_eq(io.request_count, 1);
    }
    end();
}

Test(flow, fault_records)
{
    uint32_t i;

    begin();
    for (i = 0; i < 8; i++) {
        *fake_reg(u, 0x220 + 16 * i + 8) = SID;
        *fake_reg(u, 0x220 + 16 * i + 12) = 0x80000041 + (i == 3 ? 0x18u : 0u);
    }
    *fake_reg(u, 0x34) = 0x303; /* FRI 3, and an overflow. */
    cr_expect_eq(uiommu_vtd_ring_pending(hw, 1), 8);
    io.event_room = 4;
    cr_assert_eq(uiommu_vtd_fetch(hw, 1, &io), UIOMMU_OK);
    cr_expect_eq(io.entries, 4);
    cr_expect_eq(io.flags, UIOMMU_FETCH_MORE);
    io.event_room = 8;
    cr_assert_eq(uiommu_vtd_fetch(hw, 1, &io), UIOMMU_OK);
    cr_expect_eq(io.entries, 4);
    cr_expect_eq(io.event_count, 5);
    cr_expect_eq(events[4].kind, UIOMMU_EVENT_EVENTS_LOST);
    cr_expect_eq(*fake_reg(u, 0x34) & 1, 0);
    end();
}

Test(flow, responses)
{
    struct uiommu_answer a[2];

    begin();
    memset(a, 0, sizeof(a));
    a[0].id = a[1].id = SID;
    a[1].code = UIOMMU_CODE_FAILURE;
    cr_expect_eq(uiommu_vtd_respond(hw, a, 2), 2);
    cr_expect_eq(u->logged, 2);
    logged(0, 0x000000005e9b0009);
    logged(1, 0x000000005e9bf009);
    end();
}

Test(flow, roots)
{
    struct uiommu_root r = root;

    begin();
    cr_expect_eq(uiommu_vtd_root_check(hw, NULL, 1, &r), UIOMMU_OK);
    r.va_bits = 57;
    cr_expect_eq(uiommu_vtd_root_check(hw, NULL, 1, &r), UIOMMU_OK);
    hw->f.five = false;
    cr_expect_eq(uiommu_vtd_root_check(hw, NULL, 1, &r), UIOMMU_E_UNSUPPORTED);
    r = root;
    r.table += 64;
    cr_expect_eq(uiommu_vtd_root_check(hw, NULL, 1, &r), UIOMMU_E_UNSUPPORTED);
    r = root;
    r.format = UIOMMU_ROOT_AARCH64;
    cr_expect_eq(uiommu_vtd_root_check(hw, NULL, 1, &r), UIOMMU_E_UNSUPPORTED);
    end();
}

Test(flow, describe)
{
    struct vtd_device *dev;
    struct uiommu_item item;
    uint64_t cursor = 0;
    uint32_t n = 0;

    begin();
    dev = opened();
    bound(dev, 0xabcde);
    while (uiommu_vtd_describe(hw, SID, 0xabcde, &cursor, &item) == UIOMMU_OK)
        n++;
    cr_expect_eq(n, 20);
    cr_expect_str_eq(item.name == NULL ? "" : item.name, "");
    uiommu_vtd_device_detach(hw, dev);
    end();
}

Test(flow, tables_are_flushed_for_a_unit_that_does_not_snoop)
{
    struct uiommu_vtd_config config = fake_config();
    struct vtd_device *dev;
    uint32_t before;

    u = fake_new();
    *fake_reg(u, 0x10) &= ~1u;
    begin_with(&config);
    cr_expect_neq(u->core.unit.caps.flags & UIOMMU_CAP_COHERENT, 0); /* Page tables are. */
    dev = opened();
    before = u->core.cleaned;
    bound(dev, 5);
    cr_expect_gt(u->core.cleaned, before);
    uiommu_vtd_device_detach(hw, dev);
    end();
}
