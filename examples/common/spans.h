/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef EXAMPLE_SPANS_H
#define EXAMPLE_SPANS_H
/* Trace records as spans in a file for chrome://tracing and Perfetto; see spans.c. */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "uiommu/uiommu.h"

#define SPANS_NONE UINT32_MAX

struct spans;

/* Units and devices are numbered from 0 here. */
struct spans_config {
    void *user;
    uint32_t units, devices;
    uint32_t slots;                                /* Groups a unit can have at once. */
    uint32_t (*unit)(void *user, uint32_t number); /* By number in records, or SPANS_NONE. */
    uint32_t (*device)(void *user, uint32_t unit, uint32_t id); /* or SPANS_NONE */
    void (*unit_name)(void *user, uint32_t unit, FILE *file);
    void (*device_name)(void *user, uint32_t device, FILE *file);
};

/* The file is its own from then on. NULL: no memory. */
struct spans *spans_open(FILE *file, const struct spans_config *config);
void spans_record(struct spans *t, const struct uiommu_trace *record);
/* Close every span, and the file. false: it could not be written. */
bool spans_close(struct spans *t, uint64_t now_ns);

#endif
