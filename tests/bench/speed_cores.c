/* SPDX-License-Identifier: BSD-2-Clause */
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "speed_machine.h"

/*
 * Two cores: two units, each served by its own thread; service on one core and answers from the
 * other; service at full rate while the other core unbinds. The floor of each row is what one core
 * does alone, so that the ratio is what the second one brings, or costs.
 */

#define BATCH   512u
#define BATCHES 64u

enum shape {
    UNITS,     /* two of them: the ratio to half of what one takes */
    RESPONDER, /* groups are answered by the other thread */
    UNBIND,    /* the other thread unbinds and binds, once a round */
};

struct cores {
    enum shape shape;
    bool alone; /* the floor's side */
    struct speed_machine *m[2];
    pthread_t thread;
    uint32_t *go, *done; /* rounds, for ever; lines of their own */
    bool stop, right, started;
    double spent[2];
    struct uiommu_group_ref *ref; /* of a round, in order */
    uint32_t *kept;               /* of them so many are there */
    struct uiommu_bond_ref victim;
    uint32_t pasid;
};

static uint32_t load(const uint32_t *at)
{
    return __atomic_load_n(at, __ATOMIC_ACQUIRE);
}

static void store(uint32_t *at, uint32_t v)
{
    __atomic_store_n(at, v, __ATOMIC_RELEASE);
}

/* Others may need the processor; where there are two it is not given away. */
static void await(const uint32_t *at, uint32_t v)
{
    uint32_t spins;

    for (spins = 0; load(at) != v; spins++) {
        if (spins > 20000)
            sched_yield();
    }
}

/* Batches of a unit; filling the ring and looking at the answers is not timed. Commands that are
 * carried out at once are looked at when nobody else makes some. */
static bool serve(struct speed_machine *m, double *spent)
{
    double from;
    uint32_t b, i;

    *spent = 0;
    for (b = 0; b < BATCHES; b++) {
        for (i = 0; i < BATCH; i++)
            speed_machine_ask(m, 0, 0, i, (uint64_t)i * 4096, true);
        speed_machine_show(m);
        from = speed_now_ns();
        if (!speed_machine_serve(m))
            return false;
        *spent += speed_now_ns() - from;
        if (!m->at_once && !speed_machine_check(m))
            return false;
    }
    return true;
}

static bool rebind(struct cores *c)
{
    struct uiommu_bind_config config = {.size = sizeof(config), .pasid = c->pasid};
    uiommu_err err = uiommu_unbind(c->m[0]->u, c->victim, UIOMMU_UNBIND_STOPPED);

    while (err == UIOMMU_OK) {
        err = uiommu_bind(c->m[0]->device[1], c->m[0]->space[0], &config, &c->victim);
        if (err == UIOMMU_OK)
            return true;
        if (err == UIOMMU_E_BUSY) /* the number rests until the next round of service */
            err = UIOMMU_OK;
    }
    speed_say("unbind or bind: error %d", err);
    return false;
}

static bool answer(struct cores *c)
{
    uiommu_err err;
    uint32_t i;

    for (i = 0; i < BATCH; i++) {
        while (load(c->kept) <= i)
            ;
        err = uiommu_group_respond(c->m[0]->unit, c->ref[i], UIOMMU_CODE_SUCCESS);
        if (err != UIOMMU_OK) {
            speed_say("respond: error %d", err);
            return false;
        }
    }
    return true;
}

static void *other(void *arg)
{
    struct cores *c = arg;
    uint32_t round;

    for (round = 1;; round++) {
        await(c->go, round);
        if (c->stop)
            return NULL;
        c->right = c->shape == UNITS       ? serve(c->m[1], &c->spent[1])
                   : c->shape == RESPONDER ? answer(c)
                                           : rebind(c);
        store(c->done, round);
    }
}

/* A handler's: the other thread answers, or this one after service. */
static uiommu_code keep(void *user, const struct uiommu_group *group)
{
    struct cores *c = user;
    uint32_t at = *c->kept;

    c->ref[at] = group->ref;
    store(c->kept, at + 1);
    return UIOMMU_CODE_PENDING;
}

static const struct uiommu_aspace_ops keeper = {.size = sizeof(keeper), .fault = keep};

static void cores_close(void *state)
{
    struct cores *c = state;
    uint32_t i;

    if (c->started) {
        c->stop = true;
        store(c->go, *c->go + 1);
        pthread_join(c->thread, NULL);
    }
    for (i = 0; i < 2; i++) {
        if (c->m[i] != NULL && !speed_machine_close(c->m[i]))
            speed_say("the machine did not close");
    }
    free(c->go);
    free(c->done);
    free(c->kept);
    free(c->ref);
    free(c);
}

static void *line(size_t bytes)
{
    void *p = aligned_alloc(128, (bytes + 127) / 128 * 128);

    if (p == NULL)
        abort();
    memset(p, 0, bytes);
    return p;
}

static void *cores_open(const struct speed_row *row, bool alone)
{
    struct cores *c = line(sizeof(*c));
    struct speed_machine_config config = {.vendor = (enum speed_vendor)row->param[0],
                                          .credits = BATCH,
                                          .ring_log2 = 12,
                                          .queue_log2 = 11};

    c->shape = (enum shape)row->param[1];
    c->alone = alone;
    c->go = line(128);
    c->done = line(128);
    c->kept = line(128);
    c->ref = line(BATCH * sizeof(*c->ref));
    config.devices = c->shape == UNBIND ? 2 : 1;
    config.threads = c->shape == UNBIND; /* who unbinds serves too, and may run handlers */
    if (c->shape == RESPONDER) {
        config.ops = &keeper;
        config.user = c;
    }
    c->m[0] = speed_machine_open(&config);
    c->m[1] = c->shape == UNITS && !alone ? speed_machine_open(&config) : NULL;
    if (c->m[0] == NULL || (c->m[1] == NULL && c->shape == UNITS && !alone)) {
        cores_close(c);
        return NULL;
    }
    if (c->shape == UNBIND) {
        c->victim = c->m[0]->bond[1];
        c->m[0]->bond[1].generation = 0;
        c->pasid = speed_machine_pasid(c->m[0], 1, 0);
    } else {
        c->m[0]->at_once = false;
        if (c->m[1] != NULL)
            c->m[1]->at_once = false;
    }
    if (!alone && pthread_create(&c->thread, NULL, other, c) != 0)
        abort();
    c->started = !alone;
    return c;
}

static void *library_open(const struct speed_row *row)
{
    return cores_open(row, false);
}

static void *alone_open(const struct speed_row *row)
{
    return cores_open(row, true);
}

/* The thread's part of a round begins, and ends. */
static void begin(struct cores *c)
{
    c->right = true;
    if (!c->alone)
        store(c->go, *c->go + 1);
}

static bool end(struct cores *c)
{
    if (!c->alone)
        await(c->done, *c->go);
    return c->right;
}

static bool respond_round(struct cores *c, struct speed_sample *sample)
{
    double from;
    uint32_t i;
    bool right;

    for (i = 0; i < BATCH; i++)
        speed_machine_ask(c->m[0], 0, 0, i, (uint64_t)i * 4096, true);
    speed_machine_show(c->m[0]);
    *c->kept = 0;
    begin(c);
    from = speed_now_ns();
    right = speed_machine_serve(c->m[0]);
    if (c->alone)
        right = right && answer(c);
    right = end(c) && right;
    sample->ns = speed_now_ns() - from;
    sample->ops = BATCH;
    return speed_machine_serve(c->m[0]) && speed_machine_check(c->m[0]) && right;
}

static bool cores_round(void *state, struct speed_sample *sample)
{
    struct cores *c = state;
    bool right;

    if (c->shape == RESPONDER)
        return respond_round(c, sample);
    begin(c);
    right = serve(c->m[0], &c->spent[0]);
    right = end(c) && right && (!c->m[0]->at_once || speed_machine_check(c->m[0]));
    sample->ns = c->spent[0];
    sample->ops = BATCH * BATCHES;
    if (c->shape == UNITS && !c->alone) { /* the slower one's time, for both */
        sample->ns = c->spent[0] > c->spent[1] ? c->spent[0] : c->spent[1];
        sample->ops *= 2;
    }
    return right;
}

static void victim_close(void *state)
{
    struct cores *c = state;

    if (c->shape == UNBIND)
        c->m[0]->bond[1] = c->victim;
    cores_close(c);
}

#define ROW(text, vendor, shape, ratio)                                                            \
    {                                                                                              \
        .name = text, .op = "request",                                                             \
        .side = {{library_open, cores_round, victim_close},                                        \
                 {alone_open, cores_round, victim_close}},                                         \
        .goal_ratio = ratio, .param = {vendor, shape},                                             \
    }

/* clang-format off */
static const struct speed_row rows[] = {
    ROW("amd: two units on two cores, beside one on one", SPEED_AMD, UNITS, 1 / 1.8),
    ROW("vtd: two units on two cores, beside one on one", SPEED_VTD, UNITS, 1 / 1.8),
    ROW("smmuv3: two units on two cores, beside one on one", SPEED_SMMUV3, UNITS, 1 / 1.8),
    ROW("amd: answers from the other core, beside the same", SPEED_AMD, RESPONDER, 0),
    ROW("vtd: answers from the other core, beside the same", SPEED_VTD, RESPONDER, 0),
    ROW("smmuv3: answers from the other core, beside the same", SPEED_SMMUV3, RESPONDER, 0),
    ROW("amd: serving while the other core unbinds, beside alone", SPEED_AMD, UNBIND, 1.05),
    ROW("vtd: serving while the other core unbinds, beside alone", SPEED_VTD, UNBIND, 1.05),
    ROW("smmuv3: serving while the other core unbinds, beside alone", SPEED_SMMUV3, UNBIND, 1.05),
};
/* clang-format on */

const struct speed_table speed_cores = {"cores", "Two cores, beside one", rows,
                                        sizeof(rows) / sizeof(rows[0])};
