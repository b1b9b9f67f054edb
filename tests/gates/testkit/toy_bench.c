/* SPDX-License-Identifier: BSD-2-Clause */
#include "toy_bench.h"
#include "toy.h"
#include "toy_model.h"

/* The one file that knows both the backend and the model. */

#define BASE UINT64_C(0x10000000)

static struct toy_model *model_of(struct bench *b)
{
    return b->model;
}

static uint32_t log_log2(const struct bench *b)
{
    return b->variant->large ? 10 : 6;
}

static uint32_t command_log2(const struct bench *b)
{
    return b->variant->large ? 8 : 4;
}

static void on_irq(void *ctx)
{
    struct bench *b = ctx;

    b->irq = true;
}

static bool make(struct bench *b)
{
    const struct toy_model_config config = {.swallow_markers = !b->variant->markers,
                                            .device_timeout_ns = 2000 * BENCH_US,
                                            .ctx = b,
                                            .irq = on_irq};

    b->model = toy_model_create(b->world, b->fabric, &config);
    b->features.pri = true;
    b->features.markers = b->variant->markers;
    b->features.isolate = true;
    b->features.auto_answers = true;
    b->features.unknown_ids = true;
    b->features.unknown_pasids = true;
    b->features.response_pasid = true;
    b->features.request_entries = 1u << (log_log2(b) - 1);
    b->features.request_room = b->features.request_entries;
    b->features.command_entries = 1u << command_log2(b);
    b->features.access = UIOMMU_READ | UIOMMU_WRITE;
    return b->model != NULL;
}

static uiommu_err create(struct bench *b, struct uiommu *u, struct uiommu_unit **out)
{
    const struct toy_config config = {.size = sizeof(config),
                                      .unit = b->config,
                                      .base = BASE + b->shift,
                                      .command_log2 = command_log2(b),
                                      .log_log2 = log_log2(b),
                                      .coherent = b->variant->coherent,
                                      .poll = !b->variant->irq};

    return toy_create(u, &config, out);
}

static uint64_t read64(struct bench *b, uint64_t addr)
{
    return toy_model_read(model_of(b), addr - BASE);
}

static void write64(struct bench *b, uint64_t addr, uint64_t value)
{
    toy_model_write(model_of(b), addr - BASE, value);
}

/* The toy has 64-bit registers only. */
static uint32_t read32(struct bench *b, uint64_t addr)
{
    model_report(b->world, "toy.reg.width", "a register is read in 32 bits", addr, 0);
    return 0;
}

static void write32(struct bench *b, uint64_t addr, uint32_t value)
{
    model_report(b->world, "toy.reg.width", "a register is written in 32 bits", addr, value);
}

/* ---- misfortune ---- */

static void overflow(struct bench *b)
{
    toy_model_overflow(model_of(b));
}

static void hang(struct bench *b, bool on)
{
    toy_model_knobs(model_of(b))->hang = on;
    toy_model_go_on(model_of(b));
}

static void lose_invalidations(struct bench *b, uint32_t count)
{
    toy_model_knobs(model_of(b))->lose_invalidates = count;
}

/* A translation fault of a device that nobody attached. */
static void event_flood(struct bench *b, uint32_t count)
{
    for (; count > 0; count--) {
        toy_model_record(model_of(b), UINT64_C(0x300003FF00000103), 0x1000);
    }
}

static void lie(struct bench *b, enum bench_lie kind)
{
    struct toy_model_knobs *knobs = toy_model_knobs(model_of(b));

    if (kind == BENCH_LIE_UNKNOWN_RECORD) {
        toy_model_record(model_of(b), UINT64_C(0x000003FF0000000E), 0x5000);
    }
    knobs->all_ones = kind == BENCH_LIE_ALL_ONES;
    knobs->lie_index = kind == BENCH_LIE_REQUEST_INDEX || kind == BENCH_LIE_EVENT_INDEX;
    knobs->lie_noise = kind == BENCH_LIE_REQUEST_NOISE;
}

static void power_cycle(struct bench *b)
{
    toy_model_power_cycle(model_of(b));
}

/* Somebody had it before: tables in which nobody passes, and rings. */
static void found_enabled(struct bench *b)
{
    void *cpu;

    b->found_bytes = 0x4000;
    cpu = model_ram_get(b->world, b->found_bytes, 4096, UINT64_MAX, &b->found);
    if (cpu != NULL) {
        model_ram_clean(b->world, cpu, b->found_bytes);
        toy_model_write(model_of(b), 0x18, b->found);
        toy_model_write(model_of(b), 0x20, (b->found + 0x2000) | 4);
        toy_model_write(model_of(b), 0x48, (b->found + 0x3000) | 4);
        toy_model_write(model_of(b), 0x08, 1);
        model_advance(b->world, BENCH_US);
    }
}

static uint32_t host_command(struct bench *b, enum bench_command kind, uint64_t words[4])
{
    (void)b;
    words[0] = kind == BENCH_COMMAND_LEGAL        ? UINT64_C(0x000003FF00000021)
               : kind == BENCH_COMMAND_ILLEGAL    ? 7
               : kind == BENCH_COMMAND_COMPLETION ? 5
                                                  : 4;
    words[1] = 0;
    return 2;
}

/* ---- inspection ---- */

static uint32_t requests_waiting(struct bench *b)
{
    return toy_model_log_used(model_of(b));
}

static uint32_t stalls_owed(struct bench *b)
{
    (void)b;
    return 0;
}

static uint64_t answers(struct bench *b)
{
    return toy_model_answers(model_of(b));
}

static uint64_t host_commands(struct bench *b)
{
    return toy_model_invalidations(model_of(b));
}

static bool reaches(struct bench *b, uint32_t id, uint32_t pasid)
{
    return toy_model_reaches(model_of(b), id, pasid == UIOMMU_PASID_NONE ? 0 : pasid);
}

static bool uses_tables(struct bench *b, uint64_t first, uint64_t last)
{
    return toy_model_uses(model_of(b), first, last);
}

static const struct bench_skip skips[] = {
    {"stall: ", "", "a faulting access is refused, never held"},
    {"stages: ", "", "there is one stage of translation"},
    {"hardware: an abort of the ", "", "a log that cannot be written is none of its errors"},
};
static const uint32_t skip_count = sizeof(skips) / sizeof(skips[0]);

const struct bench_vendor toy_vendor = {
    .name = "toy",
    .skips = skips,
    .skip_count = &skip_count,
    .make = make,
    .create = create,
    .read32 = read32,
    .read64 = read64,
    .write32 = write32,
    .write64 = write64,
    .format = UIOMMU_ROOT_X86_64,
    .entry_table = bench_x86_table,
    .entry_page = bench_x86_page,
    .overflow = overflow,
    .hang = hang,
    .lose_invalidations = lose_invalidations,
    .lie = lie,
    .event_flood = event_flood,
    .power_cycle = power_cycle,
    .found_enabled = found_enabled,
    .host_command = host_command,
    .requests_waiting = requests_waiting,
    .stalls_owed = stalls_owed,
    .answers = answers,
    .host_commands = host_commands,
    .reaches = reaches,
    .uses_tables = uses_tables,
};
