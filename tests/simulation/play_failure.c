/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "play_report.h"
#include "spans.h"

/* A failing run: its schedule in a file, with fewer choices, and as spans. */

#define SHOWN 12u /* Choices that are printed. */

static const char *const kinds[SIM_KINDS] = {"runs", "interrupt", "load", "fault"};

/* ---- the schedule as a file ---- */

bool play_schedule_write(const char *path, const struct play_case *what, const char *rule,
                         const struct sim_choice *choices, uint32_t count)
{
    FILE *file = fopen(path, "w");
    uint32_t i;
    bool good;

    if (file == NULL) {
        return false;
    }
    fprintf(file, "# simulate --schedule: what is not named is the quiet choice; failed by %s\n",
            rule);
    fprintf(file, "backend %s\nseed %llu\nfates 0x%x\nharsh %d\nguard %s\n", what->machine,
            (unsigned long long)what->plan.seed, what->plan.fates, what->plan.harsh,
            what->guard == NULL ? "-" : what->guard);
    for (i = 0; i < count; i++) {
        fprintf(file, "%s %llu %u\n", kinds[choices[i].kind % SIM_KINDS],
                (unsigned long long)choices[i].at, choices[i].pick);
    }
    good = ferror(file) == 0;
    return fclose(file) == 0 && good;
}

static bool head(struct play_schedule *out, const char *word, const char *value)
{
    char *end = NULL;
    unsigned long long number = strtoull(value, &end, 0);
    bool good = end != value && *end == '\0';

    if (strcmp(word, "backend") == 0 || strcmp(word, "guard") == 0) {
        char *to = word[0] == 'b' ? out->machine : out->guard;

        (void)snprintf(to, sizeof(out->machine), "%s", value);
        return true;
    }
    if (strcmp(word, "seed") == 0) {
        out->seed = number;
    } else if (strcmp(word, "fates") == 0) {
        out->fates = (uint32_t)number;
    } else {
        out->harsh = number != 0;
        good &= strcmp(word, "harsh") == 0;
    }
    return good;
}

static bool add(struct play_schedule *out, uint32_t kind, uint64_t at, uint32_t pick)
{
    struct sim_choice *more = out->choices;
    const struct sim_choice *last = out->count == 0 ? NULL : &more[out->count - 1];

    if (last != NULL && (kind < last->kind || (kind == last->kind && at <= last->at))) {
        return false; /* They are sorted. */
    }
    if ((out->count & (out->count - 1)) == 0) {
        more = realloc(more, (out->count == 0 ? 1 : 2 * (size_t)out->count) * sizeof(*more));
        if (more == NULL) {
            return false;
        }
        out->choices = more;
    }
    more[out->count].kind = kind;
    more[out->count].at = at;
    more[out->count].pick = pick;
    out->count++;
    return true;
}

bool play_schedule_read(const char *path, struct play_schedule *out)
{
    char line[256], word[32], value[64];
    unsigned long long at;
    unsigned pick;
    FILE *file = fopen(path, "r");
    bool good = file != NULL;
    uint32_t kind;

    memset(out, 0, sizeof(*out));
    while (good && fgets(line, sizeof(line), file) != NULL) {
        if (line[0] == '#') {
            continue;
        }
        if (sscanf(line, "%31s %llu %u", word, &at, &pick) == 3) {
            for (kind = 0; kind < SIM_KINDS && strcmp(kinds[kind], word) != 0; kind++) {
            }
            good = kind < SIM_KINDS && add(out, kind, at, pick);
        } else {
            good = sscanf(line, "%31s %63s", word, value) == 2 && head(out, word, value);
        }
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    return good && out->machine[0] != '\0';
}

/* ---- spans ---- */

static struct spans *spans;
static char seen_as[PLAY_UNITS + PLAY_DEVICES][64]; /* The machine may be gone when they end. */
static uint64_t last_ns;

static uint32_t span_unit(void *user, uint32_t number)
{
    const struct play *p = user;
    uint32_t i;

    for (i = 0; i < p->plan.units && p->unit[i].number != number; i++) {
    }
    return i < p->plan.units ? i : SPANS_NONE;
}

static uint32_t span_device(void *user, uint32_t unit, uint32_t id)
{
    const struct play *p = user;
    uint32_t i, k;

    for (i = 0; i < p->devices; i++) {
        for (k = 0; k < p->dev[i].id_count; k++) {
            if (p->dev[i].b == p->unit[unit].b && p->dev[i].ids[k] == id) {
                (void)snprintf(seen_as[PLAY_UNITS + i], sizeof(seen_as[0]),
                               "device %u (ID 0x%04x behind %s)", i, p->dev[i].ids[0],
                               p->dev[i].b->vendor->name);
                return i;
            }
        }
    }
    return SPANS_NONE;
}

static void span_unit_name(void *user, uint32_t unit, FILE *file)
{
    const struct play *p = user;

    fprintf(file, "unit %s", p->plan.vendor[unit]->name);
}

static void span_device_name(void *user, uint32_t device, FILE *file)
{
    (void)user;
    fputs(seen_as[PLAY_UNITS + device], file);
}

bool play_spans_open(const char *path, struct play *p, uint32_t units)
{
    const struct spans_config config = {p,         units,       PLAY_DEVICES,   PLAY_GROUPS,
                                        span_unit, span_device, span_unit_name, span_device_name};
    FILE *file = fopen(path, "w");

    spans = file == NULL ? NULL : spans_open(file, &config);
    last_ns = 0;
    return spans != NULL;
}

void play_spans_record(const struct uiommu_trace *record)
{
    if (spans != NULL) {
        last_ns = record->now_ns;
        spans_record(spans, record);
    }
}

bool play_spans_close(void)
{
    bool good = spans_close(spans, last_ns);

    spans = NULL;
    return good;
}

/* ---- what is printed ---- */

/* The first failure of its kind? */
bool play_rule_is_new(const char *rule, const char *text)
{
    static char seen[64][48];
    static uint32_t count;
    char key[48];
    uint32_t i;

    (void)snprintf(key, sizeof(key), "%s %.40s", rule, text);
    for (i = 0; i < count; i++) {
        if (strncmp(seen[i], key, 16) == 0) {
            return false;
        }
    }
    if (count < sizeof(seen) / sizeof(seen[0])) {
        memcpy(seen[count++], key, sizeof(key));
    }
    return true;
}

void play_choices_print(const struct sim_choice *choices, uint32_t count)
{
    uint32_t of[SIM_KINDS] = {0}, i;

    for (i = 0; i < count; i++) {
        of[choices[i].kind % SIM_KINDS]++;
    }
    printf("  choices left: %u who runs, %u interrupts, %u of the load, %u faults\n", of[SIM_SCHED],
           of[SIM_IRQ], of[SIM_LOAD], of[SIM_FAULT]);
    for (i = 0; i < count && i < SHOWN; i++) {
        printf("    %s %llu: %u\n", kinds[choices[i].kind % SIM_KINDS],
               (unsigned long long)choices[i].at, choices[i].pick);
    }
    if (count > SHOWN) {
        printf("    and %u more, all in the file\n", count - SHOWN);
    }
}
