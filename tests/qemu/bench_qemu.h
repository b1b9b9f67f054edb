/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BENCH_QEMU_H
#define BENCH_QEMU_H
/*
 * Benches of the conformance suite whose IOMMU is QEMU's, and whose devices do their DMA there:
 * one edu for each ID. What the suite has of a device besides (configuration space, stop) is the
 * model endpoint's as on every bench. The clock is the bench's; QEMU acts at once when written to.
 * No device of QEMU's sends page requests, translation requests or PASIDs.
 */
#include "bench.h"
#include "qtest.h"
#include "suite.h"

#define QEMU_SLOTS     6u
#define QEMU_FUNCTIONS 4u
#define QEMU_EDUS      (QEMU_SLOTS * QEMU_FUNCTIONS)
#define QEMU_FIRST_ID  UINT32_C(0x20) /* Bus 0, device 4, function 0. */

/* What a line of trace says of a translation. */
struct qemu_word {
    bool done;    /* It was translated... */
    uint64_t bus; /* ...to this address. */
    bool fault;   /* It was refused... */
    bool closed;  /* ...before any page table was looked at. */
};

struct qemu_machine {
    const char *system; /* "x86_64" */
    const char *const *args;
    const char *trace;
    uint64_t ram_bytes, ram_offset; /* Of the file; where the bench's part of it lies. */
    uint64_t ecam;                  /* Configuration space; 0: by ports. */
    uint64_t window;                /* Bus addresses for BARs. */
    bool blind;                     /* Faults do not tell who made them. */
    /* false: the line tells of something else. */
    bool (*read_trace)(const char *line, uint64_t iova, struct qemu_word *out);
};

struct qemu {
    const struct qemu_machine *machine;
    struct qtest *q;
    enum bench_lie lie;
};

#define QEMU_MACHINES 4u
void qemu_machines(struct bench_vendor out[QEMU_MACHINES]);

/* Starts the machine; fills b->vendor_state and the features that all have in common. */
bool qemu_make(struct bench *b, const struct qemu_machine *machine);
void qemu_end(void); /* The last machine goes. */
struct qemu *qemu_of(struct bench *b);
/* Run the test until it needs what is not there. */
void qemu_guard(const struct conf_test *test, struct conf *c);

uint32_t qemu_read32(struct bench *b, uint64_t addr);
uint64_t qemu_read64(struct bench *b, uint64_t addr);
void qemu_write32(struct bench *b, uint64_t addr, uint32_t value);
void qemu_write64(struct bench *b, uint64_t addr, uint64_t value);

/* What QEMU cannot do or does not show: all that vendors leave to these. */
void qemu_lacking(struct bench *b); /* Leaves the test that qemu_guard() runs. */
void qemu_overflow(struct bench *b);
void qemu_hang(struct bench *b, bool on);
void qemu_slow_ring(struct bench *b, uint32_t ns);
void qemu_lose(struct bench *b, uint32_t count);
void qemu_lie(struct bench *b, enum bench_lie lie);
void qemu_power_cycle(struct bench *b);
uint32_t qemu_none(struct bench *b);
uint64_t qemu_unseen(struct bench *b);
bool qemu_uses_tables(struct bench *b, uint64_t first, uint64_t last);
/* Real ones: DMA of a device that nobody attached. */
void qemu_event_flood(struct bench *b, uint32_t count);
/* By a DMA that hits no page: who refuses it? */
bool qemu_reaches(struct bench *b, uint32_t id, uint32_t pasid);

#endif
