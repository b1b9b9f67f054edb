/* SPDX-License-Identifier: BSD-2-Clause */
#include "selftest_smmuv3.h"

/* Rows of the sheet's golden encodings, word by word. */

extern const struct model_selftest model_selftests_smmuv3_golden[];
extern const unsigned model_selftest_count_smmuv3_golden;

#define NONE     MODEL_SMMUV3_NONE
#define FETCH(b) event_word((b), (rd((b), IDX_EVT_PROD) - 1) & 15, 3)
#define ID(b)    (event_word((b), (rd((b), IDX_EVT_PROD) - 1) & 15, 0) & 0xFF)

static struct bench *rich(void *memory, size_t bytes, bool ns1ats)
{
    struct model_smmuv3_config config;

    model_smmuv3_defaults(&config);
    config.hyp = true;
    config.s2p = true;
    config.vmid16 = true;
    config.ns1ats = ns1ats;
    return bench_with(memory, bytes, 1, &config);
}

static void use_ste(struct bench *b, const uint64_t ste[4], uint32_t pasid)
{
    unsigned i;

    for (i = 4; i > 0; i--) {
        put64(b, b->strtab + 64 * (uint64_t)SID + 8 * (i - 1), ste[i - 1]);
    }
    cfgi_ste(b);
    dma(b, pasid, VA, MODEL_READ);
    settle(b);
}

/* S4 to S6: the CD is looked for where the row says; there is no memory. */
static const char *stage1_entries(void *memory, size_t bytes)
{
    static const uint64_t s4[4] = {UINT64_C(0x000000812345674B), 0xD4};
    static const uint64_t s5[4] = {UINT64_C(0x800000812344022B), UINT64_C(0x180400D6)};
    static const uint64_t s6[4] = {UINT64_C(0x300000400000100B), UINT64_C(0x00001000900800D5)};
    struct bench *b = rich(memory, bytes, false);

    use_ste(b, s4, NONE);
    EXPECT(b, ID(b) == 9 && FETCH(b) == UINT64_C(0x8123456740));
    use_ste(b, s5, PASID);
    EXPECT(b, ID(b) == 9 && FETCH(b) == UINT64_C(0x8123440200));
    use_ste(b, s5, 0x12345);
    EXPECT(b, ID(b) == 8);
    use_ste(b, s5, 0xFFFF);
    EXPECT(b, ID(b) == 9 && FETCH(b) == UINT64_C(0x81234403F8));
    use_ste(b, s6, PASID);
    EXPECT(b, ID(b) == 9 && FETCH(b) == UINT64_C(0x40000010C0));
    EXPECT(b, b->room.reports == 0);
    return selftest_end(&b->room);
}

static const char *stage2_entries(void *memory, size_t bytes)
{
    static const uint64_t s7[4] = {0xD, UINT64_C(0x0000100000000000), UINT64_C(0x044A355800000007),
                                   UINT64_C(0x0000008876540000)};
    static const uint64_t s8[4] = {UINT64_C(0x000000004000004F), UINT64_C(0x00000000200000D4),
                                   UINT64_C(0x040D359000001234), UINT64_C(0x0000008876540000)};
    struct bench *b = rich(memory, bytes, false);

    use_ste(b, s7, NONE); /* Beyond S2T0SZ */
    EXPECT(b, event_is(b, 0, UINT64_C(0x0000020800000010), UINT64_C(0x0000028800000000), VA, 0));
    EXPECT(b, FETCH(b) == VA);
    dma(b, NONE, UINT64_C(0x8123456000), MODEL_READ); /* The second of two tables; no memory. */
    EXPECT(b, event_is(b, 1, UINT64_C(0x000002080000000B), UINT64_C(0x0000028800000000),
                       UINT64_C(0x8123456000), UINT64_C(0x8876541020)));
    push(b, UINT64_C(0x0000000700000028), 0);
    use_ste(b, s8, NONE); /* For the CD */
    EXPECT(b, event_is(b, 2, UINT64_C(0x000002080000000B), UINT64_C(0x0000008800000000), VA,
                       UINT64_C(0x8876540000)));
    b = rich(memory, bytes, true);
    use_ste(b, s8, NONE);
    EXPECT(b, ID(b) == 4); /* NS1ATS=1 */
    return selftest_end(&b->room);
}

/* D1, D2, E11, E12. */
static const char *level1_entries(void *memory, size_t bytes)
{
    struct model_smmuv3_config config;
    struct bench *b;
    uint64_t l1;

    model_smmuv3_defaults(&config);
    b = bench_create(memory, bytes, 1, &config);
    l1 = bench_ram(b, 4096, 4096);
    bench_queues(b);
    wr64(b, 0x80, l1);
    wr(b, 0x88, 0x10210);
    cr0(b, CMDQEN);
    bench_invalidate_all(b);
    cr0(b, ALL_ON);
    put64(b, l1 + 8 * (SID >> 8), UINT64_C(0x0000008123444009));
    dma(b, NONE, VA, MODEL_READ);
    EXPECT(b, event_is(b, 0, UINT64_C(0x0000020800000003), 0, 0, UINT64_C(0x8123444200)));
    b = bench(memory, bytes, 1);
    put64(b, b->cds, UINT64_C(0x0000008123450001));
    put_ste(b, SID, b->cds | 0x2B | UINT64_C(16) << 59, STE_D1);
    cfgi_ste(b);
    dma(b, PASID, VA, MODEL_READ);
    EXPECT(b, event_is(b, 0, UINT64_C(0x0000020800003809), 0, 0, UINT64_C(0x81234500C0)));
    return selftest_end(&b->room);
}

/* E1 to E4, E7, E8. */
static const char *event_records(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes, 1);
    uint64_t va = UINT64_C(0x7FFF12345678);

    dma(b, NONE, 0x1000, MODEL_READ);
    EXPECT(b, event_is(b, 0, UINT64_C(0x0000020800000004), 0, 0, 0));
    bench_map(b, CD_D0 | UINT64_C(1) << 44);
    put_pte(b, VA, 0);
    put_cd(b, 0, CD_D0, b->root);
    EXPECT(b, dma(b, PASID, va, MODEL_READ) == MODEL_DMA_STALLED);
    EXPECT(b, event_is(b, 1, UINT64_C(0x0000020800003810), UINT64_C(0x0000020880000000), va, 0));
    dma(b, NONE, 0x1000, MODEL_WRITE | MODEL_PRIV);
    EXPECT(b,
           event_is(b, 2, UINT64_C(0x0000020800000010), UINT64_C(0x0000020200000000), 0x1000, 0));
    put_cd(b, PASID, CD_D0, b->root);
    cfgi_cd(b, PASID);
    put_pte(b, VA, b->data | (PTE_USER_RW & ~UINT64_C(0x400)));
    dma(b, PASID, VA, MODEL_READ | MODEL_EXEC);
    EXPECT(b, event_is(b, 3, UINT64_C(0x0000020800003812), UINT64_C(0x0000020C00000000), VA, 0));
    put_cd(b, PASID, 0, 0);
    cfgi_cd(b, PASID);
    dma(b, PASID, VA, MODEL_READ);
    EXPECT(b, event_is(b, 4, UINT64_C(0x000002080000380A), 0, 0, 0));
    put_ste(b, SID, 9, UINT64_C(0x0000100000000000));
    cfgi_ste(b);
    dma(b, NONE, UINT64_C(0x0001000000000000), MODEL_READ);
    EXPECT(b, event_is(b, 5, UINT64_C(0x0000020800000011), UINT64_C(0x0000020800000000),
                       UINT64_C(0x0001000000000000), 0));
    return selftest_end(&b->room);
}

/* R5: where an error shows. */
static const char *error_indexes(void *memory, size_t bytes)
{
    struct model_smmuv3_config config;
    struct bench *b;
    unsigned i;

    model_smmuv3_defaults(&config);
    b = bench_create(memory, bytes, 1, &config);
    b->cmd_log2 = 8;
    bench_start(b, ALL_ON);
    while (b->prod != 0x25) {
        push(b, 0x46, 0);
        EXPECT(b, drained(b));
    }
    push(b, 0, 0);
    EXPECT(b, wait_error(b) == 1);
    REPORTED(b, "smmuv3.cmd.illegal");
    EXPECT(b, rd(b, IDX_CMD_CONS) == 0x01000025);
    put64(b, b->cmdq + 16 * 0x25, 0x46);
    ack_error(b);
    for (i = 0; i < 0x104 - 0x26; i++) {
        push(b, 0x46, 0);
        EXPECT(b, drained(b));
    }
    b->mute = true;
    push(b, UINT64_C(0x0000020800000040), 0x34);
    push(b, 0x46, 0);
    EXPECT(b, wait_error(b) == 3);
    EXPECT(b, rd(b, IDX_CMD_CONS) == 0x03000105);
    return selftest_end(&b->room);
}

/* R6, R8: eight entries fill a queue of eight, sixteen come round to zero. */
static const char *index_traces(void *memory, size_t bytes)
{
    struct model_smmuv3_config config;
    struct bench *b;
    unsigned i;

    model_smmuv3_defaults(&config);
    b = bench_create(memory, bytes, 1, &config);
    b->cmd_log2 = 3;
    bench_queues(b);
    for (i = 0; i < 8; i++) {
        put64(b, b->cmdq + 16 * i, 0x30);
    }
    wr(b, IDX_CMD_PROD, 8);
    cr0(b, CMDQEN);
    EXPECT(b, b->room.reports == 0); /* Full is legal. */
    settle(b);
    EXPECT(b, (rd(b, IDX_CMD_CONS) & 0xFFFFF) == 8);
    EXPECT(b, model_smmuv3_counts(b->m)->commands[0x30] == 8);
    wr(b, IDX_CMD_PROD, 0);
    settle(b);
    EXPECT(b, (rd(b, IDX_CMD_CONS) & 0xFFFFF) == 0);
    EXPECT(b, model_smmuv3_counts(b->m)->commands[0x30] == 16);
    wr(b, IDX_CMD_PROD, 3);
    settle(b);
    wr(b, IDX_CMD_PROD, 0xC); /* One more than 0xB. */
    REPORTED(b, "smmuv3.cmdq.prod-overfull");
    wr(b, IDX_CMD_PROD, 0xB);
    settle(b);
    EXPECT(b, model_smmuv3_counts(b->m)->commands[0x30] == 27);
    return selftest_end(&b->room);
}

const struct model_selftest model_selftests_smmuv3_golden[] = {
    {"stage1_entries", stage1_entries}, {"stage2_entries", stage2_entries},
    {"level1_entries", level1_entries}, {"event_records", event_records},
    {"error_indexes", error_indexes},   {"index_traces", index_traces},
};
const unsigned model_selftest_count_smmuv3_golden =
    sizeof(model_selftests_smmuv3_golden) / sizeof(model_selftests_smmuv3_golden[0]);
