/* SPDX-License-Identifier: BSD-2-Clause */
#include "sva.h"

static void row(const char *name, uint64_t value)
{
    (void)printf("  %-28s %14llu\n", name, (unsigned long long)value);
}

static void row_time(const char *name, uint64_t ns)
{
    (void)printf("  %-28s %10llu.%03llu us\n", name, (unsigned long long)(ns / 1000),
                 (unsigned long long)(ns % 1000));
}

static void report_work(const struct sva *s)
{
    uint32_t i, markers = 0, credits = 0;
    uint64_t requests = 0;

    for (i = 0; i < s->o.devices; i++) {
        struct model_endpoint_counts counts;

        model_endpoint_get_counts(s->engines[i].ep, &counts);
        requests += counts.requests;
        markers += (uint32_t)counts.markers;
        credits += s->engines[i].credits;
    }
    row("devices", s->o.devices);
    row("credits granted", credits);
    row("blocks copied", s->counts.blocks);
    row("blocks in all", s->blocks);
    row("source pages mapped", s->counts.pages_in);
    row("target pages mapped", s->counts.pages_out);
    row("requests sent", requests);
    row("requests received", s->counters.requests);
    row("groups", s->counters.groups);
    row("groups left pending", s->counts.pending);
    row("answers SUCCESS", s->counters.success);
    row("answers INVALID", s->counters.invalid);
    row("answers FAILURE", s->counters.failure);
    row("requests, groups unanswered", s->counters.dropped);
    row("answers that came too late", s->counts.late_answers);
    row("Stop Markers sent", markers);
    row("Stop Markers received", s->counters.markers);
    row("overflows", s->counters.overflows);
    row("late requests", s->counters.late);
    row("requests of an earlier life", s->counters.old_life);
    row("range invalidations", s->counts.invalidations);
    row("events", s->counts.events);
}

void sva_report(struct sva *s)
{
    const struct sva_moment *m = &s->moment;

    report_work(s);
    if (m->reached) {
        (void)printf("  when %s:\n", s->o.kill_at != 0 ? "the address space died" : "unbound");
        row("  entries in the ring", m->in_ring);
        row("  partial groups", m->partial);
        row("  pending groups", m->pending);
        row("  blocks written", m->blocks);
    }
    if (m->over) {
        row_time("drain time, virtual", m->end_ns - m->start_ns);
        row_time("drain time, wall", m->wall_end_ns - m->wall_start_ns);
    }
    row_time("run time, virtual", model_now(s->machine->world));
    row_time("run time, wall", uv_hrtime() - s->started_ns);
}
