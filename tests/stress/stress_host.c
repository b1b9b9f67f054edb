/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "stress_machine.h"

/* The host that the library sees. */

#define SHIFT_BITS 40u /* Between the registers of two units. */
#define WAIT_MOST  (2 * ST_MS)

/*
 * Real hardware orders nobody. Under ThreadSanitizer the world's mutex is invisible, and so is
 * what happens while it is held: only the library's own locks and words order its threads.
 */
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define UNSEEN
#endif
#endif
#ifdef UNSEEN
void AnnotateIgnoreSyncBegin(const char *file, int line);
void AnnotateIgnoreSyncEnd(const char *file, int line);
void AnnotateIgnoreReadsBegin(const char *file, int line);
void AnnotateIgnoreReadsEnd(const char *file, int line);
void AnnotateIgnoreWritesBegin(const char *file, int line);
void AnnotateIgnoreWritesEnd(const char *file, int line);

static void unseen(bool on)
{
    if (on) {
        AnnotateIgnoreSyncBegin(__FILE__, __LINE__);
        AnnotateIgnoreReadsBegin(__FILE__, __LINE__);
        AnnotateIgnoreWritesBegin(__FILE__, __LINE__);
    } else {
        AnnotateIgnoreWritesEnd(__FILE__, __LINE__);
        AnnotateIgnoreReadsEnd(__FILE__, __LINE__);
        AnnotateIgnoreSyncEnd(__FILE__, __LINE__);
    }
}
#else
static void unseen(bool on)
{
    (void)on;
}
#endif

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

    unseen(true);
    (void)pthread_mutex_lock(&m->world_lock);
    now = st_now(m);
    seen = model_now(m->world);
    if (now > seen) {
        model_advance(m->world, now - seen);
    }
}

void st_unlock(struct machine *m)
{
    bool irq[ST_UNITS];
    uint32_t i;

    for (i = 0; i < m->units; i++) {
        irq[i] = m->unit[i].b.irq;
        m->unit[i].b.irq = false;
    }
    (void)pthread_mutex_unlock(&m->world_lock);
    unseen(false);
    for (i = 0; i < m->units; i++) {
        if (irq[i]) {
            st_bell(&m->unit[i]);
        }
    }
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
    (void)pthread_mutex_init(&m->mem_lock, NULL);
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

static bool fails(struct machine *m)
{
    uint32_t odds = atomic_load_explicit(&m->fail_per_mille, memory_order_relaxed);

    if (odds == 0 || !st_chance(odds)) {
        return false;
    }
    ST_COUNT(m, no_memory);
    return true;
}

static uiommu_err mem_get(void *ctx, uint64_t bytes, uint64_t align, uint64_t limit,
                          struct uiommu_mem *out)
{
    struct machine *m = ctx;

    task(m, "mem_get");
    if (fails(m)) {
        return UIOMMU_E_NOMEM;
    }
    /* Whoever had the memory before was here, and ThreadSanitizer is to know. */
    (void)pthread_mutex_lock(&m->mem_lock);
    st_lock(m);
    out->cpu = model_ram_get(m->world, bytes, align, limit, &out->bus);
    if (out->cpu != NULL) {
        model_ram_clean(m->world, out->cpu, bytes);
    }
    st_unlock(m);
    (void)pthread_mutex_unlock(&m->mem_lock);
    if (out->cpu == NULL) {
        return UIOMMU_E_NOMEM;
    }
    out->bytes = bytes;
    atomic_fetch_add_explicit(&m->mem_live, 1, memory_order_relaxed);
    return UIOMMU_OK;
}

static void mem_put(void *ctx, const struct uiommu_mem *mem)
{
    struct machine *m = ctx;

    task(m, "mem_put");
    atomic_fetch_sub_explicit(&m->mem_live, 1, memory_order_relaxed);
    (void)pthread_mutex_lock(&m->mem_lock);
    st_lock(m);
    model_ram_put(m->world, mem->bus, mem->bytes);
    st_unlock(m);
    (void)pthread_mutex_unlock(&m->mem_lock);
}

static void *heap_get(void *ctx, size_t bytes)
{
    struct machine *m = ctx;
    size_t whole = (sizeof(struct head) + bytes + 63) & ~(size_t)63;
    struct head *head = fails(m) ? NULL : aligned_alloc(64, whole);

    task(m, "heap_get");
    if (head == NULL) {
        return NULL;
    }
    memset(head, 0, whole);
    head->bytes = bytes;
    atomic_fetch_add_explicit(&m->heap_live, (int64_t)bytes, memory_order_relaxed);
    return head + 1;
}

static void heap_put(void *ctx, void *ptr, size_t bytes)
{
    struct machine *m = ctx;
    struct head *head = (struct head *)ptr - 1;

    task(m, "heap_put");
    st_expect(m, ST_LEAK, head->bytes == bytes, "put %zu bytes of %zu", bytes, head->bytes);
    atomic_fetch_sub_explicit(&m->heap_live, (int64_t)bytes, memory_order_relaxed);
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

/* Whose registers they are; *addr becomes what the vendor's bench takes. */
static struct bench *at(struct machine *m, uint64_t *addr)
{
    struct bench *b = &m->unit[*addr >> SHIFT_BITS].b;

    *addr -= b->shift;
    return b;
}

static uint32_t mmio_read32(void *ctx, uint64_t addr)
{
    struct machine *m = ctx;
    struct bench *b = at(m, &addr);
    uint32_t value;

    st_lock(m);
    value = b->vendor->read32(b, addr);
    st_unlock(m);
    return value;
}

static uint64_t mmio_read64(void *ctx, uint64_t addr)
{
    struct machine *m = ctx;
    struct bench *b = at(m, &addr);
    uint64_t value;

    st_lock(m);
    value = b->vendor->read64(b, addr);
    st_unlock(m);
    return value;
}

static void mmio_write32(void *ctx, uint64_t addr, uint32_t value)
{
    struct machine *m = ctx;
    struct bench *b = at(m, &addr);

    st_lock(m);
    b->vendor->write32(b, addr, value);
    st_unlock(m);
}

static void mmio_write64(void *ctx, uint64_t addr, uint64_t value)
{
    struct machine *m = ctx;
    struct bench *b = at(m, &addr);

    st_lock(m);
    b->vendor->write64(b, addr, value);
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

    st_expect(m, ST_EVENTS, level != UIOMMU_LOG_ERROR || m->variant->rough, "the library says: %s",
              msg);
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
