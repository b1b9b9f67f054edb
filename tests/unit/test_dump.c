/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit_scene.h"

/* Lines for people: what a backend describes too much of, and what the log keeps to itself. */

static char lines[600][161];
static uint32_t count, items;
static bool kicks;

static void keep(void *ctx, const char *line)
{
    (void)ctx;
    cr_assert_lt(strlen(line), sizeof(lines[0]) - 1);
    if (count < 600)
        memcpy(lines[count++], line, strlen(line) + 1);
    if (kicks)
        uiommu_unit_kick(unit);
    kicks = false;
}

static const struct uiommu_sink sink = {NULL, keep};

static uiommu_err describe(void *hw, uint32_t id, uint32_t pasid, uint64_t *cursor,
                           struct uiommu_item *out)
{
    static char name[300];
    uint32_t i;

    (void)hw;
    (void)id;
    (void)pasid;
    memset(name, 'n', sizeof(name) - 1);
    for (i = 0; i < 8; i++)
        out->word[i] = i + 1;
    out->name = *cursor == 0 ? "wide" : name;
    out->words = *cursor == 0 ? 9 : 1;
    out->address = *cursor == 1 ? 0x40 : 0;
    return (*cursor)++ < items ? UIOMMU_OK : UIOMMU_E_NOT_FOUND;
}

static void begin(void)
{
    struct uiommu_backend_ops ops = toy_ops;

    ops.describe = describe;
    memset(&scene, 0, sizeof(scene));
    toy_begin();
    scene_set(&ops);
    count = 0;
    items = 3;
    kicks = false;
}

TestSuite(dump, .init = begin, .fini = scene_end);

Test(dump, what_does_not_fit)
{
    cr_assert_eq(uiommu_unit_dump(unit, UINT32_MAX, 0, &sink), UIOMMU_OK);
    cr_assert_eq(count, 2 + 3);
    cr_assert_str_eq(lines[2], "  wide: 0x1 0x2 0x3 0x4 0x5 0x6 0x7 0x8");
    cr_assert_eq(strlen(lines[3]), 159);
    cr_assert_eq(strlen(lines[4]), 159);
}

/* A description without end is cut. */
Test(dump, without_end)
{
    items = UINT32_MAX;
    cr_assert_eq(uiommu_unit_dump(unit, UINT32_MAX, 0, &sink), UIOMMU_OK);
    cr_assert_eq(count, 2 + 512);
}

/* Hardware is asked in a started unit only; the core's own lines come always. */
Test(dump, not_started)
{
    uiommu_word_store(&unit->started, 0);
    cr_assert_eq(uiommu_unit_dump(unit, 8, scene.pasid, &sink), UIOMMU_OK);
    uiommu_word_store(&unit->started, 1);
    cr_assert_eq(count, 2 + 2);
    cr_assert_eq(strncmp(lines[3], "bond state=", 11), 0);
}

/* R21: service became due meanwhile; and who holds the role for long is not waited for. */
Test(dump, role)
{
    serve();
    cr_assert_eq(uiommu_word_load(&unit->due_now), 0);
    kicks = true;
    cr_assert_eq(uiommu_unit_dump(unit, UINT32_MAX, 0, &sink), UIOMMU_OK);
    cr_assert_eq(uiommu_word_load(&unit->due_now), 1);
    count = 0;
    cr_assert(uiommu_role_take(unit));
    host.tick_ns = 10000000;
    cr_assert_eq(uiommu_unit_dump(unit, UINT32_MAX, 0, &sink), UIOMMU_E_TIMEOUT);
    (void)uiommu_role_drop(unit);
    cr_assert_eq(count, 0);
}

/* At most 16 lines a second. */
Test(dump, log)
{
    uint32_t i;

    host.now_ns += UINT64_C(2000000000);
    host.logs = 0;
    for (i = 0; i < 100; i++)
        uiommu_log(unit, UIOMMU_LOG_WARN, "again");
    cr_assert_eq(host.logs, 16);
    host.now_ns += UINT64_C(1000000000);
    uiommu_log(unit, UIOMMU_LOG_WARN, "again");
    cr_assert_eq(host.logs, 17);
}
