/* SPDX-License-Identifier: BSD-2-Clause */
#include "selftest_amd_bench.h"

extern const struct model_selftest model_selftests_amd_cmdq[];
extern const unsigned model_selftest_count_amd_cmdq;

static const char *waits_and_wraps(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes);
    unsigned i;

    push_wait(b, 1);
    EXPECT(b, !waited(b)); /* Not at once. */
    settle(b);
    EXPECT(b, waited(b) && rd(b, CMD_HEAD) == 16);
    for (i = 0; i < 300; i++) {
        do_wait(b);
    }
    EXPECT(b, rd(b, CMD_HEAD) == b->tail && model_amd_cmdq_used(b->m) == 0);
    EXPECT(b, model_amd_counts(b->m)->waits == 301);
    return selftest_end(&b->room);
}

static const char *overfull(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes);
    struct model_amd_knobs knobs;

    knobs_off(&knobs);
    knobs.command_hang = true;
    model_amd_set_knobs(b->m, &knobs);
    wr(b, CMD_TAIL, 0x800);
    EXPECT(b, rd(b, CMD_HEAD) == 0);
    wr(b, CMD_TAIL, 0x7F0);
    REPORTED(b, "amd.cmdq.overfull");
    return selftest_end(&b->room);
}

static const char *slot_changed(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes);

    push_wait(b, 1);
    put32(b, b->cmd + 8, 77); /* The data, after the tail covered it. */
    settle(b);
    REPORTED(b, "amd.cmdq.slot-changed");
    EXPECT(b, get64(b, b->word) == 77);
    return selftest_end(&b->room);
}

/* An illegal command stops the ring with its address in an event; then the ring restarts. */
static void refused(struct bench *b, uint32_t dw0, uint32_t dw1, uint32_t dw2, uint32_t dw3,
                    const char *rule)
{
    uint32_t at = b->tail;
    uint32_t slot = events(b);

    push(b, dw0, dw1, dw2, dw3);
    settle(b);
    REPORTED(b, rule);
    EXPECT(b, (rd(b, STATUS) & 0x10) == 0 && rd(b, CMD_HEAD) == at);
    EXPECT(b, event_is(b, slot, 0, 0x50000000, (uint32_t)b->cmd + at, 0));
    wr(b, CONTROL, ALL_ON & ~CMD_EN);
    wr(b, CMD_HEAD, 0);
    wr(b, CMD_TAIL, 0);
    b->tail = 0;
    wr(b, CONTROL, ALL_ON);
    do_wait(b);
}

static const char *reserved_bits(void *memory, size_t bytes)
{
    static const char *const rule = "amd.cmd.reserved";
    struct bench *b = bench(memory, bytes);

    refused(b, 0, 0x10100000, 0, 0, rule);
    refused(b, 0x10118, 0x20000000, 0, 0, rule);
    refused(b, 0x118, 0x20000001, 0, 0, rule);
    refused(b, 0x100000, 0x30000042, 0, 0, rule);
    refused(b, 0, 0x30010042, 0, 0, rule);
    refused(b, 0, 0x30000042, 8, 0, rule);
    refused(b, 0x20000118, 0x40000118, 2, 0, rule);
    refused(b, 0x20000118, 0x40000118, 0x10, 0, rule); /* Type without InvIotlbTypeSup */
    refused(b, 0x118, 0x50000000, 0, 1, rule);
    refused(b, 0x00010118, 0x60000000, 0, 0, rule);
    refused(b, 0x118, 0x70000000, 1, 0, rule);
    refused(b, 0x118, 0x70000000, 0, 0x200, rule);
    refused(b, 1, 0x80000000, 0, 0, rule);
    return selftest_end(&b->room);
}

static const char *unsupported(void *memory, size_t bytes)
{
    static const char *const rule = "amd.cmd.illegal";
    struct model_amd_config config;
    struct bench *b = bench(memory, bytes);

    refused(b, 0, 0, 0, 0, rule);
    refused(b, 0, 0x90000000, 0, 0, rule);
    refused(b, 0, 0xF0000000, 0, 0, rule);
    EXPECT(b, selftest_end(&b->room) == NULL);
    model_amd_defaults(&config);
    config.ia = false;
    config.prefetch = false;
    b = bench_as(memory, bytes, &config);
    refused(b, 0, 0x80000000, 0, 0, rule);
    refused(b, 0x118, 0x60000000, 0, 0, rule);
    return selftest_end(&b->room);
}

static const char *senseless(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes);

    push(b, 5, 0x30000042, 0x7FFFF003, 0x7FFFFFFF);
    do_wait(b);
    REPORTED(b, "amd.cmd.pasid-without-gn");
    push(b, 0x10000, 0x30000042, 0xFFFFF007, 0x7FFFFFFF);
    do_wait(b);
    REPORTED(b, "amd.cmd.pasid-range");
    push(b, 5, 0x30000042, 0xFFFFF007, 0xFFFFFFFF);
    do_wait(b);
    REPORTED(b, "amd.cmd.size-all-ones");
    return selftest_end(&b->room);
}

static const char *hardware_errors(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes);

    model_bus_inject_abort(b->room.world, b->cmd, b->cmd + 15, 1);
    push_wait(b, 1);
    EXPECT(b, event_is(b, 0, 0, 0x62000000, (uint32_t)b->cmd, 0));
    EXPECT(b, (rd(b, STATUS) & 0x10) == 0 && !waited(b));
    wr(b, CONTROL, ALL_ON & ~CMD_EN);
    wr(b, CONTROL, ALL_ON);
    settle(b);
    EXPECT(b, waited(b)); /* The head stayed at the command. */
    push(b, 0x1001, 0x10000000, 0, 0);
    EXPECT(b, event_is(b, 1, 0, 0x62000000, 0x1000, 0));
    return selftest_end(&b->room);
}

static const char *disabled_unsynced(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes);

    push(b, DEV, 0x20000000, 0, 0);
    settle(b);
    EXPECT(b, rd(b, CMD_HEAD) == rd(b, CMD_TAIL)); /* Taken, which proves nothing. */
    EXPECT(b, model_amd_unsynced(b->m) == 1);
    wr(b, CONTROL, ALL_ON & ~CMD_EN);
    settle(b);
    wr(b, CONTROL, ALL_ON);
    do_wait(b);
    REPORTED(b, "amd.cmdq.unsynced-forgotten");
    EXPECT(b, model_amd_unsynced(b->m) == 0);
    push(b, DEV, 0x20000000, 0, 0);
    settle(b);
    wr(b, CONTROL, ALL_ON & ~CMD_EN);
    settle(b);
    wr(b, CONTROL, ALL_ON);
    push(b, 0, 0x80000000, 0, 0);
    do_wait(b);
    EXPECT(b, model_amd_unsynced(b->m) == 0);
    return selftest_end(&b->room);
}

/* MaxPend 32, GN, PASID 0x1234, all: the sheet's golden row. */
static void push_iotlb(struct bench *b)
{
    push(b, 0x20120118, 0x40340118, 0xfffff005, 0x7fffffff);
}

static const char *iotlb(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes);

    bench_map(b);
    push_iotlb(b);
    do_wait(b);
    EXPECT(b, b->invalidates == 1 && b->invalidate.id == DEV);
    EXPECT(b, b->invalidate.scope == MODEL_INVALIDATE_PASID);
    EXPECT(b, b->invalidate.pasid == PASID && b->invalidate.size_log2 == 64);
    push(b, 0x20120118, 0x40340118, 0x346ff005, 0x00007f12);
    do_wait(b);
    EXPECT(b, b->invalidate.address == UINT64_C(0x7F1234600000) && b->invalidate.size_log2 == 21);
    push(b, 0x20120118, 0x40340118, 0x34567004, 0x00007f12);
    do_wait(b);
    EXPECT(b, b->invalidate.address == UINT64_C(0x7F1234567000) && b->invalidate.size_log2 == 12);
    push(b, 0x20000118, 0x40000118, 0xfffff001, 0x7fffffff);
    do_wait(b);
    EXPECT(b, b->invalidate.scope == MODEL_INVALIDATE_UNTAGGED);
    put_dte(b, dte_q0(b, 1) & ~(UINT64_C(1) << 52), dte_q1(b) & ~(UINT64_C(1) << 32), 0);
    inv_devtab(b);
    EXPECT(b, dma(b, PASID, VA, READ) == MODEL_DMA_OK);
    push_iotlb(b);
    do_wait(b);
    REPORTED(b, "amd.cmd.iotlb-without-ats");
    return selftest_end(&b->room);
}

static const char *iotlb_timeout(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes);

    b->mute = true;
    push_iotlb(b);
    push_wait(b, 1);
    model_advance(b->room.world, 900000);
    EXPECT(b, !waited(b) && model_amd_iotlb_outstanding(b->m) == 1);
    EXPECT(b, rd(b, CMD_HEAD) == rd(b, CMD_TAIL));
    settle(b);
    EXPECT(b, waited(b) && model_amd_counts(b->m)->timeouts == 1);
    EXPECT(b, event_is(b, 0, 0x118, 0x70000000, (uint32_t)b->cmd, 0));
    b->mute = false;
    push_iotlb(b);
    do_wait(b);
    EXPECT(b, model_amd_counts(b->m)->timeouts == 1);
    return selftest_end(&b->room);
}

static const char *completes_despite(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes);
    struct model_amd_knobs knobs;

    knobs_off(&knobs);
    knobs.complete_despite = true;
    knobs.lose_invalidates = 1;
    model_amd_set_knobs(b->m, &knobs);
    push_iotlb(b);
    push_wait(b, 1);
    model_advance(b->room.world, 100000);
    EXPECT(b, waited(b) && model_amd_iotlb_outstanding(b->m) == 1 && b->invalidates == 0);
    settle(b);
    knobs.complete_despite = false;
    knobs.lose_completions = 1;
    model_amd_set_knobs(b->m, &knobs);
    push_wait(b, 1);
    settle(b);
    EXPECT(b, !waited(b));
    return selftest_end(&b->room);
}

static const char *max_pend(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes);

    b->mute = true;
    push(b, 0x01120118, 0x40340118, 0xfffff005, 0x7fffffff);
    push(b, 0x01120118, 0x40340118, 0xfffff005, 0x7fffffff);
    model_advance(b->room.world, 500000);
    EXPECT(b, b->invalidates == 1 && rd(b, CMD_HEAD) == 16);
    b->mute = false;
    model_fabric_invalidate_done(b->fabric, DEV, b->invalidate.tag, MODEL_INVALIDATE_DONE);
    settle(b);
    EXPECT(b, b->invalidates == 2);
    return selftest_end(&b->room);
}

static const char *order(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes);
    struct model_amd_knobs knobs;

    bench_map(b);
    EXPECT(b, dma(b, PASID, VA, READ) == MODEL_DMA_OK);
    push(b, PASID, 0x30000000u | DOMAIN, 0xFFFFF007u, 0x7FFFFFFFu);
    push_iotlb(b);
    do_wait(b); /* One wait for both is enough. */
    knobs_off(&knobs);
    knobs.overlap = true;
    knobs.invalidate_lag_ns = 1000000;
    knobs.command_lag_ns = 1;
    model_amd_set_knobs(b->m, &knobs);
    push(b, PASID, 0x30000000u | DOMAIN, 0xFFFFF007u, 0x7FFFFFFFu);
    push_iotlb(b);
    do_wait(b);
    REPORTED(b, "amd.order.iotlb-before-pages");
    return selftest_end(&b->room);
}

static const char *injected(void *memory, size_t bytes)
{
    static const uint32_t entry[4] = {0x118, 0x34000000, 0x80002300, 0};
    struct bench *b = bench(memory, bytes);
    struct model_amd_knobs knobs;

    model_amd_inject_event(b->m, entry);
    EXPECT(b, event_is(b, 0, 0x118, 0x34000000, 0x80002300, 0));
    knobs_off(&knobs);
    knobs.illegal_next = 1;
    model_amd_set_knobs(b->m, &knobs);
    push_wait(b, 1);
    EXPECT(b, event_is(b, 1, 0, 0x50000000, (uint32_t)b->cmd, 0));
    EXPECT(b, model_amd_counts(b->m)->command_errors == 1);
    return selftest_end(&b->room);
}

#define TEST(name)                                                                                 \
    {                                                                                              \
#name, name                                                                                \
    }

const struct model_selftest model_selftests_amd_cmdq[] = {
    TEST(waits_and_wraps), TEST(overfull),      TEST(slot_changed),      TEST(reserved_bits),
    TEST(unsupported),     TEST(senseless),     TEST(hardware_errors),   TEST(disabled_unsynced),
    TEST(iotlb),           TEST(iotlb_timeout), TEST(completes_despite), TEST(max_pend),
    TEST(order),           TEST(injected),
};
const unsigned model_selftest_count_amd_cmdq =
    sizeof(model_selftests_amd_cmdq) / sizeof(model_selftests_amd_cmdq[0]);
