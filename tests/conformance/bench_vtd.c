/* SPDX-License-Identifier: BSD-2-Clause */
#include <uiommu/vtd.h>

#include "bench.h"
#include "model_vtd.h"

/* The one file of the suite that knows this vendor: a VT-d unit and its model. */

#define REG_BASE       UINT64_C(0xfed90000)
#define DOORBELL       UINT64_C(0xfee00000)
#define FSTS           0x34u
#define FSTS_PPF       0x2u
#define FSTS_FRI       0xFF00u
#define PQT            0xC8u
#define PQA            0xD0u
#define RECORDS        0x220u
#define RECORDS_END    0x2A0u
#define DEVICE_TIMEOUT (2000 * (uint32_t)BENCH_US)

struct state {
    struct model_vtd *model;
    enum bench_lie lie;
    uint64_t pqa;
};

static struct state *state_of(struct bench *b)
{
    return b->vendor_state;
}

static struct model_vtd *model_of(struct bench *b)
{
    return state_of(b)->model;
}

static void on_irq(void *ctx, enum model_vtd_source source)
{
    struct bench *b = ctx;

    (void)source;
    b->irq = true;
}

static bool doorbell(void *ctx, uint64_t address, uint32_t data)
{
    (void)ctx;
    (void)data;
    return address == DOORBELL;
}

/* No queue is smaller than a page; the command queue is to be smaller than what can be asked. */
static uint32_t prq_log2(const struct bench *b)
{
    return b->variant->large ? 9 : 8;
}

static uint32_t queue_log2(const struct bench *b)
{
    return b->variant->large ? 8 : 7;
}

static bool coin(struct bench *b)
{
    return model_choose(b->world, 2) != 0;
}

/* Parts differ: each variant has a seed of its own, and so a part of its own. */
static void part(struct bench *b, struct model_vtd_config *config)
{
    config->cm = coin(b);
    config->esrtps = coin(b);
    config->no_iqercd = coin(b);
    config->dit = coin(b);
    config->psi = coin(b);
    config->nwfs = coin(b);
    config->rps = coin(b);
    config->sms = coin(b);
    config->adms = coin(b);
    config->device_tags = coin(b) ? 16 : 1;
}

/* Where sources disagree, or hardware may do either, each variant has one of both (sheet 21). */
static void doubts(struct bench *b, struct model_vtd_knobs *knobs)
{
    knobs->cm_tag_did0 = coin(b);
    knobs->cm_tag_did = !knobs->cm_tag_did0 || coin(b);
    knobs->waits_unordered = coin(b);
    knobs->type3_unordered = coin(b);
    knobs->ite_aborts_all = coin(b);
    knobs->ite_loses_rest = coin(b);
    knobs->late_is_ice = coin(b);
    knobs->ur_is_silence = coin(b);
    knobs->ppr_alone_clears = coin(b);
    knobs->marker_fault = coin(b);
    knobs->ats_small = coin(b);
    knobs->rid_with_context = coin(b);
    knobs->prefetch = coin(b) ? 100 : 0;
    knobs->over_invalidate = coin(b) ? 100 : 0;
    knobs->evict = coin(b) ? 100 : 0;
}

static bool make(struct bench *b)
{
    const struct bench_variant *v = b->variant;
    struct model_vtd_config config;
    struct model_vtd_knobs knobs;
    struct state *s = model_alloc(b->world, sizeof(*s), 16);

    if (s == NULL) {
        return false;
    }
    b->vendor_state = s;
    model_vtd_defaults(&config);
    config.coherent = v->coherent;
    config.pds = !v->late; /* Else nothing proves that requests have arrived (7.8, 8.1). */
    config.doorbell = doorbell;
    config.ctx = b;
    config.irq = on_irq;
    part(b, &config);
    s->model = model_vtd_create(b->world, b->fabric, &config);
    if (s->model == NULL) {
        return false;
    }
    model_vtd_get_knobs(s->model, &knobs);
    knobs.swallow_markers = !v->markers;
    knobs.device_timeout_ns = DEVICE_TIMEOUT;
    doubts(b, &knobs);
    model_vtd_set_knobs(s->model, &knobs);
    b->features.pri = true;
    b->features.markers = v->markers;
    b->features.isolate = true;
    b->features.proved = config.pds;
    b->features.auto_answers = true;
    b->features.second = config.ssts;
    b->features.nested = config.nest;
    b->features.request_entries = 1u << prq_log2(b);
    b->features.request_room = b->features.request_entries - 1;
    b->features.command_entries = 1u << queue_log2(b);
    b->features.access = UIOMMU_READ | UIOMMU_WRITE;
    return true;
}

static uiommu_err create(struct bench *b, struct uiommu *u, struct uiommu_unit **out)
{
    struct uiommu_vtd_config config;

    memset(&config, 0, sizeof(config));
    config.size = sizeof(config);
    config.unit = b->config;
    config.base = REG_BASE + b->shift;
    config.queue_log2 = queue_log2(b);
    config.prq_log2 = prq_log2(b);
    config.fault.address = config.requests.address = DOORBELL;
    config.poll = !b->variant->irq;
    return uiommu_vtd_create(u, &config, out);
}

/* ---- registers, with lies ---- */

/* Any bits in the newest entry; it stays a page request. */
static void noise(struct bench *b, uint64_t tail)
{
    uint64_t mask = (UINT64_C(32) << prq_log2(b)) - 1;
    uint64_t at = (state_of(b)->pqa & ~UINT64_C(0xFFF)) + ((tail - 32) & mask);
    uint64_t word[2] = {model_random(b->world), model_random(b->world)};

    word[0] = (word[0] & ~UINT64_C(0xFF)) | 1;
    if ((word[1] & 7) == 4) {
        word[0] |= 0x100; /* A marker has a PASID. */
    }
    (void)model_bus_write64(b->world, at, word[0]);
    (void)model_bus_write64(b->world, at + 8, word[1]);
}

/* Each lie is told once; that about records as long as the record is there. */
static uint64_t lied(struct bench *b, uint64_t offset, uint64_t value)
{
    struct state *s = state_of(b);

    if (s->lie == BENCH_LIE_ALL_ONES) {
        return UINT64_MAX;
    }
    if (offset == PQT && s->lie == BENCH_LIE_REQUEST_INDEX && model_vtd_prq_used(s->model) > 0) {
        s->lie = BENCH_LIE_NONE;
        return UINT64_C(32) << prq_log2(b);
    }
    if (offset == PQT && s->lie == BENCH_LIE_REQUEST_NOISE && model_vtd_prq_used(s->model) > 0) {
        s->lie = BENCH_LIE_NONE;
        noise(b, value);
    }
    if (offset == FSTS && s->lie == BENCH_LIE_EVENT_INDEX && (value & FSTS_PPF) != 0) {
        return value | FSTS_FRI;
    }
    return value;
}

static uint32_t read32(struct bench *b, uint64_t addr)
{
    return (uint32_t)lied(b, addr - REG_BASE, model_vtd_read32(model_of(b), addr - REG_BASE));
}

static uint64_t read64(struct bench *b, uint64_t addr)
{
    return lied(b, addr - REG_BASE, model_vtd_read64(model_of(b), addr - REG_BASE));
}

static void write32(struct bench *b, uint64_t addr, uint32_t value)
{
    uint64_t offset = addr - REG_BASE;
    struct state *s = state_of(b);

    if (s->lie == BENCH_LIE_EVENT_INDEX && offset >= RECORDS && offset < RECORDS_END) {
        s->lie = BENCH_LIE_NONE;
    }
    model_vtd_write32(s->model, offset, value);
}

static void write64(struct bench *b, uint64_t addr, uint64_t value)
{
    struct state *s = state_of(b);

    if (addr - REG_BASE == PQA) {
        s->pqa = value;
    }
    model_vtd_write64(s->model, addr - REG_BASE, value);
}

/* ---- misfortune ---- */

static void overflow(struct bench *b)
{
    model_vtd_force_overflow(model_of(b));
    b->irq = true;
}

static void slow_ring(struct bench *b, uint32_t ns)
{
    struct model_vtd_knobs knobs;

    model_vtd_get_knobs(model_of(b), &knobs);
    knobs.ingress_lag_ns = ns;
    knobs.prq_lag_ns = ns;
    model_vtd_set_knobs(model_of(b), &knobs);
}

static void hang(struct bench *b, bool on)
{
    struct model_vtd_knobs knobs;

    model_vtd_get_knobs(model_of(b), &knobs);
    knobs.command_hang = on;
    model_vtd_set_knobs(model_of(b), &knobs);
}

static void lose_invalidations(struct bench *b, uint32_t count)
{
    struct model_vtd_knobs knobs;

    model_vtd_get_knobs(model_of(b), &knobs);
    knobs.lose_invalidates = count;
    model_vtd_set_knobs(model_of(b), &knobs);
}

static void event_flood(struct bench *b, uint32_t count)
{
    for (; count > 0; count--) {
        model_vtd_inject_fault(model_of(b), 0x7777, MODEL_VTD_NONE, 0x1000, 0x71);
    }
}

static void lie(struct bench *b, enum bench_lie kind)
{
    if (kind == BENCH_LIE_UNKNOWN_RECORD) {
        model_vtd_inject_fault(model_of(b), 0x208, MODEL_VTD_NONE, 0x5000, 0xEE);
        return;
    }
    state_of(b)->lie = kind;
}

/* ---- second stage ---- */

static uint64_t second_table(uint64_t bus, uint32_t level)
{
    (void)level;
    return bus | 3;
}

static uint64_t second_page(uint64_t bus, uint32_t access)
{
    return bus | ((access & UIOMMU_READ) != 0 ? 1u : 0) | ((access & UIOMMU_WRITE) != 0 ? 2u : 0);
}

/* ---- what a host does besides ---- */

static void power_cycle(struct bench *b)
{
    bench_advance(b, BENCH_MS); /* What was under way is over. */
    model_vtd_power_cycle(model_of(b));
}

/* Scalable mode, with a root table without entries. */
static void found_enabled(struct bench *b)
{
    b->found_bytes = 4096;
    (void)model_ram_get(b->world, b->found_bytes, 4096, UINT64_MAX, &b->found);
    model_vtd_write64(model_of(b), 0x20, b->found | 1 << 10);
    model_vtd_write32(model_of(b), 0x18, UINT32_C(1) << 30);
    bench_advance(b, BENCH_MS);
    model_vtd_write32(model_of(b), 0x18, UINT32_C(1) << 31);
    bench_advance(b, BENCH_MS);
    b->reports = 0;
}

/* Interrupt entry cache, all; type 0; a wait; a page group response. */
static uint32_t host_command(struct bench *b, enum bench_command kind, uint64_t words[4])
{
    static const uint8_t types[] = {4, 0, 5, 9};

    (void)b;
    words[0] = types[kind];
    return 4;
}

static uint64_t host_commands(struct bench *b)
{
    return model_vtd_counts(model_of(b))->executed[4];
}
/* ---- inspection ---- */

static uint32_t requests_waiting(struct bench *b)
{
    return model_vtd_prq_used(model_of(b));
}

static uint32_t stalls_owed(struct bench *b)
{
    (void)b;
    return 0;
}

static uint64_t answers(struct bench *b)
{
    return model_vtd_counts(model_of(b))->responses;
}

static bool reaches(struct bench *b, uint32_t id, uint32_t pasid)
{
    return !model_vtd_check_unreachable(model_of(b), id,
                                        pasid == UIOMMU_PASID_NONE ? MODEL_VTD_NONE : pasid);
}

static bool uses_tables(struct bench *b, uint64_t first, uint64_t last)
{
    return !model_vtd_check_tables_unused(model_of(b), first, last);
}

const struct bench_vendor bench_vtd = {
    .name = "vtd",
    .skips = bench_skips_vtd,
    .skip_count = &bench_skip_count_vtd,
    .make = make,
    .create = create,
    .read32 = read32,
    .read64 = read64,
    .write32 = write32,
    .write64 = write64,
    .format = UIOMMU_ROOT_X86_64,
    .entry_table = bench_x86_table,
    .entry_page = bench_x86_page,
    .second = UIOMMU_ROOT_X86_64_STAGE2,
    .second_table = second_table,
    .second_page = second_page,
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
