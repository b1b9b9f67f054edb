/* SPDX-License-Identifier: BSD-2-Clause */
#include <uiommu/amd.h>

#include "bench.h"
#include "model_amd.h"

/* The one file of the suite that knows this vendor: an AMD IOMMU and its model. */

#define REG_BASE   UINT64_C(0xfed80000)
#define EVENT_TAIL 0x2018u
#define PPR_TAIL   0x2038u
#define LOG_MAX    15u /* log2 of the most entries that a log can have */

struct state {
    struct model_amd *model;
    enum bench_lie lie;
};

static struct state *state_of(struct bench *b)
{
    return b->vendor_state;
}

static struct model_amd *model_of(struct bench *b)
{
    return state_of(b)->model;
}

static void on_irq(void *ctx, enum model_amd_source source)
{
    struct bench *b = ctx;

    (void)source;
    b->irq = true;
}

/* Where the sheet doubts or its sources disagree (15, 18) the seed decides: each run is another
 * unit. */
static void doubts(struct bench *b, struct model_amd_knobs *knobs)
{
    uint64_t which = model_random(b->world);
    bool *const knob[] = {
        &knobs->irq_per_event,       &knobs->irq_on_enable,
        &knobs->int_needs_enable,    &knobs->overflow_keeps_run,
        &knobs->overflow_no_int,     &knobs->spec_restart,
        &knobs->base_keeps_pointers, &knobs->rx_answered,
        &knobs->tv0_silent,          &knobs->overlap,
        &knobs->strict_gn,           &knobs->gpa_keeps_gva,
        &knobs->gcr3_inner_gpa,
    };
    uint32_t i;

    for (i = 0; i < sizeof(knob) / sizeof(knob[0]); i++) {
        *knob[i] = (which >> i & 1) != 0;
    }
    knobs->sticky_w1c = (which >> 20 & 1) != 0 ? 300 : 0;
    knobs->prefetch = (which >> 21 & 1) != 0 ? 100 : 0;
    knobs->evict = (which >> 22 & 1) != 0 ? 100 : 0;
    knobs->over_invalidate = (which >> 23 & 1) != 0 ? 100 : 0;
}

static bool make(struct bench *b)
{
    const struct bench_variant *v = b->variant;
    struct model_amd_config config;
    struct model_amd_knobs knobs;
    struct state *s = model_alloc(b->world, sizeof(*s), 16);

    if (s == NULL) {
        return false;
    }
    b->vendor_state = s;
    model_amd_defaults(&config);
    config.pas_max = 19;
    config.ctx = b;
    config.irq = on_irq;
    s->model = model_amd_create(b->world, b->fabric, &config);
    if (s->model == NULL) {
        return false;
    }
    model_amd_get_knobs(s->model, &knobs);
    doubts(b, &knobs);
    b->features.refuses = knobs.rx_answered;
    knobs.swallow_markers = !v->markers;
    model_amd_set_knobs(s->model, &knobs);
    b->features.pri = true;
    b->features.stalls = false;
    b->features.markers = v->markers;
    b->features.isolate = true;
    b->features.request_entries = 1u << (v->large ? 9 : 8);
    b->features.proved = false;
    b->features.response_pasid = true;
    b->features.request_room = b->features.request_entries - 1;
    b->features.access = UIOMMU_READ | UIOMMU_WRITE | UIOMMU_EXEC | UIOMMU_PRIV;
    b->features.command_entries = 1u << 8;
    b->features.unknown_ids = false; /* Answered with FAILURE (sheet 8, event 9). */
    b->features.unknown_pasids = true;
    b->features.second = true;
    b->features.nested = true;
    b->features.second_alone = true;
    return true;
}

static uiommu_err create(struct bench *b, struct uiommu *u, struct uiommu_unit **out)
{
    struct uiommu_amd_config config;

    memset(&config, 0, sizeof(config));
    config.size = sizeof(config);
    config.unit = b->config;
    config.base = REG_BASE + b->shift;
    config.flags = (b->variant->coherent ? 0 : UIOMMU_AMD_NOT_COHERENT) |
                   (b->variant->irq ? 0 : UIOMMU_AMD_POLL);
    config.cmdq_log2 = 8;
    config.eventq_log2 = b->variant->large ? 9 : 8;
    config.priq_log2 = b->variant->large ? 9 : 8;
    return uiommu_amd_create(u, &config, out);
}

/* What the unit says instead, once, of a log in which something waits. */
static uint32_t lied(struct bench *b, uint64_t offset, uint32_t value)
{
    struct state *s = state_of(b);
    bool request = s->lie == BENCH_LIE_REQUEST_INDEX && offset == PPR_TAIL &&
                   model_amd_pprlog_used(s->model) > 0;
    bool event = s->lie == BENCH_LIE_EVENT_INDEX && offset == EVENT_TAIL &&
                 model_amd_evtlog_used(s->model) > 0;

    if (s->lie == BENCH_LIE_ALL_ONES) {
        return UINT32_MAX;
    }
    if (s->lie == BENCH_LIE_REQUEST_NOISE && offset == PPR_TAIL) {
        /* Of one code: entries of others are no requests. */
        const uint32_t noise[4] = {(uint32_t)model_random(b->world),
                                   ((uint32_t)model_random(b->world) & 0x0FFFFFFFu) | 1u << 28,
                                   (uint32_t)model_random(b->world),
                                   (uint32_t)model_random(b->world)};

        if (model_amd_spoil_request(s->model, noise)) {
            s->lie = BENCH_LIE_NONE;
        }
    }
    if (!request && !event) {
        return value;
    }
    s->lie = BENCH_LIE_NONE;
    return value + (16u << LOG_MAX);
}

static uint32_t read32(struct bench *b, uint64_t addr)
{
    return lied(b, addr - REG_BASE, model_amd_read32(model_of(b), addr - REG_BASE));
}

static uint64_t read64(struct bench *b, uint64_t addr)
{
    uint64_t value = model_amd_read64(model_of(b), addr - REG_BASE);

    return state_of(b)->lie == BENCH_LIE_ALL_ONES ? UINT64_MAX : value;
}

static void write32(struct bench *b, uint64_t addr, uint32_t value)
{
    model_amd_write32(model_of(b), addr - REG_BASE, value);
}

static void write64(struct bench *b, uint64_t addr, uint64_t value)
{
    model_amd_write64(model_of(b), addr - REG_BASE, value);
}

static void overflow(struct bench *b)
{
    model_amd_force_overflow(model_of(b));
    b->irq = true;
}

static void slow_ring(struct bench *b, uint32_t ns)
{
    struct model_amd_knobs knobs;

    model_amd_get_knobs(model_of(b), &knobs);
    knobs.ppr_lag_ns = ns;
    model_amd_set_knobs(model_of(b), &knobs);
}

static void hang(struct bench *b, bool on)
{
    struct model_amd_knobs knobs;

    model_amd_get_knobs(model_of(b), &knobs);
    knobs.command_hang = on;
    model_amd_set_knobs(model_of(b), &knobs);
}

static void lose_invalidations(struct bench *b, uint32_t count)
{
    struct model_amd_knobs knobs;

    model_amd_get_knobs(model_of(b), &knobs);
    knobs.lose_invalidates = count;
    model_amd_set_knobs(model_of(b), &knobs);
}

static void event_flood(struct bench *b, uint32_t count)
{
    const uint32_t words[4] = {0x7777, 0x20000000, 0x1000, 0}; /* IO_PAGE_FAULT */

    for (; count > 0; count--) {
        model_amd_inject_event(model_of(b), words);
    }
}

static void lie(struct bench *b, enum bench_lie kind)
{
    const uint32_t words[4] = {0x208, 0xE0000000, 0x5678, 0x9ABC};

    if (kind == BENCH_LIE_UNKNOWN_RECORD) {
        model_amd_inject_event(model_of(b), words);
        return;
    }
    state_of(b)->lie = kind;
}

/* ---- host tables ---- */

static uint64_t second_table(uint64_t bus, uint32_t level)
{
    return bus | 1 | level << 9 | UINT64_C(3) << 61;
}

static uint64_t second_page(uint64_t bus, uint32_t access)
{
    return bus | 1 | ((access & UIOMMU_READ) != 0 ? UINT64_C(1) << 61 : 0) |
           ((access & UIOMMU_WRITE) != 0 ? UINT64_C(1) << 62 : 0);
}

/* ---- what a host does besides ---- */

static void power_cycle(struct bench *b)
{
    bench_advance(b, BENCH_MS); /* What was under way is over. */
    model_amd_power_cycle(model_of(b));
}

/* A table of 4096 IDs in which nobody may read or write. */
static void found_enabled(struct bench *b)
{
    void *cpu;
    uint64_t i;

    b->found_bytes = UINT64_C(32) * 4096;
    cpu = model_ram_get(b->world, b->found_bytes, 4096, UINT64_MAX, &b->found);
    model_ram_clean(b->world, cpu, b->found_bytes);
    for (i = 0; i < b->found_bytes; i += 32) {
        (void)model_bus_write64(b->world, b->found + i, 3);
    }
    model_amd_write64(model_of(b), 0x0, b->found | (b->found_bytes / 4096 - 1));
    model_amd_write64(model_of(b), 0x18, 1 | 1 << 10);
    bench_advance(b, BENCH_MS);
    model_amd_found(model_of(b));
    b->reports = 0;
}

static uint32_t host_command(struct bench *b, enum bench_command kind, uint64_t words[4])
{
    static const uint8_t opcodes[] = {5, 0xE, 1, 7};

    (void)b;
    words[0] = (uint64_t)opcodes[kind] << 60;
    return 2;
}

static uint64_t host_commands(struct bench *b)
{
    return model_amd_counts(model_of(b))->commands[5];
}

static uint32_t requests_waiting(struct bench *b)
{
    return model_amd_pprlog_used(model_of(b)) + model_amd_evtlog_used(model_of(b));
}

static uint32_t stalls_owed(struct bench *b)
{
    (void)b;
    return 0;
}

static uint64_t answers(struct bench *b)
{
    return model_amd_counts(model_of(b))->responses;
}

static bool reaches(struct bench *b, uint32_t id, uint32_t pasid)
{
    return !model_amd_check_unreachable(model_of(b), id,
                                        pasid == UIOMMU_PASID_NONE ? MODEL_AMD_NONE : pasid);
}

static bool uses_tables(struct bench *b, uint64_t first, uint64_t last)
{
    return !model_amd_check_tables_unused(model_of(b), first, last);
}

static void device_reset(struct bench *b, uint32_t id)
{
    model_amd_forget_device(model_of(b), id);
}

const struct bench_vendor bench_amd = {
    .name = "amd",
    .skips = bench_skips_amd,
    .skip_count = &bench_skip_count_amd,
    .make = make,
    .create = create,
    .read32 = read32,
    .read64 = read64,
    .write32 = write32,
    .write64 = write64,
    .format = UIOMMU_ROOT_X86_64,
    .entry_table = bench_x86_table,
    .entry_page = bench_x86_page,
    .second = UIOMMU_ROOT_X86_64_LEVELLED,
    .second_table = second_table,
    .second_page = second_page,
    .overflow = overflow,
    .hang = hang,
    .slow_ring = slow_ring,
    .lose_invalidations = lose_invalidations,
    .lie = lie,
    .event_flood = event_flood,
    .power_cycle = power_cycle,
    .device_reset = device_reset,
    .found_enabled = found_enabled,
    .host_command = host_command,
    .requests_waiting = requests_waiting,
    .stalls_owed = stalls_owed,
    .answers = answers,
    .host_commands = host_commands,
    .reaches = reaches,
    .uses_tables = uses_tables,
};
