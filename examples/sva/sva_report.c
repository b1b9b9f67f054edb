/* SPDX-License-Identifier: BSD-2-Clause */
/* The table: a column for each unit, where there are several, and the sum of them. */
#include "sva.h"

#define NAME_WIDTH 30

enum {
    DEVICES,
    CREDITS,
    BLOCKS,
    PAGES_IN,
    PAGES_OUT,
    SENT,
    RECEIVED,
    GROUPS,
    PENDING,
    SUCCESS,
    INVALID,
    FAILURE,
    AUTOMATIC,
    UNANSWERED,
    LATE_ANSWERS,
    MARKERS_SENT,
    MARKERS,
    OVERFLOWS,
    LATE,
    OLD_LIFE,
    EVENTS,
    ROWS
};

static const char *const row_name[ROWS] = {
    [DEVICES] = "devices",
    [CREDITS] = "credits granted",
    [BLOCKS] = "blocks copied",
    [PAGES_IN] = "source pages mapped",
    [PAGES_OUT] = "target pages mapped",
    [SENT] = "requests sent",
    [RECEIVED] = "requests received",
    [GROUPS] = "groups",
    [PENDING] = "groups left pending",
    [SUCCESS] = "answers SUCCESS",
    [INVALID] = "answers INVALID",
    [FAILURE] = "answers FAILURE",
    [AUTOMATIC] = "answers by hardware",
    [UNANSWERED] = "requests, groups unanswered",
    [LATE_ANSWERS] = "answers that came too late",
    [MARKERS_SENT] = "Stop Markers sent",
    [MARKERS] = "Stop Markers received",
    [OVERFLOWS] = "overflows",
    [LATE] = "late requests",
    [OLD_LIFE] = "requests of an earlier life",
    [EVENTS] = "events",
};

static void name(const char *text)
{
    (void)printf("  %-*s", NAME_WIDTH, text);
}

static void number(uint64_t value)
{
    (void)printf("%16llu", (unsigned long long)value);
}

static void blank(void)
{
    (void)printf("%16s", "");
}

static void time_us(uint64_t ns)
{
    (void)printf("%9llu.%03llu us", (unsigned long long)(ns / 1000),
                 (unsigned long long)(ns % 1000));
}

static void end(void)
{
    (void)putchar('\n');
}

static void row(const struct sva *s, const char *text, const uint64_t *values)
{
    uint64_t sum = 0;
    uint32_t i;

    name(text);
    for (i = 0; i < s->unit_count; i++) {
        sum += values[i];
        if (s->unit_count > 1)
            number(values[i]);
    }
    number(sum);
    end();
}

/* What is of the whole, not of a unit. */
static void whole(const struct sva *s, const char *text)
{
    uint32_t i;

    name(text);
    for (i = 0; i < s->unit_count && s->unit_count > 1; i++)
        blank();
}

static void row_whole(const struct sva *s, const char *text, uint64_t value)
{
    whole(s, text);
    number(value);
    end();
}

static void row_time(const struct sva *s, const char *text, uint64_t ns)
{
    whole(s, text);
    time_us(ns);
    end();
}

static void heading(const struct sva *s)
{
    uint32_t i;

    name(s->unit_count > 1 ? "one address space, units" : "unit");
    for (i = 0; i < s->unit_count; i++)
        (void)printf("%16s", s->units[i].iommu->backend->name);
    if (s->unit_count > 1)
        (void)printf("%16s", "all");
    end();
    row_whole(s, "PASID", s->pasid);
}

static void of_unit(const struct sva *s, const struct sva_unit *v, uint64_t *row_of)
{
    const struct uiommu_unit_counters *k = &v->counters;
    const struct sva_counts *c = &v->counts;
    uint64_t got[ROWS] = {
        [DEVICES] = v->devices,     [BLOCKS] = c->blocks,       [PAGES_IN] = c->pages_in,
        [PAGES_OUT] = c->pages_out, [RECEIVED] = k->requests,   [GROUPS] = k->groups,
        [PENDING] = c->pending,     [SUCCESS] = k->success,     [INVALID] = k->invalid,
        [FAILURE] = k->failure,     [UNANSWERED] = k->dropped,  [LATE_ANSWERS] = c->late_answers,
        [MARKERS] = k->markers,     [OVERFLOWS] = k->overflows, [LATE] = k->late,
        [OLD_LIFE] = k->old_life,   [EVENTS] = c->events,
    };
    uint32_t i;

    for (i = 0; i < s->o.devices; i++) {
        struct model_endpoint_counts counts;

        if (s->engines[i].unit != v)
            continue;
        model_endpoint_get_counts(s->engines[i].ep, &counts);
        got[SENT] += counts.requests;
        got[MARKERS_SENT] += counts.markers;
        got[AUTOMATIC] += counts.automatic;
        got[CREDITS] += s->engines[i].credits;
    }
    for (i = 0; i < ROWS; i++)
        row_of[i * SVA_UNITS_MOST + (uint32_t)(v - s->units)] = got[i];
}

static void report_work(const struct sva *s)
{
    uint64_t values[ROWS][SVA_UNITS_MOST] = {{0}};
    uint32_t i;

    for (i = 0; i < s->unit_count; i++)
        of_unit(s, &s->units[i], &values[0][0]);
    for (i = 0; i < ROWS; i++) {
        row(s, row_name[i], values[i]);
        if (i == BLOCKS)
            row_whole(s, "blocks in all", s->blocks);
    }
    row_whole(s, "range invalidations", s->invalidations);
}

static void report_moment(const struct sva *s)
{
    uint64_t values[4][SVA_UNITS_MOST] = {{0}};
    uint32_t i;

    for (i = 0; i < s->unit_count; i++) {
        const struct sva_found *f = &s->units[i].found;

        values[0][i] = f->in_ring;
        values[1][i] = f->partial;
        values[2][i] = f->pending;
        values[3][i] = f->blocks;
    }
    (void)printf("  when %s:\n", s->o.kill_at != 0 ? "the address space died" : "unbound");
    row(s, "  entries in the ring", values[0]);
    row(s, "  partial groups", values[1]);
    row(s, "  pending groups", values[2]);
    row(s, "  blocks written", values[3]);
}

/* Until the last bond was drained; of all units that is the slowest one's. */
static void report_drain(const struct sva *s, bool wall)
{
    uint64_t start = wall ? s->moment.wall_start_ns : s->moment.start_ns;
    uint64_t most = start;
    uint32_t i;

    name(wall ? "drain time, wall" : "drain time, virtual");
    for (i = 0; i < s->unit_count; i++) {
        uint64_t over = wall ? s->units[i].found.wall_end_ns : s->units[i].found.end_ns;

        most = over > most ? over : most;
        if (s->unit_count > 1 && over < start)
            (void)printf("%16s", "none");
        else if (s->unit_count > 1)
            time_us(over - start);
    }
    time_us(most - start);
    end();
}

void sva_report(struct sva *s)
{
    heading(s);
    report_work(s);
    if (s->moment.reached)
        report_moment(s);
    if (s->moment.over) {
        report_drain(s, false);
        report_drain(s, true);
    }
    row_time(s, "run time, virtual", model_now(s->machine->world));
    row_time(s, "run time, wall", uv_hrtime() - s->started_ns);
}
