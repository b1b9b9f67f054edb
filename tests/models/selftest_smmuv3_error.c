/* SPDX-License-Identifier: BSD-2-Clause */
#include "selftest_smmuv3.h"

extern const struct model_selftest model_selftests_smmuv3_error[];
extern const unsigned model_selftest_count_smmuv3_error;

#define D0(op) ((uint64_t)SID << 32 | (op))

static void knobs_of(struct bench *b, struct model_smmuv3_knobs *knobs)
{
    model_smmuv3_get_knobs(b->m, knobs);
}

static const char *error_refetches(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes, 1);
    uint32_t at = b->prod & 31;
    uint64_t syncs = model_smmuv3_counts(b->m)->syncs;

    push(b, 0, 0);
    push(b, UINT64_C(0x0000020800000040), 0x34);
    push(b, 0x46, 0);
    EXPECT(b, wait_error(b) == 1);
    REPORTED(b, "smmuv3.cmd.illegal");
    settle(b);
    EXPECT(b, b->invalidates == 0 && model_smmuv3_counts(b->m)->syncs == syncs);
    put64(b, b->cmdq + 16 * at, 0x46);
    put64(b, b->cmdq + 16 * ((at + 1) & 31), UINT64_C(0x0000020800003841)); /* Younger, too. */
    put64(b, b->cmdq + 16 * ((at + 1) & 31) + 8, 0x2001);
    ack_error(b);
    EXPECT(b, drained(b));
    settle(b);
    EXPECT(b, b->invalidates == 0 && b->responses == 1);
    return selftest_end(&b->room);
}

static const char *error_allows_rollback(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes, 1);
    uint32_t start = b->prod;

    push(b, 0, 0);
    push(b, UINT64_C(0x0000020800000040), 0x34);
    EXPECT(b, wait_error(b) == 1);
    REPORTED(b, "smmuv3.cmd.illegal");
    b->prod = start;
    wr(b, IDX_CMD_PROD, start);
    EXPECT(b, rd(b, IDX_CMD_PROD) == start);
    ack_error(b);
    do_sync(b);
    EXPECT(b, b->invalidates == 0);
    return selftest_end(&b->room);
}

static const char *fetch_abort(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes, 1);
    uint32_t at = b->prod & 31;

    model_bus_inject_abort(b->room.world, b->cmdq + 16 * at, b->cmdq + 16 * at + 15, 1);
    push(b, 0x46, 0);
    EXPECT(b, wait_error(b) == 2);
    EXPECT(b, (rd(b, IDX_CMD_CONS) & 31) == at);
    ack_error(b);
    EXPECT(b, drained(b));
    return selftest_end(&b->room);
}

static const char *injected_illegal(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes, 1);
    struct model_smmuv3_knobs knobs;

    knobs_of(b, &knobs);
    knobs.illegal_next = 1;
    model_smmuv3_set_knobs(b->m, &knobs);
    push(b, 0x46, 0);
    EXPECT(b, wait_error(b) == 1);
    ack_error(b);
    EXPECT(b, drained(b));
    return selftest_end(&b->room);
}

static struct bench *timed_out(void *memory, size_t bytes, enum model_smmuv3_after_timeout after)
{
    struct bench *b = bench(memory, bytes, 1);
    struct model_smmuv3_knobs knobs;

    knobs_of(b, &knobs);
    knobs.lose_invalidates = 1;
    knobs.after_timeout = after;
    model_smmuv3_set_knobs(b->m, &knobs);
    push(b, UINT64_C(0x0000020800000040), 0x34);
    push(b, 0x46, 0);
    EXPECT(b, wait_error(b) == 3);
    EXPECT(b, (rd(b, IDX_CMD_CONS) & 31) == ((b->prod - 1) & 31));
    EXPECT(b, b->invalidates == 0);
    ack_error(b);
    return b;
}

static const char *atc_timeout_again(void *memory, size_t bytes)
{
    struct bench *b = timed_out(memory, bytes, MODEL_SMMUV3_FAIL_AGAIN);

    EXPECT(b, wait_error(b) == 3);
    EXPECT(b, model_smmuv3_counts(b->m)->sync_timeouts == 2);
    EXPECT(b, model_smmuv3_atc_outstanding(b->m) == 1);
    return selftest_end(&b->room);
}

static const char *atc_timeout_then_success(void *memory, size_t bytes)
{
    struct bench *b = timed_out(memory, bytes, MODEL_SMMUV3_SUCCEED);

    EXPECT(b, drained(b));
    EXPECT(b, b->invalidates == 0); /* The ATC has never heard of it. */
    b->mute = true;
    push(b, UINT64_C(0x0000020800000040), 0x34);
    push(b, 0x46, 0);
    EXPECT(b, wait_error(b) == 3); /* The next one fails first, too. */
    return selftest_end(&b->room);
}

static const char *atc_timeout_hangs(void *memory, size_t bytes)
{
    struct bench *b = timed_out(memory, bytes, MODEL_SMMUV3_HANG);

    pass(b, 100000000);
    EXPECT(b, !drained(b) && rd(b, 0x60) == rd(b, 0x64));
    return selftest_end(&b->room);
}

static const char *atc_unsupported(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes, 1);

    b->verdict = MODEL_INVALIDATE_UNSUPPORTED;
    push(b, UINT64_C(0x0000020800000040), 0x34);
    do_sync(b);
    EXPECT(b, rd(b, 0x60) == rd(b, 0x64) && b->invalidates == 1);
    return selftest_end(&b->room);
}

static const char *queue_hangs(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes, 1);
    struct model_smmuv3_knobs knobs;

    knobs_of(b, &knobs);
    knobs.command_hang = true;
    model_smmuv3_set_knobs(b->m, &knobs);
    push(b, 0x46, 0);
    pass(b, 100000000);
    EXPECT(b, !drained(b));
    return selftest_end(&b->room);
}

static const char *sync_signals(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes, 1);
    unsigned i;

    put64(b, b->data, UINT64_MAX);
    push(b, UINT64_C(0x1234567800001046), b->data);
    for (i = 0; i < 1000 && get64(b, b->data) == UINT64_MAX; i++) {
        pass(b, 10);
    }
    EXPECT(b, get64(b, b->data) == UINT64_C(0xFFFFFFFF12345678));
    EXPECT(b, (rd(b, IDX_CMD_CONS) & 63) == b->prod); /* Never signalled first. */
    EXPECT(b, b->irqs[MODEL_SMMUV3_IRQ_SYNC] == 1);
    push(b, 0x2046, 0);
    settle(b);
    EXPECT(b, b->irqs[MODEL_SMMUV3_IRQ_SEV] == 1);
    push(b, UINT64_C(0x1234567800001046), 0x1000); /* No memory there. */
    push(b, 0x46, 0);
    EXPECT(b, drained(b));
    EXPECT(b, ((rd(b, 0x60) ^ rd(b, 0x64)) & 0x10) != 0);
    return selftest_end(&b->room);
}

static const char *disable_stops(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes, 1);
    uint32_t cons;
    unsigned i;

    for (i = 0; i < 20; i++) {
        push(b, D0(3), 1);
    }
    cr0(b, ALL_ON & ~CMDQEN);
    cons = rd(b, IDX_CMD_CONS) & 0xFFFFF;
    settle(b);
    EXPECT(b, (rd(b, IDX_CMD_CONS) & 0xFFFFF) == cons && cons != b->prod);
    cr0(b, ALL_ON);
    EXPECT(b, drained(b));
    return selftest_end(&b->room);
}

static const char *disable_waits_for_sync(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes, 1);

    b->mute = true;
    push(b, UINT64_C(0x0000020800000040), 0x34);
    push(b, 0x46, 0);
    settle(b);
    wr(b, CR0, ALL_ON & ~CMDQEN);
    pass(b, 100000);
    EXPECT(b, rd(b, 0x24) == ALL_ON); /* A command is in progress. */
    model_fabric_invalidate_done(b->fabric, SID, b->invalidate.tag, MODEL_INVALIDATE_DONE);
    settle(b);
    EXPECT(b, rd(b, 0x24) == (ALL_ON & ~CMDQEN));
    EXPECT(b, (rd(b, IDX_CMD_CONS) & 63) == b->prod);
    return selftest_end(&b->room);
}

static const char *signal_by_next_sync(void *memory, size_t bytes)
{
    const char *why = NULL;
    bool late = false;
    uint64_t seed;

    for (seed = 0; seed < 10 && why == NULL; seed++) {
        struct bench *b = bench(memory, bytes, seed);
        struct model_smmuv3_knobs knobs;

        knobs_of(b, &knobs);
        knobs.signal_lag_ns = 1000000;
        model_smmuv3_set_knobs(b->m, &knobs);
        push(b, UINT64_C(0x1234567800001046), b->data);
        EXPECT(b, drained(b));
        late = late || get64(b, b->data) == 0;
        do_sync(b);
        EXPECT(b, get64(b, b->data) == 0x12345678);
        EXPECT(b, late || seed < 9);
        why = selftest_end(&b->room);
    }
    return why;
}

/* LOG2SIZE beyond IDR1.CMDQS acts as CMDQS, in indexing and alignment. */
static const char *size_is_capped(void *memory, size_t bytes)
{
    struct model_smmuv3_config config;
    struct bench *b;
    unsigned i;

    model_smmuv3_defaults(&config);
    config.cmdq_log2 = 2;
    b = bench_create(memory, bytes, 1, &config);
    b->cmd_log2 = 2;
    bench_queues(b);
    wr64(b, 0x90, b->cmdq | 9);
    cr0(b, CMDQEN);
    for (i = 0; i < 9; i++) {
        push(b, 0x46, 0);
        EXPECT(b, drained(b));
    }
    EXPECT(b, model_smmuv3_counts(b->m)->syncs == 9);
    return selftest_end(&b->room);
}

static const char *reserved_bits(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes, 1);
    struct model_smmuv3_knobs knobs;

    push(b, 0x30, 1);
    EXPECT(b, drained(b));
    REPORTED(b, "smmuv3.cmd.reserved");
    push(b, UINT64_C(0x0000000100000010), 0);
    EXPECT(b, drained(b));
    REPORTED(b, "smmuv3.cmd.vmid-without-s2");
    push(b, UINT64_C(0x0001020800000003), 1);
    EXPECT(b, drained(b));
    REPORTED(b, "smmuv3.cmd.sid-range");
    push(b, 0x12, 0x601 | 0x1000);
    EXPECT(b, drained(b));
    REPORTED(b, "smmuv3.cmd.range-misaligned");
    knobs_of(b, &knobs);
    knobs.reserved_is_illegal = true;
    model_smmuv3_set_knobs(b->m, &knobs);
    push(b, 0x30, 1);
    EXPECT(b, wait_error(b) == 1);
    REPORTED(b, "smmuv3.cmd.reserved");
    return selftest_end(&b->room);
}

const struct model_selftest model_selftests_smmuv3_error[] = {
    {"error_refetches", error_refetches},
    {"error_allows_rollback", error_allows_rollback},
    {"fetch_abort", fetch_abort},
    {"injected_illegal", injected_illegal},
    {"atc_timeout_again", atc_timeout_again},
    {"atc_timeout_then_success", atc_timeout_then_success},
    {"atc_timeout_hangs", atc_timeout_hangs},
    {"atc_unsupported", atc_unsupported},
    {"queue_hangs", queue_hangs},
    {"sync_signals", sync_signals},
    {"disable_stops", disable_stops},
    {"disable_waits_for_sync", disable_waits_for_sync},
    {"signal_by_next_sync", signal_by_next_sync},
    {"size_is_capped", size_is_capped},
    {"reserved_bits", reserved_bits},
};
const unsigned model_selftest_count_smmuv3_error =
    sizeof(model_selftests_smmuv3_error) / sizeof(model_selftests_smmuv3_error[0]);
