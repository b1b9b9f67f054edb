/* SPDX-License-Identifier: BSD-2-Clause */
#include "model_internal.h"

void *model_carve(struct model_world *world, size_t bytes, size_t align)
{
    uintptr_t at = (uintptr_t)world->arena + world->arena_used;
    size_t pad;
    void *piece;

    if (align == 0) {
        align = 1;
    }
    pad = (size_t)(0u - at) & (align - 1);
    if (pad > world->arena_bytes - world->arena_used ||
        bytes > world->arena_bytes - world->arena_used - pad) {
        return NULL;
    }
    piece = world->arena + world->arena_used + pad;
    world->arena_used += pad + bytes;
    return piece;
}

void *model_alloc(struct model_world *world, size_t bytes, size_t align)
{
    void *piece = model_carve(world, bytes, align);

    if (piece != NULL) {
        memset(piece, 0, bytes);
    }
    return piece;
}

struct model_world *model_world_create(const struct model_world_config *config)
{
    struct model_world start;
    struct model_world *world;

    if (config->memory == NULL) {
        return NULL;
    }
    memset(&start, 0, sizeof(start));
    start.arena = config->memory;
    start.arena_bytes = config->memory_bytes;
    world = model_alloc(&start, sizeof(start), _Alignof(struct model_world));
    if (world == NULL) {
        return NULL;
    }
    *world = start;
    world->tick_ns = config->tick_ns;
    world->random = config->seed;
    world->report_ctx = config->report_ctx;
    world->report = config->report;
    world->work =
        model_carve(world, MODEL_WORK_MAX * sizeof(*world->work), _Alignof(struct model_work));
    if (world->work == NULL) {
        return NULL;
    }
    if (!model_ram_init(world, config->ram_base, config->ram_bytes, config->coherent)) {
        return NULL;
    }
    return world;
}

/* ---- clock and scheduled work ---- */

static bool work_before(const struct model_work *a, const struct model_work *b)
{
    return a->when != b->when ? a->when < b->when : a->order < b->order;
}

static void work_swap(struct model_work *a, struct model_work *b)
{
    struct model_work kept = *a;

    *a = *b;
    *b = kept;
}

static struct model_work work_pop(struct model_world *world)
{
    struct model_work *heap = world->work;
    struct model_work first = heap[0];
    uint32_t at = 0;

    world->work_count--;
    heap[0] = heap[world->work_count];
    for (;;) {
        uint32_t child = 2 * at + 1;

        if (child >= world->work_count) {
            break;
        }
        if (child + 1 < world->work_count && work_before(&heap[child + 1], &heap[child])) {
            child++;
        }
        if (!work_before(&heap[child], &heap[at])) {
            break;
        }
        work_swap(&heap[child], &heap[at]);
        at = child;
    }
    return first;
}

bool model_schedule(struct model_world *world, uint64_t delay_ns, model_work_fn *fn, void *arg,
                    uint64_t token)
{
    struct model_work *heap = world->work;
    struct model_work *work;
    uint32_t at = world->work_count;

    if (at == MODEL_WORK_MAX) {
        return false;
    }
    world->work_count++;
    work = &heap[at];
    work->when = delay_ns > UINT64_MAX - world->now ? UINT64_MAX : world->now + delay_ns;
    work->order = world->work_order++;
    work->fn = fn;
    work->arg = arg;
    work->token = token;
    while (at > 0 && work_before(&heap[at], &heap[(at - 1) / 2])) {
        work_swap(&heap[at], &heap[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    return true;
}

uint64_t model_now(const struct model_world *world)
{
    return world->now;
}

/*
 * Work may look at the clock, which moves it. The end of this run stays where it was, so that
 * work which reschedules itself cannot keep the run going for ever.
 */
static void run_until(struct model_world *world, uint64_t end)
{
    world->running = true;
    while (world->work_count > 0 && world->work[0].when <= end) {
        struct model_work work = work_pop(world);

        if (world->now < work.when) {
            world->now = work.when;
        }
        work.fn(work.arg, work.token);
    }
    world->running = false;
    if (world->now < end) {
        world->now = end;
    }
}

void model_advance(struct model_world *world, uint64_t ns)
{
    uint64_t end = ns > UINT64_MAX - world->now ? UINT64_MAX : world->now + ns;

    if (world->running || world->work_count == 0 || world->work[0].when > end) {
        world->now = end;
        return;
    }
    run_until(world, end);
}

void model_tick(struct model_world *world)
{
    model_advance(world, world->tick_ns);
}

bool model_settle(struct model_world *world, uint64_t max_ns)
{
    uint64_t end = max_ns > UINT64_MAX - world->now ? UINT64_MAX : world->now + max_ns;

    if (world->running) {
        return world->work_count == 0;
    }
    while (world->work_count > 0 && world->work[0].when <= end) {
        run_until(world, world->work[0].when > world->now ? world->work[0].when : world->now);
    }
    if (world->work_count > 0 && world->now < end) {
        world->now = end;
    }
    return world->work_count == 0;
}

uint64_t model_next_work(const struct model_world *world)
{
    return world->work_count == 0 ? UINT64_MAX : world->work[0].when;
}

bool model_work_step(struct model_world *world)
{
    struct model_work work;

    if (world->running || world->work_count == 0) {
        return false;
    }
    work = work_pop(world);
    if (world->now < work.when) {
        world->now = work.when;
    }
    world->running = true;
    work.fn(work.arg, work.token);
    world->running = false;
    return true;
}

void model_set_tick(struct model_world *world, uint64_t tick_ns)
{
    world->tick_ns = tick_ns;
}

/* ---- choices ---- */

/* splitmix64: any seed is a good one, 0 included. */
uint64_t model_random(struct model_world *world)
{
    uint64_t z;

    world->random += 0x9E3779B97F4A7C15u;
    z = world->random;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

uint32_t model_choose(struct model_world *world, uint32_t n)
{
    return (uint32_t)(((model_random(world) >> 32) * n) >> 32);
}

bool model_chance(struct model_world *world, uint32_t per_mille)
{
    return model_choose(world, 1000) < per_mille;
}

/* ---- reports ---- */

void model_report(struct model_world *world, const char *rule, const char *text, uint64_t a,
                  uint64_t b)
{
    struct model_report report = {.rule = rule, .text = text, .a = a, .b = b};

    world->report_count++;
    if (world->report != NULL) {
        world->report(world->report_ctx, &report);
    }
}

uint32_t model_report_count(const struct model_world *world)
{
    return world->report_count;
}
