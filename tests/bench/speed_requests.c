/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>
#include <string.h>

#include "speed_floor.h"

/*
 * From a page request in the ring to its answer in the command ring, by one thread. A round fills
 * the ring, serves it, and looks at the answers; only the service is timed. Commands are taken out
 * of their ring between rounds.
 */

#define ID_FIRST 8u
#define MANY     512u /* requests of a round, where one device asks: as many as it has indices */

struct plan {
    enum speed_vendor vendor;
    uint32_t plain, devices, bonds, pages, turns;
    uint32_t groups;                     /* a round */
    const struct speed_machine *machine; /* whose PASIDs; NULL: from 1 on */
    uint32_t *order;                     /* devices */
    uint64_t random;
    struct speed_ask *ask;
    uint32_t count;
};

struct side {
    struct plan plan;
    struct speed_machine *machine;
    struct speed_floor *floor;
};

static void plan_open(struct plan *p, const struct speed_row *row)
{
    uint32_t i;

    p->vendor = (enum speed_vendor)row->param[0];
    p->devices = (uint32_t)row->param[2];
    p->plain = (uint32_t)row->param[1] - p->devices;
    p->bonds = (uint32_t)(row->param[2] >> 32);
    p->pages = (uint32_t)row->param[3];
    p->turns = (uint32_t)(row->param[3] >> 32);
    p->groups = p->devices;
    while (p->groups < MANY &&
           p->groups < 8 * p->devices) /* of few devices, each under 8 indices */
        p->groups += p->devices;
    if (p->devices == 1)
        p->groups = p->turns != 0 ? p->turns : MANY / p->pages;
    p->order = calloc(p->devices, sizeof(*p->order));
    p->ask = calloc((size_t)p->groups * p->pages, sizeof(*p->ask));
    if (p->order == NULL || p->ask == NULL)
        abort();
    for (i = 0; i < p->devices; i++)
        p->order[i] = i;
}

static void plan_close(struct plan *p)
{
    free(p->order);
    free(p->ask);
}

static struct speed_ask asked(struct plan *p, uint32_t device, uint32_t bond, uint32_t index,
                              uint32_t page)
{
    uint32_t pasid = p->machine != NULL ? speed_machine_pasid(p->machine, device, bond)
                                        : 1 + device * p->bonds + bond;

    return (struct speed_ask){ID_FIRST + device, pasid, index,
                              ((uint64_t)bond << 24 | index << 8 | page) << 12,
                              page + 1 == p->pages};
}

/* What the next round asks for: each device once, in any order, under any of its PASIDs; or one
 * device under all indices. */
static void plan_round(struct plan *p)
{
    uint32_t g, page, device, index;

    p->count = 0;
    if (p->devices != 1)
        speed_shuffle(p->order, p->devices, &p->random);
    if (p->turns != 0) {
        for (page = 0; page < p->pages; page++) {
            for (g = 0; g < p->groups; g++)
                p->ask[p->count++] = asked(p, 0, g % p->bonds, g, page);
        }
        return;
    }
    for (g = 0; g < p->groups; g++) {
        uint32_t bond = (uint32_t)(speed_random(&p->random) % p->bonds);

        device = p->devices == 1 ? 0 : p->order[g % p->devices];
        index = p->devices == 1 ? g : ((uint32_t)(p->random & 7) + g / p->devices) & 7;
        for (page = 0; page < p->pages; page++)
            p->ask[p->count++] = asked(p, device, bond, index, page);
    }
}

/* A power of two that so many fit into, and some more: markers, tickets, slots that stay free. */
static uint32_t log2_of(uint32_t entries, const struct speed_vendor_ops *vendor)
{
    uint32_t log2 = vendor->log2_least;

    while (log2 < vendor->log2_most && (1u << log2) < entries + entries / 8 + 16)
        log2++;
    return log2;
}

static uint32_t credits_of(const struct plan *p)
{
    return p->devices == 1 ? p->groups * p->pages : 8;
}

/* So many that the tags of AMD units suffice: one for each device and space. */
static uint32_t spaces_of(const struct plan *p)
{
    return p->bonds < 50 ? p->bonds : 50;
}

static void *library_open(const struct speed_row *row)
{
    struct side *s = calloc(1, sizeof(*s));
    struct speed_machine_config config = {0};
    struct plan *p = &s->plan;

    plan_open(p, row);
    config.vendor = p->vendor;
    config.devices = p->devices;
    config.plain = p->plain;
    config.bonds = p->bonds;
    config.spaces = spaces_of(p);
    config.credits = credits_of(p);
    config.ring_log2 = log2_of(p->devices * credits_of(p), speed_vendor_of(p->vendor));
    config.queue_log2 = log2_of(p->groups, speed_vendor_of(p->vendor));
    config.id_first = ID_FIRST;
    s->machine = speed_machine_open(&config);
    if (s->machine == NULL) {
        plan_close(p);
        free(s);
        return NULL;
    }
    p->machine = s->machine;
    s->machine->at_once = false;
    return s;
}

static bool library_round(void *state, struct speed_sample *sample)
{
    struct side *s = state;
    double from;
    uint32_t i;

    plan_round(&s->plan);
    for (i = 0; i < s->plan.count; i++)
        speed_machine_put(s->machine, &s->plan.ask[i]);
    speed_machine_show(s->machine);
    from = speed_now_ns();
    if (!speed_machine_serve(s->machine))
        return false;
    sample->ns = speed_now_ns() - from;
    sample->ops = s->plan.count;
    return speed_machine_check(s->machine);
}

static void library_close(void *state)
{
    struct side *s = state;

    if (!speed_machine_close(s->machine))
        speed_say("the machine did not close");
    plan_close(&s->plan);
    free(s);
}

static void *floor_open(const struct speed_row *row)
{
    struct side *s = calloc(1, sizeof(*s));
    struct speed_floor_config config = {0};
    struct plan *p = &s->plan;

    plan_open(p, row);
    config.vendor = p->vendor;
    config.devices = p->devices;
    config.bonds = p->bonds;
    config.spaces = spaces_of(p);
    config.id_first = ID_FIRST;
    config.ring_log2 = log2_of(p->devices * credits_of(p), speed_vendor_of(p->vendor));
    config.queue_log2 = log2_of(p->groups, speed_vendor_of(p->vendor));
    s->floor = speed_floor_open(&config);
    return s;
}

static bool floor_round(void *state, struct speed_sample *sample)
{
    struct side *s = state;
    double from;
    uint32_t i;

    plan_round(&s->plan);
    for (i = 0; i < s->plan.count; i++)
        speed_floor_ask(s->floor, &s->plan.ask[i]);
    speed_floor_show(s->floor);
    from = speed_now_ns();
    speed_floor_serve(s->floor);
    sample->ns = speed_now_ns() - from;
    sample->ops = s->plan.count;
    return speed_floor_check(s->floor);
}

static void floor_close(void *state)
{
    struct side *s = state;

    speed_floor_close(s->floor);
    plan_close(&s->plan);
    free(s);
}

/* Vendor; functions that are there; of them, those that ask; PASIDs of each; pages of a group;
 * groups of one device that come page by page in turns, 0: each in one piece. Goals and BENCH's
 * floor in ns, 0: none. */
#define ROW(text, vendor, functions, askers, bonds, pages, turns, goal, ratio, floor)              \
    {                                                                                              \
        .name = text, .op = "request",                                                             \
        .side = {{library_open, library_round, library_close},                                     \
                 {floor_open, floor_round, floor_close}},                                          \
        .goal_ns = goal, .goal_ratio = ratio, .floor_ns = floor,                                   \
        .param = {vendor, functions, (askers) | (uint64_t)(bonds) << 32,                           \
                  (pages) | (uint64_t)(turns) << 32},                                              \
    }
#define AMD  SPEED_AMD
#define VTD  SPEED_VTD
#define SMMU SPEED_SMMUV3

/* clang-format off */
static const struct speed_row rows[] = {
    ROW("amd: 1 page, 1 device, 1 PASID", AMD, 1, 1, 1, 1, 0, 15, 2.5, 4.6),
    ROW("amd: 1 page, 1 device, 100000 PASIDs", AMD, 1, 1, 100000, 1, 0, 60, 0, 7.5),
    ROW("amd: 1 page, 1000 devices of 100 PASIDs", AMD, 1000, 1000, 100, 1, 0, 80, 0, 12),
    ROW("amd: 8 pages, 1 device", AMD, 1, 1, 1, 8, 0, 10, 0, 4.1),
    ROW("amd: 8 pages, 1000 devices of 100 PASIDs", AMD, 1000, 1000, 100, 8, 0, 20, 0, 5.9),
    ROW("amd: 8 pages, 512 groups in turns", AMD, 1, 1, 1, 8, 512, 15, 0, 6.6),
    ROW("amd: 1 page, 1000 functions present", AMD, 1000, 1, 1, 1, 0, 15, 0, 0),
    ROW("amd: 1 page, 65535 functions present", AMD, 65535, 1, 1, 1, 0, 15, 0, 0),
    ROW("vtd: 1 page, 1 device, 1 PASID", VTD, 1, 1, 1, 1, 0, 17, 2.5, 5.8),
    ROW("vtd: 1 page, 1 device, 100000 PASIDs", VTD, 1, 1, 100000, 1, 0, 60, 0, 0),
    ROW("vtd: 1 page, 1000 devices of 100 PASIDs", VTD, 1000, 1000, 100, 1, 0, 80, 0, 0),
    ROW("vtd: 8 pages, 1 device", VTD, 1, 1, 1, 8, 0, 10, 0, 0),
    ROW("vtd: 8 pages, 1000 devices of 100 PASIDs", VTD, 1000, 1000, 100, 8, 0, 20, 0, 0),
    ROW("vtd: 8 pages, 512 groups in turns", VTD, 1, 1, 1, 8, 512, 15, 0, 0),
    ROW("vtd: 1 page, 1000 functions present", VTD, 1000, 1, 1, 1, 0, 17, 0, 0),
    ROW("vtd: 1 page, 65536 functions present", VTD, 65536, 1, 1, 1, 0, 17, 0, 0),
    ROW("smmuv3: 1 page, 1 device, 1 PASID", SMMU, 1, 1, 1, 1, 0, 15, 2.5, 4.6),
    ROW("smmuv3: 1 page, 1 device, 100000 PASIDs", SMMU, 1, 1, 100000, 1, 0, 60, 0, 0),
    ROW("smmuv3: 1 page, 1000 devices of 100 PASIDs", SMMU, 1000, 1000, 100, 1, 0, 80, 0, 0),
    ROW("smmuv3: 8 pages, 1 device", SMMU, 1, 1, 1, 8, 0, 10, 0, 0),
    ROW("smmuv3: 8 pages, 1000 devices of 100 PASIDs", SMMU, 1000, 1000, 100, 8, 0, 20, 0, 0),
    ROW("smmuv3: 8 pages, 512 groups in turns", SMMU, 1, 1, 1, 8, 512, 15, 0, 0),
    ROW("smmuv3: 1 page, 1000 functions present", SMMU, 1000, 1, 1, 1, 0, 15, 0, 0),
    ROW("smmuv3: 1 page, 65536 functions present", SMMU, 65536, 1, 1, 1, 0, 15, 0, 0),
};

/* Of more than 1024 devices, 1024 ask: the ring can be granted to no more of them. */
#define SCALE(name, vendor)                                                                        \
    ROW(name ": 1 page, 1 device", vendor, 1, 1, 1, 1, 0, 0, 2.5, 0),                              \
    ROW(name ": 1 page, 16 devices", vendor, 16, 16, 1, 1, 0, 0, 2.5, 0),                          \
    ROW(name ": 1 page, 256 devices", vendor, 256, 256, 1, 1, 0, 0, 2.5, 0),                       \
    ROW(name ": 1 page, 1024 devices", vendor, 1024, 1024, 1, 1, 0, 0, 2.5, 0),                    \
    ROW(name ": 1 page, 65535 devices", vendor, 65535, 1024, 1, 1, 0, 0, 2.5, 0)

static const struct speed_row scale[] = {
    SCALE("amd", AMD),
    SCALE("vtd", VTD),
    SCALE("smmuv3", SMMU),
    ROW("amd: 1 page, 1023 devices of 1024 PASIDs", AMD, 1023, 1023, 1024, 1, 0, 0, 2.5, 0),
};
/* clang-format on */

const struct speed_table speed_requests = {"requests", "Page request: ring entry, handler, answer",
                                           rows, sizeof(rows) / sizeof(rows[0])};

const struct speed_table speed_scale = {"scale",
                                        "Page request by number of devices; 1024 of more ask",
                                        scale, sizeof(scale) / sizeof(scale[0])};
