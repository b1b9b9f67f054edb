/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>
#include <string.h>

#include "speed_machine.h"

/*
 * Bind, unbind, exit, range invalidation. Commands are completed at once, and no settle time is
 * asked for: what is left is what the processor does. Where what others have outstanding should
 * not matter, the "floor" is the same unbind without them.
 */

#define MANY   64u   /* bonds that a round makes */
#define OTHERS 1000u /* groups of another device */

enum shape {
    BIND,
    UNBIND,
    EXIT,
    REAP,
    INVALIDATE,
};

struct life {
    enum shape shape;
    uint32_t many, devices;
    uint64_t random;
    struct speed_machine *m; /* its last device is the others' */
    struct uiommu_aspace *as;
    uint32_t *pasid;
    struct uiommu_bond_ref *bond;
    struct uiommu_group_ref held[OTHERS];
    uint32_t holds, want;
};

static struct life *holder; /* of the groups that the handler keeps */

/* Others' requests wait for whoever answers later. */
static uiommu_code keep(void *user, const struct uiommu_group *group)
{
    (void)user;
    holder->held[holder->holds++] = group->ref;
    return UIOMMU_CODE_PENDING;
}

static const struct uiommu_aspace_ops keeper = {.size = sizeof(keeper), .fault = keep};

static bool space_open(struct life *l)
{
    struct uiommu_root root = {.format = l->m->vendor->root,
                               .granule_bits = 12,
                               .va_bits = 48,
                               .pa_bits = 48,
                               .table = (uintptr_t)l->m->table};
    struct uiommu_aspace_config config = {
        .size = sizeof(config), .ops = &keeper, .roots = &root, .root_count = 1};

    return uiommu_aspace_create(l->m->u, &config, &l->as) == UIOMMU_OK;
}

static bool bind_all(struct life *l)
{
    struct uiommu_bind_config config = {.size = sizeof(config)};
    uint32_t i;

    for (i = 0; i < l->many; i++) {
        config.pasid = l->pasid[i / l->devices];
        if (uiommu_bind(l->m->device[i % l->devices], l->as, &config, &l->bond[i]) != UIOMMU_OK)
            return false;
    }
    return true;
}

static bool unbind_all(struct life *l)
{
    uint32_t i;

    for (i = 0; i < l->many; i++) {
        if (uiommu_unbind(l->m->u, l->bond[i], UIOMMU_UNBIND_STOPPED) != UIOMMU_OK)
            return false;
    }
    return true;
}

/* The others ask, and their handler keeps what it is shown. */
static bool others_ask(struct life *l)
{
    uint32_t i;

    holder = l;
    l->holds = 0;
    for (i = 0; i < l->want; i++)
        speed_machine_ask(l->m, l->devices + i / 500, 0, i % 500, i * UINT64_C(4096), true);
    speed_machine_show(l->m);
    return speed_machine_serve(l->m) && l->holds == l->want;
}

static void close_life(struct life *l)
{
    bool right = true;
    uint32_t i;

    for (i = 0; i < l->holds; i++)
        right &= uiommu_group_respond(l->m->unit, l->held[i], UIOMMU_CODE_SUCCESS) == UIOMMU_OK;
    right &= l->want == 0 || speed_machine_check(l->m);
    if (l->as != NULL)
        right &= uiommu_aspace_destroy(l->as) == UIOMMU_OK;
    for (i = 0; i < l->many; i++)
        right &= l->pasid[i] == 0 || uiommu_pasid_put(l->m->pasids, l->pasid[i]) == UIOMMU_OK;
    if (!speed_machine_close(l->m) || !right)
        speed_say("something was left");
    free(l->pasid);
    free(l->bond);
    free(l);
}

/* param: vendor, shape, bonds | devices << 32, others' groups */
static void *life_open(const struct speed_row *row, uint32_t want)
{
    struct life *l = calloc(1, sizeof(*l));
    struct speed_machine_config config = {0};
    uint32_t i;

    l->shape = (enum shape)row->param[1];
    l->many = (uint32_t)row->param[2];
    l->devices = (uint32_t)(row->param[2] >> 32);
    l->want = want;
    config.vendor = (enum speed_vendor)row->param[0];
    config.devices = l->devices + 2;
    config.credits = row->param[3] != 0 ? 512 : 8;
    config.ring_log2 = row->param[3] != 0 ? 12 : 0;
    config.ops = &keeper;
    l->pasid = calloc(l->many, sizeof(*l->pasid));
    l->bond = calloc(l->many, sizeof(*l->bond));
    l->m = speed_machine_open(&config);
    if (l->m == NULL || l->pasid == NULL || l->bond == NULL)
        abort();
    for (i = 0; i < (l->many + l->devices - 1) / l->devices; i++) {
        if (uiommu_pasid_alloc(l->m->pasids, NULL, 20, &l->pasid[i]) != UIOMMU_OK)
            abort();
    }
    if (!space_open(l) || !others_ask(l)) {
        close_life(l);
        return NULL;
    }
    return l;
}

static void *library_open(const struct speed_row *row)
{
    return life_open(row, (uint32_t)row->param[3]);
}

static void *alone_open(const struct speed_row *row)
{
    return life_open(row, 0);
}

/* The devices' driver says that they have stopped; t: when the exit was over, when the reap began.
 */
static bool exit_all(struct life *l, double t[2])
{
    uiommu_err err = uiommu_aspace_exit(l->as);
    uint32_t i;

    t[0] = speed_now_ns();
    for (i = 0; err == UIOMMU_OK && i < l->many; i++)
        err = uiommu_bond_stopped(l->m->u, l->bond[i]);
    t[1] = speed_now_ns();
    while (err == UIOMMU_OK || err == UIOMMU_PENDING) {
        err = uiommu_aspace_reap(l->as);
        if (err == UIOMMU_OK)
            return true;
    }
    speed_say("reap: error %d", err);
    return false;
}

static bool ranges(struct life *l)
{
    uint64_t at;
    uint32_t i;

    for (i = 0; i < MANY; i++) {
        at = speed_random(&l->random) & UINT64_C(0x7ffffffff000);
        if (uiommu_aspace_invalidate(l->as, at, at + 4095, false) != UIOMMU_OK)
            return false;
    }
    return true;
}

static bool life_round(void *state, struct speed_sample *sample)
{
    struct life *l = state;
    double t[5];
    bool right;

    t[0] = speed_now_ns();
    right = bind_all(l);
    t[1] = speed_now_ns();
    sample->ops = l->many;
    if (l->shape == INVALIDATE) {
        sample->ops = MANY;
        right = right && ranges(l);
    }
    t[2] = t[3] = speed_now_ns();
    if (l->shape == EXIT || l->shape == REAP)
        right = right && exit_all(l, &t[2]);
    else
        right = right && unbind_all(l);
    t[4] = speed_now_ns();
    sample->ns = l->shape == BIND                         ? t[1] - t[0]
                 : l->shape == UNBIND || l->shape == REAP ? t[4] - t[3]
                                                          : t[2] - t[1];
    right = right && speed_machine_serve(l->m); /* numbers rest no more */
    if (l->shape == EXIT || l->shape == REAP)
        right = right && uiommu_aspace_destroy(l->as) == UIOMMU_OK && space_open(l);
    return right;
}

static void life_close(void *state)
{
    close_life(state);
}

#define ALONE                                                                                      \
    {                                                                                              \
        library_open, life_round, life_close                                                       \
    }
#define EACH(VENDOR, NAME)                                                                         \
    {.name = NAME ": bind",                                                                        \
     .op = "bind",                                                                                 \
     .side = {ALONE},                                                                              \
     .param = {VENDOR, BIND, UINT64_C(1) << 32 | MANY, 0}},                                        \
        {.name = NAME ": unbind, idle",                                                            \
         .op = "unbind",                                                                           \
         .side = {ALONE},                                                                          \
         .param = {VENDOR, UNBIND, UINT64_C(1) << 32 | MANY, 0}},                                  \
        {.name = NAME ": unbind, idle, another device has 511 groups outstanding",                 \
         .op = "unbind",                                                                           \
         .side = {ALONE, {alone_open, life_round, life_close}},                                    \
         .goal_ratio = 1.2,                                                                        \
         .param = {VENDOR, UNBIND, UINT64_C(1) << 32 | MANY, 511}},                                \
        {.name = NAME ": unbind, idle, others have 1000 groups outstanding",                       \
         .op = "unbind",                                                                           \
         .side = {ALONE, {alone_open, life_round, life_close}},                                    \
         .goal_ratio = 1.2,                                                                        \
         .param = {VENDOR, UNBIND, UINT64_C(1) << 32 | MANY, OTHERS}},                             \
        {.name = NAME ": range invalidation, 1 bond",                                              \
         .op = "range",                                                                            \
         .side = {ALONE},                                                                          \
         .param = {VENDOR, INVALIDATE, UINT64_C(1) << 32 | 1, 0}},                                 \
        {.name = NAME ": range invalidation, 100 bonds",                                           \
         .op = "range",                                                                            \
         .side = {ALONE},                                                                          \
         .param = {VENDOR, INVALIDATE, UINT64_C(10) << 32 | 100, 0}},                              \
        {.name = NAME ": exit, 1 bond",                                                            \
         .op = "exit",                                                                             \
         .side = {ALONE},                                                                          \
         .param = {VENDOR, EXIT, UINT64_C(1) << 32 | 1, 0}},                                       \
        {.name = NAME ": exit, 1000 bonds, each",                                                  \
         .op = "bond",                                                                             \
         .side = {ALONE},                                                                          \
         .param = {VENDOR, EXIT, UINT64_C(10) << 32 | 1000, 0}},                                   \
        {.name = NAME ": reap after exit, 1 bond",                                                 \
         .op = "reap",                                                                             \
         .side = {ALONE},                                                                          \
         .param = {VENDOR, REAP, UINT64_C(1) << 32 | 1, 0}},                                       \
    {                                                                                              \
        .name = NAME ": reap after exit, 1000 bonds, each", .op = "bond", .side = {ALONE},         \
        .param = {                                                                                 \
            VENDOR,                                                                                \
            REAP,                                                                                  \
            UINT64_C(10) << 32 | 1000,                                                             \
            0                                                                                      \
        }                                                                                          \
    }

static const struct speed_row rows[] = {
    EACH(SPEED_AMD, "amd"),
    EACH(SPEED_VTD, "vtd"),
    EACH(SPEED_SMMUV3, "smmuv3"),
};

const struct speed_table speed_shutdown = {"shutdown", "Bind, unbind, exit, range invalidation",
                                           rows, sizeof(rows) / sizeof(rows[0])};
