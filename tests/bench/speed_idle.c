/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>

#include "speed_machine.h"

/* A round of service that finds nothing, with as many idle devices as there are IDs; the floor is
 * the same round with one. */

#define MANY 1024u

static struct speed_machine *open_with(const struct speed_row *row, uint32_t devices)
{
    struct speed_machine_config config = {
        .vendor = (enum speed_vendor)row->param[0], .plain = devices - 1, .id_first = 1};

    return speed_machine_open(&config);
}

/* param: vendor, devices */
static void *many_open(const struct speed_row *row)
{
    return open_with(row, (uint32_t)row->param[1]);
}

static void *one_open(const struct speed_row *row)
{
    return open_with(row, 1);
}

static bool idle_round(void *state, struct speed_sample *sample)
{
    struct speed_machine *m = state;
    double from = speed_now_ns();
    uint32_t i;

    for (i = 0; i < MANY; i++) {
        if (uiommu_unit_service(m->unit, 0) != UIOMMU_OK)
            return false;
    }
    sample->ns = speed_now_ns() - from;
    sample->ops = MANY;
    return true;
}

static void idle_close(void *state)
{
    if (!speed_machine_close(state))
        speed_say("the machine did not close");
}

#define ROW(text, vendor)                                                                          \
    {                                                                                              \
        .name = text ": a round without work, 65535 devices, beside 1", .op = "round",             \
        .side = {{many_open, idle_round, idle_close}, {one_open, idle_round, idle_close}},         \
        .goal_ratio = 1.2, .param = {vendor, 65535},                                               \
    }

static const struct speed_row rows[] = {
    ROW("amd", SPEED_AMD),
    ROW("vtd", SPEED_VTD),
    ROW("smmuv3", SPEED_SMMUV3),
};

const struct speed_table speed_idle = {"idle", "Rounds without work beside idle devices", rows,
                                       sizeof(rows) / sizeof(rows[0])};
