/* SPDX-License-Identifier: BSD-2-Clause */
#include "selftest_vtd_bench.h"

extern const struct model_selftest model_selftests_vtd_regs[];
extern const unsigned model_selftest_count_vtd_regs;

static struct bench *bare(void *memory, size_t bytes, bool esrtps)
{
    struct model_vtd_config config;

    model_vtd_defaults(&config);
    config.esrtps = esrtps;
    config.dit = false;
    return bench_create(memory, bytes, true, &config);
}

static const char *golden_capabilities(void *memory, size_t bytes)
{
    struct model_vtd_config config;
    struct bench *b;

    model_vtd_defaults(&config);
    b = bench_create(memory, bytes, true, &config);
    EXPECT(b, rd64(b, 0x08) == UINT64_C(0xD9D2078C22780C06));
    EXPECT(b, rd64(b, 0x10) == UINT64_C(0x0003CF9AA4F00FDF));
    EXPECT(b, rd(b, 0x38) == 0x80000000 && rd(b, 0xA0) == 0x80000000 && rd(b, 0xE0) == 0x80000000);
    EXPECT(b, rd(b, 0x1C) == 0 && rd64(b, 0x80) == 0);
    return selftest_end(&b->room);
}

static const char *impossible(void *memory, size_t bytes)
{
    struct model_vtd_config config;
    struct bench *b = bare(memory, bytes, true);

    model_vtd_defaults(&config);
    config.dt = false;
    EXPECT(b, model_vtd_create(b->room.world, NULL, &config) == NULL);
    model_vtd_defaults(&config);
    config.rwbf = true;
    EXPECT(b, model_vtd_create(b->room.world, NULL, &config) == NULL);
    return selftest_end(&b->room);
}

static const char *bad_accesses(void *memory, size_t bytes)
{
    struct bench *b = bare(memory, bytes, true);

    rd(b, 0x36);
    REPORTED(b, "vtd.reg.unaligned");
    rd(b, 0x30);
    REPORTED(b, "vtd.reg.unknown");
    rd64(b, 0x38);
    REPORTED(b, "vtd.reg.wide-access");
    wr64(b, 0x40, 0xFEE00000);
    EXPECT(b, model_vtd_counts(b->m)->wide_pairs == 1);
    wr(b, 0x80, 1);
    REPORTED(b, "vtd.reg.read-only");
    rd(b, 0x18);
    REPORTED(b, "vtd.reg.write-only");
    wr(b, 0x34, 4);
    REPORTED(b, "vtd.reg.reserved");
    wr(b, 0x3C, 0x10000);
    REPORTED(b, "vtd.event.data");
    wr(b, 0x40, 2);
    REPORTED(b, "vtd.event.misaligned");
    wr64(b, 0xF8, UINT64_C(0x9000000000000000));
    REPORTED(b, "vtd.reg.register-invalidation");
    return selftest_end(&b->room);
}

static const char *absent_features(void *memory, size_t bytes)
{
    struct model_vtd_config config;
    struct bench *b;

    model_vtd_defaults(&config);
    config.prs = false;
    b = bench_create(memory, bytes, true, &config);
    EXPECT(b, rd(b, 0xDC) == 0);
    wr(b, 0xE0, 0);
    REPORTED(b, "vtd.reg.absent");
    return selftest_end(&b->room);
}

static const char *misaligned_bases(void *memory, size_t bytes)
{
    struct bench *b = bare(memory, bytes, true);

    wr64(b, 0x20, b->roots | 0x410);
    REPORTED(b, "vtd.root.misaligned");
    wr64(b, 0x90, b->iq | 0x808);
    REPORTED(b, "vtd.iq.base-misaligned");
    wr64(b, 0xD0, b->prq | 0x10);
    REPORTED(b, "vtd.prq.base-misaligned");
    return selftest_end(&b->room);
}

static const char *one_command(void *memory, size_t bytes)
{
    struct bench *b = bare(memory, bytes, true);

    wr64(b, 0x20, b->roots | 0x400);
    wr64(b, 0x90, b->iq | 0x800);
    wr(b, 0x18, 0x44000000);
    REPORTED(b, "vtd.gcmd.several");
    settle(b);
    wr(b, 0x18, 0x44000000);
    EXPECT(b, (rd(b, 0x1C) & 0x40000000) == 0);
    wr(b, 0x18, 0);
    REPORTED(b, "vtd.gcmd.pending");
    settle(b);
    wr(b, 0x18, 0x20000000);
    reported_any(b, "vtd.gcmd.reserved");
    return selftest_end(&b->room);
}

static const char *start_order(void *memory, size_t bytes)
{
    struct bench *b = bare(memory, bytes, true);

    wr64(b, 0x20, b->roots | 0x400);
    wr(b, 0x18, 0x80000000);
    settle(b);
    reported_any(b, "vtd.model.legacy");
    b = bare(memory, bytes, true);
    wr(b, 0x18, 0x04000000);
    settle(b);
    REPORTED(b, "vtd.init.queue-not-set");
    b = bare(memory, bytes, true);
    bench_queue(b);
    wr64(b, 0x20, b->roots | 0x800);
    wr(b, 0x18, 0x44000000);
    settle(b);
    REPORTED(b, "vtd.root.mode");
    return selftest_end(&b->room);
}

/* A root that was set, but not since translation went off. */
static const char *root_again(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes);

    gcmd(b, 0x04000000, 0x44000000);
    wr(b, 0x18, 0x84000000);
    settle(b);
    REPORTED(b, "vtd.init.root-not-set");
    return selftest_end(&b->room);
}

static const char *root_is_latched(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes);

    wr64(b, 0x20, b->data | 0x400);
    EXPECT(b, reads(b, PASID, VA));
    wr(b, 0x18, 0xC4000000);
    wr64(b, 0x20, b->data | 0x400);
    reported_any(b, "vtd.root.changed-in-flight");
    settle(b);
    EXPECT(b, !reads(b, PASID, VA) && fault(b) == 0x39);
    return selftest_end(&b->room);
}

static const char *caches_first(void *memory, size_t bytes)
{
    struct bench *b = bare(memory, bytes, false);
    unsigned round;

    for (round = 0; round < 2; round++) {
        b = bare(memory, bytes, false);
        bench_tables(b);
        bench_queue(b);
        bench_root(b);
        run(b, round == 0 ? 0xD2 : 0x11, 0);
        run(b, 0x37, 0);
        run(b, round == 0 ? 0x11 : 0xD2, 0);
        wr(b, 0x18, 0x84000000);
        settle(b);
        if (round == 0) {
            REPORTED(b, "vtd.init.caches-not-invalidated");
        }
    }
    return selftest_end(&b->room);
}

static const char *found_running(void *memory, size_t bytes)
{
    struct model_vtd_config config;
    struct bench *b;

    model_vtd_defaults(&config);
    config.starts_enabled = true;
    b = bench_create(memory, bytes, true, &config);
    EXPECT(b, rd(b, 0x1C) == 0xC4000000 && rd(b, 0x34) == 3 && rd64(b, 0x80) == 0x40);
    wr(b, 0x34, 1);
    REPORTED(b, "vtd.fault.overflow-cleared-early");
    EXPECT(b, fault(b) == 0x59 && rd(b, 0x34) == 0);
    gcmd(b, 0x04000000, 0x44000000);
    gcmd(b, 0, 0x40000000);
    EXPECT(b, rd64(b, 0x80) == 0);
    return selftest_end(&b->room);
}

#define T(name)                                                                                    \
    {                                                                                              \
#name, name                                                                                \
    }
const struct model_selftest model_selftests_vtd_regs[] = {
    T(golden_capabilities), T(impossible),   T(bad_accesses),  T(absent_features),
    T(misaligned_bases),    T(one_command),  T(start_order),   T(root_again),
    T(root_is_latched),     T(caches_first), T(found_running),
};
const unsigned model_selftest_count_vtd_regs =
    sizeof(model_selftests_vtd_regs) / sizeof(model_selftests_vtd_regs[0]);
