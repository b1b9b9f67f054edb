/* SPDX-License-Identifier: BSD-2-Clause */
#include <inttypes.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench_qemu.h"

/* The part that all vendors have in common: the machine, its PCI devices, their DMA. */

#define EDU_BAR     0x100000u
#define EDU_BUFFER  UINT64_C(0x40000) /* In the device's own addresses, 4096 bytes... */
#define EDU_READ    UINT64_C(0x40800) /* ...the upper half for what is read. */
#define EDU_SOURCE  0x80u
#define EDU_TARGET  0x88u
#define EDU_COUNT   0x90u
#define EDU_COMMAND 0x98u
#define EDU_START   1u
#define EDU_TO_RAM  2u
#define EDU_NS      UINT64_C(200000000) /* A transfer takes half of it. */
#define FILLED      2048u
#define NOWHERE     UINT64_C(0x5555000) /* No test maps anything here. */

/* One machine at a time; the next bench ends it. */
static struct qemu current;

struct qemu *qemu_of(struct bench *b)
{
    return b->vendor_state;
}

void qemu_end(void)
{
    if (current.q != NULL) {
        qtest_stop(current.q);
        current.q = NULL;
    }
}

static jmp_buf out_of_test;
static bool in_test;

void qemu_guard(const struct conf_test *test, struct conf *c)
{
    if (setjmp(out_of_test) == 0) {
        in_test = true;
        test->run(c);
    }
    in_test = false;
}

void qemu_lacking(struct bench *b)
{
    (void)b;
    if (in_test) {
        longjmp(out_of_test, 1);
    }
}

/* ---- PCI ---- */

static uint32_t id_of(uint32_t edu)
{
    return QEMU_FIRST_ID + 8 * (edu / QEMU_FUNCTIONS) + edu % QEMU_FUNCTIONS;
}

static uint32_t edu_of(uint32_t id)
{
    uint32_t slot = (id - QEMU_FIRST_ID) / 8, function = id % 8;

    return id < QEMU_FIRST_ID || slot >= QEMU_SLOTS || function >= QEMU_FUNCTIONS
               ? QEMU_EDUS
               : slot * QEMU_FUNCTIONS + function;
}

static void config_write(struct qemu *s, uint32_t id, uint32_t offset, uint32_t value)
{
    if (s->machine->ecam != 0) {
        qtest_write32(s->q, s->machine->ecam + ((uint64_t)id << 12) + offset, value);
        return;
    }
    qtest_out32(s->q, 0xCF8, UINT32_C(1) << 31 | id << 8 | offset);
    qtest_out32(s->q, 0xCFC, value);
}

static uint64_t edu_base(const struct qemu *s, uint32_t edu)
{
    return s->machine->window + (uint64_t)edu * EDU_BAR;
}

static void edu_start(struct qemu *s, uint32_t edu, uint64_t from, uint64_t to, uint32_t bytes,
                      uint64_t command)
{
    uint64_t base = edu_base(s, edu);

    qtest_write64(s->q, base + EDU_SOURCE, from);
    qtest_write64(s->q, base + EDU_TARGET, to);
    qtest_write64(s->q, base + EDU_COUNT, bytes);
    qtest_write64(s->q, base + EDU_COMMAND, command);
}

/* What a device writes is what it read while nothing was translated yet. */
static bool devices_up(struct qemu *s, const uint8_t *ram)
{
    uint32_t i;

    (void)ram;
    for (i = 0; i < QEMU_EDUS; i++) {
        config_write(s, id_of(i), 0x10, (uint32_t)edu_base(s, i));
        config_write(s, id_of(i), 0x04, 0x6); /* Memory, bus master. */
        if (qtest_read32(s->q, edu_base(s, i)) != UINT32_C(0x010000ED)) {
            fprintf(stderr, "bench_qemu: no edu at %#x\n", id_of(i));
            return false;
        }
        edu_start(s, i, BENCH_RAM_BASE, EDU_BUFFER, FILLED, EDU_START);
    }
    qtest_clock(s->q, EDU_NS);
    return qtest_alive(s->q);
}

/* ---- the machine ---- */

static bool start(struct qemu *s)
{
    const char *folder = getenv("UIOMMU_QEMU");
    static char program[256], edu[QEMU_EDUS][96];
    static const char *args[2 * QEMU_EDUS + 24];
    struct qtest_config config;
    uint32_t i, n = 0;

    snprintf(program, sizeof(program), "%s%sqemu-system-%s", folder != NULL ? folder : "",
             folder != NULL ? "/" : "", s->machine->system);
    while (s->machine->args[n] != NULL) {
        args[n] = s->machine->args[n];
        n++;
    }
    for (i = 0; i < QEMU_EDUS; i++) {
        snprintf(edu[i], sizeof(edu[i]), "edu,addr=%02x.%x,multifunction=on,dma_mask=%#" PRIx64,
                 QEMU_FIRST_ID / 8 + i / QEMU_FUNCTIONS, i % QEMU_FUNCTIONS, UINT64_MAX);
        args[n++] = "-device";
        args[n++] = edu[i];
    }
    args[n] = NULL;
    config.program = program;
    config.args = args;
    config.trace = s->machine->trace;
    config.ram_bytes = s->machine->ram_bytes;
    s->q = qtest_start(&config);
    return s->q != NULL;
}

static enum model_dma_result dma(void *iommu, const struct model_dma *what);
static void translate(void *iommu, const struct model_translate *want,
                      struct model_translation *got);
static void page_request(void *iommu, const struct model_page_request *request);
static void invalidate_done(void *iommu, uint64_t tag, enum model_invalidate_result result);

static const struct model_iommu_ops link_ops = {dma, translate, page_request, invalidate_done};

bool qemu_make(struct bench *b, const struct qemu_machine *machine)
{
    struct qemu *s = &current;
    uint64_t base;
    bool again;
    uint8_t *ram;
    uint32_t i;

    if (b->first != NULL) {
        bench_lack(b, "a machine of QEMU's has one unit here");
        return false;
    }
    again = s->q != NULL && s->machine == machine && qtest_again(s->q);
    if (!again) {
        qemu_end();
    }
    s->machine = machine;
    s->lie = BENCH_LIE_NONE;
    b->vendor_state = s;
    ram = model_ram_get(b->world, 4096, 4096, UINT64_MAX, &base); /* The first page. */
    model_ram_put(b->world, base, 4096);
    if ((!again && !start(s)) || !qtest_map(s->q, machine->ram_offset, ram, BENCH_RAM)) {
        return false;
    }
    for (i = 0; i < FILLED; i++) {
        ram[i] = (uint8_t)(0x80 | i * 5);
    }
    if (!devices_up(s, ram)) {
        return false;
    }
    memset(ram, 0, FILLED);
    model_fabric_attach_iommu(b->fabric, &link_ops, b);
    b->features.first_id = QEMU_FIRST_ID;
    b->features.untagged = true;
    b->features.unseen = true;
    b->features.dma_costs = true;
    b->features.isolate = true;
    b->features.proved = true; /* What cannot come cannot come late. */
    return true;
}

void qemu_power_cycle(struct bench *b)
{
    struct qemu *s = qemu_of(b);

    if (!qtest_again(s->q) || !devices_up(s, NULL)) {
        fprintf(stderr, "bench_qemu: not up again\n");
    }
}

/* ---- registers ---- */

/* Fallen off the bus; or the test is skipped already, and nobody wants to know more. */
static bool all_ones(struct bench *b)
{
    return b->lacks != NULL || qemu_of(b)->lie == BENCH_LIE_ALL_ONES;
}

uint32_t qemu_read32(struct bench *b, uint64_t addr)
{
    model_tick(b->world);
    return all_ones(b) ? UINT32_MAX : qtest_read32(qemu_of(b)->q, addr);
}

uint64_t qemu_read64(struct bench *b, uint64_t addr)
{
    model_tick(b->world);
    return all_ones(b) ? UINT64_MAX : qtest_read64(qemu_of(b)->q, addr);
}

void qemu_write32(struct bench *b, uint64_t addr, uint32_t value)
{
    model_tick(b->world);
    if (!all_ones(b)) {
        qtest_write32(qemu_of(b)->q, addr, value);
    }
}

void qemu_write64(struct bench *b, uint64_t addr, uint64_t value)
{
    model_tick(b->world);
    if (!all_ones(b)) {
        qtest_write64(qemu_of(b)->q, addr, value);
    }
}

/* ---- DMA ---- */

/* One transfer, and what QEMU says of it. */
static struct qemu_word transfer(struct qemu *s, uint32_t edu, uint64_t iova, uint32_t bytes,
                                 bool write)
{
    struct qemu_word word = {0}, one;
    const char *line;

    while (qtest_trace(s->q) != NULL) {
    }
    if (write) {
        edu_start(s, edu, EDU_BUFFER, iova, bytes, EDU_START | EDU_TO_RAM);
    } else {
        edu_start(s, edu, iova, EDU_READ, bytes, EDU_START);
    }
    qtest_clock(s->q, EDU_NS);
    while ((line = qtest_trace(s->q)) != NULL) {
        if (getenv("UIOMMU_QEMU_TRACE") != NULL) {
            fprintf(stderr, "%#x %#" PRIx64 ": %s\n", id_of(edu), iova, line);
        }
        memset(&one, 0, sizeof(one));
        if (!s->machine->read_trace(line, iova, &one)) {
            continue;
        }
        if (one.done && !word.done) {
            word.bus = one.bus;
        }
        word.done |= one.done;
        word.fault |= one.fault;
        word.closed |= one.closed;
    }
    return word;
}

/*
 * QEMU decides whether and where; its device has moved bytes of its own, so what the suite's
 * device wanted to write replaces them, where QEMU's really are.
 */
static enum model_dma_result land(struct bench *b, const struct model_dma *what,
                                  const struct qemu_word *word)
{
    uint8_t *at = model_ram_cpu(b->world, word->bus, what->bytes);
    uint32_t i;

    if (word->fault || !word->done) {
        return MODEL_DMA_ABORTED;
    }
    if (at == NULL) {
        model_report(b->world, "qemu.elsewhere", "DMA ended outside of the memory", what->address,
                     word->bus);
        return MODEL_DMA_ABORTED;
    }
    if ((what->access & MODEL_WRITE) == 0) {
        memcpy(what->data, at, what->bytes);
        return MODEL_DMA_OK;
    }
    for (i = 0; i < what->bytes; i++) {
        if (at[i] != (uint8_t)(0x80 | i * 5)) {
            model_report(b->world, "qemu.not-there", "DMA that was translated wrote nothing",
                         what->address, word->bus);
            return MODEL_DMA_ABORTED;
        }
    }
    memcpy(at, what->data, what->bytes);
    return MODEL_DMA_OK;
}

static enum model_dma_result dma(void *iommu, const struct model_dma *what)
{
    struct bench *b = iommu;
    uint32_t edu = edu_of(what->id);
    struct qemu_word word;
    uint8_t before[FILLED];
    const uint8_t *same;

    if (b->lacks != NULL) {
        return MODEL_DMA_ABORTED;
    }
    if (what->has_pasid || what->translated) {
        bench_lack(b, "no device of QEMU's sends PASIDs or translated addresses");
        return MODEL_DMA_ABORTED;
    }
    if (edu == QEMU_EDUS || what->bytes > FILLED) {
        bench_lack(b, "this machine has no device of that ID");
        return MODEL_DMA_ABORTED;
    }
    same = model_ram_cpu(b->world, what->address, what->bytes);
    if (same != NULL) {
        memcpy(before, same, what->bytes);
    }
    word = transfer(qemu_of(b), edu, what->address, what->bytes, (what->access & MODEL_WRITE) != 0);
    if (same != NULL && !word.done && memcmp(before, same, what->bytes) != 0) {
        /* Not a word in the trace: it went past the IOMMU. */
        word.done = true;
        word.bus = what->address;
    }
    b->irq |= word.fault; /* What the interrupt would say. */
    return land(b, what, &word);
}

static void translate(void *iommu, const struct model_translate *want,
                      struct model_translation *got)
{
    (void)want;
    memset(got, 0, sizeof(*got));
    got->status = MODEL_TRANSLATE_UNSUPPORTED;
    bench_lack(iommu, "no device of QEMU's asks for translations");
}

static void page_request(void *iommu, const struct model_page_request *request)
{
    (void)request;
    bench_lack(iommu, "no device of QEMU's sends page requests");
}

static void invalidate_done(void *iommu, uint64_t tag, enum model_invalidate_result result)
{
    (void)iommu;
    (void)tag;
    (void)result;
}

/* ---- misfortune, and what QEMU does not do ---- */

void qemu_overflow(struct bench *b)
{
    bench_lack(b, "QEMU's request queue gets nothing");
}

void qemu_hang(struct bench *b, bool on)
{
    if (on) {
        bench_lack(b, "QEMU's commands cannot be made to hang");
    }
}

void qemu_slow_ring(struct bench *b, uint32_t ns)
{
    if (ns > 0) {
        bench_lack(b, "QEMU's request queue gets nothing");
    }
}

void qemu_lose(struct bench *b, uint32_t count)
{
    if (count > 0) {
        bench_lack(b, "devices of QEMU's have no translation cache");
    }
}

void qemu_lie(struct bench *b, enum bench_lie lie)
{
    if (lie != BENCH_LIE_NONE && lie != BENCH_LIE_ALL_ONES) {
        bench_lack(b, "QEMU does not lie about its queues");
        return;
    }
    qemu_of(b)->lie = lie;
}

void qemu_event_flood(struct bench *b, uint32_t count)
{
    uint32_t i;

    for (i = 0; i < count; i++) {
        b->irq |= transfer(qemu_of(b), QEMU_EDUS - 1, NOWHERE, 4, true).fault;
    }
}

/* ---- inspection ---- */

uint32_t qemu_none(struct bench *b)
{
    (void)b;
    return 0;
}

uint64_t qemu_unseen(struct bench *b)
{
    bench_lack(b, "QEMU does not count that");
    return 0;
}

/* It cannot be asked: DMA is what tells. */
bool qemu_uses_tables(struct bench *b, uint64_t first, uint64_t last)
{
    (void)b;
    (void)first;
    (void)last;
    return false;
}

bool qemu_reaches(struct bench *b, uint32_t id, uint32_t pasid)
{
    uint32_t edu = edu_of(id);
    struct qemu_word word;

    if (b->lacks != NULL || pasid != UIOMMU_PASID_NONE || edu == QEMU_EDUS) {
        bench_lack(b, "no device of QEMU's sends PASIDs");
        return false;
    }
    word = transfer(qemu_of(b), edu, NOWHERE, 4, false);
    b->irq |= word.fault;
    if (qemu_of(b)->machine->blind && word.fault) {
        return false; /* Who refused it is not said: only what passes is known. */
    }
    return word.done || (word.fault && !word.closed);
}
