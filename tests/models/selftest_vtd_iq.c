/* SPDX-License-Identifier: BSD-2-Clause */
#include "selftest_vtd_bench.h"

extern const struct model_selftest model_selftests_vtd_iq[];
extern const unsigned model_selftest_count_vtd_iq;

static struct bench *with(void *memory, size_t bytes, bool dit, bool pds, bool prs)
{
    struct model_vtd_config config;
    struct bench *b;

    model_vtd_defaults(&config);
    config.dit = dit;
    config.pds = pds;
    config.prs = prs;
    b = bench_create(memory, bytes, true, &config);
    put64(b, b->roots + 16 * (SID >> 8), b->contexts | 1);
    bench_queue(b);
    bench_root(b);
    gcmd(b, 0x84000000, 0xC4000000);
    return b;
}

/* One descriptor: 0 if it is taken, else IQEI. The model is left in error. */
static uint32_t verdict(struct bench *b, uint64_t d0, uint64_t d1)
{
    uint32_t at = b->tail;

    push(b, d0, d1);
    settle(b);
    if ((rd(b, 0x34) & 0x10) == 0) {
        return 0;
    }
    EXPECT(b, rd64(b, 0x80) == at);
    return rd(b, 0xB0) & 0xF;
}

static const char *golden_accepted(void *memory, size_t bytes)
{
    static const uint64_t golden[][2] = {
        {0x11, 0},
        {0x420021, 0},
        {0x5E9B00000031, 0},
        {0x35E9800420031, 0},
        {0xD2, 0},
        {0x4200E2, 0},
        {0x4200F2, 0x7F1234A00009},
        {0xFFFE0032, 0xFEDCBA987040},
        {4, 0},
        {0x123420000014, 0},
        {0x55, 0},
        {0x15, 0},
        {0xABCDE00010026, 0},
        {0xABCDE00010036, 0xFFFF800012345040},
        {0x2100420036, 0x7F1234A00009},
        {0x420007, 0},
        {0xABCDE00010017, 0},
        {0x37, 0},
    };
    struct bench *b = with(memory, bytes, true, true, true);
    unsigned i;

    for (i = 0; i < sizeof(golden) / sizeof(golden[0]); i++) {
        EXPECT(b, verdict(b, golden[i][0], golden[i][1]) == 0);
    }
    sync(b);
    EXPECT(b, model_vtd_counts(b->m)->descriptors[6] == 3 && model_vtd_iq_used(b->m) == 0);
    EXPECT(b, model_vtd_counts(b->m)->executed[1] == 4);
    return selftest_end(&b->room);
}

static const char *golden_refused(void *memory, size_t bytes)
{
    static const uint64_t bad[][3] = {
        {0, 0, 3},
        {0x205, 0, 3},
        {0xCAFE000100000125, 0x80000000, 4},
        {0x11, 1, 4},
        {0xABCDE00010016, 0, 4},
        {0x5E0ABCDE5E9B8118, 0x7FFFFFFFFFFFF800, 4},
        {0x1, 0, 4},
        {0x27, 0, 4},
        {0x4200F2, 0x7F1234A00013, 4},
        {0xA, 0, 3},
    };
    struct bench *b;
    unsigned i;

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        b = with(memory, bytes, false, true, true);
        EXPECT(b, verdict(b, bad[i][0], bad[i][1]) == bad[i][2]);
        REPORTED(b, "vtd.desc.illegal");
    }
    b = with(memory, bytes, true, false, false);
    EXPECT(b, verdict(b, UINT64_C(0x2000000A5), b->status) == 4);
    REPORTED(b, "vtd.desc.illegal");
    b = with(memory, bytes, true, false, false);
    EXPECT(b, verdict(b, UINT64_C(0x000ABCDE5E9B0019), 0xD28) == 3);
    REPORTED(b, "vtd.desc.illegal");
    return selftest_end(&b->room);
}

static const char *reserved_words(void *memory, size_t bytes)
{
    struct bench *b = with(memory, bytes, false, true, true);

    put64(b, b->iq, 0xD2);
    put64(b, b->iq + 16, 1);
    wr(b, 0x88, 0x20);
    settle(b);
    REPORTED(b, "vtd.desc.illegal");
    EXPECT(b, rd64(b, 0xB0) == 4);
    b = with(memory, bytes, false, true, true);
    EXPECT(b, verdict(b, UINT64_C(0x0000020800000023), 0) == 4);
    REPORTED(b, "vtd.desc.illegal");
    return selftest_end(&b->room);
}

static const char *bad_tails(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes);

    wr(b, 0x88, 0x10);
    REPORTED(b, "vtd.iq.tail-misaligned");
    EXPECT(b, rd(b, 0x34) == 0x10 && rd64(b, 0xB0) == 6);
    wr(b, 0x34, 0x10);
    wr(b, 0x88, 0x1000);
    REPORTED(b, "vtd.iq.tail-range");
    EXPECT(b, rd64(b, 0xB0) == 1);
    wr(b, 0x34, 0x10);
    push(b, 0x11, 0);
    push(b, 0x11, 0);
    wr(b, 0x88, 0x20);
    REPORTED(b, "vtd.iq.tail-backward");
    return selftest_end(&b->room);
}

static const char *slot_rewritten(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes);

    push(b, 0x11, 0);
    put64(b, b->iq, 0x37);
    settle(b);
    REPORTED(b, "vtd.iq.slot-changed");
    return selftest_end(&b->room);
}

static const char *narrow_queue(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes);

    gcmd(b, 0x80000000, 0xC0000000);
    wr64(b, 0x90, b->iq);
    wr64(b, 0x88, 0);
    gcmd(b, 0x84000000, 0xC4000000);
    put64(b, b->iq, 0x11);
    wr(b, 0x88, 0x10);
    settle(b);
    REPORTED(b, "vtd.iq.width");
    EXPECT(b, rd64(b, 0xB0) == 5);
    return selftest_end(&b->room);
}

static const char *base_while_on(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes);

    wr(b, 0x90, (uint32_t)b->iq | 0x800);
    REPORTED(b, "vtd.iq.base-changed-enabled");
    wr(b, 0xD0, (uint32_t)b->prq);
    REPORTED(b, "vtd.prq.base-changed-enabled");
    wr(b, 0xC8, 0x20);
    REPORTED(b, "vtd.prq.tail-written");
    return selftest_end(&b->room);
}

static const char *queue_off(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes);

    push(b, 0x11, 0);
    settle(b);
    EXPECT(b, model_vtd_unsynced(b->m) == 1);
    gcmd(b, 0x80000000, 0xC0000000);
    REPORTED(b, "vtd.iq.disabled-unsynced");
    EXPECT(b, rd64(b, 0x80) == 0);
    b = bench(memory, bytes);
    b->mute = true;
    push(b, UINT64_C(0x0000020800000003), UINT64_C(0x7FFFFFFFFFFFF001));
    settle(b);
    EXPECT(b, model_vtd_iq_pending(b->m) == 1);
    gcmd(b, 0x80000000, 0xC0000000);
    REPORTED(b, "vtd.iq.disabled-busy");
    return selftest_end(&b->room);
}

/* Of a queue that hangs nobody can expect that it was emptied first. */
static const char *queue_hangs(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes);
    struct model_vtd_knobs k = knobs(b);

    k.command_hang = true;
    model_vtd_set_knobs(b->m, &k);
    push_wait(b, 0);
    settle(b);
    EXPECT(b, !waited(b));
    gcmd(b, 0x80000000, 0xC0000000);
    EXPECT(b, rd64(b, 0x80) == 0);
    return selftest_end(&b->room);
}

static const char *error_and_repair(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes);
    struct model_vtd_knobs k = knobs(b);

    k.illegal_next = 1;
    model_vtd_set_knobs(b->m, &k);
    push(b, 0x11, 0);
    settle(b);
    EXPECT(b, rd(b, 0x34) == 0x10 && rd64(b, 0x80) == 0 && b->irqs[0] == 1);
    push_wait(b, 0);
    settle(b);
    EXPECT(b, !waited(b));
    put64(b, b->iq, 0x37);
    wr(b, 0x34, 0x10);
    settle(b);
    EXPECT(b, waited(b) && rd64(b, 0xB0) == 0 && rd(b, 0x34) == 0);
    return selftest_end(&b->room);
}

static const char *wait_signals(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes);

    push_wait(b, 0x10);
    settle(b);
    EXPECT(b, waited(b) && rd(b, 0x9C) == 1 && b->irqs[1] == 1);
    EXPECT(b, b->message == 0xFEE05000 && b->message_data == 0x32);
    push_wait(b, 0x10);
    settle(b);
    EXPECT(b, waited(b) && b->irqs[1] == 1);
    wr(b, 0x9C, 1);
    push_wait(b, 0x10);
    settle(b);
    EXPECT(b, b->irqs[1] == 2);
    push(b, 5, 0);
    settle(b);
    REPORTED(b, "vtd.desc.wait-empty");
    push(b, 0x25, 0xFEE00000);
    settle(b);
    REPORTED(b, "vtd.desc.wait-address");
    return selftest_end(&b->room);
}

/* The earlier wait hangs on a silent device; the later one need not. */
static const char *waits_overtake(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes);

    b->mute = true;
    push(b, UINT64_C(0x0000020800000003), UINT64_C(0x7FFFFFFFFFFFF001));
    push_wait(b, 0);
    push_wait(b, 0);
    settle(b);
    EXPECT(b, waited(b) && model_vtd_devices_pending(b->m) == 1);
    b = bench(memory, bytes);
    b->mute = true;
    push(b, UINT64_C(0x0000020800000003), UINT64_C(0x7FFFFFFFFFFFF001));
    push_wait(b, 0x40);
    push_wait(b, 0);
    settle(b);
    EXPECT(b, !waited(b) && get64(b, b->status) == 0);
    model_fabric_invalidate_done(b->fabric, SID, b->invalidate.tag, MODEL_INVALIDATE_DONE);
    settle(b);
    EXPECT(b, waited(b));
    return selftest_end(&b->room);
}

static const char *device_times_out(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes);

    b->mute = true;
    push(b, UINT64_C(0x0000000302080008), UINT64_C(0x7FFFFFFFFFFFF800));
    push_wait(b, 0);
    model_advance(b->room.world, 2000000);
    EXPECT(b, rd(b, 0x34) == 0x40 && rd64(b, 0xB0) == UINT64_C(0x020800000000));
    EXPECT(b, !waited(b) && model_vtd_counts(b->m)->waits_aborted == 1);
    model_fabric_invalidate_done(b->fabric, SID, b->invalidate.tag, MODEL_INVALIDATE_DONE);
    settle(b);
    EXPECT(b, rd(b, 0x34) == 0x60 && rd64(b, 0xB0) >> 48 == SID);
    push_wait(b, 0);
    settle(b);
    EXPECT(b, !waited(b));
    wr(b, 0x34, 0x60);
    settle(b);
    EXPECT(b, waited(b) && rd64(b, 0xB0) == 0);
    return selftest_end(&b->room);
}

static const char *device_sizes(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes);

    run(b, UINT64_C(0x0000002102080008), UINT64_C(0x00007F1234569800));
    EXPECT(b, b->invalidate.size_log2 == 14 && b->invalidate.address == UINT64_C(0x7F1234568000));
    EXPECT(b, b->invalidate.scope == MODEL_INVALIDATE_PASID && b->invalidate.pasid == 0x21 &&
                  !b->invalidate.global);
    run(b, UINT64_C(0x0000002102080008), UINT64_C(0x00007F121FFFF800));
    EXPECT(b, b->invalidate.size_log2 == 30 && b->invalidate.address == UINT64_C(0x7F1200000000));
    run(b, UINT64_C(0x0000000002080008), UINT64_C(0x7FFFFFFFFFFFF801));
    EXPECT(b, b->invalidate.size_log2 == 64 && b->invalidate.global);
    run(b, UINT64_C(0x0000020800000003), UINT64_C(0x00007F1234AFF001));
    EXPECT(b, b->invalidate.size_log2 == 21 && b->invalidate.scope == MODEL_INVALIDATE_UNTAGGED);
    gcmd(b, 0x04000000, 0x44000000);
    push(b, UINT64_C(0x0000020800000003), UINT64_C(0x7FFFFFFFFFFFF001));
    settle(b);
    REPORTED(b, "vtd.desc.device-disabled");
    return selftest_end(&b->room);
}

static const char *style(void *memory, size_t bytes)
{
    struct model_vtd_config config;
    struct bench *b;

    model_vtd_defaults(&config);
    config.nd = 2;
    config.pss = 8;
    b = bench_create(memory, bytes, true, &config);
    bench_start(b);
    push(b, 0x1000022, 0);
    settle(b);
    REPORTED(b, "vtd.desc.did-range");
    push(b, UINT64_C(0x0000010000010026), 0);
    settle(b);
    REPORTED(b, "vtd.desc.pasid-range");
    push(b, 0x10032, 0x1001);
    settle(b);
    REPORTED(b, "vtd.desc.address-misaligned");
    push(b, UINT64_C(0x0000000302080008), UINT64_C(0x7FFFFFFFFFFFF800));
    settle(b);
    REPORTED(b, "vtd.desc.pfsid");
    push(b, UINT64_C(0x0000000302085019), 0);
    settle(b);
    REPORTED(b, "vtd.desc.response-code");
    return selftest_end(&b->room);
}

static const char *hang(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes);
    struct model_vtd_knobs k = knobs(b);

    k.command_hang = true;
    model_vtd_set_knobs(b->m, &k);
    push_wait(b, 0);
    settle(b);
    EXPECT(b, !waited(b) && model_vtd_iq_used(b->m) == 1);
    k.command_hang = false;
    model_vtd_set_knobs(b->m, &k);
    settle(b);
    EXPECT(b, waited(b));
    return selftest_end(&b->room);
}

#define T(name)                                                                                    \
    {                                                                                              \
#name, name                                                                                \
    }
const struct model_selftest model_selftests_vtd_iq[] = {
    T(golden_accepted),  T(golden_refused),   T(reserved_words), T(bad_tails),
    T(slot_rewritten),   T(narrow_queue),     T(base_while_on),  T(queue_off),
    T(queue_hangs),      T(error_and_repair), T(wait_signals),   T(waits_overtake),
    T(device_times_out), T(device_sizes),     T(style),          T(hang),
};
const unsigned model_selftest_count_vtd_iq =
    sizeof(model_selftests_vtd_iq) / sizeof(model_selftests_vtd_iq[0]);
