/* SPDX-License-Identifier: BSD-2-Clause */
#include "selftest_amd_bench.h"

extern const struct model_selftest model_selftests_amd_regs[];
extern const unsigned model_selftest_count_amd_regs;

static struct bench *cold(void *memory, size_t bytes)
{
    struct model_amd_config config;

    model_amd_defaults(&config);
    return bench_cold(memory, bytes, &config);
}

static const char *features(void *memory, size_t bytes)
{
    struct model_amd_config config;
    struct bench *b;

    model_amd_defaults(&config);
    b = bench_cold(memory, bytes, &config);
    EXPECT(b, (rd(b, 0x30) >> 32 & 0x1F) == 15 && (rd(b, 0x30) >> 14 & 3) == 2);
    EXPECT(b, (rd(b, 0x30) & 0x12) == 0x12 && (rd(b, 0x30) >> 50 & 1) == 1);
    EXPECT(b, model_amd_read32(b->m, 0x34) == (uint32_t)(rd(b, 0x30) >> 32));
    EXPECT(b, (model_amd_capability(b->m, 0) & 0xFF) == 0x0F);
    wr(b, 0x30, 0);
    REPORTED(b, "amd.reg.read-only");
    config.glx = 3;
    EXPECT(b, model_amd_create(b->room.world, NULL, &config) == NULL);
    return selftest_end(&b->room);
}

static const char *golden_registers(void *memory, size_t bytes)
{
    struct bench *b = cold(memory, bytes);

    wr(b, 0, UINT64_C(0x00000001000001ff));
    EXPECT(b, rd(b, 0) == UINT64_C(0x00000001000001ff));
    wr(b, CMD_BASE, UINT64_C(0x0900000200000000));
    EXPECT(b, rd(b, CMD_BASE) == UINT64_C(0x0900000200000000));
    model_amd_write32(b->m, PPR_BASE, 0x00080000);
    model_amd_write32(b->m, PPR_BASE + 4, 0x0f000003);
    EXPECT(b, rd(b, PPR_BASE) == UINT64_C(0x0f00000300080000));
    wr(b, CMD_HEAD, 0);
    wr(b, CMD_TAIL, 0x1FF0); /* 512 entries */
    EXPECT(b, rd(b, CMD_TAIL) == 0x1FF0);
    return selftest_end(&b->room);
}

static const char *misaligned(void *memory, size_t bytes)
{
    struct bench *b = cold(memory, bytes);

    wr(b, 0, UINT64_C(0x80000200));
    REPORTED(b, "amd.devtab.misaligned");
    wr(b, CMD_BASE, UINT64_C(0x0800000080000010));
    REPORTED(b, "amd.cmdq.base-reserved");
    wr(b, EVT_BASE, UINT64_C(0x1800000080000000));
    REPORTED(b, "amd.evtlog.base-reserved");
    wr(b, PPR_BASE, UINT64_C(0x0810000080000000));
    REPORTED(b, "amd.pprlog.base-reserved");
    wr(b, 0x1C, 0);
    REPORTED(b, "amd.reg.misaligned");
    model_amd_read32(b->m, MODEL_AMD_BYTES);
    REPORTED(b, "amd.reg.misaligned");
    wr(b, 0x100, 1);
    REPORTED(b, "amd.reg.unknown");
    wr(b, 0x28, 1);
    REPORTED(b, "amd.reg.reserved");
    return selftest_end(&b->room);
}

static const char *bases_while_running(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes);
    uint64_t was = rd(b, CMD_BASE);

    wr(b, CMD_BASE, b->data | UINT64_C(8) << 56);
    REPORTED(b, "amd.cmdq.base-while-running");
    EXPECT(b, rd(b, CMD_BASE) == was);
    wr(b, EVT_BASE, b->data | UINT64_C(8) << 56);
    REPORTED(b, "amd.evtlog.base-while-running");
    wr(b, PPR_BASE, b->data | UINT64_C(8) << 56);
    REPORTED(b, "amd.pprlog.base-while-running");
    wr(b, 0, b->data);
    REPORTED(b, "amd.devtab.base-while-enabled");
    return selftest_end(&b->room);
}

static const char *pointers(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes);

    wr(b, CMD_TAIL, 0x1000);
    REPORTED(b, "amd.cmdq.pointer-beyond");
    EXPECT(b, rd(b, CMD_TAIL) == 0);
    wr(b, CMD_TAIL, 0x8);
    REPORTED(b, "amd.cmdq.pointer-reserved");
    wr(b, CMD_HEAD, 0x10);
    REPORTED(b, "amd.cmdq.hardware-pointer");
    wr(b, EVT_TAIL, 0);
    REPORTED(b, "amd.evtlog.hardware-pointer");
    wr(b, PPR_HEAD, 0x10);
    REPORTED(b, "amd.pprlog.head-wrong");
    EXPECT(b, rd(b, PPR_HEAD) == 0);
    return selftest_end(&b->room);
}

static const char *control_features(void *memory, size_t bytes)
{
    struct model_amd_config config;
    struct bench *b;

    model_amd_defaults(&config);
    config.ppr = false;
    config.gt = false;
    config.block_markers = false;
    b = bench_cold(memory, bytes, &config);
    wr(b, CONTROL, 0x8000);
    REPORTED(b, "amd.ctrl.unsupported");
    EXPECT(b, rd(b, CONTROL) == 0);
    wr(b, CONTROL, 0x10000);
    REPORTED(b, "amd.ctrl.unsupported");
    wr(b, CONTROL, UINT64_C(1) << 41);
    REPORTED(b, "amd.ctrl.unsupported");
    wr(b, CONTROL, UINT64_C(1) << 57);
    REPORTED(b, "amd.ctrl.reserved");
    wr(b, CONTROL, 0xE0);
    REPORTED(b, "amd.ctrl.timeout-reserved");
    return selftest_end(&b->room);
}

static const char *enabled_too_soon(void *memory, size_t bytes)
{
    struct bench *b = cold(memory, bytes);

    wr(b, CONTROL, IOMMU_EN);
    REPORTED(b, "amd.devtab.base-not-set");
    wr(b, CONTROL, 0);
    wr(b, CONTROL, IOMMU_EN);
    REPORTED(b, "amd.devtab.base-not-set");
    wr(b, CONTROL, IOMMU_EN | CMD_EN);
    REPORTED(b, "amd.cmdq.base-not-set");
    EXPECT(b, (rd(b, STATUS) & 0x10) == 0);
    wr(b, EVT_BASE, b->evt | UINT64_C(7) << 56);
    wr(b, CONTROL, IOMMU_EN | EVT_LOG_EN);
    REPORTED(b, "amd.evtlog.length");
    EXPECT(b, (rd(b, STATUS) & 8) == 0);
    wr(b, CONTROL, UINT64_C(3) << 30);
    REPORTED(b, "amd.ctrl.dual-reserved");
    return selftest_end(&b->room);
}

static const char *run_follows_enable(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes);

    EXPECT(b, (rd(b, STATUS) & 0x98) == 0x98);
    wr(b, STATUS, 0x98); /* Run bits are not W1C. */
    EXPECT(b, (rd(b, STATUS) & 0x98) == 0x98);
    wr(b, CONTROL, ALL_ON & ~CMD_EN);
    EXPECT(b, (rd(b, STATUS) & 0x10) == 0x10); /* Not at once. */
    wr(b, CONTROL, ALL_ON);
    REPORTED(b, "amd.cmdq.restart-too-early");
    wr(b, CONTROL, ALL_ON & ~CMD_EN);
    settle(b);
    EXPECT(b, (rd(b, STATUS) & 0x10) == 0);
    wr(b, CONTROL, ALL_ON);
    EXPECT(b, (rd(b, STATUS) & 0x10) == 0x10);
    wr(b, CONTROL, ALL_ON & ~IOMMU_EN);
    settle(b);
    EXPECT(b, (rd(b, STATUS) & 0x98) == 0);
    return selftest_end(&b->room);
}

static const char *base_resets_pointers(void *memory, size_t bytes)
{
    struct bench *b = cold(memory, bytes);
    struct model_amd_knobs knobs;

    wr(b, EVT_BASE, b->evt | UINT64_C(8) << 56);
    EXPECT(b, rd(b, EVT_HEAD) == 0 && rd(b, EVT_TAIL) == 0);
    wr(b, EVT_HEAD, 0x20);
    knobs_off(&knobs);
    knobs.base_keeps_pointers = true;
    model_amd_set_knobs(b->m, &knobs);
    wr(b, EVT_BASE, b->evt | UINT64_C(8) << 56);
    EXPECT(b, rd(b, EVT_HEAD) == 0x20);
    return selftest_end(&b->room);
}

static const char *edges(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes);
    struct model_amd_knobs knobs;

    wr(b, CONTROL, ALL_ON | WAIT_INTEN);
    b->irqs[0] = 0;
    push_wait(b, 3);
    settle(b);
    EXPECT(b, b->irqs[0] == 1 && (rd(b, STATUS) & 4) == 4);
    push_wait(b, 3);
    settle(b);
    EXPECT(b, b->irqs[0] == 1); /* The bit was set already. */
    wr(b, STATUS, 0);
    EXPECT(b, (rd(b, STATUS) & 4) == 4);
    wr(b, STATUS, 4);
    EXPECT(b, (rd(b, STATUS) & 4) == 0);
    wr(b, CONTROL, ALL_ON & ~WAIT_INTEN);
    push_wait(b, 3);
    settle(b);
    EXPECT(b, b->irqs[0] == 1 && (rd(b, STATUS) & 4) == 4); /* The bit needs no enable. */
    knobs_off(&knobs);
    knobs.sticky_w1c = 1000;
    model_amd_set_knobs(b->m, &knobs);
    wr(b, STATUS, 4);
    EXPECT(b, (rd(b, STATUS) & 4) == 4); /* Erratum 1312. */
    knobs.sticky_w1c = 0;
    knobs.irq_per_event = true;
    model_amd_set_knobs(b->m, &knobs);
    wr(b, CONTROL, ALL_ON | WAIT_INTEN);
    push_wait(b, 3);
    settle(b);
    EXPECT(b, b->irqs[0] == 2);
    model_amd_spurious_irq(b->m, MODEL_AMD_IRQ_PPR);
    settle(b);
    EXPECT(b, b->irqs[1] == 1);
    return selftest_end(&b->room);
}

static const char *found_running(void *memory, size_t bytes)
{
    struct model_amd_knobs knobs;
    struct model_amd_config config;
    struct bench *b;

    model_amd_defaults(&config);
    config.starts_enabled = true;
    config.found_control = ALL_ON;
    config.found_devtab = SELFTEST_RAM_BASE;
    config.found_cmdbuf = SELFTEST_RAM_BASE | UINT64_C(8) << 56;
    config.found_evtlog = SELFTEST_RAM_BASE | UINT64_C(8) << 56;
    config.found_pprlog = SELFTEST_RAM_BASE | UINT64_C(8) << 56;
    b = bench_cold(memory, bytes, &config);
    EXPECT(b, (rd(b, STATUS) & 0x98) == 0x98);
    knobs_off(&knobs);
    knobs.devtab_stays = true;
    model_amd_set_knobs(b->m, &knobs);
    wr(b, 0, b->devtab | 1);
    EXPECT(b, rd(b, 0) == SELFTEST_RAM_BASE);
    knobs.devtab_stays = false;
    model_amd_set_knobs(b->m, &knobs);
    wr(b, 0, b->devtab | 1); /* Once. */
    EXPECT(b, rd(b, 0) == (b->devtab | 1));
    wr(b, 0, b->devtab | 2);
    REPORTED(b, "amd.devtab.base-while-enabled");
    EXPECT(b, rd(b, 0) == (b->devtab | 1));
    return selftest_end(&b->room);
}

#define TEST(name)                                                                                 \
    {                                                                                              \
#name, name                                                                                \
    }

const struct model_selftest model_selftests_amd_regs[] = {
    TEST(features),
    TEST(golden_registers),
    TEST(misaligned),
    TEST(bases_while_running),
    TEST(pointers),
    TEST(control_features),
    TEST(enabled_too_soon),
    TEST(run_follows_enable),
    TEST(base_resets_pointers),
    TEST(edges),
    TEST(found_running),
};
const unsigned model_selftest_count_amd_regs =
    sizeof(model_selftests_amd_regs) / sizeof(model_selftests_amd_regs[0]);
