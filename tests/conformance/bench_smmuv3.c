/* SPDX-License-Identifier: BSD-2-Clause */
#include <uiommu/smmuv3.h>

#include "bench.h"
#include "model_smmuv3.h"

/* The one file of the suite that knows this vendor: an SMMUv3 and its model. */

#define REG_BASE      UINT64_C(0x09050000)
#define CMDQ_PROD     0x98u
#define EVENTQ_PROD   0x100A8u
#define EVENTQ_CONS   0x100ACu
#define PRIQ_PROD     0x100C8u
#define PRIQ_CONS     0x100CCu
#define PRIQ_BASE_LOW 0xC0u
#define PRIQ_BASE_HI  0xC4u
#define BASE_MASK     UINT64_C(0x00FFFFFFFFFFFFE0)
#define ATC_TIMEOUT   (2000 * (uint32_t)BENCH_US)

struct state {
    struct model_smmuv3 *model;
    enum bench_lie lie;
    uint64_t priq_base;
    uint32_t flip[2]; /* Wrap bits that lie: request queue, event queue. */
};

static struct state *state_of(struct bench *b)
{
    return b->vendor_state;
}

static struct model_smmuv3 *model_of(struct bench *b)
{
    return state_of(b)->model;
}

static void on_irq(void *ctx, enum model_smmuv3_source source)
{
    struct bench *b = ctx;

    if (source == MODEL_SMMUV3_IRQ_GERROR || source == MODEL_SMMUV3_IRQ_PRIQ ||
        source == MODEL_SMMUV3_IRQ_EVENTQ) {
        b->irq = true;
    }
}

static bool make(struct bench *b)
{
    const struct bench_variant *v = b->variant;
    struct model_smmuv3_config config;
    struct model_smmuv3_knobs knobs;
    struct state *s = model_alloc(b->world, sizeof(*s), 16);

    if (s == NULL) {
        return false;
    }
    b->vendor_state = s;
    model_smmuv3_defaults(&config);
    config.cohacc = v->coherent;
    config.s2p = true;
    config.cmdq_log2 = v->large ? 8 : 4;
    config.eventq_log2 = v->large ? 7 : 5;
    config.priq_log2 = v->large ? 9 : 5;
    config.ctx = b;
    config.irq = on_irq;
    s->model = model_smmuv3_create(b->world, b->fabric, &config);
    if (s->model == NULL) {
        return false;
    }
    model_smmuv3_get_knobs(s->model, &knobs);
    knobs.swallow_markers = !v->markers;
    knobs.atc_timeout_ns = ATC_TIMEOUT;
    knobs.after_timeout = MODEL_SMMUV3_SUCCEED;
    model_smmuv3_set_knobs(s->model, &knobs);
    b->model = s->model;
    b->features.pri = true;
    b->features.stalls = true;
    b->features.markers = v->markers;
    b->features.isolate = true;
    b->features.auto_answers = true;
    b->features.unknown_ids = true;
    b->features.unknown_pasids = true;
    b->features.second = true;
    b->features.nested = true;
    b->features.second_alone = true;
    b->features.aborts = true;
    b->features.response_pasid = true;
    b->features.request_entries = 1u << config.priq_log2;
    b->features.request_room = b->features.request_entries;
    b->features.access = UIOMMU_READ | UIOMMU_WRITE | UIOMMU_EXEC | UIOMMU_PRIV;
    b->features.command_entries = 1u << config.cmdq_log2;
    return true;
}

static uiommu_err create(struct bench *b, struct uiommu *u, struct uiommu_unit **out)
{
    struct uiommu_smmuv3_config config;

    memset(&config, 0, sizeof(config));
    config.size = sizeof(config);
    config.unit = b->config;
    config.base = REG_BASE + b->shift;
    config.coherency = b->variant->coherent ? UIOMMU_SMMUV3_COHERENT : UIOMMU_SMMUV3_NOT_COHERENT;
    config.cmdq_log2 = b->variant->large ? 8 : 4;
    config.eventq_log2 = b->variant->large ? 7 : 5;
    config.priq_log2 = b->variant->large ? 9 : 5;
    config.poll = !b->variant->irq;
    return uiommu_smmuv3_create(u, &config, out);
}

/* ---- registers, with lies ---- */

static uint32_t flip_of(const struct state *s, uint64_t offset)
{
    return offset == PRIQ_PROD || offset == PRIQ_CONS       ? s->flip[0]
           : offset == EVENTQ_PROD || offset == EVENTQ_CONS ? s->flip[1]
                                                            : 0;
}

static void noise(struct bench *b, uint32_t prod)
{
    uint64_t base = state_of(b)->priq_base;
    uint32_t log2 = b->variant->large ? 9 : 5;
    uint32_t slot = (prod - 1) & ((1u << log2) - 1);

    if (base != 0) {
        (void)model_bus_write64(b->world, (base & BASE_MASK) + UINT64_C(16) * slot,
                                model_random(b->world));
        (void)model_bus_write64(b->world, (base & BASE_MASK) + UINT64_C(16) * slot + 8,
                                model_random(b->world));
    }
}

/* An index with the wrong wrap bit, from now on: more entries than there are slots. */
static uint32_t entries_of(struct bench *b, bool events)
{
    return b->variant->large ? (events ? 1u << 7 : 1u << 9) : 1u << 5;
}

static uint32_t lied(struct bench *b, uint64_t offset, uint32_t value)
{
    struct state *s = state_of(b);

    if (s->lie == BENCH_LIE_ALL_ONES) {
        return UINT32_MAX;
    }
    if (offset == PRIQ_PROD && s->lie == BENCH_LIE_REQUEST_INDEX &&
        model_smmuv3_priq_used(s->model) > 0) {
        s->lie = BENCH_LIE_NONE;
        s->flip[0] ^= entries_of(b, false);
    }
    if (offset == PRIQ_PROD && s->lie == BENCH_LIE_REQUEST_NOISE &&
        model_smmuv3_priq_used(s->model) > 0) {
        s->lie = BENCH_LIE_NONE;
        noise(b, value);
    }
    if (offset == EVENTQ_PROD && s->lie == BENCH_LIE_EVENT_INDEX &&
        model_smmuv3_eventq_used(s->model) > 0) {
        s->lie = BENCH_LIE_NONE;
        s->flip[1] ^= entries_of(b, true);
    }
    return value ^ flip_of(s, offset);
}

static uint32_t read32(struct bench *b, uint64_t addr)
{
    return lied(b, addr - REG_BASE, model_smmuv3_read32(model_of(b), addr - REG_BASE));
}

static uint64_t read64(struct bench *b, uint64_t addr)
{
    uint64_t value = model_smmuv3_read64(model_of(b), addr - REG_BASE);

    return state_of(b)->lie == BENCH_LIE_ALL_ONES ? UINT64_MAX : value;
}

static void write32(struct bench *b, uint64_t addr, uint32_t value)
{
    struct state *s = state_of(b);

    if (addr - REG_BASE == PRIQ_BASE_LOW) {
        s->priq_base = (s->priq_base & ~(uint64_t)UINT32_MAX) | value;
    }
    if (addr - REG_BASE == PRIQ_BASE_HI) {
        s->priq_base = (s->priq_base & UINT32_MAX) | (uint64_t)value << 32;
    }
    model_smmuv3_write32(s->model, addr - REG_BASE, value ^ flip_of(s, addr - REG_BASE));
}

static void write64(struct bench *b, uint64_t addr, uint64_t value)
{
    struct state *s = state_of(b);

    if (addr - REG_BASE == PRIQ_BASE_LOW) {
        s->priq_base = value;
    }
    model_smmuv3_write64(s->model, addr - REG_BASE, value);
}

/* ---- VMSAv8-64 stage 1, 4 KiB ---- */

static uint64_t entry_table(uint64_t bus)
{
    return bus | 3;
}

static uint64_t entry_page(uint64_t bus, uint32_t access)
{
    uint64_t low = 3 | 1u << 6 | 3u << 8 | 1u << 10 | 1u << 11; /* AP, SH, AF, nG */

    return bus | low | ((access & UIOMMU_WRITE) != 0 ? 0 : 1u << 7) | UINT64_C(1) << 53 |
           ((access & UIOMMU_EXEC) != 0 ? 0 : UINT64_C(1) << 54);
}

/* ---- VMSAv8-64 stage 2, 4 KiB ---- */

static uint64_t second_table(uint64_t bus, uint32_t level)
{
    (void)level;
    return bus | 3;
}

static uint64_t second_page(uint64_t bus, uint32_t access)
{
    return bus | 3 | 0xFu << 2 | ((access & UIOMMU_READ) != 0 ? 1u << 6 : 0) |
           ((access & UIOMMU_WRITE) != 0 ? 1u << 7 : 0) | 3u << 8 | 1u << 10;
}

/* A guest's context descriptor: 48 bits in and out, ASID 1. */
static bool guest_root(struct bench *b, struct bench_tables *t, struct uiommu_root *root)
{
    void *cpu;
    uint64_t bus = bench_piece(b, t, &cpu);

    if (bus == 0) {
        return false;
    }
    (void)model_bus_write64(b->world, bus + 8, root->table);
    (void)model_bus_write64(b->world, bus + 24, UINT64_MAX);
    (void)model_bus_write64(b->world, bus, UINT64_C(0x0001E205C0003510));
    root->format = UIOMMU_ROOT_AARCH64_CONTEXT;
    root->table = bus + BENCH_GUEST;
    return true;
}

/* ---- misfortune ---- */

static void overflow(struct bench *b)
{
    model_smmuv3_force_overflow(model_of(b));
    b->irq = true; /* That of the entries which filled the queue. */
}

static void slow_ring(struct bench *b, uint32_t ns)
{
    struct model_smmuv3_knobs knobs;

    model_smmuv3_get_knobs(model_of(b), &knobs);
    knobs.pri_lag_ns = ns;
    model_smmuv3_set_knobs(model_of(b), &knobs);
}

static void hang(struct bench *b, bool on)
{
    struct model_smmuv3_knobs knobs;
    bool was;

    model_smmuv3_get_knobs(model_of(b), &knobs);
    was = knobs.command_hang;
    knobs.command_hang = on;
    model_smmuv3_set_knobs(model_of(b), &knobs);
    if (was && !on) { /* It goes on where it stood. */
        uint32_t prod = model_smmuv3_read32(model_of(b), CMDQ_PROD);

        model_smmuv3_write32(model_of(b), CMDQ_PROD, prod);
    }
}

/* The unit says once that a device did not answer, and claims success when asked again. */
static void lose_invalidations(struct bench *b, uint32_t count)
{
    struct model_smmuv3_knobs knobs;

    model_smmuv3_get_knobs(model_of(b), &knobs);
    knobs.lose_invalidates = count;
    model_smmuv3_set_knobs(model_of(b), &knobs);
}

static void event_flood(struct bench *b, uint32_t count)
{
    /* F_TRANSLATION of a read, not stalled, by a stream that nobody attached. */
    const uint64_t words[4] = {UINT64_C(0x0000777000000010), UINT64_C(0x0000020800000000),
                               UINT64_C(0x1000), 0};

    while (count > 0) {
        count--;
        model_smmuv3_inject_event(model_of(b), words);
    }
}

static void lie(struct bench *b, enum bench_lie kind)
{
    const uint64_t words[4] = {UINT64_C(0x00000208000000ED), 0x1234, 0x5678, 0x9ABC};

    if (kind == BENCH_LIE_UNKNOWN_RECORD) {
        model_smmuv3_inject_event(model_of(b), words);
        return;
    }
    if (kind == BENCH_LIE_EVENT_ABORT || kind == BENCH_LIE_REQUEST_ABORT) {
        model_smmuv3_raise_gerror(model_of(b), kind == BENCH_LIE_EVENT_ABORT ? 1u << 2 : 1u << 3);
        return;
    }
    state_of(b)->lie = kind;
}

/* ---- what a host does besides ---- */

static void power_cycle(struct bench *b)
{
    bench_advance(b, BENCH_MS); /* What was under way is over. */
    model_smmuv3_power_cycle(model_of(b));
    state_of(b)->flip[0] = 0;
    state_of(b)->flip[1] = 0;
}

/* A linear table of 512 entries, none of them valid. */
static void found_enabled(struct bench *b)
{
    b->found_bytes = UINT64_C(64) * 512;
    (void)model_ram_get(b->world, b->found_bytes, b->found_bytes, UINT64_MAX, &b->found);
    model_smmuv3_write64(model_of(b), 0x80, b->found);
    model_smmuv3_write32(model_of(b), 0x88, 9);
    model_smmuv3_write32(model_of(b), 0x28, 0xD75);
    model_smmuv3_write32(model_of(b), 0x2C, 2);
    model_smmuv3_write32(model_of(b), 0x20, 1);
    bench_advance(b, BENCH_MS);
    b->reports = 0;
}

static uint32_t host_command(struct bench *b, enum bench_command kind, uint64_t words[4])
{
    static const uint8_t opcodes[] = {0x30, 0xFF, 0x46, 0x41};

    (void)b;
    words[0] = opcodes[kind];
    return 2;
}

static uint64_t host_commands(struct bench *b)
{
    return model_smmuv3_counts(model_of(b))->commands[0x30];
}

/* ---- inspection ---- */

static uint32_t requests_waiting(struct bench *b)
{
    return model_smmuv3_priq_used(model_of(b)) + model_smmuv3_eventq_used(model_of(b));
}

static uint32_t stalls_owed(struct bench *b)
{
    return model_smmuv3_stalls(model_of(b));
}

static uint64_t answers(struct bench *b)
{
    return model_smmuv3_counts(model_of(b))->responses;
}

static bool reaches(struct bench *b, uint32_t id, uint32_t pasid)
{
    return !model_smmuv3_check_unreachable(model_of(b), id,
                                           pasid == UIOMMU_PASID_NONE ? MODEL_SMMUV3_NONE : pasid);
}

static bool uses_tables(struct bench *b, uint64_t first, uint64_t last)
{
    return !model_smmuv3_check_tables_unused(model_of(b), first, last);
}

const struct bench_vendor bench_smmuv3 = {
    .name = "smmuv3",
    .make = make,
    .create = create,
    .read32 = read32,
    .read64 = read64,
    .write32 = write32,
    .write64 = write64,
    .format = UIOMMU_ROOT_AARCH64,
    .entry_table = entry_table,
    .entry_page = entry_page,
    .second = UIOMMU_ROOT_AARCH64_STAGE2,
    .second_table = second_table,
    .second_page = second_page,
    .guest_root = guest_root,
    .overflow = overflow,
    .hang = hang,
    .slow_ring = slow_ring,
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
