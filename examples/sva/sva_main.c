/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sva.h"

#define RAM_LEAST (UINT64_C(24) << 20)
#define SAID_MOST 10u

void sva_fail(struct sva *s, const char *format, ...)
{
    char line[sizeof(s->verdict)];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    if (s->failures == 0)
        memcpy(s->verdict, line, sizeof(line));
    if (s->failures++ < (s->disk_failed ? 1u : SAID_MOST))
        (void)fprintf(stderr, "%suiommu-sva: %s\n", s->show_progress ? "\n" : "", line);
}

/* FILE, OUT or the disk is to blame, not the run: said once, and it ends with 2. */
void sva_disk_fail(struct sva *s, const char *path, const char *why)
{
    if (s->disk_failed)
        return;
    s->disk_failed = true;
    sva_fail(s, "%s: %s", path, why);
}

/* splitmix64, apart from the models' choices. */
uint32_t sva_choose(struct sva *s, uint32_t n)
{
    uint64_t z;

    s->random += UINT64_C(0x9e3779b97f4a7c15);
    z = s->random;
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    z ^= z >> 31;
    return (uint32_t)(((z >> 32) * n) >> 32);
}

static uint32_t log2_of(uint32_t n)
{
    uint32_t bits = 0;

    while (n >> (bits + 1) != 0)
        bits++;
    return bits;
}

static bool machine_open(struct sva *s)
{
    uint64_t slots = (uint64_t)s->o.devices * SVA_JOBS;
    struct sva_machine_config config;
    uint32_t pages = s->o.block_bytes / SVA_PAGE;
    uint64_t i;

    memset(&config, 0, sizeof(config));
    config.backends = s->o.backends;
    config.backend_count = s->o.backend_count;
    config.seed = s->o.seed;
    config.queue_log2 = log2_of(s->o.queue_entries);
    config.ram_bytes = RAM_LEAST * s->o.backend_count + 2 * slots * SVA_SIDES * s->o.block_bytes;
    s->machine = sva_machine_create(&config);
    s->engines = calloc(s->o.devices, sizeof(s->engines[0]));
    s->units = calloc(s->o.backend_count, sizeof(s->units[0]));
    if (s->machine == NULL || s->engines == NULL || s->units == NULL)
        return false;
    s->unit_count = s->o.backend_count;
    for (i = 0; i < s->unit_count; i++) {
        s->units[i].sva = s;
        s->units[i].iommu = &s->machine->iommus[i];
    }
    for (i = 0; i < s->o.devices; i++) {
        s->engines[i].sva = s;
        s->engines[i].number = (uint32_t)i;
        s->engines[i].unit = &s->units[i % s->unit_count];
        s->engines[i].unit->devices++;
    }
    for (i = 0; i < slots; i++) {
        struct sva_engine *e = &s->engines[i / SVA_JOBS];
        struct sva_slot *slot = &e->slots[i % SVA_JOBS];

        slot->engine = e;
        slot->number = (uint32_t)i;
        slot->buffer = malloc(s->o.block_bytes);
        slot->page[SVA_SOURCE] = calloc(pages, sizeof(struct sva_page));
        slot->page[SVA_TARGET] = calloc(pages, sizeof(struct sva_page));
        if (slot->buffer == NULL || slot->page[SVA_SOURCE] == NULL ||
            slot->page[SVA_TARGET] == NULL)
            return false;
    }
    return true;
}

static void machine_close(struct sva *s)
{
    uint32_t i;

    for (i = 0; s->engines != NULL && i < s->o.devices * SVA_JOBS; i++) {
        struct sva_slot *slot = &s->engines[i / SVA_JOBS].slots[i % SVA_JOBS];

        free(slot->buffer);
        free(slot->page[SVA_SOURCE]);
        free(slot->page[SVA_TARGET]);
    }
    free(s->engines);
    free(s->units);
    sva_machine_destroy(s->machine);
}

/* Everything that can be refused comes before OUT is touched. */
static int set_up(struct sva *s)
{
    FILE *trace;
    int code = sva_input_open(s);

    if (code == 0)
        code = sva_input_trace(s, &trace);
    if (code != 0)
        return code;
    if (!machine_open(s)) {
        (void)fprintf(stderr, "uiommu-sva: no memory for a machine of that size\n");
        return 2;
    }
    if (trace != NULL) {
        s->trace = sva_trace_open(trace, s);
        if (s->trace == NULL) {
            (void)fprintf(stderr, "uiommu-sva: no memory for the trace\n");
            return 2;
        }
    }
    code = sva_embed_open(s);
    return code != 0 ? code : sva_input_prepare(s);
}

static void give_up(struct sva *s)
{
    if (s->machine != NULL && s->engines != NULL && s->units != NULL)
        sva_close_early(s);
    if (s->trace != NULL)
        (void)spans_close(s->trace, 0);
    sva_input_undo(s);
    sva_input_close(s);
    machine_close(s);
}

/* Behind each unit all must have gone well, and an early end must have met what it is for. */
static void judge_unit(struct sva *s, const struct sva_unit *v)
{
    const struct sva_found *f = &v->found;
    const char *name = v->iommu->backend->name;

    if (v->counters.overflows != 0)
        sva_fail(s, "the page request queue of %s overflowed", name);
    else if (v->counts.orphans != 0)
        sva_fail(s, "%llu groups of %s were taken from the handler",
                 (unsigned long long)v->counts.orphans, name);
    else if ((s->o.kill_at != 0 || s->o.unbind_at != 0) &&
             (f->in_ring == 0 || f->partial == 0 || f->pending == 0))
        sva_fail(s,
                 "not exercised: %u in the ring of %s, %u partial, %u pending; wants one of each",
                 f->in_ring, name, f->partial, f->pending);
}

static void judge(struct sva *s)
{
    bool partly = s->o.kill_at != 0 ||
                  (s->o.unbind_at != 0 && (s->o.unbind == 0 || s->o.unbind >= s->o.devices));
    uint32_t i;

    if (s->failures == 0)
        sva_input_verify(s);
    if (s->failures == 0 && !partly && s->done != s->blocks)
        sva_fail(s, "not every block was copied");
    for (i = 0; i < s->unit_count && s->failures == 0; i++)
        judge_unit(s, &s->units[i]);
}

static void verdict(const struct sva *s)
{
    if (s->disk_failed)
        return; /* there is nothing to judge */
    if (s->failures > 0)
        (void)printf("verdict: FAILED: %s\n", s->verdict);
    else if (s->o.kill_at != 0)
        (void)printf("verdict: good: the address space died; every block is FILE's or untouched\n");
    else if (s->done != s->blocks)
        (void)printf("verdict: good: unbound; every block is FILE's or untouched\n");
    else
        (void)printf("verdict: good: OUT equals FILE\n");
}

static int run(struct sva *s)
{
    int code;

    s->file = s->out = -1;
    code = set_up(s);
    if (code != 0) {
        give_up(s);
        return code;
    }
    sva_run(s);
    if (s->trace != NULL && !spans_close(s->trace, model_now(s->machine->world)))
        sva_disk_fail(s, s->o.trace, "cannot be written");
    judge(s);
    sva_input_close(s);
    if (!s->o.quiet && !s->disk_failed)
        sva_report(s);
    verdict(s);
    if (fflush(stdout) != 0)
        sva_fail(s, "standard output cannot be written");
    machine_close(s);
    if (s->disk_failed)
        return 2;
    return s->failures > 0 ? 1 : 0;
}

int main(int argc, char **argv)
{
    struct sva *s = calloc(1, sizeof(*s));
    int code;

    if (s == NULL || uv_loop_init(&s->loop) != 0) {
        (void)fprintf(stderr, "uiommu-sva: no memory\n");
        free(s);
        return 2;
    }
    code = sva_options_parse(&s->o, argc, argv);
    if (code != 0) {
        (void)uv_loop_close(&s->loop);
        free(s);
        return code - 1;
    }
    s->random = ~s->o.seed;
    s->show_progress = !s->o.quiet && isatty(STDERR_FILENO) != 0;
    code = run(s);
    (void)uv_loop_close(&s->loop);
    free(s);
    return code;
}
