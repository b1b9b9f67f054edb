/* SPDX-License-Identifier: BSD-2-Clause */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "../../core/core.h"
#include "speed_machine.h"

/*
 * The command ring: waves of invalidations of one page each, as the core issues them: under the
 * unit's lock, closed by a completion, which tells hardware. An operation is an invalidation; the
 * completion comes on top. The floor: a lock, a ring of entries as large, a store for the doorbell.
 */

#define SLOTS     2048u  /* of a ring */
#define ROUND     1024u  /* of them in a round of one thread */
#define TOGETHER  65536u /* of two threads; done at once, for nobody else takes them out */
#define THREADS   2u
#define WAITS     512u /* a round's, of invalidations that are waited for */
#define WAIT_NS   UINT64_C(1000000000)
#define ADDRESSES UINT64_C(0xffffffffff000)

/* Registers, for who completes commands at once. */
#define AMD_CMD_BASE 0x0008u
#define AMD_CMD_TAIL 0x2008u
#define VTD_IQH      0x0080u
#define VTD_IQT      0x0088u
#define VTD_IQA      0x0090u
#define SMMU_PROD    0x0098u
#define SMMU_CONS    0x009cu

struct floor_ring {
    uint32_t lock;
    uint32_t words; /* 64-bit ones of an entry */
    uint64_t *ring;
    uint64_t head;          /* for ever */
    volatile uint64_t tail; /* the doorbell */
    volatile uint64_t done; /* by the consumer */
    void (*consumer)(struct floor_ring *f);
};

struct state {
    enum speed_vendor vendor;
    struct speed_machine *m; /* NULL: the floor */
    struct floor_ring floor;
    uint32_t wave;    /* invalidations before a completion */
    uint32_t threads; /* 0: one, which waits for each wave */
    uint32_t ready;
    double from[THREADS], until[THREADS];
    bool good[THREADS];
    unsigned char *ring; /* of the unit */
    void (*hook)(struct speed_page *page, uint32_t offset, uint64_t value);
    struct uiommu_unit *unit;
    struct uiommu_device *dev;
    struct uiommu_bond *bond;
};

/* ---- the library ---- */

struct push {
    struct state *s;
    uint64_t page;
    uint32_t count;
};

/* (u) */
static uiommu_err push(struct uiommu_unit *unit, void *arg)
{
    struct push *p = arg;
    struct uiommu_bond *bond = p->s->bond;
    struct uiommu_range range = {0, 0, false};
    uiommu_err err = UIOMMU_OK;
    uint32_t i;

    for (i = 0; i < p->count && err == UIOMMU_OK; i++) {
        range.first = p->page++ << 12;
        range.last = range.first + 0xfff;
        err = unit->ops.tlb_invalidate(unit->hw, bond->dev->hw, bond->pasid,
                                       &bond->as->roots[bond->tag->root], bond->tag->value, &range);
    }
    return err;
}

/* So many waves; nobody waits. */
static bool library_waves(struct state *s, uint32_t waves)
{
    struct push p = {s, 1, s->wave};
    struct uiommu_unit *unit = s->unit;
    uiommu_err err = UIOMMU_OK;
    uint64_t ticket;
    uintptr_t irq;

    while (waves-- != 0 && err == UIOMMU_OK) {
        irq = uiommu_lock_take(unit->u, &unit->lock);
        err = push(unit, &p);
        if (err == UIOMMU_OK)
            err = uiommu_ticket_push(unit, &ticket);
        uiommu_lock_give(unit->u, &unit->lock, irq);
    }
    return err == UIOMMU_OK;
}

static bool library_waits(struct state *s, uint32_t waves)
{
    struct push p = {s, 1, s->wave};
    uiommu_err err = UIOMMU_OK;

    while (waves-- != 0 && err == UIOMMU_OK)
        err = uiommu_commands_wait(s->unit, push, &p, WAIT_NS);
    return err == UIOMMU_OK;
}

/* Whatever was told is done at once. The last command is a completion. */
static void at_once(struct speed_page *page, uint32_t offset, uint64_t value)
{
    struct speed_machine *m = page->arg;
    struct state *s = m->config.user;
    const uint64_t *last;

    if (s->vendor == SPEED_AMD && offset == AMD_CMD_TAIL) {
        last = (const uint64_t *)(const void *)(s->ring + ((value - 16) & (SLOTS * 16 - 1)));
        *(volatile uint64_t *)(uintptr_t)(last[0] & UINT64_C(0xffffffffffff8)) = last[1];
    } else if (s->vendor == SPEED_VTD && offset == VTD_IQT) {
        last = (const uint64_t *)(const void *)(s->ring + ((value - 32) & (SLOTS * 32 - 1)));
        *(volatile uint32_t *)(uintptr_t)last[1] = (uint32_t)(last[0] >> 32);
        speed_page_set64(page, VTD_IQH, value);
    } else if (s->vendor == SPEED_SMMUV3 && offset == SMMU_PROD) {
        speed_page_set32(page, SMMU_CONS, (uint32_t)value);
    } else {
        s->hook(page, offset, value);
    }
}

/* ---- the floor ---- */

static void floor_lock(struct floor_ring *f)
{
    while (__atomic_exchange_n(&f->lock, 1, __ATOMIC_ACQUIRE) != 0) {
        while (__atomic_load_n(&f->lock, __ATOMIC_RELAXED) != 0)
            uiommu_pause();
    }
}

static void floor_unlock(struct floor_ring *f)
{
    __atomic_store_n(&f->lock, 0, __ATOMIC_RELEASE);
}

static void floor_put(struct floor_ring *f, uint64_t low, uint64_t high)
{
    volatile uint64_t *to = f->ring + (f->head & (SLOTS - 1u)) * f->words;

    to[0] = low;
    to[1] = high;
    if (f->words == 4) {
        to[2] = 0;
        to[3] = 0;
    }
    f->head++;
}

static bool floor_waves(struct state *s, uint32_t waves)
{
    struct floor_ring *f = &s->floor;
    uint64_t page = 1;
    uint32_t i;

    while (waves-- != 0) {
        floor_lock(f);
        if (f->head + s->wave + 1 - f->done > SLOTS)
            return false;
        for (i = 0; i < s->wave; i++)
            floor_put(f, 3 | 7u << 8, page++ << 12);
        floor_put(f, 1, f->head + 1);
        f->tail = f->head;
        if (s->threads != 1)
            f->consumer(f);
        floor_unlock(f);
    }
    return true;
}

static void floor_done(struct floor_ring *f)
{
    f->done = f->tail;
}

static bool floor_waits(struct state *s, uint32_t waves)
{
    struct floor_ring *f = &s->floor;
    uint64_t page = 1, ticket;
    uint32_t i;

    while (waves-- != 0) {
        floor_lock(f);
        for (i = 0; i < s->wave; i++)
            floor_put(f, 3 | 7u << 8, page++ << 12);
        floor_put(f, 1, f->head + 1);
        ticket = f->head;
        f->tail = f->head;
        f->consumer(f);
        floor_unlock(f);
        while (f->done < ticket)
            uiommu_pause();
    }
    return true;
}

/* ---- both ---- */

static struct state *open_state(const struct speed_row *row)
{
    struct state *s = calloc(1, sizeof(*s));

    if (s == NULL)
        abort();
    s->vendor = (enum speed_vendor)row->param[0];
    s->wave = (uint32_t)row->param[1];
    s->threads = (uint32_t)row->param[2];
    return s;
}

static void *floor_open(const struct speed_row *row)
{
    struct state *s = open_state(row);

    s->floor.words = s->vendor == SPEED_VTD ? 4 : 2;
    s->floor.ring = aligned_alloc(4096, SLOTS * 32);
    s->floor.consumer = floor_done;
    if (s->floor.ring == NULL)
        abort();
    memset(s->floor.ring, 0, SLOTS * 32);
    return s;
}

static void *library_open(const struct speed_row *row)
{
    struct speed_machine_config config = {.vendor = (enum speed_vendor)row->param[0],
                                          .queue_log2 = 11};
    struct state *s = open_state(row);
    const struct speed_page *page;
    uint64_t base;

    s->m = speed_machine_open(&config);
    if (s->m == NULL) {
        free(s);
        return NULL;
    }
    page = &s->m->page;
    s->unit = s->m->unit;
    s->dev = s->m->device[0];
    s->bond = uiommu_bond_find(s->dev, speed_machine_pasid(s->m, 0, 0));
    base = speed_page_get64(page, s->vendor == SPEED_AMD ? AMD_CMD_BASE : VTD_IQA);
    s->ring = (unsigned char *)(uintptr_t)(base & ADDRESSES);
    s->m->config.user = s;
    s->m->at_once = false;
    s->hook = s->m->page.hook;
    if (s->threads != 1)
        s->m->page.hook = at_once;
    return s;
}

static void close_side(void *state)
{
    struct state *s = state;

    if (s->m != NULL) {
        s->m->page.hook = s->hook;
        if (!speed_machine_close(s->m))
            abort();
    }
    free(s->floor.ring);
    free(s);
}

/* A thread's waves in a round. */
static uint32_t each(const struct state *s)
{
    return (s->threads == 1 ? ROUND : TOGETHER / s->threads) / (s->wave + 1u);
}

static void *thread(void *state)
{
    struct state *s = state;
    uint32_t me = __atomic_fetch_add(&s->ready, 1, __ATOMIC_ACQ_REL);
    uint32_t waves = each(s);

    while (__atomic_load_n(&s->ready, __ATOMIC_ACQUIRE) != s->threads)
        uiommu_pause();
    s->from[me] = speed_now_ns();
    s->good[me] = s->m != NULL ? library_waves(s, waves) : floor_waves(s, waves);
    s->until[me] = speed_now_ns();
    return NULL;
}

/* From where the first begins to where the last ends. */
static bool all_threads(struct state *s, struct speed_sample *sample)
{
    pthread_t other[THREADS];
    double from, until;
    bool good = true;
    uint32_t i;

    s->ready = 0;
    for (i = 1; i < s->threads; i++) {
        if (pthread_create(&other[i], NULL, thread, s) != 0)
            abort();
    }
    (void)thread(s);
    for (i = 1; i < s->threads; i++)
        good &= pthread_join(other[i], NULL) == 0;
    from = s->from[0];
    until = s->until[0];
    for (i = 0; i < s->threads; i++) {
        good &= s->good[i];
        from = s->from[i] < from ? s->from[i] : from;
        until = s->until[i] > until ? s->until[i] : until;
    }
    sample->ns = until - from;
    sample->ops = (uint64_t)each(s) * s->wave;
    return good;
}

/* Operations are each thread's. The commands are carried out after the round: a ticket behind
 * them all proves it. */
static bool waves(void *state, struct speed_sample *sample)
{
    struct state *s = state;
    uint64_t ticket = 0;
    uiommu_err err;
    uintptr_t irq;
    bool good = all_threads(s, sample);

    if (s->m == NULL) {
        floor_done(&s->floor);
        return good;
    }
    if (s->threads != 1)
        return good;
    irq = uiommu_lock_take(s->unit->u, &s->unit->lock);
    err = uiommu_ticket_push(s->unit, &ticket);
    s->m->vendor->consume(s->m);
    if (err == UIOMMU_OK)
        err = uiommu_ticket_poll(s->unit, ticket);
    uiommu_lock_give(s->unit->u, &s->unit->lock, irq);
    if (err != UIOMMU_OK)
        speed_say("a ticket: error %d", err);
    return good && err == UIOMMU_OK;
}

static bool waits(void *state, struct speed_sample *sample)
{
    struct state *s = state;
    double from = speed_now_ns();
    bool good = s->m != NULL ? library_waits(s, WAITS) : floor_waits(s, WAITS);

    sample->ns = speed_now_ns() - from;
    sample->ops = (uint64_t)WAITS * s->wave;
    return good;
}

#define SIDES(round)                                                                               \
    {                                                                                              \
        {library_open, round, close_side},                                                         \
        {                                                                                          \
            floor_open, round, close_side                                                          \
        }                                                                                          \
    }
/* A vendor's rows. */
#define ROWS(name_, vendor_)                                                                       \
    {.name = name_ ": invalidations, one at a time",                                               \
     .op = "command",                                                                              \
     .side = SIDES(waves),                                                                         \
     .goal_ns = 6,                                                                                 \
     .floor_ns = 3.9,                                                                              \
     .param = {vendor_, 1, 1}},                                                                    \
        {.name = name_ ": invalidations, batches of 8",                                            \
         .op = "command",                                                                          \
         .side = SIDES(waves),                                                                     \
         .goal_ns = 1.5,                                                                           \
         .floor_ns = 1.0,                                                                          \
         .param = {vendor_, 8, 1}},                                                                \
        {.name = name_ ": invalidations, batches of 64",                                           \
         .op = "command",                                                                          \
         .side = SIDES(waves),                                                                     \
         .goal_ns = 1,                                                                             \
         .floor_ns = 0.6,                                                                          \
         .param = {vendor_, 64, 1}},                                                               \
        {.name = name_ ": one invalidation, waited for",                                           \
         .op = "command",                                                                          \
         .side = SIDES(waits),                                                                     \
         .goal_ns = 8,                                                                             \
         .floor_ns = 4.7,                                                                          \
         .param = {vendor_, 1, 0}},                                                                \
        {.name = name_ ": 2 producers, one at a time",                                             \
         .op = "command",                                                                          \
         .side = SIDES(waves),                                                                     \
         .goal_ns = 70,                                                                            \
         .floor_ns = 72,                                                                           \
         .param = {vendor_, 1, 2}},                                                                \
    {                                                                                              \
        .name = name_ ": 2 producers, batches of 64", .op = "command", .side = SIDES(waves),       \
        .goal_ns = 2.5, .floor_ns = 1.9, .param = {                                                \
            vendor_,                                                                               \
            64,                                                                                    \
            2                                                                                      \
        }                                                                                          \
    }

static const struct speed_row rows[] = {
    ROWS("amd", SPEED_AMD),
    ROWS("vtd", SPEED_VTD),
    ROWS("smmuv3", SPEED_SMMUV3),
};

const struct speed_table speed_commands = {"commands", "Command rings, 1 and 2 producers", rows,
                                           sizeof(rows) / sizeof(rows[0])};
