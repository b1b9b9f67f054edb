/* SPDX-License-Identifier: BSD-2-Clause */
#include "conf_themes.h"

/*
 * The rest of the host beside the library: raw commands of its interrupt remapping, and a unit
 * that somebody else had before. Memory that no device may reach is watched all the while.
 */

/* Where DMA takes long, it is done at each so many-th moment only. */
#define SPARSE 47u

/* A page that no device is given: a device reads it whenever the library lets anything happen. */
struct watch {
    struct conf *c;
    struct conf_device *d;
    uint64_t secret;
    uint32_t looks;
};

static void look(struct bench *b, void *arg)
{
    struct watch *w = arg;

    CHECK(w->c, !conf_access(w->d, UIOMMU_PASID_NONE, w->secret, MODEL_READ));
    CHECK(w->c, !conf_access(w->d, UIOMMU_PASID_NONE, w->secret, MODEL_WRITE));
    w->looks++;
    bench_interrupt(b, b->features.dma_costs ? SPARSE : 1, look, w);
}

/* An endpoint that nobody attached, and what it must not reach. */
static bool watch_make(struct conf *c, struct watch *w)
{
    static const struct conf_how plain = {.flags = UIOMMU_DEVICE_PASID};
    struct uiommu_device_config config;

    memset(w, 0, sizeof(*w));
    w->c = c;
    w->d = conf_device_plan(c, &plain, &config);
    return CHECK(c, w->d != NULL) &&
           CHECK(c, model_ram_get(c->b.world, 4096, 4096, UINT64_MAX, &w->secret) != NULL);
}

static void watch_end(struct conf *c, struct watch *w)
{
    c->b.interrupt = NULL;
    CHECK(c, w->looks > 0);
    model_ram_put(c->b.world, w->secret, 4096);
}

static void found_enabled(struct conf *c)
{
    struct watch w;

    c->b.vendor->found_enabled(&c->b);
    if (!watch_make(c, &w) || !CHECK(c, bench_create(&c->b) == UIOMMU_OK)) {
        return;
    }
    look(&c->b, &w);
    CHECK(c, uiommu_unit_start(c->b.unit) == UIOMMU_OK);
    c->b.started = true;
    model_ram_put(c->b.world, c->b.found, c->b.found_bytes); /* Whoever looks there is told on. */
    conf_run(c, BENCH_MS);
    CHECK(c, uiommu_unit_stop(c->b.unit) == UIOMMU_OK);
    c->b.started = false;
    bench_advance(&c->b, BENCH_MS);
    watch_end(c, &w);
    c->no_balance = true;
}

/* Started, stopped and started again: from the first start on nobody passes. */
static void blocked(struct conf *c)
{
    struct watch w;
    uint32_t i;

    if (!watch_make(c, &w) || !conf_up(c)) {
        return;
    }
    look(&c->b, &w);
    for (i = 0; i < 3; i++) {
        conf_run(c, BENCH_MS / 4);
        CHECK(c, uiommu_unit_stop(c->b.unit) == UIOMMU_OK);
        c->b.started = false;
        bench_advance(&c->b, BENCH_MS / 4);
        CHECK(c, uiommu_unit_stop(c->b.unit) == UIOMMU_E_STATE);
        CHECK(c, uiommu_unit_start(c->b.unit) == UIOMMU_OK);
        c->b.started = true;
    }
    watch_end(c, &w);
    c->no_balance = true;
}

/* A restart, and sleep without a loss of power: still nobody. */
static void never_open(struct conf *c)
{
    struct conf_flow f;
    struct watch w;

    if (!conf_flow_up(c, &f) || !watch_make(c, &w)) {
        return;
    }
    look(&c->b, &w);
    CHECK(c, uiommu_unit_restart(c->b.unit) == UIOMMU_OK);
    CHECK(c, uiommu_unit_suspend(c->b.unit) == UIOMMU_OK);
    bench_advance(&c->b, BENCH_MS / 4);
    CHECK(c, uiommu_unit_resume(c->b.unit) == UIOMMU_OK);
    CHECK(c, conf_reset(c, f.d) == UIOMMU_OK);
    watch_end(c, &w);
    c->no_balance = true;
}

/* Issue 5.2: firmware's regions. Refused, the unit is not touched; with the last word it starts. */
static void reserved(struct conf *c)
{
    struct uiommu_reserved regions[] = {
        {CONF_VA, CONF_VA + 0xfff, UIOMMU_READ | UIOMMU_WRITE, UIOMMU_RESERVED_CONFIRMED},
        {0x10000, 0x1ffff, UIOMMU_READ, UIOMMU_RESERVED_NONE},
        {UINT64_MAX, UINT64_MAX, UIOMMU_WRITE, 77}};
    struct watch w;
    uint64_t before;

    c->b.config.reserved = regions;
    c->b.config.reserved_count = 3;
    if (!watch_make(c, &w) || !CHECK(c, bench_create(&c->b) == UIOMMU_OK)) {
        return;
    }
    before = c->b.mmio;
    CHECK(c, uiommu_unit_start(c->b.unit) == UIOMMU_E_INVALID);
    regions[1].word = UIOMMU_RESERVED_WAIVED;
    CHECK(c, uiommu_unit_start(c->b.unit) == UIOMMU_E_INVALID);
    regions[2].word = UIOMMU_RESERVED_CONFIRMED;
    regions[2].first = 0;
    regions[2].last = UINT64_MAX;
    regions[0].last = CONF_VA - 1;
    CHECK(c, uiommu_unit_start(c->b.unit) == UIOMMU_E_INVALID);
    CHECK(c, c->b.mmio == before);
    regions[0].last = CONF_VA;
    c->b.started = CHECK(c, uiommu_unit_start(c->b.unit) == UIOMMU_OK);
    CHECK(c, c->b.mmio != before);
    look(&c->b, &w); /* Confirmed or waived: who is not bound reaches nothing. */
    memset(regions, 0xff, sizeof(regions));
    CHECK(c, uiommu_unit_stop(c->b.unit) == UIOMMU_OK);
    CHECK(c, uiommu_unit_start(c->b.unit) == UIOMMU_OK);
    CHECK(c, uiommu_unit_restart(c->b.unit) == UIOMMU_OK);
    watch_end(c, &w);
    c->no_balance = true;
}

/* ---- raw commands ---- */

static uiommu_err raw(struct conf *c, enum bench_command kind)
{
    uint64_t words[4] = {0, 0, 0, 0};
    uint32_t count = c->b.vendor->host_command(&c->b, kind, words);

    return uiommu_unit_command(c->b.unit, words, count);
}

static void takes_effect(struct conf *c)
{
    struct conf_flow f;
    uint64_t before;
    uint32_t i;

    if (!conf_flow_up(c, &f)) {
        return;
    }
    before = c->b.vendor->host_commands(&c->b);
    for (i = 0; i < 3 * c->b.features.command_entries; i++) {
        if (!CHECK(c, raw(c, BENCH_COMMAND_LEGAL) == UIOMMU_OK)) {
            return;
        }
        CHECK(c, c->b.vendor->host_commands(&c->b) == before + i + 1);
    }
    conf_ask(f.d, f.pasid, CONF_VA, 1);
    conf_run(c, BENCH_MS);
    CHECK(c, conf_answer(f.d, 1) == UIOMMU_CODE_SUCCESS);
}

static void refused(struct conf *c)
{
    struct conf_flow f;

    if (!conf_flow_up(c, &f)) {
        return;
    }
    CHECK(c, raw(c, BENCH_COMMAND_ILLEGAL) == UIOMMU_E_HW);
    c->reports = c->b.reports; /* The host's mistake, not the library's. */
    c->b.irq = true;
    conf_run(c, BENCH_MS);
    CHECK(c, conf_events(c, UIOMMU_EVENT_COMMAND_ERROR) >= 1);
    CHECK(c, raw(c, BENCH_COMMAND_LEGAL) == UIOMMU_OK);
    conf_ask(f.d, f.pasid, CONF_VA, 1);
    conf_run(c, BENCH_MS);
    CHECK(c, conf_answer(f.d, 1) == UIOMMU_CODE_SUCCESS);
    CHECK(c, conf_unbind(c, f.bond, 0) == UIOMMU_OK);
}

static void not_the_hosts(struct conf *c)
{
    uint64_t words[4] = {0, 0, 0, 0};
    uint32_t count, i;

    if (!conf_up(c)) {
        return;
    }
    CHECK(c, raw(c, BENCH_COMMAND_COMPLETION) == UIOMMU_E_INVALID);
    CHECK(c, raw(c, BENCH_COMMAND_RESPONSE) == UIOMMU_E_INVALID);
    count = c->b.vendor->host_command(&c->b, BENCH_COMMAND_LEGAL, words);
    CHECK(c, uiommu_unit_command(c->b.unit, NULL, count) == UIOMMU_E_INVALID);
    CHECK(c, uiommu_unit_command(NULL, words, count) == UIOMMU_E_HANDLE);
    for (i = 0; i < 4; i++) {
        if (i == 0 || i == 1 || i == 3) {
            CHECK(c, uiommu_unit_command(c->b.unit, words, i) == UIOMMU_E_INVALID);
        }
    }
    CHECK(c, uiommu_unit_command(c->b.unit, words, 5) == UIOMMU_E_INVALID);
}

static void hangs(struct conf *c)
{
    if (!conf_up(c)) {
        return;
    }
    c->b.vendor->hang(&c->b, true);
    c->sample = bench_now(&c->b);
    CHECK(c, raw(c, BENCH_COMMAND_LEGAL) == UIOMMU_E_TIMEOUT);
    CHECK(c, bench_now(&c->b) - c->sample < 4 * BENCH_COMMAND);
    c->b.vendor->hang(&c->b, false);
    CHECK(c, uiommu_unit_restart(c->b.unit) == UIOMMU_OK);
    CHECK(c, raw(c, BENCH_COMMAND_LEGAL) == UIOMMU_OK);
}

static const struct conf_test tests[] = {
    {"host: a unit found enabled is taken over without a window", found_enabled},
    {"host: nobody passes a started unit, nor one that was stopped", blocked},
    {"host: nobody passes while it is restarted, suspended, resumed", never_open},
    {"host: no unit starts before each reserved region is confirmed or waived", reserved},
    {"host: a raw command takes effect before the call returns", takes_effect},
    {"R15 host: a raw command that the hardware refuses fails alone", refused},
    {"host: completions and page responses are not the host's to send", not_the_hosts},
    {"I21 host: a raw command into a hung ring times out", hangs},
};
const struct conf_theme conf_host_theme = {"host", tests, sizeof(tests) / sizeof(tests[0])};
