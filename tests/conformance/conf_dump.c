/* SPDX-License-Identifier: BSD-2-Clause */
#include "conf_themes.h"

/* A unit as text: what a person would look for is in it. */

struct lines {
    uint32_t count;
    uint32_t longest;
    uint32_t words;      /* Table words and registers: lines that begin with two spaces. */
    const char *want[4]; /* Beginnings of lines, */
    uint32_t seen[4];    /* and how often each came. */
};

static bool begins(const char *text, const char *with)
{
    while (*with != '\0') {
        if (*text++ != *with++) {
            return false;
        }
    }
    return true;
}

static void take(void *ctx, const char *text)
{
    struct lines *lines = ctx;
    uint32_t i, length = 0;

    while (text[length] != '\0') {
        length++;
    }
    lines->count++;
    lines->longest = length > lines->longest ? length : lines->longest;
    lines->words += begins(text, "  ");
    for (i = 0; i < 4; i++) {
        lines->seen[i] += lines->want[i] != NULL && begins(text, lines->want[i]);
    }
}

static struct lines dump(struct conf *c, uint32_t id, uint32_t pasid)
{
    struct lines lines = {.want = {"unit ", "ring", "device id=", "bond state="}};
    struct uiommu_sink sink = {&lines, take};

    CHECK(c, uiommu_unit_dump(c->b.unit, id, pasid, &sink) == UIOMMU_OK);
    CHECK(c, lines.longest != 0 && lines.longest < 160);
    CHECK(c, lines.seen[0] == 1 && lines.seen[1] >= 1);
    return lines;
}

static void live_bond(struct conf *c)
{
    struct lines registers, walk, other;
    struct conf_flow f;

    if (!conf_flow_up(c, &f)) {
        return;
    }
    registers = dump(c, UINT32_MAX, UIOMMU_PASID_NONE);
    CHECK(c, registers.words >= 8 && registers.seen[2] == 0 && registers.seen[3] == 0);
    walk = dump(c, f.d->id, f.pasid);
    CHECK(c, walk.seen[2] == 1 && walk.seen[3] == 1);
    CHECK(c, walk.words >= registers.words + 2); /* Device entry and PASID entry, at least. */
    other = dump(c, f.d->id, f.pasid + 1);
    CHECK(c, other.seen[2] == 1 && other.seen[3] == 0);
    other = dump(c, f.d->id + 1, f.pasid);
    CHECK(c, other.seen[2] == 0 && other.seen[3] == 0);
}

/* Also while a shutdown is half way, and with nonsense for a PASID. */
static void any_time(struct conf *c)
{
    struct conf_flow f;

    if (!conf_flow_up(c, &f)) {
        return;
    }
    CHECK(c, uiommu_unbind_begin(c->b.u, f.bond, UIOMMU_UNBIND_STOPPED) == UIOMMU_OK);
    CHECK(c, dump(c, f.d->id, f.pasid).seen[3] == 1);
    CHECK(c, dump(c, f.d->id, UINT32_MAX - 5).count > 4);
    CHECK(c, dump(c, UINT32_MAX - 5, f.pasid).seen[2] == 0);
    CHECK(c, conf_unbind(c, f.bond, UIOMMU_UNBIND_STOPPED) == UIOMMU_OK);
}

static void no_sink(struct conf *c)
{
    struct uiommu_sink sink = {NULL, NULL};

    if (!conf_up(c)) {
        return;
    }
    CHECK(c, uiommu_unit_dump(NULL, 0, 0, &sink) == UIOMMU_E_HANDLE);
    CHECK(c, uiommu_unit_dump(c->b.unit, 0, 0, NULL) == UIOMMU_E_INVALID);
    CHECK(c, uiommu_unit_dump(c->b.unit, 0, 0, &sink) == UIOMMU_E_INVALID);
}

static const struct conf_test tests[] = {
    {"dump: registers, rings, and the walk of a live bond", live_bond},
    {"dump: at any time, for any number", any_time},
    {"dump: nowhere to write to", no_sink},
};
const struct conf_theme conf_dump_theme = {"dump", tests, sizeof(tests) / sizeof(tests[0])};
