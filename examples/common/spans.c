/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The trace as chrome://tracing and Perfetto read it: JSON, "B" and "E" events. Each device is a
 * process there, and each unit, with a span from when the first of its bonds is to end until the
 * last one is drained. A device's groups lie in lanes, as many as there are groups at once: a span
 * "group" from the first request to the answer, with spans "arriving" and "pending" in it. The
 * steps of its shutdown are spans of a row of their own. Process 0 is the address space.
 */
#include <stdlib.h>

#include "spans.h"

#define LANES    512u
#define SHUTDOWN LANES
#define ROWS     (LANES + 1)

enum part {
    PART_NONE,
    PART_ARRIVING,
    PART_READY,
    PART_PENDING
};

struct row {
    uint64_t last_ns; /* Time does not go back in a row. */
    const char *name; /* Of its open span; groups know their own. */
    bool named;
    bool open;
};

struct process {
    bool named;
    uint32_t ending; /* Of a unit: bonds that are to end and are not drained yet. */
    struct row rows[ROWS];
};

struct group {
    bool open;
    uint32_t process;
    uint32_t lane;
    enum part part;
};

struct spans {
    FILE *file;
    struct spans_config config;
    struct process *processes; /* 0, then one for each unit, then one for each device. */
    uint32_t process_count;
    struct group *groups; /* Of each unit so many. */
    bool any;
};

static const char *const step_name[] = {
    [UIOMMU_STEP_STOP] = "stop device",
    [UIOMMU_STEP_SWEEP] = "sweep",
    [UIOMMU_STEP_D1] = "D1 gate closed",
    [UIOMMU_STEP_D2_CONFIG] = "D2 configuration",
    [UIOMMU_STEP_D2_TLB] = "D2 TLB",
    [UIOMMU_STEP_D2_DEVICE] = "D2 device TLB",
    [UIOMMU_STEP_D3] = "D3 barrier",
    [UIOMMU_STEP_SETTLE] = "settle",
    [UIOMMU_STEP_D4] = "D4 rings",
    [UIOMMU_STEP_D5] = "D5 partials",
    [UIOMMU_STEP_D6] = "D6 nothing in flight",
    [UIOMMU_STEP_REST] = "quarantine",
};
#define STEPS (sizeof(step_name) / sizeof(step_name[0]))

static const char *const code_name[] = {"SUCCESS", "INVALID", "FAILURE", "PENDING", "none"};
#define CODES (sizeof(code_name) / sizeof(code_name[0]))

struct spans *spans_open(FILE *file, const struct spans_config *config)
{
    struct spans *t = calloc(1, sizeof(*t));

    if (t == NULL)
        return NULL;
    t->file = file;
    t->config = *config;
    t->process_count = 1 + config->units + config->devices;
    t->processes = calloc(t->process_count, sizeof(t->processes[0]));
    t->groups = calloc((size_t)config->units * config->slots, sizeof(t->groups[0]));
    if (t->processes == NULL || t->groups == NULL) {
        free(t->processes);
        free(t->groups);
        free(t);
        return NULL;
    }
    (void)fputs("{\"displayTimeUnit\":\"ns\",\"traceEvents\":[", file);
    return t;
}

/* ---- writing ---- */

static void begin(struct spans *t)
{
    (void)fputs(t->any ? ",\n" : "\n", t->file);
    t->any = true;
}

static void write_name(struct spans *t, uint32_t process)
{
    const struct spans_config *c = &t->config;

    if (process == 0)
        (void)fputs("address space", t->file);
    else if (process <= c->units)
        c->unit_name(c->user, process - 1, t->file);
    else
        c->device_name(c->user, process - 1 - c->units, t->file);
}

static void name_process(struct spans *t, uint32_t process)
{
    if (t->processes[process].named)
        return;
    t->processes[process].named = true;
    begin(t);
    (void)fprintf(t->file,
                  "{\"name\":\"process_name\",\"ph\":\"M\",\"pid\":%u,\"args\":{\"name\":\"",
                  process);
    write_name(t, process);
    (void)fputs("\"}}", t->file);
}

static void name_row(struct spans *t, uint32_t process, uint32_t row)
{
    struct row *r = &t->processes[process].rows[row];

    name_process(t, process);
    if (r->named)
        return;
    r->named = true;
    begin(t);
    (void)fprintf(t->file,
                  "{\"name\":\"thread_name\",\"ph\":\"M\",\"pid\":%u,\"tid\":%u,"
                  "\"args\":{\"name\":\"%s\"}}",
                  process, row, row == SHUTDOWN ? "shutdown" : "groups");
}

/* Up to and without the closing brace, so that the caller may add args. */
static void event(struct spans *t, char phase, const char *name, uint32_t process, uint32_t row,
                  uint64_t now_ns)
{
    struct row *r = &t->processes[process].rows[row];

    name_row(t, process, row);
    if (now_ns < r->last_ns)
        now_ns = r->last_ns;
    r->last_ns = now_ns;
    begin(t);
    (void)fprintf(t->file,
                  "{\"name\":\"%s\",\"ph\":\"%c\",\"pid\":%u,\"tid\":%u,\"ts\":%llu.%03llu", name,
                  phase, process, row, (unsigned long long)(now_ns / 1000),
                  (unsigned long long)(now_ns % 1000));
}

static void finish(struct spans *t)
{
    (void)fputc('}', t->file);
}

/* ---- whose it is ---- */

static uint32_t unit_process(uint32_t unit)
{
    return 1 + unit;
}

/* 0: no device that there is. */
static uint32_t process_of(const struct spans *t, uint32_t unit, uint64_t key)
{
    uint32_t device = t->config.device(t->config.user, unit, (uint32_t)(key >> 32));

    return device >= t->config.devices ? 0 : 1 + t->config.units + device;
}

/* ---- groups ---- */

static void part_end(struct spans *t, struct group *g, uint64_t now_ns)
{
    if (g->part == PART_ARRIVING || g->part == PART_PENDING) {
        event(t, 'E', g->part == PART_ARRIVING ? "arriving" : "pending", g->process, g->lane,
              now_ns);
        finish(t);
    }
    g->part = PART_NONE;
}

static void part_begin(struct spans *t, struct group *g, enum part part, uint64_t now_ns)
{
    part_end(t, g, now_ns);
    g->part = part;
    event(t, 'B', part == PART_ARRIVING ? "arriving" : "pending", g->process, g->lane, now_ns);
    finish(t);
}

static void group_end(struct spans *t, struct group *g, uint64_t now_ns, const char *how)
{
    part_end(t, g, now_ns);
    event(t, 'E', "group", g->process, g->lane, now_ns);
    (void)fprintf(t->file, ",\"args\":{\"end\":\"%s\"}", how);
    finish(t);
    t->processes[g->process].rows[g->lane].open = false;
    g->open = false;
}

static void group_begin(struct spans *t, struct group *g, const struct uiommu_trace *r,
                        uint32_t process)
{
    uint32_t lane = 0;

    if (g->open)
        group_end(t, g, r->now_ns, "lost sight of");
    while (lane + 1 < LANES && t->processes[process].rows[lane].open)
        lane++;
    g->open = true;
    g->process = process;
    g->lane = lane;
    t->processes[process].rows[lane].open = true;
    event(t, 'B', "group", process, lane, r->now_ns);
    (void)fprintf(t->file, ",\"args\":{\"group\":\"%u.%u\",\"pasid\":%u,\"index\":%llu}",
                  (uint32_t)(r->a >> 32), (uint32_t)r->a, (uint32_t)r->b, (unsigned long long)r->c);
    finish(t);
}

static void group_record(struct spans *t, const struct uiommu_trace *r, uint32_t unit)
{
    uint32_t process = process_of(t, unit, r->b);
    uint32_t slot = (uint32_t)(r->a >> 32);
    struct group *g;

    if (slot >= t->config.slots || process == 0)
        return;
    g = &t->groups[(size_t)unit * t->config.slots + slot];
    if (r->id == UIOMMU_TRACE_GROUP_OPEN || !g->open) {
        group_begin(t, g, r, process);
        if (r->id == UIOMMU_TRACE_GROUP_OPEN)
            part_begin(t, g, PART_ARRIVING, r->now_ns);
    }
    switch (r->id) {
    case UIOMMU_TRACE_GROUP_READY:
        part_end(t, g, r->now_ns);
        break;
    case UIOMMU_TRACE_GROUP_PENDING:
        part_begin(t, g, PART_PENDING, r->now_ns);
        break;
    case UIOMMU_TRACE_GROUP_ANSWERED:
        group_end(t, g, r->now_ns, code_name[r->d < CODES ? r->d : CODES - 1]);
        break;
    case UIOMMU_TRACE_GROUP_DROPPED:
        group_end(t, g, r->now_ns, "dropped");
        break;
    default:
        break;
    }
}

/* ---- shutdown ---- */

static void row_end(struct spans *t, uint32_t process, uint32_t row, uint64_t now_ns)
{
    if (!t->processes[process].rows[row].open)
        return;
    t->processes[process].rows[row].open = false;
    event(t, 'E', t->processes[process].rows[row].name, process, row, now_ns);
    finish(t);
}

static void row_begin(struct spans *t, uint32_t process, uint32_t row, const char *name,
                      uint64_t round, uint64_t now_ns)
{
    row_end(t, process, row, now_ns);
    t->processes[process].rows[row].open = true;
    t->processes[process].rows[row].name = name;
    event(t, 'B', name, process, row, now_ns);
    (void)fprintf(t->file, ",\"args\":{\"round\":%llu}", (unsigned long long)round);
    finish(t);
}

static void mark(struct spans *t, uint32_t process, uint32_t row, const char *name, uint64_t now_ns)
{
    event(t, 'i', name, process, row, now_ns);
    (void)fputs(",\"s\":\"t\"", t->file);
    finish(t);
}

static bool drained(uint64_t state)
{
    return state == UIOMMU_BOND_QUARANTINE || state == UIOMMU_BOND_POISONED;
}

static void bond_record(struct spans *t, const struct uiommu_trace *r, uint32_t unit,
                        uint32_t process)
{
    uint32_t row = unit_process(unit);

    if (r->d == UIOMMU_BOND_FREE || r->d == UIOMMU_BOND_POISONED)
        row_end(t, process, SHUTDOWN, r->now_ns);
    if (r->c == UIOMMU_BOND_LIVE && !drained(r->d) && t->processes[row].ending++ == 0)
        row_begin(t, row, SHUTDOWN, "ending", 0, r->now_ns);
    if (r->c != UIOMMU_BOND_LIVE && drained(r->d) && t->processes[row].ending > 0 &&
        --t->processes[row].ending == 0)
        row_end(t, row, SHUTDOWN, r->now_ns);
}

/* What a device or a unit has part in. */
static void unit_record(struct spans *t, const struct uiommu_trace *r, uint32_t unit)
{
    uint32_t process = process_of(t, unit, r->b);

    switch (r->id) {
    case UIOMMU_TRACE_STEP:
        row_begin(t, process, SHUTDOWN,
                  r->c < STEPS && step_name[r->c] != NULL ? step_name[r->c] : "step", r->d,
                  r->now_ns);
        break;
    case UIOMMU_TRACE_BOND:
        bond_record(t, r, unit, process);
        break;
    case UIOMMU_TRACE_MARKER:
        mark(t, process, SHUTDOWN, "Stop Marker", r->now_ns);
        break;
    case UIOMMU_TRACE_OVERFLOW:
        mark(t, unit_process(unit), SHUTDOWN, "overflow", r->now_ns);
        break;
    case UIOMMU_TRACE_REFUSED:
        process = process_of(t, unit, r->a);
        if (process != 0)
            mark(t, process, 0, "refused", r->now_ns);
        break;
    default:
        break;
    }
}

void spans_record(struct spans *t, const struct uiommu_trace *r)
{
    uint32_t unit = t->config.unit(t->config.user, r->unit);

    switch (r->id) {
    case UIOMMU_TRACE_GROUP_OPEN:
    case UIOMMU_TRACE_GROUP_READY:
    case UIOMMU_TRACE_GROUP_DISPATCHED:
    case UIOMMU_TRACE_GROUP_PENDING:
    case UIOMMU_TRACE_GROUP_ANSWERED:
    case UIOMMU_TRACE_GROUP_DROPPED:
        if (unit < t->config.units)
            group_record(t, r, unit);
        break;
    case UIOMMU_TRACE_ASPACE:
        if (r->b < 2)
            row_begin(t, 0, SHUTDOWN, r->b == 0 ? "exit" : "reap", 0, r->now_ns);
        else
            row_end(t, 0, SHUTDOWN, r->now_ns);
        break;
    default:
        if (unit < t->config.units)
            unit_record(t, r, unit);
        break;
    }
}

bool spans_close(struct spans *t, uint64_t now_ns)
{
    uint32_t i;
    bool good;

    for (i = 0; i < t->config.units * t->config.slots; i++) {
        if (t->groups[i].open)
            group_end(t, &t->groups[i], now_ns, "end of run");
    }
    for (i = 0; i < t->process_count; i++)
        row_end(t, i, SHUTDOWN, now_ns);
    (void)fputs("\n]}\n", t->file);
    good = ferror(t->file) == 0;
    good = fclose(t->file) == 0 && good;
    free(t->processes);
    free(t->groups);
    free(t);
    return good;
}
