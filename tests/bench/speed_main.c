/* SPDX-License-Identifier: BSD-2-Clause */
#include <getopt.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "speed.h"

/* Options, the tables on the terminal, the same as JSON. */

static const char usage_text[] =
    "usage: speed [-l] [-k TEXT] [-r RUNS] [-t SECONDS] [-j FILE]\n"
    "       speed -o SIDE -k TEXT [-n ROUNDS]\n"
    "\n"
    "Measures the library beside a floor, the least work that does the same job, in turns.\n"
    "\n"
    "  -l          list the rows, and run nothing\n"
    "  -k TEXT     only rows whose name contains TEXT; or is TEXT, if there is such a row\n"
    "  -r RUNS     each opens both sides anew; 5\n"
    "  -t SECONDS  a run's, for a row; 0.3\n"
    "  -j FILE     write all figures there as JSON\n"
    "  -o SIDE     library or floor alone, without measuring: for callgrind and perf\n"
    "  -n ROUNDS   of -o; 100\n"
    "\n"
    "Exit code: 0 measured, 1 a row was wrong or could not run, 2 wrong usage. What misses its\n"
    "goal is marked, and is no error.\n";

/* clang-format off */
static const struct speed_table *const tables[] = {
    &speed_pasid,
    &speed_requests,
    &speed_scale,
    &speed_polled,
    &speed_map,
    &speed_commands,
    &speed_shutdown,
    &speed_memory,
    &speed_cores,
    &speed_idle,
    &speed_flood,
};
/* clang-format on */
#define TABLES (sizeof(tables) / sizeof(tables[0]))

struct settings {
    const char *text, *json, *only;
    struct speed_options options;
    uint32_t rounds;
    bool list, exact;
};

static void print_head(const struct speed_table *table)
{
    printf("\n%s\n%-52s %28s %24s %7s  %s\n", table->title, "ns per operation",
           "library best/median/runs", "floor best/median", "ratio", "goal");
}

static void print_row(const struct speed_row *row, const struct speed_result *r)
{
    const struct speed_side_result *l = &r->side[SPEED_LIBRARY], *f = &r->side[SPEED_FLOOR];
    char floor[64] = "-", ratio[32] = "-", goal[64] = "-";
    bool missed = (row->goal_ns > 0 && l->best > row->goal_ns) ||
                  (row->goal_ratio > 0 && f->rounds != 0 && r->ratio > row->goal_ratio);

    if (f->rounds != 0) {
        snprintf(floor, sizeof(floor), "%.1f / %.1f%s", f->best, f->median,
                 row->floor_ns > 0 && f->best > 1.4 * row->floor_ns ? " (no floor)" : "");
        snprintf(ratio, sizeof(ratio), "%.2f", r->ratio);
    }
    if (row->goal_ns > 0 && row->goal_ratio > 0)
        snprintf(goal, sizeof(goal), "<= %g, <= %gx", row->goal_ns, row->goal_ratio);
    else if (row->goal_ns > 0)
        snprintf(goal, sizeof(goal), "<= %g", row->goal_ns);
    else if (row->goal_ratio > 0)
        snprintf(goal, sizeof(goal), "<= %gx", row->goal_ratio);
    printf("%-52s %9.1f /%6.1f /%5.1f-%-5.1f %22s %7s  %s%s\n", row->name, l->best, l->median,
           l->run_low, l->run_high, floor, ratio, goal, missed ? "  MISSED" : "");
    if (l->ops == l->rounds) /* Rounds are requests. */
        printf("%-52s %9.0f /%6.0f %20.0f / %.0f\n", "      p90 / p99", l->p90, l->p99, f->p90,
               f->p99);
}

static struct json_object *side_json(const struct speed_side_result *r)
{
    struct json_object *o = json_object_new_object();

    json_object_object_add(o, "best", json_object_new_double(r->best));
    json_object_object_add(o, "median", json_object_new_double(r->median));
    json_object_object_add(o, "p90", json_object_new_double(r->p90));
    json_object_object_add(o, "p99", json_object_new_double(r->p99));
    json_object_object_add(o, "worst", json_object_new_double(r->worst));
    json_object_object_add(o, "run_low", json_object_new_double(r->run_low));
    json_object_object_add(o, "run_high", json_object_new_double(r->run_high));
    json_object_object_add(o, "operations", json_object_new_int64((int64_t)r->ops));
    json_object_object_add(o, "rounds", json_object_new_int64((int64_t)r->rounds));
    json_object_object_add(o, "mmio_writes", json_object_new_double(r->mmio_writes));
    json_object_object_add(o, "mmio_reads", json_object_new_double(r->mmio_reads));
    json_object_object_add(o, "allocations", json_object_new_double(r->allocations));
    return o;
}

static struct json_object *row_json(const struct speed_table *table, const struct speed_row *row,
                                    const struct speed_result *r)
{
    struct json_object *o = json_object_new_object(), *params = json_object_new_array();
    size_t i;

    for (i = 0; i < sizeof(row->param) / sizeof(row->param[0]); i++)
        json_object_array_add(params, json_object_new_int64((int64_t)row->param[i]));
    json_object_object_add(o, "table", json_object_new_string(table->name));
    json_object_object_add(o, "title", json_object_new_string(table->title));
    json_object_object_add(o, "name", json_object_new_string(row->name));
    json_object_object_add(o, "op", json_object_new_string(row->op));
    json_object_object_add(o, "goal_ns", json_object_new_double(row->goal_ns));
    json_object_object_add(o, "goal_ratio", json_object_new_double(row->goal_ratio));
    json_object_object_add(o, "floor_ns", json_object_new_double(row->floor_ns));
    json_object_object_add(o, "params", params);
    json_object_object_add(o, "right", json_object_new_boolean(r->right));
    if (!r->right)
        return o;
    json_object_object_add(o, "library", side_json(&r->side[SPEED_LIBRARY]));
    if (r->side[SPEED_FLOOR].rounds != 0) {
        json_object_object_add(o, "floor", side_json(&r->side[SPEED_FLOOR]));
        json_object_object_add(o, "ratio", json_object_new_double(r->ratio));
    }
    return o;
}

static bool row_wanted(const struct settings *s, const struct speed_row *row)
{
    return s->text == NULL ||
           (s->exact ? strcmp(row->name, s->text) == 0 : strstr(row->name, s->text) != NULL);
}

/* Whether a row has just this name. */
static bool is_a_name(const char *text)
{
    size_t t, i;

    for (t = 0; text != NULL && t < TABLES; t++) {
        for (i = 0; i < tables[t]->rows; i++) {
            if (strcmp(tables[t]->row[i].name, text) == 0)
                return true;
        }
    }
    return false;
}

/* Failures. */
static int each_row(const struct settings *s, const struct speed_table *table,
                    struct json_object *all)
{
    struct speed_result result;
    bool head = false;
    int failed = 0;
    size_t i;

    for (i = 0; i < table->rows; i++) {
        const struct speed_row *row = &table->row[i];

        if (!row_wanted(s, row))
            continue;
        if (s->list) {
            printf("%s\n", row->name);
            continue;
        }
        if (!head)
            print_head(table);
        head = true;
        fprintf(stderr, "  ... %s\r", row->name);
        fflush(stderr);
        speed_measure(row, &s->options, &result);
        if (!result.right) {
            printf("%-52s FAILED\n", row->name);
            failed++;
        } else
            print_row(row, &result);
        fflush(stdout);
        json_object_array_add(all, row_json(table, row, &result));
    }
    return failed;
}

/* Rows alone. */
static int once(const struct settings *s)
{
    enum speed_side side;
    int failed = 0, ran = 0;
    size_t t, i;

    if (strcmp(s->only, "library") != 0 && strcmp(s->only, "floor") != 0)
        return 2;
    side = s->only[0] == 'l' ? SPEED_LIBRARY : SPEED_FLOOR;
    for (t = 0; t < TABLES; t++) {
        for (i = 0; i < tables[t]->rows; i++) {
            if (!row_wanted(s, &tables[t]->row[i]))
                continue;
            ran++;
            failed += !speed_once(&tables[t]->row[i], side, s->rounds);
        }
    }
    return failed != 0 || ran == 0;
}

static bool options(int argc, char **argv, struct settings *s)
{
    int c;

    memset(s, 0, sizeof(*s));
    s->options = (struct speed_options){5, 0.3, 5};
    s->rounds = 100;
    while ((c = getopt(argc, argv, "lk:r:t:j:o:n:h")) != -1) {
        switch (c) {
        case 'l':
            s->list = true;
            break;
        case 'k':
            s->text = optarg;
            break;
        case 'r':
            s->options.runs = (uint32_t)strtoul(optarg, NULL, 0);
            break;
        case 't':
            s->options.seconds = strtod(optarg, NULL);
            break;
        case 'j':
            s->json = optarg;
            break;
        case 'o':
            s->only = optarg;
            break;
        case 'n':
            s->rounds = (uint32_t)strtoul(optarg, NULL, 0);
            break;
        case 'h':
            fputs(usage_text, stdout);
            exit(0);
        default:
            return false;
        }
    }
    s->exact = is_a_name(s->text);
    return optind == argc && s->options.runs != 0;
}

int main(int argc, char **argv)
{
    struct json_object *all = json_object_new_array();
    struct settings s;
    int failed = 0;
    size_t t;

    if (!options(argc, argv, &s)) {
        fputs(usage_text, stderr);
        return 2;
    }
    if (s.only != NULL)
        failed = once(&s);
    else {
        for (t = 0; t < TABLES; t++)
            failed += each_row(&s, tables[t], all);
    }
    if (s.json != NULL && json_object_to_file_ext(s.json, all, JSON_C_TO_STRING_PRETTY) != 0) {
        fprintf(stderr, "cannot write %s\n", s.json);
        failed++;
    }
    json_object_put(all);
    return failed == 0 ? 0 : failed == 2 && s.only != NULL ? 2 : 1;
}
