/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "speed_machine.h"

/* From a page request in the ring to its answer in the command ring. */

static void *library_open(const struct speed_row *row)
{
    struct speed_machine_config config = {
        .vendor = (enum speed_vendor)row->param[0], .devices = 1, .credits = 256};
    struct speed_machine *m = speed_machine_open(&config);

    if (m != NULL)
        m->at_once = false;
    return m;
}

static bool library_round(void *state, struct speed_sample *sample)
{
    struct speed_machine *m = state;
    double from;
    uint32_t i;

    for (i = 0; i < 256; i++)
        speed_machine_ask(m, 0, 0, i, i * UINT64_C(4096), true);
    speed_machine_show(m);
    from = speed_now_ns();
    if (!speed_machine_serve(m))
        return false;
    sample->ns = speed_now_ns() - from;
    sample->ops = 256;
    return speed_machine_check(m);
}

static void library_close(void *state)
{
    (void)speed_machine_close(state);
}

static const struct speed_row rows[] = {
    {
        .name = "amd: 1 page, 1 device, 1 PASID",
        .op = "request",
        .side = {{library_open, library_round, library_close}},
        .goal_ns = 15,
        .goal_ratio = 2.5,
        .floor_ns = 4.6,
        .param = {SPEED_AMD},
    },
    {
        .name = "vtd: 1 page, 1 device, 1 PASID",
        .op = "request",
        .side = {{library_open, library_round, library_close}},
        .goal_ns = 17,
        .goal_ratio = 2.5,
        .floor_ns = 5.8,
        .param = {SPEED_VTD},
    },
    {
        .name = "smmuv3: 1 page, 1 device, 1 PASID",
        .op = "request",
        .side = {{library_open, library_round, library_close}},
        .goal_ns = 15,
        .goal_ratio = 2.5,
        .floor_ns = 4.6,
        .param = {SPEED_SMMUV3},
    },
};

const struct speed_table speed_requests = {"requests", "Page request: ring entry, handler, answer",
                                           rows, sizeof(rows) / sizeof(rows[0])};
