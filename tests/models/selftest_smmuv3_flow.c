/* SPDX-License-Identifier: BSD-2-Clause */
#include "model_endpoint.h"
#include "selftest_smmuv3.h"

/* A device behind the model, and a driver made of raw accesses that does everything right. */

#define DEV   0x210u
#define SEEDS 25u

extern const struct model_selftest model_selftests_smmuv3_flow[];
extern const unsigned model_selftest_count_smmuv3_flow;

struct flow {
    struct bench *b;
    struct model_endpoint *ep;
    uint64_t page;
    uint8_t *cpu;
    uint32_t cons;
    uint32_t served;
    uint8_t buffer[4096];
};

static void unfriendly(struct bench *b)
{
    struct model_smmuv3_knobs knobs;

    model_smmuv3_get_knobs(b->m, &knobs);
    knobs.cons_jump = 700;
    knobs.prefetch = 300;
    knobs.over_invalidate = 100;
    knobs.evict = 100;
    knobs.early_retry = 300;
    knobs.pri_lag_ns = 500;
    knobs.reserved_is_illegal = true;
    knobs.atc_size_illegal = true;
    model_smmuv3_set_knobs(b->m, &knobs);
}

/* STE and CD come alive word by word, as hardware may look at any time. */
static void flow_tables(struct flow *f)
{
    struct bench *b = f->b;
    uint64_t ste = b->strtab + 64 * (uint64_t)DEV;

    put_pte(b, VA, 0);
    put64(b, b->cds + 64 * PASID + 8, b->root);
    put64(b, b->cds + 64 * PASID + 24, 0x44FF04);
    push(b, (uint64_t)DEV << 32 | 6, 0);
    do_sync(b);
    put64(b, b->cds + 64 * PASID, CD_D0);
    push(b, (uint64_t)DEV << 32 | PASID << 12 | 5, 1);
    do_sync(b);
    put64(b, ste + 8, STE_D1);
    push(b, (uint64_t)DEV << 32 | 3, 1);
    do_sync(b);
    put64(b, ste, STE_D0(b));
    push(b, (uint64_t)DEV << 32 | 3, 1);
    do_sync(b);
}

static bool flow_begin(struct flow *f, void *memory, size_t bytes, uint64_t seed)
{
    static const uint32_t ids[1] = {DEV};
    struct model_smmuv3_config config;
    struct model_endpoint_config device;

    memset(f, 0, sizeof(*f));
    model_smmuv3_defaults(&config);
    f->b = bench_create(memory, bytes, seed, &config);
    if (f->b == NULL) {
        return false;
    }
    unfriendly(f->b);
    bench_start(f->b, ALL_ON);
    memset(&device, 0, sizeof(device));
    device.fabric = f->b->fabric;
    device.ids = ids;
    device.id_count = 1;
    device.has_ats = true;
    device.has_pri = true;
    device.has_pasid = true;
    device.pasid_required = true;
    device.sends_markers = true;
    device.pasid_width = 20;
    device.pri_capacity = 8;
    f->ep = model_endpoint_create(f->b->room.world, &device);
    f->cpu = model_ram_get(f->b->room.world, 4096, 4096, UINT64_MAX, &f->page);
    if (f->ep == NULL || f->cpu == NULL) {
        return false;
    }
    flow_tables(f);
    model_endpoint_config_write(f->ep, 0x126, 2, 1);
    model_endpoint_config_write(f->ep, 0x11C, 4, 8);
    model_endpoint_config_write(f->ep, 0x114, 2, 1);
    model_endpoint_config_write(f->ep, 0x106, 2, 0x8000);
    return true;
}

/* The service loop: every Last but a Stop Marker gets one answer. */
static void flow_service(struct flow *f, uint32_t answer)
{
    struct bench *b = f->b;
    uint32_t prod = rd(b, IDX_PRI_PROD) & 31;

    while (f->cons != prod) {
        uint64_t d0 = get64(b, b->priq + 16 * (uint64_t)(f->cons & 15));
        uint64_t d1 = get64(b, b->priq + 16 * (uint64_t)(f->cons & 15) + 8);

        f->cons = (f->cons + 1) & 31;
        wr(b, IDX_PRI_CONS, f->cons);
        if ((d0 >> 60 & 3) == 0 && (d0 >> 62 & 3) == 3) {
            continue; /* A Stop Marker. */
        }
        if (answer == 2) {
            put_pte(b, VA, f->page | PTE_USER_RW);
        }
        if ((d0 >> 62 & 1) != 0) {
            f->served++;
            push(b, (uint64_t)DEV << 32 | (d0 >> 32 & 0xFFFFF) << 12 | 0x841,
                 (d1 & 0x1FF) | answer << 12);
            EXPECT(b, drained(b));
        }
    }
}

static bool flow_run(struct flow *f, int job, uint32_t answer)
{
    struct model_job_status status;
    unsigned i;

    for (i = 0; i < 400; i++) {
        flow_service(f, answer);
        model_endpoint_job(f->ep, job, &status);
        if (status.state != MODEL_JOB_RUNNING) {
            break;
        }
        pass(f->b, 500);
    }
    model_endpoint_job(f->ep, job, &status);
    return status.state == MODEL_JOB_DONE;
}

static int flow_start(struct flow *f, uint32_t access)
{
    struct model_job job;

    memset(&job, 0, sizeof(job));
    job.pasid = PASID;
    job.address = VA;
    job.access = access;
    job.buffer = f->buffer;
    job.bytes = 4096;
    return model_endpoint_start(f->ep, &job);
}

/* Unbind: quiesce, CFGI_CD, TLBI, ATC_INV, each behind a CMD_SYNC of its own; then free. */
static void flow_unbind(struct flow *f, bool tlbi, bool atc)
{
    struct bench *b = f->b;

    put64(b, b->cds + 64 * PASID, UINT64_C(0x00ABC205C0004000));
    push(b, (uint64_t)DEV << 32 | PASID << 12 | 5, 1);
    do_sync(b);
    put_pte(b, VA, 0);
    if (tlbi) {
        tlbi_asid(b, ASID);
    }
    if (atc) {
        push(b, (uint64_t)DEV << 32 | PASID << 12 | 0x840, 0x34);
        do_sync(b);
    }
}

static const char *serves_a_page(void *memory, size_t bytes)
{
    const char *why = NULL;
    uint64_t seed;

    for (seed = 0; seed < SEEDS && why == NULL; seed++) {
        struct flow f;

        if (!flow_begin(&f, memory, bytes, seed)) {
            return "no machine";
        }
        memcpy(f.cpu, "twelve bytes", 12);
        EXPECT(f.b, flow_run(&f, flow_start(&f, MODEL_READ), 2));
        EXPECT(f.b, f.served > 0 && memcmp(f.buffer, "twelve bytes", 12) == 0);
        flow_unbind(&f, true, true);
        EXPECT(f.b, model_smmuv3_check_unreachable(f.b->m, DEV, PASID));
        EXPECT(f.b, model_smmuv3_check_tables_unused(f.b->m, f.b->root, f.b->root + 16383));
        model_ram_put(f.b->room.world, f.page, 4096);
        model_ram_put(f.b->room.world, f.b->root, 16384);
        EXPECT(f.b, !flow_run(&f, flow_start(&f, MODEL_READ), 1));
        why = selftest_end(&f.b->room);
    }
    return why;
}

static const char *marker_is_not_answered(void *memory, size_t bytes)
{
    const char *why = NULL;
    uint64_t seed;

    for (seed = 0; seed < SEEDS && why == NULL; seed++) {
        struct model_endpoint_counts counts;
        struct flow f;

        if (!flow_begin(&f, memory, bytes, seed)) {
            return "no machine";
        }
        EXPECT(f.b, flow_run(&f, flow_start(&f, MODEL_WRITE), 2));
        model_endpoint_stop(f.ep, PASID);
        settle(f.b);
        flow_service(&f, 2);
        settle(f.b);
        model_endpoint_get_counts(f.ep, &counts);
        EXPECT(f.b, counts.markers == 1 && counts.marker_answers == 0 && counts.unexpected == 0);
        EXPECT(f.b, model_smmuv3_counts(f.b->m)->markers_queued == 1);
        why = selftest_end(&f.b->room);
    }
    return why;
}

/* A step left out, and the page given back: somebody must notice, sooner or later. */
static const char *forgotten(void *memory, size_t bytes, bool tlbi, bool atc)
{
    bool noticed = false;
    uint64_t seed;

    for (seed = 0; seed < SEEDS && !noticed; seed++) {
        struct flow f;

        if (!flow_begin(&f, memory, bytes, seed)) {
            return "no machine";
        }
        EXPECT(f.b, flow_run(&f, flow_start(&f, MODEL_READ), 2));
        flow_unbind(&f, tlbi, atc);
        model_ram_put(f.b->room.world, f.page, 4096);
        flow_run(&f, flow_start(&f, MODEL_READ), 1);
        noticed = f.b->room.reports > 0 && selftest_same(f.b->room.rule, "ram.use-after-free");
        f.b->room.reports = 0;
        selftest_kept.reports = 0;
        if (selftest_end(&f.b->room) != NULL) {
            return "the flow itself";
        }
    }
    return noticed ? NULL : "nobody noticed";
}

static const char *tlbi_forgotten(void *memory, size_t bytes)
{
    return forgotten(memory, bytes, false, true);
}

static const char *atc_inv_forgotten(void *memory, size_t bytes)
{
    return forgotten(memory, bytes, true, false);
}

const struct model_selftest model_selftests_smmuv3_flow[] = {
    {"serves_a_page", serves_a_page},
    {"marker_is_not_answered", marker_is_not_answered},
    {"tlbi_forgotten", tlbi_forgotten},
    {"atc_inv_forgotten", atc_inv_forgotten},
};
const unsigned model_selftest_count_smmuv3_flow =
    sizeof(model_selftests_smmuv3_flow) / sizeof(model_selftests_smmuv3_flow[0]);
