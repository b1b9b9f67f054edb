/* SPDX-License-Identifier: BSD-2-Clause */
#include "selftest_smmuv3.h"

extern const struct model_selftest model_selftests_smmuv3_cmdq[];
extern const unsigned model_selftest_count_smmuv3_cmdq;

#define D0(op) ((uint64_t)SID << 32 | (op))

static const char *lags_and_wraps(void *memory, size_t bytes)
{
    const char *why = NULL;
    uint32_t log2;

    for (log2 = 0; log2 < 8 && why == NULL; log2++) {
        struct model_smmuv3_config config;
        struct bench *b;
        uint32_t i;

        model_smmuv3_defaults(&config);
        b = bench_create(memory, bytes, log2, &config);
        b->cmd_log2 = log2;
        bench_queues(b);
        cr0(b, CMDQEN);
        for (i = 0; i < 40; i++) {
            push(b, 0x46, 0);
            EXPECT(b, drained(b));
        }
        EXPECT(b, model_smmuv3_counts(b->m)->syncs == 40);
        why = selftest_end(&b->room);
    }
    return why;
}

static const char *consumes_later(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes, 1);
    uint32_t before = rd(b, IDX_CMD_CONS) & 0xFFFFF;
    uint32_t last = before;
    unsigned i;
    bool between = false;

    for (i = 0; i < 8; i++) {
        put64(b, b->cmdq + 16 * ((b->prod + i) & 31), D0(3));
        put64(b, b->cmdq + 16 * ((b->prod + i) & 31) + 8, 1);
    }
    wr(b, IDX_CMD_PROD, b->prod + 8);
    EXPECT(b, (rd(b, IDX_CMD_CONS) & 0xFFFFF) == before);
    for (i = 0; i < 500; i++) {
        uint32_t now = rd(b, IDX_CMD_CONS) & 0xFFFFF;

        EXPECT(b, now >= last && now <= b->prod + 8);
        between = between || (now != before && now != b->prod + 8);
        last = now;
    }
    EXPECT(b, last == b->prod + 8 && between);
    return selftest_end(&b->room);
}

static const char *prod_wrong(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes, 1);
    uint32_t prod;

    push(b, D0(3), 1);
    wr(b, IDX_CMD_PROD, b->prod - 1);
    REPORTED(b, "smmuv3.cmdq.prod-backward");
    EXPECT(b, drained(b));
    prod = rd(b, IDX_CMD_PROD);
    wr(b, IDX_CMD_PROD, (prod + 33) & 63);
    REPORTED(b, "smmuv3.cmdq.prod-overfull");
    EXPECT(b, rd(b, IDX_CMD_PROD) == prod);
    return selftest_end(&b->room);
}

static const char *late_slot(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes, 1);

    wr(b, IDX_CMD_PROD, b->prod + 1); /* First the doorbell, ... */
    put64(b, b->cmdq + 16 * (b->prod & 31), 0x46);
    b->prod++;
    put64(b, b->cmdq + 16 * ((b->prod - 1) & 31) + 8, 0);
    EXPECT(b, drained(b) || true);
    settle(b);
    REPORTED_ANY(b, "smmuv3.cmdq.slot-changed");
    return selftest_end(&b->room);
}

static const char *not_cleaned(void *memory, size_t bytes)
{
    struct selftest_room room;
    struct model_world *world;
    struct model_world_config config;
    struct model_smmuv3_config smmu;
    struct model_smmuv3 *m;
    uint64_t bus;
    uint8_t *queue;

    memset(&room, 0, sizeof(room));
    memset(&config, 0, sizeof(config));
    config.seed = 1;
    config.memory = memory;
    config.memory_bytes = bytes;
    config.ram_base = 0x80000000;
    config.ram_bytes = 0x100000;
    config.tick_ns = 10;
    config.report_ctx = &room;
    config.report = selftest_report;
    world = model_world_create(&config);
    model_smmuv3_defaults(&smmu);
    smmu.cohacc = false;
    m = model_smmuv3_create(world, NULL, &smmu);
    queue = model_ram_get(world, 4096, 4096, UINT64_MAX, &bus);
    model_smmuv3_write32(m, 0x28, 0);
    model_smmuv3_write64(m, 0x90, bus | 4);
    model_smmuv3_write32(m, IDX_CMD_PROD, 0);
    model_smmuv3_write32(m, IDX_CMD_CONS, 0);
    model_smmuv3_write32(m, CR0, CMDQEN);
    model_advance(world, 10000);
    queue[0] = 0x46;
    model_ram_clean(world, queue, 32);
    model_smmuv3_write32(m, IDX_CMD_PROD, 1);
    model_advance(world, 10000);
    selftest_expect(&room, (model_smmuv3_read32(m, IDX_CMD_CONS) & 0xFFFFF) == 1, "clean SYNC");
    selftest_expect(&room, room.reports == 0, "nothing to report");
    queue[16] = 0x30;
    model_smmuv3_write32(m, IDX_CMD_PROD, 2);
    model_advance(world, 10000);
    selftest_expect(&room, room.reports > 0, "an uncleaned command is noticed");
    room.reports = 1;
    selftest_expect_report(&room, room.rule);
    return selftest_end(&room);
}

struct illegal {
    uint64_t d0, d1;
};

static const char *illegal_commands(void *memory, size_t bytes)
{
    static const struct illegal list[] = {
        {0x00, 0},
        {0x47, 0},
        {0x18, 0},
        {0x1A, 0},
        {0x50, 0},
        {0x07, 0},
        {0x70, 0},
        {0x80, 0},
        {UINT64_C(0x0000020800000403), 1},
        {0x3046, 0},
        {UINT64_C(0x0000020800000041), 0x31FF},
        {0x12, 0x400},
        {0x13, 0x800},
        {0x12, 0x900},
        {UINT64_C(0x0000020800000444), 0},
        {0x20, 0},
        {0x21, 0},
        {0x22, 0},
        {0x23, 0},
        {0x28, 0},
        {0x2A, 0},
    };
    struct bench *b = bench(memory, bytes, 1);
    size_t i;

    for (i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
        uint32_t at = b->prod & 31;

        push(b, list[i].d0, list[i].d1);
        EXPECT(b, wait_error(b) == 1);
        REPORTED(b, "smmuv3.cmd.illegal");
        EXPECT(b, (rd(b, IDX_CMD_CONS) & 31) == at);
        put64(b, b->cmdq + 16 * at, 0x46);
        put64(b, b->cmdq + 16 * at + 8, 0);
        ack_error(b);
        EXPECT(b, drained(b));
    }
    return selftest_end(&b->room);
}

static void features_off(struct model_smmuv3_config *config, unsigned which)
{
    model_smmuv3_defaults(config);
    if (which == 0) {
        config->s1p = false;
        config->s2p = true;
        config->ats = false;
        config->pri = false;
    }
    config->stall_model = 1;
    config->ril = false;
}

static const char *illegal_by_feature(void *memory, size_t bytes)
{
    static const struct illegal list[] = {
        {0x05, 0},
        {0x06, 0},
        {0x10, 0},
        {0x11, 0},
        {0x12, 0},
        {0x13, 0},
        {0x40, 0},
        {0x41, 0},
        {UINT64_C(0x0000020800001044), 0},
        {UINT64_C(0x0000020800000045), 0},
    };
    struct model_smmuv3_config config;
    struct bench *b;
    size_t i;

    features_off(&config, 0);
    b = bench_with(memory, bytes, 1, &config);
    for (i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
        uint32_t at = b->prod & 31;

        push(b, list[i].d0, list[i].d1);
        EXPECT(b, wait_error(b) == 1);
        REPORTED(b, "smmuv3.cmd.illegal");
        put64(b, b->cmdq + 16 * at, 0x46);
        ack_error(b);
        EXPECT(b, drained(b));
    }
    push(b, UINT64_C(0x0000000700000028), 0);
    push(b, UINT64_C(0x000000070000002A), UINT64_C(0x123456001));
    do_sync(b);
    return selftest_end(&b->room);
}

static const char *illegal_although_disabled(void *memory, size_t bytes)
{
    struct model_smmuv3_config config;
    struct bench *b;

    model_smmuv3_defaults(&config);
    b = bench_create(memory, bytes, 1, &config);
    bench_queues(b);
    cr0(b, CMDQEN);
    push(b, UINT64_C(0x0000020800000040), 0x34); /* SMMUEN=0: ignored ... */
    push(b, UINT64_C(0x0000020800000041), 0x2000);
    do_sync(b);
    settle(b);
    EXPECT(b, b->invalidates == 0 && b->responses == 0);
    push(b, UINT64_C(0x0000020800000041), 0x3000); /* ... but not when it is illegal. */
    EXPECT(b, wait_error(b) == 1);
    REPORTED(b, "smmuv3.cmd.illegal");
    return selftest_end(&b->room);
}

static const char *golden_commands(void *memory, size_t bytes)
{
    static const struct illegal list[] = {
        {UINT64_C(0x0000020800000001), 0},
        {UINT64_C(0x0000020800000003), 1},
        {UINT64_C(0x0000123400000003), 0},
        {UINT64_C(0x0000030000000004), 7},
        {4, 0x1F},
        {UINT64_C(0x0000020812345005), 1},
        {UINT64_C(0x0000020800000005), 0},
        {UINT64_C(0x0000020800000006), 0},
        {UINT64_C(0x0000002200000010), 0},
        {UINT64_C(0x00AB000000000011), 0},
        {UINT64_C(0xBEEF123400000012), UINT64_C(0x00007FFFDEADB001)},
        {UINT64_C(0x00AB000000302012), UINT64_C(0x0000700000018701)},
        {UINT64_C(0x00AB000000900012), UINT64_C(0x0000700000200400)},
        {UINT64_C(0x0000000500000013), UINT64_C(0xFFFF800012340000)},
        {0x20, 0},
        {UINT64_C(0x0042000000000021), 0},
        {UINT64_C(0x0042000000000022), UINT64_C(0x12345001)},
        {UINT64_C(0x0000000700000028), 0},
        {UINT64_C(0x000000070000002A), UINT64_C(0x123456001)},
        {0x30, 0},
        {UINT64_C(0x0000020800000040), 0x34},
        {UINT64_C(0x0000020800003840), 0x34},
        {UINT64_C(0x0000020800000840), 0x34},
        {UINT64_C(0x00000208FFFFF840), UINT64_C(0x00007FFF00010004)},
        {UINT64_C(0x0000020800003A40), UINT64_C(0xFFFFFFFFFFFFF000)},
        {UINT64_C(0x0000020800000040), 0x8002},
        {UINT64_C(0x0000020800000040), 4},
        {UINT64_C(0x0000020800003841), 0x21A5},
        {UINT64_C(0x0000020800000041), 0x11FF},
        {UINT64_C(0x00000208FFFFF841), 0},
        {UINT64_C(0x0000020800001044), 0xCAFE},
        {UINT64_C(0x0000020800002044), 0xCAFE},
        {UINT64_C(0x0000020800000044), 0xCAFE},
        {UINT64_C(0x0000020800000045), 0},
        {0x46, 0},
        {UINT64_C(0x000000000FC02046), 0},
    };
    struct model_smmuv3_config config;
    struct bench *b;
    size_t i;

    model_smmuv3_defaults(&config);
    config.hyp = true;
    config.s2p = true;
    config.vmid16 = true;
    b = bench_with(memory, bytes, 1, &config);
    for (i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
        push(b, list[i].d0, list[i].d1);
        EXPECT(b, drained(b));
    }
    do_sync(b);
    settle(b);
    EXPECT(b, rd(b, 0x60) == rd(b, 0x64));
    EXPECT(b, b->invalidates == 7 && b->responses == 3);
    return selftest_end(&b->room);
}

static const char *atc_fields(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes, 1);

    push(b, UINT64_C(0x00000208FFFFF840), UINT64_C(0x00007FFF00010004));
    do_sync(b);
    EXPECT(b, b->invalidate.scope == MODEL_INVALIDATE_PASID && b->invalidate.pasid == 0xFFFFF &&
                  !b->invalidate.global);
    EXPECT(b, b->invalidate.address == UINT64_C(0x7FFF00010000) && b->invalidate.size_log2 == 16);
    push(b, UINT64_C(0x0000020800003A40), UINT64_C(0xFFFFFFFFFFFFF000));
    do_sync(b);
    EXPECT(b, b->invalidate.global && b->invalidate.pasid == 3);
    EXPECT(b, b->invalidate.size_log2 == 12);
    push(b, UINT64_C(0x0000020800000040), 0x34);
    do_sync(b);
    EXPECT(b, b->invalidate.scope == MODEL_INVALIDATE_ALL && b->invalidate.size_log2 == 64);
    push(b, UINT64_C(0x0000020800000040), 0x35);
    do_sync(b);
    REPORTED(b, "smmuv3.cmd.atc-size");
    return selftest_end(&b->room);
}

static const char *pri_resp_fields(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes, 1);

    push(b, UINT64_C(0x0000020800003841), 0x21A5);
    do_sync(b);
    settle(b);
    EXPECT(b, b->response.has_pasid && b->response.pasid == 3 && b->response.index == 0x1A5);
    EXPECT(b, b->response.code == MODEL_RESPONSE_SUCCESS && !b->response.automatic);
    push(b, UINT64_C(0x0000020800000041), 0x11FF);
    do_sync(b);
    settle(b);
    EXPECT(b, !b->response.has_pasid && b->response.index == 0x1FF);
    EXPECT(b, b->response.code == MODEL_RESPONSE_INVALID);
    push(b, UINT64_C(0x00000208FFFFF841), 0);
    do_sync(b);
    settle(b);
    EXPECT(b, b->response.code == MODEL_RESPONSE_FAILURE && b->response.pasid == 0xFFFFF);
    EXPECT(b, model_smmuv3_counts(b->m)->responses_unmatched == 3);
    return selftest_end(&b->room);
}

const struct model_selftest model_selftests_smmuv3_cmdq[] = {
    {"lags_and_wraps", lags_and_wraps},
    {"consumes_later", consumes_later},
    {"prod_wrong", prod_wrong},
    {"late_slot", late_slot},
    {"not_cleaned", not_cleaned},
    {"illegal_commands", illegal_commands},
    {"illegal_by_feature", illegal_by_feature},
    {"illegal_although_disabled", illegal_although_disabled},
    {"golden_commands", golden_commands},
    {"atc_fields", atc_fields},
    {"pri_resp_fields", pri_resp_fields},
};
const unsigned model_selftest_count_smmuv3_cmdq =
    sizeof(model_selftests_smmuv3_cmdq) / sizeof(model_selftests_smmuv3_cmdq[0]);
