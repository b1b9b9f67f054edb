/* SPDX-License-Identifier: BSD-2-Clause */
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>

#include "speed_floor.h"

/*
 * Page requests with somebody waiting: a thread fills the ring while another one polls it; one
 * group is outstanding at a time, so that a round is one request and the spread of rounds is that
 * of latencies. What two looks at the clock take is taken off those.
 */

#define ID_FIRST 8u
#define INDICES  512u
#define MANY     6000u /* of a round */
#define PATIENCE 2e9   /* ns; then something is wrong */

enum kind {
    FILLED,     /* by another thread, served by this one */
    ALONE,      /* one group, served by the thread that asks */
    OVER_CORES, /* one group, served by another thread */
};

struct side {
    enum kind kind;
    struct speed_machine *machine; /* or */
    struct speed_floor *floor;
    uint32_t pasid, at;
    double clock_ns;
    /* the other thread */
    pthread_t thread;
    sem_t go, done;
    bool end;                 /* once gone */
    struct uiommu_word state; /* 1: it begins; 2: it shall stop */
};

static void ask(struct side *s)
{
    struct speed_ask a = {ID_FIRST, s->pasid, s->at % INDICES, (uint64_t)s->at << 12, true};

    s->at++;
    if (s->machine != NULL) {
        speed_machine_put(s->machine, &a);
        speed_machine_show(s->machine);
    } else {
        speed_floor_ask(s->floor, &a);
        speed_floor_show(s->floor);
    }
}

static uint32_t room(const struct side *s)
{
    return s->machine != NULL ? speed_machine_room(s->machine) : speed_floor_room(s->floor);
}

/* One look at the ring. */
static void serve(struct side *s)
{
    if (s->machine != NULL)
        (void)!uiommu_unit_service(s->machine->unit, 0);
    else
        speed_floor_serve(s->floor);
}

static uint64_t seen(const struct side *s)
{
    return s->machine != NULL ? s->machine->seen.count : s->floor->seen.count;
}

static uint32_t doorbell(const struct side *s)
{
    return s->machine != NULL ? speed_machine_doorbell(s->machine)
                              : __atomic_load_n(&s->floor->doorbell, __ATOMIC_ACQUIRE);
}

/* Others may have to run first, where processors are few. */
static void turn(uint32_t *turns)
{
    uiommu_pause();
    if ((++*turns & 0xfff) == 0)
        sched_yield();
}

/* As hardware it looks at the head when its own copy of that says full. */
static void fill(struct side *s)
{
    uint32_t i, turns = 0, left = 0;

    uiommu_word_store(&s->state, 1);
    for (i = 0; i < MANY; i++) {
        while (left == 0) {
            left = room(s);
            if (uiommu_word_load(&s->state) == 2)
                return;
            if (left == 0)
                turn(&turns);
        }
        ask(s);
        left--;
    }
}

static void *other(void *arg)
{
    struct side *s = arg;
    uint32_t turns;

    for (;;) {
        while (sem_wait(&s->go) != 0)
            ;
        if (s->end)
            return NULL;
        if (s->kind == FILLED)
            fill(s);
        else {
            uiommu_word_store(&s->state, 1);
            for (turns = 0; uiommu_word_load(&s->state) != 2; turn(&turns))
                serve(s);
        }
        sem_post(&s->done);
    }
}

static void begin(struct side *s)
{
    uint32_t turns = 0;

    uiommu_word_store(&s->state, 0);
    sem_post(&s->go);
    while (uiommu_word_load(&s->state) == 0)
        turn(&turns);
}

static void end(struct side *s)
{
    uiommu_word_store(&s->state, 2);
    while (sem_wait(&s->done) != 0)
        ;
}

static bool round_filled(struct side *s, struct speed_sample *sample)
{
    uint64_t want = seen(s) + MANY, was;
    uint32_t turns = 0;
    double from;
    bool late = false;

    begin(s);
    from = speed_now_ns();
    while (seen(s) < want && !late) {
        was = seen(s);
        serve(s);
        if (seen(s) != was)
            continue;
        turn(&turns);
        late = (turns & 0xffff) == 0 && speed_now_ns() - from > PATIENCE;
    }
    sample->ns = speed_now_ns() - from;
    sample->ops = MANY;
    end(s);
    return !late;
}

static bool round_one(struct side *s, struct speed_sample *sample)
{
    uint32_t was = doorbell(s), turns = 0;
    double from;
    bool late = false;

    if (s->kind == OVER_CORES)
        begin(s);
    from = speed_now_ns();
    ask(s);
    if (s->kind == ALONE)
        serve(s);
    while (doorbell(s) == was && !late) {
        turn(&turns);
        late = (turns & 0xffff) == 0 && speed_now_ns() - from > PATIENCE;
    }
    sample->ns = speed_now_ns() - from - s->clock_ns;
    sample->ns = sample->ns < 0 ? 0 : sample->ns;
    sample->ops = 1;
    if (s->kind == OVER_CORES)
        end(s);
    return !late;
}

static bool one_round(void *state, struct speed_sample *sample)
{
    struct side *s = state;
    bool right = s->kind == FILLED ? round_filled(s, sample) : round_one(s, sample);

    if (!right)
        speed_say("a request was not answered");
    return s->machine != NULL ? speed_machine_check(s->machine) && right
                              : speed_floor_check(s->floor) && right;
}

static struct side *make(const struct speed_row *row)
{
    struct side *s = calloc(1, sizeof(*s));
    double from, ns;
    uint32_t i;

    if (s == NULL)
        abort();
    s->kind = (enum kind)row->param[1];
    s->clock_ns = 1e9;
    for (i = 0; i < 1000; i++) {
        from = speed_now_ns();
        ns = speed_now_ns() - from;
        s->clock_ns = ns < s->clock_ns ? ns : s->clock_ns;
    }
    return s;
}

static void *made(struct side *s)
{
    if (s->kind == ALONE)
        return s;
    if (sem_init(&s->go, 0, 0) != 0 || sem_init(&s->done, 0, 0) != 0 ||
        pthread_create(&s->thread, NULL, other, s) != 0)
        abort();
    return s;
}

static void join(struct side *s)
{
    if (s->kind == ALONE)
        return;
    s->end = true;
    sem_post(&s->go);
    pthread_join(s->thread, NULL);
    sem_destroy(&s->go);
    sem_destroy(&s->done);
}

static void *library_open(const struct speed_row *row)
{
    struct speed_machine_config config = {.vendor = (enum speed_vendor)row->param[0],
                                          .credits = INDICES,
                                          .id_first = ID_FIRST,
                                          .queue_log2 = 14};
    struct side *s = make(row);

    s->machine = speed_machine_open(&config);
    if (s->machine == NULL) {
        free(s);
        return NULL;
    }
    s->pasid = speed_machine_pasid(s->machine, 0, 0);
    s->machine->at_once = false;
    return made(s);
}

static void library_close(void *state)
{
    struct side *s = state;

    join(s);
    if (!speed_machine_close(s->machine))
        speed_say("the machine did not close");
    free(s);
}

static void *floor_open(const struct speed_row *row)
{
    struct speed_floor_config config = {.vendor = (enum speed_vendor)row->param[0],
                                        .devices = 1,
                                        .bonds = 1,
                                        .spaces = 1,
                                        .id_first = ID_FIRST,
                                        .ring_log2 = 10,
                                        .queue_log2 = 14};
    struct side *s = make(row);

    s->floor = speed_floor_open(&config);
    s->pasid = 1;
    return made(s);
}

static void floor_close(void *state)
{
    struct side *s = state;

    join(s);
    speed_floor_close(s->floor);
    free(s);
}

/* Goals and floors of BENCH: of the polled ring alone. */
#define ROW(text, vendor, kind, goal)                                                              \
    {                                                                                              \
        .name = text, .op = "request",                                                             \
        .side = {{library_open, one_round, library_close}, {floor_open, one_round, floor_close}},  \
        .goal_ns = goal, .param = {vendor, kind},                                                  \
    }

static const struct speed_row rows[] = {
    ROW("amd: 1 page, ring filled by another thread", SPEED_AMD, FILLED, 90),
    ROW("vtd: 1 page, ring filled by another thread", SPEED_VTD, FILLED, 90),
    ROW("smmuv3: 1 page, ring filled by another thread", SPEED_SMMUV3, FILLED, 90),
    ROW("amd: one group outstanding", SPEED_AMD, ALONE, 0),
    ROW("vtd: one group outstanding", SPEED_VTD, ALONE, 0),
    ROW("smmuv3: one group outstanding", SPEED_SMMUV3, ALONE, 0),
    ROW("amd: one group outstanding, served by another thread", SPEED_AMD, OVER_CORES, 0),
    ROW("vtd: one group outstanding, served by another thread", SPEED_VTD, OVER_CORES, 0),
    ROW("smmuv3: one group outstanding, served by another thread", SPEED_SMMUV3, OVER_CORES, 0),
};

const struct speed_table speed_polled = {
    "polled", "Page request: ring filled by another thread; one group outstanding", rows,
    sizeof(rows) / sizeof(rows[0])};
