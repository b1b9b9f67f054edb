/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "stress_machine.h"

/* The host that the library sees. */

#define REG_STRIDE UINT64_C(0x100000)
#define WAIT_MOST  (2 * ST_MS)

struct head {
    size_t bytes;
    uint8_t pad[64 - sizeof(size_t)];
};

_Thread_local struct st_thread *st_me;

/* ---- time and threads ---- */

static uint64_t clock_ns(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * ST_S + (uint64_t)t.tv_nsec;
}

uint64_t st_now(const struct machine *m)
{
    return clock_ns() - m->began_ns;
}

void st_lock(struct machine *m)
{
    uint64_t now, seen;

    (void)pthread_mutex_lock(&m->world_lock);
    now = st_now(m);
    seen = model_now(m->world);
    if (now > seen) {
        model_advance(m->world, now - seen);
    }
}

void st_unlock(struct machine *m)
{
    (void)pthread_mutex_unlock(&m->world_lock);
}

void st_sleep(uint64_t ns)
{
    struct timespec t = {(time_t)(ns / ST_S), (long)(ns % ST_S)};

    (void)nanosleep(&t, NULL);
}

static struct timespec absolute(const struct machine *m, uint64_t at_ns)
{
    uint64_t at = m->began_ns + at_ns;
    struct timespec t = {(time_t)(at / ST_S), (long)(at % ST_S)};

    return t;
}

void st_bell(struct st_unit *unit)
{
    (void)pthread_mutex_lock(&unit->bell);
    unit->rung = true;
    (void)pthread_cond_signal(&unit->ring);
    (void)pthread_mutex_unlock(&unit->bell);
}

bool st_bell_wait(struct st_unit *unit, uint64_t until_ns)
{
    struct timespec t = absolute(unit->m, until_ns);
    bool rung;

    (void)pthread_mutex_lock(&unit->bell);
    while (!unit->rung) {
        if (pthread_cond_timedwait(&unit->ring, &unit->bell, &t) == ETIMEDOUT) {
            break;
        }
    }
    rung = unit->rung;
    unit->rung = false;
    (void)pthread_mutex_unlock(&unit->bell);
    return rung;
}

uint64_t st_random(void)
{
    uint64_t x = st_me->random;

    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    st_me->random = x;
    return x * UINT64_C(0x2545F4914F6CDD1D);
}

uint32_t st_choose(uint32_t n)
{
    return (uint32_t)(((st_random() >> 32) * n) >> 32);
}

bool st_chance(uint32_t per_mille)
{
    return st_choose(1000) < per_mille;
}

void st_step(const char *doing)
{
    atomic_store_explicit(&st_me->doing, doing, memory_order_relaxed);
    atomic_fetch_add_explicit(&st_me->steps, 1, memory_order_relaxed);
}

void st_machine_clocks(struct machine *m)
{
    pthread_condattr_t attr;
    uint32_t i;

    (void)pthread_condattr_init(&attr);
    (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    (void)pthread_mutex_init(&m->world_lock, NULL);
    (void)pthread_mutex_init(&m->wait_lock, NULL);
    (void)pthread_cond_init(&m->wait_cond, &attr);
    for (i = 0; i < ST_UNITS; i++) {
        (void)pthread_mutex_init(&m->unit[i].bell, NULL);
        (void)pthread_cond_init(&m->unit[i].ring, &attr);
    }
    (void)pthread_condattr_destroy(&attr);
    m->began_ns = clock_ns();
}

/* ---- interrupts ---- */

static void task(struct machine *m, const char *what)
{
    st_expect(m, ST_IRQ, st_me->irq_depth == 0, "%s with interrupts saved", what);
}

static uintptr_t irq_save(void *ctx)
{
    (void)ctx;
    return st_me->irq_depth++;
}

static void irq_restore(void *ctx, uintptr_t state)
{
    struct machine *m = ctx;

    st_expect(m, ST_IRQ, st_me->irq_depth > 0 && state == st_me->irq_depth - 1,
              "restored to %u at depth %u", (unsigned)state, (unsigned)st_me->irq_depth);
    st_me->irq_depth = state;
}

static uintptr_t self(void *ctx)
{
    (void)ctx;
    return (uintptr_t)st_me->number + 1;
}

/* ---- memory ---- */

static uiommu_err mem_get(void *ctx, uint64_t bytes, uint64_t align, uint64_t limit,
                          struct uiommu_mem *out)
{
    struct machine *m = ctx;

    task(m, "mem_get");
    st_lock(m);
    out->cpu = model_ram_get(m->world, bytes, align, limit, &out->bus);
    if (out->cpu != NULL) {
        model_ram_clean(m->world, out->cpu, bytes);
    }
    st_unlock(m);
    if (out->cpu == NULL) {
        return UIOMMU_E_NOMEM;
    }
    out->bytes = bytes;
    atomic_fetch_add(&m->mem_live, 1);
    return UIOMMU_OK;
}

static void mem_put(void *ctx, const struct uiommu_mem *mem)
{
    struct machine *m = ctx;

    task(m, "mem_put");
    atomic_fetch_sub(&m->mem_live, 1);
    st_lock(m);
    model_ram_put(m->world, mem->bus, mem->bytes);
    st_unlock(m);
}

static void *heap_get(void *ctx, size_t bytes)
{
    struct machine *m = ctx;
    size_t whole = (sizeof(struct head) + bytes + 63) & ~(size_t)63;
    struct head *head = aligned_alloc(64, whole);

    task(m, "heap_get");
    if (head == NULL) {
        return NULL;
    }
    memset(head, 0, whole);
    head->bytes = bytes;
    atomic_fetch_add(&m->heap_live, (int64_t)bytes);
    return head + 1;
}

static void heap_put(void *ctx, void *ptr, size_t bytes)
{
    struct machine *m = ctx;
    struct head *head = (struct head *)ptr - 1;

    task(m, "heap_put");
    st_expect(m, ST_LEAK, head->bytes == bytes, "put %zu bytes of %zu", bytes, head->bytes);
    atomic_fetch_sub(&m->heap_live, (int64_t)bytes);
    free(head);
}

static void mem_to_device(void *ctx, const void *cpu, uint64_t bytes)
{
    struct machine *m = ctx;

    st_lock(m);
    model_ram_clean(m->world, cpu, bytes);
    st_unlock(m);
}

static void mem_from_device(void *ctx, const void *cpu, uint64_t bytes)
{
    struct machine *m = ctx;

    st_lock(m);
    model_ram_invalidate(m->world, cpu, bytes);
    st_unlock(m);
}

/* ---- registers ---- */

static struct model_smmuv3 *at(struct machine *m, uint64_t addr, uint64_t *offset)
{
    *offset = addr % REG_STRIDE;
    return m->unit[addr / REG_STRIDE - 1].model;
}

static uint32_t mmio_read32(void *ctx, uint64_t addr)
{
    struct machine *m = ctx;
    uint64_t offset;
    struct model_smmuv3 *model = at(m, addr, &offset);
    uint32_t value;

    st_lock(m);
    value = model_smmuv3_read32(model, offset);
    st_unlock(m);
    return value;
}

static uint64_t mmio_read64(void *ctx, uint64_t addr)
{
    struct machine *m = ctx;
    uint64_t offset, value;
    struct model_smmuv3 *model = at(m, addr, &offset);

    st_lock(m);
    value = model_smmuv3_read64(model, offset);
    st_unlock(m);
    return value;
}

static void mmio_write32(void *ctx, uint64_t addr, uint32_t value)
{
    struct machine *m = ctx;
    uint64_t offset;
    struct model_smmuv3 *model = at(m, addr, &offset);

    st_lock(m);
    model_smmuv3_write32(model, offset, value);
    st_unlock(m);
}

static void mmio_write64(void *ctx, uint64_t addr, uint64_t value)
{
    struct machine *m = ctx;
    uint64_t offset;
    struct model_smmuv3 *model = at(m, addr, &offset);

    st_lock(m);
    model_smmuv3_write64(model, offset, value);
    st_unlock(m);
}

/* No lock: it would order threads that the library has to order by itself. */
static uint64_t now_ns(void *ctx)
{
    const struct machine *m = ctx;

    return st_now(m);
}

/* ---- waiting ---- */

static void wait_word(void *ctx, const struct uiommu_word *word, uint32_t seen, uint64_t deadline)
{
    struct machine *m = ctx;
    uint64_t most = st_now(m) + WAIT_MOST;
    struct timespec t = absolute(m, deadline < most ? deadline : most);

    task(m, "wait");
    (void)pthread_mutex_lock(&m->wait_lock);
    if (uiommu_word_load(word) == seen) {
        (void)pthread_cond_timedwait(&m->wait_cond, &m->wait_lock, &t);
    }
    (void)pthread_mutex_unlock(&m->wait_lock);
}

static void wake_word(void *ctx, const struct uiommu_word *word)
{
    struct machine *m = ctx;
    uint32_t i;

    for (i = 0; i < ST_UNITS; i++) {
        if (word == atomic_load_explicit(&m->unit[i].due, memory_order_relaxed)) {
            st_bell(&m->unit[i]);
        }
    }
    (void)pthread_mutex_lock(&m->wait_lock);
    (void)pthread_cond_broadcast(&m->wait_cond);
    (void)pthread_mutex_unlock(&m->wait_lock);
}

static void log_line(void *ctx, enum uiommu_log_level level, const char *msg)
{
    struct machine *m = ctx;

    st_expect(m, ST_EVENTS, level != UIOMMU_LOG_ERROR, "the library says: %s", msg);
}

void st_host_ops(struct machine *m)
{
    struct uiommu_host_ops *ops = &m->ops;

    ops->size = sizeof(*ops);
    ops->ctx = m;
    ops->mem_get = mem_get;
    ops->mem_put = mem_put;
    ops->heap_get = heap_get;
    ops->heap_put = heap_put;
    ops->mem_to_device = mem_to_device;
    ops->mem_from_device = mem_from_device;
    ops->mmio_read32 = mmio_read32;
    ops->mmio_read64 = mmio_read64;
    ops->mmio_write32 = mmio_write32;
    ops->mmio_write64 = mmio_write64;
    ops->now_ns = now_ns;
    ops->wake = wake_word;
    ops->irq_save = irq_save;
    ops->irq_restore = irq_restore;
    ops->self = self;
    ops->log = log_line;
    if (m->variant->wait) {
        ops->wait = wait_word;
    }
}
