/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef QTEST_H
#define QTEST_H
/*
 * A machine of QEMU's without a guest: its registers by the qtest protocol, its clock under our
 * control, its memory a file that we map. What QEMU says of itself (-trace) is read as it comes.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct qtest;

struct qtest_config {
    const char *program;     /* qemu-system-... */
    const char *const *args; /* Machine and devices; NULL ends. */
    const char *trace;       /* Patterns, by commas. */
    uint64_t ram_bytes;      /* All of it is the file; sparse. */
};

/* NULL, and why on stderr. */
struct qtest *qtest_start(const struct qtest_config *config);
void qtest_stop(struct qtest *q);
/* The same machine, switched off and on: all but its memory is lost. */
bool qtest_again(struct qtest *q);
/* Map bytes of the memory at offset over what is at to. */
bool qtest_map(struct qtest *q, uint64_t offset, void *to, size_t bytes);

/* QEMU gone: reads give all ones, and qtest_alive() is false. */
uint32_t qtest_read32(struct qtest *q, uint64_t addr);
uint64_t qtest_read64(struct qtest *q, uint64_t addr);
void qtest_write32(struct qtest *q, uint64_t addr, uint32_t value);
void qtest_write64(struct qtest *q, uint64_t addr, uint64_t value);
void qtest_out32(struct qtest *q, uint32_t port, uint32_t value);
uint32_t qtest_in32(struct qtest *q, uint32_t port);
void qtest_clock(struct qtest *q, uint64_t ns);
bool qtest_alive(const struct qtest *q);

/* The next whole line of trace since the last call, without time and newline; NULL: no more. */
const char *qtest_trace(struct qtest *q);

#endif
